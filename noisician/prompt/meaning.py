"""Nearest meaning for words no lexicon lists, by static word vectors (``weights/text``).

The vectors come from ``training.text_vectors``; a clause is compared with the describing words of every genre
and mood: names, sentences, synonyms and the scenes of ``styles/words.toml``.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from noisician import styles
from noisician.errors import WeightsError
from noisician.prompt.lexicon import lexicon

THRESHOLDS = {"genres": 0.33, "moods": 0.3}
"""Smallest likeness that counts as understood, chosen on one half of the oblique prompts of the tests."""

LONE_WORD_MARGIN = 0.1
"""A single word proves less: it must be this much more alike."""

CONTEXT_WEIGHT = 0.4
"""How much the words around an unknown one, themselves understood, add to its meaning."""

WORD_FLOOR = 0.2
"""A word of an understood clause that is less alike than this had no part in it: it stays not understood."""


@dataclass(frozen=True)
class Vectors:
    """``rows`` (vocabulary, dimensions) int8 and ``scales`` (vocabulary, 1) float16; row 0 is unknown."""

    vocabulary: Mapping[str, int]
    rows: np.ndarray
    scales: np.ndarray

    def embed(self, word: str) -> np.ndarray:
        """Sum over the pieces of ``word``: (dimensions,) float32, zero if it is unknown."""
        ids = pieces(word, self.vocabulary)
        return (self.rows[ids].astype(np.float32) * self.scales[ids].astype(np.float32)).sum(axis=0)


@dataclass(frozen=True)
class Nearest:
    field: str  # "genres" or "moods"
    id: str
    likeness: float
    words: tuple[str, ...]  # those that carried it


def pieces(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The word itself, else its longest known beginning and ``##`` endings (WordPiece); empty if there is a gap."""
    plain = unicodedata.normalize("NFD", word.lower())
    rest = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    found, prefix = [], ""
    while rest:
        length = next((n for n in range(len(rest), 0, -1) if prefix + rest[:n] in vocabulary), 0)
        if not length:
            return []
        found.append(vocabulary[prefix + rest[:length]])
        rest, prefix = rest[length:], "##"
    return found


@cache
def vectors() -> Vectors:
    """The shipped word vectors, read once.

    Raises WeightsError if they are missing or do not belong together.
    """
    folder = Path(__file__).parents[1] / "weights" / "text"
    try:
        vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        with np.load(folder / "vectors.npz") as arrays:
            rows, scales = arrays["rows"], arrays["scales"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise WeightsError(f"cannot read the word vectors in {folder}: {error}; reinstall noisician") from error
    if len(rows) != len(vocabulary) or len(scales) != len(rows):
        raise WeightsError(
            f"word vectors in {folder} have {len(rows)} rows for {len(vocabulary)} words; "
            "they are of two versions: reinstall noisician"
        )
    return Vectors(vocabulary, rows, scales)


@lru_cache(maxsize=8192)
def word_vector(word: str) -> np.ndarray:
    """(dimensions,) float32, its length growing with how much the word tells; zero if it is unknown."""
    return vectors().embed(word)


@dataclass(frozen=True)
class Target:
    """One genre or mood: the unit vectors of its whole text and of each of its words (words, dimensions)."""

    whole: np.ndarray
    words: np.ndarray


def describing_text(field: str, id_: str) -> str:
    """Everything that says what an id is about: name, sentence, synonyms and scenes."""
    entry = styles.table(field)[id_]
    scenes = styles.table("words")["scenes"][field].get(id_, "")
    return " ".join([entry["name"], entry["description"], *entry["synonyms"], scenes])


@cache
def targets(field: str) -> dict[str, Target]:
    """What words can mean: moods, and genres that are no shade of another; those are called by their names."""
    ids = styles.learnt_genres() if field == "genres" else styles.table(field)
    return {id_: _target(describing_text(field, id_)) for id_ in ids}


def _target(text: str) -> Target:
    words = dict.fromkeys(re.findall(r"[a-z]+", text.lower()))
    each = np.stack([word_vector(word) for word in content_words(words)])
    return Target(_unit(each.sum(axis=0)), each / np.linalg.norm(each, axis=1, keepdims=True))


def content_words(words: Iterable[str]) -> list[str]:
    """The words with a vector of their own that are no mere function words."""
    ignored = lexicon().function_words
    return [word for word in words if word not in ignored and word_vector(word).any()]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def similarity(clause: np.ndarray, target: Target) -> float:
    """Likeness of ``clause`` (words, dimensions), between −1 and 1.

    Half is the cosine of the two sums, which weighs the whole; half is each word's best match among the
    target's words (as in ColBERT's MaxSim, SIGIR 2020), weighted by how much the word tells.
    """
    tells = np.linalg.norm(clause, axis=1)
    best = (clause @ target.words.T).max(axis=1)  # not yet divided by the words' own norms
    return 0.5 * float(_unit(clause.sum(axis=0)) @ target.whole) + 0.5 * float(best.sum() / tells.sum())


def similarities(field: str, words: Sequence[str], context: Sequence[str] = ()) -> dict[str, float]:
    """Likeness of every id of ``field`` to a clause: its unknown ``words`` and those understood around them.

    All of them are :func:`content_words`, at least one in ``words``.
    """
    clause = [word_vector(word) for word in words] + [CONTEXT_WEIGHT * word_vector(word) for word in context]
    stacked = np.stack(clause)
    return {id_: similarity(stacked, target) for id_, target in targets(field).items()}


def nearest(field: str, words: Sequence[str], context: Sequence[str] = ()) -> Nearest | None:
    """The id of ``field`` closest in meaning to a clause, or None below the threshold."""
    known = content_words(dict.fromkeys(words))
    if not known:
        return None
    around = content_words(dict.fromkeys(context))
    found = similarities(field, known, around)
    id_ = max(found, key=found.__getitem__)
    margin = LONE_WORD_MARGIN if len(known) + len(around) == 1 else 0.0
    if found[id_] < THRESHOLDS[field] + margin:
        return None
    target = targets(field)[id_]
    carried = tuple(word for word in known if similarity(word_vector(word)[None], target) >= WORD_FLOOR)
    return Nearest(field, id_, found[id_], carried) if carried else None
