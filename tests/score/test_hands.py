"""Parts that are one player's hands."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import mido

from noisician.score import Note, Score, Track
from noisician.score.changes import note_changes
from noisician.score.hands import by_performer, one_track, struck
from noisician.score.midi import read_midi, write_midi

RIGHT = Track("lead", "grand_piano", tuple(Note(72 + place, float(place), 1.0, 90, id=place + 1) for place in range(8)),
              player="lead", performer="grand_piano")  # fmt: skip
LEFT = Track("bass", "grand_piano", tuple(Note(40, 2.0 * place, 2.0, 70, id=place + 1) for place in range(4)),
             player="bass", performer="grand_piano")  # fmt: skip
FLUTE = Track("counter", "flute", (Note(80, 0.0, 4.0, 80, id=1),), player="counter")
SCORE = Score(120.0, "C", "major", "4/4", 2, tracks=(RIGHT, FLUTE, LEFT))


def file_of(score: Score) -> BytesIO:
    file = BytesIO()
    write_midi(score, file)
    file.seek(0)
    return file


def test_hands_go_together_in_the_order_of_the_first() -> None:
    assert by_performer(SCORE.tracks) == [(RIGHT, LEFT), (FLUTE,)]
    assert one_track((FLUTE,)) is FLUTE
    both = one_track((RIGHT, LEFT))
    assert (both.player, both.role, len(both.notes)) == ("grand_piano", "lead", 12)


def test_a_key_that_two_hands_strike_sounds_once() -> None:
    soft, loud = Note(60, 0.0, 1.0, 50), Note(60, 0.02, 2.0, 90)
    ((hand, note),) = struck([[soft], [loud]])
    assert (hand, note.velocity, note.end_beats) == (0, 90, 2.02)
    held, again = Note(60, 0.0, 4.0, 80), Note(60, 2.0, 1.0, 80)
    assert struck([[held], [again]]) == [(0, replace(held, duration_beats=2.0)), (1, again)]


def test_a_midi_file_has_a_track_for_both_hands() -> None:
    midi = mido.MidiFile(file=file_of(SCORE))
    assert [track.name for track in midi.tracks[1:]] == ["grand piano", "counter: flute"]
    assert [sum(event.type == "note_on" for event in track) for track in midi.tracks[1:]] == [12, 1]


def test_changes_of_a_file_go_to_the_hand_that_plays_there() -> None:
    read = read_midi(file_of(SCORE))
    assert note_changes(SCORE, read) == ()
    piano, flute = read.tracks
    notes = [note for note in piano.notes if not (note.pitch == 40 and note.start_beats == 2.0)]
    notes = [replace(note, velocity=40) if note.pitch == 75 else note for note in notes]
    edited = replace(piano, notes=(*notes, Note(43, 3.0, 0.5, 70), Note(79, 7.5, 0.5, 70)))
    right, left = note_changes(SCORE, replace(read, tracks=(edited, flute)))
    assert (right.player, [note.pitch for note in right.added], right.deleted) == ("lead", [79], ())
    assert [(was.id, was.pitch, now.velocity) for was, now in right.changed] == [(4, 75, 40)]
    assert (left.player, [note.pitch for note in left.added], left.deleted) == ("bass", [43], (2,))
