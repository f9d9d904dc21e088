"""What was pasted, made safe to read: character by character, so that offsets stay those of the original."""

from __future__ import annotations

import unicodedata
from collections import Counter

from noisician.errors import RequestError
from noisician.request import LYRICS_LIMIT_CHARS

#: Stands for characters that are invisible (joiners, direction marks); words are read without it.
INVISIBLE = "\u00ad"
#: A dash between words, of whatever length; a hyphen within one is "-".
DASH = "—"
_NEWLINES = frozenset("\n\v\f\x85\u2028\u2029")
_PLAIN = str.maketrans(
    {**dict.fromkeys("’‘‛`´ʼʹ′＇", "'"), **dict.fromkeys("“”„‟«»″", '"'), **dict.fromkeys("‐‑‒", "-"),
     **dict.fromkeys("–—―", DASH), **dict.fromkeys("∼～〜˜", "~"), "⁄": "/",
     **dict.fromkeys("【〔〖", "["), **dict.fromkeys("】〕〗", "]")}
)  # fmt: skip
#: Latin letters that do not decompose into a … z and marks.
_LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "ı": "i", "ħ": "h",
    "ŋ": "ng", "ſ": "s", "ŧ": "t",
}  # fmt: skip


def clean(text: str) -> str:
    """``text`` with plain quotes, digits, brackets and line ends, as long as before.

    Raises RequestError when it is too long, empty or holds control characters.
    """
    if len(text) > LYRICS_LIMIT_CHARS:
        raise RequestError(
            f"the lyrics have {len(text)} characters, at most {LYRICS_LIMIT_CHARS}; "
            "keep the words of one song and leave out notes and chords"
        )
    cleaned = "".join(map(_clean_character, text.replace("\r\n", " \n").replace("\r", "\n")))
    control = next(
        (place for place, c in enumerate(cleaned) if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"), -1
    )
    if control >= 0:
        line = cleaned.count("\n", 0, control) + 1
        raise RequestError(
            f"line {line} of the lyrics holds the control character U+{ord(cleaned[control]):04X}; "
            "it may be no text file or a damaged one; paste plain text"
        )
    return cleaned


def _clean_character(character: str) -> str:
    if character in _NEWLINES:
        return "\n"
    if character == "\t" or unicodedata.category(character) in ("Zs", "Co", "Cn"):
        return " "
    if unicodedata.category(character) == "Cf":
        return INVISIBLE
    decimal = unicodedata.decimal(character, None)
    if decimal is not None:
        return str(decimal)
    plain = unicodedata.normalize("NFKC", character.translate(_PLAIN))
    return plain if len(plain) == 1 else character.translate(_PLAIN)


def fold(word: str) -> str:
    """Lower case without accents and invisible characters: "Café" → "cafe", "Ærø" → "aero"."""
    decomposed = unicodedata.normalize("NFKD", word.replace(INVISIBLE, "").lower())
    return "".join(_LETTERS.get(c, c) for c in decomposed if not unicodedata.combining(c))


def foreign_script(text: str) -> tuple[str, int, int]:
    """The commonest script of the letters in ``text`` besides Latin, its letters, and all letters."""
    scripts = Counter(unicodedata.name(c, "UNKNOWN").split()[0] for c in text if c.isalpha())
    for name in [name for name in scripts if name.startswith(("HIRAGANA", "KATAKANA"))]:
        scripts["CJK"] += scripts.pop(name)  # they are written together
    total = sum(scripts.values())
    for name in ("LATIN", "FULLWIDTH", "MODIFIER", "FEMININE", "MASCULINE"):
        scripts.pop(name, None)
    name, letters = scripts.most_common(1)[0] if scripts else ("", 0)
    return name.capitalize().removesuffix("-compatibility"), letters, total
