"""Scores of notation programs as scores of ours: MusicXML in concert pitch, repeats played, chord symbols kept."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noisician.errors import FileError
from noisician.request import TONICS
from noisician.score.encode import estimate_key
from noisician.score.midi import BARS_LIMIT, nearest_signature, pitch_class_weights, refuse_crowd
from noisician.score.midi_roles import Part as Played
from noisician.score.midi_roles import infer_roles
from noisician.score.model import METERS, Chord, Note, Score, Section, Track
from noisician.score.musicxml import KINDS, Measure, Part, WrittenNote, parts_of, read_root
from noisician.score.qualities import HARTE, name_of, read_quality, tones_of
from noisician.score.repeats import Marks, played_order
from noisician.score.tempo import TempoCurve

DEFAULT_TEMPO_BPM = 120.0
#: Of one part, repeats played.
NOTES_LIMIT = 200_000
#: Semitones from the major tonic of a signature up to those of its other modes.
_ABOVE_MAJOR = {"dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7}
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def read_musicxml(path: Path) -> Score:
    """The score in a MusicXML file.

    The metre is the first that it states, or the nearest that we have; tempi are those of ``<sound tempo>``, 120
    quarter notes a minute until one is stated. Raises FileError for what is no partwise score, has no notes, or claims
    too many bars.
    """
    root = read_root(path)
    parts = parts_of(root)
    if not any(measure.notes for part in parts for measure in part.measures):
        raise FileError(f"{path} holds no notes")
    elements = [list(part.iterfind("measure")) for part in root.iterfind("part")]
    order = played_order([_marks(measure) for measure in elements[0]])
    first = parts[0].measures[0]
    signature = nearest_signature((first.beats, first.beat_type) if first.beats else None)
    quarters = METERS[signature].steps_per_beat / 4  # a beat
    starts = _starts([parts[0].measures[place] for place in order], parts, order)
    bars = max(1, math.ceil(starts[-1] / quarters / METERS[signature].beats_per_bar - 1e-9))
    if bars > BARS_LIMIT:
        raise FileError(f"{path} claims {bars} bars; the limit is {BARS_LIMIT} bars")
    tracks = _tracks(root, parts, order, starts, quarters)
    key, mode = _key(elements[0], tracks)
    tempo = _tempo(parts, order, starts, quarters)
    return Score(
        tempo_bpm=tempo.tempo_bpm,
        key=key,
        mode=mode,
        time_signature=signature,
        bars=bars,
        sections=(Section("verse", "A", 0, bars, 0.5),),
        tracks=tracks,
        chords=_chords(elements, order, starts, quarters),
        tempo_changes=tempo.changes,
    )


def _starts(measures: Sequence[Measure], parts: Sequence[Part], order: Sequence[int]) -> list[float]:
    """When each measure as played begins, in quarters, and last where the piece ends. A pickup is as long as it is; the
    first bar line then lies where the metre wants it."""
    lengths = [
        max([part.measures[place].length_quarters for part in parts if place < len(part.measures)]) for place in order
    ]
    nominal = [measure.nominal_quarters for measure in measures]
    lengths = [length or full for length, full in zip(lengths, nominal, strict=True)]
    # What comes before the first bar line rests for the bar's beginning.
    start = max(0.0, nominal[0] - lengths[0]) if len(lengths) > 1 and lengths[0] < nominal[0] else 0.0
    starts = [start]
    for length in lengths:
        starts.append(starts[-1] + length)
    return starts


def _marks(measure: ET.Element) -> Marks:
    repeats = {one.get("direction"): one for one in measure.iterfind("barline/repeat")}
    backward = repeats.get("backward")
    endings = [(one.get("type"), one.get("number", "")) for one in measure.iterfind("barline/ending")]
    numbers = {_integer(number.strip(), 0) for type_, text in endings if type_ == "start" for number in text.split(",")}
    return Marks(
        forward="forward" in repeats,
        times=0 if backward is None else max(2, _integer(backward.get("times"), 2)),
        endings=frozenset(numbers - {0}),
        closes=any(type_ in ("stop", "discontinue") for type_, _ in endings),
    )


def _integer(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def _tracks(
    root: ET.Element, parts: Sequence[Part], order: Sequence[int], starts: Sequence[float], quarters: float
) -> tuple[Track, ...]:
    """A track for each part with notes, in concert pitch, with roles and instruments inferred."""
    heads = {head.get("id"): head for head in root.iterfind("part-list/score-part")}
    refuse_crowd(len(parts), "the score")
    played: list[Played] = []
    for part, element in zip(parts, root.iterfind("part"), strict=True):
        notes = _notes(part, order, starts, quarters, _transposition(element))
        if not notes:
            continue
        head = heads.get(element.get("id"))
        program = 0 if head is None else _integer(head.findtext("midi-instrument/midi-program"), 1) - 1
        channel = 0 if head is None else _integer(head.findtext("midi-instrument/midi-channel"), 0)
        is_drums = channel == 10 or element.find("measure/attributes/clef[sign='percussion']") is not None
        played.append(Played(part.name, min(max(program, 0), 127), is_drums, notes))
    seats = infer_roles(played)
    return tuple(Track(role, id_, one.notes, name=one.name) for one, (role, id_) in zip(played, seats, strict=True))


def _transposition(part: ET.Element) -> int:
    """Semitones from what is written to what sounds, where a part first says so."""
    transpose = part.find("measure/attributes/transpose")
    if transpose is None:
        return 0
    octaves = _integer(transpose.findtext("octave-change"), 0)
    return _integer(transpose.findtext("chromatic"), 0) + 12 * octaves


def _notes(
    part: Part, order: Sequence[int], starts: Sequence[float], quarters: float, semitones: int
) -> tuple[Note, ...]:
    """A part's notes as played, in beats; what is tied is one note. Raises FileError for too many."""
    open_: dict[int, int] = {}  # pitch to its latest place among those found
    found: list[Note] = []
    for place, start in zip(order, starts, strict=False):
        if place >= len(part.measures):
            continue
        for written in sorted(part.measures[place].notes, key=lambda one: one.onset_quarters):  # of all voices
            note = _note(written, start, quarters, semitones)
            place_ = open_.get(note.pitch)
            before = None if place_ is None else found[place_]
            if written.tied and place_ is not None and before is not None and _goes_on(before, note):
                found[place_] = replace(before, duration_beats=note.end_beats - before.start_beats)
            elif note.duration_beats > 0 and note.start_beats >= 0 and 0 <= note.pitch <= 127:
                open_[note.pitch] = len(found)
                found.append(note)
        if len(found) > NOTES_LIMIT:
            raise FileError(f"a part of the score plays more than {NOTES_LIMIT} notes")
    return tuple(sorted(found, key=lambda note: (note.start_beats, note.pitch)))


