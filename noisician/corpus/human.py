"""Scores written by people as token grids: songs for voice and piano, string quartets.

A score is cut into runs of constant metre and key signature. 2/4 and 2/2 bars read as 4/4, 3/8 and 12/8 as 6/8, and
a stretch of 2/4 or 4/4 that moves in triplets as 6/8 with the quarter for its beat. A bar with more than a tenth
of its onsets between the sixteenths is left out, and ends the run; four thirty-seconds count as one such onset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from pathlib import Path

import numpy as np

from noisician.corpus.arrange import Line, arrange
from noisician.errors import CorpusError
from noisician.request import TEMPO_RANGE_BPM
from noisician.score.encode import (
    GridNote,
    chordal_stream,
    key_correlations,
    monophonic_stream,
    recognise_chords,
)
from noisician.score.grid import CHORDAL, MONOPHONIC, STREAMS, Grid
from noisician.score.model import METERS
from noisician.score.musicxml import Measure, Part, read_mxl

HELD_OUT_EVERY = 10
MIN_BARS = 4
OFF_GRID_SHARE = 0.1
THIRTY_SECOND_WEIGHT = 0.25  # such an onset bends little when it joins its sixteenth
TRIPLET_SHARE = 0.3  # of bars that do not fit sixteenths before a stretch is read in triplets
DEFAULT_TEMPO_BPM = 96.0
FINAL_BASS_BONUS = 0.15  # correlation a piece's last bass note is worth when it is the tonic
_TOLERANCE_STEPS = 0.02


@dataclass(frozen=True)
class HumanScore:
    """One run of one score, tonic C. ``kind`` is "song" or "quartet"; ``tempo_bpm`` counts felt beats."""

    name: str
    grid: Grid
    mode: str
    time_signature: str
    tempo_bpm: float
    kind: str


@dataclass(frozen=True)
class _Reading:
    """How written bars become grid bars."""

    time_signature: str
    steps_per_quarter: int


#: (beats, beat type) → readings, the straight one first.
_READINGS = {
    (4, 4): (_Reading("4/4", 4), _Reading("6/8", 6)),
    (2, 2): (_Reading("4/4", 4), _Reading("6/8", 6)),
    (2, 4): (_Reading("4/4", 4), _Reading("6/8", 6)),
    (3, 4): (_Reading("3/4", 4),),
    (6, 8): (_Reading("6/8", 4),),
    (12, 8): (_Reading("6/8", 4),),
    (3, 8): (_Reading("6/8", 4),),
}


def read_scores(folder: Path, held_out: bool) -> Iterator[HumanScore]:
    """Every run of the scores in ``folder/lieder`` and ``folder/quartets``, in order of file name.

    Every tenth song is held out: ``held_out`` yields only those, otherwise all the rest and the quartets.
    Raises CorpusError when the folder holds no scores or a file is damaged.
    """
    songs = sorted((folder / "lieder").glob("*.mxl"))
    quartets = sorted((folder / "quartets").glob("*.mxl"))
    if not songs and not quartets:
        raise CorpusError(f"{folder} holds no .mxl scores; it needs the folders lieder and quartets")
    for place, path in enumerate(songs, start=1):
        if (place % HELD_OUT_EVERY == 0) == held_out:
            yield from read_score(path, "song")
    if not held_out:
        for path in quartets:
            yield from read_score(path, "quartet")


def read_score(path: Path, kind: str) -> Iterator[HumanScore]:
    """The runs of one score of at least four bars. Raises CorpusError for a damaged file."""
    parts = read_mxl(path)
    if not parts or len({len(part.measures) for part in parts}) != 1:
        raise CorpusError(f"{path} has parts of different lengths; it is probably damaged")
    keys = _keys(parts)
    for number, run in enumerate(_runs(parts), start=1):
        lines = [_line(part, run) for part in parts]
        bars = run.steps // METERS[run.reading.time_signature].steps_per_bar
        if bars < MIN_BARS or not any(line.notes for line in lines):
            continue
        tonic, mode = keys[run.places[0].measure]
        grid = _grid(lines, bars, run.reading.time_signature, tonic)
        tempo_bpm = _tempo_bpm(parts, run)
        yield HumanScore(f"{path.stem}-{number}", grid, mode, grid.time_signature, tempo_bpm, kind)


@dataclass(frozen=True)
class _Place:
    measure: int
    start_step: int


@dataclass
class _Run:
    """Consecutive measures laid end to end on the grid."""

    reading: _Reading
    places: list[_Place]
    steps: int = 0


def _runs(parts: Sequence[Part]) -> Iterator[_Run]:
    """Runs of readable measures with one written metre and key signature."""
    written = parts[0].measures
    stretches = groupby(range(len(written)), key=lambda i: (written[i].beats, written[i].beat_type, written[i].fifths))
    for (beats, beat_type, _), members in stretches:
        indices = list(members)
        readings = _READINGS.get((beats, beat_type), ())
        if readings:
            yield from _stretch_runs(parts, indices, _best_reading(parts, indices, readings))


def _best_reading(parts: Sequence[Part], indices: list[int], readings: tuple[_Reading, ...]) -> _Reading:
    unreadable = [sum(not _fits(parts, i, reading) for i in indices) for reading in readings]
    straight = readings[0]
    if unreadable[0] <= TRIPLET_SHARE * len(indices):
        return straight
    return readings[unreadable.index(min(unreadable))]


def _fits(parts: Sequence[Part], index: int, reading: _Reading) -> bool:
    onsets = {note.onset_quarters for part in parts for note in part.measures[index].notes if not note.tied}
    steps = np.array(sorted(onsets)) * reading.steps_per_quarter
    apart = np.abs(steps - np.rint(steps))
    off = np.where(apart > 0.5 - _TOLERANCE_STEPS, THIRTY_SECOND_WEIGHT, apart > _TOLERANCE_STEPS)
    return not len(steps) or float(np.mean(off)) <= OFF_GRID_SHARE


def _nearest_step(steps: float) -> int:
    """Half a step goes down, so that a dotted sixteenth and its thirty-second stay two notes."""
    return ceil(steps - 0.5 - _TOLERANCE_STEPS)


def _stretch_runs(parts: Sequence[Part], indices: list[int], reading: _Reading) -> Iterator[_Run]:
    run = _Run(reading, [])
    position = 0
    while position < len(indices):
        group, offset = _whole_bar(parts, indices, position, reading)
        position += max(len(group), 1)
        if group and all(_fits(parts, index, reading) for index in group):
            start = run.steps + offset
            for index in group:
                run.places.append(_Place(index, start))
                start += _filled_steps(parts, index, reading)
            run.steps = start
        else:
            if run.places:
                yield run
            run = _Run(reading, [])
    if run.places:
        yield run


def _filled_steps(parts: Sequence[Part], index: int, reading: _Reading) -> int:
    return round(max(part.measures[index].length_quarters for part in parts) * reading.steps_per_quarter)


def _whole_bar(parts: Sequence[Part], indices: list[int], position: int, reading: _Reading) -> tuple[list[int], int]:
    """(measures that make the bar at ``position``, its leading silence in steps); no measures when none do.

    A bar split by a repeat sign is two measures; the piece's opening pickup is one with silence before it.
    """
    index = indices[position]
    full = round(parts[0].measures[index].nominal_quarters * reading.steps_per_quarter)
    filled = _filled_steps(parts, index, reading)
    if filled == full:
        return [index], 0
    if index == 0 and 0 < filled < full:
        return [index], full - filled
    following = indices[position + 1 : position + 2]
    if following and filled + _filled_steps(parts, following[0], reading) == full:
        return [index, following[0]], 0
    return [], 0


def _line(part: Part, run: _Run) -> Line:
    """A part's notes on the run's grid, ties joined."""
    notes: dict[int, list[GridNote]] = {staff: [] for staff in range(1, part.staves + 1)}
    latest: dict[tuple[int, int], int] = {}  # (staff, pitch) → its latest note
    for place in run.places:
        measure = part.measures[place.measure]
        for note in sorted(measure.notes, key=lambda note: note.onset_quarters):
            start = place.start_step + _nearest_step(note.onset_quarters * run.reading.steps_per_quarter)
            end_quarters = note.onset_quarters + note.duration_quarters
            end = max(place.start_step + _nearest_step(end_quarters * run.reading.steps_per_quarter), start + 1)
            staff = notes.setdefault(note.staff, [])
            before = latest.get((note.staff, note.pitch))
            if note.tied and before is not None and staff[before].end == start:
                staff[before] = replace(staff[before], end=end)
            else:
                latest[note.staff, note.pitch] = len(staff)
                staff.append(GridNote(start, end, note.pitch, note.velocity))
    return Line(part.sung, tuple(tuple(notes[staff]) for staff in sorted(notes)))


def _keys(parts: Sequence[Part]) -> list[tuple[int, str]]:
    """(tonic pitch class, mode) of each measure: the key signature's major or its relative minor."""
    fifths = [measure.fifths for measure in parts[0].measures]
    keys: list[tuple[int, str]] = []
    for signature, members in groupby(range(len(fifths)), key=lambda index: fifths[index]):
        indices = list(members)
        measures = [part.measures[index] for index in indices for part in parts]
        final = [part.measures[indices[-1]] for part in parts]
        keys += [_key_of(signature, measures, final)] * len(indices)
    return keys


