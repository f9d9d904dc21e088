"""The score: what is played, in beats, before anybody decides how it sounds.

Conventions
-----------
* A *beat* is the felt beat: a quarter note in 2/4, 3/4, 4/4 and 5/4, a dotted quarter in 6/8, 9/8 and 12/8. A bar of
  7/8 has three and a half quarters. ``tempo_bpm`` counts those beats, so
  ``seconds = beats * 60 / tempo_bpm`` in every metre as long as the tempo stays; where it changes,
  :class:`~noisician.score.tempo.TempoCurve` tells.
* A *step* is a sixteenth note: 4 a quarter, 6 a dotted one.
* Pitches are MIDI numbers (60 = middle C). Drum tracks use the General MIDI percussion map.
* Note times are those that are *played*: swing and human timing are already in ``start_beats``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from noisician.request import BEATS_PER_BAR
from noisician.score.tempo import TempoChange, TempoCurve

#: What stands for the instrument of a sung track.
VOICE = "voice"
#: What the text of a line's last syllable ends with.
LINE_END = "\r"
#: What a section can be. The order is part of the composer's trained weights: append only.
SECTION_KINDS = ("intro", "verse", "pre_chorus", "chorus", "bridge", "build", "drop", "break", "solo", "outro")
#: What files call a track's timbre tags.
_TAGS_KEY = "articulations"


@dataclass(frozen=True)
class Meter:
    """How sixteenths group into beats and bars.

    ``pulses`` are the felt beats of a bar in steps, one longer than the others in 7/8. ``second_half`` is the step on
    which the second part of a bar begins: 5/4 is 3 + 2, 7/8 is 2 + 2 + 3. ``base`` is the metre whose patterns are
    played in this one where it has none of its own, and which the composer's network knows; ``base_places`` say for
    each step of as many bars as it takes (``[bars, steps a bar]``) where in a bar of ``base`` it stands.
    """

    name: str
    beats_per_bar: float
    steps_per_beat: int
    denominator: int  # of the written signature
    numerator: int
    pulses: tuple[int, ...]
    second_half: int
    base: str
    base_places: tuple[tuple[int, ...], ...]

    @property
    def steps_per_bar(self) -> int:
        return sum(self.pulses)

    @cached_property
    def pulse_steps(self) -> tuple[int, ...]:
        """The step on which each pulse begins, and the end of the bar."""
        return (0, *accumulate(self.pulses))


def _meter(name: str, pulses: Sequence[int], second_half: int, base: str, *bars: Sequence[range]) -> Meter:
    numerator, denominator = map(int, name.split("/"))
    beat = 6 if denominator == 8 and numerator % 3 == 0 else 4
    places = tuple(tuple(step for part in parts for step in part) for parts in bars)
    return Meter(name, BEATS_PER_BAR[name], beat, denominator, numerator, tuple(pulses), second_half, base, places)


METERS: dict[str, Meter] = {
    meter.name: meter
    for meter in (
        _meter("4/4", [4] * 4, 8, "4/4", [range(16)]),
        _meter("3/4", [4] * 3, 8, "3/4", [range(12)]),
        _meter("6/8", [6] * 2, 6, "6/8", [range(12)]),
        _meter("2/4", [4] * 2, 4, "4/4", [range(8)], [range(8, 16)]),
        # The weak second beat comes twice: kick, snare, snare | kick, snare.
        _meter("5/4", [4] * 5, 12, "4/4", [range(8), range(4, 16)]),
        _meter("7/8", [4, 4, 6], 8, "4/4", [range(14)]),
        _meter("9/8", [6] * 3, 12, "6/8", [range(12), range(6, 12)]),
        _meter("12/8", [6] * 4, 12, "6/8", [range(12), range(12)]),
    )
}
#: The metres that the composer's network was trained on. The order is part of its weights.
LEARNT_METERS = ("4/4", "3/4", "6/8")


@dataclass(frozen=True)
class Note:
    """``id`` tells a player's notes apart in a piece (0 outside of one); ``is_set`` marks those that somebody set."""

    pitch: int
    start_beats: float
    duration_beats: float
    velocity: int
    syllable: str | None = None
    id: int = 0
    is_set: bool = False

    @property
    def end_beats(self) -> float:
        return self.start_beats + self.duration_beats


