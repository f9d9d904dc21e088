"""What the service can be told: environment variables ``NOISICIAN_…``, overridden by the command line."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from noisician.cache import RENDERED_CACHE_BYTES
from noisician.folders import data_folder

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DEFAULT_PORT = 8484
MEBIBYTE = 1024 * 1024


def default_data_folder() -> Path:
    """Where the library lives unless told otherwise: a folder in the user's data."""
    return data_folder() / "studio"


class Settings(BaseSettings):
    """One frozen object from the command line to every part of the service."""

    model_config = SettingsConfigDict(env_prefix="NOISICIAN_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="0 takes any free port")
    data: Path = Field(default_factory=default_data_folder, description="folder of the database and the sound files")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; None is SQLite in the data folder")
    api_key: SecretStr | None = Field(default=None, description="bearer key; required to bind beyond this machine")
    devices: tuple[str, ...] = Field(default=("auto",), description="one worker process each: auto, cpu, cuda:0 …")
    allowed_origins: tuple[str, ...] = Field(default=(), description="web origins that may call from a browser (CORS)")
    allowed_hosts: tuple[str, ...] = Field(default=(), description="host names the service answers to besides its own")

    longest_body_bytes: int = 1 * MEBIBYTE
    longest_upload_bytes: int = 200 * MEBIBYTE
    longest_upload_s: float = Field(default=600.0, description="duration of uploaded audio in seconds")
    uploads_kept: int = Field(default=200, description="uploaded files; the oldest unused go first")
    queue_limit: int = Field(default=500, description="jobs waiting; beyond it 429 with Retry-After")
    takes_limit: int = Field(default=8, description="takes in one job")
    duration_limit_s: float = Field(default=600.0, description="length of one take in seconds")
    wait_limit_s: float = Field(default=60.0, description="longest 'Prefer: wait' in seconds")
    least_free_bytes: int = Field(default=200 * MEBIBYTE, description="free disk below which no job is started")
    export_cache_bytes: int = 2048 * MEBIBYTE
    rendered_cache_bytes: int = Field(
        default=RENDERED_CACHE_BYTES, ge=0, description="what players were rendered to, kept for edits; 0 keeps none"
    )
    versions_kept: int = Field(default=50, ge=0, description="unnamed versions of a piece; the oldest go first")

    lease_s: float = Field(default=15.0, description="a worker silent for so long in seconds is taken for lost")
    attempts_limit: int = Field(default=3, description="how often a job is begun before it is given up")

    @property
    def database(self) -> str | URL:
        """The SQLAlchemy URL in force; in parts where a folder's name could be taken for other parts of its text."""
        from sqlalchemy.engine import URL

        return self.database_url or URL.create("sqlite", database=str(self.data / "noisician.sqlite3"))

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
