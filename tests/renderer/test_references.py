"""References: what is measured of single notes, and files that are read with every size checked."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from decaying_sine import DECAY_S, RELEASE_S, decaying_sine
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import FileError
from noisician.mel import FRAME_RATE_HZ, MEL_BANDS, SAMPLE_RATE_HZ, band_of_hz
from noisician.renderer.reference_notes import ONSET_S, record
from noisician.renderer.references import (
    ATTACK_SAMPLES,
    GRID_FRAMES,
    LOSS_STEP,
    LOWEST_LOG,
    MOST_NOTES,
    RELEASE_FRAMES,
    References,
    parse_references,
    read_references,
    write_references,
)

_MAGIC = b"NOISICIAN REFERENCES 1\n"


@pytest.fixture(scope="module")
def sines() -> References:
    wanted = [(pitch, velocity) for pitch in (57, 61, 65, 69, 73) for velocity in (40, 100)]
    return record(decaying_sine, "harmonic", "struck", wanted)


def test_a_held_note_is_measured_from_its_onset_on(sines: References) -> None:
    held = sines.held(int(sines.layers[69][-1]))
    band = round(float(band_of_hz(np.array(440.0))))
    assert np.argmax(held[GRID_FRAMES == 9][0]) == band
    early, late = (int(np.flatnonzero(frame == GRID_FRAMES)[0]) for frame in (8, 344))
    fall = held[early, band] - held[late, band]
    assert fall == pytest.approx((344 - 8) / FRAME_RATE_HZ / DECAY_S, abs=0.1)
    assert held[0].max() < held[GRID_FRAMES == 4][0].max() - 5  # nothing yet, two frames before the onset


def test_what_a_note_loses_once_let_go_is_measured_against_the_note_held_on(sines: References) -> None:
    loss = sines.loss(0)[:, round(float(band_of_hz(np.array(220.0))))]
    at = RELEASE_FRAMES == 11
    assert loss[at][0] == pytest.approx(11 / FRAME_RATE_HZ / RELEASE_S, abs=0.4)
    assert loss[0] < 0.2
    assert np.all(np.diff(loss) >= 0)


def test_a_louder_note_is_louder_by_what_was_played(sines: References) -> None:
    soft, loud = sines.layers[65]
    row = int(np.flatnonzero(GRID_FRAMES == 8)[0])
    assert sines.held(loud)[row].max() - sines.held(soft)[row].max() == pytest.approx(np.log(100 / 40), abs=0.07)


def test_silent_notes_are_left_out() -> None:
    silent = record(lambda *_: np.zeros(200_000, np.float32), "harmonic", "struck", [(60, 80)])
    assert len(silent) == 0
    assert silent.keys.size == 0


def test_a_file_gives_back_what_was_written(sines: References, tmp_path: Path) -> None:
    path = tmp_path / "sine.references"
    write_references(path, sines)
    read = read_references(path)
    assert (read.kind, read.sustain, read.one_voice) == ("harmonic", "struck", False)
    for field in ("pitch", "velocity", "held_codes", "loss_codes"):
        assert np.array_equal(getattr(read, field), getattr(sines, field)), field
    assert [entry.name for entry in tmp_path.iterdir()] == ["sine.references"]
    assert path.stat().st_size < 0.5 * (sines.held_codes.size + sines.loss_codes.size)


def file_of(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return _MAGIC + len(text).to_bytes(4, "little") + text + zlib.compress(body)


def header_with(**changes: object) -> dict[str, object]:
    plain = {
        "kind": "drum",
        "sustain": "struck",
        "one_voice": False,
        "stretched": False,
        "pitches": [36],
        "velocities": [90],
    }
    return plain | changes


NOTE_BYTES = (len(GRID_FRAMES) + len(RELEASE_FRAMES)) * MEL_BANDS


def test_the_smallest_file_is_read() -> None:
    references = parse_references(file_of(header_with(), bytes(NOTE_BYTES)), "kick")
    assert references.held(0) == pytest.approx(LOWEST_LOG)
    assert references.loss(0) == pytest.approx(0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"RIFF....WAVE", "not a reference file"),
        (_MAGIC + b"\xff\xff\xff\x7f{}", "header of 2147483647 bytes"),
        (file_of(b"{"), "no JSON"),
        (file_of([1]), "no JSON object"),
        (file_of(b"[" * 100_000), "no JSON"),
        (file_of(header_with(kind="brass")), "kind is 'brass'"),
        (file_of(header_with(kind=True)), "kind is 'True'"),
        (file_of(header_with(one_voice=1)), "one_voice is '1'"),
        (file_of(header_with(pitches=[], velocities=[])), f"1 to {MOST_NOTES} pitches"),
        (file_of(header_with(pitches=[1] * (MOST_NOTES + 1))), f"1 to {MOST_NOTES} pitches"),
        (file_of(header_with(velocities=[1, 2])), "one velocity a pitch"),
        (file_of(header_with(pitches=[float("nan")])), "pitch nan is outside 0 … 127"),
        (file_of(header_with(pitches=["60"])), "pitch 60 is outside"),
        (file_of(header_with(velocities=[0])), "velocity 0 is outside 1 … 127"),
        (file_of(header_with(velocities=[64.5])), "velocity 64.5 is outside"),
        (file_of(header_with(), b"short"), "5 bytes instead of"),
        (file_of(header_with(), bytes(10_000_000)), f"{NOTE_BYTES + 1} bytes instead of {NOTE_BYTES}"),
        (file_of(header_with())[:-4] + b"beef", "cannot be unpacked"),
        (_MAGIC + (2).to_bytes(4, "little") + b"{}", "kind is 'None'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(data: bytes, says: str) -> None:
    with pytest.raises(FileError, match=says) as refused:
        parse_references(data, "mine")
    assert str(refused.value).startswith("mine: ")
    assert "\n" not in str(refused.value)


def test_a_file_too_large_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.references"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(FileError, match="1073741824 bytes"):
        read_references(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_references(tmp_path / "absent.references")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_gets_past_the_reader(data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off, it is a FileError or references within their bounds."""
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    whole = bytearray(file_of(header_with(), rng.integers(0, 256, NOTE_BYTES, np.uint8).tobytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        references = parse_references(bytes(whole[:cut]), "mine")
    except FileError:
        return
    assert references.held_codes.shape == (len(references), len(GRID_FRAMES), MEL_BANDS)
    assert references.loss_codes.max() * LOSS_STEP <= 12.75
    assert np.all((references.pitch >= 0) & (references.pitch <= 127))


# --- how drums begin ----------------------------------------------------------------------------------------


def knock(pitch: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
    """A decaying noise of its own for every key, as loud as it is struck."""
    out = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    start = round(ONSET_S * SAMPLE_RATE_HZ)
    sound = np.random.default_rng(pitch).standard_normal(len(out) - start)
    out[start:] = velocity / 127 * sound * np.exp(-np.arange(len(sound)) / 2000)
    return out


@pytest.fixture(scope="module")
def knocks() -> References:
    return record(knock, "drum", "struck", [(38, 50), (38, 100), (42, 80)])


def test_a_drum_keeps_how_it_begins(knocks: References) -> None:
    start = round(ONSET_S * SAMPLE_RATE_HZ)
    truth = knock(38, 100, 0.1, 1.0)[start : start + ATTACK_SAMPLES]
    kept = knocks.attack_of(38, 100)
    assert kept is not None
    assert np.abs(kept - truth).max() <= np.abs(truth).max() / 250
    softer = knocks.attack_of(38, 80)  # nearer to 100 than to 50
    assert softer is not None
    np.testing.assert_allclose(softer, 0.8 * kept, rtol=1e-5)
    assert knocks.attack_of(40, 100) is None


def test_attacks_go_where_their_notes_go(knocks: References) -> None:
    fewer = knocks.only(np.array([2]))
    np.testing.assert_array_equal(fewer.attack(0), knocks.attack(2))
    louder = knocks.louder(np.array([0, 10, -10]))
    assert louder.attack_peaks is not None and knocks.attack_peaks is not None
    np.testing.assert_allclose(louder.attack_peaks / knocks.attack_peaks, np.exp([0, 0.6, -0.6]), rtol=1e-5)
    assert louder.identity != knocks.identity


def test_a_file_with_attacks_gives_back_what_was_written(knocks: References, tmp_path: Path) -> None:
    path = tmp_path / "knocks.references"
    write_references(path, knocks)
    assert path.read_bytes().startswith(b"NOISICIAN REFERENCES 2\n")
    again = read_references(path)
    assert again.identity == knocks.identity
    np.testing.assert_array_equal(again.attack_codes, knocks.attack_codes)


@pytest.mark.parametrize("peaks", [None, [0.1], [0.1, 0.2, 1e9], [0.1, 0.2, "loud"]])
def test_wrong_peaks_are_refused_in_one_line(knocks: References, tmp_path: Path, peaks: object) -> None:
    path = tmp_path / "knocks.references"
    write_references(path, knocks)
    data = path.read_bytes()
    start = len(_MAGIC) + 4
    length = int.from_bytes(data[start - 4 : start], "little")
    header = json.loads(data[start : start + length])
    header["attack_peaks"] = peaks
    text = json.dumps(header).encode()
    broken = data[: start - 4] + len(text).to_bytes(4, "little") + text + data[start + length :]
    with pytest.raises(FileError, match="attack"):
        parse_references(broken, "knocks")
