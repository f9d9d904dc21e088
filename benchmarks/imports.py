"""What ``import noisician`` costs in a fresh interpreter, and what it drags in.

python benchmarks/imports.py [--repeats 7]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

from common import markdown_table, publish

#: Modules whose presence after the import would be a surprise.
HEAVY = ("numpy", "scipy", "onnxruntime", "torch", "soundfile", "pydantic", "rich", "typer")
_PROBE = """
import time
begun = time.perf_counter()
import noisician
spent = time.perf_counter() - begun
import sys
print(spent, *[name for name in {heavy!r} if name in sys.modules])
"""


def import_seconds() -> tuple[float, list[str]]:
    """(seconds inside the interpreter, heavy modules that came along)."""
    probe = _PROBE.format(heavy=HEAVY)
    words = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    return float(words[0]), words[1:]


def process_seconds(code: str) -> float:
    """Wall time of a whole interpreter that runs ``code``."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


def slowest_modules(count: int) -> list[tuple[float, str]]:
    """(own milliseconds, module) of the import, slowest first, by ``-X importtime``."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import noisician"], check=True, capture_output=True, text=True
    )
    fields = (line.removeprefix("import time:").split("|") for line in result.stderr.splitlines() if "|" in line)
    rows = [(int(own) / 1000, name.strip()) for own, _, name in fields if own.strip().isdigit()]
    return sorted(rows, reverse=True)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description="Import time.")
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    probes = [import_seconds() for _ in range(repeats)]
    times = [seconds for seconds, _ in probes]
    bare = min(process_seconds("pass") for _ in range(repeats))
    whole = min(process_seconds("import noisician") for _ in range(repeats))
    slowest = slowest_modules(8)
    rows = [
        ("import noisician, best", min(times), "s", "≤ 0.3"),
        ("import noisician, median", median(times), "s", "≤ 0.3"),
        ("interpreter with the import, less without, best", whole - bare, "s", ""),
        ("heavy modules it imports", ", ".join(probes[0][1]) or "none", "", "no onnxruntime, no torch"),
        *[(f"own time of {name}", own, "ms", "") for own, name in slowest],
    ]
    figures = {"import_s": times, "bare_s": bare, "whole_s": whole, "heavy": probes[0][1], "slowest_ms": slowest}
    publish("imports", markdown_table(("figure", "value", "unit", "target"), rows), figures)


if __name__ == "__main__":
    main()
