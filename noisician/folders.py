"""Where noisician keeps what belongs to its user."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The user's own data, where the system wants it: ``~/.local/share/noisician`` on Linux. It need not be there."""
    return user_data_path("noisician", appauthor=False)
