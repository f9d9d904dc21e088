"""A whole recording heard: its pulse, bars, key, chords, sections and sound, and what is played as a score.

samples ─ transcriber, band onsets ─▶ beats ─ bars ─▶ steps ─ lines, strokes ─▶ score
                                                        └ pitch classes ─▶ chords, key

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz, at least LEAST_S and at most MOST_S long.
* The score has the bars in which something sounds, on an even grid; ``bar_starts_s`` tells where they lie in the
  recording, the first of them before its start where it begins with a pickup.
* Where nothing has a pulse, beats of _FREE_BPM are counted from the start, and ``has_pulse`` says so.

How good it is
--------------
See ``benchmarks/transcribed.py`` and the figures in docs/models.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from noisician.analysis.bars import with_bars
from noisician.analysis.beats import Beats, Pulse, tracked_beats
from noisician.analysis.drums import WRITTEN, Stroke, heard_strokes
from noisician.analysis.inputs import mono
from noisician.analysis.key import KeyEstimate, key_of_harmony
from noisician.analysis.metrical_level import band_onsets
from noisician.analysis.parts import BASS, LEAD, StepEvidence, StepNote, bass_evidence, between, line_of, on_steps
from noisician.analysis.sections import sections_of
from noisician.analysis.sound import OCTAVES_HZ, Sound, sound_of
from noisician.analysis.transcriber import LOWEST_PITCH, RATE_HZ, SEMITONES, Posteriorgram, posteriorgram
from noisician.audio import resample
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.encode import chords_of_classes
from noisician.score.grid import chord_of
from noisician.score.harmony import chord_name
from noisician.score.model import METERS, Chord, Meter, Note, Score, Section, Track

LEAST_S, MOST_S = 2.0, 15 * 60.0
_FREE_BPM = 90.0
#: Tempi this near a whole number are meant to be that.
_WHOLE_BPM = 0.12
#: What of a pitch counts for harmony: sounding this surely, squared; basses count by their lowest.
_LEAST_SOUNDING, _HARMONY_FROM, _KEY_FROM = 0.1, 40, 0.2
_BASS_CLASSES, _BASS_SOUNDING, _LOWER_COUNTS = (26, 52), 0.3, 1.05
#: Fewer notes than this in all, or a share of bars lower than this, is nobody playing.
_FEWEST_NOTES, _LEAST_BARS = 4, 0.08
#: So is a part whose notes sound less surely than this (of real ones half lie over 0.4, of noise none over 0.3).
_LEAST_SHARE = 0.3
#: What stands for whoever is heard in a role: struck or plucked, held.
_INSTRUMENTS = {
    "lead": ("grand_piano", "flute"),
    "chords": ("electric_piano", "string_ensemble"),
    "bass": ("electric_bass", "synth_bass"),
    "drums": ("standard_kit", "standard_kit"),
}
#: A player whose notes lose this much of their sound (0 … 1) from their first third to their last is struck or plucked.
_FALLS = 0.25
_SOFT, _LOUD = 60, 112


@dataclass(frozen=True)
class Hearing:
    """What was heard of ``duration_s`` seconds. ``energies [bars]`` run from 0 to 1, ``density`` is notes a beat.

    ``score``'s tracks are whoever was heard among lead, chords, bass and drums.
    """

    duration_s: float
    score: Score
    bar_starts_s: tuple[float, ...]
    key_correlation: float
    sound: Sound
    energies: tuple[float, ...]
    density: float
    has_pulse: bool
    is_steady: bool

    @property
    def notes(self) -> int:
        return sum(len(track.notes) for track in self.score.tracks)

    def chords_by_bar(self) -> tuple[tuple[str, ...], ...]:
        """The names of the chords in force in each bar, in order; none where nothing sounds."""
        per_bar = self.score.meter.beats_per_bar
        bars: list[list[str]] = [[] for _ in range(self.score.bars)]
        for chord in self.score.chords:
            first, end = chord.start_beats, chord.start_beats + chord.duration_beats
            for bar in range(int(first // per_bar), min(self.score.bars, int(np.ceil(end / per_bar)))):
                bars[bar].append(chord_name(chord.root, chord.quality))
        return tuple(map(tuple, bars))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: what people ask first, then the score (:meth:`Score.to_dict`)."""
        score = self.score
        return {
            "duration_s": round(self.duration_s, 3),
            "tempo_bpm": score.tempo_bpm,
            "has_pulse": self.has_pulse,
            "is_steady": self.is_steady,
            "time_signature": score.time_signature,
            "key": score.key,
            "mode": score.mode,
            "key_correlation": self.key_correlation,
            "bars": score.bars,
            "bar_starts_s": list(self.bar_starts_s),
            "chords": [list(names) for names in self.chords_by_bar()],
            "sections": [asdict(section) for section in score.sections],
            "energies": list(self.energies),
            "density": self.density,
            "players": [
                {"role": track.role, "instrument": track.instrument, "notes": len(track.notes)}
                for track in score.tracks
            ],
            "sound": {**asdict(self.sound), "octaves_hz": list(OCTAVES_HZ)},
            "score": score.to_dict(),
        }


