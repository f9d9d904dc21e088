"""The service on a real socket: many clients at once, slow and broken bodies, streams of events, the process itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import httpx
import uvicorn
from fake_model import RunCommand
from small_service import SmallService, small_service

from noisician.errors import RequestError
from noisician.service.app import address_of, serve
from noisician.service.files import Files, new_id
from noisician.service.lock import AlreadyRunning, FolderLock
from noisician.service.records import Claim, NewTake
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.web import bodies, connection, live
from noisician.service.web.connection import Connection

CLIENTS = 50
BEGIN = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'


class Served:
    """A small service behind uvicorn in a thread."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.service: SmallService = small_service(folder, works=False, **settings)
        self.store, self.files = self.service.store, self.service.files
        self.hub = self.service.app.state.desk.hub
        config = uvicorn.Config(self.service.app, http=Connection, port=0, log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        self.url = address_of(*self.address)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Served:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.store.close()

    def ask(self, **body: Any) -> dict[str, Any]:
        return httpx.post(f"{self.url}/v1/music", json={"prompt": "x", **body}).raise_for_status().json()

    def talk(self, sent: bytes, end: bool = False) -> bytes:
        """All the service says to raw bytes, until it closes; ``end`` closes our side of the connection first."""
        with socket.create_connection(self.address) as connection:
            connection.settimeout(20)
            connection.sendall(sent)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as served:
        yield served


def upload_head(length: int | None) -> bytes:
    size = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    return (
        "POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\n{size}\r\n\r\n"
    ).encode()


def error_in(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["code"]


def take_of(claim: Claim, number: int) -> NewTake:
    return NewTake(
        new_id("take"), number, "t", 1, "embedded", "x", "abc123", 1.0, 1.0, None, None, None, None, None, None
    )


def finish(served: Served, claim: Claim) -> None:
    assert served.store.add_take(claim, take_of(claim, 1))
    assert served.store.finish(claim, "completed")


@contextlib.contextmanager
def working(served: Served, claimed: list[str]) -> Iterator[None]:
    """A thread that claims and finishes, and notes the order."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            claim = served.store.claim("auto", 60.0)
            if claim is None:
                time.sleep(0.005)
                continue
            claimed.append(claim.job.id)
            finish(served, claim)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def test_fifty_clients_at_once(served: Served) -> None:
    """Every client sends two jobs, the second one twice under one key, and waits for them while others do the same."""
    claimed: list[str] = []
    gate = threading.Barrier(CLIENTS)

    def client(number: int) -> list[str]:
        with httpx.Client(base_url=served.url, timeout=60) as http:
            gate.wait()
            first = http.post("/v1/music", json={"prompt": f"piano {number}"}).raise_for_status().json()["id"]
            key = {"Idempotency-Key": f"key-{number}"}
            again = [
                http.post("/v1/music", json={"prompt": f"drums {number}"}, headers=key).raise_for_status().json()["id"]
                for _ in range(2)
            ]
            assert again[0] == again[1]
            for job in (first, again[0]):
                while http.get(f"/v1/music/{job}").raise_for_status().json()["status"] != "completed":
                    time.sleep(0.02)
            return [first, again[0]]

    with working(served, claimed), ThreadPoolExecutor(CLIENTS) as pool:
        asked = [job for jobs in pool.map(client, range(CLIENTS)) for job in jobs]
    assert len(set(asked)) == len(asked) == 2 * CLIENTS
    assert sorted(claimed) == sorted(asked)  # nothing lost, nothing twice
    order = {job.id: job.seq for job in served.store.jobs(100).items}
    assert [order[job] for job in claimed] == sorted(order.values())
    assert all(len(takes) == 1 for takes in served.store.takes_of_jobs(asked).values())


def test_one_key_from_many_clients_at_once_is_one_job(served: Served) -> None:
    gate = threading.Barrier(16)

    def client(_: int) -> str:
        gate.wait()
        answer = httpx.post(f"{served.url}/v1/music", json={"prompt": "x"}, headers={"Idempotency-Key": "one"})
        return answer.raise_for_status().json()["id"]

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(client, range(16)))) == 1
    assert served.store.counts()["queued"] == 1


def test_waiting_clients_hold_no_threads(served: Served) -> None:
    """More clients wait than there are threads, and others are answered meanwhile."""

    def client(_: int) -> str:
        headers = {"Prefer": "wait=60"}
        answer = httpx.post(f"{served.url}/v1/music", json={"prompt": "x"}, headers=headers, timeout=60)
        return answer.raise_for_status().json()["status"]

    with ThreadPoolExecutor(CLIENTS) as pool:
        waiting = [pool.submit(client, number) for number in range(CLIENTS)]
        while served.store.counts()["queued"] < CLIENTS:
            time.sleep(0.02)
        assert httpx.get(f"{served.url}/v1/music?limit=1").status_code == 200
        claimed: list[str] = []
        with working(served, claimed):
            assert [wait.result() for wait in waiting] == ["completed"] * CLIENTS


def test_an_upload_that_is_cut_off_leaves_nothing(served: Served) -> None:
    served.talk(upload_head(10_000) + BEGIN, end=True)
    assert error_in(served.talk(upload_head(len(BEGIN)) + BEGIN)) == (400, "cut_off")
    deadline = time.monotonic() + 10
    while any(served.files.tmp.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [*served.files.tmp.iterdir(), *served.files.uploads.iterdir()] == []


def test_bodies_that_stall_are_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STALL_S", 0.2)
    assert error_in(served.talk(upload_head(10_000) + BEGIN)) == (408, "too_slow")
    head = b"POST /v1/music HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    assert error_in(served.talk(head + b"Content-Length: 100\r\n\r\n{")) == (408, "too_slow")
    assert list(served.files.tmp.iterdir()) == []


def test_a_json_body_that_trickles_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "JSON_BODY_S", 0.3)
    head = b"POST /v1/music HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    with socket.create_connection(served.address) as connection:
        connection.settimeout(20)
        connection.sendall(head + b"Content-Length: 10000\r\n\r\n")
        answer = b""
        while not answer:
            connection.sendall(b" ")
            connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65536)
        connection.settimeout(20)
        while b"}}" not in answer:
            answer += connection.recv(65536)
    assert error_in(answer) == (408, "too_slow")


def test_a_chunked_upload_without_end_is_stopped_at_the_limit(tmp_path: Path) -> None:
    with (
        Served(tmp_path, longest_upload_bytes=100_000) as served,
        socket.create_connection(served.address) as connection,
    ):
        connection.settimeout(20)
        connection.sendall(upload_head(None) + b"%x\r\n%s\r\n" % (len(BEGIN), BEGIN))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        assert sent < 50_000_000
        assert list(served.files.tmp.iterdir()) == []


class Stream:
    """The events of a stream as (id, type, data)."""

    def __init__(self, url: str, path: str, last: int | None = None) -> None:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self._response = urllib.request.urlopen(urllib.request.Request(url + path, headers=headers), timeout=20)
        self.status = self._response.status

    def __iter__(self) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
        fields: dict[str, str] = {}
        for raw in self._response:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                yield int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"])
                fields = {}

    def close(self) -> None:
        self._response.close()


def test_a_jobs_stream_from_beginning_to_end(served: Served) -> None:
    job = served.ask()["id"]
    served.ask()
    stream = iter(Stream(served.url, f"/v1/music/{job}/events"))
    assert next(stream)[2]["data"] == {"status": "queued", "queue_position": 0}
    claim = served.store.claim("auto", 60.0)
    assert claim is not None and next(stream)[2]["data"]["status"] == "in_progress"
    served.store.report(claim, 0.25, "rendering", 3.0, 1)
    number, kind, event = next(stream)
    assert (kind, event["job_id"]) == ("progress", job)
    assert event["data"] == {"progress": 25.0, "stage": "rendering", "eta_s": 3.0, "take": 1}
    finish(served, claim)
    rest = list(stream)
    assert [kind for _, kind, _ in rest] == ["take", "status"]
    assert rest[-1][2]["data"] == {"status": "completed"}
    assert number is not None and all(id_ is not None and id_ > number for id_, _, _ in rest)
    # Who comes back after the end is told not to; who missed it is told of it.
    assert Stream(served.url, f"/v1/music/{job}/events", rest[-1][0]).status == 204
    assert [kind for _, kind, _ in Stream(served.url, f"/v1/music/{job}/events", number)] == ["take", "status"]
    assert [kind for _, kind, _ in Stream(served.url, f"/v1/music/{job}/events?last_event_id={number}")] == [
        "take",
        "status",
    ]


def test_a_stream_of_a_job_whose_events_are_forgotten_ends_too(served: Served) -> None:
    job = served.ask()["id"]
    httpx.post(f"{served.url}/v1/music/{job}/cancel")
    served.ask()
    served.store.prune_events(time.time() + 1)
    ((number, kind, event),) = Stream(served.url, f"/v1/music/{job}/events")
    assert (number, kind, event["data"]) == (None, "status", {"status": "cancelled"})


def test_the_stream_of_everything_goes_on_where_it_was_left(served: Served) -> None:
    fresh = Stream(served.url, "/v1/events")
    jobs = [served.ask()["id"] for _ in range(30)]
    seen = []
    for number, _, event in fresh:
        seen.append((number, event["job_id"]))
        if len(seen) == 10:
            break
    fresh.close()
    jobs += [served.ask()["id"] for _ in range(10)]
    for number, _, event in Stream(served.url, "/v1/events", seen[-1][0]):
        seen.append((number, event["job_id"]))
        if len(seen) == len(jobs):
            break
    assert [job for _, job in seen] == jobs  # each once, in order


def test_a_deleted_job_ends_its_stream(served: Served) -> None:
    job = served.ask()["id"]
    stream = iter(Stream(served.url, f"/v1/music/{job}/events"))
    next(stream)
    httpx.delete(f"{served.url}/v1/music/{job}")
    assert [event["data"]["status"] for _, _, event in stream] == ["cancelled"]


def test_slow_listeners_are_let_go_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_BACKLOG", 20)
    slow, quick = live.Listener(None), live.Listener(None)
    with Served(tmp_path) as served:
        job = served.ask()["id"]
        (event,) = served.store.events_after(0, job)
        assert all(slow.offer(event) for _ in range(20))
        assert not slow.offer(event) and quick.offer(event)


def test_streams_end_with_the_service_and_are_not_counted_after(served: Served) -> None:
    stream = iter(Stream(served.url, "/v1/events"))
    served.ask()
    next(stream)
    threading.Timer(0.1, served.hub.close).start()
    assert list(stream) == []


def test_too_many_listeners(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_LIMIT", 1)
    stream = iter(Stream(served.url, "/v1/events"))
    served.ask()
    next(stream)
    with pytest.raises(urllib.error.HTTPError) as refused:
        Stream(served.url, "/v1/events")
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "15")


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHo"])
def test_a_connection_without_a_request_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "REQUEST_S", 0.2)
    assert served.talk(sent) == b""
    whole = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert served.talk(whole + sent).startswith(b"HTTP/1.1 200")


def test_an_answer_that_takes_long_keeps_its_connection(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_S", 0.2)
    stream = iter(Stream(served.url, "/v1/events"))
    time.sleep(0.6)
    served.ask()
    assert next(stream)


def test_one_service_a_folder(tmp_path: Path) -> None:
    path = Files(tmp_path).lock
    held = FolderLock(path)
    with pytest.raises(AlreadyRunning, match="just starting"):
        FolderLock(path)
    held.announce("http://127.0.0.1:1234")
    with pytest.raises(AlreadyRunning, match=f"at http://127.0.0.1:1234 .process {os.getpid()}") as running:
        FolderLock(path)
    assert running.value.url == "http://127.0.0.1:1234"
    held.release()
    FolderLock(path).release()


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"port {port} of 127.0.0.1 cannot be had"):
            serve(Settings(data=tmp_path, port=port), open_browser=False)
    with pytest.raises(RequestError, match="no address of this machine"):
        serve(Settings(data=tmp_path, host="no.such.host.invalid", api_key="x" * 16), open_browser=False)  # pyright: ignore
    FolderLock(Files(tmp_path).lock).release()  # nothing holds the folder after it


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("studio.lan", "studio.lan"),
    ],
)
def test_the_address_that_is_shown(host: str, shown: str) -> None:
    assert address_of(host, 80) == f"http://{shown}:80"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--host", "0.0.0.0"], "NOISICIAN_API_KEY"),
        (["--port", "99999"], "port '99999' does not fit"),
    ],
)
def test_the_command_refuses_in_one_line(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], line: str
) -> None:
    monkeypatch.delenv("NOISICIAN_API_KEY", raising=False)
    result = run_command("studio", "--data", str(tmp_path), "--no-browser", *arguments)
    assert result.status == 2
    assert line in result.err and len(result.err.splitlines()) == 1


def test_the_command_without_the_extra(run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "noisician.service.app", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run_command("studio", "--no-browser")
    assert result.status == 2
    assert "pip install 'noisician[studio]'" in result.err and len(result.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_process_from_start_to_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "noisician", "studio", "--port", "0", "--no-browser", "--data", str(tmp_path)]
    studio = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert studio.stdout is not None
        url = studio.stdout.readline().split()[-1]
        assert json.loads(Files(tmp_path).lock.read_text()) == {"pid": studio.pid, "url": url}
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (second.returncode, second.stderr) == (0, "")
        assert f"runs already at {url}" in second.stdout
        job = httpx.post(f"{url}/v1/music", json={"prompt": "calm piano", "duration_s": 120}).json()["id"]
        stream = iter(Stream(url, f"/v1/music/{job}/events"))
        while next(stream)[1] != "progress":
            pass
        studio.send_signal(signal.SIGINT)
        _, errors = studio.communicate(timeout=20)
        assert errors.splitlines() == ["stopped"]
    finally:
        studio.kill()
        studio.wait()
    store = Store(Settings(data=tmp_path).database)
    given_back = store.job(job)
    assert given_back is not None
    assert (given_back.status, given_back.attempts) == ("queued", 0)
    store.close()
