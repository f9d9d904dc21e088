"""The raw material the vocoder carves: what the *known notes* would sound like with a flat spectrum.

A harmonic note is a band-limited pulse train at its exact frequency, so the vocoder takes phase from it instead of
having to invent one. With θ = 2π f₀ t and K = ⌊18 kHz / f₀⌋ harmonics of equal level (Dirichlet's kernel):

    e(t) = (sin((2K + 1) θ/2) / sin(θ/2) − 1) / (2 √K)

Where players move the pitch (:mod:`noisician.vocoder.vibrato`), θ moves with it. A drum hit is an impulse, for kicks,
toms and snares with a falling sine under it. Notes go on ringing after their end (long for what is struck or plucked,
short for what is blown or bowed): the mel decides what of it is heard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent
from noisician.styles import Instrument
from noisician.vocoder.vibrato import SCOOP_S, Swing, swing_of

HIGHEST_HARMONIC_HZ = 18_000.0
#: (length, time constant) of the ringing after the note's end, seconds.
RINGING_S = {"struck": (2.0, 1.2), "plucked": (2.0, 1.2), "sustained": (1.0, 0.4)}
IMPULSE = 60.0
#: General MIDI drum → (start Hz, end Hz, sweep time constant s, decay s) of the sine under the impulse.
DRUM_SINES = {
    35: (140.0, 46.0, 0.035, 0.20),
    36: (150.0, 50.0, 0.030, 0.15),
    38: (220.0, 180.0, 0.020, 0.08),
    40: (240.0, 195.0, 0.020, 0.08),
    41: (120.0, 78.0, 0.060, 0.25),
    43: (140.0, 92.0, 0.060, 0.25),
    45: (165.0, 108.0, 0.060, 0.22),
    47: (190.0, 126.0, 0.060, 0.22),
    48: (220.0, 148.0, 0.060, 0.20),
    50: (255.0, 172.0, 0.060, 0.20),
}
_DRUM_LENGTH_S = 1.0
#: Samples in a block of a swinging train, and from one to the next at which its phase is computed.
_BLOCK, _STEP = 1024, 32
_OFF_THE_POLE = np.float32(5e-5)


@lru_cache(maxsize=640)
def _pulse_second(pitch: int, second: int) -> np.ndarray:
    """One second of the kernel above, float32, by number from the pulse the note starts on."""
    f0 = frequency_hz(pitch)
    harmonics = max(1, int(HIGHEST_HARMONIC_HZ // f0))
    at = np.arange(second * SAMPLE_RATE_HZ, (second + 1) * SAMPLE_RATE_HZ)
    half = np.pi * f0 * at / SAMPLE_RATE_HZ + 5e-5  # θ/2, off the pole at zero
    kernel = np.sin((2 * harmonics + 1) * half) / np.sin(half) - 1
    return (kernel / (2 * np.sqrt(harmonics))).astype(np.float32)


def _pulse_train(pitch: int, low: int, high: int) -> np.ndarray:
    """Samples ``low … high`` of a pitch's kernel."""
    first, last = low // SAMPLE_RATE_HZ, (high - 1) // SAMPLE_RATE_HZ
    seconds = [_pulse_second(pitch, second) for second in range(first, last + 1)]
    return np.concatenate(seconds)[low - first * SAMPLE_RATE_HZ : high - first * SAMPLE_RATE_HZ]


def _moving_train(pitch: int, swing: Swing, held: int, low: int, high: int) -> np.ndarray:
    """Samples ``low … high`` of the kernel above for a note of ``held`` samples whose θ moves.

    It is the straight one wherever the pitch is straight. A note that ends before it swings rings on straight.
    """
    scooped = round(SCOOP_S * SAMPLE_RATE_HZ)
    swings = swing.delay if held > swing.delay else high
    pieces = []
    if low < scooped:
        pieces.append(_swinging_train(pitch, swing, low, min(high, scooped)))
    first, last = max(low, scooped), min(high, swings)
    if first < last:
        pieces.append(_pulse_train(pitch, first - swing.late, last - swing.late))
    if max(low, swings) < high:
        pieces.append(_swinging_train(pitch, swing, max(low, swings), high))
    return np.concatenate(pieces)


