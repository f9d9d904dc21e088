"""Our own instruments: in tune, on time, reproducible, clean; timbre_tags audible at unchanged level."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from noisician.corpus.voices import VOICES, render, sources
from noisician.corpus.voices.common import frame_times, shaped_noise
from noisician.corpus.voices.drones import DRONES
from noisician.corpus.voices.effects import apply_timbre_tags
from noisician.corpus.voices.engine import Bend, Ensemble, play
from noisician.corpus.voices.kits import KITS
from noisician.corpus.voices.oscillators import phase, read, saw, shaped, tables
from noisician.corpus.voices.samples import SAMPLE_KITS
from noisician.corpus.voices.synths import PATCHES
from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent
from noisician.styles import TIMBRE_TAGS, instruments

SYNTHESISED_KITS = tuple(kit for kit in KITS if kit not in SAMPLE_KITS)
UNISON = (
    "supersaw",
    "reese_bass",
    "wobble_bass",
    "string_machine",
    "analog_pad",
    "analog_lead",
    "saw_pluck",
    "stab",
    *DRONES,
)
EFFECT_HITS = ("impact", "sub_boom", "downlifter")


@pytest.fixture(scope="session")
def samples_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sample the kits name, as a short decaying tone after 20 ms of silence, at several rates."""
    folder = tmp_path_factory.mktemp("samples")
    for place, source in enumerate(sources()):
        rate = (44_100, 48_000, 22_050)[place % 3]
        times = np.arange(int(0.15 * rate)) / rate
        tone = np.concatenate([np.zeros(rate // 50), 0.8 * np.sin(2 * np.pi * 200 * times) * np.exp(-times / 0.03)])
        soundfile.write(folder / source.file, np.stack([tone, tone], axis=1)[:, : 1 + place % 2], rate)
    return folder


def middle(instrument_id: str) -> int:
    low, high = instruments()[instrument_id].range
    return 36 if instrument_id in KITS else (low + high) // 2


def note(pitch: int, start_s: float = 0.1, end_s: float = 0.6, velocity: int = 100) -> NoteEvent:
    return NoteEvent(pitch, start_s, end_s, velocity)


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def centroid_hz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ)) / np.sum(power))


def cents_off(sound: np.ndarray, hz: float) -> float:
    """Where the power of the first eight harmonics lies around ``hz``, cents."""
    size = 1 << 18
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) ** 2
    cents = np.linspace(-30, 30, 241)
    total = np.zeros(241)
    for k in range(1, 9):
        total += np.interp(hz * k * 2 ** (cents / 1200) * size / SAMPLE_RATE_HZ, np.arange(len(power)), power)
    weight = np.where(total > 0.25 * total.max(), total, 0.0)
    return float(np.sum(weight * cents) / np.sum(weight))


def test_every_instrument_without_soundfont_has_a_voice() -> None:
    own = {id_ for id_, instrument in instruments().items() if instrument.source["kind"] != "soundfont"}
    assert set(VOICES) == own
    assert len(VOICES) == len(own)


@pytest.mark.parametrize("voice", VOICES)
def test_sound_is_finite_clean_and_of_the_right_length(voice: str, samples_dir: Path) -> None:
    duration_s = 1.2345
    audio = render(voice, [note(middle(voice), 0.1, 0.9, 120)], duration_s, 3, samples_dir)
    assert audio.dtype == np.float32 and audio.shape == (round(duration_s * SAMPLE_RATE_HZ),)
    assert np.isfinite(audio).all()
    assert not audio[: int(0.099 * SAMPLE_RATE_HZ)].any()
    assert 0.1 < np.abs(audio).max() < 1.0
    assert abs(float(audio.mean())) < 0.01


@pytest.mark.parametrize("voice", VOICES)
def test_seed_decides_the_samples(voice: str, samples_dir: Path) -> None:
    notes = [note(middle(voice)), note(middle(voice), 0.7, 0.9, 60)]
    first, again = (render(voice, notes, 1.0, 5, samples_dir) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, render(voice, notes, 1.0, 6, samples_dir))


