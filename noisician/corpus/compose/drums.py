"""Drums: the genre's groove, thinner or fuller with energy, with ghost notes, fills, builds and crashes."""

from __future__ import annotations

import numpy as np

from noisician.corpus.compose.library import pick
from noisician.corpus.compose.spec import Stage
from noisician.score.grid import DRUMS
from noisician.score.patterns import groove_rows, usable
from noisician.styles import table

_KICK, _SNARE, _HAT, _CYMBAL, _TOM, _PERC = range(len(DRUMS))
_GHOST, _NORMAL, _ACCENT = 1, 2, 3
_CRASH = 4
_CRASHLESS_FILLS = ("jazz", "drop", "perc", "reggae")
#: Drums that go on playing in a break; and in an intro or outro.
_BREAK_LAYERS = (["hat", "perc", "cymbal"], ["kick", "hat", "perc"], ["hat", "snare", "perc", "tom"])
_EDGE_LAYERS = (
    ["kick", "hat", "cymbal", "tom", "perc"],
    ["kick", "hat", "perc", "tom"],
    ["hat", "perc", "cymbal", "snare"],
)
_CRASH_CHANCES = {"chorus": 0.95, "drop": 0.97, "solo": 0.8, "bridge": 0.5, "verse": 0.45, "intro": 0.25}
#: One step softer, by stream: what a groove's hits become when the section is quiet.
_SOFTER = {
    "kick": np.array([0, 1, 1, 2], np.int16),
    "snare": np.array([0, 1, 4, 2, 4, 5, 5, 2], np.int16),
    "hat": np.array([0, 1, 1, 2, 4, 4], np.int16),
    "cymbal": np.array([0, 1, 1, 2, 4, 5], np.int16),
}


def choose_groove(stage: Stage) -> str:
    """The song's groove; choruses sometimes have their own."""
    weights = usable("grooves", stage.spec.music["grooves"], stage.meter)
    main = pick(weights, stage.song("groove"))
    if stage.spec.label in ("B", "S") and stage.song("groove", "contrast").random() < 0.35:
        return pick(weights, stage.song("groove", "B"))
    return main


def write_drums(stage: Stage) -> np.ndarray:
    """Tokens ``[steps, len(DRUMS)]``."""
    name = choose_groove(stage)
    fill = table("grooves")[name]["fill"]
    tokens = np.concatenate([_groove_bar(stage, name, bar) for bar in range(stage.spec.bars)])
    _thin(tokens, stage, fill)
    if stage.spec.kind == "build":
        _build(tokens, stage, fill)
    elif stage.spec.last:
        _ending(tokens, stage, fill)
    else:
        _fills(tokens, stage, fill)
        _crashes(tokens, stage, fill)
    return tokens


def _groove_bar(stage: Stage, name: str, bar: int) -> np.ndarray:
    """One bar of the groove; optional hits are drawn once a section and wobble a little from bar to bar."""
    per_bar, spec = stage.meter.steps_per_bar, stage.spec
    rows = groove_rows(name, stage.meter)
    out = np.zeros((per_bar, len(DRUMS)), np.int16)
    lines, rng = stage.material("lines"), stage.material("maybe", bar % 2)
    chance = 0.1 + 0.55 * spec.density
    for stream, drum in enumerate(DRUMS):
        if drum in rows:
            pattern = rows[drum]
            out[:, stream] = pattern[bar % len(pattern)]
        maybe = rows.get(f"{drum}_maybe")
        if maybe is None:
            continue
        row = maybe[bar % len(maybe)]
        # A sounding line of optional hits (a shaker, a ride) comes as a whole; single hits come one by one.
        whole = np.count_nonzero(row) > per_bar // 4
        kept = np.full(per_bar, lines.random() < chance + 0.1) if whole else rng.random(per_bar) < chance
        if not whole:
            kept ^= stage.dice.random(per_bar) < 0.06
        hits = kept & (row > 0) & ((out[:, stream] == 0) | (whole & (row > out[:, stream])))
        out[hits, stream] = row[hits]
    return out


