from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_model import FakeModel, RunCommand

from noisician.cli.options import spans, text_or_file
from noisician.errors import FileError, RequestError, WeightsError
from noisician.models.checkpoints import catalogue, store
from noisician.models.checkpoints.catalogue import CheckpointInfo


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without checkpoints and without a network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NOISICIAN_MODELS", str(tmp_path / "own"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_the_list_is_right_offline(run_command: RunCommand) -> None:
    done = run_command("models", "--json")
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert done.status == 0 and list(rows) == ["embedded", *catalogue()]
    assert rows["embedded"]["on_disk"] == "yes" and "score" in rows["embedded"]["features"]
    assert {row["on_disk"] for name, row in rows.items() if name != "embedded"} == {"no"}
    assert rows["riffusion-v1"]["restricted"] and rows["stable-audio-open-1.0"]["gated"]
    shown = run_command("models").out
    assert "CreativeML OpenRAIL-M (restricts use)" in shown and "lyrics" in shown


def test_one_model(run_command: RunCommand, tmp_path: Path) -> None:
    shown = run_command("models", "info", "stable-audio-3-medium").out
    assert "convert_stable_audio_3_to_diffusers.py" in shown
    assert str(tmp_path / "own" / "stable-audio-3-medium") in shown
    assert json.loads(run_command("models", "info", "ace-step-1.5", "--json").out)["sample_rate_hz"] == 48000
    assert "Apache-2.0" in run_command("models", "info", "embedded").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("models info rifusion", "did you mean riffusion-v1?"),
        ("models pull riffusion-v1", "its licence was not accepted (--accept)"),
        ("models pull stable-audio-3-medium --accept", "convert_stable_audio_3_to_diffusers.py"),
        ("models pull embedded", "comes with noisician"),
        ("models pull glitch", "did you mean dance-diffusion/glitch-440k?"),
        ("models pull some/thing", "its licence was not accepted"),
        ("models pull .", "is a path"),
        ("models remove ../x --yes", "is a path"),
        ("models remove x/.. --yes", "is not known; a hub id is written org/name"),
        ("models info ~nobody-of-that-name/x", "does not exist"),
        ("models remove ace-step-1.5", "there is nothing to remove"),
        ("make x --model ace-step-1.5", "noisician models pull ace-step-1.5"),
        ("make x --model stable-audio-open-1.0 --lyrics la", "ace-step-1.5 can"),
        ("make x --dtype int8", "--dtype 'int8' is not one of"),
        ("make x --model ace-step-1.5 --lyrics @nowhere.txt", "nowhere.txt: the lyrics cannot be read"),
        ("make x --model ace-step-1.5 --init-audio a.wav --repaint 5", "'5' is no stretch of time"),
        ("make x --model ace-step-1.5 --init-audio nowhere.wav", "nowhere.wav: does not exist"),
        ("make x --model riffusion-v1 --midi", "cannot follow --midi; embedded can"),
    ],
)
def test_what_cannot_be_done_is_one_line(run_command: RunCommand, arguments: str, message: str) -> None:
    done = run_command(*arguments.split())
    assert done.status == 2
    assert message in done.err.splitlines()[-1]
    assert done.err.splitlines()[-1].startswith("error: ")


