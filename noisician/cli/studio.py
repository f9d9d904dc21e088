"""``noisician studio``: the service and its page on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noisician.cli.options import command
from noisician.errors import RequestError

if TYPE_CHECKING:
    from noisician.service.settings import Settings


def add_to(app: typer.Typer) -> None:
    command(app, "studio", StudioOptions)(studio)


@dataclass(frozen=True)
class StudioOptions:
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; beyond this machine only with NOISICIAN_API_KEY.", show_default="127.0.0.1"
        ),
    ] = None
    port: Annotated[int | None, typer.Option(help="0 takes any free one.", show_default="8484")] = None
    data: Annotated[
        Path | None, typer.Option(help="Folder of the library.", show_default="a folder in the user's data")
    ] = None
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False


def studio(options: StudioOptions) -> None:
    """Make music in the browser: opens a page, which is an HTTP API for other programs too. Ctrl-C stops it."""
    try:
        from noisician.service.app import serve, show_in_browser
        from noisician.service.lock import AlreadyRunning
    except ImportError as missing:
        raise RequestError(
            f"the studio needs more packages ({missing.name}): pip install 'noisician[studio]'"
        ) from None
    try:
        serve(settings_of(options), not options.no_browser, lambda url: typer.echo(f"the studio is at {url}"))
    except AlreadyRunning as running:
        typer.echo(str(running))
        if running.url and not options.no_browser:
            show_in_browser(running.url)


def settings_of(options: StudioOptions) -> Settings:
    """The environment's settings with the options before them. Raises RequestError for a value that does not fit."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from noisician.service.settings import Settings

    given = {"host": options.host, "port": options.port, "data": options.data}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"{name} {str(first.get('input'))[:80]!r} does not fit: {first['msg']}") from None
    except SettingsError as error:
        raise RequestError(f"the environment does not fit: {error}") from None
