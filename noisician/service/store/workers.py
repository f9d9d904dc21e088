"""Who works."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, insert, select, update

from noisician.service.records import WorkerRecord
from noisician.service.store.database import Part
from noisician.service.store.reading import worker_record
from noisician.service.store.tables import WorkerRow


class Workers(Part):
    """The worker processes as they last reported."""

    def seen(self, worker: WorkerRecord) -> None:
        """Notes a worker's report in place of its last."""
        values = asdict(worker)
        with self.database.writing() as connection:
            if not connection.execute(update(WorkerRow).where(WorkerRow.name == worker.name).values(values)).rowcount:
                connection.execute(insert(WorkerRow).values(values))

    def workers(self) -> tuple[WorkerRecord, ...]:
        """All that reported, by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(WorkerRow).order_by(WorkerRow.name)).all()
        return tuple(map(worker_record, rows))

    def forget_workers(self) -> None:
        with self.database.writing() as connection:
            connection.execute(delete(WorkerRow))
