"""The library: every take that was finished, and the bin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from noisician.service.records import Page, TakeRecord
from noisician.service.store.database import Part
from noisician.service.store.paging import next_cursor, place
from noisician.service.store.reading import take_record
from noisician.service.store.search import matches, search_text
from noisician.service.store.tables import TakeRow
from noisician.service.store.transitions import add_event, bin_take
from noisician.service.store.versions import IS_LISTED, remove_takes, without_listed

_MEASURED_TAKES = 20


class Takes(Part):
    """Find, change, delete and restore takes."""

    def take(self, take_id: str) -> TakeRecord | None:
        """Also one in the bin."""
        with self.database.reading() as connection:
            return _take(connection, take_id)

    def takes_of(self, job_id: str) -> tuple[TakeRecord, ...]:
        """The takes of a job by number, without those in the bin."""
        return self.takes_of_jobs([job_id])[job_id]

    def takes_of_jobs(self, job_ids: Iterable[str]) -> dict[str, tuple[TakeRecord, ...]]:
        """The takes of several jobs, each by number, without those in the bin."""
        wanted = list(dict.fromkeys(job_ids))
        found: dict[str, list[TakeRecord]] = {job_id: [] for job_id in wanted}
        chosen = select(TakeRow).where(TakeRow.job_id.in_(wanted), TakeRow.deleted_at.is_(None))
        with self.database.reading() as connection:
            for row in connection.execute(chosen.order_by(TakeRow.number)).all():
                found[row.job_id].append(take_record(row))
        return {job_id: tuple(takes) for job_id, takes in found.items()}

    def takes(
        self,
        limit: int,
        after: str | None = None,
        query: str = "",
        starred: bool | None = None,
        deleted: bool = False,
        job_id: str | None = None,
        versions: bool = False,
    ) -> Page:
        """Newest first; ``deleted`` shows the bin instead of the library. Every word of ``query`` must occur somewhere.
        Without ``versions``, the bin and ``job_id`` only those are shown that are listed (see TakeRecord).

        Raises RequestError for an ``after`` that no page gave, and a query that is too long.
        """
        gone = TakeRow.deleted_at.is_not(None) if deleted else TakeRow.deleted_at.is_(None)
        wanted = select(TakeRow).where(gone, *matches(query)).order_by(TakeRow.seq.desc()).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(TakeRow.seq < place("takes", after))
        if starred is not None:
            wanted = wanted.where(TakeRow.starred == int(starred))
        if job_id is not None:
            wanted = wanted.where(TakeRow.job_id == job_id)
        elif not versions and not deleted:
            wanted = wanted.where(IS_LISTED)
        with self.database.reading() as connection:
            rows = connection.execute(wanted).all()
        return Page(tuple(map(take_record, rows[:limit])), next_cursor("takes", [row.seq for row in rows], limit))

    def change_take(self, take_id: str, title: str | None = None, starred: bool | None = None) -> TakeRecord | None:
        """Renames a take or changes its star; what is None stays. One with a new name is listed. None: unknown."""
        with self.database.writing() as connection:
            record = _take(connection, take_id)
            if record is None:
                return None
            changes: dict[str, Any] = {}
            if title is not None and title != record.take.title:
                changes |= {"title": title, "search": search_text(record.take, title), "kept": 1}
            if starred is not None and starred != record.starred:
                changes["starred"] = int(starred)
            if changes:
                _change(connection, record, changes)
            return _take(connection, take_id)

    def delete_take(self, take_id: str) -> TakeRecord | None:
        """Puts a take into the bin, if it is not there. None: unknown."""
        with self.database.writing() as connection:
            record = _take(connection, take_id)
            if record is not None and record.deleted_at is None:
                bin_take(connection, take_id, record.job_id)
            return _take(connection, take_id)

    def restore_take(self, take_id: str) -> TakeRecord | None:
        """Brings a take back from the bin, if it is there. None: unknown."""
        with self.database.writing() as connection:
            record = _take(connection, take_id)
            if record is not None and record.deleted_at is not None:
                _change(connection, record, {"deleted_at": None})
            return _take(connection, take_id)

    def purge(self, before: float, take_id: str | None = None) -> tuple[str, ...]:
        """Removes for good what went into the bin before that time, or of that only ``take_id``; with the last listed
        version of a piece, all of it goes. Returns the ids gone: the files of these can go too."""
        old = [TakeRow.deleted_at < before]
        if take_id is not None:
            old.append(TakeRow.id == take_id)
        with self.database.writing() as connection:
            rows = connection.execute(select(TakeRow.id, TakeRow.piece).where(*old).order_by(TakeRow.seq)).all()
            if not rows:
                return ()
            remove_takes(connection, *old)
            left = without_listed(connection, {row.piece for row in rows})
            remove_takes(connection, TakeRow.id.in_(left))
        return (*(row.id for row in rows), *left)

    def take_of_recipe(self, recipe_id: str, seed: int) -> TakeRecord | None:
        """The newest take of that recipe and seed that is not in the bin."""
        same = select(TakeRow).where(TakeRow.recipe_id == recipe_id, TakeRow.seed == seed, TakeRow.deleted_at.is_(None))
        with self.database.reading() as connection:
            row = connection.execute(same.order_by(TakeRow.seq.desc()).limit(1)).first()
        return None if row is None else take_record(row)

    def speeds(self) -> dict[str, tuple[float, int]]:
        """By model: seconds of music that a second of work made, and of how many takes (the last 20) that is known.

        Takes that were shared, not made, took no time and do not count.
        """
        with self.database.reading() as connection:
            models = connection.scalars(select(TakeRow.model).distinct()).all()
            measured = {model: _newest_times(connection, model) for model in models if isinstance(model, str)}
        return {model: _speed(times) for model, times in measured.items() if times}


def _take(connection: Connection, take_id: str) -> TakeRecord | None:
    row = connection.execute(select(TakeRow).where(TakeRow.id == take_id)).first()
    return None if row is None else take_record(row)


def _change(connection: Connection, record: TakeRecord, changes: dict[str, Any]) -> None:
    connection.execute(update(TakeRow).where(TakeRow.seq == record.seq).values(changes))
    shown = {name: changes[name] for name in changes if name not in ("search", "kept")}
    if "starred" in shown:
        shown["starred"] = bool(shown["starred"])
    add_event(connection, "take_changed", record.job_id, record.id, shown)


def _newest_times(connection: Connection, model: str) -> list[tuple[float, float]]:
    """(duration, time it took), both in seconds, of the newest takes that were made here."""
    times = select(TakeRow.duration_s, TakeRow.made_in_s).where(TakeRow.model == model, TakeRow.made_in_s > 0)
    rows = connection.execute(times.order_by(TakeRow.seq.desc()).limit(_MEASURED_TAKES)).all()
    return [(row.duration_s, row.made_in_s) for row in rows if all(map(_is_length, row))]


def _is_length(value: object) -> bool:
    return isinstance(value, float) and 0.0 < value < math.inf


def _speed(times: Sequence[tuple[float, float]]) -> tuple[float, int]:
    return sum(duration_s for duration_s, _ in times) / sum(made_in_s for _, made_in_s in times), len(times)
