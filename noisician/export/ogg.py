"""Ogg pages (RFC 3533): replacing the comment packet of a Vorbis stream, which moves every later page.

An Ogg Vorbis stream begins with three packets: identification (alone on the first page), comment, setup; the
first audio packet starts a new page. A comment packet with a recipe spans many pages.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from noisician.errors import FileError
from noisician.export.vorbis import build_comments, parse_comments, recipe_field

_CONTINUED = 1
_NO_PACKET_ENDS = 2**64 - 1
_SEGMENTS_PER_PAGE = 255
_SEGMENT_BYTES = 255
_HEADER = struct.Struct("<4sBBQIIIB")
_COMMENT_PACKET = b"\x03vorbis"
_FRAMING_BIT = b"\x01"
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
#: A comment packet beyond this is damage, not a recipe.
_HEADER_LIMIT_BYTES = 32 * 1024 * 1024
_HEADER_PAGES_LIMIT = 2 * _HEADER_LIMIT_BYTES // _SEGMENTS_PER_PAGE // _SEGMENT_BYTES


@dataclass(frozen=True)
class Page:
    """One page. ``lacing`` are the segment sizes; a packet ends at each size below 255."""

    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        head = _HEADER.pack(b"OggS", 0, self.flags, self.granule, self.serial, self.number, 0, len(self.lacing))
        page = head + self.lacing + self.body
        return page[:22] + struct.pack("<I", checksum(page)) + page[26:]


def checksum(page: bytes) -> int:
    """CRC-32 of Ogg: polynomial 0x04C11DB7, most significant bit first, no initial value, no final inversion.

    zlib's CRC has the same polynomial with reflected bits and inverts at both ends; undoing that uses its speed.
    """
    reflected = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def read_pages(file: BinaryIO, source: str) -> Iterator[Page]:
    """Pages from the file's position to its end; :class:`FileError` at anything that is no page."""
    while head := file.read(_HEADER.size):
        if len(head) < _HEADER.size or head[:4] != b"OggS":
            raise FileError(f"{source}: holds something other than Ogg pages; the file is damaged")
        _, _, flags, granule, serial, number, _, segments = _HEADER.unpack(head)
        lacing = file.read(segments)
        body = file.read(sum(lacing))
        if len(lacing) < segments or len(body) < sum(lacing):
            raise FileError(f"{source}: its last Ogg page is cut short; the file is damaged")
        yield Page(flags, granule, serial, number, lacing, body)


def find_ogg_recipe(file: BinaryIO, source: str) -> str | None:
    """The packed recipe of an Ogg Vorbis file positioned at its start; None for other streams."""
    packets, _ = _leading_packets(read_pages(file, source), 2, source)
    if len(packets) < 2 or not packets[1].startswith(_COMMENT_PACKET):
        return None
    return recipe_field(parse_comments(packets[1][len(_COMMENT_PACKET) :], source)[1])


def with_ogg_comments(encoded: BinaryIO, fields: list[tuple[str, str]], serial: int) -> Iterator[bytes]:
    """The pages of an encoded stream with our comments and ``serial`` (encoders draw a random one, which would
    make equal recipes give different files)."""
    pages = read_pages(encoded, "encoder")
    packets, header_pages = _leading_packets(pages, 3, "encoder")
    vendor, _ = parse_comments(packets[1][len(_COMMENT_PACKET) :], "encoder")
    comments = _COMMENT_PACKET + build_comments(vendor, fields) + _FRAMING_BIT
    yield replace(header_pages[0], serial=serial).to_bytes()
    number = 1
    for page in _paged([comments, packets[2]], serial, number):
        yield page.to_bytes()
        number = page.number + 1
    for offset, page in enumerate(pages):
        yield replace(page, serial=serial, number=number + offset).to_bytes()


def _leading_packets(pages: Iterator[Page], count: int, source: str) -> tuple[list[bytes], list[Page]]:
    """The first packets and the pages they came from; stops reading at the page that completes them."""
    packets: list[bytes] = []
    used: list[Page] = []
    partial = bytearray()
    for page in pages:
        used.append(page)
        at = 0
        for size in page.lacing:
            partial += page.body[at : at + size]
            at += size
            if size < _SEGMENT_BYTES:
                packets.append(bytes(partial))
                partial.clear()
        if len(packets) >= count:
            break
        if len(partial) > _HEADER_LIMIT_BYTES or len(used) > _HEADER_PAGES_LIMIT:
            raise FileError(f"{source}: its header exceeds {_HEADER_LIMIT_BYTES >> 20} MiB; the file is damaged")
    return packets[:count], used


def _paged(packets: list[bytes], serial: int, first_number: int) -> Iterator[Page]:
    """Header packets laid out on full pages: granule 0 where a packet ends, −1 where none does."""
    lacing = b"".join(
        b"\xff" * (len(packet) // _SEGMENT_BYTES) + bytes([len(packet) % _SEGMENT_BYTES]) for packet in packets
    )
    body = b"".join(packets)
    at, continued = 0, False
    for number, start in enumerate(range(0, len(lacing), _SEGMENTS_PER_PAGE), start=first_number):
        sizes = lacing[start : start + _SEGMENTS_PER_PAGE]
        length = sum(sizes)
        packet_ends = min(sizes) < _SEGMENT_BYTES
        yield Page(
            flags=_CONTINUED if continued else 0,
            granule=0 if packet_ends else _NO_PACKET_ENDS,
            serial=serial,
            number=number,
            lacing=sizes,
            body=body[at : at + length],
        )
        continued = sizes[-1] == _SEGMENT_BYTES
        at += length
