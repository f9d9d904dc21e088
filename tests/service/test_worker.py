"""The worker and its supervisor: real processes, killed, stopped and starved, and what must be true afterwards."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quick_maker
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from worker_service import QUICK, Service, check_library, until

from noisician import api
from noisician.errors import FileError, RequestError, WeightsError
from noisician.export import TimedLine, TimedWord, words_json
from noisician.export.embed import PNG_SIGNATURE
from noisician.models.protocol import CheckedRequest, ignore_progress, never
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.service.failures import failure_of
from noisician.service.files import Files, new_id
from noisician.service.library.take_files import INSTRUMENTAL
from noisician.service.records import JobRecord
from noisician.service.settings import Settings
from noisician.service.store import Store, StoreError
from noisician.service.work import forecast
from noisician.service.work.forecast import Forecast
from noisician.service.work.heartbeat import PREVIEW_COLUMNS, HeartbeatThread, preview_png
from noisician.service.work.sweeping import note_of, sweep, sweep_all
from noisician.service.work.take_job import Maker, Watch, check_room, make_take, request_of, sources_of, task_of
from noisician.service.work.worker import DEFAULT_EDITOR, DEFAULT_MAKER, Order, Worker

#: Each costs a worker's start; ``benchmarks/`` kills many more.
KILLS = 4


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Ready to be started."""
    monkeypatch.setenv("PYTHONPATH", str(Path(quick_maker.__file__).parent))
    service = Service(Settings(data=tmp_path / "data", least_free_bytes=0, attempts_limit=50))
    yield service
    service.supervisor.stop()
    service.store.close()


@pytest.mark.slow
def test_the_embedded_model_makes_two_takes(service: Service) -> None:
    service = Service(service.settings, maker=DEFAULT_MAKER, editor=DEFAULT_EDITOR)
    service.supervisor.start()
    params = {"prompt": "slow solo piano", "duration_s": 2.0, "seed": 11, "instruments": ["grand_piano"]}
    job = service.ended(service.ask(params=params, takes=2, title="Night"))
    service.supervisor.stop()
    assert (job.status, job.failure, job.progress, job.attempts) == ("completed", None, 1.0, 1)
    first, second = (record.take for record in service.store.takes_of(job.id))
    assert (first.number, second.number, first.seed, second.seed) == (1, 2, 11, 12)
    assert first.title == "Night" and first.licence == "Apache-2.0" and first.made_in_s > 0
    assert first.loudness_lufs == pytest.approx(-14, abs=0.6) and (first.true_peak_dbtp or 0) <= -0.9
    recipe = api.read_recipe(service.files.track(first.id))
    assert recipe.request == Request(prompt="slow solo piano", duration_s=2.0, seed=11, instruments=("grand_piano",))
    assert recipe.id6 == first.recipe_id and recipe.lineage == ()
    track, rate_hz = soundfile.read(service.files.track(first.id))
    assert len(track) / rate_hz == first.duration_s == 2.0
    assert soundfile.info(service.files.track(first.id)).subtype == "PCM_24"
    assert first.facts["params"]["seed"] == 11 and second.facts["params"]["seed"] == 12
    assert {path.stem for path in (service.files.take(first.id) / "stems").iterdir()} == set(first.facts["stems"])


def made(
    files: Files,
    params: dict[str, Any],
    parent: str | None = None,
    operation: Any = "make",
    make: Maker = quick_maker.make,
) -> str:
    """The id of a take made here and now."""
    job = JobRecord(new_id("job"), 1, operation, "in_progress", params, "embedded", 1, 0.0, parent_take=parent)
    take_id = new_id("take")
    make_take(task_of(job, (), files), 1, make or quick_maker.make, files, take_id, Watch(ignore_progress, never))
    return take_id


