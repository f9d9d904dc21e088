"""Where noisician keeps what belongs to its user."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def data_folder() -> Path:
    """The user's own data, where the system wants it: ``~/.local/share/noisician`` on Linux. It need not be there."""
    return user_data_path("noisician", appauthor=False)


def instruments_folder() -> Path:
    """Where the user's own instruments lie: ``NOISICIAN_INSTRUMENTS``, else a folder in the user's data."""
    given = os.environ.get("NOISICIAN_INSTRUMENTS")
    return Path(given) if given else data_folder() / "instruments"


def cache_folder() -> Path:
    """What can be made again: ``~/.cache/noisician`` on Linux. It need not be there, and may be removed at any time."""
    return user_cache_path("noisician", appauthor=False)
