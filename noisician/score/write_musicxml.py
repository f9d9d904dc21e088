"""Sheets as MusicXML 4.0 (W3C Community Group, partwise), in concert pitch."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from noisician.score.engraving import FEET, TICKS, VALUES, Bar, Event, Part, Sheet, words_of
from noisician.score.midi import VOICE_PROGRAM, general_midi_program
from noisician.score.model import VOICE
from noisician.score.musicxml import KINDS
from noisician.score.qualities import harte_of, plain_of, tones_of
from noisician.score.spelling import spelled, spelled_root
from noisician.styles import instruments

_HEAD = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
"""
#: What MusicXML calls the shorthands that begin a chord's name.
_KIND_NAMES = {shorthand: kind for kind, shorthand in KINDS.items()}
_TYPES = {ticks: (name, dots) for ticks, name, dots in VALUES}
#: Where strokes stand on a kit's staff, and the heads of those that are no skins.
_KIT_PLACES = {
    35: ("F", 4, ""), 36: ("F", 4, ""), 37: ("C", 5, "x"), 38: ("C", 5, ""), 39: ("C", 5, "triangle"), 40: ("C", 5, ""),
    41: ("A", 4, ""), 42: ("G", 5, "x"), 43: ("A", 4, ""), 44: ("D", 4, "x"), 45: ("D", 5, ""),
    46: ("G", 5, "circle-x"), 47: ("D", 5, ""), 48: ("E", 5, ""), 49: ("A", 5, "x"), 50: ("F", 5, ""),
    51: ("F", 5, "x"), 52: ("A", 5, "x"),
    53: ("F", 5, "diamond"), 55: ("A", 5, "x"), 57: ("B", 5, "x"), 59: ("F", 5, "x"),
}  # fmt: skip
_OTHER_PLACE = ("B", 4, "x")
_DEGREE = re.compile(r"(\*?)([b#]*)(\d+)")
#: Forte in MIDI, of which MusicXML's dynamics are hundredths.
_FORTE = 90
_LOW_PITCH, _VERY_LOW_PITCH = 55, 41


def write_musicxml(sheet: Sheet, recipe: str | None = None) -> bytes:
    """A ``score-partwise`` document; ``recipe`` is kept in it as a miscellaneous field for whoever looks for one."""
    root = ET.Element("score-partwise", version="4.0")
    if sheet.title:
        ET.SubElement(ET.SubElement(root, "work"), "work-title").text = sheet.title
    identification = ET.SubElement(root, "identification")
    encoding = ET.SubElement(identification, "encoding")
    ET.SubElement(encoding, "software").text = "noisician"
    if recipe is not None:
        miscellaneous = ET.SubElement(identification, "miscellaneous")
        ET.SubElement(miscellaneous, "miscellaneous-field", name="noisician").text = recipe
    heads = ET.SubElement(root, "part-list")
    for number, part in enumerate(sheet.parts, start=1):
        heads.append(_head(part, f"P{number}", number))
    for number, part in enumerate(sheet.parts, start=1):
        root.append(_part(sheet, part, f"P{number}", is_first=number == 1))
    ET.indent(root, " ")
    return _HEAD + ET.tostring(root, encoding="utf-8") + b"\n"


def _text(parent: ET.Element, tag: str, text: object) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = str(text)
    return element


# --- who plays --------------------------------------------------------------------------------------------------------


