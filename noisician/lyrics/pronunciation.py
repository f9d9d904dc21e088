"""One English word, without its neighbours, to phones.

Dictionary first; then what English adds to words ("lovin'", "moon's"), and last the letter-to-sound model. On words
held out of the dictionary the model reads most endings and compounds better than rules over their parts do, so only the
rules that win are here. Whatever has a letter gets at least one vowel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from noisician.lyrics.dictionary import lookup
from noisician.lyrics.letters import letter_to_sound
from noisician.lyrics.phones import SIBILANTS, VOICELESS, Pronunciation, is_vowel
from noisician.lyrics.text import fold

Pronunciations = tuple[Pronunciation, ...]

#: Endings of fixed sound, longest first.
_ENDINGS: tuple[tuple[str, Pronunciation], ...] = (
    ("ness", ("N", "AH0", "S")),
    ("less", ("L", "AH0", "S")),
    ("like", ("L", "AY2", "K")),
    ("ful", ("F", "AH0", "L")),
    ("ish", ("IH0", "SH")),
)
_CONTRACTIONS: tuple[tuple[str, Pronunciation], ...] = (
    ("n't", ("AH0", "N", "T")),
    ("'ve", ("AH0", "V")),
    ("'ll", ("AH0", "L")),
    ("'re", ("ER0",)),
    ("'m", ("M",)),
)
_LONG_VOWEL = re.compile(r"[aeiouy][bcdfgklmnprstvz]$|[aeiouy](?:st|ng|[rln][cgsv])$|[cuv]$")
_SPELT = re.compile(r"([a-z])\.('s)?")
_SHORTEST_PART = 4
_DEEPEST = 3


@lru_cache(maxsize=8192)
def pronounce(word: str) -> Pronunciations:
    """All pronunciations of one written word, the commonest first, vowels with stress digits.

    Upper case and accents do not matter. A word in a … z gets at least one with at least one vowel; the result is
    empty when there is no Latin letter in it. A word that ends in a hyphen is a stutter, ``b-`` is B AH0; a
    letter with a full stop is its name, ``a.`` is EY1.
    """
    spelt = _SPELT.fullmatch(word)
    if spelt:
        name = _letter_name(spelt[1])
        return ((*name, *plural_sound(name)) if spelt[2] else name,)
    plain = re.sub(r"[^a-z'.-]", "", fold(word)).strip("-.") + ("-" if word.endswith("-") else "")
    if plain.endswith("-"):
        stutter = _stutter(plain[:-1])
        return (stutter,) if stutter else ()
    listed = _sung(lookup(plain)) or (() if plain.endswith("in'") else _sung(lookup(plain.strip("'"))))
    if listed or not plain.strip("'.-"):
        return listed
    derived = _derived(plain, 0)
    if derived:
        return derived
    parts = [part for part in re.split(r"[^a-z]+", plain) if part]
    spelt = [(re.search("[aeiouy]", part) and letter_to_sound(part)) or _spell_out(part) for part in parts]
    return (tuple(phone for part in spelt for phone in part),)


def _sung(variants: Pronunciations) -> Pronunciations:
    return tuple(phones for phones in variants if any(map(is_vowel, phones)))


def _stutter(letters: str) -> Pronunciation:
    """The consonants of a beginning with a neutral vowel."""
    phones = letter_to_sound(letters + "a") if letters.isalpha() else ()
    consonants = []
    for phone in phones:
        if is_vowel(phone):
            break
        consonants.append(phone)
    return (*consonants, "AH0") if phones else ()


def _spell_out(letters: str) -> Pronunciation:
    """The names of letters: "xkcd" → EH1 K S K EY1 S IY1 D IY1."""
    return tuple(phone for letter in letters for phone in _letter_name(letter))


def _letter_name(letter: str) -> Pronunciation:
    return ("EY1",) if letter == "a" else lookup(letter)[0]


def is_derived(word: str) -> bool:
    """Whether ``word`` is a listed word with an ending or a clitic of English."""
    return any(reading(word, 0) for reading in (_clitic, _inflected, _with_ending, _compound)) or (
        word.endswith("'") and bool(_in_for_ing(word, 0))
    )


def _derived(word: str, depth: int) -> Pronunciations:
    """``word`` as a known word with something added or as two known words; empty when it is neither."""
    if depth == _DEEPEST:
        return ()
    readings = (_clitic, _in_for_ing, _inflected, _with_ending, _compound)
    for reading in readings if depth == 0 else readings[:-1]:
        found = reading(word, depth)
        if found:
            return found
    return ()


def _base(word: str, depth: int) -> Pronunciations:
    if len(word) < 2:
        return ()
    return _sung(lookup(word)) or _derived(word, depth + 1)


def _clitic(word: str, depth: int) -> Pronunciations:
    """Possessives and contractions; their host may be any word at all."""
    if "'" not in word:
        return ()
    for ending, sound in _CONTRACTIONS:
        if word.endswith(ending):
            return _add(pronounce(word[: -len(ending)]), lambda phones, sound=sound: sound)
    if word.endswith("'s"):
        return _add(pronounce(word[:-2]), plural_sound)
    if word.endswith("'d"):
        return _add(pronounce(word[:-2]), _past_sound)
    if word.endswith("s'"):
        return pronounce(word[:-1])
    return ()


def _in_for_ing(word: str, depth: int) -> Pronunciations:
    """lovin', lovin → loving with an N."""
    stem = word.removesuffix("'")
    if not stem.endswith("in") or len(stem) < 5:
        return ()
    full = _sung(lookup(stem + "g")) or (_derived(stem + "g", depth + 1) if word.endswith("'") else ())
    return tuple((*phones[:-1], "N") for phones in full if phones[-1] == "NG")


