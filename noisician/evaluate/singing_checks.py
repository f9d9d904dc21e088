"""Is everything sung, and well set? Checks of the way from a text to sung phones, before any sound is made.

A syllable counts as sung when it has exactly one place, after the one before it and inside its line's bars, with as
many notes as the text asks for; and when, performed, its phones sound once each, in order, its vowel beginning in its
first note and lasting into its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from noisician.corpus.lieder import StressedSteps, stress_agreement
from noisician.errors import RequestError
from noisician.evaluate.singing_texts import Text
from noisician.lyrics import Lyrics, LyricSyllable, SungWord, parse
from noisician.lyrics.phones import STRESS_WEIGHTS, VOWELS, bare, stress_digit
from noisician.score.model import METERS, Meter
from noisician.vocals.form import SetLine, plan_form, set_song
from noisician.vocals.frames import FRAME_RATE_HZ, Performance, SungNote, SungSyllable
from noisician.vocals.performance import perform
from noisician.vocals.phones import PHONE_IDS
from noisician.vocals.setting import PICKUP_SHARE
from noisician.vocals.song import sung_parts
from noisician.vocals.style import SingingStyle
from noisician.vocals.timing import LAG_LIMIT_S

ENERGY, PITCH = 0.5, 60.0
#: Songs are compared with their composers' by neighbours inside a line: at least so many unlike ones.
FEWEST_PAIRS = 10


@dataclass(frozen=True)
class SetText:
    """A text with the rhythm it is sung in: for every line its words and where its syllables stand."""

    lyrics: Lyrics
    meter: Meter
    tempo_bpm: float
    words: tuple[tuple[SungWord, ...], ...]
    lines: tuple[SetLine, ...]

    @property
    def step_s(self) -> float:
        return 60.0 / self.tempo_bpm / self.meter.steps_per_beat


@dataclass(frozen=True)
class Completeness:
    """``sung`` of ``syllables`` syllables are; ``words_kept``: the text was read without losing or inventing a word."""

    syllables: int
    sung: int
    words_kept: bool


def set_text(text: Text, seed: int) -> SetText:
    """The text in the rhythm a song would have. Raises RequestError for one that cannot be sung."""
    lyrics = parse(text.lyrics)
    parts, words = sung_parts(lyrics)
    meter = METERS[text.meter]
    form = plan_form(parts, meter, text.tempo_bpm, ENERGY)
    return SetText(lyrics, meter, text.tempo_bpm, words, set_song(parts, form, meter, text.tempo_bpm, seed))


def completeness(text: Text, seed: int) -> Completeness:
    """How much of a text is sung; of one that is refused, nothing."""
    try:
        setting = set_text(text, seed)
    except RequestError:
        return Completeness(len(text.words), 0, False)
    kept = tuple(word.text for line in setting.words for word in line) == text.words
    wanted = [len(_syllables(line)) for line in setting.words]
    if len(setting.lines) != len(wanted):
        return Completeness(sum(wanted), 0, kept)
    busy_until = 0
    sung = 0
    for words, line in zip(setting.words, setting.lines, strict=True):
        good = np.array(placed_well(words, line, setting.meter, busy_until))
        if len(good) and good.all():  # what has no place cannot be performed
            good &= np.array(performed_well(words, line, setting, seed))
        sung += int(good.sum())
        busy_until = max([busy_until, *(end for _, end in line.steps(setting.meter))])
    return Completeness(sum(wanted), sung, kept)


def _syllables(line: Sequence[SungWord]) -> list[LyricSyllable]:
    return [syllable for word in line for syllable in word.syllables]


def placed_well(words: Sequence[SungWord], line: SetLine, meter: Meter, busy_until: int) -> list[bool]:
    """For each syllable of a line whether it has its own place; ``busy_until`` is the step the line before ends at."""
    syllables, placed = _syllables(words), line.steps(meter)
    if len(placed) != len(syllables):
        return [False] * len(syllables)
    first = line.where.start_bar * meter.steps_per_bar
    earliest = max(busy_until, first - int(PICKUP_SHARE * meter.steps_per_bar))
    latest = first + line.where.bars * meter.steps_per_bar
    good, free_from = [], earliest
    for syllable, (onsets, end) in zip(syllables, placed, strict=True):
        edges = (*onsets, end)
        rising = all(start < stop for start, stop in pairwise(edges))
        inside = free_from <= edges[0] and end <= latest
        good.append(rising and inside and len(onsets) == 1 + syllable.melisma)
        free_from = end
    return good


def performed_well(words: Sequence[SungWord], line: SetLine, setting: SetText, seed: int) -> list[bool]:
    """For each syllable of a placed line whether it sounds; lead and backing words are sung by two singers."""
    placed = iter(line.steps(setting.meter))
    singers: dict[bool, list[SungSyllable]] = {False: [], True: []}
    order: list[tuple[bool, int]] = []
    for word in words:
        for syllable in word.syllables:
            onsets, end = next(placed)
            order.append((word.backing, len(singers[word.backing])))
            singers[word.backing].append(_sung(syllable, (*onsets, end), setting.step_s))
    heard = {
        backing: sounds(phrase, perform(phrase, SingingStyle(), seed)) if phrase else []
        for backing, phrase in singers.items()
    }
    return [heard[backing][place] for backing, place in order]


def _sung(syllable: LyricSyllable, edges: Sequence[int], step_s: float) -> SungSyllable:
    pitches = (PITCH + number for number in range(len(edges)))  # a melisma climbs
    notes = (
        SungNote(pitch, start * step_s, end * step_s)
        for pitch, (start, end) in zip(pitches, pairwise(edges), strict=False)
    )
    stress = stress_digit(syllable.phones)
    return SungSyllable(syllable.phones, tuple(notes), syllable.word_start, syllable.word_end, stress, syllable.accent)


def sounds(phrase: Sequence[SungSyllable], performance: Performance) -> list[bool]:
    """For each syllable of a phrase whether the performance sings all of it, once, on its notes."""
    return [_sounds(number, syllable, performance) for number, syllable in enumerate(phrase)]


def _sounds(number: int, syllable: SungSyllable, performance: Performance) -> bool:
    phones = [phone for phone in performance.phones if phone.syllable == number]
    if [phone.phone for phone in phones] != [bare(phone) for phone in syllable.phones]:
        return False
    if any(phone.end_s <= phone.start_s for phone in phones):
        return False
    vowels = [phone for phone in phones if phone.phone in VOWELS]
    if len(vowels) != 1:
        return False
    (vowel,) = vowels
    begins, ends = (time_s + performance.start_s for time_s in (vowel.start_s, vowel.end_s))
    first, last = syllable.notes[0], syllable.notes[-1]
    on_notes = first.start_s - LAG_LIMIT_S - 1e-6 <= begins < first.end_s and last.start_s < ends
    frames = performance.frames.phone[round(vowel.start_s * FRAME_RATE_HZ) : round(vowel.end_s * FRAME_RATE_HZ) + 1]
    return bool(on_notes and (frames == PHONE_IDS[vowel.phone]).any())


def our_stresses(setting: SetText) -> list[list[StressedSteps]]:
    """(stress, step, meter) of each line's syllables, stresses counted as those of the composers' settings are."""
    lines = []
    for words, line in zip(setting.words, setting.lines, strict=True):
        stresses = [stress for word in words for stress in _spoken_stresses(word)]
        steps = [onsets[0] for onsets, _ in line.steps(setting.meter)]
        lines.append([(stress, step, setting.meter) for stress, step in zip(stresses, steps, strict=True)])
    return lines


def _spoken_stresses(word: SungWord) -> list[int]:
    """0 for words of grammar in one syllable and what the dictionary leaves unstressed, else 1 or 2."""
    if len(word.syllables) == 1 and word.syllables[0].is_function_word:
        return [0]
    return [STRESS_WEIGHTS[stress_digit(syllable.phones)] for syllable in word.syllables]


def agreement(lines: Sequence[Sequence[StressedSteps]]) -> tuple[float, int] | None:
    """(share of unlike neighbours of which the more stressed stands stronger, number of them), None for too few."""
    pairs = sum((left[0] > 0) != (right[0] > 0) for line in lines for left, right in pairwise(line))
    return (stress_agreement(lines), pairs) if pairs >= FEWEST_PAIRS else None
