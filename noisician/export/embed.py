"""The recipe inside files that are not sound: MIDI (a sequencer-specific event), PNG (a text chunk) and notation (a
word)."""

from __future__ import annotations

import struct
import zlib

from noisician.errors import FileError
from noisician.export.metadata import RECIPE_TAG
from noisician.recipe import PACKED_PREFIX, pack

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SEQUENCER_SPECIFIC = b"\xff\x7f"
_NON_COMMERCIAL_ID = b"\x7d"  # the manufacturer id the MIDI standard leaves to everybody
_LONGEST_LENGTH = 2**28 - 1


def midi_with_recipe(midi: bytes, recipe_json: str) -> bytes:
    """The same Standard MIDI File with the recipe as first event of its first track, which players skip."""
    at = _first_track(midi, "MIDI")
    (length,) = struct.unpack_from(">I", midi, at + 4)
    content = _NON_COMMERCIAL_ID + pack(recipe_json).encode("ascii")
    event = b"\0" + _SEQUENCER_SPECIFIC + _variable_length(len(content)) + content
    return midi[: at + 4] + struct.pack(">I", length + len(event)) + event + midi[at + 8 :]


def find_midi_recipe(midi: bytes, source: str) -> str | None:
    """The packed recipe of :func:`midi_with_recipe`, also where an editor has moved the event."""
    _first_track(midi, source)
    marker = _NON_COMMERCIAL_ID + PACKED_PREFIX.encode("ascii")
    at = midi.find(marker)
    if at < 0:
        return None
    start = end = at + 1
    while end < len(midi) and (midi[end : end + 1].isalnum() or midi[end] in b"+/=-:"):
        end += 1
    return midi[start:end].decode("ascii")


def find_text_recipe(text: bytes) -> str | None:
    """The packed recipe of a file of notation, wherever it stands."""
    marker = PACKED_PREFIX.encode("ascii")
    at = text.find(marker)
    if at < 0:
        return None
    end = at + len(marker)
    while end < len(text) and (text[end : end + 1].isalnum() or text[end] in b"+/="):
        end += 1
    return text[at:end].decode("ascii")


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_recipe_chunk(recipe_json: str) -> bytes:
    return png_chunk(b"tEXt", RECIPE_TAG.encode("ascii") + b"\0" + pack(recipe_json).encode("ascii"))


def find_png_recipe(png: bytes, source: str) -> str | None:
    """The packed recipe among the chunks of a PNG."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(png):
        (size,) = struct.unpack_from(">I", png, at)
        content = png[at + 8 : at + 8 + size]
        if len(content) < size:
            raise FileError(f"{source}: its last PNG chunk is cut short; the file is damaged")
        name, _, value = content.partition(b"\0")
        if png[at + 4 : at + 8] == b"tEXt" and name == RECIPE_TAG.encode("ascii"):
            return value.decode("ascii", "replace")
        at += 12 + size
    return None


def _first_track(midi: bytes, source: str) -> int:
    """Position of the first MTrk chunk."""
    at = 0
    while at + 8 <= len(midi) and midi[:4] == b"MThd":
        if midi[at : at + 4] == b"MTrk":
            return at
        at += 8 + struct.unpack_from(">I", midi, at + 4)[0]
    raise FileError(f"{source}: has no MIDI track; damaged, or not a Standard MIDI File")


def _variable_length(number: int) -> bytes:
    """Seven bits a byte, most significant first, the top bit set on all but the last."""
    if number > _LONGEST_LENGTH:
        raise FileError(f"a recipe of {number} bytes exceeds MIDI's event limit of {_LONGEST_LENGTH}")
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))
