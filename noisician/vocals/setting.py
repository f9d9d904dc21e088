"""Words to rhythm: where in the bar each syllable of a line begins and how long it is sung.

A line is set by dynamic programming over (syllable, place on the grid): the likelihood of a syllable of its stress at
a place of that weight, and of its length there, as people set English words (``setting.json``, learnt from CC0 songs
by :mod:`noisician.corpus.lieder`), plus what singing asks for: time for the consonants, room for breath after the
line, melismas on as many steps as they have notes, and the rhythm of the first line that stood at this place in a
section of the same kind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from noisician.errors import RequestError
from noisician.score.model import Meter

#: Sixteenths of each length class; a length belongs to the nearest class below or equal.
LENGTH_CLASSES = (1, 2, 3, 4, 6, 8, 12, 16)
WEIGHTS = 5
BREATH_S = 0.15
#: How far ahead of its first bar a line may begin, as a share of a bar.
PICKUP_SHARE = 0.5
CROWDED_COST, MOTIF_REWARD, SILENCE_COST_PER_BEAT = 4.0, 1.6, 0.6
#: A line is spread over its room: cost of an octave's departure from the even length, of LINE_SHARE of the room.
PACE_COST, LINE_SHARE = 0.7, 0.8
_NEVER = 1e6


def metric_weight(step: int, meter: Meter) -> int:
    """4 the downbeat, 3 the middle of a bar of four, 2 other beats, 1 eighths, 0 sixteenths between."""
    place = step % meter.steps_per_bar
    if place == 0:
        return 4
    if place in meter.pulse_steps:
        return 3 if place == meter.second_half and meter.beats_per_bar != 3 else 2
    return 1 if place % 2 == 0 else 0


def length_class(steps: float) -> int:
    """Index into LENGTH_CLASSES."""
    return max(0, int(np.searchsorted(LENGTH_CLASSES, steps + 1e-6, side="right")) - 1)


@dataclass(frozen=True)
class Sayable:
    """What the setting needs to know of a syllable.

    ``stress`` 0 unstressed or a function word, 1 secondary, 2 primary; ``least_s`` the time its sounds need;
    ``notes`` on how many notes it is sung; ``accent`` asks for a strong place, ``joined``: the word goes on after it;
    ``breaks``: a break is asked for after it.
    """

    stress: int
    least_s: float = 0.12
    notes: int = 1
    accent: bool = False
    joined: bool = False
    breaks: bool = False


@dataclass(frozen=True)
class Placement:
    """Where a syllable is sung: steps from the start of its line's first bar, negative in a pickup.

    ``onsets`` are the steps its notes begin at, the first its own.
    """

    onsets: tuple[int, ...]
    end_step: int

    @property
    def step(self) -> int:
        return self.onsets[0]


@dataclass(frozen=True)
class LineRoom:
    """The bars a line has. ``free_before_steps`` of the bar before may be used for a pickup."""

    meter: Meter
    bars: int
    tempo_bpm: float
    free_before_steps: int = 0

    @property
    def steps(self) -> int:
        return self.bars * self.meter.steps_per_bar

    @property
    def step_s(self) -> float:
        return 60.0 / self.tempo_bpm / self.meter.steps_per_beat


@dataclass(frozen=True)
class SettingCosts:
    """Negative log odds learnt from people.

    ``place [3, WEIGHTS]`` by stress and metric weight; ``length [3, 2, classes]`` by stress, and whether the phrase
    ends there.
    """

    place: np.ndarray
    length: np.ndarray

    def to_json(self) -> str:
        values: dict[str, Any] = {name: np.round(array, 4).tolist() for name, array in vars(self).items()}
        return json.dumps(values, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> SettingCosts:
        return cls(**{name: np.array(values, np.float64) for name, values in json.loads(text).items()})


@cache
def setting_costs() -> SettingCosts:
    """The costs that come with the package."""
    return SettingCosts.from_json(files("noisician.vocals").joinpath("setting.json").read_text("utf-8"))


@dataclass(frozen=True)
class _Search:
    """One line's dynamic programme over places ``first … first + count − 1`` on a grid of ``unit`` steps."""

    room: LineRoom
    unit: int
    costs: SettingCosts
    motif: frozenset[int]
    pace_steps: float
    jitter: np.ndarray = field(repr=False)

    @property
    def places(self) -> np.ndarray:
        pickup = min(self.room.free_before_steps, int(PICKUP_SHARE * self.room.meter.steps_per_bar))
        first = -(pickup // self.unit) * self.unit
        return np.arange(first, self.room.steps, self.unit)

    def at(self, syllable: Sayable, step: int) -> float:
        """The cost of beginning a syllable at a step."""
        weight = metric_weight(step, self.room.meter)
        cost = float(self.costs.place[syllable.stress, weight]) * (1.5 if syllable.accent else 1.0)
        if syllable.accent:
            cost += float(self.costs.place[2, weight])
        return cost - (MOTIF_REWARD if step in self.motif else 0.0)

    def lasting(self, syllable: Sayable, steps: int, ends: bool) -> float:
        """The cost of singing a syllable for so many steps."""
        if steps < syllable.notes * self.unit:
            return _NEVER
        length = float(self.costs.length[syllable.stress, int(ends), length_class(steps)])
        crowded = syllable.least_s > steps * self.room.step_s
        pace = 0.0 if ends else PACE_COST * abs(np.log2(steps / self.pace_steps))
        return length + pace + CROWDED_COST * crowded

    def silence(self, steps: int) -> float:
        """The cost of room left empty before or after the line."""
        return SILENCE_COST_PER_BEAT * max(0, steps) / self.room.meter.steps_per_beat


def set_line(
    syllables: Sequence[Sayable],
    room: LineRoom,
    rng: np.random.Generator,
    motif: frozenset[int] = frozenset(),
    costs: SettingCosts | None = None,
) -> tuple[Placement, ...]:
    """A placement for every syllable, in order and without overlap, inside the line's room.

    ``motif`` holds the onsets to come back to. Eighths are the grid where they suffice, else sixteenths. Raises
    RequestError where even those are too few.
    """
    costs = costs or setting_costs()
    notes = sum(syllable.notes for syllable in syllables)
    for unit in (2, 1):
        jitter = rng.gumbel(scale=0.25, size=(len(syllables), room.steps + room.meter.steps_per_bar))
        found = _solve(syllables, _Search(room, unit, costs, motif, LINE_SHARE * room.steps / notes, jitter))
        if found is not None and (unit == 1 or notes <= 0.8 * room.steps / unit):
            return found
    raise RequestError(
        f"a line of {len(syllables)} syllables does not fit {room.bars} bars at {room.tempo_bpm:g} BPM "
        f"({room.steps} sixteenths); break the line in two or take a slower song"
    )


def _solve(syllables: Sequence[Sayable], search: _Search) -> tuple[Placement, ...] | None:
    """The cheapest setting, or None where the places do not suffice."""
    places = search.places
    breath = max(1, int(np.ceil(BREATH_S / search.room.step_s / search.unit)))
    count, last = len(places), len(syllables) - 1
    best = np.full((len(syllables), count), _NEVER)
    came_from = np.zeros((len(syllables), count), int)
    at = np.array([[search.at(one, int(step)) for step in places] for one in syllables])
    at += search.jitter[: len(syllables), :count]
    best[0] = at[0] + [search.silence(int(step)) for step in places]
    longest = 2 * search.room.meter.steps_per_bar // search.unit
    for index in range(1, len(syllables)):
        previous = syllables[index - 1]
        lasting = np.full(longest + 1, _NEVER)
        for gap in range(1, longest + 1):
            sung = gap - breath if previous.breaks else gap
            if sung > 0 and not (previous.joined and gap * search.unit > search.room.meter.steps_per_bar):
                lasting[gap] = search.lasting(previous, sung * search.unit, previous.breaks)
        for place in range(index, count):
            gaps = np.arange(1, min(place, longest) + 1)
            totals = best[index - 1, place - gaps] + lasting[gaps]
            chosen = int(np.argmin(totals))
            best[index, place] = totals[chosen] + at[index, place]
            came_from[index, place] = place - gaps[chosen]
    endings = [_ending(syllables[last], int(step), search, breath) for step in places]
    totals = best[last] + [cost for cost, _ in endings]
    end = int(np.argmin(totals))
    if totals[end] >= _NEVER:
        return None
    chain = [end]
    for index in range(last, 0, -1):
        chain.append(int(came_from[index, chain[-1]]))
    steps = [int(places[place]) for place in reversed(chain)]
    return _placements(syllables, steps, endings[end][1], search, breath)


def _ending(syllable: Sayable, step: int, search: _Search, breath: int) -> tuple[float, int]:
    """(cost, end step) of the line's last syllable at ``step``: as long as people hold one, and air before the next."""
    options = []
    for length in range(search.unit * syllable.notes, search.room.steps - step - breath * search.unit + 1, search.unit):
        cost = search.lasting(syllable, length, True) + search.silence(search.room.steps - step - length)
        options.append((cost, step + length))
    return min(options, default=(_NEVER, step))


def _placements(
    syllables: Sequence[Sayable], steps: Sequence[int], end: int, search: _Search, breath: int
) -> tuple[Placement, ...]:
    placed = []
    for index, (syllable, step) in enumerate(zip(syllables, steps, strict=True)):
        until = end if index == len(steps) - 1 else steps[index + 1]
        if syllable.breaks and index < len(steps) - 1:
            until -= breath * search.unit
        placed.append(Placement(_note_onsets(step, until, syllable.notes, search.unit), until))
    return tuple(placed)


def _note_onsets(start: int, end: int, notes: int, unit: int) -> tuple[int, ...]:
    """A melisma's notes: short ones first, the last takes what is left."""
    if notes == 1:
        return (start,)
    length = max(unit, (end - start) // (notes + 1) // unit * unit)
    return tuple(start + number * length for number in range(notes))
