"""The form of a piece: which sections, how long, how intense, and who plays where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from noisician.score.energy import KIND_ENERGY, piece_energy, section_energy
from noisician.score.model import Section

#: What goes first when a piece is too short for its form.
_EXPENDABLE = ("solo", "bridge", "pre_chorus", "break", "outro", "build", "intro", "verse")
#: What a listener waits for, the strongest first.
_HOMES = ("chorus", "drop", "verse")
#: Of forms in rounds.
_ROUNDS = ("verse", "solo", "verse")
_SIDES = ("intro", "outro", "break", "build")
SHORTEST_SECTION_BARS = 2
#: Pieces shorter than this are one section.
FORM_FROM_S = 20.0
#: How readily each role joins: a role plays where the section's energy reaches its threshold.
_THRESHOLDS = {"chords": 0.0, "pad": 0.0, "bass": 0.24, "drums": 0.24, "lead": 0.18, "arp": 0.42, "counter": 0.5}
#: Who waits for the chorus in bands of more than so many: verses are thin, choruses full.
_FULL_ONLY, _THIN_FROM = ("pad", "arp", "counter"), 4
_SILENT_IN = {
    "intro": ("lead", "counter"),
    "break": ("drums", "counter"),
    "build": ("lead", "counter"),
    "outro": ("counter", "arp"),
}


@dataclass(frozen=True)
class Fixed:
    """What was said of the first section of a kind: how many bars it has, and on which bar (from 0) it begins."""

    bars: Mapping[str, int] = field(default_factory=dict)
    start_bar: Mapping[str, int] = field(default_factory=dict)


def plan_sections(
    form: Sequence[tuple[str, int]],
    bars: int,
    energy: float,
    wanted: Mapping[str, bool] | None = None,
    fixed: Fixed = Fixed(),
) -> tuple[Section, ...]:
    """Fits a genre's form, (kind, bars) pairs, into ``bars``.

    ``wanted`` says of some kinds that they must (True) or must not (False) appear. What is ``fixed`` holds as far as
    every other section keeps a bar.
    """
    wanted = dict(wanted or {})
    kinds = [(kind, length) for kind, length in form if wanted.get(kind, True)] or [("verse", bars)]
    for kind in (kind for kind, yes in wanted.items() if yes):
        if kind not in [existing for existing, _ in kinds]:
            kinds.insert(*_place_for(kind, len(kinds)))
    kinds = _shortened(_lengthened(kinds, bars), bars, wanted)
    longest_side = max(SHORTEST_SECTION_BARS, bars // 12 * 2)  # a short piece has no time for a long way in
    kinds = [(kind, min(length, longest_side) if kind in _SIDES else length) for kind, length in kinds]
    kinds, lengths = _fitted(kinds, bars, fixed)
    return sections_of(zip((kind for kind, _ in kinds), lengths, strict=True), energy)


def sections_of(kinds: Iterable[tuple[str, int]], energy: float) -> tuple[Section, ...]:
    """(kind, bars) one after the other, in a piece of this energy."""
    sections, start, labels = [], 0, {}
    for kind, length in kinds:
        label = labels.setdefault(kind, chr(ord("A") + len(labels)))
        sections.append(Section(kind, label, start, length, section_energy(kind, energy)))
        start += length
    return _grow(sections)


def rounds(bars: int, round_bars: int) -> list[tuple[str, int]]:
    """(kind, bars) of a form of rounds of so many bars, as the blues has: what is over is a way in and a way out."""
    count, over = divmod(bars, round_bars)
    if not count:
        return [("verse", bars)]
    body = [(_ROUNDS[at % len(_ROUNDS)], round_bars) for at in range(count)]
    if over == 1:  # the last chord of the last round
        return [*body[:-1], (body[-1][0], round_bars + 1)]
    way_in = over if over <= 4 else min(over - 4, 4)
    way_out = over - way_in
    return [*[("intro", way_in)] * (way_in > 0), *body, *[("solo", way_out)] * (way_out > 0)]


def strains(form: Sequence[tuple[str, int]], bars: int, strain_bars: int, energy: float) -> tuple[Section, ...] | None:
    """A form of strains of so many bars or twice that, as dances have, after an intro of what is over; None where
    there is no time for two.
    """
    count, over = divmod(bars, strain_bars)
    if count < 2:
        return None
    kinds = _lengthened(list(form), bars)
    while len(kinds) > count:
        kinds.pop(_weakest(kinds, {}))
    lengths = [strain_bars * length for length in _share_out([length for _, length in kinds], count)]
    way_in = [("intro", over)] if over else []
    return sections_of([*way_in, *zip((kind for kind, _ in kinds), lengths, strict=True)], energy)


def _lengthened(kinds: list[tuple[str, int]], bars: int) -> list[tuple[str, int]]:
    """Goes round the body of the form again while all of it fits."""
    body = [section for section in kinds if section[0] not in ("intro", "outro")] or kinds
    at = len(kinds) - (kinds[-1][0] == "outro")
    while sum(length for _, length in [*kinds, *body]) <= bars:
        kinds = [*kinds[:at], *body, *kinds[at:]]
    return kinds


def _place_for(kind: str, count: int) -> tuple[int, tuple[str, int]]:
    if kind == "intro":
        return 0, (kind, 4)
    if kind == "outro":
        return count, (kind, 4)
    return max(1, round(count * 0.6)), (kind, 8)


def _shortened(kinds: list[tuple[str, int]], bars: int, wanted: Mapping[str, bool]) -> list[tuple[str, int]]:
    """Drops sections until each kept one can have a musical length; keeps at least the strongest."""
    average = 4 if bars >= 12 and not any(wanted.values()) else SHORTEST_SECTION_BARS + 1
    while len(kinds) > 1 and bars < average * len(kinds):
        kinds.pop(_weakest(kinds, wanted))
    return kinds


def _weakest(kinds: Sequence[tuple[str, int]], wanted: Mapping[str, bool]) -> int:
    """The most expendable kind's last section goes, what was asked for last; but while three are kept, one returns."""

    def worth(place: int) -> tuple[bool, bool, int]:
        kind = kinds[place][0]
        rank = _EXPENDABLE.index(kind) if kind in _EXPENDABLE else len(_EXPENDABLE)
        if place and kinds[place - 1][0] == kind:  # twice in a row is once too often where time is short
            rank = min(rank, _EXPENDABLE.index("verse") - 1)
        left = [other for at, (other, _) in enumerate(kinds) if at != place]
        rises = len(left) < 2 or KIND_ENERGY.get(left[0], 0.0) < KIND_ENERGY.get(left[1], 0.0)
        dull = not _returns(left) if len(left) > 2 else not rises
        return dull, bool(wanted.get(kind)), rank

    return min(reversed(range(len(kinds))), key=worth)


