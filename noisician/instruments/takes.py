"""From a recording to takes: single notes or hits, and how each behaves as far as its level tells.

Samples are mono float32 at 44.1 kHz, levels in dB below full scale over blocks of 10 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.audio import fade
from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.references import Sustain

BLOCK = SAMPLE_RATE_HZ // 100
BLOCK_S = BLOCK / SAMPLE_RATE_HZ
#: Silence between two notes of one recording is this far below its loudest block, for so long.
SILENCE_DB, LEAST_GAP_S = 50.0, 0.15
#: Where a recording hums or hisses louder than that, what lies so far above its quietest blocks is a note.
_ABOVE_NOISE_DB, _LEAST_DYNAMICS_DB = 8.0, 25.0
#: Shorter or quieter than this beside the loudest, it is a click or a creak.
_LEAST_NOTE_S, _QUIETEST_DB = 0.03, 36.0
#: The onset is where a note first comes this near to its peak; faded in from just before it.
_ONSET_DB, _ONSET_BLOCK, _FADE_IN_S = 40.0, 44, 0.002
#: A release falls at least so steeply, so far, and this much more steeply than the note did while it was held.
_RELEASE_DB_A_S, _RELEASE_DB, _RELEASE_RATIO = 60.0, 15.0, 3.0
_SHORTEST_HELD_S = 0.15
#: Sustained is what falls by less than this while it is held (dB a second), or swells for so long before it falls, and
#: not too fast. It tells all 56 recorded instruments and articulations right that
#: the limits were chosen by (medians of four notes each).
_SUSTAINED_DB_A_S, _SWELL_S, _SWELLING_DB_A_S = 3.0, 0.16, 13.0
#: Of a note's level so much time is looked at (s), the attack over.
_LOOKED_AT_S, _ATTACK_S = 2.5, 0.06
MOST_TAKES_A_FILE = 128


@dataclass(frozen=True, eq=False)
class Take:
    """One recorded note or hit, from its onset on.

    ``pitch`` MIDI with cents as fractions, None of what has none; ``velocity`` 1 … 127 where something told it;
    ``key`` the General MIDI key of a piece of a kit. ``held_s`` is where the player let go, None where nothing tells.
    """

    name: str
    sound: np.ndarray
    pitch: float | None = None
    velocity: int | None = None
    key: int | None = None
    held_s: float | None = None

    @property
    def duration_s(self) -> float:
        return len(self.sound) / SAMPLE_RATE_HZ


def cut_at_silences(samples: np.ndarray) -> list[np.ndarray]:
    """The notes of a recording, each from its onset to where it has died away; none of silence."""
    level = block_levels_db(samples)
    if not len(level) or level.max() < -80:
        return []
    sounding = level > _silence_below_db(level)
    # A gap too short to be a silence belongs to the note around it.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sounding, [0]]).astype(int)))
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    spans: list[list[int]] = []
    for start, end in zip(starts, ends, strict=True):
        if spans and (start - spans[-1][1]) * BLOCK_S < LEAST_GAP_S:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    loud = [span for span in spans if level[span[0] : span[1]].max() > level.max() - _QUIETEST_DB]
    notes = [span for span in loud if (span[1] - span[0]) * BLOCK_S >= _LEAST_NOTE_S or len(loud) == 1]
    cut = (samples[max(0, first - 1) * BLOCK : last * BLOCK] for first, last in notes[:MOST_TAKES_A_FILE])
    return [from_onset(note) for note in cut]


def _silence_below_db(level: np.ndarray) -> float:
    top, noise = float(level.max()), float(np.percentile(level, 5))
    silence = top - SILENCE_DB
    if silence < noise < top - _LEAST_DYNAMICS_DB:
        return noise + _ABOVE_NOISE_DB
    return silence


def from_onset(note: np.ndarray) -> np.ndarray:
    """A note's samples from its onset, faded in so briefly that no click comes before it."""
    blocks = np.abs(note[: len(note) // _ONSET_BLOCK * _ONSET_BLOCK].reshape(-1, _ONSET_BLOCK)).max(axis=1, initial=0)
    if not len(blocks) or not blocks.max() > 0:
        return note
    first = int(np.argmax(blocks > blocks.max() * 10 ** (-_ONSET_DB / 20)))
    begun = note[max(0, (first - 1) * _ONSET_BLOCK) :].astype(np.float32)
    return fade(begun, _FADE_IN_S, 0.0)


def block_levels_db(samples: np.ndarray) -> np.ndarray:
    """Root mean square of each 10 ms, in dB, −120 for silence: ``[blocks]``. What is left over counts as a block."""
    padded = np.pad(np.asarray(samples, np.float64), (0, -len(samples) % BLOCK))
    power = (padded.reshape(-1, BLOCK) ** 2).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-12))


