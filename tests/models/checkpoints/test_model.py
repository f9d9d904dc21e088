from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fake_family import ALL, RATE, FakeFamily, model_of
from fake_model import generated
from hypothesis import given
from hypothesis import strategies as st

from noisician import api
from noisician.errors import Cancelled, FileError, RequestError, WeightsError
from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
from noisician.mix import level
from noisician.models.checkpoints import Loader, safety, store
from noisician.models.checkpoints.catalogue import catalogue
from noisician.models.checkpoints.extend import Source, can_extend, crossfade, extended, plan_stretches, seed_of
from noisician.models.checkpoints.family import Job, OnStep, Song
from noisician.models.checkpoints.model import Wish, converted, fitted, merged
from noisician.models.checkpoints.pipelines import from_folder
from noisician.models.checkpoints.placement import Placement, memory_advice, needed_bytes
from noisician.models.checkpoints.wording import negative_of, words_of
from noisician.models.guided import GuidedModel
from noisician.models.inputs import check_same, inputs_of, read_audio_input, read_inputs
from noisician.models.protocol import AudioInput, AudioInputs, Run
from noisician.models.support import check_outputs, check_request
from noisician.prompt import Controls, read_figures
from noisician.request import Feature

Request = api.Request


def tone(seconds: float, hertz: float = 220.0, rate: int = RATE, channels: int = 1) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


# --- catalogue ---


def test_the_catalogue_names_what_may_be_restricted() -> None:
    entries = catalogue()
    assert "ace-step-1.5" in entries and "dance-diffusion/glitch-440k" in entries
    for name, info in entries.items():
        assert info.licence_url and info.features and info.duration_range_s and info.sample_rate_hz, name
        assert info.hub_id or "{folder}" in info.note, name
        assert info.restricted or info.licence == "MIT", name


# --- requirements ---


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(negative_prompt="rain"), "embedded cannot follow --negative; stable-audio-open-1.0"),
        (Request(model="riffusion-v1", lyrics="la"), "cannot follow --lyrics; embedded and ace-step-1.5 can"),
        (Request(guide=True), "cannot follow --guide"),
        (Request(init_audio="x.wav", repaint=((1, 3),)), "cannot follow --repaint"),
        (Request(preset="fast"), "cannot follow --preset"),
        (Request(device="cuda"), "cannot follow --device"),
        (Request(strength=0.5), "--strength says nothing without audio to start from"),
        (Request(init_audio="x.wav", strength=1.5), "strength 1.5 is outside 0 to 1"),
        (Request(init_audio="x.wav", repaint=((5, 3),)), "repaint 5-3 s is no stretch of time"),
        (Request(init_audio="x.wav", guide=True), "two starts for one piece"),
        (Request(language="en"), "there are none: add --lyrics"),
        (Request(morph=0.5), "add --morph-prompt or --morph-audio"),
        (Request(lyrics="la" * 3000), "lyrics of 6000 characters is over the limit of 5000"),
        (Request(model="stable-audio-open-1.0", lyrics="la"), "stable-audio-open-1.0 cannot follow --lyrics"),
        (Request(model="dance-diffusion/honk-140k", tempo_bpm=90), "cannot follow --bpm; embedded"),
        (Request(model="riffusion-v1", loop=True), "cannot follow --loop; embedded can"),
    ],
)
def test_what_a_model_lacks_is_one_line_naming_those_that_have_it(request_: api.Request, message: str) -> None:
    with pytest.raises(RequestError) as refused:
        api.checked(request_)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_stems_and_midi_need_a_model_with_a_score() -> None:
    asked = Request(model="stable-audio-open-1.0")
    with pytest.raises(RequestError, match="cannot follow --midi; embedded can"):
        api.checked(asked, {"--midi": True})
    api.checked(asked.model_copy(update={"guide": True}), {"--midi": True})
    with pytest.raises(RequestError, match="--stems"):
        check_outputs({"--stems": True}, FakeFamily().capabilities)


def test_a_model_that_has_everything_asked_for_is_not_refused() -> None:
    check_request(Request(prompt="x", init_audio="a.wav", repaint=((1, 2),), strength=0.5), FakeFamily().capabilities)


# --- words ---


