"""Byte layouts, round trips and tags of the four sound formats; mutagen is the independent reader of tags."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3

from noisician.audio import read_audio
from noisician.errors import FileError
from noisician.export import Marker, Metadata, read_recipe, write_audio
from noisician.export import encode as encoding
from noisician.export.encode import AudioFormat, encode, quantise
from noisician.export.id3 import build_tag, find_recipe
from noisician.export.ogg import Page, checksum, find_ogg_recipe, read_pages
from noisician.export.riff import chunk, music_chunks, wav_header
from noisician.export.vorbis import build_comments, parse_comments
from noisician.recipe import Recipe, pack
from noisician.request import Request

PROMPT = "träumerisches Klavier — 夢 🎹"
RECIPE = Recipe(noisician="0.1.0", request=Request(prompt=PROMPT), seed=42)
METADATA = Metadata(
    title="Träume",
    prompt=PROMPT,
    tempo_bpm=92.5,
    key="F#",
    mode="dorian",
    time_signature="3/4",
    seed=42,
    sections=(Marker("intro", 0.0), Marker("verse 🎹", 0.25)),
    software="noisician 0.1.0",
)
ALL = [("wav", 16), ("wav", 24), ("wav", 32), ("flac", 16), ("flac", 24), ("ogg", 24), ("mp3", 24)]


def noise(frames: int = 30_000, channels: int = 2) -> np.ndarray:
    samples = np.random.default_rng(3).standard_normal((frames, channels)) * 0.1
    return samples.astype(np.float32)


def file_bytes(samples: np.ndarray, metadata: Metadata, audio: AudioFormat, recipe: str | None = None) -> bytes:
    encoded = encode(samples, metadata, recipe, audio)
    data = b"".join(bytes(piece) for piece in encoded.pieces)
    assert len(data) == encoded.size_bytes
    return data


def one_line(error: pytest.ExceptionInfo[FileError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# Layouts


def test_wav_of_24_bit_byte_by_byte() -> None:
    data = file_bytes(np.array([0.5, -1.0, 0.0]), Metadata(artist="", software=""), AudioFormat())
    id3 = b"id3 \x0a\0\0\0ID3\x04\0\0\0\0\0\0"
    expected = (
        b"RIFF" + struct.pack("<I", 4 + 24 + 8 + 9 + 1 + len(id3)) + b"WAVE"
        b"fmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\xcc\x04\x02\0\x03\0\x18\0"
        b"data\x09\0\0\0\x00\x00\x40\x00\x00\x80\x00\x00\x00\x00"  # the last byte pads to even length
    )  # fmt: skip
    assert data == expected + id3


def test_float_wav_states_extension_size_and_frames() -> None:
    header = wav_header(frames=10, channels=2, sample_rate_hz=48000, bit_depth=32, trailer_bytes=0)
    fmt = struct.pack("<HHIIHHH", 3, 2, 48000, 384000, 8, 32, 0)
    assert header == (
        b"RIFF" + struct.pack("<I", 4 + 26 + 12 + 8 + 80) + b"WAVE"
        b"fmt \x12\0\0\0" + fmt + b"fact\x04\0\0\0\x0a\0\0\0" + b"data\x50\0\0\0"
    )  # fmt: skip


def test_wav_beyond_four_gigabytes_is_refused() -> None:
    with pytest.raises(FileError, match="limit of 4294967295"):
        wav_header(frames=2**30, channels=2, sample_rate_hz=44100, bit_depth=16, trailer_bytes=0)


def chunks_of(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        key = name + data[at + 8 : at + 12] if name == b"LIST" else name
        found[key] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data)
    return found


def test_acid_chunk_of_a_loop() -> None:
    metadata = Metadata(tempo_bpm=120, key="A", mode="minor", time_signature="4/4", beats=16, loop=True)
    found = chunks_of(music_chunks(metadata, frames=352800, sample_rate_hz=44100))
    stretch_and_root, a = 2 | 4, 0x30 + 9
    assert found[b"acid"] == (
        bytes([stretch_and_root, 0, 0, 0, a, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 4, 0, 4, 0]) + struct.pack("<f", 120)
    )
    assert struct.unpack("<15I", found[b"smpl"]) == (0, 0, 22676, 69, 0, 0, 0, 1, 0, 0, 0, 0, 352799, 0, 0)


def test_acid_chunk_counts_quarters_in_six_eight_and_marks_tracks_one_shot() -> None:
    """4 bars of 6/8 at 60 dotted quarters a minute: 8 felt beats of 1 s, 12 quarters at 90."""
    metadata = Metadata(tempo_bpm=60, time_signature="6/8")
    found = chunks_of(music_chunks(metadata, frames=8 * 44100, sample_rate_hz=44100))
    assert struct.unpack("<IHHfIHHf", found[b"acid"]) == (1, 0x30, 0, 0.0, 12, 8, 6, 90.0)
    assert b"smpl" not in found


def test_section_markers_and_info() -> None:
    found = chunks_of(music_chunks(METADATA, frames=20000, sample_rate_hz=44100))
    assert found[b"cue "] == struct.pack("<I", 2) + struct.pack("<II4sIII", 1, 0, b"data", 0, 0, 0) + struct.pack(
        "<II4sIII", 2, 11025, b"data", 0, 0, 11025
    )
    labels = b"labl\x0a\0\0\0\x01\0\0\0intro\0" + b"labl\x0f\0\0\0\x02\0\0\0" + "verse 🎹".encode() + b"\0\0"
    assert found[b"LISTadtl"] == b"adtl" + labels
    assert found[b"LISTINFO"].startswith(b"INFOINAM\x08\0\0\0" + "Träume".encode() + b"\0IART\x0a\0\0\0noisician\0")


def test_id3_tag_byte_by_byte() -> None:
    tag = build_tag(Metadata(title="é", artist="", software="", seed=5), 1.0, None)
    title = b"TIT2\0\0\0\x03\0\0\x03\xc3\xa9"
    seed = b"TXXX\0\0\0\x07\0\0\x03SEED\x005"
    assert tag == b"ID3\x04\0\0\0\0\0\x1e" + title + seed


def test_vorbis_comment_block_byte_by_byte() -> None:
    data = build_comments(b"v", [("A", "b"), ("C", "ü")])
    assert data == b"\x01\0\0\0v\x02\0\0\0\x03\0\0\0A=b\x04\0\0\0C=\xc3\xbc"
    assert parse_comments(data, "x") == (b"v", [("A", "b"), ("C", "ü")])


def test_ogg_checksum_against_its_definition() -> None:
    def bitwise(data: bytes) -> int:
        register = 0
        for byte in data:
            register ^= byte << 24
            for _ in range(8):
                register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
        return register

    data = np.random.default_rng(0).bytes(700)
    assert checksum(data) == bitwise(data)
    assert checksum(b"") == 0


def test_chunks_are_padded_to_even_length() -> None:
    assert chunk(b"abcd", b"xyz") == b"abcd\x03\0\0\0xyz\0"


# Samples


def test_float_wav_is_bit_exact_even_beyond_full_scale(tmp_path: Path) -> None:
    samples = np.concatenate([noise(50_000), np.array([[1.7, -3.0], [1e-30, -0.0]], np.float32)])
    write_audio(tmp_path / "a.wav", samples, METADATA, bit_depth=32)
    read, rate_hz = read_audio(tmp_path / "a.wav")
    assert rate_hz == 44100
    assert read.tobytes() == samples.tobytes()


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_24_bit_is_exact_to_half_a_step(tmp_path: Path, name: str) -> None:
    samples = noise(100_001)
    path = write_audio(tmp_path / f"a.{name}", samples, METADATA)
    assert np.abs(read_audio(path)[0] - samples).max() <= 0.5001 / 2**23
    assert soundfile.info(path).subtype == "PCM_24"


@pytest.mark.parametrize("bit_depth", [16, 24])
def test_samples_that_another_flac_file_holds_are_not_encoded_again(
    tmp_path: Path, bit_depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, whole = noise(), tmp_path / "whole.flac"
    earlier = write_audio(tmp_path / "earlier.flac", samples, METADATA, RECIPE.to_json(), bit_depth=bit_depth)
    other = replace(METADATA, prompt="other words", sections=(), lyrics=())
    write_audio(whole, samples, other, "{}", bit_depth=bit_depth)
    with monkeypatch.context() as patch:
        patch.setattr(encoding, "_through_libsndfile", None)
        copy = write_audio(tmp_path / "copy.flac", samples, other, "{}", bit_depth=bit_depth, earlier=earlier)
    assert copy.read_bytes() == whole.read_bytes()


def changed_sample(samples: np.ndarray) -> np.ndarray:
    samples = samples.copy()
    samples[-1, 1] += 2**-22
    return samples


@pytest.mark.parametrize(
    ("samples", "audio"),
    [
        (changed_sample(noise()), AudioFormat("flac")),
        (noise()[:-1], AudioFormat("flac")),
        (noise()[:, :1], AudioFormat("flac")),
        (noise().reshape(-1, 1), AudioFormat("flac")),
        (noise(), AudioFormat("flac", 16)),
        (noise(), AudioFormat("flac", 24, 48000)),
        (noise(), AudioFormat("wav")),
        (noise(), AudioFormat("ogg")),
    ],
)
def test_other_samples_and_formats_are_encoded(tmp_path: Path, samples: np.ndarray, audio: AudioFormat) -> None:
    earlier = write_audio(tmp_path / "earlier.flac", noise(), METADATA)
    encoded = encode(samples, METADATA, None, audio, earlier)
    assert b"".join(bytes(piece) for piece in encoded.pieces) == file_bytes(samples, METADATA, audio)


@pytest.mark.parametrize("damage", [None, b"", b"RIFF", b"fLaC", "in its first block", "in its comments", "no sum"])
def test_an_earlier_file_that_cannot_be_used_is_none(tmp_path: Path, damage: bytes | str | None) -> None:
    earlier, samples = tmp_path / "earlier.flac", noise()
    whole = file_bytes(samples, METADATA, AudioFormat("flac"))
    if isinstance(damage, bytes):
        earlier.write_bytes(damage)
    elif damage == "in its first block":
        earlier.write_bytes(whole[:40])
    elif damage == "in its comments":
        earlier.write_bytes(whole[:60])
    elif damage == "no sum":
        earlier.write_bytes(whole[:26] + bytes(16) + whole[42:])
    encoded = encode(samples, METADATA, None, AudioFormat("flac"), earlier)
    assert b"".join(bytes(piece) for piece in encoded.pieces) == whole


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_16_bit_is_dithered_repeatably(tmp_path: Path, name: str) -> None:
    quiet = np.full((200_000, 1), 0.25 / 2**15, np.float32)  # a quarter of a step: plain rounding gives silence
    paths = [write_audio(tmp_path / f"{take}.{name}", quiet, METADATA, bit_depth=16) for take in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    steps = read_audio(paths[0])[0] * 2**15
    assert set(np.unique(steps)) == {-1.0, 0.0, 1.0}
    assert steps.mean() == pytest.approx(0.25, abs=0.01)
    # TPDF makes the total error's variance independent of the level: 1/12 + 2/12 steps².
    assert np.var(steps - 0.25) == pytest.approx(0.25, abs=0.01)


def test_quantise_rounds_and_clips() -> None:
    block = np.array([0.0, 0.4 / 32768, 0.6 / 32768, 1.0, -1.0, 2.0, -2.0])
    assert quantise(block, 16).tolist() == [0, 0, 1, 32767, -32768, 32767, -32768]


@pytest.mark.parametrize("name", ["ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_formats_keep_length_and_sound(tmp_path: Path, name: str, channels: int) -> None:
    time_s = np.arange(66_150) / 44100
    tones = np.stack([np.sin(2 * np.pi * 440 * time_s), np.sin(2 * np.pi * 660 * time_s)], axis=1)
    samples = 0.5 * tones[:, :channels].astype(np.float32)
    path = write_audio(tmp_path / f"a.{name}", samples, METADATA)
    read, rate_hz = read_audio(path)
    assert (read.shape, rate_hz) == (samples.shape, 44100)
    assert np.sqrt(np.mean((read - samples)[4000:-4000] ** 2)) < 0.01


def test_ogg_of_two_minutes_is_written_in_blocks(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.ogg", np.zeros(8000 * 120), METADATA, sample_rate_hz=8000)
    assert soundfile.info(path).frames == 8000 * 120


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.zeros((0, 2)), "0 frames"),
        (np.zeros((5, 3)), "shape (5, 3)"),
        (np.zeros((5, 1, 1)), "shape (5, 1, 1)"),
        (np.array([0.0, np.inf]), "NaN or infinity"),
    ],
)
def test_unusable_samples_are_refused(tmp_path: Path, samples: np.ndarray, expected: str) -> None:
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / "a.wav", samples, METADATA)
    assert expected in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_sample_rate_an_encoder_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / "a.mp3", noise(100), METADATA, sample_rate_hz=96000)
    assert "cannot encode MP3 at 96000 Hz" in one_line(error)
    assert list(tmp_path.iterdir()) == []


# Recipes and tags


@pytest.mark.parametrize(("name", "bit_depth"), ALL)
def test_every_format_carries_the_recipe_and_is_deterministic(tmp_path: Path, name: str, bit_depth: int) -> None:
    for take in "ab":
        write_audio(tmp_path / f"{take}.{name}", noise(), METADATA, RECIPE.to_json(), bit_depth=bit_depth)
    assert read_recipe(tmp_path / f"a.{name}") == RECIPE
    assert (tmp_path / f"a.{name}").read_bytes() == (tmp_path / f"b.{name}").read_bytes()


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
def test_big_recipe_in_every_format(tmp_path: Path, name: str) -> None:
    """Two megabytes of JSON that hardly compress: many Ogg pages, long ID3 sizes."""
    digits = np.random.default_rng(0).bytes(1_000_000).hex()
    recipe = Recipe(noisician="0.1.0", request=Request(), seed=1, score={"x": digits})
    path = write_audio(tmp_path / f"a.{name}", noise(), METADATA, recipe.to_json())
    assert path.stat().st_size > 1_000_000
    assert read_recipe(path) == recipe
    assert len(read_audio(path)[0]) == len(noise())
    tags: Any = mutagen.File(path).tags  # type: ignore[attr-defined]
    if name in ("flac", "ogg"):
        assert tags["NOISICIAN_RECIPE"] == [pack(recipe.to_json())]
    if name == "mp3":
        assert tags["TXXX:NOISICIAN_RECIPE"].text == [pack(recipe.to_json())]


def test_id3_as_mutagen_reads_it(tmp_path: Path) -> None:
    for name in ("mp3", "wav"):
        path = write_audio(tmp_path / f"a.{name}", noise(), METADATA, RECIPE.to_json())
        tags: Any = mutagen.File(path).tags  # type: ignore[attr-defined]
        expected = {
            "TIT2": "Träume",
            "TPE1": "noisician",
            "TBPM": "92.5",
            "TKEY": "F#m",
            "TSSE": "noisician 0.1.0",
            "COMM::eng": PROMPT,
            "TXXX:PROMPT": PROMPT,
            "TXXX:SEED": "42",
            "TXXX:MODE": "dorian",
            "TXXX:TIME_SIGNATURE": "3/4",
        }
        assert {frame: str(tags[frame]) for frame in expected} == expected
        chapter = tags["CHAP:ch1"]
        assert (chapter.start_time, chapter.end_time) == (250, 680)
        assert str(chapter.sub_frames["TIT2"]) == "verse 🎹"
        assert tags["CTOC:toc"].child_element_ids == ["ch0", "ch1"]


def test_vorbis_comments_as_mutagen_reads_them(tmp_path: Path) -> None:
    for name in ("flac", "ogg"):
        path = write_audio(tmp_path / f"a.{name}", noise(), METADATA, RECIPE.to_json())
        tags: Any = mutagen.File(path).tags  # type: ignore[attr-defined]
        expected = {
            "TITLE": "Träume",
            "ARTIST": "noisician",
            "COMMENT": PROMPT,
            "BPM": "92.5",
            "INITIALKEY": "F#m",
            "ENCODER": "noisician 0.1.0",
            "PROMPT": PROMPT,
            "SEED": "42",
            "MODE": "dorian",
            "TIME_SIGNATURE": "3/4",
            "CHAPTER002": "00:00:00.250",
            "CHAPTER002NAME": "verse 🎹",
            "NOISICIAN_RECIPE": pack(RECIPE.to_json()),
        }
        assert {field: tags[field][0] for field in expected} == expected
        assert len(tags) == len(expected) + 2  # CHAPTER001 and its name


def test_loop_length_in_vorbis_comments(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.ogg", noise(1000), Metadata(loop=True))
    tags: Any = mutagen.File(path).tags  # type: ignore[attr-defined]
    assert (tags["LOOPSTART"], tags["LOOPLENGTH"]) == (["0"], ["1000"])


def test_other_editors_may_rewrite_the_tags(tmp_path: Path) -> None:
    """ID3v2.3 with UTF-16, and Vorbis comments written anew, still hold the recipe."""
    mp3 = write_audio(tmp_path / "a.mp3", noise(), METADATA, RECIPE.to_json())
    tags = ID3(mp3)
    tags.update_to_v23()
    tags.save(mp3, v2_version=3)
    assert mp3.read_bytes()[3] == 3
    assert read_recipe(mp3) == RECIPE
    for name in ("flac", "ogg"):
        path = write_audio(tmp_path / f"a.{name}", noise(), METADATA, RECIPE.to_json())
        file: Any = mutagen.File(path)  # type: ignore[attr-defined]
        file.tags["ALBUM"] = "mine"
        file.save()
        assert read_recipe(path) == RECIPE


def test_unsynchronised_id3_frames_are_read() -> None:
    content = b"\x03NOISICIAN_RECIPE\0word\xff\x00end"
    frame = b"TXXX" + bytes([0, 0, 0, len(content) + 4, 0, 0x03]) + b"\0\0\0\x1b" + content
    tag = b"ID3\x04\0\x80" + bytes([0, 0, 0, len(frame)]) + frame
    assert find_recipe(io.BytesIO(tag), "x") == "word�end"


@pytest.mark.parametrize("recipe_chars", [0, 100, 64_000, 65_025, 400_000])
def test_ogg_pages_are_sound(recipe_chars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "pack", lambda text: text)
    data = file_bytes(noise(50_000), METADATA, AudioFormat("ogg"), "x" * recipe_chars)
    pages = list(read_pages(io.BytesIO(data), "x"))
    assert b"".join(page.to_bytes() for page in pages) == data  # includes every checksum
    assert [page.number for page in pages] == list(range(len(pages)))
    assert len({page.serial for page in pages}) == 1
    assert [page.flags & 2 for page in pages] == [2] + [0] * (len(pages) - 1)
    assert [page.flags & 4 for page in pages] == [0] * (len(pages) - 1) + [4]
    for before, page in pairwise(pages):
        assert (page.flags & 1) == (before.lacing[-1] == 255)
    assert pages[-1].granule == 50_000
    assert soundfile.info(io.BytesIO(data)).frames == 50_000


def test_page_layout() -> None:
    page = Page(flags=2, granule=5, serial=7, number=3, lacing=b"\x02", body=b"ab").to_bytes()
    head = b"OggS\0\x02\x05\0\0\0\0\0\0\0\x07\0\0\0\x03\0\0\0"
    assert page[:22] == head
    assert page[26:] == b"\x01\x02ab"
    assert struct.unpack("<I", page[22:26])[0] == checksum(head + bytes(4) + b"\x01\x02ab")


def test_text_that_no_tag_can_hold_is_cleaned(tmp_path: Path) -> None:
    odd = Metadata(title="a\0b\udcff", prompt="line one\nline two")
    for name in ("wav", "flac", "ogg", "mp3"):
        tags: Any = mutagen.File(write_audio(tmp_path / f"a.{name}", noise(), odd)).tags  # type: ignore[attr-defined]
        title = tags["TIT2" if name in ("wav", "mp3") else "TITLE"]
        assert str(title if name in ("wav", "mp3") else title[0]) == "ab?"


# Reading back what is not ours, or no longer whole


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
def test_foreign_audio_has_no_recipe(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"foreign.{name}"
    soundfile.write(path, noise(5000), 44100)
    with pytest.raises(FileError) as error:
        read_recipe(path)
    assert "was not made by noisician" in one_line(error)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3"])
def test_truncated_files_get_one_line(tmp_path: Path, name: str) -> None:
    path = write_audio(tmp_path / f"a.{name}", noise(3000), METADATA, RECIPE.to_json())
    data = path.read_bytes()
    for size in (0, 1, 5, 20, 60, 200, 600, len(data) - 10 if name == "wav" else 700):
        path.write_bytes(data[:size])
        with pytest.raises(FileError) as error:
            read_recipe(path)
        assert str(path) in one_line(error)
    if name == "wav":
        assert "cut short" in str(error.value)


def test_every_damaged_byte_of_the_recipe_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.ogg", noise(2000), METADATA, RECIPE.to_json())
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(data[:1500])
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_recipe(path) == RECIPE
        except FileError as error:
            assert "\n" not in str(error)


def test_sidecar_and_other_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(RECIPE.to_json(), encoding="utf-8")
    assert read_recipe(path) == RECIPE
    path.write_text("\ufeff" + RECIPE.to_json(), encoding="utf-8")
    assert read_recipe(path) == RECIPE
    for text in (json.dumps({"a": 1}), "{broken"):
        path.write_text(text)
        with pytest.raises(FileError) as error:
            read_recipe(path)
        assert str(path) in one_line(error)


def test_missing_and_text_files(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        read_recipe(tmp_path / "none.wav")
    with pytest.raises(FileError, match="is a folder without"):
        read_recipe(tmp_path)
    with pytest.raises(FileError, match="cannot be read"):
        read_recipe("nul\0byte")
    (tmp_path / "a.wav").write_text("hello")
    with pytest.raises(FileError, match="was not made by noisician"):
        read_recipe(tmp_path / "a.wav")


# Choosing the format


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.xyz", {}, "unknown extension '.xyz'; choose wav, flac, ogg or mp3"),
        ("a", {}, "unknown extension ''"),
        ("a.wav", {"format": "aiff"}, "unknown format 'aiff'"),
        ("a.wav", {"format": "mp3"}, "the extension says wav, the format asked for is mp3"),
        ("a.flac", {"bit_depth": 32}, "flac takes 16, 24"),
        ("a.wav", {"bit_depth": 8}, "8 bits a sample, wav takes 16, 24, 32"),
    ],
)
def test_refuses_unknown_formats(tmp_path: Path, name: str, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / name, noise(10), METADATA, **options)
    assert expected in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_loop_as_mp3_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / "a.mp3", noise(10), Metadata(loop=True))
    assert "encoder pads both ends" in one_line(error)


def test_format_without_extension_and_capitals(tmp_path: Path) -> None:
    assert soundfile.info(write_audio(tmp_path / "a", noise(10), METADATA, format="FLAC")).format == "FLAC"
    assert soundfile.info(write_audio(tmp_path / "B.WAV", noise(10), METADATA)).format == "WAV"


def test_headers_without_end_are_refused() -> None:
    empty_pages = (b"OggS" + bytes(22) + b"\0") * 2000
    with pytest.raises(FileError, match="header exceeds"):
        find_ogg_recipe(io.BytesIO(empty_pages), "x.ogg")
    comments = struct.pack("<II", 0, 20_000) + bytes(4 * 20_000)
    with pytest.raises(FileError, match="announces 20000 fields"):
        parse_comments(comments, "x.flac")
