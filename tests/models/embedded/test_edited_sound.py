"""The sound of an edited piece: with a cache or without, and as before wherever nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from fake_model import generated
from stand_in_networks import ENTRIES, embedded

from noisician.cache import MemoryCache
from noisician.edits import edits_from
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from noisician.mix import Mixer, Timing
from noisician.mix.reach import reach
from noisician.models.embedded import model
from noisician.models.embedded.mixing import EXCERPT_S, pieces_by_player
from noisician.models.embedded.model import EmbeddedModel
from noisician.models.embedded.outlook import HEARD_AFTER_FRAMES
from noisician.models.protocol import Progress, Run
from noisician.music import Music
from noisician.piece import piece_of
from noisician.recipe import Recipe
from noisician.renderer import Renderer, render
from noisician.request import Request

STEMS = Run(keep_stems=True)
#: Five bars of a band of five.
PIECE = Request(
    genres=("pop",),
    instruments=("flute", "grand_piano"),
    without=("counter", "arp", "texture", "fx"),
    tempo_bpm=200,
    duration_s=9.0,
    seed=11,
    steps=1,
)
Edit = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def stand_in_weights():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "manifest", lambda: ENTRIES)
        patch.setattr(model, "manifest", lambda: ENTRIES)
        yield


@pytest.fixture(scope="module")
def first() -> Music:
    return generated(embedded(), PIECE, STEMS)


@dataclass
class Above:
    """A cache of one's own above one that is only read."""

    below: MemoryCache
    own: MemoryCache = field(default_factory=lambda: MemoryCache(1 << 28))

    def get(self, key: str) -> np.ndarray | None:
        found = self.own.get(key)
        return self.below.get(key) if found is None else found

    def put(self, key: str, array: np.ndarray) -> None:
        self.own.put(key, array)


@pytest.fixture(scope="module")
def rendered(first: Music) -> MemoryCache:
    """All that the piece is made of."""
    kept = MemoryCache(1 << 28)
    embedded(kept).replay(first.recipe, STEMS)
    return kept


@pytest.fixture
def warm(rendered: MemoryCache) -> EmbeddedModel:
    """A model that has rendered the piece and nothing else."""
    return embedded(Above(rendered))


@pytest.fixture(scope="module")
def edited_plainly(first: Music) -> Callable[[int], Music]:
    """What one of EDITS makes of the piece without any cache."""
    return cache(lambda number: embedded().edit(first.recipe, edits_from([EDITS[number]]), STEMS))


def last_bar(music: Music) -> int:
    piece = piece_of(music.recipe)
    assert piece is not None
    return piece.plan.bars


EDITS: list[Edit] = [
    {"op": "regenerate", "players": ["lead"], "bars": [[2, 2]], "seed": 5},
    {"op": "rest", "players": ["chords"], "bars": [[1, 1]]},
    {"op": "mix", "player": "bass", "gain_db": -5},
    {"op": "fades", "fade_out_s": 1.0},
]


def kinds(numbers: range) -> Any:
    return pytest.mark.parametrize("number", numbers, ids=lambda number: EDITS[number]["op"])


@kinds(range(len(EDITS)))
def test_a_cache_spares_work_and_changes_no_bit(
    first: Music, warm: EmbeddedModel, edited_plainly: Callable[[int], Music], number: int
) -> None:
    quick, plain = warm.edit(first.recipe, edits_from([EDITS[number]]), STEMS), edited_plainly(number)
    np.testing.assert_array_equal(quick.audio, plain.audio)
    assert quick.stems.keys() == plain.stems.keys()
    for name, stem in quick.stems.items():
        np.testing.assert_array_equal(stem, plain.stems[name])
    assert quick.recipe == plain.recipe


@kinds(range(2))
def test_what_an_edit_does_not_reach_keeps_its_bits(
    first: Music, edited_plainly: Callable[[int], Music], number: int
) -> None:
    after, outlook = edited_plainly(number), embedded().outlook(first.recipe, edits_from([EDITS[number]]))
    heard = np.zeros(len(first.audio), bool)
    for start_s, end_s in outlook.heard_s:
        heard[int(start_s * SAMPLE_RATE_HZ) : int(np.ceil(end_s * SAMPLE_RATE_HZ))] = True
    np.testing.assert_array_equal(after.audio[~heard], first.audio[~heard])
    assert (after.audio != first.audio).any()
    (touched,) = EDITS[number]["players"]
    assert set(outlook.painted_s) <= {touched}
    for name, stem in first.stems.items():
        if not name.startswith(touched):
            np.testing.assert_array_equal(after.stems[name], stem)


