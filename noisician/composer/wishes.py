"""Words of its own for a region: what they change of the style, and which tokens they make likelier."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.composer.conditions import Steps, Style
from noisician.errors import RequestError
from noisician.prompt.controls import Controls
from noisician.prompt.wish_words import KIT_PIECES
from noisician.score.grid import DRUM_HITS, DRUMS, FIRST_ONSET, LEVELS, ROLE_STREAMS, STREAMS, VOCABULARY

#: Log likelihood that an onset gains for a density of 1 instead of 0, and that a loud one does for energy.
ONSET_BIAS_PER_DENSITY, LOUDNESS_BIAS_PER_ENERGY = 4.0, 12.0
#: Drum hits differ by their own velocities: this many MIDI units are one level.
VELOCITY_PER_LEVEL, NORMAL_VELOCITY = 24, 88


_NO_PIECE = re.compile(
    rf"\b(?:no|without)\s+({'|'.join(sorted(KIT_PIECES, key=len, reverse=True))})(?:e?s)?\b", re.IGNORECASE
)


def without_kit_pieces(text: str) -> tuple[frozenset[str], str]:
    """The streams that words such as "no cymbals" forbid, and the text without those words."""
    forbidden = frozenset(KIT_PIECES[found[1].lower()] for found in _NO_PIECE.finditer(text))
    return forbidden, _NO_PIECE.sub("", text)


@dataclass(frozen=True)
class Wishes:
    """How a region should differ. None and empty leave the piece's own style.

    ``genres`` and ``moods`` are weights that sum to 1; ``energy`` and ``density`` lie in 0 … 1 and count against the
    piece's own: more density adds onsets, more energy accents. ``forbidden`` names streams that have to rest
    (``"cymbal"``, ``"hat"``, ``"lead"`` …).
    """

    genres: Mapping[str, float] | None = None
    moods: Mapping[str, float] | None = None
    energy: float | None = None
    density: float | None = None
    forbidden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises RequestError for a stream that is not there."""
        unknown = sorted(self.forbidden - set(STREAMS[1:]))
        if unknown:
            raise RequestError(f"nothing called {unknown[0]!r} can be left out; there are {', '.join(STREAMS[1:])}")

    @classmethod
    def of(cls, controls: Controls) -> Wishes:
        """What controls say of genres, moods, energy, density and excluded roles or streams; nothing else counts here:
        instruments, tempo, key, metre, length, sections and sound are no business of single cells."""
        excluded = set(controls.excluded)
        streams = {stream for role in excluded & set(ROLE_STREAMS) for stream in ROLE_STREAMS[role]}
        return cls(
            genres=dict(controls.genres) or None,
            moods=dict(controls.moods) or None,
            energy=controls.energy,
            density=controls.density,
            forbidden=frozenset(streams | (excluded & set(STREAMS[1:]))),
        )

    def style(self, style: Style) -> Style:
        """The piece's style with what is wished for in the place of its own."""
        return replace(
            style,
            genres=style.genres if self.genres is None else self.genres,
            moods=style.moods if self.moods is None else self.moods,
            density=style.density if self.density is None else self.density,
        )

    def steps(self, steps: Steps, rows: slice) -> Steps:
        """The steps with the wished energy in ``rows``."""
        if self.energy is None:
            return steps
        features = steps.features.copy()
        features[rows, 0] = self.energy
        return replace(steps, features=features)

    def onset_bias(self, style: Style) -> float:
        """Added to the log likelihood of every onset."""
        return 0.0 if self.density is None else ONSET_BIAS_PER_DENSITY * (self.density - style.density)

    def loudness_bias(self, energy: np.ndarray) -> np.ndarray:
        """Added per level above normal; ``energy [steps]`` is the piece's own."""
        if self.energy is None:
            return np.zeros(len(energy), np.float32)
        return (LOUDNESS_BIAS_PER_ENERGY * (self.energy - energy)).astype(np.float32)


def lean(logits: Sequence[np.ndarray], onset_bias: Mapping[int, float], loudness_bias: np.ndarray) -> None:
    """In place: onsets of the streams in ``onset_bias`` gain it, and loud ones ``loudness_bias [steps]`` a level."""
    for stream, bias in onset_bias.items():
        first = first_onset(stream)
        logits[stream][:, first:] += np.float32(bias) + np.outer(loudness_bias, loudness(stream)[first:])


def first_onset(stream: int) -> int:
    """The lowest token that begins something."""
    return 1 if STREAMS[stream] in DRUMS else FIRST_ONSET


def loudness(stream: int) -> np.ndarray:
    """float32 ``[vocabulary]``: levels above normal of each token, 0 for rests and holds."""
    name = STREAMS[stream]
    if name in DRUMS:
        velocities = np.array([NORMAL_VELOCITY, *(velocity for _, velocity in DRUM_HITS[name])])
        return ((velocities - NORMAL_VELOCITY) / VELOCITY_PER_LEVEL).astype(np.float32)
    levels = (np.arange(VOCABULARY[name] - FIRST_ONSET) % LEVELS) - 1
    return np.concatenate([np.zeros(FIRST_ONSET), levels]).astype(np.float32)
