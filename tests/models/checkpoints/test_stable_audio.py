"""Stable Audio Open on a tiny checkpoint in the true format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("torchsde")

import tiny_stable_audio  # noqa: E402

from noisician.errors import Cancelled, RequestError  # noqa: E402
from noisician.models.checkpoints import speed  # noqa: E402
from noisician.models.checkpoints.catalogue import CheckpointInfo  # noqa: E402
from noisician.models.checkpoints.families import stable_audio  # noqa: E402
from noisician.models.checkpoints.family import Job  # noqa: E402
from noisician.models.checkpoints.placement import Placement  # noqa: E402
from noisician.models.checkpoints.speed import Economy  # noqa: E402

RATE_HZ = tiny_stable_audio.RATE_HZ
PRESETS = ("reference", "balanced", "fast")
SOURCE = CheckpointInfo("tiny", "stable_audio", None, "none", None, False, False, None)
JOB = Job("slow piano", 1.1, seed=3, steps=5)
FRAMES = 8800


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=["cosine", "edm"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scheduler = getattr(tiny_stable_audio, f"{request.param}_scheduler")()
    return tiny_stable_audio.build(tmp_path_factory.mktemp("tiny"), scheduler)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    from diffusers import StableAudioPipeline

    pipe = StableAudioPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def family(folder: Path) -> stable_audio.StableAudioOpen:
    return stable_audio.load(folder, Placement("cpu", "float32"), SOURCE)


def ignore(_share: float) -> None:
    pass


def generator() -> Any:
    return torch.Generator("cpu").manual_seed(3)


def clip(duration_s: float = 1.1) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).normal(size=(round(duration_s * RATE_HZ), 2))).astype(np.float32)


def test_the_reference_is_the_plain_call_with_its_defaults(family: Any, plain: Any) -> None:
    expected = plain("slow piano", audio_end_in_s=1.1, generator=generator()).audios[0].T.numpy()
    shares: list[float] = []
    made = family.sample(Job("slow piano", 1.1, seed=3), shares.append)
    assert made.dtype == np.float32
    assert np.array_equal(made, expected)
    assert len(shares) == 100 + 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    "options", [{"negative_prompt": "noise"}, {"guidance_scale": 1.0}, {"guidance_scale": 3.5, "negative_prompt": "a"}]
)
def test_the_reference_passes_every_option_on(family: Any, plain: Any, options: dict[str, Any]) -> None:
    expected = plain("slow piano", audio_end_in_s=1.1, num_inference_steps=5, generator=generator(), **options)
    assert np.array_equal(family.sample(replace(JOB, **options), ignore), expected.audios[0].T.numpy())


@pytest.mark.parametrize("options", [{}, {"negative_prompt": "noise"}, {"guidance_scale": 1.0}])
def test_the_loop_of_the_other_presets_is_the_plain_one_where_it_saves_nothing(
    family: Any, plain: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stable_audio, "ECONOMIES", {"balanced": Economy()})
    expected = plain("slow piano", audio_end_in_s=1.1, num_inference_steps=5, generator=generator(), **options)
    made = family.sample(replace(JOB, preset="balanced", **options), ignore)
    assert np.allclose(made, expected.audios[0].T.numpy(), atol=1e-6)


def test_a_shorter_window_hears_the_same_noise(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step away from pure noise, what is heard hardly depends on the frames that are left out."""
    monkeypatch.setattr(stable_audio, "ECONOMIES", {"reference": Economy(), "balanced": Economy(margin_s=0.1)})
    whole = family.sample(JOB, ignore)
    shorter = family.sample(replace(JOB, preset="balanced"), ignore)
    other = family.sample(replace(JOB, seed=4), ignore)
    assert 0 < np.abs(shorter - whole).mean() < 0.2 * np.abs(other - whole).mean()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("duration_s", [1.0, 1.23457, 1.536])
def test_lengths_are_exact_and_seeds_repeat(family: Any, preset: Any, duration_s: float) -> None:
    job = replace(JOB, duration_s=duration_s, steps=2, preset=preset)
    first = family.sample(job, ignore)
    assert first.shape == (round(duration_s * RATE_HZ), 2)
    assert np.isfinite(first).all()
    assert np.array_equal(first, family.sample(job, ignore))
    assert not np.array_equal(first, family.sample(replace(job, seed=4), ignore))


