"""``noisician export``: a piece as a project for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from noisician.cli.options import command
from noisician.cli.progress import shown, watch
from noisician.cli.rendered import keep_rendered
from noisician.cli.streams import note, print_json, warnings_as_notes
from noisician.errors import RequestError

#: What can be exported to, and who reads it; :data:`noisician.projects.KINDS`, told here for help that loads nothing.
_READ_BY = (
    "dawproject: Bitwig Studio, Studio One, Cubase and others; reaper: Reaper; folder: every program; of songs "
    "ultrastar: karaoke games; openutau: your own voicebanks; srt, vtt: subtitles"
)


class Kind(str, Enum):
    dawproject = "dawproject"
    reaper = "reaper"
    folder = "folder"
    ultrastar = "ultrastar"
    openutau = "openutau"
    srt = "srt"
    vtt = "vtt"


@dataclass(frozen=True)
class ExportOptions:
    file: Annotated[Path, typer.Argument(help="The piece: any file that holds a recipe. It stays as it is.")]
    daw: Annotated[Kind, typer.Option("--daw", "--as", help=_READ_BY + ".")] = Kind.dawproject
    path: Annotated[
        Path | None, typer.Option("--output", "-o", help="The project's file, or its folder.", show_default=False)
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Replace what exists.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only print paths.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False


def add_to(app: typer.Typer) -> None:
    command(app, "export", ExportOptions)(export)


def export(options: ExportOptions) -> None:
    """Write a piece as a project: every player's sound and notes, tempo, metres, sections, chords and words.

    noisician export song.wav --daw reaper -o song
    """
    from noisician import api
    from noisician.projects import SUNG_KINDS, check_project

    kind = options.daw.value
    with watch(quiet=options.quiet):
        keep_rendered()
        recipe = api.read_recipe(options.file)
        api.check_outputs(recipe.request, {"--daw": True})
        if kind in SUNG_KINDS and recipe.piece is not None and not recipe.piece.get("song"):
            raise RequestError(f"{kind} holds what is sung, and nothing is sung in {options.file}")
        target = options.path or options.file.with_name(f"{options.file.stem}-{kind}")
        check_project(target, kind, options.force)
    with watch("", options.quiet) as show, warnings_as_notes(options.quiet):
        show("starting", 0.0)
        music = api.open(options.file, on_progress=shown(show))
        show("writing", 1.0)
        written = music.save_project(target, kind, overwrite=options.force)
    note(music.remarks, options.quiet)
    if options.as_json:
        print_json({"kind": kind, "files": [str(path) for path in written]})
    else:
        typer.echo(written[0] if len(written) == 1 else target)