def listen(samples: np.ndarray, on_share: Callable[[float], None] = lambda share: None) -> Hearing:
    """Everything in a recording. ``on_share`` hears the share done and may raise to stop.

    Raises NoisicianError for audio that is too short, too long or silent.
    """
    audio = np.asarray(samples, np.float32)
    middle = mono(audio).astype(np.float32)
    duration_s = len(middle) / SAMPLE_RATE_HZ
    if not LEAST_S <= duration_s <= MOST_S:
        raise NoisicianError(f"{duration_s:.1f} s of audio; {LEAST_S:g} s to {MOST_S / 60:g} min can be listened to")
    peak = float(np.abs(middle).max())
    if peak < 1e-4:
        raise NoisicianError("nothing but silence is heard")
    middle = middle * np.float32(0.5 / peak)
    on_share(0.0)
    pulse = pulse_of(middle)
    heard = pulse.notes
    on_share(0.5)
    tracked = tracked_beats(pulse)
    beats = with_bars(tracked, pulse) if tracked is not None else _free_beats(duration_s)
    grid = _Grid.of(beats, duration_s)
    strokes = heard_strokes(middle)
    on_share(0.6)
    low = bass_evidence(middle, grid.starts_s)
    on_share(0.9)
    score, first_bar = _score(grid, heard, low, strokes)
    correlation, score = _in_key(score, on_steps(heard, grid.starts_s))
    energies, features = _bars(middle, grid, on_steps(heard, grid.starts_s), first_bar, score.bars)
    score = replace(score, sections=sections_of(features, energies) or score.sections)
    on_share(1.0)
    starts = grid.bar_starts_s[first_bar : first_bar + score.bars + 1]
    count = sum(len(track.notes) for track in score.tracks)
    return Hearing(
        duration_s=duration_s,
        score=score,
        bar_starts_s=tuple(round(float(start), 4) for start in starts),
        key_correlation=round(correlation, 3),
        sound=sound_of(audio),
        energies=tuple(round(float(energy), 3) for energy in energies),
        density=round(count / max(1.0, score.duration_beats), 3),
        has_pulse=tracked is not None,
        is_steady=beats.is_steady,
    )


def pulse_of(samples: np.ndarray) -> Pulse:
    """What beats are placed by in samples at 44.1 kHz."""
    audio = mono(samples).astype(np.float32)
    notes = posteriorgram(np.asarray(resample(audio, SAMPLE_RATE_HZ, RATE_HZ), np.float32))
    return Pulse.of(band_onsets(audio), notes)


@dataclass(frozen=True)
class _Grid:
    """``starts_s [steps + 1]`` of whole bars of ``meter`` that cover the recording."""

    tempo_bpm: float
    meter: Meter
    starts_s: np.ndarray

    @classmethod
    def of(cls, beats: Beats, duration_s: float) -> _Grid:
        name = "6/8" if beats.ternary and beats.per_bar == 2 else "3/4" if beats.per_bar == 3 else "4/4"
        meter = METERS[name]
        length = 60 / beats.tempo_bpm
        per_bar = len(meter.pulses)
        before = beats.downbeat if beats.downbeat == 0 else beats.downbeat - per_bar
        missing = -before if before < 0 else 0
        if missing == 0 and beats.times_s[0] > 0.5 * length:  # what sounds before the first beat
            missing = per_bar
        times = np.concatenate([beats.times_s[0] - length * np.arange(missing, 0, -1), beats.times_s])
        beyond = max(0, int(np.ceil((duration_s - times[-1]) / length)))
        count = len(times) + beyond
        beyond += -count % per_bar
        ends = times[-1] + length * np.arange(1, beyond + 2)
        times = np.concatenate([times, ends])
        steps = np.arange((len(times) - 1) * meter.steps_per_beat + 1) / meter.steps_per_beat
        bpm = beats.tempo_bpm
        whole = float(round(bpm))
        return cls(
            whole if abs(bpm - whole) < _WHOLE_BPM else round(bpm, 3),
            meter,
            np.interp(steps, np.arange(len(times)), times),
        )

    @property
    def steps(self) -> int:
        return len(self.starts_s) - 1

    @property
    def bar_starts_s(self) -> np.ndarray:
        return self.starts_s[:: self.meter.steps_per_bar]

    def step_of(self, time_s: float) -> int:
        return int(np.clip(np.abs(self.starts_s[:-1] - time_s).argmin(), 0, self.steps - 1))


