"""The evaluation report: figures with targets, as JSON for programs and Markdown for people.

The same figures always give the same bytes: no dates, fixed rounding, order as given.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from noisician.errors import FileError, NoisicianError

SIGNIFICANT_DIGITS = 4
STEM = "evaluation"


@dataclass(frozen=True)
class Target:
    """What a figure must reach. ``within`` means ``limit ± slack``."""

    comparison: Literal["at least", "at most", "within"]
    limit: float
    slack: float = 0.0

    def met_by(self, value: float) -> bool:
        if self.comparison == "at least":
            return value >= self.limit
        if self.comparison == "at most":
            return value <= self.limit
        return abs(value - self.limit) <= self.slack

    def text(self) -> str:
        if self.comparison == "within":
            return f"{number(self.limit)} ± {number(self.slack)}"
        return f"{'≥' if self.comparison == 'at least' else '≤'} {number(self.limit)}"


@dataclass(frozen=True)
class Figure:
    """One measured number. ``value`` None means it could not be measured; then ``how`` says why.

    ``baselines`` are the same measure on something else (the soundfont playing the same score, say).
    """

    name: str
    value: float | None
    unit: str
    how: str
    target: Target | None = None
    items: int | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """None where there is no target; an unmeasured figure does not meet its target."""
        if self.target is None:
            return None
        return self.value is not None and math.isfinite(self.value) and self.target.met_by(self.value)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "target": None if self.target is None else self.target.text(),
            "met": self.met,
            "items": self.items,
            "baselines": {name: _rounded(value) for name, value in self.baselines.items()},
            "how": self.how,
        }


@dataclass(frozen=True)
class Report:
    """Figures under one title. ``context`` names what was measured (weights, held-out data, seeds)."""

    title: str
    figures: tuple[Figure, ...]
    context: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [figure.name for figure in self.figures]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise NoisicianError(f"figure {twice[0]!r} is reported more than once; names must be unique")

    @property
    def missed(self) -> tuple[Figure, ...]:
        return tuple(figure for figure in self.figures if figure.met is False)

    def to_json(self) -> str:
        data = {
            "title": self.title,
            "context": dict(self.context),
            "figures": [figure.to_dict() for figure in self.figures],
        }
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        lines = [f"# {self.title}", ""]
        lines += [f"- {_cell(name)}: {_cell(value)}" for name, value in self.context.items()]
        lines += [""] if self.context else []
        lines += ["| figure | value | target | met | baselines | n |", "|---|---|---|---|---|---|"]
        lines += [_row(figure) for figure in self.figures]
        lines += ["", "## How each was measured", ""]
        lines += [f"- **{_cell(figure.name)}**: {' '.join(figure.how.split())}" for figure in self.figures]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path, overwrite: bool = False) -> tuple[Path, Path]:
        """Write ``evaluation.json`` and ``evaluation.md``; both or neither.

        Raises FileError where one exists and ``overwrite`` is false, or the folder cannot be written.
        """
        texts = {folder / f"{STEM}.json": self.to_json(), folder / f"{STEM}.md": self.to_markdown()}
        existing = [path for path in texts if path.exists()]
        if existing and not overwrite:
            raise FileError(f"{existing[0]} exists; it is replaced only when asked (--force)")
        parts = {path: path.with_name(f".{path.name}.part") for path in texts}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, text in texts.items():
                parts[path].write_text(text, encoding="utf-8")
            for path, part in parts.items():
                os.replace(part, path)
        except OSError as error:
            for part in parts.values():
                with suppress(OSError):
                    part.unlink()
            raise FileError(f"cannot write the report into {folder}: {error.strerror or error}") from error
        json_path, markdown_path = texts
        return json_path, markdown_path


def number(value: float | None) -> str:
    """Four significant digits, no exponent, no trailing zeros; "not measured" for None and NaN."""
    if value is None or math.isnan(value):
        return "not measured"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = _significant(value)
    decimals = max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    text = f"{rounded:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def _significant(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else _significant(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _row(figure: Figure) -> str:
    measured = figure.value is not None and not math.isnan(figure.value)
    unit = f" {_cell(figure.unit)}" if figure.unit and measured else ""
    met = {True: "yes", False: "**no**", None: ""}[figure.met]
    baselines = ", ".join(f"{_cell(name)} {number(value)}" for name, value in figure.baselines.items())
    cells = (
        _cell(figure.name),
        number(figure.value) + unit,
        "" if figure.target is None else figure.target.text(),
        met,
        baselines,
        "" if figure.items is None else str(figure.items),
    )
    return f"| {' | '.join(cells)} |"
