"""The tools of :mod:`noisician.service.compat.mcp` over standard input and output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from mcp.server.mcpserver import Context

from noisician.service.companion import Companion
from noisician.service.compat import mcp
from noisician.service.compat.client import Client
from noisician.service.settings import Settings


def serve(settings: Settings, url: str | None = None, exports: Path | None = None) -> None:
    """Speaks until standard input ends: of the service at ``url``, else of the one of ``settings.data``.

    Where none runs on that folder, one is started when a tool first needs it, and ends with this process. Files are
    saved only into ``exports``.
    """
    companion = Companion(settings)
    start = anyio.Lock()

    @asynccontextmanager
    async def reach(_: Context) -> AsyncIterator[Client]:
        address = url
        if address is None:
            async with start:
                address = await companion.url()
        async with Client(address, companion.key) as service:
            yield service

    try:
        anyio.run(mcp.server(reach, exports).run_stdio_async)
    finally:
        companion.stop()
