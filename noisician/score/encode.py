"""Score → token grid: any score, ours or imported, written on sixteenths as well as it fits.

Harmony comes from the score's own chords where it has them, else from what sounds (:func:`recognise_chords`).
Monophonic roles keep every onset and pitch; chordal parts become the nearest voicing of the chord in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from noisician.request import TONICS
from noisician.score.decode import semitones_from_c
from noisician.score.grid import (
    CHORDAL,
    DRUM_HITS,
    HOLD,
    LEVEL_VELOCITIES,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    REST,
    Grid,
    chord_of,
    chord_token,
    harmony_token,
    pitch_token,
    voicing_token,
    with_composed_chords,
)
from noisician.score.harmony import QUALITY_NAMES, REGISTER_FLOORS, VOICINGS, chord_tones, voice
from noisician.score.model import Chord, Meter, Score
from noisician.score.perform import swing_pair_steps, unswing_time
from noisician.score.qualities import nearest_quality
from noisician.styles import PITCHED_ROLES

#: Krumhansl & Kessler (1982) probe-tone profiles, tonic first.
KEY_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
SWING_CANDIDATES = tuple(round(0.1 * tenths, 1) for tenths in range(1, 11))
SWING_EVIDENCE_STEPS = 0.04  # how much nearer to the grid a swung reading must be than the straight one

#: How unlikely each quality is before hearing anything, in units of template cosine.
_QUALITY_PRIOR = {
    "maj": 0.0, "min": 0.0, "7": 0.015, "min7": 0.03, "maj7": 0.03, "dim": 0.04, "m7b5": 0.04, "dim7": 0.03,
    "6": 0.06, "m6": 0.06, "sus4": 0.05, "sus2": 0.06, "aug": 0.07, "add9": 0.05, "9": 0.06, "maj9": 0.06,
    "m9": 0.06, "5": 0.14,
}  # fmt: skip
_BASS_BONUS = 0.12  # the root in the bass
_DIATONIC_BONUS = 0.02
_NO_CHORD = 0.5  # cosine a chord must beat to be heard at all
_SILENCE = -0.05  # a beat without notes says little: the chord before rings on, for a while
#: Cost of a new chord on a downbeat, in the middle of a bar, elsewhere.
_CHANGE_COSTS = (0.15, 0.22, 0.4)

#: General MIDI percussion → the nearest hit the grid knows: (stream, note).
_DRUM_NEAREST = {
    35: 36, 43: 41, 47: 45, 52: 49, 55: 49, 57: 57, 59: 51, 58: 54, 61: 60, 62: 63, 65: 60, 66: 64, 67: 56,
    68: 56, 69: 70, 77: 76, 78: 76, 79: 76, 80: 81, 82: 70, 71: 81, 72: 81, 73: 70, 74: 70, 75: 76,
}  # fmt: skip


@dataclass(frozen=True)
class GridNote:
    """A note on the grid, tonic C: steps, MIDI pitch, velocity."""

    start: int
    end: int
    pitch: int
    velocity: int


def encode(score: Score, swing: tuple[float, int] | None = None) -> Grid:
    """The grid of a score: quantised to sixteenths, swing removed, C as tonic.

    ``swing`` is its amount and the steps of the swung pair (see :mod:`noisician.score.perform`), estimated where it is
    not known. Notes outside the grid's pitches fold in by octaves; roles without streams (textures, effects) are left
    out.
    """
    meter = score.meter
    grid = Grid.empty(score.bars, score.time_signature)
    by_role = _quantised_roles(score, len(grid.tokens), *(estimate_swing(score) if swing is None else swing))
    pitched = [note for role in PITCHED_ROLES for note in by_role.get(role, ())]
    grid.stream("chord")[:] = (
        _given_chords(score, len(grid.tokens)) if score.chords else recognise_chords(pitched, len(grid.tokens), meter)
    )
    for role in MONOPHONIC:
        grid.stream(role)[:] = monophonic_stream(by_role.get(role, ()), len(grid.tokens), lowest=role == "bass")
    for role in CHORDAL:
        grid.stream(role)[:] = chordal_stream(by_role.get(role, ()), grid.stream("chord"))
    for note in sorted(by_role.get("drums", ()), key=lambda note: note.velocity):  # the loudest has the last word
        place = nearest_drum(note.pitch, note.velocity)
        if place:
            stream, token = place
            grid.stream(stream)[note.start] = token
    return grid


def _quantised_roles(score: Score, steps: int, swing: float, pair_steps: int) -> Mapping[str, list[GridNote]]:
    steps_per_beat = score.meter.steps_per_beat
    shift = -semitones_from_c(score.key)
    by_role: dict[str, list[GridNote]] = {}
    for track in score.tracks:
        if not track.notes:
            continue
        times = np.array([(note.start_beats, note.end_beats) for note in track.notes]) * steps_per_beat
        starts, ends = np.rint(unswing_time(times, swing, pair_steps)).astype(int).T
        transpose = 0 if track.role == "drums" else shift
        notes = [
            GridNote(int(start), int(min(max(end, start + 1), steps)), note.pitch + transpose, note.velocity)
            for note, start, end in zip(track.notes, starts, ends, strict=True)
            if 0 <= start < steps
        ]
        by_role.setdefault(track.role, []).extend(notes)
    return by_role


def estimate_swing(score: Score) -> tuple[float, int]:
    """(swing, steps of the swung pair) under which the onsets lie nearest to sixteenths."""
    starts = np.array([note.start_beats for track in score.tracks for note in track.notes])
    steps = starts * score.meter.steps_per_beat
    if not len(steps):
        return 0.0, 2

    def distance(swing: float, pair_steps: int) -> float:
        straight = unswing_time(steps, swing, pair_steps)
        return float(np.mean(np.abs(straight - np.rint(straight))))

    as_written = distance(0.0, 2)
    if as_written < SWING_EVIDENCE_STEPS:
        return 0.0, 2
    pairs = dict.fromkeys((2, swing_pair_steps(score.meter, "eighth")))
    candidates = [(distance(swing, pair), swing, pair) for pair in pairs for swing in SWING_CANDIDATES]
    nearest, swing, pair = min(candidates)
    return (swing, pair) if nearest < as_written - SWING_EVIDENCE_STEPS else (0.0, 2)


def nearest_level(velocity: int) -> int:
    """Index of the nearest of LEVEL_VELOCITIES."""
    return min(range(len(LEVEL_VELOCITIES)), key=lambda level: abs(LEVEL_VELOCITIES[level] - velocity))


def fold_pitch(pitch: int) -> int:
    """The octave of a pitch the grid can write."""
    if pitch < PITCH_LOW:
        return pitch + 12 * -(-(PITCH_LOW - pitch) // 12)
    if pitch > PITCH_HIGH:
        return pitch - 12 * -(-(pitch - PITCH_HIGH) // 12)
    return pitch


def nearest_drum(pitch: int, velocity: int) -> tuple[str, int] | None:
    """(stream, token) of a General MIDI percussion note, None for one the grid has nothing like."""
    pitch = _DRUM_NEAREST.get(pitch, pitch)
    hits = [
        (abs(hit_velocity - velocity), stream, token)
        for stream, stream_hits in DRUM_HITS.items()
        for token, (hit, hit_velocity) in enumerate(stream_hits, start=1)
        if hit == pitch
    ]
    return min(hits)[1:] if hits else None


def monophonic_stream(notes: Iterable[GridNote], steps: int, *, lowest: bool = False) -> np.ndarray:
    """One voice ``[steps]``: the skyline of the notes, or their lowest line.

    At an onset the outermost new note speaks, unless one further out still sounds from before.
    """
    sign = -1 if lowest else 1
    tokens = np.full(steps, REST, np.int16)
    outermost: dict[int, GridNote] = {}
    for note in notes:
        rival = outermost.get(note.start)
        if rival is None or sign * (note.pitch - rival.pitch) > 0:
            outermost[note.start] = note
    current: GridNote | None = None
    for start in sorted(outermost):
        note = outermost[start]
        if current and start < current.end and sign * (current.pitch - note.pitch) > 0:
            continue
        tokens[start] = pitch_token(fold_pitch(note.pitch), nearest_level(note.velocity))
        tokens[start + 1 :] = REST
        tokens[start + 1 : note.end] = HOLD
        current = note
    return tokens


def chordal_stream(notes: Iterable[GridNote], harmony: np.ndarray) -> np.ndarray:
    """Voicing tokens ``[steps]`` nearest to what sounds, given chord tokens ``harmony [steps]``.

    A strike is a step where at least half of the sounding notes begin; a lone moving voice, or voices that
    move because the chord does while others ring, are a hold.
    """
    steps = len(harmony)
    tokens = np.full(steps, REST, np.int16)
    begins: dict[int, list[GridNote]] = {}
    for note in notes:
        begins.setdefault(note.start, []).append(note)
    sounding: list[GridNote] = []
    for step in range(steps):
        fresh = begins.get(step, [])
        ringing = [note for note in sounding if note.end > step]
        sounding = ringing + fresh
        if not sounding:
            continue
        speaking = step > 0 and tokens[step - 1] != REST
        chord_moves = step > 0 and harmony[step] != harmony[step - 1]
        tied = speaking and bool(ringing) and (chord_moves or len(fresh) < 0.5 * len(sounding))
        if fresh and harmony[step] and not tied:
            pitches = tuple(sorted({note.pitch for note in sounding}))
            level = nearest_level(round(float(np.mean([note.velocity for note in fresh]))))
            tokens[step] = _nearest_voicing(int(harmony[step]), pitches) + level
        elif speaking:
            tokens[step] = HOLD
    return tokens


@cache
def _voicings(harmony: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every level-0 token of a chord ``[shapes]``, its pitches ``[shapes, 4]`` (the top one repeated where there
    are fewer) and how many they are ``[shapes]``."""
    chord = chord_of(harmony)
    assert chord is not None
    shapes = [(register, voicing) for register in range(len(REGISTER_FLOORS)) for voicing in VOICINGS]
    pitches = [voice(*chord, voicing, REGISTER_FLOORS[register]) for register, voicing in shapes]
    padded = np.array([(*notes, *notes[-1:] * (4 - len(notes))) for notes in pitches])
    tokens = np.array([voicing_token(register, voicing, 0) for register, voicing in shapes])
    return tokens, padded, np.array([len(notes) for notes in pitches])


