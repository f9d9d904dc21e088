"""The checks of special wishes, on pieces of a few notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from noisician.evaluate.suites import wishes as suite
from noisician.evaluate.wishes import CHECKS, wishes
from noisician.piece import Piece, piece_of_score
from noisician.piece.create import Setting
from noisician.renderer import RenderSettings
from noisician.score import Note, Score, Section, Track
from noisician.score.model import Chord
from noisician.score.tempo import TempoChange

BAR = 4
Part = tuple[str, str, Sequence[tuple[float, int]]]


def piece(*parts: Part, kinds: str = "verse:4 chorus:4", changes: Sequence[tuple[float, float]] = ()) -> Piece:
    """A piece of parts (role, instrument, (beat, pitch) …) at 120, two seconds a bar."""
    sections, start = [], 0
    for text in kinds.split():
        kind, bars = text.split(":")
        sections.append(Section(kind, kind[0].upper(), start, int(bars), 0.5))
        start += int(bars)
    tracks = tuple(
        Track(role, id_, tuple(Note(pitch, beat, 0.5, 100) for beat, pitch in notes)) for role, id_, notes in parts
    )
    tempo = tuple(TempoChange(beat, bpm) for beat, bpm in changes)
    chords = tuple(Chord(4.0 * bar, 4.0, 0 if bar % 2 == 0 else 7, "maj") for bar in range(start))
    score = Score(120.0, "C", "major", "4/4", start, tuple(sections), tracks, chords, tempo)
    return piece_of_score(score, Setting(start * 2.0, {}, {}), 0, RenderSettings())


def beats(first_bar: int, last_bar: int, pitch: int = 60, step: float = 1.0) -> list[tuple[float, int]]:
    return [(first_bar * BAR + place * step, pitch) for place in range(round((last_bar - first_bar) * BAR / step))]


CHORDS: Part = ("chords", "grand_piano", beats(0, 8))
KIT = beats(0, 8, 36, 2.0)
TUNE: Part = ("lead", "flute", beats(0, 8))
CASES: list[tuple[str, dict[str, Any], Piece, Piece]] = [
    ("enters", {"role": "drums", "at_s": 8}, piece(CHORDS, ("drums", "room_kit", beats(4, 8, 36))),
     piece(CHORDS, ("drums", "room_kit", KIT))),
    ("silent_until", {"role": "drums", "section": "chorus"}, piece(CHORDS, ("drums", "room_kit", beats(4, 8, 36))),
     piece(CHORDS, ("drums", "room_kit", beats(2, 8, 36)))),
    ("alone", {"section": "verse", "instrument": "grand_piano"}, piece(CHORDS, ("bass", "tuba", beats(4, 8, 36))),
     piece(CHORDS, ("bass", "tuba", beats(3, 8, 36)))),
    ("silent_in", {"role": "bass", "section": "verse"}, piece(CHORDS, ("bass", "tuba", beats(4, 8, 36))),
     piece(CHORDS, ("bass", "tuba", beats(3, 8, 36)))),
    ("only_in", {"section": "chorus", "family": "strings"}, piece(CHORDS, ("pad", "string_ensemble", beats(4, 8))),
     piece(CHORDS, ("pad", "string_ensemble", beats(3, 8)))),
    ("stops", {"at_s": 8}, piece(("chords", "grand_piano", [*beats(0, 4), *beats(5, 8)])), piece(CHORDS)),
    ("rises", {}, piece(("lead", "flute", [*beats(0, 4, step=2), *beats(4, 8)])), piece(CHORDS)),
    ("falls", {}, piece(("lead", "flute", [*beats(0, 4), *beats(4, 8, step=2)])), piece(CHORDS)),
    ("louder_in", {"section": "chorus", "than": "verse"},
     piece(("lead", "flute", [*beats(0, 4), *beats(4, 8, step=0.5)])), piece(CHORDS)),
    ("without", {"drum": "cymbal"}, piece(CHORDS, ("drums", "room_kit", KIT)),
     piece(CHORDS, ("drums", "room_kit", [*KIT, (0.0, 49)]))),
    ("half_time", {"section": "chorus"}, piece(("drums", "room_kit", [(4 * bar + 2.0, 38) for bar in range(8)])),
     piece(("drums", "room_kit", [(4 * bar + at, 38) for bar in range(8) for at in (1.0, 3.0)]))),
    ("double_time", {"section": "chorus"},
     piece(("drums", "room_kit", [*beats(0, 4, 38, 2.0), *beats(4, 8, 38, 1.0)])),
     piece(("drums", "room_kit", beats(0, 8, 38, 2.0)))),
    ("alternates", {},
     piece(("lead", "flute", [*beats(0, 2), *beats(4, 6)]), ("counter", "oboe", [*beats(2, 4), *beats(6, 8)])),
     piece(("lead", "flute", beats(0, 8)), ("counter", "oboe", beats(0, 8)))),
    ("pauses", {}, piece(CHORDS, changes=[(15, 45), (16, 120)]), piece(CHORDS)),
    ("slows", {}, piece(CHORDS, changes=[(28, 100), (30, 80)]), piece(CHORDS, changes=[(4, 80)])),
    ("quickens", {}, piece(CHORDS, changes=[(8, 130), (16, 150)]), piece(CHORDS)),
    ("slower_in", {"section": "chorus"}, piece(CHORDS, changes=[(16, 90)]), piece(CHORDS)),
    ("ends_at_home", {}, piece(("bass", "tuba", [(0.0, 43), (28.0, 36)]), kinds="verse:7"),
     piece(("bass", "tuba", [(28.0, 43)]), kinds="verse:7")),
    ("pedal", {}, piece(("bass", "tuba", beats(0, 8, 36))),
     piece(("bass", "tuba", [*beats(0, 8, 36), *beats(0, 8, 43)]))),
    ("last_hit", {}, piece(("drums", "room_kit", [*beats(0, 7, 36), (28.0, 36), (28.0, 49)])),
     piece(("drums", "room_kit", beats(0, 7, 36)))),
    ("stop_time", {},
     piece(("bass", "tuba", [*beats(0, 2, 36), (8.0, 36), (12.0, 36), *beats(4, 8, 36)]), TUNE),
     piece(("bass", "tuba", beats(0, 8, 36)), TUNE)),
    ("solo", {"family": "pipes"}, piece(CHORDS, ("lead", "flute", beats(4, 8)), kinds="verse:4 solo:4"),
     piece(CHORDS, ("lead", "flute", beats(0, 4)), kinds="verse:4 solo:4")),
    ("form", {"kinds": ["verse", "chorus"]}, piece(CHORDS), piece(CHORDS, kinds="chorus:4 verse:4")),
    ("section_bars", {"section": "verse", "bars": 4}, piece(CHORDS), piece(CHORDS, kinds="verse:3 chorus:5")),
    ("builds", {"into": "drop"},
     piece(("lead", "flute", [*beats(0, 2), *beats(2, 4, step=0.5), *beats(4, 8, step=0.25)]), kinds="verse:4 drop:4"),
     piece(CHORDS, kinds="verse:4 drop:4")),
    ("silent_before", {"section": "chorus", "beats": 1}, piece(("lead", "flute", [*beats(0, 4)[:-1], *beats(4, 8)])),
     piece(CHORDS)),
    ("alone_at", {"at_s": 8, "role": "drums"},
     piece(("chords", "grand_piano", [*beats(0, 4), *beats(6, 8)]), ("drums", "room_kit", KIT)),
     piece(CHORDS, ("drums", "room_kit", KIT))),
    ("alone_at_the_end", {"seconds": 6, "instrument": "grand_piano"}, piece(CHORDS, ("bass", "tuba", beats(0, 5, 36))),
     piece(CHORDS, ("bass", "tuba", beats(0, 8, 36)))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "arguments", "met", "missed"), CASES, ids=[case[0] for case in CASES])
def test_a_check_knows_what_was_asked_for(check: str, arguments: dict[str, Any], met: Piece, missed: Piece) -> None:
    assert CHECKS[check](met, **arguments)
    assert not CHECKS[check](missed, **arguments)


def test_there_are_forty_wishes_and_each_has_a_check() -> None:
    every = wishes()
    assert len(every) == len({wish.prompt for wish in every}) == 40


def test_what_is_neither_done_nor_told_is_counted() -> None:
    def row(wish: str, seed: int, done: bool, told: bool) -> dict[str, Any]:
        return {"wish": wish, "check": "cut", "seed": seed, "done": done, "told": told}

    done, silent = suite.figures(
        [row("a", 0, True, False), row("a", 1, True, False), row("b", 0, True, True), row("b", 1, False, True),
         row("c", 0, False, False), row("c", 1, False, False)]
    )  # fmt: skip
    assert (done.value, silent.value) == (1, 1)
    assert "b; c" in done.how and "c" in silent.how
    assert suite.figures([])[0].value is None
