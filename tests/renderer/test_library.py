"""The references that ship, and what is said when they are not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from noisician import weights
from noisician.errors import WeightsError
from noisician.renderer import library
from noisician.renderer.library import ENTRY, SUFFIX, checksum_of_all, shipped_references
from noisician.styles import instruments
from noisician.weights import FOLDER, checksum, manifest


def test_every_instrument_of_the_styles_has_its_references() -> None:
    entry = manifest()[ENTRY]
    assert set(entry["files"]) == set(instruments())
    assert entry["sha256"] == checksum_of_all(entry["files"])
    assert entry["bytes"] == sum(path.stat().st_size for path in (FOLDER / ENTRY).glob(f"*{SUFFIX}")) <= 25 << 20
    for id_, instrument in instruments().items():
        references = shipped_references(id_)
        assert references.kind == instrument.excitation
        assert len(references) >= (1 if instrument.excitation == "noise" else 6)
        if instrument.excitation == "harmonic":
            low, high = instrument.range
            assert references.pitch.min() <= low + 12 and references.pitch.max() >= high - 24


def test_equal_recordings_have_one_identity() -> None:
    flute = shipped_references("flute")
    again = flute.only(np.arange(len(flute)))
    assert flute.identity == again.identity
    assert flute.identity != flute.only(np.arange(1, len(flute))).identity


@pytest.fixture
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of weights that holds the flute alone."""
    (tmp_path / ENTRY).mkdir()
    path = tmp_path / ENTRY / f"flute{SUFFIX}"
    shutil.copy(FOLDER / ENTRY / path.name, path)
    files = {"flute": checksum(path)}
    entry = {"folder": ENTRY, "version": "1", "sha256": checksum_of_all(files), "bytes": 1, "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps({ENTRY: entry}))
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    manifest.cache_clear()
    shipped_references.cache_clear()
    yield tmp_path
    manifest.cache_clear()
    shipped_references.cache_clear()


def test_what_is_missing_or_damaged_is_refused_in_one_line(own_weights: Path) -> None:
    assert len(shipped_references("flute")) > 0
    with pytest.raises(WeightsError, match="no recordings of 'oboe' are installed; reinstall"):
        shipped_references("oboe")
    shipped_references.cache_clear()
    path = own_weights / ENTRY / f"flute{SUFFIX}"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is damaged"):
        shipped_references("flute")
    path.unlink()
    with pytest.raises(WeightsError, match="is missing; reinstall"):
        shipped_references("flute")
