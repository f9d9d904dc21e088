"""Études for the renderer and the vocoder: every instrument, every register, every way of playing.

Not music to hear twice. Genre music visits few pitches and velocities; a model of *sound* has to have met them all,
so the études draw rhythm, register, density, articulation and dynamics wide and independently.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from noisician.score.harmony import SCALES
from noisician.score.played import NoteEvent
from noisician.styles import Instrument

DRUM_PITCHES = (
    36,
    38,
    42,
    46,
    37,
    39,
    40,
    41,
    45,
    48,
    50,
    44,
    49,
    51,
    53,
    57,
    54,
    56,
    60,
    63,
    64,
    70,
    76,
    81,
    35,
    43,
    47,
)
_DRUM_WEIGHTS = np.array([6, 5, 6, 3, 1, 2, 1.5, 1, 1, 1, 1, 1, 1.5, 2, 0.7, 0.7] + [0.6] * 11)


def write_exercise(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> tuple[NoteEvent, ...]:
    """Notes within ``duration_s`` for one instrument, in order of start."""
    if instrument.family == "texture":
        notes = _events_of_texture(instrument, duration_s, rng)
    elif instrument.excitation == "drum":
        notes = _drum_pattern(duration_s, rng)
    else:
        notes = _pitched(instrument, duration_s, rng)
    kept = [note for note in notes if note.start_s < duration_s - 0.1]
    return tuple(sorted(kept, key=lambda note: (note.start_s, note.pitch)))


def _step_s(rng: np.random.Generator) -> float:
    """Length of a sixteenth at 55–185 BPM."""
    return 15.0 / rng.uniform(55, 185)


def _velocities(count: int, rng: np.random.Generator) -> np.ndarray:
    centre, spread = rng.uniform(45, 112), rng.uniform(3, 22)
    return np.clip(rng.normal(centre, spread, count), 20, 127).astype(int)


def _scale_pitches(instrument: Instrument, rng: np.random.Generator) -> np.ndarray:
    """Pitches of a random scale over a random stretch (at least an octave) of the instrument's range."""
    scale = np.array(SCALES[str(rng.choice(list(SCALES)))])
    tonic = rng.integers(12)
    low, high = instrument.range
    span = rng.integers(12, max(13, high - low + 1))
    start = rng.integers(low, max(low + 1, high - span + 1))
    pitches = np.arange(start, min(start + span, high) + 1)
    return pitches[np.isin((pitches - tonic) % 12, scale)]


