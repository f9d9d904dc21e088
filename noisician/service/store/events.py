"""What happened, in order."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from noisician.service.records import EventRecord
from noisician.service.store.database import Part
from noisician.service.store.reading import event_record
from noisician.service.store.tables import EventRow

_GREATEST_ID = 2**63 - 1


class Events(Part):
    """Read what happened. Transactions that write follow one another, so no id appears below one that was seen."""

    def events_after(self, event_id: int, job_id: str | None = None, limit: int = 500) -> tuple[EventRecord, ...]:
        """The next events, of all jobs or one, oldest first."""
        wanted = select(EventRow).where(EventRow.id > min(max(event_id, -1), _GREATEST_ID))
        if job_id is not None:
            wanted = wanted.where(EventRow.job_id == job_id)
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(EventRow.id).limit(limit)).all()
        return tuple(map(event_record, rows))

    def last_event_id(self) -> int:
        """Of the newest event; 0 before the first."""
        with self.database.reading() as connection:
            return connection.scalar(select(func.max(EventRow.id))) or 0

    def prune_events(self, before: float) -> None:
        """Forgets what happened before that time. The newest event stays, so that ids go on from it."""
        with self.database.writing() as connection:
            newest = connection.scalar(select(func.max(EventRow.id))) or 0
            connection.execute(delete(EventRow).where(EventRow.created_at < before, EventRow.id < newest))
