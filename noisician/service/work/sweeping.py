"""Tidying up after processes that ended in the middle of something.

A take's files are written under tmp/ and renamed into takes/ as one folder, just before its row is written. A note
beside them (its name is the take's id) stands for that moment, so that a folder whose row never came can be told
from one whose database was changed or restored: only the first is removed.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from noisician.service.files import Files, is_id

_NOTES = "publishing"


def note_of(workshop: Path, take_id: str) -> Path:
    """The note that a take is being moved from this folder into the library."""
    return workshop / _NOTES / take_id


def sweep(files: Files, workshop: Path, is_known: Callable[[str], bool]) -> None:
    """Removes what was left in ``workshop`` (a folder under tmp/) and the takes that its notes name and nobody knows.

    For a time when nothing writes there. What cannot be removed stays for the next time.
    """
    for note in workshop.glob(f"{_NOTES}/*"):
        if is_id(note.name, "take") and not is_known(note.name):
            shutil.rmtree(files.take(note.name), ignore_errors=True)
    shutil.rmtree(workshop, ignore_errors=True)


def sweep_all(files: Files, is_known: Callable[[str], bool]) -> None:
    """Empties tmp/ and previews/. For the start of the one service of a data folder, before its workers'."""
    for entry in (*files.tmp.iterdir(), *files.previews.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            sweep(files, entry, is_known)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()
