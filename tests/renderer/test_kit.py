"""Kits between left and right: every piece in its place, all of it local."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from recorded_notes import hit

from noisician.cache import NO_CACHE, ArrayCache, MemoryCache
from noisician.mel import HOP, SAMPLE_RATE_HZ
from noisician.renderer.kit import PIECE_FRAMES, WINDOW, side_of
from noisician.renderer.reference_notes import ONSET_S, record
from noisician.renderer.sketch import Sketcher
from noisician.score.played import NoteEvent

#: Key: centre of its noise in Hz, and decay in seconds.
KIT = {36: (80.0, 0.1), 42: (9000.0, 0.05), 45: (300.0, 0.15), 49: (6000.0, 0.8)}
PANS = {42: 0.5, 45: -0.3, 49: -0.6}
FRAMES = 2 * PIECE_FRAMES + 100


def struck(key: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
    lead = round(ONSET_S * SAMPLE_RATE_HZ)
    sound = hit(*KIT[key], duration_s, key)
    return np.pad(sound, (lead, 0))[: len(sound)] * velocity / 100


@pytest.fixture(scope="module")
def sketcher() -> Sketcher:
    return Sketcher(record(struck, "drum", "struck", [(key, 100) for key in KIT]))


def laid(notes: list[NoteEvent], frames: int = FRAMES) -> np.ndarray:
    """What the kit sounds like."""
    out = np.zeros(frames * HOP, np.float32)
    for note in notes:
        start = round(note.start_s * SAMPLE_RATE_HZ)
        sound = hit(*KIT[note.pitch], 2.5, note.pitch)[: len(out) - start]
        out[start : start + len(sound)] += sound
    return out


def hits(*keys_at: tuple[int, float]) -> list[NoteEvent]:
    return [NoteEvent(key, start_s, start_s + 0.1, 100) for key, start_s in keys_at]


def side(
    sketcher: Sketcher,
    notes: list[NoteEvent],
    samples: np.ndarray,
    pans: Mapping[int, float] = PANS,
    cache: ArrayCache = NO_CACHE,
) -> np.ndarray:
    return side_of(samples, sketcher, sketcher.heard(notes), pans, "kit", cache, lambda share: None)


def balance(stem: np.ndarray, beside: np.ndarray, start_s: float) -> float:
    """How far to the right 60 ms of a stem stand: −1 … 1."""
    span = slice(round(start_s * SAMPLE_RATE_HZ), round((start_s + 0.06) * SAMPLE_RATE_HZ))
    left, right = (np.sqrt(np.square(each[span], dtype=np.float64).sum()) for each in (stem + beside, stem - beside))
    return float((right - left) / (right + left))


@pytest.mark.parametrize(("key", "start_s"), [(36, 1.0), (42, 1.003), (45, 7.3), (49, 2.0)])
def test_a_piece_alone_stands_in_its_place(sketcher: Sketcher, key: int, start_s: float) -> None:
    notes = hits((key, start_s))
    stem = laid(notes)
    assert balance(stem, side(sketcher, notes, stem), start_s) == pytest.approx(PANS.get(key, 0.0), abs=0.03)


def test_pieces_together_stand_each_in_its_own_band(sketcher: Sketcher) -> None:
    notes = hits((36, 1.0), (42, 1.0), (45, 1.5), (49, 1.5))
    beside = side(sketcher, notes, laid(notes))
    for key, start_s in ((36, 1.0), (42, 1.0), (45, 1.5), (49, 1.5)):
        alone = laid(hits((key, start_s)))
        span = slice(round(start_s * SAMPLE_RATE_HZ), round((start_s + 0.06) * SAMPLE_RATE_HZ))
        found = -np.dot(beside[span], alone[span]) / np.dot(alone[span], alone[span])
        assert found == pytest.approx(PANS.get(key, 0.0), abs=0.12)


def test_nobody_out_of_the_middle_has_no_side(sketcher: Sketcher) -> None:
    notes = hits((36, 1.0), (42, 1.5))
    assert not side(sketcher, notes, laid(notes), {}).any()
    assert not side(sketcher, notes, laid(notes), {45: 0.5}).any()


def test_a_changed_hit_changes_its_neighbourhood_alone(sketcher: Sketcher) -> None:
    before = hits((36, 1.0), (42, 1.5), (42, 5.98), (42, 9.0))
    after = hits((36, 1.0), (42, 1.5), (45, 5.98), (42, 9.0))
    stems = laid(before), laid(after)
    changed = np.flatnonzero(side(sketcher, before, stems[0]) != side(sketcher, after, stems[1]))
    differs = np.flatnonzero(stems[0] != stems[1])
    assert differs[0] - 3 * HOP - WINDOW <= changed[0]
    assert changed[-1] < round(9.0 * SAMPLE_RATE_HZ) - WINDOW


def test_a_longer_piece_begins_with_the_same_side_and_a_cache_changes_nothing(sketcher: Sketcher) -> None:
    notes = hits((42, 0.01), (49, 1.0), (45, 6.02))
    whole = laid(notes)
    beside = side(sketcher, notes, whole)
    shorter = whole[: 560 * HOP]
    np.testing.assert_array_equal(side(sketcher, notes, shorter)[: 560 * HOP - WINDOW], beside[: 560 * HOP - WINDOW])
    cache = MemoryCache(1 << 26)
    for _ in range(2):
        np.testing.assert_array_equal(side(sketcher, notes, whole, cache=cache), beside)
