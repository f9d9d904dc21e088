"""What the synthetic singers sing: random words for every pair of sounds, plain lyric lines, and vocalises.

No line is taken from anywhere: words come from the pronouncing dictionary and from the short lists below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from zlib import crc32

import numpy as np

from noisician.errors import CorpusError
from noisician.lyrics import Syllable, pronounce, syllabify
from noisician.lyrics.dictionary import listed_words
from noisician.lyrics.phones import bare

#: Shares of the kinds of lines.
RANDOM_SHARE, LYRIC_SHARE = 0.5, 0.4
#: Syllables a line; singers breathe after as many.
SYLLABLES = (5, 12)
#: One text in so many is kept from training.
HELD_OUT_EVERY = 20
_DRAFTS = 6

#: A word class a letter; a template is a row of letters and words.
_WORDS = {
    "N": "night day light heart fire rain river road sky star moon sun sea wind dream song voice soul hand face door "
    "window city street train garden mountain shadow mirror summer winter morning evening memory silence thunder "
    "ocean island feather ribbon candle lantern harbour desert forest diamond engine radio letter picture promise "
    "secret journey kingdom stranger children mother father brother sister lover angel tiger bluebird cloud flower",
    "A": "little golden silver broken lonely gentle hollow burning frozen empty crazy beautiful quiet heavy distant "
    "electric restless wild young old bright dark cold warm sweet bitter slow deep high blue red green yellow purple "
    "strange simple brave foolish perfect open hidden endless careless precious velvet crooked hungry thirsty",
    "V": "hold leave follow remember forget believe carry touch break mend chase catch lose find hear see feel know "
    "need want love miss save take give bring keep show watch call answer dream breathe whisper cover change choose",
    "I": "run fall fly dance sing cry smile wait stay sleep wake burn shine drift wander turn rise breathe shout pray "
    "laugh swim climb hide slow listen tremble surrender vanish travel",
    "G": "running falling flying dancing singing crying waiting sleeping burning shining drifting turning rising "
    "breathing shouting dreaming laughing climbing fading growing calling leaving",
    "D": "again tonight forever never always today tomorrow somehow slowly maybe alone together away home now",
    "P": "in over under beyond behind across beside through above around into without within after before",
    "T": "the a my your our that this every",
    "W": "I you we they",
    "M": "will can could would must should may",
    "Q": "when why how where",
    "J": "and but so or",
}
_TEMPLATES = (
    "W V T A N", "T A N I s P T N", "W M V T N D", "P T N W V you", "G P T A N", "Q M W V T N", "oh W V T N D",
    "T N and T N", "don't V T N D", "W was G P T N", "J W V you P T A N", "I never V T A N", "let me V your N",
    "D W V T N P T N", "there is no N P T N", "every N is a A N", "W I and W I D", "come and V me P T N",
    "you and I M I P T N", "if W V T N W M I", "tell me Q W V T N", "T N is G D", "it's a A A N", "just a A N P T N",
    "we were A and A", "J T A N I s", "what if W V T N", "I've been G P T N", "you're my A N D", "won't you V me D",
)  # fmt: skip
_VOCALISES = {
    "ooh": ("UW1",), "ah": ("AA1",), "oh": ("OW1",), "la": ("L", "AA1"), "na": ("N", "AA1"), "hey": ("HH", "EY1"),
    "yeah": ("Y", "AE1"), "da": ("D", "AA1"), "doo": ("D", "UW1"), "ba": ("B", "AA1"), "mi": ("M", "IY1"),
    "loo": ("L", "UW1"), "lee": ("L", "IY1"), "woah": ("W", "OW1"), "eh": ("EH1",), "ee": ("IY1",), "uh": ("AH1",),
    "hoo": ("HH", "UW1"), "nay": ("N", "EY1"), "mah": ("M", "AA1"), "may": ("M", "EY1"), "moh": ("M", "OW1"),
    "noo": ("N", "UW1"), "ay": ("AY1",),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """``words``: the syllables of each word of ``text``."""

    text: str
    words: tuple[tuple[Syllable, ...], ...]

    @property
    def syllables(self) -> int:
        return sum(map(len, self.words))


def is_held_out(text: str) -> bool:
    """Whether a line is kept from training: one in twenty, by its words alone."""
    return crc32(text.encode()) % HELD_OUT_EVERY == 0


def write_lines(seed: int, count: int) -> Iterator[Line]:
    """``count`` lines, the same for the same seed. Of random words the draft with the rarest pairs of phones wins."""
    rng = np.random.default_rng([seed, 0x7E87])
    pairs: Counter[tuple[str, str]] = Counter()
    for _ in range(count):
        kind = rng.random()
        if kind < RANDOM_SHARE:
            drafts = [_random_line(rng) for _ in range(_DRAFTS)]
            line = max(drafts, key=lambda draft: _rarity(draft, pairs))
        elif kind < RANDOM_SHARE + LYRIC_SHARE:
            line = _lyric_line(rng)
        else:
            line = _vocalise(rng)
        pairs.update(_pairs(line))
        yield line


def _pairs(line: Line) -> list[tuple[str, str]]:
    phones = [bare(phone) for word in line.words for syllable in word for phone in syllable.phones]
    return list(pairwise(phones))


def _rarity(line: Line, pairs: Counter[tuple[str, str]]) -> float:
    found = _pairs(line)
    return sum(1.0 / (1 + pairs[pair]) for pair in found) / len(found)


def _random_line(rng: np.random.Generator) -> Line:
    """Words of one to four syllables from the dictionary."""
    listed = _dictionary_words()
    target = int(rng.integers(SYLLABLES[0], SYLLABLES[1] - 1))
    texts: list[str] = []
    words: list[tuple[Syllable, ...]] = []
    while sum(map(len, words)) < target:
        text = listed[int(rng.integers(len(listed)))]
        word = syllabify(pronounce(text)[0])
        if 1 <= len(word) <= 4 and sum(map(len, words)) + len(word) <= SYLLABLES[1] and _singable(word):
            texts.append(text)
            words.append(word)
    return Line(" ".join(texts), tuple(words))


def _singable(word: tuple[Syllable, ...]) -> bool:
    return all(len(syllable.onset) <= 3 and len(syllable.coda) <= 3 for syllable in word)


def _lyric_line(rng: np.random.Generator) -> Line:
    while True:
        texts: list[str] = []
        for token in str(rng.choice(_TEMPLATES)).split():
            if token == "s":
                texts[-1] = _third_person(texts[-1])
            elif token in _WORDS:
                texts.append(str(rng.choice(_WORDS[token].split())).lower())
            else:
                texts.append(token.lower())
        line = _read_line(texts)
        if SYLLABLES[0] <= line.syllables <= SYLLABLES[1]:
            return line


def _third_person(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeou":
        return f"{verb[:-1]}ies"
    return verb + ("es" if verb.endswith(("sh", "ch", "s")) else "s")


def _read_line(texts: list[str]) -> Line:
    words = []
    for text in texts:
        variants = pronounce(text)
        if not variants:
            raise CorpusError(f"{text!r} has no pronunciation (0 variants); the dictionary is incomplete")
        words.append(syllabify(variants[0]))
    return Line(" ".join(texts), tuple(words))


def _vocalise(rng: np.random.Generator) -> Line:
    """One sound again and again, or a few in turn."""
    names = sorted(_VOCALISES)
    chosen = [names[int(place)] for place in rng.choice(len(names), size=int(rng.integers(1, 5)), replace=False)]
    texts = [str(rng.choice(chosen)) for _ in range(int(rng.integers(3, 9)))]
    return Line(" ".join(texts), tuple(syllabify(_VOCALISES[text]) for text in texts))


@cache
def _dictionary_words() -> list[str]:
    """Plain words of the dictionary, two to eleven letters."""
    return [word for word in listed_words() if word.isascii() and word.isalpha() and 2 <= len(word) <= 11]
