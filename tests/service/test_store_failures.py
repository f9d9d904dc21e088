"""What the store makes of damage, of a database that fails, and of any order of events in the queue."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import create_engine, event, pool, text

from noisician.service.files import new_id
from noisician.service.records import Claim, NewJob, NewTake, UploadRecord, WorkerRecord
from noisician.service.store import Store, StoreError, database

pytest_plugins = ("postgres",)

JOB = NewJob(params={"prompt": "rain"}, model="embedded", takes=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "noisician.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


def new_take(number: int) -> NewTake:
    facts: dict[str, Any] = {"params": {"prompt": "rain"}}
    figures = {"duration_s": 2.0, "made_in_s": 1.0, "loudness_lufs": -14.0, "true_peak_dbtp": -1.0, "tempo_bpm": 90.0}
    words = {"licence": "Apache-2.0", "recipe_id": "abc", "key": "C", "mode": "major", "time_signature": "4/4"}
    return NewTake(new_id("take"), number, "Rain", 7, "embedded", **words, **figures, facts=facts)  # type: ignore[arg-type]


def run_sql(url: str, *statements: str) -> None:
    """As if something other than the store had written."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def refusal(url: str | Path) -> str:
    """The one line with which the store refuses a database."""
    with pytest.raises(StoreError) as refused:
        Store(str(url) if "://" in str(url) else f"sqlite:///{url}")
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    return message


# Damaged rows


def test_a_damaged_job_hides_no_other_and_fails_when_its_turn_comes(database_url: str) -> None:
    with closing(Store(database_url)) as store:
        ids = [store.enqueue(JOB, 10)[0].id for _ in range(4)]
        run_sql(
            database_url,
            f"UPDATE jobs SET params = '{{\"prompt\": ' WHERE id = '{ids[0]}'",
            f"UPDATE jobs SET params = '[1]', operation = 'dance' WHERE id = '{ids[1]}'",
            f"UPDATE jobs SET params = '{{\"steps\": NaN}}' WHERE id = '{ids[2]}'",
        )
        jobs = {job.id: job for job in store.jobs(10).items}
        assert list(jobs) == ids[::-1]
        assert jobs[ids[1]].damage == "its row in the database is damaged: operation, params"
        assert (jobs[ids[1]].operation, jobs[ids[1]].params, jobs[ids[1]].model) == ("make", {}, "embedded")
        assert jobs[ids[2]].damage is not None and jobs[ids[3]].damage is None
        claimed = store.claim("cpu", 10)
        assert claimed is not None and claimed.job.id == ids[3]
        for job_id in ids[:3]:
            job = store.job(job_id)
            assert job is not None and job.status == "failed" and job.failure is not None
            assert job.failure.code == "damaged" and "is damaged: " in job.failure.message
            assert store.delete_job(job_id)
        assert [job.id for job in store.jobs(10).items] == ids[3:]


def test_a_damaged_take_can_be_listed_renamed_and_deleted(database_url: str) -> None:
    with closing(Store(database_url)) as store:
        store.enqueue(JOB, 10)
        claimed = store.claim("cpu", 10)
        assert claimed is not None
        takes = [new_take(number) for number in (1, 2)]
        assert all(store.add_take(claimed, take) for take in takes)
        run_sql(database_url, f"UPDATE takes SET facts = '' WHERE id = '{takes[0].id}'")
        sound, broken = store.takes(10).items
        assert sound.damage is None and sound.take == takes[1]
        assert broken.damage == "its row in the database is damaged: facts" and broken.take.facts == {}
        assert broken.take.title == "Rain" and len(store.takes_of(claimed.job.id)) == 2
        renamed = store.change_take(broken.id, title="Sun")
        assert renamed is not None and store.takes(10, query="sun").items == (renamed,)
        assert store.delete_take(broken.id) and store.purge(1e18) == (broken.id,)


COLUMNS = {
    "jobs": "operation status model takes created_at title device progress stage eta_s parent_take attempts failure "
    "cancel_requested delete_requested worker lease lease_until idempotency_key digest started_at completed_at params",
    "takes": "job_id number operation parent_take created_at starred deleted_at title seed model licence recipe_id "
    "duration_s made_in_s loudness_lufs true_peak_dbtp tempo_bpm key mode time_signature search facts",
    "uploads": "name format size_bytes sha256 created_at",
    "events": "type job_id take_id data created_at",
    "workers": "pid state job_id seen_at",
}
#: What SQLite keeps in any column, whatever its type.
CELLS = ("x'ff00fe'", "-1", "9e999", "CAST(x'fffe41' AS TEXT)")


