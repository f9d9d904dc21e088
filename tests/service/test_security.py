"""Who may ask and from where; what browsers are told; what is written down."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from pydantic import SecretStr
from small_service import SmallService, small_service
from starlette.testclient import TestClient

from noisician.errors import RequestError
from noisician.service import schemas
from noisician.service.settings import Settings
from noisician.service.web import security
from noisician.service.web.security import COOKIE, Keys, check_exposure
from noisician.service.web.studio_page import StudioPage

KEY = "a-key-of-sixteen-characters"
BEARER = {"Authorization": f"Bearer {KEY}"}
LOCAL = "http://127.0.0.1:8484"


def client_of(service: SmallService, url: str = LOCAL) -> TestClient:
    return TestClient(service.app, base_url=url, follow_redirects=False)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[TestClient]:
    service = small_service(tmp_path, works=False)
    yield client_of(service)
    service.store.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[TestClient]:
    service = small_service(
        tmp_path,
        works=False,
        host="0.0.0.0",
        api_key=SecretStr(KEY),
        allowed_origins=("https://friend.example",),
    )
    yield client_of(service, "http://studio.lan:8484")
    service.store.close()


def refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert schemas.ErrorAnswer.model_validate_json(answer.content).error.code == code


def test_nothing_but_the_page_without_the_key(guarded: TestClient) -> None:
    for method, path in (
        ("GET", "/v1/music"),
        ("POST", "/v1/music"),
        ("GET", "/v1/takes/take_0123456789abcdef/content"),
        ("GET", "/v1/events"),
        ("GET", "/mcp"),
        ("GET", "/nothing"),
        ("PUT", "/v1/music"),
    ):
        answer = guarded.request(method, path)
        refused(answer, 401, "key_required")
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/", "/health", "/v1/about", "/openapi.json"):
        assert guarded.get(path).status_code == 200
    assert guarded.get("/v1/about").json()["key_required"] is True


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY, "Bearer \xff"],
)
def test_wrong_keys(guarded: TestClient, header: str) -> None:
    refused(guarded.get("/v1/music", headers={"Authorization": header.encode("latin-1")}), 401, "key_required")


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer  {KEY} "])
def test_the_right_key(guarded: TestClient, header: str) -> None:
    assert guarded.get("/v1/music", headers={"Authorization": header}).status_code == 200


def test_a_cookie_in_place_of_the_key(guarded: TestClient) -> None:
    refused(guarded.post("/v1/session", json={"key": "guess"}), 401, "wrong_key")
    opened = guarded.post("/v1/session", json={"key": KEY})
    assert opened.status_code == 204
    morsel = SimpleCookie(opened.headers["set-cookie"])[COOKIE]
    assert morsel["httponly"] and morsel["samesite"].lower() == "strict" and KEY not in morsel.value
    assert guarded.get("/v1/music").status_code == 200
    assert "Max-Age=0" in guarded.delete("/v1/session").headers["set-cookie"]
    assert guarded.get("/v1/music").status_code == 401


def test_sessions_end_with_time_and_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(Settings(api_key=SecretStr(KEY)))
    session = keys.new_session()
    assert keys.is_session(session)
    assert not Keys(Settings(api_key=SecretStr(KEY + "!"))).is_session(session)
    expires, _, rest = session.partition(".")
    assert not keys.is_session(f"{int(expires) + 1}.{rest}")
    for forged in ("", ".", "..", session[:-1], f"{session}x", "9" * 400 + ".a.b", "\udc80.a.b"):
        assert not keys.is_session(forged)
    monkeypatch.setattr(security.time, "time", lambda: float(expires) + 1)
    assert not keys.is_session(session)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8484", "127.0.0.1.evil.example", "localhost.evil", ""])
def test_a_local_service_does_not_answer_to_strange_hosts(local: TestClient, host: str) -> None:
    refused(local.get("/v1/music", headers={"Host": host}), 403, "host")
    refused(local.get("/", headers={"Host": host}), 403, "host")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:99", "127.0.0.1", "127.0.0.2:8484", "[::1]:8484", "LOCALHOST"]
)
def test_a_local_service_answers_to_its_own_hosts(local: TestClient, host: str) -> None:
    assert local.get("/v1/music", headers={"Host": host}).status_code == 200


def test_hosts_that_are_allowed(tmp_path: Path) -> None:
    http = client_of(small_service(tmp_path, works=False, allowed_hosts=("Studio.lan",)))
    assert http.get("/health", headers={"Host": "studio.lan:80"}).status_code == 200
    assert http.get("/health", headers={"Host": "other.lan"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "file://"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_change_nothing(local: TestClient, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/v1/music"), ("DELETE", "/v1/music/job_0123456789abcdef"), ("PATCH", "/v1/takes/x")):
        refused(local.request(method, path, json={}, headers=headers), 403, "origin")


def test_other_sites_embed_nothing(local: TestClient) -> None:
    away = {"Sec-Fetch-Site": "cross-site"}
    refused(local.get("/v1/music", headers=away), 403, "origin")
    assert local.get("/", headers=away).status_code == 200  # a link to the studio


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": LOCAL}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_the_page_itself_and_programs_do(local: TestClient, headers: dict[str, str]) -> None:
    assert local.post("/v1/music", json={"prompt": "x"}, headers=headers).status_code == 202


def test_cors_is_closed_but_for_friends(local: TestClient, guarded: TestClient) -> None:
    asked = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in local.options("/v1/music", headers=asked).headers
    friendly = guarded.options("/v1/music", headers=asked)
    assert friendly.headers["access-control-allow-origin"] == "https://friend.example"
    posted = guarded.post("/v1/music", json={"prompt": "x"}, headers={**BEARER, "Origin": "https://friend.example"})
    assert posted.status_code == 202
    assert posted.headers["access-control-allow-origin"] == "https://friend.example"
    foe = guarded.options("/v1/music", headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foe.headers
    # Whose key is missing reads why, also in a browser.
    missing = guarded.get("/v1/music", headers={"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"})
    assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (401, "https://friend.example")


@pytest.mark.parametrize("path", ["/", "/v1/music", "/v1/nothing", "/openapi.json"])
def test_headers_on_every_answer(local: TestClient, path: str) -> None:
    headers = local.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "*" not in policy and "http:" not in policy
    assert "unsafe" not in policy
    assert ("script-src 'self'" in policy) == (path == "/")
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
    assert "server" not in headers


def test_a_request_keeps_the_id_it_came_with(local: TestClient) -> None:
    assert local.get("/health", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert local.get("/health", headers={"X-Request-Id": "not mine\t"}).headers["x-request-id"] != "not mine\t"


def test_the_log_holds_no_secret(guarded: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    guarded.get("/v1/takes?q=private-words", headers=BEARER)
    guarded.post("/v1/session", json={"key": KEY})
    guarded.get("/v1/music/a%0Ab")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("noisician")]
    assert any("GET /v1/takes 200" in line for line in ours)
    assert not any(KEY in line or "private-words" in line or "\n" in line for line in ours)


def test_what_nobody_foresaw_is_told_without_details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = small_service(tmp_path, works=False)
    monkeypatch.setattr(service.store, "jobs", lambda *_: 1 / 0)
    answer = client_of(service).get("/v1/music")
    refused(answer, 500, "internal")
    assert "Zero" not in answer.text and "x-request-id" in answer.headers and "x-frame-options" in answer.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.lan"])
def test_beyond_this_machine_only_with_a_key(host: str) -> None:
    with pytest.raises(RequestError, match="NOISICIAN_API_KEY"):
        check_exposure(Settings(host=host, api_key=None))
    with pytest.raises(RequestError, match="at least 16"):
        check_exposure(Settings(host=host, api_key=SecretStr("short")))
    check_exposure(Settings(host=host, api_key=SecretStr(KEY)))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9"])
def test_this_machine_needs_none(host: str) -> None:
    check_exposure(Settings(host=host, api_key=None))


@pytest.fixture
def bundle(tmp_path: Path) -> StudioPage:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>" + "studio " * 200)
    (folder / "assets" / "studio.js").write_text("1;" * 500)
    (folder / ".secret.txt").write_text("no")
    (folder / "studio.map").write_text("no")
    (tmp_path / "outside.txt").write_text("no")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return StudioPage(folder)


def test_the_page_is_served_squeezed_and_checked_again(bundle: StudioPage) -> None:
    http = TestClient(bundle, base_url=LOCAL)
    page = http.get("/")
    assert page.text.startswith("<!doctype html>") and page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-cache"
    unchanged = http.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert unchanged.status_code == 304
    # A browser puts the headers of this answer in place of the page's own.
    assert "Content-Security-Policy" not in unchanged.headers
    plain = http.get("/assets/studio.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in plain.headers and plain.text == "1;" * 500


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/../../outside.txt", "/link.txt", "/.secret.txt", "/studio.map",
     "/assets", "/a\x00.txt", "//etc/hosts.txt", "/" + "a" * 5000 + ".txt"],
)  # fmt: skip
def test_nothing_beside_the_page_is_served(bundle: StudioPage, path: str) -> None:
    assert not bundle.has(path)
    assert not bundle.has(path.replace("%2e", "."))


def test_without_the_page_one_line_says_so(tmp_path: Path) -> None:
    answer = TestClient(StudioPage(tmp_path / "none"), base_url=LOCAL).get("/")
    assert answer.status_code == 200 and "The service runs" in answer.text
