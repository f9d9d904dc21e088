"""Edits in the worker: they overtake, interrupt a running job between two steps, and both survive anything."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quick_maker
import soundfile
from fake_model import generated
from stand_in_networks import ENTRIES, SHORT, embedded
from worker_service import Service, check_library, until

from noisician import api
from noisician.cache import DiskCache, LayeredCache, NoCache
from noisician.edits import Regenerate, Rest, SetFades, SetTempo
from noisician.errors import Cancelled, FileError, RequestError
from noisician.mix.grid import CHUNK
from noisician.models import registry
from noisician.models.embedded import model
from noisician.models.protocol import Progress, Run, no_others
from noisician.music import Music
from noisician.parallel import Steps, map_in_order
from noisician.piece import piece_of
from noisician.renderer import render
from noisician.service.files import new_id
from noisician.service.library.stored_take import other_takes
from noisician.service.records import JobRecord
from noisician.service.settings import Settings
from noisician.service.work.editing import edit_music, edits_of_take
from noisician.service.work.forecast import Forecast
from noisician.service.work.overtaking import LOOK_S, Doorway
from noisician.service.work.rendered import rendered_cache
from noisician.service.work.take_job import task_of


@contextlib.contextmanager
def at_your_service(folder: Path) -> Iterator[Service]:
    """A service at work, whose worker keeps two unnamed versions of a piece; at its end the library must be whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(quick_maker.__file__).parent))
        patch.setenv("NOISICIAN_INSTRUMENTS", str(folder / "instruments"))
        service = Service(Settings(data=folder / "data", least_free_bytes=0, attempts_limit=50, versions_kept=2))
        service.supervisor.start()
        try:
            yield service
        finally:
            service.supervisor.stop()
        check_library(service)
        service.store.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """For tests that leave its worker alive and nothing to do."""
    with at_your_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """For tests that end its worker."""
    with at_your_service(tmp_path) as running:
        yield running


def saying(text: str) -> dict[str, Any]:
    """An edit that goes as these words say (see quick_maker)."""
    return {"op": "regenerate", "text": text}


def at_work(service: Service, *job_ids: str) -> None:
    until(lambda: all(service.job(job_id).stage == "rendering" for job_id in job_ids))


def test_the_first_of_an_edit_can_be_heard_before_its_take_is_there(service: Service) -> None:
    take_id = service.made()
    edit = service.ask_edit(take_id, saying("early endless"))
    until(lambda: any(event.type == "excerpt" for event in service.store.events_after(0, edit)))
    (event,) = (event for event in service.store.events_after(0, edit) if event.type == "excerpt")
    assert (event.data, service.store.takes_of(edit)) == ({"take": 1, "start_s": 0.1, "end_s": 0.15}, ())
    (path,) = service.files.excerpts(edit).values()
    assert service.files.excerpts(edit) == {0.1: path}
    early, rate_hz = soundfile.read(path, dtype="int32")
    service.store.cancel(edit)
    service.ended(edit)
    again = service.ask_edit(take_id, saying("early"))
    service.ended(again)
    (made,) = service.store.takes_of(again)
    whole, _ = soundfile.read(service.files.track(made.id), dtype="int32")
    np.testing.assert_array_equal(early, whole[4410:6615])
    assert (rate_hz, list(service.files.excerpts(edit))) == (44100, [])


def test_an_edit_interrupts_a_running_job_and_overtakes_a_waiting_one(service: Service) -> None:
    take_id = service.made()
    running, waiting = service.ask("endless"), service.ask("some words")
    at_work(service, running)
    edit = service.ask_edit(take_id, saying("slow"), title="Other")
    at_work(service, edit, running)
    assert [service.job(job_id).status for job_id in (running, waiting)] == ["in_progress", "queued"]
    (worker,) = service.store.workers()
    until(lambda: service.store.workers()[0].job_id == edit)
    done = service.ended(edit)
    assert (done.status, done.attempts, done.progress) == ("completed", 1, 1.0)
    until(lambda: service.store.workers()[0].job_id == running)
    assert service.pid == worker.pid
    (made,) = service.store.takes_of(edit)
    assert (made.parent_take, made.piece, made.take.title, made.listed) == (take_id, take_id, "Other", True)
    assert made.take.facts["edits"] == "regenerate everybody, 'slow'"
    assert made.take.facts["params"] == {"prompt": "some words", "seed": 5}
    recipe, base = (api.read_recipe(service.files.recipe(id_)) for id_ in (made.id, take_id))
    assert recipe.lineage == ({"id": base.id6, "operation": "edit", "words": made.take.facts["edits"]},)
    assert recipe.id6 == made.take.recipe_id != base.id6
    told = [event.data["status"] for event in service.store.events_after(0, job_id=edit) if event.type == "status"]
    assert told == ["queued", "in_progress", "completed"]
    service.store.cancel(running)
    assert service.ended(running).status == "cancelled"
    assert service.ended(waiting).status == "completed"


