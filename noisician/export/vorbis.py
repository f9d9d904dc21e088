"""Vorbis comments, and where they live: a FLAC metadata block or an Ogg packet.

Specifications: xiph.org, "Ogg Vorbis I format specification: comment field and header specification"; RFC 9639
(FLAC), section 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from noisician.errors import FileError
from noisician.export.lyrics import lrc_lines, plain_lyrics
from noisician.export.metadata import (
    RECIPE_TAG,
    Metadata,
    bpm_text,
    clean_text,
    tag_key,
    text_fields,
)

_VORBIS_COMMENT, _PADDING = 4, 1
_FLAC_BLOCK_LIMIT_BYTES = 2**24 - 1
_LAST_BLOCK = 0x80
#: Where FLAC's first block, behind its magic and four bytes of header, ends.
FLAC_SAMPLES_END = 42
#: Fields of a comment block; ours has two for each section and a dozen more.
_FIELDS_LIMIT = 10_000


def comment_fields(metadata: Metadata, frames: int, packed_recipe: str | None) -> list[tuple[str, str]]:
    """Names and values in the order they are written. ``frames`` is the loop's length."""
    fields = {
        "TITLE": metadata.title or metadata.prompt,
        "ARTIST": metadata.artist,
        "COMMENT": metadata.prompt,
        "BPM": "" if metadata.tempo_bpm is None else bpm_text(metadata.tempo_bpm),
        "INITIALKEY": tag_key(metadata.key, metadata.mode) or "",
        "ENCODER": metadata.software,
        **text_fields(metadata),
    }
    if metadata.loop:
        fields |= {"LOOPSTART": "0", "LOOPLENGTH": str(frames)}
    for number, marker in enumerate(metadata.sections, start=1):
        minutes, seconds = divmod(round(marker.start_s, 3), 60)
        hours, minutes = divmod(int(minutes), 60)
        fields[f"CHAPTER{number:03d}"] = f"{hours:02d}:{minutes:02d}:{seconds:06.3f}"
        fields[f"CHAPTER{number:03d}NAME"] = marker.name
    fields["LYRICS"] = plain_lyrics(metadata.lyrics)
    fields["SYNCEDLYRICS"] = "\n".join(lrc_lines(metadata.lyrics))
    if packed_recipe is not None:
        fields[RECIPE_TAG] = packed_recipe
    return [(name, clean_text(value)) for name, value in fields.items() if value]


def build_comments(vendor: bytes, fields: list[tuple[str, str]]) -> bytes:
    """Vendor, count, then ``NAME=value`` in UTF-8, each behind its little-endian length."""
    entries = [f"{name}={value}".encode() for name, value in fields]
    parts = [_counted(vendor), struct.pack("<I", len(entries)), *map(_counted, entries)]
    return b"".join(parts)


def parse_comments(data: bytes, source: str) -> tuple[bytes, list[tuple[str, str]]]:
    """Vendor and fields, names in capitals; :class:`FileError` if a length points outside the block."""
    at = 0

    def take() -> bytes:
        nonlocal at
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise FileError(f"{source}: its comment block is cut short; the file is damaged")
        at += 4 + size
        return data[at - size : at]

    try:
        vendor = take()
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        if count > _FIELDS_LIMIT:
            raise FileError(f"{source}: its comment block announces {count} fields; the file is damaged")
        fields = []
        for _ in range(count):
            name, _, value = take().decode("utf-8", "replace").partition("=")
            fields.append((name.upper(), value))
        return vendor, fields
    except struct.error:
        raise FileError(f"{source}: its comment block is cut short; the file is damaged") from None


def recipe_field(fields: list[tuple[str, str]]) -> str | None:
    return next((value for name, value in fields if name == RECIPE_TAG), None)


@dataclass(frozen=True)
class FlacSamples:
    """Which samples a FLAC stream holds, as its first block tells (STREAMINFO; RFC 9639, 8.2). ``md5`` is that of all
    samples, channels interleaved, little-endian, each in ``bit_depth`` / 8 bytes."""

    sample_rate_hz: int
    channels: int
    bit_depth: int
    frames: int
    md5: bytes


def flac_samples(head: bytes) -> FlacSamples | None:
    """What the first ``FLAC_SAMPLES_END`` bytes of a file say; None for another kind of file or an unknown sum."""
    if len(head) < FLAC_SAMPLES_END or head[:4] != b"fLaC" or head[4] & 0x7F:
        return None
    md5 = head[FLAC_SAMPLES_END - 16 : FLAC_SAMPLES_END]
    if not any(md5):
        return None
    bits = int.from_bytes(head[18:26], "big")  # behind the sizes of blocks and frames
    return FlacSamples(bits >> 44, (bits >> 41 & 7) + 1, (bits >> 36 & 31) + 1, bits & (1 << 36) - 1, md5)


def with_flac_comments(encoded: memoryview, fields: list[tuple[str, str]]) -> list[bytes | memoryview]:
    """The pieces of a FLAC file with its comment block replaced by ours (the encoder's vendor is kept)."""
    kept: list[tuple[int, bytes]] = []
    vendor = b"noisician"
    at, last = 4, False
    while not last:
        kind, size = encoded[at] & 0x7F, int.from_bytes(encoded[at + 1 : at + 4], "big")
        last = bool(encoded[at] & _LAST_BLOCK)
        content = bytes(encoded[at + 4 : at + 4 + size])
        if kind == _VORBIS_COMMENT:
            vendor, _ = parse_comments(content, "encoder")
        elif kind != _PADDING:
            kept.append((kind, content))
        at += 4 + size
    comments = build_comments(vendor, fields)
    if len(comments) > _FLAC_BLOCK_LIMIT_BYTES:
        raise FileError(
            f"tags of {len(comments)} bytes exceed FLAC's limit of {_FLAC_BLOCK_LIMIT_BYTES}; export as WAV"
        )
    kept.append((_VORBIS_COMMENT, comments))
    pieces: list[bytes | memoryview] = [b"fLaC"]
    for number, (kind, content) in enumerate(kept, start=1):
        flag = _LAST_BLOCK if number == len(kept) else 0
        pieces += [bytes([kind | flag]) + len(content).to_bytes(3, "big"), content]
    return [*pieces, encoded[at:]]


def find_flac_recipe(file: BinaryIO, source: str) -> str | None:
    """The packed recipe of a FLAC file positioned after ``fLaC``."""
    last = False
    while not last:
        head = file.read(4)
        if len(head) < 4:
            raise FileError(f"{source}: its FLAC header is cut short; the file is damaged")
        last, kind, size = bool(head[0] & _LAST_BLOCK), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if kind != _VORBIS_COMMENT:
            file.seek(size, 1)
            continue
        return recipe_field(parse_comments(file.read(size), source)[1])
    return None


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data
