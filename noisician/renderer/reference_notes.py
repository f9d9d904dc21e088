"""From the sound of single notes to references.

A note is heard twice: held for as long as a reference lasts, and let go early, while it is still loud. The difference
of the two is what is lost after the end of a note; it is the same wherever in a note the end comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from noisician.mel import FRAME_RATE_HZ, HOP, MEL_BANDS, N_FFT, hann_window, mel_of_magnitude
from noisician.renderer.references import (
    ATTACK_SAMPLES,
    GRID_FRAMES,
    LOSS_STEP,
    LOWEST_LOG,
    NOISE_FRAMES,
    RELEASE_FRAMES,
    Kind,
    References,
    Sustain,
    encode_attacks,
    encode_held,
    encode_loss,
    grid_of,
)

#: Frames of silence before the onset of a note that is analysed.
LEAD_FRAMES = 4
#: From onset to end of the note that is let go early, in frames (0.16 s).
SHORT_FRAMES = 14
HELD_FRAMES = int(GRID_FRAMES[-1]) + 8
ONSET_S = LEAD_FRAMES / FRAME_RATE_HZ
HELD_S = HELD_FRAMES / FRAME_RATE_HZ
SHORT_S = SHORT_FRAMES / FRAME_RATE_HZ
#: From onset to end of a recorded hit of a drum, which sounds on as it likes.
DRUM_HELD_S = 0.1
#: A noise is held for all rows that are kept of it, and sounds on a little if it likes.
NOISE_HELD_S = (int(NOISE_FRAMES[-1]) + 1) / FRAME_RATE_HZ
NOISE_TOTAL_S = NOISE_HELD_S + (LEAD_FRAMES + 8) / FRAME_RATE_HZ
#: What a noise that lasts as long as its note loses a frame after its end (nats): 60 dB in half a second; at once where
#: its own end is that of the note.
NOISE_RELEASE, STRETCHED_RELEASE = 0.16, 2.0
#: Length of the sounds that :data:`PlayNote` makes, from LEAD_FRAMES before the onset.
HELD_TOTAL_S = (LEAD_FRAMES + HELD_FRAMES) / FRAME_RATE_HZ
SHORT_TOTAL_S = (LEAD_FRAMES + SHORT_FRAMES + int(RELEASE_FRAMES[-1]) + 8) / FRAME_RATE_HZ
#: A cell this far above LOWEST_LOG (nats) is heard well enough to tell what it loses.
_AUDIBLE = 2.0
#: What is left of a note after its end falls at least so fast once nothing can be measured (nats a frame).
_LEAST_FALL = 0.01

PlayNote = Callable[[int, int, float, float], np.ndarray]
"""``(pitch, velocity, held_s, duration_s)`` → mono samples; the note starts at ONSET_S."""


def record(
    play: PlayNote,
    kind: Kind,
    sustain: Sustain,
    wanted: Iterable[tuple[int, int]],
    one_voice: bool = False,
    stretched: bool = False,
) -> References:
    """Plays and analyses the ``wanted`` (pitch, velocity) pairs; silent ones are left out."""
    pitches, velocities, held_codes, loss_codes, attacks = [], [], [], [], []
    for pitch, velocity in wanted:
        if kind == "noise":
            release = STRETCHED_RELEASE if stretched else NOISE_RELEASE if sustain == "sustained" else 0.0
            (held, loss), attack = _noise(play, release, pitch, velocity), None
        else:
            held, loss, attack = _heard_twice(play, kind, pitch, velocity)
        if held.max() < LOWEST_LOG + _AUDIBLE:
            continue
        pitches.append(pitch)
        velocities.append(velocity)
        held_codes.append(encode_held(held))
        loss_codes.append(encode_loss(loss))
        if kind == "drum":
            attacks.append(attack)
    codes, peaks = encode_attacks(np.stack(attacks)) if attacks else (None, None)
    return References(
        kind,
        sustain,
        np.array(pitches, np.float32),
        np.array(velocities, np.uint8),
        np.array(held_codes, np.uint8).reshape(-1, len(grid_of(kind)), MEL_BANDS),
        np.array(loss_codes, np.uint8).reshape(-1, len(RELEASE_FRAMES), MEL_BANDS),
        one_voice,
        stretched,
        codes,
        peaks,
    )


def _noise(play: PlayNote, release: float, pitch: int, velocity: int) -> tuple[np.ndarray, np.ndarray]:
    """Every frame of a noise ``[GRID, 128]``, and ``release`` nats a frame after its end ``[RELEASE, 128]``."""
    sound = play(pitch, velocity, NOISE_HELD_S, NOISE_TOTAL_S)
    loss = np.repeat(release * np.maximum(0, RELEASE_FRAMES)[:, None], MEL_BANDS, axis=1)
    return log_mel_at(sound, (LEAD_FRAMES + NOISE_FRAMES) * HOP), loss


def _heard_twice(play: PlayNote, kind: Kind, pitch: int, velocity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A note held ``[GRID, 128]``, what it loses once it is let go ``[RELEASE, 128]``, its first ATTACK_SAMPLES."""
    held_s = DRUM_HELD_S if kind == "drum" else HELD_S
    sound = play(pitch, velocity, held_s, HELD_TOTAL_S)
    attack = sound[LEAD_FRAMES * HOP : LEAD_FRAMES * HOP + ATTACK_SAMPLES].astype(np.float32)
    if kind == "drum":
        return held_grid(sound), np.zeros((len(RELEASE_FRAMES), MEL_BANDS), np.float32), attack
    return held_grid(sound), release_grid(sound, play(pitch, velocity, SHORT_S, SHORT_TOTAL_S)), attack


