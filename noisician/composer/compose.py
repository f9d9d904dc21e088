"""Writes the grid of a planned piece by unmasking it, a stretch at a time.

Each stretch (at most eight bars) is written knowing the eight bars before it. The harmony comes first, then rhythm
section, chords, melody and ornament, each hearing what is there already. A section that returns starts from its first
appearance with some cells masked again: it is recognised, and not the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS, WINDOW_BARS, Steps, step_conditions
from noisician.composer.plan import Plan
from noisician.diffusion.noise import generator
from noisician.diffusion.unmask import Choice, Stage, unmask
from noisician.score.grid import (
    CHORDAL,
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVELS,
    MONOPHONIC,
    PITCH_LOW,
    REST,
    ROLE_STREAMS,
    STREAMS,
    VOCABULARY,
    Grid,
    chord_token,
    pitch_token,
)
from noisician.score.harmony import SCALES
from noisician.score.model import Section
from noisician.weights import Network, open_network

STRETCH_BARS = 8
STATED_AT_HOME = ("verse", "chorus", "drop")
CHORD, LEAD = STREAMS.index("chord"), STREAMS.index("lead")
_NOTE_STREAMS = tuple(STREAMS.index(name) for name in (*MONOPHONIC, *CHORDAL))
_NEVER = np.float32(-1e9)
#: Share of each role's beats written anew when a section returns; of drums only the last bar, for a fresh fill.
VARIATION = {"lead": 0.25, "counter": 0.3, "arp": 0.15, "bass": 0.1, "chords": 0.1, "pad": 0.0}
_ORDER = (
    ("chord",),
    ("kick", "snare", "hat", "cymbal", "tom", "perc", "bass"),
    ("chords", "pad"),
    ("lead",),
    ("counter", "arp"),
)
#: With words the tune comes right after the harmony, and everybody else listens to it.
#: A leap is free up to a fourth; each semitone beyond costs this much log likelihood, within a phrase.
LEAP_COST, EASY_LEAP_SEMITONES, LEAP_WITHIN_STEPS = np.float32(0.5), 4, 16
#: A tune to sing is written note by note rather than many at once, and comes back with fewer changes.
TUNE_STEPS, TUNE_VARIATION = 16, 0.08
_SONG_ORDER = (_ORDER[0], _ORDER[3], _ORDER[1], _ORDER[2], _ORDER[4])


@dataclass(frozen=True)
class Tune:
    """The rhythm of a vocal line, which takes the lead's place; its pitches are the composer's.

    All ``[steps]``: ``onset`` where a note begins, ``held`` where it sounds on, and between ``low`` and ``high`` (MIDI
    pitches with C as tonic) the note has to lie. Where ``sung`` is False nobody sings and the lead is free.
    """

    onset: np.ndarray
    held: np.ndarray
    sung: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def tokens(self) -> np.ndarray:
        """The lead's tokens as far as the rhythm decides them, mask tokens elsewhere."""
        mask = MASK_TOKENS[LEAD]
        known = np.where(self.onset, mask, np.where(self.held, HOLD, REST))
        return np.where(self.sung, known, mask)

    def require(self, logits: np.ndarray, tokens: np.ndarray, first: int) -> None:
        """In place, ``logits [rows, vocabulary]`` of steps from ``first``: at each onset a note that can be sung.

        It lies within range, and leaps from the notes already known beside it (``tokens [rows]``) cost what they cost
        a singer.
        """
        onsets = np.flatnonzero(self.onset[first : first + len(logits)])
        pitches = PITCH_LOW + (np.arange(logits.shape[1]) - FIRST_ONSET) // LEVELS
        known = {row: pitches[tokens[row]] for row in onsets if FIRST_ONSET <= tokens[row] < len(pitches)}
        for place, row in enumerate(onsets):
            low, high = (pitch_token(int(limit[first + row]), 0) for limit in (self.low, self.high))
            logits[row, :low] = _NEVER
            logits[row, high + LEVELS :] = _NEVER
            for neighbour in (*onsets[max(0, place - 1) : place], *onsets[place + 1 : place + 2]):
                if neighbour in known and abs(neighbour - row) <= LEAP_WITHIN_STEPS:
                    beyond = np.maximum(0, np.abs(pitches - known[neighbour]) - EASY_LEAP_SEMITONES)
                    logits[row] -= LEAP_COST * beyond.astype(np.float32)


@dataclass(frozen=True)
class ComposerSettings:
    """``steps`` unmasking steps a stage; ``guidance_scale`` sharpens the style, 1 = off.

    With ``settle`` the first and the last bar, verses, choruses and drops begin on the tonic. The order is nearly
    random: surest-first fills the grid with rests and held notes, which are always a safe guess.
    """

    steps: int = 6
    temperature: float = 0.95
    top_p: float = 0.96
    order_noise: float = 8.0
    guidance_scale: float = 1.0
    settle: bool = True


