"""Beds of sound: rain, hiss, crackle, birds. A note says when, how loud and, for drones, how high."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisician.audio import fade
from noisician.corpus.voices import samples
from noisician.corpus.voices.common import (
    FloatArray,
    add_at,
    bell,
    butterworth,
    frame_hz,
    frame_times,
    high_pass,
    low_pass,
    rms_normalise,
    sample_count,
    scatter,
    seconds,
    shaped_noise,
    velocity_gain,
    wander,
    white_noise,
)
from noisician.corpus.voices.drones import DRONES, render_drone
from noisician.corpus.voices.fx import EFFECTS
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import NoteEvent

_FADE_S = 0.2
_RMS = 0.11


@dataclass(frozen=True)
class Scene:
    """What a bed is made from: ``setting`` draws its character once a track, ``rng`` the grains of one note."""

    count: int
    setting: np.random.Generator
    rng: np.random.Generator
    samples_dir: Path | None

    def draw(self, low: float, high: float) -> float:
        return float(self.setting.uniform(low, high))

    def moments(self, rate_hz: float) -> np.ndarray:
        """Random start samples, Poisson distributed."""
        events = int(self.rng.poisson(rate_hz * self.count / SAMPLE_RATE_HZ))
        return np.sort(self.rng.integers(0, max(1, self.count), events))

    def sampled(self, name: str, semitones: float, fade_s: float = 0.4) -> FloatArray | None:
        """A sample repeated with cross-fades to the length of the note; None without a samples folder."""
        if self.samples_dir is None:
            return None
        piece = samples.shifted(samples.load(self.samples_dir, name), semitones).copy()
        fade_s = min(fade_s, 0.25 * len(piece) / SAMPLE_RATE_HZ)
        piece = fade(piece, fade_s, fade_s)
        out = np.zeros(self.count, dtype=np.float32)
        step = max(1, len(piece) - sample_count(fade_s))
        first = -int(self.rng.integers(step))
        for start in range(first, self.count, step):
            add_at(out, start, piece)
        return out


def render_texture(
    instrument_id: str, notes: Sequence[NoteEvent], count: int, rng: np.random.Generator, samples_dir: Path | None
) -> FloatArray:
    """All notes of a texture track, ``[count]`` float32."""
    if instrument_id in DRONES:
        return render_drone(instrument_id, notes, count, rng)
    out = np.zeros(count, dtype=np.float32)
    character = int(rng.integers(2**31))
    for place, note in enumerate(sorted(notes, key=lambda note: note.start_s)):
        start, length = sample_count(note.start_s), sample_count(note.end_s - note.start_s)
        if start >= count or length < 2:
            continue
        own, setting = np.random.default_rng([character, place]), np.random.default_rng(character)
        if instrument_id in EFFECTS:
            sound = EFFECTS[instrument_id](length, setting, own, samples_dir)
        else:
            bed = _BEDS[instrument_id](Scene(length, setting, own, samples_dir))
            sound = fade(np.tanh(rms_normalise(bed, _RMS)).astype(np.float32), _FADE_S, _FADE_S)
        add_at(out, start, sound * np.float32(velocity_gain(note.velocity, 1.2)))
    return out


def _grains(
    scene: Scene, starts: np.ndarray, length: int, band_hz: tuple[float, float], decay_s: tuple[float, float]
) -> FloatArray:
    """Short ringing ticks: one decaying sine of random pitch and decay each."""
    events = len(starts)
    hz = np.exp(scene.rng.uniform(np.log(band_hz[0]), np.log(band_hz[1]), (events, 1)))
    fall = scene.rng.uniform(decay_s[0], decay_s[1], (events, 1))
    times = seconds(length)[None, :]
    level = scene.rng.lognormal(0.0, 0.7, (events, 1))
    phase = scene.rng.uniform(0.0, 2.0 * np.pi, (events, 1))
    window = np.minimum(np.arange(length) / 8.0, 1.0)[None, :]
    return scatter(
        scene.count, starts, level * np.sin(2.0 * np.pi * hz * times + phase) * np.exp(-times / fall) * window
    )


def _vinyl_crackle(scene: Scene) -> FloatArray:
    ticks = _grains(scene, scene.moments(scene.draw(10.0, 35.0)), 90, (1800.0, 9000.0), (0.0001, 0.0006))
    pops = _grains(scene, scene.moments(scene.draw(0.7, 3.0)), 600, (350.0, 1500.0), (0.0008, 0.003))
    hz = frame_hz()
    turns = 1.0 + 0.25 * np.sin(2.0 * np.pi * frame_times(scene.count) / 1.8)
    floor = 0.35 * low_pass(hz, 130.0, 2.0) * high_pass(hz, 25.0) + 0.025 * high_pass(hz, 900.0) * low_pass(hz, 9000.0)
    out = 0.6 * ticks + 0.9 * pops + 0.16 * shaped_noise(scene.count, floor * turns, scene.rng)
    hiss = scene.sampled("vinyl_hiss", 0.0)
    return out if hiss is None else out + 0.25 * hiss


def _tape_hiss(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    tilt = (0.25 + bell(hz, scene.draw(4500.0, 8500.0), 1.2)) * high_pass(hz, 250.0, 1.0) * low_pass(hz, 15500.0, 3.0)
    flutter = 1.0 + 0.08 * wander(times, 5.0, scene.rng)
    return shaped_noise(scene.count, tilt * flutter, scene.rng)


def _rain(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    bed = (bell(hz, scene.draw(2500.0, 5500.0), 1.6) + 0.2 * low_pass(hz, 500.0)) * high_pass(hz, 150.0)
    bed = bed * (1.0 + 0.3 * wander(times, 0.4, scene.rng))
    heavy = scene.draw(40.0, 140.0)
    drops = _grains(scene, scene.moments(heavy), 420, (2200.0, 9000.0), (0.0005, 0.0025))
    drips = _grains(scene, scene.moments(heavy / 12.0), 1800, (700.0, 2200.0), (0.004, 0.012))
    return 0.5 * shaped_noise(scene.count, bed, scene.rng) + 0.55 * drops + 0.25 * drips


def _wind(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    gust = 0.5 + 0.5 * wander(times, scene.draw(0.25, 0.5), scene.rng)
    centre = scene.draw(300.0, 550.0) * 2.0 ** (1.3 * gust - 0.5 + 0.3 * wander(times, 1.5, scene.rng))
    howl = bell(hz, centre, 0.35) + 0.35 * bell(hz, 2.3 * centre, 0.3)
    body = 0.8 * low_pass(hz, 180.0, 1.0) * high_pass(hz, 30.0) + 0.12 * low_pass(hz, 2500.0, 1.0)
    return shaped_noise(scene.count, (howl * gust + body) * (0.25 + gust), scene.rng)


def _ocean_waves(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    period_s = scene.draw(4.5, 8.0)
    turn = times / period_s + scene.rng.uniform() + 0.2 * wander(times, 0.15, scene.rng)
    place = turn % 1.0
    # A wave gathers over half the period, breaks quickly and washes out.
    since_break = (place - 0.5) % 1.0
    wash = np.exp(-since_break / 0.17) * np.minimum(1.0, since_break / 0.03)
    gather = np.where(place < 0.5, (2.0 * place) ** 2.2, np.maximum(0.0, 1.0 - (place - 0.5) / 0.06))
    swell = np.maximum(gather, wash)
    cutoff = 250.0 * 2.0 ** (4.3 * swell)
    foam = high_pass(hz, 1500.0) * low_pass(hz, 9000.0, 1.0) * (wash**0.7 + 0.1 * gather)
    shape = low_pass(hz, cutoff, 1.0) * high_pass(hz, 40.0) * (0.15 + swell) + 0.3 * foam
    return shaped_noise(scene.count, shape, scene.rng)


def _fire_crackle(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    roar = low_pass(hz, scene.draw(180.0, 350.0), 1.2) * high_pass(hz, 35.0) + 0.03 * low_pass(hz, 5000.0, 1.0)
    roar = shaped_noise(scene.count, roar * (1.0 + 0.5 * wander(times, 7.0, scene.rng)), scene.rng)
    bursts = np.concatenate(
        [
            start + scene.rng.integers(0, 5000, scene.rng.integers(2, 12))
            for start in scene.moments(scene.draw(1.5, 4.0))
        ]
        or [np.zeros(0, dtype=int)]
    )
    snaps = _grains(scene, bursts, 500, (1500.0, 8000.0), (0.0004, 0.0025))
    pops = _grains(scene, scene.moments(0.8), 1500, (400.0, 1800.0), (0.002, 0.007))
    return 0.3 * roar + 0.55 * snaps + 0.6 * pops


def _room_tone(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    air = low_pass(hz, scene.draw(120.0, 300.0), 0.8) * high_pass(hz, 28.0) + 0.35 * bell(
        hz, scene.draw(250.0, 700.0), 0.3
    )
    noise = shaped_noise(scene.count, air * (1.0 + 0.15 * wander(times, 0.5, scene.rng)), scene.rng)
    clock, mains = seconds(scene.count), 50.0 if scene.draw(0.0, 1.0) < 0.5 else 60.0
    hum = sum(level * np.sin(2 * np.pi * mains * k * clock) for k, level in ((1, 0.6), (2, 1.0), (3, 0.3), (4, 0.3)))
    return rms_normalise(noise, 1.0) + scene.draw(0.05, 0.3) * hum


def _deep_space(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    shape = 0.9 * low_pass(hz, 75.0 * 2.0 ** wander(times, 0.2, scene.rng), 1.2) * high_pass(hz, 25.0)
    for _ in range(5):
        centre = scene.draw(120.0, 1800.0) * 2.0 ** (0.5 * wander(times, 0.12, scene.rng))
        level = np.maximum(0.0, wander(times, 0.25, scene.rng)) ** 1.5
        shape = shape + 0.55 * level * bell(hz, centre, 0.045) * (200.0 / centre) ** 0.3
    shape = shape + 0.03 * bell(hz, 5000.0, 0.6) * np.maximum(0.0, wander(times, 0.3, scene.rng))
    out = rms_normalise(shaped_noise(scene.count, shape, scene.rng), 1.0)
    for name in ("ambi_dark_woosh", "ambi_lunar_land"):
        layer = scene.sampled(name, scene.draw(-9.0, -4.0), 1.0)
        out = out if layer is None else out + 0.35 * rms_normalise(butterworth(layer, "lowpass", 5000.0), 1.0)
    return out


def _city_night(scene: Scene) -> FloatArray:
    hz, times = frame_hz(), frame_times(scene.count)
    shape = (
        low_pass(hz, scene.draw(180.0, 320.0), 0.9) * high_pass(hz, 35.0) * (1.0 + 0.2 * wander(times, 0.3, scene.rng))
    )
    length_s = scene.count / SAMPLE_RATE_HZ
    for _ in range(int(scene.rng.poisson(length_s / 4.0)) + 1):
        near = np.exp(-0.5 * ((times - scene.rng.uniform(0.0, length_s)) / scene.rng.uniform(0.7, 1.8)) ** 2)
        shape = shape + near * scene.rng.uniform(0.3, 1.0) * bell(hz, scene.rng.uniform(450.0, 900.0), 1.1)
    out = rms_normalise(shaped_noise(scene.count, shape, scene.rng), 1.0)
    crickets = np.maximum(0.0, np.sin(2 * np.pi * scene.draw(15.0, 22.0) * seconds(scene.count))) ** 4
    pulse = np.maximum(0.0, np.sin(2 * np.pi * scene.draw(0.6, 1.2) * seconds(scene.count))) ** 0.5
    song = np.sin(2 * np.pi * scene.draw(4100.0, 5200.0) * seconds(scene.count))
    return out + scene.draw(0.0, 0.12) * crickets * pulse * song


def _birdsong(scene: Scene) -> FloatArray:
    hz = frame_hz()
    forest = shaped_noise(
        scene.count, 0.6 * low_pass(hz, 400.0, 1.0) * high_pass(hz, 80.0) + 0.25 * bell(hz, 4500.0, 0.9), scene.rng
    )
    out = 0.035 * rms_normalise(forest, 1.0)
    for _ in range(3):
        base_hz, rate, notes = scene.draw(2300.0, 5200.0), scene.draw(6.0, 14.0), int(scene.draw(3.0, 9.0))
        shape, level = scene.draw(-1.0, 1.0), scene.draw(0.3, 1.0)
        for start in scene.moments(scene.draw(0.25, 0.55)):
            distance = level * float(scene.rng.uniform(0.3, 1.0))
            for turn in range(notes + int(scene.rng.integers(-2, 3))):
                chirp = _chirp(base_hz * 2.0 ** scene.rng.uniform(-0.15, 0.15), 0.75 / rate, shape, scene.rng)
                add_at(out, start + sample_count(turn / rate), 0.35 * distance * chirp)
    return out


def _chirp(centre_hz: float, length_s: float, shape: float, rng: np.random.Generator) -> FloatArray:
    """One bird note: an arched or sloping whistle, sometimes trilled."""
    count = sample_count(length_s)
    place = np.arange(count) / max(1, count)
    octaves = 0.45 * shape * (place - 0.5) + 0.25 * np.sin(np.pi * place) * rng.uniform(-1.0, 1.0)
    octaves = octaves + 0.05 * np.sin(2 * np.pi * rng.uniform(25.0, 60.0) * place * length_s)
    cycles = np.cumsum(centre_hz * 2.0**octaves) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * cycles) + 0.12 * np.sin(4 * np.pi * cycles)
    return (tone * np.sin(np.pi * place) ** 0.8).astype(np.float32)


def _static_glitch(scene: Scene) -> FloatArray:
    out = 0.02 * white_noise(scene.count, scene.rng)
    for start in scene.moments(scene.draw(3.0, 7.0)):
        length = int(scene.rng.integers(400, 7000))
        kind = int(scene.rng.integers(4))
        held = int(scene.rng.integers(2, 60))
        if kind == 0:  # radio static
            piece = butterworth(white_noise(length, scene.rng), "bandpass", (800.0, 9000.0), 1)
        elif kind == 1:  # samples held too long
            piece = np.repeat(white_noise(length // held + 1, scene.rng), held)[:length]
        elif kind == 2:  # a buffer stuck on one short loop
            loop = white_noise(int(scene.rng.integers(60, 500)), scene.rng)
            piece = np.tile(loop, length // len(loop) + 1)[:length]
        else:  # ticks of a failing line
            piece = np.where(scene.rng.random(length) < 0.01, 1.0, 0.0) * white_noise(length, scene.rng) * 2.0
        piece = fade(np.asarray(piece, dtype=np.float32), 0.0006, 0.0012)
        add_at(out, int(start), piece * np.float32(0.35 * scene.rng.lognormal(0.0, 0.4)))
    hum = np.sign(np.sin(2 * np.pi * scene.draw(50.0, 120.0) * seconds(scene.count)))
    return out + 0.015 * butterworth(hum.astype(np.float32), "highpass", 400.0)


_BEDS: dict[str, Callable[[Scene], FloatArray]] = {
    "vinyl_crackle": _vinyl_crackle,
    "tape_hiss": _tape_hiss,
    "rain": _rain,
    "wind": _wind,
    "ocean_waves": _ocean_waves,
    "fire_crackle": _fire_crackle,
    "room_tone": _room_tone,
    "deep_space": _deep_space,
    "city_night": _city_night,
    "birdsong": _birdsong,
    "static_glitch": _static_glitch,
}
TEXTURES = (*_BEDS, *DRONES, *EFFECTS)
"""Every texture rendered here."""
