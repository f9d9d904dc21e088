"""Arrays kept by what they were made from, so that nothing is made twice.

A key is a hash of *all* that an array depends on. A cache therefore never changes a bit of any result: it may be empty,
lose what it likes, or be shared by everybody.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np

#: What of rendered sound is kept on a disk unless somebody says otherwise: some hours of a few players.
RENDERED_CACHE_BYTES = 2 << 30

_KEY_BYTES = 20
#: Packages that no sample depends on.
_WITHOUT_SOUND = ("cli", "corpus", "evaluate", "export", "service", "training")
#: The libraries in whose arithmetic the last bits lie.
_ARITHMETIC = ("numpy", "scipy", "onnxruntime")


class ArrayCache(Protocol):
    """What everybody who makes arrays may be handed."""

    def get(self, key: str) -> np.ndarray | None: ...

    def put(self, key: str, array: np.ndarray) -> None: ...


class NoCache:
    """Keeps nothing."""

    def get(self, key: str) -> np.ndarray | None:
        return None

    def put(self, key: str, array: np.ndarray) -> None:
        pass


NO_CACHE = NoCache()


def key_of(*parts: object) -> str:
    """A key for what depends on ``parts``: arrays count by type, shape and bytes, everything else by its ``repr``."""
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def cached(cache: ArrayCache, key: Callable[[], str], make: Callable[[], np.ndarray]) -> np.ndarray:
    """What the cache has, else what ``make`` makes, kept. Without a cache not even the key is worked out."""
    if isinstance(cache, NoCache):
        return make()
    name = key()
    found = cache.get(name)
    if found is None:
        found = make()
        cache.put(name, found)
    return found


@functools.cache
def build_id() -> str:
    """What decides the bits of anything beside its key: our own sources and the libraries that calculate.

    Who keeps arrays for longer than a process lives must not take those of another build for its own.
    """
    package = Path(__file__).parent
    within = (path for path in package.iterdir() if path.is_dir() and path.name not in _WITHOUT_SOUND)
    files = (*package.glob("*.py"), *(path for folder in within for path in folder.rglob("*.*")))
    # Weights and references are named by the keys.
    sources = sorted(path for path in files if path.suffix in (".py", ".toml", ".json"))
    versions = [version(name) for name in _ARITHMETIC]
    return key_of(versions, *(part for path in sources for part in (path.relative_to(package), path.read_bytes())))


class MemoryCache:
    """Keeps the arrays used last, up to ``limit_bytes`` of them. For any number of threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._arrays: OrderedDict[str, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> np.ndarray | None:
        with self._lock:
            array = self._arrays.get(key)
            if array is not None:
                self._arrays.move_to_end(key)
            return array

    def put(self, key: str, array: np.ndarray) -> None:
        """The array is kept as it is and must not be changed afterwards."""
        with self._lock:
            old = self._arrays.pop(key, None)
            self._bytes += array.nbytes - (0 if old is None else old.nbytes)
            self._arrays[key] = array
            while self._bytes > self._limit_bytes and self._arrays:
                _, oldest = self._arrays.popitem(last=False)
                self._bytes -= oldest.nbytes


class DiskCache:
    """Keeps arrays as files in a folder, up to ``limit_bytes``, those used longest ago going first.

    Several processes may share the folder, also those of other builds (:func:`build_id`), which find none of each
    other's arrays. Files appear whole or not at all, and whatever cannot be read, written or removed counts as not
    kept.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes
        self._since_sweep_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> np.ndarray | None:
        path = self._path(key)
        try:
            array = np.load(path, allow_pickle=False)
            os.utime(path)
        except (OSError, ValueError, EOFError):
            return None
        return array

    def put(self, key: str, array: np.ndarray) -> None:
        path = self._path(key)
        beside = path.with_name(f"{path.stem}.{uuid4().hex}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            return
        self._make_room(array.nbytes)

    def _path(self, key: str) -> Path:
        name = key_of(build_id(), key)
        return self._folder / name[:2] / f"{name}.npy"

    def _make_room(self, added_bytes: int) -> None:
        """Looks at the folder once in a while: whenever a sixteenth of the limit was written, and at first."""
        with self._lock:
            first = self._since_sweep_bytes == 0
            self._since_sweep_bytes += added_bytes
            if not first and self._since_sweep_bytes < self._limit_bytes // 16:
                return
            self._since_sweep_bytes = 1
        sweep(self._folder, self._limit_bytes)


def sweep(folder: Path, limit_bytes: int) -> None:
    """Removes the files of a cache's folder that were used longest ago until the rest fits."""
    entries: list[tuple[float, int, Path]] = []
    for path in folder.glob("*/*"):
        with suppress(OSError):
            status = path.stat()
            entries.append((status.st_mtime, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - limit_bytes
    for _, size, path in sorted(entries, key=lambda entry: entry[:2]):
        if excess <= 0:
            return
        with suppress(OSError):
            path.unlink()
            excess -= size


class LayeredCache:
    """A fast cache before a slow one."""

    def __init__(self, near: ArrayCache, far: ArrayCache) -> None:
        self._near, self._far = near, far

    def get(self, key: str) -> np.ndarray | None:
        array = self._near.get(key)
        if array is None:
            array = self._far.get(key)
            if array is not None:
                self._near.put(key, array)
        return array

    def put(self, key: str, array: np.ndarray) -> None:
        self._near.put(key, array)
        self._far.put(key, array)
