"""Dance Diffusion on a tiny checkpoint: equality with the plain pipeline, variation, repainting, inversion, lengths."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_model import TinyFolder

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import tiny_dance_diffusion as tiny  # noqa: E402

from noisician.errors import Cancelled, RequestError, WeightsError  # noqa: E402
from noisician.models.checkpoints.catalogue import CheckpointInfo  # noqa: E402
from noisician.models.checkpoints.families.dance_diffusion import DanceDiffusion, load  # noqa: E402
from noisician.models.checkpoints.families.inversion import between, follow  # noqa: E402
from noisician.models.checkpoints.family import Job  # noqa: E402
from noisician.models.checkpoints.placement import Placement  # noqa: E402

CPU = Placement("cpu", "float32")
INFO = CheckpointInfo("tiny", "dance_diffusion", None, "MIT", None, False, False, None)
RATE = tiny.SAMPLE_RATE_HZ
FRAMES = RATE


def quiet(share: float) -> None:
    """An OnStep that watches nothing."""


@pytest.fixture(scope="module")
def folder(tiny_folder: TinyFolder) -> Path:
    return tiny_folder("dance_diffusion")


@pytest.fixture(scope="module")
def model(folder: Path) -> DanceDiffusion:
    return load(folder, CPU, INFO)


def tones() -> np.ndarray:
    return (0.3 * np.sin(np.arange(FRAMES)[:, None] * np.array([0.1, 0.13]))).astype(np.float32)


def hiss() -> np.ndarray:
    return (0.2 * np.random.default_rng(0).standard_normal((FRAMES, 2))).astype(np.float32)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first - second) ** 2)))


@pytest.mark.parametrize("seconds", [1.0, 1.002])
def test_reference_is_the_plain_pipeline_bit_for_bit(folder: Path, model: DanceDiffusion, seconds: float) -> None:
    unet = diffusers.UNet1DModel.from_pretrained(folder / "unet", time_embedding_dim=16)
    pipeline = diffusers.DanceDiffusionPipeline(unet, diffusers.IPNDMScheduler())
    pipeline.set_progress_bar_config(disable=True)
    plain = pipeline(
        num_inference_steps=6, audio_length_in_s=seconds, generator=torch.Generator("cpu").manual_seed(7)
    ).audios[0]
    ours = model.sample(Job("", seconds, 7, steps=6), quiet)
    assert ours.dtype == np.float32
    assert ours.shape == (round(seconds * RATE), 2)
    np.testing.assert_array_equal(ours, plain.T)


def test_the_pipelines_own_number_of_steps_is_the_default(model: DanceDiffusion) -> None:
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        raise Cancelled("enough")

    for preset, steps in (("reference", 100), ("balanced", 50), ("fast", 25)):
        shares.clear()
        with pytest.raises(Cancelled):
            model.sample(Job("", 1.0, 0, preset=preset), stop)
        assert shares == [1 / steps]


def test_seeds(model: DanceDiffusion) -> None:
    first, again, other = (model.sample(Job("", 1.0, seed, steps=4), quiet) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert distance(first, other) > 0.1


def test_variation_goes_farther_with_strength_from_the_file_itself_to_nothing_of_it(model: DanceDiffusion) -> None:
    init = tones()
    made = {s: model.sample(Job("", 1.0, 3, steps=10, init=init, strength=s), quiet) for s in (0.0, 0.1, 0.5, 0.9, 1.0)}
    np.testing.assert_array_equal(made[0.0], init)
    distances = [distance(audio, init) for audio in made.values()]
    assert distances == sorted(distances)
    assert distances[1] < 0.2 * distances[3]
    np.testing.assert_array_equal(made[1.0], model.sample(Job("", 1.0, 3, steps=10), quiet))


def test_repaint_changes_the_stretches_and_not_one_sample_besides(model: DanceDiffusion) -> None:
    init = tones()
    spans = ((0.25, 0.5), (0.75, 1.0))
    made = model.sample(Job("", 1.0, 3, steps=6, init=init, repaint=spans), quiet)
    inside = np.zeros(FRAMES, dtype=bool)
    for start_s, end_s in spans:
        inside[round(start_s * RATE) : round(end_s * RATE)] = True
    np.testing.assert_array_equal(made[~inside], init[~inside])
    assert distance(made[inside], init[inside]) > 0.05
    other = model.sample(Job("", 1.0, 4, steps=6, init=init, repaint=spans), quiet)
    assert distance(made[inside], other[inside]) > 0.05


def test_what_is_repainted_hears_what_is_kept(model: DanceDiffusion) -> None:
    span = ((0.4, 0.6),)
    after = [model.sample(Job("", 1.0, 3, steps=6, init=init, repaint=span), quiet) for init in (tones(), hiss())]
    middle = slice(round(0.45 * RATE), round(0.55 * RATE))
    assert distance(after[0][middle], after[1][middle]) > 1e-3


def gaussian_slope(deviation: float) -> Any:
    """v of the best possible model of data ~ N(0, deviation²), in closed form."""

    def velocity(x: Any, angle_rad: float) -> Any:
        alpha, sigma = math.cos(angle_rad), math.sin(angle_rad)
        return x * alpha * sigma * (1 - deviation**2) / (alpha**2 * deviation**2 + sigma**2)

    return velocity


def test_inversion_finds_the_noise_of_a_known_model_to_second_order() -> None:
    """The flow of N(0, s²) only scales: data x came from the noise x / s."""
    data, deviation = torch.linspace(-0.2, 0.2, 9, dtype=torch.float64), 0.1
    errors = []
    for steps in (100, 200):
        angles = [math.pi / 2 * (step / steps) ** 2 for step in range(steps + 1)]
        noise = follow(gaussian_slope(deviation), data, angles, lambda done: None)
        errors.append(float((noise - data / deviation).abs().max()))
        back = follow(gaussian_slope(deviation), noise, angles[::-1], lambda done: None)
        assert float((back - data).abs().max()) < 1e-3
    assert errors[0] < 0.02
    assert errors[1] < errors[0] / 3


def test_spherical_interpolation_keeps_the_variance_of_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 2, 20000, generator=generator, dtype=torch.float64)
    for place in (0.0, 0.3, 0.5, 1.0):
        mixed = between(first, second, np.full(20000, place))
        assert float(mixed.std()) == pytest.approx(1.0, abs=0.02)
    torch.testing.assert_close(between(first, second, np.zeros(20000)), first)
    torch.testing.assert_close(between(first, second, np.ones(20000)), second)
    torch.testing.assert_close(between(first, first, np.full(20000, 0.4)), first)


def test_going_between_two_files_begins_and_ends_at_them(model: DanceDiffusion) -> None:
    first, second = tones(), hiss()

    def at(*morph: float, steps: int = 12) -> np.ndarray:
        job = Job("", 1.0, 0, steps=steps, init=first, morph_init=second, morph=(morph[0], morph[-1]))
        return model.sample(job, quiet)

    begun = distance(at(0.0), first)
    assert begun < 0.2 * np.std(first)
    assert distance(at(1.0), second) < 0.2 * np.std(second)
    assert distance(at(0.0, steps=6), first) > 2 * begun
    half = at(0.5)
    assert min(distance(half, first), distance(half, second)) > 0.05
    travelling = at(0.0, 1.0)
    edge = RATE // 8
    assert distance(travelling[:edge], first[:edge]) < 0.5 * distance(travelling[:edge], second[:edge])
    assert distance(travelling[-edge:], second[-edge:]) < 0.5 * distance(travelling[-edge:], first[-edge:])


def test_cheaper_presets_stay_near_the_limit_of_many_steps() -> None:
    model = local_model(2**20)
    limit = model.sample(Job("", 1.0, 3, steps=400), quiet)
    balanced, fast = (model.sample(Job("", 1.0, 3, preset=preset), quiet) for preset in ("balanced", "fast"))
    assert distance(balanced, limit) < distance(fast, limit) < 0.05 * np.std(limit)


def local_model(window_frames: int) -> DanceDiffusion:
    """A checkpoint whose network looks at one sample at a time, so that windows cannot matter."""

    class Local:
        config = SimpleNamespace(sample_rate=RATE, in_channels=2, out_channels=2)
        up_blocks = (None,) * 5
        device = torch.device("cpu")
        dtype = torch.float32
        lengths: tuple[int, ...] = ()

        def __call__(self, x: Any, time: Any) -> Any:
            self.lengths += (x.shape[-1],)
            return SimpleNamespace(sample=0.3 * torch.tanh(x) * (1 + time))

    return DanceDiffusion(Local(), diffusers.IPNDMScheduler(), INFO, window_frames)


def test_windows_add_up_to_the_whole() -> None:
    steps = 5
    job = Job("", 2.0, 5, steps=steps)
    windowed, whole = local_model(1024), local_model(2**20)
    made = windowed.sample(job, quiet)
    assert set(windowed._unet.lengths) == {1024}
    np.testing.assert_allclose(made, whole.sample(job, quiet), atol=1e-6)
    # At pure noise the sampler weighs the network's answer by nothing, so it is not asked.
    assert len(whole._unet.lengths) == steps - 1


def test_long_audio_goes_through_windows(model: DanceDiffusion) -> None:
    windowed = DanceDiffusion(model._unet, model._scheduler, INFO, window_frames=2048)
    job = Job("", 1.5, 5, steps=4)
    assert windowed.sample(job, quiet).shape == (round(1.5 * RATE), 2)
    assert 0 < distance(windowed.sample(job, quiet), model.sample(job, quiet)) < 0.2


@pytest.mark.parametrize(
    "job",
    [
        Job("", 1.0, 0, steps=4),
        Job("", 1.0, 0, steps=4, init=tones(), strength=0.5),
        Job("", 1.0, 0, steps=4, init=tones(), repaint=((0.2, 0.4),)),
        Job("", 1.0, 0, steps=4, init=tones(), morph_init=hiss()),
    ],
)
def test_progress_rises_to_one_and_a_wish_to_stop_passes(model: DanceDiffusion, job: Job) -> None:
    shares: list[float] = []
    model.sample(job, shares.append)
    assert shares == sorted(set(shares))
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1.0)

    def stop(share: float) -> None:
        if share >= 0.5:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        model.sample(job, stop)


def test_capabilities(model: DanceDiffusion) -> None:
    assert model.capabilities.features == {"init_audio", "repaint", "morph_audio"}
    assert model.capabilities.sample_rate_hz == RATE
    assert model.capabilities.duration_range_s == (1.0, 600.0)
    assert model.channels == 2


@pytest.mark.parametrize(
    "job",
    [
        Job("", 0.01, 0),
        Job("", 1.0, 0, init=tones()[:-1], strength=0.5),
        Job("", 1.0, 0, init=tones(), strength=1.5),
        Job("", 1.0, 0, morph_init=hiss()),
        Job("", 1.0, 0, steps=0),
    ],
)
def test_bad_jobs_are_one_line(model: DanceDiffusion, job: Job) -> None:
    with pytest.raises(RequestError) as refused:
        model.sample(job, quiet)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [("scheduler/scheduler_config.json", "_class_name", "DDIMScheduler"), ("unet/config.json", "sample_rate", None)],
)
def test_other_checkpoints_are_refused(folder: Path, tmp_path: Path, file: str, field: str, value: object) -> None:
    shutil.copytree(folder, tmp_path / "other")
    config_file = tmp_path / "other" / file
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config_file.write_text(json.dumps(config | {field: value}), encoding="utf-8")
    with pytest.raises(WeightsError) as refused:
        load(tmp_path / "other", CPU, INFO)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("channels", [(8, 8, 8, 32, 32), (32, 32, 32)])
def test_whatever_plain_diffusers_saves_and_loads_loads(
    channels: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time projection is as wide as the file has it, whatever the configuration leaves out."""
    monkeypatch.setattr(tiny, "CHANNELS", channels)
    folder = tiny.build(tmp_path / "own", time_embedding_dim=None)
    plain = diffusers.UNet1DModel.from_pretrained(folder / "unet")
    ours = load(folder, CPU, INFO)._unet
    assert ours.time_proj.weight.shape == plain.time_proj.weight.shape == (channels[0],)
    for name, weight in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight)