def test_what_goes_wrong_with_an_edit_is_its_own_affair(service: Service) -> None:
    take_id = service.made()
    running = service.ask("slow slow", takes=3)
    at_work(service, running)
    foreign = {"op": "use_from", "source": "/etc/passwd"}
    edits = [service.ask_edit(take_id, saying(words)) for words in ("fault", "memory", "endless")]
    edits += [service.ask_edit(take_id, foreign), service.ask_edit(take_id, {"op": "none"})]
    at_work(service, edits[2])
    service.store.cancel(edits[2])
    failures = [service.ended(job_id).failure for job_id in edits]
    assert [failure and failure.code for failure in failures] == [
        "internal", "out_of_memory", None, "invalid_request", "invalid_request"
    ]  # fmt: skip
    assert service.job(edits[2]).status == "cancelled"
    job = service.ended(running)
    assert (job.status, job.attempts, service.numbers(running)) == ("completed", 1, [1, 2, 3])
    # What was spent on the edits is no time that the takes took.
    assert all(take.take.made_in_s < 30 for take in service.store.takes_of(running))


def test_both_jobs_go_back_when_the_worker_is_told_to_leave(own_service: Service) -> None:
    service = own_service
    take_id = service.made()
    running = service.ask("endless")
    at_work(service, running)
    edit = service.ask_edit(take_id, saying("endless"))
    at_work(service, edit)
    pid = service.pid
    os.kill(pid, signal.SIGTERM)
    until(lambda: service.supervisor.processes.get("auto", pid) != pid)
    at_work(service, edit)
    service.store.cancel(edit)
    at_work(service, running)
    assert (service.job(running).attempts, service.ended(edit).attempts) == (1, 1)


def test_kills_in_the_middle_leave_both_made_once(own_service: Service) -> None:
    service = own_service
    take_id = service.made()
    moments = random.Random(7)
    jobs, edits = [], []
    for _ in range(3):
        jobs.append(service.ask("slow"))
        at_work(service, jobs[-1])
        edits.append(service.ask_edit(take_id, saying("slow"), title=f"Version {len(edits)}"))
        at_work(service, edits[-1])
        time.sleep(moments.uniform(0.0, 0.8))  # within the edit, its saving, or the job that goes on
        pid = service.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: service.supervisor.processes.get("auto", pid) != pid)
    for job_id in (*jobs, *edits):
        assert service.ended(job_id).status == "completed"
        assert service.numbers(job_id) == [1]
    assert len(service.store.versions(take_id, 100)) == 1 + len(edits)


def test_old_versions_go_with_their_files(service: Service) -> None:
    root = last = service.made()
    for _ in range(4):
        edit = service.ask_edit(last)
        assert service.ended(edit).status == "completed"
        last = service.store.takes_of(edit)[0].id
    until(lambda: len(service.store.versions(root, 100)) == 3)
    first, *others = (take.parent_take for take in service.store.versions(root, 100))
    assert first is None and others[0] == root


def test_a_doorway_is_entered_by_one_thread_and_rarely() -> None:
    entered: list[str] = []
    stood: list[float] = []
    waiting = [True, True]
    inside, go_on = threading.Event(), threading.Event()

    def make_next() -> bool:
        entered.append(threading.current_thread().name)
        inside.set()
        go_on.wait(10)
        return waiting.pop() if waiting else False

    doorway = Doorway(make_next, stood.append)
    doorway()  # too early
    assert entered == []
    time.sleep(LOOK_S)
    first = threading.Thread(target=doorway, name="first")
    first.start()
    assert inside.wait(10)
    doorway()  # taken
    assert entered == ["first"]
    go_on.set()
    first.join()
    assert entered == ["first"] * 3 and len(stood) == 1 and stood[0] > 0
    time.sleep(LOOK_S)
    doorway()
    assert len(entered) == 4 and len(stood) == 1


def test_the_other_threads_of_an_interrupted_job_stop_at_their_next_step_and_nothing_changes() -> None:
    def work(made: list[int], at_step: Any) -> list[np.ndarray]:
        steps = Steps(40, at_step)

        def one(seed: int) -> np.ndarray:
            value = np.random.default_rng(seed).normal(size=1000)
            for _ in range(10):
                value = np.tanh(value + np.fft.irfft(np.fft.rfft(value), 1000))
                steps()
                made.append(seed)
            return value

        return list(map_in_order(one, range(4), steps, workers=4))

    made: list[int] = []
    moved: list[int] = []

    def nested(share: float) -> None:
        if share == 0.5:
            before = len(made)
            work([], lambda share: None)
            moved.append(len(made) - before)

    plain, interrupted = work([], lambda share: None), work(made, nested)
    # Who had just left its step may still note that; nobody takes another.
    assert moved and moved[0] <= 4
    for ours, theirs in zip(plain, interrupted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_piece_that_was_interrupted_by_edits_is_the_same_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    played = embedded()
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(lambda: played))
    plain = generated(played, SHORT, Run(keep_stems=True))
    piece = piece_of(plain.recipe)
    assert piece is not None
    edits = (SetTempo(tempo_bpm=piece.plan.tempo_bpm + 7), Regenerate(players=(piece.plan.players[0].id,), seed=3))
    versions: list[Music] = []
    stages: list[str] = []

    def between_two_steps(progress: Progress) -> None:
        if progress.stage not in stages:  # once in each stage
            stages.append(progress.stage)
            versions.append(edit_music(plain.recipe, edits, Run(), no_others))

    interrupted = generated(played, SHORT, Run(between_two_steps, keep_stems=True))
    assert {"composing", "rendering", "vocoding"} <= set(stages)
    np.testing.assert_array_equal(interrupted.audio, plain.audio)
    for name, stem in plain.stems.items():
        np.testing.assert_array_equal(interrupted.stems[name], stem)
    assert interrupted.recipe == plain.recipe
    for version in versions[1:]:
        np.testing.assert_array_equal(version.audio, versions[0].audio)
    assert versions[0].recipe != plain.recipe