def test_figures_come_from_options_and_plain_words_only() -> None:
    found = read_figures(Request(prompt="blorp at 92 bpm in F# minor, 20 seconds", time_signature="3/4"))
    assert (found.tempo_bpm, found.key, found.mode, found.duration_s) == (92, "F#", "minor", 20)
    assert found.time_signature == "3/4" and found.not_understood == () and found.genres == ()
    assert read_figures(Request(prompt="slow blues")).tempo_bpm is None
    assert read_figures(Request(prompt="500 bpm speedcore")).tempo_bpm is None
    assert not read_figures(Request(prompt="drum loop")).loop
    with pytest.raises(RequestError, match="length"):
        read_figures(Request(prompt="a 20 minute drone"))


def test_options_without_a_field_of_their_own_become_words() -> None:
    asked = Request(prompt="pads", tempo_bpm=90, key="A", mode="minor", genres=("lofi_hip_hop",), without=("drums",))
    controls = Controls(tempo_bpm=90, key="A", mode="minor")
    assert words_of(asked, controls, {"text"}) == "pads, lofi hip hop, 90 BPM, A minor"
    assert words_of(asked, controls, {"text", "tempo", "key"}) == "pads, lofi hip hop"
    assert words_of(Request(prompt="pads at 90 bpm"), Controls(tempo_bpm=90), {"text"}) == "pads at 90 bpm"
    assert negative_of(asked.model_copy(update={"negative_prompt": "noise"})) == "noise, drums"
    assert negative_of(Request()) is None


# --- extension ---


@given(st.integers(1, 10000), st.integers(20, 500), st.integers(0, 9), st.integers(0, 9))
def test_stretches_cover_everything_once(frames: int, longest: int, context: int, tail: int) -> None:
    stretches = plan_stretches(frames, longest, context, tail)
    assert stretches[0].start == 0 and stretches[-1].stop == frames
    assert all(0 < stretch.frames <= longest for stretch in stretches)
    assert all(stretch.overlap < stretch.frames for stretch in stretches)
    for before, after in pairwise(stretches):
        assert before.start < after.start and after.start + after.overlap <= before.stop


@pytest.mark.parametrize("features", [ALL, frozenset({"text", "init_audio"})])
def test_long_music_is_of_exact_length_and_starts_as_the_first_call(features: frozenset[Feature]) -> None:
    family = FakeFamily(features)
    heard: list[float] = []
    job = Job("x", 33.3, 5, song=Song(tempo_bpm=120), morph=(0.0, 1.0))
    made = extended(job, Source(), family.capabilities, family.sample, heard.append)
    assert made.shape == (round(33.3 * RATE), 1)
    assert len(family.jobs) > 3
    first = FakeFamily().sample(family.jobs[0], lambda share: None)
    assert np.array_equal(made[: 5 * RATE], first[: 5 * RATE])
    assert heard == sorted(heard) and heard[-1] == 1
    assert family.jobs[0].seed == 5 and len({job.seed for job in family.jobs}) == len(family.jobs)
    ways = [job.morph for job in family.jobs]
    assert ways[0][0] == 0 and ways[-1][1] == pytest.approx(1) and ways == sorted(ways)


def test_the_next_stretch_hears_the_end_of_the_last_without_its_ending() -> None:
    family = FakeFamily()
    extended(Job("x", 15.0, 5), Source(), family.capabilities, family.sample, lambda share: None)
    first, second = family.jobs
    made = FakeFamily().sample(first, lambda share: None)
    (span,) = second.repaint
    context = round(span[0] * RATE)
    assert span[1] == pytest.approx(second.duration_s) and context == 2.5 * RATE
    ending = RATE  # a tenth of ten seconds is dropped
    assert second.init is not None
    assert np.array_equal(second.init[:context], made[len(made) - ending - context : len(made) - ending])


