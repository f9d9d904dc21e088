"""Unmasks the open cells of a passage: the one place where the composer's network is asked what to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.composer.board import CHORD, LEAD
from noisician.composer.conditions import MASK_TOKENS, Steps, Style
from noisician.composer.holds import NOTE_STREAMS, forbid_loose_holds
from noisician.composer.lines import OFF_BEAT_RUB_COST, avoid_rubs, prefer_blue_notes, prefer_steps
from noisician.diffusion.unmask import Choice, Stage, unmask
from noisician.score.grid import STREAMS, VOCABULARY
from noisician.score.model import Meter
from noisician.weights import Network

_ORDER = (
    ("chord",),
    ("kick", "snare", "hat", "cymbal", "tom", "perc", "bass"),
    ("chords", "pad"),
    ("lead",),
    ("counter", "arp"),
)
#: With words the tune comes right after the harmony, and everybody else listens to it.
_SONG_ORDER = (_ORDER[0], _ORDER[3], _ORDER[1], _ORDER[2], _ORDER[4])
#: A tune is written note by note rather than many at once: in so many times the steps, and more surely.
TUNE_STEPS, TUNE_TEMPERATURE = 2.5, 0.75
#: How many cells of a stream are worth a step.
CELLS_A_STEP = 8
#: Single lines that should sing.
_LINES = tuple(STREAMS.index(name) for name in ("lead", "counter"))

#: In place: ``logits``, one array ``[steps, vocabulary]`` a stream, of a passage whose tokens ``[steps, streams]`` are
#: known so far.
Require = Callable[[Sequence[np.ndarray], np.ndarray], None]


@dataclass(frozen=True)
class ComposerSettings:
    """``steps`` unmasking steps a stage; ``guidance_scale`` sharpens the style, 1 = off.

    With ``settle`` the first and the last bar, verses, choruses and drops begin on the tonic. The order is nearly
    random: surest-first fills the grid with rests and held notes, which are always a safe guess.
    """

    steps: int = 6
    temperature: float = 0.95
    top_p: float = 0.96
    choice_temperature: float = 8.0
    guidance_scale: float = 1.0
    settle: bool = True


@dataclass(frozen=True)
class Passage:
    """Bars the network sees at once.

    ``tokens`` int64 ``[steps, streams]``, mask tokens where open. ``chord_begins`` int64 ``[steps]``: the step where
    the chord in force began, so that an open harmony is chosen there and held through. ``starts_piece``: nothing
    sounds before the first step. Only ``rows`` are written, and of them not what is ``later`` (bool ``[steps,
    streams]``): what is open there stays so. ``conjunct`` is how
    much lines care for steps; ``blue``: the tune loves blue notes.
    """

    tokens: np.ndarray
    steps: Steps
    style: Style
    chord_begins: np.ndarray
    starts_piece: bool
    rows: slice
    later: np.ndarray | None = None
    conjunct: float = 1.0
    blue: bool = False

    @property
    def cells(self) -> np.ndarray:
        """bool ``[steps, streams]``: what has to be chosen. An open chord is where it begins."""
        cells = np.zeros(self.tokens.shape, bool)
        cells[self.rows] = self.tokens[self.rows] == MASK_TOKENS
        cells[self.chord_begins != np.arange(len(cells)), CHORD] = False
        return cells if self.later is None else cells & ~self.later

    def with_held_chords(self, tokens: np.ndarray) -> np.ndarray:
        """``[batch, steps, streams]`` where every step whose chord was open takes the one that began before it."""
        tokens = tokens.copy()
        open_ = self.tokens[:, CHORD] == MASK_TOKENS[CHORD]
        tokens[:, :, CHORD] = np.where(open_, tokens[:, self.chord_begins, CHORD], tokens[:, :, CHORD])
        return tokens


def beat_begins(steps: int, meter: Meter) -> np.ndarray:
    """int64 ``[steps]``: the first step of each step's beat, in whole bars."""
    own = np.repeat(meter.pulse_steps[:-1], meter.pulses)
    bars = steps // meter.steps_per_bar
    return (np.arange(bars)[:, None] * meter.steps_per_bar + own).reshape(-1)


