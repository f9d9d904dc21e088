"""Sound files that are damaged, cut, empty or something else: one line each, whatever they are handed to."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import noisician
from noisician.errors import FileError, NoisicianError
from noisician.models.inputs import read_audio_input

RATE_HZ = 8000


def written(format_: str, seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    soundfile.write(file, tone.astype(np.float32), RATE_HZ, format=format_)
    return file.getvalue()


SOUND = {name: written(name) for name in ("WAV", "FLAC", "OGG")}


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kind=st.sampled_from(sorted(SOUND)),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    head=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, kind: str, cut: float, flips: list[tuple[float, int]], head: bool
) -> None:
    data = bytearray(SOUND[kind])
    for place, value in flips:
        data[int(place * (min(len(data), 64) if head else len(data)))] = value
    file = tmp_path / f"hostile.{kind.lower()}"
    file.write_bytes(bytes(data[: max(1, int(cut * len(data)))]))
    try:
        given_ = read_audio_input(str(file))
    except FileError as refused:
        assert "\n" not in str(refused) and str(file) in str(refused)
    else:
        assert np.isfinite(given_.audio).all() and len(given_.audio) > 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"MThd\x00\x00\x00\x06", "cannot be read as audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "cannot be read as audio"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "cannot be read as audio"),
        (written("WAV", 1.0), "1.0 s of audio; 2 s to 15 min"),
        (written("WAV", 0.01), "2 s to 15 min"),
    ],
)
def test_what_is_no_recording_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(content)
    with pytest.raises(NoisicianError, match=says) as refused:
        noisician.analyse(file)
    assert "\n" not in str(refused.value) and "a.wav" in str(refused.value)


def test_a_header_that_promises_gigabytes_gives_what_is_there(tmp_path: Path) -> None:
    data = bytearray(SOUND["WAV"])
    data[40:44] = (0xFFFFFF00).to_bytes(4, "little")
    file = tmp_path / "huge.wav"
    file.write_bytes(data)
    assert read_audio_input(str(file)).duration_s == 0.5