def _head(part: Part, id_: str, number: int) -> ET.Element:
    head = ET.Element("score-part", id=id_)
    _text(head, "part-name", part_name(part))
    instrument = instruments().get(part.track.instrument)
    program = general_midi_program(instrument) if instrument is not None else VOICE_PROGRAM
    if part.is_kit:
        pitches = kit_pitches(part)
        for pitch in pitches:
            _text(ET.SubElement(head, "score-instrument", id=f"{id_}-I{pitch}"), "instrument-name", f"Stroke {pitch}")
        for pitch in pitches:
            midi = ET.SubElement(head, "midi-instrument", id=f"{id_}-I{pitch}")
            _text(midi, "midi-channel", 10)
            _text(midi, "midi-program", program + 1)
            _text(midi, "midi-unpitched", pitch + 1)
        return head
    _text(ET.SubElement(head, "score-instrument", id=f"{id_}-I1"), "instrument-name", part_name(part))
    midi = ET.SubElement(head, "midi-instrument", id=f"{id_}-I1")
    channels = [channel for channel in range(1, 17) if channel != 10]
    _text(midi, "midi-channel", channels[(number - 1) % len(channels)])
    _text(midi, "midi-program", program + 1)
    return head


def part_name(part: Part) -> str:
    """What stands in front of a player's staff."""
    if part.track.instrument == VOICE:
        return "Voice" if part.track.role == "vocals" else "Backing Voice"
    instrument = instruments().get(part.track.instrument)
    return instrument.name if instrument is not None else part.track.instrument


def kit_pitches(part: Part) -> list[int]:
    return sorted({pitch for bar in part.bars for voice in bar for event in voice for pitch in event.pitches})


# --- bars -------------------------------------------------------------------------------------------------------------


def _part(sheet: Sheet, part: Part, id_: str, *, is_first: bool) -> ET.Element:
    element = ET.Element("part", id=id_)
    before: Bar | None = None
    lyrics = Lyrics()
    for bar, voices in zip(sheet.bars, part.bars, strict=True):
        measure = ET.SubElement(element, "measure", number=str(bar.number + 1))
        if before is None or (bar.numerator, bar.denominator) != (before.numerator, before.denominator):
            measure.append(_attributes(sheet, part, bar, is_first=before is None))
        if is_first:
            measure.extend(_directions(sheet, bar))
        _fill(measure, sheet, part, bar, voices, (lyrics, id_, is_first))
        if bar is sheet.bars[-1]:
            _text(ET.SubElement(measure, "barline", location="right"), "bar-style", "light-heavy")
        before = bar
    return element


def _attributes(sheet: Sheet, part: Part, bar: Bar, *, is_first: bool) -> ET.Element:
    attributes = ET.Element("attributes")
    if is_first:
        _text(attributes, "divisions", TICKS)
        if not part.is_kit:
            key = ET.SubElement(attributes, "key")
            _text(key, "fifths", sheet.fifths)
            _text(key, "mode", sheet.mode)
    time = ET.SubElement(attributes, "time")
    _text(time, "beats", bar.numerator)
    _text(time, "beat-type", bar.denominator)
    if is_first:
        attributes.append(_clef(part))
    return attributes


def _clef(part: Part) -> ET.Element:
    clef = ET.Element("clef")
    if part.is_kit:
        _text(clef, "sign", "percussion")
        return clef
    mean = sum(note.pitch for note in part.track.notes) / len(part.track.notes)
    _text(clef, "sign", "F" if mean < _LOW_PITCH else "G")
    _text(clef, "line", 4 if mean < _LOW_PITCH else 2)
    if mean < _VERY_LOW_PITCH:
        _text(clef, "clef-octave-change", -1)
    return clef


def _directions(sheet: Sheet, bar: Bar) -> Iterator[ET.Element]:
    """Section names and tempi, which the first staff has for all."""
    if bar.section is not None:
        direction = ET.Element("direction", placement="above")
        name = f"{bar.section.kind.replace('_', '-').title()} {bar.section.label}".strip()
        _text(ET.SubElement(direction, "direction-type"), "rehearsal", name)
        yield direction
    for tick, bpm in sheet.tempo:
        if bar.start <= tick < bar.end:
            yield _tempo(bpm, tick - bar.start, is_dotted=bar.denominator == 8 and bar.numerator % 3 == 0)
    if bar.number == 0 and sheet.is_swung:
        direction = ET.Element("direction", placement="above")
        _text(ET.SubElement(direction, "direction-type"), "words", "Swing")
        yield direction


