from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from noisician.errors import FileError
from noisician.export import picture_of_mel, png_bytes, read_recipe, spectrogram_picture, spectrogram_png
from noisician.export.spectrogram import colour_map
from noisician.mel import LOG_FLOOR, log_mel, log_mel_between
from noisician.recipe import Recipe
from noisician.request import Request


def lightness(rgb: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB bytes, independent of the map's own construction."""
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def decode(png: bytes) -> np.ndarray:
    """A PNG of 8-bit RGB with unfiltered rows, checking every chunk's checksum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", png, at + 8 + size)[0] == zlib.crc32(name + content)
        found[name] = content
        at += 12 + size
    width, height, *rest = struct.unpack(">IIBBBBB", found[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_colour_map_rises_evenly_in_lightness() -> None:
    levels = lightness(colour_map().astype(float))
    assert colour_map().shape == (256, 3)
    assert levels[0] < 2
    assert levels[-1] > 93
    smoothed = levels[8:] - levels[:-8]
    assert smoothed.min() > 0
    assert smoothed[16:].max() < 2 * np.median(smoothed)


def test_low_bands_are_at_the_bottom_and_floor_is_darkest() -> None:
    mel = np.full((3, 128), np.log(LOG_FLOOR))
    mel[1, 0] = 2.0
    picture = picture_of_mel(mel)
    assert picture.shape == (128, 3, 3)
    assert picture.dtype == np.uint8
    assert (picture[127, 1] == colour_map()[255]).all()
    others = np.ones((128, 3), bool)
    others[127, 1] = False
    assert (picture[others] == colour_map()[0]).all()


def test_silence_and_empty_mels() -> None:
    assert (picture_of_mel(np.full((2, 128), np.log(LOG_FLOOR))) == colour_map()[0]).all()
    assert picture_of_mel(np.zeros((0, 128))).shape == (128, 0, 3)


def test_png_round_trip() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(png_bytes(picture)), picture)


def test_chunks_join_without_a_seam() -> None:
    mono = np.random.default_rng(0).standard_normal(512 * 40).astype(np.float32)
    pieces = [log_mel_between(mono, start, min(40, start + 7)) for start in range(0, 40, 7)]
    np.testing.assert_allclose(np.concatenate(pieces), log_mel(mono), atol=1e-5)


def test_a_tone_lies_where_it_sounds(tmp_path: Path) -> None:
    time_s = np.arange(44100) / 44100
    low, high = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (200, 5000))
    samples = np.concatenate([low, high])
    path = spectrogram_png(np.stack([samples, samples], axis=1), 44100, tmp_path / "a.png")
    picture = decode(path.read_bytes())
    assert picture.shape[0] == 384
    light = lightness(picture.astype(float))
    columns = light.shape[1]
    first, second = light[:, columns // 4].argmax(), light[:, 3 * columns // 4].argmax()
    assert first > 340
    assert second < 200


@pytest.mark.parametrize(("frames", "rate_hz"), [(1, 44100), (300, 44100), (20_000, 22050), (700_000, 44100)])
def test_width_is_bounded(frames: int, rate_hz: int) -> None:
    picture = spectrogram_picture(np.full(frames, 0.1, np.float32), rate_hz)
    assert picture.shape[0] == 384
    assert 600 < picture.shape[1] <= 1200


def test_picture_carries_the_recipe_and_is_not_overwritten(tmp_path: Path) -> None:
    recipe = Recipe(noisician="0.1.0", request=Request(prompt="夢"), seed=3)
    samples = np.zeros(5000, np.float32)
    path = spectrogram_png(samples, 44100, tmp_path / "a.png", recipe_json=recipe.to_json())
    decode(path.read_bytes())
    assert read_recipe(path) == recipe
    with pytest.raises(FileError, match="already exists"):
        spectrogram_png(samples, 44100, path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileError, match="cut short"):
        read_recipe(path)
    spectrogram_png(samples, 44100, path, overwrite=True)
    with pytest.raises(FileError, match="was not made by noisician"):
        read_recipe(path)