@pytest.mark.parametrize("value", CELLS)
def test_no_value_in_any_cell_breaks_the_service(store: Store, path: Path, value: str) -> None:
    store.add_upload(UploadRecord(new_id("upload"), "a.wav", "wav", 1, "ab", 1.0))
    store.seen(WorkerRecord("cpu", 1, "ready", None, 1.0))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA synchronous = OFF")
        for table, name in ((table, name) for table, names in COLUMNS.items() for name in names.split()):
            job_id = store.enqueue(JOB, 1000)[0].id
            claimed = store.claim("cpu", 10)
            assert claimed is not None and claimed.job.id == job_id
            take = new_take(1)
            assert store.add_take(claimed, take)
            newest = f"rowid = (SELECT max(rowid) FROM {table})"
            other.execute(f"UPDATE {table} SET {name} = {value} WHERE {newest}")
            _use_all(store, claimed, take.id)
            other.executescript("DELETE FROM jobs; DELETE FROM takes; DELETE FROM events")


def _use_all(store: Store, claimed: Claim, take_id: str) -> None:
    store.heartbeat(claimed, 10)
    store.jobs(10)
    store.job(claimed.job.id)
    store.counts()
    store.takes(10, query="rain")
    store.takes(10, deleted=True)
    store.takes_of(claimed.job.id)
    store.change_take(take_id, title="Sun", starred=True)
    store.take_of_recipe("abc", 7)
    store.events_after(0)
    store.workers()
    store.uploads_beyond(0)
    assert all(speed > 0 and count > 0 for speed, count in store.speeds().values())
    store.requeue_lost(3, everything=True)
    store.claim("cpu", 10)
    store.requeue_lost(3)
    store.cancel(claimed.job.id)
    store.delete_job(claimed.job.id)
    store.purge(1e18)
    store.prune_events(1e18)


# A database that fails


def test_a_locked_database_is_said_to_be(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(database, "PATIENCE_S", 0.05)
    with closing(Store(f"sqlite:///{path}")) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process keeps it locked; try again"):
            store.enqueue(JOB, 10)
        assert store.jobs(10).items == ()  # reading goes on
        other.rollback()
        assert store.enqueue(JOB, 10)[1]


def test_a_full_disk_is_said_to_be_and_leaves_everything_as_it_was(store: Store) -> None:
    job_id = store.enqueue(JOB, 10)[0].id
    long = NewJob(params={"lyrics": "la " * 100_000}, model="embedded", takes=1)

    def fill(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are, and no more

    event.listen(pool.Pool, "checkout", fill)
    try:
        with pytest.raises(StoreError, match="no space is left on its disk; free some"):
            store.enqueue(long, 10)
        assert [job.id for job in store.jobs(10).items] == [job_id]
    finally:
        event.remove(pool.Pool, "checkout", fill)
    claimed = store.claim("cpu", 10)
    assert claimed is not None and store.finish(claimed, "completed")


def test_a_damaged_file_is_said_to_be(store: Store, path: Path) -> None:
    for _ in range(50):
        store.enqueue(JOB, 100)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message and "its file is damaged; put a backup in its place or move it away" in message
    path.write_text("Dear diary, " * 1000)
    assert "its file is damaged" in refusal(path)
    assert path.read_text().startswith("Dear diary")


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    assert "its file cannot be opened; check that the folder exists" in refusal(tmp_path / "none" / "x.sqlite3")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "a database in memory cannot be shared"),
        ("mysql://root:secret@localhost/x", "databases of type 'mysql' are not supported; use sqlite or postgresql"),
        ("nonsense://", "databases of type 'nonsense' are not supported"),
        ("postgresql://somebody:secret@127.0.0.1:1/x", "it cannot be reached"),
        ("postgresql://somebody:secret@127.0.0.1:port/x", "the database's URL is none"),
    ],
)
def test_urls_that_lead_nowhere_are_refused_without_their_password(url: str, reason: str) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg")
    message = refusal(url)
    assert reason in message and "secret" not in message


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    with closing(Store(database_url)) as store:
        store.enqueue(JOB, 10)
    newer = f"UPDATE meta SET value = '{database.VERSION + 1}'"
    run_sql(database_url, newer)
    message = refusal(database_url)
    assert f"is of version {database.VERSION + 1}, this noisician knows up to {database.VERSION}" in message
    run_sql(database_url, "UPDATE meta SET value = 'x'")
    assert "has no readable version ('x')" in refusal(database_url)
    run_sql(database_url, f"UPDATE meta SET value = '{database.VERSION}'")
    with closing(Store(database_url)) as store:
        assert len(store.jobs(10).items) == 1


