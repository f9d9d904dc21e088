"""Melodies: motifs with a rhythm and a contour, repeated, answered and brought to a close.

A section's tune is a row of motifs named by letters (``"ABAC"``). A motif is a rhythm plus a contour in scale
steps; played over other chords it keeps both, while notes on strong beats move to the nearest chord tone. The
last motif ends on a long chord tone, the tonic where the chord allows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from noisician.corpus.compose.library import pick
from noisician.corpus.compose.spec import Stage, mood_entry
from noisician.score.grid import HOLD, REST, pitch_token
from noisician.score.progressions import Span, chord_scale
from noisician.styles import table

LEAD_LOW, LEAD_HIGH = 58, 88
_LIFTS = {"chorus": 2, "drop": 3, "solo": 3, "break": -1}
_SHAPES = {"arch": 3.0, "fall": 2.5, "rise": 1.2, "wave": 2.0, "valley": 1.2, "flat": 0.6}


@dataclass(frozen=True)
class Motif:
    """Onset steps and durations inside ``length`` steps; ``contour`` in scale steps from the first note."""

    length: int
    onsets: tuple[int, ...]
    durations: tuple[int, ...]
    contour: tuple[int, ...]
    offset: int  # semitones of the first note from the section's centre


@dataclass(frozen=True)
class Style:
    """How a tune moves; see ``patterns.toml`` [melody]."""

    cells: Mapping[str, float]
    unit: int
    forms: tuple[str, ...]
    scale: str
    leap: float
    repeat: float
    breathe: float
    chromatic: float
    centre: int
    span: int
    beat: int

    @classmethod
    def named(cls, name: str, stage: Stage) -> Style:
        entry: dict[str, Any] = dict(table("patterns")["melody"][name])
        compound = entry.pop("cells_68")
        if stage.meter.steps_per_beat == 6:
            entry["cells"] = compound
        entry["forms"] = tuple(entry["forms"])
        return cls(**entry, beat=stage.meter.steps_per_beat)


def choose_style(stage: Stage) -> Style:
    """The song's way of singing, changed by the section: solos are busier, breaks sparser."""
    spec = stage.spec
    weights = spec.music["melody"]
    name = pick(weights, stage.song("melody"))
    if spec.label in ("B", "S") and stage.song("melody", "contrast").random() < 0.35:
        name = pick(weights, stage.song("melody", spec.label))
    style = Style.named(name, stage)
    mood = mood_entry(spec.mood)
    centre = style.centre + round(0.7 * mood["register"]) + _LIFTS.get(spec.kind, 0)
    centre += int(stage.song("centre").integers(-2, 3))
    if spec.kind == "solo":
        style = replace(style, unit=2, forms=("ABCD", "ABaC", "AaBC"), breathe=min(style.breathe, 0.2))
    elif spec.kind in ("intro", "outro", "break"):
        style = replace(style, breathe=min(style.breathe + 0.15, 0.5))
    return replace(style, centre=centre)


