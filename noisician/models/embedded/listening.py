"""What recordings say of a piece before it is planned: where it starts from, and what it is to sound like.

Of a reference nothing is played. Its tempo, whether it is major or minor, how busy and how driving it is become
controls where the words leave them open; its balance of octaves, width, dynamics and loudness become the mix's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from noisician.analysis.key import has_major_third
from noisician.analysis.recording import Hearing
from noisician.mix.mastering import MATCH_LIMIT_DB
from noisician.mix.settings import SoundsLike
from noisician.models.embedded.heard import hearing_of_score, picture_strength, strength_of, with_heard
from noisician.models.embedded.painted import Painting, with_painting
from noisician.models.inputs import heard_input
from noisician.models.protocol import AudioInputs, PictureInput
from noisician.piece import score_of
from noisician.prompt import Controls
from noisician.prompt.controls import Reason
from noisician.recipe import Recipe
from noisician.request import TEMPO_RANGE_BPM, Request

#: Of the stage in which a piece is written, so much is listening.
_SHARE = 0.5
#: Notes a beat that are sparse and busy, and strokes a second that are calm and driving.
_SPARSE, _BUSY = 2.0, 10.0
_CALM, _DRIVING = 0.0, 8.0


@dataclass(frozen=True)
class Listened:
    """``heard`` is what the music starts from, None where nothing of it stays, ``painting`` a picture that paints it;
    ``sounds_like`` is for the mix."""

    controls: Controls
    heard: Hearing | None = None
    painting: Painting | None = None
    sounds_like: SoundsLike | None = None


def listened(
    request: Request, controls: Controls, inputs: AudioInputs, on_share: Callable[[float], None] = lambda share: None
) -> Listened:
    """The controls with what is heard in a request's recordings.

    Raises FileError where there is nothing to hear; ``on_share`` may raise to stop.
    """
    heard, painting, sounds_like = None, None, None
    if inputs.picture is not None:
        heard, painting = _seen(inputs.picture, lambda share: on_share(_SHARE * share))
        if heard is not None:
            strength = picture_strength(request)
            heard = heard if strength < 1 else None
            controls = controls if heard is None else with_heard(controls, heard, strength, "--picture")
        elif painting is not None:
            controls = with_painting(controls, painting)
    if inputs.init_audio is not None and strength_of(request) < 1:
        heard = heard_input(inputs.init_audio, lambda share: on_share(_SHARE * share))
        controls = with_heard(controls, heard, strength_of(request))
    if inputs.reference_audio is not None:
        reference = heard_input(inputs.reference_audio, lambda share: on_share(_SHARE * share))
        controls, sounds_like = with_reference(controls, reference)
    return Listened(controls, heard, painting, sounds_like)


def _seen(picture: PictureInput, on_share: Callable[[float], None]) -> tuple[Hearing | None, Painting | None]:
    """What a spectrogram plays, or what any other picture paints. Raises FileError."""
    if picture.recipe is not None:
        score = score_of(Recipe.from_json(picture.recipe, picture.origin))
        if score is not None:
            return hearing_of_score(score), None
    if picture.sound is not None:
        return heard_input(picture.sound, on_share), None
    return None, Painting.of(picture.pixels)


def with_reference(controls: Controls, reference: Hearing) -> tuple[Controls, SoundsLike]:
    """The controls guided by a reference as far as the words leave them open, each with its reason; and its sound."""
    score, sound = reference.score, reference.sound
    told: dict[str, str | float] = {}
    if reference.has_pulse:
        told["tempo_bpm"] = float(np.clip(round(score.tempo_bpm), *TEMPO_RANGE_BPM))
        told["time_signature"] = score.time_signature
    if score.tracks:
        told["mode"] = "major" if has_major_third(score.mode) else "minor"
    if score.tracks and not controls.moods:  # a mood says both
        strokes = sum(len(track.notes) for track in score.tracks if track.role == "drums") / reference.duration_s
        told["density"] = _share(reference.density, _SPARSE, _BUSY)
        told["energy"] = _share(strokes, _CALM, _DRIVING)
    if controls.key is not None or controls.chords:
        told.pop("mode", None)
    told = {name: value for name, value in told.items() if getattr(controls, name) is None}
    like = SoundsLike(sound.balance_db, sound.width, sound.range_lu, sound.loudness_lufs)
    shown = {
        **{name: f"{value:g}" if isinstance(value, float) else value for name, value in told.items()},
        "spectrum": f"centre {sound.brightness_hz:.0f} Hz, matched within {MATCH_LIMIT_DB:g} dB an octave",
        "width": f"{sound.width:.0%} at the sides",
        "dynamics": f"{sound.range_lu:.1f} LU",
        "loudness": f"{sound.loudness_lufs:.1f} LUFS",
    }
    reasons = tuple(
        Reason(field=name, value=value, words="--reference-audio", source="implied") for name, value in shown.items()
    )
    taken = ", ".join(name.removesuffix("_bpm").replace("_", " ") for name in shown)
    note = f"taken from the reference: {taken}; none of its notes"
    return (
        controls.model_copy(
            update={**told, "reasons": (*controls.reasons, *reasons), "notes": (*controls.notes, note)}
        ),
        like,
    )


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies between two, 0.1 … 0.9."""
    return round(float(np.clip((value - low) / (high - low), 0.1, 0.9)), 2)
