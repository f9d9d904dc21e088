"""All-or-nothing writing: several files appear together under their final names, or none does.

Each file is written whole beside its target under a hidden temporary name and flushed to the disk. Publishing
then hard-links it to its name, which the system refuses if the name is taken; with ``overwrite`` the old file is
kept aside until everything is in place. Whatever goes wrong in between, an interrupt included, is undone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from noisician.errors import FileError

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_TEMPORARY_STEM_CHARS = 60


@dataclass
class _Staged:
    target: Path
    temporary: Path
    needed_bytes: int
    backup: Path | None = None
    #: (device, inode) of what this transaction itself put under the target's name.
    ours: set[tuple[int, int]] = field(default_factory=set)


class Transaction:
    """Context manager: :meth:`write` or :meth:`open` any number of files, then :meth:`commit`.

    Leaving without a commit removes every trace. All failures are one-line :class:`FileError`.
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite
        self._staged: list[_Staged] = []
        self._folders: list[Path] = []
        self._committed = False

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._committed:
            self._undo()
        for staged in self._staged:
            _remove(staged.temporary)
            if staged.backup is not None:
                _remove(staged.backup)

    def make_folder(self, path: Path) -> None:
        """Create a folder (and its parents) if missing; removed again if the transaction fails."""
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            self._folders.append(folder)
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise explained(error, folder, 0) from None

    def write(self, path: Path, pieces: Iterable[bytes | memoryview], needed_bytes: int) -> None:
        """Stage one file. ``needed_bytes`` is its expected size, stated if the disk is full."""
        with self.open(path, needed_bytes) as file:
            for piece in pieces:
                file.write(piece)

    @contextlib.contextmanager
    def open(self, path: Path, needed_bytes: int) -> Iterator[BinaryIO]:
        """A binary file to write into; staged when the block ends."""
        check_target(path, self.overwrite)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        temporary = _hidden_name(target)
        staged = _Staged(target, temporary, needed_bytes)
        self._staged.append(staged)
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                staged.ours.add(_identity(os.fstat(file.fileno())))
        except OSError as error:
            raise explained(error, path, needed_bytes) from None

    def commit(self) -> None:
        """Publish everything that was staged. After this returns, leaving the block only tidies up."""
        for staged in self._staged:
            try:
                self._publish(staged)
            except OSError as error:
                raise explained(error, staged.target, staged.needed_bytes) from None
        self._committed = True
        for folder in {staged.target.parent for staged in self._staged}:
            _flush_folder(folder)

    def _publish(self, staged: _Staged) -> None:
        if self.overwrite:
            if os.path.lexists(staged.target):
                staged.backup = _hidden_name(staged.target)
                _keep_aside(staged.target, staged.backup)
            os.replace(staged.temporary, staged.target)
            return
        try:
            os.link(staged.temporary, staged.target)
        except FileExistsError:
            raise _exists(staged.target) from None
        except OSError:  # a file system without hard links: reserve the name first
            with staged.target.open("xb") as placeholder:
                staged.ours.add(_identity(os.fstat(placeholder.fileno())))
            os.replace(staged.temporary, staged.target)

    def _undo(self) -> None:
        for staged in reversed(self._staged):
            if staged.backup is not None and os.path.lexists(staged.backup):
                with contextlib.suppress(OSError):
                    os.replace(staged.backup, staged.target)
                continue
            with contextlib.suppress(OSError):
                if _identity(os.lstat(staged.target)) in staged.ours:
                    staged.target.unlink()
        for staged in self._staged:
            _remove(staged.temporary)
        for folder in reversed(self._folders):
            with contextlib.suppress(OSError):
                folder.rmdir()


def check_target(path: Path, overwrite: bool = False) -> None:
    """Raise the :class:`FileError` that writing there would meet, before any work is done."""
    folder = path.parent
    try:
        if "\0" in str(path):
            raise ValueError("a path cannot hold the character NUL")
        if path.is_dir():
            raise FileError(f"{path}: is a folder, a file name was expected")
        if os.path.lexists(path) and not overwrite:
            raise _exists(path)
        if not folder.is_dir():
            why = "is not a folder" if folder.exists() else "does not exist; create it first"
            raise FileError(f"{path}: the folder {folder} {why}")
    except (OSError, ValueError) as error:
        raise explained(error, path, 0) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{path}: the folder {folder} is not writable; choose another or change its permissions")


def explained(error: OSError | ValueError, path: Path, needed_bytes: int) -> FileError:
    """The one line for a failed write: what, why and, on a full disk, needed and free bytes."""
    code = getattr(error, "errno", None)
    if code in _FULL:
        return FileError(
            f"{path}: the disk is full: {needed_bytes} bytes needed, {_free_bytes(path)} bytes free;"
            " free some space or choose another disk"
        )
    if code in _FORBIDDEN:
        return FileError(f"{path}: may not be written (permission denied or read-only); choose another folder")
    if code == errno.EEXIST:
        return _exists(path)
    if code == errno.ENAMETOOLONG:
        return FileError(f"{path}: the file name is too long for this disk; shorten it")
    if code == errno.EFBIG:
        return FileError(f"{path}: {needed_bytes} bytes exceed the file size limit of this disk or account")
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return FileError(f"{path!s}: cannot be written ({reason.lower()})")


def _exists(path: Path) -> FileError:
    return FileError(f"{path}: already exists; choose another name or ask to overwrite it (--force)")


def _hidden_name(target: Path) -> Path:
    return target.with_name(f".{target.name[:_TEMPORARY_STEM_CHARS]}.{secrets.token_hex(4)}.part")


def _keep_aside(target: Path, backup: Path) -> None:
    """A second name for the old file; where links are not possible it is moved instead."""
    try:
        os.link(target, backup)
    except OSError:
        os.replace(target, backup)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _free_bytes(path: Path) -> int | str:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return "unknown"


def _flush_folder(folder: Path) -> None:
    """Make the new names durable, where the system lets folders be flushed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
