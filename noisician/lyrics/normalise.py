"""Written words to spoken ones: figures, abbreviations, symbols, slang, hyphens and apostrophes of English."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from noisician.errors import RequestError
from noisician.lyrics import dictionary, numbers
from noisician.lyrics.english import FUNCTION_WORDS
from noisician.lyrics.text import INVISIBLE, fold

WORD_LIMIT_LETTERS = 40
ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "prof": "professor", "st": "saint", "mt": "mount",
    "jr": "junior", "sr": "senior", "vs": "versus", "etc": "et cetera", "feat": "featuring", "ft": "featuring",
    "ave": "avenue", "blvd": "boulevard", "approx": "approximately", "dept": "department", "capt": "captain",
    "sgt": "sergeant", "lt": "lieutenant", "gov": "governor", "rev": "reverend", "gen": "general", "hr": "hour",
    "hrs": "hours", "mins": "minutes", "secs": "seconds", "lbs": "pounds", "ph.d": "p h d", "phd": "p h d",
}  # fmt: skip
#: Read so only with their full stop; without it they are words of their own or too short to tell.
_NEEDS_STOP = frozenset({"st", "mt", "ms", "sr", "ave", "gen", "gov", "rev", "ft", "lt", "hr", "prof", "capt", "dept"})
SLANG = {
    "gr8": "great", "l8r": "later", "l8": "late", "m8": "mate", "h8": "hate", "w8": "wait", "b4": "before",
    "2nite": "tonight", "2day": "today", "2morrow": "tomorrow", "4ever": "forever", "4eva": "forever",
    "4u": "for you", "2u": "to you", "luv": "love", "thru": "through", "tho": "though", "nite": "night",
    "lite": "light", "pls": "please", "plz": "please", "thx": "thanks", "ppl": "people", "bcuz": "because",
    "w/": "with", "w/o": "without", "ur": "your", "ya'll": "y'all", "n'": "and", "'n'": "and", "'n": "and",
    "sk8": "skate", "sk8er": "skater", "b2b": "b to b", "str8": "straight", "every1": "everyone",
    "some1": "someone", "any1": "anyone", "no1": "no one", "u2": "you too", "i'mma": "imma", "i'ma": "imma",
    "ooh-la-la": "ooh la la", "okey-dokey": "okie dokie",
}  # fmt: skip
#: Capitals with vowels that are still read letter by letter.
INITIALISMS = frozenset({"atm", "bff", "ceo", "diy", "idk", "lol", "nyc", "omg", "ufo", "usa", "usb", "vip"})
SYMBOLS = {"&": "and", "+": "plus", "@": "at", "=": "equals", "%": "percent", "×": "times", "÷": "over", "№": "number"}
#: Words people draw out whose spelling with a double letter is another, rarer word.
_OFTEN_DRAWN = FUNCTION_WORDS | {"go", "oh", "hey", "ah"}
_VOWEL_LETTERS = "aeiou"
_CLEAN_EDGES = "\"'“”‘’.,;:!?…-*_|<>"
_LETTER = r"[^\W\d_]"
_WORD = re.compile(rf"'?(?:{_LETTER}|[\u0300-\u036f{INVISIBLE}])+(?:'{_LETTER}+)*'?")
_DOTTED = re.compile(rf"(?:{_LETTER}\.){{2,}}(?:{_LETTER}(?!{_LETTER}))?")
_MERIDIEM = re.compile(r"([ap])\.?m\.?(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A part of what stood between two spaces: where it lies there, and the words it is read as."""

    text: str
    start: int
    spoken: tuple[str, ...]
    slurs: tuple[int, ...] = ()


def pieces(chunk: str) -> list[Piece]:
    """The words in ``chunk``, which has no spaces. Raises RequestError for words that English cannot spell or sing."""
    start = len(chunk) - len(chunk.lstrip(_CLEAN_EDGES.replace("'", "")))
    core = chunk[start:].rstrip(_CLEAN_EDGES.replace("'", ""))
    whole = _whole(core, chunk[start + len(core) :].startswith("."))
    if whole is not None:
        return [Piece(core, start, *whole)]
    found: list[Piece] = []
    place = 0
    while place < len(chunk):
        end, spoken = _read(chunk, place)
        if spoken:
            shown = end + (chunk[end : end + 1] == "-" and chunk[end + 1 : end + 2].isalnum())
            found.append(Piece(chunk[place:shown], place, spoken))
        place = end
    return found


def _whole(core: str, stopped: bool) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """Reads a chunk that only makes sense as one: slang, abbreviations, ``lo-o-ove``; the words and the slurs."""
    plain = fold(core)
    if plain in SLANG:
        return tuple(SLANG[plain].split()), ()
    bare = plain.rstrip(".")
    if bare in ABBREVIATIONS and (stopped or plain != bare or bare not in _NEEDS_STOP):
        return tuple(ABBREVIATIONS[bare].split()), ()
    parts = plain.split("-")
    if len(parts) > 1 and len(plain) == len(core) and all(re.fullmatch("[a-z]+'?", part) for part in parts):
        return _melisma(parts) or _stutter(parts) or _syllables(parts)
    return None


