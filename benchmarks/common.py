"""What the benchmarks share: tables for people, JSON for programs, the machine they ran on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from noisician.evaluate.machine import description, versions

RESULTS = Path(__file__).parent / "results"
MEGABYTE = 1e6


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; numbers with three significant digits."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def publish(name: str, table: str, figures: Mapping[str, Any]) -> None:
    """Prints the machine and the table; writes ``results/<name>.json``."""
    result = {"machine": description(), "versions": versions(), **figures}
    print(f"{result['machine']}\n\n{table}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{path}")
