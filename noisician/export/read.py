"""From any file noisician wrote back to its recipe."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from noisician.errors import FileError
from noisician.export import embed, id3, ogg, riff, vorbis
from noisician.recipe import JSON_LIMIT_BYTES, NOT_OURS, Recipe, unpack

#: Name of the recipe inside a stems archive or folder.
RECIPE_MEMBER = "recipe.json"
#: How files of notation begin: MusicXML, ABC, ChordPro.
_NOTATION = (b"<?xml", b"%abc")
_DIRECTIVE = re.compile(rb"\{[a-z_]+:")
#: Others unpack without a bound on what comes out at once.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_READ_BYTES, _ZIP_READ_LIMIT_BYTES = 1 << 16, 1 << 20


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """The recipe of a WAV, FLAC, OGG, MP3, MIDI, PNG, MusicXML, ABC, ChordPro, JSON sidecar or stems zip, told apart by
    their first bytes.

    Raises a one-line :class:`FileError` if the file is missing, damaged, foreign, or of a newer version.
    """
    source = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            return Recipe.from_json(_recipe_json(file, source), source)
    except FileNotFoundError:
        raise FileError(f"{source}: does not exist; check the spelling and the folder") from None
    except IsADirectoryError:
        return _recipe_of_folder(Path(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise FileError(f"{source}: cannot be read ({reason.lower()})") from None


def _recipe_of_folder(path: Path) -> Recipe:
    member = path / RECIPE_MEMBER
    if not member.is_file():
        raise FileError(f"{path}: is a folder without {RECIPE_MEMBER}; name a file noisician made")
    return read_recipe(member)


def _recipe_json(file: BinaryIO, source: str) -> str | bytes:
    head = file.read(16)
    file.seek(0)
    if not head:
        raise FileError(f"{source}: is empty (0 bytes); an interrupted copy leaves such a file")
    if head[:4] == b"PK\x03\x04":
        return _zip_member(file, source)
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"{") and not _DIRECTIVE.match(begin):
        return file.read(JSON_LIMIT_BYTES + 1)
    packed = _packed_recipe(file, head, source)
    if packed is None:
        raise FileError(f"{source}: {NOT_OURS}; noisician can only inspect its own files")
    return unpack(packed, source)


def _packed_recipe(file: BinaryIO, head: bytes, source: str) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        content = riff.find_chunk(file, riff.RECIPE_CHUNK, source)
        return None if content is None else content.decode("ascii", "replace")
    if head[:4] == b"fLaC":
        file.seek(4)
        return vorbis.find_flac_recipe(file, source)
    if head[:4] == b"OggS":
        return ogg.find_ogg_recipe(file, source)
    if head[:3] == b"ID3":
        return id3.find_recipe(file, source)
    if head[:4] == b"MThd":
        return embed.find_midi_recipe(file.read(JSON_LIMIT_BYTES), source)
    if head.startswith(embed.PNG_SIGNATURE):
        return embed.find_png_recipe(file.read(JSON_LIMIT_BYTES), source)
    if head.startswith(_NOTATION) or _DIRECTIVE.match(head):
        return embed.find_text_recipe(file.read(JSON_LIMIT_BYTES))
    return None


class _ShortReads:
    """A file for zipfile, which reads the directory of an archive in one go and makes an object of every entry: one
    larger than thousands of stems need is damage or an attack on memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.tell, self.seek, self.seekable = file.tell, file.seek, file.seekable
        self._read = file.read

    def read(self, size: int = -1, /) -> bytes:
        data = self._read(_ZIP_READ_LIMIT_BYTES + 1 if size < 0 else min(size, _ZIP_READ_LIMIT_BYTES + 1))
        if len(data) > _ZIP_READ_LIMIT_BYTES:
            raise zipfile.BadZipFile(f"more than {_ZIP_READ_LIMIT_BYTES} bytes of directory")
        return data


def _pieces(member: IO[bytes]) -> Iterator[bytes]:
    """What is unpacked, up to a little more than a recipe may have."""
    left = JSON_LIMIT_BYTES + 1
    while left > 0 and (piece := member.read(_ZIP_READ_BYTES)):
        left -= len(piece)
        yield piece


def _zip_member(file: BinaryIO, source: str) -> bytes:
    try:
        with zipfile.ZipFile(_ShortReads(file)) as archive:
            found = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == RECIPE_MEMBER]
            if not found or found[0].compress_type not in _ZIP_METHODS:
                raise FileError(f"{source}: is an archive without {RECIPE_MEMBER}; it {NOT_OURS}")
            with archive.open(found[0]) as member:
                return b"".join(_pieces(member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise FileError(f"{source}: is a damaged archive; copy or download it again") from None
