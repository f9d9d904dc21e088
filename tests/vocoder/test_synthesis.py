"""The excitation's exactness and the vocoder's pieces, on a stand-in network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.diffusion.noise import NoiseField
from noisician.errors import Cancelled
from noisician.evaluate.attacks import pre_echo_db
from noisician.mel import BINS, HOP, LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ, log_mel, mel_filters
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, instruments
from noisician.vocoder import Vocoder, synthesis
from noisician.vocoder.excitation import DRUM_SINES, IMPULSE, excitation, frequency_hz, reach_s

FLUTE, PIANO, KIT, RAIN = (instruments()[id_] for id_ in ("flute", "grand_piano", "standard_kit", "rain"))
RECEPTIVE_FRAMES = 18  # on each side, of six blocks of kernel 7


# --- excitation ---------------------------------------------------------------------------------------------


@st.composite
def parts(draw: st.DrawFn) -> tuple[Instrument, list[NoteEvent]]:
    instrument = draw(st.sampled_from((FLUTE, PIANO, KIT)))
    pitches = st.sampled_from([*sorted(DRUM_SINES), 42]) if instrument is KIT else st.sampled_from([40, 69, 95])
    starts, lengths = st.floats(-0.5, 1.2), st.floats(0.0, 0.7)
    notes = draw(st.lists(st.tuples(pitches, starts, lengths), max_size=4))
    return instrument, [NoteEvent(pitch, start, start + length, 90) for pitch, start, length in notes]


@settings(deadline=None, max_examples=40)
@given(part=parts(), first=st.integers(-9000, 90_000), length=st.integers(1, 30_000))
def test_any_stretch_equals_that_stretch_of_the_whole(
    part: tuple[Instrument, list[NoteEvent]], first: int, length: int
) -> None:
    instrument, notes = part
    whole = excitation(notes, instrument, 130_000, -9000)
    stretch = excitation(notes, instrument, length, first)
    np.testing.assert_array_equal(stretch, whole[first + 9000 : first + 9000 + length])


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    below = int(1.4 * 440 / SAMPLE_RATE_HZ * (1 << 18))
    return float(spectrum[:below].argmax() * SAMPLE_RATE_HZ / (1 << 18))


def test_a_note_sounds_at_its_frequency() -> None:
    assert frequency_hz(69) == 440
    assert frequency_hz(57) == pytest.approx(220)
    samples = excitation([NoteEvent(69, 0.0, 1.0, 90)], FLUTE, SAMPLE_RATE_HZ)
    assert loudest_hz(samples) == pytest.approx(440, abs=0.3)


def test_a_notes_harmonics_are_equal_and_end_at_18_khz() -> None:
    samples = excitation([NoteEvent(69, 0.0, 1.0, 90)], FLUTE, SAMPLE_RATE_HZ)
    levels = np.abs(np.fft.rfft(samples.astype(np.float64)))[440::440]  # bins are 1 Hz apart
    assert levels[:40] == pytest.approx(levels[0], rel=1e-3)
    assert levels[40:].max() < 1e-3 * levels[0]


def test_the_level_does_not_depend_on_the_pitch() -> None:
    powers = [excitation([NoteEvent(pitch, 0.0, 1.0, 90)], FLUTE, SAMPLE_RATE_HZ).std() for pitch in (33, 57, 81, 100)]
    assert powers == pytest.approx([np.sqrt(0.5)] * 4, rel=0.05)


@pytest.mark.parametrize("instrument", [FLUTE, PIANO])
def test_ringing_starts_at_full_level_falls_and_ends(instrument: Instrument) -> None:
    end = SAMPLE_RATE_HZ // 2
    reach = round(reach_s(instrument) * SAMPLE_RATE_HZ)
    samples = excitation([NoteEvent(69, 0.0, 0.5, 90)], instrument, 3 * SAMPLE_RATE_HZ)
    sounding, early, late = (samples[at : at + 4410].std() for at in (end - 4410, end, end + reach // 2))
    assert early == pytest.approx(sounding, rel=0.15)
    assert late < 0.8 * early
    assert samples[end + reach - 4410 : end + reach].any()
    assert not samples[end + reach :].any()
    assert np.abs(samples[end + reach - 50 : end + reach]).max() < 0.02 * np.abs(samples).max()


def test_a_drum_hit_is_an_impulse_at_its_time_over_its_sine() -> None:
    hat = excitation([NoteEvent(42, 0.1, 0.2, 90)], KIT, SAMPLE_RATE_HZ // 2)
    assert np.flatnonzero(hat).tolist() == [4410]
    assert hat[4410] == IMPULSE
    kick = excitation([NoteEvent(36, 0.1, 0.2, 90)], KIT, SAMPLE_RATE_HZ // 2)
    assert not kick[:4410].any()
    assert kick[4411:8000].any()


def test_noise_instruments_no_notes_and_notes_elsewhere_give_silence() -> None:
    note = NoteEvent(60, 0.0, 1.0, 90)
    assert not excitation([note], RAIN, 4000).any()
    assert not excitation([], FLUTE, 4000).any()
    assert not excitation([note], FLUTE, 4000, first_sample=3 * SAMPLE_RATE_HZ).any()
    assert not excitation([note], FLUTE, 4000, first_sample=-4000).any()


# --- synthesis ----------------------------------------------------------------------------------------------


def network(log_mel: np.ndarray, log_excitation: np.ndarray) -> list[np.ndarray]:
    """Bins as loud as their mel band, averaged over all the frames the real network sees."""
    reach = 2 * RECEPTIVE_FRAMES + 1
    padded = np.pad(log_mel[0], ((RECEPTIVE_FRAMES, RECEPTIVE_FRAMES), (0, 0)))
    context = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=0).mean(axis=-1)
    bands = np.clip(mel_filters().argmax(axis=0), 0, MEL_BANDS - 1)
    gain = (0.9 * log_mel[0] + 0.1 * context)[:, bands][None] + 2 + 0.01 * log_excitation
    ones = np.ones((1, len(log_mel[0]), BINS), np.float32)
    return [gain.astype(np.float32), ones, 0 * ones, gain.astype(np.float32) - 3]


NOTES = tuple(NoteEvent(57 + step % 12, 0.4 * step, 0.4 * step + 0.3, 90) for step in range(10))


def asked_for(frames: int) -> np.ndarray:
    """The log-mel of the notes' own excitation: something the vocoder can reach."""
    return log_mel(0.1 * excitation(NOTES, FLUTE, frames * HOP))