def loudness_db(take: Take) -> float:
    """Level of the loudest tenth of a second of a take."""
    power = 10 ** (block_levels_db(take.sound) / 10)
    span = min(10, len(power))
    return float(10 * np.log10(np.convolve(power, np.ones(span) / span, "valid").max()))


def with_release(take: Take) -> Take:
    """The take with the place where it was let go: where a steep fall at its end begins.

    It is told by the level alone, so it is no release where the sound falls as steeply all along.
    """
    level = _smooth(block_levels_db(take.sound))
    peak = int(np.argmax(level))
    audible = np.flatnonzero(level > level[peak] - SILENCE_DB)
    end = int(audible[-1])
    slope = np.gradient(level) / BLOCK_S if len(level) > 1 else np.zeros(1)
    start = end
    while start > peak and slope[start] < -_RELEASE_DB_A_S:
        start -= 1
    held = fall_db_a_s(take.sound[: start * BLOCK])
    steep = (level[start] - level[end]) / max((end - start) * BLOCK_S, BLOCK_S)
    fell = level[start] - level[end] >= _RELEASE_DB and steep > _RELEASE_RATIO * max(held, 1.0)
    if not fell or start * BLOCK_S < _SHORTEST_HELD_S:
        return take
    return replace(take, held_s=start * BLOCK_S)


def fall_db_a_s(sound: np.ndarray) -> float:
    """How fast the level of a note falls once its attack is over (dB a second, by least squares; 0 for a rise)."""
    level = _smooth(block_levels_db(sound))
    first = int(np.argmax(level)) + round(_ATTACK_S / BLOCK_S) if len(level) else 0
    looked = level[first : first + round(_LOOKED_AT_S / BLOCK_S)]
    if len(looked) < 8:
        return 0.0
    time_s = np.arange(len(looked)) * BLOCK_S
    return max(0.0, -float(np.polyfit(time_s, looked, 1)[0]))


def _smooth(level: np.ndarray) -> np.ndarray:
    """A running median over 50 ms: the beating of partials is no release."""
    from scipy.ndimage import median_filter

    return median_filter(level, 5, mode="nearest")


def peak_s(sound: np.ndarray) -> float:
    """When a note is loudest, in seconds after its onset."""
    return float(np.argmax(_smooth(block_levels_db(sound)))) * BLOCK_S


def sustain_of(takes: Sequence[Take]) -> Sustain:
    """Whether an instrument holds its notes, by the medians of how its takes fall and swell.

    What decays by itself may be struck or plucked, which the level does not tell; ``plucked`` stands for both.
    """
    held = [take.sound if take.held_s is None else take.sound[: round(take.held_s * SAMPLE_RATE_HZ)] for take in takes]
    fall = float(np.median([fall_db_a_s(sound) for sound in held]))
    swells = float(np.median([peak_s(sound) for sound in held])) > _SWELL_S and fall < _SWELLING_DB_A_S
    return "sustained" if fall < _SUSTAINED_DB_A_S or swells else "plucked"
