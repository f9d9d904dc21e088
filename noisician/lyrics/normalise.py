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
#: Read letter by letter, however they are written.
INITIALISMS = frozenset(
    {"atm", "bbc", "bff", "cctv", "ceo", "cia", "diy", "dj", "dna", "dvd", "fbi", "gps", "hiv", "idk", "lol", "mc",
     "mtv", "nyc", "nypd", "omg", "sms", "sos", "suv", "tbh", "tnt", "tv", "ufo", "usa", "usb", "vhs", "vip", "xxl"}
)  # fmt: skip
#: Read so only in capitals, where not everything is: in small letters they are words or sounds.
CAPITAL_INITIALISMS = frozenset(
    {"ac", "ad", "ai", "bc", "cd", "dc", "ep", "er", "eu", "fm", "gi", "hd", "id", "io", "iq", "irs", "la", "lp",
     "ny", "ok", "pc", "pj", "pm", "pr", "tlc", "uk", "un", "uv", "vr", "xo"}
)  # fmt: skip
#: Longer ones that no dictionary has are rather words that somebody shouts.
_LONGEST_INITIALISM = 4
#: Contractions without their apostrophe where that spells no other word.
_OTHER_WORDS = frozenset(
    {"ill", "id", "well", "were", "hell", "shell", "wed", "shed", "its", "lets", "cause", "em", "til"}
)
MISSING_APOSTROPHES = {
    bare: word
    for word in FUNCTION_WORDS
    if word.count("'") == 1 and not word.startswith("'") and not word.endswith("'")
    and (bare := word.replace("'", "")) not in _OTHER_WORDS
} | {
    "yall": "y'all", "itll": "it'll", "thatll": "that'll", "whod": "who'd", "wholl": "who'll", "itd": "it'd",
    "thered": "there'd", "therell": "there'll", "couldve": "could've", "shouldve": "should've", "wouldve": "would've",
    "mightve": "might've", "mustve": "must've", "mustnt": "mustn't", "neednt": "needn't", "maam": "ma'am",
    "oclock": "o'clock", "cmon": "c'mon", "hed": "he'd", "whats": "what's", "hows": "how's", "whens": "when's",
    "whys": "why's",
}  # fmt: skip
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


def pieces(chunk: str, capitals: bool = True) -> list[Piece]:
    """The words in ``chunk``, which has no spaces; ``capitals`` where they mean something, because not all are.

    Raises RequestError for words that English cannot spell or sing.
    """
    start = len(chunk) - len(chunk.lstrip(_CLEAN_EDGES.replace("'", "")))
    core = chunk[start:].rstrip(_CLEAN_EDGES.replace("'", ""))
    if core == "3" and chunk[:start].endswith("<"):
        return [Piece("<3", start - 1, ("love",))]
    whole = _whole(core, chunk[start + len(core) :].startswith("."))
    if whole is not None:
        return [Piece(core, start, *whole)]
    found: list[Piece] = []
    place = 0
    while place < len(chunk):
        end, spoken = _read(chunk, place, capitals)
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
    """``a-a-a``, ``lo-o-ove``, ``to-o-o-lling``, ``hey-ey-ey``: one word whose vowel goes over several notes."""
    first, *middle, last = parts
    rhyme = first.lstrip("bcdfghjklmnpqrstvwxyz")
    slurs = tuple(sum(len(part) + 1 for part in parts[:index]) for index in range(1, len(parts)))
    if rhyme and rhyme != first and all(part == rhyme for part in (*middle, last)):
        return ((first,), slurs)
    return _drawn_out(parts)


