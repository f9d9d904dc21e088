from __future__ import annotations

from pathlib import Path

import pytest

from noisician.api import STYLE_KINDS, style_rows
from noisician.models.checkpoints import catalogue
from noisician.models.registry import Registry

MODELS = Registry()


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without checkpoints."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NOISICIAN_MODELS", str(tmp_path / "own"))


def test_what_anybody_may_ask_for_by_name(tmp_path: Path) -> None:
    models = MODELS.known()
    assert [model.name for model in models] == ["embedded", *catalogue()] and models == MODELS.all()
    for model in models:
        assert (model.advice is None) == (model.on_disk == "yes") == (model.name == "embedded")
        assert "/" not in (model.advice or "").replace(model.name, "") and str(tmp_path) not in (model.advice or "")
        assert model == MODELS.named(model.name)


def test_a_folder_of_ones_own_is_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "mine"
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "StableAudioPipeline"}')
    assert [model.name for model in MODELS.all()][-1] == "mine" and MODELS.all()[-1].folder == folder
    assert "mine" not in [model.name for model in MODELS.known()]


def test_an_incomplete_checkpoint_says_how_to_complete_it(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "riffusion-v1"
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    model = MODELS.named("riffusion-v1")
    assert (
        model.on_disk == "incomplete" and model.advice == "where the service runs: noisician models pull riffusion-v1"
    )


@pytest.mark.parametrize("kind", STYLE_KINDS)
def test_every_style_has_a_name_and_a_description(kind: str) -> None:
    rows = style_rows(kind)
    assert rows and len({row["id"] for row in rows}) == len(rows)
    assert all(row["id"] and row["description"] for row in rows)
