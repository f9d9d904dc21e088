"""Shards of sung phrases on disk: each line is spoken and analysed once and sung several times.

``phrases-K.npz`` holds some minutes of singing, phrases one after another:

``features``         float16 ``[frames, 106]``, what the network shall draw (see :mod:`noisician.vocals.features`)
the fields of Frames ``[frames]`` each, what it is told
``offset``           int64 ``[phrases + 1]``, where each phrase begins
``speaker``, ``warp`` ``[phrases]``: index in SPEAKERS; logarithm of the factor on the formants
``text``             ``[phrases]``, the words
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from noisician.corpus.build import OnPart, each
from noisician.corpus.vocals.analysis import Analysis, BandExtension, analyse
from noisician.corpus.vocals.phrases import random_phrase, random_style
from noisician.corpus.vocals.sources import Speaker, speakers
from noisician.corpus.vocals.teacher import sing
from noisician.corpus.vocals.text import Line, write_lines
from noisician.errors import CorpusError
from noisician.lyrics.phones import VOWELS
from noisician.vocals.features import band_centres_hz
from noisician.vocals.frames import SPEAKERS, Frames, Performance
from noisician.vocals.performance import perform
from noisician.vocals.phones import PHONE_IDS

#: Whose turn it is, line by line: the clearest man and woman, who sing in most voices, come twice as often.
TURNS = ("rms", "slt", "kal", "pico_us", "ked", "rms", "awb", "slt", "pico_gb")
#: Formants are moved by a normal logarithm of this spread, at most so far either way; some phrases keep theirs.
WARP_SPREAD, WARP_LIMIT, UNWARPED_SHARE = 0.09, 0.20, 0.25
#: Higher formants go with higher pitch: semitones a unit of warp.
WARP_SEMITONES = 28.0
_EXTENSION_LINES, _EXTENSION_SEED = 14, 0xB3E
#: A sung vowel must lose this much from 5–6 kHz to 10–14 kHz.
LEAST_HF_DROP_DB = 8.0
#: A shard may lose this share of its lines to engines that spoke something else, and no more.
MOST_LOST = 0.2


@dataclass(frozen=True)
class VocalsCorpus:
    """Shard *k* holds ``lines`` texts from seed *k*, each sung ``renderings`` times: 30 minutes by default."""

    folder: Path
    shards: int = 16
    first_shard: int = 0
    lines: int = 108
    renderings: int = 3
    workers: int = 1


@dataclass(frozen=True)
class SungPhrase:
    """One rendering; ``features`` float32 ``[frames, 106]``."""

    features: np.ndarray
    frames: Frames
    speaker: int
    warp: float
    text: str


def build_vocals(corpus: VocalsCorpus, on_part: OnPart = lambda done, total: None) -> None:
    """Writes the shards that are missing. Raises CorpusError for an engine that is missing or misbehaves."""
    numbers = range(corpus.first_shard, corpus.first_shard + corpus.shards)
    jobs = [(corpus.folder, number, corpus.lines, corpus.renderings) for number in numbers]
    each(write_phrases, jobs, corpus.workers, on_part)


def write_phrases(folder: Path, number: int, lines: int, renderings: int) -> None:
    """Writes one shard; an existing one is left alone."""
    path = folder / f"phrases-{number}.npz"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    phrases = list(sing_lines(list(write_lines(number, lines)), renderings, number))
    least = (1 - MOST_LOST) * lines * renderings
    if len(phrases) < least:
        raise CorpusError(
            f"shard {number}: {len(phrases)} phrases usable, at least {least:.0f} needed; a voice misbehaves"
        )
    partial = folder / f".phrases-{number}.npz"  # a shard under its final name is a whole one
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **_arrays(phrases))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def sing_lines(lines: Sequence[Line], renderings: int, seed: int) -> Iterator[SungPhrase]:
    """Every line in the voice whose turn it is, ``renderings`` times; what fails the checks is left out."""
    for speaker in speakers().values():
        turns = [place for place in range(len(lines)) if TURNS[place % len(TURNS)] == speaker.name]
        utterances = speaker.source().speak([lines[place] for place in turns])
        heard = 0
        for place, utterance in zip(turns, utterances, strict=True):
            if utterance is None:
                continue
            heard += 1
            analysis = analyse(utterance, speaker, band_extension())
            for take in range(renderings):
                phrase = _sing(lines[place], analysis, speaker, [seed, place, take])
                if phrase is not None:
                    yield phrase
        if turns and not heard:
            raise CorpusError(f"{speaker.name}: 0 of {len(turns)} lines spoken; install its voice ({speaker.origin})")


def _sing(line: Line, analysis: Analysis, speaker: Speaker, seed: list[int]) -> SungPhrase | None:
    rng = np.random.default_rng([*seed, 0x9A7E])
    warp = draw_warp(rng)
    shift = round(WARP_SEMITONES * warp)
    words = [[syllable.phones for syllable in word] for word in line.words]
    phrase = random_phrase(words, rng, speaker.low + shift, speaker.high + shift)
    performance = perform(phrase, random_style(rng), int(rng.integers(2**31)))
    features = sing(analysis, performance, warp, int(rng.integers(2**31)))
    if not is_sound(features, performance, line.syllables):
        return None
    return SungPhrase(features, performance.frames, SPEAKERS.index(speaker.name), warp, line.text)


def draw_warp(rng: np.random.Generator) -> float:
    """Logarithm of the factor on a speaker's formants."""
    if rng.random() < UNWARPED_SHARE:
        return 0.0
    return float(np.clip(WARP_SPREAD * rng.standard_normal(), -WARP_LIMIT, WARP_LIMIT))


@cache
def band_extension() -> BandExtension:
    """Learnt from the wide-band voice; the same for every shard."""
    speaker = speakers()["slt"]
    spoken = speaker.source().speak(list(write_lines(_EXTENSION_SEED, _EXTENSION_LINES)))
    return BandExtension.fit([analyse(utterance, speaker, None) for utterance in spoken if utterance is not None])


def is_sound(features: np.ndarray, performance: Performance, syllables: int) -> bool:
    """Whether every syllable has a vowel of at least a frame, all is finite, and no vowel hisses above 10 kHz."""
    sung = {phone.syllable for phone in performance.phones if phone.phone in VOWELS}
    vowels = np.isin(performance.frames.phone, [PHONE_IDS[phone] for phone in VOWELS])
    if sung != set(range(syllables)) or not vowels.any() or not np.isfinite(features).all():
        return False
    hz = band_centres_hz()
    bands = features[vowels][:, : len(hz)]
    low, high = (bands[:, (hz >= first) & (hz <= last)].mean() for first, last in ((5000, 6000), (10000, 14000)))
    return bool(low - high >= LEAST_HF_DROP_DB)


def _arrays(phrases: Sequence[SungPhrase]) -> dict[str, Any]:
    lengths = [len(phrase.features) for phrase in phrases]
    controls = {
        part.name: np.concatenate([getattr(phrase.frames, part.name) for phrase in phrases]) for part in fields(Frames)
    }
    return {
        "features": np.concatenate([phrase.features for phrase in phrases]).astype(np.float16),
        **controls,
        "offset": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        "speaker": np.array([phrase.speaker for phrase in phrases], np.int16),
        "warp": np.array([phrase.warp for phrase in phrases], np.float32),
        "text": np.array([phrase.text for phrase in phrases]),
    }


def manifest() -> list[dict[str, str]]:
    """Every speaker of the corpus with the licence of its voice."""
    return [
        {"speaker": speaker.name, "licence": speaker.licence, "origin": speaker.origin}
        for speaker in speakers().values()
    ]
