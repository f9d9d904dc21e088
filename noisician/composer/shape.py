"""What a plan does at certain places: who rests where, where the key changes, how it ends.

Wishes name sections, seconds and bars; here they become bars of one form. What they come to is written on the board
before anything is composed, or done to what was composed (:mod:`noisician.composer.marks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.prompt.controls import EVERYONE, Cue, Feature, Moment
from noisician.score.model import Section
from noisician.styles import instruments

#: A moment in seconds or bars this near to the start of a section is meant to be that.
NEAR_BARS = 1
#: Who answers whom, a stretch of so many bars each.
CALL, RESPONSE, CALL_BARS = "lead", "counter", 2
STOP_BARS = 2
#: How far below and above the piece's energy it begins and ends where it grows.
ARC = 0.35
_BODY = ("verse", "chorus", "drop", "solo")
#: What is done all through the sections that are meant.
_OVER_SECTIONS = ("half_time", "double_time", "pedal")
#: In a piece that grows or winds down no drums play where it is by so much below its mean energy; as far above it
#: everybody does.
THIN = 0.15
#: What of the whole piece a change of key waits for, where the section named is not there.
_LAST = ("chorus", "drop", "verse")


@dataclass(frozen=True)
class Rest:
    """A role that does not play in bars ``first`` … ``last − 1``."""

    role: str
    first: int
    last: int


@dataclass(frozen=True)
class Mark:
    """A feature at its place: bars ``first`` … ``last − 1``; ``value`` as in :class:`Feature`."""

    kind: str
    first: int
    last: int
    value: float = 0.0


@dataclass(frozen=True)
class Stage:
    """What cues and features are told of a piece: its form, and (role, instrument) of those who play."""

    sections: tuple[Section, ...]
    instrumentation: tuple[tuple[str, str], ...]
    bar_s: float

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)

    def roles(self, who: Sequence[str]) -> set[str]:
        """The roles that ``who`` (roles, families, instruments) have."""
        table = instruments()
        wanted = set(who)
        return {
            role for role, id_ in self.instrumentation if EVERYONE in wanted or {role, id_, table[id_].family} & wanted
        }

    def place(self, moment: Moment, near_bars: int = NEAR_BARS) -> Section | int | None:
        """The section meant, or a bar, that of a section so near to it; None for a section that is not there."""
        if moment.section == "middle":
            middle = self.bars // 2
            return next((one for one in self.sections if one.start_bar <= middle < one.start_bar + one.bars), None)
        if moment.section is not None:
            same = [place for place, one in enumerate(self.sections) if moment.section in ("piece", one.kind)]
            at = moment.nth - 1 if moment.nth > 0 else moment.nth
            if not -len(same) <= at < len(same):
                return None
            place = same[at] + {"before": -1, "after": 1, None: 0}[moment.side]
            return self.sections[place] if 0 <= place < len(self.sections) else None
        bar = moment.bar - 1 if moment.bar is not None else round((moment.at_s or 0.0) / self.bar_s)
        starts = [section.start_bar for section in self.sections[1:]]
        near = min(starts, key=lambda start: abs(start - bar), default=None)
        bar = near if near is not None and abs(near - bar) <= near_bars else bar
        return min(max(bar, 0), self.bars)


def bars_of(place: Section | int, total: int) -> tuple[int, int]:
    """A section's bars; from a bar on, all the rest."""
    return (place.start_bar, place.start_bar + place.bars) if isinstance(place, Section) else (place, total)


def cast_by_cues(
    stage: Stage, cues: Sequence[Cue], players: Sequence[Sequence[str]]
) -> tuple[tuple[tuple[str, ...], ...], tuple[Rest, ...]]:
    """Who plays in each section once the cues are heard, and who rests in some bars of one."""
    roles = list(dict.fromkeys(role for role, _ in stage.instrumentation))
    cast = [set(one) for one in players]
    silent = {role: np.zeros(stage.bars, bool) for role in roles}
    left: set[str] = set()
    for cue in cues:
        own, place = stage.roles(cue.who), stage.place(cue.moment)
        if not own or place is None:
            continue
        first, last = bars_of(place, stage.bars)
        if cue.does == "enter":
            for role in own & left:  # back again
                silent[role][first:] = False
            own, left = (set[str]() if EVERYONE in cue.who else own - left), left - own
        quiet, who = _quiet(stage, cue, own, set(roles) - own, first, last)
        for role in who:
            silent[role] |= quiet
        left |= own if cue.does == "leave" else set()
        if cue.does == "alone" and not isinstance(place, Section):
            left |= set(roles) - own
        if cue.does in ("enter", "alone"):
            _seat(cast, stage.sections, own, first)
        elif cue.does == "only":
            for section in stage.sections:
                if section.kind == cue.moment.section:
                    _seat(cast, stage.sections, own, section.start_bar)
    return _seated(stage, roles, cast, silent)


