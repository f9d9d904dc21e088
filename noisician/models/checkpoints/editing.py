"""Edits as checkpoints can do them: stretches of the finished sound made anew, varied, or added.

A checkpoint knows neither bars nor players. What an edit names in bars becomes seconds by the tempo that was asked for,
and an edit of somebody's part is refused in a line that says what can be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from noisician.edits import Bars, Edit, Extend, Loop, Regenerate, Region, Vary, edits_from, in_words
from noisician.errors import FileError, RequestError
from noisician.models.checkpoints.catalogue import with_feature
from noisician.models.protocol import Capabilities
from noisician.prompt import Controls
from noisician.prompt.understanding import BEATS_PER_BAR
from noisician.recipe import Recipe
from noisician.request import SEEDS, Request

#: What is added begins this long before the end, over which the end has been faded.
JOIN_S = 0.1
#: A loop's end and its beginning are made anew together, this long on either side.
SEAM_S = 1.0
#: What the audio that an edit starts from is called.
ORIGIN = "the music"

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class AudioStep:
    """One edit, in seconds of the music that it makes.

    The music before, from ``cut_s`` on, lies at ``offset_s`` in the ``duration_s`` of the new; only ``spans`` differ.
    ``strength`` None makes them anew, else they are varied by it. A ``loop`` has no ends: its span lies around them.
    """

    spans: Spans
    duration_s: float
    seed: int
    strength: float | None = None
    text: str = ""
    offset_s: float = 0.0
    cut_s: float = 0.0
    loop: bool = False

    def request(self, base: Request) -> Request:
        """What is asked of the checkpoint, from audio; everything that the music began with is in that audio."""
        return base.model_copy(
            update={
                "prompt": self.text or base.prompt,
                "init_audio": ORIGIN,
                "repaint": () if self.strength is not None else self.spans,
                "strength": self.strength,
                "duration_s": self.duration_s,
                "bars": None,
                "seed": self.seed,
                "morph_audio": None,
                "guide": False,
                "loop": False,
            }
        )

    def controls(self, base: Controls) -> Controls:
        """What that means: as before, but for the length."""
        return base.model_copy(update={"duration_s": self.duration_s, "bars": None})

    def placed(self, audio: np.ndarray, rate_hz: int) -> np.ndarray:
        """The music before where it lies in the new, silence elsewhere: ``[frames, channels]``."""
        frames, offset = round(self.duration_s * rate_hz), round(self.offset_s * rate_hz)
        kept = audio[round(self.cut_s * rate_hz) :][: frames - offset]
        start = np.zeros((frames, audio.shape[1]), np.float32)
        start[offset : offset + len(kept)] = kept
        return np.roll(start, frames // 2, axis=0) if self.loop else start

    def unplaced(self, audio: np.ndarray) -> np.ndarray:
        """The new music from its own beginning."""
        return np.roll(audio, -(len(audio) // 2), axis=0) if self.loop else audio


@dataclass(frozen=True)
class Ground:
    """What is known of the music that is edited: its length, and its bars where a tempo was asked for."""

    model: str
    features: frozenset[str]
    duration_s: float
    bar_s: float | None

    @classmethod
    def of(cls, recipe: Recipe, capabilities: Capabilities) -> Ground:
        """Raises FileError for a recipe that does not say how long its music is."""
        duration_s, controls = recipe.settings.get("duration_s"), recipe.controls
        if not isinstance(duration_s, int | float) or duration_s <= 0:
            raise FileError("the recipe does not say how long its music is; it was cut or edited")
        tempo_bpm = controls.get("tempo_bpm")
        beats = BEATS_PER_BAR[controls.get("time_signature") or "4/4"]
        bar_s = beats * 60 / tempo_bpm if tempo_bpm else None
        return cls(capabilities.name, capabilities.features, float(duration_s), bar_s)


def with_seeds(edits: Iterable[Edit], recipe: Recipe) -> tuple[Edit, ...]:
    """The edits with a seed each, named after the music's where nobody chose one, so that a recipe repeats them."""
    before = len(recipe.settings.get("edits") or ())

    def own(place: int) -> int:
        return int(np.random.SeedSequence([recipe.seed, before + place + 1]).generate_state(1)[0]) % SEEDS

    return tuple(
        edit.model_copy(update={"seed": own(place)}) if getattr(edit, "seed", 0) is None else edit
        for place, edit in enumerate(edits)
    )


def steps_of(edits: Sequence[Edit], ground: Ground) -> tuple[AudioStep, ...]:
    """What is done, one step an edit. Raises RequestError for what no checkpoint, or this one, can do."""
    steps = []
    for place, edit in enumerate(edits):
        step = _step_of(edit, ground, place)
        ground = replace(ground, duration_s=step.duration_s)
        steps.append(step)
    return tuple(steps)


