"""A tune that somebody sings, hums, whistles or plays: its notes, and their places on a grid of sixteenths.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz, one voice at a time.
* Pitch comes from :func:`noisician.analysis.pitch.swift_f0`, where most of a recording lies above its compass from
  :func:`noisician.analysis.pitch.yin`. The most likely path through semitones and silence (Viterbi) makes notes of it;
  the tuning of the voice is found first, a note that is struck again is told by its loudness.
* Even time is fitted: the steps on which most onsets lie. Free time is straightened by following: each onset moves the
  beat a little (a phase-locked loop), so that a tempo may drift.

How good it is
--------------
``benchmarks/hummed_tunes.py``; docs/models.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from noisician.analysis.inputs import mono
from noisician.analysis.pitch import YIN_THRESHOLD, PitchTrack, swift_f0, yin
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import A4_HZ, A4_PITCH
from noisician.score.model import METERS, Note, Score, Track

#: How far a held note's pitch strays (semitones), and how strongly silence, another note and a far one are disliked.
_SPREAD, _UNVOICED, _CHANGE, _LEAP = 0.35, 2.0, 6.0, 0.08
_LOWEST, _HIGHEST = 24, 108
#: Where most of a recording is higher, it is whistled: swift-f0 hears up to 2,094 Hz.
_WHISTLED_HZ = 1200.0
#: An octave too high is heard where two periods are this much more alike than one; lower pitches have no such partials.
_OCTAVE_UP, _HALVED_FROM_HZ, _LAG_REACH = 0.12, 90.0, 2
#: Shorter notes belong to a neighbour or are noise.
SHORTEST_S = 0.07
#: A dip of loudness this deep, over at most so long, is a note struck again.
_DIP_DB, _DIP_S = 5.0, 0.2
#: A consonant between two vowels takes this much from the bands that vowels have and consonants such as l and n lack.
_VOWEL_BANDS_HZ, _VOWEL_DIP_DB = ((600.0, 1800.0), (1000.0, 4000.0)), 6.0
#: A band is heard in windows of so many frames, for several periods of a low voice.
_PERIODS_HOPS = 3
#: Notes this far under most of a tune are none.
_ECHO_DB = 18.0
#: The quietest frame that counts, against the loudest and at all.
_FLOOR_DB, _SILENT_DB = 38.0, -70.0
_TEMPI_BPM = np.arange(60.0, 181.0, 0.5)
#: Tempi near this one are likelier, by so many octaves of spread.
_USUAL_BPM, _SPREAD_OCTAVES = 100.0, 0.6
#: What an onset on a quarter, an eighth, a sixteenth says for a tempo.
_LEVELS = ((1, 1.0), (2, 0.8), (4, 0.45))
#: The same where a beat falls into three, and how much better that has to fit where both read the same eighths.
_TERNARY_LEVELS, _TERNARY_MERIT = ((1, 1.0), (3, 0.8), (6, 0.45)), 1.1
#: Even steps are looked for so far around a tempo, in so many places; where this share of onsets lies nearer than that
#: to them, they are even.
_STRAYS, _STRAYS_TRIED, _STEADY_SHARE, _NEAR_STEPS = 0.03, 241, 0.6, 0.3
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
    time = _Time(float(tempo_bpm)) if tempo_bpm is not None else _time_of(onsets, lengths)
    steps, sung = _steps(onsets, lengths, time)
    steps = steps + _bar_offset(steps, lengths, sung.ternary)
    told = time if tempo_bpm is not None else replace(sung, tempo_bpm=float(round(sung.tempo_bpm)))
    return Tune(tuple(heard), _score(heard, steps, sung.step_s, told, role, instrument), cents)


# --- notes ------------------------------------------------------------------------------------------------------------


def heard_notes(samples: np.ndarray) -> tuple[list[HeardNote], float]:
    """The notes of a recording in order, and the voice's tuning in cents."""
    audio = mono(samples).astype(np.float32)
    voice = _contour(audio)
    if voice.is_voiced.sum() < SHORTEST_S * voice.rate_hz:
        return [], 0.0
    tuning = _tuning(voice.midi[voice.is_voiced])
    path = _path(voice.midi - tuning, voice.is_voiced)
    notes: list[HeardNote] = []
    for first, last, pitch in _runs(path):
        for begin, end in _struck(voice, first, last):
            if (end - begin) / voice.rate_hz >= SHORTEST_S:
                level = float(voice.level_db[begin:end].max())
                notes.append(HeardNote(begin / voice.rate_hz, end / voice.rate_hz, pitch, level))
    return _without_echoes(notes), 100 * tuning


