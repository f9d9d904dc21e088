"""MCP inside the service, imported and started when somebody first asks for it: it is large, and few do."""

from __future__ import annotations

import asyncio
import contextlib
from importlib import import_module

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send


class Assistants:
    """ASGI application for ``/mcp``. ``close`` belongs to the end of the service."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._endpoint: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._endpoint is None or self._endpoint.get_loop() is not asyncio.get_running_loop():
            self._endpoint = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._endpoint))
        endpoint = await asyncio.shield(self._endpoint)
        await endpoint(scope, receive, send)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = self._endpoint = None

    async def _run(self, ready: asyncio.Future[ASGIApp]) -> None:
        """Holds the endpoint open until it is cancelled; what fails is what the waiting requests hear."""
        try:
            module = await anyio.to_thread.run_sync(import_module, "noisician.service.compat.mcp")
            endpoint = module.Endpoint(self._app)
            async with endpoint.running():
                ready.set_result(endpoint)
                await asyncio.Event().wait()
        except Exception as error:
            if not ready.done():
                ready.set_exception(error)
            self._endpoint = None
