"""The picture so far of a piece in the making: music emerging from noise, for whoever watches.

Painters only leave references here to arrays they hold anyway. Everything else is done when somebody asks, in the
thread that asks, and what is finished is summed once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from noisician.diffusion.windows import WindowPlan, fade_in
from noisician.mel import HOP, LOG_FLOOR, MEL_BANDS, log_mel
from noisician.renderer.conditions import MEL_MEAN, MEL_STD

#: Sung phrases transformed in one call at most: a call stays short even when nobody has asked for a long time.
PHRASES_AT_ONCE = 8


class Canvas:
    """Windows that are denoised together. One thread paints them; others may look at any moment."""

    def __init__(self, plan: WindowPlan, windows: Sequence[int]) -> None:
        self._places = [(plan.start(window), _weights(plan, window)) for window in windows]
        # Replaced as a whole, never changed: whoever looks gets an array together with what it is.
        self._state: tuple[np.ndarray | None, bool] = None, False

    def show(self, mel_t: np.ndarray) -> None:
        """What the network clears up next: x_t ``[batch, frames, 128]`` in the network's scale."""
        self._state = mel_t, False

    def finish(self, log_mels: np.ndarray) -> None:
        """What it has become: log-mels ``[batch, frames, 128]``."""
        self._state = log_mels, True

    @property
    def begun(self) -> bool:
        return self._state[0] is not None

    @property
    def finished(self) -> bool:
        return self._state[1]

    def add_to(self, energy: np.ndarray) -> None:
        """Adds its windows to ``[frames, 128]`` in place, each faded into its neighbours."""
        painted, finished = self._state
        if painted is None:
            return
        for (first, weights), values in zip(self._places, painted, strict=False):
            log_mel_now = values if finished else values * np.float32(MEL_STD) + np.float32(MEL_MEAN)
            _add(energy, first, weights * _energy(log_mel_now))


class Preview:
    """All players and singers of a piece together. Any thread may ask, at any time.

    ``tail_frames`` painted beyond the piece's ``frames`` come back at its start, as a loop's do.
    """

    def __init__(self, frames: int, tail_frames: int = 0) -> None:
        self._frames = frames
        self._players = np.zeros((frames + tail_frames, MEL_BANDS), np.float32)
        self._singers = np.zeros((frames, MEL_BANDS), np.float32)
        self._canvases: list[Canvas] = []
        self._phrases: list[tuple[int, np.ndarray]] = []
        self._begun = False
        self._lock = threading.Lock()

    def canvas(self, plan: WindowPlan, windows: Sequence[int]) -> Canvas:
        """For windows of a plan that are denoised next."""
        canvas = Canvas(plan, windows)
        with self._lock:
            self._canvases.append(canvas)
        return canvas

    def add_phrase(self, start: int, audio: np.ndarray) -> None:
        """A sung phrase: mono samples at 44.1 kHz, and the sample at which they start (before 0 if it begins early)."""
        with self._lock:
            self._phrases.append((start, audio))
            self._begun = True

    def settle(self, log_mels: Sequence[np.ndarray]) -> None:
        """Puts the players' finished log-mels ``[frames + tail_frames, 128]`` in the place of all their windows."""
        players = np.zeros_like(self._players)
        for painted in log_mels:
            players += _energy(painted)
        with self._lock:
            self._players = players
            self._canvases.clear()
            self._begun = self._begun or len(log_mels) > 0

    def log_mel(self) -> np.ndarray | None:
        """``[frames, 128]`` float32 of all there is, energies added, the floor elsewhere; None before anything is."""
        with self._lock:
            self._begun = self._begun or any(canvas.begun for canvas in self._canvases)
            if not self._begun:
                return None
            self._sum_what_is_finished()
            players = self._players.copy()
            for canvas in self._canvases:
                canvas.add_to(players)
            energy = _folded(players, self._frames) + self._singers
        return np.log(np.sqrt(energy) + np.float32(LOG_FLOOR))

    def _sum_what_is_finished(self) -> None:
        for start, audio in self._phrases[:PHRASES_AT_ONCE]:
            first = start // HOP
            aligned = np.pad(audio, (start - first * HOP, HOP))
            _add(self._singers, first, _energy(log_mel(aligned)))
        del self._phrases[:PHRASES_AT_ONCE]
        finished = [canvas for canvas in self._canvases if canvas.finished]
        for canvas in finished:
            canvas.add_to(self._players)
            self._canvases.remove(canvas)


def _weights(plan: WindowPlan, window: int) -> np.ndarray:
    """How much of each frame of a window is heard, ``[length, 1]``: those of all windows add up to 1."""
    weights = np.ones(plan.length, np.float32)
    rise = fade_in(plan.overlap).astype(np.float32)
    if window > 0:
        weights[: plan.overlap] *= rise
    if window < plan.count - 1:
        weights[plan.hop :] *= 1 - rise
    return weights[:, None]


def _energy(mel: np.ndarray) -> np.ndarray:
    """Squared mel magnitude of log-mels."""
    magnitude = np.maximum(np.exp(mel) - np.float32(LOG_FLOOR), 0)
    return magnitude * magnitude


def _add(total: np.ndarray, first: int, rows: np.ndarray) -> None:
    """Adds rows in place from row ``first`` on; what lies outside is left out."""
    low, high = max(0, first), min(len(total), first + len(rows))
    if low < high:
        total[low:high] += rows[low - first : high - first]


def _folded(energy: np.ndarray, frames: int) -> np.ndarray:
    """``[frames, 128]``: what goes beyond the end comes back at the start."""
    folded = energy[:frames].copy()
    for first in range(frames, len(energy), frames):
        again = energy[first : first + frames]
        folded[: len(again)] += again
    return folded
