"""What every model promises and what it hands over: the protocol above which nobody asks which model it is."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from noisician.errors import Cancelled, RequestError
from noisician.export import Bundle, Marker, Metadata, default_file_name, write_bundle
from noisician.export.lyrics import TimedLine
from noisician.mel import SAMPLE_RATE_HZ
from noisician.recipe import Recipe
from noisician.request import MATERIAL_FIELDS, Request
from noisician.score import Score

#: The log-mel ``[frames, 128]`` of a piece as far as it is painted, or None while there is nothing.
Sketch = Callable[[], np.ndarray | None]


@dataclass(frozen=True)
class Progress:
    """``stage`` is what is being done now; ``share`` of all the work is done (0 … 1).

    ``sketch`` gives, to any thread and at any time until the piece is finished, the log-mel of everything painted so
    far, all players together, the floor where nothing is. It costs nothing until it is called. None before there is
    anything to paint, and throughout for models that do not show what they are doing: checkpoints, whose pipelines
    work on latents that only their decoders can turn into sound.
    """

    stage: str
    share: float
    sketch: Sketch | None = field(default=None, compare=False, repr=False)


OnProgress = Callable[[Progress], None]
ShouldCancel = Callable[[], bool]


def never() -> bool:
    """The ``cancel`` of those who wait for the end."""
    return False


def ignore_progress(progress: Progress) -> None:
    """The ``on_progress`` of those who do not watch."""


@dataclass(frozen=True)
class Stages:
    """Turns each stage's own share into the share of the whole, and a wish to stop into :class:`Cancelled`.

    ``span`` is the part of the whole that all these stages are.
    """

    weights: Mapping[str, float]
    on_progress: OnProgress
    cancel: ShouldCancel
    sketch: Sketch | None = None
    span: tuple[float, float] = (0.0, 1.0)

    def reporter(self, stage: str) -> Callable[[float], None]:
        """A callback for one stage, to be called with that stage's share done after every step."""
        first, last = self._span_of(stage)

        def report(share: float) -> None:
            if self.cancel():
                raise Cancelled(f"stopped while {stage}")
            self.on_progress(Progress(stage, min(1.0, first * (1 - share) + last * share), self.sketch))

        report(0.0)
        return report

    def within(self, stage: str, weights: Mapping[str, float], sketch: Sketch | None = None) -> Stages:
        """The stages that one of these falls into, once it is known which they are."""
        return replace(self, weights=weights, sketch=sketch, span=self._span_of(stage))

    def _span_of(self, stage: str) -> tuple[float, float]:
        total = sum(self.weights.values())
        before = sum(list(self.weights.values())[: list(self.weights).index(stage)])
        low, high = self.span
        first, last = before / total, (before + self.weights[stage]) / total
        return low * (1 - first) + high * first, low * (1 - last) + high * last


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
    ``lyrics`` are what is sung when; ``instrumental`` the track without its voices, where stems were kept.
    """

    audio: np.ndarray
    recipe: Recipe
    score: Score | None = None
    stems: Mapping[str, np.ndarray] = field(default_factory=dict)
    sample_rate_hz: int = SAMPLE_RATE_HZ
    lyrics: tuple[TimedLine, ...] = ()
    instrumental: np.ndarray | None = None

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
            loop=request.loop,
            software=f"noisician {recipe.noisician}",
            lyrics=lyrics,
            language=request.language or "en",
        )
    bar_s = score.meter.beats_per_bar * score.seconds_per_beat
    return Metadata(
        title=title,
        prompt=request.prompt,
        tempo_bpm=score.tempo_bpm,
        key=score.key,
        mode=score.mode,
        time_signature=score.time_signature,
        seed=recipe.seed,
        sections=tuple(Marker(section.kind, section.start_bar * bar_s) for section in score.sections),
        beats=round(score.duration_beats),
        loop=bool(recipe.controls.get("loop")),
        software=f"noisician {recipe.noisician}",
        lyrics=lyrics,
        language=request.language or "en",
    )


Feature = Literal[
    "text",
    "lyrics",
    "voice",
    "negative_prompt",
    "init_audio",
    "repaint",
    "reference_audio",
    "morph_prompt",
    "morph_audio",
    "tempo",
    "key",
    "time_signature",
    "loop",
    "stems",
    "score",
    "preset",
    "device",
]


@dataclass(frozen=True)
class Capabilities:
    """What a model can do. ``duration_range_s`` is what may be asked for, extension by continuation included."""

    name: str
    features: frozenset[Feature]
    duration_range_s: tuple[float, float]
    sample_rate_hz: int
    licence: str


@dataclass(frozen=True)
class Clip:
    """Audio somebody hands in: float32 ``[frames, channels]``; ``origin`` is what messages call it."""

    audio: np.ndarray
    sample_rate_hz: int
    origin: str

    @property
    def duration_s(self) -> float:
        return len(self.audio) / self.sample_rate_hz

    @property
    def sha256(self) -> str:
        """Of the decoded samples, their rate and their channels: the same music in another container is the same."""
        samples = np.ascontiguousarray(self.audio, "<f4")
        shape = f"{self.sample_rate_hz} {samples.shape}".encode()
        return hashlib.sha256(shape + samples.tobytes()).hexdigest()


@dataclass(frozen=True)
class Material:
    """The clips behind a request's file names, read and checked before a model sees them."""

    init_audio: Clip | None = None
    reference_audio: Clip | None = None
    morph_audio: Clip | None = None

    def digests(self) -> dict[str, str]:
        """What the recipe remembers of the clips: the first 16 hex digits of each one's SHA-256, by field."""
        clips = {name: getattr(self, name) for name in MATERIAL_FIELDS}
        return {name: clip.sha256[:16] for name, clip in clips.items() if clip is not None}


NO_MATERIAL = Material()


class MusicModel(Protocol):
    """Anything that turns a request into music."""

    @property
    def capabilities(self) -> Capabilities: ...

    def generate(
        self,
        request: Request,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """Raises RequestError for what it cannot make and Cancelled when ``cancel`` turned true."""
        ...

    def replay(
        self,
        recipe: Recipe,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """The same samples again, from the recipe (and the clips it names) alone."""
        ...

    def rework(
        self,
        recipe: Recipe,
        request: Request,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """The music of a recipe as another request wants it, keeping what that leaves as it is; else made anew."""
        ...
