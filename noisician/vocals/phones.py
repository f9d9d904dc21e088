"""The sounds of a singer: ARPABET without stress digits, a pause and a breath."""

from __future__ import annotations

from noisician.lyrics.phones import CONSONANTS, VOICELESS, VOWELS

PAUSE = "pau"
BREATH = "AP"

#: Every phone; its place is its id. The order is part of the trained weights.
PHONES = (PAUSE, BREATH, *sorted((*VOWELS, *CONSONANTS)))
PHONE_IDS = {phone: number for number, phone in enumerate(PHONES)}

UNVOICED = frozenset((PAUSE, BREATH)) | VOICELESS
VOICED = frozenset(PHONES) - UNVOICED
