"""Tunes that are hummed, on sounds made here."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.analysis.tune import heard_notes, on_grid, tempo_of, tune_of
from noisician.errors import NoisicianError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz

#: Pitch and length in sixteenths: a tune with repeated notes, a rest (0) and long ones.
TUNE = [
    (60, 4),
    (62, 2),
    (64, 2),
    (64, 4),
    (67, 4),
    (0, 2),
    (65, 2),
    (64, 2),
    (62, 2),
    (60, 8),
    (60, 4),
    (55, 4),
    (60, 8),
]


def hummed(
    tune: list[tuple[int, int]], bpm: float, cents: float = 0, noise_db: float | None = None, octave: int = 0
) -> np.ndarray:
    """A voice-like tone with vibrato and soft ends."""
    rng = np.random.default_rng(1)
    step = 60 / bpm / 4
    parts = [np.zeros(SAMPLE_RATE_HZ // 5)]
    for pitch, steps in tune:
        count = round(steps * step * SAMPLE_RATE_HZ)
        t = np.arange(count) / SAMPLE_RATE_HZ
        if pitch == 0:
            parts.append(np.zeros(count))
            continue
        hz = float(frequency_hz(pitch + 12 * octave + cents / 100)) * 2 ** (
            0.2 / 12 * np.sin(2 * np.pi * 5.5 * t) * (t > 0.25)
        )
        phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ
        tone = sum(np.sin(k * phase) / k**1.5 for k in range(1, 6 if octave < 3 else 2))
        ends = np.minimum(1, np.minimum(t / 0.03, (t[-1] - t) / 0.05))
        parts.append(0.2 * tone * ends)
    sound = np.concatenate([*parts, np.zeros(SAMPLE_RATE_HZ // 5)])
    if noise_db is not None:
        sound = sound + rng.normal(size=len(sound)) * np.sqrt(np.mean(sound**2)) * 10 ** (-noise_db / 20)
    return sound.astype(np.float32)


def placed(tune: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(step, pitch) of each note."""
    starts = np.cumsum([0, *(steps for _, steps in tune)])
    return [(int(start), pitch) for start, (pitch, _) in zip(starts, tune, strict=False) if pitch]


@pytest.mark.parametrize(
    ("bpm", "cents", "noise_db", "octave"), [(100, 0, None, 0), (84, 35, 20, 0), (120, -40, 20, -1), (96, 10, 30, 3)]
)
def test_a_hummed_tune_is_written_down(bpm: int, cents: float, noise_db: float | None, octave: int) -> None:
    tune = tune_of(hummed(TUNE, bpm, cents, noise_db, octave), tempo_bpm=bpm)
    first = tune.score.tracks[0].notes[0].start_beats
    notes = [(round(4 * (note.start_beats - first)), note.pitch - 12 * octave) for note in tune.score.tracks[0].notes]
    assert notes == placed(TUNE)
    assert first in (0, 1, 2, 3)
    assert tune.tuning_cents == pytest.approx(cents, abs=12)
    assert (tune.score.key, tune.score.mode) == ("C", "major")


@pytest.mark.parametrize("bpm", [72, 100, 126])
def test_the_tempo_is_found_or_its_half_or_double(bpm: int) -> None:
    found = tune_of(hummed(TUNE, bpm)).score.tempo_bpm
    assert min(abs(found / (bpm * factor) - 1) for factor in (0.5, 1, 2)) < 0.02


def test_free_time_is_straightened() -> None:
    """Onsets whose tempo drifts by a tenth and which come 15 ms early or late."""
    rng = np.random.default_rng(2)
    steps = np.cumsum([0, 4, 2, 2, 4, 4, 8, 2, 2, 4, 4, 4, 4, 2, 2, 8])
    step_s = 0.15 * np.linspace(1, 1.1, steps[-1] + 1)
    times = np.concatenate([[0], np.cumsum(step_s)])[steps] + rng.uniform(-0.015, 0.015, len(steps))
    assert on_grid(times, 100).tolist() == steps.tolist()


def test_tempo_of_even_beats() -> None:
    onsets = np.arange(16) * 0.5
    assert tempo_of(onsets, np.full(16, 0.4)) == 120


def test_noise_and_silence_hold_no_tune() -> None:
    assert heard_notes(np.zeros(SAMPLE_RATE_HZ, np.float32))[0] == []
    with pytest.raises(NoisicianError, match=r"notes are heard in 1\.0 s"):
        tune_of(np.random.default_rng(0).normal(size=SAMPLE_RATE_HZ).astype(np.float32) * 0.1)
