"""Wishes at their places: rests, marks, lengths of sections, endings; and what is composed of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_composer import HearingNetwork, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.composer.form import Fixed, plan_sections
from noisician.composer.marks import modulate
from noisician.composer.plan import chords_key
from noisician.composer.shape import Mark, Rest, Stage, bars_played
from noisician.piece import Piece, written_piece
from noisician.prompt import Controls, understand
from noisician.prompt.controls import Moment
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score.grid import FIRST_ONSET, HOLD, REST, STREAMS, chord_of, chord_token, pitch_of, pitch_token
from noisician.score.model import METERS

QUICK = ComposerSettings(steps=2)


def planned(prompt: str, seed: int = 0, duration_s: float = 40.0) -> Plan:
    return make_plan(understand(Request(prompt=prompt, duration_s=duration_s)), seed)


def composed(plan: Plan) -> Piece:
    grid = Composer(HearingNetwork()).compose(plan, 0, QUICK)  # type: ignore[arg-type]
    return written_piece(plan, grid, 0, RenderSettings())


def bars_of(piece: Piece, id_: str) -> set[int]:
    """The bars in which a player begins a note."""
    bar_beats = piece.plan.meter.beats_per_bar
    return {int((note.start_beats + 0.1) // bar_beats) for note in piece.notes.get(id_, ())}


def test_nobody_drums_before_the_drop() -> None:
    plan = planned("house, no drums until the drop")
    drop = next(section for section in plan.sections if section.kind == "drop")
    assert drop.start_bar > 0
    drummed = bars_of(composed(plan), "drums")
    assert drummed and min(drummed) >= drop.start_bar


def test_drums_from_a_time_begin_at_the_nearest_bar() -> None:
    plan = planned("pop, drums from 0:20")
    (rest,) = plan.rests
    assert abs(rest.last * plan.bar_s - 20) <= plan.bar_s * 0.5
    assert min(bars_of(composed(plan), "drums")) >= rest.last


def test_somebody_alone_has_the_first_section() -> None:
    plan = planned("starts with only piano, rock")
    first = range(plan.sections[0].bars)
    piece = composed(plan)
    playing = {player.instrument for player in piece.plan.players if set(first) & bars_of(piece, player.id)}
    assert playing - {"noise_riser", "impact", "reverse_swell", "sub_boom", "downlifter"} == {"grand_piano"}


def test_a_solo_is_its_players_own() -> None:
    plan = planned("jazz with a trumpet solo, saxophone and piano", duration_s=60)
    solos = [place for place, section in enumerate(plan.sections) if section.kind == "solo"]
    role = next(role for role, id_ in plan.instrumentation if id_ == "trumpet")
    assert solos and all(role in plan.players[place] for place in solos)
    assert all(not ({"lead", "counter"} - {role}) & set(plan.players[place]) for place in solos)


@pytest.mark.parametrize(
    ("prompt", "kind", "bars"), [("rock, intro of 8 bars", "intro", 8), ("techno, 6 bar break", "break", 6)]
)
def test_a_section_is_as_long_as_was_said(prompt: str, kind: str, bars: int) -> None:
    plan = planned(prompt, duration_s=90)
    assert next(section.bars for section in plan.sections if section.kind == kind) == bars
    assert sum(section.bars for section in plan.sections) == plan.bars


def test_a_drop_is_where_it_was_said_to_be() -> None:
    plan = planned("edm, big drop at 0:25", duration_s=60)
    drop = next(section for section in plan.sections if section.kind == "drop")
    assert abs(drop.start_bar * plan.bar_s - 25) <= plan.bar_s / 2


@settings(deadline=None, max_examples=100)
@given(
    bars=st.integers(1, 80),
    held=st.dictionaries(st.sampled_from(["intro", "verse", "drop", "outro"]), st.integers(1, 40), max_size=3),
    starts=st.dictionaries(st.sampled_from(["drop", "chorus"]), st.integers(0, 90), max_size=2),
)
def test_sections_tile_the_piece_whatever_is_fixed(bars: int, held: dict[str, int], starts: dict[str, int]) -> None:
    form = [("intro", 4), ("verse", 8), ("build", 4), ("drop", 8), ("verse", 8), ("drop", 8), ("outro", 4)]
    sections = plan_sections(form, bars, 0.5, dict.fromkeys([*held, *starts], True), Fixed(held, starts))
    assert [section.start_bar for section in sections] == np.cumsum([0, *(s.bars for s in sections)])[:-1].tolist()
    assert sum(section.bars for section in sections) == bars
    assert all(section.bars >= 1 for section in sections)


def test_energy_rises_where_it_was_to_rise() -> None:
    for prompt, sign in (("rock, from quiet to loud", 1), ("ambient, gets quieter", -1)):
        energies = [section.energy for section in planned(prompt, duration_s=90).sections]
        assert len(energies) > 2 and np.all(sign * np.diff(energies) >= 0)
        assert abs(energies[-1] - energies[0]) > 0.2


def test_bars_played_are_those_without_rests() -> None:
    rests = [Rest("lead", 2, 4), Rest("drums", 0, 8)]
    assert bars_played(0, 8, "lead", rests) == [(0, 2), (4, 8)]
    assert bars_played(0, 8, "drums", rests) == []
    assert bars_played(0, 8, "bass", rests) == [(0, 8)]


def test_call_and_response_take_turns() -> None:
    plan = planned("jazz, call and response")
    assert {role for role, _ in plan.instrumentation} >= {"lead", "counter"}
    rests = {
        role: {bar for one in plan.rests if one.role == role for bar in range(one.first, one.last)}
        for role in ("lead", "counter")
    }
    assert rests["lead"] and rests["counter"] and not rests["lead"] & rests["counter"]


def test_silence_before_a_section() -> None:
    plan = replace(plan_of((("build", 2), ("drop", 3))), marks=(Mark("silence", 1, 2, 1.0),))
    tokens = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]
    assert (tokens[28:32, 1:] == REST).all()
    assert (tokens[16:28, 1:] != REST).any()


def test_half_time_has_its_backbeat_on_three() -> None:
    plan = replace(plan_of((("verse", 1), ("drop", 4))), marks=(Mark("half_time", 1, 5),))
    tokens = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]
    snare = tokens[16:64, STREAMS.index("snare")].reshape(3, 16)
    assert (snare[:, 8] != REST).all() and (np.delete(snare, 8, axis=1) == REST).all()
    assert (tokens[16:64:16, STREAMS.index("kick")] != REST).all()


def test_double_time_has_its_backbeat_on_every_half_beat() -> None:
    plan = replace(plan_of((("verse", 1), ("drop", 3))), marks=(Mark("double_time", 1, 4),))
    tokens = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]
    snare, kick = (tokens[16:48, STREAMS.index(name)].reshape(2, 16) for name in ("snare", "kick"))
    assert (snare[:, 2::4] != REST).all() and (np.delete(snare, range(2, 16, 4), axis=1) == REST).all()
    assert (kick[:, ::4] != REST).all()


def test_a_pedal_point_holds_the_tonic_in_every_bar() -> None:
    plan = replace(plan_of((("verse", 4),)), marks=(Mark("pedal", 0, 3),))
    tokens = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]
    bass = tokens[:48, STREAMS.index("bass")].reshape(3, 16)
    assert {pitch_of(int(token))[0] % 12 for token in bass[:, 0]} == {0} and (bass[:, 1:] == HOLD).all()


def test_a_stop_stands_at_its_very_bar() -> None:
    plan = planned("rock, everything stops at 0:12 and comes back", seed=1)
    (mark,) = plan.marks
    assert abs(mark.first * plan.bar_s - 12) <= plan.bar_s / 2


def test_what_winds_down_loses_its_drums_and_what_grows_gains_them() -> None:
    for prompt, ways in (("post rock that winds down", -1), ("trailer music that gets louder and louder", 1)):
        plan = planned(prompt, duration_s=60)
        quiet, loud = plan.players[::ways][0], plan.players[::ways][-1]
        assert "drums" not in quiet and "drums" in loud and len(quiet) < len(loud)


def test_who_waits_for_the_chorus_has_something_before_it() -> None:
    for seed in range(4):
        plan = planned("pop, no drums until the chorus", seed)
        assert plan.sections[0].kind != "chorus" and "drums" not in plan.players[0]


def test_a_long_last_chord_is_long() -> None:
    for seed in range(3):
        plan = planned("soul, ends with a long held chord", seed)
        first, end = plan.last_chord
        assert first == 0 and (end - first) * plan.bar_s / METERS[plan.time_signature].steps_per_bar >= 1.5


def test_who_rests_at_first_plays_on_from_where_it_began() -> None:
    plan = replace(plan_of((("verse", 6),)), rests=(Rest("bass", 0, 2),))
    bass = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens[:, STREAMS.index("bass")].reshape(6, 16)  # type: ignore[arg-type]
    assert (bass[:2] == REST).all()
    assert all((bar >= FIRST_ONSET).any() for bar in bass[2:])


def test_stop_time_leaves_the_tune_alone() -> None:
    plan = replace(plan_of((("verse", 4),)), marks=(Mark("stop_time", 1, 3),))
    tokens = Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]
    stopped = np.concatenate([np.arange(20, 32), np.arange(36, 48)])
    for name in ("bass", "chords", "kick", "hat"):
        assert (tokens[stopped, STREAMS.index(name)] == REST).all()
    assert (tokens[stopped, STREAMS.index("lead")] >= FIRST_ONSET).any()


def test_a_change_of_key_moves_everything_from_there_on() -> None:
    plan = replace(plan_of((("verse", 1), ("chorus", 1))), marks=(Mark("key_change", 1, 2, 2.0),))
    tokens = np.zeros((32, len(STREAMS)), np.int16)
    tokens[:, 0] = chord_token(11, "maj")
    tokens[[0, 16, 24], STREAMS.index("lead")] = [pitch_token(60, 1), pitch_token(60, 1), pitch_token(103, 2)]
    modulate(tokens, plan)
    assert [chord_of(int(tokens[step, 0])) for step in (0, 16)] == [(11, "maj"), (1, "maj")]
    lead = tokens[:, STREAMS.index("lead")]
    assert [pitch_of(int(lead[step])) for step in (0, 16, 24)] == [(60, 1), (62, 1), (93, 2)]
    assert (np.delete(lead, [0, 16, 24]) == REST).all()


def test_a_piece_knows_its_keys() -> None:
    plan = replace(planned("rock with a key change for the last chorus"), key="B")
    mark = next(one for one in plan.marks if one.kind == "key_change")
    assert mark.first == [section.start_bar for section in plan.sections if section.kind == "chorus"][-1]
    piece = composed(plan)
    assert [(one.bar, one.key) for one in piece.plan.key_map] == [(0, "B"), (mark.first, "C#")]


def test_what_is_cut_has_no_tail_and_no_written_ending() -> None:
    plan = planned("punk, ends suddenly")
    assert plan.ending == "cut"
    assert plan.duration_s == pytest.approx(plan.bars * plan.bar_s)
    piece = composed(plan)
    assert (piece.plan.ending, piece.plan.fade_out_s) == ("cut", 0.0)
    assert piece.plan.for_composer().ending == "cut"


def test_a_fade_lasts_its_bars() -> None:
    plan = planned("rock, fade out over 6 bars", duration_s=45)
    assert plan.ending == "fade" and plan.duration_s == 45
    fade_s = composed(plan).plan.fade_out_s
    assert fade_s is not None and 5 * plan.bar_s < fade_s <= 6 * plan.bar_s


def tokens_of(plan: Plan) -> np.ndarray:
    return Composer(HearingNetwork()).compose(plan, 0, QUICK).tokens  # type: ignore[arg-type]


def test_verses_are_quiet_and_choruses_loud_where_that_was_asked_for() -> None:
    plain, wished = planned("rock", duration_s=90), planned("rock, quiet verses and loud choruses", duration_s=90)
    verses = [section.energy for section in wished.sections if section.kind == "verse"]
    choruses = [section.energy for section in wished.sections if section.kind == "chorus"]
    assert verses and choruses and max(verses) < min(choruses) - 0.3
    assert min(section.energy for section in wished.sections) < min(section.energy for section in plain.sections)


def test_from_a_time_on_it_is_loud() -> None:
    plan = planned("folk, gets loud at 0:40", duration_s=80)
    late = [section for section in plan.sections if (section.start_bar + section.bars / 2) * plan.bar_s >= 40]
    early = [section for section in plan.sections if section not in late]
    assert early and late and min(one.energy for one in late) > max(one.energy for one in early) - 0.2
    assert np.mean([one.energy for one in late]) > np.mean([one.energy for one in early]) + 0.2


def test_who_plays_only_in_choruses_plays_nowhere_else() -> None:
    plan = planned("pop, flute only in the chorus", duration_s=90)
    role = next(role for role, id_ in plan.instrumentation if id_ == "flute")
    assert {section.kind for section, playing in zip(plan.sections, plan.players, strict=True) if role in playing} == {
        "chorus"
    }


def test_who_left_is_back_when_that_was_said() -> None:
    plan = planned("techno, drums drop out at 0:20 and come back at 0:40", duration_s=60)
    drummed = {bar * plan.bar_s for bar in bars_of(composed(plan), "drums")}
    assert min(drummed) < 15 and max(drummed) > 42
    assert not [second for second in drummed if 22 < second < 38]


def test_a_piece_of_the_kit_rests_throughout() -> None:
    plan = planned("techno, no hi-hats")
    tokens = tokens_of(plan)
    assert (tokens[:, STREAMS.index("hat")] == REST).all()
    assert (tokens[:, STREAMS.index("kick")] != REST).any()


def test_chords_that_were_set_go_round_in_every_section() -> None:
    plan = planned("Am F C G, chill pop")
    assert (plan.key, plan.mode) == ("A", "minor")
    tokens, per_bar = tokens_of(plan), 16
    wanted = [
        chord_token((root - 9) % 12, quality) for root, quality in ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj"))
    ]
    for section in plan.sections:
        first = section.start_bar
        bars = [
            set(tokens[(first + bar) * per_bar : (first + bar + 1) * per_bar, 0].tolist())
            for bar in range(section.bars)
        ]
        assert bars == [{wanted[bar % 4]} for bar in range(section.bars)]


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("C G Am F", ("C", "major")),
        ("Am F C G", ("A", "minor")),
        ("Dm7 G7 Cmaj7", ("C", "major")),
        ("Em C D", ("E", "minor")),
    ],
)
def test_the_key_that_chords_are_in(chords: str, key: tuple[str, str]) -> None:
    assert chords_key(Controls(chords=chords)) == key


def test_the_key_changes_where_it_was_said_to() -> None:
    plan = planned("synth pop, modulate up a minor third at 0:30", duration_s=60)
    mark = next(mark for mark in plan.marks if mark.kind == "key_change")
    assert abs(mark.first * plan.bar_s - 30) <= 1.5 * plan.bar_s and mark.value == 3


def test_everything_stops_where_it_was_said_to() -> None:
    plan = planned("funk, everything stops at 0:20", duration_s=40)
    mark = next(mark for mark in plan.marks if mark.kind == "silence")
    rows = tokens_of(plan)[mark.first * 16 : mark.last * 16, 1:]
    assert abs(mark.first * plan.bar_s - 20) <= 1.5 * plan.bar_s and (rows == REST).all()


def test_a_form_that_was_told_is_the_form() -> None:
    plan = planned("verse chorus verse chorus bridge chorus, indie rock", duration_s=150)
    kinds = [section.kind for section in plan.sections]
    assert kinds[:6] == ["verse", "chorus", "verse", "chorus", "bridge", "chorus"]


def test_a_piece_is_long_enough_for_what_has_a_time() -> None:
    plan = make_plan(understand(Request(prompt="trance, drop at 2:30")), 0)
    assert plan.duration_s >= 160
    assert any(section.kind == "drop" and abs(section.start_bar * plan.bar_s - 150) < 5 for section in plan.sections)


def test_a_moment_beside_a_section_is_the_one_next_to_it() -> None:
    plan = planned("pop, drums drop out before the last chorus", duration_s=120)
    stage = Stage(plan.sections, plan.instrumentation, plan.bar_s)
    last = stage.place(Moment(section="chorus", nth=-1))
    before = stage.place(Moment(section="chorus", nth=-1, side="before"))
    assert not isinstance(last, int) and not isinstance(before, int) and last is not None and before is not None
    assert before.start_bar + before.bars == last.start_bar


def test_all_are_back_after_somebody_was_alone() -> None:
    plan = planned("house, mute everything but the kick from 0:40 to 0:56", duration_s=90)
    silent = {(rest.first, rest.last) for rest in plan.rests if rest.role == "bass"}
    assert all(last * plan.bar_s < 65 for _, last in silent)
