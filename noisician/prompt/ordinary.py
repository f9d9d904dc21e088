"""Which words are ordinary English: two dictionaries that are there for other work are asked."""

from __future__ import annotations

from functools import lru_cache

from noisician.prompt.meaning import vectors


@lru_cache(maxsize=8192)
def is_dictionary_word(word: str) -> bool:
    """Whether both dictionaries have ``word`` (lower case): what only one has may be a name, or another language's."""
    return word in vectors().vocabulary and _pronounced(word)


@lru_cache(maxsize=8192)
def is_listed(word: str) -> bool:
    """Whether either has it."""
    return word in vectors().vocabulary or _pronounced(word)


def _pronounced(word: str) -> bool:
    from noisician.lyrics.dictionary import lookup

    return bool(lookup(word))
