"""From a player's grid to the notes it plays, and how a change of the grid reaches the notes.

Deriving is deterministic, so a change is the difference between what the old and the new grid derive to. Only that
difference is applied: notes that nobody touched keep their ids and their bits, notes set by hand stay whatever the grid
says, and a note somebody deleted comes back only where the grid changed under it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from noisician.piece.model import Piece, PiecePlan, Player
from noisician.score import Note, Score, Track
from noisician.score.decode import part_notes
from noisician.score.grid import Grid
from noisician.score.ornaments import Adorning, adorned
from noisician.score.perform import perform, shade, swing_pair_steps, unswing_time
from noisician.styles import table

#: A note's place on the grid: (step, pitch, how many of that pitch come before it there).
Place = tuple[int, int, int]


def derived_notes(
    plan: PiecePlan, grid: Grid, player: Player, seed: int, chords: np.ndarray | None = None
) -> tuple[Note, ...]:
    """What a player plays of a grid, performed and shaded; ids are 0. ``chords`` are the piece's own, where they say
    more than the grid's. Raises RequestError for an unknown instrument."""
    bare = Score(plan.tempo_bpm, plan.key, plan.mode, plan.time_signature, plan.bars, plan.sections)
    notes = part_notes(grid, player.role, player.instrument, bare, player.octave_semitones, player.voice, chords)
    notes = adorned(notes, _adorning(plan, player, seed))
    straight = replace(bare, tracks=(Track(player.role, player.instrument, notes),))
    played = perform(straight, swing=plan.swing, humanise=plan.humanise, seed=seed, swing_unit=plan.swing_unit)
    return shade(played, plan.velocity_shift, plan.mean_energy).tracks[0].notes


def _adorning(plan: PiecePlan, player: Player, seed: int) -> Adorning:
    kinds = table("ornaments").get(plan.ornaments, {}).get(player.role, {})
    return Adorning(kinds, player.role, plan.key, plan.mode, plan.meter, plan.tempo_bpm, seed)


def derived(piece: Piece, player: Player) -> tuple[Note, ...]:
    """What the piece's own grid says a player plays; nothing for one whose notes were given."""
    if piece.grid is None or not player.written:
        return ()
    grid = piece.grid.alone(player, piece.plan.time_signature)
    return derived_notes(piece.plan, grid, player, piece.seed, piece.grid.chords)


def numbered(notes: Iterable[Note], first_id: int = 1) -> tuple[Note, ...]:
    """Notes with ids of their own, from ``first_id`` on, in order of start."""
    ordered = sorted(notes, key=lambda note: (note.start_beats, note.pitch))
    return tuple(replace(note, id=first_id + place) for place, note in enumerate(ordered))


def next_id(notes: Sequence[Note]) -> int:
    """An id no note has; it only grows, so that an id once given is never given again within a version."""
    return 1 + max((note.id for note in notes), default=0)


def places(notes: Iterable[Note], plan: PiecePlan) -> dict[Place, Note]:
    """Notes by their place on the grid, swing and human timing taken out."""
    notes = sorted(notes, key=lambda note: note.start_beats)
    steps = steps_of([note.start_beats for note in notes], plan)
    before: Counter[tuple[int, int]] = Counter()
    found: dict[Place, Note] = {}
    for step, note in zip(steps.tolist(), notes, strict=True):
        found[step, note.pitch, before[step, note.pitch]] = note
        before[step, note.pitch] += 1
    return found


def steps_of(beats: Sequence[float], plan: PiecePlan) -> np.ndarray:
    """The steps nearest to times in played beats, ``[times]``."""
    meter = plan.meter
    straight = unswing_time(
        np.asarray(beats, float) * meter.steps_per_beat, plan.swing, swing_pair_steps(meter, plan.swing_unit)
    )
    return np.rint(straight).astype(int)


def rederived(before: Piece, after: Piece, players: Iterable[str]) -> Piece:
    """``after`` with the notes of ``players`` following its grid and plan as they changed from ``before``.

    The bars of both must mean the same; where bars move, move the notes first.
    """
    notes: dict[str, tuple[Note, ...]] = dict(after.notes)
    for id_ in players:
        player = after.plan.player(id_)
        old = derived(before, before.plan.player(id_)) if id_ in before.notes else ()
        notes[id_] = patched(after.notes.get(id_, ()), old, derived(after, player), after.plan)
    return replace(after, notes=notes)


def patched(notes: Sequence[Note], old: Sequence[Note], new: Sequence[Note], plan: PiecePlan) -> tuple[Note, ...]:
    """``notes`` with the difference between two derivations applied to those that nobody set."""
    was, becomes = places(old, plan), places(new, plan)
    kept: list[Note] = [note for note in notes if note.is_set]
    taken = set(steps_of([note.start_beats for note in kept], plan).tolist())
    current: Mapping[Place, Note] = places((note for note in notes if not note.is_set), plan)
    for place, note in current.items():
        if place not in becomes:
            if place not in was:  # not the grid's: nothing it says can concern it
                kept.append(note)
        elif was.get(place) == becomes[place]:
            kept.append(note)
        else:
            kept.append(replace(becomes[place], id=note.id))
    # What the grid says where a note was set is that note, written down for others to hear.
    new_places = [place for place in becomes if place not in current and place[0] not in taken]
    fresh = [becomes[place] for place in new_places if place not in was]
    return in_order([*kept, *numbered(fresh, next_id(notes))])


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.start_beats, note.pitch, note.id)))
