"""``noisician corpus``: the music the models learn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from noisician.cli.options import command
from noisician.cli.progress import Show, watch
from noisician.cli.streams import print_json
from noisician.errors import FileError

app = typer.Typer(help="Build the training corpus.", no_args_is_help=True)


@dataclass(frozen=True)
class SoundOptions:
    out: Annotated[Path, typer.Option(help="Folder of the shards.")] = Path("data/sound")
    shards: Annotated[int, typer.Option(min=1, help="How many; existing ones are left alone.")] = 6
    first: Annotated[int, typer.Option(min=0, help="Number of the first shard, which sets its seeds.")] = 0
    clips: Annotated[int, typer.Option(min=1, help="Clips of 12 s a shard.")] = 625
    samples: Annotated[Path | None, typer.Option(help="Folder of the CC0 samples.")] = None
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1


@dataclass(frozen=True)
class SketchedOptions:
    out: Annotated[Path, typer.Option(help="Folder of the shards and of the players' references.")] = Path(
        "data/sketched"
    )
    shards: Annotated[int, typer.Option(min=1, help="How many; existing ones are left alone.")] = 6
    first: Annotated[int, typer.Option(min=0, help="Number of the first shard, which sets its seeds.")] = 0
    clips: Annotated[int, typer.Option(min=1, help="Clips of 12 s a shard.")] = 500
    samples: Annotated[Path | None, typer.Option(help="Folder of the CC0 samples.")] = None
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recorded instruments.")] = None
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1


@dataclass(frozen=True)
class SongsOptions:
    out: Annotated[Path, typer.Option(help="Folder of the packs.")] = Path("data/songs")
    packs: Annotated[int, typer.Option(min=0, help="How many; existing ones are left alone.")] = 6
    first: Annotated[int, typer.Option(min=0, help="Number of the first pack, which sets its seeds.")] = 0
    songs: Annotated[int, typer.Option(min=1, help="Songs a pack.")] = 2100
    scores: Annotated[Path | None, typer.Option(help="Folder of the CC0 scores, with lieder/ and quartets/.")] = None
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1


@dataclass(frozen=True)
class VocalsOptions:
    out: Annotated[Path, typer.Option(help="Folder of the shards.")] = Path("data/vocals")
    shards: Annotated[int, typer.Option(min=1, help="How many; existing ones are left alone.")] = 16
    first: Annotated[int, typer.Option(min=0, help="Number of the first shard, which sets its seeds.")] = 0
    lines: Annotated[int, typer.Option(min=1, help="Lines of text a shard.")] = 108
    renderings: Annotated[int, typer.Option(min=1, help="How often each line is sung.")] = 3
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1


@dataclass(frozen=True)
class ReferencesOptions:
    version: Annotated[str, typer.Option(help="Version of the recordings, for the manifest.")]
    out: Annotated[Path | None, typer.Option(help="Folder of the weights; else the package's own.")] = None
    samples: Annotated[Path | None, typer.Option(help="Folder of the CC0 samples.")] = None
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recorded instruments.")] = None
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1


@dataclass(frozen=True)
class ManifestOptions:
    out: Annotated[Path | None, typer.Option(help="File to write; else printed.")] = None
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recorded instruments.")] = None


def sound(options: SoundOptions) -> None:
    """Clips of every instrument with their notes, for renderer and vocoder."""
    from noisician.corpus.build import SoundCorpus, build_sound

    corpus = SoundCorpus(
        folder=options.out,
        shards=options.shards,
        first_shard=options.first,
        clips_per_shard=options.clips,
        samples_dir=options.samples,
        workers=options.workers,
    )
    with watch() as show:
        build_sound(corpus, _parts(show, "shards"))
    typer.echo(str(options.out))


def sketched(options: SketchedOptions) -> None:
    """Clips beside sketches made from references of the same source, for the renderer that is shown its instrument."""
    from noisician.corpus.build import SketchedCorpus, build_sketched

    corpus = SketchedCorpus(
        folder=options.out,
        shards=options.shards,
        first_shard=options.first,
        clips_per_shard=options.clips,
        samples_dir=options.samples,
        recordings_dir=options.recordings,
        workers=options.workers,
    )
    with watch() as show:
        build_sketched(corpus, _parts(show, "shards"))
    typer.echo(str(options.out))


def references(options: ReferencesOptions) -> None:
    """The recordings of single notes that ship: what the renderer is shown of every instrument."""
    from noisician.corpus.players import Players
    from noisician.corpus.shipped_references import ship_references
    from noisician.weights import FOLDER

    folder = options.out or FOLDER
    with watch() as show:
        ship_references(
            Players(options.samples, options.recordings), options.version, folder, options.workers,
            _parts(show, "instruments"),
        )  # fmt: skip
    typer.echo(str(folder))


def songs(options: SongsOptions) -> None:
    """Songs as token grids, for the composer."""
    from noisician.corpus.build import SongCorpus, build_songs

    corpus = SongCorpus(
        folder=options.out,
        packs=options.packs,
        first_pack=options.first,
        songs_per_pack=options.songs,
        scores_dir=options.scores,
        workers=options.workers,
    )
    with watch() as show:
        build_songs(corpus, _parts(show, "packs"))
    typer.echo(str(options.out))


def vocals(options: VocalsOptions) -> None:
    """Phrases of synthetic singers with their controls, for the singing voice."""
    from noisician.corpus.vocals.build import VocalsCorpus, build_vocals

    corpus = VocalsCorpus(
        folder=options.out,
        shards=options.shards,
        first_shard=options.first,
        lines=options.lines,
        renderings=options.renderings,
        workers=options.workers,
    )
    with watch() as show:
        build_vocals(corpus, _parts(show, "shards"))
    typer.echo(str(options.out))


def manifest(options: ManifestOptions) -> None:
    """Every source of the corpus with its licence, as JSON."""
    from noisician.corpus.build import manifest as sources
    from noisician.corpus.vocals.build import manifest as speakers

    text = json.dumps(sources(options.recordings) | {"speakers": speakers()}, indent=2, ensure_ascii=False) + "\n"
    if options.out is None:
        print_json(text)
        return
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{options.out}: cannot be written ({(error.strerror or str(error)).lower()})") from None


def _parts(show: Show, what: str) -> Callable[[int, int], None]:
    return lambda done, total: show(f"{done} of {total} {what}", done / max(1, total))


command(app, "sound", SoundOptions)(sound)
command(app, "sketched", SketchedOptions)(sketched)
command(app, "references", ReferencesOptions)(references)
command(app, "songs", SongsOptions)(songs)
command(app, "vocals", VocalsOptions)(vocals)
command(app, "manifest", ManifestOptions)(manifest)
