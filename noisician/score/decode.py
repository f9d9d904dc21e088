"""Token grid → score: what the composer wrote, in a key, on real instruments, still exactly on the grid.

Choices a player would make
---------------------------
* A chordal part that holds while the harmony moves keeps the common tones ringing and moves only the voices that
  have to, on the step of the change, as strings or a keyboard player's hand would.
* "No chord" silences new chord strikes; a chord already held rings on until its part rests.
* A part that does not fit its instrument moves by whole octaves first; only then do single notes fold in.
  A bass part stays where it is when no more than a quarter of it lies outside, so that it stays low.
* Textures sound throughout; effects lead into, or land on, the sections where the energy changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import numpy as np

from noisician.errors import RequestError
from noisician.score.grid import (
    CHORDAL,
    DRUM_HITS,
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVEL_VELOCITIES,
    MONOPHONIC,
    PITCH_HIGH,
    PITCH_LOW,
    STREAMS,
    VOCABULARY,
    Grid,
    harmony_of,
    pitch_of,
    voicing_of,
)
from noisician.score.harmony import REGISTER_FLOORS, pitch_class
from noisician.score.model import Chord, Meter, Note, Score, Section, Track
from noisician.score.qualities import voiced
from noisician.styles import PITCHED_ROLES, Instrument, instruments

BASS_OUTSIDE_SHARE = 0.25
LEAD_IN_BARS = {"noise_riser": 2, "reverse_swell": 1}  # effects that end on a section's first beat
ENERGY_STEP = 0.15  # a smaller change of energy between sections deserves no effect


def semitones_from_c(key: str) -> int:
    """Nearest interval from C to ``key``: −6 … +5 semitones."""
    tonic = pitch_class(key)
    return tonic if tonic <= 5 else tonic - 12


def decode(
    grid: Grid,
    *,
    tempo_bpm: float,
    key: str,
    mode: str,
    sections: Sequence[Section],
    instrumentation: Mapping[str, str] | Sequence[tuple[str, str]],
    timbre_tags: Mapping[str, tuple[str, ...]] | None = None,
) -> Score:
    """The straight (unswung, mechanical) score of a grid.

    ``instrumentation`` pairs roles with instrument ids (a role may appear twice: two textures); streams of roles nobody
    plays are left out. Every track's notes are sorted by start, then pitch. Raises RequestError for an unknown
    instrument, ValueError for a token outside its stream's vocabulary.
    """
    _check_tokens(grid)
    shift = semitones_from_c(key)
    score = Score(
        tempo_bpm=tempo_bpm,
        key=key,
        mode=mode,
        time_signature=grid.time_signature,
        bars=grid.bars,
        sections=tuple(sections),
        chords=chords_of(grid.stream("chord"), grid.meter, shift),
    )
    tracks = []
    for role, instrument_id in instrumentation.items() if isinstance(instrumentation, Mapping) else instrumentation:
        notes = part_notes(grid, role, instrument_id, score)
        tags = (timbre_tags or {}).get(role, ())
        tracks.append(Track(role, instrument_id, notes, tags))
    return replace(score, tracks=tuple(tracks))


def part_notes(
    grid: Grid,
    role: str,
    instrument_id: str,
    score: Score,
    octave_semitones: int | None = None,
    voice: int | None = None,
    chords: np.ndarray | None = None,
) -> tuple[Note, ...]:
    """What one player plays, straight, in order of start; ``score`` gives key and sections.

    ``octave_semitones`` is the move into the instrument's range where it was decided before. Who has one ``voice`` of
    chords, counted from the top, plays no other. ``chords`` are those of a piece, which say more than the grid's.
    Raises RequestError.
    """
    instrument = _instrument(instrument_id)
    if role == "drums":
        return _drum_notes(grid)
    if role == "texture":
        return _texture_notes(instrument, score)
    if role == "fx":
        return _effect_notes(instrument, score)
    notes, low, high = _pitched(grid, role, instrument, semitones_from_c(score.key), voice, chords)
    return _unique(fit_range(notes, low, high, keep_low=role == "bass", octave_semitones=octave_semitones))


def part_octave(
    grid: Grid, role: str, instrument_id: str, key: str, voice: int | None = None, chords: np.ndarray | None = None
) -> int:
    """The octaves, in semitones, by which a whole part moves into its instrument's range."""
    if role not in PITCHED_ROLES:
        return 0
    notes, low, high = _pitched(grid, role, _instrument(instrument_id), semitones_from_c(key), voice, chords)
    return _best_octave(notes, low, high, keep_low=role == "bass")