def _layers(stage: Stage) -> set[str]:
    """Which drums play at all: fewer in intros, breaks and outros."""
    kind, rng = stage.spec.kind, stage.material("layers")
    every = set(DRUMS)
    if kind == "break":
        return set(_BREAK_LAYERS[int(rng.integers(len(_BREAK_LAYERS)))])
    if kind in ("intro", "outro") and rng.random() < 0.65:
        return set(_EDGE_LAYERS[int(rng.integers(len(_EDGE_LAYERS)))])
    return every


def _thin(tokens: np.ndarray, stage: Stage, fill: str) -> None:
    """Leave out drums and soften hits in place, as the section asks."""
    layers = _layers(stage)
    sounding = {drum for stream, drum in enumerate(DRUMS) if tokens[:, stream].any()}
    if sounding & layers:
        for stream, drum in enumerate(DRUMS):
            if drum not in layers:
                tokens[:, stream] = 0
    if stage.spec.energy < 0.32 and fill != "jazz":
        for stream, drum in enumerate(DRUMS):
            if drum in _SOFTER:
                tokens[:, stream] = _SOFTER[drum][tokens[:, stream]]
    elif stage.spec.energy > 0.85 and stage.material("drive").random() < 0.4:
        hats = tokens[:, _HAT]
        hats[hats == _NORMAL] = _ACCENT


def _ramp(length: int, rng: np.random.Generator) -> np.ndarray:
    """Snare tokens getting louder."""
    levels = np.linspace(0.6, 3.4, length) + rng.normal(0, 0.2, length)
    return np.clip(np.round(levels), _GHOST, _ACCENT).astype(np.int16)


