"""Who may ask, and from where: the bearer key, the session cookie of the studio, hosts and origins."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from noisician.errors import RequestError
from noisician.service.settings import Settings
from noisician.service.web.problems import Problem, answer

COOKIE = "noisician_session"
SESSION_S = 30 * 24 * 3600
#: A key that cannot be guessed over a network.
SHORTEST_KEY_CHARS = 16

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: What the studio's page needs before somebody has given the key, and what watches the service.
_OPEN = frozenset({"/health", "/v1/session", "/v1/about", "/openapi.json"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def check_exposure(settings: Settings) -> None:
    """Refuses to be reachable from other machines without a key. Raises RequestError."""
    if settings.is_local:
        return
    if settings.api_key is None:
        raise RequestError(
            f"--host {settings.host} lets other machines in: set NOISICIAN_API_KEY to a key of at least"
            f" {SHORTEST_KEY_CHARS} characters first"
        )
    length = len(settings.api_key.get_secret_value())
    if length < SHORTEST_KEY_CHARS:
        raise RequestError(
            f"NOISICIAN_API_KEY has {length} characters; beyond this machine it needs at least {SHORTEST_KEY_CHARS}"
        )


class Keys:
    """The bearer key and the sessions derived from it; without a key everybody may."""

    def __init__(self, settings: Settings) -> None:
        self._key = None if settings.api_key is None else settings.api_key.get_secret_value().encode()

    @property
    def required(self) -> bool:
        return self._key is not None

    def is_key(self, given: str) -> bool:
        """Whether ``given`` is the key, in a time that does not depend on where it differs."""
        if self._key is None:
            return True
        return hmac.compare_digest(_digest(given.encode("utf-8", "surrogateescape")), _digest(self._key))

    def new_session(self) -> str:
        """A cookie's value that is good for SESSION_S seconds and dies with the key."""
        content = f"{int(time.time()) + SESSION_S}.{secrets.token_hex(8)}"
        return f"{content}.{self._signature(content)}"

    def is_session(self, cookie: str) -> bool:
        content, _, signature = cookie.rpartition(".")
        expires = content.partition(".")[0]
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(content).encode()):
            return False
        return expires.isdigit() and int(expires) > time.time()

    def admits(self, headers: Headers) -> bool:
        """Whether a request shows the key or a session."""
        if self._key is None:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_key(token.strip())
        cookie = _cookies(headers).get(COOKIE)
        return cookie is not None and self.is_session(cookie)

    def _signature(self, content: str) -> str:
        digest = hmac.digest(self._key or b"", f"noisician session {content}".encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Gate:
    """ASGI middleware that refuses a wrong host, a foreign origin and a missing key, in this order.

    ``is_page`` says which paths are files of the studio, which hold no secrets, and ``checks_itself`` which ones look
    for the key in their own way.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        keys: Keys,
        is_page: Callable[[str], bool],
        checks_itself: Callable[[str], bool],
    ) -> None:
        self._app, self._settings, self._keys = app, settings, keys
        self._is_page, self._checks_itself = is_page, checks_itself
        self._hosts = frozenset({*_LOOPBACK_NAMES, settings.host.strip("[]").lower()}) | {
            host.strip("[]").lower() for host in settings.allowed_hosts
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is not None:
            await answer(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers, path = Headers(scope=scope), scope["path"]
        if not self._knows_host(headers.get("host", "")):
            return Problem(403, f"this service does not answer to the host {headers.get('host', '')[:80]!r}", "host")
        if not self._may_come_from(headers, scope):
            return Problem(403, "other web sites may not use this service from a browser", "origin")
        if not self._is_open(path) and not self._keys.admits(headers):
            return Problem(
                401,
                "this service needs its key: Authorization: Bearer KEY",
                "key_required",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return None

    def _is_open(self, path: str) -> bool:
        return path in _OPEN or self._checks_itself(path) or self._is_page(path)

    def _knows_host(self, host: str) -> bool:
        """A page elsewhere can make its own name mean 127.0.0.1 and would then be of the same origin; only names that
        are known to be this machine's pass. Beyond this machine the key keeps such pages out."""
        if not self._settings.is_local and not self._settings.allowed_hosts:
            return True
        return _host_name(host) in self._hosts

    def _may_come_from(self, headers: Headers, scope: Scope) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin in self._settings.allowed_origins:
            return True
        if scope["method"] in _SAFE:
            # What is no page to look at is not for other sites' pages either, embedded or not.
            return site != "cross-site" or self._is_page(scope["path"])
        if origin is not None:
            return _same_origin(origin, headers.get("host", ""))
        return site in (None, "same-origin", "none")


class SecurityHeaders:
    """ASGI middleware: what browsers are to refuse on behalf of this service."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message), message["status"])
            await send(message)

        await self._app(scope, receive, secured)


def _secure(headers: MutableHeaders, status: int) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if status == 304:  # has no content type, and its policy would replace that of the page it stands for
        return
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", _PAGE_POLICY if is_page else _ANSWER_POLICY)
    headers.setdefault("Cache-Control", "no-store")


def _same_origin(origin: str, host: str) -> bool:
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and found.netloc.lower() == host.lower()


def _host_name(host: str) -> str:
    """``localhost:8484`` → ``localhost``, ``[::1]:80`` → ``::1``."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name
    return "127.0.0.1" if address.is_loopback else name


def _cookies(headers: Headers) -> Mapping[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
