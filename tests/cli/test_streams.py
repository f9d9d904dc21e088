"""Output that is full, closed or narrow, names that are too long, help with brackets, Ctrl-C at once: a line each."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fake_model import RunCommand

from noisician.cli import app, main
from noisician.cli.streams import print_json, standard_streams
from noisician.errors import FileError

LONG = "a" * 300


def run(*arguments: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, its streams redirected as a shell would."""
    command = " ".join([sys.executable, "-m", "noisician", *arguments, shell])
    surroundings = {**os.environ, **environment}
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=surroundings, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    done = run("styles", "moods", shell=">/dev/full")
    assert (done.returncode, done.stderr) == (2, "error: standard output cannot be written (no space left on device)\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no sh")
def test_closed_output_is_one_line() -> None:
    done = run("explain", "piano", shell=">&-")
    assert (done.returncode, done.stderr) == (2, "error: standard output is closed: there is nowhere to write to\n")


class Broken(io.TextIOBase):
    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_what_cannot_be_written_is_a_file_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(OSError(28, "No space left on device"))
    monkeypatch.setattr(sys, "stdout", broken)
    with pytest.raises(FileError, match="no space left"), standard_streams():
        print("x")
    assert sys.stdout is broken


def test_who_reads_no_further_is_not_complained_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError(32, "Broken pipe")))
    with pytest.raises(SystemExit) as done:
        main(["styles", "moods", "--json"])
    assert done.value.code == 1 and capsys.readouterr().err == ""


def test_without_standard_error_nothing_of_it_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as done:
        main(["make", "x", "--length", "9999"])
    assert done.value.code == 2 and capsys.readouterr().out == ""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_characters_that_an_encoding_lacks_are_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    value = {"words": "日本 🎵 é \udce9"}
    with standard_streams():
        print_json(value)
        print("日本")
    text = raw.getvalue().decode(encoding)
    printed, _, plain = text.strip().rpartition("\n")
    assert json.loads(printed) == value
    assert plain == ("日本" if encoding == "utf-8" else r"\u65e5\u672c")
    assert ("日本" in printed) == (encoding == "utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "x", "-o", f"{LONG}.wav"), ("inspect", LONG), ("make", "--from", LONG),
        ("edit", LONG, "--tempo", "90"),
        ("instruments", "add", "kazoo", LONG), ("make", "x", "--lyrics", f"@{LONG}"),
    ],
)  # fmt: skip
def test_names_that_no_disk_takes_are_one_line(run_command: RunCommand, arguments: tuple[str, ...]) -> None:
    done = run_command(*arguments)
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert done.status == 2 and len(errors) == 1 and "Traceback" not in done.err


def test_a_long_line_of_lyrics_is_no_file(run_command: RunCommand) -> None:
    done = run_command("explain", "pop", "--lyrics", "la " * 120)
    assert "too long" not in done.err


def commands(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("names", COMMANDS)
def test_help_keeps_what_stands_in_square_brackets(
    names: tuple[str, ...], run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    shown = run_command(*names, "--help").out
    for parameter in COMMANDS[names].params:
        told = getattr(parameter, "help", None) or ""
        # A bracket that is not escaped is taken for markup and vanishes.
        for bracketed in re.findall(r"\[[a-z][^\]]*\]", told.replace("\\[", "[")):
            assert bracketed in shown, f"{' '.join(names)}: {bracketed}"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_while_modules_are_read_is_one_line() -> None:
    """The signal is there before the command line is: the program sends it to itself as it begins to import."""
    code = (
        "import os, signal, sys; import noisician.__main__ as entry\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs of shells ignore it
        "class Stopped:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'noisician.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Stopped()); entry.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")
