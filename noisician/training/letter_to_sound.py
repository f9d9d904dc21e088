"""Pack CMUdict and train the letter-to-sound model of ``lyrics.letters`` on it.

    python -m noisician.training.letter_to_sound --cmudict cmudict.dict --out noisician/lyrics/data

Spelling and phones are aligned by expectation maximisation into graphones of one letter with 0 … 2 phones or two
letters with one (Jiampojamarn et al., NAACL 2007). Over rows of graphones stands an n-gram model with interpolated
modified Kneser-Ney smoothing (Chen & Goodman 1999), pruned by how much each n-gram matters (Stolcke 1998). Every
twentieth word is held out and measured. NumPy only, a few minutes on one core.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisician.lyrics.dictionary import pack, read_entries
from noisician.lyrics.letters import END, START, Level, from_arrays, settle_stress, to_arrays
from noisician.lyrics.phones import Pronunciation

HELD_OUT_EVERY = 20
MOVES = ((1, 1), (1, 0), (2, 1), (1, 2))
"""(letters, phones) a graphone may take."""
RAREST_GRAPHONE = 4

Graphone = tuple[str, Pronunciation]
Entries = dict[str, tuple[Pronunciation, ...]]


@dataclass(frozen=True)
class TrainingSettings:
    order: int = 7
    variants: int = 2
    alignment_rounds: int = 6
    alignment_words: int = 20_000
    prune_below: float = 1.0  # nats that all uses of an n-gram together gain over leaving it out


def split(entries: Entries) -> tuple[Entries, Entries]:
    """Training and held-out words: every twentieth of the sorted plain words."""
    plain = sorted(word for word in entries if re.fullmatch("[a-z]{2,}", word))
    held_out = set(plain[::HELD_OUT_EVERY])
    train = {word: entries[word] for word in plain if word not in held_out}
    return train, {word: entries[word] for word in sorted(held_out)}


def bare(phones: Iterable[str]) -> Pronunciation:
    return tuple(phone.rstrip("012") for phone in phones)


class Aligner:
    """Probabilities of (letters, phones without stress) pairs, and the best segmentation under them."""

    def __init__(self) -> None:
        self.log_probability: dict[Graphone, float] = {}
        self._floor = 0.0

    def fit(self, pairs: Sequence[tuple[str, Pronunciation]], rounds: int) -> None:
        for _ in range(rounds):
            counts: Counter[Graphone] = Counter()
            for letters, phones in pairs:
                self._expect(letters, phones, counts)
            total = sum(counts.values())
            self.log_probability = {pair: np.log(count / total) for pair, count in counts.items() if count > 1e-6}
            self._floor = float(np.log(0.01 / total))

    def _edges(self, letters: str, phones: Pronunciation) -> Iterator[tuple[int, int, int, int, float]]:
        for i in range(len(letters)):
            for j in range(len(phones) + 1):
                for di, dj in MOVES:
                    if i + di <= len(letters) and j + dj <= len(phones):
                        pair = (letters[i : i + di], phones[j : j + dj])
                        yield i, j, i + di, j + dj, self.log_probability.get(pair, self._floor)

    def _expect(self, letters: str, phones: Pronunciation, counts: Counter[Graphone]) -> None:
        """Adds the expected uses of each pair in one word (forward-backward)."""
        edges = [(i, j, k, m, float(np.exp(cost))) for i, j, k, m, cost in self._edges(letters, phones)]
        forward: dict[tuple[int, int], float] = defaultdict(float)
        backward: dict[tuple[int, int], float] = defaultdict(float)
        forward[0, 0] = 1.0
        goal = (len(letters), len(phones))
        backward[goal] = 1.0
        for i, j, k, m, p in edges:
            forward[k, m] += forward[i, j] * p
        for i, j, k, m, p in reversed(edges):
            backward[i, j] += backward[k, m] * p
        if forward[goal] <= 0:
            return
        for i, j, k, m, p in edges:
            share = forward[i, j] * p * backward[k, m] / forward[goal]
            if share > 1e-4:
                counts[letters[i:k], phones[j:m]] += share  # pyright: ignore[reportArgumentType]

    def align(self, letters: str, phones: Pronunciation) -> list[Graphone]:
        """The likeliest graphones, phones with their stress; empty when the word is too irregular to align."""
        best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
        for i, j, k, m, cost in self._edges(letters, bare(phones)):
            here = best.get((i, j))
            if here is not None and (here[0] + cost > best.get((k, m), (-np.inf,))[0]):
                best[k, m] = (here[0] + cost, (i, j))
        row: list[Graphone] = []
        place = (len(letters), len(phones))
        if place not in best:
            return []
        while place != (0, 0):
            i, j = best[place][1]
            row.append((letters[i : place[0]], tuple(phones[j : place[1]])))
            place = (i, j)
        return row[::-1]


def align_all(train: Entries, settings: TrainingSettings) -> list[list[Graphone]]:
    """A row of graphones for each word and variant that uses none that is rare."""
    pairs = [(word, phones) for word, variants in train.items() for phones in variants[: settings.variants]]
    aligner = Aligner()
    stride = max(1, len(pairs) // settings.alignment_words)
    aligner.fit([(word, bare(phones)) for word, phones in pairs[::stride]], settings.alignment_rounds)
    rows = [row for word, phones in pairs if (row := aligner.align(word, phones))]
    uses = Counter(graphone for row in rows for graphone in row)
    return [row for row in rows if all(uses[graphone] >= RAREST_GRAPHONE for graphone in row)]


@dataclass(frozen=True)
class Counts:
    """The n-grams of one length. Arrays by node; ``suffix`` is the node one level up without the first symbol."""

    parent: np.ndarray
    symbol: np.ndarray
    suffix: np.ndarray
    uses: np.ndarray
    from_start: np.ndarray


def count_ngrams(rows: Sequence[Sequence[int]], symbols: int, order: int) -> list[Counts]:
    """Levels 1 … ``order`` over ``rows`` of symbols, each between START and END."""
    tokens = np.array([symbol for row in rows for symbol in (START, *row, END)], np.int64)
    starts = np.flatnonzero(tokens == START)
    since_start = np.arange(len(tokens)) - starts[np.searchsorted(starts, np.arange(len(tokens)), side="right") - 1]
    every = np.arange(symbols)
    uses = np.bincount(tokens, minlength=symbols).astype(np.float64)
    uses[START] = 0.0
    levels = [Counts(np.zeros(symbols, np.int64), every, np.zeros(symbols, np.int64), uses, every == START)]
    node = tokens.copy()
    for length in range(2, order + 1):
        ends = np.flatnonzero(since_start >= length - 1)
        keys, inverse = np.unique(node[ends - 1] * symbols + tokens[ends], return_inverse=True)
        suffix = np.zeros(len(keys), np.int64)
        suffix[inverse] = node[ends]
        from_start = np.zeros(len(keys), bool)
        from_start[inverse] = since_start[ends] == length - 1
        uses = np.bincount(inverse, minlength=len(keys)).astype(np.float64)
        levels.append(Counts(keys // symbols, keys % symbols, suffix, uses, from_start))
        node = np.full(len(tokens), -1, np.int64)
        node[ends] = inverse
    return levels


def discounts(counts: np.ndarray) -> np.ndarray:
    """Chen & Goodman's D1, D2, D3+ (index 1 … 3) from the numbers of n-grams seen once … four times."""
    seen = [float(np.sum(counts == times)) for times in range(1, 5)]
    if min(seen) == 0:
        return np.array([0.0, 0.5, 0.75, 0.9])
    y = seen[0] / (seen[0] + 2 * seen[1])
    steps = [times - (times + 1) * y * seen[times] / seen[times - 1] for times in (1, 2, 3)]
    return np.array([0.0, *np.clip(steps, 0.05, [0.95, 1.9, 2.9])])


