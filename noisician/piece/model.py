"""The piece as a document: everything a track is rendered from, as plain values.

The *grid* is the source of the notes: what the composer wrote, before anyone performs it. The *notes* are what is
played, swing and human timing included; a note that somebody set by hand is marked so and never derived again. The
*mix* is numbers, decided once. *Draws* name the noise of each player's bars, so that a bar can be painted anew and all
others stay. Rendering a piece is a pure function of it; an edit makes another piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from noisician.composer import Ending, Plan
from noisician.composer.conditions import Style
from noisician.errors import RequestError
from noisician.mix import Mix
from noisician.mix.settings import SoundsLike
from noisician.prompt.controls import Feature
from noisician.renderer import RenderSettings
from noisician.score import Note, Score, Section, Track
from noisician.score.decode import chords_of, semitones_from_c
from noisician.score.grid import REST, ROLE_STREAMS, STREAMS, Grid, composer_chords
from noisician.score.hands import by_performer
from noisician.score.model import METERS, Meter, MeterChange
from noisician.score.tempo import TempoCurve
from noisician.vocals.song import Song, sung_tracks

SwingUnit = Literal["eighth", "sixteenth"]
GRID_VERSION = 1
#: What the composer is told of an ending.
_FEATURES_OF: Mapping[Ending, tuple[Feature, ...]] = {
    "written": (),
    "cut": (Feature(kind="cut"),),
    "fade": (Feature(kind="fade_out"),),
}


@dataclass(frozen=True)
class TempoMark:
    """Beats a minute from a bar on; ``bar`` may lie within one (2.5: the middle of the third)."""

    bar: float
    tempo_bpm: float


@dataclass(frozen=True)
class MeterMark:
    """The time signature from a bar on. The first is that in which the piece is counted; later ones, which may lie
    within bars, are what a file stated whose notes were brought, and are written out again.
    """

    bar: float
    time_signature: str


@dataclass(frozen=True)
class KeyMark:
    """Tonic and mode from a bar on."""

    bar: int
    key: str
    mode: str


@dataclass(frozen=True)
class Player:
    """Somebody who plays.

    ``id`` is what edits and stems call it, for ever; ``role`` its job in the arrangement, ``instrument`` an id of
    ``styles``. ``bars`` are the stretches (first, last + 1) in which it plays. ``stream`` names its noise.
    ``octave_semitones`` moves what its grid says into the instrument's range, decided once so that changing one bar
    never moves the others. ``written`` is False where its notes were given and no grid holds them. ``performer`` is the
    same for all parts that are one player's hands (:mod:`noisician.score.hands`). ``voice`` is which of a chord's
    notes, from the top, somebody has who plays one at a time; None for all of them.
    """

    id: str
    role: str
    instrument: str
    timbre_tags: tuple[str, ...] = ()
    bars: tuple[tuple[int, int], ...] = ()
    stream: int = 0
    octave_semitones: int = 0
    written: bool = True
    performer: str = ""
    voice: int | None = None

    @property
    def key(self) -> str:
        """What its stem and its strip in the mix belong to: whose hand it is, else itself."""
        return self.performer or self.id

    def plays_in(self, bar: int) -> bool:
        return any(first <= bar < last for first, last in self.bars)


@dataclass(frozen=True)
class PiecePlan:
    """What was decided before the first note.

    The maps hold marks in order of their bars, the first at bar 0; ``pickup_beats`` come before the first bar line.
    ``duration_s`` is the whole track, tail included. ``mean_energy`` is the energy at which nobody plays louder or
    softer than written: the average when the piece was made, kept so that a new section leaves the others' dynamics.
    ``fade_in_s`` and ``fade_out_s`` are what the words asked for, None for the mix's own way out. ``ornaments`` is the
    genre whose players adorn what is written (``styles/ornaments.toml``), empty where nobody does. ``sounds_like`` is a
    recording whose sound the mix is to come near.
    """

    tempo_map: tuple[TempoMark, ...]
    meter_map: tuple[MeterMark, ...]
    key_map: tuple[KeyMark, ...]
    sections: tuple[Section, ...]
    players: tuple[Player, ...]
    duration_s: float
    genres: Mapping[str, float]
    moods: Mapping[str, float]
    density: float = 0.5
    production: tuple[str, ...] = ()
    velocity_shift: int = 0
    swing: float = 0.0
    swing_unit: SwingUnit = "sixteenth"
    humanise: float = 0.0
    mean_energy: float = 0.5
    loop: bool = False
    ending: Ending = "written"
    fade_in_s: float = 0.0
    fade_out_s: float | None = None
    pickup_beats: float = 0.0
    ornaments: str = ""
    sounds_like: SoundsLike | None = None

    @property
    def tempo_bpm(self) -> float:
        return self.tempo_map[0].tempo_bpm

    @property
    def time_signature(self) -> str:
        return self.meter_map[0].time_signature

    @property
    def meter(self) -> Meter:
        return METERS[self.time_signature]

    @property
    def key(self) -> str:
        return self.key_map[0].key

    @property
    def mode(self) -> str:
        return self.key_map[0].mode

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)

    @cached_property
    def tempo(self) -> TempoCurve:
        """Beats to seconds."""
        per_bar = self.meter.beats_per_bar
        return TempoCurve.of(self.tempo_bpm, ((mark.bar * per_bar, mark.tempo_bpm) for mark in self.tempo_map[1:]))

    @property
    def bar_s(self) -> float:
        """How long the first bar lasts."""
        return self.meter.beats_per_bar * 60 / self.tempo_bpm

    def bar_start_s(self, bar: float) -> float:
        """When a bar, counted from 0, begins."""
        return bar * self.bar_s if len(self.tempo_map) == 1 else self.tempo.seconds(bar * self.meter.beats_per_bar)

    def bar_at(self, time_s: float) -> float:
        """The inverse of :meth:`bar_start_s`."""
        if len(self.tempo_map) == 1:
            return time_s / self.bar_s
        return self.tempo.beats(time_s) / self.meter.beats_per_bar

    @property
    def bars_s(self) -> float:
        """How long all bars last."""
        return self.bar_start_s(self.bars)

    @property
    def tail_s(self) -> float:
        """What rings on after the last bar; less than 0 where the end cuts that bar short."""
        return self.duration_s - self.bars_s

    def player(self, id_: str) -> Player:
        """Raises RequestError for somebody who is not there."""
        for player in self.players:
            if player.id == id_:
                return player
        raise RequestError(f"no player {id_!r} in this piece; it has {', '.join(one.id for one in self.players)}")

    @property
    def performers(self) -> list[tuple[Player, ...]]:
        """Who is heard, each with the parts that are its hands: a stem, a strip and a MIDI track each."""
        return by_performer(self.players)

    def hands_of(self, key: str) -> tuple[Player, ...]:
        """The parts of one performer, empty where there is none of this key."""
        return tuple(player for player in self.players if player.key == key)

    def with_player(self, player: Player) -> PiecePlan:
        """The plan with one player replaced, by id."""
        return replace(self, players=tuple(player if one.id == player.id else one for one in self.players))

    def for_composer(self) -> Plan:
        """The same as the composer is told it: roles for players, and who plays by section."""
        written = [player for player in self.players if player.role in ROLE_STREAMS]
        playing = tuple(
            tuple(dict.fromkeys(one.role for one in written if _plays_most_of(one, section)))
            for section in self.sections
        )
        return Plan(
            tempo_bpm=self.tempo_bpm,
            key=self.key,
            mode=self.mode,
            time_signature=self.time_signature,
            bars=self.bars,
            duration_s=self.bars * self.bar_s + self.tail_s,  # the composer's tempo does not change
            sections=self.sections,
            players=playing,
            instrumentation=tuple((player.role, player.instrument) for player in self.players),
            timbre_tags={player.role: player.timbre_tags for player in self.players},
            style=Style(self.genres, self.moods, self.mode, self.time_signature, self.density),
            production=self.production,
            velocity_shift=self.velocity_shift,
            swing=self.swing,
            swing_unit=self.swing_unit,
            loop=self.loop,
            features=_FEATURES_OF[self.ending],
        )


@dataclass(frozen=True, eq=False)
class PieceGrid:
    """The composer's tokens (see ``score.grid``), tonic C: ``chords [steps]``, and each player's streams.

    ``chords`` int32 say more than the composer knows where more was asked for (``score.grid.harmony_token``).
    ``columns`` map a player's id to ``[steps, streams of its role]`` int16. Two players of one role have a column each.
    """

    chords: np.ndarray
    columns: Mapping[str, np.ndarray]
    version: int = GRID_VERSION

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PieceGrid)
            and self.version == other.version
            and np.array_equal(self.chords, other.chords)
            and self.columns.keys() == other.columns.keys()
            and all(np.array_equal(column, other.columns[id_]) for id_, column in self.columns.items())
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, grid: Grid, players: Sequence[Player], chords: np.ndarray | None = None) -> PieceGrid:
        """Shares a composed grid out: players of one role begin with the same notes. ``chords`` say more of its own."""
        columns = {
            player.id: grid.tokens[:, role_columns(player.role)].copy()
            for player in players
            if player.role in ROLE_STREAMS and player.written
        }
        return cls(np.array(grid.stream("chord") if chords is None else chords, np.int32), columns)

    def alone(self, player: Player, time_signature: str) -> Grid:
        """A grid in which only this player plays, over the harmony."""
        tokens = np.full((len(self.chords), len(STREAMS)), REST, np.int16)
        tokens[:, STREAMS.index("chord")] = composer_chords(self.chords)
        if player.id in self.columns:
            tokens[:, role_columns(player.role)] = self.columns[player.id]
        return Grid(tokens, time_signature)

    def together(self, players: Sequence[Player], time_signature: str) -> Grid:
        """What the composer hears: of several players of one role the first one named."""
        tokens = np.full((len(self.chords), len(STREAMS)), REST, np.int16)
        tokens[:, STREAMS.index("chord")] = composer_chords(self.chords)
        for player in reversed([one for one in players if one.id in self.columns]):
            tokens[:, role_columns(player.role)] = self.columns[player.id]
        return Grid(tokens, time_signature)

    def with_column(self, id_: str, column: np.ndarray) -> PieceGrid:
        return replace(self, columns={**self.columns, id_: column})


@dataclass(frozen=True)
class DrawSpan:
    """From bar ``start_bar``, ``bars`` bars of a player are draw ``number``; where no span lies it is draw 0."""

    start_bar: int
    bars: int
    number: int


@dataclass(frozen=True)
class Piece:
    """A whole piece. ``notes`` are what each player plays, by player id, in order of start.

    ``singing`` are the words that say how to sing, beside genre and mood. ``mix`` is None in a piece whose mix is yet
    to be decided. ``unknown`` is whatever a newer noisician wrote that this one does not know: it is kept.
    """

    seed: int
    plan: PiecePlan
    grid: PieceGrid | None
    notes: Mapping[str, tuple[Note, ...]]
    render: RenderSettings
    song: Song | None = None
    singing: str = ""
    draws: Mapping[str, tuple[DrawSpan, ...]] = field(default_factory=dict)
    mix: Mix | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def score(self) -> Score:
        """The notes with their plan, as MIDI files, pictures and mixes see them: who sings first, then who plays."""
        plan = self.plan
        players = (
            Track(one.role, one.instrument, self.notes.get(one.id, ()), one.timbre_tags, one.id, one.performer)
            for one in plan.players
        )
        return Score(
            tempo_bpm=plan.tempo_bpm,
            key=plan.key,
            mode=plan.mode,
            time_signature=plan.time_signature,
            bars=plan.bars,
            sections=plan.sections,
            tempo_changes=plan.tempo.changes,
            meter_changes=tuple(
                MeterChange(mark.bar * plan.meter.beats_per_bar, mark.time_signature) for mark in plan.meter_map[1:]
            ),
            tracks=(*(sung_tracks(self.song) if self.song is not None else ()), *players),
            chords=() if self.grid is None else chords_of(self.grid.chords, plan.meter, semitones_from_c(plan.key)),
        )


def role_columns(role: str) -> list[int]:
    """Where a role's streams lie among STREAMS."""
    return [STREAMS.index(stream) for stream in ROLE_STREAMS[role]]


def _plays_most_of(player: Player, section: Section) -> bool:
    bars = range(section.start_bar, section.start_bar + section.bars)
    return 2 * sum(player.plays_in(bar) for bar in bars) > section.bars
