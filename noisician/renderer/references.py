"""References: recordings of single notes of one instrument, as the renderer is shown them.

Each recorded note is a log-mel on a time grid that is fine at the onset and ever coarser after it (GRID_FRAMES), and
how much it loses once it is let go (RELEASE_FRAMES), both in eight bits. An instrument is some tens of such notes: a
few pitches, a few velocities; a drum kit has one pitch a piece. Noises without pitch (rain, crackle, a riser) live by
what happens in them: of those every frame is kept. Of drums the first samples are kept as well, since a mel does not
tell how partials begin together. A file holds one instrument:

    b"NOISICIAN REFERENCES 1\\n"   the format; 2 with attacks
    uint32 LE                      length of the header in bytes
    header, JSON                   kind, sustain, one_voice, stretched, pitches, velocities; in 2 attack_peaks
    zlib stream                    uint8 [notes, GRID, 128], uint8 [notes, RELEASE, 128], each as differences along
                                   time; GRID are the times of :func:`grid_of` the kind; in 2 int8 [notes, ATTACK]

Files come from strangers too: every size is bounded before anything is allocated or inflated.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from noisician.errors import FileError
from noisician.mel import MEL_BANDS

Kind = Literal["harmonic", "drum", "noise"]
Sustain = Literal["struck", "plucked", "sustained"]

_EARLY = np.concatenate([np.arange(-2, 2, 0.25), np.arange(2, 4, 0.5), np.arange(4, 8, 1.0)])
_LATE = np.round(np.geomspace(8, 344, 24))
#: Times of a held note's rows, in frames after its onset. The analysis window is four frames long: the onset shows from
#: −2 to 2, and there a quarter of a frame matters. The last row is 4 s after the onset.
GRID_FRAMES = np.concatenate([_EARLY, _LATE]).astype(np.float32)
#: Times of the rows of what is lost after the end of a note, in frames after it; the last is 1.7 s after.
RELEASE_FRAMES = np.array(
    [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 86, 115, 150], np.float32
)
#: Times of the rows of a noise: every frame of 12 s.
NOISE_FRAMES = np.arange(-2, 1034, dtype=np.float32)
#: Natural logarithm of the lowest mel magnitude a reference can show, and the step of its eight bits (nats).
LOWEST_LOG = float(np.log(1e-5))
LOG_STEP = 0.06
#: Step of what is lost after the end of a note (nats); 12.75 of them are silence.
LOSS_STEP = 0.05

#: Samples that are kept of how a drum is struck, from its onset on (17 ms).
ATTACK_SAMPLES = 768
#: A peak of such samples is at most this (full scale 1).
MOST_ATTACK_PEAK = 100.0

MOST_NOTES = 2048
MOST_NOISES = 64
MOST_HEADER_BYTES = 1 << 17
MOST_FILE_BYTES = 32 << 20
_MAGIC, _MAGIC_WITH_ATTACKS = b"NOISICIAN REFERENCES 1\n", b"NOISICIAN REFERENCES 2\n"


@dataclass(frozen=True, eq=False)
class References:
    """The recorded notes of one instrument.

    ``pitch [notes]`` MIDI with cents as fractions, of drums the key of the piece; ``velocity [notes]`` 1 … 127;
    ``held_codes [notes, GRID, 128]`` and ``loss_codes [notes, RELEASE, 128]`` uint8. ``one_voice``: a new note ends the
    one before, as in a synthesiser with one voice. ``stretched``: what happens in a note takes as long as the note.
    ``attack_codes [notes, ATTACK_SAMPLES]`` int8 with ``attack_peaks [notes]``: how notes begin, where that was kept.
    """

    kind: Kind
    sustain: Sustain
    pitch: np.ndarray
    velocity: np.ndarray
    held_codes: np.ndarray
    loss_codes: np.ndarray
    one_voice: bool = False
    stretched: bool = False
    attack_codes: np.ndarray | None = None
    attack_peaks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.pitch)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of all that is known of the instrument: equal recordings sound equal."""
        digest = hashlib.sha256(f"{self.kind} {self.sustain} {self.one_voice} {self.stretched}".encode())
        for values in (self.pitch, self.velocity, self.held_codes, self.loss_codes):
            digest.update(np.ascontiguousarray(values).tobytes())
        if self.attack_codes is not None and self.attack_peaks is not None:
            digest.update(np.ascontiguousarray(self.attack_codes).tobytes() + self.attack_peaks.tobytes())
        return digest.hexdigest()

    @cached_property
    def layers(self) -> Mapping[int, np.ndarray]:
        """Places of the notes of each key (pitch to the nearest semitone), softest first."""
        keys = np.round(self.pitch).astype(int)
        by_velocity = np.argsort(self.velocity, kind="stable")
        return {int(key): by_velocity[keys[by_velocity] == key] for key in np.unique(keys)}

    @cached_property
    def keys(self) -> np.ndarray:
        """The recorded keys, ascending."""
        return np.array(sorted(self.layers))

    def held(self, note: int) -> np.ndarray:
        """Log-mel of a note while it is held: float32 ``[GRID, 128]``."""
        return self.held_codes[note] * np.float32(LOG_STEP) + np.float32(LOWEST_LOG)

    def loss(self, note: int) -> np.ndarray:
        """Nats lost after the end of a note: float32 ``[RELEASE, 128]``."""
        return self.loss_codes[note] * np.float32(LOSS_STEP)

    def attack(self, note: int) -> np.ndarray | None:
        """How a note begins, float32 ``[ATTACK_SAMPLES]``."""
        if self.attack_codes is None or self.attack_peaks is None:
            return None
        return self.attack_codes[note] * (self.attack_peaks[note] / np.float32(127))

    def attack_of(self, key: int, velocity: int) -> np.ndarray | None:
        """How the recorded note of ``key`` begins whose velocity is the nearest, at the level of ``velocity``."""
        if key not in self.layers:
            return None
        layer = self.layers[key]
        recorded = self.velocity[layer].astype(int)
        place = int(np.argmin(np.abs(recorded - velocity)))
        attack = self.attack(int(layer[place]))
        return None if attack is None else attack * np.float32(velocity / recorded[place])

    def only(self, chosen: np.ndarray) -> References:
        """The notes at the given places."""
        return replace(
            self,
            pitch=self.pitch[chosen],
            velocity=self.velocity[chosen],
            held_codes=self.held_codes[chosen],
            loss_codes=self.loss_codes[chosen],
            attack_codes=None if self.attack_codes is None else self.attack_codes[chosen],
            attack_peaks=None if self.attack_peaks is None else self.attack_peaks[chosen],
        )

    def louder(self, steps: np.ndarray) -> References:
        """Each note by so many LOG_STEPs, ``[notes]`` whole numbers; what is silent stays so."""
        held = self.held_codes.astype(np.int16)
        moved = np.where(held > 0, held + steps.astype(np.int16)[:, None, None], 0)
        peaks = None
        if self.attack_peaks is not None:
            factors = np.exp(steps * LOG_STEP)
            peaks = np.minimum(self.attack_peaks * factors, MOST_ATTACK_PEAK).astype(np.float32)
        return replace(self, held_codes=np.clip(moved, 0, 255).astype(np.uint8), attack_peaks=peaks)


