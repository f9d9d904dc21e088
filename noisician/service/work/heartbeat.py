"""What a worker does beside the music: signs of life, progress, the growing picture, and hearing of cancellations.

All of it happens on one thread of its own, so that neither a slow database nor a picture ever holds up the music.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from noisician.export import Metadata, picture_of_mel, png_bytes
from noisician.export.encode import AudioFormat, encode
from noisician.models.protocol import Excerpt, Progress
from noisician.service.files import Files
from noisician.service.records import Claim, WorkerRecord
from noisician.service.store import Store, StoreError
from noisician.service.work.forecast import Forecast

HEARTBEAT_S = 0.2
SEEN_S = 1.0
PREVIEW_S = 0.5
PREVIEW_COLUMNS = 1200
#: The stage of a job whose model has not yet said anything.
STARTING = "starting"

_log = logging.getLogger(__name__)


@dataclass
class ActiveJob:
    """A job that the worker makes: written by the thread that makes it, read by the heartbeat's, and the reverse."""

    claim: Claim
    finished: int  # takes
    forecast: Forecast
    stage: str = STARTING
    share: float = 0.0
    take: int = 1
    news: Progress | None = None  # what there may be a new picture of
    excerpt: Excerpt | None = None  # what can be heard before the take is finished
    cancel: bool = False
    lost: bool = False
    stood_still_s: float = 0.0  # of the take that is being made
    told: tuple[str, float, int] | None = field(default=None, init=False)
    pictured_at: float = field(default=0.0, init=False)

    @classmethod
    def of(cls, claim: Claim) -> ActiveJob:
        finished = len(claim.done)
        share = finished / max(1, claim.job.takes)
        return cls(claim, finished, Forecast(time.monotonic(), share), share=share)

    def hear(self, progress: Progress) -> None:
        """What the model reports of the take it makes."""
        self.stage, self.news = progress.stage, progress
        if progress.excerpt is not None:
            self.excerpt = progress.excerpt
        takes = max(1, self.claim.job.takes)
        self.share = max(self.share, min(1.0, (self.finished + progress.share) / takes))

    def should_stop(self) -> bool:
        return self.cancel or self.lost


