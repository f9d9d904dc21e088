"""Refusing edits before anything is written: who has to answer at once does not wait for the composer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from noisician.edits import Edit, Regenerate, SetNotes, Vary
from noisician.errors import RequestError
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.piece import Piece


class _ComposerWanted(Exception):
    """Everything that can be known without the composer is known."""


def check_edits(piece: Piece, edits: Sequence[Edit], others: Callable[[str], Piece]) -> None:
    """Raises the RequestError that applying the edits would, as far as it can be told without composing.

    What is written anew has the players and the bars it had before, so later edits can be held against that; after
    music was added they cannot, nor can edits of notes that are yet to be written.
    """
    applying = Applying(_nobody, others)
    written = False
    for edit in edits:
        if written and isinstance(edit, SetNotes):
            return
        if piece.mix is None and not edit.paints:
            continue  # the numbers that it changes are decided before the edit, by rendering
        try:
            piece = apply_edits(piece, (edit,), applying).piece
        except _ComposerWanted:
            if not isinstance(edit, Regenerate | Vary):
                return
            written = True
    if not written:
        refuse_silence(piece)


def refuse_silence(piece: Piece) -> None:
    """Raises RequestError for a piece in which nobody plays or sings."""
    if not any(piece.notes.values()) and piece.song is None:
        raise RequestError("that would leave silence; keep at least one player with a note")


def _nobody() -> NoReturn:
    raise _ComposerWanted
