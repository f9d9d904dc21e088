"""Pieces of notes that somebody brings."""

from __future__ import annotations

import os
from collections import Counter
from io import BytesIO

import mido
import numpy as np
import pytest
from fake_composer import FakeNetwork
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings
from noisician.errors import RequestError
from noisician.models.embedded.given import Making, piece_of_notes
from noisician.models.protocol import NotesInput
from noisician.piece import Piece
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Note, Score, Track
from noisician.score.grid import STREAMS
from noisician.score.harmony import chord_tones
from noisician.score.midi import read_midi
from noisician.score.played import played_notes

QUICK = ComposerSettings(steps=2, settle=True)
POP = Controls(genres=(("pop", 1.0),))


def made(score: Score, controls: Controls = POP, **request: object) -> Piece:
    composer = Composer(FakeNetwork())  # type: ignore[arg-type]
    asked = Request(notes="a.mid", **request)  # type: ignore[arg-type]
    making = Making(3, RenderSettings(), lambda: composer, QUICK, lambda share: None)
    return piece_of_notes(NotesInput(score, "", "a.mid"), asked, controls, making)


def heard(score: Score) -> Counter:
    """(start in ms, end in ms, pitch, velocity) of all notes."""
    notes = (note for track in score.tracks for note in played_notes(score, track))
    return Counter((round(1e3 * n.start_s), round(1e3 * n.end_s), n.pitch, n.velocity) for n in notes)


NOTES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(36, 84), st.integers(1, 127)),
    min_size=1, max_size=12, unique_by=lambda note: note[2],
)  # fmt: skip


@settings(deadline=None, max_examples=int(os.environ.get("NOISICIAN_TEST_EXAMPLES", "200")))
@given(
    parts=st.lists(st.tuples(st.integers(0, 127), NOTES), min_size=1, max_size=4),
    tempi=st.lists(st.tuples(st.integers(0, 40), st.integers(200_000, 1_500_000)), min_size=1, max_size=3),
    signature=st.sampled_from([(4, 4), (3, 4), (6, 8)]),
)
def test_a_file_is_played_as_it_is(
    parts: list[tuple[int, list]], tempi: list[tuple[int, int]], signature: tuple[int, int]
) -> None:
    """Against mido's own idea of when each message comes."""
    midi = mido.MidiFile(type=1, ticks_per_beat=480)
    head = [(0, mido.MetaMessage("time_signature", numerator=signature[0], denominator=signature[1]))]
    head += [(at * 120, mido.MetaMessage("set_tempo", tempo=us)) for at, us in sorted(dict(tempi).items())]
    tracks = [head]
    for channel, (program, notes) in enumerate(parts):
        events = [(0, mido.Message("program_change", channel=channel, program=program))]
        for start, length, pitch, velocity in notes:
            events.append((start * 120, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
            events.append(((start + length) * 120, mido.Message("note_off", channel=channel, note=pitch)))
        tracks.append(sorted(events, key=lambda event: event[0]))
    for events in tracks:
        track, now = mido.MidiTrack(), 0
        for tick, message in events:
            track.append(message.copy(time=tick - now))
            now = tick
        midi.tracks.append(track)
    file = BytesIO()
    midi.save(file=file)
    file.seek(0)
    piece = made(read_midi(file))
    np.testing.assert_allclose(sorted(heard(piece.score).elements()), sorted(sounding(midi).elements()), atol=1)
    assert piece.plan.time_signature == "{}/{}".format(*signature)


def sounding(midi: mido.MidiFile) -> Counter:
    now, found, open_ = 0.0, [], {}
    for message in midi:
        now += message.time
        if message.type == "note_on":
            open_[message.channel, message.note] = (now, message.velocity)
        elif message.type == "note_off":
            start, velocity = open_.pop((message.channel, message.note))
            found.append((round(1e3 * start), round(1e3 * now), message.note, velocity))
    return Counter(found)


def tune(bars: int = 8) -> Score:
    """A lead over a bass: C and A minor, a bar each."""
    lead = tuple(Note(72 + (place % 5), float(place), 1.0, 90) for place in range(4 * bars))
    bass = tuple(Note(36 if bar % 2 == 0 else 33, 4.0 * bar, 4.0, 90) for bar in range(bars))
    chords = tuple(
        Note(pitch, 4.0 * bar, 4.0, 70)
        for bar in range(bars)
        for pitch in ((60, 64, 67) if bar % 2 == 0 else (57, 60, 64))
    )
    tracks = Track("lead", "flute", lead), Track("bass", "electric_bass", bass), Track("chords", "grand_piano", chords)
    return Score(100, "C", "major", "4/4", bars, tracks=tracks)


def test_others_join_and_every_note_stays() -> None:
    score = tune()
    piece = made(score, notes_as="arrange")
    roles = {player.role for player in piece.plan.players}
    assert {"lead", "bass", "chords", "drums"} <= roles
    assert heard(score) <= heard(piece.score)
    own = [player.id for player in piece.plan.players if player.role in ("lead", "bass", "chords")]
    assert own == ["lead", "bass", "chords"]


def test_a_theme_is_developed_on_its_chords() -> None:
    score = tune()
    piece = made(score, POP.model_copy(update={"duration_s": 60.0}), notes_as="develop")
    assert (piece.plan.key, piece.plan.mode, piece.plan.tempo_bpm) == ("C", "major", 100)
    assert piece.plan.duration_s == 60
    roots = {chord.root for chord in piece.score.chords}
    assert roots == {0, 9}
    assert all(set(chord_tones(c.root, c.quality)) & {0, 4, 9} for c in piece.score.chords)
    assert piece.grid is not None
    home = next(one for one in piece.plan.sections if one.kind == "chorus")
    column = piece.grid.columns["lead"][:, 0]
    bars = min(home.bars, 8)
    stated = column[home.start_bar * 16 : (home.start_bar + bars) * 16]
    assert np.count_nonzero(stated > 1) == 4 * bars
    assert STREAMS[1] == "lead"


def test_another_tempo_is_taken_by_all_of_it() -> None:
    assert made(tune(), POP.model_copy(update={"tempo_bpm": 50.0})).score.duration_s == 2 * tune().duration_s


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(RequestError, match=r"a.mid lasts 768 s, over the limit of 600 s"):
        made(tune(320))


def test_a_band_is_written_around_a_tune() -> None:
    lead = tuple(Note(60 + 2 * (place % 6), 2.0 * place, 2.0, 90) for place in range(16))
    score = Score(100, "C", "major", "4/4", 8, tracks=(Track("lead", "flute", lead),))
    piece = made(score, notes_as="arrange")
    assert piece.plan.bars == 8 and piece.plan.key == "C" and len(piece.plan.players) >= 5
    (player,) = [player for player in piece.plan.players if player.role == "lead"]
    played = sorted(piece.notes[player.id], key=lambda note: note.start_beats)
    octave = played[0].pitch - 60
    assert octave % 12 == 0
    assert [note.pitch - octave for note in played] == [note.pitch for note in lead]
    assert [round(4 * note.start_beats) for note in played] == [8 * place for place in range(16)]
