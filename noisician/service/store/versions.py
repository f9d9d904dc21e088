"""The versions of a piece: the take it began with and all that were edited from it, a tree by ``parent_take``.

Only those that began a piece, have a name of their own, a star, or were exported are *listed*; the others are steps on
the way, of which each piece keeps the newest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from noisician.service.records import JobRecord, NewTake, TakeRecord
from noisician.service.store.database import Part
from noisician.service.store.reading import take_record
from noisician.service.store.tables import JobRow, TakeRow
from noisician.service.store.transitions import add_event

IS_LISTED = or_(TakeRow.kept != 0, TakeRow.starred != 0)
_TAKE_ID = re.compile(r"take_[0-9a-f]{16}")


class Versions(Part):
    """Show, keep and prune the versions of a piece."""

    def versions(self, piece: str, limit: int) -> tuple[TakeRecord, ...]:
        """The newest ``limit`` versions of a piece that are not in the bin, oldest first."""
        wanted = select(TakeRow).where(TakeRow.piece == piece, TakeRow.deleted_at.is_(None))
        with self.database.reading() as connection:
            rows = connection.execute(wanted.order_by(TakeRow.seq.desc()).limit(limit)).all()
        return tuple(map(take_record, reversed(rows)))

    def keep_take(self, take_id: str) -> None:
        """Lists a version from now on: somebody took it out of the library."""
        unkept = (TakeRow.id == take_id, TakeRow.kept == 0)
        with self.database.writing() as connection:
            row = connection.execute(select(TakeRow.job_id).where(*unkept)).first()
            if row is not None:
                connection.execute(update(TakeRow).where(*unkept).values(kept=1))
                add_event(connection, "take_changed", row.job_id, take_id, {"listed": True})

    def prune_versions(self, piece: str, kept: int) -> tuple[str, ...]:
        """Removes for good all but the newest ``kept`` versions of a piece that are neither listed nor in the bin.

        One stays all the same while a listed version was made from it, so that this can be undone, or a job needs it.
        Whatever else was made from one that goes hangs on its parent then. Returns the ids gone.
        """
        unlisted = (TakeRow.piece == piece, TakeRow.deleted_at.is_(None), ~IS_LISTED)
        with self.database.reading() as connection:  # mostly there are few, and nobody need wait
            if (connection.scalar(select(func.count()).where(*unlisted)) or 0) <= kept:
                return ()
        with self.database.writing() as connection:
            old = select(TakeRow.id).where(*unlisted).order_by(TakeRow.seq.desc()).offset(kept)
            needed = _needed(connection, piece)
            gone = [take_id for take_id in connection.scalars(old).all() if take_id not in needed]
            rows = connection.execute(select(TakeRow.id, TakeRow.job_id).where(TakeRow.id.in_(gone))).all()
            remove_takes(connection, TakeRow.id.in_(gone))
            for row in rows:
                add_event(connection, "take_deleted", row.job_id, row.id, {})
        return tuple(gone)


def place_in_piece(connection: Connection, job: JobRecord, take: NewTake) -> dict[str, Any]:
    """The cells that say which piece a new take belongs to. An edit keeps the name of what it was made from unless it
    gets one of its own; one whose parent is gone begins a piece."""
    wanted = select(TakeRow.piece, TakeRow.title).where(TakeRow.id == job.parent_take)
    parent = connection.execute(wanted).first() if job.operation == "edit" else None
    if parent is None or not isinstance(parent.piece, str):
        return {"piece": take.id, "kept": 1}
    return {"piece": parent.piece, "kept": int(take.title != parent.title)}


def remove_takes(connection: Connection, *which: ColumnElement[bool]) -> None:
    """Removes rows; versions made from one of them hang on the nearest version that stays."""
    rows = connection.execute(select(TakeRow.id, TakeRow.parent_take).where(*which)).all()
    parents: dict[object, object] = {row.id: row.parent_take for row in rows}
    for take_id in filter(_is_text, parents):
        children = (TakeRow.parent_take == take_id, TakeRow.operation == "edit")
        connection.execute(update(TakeRow).where(*children).values(parent_take=_staying(take_id, parents)))
    connection.execute(delete(TakeRow).where(*which))


def without_listed(connection: Connection, pieces: Iterable[object]) -> list[str]:
    """The ids of what is left of those pieces that have no listed version, in the library or in the bin."""
    left: list[str] = []
    for piece in sorted(str(piece) for piece in pieces if _is_text(piece)):
        of_piece = TakeRow.piece == piece
        if connection.execute(select(TakeRow.seq).where(of_piece, IS_LISTED).limit(1)).first() is None:
            left += connection.scalars(select(TakeRow.id).where(of_piece).order_by(TakeRow.seq)).all()
    return left


def _staying(take_id: object, parents: dict[object, object]) -> object:
    """The nearest ancestor that is not among those that go; None where a damaged row leads nowhere."""
    left = dict(parents)
    ancestor = take_id
    while ancestor in left:
        ancestor = left.pop(ancestor)
    return ancestor if _is_text(ancestor) and ancestor not in parents else None


def _is_text(value: object) -> bool:
    """SQLite holds anything in a damaged cell."""
    return isinstance(value, str)


def _needed(connection: Connection, piece: str) -> set[str]:
    """What listed versions of a piece were made from, and every take that a waiting or running job names."""
    of_listed = select(TakeRow.parent_take).where(TakeRow.piece == piece, IS_LISTED, TakeRow.parent_take.is_not(None))
    needed = {str(take_id) for take_id in connection.scalars(of_listed).all()}
    unfinished = select(JobRow.parent_take, JobRow.params, JobRow.edits)
    for row in connection.execute(unfinished.where(JobRow.status.in_(("queued", "in_progress")))).all():
        needed |= {take_id for text in row if text is not None for take_id in _TAKE_ID.findall(str(text))}
    return needed
