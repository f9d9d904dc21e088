"""The sketch of a part: the log-mel that a plain sampler would play from an instrument's references.

For every note the nearest recorded notes are taken (two velocities blended as logarithms, two pitches as amplitudes),
moved along the mel axis to its pitch, followed while it is held, and let go as they were recorded; the energies of all
notes add. It knows nothing of playing. The renderer starts from it and learns the rest.

Every frame is computed from the notes alone, so any window of a part equals the same frames of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from noisician.mel import FRAME_RATE_HZ, LOG_FLOOR, MEL_BANDS, band_centres_hz, band_of_hz
from noisician.renderer.references import GRID_FRAMES, NOISE_FRAMES, RELEASE_FRAMES, References, grid_of
from noisician.score.played import NoteEvent

#: A part is heard at most this long after the end of a note (a drum: after its start), in frames.
LONGEST_RELEASE_FRAMES = 400
LONGEST_DRUM_FRAMES = 700
#: What lies this low in every band (log of the mel magnitude) can be left out: 4 % of the floor of a log-mel.
INAUDIBLE_LOG = -10.0
#: A noise that outlasts its recording begins again, faded in over its end for so many frames.
NOISE_FADE_FRAMES = 86
#: Notes kept ready, as rows at their pitch and velocity.
NOTES_AT_HAND = 256
#: Velocities outside the recorded ones change the level by at most this many nats.
MOST_EXTRAPOLATED_NATS = 2.5
#: Between recorded pitches further apart than this (semitones) only the nearer one is moved, not both.
MOST_BLENDED_SEMITONES = 24
#: Keys of General MIDI kits that silence each other: hi-hats, whistles, guiros, cuicas, triangles.
CHOKE_GROUPS = ({42, 44, 46}, {71, 72}, {73, 74}, {78, 79}, {80, 81})
#: What is lost when a sound is cut off: the frames' window leaves it behind within two frames.
_CUT_FRAMES = np.array([-2, -1, 0, 1, 2, 3], np.float32)
_CUT_LOSS = np.array([0, 0.1, 0.7, 2.4, 7, 14], np.float32)


@dataclass(frozen=True)
class _Curve:
    """Rows at ``times`` (frames), straight lines between them, the first before them, on along ``slope`` after them."""

    times: np.ndarray
    rows: np.ndarray
    slope: np.ndarray

    @cached_property
    def _steps(self) -> np.ndarray:
        return np.diff(self.rows, axis=0)

    def write(self, wanted: np.ndarray, out: np.ndarray, spare: np.ndarray) -> np.ndarray:
        """The curve at ``wanted`` times, in ``out``; both arrays are ``[wanted, 128]``, kept by whoever asks often."""
        place = np.interp(wanted, self.times, np.arange(len(self.times)))
        low = np.minimum(place.astype(np.intp), len(self.times) - 2)
        np.take(self._steps, low, axis=0, out=spare, mode="clip")
        spare *= (place - low).astype(np.float32)[:, None]
        np.take(self.rows, low, axis=0, out=out, mode="clip")
        out += spare
        beyond = int(np.searchsorted(wanted, self.times[-1]))
        if beyond < len(wanted):
            out[beyond:] += (wanted[beyond:] - self.times[-1]).astype(np.float32)[:, None] * self.slope
        return out


@dataclass(frozen=True)
class _Note:
    """Log-mel while held, what is lost after the end, and for how many frames of each there is anything to hear."""

    held: _Curve
    loss: _Curve
    audible_frames: float
    release_frames: float


@dataclass(frozen=True)
class Heard:
    """A note and the frames ``first … last`` (half open) of the part in which there is anything of it to hear.

    ``cut_frame`` is where a later note cuts it off; infinite where none does. ``stretched``: all of it depends on where
    it ends.
    """

    note: NoteEvent
    cut_frame: float
    first: int
    last: int
    stretched: bool = False

    def within(self, first_frame: int, frames: int) -> bool:
        """Whether a window hears anything of it."""
        return self.first < first_frame + frames and self.last > first_frame

    def seen_from(self, first_frame: int, frames: int) -> tuple[float, ...]:
        """All of it that the sketch of a window depends on; an end or a cut beyond the window counts as infinite."""
        last = first_frame + frames
        _, end = _frames_of(self.note)
        return (
            self.note.pitch,
            self.note.velocity,
            self.note.start_s,
            self.note.end_s if self.stretched or end + RELEASE_FRAMES[0] < last else math.inf,
            self.cut_frame if self.cut_frame + _CUT_FRAMES[0] < last else math.inf,
        )


class Sketcher:
    """Sketches any part, or window of a part, of one instrument. Threads may share one."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._moved: dict[tuple[int, int], np.ndarray] = {}
        self._ready: dict[tuple[int, int], _Note] = {}

    def heard(self, notes: Sequence[NoteEvent]) -> list[Heard]:
        """What there is to hear of a part: the notes of which anything was recorded, in their order."""
        spans = (
            self._heard(note, cut)
            for note, cut in zip(notes, self._cuts(notes), strict=True)
            if self._references.kind != "drum" or note.pitch in self._references.layers
        )
        return [span for span in spans if span.first < span.last]

    def _heard(self, note: NoteEvent, cut_frame: float) -> Heard:
        start, end = _frames_of(note)
        found = self._note(note.pitch, note.velocity)
        audible = start + (np.inf if self._goes_on else found.audible_frames)
        longest = start + LONGEST_DRUM_FRAMES if self._plays_out else end + found.release_frames
        last = min(audible, cut_frame + 3, longest)
        stretched = self._references.stretched
        return Heard(note, float(cut_frame), math.ceil(start - 2), math.floor(last) + 1, stretched)

    def sketch(self, notes: Sequence[NoteEvent], frames: int, first_frame: int = 0) -> np.ndarray:
        """Log-mel ``[frames, 128]`` float32 of frames ``first_frame … first_frame + frames`` of a part."""
        return self.lay_out(self.heard(notes), frames, first_frame)

    def lay_out(self, heard: Sequence[Heard], frames: int, first_frame: int = 0) -> np.ndarray:
        """As :meth:`sketch`, of a part that was heard before: many windows of one part are cheaper so."""
        return np.log(np.sqrt(self.energy(heard, frames, first_frame)) + np.float32(LOG_FLOOR))

    def energy(self, heard: Sequence[Heard], frames: int, first_frame: int = 0) -> np.ndarray:
        """The squared mel magnitudes ``[frames, 128]`` float32 that :meth:`lay_out` takes the logarithm of."""
        energy = np.zeros((frames, MEL_BANDS), np.float32)
        spare = np.empty((3, frames, MEL_BANDS), np.float32)
        for one in heard:
            if one.within(first_frame, frames):
                self._add(energy, one, first_frame, spare)
        return energy

    def _add(self, energy: np.ndarray, heard: Heard, first_frame: int, spare: np.ndarray) -> None:
        start, end = _frames_of(heard.note)
        low = max(first_frame, heard.first)
        high = min(first_frame + len(energy), heard.last)
        found = self._note(heard.note.pitch, heard.note.velocity)
        frame = np.arange(low, high, dtype=np.float64)
        level, loss, temporary = spare[:, : high - low]
        self._write_held(found.held, frame - start, end - start, level, temporary)
        let_go = max(0, math.ceil(end + RELEASE_FRAMES[0]) - low)
        if not self._plays_out and let_go < len(frame):
            level[let_go:] -= found.loss.write(frame[let_go:] - end, loss[let_go:], temporary[let_go:])
        if heard.cut_frame + _CUT_FRAMES[0] < high:
            level -= np.interp(frame - heard.cut_frame, _CUT_FRAMES, _CUT_LOSS).astype(np.float32)[:, None]
        level *= 2
        energy[low - first_frame : high - first_frame] += np.exp(level, out=level)

    @property
    def _plays_out(self) -> bool:
        """Whether nobody lets a note go: drums, and noises that are one event."""
        references = self._references
        one_event = references.kind == "noise" and references.sustain != "sustained" and not references.stretched
        return references.kind == "drum" or one_event

    @property
    def _goes_on(self) -> bool:
        """Whether a note may outlast its recording by beginning again, or be slower than it."""
        return self._references.kind == "noise" and not self._plays_out

    def _write_held(self, held: _Curve, since: np.ndarray, length: float, out: np.ndarray, spare: np.ndarray) -> None:
        """The rows at times ``since`` the onset, in ``out``; noises are stretched to their note or begin again."""
        if not self._goes_on:
            held.write(since, out, spare)
            return
        last = float(held.times[-1])
        if self._references.stretched:
            held.write(np.minimum(since * (last / length), last), out, spare)
            return
        period = last - NOISE_FADE_FRAMES
        turn = np.maximum(0, np.floor(since / period))
        place = since - turn * period
        for first, stop in _runs(turn):
            held.write(place[first:stop], out[first:stop], spare[first:stop])
        joined = np.flatnonzero((turn > 0) & (place < NOISE_FADE_FRAMES))
        if len(joined):
            ending = np.empty((len(joined), MEL_BANDS), np.float32)
            for first, stop in _runs(turn[joined]):
                held.write(place[joined[first:stop]] + period, ending[first:stop], spare[: stop - first])
            share = (place[joined] / NOISE_FADE_FRAMES).astype(np.float32)[:, None]
            out[joined] = 0.5 * np.log(share * np.exp(2 * out[joined]) + (1 - share) * np.exp(2 * ending))

    def _note(self, pitch: int, velocity: int) -> _Note:
        """A note ready to be laid out."""
        found = self._ready.get((pitch, velocity))
        if found is None:
            found = self._prepared(*self._rows(pitch, velocity))
            if len(self._ready) >= NOTES_AT_HAND:
                self._ready.clear()
            self._ready[pitch, velocity] = found
        return found

    def _prepared(self, held: np.ndarray, loss: np.ndarray) -> _Note:
        grid = grid_of(self._references.kind)
        release = _last_audible(held.max() - loss.min(axis=1), RELEASE_FRAMES)
        return _Note(
            _Curve(grid, held, self._slope(held)),
            _Curve(RELEASE_FRAMES, loss, _end_slope(loss, RELEASE_FRAMES, 5)),
            _last_audible(held.max(axis=1), grid),
            min(release, LONGEST_RELEASE_FRAMES),
        )

    def _slope(self, held: np.ndarray) -> np.ndarray:
        """Nats a frame beyond the last row: sounds that decay by themselves go on decaying."""
        if self._references.sustain == "sustained" or self._references.kind == "noise":
            return np.zeros(MEL_BANDS, np.float32)
        return np.minimum(0, _end_slope(held, GRID_FRAMES, 6))

    def _cuts(self, notes: Sequence[NoteEvent]) -> np.ndarray:
        """The frame at which each note is cut off by a later one; infinite where none does that."""
        cuts = np.full(len(notes), np.inf)
        groups: Sequence[set[int] | None] = [None] if self._references.one_voice else []
        if self._references.kind == "drum":
            groups = CHOKE_GROUPS
        for group in groups:
            places = [place for place, note in enumerate(notes) if group is None or note.pitch in group]
            starts = np.array([notes[place].start_s for place in places]) * FRAME_RATE_HZ
            for place, start in zip(places, starts, strict=True):
                later = starts[starts > start + 1e-3]
                cuts[place] = later.min(initial=np.inf)
        return cuts

    def _rows(self, pitch: int, velocity: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-mel while held ``[GRID, 128]`` and loss after the end ``[RELEASE, 128]`` of a note."""
        references = self._references
        keys = references.keys
        if references.kind == "drum":
            return self._layered(pitch, pitch, velocity)
        above = int(np.searchsorted(keys, pitch))
        apart = keys[above] - keys[above - 1] if 0 < above < len(keys) else 0
        if above == len(keys) or (keys[above] != pitch and apart > MOST_BLENDED_SEMITONES):
            nearest = int(keys[np.argmin(np.abs(keys - pitch))])
            return self._layered(nearest, pitch, velocity)
        if keys[above] == pitch or above == 0:
            return self._layered(int(keys[above]), pitch, velocity)
        lower, upper = int(keys[above - 1]), int(keys[above])
        share = np.float32((pitch - lower) / (upper - lower))
        (held_a, loss_a), (held_b, loss_b) = (self._layered(key, pitch, velocity) for key in (lower, upper))
        # Amplitudes, not logarithms: partials of two moved notes never fall quite together, and a mean of logarithms
        # would take the valley of one for the peak of the other.
        held = np.log((1 - share) * np.exp(held_a) + share * np.exp(held_b))
        return held, loss_a + share * (loss_b - loss_a)

    def _layered(self, key: int, pitch: int, velocity: int) -> tuple[np.ndarray, np.ndarray]:
        """The two nearest velocities of one recorded key blended in the log domain, at ``pitch``."""
        references = self._references
        layer = references.layers[key]
        recorded = references.velocity[layer].astype(np.float32)
        above = int(np.clip(np.searchsorted(recorded, velocity), 1, len(layer) - 1)) if len(layer) > 1 else 0
        nearest = layer[above]
        held, loss = self._at(nearest, pitch), references.loss(nearest)
        if above == 0:
            return held + np.float32(_level_of(velocity) - _level_of(recorded[0])), loss
        softer = layer[above - 1]
        span = max(_level_of(recorded[above]) - _level_of(recorded[above - 1]), 1e-3)
        share = (_level_of(velocity) - _level_of(recorded[above - 1])) / span
        inside = np.float32(np.clip(share, 0, 1))
        soft = self._at(softer, pitch)
        blend = soft + inside * (held - soft)
        if share != inside:
            step = (share - inside) * (_loudness(held) - _loudness(soft))
            blend = blend + np.float32(np.clip(step, -MOST_EXTRAPOLATED_NATS, MOST_EXTRAPOLATED_NATS))
        return blend, references.loss(softer) + inside * (loss - references.loss(softer))

    def _at(self, note: int, pitch: int) -> np.ndarray:
        """A recorded note moved to ``pitch`` along the mel axis: ``[GRID, 128]``."""
        moved = self._moved.get((int(note), pitch))
        if moved is None:
            held = self._references.held(int(note))
            interval = pitch - float(self._references.pitch[note])
            # Cents beyond what anyone hears are not worth a product.
            plain = self._references.kind != "harmonic" or abs(interval) < 0.02
            moved = held if plain else _along_mel(held, round(interval, 2))
            if len(self._moved) >= NOTES_AT_HAND:
                self._moved.clear()
            self._moved[int(note), pitch] = moved
        return moved


def _frames_of(note: NoteEvent) -> tuple[float, float]:
    """Start and end in frames, at least one apart."""
    start = note.start_s * FRAME_RATE_HZ
    return start, max(note.end_s * FRAME_RATE_HZ, start + 1)


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """(first, stop) of the runs of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(first, stop) for first, stop in pairwise(edges) if first < stop]


