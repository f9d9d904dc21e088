"""The one request that travels unchanged from library, command line or service to the model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TEMPO_RANGE_BPM = (40.0, 240.0)
DURATION_RANGE_S = (1.0, 600.0)
BARS_RANGE = (1, 400)
#: How many seeds there are: 0 … SEEDS − 1.
SEEDS = 2**32
PROMPT_LIMIT_CHARS = 2000
TIME_SIGNATURES = ("4/4", "3/4", "6/8")
MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian")
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

LYRICS_LIMIT_CHARS = 5000
PRESETS = ("reference", "balanced", "fast")
DTYPES = ("float32", "bfloat16", "float16")

TimeSignature = Literal["4/4", "3/4", "6/8"]
Mode = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian"]

Preset = Literal["reference", "balanced", "fast"]
Dtype = Literal["float32", "bfloat16", "float16"]

#: The name of the model that ships with noisician.
EMBEDDED = "embedded"

#: The fields that name sound files.
MATERIAL_FIELDS = ("init_audio", "reference_audio", "morph_audio")


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
    model: str = Field(default=EMBEDDED, description="embedded, a checkpoint's name, a hub id or a local folder")
    preset: Preset | None = Field(default=None, description="how a checkpoint samples; None is its authors' way")
    device: str | None = Field(default=None, description="where a checkpoint runs: cuda, cuda:1, mps or cpu")
    dtype: Dtype | None = Field(default=None, description="precision of a checkpoint; None suits the device")
    negative_prompt: str | None = Field(default=None, description="what the music should not sound like")
    lyrics: str | None = Field(default=None, description="words to sing, with section tags in brackets")
    vocals: bool = Field(default=False, description="somebody sings, without words where there are no lyrics")
    voice: str | None = Field(default=None, description='a named voice, or several with weights: "ava:0.6,tom:0.4"')
    language: str | None = Field(default=None, description="ISO 639-1 code of the lyrics' language")
    init_audio: str | None = Field(default=None, description="file the music starts from")
    strength: float | None = Field(default=None, description="0 keeps init_audio … 1 keeps nothing of it")
    repaint: tuple[tuple[float, float], ...] = Field(
        default=(), description="(start_s, end_s) of init_audio to make anew; the rest stays"
    )
    reference_audio: str | None = Field(default=None, description="file whose sound the music should have")
    morph_prompt: str | None = Field(default=None, description="words the music arrives at by its end")
    morph_audio: str | None = Field(default=None, description="file to go to from init_audio")
    morph: float | None = Field(default=None, description="where between the two, 0 … 1; None travels from 0 to 1")
    guide: bool = Field(default=False, description="the embedded model writes and plays the sketch a checkpoint paints")
