"""The local engine: any stretch is the same stretch of the whole, and nothing is heard beyond its reach."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.loudness import dc_offset, integrated_loudness_lufs, true_peak_dbtp
from noisician.mix import (
    ENGINE,
    Finish,
    Mixdown,
    Mixer,
    MixPlan,
    StemAudio,
    Threads,
    Timing,
    changed_span,
    mix_stems,
    new_strip,
    plan_mix,
    reach,
)
from noisician.mix.filters import SAMPLE_RATE_HZ
from noisician.mix.grid import CHUNK, ROW
from noisician.score.model import VOICE
from noisician.styles import table

FRAMES = 2 * CHUNK + 1000  # 2.2 s, the last chunk and the last hop are short
TIMING = Timing(150.0, (0.0, 0.4, 0.8, 1.2, 1.6, 2.0), ((0.0, 0.3), (1.0, 0.9)))
BAND = (("drums", "electronic_kit"), ("pad", "warm_pad"), ("lead", "flute"))
SONG = (("vocals", VOICE), ("harmony", VOICE), *BAND)
NAMES = {roster: [f"{role}-{number}" for number, (role, _) in enumerate(roster)] for roster in (BAND, SONG)}
#: Players of these genres are treated.
TAGS = {"lofi_hip_hop": ("lofi",), "metal": ("driven",)}


def plan_of(genre: str, roster: tuple[tuple[str, str], ...]) -> MixPlan:
    tags = [() if "voice" in part else TAGS.get(genre, ()) for part in roster]
    return plan_mix(roster, [(genre, 1.0)], timbre_tags=tags)


@cache
def dry(roster: tuple[tuple[str, str], ...], frames: int = FRAMES) -> dict[str, np.ndarray]:
    """Bursts of tone and noise, other ones for every player; the drums have a side."""
    t = np.arange(frames) / SAMPLE_RATE_HZ
    rng = np.random.default_rng(7)
    stems = {}
    for number, name in enumerate(NAMES[roster]):
        tone = np.sin(2 * np.pi * 110 * (number + 2) * t) + 0.3 * rng.standard_normal(frames)
        stems[name] = (0.2 * tone * (t * (3 + number) % 1 < 0.6)).astype(np.float32)
        if name.startswith("drums"):
            stems[name] = np.stack([stems[name], 0.4 * stems[name] * (t % 0.4 < 0.2)]).astype(np.float32)
    return stems


def first(
    genre: str = "house",
    roster: tuple[tuple[str, str], ...] = BAND,
    *,
    loop: bool = False,
    frames: int = FRAMES,
    keep: bool = False,
) -> Mixdown:
    stems = [StemAudio(*part, samples) for part, samples in zip(roster, dry(roster, frames).values(), strict=True)]
    return mix_stems(
        iter(stems),
        plan_of(genre, roster),
        seed=3,
        timing=TIMING,
        finish=Finish(loop=loop, fade_out_s=0.0),
        keep_stems=keep,
        split_vocals=True,
        engine=ENGINE,
        keys=NAMES[roster],
    )


@cache
def kept(genre: str = "house", roster: tuple[tuple[str, str], ...] = BAND, loop: bool = False) -> Mixdown:
    return first(genre, roster, loop=loop)


def without_side(stem: np.ndarray) -> np.ndarray:
    return stem if stem.ndim == 1 else stem[0]


def mixer_of(mixdown: Mixdown, stems: dict[str, np.ndarray], workers: int = 1) -> Mixer:
    assert mixdown.mix is not None
    return Mixer.of(mixdown.mix, stems, TIMING, threads=Threads(workers))


# ------------------------------------------------------------------------------------------------ the first mix


@pytest.mark.parametrize("genre", ["house", "lofi_hip_hop", "ambient", "metal", "classical"])
@pytest.mark.parametrize("loop", [False, True])
def test_loudness_true_peak_and_dc_of_the_first_mix(genre: str, loop: bool) -> None:
    result = first(genre, SONG, loop=loop)
    assert result.instrumental is not None
    assert integrated_loudness_lufs(result.stereo, SAMPLE_RATE_HZ) == pytest.approx(-14.0, abs=0.3)
    for track in (result.stereo, result.instrumental):
        assert track.shape == (FRAMES, 2)
        assert track.dtype == np.float32
        assert true_peak_dbtp(track) <= -1.0
        assert dc_offset(track) < 1e-3


@pytest.mark.parametrize("genre", ["house", "lofi_hip_hop", "ambient"])
def test_it_sounds_as_with_the_first_engine(genre: str) -> None:
    stems = [StemAudio(*part, without_side(stem)) for part, stem in zip(SONG, dry(SONG).values(), strict=True)]
    plan, finish = plan_of(genre, SONG), Finish(fade_out_s=0.0)
    before = mix_stems(stems, plan, seed=3, timing=TIMING, finish=finish).stereo
    after = mix_stems(stems, plan, seed=3, timing=TIMING, finish=finish, engine=ENGINE).stereo
    settled = slice(CHUNK, None)  # the first engine's envelopes start settled, these start from silence
    assert np.std((after - before)[settled]) < 0.04 * np.std(before[settled])


@pytest.mark.parametrize("frames", [1, 62, ROW + 1])
@pytest.mark.parametrize("loop", [False, True])
def test_very_short_pieces_and_silence(frames: int, loop: bool) -> None:
    short = first("ambient", SONG, loop=loop, frames=frames)
    assert short.stereo.shape == (frames, 2)
    assert np.isfinite(short.stereo).all()
    silent = {name: np.zeros(frames, np.float32) for name in NAMES[SONG]}
    track = mixer_of(short, silent).track()
    assert not track.any()
    plan = plan_mix(BAND)
    nothing = [StemAudio(*part, np.zeros(frames, np.float32)) for part in BAND]
    result = mix_stems(nothing, plan, seed=1, finish=Finish(loop=loop), engine=ENGINE)
    assert not result.stereo.any()
    assert result.gains_db == (0.0,) * len(BAND)


@pytest.mark.parametrize("kind", ["noise", "fast square", "clicks"])
@pytest.mark.parametrize("loop", [False, True])
def test_the_limiter_holds_its_ceiling_without_seeing_the_whole(kind: str, loop: bool) -> None:
    t = np.arange(FRAMES)
    signals = {
        "noise": np.random.default_rng(5).uniform(-1, 1, FRAMES),
        "fast square": np.sign(np.sin(np.pi * t / 2 + 0.3)),
        "clicks": (t % 11025 == 0) * 1.0,
    }
    stem = StemAudio("drums", "electronic_kit", signals[kind].astype(np.float32))
    plan = plan_mix([("drums", "electronic_kit")], [("metal", 1.0)])
    result = mix_stems([stem], plan, seed=1, finish=Finish(loop=loop), engine=ENGINE)
    assert true_peak_dbtp(result.stereo) <= -1.0


def test_level_by_true_peak_alone_and_fades() -> None:
    stem = StemAudio("lead", "flute", dry(BAND)["lead-2"])
    plan = plan_mix([("lead", "flute")])
    finish = Finish(loudness_lufs=None)
    result = mix_stems([stem], plan, seed=1, finish=finish, engine=ENGINE)
    assert true_peak_dbtp(result.stereo) == pytest.approx(-1.1, abs=0.1)
    assert result.mix is not None
    faded = Mixer.of(result.mix.with_fades(0.5, 1.0), {"1": stem.samples}, Timing()).track()
    half_in, half_out = round(0.25 * SAMPLE_RATE_HZ), FRAMES - round(0.5 * SAMPLE_RATE_HZ)
    middle = slice(round(0.6 * SAMPLE_RATE_HZ), FRAMES - round(1.1 * SAMPLE_RATE_HZ))
    assert faded[middle].tobytes() == result.stereo[middle].tobytes()
    for at in (half_in, half_out):
        beside = slice(at - 200, at + 200)
        assert np.std(faded[beside]) == pytest.approx(np.sqrt(0.5) * np.std(result.stereo[beside]), rel=0.02)


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RequestError, match="mix engine 7"):
        mix_stems([], plan_mix(BAND), seed=1, engine=7)


# -------------------------------------------------------------------------------------- stretches


@pytest.mark.parametrize("genre", ["house", "lofi_hip_hop"])
@pytest.mark.parametrize("loop", [False, True])
def test_numbers_and_dry_stems_give_the_first_mix_again(genre: str, loop: bool) -> None:
    mixdown = kept(genre, SONG, loop)
    track, instrumental = mixer_of(mixdown, dry(SONG), workers=2).track_and_instrumental()
    assert track.tobytes() == mixdown.stereo.tobytes()
    assert mixdown.instrumental is not None
    assert instrumental.tobytes() == mixdown.instrumental.tobytes()


@pytest.mark.parametrize("roster", [BAND[:2], (SONG[0], BAND[0])])
def test_a_long_loop_still_has_its_start_when_its_end_is_mixed(roster: tuple[tuple[str, str], ...]) -> None:
    """The stems are let go as they come in, and chunks once they are behind: 20 chunks and a bit."""
    frames = 20 * CHUNK + 12_345
    stems = [StemAudio(*part, np.resize(dry(BAND)[NAMES[BAND][0]], frames)) for part in roster]
    keys = [role for role, _ in roster]
    mixdown = mix_stems(
        iter(stems), plan_mix(roster, [("house", 1.0)]), seed=3, timing=TIMING, finish=Finish(loop=True),
        split_vocals=True, engine=ENGINE, keys=keys,
    )  # fmt: skip
    assert mixdown.mix is not None and mixdown.instrumental is not None
    mixer = Mixer.of(mixdown.mix, dict(zip(keys, (stem.samples for stem in stems), strict=True)), TIMING)
    assert mixer.track().tobytes() == mixdown.stereo.tobytes()


@given(st.integers(0, FRAMES - 1), st.integers(1, FRAMES), st.booleans(), st.booleans())
@settings(max_examples=8, deadline=None)
def test_any_stretch_is_that_stretch_of_the_whole(start: int, length: int, loop: bool, voices: bool) -> None:
    mixdown = kept("lofi_hip_hop", SONG, loop)
    whole = mixdown.stereo if voices else mixdown.instrumental
    assert whole is not None
    stop = min(start + length, FRAMES)
    stretch = mixer_of(mixdown, dry(SONG)).span(start, stop, voices=voices)
    assert stretch.tobytes() == whole[start:stop].tobytes()


def test_blocks_go_from_anywhere_to_the_end_on_any_number_of_threads() -> None:
    mixdown = kept()
    for workers in (1, 3):
        blocks = list(mixer_of(mixdown, dry(BAND), workers).blocks(from_s=1.3))
        assert blocks[0][0] == CHUNK
        assert np.concatenate([block for _, block in blocks]).tobytes() == mixdown.stereo[CHUNK:].tobytes()


@pytest.mark.parametrize("frames", [ROW // 3, ROW + 100])
def test_a_loop_shorter_than_what_rings_goes_round_and_round(frames: int) -> None:
    mixdown = first("house", BAND, loop=True, frames=frames)
    again = mixer_of(mixdown, dry(BAND, frames)).span(frames // 2, frames)
    assert again.tobytes() == mixdown.stereo[frames // 2 :].tobytes()
    # Two rounds are a loop as well, and the same one; but a chorus fits each length in its own way.
    assert mixdown.mix is not None
    mix, timing = mixdown.mix.without("pad-1"), replace(TIMING, kicks_s=(), energies=())
    twice = {name: np.tile(stem, 2) for name, stem in dry(BAND, frames).items()}
    once, both = (Mixer.of(mix, stems, timing).track() for stems in (dry(BAND, frames), twice))
    assert np.abs(both[:frames] - once).max() < 0.02 * np.abs(once).max()


@pytest.mark.parametrize("loop", [False, True])
def test_no_seam_between_chunks_or_at_the_ends_of_a_loop(loop: bool) -> None:
    frames = np.arange(FRAMES)
    tone = (0.1 * np.sin(2 * np.pi * 900 * frames / FRAMES)).astype(np.float32)
    plan = plan_mix([("pad", "warm_pad")], [("lofi_hip_hop", 1.0)])
    track = mix_stems(
        [StemAudio("pad", "warm_pad", tone)], plan, seed=2, finish=Finish(loop=loop), engine=ENGINE
    ).stereo
    bends = np.abs(np.diff(np.concatenate([track, track[:100]]) if loop else track[50:-1000], n=2, axis=0)).max(axis=1)
    at = np.arange(len(bends)) + (0 if loop else 50)
    borders = np.min(np.abs(at[:, None] - np.array([CHUNK, 2 * CHUNK, FRAMES])), axis=1) < 4
    assert bends[borders].max() <= 1.02 * bends[~borders].max()


# ------------------------------------------------------------------------------------------------ edits


@given(
    st.sampled_from(NAMES[SONG]),
    st.integers(0, FRAMES - ROW),
    st.integers(ROW, CHUNK),
    st.sampled_from(["metal", "lofi_hip_hop"]),
    st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_a_change_of_a_stem_changes_nothing_outside_its_span(
    key: str, start: int, length: int, genre: str, loop: bool
) -> None:
    mixdown = kept(genre, SONG, loop)
    assert mixdown.mix is not None
    stop = min(start + length, FRAMES)
    stems = dict(dry(SONG))
    stems[key] = stems[key].copy()
    stems[key][..., start:stop] = 0.3 * np.random.default_rng(start).standard_normal(stop - start)
    changed = (mixer_of(mixdown, stems).track() != mixdown.stereo).any(axis=1)
    span = changed_span(mixdown.mix, TIMING, key, start, stop)
    allowed = np.zeros(FRAMES, bool)
    if loop:
        allowed[np.arange(span[0], min(span[1], span[0] + FRAMES)) % FRAMES] = True
    else:
        allowed[max(span[0], 0) : span[1]] = True
    assert changed[start:stop].any()
    assert not changed[~allowed].any()


def test_reach_is_the_longest_span_and_short_enough() -> None:
    mix = kept("house", SONG).mix
    assert mix is not None
    before_s, after_s = reach(mix, TIMING, "drums-2")
    for start in (0, 1000, ROW - 1, 5 * ROW + 17):
        first_frame, last = changed_span(mix, TIMING, "drums-2", start, start + 5000)
        assert start - first_frame <= before_s * SAMPLE_RATE_HZ
        assert last - start - 5000 <= after_s * SAMPLE_RATE_HZ
    whole = reach(mix, TIMING)
    assert whole[0] >= before_s
    assert whole[1] >= after_s
    with pytest.raises(RequestError, match="no player 'kazoo'"):
        reach(mix, TIMING, "kazoo")


def test_the_reach_of_players_is_under_3_s_in_nearly_all_genres() -> None:
    players = (("drums", "standard_kit"), ("bass", "synth_bass"), ("chords", "grand_piano"), ("lead", "flute"))
    keys, reaches_s = [role for role, _ in players], []
    for name, genre in table("genres").items():
        plan = plan_mix(players, [(name, 1.0)])
        silence = [StemAudio(*part, np.zeros(1, np.float32)) for part in players]
        mix = mix_stems(silence, plan, seed=1, engine=ENGINE, keys=keys).mix
        assert mix is not None
        reaches_s += [reach(mix, Timing(genre["tempo_bpm"][1]), key)[1] for key in keys]
    assert np.mean(np.array(reaches_s) <= 3.0) >= 0.95
    assert max(reaches_s) < 4.5


def test_muted_is_absent_and_every_edit_has_an_inverse() -> None:
    mixdown = kept("house", SONG)
    mix, stems = mixdown.mix, dry(SONG)
    assert mix is not None

    def track(changed: object) -> bytes:
        return Mixer.of(changed, stems, TIMING).span(CHUNK, 2 * CHUNK).tobytes()  # type: ignore[arg-type]

    original = mixdown.stereo[CHUNK : 2 * CHUNK].tobytes()
    for key in ("vocals-0", "pad-3"):
        muted = mix.adjusted(key, muted=True)
        assert track(muted) == track(mix.without(key)) != original
        assert track(muted.adjusted(key, muted=False)) == original
    softer = mix.adjusted("lead-4", fader_db=-6.0, pan=0.5)
    assert track(softer) != original
    assert track(softer.adjusted("lead-4", fader_db=0.0, pan=mix.strip("lead-4").place.pan)) == original


def test_a_fader_moves_the_stem_by_its_decibels() -> None:
    mixdown = kept()
    mix = mixdown.mix
    assert mix is not None
    before, after = (
        Mixer.of(each, dry(BAND), TIMING).stem("lead-2", CHUNK, 2 * CHUNK)
        for each in (mix, mix.adjusted("lead-2", fader_db=-20.0))
    )
    assert after == pytest.approx(0.1 * before, abs=1e-6)
    assert not Mixer.of(mix.adjusted("lead-2", muted=True), dry(BAND), TIMING).stem("lead-2").any()


def test_one_more_player_leaves_the_others_and_what_is_far_alone() -> None:
    mixdown = kept("metal")
    mix = mixdown.mix
    assert mix is not None
    start, stop = CHUNK, CHUNK + 3000
    guitar = np.zeros(FRAMES, np.float32)
    guitar[start:stop] = 0.1 * np.random.default_rng(3).standard_normal(stop - start)
    strip = new_strip(mix, "chords-9", "chords", "clean_guitar", guitar)
    grown = mix.with_player(strip)
    assert grown.strips[: len(BAND)] == mix.strips
    assert strip.place.stream not in {each.place.stream for each in mix.strips}
    track = Mixer.of(grown, {**dry(BAND), "chords-9": guitar}, TIMING).track()
    changed = np.flatnonzero((track != mixdown.stereo).any(axis=1))
    span = changed_span(grown, TIMING, "chords-9", start, stop)
    assert span[0] <= changed[0] <= start
    assert stop <= changed[-1] < span[1]
    assert grown.without("chords-9") == mix


def test_a_longer_piece_begins_with_the_same_samples() -> None:
    mixdown = kept("lofi_hip_hop")
    assert mixdown.mix is not None
    more = CHUNK + 77
    longer = {name: np.concatenate([stem, stem[..., :more]], axis=-1) for name, stem in dry(BAND).items()}
    track = Mixer.of(mixdown.mix, longer, TIMING).track()
    same = FRAMES - 2 * ROW - 4000  # the reach before a change, the shortest fade at the end
    assert track[:same].tobytes() == mixdown.stereo[:same].tobytes()


def test_remastering_keeps_the_strips_and_brings_the_loudness_back() -> None:
    mixdown = kept("house")
    mix = mixdown.mix
    assert mix is not None
    quiet = mix
    for key in NAMES[BAND]:
        quiet = quiet.adjusted(key, fader_db=-9.0)
    mixer = Mixer.of(quiet, dry(BAND), TIMING)
    assert integrated_loudness_lufs(mixer.track(), SAMPLE_RATE_HZ) < -18
    again = Mixer.of(quiet, dry(BAND), TIMING).remastered()
    assert again.mix.strips == quiet.strips
    assert integrated_loudness_lufs(again.track(), SAMPLE_RATE_HZ) == pytest.approx(-14.0, abs=0.3)
    assert Mixer.of(again.mix, dry(BAND), TIMING).span(0, 99).tobytes() == again.track()[:99].tobytes()


@pytest.mark.parametrize("loop", [False, True])
def test_kept_stems_are_the_mixers_and_sum_to_the_mix_before_mastering(loop: bool) -> None:
    mixdown = first("house", SONG, loop=loop, keep=True)
    assert mixdown.stems is not None
    mixer = mixer_of(mixdown, dry(SONG))
    start, stop = CHUNK - 500, 2 * CHUNK + 300
    for key, stem in zip(NAMES[SONG], mixdown.stems, strict=True):
        assert mixer.stem(key, start, stop).tobytes() == np.ascontiguousarray(stem[start:stop]).tobytes()
    total = np.sum(mixdown.stems, axis=0)
    assert mixer.premaster(start, stop) == pytest.approx(total[start:stop], abs=1e-5)


@pytest.mark.parametrize(("genre", "loop"), [("metal", False), ("lofi_hip_hop", True)])
def test_shares_of_the_stems_sum_to_the_track(genre: str, loop: bool) -> None:
    mixdown = first(genre, SONG, loop=loop, keep=True)
    assert mixdown.stems is not None and mixdown.mix is not None
    total = np.sum(mixdown.stems, axis=0)
    mixer = Mixer.of_premaster(mixdown.mix, np.ascontiguousarray(total.T), TIMING, threads=Threads(1))
    shares = [mixer.share(stem) for stem in mixdown.stems]
    assert np.sum(shares, axis=0) == pytest.approx(mixdown.stereo, abs=10 ** (-90 / 20))
    silent = mixer.share(np.zeros_like(total))
    assert not silent.any()
    # Not only the sum is right: each stem stays where it was, or one of them could hold the whole.
    for stem, share in zip(mixdown.stems, shares, strict=True):
        assert np.abs(share).max() < 8 * np.abs(stem).max()


@pytest.mark.parametrize("genre", ["house", "lofi_hip_hop", "metal"])
def test_a_side_moves_a_kit_and_leaves_the_sum_of_left_and_right(genre: str) -> None:
    """Driven, and giving way to a voice, as well as plain."""
    mixdown = kept(genre, SONG)
    stems = dry(SONG)
    key = next(name for name in stems if name.startswith("drums"))
    placed = mixer_of(mixdown, stems).stem(key)
    plain = mixer_of(mixdown, {**stems, key: stems[key][0]}).stem(key)
    left, right = (placed - plain).T
    assert np.abs(left + right).max() < 1e-3 * np.abs(left).max()  # -60 dB
    moved = np.arange(len(placed)) / SAMPLE_RATE_HZ % 0.4 < 0.2
    heard = moved & (np.abs(plain).max(axis=1) > 0.01)
    power = np.square(placed[heard], dtype=np.float64).sum(axis=0)
    even = np.square(plain[heard], dtype=np.float64).sum(axis=0)
    # What is driven into its ceiling is as loud on both sides.
    least = {"metal": 1.15, "lofi_hip_hop": 1.5, "house": 3.0}
    assert power[0] / power[1] > least[genre] * even[0] / even[1]


def test_wrong_stems_are_refused_in_one_line() -> None:
    mix = kept().mix
    assert mix is not None
    stems = dict(dry(BAND))
    for given_stems, words in (
        ({name: stem for name, stem in stems.items() if name != "pad-1"}, "no stem for 'pad-1'"),
        ({**stems, "pad-1": np.zeros(7, np.float32)}, "one length"),
        ({name: stem[:0] for name, stem in stems.items()}, "not of 0"),
    ):
        with pytest.raises(RequestError, match=words) as caught:
            Mixer.of(mix, given_stems, TIMING)
        assert "\n" not in str(caught.value)
    with pytest.raises(RequestError, match="frames 5 to 5"):
        Mixer.of(mix, stems, TIMING).span(5, 5)
