"""Ornaments: grace notes, slides, mordents, trills, rolls and flams, which no grid of sixteenths can say.

They are added to the straight notes of a part before it is performed, and are notes like any other from then on. What
is struck on the grid stays where it is: what is quick comes before it, or in its time. Each is decided by a hash of
(seed, role, place), so that changing one bar leaves the ornaments of all others untouched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from noisician.score.harmony import SCALES, pitch_class
from noisician.score.model import Meter, Note

#: How long a grace note is, in seconds and at most in beats; how long a note is that may carry a trill or a roll.
GRACE_S, GRACE_BEATS = 0.065, 0.2
LONG_S, ROLLED_S = 0.55, 0.38
#: Strokes a second of trills and of rolls on the snare.
TRILL_HZ, PRESS_HZ = 9.0, 16.0
FLAM_S, DRAG_S = 0.028, 0.05
#: How loud quick notes are beside the one they adorn.
SOFT, SOFTER = 0.8, 0.5
_SNARES, _CLOSED_HAT, _ACCENT = (38, 40), 42, 100


@dataclass(frozen=True)
class Adorning:
    """What ornaments are made in: how likely each kind is, and the key, metre and tempo of the piece."""

    kinds: Mapping[str, float]
    role: str
    key: str
    mode: str
    meter: Meter
    tempo_bpm: float
    seed: int

    def beats(self, seconds: float) -> float:
        return seconds * self.tempo_bpm / 60

    @property
    def grace(self) -> float:
        """The length of a grace note in beats."""
        return min(self.beats(GRACE_S), GRACE_BEATS)

    def falls(self, kind: str, note: Note) -> bool:
        """Whether this note gets an ornament of a kind."""
        chance = self.kinds.get(kind, 0.0)
        return chance > 0 and self._uniform(kind, note) < chance

    def _uniform(self, name: str, note: Note) -> float:
        step = round(note.start_beats * self.meter.steps_per_beat)
        piece = note.pitch if self.role == "drums" else ""  # in another key the same notes are adorned
        place = f"{self.seed}/{self.role}/{step}/{piece}/{name}"
        return int.from_bytes(hashlib.blake2b(place.encode(), digest_size=4).digest(), "big") / 2**32

    def count(self, note: Note, *choices: int) -> int:
        return choices[int(self._uniform("count", note) * len(choices))]

    def neighbour(self, pitch: int, up: bool) -> int:
        """The next tone of the scale."""
        scale = {(pitch_class(self.key) + tone) % 12 for tone in SCALES[self.mode]}
        way = 1 if up else -1
        return next(pitch + way * size for size in range(1, 4) if (pitch + way * size) % 12 in scale)

    def is_downbeat(self, note: Note) -> bool:
        return abs(note.start_beats % self.meter.beats_per_bar) < 1e-6


def adorned(notes: Sequence[Note], adorning: Adorning) -> tuple[Note, ...]:
    """Straight notes with the ornaments that fall on them, in order of start."""
    if not adorning.kinds or not notes:
        return tuple(notes)
    if adorning.role == "drums":
        out = _drummed(notes, adorning)
    elif adorning.role in ("chords", "pad"):
        out = _strummed(notes, adorning)
    else:
        out = _sung(notes, adorning)
    return tuple(sorted(out, key=lambda note: (note.start_beats, note.pitch)))


def _sung(notes: Sequence[Note], a: Adorning) -> list[Note]:
    """A single line: at most one ornament a note; the note before gives way to what comes before one."""
    out: list[Note] = []
    for note in notes:
        before = out[-1] if out else None
        free = note.start_beats - a.grace
        room = free >= 0 and (before is None or free > before.start_beats + a.grace)
        own = _within(note, a)
        if len(own) == 1 and room and (grace := _before(note, before, a)) is not None:
            if before is not None and before.end_beats > free:
                out[-1] = replace(before, duration_beats=free - before.start_beats)
            out.append(grace)
        out += own
    return out


def _before(note: Note, before: Note | None, a: Adorning) -> Note | None:
    """The quick note that leads into this one."""
    again = before is not None and before.pitch == note.pitch
    on_beat = abs(note.start_beats - round(note.start_beats)) < 1e-6
    velocity = max(1, round(note.velocity * SOFT))
    if (again or on_beat) and a.falls("cut", note):
        pitch = a.neighbour(note.pitch, up=True)
    elif not again and a.falls("slide", note):
        pitch = (
            note.pitch - 1 if before is not None and before.pitch < note.pitch - 3 else a.neighbour(note.pitch, False)
        )
    else:
        return None
    return Note(pitch, note.start_beats - a.grace, a.grace, velocity)


def _within(note: Note, a: Adorning) -> list[Note]:
    """The note itself, or what it becomes."""
    length = note.duration_beats
    if length >= a.beats(LONG_S) and a.falls("trill", note):
        count = max(4, 2 * round(length * 0.75 * TRILL_HZ / 2 / a.beats(1)))
        quick = length * 0.75 / count
        pitches = [a.neighbour(note.pitch, up=True), note.pitch] * (count // 2)
        shakes = [
            replace(note, pitch=pitch, start_beats=note.start_beats + place * quick, duration_beats=quick)
            for place, pitch in enumerate(pitches[:-1])
        ]
        last = note.start_beats + (count - 1) * quick
        return [*shakes, replace(note, start_beats=last, duration_beats=note.end_beats - last)]
    if length >= a.beats(ROLLED_S) and a.falls("roll", note):
        third, grace = length / 3, min(a.grace, length / 9)
        out = [replace(note, duration_beats=third - grace)]
        for place, up in ((1, True), (2, False)):
            at = note.start_beats + place * third
            out.append(Note(a.neighbour(note.pitch, up), at - grace, grace, max(1, round(note.velocity * SOFT))))
            out.append(replace(note, start_beats=at, duration_beats=third - (grace if place == 1 else 0)))
        return out
    if length >= 4 * a.grace and a.falls("mordent", note):
        lower = replace(note, pitch=a.neighbour(note.pitch, False), start_beats=note.start_beats + a.grace)
        return [
            replace(note, duration_beats=a.grace),
            replace(lower, duration_beats=a.grace, velocity=max(1, round(note.velocity * SOFT))),
            replace(note, start_beats=note.start_beats + 2 * a.grace, duration_beats=length - 2 * a.grace),
        ]
    return [note]


def _strummed(notes: Sequence[Note], a: Adorning) -> list[Note]:
    """Chords: the fingers fall one after the other before an accented one."""
    out: list[Note] = []
    step = 1 / a.meter.steps_per_beat
    quick = min(step / 3, a.beats(0.05))
    for start, group in groupby(sorted(notes, key=lambda note: note.start_beats), key=lambda note: note.start_beats):
        chord = list(group)
        first = start - 3 * quick
        accented = len(chord) > 2 and max(note.velocity for note in chord) >= _ACCENT
        if accented and first >= 0 and a.falls("rasgueado", chord[0]):
            out = [
                replace(note, duration_beats=first - note.start_beats) if note.end_beats > first else note
                for note in out
            ]
            out += [
                replace(
                    note, start_beats=first + finger * quick, duration_beats=quick, velocity=round(note.velocity * SOFT)
                )
                for finger in range(3)
                for note in chord
            ]
        out += chord
    return out


def _drummed(notes: Sequence[Note], a: Adorning) -> list[Note]:
    """Strokes of a kit, and those that come before them or in their time."""
    out: list[Note] = []
    step = 1 / a.meter.steps_per_beat
    busy = {(note.pitch, round(note.start_beats / step)) for note in notes}
    for note in notes:
        place = round(note.start_beats / step)
        accented = note.pitch in _SNARES and note.velocity >= 90
        soft = max(1, round(note.velocity * SOFTER))
        if accented and place >= 4 and a.is_downbeat(note) and a.falls("press", note):
            count = max(3, round(PRESS_HZ * 4 * step / a.beats(1)))
            quick = 4 * step / count
            first = note.start_beats - 4 * step
            if not any((note.pitch, place - back) in busy for back in range(1, 5)):
                out += [
                    replace(note, start_beats=first + stroke * quick, duration_beats=quick, velocity=max(1, soft - 8))
                    for stroke in range(count)
                ]
        elif accented and place and a.falls("flam", note):
            out.append(_early(note, a.beats(FLAM_S), soft))
        elif accented and place and a.falls("drag", note):
            out += [_early(note, a.beats(DRAG_S) * back, soft) for back in (2, 1)]
        if note.pitch == _CLOSED_HAT and (note.pitch, place + 1) not in busy and a.falls("hat_roll", note):
            count = a.count(note, 3, 4)
            quick = 2 * step / count
            out += [
                replace(
                    note,
                    start_beats=note.start_beats + stroke * quick,
                    duration_beats=quick,
                    velocity=max(1, round(note.velocity * (0.75 + 0.25 * stroke / (count - 1)))),
                )
                for stroke in range(count)
            ]
            continue
        out.append(note)
    return out


def _early(note: Note, by_beats: float, velocity: int) -> Note:
    start = max(0.0, note.start_beats - by_beats)
    return replace(note, start_beats=start, duration_beats=by_beats, velocity=velocity)
