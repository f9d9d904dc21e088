"""Which letters of a word belong to which syllable: "beautiful" → "beau", "ti", "ful".

Letters and phones are lined up with the single graphones of the letter-to-sound model; a syllable's text begins with
the letter its first phone comes from. Silent letters stay with what stands before them, doubled consonants are parted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from noisician.lyrics.letters import model
from noisician.lyrics.phones import Pronunciation, Syllable, is_vowel
from noisician.lyrics.text import fold

_MOVES = ((1, 1), (2, 1), (1, 2), (1, 0), (0, 1))
#: Log probability of a graphone the model does not have, for each letter and phone in it.
_UNKNOWN = -9.0
_VOWELS = frozenset("aeiouy")


def divide(text: str, syllables: Sequence[Syllable]) -> tuple[str, ...]:
    """``text`` cut into as many pieces as there are ``syllables``; together they are ``text``.

    Pieces can be empty when there are more syllables than letters.
    """
    if not syllables:
        return ()
    places = [place for place, character in enumerate(text) if fold(character).isalpha()]
    letters = "".join(fold(text[place])[0] for place in places)
    phones = [phone.rstrip("012") for syllable in syllables for phone in syllable.phones]
    source = _sources(letters, tuple(phones)) if letters else [0] * len(phones)
    cuts = [0]
    first = 0
    for syllable in syllables[:-1]:
        first += len(syllable.phones)
        letter = source[first]
        if letter < len(letters) and letters[letter] == "x" and source[first - 1] == letter:
            letter += 1  # it sounds on both sides, as in "taxi", and stays in front
        cut = places[letter] if letter < len(places) else len(text)
        cuts.append(max(cuts[-1], cut))
    return tuple(text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True))


def _sources(letters: str, phones: Pronunciation) -> list[int]:
    """For each phone the index of the letter it begins with."""
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    scores = _scores()
    for i in range(len(letters) + 1):
        for j in range(len(phones) + 1):
            here = best.get((i, j))
            if here is None:
                continue
            for di, dj in _MOVES:
                if i + di > len(letters) or j + dj > len(phones):
                    continue
                piece = (letters[i : i + di], phones[j : j + dj])
                score = here[0] + scores.get(piece, _UNKNOWN * (di + dj))
                if score > best.get((i + di, j + dj), (float("-inf"),))[0]:
                    best[i + di, j + dj] = (score, (i, j))
    source = [0] * len(phones)
    place = (len(letters), len(phones))
    while place != (0, 0):
        i, j = best[place][1]
        for phone in range(j, place[1]):
            # Of a doubled consonant, or a silent vowel and a consonant, the second letter begins the syllable.
            pair = letters[i : place[0]]
            later = len(pair) == 2 and pair[1] not in _VOWELS and (pair[0] == pair[1] or pair[0] in _VOWELS)
            source[phone] = i + 1 if later and not is_vowel(phones[phone]) else i
        place = (i, j)
    return _after_silent_double(letters, source)


def _after_silent_double(letters: str, source: list[int]) -> list[int]:
    """Moves a phone from the first to the second of two equal consonants when the second is silent."""
    taken = set(source)
    moved = []
    for letter in source:
        twin = letter + 1
        double = twin < len(letters) and letters[twin] == letters[letter] and letters[letter] not in _VOWELS
        moved.append(twin if double and twin not in taken else letter)
    return moved


@cache
def _scores() -> Mapping[tuple[str, Pronunciation], float]:
    """Log probability of each graphone, whatever its stress."""
    scores: dict[tuple[str, Pronunciation], float] = {}
    for letters, phones, score in model().graphone_scores():
        bare = (letters, tuple(phone.rstrip("012") for phone in phones))
        scores[bare] = max(score, scores.get(bare, float("-inf")))
    return scores
