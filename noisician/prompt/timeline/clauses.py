"""A text in clauses: what belongs together between a comma, a "then" and a full stop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from noisician.prompt.timeline.items import Item

#: What may stand right before a section as its adjective: "a loud chorus".
_DESCRIBING = (
    "quiet",
    "loud",
    "rap",
    "scream",
    "shout",
    "slower",
    "faster",
    "half time",
    "double time",
    "spoken",
    "whisper",
    "sing",
    "clean",
    "distorted",
    "palm muted",
)
_PARTED = re.compile(
    r"(?P<stop>[.;!?\n]+(?!\d)|[。；！？]|\(|\)|--|[–—→>])|(?P<comma>[,，、])|\b(?P<word>and "
    r"then|but then|then|and|but|while|whereas|plus|before (?=\w+ing|any |adding "
    r"|the \w+ (?:starts?|begins?|comes?|enters?|kicks?|joins?|drops?)\b)|followed "
    r"by)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Clause:
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


def clauses_of(text: str, items: Sequence[Item]) -> Iterator[Clause]:
    parted: list[Clause] = []
    start, by = 0, "stop"
    headers = [item.start for item in items if item.time is not None and item.time.header]
    cuts = [m for m in _PARTED.finditer(text) if not any(i.start < m.end() and m.start() < i.end for i in items)]
    for cut in [*sorted([*cuts, *headers], key=_start_of), None]:
        end = _start_of(cut) if cut is not None else len(text)
        within = tuple(item for item in items if start <= item.start and item.end <= end)
        if text[start:end].strip():
            parted.append(Clause(by, _sound(text, within)))
            by = ""
        if isinstance(cut, int):
            start, by = cut, "stop"
        elif cut:
            start = cut.end()
            word = (cut["word"] or "").lower()
            new = (
                "stop"
                if cut["stop"]
                else "comma"
                if cut["comma"]
                else "then"
                if word[-4:] in ("then", "fore") or "follow" in word
                else word
            )
            by = by if by in ("then", "stop") and new != "then" else new
    yield from _joined(parted)


def _start_of(cut: re.Match[str] | int) -> int:
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


def _joined(parted: Sequence[Clause]) -> Iterator[Clause]:
    """The clauses with lists of players whole: "bass and drums come in at 0:30"."""
    held: Clause | None = None
    for clause in parted:
        if held is not None and clause.by in ("and", "plus") and _belong(held, clause):
            held = Clause(held.by, held.items + clause.items)
            continue
        if held is not None:
            yield held
        held = clause
    if held is not None:
        yield held


def _belong(held: Clause, clause: Clause) -> bool:
    """Whether two clauses with "and" between them are one: lists, or "in the chorus drums and bass enter"."""
    if _is_list(clause) or (_is_list(held) and bool(held.who()) and (not held.deeds() or not clause.deeds())):
        return True
    return bool(held.who() and clause.who()) and not held.deeds() and not clause.times()


def _is_list(clause: Clause) -> bool:
    return not clause.times() and not any(item.no or item.deed not in (None, "alone") for item in clause.items)
