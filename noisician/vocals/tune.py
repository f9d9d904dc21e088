"""A tune on the grid: the octave in which a voice sings what is composed, how high it may go, and its tokens."""

from __future__ import annotations

import numpy as np

from noisician.score.decode import semitones_from_c
from noisician.score.grid import HOLD, PITCH_HIGH, PITCH_LOW, REST, pitch_token
from noisician.score.model import Meter
from noisician.vocals.form import SongForm
from noisician.vocals.song import Song
from noisician.vocals.voices import Voice, parse_voice

#: A sung note is told the composer as one that is neither soft nor accented.
SUNG_LEVEL = 1
#: The composer's leads lie about here with C as tonic; voices sing them octaves lower or higher.
LEAD_CENTRE_PITCH = 74
#: How a kind of section uses a voice's range: semitones above its lowest and below its highest pitch.
RANGE_MARGINS = {"chorus": (4, 0), "pre_chorus": (3, 2), "bridge": (3, 1), "drop": (4, 0)}
VERSE_MARGINS, LEAST_RANGE = (1, 5), 9


def sung_shift(voice: Voice, key: str) -> int:
    """Semitones from the composer's C-based pitches to those sung: to the key, and octaves towards the voice."""
    octaves = round((sum(voice.range) / 2 - LEAD_CENTRE_PITCH) / 12)
    return semitones_from_c(key) + 12 * octaves


def tune_tokens(song: Song, key: str, steps: int) -> np.ndarray:
    """What the lead voice sings as tokens of a line, int16 ``[steps]`` with C as tonic: the tune as it was composed."""
    tokens, shift = np.full(steps, REST, np.int16), sung_shift(parse_voice(song.voice), key)
    notes = (note for line in song.of_voice("lead") for one in line.syllables for note in one.notes)
    for note in sorted(notes, key=lambda note: note.start_beats):
        first, last = song.clock.step(note.start_beats), song.clock.step(note.end_beats)
        if 0 <= first < steps:
            pitch = min(max(note.pitch - shift, PITCH_LOW), PITCH_HIGH)
            tokens[first + 1 : last] = HOLD
            tokens[first] = pitch_token(pitch, SUNG_LEVEL)
    return tokens


def sung_ranges(voice: Voice, form: SongForm, meter: Meter) -> np.ndarray:
    """Lowest and highest pitch to be sung at each step, ``[2, steps]``."""
    low, high = voice.range
    out = np.zeros((2, form.bars * meter.steps_per_bar), int)
    for section in form.sections:
        below, above = RANGE_MARGINS.get(section.kind, VERSE_MARGINS)
        floor, ceiling = low + below, max(high - above, low + below + LEAST_RANGE)
        first = section.start_bar * meter.steps_per_bar
        out[:, first : first + section.bars * meter.steps_per_bar] = [[floor], [ceiling]]
    return out