def _quiet(
    stage: Stage, cue: Cue, own: set[str], others: set[str], first: int, last: int
) -> tuple[np.ndarray, set[str]]:
    """bool ``[bars]`` of a cue's silence, and whose it is; ``first`` … ``last − 1`` are the bars of its moment."""
    quiet = np.zeros(stage.bars, bool)
    if cue.does == "enter":
        quiet[:first] = True
    elif cue.does == "leave":
        quiet[first:] = True
    elif cue.does == "only":
        quiet[:] = True
        for section in stage.sections:
            if section.kind == cue.moment.section:
                quiet[section.start_bar : section.start_bar + section.bars] = False
    else:
        quiet[first:last] = True
    return quiet, others if cue.does == "alone" else own


def _seated(
    stage: Stage, roles: Sequence[str], cast: Sequence[set[str]], silent: Mapping[str, np.ndarray]
) -> tuple[tuple[tuple[str, ...], ...], tuple[Rest, ...]]:
    """The cast without whoever is silent all through a section, and the rests of the others."""
    rests: list[Rest] = []
    for place, section in enumerate(stage.sections):
        first, last = section.start_bar, section.start_bar + section.bars
        for role in sorted(cast[place] & silent.keys()):
            rests += _stretches(role, silent[role][first:last], first)
            if silent[role][first:last].all():
                cast[place].discard(role)
    seated = tuple(tuple(role for role in roles if role in playing) for playing in cast)
    kept = tuple(rest for rest in rests if any(rest.role in seated[at] for at in _touched(stage.sections, rest)))
    return seated, kept


def _touched(sections: Sequence[Section], rest: Rest) -> list[int]:
    return [
        at for at, one in enumerate(sections) if one.start_bar < rest.last and rest.first < one.start_bar + one.bars
    ]


def _seat(cast: Sequence[set[str]], sections: Sequence[Section], roles: set[str], bar: int) -> None:
    """In place: ``roles`` play in the section that holds ``bar``."""
    for playing, section in zip(cast, sections, strict=True):
        if section.start_bar <= bar < section.start_bar + section.bars:
            playing |= roles


