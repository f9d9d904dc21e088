"""The score: what is played, in beats, before anybody decides how it sounds.

Conventions
-----------
* A *beat* is the felt beat: a quarter note in 4/4 and 3/4, a dotted quarter in 6/8. ``tempo_bpm`` counts
  those beats, so ``seconds = beats * 60 / tempo_bpm`` in every metre as long as the tempo stays; where it changes,
  :class:`~noisician.score.tempo.TempoCurve` tells.
* A *step* is a sixteenth note: 4 a beat in 4/4 and 3/4 (16 and 12 a bar), 6 a beat in 6/8 (12 a bar).
* Pitches are MIDI numbers (60 = middle C). Drum tracks use the General MIDI percussion map.
* Note times are those that are *played*: swing and human timing are already in ``start_beats``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
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
    """How sixteenths group into beats and bars."""

    name: str
    beats_per_bar: int
    steps_per_beat: int
    denominator: int  # of the written signature
    numerator: int

    @property
    def steps_per_bar(self) -> int:
        return self.beats_per_bar * self.steps_per_beat


METERS: dict[str, Meter] = {
    "4/4": Meter("4/4", beats_per_bar=BEATS_PER_BAR["4/4"], steps_per_beat=4, denominator=4, numerator=4),
    "3/4": Meter("3/4", beats_per_bar=BEATS_PER_BAR["3/4"], steps_per_beat=4, denominator=4, numerator=3),
    "6/8": Meter("6/8", beats_per_bar=BEATS_PER_BAR["6/8"], steps_per_beat=6, denominator=8, numerator=6),
}


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
    ``name`` what the file it was read from calls it.
    """

    role: str
    instrument: str
    notes: tuple[Note, ...]
    timbre_tags: tuple[str, ...] = ()
    player: str = ""
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
class Score:
    """Notes in beats, under a tempo that may change."""

    tempo_bpm: float
    key: str
    mode: str
    time_signature: str
    bars: int
    sections: tuple[Section, ...] = ()
    tracks: tuple[Track, ...] = ()
    chords: tuple[Chord, ...] = field(default=())
    tempo_changes: tuple[TempoChange, ...] = ()

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
            {_TAGS_KEY if name == "timbre_tags" else name: value for name, value in track.items() if name != "name"}
            for track in data["tracks"]
        ]
        for chord in data["chords"]:
            if chord["bass"] is None:
                del chord["bass"]
        if not self.tempo_changes:
            del data["tempo_changes"]
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
        )
