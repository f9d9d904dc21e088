"""Exercises within their instruments, clips that are their seeds, shards and packs that are whole or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus import clips, songs, soundfont
from noisician.corpus.clips import Clip, Studio, make_clip, open_shards, write_shard
from noisician.corpus.exercises import write_exercise
from noisician.corpus.songs import Song, open_songs, procedural_song, write_pack
from noisician.corpus.soundfont import SOUNDFONTS, SoundfontPlayer
from noisician.errors import CorpusError
from noisician.mel import MEL_BANDS, SAMPLE_RATE_HZ, frame_count, log_mel
from noisician.score.grid import STREAMS, Grid
from noisician.score.model import METERS
from noisician.score.played import NoteEvent
from noisician.styles import TIMBRE_TAGS, instruments

TABLE = tuple(instruments().values())
SYNTH = next(
    place for place, entry in enumerate(TABLE) if entry.source["kind"] != "soundfont" and entry.family == "synth"
)


# --- exercises ----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(instrument=st.sampled_from(TABLE), seed=st.integers(0, 10_000), duration_s=st.sampled_from([6.0, 12.0]))
def test_an_exercise_stays_inside_its_instrument_and_its_time(instrument, seed: int, duration_s: float) -> None:
    notes = write_exercise(instrument, duration_s, np.random.default_rng(seed))
    low, high = instrument.range
    for note in notes:
        assert 0 <= note.start_s < duration_s - 0.1
        assert note.end_s > note.start_s
        assert 1 <= note.velocity <= 127
        if instrument.excitation == "harmonic":
            assert low <= note.pitch <= high
    starts = [note.start_s for note in notes]
    assert starts == sorted(starts)


@pytest.mark.parametrize("instrument", TABLE, ids=lambda instrument: instrument.id)
def test_every_instrument_gets_something_to_play(instrument) -> None:
    written = [write_exercise(instrument, 12.0, np.random.default_rng(seed)) for seed in range(6)]
    assert sum(bool(notes) for notes in written) >= 5
    assert written == [write_exercise(instrument, 12.0, np.random.default_rng(seed)) for seed in range(6)]


def test_exercises_visit_every_register_and_dynamic() -> None:
    piano = instruments()["grand_piano"]
    notes = [note for seed in range(60) for note in write_exercise(piano, 12.0, np.random.default_rng(seed))]
    pitches, velocities = {note.pitch for note in notes}, [note.velocity for note in notes]
    low, high = piano.range
    assert len(pitches) > 0.9 * (high - low + 1)
    assert min(velocities) < 45
    assert max(velocities) > 115


def test_who_plays_one_note_at_a_time_is_given_lines() -> None:
    flute = instruments()["flute"]
    for seed in range(20):
        starts = [note.start_s for note in write_exercise(flute, 12.0, np.random.default_rng(seed))]
        assert len(set(starts)) == len(starts)


# --- clips --------------------------------------------------------------------------------------------------


def test_a_clip_of_our_own_voice_is_its_seed() -> None:
    studio = Studio()
    first, again = make_clip(studio, SYNTH), make_clip(studio, SYNTH)
    assert first.instrument is TABLE[SYNTH]
    assert (first.notes, first.timbre_tags) == (again.notes, again.timbre_tags)
    np.testing.assert_array_equal(first.audio, again.audio)
    assert first.audio.shape == (round(clips.CLIP_S * SAMPLE_RATE_HZ),)
    assert first.audio.dtype == np.float32
    assert 0.05 < np.abs(first.audio).max() <= clips.PEAK_LIMIT + 1e-6


@pytest.mark.skipif(not SOUNDFONTS["fluidr3mono"].exists(), reason="no soundfont on this machine")
def test_a_soundfont_plays_the_same_whatever_it_played_before() -> None:
    pytest.importorskip("tinysoundfont")
    player = SoundfontPlayer("fluidr3mono")
    piano, strings = instruments()["grand_piano"], instruments()["violin"]
    melody = [NoteEvent(60, 0.1, 0.4, 90), NoteEvent(64, 0.4, 0.7, 70)]
    first = player.render(piano, melody, 1.0)
    player.render(strings, [NoteEvent(55, 0.0, 5.0, 127)], 0.8)  # still sounding when it is cut off
    again = player.render(piano, melody, 1.0)
    assert first.shape == (SAMPLE_RATE_HZ,)
    np.testing.assert_allclose(again, first, atol=1e-4 * np.abs(first).max())
    assert np.abs(first[: SAMPLE_RATE_HZ // 12]).max() < 0.01 * np.abs(first).max()
    assert np.abs(first).max() > 0.001


def test_a_missing_soundfont_names_its_package(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="fluid-soundfont-gm"):
        SoundfontPlayer("fluidr3", tmp_path / "none.sf2")


def test_note_offs_come_before_note_ons_of_the_same_instant() -> None:
    events = soundfont._events([NoteEvent(60, 0.0, 1.0, 90), NoteEvent(60, 1.0, 2.0, 80)])
    assert [(when, sounding) for when, sounding, _, _ in events] == [(0, True), (1, False), (1, True), (2, False)]


def test_timbre_tags_never_contradict_and_mostly_rest() -> None:
    rng = np.random.default_rng(0)
    drawn = [clips.draw_timbre_tags(instruments()["grand_piano"], rng) for _ in range(2000)]
    assert 0.6 < sum(not tags for tags in drawn) / len(drawn) < 0.72
    assert {tag for tags in drawn for tag in tags} == set(TIMBRE_TAGS)
    assert ("bright", "dark") not in drawn
    assert all(clips.draw_timbre_tags(instruments()["rain"], rng) == () for _ in range(20))


# --- shards -------------------------------------------------------------------------------------------------


def stand_in(studio: Studio, seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    notes = tuple(NoteEvent(60 + k, 0.25 * k, 0.25 * k + 0.2, 80) for k in range(seed % 3))
    audio = rng.uniform(-0.5, 0.5, round(clips.CLIP_S * SAMPLE_RATE_HZ)).astype(np.float32)
    return Clip(TABLE[seed], notes, ("dark",) if seed % 2 else (), audio, seed)


@pytest.fixture
def quick_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "CLIP_S", 0.5)
    monkeypatch.setattr(clips, "make_clip", stand_in)


@pytest.mark.usefixtures("quick_clips")
def test_a_shard_gives_back_what_was_put_in(tmp_path: Path) -> None:
    write_shard(tmp_path, 10, Studio(), [3, 4, 5])
    write_shard(tmp_path, 2, Studio(), [6])
    shards = list(open_shards(tmp_path))
    assert [len(shard.instrument) for shard in shards] == [1, 3]
    shard = shards[1]
    assert shard.mel.shape == (3, frame_count(shard.audio.shape[1]), MEL_BANDS)
    for row, seed in enumerate((3, 4, 5)):
        clip = stand_in(Studio(), seed)
        assert shard.instrument[row] == clip.instrument.index
        assert shard.timbre_tags[row].tolist() == [tag in clip.timbre_tags for tag in TIMBRE_TAGS]
        np.testing.assert_allclose(shard.audio[row] / 32767, clip.audio, atol=2e-5)
        np.testing.assert_allclose(shard.mel[row], log_mel(clip.audio), atol=4e-3)
        expected = [(note.pitch, note.start_s, note.end_s, note.velocity) for note in clip.notes]
        np.testing.assert_allclose(shard.notes_of(row), np.array(expected).reshape(-1, 4), rtol=1e-6)


@pytest.mark.usefixtures("quick_clips")
def test_a_shard_is_whole_or_absent_and_never_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies_at_five(studio: Studio, seed: int) -> Clip:
        if seed == 5:
            raise KeyboardInterrupt
        return stand_in(studio, seed)

    monkeypatch.setattr(clips, "make_clip", dies_at_five)
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path, 0, Studio(), [4, 5])
    assert list(open_shards(tmp_path)) == []

    def full_disk(file, **arrays: np.ndarray) -> None:
        file.write(b"PK half")
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="space"):
        patch.setattr(np, "savez_compressed", full_disk)
        write_shard(tmp_path, 0, Studio(), [4])
    assert list(open_shards(tmp_path)) == []
    write_shard(tmp_path, 0, Studio(), [4])
    assert len(list(open_shards(tmp_path))) == 1
    write_shard(tmp_path, 0, Studio(), [5])  # would raise if it began
    assert len(next(open_shards(tmp_path)).instrument) == 1


# --- songs --------------------------------------------------------------------------------------------------


def test_a_procedural_song_is_its_seed() -> None:
    first, again = procedural_song(12), procedural_song(12)
    np.testing.assert_array_equal(first.grid.tokens, again.grid.tokens)
    np.testing.assert_array_equal(first.style, again.style)
    assert len(first.steps.place) == len(first.grid.tokens)


def song(bars: int, signature: str, seed: int) -> Song:
    made = procedural_song(0)
    rng = np.random.default_rng(seed)
    steps = bars * METERS[signature].steps_per_bar
    tokens = rng.integers(0, 4, (steps, len(STREAMS))).astype(np.int16)
    return Song(Grid(tokens, signature), made.steps.at(slice(0, steps)), made.style)


def test_packs_give_back_whole_bars_of_one_song(tmp_path: Path) -> None:
    written = [song(5, "4/4", 1), song(20, "3/4", 2), song(17, "4/4", 3)]
    assert write_pack(tmp_path / "procedural-0.npz", written[:2]) == 2
    assert write_pack(tmp_path / "procedural-1.npz", written[2:]) == 1
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["procedural-0.npz", "procedural-1.npz"]
    packs = open_songs(tmp_path)
    assert list(packs) == ["procedural"]
    pack = packs["procedural"]
    assert pack.offset.tolist() == [0, 4 * 5 * 16, 4 * 5 * 16 + 20 * 12, 4 * 5 * 16 + 20 * 12 + 17 * 16]
    rng = np.random.default_rng(0)
    for signature, choices in (("4/4", [written[0], written[2]]), ("3/4", [written[1]])):
        per_bar = METERS[signature].steps_per_bar
        for _ in range(10):
            window = pack.draw_window(rng, signature, songs.WINDOW_BARS)
            assert window.tokens.shape == (16 * per_bar, len(STREAMS))
            repeated = [np.tile(choice.grid.tokens, (-(-16 // choice.grid.bars), 1)) for choice in choices]
            assert any(
                (tokens[first : first + 16 * per_bar] == window.tokens).all()
                for tokens in repeated
                for first in range(0, len(tokens) - 16 * per_bar + 1, per_bar)
            )
    assert {pack.draw_signature(rng) for _ in range(40)} == {"4/4", "3/4"}


def test_an_empty_folder_has_no_songs(tmp_path: Path) -> None:
    assert open_songs(tmp_path) == {}
