"""The grid of a piece while it is written: mask tokens where nothing is decided yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS, Steps, step_conditions
from noisician.composer.plan import Plan
from noisician.score.grid import (
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVELS,
    MONOPHONIC,
    REST,
    ROLE_STREAMS,
    STREAMS,
    Grid,
    chord_token,
    pitch_token,
)
from noisician.score.harmony import SCALES
from noisician.score.model import METERS, Meter, Section

STATED_AT_HOME = ("verse", "chorus", "drop")
CHORD, LEAD, BASS = (STREAMS.index(name) for name in ("chord", "lead", "bass"))
_LINES = [STREAMS.index(name) for name in MONOPHONIC]
NEVER = np.float32(-1e9)
#: Share of each role's beats written anew when a section returns; of drums only the last bar, for a fresh fill.
VARIATION = {"lead": 0.04, "counter": 0.2, "arp": 0.15, "bass": 0.1, "chords": 0.1, "pad": 0.0}
#: The last bar of a phrase, where a tune that returns may end otherwise, and the share of its beats.
PHRASE_BARS, NEW_CADENCE = 4, 0.4
#: A tune to sing comes back with fewer changes.
TUNE_VARIATION = 0.08


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

    def require(self, logits: np.ndarray, first: int) -> None:
        """In place, ``logits [rows, vocabulary]`` of steps from ``first``: at each onset a note within range."""
        for row in np.flatnonzero(self.onset[first : first + len(logits)]):
            low, high = (pitch_token(int(limit[first + row]), 0) for limit in (self.low, self.high))
            logits[row, :low] = NEVER
            logits[row, high + LEVELS :] = NEVER


@dataclass
class Board:
    """The grid, and what each of its steps is told."""

    tokens: np.ndarray
    steps: Steps
    meter: Meter
    sections: tuple[Section, ...]
    active: np.ndarray  # bool [steps, streams]: whether the stream's role plays there
    tune: Tune | None
    begins: np.ndarray  # bool [steps, streams]: where a note, still to be chosen, has to begin

    @property
    def steps_per_bar(self) -> int:
        return self.meter.steps_per_bar

    @property
    def steps_per_beat(self) -> int:
        return self.meter.steps_per_beat

    @classmethod
    def of(cls, plan: Plan, steps: Steps, given: Grid | None, tune: Tune | None = None) -> Board:
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
        return cls(
            tokens,
            steps,
            METERS[plan.time_signature],
            plan.sections,
            active,
            tune,
            np.zeros(tokens.shape, bool),
        )

    def settle(self, plan: Plan) -> None:
        """The first and last bar, and the first of each section that states something, stand on the tonic where nothing
        else is given: a piece should say where home is.

        A loop's last bar has to lead back to its first, so it is left open.
        """
        home = chord_token(0, "min" if SCALES[plan.mode][2] == 3 else "maj")
        stated = {section.start_bar for section in plan.sections if section.kind in STATED_AT_HOME}
        at_home = [self.rows(bar) for bar in sorted(stated | {0})]
        if not plan.loop:
            at_home.append(self.rows(plan.bars - 1)[plan.last_chord[0] :])
        for rows in at_home:
            chords = self.tokens[rows, CHORD]
            self.tokens[rows, CHORD] = np.where(chords == MASK_TOKENS[CHORD], home, chords)

    def recall(self, section: Section, first_bar: int, bars: int, rng: np.random.Generator) -> bool:
        """Fills open cells of a returning section from its first appearance that is written, leaving some open to vary;
        False where there is none.

        Most often that one stands before; when a piece is continued towards its front, it stands behind.
        """
        original = self.original_of(section)
        if original is None:
            return False
        source_bars = [(first_bar - section.start_bar + bar) % original.bars for bar in range(bars)]
        rows = np.concatenate([self.rows(original.start_bar + bar) for bar in source_bars])
        target = np.concatenate([self.rows(first_bar + bar) for bar in range(bars)])
        heard = self.active[rows] & self.active[target]
        fresh = self._fresh(len(target), rng)
        use = (self.tokens[target] == MASK_TOKENS) & heard & ~fresh & ~self._on_other_chords(rows, target)
        if self.tune is not None:  # other words may move an onset to where the first time had none
            use[:, LEAD] &= ~self.tune.onset[target] | (self.tokens[rows, LEAD] >= FIRST_ONSET)
        self.tokens[target] = np.where(use, self.tokens[rows], self.tokens[target])
        return True

    def original_of(self, section: Section) -> Section | None:
        """Where a section that returns is written already; None for the first time."""
        same = (other for other in self.sections if other.label == section.label and other != section)
        return next((other for other in same if self.is_written(other)), None)

    def _on_other_chords(self, rows: np.ndarray, target: np.ndarray) -> np.ndarray:
        """bool ``[steps, streams]``: lines in bars that now stand on other chords than the first time."""
        now = self.tokens[target, CHORD]
        other = (now != MASK_TOKENS[CHORD]) & (now != self.tokens[rows, CHORD])
        bars = np.repeat(other.reshape(-1, self.steps_per_bar).any(axis=1), self.steps_per_bar)
        return bars[:, None] & np.isin(np.arange(len(STREAMS)), _LINES)

    def is_written(self, section: Section) -> bool:
        first, last = section.start_bar, section.start_bar + section.bars
        return not (self.tokens[first * self.steps_per_bar : last * self.steps_per_bar] == MASK_TOKENS).any()

    def rows(self, bar: int) -> np.ndarray:
        return np.arange(bar * self.steps_per_bar, (bar + 1) * self.steps_per_bar)

    def _fresh(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Cells to write anew: some beats of the tuneful roles, and the last bar of the drums."""
        fresh = np.zeros((rows, len(STREAMS)), bool)
        bars, per_bar = rows // self.steps_per_bar, len(self.meter.pulses)
        for role, share in VARIATION.items():
            shares = np.full(bars * per_bar, share)
            if role == "lead" and self.tune is not None:
                shares[:] = TUNE_VARIATION
            elif role == "lead":
                shares[np.arange(bars * per_bar) // per_bar % PHRASE_BARS == PHRASE_BARS - 1] = NEW_CADENCE
            anew = np.repeat(rng.random(bars * per_bar) < shares, np.tile(self.meter.pulses, bars))
            fresh[:, STREAMS.index(role)] = anew
        for stream in DRUMS:
            fresh[-self.steps_per_bar :, STREAMS.index(stream)] = True
        return fresh


def planned_steps(plan: Plan, active: np.ndarray | None = None) -> Steps:
    """What a plan tells each of its steps; ``active`` bool ``[bars, len(GRID_ROLES)]`` in the place of its own."""
    playing = active_roles(plan) if active is None else active
    return step_conditions(plan.sections, playing, plan.time_signature, plan.bars)


def active_roles(plan: Plan) -> np.ndarray:
    """bool ``[bars, len(GRID_ROLES)]``: which roles play in each bar."""
    active = np.zeros((plan.bars, len(GRID_ROLES)), bool)
    for section, players in zip(plan.sections, plan.players, strict=True):
        active[section.start_bar : section.start_bar + section.bars] = [role in players for role in GRID_ROLES]
    for rest in plan.rests:
        active[rest.first : rest.last, GRID_ROLES.index(rest.role)] = False
    return active
