"""What the composer is told about each step of the grid, and about the whole piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.request import MODES
from noisician.score.grid import ROLE_STREAMS, STREAMS, VOCABULARY
from noisician.score.model import LEARNT_METERS, METERS, SECTION_KINDS, Meter, Section
from noisician.styles import base_of, learnt_genres, table

#: Bars a window of the composer holds, and the steps that makes at most.
WINDOW_BARS = 16
WINDOW_STEPS = 256
#: What the embedding of section kinds is indexed by; a step of no section is the first.
SECTION_IDS = {kind: number for number, kind in enumerate(("none", *SECTION_KINDS))}
GRID_ROLES = tuple(ROLE_STREAMS)
#: energy, place in the section 0 … 1, bars left in the section / 8, then one flag per role that should sound.
STEP_FEATURES = 3 + len(GRID_ROLES)
GENRE_SLOTS, MOOD_SLOTS = 64, 32
#: genre weights, mood weights, mode, metre, density, 1 for music written by people.
STYLE_FEATURES = GENRE_SLOTS + MOOD_SLOTS + len(MODES) + len(LEARNT_METERS) + 2
#: Each stream's mask token comes after its vocabulary.
MASK_TOKENS = np.array([VOCABULARY[stream] for stream in STREAMS], np.int16)


@dataclass(frozen=True)
class Style:
    """The piece as a whole. Weights sum to 1 or are empty."""

    genres: Mapping[str, float]
    moods: Mapping[str, float]
    mode: str
    time_signature: str
    density: float = 0.5
    by_people: bool = False

    def vector(self) -> np.ndarray:
        """float32 ``[STYLE_FEATURES]``."""
        genres, moods = np.zeros(GENRE_SLOTS), np.zeros(MOOD_SLOTS)
        for weights, slots, known in (
            (self.genres, genres, learnt_genres()),
            (self.moods, moods, tuple(table("moods"))),
        ):
            for id_, weight in weights.items():
                slots[known.index(base_of(id_))] += weight
        mode = [float(self.mode == mode) for mode in MODES]
        meter = [float(METERS[self.time_signature].base == name) for name in LEARNT_METERS]
        return np.concatenate([genres, moods, mode, meter, [self.density, float(self.by_people)]]).astype(np.float32)


@dataclass(frozen=True)
class Steps:
    """Per step: ``place`` in the bar, section ``kind`` int64 ``[T]``, ``features`` float32 ``[T, STEP_FEATURES]``."""

    place: np.ndarray
    kind: np.ndarray
    features: np.ndarray

    def at(self, rows: slice | np.ndarray) -> Steps:
        return Steps(self.place[rows], self.kind[rows], self.features[rows])


def step_conditions(sections: Sequence[Section], active: np.ndarray, time_signature: str, bars: int) -> Steps:
    """Conditions of a whole piece; ``active`` bool ``[bars, len(GRID_ROLES)]`` says which roles should sound."""
    meter = METERS[time_signature]
    kind = np.zeros(bars, np.int64)
    features = np.zeros((bars, STEP_FEATURES), np.float32)
    features[:, 0] = 0.5
    for section in sections:
        first, last = section.start_bar, min(section.start_bar + section.bars, bars)
        kind[first:last] = SECTION_IDS[section.kind]
        inside = np.arange(last - first)
        features[first:last, 0] = section.energy
        features[first:last, 1] = inside / max(1, section.bars)
        features[first:last, 2] = np.minimum(section.bars - inside, 8) / 8
    features[:, 3:] = active
    places = np.array(meter.base_places)
    return Steps(
        place=places[_turns(sections, bars) % len(places)].reshape(-1),
        kind=np.repeat(kind, meter.steps_per_bar),
        features=np.repeat(features, meter.steps_per_bar, axis=0),
    )


def _turns(sections: Sequence[Section], bars: int) -> np.ndarray:
    """int ``[bars]``: which bar of its section each is; two bars of 2/4 are one of 4/4."""
    turns = np.arange(bars)
    for section in sections:
        turns[section.start_bar : section.start_bar + section.bars] -= section.start_bar
    return turns


def window_bars(meter: Meter) -> int:
    """How many bars of a metre the network sees at once."""
    return min(WINDOW_BARS, WINDOW_STEPS // meter.steps_per_bar)
