"""The tagger and the suite beside recordings, on sounds with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.players import Player
from noisician.corpus.recordings import Recordings, Sample
from noisician.corpus.shipped_references import RECORDED
from noisician.errors import CorpusError, NoisicianError
from noisician.evaluate.recorded_notes import FOLDS, SLOT_S, in_slots, recorded_notes
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites import recorded
from noisician.evaluate.suites.suite import Row
from noisician.evaluate.tagger import FEATURES, Tagger, note_picture, taught
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent
from noisician.styles import instruments

TIME_S = np.arange(round(1.7 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
ONSET_S = 0.1


def note(step: int, decay_s: float, pitch: float) -> np.ndarray:
    """Harmonics 1, 1 + step, 1 + 2 · step … that decay together from ONSET_S on."""
    after_s = np.maximum(TIME_S - ONSET_S, 0)
    numbers = range(1, 14, step)
    tones = [np.sin(2 * np.pi * number * frequency_hz(pitch) * after_s) / number for number in numbers]
    return (np.sum(tones, axis=0) * np.exp(-after_s / decay_s) * (TIME_S >= ONSET_S)).astype(np.float32)


#: Hollow or full, short or long.
SOUNDS = {"pipe": (2, 20.0), "reed": (1, 20.0), "plucked": (1, 0.2), "block": (2, 0.2)}


def school(pitches: range) -> Tagger:
    lessons = [(name, note(*how, pitch)) for name, how in SOUNDS.items() for pitch in pitches]
    return taught(np.array([note_picture(sound, ONSET_S) for _, sound in lessons]), [name for name, _ in lessons])


def test_notes_of_unheard_pitches_are_named() -> None:
    tagger = school(range(48, 73, 2))
    for name, how in SOUNDS.items():
        asked = np.array([note_picture(note(*how, pitch), ONSET_S) for pitch in (49, 55, 65, 71)])
        assert tagger.name(asked) == [name] * 4


@settings(deadline=None, max_examples=10)
@given(gain=st.floats(0.01, 3.0))
def test_the_level_tells_nothing(gain: float) -> None:
    sound = note(1, 20.0, 60)
    np.testing.assert_allclose(note_picture(gain * sound, ONSET_S), note_picture(sound, ONSET_S), atol=1e-4)


def test_what_is_far_below_the_loudest_is_not_heard() -> None:
    sound = note(1, 20.0, 60)
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    assert np.abs(note_picture(sound + hiss, ONSET_S) - note_picture(sound, ONSET_S)).max() < 0.1


def test_silence_and_cut_notes_are_refused() -> None:
    with pytest.raises(NoisicianError, match=r"nothing to hear at 0\.1 s"):
        note_picture(np.zeros(len(TIME_S)), ONSET_S)
    with pytest.raises(NoisicianError, match=r"nothing to hear at 0\.9 s; a note needs 1\.5 s"):
        note_picture(note(1, 20.0, 60), 0.9)


def test_every_instrument_counts_the_same_however_many_notes_it_has() -> None:
    """Two clouds that touch: a rare one beside a frequent one is still named in its own middle."""
    rng = np.random.default_rng(1)
    rare, frequent = rng.normal(0, 1, (8, FEATURES)), rng.normal(0.6, 1, (160, FEATURES))
    tagger = taught(np.concatenate([rare, frequent]), ["rare"] * 8 + ["frequent"] * 160)
    assert tagger.name(np.array([rare.mean(axis=0), frequent.mean(axis=0)])) == ["rare", "frequent"]


def source(id_: str, *pitches: float) -> Recordings:
    samples = tuple(Sample(Path("none.flac"), pitch, 1, 127) for pitch in pitches)
    return Recordings(id_, id_, 48, "sustain", samples)


def test_of_joined_sources_each_gives_its_own_stretch_and_folds_go_by_pitch() -> None:
    celli, violas, violins = RECORDED["string_ensemble"]
    found = {
        celli: source(celli, 30, 36, 47.9, 51),
        violas: source(violas, 49, 54),
        violins: source(violins, 55, 55.1, 96),
    }
    notes = recorded_notes(instruments()["string_ensemble"], found)
    assert [(one.source.id, one.pitch) for one in notes] == [
        (celli, 36),
        (celli, 48),
        (violas, 49),
        (violas, 54),
        (violins, 55),
        (violins, 55),
    ]
    assert [one.fold for one in notes] == [0, 1, 2, 0, 1, 1]
    assert all(len(one.source.samples) == 1 for one in notes)


def test_taggers_have_not_heard_what_they_are_asked_about() -> None:
    """Pictures that carry their own fold: what a fold's tagger was taught has none of it."""
    notes = tuple(recorded_notes(instruments()["flute"], {RECORDED["flute"][0]: source("f", *range(60, 90, 4))}))
    pictures = np.array([np.full((2, FEATURES), one.fold, float) for one in notes])
    lessons = recorded.Lessons(notes, pictures)
    for fold in range(FOLDS):
        kept = lessons.without(fold)
        assert set(np.unique(kept)) == set(range(FOLDS)) - {fold}
        assert kept.shape == (2 * sum(one.fold != fold for one in notes), FEATURES)


