"""From rows to records.

SQLite holds whatever a disk or a hand left in a cell, so nothing is taken on trust: a value that cannot be is replaced
by a default and its column named in the record's ``damage``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn, cast, get_args

from sqlalchemy import Row

from noisician.service.records import (
    EventRecord,
    EventType,
    Failure,
    JobRecord,
    NewTake,
    Operation,
    Status,
    TakeRecord,
    UploadRecord,
    WorkerRecord,
)


def json_text(value: dict[str, Any]) -> str:
    """ASCII, so that any text can be stored anywhere. Raises ValueError for numbers that are none."""
    return json.dumps(value, allow_nan=False)


def json_list_text(values: Iterable[dict[str, Any]]) -> str:
    """As :func:`json_text`, of several."""
    return json.dumps(list(values), allow_nan=False)


def json_fields(text: object) -> dict[str, Any] | None:
    """The JSON object in ``text``, None if it is none."""
    fields = _json(text)
    return fields if isinstance(fields, dict) else None


def _json(text: object) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class Cells:
    """One row, read cell by cell; what is wrong gathers in :attr:`damage`."""

    def __init__(self, row: Row[Any]) -> None:
        self._cells = row._mapping
        self._broken: list[str] = []

    @property
    def damage(self) -> str | None:
        if not self._broken:
            return None
        return f"its row in the database is damaged: {', '.join(self._broken)}"

    def text(self, name: str, default: str = "") -> str:
        value = self._cells[name]
        return value if isinstance(value, str) else self._no(name, default)

    def text_or_none(self, name: str) -> str | None:
        return None if self._cells[name] is None else self.text(name)

    def number(self, name: str, default: float = 0.0) -> float:
        value = self._cells[name]
        if isinstance(value, float | int) and math.isfinite(value):
            return float(value)
        return self._no(name, default)

    def number_or_none(self, name: str) -> float | None:
        return None if self._cells[name] is None else self.number(name)

    def whole(self, name: str, default: int = 0) -> int:
        value = self._cells[name]
        return value if isinstance(value, int) and value >= 0 else self._no(name, default)

    def one_of(self, name: str, choices: Iterable[str], default: str) -> str:
        value = self._cells[name]
        return value if value in choices else self._no(name, default)

    def fields(self, name: str) -> dict[str, Any]:
        found = json_fields(self._cells[name])
        return self._no(name, {}) if found is None else found

    def list_of_fields(self, name: str) -> tuple[dict[str, Any], ...]:
        """JSON objects; none where the cell is empty."""
        if self._cells[name] is None:
            return ()
        found = _json(self._cells[name])
        fits = isinstance(found, list) and all(isinstance(fields, dict) for fields in found)
        return tuple(found) if fits else self._no(name, ())

    def _no(self, name: str, default: Any) -> Any:
        self._broken.append(name)
        return default


def job_record(row: Row[Any], queue_position: int | None = None) -> JobRecord:
    """The job in a row of all columns of ``jobs``."""
    cells = Cells(row)
    seq = cells.whole("seq")
    return JobRecord(
        id=cells.text("id", f"job_{seq:016x}"),
        seq=seq,
        operation=cast(Operation, cells.one_of("operation", get_args(Operation), "make")),
        status=cast(Status, cells.one_of("status", get_args(Status), "failed")),
        params=cells.fields("params"),
        model=cells.text("model"),
        takes=cells.whole("takes", 1),
        created_at=cells.number("created_at"),
        title=cells.text_or_none("title"),
        device=cells.text_or_none("device"),
        parent_take=cells.text_or_none("parent_take"),
        edits=cells.list_of_fields("edits"),
        started_at=cells.number_or_none("started_at"),
        completed_at=cells.number_or_none("completed_at"),
        progress=min(max(cells.number("progress"), 0.0), 1.0),
        stage=cells.text_or_none("stage"),
        eta_s=cells.number_or_none("eta_s"),
        attempts=cells.whole("attempts"),
        cancel_requested=bool(cells.whole("cancel_requested")),
        failure=_failure(cells, row.failure),
        queue_position=queue_position,
        damage=cells.damage,
    )


def _failure(cells: Cells, text: object) -> Failure | None:
    if text is None:
        return None
    fields = cells.fields("failure")
    param = fields.get("param")
    return Failure(
        message=str(fields.get("message", "the reason is lost")),
        code=str(fields.get("code", "damaged")),
        param=None if param is None else str(param),
    )


def take_record(row: Row[Any]) -> TakeRecord:
    """The take in a row of all columns of ``takes``."""
    cells = Cells(row)
    seq = cells.whole("seq")
    take = NewTake(
        id=cells.text("id", f"take_{seq:016x}"),
        number=cells.whole("number", 1),
        title=cells.text("title", "untitled"),
        seed=cells.whole("seed"),
        model=cells.text("model"),
        licence=cells.text("licence"),
        recipe_id=cells.text("recipe_id"),
        duration_s=cells.number("duration_s"),
        made_in_s=cells.number("made_in_s"),
        loudness_lufs=cells.number_or_none("loudness_lufs"),
        true_peak_dbtp=cells.number_or_none("true_peak_dbtp"),
        tempo_bpm=cells.number_or_none("tempo_bpm"),
        key=cells.text_or_none("key"),
        mode=cells.text_or_none("mode"),
        time_signature=cells.text_or_none("time_signature"),
        facts=cells.fields("facts"),
    )
    return TakeRecord(
        take=take,
        seq=seq,
        job_id=cells.text("job_id"),
        operation=cast(Operation, cells.one_of("operation", get_args(Operation), "make")),
        parent_take=cells.text_or_none("parent_take"),
        created_at=cells.number("created_at"),
        piece=cells.text("piece", take.id),
        kept=bool(cells.whole("kept", 1)),
        starred=bool(cells.whole("starred")),
        deleted_at=cells.number_or_none("deleted_at"),
        damage=cells.damage,
    )


def upload_record(row: Row[Any]) -> UploadRecord:
    cells = Cells(row)
    return UploadRecord(
        id=cells.text("id"),
        name=cells.text("name"),
        format=cells.text("format"),
        size_bytes=cells.whole("size_bytes"),
        sha256=cells.text("sha256"),
        created_at=cells.number("created_at"),
    )


def event_record(row: Row[Any]) -> EventRecord:
    cells = Cells(row)
    return EventRecord(
        id=cells.whole("id"),
        type=cast(EventType, cells.one_of("type", get_args(EventType), "status")),
        job_id=cells.text_or_none("job_id"),
        take_id=cells.text_or_none("take_id"),
        data=cells.fields("data"),
        created_at=cells.number("created_at"),
    )


def worker_record(row: Row[Any]) -> WorkerRecord:
    cells = Cells(row)
    state = cells.one_of("state", ("starting", "ready", "working"), "starting")
    return WorkerRecord(
        name=cells.text("name"),
        pid=cells.whole("pid"),
        state=cast(Any, state),
        job_id=cells.text_or_none("job_id"),
        seen_at=cells.number("seen_at"),
    )
