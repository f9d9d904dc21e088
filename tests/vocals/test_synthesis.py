"""Features and the harmonic-plus-noise renderer: known levels, exact pitch, silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals import features as ft
from noisician.vocals.frames import APERIODICITY_BANDS, ENVELOPE_BANDS, FEATURES, HOP
from noisician.vocals.synthesis import FADE_HZ, LOWEST_F0_HZ, synthesise

TONAL_DB = ft.APERIODICITY_FLOOR_DB


def flat(frames: int, level_db: float = 0.0, aperiodicity_db: float = TONAL_DB) -> np.ndarray:
    made = np.full((frames, FEATURES), level_db, np.float32)
    made[:, ENVELOPE_BANDS:] = aperiodicity_db
    return made


def sung(
    features: np.ndarray, f0_hz: float | np.ndarray, voiced: float | np.ndarray = 1.0, seed: int = 0
) -> np.ndarray:
    frames = len(features)
    pitches, voicing = (np.broadcast_to(np.float32(value), frames) for value in (f0_hz, voiced))
    return synthesise(features, pitches, voicing, seed)


def power_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Mean power per bin in a band; white noise of variance 1 gives 0 dB."""
    window = np.hanning(2048)
    pieces = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 2048)[::512]
    spectra = np.abs(np.fft.rfft(pieces * window)) ** 2 / (window**2).sum()
    bins = slice(round(low_hz * 2048 / SAMPLE_RATE_HZ), round(high_hz * 2048 / SAMPLE_RATE_HZ))
    return float(10 * np.log10(spectra[:, bins].mean()))


# --- features -------------------------------------------------------------------------------------------------


def test_bands_of_a_flat_envelope_are_flat_there_and_back() -> None:
    bands = ft.envelope_bands(np.full((3, ft.BINS), 0.01))
    np.testing.assert_allclose(bands, -20, atol=1e-4)
    np.testing.assert_allclose(ft.linear_envelope_db(bands), -20, atol=1e-4)


def test_bands_of_a_slope_over_mel_are_its_values_at_the_centres() -> None:
    slope_db = -50 * ft.hz_to_mel(ft.bins_hz()) / 3843
    bands = ft.envelope_bands(10 ** (slope_db[None] / 10))[0]
    expected = -50 * ft.hz_to_mel(ft.band_centres_hz()) / 3843
    np.testing.assert_allclose(bands[1:-1], expected[1:-1], atol=0.05)
    back = ft.linear_envelope_db(bands[None])[0]
    inside = (ft.bins_hz() > 50) & (ft.bins_hz() < 20000)
    np.testing.assert_allclose(back[inside], slope_db[inside], atol=0.1)


def test_formants_survive_the_bands() -> None:
    hz = ft.bins_hz()
    formants = sum(20 * np.exp(-(((hz - centre) / width) ** 2)) for centre, width in ((500, 150), (1500, 250)))
    envelope_db = formants - hz / 1000 * 3 - 20
    back = ft.linear_envelope_db(ft.envelope_bands(10 ** (envelope_db[None] / 10)))[0]
    assert np.abs(back - envelope_db)[hz < 20000].max() < 1


def test_every_row_of_the_matrices_is_an_average() -> None:
    assert ft.mel_band_matrix().min() >= 0
    for matrix, shape in (
        (ft.mel_band_matrix(), (ENVELOPE_BANDS, ft.BINS)),
        (ft.mel_inverse_matrix(), (ft.BINS, ENVELOPE_BANDS)),
        (ft.aperiodicity_inverse_matrix(), (ft.BINS, APERIODICITY_BANDS)),
    ):
        assert matrix.shape == shape
        np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(TONAL_DB, 0), min_size=6, max_size=6))
def test_aperiodicity_goes_there_and_back(levels_db: list[float]) -> None:
    back = ft.aperiodicity_bands(ft.linear_aperiodicity(np.array([levels_db])))
    np.testing.assert_allclose(back[0], levels_db, atol=0.4)  # a corner between two bins is cut


def test_features_are_clipped_to_their_limits() -> None:
    features = ft.join_features(np.full((2, ENVELOPE_BANDS), -300.0), np.full((2, APERIODICITY_BANDS), 7.0))
    envelope_db, aperiodicity_db = ft.split_features(features)
    assert features.dtype == np.float32
    assert (envelope_db == ft.ENVELOPE_FLOOR_DB).all()
    assert (aperiodicity_db == 0).all()