def _goes_on(before: Note, note: Note) -> bool:
    return abs(before.end_beats - note.start_beats) < 1e-6


def _note(written: WrittenNote, start: float, quarters: float, semitones: int) -> Note:
    text = None if written.lyric is None else written.lyric.text
    return Note(
        pitch=written.pitch + semitones,
        start_beats=(start + written.onset_quarters) / quarters,
        duration_beats=written.duration_quarters / quarters,
        velocity=written.velocity,
        syllable=text,
    )


def _tempo(parts: Sequence[Part], order: Sequence[int], starts: Sequence[float], quarters: float) -> TempoCurve:
    stated: list[tuple[float, float]] = []
    for place, start in zip(order, starts, strict=False):
        own = (part.measures[place].tempo_bpm for part in parts if place < len(part.measures))
        bpm = next((bpm for bpm in own if bpm), None)
        if bpm is not None and math.isfinite(bpm) and 1 <= bpm <= 1000:
            stated.append((start / quarters if stated else 0.0, bpm / quarters))
    first = stated[0][1] if stated else DEFAULT_TEMPO_BPM / quarters
    return TempoCurve.of(first, [one for one in stated if one[0] > 0])


def _key(measures: Sequence[ET.Element], tracks: Sequence[Track]) -> tuple[str, str]:
    """The key signature's major, or minor where it says so or where that is what is heard."""
    key = next((found for measure in measures for found in measure.iterfind("attributes/key")), None)
    heard = estimate_key(pitch_class_weights(tracks))
    if key is None or key.find("fifths") is None:
        return heard
    tonic = 7 * _integer(key.findtext("fifths"), 0) % 12
    stated = (key.findtext("mode") or "").strip()
    if stated in _ABOVE_MAJOR:
        return TONICS[(tonic + _ABOVE_MAJOR[stated]) % 12], stated
    relative = TONICS[(tonic + 9) % 12], "minor"
    if key.findtext("mode") == "minor" or (key.findtext("mode") != "major" and heard == relative):
        return relative
    return TONICS[tonic], "major"


