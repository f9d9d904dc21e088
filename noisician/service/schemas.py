"""The shapes of the HTTP API. The studio's ``studio/src/lib/openapi.ts`` is written from the document of them.

Times are Unix seconds, lengths seconds, levels dB. ``None`` in a request means "choose for me"; in an answer, "none" or
"not known".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from noisician.edits import EDITS_LIMIT, AnyEdit
from noisician.request import BARS_RANGE, DURATION_RANGE_S, OPTIONS, Request
from noisician.service.records import EventType, Operation, Status

TITLE_LIMIT_CHARS = 200
Takes = Annotated[int, OPTIONS["takes"]]


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorBody(Shape):
    """What went wrong. ``type`` sorts it for programs, ``code`` names it, ``param`` is the field at fault."""

    message: str
    type: Literal["invalid_request", "authentication", "not_found", "conflict", "rate_limit", "server"]
    param: str | None = None
    code: str


class ErrorAnswer(Shape):
    error: ErrorBody


class MusicBody(Request):
    """What to make: the request of library and command line. ``init_audio``, ``reference_audio`` and ``morph_audio``
    are ids of uploads or takes, ``notes`` that of an uploaded MIDI file."""

    title: str | None = Field(default=None, max_length=TITLE_LIMIT_CHARS, description="its name in the library")


class ChangeBody(Shape):
    """What is different in a variation of a take: fields of a request by name. Without any: a new seed."""

    changes: dict[str, Any] = Field(default_factory=dict)
    takes: Takes = 1
    title: str | None = Field(default=None, max_length=TITLE_LIMIT_CHARS)


class LoopBody(Shape):
    bars: int | None = Field(
        default=None, ge=BARS_RANGE[0], le=BARS_RANGE[1], description="length of the loop; None suits the take"
    )
    takes: Takes = 1


class RepaintBody(Shape):
    regions: tuple[tuple[float, float], ...] = Field(min_length=1, description="(start_s, end_s) to make anew")
    prompt: str | None = None
    takes: Takes = 1


class ExtendBody(Shape):
    added_s: float = Field(gt=0, le=DURATION_RANGE_S[1], description="seconds of music to add at the end")
    prompt: str | None = None
    takes: Takes = 1


class EditBody(Shape):
    """Edits of a take, done in order. ``use_from`` names another take by its id. Without ``title`` the new version has
    the name of the take and does not stand in the list of the library. ``dry_run`` only says what would be done."""

    edits: tuple[AnyEdit, ...] = Field(min_length=1, max_length=EDITS_LIMIT)
    title: str | None = Field(default=None, max_length=TITLE_LIMIT_CHARS, description="a name of its own")
    dry_run: bool = False


class Outlook(Shape):
    """What edits would do. ``rendered_s`` are the stretches [start_s, end_s] of each player that would be rendered,
    ``heard_s`` those of the track that would differ; ``piece`` is what the piece becomes."""

    object: Literal["outlook"] = "outlook"
    words: tuple[str, ...]
    rendered_s: dict[str, tuple[tuple[float, float], ...]]
    heard_s: tuple[tuple[float, float], ...]
    remarks: tuple[str, ...]
    piece: dict[str, Any]


class Reason(Shape):
    """Why a control has its value: the words, or the option, that caused it."""

    field: str
    value: str
    words: str
    source: str
    confidence: float


class Understood(Shape):
    """A request as it is understood, before anything is made. ``problem`` says why it could not be, if so."""

    controls: dict[str, Any]
    reasons: tuple[Reason, ...]
    not_understood: tuple[str, ...]
    problem: ErrorBody | None = None


class SectionInfo(Shape):
    kind: str
    start_s: float
    end_s: float
    start_bar: int
    bars: int


class PlayerInfo(Shape):
    """``stem`` is the name under which its sound can be had, None where no stems were kept."""

    role: str
    instrument: str
    stem: str | None
    notes: int


class Take(Shape):
    """A finished piece in the library. ``params`` with ``seed`` make the same samples again."""

    id: str
    object: Literal["take"] = "take"
    job_id: str
    number: int
    title: str
    starred: bool
    created_at: float
    deleted_at: float | None
    operation: Operation
    parent_take: str | None
    piece: str  # the id of the take that the piece began with; its versions are what was edited from that one
    listed: bool  # False: a version without a name of its own, a star or an export
    edits: str | None  # what was done to parent_take, in words
    model: str
    licence: str
    seed: int
    recipe_id: str
    duration_s: float
    made_in_s: float
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    tempo_bpm: float | None
    key: str | None
    mode: str | None
    time_signature: str | None
    sections: tuple[SectionInfo, ...]
    players: tuple[PlayerInfo, ...]
    stems: tuple[str, ...]
    has_score: bool
    has_lyrics: bool
    loop: bool
    params: dict[str, Any]
    reasons: tuple[Reason, ...]
    not_understood: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # what whoever asked for it should be told
    damage: str | None = None  # why its row in the database cannot be read, if so


class Job(Shape):
    """``progress`` 0 … 100. ``outputs`` fill while it runs: the first take can be heard while the second is made."""

    id: str
    object: Literal["music"] = "music"
    operation: Operation
    status: Status
    progress: float
    stage: str | None
    eta_s: float | None
    queue_position: int | None
    created_at: float
    started_at: float | None
    completed_at: float | None
    error: ErrorBody | None
    model: str
    params: dict[str, Any]
    title: str | None
    parent_take: str | None
    takes: int
    attempts: int
    cancel_requested: bool
    outputs: tuple[Take, ...]


class JobPage(Shape):
    object: Literal["list"] = "list"
    data: tuple[Job, ...]
    after: str | None


class TakePage(Shape):
    object: Literal["list"] = "list"
    data: tuple[Take, ...]
    after: str | None


class Version(Shape):
    """A version of a piece; ``edits`` says in words what was done to ``parent_take``, None where the piece begins."""

    id: str
    parent_take: str | None
    edits: str | None
    title: str
    listed: bool
    starred: bool
    duration_s: float
    created_at: float


class Versions(Shape):
    """The versions of a piece, oldest first: a tree by ``parent_take``."""

    object: Literal["versions"] = "versions"
    piece: str
    data: tuple[Version, ...]


class TakeChange(Shape):
    """What a person may change of a take. None leaves it as it is."""

    title: str | None = Field(default=None, min_length=1, max_length=TITLE_LIMIT_CHARS)
    starred: bool | None = None


class Event(Shape):
    """The ``data`` of a server-sent event; its ``event`` is the type, its ``id`` counts up.

    * ``status``: the job's ``status`` (and ``queue_position`` or ``error``) changed
    * ``progress``: ``progress`` 0 … 100, ``stage``, ``eta_s``, ``take`` (its number)
    * ``preview``: there is a newer picture at /v1/music/{job_id}/preview
    * ``excerpt``: the first that an edit changes can be heard, ``start_s`` to ``end_s`` of take number ``take``, at
      /v1/music/{job_id}/excerpt
    * ``take``: a take is finished; ``take_changed``: title, star, or back from the bin; ``take_deleted``
    """

    type: EventType
    job_id: str | None
    take_id: str | None
    data: dict[str, Any]
    created_at: float


class Upload(Shape):
    id: str
    object: Literal["upload"] = "upload"
    name: str
    format: str
    size_bytes: int
    created_at: float


class HeardPlayer(Shape):
    role: str
    instrument: str = Field(description="what would play it; instruments are not told apart")
    notes: int


class HeardSection(Shape):
    kind: str
    label: str
    start_bar: int
    bars: int
    energy: float


class HeardSound(Shape):
    """``balance_db`` are the octaves around ``octaves_hz`` against the whole; ``width`` the share of the sides."""

    loudness_lufs: float
    peak_dbtp: float
    range_lu: float
    width: float
    brightness_hz: float
    balance_db: list[float]
    octaves_hz: list[float]


class Analysis(Shape):
    """What is heard in a recording. ``chords`` are those of each bar; ``bar_starts_s`` has one more than there are
    bars; ``score`` is everything with its notes, in beats, as in recipes."""

    duration_s: float
    tempo_bpm: float
    has_pulse: bool
    is_steady: bool
    time_signature: str
    key: str
    mode: str
    key_correlation: float
    bars: int
    bar_starts_s: list[float]
    chords: list[list[str]]
    sections: list[HeardSection]
    energies: list[float]
    density: float
    players: list[HeardPlayer]
    sound: HeardSound
    score: dict[str, Any]


class Restored(Shape):
    """The settings inside a file noisician made. ``take_id`` is set when that very take is in the library."""

    params: dict[str, Any]
    seed: int
    recipe_id: str
    title: str
    model: str
    take_id: str | None


class ModelInfo(Shape):
    """``speed`` is seconds of music a second of work makes on this machine, measured on ``measured_takes`` takes
    made here; None until there is one. ``available`` False: ``how_to_get`` says what is to be done."""

    name: str
    available: bool
    how_to_get: str | None
    licence: str
    licence_url: str | None
    restricted: bool
    size_gb: float | None
    features: tuple[str, ...]
    duration_range_s: tuple[float, float] | None
    sample_rate_hz: int | None
    speed: float | None
    measured_takes: int


class ModelList(Shape):
    object: Literal["list"] = "list"
    data: tuple[ModelInfo, ...]


class Style(Shape):
    """A genre, mood, instrument, texture or voice. ``details`` are what only some have (tempo range, family, roles)."""

    id: str
    description: str
    details: dict[str, Any]


class Styles(Shape):
    genres: tuple[Style, ...]
    moods: tuple[Style, ...]
    instruments: tuple[Style, ...]
    textures: tuple[Style, ...]
    voices: tuple[Style, ...]


class WorkerInfo(Shape):
    name: str
    state: str
    job_id: str | None


class Health(Shape):
    """``status`` is "ok" when a worker is ready; "starting" while models load; "degraded" when something is wrong."""

    status: Literal["ok", "starting", "degraded"]
    version: str
    queued: int
    running: int
    workers: tuple[WorkerInfo, ...]
    free_bytes: int
    problem: str | None = None


class Limits(Shape):
    duration_s: float
    takes: int
    upload_bytes: int
    upload_s: float
    queue: int
    prompt_chars: int
    lyrics_chars: int


class About(Shape):
    """What a client needs to know of this service."""

    version: str
    limits: Limits
    key_required: bool


class ScoreNote(Shape):
    """Times in seconds of the track. ``syllable`` for sung notes."""

    pitch: int
    start_s: float
    end_s: float
    velocity: int
    syllable: str | None = None


class ScoreTrack(Shape):
    role: str
    instrument: str
    stem: str | None
    notes: tuple[ScoreNote, ...]


class ScoreChord(Shape):
    start_s: float
    end_s: float
    name: str


class ScoreView(Shape):
    """The score of a take in seconds, for a piano roll. ``bars_s`` are the bar lines, the end included."""

    tempo_bpm: float
    key: str
    mode: str
    time_signature: str
    bars_s: tuple[float, ...]
    beats_per_bar: float
    tracks: tuple[ScoreTrack, ...]
    chords: tuple[ScoreChord, ...]


class Peaks(Shape):
    """Minimum and maximum of the mono sum in equal slices: ``data`` is min, max, min, max … within −1 … 1."""

    duration_s: float
    slices: int
    data: tuple[float, ...]
