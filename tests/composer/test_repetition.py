"""What a section takes over from itself, how a line is kept singable, and how a piece ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_composer import FakeNetwork, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings
from noisician.composer.board import CHORD, LEAD, Board, planned_steps
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.ending import come_home, has_ending
from noisician.composer.lines import avoid_rubs, move_cost, prefer_steps
from noisician.composer.repetition import Repeats, plan_repeats, take_over
from noisician.score.grid import DRUMS, FIRST_ONSET, HOLD, REST, STREAMS, chord_token, pitch_of, pitch_token

QUICK = ComposerSettings(steps=2, settle=True)
BASS, CHORDS, CYMBAL = (STREAMS.index(name) for name in ("bass", "chords", "cymbal"))


def board_of(bars: int = 4) -> Board:
    plan = plan_of((("verse", bars),))
    return Board.of(plan, planned_steps(plan), None)


def taken_over(board: Board, source: dict[int, list[int | None]], mode: str = "major") -> np.ndarray:
    section = board.sections[0]
    fresh = np.zeros((section.bars * board.steps_per_bar, len(STREAMS)), bool)
    take_over(board, section, Repeats(source, fresh), range(section.bars), mode)
    return board.tokens


# --- what comes again -------------------------------------------------------------------------------------------------


def test_a_bass_goes_with_the_harmony_and_chords_are_struck_again() -> None:
    board = board_of(2)
    board.tokens[:16, CHORD], board.tokens[16:, CHORD] = chord_token(0, "maj"), chord_token(9, "min")
    board.tokens[:16, [BASS, CHORDS]] = REST
    board.tokens[0, BASS], board.tokens[4, BASS], board.tokens[8, BASS] = (pitch_token(p, 2) for p in (36, 40, 43))
    board.tokens[0, CHORDS] = FIRST_ONSET + 7
    tokens = taken_over(board, {BASS: [None, 0], CHORDS: [None, 0]})
    # C, E and G over C are A, C and E over A minor, three semitones down.
    assert [pitch_of(int(tokens[at, BASS])) for at in (16, 20, 24)] == [(33, 2), (36, 2), (40, 2)]
    assert tokens[16, CHORDS] == FIRST_ONSET + 7


def test_a_motif_is_moved_along_the_scale_to_where_it_fits() -> None:
    board = board_of(2)
    board.tokens[:16, CHORD], board.tokens[16:, CHORD] = chord_token(0, "maj"), chord_token(2, "min")
    board.tokens[:16, LEAD] = REST
    for at, pitch in ((0, 72), (4, 76), (8, 79), (12, 76)):
        board.tokens[at, LEAD] = pitch_token(pitch, 1)
    tokens = taken_over(board, {LEAD: [None, 0]})
    assert [pitch_of(int(tokens[16 + at, LEAD]))[0] for at in (0, 4, 8, 12)] == [74, 77, 81, 77]


def test_a_crash_is_not_taken_over_and_holds_need_something_to_hold() -> None:
    board = board_of(2)
    board.tokens[:16, [CYMBAL, LEAD]] = REST
    board.tokens[0, CYMBAL], board.tokens[4, CYMBAL] = 4, 1  # a crash, a ride
    board.tokens[:16, CHORD] = board.tokens[16:, CHORD] = chord_token(0, "maj")
    board.tokens[0, LEAD], board.tokens[15, LEAD] = HOLD, REST
    tokens = taken_over(board, {CYMBAL: [None, 0], LEAD: [None, 0]})
    assert tokens[16, CYMBAL] == REST and tokens[20, CYMBAL] == 1
    assert tokens[16, LEAD] == REST


@given(st.integers(1, 17), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_every_bar_comes_from_an_earlier_one_that_is_new(bars: int, seed: int) -> None:
    board = board_of(bars)
    repeats = plan_repeats(board.sections[0], board, np.random.default_rng(seed))
    for sources in repeats.source.values():
        assert len(sources) == bars and sources[0] is None
        for bar, source in enumerate(sources):
            assert source is None or source < bar
    later = repeats.later(board.steps_per_bar)
    assert not later[: board.steps_per_bar, LEAD].any()
    if bars > 1:  # a section ends with a fill
        assert repeats.fresh[-1, [STREAMS.index(name) for name in DRUMS]].all()


def test_a_composed_section_repeats_its_rhythm_and_its_groove() -> None:
    plan = plan_of((("verse", 8),))
    kick = Composer(FakeNetwork()).compose(plan, 3, replace(QUICK, settle=False)).stream("kick")  # type: ignore[arg-type]
    bars = kick.reshape(8, 16) > 0
    assert len({bar.tobytes() for bar in bars}) <= 4


# --- lines ------------------------------------------------------------------------------------------------------------


def test_steps_are_free_and_wide_leaps_cost_most() -> None:
    costs = move_cost(np.arange(13))
    assert costs[1] == costs[2] == 0 < costs[0]
    assert (np.diff(costs[2:]) > 0).all()
    assert move_cost(np.array([-7])) == move_cost(np.array([7]))


def test_onsets_stay_as_likely_while_their_pitches_draw_near() -> None:
    tokens = np.full(6, 999)
    tokens[2] = pitch_token(60, 1)
    logits = np.zeros((6, pitch_token(100, 2) + 1), np.float32)
    prefer_steps(logits, tokens)
    total = np.exp(logits[:, FIRST_ONSET:]).sum(axis=1)
    np.testing.assert_allclose(total, logits.shape[1] - FIRST_ONSET, rtol=1e-4)
    assert logits[3, pitch_token(62, 0)] > 0 > logits[3, pitch_token(72, 0)]
    assert logits[1, pitch_token(62, 0)] > logits[1, pitch_token(72, 0)]


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["major", "dorian"])
def test_the_last_bar_is_one_held_chord_at_home(mode: str) -> None:
    plan = replace(plan_of((("verse", 4), ("chorus", 4))), mode=mode)
    grid = Composer(FakeNetwork()).compose(plan, 5, QUICK)  # type: ignore[arg-type]
    last = grid.tokens[-16:]
    third = 3 if mode == "dorian" else 4
    assert pitch_of(int(last[0, BASS]))[0] % 12 == 0
    assert pitch_of(int(last[0, LEAD]))[0] % 12 in {0, third, 7}
    for stream in (BASS, LEAD, CHORDS):
        assert last[0, stream] >= FIRST_ONSET and (last[1:, stream] == HOLD).all()
    drums = [STREAMS.index(name) for name in DRUMS]
    assert last[0, STREAMS.index("kick")] > 0 and not last[1:, drums].any()


def test_loops_and_sketches_of_a_few_bars_have_no_ending() -> None:
    assert not has_ending(replace(plan_of((("verse", 8),)), loop=True))
    assert not has_ending(plan_of((("verse", 3),)))


def test_given_last_notes_stay() -> None:
    tokens = np.zeros((16, len(STREAMS)), np.int64)
    tokens[:, CHORD] = chord_token(0, "maj")
    tokens[0, [LEAD, BASS]] = pitch_token(61, 1), pitch_token(41, 1)
    given_cells = np.zeros(tokens.shape, bool)
    given_cells[:, BASS] = True
    come_home(tokens, given_cells, has_tune=False)
    assert pitch_of(int(tokens[0, LEAD]))[0] == 60
    assert pitch_of(int(tokens[0, BASS]))[0] == 41
    assert MASK_TOKENS[LEAD] not in tokens[:, LEAD]


def test_what_rubs_on_a_beat_is_unlikely_and_free_between_beats() -> None:
    chords = np.array([chord_token(0, "maj")] * 2 + [10_000] * 2)
    logits = np.zeros((4, pitch_token(100, 2) + 1), np.float32)
    avoid_rubs(logits, chords, np.array([0, 2]), off_beat_cost=0.0)
    assert logits[0, pitch_token(65, 0)] < -1 < logits[0, pitch_token(64, 0)]  # F beside E, and E itself
    assert not logits[1:].any()  # no beat, or no known chord
    assert np.exp(logits[0, FIRST_ONSET:]).mean() == pytest.approx(1, rel=1e-4)
