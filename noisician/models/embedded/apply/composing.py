"""Edits for which the composer writes: regenerate, vary, new bars, somebody who joins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from noisician.composer import ComposerSettings
from noisician.composer.extend import extend as written_bars
from noisician.composer.extra import Extra, infill_extra
from noisician.composer.form import complete_players
from noisician.composer.infill import infill
from noisician.composer.regions import open_cells, vary_cells
from noisician.composer.wishes import Wishes, without_kit_pieces
from noisician.edits import AddPlayer, Keep, Regenerate, Region, Vary
from noisician.errors import RequestError
from noisician.models.embedded.apply.context import (
    Applying,
    bars_in_words,
    bars_of,
    composing_seed,
    drawn,
    is_written,
    next_number,
    players_of,
    spans_of,
)
from noisician.models.embedded.apply.hearing import heard_grid, written_down
from noisician.piece import Piece, PieceGrid, Player
from noisician.piece.create import joined, noise_stream, player_ids, stem_names
from noisician.piece.derive import derived, patched, rederived, steps_of
from noisician.piece.model import role_columns
from noisician.prompt import understand
from noisician.request import Request
from noisician.score import Note, Section
from noisician.score.decode import part_octave
from noisician.score.grid import CHORDAL, MONOPHONIC, REST, ROLE_STREAMS, Grid, with_composed_chords
from noisician.styles import ROLES, instruments


def regenerate(piece: Piece, edit: Regenerate, applying: Applying) -> Piece:
    """Raises RequestError for overlapping regions, unreadable wishes and what would come back silent."""
    wishes = _wishes(edit.text, applying)
    _check_regions(piece, edit.regions, applying)  # all of them, before anything is written
    for region in edit.regions:
        players, bars = players_of(piece, region.players), bars_of(piece, region, applying)
        number = next_number(piece, players, bars) if edit.seed is None else edit.seed
        opened = open_cells(piece.plan.for_composer(), _roles(players), bars)
        piece = _rewritten(piece, players, bars, opened, number, applying, edit.keep, wishes)
        _refuse_silence(piece, players, bars, number)
    return piece


def _check_regions(piece: Piece, regions: Sequence[Region], applying: Applying) -> None:
    """Raises RequestError for a region that is not in the piece, and for two that overlap."""
    seen: set[tuple[str, int]] = set()
    for region in regions:
        bars = bars_of(piece, region, applying)
        cells = {(player.id, bar) for player in players_of(piece, region.players) for bar in bars}
        if cells & seen:
            id_, bar = min(cells & seen)
            raise RequestError(f"{id_}, bar {bar + 1}, is in two regions; regions may not overlap")
        seen |= cells


def vary(piece: Piece, edit: Vary, applying: Applying) -> Piece:
    """Opens a share of the beats that grows with the strength; at 0 nothing changes."""
    if edit.strength == 0:
        return piece
    players, bars = players_of(piece, edit.players), bars_of(piece, edit, applying)
    number = next_number(piece, players, bars) if edit.seed is None else edit.seed
    plan = piece.plan.for_composer()
    opened = vary_cells(plan, _roles(players), bars, edit.strength, composing_seed(piece, number))
    return _rewritten(piece, players, bars, opened, number, applying)


def add_player(piece: Piece, edit: AddPlayer, applying: Applying) -> Piece:
    """Somebody joins with a line of its own. Raises RequestError for an unknown instrument or role."""
    role = _role_of(piece, edit)
    bars = bars_of(piece, Region(bars=edit.bars, seconds=edit.seconds), applying)
    (id_,) = player_ids([role], [player.id for player in piece.plan.players])
    player = Player(id_, role, edit.instrument, bars=spans_of(bars))
    player = replace(player, stream=noise_stream(f"{id_} {stem_names([player])[0]}"))
    plan = replace(piece.plan, players=(*piece.plan.players, player))
    joined_piece = replace(piece, plan=plan, notes={**piece.notes, id_: ()})
    if role not in ROLE_STREAMS:
        return rederived(piece, joined_piece, [id_])
    if piece.grid is None:
        raise RequestError("the piece holds no grid to write a new line in; its notes were given")
    number = 1 if edit.seed is None else edit.seed
    column = np.full((len(piece.grid.chords), len(role_columns(role))), REST, np.int16)
    after = replace(joined_piece, grid=piece.grid.with_column(id_, column))
    opened = open_cells(plan.for_composer(), [role], bars)
    after = _rewritten(after, [player], bars, opened, number, applying, wishes=_wishes(edit.text, applying))
    assert after.grid is not None
    octave = part_octave(after.grid.alone(player, plan.time_signature), role, edit.instrument, plan.key)
    settled = replace(after.plan.player(id_), octave_semitones=octave)
    # Only now is it known which octave the line goes to.
    after = replace(after, plan=after.plan.with_player(settled), notes={**after.notes, id_: ()})
    after = rederived(piece, after, [id_])
    _refuse_silence(after, [settled], bars, number)
    return after


def written(piece: Piece, number: int, applying: Applying, new: Sequence[Section]) -> Piece:
    """The piece with its ``new`` sections written, which are empty so far: cast as a piece of these sections would be,
    beginning as an earlier appearance where there is one."""
    grid = piece.grid
    if grid is None:
        raise RequestError("the piece holds no grid to go on from; its notes were given")
    piece = _cast(piece, new)
    plan = piece.plan.for_composer()
    rows = _rows_of(piece, [bar for one in new for bar in range(one.start_bar, one.start_bar + one.bars)])
    sounding = written_down(piece, piece.plan.players)
    assert sounding.grid is not None
    together = sounding.grid.together(piece.plan.players, piece.plan.time_signature)
    opened = np.zeros(together.tokens.shape, bool)
    opened[rows] = True
    composed = written_bars(
        applying.composer(), plan, _masked(together, opened), composing_seed(piece, number),
        heard=heard_grid(sounding, piece.plan.players, opened), settings=ComposerSettings(), on_step=applying.on_share,
    )  # fmt: skip
    columns = dict(grid.columns)
    for player in piece.plan.players:
        first = next((one for one in piece.plan.players if one.role == player.role and one.id in grid.columns), None)
        if player.id not in columns or first is None:
            continue
        unison = first.id == player.id or np.array_equal(columns[player.id], grid.columns[first.id])
        if unison:
            column = columns[player.id].copy()
            column[rows] = composed.tokens[rows][:, role_columns(player.role)]
            columns[player.id] = column
    after = replace(
        piece, grid=replace(grid, chords=with_composed_chords(grid.chords, composed.stream("chord")), columns=columns)
    )
    return rederived(piece, after, [player.id for player in piece.plan.players if is_written(player)])


def _cast(piece: Piece, new: Sequence[Section]) -> Piece:
    """Who plays in bars that are new; nobody else's bars change. Who plays in a section, plays on in its new bars."""
    plan = piece.plan.for_composer()
    roles = list(dict.fromkeys(role for role, _ in plan.instrumentation if role in ROLE_STREAMS))
    fresh = {(section.start_bar, section.bars) for section in new}
    own = [
        None if (section.start_bar, section.bars) in fresh else playing
        for section, playing in zip(plan.sections, plan.players, strict=True)
    ]
    chosen = complete_players(plan.sections, own, roles)
    casts = {
        (section.start_bar, section.bars): set(playing) for section, playing in zip(plan.sections, chosen, strict=True)
    }
    players = []
    for player in piece.plan.players:
        more = [
            (section.start_bar, section.start_bar + section.bars)
            for section in new
            if player.role in casts.get((section.start_bar, section.bars), ())
            or ((section.start_bar, section.bars) not in casts and player.plays_in(section.start_bar - 1))
        ]
        players.append(replace(player, bars=joined([*player.bars, *more])) if more else player)
    return replace(piece, plan=replace(piece.plan, players=tuple(players)))