def test_pulling_offline_says_what_to_do(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    # Read from the environment when it was imported, by whichever test came first.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    done = run_command("models", "pull", "dance-diffusion/honk-140k")
    assert done.status == 2
    last = done.err.splitlines()[-1]
    assert "harmonai/honk-140k cannot be reached (no connection, or HF_HUB_OFFLINE is set)" in last
    assert str(tmp_path / "own" / "dance-diffusion" / "honk-140k") in last


class Answers:
    """A hub that fails in one way."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def hf_hub_download(self, *names: str) -> str:
        raise self._failure


class GatedRepoError(Exception):
    pass


class RepositoryNotFoundError(Exception):
    pass


class EntryNotFoundError(Exception):
    pass


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (GatedRepoError(), "is gated: accept its licence at https://huggingface.co/stabilityai/stable-audio-open-1.0"),
        (RepositoryNotFoundError(), "is no repository of the hub"),
        (EntryNotFoundError(), "it is not in diffusers' format"),
        (OSError(28, "No space left on device"), "no room for stable-audio-open-1.0"),
        (ConnectionError("name resolution"), "cannot be reached (name resolution)"),
    ],
)
def test_what_goes_wrong_at_the_hub(monkeypatch: pytest.MonkeyPatch, failure: Exception, message: str) -> None:
    monkeypatch.setattr(store, "_hub", lambda: Answers(failure))
    with pytest.raises(WeightsError) as refused:
        store.pull(catalogue()["stable-audio-open-1.0"])
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_what_nobody_foresaw_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_hub", lambda: Answers(ZeroDivisionError("oops")))
    with pytest.raises(ZeroDivisionError):
        store.pull(catalogue()["riffusion-v1"])


def test_pulling_and_removing(run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(info: CheckpointInfo, on_file: Any) -> Path:
        on_file("2 components")
        folder = store.models_folder() / info.name
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text("{}")
        return folder

    monkeypatch.setattr(store, "pull", fetch)
    done = run_command("models", "pull", "riffusion-v1", "--accept")
    assert done.status == 0 and done.out.strip() == str(tmp_path / "own" / "riffusion-v1")
    assert "CreativeML OpenRAIL-M, which restricts use" in done.err
    rows = {row["name"]: row for row in json.loads(run_command("models", "--json").out)}
    assert rows["riffusion-v1"]["on_disk"] == "incomplete"
    assert "was not removed" in run_command("models", "remove", "riffusion-v1").err
    assert run_command("models", "remove", "riffusion-v1", "--yes").status == 0
    assert not (tmp_path / "own" / "riffusion-v1").exists()


def test_a_folder_of_ones_own_is_listed_found_and_removed(run_command: RunCommand, tmp_path: Path) -> None:
    folder = tmp_path / "own" / "mine"
    (folder / "unet").mkdir(parents=True)
    index = {"_class_name": "DanceDiffusionPipeline", "unet": ["diffusers", "UNet1DModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (tmp_path / "own" / "odd").mkdir()
    (tmp_path / "own" / "odd" / "model_index.json").write_text("{")
    rows = {row["name"]: row for row in json.loads(run_command("models", "--json").out)}
    assert list(rows)[-2:] == ["mine", "odd"] and rows["mine"]["folder"] == str(folder)
    assert rows["mine"]["on_disk"] == rows["odd"]["on_disk"] == "incomplete"
    assert rows["mine"]["features"] == ["init_audio", "morph_audio", "repaint"] and rows["mine"]["restricted"] is None
    assert "mine" in run_command("models").out
    assert "unet: is missing" in run_command("make", "--model", "mine").err
    assert "it is in" in run_command("models", "pull", "mine").err
    assert run_command("models", "remove", "mine", "--yes").out == f"removed {folder}\n"
    assert not folder.exists() and (tmp_path / "own" / "odd").exists()


def test_spans_and_texts(tmp_path: Path) -> None:
    assert spans(["10-15", "1:00-1:30.5"]) == ((10, 15), (60, 90.5))
    with pytest.raises(RequestError):
        spans(["a-b"])
    path = tmp_path / "l.txt"
    path.write_text("[verse]\nlä\n", encoding="utf-8")
    assert text_or_file(f"@{path}", "lyrics") == "[verse]\nlä\n"
    assert text_or_file("la", "lyrics") == "la"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(FileError, match="not a text file"):
        text_or_file(f"@{path}", "lyrics")


def test_the_embedded_model_is_the_default(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    assert run_command("make", "x", "--model", "embedded", "-q", "-o", str(tmp_path / "a.wav")).status == 0
    assert fake_model.requests[0].model == "embedded"