@pytest.mark.parametrize("voice", [voice for voice in PATCHES if voice not in UNISON])
def test_in_tune_within_three_cents(voice: str) -> None:
    for pitch in instruments()[voice].range:
        audio = render(voice, [note(pitch, 0.0, 1.6)], 1.6, 1)[SAMPLE_RATE_HZ // 4 :]
        assert abs(cents_off(audio, frequency_hz(pitch))) < 1.5


@pytest.mark.parametrize("voice", UNISON)
def test_unison_voices_are_detuned_evenly_about_the_true_pitch(voice: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        patch = DRONES[voice](rng)[0] if voice in DRONES else PATCHES[voice](rng)
        assert all(abs(sum(layer.detune_cents)) < 1e-9 for layer in patch.layers)
    pitch = middle(voice)
    plain = tuple(replace(layer, detune_cents=(0.0,), tremolo=(0.0, 0.0)) for layer in patch.layers)
    alone = replace(patch, layers=plain, bend=Bend(), ensemble=Ensemble())
    audio = play(alone, [note(pitch, 0.0, 1.6)], int(1.6 * SAMPLE_RATE_HZ), True, np.random.default_rng(0))
    assert abs(cents_off(audio[SAMPLE_RATE_HZ // 4 :], frequency_hz(pitch))) < 3.0


def test_unison_beats_stay_within_the_detune() -> None:
    off = [cents_off(render("supersaw", [note(72, 0.0, 2.0)], 2.0, seed), frequency_hz(72)) for seed in range(6)]
    assert abs(float(np.mean(off))) < 3.0


@pytest.mark.parametrize("voice", [*PATCHES, *SYNTHESISED_KITS, *EFFECT_HITS])
def test_starts_on_the_sample_grid(voice: str) -> None:
    for seed in range(2):
        audio = np.abs(render(voice, [note(middle(voice), 0.25, 0.75, 110)], 1.0, seed))
        onset = round(0.25 * SAMPLE_RATE_HZ)
        assert not audio[:onset].any()
        attack = audio[onset : onset + int(0.003 * SAMPLE_RATE_HZ)].max()
        slow = voice in ("analog_pad", "string_machine", "glass_pad")
        assert attack > (0.0005 if slow else 0.02) * audio.max()


def test_sampled_hits_start_within_three_milliseconds(samples_dir: Path) -> None:
    for kit in SAMPLE_KITS:
        audio = np.abs(render(kit, [note(38, 0.25, 0.35, 110)], 0.6, 1, samples_dir))
        start = int(np.argmax(audio > 0.1 * audio.max())) / SAMPLE_RATE_HZ
        assert abs(start - 0.25) < 0.003


@pytest.mark.parametrize("voice", [*PATCHES, *DRONES])
def test_releases_within_one_and_a_half_seconds(voice: str) -> None:
    audio = render(voice, [note(middle(voice), 0.0, 0.4, 110)], 4.0, 2)
    hall_s = 1.5 if voice in DRONES else 0.0
    assert np.abs(audio[int((1.9 + hall_s) * SAMPLE_RATE_HZ) :]).max() < 0.004 * np.abs(audio).max()


@pytest.mark.parametrize("voice", PATCHES)
def test_velocity_is_louder_and_never_duller(voice: str) -> None:
    pitch = middle(voice)
    soft, loud = (render(voice, [note(pitch, 0.0, 0.5, velocity)], 2.1, 4) for velocity in (40, 120))
    assert rms(loud) > 2.5 * rms(soft)
    assert centroid_hz(loud) > 0.98 * centroid_hz(soft)


@pytest.mark.parametrize("voice", ["saw_pluck", "fm_bell", "stab", "sub_808"])
def test_plucked_and_struck_voices_decay(voice: str) -> None:
    audio = render(voice, [note(middle(voice), 0.0, 1.4)], 1.5, 1)
    assert rms(audio[int(1.2 * SAMPLE_RATE_HZ) : int(1.35 * SAMPLE_RATE_HZ)]) < 0.5 * rms(audio[: SAMPLE_RATE_HZ // 5])


def test_one_voice_bass_lets_go_of_the_note_before() -> None:
    early, late = note(40, 0.0, 0.5), note(47, 0.3, 0.6)
    both = render("sine_sub", [early, late], 1.0, 0)
    spectrum = np.abs(np.fft.rfft(both[int(0.35 * SAMPLE_RATE_HZ) : int(0.58 * SAMPLE_RATE_HZ)], 1 << 17))
    hz = np.fft.rfftfreq(1 << 17, 1 / SAMPLE_RATE_HZ)
    old, new = (spectrum[int(np.argmin(np.abs(hz - frequency_hz(pitch))))] for pitch in (40, 47))
    assert new > 5.0 * old


def test_high_notes_do_not_alias() -> None:
    for voice in ("chip_pulse", "saw_pluck", "fm_bell", "acid_bass"):
        pitch = instruments()[voice].range[1]
        audio = render(voice, [note(pitch, 0.0, 1.0, 127)], 1.0, 3)[4410 : 4410 + 32768]
        power = np.abs(np.fft.rfft(audio * np.blackman(len(audio)))) ** 2
        hz = np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE_HZ)
        cycle_hz = frequency_hz(pitch) / 2
        off = np.abs(hz / cycle_hz - np.round(hz / cycle_hz)) * cycle_hz
        stray = power[(off > 0.35 * cycle_hz) & (hz > 2.5 * frequency_hz(pitch))]
        assert stray.max() < 1e-6 * power.max()


def test_saw_table_is_the_fourier_series_of_a_sawtooth() -> None:
    cycle = tables(saw(50)[None, :])[0, :-1]
    turn = np.arange(len(cycle)) / len(cycle)
    middle_part = (turn > 0.1) & (turn < 0.9)
    assert np.abs(cycle - (1.0 - 2.0 * turn))[middle_part].max() < 0.05


def test_oscillator_reads_a_sine_at_the_asked_frequency() -> None:
    cycle = tables(np.array([[-1j]]))
    audio = read(cycle, phase(1000.0, SAMPLE_RATE_HZ, 0.0))
    assert np.abs(audio - np.sin(2 * np.pi * 1000.0 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)).max() < 2e-3


def test_rows_are_blended_in_straight_lines() -> None:
    cycles = tables(np.array([[-1j], [-3j]]))
    at = phase(441.0, 2000, 0.1)
    expected = 2.0 * read(cycles[:1], at)
    assert np.allclose(read(cycles, at, 0.5), expected, atol=1e-4)
    assert np.allclose(read(cycles, at, np.full(2000, 0.5, dtype=np.float32)), expected, atol=1e-4)


def test_waveshaped_table_keeps_only_the_allowed_harmonics() -> None:
    cycle = shaped(tables(np.array([[-1j]])), lambda x: np.sign(x), 5)[0, :-1]
    level = np.abs(np.fft.rfft(cycle)) / (len(cycle) / 2)
    assert level[1] == pytest.approx(4 / np.pi, rel=0.01) and level[3] == pytest.approx(4 / (3 * np.pi), rel=0.02)
    assert level[7:].max() < 1e-4


def test_shaped_noise_of_magnitude_one_is_white_with_unit_variance() -> None:
    audio = shaped_noise(88_200, np.ones((len(frame_times(88_200)), 1)), np.random.default_rng(0))
    assert rms(audio) == pytest.approx(1.0, rel=0.03)
    assert rms(audio[:2000]) == pytest.approx(1.0, rel=0.25) and rms(audio[-2000:]) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("kit", KITS)
def test_every_percussion_key_sounds_and_dies_away(kit: str, samples_dir: Path) -> None:
    keys = list(range(35, 82))
    hits = [note(key, 0.02 + 0.15 * place, 0.1 + 0.15 * place) for place, key in enumerate(keys)]
    audio = render(kit, hits, 0.15 * len(keys) + 4.0, 0, samples_dir)
    for hit in hits:
        start = round(hit.start_s * SAMPLE_RATE_HZ)
        assert np.abs(audio[start : start + 2000]).max() > 0.03, hit.pitch
    assert np.abs(audio[-4410:]).max() < 0.004


@pytest.mark.parametrize("kit", SYNTHESISED_KITS)
def test_kick_is_low_and_hat_is_high(kit: str) -> None:
    kick, hat = (render(kit, [note(key, 0.0, 0.1)], 0.8, 1) for key in (36, 42))
    power = np.abs(np.fft.rfft(kick)) ** 2
    hz = np.fft.rfftfreq(len(kick), 1 / SAMPLE_RATE_HZ)
    assert power[hz < 200].sum() > 0.6 * power.sum()
    assert centroid_hz(hat) > 3000.0


def test_closed_hat_chokes_the_open_one() -> None:
    open_hat, closed = note(46, 0.1, 0.2), note(42, 0.2, 0.25)
    alone = render("trap_kit", [open_hat], 1.0, 0)
    choked = render("trap_kit", [open_hat, closed], 1.0, 0)
    tail = slice(int(0.45 * SAMPLE_RATE_HZ), int(0.55 * SAMPLE_RATE_HZ))
    assert rms(choked[tail]) < 0.2 * rms(alone[tail])


def test_a_hit_does_not_depend_on_what_is_played_around_it() -> None:
    alone = render("tr909_kit", [note(36, 0.5, 0.6)], 0.55, 9)
    with_others = render("tr909_kit", [note(36, 0.5, 0.6), note(49, 0.54, 0.6)], 0.54, 9)
    assert np.array_equal(alone[: len(with_others)], with_others)


def test_riser_rises_and_peaks_at_its_end() -> None:
    audio = render("noise_riser", [note(60, 0.5, 3.5, 110)], 4.0, 2)
    quarters = [
        audio[int((0.5 + k * 0.75) * SAMPLE_RATE_HZ) : int((1.25 + k * 0.75) * SAMPLE_RATE_HZ)] for k in range(4)
    ]
    assert all(rms(later) > 1.3 * rms(earlier) for earlier, later in pairwise(quarters))
    assert centroid_hz(quarters[3]) > 1.5 * centroid_hz(quarters[0])
    assert 3.1 < np.argmax(np.abs(audio)) / SAMPLE_RATE_HZ <= 3.5
    assert not audio[int(3.51 * SAMPLE_RATE_HZ) :].any()


def test_downlifter_falls_and_reverse_swell_ends_at_the_end() -> None:
    fall = render("downlifter", [note(60, 0.0, 2.0, 110)], 2.2, 2)
    half = SAMPLE_RATE_HZ
    assert rms(fall[:half]) > 2 * rms(fall[half:]) and centroid_hz(fall[:half]) > centroid_hz(fall[half : 2 * half])
    swell = render("reverse_swell", [note(60, 0.0, 2.0, 110)], 2.2, 2)
    assert rms(swell[int(1.7 * half) : 2 * half]) > 3 * rms(swell[:half])
    assert not swell[2 * half + 1 :].any()


@pytest.mark.parametrize("voice", ["vinyl_crackle", "rain", "wind", "room_tone", "birdsong", "static_glitch"])
def test_beds_last_as_long_as_their_note(voice: str) -> None:
    audio = render(voice, [note(60, 0.5, 3.0)], 4.0, 1)
    assert not audio[: SAMPLE_RATE_HZ // 2].any() and not audio[3 * SAMPLE_RATE_HZ + 1 :].any()
    assert rms(audio[SAMPLE_RATE_HZ : 2 * SAMPLE_RATE_HZ]) > 0.005


def test_sampled_kits_say_where_to_get_the_samples(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="sonic-pi"):
        render("lofi_kit", [note(36)], 1.0, 0, None)
    with pytest.raises(CorpusError, match="does not exist"):
        render("tabla_kit", [note(36)], 1.0, 0, tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="cannot read the sample"):
        render("club_kit", [note(36)], 1.0, 0, tmp_path)


def test_sources_are_cc0_and_named_once() -> None:
    listed = sources()
    assert {source.licence for source in listed} == {"CC0-1.0"}
    assert len({source.file for source in listed}) == len(listed) > 100


def test_unknown_voice_is_refused() -> None:
    with pytest.raises(CorpusError, match="grand_piano"):
        render("grand_piano", [], 1.0, 0)


def test_no_notes_is_silence() -> None:
    assert not render("supersaw", [], 0.5, 0).any() and not render("rain", [], 0.5, 0).any()


@pytest.fixture(scope="module")
def phrase() -> np.ndarray:
    notes = [note(48 + 4 * k, 0.1 + 0.3 * k, 0.35 + 0.3 * k) for k in range(5)]
    return render("supersaw", notes, 2.0, 0)


@pytest.mark.parametrize("tag", TIMBRE_TAGS)
def test_timbre_tags_keep_level_and_are_reproducible(tag: str, phrase: np.ndarray) -> None:
    treated = apply_timbre_tags(phrase, (tag,), 7)
    assert treated.shape == phrase.shape and treated.dtype == np.float32 and np.isfinite(treated).all()
    assert abs(20 * np.log10(rms(treated) / rms(phrase))) < 1.0
    assert np.abs(treated).max() <= max(0.98, float(np.abs(phrase).max())) + 1e-6
    assert np.array_equal(treated, apply_timbre_tags(phrase, (tag,), 7))
    assert rms(treated - phrase) > 0.1 * rms(phrase)


def test_bright_and_dark_move_the_spectrum(phrase: np.ndarray) -> None:
    middle_hz = centroid_hz(phrase)
    for seed in range(3):
        assert centroid_hz(apply_timbre_tags(phrase, ("bright",), seed)) > 1.2 * middle_hz
        assert centroid_hz(apply_timbre_tags(phrase, ("dark",), seed)) < 0.7 * middle_hz


def test_driven_adds_harmonics_to_a_sine() -> None:
    sine = (0.3 * np.sin(2 * np.pi * 220.5 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)).astype(np.float32)
    level = np.abs(np.fft.rfft(apply_timbre_tags(sine, ("driven",), 0), SAMPLE_RATE_HZ * 2))
    third = level[1323 - 3 : 1323 + 4].max()
    assert third > 0.05 * level.max()


def test_lofi_stays_in_band_in_tune_and_in_time() -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(2 * SAMPLE_RATE_HZ)).astype(np.float32)
    power = np.abs(np.fft.rfft(apply_timbre_tags(noise, ("lofi",), 1))) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE_HZ)
    assert power[(hz > 10_000) | (hz < 50)].sum() < 0.01 * power.sum()
    clicks = np.zeros(4 * SAMPLE_RATE_HZ, dtype=np.float32)
    clicks[5000::11025] = 0.8
    treated = np.abs(apply_timbre_tags(clicks, ("lofi",), 3))
    for place in range(5000, len(clicks) - 2000, 11025):
        window = treated[place - 2000 : place + 2000]
        assert abs(int(np.argmax(window)) - 2000) < 0.002 * SAMPLE_RATE_HZ


def test_silence_stays_silent_and_unknown_tags_are_refused() -> None:
    silence = np.zeros(1000, dtype=np.float32)
    assert not apply_timbre_tags(silence, ("lofi", "driven"), 0).any()
    with pytest.raises(CorpusError, match="'loud'"):
        apply_timbre_tags(silence, ("loud",), 0)
