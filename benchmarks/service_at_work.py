"""A service started for a benchmark, and a client that asks it."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PATIENCE_S = 180.0
POLL_S = 0.05


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    wall_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection that stays open."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        begun = time.perf_counter()
        self._connection.request(method, path, data, {"Content-Type": "application/json", **named})
        answer = self._connection.getresponse()
        content = answer.read()
        return Answer(answer.status, content, time.perf_counter() - begun)

    def must(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        answer = self.ask(method, path, body, **headers)
        if answer.status != status:
            sys.exit(f"{method} {path} answered {answer.status}, not {status}: {answer.body[:300].decode()}")
        return answer


@dataclass(frozen=True)
class Studio:
    """A running service; ``begun`` is when its process was created, on the performance counter."""

    client: Client
    begun: float
    health_s: float

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.begun


@contextlib.contextmanager
def studio() -> Iterator[Studio]:
    """The service as somebody starts it, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "noisician", "studio", "--no-browser", "--port", "0", "--data", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            port = said.strip().rpartition(":")[2]
            if not port.isdigit():
                sys.exit(f"the studio told no address but {said!r}")
            client = Client(int(port))
            client.must(200, "GET", "/health")
            yield Studio(client, begun, time.perf_counter() - begun)
        finally:
            process.terminate()
            process.wait(timeout=30)


def until(what: str, found: Callable[[], Any]) -> Any:
    """The first true value of ``found``, asked every 50 ms."""
    end = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < end:
        value = found()
        if value:
            return value
        time.sleep(POLL_S)
    sys.exit(f"{what} did not come within {PATIENCE_S:g} s")