def _tempo(quarters_bpm: float, offset: int, *, is_dotted: bool) -> ET.Element:
    direction = ET.Element("direction", placement="above")
    metronome = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
    _text(metronome, "beat-unit", "quarter")
    if is_dotted:
        ET.SubElement(metronome, "beat-unit-dot")
    _text(metronome, "per-minute", f"{quarters_bpm / (1.5 if is_dotted else 1):.6g}")
    if offset:
        _text(direction, "offset", offset)
    ET.SubElement(direction, "sound", tempo=f"{quarters_bpm:.10g}")
    return direction


def _fill(
    measure: ET.Element,
    sheet: Sheet,
    part: Part,
    bar: Bar,
    voices: Sequence[Sequence[Event]],
    reading: tuple[Lyrics, str, bool],
) -> None:
    """In place: the notes of a bar, voice after voice."""
    lyrics, id_, has_chords = reading
    symbols = [symbol for symbol in sheet.chords if bar.start <= symbol.start < bar.end] if has_chords else []
    for number, voice in enumerate(voices, start=1):
        if not voice:
            continue
        if number > 1:
            _text(ET.SubElement(measure, "backup"), "duration", bar.ticks)
        for event in voice:
            if number == 1:
                own = [symbol for symbol in symbols if event.start <= symbol.start < event.end]
                measure.extend(_harmony(sheet, symbol.chord, symbol.start - event.start) for symbol in own)
            measure.extend(_notes(sheet, part, bar, event, (number, lyrics, id_)))


def _harmony(sheet: Sheet, chord: tuple[int, str, int | None] | None, offset: int) -> ET.Element:
    harmony = ET.Element("harmony")
    root = ET.SubElement(harmony, "root")
    if chord is None:
        _text(root, "root-step", "C").set("text", "")
        _text(harmony, "kind", "none").set("text", "N.C.")
    else:
        letter = spelled_root(chord[0], sheet.fifths)
        _text(root, "root-step", letter.letter)
        if letter.alter:
            _text(root, "root-alter", letter.alter)
        kind, degrees = _kind(chord[1])
        _text(harmony, "kind", kind).set("text", plain_of(chord[1]).lstrip(":"))
        if chord[2] is not None:
            below = spelled_root(chord[2], sheet.fifths)
            bass = ET.SubElement(harmony, "bass")
            _text(bass, "bass-step", below.letter)
            if below.alter:
                _text(bass, "bass-alter", below.alter)
        for value, alter, type_ in degrees:
            degree = ET.SubElement(harmony, "degree", {"print-object": "no"})
            _text(degree, "degree-value", value)
            _text(degree, "degree-alter", alter)
            _text(degree, "degree-type", type_)
    if offset:
        _text(harmony, "offset", offset)
    return harmony


def _kind(quality: str) -> tuple[str, list[tuple[int, int, str]]]:
    """A kind's name in MusicXML, and (degree, alteration, what is done) of what that does not say."""
    harte = harte_of(frozenset(tone % 12 for tone in tones_of(quality)), written=frozenset(_KIND_NAMES))
    shorthand, _, changes = harte.partition("(")
    degrees = []
    for left_out, accidentals, number in _DEGREE.findall(changes):
        alter = accidentals.count("#") - accidentals.count("b")
        if number == "7":  # MusicXML's seventh is minor, Harte's major
            alter += 1
        degrees.append((int(number), 0 if left_out else alter, "subtract" if left_out else "add"))
    return _KIND_NAMES[shorthand], degrees


# --- notes ------------------------------------------------------------------------------------------------------------


