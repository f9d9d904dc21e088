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

from noisician.export import picture_of_mel, png_bytes
from noisician.models.protocol import Progress
from noisician.service.files import Files
from noisician.service.records import Claim, WorkerRecord
from noisician.service.store import Store, StoreError
from noisician.service.work.forecast import Forecast

BEAT_S = 0.2
SEEN_S = 1.0
PREVIEW_S = 0.5
PREVIEW_COLUMNS = 1200
#: The stage of a job whose model has not yet said anything.
STARTING = "starting"

_log = logging.getLogger(__name__)


@dataclass
class Hand:
    """A job in the worker's hands: written by the thread that makes it, read by the heart, and the other way round."""

    claim: Claim
    finished: int  # takes
    forecast: Forecast
    stage: str = STARTING
    share: float = 0.0
    take: int = 1
    news: Progress | None = None  # what there may be a new picture of
    cancel: bool = False
    lost: bool = False
    stood_still_s: float = 0.0  # of the take that is being made
    told: tuple[str, float, int] | None = field(default=None, init=False)
    pictured_at: float = field(default=0.0, init=False)

    @classmethod
    def of(cls, claim: Claim) -> Hand:
        finished = len(claim.done)
        share = finished / max(1, claim.job.takes)
        return cls(claim, finished, Forecast(time.monotonic(), share), share=share)

    def hear(self, progress: Progress) -> None:
        """What the model reports of the take it makes."""
        self.stage, self.news = progress.stage, progress
        takes = max(1, self.claim.job.takes)
        self.share = max(self.share, min(1.0, (self.finished + progress.share) / takes))

    def should_stop(self) -> bool:
        return self.cancel or self.lost


class Heart:
    """The thread. ``hold`` gives it a job to report on, ``rest`` takes it away; one that is held while another is
    interrupts that, and both are reported on."""

    def __init__(self, store: Store, files: Files, name: str, lease_s: float) -> None:
        self._store, self._files, self._name, self._lease_s = store, files, name, lease_s
        self._hands: tuple[Hand, ...] = ()  # the last one is at work
        self._ended: str | None = None
        self._ready = False
        self._shown: tuple[str, str | None] | None = None
        self._seen_at = 0.0
        self._at_work = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="heart", daemon=True).start()

    def ready(self) -> None:
        """The models are loaded."""
        self._ready = True
        self._wake.set()

    def hold(self, claim: Claim) -> Hand:
        hand = Hand.of(claim)
        with self._at_work:
            self._hands = (*self._hands, hand)
        self._wake.set()
        return hand

    def rest(self) -> None:
        """The last job held is not any more; when this returns, nothing more is written of it.

        Its picture stays until the next job ends, for those who have only just been told of it.
        """
        with self._at_work:
            *others, hand = self._hands or (None,)
            self._hands = tuple(other for other in others if other is not None)
        if hand is not None:
            ended, self._ended = self._ended, hand.claim.job.id
            if ended is not None and ended != self._ended:
                with contextlib.suppress(OSError):
                    self._files.preview(ended).unlink(missing_ok=True)
        self._wake.set()

    def stood_still(self, hand: Hand, seconds: float) -> None:
        """A job goes on after having been interrupted for so long."""
        with self._at_work:
            hand.stood_still_s += seconds
            hand.forecast.stand_still(seconds)

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
                        self._beat()
                troubled = False
            except StoreError as error:  # locked, full: it may pass
                if not troubled:
                    _log.warning("%s", error)
                troubled = True
            except Exception:
                _log.exception("a report was not made")
            self._wake.wait(BEAT_S)
            self._wake.clear()

    def _beat(self) -> None:
        for hand in self._hands:
            beat = self._store.beat(hand.claim, self._lease_s)
            hand.cancel, hand.lost = hand.cancel or beat.cancel, hand.lost or beat.lost
            if not hand.should_stop():
                self._report(hand)
                self._picture(hand)
        self._be_seen(self._hands[-1] if self._hands else None)

    def _report(self, hand: Hand) -> None:
        news = (hand.stage, hand.share, hand.take)
        if news == hand.told:
            return
        eta_s = hand.forecast.left_s(time.monotonic(), hand.share)
        self._store.report(hand.claim, hand.share, hand.stage, eta_s, hand.take)
        hand.told = news

    def _picture(self, hand: Hand) -> None:
        now = time.monotonic()
        sketch = getattr(hand.news, "sketch", None)
        if sketch is None or now - hand.pictured_at < PREVIEW_S:
            return
        hand.news, hand.pictured_at = None, now
        mel = sketch()
        if mel is None or not len(mel):
            return
        job_id = hand.claim.job.id
        temporary = self._files.tmp / f"{job_id}.png"
        with contextlib.suppress(OSError):  # no room for a picture: no picture
            _write(preview_png(mel), temporary, self._files.preview(job_id))
            self._store.previewed(hand.claim, hand.take)

    def _be_seen(self, hand: Hand | None) -> None:
        state = "working" if hand is not None else "ready" if self._ready else "starting"
        job_id = None if hand is None else hand.claim.job.id
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
