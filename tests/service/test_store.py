"""The store on both databases: the queue, its leases, the library, uploads, events and workers."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.service.files import is_id, new_id
from noisician.service.records import Claim, Failure, Heartbeat, NewJob, NewTake, UploadRecord, WorkerRecord
from noisician.service.settings import Settings
from noisician.service.store import IdempotencyConflict, QueueFull, Store
from noisician.service.store.paging import cursor, place

pytest_plugins = ("postgres",)

LONG_S = 60.0
OVER_S = -1.0  # a lease that has run out already
T = TypeVar("T")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    """Eight stores on one database, as eight processes have them."""
    stores = [Store(database_url) for _ in range(8)]
    yield stores
    for store in stores:
        store.close()


def new_job(**changes: Any) -> NewJob:
    return replace(NewJob(params={"prompt": "dreamy piano"}, model="embedded", takes=2), **changes)


def new_take(number: int = 1, **changes: Any) -> NewTake:
    take = NewTake(
        id=new_id("take"),
        number=number,
        title="Slow river",
        seed=2**32 - 1,
        model="embedded",
        licence="Apache-2.0",
        recipe_id="5f0c2a",
        duration_s=15.0,
        made_in_s=5.0,
        loudness_lufs=-14.0,
        true_peak_dbtp=-1.0,
        tempo_bpm=84.0,
        key="C",
        mode="minor",
        time_signature="4/4",
        facts={"params": {"prompt": "dreamy piano"}, "sections": [], "loop": False},
    )
    return replace(take, **changes)


def enqueue(store: Store, **changes: Any) -> str:
    return store.enqueue(new_job(**changes), queue_limit=1000)[0].id


def claim(store: Store, worker: str = "auto", lease_s: float = LONG_S) -> Claim:
    claimed = store.claim(worker, lease_s)
    assert claimed is not None
    return claimed


def add(store: Store, **changes: Any) -> str:
    """A finished job with one take; the take's id."""
    enqueue(store, takes=1)
    claimed = claim(store)
    take = new_take(**changes)
    assert store.add_take(claimed, take)
    assert store.finish(claimed, "completed")
    return take.id


