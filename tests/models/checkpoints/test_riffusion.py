"""Riffusion on a tiny checkpoint of random weights: what it makes is held against diffusers' own pipelines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_model import TinyFolder

pytest.importorskip("diffusers")
import torch
from tiny_riffusion import IMAGE_PX

from noisician.errors import Cancelled, RequestError, WeightsError
from noisician.models import spectrogram_image as codec
from noisician.models.checkpoints.catalogue import CheckpointInfo, catalogue
from noisician.models.checkpoints.families import riffusion
from noisician.models.checkpoints.families.riffusion import Riffusion, load, window_starts, window_weights
from noisician.models.checkpoints.family import Job
from noisician.models.checkpoints.placement import Placement
from noisician.request import DURATION_RANGE_S

RATE = 44100
IMAGE_S = IMAGE_PX / 100
ITERATIONS = 2
INFO = CheckpointInfo("tiny", "riffusion", None, "CreativeML OpenRAIL-M", None, True, False, None)
CPU = Placement("cpu", "float32")
PARAMS = codec.SpectrogramParams(frequencies=IMAGE_PX)


@pytest.fixture(scope="module", autouse=True)
def quick_phases() -> Iterator[None]:
    """How well phases are found is the codec's affair, and its tests'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(riffusion, "Decoding", partial(codec.Decoding, iterations=ITERATIONS))
        yield


@pytest.fixture(scope="module")
def folder(tiny_folder: TinyFolder) -> Path:
    return tiny_folder("riffusion")


@pytest.fixture(scope="module")
def family(folder: Path) -> Riffusion:
    return load(folder, CPU, INFO)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def init() -> np.ndarray:
    time = np.arange(round(IMAGE_S * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * 440 * time) * (1 + np.sin(2 * np.pi * 3 * time)))[:, None].astype(np.float32)


def ignore(share: float) -> None:
    """Nobody watches."""


