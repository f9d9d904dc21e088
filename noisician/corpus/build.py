"""Building the training corpus on disk with several processes, and saying where every sound of it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from noisician.corpus.clips import Studio, write_shard
from noisician.corpus.human import HumanScore, pack_scores, read_scores
from noisician.corpus.players import Players
from noisician.corpus.recordings import recording_sources
from noisician.corpus.sketched import training_band, write_sketched_shard
from noisician.corpus.songs import Song, human_song, procedural_songs, write_pack
from noisician.corpus.soundfont import SOUNDFONTS, TRAINING_SOUNDFONTS
from noisician.corpus.voices.samples import sources
from noisician.styles import shipped_instruments

OnPart = Callable[[int, int], None]
"""Hears (parts done, parts in all)."""

#: Quartet movements are long and few; half of them leaves the songs the larger part of the human bars.
QUARTET_SHARE = 0.5
HELD_OUT_SCORES = "held_out_scores.npz"
#: (Debian package, licence) as the package's copyright file has it.
_SOUNDFONT_TERMS = {
    "fluidr3": ("fluid-soundfont-gm", "MIT, made in part from public-domain samples"),
    "fluidr3mono": ("fluidr3mono-gm-soundfont", "MIT, made in part from public-domain samples"),
    "musescore": ("musescore-general-soundfont", "MIT, parts CC0-1.0 and public domain"),
}


@dataclass(frozen=True)
class SoundCorpus:
    """Clips for renderer and vocoder: shard *k* holds the seeds from ``k · clips_per_shard``.

    The default shard goes round all instruments five times: 2 hours of sound, 0.8 GB on disk.
    """

    folder: Path
    shards: int = 6
    first_shard: int = 0
    clips_per_shard: int = 5 * 125
    samples_dir: Path | None = None
    soundfonts: tuple[str, ...] = TRAINING_SOUNDFONTS
    workers: int = 1


@dataclass(frozen=True)
class SketchedCorpus:
    """Clips beside sketches for the renderer: shard *k* holds the seeds from ``k · clips_per_shard``.

    A shard of the default size is 100 minutes of sound, 0.27 GB on disk.
    """

    folder: Path
    shards: int = 6
    first_shard: int = 0
    clips_per_shard: int = 500
    samples_dir: Path | None = None
    recordings_dir: Path | None = None
    soundfonts: tuple[str, ...] = TRAINING_SOUNDFONTS
    workers: int = 1


@dataclass(frozen=True)
class SongCorpus:
    """Songs for the composer: pack *k* holds the procedural songs from seed ``k · songs_per_pack``.

    ``scores_dir`` adds what people wrote: a folder of MusicXML scores (see :func:`read_scores`).
    """

    folder: Path
    packs: int = 6
    first_pack: int = 0
    songs_per_pack: int = 2100
    scores_dir: Path | None = None
    workers: int = 1


def build_sound(corpus: SoundCorpus, on_part: OnPart = lambda done, total: None) -> None:
    """Writes the shards that are missing. Raises CorpusError for a missing soundfont or sample."""
    studio = Studio(corpus.soundfonts, corpus.samples_dir)
    size = corpus.clips_per_shard
    shards = range(corpus.first_shard, corpus.first_shard + corpus.shards)
    jobs = [(corpus.folder, number, studio, range(number * size, (number + 1) * size)) for number in shards]
    each(write_shard, jobs, corpus.workers, on_part)


def build_sketched(corpus: SketchedCorpus, on_part: OnPart = lambda done, total: None) -> None:
    """Writes the shards that are missing. Raises CorpusError for a missing soundfont, sample or recording."""
    players = Players(corpus.samples_dir, corpus.recordings_dir)
    band = training_band(corpus.folder, players, corpus.soundfonts)
    size = corpus.clips_per_shard
    shards = range(corpus.first_shard, corpus.first_shard + corpus.shards)
    jobs = [(corpus.folder, number, band, range(number * size, (number + 1) * size)) for number in shards]
    each(write_sketched_shard, jobs, corpus.workers, on_part)


def build_songs(corpus: SongCorpus, on_part: OnPart = lambda done, total: None) -> None:
    """Writes the packs that are missing, and the held-out human scores. Raises CorpusError for damaged scores."""
    size = corpus.songs_per_pack
    packs = range(corpus.first_pack, corpus.first_pack + corpus.packs)
    jobs: list[tuple[Any, ...]] = [
        (corpus.folder / f"procedural-{number}.npz", number * size, size, None) for number in packs
    ]
    if corpus.scores_dir is not None:
        jobs.insert(0, (corpus.folder / "human-0.npz", 0, 0, corpus.scores_dir))
    each(_write_songs, jobs, corpus.workers, on_part)


def _write_songs(path: Path, first_seed: int, count: int, scores_dir: Path | None) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if scores_dir is not None:
        pack_scores(scores_dir, path.with_name(HELD_OUT_SCORES), held_out=True, overwrite=True)
    songs = procedural_songs(first_seed, count) if scores_dir is None else human_songs(scores_dir)
    partial = path.with_name(f".{path.name}")  # a pack under its final name is a whole one
    try:
        write_pack(partial, songs)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def human_songs(scores_dir: Path) -> Iterator[Song]:
    """The songs and a share of the quartets that are not held out, always the same ones."""
    scores = list(read_scores(scores_dir, held_out=False))
    songs = [score for score in scores if score.kind == "song"]
    quartets = [score for score in scores if score.kind != "song"]
    order = np.random.default_rng(0).permutation(len(quartets))
    chosen: list[HumanScore] = [quartets[place] for place in order[: round(QUARTET_SHARE * len(quartets))]]
    return (human_song(score) for score in songs + chosen)


def each(work: Callable[..., None], jobs: Sequence[tuple[Any, ...]], workers: int, on_part: OnPart) -> None:
    """``work(*job)`` for every job, in fresh processes where there are several workers."""
    on_part(0, len(jobs))
    if workers <= 1:
        for done, job in enumerate(jobs, start=1):
            work(*job)
            on_part(done, len(jobs))
        return
    waiting, running, done = iter(jobs), set[Future[None]](), 0
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        while True:
            # Only what can run at once is handed over: an interrupt then finds nothing queued behind it.
            running |= {pool.submit(work, *job) for job in islice(waiting, workers - len(running))}
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += 1
                on_part(done, len(jobs))


def manifest(recordings_dir: Path | None = None) -> dict[str, Any]:
    """Every source of the corpus with its licence, and how each instrument sounds.

    ``recordings_dir`` is the folder of recorded instruments, where they are used.
    """
    soundfonts = [
        {
            "file": path.name,
            "licence": _SOUNDFONT_TERMS[name][1],
            "origin": f"Debian package {_SOUNDFONT_TERMS[name][0]}",
            "use": "training" if name in TRAINING_SOUNDFONTS else "evaluation",
        }
        for name, path in SOUNDFONTS.items()
    ]
    samples = [{"file": source.file, "licence": source.licence, "origin": source.origin} for source in sources()]
    scores = [
        {"file": "lieder/*.mxl", "licence": "CC0-1.0", "origin": "OpenScore Lieder Corpus"},
        {"file": "quartets/*.mxl", "licence": "CC0-1.0", "origin": "OpenScore String Quartets"},
    ]
    return {
        "soundfonts": soundfonts,
        "samples": samples,
        "scores": scores,
        "recordings": [] if recordings_dir is None else recording_sources(recordings_dir),
        "synthesis": {"licence": "Apache-2.0", "origin": "noisician.corpus.voices"},
        "instruments": {id_: instrument.source["kind"] for id_, instrument in shipped_instruments().items()},
    }
