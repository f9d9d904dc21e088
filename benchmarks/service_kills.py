"""Whether a queue survives its workers and its service being killed.

    python benchmarks/service_kills.py [--jobs 200] [--kills 10] [--fake]

So many jobs of one second of music are queued. While they are made, SIGKILL hits the worker and the whole service in
turn, each time at a random moment, and the service is started again. In the end every job must be completed with
exactly one take, every take must have its files and every file its take. ``--fake`` makes tones instead of music, to
try the bookkeeping alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from common import markdown_table, publish

from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.service.files import Files
from noisician.service.records import NewJob
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.work.supervisor import Supervisor
from noisician.service.work.worker import DEFAULT_MAKER

HERE = Path(__file__).parent
SEED = 1
PATIENCE_S = 120.0
PARAMS = {"prompt": "calm piano", "instruments": ["grand_piano"], "duration_s": 1.0}


def tone(request: Request, **others: Any) -> Music:
    """Stands in for a model."""
    seed = request.seed or 0
    time.sleep(0.05)
    wave = 0.1 * np.sin(np.arange(44100) * (seed % 1000 + 100) / 4000).astype(np.float32)
    audio = np.stack([wave, wave], axis=1)
    return Music(audio, Recipe(request=request, seed=seed), stems={"tone": audio})


class Service:
    """The process that would answer requests, without its web side."""

    def __init__(self, data: Path, maker: str) -> None:
        command = [sys.executable, __file__, "--serve", str(data), "--maker", maker]
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def serve(data: Path, maker: str) -> None:
    """The service's process: runs until its input ends."""
    settings = Settings(data=data)
    store = Store(settings.database)
    supervisor = Supervisor(settings, store, maker)
    supervisor.start()
    sys.stdin.read()
    supervisor.stop()
    store.close()


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit("nothing happened for two minutes")
        time.sleep(0.01)
    return found


def unfinished(store: Store) -> int:
    counts = store.counts()
    return counts.get("queued", 0) + counts.get("in_progress", 0)


def wait_for(store: Store, condition: Callable[[], bool]) -> None:
    """As long as job after job is done."""
    while not condition():
        left = unfinished(store)
        until(lambda left=left: unfinished(store) != left)


def kill_and_wait(store: Store, service: Service, data: Path, maker: str, whole: bool) -> tuple[Service, float]:
    """Kills the worker or the ``whole`` service; returns the service that runs then and the seconds until another
    worker is at work."""
    (worker,) = until(store.workers)
    began_s = time.monotonic()
    if whole:
        service.kill()
        service = Service(data, maker)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)

    def another_works() -> bool:
        return any(found.pid != worker.pid and found.state == "working" for found in store.workers())

    until(lambda: another_works() or not unfinished(store))
    return service, time.monotonic() - began_s


def run(store: Store, data: Path, maker: str, jobs: int, kills: int) -> tuple[list[float], float]:
    """Makes all jobs; returns how long each kill held up the work, and the seconds it all took."""
    moments = random.Random(SEED)
    for number in range(jobs):
        store.enqueue(NewJob({**PARAMS, "seed": number}, "embedded", 1), jobs)
    began_s = time.monotonic()
    service = Service(data, maker)
    pauses = []
    for number in range(kills):
        due = round(jobs * (number + moments.uniform(0.1, 0.9)) / kills)
        wait_for(store, lambda due=due: store.counts().get("completed", 0) >= due)
        time.sleep(moments.uniform(0.0, 1.0))
        service, pause_s = kill_and_wait(store, service, data, maker, whole=number % 2 == 1)
        pauses.append(pause_s)
    wait_for(store, lambda: not unfinished(store))
    took_s = time.monotonic() - began_s
    service.stop()
    return pauses, took_s


def all_of(page: Callable[..., Any]) -> Iterator[Any]:
    """Every item of a list that comes in pages."""
    after = None
    while True:
        part = page(limit=100, after=after)
        yield from part.items
        after = part.after
        if after is None:
            return


def verdict(store: Store, files: Files) -> dict[str, Any]:
    """What became of the jobs, and whether library and folders agree."""
    jobs, takes = list(all_of(store.jobs)), list(all_of(store.takes))
    per_job = Counter(take.job_id for take in takes)
    rows, folders = {take.id for take in takes}, {folder.name for folder in files.takes.iterdir()}
    playable = sum(soundfile.info(files.track(take.id)).frames == 44100 for take in takes)
    return {
        "jobs": len(jobs),
        "status": dict(Counter(job.status for job in jobs)),
        "jobs_with_exactly_one_take": sum(per_job[job.id] == 1 for job in jobs),
        "attempts": {str(count): jobs for count, jobs in sorted(Counter(job.attempts for job in jobs).items())},
        "takes": len(takes),
        "playable_takes": playable,
        "takes_without_folder": len(rows - folders),
        "folders_without_take": len(folders - rows),
        "files_left_over": sum(path.is_file() for path in files.tmp.rglob("*")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--fake", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--maker", default=DEFAULT_MAKER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve, given.maker)
        return
    maker = "service_kills:tone" if given.fake else DEFAULT_MAKER
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        files = Files(settings.data)
        files.prepare()
        store = Store(settings.database)
        pauses, took_s = run(store, settings.data, maker, given.jobs, given.kills)
        figures = verdict(store, files)
        store.close()
    figures |= {"kills": given.kills, "took_s": took_s, "longest_pause_s": max(pauses, default=0.0), "pauses_s": pauses}
    rows = [(name, value) for name, value in figures.items() if name != "pauses_s"]
    table = markdown_table(("", "figure"), rows)
    if given.fake:
        print(table)
    else:
        publish("service_kills", table, figures)
    exact = figures["jobs_with_exactly_one_take"] == figures["status"].get("completed") == given.jobs
    unlike = figures["takes_without_folder"] + figures["folders_without_take"] + figures["files_left_over"]
    if not exact or unlike or figures["playable_takes"] != given.jobs:
        raise SystemExit("not every job was completed exactly once")


if __name__ == "__main__":
    main()
