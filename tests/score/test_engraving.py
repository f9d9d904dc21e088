"""Scores on staves, and the notations they are written in, read back."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.score.abc import abc_score
from noisician.score.chart import harte_label, read_chart
from noisician.score.chordpro import sung_notes, write_chordpro
from noisician.score.engraving import TICKS, VALUES, Sheet, engrave
from noisician.score.model import VOICE, Chord, MeterChange, Note, Score, Section, Track
from noisician.score.notation import read_musicxml
from noisician.score.qualities import name_of, tones_of_mask
from noisician.score.spelling import fifths_of, spelled, spelled_root
from noisician.score.tempo import TempoChange
from noisician.score.write_abc import write_abc
from noisician.score.write_musicxml import write_musicxml

STRAIGHT = (0.0, 2)


def score_of(*tracks: Track, bars: int = 2, meter: str = "4/4", **more: object) -> Score:
    return replace(Score(120.0, "C", "major", meter, bars, tracks=tracks), **more)  # type: ignore[arg-type]


def tune(*notes: tuple[int, float, float], role: str = "lead", instrument: str = "flute") -> Track:
    return Track(role, instrument, tuple(Note(pitch, start, length, 90) for pitch, start, length in notes))


def shown(sheet: Sheet) -> list[list[tuple[int, tuple[int, ...], int, bool]]]:
    """By bar: (ticks, pitches, shown ticks, whether tied on) of the first voice of the first part."""
    return [
        [(event.ticks, event.pitches, event.shown_ticks, bool(event.tied_to)) for event in voices[0]]
        for voices in sheet.parts[0].bars
    ]


def test_values_rests_and_ties() -> None:
    sheet = engrave(score_of(tune((60, 0.5, 1.0), (62, 3.0, 2.0))), swing=STRAIGHT)
    assert shown(sheet) == [
        [(12, (), 12, False), (24, (60,), 24, False), (36, (), 36, False), (24, (62,), 24, True)],
        [(24, (62,), 24, False), (72, (), 72, False)],
    ] or shown(sheet)[1] == [(24, (62,), 24, False), (24, (), 24, False), (48, (), 48, False)]


def test_triplets_are_written_as_tuplets() -> None:
    third = 1 / 3
    sheet = engrave(
        score_of(tune((60, 0, third), (62, third, third), (64, 2 * third, third), (65, 1, 1))), swing=STRAIGHT
    )
    first = sheet.parts[0].bars[0][0]
    assert [(event.ticks, event.shown_ticks) for event in first[:4]] == [(8, 12), (8, 12), (8, 12), (24, 24)]
    brackets = [event.tuplet and (event.tuplet.actual, event.tuplet.normal, event.tuplet.starts, event.tuplet.ends)
                for event in first[:4]]  # fmt: skip
    assert brackets == [(3, 2, True, False), (3, 2, False, False), (3, 2, False, True), None]


def test_swing_is_taken_out_and_said() -> None:
    swung = score_of(tune(*[(60 + beat, beat / 2 + (1 / 6 if beat % 2 else 0), 1 / 3) for beat in range(8)]))
    sheet = engrave(swung, swing=(1.0, 4))
    assert sheet.is_swung
    assert [event.start for event in sheet.parts[0].bars[0][0] if event.pitches] == [12 * place for place in range(8)]


@pytest.mark.parametrize(
    ("key", "mode", "fifths", "pitch", "name"),
    [
        ("C", "major", 0, 66, "F#"), ("F", "major", -1, 70, "Bb"), ("A", "minor", 0, 68, "G#"),
        ("Eb", "major", -3, 68, "Ab"), ("Ab", "minor", 5, 68, "G#"), ("D", "dorian", 0, 60, "C"),
        ("F#", "major", 6, 65, "E#"), ("E", "phrygian", 0, 70, "Bb"),
    ],
)  # fmt: skip
def test_pitches_are_spelled_in_their_key(key: str, mode: str, fifths: int, pitch: int, name: str) -> None:
    assert fifths_of(key, mode) == fifths
    assert spelled(pitch, fifths).name == name


def test_tones_of_chords_are_spelled_from_their_roots() -> None:
    assert [spelled(pitch, 0, (8, "maj")).name for pitch in (68, 72, 75)] == ["Ab", "C", "Eb"]  # not G#, D#
    assert spelled(68, 0, (4, "7")).name == "G#"
    assert spelled(66, 0, (0, "m7b5")).name == "Gb"
    assert spelled_root(1, 0).name == "Db"


def every_chord_kind() -> list[str]:
    return [name_of(frozenset(tones_of_mask(mask))) for mask in range(1, 4096, 2)]


def test_chord_symbols_of_every_kind_come_back(tmp_path: Path) -> None:
    kinds = every_chord_kind()
    chords = tuple(Chord(4.0 * bar, 4.0, bar % 12, kind, (bar + 4) % 12) for bar, kind in enumerate(kinds))
    score = score_of(tune((60, 0, 4.0 * len(kinds))), bars=len(kinds), chords=chords)
    path = tmp_path / "a.musicxml"
    path.write_bytes(write_musicxml(engrave(score, swing=STRAIGHT)))
    expected = [harte_label(one.root, one.quality, one.bass) for one in chords]
    for back in (read_musicxml(path), abc_score(write_abc(engrave(score, swing=STRAIGHT, is_cut_at_chords=True)))):
        assert [harte_label(one.root, one.quality, one.bass) for one in back.chords] == expected


SUNG = Track(
    "vocals", VOICE,
    (Note(60, 3.5, 0.5, 90, "Hel-"), Note(62, 4.0, 1.0, 90, "lo "), Note(64, 5.0, 1.0, 90),
     Note(65, 6.0, 2.0, 90, "you\r"), Note(67, 8.0, 4.0, 90, "there\r")),
)  # fmt: skip
SONG = score_of(
    SUNG, bars=4,
    sections=(Section("intro", "A", 0, 1, 0.5), Section("verse", "B", 1, 2, 0.5), Section("outro", "A", 3, 1, 0.5)),
    chords=(Chord(0, 4, 0, "maj"), Chord(4, 2, 9, "min"), Chord(6, 2, 5, "maj7"), Chord(8, 8, 7, "7", 11)),
    tempo_changes=(TempoChange(8.0, 90.0),),
)  # fmt: skip


def test_a_song_is_written_with_words_chords_sections_and_tempi(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(write_musicxml(engrave(SONG, "A song", swing=STRAIGHT)))
    root = ET.parse(path).getroot()
    assert root.findtext("work/work-title") == "A song"
    assert [one.text for one in root.iter("rehearsal")] == ["Intro A", "Verse B", "Outro A"]
    assert [(one.findtext("syllabic"), one.findtext("text")) for one in root.iter("lyric")] == [
        ("begin", "Hel"), ("end", "lo"), ("single", "you"), ("single", "there"),
    ]  # fmt: skip
    back = abc_score(write_abc(engrave(SONG, "A song", swing=STRAIGHT, is_cut_at_chords=True)))
    for read in (read_musicxml(path), back):
        assert [(one.start_beats, one.duration_beats, one.pitch) for one in read.tracks[0].notes] == [
            (one.start_beats, one.duration_beats, one.pitch) for one in SUNG.notes
        ]
        assert (read.tempo_bpm, read.tempo_changes) == (120.0, (TempoChange(8.0, 90.0),))
        assert [one.quality for one in read.chords] == ["maj", "min", "maj7", "7"]
    assert [one.syllable for one in back.tracks[0].notes] == ["Hel-", "lo ", None, "you ", "there\r"]
    assert [(one.kind, one.start_bar) for one in back.sections] == [("intro", 0), ("verse", 1), ("outro", 3)]


def test_a_song_in_chordpro() -> None:
    sheet = engrave(SONG, "A song", swing=STRAIGHT)
    text = write_chordpro(sheet, sung_notes(sheet), TICKS)
    assert "{start_of_verse: Verse}\nHel[Am]lo [Fmaj7]you\n[G7/B]there\n{end_of_verse}" in text
    assert '{start_of_grid: label="Intro"}\n| C . . . |\n{end_of_grid}' in text
    chart = read_chart(text)
    assert dict(chart.told) == {"key": "C", "tempo": "120", "time": "4/4"}
    assert [(one.kind, [symbol.text for bar in one.bars for symbol, _ in bar]) for one in chart.sections] == [
        ("intro", ["C"]), ("verse", ["Am", "Fmaj7", "G7/B"]), ("outro", ["G7/B"]),
    ]  # fmt: skip


def test_metres_are_those_that_a_file_states() -> None:
    score = score_of(tune((60, 0, 12)), bars=3, meter_changes=(MeterChange(4.0, "5/8"), MeterChange(6.5, "3/4")))
    sheet = engrave(score, swing=STRAIGHT)
    assert [(bar.start, bar.ticks, bar.numerator, bar.denominator) for bar in sheet.bars] == [
        (0, 96, 4, 4), (96, 60, 5, 8), (156, 72, 3, 4), (228, 72, 3, 4),
    ]  # fmt: skip
    check_values(sheet)


def test_a_lead_sheet_has_the_tune_alone() -> None:
    band = score_of(tune((72, 0, 4)), tune((36, 0, 4), role="bass", instrument="synth_bass"), SUNG)
    assert [part.track.role for part in engrave(band, is_lead_sheet=True).parts] == ["vocals"]
    assert [part.track.role for part in engrave(replace(band, tracks=band.tracks[:2]), is_lead_sheet=True).parts] == [
        "lead"
    ]


# --- properties -------------------------------------------------------------------------------------------------------


@st.composite
def tracks(draw: st.DrawFn, ticks: int) -> Track:
    """A part on sixteenths, some of its quarters in triplets, in any number of voices, no pitch twice at a time."""
    role, instrument = draw(st.sampled_from([("lead", "flute"), ("chords", "grand_piano"), ("bass", "synth_bass")]))
    thirds = draw(st.sets(st.integers(0, ticks // TICKS - 1), max_size=3))
    places = [tick for tick in range(ticks) if tick % (8 if tick // TICKS in thirds else 6) == 0]
    notes: list[Note] = []
    for _ in range(draw(st.integers(1, 14))):
        start = draw(st.sampled_from(places))
        later = [tick for tick in [*places, ticks] if tick > start]
        end = later[min(draw(st.integers(0, 12)), len(later) - 1)]
        pitch = draw(st.integers(40, 90))
        if all(one.pitch != pitch or one.end_beats * TICKS <= start or end <= one.start_beats * TICKS for one in notes):
            notes.append(Note(pitch, start / TICKS, (end - start) / TICKS, 90))
    # A quarter is known to be in triplets by what begins there.
    notes += [Note(30, cell + third / 3, 1 / 3, 90) for cell in thirds for third in (1,)]
    return Track(role, instrument, tuple(sorted(notes, key=lambda note: (note.start_beats, note.pitch))))


def heard(track: Track) -> list[tuple[int, int, int]]:
    return sorted((round(one.start_beats * TICKS), round(one.end_beats * TICKS), one.pitch) for one in track.notes)


def check_values(sheet: Sheet) -> None:
    """Every voice fills its bar with values that can be written, and what is tied goes on."""
    known = {ticks for ticks, *_ in VALUES}
    for part in sheet.parts:
        for bar, voices in zip(sheet.bars, part.bars, strict=True):
            for voice in voices:
                assert [event.start for event in voice] == [bar.start, *(event.end for event in voice[:-1])]
                assert voice[-1].end == bar.end
                assert all(event.shown_ticks in known or (not event.pitches and len(voice) == 1) for event in voice)
                assert all(event.tied_from <= set(event.pitches) >= event.tied_to for event in voice)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), signature=st.sampled_from(["4/4", "3/4"]), bars=st.integers(1, 3))
def test_notes_on_the_grid_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, signature: str, bars: int
) -> None:
    ticks = bars * int(signature[0]) * TICKS
    band: Sequence[Track] = data.draw(st.lists(tracks(ticks), min_size=1, max_size=2))
    score = score_of(*band, bars=bars, meter=signature)
    sheet = engrave(score, swing=STRAIGHT)
    check_values(sheet)
    path = tmp_path_factory.mktemp("out") / "a.musicxml"
    path.write_bytes(write_musicxml(sheet))
    for read in (read_musicxml(path), abc_score(write_abc(sheet))):
        assert sorted(map(heard, read.tracks)) == sorted(map(heard, band))
