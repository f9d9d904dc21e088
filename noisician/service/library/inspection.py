"""What an uploaded file is, told from its first bytes, and how long it plays, told from its headers alone.

No sample is decoded here and no decoder is run: the service looks at strangers' files with nothing but this.

Layouts: RIFF/WAVE (Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0"); FLAC (RFC 9639);
Ogg (RFC 3533) with Vorbis I, Opus (RFC 7845) or FLAC; MPEG audio (ISO/IEC 11172-3 and 13818-3, layer III).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from noisician.errors import FileError
from noisician.score.abc import is_abc

if TYPE_CHECKING:
    from noisician.service.settings import Settings

Format = Literal["wav", "flac", "ogg", "mp3", "mid", "musicxml", "abc", "png", "jpg", "json", "zip"]

AUDIO_FORMATS: tuple[Format, ...] = ("wav", "flac", "ogg", "mp3")
#: What holds notes.
NOTES_FORMATS: tuple[Format, ...] = ("mid", "musicxml", "abc")
PICTURE_FORMATS: tuple[Format, ...] = ("png", "jpg")
#: So many first bytes are enough for :func:`sniff`.
HEAD_BYTES = 64
SAMPLE_RATES_HZ = (4000, 384_000)
CHANNELS_LIMIT = 8
#: Ten minutes of stereo at 192 kHz fit. A few kilobytes of FLAC can announce far more.
DECODED_LIMIT_BYTES = 1 << 30

_DECODED_SAMPLE_BYTES = 4
_PCM_KINDS = (1, 3, 6, 7, 0xFFFE)  # integer, float, A-law, µ-law, extensible
_WAV_CHUNKS_LIMIT = 1000
_STREAMED = 0xFFFFFFFF  # a length that was not known when the header was written
_OGG_PAGE_LIMIT_BYTES = 65_307
_OPUS_RATE_HZ = 48_000
_NO_GRANULE = 2**64 - 1
_MP3_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MP3_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_SEARCH_BYTES = 1 << 16
_MP3_TRAILERS = (b"TAG", b"APE", b"LYR")  # ID3v1, APE and Lyrics3 tags behind the sound


@dataclass(frozen=True)
class Sound:
    """What a file's headers say of it; ``duration_s`` of an MP3 is counted no further than the limit. Notes in a MIDI
    file have no rate and no channels."""

    format: Format
    sample_rate_hz: int
    channels: int
    duration_s: float


def sniff(head: bytes) -> Format | None:
    """The format by a file's first bytes (``HEAD_BYTES`` suffice); None for any other."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    signatures: tuple[tuple[bytes, Format], ...] = (
        (b"fLaC", "flac"),
        (b"OggS", "ogg"),
        (b"ID3", "mp3"),
        (b"MThd", "mid"),
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"PK\x03\x04", "zip"),
    )
    for signature, name in signatures:
        if head.startswith(signature):
            return name
    if _mp3_frame(head[:4]) is not None:
        return "mp3"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<?xml", b"<score-", b"<!DOCTYPE score")):
        return "musicxml"
    if is_abc(text):
        return "abc"
    return "json" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else None


def check_upload(path: Path, settings: Settings) -> Sound:
    """What an uploaded file of sound or notes is. Raises FileError, one line without the path, for what is too large,
    too long (``settings.longest_upload_bytes`` and ``longest_upload_s``), damaged, or none of ``AUDIO_FORMATS`` and
    ``NOTES_FORMATS``."""
    limit_s = settings.longest_upload_s
    try:
        size = path.stat().st_size
        if size > settings.longest_upload_bytes:
            limit_mb = settings.longest_upload_bytes / 1e6
            raise FileError(f"the file has {size / 1e6:.1f} MB, the limit is {limit_mb:.0f} MB; cut it first")
        with path.open("rb") as file:
            kind = sniff(file.read(HEAD_BYTES))
            if kind in (*NOTES_FORMATS, "zip"):
                return _notes(path, "musicxml" if kind == "zip" else kind)
            if kind in PICTURE_FORMATS:  # looked at when it is used
                return Sound(kind, 0, 0, 0.0)
            file.seek(0)
            sound = _sound(file, size, limit_s)
    except OSError as error:
        raise FileError(f"the file cannot be read ({(error.strerror or str(error)).lower()})") from None
    except (struct.error, IndexError):
        raise FileError("the file's headers are cut short; it is damaged, or its upload broke off") from None
    _check_sound(sound, limit_s)
    return sound


