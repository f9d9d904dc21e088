"""Arrays kept on disk: whole or not at all, within a limit, and only for the build that made them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from noisician import cache
from noisician.cache import DiskCache, build_id, key_of

ARRAY = np.arange(1000, dtype=np.float32).reshape(2, 500)
KEY = key_of("somebody")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_another_build_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = DiskCache(tmp_path, 1 << 20)
    kept.put(KEY, ARRAY)
    found = DiskCache(tmp_path, 1 << 20).get(KEY)
    assert found is not None and found.dtype == ARRAY.dtype
    np.testing.assert_array_equal(found, ARRAY)
    monkeypatch.setattr(cache, "build_id", lambda: "another")
    assert kept.get(KEY) is None
    kept.put(KEY, ARRAY + 1)
    monkeypatch.undo()
    np.testing.assert_array_equal(kept.get(KEY), ARRAY)  # type: ignore[arg-type]


def test_a_build_is_its_sources_and_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "noisician"
    for name in ("cache.py", "mix/bus.py", "styles/genres.toml", "weights/a.onnx", "cli/make.py"):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    monkeypatch.setattr(cache, "__file__", str(package / "cache.py"))

    def built() -> str:
        return build_id.__wrapped__()

    first = built()
    for name, matters in {"weights/a.onnx": False, "cli/make.py": False, "mix/bus.py": True, "styles/genres.toml": True,
                          "cache.py": True}.items():  # fmt: skip
        (package / name).write_text("2")
        assert (built() != first) == matters, name
        (package / name).write_text("1")
    assert built() == first
    monkeypatch.setattr(cache, "version", lambda name: "0")
    assert built() != first


def test_a_full_disk_keeps_nothing_and_raises_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = DiskCache(tmp_path, 1 << 20)
    monkeypatch.setattr(np, "save", full)
    kept.put(KEY, ARRAY)
    assert kept.get(KEY) is None and files_in(tmp_path) == []


@pytest.mark.parametrize("length", [0, 7, 50, 130, -1])
def test_a_file_that_was_cut_short_counts_as_none(tmp_path: Path, length: int) -> None:
    kept = DiskCache(tmp_path, 1 << 20)
    kept.put(KEY, ARRAY)
    (path,) = files_in(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert kept.get(KEY) is None
    kept.put(KEY, ARRAY)
    np.testing.assert_array_equal(kept.get(KEY), ARRAY)  # type: ignore[arg-type]
