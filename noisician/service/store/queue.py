"""The queue: who makes what, exactly once.

A job is claimed under a lease, a token that is new with every attempt. Whoever reports names it, and a transaction that
does not find it in the job's row changes nothing: a worker that was given up can neither disturb the next one nor add
a take twice.
"""

from __future__ import annotations

import math
import secrets
import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, true, update

from noisician.errors import NoisicianError
from noisician.service.files import new_id
from noisician.service.records import Claim, Failure, Heartbeat, JobRecord, NewJob, NewTake, Status, finite
from noisician.service.store.database import Part
from noisician.service.store.reading import Cells, job_record, json_list_text, json_text
from noisician.service.store.search import search_text
from noisician.service.store.tables import JobRow, TakeRow
from noisician.service.store.transitions import TURN, add_event, end, fresh, give_back, queue_position
from noisician.service.store.versions import place_in_piece


class QueueFull(NoisicianError):
    """As many jobs wait as may; ``waiting`` says how many."""

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(f"the queue is full: {waiting} jobs wait, the limit is {limit}; try again when some are done")
        self.waiting = waiting


class IdempotencyConflict(NoisicianError):
    """An idempotency key came a second time with another request."""


class Queue(Part):
    """From what a client asked for to what a worker finished."""

    def enqueue(self, job: NewJob, queue_limit: int) -> tuple[JobRecord, bool]:
        """The job at the end of the queue, an edit at the end of the edits, and whether it is new: the same idempotency
        key gives the same job again.

        Raises QueueFull, and IdempotencyConflict when the key came before with another digest.
        """
        with self.database.writing() as connection:
            known = _of_key(connection, job)
            if known is not None:
                return known, False
            waiting = connection.scalar(select(func.count()).where(JobRow.status == "queued")) or 0
            if waiting >= queue_limit:
                raise QueueFull(waiting, queue_limit)
            job_id = new_id("job")
            connection.execute(insert(JobRow).values(_new_row(job, job_id)))
            row = connection.execute(select(JobRow).where(JobRow.id == job_id)).one()
            position = queue_position(connection, row)
            add_event(connection, "status", job_id, None, {"status": "queued", "queue_position": position})
            return job_record(row, position), True

    def claim(self, worker: str, lease_s: float, edits_of: str | None = None) -> Claim | None:
        """The waiting job whose turn it is and that fits the worker's device, from now under a lease of ``lease_s``;
        None: there is none. The oldest edit goes before the oldest of the others; ``edits_of`` takes edits of music of
        that model alone. A job that needs no particular device fits all, the worker "auto" takes every job. One whose
        row is damaged fails, and the next is taken.
        """
        waits = select(JobRow).where(JobRow.status == "queued", _fits(worker)).order_by(*TURN).limit(1)
        if edits_of is not None:
            waits = waits.where(JobRow.operation == "edit", JobRow.model == edits_of)
        with self.database.reading() as connection:  # a worker with nothing to do holds up nobody
            if connection.execute(waits).first() is None:
                return None
        with self.database.writing() as connection:
            while (row := connection.execute(waits).first()) is not None:
                job = job_record(row)
                if job.damage is None:
                    return _lease(connection, job, worker, lease_s)
                end(connection, job, "failed", Failure(job.damage, "damaged"))
        return None

    def heartbeat(self, claim: Claim, lease_s: float) -> Heartbeat:
        """A sign of life: the lease runs for ``lease_s`` from now, if it is still in force."""
        with self.database.writing() as connection:
            row = _held(connection, claim)
            if row is None:
                return Heartbeat(cancel=False, lost=True)
            until = time.time() + lease_s
            connection.execute(update(JobRow).where(JobRow.seq == claim.job.seq).values(lease_until=until))
            return Heartbeat(cancel=bool(row.cancel_requested), lost=False)

    def report(self, claim: Claim, progress: float, stage: str, eta_s: float | None, take: int) -> None:
        """``progress`` 0 … 1 of the whole job, while its take number ``take`` is being made."""
        progress = min(max(progress, 0.0), 1.0) if math.isfinite(progress) else 0.0
        eta_s = finite(eta_s)
        changes = {"progress": progress, "stage": stage, "eta_s": eta_s}
        data = {"progress": round(100 * progress, 1), "stage": stage, "eta_s": eta_s, "take": take}
        with self.database.writing() as connection:
            if connection.execute(update(JobRow).where(*_in_force(claim)).values(changes)).rowcount:
                add_event(connection, "progress", claim.job.id, None, data)

    def previewed(self, claim: Claim, take: int) -> None:
        """There is a newer picture of take number ``take``."""
        with self.database.writing() as connection:
            if _held(connection, claim) is not None:
                add_event(connection, "preview", claim.job.id, None, {"take": take})

    def excerpted(self, claim: Claim, take: int, start_s: float, end_s: float) -> None:
        """These seconds of take number ``take`` can be heard before it is finished."""
        with self.database.writing() as connection:
            if _held(connection, claim) is not None:
                data = {"take": take, "start_s": start_s, "end_s": end_s}
                add_event(connection, "excerpt", claim.job.id, None, data)

    def add_take(self, claim: Claim, take: NewTake) -> bool:
        """Takes a finished take into the library. False, and nothing changed, when the lease is no longer in force or
        the job has a take of that number. A job that was deleted meanwhile leaves its take in the bin."""
        with self.database.writing() as connection:
            held = _held(connection, claim)
            same = select(TakeRow.seq).where(TakeRow.job_id == claim.job.id, TakeRow.number == take.number)
            if held is None or connection.execute(same).first() is not None:
                return False
            deleted_at = time.time() if held.delete_requested else None
            place = place_in_piece(connection, claim.job, take)
            row = _take_row(claim.job, take) | place | {"deleted_at": deleted_at}
            connection.execute(insert(TakeRow).values(row))
            if deleted_at is None:
                add_event(connection, "take", claim.job.id, take.id, {"number": take.number, "title": take.title})
            return True

    def finish(self, claim: Claim, status: Status, failure: Failure | None = None) -> bool:
        """Ends the job, and what was passing of its events goes. False when the lease is no longer in force."""
        with self.database.writing() as connection:
            if _held(connection, claim) is None:
                return False
            end(connection, claim.job, status, failure)
            return True

    def release(self, claim: Claim) -> None:
        """Gives the job back to its old place in the queue, the attempt not counted; one to be cancelled is."""
        with self.database.writing() as connection:
            held = _held(connection, claim)
            if held is None:
                return
            if held.cancel_requested:
                end(connection, claim.job, "cancelled")
            else:
                give_back(connection, claim.job, claim.job.attempts - 1)

    def requeue_lost(
        self, attempts_limit: int, everything: bool = False, worker: str | None = None
    ) -> tuple[JobRecord, ...]:
        """Takes jobs from workers that are gone: those of ``worker``, or ``everything``, else those of leases run out.

        They go back to their old place in the queue, or end: cancelled when that was asked for, completed when all
        their takes are there, failed ("worker_lost") after ``attempts_limit`` attempts. With ``everything`` the service
        itself was stopped, which is no fault of the job and counts for no attempt. Returns them as they now are.
        """
        now = time.time()

        def lost(connection: Connection) -> list[Row[Any]]:
            running = select(JobRow).where(JobRow.status == "in_progress").order_by(JobRow.seq)
            return [
                row
                for row in connection.execute(running).all()
                if everything or (row.worker == worker if worker is not None else _ran_out(row, now))
            ]

        with self.database.reading() as connection:  # mostly none is, and nobody need wait
            if not lost(connection):
                return ()
        with self.database.writing() as connection:
            rows = lost(connection)
            for row in rows:
                _take_away(connection, job_record(row), None if everything else attempts_limit)
            jobs = [fresh(connection, row.seq) for row in rows]
        return tuple(job for job in jobs if job is not None)


