"""Continuing a piece, a further player, following chords, and who plays in new sections."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fake_composer import HearingNetwork, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings, Plan
from noisician.composer.board import VARIATION
from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS
from noisician.composer.extend import extend
from noisician.composer.extra import Extra, infill_extra, seat
from noisician.composer.form import (
    choose_players,
    complete_players,
    label_of,
    plan_sections,
)
from noisician.composer.reharmonise import fitting_tones, follow_chords, strong_steps
from noisician.errors import RequestError
from noisician.score.energy import KIND_ENERGY, piece_energy, section_energy
from noisician.score.grid import (
    DRUMS,
    FIRST_ONSET,
    HOLD,
    MONOPHONIC,
    REST,
    STREAMS,
    VOCABULARY,
    Grid,
    chord_of,
    chord_token,
    pitch_of,
    pitch_token,
)
from noisician.score.harmony import SCALES, chord_tones
from noisician.score.model import METERS, Section

QUICK = ComposerSettings(steps=2)
CHORD = STREAMS.index("chord")


def composer() -> Composer:
    return Composer(HearingNetwork())  # type: ignore[arg-type]


@cache
def a_piece(signature: str = "4/4") -> tuple[Plan, Grid]:
    plan = plan_of((("verse", 8), ("chorus", 4)), signature=signature, silent=((0, "pad"),))
    return plan, composer().compose(plan, 1, QUICK)


def with_open_bars(grid: Grid, at_bar: int, bars: int) -> Grid:
    """The grid with ``bars`` unwritten ones before its bar ``at_bar``."""
    step = at_bar * grid.meter.steps_per_bar
    opened = np.tile(MASK_TOKENS, (bars * grid.meter.steps_per_bar, 1))
    return Grid(np.concatenate([grid.tokens[:step], opened, grid.tokens[step:]]), grid.time_signature)


@pytest.mark.parametrize("front", [False, True])
def test_a_section_that_returns_is_recognised_before_and_after_what_is_given(front: bool) -> None:
    _, grid = a_piece()
    form = (("verse", 8), ("chorus", 4))
    longer = plan_of((("chorus", 4), *form) if front else (*form, ("verse", 8)))
    opened = with_open_bars(grid, 0 if front else 12, 4 if front else 8)
    made = extend(composer(), longer, opened, 7, settings=QUICK)
    given = opened.tokens != MASK_TOKENS
    np.testing.assert_array_equal(made.tokens[given], opened.tokens[given])
    assert (made.tokens < MASK_TOKENS).all()
    old, new = ((12, 16), (0, 4)) if front else ((0, 8), (12, 20))
    same = made.tokens[new[0] * 16 : new[1] * 16] == made.tokens[old[0] * 16 : old[1] * 16]
    for role in ("bass", "chords"):
        assert 1 - VARIATION[role] - 0.25 <= same[:, STREAMS.index(role)].mean()
    assert same[:-16, [STREAMS.index(stream) for stream in DRUMS]].all()  # but for the fill
    assert same[16:-16, CHORD].all()  # between the tonics of first and last bar
    assert not same.all()
    assert (made.tokens == extend(composer(), longer, opened, 7, settings=QUICK).tokens).all()
    assert (made.tokens != extend(composer(), longer, opened, 8, settings=QUICK).tokens).any()


def test_who_does_not_play_in_a_new_section_rests_and_the_end_is_home() -> None:
    _, grid = a_piece()
    plan = plan_of((("verse", 8), ("chorus", 4), ("outro", 3)), silent=((2, "drums"), (2, "arp")))
    made = extend(composer(), plan, with_open_bars(grid, 12, 3), 1, settings=QUICK)
    outro = made.tokens[12 * 16 :]
    assert (outro[:, [STREAMS.index(stream) for stream in (*DRUMS, "arp")]] == REST).all()
    assert (outro[:, STREAMS.index("bass")] != REST).any()
    assert set(outro[-16:, CHORD]) == {chord_token(0, "maj")}
    with pytest.raises(RequestError, match="12 bars in 4/4 under a plan of 15"):
        extend(composer(), plan, grid, 1)


def test_a_second_player_has_a_line_of_its_own_and_hears_the_first() -> None:
    plan, grid = a_piece()
    tokens = grid.tokens.copy()
    tokens[:, STREAMS.index("counter")] = REST
    grid = Grid(tokens)
    opened = np.zeros((len(tokens), 1), bool)
    opened[64:128] = True
    extra = Extra("lead", opened)
    heard = seat(grid, extra)
    np.testing.assert_array_equal(heard.stream("counter")[:192], grid.stream("lead")[:192])
    unknown = np.delete(heard.stream("lead"), np.s_[63:129])
    assert (unknown == MASK_TOKENS[STREAMS.index("lead")]).all()
    assert heard.stream("lead")[[63, 128]].tolist() == [REST, REST]
    line = infill_extra(composer(), plan, grid, extra, 5, settings=QUICK)
    assert line.shape == (len(tokens), 1)
    assert (line[~opened] == REST).all()
    assert (line[64:128] >= FIRST_ONSET).any()
    assert (line[64:128, 0] != grid.stream("lead")[64:128]).any()
    opened[64:128], opened[128:144] = False, True
    more = infill_extra(composer(), plan, grid, Extra("lead", opened, line), 6, settings=QUICK)
    np.testing.assert_array_equal(more[~opened], line[~opened])


def test_a_first_player_without_a_free_neighbour_is_not_heard_twice() -> None:
    _, grid = a_piece()
    for role in ("bass", "drums", "lead"):
        streams = [STREAMS.index(stream) for stream in (DRUMS if role == "drums" else (role,))]
        heard = seat(grid, Extra(role, np.ones((len(grid.tokens), len(streams)), bool)))
        others = np.delete(np.arange(len(STREAMS)), streams)
        np.testing.assert_array_equal(heard.tokens[:, others], grid.tokens[:, others])
        assert (heard.tokens[:, streams] == MASK_TOKENS[streams]).all()


def reharmonised(signature: str, seed: int) -> tuple[Plan, Grid]:
    """A piece whose bars 3 to 8 have chords of any kind, changing on any beat."""
    plan, grid = a_piece(signature)
    tokens, meter = grid.tokens.copy(), METERS[signature]
    rng = np.random.default_rng(seed)
    chords = rng.integers(1, VOCABULARY["chord"], 6 * len(meter.pulses))
    chords = np.where(rng.random(len(chords)) < 0.5, chords, np.roll(chords, 1))
    tokens[2 * meter.steps_per_bar : 8 * meter.steps_per_bar, CHORD] = np.repeat(chords, np.tile(meter.pulses, 6))
    return plan, Grid(tokens, signature)


@settings(deadline=None, max_examples=12)
@given(signature=st.sampled_from(list(METERS)), seed=st.integers(0, 999), mode=st.sampled_from(list(SCALES)))
def test_lines_follow_any_chords(signature: str, seed: int, mode: str) -> None:
    plan, grid = reharmonised(signature, seed)
    made = follow_chords(grid, replace(plan, mode=mode), MONOPHONIC, range(2, 8))
    meter = grid.meter
    for stream in MONOPHONIC:
        line, old = made.stream(stream), grid.stream(stream)
        onsets = old >= FIRST_ONSET
        np.testing.assert_array_equal(line[~onsets], old[~onsets])
        assert ((line - old)[onsets] % 3 == 0).all()
        for step in np.flatnonzero(onsets):
            bar, place = divmod(int(step), meter.steps_per_bar)
            if not 2 <= bar < 8:
                assert line[step] == old[step]
                continue
            chord = chord_of(int(grid.tokens[step, CHORD]))
            assert chord is not None
            tones = chord_tones(*chord)
            fitting = tones if place in strong_steps(meter) else fitting_tones(chord, mode)
            assert pitch_of(int(line[step]))[0] % 12 in fitting
    others = [place for place, stream in enumerate(STREAMS) if stream not in MONOPHONIC]
    np.testing.assert_array_equal(made.tokens[:, others], grid.tokens[:, others])
    np.testing.assert_array_equal(
        follow_chords(grid, replace(plan, mode=mode), [*MONOPHONIC, "drums", "pad"], range(2, 8)).tokens, made.tokens
    )


def test_a_known_line_follows_a_known_chord() -> None:
    plan = replace(plan_of((("verse", 1),)), mode="major")
    grid = Grid.empty(1)
    grid.stream("chord")[:8], grid.stream("chord")[8:] = chord_token(9, "7"), chord_token(5, "min")  # A7, F minor
    grid.stream("lead")[::4] = [pitch_token(pitch, 2) for pitch in (72, 74, 77, 81)]  # C D F A
    grid.stream("lead")[2::4] = HOLD
    made = follow_chords(grid, plan, ["lead"], [0]).stream("lead")
    assert [pitch_of(int(token)) for token in made[::4]] == [(73, 2), (76, 2), (77, 2), (80, 2)]  # C# E F Ab
    grid.stream("bass")[[0, 8]] = [pitch_token(36, 1), pitch_token(43, 1)]
    made = follow_chords(grid, plan, ["bass"], [0]).stream("bass")
    assert [pitch_of(int(token))[0] for token in made[[0, 8]]] == [33, 41]  # the roots A and F, still rising


def test_what_fits_a_foreign_chord_gives_way_beside_its_tones() -> None:
    assert sorted(fitting_tones((9, "7"), "major")) == [1, 4, 5, 7, 9, 11]  # C# drives out C and D
    assert sorted(fitting_tones((0, "maj"), "major")) == list(SCALES["major"])


def test_new_sections_are_cast_by_the_same_rules_and_the_others_keep_theirs() -> None:
    form = [("intro", 4), ("verse", 8), ("chorus", 8)]
    for energy in (0.3, 0.6):
        sections = plan_sections(form, 20, energy)
        assert piece_energy(sections) == pytest.approx(energy)
        assert [section_energy(section.kind, energy) for section in sections] == [s.energy for s in sections]
        fresh = complete_players(sections, [None] * 3, GRID_ROLES)
        assert fresh == choose_players(sections, GRID_ROLES, piece_energy(sections))
        own = complete_players(sections, [("bass",), None, ()], GRID_ROLES)
        assert own == (("bass",), fresh[1], ())
    assert complete_players(sections, [None] * 3, ()) == ((), (), ())
    assert section_energy("chorus", 0.5) == pytest.approx(0.5 + KIND_ENERGY["chorus"])


def test_a_section_joins_its_kind_or_takes_the_next_letter() -> None:
    sections = [Section("verse", "A", 0, 4, 0.5), Section("chorus", "C", 4, 4, 0.5)]
    assert label_of("chorus", sections) == "C"
    assert label_of("bridge", sections) == "B"
    full = [Section(str(place), chr(ord("A") + place), place, 1, 0.5) for place in range(26)]
    with pytest.raises(ValueError, match="no letter is left"):
        label_of("solo", full)
