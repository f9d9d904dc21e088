"""Onsets of a pitched stem against its score.

Conventions
-----------
* Onsets are in seconds.
* Matching is one to one within 50 ms and of maximum size, as in ``mir_eval.onset``; F is the harmonic mean of
  precision and recall.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from noisician.analysis.inputs import event_times
from noisician.errors import NoisicianError
from noisician.score.played import NoteEvent

ONSET_TOLERANCE_S = 0.05


def score_onsets_s(notes: Iterable[NoteEvent]) -> np.ndarray:
    """Onset times ``[events]`` in seconds of a part; notes struck together (within 1 ms) count once."""
    starts = np.sort(np.array([note.start_s for note in notes], np.float64))
    return starts[np.concatenate([[True], np.diff(starts) > 1e-3])] if len(starts) else starts


def matched_onsets(reference_s: np.ndarray, estimated_s: np.ndarray, tolerance_s: float) -> int:
    """Size of the largest one-to-one matching of sorted events at most ``tolerance_s`` apart.

    With equal tolerance on a line, taking the earliest possible partner for each event in turn is optimal.
    """
    matched = i = j = 0
    while i < len(reference_s) and j < len(estimated_s):
        distance = estimated_s[j] - reference_s[i]
        if abs(distance) <= tolerance_s + 1e-9:
            matched, i, j = matched + 1, i + 1, j + 1
        elif distance < 0:
            j += 1
        else:
            i += 1
    return matched


def onset_f_measure(
    reference_s: np.ndarray, estimated_s: np.ndarray, tolerance_s: float = ONSET_TOLERANCE_S
) -> tuple[float, float, float]:
    """(F, precision, recall) of estimated onsets against the score's. All 0 if either list is empty."""
    if not 0 < tolerance_s < 1:
        raise NoisicianError(f"onset tolerance {tolerance_s:g} s; it must lie between 0 and 1 s (50 ms is 0.05)")
    reference, estimated = event_times(reference_s, "reference_s"), event_times(estimated_s, "estimated_s")
    if not len(reference) or not len(estimated):
        return 0.0, 0.0, 0.0
    matched = matched_onsets(reference, estimated, tolerance_s)
    precision, recall = matched / len(estimated), matched / len(reference)
    return (2 * precision * recall / (precision + recall) if matched else 0.0), precision, recall