# --- harmonics ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f0_hz", [82.5, 220.5, 700.0])
def test_harmonics_lie_at_their_frequencies_with_their_levels(f0_hz: float) -> None:
    made = sung(flat(400, -12), f0_hz)
    second = made[SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ].astype(np.float64)  # two seconds: half-hertz bins
    spectrum = np.abs(np.fft.rfft(second * np.hanning(len(second)))) * 4 / len(second)
    harmonics = np.arange(1, int(FADE_HZ[0] / f0_hz)) * f0_hz
    expected = 2 * 10 ** (-12 / 20) * np.sqrt(f0_hz / SAMPLE_RATE_HZ)
    np.testing.assert_allclose(20 * np.log10(spectrum[np.rint(2 * harmonics).astype(int)] / expected), 0, atol=0.05)
    between = spectrum[np.rint(2 * (harmonics + f0_hz / 2)).astype(int)]
    assert 20 * np.log10(between.max() / expected) < -40
    above = spectrum[round(2 * FADE_HZ[1]) + 200 :]
    assert 20 * np.log10(above.max() / expected) < -45


def test_harmonics_follow_the_envelope() -> None:
    hz = ft.bins_hz()
    envelope_db = 25 * np.exp(-(((hz - 900) / 300) ** 2)) - hz / 500
    features = ft.join_features(
        ft.envelope_bands(np.tile(10 ** (envelope_db / 10), (300, 1))), np.full((300, APERIODICITY_BANDS), TONAL_DB)
    )
    made = sung(features, 150.0)[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made)))) * 4 / len(made)
    harmonics = 150 * np.arange(1, 60)
    expected_db = np.interp(harmonics, hz, envelope_db) + 20 * np.log10(2 * np.sqrt(150 / SAMPLE_RATE_HZ))
    np.testing.assert_allclose(20 * np.log10(spectrum[harmonics]), expected_db, atol=0.5)


