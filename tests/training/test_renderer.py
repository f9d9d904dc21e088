"""The renderer that is shown its instrument: its network, its lessons, its judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import Tensor  # noqa: E402

from noisician.corpus.players import Player  # noqa: E402
from noisician.corpus.sketched import SketchedClip, SketchedShard  # noqa: E402
from noisician.errors import CorpusError, WeightsError  # noqa: E402
from noisician.mel import LOG_FLOOR, MEL_BANDS  # noqa: E402
from noisician.renderer import RenderSettings  # noqa: E402
from noisician.renderer.traits import TRAITS, traits  # noqa: E402
from noisician.score.played import NoteEvent  # noqa: E402
from noisician.styles import instruments  # noqa: E402
from noisician.training.judge_renderer import paint, verdict  # noqa: E402
from noisician.training.loop import RunSettings, load_checkpoint, save_checkpoint  # noqa: E402
from noisician.training.renderer import RendererConfig, RendererNet  # noqa: E402
from noisician.training.train_renderer import (  # noqa: E402
    RendererTraining,
    draw_sketched_windows,
    flow_loss,
    recoloured,
    train,
)

TINY = RendererConfig(width=64, blocks=1, bottleneck=16, window_tokens=8)
FRAMES = 32
FLOOR = np.log(LOG_FLOOR)


def shard_of(rng: np.random.Generator, clips: int = 3, frames: int = 80) -> SketchedShard:
    """Clips whose sound is their sketch, 0.4 nats louder."""
    sketch = rng.uniform(-6, 1, (clips, frames, MEL_BANDS)).astype(np.float16)
    return SketchedShard(
        mel=(sketch + 0.4).astype(np.float16),
        sketch=sketch,
        player=np.array(["someone"] * clips),
        traits=np.eye(clips, len(TRAITS), dtype=np.float32),
        notes=np.array([[60, 0.1, 0.5, 90]] * clips, np.float32),
        offset=np.arange(clips + 1),
    )


def conditions(batch: int) -> tuple[Tensor, ...]:
    return torch.zeros(batch, FRAMES, 264), torch.zeros(batch, len(TRAITS))


def test_what_kind_an_instrument_is() -> None:
    flute, kit = traits(instruments()["flute"]), traits(instruments()["standard_kit"])
    assert dict(zip(TRAITS, flute, strict=True))["harmonic"] == 1
    assert dict(zip(TRAITS, flute, strict=True))["sustained"] == 1
    assert dict(zip(TRAITS, kit, strict=True))["drum"] == 1


def test_a_fresh_network_answers_pure_noise_with_the_sketch() -> None:
    net = RendererNet(TINY)
    sketch = torch.randn(2, FRAMES, MEL_BANDS)
    answer = net(torch.randn(2, FRAMES, MEL_BANDS), torch.ones(2), sketch, *conditions(2))
    assert torch.allclose(answer, sketch, atol=1e-4)


def test_windows_keep_sound_and_sketch_together() -> None:
    """Recoloured or not, the sound stays what it was beside its sketch; where it is loud, exactly."""
    shard = shard_of(np.random.default_rng(0))
    windows = next(draw_sketched_windows([shard], 16, FRAMES, seed=1))
    assert windows.mel.shape == windows.sketch.shape == (16, FRAMES, MEL_BANDS)
    assert windows.roll.shape == (16, FRAMES, 264)
    loud = windows.sketch > 1.5  # in units of the normalised mel: far above the floor
    apart = (windows.mel - windows.sketch)[loud]
    assert apart.numel() > 100
    assert apart.mean().item() == pytest.approx(0.4 / 1.9, abs=0.01)
    assert torch.all(windows.traits.sum(dim=1) == 1)


def test_recolouring_leaves_silence_and_moves_loud_sound_by_its_colour() -> None:
    colour = np.linspace(-0.5, 0.5, MEL_BANDS).astype(np.float32)
    loud = np.full((4, MEL_BANDS), 1.0, np.float32)
    assert recoloured(loud, colour) == pytest.approx(loud + colour, abs=2e-3)
    assert recoloured(np.full((4, MEL_BANDS), FLOOR, np.float32), colour) == pytest.approx(FLOOR, abs=1e-4)


def test_the_loss_is_that_of_the_flow() -> None:
    torch.manual_seed(0)
    windows = next(draw_sketched_windows([shard_of(np.random.default_rng(0))], 64, FRAMES, seed=1))
    losses = flow_loss(RendererNet(TINY), windows, torch.device("cpu"))
    assert losses["sketch_mse"].item() == pytest.approx(float((windows.sketch - windows.mel).pow(2).mean()))
    # A fresh network's guess from noise is the sketch itself.
    assert losses["from_noise_mse"].item() == pytest.approx(losses["sketch_mse"].item(), rel=0.3)
    assert losses["loss"].requires_grad


def test_training_learns_what_the_sketch_lacks() -> None:
    torch.manual_seed(0)
    net = RendererNet(TINY)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    windows = draw_sketched_windows([shard_of(np.random.default_rng(0))], 8, FRAMES, seed=1)
    for _ in range(80):
        optimizer.zero_grad()
        flow_loss(net, next(windows), torch.device("cpu"))["loss"].backward()
        optimizer.step()
    shown = next(windows)
    known = shown.sketch, shown.roll, shown.traits
    with torch.no_grad():
        answer = net(torch.randn_like(shown.mel), torch.ones(8), *known)
    assert (answer - shown.sketch).mean().item() == pytest.approx(0.4 / 1.9, abs=0.06)


def test_a_run_leaves_a_checkpoint_and_ends_when_its_minutes_are_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = shard_of(np.random.default_rng(0))
    monkeypatch.setattr("noisician.training.train_renderer.open_sketched_shards", lambda folder: [shard])
    run = RunSettings(minutes=1e-6, learning_rate=1e-3)
    training = RendererTraining(tmp_path, tmp_path / "run", run, TINY, batch=2)
    path = train(training)
    left = path.read_bytes()
    load_checkpoint(path, RendererNet(TINY))
    assert train(training).read_bytes() == left


def test_without_clips_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="noisician corpus sketched"):
        train(RendererTraining(tmp_path, tmp_path / "run", config=TINY))


def test_checkpoints_of_another_size_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "tiny.safetensors", RendererNet(TINY).state_dict(), TINY)
    with pytest.raises(WeightsError, match="does not fit"):
        load_checkpoint(
            tmp_path / "tiny.safetensors", RendererNet(RendererConfig(width=128, blocks=1, window_tokens=8))
        )


def clip_of(log_mel: np.ndarray, sketch: np.ndarray) -> SketchedClip:
    player = Player("someone", instruments()["flute"], lambda *_: np.zeros(1), (60,))
    return SketchedClip(player, (NoteEvent(60, 0.0, 0.3, 90),), log_mel, sketch)


def test_the_judge_measures_error_and_texture() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, (FRAMES, MEL_BANDS)).astype(np.float32)
    truth[:, 64:] = FLOOR
    painted = truth.copy()
    painted[:, :64] += 0.5
    smooth = np.broadcast_to(truth.mean(axis=0), truth.shape)
    right = verdict("learnt", "sketch", [clip_of(truth, truth)], [painted])
    assert (right.error, right.loud_error) == (pytest.approx(0.25), pytest.approx(0.5))
    assert right.texture_share == pytest.approx(1)
    assert right.families == {instruments()["flute"].family: pytest.approx(0.25)}
    assert verdict("learnt", "sketch", [clip_of(truth, truth)], [smooth]).texture_share == pytest.approx(0)


def test_painting_with_a_fresh_network_gives_the_sketch_and_its_texture() -> None:
    sketch = np.full((FRAMES, MEL_BANDS), -2.0, np.float32)
    (painted,) = paint(RendererNet(TINY).eval(), [clip_of(sketch, sketch)], RenderSettings())
    assert painted.shape == sketch.shape
    assert np.abs(painted - sketch).mean() < 0.4