def test_each_player_of_the_same_notes_is_named() -> None:
    """The recordings are pipes at every pitch; one player is a pipe as well, the other a plucked string."""
    pitches = range(60, 84, 2)
    notes = tuple(recorded_notes(instruments()["flute"], {RECORDED["flute"][0]: source("f", *pitches)}))
    own = np.array([[note_picture(note(2, 20.0, pitch), ONSET_S)] for pitch in pitches])
    strings = np.array([note_picture(note(1, 0.2, pitch), ONSET_S) for pitch in pitches])
    tagger = taught(np.concatenate([own[:, 0], strings]), ["flute"] * 12 + ["harp"] * 12)

    def play(step: int, decay_s: float) -> recorded.Play:
        def stem(events: list[NoteEvent], duration_s: float) -> np.ndarray:
            out = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
            for event in events:
                start = round((event.start_s - ONSET_S) * SAMPLE_RATE_HZ)
                out[start : start + len(TIME_S)] += note(step, decay_s, event.pitch)
            return out

        return stem  # pyright: ignore[reportReturnType]

    others = {"rendered": play(2, 20.0), "soundfont": play(1, 0.2)}
    rows = list(recorded.note_rows("flute", recorded.Lessons(notes, own), [tagger] * FOLDS, others))
    assert [row["pitch"] for row in rows] == list(pitches)
    assert {row["recorded_heard"] for row in rows} == {row["rendered_heard"] for row in rows} == {"flute"}
    assert {row["soundfont_heard"] for row in rows} == {"harp"}


def test_slots_do_not_overlap() -> None:
    first, second = in_slots([(60, 90), (62, 40)])
    assert second.start_s - first.start_s == pytest.approx(SLOT_S)
    assert first.end_s < second.start_s and (second.pitch, second.velocity) == (62, 40)


def test_levels_are_aligned_before_clips_are_compared() -> None:
    clip = note(1, 20.0, 60)
    assert recorded.aligned_error(clip, 0.25 * clip) == pytest.approx(0, abs=1e-3)
    assert recorded.aligned_error(clip, note(2, 20.0, 60)) > 0.05
    assert recorded.aligned_error(clip, np.zeros_like(clip)) > 0.5


def test_an_etude_is_played_by_all_and_each_pitch_by_its_own_recordings() -> None:
    heard: dict[str, list[int]] = {"low": [], "high": []}

    def player(name: str, keys: tuple[int, ...]) -> Player:
        def play(notes: list[NoteEvent], duration_s: float, take: int) -> np.ndarray:
            heard[name] += [one.pitch for one in notes]
            return np.full(round(duration_s * SAMPLE_RATE_HZ), 0.1, np.float32)

        return Player(name, instruments()["cello"], play, keys)  # pyright: ignore[reportArgumentType]

    truths = [player("low", (40, 44)), player("high", (56, 70))]
    others = {
        "rendered": lambda notes, duration_s: 0.1 * np.ones(round(duration_s * SAMPLE_RATE_HZ), np.float32),
        "soundfont": lambda notes, duration_s: np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32),
    }
    cello, settings_ = instruments()["cello"], EvaluateSettings(clip_s=4.0)
    rows = [row for take in range(8) for row in recorded.etude_rows(cello, truths, others, settings_, take)]
    assert min(heard["low"]) >= 37 and max(heard["low"]) < 56 <= min(heard["high"]) and max(heard["high"]) <= 73
    assert [row["take"] for row in rows] == list(range(8))
    assert all(row["rendered_nats"] < row["soundfont_nats"] for row in rows)


def rows_of(id_: str, heard: dict[str, list[str]], nats: tuple[float, float]) -> list[Row]:
    count = len(heard["recorded"])
    notes = [
        {"kind": "note", "instrument": id_} | {f"{name}_heard": own[number] for name, own in heard.items()}
        for number in range(count)
    ]
    return [*notes, {"kind": "étude", "instrument": id_, "rendered_nats": nats[0], "soundfont_nats": nats[1]}]


def test_shares_are_means_over_instruments() -> None:
    flute = {"recorded": ["flute"] * 4, "rendered": ["flute"] * 3 + ["harp"], "soundfont": ["harp"] * 4}
    harp = {"recorded": ["harp", "flute"], "rendered": ["harp", "harp"], "soundfont": ["harp", "flute"]}
    rows = [*rows_of("flute", flute, (0.2, 0.5)), *rows_of("harp", harp, (0.4, 0.3))]
    found = {figure.name: figure for figure in recorded.figures(rows)}
    named = found["instrument named, rendered notes"]
    assert named.value == pytest.approx((75 + 100) / 2)
    assert named.baselines == {"recordings": 75, "soundfont": 25}
    assert "flute 75 %" in named.how
    under = found["instrument named, points under its recordings"]
    assert under.value == pytest.approx(-12.5) and under.met
    nearer = found["nearer to the recordings than the soundfont"]
    assert nearer.value == 50 and not nearer.met and "Not nearer: harp." in nearer.how
    assert found["distance from the recordings"].value == pytest.approx(0.3)
    assert found["distance from the recordings, flute"].baselines == {"soundfont": 0.5}


def test_nothing_measured_makes_figures_without_values() -> None:
    assert [figure.value for figure in recorded.figures([])] == [None] * 4


def test_the_suite_needs_recordings() -> None:
    with pytest.raises(CorpusError, match="no folder of them was given"):
        next(recorded.rows(EvaluateSettings(suites=("recorded",))))


def test_fewer_clips_take_fewer_instruments_spread_over_all() -> None:
    assert [one.id for one in recorded.recorded_instruments(500)] == list(RECORDED)
    assert len(recorded.recorded_instruments(3)) == 3
