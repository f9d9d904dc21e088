"""What corrupt, cut, huge and hostile files of notes, tunes and chords do: one line each, in little memory and time.

python benchmarks/hostile_files.py [--files 1000] [--first 0]

Each file of ``tests/support/hostile_files.py`` is read in a process of its own and made a piece. Counted are those that
were taken, those that were refused in one line, and whatever else happened; and the most memory beyond what the process
began with, and time, that any took.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from hostile_files import Hostile, hostile, taken

from noisician.errors import NoisicianError

LONGEST_S, MOST_MB = 30, 1500
_TAKEN, _REFUSED, _LINES, _OTHER = 0, 1, 2, 3


def one(file: Hostile, folder: Path) -> tuple[int, float, float, str]:
    """(outcome, seconds, MB, what was said) of a file in a child of this process."""
    path = folder / file.name
    path.write_bytes(file.content)
    said = folder / "said"
    said.write_text("")
    started = time.monotonic()
    child = os.fork()
    if not child:
        _child(path, said)
    _, status, usage = os.wait4(child, 0)
    path.unlink()
    outcome = os.waitstatus_to_exitcode(status)
    return outcome, time.monotonic() - started, usage.ru_maxrss / 1024, said.read_text()[:200]


def _child(path: Path, said: Path) -> None:
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (begun + (MOST_MB << 20),) * 2)
    signal.alarm(LONGEST_S)
    outcome = _TAKEN
    try:
        taken(path)
    except NoisicianError as error:
        said.write_text(str(error))
        outcome = _REFUSED if "\n" not in str(error) else _LINES
    except BaseException as error:
        said.write_text(repr(error))
        outcome = _OTHER
    os._exit(outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(5, 15):  # so that whatever is imported lazily is there
            with contextlib.suppress(NoisicianError):
                (folder / hostile(number).name).write_bytes(hostile(number).content)
                taken(folder / hostile(number).name)
        base_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for number in range(asked.first, asked.first + asked.files):
            file = hostile(number)
            outcome, seconds, used_mb, said = one(file, folder)
            names = {_TAKEN: "taken", _REFUSED: "refused in one line", _LINES: "several lines", _OTHER: "another error"}
            outcomes[names.get(outcome, "killed")] += 1
            if outcome not in (_TAKEN, _REFUSED):
                print(f"{file.name} ({len(file.content)} bytes): {names.get(outcome, f'killed by {-outcome}')}: {said}")
            slowest, largest = max(slowest, (seconds, file.name)), max(largest, (used_mb - base_mb, file.name))
    print(", ".join(f"{name}: {count}" for name, count in outcomes.most_common()))
    print(f"slowest: {slowest[0]:.1f} s ({slowest[1]}), most memory: {largest[0]:.0f} MB ({largest[1]})")


if __name__ == "__main__":
    main()