def _notes(path: Path, kind: Format) -> Sound:
    from noisician.models.inputs import read_notes

    try:
        return Sound(kind, 0, 0, read_notes(str(path)).duration_s)
    except FileError as error:
        raise FileError(str(error).replace(str(path), "the file")) from None


def _sound(file: BinaryIO, size: int, limit_s: float) -> Sound:
    head = file.read(HEAD_BYTES)
    if not head:
        raise FileError("the file is empty (0 bytes); its upload broke off")
    name = sniff(head)
    readers: dict[str, Callable[[BinaryIO, int, float], Sound]] = {
        "wav": _wav,
        "flac": _flac,
        "ogg": _ogg,
        "mp3": _mp3,
    }
    if name not in readers:
        what = "no sound file that is known here" if name is None else f"{name.upper()}, not sound"
        raise FileError(f"the file is {what}; hand in WAV, FLAC, OGG, MP3, MIDI, MusicXML or ABC")
    file.seek(0)
    return readers[name](file, size, limit_s)


def _check_sound(sound: Sound, limit_s: float) -> None:
    low_hz, high_hz = SAMPLE_RATES_HZ
    if not low_hz <= sound.sample_rate_hz <= high_hz:
        raise FileError(f"the file has {sound.sample_rate_hz} Hz, {low_hz} to {high_hz} Hz are taken; damaged perhaps")
    if not 1 <= sound.channels <= CHANNELS_LIMIT:
        raise FileError(f"the file has {sound.channels} channels, 1 to {CHANNELS_LIMIT} are taken")
    if sound.duration_s <= 0:
        raise FileError("the file holds no samples; an interrupted export leaves such a file")
    if sound.duration_s > limit_s:
        least = "at least " if sound.format == "mp3" else ""
        raise FileError(f"the file is {least}{sound.duration_s:.1f} s long, the limit is {limit_s:g} s; cut it first")
    decoded = sound.duration_s * sound.sample_rate_hz * sound.channels * _DECODED_SAMPLE_BYTES
    if decoded > DECODED_LIMIT_BYTES:
        raise FileError(
            f"the file holds {decoded / 1e6:.0f} MB of samples, the limit is {DECODED_LIMIT_BYTES / 1e6:.0f} MB;"
            " lower its sample rate or cut it first"
        )


def _wav(file: BinaryIO, size: int, limit_s: float) -> Sound:
    at, fmt = 12, b""
    for _ in range(_WAV_CHUNKS_LIMIT):
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            fmt = file.read(min(length, 40))
        elif name == b"data":
            return _wav_sound(fmt, length, size - at - 8)
        at += 8 + length + length % 2
    raise FileError("the WAV file has no data chunk; damaged, or cut short by a broken upload")


def _wav_sound(fmt: bytes, announced: int, present: int) -> Sound:
    kind, channels, rate_hz, _, block_bytes = struct.unpack_from("<HHIIH", fmt)
    if kind not in _PCM_KINDS:
        raise FileError(f"the WAV file is compressed (kind {kind}); export it as PCM")
    if present < announced < _STREAMED:
        raise FileError(f"the WAV file holds {present} of {announced} bytes of sound; its upload broke off")
    frames = min(announced, present) // block_bytes if block_bytes else 0
    return Sound("wav", rate_hz, channels, frames / rate_hz if rate_hz else 0.0)


def _flac(file: BinaryIO, size: int, limit_s: float) -> Sound:
    file.seek(4)
    return Sound("flac", *_stream_info(file.read(38)))


def _stream_info(block: bytes) -> tuple[int, int, float]:
    """(rate in Hz, channels, seconds) of FLAC's first metadata block, its 4-byte header included."""
    if block[0] & 0x7F != 0 or len(block) < 38:
        raise FileError("the FLAC file does not begin with its stream's properties; damaged")
    rate_hz, channels, frames = _rate_channels_frames(block[14:22])
    if not frames:
        raise FileError("the FLAC file does not say how long it is; write it to disk instead of streaming it")
    return rate_hz, channels, frames / rate_hz if rate_hz else 0.0


