"""What a clause is put together of: when, who, and what is done (``words.toml``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from noisician.prompt.controls import EVERYONE
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.text import Token, tokenize
from noisician.prompt.timeline.times import Time, adverbs_of, times_of
from noisician.prompt.wish_readers import named_ids

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

WORD = re.compile(r"[\w']+")


@dataclass(frozen=True)
class Item:
    """Characters ``start`` … ``end − 1`` and what they are: a time, a deed, a "no", or who: ids, or "same"."""

    start: int
    end: int
    time: Time | None = None
    deed: str | None = None
    who: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    no: bool = False
    covered: bool = False  # nobody else reads who it is
    said: str = ""  # the words of a deed


@cache
def words() -> Mapping[str, Any]:
    """``words.toml``: deeds and who by their phrases, and the words that may stand between."""
    told = tomllib.loads(files("noisician.prompt.timeline").joinpath("words.toml").read_text(encoding="utf-8"))
    deeds: dict[str, str] = {}
    for deed, phrases in told["deeds"].items():
        for phrase in _split(phrases):
            deeds.setdefault(phrase, deed)
    who = {phrase: name for name, phrases in told["who"].items() for phrase in _split(phrases)}
    return {"deeds": deeds, "who": who, "glue": frozenset(_split(told["glue"]["words"]))}


def _split(phrases: str) -> list[str]:
    """The phrases between commas, as words with a space between."""
    return [" ".join(WORD.findall(phrase)) for phrase in phrases.split(",") if phrase.strip()]


@cache
def _phrases() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Deeds, and "everybody" and its like, in words, by their first word, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in (*words()["deeds"], *words()["who"]):
        said = tuple(WORD.findall(phrase))
        found.setdefault(said[0], []).append(said)
    return {first: tuple(sorted(phrases, key=len, reverse=True)) for first, phrases in found.items()}


def _deeds(text: str) -> Iterator[Item]:
    """Every deed, and everybody, the longest phrase at each place; nothing but spaces and hyphens parts its words."""
    there = [(match.group().lower(), match.start(), match.end()) for match in WORD.finditer(text)]
    place = 0
    while place < len(there):
        length = next((len(one) for one in _phrases().get(there[place][0], ()) if _says(text, there, place, one)), 0)
        if length:
            phrase = " ".join(word for word, _, _ in there[place : place + length])
            yield _deed(phrase, there[place][1], there[place + length - 1][2])
        place += length or 1


def _says(text: str, there: Sequence[tuple[str, int, int]], place: int, phrase: Sequence[str]) -> bool:
    said = there[place : place + len(phrase)]
    if [word for word, _, _ in said] != list(phrase):
        return False
    return all(not text[one[2] : other[1]].strip(" -\n\t") for one, other in pairwise(said))


#: What ends a player's name here: it is a deed.
_SOLO = ("solo", "solos", "alone", "only", "soli")
_THEN = re.compile(r"\bthen\b|\bfollowed by\b", re.IGNORECASE)
_NO = re.compile(r"\b(?:no|without|not|never|don't|minus)\b", re.IGNORECASE)


def items_of(text: str) -> list[Item]:
    """Everything in ``text`` that says when, who or what, in its order; nothing overlaps."""
    taken = [False] * (len(text) + 1)
    found: list[Item] = []

    def add(item: Item) -> None:
        if not any(taken[item.start : item.end]):
            taken[item.start : item.end] = [True] * (item.end - item.start)
            found.append(item)

    for start, end, time in times_of(text):
        add(Item(start, end, time=time))
    if not found and not _THEN.search(text):
        return []
    deeds = [Item(match.start(), match.end(), deed=_pace(match)) for match in _TO_TEMPO.finditer(text)]
    deeds += _deeds(text)
    for item in deeds:
        if " " in text[item.start : item.end]:  # "grand pause" is no piano
            add(item)
    for item in _players(text):
        add(item)
    for item in deeds:
        add(item)
    for item in _feelings(text):
        add(item)
    for start, end, time in adverbs_of(text):
        add(Item(start, end, time=time))
    for match in _NO.finditer(text):
        add(Item(match.start(), match.end(), no=True))
    return sorted(found, key=lambda item: item.start)


#: "tempo jumps to 140".
_TO_TEMPO = re.compile(
    r"\b(?:tempo|bpm|speed|pace|it)(?: then)? (?P<how>jumps?|rises?|goes|go|"
    r"drops?|changes?|switch(?:es)?|slows?|speeds?|ramps?|climbs?|falls?|increases?|"
    r"decreases?|moves?)"
    r"(?: (?P<way>up|down))? (?:from \d{2,3} )?to \d{2,3}(?: ?bpm)?\b",
    re.IGNORECASE,
)


def _pace(match: re.Match[str]) -> str:
    down = (match["way"] or "").lower() == "down" or match["how"].lower().startswith(("drop", "slow", "fall", "decrea"))
    return "slower" if down else "faster"


def _deed(phrase: str, start: int, end: int) -> Item:
    """A deed, or everybody and their like."""
    who = words()["who"].get(phrase)
    if who == "drums":
        beat = (Effect("family", "drums"),)
        return Item(start, end, who=("drums", "percussion"), effects=beat, covered=True)
    if who is not None:
        return Item(start, end, who=(EVERYONE if who == "everyone" else "same",))
    return Item(start, end, deed=words()["deeds"][phrase], said=phrase)


def _players(text: str) -> Iterator[Item]:
    """Players by the lexicon's longest phrases; what is a deed as well ("solo", "rap") is none here."""
    tokens = tokenize(text, lexicon().spelling)
    place = 0
    while place < len(tokens):
        named = _player_at(tokens, place, text)
        if named is None:
            place += 1
            continue
        item, place = named
        yield item


def _feelings(text: str) -> Iterator[Item]:
    """Words of a mood and of nothing else, and of genres."""
    tokens = tokenize(text, lexicon().spelling)
    for place in range(len(tokens)):
        match = lexicon().at(tokens[: place + 1], place)
        moods = [str(e.value) for e in match.entry.effects if e.field == "moods"] if match is not None else []
        if (
            match is not None
            and moods
            and all(e.field in ("moods", "energy", "production") for e in match.entry.effects)
        ):
            yield Item(tokens[place].start, tokens[place].end, deed="feel", effects=match.entry.effects, said=moods[0])
        genres = [str(e.value) for e in match.entry.effects if e.field == "genres"] if match is not None else []
        if match is not None and genres:
            yield Item(
                tokens[place].start, tokens[place].end, deed="style", effects=match.entry.effects, said=genres[0]
            )


def _player_at(tokens: tuple[Token, ...], place: int, text: str) -> tuple[Item, int] | None:
    if tokens[place].text in words()["deeds"] or tokens[place].text in words()["who"]:
        return None
    last = next((at for at in range(place, len(tokens)) if tokens[at].text in _SOLO), len(tokens))
    match, ids = None, list[str]()
    while last > place and not ids:  # "bass drops" is none, but "bass" is
        match = lexicon().at(tokens[:last], place)
        ids = named_ids(match.entry) if match is not None else []
        last = match.last - 1 if match is not None else place
    if match is None or not ids:
        return None
    first, last = tokens[match.first], tokens[match.last - 1]
    return Item(first.start, last.end, who=tuple(dict.fromkeys(ids)), effects=match.entry.effects), match.last
