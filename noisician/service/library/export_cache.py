"""Files made on request and kept while there is room: each is made once, whoever asks for it at the same time."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from noisician.errors import FileError
from noisician.export.transaction import explained
from noisician.service.files import Files

#: A file asked for within this time may still be on its way to somebody.
SERVED_RECENTLY_S = 60.0


class ExportCache:
    """``exports/<take id>/<name>`` of a data folder, at most about ``limit_bytes`` in all. For any number of threads.

    The time a file was last asked for is kept as its access time; its modification time stays, because it names the
    version to HTTP clients that go on with part of a download.
    """

    def __init__(self, files: Files, limit_bytes: int) -> None:
        self._files, self._limit_bytes = files, limit_bytes
        self._guard, self._pruning = threading.Lock(), threading.Lock()
        self._locks: dict[Path, tuple[threading.Lock, int]] = {}

    def kept(self, take_id: str, name: str, make: Callable[[Path], Path]) -> Path:
        """The file of that name; where there is none, ``make`` writes it into an empty folder and returns it.

        Raises FileError, without folders in its line, where it cannot be made; nothing is left behind then.
        """
        target = self._folder(take_id) / name
        with self._alone(target):
            if _touched(target):
                return target
            self._make(target, make)
        self._prune()
        return target

    def forget(self, take_id: str) -> None:
        """Removes all that was made of a take."""
        shutil.rmtree(self._folder(take_id), ignore_errors=True)

    def _folder(self, take_id: str) -> Path:
        return self._files.exports / self._files.take(take_id).name  # which checks the id

    @contextlib.contextmanager
    def _alone(self, target: Path) -> Iterator[None]:
        """One thread at a time for each file."""
        with self._guard:
            lock, users = self._locks.get(target, (threading.Lock(), 0))
            self._locks[target] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks.pop(target)
                if users > 1:
                    self._locks[target] = lock, users - 1

    def _make(self, target: Path, make: Callable[[Path], Path]) -> None:
        work = self._files.tmp / f"export-{secrets.token_hex(8)}"
        try:
            work.mkdir(parents=True)
            made = make(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made, target)
        except FileError as error:
            raise FileError(str(error).replace(f"{work}{os.sep}", "")) from error
        except OSError as error:
            raise explained(error, Path(target.name), 0) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _prune(self) -> None:
        """Deletes what nobody has asked for longest, until the rest has room."""
        with self._pruning:
            kept = sorted(_entries(self._files.exports))
            total = sum(size for _, size, _ in kept)
            since = time.time() - SERVED_RECENTLY_S
            for used_at, size, path in kept:
                if total <= self._limit_bytes or used_at > since:
                    return
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= size


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(last use as Unix time, bytes, path) of every file two levels down."""
    for path in folder.glob("*/*"):
        with contextlib.suppress(OSError):
            status = path.stat()
            yield status.st_atime, status.st_size, path


def _touched(path: Path) -> bool:
    """Whether the file is there; if so, it is marked as used now."""
    try:
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    except OSError:
        return False
    return True