@lru_cache(maxsize=65536)
def _nearest_voicing(harmony: int, pitches: tuple[int, ...]) -> int:
    """Level-0 token whose pitches are nearest: mean distance to the nearest note both ways, and the count."""
    tokens, candidates, counts = _voicings(harmony)
    apart = np.abs(np.array(pitches)[:, None, None] - candidates)  # [pitches, shapes, 4]
    to_candidate = apart.min(2).mean(0)
    real = np.arange(candidates.shape[1]) < counts[:, None]
    to_wanted = (apart.min(0) * real).sum(1) / counts
    missing = np.abs(len(pitches) - counts)
    return int(tokens[np.argmin(to_candidate + to_wanted + 0.5 * missing)])


def _given_chords(score: Score, steps: int) -> np.ndarray:
    tokens = np.zeros(steps, np.int16)
    shift = -semitones_from_c(score.key)
    for chord in score.chords:
        start, end = _stretch(chord, score.meter)
        tokens[start:end] = chord_token(chord.root + shift, nearest_quality(chord.quality))
    return tokens


def kept_chords(score: Score, grid: Grid) -> np.ndarray:
    """The chords of a piece, int32 ``[steps]``: those of its grid, and all that the score says of them."""
    tokens = np.zeros(len(grid.tokens), np.int32)
    shift = -semitones_from_c(score.key)
    for chord in score.chords:
        start, end = _stretch(chord, score.meter)
        bass = None if chord.bass is None else chord.bass + shift
        tokens[start:end] = harmony_token(chord.root + shift, chord.quality, bass)
    return with_composed_chords(tokens, grid.stream("chord"))