def _key_of(fifths: int, measures: Sequence[Measure], final: Sequence[Measure]) -> tuple[int, str]:
    weights = np.zeros(12)
    for measure in measures:
        for note in measure.notes:
            weights[note.pitch % 12] += note.duration_quarters
    correlations = key_correlations(weights)
    last = [(note.onset_quarters, -note.pitch) for measure in final for note in measure.notes]
    last_bass = -max(last)[1] % 12 if last else None
    major = 7 * fifths % 12
    candidates = ((major, "major"), ((major + 9) % 12, "minor"))
    return max(candidates, key=lambda key: correlations[key] + FINAL_BASS_BONUS * (key[0] == last_bass))


def _grid(lines: Sequence[Line], bars: int, time_signature: str, tonic: int) -> Grid:
    grid = Grid.empty(bars, time_signature)
    steps, meter = len(grid.tokens), grid.meter
    shift = -tonic if tonic <= 5 else 12 - tonic
    moved = [line.transposed(shift).cut(steps) for line in lines]
    everything = [note for line in moved for staff in line.staves for note in staff]
    grid.stream("chord")[:] = recognise_chords(everything, steps, meter)
    roles = arrange(moved, meter, steps)
    for role in MONOPHONIC:
        grid.stream(role)[:] = monophonic_stream(roles.get(role, ()), steps, lowest=role == "bass")
    for role in CHORDAL:
        grid.stream(role)[:] = chordal_stream(roles.get(role, ()), grid.stream("chord"))
    return grid


