"""Sampling an absorbing-state (masked) discrete diffusion.

Cells start masked; each step the model guesses all masked cells and the surest share of the guesses is kept
(Austin et al., arXiv 2107.03006; MaskGIT's order, arXiv 2202.04200). Cells that were known stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

#: ``tokens [batch, rows, streams]`` with masked cells set to each stream's mask token → logits, one array
#: ``[batch, rows, vocabulary]`` a stream.
Predict = Callable[[np.ndarray], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Choice:
    """How bold the guesses are.

    ``choice_temperature`` is MaskGIT's: 0 takes strictly the surest cells first; 1 mixes the order well.
    """

    temperature: float = 1.0
    top_p: float = 0.98
    choice_temperature: float = 1.0


@dataclass(frozen=True)
class Stage:
    """Streams unmasked together, in ``steps`` steps, by a choice of their own if they have one."""

    streams: tuple[int, ...]
    steps: int
    choice: Choice | None = None


def unmask(
    predict: Predict,
    tokens: np.ndarray,
    masked: np.ndarray,
    stages: Sequence[Stage],
    choice: Choice,
    rng: Sequence[Sequence[np.random.Generator]],
    on_step: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Fills the masked cells, stage by stage; ``rng[item][stream]`` chooses there, and items and streams that have
    generators of their own are independent.

    ``tokens [batch, rows, streams]`` holds each stream's mask token where ``masked`` (bool, same shape) is set.
    """
    tokens, masked = tokens.copy(), masked.copy()
    done = 0
    for stage in stages:
        begun = [masked[:, :, stream].sum(axis=1) for stream in stage.streams]
        for step in range(1, stage.steps + 1):
            logits = predict(tokens)
            left = np.cos(0.5 * np.pi * step / stage.steps)  # share still masked after this step
            for first, stream in zip(begun, stage.streams, strict=True):
                for item in range(len(tokens)):
                    keep = int(np.floor(first[item] * left)) if step < stage.steps else 0
                    _reveal(
                        tokens[item, :, stream],
                        masked[item, :, stream],
                        logits[stream][item],
                        keep,
                        stage.choice or choice,
                        rng[item][stream],
                    )
            done += 1
            on_step(done)
    return tokens


def _reveal(
    tokens: np.ndarray, masked: np.ndarray, logits: np.ndarray, keep: int, choice: Choice, rng: np.random.Generator
) -> None:
    """Samples one stream of one item in place and leaves its ``keep`` least sure cells masked."""
    rows = np.flatnonzero(masked)
    if len(rows) <= keep:
        return
    probabilities = nucleus(logits[rows], choice)
    picked = _draw(probabilities, rng)
    sureness = np.log(probabilities[np.arange(len(rows)), picked] + 1e-9)
    sureness += choice.choice_temperature * rng.gumbel(size=len(rows))
    chosen = np.argsort(-sureness, kind="stable")[: len(rows) - keep]
    tokens[rows[chosen]] = picked[chosen]
    masked[rows[chosen]] = False


def nucleus(logits: np.ndarray, choice: Choice) -> np.ndarray:
    """Probabilities ``[cells, vocabulary]`` at the temperature, without the tail beyond ``top_p``."""
    scaled = logits.astype(np.float64) / max(choice.temperature, 1e-3)
    probabilities = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    beyond = np.cumsum(ranked, axis=1) - ranked >= choice.top_p
    beyond[:, 0] = False  # the likeliest stays at any top_p
    ranked[beyond] = 0
    np.put_along_axis(probabilities, order, ranked, axis=1)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    edges = np.cumsum(probabilities, axis=1)
    return np.minimum((edges < rng.random((len(edges), 1))).sum(axis=1), probabilities.shape[1] - 1)
