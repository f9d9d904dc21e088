"""Drum and percussion strokes from oscillators and noise, one function a kind of instrument.

Each returns float32 mono starting at its onset, peak about 1. ``force`` (0..1) is how hard it is struck: harder is
brighter and longer, the level itself is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noisician.audio import fade
from noisician.corpus.voices import oscillators as osc
from noisician.corpus.voices.common import (
    FloatArray,
    bell,
    butterworth,
    decay,
    filtered,
    high_pass,
    low_pass,
    peak_normalise,
    sample_count,
    seconds,
    white_noise,
)
from noisician.mel import SAMPLE_RATE_HZ


def _finished(sound: FloatArray, attack_s: float = 0.0004) -> FloatArray:
    return fade(peak_normalise(np.asarray(sound, dtype=np.float32)), attack_s, 0.008)


def _falling_sine(times: FloatArray, low_hz: float, high_hz: float, fall_s: float) -> FloatArray:
    """sin of the integral of low + (high − low)·exp(−t/τ), from phase 0."""
    cycles = low_hz * times + (high_hz - low_hz) * fall_s * (1.0 - np.exp(-times / fall_s))
    return np.sin(2.0 * np.pi * cycles).astype(np.float32)


def _soft_clip(sound: FloatArray, drive: float) -> FloatArray:
    return (np.tanh(drive * sound) / np.tanh(drive)).astype(np.float32) if drive else sound


@dataclass(frozen=True)
class Kick:
    """Body frequency, the octaves it falls from, its time constants (s), click level and drive."""

    body_hz: float = 52.0
    sweep_octaves: float = 2.2
    fall_s: float = 0.022
    decay_s: float = 0.22
    hold_s: float = 0.03
    click: float = 0.25
    drive: float = 1.2

    def strike(self, force: float, rng: np.random.Generator) -> FloatArray:
        times = seconds(sample_count(min(2.0, self.hold_s + 6.5 * self.decay_s)))
        top = self.body_hz * 2.0 ** (self.sweep_octaves * (0.75 + 0.25 * force))
        body = _falling_sine(times, self.body_hz, top, self.fall_s)
        body = body * np.exp(-np.maximum(times - self.hold_s, 0.0) / self.decay_s)
        click = white_noise(len(times), rng) * np.exp(-times / 0.0022)
        click = butterworth(click, "bandpass", (900.0, 7000.0), 1)
        return _finished(_soft_clip(body, self.drive) + self.click * (0.3 + 0.9 * force) * click, 0.0008)


@dataclass(frozen=True)
class Snare:
    """Two shell modes and a noise band with its own decay; ``snap`` is noise over tone (0..1)."""

    tone_hz: float = 185.0
    overtone: float = 1.78
    tone_decay_s: float = 0.07
    noise_decay_s: float = 0.13
    noise_low_hz: float = 900.0
    noise_high_hz: float = 11000.0
    snap: float = 0.6

    def strike(self, force: float, rng: np.random.Generator) -> FloatArray:
        count = sample_count(min(1.2, 6.5 * max(self.tone_decay_s, self.noise_decay_s)))
        times = seconds(count)
        shell = _falling_sine(times, self.tone_hz, self.tone_hz * 1.5, 0.012) * decay(count, self.tone_decay_s)
        upper_hz = self.tone_hz * self.overtone
        shell += 0.6 * _falling_sine(times, upper_hz, upper_hz * 1.3, 0.008) * decay(count, 0.6 * self.tone_decay_s)
        top = self.noise_high_hz * (0.55 + 0.45 * force)
        noise = white_noise(count, rng)
        noise = butterworth(noise, "bandpass", (self.noise_low_hz, min(top, 19000.0)), 2)
        noise = peak_normalise(noise) * (
            0.7 * decay(count, self.noise_decay_s) + 0.5 * decay(count, 0.012 + 0.01 * force)
        )
        return _finished((1.0 - self.snap) * peak_normalise(shell) + self.snap * noise)


def clap(force: float, rng: np.random.Generator, centre_hz: float = 1250.0, decay_s: float = 0.11) -> FloatArray:
    """Several hands: three bursts 9 to 13 ms apart, then a diffuse tail."""
    count = sample_count(min(0.9, 0.05 + 6.0 * decay_s))
    times = seconds(count)
    gaps = np.cumsum(np.concatenate([[0.0], rng.uniform(0.008, 0.0125, 3)]))
    level = np.zeros(count, dtype=np.float32)
    for gap in gaps[:-1]:
        level += np.where(times >= gap, np.exp(-(times - gap) / 0.003), 0.0).astype(np.float32)
    level += np.where(times >= gaps[-1], 0.8 * np.exp(-np.abs(times - gaps[-1]) / decay_s), 0.0).astype(np.float32)
    noise = white_noise(count, rng)
    body = butterworth(noise, "bandpass", (0.6 * centre_hz, 2.2 * centre_hz), 2)
    air = butterworth(noise, "highpass", 3500.0, 1) * (0.12 + 0.2 * force)
    return _finished((body + air) * level)


@dataclass(frozen=True)
class Metal:
    """Cymbals and hats: six square waves out of tune with each other, mixed with noise, above ``low_hz``."""

    low_hz: float = 7000.0
    high_hz: float = 16000.0
    noise: float = 0.5
    pitch_hz: float = 330.0
    decay_s: float = 0.05
    tail_s: float = 0.0
    ratios: tuple[float, ...] = (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)

    def strike(self, force: float, rng: np.random.Generator) -> FloatArray:
        decay_s = self.decay_s * (0.75 + 0.35 * force)
        count = sample_count(min(3.5, 6.5 * max(decay_s, self.tail_s)))
        squares = np.zeros(count, dtype=np.float32)
        for ratio in self.ratios:
            hz = self.pitch_hz * ratio
            cycle = osc.tables(osc.pulse(0.5)(osc.harmonic_count(hz))[None, :])
            squares += osc.read(cycle, osc.phase(hz, count, float(rng.random())))
        noise = white_noise(count, rng)
        mixed = (1.0 - self.noise) * squares / 2.5 + self.noise * noise
        top = self.high_hz * (0.7 + 0.4 * force)
        mixed = filtered(mixed, lambda hz: high_pass(hz, self.low_hz, 3.0) * low_pass(hz, top, 1.5))
        level = decay(count, decay_s)
        if self.tail_s:
            level = 0.55 * level + 0.45 * decay(count, self.tail_s)
        return _finished(mixed * (level + 0.6 * force * decay(count, 0.004)))


@dataclass(frozen=True)
class Membrane:
    """A struck skin: toms, congas, bongos, cajón, djembe. ``slap`` adds a bright burst, ``ring`` upper modes."""

    pitch_hz: float = 120.0
    decay_s: float = 0.2
    drop_octaves: float = 0.35
    drop_s: float = 0.03
    slap: float = 0.2
    slap_hz: float = 1800.0
    ring: float = 0.3
    drive: float = 0.0

    def strike(self, force: float, rng: np.random.Generator) -> FloatArray:
        count = sample_count(min(2.0, 0.04 + 6.5 * self.decay_s))
        times = seconds(count)
        out = np.zeros(count, dtype=np.float32)
        # Modes of an ideal circular membrane; the first carries the pitch.
        for ratio, level in ((1.0, 1.0), (1.593, self.ring), (2.136, 0.6 * self.ring), (2.653, 0.4 * self.ring)):
            hz = self.pitch_hz * ratio
            fall = hz * 2.0 ** (self.drop_octaves * (0.5 + 0.5 * force))
            wave = _falling_sine(times, hz, fall, self.drop_s)
            out += level * (0.4 + 0.6 * force if ratio > 1.0 else 1.0) * wave * decay(count, self.decay_s / ratio**1.5)
        burst = white_noise(count, rng) * decay(count, 0.006 + 0.006 * self.slap)
        burst = butterworth(burst, "bandpass", (0.5 * self.slap_hz, min(2.5 * self.slap_hz, 18000.0)), 1)
        out = peak_normalise(_soft_clip(out, self.drive)) + self.slap * (0.35 + 0.8 * force) * peak_normalise(burst)
        return _finished(out)


def modal(
    modes: Sequence[tuple[float, float, float]], force: float, rng: np.random.Generator, strike: float = 0.15
) -> FloatArray:
    """A rigid body that rings: (frequency Hz, level, decay s) a mode, and a knock of noise."""
    longest = max(mode[2] for mode in modes)
    count = sample_count(min(3.5, 6.5 * longest))
    times = seconds(count)
    out = np.zeros(count, dtype=np.float32)
    lowest = min(mode[0] for mode in modes)
    for hz, level, decay_s in modes:
        if hz > osc.HIGHEST_HZ:
            continue
        harder = (0.45 + 0.55 * force) ** np.log2(max(1.0, hz / lowest))
        out += level * harder * np.sin(2.0 * np.pi * hz * times, dtype=np.float32) * decay(count, decay_s)
    knock = white_noise(count, rng) * decay(count, 0.0015)
    knock = butterworth(knock, "bandpass", (0.7 * lowest, min(6.0 * lowest, 18000.0)), 1)
    return _finished(peak_normalise(out) + strike * (0.3 + 0.8 * force) * peak_normalise(knock))


def cowbell(force: float, rng: np.random.Generator, pitch_hz: float = 540.0, decay_s: float = 0.12) -> FloatArray:
    """Two square-wave plates a fifth and a bit apart, band-passed."""
    count = sample_count(6.5 * decay_s)
    out = np.zeros(count, dtype=np.float32)
    for hz in (pitch_hz, pitch_hz * 1.482):
        cycle = osc.tables(osc.pulse(0.5)(osc.harmonic_count(hz))[None, :])
        out += osc.read(cycle, osc.phase(hz, count, 0.0))
    out = butterworth(out, "bandpass", (0.9 * pitch_hz, (5.0 + 4.0 * force) * pitch_hz), 1)
    return _finished(out * (0.6 * decay(count, decay_s) + 0.5 * decay(count, 0.012)))


def shaker(
    force: float, rng: np.random.Generator, centre_hz: float = 6500.0, length_s: float = 0.09, attack_s: float = 0.012
) -> FloatArray:
    """Seeds against a wall: a soft-edged burst of band noise with a grainy surface."""
    count = sample_count(length_s * 2.5)
    times = seconds(count)
    grains = white_noise(count, rng) * (rng.random(count) < 0.35)
    sound = butterworth(grains.astype(np.float32), "bandpass", (0.5 * centre_hz, min(1.9 * centre_hz, 19000.0)), 2)
    level = np.minimum(times / attack_s, 1.0) * np.exp(-np.maximum(times - attack_s, 0.0) / (0.35 * length_s))
    return _finished(sound * level * (0.6 + 0.4 * force))


def tambourine(force: float, rng: np.random.Generator, decay_s: float = 0.11) -> FloatArray:
    """Jingles: several bright narrow bands over noise, with a second smaller rattle."""
    count = sample_count(6.5 * decay_s)
    times = seconds(count)
    noise = white_noise(count, rng)
    jingles = rng.uniform(0.96, 1.04, 5) * np.array([4100.0, 5600.0, 7400.0, 9300.0, 11800.0])
    sound = filtered(noise, lambda hz: sum((bell(hz, j, 0.05) for j in jingles), 0.25 * high_pass(hz, 5000.0, 3.0)))
    level = decay(count, decay_s) + 0.5 * np.where(times > 0.028, np.exp(-(times - 0.028) / 0.03), 0.0)
    return _finished(sound * level * (0.5 + 0.5 * force))


def scraped(force: float, rng: np.random.Generator, length_s: float = 0.12, rate_hz: float = 90.0) -> FloatArray:
    """Güiro and vibraslap: a train of woody ticks that speeds up."""
    count = sample_count(length_s + 0.08)
    times = seconds(count)
    ticks = np.arange(max(2, int(length_s * rate_hz))) / rate_hz
    ticks = ticks * (1.0 - 0.25 * ticks / max(length_s, 1e-3)) + rng.uniform(0, 0.1, len(ticks)) / rate_hz
    source = np.zeros(count, dtype=np.float32)
    source[np.minimum((ticks * SAMPLE_RATE_HZ).astype(int), count - 1)] = rng.uniform(0.6, 1.0, len(ticks))
    tick = white_noise(sample_count(0.012), rng) * decay(sample_count(0.012), 0.0018)
    sound = np.convolve(source, butterworth(tick, "bandpass", (1800.0, 7500.0), 1))[:count]
    return _finished(sound * np.exp(-np.maximum(times - length_s, 0.0) / 0.02) * (0.5 + 0.5 * force))


def vibraslap(force: float, rng: np.random.Generator) -> FloatArray:
    """A ball's rattle: about twenty ticks a second, dying away over a second."""
    count = sample_count(1.2)
    source = np.zeros(count, dtype=np.float32)
    ticks = np.arange(0.0, 1.0, 1.0 / 24.0) + rng.uniform(0.0, 0.004, 24)
    source[(ticks * SAMPLE_RATE_HZ).astype(int)] = np.exp(-ticks / 0.3)
    rattle = modal([(2350.0, 1.0, 0.012), (3700.0, 0.7, 0.009), (5200.0, 0.4, 0.006)], force, rng, 0.5)
    return _finished(np.convolve(source, rattle[: sample_count(0.05)])[:count])


