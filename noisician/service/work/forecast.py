"""How long a job will still take, from the pace at which it went so far."""

from __future__ import annotations

import math

#: Nothing is foretold before so much time and so much of the work have passed.
FIRST_S = 1.0
FIRST_SHARE = 0.02
#: How fast a new estimate replaces the old.
SMOOTHING_S = 2.0
#: What is told is never below this part of the newest estimate: no "0 s left" before the end.
LEAST = 0.5


class Forecast:
    """Estimates the end again at each call and smooths it exponentially. Times are seconds of one clock.

    ``share`` is what an earlier attempt had done when this one started at ``now_s``.
    """

    def __init__(self, now_s: float, share: float = 0.0) -> None:
        self._start_s, self._first = now_s, share
        self._end_s: float | None = None
        self._last_s = now_s

    def stand_still(self, seconds: float) -> None:
        """Nothing was done for so long just now, which says nothing about the pace."""
        self._start_s += seconds
        self._last_s += seconds
        if self._end_s is not None:
            self._end_s += seconds

    def left_s(self, now_s: float, share: float) -> float | None:
        """Seconds left when ``share`` (0 … 1) of the work is done; None in the first moments."""
        elapsed_s, done = now_s - self._start_s, share - self._first
        if elapsed_s < FIRST_S or done < FIRST_SHARE:
            return None
        left_s = elapsed_s * (1.0 - share) / done
        if self._end_s is None:
            self._end_s = now_s + left_s
        else:
            self._end_s += (now_s + left_s - self._end_s) * -math.expm1(-(now_s - self._last_s) / SMOOTHING_S)
        self._last_s = now_s
        return max(self._end_s - now_s, LEAST * left_s)
