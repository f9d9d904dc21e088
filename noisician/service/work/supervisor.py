"""Keeps the workers running: starts one a device, sees when one ends or falls silent, and has its job made again."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from noisician.service.files import Files
from noisician.service.settings import Settings
from noisician.service.store import Store, StoreError
from noisician.service.work.sweeping import sweep_all
from noisician.service.work.worker import DEFAULT_EDITOR, DEFAULT_MAKER, STOP_LINE, Order

WATCH_S = 0.2
LEASES_S = 1.0
#: After a worker that never got ready the next is started with a pause, longer each time.
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
#: So many in a row are told as trouble.
FAILED_STARTS = 2
#: So often in a row, a second apart, a worker must have been silent for a lease before it is ended.
SILENT_ROUNDS = 3
STOP_S = 5.0
#: No time between two looks is as long unless the machine slept.
SLEPT_S = 5.0

_log = logging.getLogger(__name__)


@dataclass
class _WorkerSlot:
    """A device and the process that serves it."""

    device: str
    process: subprocess.Popen[str] | None = None
    start_at_s: float = 0.0
    failed_starts: int = 0
    status: int = 0  # of the last that ended
    silent_rounds: int = 0
    bereft: bool = field(default=False)  # its worker is gone and the job not taken back yet


class Supervisor:
    """For the one service of a data folder, which holds its lock.

    ``maker`` and ``editor`` as in :class:`worker.Order`.
    """

    def __init__(
        self, settings: Settings, store: Store, maker: str = DEFAULT_MAKER, editor: str = DEFAULT_EDITOR
    ) -> None:
        self._settings, self._store, self._maker, self._editor = settings, store, maker, editor
        self._files = Files(settings.data.absolute())
        self._slots = [_WorkerSlot(device) for device in dict.fromkeys(settings.devices)]
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def processes(self) -> Mapping[str, int]:
        """Device → process id of the workers that run."""
        running = ((slot.device, slot.process) for slot in self._slots)
        return {device: process.pid for device, process in running if process is not None and process.poll() is None}

    def trouble(self) -> str | None:
        """Which worker does not come up, in one line; None where all do."""
        for slot in self._slots:
            if slot.failed_starts >= FAILED_STARTS:
                return (
                    f"worker {slot.device} ended {slot.failed_starts} times before it was ready"
                    f" (last with status {slot.status}); the service's log says why"
                )
        return None

    def start(self) -> None:
        """Tidies up, has everything that was being made queued again, and starts the workers.

        Raises FileError for a data folder that cannot be used, StoreError for such a database.
        """
        self._files.prepare()
        sweep_all(self._files, lambda take_id: self._store.take(take_id) is not None)
        self._store.forget_workers()
        self._store.requeue_lost(self._settings.attempts_limit, everything=True)
        for slot in self._slots:
            self._spawn(slot)
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Has the workers give their jobs back and waits for their end; whoever does not listen is killed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        processes = [slot.process for slot in self._slots if slot.process is not None]
        for process in processes:
            _tell_to_stop(process)
        until = time.monotonic() + STOP_S
        for process in processes:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _hang_up(process)
        with contextlib.suppress(StoreError):  # else the next start does it
            self._store.requeue_lost(self._settings.attempts_limit, everything=True)
            self._store.forget_workers()

    def _spawn(self, slot: _WorkerSlot) -> None:
        order = Order(self._settings, slot.device, self._maker, self._editor)
        environment = {name: value for name, value in os.environ.items() if name.upper() != "NOISICIAN_API_KEY"}
        quiet = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        own_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        process = subprocess.Popen(
            [sys.executable, "-m", "noisician.service.work.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # the service's own output may be a protocol
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
            creationflags=quiet | own_group,
        )
        slot.process, slot.silent_rounds = process, 0
        threading.Thread(target=_note, args=(process,), name=f"words of {slot.device}", daemon=True).start()
        with contextlib.suppress(OSError):  # ended already: seen at the next look
            assert process.stdin is not None
            process.stdin.write(order.to_line())
            process.stdin.flush()

    def _watch(self) -> None:
        looked_at = leases_at = time.time()
        while not self._stopping.wait(WATCH_S):
            now = time.time()
            slept, looked_at = not 0 <= now - looked_at < SLEPT_S, now
            try:
                for slot in self._slots:
                    self._attend(slot)
                if slept:  # nobody had a chance to report
                    leases_at = now
                elif now - leases_at >= LEASES_S:
                    leases_at = now
                    self._look_at_leases()
            except StoreError as error:
                _log.warning("%s", error)
            except Exception:
                _log.exception("the workers are not watched well")

    def _attend(self, slot: _WorkerSlot) -> None:
        now = time.monotonic()
        if slot.process is not None and slot.process.poll() is not None:
            _log.warning("worker %s ended (%s) and is started again", slot.device, slot.process.returncode)
            _hang_up(slot.process)
            slot.status = slot.process.returncode
            slot.failed_starts = 0 if self._was_ready(slot.device, slot.process.pid) else slot.failed_starts + 1
            slot.process, slot.start_at_s, slot.bereft = None, now + _pause_s(slot.failed_starts), True
        if slot.bereft:  # before another takes its name and claims a job under it
            self._store.requeue_lost(self._settings.attempts_limit, worker=slot.device)
            slot.bereft = False
        if slot.process is None and now >= slot.start_at_s and not self._stopping.is_set():
            self._spawn(slot)

    def _was_ready(self, device: str, pid: int) -> bool:
        workers = self._store.workers()
        return any((worker.name, worker.pid) == (device, pid) and worker.state != "starting" for worker in workers)

    def _look_at_leases(self) -> None:
        for job in self._store.requeue_lost(self._settings.attempts_limit):
            _log.warning("%s: its worker fell silent; it is %s now", job.id, job.status)
        # That could be written, so a worker could have too.
        seen = {worker.name: worker for worker in self._store.workers()}
        for slot in self._slots:
            worker = seen.get(slot.device)
            if slot.process is None or worker is None or worker.pid != slot.process.pid:
                continue
            if worker.state != "starting":
                slot.failed_starts = 0
            silent = time.time() - worker.seen_at > self._settings.lease_s
            slot.silent_rounds = slot.silent_rounds + 1 if silent else 0
            if slot.silent_rounds >= SILENT_ROUNDS:
                _log.warning("worker %s does not answer and is ended", slot.device)
                slot.process.kill()


def _note(process: subprocess.Popen[str]) -> None:
    """What a worker and its libraries say goes where the service's own troubles go, until the worker ends."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            if line.strip():
                _log.warning("%s", line.rstrip())


def _pause_s(failed_starts: int) -> float:
    if not failed_starts:
        return 0.0
    return min(FIRST_PAUSE_S * 2.0 ** min(failed_starts - 1, 30), LONGEST_PAUSE_S)


def _tell_to_stop(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        assert process.stdin is not None
        process.stdin.write(f"{STOP_LINE}\n")
        process.stdin.flush()


def _hang_up(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
