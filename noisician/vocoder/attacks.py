"""The first milliseconds of what is struck, as they were recorded.

A mel says how loud each band is and nothing of how its partials begin together, which is what makes an attack: from
the mel alone the peak of a hit comes 5 ms late. References of kits therefore keep the first samples of each recorded
hit. They take the place of what the network made of it, bin by bin, as far as they are louder there than what rang
before, at the level that was made, and give way to it within 17 ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from noisician.vocoder.onsets import after_onset, overlap_add, short_spectra

#: Of a recorded attack so much stands alone; over the rest what was made comes in, at equal power.
ALONE_SHARE = 0.6
WINDOW = 256
#: Hits that begin within this many samples of one another are heard as one.
AT_ONCE = 44
#: Short windows before a hit that hear what rings.
_BEFORE = 3
_LEAD = WINDOW + (_BEFORE - 1) * WINDOW // 4
#: Bins on each side over which levels are compared.
_NEAR_BINS = 1
#: A recorded attack is moved by at most this factor to what was made.
_MOST_GAIN = 1.6

Hit = tuple[int, np.ndarray]
"""Sample at which a hit begins, and its recorded attack, as long as all others."""


def struck(samples: np.ndarray, hits: Sequence[Hit]) -> np.ndarray:
    """``samples [n]`` float32 with the recorded attacks of ``hits``, ascending, in the place of those that were made.

    Samples change from EDGE before a hit to WINDOW after its attack's end; _LEAD before it are heard. A hit nearer to
    an end is left alone.
    """
    out = samples.copy()
    for start, attack in _at_once(hits):
        if _LEAD <= start <= len(samples) - len(attack) - WINDOW:
            piece = out[start - _LEAD : start + len(attack) + WINDOW]
            piece += _instead(piece, attack)
    return out


def _at_once(hits: Sequence[Hit]) -> Iterator[Hit]:
    """The hits, those that are heard as one added up."""
    group: list[Hit] = []
    for hit in (*hits, None):
        if group and (hit is None or hit[0] - group[0][0] > AT_ONCE):
            first = group[0][0]
            total = np.zeros(len(group[0][1]) + AT_ONCE, np.float32)
            for start, attack in group:
                total[start - first : start - first + len(attack)] += attack
            yield first, total
            group = []
        if hit is not None:
            group.append(hit)


def _instead(piece: np.ndarray, attack: np.ndarray) -> np.ndarray:
    """What has to be added to a piece that begins _LEAD before a hit and ends WINDOW after its attack."""
    from scipy.ndimage import uniform_filter1d

    mask = after_onset(_LEAD, len(piece))
    recorded = np.zeros_like(piece)
    recorded[_LEAD : _LEAD + len(attack)] = attack
    made, wanted, rang = short_spectra(np.stack([piece * mask, recorded, piece * (1 - mask)]), WINDOW)
    power, rung = (
        uniform_filter1d(np.abs(each) ** 2, 2 * _NEAR_BINS + 1, axis=-1, mode="nearest") for each in (wanted, rang)
    )
    loudest = power.max(axis=0)
    share = loudest / (loudest + rung[:_BEFORE].max(axis=0) + 1e-12)
    span = slice(_BEFORE, _BEFORE + (len(attack) + WINDOW // 2) // (WINDOW // 4))
    level = (share * np.abs(made[span]) ** 2).sum() / ((share * np.abs(wanted[span]) ** 2).sum() + 1e-12)
    gain = np.clip(np.sqrt(level), 1 / _MOST_GAIN, _MOST_GAIN)
    theirs = share * _giving_way(len(made), len(attack))[:, None]
    changed = made * (np.sqrt(1 - theirs**2) - 1) + wanted * (gain * theirs)
    return overlap_add(changed[None].astype(np.complex64), WINDOW, len(piece))[0] * mask


@cache
def _giving_way(windows: int, length: int) -> np.ndarray:
    """How much of each short window is the recorded attack's: 1, and after ALONE_SHARE of its length down to 0."""
    centres = np.arange(windows) * WINDOW // 4 + WINDOW // 2 - _LEAD
    alone, end = ALONE_SHARE * length, length - AT_ONCE - WINDOW // 2
    return np.cos(0.5 * np.pi * np.clip((centres - alone) / (end - alone), 0, 1)).astype(np.float32)
