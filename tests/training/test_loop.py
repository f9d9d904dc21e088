"""What every run shares: it goes on where it stopped, saves when told to leave, its files fit or say why not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from noisician.errors import WeightsError  # noqa: E402
from noisician.training import loop  # noqa: E402
from noisician.training.loop import Run, RunSettings, checkpoint_config, load_checkpoint, save_checkpoint  # noqa: E402

torch.set_num_threads(1)


@dataclass(frozen=True)
class Config:
    width: int = 3


class Line(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves one second a look: a step takes one second, a run of n / 60 minutes n steps."""
    ticks = count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def settings(steps: int, **changes: float) -> RunSettings:
    plain = {"learning_rate": 0.05, "warmup_steps": 1, "weight_decay": 0.0, "log_every_steps": 5}
    return RunSettings(minutes=steps / 60, **(plain | changes))  # type: ignore[arg-type]


def a_line() -> Line:
    torch.manual_seed(0)
    return Line()


def batches(seed: int = 0) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(16, 3, generator=generator)


def loss_with(net: nn.Module, seen: list[float] | None = None):
    def loss_of(x: Tensor) -> dict[str, Tensor]:
        loss = (net(x)[:, 0] - x @ torch.tensor([1.0, -2.0, 0.5])).pow(2).mean()
        if seen is not None:
            seen.append(float(loss.detach()))
        return {"loss": loss, "twice": 2 * loss.detach()}

    return loss_of


def test_a_run_takes_its_minutes_and_learns(tmp_path: Path) -> None:
    seen: list[float] = []
    run = Run(a_line(), settings(60), tmp_path)
    run.train(batches(), loss_with(run.net, seen))
    assert run.step == len(seen) == 60
    assert run.elapsed_s == 60
    assert run.progress == 1
    assert sum(seen[-5:]) < 0.1 * sum(seen[:5])


def test_the_log_has_a_line_every_few_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(a_line(), settings(11), tmp_path)
    run.train(batches(), loss_with(run.net))
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [5, 10]
    assert rows[0]["twice"] == pytest.approx(2 * rows[0]["loss"], abs=2e-4)
    assert "step 10" in capsys.readouterr().out


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Run(a_line(), settings(7), tmp_path)
    first.train(batches(), loss_with(first.net))
    again = Run(Line(), settings(10), tmp_path)
    assert (again.step, again.elapsed_s) == (7, 7)
    for name, value in first.net.state_dict().items():
        assert torch.equal(again.net.state_dict()[name], value)
        assert torch.equal(again.ema[name], first.ema[name])
    assert again.optimizer.state_dict()["state"][0]["step"] == 7
    again.train(batches(1), loss_with(again.net))
    assert (again.step, again.elapsed_s) == (10, 10)


def test_stopped_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole = Run(a_line(), settings(8), tmp_path / "whole")
    whole.train(batches(), loss_with(whole.net))
    drawn = batches()
    half = Run(a_line(), settings(8), tmp_path / "halves")

    def stop_after_four(x: Tensor) -> dict[str, Tensor]:
        if half.step == 4:
            raise KeyboardInterrupt
        return loss_with(half.net)(x)

    with pytest.raises(KeyboardInterrupt):
        half.train(drawn, stop_after_four)
    rest = batches()
    for _ in range(4):
        next(rest)
    resumed = Run(Line(), settings(8), tmp_path / "halves")
    resumed.train(rest, loss_with(resumed.net))
    for name, value in whole.net.state_dict().items():
        torch.testing.assert_close(resumed.net.state_dict()[name], value)
        torch.testing.assert_close(resumed.ema[name], whole.ema[name])


def test_being_asked_to_leave_saves_and_gives_the_signal_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run = Run(a_line(), settings(100), tmp_path)

    def asked_at_three(x: Tensor) -> dict[str, Tensor]:
        if run.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss_with(run.net)(x)

    with pytest.raises(KeyboardInterrupt):
        run.train(batches(), asked_at_three)
    assert Run(Line(), settings(100), tmp_path).step == 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_failed_save_leaves_the_state_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(a_line(), settings(2), tmp_path)
    run.train(batches(), loss_with(run.net))
    kept = (tmp_path / "state.pt").read_bytes()

    def full_disk(state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="space"):
        run.save()
    assert (tmp_path / "state.pt").read_bytes() == kept


def test_a_loss_that_overflows_costs_a_step_not_the_weights(tmp_path: Path) -> None:
    run = Run(a_line(), settings(3), tmp_path)
    before = {name: value.clone() for name, value in run.net.state_dict().items()}
    run.train(batches(), lambda x: {"loss": run.net(x).mean() * float("inf")})
    assert run.step == 3
    for name, value in run.net.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_learning_rate_rises_then_falls(tmp_path: Path) -> None:
    run = Run(a_line(), settings(20, warmup_steps=4, learning_rate=1.0, decay_power=1.0), tmp_path)
    rates: list[float] = []

    def watch(x: Tensor) -> dict[str, Tensor]:
        rates.append(run.optimizer.param_groups[0]["lr"])
        return loss_with(run.net)(x)

    run.train(batches(), watch)
    # Seen one step late; the share spent falls linearly from 1, plus a thousandth that never goes.
    assert rates[1:5] == pytest.approx([0.25 * 1.001, 0.5 * 0.951, 0.75 * 0.901, 0.851])
    assert rates[-1] == pytest.approx(2 / 20 + 1e-3)


def test_the_average_follows_the_weights_by_its_halflife(tmp_path: Path) -> None:
    run = Run(a_line(), settings(1), tmp_path)
    start = {name: value.clone() for name, value in run.ema.items()}
    run.train(batches(), loss_with(run.net))
    kept = 0.5 ** (1 / 1.1)  # young averages are short: 1 + step / 10 steps
    for name, value in run.net.state_dict().items():
        torch.testing.assert_close(run.ema[name], kept * start[name] + (1 - kept) * value)


# --- checkpoints --------------------------------------------------------------------------------------------


def test_a_checkpoint_holds_weights_and_configuration(tmp_path: Path) -> None:
    net = a_line()
    path = tmp_path / "new" / "line.safetensors"
    save_checkpoint(path, net.state_dict(), Config())
    assert checkpoint_config(path) == {"width": 3}
    other = Line()
    load_checkpoint(path, other)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    assert [file.name for file in path.parent.iterdir()] == ["line.safetensors"]


def one_line(path: Path, net: nn.Module, says: str) -> None:
    with pytest.raises(WeightsError, match=says) as refusal:
        load_checkpoint(path, net)
    assert "\n" not in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_checkpoint_of_another_size_names_what_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "line.safetensors"
    save_checkpoint(path, Line(5).state_dict(), Config(5))
    one_line(path, Line(3), "size mismatch for layer.weight")


def test_missing_and_damaged_checkpoints_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "line.safetensors"
    one_line(path, Line(), "missing or damaged")
    with pytest.raises(WeightsError, match="no checkpoint of ours"):
        checkpoint_config(path)
    save_checkpoint(path, Line().state_dict(), Config())
    path.write_bytes(path.read_bytes()[:40])
    one_line(path, Line(), "missing or damaged")
    with pytest.raises(WeightsError, match="no checkpoint of ours"):
        checkpoint_config(path)