def _chords(
    parts: Sequence[Sequence[ET.Element]], order: Sequence[int], starts: Sequence[float], quarters: float
) -> tuple[Chord, ...]:
    """The chord symbols of the first part that has any."""
    measures = next((own for own in parts if any(one.find("harmony") is not None for one in own)), None)
    if measures is None:
        return ()
    begun: list[_Begun] = []
    divisions = [1]
    by_measure = [list(_symbols(measure, divisions)) for measure in measures]
    for place, start in zip(order, starts, strict=False):
        if place < len(by_measure):
            begun += [replace(one, at=(start + one.at) / quarters) for one in by_measure[place]]
    ends = [*(one.at for one in begun[1:]), starts[-1] / quarters]
    return tuple(
        Chord(one.at, end - one.at, one.root, one.quality, one.bass)
        for one, end in zip(begun, ends, strict=False)
        if end > one.at and one.root is not None
    )


@dataclass(frozen=True)
class _Begun:
    """A chord symbol at its place; no root is "no chord"."""

    at: float
    root: int | None
    quality: str
    bass: int | None


def _symbols(measure: ET.Element, divisions: list[int]) -> Iterator[_Begun]:
    """A measure's chord symbols, in quarters from its start; ``divisions`` goes from measure to measure."""
    cursor = 0
    for child in measure:
        if child.tag == "attributes":
            divisions[0] = max(_integer(child.findtext("divisions"), divisions[0]), 1)
        elif child.tag == "note" and child.find("chord") is None and child.find("grace") is None:
            cursor += _integer(child.findtext("duration"), 0)
        elif child.tag in ("backup", "forward"):
            cursor += _integer(child.findtext("duration"), 0) * (-1 if child.tag == "backup" else 1)
        elif child.tag == "harmony":
            at = max(0, cursor + _integer(child.findtext("offset"), 0)) / divisions[0]
            root = _letter(child, "root")
            quality = _quality(child)
            if (child.findtext("kind") or "").strip() == "none":
                yield _Begun(at, None, "maj", None)
            elif root is not None and quality is not None:
                yield _Begun(at, root, quality, _letter(child, "bass"))


def _letter(harmony: ET.Element, name: str) -> int | None:
    """The pitch class of a symbol's root or bass."""
    step = _STEPS.get((harmony.findtext(f"{name}/{name}-step") or "").strip())
    return None if step is None else (step + _integer(harmony.findtext(f"{name}/{name}-alter"), 0)) % 12


def _quality(harmony: ET.Element) -> str | None:
    """What kind a symbol is, its degrees taken into account; None for what says none."""
    kind = (harmony.findtext("kind") or "major").strip()
    try:
        tones = set(HARTE[KINDS[kind]] if kind in KINDS else _tones_named(harmony, kind))
    except ValueError:
        return None
    for degree in harmony.iterfind("degree"):
        _take_degree(tones, degree)
    return name_of(frozenset(tones)) if tones else None


def _tones_named(harmony: ET.Element, kind: str) -> Iterator[int]:
    """The tones of a kind that has no name in MusicXML, by how it is shown or called. Raises ValueError."""
    element = harmony.find("kind")
    shown = "" if element is None else element.get("text", "")
    return (tone % 12 for tone in tones_of(read_quality(shown or kind)))


_NATURAL = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 8: 0, 9: 2, 10: 4, 11: 5, 12: 7, 13: 9}


def _take_degree(tones: set[int], degree: ET.Element) -> None:
    """In place: a degree that is added, altered or left out."""
    number = _integer(degree.findtext("degree-value"), 0)
    if number not in _NATURAL:
        return
    alter = _integer(degree.findtext("degree-alter"), 0)
    natural = _NATURAL[number]
    around = {tone for tone in tones if tone in (natural, (natural - 1) % 12, (natural + 1) % 12)}
    type_ = degree.findtext("degree-type")
    if type_ == "add":
        tones.add((natural + alter) % 12)
    elif type_ == "subtract":
        tones -= {natural} if natural in tones else around
    elif type_ == "alter":
        own = natural if natural in tones else next(iter(around), natural)
        tones.discard(own)
        tones.add((own + alter) % 12)
