"""Who takes which part of a written score in our arrangement of roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from noisician.score.encode import GridNote
from noisician.score.model import Meter

Notes = tuple[GridNote, ...]
Roles = dict[str, list[GridNote]]

SINGLE_STRIKE = 1.2  # mean notes an onset up to which a hand plays one line
BROKEN_ONSETS_PER_BEAT = 1.5  # a single line this busy …
BROKEN_SPAN = 7  # … and this wide (semitones) is a broken chord
BASS_REACH = 4  # semitones above the bar's lowest note that still belong to the bass
DOUBLED_SHARE = 0.6  # of a line's onsets on the tune before it counts as doubling it


@dataclass(frozen=True)
class Line:
    """One written part on the grid, staff by staff; ``sung`` when it has words."""

    sung: bool
    staves: tuple[Notes, ...]

    @property
    def notes(self) -> Notes:
        return tuple(note for staff in self.staves for note in staff)

    def _map(self, change: Callable[[GridNote], GridNote | None]) -> Line:
        changed = ([change(note) for note in staff] for staff in self.staves)
        return replace(self, staves=tuple(tuple(n for n in staff if n is not None) for staff in changed))

    def transposed(self, semitones: int) -> Line:
        return self._map(lambda note: replace(note, pitch=note.pitch + semitones))

    def cut(self, steps: int) -> Line:
        """Without what lies after ``steps``."""
        return self._map(lambda note: replace(note, end=min(note.end, steps)) if note.start < steps else None)


def arrange(lines: Sequence[Line], meter: Meter, steps: int) -> Mapping[str, list[GridNote]]:
    """Roles of a score: a song where there is a keyboard part or hardly anybody, else an ensemble."""
    if len(lines) > 2 and all(len(line.staves) == 1 for line in lines):
        return _arrange_ensemble(lines, meter)
    return _arrange_song(lines, meter, steps)


def _arrange_song(lines: Sequence[Line], meter: Meter, steps: int) -> Roles:
    """Voice → lead, a second part → counter, right hand → chords or arp, left hand → bass and what it adds.

    The accompaniment is the last part on two staves, else the last part.
    """
    accompaniment = next((line for line in reversed(lines) if len(line.staves) > 1), lines[-1])
    singers = sorted((line for line in lines if line is not accompaniment), key=lambda line: not line.sung)
    roles: Roles = {}
    for role, line in zip(("lead", "counter"), singers, strict=False):
        roles[role] = list(line.notes)
    tune = {(note.start, note.pitch % 12) for note in roles.get("lead", ())}
    staves = (*accompaniment.staves, (), ())
    right, left = _by_bar(staves[0], meter), _by_bar(staves[1], meter)
    for bar in range(steps // meter.steps_per_bar):
        _arrange_bar(right.get(bar, ()), left.get(bar, ()), tune, meter, roles)
    return roles


def _arrange_ensemble(lines: Sequence[Line], meter: Meter) -> Roles:
    """String quartet or choir: the first part → lead, the second → counter, the last → bass.

    Those between strike what sounds with them, or run as arp.
    """
    roles: Roles = {}
    for role, line in zip(("lead", "counter"), lines[:-1], strict=False):
        roles[role] = list(line.notes)
    roles["bass"] = list(lines[-1].notes)
    inner = [note for line in lines[2:-1] for note in line.notes]
    others = [note for line in lines[1:] for note in line.notes]
    for notes in _by_bar(inner, meter).values():
        if _is_broken(notes, meter):
            roles.setdefault("arp", []).extend(notes)
        else:
            roles.setdefault("chords", []).extend(_struck_with(notes, others))
    return roles


def _by_bar(notes: Sequence[GridNote], meter: Meter) -> dict[int, Notes]:
    ordered = sorted(notes, key=lambda note: (note.start, note.pitch))
    return {bar: tuple(group) for bar, group in groupby(ordered, key=lambda n: n.start // meter.steps_per_bar)}


def _onsets(notes: Sequence[GridNote]) -> list[list[GridNote]]:
    ordered = sorted(notes, key=lambda note: (note.start, note.pitch))
    return [list(group) for _, group in groupby(ordered, key=lambda note: note.start)]


def _is_line(notes: Sequence[GridNote]) -> bool:
    return bool(notes) and len(notes) <= SINGLE_STRIKE * len(_onsets(notes))


def _is_broken(notes: Sequence[GridNote], meter: Meter) -> bool:
    """A single line that runs through a chord, rather than sustains or sings."""
    if not _is_line(notes):
        return False
    pitches = [note.pitch for note in notes]
    busy = len(_onsets(notes)) >= BROKEN_ONSETS_PER_BEAT * meter.beats_per_bar
    return busy and max(pitches) - min(pitches) >= BROKEN_SPAN


def _arrange_bar(right: Notes, left: Notes, tune: set[tuple[int, int]], meter: Meter, roles: Roles) -> None:
    arp = roles.setdefault("arp", [])
    chords = roles.setdefault("chords", [])
    bass = roles.setdefault("bass", [])
    line, strikes = _split_right(right)
    chords.extend(strikes)
    doubling = sum((note.start, note.pitch % 12) in tune for note in line) >= DOUBLED_SHARE * len(line)
    if not doubling:
        arp.extend(line)
    if _is_broken(left, meter):
        bass.extend(_pedal(left, meter))
        if doubling:  # the arpeggio is still free
            arp.extend(left)
    else:
        low, high = _split_left(left)
        bass.extend(low)
        chords.extend(high)


def _split_right(notes: Notes) -> tuple[list[GridNote], list[GridNote]]:
    """(single line, chords) of a right hand: lone notes among chords are a tune over them."""
    if _is_line(notes):
        return list(notes), []
    line: list[GridNote] = []
    chords: list[GridNote] = []
    for strike in _onsets(notes):
        (line if len(strike) == 1 else chords).extend(strike)
    if 3 * len(line) < len(_onsets(notes)):
        return [], list(notes)  # nearly all chords: the lone notes are theirs
    return line, chords


def _pedal(notes: Notes, meter: Meter) -> list[GridNote]:
    """The lowest note of each half bar (each bar in 3/4), held: the bass a broken chord implies."""
    span = meter.steps_per_bar if meter.beats_per_bar % 2 else meter.steps_per_bar // 2
    pedal = []
    for place, group in groupby(notes, key=lambda note: note.start // span):
        lowest = min(group, key=lambda note: note.pitch)
        pedal.append(replace(lowest, end=max((place + 1) * span, lowest.start + 1)))
    return pedal


def _split_left(notes: Notes) -> tuple[list[GridNote], list[GridNote]]:
    """(bass notes, chord notes) of a left hand: lone and lowest notes below, after-beat chords above."""
    if not notes:
        return [], []
    floor = min(note.pitch for note in notes)
    bass: list[GridNote] = []
    chords: list[GridNote] = []
    for strike in _onsets(notes):
        if len(strike) > 1 and strike[0].pitch > floor + BASS_REACH:
            chords.extend(strike)
        else:
            bass.append(strike[0])
            if len(strike) > 2:
                chords.extend(strike[1:])
    return bass, chords


def _struck_with(notes: Sequence[GridNote], others: Sequence[GridNote]) -> list[GridNote]:
    """At each onset of ``notes``, every pitch of ``others`` sounding then, for as long as the onset's note."""
    struck = []
    for note in notes:
        pitches = {other.pitch for other in others if other.start <= note.start < other.end}
        struck += [replace(note, pitch=pitch) for pitch in sorted(pitches | {note.pitch})]
    return struck
