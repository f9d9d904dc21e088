"""Sings phrases: performance, acoustic features, samples. Each phrase stands alone: changing one leaves the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache, cached, key_of
from noisician.mel import SAMPLE_RATE_HZ
from noisician.parallel import Steps, map_in_order
from noisician.vocals.acoustic import STEPS, Acoustic
from noisician.vocals.frames import SungSyllable
from noisician.vocals.performance import perform
from noisician.vocals.style import SingingStyle
from noisician.vocals.synthesis import synthesise
from noisician.vocals.timing import LEAD_S
from noisician.vocals.voices import Voice
from noisician.weights import manifest


@dataclass(frozen=True)
class Phrase:
    """What one singer sings in one breath, in a style that is already the voice's own.

    ``seed`` names this take of it; ``lead_s`` of silence before it are free for breath and first consonants.
    """

    syllables: tuple[SungSyllable, ...]
    voice: Voice
    style: SingingStyle
    seed: int
    lead_s: float = LEAD_S


class Singer:
    """Holds the network; sings any number of phrases, on all cores."""

    def __init__(self, acoustic: Acoustic | None = None) -> None:
        self._acoustic = acoustic or Acoustic()
        self._identity = manifest()["vocals"]["sha256"] if acoustic is None else f"network {id(acoustic)}"

    def sing(
        self,
        phrases: Sequence[Phrase],
        samples: int,
        on_share: Callable[[float], None] = lambda share: None,
        steps: int = STEPS,
        on_phrase: Callable[[int, np.ndarray], None] = lambda start, audio: None,
        cache: ArrayCache = NO_CACHE,
    ) -> np.ndarray:
        """Mono float32 ``[samples]`` at 44.1 kHz with every phrase at its place; ``on_share`` may raise to cancel.

        ``on_phrase`` hears each phrase as :meth:`phrase` returns it, from the thread that sang it, in no fixed order.
        Phrases that ``cache`` has are not sung again.
        """
        stem = np.zeros(samples, np.float32)
        count = Steps(len(phrases), on_share)

        def work(phrase: Phrase) -> tuple[int, np.ndarray]:
            sung = self.phrase(phrase, steps, cache)
            on_phrase(*sung)
            count()
            return sung

        for start, audio in map_in_order(work, phrases, count):
            first, last = max(0, start), min(samples, start + len(audio))
            if first < last:
                stem[first:last] += audio[first - start : last - start]
        return stem

    def phrase(self, phrase: Phrase, steps: int = STEPS, cache: ArrayCache = NO_CACHE) -> tuple[int, np.ndarray]:
        """(sample of the score at which it starts, mono float32); the start is negative where it begins early."""
        sung = perform(phrase.syllables, phrase.style, phrase.seed, phrase.lead_s)
        frames = sung.frames

        def make() -> np.ndarray:
            voice = phrase.voice
            features = self._acoustic.features(frames, voice.mixture_array, voice.warp, phrase.seed, steps)
            return synthesise(features, frames.f0_hz, frames.voiced, phrase.seed)

        audio = cached(cache, lambda: key_of("phrase", self._identity, steps, phrase), make)
        return round(sung.start_s * SAMPLE_RATE_HZ), audio
