"""Who plays what in a MIDI file by somebody else: roles and instruments from programs, names and movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from noisician.score.model import Note
from noisician.styles import Instrument, shipped_instruments

_NAME_HINTS = (  # first match wins
    ("arp", ("arp",)),
    ("bass", ("bass", "basse", "contrabass")),
    ("lead", ("lead", "melod", "vocal", "voice", "sing", "solo", "chant", "soprano")),
    ("pad", ("pad", "string", "choir", "ooh", "aah", "atmos")),
    ("counter", ("counter", "countermelody")),
    ("chords", ("chord", "comp", "rhythm")),
)
_BASS_PROGRAMS = frozenset((*range(32, 40), 43, 58))
_PAD_PROGRAMS = frozenset((*range(48, 55), *range(88, 96)))
_CHORDAL_STRIKE = 1.7  # notes an onset above which a part plays chords
_LONG_NOTE_BEATS = 1.8
_BUSY_NOTES_PER_BEAT = 1.9
_LOW_PITCH = 48


@dataclass(frozen=True)
class Part:
    """One channel's notes as found: track name, General MIDI program, whether it is the drum channel."""

    name: str
    program: int
    drums: bool
    notes: tuple[Note, ...]


def infer_roles(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """(role, instrument id) of each part. With no part named as the lead, the best tune among them becomes it."""
    roles = [_role(part) for part in parts]
    if "lead" not in roles:
        tunes = [index for index, role in enumerate(roles) if role in ("counter", "arp")]
        tunes = tunes or [index for index, role in enumerate(roles) if role in ("chords", "pad")][:-1]
        if tunes:
            roles[max(tunes, key=lambda index: _tunefulness(parts[index]))] = "lead"
    return [(role, _instrument(part, role).id) for part, role in zip(parts, roles, strict=True)]


def _role(part: Part) -> str:
    if part.drums:
        return "drums"
    name = part.name.lower()
    for role, words in _NAME_HINTS:
        if any(word in name for word in words) and not (role == "pad" and _strike_size(part) < 1.3):
            return role
    height = median(note.pitch for note in part.notes)
    if _strike_size(part) >= _CHORDAL_STRIKE:
        long = fmean(note.duration_beats for note in part.notes) >= _LONG_NOTE_BEATS
        return "pad" if long or part.program in _PAD_PROGRAMS else "chords"
    if part.program in _BASS_PROGRAMS or height < _LOW_PITCH:
        return "bass"
    return "arp" if _notes_per_beat(part) >= _BUSY_NOTES_PER_BEAT else "counter"


def _strike_size(part: Part) -> float:
    """Mean notes an onset, onsets within a 32nd taken together."""
    return len(part.notes) / len({round(note.start_beats * 8) for note in part.notes})


def _notes_per_beat(part: Part) -> float:
    span = max(note.end_beats for note in part.notes) - part.notes[0].start_beats
    return len(part.notes) / max(span, 1e-9)


def _tunefulness(part: Part) -> float:
    """High, mostly one note at a time, moving but not busy, present for long."""
    height = fmean(note.pitch for note in part.notes) / 12
    presence = min(len(part.notes) / 32, 2.0)
    return height + presence - 2.0 * (_strike_size(part) - 1) - max(_notes_per_beat(part) - 2.0, 0.0)


def _instrument(part: Part, role: str) -> Instrument:
    """The instrument of that program (a kit for drums), else the nearest program of those that take the role."""

    def distance(instrument: Instrument) -> tuple[bool, bool, int]:
        program = int(instrument.source["program"])
        same_group = program // 8 == part.program // 8  # General MIDI groups its programs by eights
        return program != part.program, not same_group, abs(program - part.program)

    candidates = [
        instrument
        for instrument in shipped_instruments().values()
        if instrument.source["kind"] == "soundfont"
        and (instrument.excitation == "drum") == part.drums
        and (
            int(instrument.source["program"]) in range(part.program // 8 * 8, part.program // 8 * 8 + 8)
            or role in instrument.roles
        )
    ]
    return min(candidates, key=distance)
