"""Sound clips for the renderer and the vocoder: one instrument playing an étude, with its notes.

A clip is a pure function of its seed. Clips are kept in shards, three files each:

``audio-K.npy``   int16 ``[clips, samples]`` mono at 44.1 kHz, memory-mapped in training
``mel-K.npy``     float16 ``[clips, frames, 128]`` log-mels of the same, likewise
``clips-K.npz``   instrument ``[clips]``, articulations (timbre tags) ``[clips, 4]`` bool, seed ``[clips]``,
                  notes ``[notes, 4]`` float32 (pitch, start_s, end_s, velocity), offset ``[clips + 1]``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from noisician.corpus.exercises import write_exercise
from noisician.corpus.soundfont import TRAINING_SOUNDFONTS, SoundfontPlayer
from noisician.corpus.voices import render as render_voice
from noisician.corpus.voices.effects import apply_timbre_tags
from noisician.mel import MEL_BANDS, SAMPLE_RATE_HZ, frame_count, log_mel
from noisician.score.played import NoteEvent
from noisician.styles import TIMBRE_TAGS, Instrument, shipped_instruments

CLIP_S = 12.0
#: A medium-loud passage of every instrument peaks here, so that the renderer meets one level.
REFERENCE_PEAK = 0.5
LEVEL_S = 6.0
PEAK_LIMIT = 0.97


@dataclass(frozen=True)
class Clip:
    """``audio`` float32 ``[CLIP_S · 44100]``, dry but for the timbre tags."""

    instrument: Instrument
    notes: tuple[NoteEvent, ...]
    timbre_tags: tuple[str, ...]
    audio: np.ndarray
    seed: int


@dataclass(frozen=True)
class Studio:
    """Who plays: soundfonts for the General MIDI instruments, our own voices for the rest."""

    soundfonts: tuple[str, ...] = TRAINING_SOUNDFONTS
    samples_dir: Path | None = None

    def play(self, instrument: Instrument, notes: Sequence[NoteEvent], duration_s: float, seed: int) -> np.ndarray:
        """Mono float32 at the level every instrument shares; a dense passage may pass 1."""
        choice = seed % len(self.soundfonts)
        return self._raw(instrument, notes, duration_s, seed, choice) * self._gain(instrument, choice)

    def _raw(
        self, instrument: Instrument, notes: Sequence[NoteEvent], duration_s: float, seed: int, choice: int
    ) -> np.ndarray:
        if instrument.source["kind"] == "soundfont":
            return _player(self.soundfonts[choice]).render(instrument, notes, duration_s)
        return render_voice(instrument.id, notes, duration_s, seed, self.samples_dir)

    def _gain(self, instrument: Instrument, choice: int) -> float:
        return _reference_gain(self, instrument.id, choice)


@cache
def _player(name: str) -> SoundfontPlayer:
    return SoundfontPlayer(name)


@cache
def _reference_gain(studio: Studio, instrument_id: str, choice: int) -> float:
    instrument = shipped_instruments()[instrument_id]
    return level_gain(instrument, lambda notes, take: studio._raw(instrument, notes, LEVEL_S, take, choice))


def level_gain(instrument: Instrument, play: Callable[[Sequence[NoteEvent], int], np.ndarray]) -> float:
    """What brings three fixed études of an instrument, of LEVEL_S each, to REFERENCE_PEAK.

    ``play`` gets the notes and the number of the take.
    """
    peaks = []
    for take in range(3):
        rng = np.random.default_rng([take, instrument.index])
        exercise = write_exercise(instrument, LEVEL_S, rng)
        notes = [NoteEvent(note.pitch, note.start_s, note.end_s, 96) for note in exercise]
        peaks.append(float(np.abs(play(notes, take)).max()))
    return REFERENCE_PEAK / max(float(np.median(peaks)), 1e-3)


def take_of(seed: int) -> int:
    """Which take of its instrument the clip of a seed is."""
    return seed // len(shipped_instruments())


def make_clip(studio: Studio, seed: int, *, plain: bool = False) -> Clip:
    """The clip of one seed: instruments take turns, everything else is drawn. A ``plain`` one has no timbre tags."""
    table = list(shipped_instruments().values())
    instrument = table[seed % len(table)]
    rng = np.random.default_rng([seed, 0x501])
    notes = write_exercise(instrument, CLIP_S, rng)
    audio = studio.play(instrument, notes, CLIP_S, take_of(seed))
    tags = () if plain else draw_timbre_tags(instrument, rng)
    if tags:
        audio = apply_timbre_tags(audio, tags, seed)
    audio = audio * min(1.0, PEAK_LIMIT / max(float(np.abs(audio).max(initial=0.0)), 1e-6))
    return Clip(instrument, notes, tags, audio.astype(np.float32), seed)


def draw_timbre_tags(instrument: Instrument, rng: np.random.Generator) -> tuple[str, ...]:
    """None for two clips in three; else one, rarely two that do not contradict."""
    if rng.random() < 0.66 or instrument.excitation == "noise":
        return ()
    first = str(rng.choice(TIMBRE_TAGS))
    if rng.random() < 0.2:
        second = str(rng.choice(TIMBRE_TAGS))
        if {first, second} not in ({"bright", "dark"}, {first}):
            return tuple(sorted((first, second)))
    return (first,)


def write_shard(folder: Path, number: int, studio: Studio, seeds: Sequence[int]) -> None:
    """Writes one shard of the clips of ``seeds``; an existing complete shard is left alone."""
    meta_path = folder / f"clips-{number}.npz"
    if meta_path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    samples = round(CLIP_S * SAMPLE_RATE_HZ)
    audio = np.lib.format.open_memmap(
        folder / f"audio-{number}.npy", mode="w+", dtype=np.int16, shape=(len(seeds), samples)
    )
    mel = np.lib.format.open_memmap(
        folder / f"mel-{number}.npy", mode="w+", dtype=np.float16, shape=(len(seeds), frame_count(samples), MEL_BANDS)
    )
    instrument, tags, notes, offset = [], [], [], [0]
    for row, seed in enumerate(seeds):
        clip = make_clip(studio, seed)
        audio[row] = np.round(np.clip(clip.audio, -1, 1) * 32767).astype(np.int16)
        mel[row] = log_mel(clip.audio)
        instrument.append(clip.instrument.index)
        tags.append([tag in clip.timbre_tags for tag in TIMBRE_TAGS])
        notes += [(note.pitch, note.start_s, note.end_s, note.velocity) for note in clip.notes]
        offset.append(len(notes))
    audio.flush()
    mel.flush()
    temporary = folder / f"clips-{number}.tmp"  # renamed when whole: a shard is there once its notes are
    with temporary.open("wb") as file:
        np.savez_compressed(
            file,
            instrument=np.array(instrument, np.int16),
            articulations=np.array(tags, bool),
            notes=np.array(notes, np.float32).reshape(-1, 4),
            offset=np.array(offset, np.int32),
            seed=np.array(seeds, np.int64),
        )
    temporary.replace(meta_path)


@dataclass(frozen=True)
class Shard:
    """One shard opened for reading; ``audio`` and ``mel`` stay on disk."""

    audio: np.ndarray
    mel: np.ndarray
    instrument: np.ndarray
    timbre_tags: np.ndarray
    notes: np.ndarray
    offset: np.ndarray

    def notes_of(self, clip: int) -> np.ndarray:
        """``[notes, 4]``: pitch, start_s, end_s, velocity."""
        return self.notes[self.offset[clip] : self.offset[clip + 1]]


def open_shards(folder: Path) -> Iterator[Shard]:
    """Every complete shard of a folder, in order."""
    for meta_path in sorted(folder.glob("clips-*.npz"), key=lambda path: int(path.stem.split("-")[1])):
        meta, number = np.load(meta_path), meta_path.stem.split("-")[1]
        yield Shard(
            audio=np.load(folder / f"audio-{number}.npy", mmap_mode="r"),
            mel=np.load(folder / f"mel-{number}.npy", mmap_mode="r"),
            instrument=meta["instrument"],
            timbre_tags=meta["articulations"],
            notes=meta["notes"],
            offset=meta["offset"],
        )
