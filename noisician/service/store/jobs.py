"""Jobs as clients see them. One that is to go when it ends is not seen any more."""

from __future__ import annotations

from typing import cast, get_args

from sqlalchemy import delete, func, select, update

from noisician.service.records import JobRecord, Page, Status
from noisician.service.store.database import Part
from noisician.service.store.paging import next_cursor, place
from noisician.service.store.reading import job_record
from noisician.service.store.tables import JobRow
from noisician.service.store.transitions import TURN, bin_takes, end, fresh, queue_position

_SEEN = JobRow.delete_requested == 0


class Jobs(Part):
    """Look at jobs, cancel and delete them."""

    def job(self, job_id: str) -> JobRecord | None:
        with self.database.reading() as connection:
            row = connection.execute(select(JobRow).where(JobRow.id == job_id, _SEEN)).first()
            if row is None:
                return None
            return job_record(row, queue_position(connection, row) if row.status == "queued" else None)

    def jobs(self, limit: int, after: str | None = None, status: str | None = None) -> Page:
        """Newest first. Raises RequestError for an ``after`` that no page gave."""
        wanted = select(JobRow).where(_SEEN).order_by(JobRow.seq.desc()).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(JobRow.seq < place("jobs", after))
        if status is not None:
            wanted = wanted.where(JobRow.status == status)
        waiting = select(JobRow.seq).where(JobRow.status == "queued").order_by(*TURN)
        with self.database.reading() as connection:
            rows = connection.execute(wanted).all()
            queued = any(row.status == "queued" for row in rows)
            positions = {seq: at for at, seq in enumerate(connection.scalars(waiting))} if queued else {}
        items = tuple(job_record(row, positions.get(row.seq)) for row in rows[:limit])
        return Page(items, next_cursor("jobs", [row.seq for row in rows], limit))

    def counts(self) -> dict[Status, int]:
        """How many jobs there are of every status."""
        with self.database.reading() as connection:
            found = connection.execute(select(JobRow.status, func.count()).group_by(JobRow.status)).all()
        counted = {status: count for status, count in found}
        return {status: counted.get(status, 0) for status in cast(tuple[Status, ...], get_args(Status))}

    def cancel(self, job_id: str) -> JobRecord | None:
        """Ends a waiting job at once, asks for the end of a running one, leaves a finished one. None: unknown."""
        with self.database.writing() as connection:
            row = connection.execute(select(JobRow).where(JobRow.id == job_id, _SEEN)).first()
            if row is None:
                return None
            if row.status == "queued":
                end(connection, job_record(row), "cancelled")
            elif row.status == "in_progress":
                connection.execute(update(JobRow).where(JobRow.seq == row.seq).values(cancel_requested=1))
            return fresh(connection, row.seq)

    def delete_job(self, job_id: str) -> bool:
        """Removes a job; its takes go to the bin. One that is being made is cancelled first. False: unknown."""
        with self.database.writing() as connection:
            row = connection.execute(select(JobRow).where(JobRow.id == job_id, _SEEN)).first()
            if row is None:
                return False
            if row.status == "in_progress":
                # Its key is free at once: asking for the same again shall not give what is going.
                changes = {"cancel_requested": 1, "delete_requested": 1, "idempotency_key": None}
                connection.execute(update(JobRow).where(JobRow.seq == row.seq).values(changes))
                bin_takes(connection, job_id)
                return True
            if row.status == "queued":
                end(connection, job_record(row), "cancelled")
            connection.execute(delete(JobRow).where(JobRow.seq == row.seq))
            bin_takes(connection, job_id)
            return True
