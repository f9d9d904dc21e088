"""``noisician evaluate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from noisician.cli.options import command, listed
from noisician.cli.progress import watch


@dataclass(frozen=True)
class EvaluateOptions:
    """What is left out takes the default of :class:`noisician.evaluate.settings.EvaluateSettings`."""

    suites: Annotated[list[str] | None, typer.Option(help="Which; several with commas. All if left out.")] = None
    prompts: Annotated[int | None, typer.Option(help="Prompts of each list.")] = None
    seeds: Annotated[int | None, typer.Option(help="Pieces of each genre: checklists, lengths.")] = None
    length: Annotated[float | None, typer.Option(help="Seconds of each track.")] = None
    clips: Annotated[int | None, typer.Option(help="Held-out clips of each comparison.")] = None
    out: Annotated[Path | None, typer.Option(help="Folder of report and rows.")] = None
    samples: Annotated[Path | None, typer.Option(help="Folder of the CC0 samples.")] = None
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recorded instruments.")] = None
    songs: Annotated[Path | None, typer.Option(help="Folder of the composer's training packs.")] = None
    phrases: Annotated[Path | None, typer.Option(help="Folder of the singing corpus.")] = None
    scores: Annotated[Path | None, typer.Option(help="Folder of the CC0 scores.")] = None
    judged: Annotated[Path | None, typer.Option(help="Judged prompts, a line of JSON each.")] = None
    soundfont: Annotated[str | None, typer.Option(help="Plays the baselines of the tracks.")] = None
    seed: Annotated[int | None, typer.Option(help="First seed of everything made.")] = None
    force: Annotated[bool, typer.Option("--force", help="Replace an existing report.")] = False


def add_to(app: typer.Typer) -> None:
    command(app, "evaluate", EvaluateOptions)(evaluate)


def evaluate(options: EvaluateOptions) -> None:
    """Measure what the installed weights make, and write a report."""
    with watch() as show:
        from noisician.evaluate.run import evaluate as measure
        from noisician.evaluate.run import rows_of
        from noisician.evaluate.settings import EvaluateSettings
        from noisician.evaluate.suites.understanding import wrong_lines

        given = {
            "suites": listed(options.suites) if options.suites else None,
            "prompts": options.prompts,
            "seeds": options.seeds,
            "duration_s": options.length,
            "clips": options.clips,
            "folder": options.out,
            "samples_dir": options.samples,
            "recordings_dir": options.recordings,
            "songs_dir": options.songs,
            "vocals_dir": options.phrases,
            "scores_dir": options.scores,
            "judged": options.judged,
            "soundfont": options.soundfont,
            "seed": options.seed,
            "overwrite": options.force or None,
        }
        settings = EvaluateSettings(**{name: value for name, value in given.items() if value is not None})
        report = measure(settings, lambda progress: show(progress.stage, progress.share))
    typer.echo(report.to_markdown(), nl=False)
    for line in wrong_lines(rows_of(settings.folder, "prompts")) if "prompts" in settings.suites else ():
        typer.echo(line)