def whistle(force: float, rng: np.random.Generator, length_s: float = 0.12) -> FloatArray:
    """A pea whistle: a high tone trilled, with breath."""
    count = sample_count(length_s + 0.05)
    times = seconds(count)
    trill = 2300.0 * times + 2.2 * np.sin(2.0 * np.pi * 34.0 * times)
    tone = np.sin(2.0 * np.pi * trill).astype(np.float32) * (1.0 + 0.4 * np.sin(2.0 * np.pi * 34.0 * times))
    breath = butterworth(white_noise(count, rng), "bandpass", (1800.0, 6000.0), 1)
    level = np.minimum(times / 0.012, 1.0) * np.exp(-np.maximum(times - length_s, 0.0) / 0.012)
    return _finished((tone + (0.1 + 0.2 * force) * breath) * level)


def cuica(force: float, rng: np.random.Generator, low_hz: float = 420.0, rise: float = 0.5) -> FloatArray:
    """A rubbed skin: a nasal tone that glides, ``rise`` octaves (negative falls)."""
    count = sample_count(0.28)
    times = seconds(count)
    octaves = rise * np.sin(np.pi * np.minimum(times / 0.22, 1.0) * 0.5)
    cycles = np.cumsum(low_hz * 2.0**octaves) / SAMPLE_RATE_HZ
    tone = sum(np.sin(2.0 * np.pi * k * cycles) / k**1.2 for k in range(1, 7))
    level = np.minimum(times / 0.015, 1.0) * np.exp(-np.maximum(times - 0.14, 0.0) / 0.04)
    rub = butterworth(white_noise(count, rng), "bandpass", (800.0, 4000.0), 1)
    return _finished((tone + 0.3 * force * rub) * level)


