"""How a note begins: what is heard before it, and how fast it rises.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; onsets are in seconds, in dB 20 log₁₀ of amplitudes.
* A note's peak is looked for in the ``PEAK_WITHIN_S`` after its onset.
* The envelope of a rising note is its largest magnitude so far, so that a low note's own cycles are no attacks and
  nothing is heard earlier than it is.
"""

from __future__ import annotations

import math

import numpy as np

from noisician.analysis.inputs import mono
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ

#: Where the vocoder's window of 46 ms smears to; the last 4 ms are left to hits that are a little early.
PRE_ECHO_S = (0.025, 0.004)
PEAK_WITHIN_S = 0.15
#: What is quieter than this is silence: half a bit of 24.
SILENCE_DB = -144.5


def pre_echo_db(samples: np.ndarray, onset_s: float) -> float:
    """RMS of the samples 25 … 4 ms before an onset against the peak after it, dB, at least SILENCE_DB.

    Raises NoisicianError where the audio does not reach from 25 ms before the onset to its peak.
    """
    audio, onset = _around(samples, onset_s)
    first, last = (onset - round(before_s * SAMPLE_RATE_HZ) for before_s in PRE_ECHO_S)
    peak = np.abs(audio[onset : onset + round(PEAK_WITHIN_S * SAMPLE_RATE_HZ)]).max()
    if peak == 0:
        raise NoisicianError(f"nothing sounds within {PEAK_WITHIN_S:g} s after the onset at {onset_s:g} s")
    before = math.sqrt(float(np.mean(np.square(audio[first:last]))))
    return max(SILENCE_DB, 20 * math.log10(max(before / peak, 1e-12)))


def attack_ms(samples: np.ndarray, onset_s: float) -> float:
    """From the first moment at 10 % of the note's peak to the first at 90 %, ms; early ones count from PRE_ECHO_S."""
    audio, onset = _around(samples, onset_s)
    first = onset - round(PRE_ECHO_S[0] * SAMPLE_RATE_HZ)
    rising = np.maximum.accumulate(np.abs(audio[first : onset + round(PEAK_WITHIN_S * SAMPLE_RATE_HZ)]))
    if rising[-1] == 0:
        raise NoisicianError(f"nothing sounds within {PEAK_WITHIN_S:g} s after the onset at {onset_s:g} s")
    tenth, most = np.searchsorted(rising, (0.1 * rising[-1], 0.9 * rising[-1]))
    return float(1000 * (most - tenth) / SAMPLE_RATE_HZ)


def _around(samples: np.ndarray, onset_s: float) -> tuple[np.ndarray, int]:
    audio, onset = mono(samples), round(onset_s * SAMPLE_RATE_HZ)
    if onset < round(PRE_ECHO_S[0] * SAMPLE_RATE_HZ) or onset >= len(audio):
        raise NoisicianError(
            f"onset at {onset_s:g} s of {len(audio) / SAMPLE_RATE_HZ:g} s of audio; "
            f"it must lie within it, with {1000 * PRE_ECHO_S[0]:g} ms before it"
        )
    return audio, onset
