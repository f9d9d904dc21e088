"""Drum kits: which stroke each General MIDI percussion key plays, and how a track of hits is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from noisician.corpus.voices import percussion as perc
from noisician.corpus.voices import samples
from noisician.corpus.voices.common import FloatArray, add_at, sample_count, velocity_gain
from noisician.score.played import NoteEvent

Stroke = Callable[[float, np.random.Generator], FloatArray]
"""(force 0..1, generator) → one hit, peak 1."""

LOWEST_KEY, HIGHEST_KEY = 35, 81
_FORCES = (0.3, 0.65, 1.0)
_TAKES = 2
#: Keys that silence a ringing key: closed and pedal hat stop the open hat, muted triangle the open one, …
_CHOKES = {42: (46,), 44: (46,), 46: (46,), 80: (81,), 62: (63,), 78: (79,), 71: (72,), 73: (74,)}
_CHOKE_S = 0.012

#: Level of each key against the kick, so that a kit is balanced before anybody mixes it.
_LEVELS = {
    35: 1.0, 36: 1.0, 37: 0.6, 38: 0.9, 39: 0.75, 40: 0.9, 42: 0.42, 44: 0.36, 46: 0.45, 49: 0.55, 51: 0.42, 52: 0.5,
    53: 0.45, 54: 0.42, 55: 0.5, 56: 0.45, 57: 0.55, 58: 0.4, 59: 0.42, 69: 0.35, 70: 0.35, 71: 0.35, 72: 0.35,
    75: 0.5, 80: 0.35, 81: 0.35,
}  # fmt: skip


@dataclass(frozen=True)
class Kit:
    """The strokes of a synthesised kit by family; percussion keys share one set."""

    kick: perc.Kick = field(default_factory=perc.Kick)
    deep_kick: perc.Kick = field(default_factory=lambda: perc.Kick(46.0, decay_s=0.3))
    snare: perc.Snare = field(default_factory=perc.Snare)
    second_snare: perc.Snare = field(default_factory=lambda: perc.Snare(220.0, snap=0.7))
    clap_hz: float = 1250.0
    clap_s: float = 0.11
    closed_hat: perc.Metal = field(default_factory=perc.Metal)
    open_hat: perc.Metal = field(default_factory=lambda: perc.Metal(decay_s=0.26))
    crash: perc.Metal = field(default_factory=lambda: perc.Metal(3500.0, noise=0.7, decay_s=0.35, tail_s=0.8))
    ride: perc.Metal = field(default_factory=lambda: perc.Metal(4500.0, noise=0.35, decay_s=0.15, tail_s=0.5))
    tom: perc.Membrane = field(default_factory=perc.Membrane)
    tuning: float = 1.0


def render_kit(
    instrument_id: str, notes: Sequence[NoteEvent], count: int, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """All hits of a drum track, ``[count]`` float32. Sampled kits need ``samples_dir``."""
    if instrument_id in samples.SAMPLE_KITS:
        strokes = samples.kit_strokes(instrument_id, samples_dir, rng)
    else:
        strokes = _SYNTHESISED[instrument_id](rng)
    seed = int(rng.integers(2**31))
    ordered = sorted(notes, key=lambda note: (note.start_s, note.pitch))
    stops = choke_times_s(ordered)
    known: dict[tuple[int, int, int], FloatArray] = {}
    out = np.zeros(count, dtype=np.float32)
    for place, note in enumerate(ordered):
        start = sample_count(note.start_s)
        if start >= count:
            continue
        key = min(HIGHEST_KEY, max(LOWEST_KEY, note.pitch))
        layer = int(np.argmin([abs(force - note.velocity / 127.0) for force in _FORCES]))
        take = int(rng.integers(_TAKES))
        if (key, layer, take) not in known:
            # Seeded by what it is, not by when it came up: a hit sounds the same in every arrangement.
            own = np.random.default_rng([seed, key, layer, take])
            known[key, layer, take] = strokes[key](_FORCES[layer], own)
        hit = known[key, layer, take]
        if stops[place] is not None:
            hit = choked(hit, sample_count(stops[place]) - start)  # type: ignore[arg-type]
        add_at(out, start, hit * np.float32(0.7 * _LEVELS.get(key, 0.7) * velocity_gain(note.velocity, 1.3)))
    return out


def choke_times_s(ordered: Sequence[NoteEvent]) -> list[float | None]:
    """When each hit is choked by a later one, s; ``ordered`` by start."""
    out: list[float | None] = [None] * len(ordered)
    ringing: dict[int, list[int]] = {}
    for place, note in enumerate(ordered):
        for key in _CHOKES.get(note.pitch, ()):
            for earlier in ringing.pop(key, []):
                if ordered[earlier].start_s < note.start_s:
                    out[earlier] = note.start_s
        ringing.setdefault(note.pitch, []).append(place)
    return out


def choked(hit: FloatArray, keep: int) -> FloatArray:
    """A hit cut off after ``keep`` samples."""
    if keep >= len(hit):
        return hit
    tail = min(sample_count(_CHOKE_S), len(hit) - keep)
    hit = hit[: keep + tail].copy()
    hit[keep:] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
    return hit


def _about(rng: np.random.Generator, centre: float, octaves: float = 0.2) -> float:
    return float(centre * 2.0 ** rng.uniform(-octaves, octaves))


_TOM_HZ = {41: 78.0, 43: 92.0, 45: 108.0, 47: 128.0, 48: 150.0, 50: 178.0}
_SKIN_HZ = {60: 400.0, 61: 300.0, 62: 330.0, 63: 270.0, 64: 195.0, 65: 330.0, 66: 245.0}


def _drum_keys(kit: Kit) -> dict[int, Stroke]:
    """Kick, snare, hats, toms and cymbals."""
    open_hat, closed = kit.open_hat, kit.closed_hat
    strokes: dict[int, Stroke] = {
        35: kit.deep_kick.strike,
        36: kit.kick.strike,
        37: partial(perc.modal, [(1700.0 * kit.tuning, 1.0, 0.012), (520.0 * kit.tuning, 0.6, 0.014)], strike=0.6),
        38: kit.snare.strike,
        39: partial(perc.clap, centre_hz=kit.clap_hz, decay_s=kit.clap_s),
        40: kit.second_snare.strike,
        42: closed.strike,
        44: replace(closed, low_hz=0.85 * closed.low_hz, decay_s=0.7 * closed.decay_s).strike,
        46: open_hat.strike,
        49: kit.crash.strike,
        51: kit.ride.strike,
        52: replace(kit.crash, pitch_hz=1.3 * kit.crash.pitch_hz, low_hz=2500.0, tail_s=0.5).strike,
        53: partial(
            perc.modal,
            [(f * kit.tuning, level, t) for f, level, t in
             ((845.0, 0.8, 0.5), (1910.0, 0.6, 0.45), (3220.0, 0.5, 0.35), (5130.0, 0.4, 0.25), (7650.0, 0.25, 0.2))],
            strike=0.3,
        ),
        55: replace(kit.crash, low_hz=5000.0, decay_s=0.2, tail_s=0.35).strike,
        57: replace(kit.crash, pitch_hz=0.87 * kit.crash.pitch_hz).strike,
        59: replace(kit.ride, pitch_hz=1.16 * kit.ride.pitch_hz).strike,
    }  # fmt: skip
    for key, hz in _TOM_HZ.items():
        strokes[key] = replace(kit.tom, pitch_hz=hz * kit.tuning, decay_s=kit.tom.decay_s * (110.0 / hz) ** 0.4).strike
    return strokes


def _percussion_keys(tuning: float) -> dict[int, Stroke]:
    """Keys 54, 56 and 58 to 81, alike in every synthesised kit but for their tuning."""
    t = tuning
    strokes: dict[int, Stroke] = {
        54: perc.tambourine,
        56: partial(perc.cowbell, pitch_hz=545.0 * t),
        58: perc.vibraslap,
        67: partial(perc.modal, [(905.0 * t, 1.0, 0.13), (2310.0 * t, 0.5, 0.09), (4020.0 * t, 0.25, 0.05)]),
        68: partial(perc.modal, [(655.0 * t, 1.0, 0.15), (1690.0 * t, 0.5, 0.1), (2950.0 * t, 0.25, 0.06)]),
        69: partial(perc.shaker, centre_hz=7800.0, length_s=0.06, attack_s=0.004),
        70: partial(perc.shaker, centre_hz=6800.0, length_s=0.07, attack_s=0.008),
        71: partial(perc.whistle, length_s=0.09),
        72: partial(perc.whistle, length_s=0.4),
        73: partial(perc.scraped, length_s=0.09, rate_hz=130.0),
        74: partial(perc.scraped, length_s=0.38, rate_hz=75.0),
        75: partial(perc.modal, [(2480.0 * t, 1.0, 0.025), (5100.0 * t, 0.2, 0.01)], strike=0.3),
        76: partial(perc.modal, [(1060.0 * t, 1.0, 0.022), (1890.0 * t, 0.5, 0.015)], strike=0.35),
        77: partial(perc.modal, [(710.0 * t, 1.0, 0.028), (1280.0 * t, 0.5, 0.018)], strike=0.35),
        78: partial(perc.cuica, low_hz=520.0 * t, rise=0.35),
        79: partial(perc.cuica, low_hz=330.0 * t, rise=-0.5),
    }
    for key, (level, decay_s) in {80: (0.7, 0.05), 81: (1.0, 0.75)}.items():
        modes = [(hz * t, level * weight, decay_s * fall) for hz, weight, fall in
                 ((1520.0, 0.25, 0.7), (3980.0, 1.0, 1.0), (6170.0, 0.8, 0.8), (9340.0, 0.6, 0.55))]  # fmt: skip
        strokes[key] = partial(perc.modal, modes, strike=0.2)
    for key, hz in _SKIN_HZ.items():
        muted, timbale = key == 62, key in (65, 66)
        strokes[key] = perc.Membrane(
            hz * t,
            0.03 if muted else (0.14 if timbale else 0.11),
            drop_octaves=0.12,
            drop_s=0.015,
            slap=0.7 if muted else 0.35,
            slap_hz=2600.0,
            ring=0.7 if timbale else 0.35,
        ).strike
    return strokes


def _whole(kit: Kit) -> dict[int, Stroke]:
    return {**_percussion_keys(kit.tuning), **_drum_keys(kit)}


def _trap(rng: np.random.Generator) -> dict[int, Stroke]:
    """A long clean kick, a crisp snare and clap, tight hats."""
    return _whole(
        Kit(
            kick=perc.Kick(_about(rng, 50.0), _about(rng, 1.9), 0.02, _about(rng, 0.26, 0.5), 0.05, 0.12, 0.9),
            deep_kick=perc.Kick(_about(rng, 41.0), 2.0, 0.024, _about(rng, 0.45), 0.08, 0.08, 1.2),
            snare=perc.Snare(_about(rng, 205.0), 1.7, 0.05, _about(rng, 0.12), 1600.0, 15000.0, 0.7),
            second_snare=perc.Snare(_about(rng, 260.0), 1.6, 0.035, _about(rng, 0.09), 2200.0, 16000.0, 0.75),
            clap_hz=_about(rng, 1500.0),
            clap_s=_about(rng, 0.09),
            closed_hat=perc.Metal(_about(rng, 8200.0), 17000.0, 0.4, _about(rng, 350.0), _about(rng, 0.026)),
            open_hat=perc.Metal(_about(rng, 7600.0), 17000.0, 0.45, _about(rng, 350.0), _about(rng, 0.2)),
            tom=perc.Membrane(decay_s=_about(rng, 0.3), drop_octaves=0.6, drop_s=0.05, slap=0.08, ring=0.05),
            tuning=_about(rng, 1.0, 0.1),
        )
    )


def _tr909(rng: np.random.Generator) -> dict[int, Stroke]:
    """A hard club kick, a noisy snare, sizzling hats."""
    return _whole(
        Kit(
            kick=perc.Kick(_about(rng, 50.0, 0.1), _about(rng, 2.5), 0.028, _about(rng, 0.16), 0.02, 0.45, 2.2),
            deep_kick=perc.Kick(_about(rng, 46.0), 2.3, 0.03, _about(rng, 0.26), 0.03, 0.3, 1.8),
            snare=perc.Snare(_about(rng, 180.0), 1.6, 0.06, _about(rng, 0.16), 1000.0, 12500.0, 0.65),
            second_snare=perc.Snare(_about(rng, 235.0), 1.6, 0.05, _about(rng, 0.11), 1400.0, 13000.0, 0.7),
            clap_hz=_about(rng, 1150.0),
            clap_s=_about(rng, 0.13),
            closed_hat=perc.Metal(_about(rng, 7000.0), 15500.0, 0.75, _about(rng, 400.0), _about(rng, 0.045)),
            open_hat=perc.Metal(_about(rng, 6500.0), 15500.0, 0.75, _about(rng, 400.0), _about(rng, 0.3)),
            tom=perc.Membrane(decay_s=_about(rng, 0.2), drop_octaves=0.5, drop_s=0.06, slap=0.15, ring=0.12, drive=1.4),
            tuning=_about(rng, 1.0, 0.1),
        )
    )


def _chip(rng: np.random.Generator) -> dict[int, Stroke]:
    """Held noise and swept console tones."""
    t = _about(rng, 1.0, 0.25)

    def noise(rate_hz: float, decay_s: float, fall: float = 0.0) -> Stroke:
        return partial(perc.held_noise, rate_hz=rate_hz * t, decay_s=decay_s, fall_octaves=fall)

    def tone(high_hz: float, low_hz: float, decay_s: float, square: bool = False) -> Stroke:
        return lambda force, _: perc.chip_tone(high_hz * t * (0.85 + 0.15 * force), low_hz * t, decay_s, square)

    strokes = _whole(Kit())
    strokes |= {35: tone(420.0, 42.0, 0.13), 36: tone(520.0, 52.0, 0.09), 37: tone(1900.0, 1100.0, 0.012, True)}
    strokes |= {38: noise(9000.0, 0.07, 1.5), 40: noise(12000.0, 0.055, 1.0), 39: noise(6500.0, 0.05)}
    strokes |= {42: noise(30000.0, 0.018), 44: noise(22000.0, 0.014), 46: noise(30000.0, 0.09)}
    strokes |= {49: noise(20000.0, 0.24, 0.6), 57: noise(16000.0, 0.24, 0.6), 52: noise(11000.0, 0.2, 0.8)}
    strokes |= {55: noise(24000.0, 0.14), 51: noise(28000.0, 0.05), 59: noise(25000.0, 0.05)}
    strokes |= {key: tone(hz * 3.2, hz, 0.1) for key, hz in _TOM_HZ.items()}
    strokes |= {key: tone(hz * 1.8, hz, 0.05) for key, hz in _SKIN_HZ.items()}
    strokes |= {53: tone(2700.0, 2640.0, 0.12, True), 56: tone(830.0, 800.0, 0.07, True)}
    strokes |= {54: noise(18000.0, 0.04), 69: noise(24000.0, 0.02), 70: noise(26000.0, 0.022)}
    strokes |= {75: tone(2500.0, 2400.0, 0.02, True), 76: tone(1300.0, 1200.0, 0.025, True)}
    strokes |= {77: tone(900.0, 820.0, 0.03, True), 67: tone(1180.0, 1170.0, 0.07, True)}
    strokes |= {68: tone(790.0, 780.0, 0.07, True), 80: tone(4200.0, 4180.0, 0.03, True)}
    strokes |= {81: tone(4200.0, 4180.0, 0.16, True), 58: noise(4000.0, 0.12, 1.0)}
    return strokes


def _hand(rng: np.random.Generator) -> dict[int, Stroke]:
    """Cajón, djembe, congas, shakers and bells: skin and wood where a drum set has a shell."""
    t = _about(rng, 1.0, 0.15)
    low = perc.Membrane(_about(rng, 72.0), _about(rng, 0.16), 0.3, 0.02, 0.25, 700.0, 0.25)
    slap = perc.Membrane(_about(rng, 330.0), 0.05, 0.2, 0.01, 1.1, _about(rng, 3200.0), 0.8)
    tone = perc.Membrane(_about(rng, 235.0), 0.1, 0.15, 0.012, 0.4, 2200.0, 0.5)
    strokes = {**_drum_keys(Kit(tuning=t)), **_percussion_keys(t)}
    strokes |= {35: replace(low, pitch_hz=0.84 * low.pitch_hz, decay_s=0.22).strike, 36: low.strike}
    strokes |= {38: slap.strike, 40: replace(slap, pitch_hz=1.2 * slap.pitch_hz, decay_s=0.035).strike}
    strokes |= {37: tone.strike, 39: partial(perc.clap, centre_hz=_about(rng, 1800.0), decay_s=0.03)}
    strokes |= {42: partial(perc.shaker, centre_hz=_about(rng, 7000.0), length_s=0.05, attack_s=0.006)}
    strokes |= {44: partial(perc.shaker, centre_hz=_about(rng, 5600.0), length_s=0.06, attack_s=0.012)}
    strokes |= {46: partial(perc.shaker, centre_hz=_about(rng, 6200.0), length_s=0.16, attack_s=0.03)}
    strokes |= {51: strokes[70], 59: strokes[69], 53: strokes[67], 55: perc.tambourine}
    for key, hz in _TOM_HZ.items():
        strokes[key] = perc.Membrane(1.25 * hz * t, 0.17, 0.12, 0.02, 0.3, 1600.0, 0.4).strike
    return strokes


_SYNTHESISED: dict[str, Callable[[np.random.Generator], dict[int, Stroke]]] = {
    "trap_kit": _trap,
    "tr909_kit": _tr909,
    "chip_kit": _chip,
    "hand_percussion": _hand,
}
KITS = (*_SYNTHESISED, *samples.SAMPLE_KITS)
"""Every kit rendered here."""
