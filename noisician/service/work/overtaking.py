"""Edits made in the middle of another job, between two of its steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: How often a running job looks for edits, in seconds. A look reads one row.
LOOK_S = 0.1


class Doorway:
    """Called between two steps of a job, it makes the edits that wait, and the job goes on where it was.

    The job's other threads stop at their own next step (see parallel.Steps) and nothing of the job's is touched, so
    what it goes on to make is what it would have made. ``make_next`` makes the edit whose turn it is and returns
    whether there was one; ``stood_still`` hears for how many seconds the job did.
    """

    def __init__(self, make_next: Callable[[], bool], stood_still: Callable[[float], None]) -> None:
        self._make_next, self._stood_still = make_next, stood_still
        self._looked_at_s = time.monotonic()
        self._open = threading.Lock()

    def __call__(self) -> None:
        if time.monotonic() - self._looked_at_s < LOOK_S or not self._open.acquire(blocking=False):
            return
        try:
            began_s = time.monotonic()
            made = False
            while self._make_next():
                made = True
            self._looked_at_s = time.monotonic()
            if made:
                self._stood_still(self._looked_at_s - began_s)
        finally:
            self._open.release()