class Composer:
    """Holds the network; writes grids."""

    def __init__(self, network: Network | None = None) -> None:
        self._network = network or open_network("composer")

    def compose(
        self,
        plan: Plan,
        seed: int,
        settings: ComposerSettings,
        given: Grid | None = None,
        tune: Tune | None = None,
        on_step: Callable[[float], None] = lambda share: None,
    ) -> Grid:
        """The grid of a plan. ``given`` (mask tokens where open) fixes any cells; ``on_step`` may raise to cancel."""
        steps = step_conditions(plan.sections, _active(plan), plan.time_signature, plan.bars)
        board = _Board.of(plan, steps, given, tune)
        if settings.settle:
            board.settle(plan)
        stretches = [stretch for section in plan.sections for stretch in _stretches(section)]
        for turn, (section, first_bar, bars) in enumerate(stretches):
            board.recall(section, first_bar, bars, generator(seed, 0xC0, first_bar))
            self._write(
                board, plan, first_bar, bars, settings, generator(seed, 0xC1, first_bar),
                lambda share, turn=turn: on_step((turn + share) / len(stretches)),
            )  # fmt: skip
        return Grid(board.tokens, plan.time_signature)

    def _write(
        self,
        board: _Board,
        plan: Plan,
        first_bar: int,
        bars: int,
        settings: ComposerSettings,
        rng: np.random.Generator,
        on_step: Callable[[float], None],
    ) -> None:
        """Unmasks bars ``first_bar … first_bar + bars`` of the board in place."""
        start_bar = max(0, first_bar + bars - WINDOW_BARS)
        first, last = start_bar * board.steps_per_bar, (first_bar + bars) * board.steps_per_bar
        tokens = board.tokens[first:last].astype(np.int64)
        masked = tokens == MASK_TOKENS
        heads = np.zeros(last - first, bool)
        heads[:: board.steps_per_beat] = True
        cells = masked.copy()
        cells[~heads, CHORD] = False  # a chord is chosen once a beat and held through it
        stages = _stages(cells, settings.steps, song=board.tune is not None)
        conditions = _Conditions.of(board.steps.cut(first, last), plan)

        follows = masked[:, CHORD]

        def predict(guess: np.ndarray) -> list[np.ndarray]:
            held = _held_chords(guess, follows, board.steps_per_beat)
            logits = conditions.logits(self._network, held, settings.guidance_scale)
            for place in _NOTE_STREAMS:
                forbid_loose_holds(logits[place][0], guess[0, :, place], starts_piece=start_bar == 0)
            if board.tune is not None:
                board.tune.require(logits[LEAD][0], guess[0, :, LEAD], first)
            return logits

        total = sum(stage.steps for stage in stages)
        if not stages:
            on_step(1.0)
        choice = Choice(settings.temperature, settings.top_p, settings.order_noise)
        written = unmask(predict, tokens[None], cells[None], stages, choice, [rng], lambda done: on_step(done / total))
        board.tokens[first:last] = _held_chords(written, follows, board.steps_per_beat)[0]


@dataclass(frozen=True)
class _Conditions:
    """The network's inputs besides the tokens."""

    inputs: dict[str, np.ndarray]
    style: np.ndarray

    @classmethod
    def of(cls, steps: Steps, plan: Plan) -> _Conditions:
        inputs = {"place": steps.place[None], "kind": steps.kind[None], "features": steps.features[None]}
        return cls(inputs, plan.style.vector()[None])

    def logits(self, network: Network, tokens: np.ndarray, guidance_scale: float) -> list[np.ndarray]:
        """One array ``[1, T, vocabulary]`` a stream; u + w (c − u) between styled and unstyled."""
        one, nought = np.ones(1, np.float32), np.zeros(1, np.float32)
        logits = network(tokens=tokens, style=self.style, known=one, **self.inputs)[0]
        if guidance_scale != 1.0:
            plain = network(tokens=tokens, style=self.style, known=nought, **self.inputs)[0]
            logits = plain + np.float32(guidance_scale) * (logits - plain)
        return np.split(logits, np.cumsum([VOCABULARY[stream] for stream in STREAMS])[:-1], axis=-1)


