"""What every model promises, hears and tells: the protocol above which nobody asks which model it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from noisician.edits import Edit
from noisician.errors import Cancelled, RequestError
from noisician.music import Music
from noisician.prompt import Controls
from noisician.recipe import Recipe
from noisician.request import FILE_FIELDS, Feature, Request
from noisician.score import Score

#: The log-mel ``[frames, 128]`` of a piece as far as it is painted, or None while there is nothing.
Sketch = Callable[[], np.ndarray | None]


@dataclass(frozen=True)
class Excerpt:
    """A stretch of a track as the whole will hold it, sample for sample: ``[frames, 2]`` from ``start_s`` on."""

    samples: np.ndarray
    start_s: float
    sample_rate_hz: int


@dataclass(frozen=True)
class Progress:
    """``stage`` is what is being done now; ``share`` of all the work is done (0 … 1).

    ``sketch`` gives, to any thread and at any time until the piece is finished, the log-mel of everything painted so
    far, all players together, the floor where nothing is. It costs nothing until it is called. None before there is
    anything to paint, and throughout for models that do not show what they are doing: checkpoints, whose pipelines
    work on latents that only their decoders can turn into sound.

    ``excerpt`` comes once, where a :class:`Run` wants it and an edit is made by a model that keeps what it renders: the
    first of the track that the edit reaches, to be heard before the rest is there. It does not come for a loop, nor
    where levels are decided anew (a player who joins, a remaster): they depend on the whole.
    """

    stage: str
    share: float
    sketch: Sketch | None = field(default=None, compare=False, repr=False)
    excerpt: Excerpt | None = field(default=None, compare=False, repr=False)


class Report(Protocol):
    """Hears of a stage's share done after every step. Raises Cancelled."""

    def __call__(self, share: float, excerpt: Excerpt | None = None) -> None: ...


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

    def reporter(self, stage: str) -> Report:
        """A callback for one stage, to be called with that stage's share done after every step."""
        first, last = self._span_of(stage)

        def report(share: float, excerpt: Excerpt | None = None) -> None:
            if self.cancel():
                raise Cancelled(f"stopped while {stage}")
            self.on_progress(Progress(stage, min(1.0, first * (1 - share) + last * share), self.sketch, excerpt))

        report(0.0)
        return report

    def within(self, stage: str, weights: Mapping[str, float], sketch: Sketch | None = None) -> Stages:
        """The stages that one of these falls into, once it is known which they are."""
        return replace(self, weights=weights, sketch=sketch, span=self._span_of(stage))

    def with_steps(self) -> tuple[Stages, Callable[[], None]]:
        """The same stages, and what to call between two steps of work that has no share of its own.

        It tells once more what was told last, and raises :class:`Cancelled` where that would.
        """
        last = [Progress("", 0.0)]

        def hear(progress: Progress) -> None:
            last[0] = replace(progress, excerpt=None)
            self.on_progress(progress)

        def step() -> None:
            if self.cancel():
                raise Cancelled(f"stopped while {last[0].stage}")
            self.on_progress(last[0])

        return replace(self, on_progress=hear), step

    def _span_of(self, stage: str) -> tuple[float, float]:
        total = sum(self.weights.values())
        before = sum(list(self.weights.values())[: list(self.weights).index(stage)])
        low, high = self.span
        first, last = before / total, (before + self.weights[stage]) / total
        return low * (1 - first) + high * first, low * (1 - last) + high * last


@dataclass(frozen=True)
class Capabilities:
    """What a model can do. ``duration_range_s`` is what may be asked for, extension by continuation included."""

    name: str
    features: frozenset[Feature]
    duration_range_s: tuple[float, float]
    sample_rate_hz: int
    licence: str


@dataclass(frozen=True)
class CheckedRequest:
    """A request that a model can follow, and what it means to that model.

    Made by :func:`noisician.models.support.checked`, where its words are read and, if it has none, its seed is drawn:
    whoever has one reads and draws nothing more.
    """

    request: Request
    controls: Controls
    capabilities: Capabilities

    @property
    def seed(self) -> int:
        assert self.request.seed is not None
        return self.request.seed


@dataclass(frozen=True)
class AudioInput:
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
class NotesInput:
    """A score somebody hands in, and the SHA-256 of the file it was read from."""

    score: Score
    sha256: str
    origin: str


