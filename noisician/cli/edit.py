"""``noisician edit`` and ``noisician intensities``: changing what is there, in a copy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.cli.edit_flags import EditFlags, Operation, operations
from noisician.cli.options import command
from noisician.cli.output import OutputOptions, print_result, result_of, save, targets, written
from noisician.cli.progress import shown, watch
from noisician.cli.rendered import keep_rendered, rendered_cache
from noisician.cli.streams import note, print_json, warnings_as_notes
from noisician.errors import FileError, RequestError

if TYPE_CHECKING:
    from noisician.edits import Edit
    from noisician.models.protocol import EditOutlook
    from noisician.recipe import Recipe

#: A list of edits is never longer; a file of gigabytes is not read.
_EDITS_LIMIT_BYTES = 16 << 20
#: Some minutes of a band; of longer pieces a part is rendered more than once.
_SHARED_LIMIT_BYTES = 256 << 20


@dataclass(frozen=True)
class EditOptions:
    """What to change, and what is written where."""

    file: Annotated[Path, typer.Argument(help="What to change: any file that holds a recipe. It stays as it is.")]
    flags: EditFlags
    output: OutputOptions
    edits: Annotated[
        str | None,
        typer.Option(
            "--edits",
            help='A JSON list of edits, each with "op"; - for standard input. Done after those of the flags.',
            rich_help_panel="Edits",
            show_default=False,
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be painted and heard.", rich_help_panel="Edits")
    ] = False


@dataclass(frozen=True)
class IntensitiesOptions:
    file: Annotated[Path, typer.Argument(help="The piece: any file that holds a recipe.")]
    output: OutputOptions


def add_to(app: typer.Typer) -> None:
    command(app, "edit", EditOptions)(edit)
    command(app, "intensities", IntensitiesOptions)(intensities)


def edit(options: EditOptions) -> None:
    """Change something in a piece; what is not named stays, sample for sample.

    noisician edit a.wav --regenerate bass --bars 5-8 --seed 9 -o b.wav
    """
    from noisician import api

    output = options.output
    with watch(quiet=output.quiet):
        keep_rendered()
        recipe = api.read_recipe(options.file)
        edits = _edits_of(options, recipe)
        if options.dry_run:
            return _print_outlook(api.outlook(options.file, *edits), output.as_json)
        api.check_outputs(recipe.request, output.wanted)
        _keep(options.file, Path(output.path or "."), output)
        (path,) = targets(output, 1, _is_loop(recipe, edits))
    with watch("", output.quiet) as show, warnings_as_notes(output.quiet):
        show("starting", 0.0)
        music = api.edit(options.file, *edits, keep_stems=output.keeps_stems, on_progress=shown(show))
        show("writing", 1.0)
        if path.is_dir():
            path = path / music.file_name(output.format or "wav")
            _keep(options.file, path, output)
        files = save(music, path, output)
    note(music.remarks, output.quiet)
    if output.as_json:
        done = {"edits": [one.words() for one in edits], "remarks": list(music.remarks)}
        print_json({**result_of(music, files), **done})
    else:
        print_result(music, files, output.quiet)


def intensities(options: IntensitiesOptions) -> None:
    """Make calm, tense and full versions of a piece, aligned to the sample, for a game to cross-fade.

    noisician intensities a.wav -o layers
    """
    from noisician import api
    from noisician.cache import LayeredCache, MemoryCache
    from noisician.models import registry

    output = options.output
    with watch(quiet=output.quiet):
        recipe = api.read_recipe(options.file)
        api.check_outputs(recipe.request, output.wanted)
        names = _version_names(options, _is_loop(recipe, ()))
        # All versions have the same players: what is rendered for one serves the others.
        registry.DEFAULT.cache = LayeredCache(MemoryCache(_SHARED_LIMIT_BYTES), rendered_cache())
    with watch("", output.quiet) as show, warnings_as_notes(output.quiet):
        show("starting", 0.0)
        versions = api.intensities(options.file, keep_stems=output.keeps_stems, on_progress=shown(show))
        show("writing", 1.0)
        saved = {name: save(music, names[name], output) for name, music in versions.items()}
    if output.as_json:
        print_json({name: result_of(versions[name], files) for name, files in saved.items()})
        return
    for name, files in saved.items():
        print_result(versions[name], files, output.quiet)


def _version_names(options: IntensitiesOptions, loop: bool) -> dict[str, Path]:
    """Where each version goes, in a folder that is made where there is none. Raises FileError."""
    from noisician.export import choose_format
    from noisician.piece.intensities import INTENSITIES

    output = options.output
    folder = Path(output.path or ".")
    suffix = f".{output.format or 'wav'}"
    choose_format(Path(f"track{suffix}"), output.format, output.bit_depth, loop)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        reason = (failed.strerror or "no folder").lower()
        raise FileError(f"{folder}: cannot be made a folder for the versions ({reason})") from None
    names = {name: folder / f"{options.file.stem}-{name}{suffix}" for name in INTENSITIES}
    for path in names.values():
        _keep(options.file, path, output)
        targets(replace(output, path=str(path)), 1, loop)
    return names


def _is_loop(recipe: Recipe, edits: Iterable[Edit]) -> bool:
    """Whether a loop comes of it, as far as formats are concerned."""
    looped = any(one.op == "loop" for one in edits)
    return looped or bool(recipe.controls.get("loop") or (recipe.piece or {}).get("plan", {}).get("loop"))


def _edits_of(options: EditOptions, recipe: Recipe) -> tuple[Edit, ...]:
    """Raises RequestError and FileError for what cannot be read, and where nothing is asked for."""
    from noisician import api
    from noisician.edits import edits_from

    midi = options.flags.note.notes
    changed = () if midi is None else api.edits_from_midi(recipe, midi)
    notes: Iterable[Operation] = [change.model_dump(mode="json") for change in changed]
    given = [] if options.edits is None else _read_edits(options.edits)
    wanted = [*operations(options.flags, notes), *given]
    if not wanted and midi is not None:
        raise RequestError(f"{midi}: plays the notes of {options.file} already; there is nothing to change")
    return edits_from(wanted)


def _read_edits(name: str) -> list[Any]:
    """The list in a file, or on standard input. Raises FileError."""
    where = "standard input" if name == "-" else name
    try:
        if name == "-":
            text = sys.stdin.read(_EDITS_LIMIT_BYTES + 1)
        else:
            with Path(name).open(encoding="utf-8-sig") as file:
                text = file.read(_EDITS_LIMIT_BYTES + 1)
        if len(text) > _EDITS_LIMIT_BYTES:
            raise FileError(f"{where}: more than {_EDITS_LIMIT_BYTES >> 20} MiB; no list of edits is as long")
        data = json.loads(text)
    except OSError as failed:
        raise FileError(f"{where}: the edits cannot be read ({(failed.strerror or 'no file').lower()})") from None
    except (ValueError, RecursionError) as broken:
        reason = " ".join(str(broken).split())[:100]
        raise FileError(f"{where}: is no JSON list of edits ({reason})") from None
    if not isinstance(data, list):
        raise FileError(f"{where}: is JSON but no list; edits are a list of objects, each with 'op'")
    return data


def _keep(file: Path, target: Path, output: OutputOptions) -> None:
    """Refuses to write over what is edited, whatever it is called and whichever of the outputs would do it."""
    if target.is_dir():
        return
    here = file.resolve()
    for path in written(target, output).values():
        if path.resolve() == here or path.resolve() in here.parents:
            raise FileError(f"{path}: is what the edit starts from, which is never changed; choose another name")


def _told(outlook: EditOutlook) -> dict[str, Any]:
    return {
        "edits": list(outlook.words),
        "painted_s": {player: [list(span) for span in spans] for player, spans in outlook.painted_s.items()},
        "heard_s": [list(span) for span in outlook.heard_s],
        "remarks": list(outlook.remarks),
    }


def _print_outlook(outlook: EditOutlook, as_json: bool) -> None:
    if as_json:
        print_json(_told(outlook))
        return
    for words in outlook.words:
        typer.echo(words)
    for player, spans in outlook.painted_s.items():
        if spans:
            typer.echo(f"  paints {player}, {_spans(spans)}")
    if not any(outlook.painted_s.values()):
        typer.echo("  paints nothing")
    typer.echo(f"  heard in {_spans(outlook.heard_s)}" if outlook.heard_s else "  changes nothing that is heard")
    for remark in outlook.remarks:
        typer.echo(f"  {remark}")


def _spans(spans: Iterable[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in spans)
