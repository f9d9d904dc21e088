"""Unmasking: what is known stays, what is hidden is filled, items do not disturb each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.diffusion.unmask import Choice, Stage, nucleus, unmask
from noisician.errors import Cancelled

SIZES = (3, 7, 5)
MASKS = np.array(SIZES)
STAGES = (Stage((0,), 3), Stage((1, 2), 4))


def predict(tokens: np.ndarray) -> list[np.ndarray]:
    """Logits that depend on the item's own tokens and on nothing else."""
    rows = np.arange(tokens.shape[1])
    return [
        np.sin(rows[None, :, None] + np.arange(size) * (1 + tokens.sum(axis=(1, 2))[:, None, None] % 11)) * 2
        for size in SIZES
    ]


def board(rng: np.random.Generator, batch: int = 2, rows: int = 12) -> tuple[np.ndarray, np.ndarray]:
    tokens = np.stack([rng.integers(0, size, (batch, rows)) for size in SIZES], axis=2)
    masked = rng.random(tokens.shape) < 0.6
    return np.where(masked, MASKS, tokens), masked


def generators(batch: int, seed: int = 0) -> Sequence[Sequence[np.random.Generator]]:
    """One a batch item, for all of its streams."""
    return [[np.random.default_rng([seed, item])] * len(SIZES) for item in range(batch)]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), temperature=st.floats(0.0, 2.0), top_p=st.floats(0.0, 1.0))
def test_known_cells_stay_and_all_others_are_filled(seed: int, temperature: float, top_p: float) -> None:
    tokens, masked = board(np.random.default_rng(seed))
    before = tokens.copy()
    made = unmask(predict, tokens, masked, STAGES, Choice(temperature, top_p), generators(2))
    np.testing.assert_array_equal(made[~masked], before[~masked])
    assert ((made >= 0) & (made < MASKS)).all()
    np.testing.assert_array_equal(tokens, before)  # the caller's arrays are not written to


def test_streams_of_no_stage_stay_masked() -> None:
    tokens, masked = board(np.random.default_rng(1))
    made = unmask(predict, tokens, masked, [Stage((1,), 2)], Choice(), generators(2))
    np.testing.assert_array_equal(made[:, :, 0], tokens[:, :, 0])
    assert (made[:, :, 1] < SIZES[1]).all()


def test_an_item_alone_gets_what_it_gets_in_a_batch() -> None:
    tokens, masked = board(np.random.default_rng(2), batch=3)
    together = unmask(predict, tokens, masked, STAGES, Choice(), generators(3))
    for item in range(3):
        one = slice(item, item + 1)
        alone = unmask(predict, tokens[one], masked[one], STAGES, Choice(), generators(3)[one])
        np.testing.assert_array_equal(alone, together[one])


def test_the_same_generators_give_the_same_and_others_another() -> None:
    tokens, masked = board(np.random.default_rng(3), rows=40)
    first, again, other = (unmask(predict, tokens, masked, STAGES, Choice(), generators(2, seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_sure_model_is_believed() -> None:
    target = np.random.default_rng(4).integers(0, 5, (1, 20))

    def sure(tokens: np.ndarray) -> list[np.ndarray]:
        return [30 * (np.arange(5) == target[:, :, None])]

    tokens = np.full((1, 20, 1), 5)
    made = unmask(sure, tokens, np.ones_like(tokens, bool), [Stage((0,), 4)], Choice(), generators(1))
    np.testing.assert_array_equal(made[:, :, 0], target)


def test_the_surest_cells_are_shown_first_on_a_cosine() -> None:
    """After step k of n, floor(cells · cos(πk / 2n)) cells are still hidden; without noise the surest go first."""
    hidden: list[np.ndarray] = []

    def watch(tokens: np.ndarray) -> list[np.ndarray]:
        hidden.append(np.flatnonzero(tokens[0, :, 0] == 2))
        return [np.stack([np.linspace(0, 20, 10), np.zeros(10)], axis=1)[None]]

    tokens = np.full((1, 10, 1), 2)
    choice = Choice(top_p=1.0, choice_temperature=0.0)
    unmask(watch, tokens, np.ones_like(tokens, bool), [Stage((0,), 3)], choice, generators(1))
    assert [len(cells) for cells in hidden] == [10, 8, 5]
    np.testing.assert_array_equal(hidden[1], np.arange(8))


def test_steps_are_told_and_may_cancel() -> None:
    tokens, masked = board(np.random.default_rng(5))
    told: list[int] = []
    unmask(predict, tokens, masked, STAGES, Choice(), generators(2), told.append)
    assert told == [1, 2, 3, 4, 5, 6, 7]

    def cancel(done: int) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        unmask(predict, tokens, masked, STAGES, Choice(), generators(2), cancel)


@settings(deadline=None, max_examples=60)
@given(
    scores=st.lists(st.integers(-20, 20), min_size=1, max_size=8),
    top_p=st.floats(0.0, 1.0),
    temperature=st.floats(0.0, 3.0),
)
def test_a_nucleus_is_a_distribution_on_the_likeliest(scores: list[int], top_p: float, temperature: float) -> None:
    kept = nucleus(np.array([scores, scores[::-1]], np.float32), Choice(temperature, top_p))
    np.testing.assert_allclose(kept.sum(axis=1), 1)
    row, logits = kept[0], np.array(scores)
    assert logits[row > 0].min() >= logits[row == 0].max(initial=-100)
    assert logits[row.argmax()] == logits.max()


def test_a_nucleus_of_known_probabilities() -> None:
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]]))
    np.testing.assert_allclose(nucleus(logits, Choice(1.0, 0.7)), [[0.625, 0.375, 0, 0]])
    np.testing.assert_allclose(nucleus(logits, Choice(1.0, 0.0)), [[1, 0, 0, 0]])
    np.testing.assert_allclose(nucleus(logits, Choice(0.5, 1.0))[0, 0], 0.25 / 0.365)