@dataclass(frozen=True)
class Track:
    """One player's part. ``role`` is its job in the arrangement, ``instrument`` an id of ``styles``.

    ``timbre_tags`` are renderer tags (``bright``, ``dark``, ``driven``, ``lofi``). ``player`` is its id in a piece,
    ``performer`` whose hand it is where one player has several parts, ``name`` what the file it was read from calls it.
    """

    role: str
    instrument: str
    notes: tuple[Note, ...]
    timbre_tags: tuple[str, ...] = ()
    player: str = ""
    performer: str = ""
    name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Section:
    """A stretch of bars. Sections with the same ``label`` are repeats (varied) of each other."""

    kind: str
    label: str
    start_bar: int
    bars: int
    energy: float  # 0 … 1


@dataclass(frozen=True)
class Chord:
    """Harmony in force from ``start_beats``: pitch class of the root and a kind's name (``score.qualities``); ``bass``
    is the pitch class below where another than the root was asked for."""

    start_beats: float
    duration_beats: float
    root: int
    quality: str
    bass: int | None = None


@dataclass(frozen=True)
class MeterChange:
    """A time signature that a file states, whatever it is: ``"5/8"`` from ``start_beats`` on."""

    start_beats: float
    time_signature: str


@dataclass(frozen=True)
class Score:
    """Notes in beats, under a tempo that may change.

    Bars and beats are those of ``time_signature`` throughout; ``meter_changes`` are what a file that was brought says
    beside that, kept so that it can be written out again.
    """

    tempo_bpm: float
    key: str
    mode: str
    time_signature: str
    bars: int
    sections: tuple[Section, ...] = ()
    tracks: tuple[Track, ...] = ()
    chords: tuple[Chord, ...] = field(default=())
    tempo_changes: tuple[TempoChange, ...] = ()
    meter_changes: tuple[MeterChange, ...] = ()

    @property
    def meter(self) -> Meter:
        return METERS[self.time_signature]

    @cached_property
    def tempo(self) -> TempoCurve:
        return TempoCurve(self.tempo_bpm, self.tempo_changes)

    @property
    def seconds_per_beat(self) -> float:
        """How long the first beat lasts."""
        return 60.0 / self.tempo_bpm

    def bar_start_s(self, bar: float) -> float:
        """When a bar, counted from 0, begins."""
        return self.tempo.seconds(bar * self.meter.beats_per_bar)

    @property
    def duration_beats(self) -> float:
        return float(self.bars * self.meter.beats_per_bar)

    @property
    def duration_s(self) -> float:
        return self.tempo.seconds(self.duration_beats)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` restores an equal score."""
        data = asdict(self)
        data["tracks"] = [
            {
                _TAGS_KEY if name == "timbre_tags" else name: value
                for name, value in track.items()
                if name != "name" and (value or name != "performer")
            }
            for track in data["tracks"]
        ]
        for chord in data["chords"]:
            if chord["bass"] is None:
                del chord["bass"]
        for name in ("tempo_changes", "meter_changes"):
            if not data[name]:
                del data[name]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        tracks = tuple(
            Track(
                role=track["role"],
                instrument=track["instrument"],
                notes=tuple(Note(**note) for note in track["notes"]),
                timbre_tags=tuple(track.get(_TAGS_KEY, ())),
                player=track.get("player", ""),
                performer=track.get("performer", ""),
            )
            for track in data["tracks"]
        )
        return cls(
            tempo_bpm=float(data["tempo_bpm"]),
            key=data["key"],
            mode=data["mode"],
            time_signature=data["time_signature"],
            bars=int(data["bars"]),
            sections=tuple(Section(**section) for section in data["sections"]),
            tracks=tracks,
            chords=tuple(Chord(**chord) for chord in data["chords"]),
            tempo_changes=tuple(TempoChange(**change) for change in data.get("tempo_changes", ())),
            meter_changes=tuple(MeterChange(**change) for change in data.get("meter_changes", ())),
        )
