"""Finished mixes beside produced music."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.evaluate.performance import Performance
from noisician.evaluate.produced import PRODUCED, mix_figures
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite

#: Share of tracks, in percent, that may lie outside the middle nine tenths of produced music.
OUTSIDE_PERCENT = 10.0
JUDGED = ("above 8 kHz", "above 12 kHz", "2–5 kHz", "side/mid 0.5–2 kHz", "side/mid 2–5 kHz", "correlation")
CORRELATION_LOW, CORRELATION_HIGH = 0.70, 0.82


def hear(performance: Performance) -> list[Row]:
    """One row a track: its figures by name."""
    return [{"prompt": performance.prompt.text, **mix_figures(performance.music.audio)}]


def figures(rows: Sequence[Row]) -> list[Figure]:
    """The share of tracks outside, for each figure; the median correlation."""
    if not rows:
        return []
    made = []
    for name, produced in PRODUCED.items():
        values = [float(row[name]) for row in rows]
        outside = 100 * float(np.mean([not produced.holds(value) for value in values]))
        how = (
            f"Share of mixes outside {produced.low:g} … {produced.high:g}, the 5 and 95 % points of 117 excerpts of "
            f"produced game, rock and metal music (median {produced.median:g}); the median here is "
            f"{np.median(values):.2f}."
        )
        target = Target("at most", OUTSIDE_PERCENT) if name in JUDGED else None
        made.append(Figure(f"mixes outside produced music, {name}", outside, "%", how, target, len(rows)))
    correlation = float(np.median([row["correlation"] for row in rows]))
    middle = (CORRELATION_LOW + CORRELATION_HIGH) / 2
    target = Target("within", middle, (CORRELATION_HIGH - CORRELATION_LOW) / 2)
    how = "Median correlation of left and right over the mixes; produced music has 0.70."
    return [*made, Figure("correlation of mixes, median", correlation, "", how, target, len(rows))]


SUITE = TrackSuite("mixes", ("beat",), hear, figures)
