"""Wishes that follow one another in time: "begins with claps, after four bars a bass; eight bars later a choir".

Sentence by sentence, clause by clause: each is read as a time, who, and a deed, in any order, so that sentences which
were translated word by word are understood too. A clause without a time of its own takes the one before it, or comes
"then". Players themselves are left to the lexicon, which reads how many and what kind there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from noisician.prompt.lexicon import Effect
from noisician.prompt.numbers import Figure
from noisician.prompt.timeline.clauses import Clause, clauses_of
from noisician.prompt.timeline.deeds import begins_section, effects_of
from noisician.prompt.timeline.items import WORD, Item, items_of, words
from noisician.prompt.timeline.places import Place, State, after, place_of
from noisician.prompt.timeline.times import START

#: A quick look whether anything in a text may be a wish with a time.
_TELLING = re.compile(
    r"\b(?:then|after|later|until|till|before|first|last|start|begin|open|end|"
    r"finish|final|clos|verse|chorus|bridge|intro|outro|drop|break|interlude"
    r"|coda|hook|refrain|half|mid|middle|minute|bar|second|part|phase|section|"
    r"next|follow|when|by the|at \d|from \d)|\d:\d\d|\[",
    re.IGNORECASE,
)
#: So many sections named one after the other are the form.
SHORTEST_FORM = 3


def timeline(cleaned: str) -> list[Figure]:
    """The wishes of a text that have a time, as figures; few texts have any."""
    if not _TELLING.search(cleaned):
        return []
    items = items_of(cleaned)
    if not any(item.time for item in items) and not re.search(r"\bthen\b", cleaned, re.IGNORECASE):
        return []
    state = State(cleaned)
    found: list[Figure] = []
    clauses = list(clauses_of(cleaned, items))
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


def _read(text: str, clause: Clause, state: State) -> list[Figure]:
    times = clause.times()
    header = next((item.time for item in times if item.time is not None and item.time.header), None)
    if header is not None:
        state.header, state.carried = header.moment, ()
    told = clause.deeds() or clause.who()
    if times and not clause.who() and {item.deed for item in clause.deeds()} == {"alone"} and not state.events:
        state.carried = clause.items  # "just for the intro, a sitar"
        return []
    told = told or begins_section(times)
    if times and not told and not clause.no:
        state.carried = times if _is_carried(times) else ()
        lasting = next((item.time for item in times if item.time is not None and item.time.how == "for"), None)
        if lasting is not None and state.at == START and state.clock is None:
            state.clock = after(Place(START, amount=lasting.amount, unit=lasting.unit))
        return []
    own = times or (state.carried if clause.by != "stop" else ())
    carried = own if own is not times else ()
    state.carried = ()
    if not told:
        return []
    place = place_of([item.time for item in own if item.time is not None], clause, state)
    if place is None:
        return []
    clause = replace(clause, items=(*carried, *clause.items)) if any(item.deed for item in carried) else clause
    effects = list(effects_of(text, clause, place, state))
    if not effects:
        return []
    state.events += 1
    state.last = next((item.deed for item in clause.deeds() if item.deed), "leave" if clause.no else "")
    state.at, state.clock = place.moment, place.until or after(place)
    state.who = tuple(item for item in clause.who() if item.effects) or state.who
    return [_figure(text, clause, carried, effects)]


def _is_carried(times: Sequence[Item]) -> bool:
    return all(item.time is not None and item.time.how not in ("subject", "with", "until") for item in times)


def _figure(text: str, clause: Clause, carried: Sequence[Item], effects: list[Effect]) -> Figure:
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
    for match in WORD.finditer(text, start, end):
        if match.group().lower() not in glue and not any(match.start() in one for one in inside):
            skips.append(match.span())
    return Figure(start, end, tuple(effects), tuple(skips))
