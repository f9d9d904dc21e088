"""What somebody who knows a genre would check in a score of it, point by point.

``genres.toml`` holds the checklists: a list of points a genre, each a text for people and a test with its parameters,
and the sources where the facts can be looked up. The tests are small pure functions over (plan, grid) in ``rhythm``,
``harmony`` and ``form``. Those that measure take ``least`` and ``most`` beside their own parameters; a point with
nothing to measure is not met. ``in`` keeps a test of
rhythm or harmony to the sections of some kinds. A point with ``any_of`` is met where
one of its tests is, or all of one of its lists of tests.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

from noisician.composer.plan import Plan
from noisician.errors import NoisicianError
from noisician.evaluate.checklists import form, harmony, rhythm
from noisician.request import MODES
from noisician.score.grid import Grid
from noisician.score.model import SECTION_KINDS
from noisician.styles import ROLES, TIMBRE_TAGS, shipped_instruments

__all__ = ["Check", "Checklist", "Point", "checklist", "checklists", "checklists_digest", "read", "ticked"]

_MODULES = (rhythm, harmony, form)
FACTS = {test.__name__: test for module in _MODULES for test in module.FACTS}
MEASURES = {test.__name__: test for module in _MODULES for test in module.MEASURES}
FEWEST_POINTS = 8
_BOUNDS, _PART = ("least", "most"), "in"


@dataclass(frozen=True)
class Check:
    """A test with its parameters. ``kinds`` are those of the sections it is kept to, none for the whole piece;
    ``least`` and ``most`` bound what is measured.
    """

    name: str
    parameters: Mapping[str, Any]
    least: float | None = None
    most: float | None = None
    kinds: tuple[str, ...] = ()

    def met(self, plan: Plan, grid: Grid) -> bool:
        heard = form.part_of(plan, grid, self.kinds) if self.kinds else grid
        if not len(heard.tokens):
            return False
        if self.name in FACTS:
            return FACTS[self.name](plan, heard, **self.parameters)
        value = MEASURES[self.name](plan, heard, **self.parameters)
        if value is None:
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Point:
    """What is checked, in words, and groups of tests: all of one group must be met."""

    text: str
    any_of: tuple[tuple[Check, ...], ...]

    def met(self, plan: Plan, grid: Grid) -> bool:
        return any(all(test.met(plan, grid) for test in group) for group in self.any_of)


@dataclass(frozen=True)
class Checklist:
    genre: str
    points: tuple[Point, ...]
    sources: tuple[str, ...]


@cache
def checklists() -> Mapping[str, Checklist]:
    """All that ship, by genre. Raises NoisicianError for an entry that is none."""
    return read(tomllib.loads(_text()))


def checklists_digest() -> str:
    """The beginning of the SHA-256 of the lists that ship: what was ticked by others cannot be compared."""
    return hashlib.sha256(_text().encode()).hexdigest()[:16]


def _text() -> str:
    return files("noisician.evaluate.checklists").joinpath("genres.toml").read_text(encoding="utf-8")


def checklist(genre: str) -> Checklist:
    """Raises NoisicianError for a genre that has none."""
    found = checklists().get(genre)
    if found is None:
        raise NoisicianError(f"genre {genre!r} has no checklist; there are {', '.join(sorted(checklists()))}")
    return found


def ticked(genre: str, plan: Plan, grid: Grid) -> list[tuple[str, bool]]:
    """(point, whether it is met) of every point of a genre's checklist, in its order."""
    return [(point.text, point.met(plan, grid)) for point in checklist(genre).points]


# --- reading ----------------------------------------------------------------------------------------------------


def read(data: Mapping[str, Any]) -> dict[str, Checklist]:
    """Checklists of plain data. Raises NoisicianError, in one line, for the first thing that is not understood."""
    return {genre: _read_checklist(genre, entry) for genre, entry in data.items()}


def _read_checklist(genre: str, entry: Mapping[str, Any]) -> Checklist:
    unknown = sorted(set(entry) - {"sources", "points"})
    if unknown:
        raise NoisicianError(f"checklist {genre}: {unknown[0]!r} is neither sources nor points")
    points = tuple(_read_point(genre, dict(point)) for point in entry.get("points", ()))
    if len(points) < FEWEST_POINTS or not entry.get("sources"):
        raise NoisicianError(
            f"checklist {genre} has {len(points)} points and {len(entry.get('sources', ()))} sources; "
            f"it needs {FEWEST_POINTS} points and a source"
        )
    texts = [point.text for point in points]
    twice = [text for text in texts if texts.count(text) > 1]
    if twice:
        raise NoisicianError(f"checklist {genre}: point {twice[0]!r} is there twice; points must differ")
    return Checklist(genre, points, tuple(entry["sources"]))