def _rhythm(style: Style, beats: int, density: float, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Onset steps and durations of a motif of ``beats`` beats that leaves room to breathe."""
    typical = sum(cell.count("x") * weight for cell, weight in style.cells.items()) / sum(style.cells.values())
    lean = 1.6 * (density - 0.5)
    weights = {cell: weight * float(np.exp(lean * (cell.count("x") - typical))) for cell, weight in style.cells.items()}
    starts = {cell: weight for cell, weight in weights.items() if cell[0] == "x"} or weights
    for _ in range(8):
        cells = [pick(weights, rng) for _ in range(beats)]
        if rng.random() < 0.6:
            cells[0] = pick(starts, rng)
        if beats > 4 and rng.random() < 0.45:  # the second half answers in the first half's rhythm
            cells[beats // 2 : beats // 2 * 2 - 1] = cells[: beats // 2 - 1]
        text = "".join(cells)
        rests = round(style.breathe * beats * rng.uniform(0.6, 1.4)) * style.beat
        if 0 < rests < len(text):
            text = text[:-rests] + "." * rests
        onsets = [step for step, letter in enumerate(text) if letter == "x"]
        if len(onsets) >= 2:
            break
    else:
        onsets, text = [0, style.beat], ("x" + "-" * (style.beat - 1)) * 2 + "." * (style.beat * (beats - 2))
    durations = []
    for onset, following in zip(onsets, [*onsets[1:], len(text)], strict=True):
        end = onset + 1
        while end < following and text[end] == "-":
            end += 1
        durations.append(end - onset)
    return onsets, durations


def _trend(shape: str, where: float) -> float:
    """Which way a contour of this shape leans at ``where`` (0 … 1): −1 down … 1 up."""
    if shape == "arch":
        return 0.7 if where < 0.45 else -0.7
    if shape == "valley":
        return -0.6 if where < 0.5 else 0.6
    if shape == "wave":
        return float(np.sin(2 * np.pi * where + 0.4)) * 0.8
    return {"fall": -0.45, "rise": 0.45, "flat": 0.0}[shape]


def _contour(style: Style, count: int, rng: np.random.Generator) -> list[int]:
    """Scale steps from the first note: mostly by step, leaps answered by a step back."""
    shape = pick(_SHAPES, rng)
    position, positions, leapt = 0, [0], 0
    for place in range(1, count):
        up = rng.random() < 0.5 + 0.5 * _trend(shape, place / count)
        if leapt:
            move, leapt = (-1 if leapt > 0 else 1), 0
        elif rng.random() < style.repeat:
            move = 0
        elif rng.random() < style.leap:
            move = int(rng.choice([2, 2, 3, 4])) * (1 if up else -1)
            leapt = move if abs(move) > 2 else 0
        else:
            move = 1 if up else -1
        if abs(position + move) > 6:
            move = -move
        position += move
        positions.append(position)
    return positions


def make_motif(style: Style, beats: int, density: float, rng: np.random.Generator) -> Motif:
    """A new motif of ``beats`` beats."""
    onsets, durations = _rhythm(style, beats, density, rng)
    return Motif(
        length=beats * style.beat,
        onsets=tuple(onsets),
        durations=tuple(durations),
        contour=tuple(_contour(style, len(onsets), rng)),
        offset=int(rng.integers(-4, 5)),
    )


def vary(motif: Motif, rng: np.random.Generator) -> Motif:
    """The same idea told again: a step higher or lower, or with another ending."""
    contour = list(motif.contour)
    if rng.random() < 0.5:
        return replace(motif, offset=motif.offset + int(rng.choice([-3, -2, 2, 3])))
    for place in range(max(1, len(contour) - 2), len(contour)):
        contour[place] += int(rng.choice([-2, -1, 1, 2]))
    return replace(motif, contour=tuple(contour))


def ornament(motif: Motif, rng: np.random.Generator) -> Motif:
    """A repeat's small freedom: one long note split by a neighbour, or one short note left out."""
    onsets, durations, contour = list(motif.onsets), list(motif.durations), list(motif.contour)
    long = [place for place, duration in enumerate(durations) if duration >= 4]
    if long and rng.random() < 0.6:
        place = long[int(rng.integers(len(long)))]
        half = durations[place] // 2
        onsets.insert(place + 1, onsets[place] + half)
        durations.insert(place + 1, durations[place] - half)
        contour.insert(place + 1, contour[place] + int(rng.choice([-1, 1])))
        durations[place] = half
    elif len(onsets) > 4:
        place = int(rng.integers(1, len(onsets) - 1))
        durations[place - 1] += durations[place] if onsets[place - 1] + durations[place - 1] == onsets[place] else 0
        del onsets[place], durations[place], contour[place]
    return replace(motif, onsets=tuple(onsets), durations=tuple(durations), contour=tuple(contour))


@cache
def ladder(mode: str, root: int, quality: str, scale: str) -> tuple[int, ...]:
    """Every melody pitch allowed over a chord, lowest first."""
    classes = chord_scale(mode, root, quality, scale)
    return tuple(pitch for pitch in range(LEAD_LOW - 14, LEAD_HIGH + 13) if pitch % 12 in classes)


def nearest(pitches: tuple[int, ...] | list[int], target: float) -> int:
    """Index of the pitch nearest to ``target``; the lower of two."""
    return min(range(len(pitches)), key=lambda place: (abs(pitches[place] - target), place))


def chord_pitch(span: Span, target: float, low: int = LEAD_LOW, high: int = LEAD_HIGH) -> int:
    """The chord tone nearest to ``target`` within ``[low, high]``."""
    pool = [pitch for pitch in range(low, high + 1) if pitch % 12 in span.tones]
    return pool[nearest(pool, target)]


def _reflect(place: int, low: int, high: int) -> int:
    """Turn back at the edges of the range instead of leaping by an octave."""
    if place > high:
        place = 2 * high - place
    if place < low:
        place = 2 * low - place
    return min(max(place, low), high)


def _is_strong(step: int, duration: int, stage: Stage) -> bool:
    """Where the ear expects a chord tone: bar lines, half bars, and notes of two beats or more."""
    meter = stage.meter
    in_bar = step % meter.steps_per_bar
    half = meter.steps_per_bar // 2 if meter.beats_per_bar % 2 == 0 else meter.steps_per_bar
    return in_bar == 0 or (in_bar % half == 0 and duration >= 2) or duration >= 2 * meter.steps_per_beat


def _landing(span: Span, pitch: int, before: int | None, move: int, low: int, high: int) -> int:
    """The chord tone a strong note settles on; a line that moves does not settle on the pitch it left."""
    landed = chord_pitch(span, pitch + (0.4 if move > 0 else -0.4), low, high)
    if landed != before or move == 0:
        return landed
    pool = [tone for tone in range(low, high + 1) if tone % 12 in span.tones]
    beyond = pool.index(landed) + (1 if move > 0 else -1)
    return pool[beyond] if 0 <= beyond < len(pool) else landed


def realise(motif: Motif, start: int, style: Style, stage: Stage) -> list[tuple[int, int, int]]:
    """(step, duration, pitch) of a motif that begins at step ``start`` of the section."""
    low, high = max(LEAD_LOW, style.centre - style.span), min(LEAD_HIGH, style.centre + style.span)
    first = stage.harmony.at(start + motif.onsets[0])
    anchor = chord_pitch(first, style.centre + motif.offset, low, high)
    notes: list[tuple[int, int, int]] = []
    previous, level = None, 0
    for onset, duration, height in zip(motif.onsets, motif.durations, motif.contour, strict=True):
        step = start + onset
        span = stage.harmony.at(step)
        steps = ladder(stage.harmony.mode, span.root, span.quality, style.scale)
        place = _reflect(nearest(steps, anchor) + height, nearest(steps, low), nearest(steps, high))
        pitch = steps[place]
        if _is_strong(step, duration, stage) and pitch % 12 not in span.tones:
            pitch = _landing(span, pitch, previous, height - level, low - 2, high + 2)
        notes.append((step, duration, pitch))
        previous, level = pitch, height
    return notes


def _approaches(notes: list[tuple[int, int, int]], style: Style, rng: np.random.Generator) -> None:
    """Short notes before a strong one sometimes slip in by a half step."""
    for place in range(len(notes) - 1):
        step, duration, pitch = notes[place]
        following = notes[place + 1]
        weak = step % style.beat and duration <= style.beat // 2 and following[0] - step <= style.beat // 2
        if weak and following[0] % style.beat == 0 and rng.random() < style.chromatic:
            notes[place] = (step, duration, following[2] + (1 if pitch > following[2] else -1))


def _cadence(notes: list[tuple[int, int, int]], stage: Stage, style: Style, end: int, final: bool) -> None:
    """Close a phrase: the last note falls on a chord tone, the tonic at the end of the section, and rests."""
    step, duration, pitch = notes[-1]
    span = stage.harmony.at(step)
    low, high = max(LEAD_LOW, style.centre - style.span), min(LEAD_HIGH, style.centre + style.span)
    if final and 0 in span.tones:
        pool = [p for p in range(low, high + 1) if p % 12 == 0]
        pitch = pool[nearest(pool, pitch)]
    else:
        pitch = chord_pitch(span, pitch, low, high)
    if final:
        room = end - step - stage.meter.steps_per_beat // 2
        duration = max(duration, min(room, 2 * stage.meter.steps_per_beat))
    notes[-1] = (step, max(1, duration), pitch)


def choose_form(style: Style, units: int, rng: np.random.Generator) -> str:
    """Motif letters for ``units`` motifs."""
    form = style.forms[int(rng.integers(len(style.forms)))]
    while len(form) < units:
        form += form if rng.random() < 0.7 else style.forms[int(rng.integers(len(style.forms)))]
    return form[:units]


def compose_tune(stage: Stage, style: Style) -> list[tuple[int, int, int]]:
    """(step, duration, pitch) of the section's melody."""
    spec, meter = stage.spec, stage.meter
    unit = min(style.unit if spec.bars % style.unit == 0 else 1, spec.bars)
    units = spec.bars // unit
    form = choose_form(style, units, stage.material("form"))
    theme = "theme" if spec.kind in ("intro", "outro", "build") else spec.label
    notes: list[tuple[int, int, int]] = []
    for place, letter in enumerate(form):
        rng = stage.song("motif", theme, letter.upper())
        motif = make_motif(style, unit * int(meter.beats_per_bar), spec.density, rng)
        if letter.islower():
            motif = vary(motif, rng)
        if stage.dice.random() < 0.12:
            motif = ornament(motif, stage.dice)
        start, end = place * motif.length, (place + 1) * motif.length
        phrase = realise(motif, start, style, stage)
        _approaches(phrase, style, rng)
        final = place == units - 1
        if final or (place * 2 + 2 == units and units > 1):
            _cadence(phrase, stage, style, end, final)
        notes += phrase
    return notes


def level_of(step: int, duration: int, stage: Stage, rng: np.random.Generator) -> int:
    """Soft, normal or accented: beats and long notes lean forward, weak sixteenths back."""
    energy, beat = stage.spec.energy, stage.meter.steps_per_beat
    weight = energy + 0.15 * (step % stage.meter.steps_per_bar == 0) - 0.2 * (step % beat % 2) + rng.normal(0, 0.12)
    weight += 0.08 * (duration >= beat)
    return 0 if weight < 0.28 else 2 if weight > 0.82 else 1


def place_notes(notes: list[tuple[int, int, int]], stage: Stage, rng: np.random.Generator) -> np.ndarray:
    """Notes to tokens ``[steps]`` of one voice, shortened or joined as the mood articulates."""
    articulation = mood_entry(stage.spec.mood)["articulation"]
    tokens = np.full(stage.steps, REST, np.int16)
    ordered = sorted(note for note in notes if note[0] < stage.steps)
    for place, (step, duration, pitch) in enumerate(ordered):
        following = ordered[place + 1][0] if place + 1 < len(ordered) else stage.steps
        end = min(step + duration, following, stage.steps)
        if articulation == "legato" and following - end <= 2 and place + 1 < len(ordered):
            end = following
        elif articulation == "staccato" and 2 <= end - step <= 4 and rng.random() < 0.5:
            end = step + max(1, (end - step) // 2)
        tokens[step:end] = HOLD
        tokens[step] = pitch_token(pitch, level_of(step, duration, stage, rng))
    return tokens


def write_lead(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the lead voice."""
    notes = compose_tune(stage, choose_style(stage))
    return place_notes(notes, stage, stage.material("lead levels"))