def _masked(grid: Grid, opened: np.ndarray) -> Grid:
    from noisician.composer.conditions import MASK_TOKENS

    return Grid(np.where(opened, MASK_TOKENS, grid.tokens), grid.time_signature)


def _rows_of(piece: Piece, bars: Iterable[int]) -> np.ndarray:
    per_bar = piece.plan.meter.steps_per_bar
    return np.concatenate([np.arange(bar * per_bar, (bar + 1) * per_bar) for bar in bars])


def _rewritten(
    piece: Piece,
    players: Sequence[Player],
    bars: Sequence[int],
    opened: np.ndarray,
    number: int,
    applying: Applying,
    keep: Keep = "nothing",
    wishes: Wishes | None = None,
) -> Piece:
    """The piece with the open cells ``[steps, streams]`` of some players written anew, and their bars drawn anew."""
    lines = [player for player in players if is_written(player)]
    given = [player.id for player in players if player.role in ROLE_STREAMS and not player.written]
    if given:
        raise RequestError(f"{', '.join(given)}: the notes were given and are in no grid; set notes instead")
    if not lines or piece.grid is None:
        return drawn(piece, players, bars, number)
    columns = piece.grid.columns
    piece = written_down(piece, piece.plan.players)
    after = _playing_in(drawn(piece, players, bars, number), lines, bars)
    opened = _without_set_notes(piece, lines, opened)
    seed = composing_seed(piece, number)
    firsts = _first_of_each_role(lines)
    for turn in range(1 + len(lines) - len(firsts)):
        grid = after.grid
        assert grid is not None
        plan = after.plan.for_composer()
        if turn == 0:
            order = [*firsts, *(one for one in after.plan.players if one not in firsts)]
            heard = heard_grid(after, order, opened)
            composed = infill(
                applying.composer(), plan, heard, opened, seed, keep=keep, wishes=wishes, on_step=applying.on_share
            )
            fresh = {one.id: _own_cells(grid, one, composed, opened) for one in firsts}
            after = replace(after, grid=replace(grid, columns={**grid.columns, **fresh}))
            continue
        extra = [one for one in lines if one not in firsts][turn - 1]
        others = [one for one in after.plan.players if one.id != extra.id]
        own = opened[:, role_columns(extra.role)]
        line = infill_extra(
            applying.composer(), plan, heard_grid(after, others),
            Extra(extra.role, own, grid.columns[extra.id]), composing_seed(piece, number + turn),
            keep=keep, wishes=wishes, on_step=applying.on_share,
        )  # fmt: skip
        after = replace(after, grid=grid.with_column(extra.id, line))
    notes = {player.id: _following(piece, after, player, opened) for player in lines}
    assert after.grid is not None
    own = {player.id: after.grid.columns[player.id] for player in lines}
    return replace(after, grid=replace(after.grid, columns={**columns, **own}), notes={**after.notes, **notes})