def _last_audible(loudest: np.ndarray, times: np.ndarray) -> float:
    """The time from which the loudest band of every row is inaudible; infinite when the last one is not."""
    audible = np.flatnonzero(loudest > INAUDIBLE_LOG)
    if len(audible) == 0:
        return float(times[0])
    return float(times[audible[-1] + 1]) if audible[-1] + 1 < len(times) else float("inf")


def _loudness(held: np.ndarray) -> float:
    """Log of the whole energy of a note's first second."""
    grid = GRID_FRAMES if len(held) == len(GRID_FRAMES) else NOISE_FRAMES
    return float(0.5 * np.log(np.exp(2 * held[(grid >= 0) & (grid < 86)]).sum()))


def _level_of(velocity: float) -> float:
    """Nats of level that a velocity stands for where only one was recorded; between two, their scale."""
    return float(np.log(velocity / 127))


def _end_slope(rows: np.ndarray, times: np.ndarray, back: int) -> np.ndarray:
    """Slope of each band over the last ``back`` rows, by least squares."""
    at = times[-back:] - times[-back:].mean()
    return (at @ (rows[-back:] - rows[-back:].mean(axis=0)) / (at @ at)).astype(np.float32)


def _along_mel(log_mel: np.ndarray, semitones: float) -> np.ndarray:
    """A log-mel ``[…, 128]`` moved: the band at f takes what was at f / 2^(semitones / 12), by cubic interpolation.

    Four bands are added up rather than a matrix multiplied: threads of a BLAS take longer to meet than that.
    """
    bands, weights = _taps(semitones)
    moved = log_mel[..., bands[0]] * weights[0]
    for band, weight in zip(bands[1:], weights[1:], strict=True):
        moved += log_mel[..., band] * weight
    return moved


@lru_cache(512)
def _taps(semitones: float) -> tuple[np.ndarray, np.ndarray]:
    """Bands and their weights (Catmull–Rom), ``[4, 128]`` each, of which a moved band is made."""
    source = np.clip(band_of_hz(band_centres_hz() / 2 ** (semitones / 12)), 0, MEL_BANDS - 1)
    low = np.floor(source).astype(int)
    x = source - low
    weights = np.stack(
        [
            0.5 * (-x + 2 * x**2 - x**3),
            0.5 * (2 - 5 * x**2 + 3 * x**3),
            0.5 * (x + 4 * x**2 - 3 * x**3),
            0.5 * (-(x**2) + x**3),
        ]
    )
    bands = np.clip(low + np.arange(-1, 3)[:, None], 0, MEL_BANDS - 1)
    return bands, weights.astype(np.float32)
