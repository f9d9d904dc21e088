"""The synthesiser: oscillators of filtered wavetables, an amplitude envelope, vibrato and ensemble, note by note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from noisician.corpus.voices import oscillators as osc
from noisician.corpus.voices.common import Envelope, FloatArray, add_at, sample_count, seconds, velocity_gain
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.harmony import frequency_hz
from noisician.score.played import NoteEvent

_MIDDLE_C_HZ = 261.6256
#: How long a one-voice instrument takes to leave a note when the next one starts.
_STEAL_S = 0.009


@dataclass(frozen=True)
class Filter:
    """A low-pass whose cutoff moves; octaves are relative to ``cutoff_hz`` at middle C, velocity 100.

    ``envelope_octaves`` opens it at the onset (rising over ``attack_s``) and falls with ``decay_s``.
    ``wobble_octaves`` sweeps it ``wobble_hz`` times a second, rounded to whole sweeps a note.
    """

    cutoff_hz: float = 8000.0
    resonance: float = 0.0
    response: Callable[[FloatArray, FloatArray, float], osc.Spectrum] = osc.ladder
    key_tracking: float = 0.5
    envelope_octaves: float = 0.0
    attack_s: float = 0.002
    decay_s: float = 0.3
    velocity_octaves: float = 1.0
    wobble_octaves: float = 0.0
    wobble_hz: float = 0.0

    def base_octaves(self, fundamental_hz: float) -> float:
        """log2 of the resting cutoff of a note."""
        return float(np.log2(self.cutoff_hz) + self.key_tracking * np.log2(fundamental_hz / _MIDDLE_C_HZ))

    def bounds(self, fundamental_hz: float) -> tuple[float, float]:
        """Lowest and highest log2 cutoff a note of this pitch can reach."""
        base = self.base_octaves(fundamental_hz)
        low = base - 0.8 * self.velocity_octaves - self.wobble_octaves - max(0.0, -self.envelope_octaves)
        high = base + 0.3 * self.velocity_octaves + max(0.0, self.envelope_octaves)
        return max(4.0, low), min(15.0, max(high, low + 0.5))

    def path(self, fundamental_hz: float, note: NoteEvent, count: int) -> FloatArray | float:
        """log2 cutoff per sample, or one number when nothing moves."""
        strength = (note.velocity - 100) / 100.0
        level = self.base_octaves(fundamental_hz) + self.velocity_octaves * strength
        if not self.envelope_octaves and not self.wobble_octaves:
            return level
        times = seconds(count)
        curve = np.full(count, level, dtype=np.float32)
        if self.envelope_octaves:
            amount = self.envelope_octaves * (0.7 + 0.3 * note.velocity / 127.0)
            rise = np.minimum(times / np.float32(self.attack_s), 1.0)
            fall = np.exp(-np.maximum(times - np.float32(self.attack_s), 0.0) / np.float32(self.decay_s))
            curve += np.float32(amount) * rise * fall
        if self.wobble_octaves:
            length_s = max(0.05, note.end_s - note.start_s)
            sweeps = max(1, round(self.wobble_hz * length_s))
            swing = 0.5 + 0.5 * np.cos(2.0 * np.pi * np.float32(sweeps / length_s) * times)
            curve -= np.float32(self.wobble_octaves) * swing
        return curve


@dataclass(frozen=True)
class FrequencyModulation:
    """Two sine operators: the carrier at ``carrier`` times the layer's cycle, modulated at ``modulator`` times.

    The index falls from ``index`` to ``index * sustain`` with ``decay_s``; it is lowered for high notes so that no
    side band of weight passes the highest frequency.
    """

    carrier: int = 1
    modulator: int = 1
    index: float = 2.0
    sustain: float = 0.2
    decay_s: float = 0.3
    velocity_amount: float = 0.6

    def highest_index(self, cycle_hz: float) -> float:
        """Index at which Carson's bandwidth reaches the limit."""
        room = osc.HIGHEST_HZ / cycle_hz - self.carrier
        return float(np.clip(room / self.modulator - 1.5, 0.0, self.index))


@dataclass(frozen=True)
class Layer:
    """One oscillator or a detuned group of it. ``ratio`` multiplies the note's frequency.

    ``envelope`` replaces the patch's; ``tremolo`` (depth, Hz) is a slow level swell of this layer alone.
    """

    waveform: osc.Waveform = osc.saw
    level: float = 1.0
    ratio: float = 1.0
    detune_cents: tuple[float, ...] = (0.0,)
    modulation: FrequencyModulation | None = None
    envelope: Envelope | None = None
    tremolo: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Bend:
    """Pitch movement: vibrato that fades in, and a fall into the note from ``drop_cents`` above."""

    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.3
    vibrato_delay_s: float = 0.35
    drop_cents: float = 0.0
    drop_s: float = 0.02

    def cents(self, count: int, start: float) -> FloatArray | None:
        """Deviation per sample; None when there is none."""
        if not self.vibrato_cents and not self.drop_cents:
            return None
        times = seconds(count)
        grown = np.clip((times - np.float32(self.vibrato_delay_s)) / 0.4, 0.0, 1.0)
        turn = 2.0 * np.pi * (self.vibrato_hz * times + start)
        return self.vibrato_cents * grown * np.sin(turn) + self.drop_cents * np.exp(-times / self.drop_s)