def _of_key(connection: Connection, job: NewJob) -> JobRecord | None:
    if job.idempotency_key is None:
        return None
    row = connection.execute(select(JobRow).where(JobRow.idempotency_key == job.idempotency_key)).first()
    if row is None:
        return None
    if row.digest != job.digest:
        raise IdempotencyConflict(
            f"the idempotency key {job.idempotency_key[:80]!r} came before with another request; use a new one"
        )
    return job_record(row, queue_position(connection, row) if row.status == "queued" else None)


def _new_row(job: NewJob, job_id: str) -> dict[str, Any]:
    return {
        "id": job_id,
        "operation": job.operation,
        "status": "queued",
        "params": json_text(job.params),
        "model": job.model,
        "takes": job.takes,
        "created_at": time.time(),
        "title": job.title,
        "device": job.device,
        "parent_take": job.parent_take,
        "edits": json_list_text(job.edits) if job.edits else None,
        "idempotency_key": job.idempotency_key,
        "digest": job.digest,
    }


def _fits(worker: str) -> ColumnElement[bool]:
    """Whether a job can be made on the worker's device; "cuda" fits every "cuda:…"."""
    if worker == "auto":
        return true()
    return or_(JobRow.device.is_(None), JobRow.device.in_(("auto", worker, worker.partition(":")[0])))


