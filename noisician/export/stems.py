"""What is true of a set of stems: one gain for all of them, and what whoever opens the folder should know."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

#: Integers hold samples up to just below this.
_FULL_SCALE = 1.0 - 2.0**-15
_HALVING_DB = 20 * math.log10(2)
_BEFORE_MASTERING = """Together the stems are the mix before mastering: their sum is the track without its equaliser,
compressor, limiter and final level, so it is softer and may peak elsewhere."""
_MASTERED = """Together the stems are the finished track: each has been through its equaliser, compressor, limiter and
fades, and is turned up and down from moment to moment as the whole track is."""


def common_gain_db(stems: Mapping[str, np.ndarray], bit_depth: int) -> float:
    """The gain in dB, 0 or less, with which no stem clips at this bit depth; the same for all, so that they still sum.

    A power of two, so that nothing is lost to rounding: what was written times :func:`factor_of` its negative is what
    was there. Float holds everything as it is.
    """
    if bit_depth == 32:
        return 0.0
    peak = max((_peak(stems[name]) for name in stems), default=0.0)
    halvings = max(0, math.ceil(math.log2(peak / _FULL_SCALE))) if 0 < peak < math.inf else 0
    return gain_db_of(halvings)


def stem_file_name(name: str) -> str:
    """What a stem's file is called, without its extension: letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "stem"


def padded(stem: np.ndarray, frames: int) -> np.ndarray:
    """A stem ``[frames]`` or ``[frames, channels]`` with silence at its end, where it is shorter than ``frames``."""
    missing = frames - len(stem)
    return np.pad(stem, [(0, missing)] + [(0, 0)] * (stem.ndim - 1)) if missing > 0 else stem


def _peak(stem: np.ndarray) -> float:
    samples = np.asarray(stem)
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def gain_db_of(halvings: int) -> float:
    """So many halvings in dB, near enough that samples times it come back to the last bit of 24."""
    return -round(_HALVING_DB * halvings, 9) if halvings else 0.0


def factor_of(gain_db: float) -> float:
    """The exact power of two that a gain of :func:`common_gain_db` means."""
    return 2.0 ** round(gain_db / _HALVING_DB)


def stems_note(title: str, gain_db: float, *, mastered: bool = False, has_score: bool = False) -> str:
    """The README of a set of stems that were written with a common gain."""
    what = _MASTERED if mastered else _BEFORE_MASTERING
    if gain_db:
        level = f"""So that none of them clips, all were written softer by one gain of {gain_db:.3f} dB:
times {1 / factor_of(gain_db):g} each is as loud as it is there."""
    else:
        level = "Each is as loud as it is there: the gain that all have in common is 0 dB."
    score = "\nscore.mid are the notes as they are played." if has_score else ""
    return f"""{title}

Every WAV here is as long as the track and begins with it.
{what}
{level}
They keep that level whatever loudness the track is exported at.

recipe.json has all settings; noisician makes the same music from it again.{score}
"""
