"""What came back from another program is told apart from what went out: exactly, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.edits import ChangedNote, NewNote, SetNotes, set_notes
from noisician.errors import RequestError
from noisician.score import Chord, Note, Score, Section, Track
from noisician.score.changes import NoteChanges, note_changes
from noisician.score.midi import midi_ticks_per_quarter, read_midi, ticks_per_beat, write_midi
from noisician.score.model import METERS

TUNE = tuple(Note(60 + place, 0.5 * place + 0.01, 0.45, 80, id=place + 1) for place in range(8))
LOW = tuple(Note(36 + place % 3, float(place), 0.9, 90, id=place + 1) for place in range(4))


def piece(lead: tuple[Note, ...] = TUNE, bass: tuple[Note, ...] = LOW, signature: str = "4/4") -> Score:
    return Score(
        tempo_bpm=100,
        key="C",
        mode="major",
        time_signature=signature,
        bars=4,
        sections=(Section("verse", "A", 0, 4, 0.5),),
        tracks=(Track("lead", "flute", lead, player="lead"), Track("bass", "electric_bass", bass, player="bass")),
        chords=(Chord(0.0, 4.0, 0, "maj"),),
    )


def midi_of(score: Score) -> mido.MidiFile:
    file = BytesIO()
    write_midi(score, file)
    file.seek(0)
    return mido.MidiFile(file=file, charset="utf-8")


def bytes_of(midi: mido.MidiFile) -> BytesIO:
    file = BytesIO()
    midi.save(file=file)
    file.seek(0)
    return file


def changes_in(score: Score, midi: mido.MidiFile) -> tuple[NoteChanges, ...]:
    ticks = midi_ticks_per_quarter(bytes_of(midi))
    return note_changes(score, read_midi(bytes_of(midi)), ticks)


def by_another_program(midi: mido.MidiFile, ticks_per_quarter: int = 480) -> mido.MidiFile:
    """The same notes as other programs write them: own words gone, tracks reordered and renamed, other ticks."""
    other = mido.MidiFile(type=1, ticks_per_beat=ticks_per_quarter, charset="utf-8")
    for number, track in enumerate([midi.tracks[0], *reversed(midi.tracks[1:])]):
        now, copied = 0, mido.MidiTrack([mido.MetaMessage("track_name", name=f"Track {number}")])
        before = 0
        for message in track:
            now += message.time
            tick = round(now * ticks_per_quarter / 480)
            if message.type in ("note_on", "note_off", "set_tempo", "time_signature"):
                copied.append(message.copy(time=tick - before))
                before = tick
        other.tracks.append(copied)
    return other


def test_an_untouched_file_has_no_changes() -> None:
    score = piece()
    assert changes_in(score, midi_of(score)) == ()


@pytest.mark.parametrize("ticks", [96, 120, 480, 960])
def test_neither_names_nor_order_nor_ticks_are_changes(ticks: int) -> None:
    score = piece()
    assert changes_in(score, by_another_program(midi_of(score), ticks)) == ()


def test_each_kind_of_change_is_told_as_what_it_is() -> None:
    lead = list(TUNE)
    lead[1] = replace(lead[1], pitch=75)
    lead[2] = replace(lead[2], velocity=101)
    lead[3] = replace(lead[3], start_beats=7.0)
    lead[4] = replace(lead[4], duration_beats=1.0)
    del lead[6]
    lead.append(Note(90, 8.0, 1.0, 55))
    (changes,) = changes_in(piece(), midi_of(piece(tuple(lead))))
    assert changes.player == "lead"
    assert changes.deleted == (7,)
    assert [(note.pitch, note.start_beats, note.duration_beats, note.velocity) for note in changes.added] == [
        (90, 8.0, 1.0, 55)
    ]
    told = {
        before.id: {
            name: getattr(after, name)
            for name in ("pitch", "start_beats", "duration_beats", "velocity")
            if getattr(after, name) != getattr(before, name)
        }
        for before, after in changes.changed
    }
    assert set(told) == {2, 3, 4, 5}
    assert told[2] == {"pitch": 75} and told[3] == {"velocity": 101}
    assert told[4] == {"start_beats": 7.0}
    assert told[5] == {"duration_beats": pytest.approx(1.0, abs=1 / 480)}


def test_a_track_that_is_not_in_the_file_stays() -> None:
    midi = midi_of(piece(TUNE[:7]))
    del midi.tracks[2]
    (changes,) = changes_in(piece(), midi)
    assert (changes.player, changes.deleted) == ("lead", (8,))


def test_a_file_of_another_piece_is_refused() -> None:
    other = replace(piece(tuple(replace(note, pitch=note.pitch + 7) for note in TUNE), ()), chords=())
    with pytest.raises(RequestError, match=r"0 of its 8 notes in common .* of another piece"):
        changes_in(piece(), midi_of(other))


def test_somebody_new_is_refused() -> None:
    new = Track("pad", "analog_pad", (Note(70, 0.0, 4.0, 60),))
    with pytest.raises(RequestError, match="no player of this piece; add the player first"):
        changes_in(piece(), midi_of(replace(piece(), tracks=(*piece().tracks, new))))


def test_what_is_sung_is_refused() -> None:
    sung = replace(piece(), tracks=(Track("vocals", "voice", TUNE), *piece().tracks))
    assert changes_in(sung, midi_of(sung)) == ()
    edited = replace(sung, tracks=(Track("vocals", "voice", TUNE[:5]), *piece().tracks))
    with pytest.raises(RequestError, match="notes of vocals are sung"):
        changes_in(sung, midi_of(edited))


@st.composite
def _parts(draw: st.DrawFn, signature: str) -> tuple[Note, ...]:
    """Notes on ticks, no two of one pitch overlapping: a MIDI channel cannot tell such notes apart."""
    beat, notes = ticks_per_beat(METERS[signature]), []
    for pitch in draw(st.lists(st.integers(20, 110), unique=True, max_size=6)):
        now = 0
        for _ in range(draw(st.integers(1, 3))):
            start, length = now + draw(st.integers(0, 1500)), draw(st.integers(1, 900))
            notes.append((pitch, start / beat, length / beat, draw(st.integers(1, 127))))
            now = start + length
    ordered = sorted(notes, key=lambda note: (note[1], note[0]))
    return tuple(Note(*note, id=place + 1) for place, note in enumerate(ordered))


def applied(notes: tuple[Note, ...], changes: NoteChanges) -> list[tuple[int, float, float, int]]:
    after = {before.id: now for before, now in changes.changed}
    kept = [after.get(note.id, note) for note in notes if note.id not in changes.deleted]
    return sounding([*kept, *changes.added])


def sounding(notes: list[Note] | tuple[Note, ...]) -> list[tuple[int, float, float, int]]:
    return sorted((n.pitch, n.start_beats, pytest.approx(n.duration_beats), n.velocity) for n in notes)  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(METERS)))
def test_random_changes_come_back_exactly(data: st.DataObject, signature: str) -> None:
    lead, bass, other = (data.draw(_parts(signature)) for _ in range(3))
    kept = data.draw(st.sets(st.sampled_from(lead))) if lead else set()
    edited = tuple(note for note in lead if note in kept) + tuple(
        note for note in other if all(note.pitch != one.pitch for one in kept)
    )
    score = piece(lead, bass, signature)
    found = changes_in(score, midi_of(piece(edited, bass, signature)))
    assert [changes.player for changes in found] in ([], ["lead"])
    changes = found[0] if found else NoteChanges("lead")
    assert applied(lead, changes) == sounding(edited)
    touched = {before.id for before, _ in changes.changed} | set(changes.deleted)
    assert not touched & {note.id for note in kept}


def test_a_change_is_an_edit_of_just_the_fields_that_differ() -> None:
    was, new = TUNE[0], Note(70, 4.0, 1.0, 60)
    edit = set_notes(NoteChanges("lead", (new,), ((was, replace(was, velocity=99)),), (5,)))
    assert edit == SetNotes(
        player="lead",
        add=(NewNote(pitch=70, start_beats=4, duration_beats=1, velocity=60),),
        change=(ChangedNote(id=1, velocity=99),),
        delete=(5,),
    )
