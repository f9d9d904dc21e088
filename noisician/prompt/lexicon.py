"""Phrases with a known meaning: the styles' own synonyms and ``styles/words.toml``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from noisician import styles
from noisician.prompt.controls import Cue, Feature, SectionHint, Wish
from noisician.prompt.text import Token, clean, tokenize

SCALARS = ("tempo", "energy", "density", "swing")
STAND_INS = {"substitutes": "instruments", "nearest_metre": "time_signature"}
"""Fields of words.toml whose values are the nearest there is, and the fields these go to."""

SOUND_FIELDS = frozenset({"instruments", "family", "exclude", "sections"})
"""Effects of nouns: in "no heavy guitars" the guitars are unwanted, not the heaviness."""

_ENDINGS = (
    ("ies", "y"), ("ier", "y"), ("iest", "y"), ("ing", "e"), ("ing", ""), ("ed", "e"), ("ed", ""), ("es", ""),
    ("s", ""), ("ish", ""), ("like", ""), ("esque", ""), ("ness", ""), ("ly", ""), ("est", ""), ("er", ""),
    ("y", ""), ("", "s"),
)  # fmt: skip


_PLAIN = re.compile(r"[a-z]+(?:[ -][a-z]+)*")


@dataclass(frozen=True)
class Effect:
    """One field of :class:`~noisician.prompt.controls.Controls`, or of words.toml, and what to put there.

    ``stands_in``: the value is only the nearest there is to what was named; ``guessed``: it was hardly named.
    """

    field: str
    value: str | float | bool | SectionHint | Cue | Feature | Wish
    weight: float = 1.0
    stands_in: bool = False
    guessed: bool = False


@dataclass(frozen=True)
class Entry:
    """What a phrase does, and what it does after a negation (``None``: the usual rule)."""

    effects: tuple[Effect, ...]
    negated: tuple[Effect, ...] | None = None

    def __add__(self, other: Entry) -> Entry:
        known = {(e.field, e.value) for e in self.effects}
        extra = tuple(e for e in other.effects if (e.field, e.value) not in known)
        negated = other.negated if self.negated is None else self.negated + (other.negated or ())
        return Entry(self.effects + extra, negated)


@dataclass(frozen=True)
class Match:
    """A phrase found in tokens ``first`` … ``last − 1``."""

    first: int
    last: int
    entry: Entry
    negated: bool = False  # by its own ending, "drumless"
    confidence: float = 1.0


def effects_of(table: Mapping[str, Any]) -> tuple[Effect, ...]:
    """The effects of one ``[[phrase]]`` table or its ``negated`` part."""
    found: list[Effect] = []
    for field, value in table.items():
        if field in ("words", "negated", "replaces"):
            continue
        if isinstance(value, Mapping):
            found += [Effect(field, id_, float(weight)) for id_, weight in value.items()]
        elif field in STAND_INS:
            values = value if isinstance(value, list) else [value]
            found += [Effect(STAND_INS[field], item, stands_in=True) for item in values]
        elif isinstance(value, list):
            found += [Effect(field, item) for item in value]
        else:
            found.append(Effect(field, float(value) if field in SCALARS else value))
    return tuple(found)


class Lexicon:
    """Longest-match lookup over tokens. Build once with :func:`lexicon`."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.spelling: Mapping[str, str] = words["spelling"]
        self.slips: Mapping[str, str] = words["slips"]
        self.brakes = frozenset(words["negations"]["brakes"])
        self.function_words = frozenset(words["function_words"].split()) | self.brakes
        self.small_words = frozenset(words["small_words"].split()) | self.brakes
        self.ambiguous = frozenset(words["ambiguous"].split())
        self.suffixes = tuple(words["negations"]["suffixes"])
        self.opposites: Mapping[str, str] = words["opposites"]
        self.family_defaults: Mapping[str, str] = words["family_defaults"]
        self.entries: dict[str, Entry] = {}
        self._add_styles()
        self._add_subgenres()
        self._add_usages()
        for name in ("words", "feelings", "sounds", "pictures", "substitutes", "everyday"):
            self._add_phrases(_phrases(name))
        self._let_words_speak()
        self.cues = {self.key(phrase) for phrase in words["negations"]["words"]}
        self.harmless = {self.key(phrase) for phrase in words["negations"]["harmless"]}
        self.degrees = {self.key(phrase): float(d) for phrase, d in words["degrees"].items()}
        self.joined = {key.replace(" ", ""): key for key in self.entries if len(key) > 4}
        self._longest: dict[str, int] = defaultdict(int)
        for key in (*self.entries, *self.cues, *self.harmless, *self.degrees):
            first, *rest = key.split(" ")
            self._longest[first] = max(self._longest[first], 1 + len(rest))

    def key(self, phrase: str) -> str:
        if _PLAIN.fullmatch(phrase):  # as tokenizing does, at a fraction of its time
            return " ".join(self.spelling.get(word, word) for word in phrase.replace("-", " ").split(" "))
        return " ".join(token.text for token in tokenize(clean(phrase), self.spelling))

    def _add_styles(self) -> None:
        for name in ("genres", "moods", "instruments"):
            for id_, entry in styles.table(name).items():
                for phrase in (id_.replace("_", " "), entry["name"], *entry["synonyms"]):
                    key = self.key(phrase)
                    known = self.entries.get(key)
                    effect = Effect(name, id_)
                    # A word that several moods share belongs to the first; a genre and a mood may share one.
                    if known is None:
                        self.entries[key] = Entry((effect,))
                    elif all(e.field != name for e in known.effects):
                        self.entries[key] = known + Entry((effect,))

    def _add_subgenres(self) -> None:
        """The style a genre without one is nearest to; a genre that has its own means that, whatever is said here."""
        own = {key for key, entry in self.entries.items() if any(e.field == "genres" for e in entry.effects)}
        names = {self.key(phrase) for id_ in styles.table("genres") for phrase in (id_.replace("_", " "),)}
        for phrase in _phrases("subgenres"):
            entry = Entry(effects_of(phrase))
            kept = Entry(tuple(e for e in entry.effects if e.field not in ("genres", "suggests")))
            for text in phrase["words"]:
                key = self.key(text)
                if key in names:
                    continue
                added = kept if key in own else entry
                known = self.entries.get(key)
                self.entries[key] = added if known is None else known + added

    def _add_usages(self) -> None:
        """What music is for is no genre and no mood: it brings its own where none is named."""
        for id_, entry in styles.table("usages").items():
            for phrase in (id_.replace("_", " "), entry["name"], *entry["words"]):
                self.entries[self.key(phrase)] = Entry((Effect("usages", id_),))

    def _add_phrases(self, phrases: Sequence[Mapping[str, Any]]) -> None:
        for phrase in phrases:
            negated = phrase.get("negated")
            entry = Entry(effects_of(phrase), None if negated is None else effects_of(negated))
            for text in phrase["words"]:
                key = self.key(text)
                known = _kept(self.entries.get(key), phrase.get("replaces"))
                self.entries[key] = entry if known is None else known + entry

    def _let_words_speak(self) -> None:
        """A name of several words keeps what its words say by themselves: "slow blues" is slow, an "ambient guitar" a
        guitar, a "celtic harp" celtic where no genre is named."""
        for phrases, speaking in (
            (styles.table("genres"), _of_a_genre), (styles.table("instruments"), _of_an_instrument),
        ):  # fmt: skip
            for entry in phrases.values():
                for phrase in (entry["name"], *entry["synonyms"]):
                    self._let_speak(self.key(phrase), speaking)
        for name, speaking in (
            ("subgenres", _of_a_genre),
            ("feelings", _of_a_genre),
            ("pictures", _of_a_picture),
            ("sounds", _of_a_picture),
            ("substitutes", _of_an_instrument),
        ):
            for told in _phrases(name):
                for phrase in told["words"] if not (told.get("replaces") and name != "substitutes") else ():
                    self._let_speak(self.key(phrase), speaking)

    def _let_speak(self, key: str, speaking: Callable[[Effect], Effect | None]) -> None:
        words = key.split(" ")
        entry = self.entries[key]
        if len(words) < 2 or any(effect.field == "usages" for effect in entry.effects):
            return
        parts = {*words, " ".join(words[:-1]), " ".join(words[1:])}
        said = (speaking(e) for part in words + sorted(parts - set(words)) if part in self.entries
                for e in self.entries[part].effects)  # fmt: skip
        fields = {e.field for e in entry.effects}
        new = tuple(
            e
            for e in said
            if e is not None and ((e.field not in fields or e.field == "moods") and e not in entry.effects)
        )
        if new:
            self.entries[key] = entry + Entry(new)

    def longest(self, tokens: Sequence[Token], first: int) -> int:
        """How many tokens from ``first`` could be one phrase: they share a clause."""
        reach = max(self._longest.get(tokens[first].text, 1), 3)
        last = first + 1
        while last < len(tokens) and last - first < reach and tokens[last].clause == tokens[first].clause:
            last += 1
        return last - first

    def at(self, tokens: Sequence[Token], first: int) -> Match | None:
        """The longest phrase that starts at ``first``."""
        for count in range(self.longest(tokens, first), 0, -1):
            words = [token.text for token in tokens[first : first + count]]
            entry = self._lookup(words)
            if entry is not None:
                return Match(first, first + count, entry)
        word = tokens[first].text
        if word in self.function_words:
            return None
        for suffix in self.suffixes:
            entry = self.entries.get(word.removesuffix(suffix)) if word.endswith(suffix) else None
            if entry is not None and any(e.field in SOUND_FIELDS for e in entry.effects):
                return Match(first, first + 1, entry, negated=True)
        return None

    def phrase(self, text: str) -> Entry | None:
        """The entry of exactly ``text``, as an option would name it."""
        words = self.key(text).split(" ")
        return self._lookup(words)

    def _lookup(self, words: Sequence[str]) -> Entry | None:
        key = " ".join(words)
        if key in self.entries:
            return self.entries[key]
        if len(words) == 1 and key in self.function_words:
            return None
        if all(len(word) > 1 and word not in self.function_words for word in words):
            joined = self.joined.get("".join(words))
            if joined is not None:
                return self.entries[joined]
        for stem in _stems(words[-1]):
            candidate = " ".join([*words[:-1], stem])
            if candidate in self.entries:
                return self.entries[candidate]
        return None


