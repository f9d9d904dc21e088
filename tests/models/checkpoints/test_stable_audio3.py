"""Stable Audio 3, distilled and base, on tiny checkpoints in the true format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
if not hasattr(diffusers, "StableAudio3Pipeline"):
    pytest.skip("this diffusers has no Stable Audio 3", allow_module_level=True)

import tiny_stable_audio3  # noqa: E402

from noisician.errors import Cancelled, RequestError  # noqa: E402
from noisician.models.checkpoints.catalogue import CheckpointInfo  # noqa: E402
from noisician.models.checkpoints.families import stable_audio3  # noqa: E402
from noisician.models.checkpoints.family import Job  # noqa: E402
from noisician.models.checkpoints.placement import Placement  # noqa: E402
from noisician.models.checkpoints.speed import Economy  # noqa: E402

RATE_HZ = tiny_stable_audio3.RATE_HZ
PRESETS = ("reference", "balanced", "fast")
SOURCE = CheckpointInfo("tiny", "stable_audio3", None, "none", None, False, False, None)
JOB = Job("slow piano", 2.1, seed=3, steps=5)
FRAMES = 16800


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=["distilled", "base"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The published base is differential and the small distilled one is not; both kinds of attention are met here.
    distilled = kind == "distilled"
    return tiny_stable_audio3.build(tmp_path_factory.mktemp(kind), distilled, differential=not distilled)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    pipe = diffusers.StableAudio3Pipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def family(folder: Path) -> stable_audio3.StableAudio3:
    return stable_audio3.load(folder, Placement("cpu", "float32"), SOURCE)


def ignore(_share: float) -> None:
    pass


def generator() -> Any:
    return torch.Generator("cpu").manual_seed(3)


def clip() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).normal(size=(FRAMES, 2))).astype(np.float32)


def waves() -> Any:
    return torch.from_numpy(np.ascontiguousarray(clip().T))[None]


def twin(plain: Any, name: str) -> Any:
    pipe = getattr(diffusers, name)(**plain.components)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def economical(monkeypatch: pytest.MonkeyPatch, economy: Economy) -> None:
    """Lets the preset "balanced" save exactly this."""
    for name in ("DISTILLED", "BASE"):
        monkeypatch.setattr(stable_audio3, name, {"reference": Economy(), "balanced": economy})


def test_the_reference_is_the_plain_call_with_its_defaults(family: Any, plain: Any, kind: str) -> None:
    expected = plain("slow piano", duration=2.1, generator=generator()).audios[0].T.numpy()
    shares: list[float] = []
    made = family.sample(Job("slow piano", 2.1, seed=3), shares.append)
    assert made.dtype == np.float32
    assert np.array_equal(made, expected)
    assert len(shares) == {"distilled": 8, "base": 100}[kind] + 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("options", [{"guidance_scale": 3.0}, {"guidance_scale": 3.0, "negative_prompt": "noise"}])
def test_the_reference_passes_every_option_on(family: Any, plain: Any, options: dict[str, Any]) -> None:
    expected = plain("slow piano", duration=2.1, num_inference_steps=5, generator=generator(), **options)
    assert np.array_equal(family.sample(replace(JOB, **options), ignore), expected.audios[0].T.numpy())


@pytest.mark.parametrize("strength", [0.2, 0.6, 1.0])
def test_variations_are_the_audio_to_audio_call(family: Any, plain: Any, strength: float) -> None:
    pipe = twin(plain, "StableAudio3AudioToAudioPipeline")
    expected = pipe(
        "slow piano",
        duration=2.1,
        audio=waves(),
        init_noise_level=strength,
        num_inference_steps=5,
        generator=generator(),
    )
    made = family.sample(replace(JOB, init=clip(), strength=strength), ignore)
    assert np.array_equal(made, expected.audios[0].T.numpy())


def test_repainting_is_the_inpainting_call_inside_and_the_clip_outside(family: Any, plain: Any) -> None:
    stretches = ((0.0, 0.32), (0.64, 1.28))  # on the borders of latent frames, where both round alike
    expected = (
        twin(plain, "StableAudio3InpaintPipeline")(
            "slow piano",
            duration=2.1,
            audio=waves(),
            mask_start_seconds=[start_s for start_s, _ in stretches],
            mask_end_seconds=[end_s for _, end_s in stretches],
            num_inference_steps=5,
            generator=generator(),
        )
        .audios[0]
        .T.numpy()
    )
    made = family.sample(replace(JOB, init=clip(), repaint=stretches), ignore)
    fade = round(0.02 * RATE_HZ)
    assert np.array_equal(made[: 2560 - fade], expected[: 2560 - fade])
    assert np.array_equal(made[5120 + fade : 10240 - fade], expected[5120 + fade : 10240 - fade])
    assert np.array_equal(made[2560:5120], clip()[2560:5120])
    assert np.array_equal(made[10240:], clip()[10240:])


@pytest.mark.parametrize("options", [{}, {"guidance_scale": 3.0, "negative_prompt": "noise"}])
def test_remembered_text_banded_attention_and_chunks_change_nothing(
    family: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    economical(monkeypatch, Economy())
    monkeypatch.setattr(stable_audio3, "CHUNK", 16)
    processors = [block.cross_attn.processor for block in family._pipe.transformer.transformer_blocks]
    job = replace(JOB, **options)
    expected = family.sample(job, ignore)
    assert np.abs(expected).max() > 0.01
    assert np.allclose(family.sample(replace(job, preset="balanced"), ignore), expected, atol=2e-6)
    assert [block.cross_attn.processor for block in family._pipe.transformer.transformer_blocks] == processors
    varied = replace(job, init=clip(), strength=0.3)
    assert np.allclose(
        family.sample(replace(varied, preset="balanced"), ignore), family.sample(varied, ignore), atol=2e-6
    )


def test_an_unguided_step_asks_the_prompt_alone(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guidance that never acts is no guidance, whatever its scale and whatever was remembered for both prompts."""
    economical(monkeypatch, Economy(guided=(0.0, 0.0)))
    job = replace(JOB, guidance_scale=3.0, preset="balanced")
    unguided = family.sample(replace(JOB, guidance_scale=1.0), ignore)
    assert np.allclose(family.sample(job, ignore), unguided, atol=2e-6)
    economical(monkeypatch, Economy(guided=(0.0, 0.5)))
    assert not np.allclose(family.sample(job, ignore), unguided, atol=2e-6)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("duration_s", [1.0, 1.23457, 3.3])
