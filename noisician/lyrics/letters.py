"""Letters to phones for words no dictionary has: a joint n-gram model, trained on CMUdict.

A word is written as a row of graphones, each a piece of spelling with the phones it stands for (Bisani & Ney, Speech
Communication 2008); an n-gram model says how likely the row is, and a beam finds the likeliest row of a spelling.
Trained by :mod:`noisician.training.letter_to_sound`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files

import numpy as np

from noisician.errors import WeightsError
from noisician.lyrics.phones import Pronunciation, is_vowel

START, END = 0, 1
#: Log probabilities and back-off weights are stored in steps of this, as bytes: −15.9 … 0 and −4 … +11.9.
LOG_STEP = 1 / 16
BACKOFF_OFFSET = 64
BEAM = 12


@dataclass(frozen=True)
class Level:
    """All n-grams of one length, as children of the shorter ones.

    ``first[node] : first[node + 1]`` are the children of a node one level up, ``symbol`` ascending among them.
    """

    first: list[int]
    symbol: list[int]
    log_probability: list[float]
    backoff: list[float]

    def child(self, node: int, symbol: int) -> int:
        """The n-gram ``node`` followed by ``symbol``, or −1."""
        low, high = self.first[node], self.first[node + 1]
        place = bisect_left(self.symbol, symbol, low, high)
        return place if place < high and self.symbol[place] == symbol else -1


@dataclass(frozen=True)
class Hypothesis:
    """A row of graphones: its log probability, the nodes of its ends (longest last) and the row itself."""

    log_probability: float
    contexts: tuple[int, ...]
    row: tuple[int, ...]


class JointModel:
    """An n-gram model over graphones. ``graphones[symbol]`` is (letters, phones); the first two mark start and end."""

    def __init__(self, graphones: list[tuple[str, Pronunciation]], levels: list[Level]) -> None:
        self._graphones, self._levels = graphones, levels
        self._by_letters: dict[str, list[int]] = {}
        for symbol, (letters, _) in enumerate(graphones):
            self._by_letters.setdefault(letters, []).append(symbol)
        self._longest = max(len(letters) for letters in self._by_letters)

    def phones(self, letters: str) -> Pronunciation:
        """The likeliest phones of a spelling in a … z; empty when the model has no reading of it."""
        beams: list[list[Hypothesis]] = [[] for _ in range(len(letters) + 1)]
        beams[0] = [Hypothesis(0.0, (START,), ())]
        for place in range(len(letters)):
            alive = _best(beams[place])
            for length in range(1, min(self._longest, len(letters) - place) + 1):
                for symbol in self._by_letters.get(letters[place : place + length], ()):
                    beams[place + length].extend(self._extend(hypothesis, symbol) for hypothesis in alive)
        complete = _best(self._extend(hypothesis, END) for hypothesis in _best(beams[-1]))
        if not complete:
            return ()
        return tuple(phone for symbol in complete[0].row for phone in self._graphones[symbol][1])

    def graphone_scores(self) -> Iterator[tuple[str, Pronunciation, float]]:
        """Letters, phones and log probability of every graphone by itself."""
        for symbol, (letters, phones) in enumerate(self._graphones):
            if symbol not in (START, END):
                yield letters, phones, self._levels[0].log_probability[symbol]

    def _extend(self, hypothesis: Hypothesis, symbol: int) -> Hypothesis:
        log_probability = 0.0
        found = [symbol]
        reached = False
        for length in range(len(hypothesis.contexts), 0, -1):
            node = hypothesis.contexts[length - 1]
            child = -1 if node < 0 or length >= len(self._levels) else self._levels[length].child(node, symbol)
            found.insert(1, child)
            if reached:
                continue
            if child >= 0:
                log_probability += self._levels[length].log_probability[child]
                reached = True
            elif node >= 0 and length < len(self._levels):
                log_probability += self._levels[length - 1].backoff[node]
        if not reached:
            log_probability += self._levels[0].log_probability[symbol]
        contexts = tuple(found[: len(self._levels) - 1])
        row = hypothesis.row if symbol == END else (*hypothesis.row, symbol)
        return Hypothesis(hypothesis.log_probability + log_probability, contexts, row)


def _best(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    """The likeliest few, one for each state of the model."""
    ranked = sorted(hypotheses, key=lambda hypothesis: -hypothesis.log_probability)
    distinct: dict[tuple[int, ...], Hypothesis] = {}
    for hypothesis in ranked:
        distinct.setdefault(hypothesis.contexts, hypothesis)
        if len(distinct) == BEAM:
            break
    return list(distinct.values())


def settle_stress(phones: Pronunciation) -> Pronunciation:
    """``phones`` with exactly one primary stress: later ones turn secondary, a missing one is the first vowel's."""
    vowels = [place for place, phone in enumerate(phones) if is_vowel(phone)]
    if not vowels:
        return phones
    settled = list(phones)
    primary = next((place for place in vowels if phones[place].endswith("1")), None)
    if primary is None:
        primary = next((place for place in vowels if phones[place].endswith("2")), vowels[0])
    for place in vowels:
        if place == primary:
            settled[place] = phones[place][:-1] + "1"
        elif phones[place].endswith("1"):
            settled[place] = phones[place][:-1] + "2"
    return tuple(settled)


