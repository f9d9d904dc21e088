"""Which words find a take."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement

from noisician.errors import RequestError
from noisician.service.records import NewTake
from noisician.service.store.tables import TakeRow

QUERY_LIMIT_CHARS = 500
_PARAMS = ("prompt", "lyrics", "voice", "genres", "moods", "instruments", "model")
_REASONS = ("genres", "moods", "instruments", "textures", "production", "voice")


def folded(text: str) -> str:
    """``text`` as it compares: no difference of case or of how accents are encoded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def search_text(take: NewTake, title: str | None = None) -> str:
    """All words that find the take, under a new ``title`` if one is given: what was asked for, as what it was
    understood, who plays, key and model."""
    words = (
        take.title if title is None else title,
        *_words_of(take.facts),
        take.key,
        take.mode,
        take.time_signature,
        take.model,
    )
    return folded("\n".join(dict.fromkeys(word for word in words if word)))


def matches(query: str) -> tuple[ColumnElement[bool], ...]:
    """One condition a word: it occurs in what is found by. Raises RequestError for a query that is too long."""
    if len(query) > QUERY_LIMIT_CHARS:
        raise RequestError(f"a search of {len(query)} characters; at most {QUERY_LIMIT_CHARS}")
    return tuple(TakeRow.search.contains(word, autoescape=True) for word in dict.fromkeys(folded(query).split()))


def _words_of(facts: dict[str, Any]) -> Iterator[str]:
    params = facts.get("params")
    if isinstance(params, dict):
        for name in _PARAMS:
            yield from _texts(params.get(name))
    for player in _objects(facts.get("players")):
        yield from _texts((player.get("role"), player.get("instrument")))
    for reason in _objects(facts.get("reasons")):
        if reason.get("field") in _REASONS:
            yield from _texts(reason.get("value"))


def _objects(value: object) -> Iterable[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list | tuple) else ()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
