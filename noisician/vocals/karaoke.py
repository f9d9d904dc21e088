"""What is sung when, for those who read along."""

from __future__ import annotations

from noisician.export.lyrics import TimedLine, TimedSyllable, TimedWord
from noisician.score import Score
from noisician.score.tempo import TempoCurve
from noisician.vocals.song import Song, SongSyllable


def timed_lyrics(song: Song, score: Score) -> tuple[TimedLine, ...]:
    """What is sung when, in seconds, for karaoke and tags."""
    lines = []
    for line in sorted(song.lines, key=lambda line: line.start_beats):
        syllables = iter(line.syllables)
        words = []
        for text, count in zip(line.written, line.syllable_counts, strict=True):
            own = [_timed(next(syllables), score.tempo, spoken=line.kind == "rap") for _ in range(count)]
            words.append(TimedWord(text, own[0].start_s, own[-1].end_s, tuple(own)))
        section = line.kind.replace("_", " ").title()
        lines.append(TimedLine(tuple(words), words[0].start_s, words[-1].end_s, section, line.voice))
    return tuple(lines)


def _timed(syllable: SongSyllable, tempo: TempoCurve, spoken: bool) -> TimedSyllable:
    first, last = syllable.notes[0], syllable.notes[-1]
    pitch = None if spoken else first.pitch
    return TimedSyllable(syllable.text, tempo.seconds(first.start_beats), tempo.seconds(last.end_beats), pitch)
