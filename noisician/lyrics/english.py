"""English: which of a word's pronunciations its neighbours ask for, and which words carry no weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from noisician.lyrics.phones import Pronunciation, is_vowel
from noisician.lyrics.pronunciation import pronounce

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

_FUNCTION_WORDS = """
a an the this that these those i me my you your he him his she her it its we us our they them their who whom whose
which what am is are was were be been being do does did have has had having can could will would shall should may
might must and or but nor so yet if than then as at by for from in into of off on onto out over to up with without
upon about till until when while where there here not no because though
i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd it's it'll we're we've we'll we'd
they're they've they'll they'd that's there's what's who's where's here's how's let's
isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't haven't hasn't hadn't
gonna gotta wanna ain't 'til 'cause cause till through just like some any em 'em ya o' n' an'
"""
_WEAK_WORDS = "a an the of to and or but at by for from in as than am is are was were be it its 'em o'"
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
#: Function words whose vowel is as good as gone in speech; they never carry a beat by themselves.
WEAK_WORDS = frozenset(_WEAK_WORDS.split())


def is_function_word(word: str) -> bool:
    """Whether ``word``, however written, belongs to grammar and may be sung with a reduced vowel."""
    return word.lower().replace("’", "'") in FUNCTION_WORDS


@dataclass(frozen=True)
class Reading:
    """A pronunciation and the neighbours that ask for it."""

    phones: Pronunciation
    previous: frozenset[str]
    next: frozenset[str]
    anywhere: frozenset[str]

    def fits(self, words: Sequence[str], place: int) -> bool:
        before = words[place - 1] if place else ""
        after = words[place + 1] if place + 1 < len(words) else ""
        return before in self.previous or after in self.next or not self.anywhere.isdisjoint(words)


class English:
    """The English reading of lines."""

    code = "en"
    name = "English"

    def pronounce_line(self, words: Sequence[str]) -> tuple[tuple[Pronunciation, ...], ...]:
        """For each spoken word in lower case all pronunciations, the one that fits the line first."""
        heteronyms, shifting = _heteronyms()
        result: list[tuple[Pronunciation, ...]] = []
        for place, word in enumerate(words):
            listed = pronounce(word)
            chosen: Pronunciation | None = None
            if word in heteronyms:
                readings, default = heteronyms[word]
                chosen = next((reading.phones for reading in readings if reading.fits(words, place)), default)
            elif word in shifting:
                chosen = _by_stress(listed, late=place > 0 and words[place - 1] in _group("verb_cues"))
            elif word == "the":
                chosen = _the(words[place + 1] if place + 1 < len(words) else "")
            result.append(listed if chosen is None else (chosen, *(phones for phones in listed if phones != chosen)))
        return tuple(result)

    def is_function_word(self, word: str) -> bool:
        return is_function_word(word)

    def is_weak(self, word: str) -> bool:
        """Whether it is also too weak for a beat."""
        return word in WEAK_WORDS


def _the(following: str) -> Pronunciation:
    """ "thee" before a vowel sound."""
    sounds = pronounce(following) if following else ()
    return ("DH", "IY0") if sounds and is_vowel(sounds[0][0]) else ("DH", "AH0")


def _by_stress(variants: tuple[Pronunciation, ...], late: bool) -> Pronunciation | None:
    """The variant whose first vowel is not (``late``) or is the stressed one."""
    for phones in variants:
        first = next(phone for phone in phones if is_vowel(phone))
        if first.endswith("1") != late:
            return phones
    return None


@cache
def _tables() -> Mapping[str, Any]:
    text = files("noisician.lyrics").joinpath("data/heteronyms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _group(name: str) -> frozenset[str]:
    return frozenset(_tables()["groups"][name])


def _words(entry: str | Sequence[str]) -> frozenset[str]:
    listed = [entry] if isinstance(entry, str) else entry
    plain = {word for word in listed if not word.startswith("@")}
    return frozenset(plain).union(*(_group(word[1:]) for word in listed if word.startswith("@")))


@cache
def _heteronyms() -> tuple[Mapping[str, tuple[tuple[Reading, ...], Pronunciation]], frozenset[str]]:
    """By word: readings with their cues and the default; and the words whose stress tells noun from verb."""
    tables = {name: table for name, table in _tables().items() if name not in ("groups", "stress")}
    heteronyms = {
        word: (
            tuple(
                Reading(
                    tuple(reading["phones"].split()),
                    _words(reading.get("previous", ())),
                    _words(reading.get("next", ())),
                    _words(reading.get("anywhere", ())),
                )
                for reading in table.get("readings", ())
            ),
            tuple(table["default"].split()),
        )
        for word, table in tables.items()
    }
    return heteronyms, frozenset(_tables()["stress"]["words"])
