"""Free text to tokens: what was typed, made comparable, with the clause each word stands in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

CLAUSE_BREAKS = frozenset(',.;:!?()[]{}|\n"/\\—–…。，、；：！？•·')
#: What tells how a picture is drawn: its style, its skin.
_PICTURE_MARKS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"'})
_TOKEN = re.compile(
    r"w/o\b"
    r"|\d+(?:[.,:/]\d+)*(?:'?[^\W\d_]+)?"  # 120, 6/8, 2:30, 80s, 120bpm
    r"|[^\W\d_]+(?:'[^\W\d_]+)*\d*"  # words, don't, tr808
    r"|\S",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    """One word. ``text`` is its comparable form, ``raw`` what was typed, ``start``/``end`` offsets in it."""

    text: str
    raw: str
    start: int
    end: int
    clause: int
    hyphened: bool  # a hyphen joins it to the token before


def clean(text: str) -> str:
    """Compatibility forms unified, accents on nothing left out, control and format characters blanked, ``&`` spelt."""
    text = _ACCENTS.sub("", unicodedata.normalize("NFKC", text)).translate(_QUOTES)
    text = _PICTURE_MARKS.sub("", text)
    text = "".join("\n" if c == "\n" else " " if unicodedata.category(c)[0] == "C" else c for c in text)
    text = re.sub(r"'n'", " n ", text, flags=re.IGNORECASE)
    return text.replace("&", " and ").replace("+", " and ").replace("_", " ")


def fold(word: str) -> str:
    """Lower case without accents. Marks that make another letter, as in kana, stay."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)) or word


def tokenize(cleaned: str, spelling: Mapping[str, str]) -> tuple[Token, ...]:
    """Words, numbers and symbols that carry meaning (emoji, other scripts); punctuation only parts clauses."""
    tokens: list[Token] = []
    clause = 0
    end = 0
    for match in _TOKEN.finditer(cleaned):
        raw = match.group()
        clause += "\n" in cleaned[end : match.start()]
        hyphened = cleaned[end : match.start()] == "" and cleaned[max(end - 1, 0) : end] == "-"
        end = match.end()
        if len(raw) == 1 and not raw.isalnum():
            clause += raw in CLAUSE_BREAKS
            if unicodedata.category(raw)[0] in "PZ" or raw in "=~^|<>$`":
                continue
        text = fold(raw).removesuffix("'s") if len(raw) > 4 else fold(raw)
        tokens.append(Token(spelling.get(text, text), raw, match.start(), match.end(), clause, hyphened))
    return tuple(tokens)
