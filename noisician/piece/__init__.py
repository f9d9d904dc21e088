"""The piece: the document a track is rendered from, and what edits change."""

from noisician.piece.codec import from_dict, to_dict
from noisician.piece.create import piece_of_version_1, stem_names, written_piece
from noisician.piece.model import Piece, PieceGrid, PiecePlan, Player

__all__ = [
    "Piece",
    "PieceGrid",
    "PiecePlan",
    "Player",
    "from_dict",
    "piece_of_version_1",
    "stem_names",
    "to_dict",
    "written_piece",
]
