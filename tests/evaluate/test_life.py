"""Measures of held notes on sounds with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.players import Player
from noisician.corpus.shipped_references import RECORDED
from noisician.errors import NoisicianError
from noisician.evaluate.life import harmonic_to_noise_db, level_jitter_db, peak_level_db, vibrato_extent_cents
from noisician.evaluate.suites import life
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent
from noisician.styles import instruments

TIME_S = np.arange(round(1.5 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def tone(pitch: float, extent_cents: float = 0.0, rate_hz: float = 5.5) -> np.ndarray:
    """Eight equal harmonics with vibrato; the frequency is f₀ 2^(c/1200)."""
    cents = extent_cents * np.sin(2 * np.pi * rate_hz * TIME_S)
    phase = 2 * np.pi * np.cumsum(frequency_hz(pitch) * 2 ** (cents / 1200)) / SAMPLE_RATE_HZ
    return np.sum([0.05 * np.sin(number * phase + number) for number in range(1, 9)], axis=0)


def noise(rms: float) -> np.ndarray:
    return rms * np.random.default_rng(5).standard_normal(len(TIME_S))


def test_the_level_is_that_of_the_loudest_stretch() -> None:
    sound = np.zeros(SAMPLE_RATE_HZ)
    sound[10_000:14_410] = 0.1
    assert peak_level_db(sound) == pytest.approx(-20)
    assert peak_level_db(10 * sound) - peak_level_db(sound) == pytest.approx(20)


@settings(deadline=None, max_examples=15)
@given(extent=st.floats(3, 30), rate=st.floats(4.5, 6.5), pitch=st.floats(45, 80))
def test_the_extent_of_a_vibrato_is_found(extent: float, rate: float, pitch: float) -> None:
    assert vibrato_extent_cents(tone(pitch, extent, rate), pitch) == pytest.approx(extent, rel=0.08, abs=0.5)


@pytest.mark.parametrize("pitch", [45, 69, 83.4])
def test_a_straight_tone_has_no_vibrato_even_a_little_out_of_tune(pitch: float) -> None:
    assert vibrato_extent_cents(tone(pitch + 0.2), pitch) < 0.3


@pytest.mark.parametrize("pitch", [31, 45, 69])
@pytest.mark.parametrize("ratio_db", [10, 20, 35])
def test_harmonic_to_noise_is_the_ratio_of_the_powers(pitch: float, ratio_db: float) -> None:
    clean = tone(pitch)
    rms = clean.std() * 10 ** (-ratio_db / 20)
    assert harmonic_to_noise_db(clean + noise(rms), pitch) == pytest.approx(ratio_db, abs=1.0)


def test_a_clean_tone_is_far_more_harmonic_than_any_recording() -> None:
    assert harmonic_to_noise_db(tone(38), 38) > 50


def test_a_tone_that_swells_and_decays_has_no_jitter() -> None:
    assert level_jitter_db(tone(57) * np.exp(-2 * TIME_S)) < 0.02


def test_jitter_is_the_rms_of_a_fast_swing_of_the_level() -> None:
    """10 Hz, which the window of the level damps by less than a sixth."""
    swing_db = 1.0 * np.sin(2 * np.pi * 10 * TIME_S)
    assert level_jitter_db(tone(69) * 10 ** (swing_db / 20)) == pytest.approx(np.sqrt(0.5), rel=0.25)


def test_what_is_too_short_or_silent_is_refused() -> None:
    short = np.ones(1000)
    for measure in (lambda: level_jitter_db(short), lambda: harmonic_to_noise_db(short, 69)):
        with pytest.raises(NoisicianError, match="of a held note; at least"):
            measure()
    with pytest.raises(NoisicianError, match="of a held note"):
        vibrato_extent_cents(short, 69)
    with pytest.raises(NoisicianError, match="nothing was played"):
        peak_level_db(np.zeros(1000))


# --- the suite --------------------------------------------------------------------------------------------------

FLUTE, KIT, PIANO = (instruments()[id_] for id_ in ("flute", "standard_kit", "grand_piano"))


def two_notes(loud: float, soft: float, extent_cents: float = 0.0) -> np.ndarray:
    """Both notes of a case as tones of given amplitudes."""
    out = np.zeros(round(life.FRAMES / FRAME_RATE_HZ * SAMPLE_RATE_HZ))
    for (start_s, end_s), level in ((life.LOUD_S, loud), (life.SOFT_S, soft)):
        first = round(start_s * SAMPLE_RATE_HZ)
        time_s = np.arange(round((end_s - start_s) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        cents = extent_cents * np.sin(2 * np.pi * 5 * time_s)
        phase = 2 * np.pi * np.cumsum(440 * 2 ** (cents / 1200)) / SAMPLE_RATE_HZ
        out[first : first + len(time_s)] = level * np.sin(phase)
    return out


def case(instrument) -> life.Case:
    return life.Case(instrument, 69, Player("nobody", instrument, lambda notes, duration_s, take: np.zeros(1), (69,)))


def test_a_row_has_what_is_heard_of_both() -> None:
    row = life.measured(case(FLUTE), two_notes(0.5, 0.25), two_notes(0.5, 0.05, extent_cents=10))
    assert row is not None
    assert (row["span_db"], row["true_span_db"]) == pytest.approx((6.02, 20), abs=0.05)
    assert (row["vibrato_cents"], row["true_vibrato_cents"]) == pytest.approx((0, 10), abs=0.5)
    assert row["pre_echo_db"] == -144.5
    assert row["recorded"]


def test_drums_are_not_held_and_silent_players_have_no_row() -> None:
    row = life.measured(case(KIT), two_notes(0.5, 0.25), two_notes(0.5, 0.05))
    assert row is not None
    assert row["way"] == "kit"
    assert "jitter_db" not in row
    assert life.measured(case(KIT), two_notes(0.5, 0.25), two_notes(0.5, 0)) is None


def test_a_note_that_has_faded_is_not_held() -> None:
    audio = two_notes(0.5, 0.25)
    gone = audio.copy()
    gone[round((life.LOUD_S[0] + 0.5) * SAMPLE_RATE_HZ) : round(life.LOUD_S[1] * SAMPLE_RATE_HZ)] = 0
    row = life.measured(case(PIANO), audio, gone)
    assert row is not None
    assert "jitter_db" not in row


def test_recorded_instruments_are_chosen_first_then_all_are_spread() -> None:
    few, no_more = life.chosen_instruments(8)
    assert {one.id for one in few} <= set(RECORDED)
    assert len(few) == len({one.id for one in few}) == 8
    assert len(no_more) == 2
    many, kits = life.chosen_instruments(60)
    assert {one.id for one in many} > set(RECORDED)
    assert len({one.id for one in many}) == 60
    assert all(one.excitation == "drum" for one in kits)
    assert len(life.chosen_instruments(500)[0]) == len({one.id for one in life.chosen_instruments(500)[0]})


def test_figures_are_medians_of_distances() -> None:
    def row(way: str, made: float, true: float, recorded: bool = True) -> dict:
        names = ("pre_echo_db", "attack_ms", "span_db", "jitter_db", "harmonic_to_noise_db", "vibrato_cents")
        begun, held = names[:3], names[3:] if way != "kit" else ()
        both = {name: made for name in (*begun, *held)} | {f"true_{name}": true for name in (*begun, *held)}
        return {"way": way, "recorded": recorded, **both}

    rows = [row("kit", 2, 1), row("kit", 4, 1), row("struck", 7, 2), row("sustained", 5, 8, recorded=False)]
    found = {figure.name: figure for figure in life.figures(rows)}
    assert found["attack of kits"].value == 3
    assert found["attack of kits"].baselines == {"recordings": 1}
    assert found["attack of struck and plucked"].value == 5
    assert found["velocity span, distance from recordings"].value == 3
    assert found["level jitter, distance from recordings"].value == 4
    assert found["vibrato, distance from recordings"].value == 5
    assert found["vibrato, distance from recordings"].items == 1
    assert life.figures([])[0].value is None


def test_notes_of_a_case_are_as_far_apart_as_they_are_measured() -> None:
    loud, soft = life.notes_of(case(FLUTE))
    assert (loud, soft) == (NoteEvent(69, 0.5, 2.5, 115), NoteEvent(69, 3.7, 5.2, 45))
