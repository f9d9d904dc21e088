"""What a request says, in the places where a checkpoint reads it: words, words against, and figures."""

from __future__ import annotations

from collections.abc import Iterable

from noisician.models.checkpoints.family import Song
from noisician.prompt import Controls
from noisician.request import Feature, Request


def words_of(request: Request, controls: Controls, features: Iterable[Feature]) -> str:
    """The prompt, untouched, and after it the options that the checkpoint has no field of its own for."""
    said = [name.replace("_", " ") for name in (*request.genres, *request.moods, *request.instruments)]
    features = frozenset(features)
    if "text" not in features:
        return request.prompt
    if "tempo" not in features and request.tempo_bpm is not None:
        said.append(f"{request.tempo_bpm:g} BPM")
    if "key" not in features and (request.key is not None or request.mode is not None):
        said.append(f"{controls.key or ''} {controls.mode or ''}".strip())
    if "time_signature" not in features and request.time_signature is not None:
        said.append(f"{request.time_signature} time")
    return ", ".join([request.prompt, *said] if request.prompt.strip() else said)


def negative_of(request: Request) -> str | None:
    """What the music should not be: the negative prompt and what is to be left out."""
    against = [request.negative_prompt] if request.negative_prompt else []
    against += [name.replace("_", " ") for name in request.without]
    return ", ".join(against) or None


def song_of(request: Request, controls: Controls, features: Iterable[Feature]) -> Song:
    """The figures that the checkpoint has fields for; tempo and key named in the words count too.

    The tempo and metre stay here whether it has a field for them or not: continuation counts bars by them.
    """
    keyed = "key" in frozenset(features)
    return Song(
        lyrics=request.lyrics,
        language=request.language,
        tempo_bpm=controls.tempo_bpm,
        key=controls.key if keyed else None,
        mode=controls.mode if keyed else None,
        time_signature=controls.time_signature,
    )