def test_lengths_are_exact_and_seeds_repeat(family: Any, preset: Any, duration_s: float) -> None:
    job = replace(JOB, duration_s=duration_s, steps=2, preset=preset)
    first = family.sample(job, ignore)
    assert first.shape == (round(duration_s * RATE_HZ), 2)
    assert np.isfinite(first).all()
    assert np.array_equal(first, family.sample(job, ignore))
    assert not np.array_equal(first, family.sample(replace(job, seed=4), ignore))


def test_the_reference_returns_after_the_fast_preset(family: Any) -> None:
    before = family.sample(JOB, ignore)
    family.sample(replace(JOB, preset="fast"), ignore)
    assert np.array_equal(family.sample(JOB, ignore), before)


def test_the_fast_preset_takes_fewer_steps_only_where_there_are_many(family: Any, kind: str) -> None:
    shares: list[float] = []
    family.sample(replace(JOB, preset="fast", steps=None), shares.append)
    steps = {"distilled": 8, "base": 32}[kind]
    assert shares == pytest.approx([done / (steps + 1) for done in range(1, steps + 2)])


@pytest.mark.parametrize("preset", PRESETS)
def test_cancelling_stops_at_the_step_and_leaves_the_pipeline_whole(family: Any, preset: Any) -> None:
    expected = family.sample(JOB, ignore)
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        if len(shares) == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        family.sample(replace(JOB, preset=preset), stop)
    assert len(shares) == 2
    assert np.array_equal(family.sample(JOB, ignore), expected)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("strength", [0.05, 0.5, 1.0])
def test_variations_at_any_strength(family: Any, preset: Any, strength: float) -> None:
    job = replace(JOB, init=clip(), strength=strength, preset=preset)
    made = family.sample(job, ignore)
    assert made.shape == (FRAMES, 2)
    assert np.isfinite(made).all()
    assert np.array_equal(family.sample(replace(job, strength=0.0), ignore), clip())


@pytest.mark.parametrize("preset", PRESETS)
def test_repainting_keeps_the_rest_and_hears_it(family: Any, preset: Any) -> None:
    job = replace(JOB, init=clip(), repaint=((1.0, 2.1),), preset=preset)
    made = family.sample(job, ignore)
    assert np.array_equal(made[:8000], clip()[:8000])
    other = family.sample(replace(job, init=3 * clip()), ignore)
    assert np.abs(made[8200:] - other[8200:]).max() > 1e-5


def test_a_distilled_checkpoint_refuses_a_negative_prompt_that_would_do_nothing(family: Any, kind: str) -> None:
    job = replace(JOB, negative_prompt="noise")
    if kind == "distilled":
        with pytest.raises(RequestError, match="give a guidance scale above 1"):
            family.sample(job, ignore)
    else:
        assert not np.array_equal(family.sample(job, ignore), family.sample(JOB, ignore))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"duration_s": 21.0}, "20 s, not 21 s"),
        ({"steps": 1001}, "steps must be 1 to 1000, not 1001"),
        ({"init": clip(), "strength": -0.5}, "strength must be 0 to 1, not -0.5"),
        ({"init": clip()[:, :1]}, "(16800, 2)"),
        ({"init": clip(), "repaint": ((-1.0, 1.0),)}, "repaint -1 to 1 s"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(family: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        family.sample(replace(JOB, **changes), ignore)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_capabilities_are_the_checkpoints(family: Any, kind: str) -> None:
    capabilities = family.capabilities
    assert capabilities.sample_rate_hz == RATE_HZ
    assert capabilities.duration_range_s == (1.0, 20.0)
    assert ("negative_prompt" in capabilities.features) == (kind == "base")
    assert {"text", "init_audio", "repaint"} <= capabilities.features
    assert family.channels == 2