def grid_of(kind: Kind) -> np.ndarray:
    """Times of a held note's rows, in frames after its onset."""
    return NOISE_FRAMES if kind == "noise" else GRID_FRAMES


def encode_held(log_mel: np.ndarray) -> np.ndarray:
    """Log-mels to codes; what lies outside 15 nats above LOWEST_LOG is clipped."""
    return np.clip(np.round((log_mel - LOWEST_LOG) / LOG_STEP), 0, 255).astype(np.uint8)


def encode_loss(loss: np.ndarray) -> np.ndarray:
    """Nats lost to codes; gains count as no loss."""
    return np.clip(np.round(loss / LOSS_STEP), 0, 255).astype(np.uint8)


def encode_attacks(attacks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples ``[notes, ATTACK_SAMPLES]`` to codes and peaks, as :class:`References` keeps them."""
    peaks = np.minimum(np.abs(attacks).max(axis=1), MOST_ATTACK_PEAK)
    # As the header writes them, so that what is read is what was written.
    peaks = np.array([float(f"{peak:.5g}") for peak in peaks], np.float32)
    codes = np.round(attacks * (127 / np.maximum(peaks, 1e-9))[:, None])
    return np.clip(codes, -127, 127).astype(np.int8), peaks


def write_references(path: Path, references: References) -> None:
    """Writes one file, whole or not at all."""
    header = {
        "kind": references.kind,
        "sustain": references.sustain,
        "one_voice": references.one_voice,
        "stretched": references.stretched,
        "pitches": [round(float(pitch), 3) for pitch in references.pitch],
        "velocities": [int(velocity) for velocity in references.velocity],
    }
    body = b"".join(_differences(codes).tobytes() for codes in (references.held_codes, references.loss_codes))
    magic = _MAGIC
    if references.attack_codes is not None and references.attack_peaks is not None:
        magic, body = _MAGIC_WITH_ATTACKS, body + references.attack_codes.tobytes()
        header["attack_peaks"] = [float(f"{peak:.5g}") for peak in references.attack_peaks]
    text = json.dumps(header).encode()
    temporary = path.with_suffix(f".{os.getpid()}.tmp")  # two processes may write the same file at once
    temporary.write_bytes(magic + len(text).to_bytes(4, "little") + text + zlib.compress(body, 9))
    temporary.replace(path)


def read_references(path: Path) -> References:
    """Reads and checks one file. Raises FileError for what is missing, too large, damaged or of another format."""
    return parse_references(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """A reference file as it lies there, at most MOST_FILE_BYTES. Raises FileError."""
    try:
        size = path.stat().st_size
        if size > MOST_FILE_BYTES:
            raise FileError(f"{path}: {size} bytes; a reference file has at most {MOST_FILE_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None


def parse_references(data: bytes, name: str) -> References:
    """The instrument in the bytes of a file; ``name`` is for messages. Raises FileError."""
    with_attacks = data.startswith(_MAGIC_WITH_ATTACKS)
    if not data.startswith(_MAGIC) and not with_attacks:
        raise FileError(f"{name}: is not a reference file of this version; it begins otherwise")
    start = len(_MAGIC) + 4
    length = int.from_bytes(data[len(_MAGIC) : start], "little")
    if length > MOST_HEADER_BYTES or start + length > len(data):
        raise FileError(f"{name}: header of {length} bytes; the file is cut short or damaged")
    header = _checked(_json(data[start : start + length], name), name)
    if with_attacks:
        _check_peaks(header, name)
    notes = len(header["pitches"])
    if header["kind"] == "noise" and notes > MOST_NOISES:
        raise FileError(f"{name}: {notes} noises; a reference file has at most {MOST_NOISES}")
    shapes = (notes, len(grid_of(header["kind"])), MEL_BANDS), (notes, len(RELEASE_FRAMES), MEL_BANDS)
    sizes = [int(np.prod(shape)) for shape in shapes]
    sizes.append(notes * ATTACK_SAMPLES * with_attacks)
    body = _inflate(data[start + length :], sum(sizes), name)
    parts = np.split(body, np.cumsum(sizes)[:-1])
    held, loss = (
        np.cumsum(part.reshape(shape), axis=1, dtype=np.uint8) for part, shape in zip(parts[:2], shapes, strict=True)
    )
    return References(
        kind=header["kind"],
        sustain=header["sustain"],
        pitch=np.array(header["pitches"], np.float32),
        velocity=np.array(header["velocities"], np.uint8),
        held_codes=held,
        loss_codes=loss,
        one_voice=header["one_voice"],
        stretched=header["stretched"],
        attack_codes=parts[2].view(np.int8).reshape(notes, ATTACK_SAMPLES) if with_attacks else None,
        attack_peaks=np.array(header["attack_peaks"], np.float32) if with_attacks else None,
    )


def _differences(codes: np.ndarray) -> np.ndarray:
    """Differences along time modulo 256: mostly near zero, which compresses."""
    return np.diff(codes, axis=1, prepend=np.zeros_like(codes[:, :1]))


def _json(text: bytes, name: str) -> Mapping[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise FileError(f"{name}: header is no JSON; the file is damaged") from None
    if not isinstance(header, dict):
        raise FileError(f"{name}: header is no JSON object; the file is damaged")
    return header


def _checked(header: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    flags = (True, False)
    for field, allowed in (
        ("kind", get_args(Kind)), ("sustain", get_args(Sustain)), ("one_voice", flags), ("stretched", flags),
    ):  # fmt: skip
        value = header.get(field)
        if not any(value is choice or (isinstance(value, str) and value == choice) for choice in allowed):
            raise FileError(f"{name}: {field} is {str(value)[:40]!r}; it is one of {', '.join(map(str, allowed))}")
    pitches, velocities = header.get("pitches"), header.get("velocities")
    if not isinstance(pitches, list) or not 0 < len(pitches) <= MOST_NOTES:
        raise FileError(f"{name}: holds no list of 1 to {MOST_NOTES} pitches; the file is damaged")
    if not isinstance(velocities, list) or len(velocities) != len(pitches):
        raise FileError(f"{name}: does not hold one velocity a pitch; the file is damaged")
    _check_range(pitches, 0, 127, (int, float), f"{name}: pitch")
    _check_range(velocities, 1, 127, (int,), f"{name}: velocity")
    return header


def _check_peaks(header: Mapping[str, Any], name: str) -> None:
    peaks = header.get("attack_peaks")
    if not isinstance(peaks, list) or len(peaks) != len(header["pitches"]):
        raise FileError(f"{name}: does not hold one attack a pitch; the file is damaged")
    _check_range(peaks, 0, MOST_ATTACK_PEAK, (int, float), f"{name}: attack peak")


def _check_range(values: Sequence[Any], low: float, high: float, types: tuple[type, ...], what: str) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, types) or not low <= value <= high:
            raise FileError(f"{what} {str(value)[:40]} is outside {low} … {high}; the file is damaged")


def _inflate(data: bytes, size: int, name: str) -> np.ndarray:
    """Exactly ``size`` bytes of a zlib stream, and never more in memory."""
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(data, size + 1)
    except zlib.error:
        raise FileError(f"{name}: recordings cannot be unpacked; the file is damaged") from None
    if len(body) != size:
        raise FileError(f"{name}: recordings of {len(body)} bytes instead of {size}; the file is damaged")
    return np.frombuffer(body, np.uint8)
