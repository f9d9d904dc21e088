"""Commands whose options are the fields of one frozen dataclass, and how people write their values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from noisician.errors import FileError, RequestError

Options = TypeVar("Options")

_MUSIC, _MODEL = "Music", "Model"
_LONGEST_PATH = 1000
#: Far beyond any limit of a text, so that its own error can say how long it is; a file of gigabytes is not read.
_LONGEST_TEXT_CHARS = 1_000_000
_PLAIN_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)?")
_CLOCK = re.compile(r"(\d+):([0-5]?\d(?:\.\d+)?)")
_MINUTES = re.compile(r"(\d+(?:\.\d+)?)\s*m(?:in|ins|inutes?)?\s*(?:(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)?)?")


def command(app: typer.Typer, name: str, options: type[Options]) -> Callable[[Callable[[Options], None]], None]:
    """Makes a function of ``options`` a command of ``app``; each field, annotated for typer, is an option."""
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(options)  # pyright: ignore[reportArgumentType]
    ]

    def register(run: Callable[[Options], None]) -> None:
        def invoke(**values: Any) -> None:
            run(options(**values))

        invoke.__doc__ = run.__doc__
        invoke.__annotations__ = hints
        invoke.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
        app.command(name)(invoke)

    return register


@dataclass(frozen=True)
class MusicOptions:
    """What can be said about the music besides, or instead of, words."""

    prompt: Annotated[
        str | None,
        typer.Argument(help="The music in words. Without it and without options: a surprise.", show_default=False),
    ] = None
    length: Annotated[
        str | None, typer.Option(help="30, 30s, 2:30 or 2m; 1 second to 10 minutes.", rich_help_panel=_MUSIC)
    ] = None
    bars: Annotated[int | None, typer.Option(help="Length in bars instead.", rich_help_panel=_MUSIC)] = None
    bpm: Annotated[float | None, typer.Option(help="Tempo, 40 to 240.", rich_help_panel=_MUSIC)] = None
    key: Annotated[str | None, typer.Option(help='"F# minor", Eb, "A dorian", Am.', rich_help_panel=_MUSIC)] = None
    mode: Annotated[
        str | None,
        typer.Option(help="major, minor, dorian, phrygian, lydian, mixolydian.", rich_help_panel=_MUSIC),
    ] = None
    meter: Annotated[str | None, typer.Option(help="4/4, 3/4 or 6/8.", rich_help_panel=_MUSIC)] = None
    genre: Annotated[
        list[str] | None, typer.Option(help="Several with commas, or repeated.", rich_help_panel=_MUSIC)
    ] = None
    mood: Annotated[list[str] | None, typer.Option(help="Likewise.", rich_help_panel=_MUSIC)] = None
    instruments: Annotated[
        list[str] | None, typer.Option(help="Likewise: instruments and textures.", rich_help_panel=_MUSIC)
    ] = None
    without: Annotated[
        list[str] | None,
        typer.Option(help="Roles, instruments, families or textures to leave out.", rich_help_panel=_MUSIC),
    ] = None
    loop: Annotated[
        bool | None,
        typer.Option("--loop/--no-loop", help="Bar-exact and seamless.", rich_help_panel=_MUSIC, show_default=False),
    ] = None
    seed: Annotated[int | None, typer.Option(help="0 to 4294967295; drawn if left out.", rich_help_panel=_MODEL)] = None

    def controls(self) -> dict[str, Any]:
        """The fields of a request that were given. Raises RequestError."""
        values = {
            "prompt": _prompt(self.prompt),
            "duration_s": None if self.length is None else seconds(self.length),
            "bars": self.bars,
            "tempo_bpm": self.bpm,
            "key": self.key,
            "mode": None if self.mode is None else self.mode.strip().lower(),
            "time_signature": self.meter,
            "genres": listed(self.genre),
            "moods": listed(self.mood),
            "instruments": listed(self.instruments),
            "without": listed(self.without),
            "loop": self.loop,
            "seed": self.seed,
        }
        return {name: value for name, value in values.items() if value is not None}


def _prompt(prompt: str | None) -> str | None:
    if prompt is not None and not prompt.strip():
        raise RequestError("the prompt is empty (0 words); leave it out altogether for a surprise")
    return prompt


def listed(values: Iterable[str] | None) -> tuple[str, ...] | None:
    """``["piano, cello", "rain"]`` → three names; None where the option was not given."""
    if not values:
        return None
    return tuple(name for value in values for name in (part.strip() for part in value.split(",")) if name)


def spans(values: Iterable[str] | None) -> tuple[tuple[float, float], ...] | None:
    """``["10-15", "1:00-1:30"]`` in seconds; None where the option was not given. Raises RequestError."""
    if not values:
        return None
    found = []
    for value in values:
        start, dash, end = value.partition("-")
        if not dash:
            raise RequestError(f"repaint {value!r} is no stretch of time; write START-END, as in 10-15 or 1:00-1:30")
        found.append((seconds(start), seconds(end)))
    return tuple(found)


def text_or_file(value: str | None, what: str) -> str | None:
    """The text itself, or that of a UTF-8 file: ``@path``, or one line that is the path of a file or ends in ``.txt``.

    Raises FileError.
    """
    if value is None:
        return None
    named = value.startswith("@")
    plain = "\n" not in value and len(value) < _LONGEST_PATH
    if not named and not (plain and (value.strip().lower().endswith(".txt") or Path(value).is_file())):
        return value
    path = Path(value[1:] if named else value.strip())
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_LONGEST_TEXT_CHARS)
    except (OSError, ValueError) as failed:
        reason = failed.strerror.lower() if isinstance(failed, OSError) and failed.strerror else "not UTF-8 text"
        raise FileError(f"{path}: the {what} cannot be read ({reason})") from None


def seconds(text: str) -> float:
    """``30``, ``30s``, ``2:30``, ``2m``, ``1m30s`` in seconds. Raises RequestError."""
    wanted = text.strip().lower()
    plain, clock, minutes = (form.fullmatch(wanted) for form in (_PLAIN_SECONDS, _CLOCK, _MINUTES))
    if plain:
        return float(plain[1])
    if clock:
        return 60 * int(clock[1]) + float(clock[2])
    if minutes:
        return 60 * float(minutes[1]) + float(minutes[2] or 0)
    raise RequestError(f"length {text!r} is not a time; write 30, 30s, 2:30 or 2m")
