"""The service as one ASGI application, and the process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from types import FrameType

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from noisician.errors import NoisicianError, RequestError
from noisician.recipe import software_version
from noisician.service.compat import ace_step, ace_step_daw
from noisician.service.compat.assistants import Assistants
from noisician.service.compat.names import OTHER_NAMES
from noisician.service.files import Files
from noisician.service.library.content import Shelf
from noisician.service.lock import FolderLock
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.web import documentation, problems
from noisician.service.web.connection import Connection
from noisician.service.web.desk import Desk
from noisician.service.web.live import Hub
from noisician.service.web.routes import catalogue, changes, content, editing, events, music, session, takes, uploads
from noisician.service.web.security import Gate, Keys, SecurityHeaders, check_exposure
from noisician.service.web.studio_page import StudioPage
from noisician.service.web.watching import REQUEST_ID, Heads, Watch
from noisician.service.work.supervisor import Supervisor

#: What happened is told for so long, and a take can be taken out of the bin, in seconds.
EVENTS_KEPT_S = 7 * 24 * 3600.0
BIN_KEPT_S = 30 * 24 * 3600.0
_TIDY_EVERY_S = 3600.0
#: How long answers that are being sent may go on after the end was asked for, in whole seconds.
_LAST_WORDS_S = 1
_OPEN_FILES = 8192
_LOG_BYTES, _LOGS_KEPT = 2_000_000, 3

_log = logging.getLogger(__name__)


def create_app(
    settings: Settings, store: Store, files: Files, trouble: Callable[[], str | None] = lambda: None
) -> FastAPI:
    """The API, the studio's page, ACE-Step's calls and MCP over one store and one data folder.

    Nothing is made here: that is the workers', which :func:`serve` starts. ``trouble`` says what ails them,
    None for nothing.
    """
    page = StudioPage()
    keys = Keys(settings)
    shelf = Shelf(files, settings.export_cache_bytes)
    desk = Desk(settings, store, files, shelf, Hub(store), keys, trouble, OTHER_NAMES)
    app = FastAPI(
        title="noisician",
        version=software_version(),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.desk = desk
    routers = [part.router for part in (music, changes, editing, takes, content, events, uploads, catalogue, session)]
    problems.install(app, [route for router in routers for route in router.routes])
    for router in routers:
        app.include_router(router)
    documentation.install(app, settings)
    ace_step_daw.install(app)  # before the calls that answer for all of their prefix
    ace_step.install(app)
    app.state.assistants = Assistants(app)
    app.router.routes.append(Route("/mcp", app.state.assistants, include_in_schema=False))
    app.router.default = page
    # The last one added is the first one asked.
    app.add_middleware(Heads)
    app.add_middleware(Gate, settings=settings, keys=keys, is_page=page.has, checks_itself=ace_step.checks_its_own_key)
    app.add_middleware(Watch)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "HEAD", "POST", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID", "Range"),
            expose_headers=("Location", "Content-Disposition", "ETag", "Retry-After", "Start-S", REQUEST_ID),
        )
    app.add_middleware(SecurityHeaders)
    return app


def serve(settings: Settings, open_browser: bool, tell: Callable[[str], None] = print) -> None:
    """Serves until Ctrl-C or SIGTERM; ``tell`` hears the address. One service a data folder.

    Raises KeyboardInterrupt after Ctrl-C, RequestError for a host that needs a key or a port that is taken,
    AlreadyRunning where the folder has its service, FileError and StoreError for a folder or a database that cannot be
    used.
    """
    check_exposure(settings)
    _allow_connections()
    files = Files(settings.data.absolute())
    files.prepare()
    lock = FolderLock(files.lock)
    try:
        with contextlib.closing(_listen(settings)) as listener:
            _log_to(files)
            store = Store(settings.database)
            try:
                _Server(settings, store, files, lock, listener).serve_until_told(open_browser, tell)
            finally:
                store.close()
    finally:
        lock.release()


class _Server(uvicorn.Server):
    """uvicorn's server, which stops the workers and ends the event streams while it says its last words."""

    def __init__(
        self, settings: Settings, store: Store, files: Files, lock: FolderLock, listener: socket.socket
    ) -> None:
        self._supervisor = Supervisor(settings, store)
        self._app = create_app(settings, store, files, self._supervisor.trouble)
        config = uvicorn.Config(
            self._app,
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=_LAST_WORDS_S,
        )
        super().__init__(config)
        self._lock, self._listener = lock, listener
        self._url = address_of(settings.host, listener.getsockname()[1])
        self._begin: Callable[[], None] = lambda: None
        self._interrupted = False

    def serve_until_told(self, open_browser: bool, tell: Callable[[str], None]) -> None:
        """Raises KeyboardInterrupt after a Ctrl-C, when everything is put down."""

        def begin() -> None:
            self._lock.announce(self._url)
            tell(self._url)
            if open_browser:
                show_in_browser(self._url)

        self._begin = begin
        self._supervisor.start()
        try:
            self.run(sockets=[self._listener])
        finally:
            self._supervisor.stop()
        if self._interrupted:
            raise KeyboardInterrupt

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops; a second Ctrl-C waits for nobody. uvicorn would send itself the signal again when it has stopped, and
        how that ends depends on where it is met."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        self._interrupted |= sig == signal.SIGINT

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._begin()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.desk.hub.close()
        await asyncio.gather(super().shutdown(sockets), asyncio.to_thread(self._supervisor.stop))


