"""Sections of a recording: where bars change their sound together, and which stretches are alike.

Borders are peaks of the novelty of bars (Foote 2000, "Automatic audio segmentation using a measure of audio novelty"):
a checkerboard kernel along the diagonal of their self-similarity, which prefers places a multiple of four bars away
from the border before. Stretches that sound alike get one label.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from noisician.score.model import Section

#: The kernel's reach and the shortest section, in bars; phrases have PHRASE_BARS.
_REACH, SHORTEST_BARS, PHRASE_BARS = 4, 4, 4
#: A peak this many deviations over the mean novelty is a border; off the phrase it needs twice that.
_BORDER, _OFF_PHRASE = 0.6, 2.0
#: Stretches whose mean bars are nearer than this (cosine) are repeats.
_ALIKE = 0.6
#: A first or last section this much calmer than the loudest leads in or out.
_CALMER = 0.25


def sections_of(bars: np.ndarray, energies: np.ndarray) -> tuple[Section, ...]:
    """The sections of bars with features ``[bars, features]`` (0 on the mean) and energies ``[bars]``, 0 … 1."""
    if not len(bars):
        return ()
    edges = [0, *_borders(bars), len(bars)]
    means = [bars[first:last].mean(axis=0) for first, last in pairwise(edges)]
    levels = [float(energies[first:last].mean()) for first, last in pairwise(edges)]
    labels = _labels(means)
    kinds = _kinds(labels, levels)
    return tuple(
        Section(kind, label, first, last - first, round(min(max(level, 0.05), 1.0), 2))
        for (first, last), kind, label, level in zip(pairwise(edges), kinds, labels, levels, strict=True)
    )


def _borders(bars: np.ndarray) -> list[int]:
    """Bars at which a section begins, without the first."""
    novelty = _novelty(bars)
    if len(bars) < 2 * SHORTEST_BARS or novelty.std() < 1e-9:
        return []
    scaled = (novelty - novelty.mean()) / novelty.std()
    borders: list[int] = []
    for bar in range(SHORTEST_BARS, len(bars) - SHORTEST_BARS + 1):
        since = bar - (borders[-1] if borders else 0)
        near = scaled[max(0, bar - 1) : bar + 2]
        needs = _BORDER if since % PHRASE_BARS == 0 else _OFF_PHRASE * _BORDER + 0.4
        if since >= SHORTEST_BARS and scaled[bar] == near.max() and scaled[bar] >= needs:
            borders.append(bar)
    return borders


def _novelty(bars: np.ndarray) -> np.ndarray:
    """``[bars]``: how unlike what follows a bar line is to what came before, each alike in itself."""
    lengths = np.linalg.norm(bars, axis=1, keepdims=True)
    unit = bars / np.maximum(lengths, 1e-9)
    similar = unit @ unit.T
    out = np.zeros(len(bars))
    for bar in range(1, len(bars)):
        reach = min(_REACH, bar, len(bars) - bar)
        before, after = slice(bar - reach, bar), slice(bar, bar + reach)
        inside = similar[before, before].mean() + similar[after, after].mean()
        out[bar] = (inside - 2 * similar[before, after].mean()) * min(1.0, reach / 2)
    return out


def _labels(means: list[np.ndarray]) -> list[str]:
    """A letter a section; those like an earlier one have its letter."""
    known: list[np.ndarray] = []
    labels: list[str] = []
    for mean in means:
        alike = [float(mean @ one / max(np.linalg.norm(mean) * np.linalg.norm(one), 1e-9)) for one in known]
        place = int(np.argmax(alike)) if alike else -1
        if place < 0 or alike[place] < _ALIKE:
            known.append(mean)
            place = len(known) - 1
        labels.append(chr(ord("A") + min(place, 25)))
    return labels


def _kinds(labels: list[str], levels: list[float]) -> list[str]:
    """What each section is: the loudest label the chorus, calm ends intro and outro, what comes once late a bridge."""
    loud = max(levels)
    chorus = labels[int(np.argmax(levels))]
    kinds = ["chorus" if label == chorus and len(labels) > 1 else "verse" for label in labels]
    if len(labels) == 1:
        return ["chorus" if loud > 0.6 else "verse"]
    for place, label in enumerate(labels):
        if 1 < place < len(labels) - 1 and labels.count(label) == 1 and kinds[place] == "verse":
            kinds[place] = "bridge"
    if levels[0] < loud - _CALMER and kinds[0] != "chorus":
        kinds[0] = "intro"
    if levels[-1] < loud - _CALMER and kinds[-1] != "chorus" and len(labels) > 2:
        kinds[-1] = "outro"
    return kinds
