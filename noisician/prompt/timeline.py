"""Wishes that follow one another in time: "begins with claps, after four bars a bass; eight bars later a choir".

Sentence by sentence, clause by clause: each is read as a time, who, and a deed, in any order, so that sentences which
were translated word by word are understood too. A clause without a time of its own takes the one before it, or comes
"then". Players themselves are left to the lexicon, which reads how many and what kind there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from noisician.prompt.controls import EVERYONE, Cue, Feature, Moment, SectionHint, Wish
from noisician.prompt.lexicon import Effect
from noisician.prompt.numbers import Figure, figures
from noisician.prompt.timeline_items import END, START, Item, Time, items_of, words
from noisician.prompt.wish_words import BAR_BEATS, FADE_IN_S, STEPS, WHOLE_STEP

_FEATURES = {
    "quiet": "quiet", "loud": "loud", "faster": "quickening", "slower": "slowing", "half time": "half_time",
    "build": "rising", "thin": "falling", "fade in": "fade_in", "key change": "key_change", "silence": "silence",
}  # fmt: skip
_CUES = {"enter": "enter", "back": "enter", "leave": "leave", "alone": "alone"}
#: What may stand right before a section as its adjective: "a loud chorus".
_DESCRIBING = ("quiet", "loud", "rap", "scream", "shout", "slower", "faster", "half time", "double time", "spoken",
    "whisper", "sing", "clean", "distorted", "palm muted")
_TECHNIQUES = ("palm muted", "distorted", "clean", "legato", "staccato", "pizzicato", "arco", "tremolo", "muted")
#: What only guitars do, where nobody is named.
_OF_GUITARS = ("palm muted", "distorted", "clean", "open")
_VOICED = ("rap", "sing", "scream", "shout", "whisper", "spoken", "harmonies")
_PARTED = re.compile(r"(?P<stop>[.;!?\n]+(?!\d)|[。；！？]|\(|\)|--|[–—→>])|(?P<comma>[,，、])|\b(?P<word>and then|but then|then|and|but|while|whereas|plus|before (?=\w+ing|any |adding |the \w+ (?:starts?|begins?|comes?|enters?|kicks?|joins?|drops?)\b)|followed by)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w']+")
#: A quick look whether anything in a text may be a wish with a time.
_TELLING = re.compile(
    r"\b(?:then|after|later|until|till|before|first|last|start|begin|open|end|finish|final|clos|verse|chorus|bridge|intro|outro|drop|break|interlude"
    r"|coda|hook|refrain|half|mid|middle|minute|bar|second|part|phase|section|next|follow|when|by the|at \d|from \d)|\d:\d\d|\[",
    re.IGNORECASE,
)


#: How much later "then" is where no time was told.
NEXT_BARS, NEXT_S = 8, 15.0
#: So many sections named one after the other are the form.
SHORTEST_FORM = 3


@dataclass
class _State:
    """What the clauses before told."""

    length_s: float | None
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
class _Clause:
    """Items between two partings; ``by`` is what parts it from the clause before: "stop", "comma" or a word."""

    by: str
    items: tuple[Item, ...]

    def times(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.time is not None)

    def deeds(self) -> list[Item]:
        return [item for item in self.items if item.deed is not None]

    def who(self) -> list[Item]:
        return [item for item in self.items if item.who]

    def feelings(self) -> list[str]:
        return [item.said for item in self.items if item.deed == "feel"]

    @property
    def no(self) -> bool:
        return any(item.no for item in self.items)


@dataclass(frozen=True)
class _Place:
    """Where an event is; ``until`` where that ends; ``amount`` of ``unit`` it lasts; ``exact``: somebody said so."""

    moment: Moment
    until: Moment | None = None
    amount: float = 0.0
    unit: str = ""
    exact: bool = True


def timeline(cleaned: str) -> list[Figure]:
    """The wishes of a text that have a time, as figures; few texts have any."""
    if not _TELLING.search(cleaned):
        return []
    items = items_of(cleaned)
    if not any(item.time for item in items) and not re.search(r"\bthen\b", cleaned, re.IGNORECASE):
        return []
    state = _State(_length_s(cleaned))
    found: list[Figure] = []
    clauses = list(_clauses(cleaned, items))
    for at, clause in enumerate(clauses):
        state.thens = sum(later.by == "then" and bool(later.who()) for later in clauses[at + 1 :])
        state.leads = any(later.by == "then" and (later.who() or later.deeds()) for later in clauses[at + 1 : at + 3])
        found += _read(cleaned, clause, state)
    return _formed(items, found)


def _formed(items: Sequence[Item], found: list[Figure]) -> list[Figure]:
    """Also the form, where three headers or more tell it: "[Intro] … [Verse] … [Chorus] …"."""
    times = [item.time for item in items if item.time is not None and item.time.header]
    kinds = [one.moment.section for one in times if one.moment is not None and one.moment.section != "piece"]
    if len(kinds) < SHORTEST_FORM or not found:
        return found
    form = Effect("form", " ".join(str(kind) for kind in kinds))
    return [replace(found[0], effects=(*found[0].effects, form)), *found[1:]]


def _length_s(text: str) -> float | None:
    lengths = [float(e.value) for one in figures(text) for e in one.effects if e.field == "duration_s"]  # pyright: ignore[reportArgumentType]
    return max(lengths, default=None)


def _clauses(text: str, items: Sequence[Item]) -> Iterator[_Clause]:
    parted: list[_Clause] = []
    start, by = 0, "stop"
    headers = [item.start for item in items if item.time is not None and item.time.header]
    cuts = [m for m in _PARTED.finditer(text) if not any(i.start < m.end() and m.start() < i.end for i in items)]
    for cut in [*sorted([*cuts, *headers], key=_place_of), None]:
        end = _place_of(cut) if cut is not None else len(text)
        within = tuple(item for item in items if start <= item.start and item.end <= end)
        if text[start:end].strip():
            parted.append(_Clause(by, _sound(text, within)))
            by = ""
        if isinstance(cut, int):
            start, by = cut, "stop"
        elif cut:
            start = cut.end()
            word = (cut["word"] or "").lower()
            new = "stop" if cut["stop"] else "comma" if cut["comma"] else "then" if word[-4:] in ("then", "fore") or "follow" in word else word
            by = by if by in ("then", "stop") and new != "then" else new
    yield from _joined(parted)


def _place_of(cut: re.Match[str] | int) -> int:
    return cut if isinstance(cut, int) else cut.start()


def _sound(text: str, items: Sequence[Item]) -> tuple[Item, ...]:
    """Without the names of sections that are no time: "a catchy chorus" is none, "a loud chorus" one."""
    kept: list[Item] = []
    for item in items:
        if item.time is not None and item.time.how == "described":
            before = kept[-1] if kept else None
            if before is None or before.deed not in _DESCRIBING or text[before.end : item.start].strip():
                continue
            item = replace(item, time=replace(item.time, how="at"))
        if item.time is not None and item.time.how in ("opens", "closes") and kept and kept[-1].effects:
            other = any(one.time is not None and one is not item for one in items)
            if other and not text[kept[-1].end : item.start].strip(" "):  # "the claps start halfway through"
                item = Item(item.start, item.end, deed="enter" if item.time.how == "opens" else "leave")
        if item.deed == "leave" and text[item.start : item.end].lower() in ("out", "off"):
            begins = not kept and any(one.time is not None and one.start > item.start for one in items)
            behind = kept and kept[-1].effects and not text[kept[-1].end : item.start].strip()
            if not begins and not behind:
                continue  # "fade out" is no leaving
        kept.append(item)
    return tuple(kept)


def _joined(parted: Sequence[_Clause]) -> Iterator[_Clause]:
    """The clauses with lists of players whole: "bass and drums come in at 0:30"."""
    held: _Clause | None = None
    for clause in parted:
        if held is not None and clause.by in ("and", "plus") and _belong(held, clause):
            held = _Clause(held.by, held.items + clause.items)
            continue
        if held is not None:
            yield held
        held = clause
    if held is not None:
        yield held


def _belong(held: _Clause, clause: _Clause) -> bool:
    """Whether two clauses with "and" between them are one: a list of players, or "in the chorus drums and bass enter"."""
    if _is_list(clause) or (_is_list(held) and bool(held.who()) and (not held.deeds() or not clause.deeds())):
        return True
    return bool(held.who() and clause.who()) and not held.deeds() and not clause.times()


def _is_list(clause: _Clause) -> bool:
    return not clause.times() and not any(item.no or item.deed not in (None, "alone") for item in clause.items)


def _read(text: str, clause: _Clause, state: _State) -> list[Figure]:
    times = clause.times()
    header = next((item.time for item in times if item.time is not None and item.time.header), None)
    if header is not None:
        state.header, state.carried = header.moment, ()
    told = clause.deeds() or clause.who()
    if times and not clause.who() and {item.deed for item in clause.deeds()} == {"alone"} and not state.events:
        state.carried = clause.items  # "just for the intro, a sitar"
        return []
    told = told or _begins_section(times)
    if times and not told and not clause.no:
        state.carried = times if _is_carried(times) else ()
        lasting = next((item.time for item in times if item.time is not None and item.time.how == "for"), None)
        if lasting is not None and state.at == START and state.clock is None:
            state.clock = _after(_Place(START, amount=lasting.amount, unit=lasting.unit))
        return []
    own = times or (state.carried if clause.by != "stop" else ())
    carried = own if own is not times else ()
    state.carried = ()
    if not told:
        return []
    place = _place([item.time for item in own if item.time is not None], clause, state)
    if place is None:
        return []
    clause = replace(clause, items=(*carried, *clause.items)) if any(item.deed for item in carried) else clause
    effects = list(_effects(text, clause, place, state))
    if not effects:
        return []
    state.events += 1
    state.last = next((item.deed for item in clause.deeds() if item.deed), "leave" if clause.no else "")
    state.at, state.clock = place.moment, place.until or _after(place)
    state.who = tuple(item for item in clause.who() if item.effects) or state.who
    return [_figure(text, clause, carried, effects)]


def _begins_section(times: Sequence[Item]) -> bool:
    """Whether they say when a drop begins: "drop at bar 17"."""
    told = [item.time for item in times if item.time is not None]
    return len(told) > 1 and any(one.how == "subject" and one.moment and one.moment.section == "drop" for one in told)


def _is_carried(times: Sequence[Item]) -> bool:
    return all(item.time is not None and item.time.how not in ("subject", "with", "until") for item in times)


def _place(times: Sequence[Time], clause: _Clause, state: _State) -> _Place | None:
    """Where a clause takes place; None where it has no place of its own."""
    if not times:
        deeds = {item.deed for item in clause.deeds()}
        if clause.who() and "alone" in deeds and not state.events and state.leads:
            return _Place(START)  # "just guitar, then everyone"
        if clause.who() and not state.events and (deeds == {"enter"} and state.leads or not deeds and state.thens > 1):
            return _Place(START, exact=False)  # "piano enters, then bass, then drums"
        if clause.who() and "alone" in deeds and clause.by == "comma" and state.last in ("silence", "leave") and state.at:
            return _Place(state.at)  # "all stop at 1:30, only vocals"
        if state.header is not None:
            return _Place(state.header)
        if clause.by == "then" and (state.events or clause.deeds()):
            return _Place(_next(state), exact=False)
        return None
    lasting = next((one for one in times if one.how == "for"), None)
    until = next((one for one in times if one.how == "until"), None)
    mains = [one for one in times if one.how not in ("for", "until")]
    main = next((one for one in mains if one.moment and one.moment.section is None), mains[0] if mains else None)
    if main is None:
        moment = state.clock or (START if not state.events else state.at or START)
    else:
        moment = _moment(main, state)
    if moment is None:
        return None
    place = _Place(moment, until=until.moment if until else main.end if main else None)
    span = lasting or (main if main and main.how == "first" else None)
    return replace(place, amount=span.amount, unit=span.unit) if span else place


def _moment(time: Time, state: _State) -> Moment | None:
    """The moment that a time means, after what was told before."""
    if time.how == "first":
        return START
    if time.how == "last":
        at_s = state.length_s - time.amount if state.length_s and time.unit == "s" else None
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


def _next(state: _State) -> Moment:
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


def _after(place: _Place) -> Moment | None:
    """Where an event ends that lasts so long."""
    if not place.amount or place.unit == "beat":
        return None
    known = place.moment.at_s is not None if place.unit == "s" else place.moment.bar is not None
    return _later(place.moment, place.amount, place.unit) if known or place.moment == START else None


def _effects(text: str, clause: _Clause, place: _Place, state: _State) -> Iterator[Effect]:
    moment, deeds = place.moment, list(dict.fromkeys(item.deed for item in clause.deeds() if item.deed))
    who = _who(clause, state)
    if any(one != EVERYONE for one in who):
        who = tuple(one for one in who if one != EVERYONE)
    everyone = EVERYONE in who
    before_no = next((item.start for item in clause.items if item.no), None)
    if before_no is not None and "hold" not in deeds:
        if not any(item.who and item.start > before_no for item in clause.items) or not who or everyone:
            return
        yield from _without(who, place)
        yield from _hints(place)
        state.last = "leave"
        return
    weak = any(item.time is not None and item.time.how == "with" for item in clause.times())
    if weak and not deeds:
        return
    effects: list[Effect] = []
    for deed in _chosen(text, clause, deeds, everyone):
        effects += _of_deed(deed, who, place, clause, state)
    for deed in _played_so(text, clause):
        effects.append(Effect("wishes", Wish(what=deed, who=who, moment=moment)))
    if who and not everyone and (not deeds or _are_adjectives(clause)):
        effects += _by_default(who, place, clause, state)
    elif not deeds and everyone and (moment != START or place.exact):
        effects.append(_cue("enter", (EVERYONE,), moment))
    if not deeds and not who and _begins_section(clause.times()):
        effects += [Effect("sections", SectionHint(kind="drop", at_s=moment.at_s)), Effect("features", Feature(kind="loud", at=moment))]
    if effects:
        yield from effects
        yield from _hints(place if set(deeds) <= {"alone"} else replace(place, unit=""))


def _who(clause: _Clause, state: _State) -> tuple[str, ...]:
    """The ids of who is meant; "it" is whoever was before."""
    ids: list[str] = []
    named = any(item.effects for item in clause.who())
    for item in clause.who():
        if named and item.who == ("same",):
            continue
        ids += [id_ for one in state.who for id_ in one.who] if item.who == ("same",) else item.who
    return tuple(dict.fromkeys(ids))


def _played_so(text: str, clause: _Clause) -> Iterator[str]:
    """How somebody plays whose name says so: "palm muted guitars"."""
    for item in clause.who():
        said = text[item.start : item.end].lower()
        for phrase in dict.fromkeys((said.split()[0], " ".join(said.split()[:2]), said.split()[-1])):
            deed = words()["deeds"].get(phrase)
            if deed in (*_TECHNIQUES, *_VOICED) and item.effects:
                yield deed


def _without(who: Sequence[str], place: _Place) -> Iterator[Effect]:
    """ "no drums until the drop", "verse 1 no drums"."""
    if place.until is not None:
        yield _cue("enter", who, place.until)
    elif place.amount and (end := _after(place)) is not None:
        yield _cue("enter", who, end)
    else:
        yield _cue("rest" if place.moment.section else "leave", who, place.moment)


def _chosen(text: str, clause: _Clause, deeds: Sequence[str], everyone: bool) -> list[str]:
    """The deeds that count where some words say two: "only starts in", "comes back", "only in the chorus"."""
    weak = ("enter", "changes", "feel", "style")
    chosen = [deed for deed in deeds if not (deed in weak and any(other not in weak for other in deeds))]
    if chosen == ["swap"] and not any(item.effects for item in clause.who()):
        chosen = ["feel"] if clause.feelings() else ["changes"]
    for shy in ("feel", "style"):
        if shy in chosen and (len(chosen) > 1 or (shy == "style" and clause.by not in ("then", "stop", "comma"))):
            chosen.remove(shy)
    if chosen == ["style"] and not _parts_styles(clause):
        chosen = []
    chosen = next(([deed] for deed in ("hold", "swap") if deed in chosen), chosen)
    only = next((item for item in clause.items if item.deed == "alone"), None)
    if only is not None and "enter" in deeds and text[only.start : only.end].lower() in ("only", "just"):
        players = [item for item in clause.who() if item.start > only.start]
        if not players:
            chosen = [deed if deed != "alone" else "enter" for deed in chosen]
    if "alone" in chosen and _only_then(text, clause):
        chosen = [deed if deed != "alone" else "only" for deed in chosen]
    if "build" in chosen:
        chosen = [deed for deed in chosen if deed != "quiet"]
    if "solo" in chosen and _is_lone(clause, deeds):
        chosen = [deed if deed != "solo" else "alone" for deed in chosen if deed != "alone" or "solo" not in chosen]
    if "alone" in chosen:
        chosen = [deed for deed in chosen if deed not in ("leave", "silence")]
    if everyone:
        chosen = [{"leave": "silence", "alone": ""}.get(deed, deed) for deed in chosen]
    if not chosen and "enter" in deeds:
        chosen = ["enter"]
    return [deed for deed in chosen if deed]


def _parts_styles(clause: _Clause) -> bool:
    """Whether a genre is said of a part of the piece only: for so long, until, or "then"."""
    return clause.by == "then" or any(
        item.time is not None and item.time.how in ("first", "last", "for", "until", "after", "range") for item in clause.times()
    ) or any(item.time is not None and item.time.how in ("opens", "closes") for item in clause.times())  # fmt: skip


def _is_lone(clause: _Clause, deeds: Sequence[str]) -> bool:
    """Whether "solo" means that nobody else plays: "solo cello", "just a solo", and at the start and the end."""
    solo = next(item for item in clause.items if item.deed == "solo")
    before = [item for item in clause.who() if item.start < solo.start]
    outer = [item.time for item in clause.times() if item.time is not None and _is_outer(item.time.moment)]
    return not before or bool(outer) or "alone" in deeds


def _is_outer(moment: Moment | None) -> bool:
    return moment is not None and (moment in (START, END) or moment.section in ("intro", "outro", "break"))


def _only_then(text: str, clause: _Clause) -> bool:
    """Whether "only" is said of a time: "only in the chorus", "in the chorus only"."""
    for place, item in enumerate(clause.items):
        if item.deed == "alone" and text[item.start : item.end].lower() in ("only", "just"):
            after = clause.items[place + 1] if place + 1 < len(clause.items) else None
            said = bool(clause.items[:place]) and any(one.who for one in clause.items[:place])
            if after is not None and after.time is not None and said and after.time.how in ("at", "subject"):
                return True
    return False


def _are_adjectives(clause: _Clause) -> bool:
    """Whether all deeds describe the players that follow: "huge drums"."""
    deeds, who = clause.deeds(), clause.who()
    return bool(who) and all(
        item.deed in ("feel", "quiet", "loud", "slower", "faster", "clean", "distorted", "muted", "whisper") for item in deeds
    ) and deeds[-1].start < who[0].start  # fmt: skip


def _of_deed(
    deed: str, who: Sequence[str], place: _Place, clause: _Clause, state: _State
) -> Iterator[Effect]:
    moment = place.moment
    players = tuple(one for one in who if one != EVERYONE)
    if deed == "leave" and not who and not state.who:
        if place.exact and moment.at_s is not None:
            yield Effect("sections", SectionHint(kind="drop", at_s=moment.at_s))
        return
    if deed == "alone" and any(item.said.startswith(("thin", "dwindl", "strip", "pare", "narrow")) for item in clause.items):
        yield Effect("features", Feature(kind="falling"))
    if deed == "style":
        said = next(item.said for item in clause.items if item.deed == "style")
        yield Effect("wishes", Wish(what=f"in the style of {said}", moment=moment))
        return
    if deed == "instrumental":
        if (end := place.until or _after(place)) is not None and end != END:
            yield from (Effect("vocals", True), Effect("family", "voices"), _cue("enter", ("voices", "choir_wash"), end))
        return
    if deed == "feel":
        for mood in clause.feelings()[:2]:
            yield Effect("wishes", Wish(what=mood, who=players, moment=moment))
        return
    if deed == "tense":
        yield Effect("implies", "tense")
    if deed == "swap" and len(players) > 1:
        yield _cue("leave", players[:1], moment)
        yield _cue("enter", players[1:], moment)
    elif deed == "hold" and players:
        yield _cue("enter", players, place.until or moment)
    elif deed == "slower" and moment == END:
        yield Effect("features", Feature(kind="ritard"))
    elif deed in (*_CUES, "only"):
        yield from _moved(deed, who, place, state)
    elif deed == "solo" and players:
        yield Effect("sections", SectionHint(kind="solo", at_s=moment.at_s))
        if moment.at_s is None:
            yield Effect("wishes", Wish(what="solo", who=players, moment=moment))
    elif deed == "silence":
        if moment == START:
            yield Effect("features", Feature(kind="quiet", at=START))
            return
        last = moment == END or (clause.by == "then" and not place.exact)
        if last:
            yield Effect("features", Feature(kind="cut"))
        else:
            yield Effect("features", _silence(place))
            if place.moment.side is None and (end := _after(place)) is not None:
                yield Effect("features", Feature(kind="loud", at=end))
    elif deed in ("build", "thin", "fade in"):
        value = FADE_IN_S if deed == "fade in" else None
        yield Effect("features", Feature.model_validate({"kind": _FEATURES[deed], "value": value}))
        if deed == "build" and moment.at_s is not None:
            yield Effect("sections", SectionHint(kind="build", at_s=moment.at_s))
        if deed == "thin" and players:
            yield _cue("alone", players, END)
    elif deed == "key change":
        yield _key_change(clause, moment)
    elif deed in _FEATURES:
        yield Effect("features", Feature.model_validate({"kind": _FEATURES[deed], "at": moment}))
        new = players and state.alone and deed == "loud" and not set(players) & set(state.alone)
        if new and moment.side is None:
            yield _cue("enter", players, moment)
    elif deed == "drop":
        yield Effect("sections", SectionHint(kind="drop", at_s=moment.at_s))
    else:
        if not players and deed in _OF_GUITARS:
            players = ("guitar",)
            yield Effect("family", "guitar")
        yield Effect("wishes", Wish(what=deed, who=players or (("voices",) if deed in _VOICED else ()), moment=moment))
        if deed in _VOICED:
            yield Effect("vocals", True)
            yield Effect("family", "voices")
        if deed == "whisper":
            yield Effect("features", Feature(kind="quiet", at=moment))
        if deed == "hit" and moment == END:
            yield Effect("features", Feature(kind="loud", at=END))
            yield Effect("features", Feature(kind="cut"))


def _moved(deed: str, who: Sequence[str], place: _Place, state: _State) -> Iterator[Effect]:
    """Who enters, leaves or stays alone."""
    moment = place.moment
    if not who and deed in ("alone", "leave") and (place.amount or place.exact):
        who = tuple(id_ for one in state.who for id_ in one.who)
    if not who and deed == "back":
        who, state.left = state.left or (EVERYONE,), ()
    elif who and deed == "back" and state.who and not set(who) & {id_ for one in state.who for id_ in one.who}:
        yield _cue("leave", [id_ for one in state.who for id_ in one.who], moment)  # "then back to organ"
    if not who:
        return
    if deed == "only":
        named = moment.section not in (None, "piece", "middle")
        yield _cue("only" if named else "enter", who, moment.model_copy(update={"nth": 0}) if named else moment)
        return
    if deed == "leave":
        state.left = tuple(who)
        yield _cue("rest" if moment.section is not None and moment.section != "middle" and moment != END and not moment.side == "after" else "leave", who, moment)
    else:
        yield _cue(_CUES[deed], who, moment)
    end = place.until or (_after(place) if place.unit else None)
    if end is not None and end != END and deed == "leave":
        yield _cue("enter", who, end)
    if deed == "alone":
        state.alone = tuple(who)
        if end is not None and moment.section is None:
            yield _cue("enter", (EVERYONE,), end)
        if moment == START and place.unit == "bar":
            yield Effect("sections", SectionHint(kind="intro", bars=int(place.amount)))


def _by_default(who: Sequence[str], place: _Place, clause: _Clause, state: _State) -> Iterator[Effect]:
    """Players with a time and no deed come in then; those at the start, or for so long, play alone."""
    if place.moment == START and (place.amount or _opens(clause)):
        yield from _moved("alone", who, place, state)
    elif place.moment == END and _closes(clause):
        yield from _moved("alone", who, place, state)
    elif place.until is not None and place.until != END and clause.by != "then":
        yield _cue("leave", who, place.until)
    elif place.until is None or clause.by == "then":
        yield _cue("enter", who, place.moment)


def _opens(clause: _Clause) -> bool:
    return any(item.time is not None and item.time.moment == START and item.time.how in ("at", "opens") for item in clause.times())


def _closes(clause: _Clause) -> bool:
    return any(item.time is not None and item.time.how == "closes" for item in clause.times())


def _silence(place: _Place) -> Feature:
    beats = {"beat": 1.0, "bar": BAR_BEATS, "s": 2.0}.get(place.unit, BAR_BEATS) * (place.amount or 1.0)
    if place.moment.side == "before":
        return Feature(kind="silence", where=place.moment.section, value=beats)
    return Feature(kind="silence", value=beats, at=place.moment)


def _key_change(clause: _Clause, moment: Moment) -> Effect:
    """A key change in a kind of section, or at a moment."""
    said = " ".join(item.said for item in clause.items)
    size = next((float(STEPS[step]) for step in sorted(STEPS, key=len, reverse=True) if step in said), WHOLE_STEP)
    if moment.section in (None, "piece", "middle"):
        return Effect("features", Feature(kind="key_change", value=size, at=moment))
    return Effect("features", Feature(kind="key_change", where=moment.section, value=size))


def _hints(place: _Place) -> Iterator[Effect]:
    if place.moment.section not in (None, "piece", "middle"):
        bars = int(place.amount) if place.unit == "bar" and place.amount and place.moment.side is None else None
        yield Effect("sections", SectionHint(kind=str(place.moment.section), bars=bars))


def _cue(does: str, who: Sequence[str], moment: Moment) -> Effect:
    return Effect("cues", Cue.model_validate({"who": tuple(who), "does": does, "moment": moment}))


def _figure(text: str, clause: _Clause, carried: Sequence[Item], effects: list[Effect]) -> Figure:
    """Everything from the first item to the last, but for the players and for words that mean something else."""
    items = sorted([*clause.items, *carried], key=lambda item: item.start)
    own = [item for item in items if item.covered or not item.effects or any(e.field == "only" for e in item.effects)]
    for item in own:
        effects += [e for e in item.effects if e.field in ("instruments", "family", "genres", "suggests")]
    if not own:  # "…, then strings": who comes is all there is
        return Figure(items[0].start, items[-1].end, tuple([*effects, *(e for item in items for e in item.effects)]))
    start, end = own[0].start, own[-1].end
    skips = [(item.start, item.end) for item in items if item not in own]
    inside = [range(item.start, item.end) for item in items]
    glue = words()["glue"]
    for match in _WORD.finditer(text, start, end):
        if match.group().lower() not in glue and not any(match.start() in one for one in inside):
            skips.append(match.span())
    return Figure(start, end, tuple(effects), tuple(skips))