def _read_point(genre: str, entry: dict[str, Any]) -> Point:
    text = entry.pop("point", None)
    where = f"checklist {genre}, point {text!r}"
    if not isinstance(text, str) or not text:
        raise NoisicianError(f'checklist {genre}: a point has no text (point = "…"): {entry}')
    several = entry.pop("any_of", None)
    if several is not None and entry:
        raise NoisicianError(f"{where}: {next(iter(entry))!r} stands beside any_of; it belongs into one of its tests")
    groups = [group if isinstance(group, list) else [group] for group in ([entry] if several is None else several)]
    if not groups or not all(groups):
        raise NoisicianError(f"{where}: any_of has nothing, or an empty group; it needs tests")
    return Point(text, tuple(tuple(_read_check(where, dict(test)) for test in group) for group in groups))


def _read_check(where: str, entry: dict[str, Any]) -> Check:
    name = entry.pop("test", None)
    known = {**FACTS, **MEASURES}
    if name not in known:
        raise NoisicianError(f"{where}: test {name!r} is none of {', '.join(sorted(known))}")
    bounds = {key: entry.pop(key) for key in _BOUNDS if key in entry} if name in MEASURES else {}
    if name in MEASURES and not bounds:
        raise NoisicianError(f"{where}: test {name} measures; it needs least or most")
    for key, value in bounds.items():
        if not _is_number(value):
            raise NoisicianError(f"{where}: {key} of {name} is {value!r}; it must be a number")
    kinds = entry.pop(_PART, []) if known[name].__module__ != form.__name__ else []
    if kinds and not _VALUES["kinds"][0](kinds):
        raise NoisicianError(f"{where}: in = {kinds!r}; it must be {_VALUES['kinds'][1]}")
    _check_parameters(where, name, known[name], entry)
    return Check(name, entry, **bounds, kinds=tuple(kinds))


def _check_parameters(where: str, name: str, test: Callable[..., Any], given: Mapping[str, Any]) -> None:
    signature = inspect.signature(test).parameters.values()
    own = {one.name: one.default is one.empty for one in signature if one.kind is one.KEYWORD_ONLY}
    for key, value in given.items():
        if key not in own:
            raise NoisicianError(f"{where}: {name} has no parameter {key!r}; it has {', '.join(own) or 'none'}")
        check, wanted = _VALUES[key]
        if not check(value):
            raise NoisicianError(f"{where}: {key} of {name} is {value!r}; it must be {wanted}")
    missing = [key for key, needed in own.items() if needed and key not in given]
    if missing:
        raise NoisicianError(f"{where}: {name} needs {missing[0]!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(check(one) for one in value)


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _is_place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_signature(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[1-9]\d?/(2|4|8|16)", value) is not None


def _names(names: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    return _list_of(_one_of(*names)), f"a list of {', '.join(names)}"


_FAMILIES = tuple(dict.fromkeys(instrument.family for instrument in shipped_instruments().values()))
#: What the value of each parameter must be, as a check and in words.
_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ranges": (_list_of(_is_range), "a list of [lowest, highest]"),
    "signatures": (_list_of(_is_signature), "a list of time signatures such as 4/4"),
    "unit": (_one_of("any", "eighth", "sixteenth"), "any, eighth or sixteenth"),
    "what": _names(rhythm.STRIKERS),
    "beside": _names(rhythm.STRIKERS),
    "line": (_one_of(*rhythm.LINES), f"one of {', '.join(rhythm.LINES)}"),
    "silent": (_one_of(*rhythm.LINES), f"one of {', '.join(rhythm.LINES)}"),
    "beats": (_list_of(_is_place), "a list of places in the bar from 1"),
    "cells": (_list_of(_list_of(_is_place)), "a list of lists of places from 1"),
    "modes": _names(tuple(MODES)),
    "kinds": _names(SECTION_KINDS),
    "tags": _names(TIMBRE_TAGS),
    "than": _names(SECTION_KINDS),
    "chords": _names(harmony.KINDS),
    "roots": _names(harmony.ROOTS),
    "successions": (_list_of(_list_of(_one_of(*harmony.ROOTS))), f"a list of lists of {', '.join(harmony.ROOTS)}"),
    "lengths": (_list_of(_is_count), "a list of numbers of bars"),
    "bars": (_is_count, "a whole number from 1"),
    "degrees": _names(harmony.DEGREES),
    "tones": _names(tuple(harmony.CHORD_TONES)),
    "families": _names(_FAMILIES),
    "instruments": _names(tuple(shipped_instruments())),
    "roles": _names(ROLES),
    "multiple": (_is_count, "a whole number from 1"),
}
