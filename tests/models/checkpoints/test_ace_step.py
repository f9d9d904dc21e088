"""ACE-Step on a tiny checkpoint: equality with the plain pipeline, songs, covers, repainting, references, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_model import TinyFolder

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import tiny_ace_step as tiny  # noqa: E402

from noisician.errors import Cancelled, RequestError  # noqa: E402
from noisician.models.checkpoints.catalogue import CheckpointInfo  # noqa: E402
from noisician.models.checkpoints.families import ace_step  # noqa: E402
from noisician.models.checkpoints.families.ace_step import AceStep, load  # noqa: E402
from noisician.models.checkpoints.family import Job, Song  # noqa: E402
from noisician.models.checkpoints.placement import Placement  # noqa: E402

CPU = Placement("cpu", "float32")
INFO = CheckpointInfo("tiny", "ace_step", None, "MIT", None, False, False, None)
RATE = tiny.SAMPLE_RATE_HZ
SECONDS = 10.0
FRAMES = round(SECONDS * RATE)
PROMPT = "warm soul band"
PLAIN = Job(PROMPT, SECONDS, 3)


def quiet(share: float) -> None:
    """An OnStep that watches nothing."""


@pytest.fixture(scope="module")
def model(tiny_folder: TinyFolder) -> AceStep:
    return load(tiny_folder("ace_step"), CPU, INFO)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> AceStep:
    torch.set_num_threads(1)
    return load(tiny.build(tmp_path_factory.mktemp("base"), turbo=False, codes=False), CPU, INFO)


@pytest.fixture(scope="module")
def plain(model: AceStep) -> np.ndarray:
    return model.sample(PLAIN, quiet)


def source() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((FRAMES, 2))
    return (0.3 * np.sin(np.arange(FRAMES)[:, None] * np.array([0.1, 0.13])) + 0.05 * noise).astype(np.float32)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first - second) ** 2)))


def plain_call(model: AceStep, **arguments: Any) -> np.ndarray:
    """diffusers' own call, ``[frames, channels]``."""
    defaults = {
        "prompt": PROMPT,
        "lyrics": "[Instrumental]",
        "vocal_language": "unknown",
        "audio_duration": SECONDS,
        "generator": torch.Generator("cpu").manual_seed(3),
        "output_type": "np",
    }
    return model._pipeline(**defaults | arguments).audios[0].T


def through_codec(model: AceStep, audio: np.ndarray) -> np.ndarray:
    """What the checkpoint's own autoencoder makes of ``audio``, without sampling."""
    with torch.no_grad():
        return model._decode(model._encode(audio))


def test_reference_is_the_plain_pipeline_bit_for_bit(model: AceStep, plain: np.ndarray) -> None:
    assert plain.dtype == np.float32
    assert plain.shape == (FRAMES, 2)
    np.testing.assert_array_equal(plain, plain_call(model))


def test_a_song_reaches_the_pipeline_in_its_own_terms(model: AceStep, plain: np.ndarray) -> None:
    lyrics = "[verse]\nlight in the night\n[chorus]\nlove and rain"
    job = replace(PLAIN, steps=2, song=Song(lyrics, "fr", 119.6, "F#", "minor", "6/8"))
    arguments = {"lyrics": lyrics, "vocal_language": "fr", "bpm": 120, "keyscale": "F# minor", "timesignature": "6"}
    expected = plain_call(model, num_inference_steps=2, **arguments)
    np.testing.assert_array_equal(model.sample(job, quiet), expected)


@pytest.mark.parametrize(
    "song",
    [
        Song(lyrics="[verse]\nlight"),
        Song(lyrics="[verse]\nlight", language="fr"),
        Song(tempo_bpm=90),
        Song(key="C"),
        Song(mode="minor"),
        Song(time_signature="3/4"),
    ],
)
def test_every_figure_of_a_song_is_heard(model: AceStep, plain: np.ndarray, song: Song) -> None:
    assert distance(model.sample(replace(PLAIN, song=song), quiet), plain) > 0


def test_a_key_without_a_mode_is_major(model: AceStep) -> None:
    keys = [replace(PLAIN, steps=1, song=Song(key="C", mode=mode)) for mode in (None, "major", "minor")]
    unsaid, major, minor = (model.sample(job, quiet) for job in keys)
    np.testing.assert_array_equal(unsaid, major)
    assert distance(major, minor) > 0