def test_continuing_by_variation_keeps_the_beat() -> None:
    family = FakeFamily(frozenset({"text", "init_audio"}))
    clicks = np.zeros((10 * RATE, 1), np.float32)
    clicks[:: RATE // 2] = 1

    def sample(job: Job, on_step: OnStep) -> np.ndarray:
        return clicks[: round(job.duration_s * RATE)] if job.init is None else np.asarray(job.init)

    made = extended(Job("x", 28.0, 1, song=Song(tempo_bpm=120)), Source(), family.capabilities, sample, lambda s: None)
    at = np.flatnonzero(made[:, 0] > 0.3)
    assert len(at) >= 50
    assert not np.any(at % (RATE // 2))


def test_what_cannot_be_extended_is_refused() -> None:
    family = FakeFamily(frozenset({"text"}))
    assert not can_extend(family.capabilities)
    with pytest.raises(RequestError, match=r"length 20 s is outside 1 to 10 s"):
        generated(model_of(family), Request(prompt="x", duration_s=20, seed=1))
    assert family.jobs == []


def test_seeds_of_stretches() -> None:
    assert seed_of(7, 0) == 7
    assert seed_of(7, 1) != seed_of(8, 1) != seed_of(8, 2)


def test_crossfades_keep_length_and_level() -> None:
    wave = tone(1)
    assert np.allclose(crossfade(wave[:800], wave[600:], 200, alike=True), wave, atol=1e-6)
    assert len(crossfade(wave, wave, 0, alike=False)) == 2 * len(wave)


# --- the model ---


def test_music_is_levelled_stereo_with_a_recipe_that_replays() -> None:
    family = FakeFamily()
    model = model_of(family)
    stages: list[str] = []
    music = generated(
        model,
        Request(prompt="calm 90 bpm in A minor", duration_s=6, seed=3),
        Run(lambda progress: stages.append(progress.stage)),
    )
    assert music.audio.shape == (6 * RATE, 2) and music.audio.dtype == np.float32
    assert integrated_loudness_lufs(music.audio, RATE) == pytest.approx(-14, abs=0.3)
    assert true_peak_dbtp(music.audio) <= -0.99
    assert list(dict.fromkeys(stages)) == ["loading", "sampling", "finishing"]
    assert music.recipe.settings["licence"] == "Testing Licence" and music.recipe.settings["restricted"] is True
    assert music.recipe.models == {"fake": "f" * 16}
    about = music.metadata
    assert (about.tempo_bpm, about.key, about.mode, about.seed) == (90, "A", "minor", 3)
    assert np.array_equal(model.replay(music.recipe).audio, music.audio)
    with pytest.raises(RequestError, match="embedded writes no score"):
        music.midi()


def test_lengths_chosen_for_somebody() -> None:
    assert generated(model_of(FakeFamily()), Request(seed=1)).duration_s == 10
    assert generated(model_of(FakeFamily(longest_s=60)), Request(seed=1)).duration_s == 30
    assert generated(model_of(FakeFamily()), Request(prompt="x", bars=4, tempo_bpm=120, seed=1)).duration_s == 8
    with pytest.raises(RequestError, match="8 bars are no length without a tempo"):
        generated(model_of(FakeFamily()), Request(prompt="x", bars=8))


def test_cancelling_stops_within_a_step() -> None:
    family = FakeFamily(longest_s=5)
    calls: list[Any] = []
    with pytest.raises(Cancelled):
        generated(
            model_of(family),
            Request(prompt="x", duration_s=60, seed=1),
            Run(calls.append, lambda: len(family.jobs) > 1),
        )
    assert len(family.jobs) == 2


def test_audio_to_start_from_is_converted_and_remembered() -> None:
    family = FakeFamily()
    clip = AudioInput(tone(4, rate=16000, channels=2), 16000, "a.wav")
    wishes: list[Wish] = []
    model = model_of(family, wishes)
    asked = Request(prompt="x", init_audio="a.wav", seed=1, dtype="bfloat16")
    music = generated(model, asked, Run(inputs=AudioInputs(clip)))
    (job,) = family.jobs
    assert job.strength == 0.7 and job.init is not None and job.init.shape == (4 * RATE, 1)
    assert music.duration_s == 4
    assert music.recipe.settings["clips"] == {"init_audio": clip.sha256[:16]}
    assert np.array_equal(model.replay(music.recipe, Run(inputs=AudioInputs(clip))).audio, music.audio)
    assert wishes == [Wish(None, "bfloat16"), Wish("cpu", "bfloat16")]
    other = AudioInput(clip.audio * 0.5, 16000, "b.wav")
    with pytest.raises(FileError, match=r"b\.wav: is not the init_audio this was made from"):
        model.replay(music.recipe, Run(inputs=AudioInputs(other)))
    with pytest.raises(FileError, match="made from init_audio that is not here"):
        check_same(AudioInputs(), {"init_audio": "0"})


def test_long_audio_is_varied_piece_by_piece() -> None:
    family = FakeFamily()
    clip = AudioInput(tone(25), RATE, "a.wav")
    music = generated(
        model_of(family), Request(init_audio="a.wav", strength=0.0, seed=1), Run(inputs=AudioInputs(clip))
    )
    assert len(family.jobs) > 2 and music.duration_s == 25
    body = music.audio[RATE:-RATE, 0]
    assert np.corrcoef(body, clip.audio[RATE:-RATE, 0])[0, 1] > 0.999


def test_repainting_keeps_the_rest_and_goes_on_beyond_the_end() -> None:
    family = FakeFamily(longest_s=30)
    clip = AudioInput(tone(6), RATE, "a.wav")
    asked = Request(init_audio="a.wav", repaint=((2, 3),), duration_s=8, seed=1)
    music = generated(model_of(family), asked, Run(inputs=AudioInputs(clip)))
    assert family.jobs[0].repaint == ((2, 3), (6, 8))
    gain = music.audio[RATE, 0] / clip.audio[RATE, 0]
    kept = music.audio[round(0.1 * RATE) : 2 * RATE, 0] / gain
    assert np.allclose(kept, clip.audio[round(0.1 * RATE) : 2 * RATE, 0], atol=2e-2)
    with pytest.raises(RequestError, match="repaint 9-10 s begins after the end"):
        generated(model_of(family), asked.model_copy(update={"repaint": ((9, 10),)}), Run(inputs=AudioInputs(clip)))


def test_only_stretches_with_something_to_repaint_are_sampled() -> None:
    family = FakeFamily()
    clip = AudioInput(tone(40), RATE, "a.wav")
    generated(model_of(family), Request(init_audio="a.wav", repaint=((1, 2),), seed=1), Run(inputs=AudioInputs(clip)))
    assert len(family.jobs) == 1


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate"), "not enough memory on cpu"),
        (MemoryError(), "try --dtype bfloat16, a shorter --length"),
    ],
)
def test_running_out_of_memory_is_advice(failure: Exception, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        generated(model_of(FakeFamily(fail=failure)), Request(prompt="x", seed=1))
    with pytest.raises(RuntimeError, match="shape"), memory_advice(Placement("cpu", "float32"), 1):
        raise RuntimeError("shape mismatch")


def test_what_is_no_number_is_an_error() -> None:
    class Broken(FakeFamily):
        def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
            return super().sample(job, on_step) * np.nan

    with pytest.raises(RequestError, match="not numbers, in float16 on cpu; try --dtype float32"):
        generated(model_of(Broken()), Request(prompt="x", dtype="float16", seed=1))


def test_conversions() -> None:
    six = AudioInput(np.ones((800, 6), np.float32), RATE, "x")
    assert converted(six, RATE, 2).shape == (800, 2)
    assert converted(AudioInput(tone(1), RATE, "x"), RATE // 2, 2).shape == (RATE // 2, 2)
    assert fitted(tone(1), 3 * RATE, RATE, repeat=True).shape == (3 * RATE, 1)
    assert not fitted(tone(1), 3 * RATE, RATE, repeat=False)[RATE:].any()
    assert merged(((5, 6), (1, 2), (2, 3))) == ((1, 3), (5, 6))
    assert needed_bytes(10**9, "bfloat16") < needed_bytes(10**9, "float32")


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_levels_at_any_rate(rate: int) -> None:
    rng = np.random.default_rng(1)
    bursts = rng.standard_normal((4 * rate, 1)) * np.where(np.arange(4 * rate) % rate < rate / 50, 1.0, 0.02)[:, None]
    out = level(bursts.astype(np.float32), rate)
    assert out.shape == (4 * rate, 2)
    assert true_peak_dbtp(out) <= -0.99
    steady = level(0.01 * rng.standard_normal((4 * rate, 2)).astype(np.float32), rate)
    assert integrated_loudness_lufs(steady, rate) == pytest.approx(-14, abs=0.2)
    assert not out[0].any() and not out[-1].any()
    assert not level(np.zeros((rate, 1), np.float32), rate).any()


# --- guide ---


def test_a_guide_keeps_its_score_and_replays(fake_model: Any) -> None:
    family = FakeFamily(frozenset({"init_audio"}))
    guided = GuidedModel(fake_model, model_of(family))
    assert "score" in guided.capabilities.features and "stems" not in guided.capabilities.features
    shares: list[float] = []
    asked = Request(prompt="calm piano", tempo_bpm=120, guide=True, strength=0.4, seed=2)
    music = generated(guided, asked, Run(lambda progress: shares.append(progress.share)))
    assert music.score is not None and music.midi().startswith(b"MThd")
    assert fake_model.requests[0].guide is False and fake_model.requests[0].model == "embedded"
    (job,) = family.jobs
    assert job.strength == 0.4 and job.init is not None and job.song.tempo_bpm is None
    assert music.recipe.request == asked and "fake" in music.recipe.models
    assert shares == sorted(shares)
    again = guided.replay(music.recipe)
    assert np.array_equal(again.audio, music.audio) and again.recipe == music.recipe
    with pytest.raises(RequestError, match="cannot follow --guide"):
        generated(GuidedModel(fake_model, model_of(FakeFamily(frozenset({"text"})))), Request(guide=True))


# --- folders ---


def safetensors(path: Path, values: int = 4, cut: int = 0) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [values], "data_offsets": [0, 4 * values]}}).encode()
    path.write_bytes((len(header).to_bytes(8, "little") + header + bytes(4 * values))[: -cut or None])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "tiny"
    for part in ("unet", "scheduler"):
        (root / part).mkdir(parents=True)
    (root / "unet" / "config.json").write_text("{}")
    (root / "scheduler" / "scheduler_config.json").write_text("{}")
    safetensors(root / "unet" / "model.safetensors")
    index = {
        "_class_name": "DanceDiffusionPipeline",
        "_diffusers_version": "0.30",
        "unet": ["diffusers", "UNet1DModel"],
        "scheduler": ["diffusers", "IPNDMScheduler"],
        "safety_checker": [None, None],
    }
    (root / "model_index.json").write_text(json.dumps(index))
    return root


