"""``noisician make``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noisician.cli.options import Asked, command
from noisician.cli.output import OutputOptions, print_result, result_of, save, targets
from noisician.cli.progress import shown, watch
from noisician.cli.rendered import keep_rendered
from noisician.cli.streams import print_json

if TYPE_CHECKING:
    from noisician.models.protocol import CheckedRequest, Progress
    from noisician.music import Music
    from noisician.recipe import Recipe


@dataclass(frozen=True)
class MakeOptions:
    """The music, how it is made, and what is written where."""

    asked: Annotated[Asked, ("Music", "Model", "Songs", "Checkpoints")]
    output: OutputOptions
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Make a file's music again from its recipe; with other options, a variation of it.",
            rich_help_panel="Model",
        ),
    ] = None


@dataclass(frozen=True)
class Job:
    """One take: a request to fulfil, or a recipe to repeat."""

    request: CheckedRequest | None
    recipe: Recipe | None
    loop: bool
    not_understood: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unread_words: bool = False
    beside: Path | None = None

    def play(self, keep_stems: bool, on_progress: Callable[[Progress], None]) -> Music:
        from noisician import api

        if self.request is None:
            assert self.recipe is not None
            return api.replay(self.recipe, beside=self.beside, keep_stems=keep_stems, on_progress=on_progress)
        return api.generate(
            self.request, base=self.recipe, beside=self.beside, keep_stems=keep_stems, on_progress=on_progress
        )


def add_to(app: typer.Typer) -> None:
    command(app, "make", MakeOptions)(make)


def make(options: MakeOptions) -> None:
    """Make a track from words.

    noisician make "dreamy lofi hip hop beat with vinyl crackle" --length 30 -o dream.wav
    """
    output = options.output
    with watch(quiet=output.quiet):
        keep_rendered()
        jobs = plan(options)
        paths = targets(output, len(jobs), any(job.loop for job in jobs))
    _note(options, jobs[0])
    results = []
    for number, (job, path) in enumerate(zip(jobs, paths, strict=True), start=1):
        label = f"take {number} of {len(jobs)}: " if len(jobs) > 1 else ""
        with watch(label, output.quiet) as show:
            show("starting", 0.0)
            music = job.play(output.keeps_stems, shown(show))
            show("writing", 1.0)
            files = save(music, path, output)
        results.append(result_of(music, files))
        if not output.as_json:
            print_result(music, files, output.quiet)
    if output.as_json:
        print_json(results)


def plan(options: MakeOptions) -> list[Job]:
    """What is to be made, fully checked. Raises RequestError and FileError."""
    from noisician import api
    from noisician.request import Request

    wishes = options.asked.values
    recipe = None if options.source is None else api.read_recipe(options.source)
    if recipe is not None:
        api.bring_instruments(recipe)
    beside = None if options.source is None else api.folder_of(options.source)
    outputs = options.output.wanted
    if recipe is not None and not wishes:
        api.check_outputs(recipe.request, outputs)
        return [Job(None, recipe, bool(recipe.controls.get("loop")), beside=beside)]
    asked = api.checked(api.changed(Request() if recipe is None else recipe.request, wishes), outputs)
    controls = asked.controls
    unread = bool(asked.request.prompt) and "text" not in asked.capabilities.features
    notes = (*options.asked.remarks, *controls.notes)
    return [
        Job(take, recipe, controls.loop, controls.not_understood, notes, unread, beside) for take in api.takes_of(asked)
    ]


def _note(options: MakeOptions, job: Job) -> None:
    """Says what did not come across, on standard error."""
    from noisician.api import other_weights

    if options.output.quiet:
        return
    if job.not_understood:
        print(f"note: not understood: {', '.join(job.not_understood)}", file=sys.stderr)
    for note in job.notes:
        print(f"note: {note}", file=sys.stderr)
    if job.unread_words:
        print("note: this model reads no words; they become the title", file=sys.stderr)
    other = other_weights(job.recipe) if job.recipe is not None and job.request is None else ()
    if other:
        print(f"note: made with other weights of {', '.join(other)}; it will sound different", file=sys.stderr)