def _lease(connection: Connection, job: JobRecord, worker: str, lease_s: float) -> Claim:
    now = time.time()
    numbers = select(TakeRow.number).where(TakeRow.job_id == job.id, TakeRow.number <= job.takes)
    done = frozenset(connection.scalars(numbers).all())
    lease = secrets.token_hex(16)
    changes = {
        "status": "in_progress",
        "attempts": job.attempts + 1,
        "started_at": now,
        "progress": len(done) / max(job.takes, 1),
        "worker": worker,
        "lease": lease,
        "lease_until": now + lease_s,
    }
    connection.execute(update(JobRow).where(JobRow.seq == job.seq).values(changes))
    add_event(connection, "status", job.id, None, {"status": "in_progress"})
    row = connection.execute(select(JobRow).where(JobRow.seq == job.seq)).one()
    return Claim(job_record(row), lease, done)


def _in_force(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return JobRow.seq == claim.job.seq, JobRow.lease == claim.lease


def _held(connection: Connection, claim: Claim) -> Row[Any] | None:
    """The job's row; None when the lease is no longer in force."""
    return connection.execute(select(JobRow).where(*_in_force(claim))).first()


def _take_row(job: JobRecord, take: NewTake) -> dict[str, Any]:
    return {
        "id": take.id,
        "job_id": job.id,
        "number": take.number,
        "operation": job.operation,
        "parent_take": job.parent_take,
        "created_at": time.time(),
        "title": take.title,
        "seed": int(take.seed),
        "model": take.model,
        "licence": take.licence,
        "recipe_id": take.recipe_id,
        "duration_s": float(take.duration_s),
        "made_in_s": float(take.made_in_s),
        "loudness_lufs": finite(take.loudness_lufs),
        "true_peak_dbtp": finite(take.true_peak_dbtp),
        "tempo_bpm": finite(take.tempo_bpm),
        "key": take.key,
        "mode": take.mode,
        "time_signature": take.time_signature,
        "facts": json_text(take.facts),
        "search": search_text(take),
    }


def _ran_out(row: Row[Any], now: float) -> bool:
    cells = Cells(row)
    return cells.number("lease_until") < now


def _take_away(connection: Connection, job: JobRecord, attempts_limit: int | None) -> None:
    """``attempts_limit`` None: the attempt does not count."""
    takes = select(func.count()).where(TakeRow.job_id == job.id, TakeRow.number <= job.takes)
    if job.damage is None and connection.scalar(takes) == job.takes:
        end(connection, job, "completed")
    elif job.cancel_requested:
        end(connection, job, "cancelled")
    elif attempts_limit is not None and job.attempts >= attempts_limit:
        reason = f"the worker ended {job.attempts} times while it made this; there may be too little memory for it"
        end(connection, job, "failed", Failure(reason, "worker_lost"))
    else:
        give_back(connection, job, job.attempts - (attempts_limit is None))
