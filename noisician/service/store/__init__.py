"""What the service remembers: jobs, takes, uploads, events and workers, in one database that is the truth.

Every method of :class:`Store` is one short transaction. Those that write come one after another, on SQLite and on
PostgreSQL alike, so that what is true when a method looks is still true when it writes, and events become visible in
the order of their ids.
"""

from __future__ import annotations

from sqlalchemy.engine import URL

from noisician.service.store.database import Database, StoreError
from noisician.service.store.events import Events
from noisician.service.store.jobs import Jobs
from noisician.service.store.queue import IdempotencyConflict, Queue, QueueFull
from noisician.service.store.takes import Takes
from noisician.service.store.uploads import Uploads
from noisician.service.store.versions import Versions
from noisician.service.store.workers import Workers

__all__ = ["IdempotencyConflict", "QueueFull", "Store", "StoreError"]


class Store(Queue, Jobs, Takes, Versions, Uploads, Events, Workers):
    """The whole store behind one object, safe to share among threads; a process that forks makes its own.

    ``url`` is SQLAlchemy's: ``sqlite:////path/noisician.sqlite3`` or ``postgresql+psycopg://user@host/name``. Missing
    tables are made, older ones brought up to date. Raises StoreError, also from every method, when the database cannot
    be reached, is full, damaged or locked, or was written by a newer version.
    """

    def __init__(self, url: str | URL) -> None:
        super().__init__(Database(url))

    def close(self) -> None:
        self.database.close()
