"""The piece: the document a track is rendered from, and what edits change."""

from noisician.piece.codec import from_dict, to_dict
from noisician.piece.create import (
    Setting,
    noise_stream,
    performers,
    piece_of_score,
    stem_names,
    track_stems,
    written_piece,
)
from noisician.piece.model import Piece, PieceGrid, PiecePlan, Player
from noisician.piece.opened import piece_of, score_of

__all__ = [
    "Piece",
    "PieceGrid",
    "PiecePlan",
    "Player",
    "Setting",
    "from_dict",
    "noise_stream",
    "performers",
    "piece_of",
    "piece_of_score",
    "score_of",
    "stem_names",
    "to_dict",
    "track_stems",
    "written_piece",
]
