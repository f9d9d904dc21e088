"""One service a data folder: a file that the running one holds locked, with its address for those that come later."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from noisician.errors import FileError, NoisicianError

#: Windows' locks keep others from reading the bytes they cover; this one lies far behind the text.
_LOCKED_BYTE = 1 << 20


class AlreadyRunning(NoisicianError):
    """Another service holds the data folder; ``url`` is where, None while it starts."""

    def __init__(self, folder: Path, pid: int | None, url: str | None) -> None:
        where = f"at {url}" if url else "and is just starting"
        super().__init__(f"a studio with the data folder {folder} runs already {where} (process {pid or 'unknown'})")
        self.url = url


class FolderLock:
    """Held from construction until :meth:`release` or the end of the process, however that comes.

    Raises AlreadyRunning where another process holds it and FileError where there can be no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = open(path, "a+b")  # noqa: SIM115 (held until release)
        except OSError as error:
            raise FileError(f"{path}: cannot be written ({error.strerror}); choose another --data folder") from None
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise AlreadyRunning(path.parent, *_told(path)) from None
        self._write({"pid": os.getpid(), "url": None})

    def announce(self, url: str) -> None:
        """Writes where the service answers."""
        self._write({"pid": os.getpid(), "url": url})

    def release(self) -> None:
        with contextlib.suppress(OSError):
            self._file.truncate(0)
        self._file.close()

    def _write(self, told: dict[str, object]) -> None:
        self._file.truncate(0)
        self._file.write(json.dumps(told).encode())
        self._file.flush()


def _told(path: Path) -> tuple[int | None, str | None]:
    """Process id and address of the service that holds the lock, as far as it has said."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return told["pid"], told["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
