"""The store's versions of pieces, on both databases: who is listed, what is pruned, and whose turn an edit is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.service.files import new_id
from noisician.service.records import Claim, NewJob, NewTake, TakeRecord
from noisician.service.store import Store

pytest_plugins = ("postgres",)

TAKE = NewTake(
    id="", number=1, title="River", seed=1, model="embedded", licence="", recipe_id="", duration_s=1.0, made_in_s=1.0,
    loudness_lufs=None, true_peak_dbtp=None, tempo_bpm=None, key=None, mode=None, time_signature=None,
)  # fmt: skip
REST = {"op": "rest", "players": ["bass"]}


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with closing(Store(database_url)) as store:
        yield store


def ask(store: Store, parent: str | None = None, **job: Any) -> str:
    changes = {"operation": "edit", "parent_take": parent, "edits": (REST,)} if parent else {}
    return store.enqueue(NewJob({"prompt": "a"}, "embedded", 1, **{**changes, **job}), 1000)[0].id


def claimed(store: Store, **how: Any) -> Claim:
    claim = store.claim("auto", 60.0, **how)
    assert claim is not None
    return claim


def add(store: Store, parent: str | None = None, title: str = "River", **job: Any) -> str:
    """The id of a take that was just made, from ``parent`` by an edit."""
    ask(store, parent, **job)
    claim = claimed(store)
    take = replace(TAKE, id=new_id("take"), title=title)
    assert store.add_take(claim, take) and store.finish(claim, "completed")
    return take.id


def found(store: Store, take_id: str) -> TakeRecord:
    take = store.take(take_id)
    assert take is not None
    return take


def listed(store: Store, **how: Any) -> list[str]:
    return [take.id for take in store.takes(100, **how).items]


def test_edits_go_first_and_each_kind_in_its_order(store: Store) -> None:
    first = add(store)
    older, newer = ask(store), ask(store)
    edit, second = ask(store, first), ask(store, first)
    jobs = {job.id: job.queue_position for job in store.jobs(10, status="queued").items}
    assert jobs == {edit: 0, second: 1, older: 2, newer: 3}
    assert {job_id: store.job(job_id).queue_position for job_id in jobs} == jobs  # type: ignore[union-attr]
    assert store.events_after(0)[-1].data == {"status": "queued", "queue_position": 1}
    turns = [claimed(store) for _ in jobs]
    assert [claim.job.id for claim in turns] == [edit, second, older, newer]
    assert turns[0].job.edits == (REST,) and turns[2].job.edits == ()
    store.release(turns[1])
    assert store.job(second).queue_position == 0  # type: ignore[union-attr]


def test_who_wants_edits_of_a_model_gets_nothing_else(store: Store) -> None:
    first = add(store)
    ask(store)
    foreign = store.enqueue(NewJob({}, "riffusion", 1, "edit", parent_take=first), 9)[0].id
    assert store.claim("auto", 60.0, edits_of="embedded") is None
    edit = ask(store, first)
    assert claimed(store, edits_of="embedded").job.id == edit
    assert store.claim("auto", 60.0, edits_of="embedded") is None
    assert claimed(store).job.id == foreign


def test_the_list_shows_where_pieces_begin_and_what_somebody_kept(store: Store) -> None:
    root = add(store)
    plain, named, starred, exported = add(store, root), add(store, root, "Sea"), add(store, root), add(store, root)
    renamed, step, variation = add(store, plain), add(store, named, "Sea"), add(store, root, operation="vary")
    store.change_take(starred, starred=True)
    store.keep_take(exported)
    assert store.events_after(0)[-1].data == {"listed": True}
    last = store.last_event_id()
    store.keep_take(exported)
    store.keep_take(new_id("take"))
    assert store.last_event_id() == last
    store.change_take(renamed, title="Lake")
    assert listed(store) == [variation, renamed, exported, starred, named, root]
    everything = [variation, step, renamed, exported, starred, named, plain, root]
    assert listed(store, versions=True) == everything
    assert listed(store, job_id=found(store, plain).job_id) == [plain]
    assert {found(store, take_id).piece for take_id in (plain, named, renamed, step)} == {root}
    assert found(store, variation).piece == variation
    store.change_take(starred, starred=False)
    assert starred not in listed(store)
    assert [take.id for take in store.versions(root, 100)][:2] == [root, plain]
    assert [take.id for take in store.versions(root, 1)] == [step]


def test_pruning_keeps_the_newest_and_whatever_is_needed(store: Store) -> None:
    root = add(store)
    chain = [root]
    for _ in range(8):
        chain.append(add(store, chain[-1]))
    one, two, three, four, five, six, seven, eight = chain[1:]
    store.change_take(four, starred=True)  # needs three
    job = ask(store, root, edits=({"op": "use_from", "source": two},))  # needs two
    assert store.prune_versions(root, 100) == ()
    assert set(store.prune_versions(root, 2)) == {one, five, six}
    assert [take.id for take in store.versions(root, 100)] == [root, two, three, four, seven, eight]
    assert [found(store, take_id).parent_take for take_id in (two, three, seven, eight)] == [root, two, four, seven]
    assert [event.type for event in store.events_after(0)[-3:]] == ["take_deleted"] * 3
    store.cancel(job)
    assert store.prune_versions(root, 0) == (eight, seven, two)
    assert found(store, three).parent_take == root


def test_the_bin_is_not_pruned_and_with_the_last_listed_version_a_piece_goes(store: Store) -> None:
    root = add(store)
    first = add(store, root)
    second, named, other = add(store, first), add(store, first, "Sea"), add(store)
    store.delete_take(second)
    assert store.prune_versions(root, 0) == () and found(store, second).deleted_at
    store.delete_take(root)
    assert store.purge(math.inf, root) == (root,)
    assert found(store, first).parent_take is None and found(store, named).parent_take == first
    store.delete_take(named)
    assert listed(store) == [other]
    assert store.purge(math.inf, named) == (named, first, second)
    assert listed(store, versions=True) == [other] and listed(store, deleted=True) == []


def test_an_edit_whose_parent_is_gone_begins_a_piece(store: Store) -> None:
    root = add(store)
    ask(store, root)
    claim = claimed(store)
    store.delete_take(root)
    store.purge(math.inf)
    take = replace(TAKE, id=new_id("take"))
    assert store.add_take(claim, take)
    assert (found(store, take.id).piece, found(store, take.id).listed) == (take.id, True)


@settings(max_examples=15, deadline=None)
@given(parents=st.lists(st.integers(0, 30), max_size=12), stars=st.sets(st.integers(0, 12)), kept=st.integers(0, 5))
def test_whatever_the_tree_is_it_stays_one(
    tmp_path_factory: pytest.TempPathFactory, parents: list[int], stars: set[int], kept: int
) -> None:
    with closing(Store(f"sqlite:///{tmp_path_factory.mktemp('tree') / 'a.sqlite3'}")) as store:
        ids = [add(store)]
        for parent in parents:
            ids.append(add(store, ids[parent % len(ids)]))
        for star in stars & set(range(len(ids))):
            store.change_take(ids[star], starred=True)
        gone = store.prune_versions(ids[0], kept)
        left = {take.id: take for take in store.versions(ids[0], 100)}
        assert left.keys() == set(ids) - set(gone)
        assert not [take_id for take_id in gone if ids.index(take_id) in stars | {0}]
        unlisted = [take.id for take in left.values() if not take.listed]
        needed = {take.parent_take for take in left.values() if take.listed}
        newest = [take_id for take_id in ids if take_id in gone or take_id in unlisted][::-1][:kept]
        assert set(newest) <= left.keys() and set(unlisted) <= set(newest) | needed
        for take in left.values():
            assert take.id == ids[0] or (take.parent_take in left and left[take.parent_take].seq < take.seq)


def test_a_database_from_before_versions_opens(database_url: str) -> None:
    with closing(Store(database_url)) as store:
        take_id = add(store)
        with store.database.writing() as connection:
            for statement in (
                "DROP INDEX takes_by_piece",
                "ALTER TABLE takes DROP COLUMN piece",
                "ALTER TABLE takes DROP COLUMN kept",
                "ALTER TABLE jobs DROP COLUMN edits",
                "UPDATE meta SET value = '1'",
            ):
                connection.exec_driver_sql(statement)
    with closing(Store(database_url)) as store:
        assert (found(store, take_id).piece, found(store, take_id).kept) == (take_id, True)
        assert listed(store) == [take_id]
        assert found(store, add(store, take_id)).piece == take_id
