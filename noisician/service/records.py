"""What the database holds, as frozen values: rows never leave the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["queued", "in_progress", "completed", "failed", "cancelled"]
Operation = Literal["make", "vary", "loop", "repaint", "extend", "edit"]
EventType = Literal["status", "progress", "preview", "excerpt", "take", "take_changed", "take_deleted"]

FINISHED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


def finite(value: float | None) -> float | None:
    """None for what JSON cannot say: silence has a loudness of −∞ LUFS."""
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True)
class Failure:
    """Why a job failed: a line for people, a stable word for programs, the field of the request that is at fault."""

    message: str
    code: str
    param: str | None = None


@dataclass(frozen=True)
class NewJob:
    """What a client asked for, checked. ``params`` are a Request's JSON values without those left at their default;
    sound files in them are ids of uploads or takes. ``parent_take`` is the take it is made from, ``edits`` are the JSON
    values of what is done to it (noisician.edits) where ``operation`` is "edit"."""

    params: dict[str, Any]
    model: str
    takes: int
    operation: Operation = "make"
    device: str | None = None
    parent_take: str | None = None
    title: str | None = None
    edits: tuple[dict[str, Any], ...] = ()
    idempotency_key: str | None = None
    digest: str = ""  # SHA-256 of what was asked; the same key with another digest is a conflict


@dataclass(frozen=True)
class JobRecord:
    """One job. Times are Unix seconds; ``progress`` 0 … 1. ``damage`` says why its row cannot be read, if so."""

    id: str
    seq: int
    operation: Operation
    status: Status
    params: dict[str, Any]
    model: str
    takes: int
    created_at: float
    title: str | None = None
    device: str | None = None
    parent_take: str | None = None
    edits: tuple[dict[str, Any], ...] = ()
    started_at: float | None = None
    completed_at: float | None = None
    progress: float = 0.0
    stage: str | None = None
    eta_s: float | None = None
    attempts: int = 0
    cancel_requested: bool = False
    failure: Failure | None = None
    queue_position: int | None = None  # 0 is next; None when it does not wait
    damage: str | None = None


@dataclass(frozen=True)
class Claim:
    """A job in a worker's hands. Every report names the ``lease``; one that is no longer in force changes nothing."""

    job: JobRecord
    lease: str
    done: frozenset[int]  # numbers of the takes that an earlier attempt finished


@dataclass(frozen=True)
class Heartbeat:
    """The answer to a sign of life: whether to stop, and whether the job still belongs to this worker."""

    cancel: bool
    lost: bool


@dataclass(frozen=True)
class NewTake:
    """A finished take, its files already in place under its id. ``number`` counts from 1 within the job.

    ``facts`` are JSON values for display: sections, players, stems, params, controls, reasons (see schemas.Take).
    """

    id: str
    number: int
    title: str
    seed: int
    model: str
    licence: str
    recipe_id: str
    duration_s: float
    made_in_s: float
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    tempo_bpm: float | None
    key: str | None
    mode: str | None
    time_signature: str | None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TakeRecord:
    """A take in the library. ``deleted_at`` set: in the bin, from which it can come back.

    ``piece`` is the id of the take that the piece began with: its versions are all takes edited from that one, directly
    or by way of others. ``kept`` are those that began a piece, were given a name of their own or exported.
    """

    take: NewTake
    seq: int
    job_id: str
    operation: Operation
    parent_take: str | None
    created_at: float
    piece: str
    kept: bool = True
    starred: bool = False
    deleted_at: float | None = None
    damage: str | None = None

    @property
    def id(self) -> str:
        return self.take.id

    @property
    def listed(self) -> bool:
        """Whether it stands in the list of the library; the others are versions that only their piece shows."""
        return self.kept or self.starred


@dataclass(frozen=True)
class UploadRecord:
    """A file of sound or notes that somebody handed in; it lies at ``files.upload(id)``."""

    id: str
    name: str  # as the client called it, without folders
    format: str  # as sniffed: wav, flac, ogg, mp3, mid, musicxml, abc
    size_bytes: int
    sha256: str
    created_at: float


@dataclass(frozen=True)
class EventRecord:
    """Something that happened; ``id`` grows. ``data`` are JSON values (see schemas)."""

    id: int
    type: EventType
    job_id: str | None
    take_id: str | None
    data: dict[str, Any]
    created_at: float


@dataclass(frozen=True)
class WorkerRecord:
    """A worker process as it last reported."""

    name: str  # the device it serves
    pid: int
    state: Literal["starting", "ready", "working"]
    job_id: str | None
    seen_at: float


@dataclass(frozen=True)
class Page:
    """Part of a list, newest first. ``after`` is the cursor of the next part, None at the end."""

    items: tuple[Any, ...]
    after: str | None
