"""The sounds of sung English: ARPABET without stress digits, a pause and a breath, and their phonetic classes."""

from __future__ import annotations

PAUSE = "pau"
BREATH = "AP"

MONOPHTHONGS = ("AA", "AE", "AH", "AO", "EH", "ER", "IH", "IY", "UH", "UW")
DIPHTHONGS = ("AW", "AY", "EY", "OW", "OY")
VOWELS = frozenset((*MONOPHTHONGS, *DIPHTHONGS))

VOICED_STOPS = frozenset(("B", "D", "G"))
UNVOICED_STOPS = frozenset(("P", "T", "K"))
VOICED_FRICATIVES = frozenset(("DH", "V", "Z", "ZH"))
UNVOICED_FRICATIVES = frozenset(("F", "HH", "S", "SH", "TH"))
VOICED_AFFRICATES = frozenset(("JH",))
UNVOICED_AFFRICATES = frozenset(("CH",))
NASALS = frozenset(("M", "N", "NG"))
LIQUIDS = frozenset(("L", "R"))
GLIDES = frozenset(("W", "Y"))

STOPS = VOICED_STOPS | UNVOICED_STOPS
AFFRICATES = VOICED_AFFRICATES | UNVOICED_AFFRICATES
FRICATIVES = VOICED_FRICATIVES | UNVOICED_FRICATIVES
OBSTRUENTS = STOPS | AFFRICATES | FRICATIVES
SONORANTS = NASALS | LIQUIDS | GLIDES
CONSONANTS = OBSTRUENTS | SONORANTS

#: Every phone; its place is its id. The order is part of the trained weights.
PHONES = (PAUSE, BREATH, *sorted(VOWELS | CONSONANTS))
PHONE_IDS = {phone: number for number, phone in enumerate(PHONES)}

UNVOICED = frozenset((PAUSE, BREATH)) | UNVOICED_STOPS | UNVOICED_FRICATIVES | UNVOICED_AFFRICATES
VOICED = frozenset(PHONES) - UNVOICED


def bare(phone: str) -> str:
    """``AH0`` → ``AH``: the phone without its stress digit."""
    return phone.rstrip("012")