def _check_tokens(grid: Grid) -> None:
    sizes = np.array([VOCABULARY[name] for name in STREAMS])
    outside = np.argwhere((grid.tokens < 0) | (grid.tokens >= sizes))
    if len(outside):
        step, stream = outside[0]
        name = STREAMS[stream]
        raise ValueError(
            f"token {grid.tokens[step, stream]} in stream {name} at step {step} is outside "
            f"0 … {VOCABULARY[name] - 1}; still masked?"
        )


def _instrument(instrument_id: str) -> Instrument:
    try:
        return instruments()[instrument_id]
    except KeyError:
        raise RequestError(
            f"unknown instrument {instrument_id!r}; it is none of the {len(instruments())} in instruments.toml"
        ) from None


def _pitched(
    grid: Grid, role: str, instrument: Instrument, shift: int, voice: int | None, chords: np.ndarray | None
) -> tuple[list[Note], int, int]:
    """Notes of a pitched part as they are written, and the lowest and highest pitch to be played."""
    if role in MONOPHONIC:
        notes = _melody(grid, role, shift)
    elif role in CHORDAL:
        harmony = grid.stream("chord") if chords is None else chords
        notes = _chordal(grid, role, shift, harmony, voice)
    else:
        raise RequestError(f"unknown role {role!r} for {instrument.id}; roles are listed in noisician.styles.ROLES")
    low = max(instrument.range[0], PITCH_LOW + shift)  # so that a fitted part can be written as tokens again
    high = min(instrument.range[1], PITCH_HIGH + shift)
    return notes, low, high


def _melody(grid: Grid, role: str, shift: int) -> list[Note]:
    steps_per_beat = grid.meter.steps_per_beat
    tokens = grid.stream(role)
    breaks = [*map(int, np.flatnonzero(tokens != HOLD))]  # every event: an onset or a rest ends the note before
    notes = []
    for start, end in pairwise([*breaks, len(tokens)]):
        if tokens[start] >= FIRST_ONSET:
            pitch, level = pitch_of(int(tokens[start]))
            notes.append(_note(pitch + shift, start, end, steps_per_beat, LEVEL_VELOCITIES[level]))
    return notes


def _note(pitch: int, start: int, end: int, steps_per_beat: int, velocity: int) -> Note:
    return Note(pitch, start / steps_per_beat, (end - start) / steps_per_beat, velocity)


def _chordal(grid: Grid, role: str, shift: int, harmony: np.ndarray, part: int | None) -> list[Note]:
    """The notes of a chordal part; of one of its voices, counted from the top, where ``part`` says which."""
    steps_per_beat = grid.meter.steps_per_beat
    notes: list[Note] = []
    sounding: dict[int, int] = {}  # pitch → step it began
    shape = (0, "close", 0)
    chord = None

    def release(pitches: set[int], step: int) -> None:
        velocity = LEVEL_VELOCITIES[shape[2]]
        for pitch in sorted(pitches):
            notes.append(_note(pitch + shift, sounding.pop(pitch), step, steps_per_beat, velocity))

    for step, token in enumerate(grid.stream(role)):
        in_force = (harmony_of(int(harmony[step])) or ())[:2]
        if token != HOLD:
            release(set(sounding), step)
            if token >= FIRST_ONSET and in_force:
                shape, chord = voicing_of(int(token)), in_force
                sounding = dict.fromkeys(_voiced(chord, shape, part), step)
        elif sounding and in_force and in_force != chord:
            chord = in_force
            wanted = set(_voiced(chord, shape, part))
            release(set(sounding) - wanted, step)
            sounding = {pitch: sounding.get(pitch, step) for pitch in wanted}
    release(set(sounding), len(grid.tokens))
    return notes


def _voiced(chord: tuple[int, str], shape: tuple[int, str, int], part: int | None) -> tuple[int, ...]:
    register, voicing, _ = shape
    pitches = voiced(*chord, voicing, REGISTER_FLOORS[register])
    return pitches if part is None else (sorted(pitches)[-1 - part % len(pitches)],)


def _drum_notes(grid: Grid) -> tuple[Note, ...]:
    steps_per_beat = grid.meter.steps_per_beat
    notes = []
    for stream in DRUMS:
        tokens = grid.stream(stream)
        for step in map(int, np.flatnonzero(tokens)):
            pitch, velocity = DRUM_HITS[stream][tokens[step] - 1]
            notes.append(_note(pitch, step, step + 1, steps_per_beat, velocity))
    return tuple(sorted(notes, key=lambda note: (note.start_beats, note.pitch)))