def test_an_older_database_is_brought_up_to_date(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(database_url)) as store:
        job_id = store.enqueue(JOB, 10)[0].id
    version = database.VERSION + 2
    monkeypatch.setattr(database, "VERSION", version)
    steps = {version - 1: ("ALTER TABLE jobs ADD COLUMN mood TEXT",), version: ("UPDATE jobs SET mood = 'calm'",)}
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    for _ in range(2):  # the second time there is nothing to do
        with closing(Store(database_url)) as store:
            assert [job.id for job in store.jobs(10).items] == [job_id]
    run_sql(database_url, "UPDATE jobs SET title = mood")
    with closing(Store(database_url)) as store:
        assert store.jobs(10).items[0].title == "calm"


def test_a_migration_that_fails_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(database_url).close()
    version = database.VERSION
    monkeypatch.setattr(database, "VERSION", version + 1)
    steps = {version + 1: ("ALTER TABLE jobs ADD COLUMN mood TEXT", "UPDATE nothing SET x = 1")}
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    assert "nothing" in refusal(database_url)
    monkeypatch.undo()
    with closing(Store(database_url)) as store:
        assert store.enqueue(JOB, 10)[1]
    run_sql(database_url, "ALTER TABLE jobs ADD COLUMN mood TEXT")


def test_somebody_elses_tables_are_not_touched(database_url: str) -> None:
    run_sql(database_url, "CREATE TABLE jobs (salary INTEGER)", "INSERT INTO jobs VALUES (1000)")
    assert "jobs" in refusal(database_url)
    run_sql(database_url, "UPDATE jobs SET salary = 2000", "CREATE TABLE takes (x INTEGER)")


def test_a_server_that_restarted_is_found_again(postgres_url: str) -> None:
    with closing(Store(postgres_url)) as store:
        store.enqueue(JOB, 10)
        engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        engine.dispose()
        assert store.enqueue(JOB, 10)[1] and store.counts()["queued"] == 2


def test_whoever_holds_the_turn_too_long_is_not_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(postgres_url)) as slow:
        monkeypatch.setattr(database, "PATIENCE_S", 0.05)
        store = Store(postgres_url)
        with slow.database.writing(), pytest.raises(StoreError, match="another process keeps it locked; try again"):
            store.enqueue(JOB, 10)
        assert store.enqueue(JOB, 10)[1]
        store.close()


def test_whoever_holds_the_turn_in_silence_loses_it(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Store(postgres_url)) as store:
        monkeypatch.setattr(database, "PATIENCE_S", 0.1)
        silent = Store(postgres_url)
        with pytest.raises(StoreError, match="it cannot be reached"), silent.database.writing():
            assert store.enqueue(JOB, 10)[1]
        assert silent.enqueue(JOB, 10)[1]
        silent.close()


