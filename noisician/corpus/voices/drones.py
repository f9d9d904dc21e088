"""The pitched textures, played by the synthesiser: long notes that breathe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.corpus.voices import oscillators as osc
from noisician.corpus.voices.common import Envelope, FloatArray, bell, diffuse
from noisician.corpus.voices.engine import Bend, Ensemble, Filter, Layer, Patch, play
from noisician.score.played import NoteEvent

_VOWELS = (
    ((730.0, 1.0), (1090.0, 0.5), (2440.0, 0.12)),  # ah
    ((570.0, 1.0), (840.0, 0.45), (2410.0, 0.06)),  # oh
    ((320.0, 1.0), (870.0, 0.25), (2240.0, 0.04)),  # oo
)


@dataclass(frozen=True)
class _Hall:
    decay_s: float
    wet: float


def _about(rng: np.random.Generator, centre: float, octaves: float = 0.35) -> float:
    return float(centre * 2.0 ** rng.uniform(-octaves, octaves))


def _formants(vowel: tuple[tuple[float, float], ...]) -> Callable[[FloatArray, FloatArray, float], osc.Spectrum]:
    """A filter response with the peaks of a vowel, opened by its cutoff."""

    def response(hz: FloatArray, cutoff_hz: FloatArray, resonance: float) -> osc.Spectrum:
        peaks = sum((level * bell(hz, centre, 0.22) for centre, level in vowel), 0.03 / (1.0 + (hz / 3000.0) ** 2))
        return 2.2 * peaks * osc.two_pole(hz, cutoff_hz, resonance)

    return response


def _dark_drone(rng: np.random.Generator) -> tuple[Patch, _Hall]:
    width = _about(rng, 6.0)
    patch = Patch(
        layers=(
            Layer(osc.saw, 0.9, detune_cents=(-width, 0.0, width)),
            Layer(osc.saw, 0.5, ratio=0.5, detune_cents=(-4.0, 4.0), tremolo=(0.5, _about(rng, 0.2))),
            Layer(osc.partials(1.0, 0.3), 0.5, ratio=0.5),
        ),
        envelope=Envelope(0.35, 4.0, 0.9, 1.2),
        filter=Filter(
            _about(rng, 420.0, 0.5), float(rng.uniform(0.15, 0.4)), key_tracking=0.4, velocity_octaves=1.0,
            wobble_octaves=_about(rng, 1.3), wobble_hz=_about(rng, 0.15),
        ),
        level=0.6,
    )  # fmt: skip
    return patch, _Hall(2.2, 0.25)


def _glass_drone(rng: np.random.Generator) -> tuple[Patch, _Hall]:
    shimmer = tuple(
        Layer(
            osc.partials(1.0),
            level * float(rng.uniform(0.5, 1.2)),
            ratio,
            (-2.5, 2.5),
            tremolo=(0.9, _about(rng, 0.3, 1.0)),
        )
        for ratio, level in ((1.0, 0.4), (2.0, 0.35), (3.0, 0.22), (4.0, 0.22), (6.0, 0.12), (8.0, 0.1))
    )
    patch = Patch(
        layers=(Layer(osc.partials(1.0, 0.0, 0.06), 0.35), *shimmer),
        envelope=Envelope(_about(rng, 0.25), 4.0, 0.9, 1.4),
        filter=Filter(_about(rng, 6000.0), 0.0, osc.two_pole, 0.3, velocity_octaves=1.2),
        level=0.6,
    )
    return patch, _Hall(2.5, 0.3)


def _choir_wash(rng: np.random.Generator) -> tuple[Patch, _Hall]:
    vowel = _VOWELS[int(rng.integers(len(_VOWELS)))]
    width = _about(rng, 7.0)
    patch = Patch(
        layers=(Layer(osc.saw, 1.0, detune_cents=(-width, 0.0, width)),),
        envelope=Envelope(_about(rng, 0.3), 4.0, 0.9, 1.2),
        filter=Filter(_about(rng, 4500.0), 0.0, _formants(vowel), 0.1, velocity_octaves=1.0),
        bend=Bend(_about(rng, 10.0), _about(rng, 5.0, 0.1), 0.4),
        ensemble=Ensemble(_about(rng, 0.8), _about(rng, 0.5), 5.0, 2),
        level=0.6,
    )
    return patch, _Hall(2.8, 0.45)


def _shimmer(rng: np.random.Generator) -> tuple[Patch, _Hall]:
    patch = Patch(
        layers=(
            Layer(osc.saw, 0.35, 2.0, (-7.0, 7.0)),
            Layer(osc.saw, 0.3, 4.0, (-6.0, 6.0), tremolo=(0.7, _about(rng, 2.0, 0.8))),
            Layer(osc.partials(1.0, 0.5, 0.25), 0.3, 8.0, (-4.0, 4.0), tremolo=(0.9, _about(rng, 3.0, 0.8))),
            Layer(osc.partials(1.0, 0.2), 0.4),
        ),
        envelope=Envelope(_about(rng, 0.3), 4.0, 0.9, 1.4),
        filter=Filter(_about(rng, 3500.0), 0.0, osc.two_pole, 0.3, velocity_octaves=1.4),
        level=0.6,
    )
    return patch, _Hall(3.0, 0.5)


DRONES: dict[str, Callable[[np.random.Generator], tuple[Patch, _Hall]]] = {
    "dark_drone": _dark_drone,
    "glass_drone": _glass_drone,
    "choir_wash": _choir_wash,
    "shimmer": _shimmer,
}


def render_drone(instrument_id: str, notes: Sequence[NoteEvent], count: int, rng: np.random.Generator) -> FloatArray:
    """A pitched texture, ``[count]`` float32."""
    patch, hall = DRONES[instrument_id](rng)
    dry = play(patch, notes, count, one_voice=False, rng=rng)
    return diffuse(dry, hall.decay_s, hall.wet, rng)