def _texture_notes(instrument: Instrument, score: Score) -> tuple[Note, ...]:
    energy = fmean(section.energy for section in score.sections) if score.sections else 0.5
    pitch = _home_pitch(instrument, score.key)
    return (Note(pitch, 0.0, score.duration_beats, _energy_velocity(energy)),)


def _effect_notes(instrument: Instrument, score: Score) -> tuple[Note, ...]:
    """One effect a section boundary where the energy moves the way this effect announces."""
    beats_per_bar = score.meter.beats_per_bar
    falling = instrument.id == "downlifter"
    lead_in_bars = LEAD_IN_BARS.get(instrument.id, 0)
    notes = []
    for before, after in zip(score.sections, score.sections[1:], strict=False):
        change = before.energy - after.energy if falling else after.energy - before.energy
        if change < ENERGY_STEP:
            continue
        bars = min(lead_in_bars, before.bars) if lead_in_bars else min(1, after.bars)
        start_bar = after.start_bar - bars if lead_in_bars else after.start_bar
        if bars and start_bar >= 0 and start_bar + bars <= score.bars:
            velocity = _energy_velocity(max(before.energy, after.energy))
            pitch = _home_pitch(instrument, score.key)
            notes.append(Note(pitch, float(start_bar * beats_per_bar), float(bars * beats_per_bar), velocity))
    return tuple(notes)


def _energy_velocity(energy: float) -> int:
    return round(56 + 56 * min(max(energy, 0.0), 1.0))


def _home_pitch(instrument: Instrument, key: str) -> int:
    """The lowest tonic in a drone's range; unpitched sounds have one fixed pitch."""
    low, high = instrument.range
    return low if high == low else low + (pitch_class(key) - low) % 12


def fit_range(
    notes: Sequence[Note], low: int, high: int, *, keep_low: bool = False, octave_semitones: int | None = None
) -> list[Note]:
    """Notes moved by octaves into ``low`` … ``high`` (MIDI pitches, inclusive).

    The whole part takes the octave that leaves the fewest notes outside (the nearest such octave; the lower of
    two for ``keep_low``, which also tolerates a quarter of the notes outside before moving) or the one that was decided
    before, ``octave_semitones``; the rest fold in one by one. Notes that already fit come back unchanged.
    """
    shift = octave_semitones
    if shift is None:
        shift = _best_octave(notes, low, high, keep_low=keep_low)
    return [replace(note, pitch=_fold(note.pitch + shift, low, high)) for note in notes]


def _best_octave(notes: Sequence[Note], low: int, high: int, *, keep_low: bool) -> int:
    def outside(shift: int) -> int:
        return sum(not low <= note.pitch + shift <= high for note in notes)

    tolerated = int(BASS_OUTSIDE_SHARE * len(notes)) if keep_low else 0
    if outside(0) <= tolerated:
        return 0
    downward = 1 if keep_low else -1
    return min(range(-72, 73, 12), key=lambda octave: (outside(octave), abs(octave), downward * octave))


def _fold(pitch: int, low: int, high: int) -> int:
    """The octave of ``pitch`` inside the range, or the one nearest to it where the range is under an octave."""

    def distance(candidate: int) -> int:
        return max(low - candidate, candidate - high, 0)

    octaves = (pitch + octave for octave in range(-84, 85, 12))
    return min(octaves, key=lambda candidate: (distance(candidate), abs(candidate - pitch)))


def _unique(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Sorted; where folding made two notes overlap at one pitch the later one wins from its onset."""
    kept: list[Note] = []
    latest: dict[int, int] = {}  # pitch → index in kept
    for note in sorted(notes, key=lambda note: (note.start_beats, note.pitch, -note.duration_beats)):
        index = latest.get(note.pitch)
        if index is not None and kept[index].end_beats > note.start_beats:
            if kept[index].start_beats == note.start_beats:
                continue
            kept[index] = replace(kept[index], duration_beats=note.start_beats - kept[index].start_beats)
        latest[note.pitch] = len(kept)
        kept.append(note)
    return tuple(kept)


def chords_of(tokens: np.ndarray, meter: Meter, shift: int) -> tuple[Chord, ...]:
    """The chords of a grid or a piece ``[steps]``, ``shift`` semitones above those of tonic C."""
    steps_per_beat = meter.steps_per_beat
    starts = [*map(int, np.flatnonzero(np.diff(tokens, prepend=-1)))]
    chords = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        chord = harmony_of(int(tokens[start]))
        if chord:
            root, quality, bass = chord
            start_beats, duration_beats = start / steps_per_beat, (end - start) / steps_per_beat
            below = None if bass is None else (bass + shift) % 12
            chords.append(Chord(start_beats, duration_beats, (root + shift) % 12, quality, below))
    return tuple(chords)
