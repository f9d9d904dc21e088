"""A song as the singer needs it: every syllable with its sounds, its notes and who sings it; kept in the recipe."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from noisician.lyrics import Lyrics, SungWord, is_vowel, syllables_of
from noisician.lyrics.phones import stress_digit
from noisician.score.model import LINE_END, VOICE, Note, Track
from noisician.score.perform import swing_time, unswing_time
from noisician.score.tempo import TempoCurve
from noisician.vocals.form import LineBars, SungPart
from noisician.vocals.frames import SungNote, SungSyllable
from noisician.vocals.setting import Sayable

#: Roughly what a vowel and each consonant need to be heard, for a line that is being set.
VOWEL_S, CONSONANT_S = 0.07, 0.04


@dataclass(frozen=True)
class SongNote:
    """MIDI pitch and time in beats from the start of the piece."""

    pitch: int
    start_beats: float
    end_beats: float


@dataclass(frozen=True)
class SongSyllable:
    """One syllable of the text on its notes; ``text`` is its share of the written word."""

    text: str
    phones: tuple[str, ...]
    notes: tuple[SongNote, ...]
    word_start: bool
    word_end: bool
    accent: bool

    @property
    def stress(self) -> int:
        """The digit of its vowel: 0 none, 1 primary, 2 secondary."""
        return stress_digit(self.phones)


@dataclass(frozen=True)
class SongLine:
    """One line of one voice. ``voice`` is "lead" or "backing"; ``section`` the section's index in the score.

    The line has ``bars`` bars from ``start_bar``; ``lead_beats`` of silence before it are free for its breath.
    ``manner`` are the modifiers of its section's tag. ``written`` is what stands between the spaces of the text, in
    order; each covers ``syllable_counts`` syllables.
    """

    section: int
    kind: str
    line: int
    start_bar: int
    bars: int
    lead_beats: float
    voice: str
    manner: tuple[str, ...]
    syllables: tuple[SongSyllable, ...]
    written: tuple[str, ...]
    syllable_counts: tuple[int, ...]

    @property
    def start_beats(self) -> float:
        return self.syllables[0].notes[0].start_beats

    @property
    def end_beats(self) -> float:
        return self.syllables[-1].notes[-1].end_beats

    def transposed(self, move: Callable[[int], int]) -> SongLine:
        """The line with every pitch moved."""
        syllables = (
            replace(one, notes=tuple(replace(note, pitch=move(note.pitch)) for note in one.notes))
            for one in self.syllables
        )
        return replace(self, syllables=tuple(syllables))

    def moved(self, beats: float) -> SongLine:
        """The line that much later, bars and section left to the caller."""
        syllables = (
            replace(
                one,
                notes=tuple(
                    replace(note, start_beats=note.start_beats + beats, end_beats=note.end_beats + beats)
                    for note in one.notes
                ),
            )
            for one in self.syllables
        )
        return replace(self, syllables=tuple(syllables))

    def phrase(self, tempo: TempoCurve) -> tuple[SungSyllable, ...]:
        """What is sung, in seconds of the piece."""
        return tuple(
            SungSyllable(
                phones=one.phones,
                notes=tuple(
                    SungNote(float(note.pitch), tempo.seconds(note.start_beats), tempo.seconds(note.end_beats))
                    for note in one.notes
                ),
                word_start=one.word_start,
                word_end=one.word_end,
                stress=one.stress,
                accent=one.accent,
            )
            for one in self.syllables
        )

    def seed(self, seed: int, purpose: str) -> int:
        """A seed of this line's own, which no other line's words change."""
        return zlib.crc32(f"{seed}/{self.section}/{self.line}/{self.voice}/{purpose}".encode())


@dataclass(frozen=True)
class Clock:
    """From steps of the grid to the beats at which they are played, swing included."""

    steps_per_beat: int
    swing: float
    pair_steps: int

    def beats(self, step: int) -> float:
        return round(float(swing_time(np.array(step), self.swing, self.pair_steps)) / self.steps_per_beat, 6)

    def step(self, beats: float) -> int:
        """The step played nearest to a time."""
        return round(float(unswing_time(np.array(beats * self.steps_per_beat), self.swing, self.pair_steps)))


@dataclass(frozen=True)
class Song:
    """All that is sung. ``voice`` is as :func:`noisician.vocals.voices.parse_voice` reads it."""

    voice: str
    language: str
    clock: Clock
    lines: tuple[SongLine, ...]

    def of_voice(self, voice: str) -> tuple[SongLine, ...]:
        return tuple(line for line in self.lines if line.voice == voice)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` restores an equal song."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Song:
        """Raises KeyError, TypeError or ValueError for anything else."""
        lines = tuple(_line(line) for line in data["lines"])
        return cls(data["voice"], data["language"], Clock(**data["clock"]), lines)


def _line(data: Mapping[str, Any]) -> SongLine:
    fields = dict(data)
    syllables = tuple(
        SongSyllable(
            **{
                **syllable,
                "phones": tuple(syllable["phones"]),
                "notes": tuple(SongNote(**note) for note in syllable["notes"]),
            }
        )
        for syllable in fields.pop("syllables")
    )
    lists = {name: tuple(fields.pop(name)) for name in ("manner", "written", "syllable_counts")}
    return SongLine(syllables=syllables, **lists, **fields)


def sung_parts(lyrics: Lyrics) -> tuple[tuple[SungPart, ...], tuple[tuple[SungWord, ...], ...]]:
    """The sections of a text for :func:`noisician.vocals.form.plan_form`, and the words of every line, in order."""
    words = syllables_of(lyrics)
    parts, first = [], 0
    for section in lyrics.sections:
        count = len(section.lines)
        lines = tuple(sayables(line) for line in words[first : first + count])
        parts.append(SungPart(section.kind, lines))
        first += count
    return tuple(parts), words


def sayables(line: Sequence[SungWord]) -> tuple[Sayable, ...]:
    """What the setting has to know of a line's syllables."""
    result = []
    for word in line:
        for place, syllable in enumerate(word.syllables):
            last = place + 1 == len(word.syllables)
            consonants = sum(not is_vowel(phone) for phone in syllable.phones)
            result.append(
                Sayable(
                    stress=syllable.stress,
                    least_s=VOWEL_S + CONSONANT_S * consonants,
                    notes=1 + syllable.melisma,
                    accent=syllable.accent,
                    joined=not last,
                    breaks=last and word.break_after,
                )
            )
    return tuple(result)


