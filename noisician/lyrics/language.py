"""The seam between lyrics and the languages they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from noisician.errors import RequestError
from noisician.lyrics.english import English
from noisician.lyrics.phones import Pronunciation


class Language(Protocol):
    """How a language is read. Its phones are ARPABET, because that is what the singer knows."""

    code: str
    name: str

    def pronounce_line(self, words: Sequence[str]) -> tuple[tuple[Pronunciation, ...], ...]:
        """For each spoken word all pronunciations, the one that fits the line first; each has a vowel."""
        ...

    def is_function_word(self, word: str) -> bool:
        """Whether the word may be sung with a reduced vowel."""
        ...

    def is_weak(self, word: str) -> bool:
        """Whether the word is a function word too weak for a beat."""
        ...


LANGUAGES: Mapping[str, Language] = {"en": English()}


def language(code: str | None) -> Language:
    """The language of an ISO 639-1 code, English when there is none. Raises RequestError for one that is not here."""
    key = (code or "en").strip().lower().replace("_", "-").split("-")[0]
    found = LANGUAGES.get(key)
    if found is None:
        there = ", ".join(f"{name} ({entry.name})" for name, entry in LANGUAGES.items())
        raise RequestError(f"lyrics in {str(code)[:20]!r} cannot be sung; there is {there}")
    return found