def _rate_channels_frames(stream_info: bytes) -> tuple[int, int, int]:
    """From eight bytes of FLAC's stream properties; 0 frames are "not known"."""
    bits = int.from_bytes(stream_info, "big")
    return bits >> 44, (bits >> 41 & 7) + 1, bits & (1 << 36) - 1


def _ogg(file: BinaryIO, size: int, limit_s: float) -> Sound:
    page = file.read(27)
    segments = file.read(page[26])
    packet = file.read(min(sum(segments), 128))
    if packet[:5] == b"\x7fFLAC":
        rate_hz, channels, _ = _rate_channels_frames(packet[27:35])
        before = 0
    elif packet[:7] == b"\x01vorbis":
        channels, rate_hz = struct.unpack_from("<BI", packet, 11)
        before = 0
    elif packet[:8] == b"OpusHead":
        channels, before = struct.unpack_from("<BH", packet, 9)
        rate_hz = _OPUS_RATE_HZ
    else:
        raise FileError("the OGG file holds neither Vorbis, Opus nor FLAC; export it as one of them")
    frames = _last_granule(file, size, page[14:18]) - before
    return Sound("ogg", rate_hz, channels, frames / rate_hz if rate_hz else 0.0)


def _last_granule(file: BinaryIO, size: int, serial: bytes) -> int:
    """Samples up to the end of the stream's last page."""
    start = max(0, size - 2 * _OGG_PAGE_LIMIT_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"OggS")
    while at >= 0:
        if tail[at + 14 : at + 18] == serial and at + 27 <= len(tail):
            (granule,) = struct.unpack_from("<Q", tail, at + 6)
            if granule != _NO_GRANULE:
                return granule
        at = tail.rfind(b"OggS", 0, at)
    raise FileError("the OGG file does not say how long it is; damaged, or cut short by a broken upload")


@dataclass(frozen=True)
class _Mp3Frame:
    size_bytes: int
    samples: int
    rate_hz: int
    channels: int


def _mp3(file: BinaryIO, size: int, limit_s: float) -> Sound:
    """Walks from frame header to frame header: a variable bit rate cannot be told from the file's size."""
    at = _behind_id3(file)
    file.seek(at)
    at += _first_frame(file.read(_MP3_SEARCH_BYTES))
    first: _Mp3Frame | None = None
    duration_s = 0.0
    while at + 4 <= size and duration_s <= limit_s:
        file.seek(at)
        header = file.read(4)
        frame = _mp3_frame(header)
        if frame is None:
            if header[:3] in _MP3_TRAILERS or first is not None:
                break  # what follows the sound is none of it
            raise FileError("the MP3 file has no frames of layer III; damaged, or another kind of file")
        first = first or frame
        duration_s += frame.samples / frame.rate_hz
        at += frame.size_bytes
    if first is None:
        raise FileError("the MP3 file holds no sound; its upload broke off")
    return Sound("mp3", first.rate_hz, first.channels, duration_s)


def _behind_id3(file: BinaryIO) -> int:
    """Where the sound begins, behind a leading ID3v2 tag."""
    head = file.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _first_frame(data: bytes) -> int:
    """Offset of the first header that another one follows; 0 where there is none."""
    at = data.find(b"\xff")
    while at >= 0:
        frame = _mp3_frame(data[at : at + 4])
        if frame is not None:
            following = data[at + frame.size_bytes : at + frame.size_bytes + 4]
            if len(following) < 4 or _mp3_frame(following) is not None:
                return at
        at = data.find(b"\xff", at + 1)
    return 0


def _mp3_frame(header: bytes) -> _Mp3Frame | None:
    """A layer III frame by its four bytes of header; None if they are none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbps_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer != 1 or kbps_index in (0, 15) or rate_index == 3:
        return None
    rate_hz = _MP3_RATES_HZ[version][rate_index]
    kbps = (_MP3_KBPS_1 if version == 3 else _MP3_KBPS_2)[kbps_index]
    samples = 1152 if version == 3 else 576
    size_bytes = samples // 8 * kbps * 1000 // rate_hz + (header[2] >> 1 & 1)
    return _Mp3Frame(size_bytes, samples, rate_hz, 1 if header[3] >> 6 == 3 else 2)
