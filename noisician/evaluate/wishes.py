"""Whether a score does what somebody specially asked for: the checks of ``wishes.toml``, by code and on notes alone.

A check is true or false of a piece: of what its score plays, when, and at which tempo. Where a fade is asked for, which
no score holds, it is the plan that says how long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import groupby, pairwise
from statistics import fmean
from typing import Any

import numpy as np

from noisician.errors import NoisicianError
from noisician.piece import Piece
from noisician.score import Note, Score, Section, Track
from noisician.score.harmony import pitch_class
from noisician.styles import instruments, tomllib

#: A note belongs to the bar whose line it anticipates by less than this.
EARLY_BEATS = 0.15
#: So much more, or less, is heard as more or less.
CLEARLY = 1.15
_NOT_PLAYED = ("texture", "fx")
#: General MIDI keys of the streams of a kit that wishes name.
_DRUMS = {"kick": (35, 36), "snare": (37, 38, 39, 40), "cymbal": (49, 51, 52, 53, 55, 57, 59)}


@dataclass(frozen=True)
class Wish:
    """What is asked for, and what has to be true of the score."""

    prompt: str
    check: str
    length_s: float = 30.0
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def is_met(self, piece: Piece) -> bool:
        return bool(CHECKS[self.check](piece, **self.arguments))


def wishes() -> tuple[Wish, ...]:
    """Those of ``wishes.toml``. Raises NoisicianError for a check that is none."""
    data = tomllib.loads((files("noisician.evaluate") / "wishes.toml").read_text(encoding="utf-8"))
    found = []
    for entry in data["wish"]:
        own = dict(entry)
        wish = Wish(own.pop("prompt"), own.pop("check"), own.pop("length_s", 30.0), own)
        if wish.check not in CHECKS:
            raise NoisicianError(f"wishes.toml: {wish.check!r} is no check; there are {', '.join(CHECKS)}")
        found.append(wish)
    return tuple(found)


# --- what a score plays, bar by bar -----------------------------------------------------------------------------------


def _played(score: Score) -> list[Track]:
    return [track for track in score.tracks if track.role not in _NOT_PLAYED]


def _bar(score: Score, note: Note) -> int:
    return int((note.start_beats + EARLY_BEATS) // score.meter.beats_per_bar)


def _in_bars(score: Score, notes: Collection[Note], first: int, last: int) -> list[Note]:
    return [note for note in notes if first <= _bar(score, note) < last]


def _force(score: Score, first: int, last: int) -> float:
    """How much is played in a bar on average: onsets by the energy of their velocities."""
    every = [note for track in _played(score) for note in _in_bars(score, track.notes, first, last)]
    return sum((note.velocity / 127) ** 2 for note in every) / max(1, last - first)


def _sections(score: Score, kind: str) -> list[Section]:
    return [section for section in score.sections if section.kind == kind]


def _who(score: Score, role: str = "", instrument: str = "", family: str = "") -> tuple[list[Track], list[Track]]:
    """(those who are meant, all others) of who plays."""
    table = instruments()
    wanted = {name for name in (role, instrument, family) if name}
    mine = [one for one in _played(score) if wanted & {one.role, one.instrument, table[one.instrument].family}]
    return mine, [one for one in _played(score) if one not in mine]


def _notes_of(tracks: Collection[Track]) -> list[Note]:
    return sorted((note for track in tracks for note in track.notes), key=lambda note: note.start_beats)


def _sounding(score: Score, start_s: float, end_s: float) -> list[Note]:
    seconds = score.tempo.seconds
    return [note for note in _notes_of(_played(score)) if start_s <= seconds(note.start_beats) < end_s]


# --- checks -----------------------------------------------------------------------------------------------------------


def builds(piece: Piece, into: str) -> bool:
    """What leads into a section is thinner at its beginning than at its end, and the section fuller than what was
    before it."""
    score = piece.score
    target = next((one for one in _sections(score, into) if one.start_bar > 0), None)
    if target is None:
        return False
    before = next(one for one in score.sections if one.start_bar + one.bars == target.start_bar)
    middle = before.start_bar + before.bars // 2
    first, second = _force(score, before.start_bar, middle), _force(score, middle, target.start_bar)
    after = _force(score, target.start_bar, target.start_bar + target.bars)
    return (before.kind == "build" or second > first) and after > first


def silent_before(piece: Piece, section: str, beats: float) -> bool:
    score = piece.score
    starts = [one.start_bar * score.meter.beats_per_bar for one in _sections(score, section) if one.start_bar > 0]
    notes = _notes_of(_played(score))
    gaps = [
        not any(start - beats - EARLY_BEATS / 2 <= note.start_beats < start - EARLY_BEATS for note in notes)
        and any(start - 2 * score.meter.beats_per_bar <= note.start_beats < start - beats for note in notes)
        for start in starts
    ]
    return bool(gaps) and any(gaps)


def stops(piece: Piece, at_s: float) -> bool:
    """Around that time nobody strikes anything for a beat and a half, and before and after somebody does."""
    score = piece.score
    onsets = np.array([score.tempo.seconds(note.start_beats) for note in _notes_of(_played(score))])
    bar_s = piece.plan.bar_s
    near = onsets[(onsets >= at_s - bar_s) & (onsets <= at_s + 3 * bar_s)]
    return bool(len(near)) and float(np.max(np.diff(near), initial=0.0)) > 1.5 * 60 / score.tempo_bpm


def half_time(piece: Piece, section: str) -> bool:
    """Accented snares stand on the third beat alone in most bars of the section."""
    score = piece.score
    snares = [
        note
        for track in score.tracks
        if track.role == "drums"
        for note in track.notes
        if note.pitch in _DRUMS["snare"] and note.velocity > 80
    ]
    bars = [bar for one in _sections(score, section) for bar in range(one.start_bar, one.start_bar + one.bars)]
    per_bar = score.meter.beats_per_bar
    good = 0
    for bar in bars:
        beats = [note.start_beats - bar * per_bar for note in _in_bars(score, snares, bar, bar + 1)]
        good += bool(beats) and all(abs(beat - per_bar / 2) < 0.3 for beat in beats)
    return bool(bars) and good >= len(bars) / 2


def double_time(piece: Piece, section: str) -> bool:
    """Twice as many accented snares a bar as elsewhere."""
    score = piece.score
    kit = [track for track in score.tracks if track.role == "drums"]
    snares = [note for note in _notes_of(kit) if note.pitch in _DRUMS["snare"] and note.velocity > 80]

    def a_bar(kinds: Collection[str]) -> float:
        own = [one for one in score.sections if one.kind in kinds]
        bars = sum(one.bars for one in own)
        here = [note for one in own for note in _in_bars(score, snares, one.start_bar, one.start_bar + one.bars)]
        return len(here) / max(1, bars)

    others = {one.kind for one in score.sections} - {section}
    return a_bar([section]) >= 1.7 * a_bar(others) > 0


def alternates(piece: Piece) -> bool:
    """Two lines play much, and hardly ever in the same bar."""
    score = piece.score
    lines = [{_bar(score, note) for note in one.notes} for one in score.tracks if one.role in ("lead", "counter")]
    if len(lines) != 2 or min(map(len, lines)) < 3:
        return False
    return len(lines[0] & lines[1]) <= 0.25 * len(lines[0] | lines[1])


def solo(piece: Piece, family: str) -> bool:
    """There is a solo, and whoever is meant has the tune in most of its bars."""
    score = piece.score
    mine = [track for track in _who(score, family=family)[0] if track.role in ("lead", "counter", "arp")]
    found = _sections(score, "solo")
    bars = [bar for one in found for bar in range(one.start_bar, one.start_bar + one.bars)]
    heard = {_bar(score, note) for note in _notes_of(mine)}
    return bool(bars) and len(heard & set(bars)) >= 0.7 * len(bars)


def fades_out(piece: Piece) -> bool:
    return (piece.plan.fade_out_s or 0.0) >= 2.0


def fades_in(piece: Piece, least_s: float) -> bool:
    return piece.plan.fade_in_s >= least_s


def _tempi(score: Score) -> list[float]:
    """The tempo of every beat on which something is struck."""
    last = max(note.start_beats for note in _notes_of(_played(score)))
    return [score.tempo.bpm(beat) for beat in np.arange(0, last + 1e-6)]


def pauses(piece: Piece) -> bool:
    """One beat lasts at least twice as long as those around it, and the tempo comes back."""
    bpm = _tempi(piece.score)
    return any(bpm[at] <= bpm[at - 1] / 2 for at in range(1, len(bpm))) and bpm[0] >= CLEARLY * min(bpm)


def slows(piece: Piece) -> bool:
    bpm = _tempi(piece.score)
    return min(bpm[-4:]) * CLEARLY < bpm[len(bpm) // 2] and bpm[0] == bpm[len(bpm) // 3]


def quickens(piece: Piece) -> bool:
    bpm = _tempi(piece.score)
    return bpm[-1] > CLEARLY * bpm[0] and all(b >= a - 1e-6 for a, b in pairwise(bpm))


def slower_in(piece: Piece, section: str) -> bool:
    score = piece.score
    per_bar = score.meter.beats_per_bar
    inside = [score.tempo.bpm((one.start_bar + 0.5) * per_bar) for one in _sections(score, section)]
    outside = [score.tempo.bpm((one.start_bar + 0.5) * per_bar) for one in score.sections if one.kind != section]
    return bool(inside) and max(inside) * CLEARLY < fmean(outside)


def moves_up(piece: Piece, semitones: int) -> bool:
    """The last chorus has the roots of the first, so much higher."""
    score = piece.score
    found = _sections(score, "chorus")
    if len(found) < 2:
        return False
    per_bar = score.meter.beats_per_bar

    def roots(section: Section) -> list[int]:
        inside = [
            chord
            for chord in score.chords
            if chord.start_beats < (section.start_bar + section.bars) * per_bar
            and chord.start_beats + chord.duration_beats > section.start_bar * per_bar
        ]
        return [root for root, _ in groupby(chord.root for chord in inside)]

    first, last = roots(found[0]), roots(found[-1])
    count = max(1, min(len(first), len(last)) - 1)  # the end of the last one is the ending's
    return [(root + semitones) % 12 for root in first[:count]] == last[:count]


def enters(piece: Piece, role: str, at_s: float | None = None, bar: int | None = None) -> bool:
    """The first of its notes comes within a bar of that time, and others play before."""
    score = piece.score
    mine, others = _who(score, role=role)
    notes = _notes_of(mine)
    if not notes or not others:
        return False
    wanted_s = score.bar_start_s(bar - 1) if bar is not None else float(at_s or 0)
    first_s = score.tempo.seconds(notes[0].start_beats)
    heard_before = score.tempo.seconds(_notes_of(others)[0].start_beats) < wanted_s - piece.plan.bar_s
    return abs(first_s - wanted_s) <= 1.25 * piece.plan.bar_s and heard_before


def _thirds(score: Score) -> tuple[float, float]:
    bars = max(1, score.bars // 3)
    return _force(score, 0, bars), _force(score, score.bars - bars, score.bars)


def rises(piece: Piece) -> bool:
    first, last = _thirds(piece.score)
    return last >= CLEARLY * first


def falls(piece: Piece) -> bool:
    first, last = _thirds(piece.score)
    return first >= CLEARLY * last


def without(piece: Piece, drum: str, section: str | None = None) -> bool:
    """A part of the kit rests, in one kind of section or throughout, while others play."""
    score = piece.score
    spans = _sections(score, section) if section else list(score.sections)
    kit = _notes_of([track for track in score.tracks if track.role == "drums"])
    heard = [note for one in spans for note in _in_bars(score, kit, one.start_bar, one.start_bar + one.bars)]
    played = any(_force(score, one.start_bar, one.start_bar + one.bars) for one in spans)
    return bool(spans) and played and not any(note.pitch in _DRUMS[drum] for note in heard)


def silent_until(piece: Piece, role: str, section: str) -> bool:
    score = piece.score
    notes, target = _notes_of(_who(score, role=role)[0]), next(iter(_sections(score, section)), None)
    return target is not None and target.start_bar > 0 and bool(notes) and _bar(score, notes[0]) == target.start_bar


def silent_in(piece: Piece, role: str, section: str) -> bool:
    score = piece.score
    notes, found = _notes_of(_who(score, role=role)[0]), _sections(score, section)
    inside = [note for one in found for note in _in_bars(score, notes, one.start_bar, one.start_bar + one.bars)]
    return bool(found) and bool(notes) and not inside


def only_in(piece: Piece, section: str, family: str) -> bool:
    score = piece.score
    notes = _notes_of([track for track in _who(score, family=family)[0] if track.role != "bass"])
    bars = {bar for one in _sections(score, section) for bar in range(one.start_bar, one.start_bar + one.bars)}
    return bool(notes) and {_bar(score, note) for note in notes} <= bars


def ends_at_home(piece: Piece) -> bool:
    """The last of the bass is the tonic, and so is the root of the last chord."""
    score = piece.score
    tonic, bass = pitch_class(score.key), _notes_of(_who(score, role="bass")[0])
    return bool(bass) and bass[-1].pitch % 12 == tonic and score.chords[-1].root == tonic


def cut(piece: Piece) -> bool:
    """It goes on as before to the end: no rest at last, no slower beat, no fade."""
    score = piece.score
    last_s = score.tempo.seconds(_notes_of(_played(score))[-1].start_beats)
    return piece.plan.fade_out_s == 0.0 and piece.plan.duration_s - last_s < 1.0 and not score.tempo_changes


def held_chord(piece: Piece) -> bool:
    """The last chord lasts at least a second and a half, and nothing is struck in it."""
    score = piece.score
    notes = [note for track in _played(score) if track.role != "drums" for note in track.notes]
    last = max(note.start_beats for note in notes)
    end = max(note.end_beats for note in notes if note.start_beats > last - EARLY_BEATS * 2)
    return score.tempo.seconds(end) - score.tempo.seconds(last) >= 1.5


def last_hit(piece: Piece) -> bool:
    """The drums end on a crash and a kick together, with the others."""
    score = piece.score
    kit = _notes_of(_who(score, role="drums")[0])
    if not kit:
        return False
    last = {note.pitch for note in kit if note.start_beats > kit[-1].start_beats - EARLY_BEATS}
    return bool(last & set(_DRUMS["cymbal"])) and bool(last & set(_DRUMS["kick"]))


def bars(piece: Piece, bars: int) -> bool:
    return piece.plan.bars == bars


def metre(piece: Piece, metre: str) -> bool:
    """Counted in it, and the bass stands on most of its downbeats."""
    score = piece.score
    per_bar = score.meter.beats_per_bar
    starts = [note.start_beats % per_bar for note in _notes_of(_who(score, role="bass")[0])]
    on = sum(min(start, per_bar - start) < EARLY_BEATS for start in starts)
    return score.time_signature == metre and on >= score.bars / 2


def alone(piece: Piece, section: str, instrument: str = "", role: str = "") -> bool:
    score = piece.score
    mine, others = _who(score, role=role, instrument=instrument)
    found = _sections(score, section)

    def inside(tracks: Collection[Track]) -> int:
        notes = _notes_of(tracks)
        return sum(len(_in_bars(score, notes, one.start_bar, one.start_bar + one.bars)) for one in found)

    return bool(found) and inside(mine) > 0 and inside(others) == 0


def alone_at_the_end(piece: Piece, seconds: float, instrument: str) -> bool:
    score = piece.score
    mine, others = _who(score, instrument=instrument)
    from_s = piece.plan.duration_s - seconds + piece.plan.bar_s
    late = [score.tempo.seconds(note.start_beats) >= from_s for note in _notes_of(mine)]
    return any(late) and not any(score.tempo.seconds(note.start_beats) >= from_s for note in _notes_of(others))


def alone_at(piece: Piece, at_s: float, role: str) -> bool:
    """In the two bars from the bar line next to that time nobody else begins anything."""
    score = piece.score
    mine, others = _who(score, role=role)
    first = round(at_s / piece.plan.bar_s)
    starts = [
        bar
        for bar in (first - 1, first, first + 1)
        if _in_bars(score, _notes_of(mine), bar, bar + 2) and not _in_bars(score, _notes_of(others), bar, bar + 2)
    ]
    return bool(starts) and bool(_in_bars(score, _notes_of(others), 0, first - 1))


def louder_in(piece: Piece, section: str, than: str) -> bool:
    score = piece.score
    forces = [
        fmean([_force(score, one.start_bar, one.start_bar + one.bars) for one in _sections(score, kind)] or [0.0])
        for kind in (section, than)
    ]
    return forces[1] > 0 and forces[0] >= CLEARLY * forces[1]


def section_bars(piece: Piece, section: str, bars: int) -> bool:
    found = _sections(piece.score, section)
    return bool(found) and found[0].bars == bars


def form(piece: Piece, kinds: list[str]) -> bool:
    """The piece begins with these kinds of sections, neighbours of one kind counted once."""
    own = [kind for kind, _ in groupby(section.kind for section in piece.score.sections)]
    return own[: len(kinds)] == kinds


def stop_time(piece: Piece) -> bool:
    """In two bars in a row the rhythm section strikes the first beat and nothing else, while a tune goes on."""
    score = piece.score
    band = [track for track in _played(score) if track.role in ("bass", "chords", "drums")]
    per_bar = score.meter.beats_per_bar
    for bar in range(score.bars - 1):
        struck = [note.start_beats - bar * per_bar for note in _in_bars(score, _notes_of(band), bar, bar + 2)]
        inside = [beat % per_bar for beat in struck]
        if struck and all(min(beat, per_bar - beat) < 0.75 for beat in inside):
            return bool(_in_bars(score, _notes_of(_who(score, role="lead")[0]), bar, bar + 2))
    return False


def pedal(piece: Piece) -> bool:
    """The bass stays on one pitch class for four bars and more in which the harmony changes."""
    score = piece.score
    notes = _notes_of(_who(score, role="bass")[0])
    for first in range(0, score.bars - 4):
        classes = {note.pitch % 12 for note in _in_bars(score, notes, first, first + 4)}
        span = first * score.meter.beats_per_bar, (first + 4) * score.meter.beats_per_bar
        roots = {chord.root for chord in score.chords if span[0] <= chord.start_beats < span[1]}
        if len(classes) == 1 and len(roots) > 1:
            return True
    return False


CHECKS: Mapping[str, Callable[..., bool]] = {
    check.__name__: check
    for check in (
        builds, silent_before, stops, half_time, double_time, alternates, solo, fades_out, fades_in, pauses, slows,
        quickens, slower_in, moves_up, enters, rises, falls, without, silent_until, silent_in, only_in, ends_at_home,
        cut, held_chord, last_hit, bars, metre, alone, alone_at_the_end, alone_at, louder_in, section_bars, form,
        stop_time, pedal,
    )
}  # fmt: skip
