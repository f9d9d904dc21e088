"""The tables. JSON is kept as text and read with care, so that one damaged row never hides the others.

Numbers that order things (``seq``, ``events.id``) are never given twice, not even after the newest row was deleted.
Columns that can be long stand last in their table, where they cost nothing to those who read the others.
Takes outlive their job (in the bin) and their parents, so no table refers to another by a foreign key.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, Integer, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

#: Of the tables below; a change of them adds a step to MIGRATIONS.
VERSION = 2
#: What brings the tables to a version from the one before it: statements that both databases understand.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    2: (
        "ALTER TABLE jobs ADD COLUMN edits TEXT",
        "ALTER TABLE takes ADD COLUMN piece TEXT",
        "ALTER TABLE takes ADD COLUMN kept BIGINT NOT NULL DEFAULT 1",
        "UPDATE takes SET piece = id",
        "CREATE INDEX takes_by_piece ON takes (piece, seq)",
    ),
}

_UNSTORABLE = {0: "\N{REPLACEMENT CHARACTER}"} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


class PlainText(TypeDecorator[str]):
    """Text without what databases refuse: PostgreSQL NUL, both lone surrogates."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.translate(_UNSTORABLE)


_COUNTER = BigInteger().with_variant(Integer(), "sqlite")  # only an INTEGER counts up by itself in SQLite


class Base(DeclarativeBase):
    type_annotation_map = {str: PlainText(), int: BigInteger(), float: Double()}  # noqa: RUF012


class MetaRow(Base):
    """``schema_version``: the version of the tables as they are."""

    __tablename__ = "meta"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class JobRow(Base):
    """``seq`` is the place in the queue. ``lease`` is the token of the attempt that is under way, else NULL."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_by_status", "status", "seq"), {"sqlite_autoincrement": True})
    seq: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    operation: Mapped[str]
    status: Mapped[str]
    model: Mapped[str]
    takes: Mapped[int]
    created_at: Mapped[float]
    title: Mapped[str | None]
    device: Mapped[str | None]
    parent_take: Mapped[str | None]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    digest: Mapped[str]
    started_at: Mapped[float | None]
    completed_at: Mapped[float | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    stage: Mapped[str | None]
    eta_s: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[int] = mapped_column(default=0)
    delete_requested: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None]
    worker: Mapped[str | None]
    lease: Mapped[str | None]
    lease_until: Mapped[float | None]
    params: Mapped[str]
    edits: Mapped[str | None]


class TakeRow(Base):
    """``search`` holds the folded words by which a take is found."""

    __tablename__ = "takes"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        Index("takes_by_recipe", "recipe_id", "seed"),
        Index("takes_by_model", "model", "seq"),
        Index("takes_by_bin", "deleted_at", "seq"),
        Index("takes_by_piece", "piece", "seq"),
        {"sqlite_autoincrement": True},
    )
    seq: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    job_id: Mapped[str]
    number: Mapped[int]
    operation: Mapped[str]
    parent_take: Mapped[str | None]
    piece: Mapped[str | None]
    kept: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[float]
    starred: Mapped[int] = mapped_column(default=0)
    deleted_at: Mapped[float | None]
    title: Mapped[str]
    seed: Mapped[int]
    model: Mapped[str]
    licence: Mapped[str]
    recipe_id: Mapped[str]
    duration_s: Mapped[float]
    made_in_s: Mapped[float]
    loudness_lufs: Mapped[float | None]
    true_peak_dbtp: Mapped[float | None]
    tempo_bpm: Mapped[float | None]
    key: Mapped[str | None]
    mode: Mapped[str | None]
    time_signature: Mapped[str | None]
    search: Mapped[str]
    facts: Mapped[str]


class UploadRow(Base):
    __tablename__ = "uploads"
    __table_args__ = ({"sqlite_autoincrement": True},)
    seq: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    format: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[float]


class EventRow(Base):
    __tablename__ = "events"
    __table_args__ = (Index("events_by_job", "job_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    type: Mapped[str]
    job_id: Mapped[str | None]
    take_id: Mapped[str | None]
    data: Mapped[str]
    created_at: Mapped[float]


class WorkerRow(Base):
    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    pid: Mapped[int]
    state: Mapped[str]
    job_id: Mapped[str | None]
    seen_at: Mapped[float]