def test_chunks_of_the_autoencoder_change_nothing(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = replace(JOB, init=clip(), strength=0.3)
    expected = family.sample(job, ignore)
    monkeypatch.setattr(stable_audio, "CHUNK", 8)
    assert np.allclose(family.sample(job, ignore), expected, atol=1e-5)


def test_without_bfloat16_instructions_the_fast_preset_multiplies_in_int8(
    folder: Path, family: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    economy = replace(stable_audio.ECONOMIES["fast"], cheaper_numbers="none")
    monkeypatch.setattr(stable_audio, "ECONOMIES", {"fast": stable_audio.ECONOMIES["fast"], "reference": economy})
    monkeypatch.setattr(speed, "_multiplies_bfloat16", lambda: False)
    eight = stable_audio.load(folder, Placement("cpu", "float32"), SOURCE)
    wide = family.sample(replace(JOB, init=clip(), strength=1.0), ignore)
    made = eight.sample(replace(JOB, init=clip(), strength=1.0, preset="fast"), ignore)
    block = eight._pipe.transformer.transformer_blocks[0]
    assert type(block.ff.net[2]) is speed.Int8Linear
    assert 0 < np.abs(made - wide).mean() < 0.1 * np.abs(wide).mean()


def test_the_reference_returns_after_the_fast_preset(family: Any) -> None:
    before = family.sample(JOB, ignore)
    family.sample(replace(JOB, preset="fast"), ignore)
    assert np.array_equal(family.sample(JOB, ignore), before)


@pytest.mark.parametrize(("preset", "asked", "steps"), [("balanced", 7, 7), ("fast", 7, 7), ("fast", None, 32)])
def test_progress_comes_after_every_step(family: Any, preset: Any, asked: int | None, steps: int) -> None:
    shares: list[float] = []
    family.sample(replace(JOB, preset=preset, steps=asked), shares.append)
    assert shares == pytest.approx([done / (steps + 1) for done in range(1, steps + 2)])


@pytest.mark.parametrize("preset", PRESETS)
def test_cancelling_stops_at_the_step(family: Any, preset: Any) -> None:
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        if len(shares) == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        family.sample(replace(JOB, preset=preset), stop)
    assert len(shares) == 2
    assert family.sample(JOB, ignore).shape == (FRAMES, 2)


@pytest.mark.parametrize("preset", PRESETS)
def test_strength_0_keeps_the_clip_and_less_strength_keeps_more_of_it(family: Any, preset: Any) -> None:
    job = replace(JOB, init=clip(), preset=preset, steps=20)
    assert np.array_equal(family.sample(replace(job, strength=0.0), ignore), clip())
    shares: dict[float, int] = {}
    for strength in (0.3, 0.6, 1.0):
        seen: list[float] = []
        made = family.sample(replace(job, strength=strength), seen.append)
        assert made.shape == (FRAMES, 2)
        shares[strength] = len(seen)
    assert shares[0.3] < shares[0.6] < shares[1.0] == 21


def test_full_strength_begins_from_pure_noise(family: Any) -> None:
    """σ is 500 there, of which a clip of about 1 leaves next to nothing."""
    job = replace(JOB, init=clip(), strength=1.0)
    other = replace(job, init=np.zeros_like(clip()))
    assert np.abs(family.sample(job, ignore) - family.sample(other, ignore)).max() < 0.02


@pytest.mark.parametrize("preset", PRESETS)
def test_repainting_keeps_the_rest_sample_for_sample(family: Any, preset: Any) -> None:
    job = replace(JOB, init=clip(), repaint=((0.0, 0.2), (0.5, 0.7)), preset=preset)
    made = family.sample(job, ignore)
    assert np.array_equal(made[1600:4000], clip()[1600:4000])
    assert np.array_equal(made[5600:], clip()[5600:])
    assert np.abs(made[:1600] - clip()[:1600]).mean() > 0.01
    assert np.abs(made[4000:5600] - clip()[4000:5600]).mean() > 0.01


def test_repainted_stretches_hear_what_is_kept(family: Any) -> None:
    """A continuation depends on the clip it continues."""
    job = replace(JOB, init=clip(), repaint=((0.55, 1.1),))
    louder = replace(job, init=3 * clip())
    difference = np.abs(family.sample(job, ignore) - family.sample(louder, ignore))
    assert difference[4700:].max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"duration_s": 2.0}, "1.536 s, not 2 s"),
        ({"steps": 0}, "steps must be 1 to 1000, not 0"),
        ({"guidance_scale": -1.0}, "guidance_scale"),
        ({"strength": 0.5}, "there is none"),
        ({"repaint": ((0.0, 1.0),)}, "there is none"),
        ({"init": clip(), "strength": 1.5}, "strength must be 0 to 1, not 1.5"),
        ({"init": clip(1.0)}, "(8800, 2)"),
        ({"init": clip(), "repaint": ((0.5, 2.0),)}, "repaint 0.5 to 2 s"),
        ({"init": clip(), "repaint": ((0.5, 0.5),)}, "repaint 0.5 to 0.5 s"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(family: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        family.sample(replace(JOB, **changes), ignore)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_capabilities_are_the_checkpoints(family: Any) -> None:
    capabilities = family.capabilities
    assert capabilities.sample_rate_hz == RATE_HZ
    assert capabilities.duration_range_s == (1.0, 48 * 256 / RATE_HZ)
    assert capabilities.features == {"text", "negative_prompt", "init_audio", "repaint"}
    assert family.channels == 2
