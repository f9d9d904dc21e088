"""MusicXML, compressed (``.mxl``) or plain, as plain measures: written pitches, onsets and lengths in quarter notes.

Grace and cue notes are left out, repeats and alternative endings are taken once in written order.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
import zipfile
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from noisician.errors import FileError

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
#: Harte's shorthand for each of MusicXML's kinds of chords.
KINDS = {
    "major": "maj", "minor": "min", "augmented": "aug", "diminished": "dim", "dominant": "7", "major-seventh": "maj7",
    "minor-seventh": "min7", "diminished-seventh": "dim7", "half-diminished": "hdim7", "major-minor": "minmaj7",
    "major-sixth": "maj6", "minor-sixth": "min6", "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "min9",
    "dominant-11th": "11", "major-11th": "maj11", "minor-11th": "min11", "dominant-13th": "13", "major-13th": "maj13",
    "minor-13th": "min13", "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "5",
}  # fmt: skip
_DYNAMICS = {
    "pppp": 40, "ppp": 46, "pp": 54, "p": 64, "mp": 76, "mf": 86, "f": 100, "ff": 112, "fff": 120, "ffff": 124,
}  # fmt: skip
_DEFAULT_VELOCITY = 84
_FORTE = 90
_SNARE = 38
#: Percussion notes by their place on a kit's staff, where the file does not say which they are.
_STROKES_AT = {
    "D4": 44, "F4": 36, "G4": 43, "A4": 41, "C5": 38, "D5": 45, "E5": 48, "F5": 51, "G5": 42, "A5": 49, "B5": 57,
}  # fmt: skip
#: Of XML, unpacked.
FILE_LIMIT_BYTES = 32 << 20
TAGS_LIMIT, NOTES_LIMIT = 1_500_000, 200_000
_DIRECTORY_LIMIT_BYTES, _END_BYTES = 1 << 18, 22 + 0xFFFF
#: How entities are declared, in the encodings that XML may have.
_ENTITIES = tuple("<!ENTITY".encode(charset) for charset in ("ascii", "utf-16-le", "utf-16-be"))
_DIGITS = 20
_NOTES = tuple("<note".encode(charset) for charset in ("ascii", "utf-16-le", "utf-16-be"))
#: No number in a score is larger.
_NUMBER_LIMIT = 10**8
_LIMIT = f"the limit is {FILE_LIMIT_BYTES / 1e6:.0f} MB of MusicXML"


@dataclass(frozen=True)
class Lyric:
    """The first verse's text under a note; ``syllabic`` is single, begin, middle or end (of a word)."""

    text: str
    syllabic: str


@dataclass(frozen=True)
class WrittenNote:
    """Times in quarter notes from the start of the measure; ``tied`` continues the same pitch from before."""

    onset_quarters: float
    duration_quarters: float
    pitch: int
    staff: int
    velocity: int
    tied: bool
    lyric: Lyric | None = None


@dataclass
class Measure:
    """One measure of one part. ``length_quarters`` is what is filled, which a pickup does not fill wholly."""

    beats: int
    beat_type: int
    fifths: int
    tempo_bpm: float | None  # quarters a minute, where a tempo is stated here
    length_quarters: float = 0.0
    notes: list[WrittenNote] = field(default_factory=list)

    @property
    def nominal_quarters(self) -> float:
        return 4 * self.beats / self.beat_type


@dataclass(frozen=True)
class Part:
    """One part; ``sung`` when there are lyrics under it."""

    name: str
    staves: int
    sung: bool
    measures: tuple[Measure, ...]


def read_mxl(path: Path) -> list[Part]:
    """The parts of one score, all with the same number of measures.

    Raises FileError for a file that is no partwise MusicXML score, compressed or plain, and for one over
    FILE_LIMIT_BYTES, unpacked.
    """
    return parts_of(read_root(path))


