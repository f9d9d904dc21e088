"""A tune that somebody sings, hums, whistles or plays: its notes, and their places on a grid of sixteenths.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz, one voice at a time.
* Pitch comes from :func:`noisician.analysis.pitch.swift_f0`, where most of a recording lies above its compass from
  :func:`noisician.analysis.pitch.yin`. The most likely path through semitones and silence (Viterbi) makes notes of it;
  the tuning of the voice is found first, a note that is struck again is told by its loudness.
* Free time is straightened by following: each onset moves the beat a little (a phase-locked loop), so that a tempo may
  drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from noisician.analysis.inputs import mono
from noisician.analysis.pitch import YIN_THRESHOLD, swift_f0, yin
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import A4_HZ, A4_PITCH
from noisician.score.model import METERS, Note, Score, Track

#: How far a held note's pitch strays (semitones), and how strongly silence, another note and a far one are disliked.
_SPREAD, _UNVOICED, _CHANGE, _LEAP = 0.35, 2.0, 6.0, 0.08
_LOWEST, _HIGHEST = 24, 108
#: Where most of a recording is higher, it is whistled: swift-f0 hears up to 2,094 Hz.
_WHISTLED_HZ = 1200.0
#: Shorter notes belong to a neighbour or are noise.
SHORTEST_S = 0.07
#: A dip of loudness this deep, over at most so long, is a note struck again.
_DIP_DB, _DIP_S = 5.0, 0.2
#: The quietest frame that counts, against the loudest and at all.
_FLOOR_DB, _SILENT_DB = 38.0, -70.0
_TEMPI_BPM = np.arange(60.0, 181.0, 0.5)
#: Tempi near this one are likelier, by so many octaves of spread.
_USUAL_BPM, _SPREAD_OCTAVES = 100.0, 0.6
#: What an onset on a quarter, an eighth, a sixteenth says for a tempo.
_LEVELS = ((1, 1.0), (2, 0.8), (4, 0.45))
#: How fast the beat follows.
_FOLLOW = 0.12
_STEPS = 4  # a beat


@dataclass(frozen=True)
class HeardNote:
    """``pitch`` is MIDI with the voice's tuning taken out; ``level_db`` is against full scale."""

    start_s: float
    end_s: float
    pitch: int
    level_db: float


@dataclass(frozen=True)
class Tune:
    """What was heard, and the same on a grid: a score of one player."""

    heard: tuple[HeardNote, ...]
    score: Score
    tuning_cents: float


def tune_of(samples: np.ndarray, tempo_bpm: float | None = None, role: str = "lead", instrument: str = "flute") -> Tune:
    """The tune in a recording, around a tempo where that is known. Raises NoisicianError where there is none."""
    heard, cents = heard_notes(samples)
    if len(heard) < 2:
        raise NoisicianError(
            f"only {len(heard)} notes are heard in {len(mono(samples)) / SAMPLE_RATE_HZ:.1f} s; "
            "hum one voice alone, near the microphone"
        )
    onsets = np.array([note.start_s for note in heard])
    lengths = np.array([note.end_s - note.start_s for note in heard])
    bpm = float(tempo_bpm) if tempo_bpm is not None else tempo_of(onsets, lengths)
    steps = on_grid(onsets, bpm)
    steps = steps + _bar_offset(steps, lengths)
    return Tune(tuple(heard), _score(heard, steps, bpm, role, instrument), cents)


# --- notes ------------------------------------------------------------------------------------------------------------


def heard_notes(samples: np.ndarray) -> tuple[list[HeardNote], float]:
    """The notes of a recording in order, and the voice's tuning in cents."""
    audio = mono(samples).astype(np.float32)
    midi, is_voiced, level_db, rate_hz = _contour(audio)
    if is_voiced.sum() < SHORTEST_S * rate_hz:
        return [], 0.0
    tuning = _tuning(midi[is_voiced])
    path = _path(midi - tuning, is_voiced)
    notes: list[HeardNote] = []
    for first, last, pitch in _runs(path):
        for begin, end in _struck(level_db[first:last], rate_hz):
            if (end - begin) / rate_hz >= SHORTEST_S:
                level = float(level_db[first + begin : first + end].max())
                notes.append(HeardNote((first + begin) / rate_hz, (first + end) / rate_hz, pitch, level))
    return notes, 100 * tuning


