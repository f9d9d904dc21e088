"""Names of artists and works: they are set aside, and said so; what their music is called takes their place.

Nothing here copies anybody's style. A name stands in ``styles/artists.toml`` under the genre that describes it, or is
told by what stands around it: "in the style of X", "sounds like X", "X type beat".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from noisician import styles
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.numbers import Figure
from noisician.prompt.slips import is_one_off
from noisician.prompt.text import fold

_CAPITALS = r"(?:The )?[A-Z][\w.'&$-]*(?: (?:(?:of|the|and|de|la|van) )?[A-Z0-9][\w.'&$-]*)*"
_NAME = rf"(?P<name>(?-i:{_CAPITALS}))"
_BEFORE = (
    r"\b(?:in the (?:style|vein|spirit|manner) of|style of|sounds? like|sounding like|similar to|reminiscent of"
    r"|inspired by|à la|a la|as if by|covers? of|remix of|version of|tribute to|like)\s+"
)
_AFTER = r"(?:[-\s]style\b|[-\s]esque\b|[-\s]like\b|\s+type\b|\s+vibes?\b|\s+era\b)"
_PATTERNS = (
    re.compile(_BEFORE + _NAME, re.IGNORECASE),
    re.compile(rf"\b{_NAME}{_AFTER}", re.IGNORECASE),
)
#: Names written small are told by these alone.
_SMALL = re.compile(r"(?:^|,\s*)(?P<name>[a-z][\w.'$-]*(?: [a-z][\w.'$-]*){0,2}) type beat\b")


def names(cleaned: str) -> Iterator[Figure]:
    """Every name in the cleaned text, as a figure that asks for the genre that describes it."""
    taken: list[tuple[int, int]] = []
    for start, end, genre in _found(cleaned):
        if any(start < other_end and other_start < end for other_start, other_end in taken):
            continue
        taken.append((start, end))
        effects = [Effect("artist", cleaned[start:end])]
        if genre is not None:
            effects.append(Effect("suggests", genre))
        yield Figure(start, end, tuple(effects))


def _found(cleaned: str) -> Iterator[tuple[int, int, str | None]]:
    listed, pattern = _listed()
    told = [match.span("name") for one in _PATTERNS for match in one.finditer(cleaned)]
    for match in pattern.finditer(fold_keeping_length(cleaned)):
        genre, how = listed[match.group()]
        start, end = match.span()
        by_pattern = any(first <= start and end <= last for first, last in told)
        capital = cleaned[start].isupper()
        inside = start > 0 and cleaned[:start].rstrip()[-1:] not in ".!?"
        if how == "names" or (capital and (how == "capitalised" or by_pattern or inside)):
            yield start, end, genre
    yield from _nearly_listed(cleaned)
    for start, end in told:
        words = cleaned[start:end].split()
        if lexicon().phrase(cleaned[start:end]) is None and not all(_is_music(word) for word in words):
            yield start, end, None
    for match in _SMALL.finditer(cleaned):
        if lexicon().phrase(match["name"]) is None and not any(_is_music(word) for word in match["name"].split()):
            yield *match.span("name"), None


def _nearly_listed(cleaned: str) -> Iterator[tuple[int, int, str | None]]:
    """Listed names of two words whose second is one letter off: "travis scot"."""
    words = list(re.finditer(r"[^\W\d_]+", fold_keeping_length(cleaned)))
    by_first = _by_first_word()
    for one, other in pairwise(words):
        for last, genre in by_first.get(one.group(), ()):
            if cleaned[one.end() : other.start()] == " " and is_one_off(other.group(), last):
                yield one.start(), other.end(), genre


@cache
def _by_first_word() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Of listed names of two words the second, if it is long enough to be misspelt, and the genre, by the first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, (genre, how) in _listed()[0].items():
        first, _, last = name.partition(" ")
        if how == "names" and len(first) > 2 and len(last) > 4 and last.isalpha():
            found.setdefault(first, []).append((last, genre))
    return {first: tuple(ends) for first, ends in found.items()}


def _is_music(word: str) -> bool:
    return word.lower() in lexicon().function_words or lexicon().phrase(word) is not None


def fold_keeping_length(text: str) -> str:
    """``text`` in lower case without accents, letter by letter, so that places stay what they are."""
    return "".join((fold(letter) or letter)[:1] for letter in text)


def _is_unspaced(name: str) -> bool:
    """Whether a name is written in a script without spaces: nothing parts it from the words around."""
    return any("\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" for letter in name)


@cache
def _listed() -> tuple[Mapping[str, tuple[str, str]], re.Pattern[str]]:
    """The listed names, folded: (genre, the list it is in), and a pattern that finds them."""
    found: dict[str, tuple[str, str]] = {}
    for genre, lists in styles.table("artists").items():
        for how, names_ in lists.items():
            found |= {fold_keeping_length(name): (genre, how) for name in names_}
    longest_first = sorted(found, key=len, reverse=True)
    spaced = "|".join(re.escape(name) for name in longest_first if not _is_unspaced(name))
    glued = "|".join(re.escape(name) for name in longest_first if _is_unspaced(name))
    return found, re.compile(rf"(?<!\w)(?:{spaced})(?=(?:-?(?:ish|esque))?(?!\w))|{glued or '(?!)'}")
