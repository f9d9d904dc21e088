"""RIFF/WAVE: header, the chunks after the samples, and reading one chunk back.

Layouts: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0" (fmt, fact, data, cue, LIST
adtl, LIST INFO), "New Multimedia Data Types and Data Techniques" (smpl), Sonic Foundry's acid chunk as samplers
read it. Everything is little-endian; chunks are padded to even length. What describes the music follows the
samples, because simple players take everything behind a 44-byte header for sound.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from noisician.errors import FileError
from noisician.export.metadata import Metadata, clean_text, pitch_class

#: Our own chunk: the packed recipe. Unknown chunks must be skipped by every reader.
RECIPE_CHUNK = b"nois"
_PCM, _IEEE_FLOAT = 1, 3
_ONE_SHOT, _ROOT_SET, _STRETCH = 1, 2, 4
_ROOT_C = 0x30
_MIDDLE_C = 60
_SIZE_LIMIT_BYTES = 2**32 - 1


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wav_header(frames: int, channels: int, sample_rate_hz: int, bit_depth: int, trailer_bytes: int) -> bytes:
    """Everything before the samples. ``bit_depth`` 32 is float; ``trailer_bytes`` counts the chunks after them
    (not the data chunk's own padding)."""
    block_bytes = channels * bit_depth // 8
    is_float = bit_depth == 32
    fmt = struct.pack(
        "<HHIIHH",
        _IEEE_FLOAT if is_float else _PCM,
        channels,
        sample_rate_hz,
        sample_rate_hz * block_bytes,
        block_bytes,
        bit_depth,
    )
    head = chunk(b"fmt ", fmt)
    if is_float:  # formats other than PCM state an extension size and the number of frames
        head = chunk(b"fmt ", fmt + struct.pack("<H", 0)) + chunk(b"fact", struct.pack("<I", frames))
    data_bytes = frames * block_bytes
    riff_bytes = 4 + len(head) + 8 + data_bytes + data_bytes % 2 + trailer_bytes
    if riff_bytes > _SIZE_LIMIT_BYTES:
        raise FileError(f"{riff_bytes} bytes exceed WAV's limit of {_SIZE_LIMIT_BYTES}; export as FLAC or shorter")
    return b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + head + b"data" + struct.pack("<I", data_bytes)


def music_chunks(metadata: Metadata, frames: int, sample_rate_hz: int) -> bytes:
    """acid, smpl (loops only), cue and LIST adtl (sections), LIST INFO; each only where there is something."""
    return (
        _acid_chunk(metadata, frames / sample_rate_hz)
        + (_loop_chunk(metadata, frames, sample_rate_hz) if metadata.loop else b"")
        + _marker_chunks(metadata, frames, sample_rate_hz)
        + _info_chunk(metadata)
    )


def find_chunk(file: BinaryIO, name: bytes, source: str) -> bytes | None:
    """Content of the first chunk of that name in a RIFF/WAVE file, skipping over the samples."""
    end = file.seek(0, 2)
    file.seek(4)
    announced_end = 8 + struct.unpack("<I", file.read(4))[0]
    at = 12
    while at + 8 <= end:
        file.seek(at)
        found, size = struct.unpack("<4sI", file.read(8))
        if found == name:
            content = file.read(min(size, end - at - 8))
            if len(content) < size:
                raise FileError(f"{source}: its {name.decode()} chunk is cut short; the file is damaged")
            return content
        at += 8 + size + size % 2
    if end < announced_end < _SIZE_LIMIT_BYTES:  # the limit itself stands for "unknown" in streamed files
        raise FileError(f"{source}: {end} of {announced_end} bytes are there; cut short by a broken copy")
    return None


def _acid_chunk(metadata: Metadata, duration_s: float) -> bytes:
    """Tempo, length in beats, metre and root. The chunk counts quarter notes, also in 6/8."""
    if metadata.tempo_bpm is None:
        return b""
    numerator, denominator = _signature(metadata)
    quarters_per_beat = 1.5 if denominator == 8 and numerator % 3 == 0 else 1.0
    beats = duration_s * metadata.tempo_bpm / 60 if metadata.beats is None else metadata.beats
    root = pitch_class(metadata.key)
    flags = (_STRETCH if metadata.loop else _ONE_SHOT) | (_ROOT_SET if root is not None else 0)
    return chunk(
        b"acid",
        struct.pack(
            "<IHHfIHHf",
            flags,
            _ROOT_C + (root or 0),
            0,
            0.0,
            round(beats * quarters_per_beat),
            denominator,
            numerator,
            metadata.tempo_bpm * quarters_per_beat,
        ),
    )


def _signature(metadata: Metadata) -> tuple[int, int]:
    numerator, _, denominator = (metadata.time_signature or "4/4").partition("/")
    return int(numerator), int(denominator)


def _loop_chunk(metadata: Metadata, frames: int, sample_rate_hz: int) -> bytes:
    """One forward loop without end over the whole file; its last frame is inclusive."""
    root = pitch_class(metadata.key)
    unity_note = _MIDDLE_C + (root or 0)
    nanoseconds_per_frame = round(1e9 / sample_rate_hz)
    head = struct.pack("<9I", 0, 0, nanoseconds_per_frame, unity_note, 0, 0, 0, 1, 0)
    loop = struct.pack("<6I", 0, 0, 0, frames - 1, 0, 0)
    return chunk(b"smpl", head + loop)


def _marker_chunks(metadata: Metadata, frames: int, sample_rate_hz: int) -> bytes:
    if not metadata.sections:
        return b""
    points, labels = [], []
    for number, marker in enumerate(metadata.sections, start=1):
        frame = min(frames - 1, max(0, round(marker.start_s * sample_rate_hz)))
        points.append(struct.pack("<II4sIII", number, frame, b"data", 0, 0, frame))
        labels.append(chunk(b"labl", struct.pack("<I", number) + _text(marker.name)))
    cue = chunk(b"cue ", struct.pack("<I", len(points)) + b"".join(points))
    return cue + chunk(b"LIST", b"adtl" + b"".join(labels))


def _info_chunk(metadata: Metadata) -> bytes:
    fields = {
        b"INAM": metadata.title or metadata.prompt,
        b"IART": metadata.artist,
        b"ICMT": metadata.prompt,
        b"ISFT": metadata.software,
    }
    items = b"".join(chunk(name, _text(value)) for name, value in fields.items() if value)
    return chunk(b"LIST", b"INFO" + items) if items else b""


def _text(text: str) -> bytes:
    return clean_text(text).encode() + b"\0"
