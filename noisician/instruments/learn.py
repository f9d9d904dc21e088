"""From takes to an instrument: how each goes on and ends, how loud it was played, what the renderer is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.audio import db_to_gain
from noisician.instruments.takes import (
    Take,
    block_levels_db,
    fall_db_a_s,
    loudness_db,
    sustain_of,
)
from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.reference_notes import HELD_S, HELD_TOTAL_S, ONSET_S, record
from noisician.renderer.references import GRID_FRAMES, LOG_STEP, References, Sustain
from noisician.renderer.sampling import RELEASE_S, extended, let_go

#: MIDI velocities of as many layers; one alone is taken for the middle.
_LAYERS = {1: (80,), 2: (60, 105), 3: (45, 80, 115), 4: (35, 65, 92, 118)}
#: Takes of one key within so many dB of each other are one layer.
SAME_LAYER_DB = 2.0
#: A take that ends this near to its peak was cut, not died away.
_CUT_DB = 35.0
#: Log of a note's whole mel energy in its first second at velocity 80: the median of the instruments that ship.
_LOUDNESS_LOG = {"harmonic": 2.6, "drum": 1.45}
#: Before that the loudest take is brought to this level, so that quiet recordings keep their eight bits.
_LEVEL_DB = -20.0
_JOIN_S = 0.01
_NATS_A_DB = 0.1151


@dataclass(frozen=True)
class Learnt:
    """An instrument as the renderer is shown it. ``takes`` are those of which something was recorded."""

    references: References
    takes: tuple[Take, ...]


def learn(takes: Sequence[Take], sustain: Sustain | None = None) -> Learnt:
    """References of takes that all have a pitch, or all a key. ``sustain`` None: told from how they fall."""
    kit = takes[0].key is not None
    chosen = with_velocities(takes)
    sustain = "struck" if kit else sustain or sustain_of(chosen)
    gain = db_to_gain(_LEVEL_DB - max(map(loudness_db, chosen)))
    levelled = [replace(take, sound=take.sound * np.float32(gain)) for take in chosen]
    sounds = [take.sound if kit else held_on(take, sustain) for take in levelled]

    def play(number: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
        out = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
        note, first = sounds[number], round(ONSET_S * SAMPLE_RATE_HZ)
        if not kit and duration_s < HELD_TOTAL_S:
            note = _ended(levelled[number], note, round(held_s * SAMPLE_RATE_HZ), sustain)
        note = note[: len(out) - first]
        out[first : first + len(note)] = note
        return out

    kind = "drum" if kit else "harmonic"
    wanted = [(number, take.velocity or 80) for number, take in enumerate(levelled)]
    recorded = record(play, kind, sustain, wanted)
    numbers = recorded.pitch.astype(int)
    # A thousandth of a semitone is what a file of references keeps.
    pitch = np.array([round(float((chosen[n].key if kit else chosen[n].pitch) or 0), 3) for n in numbers], np.float32)
    return Learnt(_levelled(replace(recorded, pitch=pitch)), tuple(chosen[n] for n in numbers))


def with_velocities(takes: Sequence[Take]) -> list[Take]:
    """Takes that each have a velocity, at most one a layer, in order of pitch and velocity.

    What a name or a file told is believed. Otherwise the loudnesses of one key's takes are its layers; a key with
    fewer takes than others joins the layer that is as loud.
    """
    by_key: dict[int, list[Take]] = defaultdict(list)
    for take in takes:
        by_key[_key(take)].append(take)
    layers = {key: _layered(own) for key, own in by_key.items()}
    untold = [own for own in layers.values() if any(take.velocity is None for take in own)]
    if not untold:
        return [take for key in sorted(layers) for take in layers[key]]
    most = min(max(map(len, untold)), max(_LAYERS))
    full = [sorted(map(loudness_db, own))[-most:] for own in untold if len(own) >= most]
    centres = np.median(np.array(full), axis=0)
    out: list[Take] = []
    for key in sorted(layers):
        told = layers[key]
        if any(take.velocity is None for take in told):
            told = _placed(told, centres)
        out += told
    return out


def _key(take: Take) -> int:
    return take.key if take.key is not None else round(take.pitch or 0)


def _layered(takes: Sequence[Take]) -> list[Take]:
    """The takes of one key, softest first; of several that are alike, one."""
    if all(take.velocity is not None for take in takes):
        return list({take.velocity: take for take in sorted(takes, key=lambda take: take.velocity or 0)}.values())
    out: list[Take] = []
    for take in sorted(takes, key=loudness_db):
        if not out or loudness_db(take) - loudness_db(out[-1]) >= SAME_LAYER_DB:
            out.append(replace(take, velocity=None))
    return out


def _placed(takes: Sequence[Take], centres: np.ndarray) -> list[Take]:
    """Velocities from loudness: in order where there are as many takes as layers, else by the nearest layer."""
    velocities = _LAYERS[len(centres)]
    if len(takes) >= len(centres):
        return [
            replace(take, velocity=velocity) for take, velocity in zip(takes[-len(centres) :], velocities, strict=True)
        ]
    found = {velocities[int(np.argmin(np.abs(centres - loudness_db(take))))]: take for take in takes}
    return [replace(take, velocity=velocity) for velocity, take in sorted(found.items())]


def held_on(take: Take, sustain: Sustain) -> np.ndarray:
    """A take's sound as if it had been held for as long as a reference lasts.

    What is sustained repeats its middle; what decays goes on as it fell where it was cut or let go, and is left as it
    is where it died away.
    """
    wanted = round(HELD_S * SAMPLE_RATE_HZ)
    held = take.sound if take.held_s is None else take.sound[: round(take.held_s * SAMPLE_RATE_HZ)]
    if len(held) >= wanted:
        return held
    if sustain == "sustained":
        return extended(held, wanted)
    level = block_levels_db(held)
    if take.held_s is None and level[-5:].max() < level.max() - _CUT_DB:
        return held
    fall = np.float32(_NATS_A_DB * fall_db_a_s(held) / SAMPLE_RATE_HZ)
    first = int(np.argmax(np.abs(held)))
    decay = np.exp(-fall * np.maximum(0, np.arange(wanted, dtype=np.float32) - first))
    level_held = held / np.maximum(decay[: len(held)], 1e-6)
    return (extended(level_held, wanted)[:wanted] * decay).astype(np.float32)


def _ended(take: Take, held: np.ndarray, count: int, sustain: Sustain) -> np.ndarray:
    """The held note let go after ``count`` samples: with its recorded end where there is one."""
    tail = np.zeros(0, np.float32) if take.held_s is None else take.sound[round(take.held_s * SAMPLE_RATE_HZ) :]
    join = round(_JOIN_S * SAMPLE_RATE_HZ)
    if len(tail) < 2 * join or len(held) < count + join:
        return let_go(held, count, RELEASE_S[sustain], False)
    before = slice(max(0, count - 3 * join), count)
    place = len(take.sound) - len(tail)
    ratio = _rms(held[before]) / max(_rms(take.sound[max(0, place - 3 * join) : place]), 1e-9)
    tail = tail * np.float32(min(ratio, 100.0))
    rise = (np.arange(join, dtype=np.float32) + 0.5) / join
    joined = held[count : count + join] * (1 - rise) + tail[:join] * rise
    return np.concatenate([held[:count], joined, tail[join:]])


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _levelled(references: References) -> References:
    """The references as loud as those that ship, all notes by the same step."""
    if not len(references):
        return references
    second = (GRID_FRAMES >= 0) & (GRID_FRAMES < 86)
    loud = [0.5 * np.log(np.exp(2 * references.held(note)[second]).sum()) for note in range(len(references))]
    expected = _LOUDNESS_LOG[references.kind] + np.log(references.velocity / 80)
    step = round(float(np.median(expected - np.array(loud))) / LOG_STEP)
    return references.louder(np.full(len(references), step))
