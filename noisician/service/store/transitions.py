"""What happens to a job inside a transaction, whoever caused it: it ends, goes back to the queue, or goes for good."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from noisician.service.records import EventType, Failure, JobRecord, Status
from noisician.service.store.reading import job_record, json_text
from noisician.service.store.tables import EventRow, JobRow, TakeRow

_IS_EDIT = JobRow.operation == "edit"
#: Whose turn it is: edits before everything else, for somebody waits to hear them; each in the order in which it came.
TURN = (JobRow.operation != "edit", JobRow.seq)


def add_event(
    connection: Connection, kind: EventType, job_id: str | None, take_id: str | None, data: dict[str, Any]
) -> None:
    values = {"type": kind, "job_id": job_id, "take_id": take_id, "data": json_text(data), "created_at": time.time()}
    connection.execute(insert(EventRow).values(values))


def queue_position(connection: Connection, job: JobRecord | Row[Any]) -> int:
    """How many jobs wait before a waiting one."""
    earlier = JobRow.seq < job.seq
    before = and_(earlier, _IS_EDIT) if job.operation == "edit" else or_(earlier, _IS_EDIT)
    return connection.scalar(select(func.count()).where(JobRow.status == "queued", before)) or 0


def fresh(connection: Connection, seq: int) -> JobRecord | None:
    """The job as it now is; None when it is gone."""
    row = connection.execute(select(JobRow).where(JobRow.seq == seq)).first()
    if row is None:
        return None
    return job_record(row, queue_position(connection, row) if row.status == "queued" else None)


def end(connection: Connection, job: JobRecord, status: Status, failure: Failure | None = None) -> None:
    """Ends a job; it goes for good if that was asked for while it ran."""
    changes: dict[str, Any] = {
        "status": status,
        "completed_at": time.time(),
        "failure": None if failure is None else json_text(asdict(failure)),
        "stage": None,
        "eta_s": None,
        "worker": None,
        "lease": None,
        "lease_until": None,
    }
    if status == "completed":
        changes["progress"] = 1.0
    connection.execute(update(JobRow).where(JobRow.seq == job.seq).values(changes))
    _forget_attempt(connection, job.id)
    data: dict[str, Any] = {"status": status}
    if failure is not None:
        data["error"] = asdict(failure)
    add_event(connection, "status", job.id, None, data)
    gone = connection.execute(delete(JobRow).where(JobRow.seq == job.seq, JobRow.delete_requested != 0))
    if gone.rowcount:
        bin_takes(connection, job.id)


def give_back(connection: Connection, job: JobRecord, attempts: int) -> None:
    """Puts a job back to its old place in the queue."""
    changes = {
        "status": "queued",
        "attempts": max(attempts, 0),
        "progress": 0.0,
        "started_at": None,
        "stage": None,
        "eta_s": None,
        "worker": None,
        "lease": None,
        "lease_until": None,
    }
    connection.execute(update(JobRow).where(JobRow.seq == job.seq).values(changes))
    _forget_attempt(connection, job.id)
    data = {"status": "queued", "queue_position": queue_position(connection, job)}
    add_event(connection, "status", job.id, None, data)


def _forget_attempt(connection: Connection, job_id: str) -> None:
    """Drops what only a running attempt has to tell: a reader who comes back later must not hear of it."""
    passing = EventRow.type.in_(("progress", "preview", "excerpt"))
    connection.execute(delete(EventRow).where(EventRow.job_id == job_id, passing))


def bin_takes(connection: Connection, job_id: str) -> None:
    """Puts the takes of a job into the bin."""
    kept = select(TakeRow.id).where(TakeRow.job_id == job_id, TakeRow.deleted_at.is_(None)).order_by(TakeRow.number)
    for take_id in connection.scalars(kept).all():
        bin_take(connection, take_id, job_id)


def bin_take(connection: Connection, take_id: str, job_id: str) -> None:
    connection.execute(update(TakeRow).where(TakeRow.id == take_id).values(deleted_at=time.time()))
    add_event(connection, "take_deleted", job_id, take_id, {})
