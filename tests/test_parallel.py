"""Work on all cores: in order, counted, stopped together."""

from __future__ import annotations

import threading

import pytest

from noisician.errors import Cancelled, RequestError
from noisician.parallel import Steps, map_in_order


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_jobs_order_and_steps_are_counted(workers: int) -> None:
    shares: list[float] = []
    steps = Steps(8, shares.append)

    def work(job: int) -> int:
        steps()
        return job * job

    assert list(map_in_order(work, range(8), steps, workers)) == [job * job for job in range(8)]
    assert shares == [step / 8 for step in range(1, 9)]


def test_no_jobs_no_results() -> None:
    assert list(map_in_order(str, [], Steps(0, print), 3)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_a_wish_to_stop_reaches_every_thread(workers: int) -> None:
    begun: list[int] = []

    def cancel(share: float) -> None:
        raise Cancelled("enough")

    steps = Steps(100, cancel)

    def work(job: int) -> None:
        begun.append(job)
        steps()

    with pytest.raises(Cancelled):
        list(map_in_order(work, range(100), steps, workers))
    assert 1 <= len(begun) <= workers


def test_the_failure_that_began_it_is_the_one_to_hear() -> None:
    together = threading.Barrier(2, timeout=10)
    steps = Steps(2, lambda share: None)

    def work(job: int) -> None:
        together.wait()
        if job == 1:
            raise RequestError("the cause")
        while True:  # until the other thread's failure stops this one
            steps()

    with pytest.raises(RequestError, match="the cause"):
        list(map_in_order(work, [0, 1], steps, 2))


def test_leaving_early_stops_the_rest() -> None:
    gate = threading.Event()
    steps = Steps(3, lambda share: None)
    finished: list[int] = []

    def work(job: int) -> int:
        steps()
        finished.append(job)
        if job:
            gate.wait(10)
            steps()
        return job

    results = map_in_order(work, range(2), steps, 2)
    gate.set()
    assert next(results) == 0
    results.close()
    with pytest.raises(Cancelled):
        steps()
