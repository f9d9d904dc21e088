"""ARPABET: the phones words are written in, and what is known about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W",
    "Y", "Z", "ZH",
)  # fmt: skip
VOICELESS = frozenset({"CH", "F", "HH", "K", "P", "S", "SH", "T", "TH"})
SIBILANTS = frozenset({"CH", "JH", "S", "SH", "Z", "ZH"})
#: Every symbol of a pronunciation: vowels with their stress (0 none, 1 primary, 2 secondary), then consonants.
SYMBOLS = (*(f"{vowel}{stress}" for vowel in VOWELS for stress in "012"), *CONSONANTS)

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
    return phone.rstrip("012") in _VOWEL_SET


def syllable_count(phones: Pronunciation) -> int:
    return sum(is_vowel(phone) for phone in phones)


_VOWEL_SET = frozenset(VOWELS)
