"""Edits of the notes themselves: set, copied, moved, silenced, taken from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from noisician.edits import ChangedNote, Copy, Rest, SetNotes, SetTiming, Transpose, UseFrom
from noisician.errors import RequestError
from noisician.models.embedded.apply.bars import bar_of
from noisician.models.embedded.apply.context import (
    Applying,
    bar_span,
    bars_in_words,
    bars_of,
    numbers_of,
    player_of,
    players_of,
    spans_of,
    spans_of_numbers,
)
from noisician.piece import Piece, PiecePlan, Player
from noisician.piece.create import joined
from noisician.piece.derive import in_order, next_id, numbered, steps_of
from noisician.score import Note, Score, Track
from noisician.score.grid import ROLE_STREAMS
from noisician.score.harmony import SCALES, pitch_class
from noisician.score.perform import perform
from noisician.styles import PITCHED_ROLES

#: Shorter notes are not heard.
SHORTEST_BEATS = 1e-3


def set_notes(piece: Piece, edit: SetNotes, applying: Applying) -> Piece:
    """Raises RequestError for notes that are not there or lie beyond the piece."""
    player = player_of(piece, edit.player)
    if not (edit.add or edit.change or edit.delete):
        raise RequestError(f"notes of {player.id}: nothing to add, change or delete")
    notes = {note.id: note for note in piece.notes[player.id]}
    for id_ in (*edit.delete, *(change.id for change in edit.change)):
        if id_ not in notes:
            raise RequestError(f"{player.id} has no note {id_}; its notes are numbered 1 to {max(notes, default=0)}")
    for id_ in edit.delete:
        del notes[id_]
    for change in edit.change:
        if change.id not in notes:
            raise RequestError(f"note {change.id} of {player.id} is both deleted and changed")
        notes[change.id] = _changed(notes[change.id], change)
    added = [Note(**one.model_dump(exclude={"id"}), id=one.id or 0) for one in edit.add]
    for note in (note for note in added if note.id):
        if notes.setdefault(note.id, note) is not note:
            raise RequestError(f"{player.id} has a note {note.id} already; a note without id gets one")
    fresh = numbered((note for note in added if not note.id), next_id([*piece.notes[player.id], *notes.values()]))
    for note in (*notes.values(), *fresh):
        _check_inside(piece, player, note)
    return _with_notes(piece, player, [*notes.values(), *fresh])


def _changed(note: Note, change: ChangedNote) -> Note:
    return replace(note, **{"is_set": True, **change.model_dump(exclude={"id"}, exclude_none=True)})


def _check_inside(piece: Piece, player: Player, note: Note) -> None:
    end_beats = piece.plan.bars * piece.plan.meter.beats_per_bar
    if note.start_beats >= end_beats or note.end_beats > end_beats + 1e-6:
        raise RequestError(
            f"a note of {player.id} at beat {note.start_beats:g} for {note.duration_beats:g} beats ends beyond the "
            f"piece, which has {end_beats} beats; extend it first"
        )


def rest(piece: Piece, edit: Rest, applying: Applying) -> Piece:
    """Silences players in some bars: what begins there goes, what sounds into them ends there."""
    players, bars = players_of(piece, edit.players), bars_of(piece, edit, applying)
    for player in players:
        piece = _silenced(piece, player, bars)
    _refuse_silence(piece)
    return piece


def _silenced(piece: Piece, player: Player, bars: Sequence[int]) -> Piece:
    bar_beats, own = piece.plan.meter.beats_per_bar, piece.notes[player.id]
    # What has no bars of its own sounds through them all: it is cut out of them, and goes on behind.
    through = player.role not in ROLE_STREAMS
    notes: list[Note] = []
    for note, bar in zip(own, bar_of(own, piece.plan), strict=True):
        if through:
            parts = [note]
            for first, last in spans_of(bars):
                parts = [part for one in parts for part in _without(one, first * bar_beats, last * bar_beats)]
            notes += parts
        elif bar not in bars:
            starts = [first * bar_beats for first, _ in spans_of(bars) if first > bar]
            end_beats = min([note.end_beats, *starts])
            notes.append(
                replace(note, duration_beats=end_beats - note.start_beats) if end_beats < note.end_beats else note
            )
    whole: dict[int, Note] = {}
    further = [note for note in notes if whole.setdefault(note.id, note) is not note]
    silent = spans_of(bar for bar in range(piece.plan.bars) if player.plays_in(bar) and bar not in bars)
    plan = piece.plan.with_player(replace(player, bars=silent))
    kept = [*whole.values(), *numbered(further, next_id(own))]
    return _with_notes(replace(piece, plan=plan), plan.player(player.id), kept)


def _without(note: Note, start: float, end: float) -> list[Note]:
    """What is left of a note outside some beats."""
    if note.end_beats <= start + 1e-9 or note.start_beats >= end - 1e-9:
        return [note]
    before = [replace(note, duration_beats=start - note.start_beats)] if note.start_beats < start - 1e-9 else []
    after = [replace(note, start_beats=end, duration_beats=note.end_beats - end)] if note.end_beats > end + 1e-9 else []
    return before + after


def copy(piece: Piece, edit: Copy, applying: Applying) -> Piece:
    """Copies bars over others, with grid and draws."""
    first, last = bar_span(piece, edit.bars)
    target = edit.to_bar - 1
    if target + last - first > piece.plan.bars:
        raise RequestError(
            f"{last - first} bars copied to bar {edit.to_bar} end beyond the piece, which has {piece.plan.bars} bars"
        )
    sources = {target + bar: first + bar for bar in range(last - first)}
    return _taken(piece, piece, players_of(piece, edit.players), sources)


def use_from(piece: Piece, edit: UseFrom, applying: Applying) -> Piece:
    """Bars of some players as another version has them, its chords included where everybody pitched comes along.

    Raises RequestError for a piece that does not fit.
    """
    other = applying.others(edit.source)
    mine, its = piece.plan, other.plan
    if (mine.key, mine.mode, mine.time_signature) != (its.key, its.mode, its.time_signature):
        raise RequestError(
            f"{edit.source} is in {its.key} {its.mode}, {its.time_signature}, and this piece in "
            f"{mine.key} {mine.mode}, {mine.time_signature}; only versions that agree can lend bars"
        )
    bars = bars_of(piece, edit, applying)
    if max(bars) >= its.bars:
        raise RequestError(f"bar {max(bars) + 1}: {edit.source} has {its.bars} bars")
    players = players_of(piece, edit.players)
    there = {player.id for player in its.players}
    strangers = [player.id for player in players if player.id not in there]
    if strangers:
        raise RequestError(f"{edit.source} has no {', '.join(strangers)}; it has {', '.join(sorted(there))}")
    piece = _taken(piece, other, players, {bar: bar for bar in bars})
    return _with_harmony(piece, edit.source, other, players, bars, applying)


def _with_harmony(
    piece: Piece, name: str, other: Piece, players: Sequence[Player], bars: Sequence[int], applying: Applying
) -> Piece:
    """The chords of bars that were taken from ``other``, called ``name``, where nobody else who plays there needs the
    old ones; else a remark, for whoever stays would be in another harmony."""
    if piece.grid is None or other.grid is None or not any(one.role in PITCHED_ROLES for one in players):
        return piece
    per_bar = piece.plan.meter.steps_per_bar
    own, there = piece.grid.chords.reshape(-1, per_bar), other.grid.chords.reshape(-1, per_bar)
    differing = [bar for bar in bars if (own[bar] != there[bar]).any()]
    if not differing:
        return piece
    taken = {player.id for player in players}
    staying = [
        player.id
        for player in piece.plan.players
        if player.role in PITCHED_ROLES and player.id not in taken and any(player.plays_in(bar) for bar in differing)
    ]
    lines = () if piece.song is None else piece.song.lines
    if any(line.start_bar <= bar < line.start_bar + line.bars for line in lines for bar in differing):
        staying.append("who sings")
    if staying:
        stayed = ", ".join(staying)
        applying.remark(
            f"{name} has other chords in {bars_in_words(differing)}; {stayed} stayed, so the old ones are kept"
        )
        return piece
    chords = own.copy()
    chords[differing] = there[differing]
    return replace(piece, grid=replace(piece.grid, chords=chords.reshape(-1)))


def _taken(piece: Piece, source: Piece, players: Sequence[Player], bars: Mapping[int, int]) -> Piece:
    """``bars`` (here → there) of players as they are in ``source``."""
    bar_beats = piece.plan.meter.beats_per_bar
    end_beats = piece.plan.bars * bar_beats
    for player in players:
        old = piece.notes[player.id]
        kept = [note for note, bar in zip(old, bar_of(old, piece.plan), strict=True) if bar not in bars]
        there = source.notes[player.id]
        by_bar: dict[int, list[Note]] = {}
        for note, bar in zip(there, bar_of(there, source.plan), strict=True):
            by_bar.setdefault(bar, []).append(note)
        copies = [
            _moved_inside(note, (bar - its) * bar_beats, end_beats)
            for bar, its in bars.items()
            for note in by_bar.get(its, ())
        ]
        same = {(note.start_beats, note.pitch, note.duration_beats, note.velocity): note for note in old}
        matched = [
            same.get((note.start_beats, note.pitch, note.duration_beats, note.velocity), replace(note, id=0))
            for note in copies
        ]
        fresh = numbered([note for note in matched if note.id == 0], next_id(old))
        whole = [_cut_at(note, kept, bars, bar_beats) for note in kept]
        notes = in_order([*whole, *(note for note in matched if note.id), *fresh])
        piece = _with_bars_of(replace(piece, notes={**piece.notes, player.id: notes}), source, player, bars)
    return piece


def _moved_inside(note: Note, beats: float, end_beats: float) -> Note:
    """A note that much later, which sounds neither before the piece nor beyond its end."""
    start = max(0.0, note.start_beats + beats)
    return replace(note, start_beats=start, duration_beats=min(note.duration_beats, end_beats - start))


def _cut_at(note: Note, kept: Sequence[Note], bars: Mapping[int, int], bar_beats: float) -> Note:
    """A note that stays ends where bars that were replaced begin."""
    starts = [
        bar * bar_beats for bar in bars if bar - 1 not in bars and note.start_beats < bar * bar_beats < note.end_beats
    ]
    return replace(note, duration_beats=max(min(starts) - note.start_beats, SHORTEST_BEATS)) if starts else note


def _with_bars_of(piece: Piece, source: Piece, player: Player, bars: Mapping[int, int]) -> Piece:
    """Grid, draws and activity of a player's bars as in ``source``."""
    its = source.plan.player(player.id)
    active = {
        bar for bar in range(piece.plan.bars) if (its.plays_in(bars[bar]) if bar in bars else player.plays_in(bar))
    }
    numbers, there = numbers_of(piece, player.id), numbers_of(source, player.id)
    for bar, from_bar in bars.items():
        numbers[bar] = there[from_bar]
    draws = {**piece.draws, player.id: spans_of_numbers(numbers)}
    grid = piece.grid
    if grid is not None and source.grid is not None and player.id in grid.columns and player.id in source.grid.columns:
        per_bar = piece.plan.meter.steps_per_bar
        column = grid.columns[player.id].copy()
        for bar, from_bar in bars.items():
            rows = source.grid.columns[player.id][from_bar * per_bar : (from_bar + 1) * per_bar]
            column[bar * per_bar : (bar + 1) * per_bar] = rows
        grid = grid.with_column(player.id, column)
    return replace(
        piece,
        plan=piece.plan.with_player(replace(player, bars=joined(spans_of(active)))),
        draws={id_: spans for id_, spans in draws.items() if spans},
        grid=grid,
    )


