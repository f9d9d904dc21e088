"""Where a clause takes place, after what the clauses before it told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from noisician.prompt.controls import Moment
from noisician.prompt.numbers import figures
from noisician.prompt.timeline.clauses import Clause
from noisician.prompt.timeline.items import Item
from noisician.prompt.timeline.times import END, START, Time
from noisician.prompt.wish_words import BAR_BEATS

#: How much later "then" is where no time was told.
NEXT_BARS, NEXT_S = 8, 15.0


@dataclass
class State:
    """What the clauses before told."""

    text: str
    clock: Moment | None = None  # where the last event ends, where that is known
    at: Moment | None = None  # where the last event was
    header: Moment | None = None
    carried: tuple[Item, ...] = ()  # times that wait for what happens then
    who: tuple[Item, ...] = ()
    thens: int = 0  # how many of the next clauses come "then"
    leads: bool = False  # whether one of the next clauses is "then"
    last: str = ""  # the last deed
    alone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    events: int = 0


@dataclass(frozen=True)
class Place:
    """Where an event is; ``until`` where that ends; ``amount`` of ``unit`` it lasts; ``exact``: somebody said so."""

    moment: Moment
    until: Moment | None = None
    amount: float = 0.0
    unit: str = ""
    exact: bool = True


def place_of(times: Sequence[Time], clause: Clause, state: State) -> Place | None:
    """Where a clause takes place; None where it has no place of its own."""
    if not times:
        deeds = {item.deed for item in clause.deeds()}
        if clause.who() and "alone" in deeds and not state.events and state.leads:
            return Place(START)  # "just guitar, then everyone"
        if (
            clause.who()
            and not state.events
            and ((deeds == {"enter"} and state.leads) or (not deeds and state.thens > 1))
        ):
            return Place(START, exact=False)  # "piano enters, then bass, then drums"
        if (
            clause.who()
            and "alone" in deeds
            and clause.by == "comma"
            and state.last in ("silence", "leave")
            and state.at
        ):
            return Place(state.at)  # "all stop at 1:30, only vocals"
        if state.header is not None:
            return Place(state.header)
        if clause.by == "then" and (state.events or clause.deeds()):
            return Place(_next(state), exact=False)
        return None
    lasting = next((one for one in times if one.how == "for"), None)
    until = next((one for one in times if one.how == "until"), None)
    mains = [one for one in times if one.how not in ("for", "until")]
    main = next((one for one in mains if one.moment and one.moment.section is None), mains[0] if mains else None)
    here = state.clock or (state.at if state.events else None) or START
    moment = here if main is None else _moment(main, state)
    if moment is None:
        return None
    place = Place(moment, until=until.moment if until else main.end if main else None)
    span = lasting or (main if main and main.how == "first" else None)
    return replace(place, amount=span.amount, unit=span.unit) if span else place


def _moment(time: Time, state: State) -> Moment | None:
    """The moment that a time means, after what was told before."""
    if time.how == "first":
        return START
    if time.how == "last":
        length_s = _length_s(state.text) if time.unit == "s" else None
        at_s = length_s - time.amount if length_s else None
        return Moment(at_s=at_s) if at_s is not None and at_s > 0 else END
    if time.how == "later":
        return _later(state.clock or state.at, time.amount, time.unit) if time.amount else _next(state)
    if time.how == "after":
        base = state.at
        absolute = time.moment
        if base is None or absolute is None or (base.bar or base.at_s or 0) < (absolute.bar or absolute.at_s or 0):
            return absolute
        return _later(base, time.amount, time.unit)
    if time.how == "after that":
        nth = state.at.nth if state.at is not None and time.moment and state.at.section == time.moment.section else 1
        return time.moment.model_copy(update={"side": "after", "nth": nth}) if time.moment else None
    return time.moment


def _later(base: Moment | None, amount: float, unit: str) -> Moment:
    """So much after a moment; counted from the start where it has no figure."""
    if unit == "s":
        return Moment(at_s=(base.at_s if base is not None and base.at_s is not None else 0.0) + amount)
    bars = amount if unit == "bar" else amount / BAR_BEATS
    return Moment(bar=int((base.bar if base is not None and base.bar is not None else 1) + bars))


def _next(state: State) -> Moment:
    """Where "then" is: where the last event ends, else in the section after it, else a while later."""
    if state.clock is not None:
        return state.clock
    at = state.at
    if at is None:
        return Moment(section="piece", nth=2)
    if at.at_s is not None:
        return Moment(at_s=at.at_s + NEXT_S)
    if at.bar is not None:
        return Moment(bar=at.bar + NEXT_BARS)
    if at.section == "piece" and at.nth > 0:
        return Moment(section="piece", nth=at.nth + 1)
    return at.model_copy(update={"side": "after"}) if at.side is None and at != END else at


def after(place: Place) -> Moment | None:
    """Where an event ends that lasts so long."""
    if not place.amount or place.unit == "beat":
        return None
    known = place.moment.at_s is not None if place.unit == "s" else place.moment.bar is not None
    return _later(place.moment, place.amount, place.unit) if known or place.moment == START else None


def parts_styles(clause: Clause) -> bool:
    """Whether a genre is said of a part of the piece only: for so long, until, or "then"."""
    parting = ("first", "last", "for", "until", "after", "range", "opens", "closes")
    return clause.by == "then" or any(item.time is not None and item.time.how in parting for item in clause.times())


def is_outer(moment: Moment | None) -> bool:
    return moment is not None and (moment in (START, END) or moment.section in ("intro", "outro", "break"))


def _length_s(text: str) -> float | None:
    """The longest length that a text names."""
    lengths = [float(e.value) for one in figures(text) for e in one.effects if e.field == "duration_s"]  # pyright: ignore[reportArgumentType]
    return max(lengths, default=None)
