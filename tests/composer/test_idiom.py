"""What a genre has ready: its chords, grooves and patterns on the board before the network is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_composer import FakeNetwork, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings, Plan
from noisician.composer.board import CHORD, LEAD, Board, planned_steps
from noisician.composer.conditions import MASK_TOKENS, Style
from noisician.composer.form import rounds, strains
from noisician.composer.idiom import bars_of_harmony, choose_idiom
from noisician.composer.lines import prefer_blue_notes, prefer_roots
from noisician.composer.ready import begin_at_changes, fullness, habits_of, write_harmony, write_patterns, write_tune
from noisician.composer.repetition import follow_chords
from noisician.request import MODES
from noisician.score.grid import FIRST_ONSET, HOLD, REST, STREAMS, Grid, chord_of, chord_token, pitch_of, pitch_token
from noisician.score.harmony import SCALES
from noisician.score.model import METERS
from noisician.score.progressions import Harmony, parse_numeral
from noisician.styles import base_of, derived, learnt_genres, table

GENRES = tuple(table("genres"))
QUICK = ComposerSettings(steps=2)
BASS, CHORDS, KICK, SNARE, HAT = (STREAMS.index(name) for name in ("bass", "chords", "kick", "snare", "hat"))
FORM = (("verse", 4), ("chorus", 4), ("verse", 4))


def plan_in(genre: str, form=FORM, mode: str = "", signature: str = "4/4", seed: int = 1) -> Plan:
    entry = table("genres")[genre]
    mode = mode or next(iter(entry["modes"]))
    plan = replace(plan_of(form, signature=signature), mode=mode)
    return replace(plan, idiom=choose_idiom(entry, mode, signature, seed), style=replace(plan.style, mode=mode))


def board_of(plan: Plan, given_: Grid | None = None) -> Board:
    board = Board.of(plan, planned_steps(plan), given_)
    write_harmony(board, plan)
    return board


def with_patterns(plan: Plan) -> Board:
    board = board_of(plan)
    for section in plan.sections:
        write_patterns(board, plan, section, nowhere(board, section.bars), plan.bars)
    return board


def nowhere(board: Board, bars: int) -> np.ndarray:
    return np.zeros((bars * board.steps_per_bar, len(STREAMS)), bool)


def roots(board: Board) -> list[int]:
    """The root on each bar's first step."""
    return [chord_of(int(token))[0] for token in board.tokens[:: board.steps_per_bar, CHORD]]  # type: ignore[index]


# --- harmony ----------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(GENRES),
    st.sampled_from(list(MODES)),
    st.sampled_from(list(METERS)),
    st.integers(0, 99),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_genre_has_chords_for_any_form_mode_and_metre(
    genre: str, mode: str, signature: str, seed: int, loops: bool
) -> None:
    plan = replace(
        plan_in(genre, (("intro", 3), ("verse", 9), ("chorus", 5), ("verse", 2)), mode, signature, seed), loop=loops
    )
    assert plan.idiom is not None
    bars = bars_of_harmony(plan.idiom, plan.sections, loops)
    assert len(bars) == plan.bars
    assert loops or bars[-1][0][0] == 0
    line = board_of(plan).tokens[:, CHORD]
    assert ((line > 0) & (line < MASK_TOKENS[CHORD])).all()


def test_a_blues_has_its_twelve_bars_after_the_way_in() -> None:
    plan = plan_in("blues", tuple(rounds(28, 12)), "mixolydian")
    assert [(section.kind, section.bars) for section in plan.sections] == [("intro", 4), ("verse", 12), ("solo", 12)]
    found = roots(board_of(plan))
    assert found[4:8][0] == found[4:8][2] == 0 and found[8] == 5 and found[12] in (7, 2)
    assert found[16] == 0 and found[20] == 5 and found[-1] == 0


def test_a_section_that_returns_has_the_chords_of_its_first_time_up_to_the_cadence() -> None:
    board = board_of(plan_in("country", FORM))
    first, last = board.tokens[: 2 * 16, CHORD], board.tokens[8 * 16 : 10 * 16, CHORD]
    np.testing.assert_array_equal(first, last)
    assert roots(board)[-2:] == [7, 0]


