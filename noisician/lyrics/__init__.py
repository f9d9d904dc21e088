"""Lyrics: text to sections, lines, words, syllables and ARPABET phones.

    lyrics = parse(text)            sections, lines, words; refuses what cannot be sung
    for line in syllables_of(lyrics):
        for word in line: word.syllables

English is the one language so far; :class:`Language` is where another one would go.
"""

from __future__ import annotations

from noisician.lyrics.dictionary import lookup
from noisician.lyrics.english import is_function_word
from noisician.lyrics.language import LANGUAGES, Language, language
from noisician.lyrics.model import SECTION_KINDS, Line, Lyrics, Section, Word
from noisician.lyrics.parse import LINE_LIMIT_SYLLABLES, parse
from noisician.lyrics.phones import Pronunciation, Syllable, is_vowel
from noisician.lyrics.pronunciation import pronounce
from noisician.lyrics.singing import LyricSyllable, SungWord, syllables_of
from noisician.lyrics.syllables import syllabify
from noisician.lyrics.vocalises import vocalises

__all__ = [
    "LANGUAGES",
    "LINE_LIMIT_SYLLABLES",
    "SECTION_KINDS",
    "Language",
    "Line",
    "LyricSyllable",
    "Lyrics",
    "Pronunciation",
    "Section",
    "SungWord",
    "Syllable",
    "Word",
    "is_function_word",
    "is_vowel",
    "language",
    "lookup",
    "parse",
    "pronounce",
    "syllabify",
    "syllables_of",
    "vocalises",
]
