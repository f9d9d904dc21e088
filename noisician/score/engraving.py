"""A score as it is written on staves: bars, voices, rests, ties and tuplets, before any file format.

Times are whole ticks, TICKS a quarter note, which writes 32nds and triplets of sixteenths. What is played a little off
the grid is written on it: swing is taken out, and each quarter of a part is read in sixteenths, 32nds or triplets,
whichever its onsets lie nearest to. A part that fits no four voices is written in one, where what sounds on is tied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from noisician.score.encode import estimate_swing
from noisician.score.model import LINE_END, METERS, Note, Score, Section, Track
from noisician.score.perform import unswing_time
from noisician.score.spelling import fifths_of

#: Of a quarter note.
TICKS = 24
#: What has no pitch of its own to be written.
UNWRITTEN_ROLES = ("texture", "fx")
VOICES_LIMIT = 4
_SIXTEENTH, _SHORTEST = TICKS // 4, TICKS // 8
_TRIPLET, _SEXTUPLET = TICKS // 3, TICKS // 6
#: What other readings than sixteenths have to be nearer by, in ticks a note.
_EVIDENCE_TICKS = 0.75
#: Plain and dotted values in ticks, longest first: (ticks, type, dots).
VALUES = (
    (96, "whole", 0), (72, "half", 1), (48, "half", 0), (36, "quarter", 1), (24, "quarter", 0), (18, "eighth", 1),
    (12, "eighth", 0), (9, "16th", 1), (6, "16th", 0), (3, "32nd", 0),
)  # fmt: skip
_PLAIN_TICKS = tuple(ticks for ticks, _, _ in VALUES)
#: Of metres whose bars are whole 32nds.
_DENOMINATORS = (1, 2, 4, 8, 16, 32)
#: Played with the feet, written in the lower voice of a kit.
FEET = (35, 36, 44)


@dataclass(frozen=True)
class Tuplet:
    """``actual`` in the time of ``normal``; ``starts`` and ``ends`` mark the bracket."""

    actual: int
    normal: int
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Event:
    """What a voice does for ``ticks`` from ``start`` (from the piece's beginning): notes that sound together, or rest.

    ``tied_from`` and ``tied_to`` are those of ``pitches`` that go on from before and after. ``shown_ticks`` is the
    written value, which a tuplet squeezes into ``ticks``.
    """

    start: int
    ticks: int
    pitches: tuple[int, ...] = ()
    velocity: int = 0
    tied_from: frozenset[int] = frozenset()
    tied_to: frozenset[int] = frozenset()
    syllable: str | None = None
    shown_ticks: int = 0
    tuplet: Tuplet | None = None

    @property
    def end(self) -> int:
        return self.start + self.ticks


@dataclass(frozen=True)
class Bar:
    """A bar: its place in ticks and its metre; ``section`` where one begins."""

    number: int
    start: int
    ticks: int
    numerator: int
    denominator: int
    section: Section | None = None

    @property
    def end(self) -> int:
        return self.start + self.ticks

    @property
    def beat_ticks(self) -> int:
        """Where values may be cut: a quarter, a dotted quarter of three eighths, an eighth of other eighths."""
        if self.denominator == 8:
            return 36 if self.numerator % 3 == 0 else 12
        return 4 * TICKS // self.denominator


@dataclass(frozen=True)
class Part:
    """What one player reads: the voices of each bar, each filling it from its first event to its end."""

    track: Track
    bars: tuple[tuple[tuple[Event, ...], ...], ...]

    @property
    def is_kit(self) -> bool:
        return self.track.role == "drums"


@dataclass(frozen=True)
class Symbol:
    """A chord symbol at its place; None for no chord: (root, kind, bass)."""

    start: int
    chord: tuple[int, str, int | None] | None


@dataclass(frozen=True)
class Sheet:
    """A whole score as it is written."""

    title: str
    key: str
    mode: str
    tempo: tuple[tuple[int, float], ...]  # (tick, quarters a minute)
    is_swung: bool
    bars: tuple[Bar, ...]
    chords: tuple[Symbol, ...]
    parts: tuple[Part, ...]

    @property
    def fifths(self) -> int:
        return fifths_of(self.key, self.mode)

    def chord_at(self, tick: int) -> tuple[int, str, int | None] | None:
        begun = [symbol for symbol in self.chords if symbol.start <= tick]
        return begun[-1].chord if begun else None


def engrave(
    score: Score,
    title: str = "",
    *,
    swing: tuple[float, int] | None = None,
    is_lead_sheet: bool = False,
    is_cut_at_chords: bool = False,
) -> Sheet:
    """A score on staves. ``swing`` is its amount and the steps of the swung pair, estimated where it is not known.

    A lead sheet has the tune alone: what is sung, else the lead, else whoever plays highest. Cut at chords, notes of
    the first voice are tied where the harmony changes under them, so that a symbol can stand at each change.
    """
    swing = estimate_swing(score) if swing is None else swing
    tracks = [track for track in score.tracks if track.notes and track.role not in UNWRITTEN_ROLES]
    if is_lead_sheet:
        tracks = _tune(tracks)
    written = [_written_notes(track, score, swing) for track in tracks]
    last = max((note.end for notes in written for note in notes), default=0)
    bars = _bars(score, last)
    chords = _symbols(score, bars[-1].end)
    cuts = tuple(symbol.start for symbol in chords) if is_cut_at_chords else ()
    return Sheet(
        title=title,
        key=score.key,
        mode=score.mode,
        tempo=_tempo(score),
        is_swung=swing[0] >= 0.2,
        bars=bars,
        chords=chords,
        parts=tuple(
            _part(track, notes, bars, () if place else cuts)
            for place, (track, notes) in enumerate(zip(tracks, written, strict=True))
        ),
    )


def _tune(tracks: Sequence[Track]) -> list[Track]:
    for role in ("vocals", "lead", "counter", "arp"):
        found = [track for track in tracks if track.role == role]
        if found:
            return found[:1]
    pitched = [track for track in tracks if track.role != "drums"]
    return sorted(pitched, key=lambda one: -sum(note.pitch for note in one.notes) / len(one.notes))[:1]


def quarters_per_beat(score: Score) -> float:
    return score.meter.steps_per_beat / 4


def _tempo(score: Score) -> tuple[tuple[int, float], ...]:
    quarters = quarters_per_beat(score)
    changes = ((one.start_beats, one.tempo_bpm) for one in score.tempo_changes)
    return tuple((round(beats * quarters * TICKS), bpm * quarters) for beats, bpm in ((0.0, score.tempo_bpm), *changes))


def _bars(score: Score, last_tick: int) -> tuple[Bar, ...]:
    """The bars, and so many more that all notes end within one."""
    meter = METERS[score.time_signature]
    ticks = meter.steps_per_bar * _SIXTEENTH
    end = max(score.bars * ticks, last_tick, ticks)
    per_beat = quarters_per_beat(score) * TICKS
    changes = [
        (round(one.start_beats * per_beat), *map(int, one.time_signature.split("/"))) for one in score.meter_changes
    ]
    changes = [one for one in changes if one[1] and one[2] in _DENOMINATORS]
    sections = [(section.start_bar * ticks, section) for section in score.sections]
    bars: list[Bar] = []
    at, numerator, denominator = 0, meter.numerator, meter.denominator
    while at < end:
        while changes and changes[0][0] <= at:
            _, numerator, denominator = changes.pop(0)
        length = 4 * TICKS * numerator // denominator
        own = [section for start, section in sections if at <= start < at + length]
        bars.append(Bar(len(bars), at, length, numerator, denominator, own[0] if own else None))
        at += length
    return tuple(bars)


def _symbols(score: Score, end: int) -> tuple[Symbol, ...]:
    """Where the harmony changes; a stretch without any is "no chord"."""
    per_beat = quarters_per_beat(score) * TICKS
    found: list[Symbol] = []
    sounding_until = 0
    for chord in score.chords:
        start, until = round(chord.start_beats * per_beat), round((chord.start_beats + chord.duration_beats) * per_beat)
        if start > sounding_until:
            found.append(Symbol(sounding_until, None))
        symbol = (chord.root, chord.quality, chord.bass)
        if not found or found[-1].chord != symbol:
            found.append(Symbol(start, symbol))
        sounding_until = until
    if found and sounding_until < end:
        found.append(Symbol(sounding_until, None))
    return tuple(one for one in found if one.start < end)


# --- onto the grid ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Written:
    start: int
    end: int
    pitch: int
    velocity: int
    syllable: str | None


def _written_notes(track: Track, score: Score, swing: tuple[float, int]) -> list[_Written]:
    """A part's notes on ticks, none of one pitch over another."""
    times = np.array([(note.start_beats, note.end_beats) for note in track.notes]) * score.meter.steps_per_beat
    ticks = unswing_time(times, *swing) * _SIXTEENTH
    grids = _grids(ticks[:, 0], is_compound=score.meter.denominator == 8)
    written = [_on_grid(note, start, end, grids) for note, (start, end) in zip(track.notes, ticks, strict=True)]
    written.sort(key=lambda one: (one.start, one.pitch, -one.end))
    out: list[_Written] = []
    latest: dict[int, int] = {}
    for one in written:
        before = latest.get(one.pitch)
        if before is not None and out[before].end > one.start:
            if out[before].start == one.start:
                continue
            out[before] = replace(out[before], end=one.start)
        latest[one.pitch] = len(out)
        out.append(one)
    return out


def _grids(onsets: np.ndarray, *, is_compound: bool) -> dict[int, int]:
    """The unit in ticks of each quarter in which notes begin."""
    cells: dict[int, list[float]] = {}
    for onset in onsets:
        cells.setdefault(int(max(onset + 1.0, 0) // TICKS), []).append(float(onset))
    found: dict[int, int] = {}
    for cell, own in cells.items():
        units = (_SIXTEENTH, _SHORTEST) if is_compound else (_SIXTEENTH, _TRIPLET, _SEXTUPLET, _SHORTEST)
        costs = [_distance(own, unit) + (0 if unit == _SIXTEENTH else _EVIDENCE_TICKS) for unit in units]
        found[cell] = units[int(np.argmin(costs))]
    return found


def _distance(onsets: Sequence[float], unit: int) -> float:
    """How far onsets lie from multiples of a unit on average; what is on a quarter says nothing."""
    telling = {round(onset, 1) for onset in onsets if abs(onset - TICKS * round(onset / TICKS)) > 1.0}
    return float(np.mean([abs(onset - unit * round(onset / unit)) for onset in telling])) if telling else 0.0


def _on_grid(note: Note, start: float, end: float, grids: dict[int, int]) -> _Written:
    unit = grids[int(max(start + 1.0, 0) // TICKS)]
    first = max(0, unit * round(start / unit))
    ending = grids.get(int(max(end - 1.0, 0) // TICKS), _SIXTEENTH)
    last = ending * round(end / ending)
    return _Written(first, last if last > first else first + unit, note.pitch, note.velocity, note.syllable)


# --- voices -----------------------------------------------------------------------------------------------------------


def _part(track: Track, notes: Sequence[_Written], bars: Sequence[Bar], cuts: Sequence[int]) -> Part:
    voices = _kit_voices(notes, bars) if track.role == "drums" else _voices(notes)
    filled = [_in_bars(voice, bars, () if number else cuts) for number, voice in enumerate(voices or [[]])]
    by_bar = []
    for place in range(len(bars)):
        first, *others = (voice[place] for voice in filled)
        by_bar.append((first, *(events for events in others if any(event.pitches for event in events))))
    return Part(track, tuple(by_bar))


def _rests(bar: Bar, cuts: Sequence[int]) -> tuple[Event, ...]:
    """A bar of silence."""
    if not any(bar.start < cut < bar.end for cut in cuts):
        return (Event(bar.start, bar.ticks, shown_ticks=bar.ticks),)
    return tuple(_valued(_cut_at([Event(bar.start, bar.ticks)], cuts), bar))


def _events(notes: Iterable[_Written]) -> list[Event]:
    """Notes that begin and end together as one."""
    together: dict[tuple[int, int], list[_Written]] = {}
    for one in notes:
        together.setdefault((one.start, one.end), []).append(one)
    events = []
    for (start, end), own in sorted(together.items()):
        syllable = next((one.syllable for one in own if one.syllable is not None), None)
        pitches = tuple(sorted(one.pitch for one in own))
        events.append(Event(start, end - start, pitches, max(one.velocity for one in own), syllable=syllable))
    return events


def _voices(notes: Sequence[_Written]) -> list[list[Event]]:
    """Voices of which none sounds twice at a time; one with ties where those would be too many."""
    voices: list[list[Event]] = []
    for event in sorted(_events(notes), key=lambda one: (one.start, -max(one.pitches), -one.ticks)):
        free = next((voice for voice in voices if voice[-1].end <= event.start), None)
        if free is None:
            free = []
            voices.append(free)
        free.append(event)
    return voices if len(voices) <= VOICES_LIMIT else [_sliced(notes)]


def _sliced(notes: Sequence[_Written]) -> list[Event]:
    """One voice: whatever sounds, from change to change."""
    edges = sorted({edge for one in notes for edge in (one.start, one.end)})
    begun = sorted(notes, key=lambda one: one.start)
    sounding: list[_Written] = []
    events, place = [], 0
    for start, end in pairwise(edges):
        while place < len(begun) and begun[place].start <= start:
            sounding.append(begun[place])
            place += 1
        sounding = [one for one in sounding if one.end > start]
        if not sounding:
            continue
        events.append(
            Event(
                start,
                end - start,
                tuple(sorted(one.pitch for one in sounding)),
                max(one.velocity for one in sounding),
                frozenset(one.pitch for one in sounding if one.start < start),
                frozenset(one.pitch for one in sounding if one.end > end),
                next((one.syllable for one in sounding if one.start == start and one.syllable is not None), None),
            )
        )
    return events


def _kit_voices(notes: Sequence[_Written], bars: Sequence[Bar]) -> list[list[Event]]:
    """Hands above, feet below; a stroke is written to the next one or the end of its quarter."""
    voices = []
    for feet in (False, True):
        onsets: dict[int, list[_Written]] = {}
        for one in notes:
            if (one.pitch in FEET) == feet:
                onsets.setdefault(one.start, []).append(one)
        voice = []
        starts = sorted(onsets)
        for start, after in zip(starts, [*starts[1:], bars[-1].end], strict=True):
            ticks = min(after, (start // TICKS + 1) * TICKS) - start
            own = onsets[start]
            pitches = tuple(sorted({one.pitch for one in own}))
            voice.append(Event(start, ticks, pitches, max(one.velocity for one in own)))
        voices.append(voice)
    return [voice for voice in voices if voice]


# --- bars, values and tuplets -----------------------------------------------------------------------------------------


def _in_bars(voice: Sequence[Event], bars: Sequence[Bar], cuts: Sequence[int]) -> list[tuple[Event, ...]]:
    """The written events of a voice, bar by bar, tied over ``cuts``."""
    out: list[tuple[Event, ...]] = []
    place = 0
    for bar in bars:
        pieces: list[Event] = []
        at = bar.start
        while place < len(voice) and voice[place].start < bar.end:
            event = voice[place]
            if event.start > at:
                pieces.append(Event(at, event.start - at))
            start, end = max(event.start, bar.start), min(event.end, bar.end)
            pieces.append(_cut(event, start, end))
            at = end
            if event.end > bar.end:
                break
            place += 1
        if at < bar.end:
            pieces.append(Event(at, bar.end - at))
        is_silent = not any(piece.pitches for piece in pieces)
        out.append(_rests(bar, cuts) if is_silent else tuple(_valued(_cut_at(pieces, cuts), bar)))
    return out


def _cut_at(pieces: Sequence[Event], cuts: Sequence[int]) -> list[Event]:
    """Pieces cut at places on sixteenths; a place within a triplet is left as it is."""
    split = {piece.start // TICKS for piece in pieces if piece.start % _SHORTEST}
    split |= {piece.end // TICKS for piece in pieces if piece.end % _SHORTEST}
    out = []
    for piece in pieces:
        inside = [
            cut for cut in cuts if piece.start < cut < piece.end and (cut // TICKS not in split or not cut % TICKS)
        ]
        edges = [piece.start, *inside, piece.end]
        out += [_cut(piece, start, end) for start, end in pairwise(edges)]
    return out


def _cut(event: Event, start: int, end: int) -> Event:
    """The part of an event between two places, tied to what is left on either side."""
    everything = frozenset(event.pitches)
    return replace(
        event,
        start=start,
        ticks=end - start,
        tied_from=event.tied_from if start == event.start else everything,
        tied_to=event.tied_to if end == event.end else everything,
        syllable=event.syllable if start == event.start else None,
    )


def _valued(pieces: Sequence[Event], bar: Bar) -> Iterator[Event]:
    """Pieces of a bar cut into values that can be written, those of triplets in tuplets."""
    edges = {edge - bar.start for piece in pieces for edge in (piece.start, piece.end)}
    tuplets = {edge // TICKS for edge in edges if edge % _SHORTEST}
    for piece in pieces:
        first, end = piece.start - bar.start, piece.end - bar.start
        while first < end:
            cell = first // TICKS
            if cell in tuplets:
                until = min(end, (cell + 1) * TICKS)
                unit = _unit(edges, cell)
                for start, stop in _tuplet_values(first, until, cell * TICKS, unit):
                    yield _in_tuplet(_cut(piece, bar.start + start, bar.start + stop), bar, cell, unit)
                first = until
                continue
            border = next((other * TICKS for other in sorted(tuplets) if other > cell), bar.ticks)
            until = min(end, border)
            for start, stop in _plain_values(first, until, bar):
                yield replace(_cut(piece, bar.start + start, bar.start + stop), shown_ticks=stop - start)
            first = until


def _unit(edges: Iterable[int], cell: int) -> int:
    """The value in ticks that a quarter's tuplet counts."""
    own = [edge - cell * TICKS for edge in edges if cell * TICKS <= edge <= (cell + 1) * TICKS]
    return (
        _TRIPLET
        if all(edge % _TRIPLET == 0 for edge in own)
        else _SEXTUPLET
        if all(edge % _SEXTUPLET == 0 for edge in own)
        else 1
    )


def _tuplet_values(first: int, end: int, start_of_cell: int, unit: int) -> Iterator[tuple[int, int]]:
    """Spans of one, two or four units."""
    while first < end:
        count = next(count for count in (4, 2, 1) if count * unit <= end - first or count == 1)
        yield first, min(first + count * unit, end)
        first += count * unit


def _in_tuplet(event: Event, bar: Bar, cell: int, unit: int) -> Event:
    actual, normal = (3, 2) if unit == _TRIPLET else (6, 4)
    start = event.start - bar.start - cell * TICKS
    tuplet = Tuplet(actual, normal, start == 0, start + event.ticks == TICKS)
    return replace(event, shown_ticks=event.ticks * actual // normal, tuplet=tuplet)


def _plain_values(first: int, end: int, bar: Bar) -> Iterator[tuple[int, int]]:
    """Spans that single values fill, cut where the beat wants it."""
    while first < end:
        ticks = _value(first, end - first, bar)
        yield first, first + ticks
        first += ticks


def _value(at: int, left: int, bar: Bar) -> int:
    beat = bar.beat_ticks
    in_beat = at % beat
    if in_beat == 0:
        if at == 0 and left == bar.ticks and left in _PLAIN_TICKS:
            return left
        room = left if left < beat else min(left, bar.ticks - at)
        half = bar.ticks // 2
        if bar.denominator == 4 and bar.numerator == 4 and at < half < at + room and at and room > 2 * TICKS:
            room = half - at
    elif bar.denominator == 4 and in_beat == TICKS // 2 and left >= TICKS and at // TICKS != bar.ticks // TICKS - 1:
        room = TICKS  # a syncope
    else:
        room = min(left, beat - in_beat)
    fitting = [ticks for ticks in _PLAIN_TICKS if ticks <= room]
    if bar.denominator == 8 and in_beat == 0:
        fitting = [ticks for ticks in fitting if ticks <= beat or ticks % beat == 0]
    if in_beat and in_beat % (TICKS // 4):  # behind a 32nd: to the next sixteenth first
        fitting = [ticks for ticks in fitting if ticks <= _SHORTEST] or fitting
    return fitting[0]


def words_of(text: str) -> tuple[str, bool, bool]:
    """(what is written under a note, whether the word goes on, whether the line ends) of a syllable."""
    goes_on = text.endswith("-") and len(text) > 1
    return text.strip().rstrip("-") if goes_on else text.strip(), goes_on, text.endswith(LINE_END)
