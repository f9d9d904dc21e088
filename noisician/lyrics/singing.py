"""Lyrics for the singer: words of syllables with phones, stress, and the letters that show while they are sung."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from noisician.lyrics.language import Language, language
from noisician.lyrics.model import Line, Lyrics, Word
from noisician.lyrics.phones import STRESS_WEIGHTS, Pronunciation, syllable_count
from noisician.lyrics.spelling import divide
from noisician.lyrics.syllables import syllabify
from noisician.lyrics.text import fold

#: Vowels that swallow a following ER or AH L: "fire", "hour", "real" in one syllable.
_GLIDES = ("AY", "AW", "OY", "IY", "EY")


@dataclass(frozen=True)
class LyricSyllable:
    """One syllable to sing.

    ``phones`` are ARPABET with CMUdict's stress digits. ``stress`` is its weight in the line: 2 the main syllable of a
    content word or an accent, 1 a lesser one, 0 none. ``melisma`` is the number of notes it takes beyond the first at
    the writer's wish. ``text`` is its part of the written word; it is empty where several syllables share a figure.
    """

    phones: Pronunciation
    stress: int
    is_function_word: bool
    melisma: int
    accent: bool
    word_start: bool
    word_end: bool
    text: str


@dataclass(frozen=True)
class SungWord:
    """A written word and its syllables; ``word_start`` and ``word_end`` of these follow the spoken words.

    ``alternatives`` are the same word in other numbers of syllables, as "every" and "fire" allow. ``section`` and
    ``line`` count from 0, lines through the whole song; ``start`` is the offset of the word in the text. ``shown`` is
    the word with the punctuation beside it, ``joined``: it goes on into the next word without a space.
    """

    text: str
    syllables: tuple[LyricSyllable, ...]
    section: int
    line: int
    backing: bool
    start: int
    break_after: bool
    alternatives: tuple[tuple[LyricSyllable, ...], ...] = ()
    shown: str = ""
    joined: bool = False


def syllables_of(lyrics: Lyrics) -> tuple[tuple[SungWord, ...], ...]:
    """For each of ``lyrics.lines`` its words as they are sung."""
    result: list[tuple[SungWord, ...]] = []
    for index, section in enumerate(lyrics.sections):
        for line in section.lines:
            words = sung_line(line, lyrics.language)
            result.append(tuple(replace(word, section=index, line=len(result)) for word in words))
    return tuple(result)


@lru_cache(maxsize=512)
def sung_line(line: Line, code: str) -> tuple[SungWord, ...]:
    """The words of one line in the language ``code``, as if it were the first of the song."""
    tongue = language(code)
    spoken = [(index, text) for index, word in enumerate(line.words) for text in word.spoken]
    read = tongue.pronounce_line([text for _, text in spoken])
    parts_of: list[list[tuple[str, tuple[Pronunciation, ...]]]] = [[] for _ in line.words]
    for (owner, text), variants in zip(spoken, read, strict=True):
        parts_of[owner].append((text, variants))
    result = []
    for index, word in enumerate(line.words):
        parts = parts_of[index]
        if word.override is not None:
            parts = [(word.text, (word.override,))]
        result.append(_sung_word(word, parts, tongue, ends_line=index + 1 == len(line.words)))
    return tuple(result)


def _sung_word(
    word: Word, parts: list[tuple[str, tuple[Pronunciation, ...]]], tongue: Language, ends_line: bool
) -> SungWord:
    first = tuple(variants[0] for _, variants in parts)
    texts = tuple(text for text, _ in parts)
    syllables = _syllables(word, texts, first, tongue, ends_line)
    others: dict[int, tuple[LyricSyllable, ...]] = {}
    if len(parts) == 1:
        for phones in (*parts[0][1][1:], *_contracted(first[0])):
            count = syllable_count(phones)
            if count not in others and count != len(syllables):
                others[count] = _syllables(word, texts, (phones,), tongue, ends_line)
    return SungWord(
        word.text,
        syllables,
        0,
        0,
        word.backing,
        word.start,
        word.break_after,
        tuple(others.values()),
        word.shown or word.text,
        word.joined,
    )


def _syllables(
    word: Word, texts: tuple[str, ...], phones: tuple[Pronunciation, ...], tongue: Language, ends_line: bool
) -> tuple[LyricSyllable, ...]:
    result: list[LyricSyllable] = []
    for text, sounds in zip(texts, phones, strict=True):
        syllables = syllabify(sounds)
        grammatical = tongue.is_function_word(text)
        for place, syllable in enumerate(syllables):
            weight = STRESS_WEIGHTS[syllable.stress]
            if grammatical and (weight or len(syllables) == 1):
                weight = 0 if tongue.is_weak(text) and not ends_line else 1
            if word.accent and syllable.stress == 1:
                weight = 2
            result.append(
                LyricSyllable(
                    phones=syllable.phones,
                    stress=weight,
                    is_function_word=grammatical,
                    melisma=0,
                    accent=word.accent and syllable.stress == 1,
                    word_start=place == 0,
                    word_end=place + 1 == len(syllables),
                    text="",
                )
            )
    shown = _shown(word, texts, phones)
    melismas = _melismas(word, shown)
    return tuple(
        replace(syllable, text=text, melisma=melisma)
        for syllable, text, melisma in zip(result, shown, melismas, strict=True)
    )


def _shown(word: Word, texts: tuple[str, ...], phones: tuple[Pronunciation, ...]) -> tuple[str, ...]:
    """The written word in as many pieces as it has syllables."""
    if not word.text.replace("'", "").replace("-", "").isalpha():  # a figure or a symbol is not divided
        count = sum(map(syllable_count, phones))
        return (word.text, *[""] * (count - 1))
    if len(phones) == 1:
        return divide(word.text, syllabify(phones[0]))
    if len(texts) == len(word.text) and all(
        text[0] == letter for text, letter in zip(texts, fold(word.text), strict=False)
    ):
        owners = tuple(word.text)
    elif "".join(texts) == word.text.lower().strip(".,;:!?\"'"):  # b-b-baby
        whole, place, cut = word.text, 0, []
        for text in texts[:-1]:
            cut.append(whole[place : place + len(text)])
            place += len(text)
        owners = (*cut, whole[place:])
    else:
        owners = (word.text, *[""] * (len(phones) - 1))
    return tuple(
        piece for owner, sounds in zip(owners, phones, strict=True) for piece in divide(owner, syllabify(sounds))
    )


def _melismas(word: Word, shown: tuple[str, ...]) -> list[int]:
    """How many of the word's slurs fall into each piece of it."""
    counts = [0] * len(shown)
    for slur in word.slurs:
        end = 0
        chosen = len(shown) - 1
        for index, piece in enumerate(shown):
            end += len(piece)
            if piece and slur <= end:
                chosen = index
                break
        counts[chosen] += 1
    return counts


def _contracted(phones: Pronunciation) -> list[Pronunciation]:
    """``phones`` with one syllable less where a glide runs into ER or AH L: F AY1 ER0 → F AY1 R."""
    shorter = []
    for place, phone in enumerate(phones[:-1]):
        if phone[:-1] in _GLIDES:
            if phones[place + 1] == "ER0":
                shorter.append((*phones[: place + 1], "R", *phones[place + 2 :]))
            elif phones[place + 1 : place + 3] == ("AH0", "L"):
                shorter.append((*phones[: place + 1], *phones[place + 2 :]))
    return shorter
