"""Heard notes against the score's: which of its notes a transcription has.

Conventions, those of ``mir_eval.transcription`` and ``mir_eval.melody`` (Raffel et al. 2014)
-----------
* Notes are matched one to one, as many as possible, where onsets lie within 50 ms and, where pitch counts, pitches
  within 50 cents; ends do not count.
* Raw pitch recall: of the moments, 10 ms apart, in which the score sounds a note, the share in which a note within
  50 cents is heard.
* All are recalls: what else is heard (partials taken for notes, other players in a mix) costs nothing, which is why
  the same measures on another rendering of the same notes belong beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisician.evaluate.onsets import ONSET_TOLERANCE_S
from noisician.score.played import NoteEvent

PITCH_TOLERANCE_CENTS = 50.0
MOMENT_S = 0.01
#: As mir_eval does, so that a note just at the tolerance counts whatever its last bits are.
_DECIMALS = 4


@dataclass(frozen=True)
class Heard:
    """Shares, 0 … 1, of the score's notes: heard by onset, by onset and pitch, and of its sounding time by pitch."""

    onsets: float
    notes: float
    pitches: float


def heard(reference: Sequence[NoteEvent], estimated: Sequence[NoteEvent]) -> Heard:
    """What of ``reference`` is in ``estimated``. Raises ValueError for no reference."""
    if not reference:
        raise ValueError("no notes to be heard")
    if not estimated:
        return Heard(0.0, 0.0, 0.0)
    starts, pitches = _columns(reference)
    heard_starts, heard_pitches = _columns(estimated)
    near = np.round(np.abs(starts[:, None] - heard_starts), _DECIMALS) <= ONSET_TOLERANCE_S
    alike = 100 * np.abs(pitches[:, None] - heard_pitches) <= PITCH_TOLERANCE_CENTS
    count = len(reference)
    return Heard(matched(near) / count, matched(near & alike) / count, raw_pitch_recall(reference, estimated))


def _columns(notes: Sequence[NoteEvent]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([note.start_s for note in notes]), np.array([note.pitch for note in notes], np.float64)


def matched(allowed: np.ndarray) -> int:
    """Size of the largest one-to-one matching in ``allowed``, bool ``[references, estimates]``."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    return int((maximum_bipartite_matching(csr_array(allowed), perm_type="column") >= 0).sum())


def raw_pitch_recall(reference: Sequence[NoteEvent], estimated: Sequence[NoteEvent]) -> float:
    """Share of the sounding (note, moment) pairs of ``reference`` in which ``estimated`` has the pitch; 0 for none."""
    end_s = max(note.end_s for note in (*reference, *estimated))
    moments = np.arange(0, end_s, MOMENT_S)
    sounding = hit = 0
    for note in reference:
        own = (moments >= note.start_s) & (moments < note.end_s)
        there = np.zeros(len(moments), bool)
        for other in estimated:
            if 100 * abs(other.pitch - note.pitch) <= PITCH_TOLERANCE_CENTS:
                there |= (moments >= other.start_s) & (moments < other.end_s)
        sounding, hit = sounding + int(own.sum()), hit + int((own & there).sum())
    return hit / sounding if sounding else 0.0