def address_of(host: str, port: int) -> str:
    """The address a browser on this machine reaches a service by that listens on ``host``."""
    plain = host.strip("[]")
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(plain, f"[{plain}]" if ":" in plain else plain)
    return f"http://{name}:{port}"


def show_in_browser(url: str) -> None:
    """Opens a page without waiting for the browser."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _listen(settings: Settings) -> socket.socket:
    """A listening socket. Raises RequestError, one line, where the address cannot be had."""
    host = settings.host.strip("[]")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise RequestError(
            f"--host {host!r} is no address of this machine ({getattr(error, 'strerror', error)})"
        ) from None
    listener = socket.socket(family, kind, protocol)
    if sys.platform != "win32":  # where it would let two services share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise RequestError(
            f"port {settings.port} of {host} cannot be had ({(error.strerror or str(error)).lower()});"
            " --port 0 takes any free one"
        ) from None
    listener.setblocking(False)
    return listener


def _allow_connections() -> None:
    """As many open files as the system lets this process have: many listeners and players each hold one or two."""
    if sys.platform == "win32":
        return
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    if 0 <= now < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _log_to(files: Files) -> None:
    """Requests and troubles go to a file in the data folder, troubles to standard error too."""
    handler = logging.handlers.RotatingFileHandler(
        files.root / "service.log", maxBytes=_LOG_BYTES, backupCount=_LOGS_KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    ours = logging.getLogger("noisician")
    ours.setLevel(logging.INFO)
    ours.propagate = False
    for each in (handler, shown):
        ours.addHandler(each)
    logging.raiseExceptions = False  # a full disk is no reason to fill the terminal


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    jobs = [asyncio.create_task(_warm()), asyncio.create_task(_tidy(desk))]
    try:
        yield
    finally:
        desk.hub.close()
        for job in jobs:
            job.cancel()
        await app.state.assistants.close()


async def _warm() -> None:
    """Reads the tables that the first request would wait for."""
    from noisician import api
    from noisician.request import Request

    with contextlib.suppress(NoisicianError):
        await anyio.to_thread.run_sync(api.checked, Request(prompt="a quiet beginning in the colours of the morning"))


async def _tidy(desk: Desk) -> None:
    """Forgets old events and empties the bin of what has been in it for long."""
    while True:
        try:
            await anyio.to_thread.run_sync(_tidy_once, desk)
        except NoisicianError as error:
            _log.warning("the database cannot be tidied: %s", error)
        await asyncio.sleep(_TIDY_EVERY_S)


def _tidy_once(desk: Desk) -> None:
    now = time.time()
    desk.store.prune_events(now - EVENTS_KEPT_S)
    desk.discard_binned(now - BIN_KEPT_S)