def _contour(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(MIDI pitch ``[frames]``, whether there is one, loudness in dB of full scale, frames a second)."""
    found = swift_f0(audio)
    level_db = _levels(audio, len(found.hz), found.rate_hz)
    is_loud = level_db > max(level_db.max(initial=_SILENT_DB) - _FLOOR_DB, _SILENT_DB)
    is_voiced = (found.confidence >= 0.5) & is_loud
    midi = A4_PITCH + 12 * np.log2(np.maximum(found.hz, 1.0) / A4_HZ)
    centres = (np.arange(len(midi)) / found.rate_hz * SAMPLE_RATE_HZ).astype(int)
    hz, aperiodicity = yin(audio, centres, lowest_hz=500.0)
    whistled = (aperiodicity < YIN_THRESHOLD) & is_loud
    if (whistled & (hz > _WHISTLED_HZ)).sum() > is_voiced.sum() / 2:  # at or above the top of the network's compass
        return A4_PITCH + 12 * np.log2(hz / A4_HZ), whistled, level_db, found.rate_hz
    return midi, is_voiced, level_db, found.rate_hz


def _levels(audio: np.ndarray, frames: int, rate_hz: float) -> np.ndarray:
    """Loudness of each frame in dB of full scale, ``[frames]``."""
    hop = round(SAMPLE_RATE_HZ / rate_hz)
    padded = np.pad(audio, (hop // 2, max(0, frames * hop + hop - len(audio))))
    power = np.array([np.mean(padded[at : at + hop] ** 2) for at in range(0, frames * hop, hop)])
    return 10 * np.log10(power + 1e-12)


def _tuning(midi: np.ndarray) -> float:
    """How far from concert pitch a voice is, in semitones: the circular mean of what is left of whole ones."""
    turns = np.exp(2j * np.pi * midi)
    return float(np.angle(turns.mean()) / (2 * np.pi)) if abs(turns.mean()) > 0.1 else 0.0


def _path(midi: np.ndarray, is_voiced: np.ndarray) -> np.ndarray:
    """The likeliest semitone of each frame, ``[frames]``; −1 for silence."""
    pitches = np.arange(_LOWEST, _HIGHEST + 1)
    frames = len(midi)
    off = np.minimum(np.abs(midi[:, None] - pitches), 3.0)
    voiced = np.where(is_voiced[:, None], 0.5 * (off / _SPREAD) ** 2, 4.0)
    silent = np.where(is_voiced, _UNVOICED, 0.0)
    cost = np.concatenate([voiced, silent[:, None]], axis=1)
    leap = _CHANGE + _LEAP * np.abs(pitches[:, None] - pitches)
    np.fill_diagonal(leap, 0.0)
    moves = np.full((len(pitches) + 1, len(pitches) + 1), _CHANGE / 2)
    moves[:-1, :-1], moves[-1, -1] = leap, 0.0
    best = cost[0].copy()
    came = np.zeros((frames, len(best)), np.int16)
    for frame in range(1, frames):
        total = best[:, None] + moves
        came[frame] = total.argmin(axis=0)
        best = total.min(axis=0) + cost[frame]
    states = np.zeros(frames, int)
    states[-1] = best.argmin()
    for frame in range(frames - 1, 0, -1):
        states[frame - 1] = came[frame, states[frame]]
    return np.where(states == len(pitches), -1, states + _LOWEST)


def _runs(path: np.ndarray) -> list[tuple[int, int, int]]:
    """(first, last + 1, pitch) of each stretch of one pitch."""
    edges = np.flatnonzero(np.diff(path)) + 1
    bounds = [0, *edges.tolist(), len(path)]
    return [(first, last, int(path[first])) for first, last in pairwise(bounds) if path[first] >= 0]


def _struck(level_db: np.ndarray, rate_hz: float) -> list[tuple[int, int]]:
    """The stretches of one pitch that are notes of their own: between them the loudness dips and comes back."""
    reach = max(2, round(_DIP_S * rate_hz))
    cuts: list[int] = []
    for at in range(2, len(level_db) - 2):
        before, after = level_db[max(0, at - reach) : at].max(), level_db[at + 1 : at + 1 + reach].max()
        lowest = level_db[max(0, at - reach // 2) : at + reach // 2 + 1].min()
        if (
            level_db[at] == lowest
            and min(before, after) - level_db[at] >= _DIP_DB
            and (not cuts or (at - cuts[-1]) / rate_hz >= SHORTEST_S)
        ):
            cuts.append(at)
    bounds = [0, *cuts, len(level_db)]
    return list(pairwise(bounds))


# --- the grid ---------------------------------------------------------------------------------------------------------


def tempo_of(onsets_s: np.ndarray, lengths_s: np.ndarray) -> float:
    """The tempo under which onsets lie best on beats and their parts, in whole BPM."""
    weights = np.sqrt(np.clip(lengths_s, 0.05, 1.0))
    scores = []
    for bpm in _TEMPI_BPM:
        turns = onsets_s * bpm / 60
        merit = (
            sum(weight * abs((weights * np.exp(2j * np.pi * parts * turns)).sum()) for parts, weight in _LEVELS)
            / weights.sum()
        )
        usual = np.exp(-0.5 * (np.log2(bpm / _USUAL_BPM) / _SPREAD_OCTAVES) ** 2)
        scores.append(merit * (0.3 + 0.7 * usual))
    return float(round(_TEMPI_BPM[int(np.argmax(scores))]))


def on_grid(onsets_s: np.ndarray, tempo_bpm: float) -> np.ndarray:
    """The sixteenth of each onset, int ``[onsets]`` from 0, no two on one: each onset moves the beat a little."""
    step_s = 60 / tempo_bpm / _STEPS
    phase_s = _phase_s(onsets_s, step_s)
    steps = [round(float(onsets_s[0] - phase_s) / step_s)]
    expected_s, length_s = phase_s + steps[0] * step_s, step_s
    for onset in onsets_s[1:]:
        ahead = max(1, round(float(onset - expected_s) / length_s))
        error_s = onset - (expected_s + ahead * length_s)
        steps.append(steps[-1] + ahead)
        expected_s += ahead * length_s + 2 * _FOLLOW * error_s
        length_s = float(np.clip(length_s + _FOLLOW * error_s / ahead, 0.8 * step_s, 1.25 * step_s))
    return np.array(steps) - steps[0]


def _phase_s(onsets_s: np.ndarray, step_s: float) -> float:
    """Where the grid of the first few onsets begins."""
    some = onsets_s[:8]
    angle = np.angle(np.exp(2j * np.pi * some / step_s).sum())
    return float(angle / (2 * np.pi) * step_s)


def _bar_offset(steps: np.ndarray, lengths_s: np.ndarray) -> int:
    """How many sixteenths the first note comes after a bar line: where long notes lie on strong beats."""
    per_bar = 4 * _STEPS
    weight = np.array([4.0 if step == 0 else 2.0 if step == 8 else 1.0 if step % 4 == 0 else 0.0 for step in range(16)])
    merits = []
    for offset in range(0, per_bar, _STEPS):
        on = weight[(steps + offset) % per_bar]
        merits.append(float((on * np.sqrt(lengths_s)).sum()) * (1.1 if offset == 0 else 1.0))
    return _STEPS * int(np.argmax(merits))


def _score(heard: Sequence[HeardNote], steps: np.ndarray, bpm: float, role: str, instrument: str) -> Score:
    from noisician.score.encode import estimate_key

    step_s = 60 / bpm / _STEPS
    loudest = max(note.level_db for note in heard)
    notes, weights = [], np.zeros(12)
    for place, (note, step) in enumerate(zip(heard, steps, strict=True)):
        length = max(1, round((note.end_s - note.start_s) / step_s))
        if place + 1 < len(steps):
            room = int(steps[place + 1] - step)
            # A breath shorter than a sixteenth and a half is articulation, not a rest.
            gap_s = heard[place + 1].start_s - note.end_s
            length = room if gap_s < 1.5 * step_s else min(length, room)
        velocity = int(np.clip(100 + 2 * (note.level_db - loudest), 40, 110))
        notes.append(Note(note.pitch, float(step) / _STEPS, length / _STEPS, velocity))
        weights[note.pitch % 12] += length
    key, mode = estimate_key(weights)
    end = max(note.end_beats for note in notes)
    bars = max(1, int(np.ceil(end / METERS["4/4"].beats_per_bar - 1e-9)))
    return Score(bpm, key, mode, "4/4", bars, tracks=(Track(role, instrument, tuple(notes)),))