def read_root(path: Path) -> ET.Element:
    """The ``score-partwise`` of a file. Errors as :func:`read_mxl`."""
    try:
        content = _content(path)
        if any(mark in content for mark in _ENTITIES):
            raise FileError(f"{path} defines entities of its own, as no score needs; it is not read")
        if content.count(b"<") > TAGS_LIMIT or any(content.count(mark) > NOTES_LIMIT for mark in _NOTES):
            raise FileError(f"{path} has more than {TAGS_LIMIT} tags or {NOTES_LIMIT} notes; no score has so many")
        root = ET.fromstring(content)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, IndexError) as error:
        raise FileError(f"{path} is not a readable MusicXML score ({error})") from None
    except (ET.ParseError, ValueError) as error:
        raise FileError(f"{path} is not a readable MusicXML score ({error})") from None
    if root.tag != "score-partwise":
        raise FileError(f"{path} holds <{root.tag[:40]}>; only score-partwise MusicXML can be read")
    return root


def _content(path: Path) -> bytes:
    """The XML of a plain or a compressed score, never more than the limit of it."""
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise FileError(f"{path} has {path.stat().st_size / 1e6:.0f} MB; {_LIMIT}")
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        return content
    if _directory_bytes(content) > _DIRECTORY_LIMIT_BYTES:
        raise FileError(f"{path} is an archive of far more files than a score; it is damaged, or no score")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        scores = [n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and "META-INF" not in n]
        with archive.open(scores[0]) as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise FileError(f"{path} unpacks to more than {FILE_LIMIT_BYTES / 1e6:.0f} MB; {_LIMIT}")
    return content


