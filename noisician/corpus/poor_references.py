"""References as people hand them in: few, of one loudness, out of tune, cut short, noisy, with another colour.

What the renderer is shown in training has to be as poor as what it will be shown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from noisician.mel import MEL_BANDS
from noisician.renderer.references import (
    GRID_FRAMES,
    LOWEST_LOG,
    RELEASE_FRAMES,
    References,
    encode_held,
    encode_loss,
)

#: Half of the time the references are as good as those that ship.
POORER_SHARE = 0.5
#: How many of all pitches are there: all, every second, one to three, a random half.
_DENSITY_SHARES = (0.5, 0.2, 0.15, 0.15)
_ONE_VELOCITY_SHARE = 0.3
_DETUNED_SHARE, _DETUNED_CENTS = 0.15, 20
_COLOURED_SHARE, _COLOUR_NATS = 0.2, 0.25
_NOISY_SHARE = 0.12
_CUT_SHARE = 0.12
_RELEASE_SHARE = 0.12


def impoverish(references: References, rng: np.random.Generator) -> References:
    """An instrument's references as good as they are, or a copy that is poorer in one or several ways."""
    if rng.random() >= POORER_SHARE:
        return references
    chosen = _fewer(references, rng)
    pitch = references.pitch[chosen]
    held = np.stack([references.held(int(note)) for note in chosen])
    loss = np.stack([references.loss(int(note)) for note in chosen])
    if references.kind == "harmonic" and rng.random() < _DETUNED_SHARE:
        pitch = np.clip(pitch + rng.normal(0, _DETUNED_CENTS / 100, len(pitch)), 0, 127).astype(np.float32)
    if rng.random() < _COLOURED_SHARE:
        held = held + smooth_curve(rng, _COLOUR_NATS)
    if rng.random() < _NOISY_SHARE:
        floor = rng.uniform(-9.5, -6.5) - np.linspace(0, rng.uniform(0, 2), MEL_BANDS)
        held = 0.5 * np.logaddexp(2 * held, 2 * floor)
    if references.kind == "harmonic" and rng.random() < _CUT_SHARE:
        held = _cut_short(held, references.sustain, rng)
    if references.kind == "harmonic" and rng.random() < _RELEASE_SHARE:
        loss = np.broadcast_to(_plain_release(rng), loss.shape)
    return replace(
        references.only(chosen),
        pitch=pitch.astype(np.float32),
        held_codes=encode_held(np.maximum(held, LOWEST_LOG)),
        loss_codes=encode_loss(loss),
    )


def smooth_curve(rng: np.random.Generator, spread: float) -> np.ndarray:
    """A random curve over the bands, float32 ``[128]`` with standard deviation ``spread``: a few slow cosines."""
    place = np.linspace(0, 1, MEL_BANDS)
    weights = rng.standard_normal(4) / np.sqrt(2)
    curve = sum(weight * np.cos(np.pi * (order + 1) * place) for order, weight in enumerate(weights))
    return (spread * np.asarray(curve)).astype(np.float32)


def _fewer(references: References, rng: np.random.Generator) -> np.ndarray:
    keys = references.keys
    if references.kind == "harmonic":
        how = int(rng.choice(4, p=_DENSITY_SHARES))
        if how == 1:
            keys = keys[int(rng.integers(2)) :: 2] if len(keys) > 1 else keys
        elif how == 2:
            keys = rng.choice(keys, size=min(len(keys), int(rng.integers(1, 4))), replace=False)
        elif how == 3:
            keys = rng.choice(keys, size=max(1, len(keys) // 2), replace=False)
    only_layer = rng.random() < _ONE_VELOCITY_SHARE
    share = rng.random()
    chosen: list[int] = []
    for key in sorted(int(key) for key in keys):
        layer = references.layers[key]
        chosen += [int(layer[int(share * len(layer))])] if only_layer else layer.tolist()
    return np.array(sorted(chosen))


def _cut_short(held: np.ndarray, sustain: str, rng: np.random.Generator) -> np.ndarray:
    """Known for half a second to two seconds only; beyond that the last row stays or goes on as it fell."""
    last = int(np.searchsorted(GRID_FRAMES, rng.uniform(43, 172)))
    first = max(0, last - 5)
    span = GRID_FRAMES[last] - GRID_FRAMES[first]
    slope = (
        np.zeros_like(held[:, 0]) if sustain == "sustained" else np.minimum(0, held[:, last] - held[:, first]) / span
    )
    beyond = held[:, last, None] + slope[:, None] * (GRID_FRAMES[last:, None] - GRID_FRAMES[last])
    return np.concatenate([held[:, :last], beyond], axis=1)


def _plain_release(rng: np.random.Generator) -> np.ndarray:
    """What a sampler without a recorded release does: an exponential, 30 to 300 ms to 1 / e."""
    nats_a_frame = 1 / (86.13 * np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
    return (np.maximum(0, RELEASE_FRAMES) * nats_a_frame).astype(np.float32)[:, None]
