"""The document: what derives from the grid, how notes follow it, JSON that loses nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_composer import HearingNetwork
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, make_plan
from noisician.errors import FileError
from noisician.models.embedded.write import compose_piece
from noisician.piece import Piece, from_dict, piece_of, to_dict
from noisician.piece.derive import derived, next_id, patched, places, rederived
from noisician.prompt import understand
from noisician.recipe import Recipe
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Score
from noisician.score.grid import CHORDAL, FIRST_ONSET, HOLD, REST

WORDS = ("lofi hip hop with rain", "late night jazz trio", "waltz in D minor", "deep house")


def made(words: str = "pop with piano and strings", seed: int = 3, duration_s: float = 20.0) -> Piece:
    plan = make_plan(understand(Request(prompt=words, duration_s=duration_s)), seed)
    return compose_piece(plan, seed, RenderSettings(), Composer(HearingNetwork()))  # type: ignore[arg-type]


PIECES = [made(words, seed) for seed, words in enumerate(WORDS)]


@pytest.mark.parametrize("piece", PIECES, ids=WORDS)
def test_notes_are_what_the_grid_derives_to(piece: Piece) -> None:
    for player in piece.plan.players:
        assert [replace(note, id=0) for note in piece.notes[player.id]] == list(derived(piece, player))
        assert [note.id for note in piece.notes[player.id]] == list(range(1, len(piece.notes[player.id]) + 1))


@pytest.mark.parametrize("piece", PIECES, ids=WORDS)
def test_json_and_back_is_the_same_piece(piece: Piece) -> None:
    data = json.loads(json.dumps(to_dict(piece)))
    assert from_dict(data) == piece
    assert json.loads(json.dumps(to_dict(from_dict(data)))) == data


def test_what_a_newer_noisician_wrote_comes_back_in_its_place() -> None:
    piece = PIECES[0]
    data = json.loads(json.dumps(to_dict(piece)))
    data["video"] = {"frames": 24}
    data["plan"]["mood_map"] = [{"bar": 0}]
    data["plan"]["players"][1]["bow"] = "up"
    note = data["notes"][data["plan"]["players"][0]["id"]][0]
    note["vibrato"] = 0.3
    read = from_dict(data)
    assert read == piece
    assert json.loads(json.dumps(to_dict(read))) == data
    gone = replace(read, notes={**read.notes, data["plan"]["players"][0]["id"]: ()})
    assert "vibrato" not in json.dumps(to_dict(gone))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data.pop("plan"), "incomplete"),
        (lambda data: data["plan"].pop("tempo_map"), "incomplete"),
        (lambda data: data.update(version=99), "version 99"),
        (lambda data: data["grid"]["chords"].pop(), "grid has"),
        (lambda data: data["plan"]["players"].append(data["plan"]["players"][0]), "called the same"),
        (lambda data: data["notes"].update(ghost=[]), "ghost"),
        (lambda data: data["plan"]["tempo_map"][0].update(bar=1), "bar 0"),
    ],
)
def test_a_piece_that_was_cut_or_edited_is_refused_in_one_line(damage, says: str) -> None:
    data = json.loads(json.dumps(to_dict(PIECES[0])))
    damage(data)
    with pytest.raises(FileError, match=says) as refusal:
        from_dict(data)
    assert "\n" not in str(refusal.value)


def version_1(piece: Piece) -> Recipe:
    """The recipe that was written before there were pieces."""
    plan = piece.plan
    style = {"genres": dict(plan.genres), "moods": dict(plan.moods), "production": list(plan.production)}
    render = {"steps": 6, "guidance_scale": 1.0, "last_time": 0.32}
    rest = {"duration_s": plan.duration_s, "loop": plan.loop, "render": render}
    return Recipe(request=Request(), version=1, seed=piece.seed, score=piece.score.to_dict(), settings=style | rest)


@pytest.mark.parametrize("piece", PIECES, ids=WORDS)
def test_a_recipe_of_version_1_opens_to_its_very_notes_and_to_a_grid_of_them(piece: Piece) -> None:
    recipe = Recipe.from_json(version_1(piece).to_json())
    opened = piece_of(recipe)
    assert opened is not None
    score = Score.from_dict(piece.score.to_dict())
    assert [track.notes for track in opened.score.tracks] == [track.notes for track in score.tracks]
    assert opened.score.chords == score.chords
    assert [player.stream for player in opened.plan.players] == [player.stream for player in piece.plan.players]
    for player in opened.plan.players:
        if player.role not in CHORDAL:  # a random harmony leaves open which voicing was meant
            there, heard = (places(notes, opened.plan) for notes in (opened.notes[player.id], derived(opened, player)))
            assert there.keys() == heard.keys()


def changed_column(piece: Piece, id_: str, rows: slice, seed: int) -> Piece:
    """Another line in some rows of a player who plays one voice."""
    assert piece.grid is not None
    column = piece.grid.columns[id_].copy()
    rng = np.random.default_rng(seed)
    tokens = rng.choice([REST, HOLD, FIRST_ONSET + 3 * 36 + 1, FIRST_ONSET + 3 * 40 + 2], rows.stop - rows.start)
    tokens[tokens == HOLD] = REST
    column[rows, 0] = tokens
    return replace(piece, grid=piece.grid.with_column(id_, column))


@settings(max_examples=40, deadline=None)
@given(bar=st.integers(1, 4), bars=st.integers(1, 2), seed=st.integers(0, 99))
def test_notes_follow_a_changed_grid_and_nobody_elses_move(bar: int, bars: int, seed: int) -> None:
    piece = PIECES[1]
    per_bar = piece.plan.meter.steps_per_bar
    rows = slice(bar * per_bar, (bar + bars) * per_bar)
    after = rederived(piece, changed := changed_column(piece, "bass", rows, seed), ["bass"])
    assert {place: replace(n, id=0) for place, n in places(after.notes["bass"], after.plan).items()} == places(
        derived(changed, changed.plan.player("bass")), after.plan
    )
    assert {id_: notes for id_, notes in after.notes.items() if id_ != "bass"} == {
        id_: notes for id_, notes in piece.notes.items() if id_ != "bass"
    }
    beats = piece.plan.meter.beats_per_bar
    first, last = (bar - 1) * beats, (bar + bars) * beats + 1
    assert {note for note in piece.notes["bass"] if not first <= note.start_beats < last} <= set(after.notes["bass"])


def test_notes_set_by_hand_stay_and_deleted_ones_do_not_come_back() -> None:
    piece = PIECES[1]
    notes = piece.notes["bass"]
    by_hand = replace(notes[2], pitch=notes[2].pitch + 1, is_set=True)
    mine = (notes[0], by_hand, *notes[4:])  # the second and the fourth were deleted
    old = derived(piece, piece.plan.player("bass"))
    assert patched(mine, old, old, piece.plan) == tuple(sorted(mine, key=lambda note: (note.start_beats, note.pitch)))
    louder = tuple(replace(note, velocity=1) for note in old)
    again = patched(mine, old, louder, piece.plan)
    assert by_hand in again
    assert all(note.velocity == 1 for note in again if not note.is_set)


def test_an_id_is_new() -> None:
    assert next_id(()) == 1
    assert next_id(PIECES[0].notes["bass"]) == len(PIECES[0].notes["bass"]) + 1
