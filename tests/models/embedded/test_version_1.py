"""Recipes that were written before there were pieces: the notes of their time for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from noisician.api import other_weights
from noisician.models.embedded import EmbeddedModel
from noisician.recipe import Recipe
from noisician.score import Score

FOLDER = Path(__file__).parent / "version_1"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_a_recipe_of_version_1_plays_the_same_notes_and_says_that_it_sounds_otherwise(name: str) -> None:
    recipe = Recipe.from_json((FOLDER / f"{name}.json").read_bytes())
    assert recipe.version == 1
    music = EmbeddedModel().replay(recipe)
    assert music.recipe == recipe
    assert recipe.score is not None and music.score is not None
    assert plain(music.score) == plain(Score.from_dict(recipe.score))
    assert other_weights(recipe) == ("renderer",)


def plain(score: Score) -> list[list[tuple[int, float, float, int]]]:
    """What every player plays, ids apart."""
    return [[(n.pitch, n.start_beats, n.duration_beats, n.velocity) for n in track.notes] for track in score.tracks]
