"""The electronic instruments as patches. A seed moves cutoff, detune and envelopes a little, never the idea."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from noisician.corpus.voices.common import Envelope
from noisician.corpus.voices.engine import Bend, Ensemble, Filter, FrequencyModulation, Layer, Patch
from noisician.corpus.voices.oscillators import partials, pulse, saw, stacked, stepped_triangle, two_pole


def _about(rng: np.random.Generator, centre: float, octaves: float = 0.35) -> float:
    """A value around ``centre``, uniform within ± ``octaves``."""
    return float(centre * 2.0 ** rng.uniform(-octaves, octaves))


def _spread(cents: float, voices: int) -> tuple[float, ...]:
    """Detuning of an odd group: symmetric, wider outside as in the classic seven-voice saw."""
    place = np.linspace(-1.0, 1.0, voices)
    return tuple(float(value) for value in cents * np.sign(place) * np.abs(place) ** 1.3)


def _supersaw(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(
            Layer(saw, 0.75, detune_cents=_spread(_about(rng, 16.0), 7)),
            Layer(saw, 0.5),
            Layer(saw, float(rng.uniform(0.0, 0.35)), ratio=2.0, detune_cents=(-5.0, 5.0)),
        ),
        envelope=Envelope(_about(rng, 0.008), 1.2, 0.8, _about(rng, 0.3)),
        filter=Filter(_about(rng, 9000.0, 0.6), 0.05, two_pole, 0.3, velocity_octaves=1.6),
        level=0.32,
    )


def _saw_pluck(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(
            Layer(saw, 0.8, detune_cents=_spread(_about(rng, 6.0), 2)),
            Layer(pulse(0.5), float(rng.uniform(0.0, 0.4)), ratio=0.5),
        ),
        envelope=Envelope(0.002, _about(rng, 0.28), 0.0, _about(rng, 0.25)),
        filter=Filter(
            _about(rng, 700.0), float(rng.uniform(0.05, 0.4)), key_tracking=0.6,
            envelope_octaves=_about(rng, 3.2, 0.2), decay_s=_about(rng, 0.12), velocity_octaves=1.5,
        ),
        decay_tracking=0.3,
        level=0.62,
    )  # fmt: skip


def _fm_bell(rng: np.random.Generator) -> Patch:
    upper = FrequencyModulation(2, int(rng.choice([7, 7, 9, 11])), _about(rng, 1.6), 0.05, _about(rng, 0.6))
    lower = FrequencyModulation(1, 1, _about(rng, 0.5), 0.1, _about(rng, 0.9))
    return Patch(
        layers=(Layer(level=0.6, ratio=0.5, modulation=upper), Layer(level=0.5, modulation=lower)),
        envelope=Envelope(0.0015, _about(rng, 0.9), 0.0, _about(rng, 0.9)),
        decay_tracking=0.35,
        level=0.55,
    )


def _fm_bass(rng: np.random.Generator) -> Patch:
    fm = FrequencyModulation(1, int(rng.choice([1, 2, 3])), _about(rng, 4.5), 0.25, _about(rng, 0.16), 0.6)
    return Patch(
        layers=(
            Layer(level=0.8, modulation=fm),
            Layer(level=0.35, modulation=FrequencyModulation(1, 1, 0.8, 0.4, 0.2)),
        ),
        envelope=Envelope(0.002, _about(rng, 0.7), 0.25, 0.08),
        level=0.6,
    )


def _sub_808(rng: np.random.Generator) -> Patch:
    warmth = float(rng.uniform(0.0, 0.25))
    return Patch(
        layers=(Layer(partials(1.0, 0.05 + warmth * 0.4, warmth * 0.6)),),
        envelope=Envelope(0.003, _about(rng, 1.1), 0.0, _about(rng, 0.2)),
        filter=Filter(
            _about(rng, 400.0), 0.0, two_pole, 0.6,
            envelope_octaves=2.5, decay_s=0.06, velocity_octaves=0.8,
        ),
        bend=Bend(drop_cents=_about(rng, 1100.0, 0.5), drop_s=_about(rng, 0.012)),
        drive=_about(rng, 1.1, 0.8),
        click=float(rng.uniform(0.0, 0.12)),
        fixed_phase=True,
        level=0.66,
    )  # fmt: skip


def _acid_bass(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(Layer(saw if rng.random() < 0.7 else pulse(0.5), 0.55),),
        envelope=Envelope(0.002, _about(rng, 0.5), 0.15, 0.05),
        filter=Filter(
            _about(rng, 420.0, 0.6), float(rng.uniform(0.68, 0.88)), key_tracking=0.3,
            envelope_octaves=_about(rng, 2.8, 0.3), decay_s=_about(rng, 0.17, 0.6), velocity_octaves=2.2,
        ),
        drive=_about(rng, 1.6, 0.6),
        level=0.9,
    )  # fmt: skip


def _reese_bass(rng: np.random.Generator) -> Patch:
    width = _about(rng, 17.0)
    return Patch(
        layers=(Layer(saw, 0.8, detune_cents=(-width, 0.0, width)), Layer(partials(1.0), 0.35, ratio=0.5)),
        envelope=Envelope(0.006, 1.0, 0.9, 0.12),
        filter=Filter(_about(rng, 1100.0, 0.7), 0.2, key_tracking=0.2, velocity_octaves=1.2),
        saturation=_about(rng, 1.2, 0.7),
        level=0.5,
    )


def _wobble_bass(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(
            Layer(saw, 0.6, detune_cents=_spread(_about(rng, 7.0), 2)),
            Layer(pulse(0.5), 0.35),
            Layer(partials(1.0), 0.4, ratio=0.5),
        ),
        envelope=Envelope(0.005, 1.0, 0.95, 0.08),
        filter=Filter(
            _about(rng, 3200.0), float(rng.uniform(0.3, 0.6)), key_tracking=0.1, velocity_octaves=0.8,
            wobble_octaves=_about(rng, 4.0, 0.2), wobble_hz=float(rng.choice([2.0, 3.0, 4.0, 6.0])),
        ),
        saturation=_about(rng, 1.5, 0.5),
        level=0.5,
    )  # fmt: skip


def _sine_sub(rng: np.random.Generator) -> Patch:
    second = float(rng.uniform(0.0, 0.08))
    return Patch(
        layers=(Layer(partials(1.0, second, second * 0.5)),),
        envelope=Envelope(_about(rng, 0.006), 1.5, 0.92, _about(rng, 0.07)),
        filter=Filter(_about(rng, 500.0), 0.0, two_pole, 1.0, velocity_octaves=0.6),
        level=0.62,
    )


def _analog_bass(rng: np.random.Generator) -> Patch:
    wave = stacked((1, float(rng.uniform(0.2, 0.5)), pulse(0.5)), (2, 0.8, saw if rng.random() < 0.6 else pulse(0.35)))
    return Patch(
        layers=(Layer(wave, 0.75, ratio=0.5),) if rng.random() < 0.5 else (Layer(saw, 0.55, detune_cents=(-4.0, 4.0)),),
        envelope=Envelope(0.003, _about(rng, 0.6), 0.35, 0.09),
        filter=Filter(
            _about(rng, 360.0, 0.5), float(rng.uniform(0.1, 0.45)), key_tracking=0.4,
            envelope_octaves=_about(rng, 2.2, 0.3), decay_s=_about(rng, 0.2), velocity_octaves=1.4,
        ),
        drive=_about(rng, 0.9, 0.5),
        level=1.0,
    )  # fmt: skip


def _chip_pulse(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(Layer(pulse(float(rng.choice([0.125, 0.25, 0.25, 0.5]))), 0.55),),
        envelope=Envelope(0.0015, _about(rng, 0.25), float(rng.uniform(0.35, 0.8)), 0.02),
        filter=Filter(16000.0, 0.0, two_pole, 0.0, velocity_octaves=0.6),
        bend=Bend(_about(rng, 9.0), _about(rng, 6.0, 0.15), 0.3),
        level=0.6,
    )


def _chip_triangle(rng: np.random.Generator) -> Patch:
    return Patch(
        layers=(Layer(stepped_triangle, 0.8),),
        envelope=Envelope(0.0015, 1.0, 1.0, 0.012),
        filter=Filter(_about(rng, 14000.0, 0.3), 0.0, two_pole, 0.0, velocity_octaves=0.6),
        level=0.62,
    )


def _analog_pad(rng: np.random.Generator) -> Patch:
    width = _about(rng, 8.0)
    second = Layer(pulse(float(rng.uniform(0.3, 0.5))), 0.4, ratio=float(rng.choice([0.5, 1.0])))
    return Patch(
        layers=(Layer(saw, 0.8, detune_cents=(-width, width)), second),
        envelope=Envelope(_about(rng, 0.12), 2.0, 0.85, _about(rng, 0.8)),
        filter=Filter(
            _about(rng, 900.0, 0.6), float(rng.uniform(0.05, 0.3)), key_tracking=0.4,
            envelope_octaves=_about(rng, 1.2), attack_s=_about(rng, 0.5), decay_s=1.5, velocity_octaves=1.2,
        ),
        level=0.6,
    )  # fmt: skip


def _string_machine(rng: np.random.Generator) -> Patch:
    wave = stacked((1, 0.7, saw), (2, float(rng.uniform(0.3, 0.7)), saw))
    return Patch(
        layers=(Layer(wave),),
        envelope=Envelope(_about(rng, 0.06), 2.0, 0.9, _about(rng, 0.5)),
        filter=Filter(_about(rng, 4500.0), 0.0, two_pole, 0.2, velocity_octaves=1.0),
        ensemble=Ensemble(_about(rng, 0.9), _about(rng, 0.6), _about(rng, 5.8, 0.15)),
        level=0.42,
    )


def _analog_lead(rng: np.random.Generator) -> Patch:
    width = _about(rng, 5.0)
    wave = saw if rng.random() < 0.6 else pulse(float(rng.uniform(0.3, 0.5)))
    return Patch(
        layers=(Layer(wave, 0.7, detune_cents=(-width, width)), Layer(pulse(0.5), 0.25, ratio=0.5)),
        envelope=Envelope(_about(rng, 0.006), 0.8, 0.8, 0.12),
        filter=Filter(
            _about(rng, 2200.0), float(rng.uniform(0.1, 0.4)), key_tracking=0.5,
            envelope_octaves=_about(rng, 1.2), decay_s=_about(rng, 0.4), velocity_octaves=1.4,
        ),
        bend=Bend(_about(rng, 12.0), _about(rng, 5.3, 0.15), 0.35),
        level=0.58,
    )  # fmt: skip


def _stab(rng: np.random.Generator) -> Patch:
    width = _about(rng, 10.0)
    return Patch(
        layers=(Layer(saw, 0.75, detune_cents=(-width, 0.0, width)), Layer(pulse(0.4), 0.35, ratio=2.0)),
        envelope=Envelope(0.002, _about(rng, 0.16), 0.0, _about(rng, 0.12)),
        filter=Filter(
            _about(rng, 1500.0), float(rng.uniform(0.1, 0.5)), key_tracking=0.3,
            envelope_octaves=_about(rng, 2.0), decay_s=_about(rng, 0.09), velocity_octaves=1.5,
        ),
        saturation=float(rng.uniform(0.3, 1.0)),
        level=0.5,
    )  # fmt: skip


def _glass_pad(rng: np.random.Generator) -> Patch:
    attack, release = _about(rng, 0.09), _about(rng, 1.0)
    bell = Envelope(0.01, _about(rng, 0.8), 0.1, release)
    return Patch(
        layers=(
            Layer(partials(1.0, 0.15, 0.05), 0.6, detune_cents=(-2.0, 2.0)),
            Layer(partials(1.0), 0.26, ratio=4.0, tremolo=(0.8, _about(rng, 0.7))),
            Layer(partials(1.0), 0.3, ratio=2.0, tremolo=(0.7, _about(rng, 0.4)), detune_cents=(-3.0, 3.0)),
            Layer(partials(1.0, 0.0, 0.4), 0.12, ratio=6.0, tremolo=(0.8, _about(rng, 1.1))),
            Layer(partials(1.0), 0.14, ratio=8.0, envelope=bell),
        ),
        envelope=Envelope(attack, 2.0, 0.85, release),
        filter=Filter(_about(rng, 7000.0), 0.0, two_pole, 0.3, velocity_octaves=1.5),
        level=0.55,
    )


def _organ_bass(rng: np.random.Generator) -> Patch:
    levels = [1.0, rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.5), rng.uniform(0.0, 0.3), 0.0, rng.uniform(0.0, 0.2)]
    return Patch(
        layers=(Layer(partials(*levels), 0.75),),
        envelope=Envelope(0.002, _about(rng, 0.35), 0.4, 0.06),
        filter=Filter(
            _about(rng, 700.0), 0.0, two_pole, 0.7, envelope_octaves=2.0, decay_s=_about(rng, 0.09),
            velocity_octaves=1.2,
        ),
        click=0.08,
        level=0.6,
    )  # fmt: skip


PATCHES: dict[str, Callable[[np.random.Generator], Patch]] = {
    "supersaw": _supersaw,
    "saw_pluck": _saw_pluck,
    "fm_bell": _fm_bell,
    "fm_bass": _fm_bass,
    "sub_808": _sub_808,
    "acid_bass": _acid_bass,
    "reese_bass": _reese_bass,
    "wobble_bass": _wobble_bass,
    "sine_sub": _sine_sub,
    "analog_bass": _analog_bass,
    "chip_pulse": _chip_pulse,
    "chip_triangle": _chip_triangle,
    "analog_pad": _analog_pad,
    "string_machine": _string_machine,
    "analog_lead": _analog_lead,
    "stab": _stab,
    "glass_pad": _glass_pad,
    "organ_bass": _organ_bass,
}
"""Patch of each synthesiser instrument, drawn from a generator."""
