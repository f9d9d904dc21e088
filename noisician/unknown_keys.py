"""What a newer version wrote and this one does not know: kept at any depth, and written back in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: How the elements of a list of objects are told apart, tried in this order.
_KEYS = ("id", "bar", "start_bar")


def missing(data: Any, known: Any) -> Any:
    """What of ``data`` is not in ``known``: a tree of the unknown keys alone, empty where there are none."""
    if isinstance(data, Mapping) and isinstance(known, Mapping):
        rest = {name: value if name not in known else missing(value, known[name]) for name, value in data.items()}
        return {name: value for name, value in rest.items() if name not in known or value}
    if _is_records(data) and _is_records(known):
        there = {_key(record): record for record in known}
        rest = {_key(record): missing(record, there[_key(record)]) for record in data if _key(record) in there}
        return {key: value for key, value in rest.items() if value}
    return {}


def grafted(known: Any, unknown: Any) -> Any:
    """``known`` with the unknown keys back in their places; those of records that are gone are gone with them."""
    if not unknown:
        return known
    if isinstance(known, Mapping):
        kept = {name: grafted(value, unknown.get(name)) for name, value in known.items()}
        return {**{name: value for name, value in unknown.items() if name not in known}, **kept}
    if _is_records(known):
        return [grafted(record, unknown.get(_key(record))) for record in known]
    return known


def _is_records(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(one, Mapping) and _key(one) for one in value)


def _key(record: Mapping[str, Any]) -> str:
    """Names a record within its list, in a form JSON has for keys; empty where nothing names it."""
    return next((f"{name}={record[name]}" for name in _KEYS if name in record), "")
