"""A prompt in the words the lexicon has: slips of the keyboard mended, other languages' musical words in English.

Everything after this reads English; :meth:`Wording.typed` leads back to what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Piece:
    """``text`` stands for characters ``start`` … ``end − 1`` of what was typed; ``copied``: it is those characters.

    ``slip``: they were read as a word that is spelt otherwise.
    """

    text: str
    start: int
    end: int
    copied: bool = False
    slip: bool = False


@dataclass(frozen=True)
class Wording:
    """``text`` and the pieces of what was ``written`` that it came from. ``language``: ISO 639-1, None English."""

    written: str
    pieces: tuple[Piece, ...]
    language: str | None = None

    @cached_property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    def typed(self, start: int, end: int) -> str:
        """What was written for ``text[start:end]``; of a slip both words."""
        if len(self.pieces) == 1 and self.pieces[0].copied:
            return self.written[start:end].strip()
        there = list(self._within(start, end))
        if not there:
            return ""
        first, last = min(a for a, _, _ in there), max(b for _, b, _ in there)
        written = self.written[first:last].strip(" ,.;:!?、。，-")
        slips = [self.written[piece.start : piece.end] for _, _, piece in there if piece.slip]
        if not slips:
            return written
        for _, _, piece in there:
            if piece.slip:
                written = written.replace(self.written[piece.start : piece.end], piece.text)
        return f"{written} (read for {', '.join(slips)})"

    def _within(self, start: int, end: int) -> Iterator[tuple[int, int, Piece]]:
        """(first, last) characters as written of every piece that ``text[start:end]`` has a share in."""
        at = 0
        for piece in self.pieces:
            low, high = max(start - at, 0), min(end - at, len(piece.text))
            at += len(piece.text)
            if low >= high or not piece.text[low:high].strip():
                continue
            if piece.copied:
                yield piece.start + low, piece.start + high, piece
            else:
                yield piece.start, piece.end, piece


def as_written(text: str) -> Wording:
    return Wording(text, (Piece(text, 0, len(text), copied=True),))


def replaced(wording: Wording, changes: Sequence[Piece]) -> Wording:
    """``wording``, all of it copied so far, with ``changes`` in the place of what they stand for."""
    pieces: list[Piece] = []
    at = 0
    for change in changes:
        if change.start > at:
            pieces.append(Piece(wording.written[at : change.start], at, change.start, copied=True))
        pieces.append(change)
        at = max(at, change.end)
    if at < len(wording.written) or not pieces:
        pieces.append(Piece(wording.written[at:], at, len(wording.written), copied=True))
    return Wording(wording.written, tuple(pieces), wording.language)
