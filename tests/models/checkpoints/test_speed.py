"""What makes checkpoints cheaper computes the same thing: solver, band, chunks, narrow numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from noisician.models.checkpoints import speed  # noqa: E402
from noisician.models.checkpoints.placement import Placement  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def keep(values: torch.Tensor, _done: int) -> torch.Tensor:
    return values


def solve_gaussian(levels: list[tuple[float, float]]) -> float:
    """The solver's end point from 1.0 where the data are standard normal, whose best guess of x₀ is αx / (α² + σ²)."""

    def guess(noisy: torch.Tensor, step: int) -> torch.Tensor:
        alpha, sigma = levels[step]
        return noisy * alpha / (alpha**2 + sigma**2)

    return speed.dpm_solver_2m(guess, torch.ones(1, dtype=torch.float64), levels, keep).item()


def exploding(steps: int) -> list[tuple[float, float]]:
    return [(1.0, 20.0 * (0.005**share)) for share in (step / steps for step in range(steps))] + [(1.0, 0.0)]


def test_the_solver_is_of_second_order() -> None:
    """The exact path is x ∝ √(1 + σ²); compared before the last jump to σ = 0, which is of first order."""
    errors = []
    for steps in (20, 40, 80):
        levels = exploding(steps)[:-1]
        sigma = levels[-1][1]
        exact = math.sqrt((1 + sigma**2) / (1 + 20.0**2))
        errors.append(abs(solve_gaussian(levels) - exact))
    # The ends of the three grids differ a little, so the quotient is about 4, not 4.
    assert errors[0] / errors[1] > 3
    assert errors[1] / errors[2] > 3


def test_the_solver_starts_from_pure_noise_and_ends_at_the_data() -> None:
    times = [1.0, 0.8, 0.5, 0.2, 0.0]
    flow = [(1 - time, time) for time in times]
    target = torch.tensor([0.3, -2.0])
    seen: list[int] = []

    def after(values: torch.Tensor, done: int) -> torch.Tensor:
        seen.append(done)
        return values

    end = speed.dpm_solver_2m(lambda noisy, step: target, torch.tensor([5.0, 5.0]), flow, after)
    assert torch.allclose(end, target)
    assert seen == [1, 2, 3, 4]


@settings(max_examples=25, deadline=None)
@given(length=st.integers(1, 60), reach=st.integers(1, 9), batch=st.integers(1, 2))
def test_banded_attention_is_attention_under_a_band_mask(length: int, reach: int, batch: int) -> None:
    query, key, value = torch.randn(3, batch, length, 2, 4, generator=torch.Generator().manual_seed(length)).unbind()
    places = torch.arange(length)
    mask = (places[:, None] - places[None]).abs() <= reach
    expected = torch.nn.functional.scaled_dot_product_attention(
        query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=mask
    ).transpose(1, 2)
    assert torch.allclose(speed.banded_attention(query, key, value, reach), expected, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 40), chunk=st.integers(1, 12))
def test_chunks_decode_to_the_same_samples(frames: int, chunk: int) -> None:
    torch.manual_seed(0)
    spread = torch.nn.ConvTranspose1d(2, 3, kernel_size=4, stride=4)
    mix = torch.nn.Conv1d(3, 1, kernel_size=9, padding=4)
    latents = torch.randn(1, 2, frames)
    with torch.no_grad():
        pieces = speed.decode_in_chunks(lambda part: mix(spread(part)), latents, chunk, overlap=1)
        assert torch.allclose(pieces, mix(spread(latents)), atol=1e-5)


@pytest.mark.parametrize(("numbers", "tolerance"), [("bfloat16", 0.01), ("int8", 0.03)])
@pytest.mark.parametrize("bias", [True, False])
def test_narrow_layers_stay_close(numbers: speed.Numbers, tolerance: float, bias: bool) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(64, 128, bias=bias), torch.nn.SiLU(), torch.nn.Linear(128, 4))
    values = torch.randn(3, 10, 64)
    with torch.no_grad():
        expected = network(values)
        assert speed.lower_linears(network, numbers) == 1  # the second is too small to be worth it
        found = network(values)
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert 0 < (found - expected).norm() / expected.norm() < tolerance


def test_as_loaded_changes_nothing() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(64, 128))
    assert speed.lower_linears(network, "as loaded") == 0
    assert type(network[0]) is torch.nn.Linear


@pytest.mark.parametrize(
    ("bfloat16", "cheaper", "placement", "expected"),
    [
        (True, "bfloat16", Placement("cpu", "float32"), "bfloat16"),
        (True, "any", Placement("cpu", "float32"), "bfloat16"),
        (False, "bfloat16", Placement("cpu", "float32"), "as loaded"),
        (False, "any", Placement("cpu", "float32"), "int8"),
        (True, "none", Placement("cpu", "float32"), "as loaded"),
        (True, "any", Placement("cpu", "bfloat16"), "as loaded"),
        (True, "any", Placement("cuda", "float32"), "as loaded"),
    ],
)
def test_numbers_follow_the_processor(
    bfloat16: bool, cheaper: str, placement: Placement, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "_multiplies_bfloat16", lambda: bfloat16)
    monkeypatch.setattr(speed, "_multiplies_int8", lambda: True)
    economy = speed.Economy(cheaper_numbers=cheaper)  # pyright: ignore[reportArgumentType]
    assert speed.numbers_for(economy, placement) == expected


def test_guidance_acts_in_the_middle() -> None:
    economy = speed.Economy(guided=(0.1, 0.8))
    assert [economy.is_guided(step, 10) for step in range(10)] == [False] + [True] * 7 + [False] * 2
    assert all(speed.Economy().is_guided(step, 7) for step in range(7))
