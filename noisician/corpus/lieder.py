"""How people set English words to notes: where syllables fall in the bar and how long they last, from the lieder.

Only songs with English words count (nearly all of them in the pronouncing dictionary), read in written order.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from noisician.corpus.human import HELD_OUT_EVERY
from noisician.errors import CorpusError
from noisician.lyrics import syllabify
from noisician.lyrics.dictionary import lookup
from noisician.lyrics.english import is_function_word
from noisician.lyrics.phones import STRESS_WEIGHTS
from noisician.score.model import METERS, Meter
from noisician.score.musicxml import Measure, Part, WrittenNote, read_mxl
from noisician.vocals.setting import LENGTH_CLASSES, WEIGHTS, SettingCosts, length_class, metric_weight

ENGLISH_SHARE = 0.85  # of the words, by the dictionary
FEWEST_WORDS = 20
PHRASE_REST_BEATS = 0.24  # a rest this long ends a phrase, as a comma does
#: Syllables further from a sixteenth than this are triplets and ornaments, and teach nothing about the grid.
OFF_GRID_STEPS = 0.05
#: (stress, step, meter) of a syllable.
StressedSteps = tuple[int, int, Meter]
_PUNCTUATION = re.compile(r"[,.;:!?—–]\W*$")
_SIGNATURES = {(4, 4): "4/4", (2, 2): "4/4", (2, 4): "4/4", (3, 4): "3/4", (6, 8): "6/8", (3, 8): "6/8"}


@dataclass(frozen=True)
class SetSyllable:
    """One syllable as somebody set it.

    ``step`` is its place in the bar in sixteenths, ``length_steps`` how long it is sung, ``notes`` on how many notes;
    ``stress`` is that of the spoken line: 0 for unstressed syllables and function words, 1 secondary, 2 primary.
    ``ends_phrase``: a rest or punctuation follows.
    """

    meter: Meter
    step: float
    length_steps: float
    notes: int
    stress: int
    ends_phrase: bool


@dataclass
class _Sung:
    """A syllable while its melisma is being read; times in quarters from the start of the part."""

    text: str
    syllabic: str
    meter: Meter
    bar_quarters: float
    start_quarters: float
    end_quarters: float
    notes: int = 1


def english_settings(folder: Path, held_out: bool) -> Iterator[tuple[SetSyllable, ...]]:
    """The syllables of each English song in ``folder/lieder``; every tenth file (by name) is held out.

    Raises CorpusError when the folder holds no scores.
    """
    songs = sorted((folder / "lieder").glob("*.mxl"))
    if not songs:
        raise CorpusError(f"{folder} holds no .mxl scores; it needs the folder lieder")
    for place, path in enumerate(songs, start=1):
        if (place % HELD_OUT_EVERY == 0) == held_out:
            sung = next((part for part in read_mxl(path) if part.sung), None)
            setting = () if sung is None else read_setting(sung)
            if setting:
                yield setting


def read_setting(part: Part) -> tuple[SetSyllable, ...]:
    """The syllables of a sung part; none unless its words are English."""
    words = _words(list(_syllables(part)))
    spelt = [_spelling("".join(syllable.text for syllable in word)) for word in words]
    known = sum(bool(lookup(word)) for word in spelt)
    if len(words) < FEWEST_WORDS or known < ENGLISH_SHARE * len(words):
        return ()
    flat = [syllable for word in words for syllable in word]
    stresses = [stress for word, text in zip(words, spelt, strict=True) for stress in _stresses(text, len(word))]
    out = []
    for place, (syllable, stress) in enumerate(zip(flat, stresses, strict=True)):
        following = flat[place + 1] if place + 1 < len(flat) else None
        rest = following is None or following.start_quarters - syllable.end_quarters > PHRASE_REST_BEATS
        out.append(_set(syllable, stress, rest or bool(_PUNCTUATION.search(syllable.text))))
    return tuple(out)


def _set(syllable: _Sung, stress: int, ends_phrase: bool) -> SetSyllable:
    return SetSyllable(
        syllable.meter,
        4 * syllable.bar_quarters,
        4 * (syllable.end_quarters - syllable.start_quarters),
        syllable.notes,
        stress,
        ends_phrase,
    )


def _syllables(part: Part) -> Iterator[_Sung]:
    """Syllables in order; notes without words, and tied ones, lengthen the syllable before."""
    current: _Sung | None = None
    start_quarters = 0.0
    for measure in part.measures:
        meter = _meter(measure)
        for note in _voice(measure):
            onset = start_quarters + note.onset_quarters
            end = onset + note.duration_quarters
            if note.lyric is None or note.tied:
                if current is not None and onset - current.end_quarters < PHRASE_REST_BEATS:
                    current.end_quarters = max(current.end_quarters, end)
                    current.notes += not note.tied
                continue
            if current is not None:
                yield current
            current = None
            if meter is not None:
                place = note.onset_quarters + _pickup_quarters(measure)
                current = _Sung(note.lyric.text, note.lyric.syllabic, meter, place, onset, end)
        start_quarters += measure.length_quarters
    if current is not None:
        yield current


def _voice(measure: Measure) -> list[WrittenNote]:
    return sorted(measure.notes, key=lambda note: (note.onset_quarters, -note.pitch))


def _meter(measure: Measure) -> Meter | None:
    name = _SIGNATURES.get((measure.beats, measure.beat_type))
    return None if name is None else METERS[name]


def _pickup_quarters(measure: Measure) -> float:
    """How much of the bar a pickup leaves out at its start."""
    missing = measure.nominal_quarters - measure.length_quarters
    return missing if 0 < missing < measure.nominal_quarters else 0.0


def _words(syllables: list[_Sung]) -> list[list[_Sung]]:
    words: list[list[_Sung]] = []
    for syllable in syllables:
        if not words or syllable.syllabic in ("single", "begin"):
            words.append([])
        words[-1].append(syllable)
    return words


def _spelling(text: str) -> str:
    return re.sub(r"[^a-z']", "", text.lower().replace("’", "'"))


def _stresses(word: str, count: int) -> list[int]:
    """The stress of each written syllable; zeros where the dictionary counts others than the composer."""
    for phones in lookup(word):
        found = syllabify(phones)
        if len(found) == count:
            if count == 1 and is_function_word(word):
                return [0]
            return [STRESS_WEIGHTS[syllable.stress] for syllable in found]
    return [0] * count


def learn_costs(settings: Iterable[Sequence[SetSyllable]]) -> SettingCosts:
    """Negative log odds of place and length against chance, with one count added to each cell.

    Lengths at the same place would differ from song to song with the tempo; they are taken as written.
    """
    places = np.ones((3, WEIGHTS))
    lengths = np.ones((3, 2, len(LENGTH_CLASSES)))
    for syllable in chain.from_iterable(settings):
        step = round(syllable.step)
        if abs(syllable.step - step) > OFF_GRID_STEPS:
            continue
        places[syllable.stress, metric_weight(step, syllable.meter)] += 1
        lengths[syllable.stress, int(syllable.ends_phrase), length_class(syllable.length_steps)] += 1
    given_stress = places / places.sum(axis=1, keepdims=True)
    overall = places.sum(axis=0) / places.sum()
    share = lengths / lengths.sum(axis=2, keepdims=True)
    return SettingCosts(place=-np.log(given_stress / overall), length=-np.log(share))


def stress_agreement(lines: Iterable[Sequence[StressedSteps]]) -> float:
    """Share of neighbours of unlike stress of which the more stressed has the stronger place.

    ``lines`` hold (stress, step, meter) of syllables in order; neighbours on equally strong places count half.
    """
    scores = []
    for line in lines:
        for (left, left_step, meter), (right, right_step, _) in pairwise(line):
            if (left > 0) != (right > 0):
                difference = metric_weight(left_step, meter) - metric_weight(right_step, meter)
                scores.append(0.5 if difference == 0 else float((difference > 0) == (left > right)))
    return float(np.mean(scores)) if scores else float("nan")


def human_stresses(setting: Sequence[SetSyllable]) -> list[list[StressedSteps]]:
    """A composer's setting for :func:`stress_agreement`, phrase by phrase; syllables off the grid part the phrase."""
    lines: list[list[StressedSteps]] = [[]]
    for syllable in setting:
        step = round(syllable.step)
        if abs(syllable.step - step) > OFF_GRID_STEPS:
            lines.append([])
            continue
        lines[-1].append((syllable.stress, step, syllable.meter))
        if syllable.ends_phrase:
            lines.append([])
    return [line for line in lines if line]


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn where syllables fall and how long they last.")
    parser.add_argument("scores", type=Path, help="folder of the CC0 scores, with lieder/")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    learnt, held_out = (list(english_settings(options.scores, kept)) for kept in (False, True))
    options.out.write_text(learn_costs(learnt).to_json(), encoding="utf-8")
    rate = stress_agreement(chain.from_iterable(map(human_stresses, held_out)))
    print(f"{len(learnt)} English songs; stressed syllables on stronger beats in {len(held_out)} held out: {rate:.1%}")


if __name__ == "__main__":
    main()
