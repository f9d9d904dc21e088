"""The fundamental frequency of singing from notes.

Saitou, Unoki and Akagi (2005; Saitou et al. 2007 for singing made from speech) find four movements around the note
that listeners take for singing: overshoot after a step, preparation before it, vibrato, and fine fluctuation. Here
each is a few numbers a note (:class:`NoteGesture`), so a curve can be edited by replacing gestures; scoops, falls,
glides in slurs, slow drift and the small dips of consonants are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.lyrics.phones import OBSTRUENTS
from noisician.score.harmony import frequency_hz
from noisician.vocals.frames import FRAME_RATE_HZ, TimedPhone
from noisician.vocals.phones import VOICED
from noisician.vocals.style import SingingStyle
from noisician.vocals.timing import TimedNote

F0_RANGE_HZ = (45.0, 1800.0)

INTONATION_CENTS = 2.2  # standard deviation of a note's own centre, at the drift below
TYPICAL_DRIFT_CENTS = 3.2
GLIDE_S = 0.055  # of a step of a semitone that is not slurred
GLIDE_S_PER_SEMITONE = 0.004
SLUR_GLIDE_S = (0.07, 0.12)  # shortest, and what a portamento of 1 adds
GLIDE_SHARE = 0.5  # of the shorter neighbouring note
ARRIVAL_S = 0.01  # a glide is over this long after the vowel begins
OVERSHOOT_SHARE = 0.10  # of the interval
OVERSHOOT_LIMIT = 0.5  # semitones
OVERSHOOT_DECAY_S = 0.04
OVERSHOOT_PERIOD_S = 0.14
PREPARATION_RATIO = 0.6  # of the overshoot
PREPARATION_WIDTH_S = 0.022
SCOOP_RANGE = (0.4, 1.8)  # semitones at a scoop of 1
FALL_RANGE = (1.0, 4.0)
FALL_S = 0.14
VIBRATO_FROM_S = 0.25  # a note must last this much beyond the vibrato's delay
VIBRATO_RISE_S = 0.3
VIBRATO_RELEASE_S = 0.08
VIBRATO_FULL_S = 1.2  # shorter notes get less
DRIFT_SMOOTHING_S = 0.25
JITTER_CENTS = 1.2
JITTER_SMOOTHING_S = 0.02
DIP_VOICED = 0.4  # semitones below, in a voiced obstruent
DIP_UNVOICED = 0.2
RISE_AFTER_UNVOICED = 0.12  # semitones above, at the vowel's beginning
RISE_DECAY_S = 0.03

SPOKEN_DECLINATION = (1.5, -2.0)  # semitones around the phrase's mean, first to last
SPOKEN_ACCENT = 2.6
SPOKEN_MELODY_SHARE = 0.25  # of the notes' intervals that speech keeps
SPOKEN_FINAL_FALL = 3.0
SPOKEN_FINAL_S = 0.3
SPOKEN_SMOOTHING_S = 0.045


@dataclass(frozen=True)
class NoteGesture:
    """How one note is taken, held and left. Semitones and seconds; times in the phrase's clock."""

    pitch: float
    start_s: float
    end_s: float
    glide_from_s: float  # the glide into the note
    glide_to_s: float
    overshoot: float = 0.0  # signed: beyond the note, seen from the one before
    preparation: float = 0.0  # signed: away from the note
    scoop: float = 0.0  # below the note at its beginning
    scoop_s: float = 0.06
    fall: float = 0.0  # below the note at its end
    vibrato_depth: float = 0.0  # centre to peak
    vibrato_rate_hz: float = 5.6
    vibrato_delay_s: float = 0.3
    vibrato_phase: float = 0.0  # radians; 0 begins upwards

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class PitchCurve:
    """Arrays ``[frames]``: MIDI pitch, the vibrato in it (semitones) and the vibrato's depth at that moment."""

    pitch: np.ndarray
    vibrato: np.ndarray
    vibrato_depth: np.ndarray


