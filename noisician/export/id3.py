"""ID3v2.4 tags: written for MP3 and for the ``id3`` chunk of WAV, read for our own recipe.

Structure and frames: id3.org, "ID3 tag version 2.4.0 - Main Structure" and "- Native Frames"; chapters: "ID3v2
Chapter Frame Addendum". All text is UTF-8 (encoding 3).

Lyrics stand in USLT as plain text and in SYLT with the time of each syllable; voices that sing at once have a SYLT
each, because the times of one may not run backwards.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from noisician.errors import FileError
from noisician.export.lyrics import TimedLine, plain_lyrics, synchronised
from noisician.export.metadata import (
    RECIPE_TAG,
    Metadata,
    bpm_text,
    clean_text,
    tag_key,
    text_fields,
)

_UTF8 = b"\x03"
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_SIZE_LIMIT_BYTES = 2**28 - 1  # four bytes of seven bits
_NO_OFFSET = b"\xff\xff\xff\xff"
_LANGUAGES = {"en": b"eng"}
_UNKNOWN_LANGUAGE = b"XXX"
_MILLISECONDS, _LYRICS = b"\x02", b"\x01"


def build_tag(metadata: Metadata, duration_s: float, packed_recipe: str | None) -> bytes:
    """A complete tag. ``duration_s`` closes the last chapter."""
    frames = [
        _text_frame(b"TIT2", metadata.title or metadata.prompt),
        _text_frame(b"TPE1", metadata.artist),
        _text_frame(b"TBPM", "" if metadata.tempo_bpm is None else bpm_text(metadata.tempo_bpm)),
        _text_frame(b"TKEY", tag_key(metadata.key, metadata.mode) or ""),
        _text_frame(b"TSSE", metadata.software),
        _comment_frame(metadata.prompt),
        *(_described_frame(name, value) for name, value in text_fields(metadata).items()),
        *_chapter_frames(metadata, duration_s),
        *_lyrics_frames(metadata),
    ]
    if packed_recipe is not None:
        frames.append(_described_frame(RECIPE_TAG, packed_recipe))
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + _syncsafe(len(body)) + body


def find_recipe(file: BinaryIO, source: str) -> str | None:
    """The packed recipe of a tag that starts at the file's position; None if there is no tag or no recipe."""
    header = file.read(10)
    if len(header) < 10 or header[:3] != b"ID3" or header[3] not in (3, 4):
        return None
    body = file.read(_from_syncsafe(header[6:10]))
    if len(body) < _from_syncsafe(header[6:10]):
        raise FileError(f"{source}: its ID3 tag is cut short; the file is damaged")
    if header[5] & 0x80 and header[3] == 3:  # 2.3 undoes FF 00 over the whole tag, 2.4 frame by frame
        body = body.replace(b"\xff\x00", b"\xff")
    if header[5] & 0x40:
        body = body[_extended_header_size(body, header[3]) :]
    for name, content in _frames(body, header[3]):
        if name == b"TXXX" and content:
            text = content[1:].decode(_ENCODINGS.get(content[0], "latin-1"), "replace")
            description, _, value = text.partition("\0")
            if description.lstrip("\ufeff") == RECIPE_TAG:
                return value.lstrip("\ufeff").rstrip("\0")
    return None


def _extended_header_size(body: bytes, version: int) -> int:
    """Its size field counts itself in 2.4 and does not in 2.3."""
    return _from_syncsafe(body[:4]) if version == 4 else 4 + int.from_bytes(body[:4], "big")


def _frames(body: bytes, version: int) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 10 <= len(body) and body[at] != 0:  # zeros are padding
        size_bytes = body[at + 4 : at + 8]
        size = _from_syncsafe(size_bytes) if version == 4 else int.from_bytes(size_bytes, "big")
        content = body[at + 10 : at + 10 + size]
        if version == 4 and body[at + 9] & 0x01:  # data length indicator
            content = content[4:]
        if version == 4 and body[at + 9] & 0x02:
            content = content.replace(b"\xff\x00", b"\xff")
        yield body[at : at + 4], content
        at += 10 + size


def _syncsafe(number: int) -> bytes:
    if number > _SIZE_LIMIT_BYTES:
        raise FileError(f"tags of {number} bytes exceed ID3's limit of {_SIZE_LIMIT_BYTES}; the recipe is too large")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_syncsafe(data: bytes) -> int:
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


def _frame(name: bytes, content: bytes) -> bytes:
    return name + _syncsafe(len(content)) + b"\x00\x00" + content


def _text_frame(name: bytes, text: str) -> bytes:
    return _frame(name, _UTF8 + clean_text(text).encode()) if text else b""


def _described_frame(description: str, value: str) -> bytes:
    return _frame(b"TXXX", _UTF8 + description.encode() + b"\0" + value.encode())


def _comment_frame(text: str) -> bytes:
    return _frame(b"COMM", _UTF8 + b"eng\0" + clean_text(text).encode()) if text else b""


def _chapter_frames(metadata: Metadata, duration_s: float) -> list[bytes]:
    """One CHAP per section and the CTOC that lists them in order."""
    if not metadata.sections:
        return []
    starts = [marker.start_s for marker in metadata.sections]
    frames = []
    for number, (marker, end_s) in enumerate(zip(metadata.sections, [*starts[1:], duration_s], strict=True)):
        times = struct.pack(">II", round(marker.start_s * 1000), round(end_s * 1000))
        name = b"ch%d\0" % number
        frames.append(_frame(b"CHAP", name + times + 2 * _NO_OFFSET + _text_frame(b"TIT2", marker.name)))
    top_level_ordered = b"\x03"
    count = min(len(starts), 255)  # one byte counts the entries
    children = b"".join(b"ch%d\0" % number for number in range(count))
    return [_frame(b"CTOC", b"toc\0" + top_level_ordered + bytes([count]) + children), *frames]


def _lyrics_frames(metadata: Metadata) -> list[bytes]:
    """USLT, then a SYLT for the lead and one, so described, for the backing voices."""
    text = plain_lyrics(metadata.lyrics)
    if not text:
        return []
    language = _LANGUAGES.get(metadata.language, _UNKNOWN_LANGUAGE)
    frames = [_frame(b"USLT", _UTF8 + language + b"\0" + text.encode())]
    lead = [line for line in metadata.lyrics if line.voice == "lead"]
    others = [line for line in metadata.lyrics if line.voice != "lead"]
    frames += [_synchronised_frame(language, "", lead), _synchronised_frame(language, "backing", others)]
    return frames


def _synchronised_frame(language: bytes, description: str, lines: list[TimedLine]) -> bytes:
    pieces = [text.encode() + b"\0" + struct.pack(">I", time_ms) for text, time_ms in synchronised(lines)]
    if not pieces:
        return b""
    head = _UTF8 + language + _MILLISECONDS + _LYRICS + description.encode() + b"\0"
    return _frame(b"SYLT", head + b"".join(pieces))
