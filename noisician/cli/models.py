"""``noisician models``: what there is, what it may be used for, and fetching and removing it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.cli.streams import print_json
from noisician.errors import RequestError

if TYPE_CHECKING:
    from noisician.models.checkpoints import CheckpointInfo
    from noisician.models.registry import ListedModel

app = typer.Typer(help="Models: list them, look at one, pull or remove an open checkpoint.", no_args_is_help=False)
_Name = Annotated[str, typer.Argument(help="A name of 'noisician models', or a hub id.")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback(invoke_without_command=True)
def list_models(context: typer.Context, as_json: _Json = False) -> None:
    """List the models with size, licence, what they can do, and whether they are on this machine."""
    if context.invoked_subcommand is not None:
        return
    from noisician.models import registry

    rows = [_row(model) for model in registry.DEFAULT.all()]
    if as_json:
        print_json(rows)
        return
    from noisician.cli.show import print_table

    headings = ("model", "here", "size", "rate", "one call", "licence", "can")
    print_table(headings, [_cells(row) for row in rows])


@app.command()
def info(name: _Name, as_json: _Json = False) -> None:
    """Show all that is known of one model."""
    from noisician.models import registry

    row = _row(registry.DEFAULT.named(name))
    if as_json:
        print_json(row)
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
    from noisician.cli.progress import watch
    from noisician.models.checkpoints import pullable
    from noisician.models.checkpoints.store import check_pullable
    from noisician.models.checkpoints.store import pull as fetch

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
    from noisician.models.checkpoints import pullable
    from noisician.models.checkpoints.store import find, missing_to_remove, size_on_disk
    from noisician.models.checkpoints.store import remove as delete

    source = pullable(name)
    folder = find(source)
    if folder is None:
        raise missing_to_remove(source)
    size_gb = size_on_disk(folder) / 1e9
    if not yes and not _asked(f"delete {source.name} ({size_gb:.1f} GB, {folder})?"):
        raise RequestError(f"{source.name} was not removed; --yes removes it without asking")
    typer.echo(f"removed {delete(source)}")


def _row(model: ListedModel) -> dict[str, Any]:
    """A model as JSON values."""
    row = {**asdict(model), "folder": None if model.folder is None else str(model.folder)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


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
    from noisician.models.checkpoints.catalogue import UNKNOWN_LICENCE

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
