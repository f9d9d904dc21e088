"""Events as they happen: one reader of the database a process, any number of listeners."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import anyio.to_thread

from noisician.errors import NoisicianError
from noisician.service.records import FINISHED, EventRecord, JobRecord
from noisician.service.store import Store

#: How long after it happened an event is noticed at most, in seconds.
POLL_S = 0.1
#: How often a silent stream says that it is alive, in seconds.
KEEPALIVE_S = 15.0
#: A listener that is so many events behind is let go; it comes back and reads them from the database.
_BACKLOG = 1000
_CHUNK = 500
STREAMS_LIMIT = 256

_log = logging.getLogger(__name__)


class Listener:
    """What one client has yet to be told. ``None`` in the queue ends it."""

    def __init__(self, job_id: str | None) -> None:
        self.job_id = job_id
        self._queue: asyncio.Queue[EventRecord | None] = asyncio.Queue()

    def offer(self, event: EventRecord) -> bool:
        """Hands over an event that concerns it; False when it is too far behind."""
        if self.job_id is not None and event.job_id != self.job_id:
            return True
        if self._queue.qsize() >= _BACKLOG:
            self.end()
            return False
        self._queue.put_nowait(event)
        return True

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def next(self, timeout_s: float) -> EventRecord | None:
        """The next event, None at the end. Raises TimeoutError."""
        return await asyncio.wait_for(self._queue.get(), timeout_s)


class Hub:
    """Reads the events of all processes from the database while anybody listens, and tells every listener."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._tail: asyncio.Task[None] | None = None
        self._closed = False
        self._streams = 0

    def admit(self) -> bool:
        """Whether one more stream may begin; each that does is to be dismissed at its end."""
        if self._streams >= STREAMS_LIMIT:
            return False
        self._streams += 1
        return True

    def dismiss(self) -> None:
        self._streams -= 1

    def close(self) -> None:
        """Ends every stream; those that come later end at once."""
        self._closed = True
        for listener in tuple(self._listeners):
            listener.end()

    @contextlib.asynccontextmanager
    async def listening(self, job_id: str | None = None) -> AsyncIterator[Listener]:
        """A listener that misses nothing from here on, of one job or of all."""
        listener = Listener(job_id)
        if self._closed:
            listener.end()
        elif self._tail is None or self._tail.done():
            last = await anyio.to_thread.run_sync(self._store.last_event_id)
            # Another listener may have come to the same while the database was asked.
            if self._tail is None or self._tail.done():
                self._tail = asyncio.create_task(self._follow(last))
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def events(self, after: int, job_id: str | None = None) -> AsyncIterator[EventRecord | None]:
        """Events after the id ``after``, first those in the database.

        None says that the past is told, and later now and then that nothing happens. Ends when the hub closes or the
        listener is too slow.
        """
        async with self.listening(job_id) as listener:
            # Nothing is missed between the two: what happens while the past is read waits in the queue.
            while not self._closed:
                past = await anyio.to_thread.run_sync(self._store.events_after, after, job_id, _CHUNK)
                for event in past:
                    after = event.id
                    yield event
                if len(past) < _CHUNK:
                    yield None
                    break
            while True:
                try:
                    event = await listener.next(KEEPALIVE_S)
                except asyncio.TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                if event.id > after:
                    after = event.id
                    yield event

    async def finished(self, job_id: str, timeout_s: float) -> JobRecord | None:
        """The job when it has ended, or as it is after ``timeout_s``; no thread waits meanwhile."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        async with self.listening(job_id) as listener:
            while True:
                job = await anyio.to_thread.run_sync(self._store.job, job_id)
                if job is None or job.status in FINISHED:
                    return job
                try:
                    await _until_status(listener, deadline)
                except asyncio.TimeoutError:
                    return job

    async def _follow(self, last: int) -> None:
        """Tells the listeners what happens until nobody listens. A database that fails is asked again."""
        while self._listeners and not self._closed:
            try:
                events = await anyio.to_thread.run_sync(self._store.events_after, last, None, _CHUNK)
            except NoisicianError as error:
                _log.warning("events cannot be read: %s", error)
                events = ()
                await asyncio.sleep(1.0)
            for event in events:
                last = event.id
                for listener in tuple(self._listeners):
                    if not listener.offer(event):
                        self._listeners.discard(listener)
            if len(events) < _CHUNK:
                await asyncio.sleep(POLL_S)


async def _until_status(listener: Listener, deadline: float) -> None:
    """Returns at the next change of status, or at the end. Raises TimeoutError at the deadline."""
    while True:
        event = await listener.next(max(0.0, deadline - asyncio.get_running_loop().time()))
        if event is None:
            raise asyncio.TimeoutError
        if event.type == "status":
            return
