"""Where noisician keeps what belongs to its user."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The user's own data, where the system wants it: ``~/.local/share/noisician`` on Linux. It need not be there."""
    return user_data_path("noisician", appauthor=False)


def instruments_folder() -> Path:
    """Where the user's own instruments lie: ``NOISICIAN_INSTRUMENTS``, else a folder in the user's data."""
    given = os.environ.get("NOISICIAN_INSTRUMENTS")
    return Path(given) if given else data_folder() / "instruments"
