"""The process that makes the music: ``python -m noisician.service.work.worker``, started by the supervisor.

Its first line of input is an :class:`Order` as JSON. It then lives as long as that input stays open: the end of it
means that the service is gone, by whatever way, and ends the worker at once, even within a step. The line ``stop``,
or SIGTERM, has it give its job back and go.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from noisician.errors import Cancelled, FileError
from noisician.memory import return_large_arrays_at_once
from noisician.models import registry
from noisician.models.protocol import OnProgress, Progress
from noisician.request import EMBEDDED, Request
from noisician.service.failures import failure_of
from noisician.service.files import Files, new_id
from noisician.service.library.content import discard
from noisician.service.records import Claim, Failure, NewTake, Status
from noisician.service.settings import Settings
from noisician.service.store import Store, StoreError
from noisician.service.work.editing import Editor
from noisician.service.work.heartbeat import ActiveJob, HeartbeatThread
from noisician.service.work.overtaking import Doorway
from noisician.service.work.rendered import rendered_cache
from noisician.service.work.sweeping import note_of, sweep
from noisician.service.work.take_job import (
    Maker,
    Source,
    Task,
    Watch,
    check_room,
    check_sources,
    make_take,
    sources_of,
    task_of,
)

DEFAULT_MAKER = "noisician.api:generate"
DEFAULT_EDITOR = "noisician.service.work.editing:edit_music"
STOP_LINE = "stop"
NICENESS = 5
IDLE_S = 0.1
#: After the database could not be used.
TROUBLE_S = 0.5
#: How long a worker that is to stop waits for a take that is just being put into the library.
PUBLISHING_S = 2.0
#: Few players and little to play: enough to load every model.
WARM_UP = Request(instruments=("grand_piano",), duration_s=2.0, seed=0)

_log = logging.getLogger(__name__)
T = TypeVar("T")


class _Abandoned(Exception):
    """The job is no longer this worker's: its lease ran out, or the database could not be told of its take."""


