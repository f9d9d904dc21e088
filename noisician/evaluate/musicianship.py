"""What a musician would look at first in a score: tunes, what returns, grooves, harmony, the end.

Everything is read from the token grid (sixteenths, tonic C), so that our own scores, training songs and imported MIDI
are measured alike, over the first ``BARS`` bars. None where there is nothing to measure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from noisician.score.grid import DRUMS, FIRST_ONSET, HOLD, LEVELS, PITCH_LOW, STREAMS, Grid, chord_of
from noisician.score.harmony import QUALITIES, SCALES
from noisician.score.model import Section

BARS = 16
#: Notes further apart than this belong to different phrases; the leap between them is nobody's.
PHRASE_GAP_BEATS = 4
STEP_SEMITONES, FOURTH_SEMITONES = 2, 5
FIGURE_NOTES = 4


def opening(grid: Grid, bars: int = BARS) -> Grid:
    """The first bars of a grid."""
    return Grid(grid.tokens[: bars * grid.meter.steps_per_bar], grid.time_signature)


def notes(grid: Grid, stream: str) -> tuple[np.ndarray, np.ndarray]:
    """(steps, pitches) of the onsets of a single voice, tonic C."""
    tokens = np.asarray(grid.stream(stream), int)
    steps = np.flatnonzero(tokens >= FIRST_ONSET)
    return steps, (tokens[steps] - FIRST_ONSET) // LEVELS + PITCH_LOW


def moves(grid: Grid, stream: str = "lead") -> np.ndarray:
    """``[moves, 2]``: (semitones, steps) from each note to the next of the same phrase."""
    steps, pitches = notes(grid, stream)
    pairs = np.stack([np.diff(pitches), np.diff(steps)], axis=1) if len(steps) > 1 else np.zeros((0, 2), int)
    return pairs[pairs[:, 1] <= PHRASE_GAP_BEATS * grid.meter.steps_per_beat]


def step_share(grid: Grid, stream: str = "lead") -> float | None:
    """Share of moves by one or two semitones."""
    sizes = np.abs(moves(grid, stream)[:, 0])
    return float(np.mean((sizes > 0) & (sizes <= STEP_SEMITONES))) if len(sizes) else None


def leap_share(grid: Grid, stream: str = "lead") -> float | None:
    """Share of moves by more than a fourth."""
    sizes = np.abs(moves(grid, stream)[:, 0])
    return float(np.mean(sizes > FOURTH_SEMITONES)) if len(sizes) else None


def returning_figures(grid: Grid, mode: str, stream: str = "lead") -> float | None:
    """Share of figures of four notes (three intervals in degrees of the scale, three distances in time) that sound at
    least twice, at any pitch: a sequence along the scale is the same figure.
    """
    steps, pitches = notes(grid, stream)
    if len(steps) < FIGURE_NOTES:
        return None
    intervals, distances = np.diff(_degrees(pitches, mode)), np.diff(steps)
    width, longest = FIGURE_NOTES - 1, PHRASE_GAP_BEATS * grid.meter.steps_per_beat
    figures = [
        (*intervals[at : at + width], *distances[at : at + width])
        for at in range(len(intervals) - width + 1)
        if (distances[at : at + width] <= longest).all()
    ]
    counts = Counter(figures)
    return float(np.mean([counts[figure] > 1 for figure in figures])) if figures else None


def heard_rhythms(grid: Grid, stream: str = "lead") -> float | None:
    """Share of bars with onsets, the first apart, whose onsets lie where those of an earlier bar do."""
    onsets = _by_bar(grid, np.asarray(grid.stream(stream)) >= FIRST_ONSET)
    rhythms = [bar.tobytes() for bar in onsets if bar.any()]
    return _heard_before(rhythms)


def literal_repeats(grid: Grid, stream: str = "lead", bars: int = 1) -> int:
    """The longest run of equal phrases of ``bars`` bars in a row; 1 where nothing repeats at once."""
    rows = _by_bar(grid, np.asarray(grid.stream(stream)))
    phrases = [rows[at : at + bars].tobytes() for at in range(0, len(rows) - bars + 1, bars)]
    heard = [bool((rows[at : at + bars] >= FIRST_ONSET).any()) for at in range(0, len(rows) - bars + 1, bars)]
    longest = run = 1
    for before, after, sounds in zip(phrases, phrases[1:], heard[1:], strict=False):
        run = run + 1 if before == after and sounds else 1
        longest = max(longest, run)
    return longest


def different_drum_bars(grid: Grid) -> float | None:
    """Different bars of drums (which piece is hit when, however loud) over bars in which drums play."""
    columns = [STREAMS.index(name) for name in DRUMS]
    bars = _by_bar(grid, grid.tokens[:, columns] > 0)
    played = [bar.tobytes() for bar in bars if bar.any()]
    return len(set(played)) / len(played) if played else None


def chords_used(grid: Grid) -> tuple[int, float]:
    """(different chords, changes a bar)."""
    tokens = grid.stream("chord")
    sounding = tokens[tokens > 0]
    changes = int(np.sum(tokens[1:] != tokens[:-1]))
    return len(set(sounding.tolist())), changes / grid.bars


def borrowed_share(grid: Grid, mode: str) -> float | None:
    """Share of the time in which the chord in force has a tone outside the mode."""
    scale = set(SCALES[mode])
    chords = [chord_of(int(token)) for token in grid.stream("chord")]
    known = [chord for chord in chords if chord is not None]
    outside = [any((root + tone) % 12 not in scale for tone in QUALITIES[quality]) for root, quality in known]
    return float(np.mean(outside)) if known else None


def clash_share(grid: Grid, streams: Sequence[str] = ("lead", "counter", "bass")) -> float | None:
    """Share of beats on which two of the voices, or one and a tone of the chord, lie a semitone or a minor ninth apart
    and hold it for at least half a beat, though the chord does not have both tones.
    """
    half = max(1, grid.meter.steps_per_beat // 2)
    lines = [_sounding_pitches(np.asarray(grid.stream(stream), int)) for stream in streams]
    beats = range(0, len(grid.tokens) - half + 1, grid.meter.steps_per_beat)
    judged, clashes = 0, 0
    for at in beats:
        held = [int(line[at]) for line in lines if line[at] >= 0 and (line[at : at + half] == line[at]).all()]
        chord = chord_of(int(grid.stream("chord")[at]))
        if not held:
            continue
        judged += 1
        tones = set() if chord is None else {(chord[0] + tone) % 12 for tone in QUALITIES[chord[1]]}
        clashes += _clash(held, tones)
    return clashes / judged if judged else None


def last_pitch_class(grid: Grid, stream: str) -> int | None:
    """The pitch class (tonic 0) of a voice's last note."""
    _, pitches = notes(grid, stream)
    return int(pitches[-1]) % 12 if len(pitches) else None


