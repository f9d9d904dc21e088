"""Memory that nobody uses any more, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

#: mallopt's parameter: from which size on an array has pages of its own.
_MMAP_THRESHOLD = -3
_LARGE_BYTES = 8 << 20


def release_unused() -> None:
    """Has the C library give back what was freed.

    glibc keeps freed arrays of up to 32 MB for later, one heap a thread: between two players of a long piece that is a
    hundred megabytes and more. Elsewhere nothing is done, and nothing needs to be.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def return_large_arrays_at_once() -> None:
    """Has the C library give large arrays back to the system as soon as they are freed: for processes of our own.

    glibc learns from the first large array that is freed to keep such ones, which is faster for programs that want the
    same again at once, and a third of the memory of making a piece. Elsewhere nothing is done.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except OSError:
        return None