def _fill_at(tokens: np.ndarray, start: int, end: int, fill: str, rng: np.random.Generator) -> None:
    """Replace steps ``[start, end)`` by a fill of the groove's kind."""
    length = end - start
    keep_kick = fill in ("jazz", "trap", "perc", "timbales")
    silent = [_SNARE, _TOM] + [_KICK] * (not keep_kick) + [_HAT] * (fill in ("roll", "toms", "snare", "drop"))
    tokens[start:end, silent] = 0
    steps = np.arange(start, end)
    if fill == "toms":
        order = np.linspace(4.4, 0.6, length)
        mask = rng.random(length) < (0.85 if length <= 4 else 0.7)
        mask[::2] = True
        tokens[steps[mask], _TOM] = np.clip(np.round(order[mask]), 1, 4).astype(np.int16)
        tokens[start, _SNARE] = _ACCENT
        tokens[start::4, _KICK][: (length + 3) // 4] = _NORMAL
    elif fill in ("snare", "roll"):
        mask = rng.random(length) < (1.0 if fill == "roll" else 0.7)
        mask[-1] = True
        tokens[steps[mask], _SNARE] = _ramp(length, rng)[mask]
        tokens[start, _KICK] = _NORMAL
    elif fill == "drop" and length >= 4 and rng.random() < 0.6:
        tokens[end - 2, _SNARE] = _NORMAL
    elif fill == "trap":
        tokens[start:end, _HAT] = np.where(rng.random(length) < 0.9, _NORMAL, 0)
        tokens[end - 1, _SNARE] = tokens[end - 3, _SNARE] = 5
        if length > 6:
            tokens[start, _SNARE] = 6
    elif fill == "break":
        shape = (3, 0, 1, 3, 0, 1, 3, 1, 3, 1, 0, 3, 3, 1, 3, 3)
        tokens[start:end, _SNARE] = shape[-length:]
        tokens[start + 1 : end : 4, _KICK] = _ACCENT
    elif fill == "jazz":
        mask = rng.random(length) < 0.5
        mask[-2] = True
        tokens[steps[mask], _SNARE] = rng.choice([_GHOST, _NORMAL], size=int(mask.sum()))
        tokens[end - 2, _TOM] = int(rng.integers(0, 5))
    elif fill == "perc":
        mask = rng.random(length) < 0.75
        tokens[steps[mask], _PERC] = rng.choice([4, 5, 6], size=int(mask.sum()))
    elif fill == "timbales":
        mask = rng.random(length) < 0.75
        tokens[steps[mask], _TOM] = rng.choice([3, 4, 4], size=int(mask.sum()))
        tokens[start, _SNARE] = _NORMAL
    elif fill == "reggae":
        tokens[start:end:3, _SNARE] = _ACCENT
        tokens[start + 1 : end : 3, _TOM] = 3


def _fills(tokens: np.ndarray, stage: Stage, fill: str) -> None:
    """A short fill where four bars end, a longer one where the section ends."""
    spec, per_bar, beat = stage.spec, stage.meter.steps_per_bar, stage.meter.steps_per_beat
    rng = stage.dice
    if spec.kind in ("intro", "outro", "break") and rng.random() < 0.5:
        return
    if not tokens[:, [_KICK, _SNARE]].any() and fill not in ("perc", "drop"):
        return
    for bar in range(3, spec.bars, 4):
        end, final = (bar + 1) * per_bar, bar == spec.bars - 1
        if rng.random() > ((0.9 if final else 0.3) * (0.5 + 0.6 * spec.energy)):
            continue
        beats = int(rng.choice([1, 2, 4], p=[0.4, 0.45, 0.15])) if final else 1
        if fill in ("drop", "roll") and final:
            beats = max(beats, 1)
        _fill_at(tokens, max(end - beats * beat, bar * per_bar), end, fill, rng)


def _crashes(tokens: np.ndarray, stage: Stage, fill: str) -> None:
    """A crash on the first beat of sections that arrive, sometimes again every eight bars."""
    spec, per_bar = stage.spec, stage.meter.steps_per_bar
    if fill in _CRASHLESS_FILLS and spec.energy < 0.6:
        return
    chance = _CRASH_CHANCES.get(spec.kind, 0.1) * min(1.0, 0.3 + 1.1 * spec.energy)
    for bar in range(0, spec.bars, 8):
        if stage.dice.random() < chance * (1.0 if bar == 0 else 0.6):
            tokens[bar * per_bar, _CYMBAL] = _CRASH + int(stage.dice.random() < 0.25)
            if tokens[:, _KICK].any():
                tokens[bar * per_bar, _KICK] = max(tokens[bar * per_bar, _KICK], _ACCENT)


def _build(tokens: np.ndarray, stage: Stage, fill: str) -> None:
    """A rising build: strokes twice as dense each quarter of it, louder, and a gap before what follows."""
    spec, per_bar, beat = stage.spec, stage.meter.steps_per_bar, stage.meter.steps_per_beat
    steps = spec.bars * per_bar
    stream = _TOM if fill == "toms" else _SNARE
    for drum in (_SNARE, _TOM, _CYMBAL):
        tokens[:, drum] = 0
    half = 2  # an eighth
    for step in range(steps):
        progress = step / steps
        gap = beat if progress < 0.5 else half if progress < 0.75 else 1
        if step % gap == 0:
            level = min(1 + int(3 * progress), 3)
            tokens[step, stream] = level if stream == _SNARE else 1 + min(3, int(4 * progress))
    if spec.energy < 0.5:
        tokens[:, _KICK] = 0
    if stage.dice.random() < 0.6:  # a breath before the drop
        tokens[-beat:, :] = 0
    tokens[steps * 3 // 4 :, _KICK] = np.where(stage.dice.random() < 0.5, 0, tokens[steps * 3 // 4 :, _KICK])


def _ending(tokens: np.ndarray, stage: Stage, fill: str) -> None:
    """The song's last bar: one stroke and silence."""
    last = tokens[-stage.meter.steps_per_bar :]
    struck = last.any()
    last[:] = 0
    if struck:
        last[0, _KICK] = _NORMAL
        if fill not in ("drop", "perc"):
            last[0, _CYMBAL] = 2 if fill == "jazz" else _CRASH
