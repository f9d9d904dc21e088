"""A finished piece: its samples, its recipe, and how both are saved."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from noisician.errors import RequestError
from noisician.export import Bundle, Marker, Metadata, default_file_name, write_bundle
from noisician.export.lyrics import TimedLine
from noisician.mel import SAMPLE_RATE_HZ
from noisician.recipe import Recipe
from noisician.score import Score


@dataclass(frozen=True)
class SaveOptions:
    """What is written beside the track. ``format`` None follows the file's extension.

    ``timed_lyrics`` are an LRC file and the time of every syllable as JSON; ``karaoke`` the track without its voices,
    with an LRC file, for music whose stems were kept.
    """

    format: str | None = None
    bit_depth: int = 24
    stems: bool = False
    stems_zip: bool = False
    midi: bool = False
    spectrogram: bool = False
    timed_lyrics: bool = False
    karaoke: bool = False
    sidecar: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class Music:
    """A finished piece.

    ``audio`` stereo float32 ``[frames, 2]`` at ``sample_rate_hz``; ``stems`` by name, each ``[frames, 2]`` as it sits
    in the mix before mastering (empty when they were not kept); ``score`` None for models that know no notes.
    ``lyrics`` are what is sung when; ``instrumental`` the track without its voices, where stems were kept. ``remarks``
    are what whoever asked should be told, a line each.
    """

    audio: np.ndarray
    recipe: Recipe
    score: Score | None = None
    stems: Mapping[str, np.ndarray] = field(default_factory=dict)
    sample_rate_hz: int = SAMPLE_RATE_HZ
    lyrics: tuple[TimedLine, ...] = ()
    instrumental: np.ndarray | None = None
    remarks: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        return self.recipe.seed

    @property
    def duration_s(self) -> float:
        return len(self.audio) / self.sample_rate_hz

    @property
    def metadata(self) -> Metadata:
        """What goes into tags."""
        return metadata_of(self.recipe, self.score, self.lyrics)

    def file_name(self, extension: str = "wav") -> str:
        """The readable default: words, BPM, key, seed."""
        return default_file_name(self.metadata, self.recipe.id6, extension)

    def midi(self) -> bytes:
        """The score as a Standard MIDI File. Raises RequestError for a model without a score."""
        from noisician.score.midi import write_midi

        if self.score is None:
            raise RequestError(f"{self.recipe.request.model} writes no score, so there is no MIDI; --guide adds one")
        buffer = io.BytesIO()
        write_midi(self.score, buffer)
        return buffer.getvalue()

    def _karaoke(self) -> np.ndarray:
        if self.instrumental is None:
            raise RequestError("there is no track without voices: nothing is sung, or the stems were not kept")
        return self.instrumental

    def save(
        self, path: str | os.PathLike[str], options: SaveOptions = SaveOptions(), **changes: object
    ) -> dict[str, Path]:
        """Writes the track and what ``options`` ask for, all or nothing; returns what was written by kind.

        ``path`` is a file, or a folder, in which the track gets its readable default name. Keyword arguments are
        fields of :class:`SaveOptions`: ``track.save("song.flac", stems=True, midi=True)``. Raises FileError.
        """
        options = replace(options, **changes) if changes else options
        target = Path(path)
        if target.is_dir():
            target = target / self.file_name(options.format or "wav")
        bundle = Bundle(
            path=target,
            samples=self.audio,
            metadata=self.metadata,
            recipe_json=self.recipe.to_json(),
            sample_rate_hz=self.sample_rate_hz,
            format=options.format,
            bit_depth=options.bit_depth,
            sidecar=options.sidecar,
            midi=self.midi() if options.midi else None,
            spectrogram=options.spectrogram,
            stems=self.stems if options.stems else {},
            stems_zip=options.stems_zip,
            lrc=options.timed_lyrics,
            lyrics_json=options.timed_lyrics,
            instrumental=self._karaoke() if options.karaoke else None,
        )
        return write_bundle(bundle, overwrite=options.overwrite)


def metadata_of(recipe: Recipe, score: Score | None, lyrics: tuple[TimedLine, ...] = ()) -> Metadata:
    """What goes into the tags of the music of a recipe; ``score`` and ``lyrics`` as in :class:`Music`."""
    request = recipe.request
    title = request.prompt.strip() or "surprise"
    title = title[:1].upper() + title[1:]
    if score is None:
        asked = recipe.controls
        return Metadata(
            title=title,
            prompt=request.prompt,
            tempo_bpm=asked.get("tempo_bpm"),
            key=asked.get("key"),
            mode=asked.get("mode"),
            time_signature=asked.get("time_signature"),
            seed=recipe.seed,
            loop=request.loop or bool(recipe.controls.get("loop")),
            software=f"noisician {recipe.noisician}",
            lyrics=lyrics,
            language=request.language or "en",
        )
    return Metadata(
        title=title,
        prompt=request.prompt,
        tempo_bpm=score.tempo_bpm,
        key=score.key,
        mode=score.mode,
        time_signature=score.time_signature,
        seed=recipe.seed,
        sections=tuple(Marker(section.kind, score.bar_start_s(section.start_bar)) for section in score.sections),
        beats=round(score.duration_beats),
        loop=bool(recipe.controls.get("loop")),
        software=f"noisician {recipe.noisician}",
        lyrics=lyrics,
        language=request.language or "en",
    )
