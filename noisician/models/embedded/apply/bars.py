"""Moving whole bars: the one operation below every change of the form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from noisician.models.embedded.apply.context import numbers_of, spans_of, spans_of_numbers
from noisician.piece import Piece, PiecePlan, Player
from noisician.piece.derive import derived, in_order, next_id, numbered, patched, steps_of
from noisician.piece.model import MeterMark, TempoMark
from noisician.score import Note, Section
from noisician.score.grid import REST, ROLE_STREAMS
from noisician.score.perform import TIMING_LIMIT_S
from noisician.vocals.song import Song, SongLine, with_leads

#: A bar of the new piece: the bar of the old one that stands there, or None for one yet to be written.
Source = int | None


def rearranged(piece: Piece, sources: Sequence[Source], sections: Sequence[Section]) -> Piece:
    """The piece whose bars are ``sources`` of the old one, under new sections; new bars are empty.

    A note goes with the bar it begins in and ends, at the latest, where what follows is no longer what followed it.
    """
    plan = piece.plan
    players = tuple(
        replace(player, bars=spans_of(bar for bar, source in enumerate(sources) if _played(player, source)))
        for player in plan.players
    )
    moved = replace(
        plan,
        sections=tuple(sections),
        players=players,
        tempo_map=_tempo_map(plan, sources),
        meter_map=_meter_map(plan, sources),
    )
    moved = replace(moved, duration_s=moved.bars_s + plan.tail_s)
    fresh = replace(
        piece,
        plan=moved,
        grid=None
        if piece.grid is None
        else replace(
            piece.grid,
            chords=_rows(piece.grid.chords, sources, plan),
            columns={id_: _rows(column, sources, plan) for id_, column in piece.grid.columns.items()},
        ),
        notes={player.id: _notes(piece.notes.get(player.id, ()), sources, plan) for player in plan.players},
        draws=_draws(piece, sources),
        song=None if piece.song is None else _song(piece.song, sources, sections, plan.meter.beats_per_bar),
    )
    return with_atmosphere(piece, fresh)


def _meter_map(plan: PiecePlan, sources: Sequence[Source]) -> tuple[MeterMark, ...]:
    """The metre in which the piece is counted, and what a file stated inside bars that are still there."""
    first, *stated = plan.meter_map
    moved = [
        MeterMark(place + mark.bar - source, mark.time_signature)
        for place, source in enumerate(sources)
        for mark in stated
        if source is not None and source <= mark.bar < source + 1
    ]
    return (first, *moved)


def _tempo_map(plan: PiecePlan, sources: Sequence[Source]) -> tuple[TempoMark, ...]:
    """Each bar at the tempo it had; new ones at that of the bar before."""
    marks: list[TempoMark] = []
    for bar, source in enumerate(sources):
        if source is None:
            continue
        begun_bpm = next(mark.tempo_bpm for mark in reversed(plan.tempo_map) if mark.bar <= source)
        inside = [mark for mark in plan.tempo_map if source < mark.bar < source + 1]
        own = [TempoMark(bar, begun_bpm), *(TempoMark(bar + mark.bar - source, mark.tempo_bpm) for mark in inside)]
        marks += [mark for mark in own if not marks or mark.tempo_bpm != marks[-1].tempo_bpm]
    return (TempoMark(0, marks[0].tempo_bpm if marks else plan.tempo_bpm), *marks[1:])


def _played(player: Player, source: Source) -> bool:
    return source is not None and player.plays_in(source)


def _rows(tokens: np.ndarray, sources: Sequence[Source], plan: PiecePlan) -> np.ndarray:
    per_bar = plan.meter.steps_per_bar
    empty = np.full((per_bar, *tokens.shape[1:]), REST, tokens.dtype)
    bars = [empty if source is None else tokens[source * per_bar : (source + 1) * per_bar] for source in sources]
    return np.concatenate(bars)


def meant_beats(notes: Sequence[Note], plan: PiecePlan) -> list[float]:
    """When each note is meant to begin: on its sixteenth, swing and human timing taken out.

    What was set is meant where it was set, or later by as much as a player might come early.
    """
    early_beats = TIMING_LIMIT_S * plan.tempo_bpm / 60
    steps = steps_of([note.start_beats for note in notes], plan)
    return [
        note.start_beats + early_beats if note.is_set else int(step) / plan.meter.steps_per_beat
        for note, step in zip(notes, steps, strict=True)
    ]


def bar_of(notes: Sequence[Note], plan: PiecePlan) -> list[int]:
    """The bar each note belongs to: the one in which it is meant to begin."""
    return [math.floor(beats / plan.meter.beats_per_bar) for beats in meant_beats(notes, plan)]


def _notes(notes: Sequence[Note], sources: Sequence[Source], plan: PiecePlan) -> tuple[Note, ...]:
    """Notes gone with their bars. The first copy of each keeps its id."""
    bar_beats = plan.meter.beats_per_bar
    by_bar: dict[int, list[Note]] = {}
    for note, bar in zip(notes, bar_of(notes, plan), strict=True):
        by_bar.setdefault(min(bar, plan.bars - 1), []).append(note)
    out: list[Note] = []
    copies: list[Note] = []
    used: set[int] = set()
    for bar, source in enumerate(sources):
        if source is None:
            continue
        end_beats = (bar + _run(sources, bar)) * bar_beats
        shift = (bar - source) * bar_beats
        for note in by_bar.get(source, ()):
            start = max(0.0, note.start_beats + shift)
            length = min(note.duration_beats, max(end_beats - start, 1e-3))
            moved = (
                note
                if shift == 0 and length == note.duration_beats
                else replace(note, start_beats=start, duration_beats=length)
            )
            (copies if note.id in used else out).append(moved)
            used.add(note.id)
    return in_order([*out, *numbered(copies, next_id(notes))])


def _run(sources: Sequence[Source], bar: int) -> int:
    """How many bars from this one on still follow each other as they did."""
    count = 1
    while bar + count < len(sources) and sources[bar + count] == sources[bar + count - 1] + 1:  # type: ignore[operator]
        count += 1
    return count


def _draws(piece: Piece, sources: Sequence[Source]) -> Mapping[str, tuple]:
    draws = {}
    for player in piece.draws:
        numbers = numbers_of(piece, player)
        spans = spans_of_numbers([0 if source is None else numbers[source] for source in sources])
        if spans:
            draws[player] = spans
    return draws


def _song(song: Song, sources: Sequence[Source], sections: Sequence[Section], beats_per_bar: float) -> Song:
    """Lines go with their bars, where all of them stay together."""
    lines: list[SongLine] = []
    for bar, source in enumerate(sources):
        for line in song.lines:
            if source is None or source != line.start_bar or _run(sources, bar) < line.bars:
                continue
            section = next(
                number for number, one in enumerate(sections) if one.start_bar <= bar < one.start_bar + one.bars
            )
            lines.append(replace(line.moved((bar - source) * beats_per_bar), start_bar=bar, section=section))
    return replace(song, lines=with_leads(lines))


def with_atmosphere(before: Piece, after: Piece) -> Piece:
    """Textures and effects follow the form: they are derived from the sections, not from the grid."""
    notes = dict(after.notes)
    for player in after.plan.players:
        if player.role in ROLE_STREAMS or not player.written:
            continue
        old = derived(before, before.plan.player(player.id))
        notes[player.id] = patched(before.notes.get(player.id, ()), old, derived(after, player), after.plan)
    bars = ((0, after.plan.bars),)
    players = tuple(
        player if player.role in ROLE_STREAMS else replace(player, bars=bars) for player in after.plan.players
    )
    return replace(after, notes=notes, plan=replace(after.plan, players=players))
