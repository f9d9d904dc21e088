"""The embedded model on networks of a line of arithmetic each: no weights, and as reproducible as the real ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from noisician.cache import NO_CACHE, ArrayCache
from noisician.composer import Composer
from noisician.mel import BINS, MEL_BANDS, mel_filters
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.play import Networks
from noisician.renderer import Renderer, render
from noisician.request import Request
from noisician.score.grid import STREAMS, VOCABULARY
from noisician.vocoder import Vocoder

ENTRIES = {
    "composer": {"sha256": "c" * 64, "config": {}},
    "references": {"sha256": "e" * 64},
    "renderer": {"sha256": "r" * 64, "config": {"frames_per_token": 4, "window_tokens": 32}},
    "vocoder": {"sha256": "v" * 64, "config": {}},
}
PLACES = np.random.default_rng(0).standard_normal((16, sum(VOCABULARY[stream] for stream in STREAMS)))
BANDS = np.clip(mel_filters().argmax(axis=0), 0, MEL_BANDS - 1)
SHORT = Request(genres=("pop",), instruments=("flute", "grand_piano"), duration_s=2.0, seed=11, steps=2)
LOOP = Request(genres=("house",), bars=1, tempo_bpm=125, seed=5, steps=1, loop=True)


def write(**inputs: np.ndarray) -> list[np.ndarray]:
    return [(2 * PLACES[inputs["place"]] * (1 + inputs["known"])).astype(np.float32)]


def paint(**inputs: np.ndarray) -> list[np.ndarray]:
    batch, frames, _ = inputs["roll"].shape
    age = inputs["roll"].reshape(batch, frames, 3, -1)[:, :, 2].max(axis=-1, keepdims=True)
    return [(age - 0.5 + 0.3 * inputs["mel_t"]).astype(np.float32)]


def carve(**inputs: np.ndarray) -> list[np.ndarray]:
    gain = inputs["log_mel"][:, :, BANDS] + 2
    ones = np.ones((*gain.shape[:2], BINS), np.float32)
    return [gain, ones, 0 * ones, gain - 2]


def embedded(cache: ArrayCache = NO_CACHE) -> EmbeddedModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "manifest", lambda: ENTRIES)
        return EmbeddedModel(networks(), cache=cache)


def networks(compose: Callable[..., list[np.ndarray]] = write) -> Networks:
    return Networks(Composer(compose), Renderer(paint), Vocoder(carve))  # type: ignore[arg-type]
