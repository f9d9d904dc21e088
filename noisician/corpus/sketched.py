"""Clips with sketches: someone plays, and beside it stands what a sampler makes of references of the same source.

A clip is a pure function of its seed. Clips are kept in shards, three files each:

``mel-K.npy``       float16 ``[clips, frames, 128]`` log-mels of what was played, memory-mapped in training
``sketch-K.npy``    the same of the sketch from the source's references, which are often poorer than they could be
``sketched-K.npz``  player ``[clips]`` (names), traits ``[clips, TRAITS]`` float32,
                    seed ``[clips]``, notes ``[notes, 4]`` float32 (pitch, start_s, end_s, velocity), offset
                    ``[clips + 1]``

References are recorded once a player and kept in ``references/`` beside the shards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from noisician.corpus.clips import CLIP_S, PEAK_LIMIT
from noisician.corpus.exercises import write_exercise
from noisician.corpus.passages import write_passage
from noisician.corpus.players import Player, Players, training_players
from noisician.corpus.poor_references import impoverish
from noisician.mel import LOG_FLOOR, MEL_BANDS, SAMPLE_RATE_HZ, frame_count, log_mel
from noisician.renderer.references import References, read_references, write_references
from noisician.renderer.sketch import Sketcher
from noisician.renderer.traits import traits
from noisician.score.played import NoteEvent

#: Share of clips whose notes are a passage of a song instead of an étude.
PASSAGE_SHARE = 0.3
#: Of the notes a player may have, so many in a clip are enough to keep; more only cost time.
MOST_NOTES = 400


@dataclass(frozen=True)
class Band:
    """Who may play, with what weight, and where their references are kept."""

    players: Players
    cast: tuple[tuple[str, float], ...]
    references: Path

    def recorded(self, name: str) -> References:
        """A player's references; recorded on first use."""
        path = self.references / f"{name.replace('/', '+').replace(':', '+')}.references"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_references(path, find_player(self.players, name).record())
        return read_references(path)


@dataclass(frozen=True)
class SketchedClip:
    """``log_mel`` and ``sketch`` are ``[frames, 128]``."""

    player: Player
    notes: tuple[NoteEvent, ...]
    log_mel: np.ndarray
    sketch: np.ndarray


def training_band(folder: Path, players: Players, soundfonts: Sequence[str]) -> Band:
    """Everyone who plays for training; references are kept in ``folder``."""
    cast = training_players(players.recordings_dir, soundfonts)
    return Band(players, tuple(cast), folder / "references")


def make_sketched_clip(band: Band, seed: int) -> SketchedClip:
    """The clip of one seed: who plays, what, and what is known of the source are drawn."""
    rng = np.random.default_rng([seed, 0x5E])
    weights = np.array([weight for _, weight in band.cast])
    name = band.cast[int(rng.choice(len(weights), p=weights / weights.sum()))][0]
    player = find_player(band.players, name)
    notes = None
    if rng.random() < PASSAGE_SHARE and player.instrument.excitation != "noise":
        notes = write_passage(player.instrument, CLIP_S, rng)
    notes = (notes or write_exercise(player.instrument, CLIP_S, rng))[:MOST_NOTES]
    if player.instrument.excitation == "drum":
        notes = tuple(note for note in notes if note.pitch in player.keys)
    references = band.recorded(name)
    if len(references):
        references = impoverish(references, np.random.default_rng([seed, 0x5F]))
    return play_sketched(player, references, notes, seed)


def play_sketched(
    player: Player,
    references: References,
    notes: tuple[NoteEvent, ...],
    seed: int,
    duration_s: float = CLIP_S,
) -> SketchedClip:
    """What a player makes of notes, beside the sketch of them; both at the level the clip is kept at."""
    audio = player.play(notes, duration_s, 1 + seed)
    gain = min(1.0, PEAK_LIMIT / max(float(np.abs(audio).max(initial=0.0)), 1e-6))
    heard = log_mel(audio * np.float32(gain))
    sketch = Sketcher(references).sketch(notes, len(heard)) if len(references) else np.zeros_like(heard) + FLOOR
    return SketchedClip(player, notes, heard, _louder(sketch, gain))


#: The log-mel of silence.
FLOOR = np.float32(np.log(LOG_FLOOR))


def _louder(sketch: np.ndarray, gain: float) -> np.ndarray:
    """A log-mel of the same sound at another level."""
    return np.log((np.exp(sketch) - np.float32(LOG_FLOOR)) * np.float32(gain) + np.float32(LOG_FLOOR))


@cache
def find_player(players: Players, name: str) -> Player:
    return players.find(name)


def write_sketched_shard(folder: Path, number: int, band: Band, seeds: Sequence[int]) -> None:
    """Writes one shard of the clips of ``seeds``; an existing complete shard is left alone."""
    meta_path = folder / f"sketched-{number}.npz"
    if meta_path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    shape = (len(seeds), frame_count(round(CLIP_S * SAMPLE_RATE_HZ)), MEL_BANDS)
    mel, sketch = (
        np.lib.format.open_memmap(folder / f"{what}-{number}.npy", mode="w+", dtype=np.float16, shape=shape)
        for what in ("mel", "sketch")
    )
    names, kinds, notes, offset = [], [], [], [0]
    for row, seed in enumerate(seeds):
        clip = make_sketched_clip(band, seed)
        mel[row], sketch[row] = clip.log_mel, clip.sketch
        names.append(clip.player.name)
        kinds.append(traits(clip.player.instrument))
        notes += [(note.pitch, note.start_s, note.end_s, note.velocity) for note in clip.notes]
        offset.append(len(notes))
    mel.flush()
    sketch.flush()
    temporary = folder / f"sketched-{number}.tmp"  # renamed when whole: a shard is there once its notes are
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            player=np.array(names),
            traits=np.array(kinds, np.float32),
            notes=np.array(notes, np.float32).reshape(-1, 4),
            offset=np.array(offset, np.int32),
            seed=np.array(seeds, np.int64),
        )
    temporary.replace(meta_path)


@dataclass(frozen=True)
class SketchedShard:
    """One shard opened for reading; ``mel`` and ``sketch`` stay on disk."""

    mel: np.ndarray
    sketch: np.ndarray
    player: np.ndarray
    traits: np.ndarray
    notes: np.ndarray
    offset: np.ndarray

    def __len__(self) -> int:
        return len(self.player)

    def notes_of(self, clip: int) -> tuple[NoteEvent, ...]:
        rows = self.notes[self.offset[clip] : self.offset[clip + 1]]
        return tuple(NoteEvent(int(p), float(s), float(e), int(v)) for p, s, e, v in rows)


def open_sketched_shards(folder: Path) -> Iterator[SketchedShard]:
    """Every complete shard of a folder, in order."""
    for meta_path in sorted(folder.glob("sketched-*.npz"), key=lambda path: int(path.stem.split("-")[1])):
        meta, number = np.load(meta_path), meta_path.stem.split("-")[1]
        yield SketchedShard(
            mel=np.load(folder / f"mel-{number}.npy", mmap_mode="r"),
            sketch=np.load(folder / f"sketch-{number}.npy", mmap_mode="r"),
            **{field: meta[field] for field in ("player", "traits", "notes", "offset")},
        )
