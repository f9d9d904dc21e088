"""What the words were taken to mean. Every value keeps the words that caused it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Reason(BaseModel):
    """Why one field has one value."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: str
    words: str  # the words of the prompt, or the option, that caused it
    source: Literal["option", "lexicon", "meaning", "implied", "default"]
    confidence: float = 1.0  # cosine similarity for "meaning", else 1


class SectionHint(BaseModel):
    """A wish about form: ``kind`` as in Section.kind; ``wanted`` False for "no intro"."""

    model_config = ConfigDict(frozen=True)

    kind: str
    wanted: bool = True


class Controls(BaseModel):
    """Music in fields. ``None`` or empty means the composer's planner chooses from the genre."""

    model_config = ConfigDict(frozen=True)

    genres: tuple[tuple[str, float], ...] = ()  # (id, weight), weights sum to 1, heaviest first
    moods: tuple[tuple[str, float], ...] = ()
    instruments: tuple[str, ...] = ()
    textures: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()  # ids of roles, instruments, families or textures to leave out
    tempo_bpm: float | None = None
    key: str | None = None
    mode: str | None = None
    time_signature: str | None = None
    duration_s: float | None = None
    bars: int | None = None
    energy: float | None = None  # 0 calm … 1 fierce
    density: float | None = None  # 0 sparse … 1 busy
    swing: float | None = None  # 0 straight … 1 triplet
    production: tuple[str, ...] = ()  # renderer/mix tags: bright dark driven lofi wide dry wet ...
    sections: tuple[SectionHint, ...] = ()
    loop: bool = False
    reasons: tuple[Reason, ...] = ()
    not_understood: tuple[str, ...] = ()