def test_a_sound_folder(folder: Path) -> None:
    contents = safety.inspect(folder)
    assert contents.pipeline == "DanceDiffusionPipeline" and contents.floats == 4
    before = safety.fingerprint(contents)
    weights = folder / "unet" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert safety.fingerprint(safety.inspect(folder)) != before
    model = Loader().resolve(str(folder))
    assert model.info.family == "dance_diffusion" and model.info.name == "tiny"
    assert api.other_weights(_recipe(model.info.name, before, folder)) == ("tiny",)
    assert api.other_weights(_recipe("tiny", safety.fingerprint(safety.inspect(folder)), folder)) == ()


def _recipe(name: str, sha: str, folder: Path) -> Any:
    from noisician.recipe import Recipe

    return Recipe(request=Request(model=str(folder)), seed=1, models={name: sha[:16]})


def _pickled(folder: Path) -> None:
    (folder / "unet" / "model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


def _truncated(folder: Path) -> None:
    safetensors(folder / "unet" / "model.safetensors", cut=3)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_pickled, "is pickled, which can run code"),
        (_truncated, "truncated by a broken copy"),
        (lambda f: (f / "unet" / "model.safetensors").write_bytes(b"\xff" * 40), "is no safetensors file, or cut off"),
        (lambda f: (f / "unet" / "model.safetensors").unlink(), "holds no safetensors file"),
        (lambda f: (f / "unet" / "config.json").unlink(), "config.json: is missing"),
        (lambda f: (f / "unet" / "config.json").write_text("{"), "no readable JSON"),
        (lambda f: (f / "scheduler" / "scheduler_config.json").unlink(), "scheduler: is missing"),
        (lambda f: (f / "model_index.json").unlink(), "has no model_index.json"),
        (lambda f: (f / "model_index.json").write_text("[]"), "is not what diffusers writes"),
        (lambda f: (f / "model_index.json").write_text("{}"), "names no _class_name"),
        (
            lambda f: (f / "unet" / "m.safetensors.index.json").write_text('{"weight_map": {"w": "b.safetensors"}}'),
            "b.safetensors: is missing",
        ),
    ],
)
def test_folders_that_are_not_sound(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(WeightsError) as refused:
        safety.inspect(folder)
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_names_that_are_no_model(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    with pytest.raises(RequestError, match=r"did you mean riffusion-v1\?"):
        Loader().resolve("rifusion")
    with pytest.raises(WeightsError, match="does not exist"):
        Loader().resolve("./nowhere")
    with pytest.raises(WeightsError, match="is a file"):
        Loader().resolve(str(folder / "model_index.json"))
    with pytest.raises(WeightsError, match="noisician models pull some/thing"):
        Loader().resolve("some/thing")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "FluxPipeline"}))
    with pytest.raises(WeightsError, match="holds a FluxPipeline; noisician runs"):
        Loader().resolve(str(folder))