def synthesised(mel: np.ndarray, seed: int = 1, stream: int = 0, corrections: int = 1, **hearing) -> np.ndarray:
    return Vocoder(network, corrections).synthesise(mel, NOTES, FLUTE, NoiseField(seed, stream), **hearing)  # type: ignore[arg-type]


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "PIECE_FRAMES", 64)


@pytest.mark.parametrize("corrections", [0, 2])
def test_pieces_join_as_if_the_part_had_been_made_at_once(monkeypatch: pytest.MonkeyPatch, corrections: int) -> None:
    mel = asked_for(200)
    monkeypatch.setattr(synthesis, "_white", lambda noise, first, blocks: np.ones(blocks * HOP, np.float32))
    monkeypatch.setattr(synthesis, "PIECE_FRAMES", 256)
    attack = 0.1 * np.random.default_rng(0).standard_normal(512).astype(np.float32)
    hits = [(round(note.start_s * SAMPLE_RATE_HZ), attack) for note in NOTES]
    whole = synthesised(mel, corrections=corrections, hits=hits)
    assert (whole != synthesised(mel, corrections=corrections)).any()
    monkeypatch.setattr(synthesis, "PIECE_FRAMES", 64)
    np.testing.assert_allclose(synthesised(mel, corrections=corrections, hits=hits), whole, atol=2e-5)


@pytest.mark.usefixtures("short_pieces")
def test_of_a_span_the_pieces_that_touch_it_are_made() -> None:
    mel = asked_for(300)
    whole, some = synthesised(mel), synthesised(mel, span=(70, 130))
    np.testing.assert_array_equal(some[64 * HOP : 192 * HOP], whole[64 * HOP : 192 * HOP])
    assert whole[: 64 * HOP].any() and whole[192 * HOP :].any()
    assert not some[: 64 * HOP].any() and not some[192 * HOP :].any()


def test_the_context_suffices_for_the_corrections_and_what_is_done_at_onsets() -> None:
    corrections = Vocoder(network)._corrections  # type: ignore[arg-type]
    assert RECEPTIVE_FRAMES + (3 + 4) * corrections + (1 + 4) + 7 + 3 <= synthesis.HALO_FRAMES


@pytest.mark.usefixtures("short_pieces")
def test_a_piece_depends_on_its_own_surroundings_only() -> None:
    """Another end changes nothing in the pieces before it, bit for bit."""
    mel = asked_for(256)
    other = mel.copy()
    other[64 + synthesis.HALO_FRAMES :] = -4
    made, changed = synthesised(mel), synthesised(other)
    np.testing.assert_array_equal(made[: 64 * HOP], changed[: 64 * HOP])
    assert (made[192 * HOP :] != changed[192 * HOP :]).any()


