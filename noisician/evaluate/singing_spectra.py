"""Spectra of sung phrases: how far from the teacher's on lines nobody trained on, and how unlike the voices are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from noisician.corpus.vocals.text import is_held_out
from noisician.errors import CorpusError
from noisician.lyrics.phones import VOWELS
from noisician.vocals.acoustic import Acoustic
from noisician.vocals.features import band_centres_hz
from noisician.vocals.frames import ENVELOPE_BANDS, SPEAKERS, Frames
from noisician.vocals.phones import PHONE_IDS
from noisician.vocals.voices import Voice

#: Voices differ in their vowels below this; above, singing is much the same.
VOWEL_TOP_HZ = 7000.0
#: A vowel that lasts so long is held, and would be heard to stand still.
HELD_FROM_S = 0.25
_VOWEL_IDS = [PHONE_IDS[phone] for phone in VOWELS]


@dataclass(frozen=True)
class HeldOutPhrase:
    """A teacher's phrase with words that training never saw; ``features [frames, 106]`` in dB."""

    text: str
    speaker: str
    warp: float
    frames: Frames
    features: np.ndarray

    @property
    def mixture(self) -> np.ndarray:
        return np.eye(len(SPEAKERS), dtype=np.float32)[SPEAKERS.index(self.speaker)]


def held_out_phrases(folder: Path, count: int) -> Iterator[HeldOutPhrase]:
    """At most ``count`` phrases, as many of one speaker as of another, shard by shard.

    Raises CorpusError for a folder without shards, or a shard that cannot be read.
    """
    paths = sorted(folder.glob("phrases-*.npz"))
    if not paths:
        raise CorpusError(f"{folder} holds 0 shards of sung phrases; make them with: noisician corpus vocals")
    found: dict[int, list[tuple[Path, int]]] = {speaker: [] for speaker in range(len(SPEAKERS))}
    for path in paths:
        with _opened(path) as file:
            for number, (text, speaker) in enumerate(zip(file["text"], file["speaker"], strict=True)):
                if is_held_out(str(text)):
                    found[int(speaker)].append((path, number))
    each = -(-count // len(SPEAKERS))
    spread = [own[place * len(own) // each] for place in range(each) for own in found.values() if len(own) > place]
    for path in paths:
        numbers = sorted({number for where, number in spread[:count] if where == path})
        if numbers:
            yield from _of_shard(path, numbers)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with np.load(path) as file:
            yield file
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as broken:
        raise CorpusError(f"{path} cannot be read ({broken}); it is damaged or of another version") from broken


def _of_shard(path: Path, numbers: Sequence[int]) -> Iterator[HeldOutPhrase]:
    with _opened(path) as file:
        texts, speakers, warps = file["text"], file["speaker"], file["warp"]
        ends = file["offset"].tolist()
        features = file["features"]
        controls = Frames(**{part.name: file[part.name] for part in fields(Frames)})
    for number in numbers:
        first, last = ends[number], ends[number + 1]
        yield HeldOutPhrase(
            text=str(texts[number]),
            speaker=SPEAKERS[int(speakers[number])],
            warp=float(warps[number]),
            frames=controls.part(first, last),
            features=features[first:last].astype(np.float32),
        )


def log_spectral_distance_db(made: np.ndarray, target: np.ndarray, voiced: np.ndarray) -> float | None:
    """Root mean square over the envelope's bands, averaged over voiced frames; levels count. None where none is.

    ``made`` and ``target`` are features ``[frames, 106]``, ``voiced [frames]`` 0/1.
    """
    chosen = np.asarray(voiced) > 0.5
    if not chosen.any():
        return None
    difference = (made - target)[chosen][:, :ENVELOPE_BANDS]
    return float(np.sqrt(np.square(difference).mean(axis=1)).mean())


def held_vowel_motion_db(features: np.ndarray, frames: Frames) -> float | None:
    """Mean step of a band from frame to frame in the middle halves of held vowels, in dB: 0 is a frozen sound.

    None where no vowel is held.
    """
    held = np.isin(frames.phone, _VOWEL_IDS) & (np.abs(frames.position - 0.5) <= 0.25)
    held &= frames.log_duration >= np.log(HELD_FROM_S)
    both = held[1:] & held[:-1]
    if not both.any():
        return None
    return float(np.abs(np.diff(features[:, :ENVELOPE_BANDS], axis=0))[both].mean())


def vowel_distances_db(
    acoustic: Acoustic, voices: Sequence[Voice], frames: Frames, seed: int
) -> dict[tuple[str, str], float]:
    """For each pair of voices the distance of their vowels in the same performance.

    Root mean square over the bands below VOWEL_TOP_HZ of the means' envelopes, levels removed, averaged over the
    frames of vowels.
    """
    vowels = np.isin(frames.phone, _VOWEL_IDS)
    low = band_centres_hz() < VOWEL_TOP_HZ
    shapes = {}
    for voice in voices:
        features = acoustic.features(frames, voice.mixture_array, voice.warp, seed, noise_scale=0)
        bands = features[vowels][:, :ENVELOPE_BANDS][:, low]
        shapes[voice.id] = bands - bands.mean(axis=1, keepdims=True)
    return {
        (one, other): float(np.sqrt(np.square(shapes[one] - shapes[other]).mean(axis=1)).mean())
        for one, other in combinations(shapes, 2)
    }
