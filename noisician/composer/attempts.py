"""Whether a role that was written again is worth keeping, and how it is written otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.holds import sounding
from noisician.composer.wishes import first_onset
from noisician.score.grid import DRUMS, REST, STREAMS

#: How often a role is written before it stays as it came.
ATTEMPTS = 4
#: What each further attempt adds to the log likelihood of onsets where they were missed.
ONSET_BIAS_PER_ATTEMPT = 2.0
#: Whole bars of which no greater share of the notes is new came back as they were.
NEW_SHARE = 0.15
_BEGINNINGS = np.array([first_onset(stream) for stream in range(len(STREAMS))])


@dataclass(frozen=True)
class Attempt:
    """How a role is written: for the ``number``-th time, with ``onset_bias`` on the log likelihood of its onsets, and
    ``afresh``: without hearing what it plays itself around the region, which is what draws it back to the old."""

    number: int = 0
    onset_bias: float = 0.0
    afresh: bool = False

    def next(
        self, old: np.ndarray, new: np.ndarray, cells: np.ndarray, density: float, whole_bars: bool
    ) -> Attempt | None:
        """The attempt to make after this one gave ``new`` in ``cells`` of one role where ``old`` was (all ``[steps,
        streams]``; mask tokens where nothing was); None where it may stay. ``density`` above or below 0 says that more
        or fewer onsets were wished for; only ``whole_bars`` have to become others."""
        if self.number + 1 >= ATTEMPTS:
            return None
        again = replace(self, number=self.number + 1)
        before, now = count_onsets(old, cells & (old != MASK_TOKENS)), count_onsets(new, cells)
        push = 0.0
        if not is_heard(new, cells) or (density > 0 and now <= before):
            push = ONSET_BIAS_PER_ATTEMPT
        elif density < 0 and now >= before > 1:
            push = -ONSET_BIAS_PER_ATTEMPT
        if push:
            return replace(again, onset_bias=self.onset_bias + push, afresh=True)
        if whole_bars and not self.afresh and is_old(old, new, cells):
            return replace(again, afresh=True)
        return None


def count_onsets(tokens: np.ndarray, cells: np.ndarray) -> int:
    """Notes, chords and hits that begin in ``cells`` (both ``[steps, streams]``)."""
    return int((cells & (tokens >= _BEGINNINGS)).sum())


def is_heard(tokens: np.ndarray, cells: np.ndarray) -> bool:
    """Whether anything sounds in ``cells``, the end of a note from before included; a harmony is always there."""
    for stream in np.flatnonzero(cells.any(axis=0)):
        line, name = tokens[:, stream], STREAMS[stream]
        heard = line != REST if name in DRUMS else np.ones(len(line), bool) if name == "chord" else sounding(line)
        if (cells[:, stream] & heard).any():
            return True
    return False


def is_old(old: np.ndarray, new: np.ndarray, cells: np.ndarray) -> bool:
    """Whether no more than NEW_SHARE of what begins in ``cells``, before or now, is new."""
    notes = cells & ((old >= _BEGINNINGS) | (new >= _BEGINNINGS))
    return bool((old != new)[notes].sum() <= NEW_SHARE * notes.sum())