def held_noise(
    force: float, rng: np.random.Generator, rate_hz: float, decay_s: float, fall_octaves: float = 0.0
) -> FloatArray:
    """A game console's noise channel: random ±1 held for 1 / ``rate_hz``, the rate falling as it decays."""
    count = sample_count(min(1.5, 6.0 * decay_s))
    times = seconds(count)
    rate = rate_hz * (0.8 + 0.2 * force) * 2.0 ** (-fall_octaves * np.minimum(times / (2.0 * decay_s), 1.0))
    place = np.cumsum(rate / SAMPLE_RATE_HZ).astype(int)
    values = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), place[-1] + 1)
    return _finished(values[place] * decay(count, decay_s))


def chip_tone(high_hz: float, low_hz: float, decay_s: float, square: bool) -> FloatArray:
    """A console's pulse or triangle channel swept down: its kick, tom and blips."""
    count = sample_count(min(1.2, 6.0 * decay_s))
    fall = np.exp(-seconds(count) / (0.35 * decay_s))
    cents = 1200.0 * np.log2(high_hz / low_hz) * fall
    wave = osc.pulse(0.5) if square else osc.stepped_triangle
    cycle = osc.tables(wave(osc.harmonic_count(high_hz))[None, :])
    sound = osc.read(cycle, osc.phase(low_hz, count, 0.0, osc.bend_cycles(low_hz, cents)))
    return _finished(sound * decay(count, decay_s), 0.001)