def _melisma(parts: list[str]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """``a-a-a``, ``lo-o-ove``, ``hey-ey-ey``: one word whose vowel goes over several notes."""
    first, *middle, last = parts
    vowel = first[-1]
    slurs = tuple(sum(len(part) + 1 for part in parts[:index]) for index in range(1, len(parts)))
    if vowel in _VOWEL_LETTERS and all(part == vowel for part in middle) and last.startswith(vowel):
        tail = last[1:]
        if middle or not tail:
            return ((first + tail,), slurs)
    rhyme = first.lstrip("bcdfghjklmnpqrstvwxyz")
    if rhyme and rhyme != first and all(part == rhyme for part in (*middle, last)):
        return ((first,), slurs)
    return None


def _stutter(parts: list[str]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """``b-b-baby``: the consonants are sung, not their names; such a word ends in a hyphen."""
    *front, last = parts
    if len(set(front)) == 1 and last.startswith(front[0]) and re.fullmatch("[bcdfghjklmnpqrstvwxz]{1,2}", front[0]):
        return ((*(f"{part}-" for part in front), last), ())
    return None


def _syllables(parts: list[str]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """``hal-le-lu-jah``: one word written in its syllables, not several words joined."""
    whole = "".join(parts)
    divided = len(parts) > 2 or not all(map(dictionary.lookup, parts))
    return ((whole,), ()) if divided and len(set(parts)) > 1 and dictionary.lookup(whole) else None


def _read(chunk: str, place: int) -> tuple[int, tuple[str, ...]]:
    """What begins at ``place``: where it ends and the words it is read as, none for punctuation."""
    found = numbers.figure(chunk, place)
    if found:
        end, spoken = found
        meridiem = _MERIDIEM.match(chunk, end)
        return (meridiem.end(), (*spoken, meridiem[1].lower(), "m")) if meridiem else (end, spoken)
    if unicodedata.category(chunk[place]) == "No":  # ½ is 1⁄2
        vulgar = numbers.figure(unicodedata.normalize("NFKC", chunk[place]).replace("⁄", "/"), 0)
        return place + 1, vulgar[1] if vulgar else ()
    dotted = _DOTTED.match(chunk, place)
    if dotted and (dotted.end() == len(chunk) or not chunk[dotted.end()].isalpha()):
        return dotted.end(), tuple(_plain_letters(dotted.group().replace(".", "")))
    word = _WORD.match(chunk, place)
    if word:
        return word.end(), _words(word.group())
    symbol = SYMBOLS.get(chunk[place])
    return place + 1, (symbol,) if symbol else ()


def _words(written: str) -> tuple[str, ...]:
    letters = sum(character.isalpha() for character in written)
    if letters > WORD_LIMIT_LETTERS:
        raise RequestError(
            f'the word "{written[:20]}…" has {letters} letters, at most {WORD_LIMIT_LETTERS}; a space may be missing'
        )
    plain = _plain_letters(written)
    if not plain.strip("'"):
        return ()
    if _is_initialism(plain):
        return tuple(plain.strip("'"))
    return (known_spelling(plain),)


def _plain_letters(written: str) -> str:
    plain = fold(written)
    foreign = re.search(r"[^a-z']", plain)
    if foreign:
        raise RequestError(
            f'"{written[:20]}" is not in the Latin alphabet, which English is written in; spell it in Latin letters or '
            f"give its sounds as {{{written[:20]}|L AA1}}"
        )
    return plain


def _is_initialism(plain: str) -> bool:
    """Read letter by letter: known ones, and short words without a vowel letter that no dictionary has (kgb)."""
    if plain in INITIALISMS:
        return True
    unreadable = len(plain) <= 5 and plain.isalpha() and not re.search("[aeiouy]", plain)
    return unreadable and len(set(plain)) > 1 and not dictionary.lookup(known_spelling(plain))


@cache
def _quiet_endings() -> tuple[str, ...]:
    return tuple(word for word in dictionary.additions() if word.startswith("'"))


def known_spelling(word: str) -> str:
    """``word`` without quotes around it, and with drawn-out letters shortened: "nooo" → "no"."""
    if not dictionary.lookup(word):
        for bare in (word.removesuffix("'"), word.removeprefix("'"), word.strip("'")):
            if bare and not bare.endswith("in") and dictionary.lookup(bare):
                return bare
        if word.startswith("'") and word not in _quiet_endings():
            word = word.lstrip("'")
    if re.search(r"(.)\1\1", word):
        double, single = (re.sub(r"(.)\1\1+", kept, word) for kept in (r"\1\1", r"\1"))
        if dictionary.lookup(double) and single not in _OFTEN_DRAWN:
            return double
        return single
    return word
