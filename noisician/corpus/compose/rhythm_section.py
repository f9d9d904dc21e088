"""Bass, chords, pads and arpeggios: written patterns played over the chords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from noisician.corpus.compose.library import pick
from noisician.corpus.compose.spec import Stage
from noisician.score.grid import REST
from noisician.score.patterns import bars_of, usable
from noisician.score.playing import arpeggio, strike_bars, walk, write_bass_bar
from noisician.styles import table

_QUIET_KINDS = ("intro", "break", "outro")


def choose_pattern(stage: Stage, kind: str, role: str) -> str:
    """The pattern a role plays: one for the song, now and then another for the chorus-like sections."""
    weights = usable(kind, stage.spec.music[kind], stage.meter)
    main = pick(weights, stage.song(role))
    if stage.spec.label in ("B", "C") and stage.song(role, "contrast").random() < 0.4:
        return pick(weights, stage.song(role, stage.spec.label))
    return main


def _bass_pattern(stage: Stage) -> Mapping[str, Any]:
    spec, library = stage.spec, table("patterns")["bass"]
    entry = library[choose_pattern(stage, "bass", "bass")]
    if spec.kind in _QUIET_KINDS and stage.material("bass", "quiet").random() < 0.45:
        return library["sustained"]
    if spec.energy < 0.15:
        return library["sustained"]
    return entry


def write_bass(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the bass: the genre's pattern, with runs into the next phrase."""
    entry = _bass_pattern(stage)
    if entry.get("kind") == "walking":
        return walk(stage.harmony, stage.meter, stage.material("walk", int(stage.dice.integers(3))))
    meter, harmony = stage.meter, stage.harmony
    bars = bars_of(entry["bar"], entry.get("meter", "4/4"), meter)
    tokens = np.full(stage.steps, REST, np.int16)
    rng = stage.material("bass", "notes")
    lively = 1.0 - float(stage.spec.music["loop"])
    for bar in range(stage.spec.bars):
        text = bars[bar % len(bars)]
        if bar % 4 == 3 and len(text) > 8 and "-" * 8 not in text and rng.random() < 0.6 * lively:
            text = text[: -meter.steps_per_beat] + {4: "f-a-", 6: "f-r-a-"}[meter.steps_per_beat]
        write_bass_bar(tokens, bar * meter.steps_per_bar, text, entry, harmony, rng)
    return tokens


def write_chords(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the chordal accompaniment."""
    spec, music = stage.spec, stage.spec.music
    entry = table("patterns")["comp"][choose_pattern(stage, "comp", "comp")]
    calm = spec.kind in _QUIET_KINDS or spec.energy < 0.2
    if calm and entry.get("voice") != "power" and stage.material("comp", "calm").random() < 0.35:
        entry = table("patterns")["comp"]["whole"]
    if entry.get("voice") == "power":
        voicing, register = "power", 0
    else:
        voicing = pick(music["voicings"], stage.song("voicing"))
        register = 0 if voicing == "power" else 1 + int(stage.song("comp register").random() < 0.45)
        if spec.label == "B" and voicing != "power" and stage.song("lift").random() < 0.3:
            register += 1
        if voicing == "spread":  # open position reaches an octave higher; stay below the lead
            register = min(register, 1)
        register = min(register, 2)
    bars = list(bars_of(entry["bar"], entry.get("meter", "4/4"), stage.meter)) * spec.bars
    bars = [_vary_bar(text, stage, bar) for bar, text in enumerate(bars[: spec.bars])]
    if spec.last:
        bars[-1] = "X" + "-" * (stage.meter.steps_per_bar - 1)
    return strike_bars(bars, stage.harmony, stage.meter.steps_per_bar, register, voicing, tie=False)


def _vary_bar(text: str, stage: Stage, bar: int) -> str:
    """Now and then one soft stroke more or less, most often where a phrase ends."""
    if stage.dice.random() > (0.35 if bar % 4 == 3 else 0.08) * (0.4 + stage.spec.density):
        return text
    letters = list(text)
    weak = [i for i, letter in enumerate(letters) if letter == "." and i % 2 == 0 and i > 2]
    soft = [i for i, letter in enumerate(letters) if letter in "gx" and i % stage.meter.steps_per_beat]
    if weak and stage.dice.random() < 0.6:
        letters[weak[int(stage.dice.integers(len(weak)))]] = "g"
    elif soft:
        letters[soft[int(stage.dice.integers(len(soft)))]] = "-"
    return "".join(letters)


def write_pad(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the sustained background."""
    entry = table("patterns")["pad"][choose_pattern(stage, "pad", "pad")]
    voicing = ("spread", "full", "close")[int(stage.song("pad voicing").choice(3, p=[0.45, 0.35, 0.2]))]
    register = int(stage.song("pad register").choice(3, p=[0.25, 0.5, 0.25]))
    if voicing == "spread":  # open position reaches an octave higher; stay below the lead
        register = min(register, 1)
    bars = bars_of(entry["bar"], entry.get("meter", "4/4"), stage.meter) * stage.spec.bars
    if entry.get("swell"):
        bars = tuple("gxX"[min(bar % 4, 2)] + text[1:] for bar, text in enumerate(bars))
    elif stage.spec.energy < 0.25:
        bars = tuple(text.replace("x", "g", 1) for text in bars)
    tie = bool(entry.get("tie")) and stage.song("pad tie").random() < 0.7
    return strike_bars(bars[: stage.spec.bars], stage.harmony, stage.meter.steps_per_bar, register, voicing, tie)


def write_arp(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the arpeggio, sequence or picked figure."""
    entry = table("patterns")["arp"][choose_pattern(stage, "arp", "arp")]
    lifts = stage.spec.label == "B" and entry["low"] < 58 and stage.song("arp lift").random() < 0.3
    dice = stage.song("arp line"), stage.material("arp random")
    return arpeggio(entry, stage.harmony, stage.meter, *dice, shift=12 if lifts else 0)
