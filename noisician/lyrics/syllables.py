"""Phones to syllables by the maximal onset principle.

Between two vowels as many consonants as English allows at the beginning of a word go to the second one (Kahn 1976).
That is also how singers divide words: the vowel stays open as long as it can.
"""

from __future__ import annotations

from itertools import pairwise

from noisician.lyrics.phones import Pronunciation, Syllable, is_vowel, stress_digit

_SINGLE = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y",
    "Z", "ZH",
)  # fmt: skip
_CLUSTERS = (
    "B L", "B R", "B Y", "D R", "D W", "D Y", "F L", "F R", "F Y", "G L", "G R", "G W", "G Y", "HH Y", "K L", "K R",
    "K W", "K Y", "M Y", "N Y", "P L", "P R", "P Y", "S F", "S K", "S K L", "S K R", "S K W", "S K Y", "S L", "S M",
    "S N", "S P", "S P L", "S P R", "S P Y", "S T", "S T R", "S W", "SH R", "T R", "T W", "TH R", "TH W", "V Y",
)  # fmt: skip
ONSETS = frozenset({(), *((phone,) for phone in _SINGLE), *(tuple(cluster.split()) for cluster in _CLUSTERS)})
_LONGEST_ONSET = 3


def syllabify(phones: Pronunciation) -> tuple[Syllable, ...]:
    """The syllables of one word's ``phones``; none when it has no vowel. A vowel without a digit is unstressed."""
    nuclei = [place for place, phone in enumerate(phones) if is_vowel(phone)]
    if not nuclei:
        return ()
    starts = [0, *(_onset_start(phones, left, right) for left, right in pairwise(nuclei))]
    ends = [*starts[1:], len(phones)]
    return tuple(
        Syllable(
            onset=tuple(phones[start:nucleus]),
            nucleus=phones[nucleus].rstrip("012"),
            coda=tuple(phones[nucleus + 1 : end]),
            stress=stress_digit((phones[nucleus],)),
        )
        for start, nucleus, end in zip(starts, nuclei, ends, strict=True)
    )


def _onset_start(phones: Pronunciation, left: int, right: int) -> int:
    """Where the onset of the vowel at ``right`` begins, after the vowel at ``left``."""
    for start in range(max(left + 1, right - _LONGEST_ONSET), right):
        if tuple(phones[start:right]) in ONSETS:
            return start
    return right
