"""Tempo: an independent beat tracker's opinion, and when it counts as a hit.

Conventions
-----------
* Audio is ``[samples]`` or ``[samples, channels]`` at 44.1 kHz; beats are in seconds; tempi in beats a minute.
* Beats come from librosa's dynamic-programming tracker (Ellis, "Beat tracking by dynamic programming", 2007) with
  its usual prior around 120 BPM. It never learns the requested tempo.
* The tracker's own tempo lies on a grid of whole autocorrelation lags (steps of 2 to 8 %), too coarse for a
  2 % criterion, so the tempo is the robust slope through the beats it placed.
* Which metrical level the tracker follows (beats, or eighths, or half notes) says little about the music, so
  ``noisician.analysis.metrical_level`` moves its tempo to the level a listener would tap.

How good the judge is
---------------------
On 201 excerpts of procedural songs in every genre with drums (28 s, played by a soundfont) it is right within 2 % in
91 % of those it was fitted on and in 87 % when each genre is left out of the fit; the tracker alone in 76 %.
The tracker alone is right in all 68 of 112 synthetic arrangements between 90 and 160 BPM, but in 7 of the 24 below
90 BPM (running eighths are heard as beats) and in 11 of the 20 above 160 BPM (drum and bass is heard at half the
tempo). When right its error is 0.01 % (median) and 0.11 % at most. A hit rate over genres belongs beside the same
figure for the soundfont playing the same scores.
"""

from __future__ import annotations

import numpy as np

from noisician.analysis.inputs import event_times, mono
from noisician.analysis.metrical_level import level_model, onsets
from noisician.errors import NoisicianError
from noisician.evaluate.inputs import librosa
from noisician.mel import SAMPLE_RATE_HZ

JUDGE_RATE_HZ = 22050
JUDGE_HOP = 512
JUDGE_PRIOR_BPM = 120.0


def beat_times_s(samples: np.ndarray) -> np.ndarray:
    """Beats ``[beats]`` in seconds that the tracker hears; empty for audio without onsets.

    Raises NoisicianError where librosa is missing or the audio is shorter than two seconds.
    """
    import soxr

    audio = mono(samples)
    if len(audio) < 2 * SAMPLE_RATE_HZ:
        raise NoisicianError(f"{len(audio) / SAMPLE_RATE_HZ:.2f} s of audio; a beat tracker needs at least 2 s")
    judge = librosa()
    resampled = soxr.resample(audio, SAMPLE_RATE_HZ, JUDGE_RATE_HZ).astype(np.float32)
    strength = judge.onset.onset_strength(y=resampled, sr=JUDGE_RATE_HZ, hop_length=JUDGE_HOP)
    if not strength.any():
        return np.zeros(0)
    _, beats = judge.beat.beat_track(
        onset_envelope=strength,
        sr=JUDGE_RATE_HZ,
        hop_length=JUDGE_HOP,
        start_bpm=JUDGE_PRIOR_BPM,
        units="time",
    )
    return np.asarray(beats, np.float64)


def tempo_of_beats(beats_s: np.ndarray) -> float | None:
    """Tempo in BPM of beats ``[beats]`` in seconds: 60 over the slope of beat time against beat number.

    The slope is the median over all pairs (Theil 1950, Sen 1968), because trackers misplace first and last beats.
    Beats skipped are counted from the median interval. None for fewer than four beats.
    """
    beats = event_times(beats_s, "beats_s")
    if len(beats) < 4:
        return None
    intervals = np.diff(beats)
    steps = np.maximum(1, np.round(intervals / np.median(intervals)))
    number = np.concatenate([[0.0], np.cumsum(steps)])
    first, second = np.triu_indices(len(beats), 1)
    return 60.0 / float(np.median((beats[second] - beats[first]) / (number[second] - number[first])))


def tracked_tempo_bpm(samples: np.ndarray) -> float | None:
    """The tempo in BPM of the level the tracker follows, or None where it hears no beat."""
    return tempo_of_beats(beat_times_s(samples))


def estimated_tempo_bpm(samples: np.ndarray) -> float | None:
    """The judge's tempo in BPM: the tracked one moved to the level of the beat. None where it hears no beat."""
    tracked = tracked_tempo_bpm(samples)
    return None if tracked is None else level_model().choose(onsets(samples), tracked)


def tempo_hit(
    estimate_bpm: float | None, reference_bpm: float, tolerance: float = 0.02, octaves_allowed: bool = False
) -> bool:
    """Whether the estimate lies within ``tolerance`` (a fraction) of the reference.

    With ``octaves_allowed`` half and twice the reference count too (same relative tolerance).
    """
    if not (np.isfinite(reference_bpm) and reference_bpm > 0):
        raise NoisicianError(f"reference tempo {reference_bpm:g} BPM; it must be above 0")
    if not 0 < tolerance < 0.25:
        raise NoisicianError(f"tempo tolerance {tolerance:g}; it is a fraction between 0 and 0.25 (2 % is 0.02)")
    if estimate_bpm is None or not np.isfinite(estimate_bpm):
        return False
    levels = (0.5, 1.0, 2.0) if octaves_allowed else (1.0,)
    return any(abs(estimate_bpm / (reference_bpm * level) - 1) <= tolerance for level in levels)
