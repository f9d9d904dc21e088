"""Connections that are given up when no request comes over them: uvicorn itself waits for a first one for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

#: How long the first line and the headers of a request may take to arrive, in seconds.
REQUEST_S = 15.0


class Connection(H11Protocol):
    """HTTP/1.1 over one connection, which ends when it waits longer than REQUEST_S for a request."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._await_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(REQUEST_S, self._give_up, self.cycle)

    def _give_up(self, last: RequestResponseCycle | None) -> None:
        """Closes unless a request has come after the ``last`` one, or that one is still being answered."""
        if self.cycle is last and (last is None or last.response_complete):
            self.transport.close()
