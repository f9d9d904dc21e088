"""Edits of what a checkpoint made: what they do not name keeps its samples, and the recipe makes them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fake_family import RATE, FakeFamily, model_of
from fake_model import FakeModel, generated

from noisician.edits import Edit, Extend, Loop, Regenerate, Region, Vary, edit_from
from noisician.errors import FileError, RequestError
from noisician.models.checkpoints.editing import JOIN_S, AudioStep
from noisician.models.checkpoints.model import CheckpointModel
from noisician.models.guided import GuidedModel
from noisician.models.protocol import Progress, Run
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request


def made(family: FakeFamily, **options: object) -> tuple[CheckpointModel, Music]:
    model = model_of(family)
    return model, generated(model, Request(model="fake", seed=5, **{"duration_s": 8.0, **options}))  # type: ignore[arg-type]


def edited(*edits: Edit, family: FakeFamily | None = None, **options: object) -> tuple[Music, Music]:
    model, before = made(family or FakeFamily(), **options)
    after = model.edit(before.recipe, edits)
    again = model.replay(Recipe.from_json(after.recipe.to_json()))
    np.testing.assert_array_equal(again.audio, after.audio)
    return before, after


def differing_s(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """First and last second in which two equally long tracks differ."""
    differ = np.flatnonzero((before != after).any(axis=1))
    return differ[0] / RATE, differ[-1] / RATE


def test_a_regenerated_stretch_is_all_that_changes() -> None:
    before, after = edited(Regenerate(seconds=((2.0, 3.5),), seed=9))
    first, last = differing_s(before.audio, after.audio)
    assert (first, last) == (pytest.approx(2.0, abs=0.01), pytest.approx(3.5, abs=0.01))
    assert after.audio.shape == before.audio.shape


def test_bars_are_those_of_the_tempo_asked_for() -> None:
    family = FakeFamily(features=frozenset({"text", "repaint", "init_audio", "tempo"}))
    before, after = edited(Regenerate(bars=((2, 2),)), family=family, tempo_bpm=120)
    first, last = differing_s(before.audio, after.audio)
    assert (first, last) == (pytest.approx(2.0, abs=0.01), pytest.approx(4.0, abs=0.01))


def test_words_of_its_own_are_what_the_checkpoint_reads() -> None:
    family = FakeFamily()
    edited(Regenerate(seconds=((2, 3),), text="a gong"), family=family, prompt="rain")
    assert [job.prompt for job in family.jobs[:3]] == ["rain", "rain", "a gong"]


def test_all_is_varied_by_its_strength_and_a_stretch_alone() -> None:
    family = FakeFamily()
    before, after = edited(Vary(strength=0.25), family=family)
    assert family.jobs[2].strength == 0.25
    assert differing_s(before.audio, after.audio)[1] > 7.9
    before, after = edited(Vary(strength=1.0, seconds=((1, 2),)))
    first, last = differing_s(before.audio, after.audio)
    assert (first, last) == (pytest.approx(1.0, abs=0.01), pytest.approx(2.0, abs=0.01))


def test_what_is_added_goes_on_from_what_was() -> None:
    before, after = edited(Extend(by_seconds=2))
    assert after.duration_s == 10
    kept = round((8 - JOIN_S) * RATE)
    np.testing.assert_array_equal(after.audio[:kept], before.audio[:kept])
    assert np.abs(after.audio[8 * RATE :]).max() > 0.01
    before, after = edited(Extend(by_seconds=2, where="before"))
    first = round((2 + JOIN_S) * RATE)
    np.testing.assert_array_equal(after.audio[first:], before.audio[-(len(after.audio) - first) :])
    assert np.abs(after.audio[:RATE]).max() > 0.01


def test_a_loop_is_made_anew_around_its_seam_alone() -> None:
    before, after = edited(Loop())
    first, last = differing_s(np.roll(before.audio, 4 * RATE, axis=0), np.roll(after.audio, 4 * RATE, axis=0))
    assert (first, last) == (pytest.approx(3.0, abs=0.01), pytest.approx(5.0, abs=0.01))
    assert after.metadata.loop


def test_edits_follow_each_other_and_the_recipe_stays_flat() -> None:
    model, first = made(FakeFamily())
    second = model.edit(first.recipe, [Extend(by_seconds=1), Regenerate(seconds=((0, 1),))])
    third = model.edit(second.recipe, [Regenerate(seconds=((8.5, 9),))])
    assert third.duration_s == 9
    assert [one["op"] for one in third.recipe.settings["edits"]] == ["extend", "regenerate", "regenerate"]
    assert len({one["seed"] for one in third.recipe.settings["edits"]}) == 3
    assert "edits" not in third.recipe.settings["base"]["settings"]
    assert [step["operation"] for step in third.recipe.lineage] == ["edit", "edit"]
    assert third.recipe.lineage[1]["id"] == second.recipe.id6
    np.testing.assert_array_equal(model.replay(third.recipe).audio, third.audio)


def test_progress_is_one_whole() -> None:
    model, first = made(FakeFamily())
    heard: list[Progress] = []
    model.edit(first.recipe, [Regenerate(seconds=((0, 1),)), Vary()], Run(heard.append))
    shares = [one.share for one in heard]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1


def test_the_outlook_says_where_without_sampling() -> None:
    family = FakeFamily()
    model, first = made(family)
    calls = len(family.jobs)
    outlook = model.outlook(first.recipe, [Regenerate(seconds=((1, 2),), also=(Region(seconds=((4, 9),)),))])
    assert outlook.heard_s == ((1, 2), (4, 8)) and dict(outlook.painted_s) == {"fake": ((1, 2), (4, 8))}
    assert len(family.jobs) == calls


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "tempo", "tempo_bpm": 90}, "fake cannot tempo 90 BPM: it makes one sound without notes or players"),
        ({"op": "regenerate", "players": ["bass"], "seconds": [[1, 2]]}, "without players; name bars or seconds"),
        ({"op": "regenerate", "bars": [[1, 2]]}, "no tempo, so it has no bars"),
        ({"op": "regenerate", "seconds": [[9, 10]]}, "the music ends at 8 s"),
        ({"op": "regenerate", "seconds": [[3, 3]]}, "ends before it begins"),
        ({"op": "regenerate", "seconds": [[1, 3], [2, 4]]}, "overlap"),
        ({"op": "regenerate", "seconds": [[1, 3]], "keep": "rhythm"}, "knows no notes whose rhythm"),
        ({"op": "extend"}, "by bars or by seconds"),
        ({"op": "extend", "by_seconds": 600}, "is outside 1 to 600 s"),
    ],
)
def test_what_it_cannot_do_is_one_line_before_any_work(operation: dict[str, object], message: str) -> None:
    model, first = made(FakeFamily())
    heard: list[Progress] = []
    with pytest.raises(RequestError) as refused:
        model.edit(first.recipe, [edit_from(operation)], Run(heard.append))
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert heard == []


def test_a_checkpoint_that_repaints_nothing_says_what_it_can() -> None:
    model, first = made(FakeFamily(features=frozenset({"text", "init_audio"})))
    with pytest.raises(RequestError, match=r"regenerate: that takes repaint, which stable-audio-open-1.0"):
        model.edit(first.recipe, [Regenerate(seconds=((1, 2),))])


def test_a_guided_piece_keeps_its_sketch(fake_model: FakeModel) -> None:
    guided = GuidedModel(fake_model, model_of(FakeFamily(channels=2)))
    first = generated(guided, Request(prompt="calm piano", guide=True, strength=0.4, seed=2))
    edits = [Regenerate(seconds=((0.5, 1.0),)), Vary(bars=((1, 1),), strength=0.2)]
    after = guided.edit(first.recipe, edits)
    assert after.score == first.score and after.duration_s == first.duration_s
    assert not np.array_equal(after.audio, first.audio)
    assert after.recipe.request == first.recipe.request
    assert [step["operation"] for step in after.recipe.lineage] == ["edit"]
    np.testing.assert_array_equal(guided.replay(after.recipe).audio, after.audio)
    further = guided.edit(after.recipe, [Regenerate(seconds=((1.5, 2.0),))])
    np.testing.assert_array_equal(guided.replay(further.recipe).audio, further.audio)
    assert guided.outlook(first.recipe, edits).heard_s == ((0.0, 2.0),)
    for edit, message in (
        (Extend(by_bars=2), "a guided piece cannot extend by 2 bars after: it keeps its sketch"),
        (Vary(bars=((1, 2),)), "bars 1-2: the piece has 1 bars"),
    ):
        with pytest.raises(RequestError, match=message):
            guided.edit(first.recipe, [edit])


def test_damaged_edits_are_one_line() -> None:
    model, first = made(FakeFamily())
    recipe = model.edit(first.recipe, [Vary()]).recipe
    broken: Sequence[dict[str, object]] = (
        {**recipe.settings, "edits": [{"op": "no"}]},
        {name: value for name, value in recipe.settings.items() if name != "base"},
    )
    for settings in broken:
        with pytest.raises(FileError, match="edits are damaged"):
            model.replay(recipe.model_copy(update={"settings": settings}))


def test_a_step_asks_for_nothing_that_the_music_has_already() -> None:
    base = Request(prompt="x", bars=8, guide=True, morph_audio="y.wav", loop=True)
    asked = AudioStep(((0.0, 1.0),), 4.0, 3).request(base)
    assert (asked.bars, asked.guide, asked.morph_audio, asked.loop) == (None, False, None, False)
    assert (asked.repaint, asked.duration_s, asked.seed) == (((0.0, 1.0),), 4.0, 3)