def hertz(pitch: np.ndarray) -> np.ndarray:
    """MIDI pitch → Hz, within what the renderer takes."""
    return np.clip(frequency_hz(pitch), *F0_RANGE_HZ)


def plan_gestures(notes: Sequence[TimedNote], style: SingingStyle, rng: np.random.Generator) -> tuple[NoteGesture, ...]:
    """One gesture a note, drawn around the style."""
    gestures = []
    before: TimedNote | None = None
    for note in notes:
        gestures.append(_gesture(note, before, style, rng))
        before = note
    return tuple(gestures)


def _gesture(note: TimedNote, before: TimedNote | None, style: SingingStyle, rng: np.random.Generator) -> NoteGesture:
    # The same draws for every note, so that one note's kind does not move the next one's luck.
    intonation, depth_draw, rate_draw, delay_draw = rng.standard_normal(4)
    glide_draw, over_draw, scoop_draw, scoop_size, fall_draw, fall_size, turn = rng.random(7)
    step = note.pitch - before.pitch if before else 0.0
    glide_from_s, glide_to_s = _glide(note, before, abs(step), style, 0.85 + 0.3 * glide_draw)
    overshoot = np.sign(step) * min(OVERSHOOT_SHARE * abs(step), OVERSHOOT_LIMIT) * style.overshoot
    overshoot *= (0.6 + 0.8 * over_draw) * min(note.duration_s / 0.25, 1.0)
    scooped = scoop_draw < style.scoop * (1.0 if note.after_rest else 0.45) and not note.slurred
    scooped = scooped and note.duration_s > 0.2
    fallen = note.before_rest and fall_draw < style.fall
    return NoteGesture(
        pitch=note.pitch + INTONATION_CENTS * _looseness(style) * intonation / 100.0,
        start_s=note.start_s,
        end_s=note.end_s,
        glide_from_s=glide_from_s,
        glide_to_s=glide_to_s,
        overshoot=overshoot,
        preparation=0.0 if note.after_rest else -PREPARATION_RATIO * overshoot,
        scoop=style.scoop * _between(SCOOP_RANGE, scoop_size) if scooped else 0.0,
        scoop_s=min(0.035 + 0.03 * scoop_size, 0.15 * note.duration_s),
        fall=style.fall * _between(FALL_RANGE, fall_size) if fallen else 0.0,
        vibrato_depth=_vibrato_depth(note, style, depth_draw),
        vibrato_rate_hz=float(np.clip(style.vibrato_rate_hz + 0.2 * rate_draw, 3.0, 8.0)),
        vibrato_delay_s=max(style.vibrato_delay_s * (1.0 + 0.15 * delay_draw), 0.0),
        vibrato_phase=0.0 if turn < 0.5 else np.pi,
    )


def _looseness(style: SingingStyle) -> float:
    """How much of the small inaccuracies remains: none in a style without drift."""
    return min(style.drift_cents / TYPICAL_DRIFT_CENTS, 1.0)


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share


def _glide(
    note: TimedNote, before: TimedNote | None, interval: float, style: SingingStyle, spread: float
) -> tuple[float, float]:
    """When the pitch leaves for a note and when it is there."""
    if before is None:
        return note.start_s - GLIDE_S, note.start_s
    if note.slurred:
        length_s = SLUR_GLIDE_S[0] + SLUR_GLIDE_S[1] * style.portamento + GLIDE_S_PER_SEMITONE * interval
        length_s = min(length_s * spread, GLIDE_SHARE * min(before.duration_s, note.duration_s))
        return note.start_s - 0.5 * length_s, note.start_s + 0.5 * length_s
    length_s = (GLIDE_S + GLIDE_S_PER_SEMITONE * interval) * spread
    length_s = min(length_s, GLIDE_SHARE * min(before.duration_s, note.duration_s))
    return note.start_s + ARRIVAL_S - length_s, note.start_s + ARRIVAL_S


