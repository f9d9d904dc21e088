"""The piece and the score inside a recipe, whatever its version."""

from __future__ import annotations

from noisician.errors import FileError
from noisician.piece.codec import from_dict
from noisician.piece.create import piece_of_version_1
from noisician.piece.model import Piece
from noisician.recipe import Recipe
from noisician.score import Score


def piece_of(recipe: Recipe) -> Piece | None:
    """The piece a recipe holds, None for models that know no notes. Raises FileError for a damaged one."""
    if recipe.piece is not None:
        return from_dict(recipe.piece)
    if recipe.score is None:
        return None
    settings = recipe.settings.get("sketch", recipe.settings)
    return piece_of_version_1(recipe.score, settings, recipe.controls, recipe.seed, recipe.request.prompt)


def score_of(recipe: Recipe) -> Score | None:
    """The notes of a recipe, None where there are none. Raises FileError for damaged ones."""
    if recipe.piece is not None:
        return from_dict(recipe.piece).score
    if recipe.score is None:
        return None
    try:
        score = Score.from_dict(recipe.score)
        if score.meter and score.tempo_bpm > 0:
            return score
        raise ValueError(f"tempo {score.tempo_bpm:g} BPM")
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        what = " ".join(str(broken).split())[:120]
        raise FileError(f"the recipe's score is incomplete ({what}); it was cut or edited") from None