def log_mel_at(samples: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Log-mels ``[centres, 128]`` of the windows around given samples, down to LOWEST_LOG."""
    from scipy.fft import rfft

    padded = np.pad(samples.astype(np.float32), N_FFT)
    places = centres.astype(int)[:, None] + np.arange(N_FFT) + N_FFT // 2
    windows = padded[np.clip(places, 0, len(padded) - 1)] * hann_window()
    mel = mel_of_magnitude(np.abs(np.asarray(rfft(windows, axis=-1))))
    return np.log(np.maximum(mel, np.exp(np.float32(LOWEST_LOG))))


def held_grid(samples: np.ndarray) -> np.ndarray:
    """``[GRID, 128]`` of a note that begins LEAD_FRAMES into ``samples`` and is held to their end.

    Rows that lie far apart are fitted to all frames between them: one frame of a noisy sound says little of the next.
    """
    early = GRID_FRAMES[GRID_FRAMES <= 8]
    late = GRID_FRAMES[GRID_FRAMES > 8]
    first = log_mel_at(samples, (LEAD_FRAMES + early) * HOP)
    # Every frame while rows are a frame or two apart, then every second one: windows still overlap by half.
    frames = np.concatenate([np.arange(8, 24), np.arange(24, int(late[-1]) + 1, 2)])
    every = log_mel_at(samples, (LEAD_FRAMES + frames) * HOP)
    return np.concatenate([first, _line_fit(frames, late) @ every])


def _line_fit(frames: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """``[knots, frames]``: values at ``knots`` whose straight joins are nearest to values a frame (least squares)."""
    hats = np.stack([np.interp(frames, knots, row) for row in np.eye(len(knots))], axis=1)
    return np.linalg.pinv(hats).astype(np.float32)


def release_grid(held: np.ndarray, let_go: np.ndarray) -> np.ndarray:
    """Nats lost ``[RELEASE, 128]`` after the end, SHORT_FRAMES after the onset, of the second of two notes.

    Where the held note itself can hardly be heard, a band is taken to lose what the audible ones lose; where the other
    has become inaudible, the loss goes on as steeply as before.
    """
    centres = (LEAD_FRAMES + SHORT_FRAMES + RELEASE_FRAMES) * HOP
    before, after = log_mel_at(held, centres), log_mel_at(let_go, centres)
    loss = np.maximum(0, before - after)
    audible = (before > LOWEST_LOG + _AUDIBLE) & (after > LOWEST_LOG + 0.3)
    weight = np.where(audible, np.exp(0.5 * before), 0)
    total = weight.sum(axis=1)
    mean = (loss * weight).sum(axis=1) / np.maximum(total, 1e-9)
    known = total > 1e-4
    common = _continued(mean, known)
    filled = np.where(audible, loss, common[:, None])
    # Once a band has become inaudible it falls on, never less than it had lost already.
    return np.maximum.accumulate(np.maximum(filled, 0), axis=0).astype(np.float32)


def _continued(loss: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A curve of losses over RELEASE_FRAMES, carried on beyond its last known value as steeply as it fell."""
    places = np.flatnonzero(known)
    if len(places) == 0:  # silent at once
        return np.where(RELEASE_FRAMES < -1, 0, 255 * LOSS_STEP)
    last = int(places[-1])
    curve = np.interp(RELEASE_FRAMES, RELEASE_FRAMES[places], loss[places])
    back = max(0, last - 4)
    slope = (curve[last] - curve[back]) / max(float(RELEASE_FRAMES[last] - RELEASE_FRAMES[back]), 1)
    beyond = curve[last] + max(slope, _LEAST_FALL) * (RELEASE_FRAMES - RELEASE_FRAMES[last])
    return np.where(RELEASE_FRAMES[last] >= RELEASE_FRAMES, curve, beyond)
