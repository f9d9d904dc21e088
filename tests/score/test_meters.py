"""Metres: how they divide, and what they borrow."""

from __future__ import annotations

import json
from io import BytesIO

import mido
import numpy as np
import pytest

from noisician.composer.conditions import WINDOW_STEPS, Style, window_bars
from noisician.composer.regions import CONTEXT_BARS, stretch_bars
from noisician.composer.writing import beat_begins
from noisician.piece import from_dict, piece_of_score, to_dict
from noisician.piece.create import Setting
from noisician.renderer import RenderSettings
from noisician.score import Note, Score, Track
from noisician.score.midi import read_midi, write_midi
from noisician.score.model import LEARNT_METERS, METERS
from noisician.score.patterns import bars_of, groove_rows, usable
from noisician.score.perform import swing_pair_steps
from noisician.score.progressions import build


@pytest.mark.parametrize("name", METERS)
def test_a_bar_is_its_pulses(name: str) -> None:
    meter = METERS[name]
    assert (
        meter.steps_per_bar == meter.beats_per_bar * meter.steps_per_beat == meter.numerator * 16 // meter.denominator
    )
    assert meter.second_half in meter.pulse_steps
    assert all(len(bar) == meter.steps_per_bar for bar in meter.base_places)
    assert meter.base in LEARNT_METERS and max(map(max, meter.base_places)) < METERS[meter.base].steps_per_bar
    assert meter.steps_per_bar % swing_pair_steps(meter, "eighth") == 0


@pytest.mark.parametrize("name", METERS)
def test_the_network_sees_whole_bars_with_their_surroundings(name: str) -> None:
    meter = METERS[name]
    assert window_bars(meter) * meter.steps_per_bar <= WINDOW_STEPS
    assert 1 <= stretch_bars(meter) <= window_bars(meter) - 2 * CONTEXT_BARS
    learnt = Style({}, {}, "major", name).vector()
    np.testing.assert_array_equal(learnt, Style({}, {}, "major", meter.base).vector())


@pytest.mark.parametrize(
    ("written", "pattern", "name", "bars"),
    [
        ("4/4", "abcd efgh ijkl mnop", "2/4", ("abcdefgh", "ijklmnop")),
        ("4/4", "abcd efgh ijkl mnop", "5/4", ("abcdefghefghijklmnop",)),
        ("4/4", "abcd efgh ijkl mnop", "7/8", ("abcdefghijklmn",)),
        ("6/8", "abcdef ghijkl", "9/8", ("abcdefghijklghijkl",)),
        ("6/8", "abcdef ghijkl", "12/8", ("abcdefghijklabcdefghijkl",)),
        ("6/8", "abcdef ghijkl mnopqr stuvwx", "12/8", ("abcdefghijklmnopqrstuvwx",)),
        ("4/4", "x-x- x.x. xxxx ....", "12/8", ("x---x-x...x.x.x.xx......",)),
    ],
)
def test_patterns_are_borrowed(written: str, pattern: str, name: str, bars: tuple[str, ...]) -> None:
    assert bars_of(pattern, written, METERS[name]) == bars


def test_what_is_written_for_a_metre_comes_first() -> None:
    weights = {"rock_a": 1.0, "seven_rock": 1.0}
    assert set(usable("grooves", weights, METERS["7/8"])) == {"seven_rock"}
    assert set(usable("grooves", weights, METERS["5/4"])) == {"rock_a"}
    assert set(usable("bass", {"sustained": 1.0, "root_half": 1.0}, METERS["5/4"])) == {"sustained", "root_half"}
    assert set(usable("grooves", {"rock_68": 1.0, "rock_a": 1.0}, METERS["12/8"])) == {"rock_68"}
    kick = groove_rows("seven_rock", METERS["7/8"])["kick"]
    assert kick.shape == (1, 14) and kick[0, 0] > 0


def test_beats_begin_where_pulses_do() -> None:
    assert beat_begins(28, METERS["7/8"]).tolist() == [
        *[0] * 4, *[4] * 4, *[8] * 6, *[14] * 4, *[18] * 4, *[22] * 6
    ]  # fmt: skip
    assert beat_begins(16, METERS["4/4"]).tolist() == [*[0] * 4, *[4] * 4, *[8] * 4, *[12] * 4]


@pytest.mark.parametrize(("name", "half"), [("4/4", 8), ("5/4", 12), ("7/8", 8), ("12/8", 12), ("2/4", 4), ("3/4", 8)])
def test_two_chords_share_a_bar_where_it_divides(name: str, half: int) -> None:
    spans = build([((0, "maj"), (7, "maj"))], "major", METERS[name]).spans
    assert [(span.start, span.end) for span in spans] == [(0, half), (half, METERS[name].steps_per_bar)]


@pytest.mark.parametrize("name", METERS)
def test_midi_keeps_the_metre(name: str) -> None:
    meter = METERS[name]
    bars = 3
    notes = tuple(Note(60 + bar, bar * meter.beats_per_bar, 1.0, 80) for bar in range(bars))
    file = BytesIO()
    write_midi(Score(90.0, "C", "major", name, bars, tracks=(Track("lead", "flute", notes),)), file)
    stated = [one for one in mido.MidiFile(file=BytesIO(file.getvalue())).tracks[0] if one.type == "time_signature"]
    assert [(one.numerator, one.denominator) for one in stated] == [(meter.numerator, meter.denominator)]
    file.seek(0)
    read = read_midi(file)
    assert (read.time_signature, read.bars, read.tempo_bpm) == (name, bars, 90.0)
    assert [note.start_beats for note in read.tracks[0].notes] == [bar * meter.beats_per_bar for bar in range(bars)]


@pytest.mark.parametrize("stated", [[(0, 4, 4), (1920, 7, 8), (3600, 2, 2)], [(0, 2, 2), (960, 5, 8)]])
def test_every_time_signature_of_a_file_comes_out_again(stated: list[tuple[int, int, int]]) -> None:
    midi = mido.MidiFile(type=1, ticks_per_beat=480)
    conductor, tune, now = mido.MidiTrack(), mido.MidiTrack(), 0
    for tick, numerator, denominator in stated:
        conductor.append(
            mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=tick - now)
        )
        now = tick
    tune += [mido.Message("note_on", note=60, velocity=80), mido.Message("note_off", note=60, time=5760)]
    midi.tracks += [conductor, tune]
    file, out = BytesIO(), BytesIO()
    midi.save(file=file)
    file.seek(0)
    score = read_midi(file)
    piece = from_dict(
        json.loads(json.dumps(to_dict(piece_of_score(score, Setting(20.0, {}, {}), 0, RenderSettings()))))
    )
    assert piece.score.meter_changes == score.meter_changes
    assert Score.from_dict(json.loads(json.dumps(score.to_dict()))) == score
    write_midi(piece.score, out)
    out.seek(0)
    found, tick = {}, 0
    for message in mido.MidiFile(file=out).tracks[0]:
        tick += message.time
        if message.type == "time_signature":
            found[tick] = (message.numerator, message.denominator)
    assert [(tick, *found[tick]) for tick, *_ in stated] == stated
