"""The tests of the checklists on bars written by hand, and what the reader refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from noisician.composer.conditions import Style
from noisician.composer.plan import Plan
from noisician.errors import NoisicianError
from noisician.evaluate import checklists as lists
from noisician.evaluate import musicianship
from noisician.score.grid import DRUM_HITS, HOLD, ROLE_STREAMS, Grid, chord_token, pitch_token, voicing_token
from noisician.score.model import METERS, Section
from noisician.styles import table

PLAN = Plan(
    tempo_bpm=120.0,
    key="C",
    mode="major",
    time_signature="4/4",
    bars=4,
    duration_s=8.0,
    sections=(Section("verse", "A", 0, 2, 0.3), Section("chorus", "B", 2, 2, 0.9)),
    players=(),
    instrumentation=(("lead", "violin"), ("bass", "upright_bass"), ("drums", "jazz_kit"), ("texture", "rain")),
    timbre_tags={"bass": ("dark",)},
    style=Style({}, {}, "major", "4/4"),
    production=("lofi",),
    velocity_shift=0,
    swing=0.5,
    swing_unit="eighth",
    loop=False,
)


def value(name: str, grid: Grid, plan: Plan = PLAN, **parameters: Any) -> Any:
    return {**lists.FACTS, **lists.MEASURES}[name](plan, grid, **parameters)


def drums(bars: int = 1, signature: str = "4/4", **beats: Sequence[float]) -> Grid:
    """A stroke of each stream (its second sound) at these places from 1, counted on over the bars."""
    grid = Grid.empty(bars, signature)
    for name, places in beats.items():
        for beat in places:
            grid.stream(name)[int((beat - 1) * METERS[signature].steps_per_beat)] = 2
    return grid


def line(pitches: Sequence[int | None], stream: str = "lead", beats: float = 1, grid: Grid | None = None) -> Grid:
    """Held notes of equal length, None for a rest."""
    steps = int(4 * beats)
    grid = grid or Grid.empty(-(-len(pitches) * steps // 16))
    for at, pitch in enumerate(pitches):
        if pitch is not None:
            grid.stream(stream)[at * steps : (at + 1) * steps] = HOLD
            grid.stream(stream)[at * steps] = pitch_token(pitch, 1)
    return grid


def harmony(*chords: tuple[int, str], bars: float = 1) -> Grid:
    """Each chord for so many bars."""
    steps = int(16 * bars)
    grid = Grid.empty(-(-len(chords) * steps // 16))
    for at, (root, quality) in enumerate(chords):
        grid.stream("chord")[at * steps : (at + 1) * steps] = chord_token(root, quality)
    return grid


# --- time -------------------------------------------------------------------------------------------------------


def test_tempo_metre_and_swing() -> None:
    grid = Grid.empty(1)
    assert value("tempo", grid, ranges=[[60, 80], [110, 120]])
    assert not value("tempo", grid, ranges=[[60, 119]])
    assert value("metre", grid, signatures=["3/4", "4/4"]) and not value("metre", grid, signatures=["6/8"])
    assert value("swing", grid) == value("swing", grid, unit="eighth") == 0.5
    assert value("swing", grid, unit="sixteenth") == 0


def test_strokes_at_places_of_the_bars_in_which_drums_play() -> None:
    # Four on the floor, a bar with a hole, a bar of hats alone, a bar without drums.
    grid = drums(4, kick=[1, 2, 3, 4, 5, 6, 7], hat=[9])
    assert value("struck", grid, what=["kick"], beats=[1, 2, 3, 4]) == pytest.approx(1 / 3)
    assert value("struck", grid, what=["kick"], beats=[1, 3]) == pytest.approx(2 / 3)
    assert value("left_free", grid, what=["kick"], beats=[4]) == pytest.approx(2 / 3)
    assert value("struck", Grid.empty(1), what=["kick"], beats=[1]) is None
    assert value("bars_played", grid, what=["kick"]) == 0.5
    assert value("bars_played", grid, what=["drums"]) == 0.75


def test_places_that_a_bar_has_not_are_not_asked_for() -> None:
    six_eight = drums(1, "6/8", snare=[2])
    assert value("struck", six_eight, what=["snare"], beats=[2, 4]) == 1
    assert value("struck", six_eight, what=["snare"], beats=[3, 4]) is None
    assert value("struck", six_eight, what=["snare"], beats=[1.75]) is None  # no sixteenth lies there


def test_where_strokes_lie_and_how_many_there_are() -> None:
    grid = drums(2, snare=[1, 1.5, 2.75, 3])
    assert value("placed", grid, what=["snare"], beats=[1, 3]) == 0.5
    assert value("off_beat", grid, what=["snare"]) == 0.5
    assert value("strokes_a_bar", grid, what=["snare"]) == 4  # of the one bar in which drums play
    assert value("strokes_a_second", grid, what=["snare"]) == 2  # a bar lasts two seconds
    assert value("strokes_a_bar", grid, what=["lead"]) == 0
    assert value("off_beat", grid, what=["lead"]) is None


def test_a_cell_is_found_from_any_of_its_bars_and_told_from_steady_strokes() -> None:
    clave = [1, 2.5, 4, 6, 7]
    two_three = drums(2, perc=[2, 3, 5, 6.5, 8])
    assert value("cell", two_three, what=["perc"], cells=[[1, 2], clave]) == 1
    steady = drums(2, perc=[1 + half / 2 for half in range(16)])
    assert value("cell", steady, what=["perc"], cells=[clave]) == pytest.approx(2 * 5 / (16 + 5))
    assert value("cell", Grid.empty(2), what=["perc"], cells=[clave]) is None


def test_players_together_and_sounds_told_apart() -> None:
    grid = line([40, 40], "bass", grid=drums(1, kick=[1, 3]))
    assert value("together", grid, what=["kick"], beside=["bass"]) == 0.5
    assert value("together", grid, what=["bass"], beside=["snare"]) == 0
    rims = [note for note, _ in DRUM_HITS["snare"]].index(37) + 1
    ghosts = DRUM_HITS["snare"].index((38, 40)) + 1
    grid.stream("snare")[[0, 4, 8, 12]] = [rims, ghosts, 2, 2]
    assert value("among", grid, what=["rim"], beside=["snare"]) == 0.25
    assert value("among", grid, what=["ghost note"], beside=["snare"]) == 0.25
    assert value("strokes_a_bar", grid, what=["rim", "snare"]) == 5  # each name is counted for itself
    assert value("among", Grid.empty(1), what=["rim"], beside=["snare"]) is None


def test_groups_of_strikers() -> None:
    grid = line([60], "lead", grid=drums(1, kick=[1], hat=[2]))
    grid.stream("chords")[0] = voicing_token(0, "close", 1)
    assert value("strokes_a_bar", grid, what=["drums"]) == 2
    assert value("strokes_a_bar", grid, what=["all"]) == 4
    assert value("drum_variety", grid) == 1


def test_how_long_lines_sound() -> None:
    grid = line([60, None, 62, 64], beats=0.5)
    assert value("sounding", grid, line="lead") == pytest.approx(6 / 16)
    assert value("lengths_beats", grid, line="lead") == 0.5
    assert value("lengths_beats", line([60], beats=4), line="lead") == 4  # to the end of the grid
    assert value("lengths_beats", grid, line="bass") is None


# --- pitch ------------------------------------------------------------------------------------------------------


def test_chords() -> None:
    grid = harmony((2, "min7"), (7, "7"), (0, "maj7"), (0, "maj7"))
    assert value("mode", grid, modes=["major"]) and not value("mode", grid, modes=["minor"])
    assert value("chords_used", grid) == 3
    assert value("chord_changes", grid) == 0.5
    assert value("borrowed", grid) == 0
    assert value("chord_kinds", grid, chords=["dominant"]) == 0.25
    assert value("chord_kinds", grid, chords=["seventh"]) == 1
    assert value("chord_kinds", grid, chords=["min7", "7"]) == 0.5
    assert value("chord_roots", grid, roots=["I", "V"]) == 0.75
    assert value("one_root", grid) == 0.5
    assert value("falling_fifths", grid) == 1
    assert value("progressions", grid, successions=[["II", "V", "I"], ["V", "I"], ["I", "V"]]) == 2
    assert value("last_chord", grid, roots=["I"]) and not value("last_chord", grid, roots=["V"])
    assert value("chord_kinds", Grid.empty(1), chords=["power"]) is None
    assert value("chord_roots", Grid.empty(1), roots=["I"]) is None
    for name in ("one_root", "falling_fifths"):
        assert value(name, Grid.empty(1)) is None


def test_twelve_bars_of_blues() -> None:
    roots = [0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 0]
    assert value("twelve_bars", harmony(*[(root, "7") for root in roots])) == 1
    assert value("twelve_bars", harmony(*[(root, "7") for root in [9, 9, *roots]])) == 1  # after two bars of intro
    assert value("twelve_bars", harmony(*[(root, "7") for root in roots[:8]])) == 1
    assert value("twelve_bars", harmony(*[(root, "7") for root in [0, 9, 5, 7] * 3])) < 0.6
    assert value("twelve_bars", harmony(*[(0, "7")] * 7)) is None


def test_a_loop_of_chords() -> None:
    four = [(0, "maj"), (7, "maj"), (9, "min"), (5, "maj")]
    assert value("chord_loop", harmony(*four, *four), lengths=[1, 2, 4]) == 1
    assert value("chord_loop", harmony(*four, *four), lengths=[1]) == 0
    assert value("chord_loop", harmony(*four), lengths=[4]) is None


def test_lines() -> None:
    grid = line([60, 62, 62, 69, 60, 62, 62, 69])
    assert value("steps", grid) == pytest.approx(2 / 7)
    assert value("leaps", grid) == pytest.approx(3 / 7)
    assert value("same_pitch", grid) == pytest.approx(2 / 7)
    assert value("figures", grid) == pytest.approx(2 / 5)
    assert value("heard_rhythms", grid) == 1
    assert value("ambitus", grid) == 9
    assert value("degrees", grid, degrees=["1", "6"]) == 0.5
    assert value("in_mode", line([60, 61, 64, 66])) == 0.5
    for name in ("same_pitch", "ambitus", "in_mode", "steps", "leaps"):
        assert value(name, grid, line="bass") is None


def test_what_a_line_is_of_its_chord() -> None:
    grid = line([40, 43, 47, 45], "bass", grid=harmony((4, "min")))
    assert value("chord_tones", grid, line="bass", tones=["root", "fifth"]) == 0.5
    assert value("chord_tones", grid, line="bass", tones=["root"], beats=[1]) == 1
    assert value("chord_tones", grid, line="bass", tones=["third"]) == 0.25
    assert value("chord_tones", line([44], "bass", grid=harmony((4, "min"))), line="bass", tones=["third"]) == 0
    assert value("chord_tones", line([40], "bass"), line="bass", tones=["root"]) is None


def test_home_and_clashes() -> None:
    grid = line([48], "bass", beats=4, grid=line([62, 60], beats=2, grid=harmony((0, "maj"))))
    assert value("ends_at_home", grid)
    assert not value("ends_at_home", line([62]))
    assert not value("ends_at_home", Grid.empty(1))
    assert value("clashes", grid) == 0


# --- form and cast ----------------------------------------------------------------------------------------------


def test_cast_is_who_plays() -> None:
    grid = line([60, 62])  # bass and drums rest throughout
    assert value("cast", grid, families=["strings"])
    assert value("cast", grid, families=["keys"], instruments=["violin"])
    assert not value("cast", grid, families=["strings"], roles=["bass"])
    assert not value("cast", grid, instruments=["upright_bass"]) and value("no_cast", grid, families=["bass"])
    assert value("cast", grid, instruments=["rain"]) and not value("no_cast", grid, instruments=["rain"])
    assert value("players", grid) == 1
    assert value("cast_share", grid, families=["strings"]) == 1
    both = line([40], "bass", grid=grid)
    assert value("cast_share", both, families=["strings"]) == 0.5
    assert value("cast_share", Grid.empty(1), families=["strings"]) is None


def test_production_is_the_mix_or_one_player() -> None:
    assert value("production", Grid.empty(1), tags=["lofi"]) and value("production", Grid.empty(1), tags=["dark"])
    assert not value("production", Grid.empty(1), tags=["bright"])


def test_sections_their_lengths_and_energy() -> None:
    grid = drums(4, kick=[1, 5, 9, 10])  # the chorus's second bar is the end
    assert value("sections", grid, kinds=["chorus"]) and not value("sections", grid, kinds=["drop"])
    assert value("energy", grid) == pytest.approx(0.6)
    assert value("fuller", grid, kinds=["chorus"], than=["verse", "intro"]) == 2
    assert value("fuller", line([60] * 12), kinds=["chorus"], than=["verse"]) is None  # a chorus of nothing but an end
    assert value("fuller", grid, kinds=["drop"], than=["verse"]) is None
    assert value("section_lengths", grid, multiple=2) == 1
    assert value("section_lengths", grid, multiple=4) == 0
    assert not lists.form.energy(replace(PLAN, sections=()), grid)


def test_who_drops_out() -> None:
    assert value("drops_out", drums(4, kick=[1, 13]), what=["kick"], bars=2)
    assert not value("drops_out", drums(4, kick=[1, 5, 13]), what=["kick"], bars=2)
    assert not value("drops_out", Grid.empty(4), what=["kick"], bars=2)  # who never plays cannot drop out


def test_one_line_answers_another() -> None:
    grid = line([None, 64], "counter", grid=line([60], beats=1))
    assert value("answered", grid, line="counter", silent="lead") == 1
    assert value("answered", line([64], "counter", grid=grid), line="counter", silent="lead") == 0.5
    assert value("answered", grid, line="bass", silent="lead") is None


def test_what_returns_is_recognised() -> None:
    sections = tuple(Section("verse", label, bar, 1, 0.5) for bar, label in enumerate("ABA"))
    grid = line([60, 62, 64, 65, 72, 72, 72, 72, 60, 62, 64, 67])
    (share,) = musicianship.returning_sections(grid, sections)
    assert share == pytest.approx(15 / 16)  # one onset differs; its tail holds either way
    plan = replace(PLAN, sections=sections)
    assert value("returns", grid, plan)
    assert not value("returns", line([60] * 4 + [72] * 4), plan=replace(PLAN, sections=sections[:2]))
    in_a_row = tuple(replace(section, label="A") for section in sections)
    assert musicianship.returning_sections(grid, in_a_row) == []
    assert musicianship.returning_sections(Grid.empty(3), sections) == [0.0]


# --- points -----------------------------------------------------------------------------------------------------


def reading(*points: dict[str, Any]) -> lists.Checklist:
    """A checklist of these points, filled up with others."""
    rest = [{"point": f"filler {n}", "test": "tempo", "ranges": [[1, 2]]} for n in range(8)]
    return lists.read({"made_up": {"sources": ["a book"], "points": [*points, *rest]}})["made_up"]


def first_met(point: dict[str, Any], grid: Grid, plan: Plan = PLAN) -> bool:
    return reading(point).points[0].met(plan, grid)


def test_bounds_are_included_and_nothing_to_measure_is_not_met() -> None:
    point = {"point": "p", "test": "strokes_a_bar", "what": ["kick"]}
    two = drums(1, kick=[1, 2])
    assert first_met(point | {"least": 2}, two) and first_met(point | {"most": 2}, two)
    assert not first_met(point | {"least": 2.5}, two) and not first_met(point | {"most": 1.5}, two)
    assert not first_met({"point": "p", "test": "off_beat", "what": ["kick"], "most": 1}, Grid.empty(1))


def test_a_point_is_kept_to_sections() -> None:
    point = {"point": "p", "test": "struck", "what": ["kick"], "beats": [1], "least": 1}
    grid = drums(4, kick=[9, 13], hat=[1, 5])  # the kick comes with the chorus
    assert not first_met(point, grid)
    assert first_met(point | {"in": ["chorus"]}, grid) and not first_met(point | {"in": ["verse"]}, grid)
    assert not first_met(point | {"in": ["drop"]}, grid)


def test_one_of_several_tests_or_all_of_a_group() -> None:
    yes = {"test": "tempo", "ranges": [[100, 130]]}
    no = {"test": "tempo", "ranges": [[1, 2]]}
    assert first_met({"point": "p", "any_of": [no, yes]}, Grid.empty(1))
    assert not first_met({"point": "p", "any_of": [no, [yes, no]]}, Grid.empty(1))
    assert first_met({"point": "p", "any_of": [no, [yes, yes]]}, Grid.empty(1))


@pytest.mark.parametrize(
    ("point", "named"),
    [
        ({"test": "tempo", "ranges": [[1, 2]]}, "no text"),
        ({"point": "p", "test": "taste"}, "'taste'"),
        ({"point": "p", "test": "tempo"}, "needs 'ranges'"),
        ({"point": "p", "test": "tempo", "ranges": [[2, 1]]}, "ranges"),
        ({"point": "p", "test": "tempo", "ranges": [[1, 2]], "least": 3}, "'least'"),
        ({"point": "p", "test": "swing"}, "least or most"),
        ({"point": "p", "test": "swing", "least": "much"}, "'much'"),
        ({"point": "p", "test": "swing", "least": 0, "unit": "bar"}, "'bar'"),
        ({"point": "p", "test": "struck", "what": ["gong"], "beats": [1], "least": 1}, "gong"),
        ({"point": "p", "test": "struck", "what": ["kick"], "beats": [0], "least": 1}, "beats"),
        ({"point": "p", "test": "cast", "instruments": ["kazoo"]}, "kazoo"),
        ({"point": "p", "test": "cast", "family": ["keys"]}, "'family'"),
        ({"point": "p", "test": "metre", "signatures": ["four"]}, "four"),
        ({"point": "p", "test": "returns", "in": ["verse"]}, "'in'"),
        ({"point": "p", "test": "swing", "least": 0, "in": ["coda"]}, "coda"),
        ({"point": "p", "any_of": []}, "any_of"),
        ({"point": "p", "any_of": [{"test": "returns"}], "least": 1}, "'least'"),
        ({"point": "filler 0", "test": "returns"}, "twice"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(point: dict[str, Any], named: str) -> None:
    with pytest.raises(NoisicianError) as refused:
        reading(point)
    assert named in str(refused.value) and "made_up" in str(refused.value) and "\n" not in str(refused.value)


def test_a_list_needs_points_and_sources() -> None:
    point = {"point": "p", "test": "returns"}
    with pytest.raises(NoisicianError, match="1 points and 1 sources"):
        lists.read({"made_up": {"sources": ["a book"], "points": [point]}})
    with pytest.raises(NoisicianError, match="'author'"):
        lists.read({"made_up": {"author": "somebody"}})
    with pytest.raises(NoisicianError, match="no checklist"):
        lists.checklist("polka_core")


# --- the lists that ship ----------------------------------------------------------------------------------------


def test_every_genre_has_a_list_and_every_test_is_asked_for() -> None:
    assert set(table("genres")) <= set(lists.checklists()) and len(lists.checklists()) >= 40
    asked = {
        check.name
        for entry in lists.checklists().values()
        for point in entry.points
        for group in point.any_of
        for check in group
    }
    assert asked == {*lists.FACTS, *lists.MEASURES}


def test_a_house_bar_ticks_the_points_of_house_and_not_those_of_a_waltz() -> None:
    kit = drums(
        4,
        kick=[beat for beat in range(1, 17) if beat not in range(9, 13)],
        snare=[2, 4, 6, 8, 10, 12, 14, 16],
        hat=[beat + 0.5 for beat in range(1, 17)],
    )
    cast = (("drums", "tr909_kit"), ("bass", "synth_bass"))
    plan = replace(PLAN, tempo_bpm=124.0, instrumentation=cast)
    house = dict(lists.ticked("house", plan, kit))
    met = {"118 to 130 beats a minute", "in four", "the kick is on every beat", "clap or snare on two and four",
           "hats between the beats", "drums from a machine"}  # fmt: skip
    assert met <= {text for text, yes in house.items() if yes}
    assert not house["a synthetic or electric bass"]  # it is in the plan and plays nothing
    waltz = dict(lists.ticked("waltz", plan, kit))
    assert not waltz["in three"] and not waltz["the bass on one"] and not waltz["no machines"]


def test_no_list_holds_for_silence() -> None:
    for genre, entry in lists.checklists().items():
        plan = replace(PLAN, instrumentation=tuple((role, "violin") for role in ROLE_STREAMS))
        met = [yes for _, yes in lists.ticked(genre, plan, Grid.empty(4))]
        assert sum(met) < 0.7 * len(entry.points), genre
