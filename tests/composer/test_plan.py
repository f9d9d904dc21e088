"""Form and plan: whatever is asked for, the sections tile the bars and every explicit wish is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Plan, make_plan
from noisician.composer.conditions import (
    GRID_ROLES,
    STEP_FEATURES,
    STYLE_FEATURES,
    Style,
    step_conditions,
)
from noisician.composer.form import choose_players, plan_sections
from noisician.composer.plan import draw
from noisician.errors import RequestError
from noisician.prompt.controls import Controls, SectionHint
from noisician.request import MODES, TIME_SIGNATURES, TONICS
from noisician.score.grid import ROLE_STREAMS
from noisician.score.length import TAIL_S
from noisician.score.model import METERS, SECTION_KINDS, Section
from noisician.styles import ROLES, instruments, learnt_genres, table

GENRES, MOODS, LEARNT = tuple(table("genres")), tuple(table("moods")), learnt_genres()
KINDS = SECTION_KINDS
PLAYABLE = tuple(id_ for id_, entry in instruments().items() if not {"texture", "fx"} & set(entry.roles))
TEXTURES = tuple(id_ for id_, entry in instruments().items() if "texture" in entry.roles)
FORMS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 16)), min_size=1, max_size=12)


def weighted(names: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, float], ...]]:
    chosen = st.lists(st.sampled_from(names), max_size=2, unique=True)
    return chosen.map(lambda ids: tuple((id_, 1 / len(ids)) for id_ in ids))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


CONTROLS = st.builds(
    Controls,
    genres=weighted(GENRES),
    moods=weighted(MOODS),
    instruments=st.lists(st.sampled_from(PLAYABLE), max_size=9, unique=True).map(tuple),
    textures=st.lists(st.sampled_from(TEXTURES), max_size=2, unique=True).map(tuple),
    tempo_bpm=maybe(st.integers(40, 240).map(float)),
    key=maybe(st.sampled_from(TONICS)),
    mode=maybe(st.sampled_from(MODES)),
    time_signature=maybe(st.sampled_from(TIME_SIGNATURES)),
    duration_s=maybe(st.integers(1, 600).map(float)),
    energy=maybe(st.floats(0, 1)),
    density=maybe(st.floats(0, 1)),
    swing=maybe(st.floats(0, 1)),
    sections=st.lists(st.builds(SectionHint, kind=st.sampled_from(KINDS), wanted=st.booleans()), max_size=2).map(tuple),
    loop=st.booleans(),
)


def assert_tiled(sections: tuple[Section, ...], bars: int) -> None:
    assert [section.start_bar for section in sections] == np.cumsum([0, *(s.bars for s in sections[:-1])]).tolist()
    assert sum(section.bars for section in sections) == bars
    assert all(section.bars >= 1 and 0 <= section.energy <= 1 for section in sections)


# --- form ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(form=FORMS, bars=st.integers(1, 400), energy=st.floats(0, 1))
def test_sections_tile_any_number_of_bars(form: list[tuple[str, int]], bars: int, energy: float) -> None:
    sections = plan_sections(form, bars, energy)
    assert_tiled(sections, bars)
    assert {section.kind for section in sections} <= {kind for kind, _ in form}
    kinds_of_labels = {(section.label, section.kind) for section in sections}
    assert len(kinds_of_labels) == len({label for label, _ in kinds_of_labels}) == len({k for _, k in kinds_of_labels})


def test_a_form_that_fits_is_taken_as_it_is() -> None:
    form = [("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8), ("outro", 4)]
    assert [(section.kind, section.bars) for section in plan_sections(form, 40, 0.5)] == form


def test_only_the_last_section_takes_what_is_no_multiple() -> None:
    form = [("intro", 4), ("verse", 8), ("chorus", 8), ("outro", 4)]
    lengths = [section.bars for section in plan_sections(form, 37, 0.5)]
    assert all(length % 4 == 0 for length in lengths[:-1])
    assert lengths[-1] % 4 == 1


def test_a_short_piece_keeps_what_matters() -> None:
    form = [("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("bridge", 8), ("chorus", 8), ("outro", 4)]
    assert [section.kind for section in plan_sections(form, 2, 0.5)] == ["chorus"]
    assert [section.kind for section in plan_sections(form, 8, 0.5)] == ["verse", "chorus"]


def test_wanted_sections_appear_where_they_belong_and_unwanted_do_not() -> None:
    form = [("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8)]
    sections = plan_sections(form, 40, 0.5, {"intro": True, "outro": True, "verse": False, "bridge": True})
    kinds = [section.kind for section in sections]
    assert kinds[0] == "intro"
    assert kinds[-1] == "outro"
    assert "bridge" in kinds[1:-1]
    assert "verse" not in kinds
    assert [section.kind for section in plan_sections(form, 8, 0.5, {"verse": False, "chorus": False})] == ["verse"]


def test_a_repeat_is_a_little_stronger() -> None:
    sections = plan_sections([("verse", 8), ("chorus", 8), ("verse", 8)], 24, 0.5)
    assert sections[0].label == sections[2].label != sections[1].label
    assert sections[2].energy > sections[0].energy
    assert sections[1].energy > sections[2].energy


@settings(deadline=None)
@given(
    form=FORMS,
    energy=st.floats(0, 1),
    roles=st.lists(st.sampled_from(GRID_ROLES), min_size=1, unique=True),
)
def test_everybody_plays_somewhere_and_somebody_everywhere(
    form: list[tuple[str, int]], energy: float, roles: list[str]
) -> None:
    sections = plan_sections(form, 64, energy)
    players = choose_players(sections, roles, energy)
    assert len(players) == len(sections)
    assert all(playing for playing in players)
    assert set().union(*map(set, players)) == set(roles)


# --- plan ---------------------------------------------------------------------------------------------------


def assert_kept(controls: Controls, plan: Plan) -> None:
    """Every explicit wish is in the plan."""
    if controls.tempo_bpm is not None:
        assert plan.tempo_bpm == controls.tempo_bpm
    for field in ("key", "mode", "time_signature", "swing"):
        if (asked := getattr(controls, field)) is not None:
            assert getattr(plan, field) == asked
    playing = {id_ for _, id_ in plan.instrumentation}
    assert set(controls.instruments) | set(controls.textures) <= playing
    assert plan.loop == controls.loop
    if controls.genres:
        assert plan.style.genres == dict(controls.genres)
    assert plan.style.moods == dict(controls.moods)


def assert_length(controls: Controls, plan: Plan) -> None:
    bar_s = METERS[plan.time_signature].beats_per_bar * 60 / plan.tempo_bpm
    if plan.loop:
        assert plan.duration_s == pytest.approx(plan.bars * bar_s, abs=1e-9)
        assert controls.bars is not None or abs(plan.duration_s - (controls.duration_s or 30)) <= max(bar_s, 1)
    elif controls.bars is None:
        wanted_s = controls.duration_s or 30.0
        assert plan.duration_s == wanted_s
        assert (plan.bars - 1) * bar_s < wanted_s
        first, _ = plan.last_chord
        step_s = bar_s / METERS[plan.time_signature].steps_per_bar
        begun_s = (plan.bars - 1) * bar_s + first * step_s
        if plan.ending == "written":
            assert begun_s == 0 or wanted_s - begun_s <= 2 * 60 / plan.tempo_bpm + 1.5
            assert wanted_s - begun_s >= min(1, wanted_s / 12)
        else:
            assert plan.bars * bar_s >= wanted_s - 1e-6


@settings(deadline=None, max_examples=120)
@given(controls=CONTROLS, seed=st.integers(0, 2**32 - 1))
def test_any_controls_make_a_sound_plan(controls: Controls, seed: int) -> None:
    plan = make_plan(controls, seed)
    assert_kept(controls, plan)
    assert_length(controls, plan)
    assert_tiled(plan.sections, plan.bars)
    assert 40 <= plan.tempo_bpm <= 240
    roles = {role for role, _ in plan.instrumentation}
    assert roles <= set(ROLES)
    assert len(plan.players) == len(plan.sections)
    assert set().union(*map(set, plan.players)) == roles & set(ROLE_STREAMS)
    assert len(set(plan.instrumentation)) == len(plan.instrumentation)


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_makes_a_plan_in_its_own_manner(genre: str) -> None:
    low, _, high = table("genres")[genre]["tempo_bpm"]
    for seed in range(3):
        plan = make_plan(Controls(genres=((genre, 1.0),)), seed)
        assert low <= plan.tempo_bpm <= high
        assert plan.time_signature in table("genres")[genre]["time_signatures"]
        assert plan.mode in table("genres")[genre]["modes"]
        assert plan.duration_s == 30
        fewest = min(5, sum(seat["presence"] == 1 for seat in table("genres")[genre]["roles"].values()))
        assert len({role for role, _ in plan.instrumentation} & set(ROLE_STREAMS)) >= (5 if genre in LEARNT else fewest)


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_makes_a_plan(mood: str) -> None:
    plan = make_plan(Controls(moods=((mood, 1.0),)), 3)
    assert_tiled(plan.sections, plan.bars)
    assert plan.style.vector().shape == (STYLE_FEATURES,)


def test_the_same_controls_and_seed_give_the_same_plan() -> None:
    controls = Controls(moods=(("happy", 1.0),))
    plans = [make_plan(controls, seed) for seed in range(12)]
    assert plans == [make_plan(controls, seed) for seed in range(12)]
    assert len({next(iter(plan.style.genres)) for plan in plans}) > 3
    assert len({plan.key for plan in plans}) > 3


@pytest.mark.parametrize("bars", [1, 2, 5, 400])
@pytest.mark.parametrize("signature", TIME_SIGNATURES)
def test_bars_are_exact(bars: int, signature: str) -> None:
    for loop in (False, True):
        plan = make_plan(Controls(bars=bars, tempo_bpm=200, time_signature=signature, loop=loop), 1)
        bar_s = METERS[signature].beats_per_bar * 0.3
        assert plan.bars == bars
        assert plan.duration_s == pytest.approx(bars * bar_s + (0 if loop else TAIL_S))
        assert_tiled(plan.sections, bars)


def test_a_long_piece_ends_when_it_was_to_end() -> None:
    for seed in range(10):
        plan = make_plan(Controls(genres=(("ambient", 1.0),), duration_s=600), seed)
        assert plan.tempo_bpm == round(plan.tempo_bpm)
        assert plan.bars * plan.bar_s > 600 - 1.5
        assert (plan.bars - 1) * plan.bar_s < 600 - 1


def instrumentation_of(*wanted: str, excluded: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    controls = Controls(genres=(("pop", 1.0),), instruments=wanted, excluded=excluded)
    return [player for player in make_plan(controls, 0).instrumentation if player[1] in wanted]


def test_one_who_fits_another_seat_makes_room() -> None:
    """One who could also lead leaves the chords to one who knows nothing else."""
    table_ = instruments()
    chords_only = next(id_ for id_ in PLAYABLE if table_[id_].roles == ("chords",))
    flexible = next(id_ for id_ in PLAYABLE if table_[id_].roles[0] == "chords" and len(table_[id_].roles) > 1)
    assigned = {id_: role for role, id_ in instrumentation_of(flexible, chords_only)}
    assert assigned[chords_only] == "chords"
    assert assigned[flexible] in table_[flexible].roles[1:]


def test_too_many_of_one_kind_take_the_nearest_free_roles() -> None:
    leads = [id_ for id_ in PLAYABLE if instruments()[id_].roles == ("lead",)][:4]
    assigned = instrumentation_of(*leads)
    assert sorted(id_ for _, id_ in assigned) == sorted(leads)
    assert assigned[0] == ("lead", leads[0])
    assert {role for role, _ in assigned} <= {"lead", "counter", "arp", "chords", "pad"}


def test_second_kits_and_basses_double_the_first() -> None:
    assert instrumentation_of("tr808_kit", "brush_kit") == [("drums", "tr808_kit"), ("drums", "brush_kit")]
    assert [role for role, _ in instrumentation_of("upright_bass", "sine_sub")] == ["bass", "bass"]


def test_a_barred_role_sends_its_player_elsewhere() -> None:
    flexible = next(id_ for id_ in PLAYABLE if instruments()[id_].roles[:2] == ("lead", "counter"))
    assert instrumentation_of(flexible, excluded=("lead",)) == [("counter", flexible)]


@settings(deadline=None, max_examples=60)
@given(
    excluded=st.lists(st.sampled_from((*ROLES[:7], "synth", "keys", "guitar", "grand_piano")), max_size=5, unique=True),
    genre=st.sampled_from(GENRES),
    seed=st.integers(0, 99),
)
def test_the_excluded_do_not_play(excluded: list[str], genre: str, seed: int) -> None:
    try:
        plan = make_plan(Controls(genres=((genre, 1.0),), excluded=tuple(excluded)), seed)
    except RequestError as refusal:  # techno without bass, drums and synthesisers is nobody
        assert "nobody is left" in str(refusal)
        return
    for role, id_ in plan.instrumentation:
        assert not {role, id_, instruments()[id_].family} & set(excluded)


def test_an_empty_stage_is_refused_in_one_line() -> None:
    with pytest.raises(RequestError, match="nobody is left") as refusal:
        make_plan(Controls(genres=(("pop", 1.0),), excluded=ROLES), 0)
    assert "\n" not in str(refusal.value)


def test_textures_alone_are_a_piece() -> None:
    controls = Controls(genres=(("ambient", 1.0),), textures=("rain",), excluded=(*GRID_ROLES, "fx"))
    plan = make_plan(controls, 0)
    assert plan.instrumentation == (("texture", "rain"),)
    assert plan.players == ((),) * len(plan.sections)


def test_a_calm_wish_chooses_a_calm_genre() -> None:
    shares = [next(iter(make_plan(Controls(energy=0.05), seed).style.genres)) for seed in range(30)]
    assert {"ambient", "new_age"} & set(shares)
    assert not {"metal", "punk", "edm"} & set(shares)


def test_words_of_production_win_over_the_style() -> None:
    plan = make_plan(Controls(genres=(("lofi_hip_hop", 1.0),), production=("bright",)), 0)
    assert plan.production[0] == "bright"
    assert "dark" not in plan.production


def test_draw_follows_its_weights() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw(rng, {"a": 3.0, "b": 1.0, "c": 0.0}) for _ in range(2000)]
    assert drawn.count("a") / 2000 == pytest.approx(0.75, abs=0.03)
    assert "c" not in drawn


# --- conditions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", TIME_SIGNATURES)
def test_step_conditions_follow_bars_and_sections(signature: str) -> None:
    sections = (Section("intro", "A", 0, 2, 0.2), Section("chorus", "B", 2, 4, 0.8))
    active = np.zeros((6, len(GRID_ROLES)), bool)
    active[2:, 1] = True
    steps = step_conditions(sections, active, signature, 6)
    per_bar = METERS[signature].steps_per_bar
    assert steps.features.shape == (6 * per_bar, STEP_FEATURES)
    bars = np.array(METERS[signature].base_places)
    np.testing.assert_array_equal(steps.place[: 2 * per_bar], np.resize(bars, 2 * per_bar))
    bars = steps.features[::per_bar]
    np.testing.assert_allclose(bars[:, 0], [0.2, 0.2, 0.8, 0.8, 0.8, 0.8])
    np.testing.assert_allclose(bars[:, 1], [0, 0.5, 0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(bars[:, 2] * 8, [2, 1, 4, 3, 2, 1])
    np.testing.assert_array_equal(bars[:, 4], [0, 0, 1, 1, 1, 1])
    assert [SECTION_KINDS[kind - 1] for kind in steps.kind[::per_bar]] == ["intro"] * 2 + ["chorus"] * 4
    cut = steps.at(slice(per_bar, 2 * per_bar))
    assert len(cut.place) == len(cut.kind) == len(cut.features) == per_bar


def test_style_vectors_tell_styles_apart() -> None:
    base = Style({"house": 1.0}, {}, "minor", "4/4")
    others = [
        Style({"techno": 1.0}, {}, "minor", "4/4"),
        Style({"house": 1.0}, {"happy": 1.0}, "minor", "4/4"),
        Style({"house": 1.0}, {}, "major", "4/4"),
        Style({"house": 1.0}, {}, "minor", "3/4"),
        Style({"house": 1.0}, {}, "minor", "4/4", by_people=True),
    ]
    vectors = {style.vector().tobytes() for style in (base, *others)}
    assert len(vectors) == 6
