"""The fields of a request, each with all there is to know of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_type_hints

from noisician.request.option import Option

TEMPO_RANGE_BPM = (40.0, 240.0)
DURATION_RANGE_S = (1.0, 600.0)
BARS_RANGE = (1, 400)
#: The name of the model that ships with noisician.
EMBEDDED = "embedded"
#: How many seeds there are: 0 … SEEDS − 1.
SEEDS = 2**32
PROMPT_LIMIT_CHARS = 2000
LYRICS_LIMIT_CHARS = 5000
CHORDS_LIMIT_CHARS = 4000
TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

TimeSignature = Literal["4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "9/8", "12/8"]
Mode = Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian"]
Preset = Literal["reference", "balanced", "fast"]
NotesAs = Literal["exact", "arrange", "develop"]
Dtype = Literal["float32", "bfloat16", "float16"]

TIME_SIGNATURES: tuple[TimeSignature, ...] = get_args(TimeSignature)
#: Felt beats: a dotted quarter is the beat of 6/8, 9/8 and 12/8, a quarter that of the others, 7/8 too.
BEATS_PER_BAR: dict[str, float] = {
    "4/4": 4, "3/4": 3, "6/8": 2, "2/4": 2, "5/4": 5, "7/8": 3.5, "9/8": 3, "12/8": 4,
}  # fmt: skip
MODES: tuple[Mode, ...] = get_args(Mode)
PRESETS: tuple[Preset, ...] = get_args(Preset)
DTYPES: tuple[Dtype, ...] = get_args(Dtype)


@dataclass
class Fields:
    """The fields of :class:`~noisician.request.Request` without what validates them, so that the command line can show
    its options before that is loaded. ``None`` means "choose for me"."""

    prompt: Annotated[
        str,
        Option(
            about="the music in words; without them and without options, a surprise",
            flag="PROMPT",
            panel="Music",
            noun="prompt",
            limit_chars=PROMPT_LIMIT_CHARS,
            remedy="describe the music in a few sentences",
        ),
    ] = ""
    duration_s: Annotated[
        float | None,
        Option(
            about="length of the track in seconds",
            flag="--length",
            panel="Music",
            writing="seconds",
            noun="length",
            also=("length", "duration", "seconds"),
            limits=DURATION_RANGE_S,
            unit="s",
            remedy="a track lasts 1 second to 10 minutes",
        ),
    ] = None
    bars: Annotated[
        int | None,
        Option(
            about="length in bars instead",
            flag="--bars",
            panel="Music",
            noun="length",
            limits=BARS_RANGE,
            unit="bars",
            remedy="a track has 1 to 400 bars",
            needs=("score", "tempo", "text"),
        ),
    ] = None
    tempo_bpm: Annotated[
        float | None,
        Option(
            about="tempo in beats a minute; a dotted quarter is the beat of 6/8, 9/8 and 12/8, a quarter that of 7/8",
            flag="--bpm",
            panel="Music",
            noun="tempo",
            also=("bpm", "tempo"),
            limits=TEMPO_RANGE_BPM,
            unit="BPM",
            remedy="halve or double it, the felt beat stays the same",
            needs=("tempo", "text"),
        ),
    ] = None
    key: Annotated[
        str | None,
        Option(
            about='tonic, with its mode or without: "F# minor", Eb, "A dorian", Am',
            flag="--key",
            panel="Music",
            needs=("key", "text"),
        ),
    ] = None
    mode: Annotated[
        Mode | None,
        Option(about="mode of the key", flag="--mode", panel="Music", writing="word", needs=("key", "text")),
    ] = None
    time_signature: Annotated[
        TimeSignature | None,
        Option(
            about="metre",
            flag="--meter",
            panel="Music",
            also=("meter", "metre"),
            needs=("time_signature", "text"),
        ),
    ] = None
    chords: Annotated[
        str | None,
        Option(
            about='the harmony: "Am F C G", "| Dm7 G7 | C |", "ii V I"; by section with [verse] in front; or ChordPro',
            flag="--chords",
            panel="Music",
            writing="text",
            noun="chords",
            limit_chars=CHORDS_LIMIT_CHARS,
            needs=("score",),
        ),
    ] = None
    melody: Annotated[
        str | None,
        Option(
            about="sound file of a tune that somebody hums, sings, whistles or plays alone; the music is written "
            "around it",
            flag="--melody",
            panel="Music",
            writing="sound",
            needs=("score",),
        ),
    ] = None
    notes: Annotated[
        str | None,
        Option(
            about="MIDI, MusicXML or ABC file whose notes the music has; tempo, metre and key are the file's",
            flag="--notes",
            panel="Music",
            writing="notes",
            needs=("score",),
        ),
    ] = None
    picture: Annotated[
        str | None,
        Option(
            about="a spectrogram of noisician's or Riffusion's is played as it is or, with a strength, anew; any other "
            "picture paints the music: brightness is energy, hue is mood, its structure the form",
            flag="--picture",
            panel="Music",
            writing="picture",
            needs=("score",),
        ),
    ] = None
    notes_as: Annotated[
        NotesAs | None,
        Option(
            about="exact: its notes and players as they are; arrange: others of the style join them; develop: its tune "
            "and chords in a new piece; left out, exact",
            flag="--notes-as",
            panel="Music",
            writing="word",
            needs=("score",),
        ),
    ] = None
    genres: Annotated[
        tuple[str, ...],
        Option(about="genres to mix", flag="--genre", panel="Music", writing="names", also=("genre",), needs=("text",)),
    ] = ()
    moods: Annotated[
        tuple[str, ...],
        Option(about="moods to mix", flag="--mood", panel="Music", writing="names", also=("mood",), needs=("text",)),
    ] = ()
    instruments: Annotated[
        tuple[str, ...],
        Option(
            about="instruments and textures that must play",
            flag="--instruments",
            panel="Music",
            writing="names",
            also=("instrument",),
            needs=("text",),
        ),
    ] = ()
    without: Annotated[
        tuple[str, ...],
        Option(
            about="roles, instruments, families or textures to leave out",
            flag="--without",
            panel="Music",
            writing="names",
            also=("exclude",),
            needs=("score", "negative_prompt"),
        ),
    ] = ()
    seed: Annotated[
        int | None,
        Option(
            about="the same seed and request make the same music; left out, one is drawn and reported",
            flag="--seed",
            panel="Model",
            noun="seed",
            limits=(0, SEEDS - 1),
            remedy="a seed is an unsigned 32-bit number",
        ),
    ] = None
    takes: Annotated[
        int,
        Option(
            about="several versions, with seeds that follow each other",
            flag="--takes",
            panel="Model",
            noun="takes",
            limits=(1, 16),
            remedy="ask for fewer variations at a time",
        ),
    ] = 1
    steps: Annotated[
        int | None,
        Option(
            about="sampling steps",
            flag="--steps",
            panel="Model",
            noun="steps",
            limits=(1, 100),
            remedy="more sampling steps change nothing audible",
        ),
    ] = None
    guidance_scale: Annotated[
        float | None,
        Option(
            about="classifier-free guidance; 1 is off",
            flag="--guidance",
            panel="Model",
            noun="guidance",
            also=("guidance", "cfg"),
            limits=(0.0, 20.0),
            remedy="1 is off, 2 to 4 is usual",
        ),
    ] = None
    carry_instruments: Annotated[
        bool,
        Option(
            about="the recipe carries the recordings of your own instruments, so that others can open it",
            flag="--carry-instruments",
            panel="Model",
            writing="switch",
            needs=("score",),
        ),
    ] = False
    loop: Annotated[
        bool,
        Option(about="bar-exact and seamless", flag="--loop", panel="Music", writing="either", needs=("loop",)),
    ] = False
    model: Annotated[
        str,
        Option(
            about=f"{EMBEDDED}, or a checkpoint by its name, hub id or folder",
            flag="--model",
            panel="Model",
            writing="place",
        ),
    ] = EMBEDDED
    lyrics: Annotated[
        str | None,
        Option(
            about="words to sing, with section tags such as [verse] and [chorus]",
            flag="--lyrics",
            panel="Songs",
            writing="text",
            noun="lyrics",
            limit_chars=LYRICS_LIMIT_CHARS,
            needs=("lyrics",),
        ),
    ] = None
    vocals: Annotated[
        bool,
        Option(
            about="somebody sings, without words (ooh, ah, la) where there are no lyrics",
            flag="--vocals",
            panel="Songs",
            writing="switch",
            needs=("voice",),
        ),
    ] = False
    voice: Annotated[
        str | None,
        Option(
            about='who sings; a blend with weights: "ava:0.6,tom:0.4"', flag="--voice", panel="Songs", needs=("voice",)
        ),
    ] = None
    language: Annotated[
        str | None,
        Option(
            about="language of the lyrics, as ISO 639-1 code: en; checkpoints may know more",
            flag="--language",
            panel="Songs",
            needs=("lyrics",),
        ),
    ] = None
    preset: Annotated[
        Preset | None,
        Option(
            about="how a checkpoint samples; left out, as its authors do",
            flag="--preset",
            panel="Checkpoints",
            needs=("preset",),
        ),
    ] = None
    device: Annotated[
        str | None,
        Option(
            about="where a checkpoint runs: cuda, cuda:N, mps or cpu",
            flag="--device",
            panel="Checkpoints",
            needs=("device",),
        ),
    ] = None
    dtype: Annotated[
        Dtype | None,
        Option(
            about="precision of a checkpoint; left out, what suits the device",
            flag="--dtype",
            panel="Checkpoints",
            needs=("device",),
        ),
    ] = None
    negative_prompt: Annotated[
        str | None,
        Option(
            about="what the music should not sound like",
            flag="--negative",
            panel="Checkpoints",
            noun="negative prompt",
            also=("negative",),
            limit_chars=PROMPT_LIMIT_CHARS,
            needs=("negative_prompt",),
        ),
    ] = None
    init_audio: Annotated[
        str | None,
        Option(
            about="sound file the music starts from",
            flag="--init-audio",
            panel="Music",
            writing="sound",
            also=("init",),
            needs=("init_audio",),
        ),
    ] = None
    strength: Annotated[
        float | None,
        Option(
            about="how much of that audio goes: nothing at 0, all of it at 1",
            flag="--strength",
            panel="Music",
            noun="strength",
            limits=(0, 1),
            remedy="0 keeps all of the audio, 1 nothing",
            needs=("init_audio",),
        ),
    ] = None
    repaint: Annotated[
        tuple[tuple[float, float], ...],
        Option(
            about="stretches in seconds of that audio to make anew; the rest stays",
            flag="--repaint",
            panel="Checkpoints",
            writing="spans",
            needs=("repaint",),
        ),
    ] = ()
    reference_audio: Annotated[
        str | None,
        Option(
            about="sound file whose sound the music should have",
            flag="--reference-audio",
            panel="Music",
            writing="sound",
            also=("reference",),
            needs=("reference_audio",),
        ),
    ] = None
    morph_prompt: Annotated[
        str | None,
        Option(
            about="words the music arrives at by its end",
            flag="--morph-prompt",
            panel="Checkpoints",
            noun="morph prompt",
            limit_chars=PROMPT_LIMIT_CHARS,
            needs=("morph_prompt",),
        ),
    ] = None
    morph_audio: Annotated[
        str | None,
        Option(
            about="sound file to arrive at from the one it starts from",
            flag="--morph-audio",
            panel="Checkpoints",
            writing="sound",
            needs=("morph_audio",),
        ),
    ] = None
    morph: Annotated[
        float | None,
        Option(
            about="one place between the two; left out, the way from the start to the end",
            flag="--morph",
            panel="Checkpoints",
            noun="morph",
            limits=(0, 1),
            remedy="0 is the start, 1 the end",
            needs=("morph_prompt", "morph_audio"),
        ),
    ] = None
    guide: Annotated[
        bool,
        Option(
            about="the embedded model writes and plays the sketch that a checkpoint starts from",
            flag="--guide",
            panel="Checkpoints",
            writing="switch",
            needs=("init_audio",),
        ),
    ] = False


_HINTS = get_type_hints(Fields, include_extras=True)
#: Every option of a request by the name of its field; and its type, and its default.
OPTIONS: Mapping[str, Option] = MappingProxyType({name: get_args(hint)[1] for name, hint in _HINTS.items()})
TYPES: Mapping[str, Any] = MappingProxyType({name: get_args(hint)[0] for name, hint in _HINTS.items()})
DEFAULTS: Mapping[str, Any] = MappingProxyType({field.name: field.default for field in fields(Fields)})
#: An option of the command line within a message.
FLAG = re.compile(r"--[a-z][a-z-]*[a-z]")
_FIELDS_OF: Mapping[str, str] = {option.flag: name for name, option in OPTIONS.items() if option.flag.startswith("--")}
#: The fields that name sound files.
AUDIO_FIELDS = tuple(name for name, option in OPTIONS.items() if option.writing == "sound")
#: Those and the ones that name MIDI files and pictures.
FILE_FIELDS = tuple(name for name, option in OPTIONS.items() if option.writing in ("sound", "notes", "picture"))
#: The fields with several names each.
LISTS = tuple(name for name, option in OPTIONS.items() if option.writing == "names")


def choices_of(name: str) -> tuple[str, ...]:
    """The values a field is limited to, () where its type leaves them open."""
    return tuple(choice for part in get_args(TYPES[name]) for choice in get_args(part) if isinstance(choice, str))


def field_of(flag: str) -> str:
    """The name that programs have for what is ``flag`` on the command line."""
    return _FIELDS_OF.get(flag) or flag.removeprefix("--").replace("-", "_")


def in_fields(message: str) -> str:
    """A message with the names of fields in place of the command line's, for whoever asks from a program."""
    return FLAG.sub(lambda found: field_of(found[0]), message)


def is_given(request: Fields, name: str) -> bool:
    """Whether a field says anything: neither "choose for me", nor off, nor an empty list."""
    value = getattr(request, name)
    return value is not None and value is not False and value != ()


def did_you_mean(name: str, beside: Iterable[str] = (), foreign: Mapping[str, str] = MappingProxyType({})) -> str:
    """What is added to the error about an option that is none: the one that was probably meant, else all there are.

    ``beside`` are names known in this place besides the fields of a request; ``foreign`` are other programs' names of
    fields.
    """
    known = (*OPTIONS, *beside)
    called = {also: field for field, option in OPTIONS.items() for also in option.also} | dict(foreign)
    close = difflib.get_close_matches(name, [*known, *called], n=1)
    meant = called.get(name) or (called.get(close[0], close[0]) if close else None)
    return f"; did you mean {meant}?" if meant else f"; there are {', '.join(known)}"
