"""Syllables on notes → phone times.

The vowel of a syllable begins on its note (the perceptual beat of a syllable lies at its vowel's onset; Sundberg &
Bauer-Huppmann 2007 find sung accompaniment aligned to it). What precedes the vowel borrows from the note or silence
before, what follows it takes its natural length from the end of its own last note, and the vowel fills the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from noisician.lyrics.phones import (
    DIPHTHONGS,
    GLIDES,
    LIQUIDS,
    NASALS,
    SONORANTS,
    UNVOICED_AFFRICATES,
    UNVOICED_FRICATIVES,
    UNVOICED_STOPS,
    VOICED_AFFRICATES,
    VOICED_FRICATIVES,
    VOICED_STOPS,
    VOWELS,
    bare,
)
from noisician.vocals.frames import SungNote, SungSyllable, TimedPhone
from noisician.vocals.phones import BREATH, PAUSE, PHONE_IDS
from noisician.vocals.style import SingingStyle

#: Natural length of a sung consonant by class, seconds.
CONSONANT_S = (
    (UNVOICED_STOPS, 0.085),
    (VOICED_STOPS, 0.062),
    (UNVOICED_AFFRICATES, 0.110),
    (VOICED_AFFRICATES, 0.088),
    (UNVOICED_FRICATIVES, 0.105),
    (VOICED_FRICATIVES, 0.072),
    (NASALS, 0.072),
    (LIQUIDS, 0.070),
    (GLIDES, 0.062),
)
#: Those that differ from their class.
SHORT_CONSONANT_S = {"HH": 0.068, "DH": 0.045, "V": 0.060, "TH": 0.090, "F": 0.095}
_NATURAL_S = {phone: length for members, length in CONSONANT_S for phone in members} | SHORT_CONSONANT_S
CLUSTER_FACTORS = (1.0, 1.0, 0.82, 0.72)  # of each consonant, by how many stand together
CONSONANT_SPREAD = 0.08  # standard deviation of the logarithm of a consonant's length
CONSONANT_SHARE = 0.45  # the most of a note that consonants on either side of its end may take
SHORTEST_ONSET_SHARE = 0.5  # of natural length, before the first vowel waits for its consonants
TYPICAL_SYLLABLE_S = 0.35

SPOKEN_VOWEL_S = {"stressed": 0.135, "unstressed": 0.085}
SPOKEN_DIPHTHONG_S = 0.035  # longer than other vowels
SPOKEN_FINAL_FACTOR = 1.7

LAG_LIMIT_S = 0.015
LAG_SHARE = 0.1  # of the shorter neighbouring note
GLUE_S = 0.06  # shorter holes are sung through
SPOKEN_GLUE_S = {"between words": 0.16, "within words": 0.5}
BREATH_S = (0.15, 0.35)
SHORTEST_BREATH_S = 0.09
BREATH_GAP_S = 0.15
BREATH_EVERY_S = 1.5  # no second breath sooner
BREATH_PAUSE_S = 0.02  # of stillness after breathing in
PAD_S = 0.03  # of stillness before anything
TAIL_S = 0.08  # of stillness after the last sound
LEAD_S = 0.6
FULL_VOWEL_FROM_S = 0.4
SHORTEST_NOTE_S = 0.01


@dataclass(frozen=True)
class TimedNote:
    """A note as sung: ``start_s`` is its vowel's onset or the slurred change of pitch, in the phrase's clock."""

    pitch: float
    start_s: float
    end_s: float
    syllable: int
    slurred: bool
    after_rest: bool
    before_rest: bool

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Timeline:
    """Phones that follow one another without holes from 0 to ``duration_s``; the first note starts at ``lead_s``."""

    phones: tuple[TimedPhone, ...]
    notes: tuple[TimedNote, ...]
    lead_s: float

    @property
    def duration_s(self) -> float:
        return self.phones[-1].end_s


@dataclass(frozen=True)
class Phrase:
    """What is sung in one breath; ``lead_s`` of silence before it is free for the breath and its first consonants."""

    syllables: tuple[SungSyllable, ...]
    lead_s: float = LEAD_S


@dataclass(frozen=True)
class _Place:
    """A syllable while it is being timed: its parts, when its vowel starts and when its sound should end."""

    onset: tuple[str, ...]
    nucleus: str
    coda: tuple[str, ...]
    notes: tuple[SungNote, ...]
    vowel_s: float
    end_s: float
    onset_s: np.ndarray  # natural lengths
    coda_s: np.ndarray

    @property
    def last_start_s(self) -> float:
        """Where the last note begins to sound."""
        return max(self.vowel_s, self.notes[-1].start_s)

    @property
    def last_note_s(self) -> float:
        return self.end_s - self.last_start_s


def time_phones(
    syllables: Sequence[SungSyllable], style: SingingStyle, rng: np.random.Generator, lead_s: float = LEAD_S
) -> Timeline:
    """When every phone of a phrase sounds. ``syllables`` as :func:`local_clock` returns them.

    At most ``lead_s`` before the first note is used. Raises ValueError for a syllable without a nucleus.
    """
    places = [_place(syllable, style, rng, syllable is syllables[-1]) for syllable in syllables]
    places = _with_lags(places, style, rng)
    breaths = rng.uniform(*BREATH_S, size=len(places))
    taken = rng.random(len(places)) < style.breaths
    breaths = np.where(taken, breaths, 0.0)

    first, onset_s, lead = _opening(places[0], lead_s, float(breaths[0]))
    places[0] = first
    timed = _gap(-lead, first.vowel_s - onset_s, float(breaths[0]))
    breath_at = timed[0].start_s if timed else -lead
    notes: list[TimedNote] = []
    after_rest = True
    for number, place in enumerate(places):
        following = places[number + 1] if number + 1 < len(places) else None
        word_end = syllables[number].word_end
        end_s, next_onset_s, next_start_s = _ending(place, following, _glue_s(style, word_end))
        timed += _sounds(place, onset_s, end_s, number)
        rest = following is None or next_start_s > end_s
        notes += _timed_notes(place, number, following.vowel_s if following and not rest else end_s, after_rest, rest)
        if following and rest:
            free = word_end and next_start_s - breath_at >= BREATH_EVERY_S and next_start_s - end_s >= BREATH_GAP_S
            hole = _gap(end_s, next_start_s, float(breaths[number + 1]) if free else 0.0)
            breath_at = next_start_s if any(part.phone == BREATH for part in hole) else breath_at
            timed += hole
        onset_s, after_rest = next_onset_s, rest
    end_s = timed[-1].end_s
    timed.append(TimedPhone(PAUSE, end_s, end_s + TAIL_S, -1))
    return _from_zero(timed, notes, -timed[0].start_s)


def local_clock(phrase: Sequence[SungSyllable]) -> tuple[SungSyllable, ...]:
    """The phrase with its first note at 0 s, times in whole microseconds, overlaps cut and melismas closed.

    Raises ValueError for an empty phrase or notes that do not follow one another.
    """
    if not phrase or not all(syllable.notes for syllable in phrase):
        raise ValueError("a phrase needs at least one syllable and every syllable at least one note")
    flat = [note for syllable in phrase for note in syllable.notes]
    origin_s = flat[0].start_s
    starts = [round(note.start_s - origin_s, 6) for note in flat]
    ends = [round(note.end_s - origin_s, 6) for note in flat]
    for before, after in pairwise(starts):
        if after < before + SHORTEST_NOTE_S:
            raise ValueError(
                f"a note starts at {after:.3f} s of its phrase, {after - before:.3f} s after the one before; "
                f"notes need {SHORTEST_NOTE_S} s each and their order"
            )
    ends = [min(end, start) for end, start in zip(ends, [*starts[1:], float("inf")], strict=True)]
    for start, end in zip(starts, ends, strict=True):
        if end < start + SHORTEST_NOTE_S:
            raise ValueError(f"a note of {end - start:.3f} s is shorter than {SHORTEST_NOTE_S} s")
    shifted, place = [], 0
    for syllable in phrase:
        notes = []
        for number, note in enumerate(syllable.notes):
            last = number + 1 == len(syllable.notes)
            notes.append(SungNote(note.pitch, starts[place], ends[place] if last else starts[place + 1]))
            place += 1
        shifted.append(replace(syllable, notes=tuple(notes)))
    return tuple(shifted)


def split_syllable(phones: Sequence[str]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Onset, nucleus and coda without stress digits; a hum (``M``) has a sonorant for its nucleus.

    Raises ValueError when there is no nucleus, more than one vowel, or something that is no phone.
    """
    plain = tuple(bare(phone) for phone in phones)
    unknown = [phone for phone in plain if phone not in PHONE_IDS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no phone; phones are the 39 of ARPABET")
    nuclei = [place for place, phone in enumerate(plain) if phone in VOWELS]
    if not nuclei:
        nuclei = [place for place, phone in enumerate(plain) if phone in SONORANTS][:1]
    if len(nuclei) != 1:
        raise ValueError(f"the syllable {' '.join(phones)!r} has {len(nuclei)} vowels; it needs one")
    nucleus = nuclei[0]
    return plain[:nucleus], plain[nucleus], plain[nucleus + 1 :]


def full_vowels(syllable: SungSyllable) -> SungSyllable:
    """A schwa held for long becomes the full vowel a trained singer would choose; other syllables come back as is.

    Words of one syllable keep theirs: "the" and "of" are sung on it.
    """
    short = syllable.end_s - syllable.start_s < FULL_VOWEL_FROM_S
    if short or "AH0" not in syllable.phones or (syllable.word_start and syllable.word_end):
        return syllable
    place = syllable.phones.index("AH0")
    closed = place + 1 < len(syllable.phones)
    vowel = "EH0" if closed and syllable.phones[place + 1] not in ("M", "NG", "B", "V") else "AA0"
    return replace(syllable, phones=(*syllable.phones[:place], vowel, *syllable.phones[place + 1 :]))


def _place(syllable: SungSyllable, style: SingingStyle, rng: np.random.Generator, final: bool) -> _Place:
    onset, nucleus, coda = split_syllable(syllable.phones)
    length_s = syllable.end_s - syllable.start_s
    tempo = float(np.clip((length_s / len(syllable.notes) / TYPICAL_SYLLABLE_S) ** 0.2, 0.75, 1.25))
    factor = style.diction * tempo * (1.0 + 0.15 * (style.effort - 0.5)) * (1.06 if syllable.stress == 1 else 1.0)
    onset_s = _natural(onset, factor, rng)
    coda_s = _natural(coda, factor, rng)
    last = syllable.notes[-1]
    end_s = last.end_s - 0.5 * style.staccato * last.duration_s
    if style.spoken:
        kind = "unstressed" if syllable.stress == 0 else "stressed"
        vowel_s = SPOKEN_VOWEL_S[kind] + (SPOKEN_DIPHTHONG_S if nucleus in DIPHTHONGS else 0.0)
        vowel_s *= float(np.exp(0.12 * rng.standard_normal())) * (SPOKEN_FINAL_FACTOR if final else 1.0)
        end_s = min(end_s, max(syllable.start_s + vowel_s + float(coda_s.sum()), last.start_s + 0.3 * last.duration_s))
    return _Place(onset, nucleus, coda, syllable.notes, syllable.start_s, end_s, onset_s, coda_s)


def _natural(consonants: Sequence[str], factor: float, rng: np.random.Generator) -> np.ndarray:
    """Seconds of each consonant of a cluster."""
    factor *= CLUSTER_FACTORS[min(len(consonants), len(CLUSTER_FACTORS) - 1)]
    lengths = np.array([_NATURAL_S.get(phone, SPOKEN_VOWEL_S["unstressed"]) for phone in consonants])
    return lengths * factor * np.exp(CONSONANT_SPREAD * rng.standard_normal(len(consonants)))


def _with_lags(places: Sequence[_Place], style: SingingStyle, rng: np.random.Generator) -> list[_Place]:
    """Vowel onsets moved by a singer's small inaccuracy: at most 15 ms and a tenth of the notes beside them."""
    lags = np.clip(style.timing_spread_s * rng.standard_normal(len(places)), -LAG_LIMIT_S, LAG_LIMIT_S)
    moved = []
    for number, (place, lag) in enumerate(zip(places, lags, strict=True)):
        room = [min(note.duration_s for note in place.notes), place.end_s - place.notes[-1].start_s]
        if number:
            room.append(places[number - 1].end_s - places[number - 1].notes[-1].start_s)
        limit = LAG_SHARE * min(room)
        moved.append(replace(place, vowel_s=place.vowel_s + float(np.clip(lag, -limit, limit))))
    # A vowel that comes early ends the note before early.
    return [
        replace(place, end_s=min(place.end_s, following.vowel_s)) if following else place
        for place, following in zip(moved, [*moved[1:], None], strict=True)
    ]


def _opening(place: _Place, lead_s: float, breath_s: float) -> tuple[_Place, float, float]:
    """The first syllable with its vowel late enough for its consonants, their seconds, and the lead really used."""
    natural_s = float(place.onset_s.sum())
    place = replace(place, vowel_s=max(place.vowel_s, -lead_s))
    room_s = lead_s + place.vowel_s
    missing_s = SHORTEST_ONSET_SHARE * natural_s - room_s
    if missing_s > 0:
        delay_s = min(missing_s, CONSONANT_SHARE * (min(place.notes[0].end_s, place.end_s) - place.vowel_s))
        place = replace(place, vowel_s=place.vowel_s + delay_s)
        room_s += delay_s
    onset_s = min(natural_s, room_s)
    still_s = room_s - onset_s
    wanted_s = PAD_S + (breath_s + BREATH_PAUSE_S if breath_s else 0.0)
    return place, onset_s, onset_s + min(wanted_s, still_s) - place.vowel_s


def _glue_s(style: SingingStyle, word_end: bool) -> float:
    """How long a hole after a syllable may be to be sounded through."""
    if not style.spoken:
        return GLUE_S
    return SPOKEN_GLUE_S["between words" if word_end else "within words"]


def _ending(place: _Place, following: _Place | None, glue_s: float) -> tuple[float, float, float]:
    """When a syllable's sound ends, the seconds of the next one's onset and when that starts."""
    if following is None:
        return place.end_s, 0.0, place.end_s
    silence_s = following.vowel_s - place.end_s
    onset_s = min(float(following.onset_s.sum()), silence_s + CONSONANT_SHARE * place.last_note_s)
    start_s = following.vowel_s - onset_s
    if start_s - place.end_s < glue_s:
        return start_s, onset_s, start_s
    return place.end_s, onset_s, start_s


def _sounds(place: _Place, onset_s: float, end_s: float, syllable: int) -> list[TimedPhone]:
    """Onset, nucleus and coda, one after another, the last ending exactly at ``end_s``."""
    natural_s = float(place.coda_s.sum())
    coda_s = min(natural_s, CONSONANT_SHARE * (end_s - place.last_start_s))
    edges = [place.vowel_s - onset_s]
    edges += list(edges[0] + np.cumsum(place.onset_s) * (onset_s / max(float(place.onset_s.sum()), 1e-9)))[:-1]
    edges += [place.vowel_s] if place.onset else []
    edges += [end_s - coda_s] if place.coda else []
    edges += list(end_s - coda_s + np.cumsum(place.coda_s) * (coda_s / max(natural_s, 1e-9)))[:-1]
    edges.append(end_s)
    names = (*place.onset, place.nucleus, *place.coda)
    return [
        TimedPhone(name, float(start), float(end), syllable)
        for name, (start, end) in zip(names, pairwise(edges), strict=True)
    ]


def _gap(start_s: float, end_s: float, breath_s: float) -> list[TimedPhone]:
    """Stillness, with a breath at its end if one fits."""
    breath_s = min(breath_s, end_s - start_s - BREATH_PAUSE_S)
    if breath_s < SHORTEST_BREATH_S:
        edges = [(PAUSE, end_s)]
    else:
        before_s = end_s - BREATH_PAUSE_S
        inhale_from_s = max(before_s - breath_s, start_s)
        edges = [(PAUSE, inhale_from_s), (BREATH, before_s), (PAUSE, end_s)]
    timed = []
    for phone, end in edges:
        if end - start_s > 1e-9:
            timed.append(TimedPhone(phone, start_s, end, -1))
            start_s = end
    return timed


def _timed_notes(place: _Place, syllable: int, end_s: float, after_rest: bool, before_rest: bool) -> list[TimedNote]:
    starts = [place.vowel_s, *(note.start_s for note in place.notes[1:])]
    last = len(starts) - 1
    return [
        TimedNote(
            pitch=note.pitch,
            start_s=start,
            end_s=end,
            syllable=syllable,
            slurred=number > 0,
            after_rest=after_rest and number == 0,
            before_rest=before_rest and number == last,
        )
        for number, (note, start, end) in enumerate(zip(place.notes, starts, [*starts[1:], end_s], strict=True))
    ]


def _from_zero(timed: Sequence[TimedPhone], notes: Sequence[TimedNote], lead_s: float) -> Timeline:
    """Everything moved so that the first phone starts at 0, neighbours sharing one and the same edge."""
    edges = [0.0, *(part.end_s + lead_s for part in timed)]
    phones = tuple(
        replace(part, start_s=start, end_s=end) for part, (start, end) in zip(timed, pairwise(edges), strict=True)
    )
    moved = tuple(replace(note, start_s=note.start_s + lead_s, end_s=note.end_s + lead_s) for note in notes)
    return Timeline(phones, moved, lead_s)