def _tempo_bpm(parts: Sequence[Part], run: _Run) -> float:
    """Felt beats a minute at the start of a run, from the nearest statement before it."""
    quarters_bpm = DEFAULT_TEMPO_BPM
    for index in range(run.places[0].measure + 1):
        for part in parts:
            quarters_bpm = part.measures[index].tempo_bpm or quarters_bpm
    steps_per_beat = METERS[run.reading.time_signature].steps_per_beat
    beats_bpm = quarters_bpm * run.reading.steps_per_quarter / steps_per_beat
    low, high = TEMPO_RANGE_BPM
    return round(min(max(beats_bpm, low), high), 1)


def pack_scores(folder: Path, path: Path, *, held_out: bool = False, overwrite: bool = False) -> int:
    """Write all runs of :func:`read_scores` as one ``.npz`` of tokens; returns how many runs.

    Raises CorpusError when the file exists (unless ``overwrite``) or there is nothing to pack.
    """
    if path.exists() and not overwrite:
        raise CorpusError(f"{path} exists; choose another name or ask to overwrite it")
    scores = list(read_scores(folder, held_out))
    if not scores:
        raise CorpusError(f"{folder} holds no run of {MIN_BARS} bars or more in a supported metre")
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                tokens=np.concatenate([score.grid.tokens for score in scores]).astype(np.uint8),
                steps=np.array([len(score.grid.tokens) for score in scores], np.int32),
                name=np.array([score.name for score in scores]),
                mode=np.array([score.mode for score in scores]),
                time_signature=np.array([score.time_signature for score in scores]),
                tempo_bpm=np.array([score.tempo_bpm for score in scores]),
                kind=np.array([score.kind for score in scores]),
                streams=np.array(STREAMS),
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return len(scores)