def _drawn_out(parts: list[str]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """Parts that begin with the vowel the part before ended in go on with it: lo-o-ove, a-ma-a-zing."""
    word, slurs, place, drawn = parts[0], [], len(parts[0]) + 1, 0
    for index, part in enumerate(parts[1:], start=1):
        tail = re.search(f"[{_VOWEL_LETTERS}]*$", word)
        tail = tail.group() if tail and len(tail.group()) > 1 and part.startswith(tail.group()) else word[-1]
        goes_on = tail[0] in _VOWEL_LETTERS and part.startswith(tail)
        alone = goes_on and not part.strip(tail)
        rest = part.lstrip(part[0]) if len(tail) == 1 else part.removeprefix(tail)
        may_go_on = goes_on and (drawn or index + 1 == len(parts))
        if alone or (may_go_on and (lookup_any(word + rest) or not lookup_any(word + part))):
            slurs.append(place)
            drawn += alone
            word += rest
        else:
            word += part
        place += len(part) + 1
    vowels_only = drawn == len(parts) - 1
    divided = not all(map(dictionary.lookup, parts))
    if slurs and (vowels_only or (lookup_any(word) and (drawn or divided)) or (drawn and len(parts) == len(slurs) + 1)):
        return ((known_spelling(word),), tuple(slurs))
    return None


def lookup_any(word: str) -> bool:
    """Whether a dictionary has ``word``, letters drawn out or not."""
    return bool(dictionary.lookup(known_spelling(word)))


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


def _read(chunk: str, place: int, capitals: bool) -> tuple[int, tuple[str, ...]]:
    """What begins at ``place``: where it ends and the words it is read as, none for punctuation."""
    found = numbers.figure(chunk, place)
    if found:
        end, spoken = found
        meridiem = _MERIDIEM.match(chunk, end)
        return (meridiem.end(), (*spoken, f"{meridiem[1].lower()}.", "m.")) if meridiem else (end, spoken)
    if unicodedata.category(chunk[place]) == "No":  # ½ is 1⁄2
        vulgar = numbers.figure(unicodedata.normalize("NFKC", chunk[place]).replace("⁄", "/"), 0)
        return place + 1, vulgar[1] if vulgar else ()
    dotted = _DOTTED.match(chunk, place)
    if dotted and (dotted.end() == len(chunk) or not chunk[dotted.end()].isalpha()):
        return dotted.end(), _letters(_plain_letters(dotted.group().replace(".", "")))
    word = _WORD.match(chunk, place)
    if word:
        return word.end(), _words(word.group(), capitals)
    symbol = SYMBOLS.get(chunk[place])
    return place + 1, (symbol,) if symbol else ()


def _words(written: str, capitals: bool) -> tuple[str, ...]:
    letters = sum(character.isalpha() for character in written)
    if letters > WORD_LIMIT_LETTERS:
        raise RequestError(
            f'the word "{written[:20]}…" has {letters} letters, at most {WORD_LIMIT_LETTERS}; a space may be missing'
        )
    plain = _plain_letters(written)
    if not plain.strip("'"):
        return ()
    bare, clitic = (plain[:-2], "'s") if plain.endswith("'s") else (plain.removesuffix("s"), "s")
    several = [] if bare == plain else [(bare, clitic)] if clitic == "'s" or not written.isupper() else []
    for letters, more in (*several, (plain.strip("'"), "")):
        capital = capitals and written[: len(letters)].isupper() and len(letters) > 1
        if _is_initialism(letters, capital) and (not more or clitic == "'s" or capital or letters in INITIALISMS):
            spelt = _letters(letters)
            return (*spelt[:-1], spelt[-1] + ("'s" if more else "")) if spelt else ()
    return (MISSING_APOSTROPHES.get(plain) or known_spelling(plain),)


def _letters(plain: str) -> tuple[str, ...]:
    """The names of letters as spoken words: "a." is the letter, not the article."""
    return tuple(f"{letter}." for letter in plain if letter.isalpha())


def _plain_letters(written: str) -> str:
    plain = fold(written)
    foreign = re.search(r"[^a-z']", plain)
    if foreign:
        raise RequestError(
            f'"{written[:20]}" is not in the Latin alphabet, which English is written in; spell it in Latin letters or '
            f"give its sounds as {{{written[:20]}|L AA1}}"
        )
    return plain


def _is_initialism(plain: str, capital: bool) -> bool:
    """Read letter by letter: known ones, and short words without a vowel letter that no dictionary has (kgb)."""
    if plain in INITIALISMS or (capital and plain in CAPITAL_INITIALISMS):
        return True
    if capital and len(plain) <= _LONGEST_INITIALISM and not re.search(r"(.)\1", plain) and plain.isalpha():
        return not lookup_any(plain)
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