@dataclass(frozen=True)
class Order:
    """What a worker is started with. ``device`` is its name too; ``maker`` and ``editor`` name what makes the music."""

    settings: Settings
    device: str = "auto"
    maker: str = DEFAULT_MAKER
    editor: str = DEFAULT_EDITOR

    def to_line(self) -> str:
        """One line of JSON. The key of the service stays behind: a worker has no use for it."""
        settings = self.settings.model_dump(mode="json", exclude={"api_key"})
        names = {"device": self.device, "maker": self.maker, "editor": self.editor}
        return json.dumps({"settings": settings, **names}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Order:
        values: dict[str, Any] = json.loads(line)
        return cls(Settings(**values["settings"]), values["device"], values["maker"], values["editor"])

    def load_maker(self) -> Maker:
        return _named(self.maker)

    def load_editor(self) -> Editor:
        return _named(self.editor)


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


class Worker:
    """Claims one job after another and makes it. Edits that come meanwhile are made between two steps of it, so there
    may be two at a time: the one that is interrupted, and the edit."""

    def __init__(self, order: Order, store: Store, make: Maker, edit: Editor) -> None:
        self._settings, self._name, self._store = order.settings, order.device, store
        self._make, self._edit = make, edit
        self._files = Files(order.settings.data.absolute())
        self._workshop = Files(self._files.tmp / f"worker-{re.sub(r'[^A-Za-z0-9]+', '-', order.device)}")
        self._heartbeat = HeartbeatThread(store, self._files, self._name, order.settings.lease_s)
        self._claims: list[Claim] = []
        self._publishing = threading.Lock()

    def run(self) -> None:
        """Until the process ends."""
        self._insist(lambda: sweep(self._files, self._workshop.root, self._is_known))
        self._heartbeat.start()
        try:
            if not self._do_next():
                self._warm_up()
            self._heartbeat.ready()
            while True:
                if not self._do_next():
                    time.sleep(IDLE_S)
        finally:
            self._heartbeat.stop()

    def leave(self) -> None:
        """Gives the jobs back and ends the process; for any thread."""
        ours = self._publishing.acquire(timeout=PUBLISHING_S)
        for claim in reversed(self._claims) if ours else ():
            with contextlib.suppress(Exception):  # the supervisor takes it back then
                self._store.release(claim)
        os._exit(0)

    def _do_next(self) -> bool:
        """Makes the job whose turn it is, if there is one."""
        try:
            claim = self._claim()
        except StoreError as error:
            _log.warning("%s", error)
            time.sleep(TROUBLE_S)
            return False
        if claim is not None:
            self._do(claim)
        return claim is not None

    def _do_next_edit(self) -> bool:
        """Makes the edit whose turn it is, if there is one, while another job stands still.

        Of the embedded model's music alone: its parts are small and always there, where another checkpoint would have
        to be loaded beside the one at work.
        """
        try:
            claim = self._claim(edits_of=EMBEDDED)
        except StoreError as error:  # the job at work need not wait for better times
            _log.warning("%s", error)
            return False
        if claim is not None:
            self._do(claim)
        return claim is not None

    def _claim(self, edits_of: str | None = None) -> Claim | None:
        with self._publishing:
            claim = self._store.claim(self._name, self._settings.lease_s, edits_of=edits_of)
            if claim is not None:
                self._claims.append(claim)
        return claim

    def _warm_up(self) -> None:
        """Makes a small piece for nobody, so that the models are loaded when somebody asks; stops when one does."""
        asked_at = time.monotonic()

        def somebody_waits() -> bool:
            nonlocal asked_at
            if time.monotonic() - asked_at < IDLE_S:
                return False
            asked_at = time.monotonic()
            return self._store.counts().get("queued", 0) > 0

        try:
            self._make(WARM_UP, keep_stems=False, cancel=somebody_waits)
        except Cancelled:
            pass
        except Exception as error:  # every job will say the same, to somebody who can act on it
            _log.warning("the models cannot be warmed up: %s", failure_of(error).message)

    def _do(self, claim: Claim) -> None:
        """One job, to whatever end."""
        active_job = self._heartbeat.hold(claim)
        sources: tuple[Source, ...] = ()
        failure: Failure | None = None
        status: Status = "completed"
        try:
            sources = sources_of(claim.job, self._files, self._store)
            self._make_takes(claim, active_job, sources)
        except (_Abandoned, Cancelled):
            if not active_job.cancel or active_job.lost:
                self._put_down(claim)
                return
            status = "cancelled"
        except Exception as error:
            status, failure = "failed", failure_of(error, self._shown(sources))
            trace = error if failure.code == "internal" else None
            _log.warning("%s failed: %s", claim.job.id, failure.message, exc_info=trace)
        with contextlib.suppress(_Abandoned):
            self._insist(lambda: self._finish(claim, status, failure))
        self._put_down(claim)

    def _finish(self, claim: Claim, status: Status, failure: Failure | None) -> None:
        with self._publishing:
            self._store.finish(claim, status, failure)
            self._claims.remove(claim)

    def _put_down(self, claim: Claim) -> None:
        if claim in self._claims:
            self._claims.remove(claim)
        self._heartbeat.rest()

    def _make_takes(self, claim: Claim, active_job: ActiveJob, sources: tuple[Source, ...]) -> None:
        check_sources(sources, self._settings)
        task = task_of(claim.job, sources, self._files, self._name)
        for number in range(1, len(task.requests) + 1):
            if number not in claim.done:
                self._make_take(task, number, claim, active_job)

    def _make_take(self, task: Task, number: int, claim: Claim, active_job: ActiveJob) -> None:
        active_job.take, active_job.stood_still_s = number, 0.0
        check_room(self._files, self._settings.least_free_bytes)
        take_id = new_id("take")
        watch = Watch(self._listener(active_job), active_job.should_stop)
        try:
            take = make_take(task, number, self._make, self._workshop, take_id, watch, self._edit)
            if active_job.should_stop():
                raise Cancelled("stopped before it was put into the library")
            self._publish(claim, replace(take, made_in_s=max(0.0, take.made_in_s - active_job.stood_still_s)))
        finally:
            shutil.rmtree(self._workshop.take(take_id), ignore_errors=True)
        active_job.finished += 1
        if task.edits:
            self._prune(take.id)

    def _listener(self, active_job: ActiveJob) -> OnProgress:
        """Hears of every step of a job; where it is no edit itself, edits that wait are made between two."""
        if active_job.claim.job.operation == "edit":
            return lambda progress: self._hear_edit(active_job, progress)
        doorway = Doorway(self._do_next_edit, lambda seconds: self._heartbeat.stood_still(active_job, seconds))

        def hear(progress: Progress) -> None:
            active_job.hear(progress)
            if not active_job.should_stop():
                doorway()

        return hear

    def _hear_edit(self, active_job: ActiveJob, progress: Progress) -> None:
        active_job.hear(progress)
        if progress.excerpt is not None:
            self._heartbeat.wake()

    def _prune(self, take_id: str) -> None:
        """Lets go of the oldest versions of the piece that a new one belongs to. What fails is done after the next."""
        with contextlib.suppress(StoreError, FileError):
            made = self._store.take(take_id)
            if made is not None:
                for gone in self._store.prune_versions(made.piece, self._settings.versions_kept):
                    discard(self._files, gone)

    def _publish(self, claim: Claim, take: NewTake) -> None:
        """The take's files and its row appear together, as far as that can be: files first, a note saying so."""
        note = note_of(self._workshop.root, take.id)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        with self._publishing:
            self._workshop.take(take.id).rename(self._files.take(take.id))
            added = self._insist(lambda: self._store.add_take(claim, take))
            # A row may be written although the answer was lost; a second try is then refused.
            added = added or self._insist(lambda: self._is_known(take.id))
            if not added:
                shutil.rmtree(self._files.take(take.id), ignore_errors=True)
        with contextlib.suppress(OSError):
            note.unlink()
        if not added:
            raise _Abandoned

    def _insist(self, use: Callable[[], T]) -> T:
        """What the database says, asked again while it is locked or full; for no longer than a lease lasts.

        Raises _Abandoned: by then the job has been given to somebody else, or will be.
        """
        until = time.monotonic() + self._settings.lease_s
        while True:
            try:
                return use()
            except StoreError as error:
                _log.warning("%s", error)
                if time.monotonic() > until:
                    raise _Abandoned from None
                time.sleep(TROUBLE_S)

    def _is_known(self, take_id: str) -> bool:
        return self._store.take(take_id) is not None

    def _shown(self, sources: tuple[Source, ...]) -> dict[str, tuple[str, str]]:
        named = {str(source.path): (source.name, source.field) for source in sources}
        root = str(self._files.root)
        return {**named, f"{root}{os.sep}": ("", ""), root: ("the data folder", "")}


def main() -> None:
    """Reads the order and works until the service stops it or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then stops its workers
    line = sys.stdin.readline()
    if not line:  # the service was gone before it could say anything
        return
    order = Order.from_line(line)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threading.Thread(target=_listen, args=(stopping,), name="input", daemon=True).start()
    logging.basicConfig(level=logging.INFO, format=f"worker {order.device}: %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    return_large_arrays_at_once()
    registry.DEFAULT.cache = rendered_cache(order.settings)
    worker = Worker(order, _open_store(order.settings, stopping), order.load_maker(), order.load_editor())

    def wait() -> None:
        stopping.wait()
        worker.leave()

    threading.Thread(target=wait, name="stop", daemon=True).start()
    worker.run()


def _listen(stopping: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == STOP_LINE:
            stopping.set()
    os._exit(0)


def _open_store(settings: Settings, stopping: threading.Event) -> Store:
    """Tried until the database is there: a server may start later than its clients."""
    while not stopping.is_set():
        try:
            return Store(settings.database)
        except StoreError as error:
            _log.warning("%s", error)
            stopping.wait(TROUBLE_S)
    sys.exit(0)


if __name__ == "__main__":
    main()