def _without_echoes(notes: list[HeardNote]) -> list[HeardNote]:
    """Notes without those far softer than most: breath, and what a room gives back."""
    if not notes:
        return []
    lengths = np.array([note.end_s - note.start_s for note in notes])
    levels = np.array([note.level_db for note in notes])
    order = np.argsort(levels)
    usual = levels[order][np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)]
    return [note for note in notes if note.level_db >= usual - _ECHO_DB]


@dataclass(frozen=True)
class _Voice:
    """Frames ``1 / rate_hz`` apart: ``midi`` pitch, whether there is one, loudness and that of the vowels' band in dB
    of full scale, all ``[frames]``."""

    midi: np.ndarray
    is_voiced: np.ndarray
    level_db: np.ndarray
    vowel_db: np.ndarray
    rate_hz: float


def _contour(audio: np.ndarray) -> _Voice:
    found = swift_f0(audio)
    frames, rate_hz = len(found.hz), found.rate_hz
    level_db = _levels(audio, frames, rate_hz)
    is_loud = level_db > max(level_db.max(initial=_SILENT_DB) - _FLOOR_DB, _SILENT_DB)
    is_voiced = (found.confidence >= 0.5) & is_loud
    hz = _without_octaves_up(audio, found, is_voiced)
    midi = A4_PITCH + 12 * np.log2(np.maximum(hz, 1.0) / A4_HZ)
    centres = (np.arange(frames) / rate_hz * SAMPLE_RATE_HZ).astype(int)
    hz, aperiodicity = yin(audio, centres, lowest_hz=500.0)
    whistled = (aperiodicity < YIN_THRESHOLD) & is_loud
    if (whistled & (hz > _WHISTLED_HZ)).sum() > is_voiced.sum() / 2:  # at or above the top of the network's compass
        return _Voice(A4_PITCH + 12 * np.log2(hz / A4_HZ), whistled, level_db, np.zeros(frames), rate_hz)
    # A partial that sways over the edge of one band is in the other.
    vowel_db = np.mean([_levels(audio, frames, rate_hz, band_hz) for band_hz in _VOWEL_BANDS_HZ], axis=0)
    return _Voice(midi, is_voiced, level_db, vowel_db, rate_hz)


def _without_octaves_up(audio: np.ndarray, found: PitchTrack, is_voiced: np.ndarray) -> np.ndarray:
    """Pitch in Hz ``[frames]``: an octave lower where the sound is much more like itself two periods later than one.

    A closed vowel has little but its second partial, and the network follows that.
    """
    hz = found.hz.copy()
    longest = 4 * int(SAMPLE_RATE_HZ / _HALVED_FROM_HZ) + _LAG_REACH
    padded = np.pad(audio, longest)
    for frame in np.flatnonzero(is_voiced & (found.hz > _HALVED_FROM_HZ)):
        period = round(SAMPLE_RATE_HZ / hz[frame])
        centre = round(frame / found.rate_hz * SAMPLE_RATE_HZ) + longest
        here = padded[centre - 2 * period : centre + 2 * period]
        likeness = [_likeness(padded, here, centre - 2 * period, lag) for lag in (period, 2 * period)]
        if likeness[1] - likeness[0] > _OCTAVE_UP:
            hz[frame] /= 2
    return hz


def _likeness(padded: np.ndarray, here: np.ndarray, first: int, lag: int) -> float:
    """The highest correlation of a stretch with what comes about ``lag`` samples later, −1 … 1."""
    best = -1.0
    for shift in range(lag - _LAG_REACH, lag + _LAG_REACH + 1):
        later = padded[first + shift : first + shift + len(here)]
        if shift > 0 and len(later) == len(here):
            energy = float((here @ here) * (later @ later))
            best = max(best, float(here @ later) / energy**0.5 if energy > 0 else 0.0)
    return best


