"""How a length in seconds is filled: on which beat a piece comes to its end, and how long its last chord lasts.

What is left over when whole bars have been counted is part of a written ending: the last chord is struck on a strong
beat near the end, and held until the piece has to be still.
"""

from __future__ import annotations

from math import floor

from noisician.score.model import Meter

#: What is left for ringing out where the bars are given, and the length follows.
TAIL_S = 1.5
#: The least that the last chord gets, and the share of a short piece.
RING_S, _RING_SHARE = 1.0, 1 / 12
#: The least where a long chord was asked for.
HELD_S = 2.2
#: The last chord is struck at most so long before the end: beats, and seconds on top.
LATEST_BEATS, _LATEST_S, _LATEST_SHARE = 2, 1.4, 0.1
#: Who is held lets go so long before the end.
_RELEASE_S, _RELEASE_SHARE = 0.5, 1 / 40
#: Beats of a bar, from 0, on which a piece may come to its end.
_STRONG_BEATS = {
    "4/4": (0, 2), "3/4": (0, 2), "6/8": (0, 1),
    "2/4": (0, 1), "5/4": (0, 2, 3), "7/8": (0, 2), "9/8": (0, 2), "12/8": (0, 2),
}  # fmt: skip


def last_beat(duration_s: float, meter: Meter, tempo_bpm: float, held: bool = False) -> float:
    """The beat, from 0, on which the last chord of a piece of this length is struck: a downbeat where one is near
    enough to the end, or where it is to be ``held`` long, else another strong beat."""
    beat_s = 60 / tempo_bpm
    ring_s = min(HELD_S if held else RING_S, _RING_SHARE * duration_s)
    unit = 1.0 if meter.beats_per_bar == int(meter.beats_per_bar) else 0.5  # bars of 7/8 begin between quarters
    latest = unit * floor((duration_s - ring_s) / beat_s / unit + 1e-6)
    bar, beat = divmod(latest, meter.beats_per_bar)
    downbeat = bar * meter.beats_per_bar
    longest_s = min(LATEST_BEATS * beat_s + _LATEST_S, ring_s + _LATEST_SHARE * duration_s)
    if held or duration_s - downbeat * beat_s <= longest_s:
        return downbeat
    return downbeat + max(strong for strong in _STRONG_BEATS[meter.name] if strong <= beat)


def bars_for(duration_s: float, meter: Meter, tempo_bpm: float, held: bool = False) -> int:
    """How many bars, the last one cut short by the end, a piece with a written ending has."""
    return int(last_beat(duration_s, meter, tempo_bpm, held) // meter.beats_per_bar) + 1


def last_chord(duration_s: float, bars: int, meter: Meter, tempo_bpm: float, held: bool = False) -> tuple[int, int]:
    """(first, end) of the last chord in steps of the last bar: where it is struck, and where it is let go.

    A piece that has time left after its bars has it on the downbeat, held for the bar.
    """
    per_bar = meter.beats_per_bar
    beat = last_beat(duration_s, meter, tempo_bpm, held) - (bars - 1) * per_bar
    first = round(beat * meter.steps_per_beat) if 0 <= beat < per_bar else 0
    step_s = 60 / tempo_bpm / meter.steps_per_beat
    release_s = min(_RELEASE_S, _RELEASE_SHARE * duration_s)
    end = floor((duration_s - release_s) / step_s) - (bars - 1) * meter.steps_per_bar
    return first, max(first + 1, min(end, meter.steps_per_bar))
