"""Songs for the composer model: procedural ones and those written by people, packed for training.

A pack is one ``.npz``: ``tokens [steps, streams]`` int16, ``place`` and ``kind [steps]`` uint8,
``features [steps, STEP_FEATURES]`` float16, and per song ``offset [songs + 1]``, ``style [songs, STYLE_FEATURES]``
float16 and ``signature [songs]`` (index into LEARNT_METERS). Every song has at least one window of bars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisician.composer.conditions import GRID_ROLES, Steps, Style, step_conditions
from noisician.corpus.compose import compose_song
from noisician.corpus.human import HumanScore
from noisician.score.grid import REST, ROLE_STREAMS, STREAMS, Grid
from noisician.score.model import LEARNT_METERS, METERS
from noisician.styles import learnt_genres, table

#: Songs shorter than a window are repeated until they fill it.
WINDOW_BARS = 16
MOODLESS_SHARE = 0.35
#: Human scores carry this genre; the quartets lean to the concert hall.
HUMAN_GENRES = {"song": {"classical": 1.0}, "quartet": {"classical": 0.7, "cinematic": 0.3}}


@dataclass(frozen=True)
class Song:
    """One song ready to learn from."""

    grid: Grid
    steps: Steps
    style: np.ndarray


def procedural_song(seed: int) -> Song:
    """The song of a seed: genres take turns, the mood is drawn."""
    genres, moods = learnt_genres(), list(table("moods"))
    rng = np.random.default_rng([seed, 0x50])
    genre = genres[seed % len(genres)]
    mood = None if rng.random() < MOODLESS_SHARE else moods[rng.integers(len(moods))]
    song = compose_song(genre, mood, seed)
    style = Style({genre: 1.0}, {mood: 1.0} if mood else {}, song.mode, song.time_signature, song.density)
    steps = step_conditions(song.sections, song.active, song.time_signature, song.grid.bars)
    return Song(song.grid, steps, style.vector())


def human_song(score: HumanScore) -> Song:
    """A human score under the same conditions: who plays is read off the bars, the form is unknown."""
    style = Style(HUMAN_GENRES[score.kind], {}, score.mode, score.time_signature, by_people=True)
    active = np.stack([_sounding_bars(score.grid, role) for role in GRID_ROLES], axis=1)
    steps = step_conditions((), active, score.time_signature, score.grid.bars)
    return Song(score.grid, steps, style.vector())


def _sounding_bars(grid: Grid, role: str) -> np.ndarray:
    columns = [STREAMS.index(stream) for stream in ROLE_STREAMS[role]]
    return (grid.tokens[:, columns] != REST).reshape(grid.bars, -1).any(axis=1)


def write_pack(path: Path, songs: Iterable[Song]) -> int:
    """Packs songs into one file; returns how many."""
    tokens, place, kind, features, style, signature, offset = [], [], [], [], [], [], [0]
    for song in songs:
        repeats = -(-WINDOW_BARS // song.grid.bars)
        tokens.append(np.tile(song.grid.tokens, (repeats, 1)))
        place.append(np.tile(song.steps.place, repeats))
        kind.append(np.tile(song.steps.kind, repeats))
        features.append(np.tile(song.steps.features, (repeats, 1)))
        style.append(song.style)
        signature.append(LEARNT_METERS.index(song.grid.time_signature))
        offset.append(offset[-1] + len(tokens[-1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            tokens=np.concatenate(tokens).astype(np.int16),
            place=np.concatenate(place).astype(np.uint8),
            kind=np.concatenate(kind).astype(np.uint8),
            features=np.concatenate(features).astype(np.float16),
            style=np.stack(style).astype(np.float16),
            signature=np.array(signature, np.uint8),
            offset=np.array(offset, np.int64),
        )
    temporary.replace(path)
    return len(signature)


@dataclass(frozen=True)
class SongPack:
    """Packs read back and laid end to end."""

    tokens: np.ndarray
    place: np.ndarray
    kind: np.ndarray
    features: np.ndarray
    style: np.ndarray
    signature: np.ndarray
    offset: np.ndarray

    def draw_signature(self, rng: np.random.Generator) -> str:
        return LEARNT_METERS[int(self.signature[rng.integers(len(self.signature))])]

    def draw_window(self, rng: np.random.Generator, signature: str, bars: int) -> WindowOfSong:
        """A random stretch of whole bars of a random song of one metre."""
        songs = np.flatnonzero(self.signature == LEARNT_METERS.index(signature))
        song = int(rng.choice(songs))
        per_bar = METERS[signature].steps_per_bar
        available = (self.offset[song + 1] - self.offset[song]) // per_bar
        first = int(self.offset[song] + per_bar * rng.integers(available - bars + 1))
        rows = slice(first, first + bars * per_bar)
        steps = Steps(
            self.place[rows].astype(np.int64), self.kind[rows].astype(np.int64), self.features[rows].astype(np.float32)
        )
        return WindowOfSong(self.tokens[rows], steps, self.style[song].astype(np.float32))


@dataclass(frozen=True)
class WindowOfSong:
    tokens: np.ndarray
    steps: Steps
    style: np.ndarray


def open_songs(folder: Path) -> dict[str, SongPack]:
    """The packs of a folder by kind: ``procedural-*.npz`` and ``human-*.npz``."""
    packs = {}
    for kind in ("procedural", "human"):
        paths = sorted(folder.glob(f"{kind}-*.npz"))
        if paths:
            packs[kind] = _join([dict(np.load(path)) for path in paths])
    return packs


def _join(parts: list[dict[str, np.ndarray]]) -> SongPack:
    lengths = np.cumsum([0] + [part["offset"][-1] for part in parts])
    offset = np.concatenate([part["offset"][:-1] + start for part, start in zip(parts, lengths, strict=False)])
    fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "offset"}
    return SongPack(offset=np.append(offset, lengths[-1]), **fields)


def procedural_songs(first_seed: int, count: int) -> Iterator[Song]:
    return (procedural_song(seed) for seed in range(first_seed, first_seed + count))
