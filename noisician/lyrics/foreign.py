"""Lyrics in a language that cannot be sung here, and which one it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from noisician.errors import RequestError
from noisician.lyrics.dictionary import lookup
from noisician.lyrics.english import FUNCTION_WORDS
from noisician.lyrics.model import Lyrics
from noisician.lyrics.normalise import known_spelling
from noisician.lyrics.pronunciation import is_derived

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

#: Above this share of words that no English dictionary has, a text is in another language …
OUTSIDE_SHARE = 0.2
#: … unless so many of its words are those of English grammar that it can only be English with many names.
_GRAMMAR_SHARE = 0.15
_FEWEST_WORDS, _FEWEST_OUTSIDE, _FEWEST_UNGUESSED = 3, 2, 4
#: "shoo", "wah", "bop": sung syllables of no language.
_SUNG_SYLLABLES = frozenset(
    (
        "la",
        "na",
        "da",
        "ba",
        "sha",
        "ha",
        "ta",
        "ya",
        "ma",
        "pa",
        "wa",
        "di",
        "du",
        "lo",
        "li",
        "le",
        "de",
        "dum",
        "bom",
    )
)
_VOCABLE = re.compile(r"[b-df-hj-np-tv-z]{0,2}[aeiouy]{1,3}[hmnpw]?|(.{1,3})\1+")
_LONGEST_VOCABLE = 4


def refuse_other_languages(lyrics: Lyrics) -> None:
    """Raises RequestError for a text that is not English, with the language where it can be guessed."""
    words = {
        spoken: None
        for line in lyrics.lines
        for word in line.words
        if word.override is None and word.text.isalpha()
        for spoken in word.spoken
        if spoken.isalpha()
    }
    if len(words) < _FEWEST_WORDS:
        return
    code, grammar = max(
        ((code, own.intersection(words)) for code, (_, own) in _languages().items()), key=lambda one: len(one[1])
    )
    foreign = grammar - FUNCTION_WORDS - _SUNG_SYLLABLES
    english = FUNCTION_WORDS.intersection(words) - grammar
    outside = [word for word in words if word in foreign or not _is_english(word)]
    share = len(outside) / len(words)
    sounds_english = len(english) > len(foreign) and len(english) >= _GRAMMAR_SHARE * len(words)
    if share <= OUTSIDE_SHARE or len(outside) < _FEWEST_OUTSIDE or sounds_english:
        return
    name = _languages()[code][0] if len(foreign) > 1 or (foreign and len(words) < 8) else None
    if name is None and len(outside) < _FEWEST_UNGUESSED:
        return
    raise RequestError(
        f"the lyrics look {name or 'like another language'}: {len(outside)} of {len(words)} different words are not "
        f'English, such as "{outside[0]}"; only English can be sung'
    )


def _is_english(word: str) -> bool:
    spelling = known_spelling(word)
    if lookup(spelling) or is_derived(spelling):
        return True
    return len(word) <= _LONGEST_VOCABLE and _VOCABLE.fullmatch(word) is not None


@cache
def _languages() -> Mapping[str, tuple[str, frozenset[str]]]:
    """By code: the name of a language and the commonest words of its grammar, without accents."""
    text = files("noisician.lyrics").joinpath("data/languages.toml").read_text(encoding="utf-8")
    return {code: (entry["name"], frozenset(entry["words"].split())) for code, entry in tomllib.loads(text).items()}
