"""The whole desk on synthetic stems: loudness, peaks, mono, ducking, loops, stems."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import resample_poly, welch

from noisician.errors import RequestError
from noisician.loudness import dc_offset, integrated_loudness_lufs
from noisician.mix import Finish, Mixdown, StemAudio, Timing, master, mix_stems, plan_mix
from noisician.mix.filters import SAMPLE_RATE_HZ, sections
from noisician.mix.mastering import stem_loudness_lufs
from noisician.mix.settings import mix_settings
from noisician.score.model import Note, Score, Section, Track

STEP = SAMPLE_RATE_HZ // 10
FRAMES = 40 * STEP  # 4 s: 8 beats at 120 BPM
WHOLE = Finish()
KICKS_S = tuple(0.5 * beat for beat in range(8))
ROSTER = (
    ("drums", "electronic_kit"),
    ("bass", "synth_bass"),
    ("chords", "electric_piano"),
    ("pad", "warm_pad"),
    ("lead", "flute"),
)


def seconds(frames: int = FRAMES) -> np.ndarray:
    return np.arange(frames) / SAMPLE_RATE_HZ


def saw(hz: float, frames: int = FRAMES) -> np.ndarray:
    t = seconds(frames)
    return sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, int(8000 / hz)))  # type: ignore[return-value]


@cache
def stems() -> tuple[StemAudio, ...]:
    t = seconds()
    beat, eighth = t % 0.5, t % 0.25
    rng = np.random.default_rng(0)
    kick = np.sin(2 * np.pi * (50 * beat + 4 * (1 - np.exp(-beat * 30)))) * np.exp(-beat * 12)
    hat = rng.standard_normal(FRAMES) * np.exp(-eighth * 60) * 0.1
    sounds = {
        "drums": kick + hat,
        "bass": saw(55) * np.exp(-eighth * 4) * 0.2,
        "chords": (saw(220) + saw(275) + saw(330)) * np.exp(-beat * 3) * 0.05,
        "pad": (saw(110) + saw(165)) * 0.03,
        "lead": np.sin(2 * np.pi * 880 * t) * (t % 1.0 < 0.6) * 0.02,
    }
    return tuple(StemAudio(role, name, sounds[role].astype(np.float32)) for role, name in ROSTER)


def mixed(genre: str, *, production: tuple[str, ...] = (), finish: Finish = WHOLE, keep: bool = False) -> Mixdown:
    plan = plan_mix(ROSTER, [(genre, 1.0)], (), production)
    timing = Timing(120.0, KICKS_S, ((0.0, 0.3), (2.0, 0.9)))
    return mix_stems(iter(stems()), plan, seed=3, timing=timing, finish=finish, keep_stems=keep)


def peak_dbtp(audio: np.ndarray) -> float:
    """An independent true-peak meter: polyphase resampling by 4."""
    fine = resample_poly(np.asarray(audio, np.float64), 4, 1, axis=0, window=("kaiser", 8.0))
    return 20 * np.log10(np.abs(fine).max())


@pytest.mark.parametrize("genre", ["house", "lofi_hip_hop", "ambient", "metal", "classical", "dubstep"])
@pytest.mark.parametrize("loop", [False, True])
def test_loudness_true_peak_and_dc_of_every_kind_of_mix(genre: str, loop: bool) -> None:
    track = mixed(genre, finish=Finish(loop=loop)).stereo
    assert track.shape == (FRAMES, 2)
    assert track.dtype == np.float32
    assert integrated_loudness_lufs(track, SAMPLE_RATE_HZ) == pytest.approx(-14.0, abs=0.2)
    assert peak_dbtp(track) <= -0.95
    assert dc_offset(track) < 1e-3


def nasty(kind: str) -> np.ndarray:
    t = seconds()
    rng = np.random.default_rng(5)
    signals = {
        "noise": rng.uniform(-1, 1, FRAMES),
        "square": np.sign(np.sin(2 * np.pi * 441 * t)),
        "fast square": np.sign(np.sin(2 * np.pi * 11025 * t + 0.3)),
        "sparse clicks": (np.arange(FRAMES) % 11025 == 0) * 1.0,
        "bursts": np.sin(2 * np.pi * 1000 * t) * (t % 0.5 < 0.02),
        "sub": np.sin(2 * np.pi * 30 * t),
        "offset": 0.9 + 0.1 * np.sin(2 * np.pi * 300 * t),
    }
    return np.stack([signals[kind], 0.7 * signals[kind]]).astype(np.float32)


@pytest.mark.parametrize("kind", ["noise", "square", "fast square", "sparse clicks", "bursts", "sub", "offset"])
@pytest.mark.parametrize("loop", [False, True])
def test_the_limiter_holds_its_ceiling_on_nasty_signals(kind: str, loop: bool) -> None:
    track = master(nasty(kind), mix_settings(), (), Finish(loop=loop))
    assert np.isfinite(track).all()
    assert peak_dbtp(track) <= -0.9
    assert dc_offset(track) < 2e-3
    if kind not in ("sparse clicks", "bursts"):  # these would need more limiting than is musical
        assert integrated_loudness_lufs(track, SAMPLE_RATE_HZ) == pytest.approx(-14.0, abs=0.5)


@pytest.mark.parametrize("frames", [1, 50, 4000, 17639])
def test_very_short_tracks_are_finite_and_limited(frames: int) -> None:
    track = master(nasty("square")[:, :frames].copy(), mix_settings())
    assert track.shape == (frames, 2)
    assert np.isfinite(track).all()
    assert np.abs(track).max() <= 0.9


@pytest.mark.parametrize("loop", [False, True])
def test_silence_in_silence_out(loop: bool) -> None:
    silent = [replace(stem, samples=np.zeros(FRAMES, np.float32)) for stem in stems()]
    result = mix_stems(silent, plan_mix(ROSTER), seed=1, finish=Finish(loop=loop))
    assert not result.stereo.any()
    assert result.gains_db == (0.0,) * 5


def test_a_nearly_silent_stem_is_not_turned_up_into_noise() -> None:
    hiss = np.random.default_rng(1).standard_normal(FRAMES).astype(np.float32) * 5e-4
    result = mix_stems([StemAudio("lead", "flute", hiss)], plan_mix([("lead", "flute")]), seed=1)
    assert result.gains_db == (24.0,)


def test_stems_reach_their_roles_loudness() -> None:
    plan = plan_mix(ROSTER)
    for stem, place, gain_db in zip(stems(), plan.stems, mixed("house").gains_db, strict=True):
        sos = sections(place.bands)
        estimate = stem_loudness_lufs(stem.samples, sos)
        from scipy.signal import sosfilt

        exact = integrated_loudness_lufs(np.asarray(sosfilt(sos, stem.samples)), SAMPLE_RATE_HZ)
        assert estimate == pytest.approx(exact, abs=0.3)
        assert -24 <= gain_db <= 24


def test_the_same_input_gives_the_same_bits_and_the_seed_matters() -> None:
    first, second = mixed("lofi_hip_hop"), mixed("lofi_hip_hop", keep=True)
    assert first.stereo.tobytes() == second.stereo.tobytes()
    plan = plan_mix(ROSTER, [("lofi_hip_hop", 1.0)])
    other = mix_stems(iter(stems()), plan, seed=4)
    assert other.stereo.tobytes() != first.stereo.tobytes()


@pytest.mark.parametrize("loop", [False, True])
def test_kept_stems_sum_to_the_mix_before_mastering(loop: bool) -> None:
    finish = Finish(loop=loop)
    result = mixed("synthwave", finish=finish, keep=True)
    assert result.stems is not None and len(result.stems) == len(ROSTER)
    total = np.sum(result.stems, axis=0)
    settings = plan_mix(ROSTER, [("synthwave", 1.0)]).settings
    again = master(np.ascontiguousarray(total.T), settings, ((0.0, 0.3), (2.0, 0.9)), finish)
    assert np.abs(again - result.stereo).max() < 2e-4


@pytest.mark.parametrize("role", ["pad", "chords", "texture"])
def test_mono_sum_of_a_wide_stem_is_the_stem_within_1_db(role: str) -> None:
    name = {"pad": "warm_pad", "chords": "grand_piano", "texture": "rain"}[role]
    noise = np.random.default_rng(2).standard_normal(FRAMES).astype(np.float32) * 0.05
    plan = plan_mix([(role, name)], [("ambient", 1.0)], (), ["wide"])
    place = replace(plan.stems[0], reverb_send=0.0, delay_send=0.0, pan=0.0)
    assert place.width > 0.5

    def dry(width: float) -> np.ndarray:
        narrow = replace(plan, stems=(replace(place, width=width),))
        kept = mix_stems([StemAudio(role, name, noise)], narrow, seed=9, keep_stems=True).stems
        assert kept is not None
        return kept[0]

    wide, narrow = dry(place.width), dry(0.0)
    _, mono = welch(wide.sum(axis=1), SAMPLE_RATE_HZ, nperseg=4096)
    _, reference = welch(narrow.sum(axis=1), SAMPLE_RATE_HZ, nperseg=4096)
    assert np.abs(10 * np.log10(mono[20:1800] / reference[20:1800])).max() < 1.0
    side, middle = np.var(wide[:, 0] - wide[:, 1]), np.var(wide.sum(axis=1))
    assert 10 * np.log10(side / middle) > -10


def test_the_pad_dips_where_the_kicks_are() -> None:
    tone = (0.05 * np.sin(2 * np.pi * 700 * seconds())).astype(np.float32)
    plan = plan_mix([("pad", "warm_pad")], [("house", 1.0)])
    place = replace(plan.stems[0], reverb_send=0.0, width=0.0, sidechain_db=6.0)
    still = replace(plan, stems=(place,))
    kicks_s = (1.0, 2.5)
    result = mix_stems(
        [StemAudio("pad", "warm_pad", tone)], still, seed=1, timing=Timing(120.0, kicks_s), keep_stems=True
    )
    assert result.stems is not None
    frames = result.stems[0][:, 0].reshape(-1, STEP // 10)  # 10 ms
    levels_db = 10 * np.log10(np.mean(np.square(frames), axis=1))
    usual_db = np.median(levels_db)
    for kick_s in kicks_s:
        assert levels_db[round(kick_s * 100)] == pytest.approx(usual_db - 6, abs=0.5)
        assert levels_db[round(kick_s * 100) - 2] == pytest.approx(usual_db, abs=0.2)
        assert levels_db[round(kick_s * 100) + 35] == pytest.approx(usual_db, abs=0.2)


def rolled(genre: str, shift: int) -> np.ndarray:
    plan = plan_mix(ROSTER, [(genre, 1.0)])
    still = replace(plan, stems=tuple(replace(stem, chorus_ms=0.0) for stem in plan.stems))
    moved = [replace(stem, samples=np.roll(stem.samples, shift)) for stem in stems()]
    kicks_s = tuple((kick_s + shift / SAMPLE_RATE_HZ) % 4.0 for kick_s in KICKS_S)
    return mix_stems(moved, still, seed=3, timing=Timing(120.0, kicks_s), finish=Finish(loop=True)).stereo


@pytest.mark.parametrize("genre", ["house", "ambient"])
def test_a_loop_has_no_seam_started_elsewhere_it_is_the_same_loop(genre: str) -> None:
    shift = 13 * STEP
    track, elsewhere = rolled(genre, 0), rolled(genre, shift)
    expected = np.roll(track, shift, axis=0)
    level = np.vdot(expected, elsewhere) / np.vdot(expected, expected)  # meters do not see a file as a circle
    assert level == pytest.approx(1.0, abs=0.02)
    residue = elsewhere - level * expected
    assert np.sqrt(np.mean(np.square(residue))) < 3e-3 * np.sqrt(np.mean(np.square(track)))
    assert np.abs(residue).max() < 0.01


@pytest.mark.parametrize("frames", [FRAMES, FRAMES + 17])
def test_a_lofi_loop_of_a_periodic_tone_is_continuous_across_its_seam(frames: int) -> None:
    wave = np.sin(2 * np.pi * 800 * np.arange(frames) / frames).astype(np.float32) * 0.1
    plan = plan_mix([("pad", "warm_pad")], [("lofi_hip_hop", 1.0)], (), ["lofi"])
    track = mix_stems([StemAudio("pad", "warm_pad", wave)], plan, seed=2, finish=Finish(loop=True)).stereo
    bend = np.abs(np.diff(np.concatenate([track[-200:], track[:200]]), n=2, axis=0)).max()
    usual = np.abs(np.diff(track, n=2, axis=0)).max()
    assert bend <= usual * 1.02


def test_tails_wrap_in_a_loop_and_are_cut_otherwise() -> None:
    late = np.zeros(FRAMES, np.float32)
    late[-2000:] = np.random.default_rng(0).standard_normal(2000) * 0.2
    plan = plan_mix([("lead", "flute")], [("ambient", 1.0)])
    stem = [StemAudio("lead", "flute", late)]
    looped = mix_stems(stem, plan, seed=1, finish=Finish(loop=True)).stereo
    straight = mix_stems(stem, plan, seed=1).stereo
    assert np.abs(looped[: FRAMES // 2]).max() > 0.01
    assert np.abs(straight[: FRAMES // 2]).max() < 1e-4


def test_echoes_fall_on_the_beat_left_then_right() -> None:
    click = np.zeros(FRAMES, np.float32)
    click[:200] = np.sin(2 * np.pi * 1000 * np.arange(200) / SAMPLE_RATE_HZ) * 0.3
    plan = plan_mix([("lead", "flute")])
    place = replace(plan.stems[0], reverb_send=0.0, delay_send=0.5, width=0.0)
    plan = replace(plan, stems=(place,), settings=replace(plan.settings, delay_beats=0.5))
    result = mix_stems([StemAudio("lead", "flute", click)], plan, seed=1, timing=Timing(120.0), keep_stems=True)
    assert result.stems is not None
    left, right = np.abs(result.stems[0]).T
    repeat = round(0.25 * SAMPLE_RATE_HZ)
    assert left[repeat : repeat + 300].max() > 50 * right[repeat : repeat + 300].max() > -1
    assert right[2 * repeat : 2 * repeat + 300].max() > 50 * left[2 * repeat : 2 * repeat + 300].max() > -1


def test_fades_and_peak_only_level() -> None:
    faded = mixed("house", finish=Finish(fade_out_s=2.0)).stereo
    assert np.abs(faded[-STEP:]).max() < 0.1 * np.abs(faded).max()
    assert faded[0].tolist() == [0.0, 0.0]
    assert faded[-1].tolist() == [0.0, 0.0]
    by_peak = mixed("classical", finish=Finish(loudness_lufs=None)).stereo
    assert peak_dbtp(by_peak) == pytest.approx(-1.0, abs=0.1)
    assert integrated_loudness_lufs(mixed("pop", finish=Finish(loudness_lufs=-20.0)).stereo, 44100) == pytest.approx(
        -20.0, abs=0.2
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (stems()[:2], "2 stems for a mix planned with 5"),
        ((*stems(), stems()[0]), "more than the 5 stems"),
        (stems()[::-1], "stands where the plan has drums"),
        ((stems()[0], replace(stems()[1], samples=np.zeros(10, np.float32))), "of one length"),
        ((replace(stems()[0], samples=np.full(FRAMES, np.nan, np.float32)),), "not finite"),
        ((), "0 stems"),
    ],
)
def test_wrong_stems_are_refused_in_one_line(given: tuple[StemAudio, ...], words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        mix_stems(given, plan_mix(ROSTER), seed=1)
    assert "\n" not in str(caught.value)


def test_timing_of_a_score_counts_kicks_and_sections_in_seconds() -> None:
    drums = Track("drums", "standard_kit", (Note(36, 1.0, 0.1, 90), Note(38, 2.0, 0.1, 90), Note(35, 3.5, 0.1, 90)))
    piano = Track("chords", "grand_piano", (Note(36, 0.0, 1.0, 90),))
    sections_ = (Section("intro", "A", 0, 2, 0.2), Section("drop", "B", 2, 2, 1.0))
    timing = Timing.of(Score(90.0, "C", "major", "3/4", 4, sections_, (drums, piano)))
    assert timing.kicks_s == pytest.approx((60 / 90, 3.5 * 60 / 90))
    assert timing.energies == ((0.0, 0.2), (pytest.approx(4.0), 1.0))