def ends_at_home(grid: Grid, mode: str) -> dict[str, bool]:
    """Of those who play at all: whether the lead ends on a tone of the tonic chord, the bass on the tonic, and the last
    hit of the drums lies on a beat of the last bar.
    """
    home = {0, SCALES[mode][2], 7}
    ends: dict[str, bool] = {}
    lead, bass = last_pitch_class(grid, "lead"), last_pitch_class(grid, "bass")
    if lead is not None:
        ends["lead"] = lead in home
    if bass is not None:
        ends["bass"] = bass == 0
    hits = np.flatnonzero((grid.tokens[:, [STREAMS.index(name) for name in DRUMS]] > 0).any(axis=1))
    if len(hits):
        last = int(hits[-1])
        ends["drums"] = last >= len(grid.tokens) - grid.meter.steps_per_bar and last % grid.meter.steps_per_beat == 0
    return ends


def returning_sections(grid: Grid, sections: Sequence[Section]) -> list[float]:
    """How much every section that comes back after another is what it was: the share of tokens in which it equals its
    first appearance, of those where either has something, as far as the shorter of the two goes. 1 is a literal repeat.
    """
    alike = []
    for place, section in enumerate(sections):
        first = next(at for at, other in enumerate(sections) if other.label == section.label)
        if any(other.label != section.label for other in sections[first:place]):
            alike.append(_alike(_bars_of(grid, sections[first]), _bars_of(grid, section)))
    return alike


def _bars_of(grid: Grid, section: Section) -> np.ndarray:
    per_bar = grid.meter.steps_per_bar
    return grid.tokens[section.start_bar * per_bar : (section.start_bar + section.bars) * per_bar]


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    length = min(len(one), len(other))
    sounds = (one[:length] > 0) | (other[:length] > 0)
    return float((one[:length] == other[:length])[sounds].mean()) if sounds.any() else 0.0


def _degrees(pitches: np.ndarray, mode: str) -> np.ndarray:
    """Pitches counted in degrees of the scale from C, halves for what lies between two."""
    scale = np.array(SCALES[mode])
    octaves, within = np.divmod(pitches, 12)
    degree = np.searchsorted(scale, within, side="right") - 1
    return 7 * octaves + degree + 0.5 * (within != scale[degree])


def _by_bar(grid: Grid, rows: np.ndarray) -> np.ndarray:
    """``[bars, …]`` of rows ``[steps, …]``."""
    return np.ascontiguousarray(rows.reshape(grid.bars, grid.meter.steps_per_bar, *rows.shape[1:]))


def _heard_before(bars: Sequence[bytes]) -> float | None:
    seen: set[bytes] = set()
    heard = []
    for bar in bars:
        heard.append(bar in seen)
        seen.add(bar)
    return float(np.mean(heard[1:])) if len(heard) > 1 else None


def _sounding_pitches(tokens: np.ndarray) -> np.ndarray:
    """``[steps]``: the pitch that sounds, −1 for none."""
    onset = tokens >= FIRST_ONSET
    pitches = np.where(onset, (tokens - FIRST_ONSET) // LEVELS + PITCH_LOW, -1)
    begun = np.maximum.accumulate(np.where(tokens != HOLD, np.arange(len(tokens)), 0))
    return pitches[begun]


def _clash(held: Sequence[int], tones: set[int]) -> bool:
    own = {pitch % 12 for pitch in held}
    for pitch in held:
        for other in held:
            if (pitch - other) % 12 == 1 and not {pitch % 12, other % 12} <= tones:
                return True
    return any((tone - pitch) % 12 in (1, 11) for pitch in own - tones for tone in tones)
