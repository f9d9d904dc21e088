from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from noisician.audio import SILENCE_DB, db_to_gain, gain_to_db, peak_db, read_audio, resample
from noisician.errors import FileError


def one_line(error: pytest.ExceptionInfo[FileError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@given(st.floats(-100, 40))
def test_db_and_gain_are_inverse(level_db: float) -> None:
    assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)


def test_known_levels() -> None:
    assert db_to_gain(20) == pytest.approx(10)
    assert gain_to_db(0.5) == pytest.approx(-6.0206, abs=1e-4)
    assert gain_to_db(0) == SILENCE_DB
    sine = np.sin(2 * np.pi * np.arange(44100) * 100 / 44100)[:, None]
    assert peak_db(sine) == pytest.approx(0, abs=1e-4)
    assert peak_db(np.zeros((0, 2))) == peak_db(np.zeros((4, 2))) == SILENCE_DB


def test_resample_keeps_a_sine() -> None:
    low = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    high = resample(low, 22050, 44100)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(high)) / 44100)
    assert len(high) == 44100
    np.testing.assert_allclose(high[2000:-2000], expected[2000:-2000], atol=1e-3)
    assert resample(low, 44100, 44100) is low
    with pytest.raises(ValueError, match="positive"):
        resample(low, 0, 44100)


def test_reads_frames_by_channels(tmp_path: Path) -> None:
    samples = np.array([[0.5, -0.25], [0.125, 0.0]], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 22050, subtype="FLOAT")
    soundfile.write(tmp_path / "mono.wav", samples[:, 0], 44100, subtype="FLOAT")
    read, rate_hz = read_audio(tmp_path / "a.wav")
    assert rate_hz == 22050
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, samples)
    assert read_audio(str(tmp_path / "mono.wav"))[0].shape == (2, 1)


def test_refuses_what_is_too_long(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(44100), 22050)
    assert len(read_audio(tmp_path / "a.wav", max_duration_s=2)[0]) == 44100
    with pytest.raises(FileError) as error:
        read_audio(tmp_path / "a.wav", max_duration_s=1.5)
    assert "2.0 s long, the limit is 1.5 s" in one_line(error)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"RIFF", "cannot be read as audio"),
        (b"just some text that is no music " * 40, "cannot be read as audio"),
        (b"fLaC" + bytes(60), "cannot be read as audio"),
        (b"OggS" + bytes(60), "cannot be read as audio"),
    ],
)
def test_unreadable_files_get_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(FileError) as error:
        read_audio(path)
    assert expected in one_line(error)
    assert str(path) in one_line(error)


def test_missing_folder_and_nameless(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read_audio(tmp_path / "none.wav")
    with pytest.raises(FileError, match="is a folder"):
        read_audio(tmp_path)
    with pytest.raises(FileError, match="cannot be read"):
        read_audio("nul\0byte.wav")


def test_no_samples_and_no_numbers(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), 44100)
    with pytest.raises(FileError, match="no samples"):
        read_audio(tmp_path / "none.wav")
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 44100, subtype="FLOAT")
    with pytest.raises(FileError, match="not numbers"):
        read_audio(tmp_path / "nan.wav")


def test_truncated_flac_is_not_taken_for_whole(tmp_path: Path) -> None:
    memory = io.BytesIO()
    noise = np.random.default_rng(0).standard_normal(40000) * 0.1
    soundfile.write(memory, noise, 44100, format="FLAC")
    path = tmp_path / "cut.flac"
    path.write_bytes(memory.getvalue()[: len(memory.getvalue()) // 2])
    with pytest.raises(FileError) as error:
        read_audio(path)
    assert str(path) in one_line(error)


def test_header_that_announces_too_much_does_not_exhaust_memory(tmp_path: Path) -> None:
    """A FLAC header may state 2^36 frames; only what is there is read."""
    memory = io.BytesIO()
    soundfile.write(memory, np.zeros(5000), 44100, format="FLAC")
    data = bytearray(memory.getvalue())
    (packed,) = struct.unpack_from(">Q", data, 18)
    struct.pack_into(">Q", data, 18, packed | (2**36 - 1))
    path = tmp_path / "huge.flac"
    path.write_bytes(data)
    with pytest.raises(FileError) as error:
        read_audio(path)
    assert str(path) in one_line(error)
