"""Études nobody was trained on, and what else could have played them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.corpus.clips import Clip, Studio, make_clip
from noisician.corpus.voices.effects import apply_timbre_tags
from noisician.diffusion.noise import generator
from noisician.mel import SAMPLE_RATE_HZ
from noisician.styles import Instrument, shipped_instruments
from noisician.vocoder.excitation import excitation

#: Clips of this seed and above are in no training set.
FIRST_HELD_OUT_SEED = 1_000_000
OTHER_TAKE = 77


def is_soundfont(instrument: Instrument) -> bool:
    return instrument.source["kind"] == "soundfont"


def held_out_seeds(count: int, seed: int, wanted: Callable[[Instrument], bool]) -> list[int]:
    """``count`` held-out clip seeds whose instruments are spread evenly over those wanted.

    A clip's instrument is its seed modulo the number of instruments; ``seed`` shifts all of them.
    """
    table = list(shipped_instruments().values())
    places = [place for place, instrument in enumerate(table) if wanted(instrument)]
    first = FIRST_HELD_OUT_SEED - FIRST_HELD_OUT_SEED % len(table) + len(table) * (1 + 1000 * seed)
    stride = len(places) / min(count, len(places))
    chosen = [places[int((number * stride) % len(places))] for number in range(count)]
    return [first + len(table) * number + place for number, place in enumerate(chosen)]


def excerpts(studio: Studio, seeds: Sequence[int], duration_s: float, *, plain: bool = False) -> Iterator[Clip]:
    """The first ``duration_s`` of the clips of ``seeds``, one at a time; silent ones are left out.

    ``plain`` ones have no timbre tags.
    """
    for seed in seeds:
        clip = make_clip(studio, seed, plain=plain)
        notes = tuple(note for note in clip.notes if note.start_s < duration_s)
        audio = clip.audio[: round(duration_s * SAMPLE_RATE_HZ)]
        if notes and np.abs(audio).max() > 1e-3:
            yield replace(clip, notes=notes, audio=audio)


@dataclass(frozen=True)
class Understudy:
    """Another studio that plays a clip's notes."""

    studio: Studio

    def play(self, clip: Clip) -> np.ndarray:
        """Mono float32, as long as the clip, with the same timbre tags."""
        duration_s = len(clip.audio) / SAMPLE_RATE_HZ
        audio = self.studio.play(clip.instrument, clip.notes, duration_s, clip.seed + OTHER_TAKE)
        if clip.timbre_tags:
            audio = apply_timbre_tags(audio, clip.timbre_tags, clip.seed)
        return np.asarray(audio[: len(clip.audio)], np.float32)


def flat_excitation(clip: Clip) -> np.ndarray:
    """The vocoder's raw excitation (for textures white noise) at the clip's RMS, mono float32."""
    raw = excitation(clip.notes, clip.instrument, len(clip.audio))
    if not raw.any():
        raw = generator(clip.seed, 0xF1A7).standard_normal(len(clip.audio), np.float32)
    power, wanted = (float(np.mean(np.square(audio, dtype=np.float64))) for audio in (raw, clip.audio))
    return (raw * np.sqrt(wanted / power)).astype(np.float32)
