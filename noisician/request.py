"""The one request that travels unchanged from library, command line or service to the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TEMPO_RANGE_BPM = (40.0, 240.0)
DURATION_RANGE_S = (1.0, 600.0)
BARS_RANGE = (1, 400)
PROMPT_LIMIT_CHARS = 2000
TIME_SIGNATURES = ("4/4", "3/4", "6/8")
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian")
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

TimeSignature = Literal["4/4", "3/4", "6/8"]
Mode = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian"]


class Request(BaseModel):
    """What somebody asked for. ``None`` means "choose for me"; explicit values win over the prompt's words.

    Validation beyond types (ranges, unknown names, contradictions) is
    :func:`noisician.prompt.understand`'s, because it can name the likely cause.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = ""
    duration_s: float | None = Field(default=None, description="length of the track in seconds")
    bars: int | None = Field(default=None, description="length in bars, instead of duration_s")
    tempo_bpm: float | None = Field(default=None, description="beats a minute; a dotted quarter is the beat of 6/8")
    key: str | None = Field(default=None, description="tonic, one of TONICS (flats and sharps are interchangeable)")
    mode: Mode | None = None
    time_signature: TimeSignature | None = None
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    without: tuple[str, ...] = Field(default=(), description="roles, instruments, families or textures to leave out")
    seed: int | None = Field(default=None, description="0 … 2**32 − 1; the one drawn is always reported")
    takes: int = 1
    steps: int | None = Field(default=None, description="renderer sampling steps")
    guidance_scale: float | None = Field(default=None, description="classifier-free guidance, 1 = off")
    loop: bool = False
    model: str = "embedded"
