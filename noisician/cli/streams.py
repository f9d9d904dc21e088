"""Standard output as it is found: full, closed, gone, or of an encoding that cannot hold every character."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from noisician.errors import FileError


@contextmanager
def standard_streams() -> Iterator[None]:
    """Within, what cannot be written is one FileError, and characters that an encoding lacks are escaped.

    Raises BrokenPipeError where whoever read the output has enough.
    """
    out, err = sys.stdout, sys.stderr
    output = _Output(out)
    sys.stdout = output  # pyright: ignore[reportAttributeAccessIssue]
    with _somewhere_to_complain():
        try:
            yield
            output.flush()
        except (FileError, OSError):
            output.give_up()
            raise
        finally:
            sys.stdout, sys.stderr = out, err if err is not None else sys.stderr


@contextmanager
def _somewhere_to_complain() -> Iterator[None]:
    """Where standard error is closed, ``print`` would write what belongs there to standard output."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    yield


class _Output:
    """Standard output, with errors that say what they mean. ``stream`` is None where it is closed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        # Only streams that Python opened itself can be told how to escape; those of tests need not.
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        if self._stream is None:
            raise FileError("standard output is closed: there is nowhere to write to")
        with _explained():
            return self._stream.write(text)

    def flush(self) -> None:
        if self._stream is not None:
            with _explained():
                self._stream.flush()

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def give_up(self) -> None:
        """Sends what is still held back nowhere, or Python would complain of it once more at its end."""
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"standard output cannot be written ({reason})") from None


def print_json(value: Any) -> None:
    """A JSON value on standard output, or one that is text already."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    encoding = str(getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    # UTF-8 holds all but halves of characters, which arguments of other encodings leave behind.
    beyond = "[\ud800-\udfff]" if encoding == "utf8" else "[^\x00-\x7f]"
    typer.echo(re.sub(beyond, lambda found: json.dumps(found[0])[1:-1], text).rstrip("\n"))


def note(remarks: Iterable[str], quiet: bool) -> None:
    """Remarks on standard error, a line each."""
    if not quiet:
        for remark in remarks:
            print(f"note: {remark}", file=sys.stderr)


@contextmanager
def warnings_as_notes(quiet: bool) -> Iterator[None]:
    """What the library warns of, said as the command line says such things."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    note((str(one.message) for one in caught if one.category is UserWarning), quiet)
