"""What a clause asks for: who enters, leaves or plays alone, and what else happens there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from noisician.prompt.controls import EVERYONE, Feature, SectionHint, Wish
from noisician.prompt.lexicon import Effect
from noisician.prompt.timeline.clauses import Clause
from noisician.prompt.timeline.events import VOICED, Event, alone, cue, enters, happens
from noisician.prompt.timeline.items import Item, words
from noisician.prompt.timeline.places import Place, State, after, is_outer, parts_styles
from noisician.prompt.timeline.times import END, START

#: Deeds that may describe the players behind them: "huge drums".
_ADJECTIVES = ("feel", "quiet", "loud", "slower", "faster", "clean", "distorted", "muted", "whisper")
_TECHNIQUES = ("palm muted", "distorted", "clean", "legato", "staccato", "pizzicato", "arco", "tremolo", "muted")


def effects_of(text: str, clause: Clause, place: Place, state: State) -> Iterator[Effect]:
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
        effects += happens(Event(deed, who, place, clause, state))
    for deed in _played_so(text, clause):
        effects.append(Effect("wishes", Wish(what=deed, who=who, moment=moment)))
    if who and not everyone and (not deeds or _are_adjectives(clause)):
        effects += _by_default(who, place, clause, state)
    elif not deeds and everyone and (moment != START or place.exact):
        effects += enters(Event("enter", (EVERYONE,), place, clause, state))
    if not deeds and not who and begins_section(clause.times()):
        effects += [
            Effect("sections", SectionHint(kind="drop", at_s=moment.at_s)),
            Effect("features", Feature(kind="loud", at=moment)),
        ]
    if effects:
        yield from effects
        yield from _hints(place if set(deeds) <= {"alone"} else replace(place, unit=""))


def begins_section(times: Sequence[Item]) -> bool:
    """Whether they say when a drop begins: "drop at bar 17"."""
    told = [item.time for item in times if item.time is not None]
    return len(told) > 1 and any(one.how == "subject" and one.moment and one.moment.section == "drop" for one in told)


def _who(clause: Clause, state: State) -> tuple[str, ...]:
    """The ids of who is meant; "it" is whoever was before."""
    ids: list[str] = []
    named = any(item.effects for item in clause.who())
    for item in clause.who():
        if named and item.who == ("same",):
            continue
        ids += [id_ for one in state.who for id_ in one.who] if item.who == ("same",) else item.who
    return tuple(dict.fromkeys(ids))


def _played_so(text: str, clause: Clause) -> Iterator[str]:
    """How somebody plays whose name says so: "palm muted guitars"."""
    for item in clause.who():
        said = text[item.start : item.end].lower()
        for phrase in dict.fromkeys((said.split()[0], " ".join(said.split()[:2]), said.split()[-1])):
            deed = words()["deeds"].get(phrase)
            if deed in (*_TECHNIQUES, *VOICED) and item.effects:
                yield deed


def _without(who: Sequence[str], place: Place) -> Iterator[Effect]:
    """ "no drums until the drop", "verse 1 no drums"."""
    if place.until is not None:
        yield cue("enter", who, place.until)
    elif place.amount and (end := after(place)) is not None:
        yield cue("enter", who, end)
    else:
        yield cue("rest" if place.moment.section else "leave", who, place.moment)


def _chosen(text: str, clause: Clause, deeds: Sequence[str], everyone: bool) -> list[str]:
    """The deeds that count where some words say two: "only starts in", "comes back", "only in the chorus"."""
    weak = ("enter", "changes", "feel", "style")
    chosen = [deed for deed in deeds if not (deed in weak and any(other not in weak for other in deeds))]
    if chosen == ["swap"] and not any(item.effects for item in clause.who()):
        chosen = ["feel"] if clause.feelings() else ["changes"]
    for shy in ("feel", "style"):
        if shy in chosen and (len(chosen) > 1 or (shy == "style" and clause.by not in ("then", "stop", "comma"))):
            chosen.remove(shy)
    if chosen == ["style"] and not parts_styles(clause):
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


def _is_lone(clause: Clause, deeds: Sequence[str]) -> bool:
    """Whether "solo" means that nobody else plays: "solo cello", "just a solo", and at the start and the end."""
    solo = next(item for item in clause.items if item.deed == "solo")
    before = [item for item in clause.who() if item.start < solo.start]
    outer = [item.time for item in clause.times() if item.time is not None and is_outer(item.time.moment)]
    accompanied = solo.said.endswith((" for", " by", " on", " from"))
    return (not before and not accompanied) or bool(outer) or "alone" in deeds


def _only_then(text: str, clause: Clause) -> bool:
    """Whether "only" is said of a time: "only in the chorus", "in the chorus only"."""
    for place, item in enumerate(clause.items):
        if item.deed == "alone" and text[item.start : item.end].lower() in ("only", "just"):
            after = clause.items[place + 1] if place + 1 < len(clause.items) else None
            said = bool(clause.items[:place]) and any(one.who for one in clause.items[:place])
            if after is not None and after.time is not None and said and after.time.how in ("at", "subject"):
                return True
    return False


def _are_adjectives(clause: Clause) -> bool:
    """Whether all deeds describe the players that follow: "huge drums"."""
    deeds, who = clause.deeds(), clause.who()
    return bool(who) and all(
        item.deed in _ADJECTIVES for item in deeds
    ) and deeds[-1].start < who[0].start  # fmt: skip


def _by_default(who: Sequence[str], place: Place, clause: Clause, state: State) -> Iterator[Effect]:
    """Players with a time and no deed come in then; those at the start, or for so long, play alone."""
    if (place.moment == START and (place.amount or _opens(clause))) or (place.moment == END and _closes(clause)):
        yield from alone(Event("alone", tuple(who), place, clause, state))
    elif place.until is not None and place.until != END and clause.by != "then":
        yield cue("leave", who, place.until)
    elif place.until is None or clause.by == "then":
        yield cue("enter", who, place.moment)


def _opens(clause: Clause) -> bool:
    return any(
        item.time is not None and item.time.moment == START and item.time.how in ("at", "opens")
        for item in clause.times()
    )


def _closes(clause: Clause) -> bool:
    return any(item.time is not None and item.time.how == "closes" for item in clause.times())


def _hints(place: Place) -> Iterator[Effect]:
    if place.moment.section not in (None, "piece", "middle"):
        bars = int(place.amount) if place.unit == "bar" and place.amount and place.moment.side is None else None
        yield Effect("sections", SectionHint(kind=str(place.moment.section), bars=bars))
