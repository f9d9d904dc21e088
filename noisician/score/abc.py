"""Tunes in ABC notation (the standard of 2011, version 2.1) as scores: voices, repeats with endings, keys and modes,
tuplets, broken rhythm, chord symbols, words.

Grace notes and decorations are left out, of a file with several tunes the first is read, and what repeats is played.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

from noisician.errors import FileError
from noisician.request import TONICS
from noisician.score.chart import read_symbol
from noisician.score.encode import estimate_key
from noisician.score.midi import BARS_LIMIT, kind_named, nearest_signature, pitch_class_weights
from noisician.score.midi_roles import Part, infer_roles
from noisician.score.model import LINE_END, METERS, Chord, Note, Score, Section, Track
from noisician.score.repeats import Marks, played_order
from noisician.score.tempo import TempoCurve

#: Of text.
FILE_LIMIT_BYTES = 2 << 20
NOTES_LIMIT = 200_000
DEFAULT_TEMPO_BPM = 120.0
_VELOCITY = 84
_FINEST = 512
_LETTERS = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
_ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_FIFTHS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1}
#: Fifths from the tonic down to the major key of the same signature, by a mode's first letters, and its name here.
_MODES = {
    "": (0, "major"), "maj": (0, "major"), "ion": (0, "major"), "m": (3, "minor"), "min": (3, "minor"),
    "aeo": (3, "minor"), "mix": (1, "mixolydian"), "dor": (2, "dorian"), "phr": (4, "phrygian"), "lyd": (-1, "lydian"),
    "loc": (5, "minor"),
}  # fmt: skip
_KEY = re.compile(r"\s*([A-G])([#b]?)\s*(?:(maj|min|mix|dor|phr|lyd|loc|ion|aeo|m)[a-z]*)?", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z+]):(.*)")
_LENGTH = r"(\d*)(/*)(\d*)"
_NOTE = r"(\^\^|\^|__|_|=)?([A-Ga-g])([',]*)" + _LENGTH
_TOKEN = re.compile(
    r"(?P<space>[ \t`y\\]+)"
    r'|"(?P<quoted>[^"]*)"'
    r"|(?P<deco>![^!|\n]{0,40}!|\+[a-z0-9]{1,20}\+)"
    r"|\[(?P<inline>[A-Za-z]):(?P<value>[^\]\n]*)\]"
    r"|\{(?P<grace>[^}]*)\}"
    r"|\((?P<p>\d)(?::(?P<q>\d{0,2})(?::(?P<r>\d{0,2}))?)?"
    r"|\[(?P<ending>\d[\d,\-]*)"
    r"|(?P<bar>:*\|[\]|:]*(?:[ \t]?\d[\d,\-]*)?|::+|\[\|[\]:]?|\|\]:*)"
    r"|\[(?P<chord>[^\[\]\n|]{1,400})\](?P<clength>\d*/*\d*)(?P<ctie>-?)"
    r"|(?P<note>(?:\^\^|\^|__|_|=)?[A-Ga-g][',]*\d*/*\d*)(?P<tie>[ ]?-)?"
    r"|(?P<rest>[zxZX])(?P<rlength>\d*/*\d*)"
    r"|(?P<broken><+|>+)"
    r"|(?P<overlay>&)"
    r"|(?P<other>.)"
)
_WORD = re.compile(r"\\-|[^\s\-_*|]|~")


@dataclass
class _Sound:
    """A note or a chord in quarters from the start of its bar; ``ties`` are pitches that go on in the next one."""

    at: Fraction
    length: Fraction
    pitches: tuple[int, ...]
    ties: frozenset[int]
    bar: int
    syllable: str | None = None


@dataclass
class _Bar:
    """A written bar of a voice, in quarters."""

    length: Fraction = Fraction(0)
    nominal: Fraction = Fraction(4)
    sounds: list[_Sound] = field(default_factory=list)
    symbols: list[tuple[Fraction, str]] = field(default_factory=list)
    tempi: list[tuple[Fraction, float]] = field(default_factory=list)
    heading: str | None = None
    forward: bool = False
    times: int = 0
    endings: frozenset[int] = frozenset()
    closes: bool = False

    @property
    def marks(self) -> Marks:
        return Marks(self.forward, self.times, self.endings, self.closes)

    @property
    def is_empty(self) -> bool:
        return not self.length and not self.sounds


@dataclass
class _Voice:
    name: str = ""
    program: int = 0
    is_kit: bool = False
    octave: int = 0
    transpose: int = 0
    bars: list[_Bar] = field(default_factory=lambda: [_Bar()])
    line: list[_Sound] = field(default_factory=list)  # of the latest line of music, for the words under it
    verse: int = 0
    unit: Fraction = Fraction(1, 2)  # quarters of a length of 1
    meter: Fraction = Fraction(4)
    signature: Mapping[str, int] = field(default_factory=dict)
    altered: dict[tuple[str, int], int] = field(default_factory=dict)
    tuplet: tuple[Fraction, int] | None = None  # (factor, notes left)
    broken: Fraction | None = None  # what the next note's length is times
    in_ending: bool = False
    at: Fraction = Fraction(0)
    overlay_from: Fraction | None = None


def read_abc(path: Path) -> Score:
    """The score of the first tune in a file. Raises FileError for a file that holds none."""
    try:
        size = path.stat().st_size
        if size > FILE_LIMIT_BYTES:
            raise FileError(f"{path} has {size / 1e6:.1f} MB; the limit is {FILE_LIMIT_BYTES / 1e6:.0f} MB of ABC")
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return abc_score(text, str(path))


def is_abc(head: bytes) -> bool:
    """Whether a file begins as ABC does: with its version, or with a field of a tune's head."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return text.startswith(b"%abc") or re.match(rb"(?:%[^\n]*\n\s*)*[XTMKLQ]:", text) is not None


