"""Slips of the keyboard: a word that is in no dictionary and one letter off a word of the lexicon is read as that.

One letter off is one letter more, less, other, or two that changed places (Damerau 1964).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from noisician.prompt.lexicon import lexicon
from noisician.prompt.numbers import FIGURE_WORDS
from noisician.prompt.ordinary import is_listed
from noisician.prompt.text import fold
from noisician.prompt.wording import Piece

#: Shorter words are too near to too many others; of those a letter shorter only letters that changed places, or one
#: that is missing in the middle, are mended.
SHORTEST_LETTERS = 5
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def slips(text: str) -> list[Piece]:
    """The words of ``text`` that are read as others, in order."""
    found: list[Piece] = []
    for match in _WORD.finditer(text):
        meant = mended(match.group(), starts=match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".!?\n")
        if meant is not None:
            found.append(Piece(meant, match.start(), match.end(), slip=True))
    return found


def mended(word: str, starts: bool = True) -> str | None:
    """The word of the lexicon that ``word`` must be a slip of; None for a word, a name (a capital where no sentence
    starts), and whatever is like nothing."""
    plain = fold(word)
    words = lexicon()
    if plain in words.slips:
        return words.slips[plain]
    if plain in words.spelling:
        return None
    if len(plain) < SHORTEST_LETTERS - 1 or not plain.isascii() or not plain.isalpha():
        return None
    if (word[:1].isupper() and not word.isupper() and not starts) or is_ordinary(plain):
        return None
    return _nearest(plain)


def is_ordinary(word: str) -> bool:
    """Whether a word, lower case, is in a dictionary, the lexicon among them."""
    words = lexicon()
    if word in known_words() or words.phrase(word) is not None:
        return True
    return is_listed(word)


@cache
def known_words() -> frozenset[str]:
    """Every single word of the lexicon: of phrases, negations, degrees and function words."""
    words = lexicon()
    keys = (*words.entries, *words.cues, *words.harmless, *words.degrees)
    return frozenset(word for key in keys for word in key.split(" ")) | words.function_words | FIGURE_WORDS


@cache
def _told_words() -> frozenset[str]:
    """Known words a slip may be mended to: those that say something."""
    words = lexicon()
    negating = {word for key in words.cues for word in key.split(" ")}
    return known_words() - (words.function_words - negating - words.entries.keys())


@cache
def _deletions() -> Mapping[str, tuple[str, ...]]:
    """Known words by themselves with one letter left out: two words one slip apart share such a form, or are one."""
    found: dict[str, set[str]] = defaultdict(set)
    for word in _told_words():
        if len(word) >= SHORTEST_LETTERS - 1 and word.isascii() and word.isalpha():
            for shorter in (word, *_one_less(word)):
                found[shorter].add(word)
    return {shorter: tuple(sorted(words)) for shorter, words in found.items()}


def _nearest(word: str) -> str | None:
    near = {known for shorter in (word, *_one_less(word)) for known in _deletions().get(shorter, ())}
    near = {known for known in near if is_one_off(word, known) and known[0] == word[0]}
    if len(word) < SHORTEST_LETTERS:
        near = {known for known in near if known[-1] == word[-1] and len(known) >= len(word)}
        near = {known for known in near if len(known) > len(word) or sorted(known) == sorted(word)} or near
    if not near:
        return None
    entries = lexicon().entries
    return min(near, key=lambda known: (known not in entries, known[-2:] != word[-2:], -len(known), known))


def _one_less(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def is_one_off(a: str, b: str) -> bool:
    """Whether two words are one slip apart: a letter more, less, other or swapped with its neighbour."""
    if a == b:
        return False
    if len(a) > len(b):
        a, b = b, a
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
