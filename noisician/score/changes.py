"""What somebody changed in a piece's MIDI file: the notes that differ, player by player.

A file comes back from another program with its tracks renamed, reordered or left out, perhaps in coarser ticks. What
was exported is compared with what came back in the file's own ticks, so rounding is no change.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import product
from statistics import fmean

from noisician.errors import RequestError
from noisician.score.hands import by_performer, struck
from noisician.score.midi import TICKS_PER_QUARTER, read_midi, write_midi
from noisician.score.model import Note, Score, Track

#: A file with fewer of its notes in common with a piece is taken for another piece's.
SAME_PIECE_SHARE = 0.5
#: So many notes of each hand say how near a new one lies to it.
_NEAR_NOTES = 5


@dataclass(frozen=True)
class NoteChanges:
    """``changed`` are notes as they were and as they are to be; ``deleted`` are ids; ``added`` have none."""

    player: str
    added: tuple[Note, ...] = ()
    changed: tuple[tuple[Note, Note], ...] = ()
    deleted: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Event:
    """A note in ticks, with the note it stands for."""

    pitch: int
    start: int
    length: int
    velocity: int
    note: Note


def note_changes(score: Score, edited: Score, ticks_per_quarter: int = TICKS_PER_QUARTER) -> tuple[NoteChanges, ...]:
    """What ``edited``, read from a file of so many ticks, has other than ``score``; only players who differ.

    A player whose track is not in the file stays as it is. Raises RequestError for a file of another piece, for a track
    that is no player's, and for changes of what is sung.
    """
    performers = by_performer(score.tracks)
    exported = _exported(score)
    pairs = _matched(exported, edited.tracks, score, edited)
    before = {place: _events(track, score, ticks_per_quarter) for place, track in enumerate(exported)}
    after = {place: _events(track, edited, ticks_per_quarter) for place, track in enumerate(edited.tracks)}
    _check_same_piece(score, edited, [(before[own], after[other]) for own, other in pairs.items()])
    for place, track in enumerate(edited.tracks):
        if track.notes and place not in pairs.values():
            raise RequestError(
                f"the MIDI file has a track ({track.role}, {len(track.notes)} notes) that is no player of this piece; "
                "add the player first"
            )
    exact = ticks_per_quarter % TICKS_PER_QUARTER == 0
    scale = edited.meter.steps_per_beat / score.meter.steps_per_beat
    found = []
    for own, other in sorted(pairs.items()):
        changes = _compared(exported[own].player, before[own], after[other], exact, scale)
        if changes.added or changes.changed or changes.deleted:
            if not changes.player:
                raise RequestError(f"the notes of {exported[own].role} are sung; change the words or the voice")
            found += _by_hand(changes, performers[own])
    return tuple(found)


def _exported(score: Score) -> tuple[Track, ...]:
    """The tracks as a MIDI file of the piece says them, rounded to ticks, each note with the id it has in the piece."""
    file = BytesIO()
    write_midi(score, file)
    file.seek(0)
    ticks = TICKS_PER_QUARTER * score.meter.steps_per_beat // 4
    tracks = []
    for hands, written in zip(by_performer(score.tracks), read_midi(file).tracks, strict=True):
        notes = sorted(
            struck([hand.notes for hand in hands]),
            key=lambda one: (round(one[1].start_beats * ticks), one[1].pitch),
        )
        same = tuple(
            replace(read, id=note.id * len(hands) + hand, is_set=note.is_set)
            for read, (hand, note) in zip(written.notes, notes, strict=True)
        )
        tracks.append(replace(written, notes=same, player=hands[0].performer or hands[0].player))
    return tuple(tracks)


def _by_hand(changes: NoteChanges, hands: Sequence[Track]) -> list[NoteChanges]:
    """What changed of each hand's notes: ids of :func:`_exported` are those of all hands in turn. A new note is given
    to the hand that plays nearest to it.
    """
    count = len(hands)
    if count == 1:
        return [changes]

    def own(note: Note) -> Note:
        return replace(note, id=note.id // count)

    def distance(note: Note, hand: Track) -> float:
        near = sorted(hand.notes, key=lambda other: abs(other.start_beats - note.start_beats))[:_NEAR_NOTES]
        return abs(note.pitch - fmean(other.pitch for other in near)) if near else float("inf")

    nearest = [min(range(count), key=lambda hand: distance(note, hands[hand])) for note in changes.added]
    shared = [
        NoteChanges(
            hand.player,
            added=tuple(note for note, place in zip(changes.added, nearest, strict=True) if place == number),
            changed=tuple((own(was), own(now)) for was, now in changes.changed if was.id % count == number),
            deleted=tuple(id_ // count for id_ in changes.deleted if id_ % count == number),
        )
        for number, hand in enumerate(hands)
    ]
    return [one for one in shared if one.added or one.changed or one.deleted]


def _events(track: Track, score: Score, ticks_per_quarter: int) -> tuple[_Event, ...]:
    ticks = ticks_per_quarter * score.meter.steps_per_beat / 4
    return tuple(
        _Event(
            note.pitch,
            round(note.start_beats * ticks),
            round(note.end_beats * ticks) - round(note.start_beats * ticks),
            note.velocity,
            note,
        )
        for note in track.notes
    )


def _matched(own: Sequence[Track], others: Sequence[Track], score: Score, edited: Score) -> Mapping[int, int]:
    """Which track of the file is whose: by the names we gave, else by the notes in common, then by role."""
    names = [track.player for track in others]
    if all(names) and len(set(names)) == len(names) and set(names) <= {track.player for track in own}:
        ids = {track.player: place for place, track in enumerate(own)}
        return {ids[name]: place for place, name in enumerate(names)}

    def likeness(pair: tuple[int, int]) -> tuple[int, bool, bool, int]:
        mine, other = own[pair[0]], others[pair[1]]
        return (
            _in_common(_events(mine, score, _COARSE_TICKS), _events(other, edited, _COARSE_TICKS)),
            bool(mine.player) and mine.player == other.player,
            (mine.role, mine.instrument) == (other.role, other.instrument),
            -abs(pair[0] - pair[1]),
        )

    found: dict[int, int] = {}
    every = product(range(len(own)), range(len(others)))
    ranked = sorted(((likeness(pair), pair) for pair in every), reverse=True)
    for (common, named, same, _), (mine, other) in ranked:
        alike = common or named or same or own[mine].role == others[other].role
        if alike and mine not in found and other not in found.values():
            found[mine] = other
    return found


#: Finer than any rhythm, coarser than any rounding: 24 ticks a quarter are 64th triplets.
_COARSE_TICKS = 24


def _in_common(some: Iterable[_Event], others: Iterable[_Event]) -> int:
    left: dict[tuple[int, int], int] = defaultdict(int)
    for event in some:
        left[event.pitch, event.start] += 1
    common = 0
    for event in others:
        if left[event.pitch, event.start] > 0:
            left[event.pitch, event.start] -= 1
            common += 1
    return common


def _check_same_piece(
    score: Score, edited: Score, pairs: Sequence[tuple[tuple[_Event, ...], tuple[_Event, ...]]]
) -> None:
    """Its own harmony and form in the file say enough; where another program dropped them, the notes must."""
    if score.chords and (edited.chords, edited.sections) == (score.chords, score.sections):
        return
    common = sum(_in_common(before, after) for before, after in pairs)
    notes = sum(len(track.notes) for track in edited.tracks)
    if common < SAME_PIECE_SHARE * notes or not pairs:
        raise RequestError(
            f"the MIDI file has {common} of its {notes} notes in common with this piece; it is of another piece"
        )


def _compared(
    player: str, before: tuple[_Event, ...], after: tuple[_Event, ...], exact: bool, scale: float
) -> NoteChanges:
    """Notes paired off by what they have in common, most first; what finds no partner was deleted or added.

    ``scale`` turns beats of the file into beats of the piece.
    """
    old, new = list(before), list(after)
    pairs: list[tuple[_Event, _Event]] = []
    for key in _LIKENESSES:
        old, new = _paired(old, new, key, pairs)
        if not exact and key is _LIKENESSES[0]:
            old, new = _near(old, new, pairs)
    slack = 0 if exact else 1
    changed = [(was.note, _changed(was, now, slack, scale)) for was, now in pairs]
    return NoteChanges(
        player,
        added=tuple(
            Note(event.pitch, event.note.start_beats * scale, event.note.duration_beats * scale, event.velocity)
            for event in new
        ),
        changed=tuple((was, now) for was, now in changed if now != was),
        deleted=tuple(event.note.id for event in old),
    )


_LIKENESSES: tuple[Callable[[_Event], Hashable], ...] = (
    lambda event: (event.pitch, event.start, event.length, event.velocity),
    lambda event: (event.pitch, event.start),
    lambda event: (event.start, event.length, event.velocity),
    lambda event: (event.pitch, event.length, event.velocity),
)


def _paired(
    old: list[_Event], new: list[_Event], key: Callable[[_Event], Hashable], pairs: list[tuple[_Event, _Event]]
) -> tuple[list[_Event], list[_Event]]:
    """Adds the pairs of one likeness, in order of start; returns what is left."""
    waiting: dict[Hashable, deque[_Event]] = defaultdict(deque)
    for event in old:
        waiting[key(event)].append(event)
    left: list[_Event] = []
    for event in new:
        if waiting[key(event)]:
            pairs.append((waiting[key(event)].popleft(), event))
        else:
            left.append(event)
    partnered = {id(was) for was, _ in pairs}
    return [event for event in old if id(event) not in partnered], left


def _near(
    old: list[_Event], new: list[_Event], pairs: list[tuple[_Event, _Event]]
) -> tuple[list[_Event], list[_Event]]:
    """Adds the pairs that coarser ticks may have rounded apart."""
    waiting: dict[tuple[int, int, int], list[_Event]] = defaultdict(list)
    for event in old:
        waiting[event.pitch, event.velocity, event.start].append(event)
    left, gone = [], set()
    for event in new:
        near = [
            was
            for shift in (-1, 0, 1)
            for was in waiting[event.pitch, event.velocity, event.start + shift]
            if id(was) not in gone and abs(was.length - event.length) <= 1
        ]
        if near:
            pairs.append((near[0], event))
            gone.add(id(near[0]))
        else:
            left.append(event)
    return [event for event in old if id(event) not in gone], left


def _changed(was: _Event, now: _Event, slack: int, scale: float) -> Note:
    """The note as it is to be; what did not change keeps its exact value."""
    note = was.note
    moved = abs(was.start - now.start) > slack
    longer = abs(was.length - now.length) > slack
    return replace(
        note,
        pitch=now.pitch,
        velocity=now.velocity,
        start_beats=now.note.start_beats * scale if moved else note.start_beats,
        duration_beats=now.note.duration_beats * scale if longer else note.duration_beats,
    )
