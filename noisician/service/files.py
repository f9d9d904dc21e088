"""Where everything lies in the data folder. Names come from the service alone, never from a client.

noisician.sqlite3          jobs, takes, uploads, events
service.lock               held by the one service of this folder: its process id and address
takes/<take id>/           track.flac (24 bit), recipe.json, lyrics.json, picture.png, stems/<name>.flac
uploads/<upload id>        what somebody handed in, as it came
previews/<job id>.png      the picture so far of what is being made
previews/<job id>.<ms>.flac  the first that an edit changes, from that millisecond of the track on
exports/                   files made on request, the least used deleted first
rendered/                  what players were rendered to, by what it was made from; the least used deleted first
tmp/                       being written; emptied at every start
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from noisician.errors import FileError

_ID = re.compile(r"(job|take|upload)_[0-9a-f]{16}")
_STEM = re.compile(r"[\w-]{1,80}")


def new_id(kind: str) -> str:
    """``job_…``, ``take_…`` or ``upload_…`` with 64 random bits."""
    return f"{kind}_{secrets.token_hex(8)}"


def is_id(text: str, kind: str) -> bool:
    """Whether a client's text can be an id of that kind."""
    return bool(_ID.fullmatch(text)) and text.startswith(f"{kind}_")


@dataclass(frozen=True)
class Files:
    """Paths below the data folder ``root``."""

    root: Path

    def prepare(self) -> None:
        """Makes the folders. Raises FileError where that cannot be."""
        try:
            for folder in (self.takes, self.uploads, self.previews, self.exports, self.tmp):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{self.root}: cannot keep data there ({error.strerror}); choose another --data folder"
            ) from None

    @property
    def lock(self) -> Path:
        return self.root / "service.lock"

    @property
    def takes(self) -> Path:
        return self.root / "takes"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def previews(self) -> Path:
        return self.root / "previews"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def rendered(self) -> Path:
        return self.root / "rendered"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    def take(self, take_id: str) -> Path:
        return self.takes / _checked(take_id, "take")

    def track(self, take_id: str) -> Path:
        return self.take(take_id) / "track.flac"

    def recipe(self, take_id: str) -> Path:
        return self.take(take_id) / "recipe.json"

    def lyrics(self, take_id: str) -> Path:
        return self.take(take_id) / "lyrics.json"

    def picture(self, take_id: str) -> Path:
        return self.take(take_id) / "picture.png"

    def stem(self, take_id: str, name: str) -> Path:
        if not _STEM.fullmatch(name):
            raise FileError(f"{name[:80]!r} is no name of a stem")
        return self.take(take_id) / "stems" / f"{name}.flac"

    def upload(self, upload_id: str) -> Path:
        return self.uploads / _checked(upload_id, "upload")

    def preview(self, job_id: str) -> Path:
        return self.previews / f"{_checked(job_id, 'job')}.png"

    def excerpt(self, job_id: str, start_s: float) -> Path:
        return self.previews / f"{_checked(job_id, 'job')}.{round(1000 * start_s)}.flac"

    def excerpts(self, job_id: str) -> dict[float, Path]:
        """Those that are there, by the second of the track that they start at."""
        there = self.previews.glob(f"{_checked(job_id, 'job')}.*.flac")
        return {int(path.name.split(".")[1]) / 1000: path for path in there}


def _checked(text: str, kind: str) -> str:
    if not is_id(text, kind):
        raise FileError(f"{text[:80]!r} is no id of a {kind}")
    return text