def _line(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    """One voice: a random walk with leaps, rests, repeated notes, short to tied-over lengths."""
    pitches = _scale_pitches(instrument, rng)
    step_s = _step_s(rng)
    lengths = rng.choice([1, 2, 3, 4, 6, 8, 16], size=400, p=rng.dirichlet([2, 3, 1, 2, 1, 1, 0.5]))
    legato, rest = rng.uniform(0.35, 1.05), rng.uniform(0, 0.35)
    place, now, notes = rng.integers(len(pitches)), rng.uniform(0, 0.4), []
    for length, velocity in zip(lengths, _velocities(len(lengths), rng), strict=True):
        if now >= duration_s:
            break
        if rng.random() > rest:
            held = max(0.06, length * step_s * legato)
            notes.append(NoteEvent(int(pitches[place]), now, now + held, int(velocity)))
        place = int(np.clip(place + rng.choice([-7, -3, -2, -1, 0, 1, 2, 3, 7]), 0, len(pitches) - 1))
        now += length * step_s
    return notes


def _chords(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    """Two to five voices struck together, from stabs to pads."""
    pitches = _scale_pitches(instrument, rng)
    step_s = _step_s(rng)
    pattern = [int(p) for p in rng.choice([1, 2, 3, 4, 6, 8, 16, 32], size=6)]
    legato, strum_s = rng.uniform(0.3, 1.0), rng.choice([0.0, 0.0, 0.012])
    now, notes, turn = rng.uniform(0, 0.4), [], 0
    voices = int(rng.integers(2, 6))
    while now < duration_s:
        root, spacing = rng.integers(len(pitches)), rng.choice([1, 2, 2, 2, 3])
        places = np.unique(np.clip(root + spacing * np.arange(voices), 0, len(pitches) - 1))
        length = pattern[turn % len(pattern)]
        velocity = _velocities(1, rng)[0]
        for order, place in enumerate(places):
            start = now + order * strum_s
            held = max(0.06, length * step_s * legato)
            notes.append(NoteEvent(int(pitches[place]), start, start + held, int(velocity)))
        now += length * step_s
        turn += 1
    return notes


def _arpeggio(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    """Even notes up and down a chord."""
    pitches = _scale_pitches(instrument, rng)
    step_s = _step_s(rng) * rng.choice([1, 1, 2])
    shape = rng.permutation(6)[: rng.integers(3, 7)]
    held = max(0.05, step_s * rng.uniform(0.3, 1.5))
    count = int(duration_s / step_s) + 1
    velocities = _velocities(count, rng)
    roots = rng.integers(0, max(1, len(pitches) - 12), size=count // 16 + 1)
    notes = []
    for turn in range(count):
        place = min(roots[turn // 16] + 2 * shape[turn % len(shape)], len(pitches) - 1)
        start = turn * step_s
        notes.append(NoteEvent(int(pitches[place]), start, start + held, int(velocities[turn])))
    return notes


_Style = Callable[[Instrument, float, np.random.Generator], list[NoteEvent]]


def _pitched(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    styles: tuple[_Style, ...] = (_line, _arpeggio)
    if instrument.polyphonic:
        styles = (_line, _chords, _chords, _arpeggio)
    if "pad" in instrument.roles[:1]:
        styles = (_chords, _chords, _line)
    style = styles[rng.integers(len(styles))]
    return style(instrument, duration_s, rng)


def _drum_pattern(duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    """A looped bar of random hits, sometimes a groove with a backbeat, sometimes single sounds left to ring."""
    step_s = _step_s(rng)
    density = rng.choice([0.06, 0.15, 0.3, 0.5])
    chosen = rng.choice(len(DRUM_PITCHES), size=rng.integers(2, 9), p=_DRUM_WEIGHTS / _DRUM_WEIGHTS.sum())
    bar = {int(DRUM_PITCHES[drum]): rng.random(16) < density * rng.uniform(0.4, 1.6) for drum in chosen}
    if rng.random() < 0.6:  # the groove most music has
        bar[36] = np.isin(np.arange(16), [0, 8] if rng.random() < 0.5 else [0, 4, 8, 12])
        bar[int(rng.choice([38, 39, 40]))] = np.isin(np.arange(16), [4, 12])
        bar[42] = np.arange(16) % int(rng.choice([1, 2, 4])) == 0
    notes = []
    for turn in range(int(duration_s / step_s) + 1):
        for pitch, hits in bar.items():
            if hits[turn % 16] and rng.random() < 0.95:
                start = max(0.0, turn * step_s + rng.normal(0, 0.003))
                notes.append(NoteEvent(pitch, start, start + 0.1, int(_velocities(1, rng)[0])))
    return notes


def _events_of_texture(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> list[NoteEvent]:
    """A bed over most of the clip, or a few effects one after the other."""
    low, high = instrument.range
    if "fx" in instrument.roles:
        notes, now = [], rng.uniform(0, 1)
        while now < duration_s - 1:
            length = rng.uniform(0.8, 5)
            notes.append(NoteEvent(60, now, min(now + length, duration_s), int(_velocities(1, rng)[0])))
            now += length + rng.uniform(0.3, 2.5)
        return notes
    start = rng.choice([0.0, rng.uniform(0, 2)])
    end = duration_s if rng.random() < 0.6 else duration_s - rng.uniform(0.5, 3)
    pitches = rng.choice(np.arange(low, high + 1), size=1 if high == low else rng.integers(1, 3), replace=False)
    velocity = int(_velocities(1, rng)[0])
    return [NoteEvent(int(pitch), float(start), float(end), velocity) for pitch in pitches]