def _stems(word: str) -> Iterator[str]:
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            yield word[: len(word) - len(ending)] + instead


def _kept(known: Entry | None, replaces: bool | str | None) -> Entry | None:
    """What other tables say of a phrase that stays: all of it, nothing, or all but who plays."""
    if known is None or replaces is True:
        return None
    if replaces == "instruments":
        kept = tuple(effect for effect in known.effects if effect.field not in ("instruments", "family"))
        return Entry(kept) if kept else None
    return known


def _of_a_genre(effect: Effect) -> Effect | None:
    """What a word within a genre's name says beside it. Drums and basses are no players there: "drum and bass"."""
    if effect.field in ("tempo", "moods", "usages", "vocals", "voice") or effect.value in ("voices", "choir_wash"):
        return effect
    if effect.field == "instruments" and styles.shipped_instruments()[str(effect.value)].family not in _SILENT_WITHIN:
        return effect
    return effect if effect.field == "family" and effect.value not in _SILENT_WITHIN else None


def _of_a_picture(effect: Effect) -> Effect | None:
    """What a word within a picture says beside it: all it says by itself."""
    return effect if effect.field not in ("neutral", "unmet", "only") else None


def _of_an_instrument(effect: Effect) -> Effect | None:
    """What a word within an instrument's name says beside it."""
    if effect.field == "genres":
        return replace(effect, field="suggests")
    return effect if effect.field in ("tempo", "moods", "suggests") else None


_SILENT_WITHIN = ("drums", "bass", "texture", "voices")


def _phrases(name: str) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", styles.table(name)["phrase"])


@cache
def lexicon() -> Lexicon:
    return Lexicon(cast("Mapping[str, Any]", styles.table("words")))


def with_degree(effect: Effect, degree: float) -> Effect:
    """ "very" drives a scalar from the middle outwards and a style's weight up; "slightly" the reverse."""
    if effect.field in SCALARS:
        value = 0.5 + (float(effect.value) - 0.5) * degree  # pyright: ignore[reportArgumentType]
        return replace(effect, value=min(1.0, max(0.0, value)))
    if effect.field in ("genres", "moods", "suggests", "implies"):
        return replace(effect, weight=effect.weight * degree)
    return effect
