"""What the synthetic singers are given to sing: words on random melodies in random styles.

The draws are wider than music needs, so that whatever a composed phrase asks of the network lies inside what it saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from noisician.vocals.frames import SungNote, SungSyllable
from noisician.vocals.style import SingingStyle

#: The syllables of a word, each its phones with stress digits.
WordSyllables: TypeAlias = Sequence[Sequence[str]]

NOTE_RANGE_S = (0.1, 4.0)
SCALES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 7, 9),
    (0, 3, 5, 7, 10),
    (0, 3, 5, 6, 7, 10),
)
#: Scale degrees a melody moves by, with their chances.
MOVES = (0, 1, -1, 2, -2, 3, -3, 4, -4, 7, -7)
MOVE_CHANCES = (0.18, 0.2, 0.24, 0.09, 0.1, 0.05, 0.05, 0.03, 0.03, 0.015, 0.015)
#: Beats a syllable lasts, with their chances.
BEATS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
BEAT_CHANCES = (0.3, 0.37, 0.1, 0.14, 0.05, 0.04)
BEAT_RANGE_S = (0.22, 0.75)
FREE_SHARE = 0.15  # phrases in no metre
FREE_RANGE_S = (0.1, 1.6)
FINAL_FACTORS = (1.0, 3.0)
TESSITURA_SEMITONES = (7.0, 16.0)
REST_CHANCE = 0.12  # after a word
REST_RANGE_S = (0.08, 0.7)
MELISMA_CHANCE = 0.12
MELISMA_NOTES = (2, 4)
SHORTEST_MELISMA_NOTE_S = 0.11
DETACHED_SHARE = 0.15  # phrases whose notes end early
DETACHED_RANGE = (0.5, 0.9)
SPOKEN_SHARE = 0.06


def random_phrase(
    words: Sequence[WordSyllables], rng: np.random.Generator, low_pitch: float, high_pitch: float
) -> tuple[SungSyllable, ...]:
    """Words on a random walk through a scale between two MIDI pitches, the first note at 0 s.

    Every syllable gets one note, one in eight a melisma of two to four; notes last 0.1 … 4 s. Raises ValueError
    without a syllable or when the pitches are the wrong way round.
    """
    if not any(words):
        raise ValueError("a phrase needs at least one syllable")
    if not low_pitch <= high_pitch:
        raise ValueError(f"low_pitch {low_pitch} is above high_pitch {high_pitch}")
    melody = _melody(rng, low_pitch, high_pitch)
    durations = _durations(rng, sum(map(len, words)))
    detached = rng.uniform(*DETACHED_RANGE) if rng.random() < DETACHED_SHARE else 1.0
    syllables, start_s = [], 0.0
    for word in words:
        for number, phones in enumerate(word):
            duration_s = next(durations)
            notes = _notes(rng, melody, start_s, duration_s, detached)
            digits = [int(phone[-1]) for phone in phones if phone[-1].isdigit()]
            last = number + 1 == len(word)
            syllables.append(SungSyllable(tuple(phones), notes, number == 0, last, digits[0] if digits else 0))
            start_s += duration_s
        if rng.random() < REST_CHANCE:
            start_s += rng.uniform(*REST_RANGE_S)
    return tuple(syllables)


def _melody(rng: np.random.Generator, low_pitch: float, high_pitch: float) -> Iterator[float]:
    """Pitches without end: a walk through one scale, tuned anywhere, inside a tessitura inside the range."""
    width = min(rng.uniform(*TESSITURA_SEMITONES), high_pitch - low_pitch)
    floor = rng.uniform(low_pitch, high_pitch - width)
    scale = SCALES[rng.integers(len(SCALES))]
    tonic = floor - rng.uniform(0, 12)
    ladder = [tonic + 12 * octave + degree for octave in range(4) for degree in scale]
    ladder = [pitch for pitch in ladder if floor - 1e-9 <= pitch <= floor + width + 1e-9] or [floor + 0.5 * width]
    place = int(rng.integers(len(ladder)))
    top = len(ladder) - 1
    while True:
        yield float(ladder[place])
        place += int(rng.choice(MOVES, p=MOVE_CHANCES))
        place = abs(place) if place <= top else 2 * top - place  # reflected at the ends
        place = min(max(place, 0), top)


def _durations(rng: np.random.Generator, count: int) -> Iterator[float]:
    """Seconds of ``count`` syllables, the last one longer."""
    if rng.random() < FREE_SHARE:
        lengths = np.exp(rng.uniform(*np.log(FREE_RANGE_S), size=count))
    else:
        beat_s = np.exp(rng.uniform(*np.log(BEAT_RANGE_S)))
        lengths = beat_s * rng.choice(BEATS, size=count, p=BEAT_CHANCES)
    lengths[-1] *= rng.uniform(*FINAL_FACTORS)
    return iter(np.clip(lengths, *NOTE_RANGE_S).tolist())


def _notes(
    rng: np.random.Generator, melody: Iterator[float], start_s: float, duration_s: float, detached: float
) -> tuple[SungNote, ...]:
    count = 1
    most = min(MELISMA_NOTES[1], int(duration_s / SHORTEST_MELISMA_NOTE_S))
    if most >= MELISMA_NOTES[0] and rng.random() < MELISMA_CHANCE:
        count = int(rng.integers(MELISMA_NOTES[0], most + 1))
    shares = np.full(count, 1.0) if rng.random() < 0.5 else rng.uniform(0.6, 1.4, size=count)
    edges = start_s + duration_s * np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    sounding_s = max(detached * duration_s, min(NOTE_RANGE_S[0], duration_s))
    edges[-1] = max(start_s + sounding_s, edges[-2] + 0.5 * (edges[-1] - edges[-2]))
    pitches: list[float] = []
    while len(pitches) < count:
        pitch = next(melody)
        # A slur to the same pitch would be no slur.
        if not pitches or pitch != pitches[-1] or rng.random() < 0.05:
            pitches.append(pitch)
    return tuple(
        SungNote(pitch, float(start), float(end))
        for pitch, start, end in zip(pitches, edges[:-1], edges[1:], strict=True)
    )


def random_style(rng: np.random.Generator) -> SingingStyle:
    """Any style, every control over most of what it allows; schwas stay, so the phones are those given."""
    kind = rng.random()  # of vibrato: none, popular, operatic
    depth = 0.0 if kind < 0.2 else rng.uniform(0.05, 0.45) if kind < 0.8 else rng.uniform(0.4, 1.0)
    return SingingStyle(
        effort=float(rng.beta(1.2, 1.2)),
        breath=float(rng.beta(1.0, 1.6)),
        breaths=0.8,
        vibrato_depth=float(depth),
        vibrato_rate_hz=float(rng.uniform(4.5, 7.0)),
        vibrato_delay_s=float(rng.uniform(0.05, 0.6)),
        scoop=float(rng.random()),
        fall=float(rng.random() ** 2),
        overshoot=float(rng.random()),
        portamento=float(rng.random()),
        staccato=float(rng.uniform(0.2, 0.9)) if rng.random() < 0.12 else 0.0,
        diction=float(rng.uniform(0.7, 1.4)),
        attack=float(rng.random()),
        dynamics_db=float(rng.uniform(0.0, 9.0)),
        timing_spread_s=float(rng.uniform(0.0, 0.015)),
        drift_cents=float(rng.uniform(0.0, 10.0)),
        spoken=bool(rng.random() < SPOKEN_SHARE),
    )
