"""Words in MIDI files, tracks one after another, and how a file of notes is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import pytest

from noisician.errors import FileError
from noisician.models.inputs import notes_told
from noisician.models.support import meaning
from noisician.request import Request
from noisician.score.karaoke import midi_words
from noisician.score.midi import read_midi


def saved(*tracks: list[Any], kind: int = 1) -> BytesIO:
    midi = mido.MidiFile(type=kind, ticks_per_beat=96)
    midi.tracks += [mido.MidiTrack(track) for track in tracks]
    file = BytesIO()
    midi.save(file=file)
    file.seek(0)
    return file


def texts(kind: str, *words: str, name: str = "") -> list[Any]:
    head = [mido.MetaMessage("track_name", name=name)] if name else []
    return [*head, *(mido.MetaMessage(kind, text=word, time=48) for word in words)]


def note(pitch: int, start: int = 0, length: int = 96) -> list[Any]:
    return [mido.Message("note_on", note=pitch, time=start), mido.Message("note_off", note=pitch, time=length)]


@pytest.mark.parametrize(
    ("track", "lines"),
    [
        (texts("lyrics", "Hel-", "lo ", "you\r", "Good", "bye"), "Hello you\nGoodbye"),
        (texts("lyrics", "Hel-", "lo", "you\r", "Bye"), "Hello you\nBye"),
        (texts("text", "@KMIDI KARAOKE", "@TA song", "\\Hel", "lo ", "you", "/Good", "bye", "\\New"),
         "Hello you\nGoodbye\n\nNew"),
        (texts("text", "la ", "la ", "la ", "la ", name="Words"), "la la la la"),
        (texts("text", "Piano", "Copyright"), ""),
        ([], ""),
    ],
)  # fmt: skip
def test_words_are_lines(track: list[Any], lines: str) -> None:
    assert midi_words(saved(note(60), track)) == lines


def test_independent_tracks_are_played_one_after_another() -> None:
    slow = [mido.MetaMessage("set_tempo", tempo=1_000_000), *note(60), *note(62)]
    score = read_midi(saved(slow, note(64), [mido.MetaMessage("set_tempo", tempo=250_000), *note(65)], kind=2))
    assert sorted((n.start_beats, n.pitch) for track in score.tracks for n in track.notes) == [
        (0, 60), (1, 62), (4, 64), (8, 65),
    ]  # fmt: skip
    assert (score.tempo_bpm, [(c.start_beats, c.tempo_bpm) for c in score.tempo_changes]) == (60, [(4, 120), (8, 240)])


def test_how_a_file_was_understood(tmp_path: Path, run_command: Callable[..., Any]) -> None:
    path = tmp_path / "a.mid"
    bass = [mido.MetaMessage("track_name", name="Bass"), mido.Message("program_change", program=33), *note(40)]
    path.write_bytes(saved(bass, texts("lyrics", "la ", "la")).getvalue())
    told = notes_told(str(path))
    assert told["tracks"] == [
        {"name": "Bass", "role": "bass", "instrument": told["tracks"][0]["instrument"], "notes": 1, "lowest": 40,
         "highest": 40},
    ]  # fmt: skip
    assert (told["tempo_bpm"], told["time_signature"], told["lyrics"]) == (120, "4/4", "la la")
    shown = run_command("explain", "--notes", str(path))
    assert shown.status == 0 and "Bass" in shown.out and "1 lines" in shown.out
    assert json.loads(run_command("explain", "--notes", str(path), "--json").out)["notes_file"] == told
    empty = tmp_path / "b.kar"
    empty.write_bytes(saved(note(60)).getvalue())
    refused = run_command("explain", "--lyrics", str(empty))
    assert refused.status == 2 and "no words" in refused.err


CHORDPRO = """{title: A song}
{key: D}
{tempo: 96}
{capo: 2}
{start_of_grid: label="Intro"}
| C . Am7 . | F~G . C . |
{end_of_grid}
{start_of_verse}
[C]Hello [F]there my [G13]friend
{end_of_verse}
"""


def test_a_chordpro_file_says_harmony_and_words() -> None:
    from noisician.models.embedded.model import CAPABILITIES
    from noisician.score.chart import read_chart

    chart = read_chart(CHORDPRO)
    bars = [
        [(one.root, one.quality, count) for one, count in bar] for section in chart.sections for bar in section.bars
    ]
    assert bars == [
        [(2, "maj", 2), (11, "min7", 2)], [(7, "maj", 1), (9, "maj", 3), (2, "maj", 4)], [(2, "maj", 1)],
        [(7, "maj", 1)], [(9, "13", 1)],
    ]  # fmt: skip
    controls = meaning(Request(chords=CHORDPRO), CAPABILITIES)
    assert (controls.tempo_bpm, controls.key, controls.chords) == (96, "D", CHORDPRO)
    assert meaning(Request(lyrics=CHORDPRO), CAPABILITIES).chords == CHORDPRO


def test_what_is_no_midi_has_no_words() -> None:
    with pytest.raises(FileError):
        midi_words(BytesIO(b"RIFF"))
