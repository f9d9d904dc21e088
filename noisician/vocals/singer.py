"""Sings phrases: performance, acoustic features, samples. Each phrase stands alone: changing one leaves the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.parallel import Steps, map_in_order
from noisician.vocals.acoustic import STEPS, Acoustic
from noisician.vocals.frames import SAMPLE_RATE_HZ, SungSyllable
from noisician.vocals.performance import perform
from noisician.vocals.style import SingingStyle
from noisician.vocals.synthesis import synthesise
from noisician.vocals.timing import LEAD_S
from noisician.vocals.voices import Voice


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

    def sing(
        self,
        phrases: Sequence[Phrase],
        samples: int,
        on_share: Callable[[float], None] = lambda share: None,
        steps: int = STEPS,
        on_phrase: Callable[[int, np.ndarray], None] = lambda start, audio: None,
    ) -> np.ndarray:
        """Mono float32 ``[samples]`` at 44.1 kHz with every phrase at its place; ``on_share`` may raise to cancel.

        ``on_phrase`` hears each phrase as :meth:`phrase` returns it, from the thread that sang it, in no fixed order.
        """
        stem = np.zeros(samples, np.float32)
        count = Steps(len(phrases), on_share)

        def work(phrase: Phrase) -> tuple[int, np.ndarray]:
            sung = self.phrase(phrase, steps)
            on_phrase(*sung)
            count()
            return sung

        for start, audio in map_in_order(work, phrases, count):
            first, last = max(0, start), min(samples, start + len(audio))
            if first < last:
                stem[first:last] += audio[first - start : last - start]
        return stem

    def phrase(self, phrase: Phrase, steps: int = STEPS) -> tuple[int, np.ndarray]:
        """(sample of the score at which it starts, mono float32); the start is negative where it begins early."""
        sung = perform(phrase.syllables, phrase.style, phrase.seed, phrase.lead_s)
        frames = sung.frames
        features = self._acoustic.features(frames, phrase.voice.mixture_array, phrase.voice.warp, phrase.seed, steps)
        return round(sung.start_s * SAMPLE_RATE_HZ), synthesise(features, frames.f0_hz, frames.voiced, phrase.seed)