def _inflected(word: str, depth: int) -> Pronunciations:
    """Plurals and third persons, and the past."""
    if word.endswith("s") and not word.endswith("ss"):
        for stem in _stems(word, "s", "es"):
            found = _add(_base(stem, depth), plural_sound)
            if found:
                return found
    if word.endswith("ed"):
        for stem in _stems(word, "ed"):
            found = _add(_base(stem, depth), _past_sound)
            if found:
                return found
    return ()


def _with_ending(word: str, depth: int) -> Pronunciations:
    for ending, sound in _ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            for stem in _stems(word, ending):
                found = _add(_base(stem, depth), lambda phones, sound=sound: sound)
                if found:
                    return found
    return ()


def _stems(word: str, *endings: str) -> Iterator[str]:
    """What a word may have been before an ending: stop+ped, hop(e)+ed, tr(y)+ies, happ(i)+ness."""
    for ending in endings:
        stem = word[: -len(ending)]
        if not word.endswith(ending) or not re.search("[aeiouy].*[a-z]", stem):
            continue
        silent_e = ending[0] in "eiy"
        if ending[0] in "eiy" and len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
            yield stem[:-1]
        if silent_e and _LONG_VOWEL.search(stem):
            yield stem + "e"
        yield stem
        if silent_e:
            yield stem + "e"
        if stem.endswith("i"):
            yield stem[:-1] + "y"


def _add(bases: Pronunciations, sound: Callable[[Pronunciation], Pronunciation]) -> Pronunciations:
    return tuple((*phones, *sound(phones)) for phones in bases)


def plural_sound(phones: Pronunciation) -> Pronunciation:
    """What -s or 's adds: S, Z or IH0 Z."""
    if phones[-1] in SIBILANTS:
        return ("IH0", "Z")
    return ("S",) if phones[-1] in VOICELESS else ("Z",)


def _past_sound(phones: Pronunciation) -> Pronunciation:
    if phones[-1] in ("T", "D"):
        return ("IH0", "D")
    return ("T",) if phones[-1] in VOICELESS else ("D",)


def _compound(word: str, depth: int) -> Pronunciations:
    """Two listed words of which the first ends in a silent e, "lovestruck"; the model reads the others better."""
    if not word.isalpha():
        return ()
    for place in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        if word[place - 1] == "e" and word[place] not in "aeiouy":
            left, right = _sung(lookup(word[:place])), _sung(lookup(word[place:]))
            if left and right and not is_vowel(left[0][-1]):
                return ((*left[0], *_subordinate(right[0])),)
    return ()


def _subordinate(phones: Iterable[str]) -> Pronunciation:
    return tuple(phone[:-1] + "2" if phone.endswith("1") else phone for phone in phones)