def test_the_hub_cache_is_read_without_the_hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NOISICIAN_MODELS", str(tmp_path / "own"))
    info = catalogue()["dance-diffusion/honk-140k"]
    assert store.find(info) is None
    with pytest.raises(WeightsError, match="noisician models pull dance-diffusion/honk-140k"):
        generated(Loader().resolve(info.name), Request())
    repository = tmp_path / "cache" / "models--harmonai--honk-140k"
    (repository / "snapshots").mkdir(parents=True)
    folder.rename(repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    found = store.find(info)
    assert found is not None and found == repository / "snapshots" / "abc" and store.state_of(found) == "yes"
    assert Loader().resolve("harmonai/honk-140k").info == info
    (found / "unet" / "config.json").unlink()
    assert store.state_of(found) == "incomplete"
    assert store.remove(info) == repository and store.find(info) is None
    with pytest.raises(WeightsError, match="nothing to remove"):
        store.remove(info)


def test_a_repository_of_pickles_is_refused_before_the_download() -> None:
    info = catalogue()["riffusion-v1"]
    store.check_listing(info, {"unet": True, "scheduler": False}, ["unet/a.safetensors", "unet/a.bin"])
    with pytest.raises(WeightsError, match=r"only pickled ones \(unet/a.bin\)"):
        store.check_listing(info, {"unet": True}, ["unet/a.bin", "vae/b.safetensors"])


class Newer:
    """diffusers from the version on that calls the precision dtype."""

    @classmethod
    def from_pretrained(cls, folder: Path, **options: Any) -> Any:
        old, dtype = options.pop("torch_dtype", None), options.pop("dtype", None)
        assert old is None
        return dtype, options


class Older:
    @classmethod
    def from_pretrained(cls, folder: Path, **options: Any) -> Any:
        return options.pop("torch_dtype", None), options


@pytest.mark.parametrize("kind", [Newer, Older])
def test_precision_reaches_diffusers_by_the_name_it_knows(kind: Any) -> None:
    torch = pytest.importorskip("torch")
    dtype, options = from_folder(kind, Path("x"), "bfloat16", more=1)
    assert dtype is torch.bfloat16
    assert options == {"use_safetensors": True, "local_files_only": True, "more": 1}


# --- audio inputs ---


def test_clips_are_read_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1), RATE)
    read = read_inputs(Request(init_audio=str(path)))
    assert read.init_audio is not None and read.init_audio.duration_s == 1 and read.reference_audio is None
    soundfile.write(tmp_path / "a.flac", tone(1), RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "b.wav", soundfile.read(tmp_path / "a.flac", dtype="float32")[0], RATE, subtype="FLOAT")
    assert read_audio_input(str(tmp_path / "a.flac")).sha256 == read_audio_input(str(tmp_path / "b.wav")).sha256
    with pytest.raises(FileError, match="does not exist"):
        read_audio_input(str(tmp_path / "c.wav"))
    monkeypatch.setattr("noisician.models.inputs.FILE_LIMIT_BYTES", 100)
    with pytest.raises(FileError, match="the limit is 0 MB"):
        read_audio_input(str(path))


def test_a_recipe_finds_its_files_beside_it_and_says_which_it_lacks(tmp_path: Path) -> None:
    from noisician.recipe import Recipe

    there = tmp_path / "sounds"
    there.mkdir()
    path = there / "a.wav"
    soundfile.write(path, tone(1), RATE)
    clip = read_audio_input(str(path))
    recipe = Recipe(request=Request(init_audio=str(path)), seed=1, settings={"clips": {"init_audio": clip.sha256[:16]}})
    assert recipe.request.init_audio == "a.wav"
    found = inputs_of(recipe, there).init_audio
    assert found is not None and found.sha256 == clip.sha256
    with pytest.raises(FileError) as missing:
        inputs_of(recipe, tmp_path)
    assert str(missing.value) == (
        f"a.wav (samples {clip.sha256[:16]}): the init_audio this was made from is not here;"
        f" put it into this folder or {tmp_path}"
    )
    with pytest.raises(FileError, match=r"put it into this folder$"):
        inputs_of(recipe)
