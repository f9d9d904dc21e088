"""One stem in its place: equalised, spread between left and right, ready for the sums and the sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from noisician.mix import dynamics
from noisician.mix.filters import Blocks, Reader, impulse_response, sections
from noisician.mix.mastering import stem_loudness_lufs
from noisician.mix.plan import StemPlan
from noisician.mix.space import chorus_reader, decorrelator

STEM_GAIN_LIMIT_DB = 24.0  # a stem quieter than that is quiet on purpose, or noise
CHORUS_HZ = 0.43


def stem_gain_db(samples: np.ndarray, plan: StemPlan) -> float:
    """Gain to the stem's level, limited both ways; 0 for silence."""
    loudness = stem_loudness_lufs(samples, sections(plan.bands))
    if not np.isfinite(loudness):
        return 0.0
    return float(np.clip(plan.level_lufs - loudness, -STEM_GAIN_LIMIT_DB, STEM_GAIN_LIMIT_DB))


def duck_release_s(tempo_bpm: float) -> float:
    """How long the side-chain takes to let go after a kick: a part of a beat."""
    return float(np.clip(0.45 * 60 / tempo_bpm, 0.09, 0.28))


def pan_gains(stem: StemPlan) -> tuple[float, float, float]:
    """Gains of the mid to the left and to the right by a constant-power pan, and of the side, added left and
    subtracted right.

    The side's power is paid for half by the mid, half by the sum: a stem of full width is then less than
    1 dB louder in stereo and less than 1 dB softer in mono than a narrow one.
    """
    angle = (stem.pan + 1) * np.pi / 4
    whole = (1 + stem.width**2) ** -0.25 if stem.width > 0 else 1.0
    return np.cos(angle) * whole, np.sin(angle) * whole, stem.width * whole * np.sqrt(0.5)


def side_gain(stem: StemPlan) -> np.float32:
    """Gain of a stem's own side, added left and subtracted right: that of its mono in the middle."""
    left, right, _ = pan_gains(stem)
    return np.float32(np.hypot(left, right) * np.sqrt(0.5))


@dataclass(frozen=True)
class StripFilters:
    """The responses of a stem's equaliser, alone and with the noise that widens it, for blocks of one kind."""

    blocks: Blocks
    to_mid: np.ndarray
    to_side: np.ndarray

    @classmethod
    def of(cls, stem: StemPlan, seed: int, blocks: Blocks, taps: int) -> StripFilters:
        """The equaliser's response is cut after ``taps``."""
        to_mid = blocks.response(impulse_response(sections(stem.bands), taps))
        noise = decorrelator(seed + stem.stream, stem.width_from_hz)
        return cls(blocks, to_mid, to_mid * blocks.response(noise))

    def mid_and_side(
        self, stem: StemPlan, dry: Reader, sway: Reader, start: int, stop: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """A stretch of the dry stem as transforms of blocks, its mid and, if it has width, its side, float32."""
        spectra = self.blocks.spectra(dry, start, stop)
        mid = self.blocks.signal(spectra * self.to_mid, stop - start)
        if stem.width <= 0:
            return spectra, mid, None
        source = self.blocks.spectra(sway, start, stop) if stem.chorus_ms else spectra
        return spectra, mid, self.blocks.signal(source * self.to_side, stop - start)

    def equalised(self, dry: Reader, start: int, stop: int) -> np.ndarray:
        """A stretch through the equaliser alone, float32."""
        return self.blocks.signal(self.blocks.spectra(dry, start, stop) * self.to_mid, stop - start)


def sway_of(stem: StemPlan, dry: Reader, frames: int, *, loop: bool) -> Reader:
    """What the side is made of: the stem through its chorus, if it has one."""
    return chorus_reader(dry, frames, stem.chorus_ms, CHORUS_HZ, loop=loop) if stem.chorus_ms else dry


def kick_shape(kicks_s: tuple[float, ...], tempo_bpm: float, frames: int, *, loop: bool) -> np.ndarray:
    """The side-chain's curve ``[hops + 1]``: 1 at each kick, 0 where it has let go."""
    return dynamics.duck_shape(np.asarray(kicks_s), frames, duck_release_s(tempo_bpm), loop=loop)
