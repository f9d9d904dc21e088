"""``noisician models``: what there is, what it may be used for, and fetching and removing it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.errors import RequestError, WeightsError

if TYPE_CHECKING:
    from noisician.checkpoints import CheckpointInfo

app = typer.Typer(help="Models: list them, look at one, pull or remove an open checkpoint.", no_args_is_help=False)
_Name = Annotated[str, typer.Argument(help="A name of 'noisician models', or a hub id.")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback(invoke_without_command=True)
def list_models(context: typer.Context, as_json: _Json = False) -> None:
    """List the models with size, licence, what they can do, and whether they are on this machine."""
    if context.invoked_subcommand is not None:
        return
    rows = model_rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from noisician.cli.show import print_table

    headings = ("model", "here", "size", "rate", "one call", "licence", "can")
    print_table(headings, [_cells(row) for row in rows])


@app.command()
def info(name: _Name, as_json: _Json = False) -> None:
    """Show all that is known of one model."""
    row = _row_of(name)
    if as_json:
        typer.echo(json.dumps(row, indent=2, ensure_ascii=False))
        return
    from noisician.cli.show import print_table

    shown = {key: _text(value) for key, value in row.items()}
    print_table(("model", row["name"]), [(key.replace("_", " "), text) for key, text in shown.items() if text])


@app.command()
def pull(
    name: _Name,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the licence without being asked.")] = False,
) -> None:
    """Download a checkpoint: its safetensors, settings and tokenizer, nothing that could run code."""
    from noisician.checkpoints import pullable
    from noisician.checkpoints.store import check_pullable
    from noisician.checkpoints.store import pull as fetch
    from noisician.cli.progress import watch

    source = pullable(name)
    check_pullable(source)
    _agree(source, accept)
    with watch(f"{source.name}: ") as show:
        show("asking the hub", 0.0)
        folder = fetch(source, lambda what: show(f"downloading {what}", 0.1))
    typer.echo(str(folder))


@app.command()
def remove(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a checkpoint from this machine."""
    from noisician.checkpoints import pullable
    from noisician.checkpoints.store import find, missing_to_remove, size_on_disk
    from noisician.checkpoints.store import remove as delete

    source = pullable(name)
    folder = find(source)
    if folder is None:
        raise missing_to_remove(source)
    size_gb = size_on_disk(folder) / 1e9
    if not yes and not _asked(f"delete {source.name} ({size_gb:.1f} GB, {folder})?"):
        raise RequestError(f"{source.name} was not removed; --yes removes it without asking")
    typer.echo(f"removed {delete(source)}")


def model_rows() -> list[dict[str, Any]]:
    """The embedded model, the catalogue, and what else lies in the models folder, as plain values."""
    from noisician.checkpoints import catalogue

    return [_embedded_row(), *(_checkpoint_row(entry) for entry in catalogue().values()), *_kept_rows()]


def _kept_rows() -> Iterator[dict[str, Any]]:
    from noisician.checkpoints import catalogue, locate, pullable, store

    for name in store.kept_names():
        if name in catalogue():
            continue
        try:
            yield _checkpoint_row(*locate(name))
        except WeightsError:  # nothing noisician can run, but there
            yield _checkpoint_row(pullable(name))


def _row_of(name: str) -> dict[str, Any]:
    from noisician.checkpoints import locate

    if name == "embedded":
        return _embedded_row()
    source, folder = locate(name)
    return _checkpoint_row(source, folder)


def _embedded_row() -> dict[str, Any]:
    from noisician.api import capabilities_of
    from noisician.request import Request
    from noisician.weights import FOLDER

    able = capabilities_of(Request())
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    return {
        "name": able.name,
        "on_disk": "yes",
        "size_gb": round(size / 1e9, 3),
        "licence": able.licence,
        "restricted": False,
        "gated": False,
        "features": sorted(able.features),
        "duration_range_s": list(able.duration_range_s),
        "sample_rate_hz": able.sample_rate_hz,
        "folder": str(FOLDER),
    }


def _checkpoint_row(source: CheckpointInfo, folder: Path | None = None) -> dict[str, Any]:
    from noisician.checkpoints import store
    from noisician.checkpoints.catalogue import UNKNOWN_LICENCE

    folder = folder or store.find(source)
    size_gb = source.size_gb
    if size_gb is None and folder is not None:
        size_gb = round(store.size_on_disk(folder) / 1e9, 3)
    return {
        "name": source.name,
        "on_disk": "no" if folder is None else store.state_of(folder),
        "size_gb": size_gb,
        "licence": source.licence,
        "licence_url": source.licence_url,
        "restricted": None if source.licence == UNKNOWN_LICENCE else source.restricted,
        "gated": source.gated,
        "features": sorted(source.features),
        "duration_range_s": None if source.duration_range_s is None else list(source.duration_range_s),
        "sample_rate_hz": source.sample_rate_hz,
        "family": source.family,
        "hub_id": source.hub_id,
        "folder": None if folder is None else str(folder),
        "how_to_get": "" if folder is not None else str(store.missing(source)),
    }


def _cells(row: dict[str, Any]) -> Sequence[str]:
    low_s, high_s = row["duration_range_s"] or (None, None)
    call = "" if low_s is None else f"{low_s:g}–{high_s:g} s"
    size = "" if row["size_gb"] is None else f"{row['size_gb']:.2g} GB"
    licence = row["licence"] + (" (restricts use)" if row["restricted"] else "") + (", gated" if row["gated"] else "")
    can = ", ".join(feature.replace("_", " ") for feature in row["features"])
    rate = "" if row["sample_rate_hz"] is None else f"{row['sample_rate_hz'] / 1000:g} kHz"
    return (row["name"], row["on_disk"], size, rate, call, licence, can)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _agree(source: CheckpointInfo, accept: bool) -> None:
    """Shows a licence that restricts use, or that nobody stated, and goes on only with consent."""
    from noisician.checkpoints.catalogue import UNKNOWN_LICENCE

    if not source.restricted and source.licence != UNKNOWN_LICENCE:
        return
    where = f": {source.licence_url}" if source.licence_url else ""
    if source.restricted:
        print(f"{source.name} comes under the {source.licence}, which restricts use{where}", file=sys.stderr)
    else:
        print(f"{source.name}: its licence is not known here; read its page on the hub", file=sys.stderr)
    if not accept and not _asked("do you accept it?"):
        raise RequestError(f"{source.name} was not pulled: its licence was not accepted (--accept)")


def _asked(question: str) -> bool:
    """Whether somebody at a terminal says yes; without a terminal nobody does."""
    return sys.stdin.isatty() and typer.confirm(question, err=True)
