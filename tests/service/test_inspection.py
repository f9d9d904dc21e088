from __future__ import annotations

import contextlib
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pydantic_settings")

from noisician.errors import FileError
from noisician.export import Metadata, write_audio
from noisician.service.library.inspection import HEAD_BYTES, check_upload, sniff
from noisician.service.settings import Settings

RATE_HZ = 44100


def tone(seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.repeat(0.25 * np.sin(2764.6 * times)[:, None], 2, axis=1).astype(np.float32)


def limits(**values: Any) -> Settings:
    return Settings(**{"longest_upload_s": 2.0, "longest_upload_bytes": 1 << 20, **values})


@pytest.mark.parametrize("format_", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_uploads_are_measured_by_their_headers(tmp_path: Path, format_: str, channels: int) -> None:
    path = tmp_path / "upload"
    soundfile.write(path, tone(1.5)[:, :channels], RATE_HZ, format=format_)
    assert sniff(path.read_bytes()[:HEAD_BYTES]) == format_
    sound = check_upload(path, limits())
    assert (sound.format, sound.sample_rate_hz, sound.channels) == (format_, RATE_HZ, channels)
    assert sound.duration_s == pytest.approx(1.5, abs=0.1 if format_ == "mp3" else 1e-4)
    with pytest.raises(FileError, match=r"s long, the limit is 1 s; cut it first"):
        check_upload(path, limits(longest_upload_s=1.0))
    with pytest.raises(FileError, match="MB, the limit is"):
        check_upload(path, limits(longest_upload_bytes=1000))


def test_opus_and_float_wav_and_tagged_mp3(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    soundfile.write(path, tone(1.0), 48000, format="OGG", subtype="OPUS")
    assert check_upload(path, limits()).duration_s == pytest.approx(RATE_HZ / 48000, abs=0.03)
    soundfile.write(path, tone(1.0), RATE_HZ, format="WAV", subtype="FLOAT")
    assert check_upload(path, limits()).duration_s == 1.0
    tagged = write_audio(tmp_path / "tagged.mp3", tone(1.0), Metadata(title="song", prompt="a song"))
    assert check_upload(tagged, limits()).duration_s == pytest.approx(1.0, abs=0.1)


def _wav(
    kind: int = 1, channels: int = 1, rate_hz: int = 8000, data: bytes = b"\0\0", announced: int | None = None
) -> bytes:
    fmt = struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * 2 * channels, 2 * channels, 16)
    size = len(data) if announced is None else announced
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "empty"),
        (b"hello there", "no sound file that is known here"),
        (b'{"format": 1}', "JSON, not sound"),
        (b"MThd" + b"\0" * 20, "MIDI"),
        (_wav(kind=17), "compressed"),
        (_wav(announced=5000), "its upload broke off"),
        (_wav(rate_hz=3), "3 Hz"),
        (_wav(channels=60), "60 channels"),
        (_wav(data=b""), "no samples"),
        (b"RIFF\0\0\0\0WAVEjunk", "cut short"),
        (b"fLaC", "cut short"),
        (b"fLaC\x04" + b"\0" * 60, "properties"),
        (b"fLaC\x00\0\0\x22" + b"\0" * 60, "how long"),
        (b"OggS", "cut short"),
        (b"OggS" + b"\0" * 22 + b"\x01\x10" + b"\x80theora" + b"\0" * 9, "neither Vorbis"),
        (b"ID3\x04\0\0\0\0\0\0" + b"\0" * 50, "no frames"),
        (b"ID3\x04\0\0\0\0\0\0", "no sound"),
    ],
)
def test_what_is_no_sound(tmp_path: Path, data: bytes, line: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(data)
    with pytest.raises(FileError, match=line) as refusal:
        check_upload(path, limits())
    assert str(tmp_path) not in str(refusal.value)


def test_a_small_flac_may_announce_too_much(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    bits = 384_000 << 44 | 7 << 41 | 23 << 36 | 384_000 * 500
    path.write_bytes(b"fLaC\x00\0\0\x22" + b"\0" * 10 + bits.to_bytes(8, "big") + b"\0" * 40)
    with pytest.raises(FileError, match="MB of samples"):
        check_upload(path, limits(longest_upload_s=600.0))
    with pytest.raises(FileError, match="cannot be read"):
        check_upload(tmp_path / "gone", limits())


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"{"])
)
def test_sniff_never_raises(data: bytes, begin: bytes) -> None:
    assert sniff(begin + data) in {
        None, "wav", "flac", "ogg", "mp3", "mid", "musicxml", "abc", "png", "json", "zip",
    }  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", b"fLaC\0", b"OggS", b"ID3", b"\xff\xfb\x90"]
    ),
)
def test_headers_of_anything_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, begin: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything"
    path.write_bytes(begin + data)
    with contextlib.suppress(FileError):
        assert 0 < check_upload(path, limits()).duration_s <= 2.0


SCORE = (
    '<?xml version="1.0"?><score-partwise><part-list><score-part id="P"><part-name>a</part-name></score-part>'
    "</part-list>"
    '<part id="P"><measure><note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note></measure>'
    "</part></score-partwise>"
)


def test_files_of_notes_are_known_by_their_bytes(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("score.xml", SCORE)
    for content, kind in (
        (SCORE.encode(), "musicxml"), (packed.getvalue(), "musicxml"), (b"X:1\nM:4/4\nL:1/4\nK:C\nC4|", "abc"),
    ):  # fmt: skip
        path = tmp_path / "upload"
        path.write_bytes(content)
        sound = check_upload(path, settings)
        assert (sound.format, sound.duration_s) == (kind, 2.0)
    for content in (b"X:1\nK:C\nz4|", b"<?xml", SCORE.replace("note", "rest").encode()):
        path.write_bytes(content)
        with pytest.raises(FileError) as refused:
            check_upload(path, settings)
        assert str(tmp_path) not in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(("head", "format_"), [(b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff\xe0", "jpg")])
def test_pictures_are_taken_as_they_are(tmp_path: Path, head: bytes, format_: str) -> None:
    """Whoever uses one looks at it, with bounds of its own."""
    path = tmp_path / "upload"
    path.write_bytes(head + b"\0" * 60)
    assert check_upload(path, limits()).format == format_
