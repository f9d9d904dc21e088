"""Clips with sketches: recordings in a sampler, poorer references, passages, shards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.passages import FEWEST_NOTES, write_passage
from noisician.corpus.players import Players
from noisician.corpus.poor_references import impoverish, smooth_curve
from noisician.corpus.recordings import (
    HELD_OUT,
    Recordings,
    play_recordings,
    read_recordings,
    recorded_kit,
    recording_sources,
)
from noisician.corpus.sketched import (
    Band,
    make_sketched_clip,
    open_sketched_shards,
    training_band,
    write_sketched_shard,
)
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT
from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.references import References, read_references
from noisician.score.played import NoteEvent
from noisician.styles import instruments

ROW = (
    '{{file = "{file}", instrument = "{instrument}", program = {program}, articulation = "{articulation}", '
    "root = {root}, cents = {cents}, root_checked = {checked}, velocity = {velocity}, round_robin = 1}}"
)


def hz(pitch: float) -> float:
    return 440 * 2 ** ((pitch - 69) / 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two flute notes, one 20 cents sharp, an unchecked third, a bassoon, a snare and a closed hat."""
    home = tmp_path_factory.mktemp("recordings") / "studio"
    home.mkdir()
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    rows = []
    for file, instrument, program, articulation, root, cents, checked in (
        ("a.flac", "flute", 73, "sustain 01", 69, 0, "true"),
        ("b.flac", "flute", 73, "sustain 02", 76, 20, "true"),
        ("c.flac", "flute", 73, "sustain 03", 50, 0, "false"),
        ("d.flac", "bassoon", 70, "sustain", 50, 0, "true"),
        ("e.flac", "snare drum", '"drum:snare"', "", 0, 0, "false"),
        ("f.flac", "hi-hat", '"drum:hat_closed"', "", 0, 0, "false"),
    ):
        fields = {"file": file, "instrument": instrument, "program": program, "articulation": articulation}
        rows.append(ROW.format(**fields, root=root, cents=cents, checked=checked, velocity=[1, 127]))
        decay = np.exp(-time_s / 0.1) if root == 0 else 1
        tone = 0.5 * np.sin(2 * np.pi * hz((root or 90) + cents / 100) * time_s) * decay
        soundfile.write(home / file, tone.astype(np.float32), SAMPLE_RATE_HZ, subtype="PCM_16")
    about = 'title = "Two notes"\nlicence = "CC0-1.0"\n'
    (home / "instruments.toml").write_text(about + "sample = [\n" + ",\n".join(rows) + "\n]\n")
    return home.parent


@pytest.fixture(scope="module")
def flute(folder: Path) -> Recordings:
    return read_recordings(folder)["studio:flute:sustain"]


def heard_hz(audio: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio * np.hanning(len(audio))))) * SAMPLE_RATE_HZ / len(audio))


def play(recordings: Recordings, pitch: int, held_s: float, velocity: int = 64, duration_s: float = 4.0) -> np.ndarray:
    notes = [NoteEvent(pitch, 0.0, held_s, velocity)]
    return play_recordings(recordings, notes, duration_s, np.random.default_rng(0))


# --- recordings ---------------------------------------------------------------------------------------------


def test_recordings_are_read_by_instrument_and_those_of_unsure_pitch_left_out(folder: Path, flute: Recordings) -> None:
    assert set(read_recordings(folder)) == {
        "studio:flute:sustain",
        "studio:bassoon:sustain",
        "studio:snare drum:",
        "studio:hi-hat:",
    }
    assert [round(sample.pitch, 2) for sample in flute.samples] == [69, 76.2]
    assert (flute.sustain, flute.instrument.range, flute.instrument.polyphonic) == ("sustained", (66, 79), False)


def test_recordings_say_where_they_come_from(folder: Path) -> None:
    assert recording_sources(folder) == [
        {"folder": "studio", "title": "Two notes", "licence": "CC0-1.0", "held_out": ["bassoon"]}
    ]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no recordings in"):
        read_recordings(tmp_path)


