"""A service in the background for as long as the program that needs it lives.

``python -m noisician.service.companion FOLDER`` is that service; the end of its standard input is its own. It says
nothing on standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio

from noisician.errors import NoisicianError
from noisician.service.compat.client import Client, ServiceError
from noisician.service.files import Files
from noisician.service.settings import Settings

_START_LIMIT_S = 60.0
_LOOK_S = 0.1
_STOP_LIMIT_S = 10.0
#: The exit status that means: somebody else was faster, and will answer.
_ANOTHER = 3


class Companion:
    """Finds the service of a data folder, or starts one and stops it in the end. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> str | None:
        return None if self._settings.api_key is None else self._settings.api_key.get_secret_value()

    async def url(self) -> str:
        """Where the service answers, as soon as it does. Raises ServiceError for one that does not start."""
        found = await self._running()
        if found is not None:
            return found
        if self._process is None or self._process.poll() is not None:
            self._process = _started(self._settings)
        end_s = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < end_s:
            found = await self._running()
            if found is not None:
                return found
            if self._process.poll() not in (None, _ANOTHER):
                raise ServiceError(
                    f"the service of {self._settings.data} did not start; noisician studio --no-browser --data"
                    f" {self._settings.data} says why"
                )
            await anyio.sleep(_LOOK_S)
        raise ServiceError(f"the service of {self._settings.data} did not answer within {_START_LIMIT_S:g} s")

    def stop(self) -> None:
        """Ends the service if it was started here. What waits in its queue goes on the next time."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    async def _running(self) -> str | None:
        url = address(Files(self._settings.data).lock)
        if url is None:
            return None
        async with Client(url, self.key) as service:
            try:
                await service.health()
            except ServiceError as error:
                # One that answers, but not well, is still the one that holds the folder.
                return url if error.status in (401, 403, 503) else None
        return url


def address(lock: Path) -> str | None:
    """Where the service that holds a data folder says it answers; None while nobody says so."""
    try:
        url = json.loads(lock.read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) and url.startswith("http://") else None


def _started(settings: Settings) -> subprocess.Popen[bytes]:
    """A process of its own, whose standard output is not ours: on ours, protocols are spoken."""
    command = [sys.executable, "-m", "noisician.service.companion", str(settings.data)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def main() -> int:
    """Serves until standard input ends. Everything but the folder comes from the environment, the key too."""
    from noisician.service.app import serve
    from noisician.service.lock import AlreadyRunning

    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings(data=Path(sys.argv[1]), host="127.0.0.1", port=0)
    try:
        serve(settings, open_browser=False)
    except AlreadyRunning:
        return _ANOTHER
    except NoisicianError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _end_with_parent() -> None:
    # Unbuffered: a thread that holds the buffer's lock would break the interpreter's own end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
