"""The whole line from words to a track, on stand-in networks: reproducible, cancellable, exact in length."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fake_model import generated
from hypothesis import given
from hypothesis import strategies as st
from stand_in_networks import ENTRIES, LOOP, PLACES, SHORT, embedded, networks

from noisician.api import changed, checked
from noisician.audio import read_audio
from noisician.errors import Cancelled, FileError, NoisicianError, RequestError
from noisician.export import read_recipe
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models.embedded import EmbeddedModel, model
from noisician.models.embedded.play import fold
from noisician.models.protocol import Progress, Run, Stages
from noisician.music import Music, SaveOptions
from noisician.piece import stem_names
from noisician.recipe import Recipe
from noisician.renderer import render
from noisician.request import Request
from noisician.score.grid import STREAMS, VOCABULARY
from noisician.score.model import METERS, Note, Score, Track
from noisician.score.played import NoteEvent, played_notes

STAGES = ["composing", "rendering", "vocoding", "mixing"]


@pytest.fixture(autouse=True)
def stand_in_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)


@cache
def track(request: Request) -> tuple[Music, tuple[Progress, ...]]:
    heard: list[Progress] = []
    return generated(embedded(), request, Run(heard.append, keep_stems=True)), tuple(heard)


# --- a piece ------------------------------------------------------------------------------------------------


def test_a_piece_is_stereo_finite_and_exactly_as_long_as_asked() -> None:
    music, _ = track(SHORT)
    assert music.audio.shape == (2 * SAMPLE_RATE_HZ, 2)
    assert music.audio.dtype == np.float32
    assert np.isfinite(music.audio).all()
    assert 0.01 < np.abs(music.audio).max() < 1
    assert music.duration_s == 2


def test_the_same_request_gives_the_same_bits_stems_or_not() -> None:
    music, _ = track(SHORT)
    again = generated(embedded(), SHORT)
    np.testing.assert_array_equal(again.audio, music.audio)
    assert again.recipe == music.recipe
    assert again.stems == {}


def test_the_recipe_alone_replays_the_same_bits() -> None:
    music, _ = track(SHORT)
    recipe = Recipe.from_json(music.recipe.to_json())
    again = embedded().replay(recipe, Run(keep_stems=True))
    np.testing.assert_array_equal(again.audio, music.audio)
    assert again.score == music.score
    assert list(again.stems) == list(music.stems)


def test_the_recipe_names_seed_weights_and_settings() -> None:
    recipe = track(SHORT)[0].recipe
    assert recipe.seed == recipe.request.seed == 11
    assert recipe.models == {name: entry["sha256"][:16] for name, entry in ENTRIES.items()}
    assert recipe.piece is not None
    assert recipe.piece["render"] == {"steps": 2, "last_time": 0.2}


def test_a_seed_nobody_chose_is_reported_and_reproduces() -> None:
    request = SHORT.model_copy(update={"seed": None, "duration_s": 1.0, "steps": 1, "instruments": ()})
    first = generated(embedded(), request)
    assert first.recipe.request.seed == first.seed
    np.testing.assert_array_equal(embedded().replay(first.recipe).audio, first.audio)
    assert generated(embedded(), request).seed != first.seed


def test_stems_bear_names_and_lengths_and_everybody_asked_for() -> None:
    music, _ = track(SHORT)
    assert music.score is not None
    assert list(music.stems) == stem_names(music.score.tracks)
    assert {stem.shape for stem in music.stems.values()} == {music.audio.shape}
    playing = {part.instrument for part in music.score.tracks}
    assert {"flute", "grand_piano"} <= playing


def test_the_score_keeps_what_was_asked() -> None:
    request = Request(
        genres=("folk",), key="F#", mode="dorian", tempo_bpm=77, time_signature="6/8", bars=2, seed=1, steps=1
    )
    score = generated(embedded(), request).score
    assert score is not None
    asked = (score.key, score.mode, score.tempo_bpm, score.time_signature, score.bars)
    assert asked == ("F#", "dorian", 77, "6/8", 2)


def test_a_piece_shorter_than_a_bar_ends_on_time() -> None:
    request = Request(genres=("ambient",), tempo_bpm=40, duration_s=1.37, seed=2, steps=1)
    assert len(generated(embedded(), request).audio) == round(1.37 * SAMPLE_RATE_HZ)


# --- loops --------------------------------------------------------------------------------------------------


def test_a_loop_is_whole_bars_to_the_sample() -> None:
    music, _ = track(LOOP)
    assert len(music.audio) == round(4 * 60 / 125 * SAMPLE_RATE_HZ)
    assert music.metadata.loop


def test_fold_brings_the_tail_back_to_the_start() -> None:
    np.testing.assert_array_equal(fold(np.arange(5.0), 5), np.arange(5.0))
    np.testing.assert_array_equal(fold(np.array([1.0, 2, 3, 10, 20]), 3), [11, 22, 3])


@given(length=st.integers(1, 40), samples=st.integers(1, 10))
def test_folding_loses_nothing_and_wraps_any_number_of_times(length: int, samples: int) -> None:
    audio = np.random.default_rng(length).integers(-9, 9, length + samples).astype(np.float64)
    folded = fold(audio, samples)
    assert len(folded) == samples
    for place in range(samples):
        assert folded[place] == audio[place::samples].sum()


# --- progress and stopping ----------------------------------------------------------------------------------


def test_progress_is_immediate_monotone_in_order_and_complete() -> None:
    _, heard = track(SHORT)
    shares = [progress.share for progress in heard]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] == 1
    stages = list(dict.fromkeys(progress.stage for progress in heard))
    assert stages == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_a_wish_to_stop_is_heard_in_every_stage(stage: str) -> None:
    now: list[str] = []

    def hear(progress: Progress) -> None:
        now.append(progress.stage)

    with pytest.raises(Cancelled):
        generated(embedded(), SHORT, Run(hear, lambda: stage in now))
    assert now[-1] == stage
    assert now.count(stage) <= 2


def test_stages_share_out_the_whole() -> None:
    heard: list[Progress] = []
    stages = Stages({"first": 1.0, "second": 3.0}, heard.append, lambda: False)
    stages.reporter("second")(0.5)
    stages.reporter("first")(1.0)
    assert heard == [
        Progress("second", 0.25),
        Progress("second", 0.625),
        Progress("first", 0.0),
        Progress("first", 0.25),
    ]


# --- recipes and settings -----------------------------------------------------------------------------------


def test_a_recipe_without_music_or_with_half_of_it_is_refused() -> None:
    recipe = track(SHORT)[0].recipe
    with pytest.raises(FileError, match="no score"):
        embedded().replay(recipe.model_copy(update={"piece": None}))
    assert recipe.piece is not None
    half = {name: value for name, value in recipe.piece.items() if name != "notes"}
    with pytest.raises(FileError, match="incomplete") as refusal:
        embedded().replay(recipe.model_copy(update={"piece": half}))
    assert "\n" not in str(refusal.value)


def test_a_piece_in_which_nobody_plays_is_refused() -> None:
    def rest(**inputs: np.ndarray) -> list[np.ndarray]:
        logits = np.full((*inputs["place"].shape, PLACES.shape[1]), -30, np.float32)
        starts = np.cumsum([0, *(VOCABULARY[stream] for stream in STREAMS)])[:-1]
        logits[..., starts] = 30
        return [logits]

    silent = EmbeddedModel(networks(rest))
    with pytest.raises(RequestError, match="silent"):
        quiet = {"prompt": "", "genres": ("ambient",), "without": ("texture", "fx", "drums"), "loop": True}
        generated(silent, SHORT.model_copy(update=quiet))  # without grooves, which are ready-made, and an ending


# --- music and notes ----------------------------------------------------------------------------------------


def test_metadata_says_what_is_heard() -> None:
    music, _ = track(LOOP)
    metadata = music.metadata
    assert (metadata.tempo_bpm, metadata.seed, metadata.beats) == (125, 5, 4)
    assert metadata.title == "Surprise"
    assert [marker.start_s for marker in metadata.sections] == [0]
    assert music.file_name("flac").endswith(".flac")


def test_midi_holds_the_notes_and_a_model_without_a_score_has_none() -> None:
    music, _ = track(SHORT)
    assert music.midi()[:4] == b"MThd"
    with pytest.raises(RequestError, match="no score"):
        Music(music.audio, music.recipe).midi()


def test_stem_names_number_their_namesakes() -> None:
    tracks = [Track("texture", "rain", ()), Track("bass", "sine_sub", ()), Track("texture", "rain", ())]
    assert stem_names(tracks) == ["texture-rain", "bass-sine_sub", "texture-rain-2"]


@pytest.mark.parametrize("signature", list(METERS))
def test_played_notes_are_in_seconds_and_in_order(signature: str) -> None:
    notes = (Note(64, 2.0, 1.0, 80), Note(60, 0.5, 0.25, 90), Note(55, 0.5, 1.0, 70))
    part = Track("lead", "flute", notes)
    score = Score(120.0, "C", "major", signature, 2, tracks=(part,))
    assert played_notes(score, part) == (
        NoteEvent(55, 0.25, 0.75, 70),
        NoteEvent(60, 0.25, 0.375, 90),
        NoteEvent(64, 1.0, 1.5, 80),
    )


# --- what is written ----------------------------------------------------------------------------------------


def sum_of_written(folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """The sum of the WAVs in a folder of stems, times the gain that its recipe states; and what that tells."""
    told = read_recipe(folder).stems
    total = sum(read_audio(path)[0].astype(float) for path in sorted(folder.glob("*.wav")))
    return total * 10 ** (-told["gain_db"] / 20), told


def test_written_stems_sum_to_the_mix_before_mastering_and_mastered_ones_to_the_track(tmp_path: Path) -> None:
    music, _ = track(SHORT)
    premaster = sum(music.stems[name].astype(float) for name in music.stems)
    for name, changes, whole in (
        ("plain", {"stems": True}, premaster),
        ("mastered", {"mastered_stems": True}, music.audio),
    ):
        written = music.save(tmp_path / f"{name}.wav", SaveOptions(**changes))
        total, told = sum_of_written(written["stems"])
        assert np.abs(total - whole).max() < 10 ** (-90 / 20)
        assert told.get("mastered", False) == (name == "mastered")
        assert "README.txt" in {path.name for path in written["stems"].iterdir()}
        assert read_recipe(written["track"]).stems == {}


def test_no_stems_to_master() -> None:
    with pytest.raises(RequestError, match="no stems were kept"):
        replace(track(SHORT)[0], stems={}).mastered_stems()


def test_a_track_tells_itself_in_one_short_line_and_shows_itself_in_notebooks() -> None:
    music, _ = track(SHORT)
    assert len(repr(music)) < 200 and "\n" not in repr(music)
    assert f"seed {music.seed}" in repr(music)
    page = music._repr_html_()
    assert "<audio controls" in page and "data:image/png;base64," in page and music.score is not None
    assert f"{music.score.tempo_bpm:g} BPM" in page
    wild = replace(music, recipe=music.recipe.model_copy(update={"request": Request(prompt="<script>x</script>")}))
    assert "<script>" not in wild._repr_html_()


def test_tracks_compare_by_their_samples_and_recipes() -> None:
    music, _ = track(SHORT)
    assert music == replace(music, stems={}) and hash(music) == hash(replace(music, stems={}))
    assert music != replace(music, audio=music.audio * 0.5)
    assert music != "a track"


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "mp3"])
def test_a_track_is_saved_into_an_open_file(format: str) -> None:
    music, _ = track(SHORT)
    memory = io.BytesIO()
    assert music.save(memory, format=format) == {}
    memory.seek(0)
    assert soundfile.info(memory).samplerate == SAMPLE_RATE_HZ


def test_what_cannot_be_saved_is_one_line(tmp_path: Path) -> None:
    music, _ = track(SHORT)
    save: Any = music.save
    closed = io.BytesIO()
    closed.close()
    for path, changes, words in (
        (io.BytesIO(), {}, "name a format"),
        (io.StringIO(), {"format": "wav"}, "binary mode"),
        (closed, {"format": "wav"}, "closed file"),
        (io.BytesIO(), {"format": "wav", "midi": True}, "midi would lie beside a file"),
        (5, {}, "5 is no path"),
        (tmp_path / "x.wav", {"formt": "wav"}, "did you mean format"),
        (tmp_path / "x.wav", {"format": 5}, "format 5"),
        (tmp_path / "x.wav", {"bit_depth": "many"}, "many bits"),
        ("a\0b.wav", {}, "character nul"),
    ):
        with pytest.raises(NoisicianError, match=words) as caught:
            save(path, **changes)
        assert "\n" not in str(caught.value)


# --- a changed request ----------------------------------------------------------------------------------------


def reworked(music: Music, **changes: Any) -> Music:
    request = changed(music.recipe.request, changes)
    return embedded().rework(music.recipe, checked(request))


def cast_of(music: Music) -> dict[str, str]:
    assert music.score is not None
    return {track.player: track.instrument for track in music.score.tracks}


def test_another_tempo_leaves_players_and_notes() -> None:
    music, _ = track(SHORT)
    faster = reworked(music, tempo_bpm=200)
    assert music.score is not None and faster.score is not None
    assert faster.score.tempo_bpm == 200 and faster.recipe.request.tempo_bpm == 200
    assert faster.score.tracks == music.score.tracks
    assert faster.duration_s < music.duration_s


def test_another_instrument_takes_over_from_who_has_its_job() -> None:
    music, _ = track(SHORT)
    other = reworked(music, instruments=("violin", "grand_piano"))
    before, after = cast_of(music), cast_of(other)
    (swapped,) = [player for player in before if before[player] != after.get(player)]
    assert after[swapped] == "violin" and before.keys() == after.keys()


def test_what_is_there_already_changes_nothing() -> None:
    music, _ = track(SHORT)
    (name, *_) = set(cast_of(music).values()) - {"flute", "grand_piano"} or {"flute"}
    same = reworked(music, instruments=("flute", "grand_piano", name))
    assert cast_of(same) == cast_of(music) and same.score == music.score
    np.testing.assert_array_equal(same.audio, music.audio)


def test_who_is_left_out_goes_alone() -> None:
    music, _ = track(SHORT)
    player, instrument = next(iter(cast_of(music).items()))
    other = reworked(music, instruments=(), without=(instrument,))
    assert cast_of(other) == {one: name for one, name in cast_of(music).items() if one != player}


def test_what_no_edit_can_do_is_made_anew_and_said() -> None:
    music, _ = track(SHORT)
    assert music.score is not None
    other = reworked(music, time_signature="6/8")
    assert other.score is not None and other.score.time_signature == "6/8"
    assert other.remarks[0].startswith("made anew, for the piece could not take the change: 4/4 to 6/8")
    assert reworked(music, seed=12).recipe.seed == 12