def test_a_moving_pitch_is_the_integral_of_the_curve() -> None:
    frames = 200
    curve = 300 * 2 ** (np.sin(2 * np.pi * 5.5 * np.arange(frames) / 100) / 24)
    features = flat(frames)
    features[:, :ENVELOPE_BANDS] -= np.linspace(0, 80, ENVELOPE_BANDS)
    made = sung(features, curve)
    per_sample = np.interp(np.arange(frames * HOP) / HOP, np.arange(frames), np.float32(curve))
    cycles = np.cumsum(per_sample) / SAMPLE_RATE_HZ
    # Read at the pace of the curve's own phase, a vibrato is a steady tone: its phase stays where it is.
    steady = CubicSpline(cycles, made)(np.arange(cycles[0], cycles[-1], 1 / 200))
    turning = steady * np.exp(-2j * np.pi * np.arange(len(steady)) / 200)
    lines = turning[: len(steady) // 2000 * 2000].reshape(-1, 2000).mean(1)[1:-1]
    # A throat delays its harmonics a little: 0.05 rad of a vibrato's 5.5 Hz are one and a half cents.
    assert np.abs(np.angle(lines / lines.mean())).max() < 0.05


def test_an_independent_tracker_hears_the_pitch() -> None:
    librosa = pytest.importorskip("librosa")
    f0_hz = 222.22
    made = sung(flat(50, -20), f0_hz)
    heard, voiced, _ = librosa.pyin(made, fmin=150, fmax=300, sr=SAMPLE_RATE_HZ, frame_length=4096, resolution=0.02)
    assert voiced.mean() > 0.8
    assert abs(1200 * np.log2(np.median(heard[voiced]) / f0_hz)) < 3


def test_where_voice_begins_and_ends_nothing_jumps() -> None:
    voiced = np.zeros(80)
    voiced[20:60] = 1
    features = flat(80)
    edge = sung(features, 200.0, voiced) - sung(features, 200.0, 0)  # the noise is the same but where harmonics sound
    inside, outside = edge[25 * HOP : 55 * HOP], np.r_[edge[: 17 * HOP], edge[63 * HOP :]]
    assert np.abs(outside).max() < 0.01 * np.abs(inside).max()
    assert np.abs(edge[18 * HOP : 19 * HOP]).max() < 0.5 * np.abs(inside).max()


def test_the_timbre_changes_in_time_with_the_features() -> None:
    features = flat(100, -80)
    features[50:, :ENVELOPE_BANDS] = 0
    made = sung(features, 220.0)
    assert power_db(made[40 * HOP : 47 * HOP], 100, 15000) < -70
    assert power_db(made[53 * HOP : 60 * HOP], 100, 15000) == pytest.approx(0, abs=1.5)


# --- noise ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("voiced", "aperiodicity_db"), [(0.0, TONAL_DB), (1.0, 0.0)])
def test_noise_bands_have_the_envelopes_level(voiced: float, aperiodicity_db: float) -> None:
    features = flat(400, -30, aperiodicity_db)
    features[:, :ENVELOPE_BANDS] -= np.linspace(0, 40, ENVELOPE_BANDS)
    made = sung(features, 200.0, voiced)
    envelope_db = ft.linear_envelope_db(features[:1, :ENVELOPE_BANDS])[0]
    for low_hz, high_hz in ((100, 400), (400, 1500), (1500, 5000), (5000, 9000), (9000, 15000)):
        bins = (ft.bins_hz() >= low_hz) & (ft.bins_hz() < high_hz)
        expected = 10 * np.log10((10 ** (envelope_db[bins] / 10)).mean())
        assert power_db(made, low_hz, high_hz) == pytest.approx(expected, abs=1.0)


def test_harmonics_and_noise_share_the_power_as_the_aperiodicity_says() -> None:
    made = sung(flat(400, 0, -10), 200.0)
    steady = made[: 3 * SAMPLE_RATE_HZ].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    harmonic = spectrum[600::600][:60] * 4 / len(steady)
    expected = 2 * np.sqrt(0.9 * 200 / SAMPLE_RATE_HZ)
    assert 20 * np.log10(np.sqrt((harmonic**2).mean()) / expected) == pytest.approx(0, abs=0.3)
    assert power_db(made, 2000, 12000) == pytest.approx(0, abs=0.5)


def test_the_noise_of_a_voice_swells_once_a_period() -> None:
    made = sung(flat(300, 0, 0), 100.0)
    power = (made[: 290 * HOP].astype(np.float64) ** 2).reshape(-1, 441).mean(0)  # 441 samples: one period
    assert power.max() / power.min() > 3
    even = sung(flat(300, 0, 0), 100.0, 0.0)[: 290 * HOP].astype(np.float64) ** 2
    smooth = even.reshape(-1, 441).mean(0).reshape(-1, 21).mean(1)
    assert smooth.max() / smooth.min() < 1.5


# --- the whole ------------------------------------------------------------------------------------------------


def test_silence_stays_silent() -> None:
    for voiced in (0.0, 1.0):
        made = sung(flat(90, ft.ENVELOPE_FLOOR_DB, -20), 200.0, voiced)
        assert made.shape == (90 * HOP,)
        assert np.abs(made).max() < 1e-9


def test_seeds_name_takes() -> None:
    features = flat(70, -20, -3)
    first, again, other = (sung(features, 200.0, 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.dtype == np.float32


def test_what_comes_later_changes_nothing_before() -> None:
    features = flat(200, -20, -6)
    short, long = sung(features[:100], 200.0), sung(features, 200.0)
    np.testing.assert_allclose(short[: 96 * HOP], long[: 96 * HOP], atol=1e-5)


@pytest.mark.parametrize("frames", [0, 1, 2, 64, 65])
def test_any_length(frames: int) -> None:
    made = sung(flat(frames), 200.0)
    assert made.shape == (frames * HOP,)
    assert np.isfinite(made).all()


def test_what_does_not_fit_is_refused() -> None:
    features = flat(10)
    with pytest.raises(ValueError, match="do not match"):
        synthesise(features, np.full(9, 200.0), np.ones(10), 0)
    with pytest.raises(ValueError, match="do not match"):
        synthesise(features[:, :100], np.full(10, 200.0), np.ones(10), 0)
    with pytest.raises(ValueError, match="pitch of 39"):
        sung(features, LOWEST_F0_HZ - 1)
