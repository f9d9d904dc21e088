"""The engine: how transactions begin on either database, what its errors mean, and the version of the tables."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, inspect, make_url, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from noisician.errors import NoisicianError
from noisician.service.store.tables import MIGRATIONS, VERSION, Base, MetaRow

#: How long a transaction waits for its turn before it is given up.
PATIENCE_S = 10.0
_WRITERS_LOCK = zlib.crc32(b"noisician writes")
_WAL_LIMIT_BYTES = 16 * 1024 * 1024
_CONNECTIONS = 8
_MORE_CONNECTIONS = 24
#: Words in a driver's message, or PostgreSQL's SQLSTATE, and what they mean to people.
_CAUSES = (
    (("database is locked", "database table is locked", "55p03"), "another process keeps it locked; try again"),
    (("database or disk is full", "53100"), "no space is left on its disk; free some"),
    (("malformed", "not a database", "disk image"), "its file is damaged; put a backup in its place or move it away"),
    (("readonly", "read-only", "25006"), "it may not be written; check the permissions of its file and folder"),
    (("unable to open",), "its file cannot be opened; check that the folder exists and may be written"),
    (("disk i/o error",), "its disk fails or is full"),
    (("connection", "could not translate host", "server closed", "57p01", "57p03"), "it cannot be reached"),
)


class StoreError(NoisicianError):
    """The database is damaged, locked, full, out of reach or of a newer version."""


class Database:
    """Transactions on one database. At any time at most one of those that write is under way, in all processes."""

    def __init__(self, url: str | URL) -> None:
        address = _address(url)
        self.name = address.database if address.get_backend_name() == "sqlite" else address.render_as_string()
        self._writer = threading.Lock()  # threads of one process wait here, in order, and not by polling the database
        if address.get_backend_name() == "sqlite":
            self._write, self._read = "BEGIN IMMEDIATE", "BEGIN"
        else:
            self._write = f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"
            self._read = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        self._engine = _engine(address)
        try:
            with self.writing() as connection:
                _bring_up_to_date(connection, str(self.name))
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._explained(), self._engine.connect() as connection:
            connection.exec_driver_sql(self._read)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writes beside; committed at the end, undone by any exception."""
        if not self._writer.acquire(timeout=PATIENCE_S):
            raise StoreError(f"the database {self.name} is busy: no turn to write within {PATIENCE_S:g} s; try again")
        try:
            with self._explained(), self._engine.begin() as connection:
                connection.exec_driver_sql(self._write)
                yield connection
        finally:
            self._writer.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise StoreError(f"the database {self.name}: {_cause(error)}") from error
        except exc.TimeoutError as error:
            raise StoreError(f"the database {self.name} is busy: no connection is free; try again") from error


class Part:
    """Methods that share a database; the store is all of them together."""

    def __init__(self, database: Database) -> None:
        self.database = database


def _address(url: str | URL) -> URL:
    try:
        address = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise StoreError("the database's URL is none; it looks like sqlite:////path/file or postgresql://…") from None
    backend = address.get_backend_name()
    if backend == "sqlite":
        if address.database in (None, "", ":memory:"):
            raise StoreError(f"{url}: a database in memory cannot be shared with the workers; name a file")
        return address.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    raise StoreError(f"databases of type {backend!r} are not supported; use sqlite or postgresql")


def _engine(address: URL) -> Engine:
    try:
        engine = create_engine(
            address,
            pool_size=_CONNECTIONS,
            max_overflow=_MORE_CONNECTIONS,
            pool_timeout=PATIENCE_S,
            pool_pre_ping=address.get_backend_name() != "sqlite",
        )
    except ModuleNotFoundError as missing:
        raise StoreError(f"{missing.name} is missing; install it with: pip install 'noisician[postgres]'") from None
    event.listen(engine, "connect", _set_up_sqlite if engine.dialect.name == "sqlite" else _set_up_postgres)
    return engine


def _set_up_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where Database says so, and nowhere else
    connection.text_factory = _lenient
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(PATIENCE_S * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # A killed process loses nothing; a power cut may lose the last moments, never the database.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    cursor.close()


def _lenient(text_bytes: bytes) -> str:
    """Damaged text is seen as such by whoever reads it, instead of failing the whole query."""
    return text_bytes.decode("utf-8", "replace")


def _set_up_postgres(connection: Any, _entry: ConnectionPoolEntry) -> None:
    milliseconds = round(PATIENCE_S * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {milliseconds}")
        # Whoever holds the writers' lock and falls silent loses it before those who wait give up.
        cursor.execute(f"SET idle_in_transaction_session_timeout = {milliseconds // 2}")
    connection.commit()


def _cause(error: exc.DBAPIError) -> str:
    message = " ".join(str(error.orig).split())
    signs = f"{message} {getattr(error.orig, 'sqlstate', '') or ''}".lower()
    meaning = next((meaning for words, meaning in _CAUSES if any(word in signs for word in words)), None)
    return f"{meaning} ({message[:200]})" if meaning else message[:300]


def _bring_up_to_date(connection: Connection, name: str) -> None:
    """Makes the tables, or alters those of an older version; raises StoreError for a newer one."""
    if not inspect(connection).has_table(MetaRow.__tablename__):
        # Tables of the same names are somebody else's: making ours then fails, rather than using theirs.
        Base.metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(MetaRow).values(name="schema_version", value=str(VERSION)))
        return
    found = connection.scalar(select(MetaRow.value).where(MetaRow.name == "schema_version"))
    if found is None or not found.isdecimal():
        raise StoreError(f"the database {name} has no readable version ({found!r}); it is damaged or not noisician's")
    if int(found) > VERSION:
        raise StoreError(
            f"the database {name} is of version {found}, this noisician knows up to {VERSION}; "
            "update noisician or choose another data folder"
        )
    for version in range(int(found) + 1, VERSION + 1):
        for statement in MIGRATIONS[version]:
            connection.execute(text(statement))
    if int(found) < VERSION:
        connection.execute(update(MetaRow).where(MetaRow.name == "schema_version").values(value=str(VERSION)))
