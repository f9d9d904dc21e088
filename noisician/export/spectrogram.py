"""Mel spectrograms as pictures: low notes at the bottom, time to the right, loudness as light."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from noisician.audio import resample
from noisician.export.embed import PNG_SIGNATURE, png_chunk, png_recipe_chunk
from noisician.export.transaction import Transaction
from noisician.mel import HOP, LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ, log_mel_between

_PICTURE_WIDTH_PX = 1200
_BAND_HEIGHT_PX = 3
_CHUNK_FRAMES = 2048
#: Marks of bars are this part of the height.
_TICK = 16
# Lightness and hue of the map's ends in OKLCH; the hue turns from violet over red to yellow.
_DARK, _LIGHT = 0.08, 0.97
_FIRST_HUE_DEG, _LAST_HUE_DEG = 285.0, 465.0
_HIGHEST_CHROMA = 0.17
# OKLab to cone responses and these to linear sRGB (B. Ottosson, "A perceptual color space", 2020).
_LAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@cache
def colour_map() -> np.ndarray:
    """256 colours uint8 ``[256, 3]`` whose perceived lightness (OKLab) rises in equal steps.

    Equal differences of level look equally large, and the picture survives printing in grey.
    """
    place = np.linspace(0.0, 1.0, 256)
    lightness = _DARK + (_LIGHT - _DARK) * place
    hue = np.deg2rad(_FIRST_HUE_DEG + (_LAST_HUE_DEG - _FIRST_HUE_DEG) * place)
    chroma = _HIGHEST_CHROMA * np.sin(np.pi * place) ** 0.8  # none at the ends, where sRGB has no room
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    linear = np.clip((lab @ _LAB_TO_CONES.T) ** 3 @ _CONES_TO_RGB.T, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def picture_of_mel(mel: np.ndarray, loudest: float | None = None) -> np.ndarray:
    """Log-mel ``[frames, bands]`` (natural logarithm) to RGB uint8 ``[bands, frames, 3]``.

    Black is the floor of :func:`noisician.mel.log_mel`, white ``loudest`` (by default the highest value, but at
    least one neper above the floor, so that silence stays black).
    """
    floor = float(np.log(LOG_FLOOR))
    peak = float(mel.max(initial=floor)) if loudest is None else loudest
    level = np.clip((mel - floor) / max(1.0, peak - floor), 0.0, 1.0)
    return colour_map()[np.rint(255 * level).astype(np.uint8)].transpose(1, 0, 2)[::-1]


def png_bytes(picture: np.ndarray, recipe_json: str | None = None) -> bytes:
    """RGB uint8 ``[height, width, 3]`` as PNG (8 bits, lossless), the recipe in a text chunk."""
    height, width, _ = picture.shape
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row begins with filter type 0, none
    rows[:, 1:] = picture.reshape(height, -1)
    return (
        PNG_SIGNATURE
        + png_chunk(b"IHDR", header)
        + (png_recipe_chunk(recipe_json) if recipe_json is not None else b"")
        + png_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + png_chunk(b"IEND", b"")
    )


def spectrogram_picture(samples: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """RGB uint8 ``[384, at most 1200, 3]`` of ``[frames]`` or ``[frames, channels]`` (channels are averaged)."""
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    mono = resample(np.asarray(mono, np.float32), sample_rate_hz, SAMPLE_RATE_HZ)
    frames = max(1, len(mono) // HOP)
    columns = min(frames, _PICTURE_WIDTH_PX)
    edges = np.linspace(0, frames, columns + 1).astype(np.int64)
    sums = np.zeros((columns, MEL_BANDS))
    for start in range(0, frames, _CHUNK_FRAMES):
        mel = log_mel_between(mono, start, min(frames, start + _CHUNK_FRAMES))
        column = np.searchsorted(edges, np.arange(start, start + len(mel)), side="right") - 1
        np.add.at(sums, column, mel)
    picture = picture_of_mel(sums / np.diff(edges)[:, None])
    wider = max(1, _PICTURE_WIDTH_PX // columns)
    return picture.repeat(_BAND_HEIGHT_PX, axis=0).repeat(wider, axis=1)


def marked_picture(
    samples: np.ndarray, sample_rate_hz: int, bars_s: Sequence[float], borders_s: Sequence[float]
) -> np.ndarray:
    """:func:`spectrogram_picture` with a line where each bar begins, at the bottom, and from bottom to top where a
    section does."""
    picture = spectrogram_picture(samples, sample_rate_hz)
    height, width, _ = picture.shape
    length_s = max(len(samples) / sample_rate_hz, 1e-9)
    for times, top in ((bars_s, height - height // _TICK), (borders_s, 0)):
        for time_s in times:
            column = round(time_s / length_s * width)
            if 0 <= column < width:
                picture[top:, column] = 255 - picture[top:, column] // 3
    return picture


def spectrogram_png(
    samples: np.ndarray,
    sample_rate_hz: int,
    path: str | os.PathLike[str],
    *,
    recipe_json: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write :func:`spectrogram_picture` as PNG, whole or not at all; :class:`FileError` if it may not."""
    return write_png(spectrogram_picture(samples, sample_rate_hz), path, recipe_json=recipe_json, overwrite=overwrite)


def write_png(
    picture: np.ndarray, path: str | os.PathLike[str], *, recipe_json: str | None = None, overwrite: bool = False
) -> Path:
    """Write RGB uint8 ``[height, width, 3]`` as PNG, whole or not at all; :class:`FileError` if it may not."""
    data = png_bytes(picture, recipe_json)
    with Transaction(overwrite) as transaction:
        transaction.write(Path(path), [data], len(data))
        transaction.commit()
    return Path(path)
