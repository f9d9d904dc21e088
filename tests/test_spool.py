from __future__ import annotations

import tempfile

import numpy as np
import pytest

from noisician.errors import FileError
from noisician.spool import SpooledArrays


def test_arrays_come_back_as_they_were_in_their_order() -> None:
    spooled = SpooledArrays()
    arrays = {"drums": np.arange(6, dtype=np.float32).reshape(3, 2), "none": np.zeros((0, 2), np.float32)}
    arrays["bass"] = np.full((2, 2), 7.5, np.float32)
    for name, array in arrays.items():
        spooled.add(name, array)
    assert list(spooled) == list(arrays) and len(spooled) == 3
    for name, array in spooled.items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == np.float32
    spooled["drums"][:] = 0
    np.testing.assert_array_equal(spooled["drums"], arrays["drums"])
    assert "lead" not in spooled
    with pytest.raises(KeyError):
        spooled["lead"]


def test_nothing_is_written_until_something_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    spooled = SpooledArrays()
    assert dict(spooled) == {} and not spooled
    with pytest.raises(FileError, match="no room for 0 MB of a stem"):
        spooled.add("drums", np.zeros(10))
