"""The studio in a real browser against the real service, for the tests that import these fixtures.

A page that wrote an error to its console, threw, or asked another host for anything fails its test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the studio needs pip install 'noisician[studio]'")
_playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")

_CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_ALSO = ("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required")
_ADDRESS = re.compile(r"http://[\w.:\[\]-]+")
#: How long a page may take for anything: machines that run tests are slow at times.
PATIENCE_S = 60.0
#: Listens beside the loudspeakers: whatever is connected to them is heard by an analyser, too.
_EARS = """
(() => {
  const ears = []
  const connect = AudioNode.prototype.connect
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const ear = new AnalyserNode(target.context, { fftSize: 8192 })
      connect.call(this, ear)
      ears.push(ear)
    }
    return connect.call(this, target, ...rest)
  }
  window.loudestHeard = () => Math.max(0, ...ears.map((ear) => {
    const samples = new Float32Array(ear.fftSize)
    ear.getFloatTimeDomainData(samples)
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  }))
})()
"""

#: Playwright's assertions, which wait until they hold.
expect = _playwright.expect
expect.set_options(timeout=1000 * PATIENCE_S)


def browser_path() -> str | None:
    """A Chromium of this machine: ``NOISICIAN_TEST_BROWSER``, else one on the path."""
    names = (os.environ.get("NOISICIAN_TEST_BROWSER"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@dataclass
class Service:
    """``noisician studio`` as a user starts it, on a free port and a data folder of its own."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    url: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> Service:
        command = [sys.executable, "-m", "noisician", "studio", "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data)],
            stdout=subprocess.PIPE,
            stderr=(self.data.parent / f"{self.data.name}.log").open("a"),
            env=os.environ | self.environment,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = _ADDRESS.search(line)
            if found:
                self.url = found[0].rstrip("/")
                self.port = int(self.url.rsplit(":", 1)[1])
                return self
        raise AssertionError(f"the service ended: {(self.data.parent / f'{self.data.name}.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """As a power cut does: the web process gets no chance to say goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def make(self, prompt: str, **wish: Any) -> dict[str, Any]:
        """A finished job, made without the page."""
        body = json.dumps({"prompt": prompt, **wish}).encode()
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        asked = urllib.request.Request(f"{self.url}/v1/music", body, headers)
        with urllib.request.urlopen(asked, timeout=90) as answer:
            job = json.load(answer)
        assert job["status"] == "completed", job
        return job

    def list(self, what: str) -> list[dict[str, Any]]:
        """The newest twenty ``takes`` or jobs (``music``)."""
        with urllib.request.urlopen(f"{self.url}/v1/{what}", timeout=90) as answer:
            return json.load(answer)["data"]

    def worker_pids(self) -> list[int]:
        """The worker processes of this service."""
        assert self.process is not None
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("studio") / "data").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium on this machine: install it, or name one by NOISICIAN_TEST_BROWSER")
    with _playwright.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*_CHROMIUM, *_ALSO])
        yield launched
        launched.close()


@dataclass
class Watched:
    """What a page complained of. ``expected`` are patterns of complaints that a test provokes."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.complaints if not any(re.search(known, text) for known in self.expected)]


def watch(page: Any, own: str) -> Watched:
    """Collects console errors, exceptions and requests to other hosts than ``own``."""
    watched = Watched()

    def listen(message: Any) -> None:
        if message.type in ("error", "warning"):
            watched.complaints.append(f"console {message.type}: {message.text}")

    def sent(request: Any) -> None:
        if not request.url.startswith((own, "blob:", "data:")):
            watched.complaints.append(f"asked {request.url}")

    page.on("console", listen)
    page.on("pageerror", lambda error: watched.complaints.append(f"exception: {error}"))
    page.on("request", sent)
    return watched


@contextlib.contextmanager
def studio(browser: Any, service: Service) -> Iterator[Any]:
    """An empty browser profile on the studio's page; ``page.watched`` has its complaints.

    Raises AssertionError at the end when there were any that were not expected.
    """
    context = browser.new_context(base_url=service.url, accept_downloads=True, viewport={"width": 1280, "height": 800})
    context.add_init_script(_EARS)
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE_S)
    opened.watched = watch(opened, service.url)
    try:
        opened.goto("/")
        yield opened
    finally:
        context.close()
    assert not opened.watched.unexpected, "\n".join(opened.watched.unexpected)


@pytest.fixture
def page(browser: Any, service: Service) -> Iterator[Any]:
    """A new visitor of the service that all tests share."""
    with studio(browser, service) as opened:
        yield opened


def loudest_heard(page: Any) -> float:
    """The highest sample of the last 0.2 s that the page sent to the loudspeakers."""
    return page.evaluate("window.loudestHeard()")


def wait_until(true: Any, within_s: float = PATIENCE_S, every_s: float = 0.1) -> None:
    """Waits for a condition outside the page. Raises AssertionError when it does not come true in time."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"still not true after {within_s:g} s"
        time.sleep(every_s)