def abc_score(text: str, name: str = "the ABC") -> Score:
    """The score of the first tune in a text. Errors as :func:`read_abc`."""
    reader = _Reader(name)
    try:
        for line in _tune_lines(text):
            reader.take(line)
        return _score(reader, name)
    except (ZeroDivisionError, OverflowError):
        raise FileError(f"{name} is no readable ABC: a length in it is no number of notes") from None


def _tune_lines(text: str) -> Iterator[str]:
    """The lines of the first tune, comments taken off."""
    begun = has_key = False
    for raw in text.splitlines():
        line = raw.rstrip()
        if line.startswith("%%"):
            yield line
            continue
        line = re.sub(r"(?<!\\)%.*", "", line).rstrip()
        if line.startswith("X:"):
            if begun and has_key:
                return
            begun = True
        has_key = has_key or line.startswith("K:")
        if not line and has_key and begun and not raw.startswith("%"):
            return
        yield line


class _Reader:
    """A tune as its lines come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.voices: dict[str, _Voice] = {}
        self.title = ""
        self.key: tuple[str, str] | None = None
        self.signature: tuple[int, int] | None = None
        self.tempo: float | None = None
        self.groups: list[list[str]] = []
        self._default = _Voice()
        self._default.unit = Fraction(0)
        self._in_head = True
        self._voice: _Voice | None = None
        self._notes = 0
        self._macros: str | None = None

    @property
    def voice(self) -> _Voice:
        if self._voice is None:
            self._voice = self._enter("1")
        return self._voice

    def take(self, line: str) -> None:
        if line.startswith("%%"):
            self._directive(line[2:].strip())
            return
        found = _FIELD.match(line)
        if found is not None and not line.startswith("|") and (found[1] != "+" or True):
            self._field(found[1], found[2].strip(), is_line=True)
        elif not self._in_head and line.strip():
            voice = self.voice
            voice.line, voice.verse = [], 0
            self._music(line)

    # --- fields ---

    def _directive(self, text: str) -> None:
        words = text.split()
        if not words:
            return
        if words[0].lower() in ("score", "staves"):
            groups = re.findall(r"\(([^()]*)\)|([^\s(){}\[\]|]+)", text[len(words[0]) :])
            self.groups = [inside.split() if inside else [alone] for inside, alone in groups]
        elif words[0].upper() == "MIDI" and len(words) > 2 and words[-1].isdigit():
            voice = self._default if self._in_head and self._voice is None else self.voice
            if words[1] == "program":
                voice.program = min(int(words[-1][:4]), 127)
            elif words[1] == "channel":
                voice.is_kit = words[-1] == "10"
            elif words[1] == "transpose":
                voice.transpose = min(int(words[-1][:3]), 48)

    def _field(self, letter: str, value: str, *, is_line: bool = False) -> None:
        voice = self._voice if self._voice is not None else self._default
        if letter == "T" and not self.title:
            self.title = value
        elif letter == "M":
            self._metre(voice, value)
        elif letter == "L":
            voice.unit = 4 * _fraction(value, Fraction(1, 8))
        elif letter == "Q":
            self._tempo(voice, value)
        elif letter == "K":
            self._key(voice, value)
            self._in_head = False
        elif letter == "V":
            self._voice = self._enter(value)
        elif letter == "w" and is_line and self._voice is not None:
            self._words(value)
        elif letter == "P" and not self._in_head:
            self.voice.bars[-1].heading = self.voice.bars[-1].heading or value
        elif letter == "I" and value.upper().startswith("MIDI"):
            self._directive(value)

    def _metre(self, voice: _Voice, value: str) -> None:
        parts = {"C": (4, 4), "C|": (2, 2)}.get(value.strip())
        if parts is None:
            found = re.match(r"\(?\s*([\d+ ]{1,12})\)?\s*/\s*(\d{1,3})", value)
            if found is None:
                return
            over = sum(int(one) for one in re.findall(r"\d{1,3}", found[1]))
            parts = over, int(found[2])
        if not parts[0] or not parts[1]:
            return
        voice.meter = Fraction(4 * parts[0], parts[1])
        voice.bars[-1].nominal = voice.meter
        if self.signature is None:
            self.signature = parts

    def _tempo(self, voice: _Voice, value: str) -> None:
        plain = re.sub(r'"[^"]*"', "", value)
        found = re.search(r"((?:\d{1,3}/\d{1,3}\s*)+)=\s*(\d{1,4}(?:\.\d{1,6})?)", plain)
        if found is not None:
            beat = sum((_fraction(one, Fraction(1, 4)) for one in found[1].split()), Fraction(0))
            bpm = float(found[2]) * float(beat * 4)
        else:
            bare = re.search(r"(?:^|=)\s*(\d{1,4}(?:\.\d{1,6})?)", plain)
            if bare is None:
                return
            bpm = float(bare[1]) * float(self._unit(voice) if "C" in plain else 1)
        if not 1 <= bpm <= 1000:
            return
        if self._in_head or (self.tempo is None and not voice.at and len(voice.bars) == 1):
            self.tempo = bpm
        else:
            voice.bars[-1].tempi.append((voice.at, bpm))

    def _key(self, voice: _Voice, value: str) -> None:
        self._clef(voice, value)
        signature: dict[str, int] = {}
        found = _KEY.match(value)
        word = value.split()[0] if value.split() else ""
        if word in ("HP", "Hp"):
            signature, own = {"F": 1, "C": 1}, ("A", "mixolydian")
        elif found is not None and not word.startswith(("clef", "none", "bass")) and "=" not in word:
            fifths, own = _fifths(found)
            letters = _SHARPS[:fifths] if fifths > 0 else _FLATS[: -fifths or 0]
            signature = {letter: 1 if fifths > 0 else -1 for letter in letters}
        elif word == "none" or not self._in_head:
            own = None
        else:
            own = None
        for accidental, letter in re.findall(r"(?:^|\s)(\^\^|\^|__|_|=)([A-Ga-g])(?=\s|$)", value):
            signature[letter.upper()] = _ACCIDENTALS[accidental]
        if self.key is None and own is not None:
            self.key = own
        if found is not None or word == "none" or signature:
            voice.signature = signature
        if self._in_head:
            self._default.signature = voice.signature

    def _clef(self, voice: _Voice, value: str) -> None:
        if re.search(r"\bperc", value):
            voice.is_kit = True
        moved = re.search(r"\boctave\s*=\s*(-?\d)", value)
        if moved is not None:
            voice.octave = int(moved[1])
        transposed = re.search(r"\btranspose\s*=\s*(-?\d{1,2})", value)
        if transposed is not None:
            voice.transpose = int(transposed[1])
        shifted = re.search(r"(?:treble|bass|alto|tenor|clef=\S+?)([+-])8", value)
        if shifted is not None:
            voice.octave = 1 if shifted[1] == "+" else -1

    def _enter(self, value: str) -> _Voice:
        """The voice that a field names, made like the tune's head says where it is new."""
        words = value.split()
        id_ = words[0] if words else "1"
        if id_ not in self.voices:
            if len(self.voices) >= 64:
                raise FileError(f"{self.name} has more than 64 voices; that is more than can be read")
            head = self._default
            unit = head.unit or (Fraction(1, 4) if self.signature and head.meter < 3 else Fraction(1, 2))
            self.voices[id_] = _Voice(
                program=head.program, octave=head.octave, transpose=head.transpose, unit=unit, meter=head.meter,
                signature=dict(head.signature), bars=[_Bar(nominal=head.meter)],
            )  # fmt: skip
        voice = self.voices[id_]
        named = re.search(r'\b(?:name|nm)\s*=\s*"([^"]*)"', value) or re.search(r"\b(?:name|nm)\s*=\s*(\S+)", value)
        if named is not None:
            voice.name = " ".join(named[1].split())[:80]
        self._clef(voice, value)
        return voice

    def _unit(self, voice: _Voice) -> Fraction:
        return voice.unit or Fraction(1, 2)

    # --- music ---

    def _music(self, line: str) -> None:
        for token in _TOKEN.finditer(line):
            kind = token.lastgroup
            voice = self.voice
            if token["quoted"] is not None:
                self._quoted(voice, token["quoted"])
            elif token["inline"] is not None:
                self._field(token["inline"], token["value"].strip())
            elif token["p"] is not None:
                voice.tuplet = _tuplet(token, voice.meter)
            elif token["ending"] is not None:
                self._ending(voice, token["ending"])
            elif token["bar"] is not None:
                self._bar_line(voice, token["bar"])
            elif token["chord"] is not None:
                self._chord(voice, token)
            elif token["note"] is not None:
                self._note(voice, token)
            elif token["rest"] is not None:
                self._rest(voice, token["rest"], token["rlength"])
            elif token["broken"] is not None:
                self._break(voice, token["broken"])
            elif token["overlay"] is not None:
                voice.overlay_from = voice.at
                voice.at = Fraction(0)
            del kind

    def _quoted(self, voice: _Voice, text: str) -> None:
        bar = voice.bars[-1]
        if text[:1] in ("^", "_", "<", ">", "@"):
            if text.startswith("^") and voice.at == 0 and kind_named(text[1:].lower(), None) is not None:
                bar.heading = text[1:]
        elif text.strip():
            bar.symbols.append((voice.at, text.strip()))

    def _ending(self, voice: _Voice, numbers: str) -> None:
        bar = voice.bars[-1]
        if not bar.is_empty:
            self._close(voice)
            bar = voice.bars[-1]
        if voice.in_ending and len(voice.bars) > 1:
            voice.bars[-2].closes = True
        bar.endings = frozenset(_passes(numbers))
        voice.in_ending = True

    def _bar_line(self, voice: _Voice, written: str) -> None:
        number = re.search(r"\d[\d,\-]*$", written)
        lines = written[: number.start()].strip() if number else written
        before = len(lines) - len(lines.lstrip(":"))
        behind = len(lines) - len(lines.rstrip(":"))
        if set(lines) == {":"}:
            before = behind = max(1, len(lines) // 2)
        bar = voice.bars[-1]
        last = bar if not bar.is_empty else voice.bars[-2] if len(voice.bars) > 1 else None
        if before and last is not None:
            last.times = before + 1
        ends = before or behind or "||" in lines or "]" in lines or "[" in lines
        if ends and voice.in_ending and last is not None and not (bar.is_empty and bar.endings):
            last.closes = True
            voice.in_ending = False
        if not bar.is_empty:
            self._close(voice)
        voice.altered = {}
        if behind:
            voice.bars[-1].forward = True
        if number is not None:
            self._ending(voice, number[0])

    def _close(self, voice: _Voice) -> None:
        """Ends the bar that is open."""
        if len(voice.bars) >= BARS_LIMIT:
            raise FileError(f"{self.name} has more than {BARS_LIMIT} bars")
        voice.bars.append(_Bar(nominal=voice.meter))
        voice.at, voice.overlay_from, voice.altered = Fraction(0), None, {}

    def _advance(self, voice: _Voice, length: Fraction) -> None:
        voice.at += length
        bar = voice.bars[-1]
        bar.length = max(bar.length, voice.at)
        if bar.length > 4 * BARS_LIMIT:
            raise FileError(
                f"{self.name} has a bar of more than {4 * BARS_LIMIT} quarter notes; it is probably damaged"
            )

    def _timed(self, voice: _Voice, length: Fraction) -> Fraction:
        """A length in quarters under the tuplet and broken rhythm that hold."""
        length *= self._unit(voice)
        if voice.tuplet is not None:
            factor, left = voice.tuplet
            length *= factor
            voice.tuplet = (factor, left - 1) if left > 1 else None
        if voice.broken is not None:
            length *= voice.broken
            voice.broken = None
        return length

    def _note(self, voice: _Voice, token: re.Match[str]) -> None:
        found = re.fullmatch(_NOTE, token["note"])
        assert found is not None
        pitch = self._pitch(voice, found)
        length = self._timed(voice, _length(found[4], found[5], found[6]))
        tied = frozenset({pitch}) if token["tie"] else frozenset()
        self._sound(voice, length, (pitch,), tied)

    def _chord(self, voice: _Voice, token: re.Match[str]) -> None:
        notes = [(found, text) for text in re.finditer(_NOTE + r"(-?)", token["chord"]) for found in (text,)]
        if not notes:
            return
        pitches = [self._pitch(voice, found) for found, _ in notes]
        first = notes[0][0]
        inside = _length(first[4], first[5], first[6])
        outside = re.fullmatch(_LENGTH, token["clength"])
        assert outside is not None
        length = self._timed(voice, inside * _length(*outside.groups()))
        ties = {pitch for pitch, (found, _) in zip(pitches, notes, strict=True) if found[7] or token["ctie"]}
        self._sound(voice, length, tuple(dict.fromkeys(pitches)), frozenset(ties))

    def _sound(self, voice: _Voice, length: Fraction, pitches: tuple[int, ...], ties: frozenset[int]) -> None:
        self._notes += len(pitches)
        if self._notes > NOTES_LIMIT:
            raise FileError(f"{self.name} has more than {NOTES_LIMIT} notes")
        sound = _Sound(voice.at, length, pitches, ties, len(voice.bars))
        voice.bars[-1].sounds.append(sound)
        if voice.overlay_from is None:
            voice.line.append(sound)
        self._advance(voice, length)

    def _pitch(self, voice: _Voice, found: re.Match[str]) -> int:
        letter = found[2].upper()
        octave = found[3].count("'") - found[3].count(",") + found[2].islower()
        place = (letter, octave)
        if found[1]:
            voice.altered[place] = _ACCIDENTALS[found[1]]
        alter = voice.altered.get(place, voice.signature.get(letter, 0))
        pitch = _LETTERS[letter] + alter + 12 * (octave + voice.octave) + voice.transpose
        return min(max(pitch, 0), 127)

    def _rest(self, voice: _Voice, kind: str, written: str) -> None:
        found = re.fullmatch(_LENGTH, written)
        assert found is not None
        if kind in "zx":
            self._advance(voice, self._timed(voice, _length(*found.groups())))
            return
        count = int((found[1] or "1")[:6])
        if len(voice.bars) + count > BARS_LIMIT:
            raise FileError(f"{self.name} has more than {BARS_LIMIT} bars")
        for number in range(count):
            if number:
                self._close(voice)
            self._advance(voice, voice.meter)

    def _break(self, voice: _Voice, signs: str) -> None:
        sounds = voice.bars[-1].sounds
        if not sounds or len(signs) > 3:
            return
        short = Fraction(1, 2 ** len(signs))
        first, second = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        last = sounds[-1]
        if last.at + last.length == voice.at:
            voice.at += last.length * (first - 1)
            last.length *= first
            bar = voice.bars[-1]
            bar.length = voice.at if voice.overlay_from is None else max(bar.length, voice.at)
        voice.broken = second

    def _words(self, text: str) -> None:
        """Syllables under the notes of the line before; only the first verse is sung."""
        voice = self.voice
        voice.verse += 1
        if voice.verse > 1:
            return
        place = 0
        for kind, syllable in _syllables(text):
            if kind == "bar":
                now = voice.line[place - 1].bar if place else 0
                while place < len(voice.line) and voice.line[place].bar <= now:
                    place += 1
                continue
            if place >= len(voice.line):
                break
            if kind == "text":
                voice.line[place].syllable = syllable
            place += 1
        sung = [sound for sound in voice.line if sound.syllable is not None]
        if sung and sung[-1].syllable is not None and not sung[-1].syllable.endswith("-"):
            sung[-1].syllable = sung[-1].syllable.rstrip() + LINE_END


def _syllables(text: str) -> Iterator[tuple[str, str]]:
    """("text", syllable), ("hold", ""), ("skip", "") or ("bar", "") for what stands in a line of words."""
    for found in re.finditer(r"((?:\\-|\\_|\\\*|[^\s\-_*|])+)(-?)|(_)|(\*)|(\|)|(-)", text):
        if found[1] is not None:
            syllable = re.sub(r"\\([-_*])", r"\1", found[1]).replace("~", " ")
            yield "text", syllable + ("-" if found[2] else " ")
        elif found[3]:
            yield "hold", ""
        elif found[4]:
            yield "skip", ""
        elif found[5]:
            yield "bar", ""
        else:
            yield "hold", ""


def _fraction(text: str, default: Fraction) -> Fraction:
    found = re.match(r"\s*(\d{1,4})\s*(?:/\s*(\d{1,4}))?", text)
    if found is None or not int(found[1]) or (found[2] and not int(found[2])):
        return default
    return Fraction(int(found[1]), int(found[2] or 1))


def _length(over: str, slashes: str, under: str) -> Fraction:
    """A written length: 3, /, //, 3/2, /4. More digits than any length has make it long beyond every limit; what is
    finer than any note is as fine as the finest, so that sums of lengths stay small numbers."""
    top = int(over[:9]) if over else 1
    if not slashes:
        return Fraction(top)
    bottom = int(under[:9]) if under else 2 ** min(len(slashes), 8)
    return Fraction(top, bottom if bottom <= _FINEST else _FINEST)


def _tuplet(token: re.Match[str], meter: Fraction) -> tuple[Fraction, int] | None:
    count = int(token["p"])
    if not count:
        return None
    is_compound = (meter.denominator in (1, 2) and (meter * 2) % 3 == 0 and meter.denominator == 2) or meter == 3
    times = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(count, 3 if is_compound else 2)
    times = int(token["q"]) if token["q"] else times
    notes = int(token["r"]) if token["r"] else count
    return (Fraction(times, count), notes) if times and notes else None


def _fifths(found: re.Match[str]) -> tuple[int, tuple[str, str]]:
    """A key's sharps (less than 0: flats), and its tonic and mode."""
    tonic = found[1].upper() + found[2]
    down, mode = _MODES[(found[3] or "").lower()]
    fifths = _FIFTHS[tonic[0]] + 7 * (tonic.count("#") - tonic[1:].count("b"))
    return min(max(fifths - down, -7), 7), (TONICS[7 * fifths % 12], mode)


def _passes(numbers: str) -> Iterator[int]:
    for one in numbers.split(","):
        first, _, last = one.partition("-")
        if first.isdigit():
            begin = min(int(first[:3]), 99)
            yield from range(begin, min(int(last[:3]), 99) + 1 if last.isdigit() else begin + 1)


# --- the score --------------------------------------------------------------------------------------------------------


def _score(reader: _Reader, name: str) -> Score:
    voices = _grouped(reader)
    if not any(bar.sounds for voice in voices for own in voice for bar in own.bars):
        raise FileError(f"{name} holds no notes")
    lead = next((one.bars for one in reader.voices.values() if any(bar.times for bar in one.bars)), None)
    orders = _orders(reader, lead)
    signature = nearest_signature(reader.signature)
    quarters = METERS[signature].steps_per_beat / 4
    first = next(iter(reader.voices))
    starts = _starts(reader, orders)
    bars = max(1, math.ceil(starts[-1] / quarters / METERS[signature].beats_per_bar - 1e-9))
    if bars > BARS_LIMIT:
        raise FileError(f"{name} claims {bars} bars; the limit is {BARS_LIMIT} bars")
    parts = []
    for group in voices:
        ids = [id_ for id_, voice in reader.voices.items() if any(voice is one for one in group)]
        played = (note for id_ in ids for note in _played(reader.voices[id_], orders[id_], starts, quarters))
        notes = list(islice(played, NOTES_LIMIT + 1))
        if len(notes) > NOTES_LIMIT:
            raise FileError(f"{name}'s repeats come to more than {NOTES_LIMIT} notes")
        if notes:
            notes.sort(key=lambda note: (note.start_beats, note.pitch))
            parts.append(Part(group[0].name, group[0].program, group[0].is_kit, tuple(notes)))
    seats = infer_roles(parts)
    seated = zip(parts, seats, strict=True)
    tracks = tuple(Track(role, id_, part.notes, name=part.name) for part, (role, id_) in seated)
    key, mode = reader.key or estimate_key(pitch_class_weights(tracks))
    tempo = _tempo_curve(reader, orders[first], starts, quarters)
    played = [(start, reader.voices[first].bars[place]) for start, place in zip(starts, orders[first], strict=False)]
    return Score(
        tempo_bpm=tempo.tempo_bpm,
        key=key,
        mode=mode,
        time_signature=signature,
        bars=bars,
        sections=_sections(played, quarters * METERS[signature].beats_per_bar, bars),
        tracks=tracks,
        chords=tuple(_chords(reader, orders, starts, quarters, mode)),
        tempo_changes=tempo.changes,
    )


def _grouped(reader: _Reader) -> list[list[_Voice]]:
    """Voices by the part they belong to: those that a staff shares."""
    left = dict(reader.voices)
    groups = []
    for ids in reader.groups:
        own = [left.pop(id_) for id_ in ids if id_ in left]
        groups += [own] if own else []
    return [*groups, *([voice] for voice in left.values())]


def _orders(reader: _Reader, lead: Sequence[_Bar] | None) -> dict[str, list[int]]:
    """The bars of each voice in the order in which they are played; what repeats for one does for all."""
    found = {}
    for id_, voice in reader.voices.items():
        bars = voice.bars if not voice.bars[-1].is_empty or len(voice.bars) == 1 else voice.bars[:-1]
        own = any(bar.times for bar in bars)
        if own or lead is None:
            marks = [bar.marks for bar in bars]
        else:
            marks = [bar.marks for bar in lead[: len(bars)]] + [Marks()] * max(0, len(bars) - len(lead))
        found[id_] = played_order(marks)
    return found


def _starts(reader: _Reader, orders: Mapping[str, Sequence[int]]) -> list[float]:
    """When each bar as played begins, in quarters, and last where the tune ends. A pickup rests for the first bar's
    beginning; a bar lasts as long as the longest voice in it."""
    count = max(len(order) for order in orders.values())
    lengths, nominal = [Fraction(0)] * count, [Fraction(0)] * count
    for id_, order in orders.items():
        for at, place in enumerate(order):
            bar = reader.voices[id_].bars[place]
            lengths[at] = max(lengths[at], bar.length)
            nominal[at] = max(nominal[at], bar.nominal)
    lengths = [length or full for length, full in zip(lengths, nominal, strict=True)]
    start = max(Fraction(0), nominal[0] - lengths[0]) if len(lengths) > 1 and lengths[0] < nominal[0] else Fraction(0)
    starts = [float(start)]
    for length in lengths:
        start += length
        starts.append(float(start))
    return starts


def _played(voice: _Voice, order: Sequence[int], starts: Sequence[float], quarters: float) -> Iterator[Note]:
    """A voice's notes as played, in beats; what is tied is one note."""
    open_: dict[int, Note] = {}
    for start, place in zip(starts, order, strict=False):
        for sound in voice.bars[place].sounds:
            at, length = (start + float(sound.at)) / quarters, float(sound.length) / quarters
            for pitch in sound.pitches:
                before = open_.pop(pitch, None)
                if before is not None and abs(before.end_beats - at) < 1e-6:
                    note = replace(before, duration_beats=at + length - before.start_beats)
                else:
                    if before is not None:
                        yield before
                    note = Note(pitch, at, length, _VELOCITY, sound.syllable)
                if pitch in sound.ties:
                    open_[pitch] = note
                elif note.duration_beats > 0:
                    yield note
    yield from (note for note in open_.values() if note.duration_beats > 0)


def _tempo_curve(reader: _Reader, order: Sequence[int], starts: Sequence[float], quarters: float) -> TempoCurve:
    bars = next(iter(reader.voices.values())).bars
    stated = [
        ((start + float(at)) / quarters, bpm / quarters)
        for start, place in zip(starts, order, strict=False)
        for at, bpm in bars[place].tempi
    ]
    return TempoCurve.of((reader.tempo or DEFAULT_TEMPO_BPM) / quarters, [one for one in stated if one[0] > 0])


def _chords(
    reader: _Reader, orders: Mapping[str, Sequence[int]], starts: Sequence[float], quarters: float, mode: str
) -> Iterator[Chord]:
    """The chord symbols of the first voice that has any."""
    id_ = next((id_ for id_, voice in reader.voices.items() if any(bar.symbols for bar in voice.bars)), None)
    if id_ is None:
        return
    begun: list[tuple[float, int | None, str, int | None]] = []
    for start, place in zip(starts, orders[id_], strict=False):
        for at, text in reader.voices[id_].bars[place].symbols:
            try:
                symbol = read_symbol(text, mode)
            except ValueError:
                continue
            if not symbol.is_degree:
                begun.append(((start + float(at)) / quarters, symbol.root, symbol.quality, symbol.bass))
    ends = [*(at for at, *_ in begun[1:]), starts[-1] / quarters]
    for (at, root, quality, bass), end in zip(begun, ends, strict=False):
        if root is not None and end > at:
            yield Chord(at, end - at, root, quality, bass)


def _sections(played: Sequence[tuple[float, _Bar]], bar_quarters: float, bars: int) -> tuple[Section, ...]:
    """Headings as sections, each until the next; equal ones share a label."""
    begun: dict[int, str] = {}
    for start, bar in played:
        if bar.heading is not None and round(start / bar_quarters) < bars:
            begun[round(start / bar_quarters)] = bar.heading.strip().lower()
    if not begun:
        return (Section("verse", "A", 0, bars, 0.5),)
    begun = begun if 0 in begun else {0: "verse", **begun}
    labels: dict[str, str] = {}
    out = []
    for (bar, text), end in zip(begun.items(), [*begun, bars][1:], strict=True):
        label = labels.setdefault(text, chr(ord("A") + len(labels) % 26))
        out.append(Section(kind_named(text, "verse"), label, bar, end - bar, 0.5))
    return tuple(out)