def smooth(levels: list[Counts]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Interpolated modified Kneser-Ney: probability of each node, and of each node as context the weight left."""
    probabilities: list[np.ndarray] = []
    left: list[np.ndarray] = []
    for length, level in enumerate(levels, start=1):
        counts = level.uses
        if length < len(levels):
            continuations = np.bincount(levels[length].suffix, minlength=len(counts)).astype(np.float64)
            counts = np.where(level.from_start, level.uses, continuations)
        amount = discounts(counts)[np.minimum(counts, 3).astype(np.int64)]
        contexts = 1 if length == 1 else len(levels[length - 2].symbol)
        totals = np.maximum(np.bincount(level.parent, counts, contexts), 1e-9)
        weight = np.bincount(level.parent, np.minimum(amount, counts), contexts) / totals
        lower = np.full(len(counts), 1.0 / len(counts)) if length == 1 else probabilities[-1][level.suffix]
        probabilities.append(np.maximum(counts - amount, 0) / totals[level.parent] + weight[level.parent] * lower)
        left.append(weight)
    return probabilities, left


def prune(levels: list[Counts], probabilities: list[np.ndarray], left: list[np.ndarray], below: float) -> list[Level]:
    """Drops n-grams that gain less than ``below`` nats over backing off, longest first, and renormalises."""
    keep = [np.ones(len(level.symbol), bool) for level in levels]
    for depth in range(len(levels) - 1, 0, -1):
        level = levels[depth]
        shorter = left[depth][level.parent] * probabilities[depth - 1][level.suffix]
        gain = level.uses * (np.log(probabilities[depth]) - np.log(np.maximum(shorter, 1e-30)))
        needed = np.zeros(len(level.symbol), bool)
        if depth + 1 < len(levels):
            needed[levels[depth + 1].parent[keep[depth + 1]]] = True
        keep[depth] = needed | (gain >= below)
    packed: list[Level] = []
    place = np.arange(len(levels[0].symbol))
    for depth, level in enumerate(levels):
        kept = keep[depth]
        following = len(level.symbol)
        backoff = np.zeros(following)
        if depth + 1 < len(levels):
            children, chosen = levels[depth + 1], keep[depth + 1]
            parents = children.parent[chosen]
            taken = np.bincount(parents, probabilities[depth + 1][chosen], following)
            covered = np.bincount(parents, probabilities[depth][children.suffix[chosen]], following)
            backoff = np.log(np.clip(1 - taken, 1e-4, 1)) - np.log(np.clip(1 - covered, 1e-4, 1))
        parent = place[level.parent] if depth else np.zeros(following, np.int64)
        contexts = len(packed[-1].symbol) if packed else 1
        packed.append(
            Level(
                first=np.concatenate([[0], np.cumsum(np.bincount(parent[kept], minlength=contexts))]).tolist(),
                symbol=level.symbol[kept].tolist(),
                log_probability=np.log(np.maximum(probabilities[depth][kept], 1e-7)).tolist(),
                backoff=backoff[kept].tolist(),
            )
        )
        place = np.cumsum(kept) - 1
    return packed


def train(entries: Entries, settings: TrainingSettings) -> dict[str, np.ndarray]:
    """The arrays of the model's file."""
    rows = align_all(entries, settings)
    graphones: list[Graphone] = [("<s>", ()), ("</s>", ()), *sorted({graphone for row in rows for graphone in row})]
    number = {graphone: symbol for symbol, graphone in enumerate(graphones)}
    levels = count_ngrams([[number[graphone] for graphone in row] for row in rows], len(graphones), settings.order)
    probabilities, left = smooth(levels)
    kept = prune(levels, probabilities, left, settings.prune_below)
    print(f"{len(rows)} rows, {len(graphones)} graphones, n-grams {[len(level.symbol) for level in kept]}")
    return to_arrays(graphones, kept)


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        row = [i]
        for j, b in enumerate(right, start=1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
        previous = row
    return previous[-1]


@dataclass(frozen=True)
class Accuracy:
    """Shares against the nearest listed variant, with stress digits and without."""

    phone_errors: float
    words_right: float
    bare_phone_errors: float
    bare_words_right: float
    syllable_counts_right: float


def measure(read: Callable[[str], Pronunciation], held_out: Entries) -> Accuracy:
    errors = bare_errors = length = right = bare_right = counts = 0
    for word, variants in held_out.items():
        got = read(word)
        distance, size = min((edit_distance(got, phones), len(phones)) for phones in variants)
        bare_distance = min(edit_distance(bare(got), bare(phones)) for phones in variants)
        errors, bare_errors, length = errors + distance, bare_errors + bare_distance, length + size
        right, bare_right = right + (distance == 0), bare_right + (bare_distance == 0)
        vowels = {sum(phone[-1].isdigit() for phone in phones) for phones in variants}
        counts += sum(phone[-1].isdigit() for phone in got) in vowels
    words = len(held_out)
    return Accuracy(errors / length, right / words, bare_errors / length, bare_right / words, counts / words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmudict", type=Path, required=True, help="cmudict.dict as Carnegie Mellon publishes it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--order", type=int, default=TrainingSettings.order)
    parser.add_argument("--prune-below", type=float, default=TrainingSettings.prune_below)
    args = parser.parse_args()
    entries = read_entries(args.cmudict.read_text(encoding="utf-8"))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "cmudict.gz").write_bytes(pack(entries))
    known, held_out = split(entries)
    arrays = train(known, TrainingSettings(order=args.order, prune_below=args.prune_below))
    path = args.out / "letter_to_sound.npz"
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]
    model = from_arrays(arrays)
    print(measure(lambda word: settle_stress(model.phones(word)), held_out))
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