def _returns(kinds: Sequence[str]) -> bool:
    """Whether the strongest kind that is there more than once has another one in between."""
    for home in _HOMES:
        places = [place for place, kind in enumerate(kinds) if kind == home]
        if len(places) > 1:
            return any(kind != home for kind in kinds[places[0] : places[-1]])
    return False


def _share_out(lengths: Sequence[int], bars: int) -> list[int]:
    """Scales lengths to sum to ``bars``, in fours where possible, else in twos; the last section takes the odd rest."""
    unit = 4 if bars >= 8 * len(lengths) else 2 if bars >= 2 * len(lengths) else 1
    rest = bars % unit
    wanted = np.array(lengths, np.float64)
    if unit < 4:  # where time is short none may starve: a section has to hold its chords
        wanted = np.sqrt(wanted)
    exact = wanted * (bars - rest) / wanted.sum()
    shared = np.maximum(unit, np.round(exact / unit) * unit).astype(int)
    while shared.sum() > bars - rest:  # never from a section that has but one unit
        over = np.where(shared > unit, shared - exact + 1e-6 * shared, -np.inf)
        shared[len(over) - 1 - int(np.argmax(over[::-1]))] -= unit  # of equals the last: a first time states it all
    while shared.sum() < bars - rest:
        shared[np.argmax(exact - shared)] += unit
    shared[-1] += rest
    return [int(length) for length in shared]


