"""The pronouncing dictionary: CMUdict (Carnegie Mellon University, BSD), repacked, with additions of our own.

``data/cmudict.gz`` is sorted text, one word a line: the word, a space, and its pronunciations, each phone one
character of the alphabet that the first line spells out. It is searched as it lies, so opening it takes milliseconds.
"""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from importlib.resources import files

from noisician.errors import WeightsError
from noisician.lyrics.phones import SYMBOLS, Pronunciation

#: Characters that stand for SYMBOLS in the packed dictionary, in the same order.
PHONE_CODES = "".join(chr(ord("0") + index) for index in range(len(SYMBOLS)))
_PHONE_OF_CODE = dict(zip(PHONE_CODES, SYMBOLS, strict=True))
_CODE_OF_PHONE = dict(zip(SYMBOLS, PHONE_CODES, strict=True))
_HEADER = " ".join(SYMBOLS)


def pack(entries: dict[str, tuple[Pronunciation, ...]]) -> bytes:
    """The dictionary file of ``entries``; the same entries always give the same bytes."""
    lines = [_HEADER]
    for word in sorted(entries, key=lambda word: word.encode()):
        codes = ("".join(_CODE_OF_PHONE[phone] for phone in phones) for phones in entries[word])
        lines.append(f"{word} {' '.join(codes)}")
    return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=9, mtime=0)


@lru_cache(maxsize=4096)
def lookup(word: str) -> tuple[Pronunciation, ...]:
    """All pronunciations of a lower-case ``word``, the commonest first; empty when it is not listed."""
    if len(word.split()) != 1:
        return ()
    added = additions().get(word)
    if added:
        return added
    text = _text()
    key = word.encode() + b" "
    low, high = text.index(b"\n") + 1, len(text)
    while low < high:
        middle = text.rfind(b"\n", low, (low + high) // 2)
        start = low if middle < 0 else middle + 1
        end = text.index(b"\n", start) + 1
        line = text[start:end]
        if line.startswith(key):
            return tuple(tuple(_PHONE_OF_CODE[code] for code in codes) for codes in line.decode().split()[1:])
        if line[: line.index(b" ") + 1] < key:
            low = end
        else:
            high = start
    return ()


@cache
def additions() -> dict[str, tuple[Pronunciation, ...]]:
    """Words of songs that CMUdict lacks or means otherwise: "ooh", "gonna", "na". Lines as in CMUdict."""
    text = files("noisician.lyrics").joinpath("data/additions.txt").read_text(encoding="utf-8")
    return read_entries(text)


def read_entries(text: str) -> dict[str, tuple[Pronunciation, ...]]:
    """Parses CMUdict's own format: ``word PH ON ES``, variants as ``word(2)``, comments after ``#``."""
    entries: dict[str, list[Pronunciation]] = {}
    for line in text.splitlines():
        word, *phones = line.partition("#")[0].split() or [""]
        word = word[: word.index("(")] if word.endswith(")") else word
        if phones:
            entries.setdefault(word, []).append(tuple(phones))
    return {word: tuple(dict.fromkeys(variants)) for word, variants in entries.items()}


def listed_words() -> list[str]:
    """Every word of the dictionary, in its order."""
    return [line.split(" ", 1)[0] for line in _text().decode().splitlines()[1:]]


@cache
def _text() -> bytes:
    path = files("noisician.lyrics").joinpath("data/cmudict.gz")
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as broken:
        raise WeightsError(f"{path} cannot be read ({broken}); reinstall noisician") from broken
    if not text.startswith(_HEADER.encode() + b"\n"):
        raise WeightsError(f"{path} is not this version's dictionary; reinstall noisician")
    return text