def _swinging_train(pitch: int, swing: Swing, low: int, high: int) -> np.ndarray:
    """The kernel with θ as ``swing`` has it, float32, straight between one sample in _STEP and the next.

    It is made in whole blocks of the note, so that any stretch has the same bits. It repeats with every cycle, and
    single precision is enough for the rest of one.
    """
    f0 = frequency_hz(pitch)
    harmonics = max(1, int(HIGHEST_HARMONIC_HZ // f0))
    first, last = low // _BLOCK * _BLOCK, -(-high // _BLOCK) * _BLOCK
    time_s = np.arange(first, last + _STEP, _STEP) / SAMPLE_RATE_HZ
    cycles = f0 * (time_s + swing.stray_s(time_s))
    begun, slope = cycles[:-1] - np.floor(cycles[:-1]), np.diff(cycles) / _STEP
    between = np.arange(_STEP, dtype=np.float32)
    here = begun.astype(np.float32)[:, None] + slope.astype(np.float32)[:, None] * between
    half = (np.float32(np.pi) * (here - np.rint(here))).reshape(-1)
    half[np.abs(half) < _OFF_THE_POLE] = _OFF_THE_POLE
    kernel = np.sin(np.float32(2 * harmonics + 1) * half) / np.sin(half) - 1
    return (kernel * np.float32(0.5 / np.sqrt(harmonics)))[low - first : high - first]


@lru_cache(maxsize=128)
def _drum_hit(pitch: int) -> np.ndarray:
    hit = np.zeros(round(_DRUM_LENGTH_S * SAMPLE_RATE_HZ), np.float32)
    if pitch in DRUM_SINES:
        start_hz, end_hz, sweep_s, decay_s = DRUM_SINES[pitch]
        t = np.arange(len(hit)) / SAMPLE_RATE_HZ
        phase = 2 * np.pi * np.cumsum(end_hz + (start_hz - end_hz) * np.exp(-t / sweep_s)) / SAMPLE_RATE_HZ
        hit += (3 * np.sin(phase) * np.exp(-t / decay_s)).astype(np.float32)
    hit[0] += IMPULSE
    return hit


@lru_cache(maxsize=8)
def _ringing(sustain: str) -> np.ndarray:
    length_s, decay_s = RINGING_S[sustain]
    t = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    fade = np.minimum(1, (length_s - t) / 0.1)  # the last tenth of a second goes to nothing: no step
    return (np.exp(-t / decay_s) * fade).astype(np.float32)


def reach_s(instrument: Instrument) -> float:
    """How long after its end a note still excites, seconds."""
    return _DRUM_LENGTH_S if instrument.excitation == "drum" else RINGING_S[instrument.sustain][0]


def excitation(
    notes: Sequence[NoteEvent],
    instrument: Instrument,
    samples: int,
    first_sample: int = 0,
    player: tuple[int, int] | None = None,
) -> np.ndarray:
    """Samples ``first_sample … first_sample + samples`` of the excitation of a part, float32 ``[samples]``.

    Any stretch equals the same stretch of the whole, so a part can be made in pieces. ``player`` (seed and stream of
    its noise) has the vibrato of the instrument; without one every pitch is straight.
    """
    out = np.zeros(samples, np.float32)
    if instrument.excitation == "noise":
        return out
    for note in notes:
        start = round(note.start_s * SAMPLE_RATE_HZ)
        if instrument.excitation == "drum":
            _add(out, _drum_hit(note.pitch), start - first_sample)
            continue
        held = max(1, round(note.end_s * SAMPLE_RATE_HZ) - start)
        ringing = _ringing(instrument.sustain)
        low, high = max(0, first_sample - start), min(held + len(ringing), first_sample + samples - start)
        if low >= high:
            continue
        if player is None or not instrument.vibrato_cents:
            train = _pulse_train(note.pitch, low, high)
        else:
            swing = swing_of(instrument.vibrato_cents, player, note.pitch, start)
            train = _moving_train(note.pitch, swing, held, low, high)
        target = out[start + low - first_sample : start + high - first_sample]
        sounding = max(0, min(held, high) - low)
        target[:sounding] += train[:sounding]
        target[sounding:] += train[sounding:] * ringing[max(low - held, 0) : max(high - held, 0)]
    return out


def exciting_notes(
    notes: Sequence[NoteEvent], instrument: Instrument, samples: int, first_sample: int
) -> list[tuple[float, ...]]:
    """All that :func:`excitation` of some samples depends on besides the instrument, as (pitch, start, end) of notes.

    A note that sounds beyond them may end anywhere there: its end counts as infinite. Drums do not care.
    """
    if instrument.excitation == "noise":
        return []
    first_s, last_s = (first_sample - 1) / SAMPLE_RATE_HZ, (first_sample + samples + 1) / SAMPLE_RATE_HZ
    reach, drums = reach_s(instrument), instrument.excitation == "drum"
    return [
        (note.pitch, note.start_s, note.end_s if note.end_s < last_s and not drums else math.inf)
        for note in notes
        if note.start_s < last_s and (note.start_s if drums else note.end_s) + reach > first_s
    ]


def _add(out: np.ndarray, piece: np.ndarray, at: int) -> None:
    low, high = max(0, -at), min(len(piece), len(out) - at)
    if low < high:
        out[at + low : at + high] += piece[low:high]
