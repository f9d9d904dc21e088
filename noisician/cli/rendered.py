"""What one call of the command line rendered, kept for the next ones: an edit renders only what it changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from noisician.errors import RequestError

if TYPE_CHECKING:
    from noisician.cache import ArrayCache

#: How much is kept, in bytes. The service reads it for the cache beside its data.
VARIABLE = "NOISICIAN_RENDERED_CACHE_BYTES"


def rendered_cache() -> ArrayCache:
    """The cache in the user's folder, of the size that the environment says, 0 for none.

    Raises RequestError where it says no number.
    """
    from noisician.cache import NO_CACHE, RENDERED_CACHE_BYTES, DiskCache
    from noisician.folders import cache_folder

    said = os.environ.get(VARIABLE, "").strip()
    if said and not (said.isascii() and said.isdigit()):
        raise RequestError(f"{VARIABLE} {said[:40]!r} is no number of bytes; 0 keeps nothing")
    limit_bytes = int(said) if said else RENDERED_CACHE_BYTES
    return DiskCache(cache_folder() / "rendered", limit_bytes) if limit_bytes else NO_CACHE


def keep_rendered() -> None:
    """Has the models of this process, none of which was asked for yet, keep what they render, on the disk rather
    than in memory. Raises RequestError."""
    from noisician.memory import return_large_arrays_at_once
    from noisician.models import registry

    return_large_arrays_at_once()
    registry.DEFAULT.cache = rendered_cache()
