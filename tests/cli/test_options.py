"""The options of the commands are those of a request."""

from __future__ import annotations

from dataclasses import make_dataclass
from typing import Annotated, Any

import pytest
import typer
from fake_model import RunCommand
from typer.testing import CliRunner

from noisician.cli.options import Asked, command, help_of
from noisician.request import OPTIONS, Request, choices_of

#: One way to write each option, and what it means.
WRITTEN: dict[str, tuple[str, Any]] = {
    "prompt": ("calm piano", "calm piano"),
    "duration_s": ("1m30s", 90.0),
    "bars": ("8", 8),
    "mode": ("Dorian ", "dorian"),
    "key": ("F# minor", "F# minor"),
    "time_signature": ("3/4", "3/4"),
    "preset": ("fast", "fast"),
    "dtype": ("float16", "float16"),
    "lyrics": ("la la", "la la"),
    "notes_as": ("Arrange", "arrange"),
    "repaint": ("1:00-1:30", ((60.0, 90.0),)),
} | {name: ("piano, rain", ("piano", "rain")) for name, option in OPTIONS.items() if option.writing == "names"}


def typed(*words: str, places: tuple[str, ...] = ("Music", "Model", "Songs", "Checkpoints")) -> Request:
    """The request of what was typed after a command with the options in ``places``."""

    return Request.model_validate(values_of(words, places))


def values_of(words: tuple[str, ...], places: tuple[str, ...]) -> dict[str, Any]:
    app, heard = typer.Typer(), []
    some = make_dataclass("Some", [("asked", Annotated[Asked, places])], frozen=True)
    command(app, "some", some)(lambda options: heard.append(dict(options.asked.values)))
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return heard[0]


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_can_be_written(name: str) -> None:
    option = OPTIONS[name]
    if option.writing in ("switch", "either"):
        assert typed(option.flag) == Request.model_validate({name: True})
        return
    text, value = (
        WRITTEN[name] if name in WRITTEN else ("1", getattr(Request.model_validate_strings({name: "1"}), name))
    )
    words = (text,) if name == "prompt" else (option.flag, text)
    assert typed(*words) == Request.model_validate({name: value})


def test_nothing_typed_asks_for_nothing() -> None:
    assert typed() == Request()


def test_a_switch_with_an_opposite_can_be_turned_off() -> None:
    assert values_of(("--no-loop",), ("Music",)) == {"loop": False}


def test_a_command_has_only_the_options_it_names() -> None:
    assert typed("--bpm", "90", "--seed", "5", places=("Music", "seed")) == Request(tempo_bpm=90, seed=5)
    with pytest.raises(AssertionError, match="No such option"):
        typed("--takes", "2", places=("Music", "seed"))


@pytest.mark.parametrize("name", OPTIONS)
def test_the_help_says_what_is_known(name: str) -> None:
    shown = help_of(name)
    assert all(choice in shown for choice in choices_of(name))
    assert OPTIONS[name].unit in shown and shown.endswith(".")
    assert (OPTIONS[name].limits is not None) == (" to " in shown.rpartition(";")[2] and shown.count(";") > 0)


def test_choices_are_refused_under_the_name_that_was_typed(run_command: RunCommand) -> None:
    done = run_command("explain", "x", "--meter", "13/8")
    assert (done.status, done.err) == (
        2,
        "error: --meter '13/8' is not one of 4/4, 3/4, 6/8, 2/4, 5/4, 7/8, 9/8, 12/8\n",
    )
