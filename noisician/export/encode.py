"""Samples to the bytes of a sound file: WAV written here, FLAC, OGG Vorbis and MP3 through libsndfile.

Work proceeds in blocks of one second: WAV streams, and libsndfile's Vorbis encoder crashes on one write of more
than about a minute and a half (python-soundfile issue 426).
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import FileError
from noisician.export import id3, ogg, riff, vorbis
from noisician.export.metadata import Metadata
from noisician.mel import SAMPLE_RATE_HZ
from noisician.recipe import pack

FORMATS = ("wav", "flac", "ogg", "mp3")
_EXTENSIONS = {".wav": "wav", ".wave": "wav", ".flac": "flac", ".ogg": "ogg", ".oga": "ogg", ".mp3": "mp3"}
_BIT_DEPTHS = {"wav": (16, 24, 32), "flac": (16, 24)}
# libsndfile's scale runs from 0 (best, largest) to 1. MP3: VBR V0, about 245 kbit/s; Vorbis: quality 7.
_MP3_COMPRESSION, _OGG_COMPRESSION, _FLAC_COMPRESSION = 0.0, 0.3, 0.625


@dataclass(frozen=True)
class AudioFormat:
    """``name`` is one of FORMATS. ``bit_depth`` (16, 24, 32 = float) and ``factor``, by which samples are multiplied on
    their way, concern WAV and FLAC only."""

    name: str = "wav"
    bit_depth: int = 24
    sample_rate_hz: int = SAMPLE_RATE_HZ
    factor: float = 1.0


@dataclass(frozen=True)
class Encoded:
    """The bytes of a file in order, and how many they are."""

    pieces: Iterable[bytes | memoryview]
    size_bytes: int


def choose_format(path: Path, name: str | None, bit_depth: int, loop: bool) -> str:
    """The format by ``name`` or else by the path's extension; refuses what cannot work, before any work."""
    by_extension = _EXTENSIONS.get(path.suffix.lower())
    chosen = (name or by_extension or "").lower().lstrip(".")
    if chosen not in FORMATS:
        what = f"format {name!r}" if name else f"extension {path.suffix!r}"
        raise FileError(f"{path}: unknown {what}; choose wav, flac, ogg or mp3")
    if by_extension is not None and by_extension != chosen:
        raise FileError(f"{path}: the extension says {by_extension}, the format asked for is {chosen}; drop one")
    depths = _BIT_DEPTHS.get(chosen)
    if depths and bit_depth not in depths:
        listed = ", ".join(map(str, depths))
        raise FileError(f"{path}: {bit_depth} bits a sample, {chosen} takes {listed} (32 is float, WAV only)")
    if loop and chosen == "mp3":
        raise FileError(
            f"{path}: a loop cannot be MP3, whose encoder pads both ends with silence; choose wav, flac or ogg"
        )
    return chosen


def encode(
    samples: np.ndarray,
    metadata: Metadata,
    recipe_json: str | None,
    audio: AudioFormat,
    earlier: Path | None = None,
) -> Encoded:
    """Encode ``[frames]`` or ``[frames, channels]`` (1 or 2) of full scale ±1; beyond it integers clip.

    16 bit is dithered with triangular noise of ±1 step (TPDF; Lipshitz et al., JAES 1992) drawn from the seed. Where
    FLAC is wanted and the file ``earlier`` holds these very samples as FLAC, its frames are copied instead.
    """
    samples = _checked(samples)
    packed = None if recipe_json is None else pack(recipe_json)
    frames = len(samples)
    if audio.name == "wav":
        return _encode_wav(samples, metadata, packed, audio)
    fields = vorbis.comment_fields(metadata, frames, packed)
    if audio.name == "flac" and earlier is not None:
        copied = _copied(earlier, samples, metadata, audio, fields)
        if copied is not None:
            return _joined(copied)
    encoded = _through_libsndfile(samples, metadata, audio)
    if audio.name == "mp3":
        tag = id3.build_tag(metadata, frames / audio.sample_rate_hz, packed)
        return _joined([tag, encoded.getbuffer()])
    if audio.name == "flac":
        return _joined(vorbis.with_flac_comments(encoded.getbuffer(), fields))
    encoded.seek(0)
    serial = zlib.crc32((packed or metadata.prompt).encode("utf-8", "replace"))
    return _joined(list(ogg.with_ogg_comments(encoded, fields, serial)))


def quantise(block: np.ndarray, bit_depth: int, dither: np.random.Generator | None = None) -> np.ndarray:
    """Integers of ``bit_depth`` as int32; with ``dither``, TPDF noise of two uniform draws is added first."""
    full_scale = 2 ** (bit_depth - 1)
    scaled = block.astype(np.float64) * full_scale
    if dither is not None:
        draws = dither.random((*block.shape, 2))
        scaled += draws[..., 0] - draws[..., 1]
    return np.clip(np.rint(scaled), -full_scale, full_scale - 1).astype(np.int32)


def _checked(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples)
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.ndim != 2 or samples.shape[1] not in (1, 2):
        raise FileError(f"samples of shape {samples.shape}: [frames] or [frames, 1 or 2 channels] expected")
    if not len(samples):
        raise FileError("no samples to write (0 frames); the track is empty")
    if not np.isfinite(samples).all():
        raise FileError("the samples hold NaN or infinity; nothing is written, a model or effect has failed")
    return samples


