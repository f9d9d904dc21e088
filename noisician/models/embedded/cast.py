"""Who sings what: the lead, doubles and a harmony where the style has them, a choir where a tag asks for one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from noisician.score import Score
from noisician.score.decode import semitones_from_c
from noisician.score.harmony import SCALES
from noisician.vocals.singer import Phrase
from noisician.vocals.song import Song, SongLine, harmony_pitch
from noisician.vocals.style import SingingStyle, members, singing_style
from noisician.vocals.timing import LEAD_S
from noisician.vocals.voices import Voice, parse_voice, voices

#: In the order of the mix.
SUNG_ROLES = ("vocals", "doubles", "harmony", "choir", "backing")
DOUBLED_KINDS = ("chorus", "drop")
DOUBLES, CHOIR_MEMBERS = 2, 5
#: A harmony may go this far beyond a comfortable range.
THIRD_SEMITONES, BEYOND_SEMITONES = 4, 2
#: Where one voice alone is the custom.
SOLO_GENRES = frozenset({"jazz_swing", "bossa_nova", "classical", "folk", "blues", "ambient", "cinematic", "waltz"})


@dataclass(frozen=True)
class VocalPart:
    """What one sung stem holds."""

    role: str
    name: str
    phrases: tuple[Phrase, ...]

    @property
    def sung_s(self) -> float:
        """How long its phrases are, one after another."""
        return sum(phrase.syllables[-1].end_s - phrase.syllables[0].start_s for phrase in self.phrases)


@dataclass(frozen=True)
class Casting:
    """What all singers of a piece share. Genres and moods are (id, weight); ``prompt`` may say how to sing."""

    score: Score
    genres: tuple[tuple[str, float], ...]
    moods: tuple[tuple[str, float], ...]
    seed: int
    prompt: str

    def style(self, line: SongLine, voice: Voice) -> SingingStyle:
        """How a voice sings a line: as the genre, the mood, the prompt and the section's tag have it."""
        rapped = ("rap",) if line.kind == "rap" else ()
        words = (*re.findall(r"[a-z]+", self.prompt.lower()), *line.manner, *rapped)
        return voice.sings(singing_style(self.genres, self.moods, words))

    def part(
        self, role: str, name: str, lines: Sequence[SongLine], voice: Voice, member: int | None = None
    ) -> VocalPart:
        """One singer's lines; ``member`` is its number among those who sing with the lead."""
        phrases = []
        for line in lines:
            seed, style = line.seed(self.seed, name), self.style(line, voice)
            if member is not None:
                style = members(style, member + 1, seed)[member].style
            tempo = self.score.tempo
            lead_s = min(LEAD_S, line.lead_beats * tempo.beat_s(line.start_beats))
            phrases.append(Phrase(line.phrase(tempo), voice, style, seed, lead_s))
        return VocalPart(role, name, tuple(phrases))

    def refrain(self, lines: Sequence[SongLine]) -> tuple[SongLine, ...]:
        """The lines that several voices sing, where the style has that."""
        heaviest = max(self.genres, key=lambda genre: genre[1], default=("", 0.0))[0]
        if heaviest in SOLO_GENRES:
            return ()
        kinds = [section.kind for section in self.score.sections]
        return tuple(line for line in lines if kinds[line.section] in DOUBLED_KINDS and line.kind != "rap")


def cast(song: Song, casting: Casting) -> tuple[VocalPart, ...]:
    """Every sung stem, in the order of SUNG_ROLES."""
    voice = parse_voice(song.voice)
    lead, backing = song.of_voice("lead"), song.of_voice("backing")
    refrain = casting.refrain(lead)
    choral = tuple(line for line in lead if any("choir" in word for word in line.manner))
    parts = [casting.part("vocals", "vocals", lead, voice)] if lead else []
    if refrain:
        doubles = range(DOUBLES)
        parts += [casting.part("doubles", f"doubles-{number + 1}", refrain, voice, number) for number in doubles]
        harmony = tuple(harmony_line(line, casting.score, voice) for line in refrain)
        parts.append(casting.part("harmony", "harmony", harmony, voice, DOUBLES))
    if choral:
        parts += _choir(choral, casting)
    if backing:
        parts.append(casting.part("backing", "backing", backing, voice, DOUBLES + 1))
    return tuple(parts)


def harmony_line(line: SongLine, score: Score, voice: Voice) -> SongLine:
    """A third above, or a sixth below where that would leave the voice's range."""
    tonic, scale = semitones_from_c(score.key) % 12, SCALES[score.mode]
    highest = max(note.pitch for one in line.syllables for note in one.notes)
    degrees = 2 if highest + THIRD_SEMITONES <= voice.range[1] + BEYOND_SEMITONES else -5
    return line.transposed(lambda pitch: harmony_pitch(pitch, degrees, scale, tonic))


def _choir(lines: Sequence[SongLine], casting: Casting) -> list[VocalPart]:
    """Members of several voices, each in its own octave."""
    singers = list(voices().values())
    parts = []
    for number in range(CHOIR_MEMBERS):
        singer = singers[number * len(singers) // CHOIR_MEMBERS]
        own = tuple(line.transposed(lambda pitch, singer=singer: in_range(pitch, singer)) for line in lines)
        parts.append(casting.part("choir", f"choir-{number + 1}", own, singer, number))
    return parts


def in_range(pitch: int, voice: Voice) -> int:
    """The pitch in the octave nearest to the middle of the voice's range."""
    return pitch + 12 * round((sum(voice.range) / 2 - pitch) / 12)
