"""Patterns played over chords: bass lines, walking bass, struck chords, arpeggios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from noisician.score.grid import HOLD, REST, pitch_of, pitch_token, voicing_token
from noisician.score.harmony import chord_tones
from noisician.score.model import Meter
from noisician.score.patterns import BASS_HIGH, BASS_LOW, STROKE_LEVELS, bars_of, bass_pitch
from noisician.score.progressions import Harmony, chord_scale


def _approach(target: int, current: int, mode: str, rng: np.random.Generator) -> int:
    """A step below or above the next root: mostly in the scale, now and then chromatic."""
    below = target <= current
    if rng.random() < 0.3:
        return target + (1 if below else -1)
    scale = chord_scale(mode, target % 12, "5", "mode")
    distance = 1 if (target + (1 if below else -1)) % 12 in scale else 2
    return target + (distance if below else -distance)


def _bass_note(letter: str, step: int, harmony: Harmony, per_bar: int, rng: np.random.Generator) -> int:
    """The pitch a letter of a bass pattern means over the chord at ``step``."""
    span = harmony.at(step)
    root, tones = bass_pitch(span.root), span.tones
    scale = chord_scale(harmony.mode, span.root, span.quality, "mode")
    kind = letter.lower()
    if kind == "r":
        pitch = root
    elif kind == "o":
        pitch = root + 12
    elif kind in "fv":
        altered = [interval for interval in (6, 8) if (span.root + interval) % 12 in tones]
        fifth = root + (altered[0] if altered and (span.root + 7) % 12 not in tones else 7)
        pitch = fifth - 12 if kind == "v" and fifth - 12 >= BASS_LOW else fifth
    elif kind == "t":
        pitch = root + ((tones[1] - tones[0]) % 12 if len(tones) > 2 else 7)
    elif kind == "u":
        pitch = root + (9 if (span.root + 9) % 12 in scale else 7)
    elif kind == "s":
        pitch = root + (10 if (span.root + 10) % 12 in scale else 12)
    elif kind == "n":
        pitch = bass_pitch(harmony.next_root(step, per_bar))
    elif kind == "a":
        target = bass_pitch(harmony.next_root(step, per_bar))
        pitch = _approach(target, root, harmony.mode, rng) if target != root else root + 7
    else:
        raise ValueError(f"bass pattern letter {letter!r} is unknown")
    return pitch if pitch <= BASS_HIGH else pitch - 12


def _walking_bar(
    harmony: Harmony, meter: Meter, bar: int, previous: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """(step, pitch) a beat: root or third on new chords, chord tones and steps between, then an approach."""
    start, notes = bar * meter.steps_per_bar, []
    for beat, place in enumerate(range(0, meter.steps_per_bar, meter.steps_per_beat)):
        step = start + place
        span = harmony.at(step)
        fresh = harmony.changes(step) or beat == 0
        following = start + min(place + meter.steps_per_beat, meter.steps_per_bar)
        leads = following >= len(harmony.index) or harmony.changes(following)
        if fresh and (beat == 0 or harmony.changes(step)):
            pitch = bass_pitch(span.root)
            if pitch + 12 <= 45 and abs(pitch + 12 - previous) < abs(pitch - previous):
                pitch += 12
        elif leads:
            target = bass_pitch(harmony.next_root(step, meter.steps_per_bar))
            if target + 12 <= 45 and abs(target + 12 - previous) < abs(target - previous):
                target += 12
            pitch = _approach(target, previous, harmony.mode, rng)
        else:
            pool = chord_scale(harmony.mode, span.root, span.quality, "mode") if rng.random() < 0.4 else span.tones
            near = [p for p in range(previous - 5, previous + 6) if p % 12 in pool and p != previous]
            near = [p for p in near if BASS_LOW <= p <= 47] or [previous]
            upward = beat % 2 == (bar % 2)
            ranked = sorted(near, key=lambda p: (abs(p - previous - (2 if upward else -2)), p))
            pitch = ranked[min(int(rng.integers(2)), len(ranked) - 1)]
        pitch = min(max(pitch, BASS_LOW), BASS_HIGH)
        notes.append((step, pitch))
        previous = pitch
    return notes


def walk(harmony: Harmony, meter: Meter, rng: np.random.Generator) -> np.ndarray:
    """Tokens ``[steps]`` of a walking bass over the harmony."""
    tokens = np.full(len(harmony.index), REST, np.int16)
    previous = 36
    beat = meter.steps_per_beat
    for bar in range(len(harmony.index) // meter.steps_per_bar):
        for step, pitch in _walking_bar(harmony, meter, bar, previous, rng):
            tokens[step : step + beat] = HOLD
            weak = (step - bar * meter.steps_per_bar) % (2 * beat)
            tokens[step] = pitch_token(pitch, 1 if weak else 2 if rng.random() < 0.3 else 1)
            previous = pitch
        if rng.random() < 0.25:  # a skipped eighth pushes into the next beat
            step = (bar + 1) * meter.steps_per_bar - beat // 2
            tokens[step] = pitch_token(previous, 0)
    return tokens


def write_bass_bar(
    tokens: np.ndarray, start: int, text: str, entry: Mapping[str, Any], harmony: Harmony, rng: np.random.Generator
) -> None:
    """In place: one bar of a bass pattern, ``text``, from step ``start`` of ``tokens [steps]`` on."""
    for place, letter in enumerate(text):
        step = start + place
        sounding = step > 0 and tokens[step - 1] != REST
        if letter == "." or (letter == "-" and not sounding):
            continue
        if letter == "-" and (not harmony.changes(step) or _anticipated(tokens, step, harmony)):
            tokens[step] = HOLD
            continue
        written = "r" if letter == "-" else letter
        pitch = bass_pitch(0) if entry.get("pedal") else _bass_note(written, step, harmony, len(text), rng)
        tokens[step] = pitch_token(pitch, 2 if written.isupper() else 1)


def _anticipated(tokens: np.ndarray, step: int, harmony: Harmony) -> bool:
    """Whether the note held into ``step`` is already the root of the chord that begins there."""
    onset = step - 1
    while onset > 0 and tokens[onset] == HOLD:
        onset -= 1
    return pitch_of(int(tokens[onset]))[0] % 12 == harmony.at(step).root


def strike_bars(
    text_bars: Sequence[str], harmony: Harmony, steps_per_bar: int, register: int, voicing: str, tie: bool
) -> np.ndarray:
    """Tokens ``[steps]`` of chords struck as the strings say; a held chord is struck anew where the harmony changes."""
    tokens = np.full(len(harmony.index), REST, np.int16)
    for step in range(len(harmony.index)):
        bar, place = divmod(step, steps_per_bar)
        letter = text_bars[bar % len(text_bars)][place]
        sounding = step > 0 and tokens[step - 1] != REST
        if letter == ".":
            continue
        if letter == "-" and not (sounding and harmony.changes(step)):
            tokens[step] = HOLD if sounding else REST
        elif tie and place == 0 and sounding and not harmony.changes(step):
            tokens[step] = HOLD
        else:
            tokens[step] = voicing_token(register, voicing, STROKE_LEVELS.get(letter, 1))
    return tokens


def _arp_ladder(tones: tuple[int, ...], low: int, span: int) -> list[int]:
    return [pitch for pitch in range(low, low + 12 * (span + 1)) if pitch % 12 in tones]


def _acid_line(rng: np.random.Generator, steps: int) -> tuple[str, list[int]]:
    """A sixteen-step sequence in the manner of a bass machine: (rhythm, semitones above the root)."""
    moves = rng.choice([0, 0, 0, 0, 3, 7, 10, 12, 12, -2], size=steps)
    letters = rng.choice(list("XxxxX-.."), size=steps)
    letters[0] = "X"
    return "".join(letters), [int(move) for move in moves]


def _arp_degree(order: str, count: int, size: int, rng: np.random.Generator) -> int:
    if order == "up":
        return count % size
    if order == "updown":
        around = max(2 * size - 2, 1)
        place = count % around
        return place if place < size else around - place
    if order == "random":
        return int(rng.integers(size))
    return int(order[count % len(order)])


def arpeggio(
    entry: Mapping[str, Any],
    harmony: Harmony,
    meter: Meter,
    line: np.random.Generator,
    walk: np.random.Generator,
    shift: int = 0,
) -> np.ndarray:
    """Tokens ``[steps]`` of an arpeggio or picked figure, ``shift`` semitones higher; ``line`` draws its order
    where that is drawn once, ``walk`` where every note's is.
    """
    order, steps_per_bar, moves = entry["order"], meter.steps_per_bar, []
    bars = bars_of(entry["bar"], entry.get("meter", "4/4"), meter)
    if order == "acid":
        text, moves = _acid_line(line, steps_per_bar)
        bars = (text,)
    elif order == "fixed":
        order = "".join(str(int(d)) for d in line.choice(5, size=steps_per_bar, p=[0.3, 0.2, 0.2, 0.2, 0.1]))
    tokens = np.full(len(harmony.index), REST, np.int16)
    count = 0
    for step in range(len(tokens)):
        bar, place = divmod(step, steps_per_bar)
        if place == 0 and order not in ("up", "updown", "random"):
            count = 0
        letter = bars[bar % len(bars)][place]
        if letter == "-":
            tokens[step] = HOLD if step and tokens[step - 1] != REST else REST
        if letter in ".-":
            continue
        span = harmony.at(step)
        if moves:
            root = entry["low"] + (span.root - entry["low"]) % 12
            pitch = root + moves[place]
        else:
            ladder = _arp_ladder(chord_tones(span.root, span.quality), entry["low"] + shift, entry["span"])
            degree = _arp_degree(order, count, min(len(ladder), 3 * entry["span"] + 1), walk)
            pitch = ladder[degree] if degree < len(ladder) else ladder[degree % len(ladder)] + 12
        tokens[step] = pitch_token(min(max(pitch, 48), 91), STROKE_LEVELS[letter])
        count += 1
    return tokens
