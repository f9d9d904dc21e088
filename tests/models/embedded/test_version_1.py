"""Recipes that were written before there were pieces: with the weights they name, the samples of their time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from noisician.audio import read_audio
from noisician.models.embedded import EmbeddedModel
from noisician.recipe import Recipe
from noisician.score import Score
from noisician.weights import manifest

FOLDER = Path(__file__).parent / "version_1"
#: A step of 16 bits, and what another processor's arithmetic may differ by.
TOLERANCE = 2e-3


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_a_recipe_of_version_1_gives_the_same_samples(name: str) -> None:
    recipe = Recipe.from_json((FOLDER / f"{name}.json").read_bytes())
    assert recipe.version == 1
    music = EmbeddedModel().replay(recipe)
    assert music.recipe == recipe
    assert recipe.score is not None and music.score is not None
    assert plain(music.score) == plain(Score.from_dict(recipe.score))
    installed = {part: str(manifest()[part]["sha256"]) for part in recipe.models}
    if not all(installed[part].startswith(sha) for part, sha in recipe.models.items()):
        pytest.skip("the installed weights are newer than the recipe's: the notes are the same, the sound is not")
    golden, _ = read_audio(FOLDER / f"{name}.flac")
    assert len(golden) <= len(music.audio)
    np.testing.assert_allclose(music.audio[: len(golden)], golden, atol=TOLERANCE)


def plain(score: Score) -> list[list[tuple[int, float, float, int]]]:
    """What every player plays, ids apart."""
    return [[(n.pitch, n.start_beats, n.duration_beats, n.velocity) for n in track.notes] for track in score.tracks]