@dataclass
class _Board:
    """The grid being written: mask tokens where nothing is decided yet."""

    tokens: np.ndarray
    steps: Steps
    steps_per_bar: int
    steps_per_beat: int
    sections: tuple[Section, ...]
    active: np.ndarray  # bool [steps, streams]: whether the stream's role plays there
    tune: Tune | None

    @classmethod
    def of(cls, plan: Plan, steps: Steps, given: Grid | None, tune: Tune | None) -> _Board:
        tokens = np.tile(MASK_TOKENS, (len(steps.place), 1)) if given is None else given.tokens.copy()
        if tune is not None:
            tokens[:, LEAD] = np.where(tokens[:, LEAD] == MASK_TOKENS[LEAD], tune.tokens(), tokens[:, LEAD])
        active = np.ones(tokens.shape, bool)
        for place, role in enumerate(GRID_ROLES):
            plays = steps.features[:, 3 + place] > 0
            for stream in ROLE_STREAMS[role]:
                active[:, STREAMS.index(stream)] = plays
        if tune is not None:
            active[:, LEAD] |= tune.sung
        tokens[(tokens == MASK_TOKENS) & ~active] = REST
        meter = Grid.empty(1, plan.time_signature).meter
        return cls(tokens, steps, meter.steps_per_bar, meter.steps_per_beat, plan.sections, active, tune)

    def settle(self, plan: Plan) -> None:
        """The first and last bar, and the first of each section that states something, stand on the tonic where nothing
        else is given: a piece should say where home is.

        A loop's last bar has to lead back to its first, so it is left open.
        """
        home = chord_token(0, "min" if SCALES[plan.mode][2] == 3 else "maj")
        stated = {section.start_bar for section in plan.sections if section.kind in STATED_AT_HOME}
        for bar in stated | ({0} if plan.loop else {0, plan.bars - 1}):
            chords = self.tokens[self._rows(bar), CHORD]
            self.tokens[self._rows(bar), CHORD] = np.where(chords == MASK_TOKENS[CHORD], home, chords)

    def recall(self, section: Section, first_bar: int, bars: int, rng: np.random.Generator) -> None:
        """Fills open cells of a returning section from its first appearance, leaving some open to vary."""
        original = next(other for other in self.sections if other.label == section.label)
        if original.start_bar == section.start_bar:
            return
        source_bars = [(first_bar - section.start_bar + bar) % original.bars for bar in range(bars)]
        rows = np.concatenate([self._rows(original.start_bar + bar) for bar in source_bars])
        target = np.concatenate([self._rows(first_bar + bar) for bar in range(bars)])
        heard = self.active[rows] & self.active[target]
        fresh = self._fresh(len(target), rng)
        use = (self.tokens[target] == MASK_TOKENS) & heard & ~fresh
        if self.tune is not None:  # other words may move an onset to where the first time had none
            use[:, LEAD] &= ~self.tune.onset[target] | (self.tokens[rows, LEAD] >= FIRST_ONSET)
        self.tokens[target] = np.where(use, self.tokens[rows], self.tokens[target])

    def _rows(self, bar: int) -> np.ndarray:
        return np.arange(bar * self.steps_per_bar, (bar + 1) * self.steps_per_bar)

    def _fresh(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Cells to write anew: some beats of the tuneful roles, and the last bar of the drums."""
        fresh = np.zeros((rows, len(STREAMS)), bool)
        beats = rows // self.steps_per_beat
        for role, share in VARIATION.items():
            if role == "lead" and self.tune is not None:
                share = TUNE_VARIATION
            anew = np.repeat(rng.random(beats) < share, self.steps_per_beat)
            fresh[:, STREAMS.index(role)] = anew
        for stream in DRUMS:
            fresh[-self.steps_per_bar :, STREAMS.index(stream)] = True
        return fresh


def forbid_loose_holds(logits: np.ndarray, tokens: np.ndarray, starts_piece: bool) -> None:
    """In place: nothing may be held after a known rest, and no rest may stand before a known hold.

    ``logits [steps, vocabulary]`` and ``tokens [steps]`` of one stream of notes.
    """
    after_rest = np.empty(len(tokens), bool)
    after_rest[0], after_rest[1:] = starts_piece, tokens[:-1] == REST
    logits[after_rest, HOLD] = _NEVER
    logits[:-1][tokens[1:] == HOLD, REST] = _NEVER


def _active(plan: Plan) -> np.ndarray:
    """bool ``[bars, len(GRID_ROLES)]``: which roles play in each bar."""
    active = np.zeros((plan.bars, len(GRID_ROLES)), bool)
    for section, players in zip(plan.sections, plan.players, strict=True):
        active[section.start_bar : section.start_bar + section.bars] = [role in players for role in GRID_ROLES]
    return active


def _stretches(section: Section) -> list[tuple[Section, int, int]]:
    """A section cut into pieces of at most STRETCH_BARS: (section, first bar, bars)."""
    ends = section.start_bar + section.bars
    return [(section, first, min(STRETCH_BARS, ends - first)) for first in range(section.start_bar, ends, STRETCH_BARS)]


def _stages(cells: np.ndarray, steps: int, song: bool) -> list[Stage]:
    """The order of writing, without streams that have nothing open."""
    stages = []
    for names in _SONG_ORDER if song else _ORDER:
        streams = tuple(STREAMS.index(name) for name in names if cells[:, STREAMS.index(name)].any())
        if streams:
            stages.append(Stage(streams, TUNE_STEPS if song and LEAD in streams else steps))
    return stages


def _held_chords(tokens: np.ndarray, follows: np.ndarray, steps_per_beat: int) -> np.ndarray:
    """``[batch, steps, streams]`` where every step in ``follows`` (bool ``[steps]``) takes the chord its beat began."""
    tokens = tokens.copy()
    begun = np.repeat(tokens[:, ::steps_per_beat, CHORD], steps_per_beat, axis=1)
    tokens[:, :, CHORD] = np.where(follows, begun, tokens[:, :, CHORD])
    return tokens
