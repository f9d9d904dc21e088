"""The whole service in one process for tests: its application, its store, and a thread in place of the worker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import quick_maker
import uvicorn
from fastapi import FastAPI

from noisician.models.protocol import ignore_progress, never
from noisician.service.app import create_app
from noisician.service.compat.client import Client
from noisician.service.files import Files, new_id
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.work.take_job import Watch, make_take, sources_of, task_of

URL = "http://127.0.0.1:8484"
T = TypeVar("T")


@dataclass
class SmallService:
    """``running`` serves; with ``works`` False nothing is ever made."""

    settings: Settings
    works: bool = True
    store: Store = field(init=False)
    files: Files = field(init=False)
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self.settings.data)
        self.files.prepare()
        self.store = Store(self.settings.database)
        self.app = create_app(self.settings, self.store, self.files)

    @property
    def key(self) -> str | None:
        return None if self.settings.api_key is None else self.settings.api_key.get_secret_value()

    def client(self, key: str | None = None) -> Client:
        return Client.within(self.app, URL, key or self.key)

    @contextlib.contextmanager
    def at_an_address(self) -> Iterator[str]:
        """It answers at this address of the machine, for clients that are not of this process's making."""
        ready, finished = threading.Event(), threading.Event()

        async def serve() -> None:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                address.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
                server = uvicorn.Server(uvicorn.Config(self.app, lifespan="off", log_config=None))
                async with self.running():
                    serving = asyncio.create_task(server.serve([listener]))
                    ready.set()
                    await asyncio.to_thread(finished.wait, 60)
                    server.should_exit = True
                    await serving

        address: list[str] = []
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert ready.wait(30)
        try:
            yield address[0]
        finally:
            finished.set()
            thread.join()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stopping = threading.Event()
        worker = threading.Thread(target=self._work, args=(stopping,))
        async with self.app.router.lifespan_context(self.app):
            worker.start()
            try:
                yield
            finally:
                stopping.set()
                await asyncio.to_thread(worker.join)
        self.store.close()

    def _work(self, stopping: threading.Event) -> None:
        while not stopping.wait(0.01):
            claim = self.store.claim("auto", 60.0) if self.works else None
            if claim is None:
                continue
            task = task_of(claim.job, sources_of(claim.job, self.files, self.store), self.files)
            for number in range(1, claim.job.takes + 1):
                take = make_take(
                    task,
                    number,
                    quick_maker.make,
                    self.files,
                    new_id("take"),
                    Watch(ignore_progress, never),
                    quick_maker.edit,
                )
                self.store.add_take(claim, take)
            self.store.finish(claim, "completed")


def small_service(folder: Path, works: bool = True, **settings: Any) -> SmallService:
    return SmallService(Settings(data=folder / "data", least_free_bytes=0, **settings), works)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))
