"""How a plain sampler plays a recorded note: longer than it was recorded, or let go."""

from __future__ import annotations

import numpy as np

from noisician.audio import fade
from noisician.mel import SAMPLE_RATE_HZ

#: Time constant of a note's end (s): breath, bow or finger; dampers; what nobody stops.
RELEASE_S = {"sustained": 0.05, "plucked": 0.06, "struck": 0.09, "ringing": 1.2}
#: Of a release so many time constants are played.
_RELEASE_CONSTANTS = 6
_LOOP_FADE_S = 0.25
#: The stretch of a recording that is repeated, as shares of its length.
_LOOP_FROM, _LOOP_TO = 0.35, 0.8


def let_go(sound: np.ndarray, count: int, release_s: float, sustained: bool) -> np.ndarray:
    """The first ``count`` samples of a mono ``sound`` at 44.1 kHz and its end, which falls with ``release_s``.

    What is ``sustained`` goes on beyond its recording; what is not ends with it.
    """
    release = round(_RELEASE_CONSTANTS * release_s * SAMPLE_RATE_HZ)
    if sustained and len(sound) < count + release:
        sound = extended(sound, count + release)
    sound = sound[: count + release].copy()
    tail = max(0, len(sound) - count)
    if tail:
        sound[count:] *= np.exp(-np.arange(tail, dtype=np.float32) / np.float32(release_s * SAMPLE_RATE_HZ))
    return fade(sound, 0.0, 0.01)


def extended(sound: np.ndarray, count: int) -> np.ndarray:
    """Its middle again and again, each time faded in over the one before, until it lasts ``count`` samples."""
    first, last = int(_LOOP_FROM * len(sound)), int(_LOOP_TO * len(sound))
    length = min(round(_LOOP_FADE_S * SAMPLE_RATE_HZ), (last - first) // 2)
    out = sound[:last]
    rise = np.sin(0.5 * np.pi * (np.arange(length, dtype=np.float32) + 0.5) / length)
    while len(out) < count:
        again = sound[first:last].copy()
        again[:length] = again[:length] * rise + out[-length:] * rise[::-1]
        out = np.concatenate([out[:-length], again])
    return out