def _own_cells(grid: PieceGrid, player: Player, composed: Grid, opened: np.ndarray) -> np.ndarray:
    """A player's column with its open cells as they were composed."""
    streams = role_columns(player.role)
    return np.where(opened[:, streams], composed.tokens[:, streams], grid.columns[player.id])


def _following(before: Piece, after: Piece, player: Player, opened: np.ndarray) -> tuple[Note, ...]:
    """A player's notes as the grid of ``after`` has them: in open cells all of them but those that somebody set,
    elsewhere where the grid has changed."""
    notes = before.notes[player.id]
    rows: np.ndarray = np.any(opened[:, role_columns(player.role)], axis=1)

    def inside(some: Sequence[Note]) -> list[bool]:
        steps = steps_of([note.start_beats for note in some], before.plan)
        return rows[np.clip(steps, 0, len(rows) - 1)].tolist()

    old = derived(before, player)
    was = [note for note, is_open in zip(old, inside(old), strict=True) if not is_open]
    # What is played may be no longer what the grid says: its chords were changed, say, and nobody followed.
    was += [note for note, is_open in zip(notes, inside(notes), strict=True) if is_open and not note.is_set]
    return patched(notes, was, derived(after, after.plan.player(player.id)), after.plan)


def _without_set_notes(piece: Piece, players: Sequence[Player], opened: np.ndarray) -> np.ndarray:
    """The open cells, less those in which notes of these players sound that somebody set."""
    opened, per_beat = opened.copy(), piece.plan.meter.steps_per_beat
    for player in players:
        for note in piece.notes[player.id]:
            if note.is_set:
                first, last = (round(beats * per_beat) for beats in (note.start_beats, note.end_beats))
                opened[first : max(last, first + 1), role_columns(player.role)] = False
    return opened


def _first_of_each_role(players: Sequence[Player]) -> list[Player]:
    firsts: dict[str, Player] = {}
    for player in players:
        firsts.setdefault(player.role, player)
    return list(firsts.values())


def _playing_in(piece: Piece, players: Sequence[Player], bars: Sequence[int]) -> Piece:
    """Who is asked to play somewhere, plays there."""
    plan = piece.plan
    for player in players:
        plan = plan.with_player(replace(plan.player(player.id), bars=joined([*player.bars, *spans_of(bars)])))
    return replace(piece, plan=plan)


def _roles(players: Iterable[Player]) -> list[str]:
    return list(dict.fromkeys(player.role for player in players if player.role in ROLE_STREAMS))


def _wishes(text: str, applying: Applying) -> Wishes | None:
    """What somebody's own words say of a region; what they say beyond it is told."""
    if not text.strip():
        return None
    forbidden, rest = without_kit_pieces(text)
    controls = understand(Request(prompt=rest))
    if controls.not_understood:
        applying.remark(f"not understood: {', '.join(controls.not_understood)}")
    wishes = Wishes.of(controls)
    return replace(wishes, forbidden=wishes.forbidden | forbidden)


def _refuse_silence(piece: Piece, players: Iterable[Player], bars: Sequence[int], number: int) -> None:
    from noisician.models.embedded.apply.bars import bar_of

    wanted = set(bars)
    for player in players:
        if not is_written(player):
            continue
        notes = piece.notes[player.id]
        if not any(bar in wanted for bar in bar_of(notes, piece.plan)):
            raise RequestError(f"seed {number} leaves {player.id} silent in {bars_in_words(bars)}; take another seed")


def _role_of(piece: Piece, edit: AddPlayer) -> str:
    """The role asked for, else the instrument's own first one that is free, else its first."""
    table = instruments()
    if edit.instrument not in table:
        raise RequestError(f"unknown instrument {edit.instrument!r}; 'noisician styles instruments' lists them")
    able = table[edit.instrument].roles
    if edit.role is not None:
        if edit.role not in ROLES:
            raise RequestError(f"unknown role {edit.role!r}; there are {', '.join(ROLES)}")
        pitched = table[edit.instrument].excitation == "harmonic"
        if edit.role not in able and not (pitched and edit.role in (*MONOPHONIC, *CHORDAL)):
            raise RequestError(f"{edit.instrument} cannot be {edit.role}; it can be {', '.join(able)}")
        return edit.role
    taken = {player.role for player in piece.plan.players}
    return next((role for role in able if role not in taken), able[0])
