"""How much of a sampled score was already in the corpus.

Conventions
-----------
A melody is a sequence of moves, one per note after the first: (interval in semitones from the note before, steps
since its onset). So transposed copies are found, and the two scores need not begin together. A gap longer than
two bars ends a phrase; no move crosses it. Runs in which all moves are the same (a repeated note in steady
eighths, say) belong to nobody and are left out of the overlap.

The shares mean little alone: a held-out part of the corpus measured against the rest is the figure to expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from noisician.errors import NoisicianError
from noisician.score.grid import FIRST_ONSET, LEVELS, MONOPHONIC, PITCH_LOW, Grid

NGRAM = 8
PHRASE_GAP_BARS = 2

#: A phrase: moves ``[moves, 2]`` int16, (semitones, steps).
Phrase = np.ndarray


def phrases(grid: Grid, stream: str = "lead") -> list[Phrase]:
    """The phrases of one voice, each ``[moves, 2]``. Raises NoisicianError for a stream that is no single voice."""
    if stream not in MONOPHONIC:
        raise NoisicianError(f"stream {stream!r} is none of {', '.join(MONOPHONIC)}; only a single voice has moves")
    tokens = np.asarray(grid.stream(stream), int)
    steps = np.nonzero(tokens >= FIRST_ONSET)[0]
    if len(steps) < 2:
        return []
    pitches = (tokens[steps] - FIRST_ONSET) // LEVELS + PITCH_LOW
    moves = np.stack([np.diff(pitches), np.diff(steps)], axis=1).astype(np.int16)
    breaks = np.nonzero(moves[:, 1] > PHRASE_GAP_BARS * grid.meter.steps_per_bar)[0]
    bounds = zip([0, *(breaks + 1)], [*breaks, len(moves)], strict=True)
    return [moves[start:end] for start, end in bounds if end > start]


def _windows(phrase: Phrase, length: int) -> np.ndarray:
    """``[windows, length · 2]``: every run of ``length`` moves."""
    if len(phrase) < length:
        return np.zeros((0, 2 * length), np.int16)
    view = np.lib.stride_tricks.sliding_window_view(phrase, length, axis=0)
    return np.ascontiguousarray(view.transpose(0, 2, 1).reshape(-1, 2 * length))


def ngrams(sequence: Iterable[Phrase], length: int = NGRAM) -> list[bytes]:
    """Every run of ``length`` moves as bytes, in order, without those of one move repeated."""
    if length < 2:
        raise NoisicianError(f"n-grams of {length} moves; they need at least 2")
    out: list[bytes] = []
    for phrase in sequence:
        rows = _windows(np.asarray(phrase, np.int16), length)
        varied = (rows.reshape(len(rows), length, 2) != rows[:, None, :2]).any(axis=(1, 2))
        out.extend(row.tobytes() for row in rows[varied])
    return out


@dataclass(frozen=True)
class Corpus:
    """The melodies a composer was trained on, ready to be searched."""

    phrases: tuple[Phrase, ...]

    @classmethod
    def of_grids(cls, grids: Iterable[Grid], stream: str = "lead") -> Corpus:
        return cls(tuple(phrase for grid in grids for phrase in phrases(grid, stream)))

    def runs(self, length: int) -> set[bytes]:
        """Every run of ``length`` moves in the corpus."""
        return {row.tobytes() for phrase in self.phrases for row in _windows(phrase, length)}


def ngram_overlap(sample: Iterable[Phrase], corpus: Corpus, length: int = NGRAM) -> float | None:
    """Share of the sample's n-grams that occur in the corpus; None where the sample has none."""
    found = ngrams(sample, length)
    known = corpus.runs(length)
    return float(np.mean([gram in known for gram in found])) if found else None


def longest_common_run(sample: Iterable[Phrase], corpus: Corpus) -> int:
    """Length in moves of the longest run of the sample that occurs in the corpus.

    If a run is shared so are its beginnings, so the length is found by bisection.
    """
    sequence = [np.asarray(phrase, np.int16) for phrase in sample]
    low, high = 0, max((len(phrase) for phrase in sequence), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        known = corpus.runs(middle)
        if any(row.tobytes() in known for phrase in sequence for row in _windows(phrase, middle)):
            low = middle
        else:
            high = middle - 1
    return low
