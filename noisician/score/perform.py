"""How players bend the grid: swing, accents, strums, breath between notes, and a human's small inaccuracy.

Every deviation is drawn from a hash of (seed, role, place in the score, pitch), so changing one bar leaves how
all other bars are played untouched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np

from noisician.score.model import Meter, Note, Score, Section, Track
from noisician.styles import Instrument, instruments

SwingUnit = Literal["sixteenth", "eighth"]

#: A played onset never leaves the swung grid by more than this, so onset and tempo measures stay exact.
TIMING_LIMIT_S = 0.018
ENERGY_VELOCITY = 20.0
VELOCITY_LIMIT = 10  # keeps a note nearest to its own level of ``score.grid``
#: Standard deviation of an onset at ``humanise`` 1.
TIMING_SPREAD_S = {
    "drums": 0.0025,
    "bass": 0.0035,
    "arp": 0.003,
    "chords": 0.004,
    "lead": 0.005,
    "counter": 0.005,
    "pad": 0.006,
}
VELOCITY_SPREAD = {"drums": 2.0, "bass": 2.5, "arp": 2.5, "chords": 3.0, "lead": 4.0, "counter": 3.5, "pad": 2.0}
STRUM_S = 0.014  # from the first string to the last, at full humanise
LEGATO_S = 0.02  # how far a sustained note runs into the next one
REPEAT_GAP_S = 0.03  # breath before the same pitch sounds again
DETACHED_GAP_S = 0.04  # finger or bow leaves the note early
SHORTEST_NOTE_S = 0.02


def swing_pair_steps(meter: Meter, unit: SwingUnit) -> int:
    """Steps of the pair whose second half is late; where beats are no pairs of eighths it is two sixteenths."""
    return 4 if unit == "eighth" and set(meter.pulses) == {4} else 2


def swing_time(steps: np.ndarray, swing: float, pair_steps: int) -> np.ndarray:
    """Straight → swung time, both in steps, of any shape.

    Each pair of ``pair_steps`` is stretched piecewise linearly so that its middle falls at
    1/2 + swing/6 of the pair: 0 straight, 1 a triplet.
    """
    start, inside = np.divmod(np.asarray(steps, float), pair_steps)
    middle = pair_steps * (0.5 + swing / 6)
    half = pair_steps / 2
    early = inside * middle / half
    late = middle + (inside - half) * (pair_steps - middle) / half
    return start * pair_steps + np.where(inside < half, early, late)


def unswing_time(steps: np.ndarray, swing: float, pair_steps: int) -> np.ndarray:
    """The inverse of :func:`swing_time`."""
    start, inside = np.divmod(np.asarray(steps, float), pair_steps)
    middle = pair_steps * (0.5 + swing / 6)
    half = pair_steps / 2
    early = inside * half / middle
    late = half + (inside - middle) * half / (pair_steps - middle)
    return start * pair_steps + np.where(inside < middle, early, late)


@dataclass(frozen=True)
class _Stage:
    """What every player of one performance shares."""

    meter: Meter
    seconds_per_beat: float
    end_beats: float
    swing: float
    pair_steps: int
    humanise: float
    seed: int

    def beats(self, seconds: float) -> float:
        return seconds / self.seconds_per_beat

    def swung(self, beats: float) -> float:
        steps_per_beat = self.meter.steps_per_beat
        return float(swing_time(np.array(beats * steps_per_beat), self.swing, self.pair_steps)) / steps_per_beat

    def deviation(self, role: str, note: Note, aspect: str) -> float:
        """About normal with standard deviation 1, never beyond ±3: the sum of three uniforms."""
        place = f"{self.seed}/{role}/{note.start_beats:.6f}/{aspect}"
        digest = hashlib.blake2b(place.encode(), digest_size=12).digest()
        uniforms = [int.from_bytes(digest[i : i + 4], "big") / 2**32 for i in (0, 4, 8)]
        return 2.0 * (sum(uniforms) - 1.5)


def perform(score: Score, *, swing: float, humanise: float, seed: int, swing_unit: SwingUnit = "sixteenth") -> Score:
    """The score as played. ``swing`` 0 straight … 1 triplet; ``humanise`` 0 exact … 1 loose.

    ``swing_unit`` names the note whose every second one is late; in 6/8 it is always the sixteenth. Onsets stay
    within 18 ms of the swung grid and inside the piece, notes end inside its last bar, and with both amounts 0
    the score comes back unchanged. Raises ValueError for amounts outside 0 … 1.
    """
    for name, amount in (("swing", swing), ("humanise", humanise)):
        if not 0 <= amount <= 1:
            raise ValueError(f"{name} {amount} is outside 0 … 1")
    if swing == 0 and humanise == 0:
        return score
    meter = score.meter
    pair_steps = swing_pair_steps(meter, swing_unit)
    stage = _Stage(meter, score.seconds_per_beat, score.duration_beats, swing, pair_steps, humanise, seed)
    return replace(score, tracks=tuple(_play(track, stage) for track in score.tracks))


def mean_energy(sections: Sequence[Section]) -> float:
    """The average energy of sections, by their bars."""
    return float(np.average([one.energy for one in sections], weights=[float(one.bars) for one in sections]))


def shade(score: Score, velocity_shift: int, reference: float | None = None) -> Score:
    """Dynamics over the form: velocities move by the mood's ``velocity_shift`` and with each section's energy.

    A section of ``reference`` energy (the average, where it was not decided before) stays; one at full energy above a
    reference of 0.5 gains 10. Textures stay.
    """
    if not score.sections:
        return score
    if reference is None:
        reference = mean_energy(score.sections)
    bar_beats = score.meter.beats_per_bar
    starts = np.array([section.start_bar * bar_beats for section in score.sections])
    energies = np.array([section.energy for section in score.sections])
    change = velocity_shift + ENERGY_VELOCITY * (energies - reference)

    def louder(note: Note) -> Note:
        section = max(0, int(np.searchsorted(starts, note.start_beats + 0.1, side="right")) - 1)
        return replace(note, velocity=min(max(round(note.velocity + change[section]), 1), 127))

    played = (
        replace(track, notes=tuple(louder(note) for note in track.notes)) if track.role in TIMING_SPREAD_S else track
        for track in score.tracks
    )
    return replace(score, tracks=tuple(played))


def _play(track: Track, stage: _Stage) -> Track:
    if track.role not in TIMING_SPREAD_S:  # textures and effects are not played by hand
        return track
    instrument = instruments()[track.instrument]
    notes = sorted(track.notes, key=lambda note: (note.start_beats, note.pitch))
    groups = [tuple(group) for _, group in groupby(notes, key=lambda note: note.start_beats)]
    played: list[Note] = []
    for chord, following in zip(groups, [*groups[1:], ()], strict=False):
        offsets_s = _offsets_s(chord, track.role, instrument, stage)
        for note, offset_s in zip(chord, offsets_s, strict=True):
            end = stage.swung(note.end_beats + _breath(note, following, track.role, instrument, stage))
            start = stage.swung(note.start_beats) + stage.beats(offset_s)
            velocity = _velocity(note, track.role, stage)
            played.append(replace(note, start_beats=start, duration_beats=end - start, velocity=velocity))
    return replace(track, notes=_tidy(played, stage))


def _offsets_s(chord: Sequence[Note], role: str, instrument: Instrument, stage: _Stage) -> list[float]:
    """How late each note of one strike is: the hand's inaccuracy, a little per finger, and the strum."""
    spread_s = TIMING_SPREAD_S[role] * stage.humanise
    if role == "drums":  # hands and feet are independent
        own = [stage.deviation(role, note, f"time/{note.pitch}") for note in chord]
        offsets = [spread_s * deviation for deviation in own]
    else:
        together = stage.deviation(role, chord[0], "time")
        fingers = [stage.deviation(role, note, f"finger/{note.pitch}") for note in chord]
        offsets = [spread_s * (together + 0.2 * finger) for finger in fingers]
    if instrument.family == "guitar" and len(chord) > 2:
        span_s = STRUM_S * min(1.0, 2 * stage.humanise)
        order = range(len(chord)) if _is_on_beat(chord[0]) else range(len(chord) - 1, -1, -1)
        strum = [span_s * (place / (len(chord) - 1) - 0.5) for place in order]
        offsets = [0.5 * offset + delay for offset, delay in zip(offsets, strum, strict=True)]
    return [min(max(offset, -TIMING_LIMIT_S), TIMING_LIMIT_S) for offset in offsets]


