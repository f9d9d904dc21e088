"""Commands whose options are the fields of one frozen dataclass, and how people write their values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypeVar, get_args, get_origin, get_type_hints

import typer

from noisician.errors import FileError, RequestError
from noisician.request import DEFAULTS, OPTIONS, TYPES, choices_of

Options = TypeVar("Options")

#: How values are written that are not written as they are.
_WRITTEN = {
    "seconds": "30, 30s, 2:30 or 2m",
    "names": "several with commas, or repeated",
    "text": "the text, or a file of it",
    "spans": "START-END, repeatable",
}
_LONGEST_PATH = 1000
#: Far beyond any limit of a text, so that its own error can say how long it is; a file of gigabytes is not read.
_LONGEST_TEXT_CHARS = 1_000_000
#: What files of words are called, and how paths begin.
_TEXT_FILE = re.compile(
    r"\.(?:txt|text|lrc|elrc|srt|vtt|cho|crd|chopro|chordpro|pro|onsong|md|markdown|lyrics?|rtf|docx?|odt|pdf|html?)$",
    re.IGNORECASE,
)
_MIDI_FILE = re.compile(r"\.(?:kar|midi?)$", re.IGNORECASE)
_PATH = re.compile(r"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/]|\\\\)\S")
#: Marks of byte order at the beginning of a file; the longer first, since one begins with the other.
_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_PLAIN_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)?")
_CLOCK = re.compile(r"(\d+):([0-5]?\d(?:\.\d+)?)")
_MINUTES = re.compile(r"(\d+(?:\.\d+)?)\s*m(?:in|ins|inutes?)?\s*(?:(\d+(?:\.\d+)?)\s*(?:s|sec|secs|seconds?)?)?")


@dataclass(frozen=True)
class Asked:
    """The options of a request that were given, by field, and ``remarks`` on how files among them were read.

    A command whose dataclass has a field ``Annotated[Asked, ("Music", "seed")]`` has the options of those panels and
    of those names.
    """

    values: Mapping[str, Any]
    remarks: tuple[str, ...] = ()


def command(app: typer.Typer, name: str, options: type[Options]) -> Callable[[Callable[[Options], None]], None]:
    """Makes a function of ``options`` a command of ``app``; each field, annotated for typer, is an option.

    A field that is a dataclass itself stands for the options that are its fields.
    """
    parameters = list(_parameters(options))

    def register(run: Callable[[Options], None]) -> None:
        def invoke(**values: Any) -> None:
            run(_filled(options, values))

        invoke.__doc__ = run.__doc__
        invoke.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        invoke.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
        app.command(name)(invoke)

    return register


def _parameters(options: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(options, include_extras=True)
    for field in fields(options):
        hint = hints[field.name]
        if is_dataclass(hint):
            yield from _parameters(hint)
        elif _is_asked(hint):
            yield from (_request_parameter(option) for option in _options_in(get_args(hint)[1]))
        else:
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            yield _parameter(field.name, hint, default)


def _filled(options: Any, values: Mapping[str, Any]) -> Any:
    """The dataclass of what was typed. Raises what ``_read`` raises."""
    hints = get_type_hints(options, include_extras=True)

    def value_of(name: str) -> Any:
        hint = hints[name]
        if is_dataclass(hint):
            return _filled(hint, values)
        if _is_asked(hint):
            return _asked({option: values[option] for option in _options_in(get_args(hint)[1])})
        return values[name]

    return options(**{field.name: value_of(field.name) for field in fields(options)})


def _is_asked(hint: Any) -> bool:
    """Whether a field stands for options of a request."""
    return get_origin(hint) is Annotated and get_args(hint)[0] is Asked


def _options_in(places: tuple[str, ...]) -> list[str]:
    return [name for name, option in OPTIONS.items() if option.panel in places or name in places]


def _parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _request_parameter(name: str) -> inspect.Parameter:
    """The typer option for a field of a request; left out, it is None, or False for a switch."""
    option, default = OPTIONS[name], DEFAULTS[name]
    if not option.flag.startswith("-"):
        argument = typer.Argument(help=help_of(name), show_default=False)
        return _parameter(name, Annotated[str | None, argument])
    kinds = {"names": list[str], "spans": list[str], "seconds": str}
    kind = kinds.get(option.writing) or next(kind for kind in (bool, int, float, str) if _holds(TYPES[name], kind))
    flag = f"{option.flag}/--no-{option.flag.removeprefix('--')}" if option.writing == "either" else option.flag
    show = default if isinstance(default, str) else False
    declared = typer.Option(flag, help=help_of(name), rich_help_panel=option.panel, show_default=show)
    if option.writing == "switch":
        return _parameter(name, Annotated[bool, declared], False)
    return _parameter(name, Annotated[Optional[kind], declared])  # noqa: UP045 (the type is known only here)


def _holds(annotation: Any, kind: type) -> bool:
    """Whether values of a field are of a type; those of choices are text."""
    parts = (annotation, *get_args(annotation))
    return kind in parts or (kind is str and any(get_origin(part) is Literal for part in parts))


def help_of(name: str) -> str:
    """What the command line says of an option of a request: its meaning, how it is written, and its limits."""
    option = OPTIONS[name]
    written = _WRITTEN.get(option.writing) or ", ".join(choices_of(name))
    said = option.about[0].upper() + option.about[1:] + (f": {written}" if written else "")
    if option.limits is not None:
        low, high = (f"{limit:g}" if isinstance(limit, float) else str(limit) for limit in option.limits)
        said += f"; {low} to {high} {option.unit}".rstrip()
    # Brackets are the markup of the terminal's colours.
    return said.replace("[", r"\[") + "."


def _asked(typed: Mapping[str, Any]) -> Asked:
    """The values of options as they were typed, read; what was not typed is left out. Raises what ``_read`` raises."""
    remarks: list[str] = []
    values = {name: _read(name, value, remarks) for name, value in typed.items() if value not in (None, [], ())}
    given = {name: value for name, value in values.items() if value is not False or OPTIONS[name].writing == "either"}
    return Asked(given, tuple(remarks))


def _read(name: str, value: Any, remarks: list[str]) -> Any:
    """What was typed for an option as the value of its field; may add to ``remarks``. Raises as the readers do."""
    if name == "prompt":
        return _prompt(value)
    choices = choices_of(name)
    if choices and value.strip().lower() not in choices:
        raise RequestError(f"{OPTIONS[name].flag} {value[:80]!r} is not one of {', '.join(choices)}")
    match OPTIONS[name].writing:
        case "seconds":
            return seconds(value)
        case "names":
            return listed(value)
        case "spans":
            return spans(value)
        case "text":
            return _words(value, name, remarks)
        case "word":
            return value.strip().lower()
    return value


def _words(value: str, name: str, remarks: list[str]) -> str:
    """A text or that of a file; where it is over its limit, without the times of single words."""
    text = _words_of_midi(value, name, remarks) or text_or_file(value, name, remarks)
    if len(text) <= (OPTIONS[name].limit_chars or len(text)):
        return text
    from noisician.lyrics.pasted import without_word_stamps

    return without_word_stamps(text)


def _prompt(prompt: str) -> str:
    if not prompt.strip():
        raise RequestError("the prompt is empty (0 words); leave it out altogether for a surprise")
    return prompt


def listed(values: Iterable[str]) -> tuple[str, ...]:
    """``["piano, cello", "rain"]`` → three names."""
    return tuple(name for value in values for name in (part.strip() for part in value.split(",")) if name)


def spans(values: Iterable[str], what: str = "repaint") -> tuple[tuple[float, float], ...]:
    """``["10-15", "1:00-1:30"]`` in seconds. Raises RequestError."""
    found = []
    for value in values:
        start, dash, end = value.partition("-")
        if not dash:
            raise RequestError(f"{what} {value!r} is no stretch of time; write START-END, as in 10-15 or 1:00-1:30")
        found.append((seconds(start), seconds(end)))
    return tuple(found)


def _words_of_midi(value: str, name: str, remarks: list[str]) -> str:
    """The words of a MIDI file, where lyrics are one; nothing where they are not. Raises FileError for one without."""
    path = value.strip().removeprefix("@")
    if name != "lyrics" or not _MIDI_FILE.search(path) or "\n" in path:
        return ""
    from noisician.score.karaoke import midi_words

    words = midi_words(path)
    if not words:
        raise FileError(f"{path}: holds notes but no words; write the lyrics, or name a karaoke file")
    remarks.append(f"{Path(path).name}: {len(words.splitlines())} lines of words were read out of it")
    return words


def text_or_file(value: str, what: str, remarks: list[str] | None = None) -> str:
    """The text itself, or that of a file: ``@path``, or one line that is a path or can only be one.

    Files are UTF-8, UTF-16 or UTF-32 with a mark, or else Windows-1252, which ``remarks`` is told. Raises FileError.
    """
    named = value.startswith("@")
    if not named and not _names_a_file(value):
        return value
    path = Path(value[1:] if named else value.strip()).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_TEXT_CHARS)
        text, encoding = _decoded(data)
    except (OSError, ValueError) as failed:
        reason = failed.strerror.lower() if isinstance(failed, OSError) and failed.strerror else "not a text file"
        raise FileError(f"{path}: the {what} cannot be read ({reason})") from None
    if not text.strip():
        raise FileError(f"{path}: the {what} cannot be read (the file is empty)")
    if remarks is not None and encoding is not None:
        remarks.append(f"{path.name} is not UTF-8; it was read as {encoding}")
    return text.replace("\r\n", "\n")


def _names_a_file(value: str) -> bool:
    """Whether one line is the path of something that is there, or looks like nothing but a path."""
    line = value.strip()
    if not line or "\n" in line or len(line) > _LONGEST_PATH:
        return False
    looks_so = _TEXT_FILE.search(line) or (_PATH.match(line) and not re.search(r"\s", line))
    parent = Path(line).parent if "/" in line and not re.search(r"\s", line) else None
    return bool(looks_so) or (parent is not None and parent != Path() and parent.is_dir()) or _is_file(line)


def _decoded(data: bytes) -> tuple[str, str | None]:
    """The text of a file, and its encoding where that had to be guessed. Raises ValueError for what is no text."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding), None
    zeros = [data[place::2].count(0) for place in (0, 1)]
    if 2 * max(zeros) > len(data) / 2 and min(zeros) < max(zeros) / 4:
        return data.decode("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        text = data.decode("cp1252")
        if _CONTROL.search(text):
            raise ValueError("holds control characters") from None
        return text, "Windows-1252"


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # no name that a disk could have
        return False


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