def seeded(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def sibling(plain: Any, name: str) -> Any:
    """Another of diffusers' pipelines around the same networks."""
    import diffusers

    pipe = getattr(diffusers, name)(**plain.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def as_image(pixels: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def test_capabilities_are_those_of_the_catalogue(family: Riffusion) -> None:
    known = catalogue()["riffusion-v1"]
    assert family.capabilities.features == known.features
    assert family.capabilities.duration_range_s == known.duration_range_s == DURATION_RANGE_S
    assert family.capabilities.sample_rate_hz == known.sample_rate_hz == RATE
    assert family.channels == 1


def test_reference_is_the_plain_call_bit_for_bit(family: Riffusion, plain: Any) -> None:
    expected = np.asarray(plain("funk", generator=seeded(7)).images[0])
    np.testing.assert_array_equal(family.paint(Job("funk", IMAGE_S, 7), ignore), expected)


def test_a_negative_prompt_reaches_the_plain_call(family: Riffusion, plain: Any) -> None:
    given = {"num_inference_steps": 20, "negative_prompt": "drums"}
    expected = np.asarray(plain("funk", generator=seeded(7), **given).images[0])
    job = Job("funk", IMAGE_S, 7, steps=20, negative_prompt="drums")
    np.testing.assert_array_equal(family.paint(job, ignore), expected)
    assert (family.paint(Job("funk", IMAGE_S, 7, steps=20), ignore) != expected).any()


def test_reference_sounds_as_the_plain_call_looks(family: Riffusion, plain: Any) -> None:
    expected = np.asarray(plain("funk", num_inference_steps=2, generator=seeded(7)).images[0])
    job = Job("funk", IMAGE_S, 7, steps=2)
    sound = codec.decode(expected, PARAMS, decoding=codec.Decoding(7, round(IMAGE_S * RATE), iterations=ITERATIONS))
    made = family.sample(job, ignore)
    np.testing.assert_allclose(made, sound * (10 ** (-0.1 / 20) / np.abs(sound).max()), rtol=1e-5, atol=1e-7)


def test_steps_guidance_and_seed_reach_the_plain_call(family: Riffusion, plain: Any) -> None:
    expected = np.asarray(plain("funk", num_inference_steps=5, guidance_scale=3.0, generator=seeded(1)).images[0])
    job = Job("funk", IMAGE_S, 1, steps=5, guidance_scale=3.0)
    np.testing.assert_array_equal(family.paint(job, ignore), expected)
    assert (family.paint(Job("funk", IMAGE_S, 2, steps=5, guidance_scale=3.0), ignore) != expected).any()


def test_short_music_is_a_narrow_image(family: Riffusion, plain: Any) -> None:
    expected = plain("funk", width=128, height=IMAGE_PX, num_inference_steps=3, generator=seeded(1)).images[0]
    job = Job("funk", 1.0, 1, steps=3)
    np.testing.assert_array_equal(family.paint(job, ignore), np.asarray(expected))
    assert family.sample(job, ignore).shape == (RATE, 1)


def test_the_loop_beside_the_plain_call_is_the_plain_call(family: Riffusion, plain: Any) -> None:
    expected = np.asarray(plain("funk", num_inference_steps=10, generator=seeded(3)).images[0])
    start = Job("funk", IMAGE_S, 3, steps=10, morph_prompt="jazz", morph=(0.0, 0.0))
    np.testing.assert_array_equal(family.paint(start, ignore), expected)


def test_variation_is_diffusers_image_to_image(family: Riffusion, plain: Any, init: np.ndarray) -> None:
    pixels, _ = codec.encode(init, PARAMS, IMAGE_PX)
    given = {"strength": 0.6, "num_inference_steps": 10, "generator": seeded(3)}
    expected = sibling(plain, "StableDiffusionImg2ImgPipeline")("funk", image=as_image(pixels), **given).images[0]
    job = Job("funk", IMAGE_S, 3, steps=10, init=init, strength=0.6)
    np.testing.assert_array_equal(family.paint(job, ignore), np.asarray(expected))
    assert family.sample(job, ignore).shape == init.shape


def test_strength_0_keeps_the_samples(family: Riffusion, init: np.ndarray) -> None:
    np.testing.assert_array_equal(family.sample(Job("funk", IMAGE_S, 3, init=init, strength=0.0), ignore), init)


def test_repainting_is_diffusers_inpainting(family: Riffusion, plain: Any, init: np.ndarray) -> None:
    pixels, _ = codec.encode(init, PARAMS, IMAGE_PX)
    mask = np.zeros((IMAGE_PX, IMAGE_PX), np.uint8)
    mask[:, 32:80] = 255
    given = {"image": as_image(pixels), "mask_image": as_image(mask), "height": IMAGE_PX, "width": IMAGE_PX}
    inpaint = sibling(plain, "StableDiffusionInpaintPipeline")
    expected = np.asarray(inpaint("funk", num_inference_steps=10, generator=seeded(3), **given).images[0])
    painted = family.paint(Job("funk", IMAGE_S, 3, steps=10, init=init, repaint=((0.32, 0.80),)), ignore)
    np.testing.assert_array_equal(painted[:, 32:80], expected[:, 32:80])
    np.testing.assert_array_equal(painted[:, :32], pixels[:, :32])
    np.testing.assert_array_equal(painted[:, 80:], pixels[:, 80:])


def test_what_is_not_repainted_keeps_its_samples(family: Riffusion, init: np.ndarray) -> None:
    long = np.tile(init, (3, 1))[: 3 * RATE]
    made = family.sample(Job("funk", 3.0, 3, steps=2, init=long, repaint=((1.0, 1.5), (2.9, 3.0))), ignore)
    new = np.zeros(len(long), bool)
    new[RATE : RATE * 3 // 2] = new[round(2.9 * RATE) :] = True
    np.testing.assert_array_equal(made[~new], long[~new])
    assert np.mean(made[new] != long[new]) > 0.9


@pytest.mark.parametrize("preset, calls", [("reference", (11, 0)), ("balanced", (9, 2)), ("fast", (8, 2))])
def test_presets_save_passes_and_stay_near(
    family: Riffusion, monkeypatch: pytest.MonkeyPatch, preset: Any, calls: tuple[int, int]
) -> None:
    reference = family.paint(Job("funk", IMAGE_S, 3, steps=10), ignore)
    batches: list[int] = []
    forward = family._pipe.unet.forward

    def counted(sample: torch.Tensor, *given: Any, **named: Any) -> Any:
        batches.append(len(sample))
        return forward(sample, *given, **named)

    monkeypatch.setattr(family._pipe.unet, "forward", counted)
    painted = family.paint(Job("funk", IMAGE_S, 3, preset=preset, steps=10), ignore)
    assert (batches.count(2), batches.count(1)) == calls
    assert np.corrcoef(painted.ravel(), reference.ravel())[0, 1] > 0.95


def test_fast_takes_fewer_steps_of_its_own(family: Riffusion) -> None:
    heard: list[float] = []
    family.paint(Job("funk", IMAGE_S, 3, preset="fast"), heard.append)
    assert heard == pytest.approx([step / 20 for step in range(1, 21)])


def test_long_music_has_no_seams(family: Riffusion) -> None:
    job = Job("funk", 4.0, 3, steps=3)
    pixels = family.paint(job, ignore)
    assert pixels.shape == (IMAGE_PX, 416, 3)
    jumps = np.abs(np.diff(pixels.astype(float), axis=1)).mean(axis=(0, 2))
    edges = {8 * place for start in window_starts(52, 16) for place in (start, start + 16)} - {0, 416}
    at_edges = [jumps[edge - 1] for edge in edges]
    assert max(at_edges) < 1.2 * np.percentile(jumps, 95)


def test_long_music_is_exact_and_comes_from_the_seed(family: Riffusion) -> None:
    job = Job("funk", 1.5, 3, steps=1)
    made = family.sample(job, ignore)
    assert made.shape == (RATE * 3 // 2, 1) and made.dtype == np.float32
    assert np.abs(made).max() == pytest.approx(10 ** (-0.1 / 20), rel=1e-4)
    np.testing.assert_array_equal(made, family.sample(job, ignore))


@pytest.mark.parametrize("width", [4, 16, 17, 40, 52, 1000])
def test_windows_cover_the_canvas_and_weigh_the_same_everywhere(width: int) -> None:
    starts = window_starts(width, 16)
    length = min(width, 16)
    total = np.zeros(width)
    for start, weight in zip(starts, window_weights(starts, length), strict=True):
        assert weight.min() > 0
        total[start : start + length] += weight
    assert starts[0] == 0 and starts[-1] + length == width
    assert all(later - earlier <= 10 for earlier, later in itertools.pairwise(starts))
    assert total.min() > 0.4 and total.max() < 1.6


def test_a_journey_begins_and_ends_where_it_should(family: Riffusion) -> None:
    there = family.paint(Job("funk", IMAGE_S, 3, steps=3, morph_prompt="jazz", morph=(1.0, 1.0)), ignore)
    swapped = family._words(Job("jazz", IMAGE_S, 3), guided=True)[0][0]
    travel = Job("funk", IMAGE_S, 3, steps=3, morph_prompt="jazz")
    views = family._views(travel, 16, family._words(travel, guided=True)[0])
    first = family._words(Job("funk", IMAGE_S, 3), guided=True)[0][0]
    way = [float(((view.words - first) / (swapped - first)).detach().nanmedian()) for view in views]
    assert len(views) == 5 and way == sorted(way) and way[0] < 0.2 and way[-1] > 0.8
    torch.testing.assert_close(sum(view.weight for view in views), torch.ones(16))
    here = family.paint(Job("funk", IMAGE_S, 3, steps=3), ignore)
    moved = family.paint(travel, ignore)
    near = np.abs(moved.astype(float) - here).mean(axis=(0, 2))
    far = np.abs(moved.astype(float) - there).mean(axis=(0, 2))
    assert near[:16].mean() < far[:16].mean() and far[-16:].mean() < near[-16:].mean()


def test_a_long_journey_changes_words_from_window_to_window(family: Riffusion) -> None:
    job = Job("funk", 10.0, 3, steps=2, morph_prompt="jazz", morph=(0.2, 0.6))
    words = family._words(job, guided=True)[0]
    views = family._views(job, 128, words)
    way = [float(((view.words - words[0]) / (words[1] - words[0])).detach().nanmedian()) for view in views]
    assert way == sorted(way) and way[0] == pytest.approx(0.2, abs=0.05) and way[-1] == pytest.approx(0.6, abs=0.05)
    noise = family._noise(family_run(family, job), 128)
    assert float(noise.std()) == pytest.approx(1.0, abs=0.03)


def family_run(family: Riffusion, job: Job) -> Any:
    """As much of a run as drawing noise needs."""
    from types import SimpleNamespace

    return SimpleNamespace(job=job, generator=seeded(job.seed))


def test_a_journey_may_start_from_audio(family: Riffusion, init: np.ndarray) -> None:
    made = family.sample(Job("funk", IMAGE_S, 3, steps=4, init=init, strength=0.5, morph_prompt="jazz"), ignore)
    assert made.shape == init.shape and np.isfinite(made).all()


def test_progress_rises_to_one(family: Riffusion) -> None:
    for job in (Job("funk", 1.0, 3, steps=2), Job("funk", 1.5, 3, steps=2)):
        heard: list[float] = []
        family.sample(job, heard.append)
        assert heard == sorted(heard) and heard[0] > 0 and heard[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("duration_s", [1.0, 1.5])
def test_what_on_step_raises_passes(family: Riffusion, duration_s: float) -> None:
    def stop(share: float) -> None:
        raise Cancelled("stopped while sampling")

    with pytest.raises(Cancelled):
        family.sample(Job("funk", duration_s, 3, steps=3), stop)
    assert family.paint(Job("funk", duration_s, 3, steps=1), ignore).shape[1] >= 100 * duration_s


@pytest.mark.parametrize(
    "job, named",
    [
        (Job("funk", 0.1, 3), "0.1 s"),
        (Job("funk", 601.0, 3), "600"),
        (Job("funk", 2.0, 3, steps=0), "steps"),
        (Job("funk", 2.0, 3, repaint=((0.0, 1.0),)), "init"),
        (Job("funk", 2.0, 3, init=np.zeros((100, 1), np.float32)), "100"),
        (Job("funk", 2.0, 3, reference=np.zeros((100, 1), np.float32)), "reference"),
        (Job("funk", 2.0, 3, morph_init=np.zeros((100, 1), np.float32)), "morph"),
    ],
)
def test_what_cannot_be_made_is_one_line(family: Riffusion, job: Job, named: str) -> None:
    with pytest.raises(RequestError, match=named) as raised:
        family.sample(job, ignore)
    assert "\n" not in str(raised.value)


def test_no_safety_checker_is_loaded_where_the_folder_names_one(folder: Path, tmp_path: Path) -> None:
    import json
    import shutil

    named = tmp_path / "named"
    shutil.copytree(folder, named)
    index = json.loads((named / "model_index.json").read_text(encoding="utf-8"))
    index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
    index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    (named / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    job = Job("funk", IMAGE_S, 3, steps=2)
    loaded = load(named, CPU, INFO)
    assert loaded._pipe.safety_checker is None
    assert (loaded.paint(job, ignore) == load(folder, CPU, INFO).paint(job, ignore)).all()


def test_an_inpainting_network_is_refused(family: Riffusion) -> None:
    from types import SimpleNamespace

    config = SimpleNamespace(in_channels=9, sample_size=16)
    pipe: Any = SimpleNamespace(unet=SimpleNamespace(config=config), vae=family._pipe.vae)
    with pytest.raises(WeightsError, match="9 channels"):
        Riffusion(pipe, CPU, INFO)
