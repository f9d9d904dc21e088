"""``noisician make``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.cli.options import Asked, command
from noisician.cli.progress import Show, watch
from noisician.errors import FileError

if TYPE_CHECKING:
    from noisician.models.protocol import CheckedRequest, Progress
    from noisician.music import Music
    from noisician.recipe import Recipe

_OUTPUT = "Output"


@dataclass(frozen=True)
class MakeOptions:
    """The music, how it is made, and what is written where."""

    asked: Annotated[Asked, ("Music", "Model", "Songs", "Checkpoints")]
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Make a file's music again from its recipe; with other options, a variation of it.",
            rich_help_panel="Model",
        ),
    ] = None
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File, or folder for a readable name.", rich_help_panel=_OUTPUT)
    ] = None
    format: Annotated[
        str | None, typer.Option(help="wav, flac, ogg or mp3; else by extension.", rich_help_panel=_OUTPUT)
    ] = None
    bit_depth: Annotated[int, typer.Option(help="16, 24 or 32 (float, WAV).", rich_help_panel=_OUTPUT)] = 24
    stems: Annotated[bool, typer.Option("--stems", help="Each player's WAV.", rich_help_panel=_OUTPUT)] = False
    stems_zip: Annotated[
        bool, typer.Option("--stems-zip", help="The same as one archive.", rich_help_panel=_OUTPUT)
    ] = False
    midi: Annotated[bool, typer.Option("--midi", help="The score.", rich_help_panel=_OUTPUT)] = False
    timed_lyrics: Annotated[
        bool, typer.Option("--timed-lyrics", help="LRC, and every syllable's time as JSON.", rich_help_panel=_OUTPUT)
    ] = False
    karaoke: Annotated[
        bool, typer.Option("--karaoke", help="The track without its voices, with LRC.", rich_help_panel=_OUTPUT)
    ] = False
    spectrogram: Annotated[bool, typer.Option("--spectrogram", help="A picture.", rich_help_panel=_OUTPUT)] = False
    force: Annotated[bool, typer.Option("--force", help="Replace what exists.", rich_help_panel=_OUTPUT)] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only print paths.", rich_help_panel=_OUTPUT)] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.", rich_help_panel=_OUTPUT)] = False

    @property
    def wants_stems(self) -> bool:
        return self.stems or self.stems_zip

    @property
    def wants_lyrics(self) -> dict[str, bool]:
        """The outputs that need somebody who sings."""
        return {"--timed-lyrics": self.timed_lyrics, "--karaoke": self.karaoke}


@dataclass(frozen=True)
class Job:
    """One take: a request to fulfil, or a recipe to repeat."""

    request: CheckedRequest | None
    recipe: Recipe | None
    loop: bool
    not_understood: tuple[str, ...] = ()
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
    with watch(quiet=options.quiet):
        jobs = plan(options)
        paths = targets(options, len(jobs), any(job.loop for job in jobs))
    _note(options, jobs[0])
    results = []
    for number, (job, path) in enumerate(zip(jobs, paths, strict=True), start=1):
        label = f"take {number} of {len(jobs)}: " if len(jobs) > 1 else ""
        with watch(label, options.quiet) as show:
            show("starting", 0.0)
            music = job.play(options.wants_stems or options.karaoke, _shown(show))
            show("writing", 1.0)
            files = _save(music, path, options)
        results.append(_result(music, files))
        if not options.as_json:
            _print(music, files, options.quiet)
    if options.as_json:
        typer.echo(json.dumps(results, indent=2, ensure_ascii=False))


def _shown(show: Show) -> Callable[[Progress], None]:
    return lambda progress: show(progress.stage, progress.share)


def plan(options: MakeOptions) -> list[Job]:
    """What is to be made, fully checked. Raises RequestError and FileError."""
    from noisician import api
    from noisician.request import Request

    wishes = options.asked.values
    recipe = None if options.source is None else api.read_recipe(options.source)
    beside = None if options.source is None else api.folder_of(options.source)
    outputs = {"--stems": options.wants_stems, "--midi": options.midi, **options.wants_lyrics}
    if recipe is not None and not wishes:
        api.checked(recipe.request, outputs)
        return [Job(None, recipe, bool(recipe.controls.get("loop")), beside=beside)]
    asked = api.checked(api.changed(Request() if recipe is None else recipe.request, wishes), outputs)
    controls = asked.controls
    unread = bool(asked.request.prompt) and "text" not in asked.capabilities.features
    return [Job(take, recipe, controls.loop, controls.not_understood, unread, beside) for take in api.takes_of(asked)]


def targets(options: MakeOptions, count: int, loop: bool) -> list[Path]:
    """Where each take goes: a file each, or the folder that gets their readable names.

    Raises the FileError that writing there would meet, before any work is done.
    """
    from noisician.export import check_target, choose_format

    given = options.output or "."
    path = Path(given)
    if path.is_dir() or given.endswith(("/", os.sep)):
        choose_format(path / f"track.{options.format or 'wav'}", options.format, options.bit_depth, loop)
        check_target(path / "track", overwrite=True)
        return [path] * count
    files = [path] if count == 1 else [path.with_name(f"{path.stem}-{take + 1}{path.suffix}") for take in range(count)]
    for file in files:
        choose_format(file, options.format, options.bit_depth, loop)
        _check_neighbours(file, options)
    return files


def _check_neighbours(file: Path, options: MakeOptions) -> None:
    """Refuses what exists under the name of the track or of anything written beside it."""
    import numpy as np

    from noisician.export import Bundle, bundle_paths, check_target
    from noisician.export.metadata import Metadata

    nothing = np.zeros((1, 2), np.float32)
    bundle = Bundle(
        file,
        nothing,
        Metadata(),
        "",
        midi=b"" if options.midi else None,
        spectrogram=options.spectrogram,
        stems={"stem": nothing} if options.wants_stems else {},
        stems_zip=options.stems_zip,
        lrc=options.timed_lyrics,
        lyrics_json=options.timed_lyrics,
        instrumental=nothing if options.karaoke else None,
    )
    for kind, path in bundle_paths(bundle).items():
        if kind != "stems" or options.stems_zip:
            check_target(path, options.force)
        elif path.is_dir() and any(path.iterdir()) and not options.force:
            raise FileError(
                f"{path}: already exists and is not empty; choose another name or ask to overwrite (--force)"
            )


def _save(music: Music, path: Path, options: MakeOptions) -> dict[str, Path]:
    from noisician.music import SaveOptions

    return music.save(
        path,
        SaveOptions(
            format=options.format,
            bit_depth=options.bit_depth,
            stems=options.wants_stems,
            stems_zip=options.stems_zip,
            midi=options.midi,
            spectrogram=options.spectrogram,
            timed_lyrics=options.timed_lyrics,
            karaoke=options.karaoke,
            overwrite=options.force,
        ),
    )


def _note(options: MakeOptions, job: Job) -> None:
    """Says what did not come across, on standard error."""
    from noisician.api import other_weights

    if options.quiet:
        return
    if job.not_understood:
        print(f"note: not understood: {', '.join(job.not_understood)}", file=sys.stderr)
    if job.unread_words:
        print("note: this model reads no words; they become the title", file=sys.stderr)
    other = other_weights(job.recipe) if job.recipe is not None and job.request is None else ()
    if other:
        print(f"note: made with other weights of {', '.join(other)}; it will sound different", file=sys.stderr)


def _result(music: Music, files: dict[str, Path]) -> dict[str, Any]:
    about = music.metadata
    return {
        "files": {kind: str(path) for kind, path in files.items()},
        "id": music.recipe.id6,
        "seed": music.seed,
        "duration_s": round(music.duration_s, 3),
        "tempo_bpm": about.tempo_bpm,
        "key": about.key,
        "mode": about.mode,
        "time_signature": about.time_signature,
        "players": _players(music),
        "not_understood": list(music.recipe.controls.get("not_understood", ())),
    }


def _players(music: Music) -> list[dict[str, str]]:
    tracks: Sequence[Any] = () if music.score is None else music.score.tracks
    return [{"role": track.role, "instrument": track.instrument} for track in tracks]


def _print(music: Music, files: dict[str, Path], quiet: bool) -> None:
    typer.echo(str(files["track"]))
    if quiet:
        return
    score = music.score
    facts = [f"{music.duration_s:.1f} s", f"seed {music.seed}"]
    if score is not None:
        facts = [f"{score.tempo_bpm:g} BPM", f"{score.key} {score.mode}", score.time_signature, *facts]
    typer.echo(f"  {', '.join(facts)}")
    players = [player["instrument"] for player in _players(music)] or [music.recipe.request.model]
    typer.echo(f"  {', '.join(players)}")
    beside = [str(path) for kind, path in files.items() if kind != "track"]
    if beside:
        typer.echo(f"  with {', '.join(beside)}")