def _vibrato_depth(note: TimedNote, style: SingingStyle, draw: float) -> float:
    if note.duration_s < style.vibrato_delay_s + VIBRATO_FROM_S:
        return 0.0
    length = min(note.duration_s / VIBRATO_FULL_S, 1.0)
    return style.vibrato_depth * length**0.5 * float(np.clip(1.0 + 0.12 * draw, 0.7, 1.3))


def gesture_curve(gestures: Sequence[NoteGesture], frames: int) -> PitchCurve:
    """What the gestures alone make of ``frames`` frames, without anything random."""
    time_s = np.arange(frames) / FRAME_RATE_HZ
    pitch = np.full(frames, gestures[0].pitch)
    depth = np.zeros(frames)
    vibrato = np.zeros(frames)
    bends = np.zeros(frames)
    for number, gesture in enumerate(gestures):
        share = np.ones(frames) if number == 0 else _rise(time_s, gesture.glide_from_s, gesture.glide_to_s)
        if number:
            pitch += (gesture.pitch - gestures[number - 1].pitch) * share
            # What bent the note before does not reach into this one.
            bends *= 1.0 - share
        bends += _bends(gesture, time_s) * share
        pitch += _steps(gesture, time_s)
        swing = _vibrato_envelope(gesture, time_s)
        phase = 2.0 * np.pi * gesture.vibrato_rate_hz * (time_s - gesture.start_s - gesture.vibrato_delay_s)
        depth += swing
        vibrato += swing * np.sin(phase + gesture.vibrato_phase)
    return PitchCurve(pitch + bends + vibrato, vibrato, depth)


