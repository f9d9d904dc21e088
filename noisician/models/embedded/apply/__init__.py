"""Edits applied to a piece: one function for each kind, from a piece to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from noisician import edits as kinds
from noisician.edits import Edit
from noisician.errors import RequestError
from noisician.models.embedded.apply import composing, form, harmony, notes, players, tempo
from noisician.models.embedded.apply.context import Applying, Edited
from noisician.piece import Piece

__all__ = ["Applying", "Edited", "apply_edits"]

_HOW: dict[type, Callable[[Piece, Any, Applying], Piece]] = {
    kinds.Regenerate: composing.regenerate,
    kinds.Vary: composing.vary,
    kinds.AddPlayer: composing.add_player,
    kinds.Extend: form.extend,
    kinds.SetSections: form.set_sections,
    kinds.Loop: form.loop,
    kinds.SetNotes: notes.set_notes,
    kinds.Rest: notes.rest,
    kinds.Copy: notes.copy,
    kinds.UseFrom: notes.use_from,
    kinds.Transpose: notes.transpose,
    kinds.SetTiming: notes.set_timing,
    kinds.SetChords: harmony.set_chords,
    kinds.SetTempo: tempo.set_tempo,
    kinds.SetMeter: tempo.set_meter,
    kinds.SetKey: harmony.set_key,
    kinds.RemovePlayer: players.remove_player,
    kinds.ReplaceInstrument: players.replace_instrument,
    kinds.SetWords: players.set_words,
    kinds.SetVoice: players.set_voice,
    kinds.SetStrip: players.set_strip,
    kinds.SetFades: players.set_fades,
}


def apply_edits(piece: Piece, edits: Sequence[Edit], applying: Applying) -> Edited:
    """The piece after all edits, in order. Raises RequestError for one that cannot be done; nothing is done then."""
    if not edits:
        raise RequestError("no edit: say what shall change")
    remaster = False
    for edit in edits:
        if isinstance(edit, kinds.Remaster):
            remaster = True
            continue
        piece = _HOW[type(edit)](piece, edit, applying)
    return Edited(piece, remaster)