def _directory_bytes(content: bytes) -> int:
    """How long an archive says its directory is, of which zipfile makes an object for every entry."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - _END_BYTES))
    return int.from_bytes(content[at + 12 : at + 16], "little") if at >= 0 else 0


def parts_of(root: ET.Element) -> list[Part]:
    """The parts of a ``score-partwise``."""
    heads = {head.get("id"): head for head in root.iterfind("part-list/score-part")}
    return [_read_part(part, heads.get(part.get("id"), ET.Element("score-part"))) for part in root.iterfind("part")]


@dataclass
class _State:
    """What carries over from measure to measure while a part is read."""

    divisions: int = 1
    beats: int = 4
    beat_type: int = 4
    fifths: int = 0
    velocity: int = _DEFAULT_VELOCITY
    staves: int = 1
    cursor: int = 0  # in divisions
    onset: int = 0  # of the latest note, which <chord/> notes share
    strokes: dict[str, int] = field(default_factory=dict)  # percussion notes by the id of their instrument


def _read_part(part: ET.Element, head: ET.Element) -> Part:
    name = head.findtext("part-name") or ""
    state = _State(strokes=_strokes(head))
    measures = tuple(_read_measure(element, state) for element in part.iterfind("measure"))
    sung = part.find("measure/note/lyric") is not None
    return Part(" ".join(name.split()), state.staves, sung, measures)


def _strokes(head: ET.Element) -> dict[str, int]:
    """The percussion note that each instrument of a kit plays."""
    found = {}
    for instrument in head.iterfind("midi-instrument"):
        number = _integer(instrument, "midi-unpitched") - 1
        if 0 <= number <= 127:
            found[instrument.get("id", "")] = number
    return found


def _read_measure(element: ET.Element, state: _State) -> Measure:
    measure = Measure(state.beats, state.beat_type, state.fifths, None)
    state.cursor = state.onset = 0
    for child in element:
        if child.tag == "note":
            _read_note(child, state, measure)
        elif child.tag in ("backup", "forward"):
            sign = -1 if child.tag == "backup" else 1
            state.cursor = max(state.cursor + sign * _integer(child, "duration"), 0)
        elif child.tag == "attributes":
            _read_attributes(child, state)
            measure.beats, measure.beat_type, measure.fifths = state.beats, state.beat_type, state.fifths
        elif child.tag in ("direction", "sound"):
            _read_direction(child, state, measure)
        measure.length_quarters = max(measure.length_quarters, state.cursor / state.divisions)
    return measure


def _integer(element: ET.Element, path: str, default: int = 0) -> int:
    text = element.findtext(path)
    try:
        number = int(text[:_DIGITS]) if text else default
    except ValueError:
        return default
    return min(max(number, -_NUMBER_LIMIT), _NUMBER_LIMIT)


def _read_attributes(element: ET.Element, state: _State) -> None:
    state.divisions = max(_integer(element, "divisions", state.divisions), 1)
    state.staves = max(state.staves, _integer(element, "staves", 1))
    state.fifths = _integer(element, "key/fifths", state.fifths)
    if element.find("time") is not None:
        state.beats = max(0, _integer(element, "time/beats"))  # 0 (so no supported metre) for senza misura or 3+2
        state.beat_type = max(_integer(element, "time/beat-type", 4), 1)


def _read_direction(element: ET.Element, state: _State, measure: Measure) -> None:
    sound = element if element.tag == "sound" else element.find("sound")
    tempo = sound.get("tempo") if sound is not None else None
    if tempo and measure.tempo_bpm is None:
        measure.tempo_bpm = _tempo(tempo)
    marks = element.find("direction-type/dynamics")
    if marks is not None:
        for mark in marks:
            state.velocity = _DYNAMICS.get(mark.tag, state.velocity)


def _tempo(text: str) -> float | None:
    try:
        tempo_bpm = float(text)
    except ValueError:
        return None
    return tempo_bpm if math.isfinite(tempo_bpm) else None


def _read_note(element: ET.Element, state: _State, measure: Measure) -> None:
    if element.find("grace") is not None:
        return
    duration = max(0, _integer(element, "duration"))
    if element.find("chord") is None:
        state.onset = state.cursor
        state.cursor += duration
    if element.find("cue") is not None or element.get("print-object") == "no":
        return
    midi = _midi_of(element, state)
    if midi is None:
        return
    measure.notes.append(
        WrittenNote(
            onset_quarters=state.onset / state.divisions,
            duration_quarters=duration / state.divisions,
            pitch=midi,
            staff=_integer(element, "staff", 1),
            velocity=_velocity(element, state),
            tied=any(tie.get("type") == "stop" for tie in element.iterfind("tie")),
            lyric=_read_lyric(element),
        )
    )


def _midi_of(note: ET.Element, state: _State) -> int | None:
    """The MIDI pitch of a note, or the percussion note of a stroke; None for a rest."""
    pitch, stroke = note.find("pitch"), note.find("unpitched")
    if pitch is not None:
        step = _STEPS.get((pitch.findtext("step") or "").strip())
        return None if step is None else 12 * (_integer(pitch, "octave") + 1) + step + _integer(pitch, "alter")
    if stroke is None:
        return None
    instrument = note.find("instrument")
    known = None if instrument is None else state.strokes.get(instrument.get("id", ""))
    if known is not None:
        return known
    only = set(state.strokes.values())
    place = f"{(stroke.findtext('display-step') or '').strip()}{_integer(stroke, 'display-octave')}"
    return only.pop() if len(only) == 1 else _STROKES_AT.get(place, _SNARE)


def _velocity(note: ET.Element, state: _State) -> int:
    """A note's own dynamics, in hundredths of forte, or those that hold where it stands."""
    own = note.get("dynamics")
    try:
        velocity = round(float(own) * _FORTE / 100) if own else state.velocity
    except (ValueError, OverflowError):
        return state.velocity
    return min(max(velocity, 1), 127)


def _read_lyric(element: ET.Element) -> Lyric | None:
    for lyric in element.iterfind("lyric"):
        text = lyric.findtext("text")
        if lyric.get("number", "1") == "1" and text and text.strip():
            return Lyric(text.strip(), lyric.findtext("syllabic") or "single")
    return None