def test_given_chords_stay_and_the_rest_is_the_genre_s() -> None:
    plan = plan_in("jazz_swing", FORM, "major")
    own = Grid(np.tile(MASK_TOKENS, (plan.bars * 16, 1)))
    own.tokens[16:32, CHORD] = chord_token(6, "dim7")
    board = board_of(plan, own)
    assert (board.tokens[16:32, CHORD] == chord_token(6, "dim7")).all()
    assert (board.tokens[:16, CHORD] < MASK_TOKENS[CHORD]).all()


def test_a_raga_stands_on_its_tonic_and_a_minor_tango_on_a_major_fifth() -> None:
    assert set(board_of(plan_in("raga")).tokens[:, CHORD]) == {chord_token(0, "5")}
    assert roots(board_of(plan_in("tango")))[-2:] == [7, 0]


def test_chords_are_read_back_from_tokens() -> None:
    tokens = np.repeat([chord_token(0, "maj"), chord_token(7, "7"), chord_token(0, "maj")], [8, 8, 16])
    harmony = Harmony.of_tokens(tokens, "major")
    assert harmony is not None
    assert [(span.start, span.end, span.root, span.quality) for span in harmony.spans] == [
        (0, 8, 0, "maj"), (8, 16, 7, "7"), (16, 32, 0, "maj")
    ]  # fmt: skip
    assert Harmony.of_tokens(np.append(tokens, MASK_TOKENS[CHORD]), "major") is None


# --- grooves and patterns ---------------------------------------------------------------------------------------------


def struck(board: Board, stream: int) -> np.ndarray:
    """bool ``[bars, steps]``: sure strokes."""
    line = board.tokens[:, stream]
    floor = FIRST_ONSET if stream in (BASS, CHORDS) else 1
    return ((line >= floor) & (line < MASK_TOKENS[stream])).reshape(-1, board.steps_per_bar)


def test_reggae_drops_on_two_and_four_and_skanks_between() -> None:
    for seed in range(6):
        plan = plan_in("reggae", seed=seed)
        assert plan.idiom is not None
        board = with_patterns(plan)
        assert struck(board, KICK)[:, [4, 12]].all()
        assert struck(board, CHORDS)[:, [2, 6, 10, 14]].all() and not struck(board, CHORDS)[:, ::4].any()
        if plan.idiom.grooves["verse"] == "reggae_one_drop":
            assert not struck(board, KICK)[:4, 0].any()


def test_house_has_a_kick_on_every_beat_that_is_gone_before_the_drop() -> None:
    board = with_patterns(plan_in("house", (("verse", 2), ("build", 4), ("drop", 2), ("break", 2))))
    kicks = struck(board, KICK)
    assert kicks[[0, 1, 6, 7]][:, ::4].all() and kicks[2:4, 0].all()
    assert not kicks[4:6].any() and not kicks[8:].any()
    rolls = struck(board, SNARE)[2:6].sum(axis=1)
    assert (np.diff(rolls[:3]) >= 0).all() and rolls[2] > rolls[0]
    assert not struck(board, SNARE)[5, -4:].any()


def test_the_groove_is_whole_in_its_first_bar_and_fills_leave_what_carries_it() -> None:
    plan = plan_in("rock", (("verse", 4),))
    board = board_of(plan)
    fresh = nowhere(board, 4)
    fresh[-16:] = True
    write_patterns(board, plan, plan.sections[0], fresh, plan.bars)
    assert struck(board, HAT)[0].sum() >= 4
    assert struck(board, SNARE)[:, [4, 12]].all()
    assert (board.tokens[-16:, HAT] == MASK_TOKENS[HAT]).all()


