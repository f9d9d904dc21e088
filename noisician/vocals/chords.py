"""Chords written over words: what they mean, which key they are in, and where in a song's bars they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.lyrics import Lyrics
from noisician.score.chart import Symbol, chart_key, raised, read_symbol, symbol_token
from noisician.score.model import Meter
from noisician.vocals.form import SetLine, SongForm

#: A step at which nothing is written.
OPEN = -1


def sounding(name: str, capo: int = 0) -> Symbol:
    """A chord as it sounds with a capo. Raises ValueError for what is no chord."""
    return raised(read_symbol(name), capo)


def chord_names(lyrics: Lyrics) -> tuple[str, ...]:
    """Every chord of a text in order."""
    names: list[str] = []
    for section in lyrics.sections:
        names += section.chords
        names += [name for line in section.lines for _, name in line.chords]
    return tuple(names)


def key_of(
    names: Sequence[str], capo: int = 0, key: str | None = None, mode: str | None = None
) -> tuple[str, str, tuple[str, ...]] | None:
    """The key and mode in which chords are most at home, as far as they are not given, and the names that mean nothing;
    None where none means anything."""
    symbols: list[Symbol] = []
    strange: list[str] = []
    for name in names:
        try:
            symbols.append(sounding(name, capo))
        except ValueError:
            strange.append(name)
    found = chart_key(symbols, key, mode)
    return None if found is None else (*found, tuple(dict.fromkeys(strange)))


def chord_steps(
    lyrics: Lyrics, form: SongForm, lines: Sequence[SetLine], meter: Meter, tonic: int
) -> np.ndarray | None:
    """The chords of a piece's grid, int32 ``[steps]`` with ``tonic`` as C and OPEN where nothing is written; None for a
    text without chords.

    A chord begins on the beat nearest to the word it stands over, and the first over a line's first word with its bars;
    it lasts until the next one, to the end of its section. Chords without words take a bar each, round and round.
    """
    if not chord_names(lyrics):
        return None
    tokens = np.full(form.bars * meter.steps_per_bar, OPEN, np.int32)
    first_word = _first_syllables(lyrics)
    set_lines = {(one.where.part, one.where.line): one for one in lines}
    for section, source in zip(form.sections, form.sources, strict=True):
        if source is None:
            continue
        first, end = (bar * meter.steps_per_bar for bar in (section.start_bar, section.start_bar + section.bars))
        placed: list[tuple[int, str]] = []
        text = lyrics.sections[source]
        if not text.lines:
            placed = [
                (first + bar * meter.steps_per_bar, text.chords[bar % len(text.chords)])
                for bar in range(section.bars if text.chords else 0)
            ]
        for number, line in enumerate(text.lines):
            own = set_lines.get((source, number))
            if own is not None and line.chords:
                placed += _over_line(line.chords, own, first_word[source, number], meter)
        _fill(tokens, sorted(placed), first, end, lyrics.capo, tonic)
    return tokens


def _first_syllables(lyrics: Lyrics) -> dict[tuple[int, int], list[int]]:
    """By (section, line): the index of the first syllable of each word, and last how many there are."""
    from noisician.lyrics.singing import sung_line

    found: dict[tuple[int, int], list[int]] = {}
    for place, section in enumerate(lyrics.sections):
        for number, line in enumerate(section.lines):
            counts = [len(word.syllables) for word in sung_line(line, lyrics.language)]
            found[place, number] = [0, *np.cumsum(counts).tolist()]
    return found


def _over_line(
    chords: Sequence[tuple[int, str]], line: SetLine, first_syllables: Sequence[int], meter: Meter
) -> list[tuple[int, str]]:
    """(step, name) of a line's chords in their order, no two on one beat as long as there is room."""
    start = line.where.start_bar * meter.steps_per_bar
    end = start + line.where.bars * meter.steps_per_bar
    steps = line.steps(meter)
    beat = meter.steps_per_beat
    placed: list[tuple[int, str]] = []
    for word, name in chords:
        syllable = first_syllables[min(word, len(first_syllables) - 1)]
        if word == 0:
            at = start
        elif syllable < len(steps):
            at = start + round((steps[syllable][0][0] - start) / beat) * beat
        else:  # after the last word
            at = start + int(np.ceil((steps[-1][0][0] + 1 - start) / beat)) * beat
        placed.append((max(at, placed[-1][0] + beat) if placed else max(at, start), name))
    over = max(0, -(-(placed[-1][0] - (end - beat)) // beat)) if placed else 0
    if over:  # what came too late moves forward, one beat each
        latest = end - beat
        for place in reversed(range(len(placed))):
            placed[place] = (max(start, min(placed[place][0], latest)), placed[place][1])
            latest = placed[place][0] - beat
    return placed


def _fill(tokens: np.ndarray, placed: Sequence[tuple[int, str]], first: int, end: int, capo: int, tonic: int) -> None:
    """In place: each chord from its step to the next one's."""
    for place, (step, name) in enumerate(placed):
        try:
            token = symbol_token(sounding(name, capo), tonic)
        except ValueError:
            continue
        until = placed[place + 1][0] if place + 1 < len(placed) else end
        tokens[max(step, first) : max(step, min(until, end))] = token
