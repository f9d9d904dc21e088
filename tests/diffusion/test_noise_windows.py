"""Noise belongs to its place; windows cover a piece and join without a seam."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.diffusion.noise import generator, noise_rows
from noisician.diffusion.windows import WindowPlan, fade_in, join

WHOLE = noise_rows(7, 3, 0, 400, 5)


@settings(deadline=None)
@given(first=st.integers(0, 399), rows=st.integers(1, 200))
def test_any_slice_of_noise_equals_that_slice_of_the_whole(first: int, rows: int) -> None:
    rows = min(rows, 400 - first)
    np.testing.assert_array_equal(noise_rows(7, 3, first, rows, 5), WHOLE[first : first + rows])


def test_noise_is_standard_normal() -> None:
    drawn = noise_rows(1, 0, 0, 2000, 32)
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.02
    assert drawn.std() == pytest.approx(1, abs=0.02)
    assert (drawn**4).mean() == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("other", [(8, 3), (7, 4), (3, 7)])
def test_other_seeds_and_streams_are_uncorrelated(other: tuple[int, int]) -> None:
    here, there = noise_rows(7, 3, 0, 4000, 4), noise_rows(*other, 0, 4000, 4)
    assert abs(np.corrcoef(here.ravel(), there.ravel())[0, 1]) < 0.03


def test_blocks_of_one_stream_are_uncorrelated() -> None:
    blocks = noise_rows(7, 3, 0, 64 * 8, 32).reshape(8, -1)
    assert np.abs(np.corrcoef(blocks) - np.eye(8)).max() < 0.1


def test_generators_of_one_place_agree_and_of_two_differ() -> None:
    assert generator(5, 1, 2).random() == generator(5, 1, 2).random()
    assert generator(5, 1, 2).random() != generator(5, 2, 1).random()


@st.composite
def plans(draw: st.DrawFn) -> WindowPlan:
    length = draw(st.integers(1, 40))
    return WindowPlan(draw(st.integers(1, 200)), length, draw(st.integers(0, length - 1)))


@given(plan=plans())
def test_windows_cover_every_frame_and_none_is_idle(plan: WindowPlan) -> None:
    starts = [plan.start(window) for window in range(plan.count)]
    covered = np.zeros(plan.frames + plan.length, bool)
    for start in starts:
        covered[start : start + plan.length] = True
    assert covered[: plan.frames].all()
    assert starts[-1] < plan.frames
    assert plan.count == 1 or starts[-2] + plan.length < plan.frames


@given(plan=plans(), more=st.integers(1, 100))
def test_lengthening_moves_no_window(plan: WindowPlan, more: int) -> None:
    longer = WindowPlan(plan.frames + more, plan.length, plan.overlap)
    assert longer.count >= plan.count
    assert [longer.start(window) for window in range(plan.count)] == [plan.start(w) for w in range(plan.count)]


@given(plan=plans())
def test_windows_cut_from_one_array_join_to_that_array(plan: WindowPlan) -> None:
    whole = np.random.default_rng(0).standard_normal((plan.start(plan.count - 1) + plan.length, 2))
    windows = np.stack([whole[plan.start(w) : plan.start(w) + plan.length] for w in range(plan.count)])
    np.testing.assert_array_equal(join(windows, plan), whole[: plan.frames])


def test_a_join_changes_only_inside_the_overlap_and_never_jumps() -> None:
    plan = WindowPlan(56, 32, 8)
    joined = join(np.stack([np.zeros((32, 1), np.float32), np.ones((32, 1), np.float32)]), plan)[:, 0]
    np.testing.assert_array_equal(joined[:26], 0)  # the first quarter of the overlap is the first window's alone
    np.testing.assert_array_equal(joined[30:], 1)
    assert (np.diff(joined) >= 0).all()


@pytest.mark.parametrize("overlap", [1, 2, 3, 16, 64])
def test_fades_of_both_sides_sum_to_one(overlap: int) -> None:
    rise = fade_in(overlap)
    assert len(rise) == overlap
    if overlap > 1:
        np.testing.assert_allclose(rise + rise[::-1], 1, atol=1e-12)


@pytest.mark.parametrize("overlap", [-1, 16, 20])
def test_an_overlap_as_long_as_its_window_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        WindowPlan(100, 16, overlap)