def stages_of(cells: np.ndarray, settings: ComposerSettings, song: bool = False) -> list[Stage]:
    """The order of writing, without streams that have nothing open; few open cells take few steps."""
    stages = []
    tune = Choice(min(settings.temperature, TUNE_TEMPERATURE), settings.top_p, settings.choice_temperature)
    for names in _SONG_ORDER if song else _ORDER:
        streams = tuple(STREAMS.index(name) for name in names if cells[:, STREAMS.index(name)].any())
        if not streams:
            continue
        needed = -(-int(cells[:, streams].sum(axis=0).max()) // CELLS_A_STEP)
        if LEAD in streams:
            stages.append(Stage(streams, min(round(TUNE_STEPS * settings.steps), 2 + needed), tune))
        else:
            stages.append(Stage(streams, min(settings.steps, 1 + needed)))
    return stages


def write(
    network: Network,
    passage: Passage,
    stages: Sequence[Stage],
    settings: ComposerSettings,
    rng: Sequence[np.random.Generator],
    require: Require,
    on_step: Callable[[float], None],
) -> np.ndarray:
    """The passage's tokens, all chosen; ``rng`` has a generator for each stream (streams may share one)."""
    conditions = _Conditions.of(passage)
    beats = np.flatnonzero(passage.chord_begins == np.arange(len(passage.chord_begins)))

    def predict(guess: np.ndarray) -> list[np.ndarray]:
        held = passage.with_held_chords(guess)
        logits = conditions.logits(network, held, settings.guidance_scale)
        for place in NOTE_STREAMS:
            forbid_loose_holds(logits[place][0], guess[0, :, place], passage.starts_piece)
        for place in _LINES:
            if passage.cells[:, place].any():
                prefer_steps(logits[place][0], guess[0, :, place], passage.conjunct)
                avoid_rubs(logits[place][0], held[0, :, CHORD], beats, 0.0 if passage.blue else OFF_BEAT_RUB_COST)
        if passage.blue and passage.cells[:, LEAD].any():
            prefer_blue_notes(logits[LEAD][0])
        require([stream[0] for stream in logits], guess[0])
        return logits

    total = sum(stage.steps for stage in stages)
    if not stages:
        on_step(1.0)
    choice = Choice(settings.temperature, settings.top_p, settings.choice_temperature)
    written = unmask(
        predict, passage.tokens[None], passage.cells[None], stages, choice, [rng], lambda done: on_step(done / total)
    )
    return passage.with_held_chords(written)[0]


@dataclass(frozen=True)
class _Conditions:
    """The network's inputs besides the tokens."""

    inputs: dict[str, np.ndarray]
    style: np.ndarray

    @classmethod
    def of(cls, passage: Passage) -> _Conditions:
        steps = passage.steps
        inputs = {"place": steps.place[None], "kind": steps.kind[None], "features": steps.features[None]}
        return cls(inputs, passage.style.vector()[None])

    def logits(self, network: Network, tokens: np.ndarray, guidance_scale: float) -> list[np.ndarray]:
        """One array ``[1, T, vocabulary]`` a stream; u + w (c − u) between styled and unstyled."""
        one, nought = np.ones(1, np.float32), np.zeros(1, np.float32)
        logits = network(tokens=tokens, style=self.style, known=one, **self.inputs)[0]
        if guidance_scale != 1.0:
            plain = network(tokens=tokens, style=self.style, known=nought, **self.inputs)[0]
            logits = plain + np.float32(guidance_scale) * (logits - plain)
        return np.split(logits, np.cumsum([VOCABULARY[stream] for stream in STREAMS])[:-1], axis=-1)
