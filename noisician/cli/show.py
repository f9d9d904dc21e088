"""``noisician explain``, ``inspect`` and ``styles``: looking without making."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.cli.options import Asked, command
from noisician.cli.streams import print_json
from noisician.errors import RequestError

if TYPE_CHECKING:
    from noisician.models.embedded.outline import Outline
    from noisician.prompt import Controls, ExplainRow
    from noisician.recipe import Recipe
    from noisician.request import Request
    from noisician.score import Score, Track

#: Where the output is not a terminal, nobody wants lines wrapped at 80 characters.
_PIPED_WIDTH = 240
#: How many values that have one reason are named, before the rest is counted.
VALUES_SHOWN = 6
#: Whose plan is shown where no seed was asked for.
EXPLAINED_SEED = 0


def add_to(app: typer.Typer) -> None:
    command(app, "explain", ExplainOptions)(explain)
    command(app, "inspect", InspectOptions)(inspect)
    command(app, "styles", StylesOptions)(styles)


@dataclass(frozen=True)
class ExplainOptions:
    asked: Annotated[Asked, ("Music", "seed", "lyrics", "language")]
    as_json: Annotated[bool, typer.Option("--json", help="The controls as JSON.", rich_help_panel="Output")] = False


def explain(options: ExplainOptions) -> None:
    """Show what words are taken to mean, and why; what is planned of them, and what making it costs."""
    from noisician.api import changed, explained
    from noisician.models.embedded.outline import outline_of
    from noisician.models.inputs import notes_told
    from noisician.prompt import explain_rows
    from noisician.request import Request

    request = changed(Request(), options.asked.values)
    controls, heard = explained(request)
    controls = controls.model_copy(update={"notes": (*options.asked.remarks, *controls.notes)})
    seed = EXPLAINED_SEED if request.seed is None else request.seed
    if options.as_json:
        told = controls.model_dump(mode="json")
        if request.notes is not None:
            told["notes_file"] = notes_told(request.notes)
        if is_planned(request):
            told["plan"] = asdict(outline_of(request, controls, seed, heard))
        print_json(json.dumps(told, indent=2, ensure_ascii=False))
        return
    if request.notes is not None:
        _show_notes(request.notes)
    rows = [*_form_rows(request), *explain_rows(controls), *_chosen_rows(controls, request.seed)]
    if rows:
        print_table(("field", "value", "words", "why"), _together(rows))
    else:
        typer.echo("nothing was asked for: everything will be chosen by the seed")
    if not is_planned(request):
        return
    outline = outline_of(request, controls, seed, heard)
    print_table(("plan", f"as seed {seed} has it"), outline_rows(outline))
    print_table(("section", "from", "to", "bars", "who plays"), section_rows(outline))


def is_planned(request: Request) -> bool:
    """Whether a plan decides the form: the notes of a file that are played as they are have one."""
    return request.notes is None or request.notes_as == "develop"


def _show_notes(path: str) -> None:
    """How a file of notes was understood."""
    from noisician.models.inputs import notes_told
    from noisician.score.understood import summary_rows, track_rows

    told = notes_told(path)
    print_table(("file", path), summary_rows(told))
    print_table(("track", "role", "instrument", "notes", "from, to"), track_rows(told))


def outline_rows(outline: Outline) -> list[tuple[str, str]]:
    """What holds for the whole piece, and what it costs."""
    from noisician.weights import available_cores

    cores = available_cores()
    return [
        ("tempo", f"{outline.tempo_bpm:g} BPM"),
        ("key", f"{outline.key} {outline.mode}"),
        ("metre", outline.time_signature),
        ("length", f"{_clock(outline.duration_s)}, {outline.bars} bars, ends {_ENDS[outline.ending]}"),
        *([("throughout", ", ".join(outline.throughout))] if outline.throughout else ()),
        ("takes", f"about {outline.work_s:.0f} s on {cores} core{'s' if cores > 1 else ''}"),
        ("size", f"{outline.size_bytes / 1e6:.1f} MB (WAV, 24 bit)"),
    ]


def section_rows(outline: Outline) -> list[tuple[str, ...]]:
    return [
        (one.kind, _clock(one.start_s), _clock(one.end_s), str(one.bars), ", ".join(one.players) or "nobody")
        for one in outline.sections
    ]


_ENDS = {"written": "on a held chord", "cut": "suddenly", "fade": "fading out", "loops": "where it began"}


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _form_rows(request: Request) -> list[tuple[str, str, str, str]]:
    """What is sung of the lyrics, section by section."""
    from noisician.vocals.words import read_lyrics

    lyrics = read_lyrics(request)
    if lyrics is None or not lyrics.sections:
        return []
    form = (
        f"{section.kind}{f' {section.number}' if section.number is not None else ''} ({len(section.lines)})"
        for section in lyrics.sections
    )
    return [("form", ", ".join(form), "lyrics", "sections, and how many lines each sings")]


def _chosen_rows(controls: Controls, seed: int | None) -> list[ExplainRow]:
    """What a seed that was asked for chooses of the genre's own harmony and patterns."""
    from noisician.composer import make_plan
    from noisician.composer.idiom import described
    from noisician.prompt import ExplainRow

    if seed is None:
        return []
    plan = make_plan(controls, seed)
    if plan.idiom is None:
        return []
    rows = described(plan.idiom, plan.sections, plan.key)
    return [ExplainRow(field, value, "", f"chosen by seed {seed}") for field, value in rows]


