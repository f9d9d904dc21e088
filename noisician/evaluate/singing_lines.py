"""Lines for the judges: twenty plain ones, sung by every voice and by its teachers in the same way.

Each voice sings them low in its range (two to nine semitones above its lowest note: the recogniser was made for
speech, and high notes hide vowels from it as from listeners) at 112 BPM in the rhythm our own setting gives them, two
bars a line, on a random walk through a major scale. A teacher sings the same phones at the same times and pitches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.corpus.vocals.analysis import Analysis, analyse
from noisician.corpus.vocals.build import band_extension
from noisician.corpus.vocals.sources import speakers
from noisician.corpus.vocals.teacher import sing
from noisician.corpus.vocals.text import Line
from noisician.errors import CorpusError
from noisician.evaluate.singing_checks import set_text
from noisician.evaluate.singing_texts import Text
from noisician.lyrics import syllabify
from noisician.lyrics.phones import stress_digit
from noisician.vocals.frames import SPEAKERS, Performance, SungNote, SungSyllable
from noisician.vocals.performance import perform
from noisician.vocals.singer import Phrase
from noisician.vocals.synthesis import synthesise
from noisician.vocals.voices import Voice

LINES = (
    "yellow lanterns fill the evening sky",
    "every morning brings another light",
    "take my hand and walk into the fire",
    "nobody knows the trouble in my heart",
    "dancing slowly underneath the moon",
    "silver rivers running to the sea",
    "don't forget the promise that we made",
    "summer rain is falling on the city",
    "you and i will never be alone",
    "there is a shadow standing at the door",
    "broken windows looking at the street",
    "mother told me never trust the wind",
    "all the children sing a happy song",
    "winter nights are longer than before",
    "somebody stole the engine from my car",
    "golden feathers drifting from the cloud",
    "listen to the thunder rolling by",
    "give me back the letters that i wrote",
    "paper boats are burning in the dark",
    "people come and people go away",
)
TEMPO_BPM = 112.0
METER = "4/4"
#: Semitones above the lowest note of the voice's range.
PITCHES = (2, 9)
_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MOVES = (-2, -1, 0, 1, 2)


@dataclass(frozen=True)
class Sheet:
    """The lines with a rhythm and a tune: degrees of the scale, counted from the lowest note sung."""

    lines: tuple[tuple[SungSyllable, ...], ...]

    def sung_by(self, voice: Voice, line: int, seed: int) -> Phrase:
        """A line in a voice's range and own style."""
        low = voice.range[0]
        syllables = []
        for syllable in self.lines[line]:
            notes = tuple(SungNote(low + note.pitch, note.start_s, note.end_s) for note in syllable.notes)
            syllables.append(
                SungSyllable(syllable.phones, notes, syllable.word_start, syllable.word_end, syllable.stress)
            )
        return Phrase(tuple(syllables), voice, voice.style, seed)


def write_sheet(take: int) -> Sheet:
    """All lines, each starting at 0 s, with other tunes and rhythms for another take."""
    text = Text("lines", "\n".join(LINES), tuple(word for line in LINES for word in line.split()), METER, TEMPO_BPM)
    setting = set_text(text, take)
    lines = []
    for number, (words, line) in enumerate(zip(setting.words, setting.lines, strict=True)):
        tune = _tune(np.random.default_rng([take, number, 0x71E5]))
        start = line.placements[0].step
        syllables = [syllable for word in words for syllable in word.syllables]
        sung = []
        for syllable, placement in zip(syllables, line.placements, strict=True):
            begins_s, ends_s = ((step - start) * setting.step_s for step in (placement.step, placement.end_step))
            stress = stress_digit(syllable.phones)
            notes = (SungNote(float(next(tune)), begins_s, ends_s),)
            sung.append(SungSyllable(syllable.phones, notes, syllable.word_start, syllable.word_end, stress))
        lines.append(tuple(sung))
    return Sheet(tuple(lines))


def _tune(rng: np.random.Generator) -> Iterator[int]:
    ladder = [pitch for pitch in range(PITCHES[0], PITCHES[1] + 1) if (pitch - PITCHES[0]) % 12 in _MAJOR]
    place = len(ladder) // 2
    while True:
        yield ladder[place]
        place = int(np.clip(place + rng.choice(_MOVES), 0, len(ladder) - 1))


class Teachers:
    """The synthetic speakers the voices were learnt from. Raises CorpusError where their engines are missing."""

    def __init__(self, sheet: Sheet) -> None:
        lines = [_spoken(line) for line in sheet.lines]
        self._analyses: dict[str, list[Analysis | None]] = {}
        for name, speaker in speakers().items():
            utterances = list(speaker.source().speak(lines))
            if not any(utterances):
                raise CorpusError(f"{name}: 0 of {len(lines)} lines spoken; its voice is missing ({speaker.origin})")
            self._analyses[name] = [
                None if utterance is None else analyse(utterance, speaker, band_extension()) for utterance in utterances
            ]

    def sing(self, speaker: str, line: int, phrase: Phrase) -> np.ndarray | None:
        """Audio of the phrase as the speaker sings it; None for a line the engine speaks otherwise than asked."""
        analysis = self._analyses[speaker][line]
        if analysis is None:
            return None
        performance = performed(phrase)
        features = sing(analysis, performance, phrase.voice.warp, phrase.seed)
        return synthesise(features, performance.frames.f0_hz, performance.frames.voiced, phrase.seed)


def performed(phrase: Phrase) -> Performance:
    """The performance :class:`noisician.vocals.singer.Singer` sings the phrase with."""
    return perform(phrase.syllables, phrase.style, phrase.seed, phrase.lead_s)


def _spoken(line: Sequence[SungSyllable]) -> Line:
    words: list[list[str]] = []
    for syllable in line:
        if syllable.word_start:
            words.append([])
        words[-1] += syllable.phones
    return Line(" ".join("".join(word).lower() for word in words), tuple(syllabify(tuple(word)) for word in words))


def speaker_turns(voice: Voice, count: int) -> list[str]:
    """Who of a voice's mixture sings which of ``count`` phrases, each in proportion to its weight."""
    given = np.zeros(len(SPEAKERS))
    turns = []
    for number in range(1, count + 1):
        owed = np.array(voice.mixture) * number - given
        chosen = int(np.argmax(owed))
        given[chosen] += 1
        turns.append(SPEAKERS[chosen])
    return turns
