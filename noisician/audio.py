"""Reading sound files, changing sample rates, and decibels.

Samples are float32 ``[frames, channels]``, full scale is ±1. The library works at :data:`SAMPLE_RATE_HZ`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import FileError
from noisician.mel import SAMPLE_RATE_HZ

#: What silence is called in decibels, instead of minus infinity.
SILENCE_DB = -120.0
_BLOCK_FRAMES = 2**20
#: libsndfile announces about 2^63 frames where a stream does not state its length.
_UNKNOWN_FRAMES = 2**62


def db_to_gain(level_db: float) -> float:
    """Amplitude factor of a level: 10^(dB / 20)."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float, silence_db: float = SILENCE_DB) -> float:
    """Level of an amplitude, never below ``silence_db`` (so that zero has one)."""
    return max(silence_db, 20.0 * float(np.log10(max(abs(gain), 1e-30))))


def peak_db(samples: np.ndarray) -> float:
    """Highest absolute sample in dBFS; :data:`SILENCE_DB` for silence or no samples."""
    return gain_to_db(float(np.max(np.abs(samples)))) if samples.size else SILENCE_DB


def fade(samples: np.ndarray, fade_in_s: float, fade_out_s: float) -> np.ndarray:
    """Raised-cosine fades at both ends of mono samples at 44.1 kHz, at most half of them each; in place."""
    for duration_s, end in ((fade_in_s, False), (fade_out_s, True)):
        count = min(round(duration_s * SAMPLE_RATE_HZ), len(samples) // 2)
        if count < 1:
            continue
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)).astype(samples.dtype)
        if end:
            samples[-count:] *= ramp[::-1]
        else:
            samples[:count] *= ramp
    return samples


def resample(samples: np.ndarray, from_hz: float, to_hz: float = SAMPLE_RATE_HZ) -> np.ndarray:
    """Band-limited resampling of ``[frames]`` or ``[frames, channels]``; float32, the same object if equal."""
    if from_hz <= 0 or to_hz <= 0:
        raise ValueError(f"sample rates must be positive, got {from_hz} Hz and {to_hz} Hz")
    if from_hz == to_hz or not len(samples):
        return samples
    import soxr

    return soxr.resample(np.ascontiguousarray(samples, np.float32), from_hz, to_hz, quality="HQ")


def read_audio(path: str | os.PathLike[str], max_duration_s: float | None = None) -> tuple[np.ndarray, int]:
    """Read a WAV, FLAC, OGG, MP3 or other file that libsndfile knows.

    Returns ``(samples [frames, channels] float32, sample_rate_hz)`` at the file's own rate.
    Raises :class:`FileError` if the file is missing, a folder, empty, not audio, damaged, without samples,
    or longer than ``max_duration_s``.
    """
    _check_readable(Path(path))
    import soundfile

    try:
        with soundfile.SoundFile(os.fspath(path)) as file:
            rate_hz, announced = int(file.samplerate), int(file.frames)
            limit = announced if max_duration_s is None else int(max_duration_s * rate_hz)
            if _UNKNOWN_FRAMES > announced > limit:
                raise _too_long(path, announced / rate_hz, limit / rate_hz)
            samples = _read_blocks(file, path, limit)
            exact = announced < _UNKNOWN_FRAMES and file.format != "MP3"  # MP3 estimates its length
    except (soundfile.SoundFileError, OSError) as error:
        raise FileError(f"{path}: cannot be read as audio ({_reason(error)}); damaged, or not audio") from None
    if not len(samples):
        raise FileError(f"{path}: contains no samples; an interrupted export leaves such a file")
    if exact and len(samples) < announced:
        raise FileError(f"{path}: ends before its announced length; truncated by a broken copy or download")
    if not np.isfinite(samples).all():
        raise FileError(f"{path}: contains samples that are not numbers (NaN or infinity); damaged")
    return samples, rate_hz


def _read_blocks(file: Any, path: str | os.PathLike[str], limit_frames: int) -> np.ndarray:
    """All samples. In blocks, because a damaged header may announce more than memory holds."""
    blocks = [np.zeros((0, file.channels), np.float32)]
    total = 0
    while len(block := file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)):
        blocks.append(block)
        total += len(block)
        if total > limit_frames:
            raise _too_long(path, total / file.samplerate, limit_frames / file.samplerate)
    return np.concatenate(blocks)


def _too_long(path: str | os.PathLike[str], duration_s: float, limit_s: float) -> FileError:
    return FileError(f"{path}: at least {duration_s:.1f} s long, the limit is {limit_s:g} s; cut it first")


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise FileError(f"{path}: is a folder, an audio file was expected")
        with path.open("rb") as file:
            if not file.read(1):
                raise FileError(f"{path}: is empty (0 bytes), an audio file was expected")
    except FileNotFoundError:
        raise FileError(f"{path}: does not exist; check the spelling and the folder") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path!s}: cannot be read ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """The cause on one line: libsndfile's or the system's own words, without the path that is stated before."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = getattr(error, "error_string", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