@dataclass(frozen=True)
class InspectOptions:
    file: Annotated[Path, typer.Argument(help="A track, stem, MIDI file, picture, archive or sidecar.")]
    as_json: Annotated[bool, typer.Option("--json", help="The whole recipe as JSON.")] = False


def inspect(options: InspectOptions) -> None:
    """Show the recipe inside a file made by noisician."""
    from noisician.api import read_recipe

    recipe = read_recipe(options.file)
    if options.as_json:
        print_json(recipe.to_json())
    else:
        print_table(("recipe", recipe.id6), recipe_rows(recipe))


def recipe_rows(recipe: Recipe) -> list[tuple[str, str]]:
    """The recipe in lines a person reads; what it does not hold is left out."""
    from noisician.piece import score_of

    score = score_of(recipe)
    request = recipe.request.model_dump(mode="json", exclude={"prompt", "seed"}, exclude_defaults=True)
    rows = [
        ("prompt", recipe.request.prompt or "(none)"),
        ("options", ", ".join(f"{name} {_shown(value)}" for name, value in request.items())),
        ("seed", str(recipe.seed)),
        ("genres", _weights(recipe.controls.get("genres"))),
        ("moods", _weights(recipe.controls.get("moods"))),
        *(() if score is None else _score_rows(score)),
        ("not understood", ", ".join(recipe.controls.get("not_understood", ()))),
        ("models", ", ".join(f"{name} {sha[:8]}" for name, sha in recipe.models.items())),
        ("own instruments", ", ".join(map(_own, recipe.instruments.values()))),
        ("licence", _licence(recipe.settings)),
        ("made by", f"noisician {recipe.noisician}"),
        ("comes from", ", ".join(f"{step.get('operation', '?')} of {step.get('id', '?')}" for step in recipe.lineage)),
    ]
    return [row for row in rows if row[1]]


def _score_rows(score: Score) -> list[tuple[str, str]]:
    from noisician.request.keys import written_key

    return [
        ("tempo", f"{score.tempo_bpm:g} BPM"),
        ("key", f"{written_key(score.key, score.mode)} {score.mode}"),
        ("metre", score.time_signature),
        ("bars", str(score.bars)),
        ("sections", ", ".join(f"{section.kind} {section.bars}" for section in score.sections)),
        *((track.player or track.role, _played(track)) for track in score.tracks),
    ]


def _played(track: Track) -> str:
    told = f"{track.instrument}, {len(track.notes)} notes"
    return f"{told}, a hand of {track.performer}" if track.performer else told


def _own(told: Mapping[str, Any]) -> str:
    """One of the user's instruments, whose it is, and whether it came along."""
    rights = f" ({told['rights']})" if told.get("rights") else ""
    return f"{told.get('id')}{rights}{', carried' if 'references' in told else ''}"


def _licence(settings: Mapping[str, Any]) -> str:
    """That of the checkpoint a recipe's music came from, where it was one."""
    return f"{settings.get('licence', '')}{' (restricts use)' if settings.get('restricted') else ''}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _weights(pairs: Iterable[Sequence[Any]] | None) -> str:
    pairs = list(pairs or ())
    return ", ".join(str(name) if len(pairs) == 1 else f"{name} {weight:.0%}" for name, weight in pairs)


@dataclass(frozen=True)
class StylesOptions:
    kind: Annotated[
        str | None,
        typer.Argument(help="genres, moods, instruments, textures or voices; all if left out.", show_default=False),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False


def styles(options: StylesOptions) -> None:
    """List the genres, moods, instruments, textures and singing voices there are."""
    from noisician.api import STYLE_KINDS, style_rows

    if options.kind is not None and options.kind not in STYLE_KINDS:
        raise RequestError(f"{options.kind!r} is no kind of style; there are {', '.join(STYLE_KINDS)}")
    kinds = STYLE_KINDS if options.kind is None else (options.kind,)
    listed = {kind: style_rows(kind) for kind in kinds}
    if options.as_json:
        print_json(listed if options.kind is None else listed[kinds[0]])
        return
    for kind, rows in listed.items():
        print_table(
            (f"{len(rows)} {kind}", *list(rows[0])[1:]), [[str(value) for value in row.values()] for row in rows]
        )


def _together(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Rows (field, value, words, why) that differ in their value alone as one, its first few values named."""
    values: dict[tuple[str, str, str], list[str]] = {}
    for name, value, words, why in rows:
        values.setdefault((name, words, why), []).append(value)
    return [[name, _first_few(some), words, why] for (name, words, why), some in values.items()]


def _first_few(values: Sequence[str]) -> str:
    shown = ", ".join(values[:VALUES_SHOWN])
    return shown if len(values) <= VALUES_SHOWN else f"{shown} and {len(values) - VALUES_SHOWN} more"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for people on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, highlight=False).print(table)
