"""ARPABET: the phones words are written in, and their phonetic classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MONOPHTHONGS = ("AA", "AE", "AH", "AO", "EH", "ER", "IH", "IY", "UH", "UW")
DIPHTHONGS = ("AW", "AY", "EY", "OW", "OY")

VOICED_STOPS = frozenset({"B", "D", "G"})
UNVOICED_STOPS = frozenset({"P", "T", "K"})
VOICED_FRICATIVES = frozenset({"DH", "V", "Z", "ZH"})
UNVOICED_FRICATIVES = frozenset({"F", "HH", "S", "SH", "TH"})
VOICED_AFFRICATES = frozenset({"JH"})
UNVOICED_AFFRICATES = frozenset({"CH"})
NASALS = frozenset({"M", "N", "NG"})
LIQUIDS = frozenset({"L", "R"})
GLIDES = frozenset({"W", "Y"})

STOPS = VOICED_STOPS | UNVOICED_STOPS
AFFRICATES = VOICED_AFFRICATES | UNVOICED_AFFRICATES
FRICATIVES = VOICED_FRICATIVES | UNVOICED_FRICATIVES
OBSTRUENTS = STOPS | AFFRICATES | FRICATIVES
SONORANTS = NASALS | LIQUIDS | GLIDES
VOICELESS = UNVOICED_STOPS | UNVOICED_FRICATIVES | UNVOICED_AFFRICATES
SIBILANTS = frozenset({"CH", "JH", "S", "SH", "Z", "ZH"})

#: Both in the order of the alphabet, which is part of trained weights.
VOWELS = tuple(sorted((*MONOPHTHONGS, *DIPHTHONGS)))
CONSONANTS = tuple(sorted(OBSTRUENTS | SONORANTS))
#: Every symbol of a pronunciation: vowels with their stress (0 none, 1 primary, 2 secondary), then consonants.
SYMBOLS = (*(f"{vowel}{stress}" for vowel in VOWELS for stress in "012"), *CONSONANTS)

#: How heavy a syllable of each stress digit is: 0 none, 2 the main one of its word, 1 a lesser one.
STRESS_WEIGHTS = (0, 2, 1)

#: Phones of one word, vowels with a stress digit: ("HH", "AH0", "L", "OW1").
Pronunciation: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Syllable:
    """One syllable: consonants, a vowel without its stress digit, consonants; and the stress, 0, 1 or 2."""

    onset: tuple[str, ...]
    nucleus: str
    coda: tuple[str, ...]
    stress: int

    @property
    def phones(self) -> Pronunciation:
        """The phones in order, the vowel with its stress digit."""
        return (*self.onset, f"{self.nucleus}{self.stress}", *self.coda)


def is_vowel(phone: str) -> bool:
    """Whether a phone, with or without a stress digit, is a vowel."""
    return bare(phone) in _VOWEL_SET


def stress_digit(phones: Pronunciation) -> int:
    """The stress digit of a syllable's phones; 0 where its vowel has none."""
    return next((int(phone[-1]) for phone in phones if phone[-1].isdigit()), 0)


def bare(phone: str) -> str:
    """``AH0`` → ``AH``: the phone without its stress digit."""
    return phone.rstrip("012")


def syllable_count(phones: Pronunciation) -> int:
    return sum(is_vowel(phone) for phone in phones)


_VOWEL_SET = frozenset(VOWELS)
