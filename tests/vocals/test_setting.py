"""Words to rhythm, rhythm to a form, and the composer's tunes on given rhythms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.lieder import SetSyllable, learn_costs, stress_agreement
from noisician.errors import RequestError
from noisician.score.model import METERS
from noisician.vocals.form import SungPart, fit_form, plan_form, section_line_bars, set_song
from noisician.vocals.setting import (
    LineRoom,
    Placement,
    Sayable,
    SettingCosts,
    length_class,
    metric_weight,
    set_line,
    setting_costs,
)

FOUR, THREE, SIX = METERS["4/4"], METERS["3/4"], METERS["6/8"]


def line(stresses: str, **changes: int) -> tuple[Sayable, ...]:
    return tuple(Sayable(int(stress), **changes) for stress in stresses)


def steps_of(placements: tuple[Placement, ...]) -> list[int]:
    return [placement.step for placement in placements]


def test_metric_weights_of_a_bar() -> None:
    assert [metric_weight(step, FOUR) for step in range(16)] == [4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0]
    assert [metric_weight(step, THREE) for step in (0, 4, 8, 2)] == [4, 2, 2, 1]
    assert [metric_weight(step, SIX) for step in (0, 6, 2, 3)] == [4, 3, 1, 0]
    assert metric_weight(-16, FOUR) == 4


def test_length_classes() -> None:
    assert [length_class(steps) for steps in (0.5, 1, 2, 5, 8, 40)] == [0, 0, 1, 3, 5, 7]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.booleans()), min_size=1, max_size=14),
    st.sampled_from([FOUR, THREE, SIX]),
    st.integers(60, 180),
    st.integers(0, 2**32 - 1),
)
def test_every_syllable_is_placed_once_in_order_without_overlap(
    syllables: list[tuple[int, int, bool]], meter: object, tempo_bpm: int, seed: int
) -> None:
    sayables = [Sayable(stress, notes=notes, breaks=breaks) for stress, notes, breaks in syllables]
    room = LineRoom(meter, 8, float(tempo_bpm), free_before_steps=6)  # pyright: ignore[reportArgumentType]
    placed = set_line(sayables, room, np.random.default_rng(seed))
    assert len(placed) == len(sayables)
    end = -room.meter.steps_per_bar
    for placement, sayable in zip(placed, sayables, strict=True):
        assert len(placement.onsets) == sayable.notes
        assert list(placement.onsets) == sorted(set(placement.onsets))
        assert end <= placement.onsets[0] and placement.onsets[-1] < placement.end_step
        end = placement.end_step
    assert placed[0].step >= -6
    assert end < room.steps, "there is air after the line"


def test_stressed_syllables_take_the_strong_places() -> None:
    lines = ["02020002", "2002002", "0202020", "20020", "0200202"]
    set_lines = []
    for number, stresses in enumerate(lines):
        placed = set_line(line(stresses), LineRoom(FOUR, 2, 100.0, 8), np.random.default_rng(number))
        set_lines.append([(int(s), p.step, FOUR) for s, p in zip(stresses, placed, strict=True)])
    assert stress_agreement(set_lines) > 0.9


def test_an_asked_for_break_leaves_air() -> None:
    sayables = [*line("020"), Sayable(2, breaks=True), *line("020")]
    placed = set_line(sayables, LineRoom(FOUR, 4, 100.0), np.random.default_rng(0))
    assert placed[3].end_step < placed[4].step


def test_a_motif_comes_back() -> None:
    room = LineRoom(FOUR, 2, 100.0, 8)
    first = set_line(line("02020202"), room, np.random.default_rng(1))
    motif = frozenset(steps_of(first))
    again = [set_line(line("02020202"), room, np.random.default_rng(seed), motif) for seed in range(5)]
    others = [set_line(line("02020202"), room, np.random.default_rng(seed)) for seed in range(5)]
    same = np.mean([len(motif & set(steps_of(placed))) for placed in again])
    assert same > np.mean([len(motif & set(steps_of(placed))) for placed in others])
    assert same > 7


def test_a_line_that_cannot_fit_says_so() -> None:
    with pytest.raises(RequestError, match="40 syllables does not fit 1 bars at 100 BPM") as error:
        set_line(line("02" * 20), LineRoom(FOUR, 1, 100.0), np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_costs_survive_their_file() -> None:
    again = SettingCosts.from_json(setting_costs().to_json())
    assert np.array_equal(again.place, setting_costs().place)
    assert np.array_equal(again.length, setting_costs().length)


def test_costs_learn_what_people_do() -> None:
    people = [SetSyllable(FOUR, 0.0, 4.0, 1, 2, False), SetSyllable(FOUR, 6.0, 2.0, 1, 0, False)] * 50
    costs = learn_costs([people])
    assert costs.place[2].argmin() == 4
    assert costs.place[0].argmin() == 1
    assert costs.length[2, 0].argmin() == length_class(4)


def test_agreement_of_known_lines() -> None:
    assert stress_agreement([[(0, 2, FOUR), (2, 4, FOUR)]]) == 1.0
    assert stress_agreement([[(0, 0, FOUR), (2, 2, FOUR)]]) == 0.0
    assert stress_agreement([[(0, 2, FOUR), (2, 6, FOUR)]]) == 0.5


VERSE = tuple(line(stresses) for stresses in ("02020002", "2002002", "0202020", "20020"))
CHORUS = tuple(line(stresses) for stresses in ("0200202", "200202", "0200202", "2002"))
PARTS = (
    SungPart("verse", VERSE),
    SungPart("chorus", CHORUS),
    SungPart("solo", ()),
    SungPart("verse", VERSE),
    SungPart("chorus", CHORUS),
)


def test_a_form_has_every_line_inside_its_section() -> None:
    form = plan_form(PARTS, FOUR, 100.0, 0.6)
    assert [section.kind for section in form.sections] == [
        "intro", "verse", "chorus", "solo", "verse", "chorus", "outro",
    ]  # fmt: skip
    assert form.sections[1].label == form.sections[4].label != form.sections[2].label
    assert form.sections[5].energy > form.sections[2].energy > form.sections[1].energy
    starts = np.cumsum([0, *(section.bars for section in form.sections)])
    assert [section.start_bar for section in form.sections] == list(starts[:-1])
    assert len(form.lines) == 16
    for where in form.lines:
        section = form.sections[form.parts.index(where.part)]
        assert section.start_bar <= where.start_bar
        assert where.start_bar + where.bars <= section.start_bar + section.bars


def test_sections_of_a_kind_share_their_rhythm() -> None:
    form = plan_form(PARTS, FOUR, 100.0, 0.6)
    lines = set_song(PARTS, form, FOUR, 100.0, 3)
    by_place = {(one.where.part, one.where.line): steps_of(one.placements) for one in lines}
    for number in range(4):
        assert by_place[1, number] == by_place[4, number]


def test_long_lines_get_more_bars_and_slow_songs_fewer() -> None:
    part = SungPart("verse", (line("02" * 4), line("20" * 4), line("02" * 14)))
    short, same, long = section_line_bars(part, FOUR, 120.0)
    assert short == same < long
    lines = SungPart("verse", (line("020202"),))
    assert section_line_bars(lines, FOUR, 45.0) == [1]
    assert section_line_bars(lines, FOUR, 200.0) == [2]


def test_a_form_fits_a_length_and_says_when_it_cannot() -> None:
    form = plan_form(PARTS, FOUR, 120.0, 0.6)
    longer = fit_form(form, FOUR, 120.0, 59)
    assert longer.bars == 59
    assert len(longer.lines) == 16
    shorter = fit_form(form, FOUR, 120.0, 34)
    assert shorter.bars == 34 < form.bars
    starts = {line.part: line.start_bar for line in reversed(shorter.lines)}
    for section, part in zip(shorter.sections, shorter.parts, strict=True):
        assert part is None or section.start_bar == starts[part]
    with pytest.raises(RequestError, match=r"the lyrics need \d+ s at 120 BPM \(\d+ bars\), .* room for 20 s"):
        fit_form(form, FOUR, 120.0, 10)


def test_a_form_that_is_all_sung_gets_an_outro_for_the_rest() -> None:
    parts = tuple(part for part in PARTS if part.lines)
    form = plan_form(parts, FOUR, 120.0, 0.6, frame=False)
    longer = fit_form(form, FOUR, 120.0, form.bars + 3)
    assert longer.bars == form.bars + 3
    assert (longer.sections[-1].kind, longer.sections[-1].bars, longer.parts[-1]) == ("outro", 3, None)


def test_the_shipped_costs_are_those_of_the_scores() -> None:
    """What anybody can check without the scores: the direction of what was learnt."""
    costs = setting_costs()
    assert costs.place[2].argmin() == 4 and costs.place[2].argmax() == 0
    assert costs.place[0].argmax() == 4