class Lyrics:
    """Whether the word under a voice goes on."""

    def __init__(self) -> None:
        self._in_word = False

    def element(self, syllable: str) -> ET.Element | None:
        text, goes_on, _ = words_of(syllable)
        if not text:
            return None
        lyric = ET.Element("lyric", number="1")
        names = {(False, False): "single", (False, True): "begin", (True, True): "middle", (True, False): "end"}
        _text(lyric, "syllabic", names[self._in_word, goes_on])
        _text(lyric, "text", text)
        self._in_word = goes_on
        return lyric


def _notes(sheet: Sheet, part: Part, bar: Bar, event: Event, reading: tuple[int, Lyrics, str]) -> Iterator[ET.Element]:
    voice, lyrics, id_ = reading
    if not event.pitches:
        note = ET.Element("note")
        rest = ET.SubElement(note, "rest")
        if event.ticks == bar.ticks:
            rest.set("measure", "yes")
        _time(note, event, voice)
        yield note
        return
    chord = sheet.chord_at(event.start)
    for place, pitch in enumerate(event.pitches):
        note = ET.Element("note", dynamics=f"{event.velocity / _FORTE * 100:.2f}")
        if place:
            ET.SubElement(note, "chord")
        if part.is_kit:
            step, octave, _ = _KIT_PLACES.get(pitch, _OTHER_PLACE)
            unpitched = ET.SubElement(note, "unpitched")
            _text(unpitched, "display-step", step)
            _text(unpitched, "display-octave", octave)
        else:
            note.append(_pitch(pitch, sheet.fifths, chord))
        _time(note, event, voice, (pitch, id_, part.is_kit), is_top=place == 0)
        if place == 0 and event.syllable is not None:
            lyric = lyrics.element(event.syllable)
            if lyric is not None:
                note.append(lyric)
        yield note


def _pitch(pitch: int, fifths: int, chord: tuple[int, str, int | None] | None) -> ET.Element:
    name = spelled(pitch, fifths, None if chord is None else chord[:2])
    element = ET.Element("pitch")
    _text(element, "step", name.letter)
    if name.alter:
        _text(element, "alter", name.alter)
    _text(element, "octave", name.octave)
    return element


def _time(
    note: ET.Element,
    event: Event,
    voice: int,
    sounding: tuple[int, str, bool] | None = None,
    *,
    is_top: bool = True,
) -> None:
    """In place: everything behind the pitch but words, in the schema's order."""
    _text(note, "duration", event.ticks)
    ties = []
    if sounding is not None:
        ties = [
            type_ for type_, pitches in (("stop", event.tied_from), ("start", event.tied_to)) if sounding[0] in pitches
        ]
        for type_ in ties:
            ET.SubElement(note, "tie", type=type_)
        if sounding[2]:
            ET.SubElement(note, "instrument", id=f"{sounding[1]}-I{sounding[0]}")
    _text(note, "voice", voice)
    if event.shown_ticks in _TYPES and (sounding is not None or note.find("rest").get("measure") is None):  # type: ignore[union-attr]
        name, dots = _TYPES[event.shown_ticks]
        _text(note, "type", name)
        for _ in range(dots):
            ET.SubElement(note, "dot")
    if event.tuplet is not None:
        modification = ET.SubElement(note, "time-modification")
        _text(modification, "actual-notes", event.tuplet.actual)
        _text(modification, "normal-notes", event.tuplet.normal)
    if sounding is not None and sounding[2]:
        _text(note, "stem", "down" if sounding[0] in FEET else "up")
        head = _KIT_PLACES.get(sounding[0], _OTHER_PLACE)[2]
        if head:
            _text(note, "notehead", head)
    brackets = (
        []
        if event.tuplet is None or not is_top
        else [type_ for type_, there in (("start", event.tuplet.starts), ("stop", event.tuplet.ends)) if there]
    )
    if ties or brackets:
        notations = ET.SubElement(note, "notations")
        for type_ in ties:
            ET.SubElement(notations, "tied", type=type_)
        for type_ in brackets:
            ET.SubElement(notations, "tuplet", type=type_)
