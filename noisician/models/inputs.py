"""Reading the sound files a request names, once and checked, so that models see samples and never paths."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisician.errors import Cancelled, FileError, NoisicianError
from noisician.models.pictures import read_picture
from noisician.models.protocol import NO_INPUTS, AudioInput, AudioInputs, NotesInput
from noisician.recipe import Recipe
from noisician.request import AUDIO_FIELDS, FILE_FIELDS, Request
from noisician.score import Score

if TYPE_CHECKING:
    from noisician.analysis.recording import Hearing

FILE_LIMIT_BYTES = 200_000_000
DURATION_LIMIT_S = 15 * 60.0
_HEAD_BYTES = 4096


def read_inputs(request: Request, beside: Path | None = None) -> AudioInputs:
    """The sound files behind ``request``'s file names, which may also lie in the folder ``beside``.

    Raises FileError, one line each, for what cannot be used.
    """
    names = {field: str(_found(name, beside) or name) for field, name in _names(request).items()}
    sounds = {field: read_audio_input(name) for field, name in names.items() if field in AUDIO_FIELDS}
    notes = read_notes_input(names["notes"]) if "notes" in names else None
    return AudioInputs(**sounds, notes=notes, picture=read_picture(names["picture"]) if "picture" in names else None)


def inputs_of(recipe: Recipe, beside: Path | None = None) -> AudioInputs:
    """The sound files a recipe was made from, from the current folder or the folder ``beside``; none for one that holds
    its piece, notes and all.

    Raises FileError naming the file that is needed and the checksum of its samples where one is missing.
    """
    if recipe.piece is not None:
        return NO_INPUTS
    digests = recipe.settings.get("clips") or {}
    request = recipe.request
    for field, name in _names(request).items():
        if _found(name, beside) is None:
            digest = f" (samples {digests[field]})" if field in digests else ""
            here = beside is None or beside.resolve() == Path.cwd()
            places = "this folder" if here else f"this folder or {beside}"
            raise FileError(f"{name}{digest}: the {field} this was made from is not here; put it into {places}")
    return read_inputs(request, beside)


def _names(request: Request) -> dict[str, str]:
    names = {field: getattr(request, field) for field in FILE_FIELDS}
    return {field: name for field, name in names.items() if name is not None}


def _found(name: str, beside: Path | None) -> Path | None:
    places = [Path(name)] if beside is None else [Path(name), beside / name]
    try:
        return next((place for place in places if place.exists()), None)
    except (OSError, ValueError):  # no name a file can have
        return None


def read_audio_input(path: str) -> AudioInput:
    """One sound file of any format libsndfile knows, at most 200 MB and 15 minutes. Raises FileError."""
    from noisician.audio import read_audio

    try:
        size = Path(path).stat().st_size
    except (OSError, ValueError):
        size = 0  # read_audio says what is wrong with it
    if size > FILE_LIMIT_BYTES:
        raise FileError(f"{path}: {size / 1e6:.0f} MB, the limit is {FILE_LIMIT_BYTES / 1e6:.0f} MB; cut it first")
    audio, rate_hz = read_audio(path, max_duration_s=DURATION_LIMIT_S)
    return AudioInput(audio, rate_hz, path)


def heard_input(given: AudioInput, on_share: Callable[[float], None] = lambda share: None) -> Hearing:
    """What is heard in a sound file. Raises FileError where there is nothing to hear."""
    from noisician.analysis.recording import listen
    from noisician.audio import resample
    from noisician.mel import SAMPLE_RATE_HZ

    try:
        return listen(resample(given.audio, given.sample_rate_hz, SAMPLE_RATE_HZ), on_share)
    except Cancelled:
        raise
    except NoisicianError as error:
        raise FileError(f"{given.origin}: {error}") from None


def read_notes_input(path: str) -> NotesInput:
    """One MIDI, MusicXML or ABC file, told apart by its first bytes. Raises FileError."""
    score = read_notes(path)
    return NotesInput(score, hashlib.sha256(Path(path).read_bytes()).hexdigest(), path)


def read_notes(path: str) -> Score:
    """The score in a MIDI, MusicXML or ABC file. Raises FileError."""
    from noisician.score.abc import is_abc, read_abc
    from noisician.score.midi import read_midi
    from noisician.score.notation import read_musicxml

    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n\xff\xfe")
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if head.startswith((b"PK", b"<")):
        return read_musicxml(Path(path))
    return read_abc(Path(path)) if is_abc(head) or path.lower().endswith(".abc") else read_midi(path)


def notes_told(path: str) -> dict[str, Any]:
    """How a file of notes is understood, as JSON values. Raises FileError."""
    from noisician.score.karaoke import midi_words
    from noisician.score.understood import understood

    score = read_notes(path)
    with Path(path).open("rb") as file:
        is_midi = file.read(4) in (b"MThd", b"RIFF")
    return understood(score, midi_words(path) if is_midi else "")


def check_same(inputs: AudioInputs, digests: dict[str, str]) -> None:
    """Raises FileError where an input is not the one a recipe (``digests``, see AudioInputs.digests) was made from."""
    found = inputs.digests()
    for name, digest in digests.items():
        given = getattr(inputs, name, None)
        if given is None:
            raise FileError(f"the recipe was made from {name} that is not here; the recipe was cut or edited")
        if found[name] != digest:
            raise FileError(
                f"{given.origin}: is not the {name} this was made from"
                f" (samples {found[name][:8]}…, the recipe has {digest[:8]}…); it was changed or replaced"
            )
