"""``noisician instruments``: instruments of your own, from recordings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.cli.streams import print_json

if TYPE_CHECKING:
    from noisician.renderer.references import References
    from noisician.styles.own import OwnInstrument

app = typer.Typer(help="Your own instruments: add one from recordings, list, show, remove.", no_args_is_help=False)
_Name = Annotated[str, typer.Argument(help="Its name: a-z, 0-9 and _.")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_RIGHTS = "Use recordings that are yours or whose terms allow it: what is played with them carries their sound."


@app.callback(invoke_without_command=True)
def _listed(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        show_list()


@app.command()
def add(
    name: _Name,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...|FOLDER|FILE.sf2|FILE.sfz", help="Single notes or hits; FILE.sf2#12 is a preset."
        ),
    ],
    rights: Annotated[str, typer.Option("--rights", help="Whose recordings these are, kept beside them.")] = "",
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="struck, plucked, sustained or drums; left out, the recordings tell."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace one of the same name.")] = False,
    as_json: _Json = False,
) -> None:
    """Make an instrument of recordings; one is enough, more are better.

    A file is one note, or is cut at silences. Hits without a pitch, or named kick, snare, hat …, become a kit.
    """
    from noisician import instruments

    print(_RIGHTS, file=sys.stderr)
    added = instruments.add(name, sources, rights, kind, force)
    for remark in added.remarks:
        print(f"note: {remark}", file=sys.stderr)
    if as_json:
        print_json(_facts(added.entry, added.references))
        return
    _print(added.entry, added.references)
    typer.echo(f'play it: noisician make --instruments "{name}"')


@app.command("list")
def show_list(as_json: _Json = False) -> None:
    """List your instruments."""
    from noisician import instruments

    entries, damaged = instruments.listed()
    for line in damaged:
        print(f"note: {line}", file=sys.stderr)
    if as_json:
        rows = [{"id": id_, "kind": _kind(entry), "rights": entry.rights} for id_, entry in entries.items()]
        print_json(rows)
    elif entries:
        from noisician.cli.show import print_table

        rows = [(id_, _kind(entry), " ".join(entry.roles), entry.rights) for id_, entry in entries.items()]
        print_table(("instrument", "kind", "roles", "rights"), rows)
    else:
        typer.echo("no instruments of your own yet: noisician instruments add NAME FILES")


@app.command()
def show(
    name: _Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the picture and the phrase.")] = Path("."),
    force: Annotated[bool, typer.Option("--force", help="Overwrite them.")] = False,
    as_json: _Json = False,
) -> None:
    """Show one: its range and velocities, a picture of its recordings, and a test phrase as a sound file."""
    from noisician import instruments
    from noisician.cli.progress import watch
    from noisician.models.embedded.audition import save_audition

    entry, references = instruments.named(name)
    with watch(f"{name}: ") as progress:
        progress("rendering", 0.0)
        files = save_audition(entry.instrument, references, output, lambda share: progress("rendering", share), force)
    if as_json:
        facts = {**_facts(entry, references), "written": {kind: str(path) for kind, path in files.items()}}
        print_json(facts)
        return
    _print(entry, references)
    for path in files.values():
        typer.echo(str(path))


@app.command()
def remove(name: _Name) -> None:
    """Delete one from this machine; recipes that play it can then be opened where they carry it."""
    from noisician import instruments

    typer.echo(f"removed {instruments.remove(name)}")


def _kind(entry: OwnInstrument) -> str:
    return "drums" if entry.excitation == "drum" else entry.sustain


def _facts(entry: OwnInstrument, references: References) -> dict[str, Any]:
    """What there is to know of an instrument, as JSON values."""
    return {
        "id": entry.id,
        "kind": _kind(entry),
        "roles": list(entry.roles),
        "range": list(entry.range),
        "notes": [
            {"pitch": round(float(pitch), 2), "velocity": int(velocity)}
            for pitch, velocity in zip(references.pitch, references.velocity, strict=True)
        ],
        "rights": entry.rights,
        "files": list(entry.files),
        "sha256": entry.sha256,
    }


def _print(entry: OwnInstrument, references: References) -> None:
    from noisician.cli.show import print_table
    from noisician.score.harmony import note_name

    keys = [int(key) for key in references.keys]
    recorded = ", ".join(str(key) if entry.excitation == "drum" else note_name(key) for key in keys)
    rows: Sequence[tuple[str, str]] = [
        ("kind", _kind(entry)),
        ("plays", f"{note_name(entry.range[0])} to {note_name(entry.range[1])}, {' '.join(entry.roles)}"),
        ("recorded", f"{len(references)} notes: {'keys ' if entry.excitation == 'drum' else ''}{recorded}"),
        ("velocities", ", ".join(str(velocity) for velocity in sorted({int(v) for v in references.velocity}))),
        ("files", f"{len(entry.files)}: {', '.join(entry.files[:4])}{' …' if len(entry.files) > 4 else ''}"),
        ("rights", entry.rights or "not told"),
    ]
    print_table(("instrument", entry.id), rows)
