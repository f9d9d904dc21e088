"""How fast a track is made, and in how much memory.

    python benchmarks/speed.py [--length 30] [--long 300] [--repeats 3]

Every figure that speaks of a process is measured on a fresh one. The real-time factor is that of the second track
made in one process (the models are loaded by the first), its stages timed inside: ``other`` is understanding,
planning and handing over, ``mixing`` is what remains of playing once the networks are taken out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from common import markdown_table, publish

from noisician.cli.rendered import VARIABLE

PROMPT = "dreamy lofi hip hop beat with vinyl crackle and soft piano"
SEED = 7
COMMAND = "import sys; from noisician.cli import main; sys.exit(main())"


def run_process(arguments: list[str]) -> tuple[float, float, str]:
    """(wall seconds, peak resident MB, standard output) of a fresh interpreter. Exits where it fails."""
    begun = time.perf_counter()
    # Every run renders all of its music.
    environment = {**os.environ, VARIABLE: "0"}
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments[:3])} … failed with status {process.returncode}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return wall_s, usage.ru_maxrss * unit / 1e6, output


def cold_shell(duration_s: float) -> dict[str, float]:
    """The command line as somebody types it: start of the process to the file on disk."""
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "track.wav")
        words = ["make", PROMPT, "--length", f"{duration_s:g}", "--seed", str(SEED), "-o", target]
        wall_s, peak_mb, _ = run_process(["-c", COMMAND, *words])
        if not Path(target).exists():
            sys.exit(f"the command wrote no {target}")
    return {"wall_s": wall_s, "peak_mb": peak_mb}


def in_process(duration_s: float, tracks: int) -> dict[str, Any]:
    """``tracks`` tracks made one after the other in a fresh process."""
    wall_s, peak_mb, output = run_process([__file__, "--worker", f"{duration_s:g}", "--tracks", str(tracks)])
    made = json.loads(output.splitlines()[-1])
    return {**made, "process_s": wall_s, "peak_mb": peak_mb}


def worker(duration_s: float, tracks: int) -> None:
    """Makes the tracks and prints one line of JSON. Times are monotonic seconds since this process was created."""
    from noisician.models.protocol import Run
    from noisician.models.support import checked
    from noisician.request import Request

    model = timed_model()
    runs = []
    for number in range(tracks):
        model.clocks.clear()
        first: list[float] = []
        begun = time.perf_counter()

        def hear(_: object, first: list[float] = first, begun: float = begun) -> None:
            if not first:
                first.append(time.perf_counter() - begun)

        request = Request(prompt=PROMPT, duration_s=duration_s, seed=SEED + number)
        music = model.generate(checked(request, model.capabilities), Run(hear))
        total_s = time.perf_counter() - begun
        score = music.score
        runs.append(
            {
                "total_s": total_s,
                "audio_s": music.duration_s,
                "stems": 0 if score is None else len(score.tracks),
                "first_progress_s": first[0],
                "stages_s": stages_of(total_s, model.clocks),
            }
        )
    print(json.dumps({"runs": runs}))


def stages_of(total_s: float, clocks: dict[str, float]) -> dict[str, float]:
    """Seconds a stage, adding up to ``total_s``."""
    networks = {name: clocks.get(name, 0.0) for name in ("composing", "rendering", "vocoding")}
    playing_s = clocks.get("playing", 0.0)
    mixing_s = playing_s - networks["rendering"] - networks["vocoding"]
    return {**networks, "mixing": mixing_s, "other": total_s - playing_s - networks["composing"]}


def timed_model() -> Any:
    """The shipped model with a stopwatch on its composer, renderer, vocoder and on playing as a whole."""
    from noisician.models.embedded import EmbeddedModel
    from noisician.models.embedded.play import Networks

    clocks: dict[str, float] = {}

    class TimedNetworks(Networks):
        @cached_property
        def composer(self) -> Any:
            return Stopwatch(super().composer, "compose", "composing", clocks)

        @cached_property
        def renderer(self) -> Any:
            return Stopwatch(super().renderer, "render", "rendering", clocks)

        @cached_property
        def vocoder(self) -> Any:
            return Stopwatch(super().vocoder, "synthesise", "vocoding", clocks)

    class Timed(EmbeddedModel):
        clocks: dict[str, float]

        def _played(self, *arguments: Any, **named: Any) -> Any:
            return clocked(super()._played, "playing", clocks)(*arguments, **named)

    model = Timed(TimedNetworks())
    model.clocks = clocks
    return model


def clocked(function: Callable[..., Any], name: str, clocks: dict[str, float]) -> Callable[..., Any]:
    """``function``, its time added to ``clocks[name]``."""

    def call(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            clocks[name] = clocks.get(name, 0.0) + time.perf_counter() - begun

    return call


class Stopwatch:
    """An object one of whose methods is timed."""

    def __init__(self, target: Any, method: str, name: str, clocks: dict[str, float]) -> None:
        self._target = target
        setattr(self, method, clocked(getattr(target, method), name, clocks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def measure(length_s: float, long_s: float, repeats: int) -> tuple[str, dict[str, Any]]:
    """(table, figures)."""
    cold = [cold_shell(length_s) for _ in range(repeats)]
    warm = [in_process(length_s, 2) for _ in range(repeats)]
    long = in_process(long_s, 1)
    second = min((process["runs"][1] for process in warm), key=lambda run: run["total_s"])
    first = min((process["runs"][0] for process in warm), key=lambda run: run["total_s"])
    startup_s = min(p["process_s"] - sum(run["total_s"] for run in p["runs"]) for p in warm)
    factors = [process["runs"][1]["total_s"] / process["runs"][1]["audio_s"] for process in warm]
    rows = [
        (f"cold shell to file, {length_s:g} s, best of {repeats}", min(run["wall_s"] for run in cold), "s", "≤ 12"),
        (f"cold shell to file, {length_s:g} s, median", median(run["wall_s"] for run in cold), "s", ""),
        ("real-time factor, second track, best", min(factors), "", "≤ 0.2"),
        ("real-time factor, second track, median", median(factors), "", ""),
        ("stems of that track", second["stems"], "", "≥ 5"),
        *[(f"second track: {stage}", seconds, "s", "") for stage, seconds in second["stages_s"].items()],
        ("first progress, process start included", startup_s + first["first_progress_s"], "s", "≤ 1"),
        ("first progress, models loaded", second["first_progress_s"], "s", "≤ 1"),
        ("first audio (the whole track), models loaded", second["total_s"], "s", ""),
        (f"peak memory, {length_s:g} s, two tracks", max(run["peak_mb"] for run in warm), "MB", "≤ 1500"),
        (f"peak memory, {length_s:g} s, command line", max(run["peak_mb"] for run in cold), "MB", "≤ 1500"),
        (f"peak memory, {long_s:g} s", long["peak_mb"], "MB", "≤ 1500"),
        (f"real-time factor, {long_s:g} s, first track", _factor(long["runs"][0]), "", ""),
    ]
    table = markdown_table(("figure", "value", "unit", "target"), rows)
    return table, {"prompt": PROMPT, "seed": SEED, "cold_shell": cold, "in_process": warm, "long": long}


def _factor(run: dict[str, Any]) -> float:
    return run["total_s"] / run["audio_s"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of making a track.")
    parser.add_argument("--length", type=float, default=30.0, help="seconds of the usual track")
    parser.add_argument("--long", type=float, default=300.0, help="seconds of the long track")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--tracks", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        worker(options.worker, options.tracks)
        return
    table, figures = measure(options.length, options.long, options.repeats)
    publish("speed", table, figures)


if __name__ == "__main__":
    main()
