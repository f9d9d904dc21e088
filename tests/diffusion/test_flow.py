"""Samplers against flows whose answer is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.diffusion.flow import Denoise, euler, shift_for, shifted_times
from noisician.errors import Cancelled


def of_velocity(velocity: float, power: float) -> Denoise:
    """The x₀ of a field v(t) = velocity · t^power that does not depend on x."""
    return lambda x, t: (x - t * velocity * t**power).astype(x.dtype)


def gaussian(mean: float, deviation: float) -> Denoise:
    """The exact posterior mean of x₀ ~ N(mean, deviation²) given x_t = (1 − t) x₀ + t ε."""

    def denoise(x: np.ndarray, t: float) -> np.ndarray:
        gain = (1 - t) * deviation**2 / ((1 - t) ** 2 * deviation**2 + t**2)
        return (mean + gain * (x - (1 - t) * mean)).astype(x.dtype)

    return denoise


def test_times_run_from_start_to_zero_and_are_even_without_shift() -> None:
    np.testing.assert_allclose(shifted_times(4), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(shifted_times(2, start=0.6), [0.6, 0.3, 0])


def test_shift_three_follows_its_equation() -> None:
    times = shifted_times(4, shift=3.0)
    np.testing.assert_allclose(times, [1, 0.9, 0.75, 0.5, 0], atol=1e-12)
    assert (np.diff(times) < 0).all()


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="0 steps"):
        shifted_times(0)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_constant_velocity_is_followed_exactly(steps: int) -> None:
    x = np.linspace(-2, 2, 5, dtype=np.float32)[None]
    made = euler(of_velocity(0.7, 0), x, shifted_times(steps))
    np.testing.assert_allclose(made, x - 0.7, atol=1e-6)
    assert made.dtype == np.float32


def test_order_of_convergence_on_v_equal_3t_squared() -> None:
    """x(0) = x(1) − ∫ 3t² dt = x(1) − 1: halving the step halves the error."""
    x = np.zeros((1, 1))
    errors = [abs(float(euler(of_velocity(3, 2), x, shifted_times(steps))[0, 0]) + 1) for steps in (16, 32)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)


def test_noise_flows_into_the_gaussian_it_was_asked_for() -> None:
    """The flow of a Gaussian is x₀ = mean + deviation · ε, point by point."""
    noise = np.linspace(-2.5, 2.5, 11, dtype=np.float32)[None]
    made = euler(gaussian(1.5, 0.4), noise, shifted_times(64))
    np.testing.assert_allclose(made, 1.5 + 0.4 * noise, atol=0.03)


def test_the_network_always_sees_float32_and_falling_times() -> None:
    seen: list[tuple[np.dtype, float]] = []

    def watch(x: np.ndarray, t: float) -> np.ndarray:
        seen.append((x.dtype, t))
        return np.zeros_like(x)

    euler(watch, np.ones((2, 3), np.float32), shifted_times(5))
    assert {dtype for dtype, _ in seen} == {np.dtype(np.float32)}
    times = [t for _, t in seen]
    assert times == sorted(times, reverse=True)
    assert all(type(t) is float and t > 0 for t in times)


def test_steps_are_told_and_may_cancel() -> None:
    told: list[int] = []

    def cancel_at_two(done: int) -> None:
        told.append(done)
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        euler(of_velocity(1, 0), np.zeros((1, 1), np.float32), shifted_times(9), cancel_at_two)
    assert told == [1, 2]


@pytest.mark.parametrize("steps", [2, 4, 6, 17])
def test_shift_for_places_the_last_step(steps: int) -> None:
    times = shifted_times(steps, shift_for(steps, 0.375))
    assert times[-2] == pytest.approx(0.375)
    assert times[0] == 1
    assert times[-1] == 0
    assert shift_for(1, 0.375) == 1
