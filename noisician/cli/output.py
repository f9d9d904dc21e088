"""What commands that make music write and print: their options, and how they are met."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noisician.errors import FileError

if TYPE_CHECKING:
    from noisician.music import Music

_OUTPUT = "Output"


@dataclass(frozen=True)
class OutputOptions:
    """What is written where, and what is printed."""

    path: Annotated[
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
    mastered_stems: Annotated[
        bool, typer.Option("--mastered-stems", help="Each player as in the track.", rich_help_panel=_OUTPUT)
    ] = False
    midi: Annotated[bool, typer.Option("--midi", help="The score.", rich_help_panel=_OUTPUT)] = False
    musicxml: Annotated[bool, typer.Option("--musicxml", help="The score, to be printed.", rich_help_panel=_OUTPUT)] = (
        False
    )
    abc: Annotated[bool, typer.Option("--abc", help="The score in ABC notation.", rich_help_panel=_OUTPUT)] = False
    chordpro: Annotated[
        bool, typer.Option("--chordpro", help="Words with chords over them, and grids.", rich_help_panel=_OUTPUT)
    ] = False
    lead_sheet: Annotated[
        bool,
        typer.Option("--lead-sheet", help="MusicXML and ABC of tune, words and chords alone.", rich_help_panel=_OUTPUT),
    ] = False
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
        return self.stems or self.stems_zip or self.mastered_stems

    @property
    def keeps_stems(self) -> bool:
        """Whether anything is written that is made of the stems."""
        return self.wants_stems or self.karaoke

    @property
    def wanted(self) -> dict[str, bool]:
        """The outputs that not every model has."""
        return {
            "--stems": self.wants_stems,
            "--midi": self.midi,
            "--musicxml": self.musicxml,
            "--abc": self.abc,
            "--chordpro": self.chordpro,
            "--timed-lyrics": self.timed_lyrics,
            "--karaoke": self.karaoke,
        }


def targets(output: OutputOptions, count: int, loop: bool) -> list[Path]:
    """Where each take goes: a file each, or the folder that gets their readable names.

    Raises the FileError that writing there would meet, before any work is done.
    """
    from noisician.export import check_target, choose_format

    given = output.path or "."
    path = Path(given)
    if path.is_dir() or given.endswith(("/", os.sep)):
        choose_format(path / f"track.{output.format or 'wav'}", output.format, output.bit_depth, loop)
        check_target(path / "track", overwrite=True)
        return [path] * count
    files = [path] if count == 1 else [path.with_name(f"{path.stem}-{take + 1}{path.suffix}") for take in range(count)]
    for file in files:
        choose_format(file, output.format, output.bit_depth, loop)
        _check_neighbours(file, output)
    return files


def written(file: Path, output: OutputOptions) -> dict[str, Path]:
    """Every path that writing a track under this name touches, by kind."""
    import numpy as np

    from noisician.export import Bundle, bundle_paths
    from noisician.export.metadata import Metadata
    from noisician.export.write import NOTATION_SUFFIXES

    nothing = np.zeros((1, 2), np.float32)
    bundle = Bundle(
        file,
        nothing,
        Metadata(),
        "",
        midi=b"" if output.midi else None,
        notation={kind: b"" for kind in NOTATION_SUFFIXES if getattr(output, kind)},
        spectrogram=output.spectrogram,
        stems={"stem": nothing} if output.wants_stems else {},
        stems_zip=output.stems_zip,
        lrc=output.timed_lyrics,
        lyrics_json=output.timed_lyrics,
        instrumental=nothing if output.karaoke else None,
    )
    return bundle_paths(bundle)


def _check_neighbours(file: Path, output: OutputOptions) -> None:
    """Refuses what exists under the name of the track or of anything written beside it."""
    from noisician.export import check_target

    for kind, path in written(file, output).items():
        if kind != "stems" or output.stems_zip:
            check_target(path, output.force)
        elif path.is_dir() and any(path.iterdir()) and not output.force:
            raise FileError(
                f"{path}: already exists and is not empty; choose another name or ask to overwrite (--force)"
            )


def save(music: Music, path: Path, output: OutputOptions) -> dict[str, Path]:
    """Writes a track and what is asked for beside it: paths by kind. Errors as :meth:`Music.save`."""
    from noisician.music import SaveOptions

    return music.save(
        path,
        SaveOptions(
            format=output.format,
            bit_depth=output.bit_depth,
            stems=output.wants_stems,
            stems_zip=output.stems_zip,
            mastered_stems=output.mastered_stems,
            midi=output.midi,
            musicxml=output.musicxml,
            abc=output.abc,
            chordpro=output.chordpro,
            lead_sheet=output.lead_sheet,
            spectrogram=output.spectrogram,
            timed_lyrics=output.timed_lyrics,
            karaoke=output.karaoke,
            overwrite=output.force,
        ),
    )


def result_of(music: Music, files: dict[str, Path]) -> dict[str, Any]:
    """What was made, for programs."""
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
    from noisician.score.hands import by_performer

    heard = [] if music.score is None else by_performer(music.score.tracks)
    return [{"role": hands[0].role, "instrument": hands[0].instrument} for hands in heard]


def print_result(music: Music, files: dict[str, Path], quiet: bool) -> None:
    """What was made, for people; only its path where ``quiet``."""
    from noisician.music import score_facts

    typer.echo(str(files["track"]))
    if quiet:
        return
    facts = [*score_facts(music.score), f"{music.duration_s:.1f} s", f"seed {music.seed}"]
    typer.echo(f"  {', '.join(facts)}")
    players = [player["instrument"] for player in _players(music)] or [music.recipe.request.model]
    typer.echo(f"  {', '.join(players)}")
    beside = [str(path) for kind, path in files.items() if kind != "track"]
    if beside:
        typer.echo(f"  with {', '.join(beside)}")
