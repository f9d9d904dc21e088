"""Pictures that paint music: brightness over time is energy and density, hue is mode and mood, structure is sections.

Time runs from left to right. A picture's columns become bars; where they change together a section begins, and columns
that look alike are repeats. The rest of the words' wishes stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from noisician.analysis.sections import sections_of
from noisician.composer import make_plan
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.plan import with_sections
from noisician.models.embedded.given import Making
from noisician.piece import Piece
from noisician.prompt import Controls
from noisician.prompt.controls import Reason
from noisician.score.grid import Grid
from noisician.score.model import METERS

#: Hues between these degrees are warm: violet-red over red and yellow to green-yellow.
_WARM_DEG = (320.0, 90.0)
#: Less saturated pictures than this have no hue to speak of.
_GREY = 0.12
#: What a hue and a brightness feel like: (warm, bright) → mood; grey pictures have their own.
_MOODS = {(True, True): "happy", (True, False): "romantic", (False, True): "dreamy", (False, False): "melancholic"}
_GREY_MOODS = {True: "calm", False: "dark"}
_COLUMNS = 512


@dataclass(frozen=True)
class Painting:
    """Of each column from left to right ``brightness`` and ``detail``, 0 … 1, and colours ``[columns, 9]``: the means
    of red, green and blue at three heights. ``hue_deg`` and ``saturation`` are the whole picture's."""

    brightness: np.ndarray
    detail: np.ndarray
    colours: np.ndarray
    hue_deg: float
    saturation: float

    @classmethod
    def of(cls, picture: np.ndarray) -> Painting:
        """RGB uint8 ``[height, width, 3]``."""
        light = picture.astype(np.float32) / 255
        columns = min(light.shape[1], _COLUMNS)
        edges = np.linspace(0, light.shape[1], columns + 1).astype(int)[:-1]
        thirds = np.array_split(light, 3, axis=0) if light.shape[0] >= 3 else [light] * 3
        counts = np.diff(np.append(edges, light.shape[1]))[:, None]
        colours = np.concatenate(
            [np.add.reduceat(part.mean(axis=0), edges, axis=0) / counts for part in thirds], axis=1
        )
        luma = light @ np.array([0.2126, 0.7152, 0.0722], np.float32)
        brightness = np.add.reduceat(luma.mean(axis=0), edges) / counts[:, 0]
        rough = np.abs(np.diff(luma, axis=0)).mean(axis=0) if len(luma) > 1 else np.zeros(luma.shape[1])
        detail = np.clip(8 * np.add.reduceat(rough, edges) / counts[:, 0], 0, 1)
        highest, lowest = light.max(axis=2), light.min(axis=2)
        saturation = float(((highest - lowest) / np.maximum(highest, 1e-3)).mean())
        return cls(brightness, detail, colours, _hue_deg(light), saturation)

    @property
    def is_warm(self) -> bool:
        first, last = _WARM_DEG
        return self.hue_deg >= first or self.hue_deg < last

    @property
    def is_bright(self) -> bool:
        return float(self.brightness.mean()) >= 0.45


def _hue_deg(light: np.ndarray) -> float:
    """The mean hue, by the colour circle of opponents."""
    red, green, blue = (float(light[..., channel].mean()) for channel in range(3))
    return float(np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360)


def with_painting(controls: Controls, painting: Painting) -> Controls:
    """The controls a picture gives as far as the words leave them open, each with its reason."""
    grey = painting.saturation < _GREY
    mood = _GREY_MOODS[painting.is_bright] if grey else _MOODS[painting.is_warm, painting.is_bright]
    major = painting.is_bright if grey else painting.is_warm
    told: dict[str, tuple[object, str]] = {}
    if controls.mode is None and controls.key is None and not controls.chords:
        hue = "grey" if grey else f"hue {painting.hue_deg:.0f}°"
        told["mode"] = ("major" if major else "minor", hue)
    if not controls.moods:
        told["moods"] = (
            ((mood, 1.0),),
            f"{'grey' if grey else 'warm' if painting.is_warm else 'cold'}, "
            f"{'bright' if painting.is_bright else 'dark'}",
        )
    if controls.energy is None:
        told["energy"] = (round(0.15 + 0.8 * float(painting.brightness.mean()), 2), "mean brightness")
    if controls.density is None:
        told["density"] = (round(0.15 + 0.7 * float(painting.detail.mean()), 2), "detail")
    reasons = tuple(
        Reason(field=name, value=f"{mood if name == 'moods' else value} ({why})", words="--picture", source="implied")
        for name, (value, why) in told.items()
    )
    shape = Reason(field="sections", value="from left to right", words="--picture", source="implied")
    update = {name: value for name, (value, _) in told.items()}
    return controls.model_copy(update={**update, "reasons": (*controls.reasons, *reasons, shape)})


def piece_of_painting(painting: Painting, controls: Controls, making: Making) -> Piece:
    """The piece a picture paints in the prompt's style. Raises RequestError."""
    plan = make_plan(controls, making.seed)
    rows = np.stack(
        [part.mean(axis=0) for part in np.array_split(_features(painting), min(plan.bars, len(painting.brightness)))]
    )
    rows = np.repeat(rows, -(-plan.bars // len(rows)), axis=0)[: plan.bars]
    energies = np.clip(0.15 + 0.8 * rows[:, 0], 0.05, 1.0)
    sections = sections_of(rows - rows.mean(axis=0), energies)
    plan = replace(with_sections(plan, sections, plan.duration_s), loop=plan.loop)
    steps = plan.bars * METERS[plan.time_signature].steps_per_bar
    return making.composed(plan, Grid(np.tile(MASK_TOKENS, (steps, 1)), plan.time_signature))


def _features(painting: Painting) -> np.ndarray:
    """``[columns, 11]``, brightness first."""
    return np.concatenate([painting.brightness[:, None], painting.detail[:, None], painting.colours], axis=1)
