"""What docs/editing.md shows is done as it stands, to a piece on stand-in networks."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import mido
import pytest
from fake_model import RunCommand
from stand_in_networks import ENTRIES, embedded

import noisician
from noisician.cache import MemoryCache
from noisician.cli.edit_flags import EditFlags
from noisician.edits import edits_from
from noisician.models import registry
from noisician.models.embedded import model
from noisician.renderer import render

PAGE = (Path(__file__).parents[2] / "docs" / "editing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("noisician ")]


def arguments_of(command: str) -> list[str]:
    return shlex.split(command, comments=True)[1:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the files that the page speaks of."""
    from noisician.cli import main

    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "manifest", lambda: ENTRIES)
        patch.setattr(model, "manifest", lambda: ENTRIES)
        patch.setattr("noisician.weights.manifest", lambda: ENTRIES)
        band = embedded(MemoryCache(1 << 28))
        patch.setattr(registry, "DEFAULT", registry.Registry(lambda: band))
        patch.chdir(folder)
        with pytest.raises(SystemExit) as done:
            # Faster than on the page, with who is not spoken of at rest: the same bars and sections in less sound.
            faster = ("--bpm", "200", "--without", "pad")
            main([*arguments_of(COMMANDS[0]), *faster, "--steps", "1", "--midi"])
        assert done.value.code == 0
        shutil.copy("a.wav", "other.wav")
        (folder / "edits.json").write_text(blocks("json")[0], encoding="utf-8")
        edited_midi(folder / "a.mid").save(folder / "edited.mid")
        yield folder


def edited_midi(path: Path) -> mido.MidiFile:
    """The file with the first note softer, as another program would save it."""
    midi = mido.MidiFile(path, charset="utf-8")
    track = next(track for track in midi.tracks if track.name.startswith("lead"))
    place = next(at for at, message in enumerate(track) if message.type == "note_on")
    track[place] = track[place].copy(velocity=11)
    return midi


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("noisician edit ")])
def test_every_edit_is_one_that_the_piece_takes(made: Path, run_command: RunCommand, command: str) -> None:
    done = run_command(*arguments_of(command), "--dry-run")
    assert done.status == 0, done.err
    assert done.out.splitlines()[0]


def test_every_flag_is_shown() -> None:
    names = {field.name for group in fields(EditFlags) for field in fields(type(group.default))}
    renamed = {"span": "seconds", "source": "from"}
    flags = {f"--{renamed.get(name, name).replace('_', '-')}" for name in names}
    kin = {"--unmute": "--mute", "--delay": "--reverb", "--fade-in": "--fade-out", "--duplicate-section": "--sections"}
    kin["--rename-section"] = "--resize-section"
    assert [flag for flag in sorted(flags) if flag not in PAGE and kin.get(flag, flag) not in PAGE] == []


def test_the_list_of_edits_is_one() -> None:
    assert len(edits_from(json.loads(blocks("json")[0]))) == 3


@pytest.mark.slow
def test_the_python_works(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = noisician.make(
        "synthwave",
        bars=8,
        tempo_bpm=240,
        seed=4,
        steps=1,
        without=("pad", "counter", "chords", "arp", "texture", "fx"),
    )
    short.save(tmp_path / "a.wav", midi=True)
    edited_midi(tmp_path / "a.mid").save(tmp_path / "edited.mid")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(blocks("python")[0], "editing.md", "exec"), names)
    assert names["track"].recipe.lineage[-1]["words"] == "mix drums: gain -3 dB; tempo 96 BPM"  # type: ignore[attr-defined]
    assert names["changes"] and len(names["full"].audio) == len(names["calm"].audio)  # type: ignore[attr-defined]