@pytest.mark.parametrize("pitch", [67, 69, 71, 75, 76, 78])
def test_every_pitch_is_in_tune(flute: Recordings, pitch: int) -> None:
    audio = play(flute, pitch, 0.7)[: SAMPLE_RATE_HZ // 2]
    assert heard_hz(audio) == pytest.approx(hz(pitch), abs=2)


def test_a_sustained_note_outlasts_its_recording_and_ends_soon_after_it_should(flute: Recordings) -> None:
    audio = play(flute, 69, 3.0)
    level = np.sqrt(np.mean(audio[: 4 * SAMPLE_RATE_HZ].reshape(40, -1) ** 2, axis=1))
    assert np.all(level[:29] > 0.25)
    assert np.all(level[34:] < 0.01)


def test_a_vibraphone_is_damped_where_bells_ring_on(flute: Recordings) -> None:
    """Half a second after the end of a note, of the same recording played as one and as the other."""
    left = {}
    for name, program in (("vibraphone", 11), ("glockenspiel", 9)):
        sound = play(replace(flute, program=program, articulation="mallet"), 69, 0.3)
        left[name] = np.abs(sound[round(0.8 * SAMPLE_RATE_HZ) :]).max() / np.abs(sound).max()
    assert left["vibraphone"] < 0.01
    assert left["glockenspiel"] > 0.5


def test_where_one_layer_was_recorded_the_level_follows_the_velocity(flute: Recordings) -> None:
    soft, loud = (np.abs(play(flute, 69, 0.5, velocity)).max() for velocity in (32, 64))
    assert loud / soft == pytest.approx(2**1.2, rel=0.01)


def test_a_kit_of_recorded_pieces_plays_what_was_recorded(folder: Path) -> None:
    kit = recorded_kit(read_recordings(folder), 3)
    assert set(kit.pieces) == {38, 40, 42}
    hits = [NoteEvent(38, 0.5, 0.6, 100), NoteEvent(36, 1.5, 1.6, 100)]
    audio = kit.play(hits, 2.0, np.random.default_rng(0))
    assert np.abs(audio[: SAMPLE_RATE_HZ // 2]).max() == 0
    assert np.abs(audio[SAMPLE_RATE_HZ // 2 :][:4410]).max() > 0.1
    assert np.abs(audio[round(1.6 * SAMPLE_RATE_HZ) :]).max() < 0.01  # nothing is recorded for 36


# --- passages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", ["grand_piano", "flute", "picked_bass", "standard_kit"])
def test_passages_are_within_the_clip_and_the_instruments_range(id_: str) -> None:
    instrument = instruments()[id_]
    written = [write_passage(instrument, 12.0, np.random.default_rng(seed)) for seed in range(4)]
    found = [notes for notes in written if notes is not None]
    assert found
    for notes in found:
        assert len(notes) >= FEWEST_NOTES
        assert all(0 <= note.start_s < 12 and note.end_s > note.start_s for note in notes)
        if instrument.excitation != "drum":
            assert all(instrument.range[0] <= note.pitch <= instrument.range[1] for note in notes)


# --- poorer references --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(folder: Path) -> References:
    return Players(recordings_dir=folder).find("recorded/studio:flute:sustain").record()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_poorer_references_are_fewer_never_none_and_follow_from_the_seed(recorded: References, seed: int) -> None:
    poorer, again = (impoverish(recorded, np.random.default_rng(seed)) for _ in range(2))
    assert 1 <= len(poorer) <= len(recorded)
    assert np.array_equal(poorer.held_codes, again.held_codes)
    assert np.array_equal(poorer.pitch, again.pitch)
    assert set(poorer.velocity) <= set(recorded.velocity)
    assert np.all(np.abs(poorer.pitch[:, None] - recorded.pitch).min(axis=1) < 1.5)


def test_some_are_left_as_they_are_and_some_are_not(recorded: References) -> None:
    same = [
        len(poorer) == len(recorded) and np.array_equal(poorer.held_codes, recorded.held_codes)
        for poorer in (impoverish(recorded, np.random.default_rng(seed)) for seed in range(60))
    ]
    assert 20 < sum(same) < 50


def test_colours_have_the_spread_asked_for() -> None:
    rng = np.random.default_rng(0)
    curves = np.stack([smooth_curve(rng, 0.3) for _ in range(400)])
    assert curves.std() == pytest.approx(0.3, abs=0.03)
    assert np.abs(np.diff(curves, axis=1)).max() < 0.2


# --- clips and shards ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def band(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Band:
    cast = (("recorded/studio:flute:sustain", 1.0), ("recorded-kit/0", 1.0), ("voice/chip_pulse/1", 1.0))
    return Band(Players(recordings_dir=folder), cast, tmp_path_factory.mktemp("references"))


def test_clips_follow_from_their_seed_and_the_sketch_resembles_them(band: Band) -> None:
    for seed in range(4):
        clip, again = make_sketched_clip(band, seed), make_sketched_clip(band, seed)
        assert np.array_equal(clip.log_mel, again.log_mel)
        assert np.array_equal(clip.sketch, again.sketch)
        silence = np.abs(clip.log_mel - clip.log_mel.min()).mean()
        assert np.abs(clip.sketch - clip.log_mel).mean() <= 0.7 * silence


def test_shards_hold_what_was_made(band: Band, tmp_path: Path) -> None:
    write_sketched_shard(tmp_path, 2, band, range(40, 43))
    (shard,) = open_sketched_shards(tmp_path)
    assert len(shard) == 3
    for row, seed in enumerate(range(40, 43)):
        clip = make_sketched_clip(band, seed)
        assert shard.player[row] == clip.player.name
        assert len(shard.notes_of(row)) == len(clip.notes)
        assert np.allclose(shard.mel[row], clip.log_mel, atol=0.01)
        assert np.allclose(shard.sketch[row], clip.sketch, atol=0.01)
        path = band.references / f"{clip.player.name.replace('/', '+').replace(':', '+')}.references"
        assert len(read_references(path)) > 0


def test_whom_the_renderer_is_judged_by_never_plays_in_training(folder: Path, tmp_path: Path) -> None:
    names = [name for name, _ in training_band(tmp_path, Players(recordings_dir=folder), ("fluidr3",)).cast]
    assert "recorded/studio:flute:sustain" in names
    recorded = [name for name in names if name.startswith("recorded/")]
    assert not any(held_out in name for name in recorded for held_out in HELD_OUT)
    assert not any(HELD_OUT_SOUNDFONT in name for name in names)
    assert len(set(names)) == len(names)


def test_unknown_players_are_refused(folder: Path) -> None:
    players = Players(recordings_dir=folder)
    for name in ("voice/kazoo/1", "recorded/nobody", "fluidr3/supersaw", "fluidr3/nothing"):
        with pytest.raises(CorpusError, match="player"):
            players.find(name)


def test_the_judge_is_shown_a_few_notes_of_unmet_instruments_and_hears_others(folder: Path) -> None:
    pytest.importorskip("torch")
    from noisician.training.judge_renderer import RECORDED_CLIPS, recorded_clips
    from noisician.training.renderer import RendererConfig

    clips = list(recorded_clips(folder, 1, RendererConfig()))
    assert [clip.player.name for clip in clips] == ["recorded/studio:bassoon:sustain"] * RECORDED_CLIPS
    for clip in clips:
        assert clip.log_mel.shape == clip.sketch.shape == (512, 128)
        assert 50 not in {note.pitch for note in clip.notes}
