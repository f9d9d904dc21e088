"""A piece played on the user's own instruments: made, edited, opened here and where they are not installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from recorded_notes import tone, write
from stand_in_networks import embedded

from noisician import api, instruments, styles
from noisician.edits import AddPlayer, ReplaceInstrument
from noisician.errors import FileError
from noisician.models.embedded import EmbeddedModel
from noisician.models.protocol import Run
from noisician.models.support import checked
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.renderer import library
from noisician.request import Request
from noisician.styles import own

ASKED = Request(genres=("pop",), instruments=("kazoo", "grand_piano"), duration_s=2.0, seed=11, steps=2)


@pytest.fixture
def kazoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Installed for one test; its recordings."""
    for place in (own.DEFAULT, library):
        monkeypatch.setattr(place, "_carried", {})
    recordings = [write(tmp_path / f"kazoo {name}.wav", tone(pitch, 0.8)) for name, pitch in (("C4", 60), ("G4", 67))]
    instruments.add("kazoo", recordings, rights="mine")
    yield recordings


def made(model: EmbeddedModel, request: Request = ASKED) -> Music:
    return model.generate(checked(request, model.capabilities), Run(keep_stems=True))


def players(recipe: Recipe) -> list[str]:
    assert recipe.piece is not None
    return [player["instrument"] for player in recipe.piece["plan"]["players"]]


def test_it_plays_and_the_recipe_says_with_which_recordings(kazoo: list[str]) -> None:
    model = embedded()
    music = made(model)
    assert {"kazoo", "grand_piano"} <= set(players(music.recipe))
    told = music.recipe.instruments
    assert list(told) == ["kazoo"]
    assert told["kazoo"]["sha256"] == instruments.named("kazoo")[0].sha256
    assert "references" not in told["kazoo"]
    again = model.replay(Recipe.from_json(music.recipe.to_json()))
    assert np.array_equal(again.audio, music.audio)
    stem = next(name for name in music.stems if "kazoo" in name)
    assert np.abs(music.stems[stem]).max() > 0


def test_without_it_a_recipe_says_so_in_one_line(kazoo: list[str]) -> None:
    model = embedded()
    recipe = made(model).recipe
    instruments.remove("kazoo")
    for opened in (lambda: model.replay(recipe), lambda: model.check_edits(recipe, ())):
        with pytest.raises(FileError, match="kazoo: the recipe plays what is not installed here; add it") as refused:
            opened()
        assert "\n" not in str(refused.value)


def test_a_recipe_that_carries_it_is_opened_anywhere(kazoo: list[str]) -> None:
    model = embedded()
    music = made(model, ASKED.model_copy(update={"carry_instruments": True}))
    assert music.recipe.id6 == made(model).recipe.id6  # what is carried changes no sample
    text = music.recipe.to_json()
    instruments.remove("kazoo")
    assert "kazoo" not in styles.instruments()
    elsewhere = embedded()
    opened = elsewhere.replay(Recipe.from_json(text))
    assert np.array_equal(opened.audio, music.audio)
    edited = elsewhere.edit(opened.recipe, [AddPlayer(instrument="flute", role="counter")])
    assert edited.recipe.instruments == music.recipe.instruments  # it goes on being carried


def test_the_same_music_can_be_saved_again_with_it(kazoo: list[str]) -> None:
    model = embedded()
    plain = made(model)
    asked = checked(ASKED.model_copy(update={"carry_instruments": True}), model.capabilities)
    carried = model.rework(plain.recipe, asked, Run())
    assert "references" in carried.recipe.instruments["kazoo"]
    assert np.array_equal(carried.audio, plain.audio)


def test_other_recordings_under_its_name_are_told(kazoo: list[str]) -> None:
    recipe = made(embedded()).recipe
    installed = api.other_weights(recipe)
    instruments.add("kazoo", kazoo[:1], overwrite=True)
    assert api.other_weights(recipe) == (*installed, "kazoo")


def test_edits_take_it(kazoo: list[str]) -> None:
    model = embedded()
    plain = made(model, ASKED.model_copy(update={"instruments": ("flute", "grand_piano")}))
    assert plain.recipe.instruments == {}
    assert "instruments" not in json.loads(plain.recipe.to_json())  # recipes of shipped instruments are as they were
    assert plain.recipe.piece is not None
    flute = next(one["id"] for one in plain.recipe.piece["plan"]["players"] if one["instrument"] == "flute")
    replaced = model.edit(plain.recipe, [ReplaceInstrument(player=flute, instrument="kazoo")])
    assert "kazoo" in players(replaced.recipe) and "kazoo" in replaced.recipe.instruments
    added = model.edit(plain.recipe, [AddPlayer(instrument="kazoo")])
    assert "kazoo" in players(added.recipe)


@pytest.mark.parametrize(
    ("field", "value"),
    [("references", "no base64!"), ("references", ""), ("range", "wide"), ("id", "comb"), ("sha256", "0" * 64)],
)
def test_a_damaged_carried_instrument_is_told_in_one_line(field: str, value: str, kazoo: list[str]) -> None:
    model = embedded()
    recipe = made(model, ASKED.model_copy(update={"carry_instruments": True})).recipe
    told = {**recipe.instruments["kazoo"], field: value}
    library._carried.clear()
    with pytest.raises(FileError, match="kazoo") as refused:
        model.replay(recipe.model_copy(update={"instruments": {"kazoo": told}}))
    assert "\n" not in str(refused.value)


def test_folders_of_carried_instruments_are_never_read(kazoo: list[str], own_instruments: Path) -> None:
    model = embedded()
    recipe = made(model, ASKED.model_copy(update={"carry_instruments": True})).recipe
    shutil.rmtree(own_instruments)
    assert len(model.replay(recipe).audio) > 0
    assert not own_instruments.exists()


def test_its_request_is_read_where_it_is_carried(kazoo: list[str]) -> None:
    """Making a recipe again, or a variation of it, reads the names in its request once more."""
    model = embedded()
    carried = made(model, ASKED.model_copy(update={"carry_instruments": True})).recipe
    plain = made(model).recipe
    instruments.remove("kazoo")
    with pytest.raises(FileError, match="kazoo: the recipe plays what is not installed here"):
        api.bring_instruments(plain)
    api.bring_instruments(carried)
    assert checked(carried.request, model.capabilities).controls.instruments == ("kazoo", "grand_piano")
