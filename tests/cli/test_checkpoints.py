"""Every family of checkpoints through the command line, on tiny random weights in the true format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import RunCommand, TinyFolder

pytest.importorskip("diffusers")

from noisician import api
from noisician.models import registry
from noisician.models.checkpoints import Loader, catalogue
from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.model import Wish

#: Family → a name in the catalogue, a length its tiny checkpoint can make in a moment.
FAMILIES = {
    "stable_audio": ("stable-audio-open-1.0", "1.5"),
    "stable_audio3": ("stable-audio-3-medium", "1.5"),
    "ace_step": ("ace-step-1.5", "10"),
    "riffusion": ("riffusion-v1", "1"),
    "dance_diffusion": ("dance-diffusion/glitch-440k", "1.5"),
}


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def folder(family: str, tiny_folder: TinyFolder) -> Path:
    return tiny_folder(family)


def test_music_from_the_command_line_and_again(
    family: str, folder: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    first, again = tmp_path / "a.wav", tmp_path / "b.wav"
    length = FAMILIES[family][1]
    done = run_command(
        "make", "calm piano", "--model", str(folder), "--length", length, "--steps", "2", "--seed", "7", "--json",
        "-o", str(first),
    )  # fmt: skip
    assert done.status == 0, done.err
    (result,) = json.loads(done.out)
    assert result["duration_s"] == float(length) and result["seed"] == 7
    audio, rate = soundfile.read(first)
    assert audio.shape == (round(float(length) * rate), 2) and np.abs(audio).max() > 0.01
    recipe = api.read_recipe(first)
    assert recipe.settings["family"] == family and list(recipe.models) == [folder.name]
    assert api.other_weights(recipe) == ()
    registry.DEFAULT.checkpoints.forget()
    done = run_command("make", "--from", str(first), "-o", str(again))
    assert done.status == 0, done.err
    assert again.read_bytes() == first.read_bytes()
    assert "sampling" in done.err and "Traceback" not in done.err


def test_starting_from_audio(family: str, folder: Path, run_command: RunCommand, tmp_path: Path) -> None:
    length = float(FAMILIES[family][1])
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(22050 * length)) / 22050)
    soundfile.write(tmp_path / "in.wav", tone, 22050)
    done = run_command(
        "make", "--model", str(folder), "--init-audio", str(tmp_path / "in.wav"), "--strength", "0.5", "--steps", "2",
        "--seed", "7", "-q", "-o", str(tmp_path / "out.flac"),
    )  # fmt: skip
    assert done.status == 0, done.err
    assert soundfile.info(tmp_path / "out.flac").duration == pytest.approx(length, abs=0.01)
    recipe = api.read_recipe(tmp_path / "out.flac")
    assert list(recipe.settings["clips"]) == ["init_audio"]
    soundfile.write(tmp_path / "in.wav", -tone, 22050)
    done = run_command("make", "--from", str(tmp_path / "out.flac"), "-o", str(tmp_path / "no.wav"))
    assert done.status == 2 and "is not the init_audio this was made from" in done.err


def test_a_stretch_of_it_is_made_anew_and_what_it_cannot_do_is_one_line(
    family: str, folder: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    first, edited = tmp_path / "a.wav", tmp_path / "b.wav"
    length = float(FAMILIES[family][1])
    done = run_command(
        "make", "--model", str(folder), "--length", str(length), "--steps", "2", "--seed", "7", "--bit-depth", "32",
        "-o", str(first),
    )  # fmt: skip
    assert done.status == 0, done.err
    stretch = ("--regenerate", "all", "--seconds", f"0-{length / 2}", "--seed", "1")
    done = run_command("edit", str(first), *stretch, "--bit-depth", "32", "-o", str(edited))
    assert done.status == 0, done.err
    (before, rate), (after, _) = soundfile.read(first), soundfile.read(edited)
    half = round(rate * length / 2)
    assert np.array_equal(before[half:], after[half:]) and not np.array_equal(before[:half], after[:half])
    refused = run_command("edit", str(first), "--tempo", "90", "-o", str(tmp_path / "no.wav"))
    assert refused.status == 2 and "cannot tempo 90 BPM: it makes one sound" in refused.err
    assert not list(tmp_path.glob("no*"))


def test_the_catalogue_says_what_the_loaded_family_says(family: str, folder: Path) -> None:
    info: CheckpointInfo = catalogue()[FAMILIES[family][0]]
    capabilities = Loader().load(info, folder, Wish("cpu", "float32")).family.capabilities
    assert capabilities.features == info.features
    assert Loader().resolve(str(folder)).info.features >= capabilities.features


def test_damaged_weights_are_one_line(family: str, folder: Path, run_command: RunCommand, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    weights = next(broken.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-10])
    done = run_command("make", "x", "--model", str(broken), "-o", str(tmp_path / "a.wav"))
    assert done.status == 2 and "truncated" in done.err.splitlines()[-1]
