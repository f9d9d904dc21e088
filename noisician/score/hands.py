"""Parts that are one player's hands: a pianist's bass, inner voices and tune are three parts and one instrument.

Parts are written, kept and edited one by one; what is heard, mixed and exported is their *performer*. A part without
one is a player of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from noisician.score.model import Note, Track

#: Strokes of one key by two hands that lie nearer together are one stroke.
ONE_STROKE_BEATS = 0.1


class Part(Protocol):
    """``performer`` is the same for all hands of one player, and empty for somebody who has one part."""

    @property
    def performer(self) -> str: ...


P = TypeVar("P", bound=Part)


def by_performer(parts: Iterable[P]) -> list[tuple[P, ...]]:
    """The parts of each player together, in the order of the first of each."""
    found: dict[object, list[P]] = {}
    for place, part in enumerate(parts):
        found.setdefault(part.performer or place, []).append(part)
    return [tuple(hands) for hands in found.values()]


def struck(hands: Sequence[Sequence[Note]]) -> list[tuple[int, Note]]:
    """(hand, note) of everything that all hands play on one instrument, in order of start, then pitch.

    One key sounds once at a time: struck by two hands at once it is one note, as loud as the louder and as long as the
    longer; struck again while it is held, it ends there.
    """
    if len(hands) == 1:
        return [(0, note) for note in hands[0]]
    kept: list[tuple[int, Note]] = []
    latest: dict[int, int] = {}  # pitch → index in kept
    every = [(hand, note) for hand, notes in enumerate(hands) for note in notes]
    for hand, note in sorted(every, key=lambda one: (one[1].start_beats, one[1].pitch)):
        at = latest.get(note.pitch)
        if at is not None and kept[at][1].end_beats > note.start_beats:
            before, same = kept[at]
            if note.start_beats - same.start_beats < ONE_STROKE_BEATS and before != hand:
                end_beats = max(same.end_beats, note.end_beats)
                velocity = max(same.velocity, note.velocity)
                kept[at] = before, replace(same, duration_beats=end_beats - same.start_beats, velocity=velocity)
                continue
            kept[at] = before, replace(same, duration_beats=note.start_beats - same.start_beats)
        latest[note.pitch] = len(kept)
        kept.append((hand, note))
    return kept


def one_track(hands: Sequence[Track]) -> Track:
    """What one player plays with all hands, as a track under its first part's role and the player's own name."""
    if len(hands) == 1:
        return hands[0]
    notes = tuple(note for _, note in struck([hand.notes for hand in hands]))
    return replace(hands[0], notes=notes, player=hands[0].performer)
