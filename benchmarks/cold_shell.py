"""The command line as somebody types it, start of the process to the file on disk, beside another checkout's in turns.

    python benchmarks/cold_shell.py OTHER_CHECKOUT [--length 30] [--repeats 3]

Both take the same words. A first call of each, which is not counted, compiles its modules. On a machine that does other
things at the same time the ratio by processor time is the one to read.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from common import markdown_table, publish

from noisician.cli.rendered import VARIABLE

PROMPT = "dreamy lofi hip hop beat with vinyl crackle and soft piano"
SEED = 7
COMMAND = "import sys; from noisician.cli import main; sys.exit(main())"
HERE = Path(__file__).resolve().parents[1]


def called(checkout: Path, length_s: float) -> tuple[float, float]:
    """(wall seconds, processor seconds) of one call; exits where it fails."""
    # Every call renders all of its music.
    environment = {**os.environ, VARIABLE: "0", "PYTHONPATH": str(checkout)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "track.wav"
        words = ["make", PROMPT, "--length", f"{length_s:g}", "--seed", str(SEED), "-o", str(target)]
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or not target.exists():
            sys.exit(f"{checkout}: the command failed with status {process.returncode}")
    return wall_s, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold shell to file, beside another checkout.")
    parser.add_argument("other", type=Path)
    parser.add_argument("--length", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    checkouts = {"this": HERE, "other": options.other.resolve()}
    for checkout in checkouts.values():
        called(checkout, 3.0)
    rounds = []
    for _ in range(options.repeats):
        rounds.append({name: called(checkout, options.length) for name, checkout in checkouts.items()})
        told = ", ".join(f"{name} {wall_s:.1f} s ({cpu_s:.1f})" for name, (wall_s, cpu_s) in rounds[-1].items())
        print(f"{told}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    rows: list[tuple[object, ...]] = []
    for clock, what in enumerate(("clock", "processor")):
        ours, theirs = ([one[name][clock] for one in rounds] for name in ("this", "other"))
        rows.append((what, min(ours), min(theirs), min(ours) / min(theirs), median(ours) / median(theirs)))
    header = (f"{options.length:g} s by the", "this, best, s", "other, best, s", "ratio of bests", "of medians")
    figures = {"length_s": options.length, "load": os.getloadavg(), "rounds": rounds}
    publish("cold_shell", markdown_table(header, rows), figures)


if __name__ == "__main__":
    main()