def test_mixing_and_mastering_can_be_interrupted_second_by_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    played = embedded()
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(lambda: played))
    request = SHORT.model_copy(update={"duration_s": 5.0})
    plain = generated(played, request, Run(keep_stems=True))
    edits = (SetFades(fade_in_s=1.0),)
    heard: Counter[tuple[str, float]] = Counter()
    versions: list[Music] = []

    def between_two_steps(progress: Progress) -> None:
        place = (progress.stage, progress.share)
        heard[place] += 1
        if heard[place] % 25 == 0:
            versions.append(edit_music(plain.recipe, edits, Run(), no_others))

    interrupted = generated(played, request, Run(between_two_steps, keep_stems=True))
    np.testing.assert_array_equal(interrupted.audio, plain.audio)
    for name, stem in plain.stems.items():
        np.testing.assert_array_equal(interrupted.stems[name], stem)
    assert interrupted.recipe == plain.recipe
    for version in versions[1:]:
        np.testing.assert_array_equal(version.audio, versions[0].audio)
    chunks = len(plain.audio) // CHUNK
    # Each stem is put into the sums and, to be kept, mixed alone; all of them are then measured, and mastered.
    kept = sorted(count for (stage, _), count in heard.items() if stage == "vocoding")[-len(plain.stems) + 1 :]
    assert all(count > 2 * chunks for count in kept)
    mixed = sum(count for (stage, _), count in heard.items() if stage == "mixing")
    assert mixed > 4 * chunks and len(versions) > 1


def test_mixing_stops_within_a_step() -> None:
    played, heard = embedded(), []

    def hear(progress: Progress) -> None:
        heard.append(progress.stage)

    with pytest.raises(Cancelled, match=r"stopped (while mixing|with the other threads)"):
        generated(played, SHORT, Run(hear, lambda: heard.count("mixing") == 3))
    assert heard.count("mixing") == 3


def test_standing_still_says_nothing_about_the_pace() -> None:
    told = Forecast(0.0)
    told.left_s(2.0, 0.2)
    before_s = told.left_s(4.0, 0.4)
    told.stand_still(100.0)
    assert told.left_s(104.0, 0.4) == pytest.approx(before_s)
    assert told.left_s(105.0, 0.5) == pytest.approx(5.0, abs=0.5)


def test_takes_of_one_edit_have_seeds_that_follow_each_other() -> None:
    edits = (Regenerate(seed=2**32 - 1), Regenerate(), SetFades(fade_in_s=1.0), Rest())
    assert edits_of_take(edits, 1) == edits
    assert [getattr(edit, "seed", None) for edit in edits_of_take(edits, 3)] == [1, None, None, None]


def test_other_takes_are_named_by_id_alone(tmp_path: Path, service: Service) -> None:
    take_id = service.made()
    others = other_takes(service.files)
    assert others(take_id) == api.read_recipe(service.files.recipe(take_id))
    for source in ("../secret", str(service.files.recipe(take_id)), new_id("take"), new_id("job")):
        with pytest.raises(RequestError, match="is the id of no take in the library"):
            others(source)
    job = JobRecord(
        new_id("job"), 1, "edit", "queued", {}, "embedded", 1, 0.0, edits=(saying(""),), parent_take=new_id("take")
    )
    with pytest.raises(FileError, match="which was to be edited, is not here any more"):
        task_of(job, (), service.files)


def test_what_was_rendered_is_kept_within_bounds_and_across_restarts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, rendered_cache_bytes=100_000)
    array = np.arange(2500, dtype=np.float32)
    cache = rendered_cache(settings)
    for number in range(30):
        cache.put(f"{number:040x}", array + number)
        time.sleep(0.002)  # so that the files' times differ
    kept = sum(path.stat().st_size for path in (tmp_path / "rendered").rglob("*.npy"))
    assert 0 < kept <= 100_000 + 100_000 // 16 + array.nbytes
    again = rendered_cache(settings)
    newest = again.get(f"{29:040x}")
    assert newest is not None
    np.testing.assert_array_equal(newest, array + 29)
    assert again.get(f"{0:040x}") is None
    assert isinstance(rendered_cache(settings.model_copy(update={"rendered_cache_bytes": 0})), NoCache)
    assert isinstance(cache, LayeredCache) and isinstance(cache._far, DiskCache)
