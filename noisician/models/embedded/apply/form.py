"""Edits of the form: sections, more music at either end, a loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from noisician.composer.conditions import SECTION_KINDS
from noisician.composer.form import label_of
from noisician.edits import Extend, Loop, SetSections
from noisician.errors import RequestError
from noisician.models.embedded.apply.bars import Source, rearranged
from noisician.models.embedded.apply.composing import written
from noisician.models.embedded.apply.context import Applying, bar_span
from noisician.piece import Piece
from noisician.piece.derive import rederived
from noisician.request import DURATION_RANGE_S
from noisician.score import Section
from noisician.score.energy import piece_energy, section_energy

#: A stretch of a new form: the section it is to be, and the old bars that stand in it.
Stretch = tuple[Section, tuple[Source, ...]]


def set_sections(piece: Piece, edit: SetSections, applying: Applying) -> Piece:
    """Raises RequestError for sections that are not there and for forms without a bar."""
    stretches = [_as_it_is(section) for section in piece.plan.sections]
    count = len(stretches)
    if edit.action == "reorder":
        if not edit.order:
            raise RequestError("the order names no section; name their numbers, 1 is the first")
        return _formed(piece, [stretches[_place(number, count)] for number in edit.order], applying, edit.seed)
    if edit.action == "insert":
        return _inserted(piece, stretches, edit, applying)
    place = _place(edit.section, count)
    section, bars = stretches[place]
    if edit.action == "duplicate":
        stretches.insert(place, (section, bars))
    elif edit.action == "delete":
        if count == 1:
            raise RequestError("that would delete the only section; a piece has at least one")
        del stretches[place]
    elif edit.action == "rename":
        kind = _kind(edit.kind)
        energy = section_energy(kind, piece_energy(piece.plan.sections))
        others = [one for number, one in enumerate(piece.plan.sections) if number != place]
        renamed = replace(section, kind=kind, energy=energy, label=label_of(kind, others))
        stretches[place] = (renamed, bars)
        # The notes follow the energy of the renamed section.
        renamed_piece = _formed(piece, stretches, applying, edit.seed)
        return rederived(piece, renamed_piece, [player.id for player in piece.plan.players])
    elif edit.action == "resize":
        if edit.bars is None:
            raise RequestError("resize needs the number of bars the section shall have")
        more: tuple[Source, ...] = (None,) * max(0, edit.bars - len(bars))
        stretches[place] = (section, (*bars[: edit.bars], *more))
    return _formed(piece, stretches, applying, edit.seed)


def extend(piece: Piece, edit: Extend, applying: Applying) -> Piece:
    """More music at one end: the form goes on, section by section."""
    if (edit.by_bars is None) == (edit.by_seconds is None):
        raise RequestError("extend by bars or by seconds, one of them")
    if piece.plan.loop:
        raise RequestError("a loop has no end to extend; insert a section instead")
    bar_s = piece.plan.meter.beats_per_bar * piece.plan.tempo.beat_s(0 if edit.where == "before" else math.inf)
    bars = edit.by_bars or max(1, round((edit.by_seconds or 0.0) / bar_s))
    if edit.by_seconds is not None and abs(bars * bar_s - edit.by_seconds) > 0.01:
        applying.remark(f"{edit.by_seconds:g} s widened to {bars} bars, {bars * bar_s:.1f} s")
    old = [_as_it_is(section) for section in piece.plan.sections]
    new: list[Stretch] = [(section, (None,) * section.bars) for section in _continuing(piece, bars, edit.where)]
    stretches = [*new, *old] if edit.where == "before" else [*old, *new]
    return _formed(piece, stretches, applying, edit.seed)


def _continuing(piece: Piece, bars: int, where: str) -> list[Section]:
    """Sections that go on with the form: the body round again, an intro in front of what has none."""
    sections = piece.plan.sections
    body = [one for one in sections if one.kind not in ("intro", "outro")] or list(sections)
    energy = piece_energy(sections)
    made: list[Section] = []
    turn = 0
    while bars > 0:
        if where == "before" and sections[0].kind != "intro" and not made:
            kind, length = "intro", min(bars, max(2, bars // 2))
            section = Section(kind, label_of(kind, sections), 0, length, section_energy(kind, energy))
        else:
            pattern = body[turn % len(body)]
            turn += 1
            # A rest too short to be a section of its own belongs to the one before.
            length = min(bars, pattern.bars)
            length += bars - length if bars - length < 2 else 0
            section = replace(pattern, bars=length)
        made.append(section)
        bars -= section.bars
    return made


def loop(piece: Piece, edit: Loop, applying: Applying) -> Piece:
    """Some bars as a loop: what rings beyond their end comes back at their start."""
    first, last = (0, piece.plan.bars) if edit.bars is None else bar_span(piece, edit.bars)
    stretches: list[Stretch] = []
    for section in piece.plan.sections:
        bars = range(max(section.start_bar, first), min(section.start_bar + section.bars, last))
        if len(bars):
            stretches.append((section, tuple(bars)))
    looped = _formed(piece, stretches, applying, None)
    plan = replace(looped.plan, loop=True, duration_s=looped.plan.bars_s)
    return replace(looped, plan=plan)


def _inserted(piece: Piece, stretches: list[Stretch], edit: SetSections, applying: Applying) -> Piece:
    kind = _kind(edit.kind)
    if edit.bars is None:
        raise RequestError(f"insert needs the number of bars the {kind} shall have")
    if edit.section > len(stretches) + 1:
        raise RequestError(f"section {edit.section}: the piece has {len(stretches)}; {len(stretches) + 1} appends")
    sections = piece.plan.sections
    energy = section_energy(kind, piece_energy(sections))
    section = Section(kind, label_of(kind, sections), 0, edit.bars, energy)
    stretches.insert(edit.section - 1, (section, (None,) * edit.bars))
    return _formed(piece, stretches, applying, edit.seed)


def _formed(piece: Piece, stretches: Sequence[Stretch], applying: Applying, seed: int | None) -> Piece:
    """The piece of some stretches, the new bars written. Raises RequestError for one too long."""
    sources: list[Source] = []
    sections: list[Section] = []
    new: list[Section] = []
    for section, bars in stretches:
        if section.bars != len(bars):
            section = replace(section, bars=len(bars))
        placed = replace(section, start_bar=len(sources))
        open_at = next((place for place, source in enumerate(bars) if source is None), None)
        if open_at is not None:
            new.append(replace(placed, start_bar=len(sources) + open_at, bars=len(bars) - open_at))
        sections.append(placed)
        sources += bars
    formed = rearranged(piece, sources, sections)
    _check_length(formed)
    if not new:
        return formed
    return written(formed, 1 if seed is None else seed, applying, new)


def _check_length(piece: Piece) -> None:
    length_s = piece.plan.bars_s + max(0.0, piece.plan.tail_s)
    if length_s > DURATION_RANGE_S[1]:
        raise RequestError(
            f"{piece.plan.bars} bars last {length_s:.0f} s, over the limit of {DURATION_RANGE_S[1]:.0f} s; "
            "take fewer bars"
        )


def _as_it_is(section: Section) -> Stretch:
    return section, tuple(range(section.start_bar, section.start_bar + section.bars))


def _place(number: int, count: int) -> int:
    if number > count:
        raise RequestError(f"section {number}: the piece has {count} sections")
    return number - 1


def _kind(kind: str | None) -> str:
    known = SECTION_KINDS[1:]
    if kind not in known:
        raise RequestError(f"section kind {kind!r}; there are {', '.join(known)}")
    return kind