def _fitted(kinds: list[tuple[str, int]], bars: int, fixed: Fixed) -> tuple[list[tuple[str, int]], list[int]]:
    """The sections and their lengths, those that are fixed in their places."""
    for kind, start in fixed.start_bar.items():
        at = next((place for place, (other, _) in enumerate(kinds) if other == kind), None)
        if at is None or not 0 < start < bars:
            continue
        before, after = kinds[:at] or [("verse", 8)], kinds[at:]
        while len(before) > 1 and start < SHORTEST_SECTION_BARS * len(before):
            before.pop(_weakest(before, {}))
        while len(after) > 1 and bars - start < SHORTEST_SECTION_BARS * len(after):
            after.pop(1 + _weakest(after[1:], {}))
        return [*before, *after], [
            *_with_lengths(before, start, fixed.bars), *_with_lengths(after, bars - start, fixed.bars)
        ]  # fmt: skip
    return kinds, _with_lengths(kinds, bars, fixed.bars)


def _with_lengths(kinds: Sequence[tuple[str, int]], bars: int, fixed: Mapping[str, int]) -> list[int]:
    """Lengths that sum to ``bars``; the first of a fixed kind has its own, where the others keep a bar each."""
    first = {kind: at for at, (kind, _) in reversed(list(enumerate(kinds)))}
    held = {first[kind]: length for kind, length in fixed.items() if kind in first}
    others = [length for at, (_, length) in enumerate(kinds) if at not in held]
    rest = bars - sum(held.values())
    if not held or rest < len(others) or (rest and not others):
        return _share_out([length for _, length in kinds], bars)
    shared = iter(_share_out(others, rest) if others else [])
    return [held[at] if at in held else next(shared) for at in range(len(kinds))]


def label_of(kind: str, sections: Sequence[Section]) -> str:
    """The label under which a section of this kind joins ``sections``: that of its kind, else the next letter.

    Raises ValueError where all 26 letters are taken.
    """
    taken = {section.label for section in sections}
    for section in sections:
        if section.kind == kind:
            return section.label
    free = (chr(letter) for letter in range(ord("A"), ord("Z") + 1))
    label = next((letter for letter in free if letter not in taken), None)
    if label is None:
        raise ValueError("no letter is left for another kind of section; 26 are taken")
    return label


def _grow(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The first two repeats are each a little stronger: pieces should arrive somewhere."""
    seen: dict[str, int] = {}
    grown = []
    for section in sections:
        times = seen.get(section.label, 0)
        seen[section.label] = times + 1
        grown.append(replace(section, energy=min(1.0, section.energy + 0.06 * min(times, 2))))
    return tuple(grown)


def choose_players(sections: Sequence[Section], roles: Sequence[str], energy: float) -> tuple[tuple[str, ...], ...]:
    """Who plays in each section. Everybody plays somewhere, and never fewer than one plays."""
    lowest = min((section.energy for section in sections), default=0.0)
    cast = [_players(section, roles, energy, section.energy == lowest) for section in sections]
    for role in roles:
        if not any(role in players for players in cast) and sections:
            loudest = max(range(len(sections)), key=lambda place: sections[place].energy)
            cast[loudest].add(role)
    return tuple(tuple(role for role in roles if role in players) for players in cast)


def complete_players(
    sections: Sequence[Section], players: Sequence[Sequence[str] | None], roles: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Who plays in each section where some are new (None): those are cast as a piece of these sections would be, and
    nobody else's cast changes."""
    chosen = choose_players(sections, roles, piece_energy(sections)) if roles else [()] * len(sections)
    return tuple(tuple(new if own is None else own) for own, new in zip(players, chosen, strict=True))


def _players(section: Section, roles: Sequence[str], energy: float, is_lowest: bool) -> set[str]:
    # Thresholds are for a piece of medium energy; in a calm piece the same roles play at less.
    scale = max(0.25, energy) / 0.55
    players = {
        role
        for role in roles
        if section.energy >= _THRESHOLDS.get(role, 0.0) * scale and role not in _SILENT_IN.get(section.kind, ())
    }
    if section.kind == "intro" and is_lowest and len(roles) > 3:
        players -= {"drums"}
    if section.kind == "verse" and len(roles) > _THIN_FROM:
        players -= set(_FULL_ONLY) - ({"pad"} if "chords" not in roles else set())
    if section.kind in ("chorus", "drop"):
        players |= set(roles) & {"pad", "arp"}
    if section.kind in ("verse", "chorus", "drop", "solo"):
        players |= {"bass", "drums", "chords"} & set(roles)
    if section.kind in ("chorus", "verse", "solo"):
        players |= {"lead"} & set(roles)
    return players or set(roles[:1])
