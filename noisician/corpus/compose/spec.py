"""What the procedural composer is asked for, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.corpus.compose.library import sub_rng
from noisician.score.grid import ROLE_STREAMS, Grid
from noisician.score.model import METERS, Meter, Section
from noisician.score.progressions import Harmony
from noisician.styles import table

ROLES = tuple(ROLE_STREAMS)

#: What no mood at all means.
NEUTRAL_MOOD: Mapping[str, Any] = {
    "modes": {},
    "tempo_factor": 1.0,
    "energy": 0.0,
    "density": 0.0,
    "register": 0,
    "velocity": 0,
    "articulation": "",
    "production": [],
}


def mood_entry(mood: str | None) -> Mapping[str, Any]:
    """The mood's table, or one that changes nothing for None."""
    return table("moods")[mood] if mood else NEUTRAL_MOOD


@dataclass(frozen=True)
class Part:
    """A role playing bars ``[start_bar, end_bar)`` of its section."""

    role: str
    start_bar: int
    end_bar: int


@dataclass(frozen=True)
class SectionSpec:
    """One section to compose.

    ``song_seed`` fixes the material (chords, motifs, groove): sections of one song share it, and sections of
    one ``label`` are built from the same material. ``density`` and ``energy`` lie in 0 … 1. ``mood`` None is
    neutral.
    """

    genre: str
    mood: str | None
    mode: str
    kind: str
    bars: int
    label: str
    energy: float
    density: float
    parts: tuple[Part, ...]
    time_signature: str = "4/4"
    song_seed: int = 0
    last: bool = False  # the song ends here

    @property
    def meter(self) -> Meter:
        return METERS[self.time_signature]

    @property
    def music(self) -> Mapping[str, Any]:
        return table("genres")[self.genre]["music"]

    @property
    def roles(self) -> tuple[str, ...]:
        present = {part.role for part in self.parts}
        return tuple(role for role in ROLES if role in present)

    def active_mask(self) -> np.ndarray:
        """bool ``[bars, len(ROLES)]``: which roles are supposed to sound in each bar."""
        mask = np.zeros((self.bars, len(ROLES)), bool)
        for part in self.parts:
            mask[part.start_bar : part.end_bar, ROLES.index(part.role)] = True
        return mask


@dataclass(frozen=True)
class Stage:
    """What every player of a section sees: the request, the chords, and its own dice.

    ``material`` dice depend on song and label alone and so fall the same at every repeat; ``dice`` do not.
    """

    spec: SectionSpec
    harmony: Harmony
    dice: np.random.Generator

    @property
    def meter(self) -> Meter:
        return self.spec.meter

    @property
    def steps(self) -> int:
        return self.spec.bars * self.meter.steps_per_bar

    def material(self, *names: str | int) -> np.random.Generator:
        return sub_rng(self.spec.song_seed, self.spec.label, *names)

    def song(self, *names: str | int) -> np.random.Generator:
        return sub_rng(self.spec.song_seed, "song", *names)


@dataclass(frozen=True)
class ComposedSong:
    """A whole song with C as tonic. ``active`` is bool ``[bars, len(ROLES)]``, roles in ``ROLES`` order."""

    grid: Grid
    genre: str
    mood: str | None
    mode: str
    time_signature: str
    tempo_bpm: float
    sections: tuple[Section, ...]
    active_roles: tuple[tuple[str, ...], ...]  # per section
    active: np.ndarray
    density: float
    instruments: Mapping[str, str]  # role → instrument id, for the roles the song uses
    textures: tuple[str, ...]
    specs: tuple[SectionSpec, ...]

    @property
    def swing(self) -> float:
        return float(table("genres")[self.genre]["swing"])


def active_mask(song: ComposedSong) -> np.ndarray:
    """bool ``[bars, len(ROLES)]``: which roles are supposed to sound in each bar of a song."""
    return song.active