def test_written_basses_stand_on_the_chord_and_nothing_is_written_after_until() -> None:
    plan = plan_in("country", (("verse", 4),))
    board = board_of(plan)
    write_patterns(board, plan, plan.sections[0], nowhere(board, 4), 3)
    assert (board.tokens[48:, [BASS, KICK]] == MASK_TOKENS[[BASS, KICK]]).all()
    for bar in range(3):
        pitch, _ = pitch_of(int(board.tokens[16 * bar, BASS]))
        assert pitch % 12 == roots(board)[bar]


def test_who_rests_and_what_is_given_keep_to_that() -> None:
    plan = plan_in("house", (("verse", 2),))
    own = Grid(np.tile(MASK_TOKENS, (32, 1)))
    own.tokens[:4, KICK] = REST
    board = board_of(plan, own)
    write_patterns(board, plan, plan.sections[0], nowhere(board, 2), 2)
    assert not struck(board, KICK)[0, 0] and struck(board, KICK)[1, 0]
    silent = with_patterns(replace(plan, players=(("bass",),)))
    assert (silent.tokens[:, KICK] == REST).all()


def test_a_steady_groove_is_the_same_in_verse_and_chorus() -> None:
    drums = struck(with_patterns(plan_in("hip_hop", (("verse", 2), ("chorus", 2)))), KICK)
    np.testing.assert_array_equal(drums[:2], drums[2:])


def test_a_tune_with_a_rhythm_begins_where_it_says() -> None:
    plan = plan_in("celtic", (("verse", 2),))
    board = board_of(plan)
    write_tune(board, plan, plan.sections[0], [True, False], plan.bars)
    begins = board.begins[:16, LEAD]
    assert begins[0] and (board.tokens[:16, LEAD][begins] == MASK_TOKENS[LEAD]).all()
    assert (np.isin(board.tokens[:16, LEAD][~begins], (HOLD, REST))).all()
    assert (board.tokens[16:, LEAD] == MASK_TOKENS[LEAD]).all() and not board.begins[16:].any()


def test_the_harmony_s_players_strike_where_it_changes_inside_a_bar() -> None:
    plan = plan_of((("verse", 2),))
    board = Board.of(plan, planned_steps(plan), None)
    board.tokens[:, CHORD] = np.repeat([chord_token(0, "maj"), chord_token(5, "maj")], [8, 24])
    begin_at_changes(board, plan.sections[0])
    assert np.flatnonzero(board.begins[:, BASS]).tolist() == [8]


def test_a_bass_that_returns_on_another_chord_goes_with_it_and_what_is_given_stays() -> None:
    plan = plan_of((("verse", 1), ("chorus", 1), ("verse", 1)), roles=("bass",))
    board = Board.of(plan, planned_steps(plan), None)
    board.tokens[:32] = REST
    board.tokens[:, CHORD] = np.repeat([chord_token(0, "maj"), chord_token(7, "maj"), chord_token(5, "maj")], 16)
    board.tokens[[0, 8], BASS] = pitch_token(36, 1), pitch_token(43, 1)
    board.tokens[32 + 8, BASS] = pitch_token(50, 2)
    follow_chords(board, plan.sections[2], 2, 1, "major")
    assert pitch_of(int(board.tokens[32, BASS]))[0] == 41
    assert board.tokens[40, BASS] == pitch_token(50, 2)


def test_choruses_gain_onsets_only_beside_verses() -> None:
    both, alone = plan_of((("verse", 1), ("chorus", 1))), plan_of((("verse", 2),))
    gains = fullness(both, 0, 32)[BASS]
    assert gains[0] < 0 < gains[16]
    assert not fullness(alone, 0, 32)[BASS].any()


def test_blue_notes_and_roots_gain_without_more_onsets() -> None:
    logits = np.zeros((2, pitch_token(100, 2) + 1), np.float32)
    prefer_blue_notes(logits)
    assert logits[0, pitch_token(63, 1)] > logits[0, pitch_token(64, 1)]
    assert np.exp(logits[0, FIRST_ONSET:]).mean() == pytest.approx(1, rel=1e-4)
    bass = np.zeros_like(logits)
    prefer_roots(bass, np.array([chord_token(9, "min"), MASK_TOKENS[CHORD]]), np.array([0, 1]))
    assert bass[0, pitch_token(45, 1)] > bass[0, pitch_token(48, 1)] == 0 and not bass[1].any()


