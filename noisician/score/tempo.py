"""Tempo over a piece: beats to seconds and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class TempoChange:
    """Another tempo from ``start_beats`` on."""

    start_beats: float
    tempo_bpm: float


@dataclass(frozen=True)
class TempoCurve:
    """Beats and seconds of a piece that begins at ``tempo_bpm`` and keeps each tempo until the next of ``changes``."""

    tempo_bpm: float
    changes: tuple[TempoChange, ...] = ()

    @classmethod
    def of(cls, tempo_bpm: float, changes: Iterable[tuple[float, float]]) -> TempoCurve:
        """From (start in beats, tempo), in order; what changes nothing is left out."""
        kept: list[TempoChange] = []
        now = tempo_bpm
        for start_beats, bpm in changes:
            if kept and start_beats <= kept[-1].start_beats:
                kept.pop()
                now = kept[-1].tempo_bpm if kept else tempo_bpm
            if bpm != now:
                kept.append(TempoChange(start_beats, bpm))
                now = bpm
        return cls(tempo_bpm, tuple(kept))

    @cached_property
    def _knots(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(beats, seconds, seconds a beat) at which each tempo begins."""
        beats = np.array([0.0, *(change.start_beats for change in self.changes)])
        beat_s = 60.0 / np.array([self.tempo_bpm, *(change.tempo_bpm for change in self.changes)])
        return beats, np.concatenate([[0.0], np.cumsum(np.diff(beats) * beat_s[:-1])]), beat_s

    def seconds(self, beats: float) -> float:
        """When a place in beats comes, in seconds."""
        if not self.changes:
            return beats * (60.0 / self.tempo_bpm)
        starts, seconds, beat_s = self._knots
        at = max(0, int(np.searchsorted(starts, beats, side="right")) - 1)
        return float(seconds[at] + (beats - starts[at]) * beat_s[at])

    def beats(self, seconds: float) -> float:
        """The inverse of :meth:`seconds`."""
        if not self.changes:
            return seconds / (60.0 / self.tempo_bpm)
        starts, times, beat_s = self._knots
        at = max(0, int(np.searchsorted(times, seconds, side="right")) - 1)
        return float(starts[at] + (seconds - times[at]) / beat_s[at])

    def bpm(self, beats: float) -> float:
        """The tempo there."""
        begun = (change.tempo_bpm for change in reversed(self.changes) if change.start_beats <= beats)
        return next(begun, self.tempo_bpm)

    def beat_s(self, beats: float) -> float:
        """How long a beat lasts there."""
        return 60.0 / self.bpm(beats)

    def scaled(self, tempo_bpm: float) -> TempoCurve:
        """The same curve around another first tempo."""
        factor = tempo_bpm / self.tempo_bpm
        return TempoCurve(
            tempo_bpm, tuple(TempoChange(one.start_beats, one.tempo_bpm * factor) for one in self.changes)
        )


def ramp(first_beats: float, last_beats: float, from_bpm: float, to_bpm: float) -> Sequence[TempoChange]:
    """Changes, one a beat, that lead evenly from one tempo to another."""
    count = max(1, round(last_beats - first_beats))
    step = (last_beats - first_beats) / count
    return [
        TempoChange(first_beats + place * step, from_bpm + (to_bpm - from_bpm) * (place + 1) / count)
        for place in range(count)
    ]
