"""A piece as notation programs and lead sheets have it: MusicXML, ABC and ChordPro, with the recipe inside."""

from __future__ import annotations

from noisician.errors import FileError
from noisician.export.write import Notation
from noisician.piece.opened import piece_of
from noisician.recipe import Recipe, pack
from noisician.score import Score
from noisician.score.perform import swing_pair_steps


def written_notation(
    notation: Notation, score: Score, recipe: Recipe, title: str, *, is_lead_sheet: bool = False
) -> bytes:
    """A score in a notation. A lead sheet has the tune, its words and the chords alone, as ChordPro always does."""
    from noisician.score.chordpro import sung_notes, write_chordpro
    from noisician.score.engraving import TICKS, engrave
    from noisician.score.write_abc import write_abc
    from noisician.score.write_musicxml import write_musicxml

    is_abc = notation == "abc"
    swing = _swing(recipe, score)
    sheet = engrave(score, title, swing=swing, is_lead_sheet=is_lead_sheet, is_cut_at_chords=is_abc)
    packed = pack(recipe.to_json())
    if notation == "musicxml":
        return write_musicxml(sheet, packed)
    if is_abc:
        return write_abc(sheet, packed).encode()
    beat_ticks = score.meter.steps_per_beat * TICKS / 4
    return write_chordpro(sheet, sung_notes(sheet), beat_ticks, packed).encode()


def _swing(recipe: Recipe, score: Score) -> tuple[float, int] | None:
    """Swing as the piece knows it; None where there is none to ask."""
    try:
        piece = piece_of(recipe)
    except FileError:
        return None
    return None if piece is None else (piece.plan.swing, swing_pair_steps(score.meter, piece.plan.swing_unit))
