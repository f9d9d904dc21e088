"""What the documents promise must hold: commands exist, files are where they are said to be."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from fake_model import FakeModel, RunCommand
from typer.core import TyperGroup

from noisician.api import RequestOptions
from noisician.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/design.md", "docs/models.md", "docs/checkpoints.md", "docs/songs.md",
    "docs/service.md", "docs/studio.md", "docs/editing.md", "docs/instruments.md",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_map_names_every_module_of_the_top_level_and_nothing_that_is_not_there() -> None:
    rows = re.findall(r"^\| (`.+`) \|", README, re.MULTILINE)
    places = [place for row in rows for place in re.findall(r"`([^`]+)`", row.partition("|")[0])]
    assert [place for place in places if not (ROOT / place).exists()] == []
    here = {path for path in (ROOT / "noisician").iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    named = {ROOT / place for place in places}
    assert {path.name for path in here - named if not path.name.startswith("__")} == set()


def test_the_examples_are_found_and_each_stands_for_itself(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("examples", ROOT / "tools" / "examples.py")
    assert spec is not None and spec.loader is not None
    examples = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(examples)
    written = examples.write(tmp_path)
    assert {"readme_1.py", "editing_1.py", "checkpoints_1.py", "service_3.py"} <= {path.name for path in written}
    for path in written:
        compile(path.read_text(encoding="utf-8"), path.name, "exec")
    assert '"strict"' in (tmp_path / "pyrightconfig.json").read_text(encoding="utf-8")
    assert (ROOT / "noisician" / "py.typed").exists()


def test_the_readme_shows_the_command_that_ci_runs() -> None:
    pattern = re.search(r"grep -m 1 -E '([^']+)' README.md", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert pattern is not None
    assert len(re.findall(pattern[1], README, re.MULTILINE)) == 1


def test_the_commands_of_the_readme_work(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.txt").write_text("[verse]\nLight in the night\n", encoding="utf-8")
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * 8000) / 8000)
    soundfile.write(tmp_path / "demo.wav", tone, 8000)
    block = README.split("## On the command line")[1].split("```")[1]
    commands = [line for line in block.splitlines() if line.startswith("noisician ")]
    assert len(commands) >= 8
    for line in commands:
        done = run_command(*shlex.split(line, comments=True)[1:])
        assert done.status == 0, f"{line}: {done.err}"


def test_the_python_of_the_readme_works(fake_model: FakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = README.split("```python")[1].split("```")[0]
    exec(compile(code.replace("drums-lofi_kit", "lead-flute"), "README.md", "exec"), {})
    assert (tmp_path / "dream.flac").exists()
    assert len(list(tmp_path.glob("techno_*.wav"))) == 3


def shown_commands(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("noisician ")]


@pytest.mark.parametrize(
    ("page", "number"),
    [("README.md", 8), ("docs/checkpoints.md", 8), ("docs/service.md", 5), ("docs/instruments.md", 9)],
)
def test_commands_that_need_more_than_is_here_are_at_least_spelled_right(page: str, number: int) -> None:
    commands = shown_commands(page)
    assert len(commands) > number
    for line in commands:
        command: Any = typer.main.get_command(app)
        words = shlex.split(line, comments=True)[1:]
        # A group without a further word lists what it holds.
        while isinstance(command, TyperGroup) and words:
            with command.make_context("noisician", list(words), resilient_parsing=True) as context:
                _, found, words = command.resolve_command(context, words)
            assert found is not None, line
            command = found
        if not isinstance(command, TyperGroup):
            command.make_context("noisician", words)


def test_the_python_about_checkpoints_uses_options_that_exist() -> None:
    import ast

    code = (ROOT / "docs/checkpoints.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "make"]
    assert len(made) >= 4
    assert {word.arg for call in made for word in call.keywords} <= set(RequestOptions.__annotations__)