@dataclass(frozen=True)
class Ensemble:
    """A string machine's three delay lines: each copy drifts by ``depth_ms`` slowly and a tenth of it fast."""

    depth_ms: float = 0.0
    slow_hz: float = 0.6
    fast_hz: float = 5.8
    copies: int = 3

    def offset_cycles(self, frequency_hz: float, copy: int, start: float, times: FloatArray) -> FloatArray:
        """Phase each copy is shifted by, cycles: a delay is exactly that for an oscillator."""
        third = copy / self.copies
        sway = np.sin(2.0 * np.pi * (self.slow_hz * times + start + third))
        shake = np.sin(2.0 * np.pi * (self.fast_hz * times + start + third))
        return np.float32(frequency_hz * self.depth_ms * 1e-3) * (sway + np.float32(0.1) * shake)


@dataclass(frozen=True)
class Patch:
    """Everything a synth voice needs. ``drive`` > 0 distorts inside the tables, without aliasing.

    ``saturation`` > 0 distorts the sum of all notes instead. ``click`` is the level of a short noise burst at the
    onset; ``decay_tracking`` shortens the decay of higher notes (exponent of frequency).
    """

    layers: tuple[Layer, ...]
    envelope: Envelope
    filter: Filter = field(default_factory=Filter)
    bend: Bend = field(default_factory=Bend)
    ensemble: Ensemble = field(default_factory=Ensemble)
    drive: float = 0.0
    saturation: float = 0.0
    click: float = 0.0
    level: float = 0.5
    decay_tracking: float = 0.0
    fixed_phase: bool = False


def play(patch: Patch, notes: Sequence[NoteEvent], count: int, one_voice: bool, rng: np.random.Generator) -> FloatArray:
    """Every note of a synth track, ``[count]`` float32; a one-voice patch lets go of a note when the next starts."""
    out = np.zeros(count, dtype=np.float32)
    known: dict[tuple[int, int], FloatArray] = {}
    ordered = sorted(notes, key=lambda note: (note.start_s, note.pitch))
    for place, note in enumerate(ordered):
        start = sample_count(note.start_s)
        if start >= count:
            continue
        until = None
        if one_voice:
            following = next((later.start_s for later in ordered[place + 1 :] if later.start_s > note.start_s), None)
            until = None if following is None else following - note.start_s
        sound = _play_note(patch, note, known, rng)
        if until is not None and sample_count(until) < len(sound):
            sound = _stolen(sound, sample_count(until))
        add_at(out, start, sound[: count - start])
    return _saturated(out, patch.saturation) if patch.saturation else out


def _stolen(sound: FloatArray, keep: int) -> FloatArray:
    tail = min(sample_count(_STEAL_S), len(sound) - keep)
    sound = sound[: keep + tail].copy()
    sound[keep:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(tail, dtype=np.float32) / max(1, tail))
    return sound


def _saturated(sound: FloatArray, drive: float) -> FloatArray:
    """tanh at twice the sample rate: the detuned voices beat against each other inside the distortion."""
    from scipy import signal

    doubled = np.asarray(signal.resample_poly(sound, 2, 1), dtype=np.float32)
    bent = np.tanh(np.float32(drive) * doubled) / np.float32(np.tanh(drive))
    return np.asarray(signal.resample_poly(bent, 1, 2)[: len(sound)], dtype=np.float32)


def _play_note(
    patch: Patch, note: NoteEvent, known: dict[tuple[int, int], FloatArray], rng: np.random.Generator
) -> FloatArray:
    hz = frequency_hz(note.pitch)
    envelope = patch.envelope
    if patch.decay_tracking:
        shorter = float(np.clip((hz / _MIDDLE_C_HZ) ** -patch.decay_tracking, 0.3, 2.5))
        envelope = replace(envelope, decay_s=envelope.decay_s * shorter)
    level = envelope.curve(note.end_s - note.start_s)
    loud = np.nonzero(level > 3e-5)[0]
    count = int(loud[-1]) + 1 if len(loud) else 1
    start = 0.0 if patch.fixed_phase else float(rng.random())
    cents = patch.bend.cents(count, float(rng.random()))
    out = np.zeros(count, dtype=np.float32)
    for index, layer in enumerate(patch.layers):
        sound = _layer(patch, index, note, count, known, (start, cents), rng)
        if layer.envelope is not None:
            own = layer.envelope.curve(note.end_s - note.start_s)[:count]
            sound[: len(own)] *= own
            sound[len(own) :] = 0.0
        else:
            sound *= level[:count]
        out += sound
    if patch.click:
        out += _click(count, patch.click, rng)
    return out * np.float32(patch.level * velocity_gain(note.velocity))


