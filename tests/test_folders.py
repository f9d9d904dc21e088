from __future__ import annotations

import sys
from pathlib import Path

import pytest

from noisician.folders import cache_folder, instruments_folder
from noisician.models.checkpoints import store


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps a user's data")
def test_what_belongs_to_the_user_lies_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pydantic_settings")
    from noisician.service.settings import default_data_folder

    for name in ("NOISICIAN_MODELS", "NOISICIAN_INSTRUMENTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store.models_folder() == tmp_path / "noisician" / "models"
    assert default_data_folder() == tmp_path / "noisician" / "studio"
    assert instruments_folder() == tmp_path / "noisician" / "instruments"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.models_folder() == tmp_path / ".local" / "share" / "noisician" / "models"


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps what can be made again")
def test_what_can_be_made_again_lies_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "noisician"