def _free_beats(duration_s: float) -> Beats:
    times = np.arange(0.0, max(duration_s, 60 / _FREE_BPM), 60 / _FREE_BPM)
    return Beats(_FREE_BPM, times, is_steady=False)


def _score(grid: _Grid, heard: Posteriorgram, low: StepEvidence, strokes: Sequence[Stroke]) -> tuple[Score, int]:
    """The score without its key and sections, and which of the grid's bars is its first."""
    evidence = on_steps(heard, grid.starts_s)
    lead, bass = line_of(evidence, LEAD), line_of(low, BASS)
    others = between(heard, grid.starts_s, (*lead, *bass))
    parts = {"lead": lead, "chords": others, "bass": bass}
    sounding = {"lead": evidence.sounding, "chords": evidence.sounding, "bass": low.sounding}
    starts = [note.first for notes in parts.values() for note in notes] + [grid.step_of(one.start_s) for one in strokes]
    per_bar = grid.meter.steps_per_bar
    first_bar = min(starts, default=0) // per_bar
    bars = max(starts, default=0) // per_bar - first_bar + 1  # what rings on makes no bar
    offset, end = first_bar * per_bar, (first_bar + bars) * per_bar
    parts = {role: tuple(replace(note, last=min(note.last, end)) for note in notes) for role, notes in parts.items()}
    tracks = [
        Track(role, _INSTRUMENTS[role][_is_held(notes, sounding[role])], _notes(notes, offset, grid.meter))
        for role, notes in parts.items()
        if _plays(notes, bars, per_bar)
    ]
    kit = _kit(strokes, grid, offset)
    if len(kit) >= _FEWEST_NOTES:
        tracks.append(Track("drums", _INSTRUMENTS["drums"][0], kit))
    chords = _chords(evidence, low, grid, offset, bars)
    whole = (Section("verse", "A", 0, bars, 0.5),)
    return Score(grid.tempo_bpm, "C", "major", grid.meter.name, bars, whole, tuple(tracks), chords), first_bar