def types(store: Store, job_id: str | None = None) -> list[str]:
    return [event.data.get("status", event.type) for event in store.events_after(0, job_id)]


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """All of them in threads that start together."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


# The queue


def test_a_job_is_kept_as_it_was_asked_for(database_url: str) -> None:
    asked = new_job(
        params={"prompt": "naïve \u0000 \ud800 ☃", "genres": ["lofi"], "seed": 7},
        operation="extend",
        device="cuda:0",
        parent_take="take_0123456789abcdef",
        title="Mine",
    )
    store = Store(database_url)
    before = time.time()
    made, new = store.enqueue(asked, queue_limit=1)
    store.close()
    found = Store(database_url).job(made.id)
    assert new and found == made and is_id(made.id, "job")
    for name in ("params", "operation", "device", "parent_take", "title", "model", "takes"):
        assert getattr(made, name) == getattr(asked, name)
    assert (made.status, made.queue_position, made.attempts, made.progress) == ("queued", 0, 0, 0.0)
    assert before <= made.created_at <= time.time()
    assert made.damage is None


def test_an_unknown_job_is_none(store: Store) -> None:
    for job_id in ("job_0000000000000000", "", "\u0000", "\ud800", "%"):
        assert store.job(job_id) is None
        assert store.cancel(job_id) is None
        assert store.delete_job(job_id) is False
        assert store.takes_of(job_id) == ()
    assert store.claim("auto", LONG_S) is None


def test_jobs_are_claimed_in_the_order_they_came(store: Store) -> None:
    ids = [enqueue(store) for _ in range(4)]
    assert [store.job(job_id).queue_position for job_id in ids] == [0, 1, 2, 3]  # type: ignore[union-attr]
    first = claim(store, "cpu")
    assert (first.job.id, first.job.status, first.job.attempts, first.done) == (ids[0], "in_progress", 1, frozenset())
    assert first.job.started_at is not None
    assert [job.queue_position for job in store.jobs(10).items] == [2, 1, 0, None]
    assert [claim(store).job.id for _ in range(3)] == ids[1:]
    assert store.claim("auto", LONG_S) is None
    assert store.counts() == {"queued": 0, "in_progress": 4, "completed": 0, "failed": 0, "cancelled": 0}


@pytest.mark.parametrize(
    ("worker", "taken"),
    [("cpu", [0, 1, 4]), ("cuda:1", [0, 2, 3, 4]), ("cuda:0", [0, 2, 4]), ("mps", [0, 4]), ("auto", [0, 1, 2, 3, 4])],
)
def test_a_worker_takes_what_its_device_can_do(store: Store, worker: str, taken: list[int]) -> None:
    ids = [enqueue(store, device=device) for device in (None, "cpu", "cuda", "cuda:1", "auto")]
    claims = iter(lambda: store.claim(worker, LONG_S), None)
    assert [claimed.job.id for claimed in claims if claimed] == [ids[index] for index in taken]


def test_progress_is_in_the_row_and_in_the_events(store: Store) -> None:
    job_id = enqueue(store)
    claimed = claim(store)
    store.report(claimed, 0.4167, "rendering", 12.5, take=1)
    store.previewed(claimed, take=1)
    job = store.job(job_id)
    assert job is not None and (job.progress, job.stage, job.eta_s) == (0.4167, "rendering", 12.5)
    progress, preview = store.events_after(0, job_id)[-2:]
    assert (progress.type, progress.data) == (
        "progress",
        {"progress": 41.7, "stage": "rendering", "eta_s": 12.5, "take": 1},
    )
    assert (preview.type, preview.data, preview.job_id) == ("preview", {"take": 1}, job_id)
    store.report(claimed, math.nan, "mixing", math.inf, take=1)
    job = store.job(job_id)
    assert job is not None and (job.progress, job.eta_s, job.damage) == (0.0, None, None)


def test_a_finished_job_keeps_its_takes_and_drops_what_was_passing(store: Store) -> None:
    job_id = enqueue(store, operation="vary", parent_take="take_0123456789abcdef")
    claimed = claim(store)
    store.report(claimed, 0.5, "rendering", 1.0, take=1)
    store.previewed(claimed, take=1)
    store.excerpted(claimed, 1, 2.0, 4.5)
    assert types(store, job_id)[-3:] == ["progress", "preview", "excerpt"]
    take = new_take()
    assert store.add_take(claimed, take)
    assert not store.add_take(claimed, new_take(title="again the first"))
    assert store.finish(claimed, "completed")
    job = store.job(job_id)
    assert job is not None and (job.status, job.progress, job.stage, job.eta_s) == ("completed", 1.0, None, None)
    assert job.completed_at is not None
    assert types(store, job_id) == ["queued", "in_progress", "take", "completed"]
    (kept,) = store.takes_of(job_id)
    assert kept.take == take and kept == store.take(take.id)
    assert (kept.operation, kept.parent_take, kept.job_id) == ("vary", "take_0123456789abcdef", job_id)
    assert not store.finish(claimed, "failed")


def test_a_failed_job_says_why(store: Store) -> None:
    job_id = enqueue(store)
    failure = Failure("tempo 900 bpm is out of range 40 … 240 bpm", "invalid_request", "tempo_bpm")
    assert store.finish(claim(store), "failed", failure)
    job = store.job(job_id)
    assert job is not None and (job.status, job.failure) == ("failed", failure)
    error = {"message": failure.message, "code": failure.code, "param": failure.param}
    assert store.events_after(0, job_id)[-1].data == {"status": "failed", "error": error}


def test_a_worker_that_was_given_up_changes_nothing(store: Store) -> None:
    job_id = enqueue(store)
    old = claim(store, "cpu", OVER_S)
    assert store.add_take(old, new_take(1))
    (back,) = store.requeue_lost(attempts_limit=3)
    assert (back.id, back.status, back.attempts, back.queue_position) == (job_id, "queued", 1, 0)
    new = claim(store, "cpu")
    assert (new.job.id, new.job.attempts, new.done, new.job.progress) == (job_id, 2, frozenset({1}), 0.5)
    events = store.last_event_id()
    assert store.heartbeat(old, LONG_S) == Heartbeat(cancel=False, lost=True)
    store.report(old, 0.9, "mixing", 1.0, take=2)
    store.previewed(old, take=2)
    store.excerpted(old, 2, 2.0, 4.5)
    store.release(old)
    assert not store.add_take(old, new_take(2))
    assert not store.finish(old, "completed")
    assert store.job(job_id) == new.job and store.last_event_id() == events
    assert store.heartbeat(new, LONG_S) == Heartbeat(cancel=False, lost=False)
    assert store.add_take(new, new_take(2)) and store.finish(new, "completed")
    assert [take.take.number for take in store.takes_of(job_id)] == [1, 2]


def test_a_beat_keeps_the_lease(store: Store) -> None:
    enqueue(store)
    claimed = claim(store, "cpu", OVER_S)
    assert store.heartbeat(claimed, LONG_S) == Heartbeat(cancel=False, lost=False)
    assert store.requeue_lost(attempts_limit=3) == ()


def test_lost_jobs_go_back_to_their_old_place(store: Store) -> None:
    ids = [enqueue(store) for _ in range(3)]
    first, second = claim(store, "cpu"), claim(store, "cuda:0")
    assert store.requeue_lost(3) == ()  # both leases run
    assert [job.id for job in store.requeue_lost(3, worker="cuda:0")] == [ids[1]]
    assert store.heartbeat(first, LONG_S).lost is False and store.heartbeat(second, LONG_S).lost is True
    assert [job.id for job in store.requeue_lost(3, everything=True)] == [ids[0]]
    assert [claim(store).job.id for _ in range(3)] == ids
    assert types(store, ids[0]) == ["queued", "in_progress", "queued", "in_progress"]


def test_restarts_of_the_service_count_for_no_attempt(store: Store) -> None:
    job_id = enqueue(store)
    for _ in range(5):
        assert claim(store).job.attempts == 1
        assert [job.status for job in store.requeue_lost(1, everything=True)] == ["queued"]
    assert claim(store).job.id == job_id


def test_a_job_that_ends_its_workers_fails_after_so_many_attempts(store: Store) -> None:
    job_id = enqueue(store)
    for _ in range(2):
        claim(store, "cpu")
        assert store.requeue_lost(3, worker="cpu")[0].status == "queued"
    claim(store, "cpu")
    (job,) = store.requeue_lost(3, worker="cpu")
    assert (job.id, job.status, job.attempts) == (job_id, "failed", 3)
    assert job.failure is not None and job.failure.code == "worker_lost"


def test_a_worker_lost_after_the_last_take_has_completed_its_job(store: Store) -> None:
    job_id = enqueue(store, takes=1)
    assert store.add_take(claim(store, "cpu"), new_take(1))
    (job,) = store.requeue_lost(attempts_limit=1, worker="cpu")
    assert (job.id, job.status) == (job_id, "completed")


def test_a_released_attempt_does_not_count(store: Store) -> None:
    ids = [enqueue(store) for _ in range(2)]
    store.release(claim(store))
    again = claim(store)
    assert (again.job.id, again.job.attempts) == (ids[0], 1)
    store.cancel(ids[0])
    store.release(again)
    assert store.job(ids[0]).status == "cancelled"  # type: ignore[union-attr]


def test_a_job_given_back_has_nothing_to_tell_of_the_attempt(store: Store) -> None:
    job_id = enqueue(store)
    for give_back in (store.release, lambda _: store.requeue_lost(3, everything=True)):
        claimed = claim(store)
        store.report(claimed, 0.5, "rendering", 3.0, 1)
        store.previewed(claimed, take=1)
        give_back(claimed)
    assert types(store, job_id) == ["queued", "in_progress", "queued", "in_progress", "queued"]


def test_cancel_works_in_every_state(store: Store) -> None:
    waiting, running, done = (enqueue(store) for _ in range(3))
    store.requeue_lost(3)
    assert store.cancel(waiting).status == "cancelled"  # type: ignore[union-attr]
    claimed = claim(store)
    asked = store.cancel(running)
    assert asked is not None and (asked.status, asked.cancel_requested) == ("in_progress", True)
    assert store.heartbeat(claimed, LONG_S) == Heartbeat(cancel=True, lost=False)
    assert [job.status for job in store.requeue_lost(3, everything=True)] == ["cancelled"]
    store.finish(claim(store), "completed")
    finished = store.job(done)
    assert finished is not None and finished.status == "completed" and store.cancel(done) == finished
    assert types(store, waiting) == ["queued", "cancelled"]


def test_a_deleted_job_is_gone_and_its_takes_are_in_the_bin(store: Store) -> None:
    take_id = add(store)
    (job,) = store.jobs(10).items
    assert store.delete_job(job.id) and not store.delete_job(job.id)
    assert store.job(job.id) is None and store.jobs(10).items == () and store.takes(10).items == ()
    (binned,) = store.takes(10, deleted=True).items
    assert binned.id == take_id and binned.deleted_at is not None
    restored = store.restore_take(take_id)
    assert restored is not None and restored.deleted_at is None and store.takes(10).items == (restored,)


def test_a_deleted_job_that_waits_is_never_made(store: Store) -> None:
    job_id = enqueue(store)
    assert store.delete_job(job_id)
    assert store.claim("auto", LONG_S) is None
    assert types(store, job_id) == ["queued", "cancelled"]


def test_a_deleted_job_that_runs_goes_when_it_ends(store: Store) -> None:
    job_id = enqueue(store, idempotency_key="k")
    claimed = claim(store)
    assert store.add_take(claimed, new_take(1)) and store.delete_job(job_id)
    assert store.job(job_id) is None and store.jobs(10).items == ()
    assert store.heartbeat(claimed, LONG_S) == Heartbeat(cancel=True, lost=False)
    assert store.enqueue(new_job(idempotency_key="k"), 10)[1]  # its key is free
    assert store.add_take(claimed, new_take(2)) and store.finish(claimed, "cancelled")
    assert store.takes(10).items == () and len(store.takes(10, deleted=True).items) == 2
    assert types(store, job_id)[-1] == "cancelled" and store.counts()["cancelled"] == 0


# Clients at the same time


def test_the_same_key_gives_the_same_job(store: Store) -> None:
    asked = new_job(idempotency_key="k", digest="a")
    made, _ = store.enqueue(asked, queue_limit=1)
    assert store.enqueue(asked, queue_limit=1) == (made, False)  # though the queue is full
    with pytest.raises(IdempotencyConflict, match="'k' came before"):
        store.enqueue(replace(asked, digest="b"), queue_limit=9)
    claimed = claim(store)
    assert store.enqueue(asked, queue_limit=9) == (claimed.job, False)
    store.finish(claimed, "completed")
    assert store.enqueue(asked, queue_limit=9)[0].status == "completed"


def test_the_queue_has_an_end(store: Store) -> None:
    for _ in range(3):
        store.enqueue(new_job(), queue_limit=3)
    with pytest.raises(QueueFull, match="3 jobs wait, the limit is 3") as full:
        store.enqueue(new_job(), queue_limit=3)
    assert full.value.waiting == 3
    claim(store)
    assert store.enqueue(new_job(), queue_limit=3)[1]


def test_fifty_threads_with_one_key_make_one_job(stores: list[Store]) -> None:
    asked = new_job(idempotency_key="k", digest="a")
    answers = at_once([lambda store=stores[index % 8]: store.enqueue(asked, 10) for index in range(50)])
    assert sorted(new for _, new in answers) == [False] * 49 + [True]
    assert len({job.id for job, _ in answers}) == 1
    assert stores[0].counts()["queued"] == 1


def test_the_limit_holds_when_fifty_come_at_once(stores: list[Store]) -> None:
    def ask(store: Store) -> bool:
        try:
            return store.enqueue(new_job(), queue_limit=20)[1]
        except QueueFull:
            return False

    assert sum(at_once([lambda store=stores[index % 8]: ask(store) for index in range(50)])) == 20
    assert stores[0].counts()["queued"] == 20


def test_eight_workers_make_two_hundred_jobs_once_each_and_all_of_it_is_seen(stores: list[Store]) -> None:
    ids = [enqueue(stores[0], takes=1) for _ in range(200)]
    stop = threading.Event()

    def work(store: Store) -> list[int]:
        seqs: list[int] = []
        while (claimed := store.claim("cpu", LONG_S)) is not None:
            seqs.append(claimed.job.seq)
            assert store.add_take(claimed, new_take(1)) and store.finish(claimed, "completed")
        return seqs

    def follow(store: Store) -> list[int]:
        seen: list[int] = []
        while not stop.wait(0.005):
            seen += [event.id for event in store.events_after(seen[-1] if seen else 0, limit=50)]
        return seen + [event.id for event in store.events_after(seen[-1] if seen else 0, limit=5000)]

    with ThreadPoolExecutor(1) as pool:
        tail = pool.submit(follow, stores[0])
        made = at_once([lambda store=store: work(store) for store in stores])
        stop.set()
        seen = tail.result()
    assert sorted(seq for seqs in made for seq in seqs) == list(range(1, 201))
    assert all(seqs == sorted(seqs) for seqs in made)  # each took the oldest there was
    assert stores[0].counts()["completed"] == 200
    assert all(len(takes) == 1 for takes in stores[0].takes_of_jobs(ids).values())
    assert seen == [event.id for event in stores[0].events_after(0, limit=5000)] and len(seen) == 800


# Lists


def test_pages_follow_one_another_while_jobs_come_and_go(store: Store) -> None:
    ids = [enqueue(store) for _ in range(7)]
    first = store.jobs(3)
    enqueue(store)
    store.delete_job(ids[4])
    second = store.jobs(3, after=first.after)
    third = store.jobs(3, after=second.after)
    assert [job.id for page in (first, second, third) for job in page.items] == ids[::-1]
    assert first.after and second.after and third.after is None
    assert store.jobs(3, after=cursor("jobs", 10**18 - 1)).items[1].id == ids[6]


def test_jobs_of_one_status(store: Store) -> None:
    ids = [enqueue(store) for _ in range(3)]
    store.cancel(ids[1])
    assert [job.id for job in store.jobs(10, status="queued").items] == [ids[2], ids[0]]
    assert [job.id for job in store.jobs(10, status="cancelled").items] == [ids[1]]


@given(st.text(max_size=40))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is no place in the list of takes") as refused:
        place("takes", text)
    assert len(str(refused.value).splitlines()) == 1


def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    for after in (cursor("jobs", 3), cursor("takes", 3)[:-1], "", "é", cursor("takes", 10**18)):
        with pytest.raises(RequestError):
            store.takes(10, after=after)
    assert place("takes", cursor("takes", 12)) == 12


# The library


def test_every_word_of_a_search_must_occur(store: Store) -> None:
    facts = {
        "params": {"prompt": "für Élise IN THE RAIN", "genres": ["lofi"], "lyrics": "hold me"},
        "players": [{"role": "lead", "instrument": "electric-guitar", "stem": None, "notes": 9}],
        "reasons": [{"field": "moods", "value": "wistful"}, {"field": "tempo_bpm", "value": "slow"}],
    }
    first = add(store, title="100% Straße", facts=facts, key="F#", mode="dorian")
    second = add(store, title="100 streets_1", facts={"params": "?", "players": 3, "reasons": [1]})

    def found(query: str) -> list[str]:
        return [take.id for take in store.takes(10, query=query).items]

    for query in (
        "STRASSE",
        "straße",
        "e\u0301lise rain",
        "Guitar f# DORIAN",
        "wistful lofi",
        "hold",
        "100%",
        "  100% ",
    ):
        assert found(query) == [first], query
    for query in ("streets_1", "s_1"):
        assert found(query) == [second], query
    for query in ("", "100", "embedded"):
        assert found(query) == [second, first], query
    for query in ("100_", "rain_", "%%", "slow", "elise", "\\", "//", "' OR 1=1 --", "\u0000", "\ud800"):
        assert found(query) == [], query
    with pytest.raises(RequestError, match="a search of 501 characters; at most 500"):
        store.takes(10, query="a" * 501)


def test_a_take_is_renamed_and_starred(store: Store) -> None:
    take_id = add(store, title="Old")
    add(store)
    assert store.change_take("take_0000000000000000", title="x") is None
    changed = store.change_take(take_id, title="New \u0000name", starred=True)
    assert changed is not None and (changed.take.title, changed.starred) == ("New \N{REPLACEMENT CHARACTER}name", True)
    assert store.takes(10, starred=True).items == (changed,) == store.takes(10, query="new").items
    assert store.takes(10, query="old").items == () and len(store.takes(10, starred=False).items) == 1
    assert store.takes(10, job_id=changed.job_id).items == store.takes_of(changed.job_id) == (changed,)
    event = store.events_after(0)[-1]
    assert (event.type, event.take_id, event.data["starred"]) == ("take_changed", take_id, True)
    last = store.last_event_id()
    assert store.change_take(take_id, starred=True) == changed and store.last_event_id() == last


def test_the_bin_gives_back_and_is_emptied(store: Store) -> None:
    first, second, third = add(store), add(store), add(store)
    for take_id in (first, second):
        assert store.delete_take(take_id).deleted_at is not None  # type: ignore[union-attr]
    last = store.last_event_id()
    assert store.delete_take(first) == store.take(first) and store.last_event_id() == last
    assert [take.id for take in store.takes(10).items] == [third]
    assert store.purge(before=time.time() - 60) == ()
    assert store.purge(before=math.inf, take_id=third) == ()
    assert store.restore_take(first) == store.take(first)
    assert store.purge(before=math.inf, take_id=second) == (second,)
    assert store.take(second) is None and store.restore_take(second) is None and store.delete_take(second) is None
    store.delete_take(first)
    assert store.purge(before=math.inf) == (first,)
    assert types(store)[-3:] == ["take_deleted", "take_changed", "take_deleted"]


def test_takes_are_found_by_recipe_and_seed(store: Store) -> None:
    older, newer = add(store, recipe_id="aaa", seed=1), add(store, recipe_id="aaa", seed=1)
    assert store.take_of_recipe("aaa", 1) == store.take(newer)
    store.delete_take(newer)
    assert store.take_of_recipe("aaa", 1) == store.take(older)
    assert store.take_of_recipe("aaa", 2) is None and store.take_of_recipe("bbb", 1) is None


def test_silence_has_no_loudness(store: Store) -> None:
    take = store.take(add(store, loudness_lufs=-math.inf, true_peak_dbtp=math.nan, tempo_bpm=None))
    assert take is not None and take.damage is None
    assert (take.take.loudness_lufs, take.take.true_peak_dbtp, take.take.tempo_bpm) == (None, None, None)


def test_speed_is_that_of_the_last_twenty_takes_made_here(store: Store) -> None:
    add(store, duration_s=1000.0, made_in_s=1.0)
    for _ in range(20):
        add(store, duration_s=30.0, made_in_s=10.0)
    add(store, duration_s=500.0, made_in_s=0.0)  # shared, not made
    add(store, duration_s=10.0, made_in_s=20.0, model="riffusion")
    add(store, made_in_s=0.0, model="never made")
    assert store.speeds() == {"embedded": (3.0, 20), "riffusion": (0.5, 1)}


# Uploads, events, workers


def test_the_oldest_uploads_go_first_unless_they_are_needed(store: Store) -> None:
    uploads = [UploadRecord(new_id("upload"), f"{n}.wav", "wav", 2**33, "ab" * 32, float(n)) for n in range(5)]
    for upload in uploads:
        store.add_upload(upload)
    ids = [upload.id for upload in uploads]
    assert store.upload(ids[0]) == uploads[0] and store.upload("upload_0") is None
    job_id = enqueue(store, params={"init_audio": ids[1]})
    assert store.uploads_beyond(2) == (ids[0], ids[2])
    claim(store)
    assert store.uploads_beyond(0) == (ids[0], ids[2], ids[3], ids[4])
    store.requeue_lost(3, everything=True)
    store.cancel(job_id)
    assert store.uploads_beyond(2) == (ids[0], ids[1], ids[2])
    assert store.delete_upload(ids[0]) and not store.delete_upload(ids[0])
    assert store.uploads_beyond(5) == ()


def test_events_are_read_on_from_any_place(store: Store) -> None:
    assert store.last_event_id() == 0 and store.events_after(0) == ()
    first, second = enqueue(store), enqueue(store)
    store.cancel(first)
    events = store.events_after(-(10**30))
    assert [event.job_id for event in events] == [first, second, first]
    assert store.events_after(events[0].id, limit=1) == events[1:2]
    assert store.events_after(events[0].id, job_id=first) == events[2:]
    assert store.events_after(10**30) == ()


def test_ids_of_events_go_on_after_old_ones_are_forgotten(store: Store) -> None:
    enqueue(store)
    enqueue(store)
    last = store.last_event_id()
    store.prune_events(before=time.time() - 60)
    assert len(store.events_after(0)) == 2
    store.prune_events(before=time.time() + 60)
    assert [event.id for event in store.events_after(0)] == [last] == [store.last_event_id()]
    enqueue(store)
    assert store.last_event_id() > last


def test_workers_are_known_by_their_last_report(store: Store) -> None:
    moments = count(1)
    for name, state in (("cuda:0", "starting"), ("cpu", "ready"), ("cuda:0", "working")):
        store.seen(WorkerRecord(name, 2**22, state, None, float(next(moments))))  # type: ignore[arg-type]
    assert store.workers() == (
        WorkerRecord("cpu", 2**22, "ready", None, 2.0),
        WorkerRecord("cuda:0", 2**22, "working", None, 3.0),
    )
    store.forget_workers()
    assert store.workers() == ()


@pytest.mark.parametrize("name", ["My%20Music", "what?", "no #1", "100%", "a&b=c", "日本 夢", "a:b@c"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    settings = Settings(data=folder)
    with contextlib.closing(Store(settings.database)) as store:
        assert store.database.name == str(folder / "noisician.sqlite3")
    assert (folder / "noisician.sqlite3").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {name}
