"""What every route works with, in one place."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from noisician.errors import FileError
from noisician.service.files import Files
from noisician.service.library.content import Shelf, discard
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.web.live import Hub
from noisician.service.web.security import Keys
from noisician.service.web.understanding import OtherNames

R = TypeVar("R")

#: Requests that are thought about, and files that are made, at the same time; the rest waits without a thread, so that
#: quick questions never stand behind slow ones.
_THOUGHTS, _EXPORTS = 4, 8


@dataclass(frozen=True)
class Desk:
    """The parts of one service. ``trouble`` says what ails its workers, None for nothing; ``other_names`` are what
    clients of other APIs call our fields; ``thinking``, ``restoring``, ``listening`` and ``exporting`` bound
    what is done at once."""

    settings: Settings
    store: Store
    files: Files
    shelf: Shelf
    hub: Hub
    keys: Keys
    trouble: Callable[[], str | None] = lambda: None
    other_names: OtherNames = field(default_factory=dict)
    thinking: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_THOUGHTS))
    #: A recipe may be large, and unpacks to many times its size: one after another.
    restoring: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    #: Listening takes a processor for many seconds.
    listening: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    exporting: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(_EXPORTS))

    async def think(self, work: Callable[..., R], *values: Any) -> R:
        """Runs what takes a processor for a moment in a thread."""
        return await anyio.to_thread.run_sync(work, *values, limiter=self.thinking)

    async def export(self, work: Callable[..., R], *values: Any) -> R:
        """Runs what takes a processor for seconds in a thread."""
        return await anyio.to_thread.run_sync(work, *values, limiter=self.exporting)

    def free_bytes(self) -> int:
        """Room on the disk of the data folder."""
        try:
            return shutil.disk_usage(self.files.root).free
        except OSError:
            return 0

    def discard_binned(self, before: float, take_id: str | None = None) -> None:
        """Removes for good what went into the bin before that time, or of that one take, files and all."""
        for gone in self.store.purge(before, take_id):
            with contextlib.suppress(FileError):  # one damaged id or open file keeps no other from going
                self.shelf.forget(gone)
                discard(self.files, gone)


async def _desk(request: Request) -> Desk:
    return request.app.state.desk


OnDesk = Annotated[Desk, Depends(_desk)]
