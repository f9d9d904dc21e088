"""Wishes with a place or a time: what the words come to, and which stay not understood."""

from __future__ import annotations

import pytest

from noisician.prompt import Controls, explain_rows, understand
from noisician.request import Request


def told(prompt: str) -> Controls:
    return understand(Request(prompt=prompt))


@pytest.mark.parametrize(
    ("prompt", "cue"),
    [
        ("house, no drums until the drop", "drums percussion from the first drop"),
        ("no drums in the first 30 seconds, then drums come in", "drums percussion from 0:30"),
        ("drums from 0:30", "drums percussion from 0:30"),
        ("the bass comes in at bar 9", "bass from bar 9"),
        ("strings enter in the second verse", "strings from number 2 of the verse"),
        ("rock, drums drop out in the bridge", "drums percussion not in the first bridge"),
        ("pop, no drums in the last chorus", "drums percussion not in the last chorus"),
        ("drums stop at 1:00", "drums percussion until 1:00"),
        ("starts with only piano, then the band", "grand_piano alone in the first section"),
        ("starts quiet with a lone piano, builds", "grand_piano alone in the first section"),
        ("quiet piano start, rock", "grand_piano alone in the first section"),
        ("folk with a guitar intro", "guitar alone in the first intro"),
        ("ends with just a flute", "flute alone in the last section"),
        ("just bass in the break", "bass alone in the first break"),
    ],
)
def test_entrances(prompt: str, cue: str) -> None:
    controls = told(prompt)
    assert [str(one) for one in controls.cues] == [cue]
    assert controls.not_understood == () and controls.excluded == () and not controls.closed
    assert controls.duration_s is None and controls.bars is None
    assert ("cues", cue) in {(row.field, row.value) for row in explain_rows(controls)}


@pytest.mark.parametrize(
    ("prompt", "feature"),
    [
        ("fade out over 8 bars", "fade out 8 bars"),
        ("rock that ends with a slow fade", "fade out 4 bars"),
        ("pop, fades out at the end", "fade out 4 bars"),
        ("fade in, techno", "fade in 3 s"),
        ("sudden end", "cut"),
        ("punk that stops dead", "cut"),
        ("key change for the last chorus", "key change 2 semitones (chorus)"),
        ("modulates up a half step", "key change 1 semitones (chorus)"),
        ("last chorus up a whole tone", "key change 2 semitones (chorus)"),
        ("half-time drop", "half time (drop)"),
        ("trap with a chorus in half time", "half time (chorus)"),
        ("half-time feel", "half time"),
        ("build, with a beat of silence before the drop", "silence 1 beats (drop)"),
        ("a bar of silence before the chorus", "silence 4 beats (chorus)"),
        ("call and response", "call and response"),
        ("goes from quiet to loud", "rising"),
        ("gets quieter and quieter", "falling"),
        ("blues with stop time", "stop time"),
        ("punk with a double-time chorus", "double time (the first chorus)"),
        ("the last chorus is double time", "double time (the last chorus)"),
        ("film score over a pedal point in the bass", "pedal"),
        ("ambient with a pedal tone in the intro", "pedal (intro)"),
    ],
)
def test_features(prompt: str, feature: str) -> None:
    controls = told(prompt)
    assert [str(one) for one in controls.features] == [feature]
    assert controls.not_understood == ()
    assert ("features", feature) in {(row.field, row.value) for row in explain_rows(controls)}


@pytest.mark.parametrize(
    ("prompt", "hint"),
    [
        ("intro of 8 bars, then rock", "intro of 8 bars"),
        ("16-bar build, techno", "build of 16 bars"),
        ("big drop after 30 seconds", "drop at 30 s"),
        ("jazz with a solo for the trumpet in the middle", "solo for trumpet"),
        ("rock with a guitar solo", "solo for overdriven_guitar"),
    ],
)
def test_hints_about_sections(prompt: str, hint: str) -> None:
    controls = told(prompt)
    assert hint in [str(one) for one in controls.sections]
    assert (controls.bars, controls.duration_s, controls.not_understood) == (None, None, ())


@pytest.mark.parametrize(
    ("prompt", "lost"),
    [
        ("techno with tempo changes", "tempo changes"),
        ("techno, less drums", "less drums"),
        ("in the style of Daft Punk", "Daft Punk"),
        ("Queen style stadium rock", "Queen"),
    ],
)
def test_what_nobody_can_do_is_said(prompt: str, lost: str) -> None:
    assert lost in told(prompt).not_understood


@pytest.mark.parametrize(
    ("prompt", "kind", "words"),
    [
        ("waltz with a ritardando at the end", "ritard", "ritardando at the end"),
        ("rock that slows down at the end", "ritard", "slows down at the end"),
        ("ambient that slows down", "slowing", "slows down"),
        ("gets faster, folk", "quickening", "gets faster"),
        ("choir with a fermata", "fermata", "fermata"),
    ],
)
def test_wishes_about_the_tempo(prompt: str, kind: str, words: str) -> None:
    controls = told(prompt)
    assert [feature.kind for feature in controls.features] == [kind]
    assert words in [reason.words for reason in controls.reasons if reason.field == "features"]


def test_a_wish_that_is_not_wanted_is_none() -> None:
    assert told("pop with no fade out").features == ()
    assert told("rock without a key change").features == ()


def test_figures_beside_wishes_keep_their_meaning() -> None:
    controls = told("2 minutes of house at 124 bpm, drums from 0:30")
    assert (controls.duration_s, controls.tempo_bpm) == (120, 124)


@pytest.mark.parametrize(
    "prompt", ["jazz without vocals until dawn", "the day after the drop in prices", "no one until the end"]
)
def test_wishes_about_nobody_are_none(prompt: str) -> None:
    assert [cue for cue in told(prompt).cues if "drums" in cue.who] == []


def test_another_tempo_for_one_section_is_told_to_be_unplayed() -> None:
    controls = told("pop rock, the bridge is slower")
    (reason,) = [reason for reason in controls.reasons if reason.source == "unplayed"]
    assert reason.value == "slowing (the first bridge)"


def test_somebody_alone_in_a_section() -> None:
    (cue,) = told("r&b, piano alone in the intro").cues
    assert str(cue) == "grand_piano alone in the first intro"


def test_what_is_built_up_to_is_wanted() -> None:
    assert {hint.kind for hint in told("techno that builds up to a drop").sections} == {"build", "drop"}
    assert told("lofi beat of 13 bars").bars == 13
    assert [str(hint) for hint in told("hip hop with an intro of 4 bars").sections] == ["intro of 4 bars"]
    assert [str(one) for one in told("metal, ends with a big hit").features] == ["loud (the last section)"]
