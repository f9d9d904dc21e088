"""A sung stem's own treatment before it takes its place in the mix, and how the players give way to it.

high-pass ─ de-esser ─ compressor ─ saturation; equaliser, level, pan and sends are those of every stem.

All thresholds count from the voice's own loud parts, so a stem treats alike at any level. Measured once
(:class:`VoiceLevels`), they can be kept, and a change of one line leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.mix import dynamics
from noisician.mix.dynamics import Compression, Deesser
from noisician.mix.filters import Band, Blocks, filtered, sections
from noisician.mix.mastering import hop_mean_squares

BODY_HZ = 7000.0  # only what lies below is saturated: three times as high still fits under half the rate
SATURATION_CREST = 4.0  # over the loud parts' root mean square, where the saturation's knee lies
YIELDING = Band("band_pass", 1000.0, q=4 / 15)  # half its depth at 250 Hz and 4 kHz


@dataclass(frozen=True)
class VocalChain:
    """The treatment of one kind of voice. ``drive`` is the saturation's: 0 is none, 1 is heard as warmth."""

    high_pass_hz: float
    deesser: Deesser
    compression: Compression
    drive: float

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> VocalChain:
        return cls(data["high_pass_hz"], Deesser(**data["deesser"]), Compression(**data["compressor"]), data["drive"])


@dataclass(frozen=True)
class VoiceLevels:
    """Mean squares (full scale 1) of a voice's loud parts, 0 for silence: dry, after its high-pass, after the de-esser
    and after the compressor. The thresholds of what comes next count from them.
    """

    dry_power: float
    filtered_power: float
    deessed_power: float
    compressed_power: float


def treat(samples: np.ndarray, chain: VocalChain, *, loop: bool) -> np.ndarray:
    """A dry voice ``[frames]`` through its chain, float32 ``[frames]``; silence stays silence."""
    return treated(samples, chain, loop=loop)[0]


def treated(
    samples: np.ndarray,
    chain: VocalChain,
    *,
    loop: bool,
    levels: VoiceLevels | None = None,
    memory: float | None = None,
    blocks: Blocks = Blocks(),  # noqa: B008
) -> tuple[np.ndarray, VoiceLevels]:
    """:func:`treat`'s voice and the levels its thresholds counted from: ``levels``, or None to measure them.

    ``memory`` is that of all envelopes (:mod:`noisician.mix.dynamics`).
    """
    high_pass = Band("high_pass", chain.high_pass_hz)
    sibilant, body = _sibilant_band(chain.deesser), Band("low_pass", BODY_HZ)
    filters = [sections([high_pass, *bands]) for bands in ((), (sibilant,), (body,))]
    voice, hiss, low = filtered(samples, filters, loop=loop, blocks=blocks)
    squares = hop_mean_squares(voice)
    filtered_power = dynamics.loud_mean_square(squares) if levels is None else levels.filtered_power
    deesser = dynamics.deesser_gain(
        hop_mean_squares(hiss), squares, chain.deesser, loop=loop, loud=filtered_power, memory=memory
    )
    _take_away(voice, hiss, deesser)
    squares = hop_mean_squares(voice)
    deessed_power = dynamics.loud_mean_square(squares) if levels is None else levels.deessed_power
    gain = dynamics.compressor_gain(
        squares, 1.0, loop=loop, compression=chain.compression, loud=deessed_power, memory=memory
    )
    if levels is None:
        compressed_power = dynamics.loud_mean_square(squares * np.square((gain[:-1] + gain[1:]) / 2))
        dry_power = dynamics.loud_mean_square(hop_mean_squares(samples))
        levels = VoiceLevels(dry_power, filtered_power, deessed_power, compressed_power)
    knee = np.float32(SATURATION_CREST * np.sqrt(levels.compressed_power))
    for start, stop in Blocks().spans(len(voice)):
        ramp = dynamics.ramps(gain, start, stop, len(voice))
        voice[start:stop] *= ramp
        if chain.drive > 0 and knee > 0:
            voice[start:stop] += _saturation(low[start:stop] * ramp, knee, chain.drive)
    return voice, levels


def treated_hops(chain: VocalChain, memory: float) -> int:
    """How many hops of envelope :func:`treated` needs before what it shall give, its filters apart."""
    return dynamics.deesser_hops(chain.deesser, memory) + dynamics.compressor_hops(memory, chain.compression)


def _sibilant_band(deesser: Deesser) -> Band:
    centre_hz = (deesser.low_hz * deesser.high_hz) ** 0.5
    return Band("band_pass", centre_hz, q=centre_hz / (deesser.high_hz - deesser.low_hz))


def _take_away(signal: np.ndarray, band: np.ndarray, gain: np.ndarray) -> None:
    """Lowers a band of the signal by a gain curve, in place.

    The band-pass h obeys Re h = |h|², so |1 − (1 − g) h| never exceeds 1: the flanks are not boosted.
    """
    for start, stop in Blocks().spans(len(signal)):
        signal[start:stop] -= (1 - dynamics.ramps(gain, start, stop, len(signal))) * band[start:stop]


def _saturation(body: np.ndarray, knee: np.float32, drive: float) -> np.ndarray:
    """What a hyperbolic tangent adds to a signal; small signals get nothing."""
    slope = np.float32(drive) / knee
    return np.tanh(slope * body) / slope - body


def give_way(
    samples: np.ndarray,
    sung: np.ndarray,
    depth_db: float,
    *,
    loop: bool,
    blocks: Blocks = Blocks(),  # noqa: B008
) -> np.ndarray:
    """A player's samples with the voice's range lowered by ``depth_db`` where ``sung`` ``[hops + 1]`` is 1."""
    (band,) = filtered(samples, [sections([YIELDING])], loop=loop, blocks=blocks)
    lowered = np.array(samples, np.float32)
    _take_away(lowered, band, dynamics.duck_gain(sung, depth_db))
    return lowered