def _plays(notes: Sequence[StepNote], bars: int, per_bar: int) -> bool:
    within = {note.first // per_bar for note in notes}
    if len(notes) < _FEWEST_NOTES or len(within) < _LEAST_BARS * bars:
        return False
    return float(np.median([note.share for note in notes])) >= _LEAST_SHARE


def _is_held(notes: Sequence[StepNote], sounding: np.ndarray) -> bool:
    """Whether long notes keep their sound."""
    falls = []
    for note in notes:
        if note.last - note.first >= 4:
            row = sounding[note.first : note.last, note.pitch - LOWEST_PITCH]
            third = max(1, len(row) // 3)
            falls.append(float(row[:third].mean() - row[-third:].mean()))
    return bool(falls) and float(np.median(falls)) < _FALLS


def _notes(notes: Sequence[StepNote], offset: int, meter: Meter) -> tuple[Note, ...]:
    shares = np.array([note.share for note in notes])
    low, high = np.percentile(shares, [10, 90])
    loud = np.clip((shares - low) / max(high - low, 1e-6), 0, 1)
    return tuple(
        Note(
            note.pitch,
            (note.first - offset) / meter.steps_per_beat,
            (note.last - note.first) / meter.steps_per_beat,
            round(_SOFT + (_LOUD - _SOFT) * float(share)),
        )
        for note, share in zip(notes, loud, strict=True)
    )


def _kit(strokes: Sequence[Stroke], grid: _Grid, offset: int) -> tuple[Note, ...]:
    found: dict[tuple[int, int], Note] = {}
    for stroke in strokes:
        step, key = grid.step_of(stroke.start_s) - offset, WRITTEN[stroke.drum]
        velocity = round(_SOFT + (_LOUD - _SOFT) * stroke.share)
        if step >= 0 and ((step, key) not in found or found[step, key].velocity < velocity):
            found[step, key] = Note(key, step / grid.meter.steps_per_beat, 1 / grid.meter.steps_per_beat, velocity)
    return tuple(found[place] for place in sorted(found))


def _classes(rows: np.ndarray, first: int, last: int) -> np.ndarray:
    """Pitch classes ``[steps, 12]`` of semitones ``first … last − 1`` of rows ``[steps, 88]``."""
    out = np.zeros((len(rows), 12))
    for pitch in range(max(first, LOWEST_PITCH), min(last, LOWEST_PITCH + SEMITONES)):
        out[:, pitch % 12] += rows[:, pitch - LOWEST_PITCH]
    return out


def _chords(evidence: StepEvidence, low: StepEvidence, grid: _Grid, offset: int, bars: int) -> tuple[Chord, ...]:
    per_beat = grid.meter.steps_per_beat
    steps = slice(offset, offset + bars * grid.meter.steps_per_bar)
    sounding = np.where(evidence.sounding > _LEAST_SOUNDING, evidence.sounding, 0)[steps] ** 2
    pitches = np.arange(LOWEST_PITCH, LOWEST_PITCH + SEMITONES)
    lowest = np.where(low.sounding > _BASS_SOUNDING, low.sounding, 0)[steps] * _LOWER_COUNTS ** -(pitches - pitches[0])
    classes = _classes(sounding, _HARMONY_FROM, 128).reshape(-1, per_beat, 12).sum(axis=1)
    bass = _classes(lowest, *_BASS_CLASSES).reshape(-1, per_beat, 12).sum(axis=1)
    tokens = chords_of_classes(classes, bass / np.maximum(bass.sum(axis=1, keepdims=True), 0.5), grid.meter)
    edges = [0, *(np.flatnonzero(np.diff(tokens)) + 1).tolist(), len(tokens)]
    found = []
    for first, last in pairwise(edges):
        chord = chord_of(int(tokens[first]))
        if chord is not None:
            found.append(Chord(float(first), float(last - first), *chord))
    return tuple(found)


def _in_key(score: Score, evidence: StepEvidence) -> tuple[float, Score]:
    """How surely, and the score in its key."""
    sounding = np.where(evidence.sounding > _KEY_FROM, evidence.sounding, 0)
    key: KeyEstimate | None = key_of_harmony(_classes(sounding, 0, 128).sum(axis=0), score.chords)
    if key is None:
        return 0.0, score
    tonic, mode = key.name.split(" ")
    return key.correlation, replace(score, key=tonic, mode=mode)


def _bars(
    middle: np.ndarray, grid: _Grid, evidence: StepEvidence, first_bar: int, bars: int
) -> tuple[np.ndarray, np.ndarray]:
    """Energies ``[bars]``, 0 … 1, and features ``[bars, features]`` of the score's bars."""
    per_bar = grid.meter.steps_per_bar
    edges = np.clip(np.round(grid.bar_starts_s * SAMPLE_RATE_HZ).astype(int), 0, len(middle))
    levels, shapes, harmony, busy = [], [], [], []
    for bar in range(first_bar, first_bar + bars):
        piece = middle[edges[bar] : edges[bar + 1]]
        spectrum = np.abs(np.fft.rfft(piece)) if len(piece) > 64 else np.zeros(33)
        hz = np.arange(len(spectrum)) * SAMPLE_RATE_HZ / max(1, 2 * (len(spectrum) - 1))
        bands = [float(np.sqrt((spectrum[(hz >= low) & (hz < 2.0 * low)] ** 2).sum())) for low in _BAND_HZ]
        shapes.append(np.log10(np.array(bands) / max(1, len(piece)) + 1e-6))
        levels.append(10 * np.log10(float(np.mean(piece**2)) + 1e-9) if len(piece) else -90.0)
        steps = slice(bar * per_bar, (bar + 1) * per_bar)
        harmony.append(_classes(evidence.sounding[steps], 0, 128).sum(axis=0))
        busy.append(float(np.where(evidence.onsets[steps] > 0.3, 1, 0).sum()))
    level = np.array(levels)
    energies = np.clip(0.8 + (level - np.percentile(level, 90)) / 20, 0.05, 1.0)
    shape = np.array(shapes)
    shape = (shape - shape.mean(axis=0)) / max(float(shape.std()), 1e-6)
    classes = np.array(harmony)
    classes = classes / np.maximum(np.linalg.norm(classes, axis=1, keepdims=True), 1e-9)
    busyness = np.array(busy) / max(1.0, float(np.max(busy)))
    features = np.concatenate([0.5 * shape, classes, busyness[:, None], 2.0 * energies[:, None]], axis=1)
    return energies, features - features.mean(axis=0)


_BAND_HZ = (60.0, 250.0, 1000.0, 2500.0, 6000.0)
