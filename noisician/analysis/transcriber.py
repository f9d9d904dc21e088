"""What notes a listener hears who knows neither the score nor our networks.

The network is that of basic-pitch 0.4.0 (Bittner et al. 2022, "A lightweight instrument-agnostic model for polyphonic
note transcription and multipitch estimation", arXiv 2203.09893): 17,000 weights that Spotify trained on recordings,
shipped as they are (Apache-2.0, see NOTICE). It looks at two seconds at a time and gives, for each 11.6 ms and
each of 88 semitones, how likely a note begins there and how likely one sounds. Notes are decoded as the paper does,
with its thresholds: each peak of the onsets begins a note, the latest first, which lasts until nothing has sounded for
a while; what sounds on without an onset (a slow bow) is a note as well, strongest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from noisician.analysis.inputs import mono
from noisician.audio import resample
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import NoteEvent
from noisician.weights import Network, open_network

RATE_HZ, HOP, WINDOW_SAMPLES = 22050, 256, 43844
#: What the network gives for a window, and how much of it on each side a neighbour has seen better.
WINDOW_FRAMES, MARGIN_FRAMES = 172, 15
SEMITONES, LOWEST_PITCH = 88, 21
ONSET_THRESHOLD, SOUNDING_THRESHOLD = 0.5, 0.3
#: Shorter notes are not believed (128 ms); a silence shorter than that is no end.
SHORTEST_FRAMES, GAP_FRAMES = 11, 11
_INPUT = "serving_default_input_2:0"
_FRESH_FRAMES = WINDOW_FRAMES - 2 * MARGIN_FRAMES


@dataclass(frozen=True)
class Posteriorgram:
    """``onsets`` and ``sounding`` ``[frames, 88]``, 0 … 1, from A0 up; HOP samples at RATE_HZ lie between frames."""

    onsets: np.ndarray
    sounding: np.ndarray


def heard_notes(samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ) -> tuple[NoteEvent, ...]:
    """The notes in ``samples [n]`` or ``[n, channels]``, in order of start; velocity is how surely they sound.

    Raises NoisicianError for what is no sound, WeightsError where the network is missing or damaged.
    """
    return decoded(posteriorgram(np.asarray(resample(mono(samples), rate_hz, RATE_HZ), np.float32)))


def posteriorgram(audio: np.ndarray) -> Posteriorgram:
    """What the network makes of ``audio [samples]`` at RATE_HZ, in windows that overlap."""
    frames = -(-len(audio) // HOP)
    count = max(1, -(-frames // _FRESH_FRAMES))
    padded = np.zeros((count - 1) * _FRESH_FRAMES * HOP + WINDOW_SAMPLES + MARGIN_FRAMES * HOP, np.float32)
    padded[MARGIN_FRAMES * HOP : MARGIN_FRAMES * HOP + len(audio)] = audio[: len(padded) - MARGIN_FRAMES * HOP]
    onsets, sounding = [], []
    for window in range(count):
        first = window * _FRESH_FRAMES * HOP
        seen = padded[first : first + WINDOW_SAMPLES]
        begins, sounds, _ = _network()(**{_INPUT: seen[None, :, None]})
        onsets.append(begins[0, MARGIN_FRAMES : MARGIN_FRAMES + _FRESH_FRAMES])
        sounding.append(sounds[0, MARGIN_FRAMES : MARGIN_FRAMES + _FRESH_FRAMES])
    return Posteriorgram(np.concatenate(onsets)[:frames], np.concatenate(sounding)[:frames])


@cache
def _network() -> Network:
    return open_network("notes", threads=1)


def decoded(heard: Posteriorgram) -> tuple[NoteEvent, ...]:
    """The notes of a posteriorgram, in order of start and pitch."""
    left = heard.sounding.astype(np.float64).copy()
    spans = [*_struck(_with_rises(heard), left), *_swelling(left)]
    notes = []
    for first, last, row in spans:
        velocity = int(np.clip(round(127 * float(heard.sounding[first:last, row].mean())), 1, 127))
        notes.append(NoteEvent(LOWEST_PITCH + row, _seconds(first), _seconds(last), velocity))
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch)))


def _seconds(frame: int) -> float:
    return frame * HOP / RATE_HZ


def _with_rises(heard: Posteriorgram) -> np.ndarray:
    """Onsets ``[frames, 88]``, also where what sounds rises over one frame and over two, on the onsets' own scale."""
    sounding, rises = heard.sounding, np.zeros_like(heard.sounding)
    if len(sounding) > 2:
        rises[2:] = np.minimum(sounding[2:] - sounding[1:-1], sounding[2:] - sounding[:-2]).clip(min=0)
    highest = float(rises.max(initial=0.0))
    scale = float(heard.onsets.max(initial=0.0)) / highest if highest > 0 else 0.0
    return np.maximum(heard.onsets, scale * rises)


def _struck(onsets: np.ndarray, left: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(first frame, last + 1, row) of notes with an onset, the latest first; what they take goes out of ``left``."""
    peaks = np.zeros(onsets.shape, bool)
    peaks[1:-1] = (onsets[1:-1] > onsets[:-2]) & (onsets[1:-1] > onsets[2:]) & (onsets[1:-1] >= ONSET_THRESHOLD)
    for first, row in np.argwhere(peaks)[::-1].tolist():
        last = first + 1 + _lasting(left[first + 1 :, row])
        if last - first > SHORTEST_FRAMES:
            _take(left, first, last, row)
            yield first, last, row


def _swelling(left: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """The same of notes without one: from the strongest frame that is left both ways."""
    while left.size:
        middle, row = divmod(int(left.argmax()), SEMITONES)
        if left[middle, row] <= SOUNDING_THRESHOLD:
            return
        last = middle + 1 + _lasting(left[middle + 1 :, row])
        first = middle - _lasting(left[:middle, row][::-1])
        _take(left, first, last, row)
        if last - first > SHORTEST_FRAMES:
            yield first, last, row


def _lasting(sounding: np.ndarray) -> int:
    """For how many of the frames ``[frames]`` something goes on: to the last one above the threshold before a gap."""
    above = np.flatnonzero(sounding >= SOUNDING_THRESHOLD)
    if not len(above) or above[0] >= GAP_FRAMES:
        return 0
    gaps = np.flatnonzero(np.diff(above) > GAP_FRAMES)
    return int(above[gaps[0]] if len(gaps) else above[-1]) + 1


def _take(left: np.ndarray, first: int, last: int, row: int) -> None:
    """A note's energy leaks into its neighbours, which are no notes of their own."""
    left[first:last, max(0, row - 1) : row + 2] = 0