def test_a_variation_is_made_from_its_parents_recipe(tmp_path: Path) -> None:
    files = Files(tmp_path)
    bases: list[Recipe | None] = []

    def make(
        request: CheckedRequest, *, base: Recipe | None = None, beside: Path | None = None, **others: Any
    ) -> Music:
        bases.append(base)
        assert beside == (None if base is None else files.take(first))
        return quick_maker.make(request, **others)

    first = made(files, {"prompt": "jazz", "seed": 1})
    recipe = api.read_recipe(files.track(first))
    made(files, {"prompt": "rock", "seed": 1}, first, "vary", make)
    extended = made(files, {"prompt": "rock", "seed": 1}, first, "extend", make)
    made(files, {"prompt": "rock", "seed": 1}, new_id("take"), "vary", make)
    assert bases == [recipe, None, None]
    assert api.read_recipe(files.track(extended)).lineage == ({"id": recipe.id6, "operation": "extend"},)


def test_what_is_sung_is_kept(tmp_path: Path) -> None:
    line = TimedLine((TimedWord("hello", 0.0, 0.1),), 0.0, 0.1)

    def sung(request: CheckedRequest, **others: Any) -> Music:
        music = quick_maker.make(request, **others)
        return replace(music, lyrics=(line,), instrumental=music.audio / 2)

    files = Files(tmp_path)
    take_id = made(files, {"seed": 1}, make=sung)
    assert files.lyrics(take_id).read_text() == words_json((line,))
    instrumental = soundfile.read(files.stem(take_id, INSTRUMENTAL))[0]
    np.testing.assert_allclose(instrumental, soundfile.read(files.track(take_id))[0] / 2, atol=1e-6)


@pytest.mark.slow
def test_jobs_survive_kills_at_any_moment(service: Service) -> None:
    service.supervisor.start()
    jobs = [service.ask("some words", takes=1 + number % 2) for number in range(12)]
    moments = random.Random(4)
    killed = 0
    while killed < KILLS and service.store.counts().get("completed", 0) < len(jobs):
        until(lambda: service.supervisor.processes)
        pid = service.pid
        # A worker that begins a life has most to lose when it works; some of the kills still hit its start.
        until(lambda pid=pid: any(worker.pid == pid for worker in service.store.workers()))
        time.sleep(moments.uniform(0.0, 0.6))
        os.kill(pid, signal.SIGKILL)
        killed += 1
        until(lambda pid=pid: service.supervisor.processes.get("auto") != pid)
    for number, job_id in enumerate(jobs):
        assert service.ended(job_id).status == "completed"
        assert service.numbers(job_id) == list(range(1, 2 + number % 2))
    assert killed == KILLS
    service.supervisor.stop()
    check_library(service)


def test_workers_that_never_come_up_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    service = Service(Settings(data=tmp_path / "data", least_free_bytes=0), "no_such_module:make")
    assert service.supervisor.trouble() is None
    service.supervisor.start()
    until(service.supervisor.trouble)
    assert "worker auto ended 2 times before it was ready (last with status 1)" in str(service.supervisor.trouble())
    service.supervisor.stop()
    assert "No module named 'no_such_module'" in caplog.text


