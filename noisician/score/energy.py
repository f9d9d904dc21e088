"""How much goes on in each kind of section, 0 … 1: what is added to the energy of the whole piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from noisician.score.model import Section

#: Of pieces that the composer plans.
KIND_ENERGY = {
    "intro": -0.22,
    "verse": -0.1,
    "pre_chorus": 0.04,
    "chorus": 0.16,
    "bridge": -0.08,
    "build": 0.06,
    "drop": 0.22,
    "break": -0.22,
    "solo": 0.08,
    "outro": -0.25,
}
#: Of songs: a text brings its own contrast, so its edges are a little less apart.
SUNG_ENERGY = {
    "intro": -0.2, "verse": -0.1, "pre_chorus": 0.04, "chorus": 0.16, "bridge": -0.05, "drop": 0.2, "break": -0.2,
    "solo": 0.08, "outro": -0.22,
}  # fmt: skip
#: Of the procedural songs that the composer learns from.
PROCEDURAL_ENERGY = {
    "intro": -0.2,
    "verse": -0.06,
    "pre_chorus": 0.0,
    "chorus": 0.12,
    "drop": 0.15,
    "bridge": -0.05,
    "build": 0.02,
    "break": -0.28,
    "solo": 0.08,
    "outro": -0.2,
}


def section_energy(kind: str, energy: float, offsets: Mapping[str, float] = KIND_ENERGY, growth: float = 0.0) -> float:
    """The energy 0.05 … 1 of a kind of section in a piece of this energy, with what it has grown by since its first."""
    return float(np.clip(energy + offsets.get(kind, 0.0) + growth, 0.05, 1.0))


def piece_energy(sections: Sequence[Section]) -> float:
    """The energy a piece was planned with, as its sections tell: what :func:`section_energy` took to theirs, 0 … 1."""
    own = [section.energy - KIND_ENERGY.get(section.kind, 0.0) for section in sections]
    return float(np.clip(np.average(own, weights=[section.bars for section in sections]), 0.0, 1.0))