def transpose(piece: Piece, edit: Transpose, applying: Applying) -> Piece:
    """Moves notes by semitones or degrees; they count as set."""
    if (edit.semitones is None) == (edit.degrees is None):
        raise RequestError("transpose by semitones or by degrees, one of them")
    move = _mover(piece.plan, edit)
    players = [player for player in players_of(piece, edit.players) if player.role not in ("drums", "texture", "fx")]
    if not players:
        raise RequestError("drums, textures and effects have no pitch to transpose; name somebody else")
    bars = bars_of(piece, edit, applying)
    for player in players:
        piece = _mapped(piece, player, bars, lambda note: replace(note, pitch=move(note.pitch)))
    return piece


def _mover(plan: PiecePlan, edit: Transpose) -> Callable[[int], int]:
    from noisician.vocals.song import harmony_pitch

    def inside(pitch: int) -> int:
        if not 0 <= pitch <= 127:
            raise RequestError(f"pitch {pitch} is outside MIDI's 0 … 127; transpose by less")
        return pitch

    if edit.semitones is not None:
        semitones = edit.semitones
        return lambda pitch: inside(pitch + semitones)
    degrees, scale, tonic = edit.degrees or 0, SCALES[plan.mode], pitch_class(plan.key)
    return lambda pitch: inside(harmony_pitch(pitch, degrees, scale, tonic))