# --- in pieces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("genre", ["reggae", "jazz_swing", "salsa", "raga", "waltz"])
def test_a_piece_keeps_what_was_ready(genre: str) -> None:
    signature = next(iter(table("genres")[genre]["time_signatures"]))
    plan = plan_in(genre, (("verse", 4), ("chorus", 2), ("verse", 4)), signature=signature)
    grid = Composer(FakeNetwork()).compose(plan, 3, QUICK)  # type: ignore[arg-type]
    np.testing.assert_array_equal(grid.stream("chord"), board_of(plan).tokens[:, CHORD])
    assert ((grid.tokens >= 0) & (grid.tokens < MASK_TOKENS)).all()


def test_a_genre_s_habits_say_how_long_its_groove_is() -> None:
    plan = plan_in("bossa_nova")
    assert plan.idiom is not None
    habits = habits_of(plan, plan.sections[0])
    assert habits.groove_bars == (2 if plan.idiom.grooves["verse"] == "bossa_a" else 1)
    assert habits_of(plan_of(), plan_of().sections[0]).groove_bars == 0


# --- forms and genres by a base ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bars", range(1, 60))
def test_rounds_fill_the_bars_with_whole_twelves(bars: int) -> None:
    form = rounds(bars, 12)
    assert sum(length for _, length in form) == bars and all(length > 0 for _, length in form)
    assert bars < 12 or any(length in (12, 13) for _, length in form)


@pytest.mark.parametrize("bars", range(8, 40))
def test_strains_are_fours_after_an_intro_of_what_is_over(bars: int) -> None:
    sections = strains([("verse", 8), ("chorus", 8)], bars, 4, 0.5)
    assert sections is not None and sum(section.bars for section in sections) == bars
    body = [section for section in sections if section.kind != "intro"]
    assert all(section.bars % 4 == 0 for section in body) and bars - sum(one.bars for one in body) == bars % 4
    assert strains([("verse", 8)], 7, 4, 0.5) is None


def test_a_genre_based_on_another_says_only_what_is_its_own() -> None:
    base = {"tempo_bpm": [1, 2, 3], "roles": {"lead": 1}, "music": {"loop": 0.5, "grooves": {"a": 1}}}
    made = derived(base, {"based_on": "x", "roles": {"bass": 1}, "music": {"grooves": {"b": 1}}})
    assert made["tempo_bpm"] == [1, 2, 3] and made["roles"] == {"bass": 1}
    assert made["music"] == {"loop": 0.5, "grooves": {"b": 1}}


def test_it_takes_its_base_s_place_in_the_network() -> None:
    ska, reggae = (Style({genre: 1.0}, {}, "major", "4/4").vector() for genre in ("ska", "reggae"))
    np.testing.assert_array_equal(ska, reggae)
    assert base_of("ska") == "reggae" and base_of("reggae") == "reggae" and base_of("nothing") == "nothing"
    both = Style({"ska": 0.5, "reggae": 0.5}, {}, "major", "4/4").vector()
    np.testing.assert_array_equal(both, reggae)


def test_there_are_forty_genres_and_no_name_means_two() -> None:
    assert len(GENRES) >= 40 and {base_of(genre) for genre in GENRES} == set(learnt_genres())
    named = [name.lower() for genre in GENRES for name in table("genres")[genre]["synonyms"]]
    own = [
        name.lower() for genre in GENRES if genre not in learnt_genres() for name in table("genres")[genre]["synonyms"]
    ]
    assert all(named.count(name) == 1 for name in own)


def test_progressions_start_at_home_where_the_genre_lets_them() -> None:
    third = parse_numeral("iii")[0]
    assert third == SCALES["major"][2]
    for seed in range(8):
        plan = plan_in("pop", mode="major", seed=seed)
        assert plan.idiom is not None and plan.idiom.chords["verse"][0][0][0] == 0