class HeartbeatThread:
    """The thread. ``hold`` gives it a job to report on, ``rest`` takes it away; one that is held while another is
    interrupts that, and both are reported on."""

    def __init__(self, store: Store, files: Files, name: str, lease_s: float) -> None:
        self._store, self._files, self._name, self._lease_s = store, files, name, lease_s
        self._active_jobs: tuple[ActiveJob, ...] = ()  # the last one is at work
        self._ended: str | None = None
        self._ready = False
        self._shown: tuple[str, str | None] | None = None
        self._seen_at = 0.0
        self._at_work = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def ready(self) -> None:
        """The models are loaded."""
        self._ready = True
        self._wake.set()

    def hold(self, claim: Claim) -> ActiveJob:
        active_job = ActiveJob.of(claim)
        with self._at_work:
            self._active_jobs = (*self._active_jobs, active_job)
        self._wake.set()
        return active_job

    def rest(self) -> None:
        """The last job held is not any more; when this returns, nothing more is written of it.

        Its picture and excerpt stay until the next job ends, for those who have only just been told of it.
        """
        with self._at_work:
            *others, active_job = self._active_jobs or (None,)
            self._active_jobs = tuple(other for other in others if other is not None)
        if active_job is not None:
            ended, self._ended = self._ended, active_job.claim.job.id
            if ended is not None and ended != self._ended:
                with contextlib.suppress(OSError):
                    for path in (self._files.preview(ended), *self._files.excerpts(ended).values()):
                        path.unlink(missing_ok=True)
        self._wake.set()

    def wake(self) -> None:
        """There is something that should not wait for the next beat."""
        self._wake.set()

    def stood_still(self, active_job: ActiveJob, seconds: float) -> None:
        """A job goes on after having been interrupted for so long."""
        with self._at_work:
            active_job.stood_still_s += seconds
            active_job.forecast.stand_still(seconds)

    def stop(self) -> None:
        """When this returns, nothing more is written."""
        with self._at_work:
            self._stopped = True
        self._wake.set()

    def _run(self) -> None:
        troubled = False
        while not self._stopped:
            try:
                with self._at_work:
                    if not self._stopped:
                        self._report_all()
                troubled = False
            except StoreError as error:  # locked, full: it may pass
                if not troubled:
                    _log.warning("%s", error)
                troubled = True
            except Exception:
                _log.exception("a report was not made")
            self._wake.wait(HEARTBEAT_S)
            self._wake.clear()

    def _report_all(self) -> None:
        for active_job in self._active_jobs:
            heartbeat = self._store.heartbeat(active_job.claim, self._lease_s)
            active_job.cancel = active_job.cancel or heartbeat.cancel
            active_job.lost = active_job.lost or heartbeat.lost
            if not active_job.should_stop():
                self._let_hear(active_job)
                self._report(active_job)
                self._picture(active_job)
        self._be_seen(self._active_jobs[-1] if self._active_jobs else None)

    def _report(self, active_job: ActiveJob) -> None:
        news = (active_job.stage, active_job.share, active_job.take)
        if news == active_job.told:
            return
        eta_s = active_job.forecast.left_s(time.monotonic(), active_job.share)
        self._store.report(active_job.claim, active_job.share, active_job.stage, eta_s, active_job.take)
        active_job.told = news

    def _let_hear(self, active_job: ActiveJob) -> None:
        excerpt, active_job.excerpt = active_job.excerpt, None
        if excerpt is None:
            return
        job_id, end_s = active_job.claim.job.id, excerpt.start_s + len(excerpt.samples) / excerpt.sample_rate_hz
        encoded = encode(excerpt.samples, Metadata(), None, AudioFormat("flac", 24, excerpt.sample_rate_hz))
        with contextlib.suppress(OSError):  # no room for it: it is heard when the take is finished
            before = self._files.excerpts(job_id)
            path = self._files.excerpt(job_id, excerpt.start_s)
            _write(b"".join(encoded.pieces), self._files.tmp / path.name, path)
            for other in before.values():
                if other != path:
                    other.unlink(missing_ok=True)
            self._store.excerpted(active_job.claim, active_job.take, round(excerpt.start_s, 3), round(end_s, 3))

    def _picture(self, active_job: ActiveJob) -> None:
        now = time.monotonic()
        sketch = getattr(active_job.news, "sketch", None)
        if sketch is None or now - active_job.pictured_at < PREVIEW_S:
            return
        active_job.news, active_job.pictured_at = None, now
        mel = sketch()
        if mel is None or not len(mel):
            return
        job_id = active_job.claim.job.id
        temporary = self._files.tmp / f"{job_id}.png"
        with contextlib.suppress(OSError):  # no room for a picture: no picture
            _write(preview_png(mel), temporary, self._files.preview(job_id))
            self._store.previewed(active_job.claim, active_job.take)

    def _be_seen(self, active_job: ActiveJob | None) -> None:
        state = "working" if active_job is not None else "ready" if self._ready else "starting"
        job_id = None if active_job is None else active_job.claim.job.id
        now = time.time()
        if (state, job_id) != self._shown or not 0 <= now - self._seen_at < SEEN_S:
            self._store.seen(WorkerRecord(self._name, os.getpid(), state, job_id, now))
            self._shown, self._seen_at = (state, job_id), now


def preview_png(mel: np.ndarray) -> bytes:
    """Log-mel ``[frames, bands]`` as a picture of at most ``PREVIEW_COLUMNS`` columns."""
    frames = len(mel)
    columns = min(frames, PREVIEW_COLUMNS)
    edges = np.linspace(0, frames, columns + 1).astype(np.int64)
    means = np.add.reduceat(mel, edges[:-1], axis=0) / np.diff(edges)[:, None]
    return png_bytes(picture_of_mel(means))


def _write(data: bytes, temporary: Path, target: Path) -> None:
    """A file that others read while it is replaced."""
    try:
        temporary.write_bytes(data)
        os.replace(temporary, target)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