def _encode_wav(samples: np.ndarray, metadata: Metadata, packed: str | None, audio: AudioFormat) -> Encoded:
    frames, channels = samples.shape
    trailer = riff.music_chunks(metadata, frames, audio.sample_rate_hz)
    trailer += riff.chunk(b"id3 ", id3.build_tag(metadata, frames / audio.sample_rate_hz, None))
    if packed is not None:
        trailer += riff.chunk(riff.RECIPE_CHUNK, packed.encode("ascii"))
    head = riff.wav_header(frames, channels, audio.sample_rate_hz, audio.bit_depth, len(trailer))
    data_bytes = frames * channels * audio.bit_depth // 8
    padding = b"\0" * (data_bytes % 2)

    def pieces() -> Iterator[bytes]:
        yield head
        for block in _pcm_blocks(samples, metadata, audio):
            yield _little_endian(block, audio.bit_depth)
        yield padding + trailer

    return Encoded(pieces(), len(head) + data_bytes + len(padding) + len(trailer))


def _little_endian(block: np.ndarray, bit_depth: int) -> bytes:
    if bit_depth == 32:
        return block.astype("<f4").tobytes()
    if bit_depth == 16:
        return block.astype("<i2").tobytes()
    four_bytes = np.ascontiguousarray(block.astype("<i4")).view(np.uint8).reshape(-1, 4)
    packed = np.empty((len(four_bytes), 3), np.uint8)
    for place in range(3):  # in columns, four times as fast as in rows of three bytes
        packed[:, place] = four_bytes[:, place]
    return packed.tobytes()


def _pcm_blocks(samples: np.ndarray, metadata: Metadata, audio: AudioFormat) -> Iterator[np.ndarray]:
    """Seconds of integers (16 and 24 bit) or of the float samples themselves."""
    dither = None
    if audio.bit_depth == 16:  # the title differs between stems, whose dither must not add up when they are mixed
        dither = np.random.default_rng([metadata.seed or 0, zlib.crc32(metadata.title.encode("utf-8", "replace"))])
    for start in range(0, len(samples), audio.sample_rate_hz):
        block = samples[start : start + audio.sample_rate_hz]
        if audio.factor != 1.0:
            block = block * np.float32(audio.factor)
        yield block if audio.bit_depth == 32 else quantise(block, audio.bit_depth, dither)


def _copied(
    earlier: Path, samples: np.ndarray, metadata: Metadata, audio: AudioFormat, fields: list[tuple[str, str]]
) -> list[bytes | memoryview] | None:
    """The pieces of a FLAC file with other comments; None where it does not hold these samples or cannot be read."""
    try:
        with earlier.open("rb") as file:
            held = vorbis.flac_samples(file.read(vorbis.FLAC_SAMPLES_END))
            if held is None or held != _flac_samples_of(samples, metadata, audio):
                return None
            file.seek(0)
            return vorbis.with_flac_comments(memoryview(file.read()), fields)
    except (OSError, IndexError, FileError):  # gone or damaged since it was written
        return None


def _flac_samples_of(samples: np.ndarray, metadata: Metadata, audio: AudioFormat) -> vorbis.FlacSamples:
    frames, channels = samples.shape
    digest = hashlib.md5(usedforsecurity=False)
    for block in _pcm_blocks(samples, metadata, audio):
        digest.update(_little_endian(block, audio.bit_depth))
    return vorbis.FlacSamples(audio.sample_rate_hz, channels, audio.bit_depth, frames, digest.digest())


def _through_libsndfile(samples: np.ndarray, metadata: Metadata, audio: AudioFormat) -> io.BytesIO:
    import soundfile

    name = audio.name.upper()
    if name not in soundfile.available_formats():
        raise FileError(f"the installed libsndfile {soundfile.__libsndfile_version__} cannot write {name}; use wav")
    options: dict[str, Any] = {
        "flac": {"subtype": f"PCM_{audio.bit_depth}", "compression_level": _FLAC_COMPRESSION},
        "ogg": {"subtype": "VORBIS", "compression_level": _OGG_COMPRESSION},
        "mp3": {
            "subtype": "MPEG_LAYER_III",
            "bitrate_mode": "VARIABLE",
            "compression_level": _MP3_COMPRESSION,
        },
    }[audio.name]
    memory = io.BytesIO()
    try:
        with soundfile.SoundFile(memory, "w", audio.sample_rate_hz, samples.shape[1], format=name, **options) as file:
            for block in _encoder_blocks(samples, metadata, audio):
                file.write(block)
    except (soundfile.SoundFileError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"cannot encode {name} at {audio.sample_rate_hz} Hz ({reason})") from None
    return memory


def _encoder_blocks(samples: np.ndarray, metadata: Metadata, audio: AudioFormat) -> Iterator[np.ndarray]:
    if audio.name != "flac":
        for start in range(0, len(samples), audio.sample_rate_hz):
            yield np.clip(samples[start : start + audio.sample_rate_hz], -1, 1).astype(np.float32)
        return
    for block in _pcm_blocks(samples, metadata, audio):  # libsndfile takes integers left-aligned
        yield block << (32 - audio.bit_depth)


def _joined(pieces: list[bytes | memoryview]) -> Encoded:
    return Encoded(pieces, sum(map(len, pieces)))