@pytest.mark.usefixtures("short_pieces")
def test_a_longer_part_begins_with_the_shorter_one() -> None:
    mel = asked_for(192)
    shorter = synthesised(mel[:128])
    np.testing.assert_array_equal(shorter[: 64 * HOP], synthesised(mel)[: 64 * HOP])


@pytest.mark.usefixtures("short_pieces")
def test_silent_mels_give_silence_and_need_no_network() -> None:
    def broken(**inputs: np.ndarray) -> list[np.ndarray]:
        raise AssertionError("nothing to synthesise")

    silent = np.full((150, MEL_BANDS), np.log(LOG_FLOOR), np.float32)
    assert not Vocoder(broken).synthesise(silent, NOTES, FLUTE, NoiseField(0, 0)).any()  # type: ignore[arg-type]


@pytest.mark.usefixtures("short_pieces")
def test_silence_is_the_same_beside_a_sound_and_alone() -> None:
    """Nothing of a sound that ends in a piece is heard in the silence after it, whether or not that has to be made."""
    mel = np.full((192, MEL_BANDS), np.log(LOG_FLOOR), np.float32)
    mel[:50] = asked_for(50)
    alone = synthesised(mel)
    mel[60:62] = -4.0
    beside = synthesised(mel)
    edge = synthesis._EDGE + 1
    assert alone[: 50 * HOP].any() and beside[60 * HOP : 62 * HOP].any()
    assert not alone[(50 + edge) * HOP :].any()
    assert not beside[(62 + edge) * HOP :].any() and not beside[(50 + edge) * HOP : (60 - edge) * HOP].any()
    np.testing.assert_array_equal(synthesis._ramps(np.ones(3, np.float32)), np.ones(2 * HOP))
    assert np.abs(np.diff(synthesis._ramps(synthesis._levels(mel)))).max() == 1 / HOP


@pytest.mark.usefixtures("short_pieces")
@pytest.mark.parametrize("frames", [0, 1, 63, 64, 65])
def test_any_length_gives_its_samples(frames: int) -> None:
    made = synthesised(asked_for(frames))
    assert made.shape == (frames * HOP,)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()


@pytest.mark.usefixtures("short_pieces")
def test_seed_and_stream_name_the_noise() -> None:
    mel = asked_for(64)
    np.testing.assert_array_equal(synthesised(mel), synthesised(mel))
    assert (synthesised(mel, seed=2) != synthesised(mel)).any()
    assert (synthesised(mel, stream=2) != synthesised(mel)).any()


@pytest.mark.usefixtures("short_pieces")
def test_the_correction_brings_the_mel_nearer() -> None:
    mel = asked_for(64)

    def distance(corrections: int) -> float:
        heard = log_mel(synthesised(mel, corrections=corrections))
        return float(np.abs(heard - mel)[4:-4].mean())

    assert distance(1) < 0.7 * distance(0)
    assert distance(2) < distance(1)


@pytest.mark.usefixtures("short_pieces")
def test_progress_reaches_one_and_may_cancel() -> None:
    shares: list[float] = []
    synthesised(asked_for(150), on_piece=shares.append)
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])

    def cancel(share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        synthesised(asked_for(150), on_piece=cancel)


@pytest.mark.usefixtures("short_pieces")
def test_onsets_are_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [NoteEvent(69, 0.4, 0.9, 90)]
    mel = log_mel(0.1 * excitation(notes, PIANO, 128 * HOP))

    def pre_echo() -> float:
        vocoder = Vocoder(network)  # type: ignore[arg-type]
        return pre_echo_db(vocoder.synthesise(mel, notes, PIANO, NoiseField(1, 0)), 0.4)

    mended = pre_echo()
    monkeypatch.setattr(synthesis, "_onsets", lambda *_: [])
    assert mended < pre_echo() - 30


def test_noise_is_left_where_nothing_is_voiced_and_goes_where_partials_are() -> None:
    noise = np.array([0.5, 0.5, 0.5, 0.0, 0.0], np.float32)
    left = synthesis.unvoiced(noise, np.array([0.0, 0.5, 5.0, 0.0, 1.0], np.float32))
    assert left == pytest.approx([0.5, 0.25, 0.5 / 11, 0, 0], rel=1e-5)
