"""The words of a song: what a request gives to sing, and other words on a tune that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from noisician.errors import RequestError
from noisician.lyrics import Lyrics, parse, vocalises
from noisician.request import Request
from noisician.score import Score
from noisician.vocals.chords import chord_names
from noisician.vocals.directions import direction_of, manner_of
from noisician.vocals.form import LineBars, SetLine, line_rng
from noisician.vocals.setting import LineRoom, set_line
from noisician.vocals.song import (
    Song,
    SongLine,
    SongNote,
    SungLine,
    by_voice,
    sayables,
    set_lines,
    sung_parts,
    written_words,
)

#: Vocalises that were not given a length: lines, and notes in each.
VOCALISE_LINES, VOCALISE_NOTES = 4, 8
#: With one they fill it: sections (of VOCALISE_LINES lines), else so many lines, else so many notes in one.
_MOST_SECTIONS, _FEWER_NOTES = 8, (8, 6, 4, 2, 1)


def read_lyrics(request: Request) -> Lyrics | None:
    """The text of a request; None without one. Raises RequestError for a text that cannot be sung."""
    return None if request.lyrics is None else parse(request.lyrics, request.language)


def is_song(request: Request) -> bool:
    """Whether anybody sings: a text of tags alone asks for an instrumental. Raises as :func:`read_lyrics`."""
    lyrics = read_lyrics(request)
    return request.vocals or (lyrics is not None and bool(lyrics.lines))


def lyrics_of(request: Request, seed: int) -> Lyrics:
    """The text of a request, or something to sing without words, which the seed draws.

    Raises RequestError for a text that cannot be sung.
    """
    lyrics = read_lyrics(request)
    if lyrics is not None and (lyrics.lines or not request.vocals):
        return lyrics
    return vocalises(_vocalise(seed), VOCALISE_LINES, VOCALISE_NOTES)


def differ_in_words(old: Request, new: Request) -> bool:
    """Whether the lyrics of two requests ask for the same music: style, players of each section, chords."""
    try:
        before, after = read_lyrics(old), read_lyrics(new)
    except RequestError:
        return True
    if before is None or after is None:
        return True
    return _music_of(before) == _music_of(after)


def _music_of(lyrics: Lyrics) -> tuple[object, ...]:
    followed = tuple(replace(direction_of(section), unknown=(), unused=()) for section in lyrics.sections)
    return lyrics.wishes, chord_names(lyrics), lyrics.capo if chord_names(lyrics) else 0, followed


def as_many_as_fit(seed: int, fits: Callable[[Lyrics], bool]) -> Lyrics:
    """The longest vocalises that fit: whole sections, else as many lines, else as many notes as there is room for."""
    kind = _vocalise(seed)
    one = vocalises(kind, VOCALISE_LINES, VOCALISE_NOTES)
    for sections in range(_MOST_SECTIONS, 0, -1):
        several = replace(one, sections=one.sections * sections)
        if fits(several):
            return several
    for lines in range(VOCALISE_LINES - 1, 0, -1):
        fewer = vocalises(kind, lines, VOCALISE_NOTES)
        if fits(fewer):
            return fewer
    shorter = (vocalises(kind, 1, notes) for notes in _FEWER_NOTES)
    return next((line for line in shorter if fits(line)), vocalises(kind, 1, _FEWER_NOTES[-1]))


def _vocalise(seed: int) -> str:
    return ("ooh", "ah", "la")[seed % 3]


def resung(song: Song, score: Score, request: Request, seed: int) -> Song | None:
    """The song with the words of another request: lines whose words are other are set and sung anew in their bars,
    on the tune that was there; all others stay as they are. None where the new words have another form.

    Raises RequestError for a text that cannot be sung.
    """
    lyrics = lyrics_of(request, seed)
    parts, words = sung_parts(lyrics)
    old: dict[tuple[int, int], list[SongLine]] = {}
    for line in song.lines:
        old.setdefault((line.section, line.line), []).append(line)
    sections = [place for place, _ in dict.fromkeys((line.section, line.kind) for line in song.lines)]
    form = [(line.section, line.line, line.kind) for line in dict.fromkeys(_first_of(old.values()))]
    sung = [number for number, part in enumerate(parts) if part.lines]
    if len(sung) != len(sections):
        return None
    asked = [
        (sections[place], line, lyrics.sections[part].kind)
        for place, part in enumerate(sung)
        for line in range(len(parts[part].lines))
    ]
    if asked != form:
        return None
    lines: list[SongLine] = []
    owners = [number for number in sung for _ in parts[number].lines]
    for (section, number, kind), part, own in zip(asked, owners, words, strict=True):
        there = old[section, number]
        text = SungLine(section, kind, manner_of(lyrics.sections[part]), tuple(own))
        lines += _rewritten(there, text) if _same_words(there, text) else _set_anew(there, text, song, score, seed)
    return replace(song, lines=tuple(sorted(lines, key=lambda line: line.start_beats)))


def _rewritten(there: Sequence[SongLine], text: SungLine) -> list[SongLine]:
    """Lines that sound as before, spelt and punctuated as they are now."""
    spelt = {voice: written_words(words) for voice, words in by_voice(text.words).items()}
    return [
        replace(
            line,
            written=tuple(word for word, _ in spelt[line.voice]),
            syllable_counts=tuple(count for _, count in spelt[line.voice]),
        )
        for line in there
    ]


def _first_of(groups: Iterable[list[SongLine]]) -> list[SongLine]:
    return sorted((group[0] for group in groups), key=lambda line: (line.section, line.line))


def _same_words(there: Sequence[SongLine], text: SungLine) -> bool:
    """Whether the same sounds are sung by the same voices, whatever the spelling."""
    sung = {line.voice: [one.phones for one in line.syllables] for line in there}
    asked: dict[str, list[tuple[str, ...]]] = {}
    for word in text.words:
        asked.setdefault("backing" if word.backing else "lead", []).extend(one.phones for one in word.syllables)
    return sung == asked and all(line.manner == text.manner for line in there)


def _set_anew(there: Sequence[SongLine], text: SungLine, song: Song, score: Score, seed: int) -> tuple[SongLine, ...]:
    """New words in an old line's bars, as near to its rhythm as they go, on the pitches that were sung there."""
    meter, first = score.meter, there[0]
    before = first.start_bar * meter.steps_per_bar
    notes = sorted(
        (note for line in there for one in line.syllables for note in one.notes), key=lambda n: n.start_beats
    )
    starts = [song.clock.step(note.start_beats) for note in notes]
    room = LineRoom(meter, first.bars, score.tempo_bpm, max(0, before - starts[0]))
    motif = frozenset(start - before for start in starts)
    placements = set_line(sayables(text.words), room, line_rng(seed, text.kind, first.line), motif)
    where = LineBars(0, first.line, first.start_bar, first.bars)
    steps = SetLine(where, placements).steps(meter)
    lines = set_lines(where, text, steps, song.clock, lambda step: _nearest_pitch(notes, starts, step))
    return tuple(replace(line, lead_beats=first.lead_beats) for line in lines)


def _nearest_pitch(notes: Sequence[SongNote], starts: Sequence[int], step: int) -> int:
    """The pitch that was begun last by this step, or first of all."""
    place = max(0, int(np.searchsorted(starts, step, side="right")) - 1)
    return notes[place].pitch