def test_the_service_dies_and_begins_again(service: Service) -> None:
    program = (
        "import sys, time; from noisician.service.settings import Settings; from noisician.service.store import Store;"
        "from noisician.service.work.supervisor import Supervisor;"
        "settings = Settings(data=sys.argv[1], least_free_bytes=0);"
        "supervisor = Supervisor(settings, Store(settings.database), 'quick_maker:make'); supervisor.start();"
        "print(supervisor.processes['auto'], flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(service.settings.data)]
    running, waiting = service.ask("slow", takes=3), service.ask("some words")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        until(lambda: service.numbers(running) == [1, 2])
        before = {take.id for take in service.store.takes_of(running)}
        process.kill()
    until(lambda: not is_alive(worker))
    assert service.job(running).status == "in_progress"
    service.supervisor.start()
    assert service.ended(running).status == service.ended(waiting).status == "completed"
    takes = service.store.takes_of(running)
    assert [(take.take.number, take.take.seed) for take in takes] == [(1, 5), (2, 6), (3, 7)]
    assert before < {take.id for take in takes}
    assert (service.job(running).attempts, service.job(waiting).attempts) == (1, 1)
    service.supervisor.stop()
    check_library(service)


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie, which whoever adopted it may leave for long."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_cancel_then_give_back(service: Service) -> None:
    service.supervisor.start()
    endless, queued, last = service.ask("endless", takes=2), service.ask("some words"), service.ask("some words")
    until(lambda: service.job(endless).stage == "rendering")
    pid = service.pid
    service.store.cancel(queued)
    service.store.cancel(endless)
    assert service.ended(endless).status == service.ended(queued).status == "cancelled"
    assert service.job(endless).failure is None
    assert service.ended(last).status == "completed"
    assert service.pid == pid
    given = service.ask("endless")
    until(lambda: service.job(given).stage == "rendering")
    os.kill(pid, signal.SIGTERM)
    until(lambda: service.supervisor.processes.get("auto", pid) != pid)
    until(lambda: service.job(given).stage == "rendering")
    assert service.job(given).attempts == 1
    pid = service.pid
    service.supervisor.stop()
    job = service.job(given)
    assert (job.status, job.attempts, job.queue_position) == ("queued", 0, 0)
    assert not is_alive(pid) and service.supervisor.processes == {} and service.store.workers() == ()
    service.store.cancel(given)
    check_library(service)


def test_a_worker_that_hangs_is_replaced(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noisician.service.work.supervisor.LEASES_S", 0.2)
    settings = service.settings.model_copy(update={"lease_s": 1.0})
    service = Service(settings)
    service.supervisor.start()
    job_id = service.ask("slow")
    until(lambda: service.job(job_id).stage == "rendering")
    pid = service.pid
    os.kill(pid, signal.SIGSTOP)
    assert service.ended(job_id).status == "completed"
    assert not is_alive(pid) and service.job(job_id).attempts == 2 and service.numbers(job_id) == [1]
    service.supervisor.stop()
    check_library(service)


def wav(seconds: float = 0.5, rate_hz: int = 8000) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.zeros(round(seconds * rate_hz)), rate_hz, format="WAV")
    return memory.getvalue()


def test_failures_are_told_and_the_worker_lives(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = service.settings.model_copy(update={"longest_upload_s": 2.0})
    service = Service(settings)
    service.supervisor.start()
    uploads = {
        "cut": service.upload(wav()[:2000], "cut.wav"),
        "text": service.upload(b"hello there, I am no sound", "text.mp3"),
        "long": service.upload(wav(2.5), "long.wav"),
        "nonsense": service.upload(wav()[:44] + b"fLaC" * 10, "nonsense.wav"),
        "empty": service.upload(b"", "empty.ogg"),
        "gone": new_id("upload"),
        "path": "/etc/passwd",
    }
    asked = {name: service.ask("read", params={"init_audio": upload}) for name, upload in uploads.items()}
    asked |= {
        "tempo": service.ask(params={"tempo_bpm": 9999}),
        "field": service.ask(params={"tempi": 3}),
        "model": service.ask(),
        "fault": service.ask("fault"),
        "memory": service.ask("memory"),
    }
    pid = service.pid
    failures = {}
    for name, job_id in asked.items():
        failures[name] = service.ended(job_id).failure
    assert failures.pop("model") is None
    assert {name: failure and failure.code for name, failure in failures.items()} == {
        "cut": "file", "text": "file", "long": "file", "nonsense": "file", "empty": "file", "gone": "file",
        "path": "invalid_request", "tempo": "invalid_request", "field": "invalid_request",
        "fault": "internal", "memory": "out_of_memory",
    }  # fmt: skip
    for name, failure in failures.items():
        assert failure is not None and "\n" not in failure.message and str(settings.data) not in failure.message
        if name in ("cut", "text", "long", "nonsense", "empty"):
            assert failure.param == "init_audio" and failure.message.startswith(f"{name}.")
    assert failures["long"] is not None and "2.5 s long, the limit is 2 s" in failures["long"].message
    assert failures["fault"] is not None and "ZeroDivisionError (something unforeseen)" in failures["fault"].message
    assert service.pid == pid
    service.supervisor.stop()
    until(lambda: "ZeroDivisionError: something" in caplog.text)
    assert caplog.text.count("Traceback") == 1
    check_library(service)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_job_alone(service: Service, small_disk: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    settings = service.settings.model_copy(update={"data": small_disk, "database_url": database})
    service = Service(settings)
    service.supervisor.start()
    small, big, again = service.ask(), service.ask("noise"), service.ask()
    failure = service.ended(big).failure
    assert failure is not None and failure.code == "disk_full" and failure.message.startswith("no space left")
    assert service.ended(small).status == service.ended(again).status == "completed"
    assert not list(service.files.tmp.rglob("take_*"))
    service.supervisor.stop()
    check_library(service)


class Ending:
    """A store that ends the worker when nothing is left to be claimed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given, **named: self._call(name, *given, **named)

    def _call(self, name: str, *given: Any, **named: Any) -> Any:
        self.calls[name] += 1
        answer = getattr(self._store, name)(*given, **named)
        if name == "claim" and answer is None and named["edits_of"] is None:
            raise SystemExit
        return answer


class Troubled(Ending):
    """Its database is locked at every second call."""

    def _call(self, name: str, *given: Any, **named: Any) -> Any:
        if (self.calls[name] + 1) % 2:
            self.calls[name] += 1
            raise StoreError("the database is locked")
        return super()._call(name, *given, **named)


class Forgetful(Ending):
    """It once writes a take and does not come to say so."""

    def _call(self, name: str, *given: Any, **named: Any) -> Any:
        answer = super()._call(name, *given, **named)
        if name == "add_take" and self.calls[name] == 1:
            raise StoreError("the connection was closed")
        return answer


def work_here(service: Service, store: type[Ending] = Ending) -> Ending:
    """A worker in this process makes what waits."""
    ending: Any = store(service.store)
    with pytest.raises(SystemExit):
        Worker(Order(service.settings), ending, quick_maker.make, quick_maker.edit).run()
    return ending


def test_too_little_room_is_said_before_the_work(service: Service) -> None:
    service = Service(service.settings.model_copy(update={"least_free_bytes": 2**60}))
    job_id = service.ask("endless")
    work_here(service)
    failure = service.job(job_id).failure
    assert failure is not None and failure.code == "disk_full" and " MB are free" in failure.message
    check_room(service.files, 1)


@pytest.mark.parametrize("trouble", [Troubled, Forgetful])
def test_a_database_in_trouble_is_waited_for(
    service: Service, trouble: type[Ending], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noisician.service.work.worker.TROUBLE_S", 0.01)
    job_id = service.ask("some words", takes=2)
    troubled = work_here(service, trouble)
    assert service.job(job_id).status == "completed"
    assert service.numbers(job_id) == [1, 2]
    assert {"claim", "add_take", "finish", "heartbeat"} <= troubled.calls.keys()
    check_library(service)


def test_the_last_picture_stays_until_the_next_job_ends(service: Service) -> None:
    heartbeat = HeartbeatThread(service.store, service.files, "auto", 60.0)
    pictures = [service.files.preview(service.ask()) for _ in range(2)]
    for ended, picture in enumerate(pictures):
        claim = service.store.claim("auto", 60.0)
        assert claim is not None
        heartbeat.hold(claim)
        picture.touch()
        heartbeat.rest()
        assert [path.exists() for path in pictures] == [place == ended for place in range(2)]


def test_sweeping_removes_what_was_being_published_and_nothing_else(service: Service) -> None:
    files, workshop = service.files, service.files.tmp / "worker-auto"
    half, unlisted, known = (new_id("take") for _ in range(3))
    for take_id in (half, unlisted, known):
        files.take(take_id).mkdir()
    for take_id in (half, known):
        note_of(workshop, take_id).parent.mkdir(parents=True, exist_ok=True)
        note_of(workshop, take_id).touch()
    (workshop / "takes").mkdir()
    files.preview(new_id("job")).touch()
    sweep_all(files, {known}.__contains__)
    assert {folder.name for folder in files.takes.iterdir()} == {unlisted, known}
    assert not list(files.tmp.iterdir()) and not list(files.previews.iterdir())
    sweep(files, workshop, {known}.__contains__)


def test_the_order_hides_the_key_and_comes_back(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, api_key="secret-word", devices=("cpu",), longest_upload_s=7)  # pyright: ignore
    line = Order(settings, "cpu", QUICK).to_line()
    assert "secret-word" not in line and line.count("\n") == 1
    order = Order.from_line(line)
    assert (order.device, order.maker, order.settings.data) == ("cpu", QUICK, tmp_path)
    assert order.settings.longest_upload_s == 7 and order.settings.api_key is None


def record(params: dict[str, Any], **others: Any) -> JobRecord:
    return JobRecord("job_00000000000000ff", 1, "make", "in_progress", params, "embedded", 2, 0.0, **others)


def test_requests_of_jobs() -> None:
    request = request_of(record({"prompt": "jazz", "genres": ["jazz"], "seed": None}))
    assert request == Request(prompt="jazz", genres=("jazz",), seed=255, takes=2)
    with pytest.raises(RequestError, match="tempi"):
        request_of(record({"tempi": 1}))


def test_takes_as_sources(service: Service) -> None:
    first = service.ask(title="First")
    work_here(service)
    (take,) = service.store.takes_of(first)
    (source,) = sources_of(record({"init_audio": take.id}), service.files, service.store)
    assert (source.path, source.name, source.uploaded) == (service.files.track(take.id), "First", False)
    for foreign in ("../secret.wav", str(service.files.track(take.id)), first):
        with pytest.raises(RequestError, match="no id"):
            sources_of(record({"init_audio": foreign}), service.files, service.store)
    loop = service.ask(params={"loop": True}, operation="loop", parent_take=take.id)
    work_here(service)
    (looped,) = service.store.takes_of(loop)
    recipe = api.read_recipe(service.files.recipe(looped.id))
    assert recipe.lineage == ({"id": take.take.recipe_id, "operation": "loop"},) and recipe.request.loop


def test_failures_by_kind() -> None:
    full = OSError(28, "No space left on device")
    wrapped = FileError("/data/tmp/x: the disk is full")
    wrapped.__context__ = full
    assert failure_of(full).code == failure_of(wrapped).code == "disk_full"
    assert failure_of(WeightsError("w")).code == "weights"
    assert failure_of(RuntimeError("std::bad_alloc")).code == "out_of_memory"
    shown = {"/data/uploads/upload_1": ("mine.wav", "init_audio"), "/data/": ("", "")}
    told = failure_of(FileError("/data/uploads/upload_1: is empty; see /data/tmp"), shown)
    assert (told.message, told.param) == ("mine.wav: is empty; see tmp", "init_audio")
    assert len(failure_of(ValueError("x" * 5000)).message) < 1000


@given(pace=st.floats(0.01, 1.0), first=st.floats(0.0, 0.5))
def test_a_steady_pace_is_foretold(pace: float, first: float) -> None:
    told = Forecast(0.0, first)
    length_s = (1 - first) / pace
    for step in range(1, 10):
        share = first + (1 - first) * step / 10
        at_s = length_s * step / 10
        left_s = told.left_s(at_s, share)
        if at_s < forecast.FIRST_S or share - first < forecast.FIRST_SHARE:
            assert left_s is None
        else:
            assert left_s == pytest.approx(length_s - at_s, rel=1e-6)


@given(st.lists(st.tuples(st.floats(0.01, 5), st.floats(0, 1)), max_size=20))
def test_forecasts_are_never_negative(steps: list[tuple[float, float]]) -> None:
    told, at_s, shares = Forecast(0.0), 0.0, sorted(share for _, share in steps)
    for (passed_s, _), share in zip(steps, shares, strict=True):
        at_s += passed_s
        left_s = told.left_s(at_s, share)
        assert left_s is None or left_s >= 0


@pytest.mark.parametrize("frames", [1, 7, PREVIEW_COLUMNS, 5 * PREVIEW_COLUMNS + 3])
def test_previews_have_a_bounded_width(frames: int) -> None:
    data = preview_png(np.zeros((frames, 128), np.float32))
    assert data.startswith(PNG_SIGNATURE)
    assert int.from_bytes(data[16:20], "big") == min(frames, PREVIEW_COLUMNS)
    assert int.from_bytes(data[20:24], "big") == 128
