"""Edits of tempo."""

from __future__ import annotations

from dataclasses import replace

from noisician.edits import SetTempo
from noisician.errors import RequestError
from noisician.models.embedded.apply.context import Applying
from noisician.piece import Piece
from noisician.piece.model import TempoMark
from noisician.request import DURATION_RANGE_S


def set_tempo(piece: Piece, edit: SetTempo, applying: Applying) -> Piece:
    """The same beats, faster or slower; what rings at the end rings as long."""
    plan, tail_s = piece.plan, piece.plan.tail_s
    plan = replace(plan, tempo_map=(TempoMark(0, edit.tempo_bpm),))
    duration_s = plan.bars * plan.bar_s + max(0.0, tail_s)
    low, high = DURATION_RANGE_S
    if not low <= duration_s <= high:
        raise RequestError(
            f"at {edit.tempo_bpm:g} BPM the piece lasts {duration_s:.1f} s; pieces last {low:g} to {high:g} s"
        )
    return replace(piece, plan=replace(plan, duration_s=duration_s))
