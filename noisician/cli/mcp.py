"""``noisician mcp``: the tools for assistants that start their servers themselves, over standard input and output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from noisician.cli.options import command
from noisician.cli.studio import StudioOptions, settings_of
from noisician.errors import RequestError


def add_to(app: typer.Typer) -> None:
    command(app, "mcp", McpOptions)(mcp)


@dataclass(frozen=True)
class McpOptions:
    url: Annotated[
        str | None,
        typer.Option(help="A service that runs, such as http://127.0.0.1:8484; its key in NOISICIAN_API_KEY."),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder whose service to use, or to start if none runs.", show_default=False),
    ] = None
    exports: Annotated[
        Path | None, typer.Option(help="Folder for the files an assistant exports; links only if left out.")
    ] = None


def mcp(options: McpOptions) -> None:
    """Offer make, status, export and lists to an assistant (Model Context Protocol, stdio)."""
    if options.url is not None and options.data is not None:
        raise RequestError("--url and --data both say which service to use; leave one of them out")
    try:
        from noisician.service.stdio import serve
    except ImportError as missing:
        raise RequestError(f"mcp needs more packages ({missing.name}): pip install 'noisician[studio]'") from None
    serve(settings_of(StudioOptions(data=options.data)), options.url, options.exports)
