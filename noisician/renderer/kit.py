"""Where the pieces of a kit stand: what lies between left and right, taken out of the kit's one stem.

The sketch knows how much of each band and frame every piece has. The stem's short-time spectrum times the mean of the
pieces' places, weighted by their energies, is the side: left is stem + side, right is stem − side, so both together are
the stem itself, whatever the sketch has wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache as kept

import numpy as np

from noisician.cache import ArrayCache, cached, key_of
from noisician.mel import HOP, LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ, band_of_hz, hann_window
from noisician.parallel import Steps, map_in_order
from noisician.renderer.sketch import Heard, Sketcher

#: Short windows smear a side by 6 ms at most; a quarter of one lies between two.
WINDOW = 512
_STEP = WINDOW // 4
#: A side hears its stem this far around, in mel frames.
REACH_FRAMES = 2
_STEPS_A_FRAME = HOP // _STEP
#: Frames made at a time, always as many: rounding must not depend on the length of a piece.
PIECE_FRAMES = 520
#: Energy below which nobody's place counts: what the mel cannot tell from silence.
_SILENT = np.float32(LOG_FLOOR**2)


def side_of(
    samples: np.ndarray,
    sketcher: Sketcher,
    heard: Sequence[Heard],
    pans: Mapping[int, float],
    named: str,
    cache: ArrayCache,
    on_piece: Callable[[float], None],
) -> np.ndarray:
    """The side ``[n]`` float32 of a kit's ``samples [n]``.

    ``pans`` are the places of pieces by key, −1 left … 1 right; who has none stands in the middle. ``named`` names
    the references in the cache. A sample depends on those within WINDOW of it and on the sketch there, on nothing else.
    """
    out = np.zeros(len(samples), np.float32)
    firsts = range(0, -(-len(samples) // HOP), PIECE_FRAMES)
    steps = Steps(len(firsts), on_piece)

    def make(first: int) -> None:
        piece = _cut(samples, first * HOP - WINDOW, PIECE_FRAMES * HOP + 2 * WINDOW)
        here = [one for one in heard if one.within(first - 1, PIECE_FRAMES + 2)]
        if piece.any() and any(pans.get(one.note.pitch) for one in here):
            seen = [one.seen_from(first - 1, PIECE_FRAMES + 2) for one in here]
            places = sorted(pans.items())
            side = cached(
                cache,
                lambda: key_of("side", named, first, piece, seen, places),
                lambda: _spread(piece, _places(sketcher, here, pans, first)),
            )
            room = len(out) - first * HOP
            out[first * HOP : (first + PIECE_FRAMES) * HOP] = side[:room]
        steps()

    for _ in map_in_order(make, firsts, steps):
        pass
    return out


def _places(sketcher: Sketcher, heard: Sequence[Heard], pans: Mapping[int, float], first: int) -> np.ndarray:
    """The mean place in every band, 1 left, from a frame before ``first`` to one after the piece, ``[frames, 128]``."""
    frames = PIECE_FRAMES + 2
    by_place: dict[float, list[Heard]] = {}
    for one in heard:
        by_place.setdefault(pans.get(one.note.pitch, 0.0), []).append(one)
    total = np.full((frames, MEL_BANDS), _SILENT)
    leaning = np.zeros_like(total)
    for place, those in sorted(by_place.items()):
        energy = sketcher.energy(those, frames, first - 1)
        total += energy
        if place:
            leaning -= np.float32(place) * energy  # left is stem + side
    return leaning / total


def _spread(piece: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A piece with WINDOW more on both sides times places a frame more on both sides: ``[PIECE_FRAMES · HOP]``."""
    from scipy.fft import irfft, rfft

    window = np.sqrt(hann_window(WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(piece, WINDOW)[::_STEP]
    spectra = np.asarray(rfft(windows * window, axis=-1))
    # Windows are centred on −HOP / 2, −HOP / 2 + _STEP, … from the piece's start on.
    centres = (np.arange(len(windows)) * _STEP + WINDOW // 2 - WINDOW + HOP) / HOP
    low = np.minimum(centres.astype(np.intp), len(places) - 2)
    share = (centres - low).astype(np.float32)[:, None]
    across = _to_bins(places)
    spectra *= across[low] + share * (across[low + 1] - across[low])
    sounds = np.asarray(irfft(spectra, n=WINDOW, axis=-1), np.float32) * (window / 2)
    out = np.zeros((len(windows) + 3, _STEP), np.float32)
    for part in range(4):
        out[part : part + len(windows)] += sounds[:, part * _STEP : (part + 1) * _STEP]
    return out.reshape(-1)[WINDOW : WINDOW + PIECE_FRAMES * HOP]


def _to_bins(bands: np.ndarray) -> np.ndarray:
    """``[frames, 128]`` → ``[frames, WINDOW / 2 + 1]``, straight between the bands' centres."""
    low, share = _bins()
    return bands[:, low] + share * (bands[:, low + 1] - bands[:, low])


@kept
def _bins() -> tuple[np.ndarray, np.ndarray]:
    at = np.clip(band_of_hz(np.arange(WINDOW // 2 + 1) * SAMPLE_RATE_HZ / WINDOW), 0, MEL_BANDS - 1)
    low = np.minimum(at.astype(np.intp), MEL_BANDS - 2)
    return low, (at - low).astype(np.float32)


def _cut(samples: np.ndarray, start: int, length: int) -> np.ndarray:
    """``samples[start : start + length]`` with silence outside."""
    out = np.zeros(length, np.float32)
    low, high = max(0, start), min(len(samples), start + length)
    out[low - start : high - start] = samples[low:high]
    return out
