"""Voices in the mix: their chain, their places, the band that gives way to them, and the mix without them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import sosfilt

from noisician.errors import RequestError
from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
from noisician.mix import Finish, Mixdown, MixPlan, StemAudio, Timing, master, mix_stems, plan_mix
from noisician.mix.dynamics import voice_shape
from noisician.mix.filters import HOP, SAMPLE_RATE_HZ, Band, biquad, power_response, sections
from noisician.mix.mastering import hop_mean_squares
from noisician.mix.vocals import YIELDING, VocalChain, give_way, treat
from noisician.score.model import VOICE
from noisician.styles import table

STEP = SAMPLE_RATE_HZ // 10
FRAMES = 40 * STEP
ONE_S = 10 * STEP
LEAD = VocalChain.from_data(table("mix")["chains"]["lead"])
SUNG = (("vocals", VOICE), ("doubles", VOICE), ("doubles", VOICE), ("harmony", VOICE), ("harmony", VOICE))
BAND = (("drums", "standard_kit"), ("bass", "electric_bass"), ("chords", "grand_piano"), ("pad", "warm_pad"))


def seconds(frames: int = FRAMES) -> np.ndarray:
    return np.arange(frames) / SAMPLE_RATE_HZ


def vowel(hz: float = 220.0, frames: int = FRAMES) -> np.ndarray:
    t = seconds(frames)
    return 0.1 * np.sum([np.sin(2 * np.pi * hz * k * t) / k**1.3 for k in range(1, int(16000 / hz))], axis=0)


def hiss(frames: int = FRAMES) -> np.ndarray:
    """An 's': noise around 7 kHz, as loud as the vowel."""
    noise = np.random.default_rng(4).standard_normal(frames)
    band = sosfilt(sections([Band("high_pass", 5000.0), Band("low_pass", 9000.0)]), noise)
    return np.asarray(band) * np.sqrt(np.var(vowel()) / np.var(band))


def decibels(signal: np.ndarray) -> float:
    return 10 * float(np.log10(np.mean(np.square(signal, dtype=np.float64))))


def between(signal: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
    return signal[round(start_s * SAMPLE_RATE_HZ) : round(stop_s * SAMPLE_RATE_HZ)]


def only(chain: VocalChain, *parts: str) -> VocalChain:
    """The chain with everything but ``parts`` (deesser, compression, drive) without effect."""
    still = {
        "deesser": replace(chain.deesser, slope=0.0),
        "compression": replace(chain.compression, ratio=1.0),
        "drive": 0.0,
    }
    return replace(chain, **{name: value for name, value in still.items() if name not in parts})  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ the chain


@pytest.mark.parametrize("chain", ["lead", "background"])
def test_the_deesser_lowers_an_s_but_neither_a_vowel_nor_a_soft_s(chain: str) -> None:
    t = seconds()
    loud_s, soft_s = (t > 1.0) & (t < 1.2), (t > 3.0) & (t < 3.2)
    dry = np.where(loud_s, hiss(), np.where(soft_s, 0.03 * hiss(), vowel()))
    settings = VocalChain.from_data(table("mix")["chains"][chain])
    before, after = (treat(dry, only(settings, *parts), loop=False) for parts in ((), ("deesser",)))
    change = [
        decibels(between(after, start, stop)) - decibels(between(before, start, stop))
        for start, stop in ((1.02, 1.18), (0.3, 0.95), (3.05, 3.15))
    ]
    assert -settings.deesser.limit_db < change[0] < -2.5
    assert change[1] == pytest.approx(0, abs=0.02)
    assert change[2] == pytest.approx(0, abs=0.1)


def test_deessing_leaves_what_lies_beside_the_sibilant_band() -> None:
    t = seconds()
    low = 0.05 * np.sin(2 * np.pi * 300 * t)
    dry = np.where((t > 1.0) & (t < 1.4), hiss() + low, vowel())
    before, after = (treat(dry, only(LEAD, *parts), loop=False) for parts in ((), ("deesser",)))
    tone = between(np.exp(-2j * np.pi * 300 * t), 1.05, 1.35)
    levels = [abs(np.vdot(tone.conj(), between(each, 1.05, 1.35))) for each in (before, after)]
    assert levels[1] == pytest.approx(levels[0], rel=0.02)


def test_the_compressor_closes_the_gap_between_loud_and_soft_and_lets_attacks_through() -> None:
    t = seconds()
    dry = np.sin(2 * np.pi * 440 * t) * np.where(t % 2 < 1, 0.5, 0.5 * 10 ** (-6 / 20))
    wet = treat(dry, only(LEAD, "compression"), loop=False)
    gap_db = decibels(between(wet, 2.6, 2.9)) - decibels(between(wet, 3.6, 3.9))
    assert 6 / 3 - 0.2 < gap_db < 3.8
    onset_db, settled_db = decibels(between(wet, 2.0, 2.006)), decibels(between(wet, 2.6, 2.9))
    assert onset_db - settled_db > 0.8
    recovering_db, recovered_db = decibels(between(wet, 3.02, 3.05)), decibels(between(wet, 3.6, 3.9))
    assert recovered_db - recovering_db > 0.8


def test_rumble_goes_and_the_voice_stays() -> None:
    t = seconds()
    gains_db = [
        decibels(treat(tone, only(LEAD), loop=False)[ONE_S:]) - decibels(tone[ONE_S:])
        for tone in (np.sin(2 * np.pi * 40 * t), np.sin(2 * np.pi * 90 * t), np.sin(2 * np.pi * 250 * t))
    ]
    assert gains_db[0] < -12
    assert gains_db[1] == pytest.approx(-3, abs=0.2)
    assert gains_db[2] == pytest.approx(0, abs=0.2)


def test_saturation_adds_a_touch_of_odd_harmonics_and_folds_nothing_back() -> None:
    hz = 5000
    tone = 0.3 * np.sin(2 * np.pi * hz * seconds())
    spectrum = np.abs(np.fft.rfft(treat(tone, only(LEAD, "drive"), loop=True)))
    bins = FRAMES / SAMPLE_RATE_HZ
    third_db = 20 * np.log10(spectrum[round(3 * hz * bins)] / spectrum[round(hz * bins)])
    fifth_folded_db = 20 * np.log10(spectrum[round((44100 - 5 * hz) * bins)] / spectrum[round(hz * bins)])
    assert -70 < third_db < -35
    assert fifth_folded_db < -85
    clean = np.abs(np.fft.rfft(treat(tone, only(LEAD), loop=True)))
    assert clean[round(3 * hz * bins)] < 1e-5 * clean[round(hz * bins)]


def test_a_voice_is_treated_alike_at_any_level() -> None:
    dry = np.where(seconds() % 1 < 0.2, hiss(), vowel())
    loud, soft = treat(4 * dry, LEAD, loop=False), treat(dry, LEAD, loop=False)
    assert np.abs(loud - 4 * soft).max() < 1e-4 * np.abs(loud).max()


def test_a_treated_loop_started_elsewhere_is_the_same_loop() -> None:
    dry = np.where(seconds() % 2 < 0.3, hiss(), vowel()) * (seconds() < 3.1)
    shift = 100 * HOP * 7
    loop, elsewhere = treat(dry, LEAD, loop=True), treat(np.roll(dry, shift), LEAD, loop=True)
    assert np.abs(np.roll(loop, shift) - elsewhere).max() < 1e-3 * np.abs(loop).max()


@pytest.mark.parametrize("frames", [1, 62, 5000])
@pytest.mark.parametrize("loop", [False, True])
def test_short_and_silent_voices_are_fine(frames: int, loop: bool) -> None:
    assert not treat(np.zeros(frames, np.float32), LEAD, loop=loop).any()
    short = treat(vowel(frames=frames), LEAD, loop=loop)
    assert short.shape == (frames,)
    assert np.isfinite(short).all()
    assert voice_shape(hop_mean_squares(np.zeros(frames, np.float32)), loop=loop).max() == 0


# ------------------------------------------------------------------------------------------------ giving way


def test_the_band_a_player_gives_way_in_is_250_hz_to_4_khz_and_nothing_is_boosted() -> None:
    band = biquad(YIELDING)
    frequencies = np.geomspace(20, 20000, 400)
    taken = power_response(sections([YIELDING]), np.array([250.0, 1000.0, 4000.0]))
    assert taken == pytest.approx([0.5, 1.0, 0.5], abs=0.06)
    for share in (0.1, 0.3, 1.0):  # (1 − share · h) as one section
        left = band.copy()
        left[:3] = band[3:] - share * band[:3]
        assert power_response(left[None], frequencies).max() <= 1 + 1e-9


def ducked_db(role: str, instrument: str, hz: float, *, loop: bool = False) -> np.ndarray:
    """How far a voice that sings from 1.0 to 2.5 s lowers a player's tone, every 10 ms."""
    t = seconds()
    voice = (vowel() * ((t >= 1.0) & (t < 2.5))).astype(np.float32)
    tone = (0.05 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
    plan = plan_mix([("vocals", VOICE), (role, instrument)])
    plan = replace(plan, stems=tuple(replace(stem, reverb_send=0.0, delay_send=0.0, width=0.0) for stem in plan.stems))
    levels = []
    for sung in (voice, np.zeros_like(voice)):
        stems = [StemAudio("vocals", VOICE, sung), StemAudio(role, instrument, tone)]
        kept = mix_stems(stems, plan, seed=1, finish=Finish(loop=loop), keep_stems=True).stems
        assert kept is not None
        levels.append(10 * np.log10(np.mean(np.square(kept[1][:, 0].reshape(-1, STEP // 10)), axis=1)))
    return levels[0] - levels[1]


@pytest.mark.parametrize("role", ["pad", "chords", "drums"])
def test_players_give_way_smoothly_while_the_lead_sings(role: str) -> None:
    depth_db = table("mix")["roles"][role]["give_way_db"]
    change = ducked_db(role, {"pad": "warm_pad", "chords": "grand_piano", "drums": "standard_kit"}[role], 1000.0)
    assert 1 <= depth_db <= 4
    assert np.abs(change[:100]).max() < 0.02
    assert change[200:250] == pytest.approx(-depth_db, abs=0.05 * depth_db)
    assert change[108] == pytest.approx(-depth_db * (1 - np.exp(-1)), abs=0.12 * depth_db)  # one attack time
    # One release time and the attack's smoothing.
    assert change[280] == pytest.approx(-depth_db * 0.55, abs=0.075 * depth_db)
    assert change[399] > -0.05 * depth_db
    assert np.abs(np.diff(change)).max() < 0.15 * depth_db
    assert change.max() < 0.02


def test_the_lows_and_highs_hardly_move_and_the_bass_not_at_all() -> None:
    assert ducked_db("pad", "warm_pad", 9000.0).min() > -0.35
    assert not ducked_db("bass", "electric_bass", 1000.0).any()


def test_giving_way_goes_round_in_a_loop() -> None:
    t = seconds()
    late = (vowel() * (t > 3.7)).astype(np.float32)
    shape = voice_shape(hop_mean_squares(late), loop=True)
    assert shape[0] > 0.8
    assert shape[0] == pytest.approx(shape[-1], abs=0.02)
    assert voice_shape(hop_mean_squares(late), loop=False)[0] < 1e-6
    lowered = give_way(np.sin(2 * np.pi * 1000 * t), shape, 2.0, loop=True)
    assert np.abs(lowered[0]) < 0.1
    assert decibels(lowered[:STEP]) - decibels(lowered[2 * ONE_S : 2 * ONE_S + STEP]) < -1


def test_only_a_lead_voice_makes_room_for_itself() -> None:
    tone = (0.05 * np.sin(2 * np.pi * 1000 * seconds())).astype(np.float32)

    def pad_under(role: str) -> np.ndarray:
        stems = [StemAudio(role, VOICE, vowel().astype(np.float32)), StemAudio("pad", "warm_pad", tone)]
        kept = mix_stems(stems, plan_mix([(role, VOICE), ("pad", "warm_pad")]), seed=1, keep_stems=True).stems
        assert kept is not None
        return kept[1]

    assert decibels(pad_under("vocals")) - decibels(pad_under("choir")) < -1
    assert pad_under("choir").tobytes() == pad_under("harmony").tobytes()


# ------------------------------------------------------------------------------------------------ places


@pytest.mark.parametrize("genre", [None, *table("genres")])
def test_levels_of_voices_in_every_genre(genre: str | None) -> None:
    genres = [(genre, 1.0)] if genre else []
    roster = [*SUNG, ("backing", VOICE), ("choir", VOICE), *BAND, ("lead", "flute")]
    plan = plan_mix(roster, genres)
    level = {stem.role: stem.level_lufs for stem in plan.stems}
    players = [10 ** (stem.level_lufs / 10) for stem in plan.stems if stem.chain is None]
    over_band_lu = level["vocals"] - 10 * np.log10(sum(players))
    assert over_band_lu == pytest.approx(0.0 + plan.settings.levels_db.get(VOICE, 0.0))
    assert -2 <= over_band_lu <= 0.5
    offsets = {role: level[role] - level["vocals"] for role, _ in SUNG} | {
        role: level[role] - level["vocals"] for role in ("backing", "choir")
    }
    assert offsets == pytest.approx({"vocals": 0, "doubles": -9, "harmony": -7, "backing": -6, "choir": -6})
    for stem in plan.stems:
        assert -0.85 <= stem.pan <= 0.85
        assert 0 <= stem.width <= 0.75


def test_a_voice_stands_lower_in_rock_than_in_pop_and_hardly_under_a_lead_player() -> None:
    def over(genre: str) -> float:
        plan = plan_mix([("vocals", VOICE), ("lead", "flute")], [(genre, 1.0)])
        return plan.stems[0].level_lufs - plan.stems[1].level_lufs

    assert -1 < over("metal") <= over("rock") < over("pop") > over("folk")
    alone, with_drums = (plan_mix([("vocals", VOICE), *rest]).stems[0] for rest in ((), BAND[:1]))
    assert alone.level_lufs == -18.5 < with_drums.level_lufs
    assert plan_mix([("vocals", VOICE), ("pad", "warm_pad")]).stems[0].level_lufs == -18.5


def test_doubles_stand_apart_harmonies_wider_and_the_lead_in_the_middle() -> None:
    vocals, left, right, low, high = plan_mix(SUNG).stems
    choir = plan_mix([("choir", VOICE)]).stems[0]
    assert (vocals.pan, vocals.width) == (0, 0)
    assert abs(left.pan) >= 0.4
    assert left.pan == -right.pan
    assert low.pan == -high.pan
    assert abs(low.pan) > abs(left.pan)
    assert choir.width > 0.5
    assert choir.reverb_send > low.reverb_send > left.reverb_send > vocals.reverb_send > 0
    assert vocals.delay_send > 0


@pytest.mark.parametrize("production", [[], ["wide"], ["narrow"]])
def test_players_have_the_same_places_with_and_without_voices(production: list[str]) -> None:
    roster = [*BAND, ("arp", "harp"), ("counter", "viola")]
    alone, together = plan_mix(roster, production=production), plan_mix([*SUNG, *roster], production=production)
    assert together.stems[len(SUNG) :] == alone.stems
    assert len({stem.stream for stem in together.stems}) == len(together.stems)


def test_the_table_of_voices_names_only_what_exists() -> None:
    mix = table("mix")
    assert set(mix["sung"]) == {"vocals", "doubles", "harmony", "choir", "backing"}
    assert not set(mix["sung"]) & set(mix["roles"])
    assert {entry["chain"] for entry in mix["sung"].values()} == set(mix["chains"])
    assert {entry["voice_room"] for entry in mix["genres"].values() if "voice_room" in entry} <= set(mix["rooms"])


def test_voices_are_in_a_plate_unless_the_genre_says_otherwise() -> None:
    pop, classical = plan_mix(SUNG, [("rock", 1.0)]), plan_mix(SUNG, [("classical", 1.0)])
    assert (pop.settings.room, pop.settings.voice_room) == ("room", "plate")
    assert pop.voice_room.decay_s[1] > pop.room.decay_s[1]
    assert classical.settings.voice_room == "hall"


@pytest.mark.parametrize(
    ("roster", "words"),
    [
        ([("yodel", VOICE)], "role 'yodel' has no place in a mix; known: .* vocals"),
        ([("lead", VOICE)], "instrument 'voice'"),
        ([("vocals", "flute")], "vocals is sung, but its instrument is 'flute'"),
        ([("pad", "warm_pad"), ("vocals", VOICE)], "sung parts come first"),
    ],
)
def test_wrong_parts_are_refused_in_one_line(roster: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        plan_mix(roster)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ the whole mix


@cache
def stems() -> tuple[StemAudio, ...]:
    t = seconds()
    phrase = (t > 0.5) & (t % 2.0 < 1.4)
    rng = np.random.default_rng(0)
    voices = [
        vowel(hz) * phrase + hiss() * ((t % 2.0 > 1.4) & (t % 2.0 < 1.5)) for hz in (220.0, 221.0, 219.5, 275.0, 330.0)
    ]
    beat = t % 0.5
    players = (
        np.sin(2 * np.pi * (50 * beat + 4 * (1 - np.exp(-beat * 30)))) * np.exp(-beat * 12),
        0.2 * np.sin(2 * np.pi * 55 * t),
        vowel(165.0) * np.exp(-beat * 3),
        0.05 * rng.standard_normal(FRAMES),
    )
    return tuple(
        StemAudio(role, instrument, samples.astype(np.float32))
        for (role, instrument), samples in zip((*SUNG, *BAND), (*voices, *players), strict=True)
    )


def plan_of(genre: str) -> MixPlan:
    return plan_mix([*SUNG, *BAND], [(genre, 1.0)])


def mixed(genre: str, *, loop: bool = False, keep: bool = False, split: bool = False) -> Mixdown:
    finish, timing = Finish(loop=loop), Timing(120.0, (0.0, 0.5, 1.0, 1.5))
    given = iter(stems())
    return mix_stems(given, plan_of(genre), seed=3, timing=timing, finish=finish, keep_stems=keep, split_vocals=split)


@pytest.mark.parametrize("genre", ["pop", "metal", "ambient", "lofi_hip_hop"])
@pytest.mark.parametrize("loop", [False, True])
def test_loudness_and_peaks_of_songs_and_their_instrumentals(genre: str, loop: bool) -> None:
    result = mixed(genre, loop=loop, split=True)
    assert result.instrumental is not None
    assert integrated_loudness_lufs(result.stereo, SAMPLE_RATE_HZ) == pytest.approx(-14.0, abs=0.2)
    for track in (result.stereo, result.instrumental):
        assert track.shape == (FRAMES, 2)
        assert track.dtype == np.float32
        assert true_peak_dbtp(track) <= -0.95


def test_what_is_kept_or_split_changes_no_bit_of_the_track() -> None:
    plain = mixed("pop")
    assert plain.instrumental is None
    assert plain.stems is None
    assert plain.stereo.tobytes() == mixed("pop", keep=True, split=True).stereo.tobytes()


@pytest.mark.parametrize("loop", [False, True])
def test_kept_stems_voices_among_them_sum_to_the_mix_before_mastering(loop: bool) -> None:
    result = mixed("synthwave", loop=loop, keep=True)
    assert result.stems is not None
    assert len(result.stems) == len(SUNG) + len(BAND)
    settings = plan_of("synthwave").settings
    again = master(np.ascontiguousarray(np.sum(result.stems, axis=0).T), settings, (), Finish(loop=loop))
    assert np.abs(again - result.stereo).max() < 5e-4


def test_the_instrumental_is_free_of_the_voice_and_otherwise_as_in_the_track() -> None:
    t = seconds()
    voice = (0.1 * np.sin(2 * np.pi * 2500 * t) * (t > 1)).astype(np.float32)
    bass = (0.1 * np.sin(2 * np.pi * 100 * t)).astype(np.float32)
    roster = [("vocals", VOICE), ("bass", "electric_bass")]
    given = [StemAudio(*roster[0], voice), StemAudio(*roster[1], bass)]
    result = mix_stems(given, plan_mix(roster), seed=1, split_vocals=True)
    assert result.instrumental is not None

    def tone(track: np.ndarray, hz: float) -> float:
        middle = slice(2 * ONE_S, 3 * ONE_S)
        return float(abs(np.vdot(np.exp(2j * np.pi * hz * t[middle]), track[middle, 0])))

    assert tone(result.instrumental, 2500) < 1e-4 * tone(result.stereo, 2500)
    assert tone(result.instrumental, 100) == pytest.approx(tone(result.stereo, 100), rel=0.1)


def test_without_a_voice_or_with_a_silent_one_the_instrumental_is_the_track() -> None:
    players = stems()[len(SUNG) :]
    alone = mix_stems(players, plan_mix(BAND), seed=3, split_vocals=True)
    silent = [replace(stem, samples=np.zeros(FRAMES, np.float32)) for stem in stems()[: len(SUNG)]]
    quiet = mix_stems([*silent, *players], plan_mix([*SUNG, *BAND]), seed=3, split_vocals=True)
    for result in (alone, quiet):
        assert result.instrumental is not None
        assert result.stereo.any()
        assert result.instrumental.tobytes() == result.stereo.tobytes() == alone.stereo.tobytes()


def test_a_song_of_voices_alone_has_a_silent_instrumental() -> None:
    result = mix_stems(stems()[: len(SUNG)], plan_mix(SUNG), seed=3, split_vocals=True)
    assert result.stereo.any()
    assert result.instrumental is not None
    assert not result.instrumental.any()


def test_measured_levels_and_sides_of_the_voices() -> None:
    plan = plan_of("pop")
    dry = tuple(replace(stem, reverb_send=0.0, delay_send=0.0, width=0.0) for stem in plan.stems)
    kept = mix_stems(stems(), replace(plan, stems=dry), seed=3, keep_stems=True).stems
    assert kept is not None
    lead, left, right, low, _ = (integrated_loudness_lufs(stem, SAMPLE_RATE_HZ) for stem in kept[:5])
    assert (left - lead, right - lead, low - lead) == pytest.approx((-9, -9, -7), abs=0.4)
    for stem, place in zip(kept[:5], plan.stems, strict=False):
        balance_db = decibels(stem[:, 1]) - decibels(stem[:, 0])
        assert np.sign(round(balance_db, 3)) == np.sign(place.pan)
        assert abs(balance_db) > 6 or place.pan == 0


def test_echoes_of_the_voice_fall_on_the_beat() -> None:
    click = np.zeros(FRAMES, np.float32)
    click[:600] = np.sin(2 * np.pi * 1000 * np.arange(600) / SAMPLE_RATE_HZ) * 0.3
    plan = plan_mix([("vocals", VOICE)])
    place = replace(plan.stems[0], reverb_send=0.0, delay_send=0.5)
    plan = replace(plan, stems=(place,), settings=replace(plan.settings, delay_beats=0.5))
    given = [StemAudio("vocals", VOICE, click)]
    kept = mix_stems(given, plan, seed=1, timing=Timing(90.0), keep_stems=True).stems
    assert kept is not None
    left, right = np.abs(kept[0]).T
    repeat = round(SAMPLE_RATE_HZ / 3)
    assert left[1500 : repeat - 100].max() < 1e-3 * left[repeat : repeat + 600].max()
    assert right[2 * repeat : 2 * repeat + 600].max() > 20 * left[2 * repeat : 2 * repeat + 600].max()
