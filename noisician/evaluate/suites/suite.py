"""What a suite is.

Measuring and judging are apart: a suite turns tracks or clips into rows (plain JSON values, kept in a file), and rows
into figures. So suites can run on different days, and a report is put together from rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.evaluate.performance import Performance
from noisician.evaluate.prompts import PromptList
from noisician.evaluate.report import Figure
from noisician.evaluate.settings import EvaluateSettings

Row = dict[str, Any]
Figures = Callable[[Sequence[Row]], list[Figure]]


@dataclass(frozen=True)
class TrackSuite:
    """Hears the tracks of some prompt lists; ``hear`` gives the rows of one track."""

    name: str
    lists: tuple[PromptList, ...]
    hear: Callable[[Performance], list[Row]]
    figures: Figures


@dataclass(frozen=True)
class BenchSuite:
    """Makes its own material. ``rows`` yields (share of the work done, row)."""

    name: str
    rows: Callable[[EvaluateSettings], Iterator[tuple[float, Row]]]
    figures: Figures


Suite = TrackSuite | BenchSuite


def mean(values: Iterable[float | bool | None]) -> float | None:
    """Of the values that are there; None if none is."""
    kept = [float(value) for value in values if value is not None]
    return float(np.mean(kept)) if kept else None


def percent(values: Iterable[float | bool | None]) -> float | None:
    """100 × :func:`mean`."""
    share = mean(values)
    return None if share is None else 100 * share


def baselines(**values: float | None) -> dict[str, float]:
    """Those that could be measured, underscores to spaces."""
    return {name.replace("_", " "): value for name, value in values.items() if value is not None}
