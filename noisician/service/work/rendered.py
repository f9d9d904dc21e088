"""What a worker keeps of what it rendered, so that an edit renders only what it changed, also after a restart."""

from __future__ import annotations

from noisician.cache import NO_CACHE, ArrayCache, DiskCache, LayeredCache, MemoryCache
from noisician.service.files import Files
from noisician.service.settings import MEBIBYTE, Settings

#: Some minutes of a few players: enough for the piece that somebody works on.
_MEMORY_BYTES = 256 * MEBIBYTE


def rendered_cache(settings: Settings) -> ArrayCache:
    """A cache in memory before one beside the data, which all workers of the service share."""
    limit_bytes = settings.rendered_cache_bytes
    if limit_bytes == 0:
        return NO_CACHE
    far = DiskCache(Files(settings.data.absolute()).rendered, limit_bytes)
    return LayeredCache(MemoryCache(min(limit_bytes, _MEMORY_BYTES)), far)
