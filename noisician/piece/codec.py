"""A piece as plain JSON values and back.

Readers ignore what they do not know and writers keep it: whatever a newer noisician added comes back in its place, so
that an older one can open, edit and hand on a piece without losing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from noisician.errors import FileError
from noisician.mix import Mix
from noisician.mix.settings import SoundsLike
from noisician.piece.model import (
    DrawSpan,
    KeyMark,
    MeterMark,
    Piece,
    PieceGrid,
    PiecePlan,
    Player,
    TempoMark,
)
from noisician.renderer import RenderSettings
from noisician.score import Note, Section
from noisician.score.chart import harte_label, read_symbol, symbol_token
from noisician.score.grid import composer_chords, harmony_of, with_composed_chords
from noisician.unknown_keys import grafted, missing
from noisician.vocals.song import Song

PIECE_VERSION = 1

Record = TypeVar("Record")


def to_dict(piece: Piece) -> dict[str, Any]:
    """Plain JSON values; :func:`from_dict` restores an equal piece."""
    return grafted(_known(piece), piece.unknown)


def from_dict(data: Mapping[str, Any]) -> Piece:
    """Raises FileError for a piece that lacks something, one from a later format or one that contradicts itself."""
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= PIECE_VERSION:
        raise FileError(f"piece version {version!r}; this noisician reads 1 to {PIECE_VERSION}: upgrade to read it")
    try:
        piece = _piece(data)
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise FileError(f"the piece is incomplete ({type(broken).__name__}: {broken}); it was cut or edited") from None
    _check(piece)
    object.__setattr__(piece, "unknown", missing(data, _known(piece)))
    return piece


def _known(piece: Piece) -> dict[str, Any]:
    return {
        "version": PIECE_VERSION,
        "seed": piece.seed,
        "plan": _plan_dict(piece.plan),
        "grid": None if piece.grid is None else _grid_dict(piece.grid),
        "notes": {id_: [_note_dict(note) for note in notes] for id_, notes in piece.notes.items()},
        "song": None if piece.song is None else piece.song.to_dict(),
        "singing": piece.singing,
        "draws": {id_: [asdict(span) for span in spans] for id_, spans in piece.draws.items()},
        "render": asdict(piece.render),
        "mix": None if piece.mix is None else piece.mix.to_dict(),
    }


def _plan_dict(plan: PiecePlan) -> dict[str, Any]:
    """What only some plans and players have is left out of the others."""
    values = asdict(plan)
    for player in values["players"]:
        if not player["performer"]:
            del player["performer"]
        if player["voice"] is None:
            del player["voice"]
    if not values["ornaments"]:
        del values["ornaments"]
    if plan.sounds_like is None:
        del values["sounds_like"]
    return values


def _grid_dict(grid: PieceGrid) -> dict[str, Any]:
    columns = {id_: column.T.tolist() for id_, column in grid.columns.items()}
    chords = {"chords": composer_chords(grid.chords).tolist()}
    asked = _asked_chords(grid.chords)
    return {"version": grid.version, **chords, **({"asked_chords": asked} if asked else {}), "columns": columns}


def _asked_chords(chords: np.ndarray) -> list[list[Any]]:
    """[first step, steps, Harte's name with C as tonic] of what the composer's tokens do not say whole."""
    wide = chords != composer_chords(chords)
    edges = [0, *(np.flatnonzero(np.diff(chords)) + 1).tolist(), len(chords)]
    asked = []
    for first, end in pairwise(edges):
        chord = harmony_of(int(chords[first])) if end > first and wide[first] else None
        if chord is not None:
            asked.append([first, end - first, harte_label(*chord)])
    return asked


def _note_dict(note: Note) -> dict[str, Any]:
    """What is as it mostly is is left out."""
    values = asdict(note)
    return {name: value for name, value in values.items() if value is not None and value is not False}


def _piece(data: Mapping[str, Any]) -> Piece:
    grid, song, mix = data.get("grid"), data.get("song"), data.get("mix")
    return Piece(
        seed=int(data["seed"]),
        plan=_plan(data["plan"]),
        grid=None if grid is None else _grid(grid),
        notes={id_: tuple(_record(Note, note) for note in notes) for id_, notes in data["notes"].items()},
        render=_record(RenderSettings, data["render"]),
        song=None if song is None else Song.from_dict(song),
        singing=data.get("singing", ""),
        draws={id_: tuple(_record(DrawSpan, span) for span in spans) for id_, spans in data.get("draws", {}).items()},
        mix=None if mix is None else Mix.from_dict(mix),
    )


def _plan(data: Mapping[str, Any]) -> PiecePlan:
    values = dict(data)
    values["tempo_map"] = tuple(_record(TempoMark, mark) for mark in data["tempo_map"])
    values["meter_map"] = tuple(_record(MeterMark, mark) for mark in data["meter_map"])
    values["key_map"] = tuple(_record(KeyMark, mark) for mark in data["key_map"])
    values["sections"] = tuple(_record(Section, section) for section in data["sections"])
    values["players"] = tuple(_player(player) for player in data["players"])
    values["production"] = tuple(data.get("production", ()))
    if data.get("sounds_like") is not None:
        like = _record(SoundsLike, data["sounds_like"])
        values["sounds_like"] = replace(like, balance_db=tuple(map(float, like.balance_db)))
    return _record(PiecePlan, values)


def _player(data: Mapping[str, Any]) -> Player:
    values = {**data, "timbre_tags": tuple(data.get("timbre_tags", ()))}
    values["bars"] = tuple((int(first), int(last)) for first, last in data.get("bars", ()))
    return _record(Player, values)


def _grid(data: Mapping[str, Any]) -> PieceGrid:
    columns = {id_: np.ascontiguousarray(np.array(rows, np.int16).T) for id_, rows in data["columns"].items()}
    chords = np.array(data["chords"], np.int32)
    asked = chords.copy()
    for first, steps, label in data.get("asked_chords", ()):
        asked[int(first) : int(first) + int(steps)] = symbol_token(read_symbol(str(label)), 0)
    return PieceGrid(with_composed_chords(asked, composer_chords(chords)), columns, int(data["version"]))


def _record(kind: type[Record], data: Mapping[str, Any]) -> Record:
    """A dataclass from the keys it knows."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in names})


def _check(piece: Piece) -> None:
    """Raises FileError for what no edit and no rendering could make sense of."""
    plan, ids = piece.plan, [player.id for player in piece.plan.players]
    marks = (plan.tempo_map, plan.meter_map, plan.key_map)
    if any(not marked or marked[0].bar != 0 for marked in marks):
        raise FileError("the piece's tempo, metre or key does not begin at bar 0; it was edited")
    if len(set(ids)) != len(ids):
        raise FileError(f"two players of the piece are called the same ({', '.join(sorted(ids))}); it was edited")
    strangers = (set(piece.notes) | set(piece.draws) | set(piece.grid.columns if piece.grid else ())) - set(ids)
    if strangers:
        raise FileError(f"the piece has notes of {', '.join(sorted(strangers))}, who is no player of it; it was edited")
    if piece.grid is not None and len(piece.grid.chords) != plan.bars * plan.meter.steps_per_bar:
        raise FileError(
            f"the piece's grid has {len(piece.grid.chords)} steps where its {plan.bars} bars have "
            f"{plan.bars * plan.meter.steps_per_bar}; it was edited"
        )
