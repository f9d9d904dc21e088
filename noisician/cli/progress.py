"""Showing how far a job is: a live line on a terminal, plain lines elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noisician.models.protocol import Progress as MusicProgress

Show = Callable[[str, float], None]
"""Takes the stage and the share of all the work that is done (0 … 1)."""

_EVERY_S = 5.0
_SHOW_TIME_LEFT_FROM = 0.05


def shown(show: Show) -> Callable[[MusicProgress], None]:
    """A model's progress as something that is shown."""
    return lambda progress: show(progress.stage, progress.share)


@contextmanager
def watch(label: str = "", quiet: bool = False) -> Iterator[Show]:
    """What the job should call as it goes. A terminal shows something as soon as the block begins."""
    if quiet:
        yield lambda stage, share: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainLines(label)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{label}starting", total=1.0)
        yield lambda stage, share: progress.update(task, description=f"{label}{stage}", completed=share)


class PlainLines:
    """A line when a stage begins and every few seconds in between."""

    def __init__(self, label: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._label, self._clock = label, clock
        self._started_s = self._written_s = clock()
        self._stage = ""

    def __call__(self, stage: str, share: float) -> None:
        now_s = self._clock()
        if stage == self._stage and now_s - self._written_s < _EVERY_S:
            return
        self._stage, self._written_s = stage, now_s
        print(f"{self._label}{stage}, {share:.0%}{self._left(now_s, share)}", file=sys.stderr, flush=True)

    def _left(self, now_s: float, share: float) -> str:
        if not _SHOW_TIME_LEFT_FROM <= share < 1:
            return ""
        left_s = (now_s - self._started_s) * (1 - share) / share
        return f", about {left_s:.0f} s left"
