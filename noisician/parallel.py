"""Independent pieces of work on all cores.

Threads, not processes: the work is ONNX Runtime, FFTs and large array operations, all of which let go of Python's lock.
Each piece runs on one thread from start to end, so results do not depend on how many cores there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from noisician.errors import Cancelled
from noisician.weights import available_cores

Job = TypeVar("Job")
Result = TypeVar("Result")


def ignore_step() -> None:
    """The ``on_step`` of those who need not know how far the work is."""


class Steps:
    """Counts steps done by any thread and passes the share on; once that raises, every thread's next step raises."""

    def __init__(self, total: int, on_share: Callable[[float], None]) -> None:
        self._total, self._on_share = max(1, total), on_share
        self._done, self._stopped, self._lock = 0, False, threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.check()
            self._done += 1
            try:
                self._on_share(self._done / self._total)
            except BaseException:
                self._stopped = True
                raise

    def check(self) -> None:
        if self._stopped:
            raise Cancelled("stopped with the other threads")

    def stop(self) -> None:
        self._stopped = True


def map_in_order(
    work: Callable[[Job], Result], jobs: Sequence[Job], steps: Steps, workers: int | None = None
) -> Iterator[Result]:
    """``work`` of every job, in the jobs' order. The first exception stops the others at their next step."""
    workers = min(len(jobs), workers or available_cores())
    if workers <= 1:
        yield from map(work, jobs)
        return

    def begin(job: Job) -> Result:
        steps.check()  # a job still waiting when another one stopped does not take its first step
        return work(job)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(begin, job) for job in jobs]
        try:
            yield from _results(futures)
        except BaseException:
            steps.stop()
            for future in futures:
                future.cancel()
            raise


def _results(futures: Sequence[Future[Result]]) -> Iterator[Result]:
    # The exception that began it all is the one to hear, not the Cancelled it caused in the others.
    finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
    failed = [future for future in futures if future in finished and future.exception() is not None]
    for future in failed:
        if not isinstance(future.exception(), Cancelled):
            future.result()
    for future in futures:
        yield future.result()
