"""A small sampler over recordings of real instruments: notes in, dry mono samples out.

A folder of recordings holds one folder a source, each with FLAC files and an ``instruments.toml`` that lists them:
``file``, ``instrument``, ``program`` (General MIDI, or ``drum:<piece>``), ``articulation``, ``root`` (MIDI) and
``cents`` of pitched ones, ``velocity = [low, high]``, ``round_robin``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from noisician.corpus.voices.common import FloatArray, add_at, sample_count
from noisician.corpus.voices.kits import choke_times_s, choked
from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.sampling import RELEASE_S, let_go
from noisician.score.percussion import PIECE_KEYS
from noisician.score.played import NoteEvent
from noisician.styles import UNLISTED, Instrument, tomllib

#: Never played in training: what the renderer can do with recordings of instruments it has not met.
HELD_OUT = ("bassoon", "electric piano (Rhodes Mark I)", "sitar")
#: Recordings that are no notes: shouts, wind chimes, rolls.
_LEFT_OUT_FOLDERS = ("merry-orks",)
_BY_BREATH_OR_BOW = frozenset([*range(16, 24), *range(40, 45), *range(48, 56), *range(56, 104), *range(109, 112)])
_STRUCK = frozenset([*range(16), 47])
_SHORT = ("staccato", "spiccato", "pizzicato", "muted", "hit")
#: Nobody stops them. Celestas (8) and vibraphones (11) have dampers: left to ring, their lines are chords.
_RINGING_PROGRAMS = frozenset([9, 10, 12, 13, 14, 15, 46, 47])
_MOST_SEMITONES = 7


@dataclass(frozen=True)
class Sample:
    """One recorded note: ``pitch`` as it sounds (MIDI with cents as fractions; of drums 0)."""

    path: Path
    pitch: float
    low_velocity: int
    high_velocity: int

    @property
    def centre_velocity(self) -> int:
        return round((self.low_velocity + self.high_velocity) / 2)


@dataclass(frozen=True)
class Recordings:
    """All recordings of one instrument and articulation in one folder."""

    id: str
    instrument_name: str
    program: int | str
    articulation: str
    samples: tuple[Sample, ...]

    @property
    def drum_piece(self) -> str | None:
        return self.program.removeprefix("drum:") if isinstance(self.program, str) else None

    @property
    def sustain(self) -> str:
        if self.program in _BY_BREATH_OR_BOW and not any(word in self.articulation for word in _SHORT):
            return "sustained"
        return "struck" if self.program in _STRUCK else "plucked"

    @cached_property
    def instrument(self) -> Instrument:
        """The recorded instrument as the études want it: its range is that of the recordings and three semitones."""
        pitches = [sample.pitch for sample in self.samples]
        sustained = self.sustain == "sustained"
        return Instrument(
            id=self.id,
            index=UNLISTED,
            name=self.instrument_name,
            family="recorded",
            excitation="harmonic",
            source={"kind": "recordings"},
            sustain=self.sustain,  # type: ignore[arg-type]
            polyphonic=not sustained or (isinstance(self.program, int) and 48 <= self.program < 56),
            range=(max(21, round(min(pitches)) - 3), min(108, round(max(pitches)) + 3)),
            roles=("lead",),
            synonyms=(),
            description="",
        )

    @property
    def release_s(self) -> float:
        ringing = self.program in _RINGING_PROGRAMS or any(word in self.articulation for word in _SHORT)
        return RELEASE_S["ringing" if ringing and self.sustain != "sustained" else self.sustain]

    def choices(self, pitch: float, velocity: int) -> list[Sample]:
        """The round robins of the nearest root in the layer of a velocity."""
        nearest = min(abs(sample.pitch - pitch) for sample in self.samples)
        near = [sample for sample in self.samples if abs(sample.pitch - pitch) < nearest + 0.5]

        def outside(sample: Sample) -> int:
            return max(sample.low_velocity - velocity, velocity - sample.high_velocity, 0)

        least = min(map(outside, near))
        return [sample for sample in near if outside(sample) == least]


def read_recordings(folder: Path) -> dict[str, Recordings]:
    """Every instrument of a folder of recordings by id. Raises CorpusError when there are none."""
    found: dict[str, list[tuple[Mapping[str, Any], Path]]] = {}
    for path in sorted(folder.glob("*/instruments.toml")):
        if path.parent.name in _LEFT_OUT_FOLDERS:
            continue
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["sample"]:
            pitched = not str(row["program"]).startswith("drum:")
            if pitched and not row.get("root_checked", False):
                continue
            articulation = re.sub(r"\W*\d+$", "", row["articulation"]) if pitched else row["articulation"]
            id_ = ":".join((path.parent.name, row["instrument"], articulation))
            found.setdefault(id_, []).append((row, path.parent))
    if not found:
        raise CorpusError(f"no recordings in {folder}: no folder in it has an instruments.toml")
    return {id_: _recordings(id_, rows) for id_, rows in found.items()}


def recording_sources(folder: Path) -> list[dict[str, Any]]:
    """Title, author, licence and origin of every folder of recordings, and which instruments are kept from training."""
    sources = []
    for path in sorted(folder.glob("*/instruments.toml")):
        if path.parent.name in _LEFT_OUT_FOLDERS:
            continue
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        names = {row["instrument"] for row in about["sample"]}
        source = {key: about[key] for key in ("title", "author", "licence", "from") if key in about}
        sources.append({"folder": path.parent.name, **source, "held_out": sorted(names.intersection(HELD_OUT))})
    return sources


def _recordings(id_: str, rows: Sequence[tuple[Mapping[str, Any], Path]]) -> Recordings:
    samples = [
        Sample(folder / row["file"], row.get("root", 0) + row.get("cents", 0) / 100, *row["velocity"])
        for row, folder in rows
    ]
    first = rows[0][0]
    return Recordings(id_, first["instrument"], first["program"], id_.split(":")[2], tuple(samples))


@cache
def _load(path: Path) -> FloatArray:
    import soundfile

    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise CorpusError(f"cannot read the recording {path}: {error}") from error
    if rate != SAMPLE_RATE_HZ:
        raise CorpusError(f"recording {path} has {rate} Hz; recordings have {SAMPLE_RATE_HZ}")
    return audio.mean(axis=1)


def play_recordings(
    recordings: Recordings, notes: Sequence[NoteEvent], duration_s: float, rng: np.random.Generator
) -> FloatArray:
    """Mono float32 ``[round(duration_s · 44100)]`` at the recordings' own level."""
    out = np.zeros(sample_count(duration_s), np.float32)
    layers = len({sample.low_velocity for sample in recordings.samples})
    for note in notes:
        choices = recordings.choices(note.pitch, note.velocity)
        sample = choices[int(rng.integers(len(choices)))]
        count = sample_count(note.end_s - note.start_s)
        sustained = recordings.sustain == "sustained"
        sound = let_go(_transposed(sample, note.pitch), count, recordings.release_s, sustained)
        add_at(out, sample_count(note.start_s), sound * _gain(sample, note.velocity, layers))
    return out