def test_in_a_loop_an_edit_of_the_end_is_heard_at_the_beginning() -> None:
    first = generated(embedded(), PIECE.model_copy(update={"loop": True}), STEMS)
    edits = edits_from([{"op": "rest", "players": ["lead"], "bars": [[last_bar(first)] * 2]}])
    after, outlook = embedded().edit(first.recipe, edits, STEMS), embedded().outlook(first.recipe, edits)
    heard = np.zeros(len(first.audio), bool)
    for start_s, end_s in outlook.heard_s:
        heard[int(start_s * SAMPLE_RATE_HZ) : int(np.ceil(end_s * SAMPLE_RATE_HZ))] = True
    np.testing.assert_array_equal(after.audio[~heard], first.audio[~heard])
    assert heard[0] and heard[-1] and not heard.all()
    assert (after.audio[: SAMPLE_RATE_HZ // 2] != first.audio[: SAMPLE_RATE_HZ // 2]).any()


def test_an_edit_is_heard_as_far_as_the_player_whom_it_names_reaches(first: Music) -> None:
    piece = piece_of(first.recipe)
    assert piece is not None and piece.mix is not None
    edits = edits_from([{"op": "transpose", "players": ["bass"], "bars": [[2, 2]], "semitones": 1}])
    outlook = embedded().outlook(first.recipe, edits)
    (_, painted_to_s), (_, heard_to_s) = outlook.painted_s["bass"][-1], outlook.heard_s[-1]
    timing = Timing.of(piece.score)
    after_s = reach(piece.mix, timing, "bass")[1]
    assert after_s < reach(piece.mix, timing)[1]
    assert heard_to_s == pytest.approx(painted_to_s + HEARD_AFTER_FRAMES / FRAME_RATE_HZ + after_s)
    assert heard_to_s < piece.plan.duration_s


def excerpts_of(model: EmbeddedModel, recipe: Recipe, edit: Edit) -> tuple[Music, list[Progress]]:
    heard: list[Progress] = []
    music = model.edit(recipe, edits_from([edit]), Run(heard.append, excerpt=True))
    return music, [progress for progress in heard if progress.excerpt is not None]


def test_a_fader_mixes_the_stem_of_its_player_alone(
    first: Music, warm: EmbeddedModel, edited_plainly: Callable[[int], Music], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed: list[str] = []
    stem = Mixer.stem
    monkeypatch.setattr(Mixer, "stem", lambda mixer, key: mixed.append(key) or stem(mixer, key))
    after = warm.edit(first.recipe, edits_from([EDITS[2]]), STEMS)
    assert mixed == ["bass"]
    for name, samples in edited_plainly(2).stems.items():
        np.testing.assert_array_equal(after.stems[name], samples)


FADED = {"op": "fades", "fade_out_s": 3.0}
MUTED = {"op": "mix", "player": "lead", "muted": True}


@pytest.mark.parametrize("edit", [*EDITS[:3], FADED, MUTED], ids=lambda edit: edit["op"])
def test_the_first_that_an_edit_reaches_comes_before_the_rest(first: Music, warm: EmbeddedModel, edit: Edit) -> None:
    music, (progress,) = excerpts_of(warm, first.recipe, edit)
    excerpt = progress.excerpt
    assert excerpt is not None and (progress.stage, excerpt.sample_rate_hz) == ("vocoding", SAMPLE_RATE_HZ)
    start = round(excerpt.start_s * SAMPLE_RATE_HZ)
    stop = start + len(excerpt.samples)
    np.testing.assert_array_equal(excerpt.samples, music.audio[start:stop])
    changed = np.flatnonzero((music.audio != first.audio).any(axis=1))
    assert start <= changed[0]
    assert len(excerpt.samples) >= min(EXCERPT_S * SAMPLE_RATE_HZ, len(music.audio) - start)
    if edit["op"] in ("regenerate", "mix"):  # fades move the whole track's numbers; who rests may have been silent
        assert changed[0] < stop


def test_who_wants_no_excerpt_gets_none(first: Music, warm: EmbeddedModel) -> None:
    heard: list[Progress] = []
    warm.edit(first.recipe, edits_from([EDITS[2]]), Run(heard.append))
    assert not any(progress.excerpt for progress in heard)


def test_what_depends_on_the_whole_has_no_excerpt(first: Music, warm: EmbeddedModel) -> None:
    bars = last_bar(first)
    for edit in (
        {"op": "loop", "bars": [1, min(2, bars)]},
        {"op": "remaster"},
        {"op": "add_player", "instrument": "violin", "seed": 1},
    ):
        assert not excerpts_of(warm, first.recipe, edit)[1], edit
    assert not excerpts_of(embedded(), first.recipe, EDITS[0])[1]  # without a cache all would be made twice


def test_an_edit_keeps_the_numbers_of_the_mix_and_tells_where_it_came_from(first: Music) -> None:
    after = embedded().edit(first.recipe, edits_from(EDITS[:1]))
    before, now = piece_of(first.recipe), piece_of(Recipe.from_json(after.recipe.to_json()))
    assert before is not None and now is not None and before.mix is not None
    assert now.mix == before.mix
    words = "regenerate lead, bar 2 (seed 5)"
    assert after.recipe.lineage == ({"id": first.recipe.id6, "operation": "edit", "words": words},)
    np.testing.assert_array_equal(embedded().replay(after.recipe).audio, after.audio)


def test_a_fader_moved_there_and_back_is_the_same_piece_and_sound(first: Music) -> None:
    there = embedded().edit(first.recipe, edits_from([{"op": "mix", "player": "bass", "gain_db": 4}]))
    back = embedded().edit(there.recipe, edits_from([{"op": "mix", "player": "bass", "gain_db": 0}]))
    assert piece_of(back.recipe) == piece_of(first.recipe)
    np.testing.assert_array_equal(back.audio, first.audio)


def test_who_joins_is_mixed_and_who_was_there_keeps_place_and_level(first: Music) -> None:
    joined = embedded().edit(first.recipe, edits_from([{"op": "add_player", "instrument": "violin", "seed": 2}]))
    before, now = piece_of(first.recipe), piece_of(joined.recipe)
    assert before is not None and now is not None and before.mix is not None and now.mix is not None
    assert set(before.mix.strips) < set(now.mix.strips)
    assert len(now.mix.strips) == len(before.mix.strips) + 1
    (new,) = {player.id for player in now.plan.players} - {player.id for player in before.plan.players}
    left = embedded().edit(joined.recipe, edits_from([{"op": "remove_player", "player": new}]))
    np.testing.assert_array_equal(left.audio, first.audio)


@pytest.fixture(scope="module")
def old(first: Music) -> Recipe:
    """A recipe of version 1."""
    piece = piece_of(first.recipe)
    assert piece is not None
    settings = {
        "duration_s": PIECE.duration_s, "loop": False, "genres": dict(piece.plan.genres), "moods": {}, "production": [],
        "render": {"steps": 1, "guidance_scale": 1.0, "last_time": 0.32},
    }  # fmt: skip
    return Recipe(request=PIECE, version=1, seed=11, score=piece.score.to_dict(), settings=settings)


@pytest.mark.parametrize("edit", [{"op": "mix", "player": "bass", "gain_db": -3}, EDITS[1], FADED])
def test_the_outlook_of_a_piece_of_version_1_renders_nothing(
    old: Recipe, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Renderer, "render", lambda *_: pytest.fail("it was rendered"))
    outlook = embedded().outlook(old, edits_from([edit]))
    assert outlook.heard_s == ((0.0, PIECE.duration_s),)
    assert "older noisician" in outlook.remarks[0] and outlook.piece["mix"] is None


def test_a_piece_of_version_1_gets_its_levels_before_it_is_edited(old: Recipe) -> None:
    assert piece_of(old) is not None
    after = embedded().edit(old, edits_from([{"op": "mix", "player": "bass", "gain_db": -3}]))
    assert any("older noisician" in line for line in after.remarks)
    now = piece_of(after.recipe)
    assert now is not None and now.mix is not None
    assert {strip.key: strip.fader_db for strip in now.mix.strips}["bass"] == -3
    assert after.recipe.version == 2


def test_kits_stand_as_the_mix_has_them_and_in_one_place_where_it_is_older(first: Music) -> None:
    piece = piece_of(first.recipe)
    assert piece is not None and piece.mix is not None
    (drums,) = (player for player in piece.plan.players if player.role == "drums")
    placed = pieces_by_player(piece)[drums.id]
    assert placed[42] > 0 > placed[43]
    assert pieces_by_player(replace(piece, mix=None)) == {drums.id: placed}
    strips = [replace(strip, place=replace(strip.place, pieces=())) for strip in piece.mix.strips]
    older = replace(piece, mix=replace(piece.mix, strips=tuple(strips)))
    assert pieces_by_player(older) == {drums.id: {}}