def _click(count: int, level: float, rng: np.random.Generator) -> FloatArray:
    length = min(count, sample_count(0.006))
    burst = rng.standard_normal(length, dtype=np.float32) * np.hanning(length).astype(np.float32)
    out = np.zeros(count, dtype=np.float32)
    out[:length] = level * np.convolve(burst, np.ones(4, dtype=np.float32) / 4.0, mode="same")
    return out


def _layer(
    patch: Patch,
    index: int,
    note: NoteEvent,
    count: int,
    known: dict[tuple[int, int], FloatArray],
    movement: tuple[float, FloatArray | None],
    rng: np.random.Generator,
) -> FloatArray:
    layer = patch.layers[index]
    hz = frequency_hz(note.pitch) * layer.ratio
    if (index, note.pitch) not in known:
        known[index, note.pitch] = _layer_tables(patch, layer, hz, frequency_hz(note.pitch))
    cycles = known[index, note.pitch]
    row = _rows(patch, layer, note, hz, count, len(cycles))
    start, cents = movement
    times = seconds(count)
    out = np.zeros(count, dtype=np.float32)
    copies = patch.ensemble.copies if patch.ensemble.depth_ms else 1
    single = len(layer.detune_cents) == 1 and copies == 1
    drift = float(rng.random())
    for detune in layer.detune_cents:
        tuned = hz * 2.0 ** (detune / 1200.0)
        bend = None if cents is None else osc.bend_cycles(tuned, cents)
        for copy in range(copies):
            offset = bend
            if patch.ensemble.depth_ms:
                moved = patch.ensemble.offset_cycles(tuned, copy, drift, times)
                offset = moved if bend is None else bend + moved
            first = start * layer.ratio if single else float(rng.random())
            out += osc.read(cycles, osc.phase(tuned, count, first, offset), row)
    out *= np.float32(layer.level / np.sqrt(len(layer.detune_cents) * copies))
    depth, rate = layer.tremolo
    if depth:
        out *= 1.0 - np.float32(depth) * (0.5 + 0.5 * np.sin(2.0 * np.pi * (rate * times + np.float32(rng.random()))))
    return out


def _rows(patch: Patch, layer: Layer, note: NoteEvent, cycle_hz: float, count: int, rows: int) -> FloatArray | float:
    """Which table row each sample reads: the modulation index or the filter's cutoff."""
    if layer.modulation is not None:
        fm = layer.modulation
        strength = 1.0 - fm.velocity_amount * (1.0 - note.velocity / 127.0)
        curve = fm.sustain + (1.0 - fm.sustain) * np.exp(-seconds(count) / np.float32(fm.decay_s))
        return (curve * np.float32(strength * (rows - 1))).astype(np.float32)
    fundamental = frequency_hz(note.pitch)
    low, high = patch.filter.bounds(fundamental)
    path = patch.filter.path(fundamental, note, count)
    return (path - low) * ((rows - 1) / (high - low))


def _layer_tables(patch: Patch, layer: Layer, cycle_hz: float, fundamental_hz: float) -> FloatArray:
    """All the tables of a layer at one pitch: rows by modulation index, or by log2 cutoff."""
    count = osc.harmonic_count(cycle_hz * 2.0 ** (max(layer.detune_cents) / 1200.0))
    if layer.modulation is not None:
        return _fm_tables(layer.modulation, cycle_hz, count)
    harmonics = layer.waveform(count)
    hz = cycle_hz * np.arange(1, count + 1)
    low, high = patch.filter.bounds(fundamental_hz)
    spacing = 12 if patch.filter.resonance > 0.4 else 6
    cutoffs = 2.0 ** np.linspace(low, high, max(2, round((high - low) * spacing)))
    top = np.clip((SAMPLE_RATE_HZ / 2.0 - hz) / 4000.0, 0.0, 1.0)
    response = patch.filter.response(hz[None, :], cutoffs[:, None], patch.filter.resonance)
    cycles = osc.tables(harmonics[None, :] * response * top)
    if patch.drive:
        gain = patch.drive
        cycles = osc.shaped(cycles, lambda x: np.tanh(gain * x) / np.tanh(gain), count)
    return cycles


def _fm_tables(fm: FrequencyModulation, cycle_hz: float, count: int) -> FloatArray:
    highest = fm.highest_index(cycle_hz)
    rows = max(2, int(highest * 8) + 2)
    size = max(2048, 1 << (4 * (count + 1) - 1).bit_length())
    turn = 2.0 * np.pi * np.arange(size) / size
    index = np.linspace(0.0, highest, rows)[:, None]
    cycle = np.sin(fm.carrier * turn + index * np.sin(fm.modulator * turn))
    bins = np.fft.rfft(cycle, axis=1)[:, 1 : count + 1] / (size / 2.0)
    return osc.tables(bins)