def _stretch(chord: Chord, meter: Meter) -> tuple[int, int]:
    """Where a chord begins and ends, in steps."""
    start, end = chord.start_beats, chord.start_beats + chord.duration_beats
    return max(round(start * meter.steps_per_beat), 0), max(round(end * meter.steps_per_beat), 0)


@cache
def _templates() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit chord templates ``[216, 12]``, their prior ``[216]`` and roots ``[216]``, in token order."""
    scales = [{0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10}]
    templates = np.zeros((12 * len(QUALITY_NAMES), 12))
    prior = np.zeros(len(templates))
    for index in range(len(templates)):
        root, quality = divmod(index, len(QUALITY_NAMES))
        tones = chord_tones(root, QUALITY_NAMES[quality])
        templates[index, list(tones)] = 0.85  # sevenths and ninths weigh less than the triad
        templates[index, list(tones[:3])] = 1.0
        templates[index, root] = 1.1
        diatonic = any(set(tones) <= scale for scale in scales)
        prior[index] = _DIATONIC_BONUS * diatonic - _QUALITY_PRIOR[QUALITY_NAMES[quality]]
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    return templates, prior, np.arange(len(templates)) // len(QUALITY_NAMES)


def recognise_chords(notes: Sequence[GridNote], steps: int, meter: Meter) -> np.ndarray:
    """Chord tokens ``[steps]`` heard in notes whose tonic is C.

    Each beat's pitch classes (square root of their sounding time) meet every chord's template by cosine, with a
    bonus for the root in the bass; the Viterbi path then pays for changes, least on downbeats.
    """
    if not notes:
        return np.zeros(steps, np.int16)
    path = chords_of_classes(*_pitch_classes(notes, steps, meter), meter)
    return np.repeat(path, np.tile(meter.pulses, steps // meter.steps_per_bar)).astype(np.int16)


def chords_of_classes(classes: np.ndarray, bass: np.ndarray, meter: Meter) -> np.ndarray:
    """Chord tokens ``[beats]`` of how much of each pitch class sounds, and is the lowest: both ``[beats, 12]``."""
    evidence = _chord_evidence(classes, bass)
    return _viterbi(evidence, _change_costs(len(evidence), meter)).astype(np.int16)


def _pitch_classes(notes: Sequence[GridNote], steps: int, meter: Meter) -> tuple[np.ndarray, np.ndarray]:
    """Sounding time of each pitch class, and time it is the lowest note, per beat: both ``[beats, 12]``."""
    sounding = np.zeros((steps, 12))
    lowest = np.full(steps, 128)
    for note in notes:
        sounding[note.start : note.end, note.pitch % 12] += 1
        sounding[note.start, note.pitch % 12] += 0.5  # the attack is what is heard
        lowest[note.start : note.end] = np.minimum(lowest[note.start : note.end], note.pitch)
    bass = np.zeros((steps, 12))
    heard = np.flatnonzero(lowest < 128)
    bass[heard, lowest[heard] % 12] = 1
    pulses = np.tile(meter.pulses, steps // meter.steps_per_bar)
    starts = np.concatenate([[0], np.cumsum(pulses)[:-1]])
    return np.add.reduceat(sounding, starts), np.add.reduceat(bass, starts) / pulses[:, None]


def _chord_evidence(classes: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """``[beats, 1 + 216]``: no chord first, then every chord token."""
    templates, prior, roots = _templates()
    strength = np.sqrt(classes)
    length = np.linalg.norm(strength, axis=1, keepdims=True)
    cosine = (strength / np.maximum(length, 1e-9)) @ templates.T
    evidence = np.concatenate(
        [np.full((len(classes), 1), _NO_CHORD), cosine + prior + _BASS_BONUS * bass[:, roots]], axis=1
    )
    silent = length[:, 0] == 0
    evidence[silent, 0] = 0.0
    evidence[silent, 1:] = _SILENCE
    return evidence


def _change_costs(beats: int, meter: Meter) -> np.ndarray:
    in_bar = np.arange(beats) % len(meter.pulses)
    downbeat, middle, elsewhere = _CHANGE_COSTS
    costs = np.full(beats, elsewhere)
    if meter.beats_per_bar != 3:
        costs[in_bar == meter.pulse_steps.index(meter.second_half)] = middle
    costs[in_bar == 0] = downbeat
    return costs


def _viterbi(evidence: np.ndarray, change_costs: np.ndarray) -> np.ndarray:
    """States ``[T]`` of the best path where any change of state at t costs ``change_costs[t]``."""
    frames, states = evidence.shape
    back = np.zeros((frames, states), np.int32)
    total = evidence[0].copy()
    stay = np.arange(states)
    for frame in range(1, frames):
        best = int(np.argmax(total))
        moved = total[best] - change_costs[frame]
        back[frame] = np.where(total >= moved, stay, best)
        total = np.maximum(total, moved) + evidence[frame]
    path = np.empty(frames, np.int64)
    path[-1] = int(np.argmax(total))
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def key_correlations(weights: np.ndarray) -> dict[tuple[int, str], float]:
    """Krumhansl–Schmuckler: correlation of pitch-class ``weights [12]`` with each (tonic, mode)'s profile."""
    profiles = {mode: np.array(profile) for mode, profile in KEY_PROFILES.items()}
    if np.ptp(weights) == 0:
        return {(tonic, mode): 0.0 for mode in profiles for tonic in range(12)}
    return {
        (tonic, mode): float(np.corrcoef(weights, np.roll(profile, tonic))[0, 1])
        for mode, profile in profiles.items()
        for tonic in range(12)
    }


def estimate_key(weights: np.ndarray) -> tuple[str, str]:
    """(key, mode) of pitch-class weights ``[12]`` (C first), e.g. summed durations."""
    correlations = key_correlations(weights)
    tonic, mode = max(correlations, key=lambda candidate: correlations[candidate])
    return TONICS[tonic], mode
