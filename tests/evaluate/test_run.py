"""The evaluation's runner: prompts, material, how rows become figures, what the report is made of."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.composer.conditions import Style
from noisician.corpus.clips import Clip, Studio
from noisician.corpus.songs import open_songs, procedural_songs, write_pack
from noisician.errors import Cancelled, CorpusError, FileError, RequestError
from noisician.evaluate import run
from noisician.evaluate.held_out import FIRST_HELD_OUT_SEED, excerpts, flat_excitation, held_out_seeds, is_soundfont
from noisician.evaluate.machine import description, versions
from noisician.evaluate.novelty import NGRAM, ngram_overlap, phrases
from noisician.evaluate.performance import Overheard, Performance, SoundfontBand, is_line
from noisician.evaluate.prompts import PROMPT_LISTS, prompts
from noisician.evaluate.report import Figure
from noisician.evaluate.settings import SUITE_NAMES, EvaluateSettings
from noisician.evaluate.suites import (
    SUITES,
    determinism,
    faults,
    key,
    lengths,
    musicianship,
    novelty,
    renderer,
    stems,
    tempo,
    vocoder,
    weights,
)
from noisician.evaluate.suites.suite import BenchSuite, Row
from noisician.mel import SAMPLE_RATE_HZ, log_mel
from noisician.models.protocol import Progress
from noisician.piece import piece_of, to_dict
from noisician.prompt import understand
from noisician.recipe import Recipe
from noisician.renderer.render import SILENCE
from noisician.request import Request
from noisician.score import Note, Score, Track
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, instruments


def figure(figures: list[Figure], name: str) -> Figure:
    (found,) = [entry for entry in figures if entry.name == name]
    return found


def line_notes(count: int, overlap_s: float = -0.05, step_s: float = 0.25) -> tuple[NoteEvent, ...]:
    return tuple(NoteEvent(60 + n % 5, n * step_s, (n + 1) * step_s + overlap_s, 90) for n in range(count))


def voice_clip(duration_s: float = 1.0) -> Clip:
    instrument = own_voice()
    notes = (NoteEvent(45, 0.1, 0.6, 90),)
    audio = Studio().play(instrument, notes, duration_s, 3).astype(np.float32)
    return Clip(instrument, notes, (), audio, 3)


def own_voice() -> Instrument:
    return next(
        entry for entry in instruments().values() if entry.source["kind"] == "synthesis" and "bass" in entry.roles
    )


def small_score() -> Score:
    lead = Track("lead", own_voice().id, tuple(Note(48 + n % 3, n / 2, 0.4, 90) for n in range(8)), ("dark",))
    bass = Track("bass", own_voice().id, (Note(36, 0.0, 4.0, 90),))
    return Score(120.0, "C", "minor", "4/4", 1, tracks=(lead, bass))


# --- prompts and settings ---------------------------------------------------------------------------------------


def test_both_lists_have_forty_different_prompts() -> None:
    for name in PROMPT_LISTS:
        texts = [prompt.text for prompt in prompts(name)]
        assert len(texts) == len(set(texts)) == 40
    assert len({prompt.genre for prompt in prompts("beat")}) >= 25
    assert sum(prompt.bpm is not None for prompt in prompts("beat")) == 15
    assert sum(prompt.key is not None for prompt in prompts("tonal")) == 20


def test_prompts_are_understood_as_they_declare() -> None:
    other_genre = 0
    for prompt in (*prompts("beat"), *prompts("tonal")):
        controls = understand(Request(prompt=prompt.text))
        if prompt.bpm is not None:
            assert controls.tempo_bpm == prompt.bpm, prompt.text
        if prompt.key is not None:
            assert (controls.key, controls.mode) == (prompt.key, prompt.mode), prompt.text
        other_genre += not controls.genres or controls.genres[0][0] != prompt.genre
    assert other_genre <= 4


def test_every_prompt_has_a_seed_of_its_own() -> None:
    requests = [prompt.request(6.0, 5) for name in PROMPT_LISTS for prompt in prompts(name)]
    assert len({request.seed for request in requests}) == 80
    assert prompts("beat")[3].request(6.0, 5) == prompts("beat")[3].request(6.0, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"suites": ("tempo", "taste")},
        {"suites": ()},
        {"prompts": 0},
        {"prompts": 41},
        {"duration_s": 1.0},
        {"clips": 0},
        {"seeds": 0},
    ],
)
def test_settings_refuse_what_cannot_be_run(wrong: dict) -> None:
    with pytest.raises(RequestError) as refused:
        EvaluateSettings(**wrong)
    assert "\n" not in str(refused.value)


def test_there_is_a_suite_for_every_name() -> None:
    assert tuple(SUITES) == SUITE_NAMES


# --- held-out material ------------------------------------------------------------------------------------------


@given(count=st.integers(1, 400), seed=st.integers(0, 50))
def test_held_out_seeds_are_new_different_and_spread(count: int, seed: int) -> None:
    table = list(instruments().values())
    seeds = held_out_seeds(count, seed, is_soundfont)
    chosen = Counter(table[number % len(table)].id for number in seeds)
    eligible = sum(map(is_soundfont, table))
    assert len(set(seeds)) == len(seeds) == count
    assert min(seeds) >= FIRST_HELD_OUT_SEED
    assert all(is_soundfont(instruments()[id_]) for id_ in chosen)
    assert len(chosen) == min(count, eligible)
    assert max(chosen.values()) - min(chosen.values()) <= 1


def test_excerpts_are_cut_with_their_notes() -> None:
    seeds = held_out_seeds(2, 0, lambda instrument: instrument.id == own_voice().id)
    for clip in excerpts(Studio(), seeds, 2.0):
        assert len(clip.audio) == 2 * SAMPLE_RATE_HZ
        assert clip.notes and all(note.start_s < 2.0 for note in clip.notes)


def test_flat_excitation_has_the_clips_level() -> None:
    clip = voice_clip()
    flat = flat_excitation(clip)
    assert flat.shape == clip.audio.shape
    assert np.sqrt(np.mean(flat**2)) == pytest.approx(np.sqrt(np.mean(clip.audio**2)), rel=1e-3)


def test_flat_mel_knows_when_but_not_what() -> None:
    clip = voice_clip(4.0)
    reference = log_mel(clip.audio)
    flat = renderer.flat_mel(clip, reference)
    assert flat.shape == reference.shape
    assert len(np.unique(flat)) == 2
    assert (flat[:5] == np.float32(SILENCE)).all() and (flat[20] > SILENCE).all()
    assert (flat[-10:] == np.float32(SILENCE)).all()  # 2.5 s after the note's end nothing rings


# --- performances -----------------------------------------------------------------------------------------------


def test_a_line_is_one_pitched_voice() -> None:
    track = Track("lead", own_voice().id, ())
    assert is_line(track, line_notes(12))
    assert not is_line(track, line_notes(12, overlap_s=0.2))
    assert not is_line(track, line_notes(5))
    assert not is_line(Track("chords", own_voice().id, ()), line_notes(12))
    kit = next(entry.id for entry in instruments().values() if entry.excitation == "drum")
    assert not is_line(Track("lead", kit, ()), line_notes(12))


@pytest.fixture(scope="module")
def performance() -> Performance:
    """A score of our own voices only, so that nothing outside the package is needed."""
    score = small_score()
    settings = {
        "duration_s": 2.5, "loop": False, "genres": {"techno": 1.0}, "moods": {}, "production": (),
        "render": {"steps": 12, "guidance_scale": 1.0, "last_time": 0.32},
    }  # fmt: skip
    recipe = Recipe(request=Request(prompt="x"), seed=1, score=score.to_dict(), settings=settings)
    band = Overheard(SoundfontBand(Studio()))
    music = band.replay(recipe)
    return Performance(prompts("beat")[0], music, tuple(band.dry), (SAMPLE_RATE_HZ,), band)


def test_the_band_plays_the_score_and_is_overheard(performance: Performance) -> None:
    assert len(performance.stems) == 2
    for stem in performance.stems:
        assert stem.shape == (len(performance.music.audio),)
        assert np.abs(stem).max() > 0.01


def test_the_soundfont_plays_on_demand_and_the_same_again(performance: Performance) -> None:
    np.testing.assert_array_equal(performance.soundfont_audio, performance.music.audio)
    np.testing.assert_array_equal(performance.soundfont_stems[1], performance.stems[1])
    assert performance.lines() == {"lead": 0}


def test_a_band_decides_the_mix_for_its_own_sound(performance: Performance) -> None:
    made = performance.band.remixed(performance.music.recipe)
    for stem, other in zip(performance.band.dry, performance.stems, strict=True):
        np.testing.assert_array_equal(stem, other)
    piece = piece_of(made.recipe)
    assert piece is not None and piece.mix is not None
    turned = piece.mix.adjusted("lead", fader_db=-12.0)
    quiet = made.recipe.model_copy(update={"piece": to_dict(replace(piece, mix=turned))})
    np.testing.assert_array_equal(performance.band.remixed(quiet).audio, made.audio)
    assert (performance.band.replay(quiet).audio != made.audio).any()


def test_suites_hear_a_performance(performance: Performance) -> None:
    pytest.importorskip("librosa")
    (stem_row,) = stems.hear(performance)
    assert stem_row["role"] == "lead" and stem_row["notes"] == 8
    assert stem_row["onset_f"] == stem_row["soundfont_onset_f"]
    (fault_row,) = faults.hear(performance)
    assert fault_row["loudness_lufs"] == pytest.approx(-14, abs=0.5)
    assert fault_row["mix_clicks"][1] == 1 and fault_row["stem_clicks"][1] == 2
    (key_row,) = key.hear(performance)
    assert key_row["hit"] == key_row["soundfont_hit"]
    json.dumps([stem_row, fault_row, key_row])


# --- rows to figures --------------------------------------------------------------------------------------------


def test_tempo_figures() -> None:
    def row(score: float, heard: float | None, soundfont: float, asked: float | None = None) -> Row:
        tracked = {"tracked_bpm": score / 2, "soundfont_tracked_bpm": score}
        return {"asked_bpm": asked, "score_bpm": score, "heard_bpm": heard, "soundfont_bpm": soundfont, **tracked}

    rows = [row(120, 121, 120, 120), row(80, 160, 80), row(100, None, 100), row(174, 87, 87, 170)]
    figures = tempo.figures(rows)
    exact = figure(figures, "tempo within 2 %")
    assert (exact.value, exact.baselines["soundfont"], exact.met, exact.items) == (25, 75, False, 4)
    assert figure(figures, "tempo within 2 %, double or half allowed").value == 75
    assert figure(figures, "tempo within 2 %, scores of 90 to 160 BPM").value == 50
    assert figure(figures, "tempo within 2 %, slower and faster scores").value == 0
    assert figure(figures, "tempo named in the prompt is the score's").value == 50
    alone = figure(figures, "tempo within 2 %, tracker alone")
    assert (alone.value, alone.baselines["soundfont"], alone.target) == (0, 100, None)
    assert figure(figures, "tempo within 2 %, tracker alone, double or half allowed").value == 100


def test_key_figures() -> None:
    def row(hit: bool, soundfont: bool, asked: list) -> Row:
        return {
            "asked": asked, "score": ["C#", "minor"], "hit": hit, "soundfont_hit": soundfont, "mirex": float(hit),
            "soundfont_mirex": 0.5,
        }  # fmt: skip

    figures = key.figures(
        [row(True, True, ["C#", "minor"]), row(False, True, ["C", "minor"]), row(True, False, [None] * 2)]
    )
    assert figure(figures, "tonic and mode").value == pytest.approx(200 / 3)
    assert figure(figures, "tonic and mode, points under the soundfont").value == pytest.approx(0)
    assert figure(figures, "key named in the prompt is the score's").value == 50
    assert figure(figures, "key, MIREX score").baselines == {"soundfont": 0.5}


def stem_row(ours: float, soundfont: float, pitch: float | None, soundfont_pitch: float | None) -> Row:
    row = {"onset_f": ours, "onset_precision": ours, "onset_recall": ours, "pitch": pitch, "chroma": pitch}
    others = {
        "onset_f": soundfont,
        "onset_precision": 1.0,
        "onset_recall": 1.0,
        "pitch": soundfont_pitch,
        "chroma": 1.0,
    }
    return {**row, **{f"soundfont_{name}": value for name, value in others.items()}}


def test_stem_figures_lower_the_pitch_target_to_just_under_the_soundfont() -> None:
    figures = stems.figures([stem_row(0.9, 0.95, 0.80, 0.80), stem_row(0.5, 0.6, None, None)])
    assert figure(figures, "onset F-measure of one-voice stems").value == pytest.approx(0.7)
    assert figure(figures, "onset F-measure, clear attacks").value == pytest.approx(0.9)
    pitch = figure(figures, "raw pitch accuracy of one-voice stems")
    assert pitch.target is not None and pitch.target.limit == pytest.approx(0.77)
    assert pitch.met
    better = stems.figures([stem_row(0.9, 0.95, 0.89, 0.99)])
    assert not figure(better, "raw pitch accuracy of one-voice stems").met


def test_fault_figures_show_the_worst_track() -> None:
    def row(lufs: float, peak: float, clipped: int, clicks: list[int]) -> Row:
        return {
            "loudness_lufs": lufs, "true_peak_dbtp": peak, "clipped": clipped, "dc": 1e-5, "silence": 0.01,
            "soundfont_silence": None, "mix_clicks": clicks, "stem_clicks": [0, 0, 0, 0],
        }  # fmt: skip

    figures = faults.figures([row(-14.1, -1.2, 0, [1, 10, 0, 10]), row(-13.2, -1.0, 2, [0, 10, 1, 10])])
    loudness = figure(figures, "loudness, the track furthest from −14 LUFS")
    assert (loudness.value, loudness.met) == (-13.2, False)
    assert figure(figures, "true peak, highest").met
    assert figure(figures, "clipped samples").value == 2
    clicks = figure(figures, "join clicks in mixes")
    assert (clicks.value, clicks.baselines["between joins"], clicks.items) == (5, 5, 20)
    assert figure(figures, "join clicks in dry stems").value is None


def test_vocoder_and_renderer_figures_are_means_of_their_groups() -> None:
    def row(source: str, group: str, family: str, error: float) -> Row:
        return {
            "source": source,
            "group": group,
            "family": family,
            "error": error,
            "other_take": 1.0,
            "excitation": 2.0,
        }

    font = "held-out soundfont"
    figures = vocoder.figures(
        [
            row(font, "pitched", "keys", 0.1),
            row(font, "drums", "drums", 0.3),
            row("own voices", "textures", "texture", 0.5),
        ]
    )
    whole = figure(figures, "vocoder copy-synthesis, held-out soundfont")
    assert (whole.value, whole.met) == (pytest.approx(0.2), True)
    assert whole.baselines == {"another take": 1.0, "excitation alone": 2.0}
    assert figure(figures, "vocoder, keys").value == pytest.approx(0.1)
    assert figure(figures, "vocoder, own textures").value == pytest.approx(0.5)
    base = {"family": "keys", "mel_error": 0.4, "texture_share": 0.9, "other_take": 0.3, "flat": 2.0}
    rendered = renderer.figures(
        [{"source": "training", "error": 0.5, **base}, {"source": "held out", "error": 0.7, **base}]
    )
    assert figure(rendered, "renderer end to end, training sounds").value == pytest.approx(0.5)
    assert figure(rendered, "renderer end to end, held out sounds").value == pytest.approx(0.7)
    assert figure(rendered, "renderer, keys").items == 1
    assert figure(rendered, "texture of the renderer, held out sounds").value == pytest.approx(0.9)


def test_determinism_and_weights_figures() -> None:
    rows = [{"check": determinism.SAME_TWICE, "difference": value} for value in (0.0, 1e-7)]
    rows.append({"check": determinism.THREADS, "difference": 1e-5})
    figures = determinism.figures(rows)
    assert figure(figures, f"bit-identical: {determinism.SAME_TWICE}").value == 50
    assert figure(figures, f"difference: {determinism.THREADS}").met
    assert determinism.difference(np.zeros(3), np.zeros(4)) == float("inf")
    assert determinism.difference(np.zeros(3, np.float32), np.array([0, -2, 1], np.float32)) == 2
    sizes = weights.figures([{"model": "a", "bytes": 60_000_000}, {"model": "b", "bytes": 40_000_000}])
    assert (sizes[0].value, sizes[0].met) == (100, False)


def test_a_corpus_knows_its_own_songs(tmp_path: Path) -> None:
    songs = list(procedural_songs(0, 4))
    write_pack(tmp_path / "procedural-0.npz", songs)
    corpus, count = novelty.open_corpus(tmp_path)
    assert count == 4
    sung = [lead for song in songs if (lead := phrases(song.grid)) and ngram_overlap(lead, corpus) is not None]
    assert sung and all(ngram_overlap(lead, corpus) == 1.0 for lead in sung)
    assert list(corpus.known) == [NGRAM]
    (first, *_) = novelty.pack_grids(open_songs(tmp_path).values())
    np.testing.assert_array_equal(first.tokens[: len(songs[0].grid.tokens)], songs[0].grid.tokens)
    with pytest.raises(CorpusError):
        novelty.open_corpus(tmp_path / "nowhere")


def test_novelty_figures() -> None:
    rows = [
        {"kind": novelty.SAMPLED, "overlap": 0.6, "songs": 9},
        {"kind": novelty.SAMPLED, "overlap": None, "songs": 9},
        {"kind": novelty.SAMPLED, "overlap": 0.0, "songs": 9},
        {"kind": novelty.PROCEDURE, "overlap": 0.2, "songs": 9},
        {"kind": novelty.SAMPLED, "longest_moves": 11, "songs": 9},
    ]
    figures = novelty.figures(rows)
    assert figures[0].value == pytest.approx(30) and figures[0].baselines == {"held out procedure": pytest.approx(20)}
    assert figures[1].value == pytest.approx(50)
    assert figures[2].value == 11


def test_every_piece_is_held_against_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicianship, "judged_genres", lambda: ("house",))
    settings = run.quick(tmp_path, duration_s=4.0)
    (_, ours), (_, song) = list(musicianship.rows(settings))
    assert (ours["kind"], ours["genre"], song["kind"]) == (musicianship.COMPOSED, "house", musicianship.TRAINING)
    assert ours["share"] == pytest.approx(sum(ours["points"].values()) / len(ours["points"]))
    assert ours["returns"] is None  # too short to ask for
    assert set(song) - {"kind", "seed"} < set(ours)
    json.dumps([ours, song])


def test_how_much_of_a_length_is_music() -> None:
    rate_hz = 1000
    tone = np.sin(np.arange(10 * rate_hz) * 0.7)[:, None].repeat(2, axis=1)
    assert lengths.music_share(tone, rate_hz) == 1
    assert lengths.last_tenth_db(tone, rate_hz) == pytest.approx(0, abs=0.1)
    faded = tone * np.where(np.arange(len(tone)) < 8 * rate_hz, 1, 0.01)[:, None]
    assert lengths.music_share(faded, rate_hz) == pytest.approx(0.8, abs=0.01)
    assert lengths.last_tenth_db(faded, rate_hz) == pytest.approx(-39, abs=0.2)
    assert lengths.music_share(np.zeros((rate_hz, 2)), rate_hz) == 0


def test_figures_of_lengths_name_who_misses() -> None:
    right = {"genre": "house", "seed": 0, "wanted_s": 5.0, "length_s": 5.0, "music": 0.94, "after_last_onset_s": 2.0,
             "last_onset_limit_s": 2.5, "last_tenth_db": -5.0}  # fmt: skip
    rows = [right, right | {"wanted_s": 10.0, "length_s": 10.0, "last_tenth_db": -7.0}]
    music, onset, tenth, exact = lengths.figures(rows)
    assert [one.value for one in (music, onset, tenth, exact)] == [50, 100, 50, 100]
    assert "Not: house 10 s, seed 0." in music.how and "Not" not in onset.how


def test_the_mode_of_a_training_song() -> None:
    (song,) = procedural_songs(0, 1)
    marked = replace(song, style=Style({}, {}, "dorian", "4/4").vector())
    assert musicianship.mode_of(marked) == "dorian"


def test_musicianship_figures() -> None:
    def row(kind: str, steps: float | None, **more: object) -> Row:
        return {"kind": kind, "seed": 0, "steps": steps, **more}

    points = [{"in four": True, "no drums": False}, {"in four": True, "no drums": True}]
    house_points = [row_points | {"a backbeat": False} for row_points in points]
    rows = [
        row(musicianship.COMPOSED, 0.2, genre="house", points=house_points[0], share=0.5, returns=True),
        row(musicianship.COMPOSED, 0.6, genre="house", points=house_points[1], share=1.0, returns=None),
        row(musicianship.COMPOSED, None, genre="waltz", points=points[1], share=1.0, returns=False),
        row(musicianship.TRAINING, 0.5),
    ]
    figures = musicianship.figures(rows)
    steps = figure(figures, "lead: moves by one or two semitones")
    assert (steps.value, steps.items, steps.met) == (pytest.approx(0.4), 2, True)
    assert steps.baselines == {"training songs": 0.5}
    returns = figure(figures, "form: tracks of 12 bars or more in which a section comes back")
    assert (returns.value, returns.items, returns.met) == (50, 2, False)
    assert figure(figures, "checklists: points of all genres that are met").value == pytest.approx(250 / 3)
    never = figure(figures, "checklists: points that no piece of their genre meets")
    assert (never.value, never.items, never.how) == (1, 5, "house: a backbeat")
    house = figure(figures, "checklist: house")
    assert house.value == 75 and house.how == "Missed most: a backbeat (2 of 2); no drums (1 of 2)."
    assert figure(figures, "checklist: waltz").how == "Missed most: nothing."


# --- the runner -------------------------------------------------------------------------------------------------


def bench(name: str, value: float) -> BenchSuite:
    def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
        yield 0.5, {"value": value}
        yield 1.0, {"value": value}

    return BenchSuite(
        name, rows, lambda rows: [Figure(f"the {name}", rows[-1]["value"], "", "made up", None, len(rows))]
    )


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict]:
    """Two suites that measure nothing, and weights that can be changed."""
    shipped = {"composer": {"sha256": "a" * 64, "file": "composer.onnx"}}
    monkeypatch.setattr(run, "SUITES", {"novelty": bench("novelty", 1.0), "weights": bench("weights", 2.0)})
    monkeypatch.setattr(run, "manifest", lambda: shipped)
    return shipped


def settings_for(folder: Path, *suites: str, overwrite: bool = False) -> EvaluateSettings:
    return run.quick(folder, suites=suites, overwrite=overwrite)


def test_suites_run_apart_and_meet_in_one_report(tmp_path: Path, made_up: dict) -> None:
    heard: list[Progress] = []
    alone = run.evaluate(settings_for(tmp_path, "weights"), heard.append)
    assert [figure.name for figure in alone.figures] == ["the weights"]
    assert [progress.share for progress in heard] == [0.0, 0.5, 1.0]
    both = run.evaluate(settings_for(tmp_path, "novelty", overwrite=True))
    assert [figure.name for figure in both.figures] == ["the novelty", "the weights"]
    data = json.loads((tmp_path / "evaluation.json").read_text())
    assert data["context"]["weights (sha-256)"] == f"composer {'a' * 16}"
    digests = [
        hashlib.sha256((tmp_path / f"rows/{name}.json").read_bytes()).hexdigest() for name in ("novelty", "weights")
    ]
    assert data["context"]["rows (sha-256)"] == f"novelty {digests[0][:16]}, weights {digests[1][:16]}"
    assert "| the novelty | 1 |" in (tmp_path / "evaluation.md").read_text()


def test_rows_of_other_weights_are_left_out_and_named(tmp_path: Path, made_up: dict) -> None:
    run.evaluate(settings_for(tmp_path, "weights"))
    made_up["composer"]["sha256"] = "b" * 64
    report = run.evaluate(settings_for(tmp_path, "novelty", overwrite=True))
    assert [figure.name for figure in report.figures] == ["the novelty"]
    assert report.context["left out"].startswith("weights")


def test_only_its_own_rows_hang_on_the_checklists(tmp_path: Path, made_up: dict) -> None:
    few, many = (run.fingerprint(replace(run.quick(tmp_path), seeds=seeds)) for seeds in (1, 2))
    assert few.of_suite("weights") == many.of_suite("weights")
    assert few.of_suite("musicianship") != many.of_suite("musicianship")
    assert len(few.of_suite("musicianship")["checklists"]) == 16


def test_an_existing_report_is_refused_before_any_work(tmp_path: Path, made_up: dict) -> None:
    run.evaluate(settings_for(tmp_path, "weights"))
    with pytest.raises(FileError):
        run.evaluate(settings_for(tmp_path, "novelty"))
    assert not (tmp_path / "rows" / "novelty.json").exists()


def test_cancelling_leaves_no_report(tmp_path: Path, made_up: dict) -> None:
    def stop(progress: Progress) -> None:
        if progress.share > 0:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run.evaluate(settings_for(tmp_path, "weights"), stop)
    assert not list(tmp_path.rglob("*.*"))


def test_damaged_rows_are_named(tmp_path: Path, made_up: dict) -> None:
    run.evaluate(settings_for(tmp_path, "weights"))
    (tmp_path / "rows" / "weights.json").write_text("{")
    with pytest.raises(FileError, match=r"weights\.json"):
        run.evaluate(settings_for(tmp_path, "novelty", overwrite=True))


def test_missing_samples_are_known_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present = tmp_path / "font.sf2"
    present.touch()
    monkeypatch.setattr(run, "SOUNDFONTS", {"fluidr3": present})
    with pytest.raises(CorpusError, match="--samples"):
        run.evaluate(EvaluateSettings(suites=("tempo",), folder=tmp_path))
    with pytest.raises(CorpusError, match="--recordings"):
        run.evaluate(EvaluateSettings(suites=("life",), folder=tmp_path, samples_dir=tmp_path))
    present.unlink()
    with pytest.raises(CorpusError, match="is missing"):
        run.evaluate(EvaluateSettings(suites=("tempo",), folder=tmp_path, samples_dir=tmp_path))
    with pytest.raises(CorpusError, match="none of"):
        run.evaluate(EvaluateSettings(suites=("tempo",), folder=tmp_path, soundfont="kazoo"))


def test_the_machine_is_described_in_one_line() -> None:
    assert "Python" in description() and "\n" not in description()
    assert "numpy" in versions() and "noisician" in versions()
