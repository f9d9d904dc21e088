"""Databases for tests, with a real PostgreSQL server: ``pytest_plugins = ("postgres",)`` in a test file gives
``postgres_url``, and ``database_url`` that runs a test on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_SUPERUSER = "noisician"
_START_LIMIT_S = 30.0
_schemas = count(1)


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """The folder with the socket of a server that lives as long as the tests; skips where none can be started."""
    programs = _programs()
    identity = _identity()
    folder = Path(tempfile.mkdtemp(prefix="noisician-pg-"))  # short: the path of a socket has 107 bytes at most
    try:
        if identity:
            shutil.chown(folder, identity["user"])
        data = folder / "data"
        options = ["--auth=trust", f"--username={_SUPERUSER}", "--encoding=UTF8", "--no-locale", "--no-sync"]
        _initialise([str(programs / "initdb"), f"--pgdata={data}", *options], identity, folder)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **identity,
        )
        try:
            _wait(server, folder)
            yield folder
        finally:
            with suppress(ProcessLookupError):
                server.terminate()
            server.wait(timeout=_START_LIMIT_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_socket: Path) -> str:
    """The URL of a place of its own on the server, as empty as a new database and made a hundred times as fast."""
    import psycopg

    name = f"test_{next(_schemas)}"
    with psycopg.connect(host=str(postgres_socket), user=_SUPERUSER, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"postgresql+psycopg://{_SUPERUSER}@/postgres?host={postgres_socket}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of either kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'noisician.sqlite3'}"
    return request.getfixturevalue("postgres_url")


def _programs() -> Path:
    """The folder of initdb and postgres: that of the PATH, else of the newest version Debian installed."""
    pytest.importorskip("psycopg")
    for program in (shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)):
        if program is not None and Path(program).resolve().with_name("postgres").exists():
            return Path(program).resolve().parent
    pytest.skip("PostgreSQL is not installed (no initdb and postgres in the PATH or /usr/lib/postgresql)")


def _identity() -> dict[str, Any]:
    """Whom the server runs as: it refuses to be root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("the PostgreSQL server of the tests needs Unix sockets")
    if os.geteuid() != 0:
        return {}
    import pwd

    for user in ("postgres", "nobody"):
        with suppress(KeyError):
            return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' here")


def _initialise(command: list[str], identity: dict[str, Any], folder: Path) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, **identity)
    except PermissionError as error:
        pytest.skip(f"PostgreSQL cannot be started here: {error}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"PostgreSQL cannot be set up here: {error.stderr.strip().splitlines()[-1:]}")


def _wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    import psycopg

    end = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            psycopg.connect(host=str(folder), user=_SUPERUSER, dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > end:
                pytest.skip(f"PostgreSQL does not start here: {str(error).splitlines()[0]}")
            time.sleep(0.05)