def _rise(time_s: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    """0 before, 1 after, half a cosine between."""
    share = np.clip((time_s - start_s) / max(end_s - start_s, 1e-6), 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * share)


def _steps(gesture: NoteGesture, time_s: np.ndarray) -> np.ndarray:
    """Preparation before a step and the damped swing after it."""
    curve = np.zeros(len(time_s))
    if gesture.preparation:
        away = (time_s - gesture.glide_from_s) / PREPARATION_WIDTH_S
        curve += gesture.preparation * np.exp(-0.5 * away**2)
    if gesture.overshoot:
        since_s = np.maximum(time_s - (0.75 * gesture.glide_to_s + 0.25 * gesture.glide_from_s), 0.0)
        swing = np.exp(-since_s / OVERSHOOT_DECAY_S) * np.sin(2.0 * np.pi * since_s / OVERSHOOT_PERIOD_S)
        curve += gesture.overshoot * 2.0 * swing  # its first peak is about one half
    return curve


def _bends(gesture: NoteGesture, time_s: np.ndarray) -> np.ndarray:
    """Scoop and fall."""
    curve = np.zeros(len(time_s))
    if gesture.scoop:
        curve -= gesture.scoop * np.exp(-np.maximum(time_s - gesture.start_s, 0.0) / gesture.scoop_s)
    if gesture.fall:
        length_s = min(FALL_S, 0.3 * gesture.duration_s)
        curve -= gesture.fall * np.clip((time_s - gesture.end_s + length_s) / length_s, 0.0, 1.3) ** 2
    return curve


def _vibrato_envelope(gesture: NoteGesture, time_s: np.ndarray) -> np.ndarray:
    if not gesture.vibrato_depth:
        return np.zeros(len(time_s))
    begin_s = gesture.start_s + gesture.vibrato_delay_s
    rise = _rise(time_s, begin_s, begin_s + min(VIBRATO_RISE_S, 0.4 * gesture.duration_s))
    release = 1.0 - _rise(time_s, gesture.end_s - VIBRATO_RELEASE_S, gesture.end_s)
    return gesture.vibrato_depth * rise * release


def fluctuation(frames: int, style: SingingStyle, rng: np.random.Generator) -> np.ndarray:
    """``[frames]`` semitones: slow drift and fine fluctuation around what is meant."""
    drift = style.drift_cents * smooth_noise(frames, DRIFT_SMOOTHING_S, rng)
    jitter = JITTER_CENTS * _looseness(style) * smooth_noise(frames, JITTER_SMOOTHING_S, rng)
    return (drift + jitter) / 100.0


def smooth_noise(frames: int, smoothing_s: float, rng: np.random.Generator) -> np.ndarray:
    """``[frames]`` of standard deviation 1: white noise under a Gaussian of that standard deviation in seconds."""
    spread = smoothing_s * FRAME_RATE_HZ
    reach = int(np.ceil(3.0 * spread))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    noise = rng.standard_normal(frames + 2 * reach)
    return np.convolve(noise, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")


def microprosody(phones: Iterable[TimedPhone], frames: int) -> np.ndarray:
    """``[frames]`` semitones: f0 sags in obstruents and begins a little high after unvoiced ones (Hombert 1979)."""
    time_s = np.arange(frames) / FRAME_RATE_HZ
    curve = np.zeros(frames)
    for phone in phones:
        if phone.phone not in OBSTRUENTS:
            continue
        voiced = phone.phone in VOICED
        middle_s = 0.5 * (phone.start_s + phone.end_s)
        width_s = max(phone.duration_s / 3.5, 0.006)
        dip = (DIP_VOICED if voiced else DIP_UNVOICED) * min(phone.duration_s / 0.05, 1.0)
        curve -= dip * np.exp(-0.5 * ((time_s - middle_s) / width_s) ** 2)
        if not voiced:
            since_s = time_s - phone.end_s
            curve += RISE_AFTER_UNVOICED * np.where(since_s >= 0, np.exp(-np.maximum(since_s, 0) / RISE_DECAY_S), 0.0)
    return curve


def spoken_curve(
    notes: Sequence[TimedNote], stresses: Sequence[float], frames: int, rng: np.random.Generator
) -> PitchCurve:
    """The melody of speech: it declines over the phrase, rises on stresses and falls at the end.

    ``stresses`` are 0 … 2 by syllable. A quarter of the notes' intervals remains.
    """
    time_s = np.arange(frames) / FRAME_RATE_HZ
    mean = float(np.average([note.pitch for note in notes], weights=[note.duration_s for note in notes]))
    begin_s, end_s = notes[0].start_s, notes[-1].end_s
    way = np.clip((time_s - begin_s) / max(end_s - begin_s, 0.1), 0.0, 1.0)
    pitch = mean + SPOKEN_DECLINATION[0] + (SPOKEN_DECLINATION[1] - SPOKEN_DECLINATION[0]) * way
    starts = np.array([note.start_s for note in notes])
    current = np.clip(np.searchsorted(starts, time_s, side="right") - 1, 0, None)
    pitch += SPOKEN_MELODY_SHARE * (np.array([note.pitch for note in notes])[current] - mean)
    for note in notes:
        height = SPOKEN_ACCENT * 0.5 * stresses[note.syllable] * (0.7 + 0.6 * rng.random())
        if height and not note.slurred:
            width_s = float(np.clip(0.4 * note.duration_s, 0.05, 0.12))
            pitch += height * np.exp(-0.5 * ((time_s - note.start_s - 0.04) / width_s) ** 2)
    pitch -= SPOKEN_FINAL_FALL * _rise(time_s, end_s - min(SPOKEN_FINAL_S, 0.4 * (end_s - begin_s)), end_s)
    silent = np.zeros(frames)
    return PitchCurve(smoothed(pitch, SPOKEN_SMOOTHING_S), silent, silent)


def smoothed(curve: np.ndarray, smoothing_s: float) -> np.ndarray:
    """``[frames]`` under a Gaussian of that standard deviation; the ends stay where they are."""
    spread = smoothing_s * FRAME_RATE_HZ
    reach = int(np.ceil(3.0 * spread))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), kernel / kernel.sum(), mode="valid")