def _levels(audio: np.ndarray, frames: int, rate_hz: float, band_hz: tuple[float, float] | None = None) -> np.ndarray:
    """Loudness of each frame, or of a band of it, in dB of full scale, ``[frames]``."""
    hop = round(SAMPLE_RATE_HZ / rate_hz)
    size = hop if band_hz is None else _PERIODS_HOPS * hop
    padded = np.pad(audio, (size // 2, max(0, frames * hop + size - len(audio))))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size)[: frames * hop : hop]
    if band_hz is None:
        power = np.mean(pieces**2, axis=1)
    else:
        spectra = np.abs(np.fft.rfft(pieces * np.hanning(size), axis=1)) ** 2
        hz = np.arange(spectra.shape[1]) * SAMPLE_RATE_HZ / size
        power = spectra[:, (hz >= band_hz[0]) & (hz < band_hz[1])].mean(axis=1) / size
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


def _struck(voice: _Voice, first: int, last: int) -> list[tuple[int, int]]:
    """The stretches (first frame, last + 1) of one pitch that are notes of their own: between them the loudness dips
    and comes back, or only that of the vowels does, as in "la la"."""
    reach = max(2, round(_DIP_S * voice.rate_hz))
    dips = [
        (first + at, depth)
        for curve, least_db in ((voice.level_db, _DIP_DB), (voice.vowel_db, _VOWEL_DIP_DB))
        for at, depth in _dips(curve[first:last], reach, least_db)
    ]
    cuts: list[int] = []
    for at, _ in sorted(dips, key=lambda dip: -dip[1]):
        if all(abs(at - cut) / voice.rate_hz >= SHORTEST_S for cut in cuts):
            cuts.append(at)
    return list(pairwise([first, *sorted(cuts), last]))


def _dips(level_db: np.ndarray, reach: int, least_db: float) -> list[tuple[int, float]]:
    """(frame, depth in dB) of each place that lies so far under the loudest within ``reach`` on both sides."""
    found = []
    for at in range(2, len(level_db) - 2):
        before, after = level_db[max(0, at - reach) : at].max(), level_db[at + 1 : at + 1 + reach].max()
        lowest = level_db[max(0, at - reach // 2) : at + reach // 2 + 1].min()
        depth = float(min(before, after) - level_db[at])
        if level_db[at] == lowest and depth >= least_db:
            found.append((at, depth))
    return found


# --- the grid ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Time:
    """A tempo, and whether its beats fall into three."""

    tempo_bpm: float
    ternary: bool = False

    @property
    def step_s(self) -> float:
        """A sixteenth."""
        return 60 / self.tempo_bpm / (6 if self.ternary else _STEPS)


def tempo_of(onsets_s: np.ndarray, lengths_s: np.ndarray) -> float:
    """The tempo under which onsets lie best on beats and their parts, in whole BPM."""
    return _time_of(onsets_s, lengths_s).tempo_bpm


def _time_of(onsets_s: np.ndarray, lengths_s: np.ndarray) -> _Time:
    """Beats in two, or in three where that fits clearly better at another tempo: at the same one it is swing."""
    binary, merit = _best_tempo(onsets_s, lengths_s, _LEVELS)
    ternary, other_merit = _best_tempo(onsets_s, lengths_s, _TERNARY_LEVELS)
    ratio = ternary / binary
    is_other = all(abs(ratio / factor - 1) > 0.03 for factor in (0.5, 1.0, 2.0))
    needs = _TERNARY_MERIT if abs(ratio * 1.5 - 1) < 0.03 else 1.0
    return _Time(ternary, True) if is_other and other_merit > needs * merit else _Time(binary)


def _best_tempo(
    onsets_s: np.ndarray, lengths_s: np.ndarray, levels: Sequence[tuple[int, float]]
) -> tuple[float, float]:
    """(whole BPM, merit) of the best of _TEMPI_BPM."""
    weights = np.sqrt(np.clip(lengths_s, 0.05, 1.0))
    turns = np.outer(_TEMPI_BPM / 60, onsets_s)
    merits = sum(share * np.abs(np.exp(2j * np.pi * parts * turns) @ weights) for parts, share in levels)
    usual = np.exp(-0.5 * (np.log2(_TEMPI_BPM / _USUAL_BPM) / _SPREAD_OCTAVES) ** 2)
    merits = np.asarray(merits) / weights.sum() * (0.3 + 0.7 * usual)
    best = int(np.argmax(merits))
    return float(round(_TEMPI_BPM[best])), float(merits[best])


def _steps(onsets_s: np.ndarray, lengths_s: np.ndarray, time: _Time) -> tuple[np.ndarray, _Time]:
    """The sixteenth of each onset, from 0, and the tempo as it was sung: even steps where most onsets lie near them,
    else steps that follow the singer."""
    weights = np.sqrt(np.clip(lengths_s, 0.05, 1.0))
    step_s = time.step_s * np.linspace(1 - _STRAYS, 1 + _STRAYS, _STRAYS_TRIED)
    sums = [np.exp(2j * np.pi * np.outer(1 / (parts * step_s), onsets_s)) @ weights for parts in (1, 2)]
    best = int(np.argmax(np.abs(sums[0]) + 0.6 * np.abs(sums[1])))
    start_s, length_s = float(np.angle(sums[0][best]) / (2 * np.pi) * step_s[best]), float(step_s[best])
    for _ in range(2):  # the line through the onsets at their steps
        places = np.rint((onsets_s - start_s) / length_s)
        rows = np.stack([places, np.ones(len(places))], axis=1) * weights[:, None]
        fitted, fallback = np.linalg.lstsq(rows, onsets_s * weights, rcond=None)[0], (length_s, start_s)
        length_s, start_s = fitted if abs(fitted[0] / time.step_s - 1) <= 2 * _STRAYS else fallback
    exact = (onsets_s - start_s) / length_s
    if np.mean(np.abs(exact - np.rint(exact)) < _NEAR_STEPS) < _STEADY_SHARE:
        return on_grid(onsets_s, time.tempo_bpm, time.step_s), time
    steps = np.rint(exact).astype(int)
    for place in range(1, len(steps)):
        steps[place] = max(steps[place], steps[place - 1] + 1)
    return steps - steps[0], _Time(time.tempo_bpm * time.step_s / length_s, time.ternary)


def on_grid(onsets_s: np.ndarray, tempo_bpm: float, step_s: float | None = None) -> np.ndarray:
    """The sixteenth of each onset, int ``[onsets]`` from 0, no two on one: each onset moves the beat a little."""
    step_s = 60 / tempo_bpm / _STEPS if step_s is None else step_s
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


def _bar_offset(steps: np.ndarray, lengths_s: np.ndarray, ternary: bool = False) -> int:
    """How many sixteenths the first note comes after a bar line: where long notes lie on strong beats."""
    beat = 6 if ternary else _STEPS
    per_bar = 2 * beat if ternary else 4 * beat
    places = np.arange(per_bar)
    weight = np.select([places == 0, places == per_bar // 2, places % beat == 0], [4.0, 2.0, 1.0], 0.0)
    merits = []
    for offset in range(0, per_bar, beat):
        on = weight[(steps + offset) % per_bar]
        merits.append(float((on * np.sqrt(lengths_s)).sum()) * (1.1 if offset == 0 else 1.0))
    return beat * int(np.argmax(merits))


def _score(
    heard: Sequence[HeardNote], steps: np.ndarray, step_s: float, time: _Time, role: str, instrument: str
) -> Score:
    from noisician.score.encode import estimate_key

    meter = METERS["6/8" if time.ternary else "4/4"]
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
        notes.append(Note(note.pitch, float(step) / meter.steps_per_beat, length / meter.steps_per_beat, velocity))
        weights[note.pitch % 12] += length
    key, mode = estimate_key(weights)
    end = max(note.end_beats for note in notes)
    bars = max(1, int(np.ceil(end / meter.beats_per_bar - 1e-9)))
    return Score(time.tempo_bpm, key, mode, meter.name, bars, tracks=(Track(role, instrument, tuple(notes)),))
