"""The command line: a thin layer over the library. Each command group has its own file.

Results go to standard output, progress and notes to standard error. What cannot be done is one line beginning with
``error:`` and exit status 2; Ctrl-C is exit status 130; anything unforeseen keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from noisician.cli import analyse, corpus, edit, evaluate, export, instruments, make, mcp, models, show, studio, train
from noisician.cli.streams import standard_streams
from noisician.errors import Cancelled, NoisicianError

#: What typer raises for a mistyped command line; the class itself has moved between its versions.
_UsageError: Any = typer.BadParameter.__mro__[2]
_INTERRUPTED = 130
#: Whoever read the output went away; what typer says of it, where it notices.
_UNREAD = 1

app = typer.Typer(
    name="noisician",
    help="Music from words, on your own machine: a score by diffusion, every player's sound out of noise.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (make, edit, export, analyse, show, evaluate, studio, mcp):
    group.add_to(app)
app.add_typer(instruments.app, name="instruments")
app.add_typer(models.app, name="models")
app.add_typer(corpus.app, name="corpus")
app.add_typer(train.app, name="train")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from noisician.recipe import software_version

        typer.echo(f"noisician {software_version()}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its status."""
    try:
        with standard_streams():
            status = app(args=arguments, standalone_mode=False)
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except BrokenPipeError:
        status = _UNREAD
    except NoisicianError as error:
        _complain(str(error))
        status = 2
    except _UsageError as error:
        _complain(error.format_message())
        status = 2
    except OSError as error:
        # A path that was given and cannot even be looked at, a disk that fails.
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        _complain(f"{where}{(error.strerror or str(error)).lower()}")
        status = 2
    if status == _INTERRUPTED:
        print("stopped", file=sys.stderr)
    sys.exit(status or 0)


def _complain(message: str) -> None:
    with suppress(OSError, ValueError):  # nobody can be told that nobody can be told
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
