"""A phrase as it is sung: when every phone sounds, how the pitch moves, how hard and how breathy the voice is.

Everything is drawn from the seed and the phrase itself, so the same phrase, style and seed give the same frames
wherever it stands in a song and whatever stands beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from noisician.lyrics.phones import STRESS_WEIGHTS
from noisician.vocals.frames import FRAME_RATE_HZ, Frames, Performance, SungSyllable, TimedPhone
from noisician.vocals.phones import PAUSE, PHONE_IDS, VOICED
from noisician.vocals.pitch import (
    PitchCurve,
    fluctuation,
    gesture_curve,
    hertz,
    microprosody,
    plan_gestures,
    smooth_noise,
    smoothed,
    spoken_curve,
)
from noisician.vocals.style import SingingStyle
from noisician.vocals.timing import LEAD_S, Timeline, full_vowels, local_clock, split_syllable, time_phones

_TIMING, _PITCH, _DYNAMICS = range(3)  # random streams

#: Strength of a syllable by the dictionary's digit.
STRENGTH = tuple(float(weight) for weight in STRESS_WEIGHTS)
HEIGHT_EFFORT = 0.28  # an octave above comfort
STRESS_EFFORT = 0.05
ACCENT_EFFORT = 0.15
EFFORT_WANDER = 0.025
EFFORT_DB = 10.0  # from no effort to all
STRESS_DB = 1.2
ACCENT_DB = 2.5
PLAN_DB = 0.6  # standard deviation of the level of single syllables
ARC_EFFORT = 0.02  # a decibel of the phrase's arc
SWELL_SHARE = 0.2  # of the arc, within one long note
SWELL_FROM_S = 0.7
TREMOLO_DB = 2.0  # a semitone of vibrato; Saitou et al. 2007 measure level and pitch in step
SOFT_ATTACK_DB = 6.0  # of a vowel after a rest
HARD_ATTACK_DB = 1.5
ATTACK_S = 0.06
RELEASE_DB = 5.0
RELEASE_S = 0.14
RELEASE_BREATH = 0.2
RECOVERY_S = 0.06
BREATH_PER_EFFORT = 0.3
BREATH_WANDER = 0.02
EDGE_S = 1e-6  # a frame this close before an edge lies on it
LEVEL_SMOOTHING_S = 0.012
ENERGY_RANGE_DB = (-24.0, 12.0)


def perform(phrase: Sequence[SungSyllable], style: SingingStyle, seed: int, lead_s: float = LEAD_S) -> Performance:
    """Sings a phrase; ``lead_s`` seconds before its first note are free for a breath and the first consonants.

    Frame 0 of the result lies at ``start_s``, at most ``lead_s`` (less the style's delay) before the first note.
    Raises ValueError for a phrase that cannot be sung: empty, out of order, a syllable without a vowel or hum.
    """
    if not lead_s >= 0:
        raise ValueError(f"lead_s {lead_s} is below 0")
    syllables = local_clock(phrase)
    content = zlib.crc32(repr(syllables).encode())
    if style.full_vowels:
        syllables = tuple(map(full_vowels, syllables))
    timeline = time_phones(syllables, style, _stream(seed, content, _TIMING), lead_s)
    frames = int(np.ceil(round(timeline.duration_s * FRAME_RATE_HZ, 6))) + 1
    curve = sung_curve(timeline, syllables, style, frames, _stream(seed, content, _PITCH))
    controls = _Dynamics(timeline, syllables, style, curve, _stream(seed, content, _DYNAMICS))
    start_s = phrase[0].notes[0].start_s - timeline.lead_s + style.delay_s
    return Performance(timeline.phones, controls.frames(), start_s)


def _stream(seed: int, content: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, content, purpose])


def sung_curve(
    timeline: Timeline, syllables: Sequence[SungSyllable], style: SingingStyle, frames: int, rng: np.random.Generator
) -> PitchCurve:
    """The pitch of a timed phrase, with its fluctuation and the dips of its consonants."""
    if style.spoken:
        curve = spoken_curve(timeline.notes, [STRENGTH[syllable.stress] for syllable in syllables], frames, rng)
    else:
        curve = gesture_curve(plan_gestures(timeline.notes, style, rng), frames)
    pitch = curve.pitch + fluctuation(frames, style, rng) + microprosody(timeline.phones, frames)
    return PitchCurve(pitch + style.detune_cents / 100.0, curve.vibrato, curve.vibrato_depth)


class _Dynamics:
    """Effort, breath and level of a timed phrase, and its frames."""

    def __init__(
        self,
        timeline: Timeline,
        syllables: Sequence[SungSyllable],
        style: SingingStyle,
        curve: PitchCurve,
        rng: np.random.Generator,
    ) -> None:
        self.timeline = timeline
        self.syllables = syllables
        self.style = style
        self.curve = curve
        count = len(curve.pitch)
        self.time_s = np.arange(count) / FRAME_RATE_HZ
        self.effort_noise = EFFORT_WANDER * smooth_noise(count, 0.3, rng)
        self.breath_noise = BREATH_WANDER * smooth_noise(count, 0.1, rng)
        self.plan_db = PLAN_DB * rng.standard_normal(len(syllables))
        #: Syllables that begin with their vowel.
        self.bare = [not split_syllable(syllable.phones)[0] for syllable in syllables]
        #: Index of the phone of each frame; the last pause lasts on.
        ends = np.array([phone.end_s for phone in timeline.phones])
        self.phone_at = np.minimum(np.searchsorted(ends, self.time_s + EDGE_S, side="right"), len(ends) - 1)

    def frames(self) -> Frames:
        phones = self.timeline.phones
        ids = np.array([PHONE_IDS[phone.phone] for phone in phones], np.int16)
        pause = np.array([PHONE_IDS[PAUSE]], np.int16)
        starts = np.array([phone.start_s for phone in phones])
        lengths = np.array([phone.duration_s for phone in phones])
        at = self.phone_at
        voiced = np.array([phone.phone in VOICED for phone in phones])
        note_position, slur = self._notes()
        effort = self._effort()
        return Frames(
            phone=ids[at],
            previous=np.concatenate([pause, ids[:-1]])[at],
            following=np.concatenate([ids[1:], pause])[at],
            position=np.clip((self.time_s - starts[at]) / lengths[at], 0.0, 1.0).astype(np.float32),
            log_duration=np.log(lengths[at]).astype(np.float32),
            f0_hz=hertz(self.curve.pitch).astype(np.float32),
            voiced=voiced[at].astype(np.float32),
            note_position=note_position.astype(np.float32),
            slur=slur.astype(np.float32),
            stress=self._stress(phones).astype(np.float32),
            effort=effort.astype(np.float32),
            breath=self._breath(effort).astype(np.float32),
            vibrato=self.curve.vibrato_depth.astype(np.float32),
            energy_db=self._energy_db(effort).astype(np.float32),
        )

    def _stress(self, phones: Sequence[TimedPhone]) -> np.ndarray:
        strengths = [
            STRENGTH[self.syllables[phone.syllable].stress] if phone.syllable >= 0 else 0.0 for phone in phones
        ]
        return np.array(strengths)[self.phone_at]

    def _notes(self) -> tuple[np.ndarray, np.ndarray]:
        """Place in the note, and whether the note is slurred to and its own syllable still sounds."""
        notes = self.timeline.notes
        starts = np.array([note.start_s for note in notes])
        ends = np.array([note.end_s for note in notes])
        slurred = np.array([note.slurred for note in notes])
        owners = np.array([note.syllable for note in notes])
        at = np.searchsorted(starts, self.time_s + EDGE_S, side="right") - 1
        inside = (at >= 0) & (self.time_s < ends[at])
        at = np.maximum(at, 0)
        position = np.clip((self.time_s - starts[at]) / (ends[at] - starts[at]), 0.0, 1.0)
        sounding = np.array([phone.syllable for phone in self.timeline.phones])[self.phone_at]
        return np.where(inside, position, 0.0), inside & slurred[at] & (sounding == owners[at])

    def _arc(self) -> np.ndarray:
        """The phrase's rise and fall, −0.6 at its ends … 0.4 past its middle."""
        notes = self.timeline.notes
        length_s = max(notes[-1].end_s - notes[0].start_s, 0.1)
        way = np.clip((self.time_s - notes[0].start_s) / length_s, 0.0, 1.0)
        return np.sin(np.pi * way**1.2) - 0.6

    def _by_syllable(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """One value a syllable, joined by lines between the syllables' first notes."""
        firsts = [note for note in self.timeline.notes if not note.slurred]
        middles = [note.start_s + min(0.5 * note.duration_s, 0.1) for note in firsts]
        return np.interp(self.time_s, middles, values)

    def _effort(self) -> np.ndarray:
        notes = self.timeline.notes
        comfort = self.style.comfort_pitch
        if comfort is None:
            comfort = float(np.average([note.pitch for note in notes], weights=[note.duration_s for note in notes]))
        middles = [0.5 * (note.start_s + note.end_s) for note in notes]
        height = np.interp(self.time_s, middles, [(note.pitch - comfort) / 12.0 for note in notes])
        weight = [
            STRESS_EFFORT * (STRENGTH[syllable.stress] - 0.8) + ACCENT_EFFORT * syllable.accent
            for syllable in self.syllables
        ]
        effort = self.style.effort + HEIGHT_EFFORT * np.clip(height, -1.0, 1.0)
        effort += ARC_EFFORT * self.style.dynamics_db * self._arc() + self._by_syllable(weight) + self.effort_noise
        return np.clip(effort, 0.0, 1.0)

    def _release(self) -> np.ndarray:
        """0 … 1 towards the end of each note that a rest follows, and back in the rest."""
        release = np.zeros(len(self.time_s))
        for note in self.timeline.notes:
            if note.before_rest:
                begin_s = note.end_s - min(RELEASE_S, 0.4 * note.duration_s)
                corners = (begin_s, note.end_s, note.end_s + RECOVERY_S)
                release = np.maximum(release, np.interp(self.time_s, corners, (0.0, 1.0, 0.0)))
        return release

    def _breath(self, effort: np.ndarray) -> np.ndarray:
        breath = self.style.breath + BREATH_PER_EFFORT * (self.style.effort - effort) + self.breath_noise
        return np.clip(breath + RELEASE_BREATH * self._release(), 0.0, 1.0)

    def _energy_db(self, effort: np.ndarray) -> np.ndarray:
        style = self.style
        accents = [
            STRESS_DB * (STRENGTH[syllable.stress] - 1.0) + ACCENT_DB * syllable.accent for syllable in self.syllables
        ]
        level = EFFORT_DB * (effort - 0.5) + style.dynamics_db * self._arc()
        level += self._by_syllable(np.array(accents) + self.plan_db)
        level += TREMOLO_DB * self.curve.vibrato - RELEASE_DB * self._release()
        for note in self.timeline.notes:
            inside = (self.time_s >= note.start_s) & (self.time_s < note.end_s)
            since_s = self.time_s - note.start_s
            if note.after_rest and self.bare[note.syllable] and not note.slurred:
                attack_db = HARD_ATTACK_DB * style.attack - SOFT_ATTACK_DB * (1.0 - style.attack) ** 2
                level += np.where(inside, attack_db * np.exp(-np.maximum(since_s, 0.0) / ATTACK_S), 0.0)
            if note.duration_s > SWELL_FROM_S:
                swell_db = SWELL_SHARE * style.dynamics_db
                level += np.where(inside, swell_db * np.sin(np.pi * np.clip(since_s / note.duration_s, 0, 1)), 0.0)
        return np.clip(smoothed(level, LEVEL_SMOOTHING_S), *ENERGY_RANGE_DB)
