"""Lines of text, phones as engines speak them, envelopes moved in time, and phrases that are whole or left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.vocals import analysis, build, sources, teacher, text
from noisician.corpus.vocals.analysis import FRAME_S, Analysis, BandExtension
from noisician.corpus.vocals.sources import Utterance, match
from noisician.corpus.vocals.text import SYLLABLES, Line, is_held_out, write_lines
from noisician.errors import CorpusError
from noisician.lyrics import pronounce, syllabify
from noisician.lyrics.phones import VOWELS, bare
from noisician.vocals.features import BINS, ENVELOPE_FLOOR_DB, band_centres_hz, bins_hz
from noisician.vocals.frames import ENVELOPE_BANDS, FEATURES, SPEAKERS, Frames, SungNote, SungSyllable, TimedPhone
from noisician.vocals.performance import perform
from noisician.vocals.phones import PAUSE, PHONE_IDS, UNVOICED
from noisician.vocals.style import SingingStyle

PLAIN = SingingStyle(vibrato_depth=0.0, timing_spread_s=0.0, breaths=0.0, scoop=0.0, fall=0.0)


def a_line(words: str) -> Line:
    return Line(words, tuple(syllabify(pronounce(word)[0]) for word in words.split()))


def phones_of(line: Line) -> list[str]:
    return [bare(phone) for word in line.words for syllable in word for phone in syllable.phones]


def spoken(line: Line, length_s: float = 0.1) -> tuple[TimedPhone, ...]:
    """Every phone equally long between two pauses."""
    ends = [(PAUSE, length_s)]
    for phone in phones_of(line):
        ends.append((phone.lower(), ends[-1][1] + length_s))
    phones = match([*ends, (PAUSE, ends[-1][1] + length_s)], line)
    assert phones is not None
    return phones


def flat(line: Line, phone_db: float = 0.0) -> Analysis:
    """An analysis whose envelope is flat, each phone ``phone_db`` above the one before."""
    phones = spoken(line)
    envelope = np.zeros((round(phones[-1].end_s / FRAME_S) + 1, BINS), np.float32)
    for number, phone in enumerate(phones):
        envelope[round(phone.start_s / FRAME_S) :] = number * phone_db - 40.0
    return Analysis(envelope, phones)


def phrase(line: Line, pitch: float = 60.0, note_s: float = 0.5) -> list[SungSyllable]:
    sung: list[SungSyllable] = []
    for word in line.words:
        for number, syllable in enumerate(word):
            note = SungNote(pitch, len(sung) * note_s, (len(sung) + 1) * note_s)
            last = number + 1 == len(word)
            sung.append(SungSyllable(syllable.phones, (note,), number == 0, last, syllable.stress))
    return sung


# --- text ---------------------------------------------------------------------------------------------------


def test_lines_follow_from_the_seed() -> None:
    assert list(write_lines(3, 12)) == list(write_lines(3, 12))
    assert list(write_lines(3, 12)) != list(write_lines(4, 12))


def test_lines_have_syllables_to_sing_and_words_that_are_their_text() -> None:
    for line in write_lines(1, 60):
        assert 3 <= line.syllables <= SYLLABLES[1]
        assert len(line.words) == len(line.text.split())
        assert all(bare(phone) in PHONE_IDS for phone in phones_of(line))


def test_every_word_of_the_lists_can_be_pronounced() -> None:
    listed = {word.lower() for row in text._WORDS.values() for word in row.split()}
    listed |= {
        word.lower() for row in text._TEMPLATES for word in row.split() if word not in text._WORDS and word != "s"
    }
    listed |= {text._third_person(verb) for verb in text._WORDS["I"].split()}
    assert [word for word in sorted(listed) if not pronounce(word)] == []


def test_random_lines_reach_nearly_every_phone() -> None:
    heard = {phone for line in write_lines(0, 80) for phone in phones_of(line)}
    assert set(PHONE_IDS) - {PAUSE, "AP"} - heard <= {"ZH", "OY"}


def test_one_text_in_twenty_is_held_out() -> None:
    share = np.mean([is_held_out(f"line {number}") for number in range(4000)])
    assert 0.04 < share < 0.06


@pytest.mark.parametrize(
    ("verb", "person"), [("cry", "cries"), ("stay", "stays"), ("catch", "catches"), ("run", "runs")]
)
def test_third_persons(verb: str, person: str) -> None:
    assert text._third_person(verb) == person


# --- sources ------------------------------------------------------------------------------------------------


def test_spoken_phones_get_their_syllables() -> None:
    line = a_line("hello world")
    phones = spoken(line)
    assert [phone.phone for phone in phones] == [PAUSE, *phones_of(line), PAUSE]
    assert [phone.syllable for phone in phones] == [-1, 0, 0, 1, 1, 2, 2, 2, 2, -1]
    assert all(before.end_s == after.start_s for before, after in pairwise(phones))


def test_a_split_er_is_one_phone() -> None:
    line = a_line("her rose")  # HH ER1 R OW1 Z
    names = ("hh", "er", "r", "r", "ow", "z")
    phones = match([(name, 0.1 * number) for number, name in enumerate(names, start=1)], line)
    assert phones is not None
    assert [phone.phone for phone in phones] == ["HH", "ER", "R", "OW", "Z"]
    assert phones[1].duration_s == pytest.approx(0.2)
    whole = match([(name, 0.1) for name in ("hh", "er", "r", "ow", "z")], line)
    assert whole is not None
    assert len(whole) == 5


@pytest.mark.parametrize("names", [("hh", "ah", "l"), ("hh", "ax", "l", "ow"), ("hh", "ah", "l", "ow", "l"), ()])
def test_other_phones_than_asked_for_are_refused(names: tuple[str, ...]) -> None:
    assert match([(name, 0.1 * number) for number, name in enumerate(names, start=1)], a_line("hello")) is None


def test_speakers_are_those_of_the_network() -> None:
    table = sources.speakers()
    assert tuple(table) == SPEAKERS
    assert set(build.TURNS) == set(SPEAKERS)
    assert [entry["speaker"] for entry in build.manifest()] == list(SPEAKERS)


def test_invented_names_are_different() -> None:
    names = sources._names(40)
    assert len(set(names)) == 40
    assert all(name.isalpha() for name in names)


def test_a_missing_engine_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CorpusError, match=r"^flite is not installed"):
        list(sources.Flite("rms").speak([a_line("hello")]))


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_speaks_our_phones() -> None:
    lines = [a_line("hello darkness"), a_line("the violet thunder")]
    for line, utterance in zip(lines, sources.Flite("rms").speak(lines), strict=True):
        assert utterance is not None
        assert [phone.phone for phone in utterance.phones if phone.phone != PAUSE] == phones_of(line)
        assert abs(len(utterance.audio) / utterance.rate_hz - utterance.phones[-1].end_s) < 0.1


# --- analysis -----------------------------------------------------------------------------------------------


def test_pitch_fills_voiced_phones_and_no_others() -> None:
    phones = (TimedPhone("S", 0.0, 0.1, 0), TimedPhone("AH", 0.1, 0.3, 0), TimedPhone("T", 0.3, 0.4, 0))
    found = np.zeros(81)
    found[30:50] = 100.0
    found[5] = 200.0  # a mistake of the tracker inside S
    f0 = analysis._complete(found, phones)
    assert (f0[20:60] > 0).all()
    assert not f0[:20].any()
    assert not f0[60:].any()


def test_voiced_tops_are_straight() -> None:
    envelope = np.where(bins_hz() < 8000, -20.0, -120.0)[None].astype(np.float32)
    top = analysis._straight_top(envelope, 8000.0)[0]
    at = {hz: float(top[np.argmin(np.abs(bins_hz() - hz))]) for hz in (4000, 7000, 10000, 12000, 16000)}
    assert at[4000] == -20.0
    assert at[7000] - at[10000] == pytest.approx(9.0, abs=0.1)
    assert at[12000] - at[16000] == pytest.approx(8.8, abs=0.1)


def test_band_extension_finds_a_linear_law() -> None:
    rng = np.random.default_rng(0)
    hz, tilt = bins_hz(), rng.uniform(-3, 0, (400, 1))
    envelope = (-30 + tilt * hz / 1000).astype(np.float32)
    phones = (TimedPhone("S", 0.0, 400 * FRAME_S, 0),)
    extension = BandExtension.fit([Analysis(envelope, phones)])
    cut = np.where(hz < 7900, envelope, -90.0).astype(np.float32)
    above = (hz > 8000) & (hz < 15000)
    assert np.abs(extension.extend(cut, 8000.0)[:, above] - envelope[:, above]).mean() < 1.5


def test_band_extension_needs_material() -> None:
    with pytest.raises(CorpusError, match="0 unvoiced frames"):
        BandExtension.fit([])


# --- teacher ------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    phone=st.sampled_from(sorted(set(PHONE_IDS) - {PAUSE, "AP"})),
    sung_s=st.floats(0.02, 4.0),
    spoken_s=st.floats(0.03, 0.5),
)
def test_stretching_passes_a_phone_once_from_end_to_end(phone: str, sung_s: float, spoken_s: float) -> None:
    times_s = np.linspace(0, sung_s, 300)
    places = teacher.stretch(phone, times_s, sung_s, spoken_s)
    assert places[0] == 0
    assert places[-1] == pytest.approx(spoken_s)
    assert (np.diff(places) >= -1e-12).all()


def test_held_vowels_keep_their_edges() -> None:
    places = teacher.stretch("AA", np.array([0.0, 0.03, 1.97, 2.0]), 2.0, 0.2)
    assert places == pytest.approx([0.0, 0.03, 0.17, 0.2])
    middle = teacher.stretch("AY", np.array([1.5]), 2.0, 0.2)
    assert middle[0] < 0.1  # the glide of a diphthong comes last


def test_features_are_of_the_performance() -> None:
    line = a_line("sail away")
    performance = perform(phrase(line), PLAIN, 1)
    features = teacher.sing(flat(line), performance, 0.0, 1)
    assert features.shape == (len(performance.frames), FEATURES)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    unvoiced = performance.frames.voiced < 0.5
    assert not features[unvoiced, ENVELOPE_BANDS:].any()  # all noise
    assert (features[~unvoiced, ENVELOPE_BANDS] < -15).all()
    assert np.abs(features[-1, :ENVELOPE_BANDS] - ENVELOPE_FLOOR_DB).max() < 1e-3
    assert np.array_equal(features, teacher.sing(flat(line), performance, 0.0, 1))


def test_vowels_come_out_at_one_level() -> None:
    line = a_line("la la la")
    performance = perform(phrase(line), PLAIN, 1)
    silent = replace(performance, frames=replace(performance.frames, energy_db=0 * performance.frames.energy_db))
    features = teacher.sing(flat(line, phone_db=4.0), silent, 0.0, 1)
    vowels = [phone for phone in performance.phones if phone.phone in VOWELS]
    levels = [features[round(50 * (p.start_s + p.end_s)), 10:30].mean() for p in vowels]
    assert np.ptp(levels) < 5.0  # 16 dB in what was spoken


def test_a_high_note_lifts_the_first_formant() -> None:
    hz = bins_hz()
    envelope = np.repeat(-np.abs(hz - 400)[None] / 20, 9, axis=0).astype(np.float32)
    f0_hz = np.full(9, 700.0)
    raised = teacher._raise_first_formant(envelope, f0_hz, np.ones(9, bool))
    assert hz[raised[4].argmax()] > 600
    low = teacher._raise_first_formant(envelope, f0_hz / 7, np.ones(9, bool))
    assert np.array_equal(low, envelope)


def test_formants_move_by_the_warp() -> None:
    hz = bins_hz()
    envelope = -np.abs(hz - 1000)[None].astype(np.float32) / 20
    assert hz[teacher._warp_formants(envelope, np.log(1.2))[0].argmax()] == pytest.approx(1200, abs=25)
    assert teacher._warp_formants(envelope, 0.0) is envelope


def test_effort_brightens_and_breath_adds_noise() -> None:
    line = a_line("ah")
    performance = perform(phrase(line, note_s=1.0), PLAIN, 1)
    middle = len(performance.frames) // 2

    def sung(**controls: float) -> np.ndarray:
        full = {name: np.full(len(performance.frames), value, np.float32) for name, value in controls.items()}
        changed = replace(performance, frames=replace(performance.frames, **full))
        return teacher.sing(flat(line), changed, 0.0, 1)[middle]

    soft, loud = sung(effort=0.2), sung(effort=0.9)
    brightness = [row[60:80].mean() - row[5:15].mean() for row in (soft, loud)]
    assert brightness[1] - brightness[0] > 3
    clear, airy = sung(breath=0.0), sung(breath=0.8)
    assert airy[ENVELOPE_BANDS + 1] - clear[ENVELOPE_BANDS + 1] > 6


def test_other_phones_than_spoken_cannot_be_sung() -> None:
    with pytest.raises(CorpusError, match="pronunciations differ"):
        teacher.sing(flat(a_line("hello")), perform(phrase(a_line("world")), PLAIN, 1), 0.0, 1)


# --- build --------------------------------------------------------------------------------------------------


def test_warps_stay_in_reach() -> None:
    rng = np.random.default_rng(0)
    warps = np.array([build.draw_warp(rng) for _ in range(2000)])
    assert np.abs(warps).max() <= build.WARP_LIMIT
    assert 0.2 < (warps == 0).mean() < 0.3


def test_hissing_vowels_and_lost_syllables_are_not_sound() -> None:
    line = a_line("la la")
    performance = perform(phrase(line), PLAIN, 1)
    features = np.zeros((len(performance.frames), FEATURES), np.float32)
    features[:, :ENVELOPE_BANDS] = -2.0 * band_centres_hz() / 1000
    assert build.is_sound(features, performance, 2)
    assert not build.is_sound(features, performance, 3)
    assert not build.is_sound(features * 0.5, performance, 2)
    assert not build.is_sound(features * np.nan, performance, 2)


class _Humming:
    """A source that speaks every line as equally long pulses and hisses."""

    def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
        for line in lines:
            phones = spoken(line, 0.06)
            rng, rate_hz = np.random.default_rng(0), 16000
            audio = 1e-4 * rng.standard_normal(round(phones[-1].end_s * rate_hz))
            for phone in phones:
                part = slice(round(phone.start_s * rate_hz), round(phone.end_s * rate_hz))
                if phone.phone not in UNVOICED:
                    audio[part][::150] += 0.5
                elif phone.phone != PAUSE:
                    audio[part] += 0.05 * rng.standard_normal(len(audio[part]))
            yield Utterance(audio, rate_hz, phones)


@pytest.fixture
def one_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("pyworld")
    table = {name: replace(speaker, source=_Humming) for name, speaker in sources.speakers().items()}
    monkeypatch.setattr(build, "speakers", lambda: table)
    build.band_extension.cache_clear()
    monkeypatch.setattr(build, "_EXTENSION_LINES", 8)
    monkeypatch.setattr(build, "TURNS", SPEAKERS)
    monkeypatch.setattr(build, "LEAST_HF_DROP_DB", -100.0)  # pulses have no tilt
    build.build_vocals(build.VocalsCorpus(tmp_path, shards=1, first_shard=4, lines=7, renderings=2))
    build.band_extension.cache_clear()
    return tmp_path / "phrases-4.npz"


def test_a_shard_holds_every_rendering(one_shard: Path) -> None:
    with np.load(one_shard) as file:
        arrays = {name: file[name] for name in file.files}
    offset, total = arrays["offset"], arrays["offset"][-1]
    assert len(offset) == 7 * 2 + 1
    assert len(set(arrays["text"])) == 7
    assert set(arrays["speaker"]) == set(range(len(SPEAKERS)))
    assert arrays["features"].shape == (total, FEATURES)
    assert np.isfinite(arrays["features"].astype(np.float32)).all()
    frames = Frames(**{part.name: arrays[part.name] for part in fields(Frames)})
    assert len(frames) == total
    assert list(one_shard.parent.iterdir()) == [one_shard]


def test_a_voice_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
            yield from (None for _ in lines)

    table = {name: replace(speaker, source=Silent) for name, speaker in sources.speakers().items()}
    monkeypatch.setattr(build, "speakers", lambda: table)
    with pytest.raises(CorpusError, match=r"^rms: 0 of 1 lines spoken; install its voice \(Debian package flite\)"):
        list(build.sing_lines([a_line("hello")], 1, 0))


def test_an_existing_shard_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "phrases-0.npz").write_bytes(b"mine")
    build.write_phrases(tmp_path, 0, 1, 1)
    assert (tmp_path / "phrases-0.npz").read_bytes() == b"mine"


def test_a_shard_that_loses_its_lines_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "sing_lines", lambda lines, renderings, seed: iter(()))
    with pytest.raises(CorpusError, match="0 phrases usable"):
        build.write_phrases(tmp_path, 0, 4, 2)
    assert list(tmp_path.iterdir()) == []
