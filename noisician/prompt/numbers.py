"""Figures in the prompt: tempo, length, bars and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from noisician.prompt.lexicon import Effect

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "twenty-four": 24, "thirty": 30,
    "thirty-two": 32, "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60, "sixty-four": 64, "ninety": 90,
}  # fmt: skip
MODE_WORDS = {
    "major": "major", "maj": "major", "ionian": "major", "minor": "minor", "min": "minor", "aeolian": "minor",
    "dorian": "dorian", "phrygian": "phrygian", "lydian": "lydian", "mixolydian": "mixolydian",
}  # fmt: skip
TONIC_NAMES = {0: "C", 1: "C#", 2: "D", 3: "Eb", 4: "E", 5: "F", 6: "F#", 7: "G", 8: "Ab", 9: "A", 10: "Bb", 11: "B"}
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}

_WORDS = "|".join(sorted((w.replace("-", "[- ]") for w in NUMBER_WORDS), key=len, reverse=True))
NUMBER_PATTERN = rf"(?<![\w.,/:])(?P<n>\d{{1,6}}(?:\.\d+)?|{_WORDS})"
_MODES = "|".join(MODE_WORDS)
_SHARP = r"(?P<accidental>\s?#|\s?♯|\s?♭|b(?!\w)|[- ]?sharp\b|[- ]?flat\b)"
_CLAUSE_END = r"(?=\s*(?:$|[,.;:!?)\]\n]|(?:and|at|with)\b))"
_CLIP = r"(?=\s+(?:long|loop|clip|track|piece|version|jingle|song|cue|sting|bed)\b)"


@dataclass(frozen=True)
class Figure:
    """What stands at ``start`` … ``end`` of the cleaned text. No effects: understood, but means no setting.

    Words at ``skip``, from and to, are none of it: adjectives that mean something of their own.
    """

    start: int
    end: int
    effects: tuple[Effect, ...]
    skip: tuple[int, int] | None = None


def number(text: str) -> float:
    word = text.lower().replace(" ", "-")
    return float(NUMBER_WORDS[word]) if word in NUMBER_WORDS else float(word)


def tonic(letter: str, accidental: str | None) -> str:
    """The name in ``request.TONICS`` of a letter with its accidental, however spelt: "g", "flat" → "F#"."""
    mark = (accidental or "").strip(" -").lower()
    shift = 1 if mark in ("#", "♯", "sharp") else -1 if mark in ("b", "♭", "flat") else 0
    return TONIC_NAMES[(_LETTERS[letter.lower()] + shift) % 12]


def _seconds(value: float) -> tuple[Effect, ...]:
    return (Effect("duration_s", value),)


def _tempo(m: re.Match[str]) -> tuple[Effect, ...]:
    low = number(m["n"])
    high = m.groupdict().get("high")
    return (Effect("tempo_bpm", (low + float(high)) / 2 if high else low),)


def _key(m: re.Match[str]) -> tuple[Effect, ...]:
    groups = m.groupdict()
    effects = [Effect("key", tonic(m["letter"], groups.get("accidental")))]
    if groups.get("mode"):
        effects.append(Effect("mode", MODE_WORDS[groups["mode"].lower()]))
    elif groups.get("m"):
        effects.append(Effect("mode", "minor"))
    return tuple(effects)


_Reader = Callable[[re.Match[str]], tuple[Effect, ...]]


def _pattern(expression: str, *, case: bool = False) -> re.Pattern[str]:
    return re.compile(expression, 0 if case else re.IGNORECASE)


PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_pattern(r"(?<!\d)(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?![\d:]|\s*[ap]m)(?:\s*(?:min(?:ute)?s?|long))?"),
     lambda m: _seconds(60.0 * int(m["m"]) + int(m["s"]))),
    (_pattern(r"(?<!\w)(?P<m>\d{1,2})\s?m(?:in)?\s?(?P<s>\d{1,2})\s?s(?:ec)?\b"),
     lambda m: _seconds(60.0 * int(m["m"]) + int(m["s"]))),
    (_pattern(r"\bhalf[- ](?:a[- ])?minute\b"), lambda m: _seconds(30.0)),
    (_pattern(r"\b(?:a|one) minute and a half\b"), lambda m: _seconds(90.0)),
    (_pattern(rf"{NUMBER_PATTERN}[- ]and[- ]a[- ]half[- ]min(?:ute)?s?\b"),
     lambda m: _seconds(60 * number(m["n"]) + 30)),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?min(?:ute)?s?(?:[- ]long)?\b(?!\s*(?:key|chord|scale))"),
     lambda m: _seconds(60 * number(m["n"]))),
    (_pattern(r"\ba minute(?: long)?\b"), lambda m: _seconds(60.0)),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?(?:hours?|hrs?)(?:[- ]long)?\b"), lambda m: _seconds(3600 * number(m["n"]))),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?sec(?:ond)?s?(?:[- ]long)?\b"), lambda m: _seconds(number(m["n"]))),
    (_pattern(rf"\bfor (?P<n>\d{{1,3}})\s?s\b|(?<![\w'])(?P<n2>\d{{1,3}})\s?s{_CLIP}"),
     lambda m: _seconds(float(m["n"] or m["n2"]))),
    (_pattern(r"(?<!the )(?<!roaring )(?<![\w'.,])(?!(?:00|50|60|70|80|90|303|808|909)s)(?P<n>\d{1,3})s\b"),
     lambda m: _seconds(float(m["n"]))),
    (_pattern(r"(?<!every )(?<!each )(?<!after )(?<!first )(?<!last )"
              rf"{NUMBER_PATTERN}[- ]?(?:bars?|measures?)"
              r"(?:[- ]long)?\b(?!\s+(?:blues|intro|outro|drop|build|break|solo|bridge|verse|chorus))"),
     lambda m: (Effect("bars", number(m["n"])),)),
    (_pattern(rf"{NUMBER_PATTERN}(?:\s*(?:-|–|to)\s*(?P<high>\d{{2,3}}))?[- ]*"
              r"(?:bpm|beats (?:per|a) min(?:ute)?)\b"), _tempo),
    (_pattern(r"\b(?:tempo|bpm)\s*(?:of|is|at|around|about|[:=])?\s*(?P<n>\d{2,3}(?:\.\d+)?)\b"
              r"(?:\s*(?:-|–|to)\s*(?P<high>\d{2,3})\b)?"), _tempo),
    (_pattern(r"^\s*(?P<n>[6-9]\d|1\d\d|2[0-3]\d)(?=\s+[a-z]{4})"
              r"(?!\s+(?:bars?|measures?|seconds?|secs?|min|piece|year|people|players?|miles|degrees|proof))"), _tempo),
    (_pattern(r"[♩♪]\s*=\s*(?P<n>\d{2,3}(?:\.\d+)?)\b"), _tempo),
    (_pattern(r"\bat (?P<n>[4-9]\d|1\d\d|2[0-3]\d)\b(?=\s*(?:$|[,;!)]|\.(?!\d)|(?:in|with|and)\b))"), _tempo),
    (_pattern(r"(?:\b(?:in|in the key of|key of)\s+|\bkey\s*[:=]?\s*)"
              rf"(?P<letter>[a-g]){_SHARP}?[\s-]*(?P<mode>{_MODES})\b"
              r"(?!\s*(?:key|scale|chords?|feel|mood|tonality|mode)\b)"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>[b-g]){_SHARP}?[\s-]*(?P<mode>{_MODES})\b"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>a){_SHARP}[\s-]*(?P<mode>{_MODES})\b"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>[Aa])[\s-]+(?P<mode>{_MODES})\b{_CLAUSE_END}"), _key),
    (_pattern(r"(?<![\w'])(?<!\d )(?P<letter>[A-G])(?P<accidental>#|♯|b|♭)?(?P<m>m(?:in)?)(?![\w'])", case=True), _key),
    (_pattern(rf"\bkey(?: of|\s*[:=])?\s*(?P<letter>[a-g])(?!\w){_SHARP}?(?!\w)"), _key),
    (_pattern(rf"\bkey(?: of|\s*[:=])?\s*(?P<letter>[a-g]){_SHARP}(?!\w)"), _key),
    (_pattern(rf"\bin (?P<letter>[a-g]){_SHARP}(?!\w)"), _key),
    (_pattern(rf"\bin (?P<letter>[A-G])(?!\w|'){_CLAUSE_END}", case=True), _key),
)  # fmt: skip


def figures(cleaned: str) -> Iterator[Figure]:
    """Every figure in the cleaned text; an earlier pattern keeps its characters from the later ones."""
    taken = [False] * len(cleaned)
    for pattern, read in PATTERNS:
        for match in pattern.finditer(cleaned):
            if any(taken[match.start() : match.end()]):
                continue
            taken[match.start() : match.end()] = [True] * (match.end() - match.start())
            yield Figure(match.start(), match.end(), read(match))
