"""Musical words of other languages in English: ``languages/<code>.toml``, read where a prompt shows one of them.

A table has ``words`` (English = its phrases), ``small`` (function words, by which the language is recognised),
``endings`` of inflected words, and ``patterns`` for what is more than words, with the ``values`` of their groups. "<no"
in the place of English is a word that stands after what it negates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from noisician.prompt.lexicon import lexicon
from noisician.prompt.numbers import FIGURE_WORDS
from noisician.prompt.ordinary import is_dictionary_word
from noisician.prompt.text import fold
from noisician.prompt.wording import Piece, Wording

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

SPACED = ("de", "fr", "es", "pt", "it")
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,:/]\d+)*")
_KANA, _HANGUL, _HAN = (
    re.compile(f"[{span}]") for span in ("\u3040-\u30ff", "\uac00-\ud7a3\u1100-\u11ff", "\u4e00-\u9fff")
)
_UNSPACED_RUN = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3ー々〇]+")
#: The "l'" of "l'orchestra" and its like.
_ELIDED = re.compile(r"(?<!\w)(?:l|d|qu|j|m|s|n|c|un|dell|dall|all|nell|sull)'(?=\w)", re.IGNORECASE)
#: "<no" as English: the word before it is not wanted.
_NOT_BEFORE = "<no"
#: Letters that a language has and its neighbours lack: half a word's worth of proof.
_OWN_LETTERS = {"de": "äöüß", "fr": "çèêœàù", "es": "ñ¿¡", "pt": "ãõç", "it": "ìòù"}
#: How much of a prompt must be in a language, in scores of words, before it is read as that.
ENOUGH_PROOF, ENOUGH_PROOF_WITH_ACCENTS = 1.5, 1.0
#: Halves of a German compound are at least so long.
_SHORTEST_HALF = 3


@dataclass(frozen=True)
class Table:
    """One language. ``words`` are folded phrases and their English; ``small`` function words, in scripts without
    spaces letters; ``patterns`` and their English with the names of groups, whose ``values`` are English."""

    code: str
    words: Mapping[str, str]
    small: frozenset[str]
    endings: tuple[tuple[str, str], ...]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    values: Mapping[str, str]

    @cached_property
    def longest(self) -> int:
        return max(map(len, self.words))

    @cached_property
    def reach(self) -> Mapping[str, int]:
        """How many words the longest phrase has that begins with a word."""
        found: dict[str, int] = {}
        for phrase in self.words:
            first, *rest = phrase.split(" ")
            found[first] = max(found.get(first, 1), 1 + len(rest))
        return found

    def english(self, phrase: str) -> str | None:
        """The English of a folded phrase, its last word perhaps inflected; "" for a word that says nothing."""
        if phrase in self.words:
            return self.words[phrase]
        for ending, instead in self.endings:
            stem = phrase.removesuffix(ending) + instead
            if stem != phrase and phrase.endswith(ending) and stem in self.words and len(stem) > 2:
                return self.words[stem]
        return None


@cache
def table(code: str) -> Table:
    told: dict[str, Any] = tomllib.loads(
        files("noisician.prompt").joinpath("languages").joinpath(f"{code}.toml").read_text(encoding="utf-8")
    )
    words: dict[str, str] = {}
    for english, phrases in told["words"].items():
        for phrase in phrases.split(", "):
            words.setdefault(_key(phrase), english)
    patterns = tuple((re.compile(pattern, re.IGNORECASE), english) for pattern, english in told["patterns"].items())
    small = told["small"].split() if code in SPACED else told["small"]
    return Table(
        code=code,
        words=words,
        small=frozenset(map(fold, small)),
        endings=tuple((ending, instead) for ending, instead in told.get("endings", ())),
        patterns=patterns,
        values={fold(value): english for value, english in told["values"].items()},
    )


def _key(phrase: str) -> str:
    return fold(_ELIDED.sub("", phrase)).replace("-", " ").replace("'", " ")


def translation(text: str) -> Wording | None:
    """The prompt in English words where it is written in another language, else None."""
    code = language_of(text)
    if code is None:
        return None
    words = table(code)
    pieces = list(_spaced(text, words) if code in SPACED else _unspaced(text, words))
    return Wording(text, tuple(_closed_up(_negated_before(pieces))), code)


def is_small(word: str, code: str) -> bool:
    """Whether a word says nothing in the language of ``code``, or is none of its own."""
    small = table(code).small
    return fold(word) in small if code in SPACED else word.isascii() or set(word) <= small


def language_of(text: str) -> str | None:
    """ISO 639-1 code of the language of ``text`` where there is a table for it; None: English, or nobody knows."""
    if text.isascii() and not _foreign(text):
        return None
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    if _HAN.search(text):
        return "zh"
    foreign = _foreign(text)
    if not foreign:
        return None
    english = sum(fold(word) in _ENGLISH for word in _WORD.findall(text))
    scores = {code: _score(table(code), text) for code in SPACED}
    best = max(scores, key=scores.__getitem__)
    enough = ENOUGH_PROOF if text.isascii() else ENOUGH_PROOF_WITH_ACCENTS
    return best if scores[best] >= enough and scores[best] > english else None


#: Small words that only an English prompt has.
_ENGLISH_WORDS = "the with and for of is are that my this it it's to like by from very but please on at or your"
_ENGLISH = frozenset(_ENGLISH_WORDS.split())


def _foreign(text: str) -> list[str]:
    """Words that English and the lexicon do not know."""
    return [word for word in map(fold, _WORD.findall(text)) if word.isalpha() and not _is_english(word)]


def _is_english(word: str) -> bool:
    """Whether a folded word is one that the lexicon knows, rightly spelt or not."""
    words = lexicon()
    known = (words.function_words, words.entries, words.cues, words.degrees, words.slips, words.spelling, FIGURE_WORDS)
    return len(word) < 2 or any(word in table for table in known)


def _score(words: Table, text: str) -> float:
    """How much of a text is in a language: two for a word of music, one for a small word or one that English has too;
    minus one for a word in neither, half of one for an English word. 0 where all of it could be English."""
    rest, found = text, 0
    for pattern, _ in words.patterns:
        rest, count = pattern.subn(" ", rest)
        found += count
    folded = [fold(word) for word in _WORD.findall(_ELIDED.sub("", rest))]
    score, proof, at = 2.0 * found, found, 0
    while at < len(folded):
        count = _phrase_at(words, folded, at)
        phrase = folded[at : at + max(count, 1)]
        same = count > 0 and words.english(" ".join(phrase)) == " ".join(phrase)  # "a cappella" proves nothing
        own = [] if same else [word for word in phrase if not _is_english(word)]
        content = any(len(word) > 2 and word not in words.small for word in own)
        if count:
            score += 2 if content else 1
        elif folded[at] in words.small:
            score += folded[at] not in _ENGLISH
        elif words.code == "de" and own and _halves(folded[at], words):
            score, count = score + 2, 1
        else:
            score -= 1.0 if own else 0.5
            own = []
        proof += sum(not is_dictionary_word(word) for word in own)
        at += count or 1
    letters = sum(letter in text.lower() for letter in _OWN_LETTERS[words.code])
    return (score + 0.5 * letters) if proof else 0.0


def _phrase_at(words: Table, folded: Sequence[str], at: int) -> int:
    """How many words from ``at`` are the longest phrase of a table; 0 for none."""
    longest = min(words.reach.get(folded[at], 1), len(folded) - at)
    for count in range(longest, 0, -1):
        if words.english(" ".join(folded[at : at + count])) is not None:
            return count
    return 0


def _spaced(text: str, words: Table) -> Iterator[Piece]:
    """Phrase by phrase; keys of music first, and what is no word as it stands."""
    fixed = sorted(_patterned(text, words), key=lambda piece: piece.start)
    at = 0
    for piece in [*fixed, Piece("", len(text), len(text))]:
        yield from _phrases(text, at, piece.start, words)
        if piece.text:
            yield piece
        at = piece.end


def _patterned(text: str, words: Table) -> Iterator[Piece]:
    taken: list[tuple[int, int]] = []
    for pattern, english in words.patterns:
        for match in pattern.finditer(text):
            if all(match.end() <= first or last <= match.start() for first, last in taken):
                taken.append(match.span())
                groups = {
                    name: words.values.get(fold(said or ""), said or "") for name, said in match.groupdict().items()
                }
                yield Piece(english.format(**groups), *match.span())


def _phrases(text: str, start: int, end: int, words: Table) -> Iterator[Piece]:
    blanked = _ELIDED.sub(lambda match: " " * len(match.group()), text[start:end])
    found = [(match.group(), start + match.start(), start + match.end()) for match in _WORD.finditer(blanked)]
    folded = [fold(word) for word, _, _ in found]
    place, at = 0, start
    while place < len(found):
        count = _phrase_at(words, folded, place)
        first, last = found[place][1], found[place + max(count, 1) - 1][2]
        english = words.english(" ".join(folded[place : place + count])) if count else _alone(folded[place], words)
        if at < first:
            yield _between(text, at, first)
        if english is None:
            yield Piece(text[first:last], first, last, copied=True)
        else:
            yield Piece(english, first, last)
        place, at = place + max(count, 1), last
    if at < end:
        yield _between(text, at, end)


def _between(text: str, start: int, end: int) -> Piece:
    """What stands between words, without the "l'" of the next."""
    return Piece(
        _ELIDED.sub(" ", text[start:end] + "x")[:-1] if "'" in text[start:end] else text[start:end], start, end
    )


def _alone(word: str, words: Table) -> str | None:
    """A word that is in no table: a small one says nothing; a German one may be two."""
    if word in words.small:
        return ""
    if word in lexicon().entries or words.code != "de":
        return None
    return " ".join(_halves(word, words) or ()) or None


def _halves(word: str, words: Table) -> tuple[str, str] | None:
    """The English of both halves of a German compound, "s" or "n" between them left out."""
    entries = lexicon().entries
    for at in range(len(word) - _SHORTEST_HALF, _SHORTEST_HALF - 1, -1):
        first, last = word[:at], word[at:]
        for half in (first, first.removesuffix("s"), first.removesuffix("n"), first.removesuffix("en")):
            a = words.english(half) or (half if half in entries else None)
            b = words.english(last) or (last if last in entries else None)
            if a and b and len(half) >= _SHORTEST_HALF and not {half, last} & words.small:
                return a, b
    return None


def _unspaced(text: str, words: Table) -> Iterator[Piece]:
    """Longest phrase first at each character; what is left between them as it stands."""
    fixed = sorted(_patterned(text, words), key=lambda piece: piece.start)
    at = 0
    for piece in [*fixed, Piece("", len(text), len(text))]:
        yield from _runs(text, at, piece.start, words)
        if piece.text:
            yield Piece(f" {piece.text} ", piece.start, piece.end)
        at = piece.end


def _runs(text: str, start: int, end: int, words: Table) -> Iterator[Piece]:
    at = start
    rest = start  # where what nobody knows begins
    while at < end:
        lengths = range(min(words.longest, end - at), 0, -1)
        length = next((n for n in lengths if _is_phrase(text, at, at + n, words)), 0)
        if not length:
            at += 1
            continue
        if rest < at:
            yield _unknown(text, rest, at, words)
        yield Piece(f" {words.words[fold(text[at : at + length])]} ", at, at + length)
        at += length
        rest = at
    if rest < end:
        yield _unknown(text, rest, end, words)


def _is_phrase(text: str, start: int, end: int, words: Table) -> bool:
    """Whether a stretch is a phrase of a table; one in Latin letters must be no part of a longer word."""
    phrase = fold(text[start:end])
    if phrase not in words.words:
        return False
    around = text[max(start - 1, 0) : start], text[end : end + 1]
    return not phrase.isascii() or not any(one.isalnum() and not _UNSPACED_RUN.match(one) for one in around)


def _unknown(text: str, start: int, end: int, words: Table) -> Piece:
    """What is in no table. Particles and endings alone say nothing."""
    run = text[start:end]
    content = "".join(letter for letter in run if letter not in words.small)
    if _UNSPACED_RUN.search(run) and not any(letter.isalnum() for letter in content):
        return Piece(" ", start, end)
    return Piece(run, start, end, copied=True)


def _closed_up(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces with one space where two of them meet with one each."""
    before = ""
    for piece in pieces:
        if before.endswith(" ") and piece.text.startswith(" ") and not piece.copied:
            piece = replace(piece, text=piece.text.lstrip(" "))
        before = piece.text or before
        yield piece


def _negated_before(pieces: Sequence[Piece]) -> list[Piece]:
    """ "drums <no" as "no drums"; the mark stands in the middle of nothing where nobody is before it."""
    out: list[Piece] = []
    for piece in pieces:
        if piece.text.strip() != _NOT_BEFORE:
            out.append(piece)
            continue
        at = len(out) - 1
        while at >= 0 and not out[at].text.strip():
            at -= 1
        out.insert(max(at, 0), Piece(" no ", piece.start, piece.end))
    return out
