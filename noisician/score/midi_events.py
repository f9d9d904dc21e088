"""How many events a MIDI file holds, counted without making anything of them."""

from __future__ import annotations

#: Bytes of data behind a status, by its upper half.
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}


def events_of(content: bytes, enough: int) -> int:
    """The events in the tracks of a file, as far as it can be followed; not many more than ``enough`` are counted."""
    count, at = 0, 0
    while count <= enough and (at := content.find(b"MTrk", at)) >= 0:
        end = min(len(content), at + 8 + int.from_bytes(content[at + 4 : at + 8], "big"))
        found, at = _in_track(content, at + 8, end, enough - count)
        count += found
    return count


def _in_track(content: bytes, at: int, end: int, enough: int) -> tuple[int, int]:
    """(events, where the count ended) between two places."""
    count, running = 0, 0
    try:
        while at < end and count <= enough:
            while content[at] & 0x80:  # the delta time
                at += 1
            at += 1
            status = content[at]
            if status & 0x80:
                at += 1
            else:
                status = running
            if status >= 0xF0:
                at += status == 0xFF
                length = 0
                while content[at] & 0x80:
                    length = length << 7 | content[at] & 0x7F
                    at += 1
                at += 1 + (length << 7 | content[at])
            else:
                running = status
                at += _DATA_BYTES.get(status >> 4, 1)
            count += 1
    except IndexError:
        pass
    return count, max(at, end)