@lru_cache(maxsize=4096)
def letter_to_sound(letters: str) -> Pronunciation:
    """The likeliest phones of a spelling in a … z, one primary stress; empty when there is no reading with a vowel."""
    phones = settle_stress(model().phones(letters))
    return phones if any(map(is_vowel, phones)) else ()


@cache
def model() -> JointModel:
    """The trained model, read once. Raises WeightsError when its file is missing or damaged."""
    with as_file(files("noisician.lyrics").joinpath("data/letter_to_sound.npz")) as path:
        try:
            with np.load(path) as arrays:
                return from_arrays({name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError) as broken:
            raise WeightsError(f"{path} cannot be read ({broken}); reinstall noisician") from broken


def to_arrays(graphones: list[tuple[str, Pronunciation]], levels: list[Level]) -> dict[str, np.ndarray]:
    """What the file holds: children counted a node (uint16), symbols (uint16), probabilities in bytes."""
    names = "\n".join(" ".join((letters, *phones)) for letters, phones in graphones)
    arrays: dict[str, np.ndarray] = {"graphones": np.frombuffer(names.encode(), np.uint8)}
    for order, level in enumerate(levels, start=1):
        log_probability = np.round(-np.array(level.log_probability) / LOG_STEP)
        backoff = np.round(np.array(level.backoff) / LOG_STEP) + BACKOFF_OFFSET
        arrays[f"children{order}"] = np.diff(level.first).astype(np.uint16)
        arrays[f"symbol{order}"] = np.array(level.symbol, np.uint16)
        arrays[f"log_probability{order}"] = log_probability.clip(0, 255).astype(np.uint8)
        arrays[f"backoff{order}"] = backoff.clip(0, 255).astype(np.uint8)
    return arrays


def from_arrays(arrays: dict[str, np.ndarray]) -> JointModel:
    """The model :func:`to_arrays` wrote."""
    graphones = []
    for line in arrays["graphones"].tobytes().decode().split("\n"):
        letters, *phones = line.split(" ")
        graphones.append((letters, tuple(phones)))
    levels = []
    order = 1
    while f"symbol{order}" in arrays:
        counts = arrays[f"children{order}"].astype(np.int64)
        levels.append(
            Level(
                first=np.concatenate([[0], np.cumsum(counts)]).tolist(),
                symbol=arrays[f"symbol{order}"].tolist(),
                log_probability=(arrays[f"log_probability{order}"] * -LOG_STEP).tolist(),
                backoff=((arrays[f"backoff{order}"].astype(np.float64) - BACKOFF_OFFSET) * LOG_STEP).tolist(),
            )
        )
        order += 1
    if not levels or not math.isfinite(sum(levels[0].log_probability)):
        raise ValueError("no n-grams")
    return JointModel(graphones, levels)