def test_prompt_and_seed(model: AceStep, plain: np.ndarray) -> None:
    np.testing.assert_array_equal(model.sample(PLAIN, quiet), plain)
    assert distance(model.sample(replace(PLAIN, seed=4), quiet), plain) > 0
    assert distance(model.sample(replace(PLAIN, prompt="sad piano"), quiet), plain) > 0


def test_length_is_exact_where_it_is_no_whole_latent(model: AceStep) -> None:
    assert len(model.sample(replace(PLAIN, duration_s=10.013, steps=1), quiet)) == round(10.013 * RATE)


def test_guidance_of_a_base_checkpoint(base: AceStep) -> None:
    job = replace(PLAIN, steps=3)
    np.testing.assert_array_equal(base.sample(job, quiet), plain_call(base, num_inference_steps=3))
    strong = base.sample(replace(job, guidance_scale=12.0), quiet)
    np.testing.assert_array_equal(strong, plain_call(base, num_inference_steps=3, guidance_scale=12.0))


def test_cheaper_presets_take_fewer_steps_or_guide_fewer(
    base: AceStep, model: AceStep, plain: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    forward = type(base._pipeline.transformer).forward

    def counted(self: Any, hidden_states: Any, *positional: Any, **named: Any) -> Any:
        rows.append(len(hidden_states))
        return forward(self, hidden_states, *positional, **named)

    monkeypatch.setattr(type(base._pipeline.transformer), "forward", counted)
    spent = {}
    for checkpoint in (base, model):
        for preset in ("reference", "balanced", "fast"):
            rows.clear()
            checkpoint.sample(replace(PLAIN, preset=preset), quiet)
            spent[checkpoint is base, preset] = (len(rows), sum(rows))
    assert spent[True, "reference"] == (32, 64)
    assert spent[True, "balanced"][0] == 32
    assert 50 < spent[True, "balanced"][1] < 62
    assert spent[True, "fast"][0] == 16
    assert [spent[False, preset][0] for preset in ("reference", "balanced", "fast")] == [8, 8, 4]
    # Narrower numbers are given back: the reference is the same again.
    np.testing.assert_array_equal(model.sample(PLAIN, quiet), plain)


def test_cheaper_presets_stay_near_the_reference(model: AceStep, plain: np.ndarray) -> None:
    balanced, fast = (model.sample(replace(PLAIN, preset=preset), quiet) for preset in ("balanced", "fast"))
    assert distance(balanced, plain) < 0.02 * np.std(plain)
    assert distance(fast, plain) < 0.1 * np.std(plain)


def test_a_cover_is_the_pipelines_own_started_from_the_file(model: AceStep) -> None:
    init, strength = source(), 0.5
    job = replace(PLAIN, init=init, strength=strength)
    calls: list[dict[str, Any]] = []
    call = model._pipeline

    class Recorded:
        def __getattr__(self, name: str) -> Any:
            return getattr(call, name)

        def __call__(self, **arguments: Any) -> Any:
            calls.append(arguments)
            return call(**arguments)

    recording = AceStep(Recorded(), model._folder, CPU, INFO)
    made = recording.sample(job, quiet)
    told = calls[0]
    assert (told["task_type"], told["audio_cover_strength"], len(told["timesteps"])) == ("cover", 0.5, 4)
    torch.manual_seed(job.seed)
    arguments = {
        name: told[name] for name in ("task_type", "src_audio", "audio_cover_strength", "timesteps", "latents")
    }
    plain = plain_call(model, output_type="pt", num_inference_steps=4, **arguments)
    loudest = float(np.abs(made).max())
    np.testing.assert_allclose(np.asarray(plain) / 10 ** (-1 / 20) * loudest, made, atol=1e-5)


@pytest.mark.parametrize("codes", [True, False])
def test_variation_goes_farther_with_strength(model: AceStep, codes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file itself over its trip through the codec to what the words alone give."""
    if not codes:
        monkeypatch.setattr(model._pipeline, "audio_tokenizer", None)
    init = source()
    made = {s: model.sample(replace(PLAIN, init=init, strength=s), quiet) for s in (0.0, 0.1, 0.5, 0.9, 1.0)}
    np.testing.assert_array_equal(made[0.0], init)
    coded = through_codec(model, init)
    distances = [distance(made[strength], coded) for strength in (0.1, 0.5, 0.9)]
    assert distances == sorted(distances)
    assert distances[0] < 0.3 * distances[2]
    words = plain_call(model)
    np.testing.assert_allclose(made[1.0] / np.abs(made[1.0]).max(), words / np.abs(words).max(), atol=1e-5)


def test_a_file_is_drawn_from_the_seed_and_leaves_torchs_own_generator_alone(model: AceStep) -> None:
    job = replace(PLAIN, steps=2, init=source(), strength=0.8)
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = model.sample(job, quiet)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    np.testing.assert_array_equal(model.sample(job, quiet), first)


def test_repaint_changes_the_stretches_and_not_one_sample_besides(model: AceStep) -> None:
    init, spans = source(), ((2.0, 3.01), (9.0, SECONDS))
    shares: list[float] = []
    made = model.sample(replace(PLAIN, steps=3, init=init, repaint=spans), shares.append)
    inside = np.zeros(FRAMES, dtype=bool)
    for start_s, end_s in spans:
        inside[round(start_s * RATE) : round(end_s * RATE)] = True
    np.testing.assert_array_equal(made[~inside], init[~inside])
    for start_s, end_s in spans:
        span = slice(round(start_s * RATE), round(end_s * RATE))
        assert distance(made[span], init[span]) > 0.01
    assert len(shares) == 2 * 3 + 1
    other = model.sample(replace(PLAIN, seed=5, steps=3, init=init, repaint=spans), quiet)
    assert distance(other[inside], made[inside]) > 0


def test_reference_audio_is_the_pipelines_own(model: AceStep, plain: np.ndarray) -> None:
    reference = source()[: 3 * RATE]
    made = model.sample(replace(PLAIN, reference=reference), quiet)
    assert distance(made, plain) > 0
    torch.manual_seed(PLAIN.seed)
    expected = plain_call(model, reference_audio=torch.from_numpy(np.ascontiguousarray(reference.T)))
    np.testing.assert_array_equal(made, expected)


def test_long_music_is_decoded_in_pieces_that_cannot_be_told(model: AceStep, monkeypatch: pytest.MonkeyPatch) -> None:
    job = replace(PLAIN, duration_s=24.0, steps=1)
    whole = model.sample(job, quiet)
    monkeypatch.setattr(ace_step, "WHOLE_DECODE_S", 20.0)
    pieces = model.sample(job, quiet)
    assert model._pipeline.vae.use_tiling
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


@pytest.mark.parametrize(
    "job",
    [
        replace(PLAIN, steps=4),
        replace(PLAIN, steps=4, init=source(), strength=0.9),
        replace(PLAIN, steps=4, init=source(), repaint=((1.0, 2.0),)),
    ],
)
def test_progress_rises_to_one_and_a_wish_to_stop_passes(model: AceStep, job: Job) -> None:
    shares: list[float] = []
    model.sample(job, shares.append)
    assert shares == sorted(set(shares))
    assert len(shares) == 5
    assert shares[-1] == 1.0

    def stop(share: float) -> None:
        if share >= 0.4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        model.sample(job, stop)


def test_capabilities(model: AceStep) -> None:
    assert model.capabilities.features == ace_step.FEATURES
    assert model.capabilities.sample_rate_hz == RATE
    assert model.capabilities.duration_range_s == (10.0, 600.0)
    assert model.channels == 2


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (replace(PLAIN, guidance_scale=7.0), "guidance"),
        (replace(PLAIN, prompt="slow " * 400), "prompt"),
        (replace(PLAIN, song=Song(lyrics="[verse]\n" + "night and rain " * 800)), "lyrics"),
        (replace(PLAIN, duration_s=601.0), "600 s"),
        (replace(PLAIN, duration_s=5.0), "10"),
        (replace(PLAIN, init=source()[:-1], strength=0.5), "init"),
        (replace(PLAIN, repaint=((1.0, 2.0),)), "init"),
    ],
)
def test_bad_jobs_are_one_line(model: AceStep, job: Job, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        model.sample(job, quiet)
    assert "\n" not in str(refused.value)


def test_guidance_of_one_is_no_guidance(model: AceStep, plain: np.ndarray) -> None:
    np.testing.assert_array_equal(model.sample(replace(PLAIN, guidance_scale=1.0), quiet), plain)