def test_processes_that_start_together_share_one_database(path: Path) -> None:
    program = (
        "import sys\n"
        "from noisician.service.store import Store\n"
        "from noisician.service.records import NewJob\n"
        "store = Store(sys.argv[1])\n"
        "for _ in range(20): store.enqueue(NewJob({}, 'embedded', 1), 1000)\n"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{path}"]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    with closing(Store(f"sqlite:///{path}")) as store:
        assert store.counts()["queued"] == 60


# Any order of events


class QueueMachine(RuleBasedStateMachine):
    """Clients, workers and losses in any order, against a model of plain lists: every job ends exactly once, its takes
    are each there once, and the oldest that waits is always next."""

    LIMIT = 3
    store: ClassVar[Store]

    def __init__(self) -> None:
        super().__init__()
        with self.store.database.writing() as connection:
            for table in ("jobs", "takes", "events"):
                connection.execute(text(f"DELETE FROM {table}"))
        self.waiting: list[str] = []  # in the order they came
        self.order: list[str] = []
        self.held: dict[str, Claim] = {}  # worker -> what it makes
        self.given_up: list[Claim] = []
        self.attempts: dict[str, int] = {}
        self.takes: dict[str, set[int]] = {}
        self.cancelled: set[str] = set()
        self.ended: dict[str, str] = {}

    def _end(self, job_id: str, status: str) -> None:
        assert job_id not in self.ended
        self.ended[job_id] = status

    def _queue(self, job_id: str) -> None:
        self.waiting = sorted([*self.waiting, job_id], key=self.order.index)

    @rule()
    def ask(self) -> None:
        job_id = self.store.enqueue(JOB, 1000)[0].id
        self.order.append(job_id)
        self.waiting.append(job_id)
        self.attempts[job_id], self.takes[job_id] = 0, set()

    @rule(worker=st.sampled_from(["cpu", "cuda:0"]))
    def begin(self, worker: str) -> None:
        if worker in self.held:
            return
        claimed = self.store.claim(worker, 60)
        if not self.waiting:
            assert claimed is None
            return
        job_id = self.waiting.pop(0)
        assert claimed is not None and claimed.job.id == job_id
        self.attempts[job_id] += 1
        assert claimed.job.attempts == self.attempts[job_id] and claimed.done == self.takes[job_id]
        self.held[worker] = claimed

    @precondition(lambda self: self.held)
    @rule(data=st.data(), number=st.integers(1, 2))
    def make(self, data: st.DataObject, number: int) -> None:
        claimed = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        made = self.takes[claimed.job.id]
        assert self.store.add_take(claimed, new_take(number)) == (number not in made)
        made.add(number)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), status=st.sampled_from(["completed", "failed"]))
    def finish(self, data: st.DataObject, status: Any) -> None:
        claimed = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        assert self.store.finish(claimed, status)
        self._end(claimed.job.id, status)
        self.given_up.append(claimed)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), killed=st.booleans())
    def lose(self, data: st.DataObject, killed: bool) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        claimed = self.held.pop(worker)
        job_id = claimed.job.id
        self.given_up.append(claimed)
        if killed:
            assert [job.id for job in self.store.requeue_lost(self.LIMIT, worker=worker)] == [job_id]
        else:
            self.store.release(claimed)
            self.attempts[job_id] -= 1
        if killed and len(self.takes[job_id]) == JOB.takes:
            self._end(job_id, "completed")
        elif job_id in self.cancelled:
            self._end(job_id, "cancelled")
        elif killed and self.attempts[job_id] >= self.LIMIT:
            self._end(job_id, "failed")
        else:
            self._queue(job_id)

    @precondition(lambda self: self.order)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(self.order))
        job = self.store.cancel(job_id)
        assert job is not None
        if job_id in self.waiting:
            self.waiting.remove(job_id)
            self._end(job_id, "cancelled")
        elif job_id not in self.ended:
            self.cancelled.add(job_id)
            assert job.cancel_requested

    @precondition(lambda self: self.given_up)
    @rule(data=st.data(), number=st.integers(1, 2))
    def disturb(self, data: st.DataObject, number: int) -> None:
        claimed = data.draw(st.sampled_from(self.given_up))
        assert self.store.heartbeat(claimed, 60).lost
        assert not self.store.add_take(claimed, new_take(number))
        assert not self.store.finish(claimed, "completed")
        self.store.report(claimed, 0.5, "mixing", None, number)
        self.store.release(claimed)

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        jobs = {job.id: job for job in self.store.jobs(1000).items}
        assert list(jobs) == self.order[::-1]
        assert [jobs[job_id].queue_position for job_id in self.waiting] == list(range(len(self.waiting)))
        running = {claimed.job.id for claimed in self.held.values()}
        for job_id, job in jobs.items():
            expected = self.ended.get(job_id, "in_progress" if job_id in running else "queued")
            assert job.status == expected
        found = self.store.takes_of_jobs(self.order)
        assert {job_id: {take.take.number for take in takes} for job_id, takes in found.items()} == self.takes
        ends = [event.job_id for event in self.store.events_after(0) if _is_end(event.data)]
        assert sorted(ends, key=str) == sorted(self.ended)


def _is_end(data: dict[str, Any]) -> bool:
    return data.get("status") in ("completed", "failed", "cancelled")


class TestQueue(QueueMachine.TestCase):
    settings = settings(max_examples=12, stateful_step_count=30, deadline=None)

    @classmethod
    def setUpClass(cls) -> None:
        folder = TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        QueueMachine.store = Store(f"sqlite:///{folder.name}/noisician.sqlite3")
        cls.addClassCleanup(QueueMachine.store.close)