def _gain(sample: Sample, velocity: int, layers: int) -> np.float32:
    """Within a layer the level follows the velocity; where only one was recorded it has to say more."""
    return np.float32((velocity / sample.centre_velocity) ** (0.8 if layers > 1 else 1.2))


def _transposed(sample: Sample, pitch: int) -> FloatArray:
    """The recording resampled to a pitch."""
    import soxr

    audio = _load(sample.path)
    ratio = 2 ** ((pitch - sample.pitch) / 12)
    if abs(ratio - 1) < 1e-4:
        return audio
    return np.asarray(soxr.resample(audio, SAMPLE_RATE_HZ * ratio, SAMPLE_RATE_HZ, "HQ"), np.float32)


@dataclass(frozen=True)
class RecordedKit:
    """One recorded piece for each key that has any: chosen by the kit's number."""

    pieces: Mapping[int, Recordings]

    def play(self, notes: Sequence[NoteEvent], duration_s: float, rng: np.random.Generator) -> FloatArray:
        """Mono float32; keys without a piece stay silent."""
        out = np.zeros(sample_count(duration_s), np.float32)
        ordered = sorted(notes, key=lambda note: (note.start_s, note.pitch))
        for note, stop_s in zip(ordered, choke_times_s(ordered), strict=True):
            piece = self.pieces.get(note.pitch)
            if piece is None:
                continue
            choices = piece.choices(0, note.velocity)
            sample = choices[int(rng.integers(len(choices)))]
            hit = _load(sample.path)
            if stop_s is not None:
                hit = choked(hit, sample_count(stop_s - note.start_s))
            layers = len({sample.low_velocity for sample in piece.samples})
            add_at(out, sample_count(note.start_s), hit * _gain(sample, note.velocity, layers))
        return out


def recorded_kit(recordings: Mapping[str, Recordings], number: int) -> RecordedKit:
    """The kit of a number: every key's piece drawn from all that were recorded."""
    rng = np.random.default_rng([number, 0xD2])
    by_key: dict[int, list[Recordings]] = {}
    for one in recordings.values():
        for key in PIECE_KEYS.get(one.drum_piece or "", ()):
            by_key.setdefault(key, []).append(one)
    return RecordedKit({key: pieces[int(rng.integers(len(pieces)))] for key, pieces in sorted(by_key.items())})
