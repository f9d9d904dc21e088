"""MIDI files: our own restore the score, foreign ones are understood, damaged ones refused in one line."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer.conditions import GRID_ROLES, step_conditions
from noisician.errors import FileError, RequestError
from noisician.request import TONICS
from noisician.score import Chord, Note, Score, Section, Track
from noisician.score.midi import general_midi_program, read_midi, ticks_per_beat, write_midi
from noisician.score.model import METERS, SECTION_KINDS
from noisician.styles import instruments

SYLLABLES = st.one_of(st.none(), st.sampled_from(["la", "schön", "夜", "-"]))


@st.composite
def _scores(draw: st.DrawFn) -> Score:
    signature = draw(st.sampled_from(sorted(METERS)))
    meter = METERS[signature]
    beat = ticks_per_beat(meter)
    bars = draw(st.integers(1, 4))
    end = bars * meter.beats_per_bar * beat
    tracks = []
    for role in draw(st.lists(st.sampled_from(["lead", "bass", "chords", "drums", "texture"]), unique=True)):
        notes = []
        for pitch in draw(st.lists(st.integers(0, 127), unique=True, max_size=6)):
            start = draw(st.integers(0, end - 2))
            length = draw(st.integers(1, end - start))
            velocity = draw(st.integers(1, 127))
            notes.append(Note(pitch, start / beat, length / beat, velocity, draw(SYLLABLES)))
        instrument = draw(st.sampled_from(sorted(instruments())))
        notes.sort(key=lambda note: (note.start_beats, note.pitch))
        tags = draw(st.sampled_from([(), ("bright", "lofi")]))
        tracks.append(Track(role, instrument, tuple(notes), tags))
    return Score(
        tempo_bpm=draw(st.floats(40, 240)),
        key=draw(st.sampled_from(TONICS)),
        mode=draw(st.sampled_from(["major", "minor", "dorian"])),
        time_signature=signature,
        bars=bars,
        sections=(Section("verse", "A", 0, bars, 0.4),),
        tracks=tuple(tracks),
        chords=(Chord(0.0, 1.5, 7, "m7b5"),),
    )


def _bytes(score: Score) -> BytesIO:
    file = BytesIO()
    write_midi(score, file)
    file.seek(0)
    return file


@settings(max_examples=60, deadline=None)
@given(_scores())
def test_our_own_files_restore_the_score(score: Score) -> None:
    assert read_midi(_bytes(score)) == score


def test_a_file_says_what_other_programs_need() -> None:
    tracks = (
        Track("lead", "flute", (Note(72, 0.0, 1.0, 90, "la"),)),
        Track("chords", "supersaw", (Note(60, 0.5, 0.5, 80),)),
        Track("drums", "jazz_kit", (Note(38, 1.0, 0.25, 100),)),
    )
    sections = (Section("verse", "A", 0, 1, 0.4), Section("chorus", "B", 1, 1, 0.8))
    score = Score(90.0, "Ab", "minor", "6/8", 2, sections, tracks)
    midi = mido.MidiFile(file=_bytes(score), charset="utf-8")
    assert (midi.type, midi.ticks_per_beat, len(midi.tracks)) == (1, 480, 4)
    head = {message.type: message for message in midi.tracks[0]}
    assert head["set_tempo"].tempo == mido.bpm2tempo(135)  # a dotted quarter at 90
    assert (head["time_signature"].numerator, head["time_signature"].denominator) == (6, 8)
    assert head["key_signature"].key == "G#m"
    time, markers = 0, []
    for message in midi.tracks[0]:
        time += message.time
        if message.type == "marker":
            markers.append((time, message.text))
    assert markers == [(0, "verse A"), (1440, "chorus B")]
    programs = [m.program for track in midi.tracks for m in track if m.type == "program_change"]
    channels = [m.channel for track in midi.tracks for m in track if m.type == "note_on"]
    assert programs == [73, 81, 32]
    assert channels == [0, 1, 9]
    assert [m.text for track in midi.tracks for m in track if m.type == "lyrics"] == ["la"]
    assert [track.name for track in midi.tracks[1:]] == ["lead: flute", "chords: supersaw", "drums: jazz kit"]
    assert midi.length == pytest.approx(4 * 60 / 90, abs=1e-3)


def test_every_instrument_has_a_general_midi_program() -> None:
    assert all(0 <= general_midi_program(instrument) <= 127 for instrument in instruments().values())


def _foreign(tracks: list[tuple[str, int, int, list[tuple[int, int, int]]]], *head: mido.MetaMessage) -> BytesIO:
    """A file by somebody else: (name, channel, program, [(pitch, start tick, end tick)]) at 96 ticks a quarter."""
    midi = mido.MidiFile(type=1, ticks_per_beat=96)
    midi.tracks.append(mido.MidiTrack(head))
    for name, channel, program, notes in tracks:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.Message("program_change", channel=channel, program=program))
        events = [(start, 1, pitch) for pitch, start, _ in notes] + [(end, 0, pitch) for pitch, _, end in notes]
        now = 0
        for tick, on, pitch in sorted(events):
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80 * on, time=tick - now))
            now = tick
        midi.tracks.append(track)
    file = BytesIO()
    midi.save(file=file)
    file.seek(0)
    return file


def test_a_foreign_band_gets_its_roles() -> None:
    beats = range(16)
    band = [
        ("Track 1", 0, 33, [(36 + 7 * (b % 2), 96 * b, 96 * b + 90) for b in beats]),
        ("Track 2", 1, 0, [(p, 192 * b, 192 * b + 90) for b in range(8) for p in (60, 64, 67)]),
        ("Track 3", 2, 73, [(72 + b % 5, 96 * b, 96 * b + 96) for b in beats]),
        ("Track 4", 3, 48, [(p, 0, 96 * 16) for p in (55, 60, 64)]),
        ("Kit", 9, 0, [(36, 96 * b, 96 * b + 10) for b in beats]),
    ]
    head = [
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(100)),
        mido.MetaMessage("marker", text="Chorus"),
    ]
    score = read_midi(_foreign(band, *head))
    assert [(track.role, track.instrument) for track in score.tracks] == [
        ("bass", "electric_bass"),
        ("chords", "grand_piano"),
        ("lead", "flute"),
        ("pad", "string_ensemble"),
        ("drums", "standard_kit"),
    ]
    assert (score.tempo_bpm, score.key, score.mode, score.time_signature, score.bars) == (100, "C", "major", "4/4", 4)
    assert score.sections == (Section("chorus", "A", 0, 4, 0.5),)
    assert score.tracks[0].notes[1] == Note(43, 1.0, 90 / 96, 80)


def test_compound_time_counts_dotted_quarters() -> None:
    head = (
        mido.MetaMessage("time_signature", numerator=12, denominator=8),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(150)),
        mido.MetaMessage("key_signature", key="Dm"),
    )
    score = read_midi(_foreign([("tune", 0, 40, [(62, 0, 144), (65, 144, 288)])], *head))
    assert (score.time_signature, score.tempo_bpm, score.key, score.mode) == ("12/8", 100, "D", "minor")
    assert [note.start_beats for note in score.tracks[0].notes] == [0, 1]


def test_a_track_added_elsewhere_joins_our_score() -> None:
    score = Score(100.0, "C", "major", "4/4", 1, tracks=(Track("lead", "flute", (Note(72, 0.0, 1.0, 90),)),))
    midi = mido.MidiFile(file=_bytes(score))
    extra = mido.MidiTrack([mido.Message("program_change", channel=4, program=32)])
    extra += [
        mido.Message("note_on", channel=4, note=36, time=1920),
        mido.Message("note_off", channel=4, note=36, time=9),
    ]
    midi.tracks.append(extra)
    file = BytesIO()
    midi.save(file=file)
    file.seek(0)
    restored = read_midi(file)
    assert [(track.role, track.instrument) for track in restored.tracks] == [
        ("lead", "flute"),
        ("bass", "upright_bass"),
    ]
    assert restored.bars == 2


def test_nothing_is_overwritten_unasked_and_nothing_left_behind(tmp_path: Path) -> None:
    score = Score(100.0, "C", "major", "4/4", 1, tracks=(Track("lead", "flute", (Note(72, 0.0, 1.0, 90),)),))
    path = tmp_path / "song.mid"
    write_midi(score, path)
    with pytest.raises(FileError, match="exists"):
        write_midi(score, path)
    write_midi(score, path, overwrite=True)
    assert read_midi(path) == score
    with pytest.raises(FileError, match="cannot write"):
        write_midi(score, tmp_path / "nowhere" / "song.mid")
    assert [entry.name for entry in tmp_path.iterdir()] == ["song.mid"]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a midi file at all", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\xff\x00\x90"],
)
def test_damaged_files_are_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(FileError) as caught:
        read_midi(BytesIO(content))
    assert "\n" not in str(caught.value)


def test_impossible_claims_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no notes"):
        read_midi(_foreign([]))
    with pytest.raises(FileError, match="limit is 4000 bars"):
        read_midi(_foreign([("x", 0, 0, [(60, 0, 96 * 4 * 5000)])]))
    with pytest.raises(FileError, match="cannot read"):
        read_midi(tmp_path / "missing.mid")


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("Breakdown", "break"),
        ("Pre-Chorus 2", "pre_chorus"),
        ("CHORUS", "chorus"),
        ("build up", "build"),
        ("A", "verse"),
    ],
)
def test_a_foreign_marker_is_a_section_the_composer_knows(marker: str, kind: str) -> None:
    score = read_midi(_foreign([("Flute", 0, 73, [(72, 0, 96)])], mido.MetaMessage("marker", text=marker)))
    assert [section.kind for section in score.sections] == [kind]
    steps = step_conditions(score.sections, np.ones((score.bars, len(GRID_ROLES)), bool), "4/4", score.bars)
    assert set(steps.kind.tolist()) == {1 + SECTION_KINDS.index(kind)}


# --- other programs -------------------------------------------------------------------------------------------


def _places_of(score: Score) -> list[tuple[int, int, int]]:
    """(port, channel, program) of each track of the file."""
    found = []
    for track in mido.MidiFile(file=_bytes(score)).tracks[1:]:
        port = next((message.port for message in track if message.type == "midi_port"), 0)
        change = next(message for message in track if message.type == "program_change")
        found.append((port, change.channel, change.program))
    return found


def _of(*players: tuple[str, str]) -> Score:
    tracks = tuple(Track(role, name, (Note(60, 0.0, 1.0, 80),)) for role, name in players)
    return Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.4),), tracks)


def test_as_long_as_there_are_channels_everybody_has_one() -> None:
    places = _places_of(_of(*[("lead", "flute")] * 15, ("drums", "jazz_kit")))
    assert len({place[:2] for place in places}) == 16 and {port for port, *_ in places} == {0}


def test_nineteen_players_share_channels_only_where_they_play_one_program() -> None:
    names = [name for name, one in instruments().items() if one.family not in ("drums", "texture")]
    players = [("lead", name) for name in (names * 2)[:19]]
    for score in (
        _of(*players),
        _of(*[("lead", name) for name in names[:60]], ("drums", "jazz_kit"), ("drums", "trap_kit")),
    ):
        programs: dict[tuple[int, int], set[int]] = {}
        for port, channel, program in _places_of(score):
            programs.setdefault((port, channel), set()).add(program)
        assert all(len(each) == 1 for each in programs.values())
        assert all((channel == 9) == (place in {(0, 9), (1, 9)}) for place in programs for channel in place[1:])
        assert read_midi(_bytes(score)) == score


@pytest.mark.parametrize(("text", "charset"), [("été\r", "latin-1"), ("walk ", "latin-1"), ("夢 ", "utf-8")])
def test_words_are_read_by_programs_that_expect_latin_1_where_it_has_them(text: str, charset: str) -> None:
    score = _of(("lead", "flute"))
    track = Track("vocals", "voice", (Note(60, 0.0, 1.0, 80, text),))
    sung = Score(120.0, "C", "major", "4/4", 1, score.sections, (track,))
    midi = mido.MidiFile(file=_bytes(sung), charset=charset)
    assert [message.text for part in midi.tracks for message in part if message.type == "lyrics"] == [text]
    if charset == "latin-1":
        assert mido.MidiFile(file=_bytes(sung)).charset == "latin1"
    assert read_midi(_bytes(sung)) == sung


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note(300, 0.0, 1.0, 80), "lead has a note of pitch 300 .* pitches 0 to 127"),
        (Note(60, 0.0, 1.0, 0), "velocity 0; MIDI has"),
        (Note(60.5, 0.0, 1.0, 80), "60.5"),  # pyright: ignore[reportArgumentType]
        (Note(60, -1.0, 1.0, 80), "at beat -1"),
        (Note(60, 0.0, float("nan"), 80), "for nan beats"),
    ],
)
def test_notes_that_midi_cannot_hold_are_one_line(note: Note, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        _bytes(Score(120.0, "C", "major", "4/4", 1, tracks=(Track("lead", "flute", (note,)),)))


def test_scores_that_midi_cannot_hold_are_one_line() -> None:
    good = Score(120.0, "C", "major", "4/4", 1)
    for score in (
        replace(good, tempo_bpm=0.0),
        replace(good, tempo_bpm=float("inf")),
        replace(good, key="H"),
        replace(good, mode="blue"),
        replace(good, time_signature="13/8"),
    ):
        with pytest.raises(RequestError, match="a score "):
            _bytes(score)
