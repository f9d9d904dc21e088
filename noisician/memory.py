"""Memory that nobody uses any more, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def release_unused() -> None:
    """Has the C library give back what was freed.

    glibc keeps freed arrays of up to 32 MB for later, one heap a thread: between two players of a long piece that is a
    hundred megabytes and more. Elsewhere nothing is done, and nothing needs to be.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library
        return None