def vocal_notes(lines: Sequence[SongLine]) -> tuple[Note, ...]:
    """Lines as notes of a score; the first note of a syllable carries its text, with a hyphen where the word goes on, a
    space where it ends and a carriage return where the line does (MIDI's recommended practice 17)."""
    notes = []
    for line in lines:
        last = max((place for place, one in enumerate(line.syllables) if one.text), default=-1)
        for number, syllable in enumerate(line.syllables):
            # Several syllables of a figure share its text, which the first one shows.
            ending = LINE_END if number == last else " " if syllable.word_end else "-"
            text = syllable.text + ending if syllable.text else None
            for place, note in enumerate(syllable.notes):
                velocity = 108 if syllable.accent else 92
                length = note.end_beats - note.start_beats
                notes.append(Note(note.pitch, note.start_beats, length, velocity, text if place == 0 else None))
    return tuple(sorted(notes, key=lambda note: (note.start_beats, note.pitch)))


def sung_tracks(song: Song) -> tuple[Track, ...]:
    """The sung tracks of the score: the lead, and the backing voice where there is one."""
    tracks = (("vocals", "lead"), ("backing", "backing"))
    return tuple(
        Track(role, VOICE, vocal_notes(song.of_voice(voice))) for role, voice in tracks if song.of_voice(voice)
    )


def harmony_pitch(pitch: int, steps: int, scale: Sequence[int], tonic: int) -> int:
    """``steps`` degrees of the scale above (below) a pitch; ``scale`` are semitones above the tonic's pitch class.

    A pitch outside the scale moves as the degree below it does.
    """
    octave, inside = divmod(pitch - tonic, 12)
    degree = max(place for place, semitones in enumerate(scale) if semitones <= inside)
    up, place = divmod(degree + steps, len(scale))
    return tonic + 12 * (octave + up) + scale[place] + (inside - scale[degree])


def set_lines(
    where: LineBars,
    line: SungLine,
    syllable_steps: Sequence[tuple[tuple[int, ...], int]],
    clock: Clock,
    pitch_at: Callable[[int], int],
) -> tuple[SongLine, ...]:
    """A line of the text on its notes, split by who sings: words in parentheses are the backing voice's.

    ``syllable_steps`` are (onsets, end) of each syllable in steps from the start of the piece; ``pitch_at`` tells the
    MIDI pitch of a step.
    """
    placed = iter(syllable_steps)
    sung: dict[str, list[tuple[SungWord, list[SongSyllable]]]] = {}
    for word in line.words:
        syllables = []
        for syllable in word.syllables:
            onsets, end = next(placed)
            notes = tuple(
                SongNote(pitch_at(start), clock.beats(start), clock.beats(stop))
                for start, stop in pairwise((*onsets, end))
            )
            syllables.append(
                SongSyllable(
                    syllable.text, syllable.phones, notes, syllable.word_start, syllable.word_end, syllable.accent
                )
            )
        sung.setdefault("backing" if word.backing else "lead", []).append((word, syllables))
    return tuple(
        SongLine(
            section=line.section,
            kind=line.kind,
            line=where.line,
            start_bar=where.start_bar,
            bars=where.bars,
            lead_beats=0.0,
            voice=voice,
            manner=line.manner,
            syllables=tuple(syllable for _, syllables in given for syllable in syllables),
            written=tuple(text for text, _ in written_words([word for word, _ in given])),
            syllable_counts=tuple(count for _, count in written_words([word for word, _ in given])),
        )
        for voice, given in sung.items()
    )


def by_voice(words: Sequence[SungWord]) -> dict[str, list[SungWord]]:
    """The words of "lead" and "backing", as far as either sings."""
    found: dict[str, list[SungWord]] = {}
    for word in words:
        found.setdefault("backing" if word.backing else "lead", []).append(word)
    return found


def written_words(words: Sequence[SungWord]) -> list[tuple[str, int]]:
    """What stands between two spaces of the text, and how many syllables it has: "self-made" is two words, and one."""
    written: list[tuple[str, int]] = []
    joined = False
    for word in words:
        text, count = word.shown, len(word.syllables)
        if joined:
            before, others = written.pop()
            text, count = before + text, others + count
        written.append((text, count))
        joined = word.joined
    return written


@dataclass(frozen=True)
class SungLine:
    """A line of the text with the section it belongs to (index in the score) and the tag of that section."""

    section: int
    kind: str
    manner: tuple[str, ...]
    words: tuple[SungWord, ...]


def with_leads(lines: Sequence[SongLine]) -> tuple[SongLine, ...]:
    """Lines in order of time, each with the silence before it within its own voice."""
    ends: dict[str, float] = {}
    result = []
    for line in sorted(lines, key=lambda line: line.start_beats):
        result.append(replace(line, lead_beats=max(0.0, line.start_beats - ends.get(line.voice, 0.0))))
        ends[line.voice] = line.end_beats
    return tuple(result)