def set_timing(piece: Piece, edit: SetTiming, applying: Applying) -> Piece:
    """Quantises, swings, humanises or shades notes; they count as set."""
    if all(value is None for value in (edit.quantise, edit.swing, edit.humanise, edit.velocity)):
        raise RequestError("timing: say quantise, swing, humanise or velocity")
    bars = bars_of(piece, edit, applying)
    for player in players_of(piece, edit.players):
        notes = [
            note
            for note, bar in zip(piece.notes[player.id], bar_of(piece.notes[player.id], piece.plan), strict=True)
            if bar in bars
        ]
        moved = {note.id: new for note, new in zip(notes, _retimed(piece, player, notes, edit), strict=True)}
        piece = _mapped(piece, player, bars, lambda note, moved=moved: moved[note.id])
    return piece


def _retimed(piece: Piece, player: Player, notes: Sequence[Note], edit: SetTiming) -> list[Note]:
    plan, per_beat = piece.plan, piece.plan.meter.steps_per_beat
    steps = steps_of([note.start_beats for note in notes], plan)
    out = list(notes)
    if edit.quantise is not None:
        out = [
            replace(note, start_beats=note.start_beats + edit.quantise * (step / per_beat - note.start_beats))
            for note, step in zip(out, steps, strict=True)
        ]
    if edit.swing is not None or edit.humanise is not None:
        swing = plan.swing if edit.swing is None else edit.swing
        humanise = plan.humanise if edit.humanise is None else edit.humanise
        straight = [replace(note, start_beats=step / per_beat) for note, step in zip(out, steps, strict=True)]
        out = _performed(piece, player, straight, swing, humanise)
    if edit.velocity is not None:
        out = [replace(note, velocity=min(max(note.velocity + edit.velocity, 1), 127)) for note in out]
    return out


