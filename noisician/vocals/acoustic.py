"""Runs the singing network: the features of a phrase from its performance and who sings it.

A phrase is drawn alone, at its own length; one longer than WINDOW_FRAMES in overlapping windows that start at fixed
places. Noise belongs to the frame it is for. So a phrase comes out the same whatever else is sung, and another seed is
another take.
"""

from __future__ import annotations

import numpy as np

from noisician.diffusion.flow import euler, shifted_times
from noisician.diffusion.noise import noise_rows
from noisician.diffusion.windows import WindowPlan, join
from noisician.vocals.features import clip_features
from noisician.vocals.frames import FEATURES, SPEAKERS, Frames
from noisician.weights import Network, open_network

WINDOW_FRAMES = 1024
OVERLAP_FRAMES = 96
STEPS = 6
#: Half of the drawn motion: held vowels move as much as the teacher's, and the distance to it is the smallest.
NOISE_SCALE = 0.5
#: Names the noise of this module among the streams of a seed.
STREAM = 1 << 34


def phone_ids(frames: Frames) -> np.ndarray:
    """(phone, previous, following) of every frame, int64 ``[frames, 3]``."""
    return np.stack([frames.phone, frames.previous, frames.following], axis=1).astype(np.int64)


class Acoustic:
    """Holds the network; draws any number of phrases."""

    def __init__(self, network: Network | None = None) -> None:
        # One thread a call: phrases are drawn side by side on all cores instead.
        self._network = network or open_network("vocals", threads=1)

    def features(
        self,
        frames: Frames,
        mixture: np.ndarray,
        warp: float,
        seed: int,
        steps: int = STEPS,
        noise_scale: float = NOISE_SCALE,
    ) -> np.ndarray:
        """Features ``[frames, 106]`` float32 in dB, clipped to their limits.

        ``mixture [SPEAKERS]`` sums to 1; ``warp`` is the logarithm of the formant factor. ``noise_scale`` is how much
        of the drawn motion is added to the mean: 0 gives the mean alone (in one evaluation), 1 all of it. Raises
        ValueError for a mixture of another length or sum.
        """
        if mixture.shape != (len(SPEAKERS),) or abs(float(mixture.sum()) - 1) > 1e-3:
            raise ValueError(f"mixture {mixture} must be {len(SPEAKERS)} weights that sum to 1")
        if not len(frames):
            return np.zeros((0, FEATURES), np.float32)
        plan = WindowPlan(len(frames), WINDOW_FRAMES, OVERLAP_FRAMES)
        told = {
            "mixture": np.asarray(mixture, np.float32)[None],
            "warp": np.array([warp], np.float32),
            "known": np.ones(1, np.float32),
        }
        ids, controls = phone_ids(frames), frames.network_inputs()
        windows = np.zeros((plan.count, WINDOW_FRAMES, FEATURES), np.float32)
        for number in range(plan.count):
            first = plan.start(number)
            last = min(first + WINDOW_FRAMES, len(frames))
            window = told | {"ids": ids[None, first:last], "controls": controls[None, first:last]}
            noise = noise_rows(seed, STREAM, first, last - first, FEATURES)[None]
            windows[number, : last - first] = self._draw(window, noise, steps, noise_scale)
        return clip_features(join(windows, plan))

    def _draw(self, told: dict[str, np.ndarray], noise: np.ndarray, steps: int, noise_scale: float) -> np.ndarray:
        """One window's features ``[frames, 106]``."""
        mean = features = noise

        def denoise(residual_t: np.ndarray, t: float) -> np.ndarray:
            nonlocal mean, features
            mean, residual, features = self._network(residual_t=residual_t, t=np.array([t], np.float32), **told)
            return residual

        if noise_scale == 0:
            denoise(noise, 1.0)
            return mean[0]
        euler(denoise, noise, shifted_times(steps))  # its last step lands on the features of that evaluation
        return (mean + np.float32(noise_scale) * (features - mean))[0]