@dataclass(frozen=True)
class PictureInput:
    """A picture somebody hands in: RGB uint8 ``[height, width, 3]``, and the SHA-256 of its file.

    ``recipe`` is the JSON inside a spectrogram of ours, ``sound`` what one of Riffusion's sounds like.
    """

    pixels: np.ndarray
    sha256: str
    origin: str
    recipe: str | None = None
    sound: AudioInput | None = None


@dataclass(frozen=True)
class AudioInputs:
    """What lies behind a request's file names, read and checked before a model sees them."""

    init_audio: AudioInput | None = None
    reference_audio: AudioInput | None = None
    morph_audio: AudioInput | None = None
    melody: AudioInput | None = None
    notes: NotesInput | None = None
    picture: PictureInput | None = None

    def digests(self) -> dict[str, str]:
        """What the recipe remembers of them: the first 16 hex digits of each one's SHA-256, by field."""
        given = {name: getattr(self, name) for name in FILE_FIELDS}
        return {name: one.sha256[:16] for name, one in given.items() if one is not None}


NO_INPUTS = AudioInputs()


@dataclass(frozen=True)
class Run:
    """How a piece is made, whichever it is.

    ``on_progress`` hears of every step; once ``cancel`` returns true, :class:`Cancelled` is raised within one.
    ``keep_stems`` keeps each player's samples too. ``inputs`` are the sound files that the request names. ``excerpt``
    is for those who play the first of an edit before the rest is there; making it takes a little longer in all.
    """

    on_progress: OnProgress = ignore_progress
    cancel: ShouldCancel = never
    keep_stems: bool = False
    inputs: AudioInputs = NO_INPUTS
    excerpt: bool = False

    def stages(self, weights: Mapping[str, float]) -> Stages:
        """The stages of all the work, each with its cost."""
        return Stages(weights, self.on_progress, self.cancel)

    def part(self, start: float, end: float) -> Run:
        """The same run as seen by work that is this part of the whole (0 … 1)."""
        hear = self.on_progress
        return replace(self, on_progress=lambda now: hear(replace(now, share=start + (end - start) * now.share)))


#: Finds the recipe of another version or take that an edit names: a file, or a take's id.
Others = Callable[[str], Recipe]


def no_others(source: str) -> Recipe:
    """The ``others`` of those who have no other music. Raises RequestError."""
    raise RequestError(f"{source}: there is no other version or take to use here")


@dataclass(frozen=True)
class EditOutlook:
    """What edits would do, before anything is painted.

    ``piece`` is what the piece becomes, as JSON values. ``painted_s`` are the stretches (start, end) of each player
    that would be rendered anew, by player id; ``heard_s`` those of the track that would differ. ``remarks`` are worth a
    line each: seconds widened to bars, levels decided anew.
    """

    words: tuple[str, ...]
    piece: Mapping[str, Any]
    painted_s: Mapping[str, tuple[tuple[float, float], ...]]
    heard_s: tuple[tuple[float, float], ...]
    remarks: tuple[str, ...] = ()


class MusicModel(Protocol):
    """Anything that turns a request into music."""

    @property
    def capabilities(self) -> Capabilities: ...

    def generate(self, asked: CheckedRequest, run: Run = Run()) -> Music:
        """Raises RequestError for what it cannot make and Cancelled when ``run.cancel`` turned true."""
        ...

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        """The same samples again, from the recipe (and the sound files it names) alone."""
        ...

    def rework(self, recipe: Recipe, asked: CheckedRequest, run: Run = Run()) -> Music:
        """The music of a recipe as another request wants it, keeping what that leaves as it is; else made anew."""
        return self.generate(asked, run)

    def edit(self, recipe: Recipe, edits: Sequence[Edit], run: Run = Run(), others: Others = no_others) -> Music:
        """The music of a recipe with edits applied in order; whatever they do not touch keeps its samples.

        The recipe's lineage tells what was done. Raises RequestError for edits that the music cannot take.
        """
        raise RequestError(f"{self.capabilities.name} cannot edit what it made; it makes music anew (noisician make)")

    def outlook(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> EditOutlook:
        """What :meth:`edit` would do; errors as there."""
        raise RequestError(f"{self.capabilities.name} cannot edit what it made; it makes music anew (noisician make)")

    def check_edits(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> None:
        """Raises what :meth:`edit` would, as far as that can be told at once; cheap, and no network is asked."""
        self.outlook(recipe, edits, others)