def _performed(piece: Piece, player: Player, notes: Sequence[Note], swing: float, humanise: float) -> list[Note]:
    """Each note's onset as it would be played; lengths and velocities stay."""
    plan = piece.plan
    bare = Score(plan.tempo_bpm, plan.key, plan.mode, plan.time_signature, plan.bars, plan.sections)
    out = []
    for note in notes:  # one at a time: whoever is beside a note must not move it
        alone = replace(bare, tracks=(Track(player.role, player.instrument, (replace(note, duration_beats=0.25),)),))
        played = perform(alone, swing=swing, humanise=humanise, seed=piece.seed, swing_unit=plan.swing_unit)
        start = played.tracks[0].notes[0].start_beats if played.tracks[0].notes else note.start_beats
        out.append(replace(note, start_beats=start))
    return out


def _mapped(piece: Piece, player: Player, bars: Iterable[int], change: Callable[[Note], Note]) -> Piece:
    """Every note that begins in some bars changed, and marked as set; none leaves the piece."""
    wanted, old = set(bars), piece.notes[player.id]
    last_beats = float(piece.plan.bars * piece.plan.meter.beats_per_bar)
    notes = []
    for note, bar in zip(old, bar_of(old, piece.plan), strict=True):
        new = change(note) if bar in wanted else note
        if new != note:
            start = min(max(new.start_beats, 0.0), last_beats - SHORTEST_BEATS)
            new = replace(
                new, start_beats=start, duration_beats=min(new.duration_beats, last_beats - start), is_set=True
            )
        notes.append(new)
    return _with_notes(piece, player, notes)


def _with_notes(piece: Piece, player: Player, notes: Iterable[Note]) -> Piece:
    """A player's notes replaced. The grid stays as it was composed: see :mod:`~.hearing`."""
    return replace(piece, notes={**piece.notes, player.id: in_order(notes)})


def _refuse_silence(piece: Piece) -> None:
    if not any(piece.notes.values()) and piece.song is None:
        raise RequestError("that would leave nobody playing; keep at least one player")