def _stretches(role: str, silent: np.ndarray, start: int) -> list[Rest]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(int)))
    return [Rest(role, start + int(a), start + int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def arched(sections: Sequence[Section], features: Sequence[Feature]) -> tuple[Section, ...]:
    """The sections with energies that rise or fall from first to last, where that was wished for."""
    wished = next((one.kind for one in features if one.kind in ("rising", "falling")), None)
    if wished is None or len(sections) < 2:
        return tuple(sections)
    mean = float(np.average([one.energy for one in sections], weights=[one.bars for one in sections]))
    slope = np.linspace(-ARC, ARC, len(sections)) * (1 if wished == "rising" else -1)
    energies = np.clip(mean + slope, 0.05, 1.0)
    return tuple(replace(one, energy=float(energy)) for one, energy in zip(sections, energies, strict=True))


def filled(
    sections: Sequence[Section], features: Sequence[Feature], players: Sequence[tuple[str, ...]], roles: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Who plays in a piece that grows or winds down: everybody where it is loud, and where it is quiet no drums."""
    if not any(one.kind in ("rising", "falling") for one in features) or len(sections) < 3:
        return tuple(players)
    mean = float(np.average([one.energy for one in sections], weights=[one.bars for one in sections]))
    cast = []
    for section, playing in zip(sections, players, strict=True):
        quiet = tuple(role for role in playing if role not in ("drums", "arp", "counter"))
        if section.energy >= mean + THIN:
            cast.append(tuple(roles))
        else:
            cast.append(quiet if section.energy <= mean - THIN and quiet else playing)
    return tuple(cast)


def levelled(stage: Stage, features: Sequence[Feature]) -> tuple[Section, ...]:
    """The sections with less energy where it is to be quiet, more where it is to be loud.

    A section that was named is meant alone, a time and all that comes after it; a section that begins at most half
    before such a time counts as after it.
    """
    energies = [section.energy for section in stage.sections]
    for feature in features:
        if feature.kind not in ("quiet", "loud"):
            continue
        change = -ARC if feature.kind == "quiet" else ARC
        for at in _meant(stage, feature):
            energies[at] += change
    return tuple(
        replace(section, energy=float(np.clip(energy, 0.05, 1.0))) if energy != section.energy else section
        for section, energy in zip(stage.sections, energies, strict=True)
    )


def _meant(stage: Stage, feature: Feature) -> list[int]:
    """Places of the sections that a feature is about."""
    if feature.at is None:
        return [at for at, one in enumerate(stage.sections) if feature.where in (None, "piece", one.kind)]
    place = stage.place(feature.at)
    if place is None:
        return []
    if isinstance(place, Section):
        return [stage.sections.index(place)]
    return [at for at, one in enumerate(stage.sections) if one.start_bar + one.bars / 2 >= place]


def marks_of(stage: Stage, features: Sequence[Feature]) -> tuple[Mark, ...]:
    """Features at their places; those that concern the ends of the piece or its energy are none."""
    marks: list[Mark] = []
    for feature in features:
        if feature.kind == "key_change":
            place = stage.place(feature.at) if feature.at is not None else None
            place = _last_of(stage.sections, feature.where) if place is None else place
            first = 0 if place is None else bars_of(place, stage.bars)[0]
            if first > 0:
                marks.append(Mark("key_change", first, stage.bars, feature.value or 0.0))
        elif feature.kind == "without" and feature.where is not None:
            marks.append(Mark(f"without_{feature.where}", 0, stage.bars))
        elif feature.kind == "silence" and feature.at is not None:
            place = stage.place(feature.at, near_bars=0)
            bar = None if place is None else bars_of(place, stage.bars)[0]
            if bar is not None and 0 < bar < stage.bars:
                marks.append(Mark("silence", bar, bar + 1, feature.value or 1.0))
        elif feature.kind in _OVER_SECTIONS:
            chosen = [stage.sections[at] for at in _meant(stage, feature)]
            marks += [Mark(feature.kind, one.start_bar, one.start_bar + one.bars) for one in chosen]
        elif feature.kind == "silence":
            chosen = [one for one in stage.sections if one.kind == feature.where and one.start_bar > 0]
            marks += [Mark("silence", one.start_bar - 1, one.start_bar, feature.value or 1.0) for one in chosen]
        elif feature.kind == "stop_time":
            body = [one for one in stage.sections if one.bars > STOP_BARS and one.kind in _BODY]
            if body:
                middle = body[-1].start_bar + (body[-1].bars - STOP_BARS) // 2
                marks.append(Mark("stop_time", middle, middle + STOP_BARS))
    return tuple(marks)


def _last_of(sections: Sequence[Section], kind: str | None) -> Section | None:
    """The last section of a kind, else of those a listener waits for; never the first of the piece."""
    for wanted in (kind, *_LAST):
        found = [one for one in sections[1:] if one.kind == wanted]
        if found:
            return found[-1]
    return sections[-1] if len(sections) > 1 else None


def answering(players: Sequence[tuple[str, ...]], features: Sequence[Feature]) -> tuple[tuple[str, ...], ...]:
    """Who plays where somebody has to answer the lead: the counter wherever that plays, if there is one at all."""
    there = any(RESPONSE in playing for playing in players)
    if not there or not any(one.kind == "call_and_response" for one in features):
        return tuple(players)
    return tuple(
        (*playing, RESPONSE) if CALL in playing and RESPONSE not in playing else playing for playing in players
    )


def answers(sections: Sequence[Section], features: Sequence[Feature], players: Sequence[Sequence[str]]) -> list[Rest]:
    """Where call and response was wished for: lead and counter rest in turn, two bars each."""
    if not any(one.kind == "call_and_response" for one in features):
        return []
    rests: list[Rest] = []
    for section, playing in zip(sections, players, strict=True):
        if not {CALL, RESPONSE} <= set(playing):
            continue
        for at in range(0, section.bars, CALL_BARS):
            role = RESPONSE if at // CALL_BARS % 2 == 0 else CALL
            last = min(at + CALL_BARS, section.bars)
            rests.append(Rest(role, section.start_bar + at, section.start_bar + last))
    return rests


def bars_played(first: int, last: int, role: str, rests: Sequence[Rest]) -> list[tuple[int, int]]:
    """Bars ``first`` … ``last − 1`` without those in which the role rests, as (first, last + 1) stretches."""
    playing = np.ones(last - first, bool)
    for rest in rests:
        if rest.role == role:
            playing[max(rest.first - first, 0) : max(rest.last - first, 0)] = False
    return [(stretch.first, stretch.last) for stretch in _stretches(role, playing, first)]