def _step_of(edit: Edit, ground: Ground, place: int) -> AudioStep:
    needed = "init_audio" if isinstance(edit, Vary) else "repaint"
    if needed not in ground.features:
        others = ", ".join(with_feature(needed))
        raise RequestError(f"{ground.model} cannot {edit.op}: that takes {needed}, which {others} have")
    if isinstance(edit, Regenerate):
        if edit.keep != "nothing":
            raise RequestError(f"{ground.model} knows no notes whose {edit.keep} it could keep; leave that out")
        spans = _checked([span for region in edit.regions for span in _spans(region, ground)])
        return AudioStep(spans, ground.duration_s, edit.seed or 0, text=edit.text)
    if isinstance(edit, Vary):
        return AudioStep(_checked(_spans(edit, ground)), ground.duration_s, edit.seed or 0, edit.strength)
    if isinstance(edit, Extend):
        return _extension(edit, ground)
    if isinstance(edit, Loop):
        start_s, end_s = (0.0, ground.duration_s) if edit.bars is None else _bars_s(edit.bars, ground)
        length_s = end_s - start_s
        seam_s = min(SEAM_S, length_s / 4)
        span = (length_s / 2 - seam_s, length_s / 2 + seam_s)
        return AudioStep((span,), length_s, place + 1, cut_s=start_s, loop=True)
    raise RequestError(
        f"{ground.model} cannot {edit.words()}: it makes one sound without notes or players, and can regenerate or "
        "vary stretches of it, extend it and loop it"
    )


def _extension(edit: Extend, ground: Ground) -> AudioStep:
    if (edit.by_bars is None) == (edit.by_seconds is None):
        raise RequestError("extend by bars or by seconds, one of them")
    added_s = edit.by_seconds or 0.0
    if edit.by_bars is not None:
        added_s = edit.by_bars * _bar_s(ground)
    duration_s = ground.duration_s + added_s
    if edit.where == "before":
        return AudioStep(((0.0, added_s + JOIN_S),), duration_s, edit.seed or 0, offset_s=added_s)
    return AudioStep(((ground.duration_s - JOIN_S, duration_s),), duration_s, edit.seed or 0)


def _spans(region: Region, ground: Ground) -> Spans:
    """Where a region lies in seconds. Raises RequestError for players, and for what lies beyond the end."""
    if region.players:
        raise RequestError(f"{ground.model} makes one sound without players; name bars or seconds alone")
    spans = [*(_bars_s(bars, ground) for bars in region.bars), *region.seconds]
    for start_s, end_s in spans:
        if not start_s < end_s:
            raise RequestError(f"{start_s:g}-{end_s:g} s ends before it begins")
        if start_s >= ground.duration_s - 1e-6:
            raise RequestError(f"{start_s:g}-{end_s:g} s: the music ends at {ground.duration_s:g} s")
    return tuple((start_s, min(end_s, ground.duration_s)) for start_s, end_s in spans) or ((0.0, ground.duration_s),)


def _bars_s(bars: Bars, ground: Ground) -> tuple[float, float]:
    first, last = bars
    if last < first:
        raise RequestError(f"bars {first}-{last} end before they begin")
    start_s, end_s = (first - 1) * _bar_s(ground), last * _bar_s(ground)
    if start_s >= ground.duration_s - 1e-6:
        count = ground.duration_s / _bar_s(ground)
        raise RequestError(f"bars {first}-{last}: the music has {count:.1f} bars")
    return start_s, min(end_s, ground.duration_s)


def _bar_s(ground: Ground) -> float:
    if ground.bar_s is None:
        raise RequestError(f"{ground.model} was asked for no tempo, so it has no bars; name seconds")
    return ground.bar_s


def _checked(spans: Iterable[tuple[float, float]]) -> Spans:
    ordered = tuple(sorted(spans))
    for (start_s, end_s), (next_s, last_s) in pairwise(ordered):
        if next_s < end_s - 1e-6:
            raise RequestError(f"{start_s:g}-{end_s:g} s and {next_s:g}-{last_s:g} s overlap; regions may not overlap")
    return ordered


def edited_recipe(recipe: Recipe, edits: Sequence[Edit], duration_s: float) -> Recipe:
    """The recipe of edited music: how it was before any edit, and all edits since."""
    edited = recipe.settings.get("edits")
    base = recipe.settings["base"] if edited else recipe.model_dump(mode="json", exclude={"lineage", "piece", "score"})
    new = [edit.model_dump(mode="json", exclude_defaults=True) | {"op": edit.op} for edit in edits]
    settings: dict[str, Any] = {
        **recipe.settings,
        "duration_s": duration_s,
        "base": base,
        "edits": [*(edited or ()), *new],
    }
    looped = recipe.controls.get("loop") or any(isinstance(edit, Loop) for edit in edits)
    step = {"id": recipe.id6, "operation": "edit", "words": in_words(edits)}
    changes = {
        "settings": settings,
        "controls": {**recipe.controls, "loop": bool(looped)},
        "lineage": (*recipe.lineage, step),
    }
    return recipe.model_copy(update=changes)


def edits_in(recipe: Recipe) -> tuple[Recipe, tuple[Edit, ...]] | None:
    """The recipe before its edits and the edits, None where there are none. Raises FileError for damaged ones."""
    if not recipe.settings.get("edits"):
        return None
    try:
        base = Recipe.model_validate(recipe.settings["base"])
        return base, edits_from(recipe.settings["edits"])
    except (KeyError, ValueError, RequestError) as broken:
        reason = " ".join(str(broken).split())[:120]
        raise FileError(f"the recipe's edits are damaged ({reason}); it was cut or edited") from None
