"""Sheets as ABC notation (the standard of 2011, version 2.1): a voice for each voice of a part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from noisician.score.engraving import Bar, Event, Part, Sheet, Symbol, words_of
from noisician.score.midi import VOICE_PROGRAM, general_midi_program
from noisician.score.qualities import plain_of
from noisician.score.spelling import Spelled, key_name, spelled, spelled_root
from noisician.score.write_musicxml import part_name
from noisician.styles import instruments

#: Ticks of L:1/16.
_UNIT_TICKS = 6
_BARS_A_LINE = 4
_MODES = {"major": "", "minor": "m", "dorian": "dor", "phrygian": "phr", "lydian": "lyd", "mixolydian": "mix"}
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_ACCIDENTALS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_LOW_PITCH = 55


def write_abc(sheet: Sheet, recipe: str | None = None) -> str:
    """One tune. ``sheet`` has to be cut where chords change (``engrave(…, is_cut_at_chords=True)``); ``recipe`` is kept
    behind it as a comment for whoever looks for one."""
    bar = sheet.bars[0]
    lines = ["%abc-2.1", "X:1"]
    lines += [f"T:{_line(sheet.title)}"] if sheet.title else []
    lines += [f"M:{bar.numerator}/{bar.denominator}", "L:1/16", _tempo(sheet.tempo[0][1], bar)]
    voices = [(number, part, _voices_of(part)) for number, part in enumerate(sheet.parts, start=1)]
    first_ids = [1 + sum(count for *_, count in voices[:place]) for place in range(len(voices))]
    groups = [
        [str(first + voice) for voice in range(count)] for first, (*_, count) in zip(first_ids, voices, strict=True)
    ]
    lines.append("%%score " + " ".join(f"({' '.join(ids)})" if len(ids) > 1 else ids[0] for ids in groups))
    lines.append(f"K:{key_name(sheet.key, sheet.mode)}{_MODES[sheet.mode]}")
    for ids, (number, part, _) in zip(groups, voices, strict=True):
        for voice, id_ in enumerate(ids):
            lines += [*_heading(part, id_), *_music(sheet, part, voice, is_first=number == 1 and voice == 0)]
    if recipe is not None:
        lines.append(f"% noisician {recipe}")
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return re.sub(r"[%\s]+", " ", text).strip()


def _voices_of(part: Part) -> int:
    return max(len(voices) for voices in part.bars)


def _heading(part: Part, id_: str) -> list[str]:
    name = part_name(part).replace('"', "'")
    instrument = instruments().get(part.track.instrument)
    program = VOICE_PROGRAM if instrument is None else general_midi_program(instrument)
    if part.is_kit:
        return [f'V:{id_} name="{name}" clef=perc', f"%%MIDI channel 10\n%%MIDI program {program}"]
    mean = sum(note.pitch for note in part.track.notes) / len(part.track.notes)
    clef = "bass" if mean < _LOW_PITCH else "treble"
    return [f'V:{id_} name="{name}" clef={clef}', f"%%MIDI program {program}"]


def _tempo(quarters_bpm: float, bar: Bar) -> str:
    if bar.denominator == 8 and bar.numerator % 3 == 0:
        return f"Q:3/8={quarters_bpm / 1.5:.6g}"
    return f"Q:1/4={quarters_bpm:.6g}"


def _music(sheet: Sheet, part: Part, voice: int, *, is_first: bool) -> Iterator[str]:
    writer = _Writer(sheet, part.is_kit, has_chords=is_first)
    for first in range(0, len(sheet.bars), _BARS_A_LINE):
        bars, words = [], []
        for bar in sheet.bars[first : first + _BARS_A_LINE]:
            own = part.bars[bar.number]
            events = own[voice] if voice < len(own) else ()
            bars.append(writer.bar(bar, events))
            words += writer.words(events)
        end = "|]" if first + _BARS_A_LINE >= len(sheet.bars) else "|"
        yield " | ".join(bars) + f" {end}"
        if part.track.role in ("vocals", "backing") and any(word not in ("*", "_") for word in words):
            yield "w: " + " ".join(words)


class _Writer:
    """A voice from bar to bar."""

    def __init__(self, sheet: Sheet, is_kit: bool, has_chords: bool) -> None:
        self._sheet, self._is_kit, self._leads = sheet, is_kit, has_chords
        self._signature = _signature(sheet.fifths)
        self._altered: dict[tuple[str, int], int] = {}
        self._metre = (sheet.bars[0].numerator, sheet.bars[0].denominator)
        self._tempi = list(sheet.tempo[1:]) if has_chords else []
        self._symbols = list(sheet.chords) if has_chords else []
        self._has_word = False

    def bar(self, bar: Bar, events: Sequence[Event]) -> str:
        self._altered = {}
        out: list[str] = []
        if (bar.numerator, bar.denominator) != self._metre:
            self._metre = (bar.numerator, bar.denominator)
            out.append(f"[M:{bar.numerator}/{bar.denominator}]")
        if self._leads and bar.section is not None:
            name = f"{bar.section.kind.replace('_', '-').title()} {bar.section.label}".strip()
            out.append(f'"^{name}"')
        if not events:
            return " ".join([*out, f"x{_length(bar.ticks)}"])
        for place, event in enumerate(events):
            out.append(self._before(event, bar) + _tuplet(events, place) + self._event(event))
        return " ".join(out)

    def _before(self, event: Event, bar: Bar) -> str:
        """Tempi and chord symbols that stand at an event."""
        out = ""
        while self._tempi and self._tempi[0][0] < event.end:
            out += f"[{_tempo(self._tempi.pop(0)[1], bar)}]"
        while self._symbols and self._symbols[0].start < event.end:
            out += f'"{symbol_name(self._symbols.pop(0), self._sheet.fifths)}"'
        return out

    def _event(self, event: Event) -> str:
        length = _length(event.shown_ticks or event.ticks)
        if not event.pitches:
            return f"z{length}"
        chord = None if self._is_kit else self._sheet.chord_at(event.start)
        notes = []
        for pitch in event.pitches:
            name = spelled(pitch, self._sheet.fifths, None if chord is None else chord[:2])
            notes.append((self._note(name), pitch in event.tied_to))
        if len(notes) == 1:
            return f"{notes[0][0]}{length}{'-' * notes[0][1]}"
        if all(tied for _, tied in notes):
            return f"[{''.join(note for note, _ in notes)}]{length}-"
        return "[" + "".join(note + length + "-" * tied for note, tied in notes) + "]"

    def _note(self, name: Spelled) -> str:
        place = (name.letter, name.octave)
        expected = self._altered.get(place, self._signature.get(name.letter, 0))
        accidental = "" if name.alter == expected else _ACCIDENTALS[name.alter]
        self._altered[place] = name.alter
        if name.octave >= 5:
            return accidental + name.letter.lower() + "'" * (name.octave - 5)
        return accidental + name.letter + "," * (4 - name.octave)

    def words(self, events: Sequence[Event]) -> Iterator[str]:
        """A word, or what stands for none, for each note."""
        for event in events:
            if not event.pitches:
                continue
            if event.syllable is None or event.tied_from:
                yield "_" if self._has_word else "*"
                continue
            text, goes_on, _ = words_of(event.syllable)
            self._has_word = bool(text)
            escaped = text.replace(" ", "~").replace("-", "\\-").replace("_", "\\_").replace("*", "\\*")
            yield (escaped + "-" * goes_on) if text else "*"


def symbol_name(symbol: Symbol, fifths: int) -> str:
    """A chord symbol as lead sheets have it: F#m7b5/A, N.C."""
    if symbol.chord is None:
        return "N.C."
    root, quality, bass = symbol.chord
    below = "" if bass is None else f"/{spelled_root(bass, fifths).name}"
    return spelled_root(root, fifths).name + plain_of(quality) + below


def _signature(fifths: int) -> dict[str, int]:
    letters = _SHARPS[:fifths] if fifths > 0 else _FLATS[: -fifths or 0]
    return {letter: 1 if fifths > 0 else -1 for letter in letters}


def _length(ticks: int) -> str:
    length = Fraction(ticks, _UNIT_TICKS)
    if length == 1:
        return ""
    return str(length.numerator) + (f"/{length.denominator}" if length.denominator > 1 else "")


def _tuplet(events: Sequence[Event], place: int) -> str:
    """What opens a tuplet, with how many events it has."""
    tuplet = events[place].tuplet
    if tuplet is None or not tuplet.starts:
        return ""
    count = next(
        (at - place + 1 for at in range(place, len(events)) if (one := events[at].tuplet) is not None and one.ends),
        len(events) - place,
    )
    return f"({tuplet.actual}:{tuplet.normal}:{count}"