def _is_on_beat(note: Note) -> bool:
    return abs(note.start_beats - round(note.start_beats)) < 1e-6


def _breath(note: Note, following: Sequence[Note], role: str, instrument: Instrument, stage: _Stage) -> float:
    """Straight beats by which the release moves: legato overlap above 0, a gap below.

    Under half a step, so note lengths survive quantising.
    """
    if role == "drums" or stage.humanise == 0:
        return 0.0
    step = 1 / stage.meter.steps_per_beat
    joined = bool(following) and abs(following[0].start_beats - note.end_beats) < 1e-6
    if joined and any(other.pitch == note.pitch for other in following):
        return -min(stage.beats(REPEAT_GAP_S), 0.3 * step)
    if instrument.sustain == "sustained" and role != "arp":
        return min(stage.beats(LEGATO_S), 0.1 * step) if joined else 0.0
    return -min(stage.beats(DETACHED_GAP_S), 0.35 * step if role == "arp" else 0.25 * step)


def _velocity(note: Note, role: str, stage: _Stage) -> int:
    accent = _accent(note.start_beats, stage.meter) * (0.5 if role == "drums" else 1.0)
    spread = VELOCITY_SPREAD[role] * stage.deviation(role, note, f"velocity/{note.pitch}")
    change = min(max((accent + spread) * stage.humanise, -VELOCITY_LIMIT), VELOCITY_LIMIT)
    return min(max(round(note.velocity + change), 1), 127)


def _accent(beats: float, meter: Meter) -> float:
    """Metric weight in velocity units: downbeat, other beats, half beats, the rest."""
    step = round(beats * meter.steps_per_beat)
    if step % meter.steps_per_bar == 0:
        return 5.0
    if step % meter.steps_per_bar in meter.pulse_steps:
        return 2.5
    return -1.0 if step % 2 == 0 else -3.5


def _tidy(notes: Sequence[Note], stage: _Stage) -> tuple[Note, ...]:
    """Inside the piece, none shorter than SHORTEST_NOTE_S, no pitch struck while it still sounds."""
    shortest = min(stage.beats(SHORTEST_NOTE_S), 0.25 / stage.meter.steps_per_beat)
    next_start: dict[int, float] = {}
    tidied = []
    for note in sorted(notes, key=lambda note: note.start_beats, reverse=True):
        start = min(max(note.start_beats, 0.0), stage.end_beats - shortest)
        limit = min(stage.end_beats, next_start.get(note.pitch, stage.end_beats))
        if limit <= start:
            continue  # struck twice at once: one sound
        end = min(max(note.end_beats, start + shortest), limit)
        next_start[note.pitch] = start
        tidied.append(replace(note, start_beats=start, duration_beats=end - start))
    return tuple(sorted(tidied, key=lambda note: (note.start_beats, note.pitch)))
