"""Zones of a sampler's instrument, whatever file they came from, and the notes a plain sampler makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.audio import SAMPLE_RATE_HZ, db_to_gain, fade, resample
from noisician.errors import FileError
from noisician.instruments.takes import Take
from noisician.renderer.reference_notes import HELD_S
from noisician.renderer.sampling import RELEASE_S

#: Notes recorded of one instrument: so many keys, and velocities of each.
MOST_KEYS, MOST_VELOCITIES = 40, 4
MOST_KIT_KEYS = 64
#: Zones that sound together in one note; more are an attack on patience.
MOST_SOUNDING = 16
#: A note is as long as a reference shows it, and its release; nothing is read beyond.
NOTE_S = HELD_S + 1.0
_LOUDEST_GAIN_DB, _QUIETEST_GAIN_DB = 24.0, -60.0
#: A loop as short as this (samples) is one period of a wave; shorter is damage.
_SHORTEST_LOOP = 2
_MOST_SEMITONES = 48.0


@dataclass(frozen=True)
class Zone:
    """One recording of an instrument and where it is played.

    ``read()`` gives its mono samples at ``rate_hz``. ``root`` is the MIDI pitch at which it sounds as recorded, cents
    as fractions. ``loop`` are the first sample that is repeated and the one after the last. ``decay_s`` falls (to
    1 / e) towards ``sustain_db`` below the start, ``release_s`` once the note is let go.
    """

    read: Callable[[], np.ndarray]
    rate_hz: float
    keys: tuple[int, int]
    velocities: tuple[int, int]
    root: float
    gain_db: float = 0.0
    loop: tuple[int, int] | None = None
    decay_s: float = 0.0
    sustain_db: float = 0.0
    release_s: float = 0.05

    def plays(self, key: int, velocity: int) -> bool:
        return self.keys[0] <= key <= self.keys[1] and self.velocities[0] <= velocity <= self.velocities[1]


def takes_of_zones(zones: Sequence[Zone], kit: bool, name: str) -> list[Take]:
    """A take of every recorded key at every recorded layer; keys and layers beyond the limits are thinned out evenly.

    Raises FileError where nothing sounds.
    """
    keys = _thinned(sorted({key for zone in zones for key in _keys_of(zone, kit)}), MOST_KIT_KEYS if kit else MOST_KEYS)
    takes = []
    for key in keys:
        layers = {zone.velocities for zone in zones if zone.keys[0] <= key <= zone.keys[1]}
        velocities = sorted({_centre(low, high) for low, high in layers})
        for velocity in _thinned(velocities, MOST_VELOCITIES):
            sounding = [zone for zone in zones if zone.plays(key, velocity)][:MOST_SOUNDING]
            sound = _mixed(sounding, key)
            if len(sound) and np.abs(sound).max() > 1e-4:
                loops = not kit and any(zone.loop is not None for zone in sounding)
                takes.append(
                    Take(name, sound, None if kit else float(key), velocity, key if kit else None, _held(loops))
                )
    if not takes:
        raise FileError(f"{name}: no zone of it sounds; its samples are silent, or its regions are for effects only")
    return takes


def _held(loops: bool) -> float | None:
    """A looped note is let go where the reference ends."""
    return HELD_S if loops else None


def _keys_of(zone: Zone, kit: bool) -> Sequence[int]:
    low, high = zone.keys
    if kit:
        # One recording for many keys is one drum at many pitches: the ends say enough.
        return range(low, high + 1) if high - low < 4 else (low, high)
    return (int(np.clip(round(zone.root), low, high)),)


def _centre(low: int, high: int) -> int:
    return 80 if (low, high) in ((0, 127), (1, 127)) else max(1, (low + high + 1) // 2)


def _thinned(values: list[int], most: int) -> list[int]:
    if len(values) <= most:
        return values
    return [values[place] for place in np.linspace(0, len(values) - 1, most).round().astype(int)]


def _mixed(zones: Sequence[Zone], key: int) -> np.ndarray:
    """All zones of a note together, mono float32 at 44.1 kHz."""
    sounds = [_played(zone, key) for zone in zones]
    out = np.zeros(max(map(len, sounds), default=0), np.float32)
    for sound in sounds:
        out[: len(sound)] += sound
    return out


def _played(zone: Zone, key: int) -> np.ndarray:
    """One zone at a key: moved to its pitch, looped, with its envelope and release."""
    ratio = 2 ** (float(np.clip(key - zone.root, -_MOST_SEMITONES, _MOST_SEMITONES)) / 12)
    wanted = int(NOTE_S * zone.rate_hz * ratio) + 1
    source = zone.read()
    looped = zone.loop is not None and zone.loop[1] - zone.loop[0] >= _SHORTEST_LOOP and zone.loop[1] <= len(source)
    source = _looped(source, zone.loop, wanted) if looped and zone.loop else source[:wanted]
    sound = resample(source.astype(np.float32), zone.rate_hz * ratio, SAMPLE_RATE_HZ)
    sound = sound[: round(NOTE_S * SAMPLE_RATE_HZ)] * _envelope(zone, min(len(sound), round(NOTE_S * SAMPLE_RATE_HZ)))
    gain = db_to_gain(float(np.clip(zone.gain_db, _QUIETEST_GAIN_DB, _LOUDEST_GAIN_DB)))
    return fade((sound * np.float32(gain)).astype(np.float32), 0.0, 0.005)


def _looped(source: np.ndarray, loop: tuple[int, int], count: int) -> np.ndarray:
    first, last = loop
    if len(source) >= count and last >= count:
        return source[:count]
    times = -(-max(0, count - last) // (last - first))
    return np.concatenate([source[:last], np.tile(source[first:last], times)])[:count]


def _envelope(zone: Zone, count: int) -> np.ndarray:
    """Gain of each sample: the decay towards the sustain level, and the release where a looped note is let go."""
    time_s = np.arange(count, dtype=np.float32) / SAMPLE_RATE_HZ
    level_db = np.zeros(count, np.float32)
    if zone.decay_s > 0 and zone.sustain_db < 0:
        level_db = np.maximum(zone.sustain_db, -8.686 * time_s / zone.decay_s)
    if zone.loop is not None:
        release_s = float(np.clip(zone.release_s, 0.01, RELEASE_S["ringing"]))
        level_db = level_db - 8.686 * np.maximum(0, time_s - HELD_S) / release_s
    return (10 ** (level_db / 20)).astype(np.float32)
