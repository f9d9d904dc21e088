"""Chord charts: progressions as people write them, laid out over the bars of a form.

Symbols are plain (``Bbm7``, ``C/E``, ``N.C.``), Harte's (``A:min7/b3``), roman (``ii7``, ``bVII``) or Nashville numbers
(``6-``, ``4maj7``). Without bar lines each chord has a bar; between ``|`` chords share theirs, and ``/`` holds on for a
beat. ``%`` is the bar before again, ``( … ) x2`` and ``|: … :|`` are played twice, ``[Verse]`` begins a section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.request import TONICS
from noisician.score.chordpro import harmony_of_chordpro, is_chordpro
from noisician.score.grid import REST, harmony_token
from noisician.score.harmony import NO_CHORD, QUALITIES, SCALES, WRITTEN_QUALITIES, pitch_class
from noisician.score.model import SECTION_KINDS, Meter, Section
from noisician.score.qualities import HARTE_NAMES, nearest_quality, read_harte_quality, read_quality, tones_of

#: A chart may have so many bars, repeats written out.
BARS_LIMIT = 400
#: What a chord counts for a key besides the share of its tones that are the scale's: where it is the tonic, and where
#: that comes first or last.
_TONIC, _EDGE = 0.6, 0.8
_LETTER = re.compile(r"([A-Ga-g](?:[#b♯♭]|(?<=[A-Ga-g])is\b)?)(.*)")
_ROMAN = re.compile(r"([#b♯♭]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")
_NASHVILLE = re.compile(r"([#b♯♭]?)([1-7])(?![0-9])(.*)")
_ROMAN_DEGREES = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}


@dataclass(frozen=True)
class Symbol:
    """One chord as written. ``root`` and ``bass`` are semitones above C, or above the tonic where ``is_degree``; a root
    of None is "no chord". ``quality`` is a name of ``score.qualities``.
    """

    text: str
    root: int | None
    quality: str = "maj"
    bass: int | None = None
    is_degree: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether the composer knows all of it."""
        return self.quality in QUALITIES

    def at(self, tonic: int) -> tuple[int, str] | None:
        """(pitch class of the root, quality) in a key, None for no chord."""
        if self.root is None:
            return None
        return (self.root + tonic * self.is_degree) % 12, self.quality

    def bass_at(self, tonic: int) -> int | None:
        """The pitch class below the chord in a key, where another than its root was written."""
        if self.bass is None or self.root is None:
            return None
        moved = tonic * self.is_degree
        return None if (self.bass - self.root) % 12 == 0 else (self.bass + moved) % 12


#: The chords of a bar, each with the beats (of any measure) that it counts.
ChartBar = tuple[tuple[Symbol, int], ...]


@dataclass(frozen=True)
class ChartSection:
    """The bars under a heading; ``kind`` is None before the first one."""

    kind: str | None
    bars: tuple[ChartBar, ...]


@dataclass(frozen=True)
class Chart:
    """A progression, section by section; ``told`` is what its file says beside it: "key", "tempo", "time"."""

    sections: tuple[ChartSection, ...]
    told: tuple[tuple[str, str], ...] = ()

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(symbol for section in self.sections for bar in section.bars for symbol, _ in bar)

    @property
    def bars(self) -> int:
        return sum(len(section.bars) for section in self.sections)

    def of_kind(self, kind: str) -> ChartSection:
        """What a section of some kind stands on: its own chords, else those without a heading, else the first."""
        own = next((section for section in self.sections if section.kind == kind), None)
        plain = next((section for section in self.sections if section.kind is None), None)
        return own or plain or self.sections[0]


def read_symbol(text: str, mode: str = "major") -> Symbol:
    """A chord as somebody wrote it; degrees are those of ``mode``. Raises ValueError for what is no chord."""
    written = text.strip().replace("♭", "b").replace("♯", "#")
    if written.upper() in NO_CHORD:
        return Symbol(text, None)
    body, _, bass = re.sub(r"6/9(?=$|[^0-9])", "69", written).partition("/")
    for read in (_harte, _letter, _roman, _nashville):
        found = read(body, mode)
        if found is not None:
            root, quality, is_degree = found
            name = _quality(quality, is_harte=read is _harte)
            return Symbol(text, root, name, _bass(bass, root, is_degree, mode), is_degree)
    raise ValueError(f"{text!r} is no chord; write Am7, F#m, Bb9, C/E, ii7, 6- or N.C.")


def _harte(body: str, mode: str) -> tuple[int, str, bool] | None:
    name, colon, quality = body.partition(":")
    found = _LETTER.fullmatch(name) if colon else None
    return None if found is None or found[2] else (pitch_class(found[1]), quality, False)


def _letter(body: str, mode: str) -> tuple[int, str, bool] | None:
    found = _LETTER.fullmatch(body)
    if found is None or body[:1].islower():
        return None
    return pitch_class(found[1]), found[2], False


def _roman(body: str, mode: str) -> tuple[int, str, bool] | None:
    found = _ROMAN.fullmatch(body)
    if found is None:
        return None
    root = _degree(_ROMAN_DEGREES[found[2].upper()], found[1], mode)
    quality = found[3]
    if found[2].islower() and not quality.startswith(("°", "o", "ø", "dim", "m")):
        quality = {"": "m", "7": "m7", "9": "m9", "6": "m6"}.get(quality, f"m{quality}")
    return root, quality, True


def _nashville(body: str, mode: str) -> tuple[int, str, bool] | None:
    found = _NASHVILLE.fullmatch(body)
    return None if found is None else (_degree(int(found[2]), found[1], mode), found[3], True)


def _degree(degree: int, accidental: str, mode: str) -> int:
    """Semitones above the tonic: flat and sharp degrees are those of major, as everybody writes bVII."""
    scale = SCALES["major" if accidental else mode]
    return (scale[degree - 1] + {"": 0, "b": -1, "#": 1}[accidental]) % 12


def _quality(written: str, *, is_harte: bool) -> str:
    """Raises ValueError for what is no kind of chord."""
    try:
        return read_harte_quality(written) if is_harte else read_quality(written)
    except ValueError:
        known = ", ".join(dict.fromkeys(WRITTEN_QUALITIES.values()))
        raise ValueError(f"{written!r} is no kind of chord; known are {known}, 11, 13, 7alt, maj7#11 …") from None


def _bass(written: str, root: int, is_degree: bool, mode: str) -> int | None:
    if not written:
        return None
    found = _LETTER.fullmatch(written)
    if found is not None and not found[2]:
        return pitch_class(found[1])
    degree = _NASHVILLE.fullmatch(written)
    if degree is not None and not degree[3]:
        return (_degree(int(degree[2]), degree[1], mode if is_degree else "major") + root * (not is_degree)) % 12
    raise ValueError(f"/{written} is no bass note; write C/E, A:min/b3 or 1/3")


def harte(symbol: Symbol, tonic: int) -> str:
    """A chord in Harte's notation, in a key."""
    chord = symbol.at(tonic)
    if chord is None:
        return "N"
    return harte_label(*chord, symbol.bass_at(tonic))


def harte_label(root: int, quality: str, bass: int | None = None) -> str:
    """A root, a kind and a bass, all above C, in Harte's notation."""
    name = f"{TONICS[root % 12]}:{HARTE_NAMES.get(quality, quality)}"
    return name if bass is None or bass == root else f"{name}/{_HARTE_DEGREES[(bass - root) % 12]}"


_HARTE_DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")


# --- charts -----------------------------------------------------------------------------------------------------------

_HEADING = re.compile(r"\[\s*([^\]]+?)\s*\]|^\s*([A-Za-z][A-Za-z -]*?)\s*\d*\s*:(?=\s|$)", re.MULTILINE)
_TOKEN = re.compile(r"\|:|:\|\|?|\|\||\||\(|\)|[x×*]\s?\d+\b|%|[^\s|(),;%–—]+(?:\([^()\s]*\)[^\s|(),;%]*)*")
_TIMES = re.compile(r"[x×*]\s?(\d+)")


def read_chart(text: str, mode: str = "major") -> Chart:
    """A progression in words, or in a ChordPro file. Raises ValueError naming what is no chord, for an empty chart and
    one over BARS_LIMIT."""
    if is_chordpro(text):
        return _of_chordpro(text, mode)
    pieces = _HEADING.split(text)
    found: list[tuple[str | None, str]] = [(None, pieces[0])] if pieces[0].strip() else []
    for in_brackets, with_colon, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        kind = _kind(in_brackets or with_colon)
        if kind is None:
            shown = " ".join((in_brackets or with_colon).split())[:80]
            raise ValueError(f"[{shown}] is no kind of section; kinds: {', '.join(SECTION_KINDS)}")
        found.append((kind, body))
    sections = tuple(ChartSection(kind, _bars(body, mode)) for kind, body in found)
    if not any(section.bars for section in sections):
        raise ValueError("there are no chords; write them with spaces between, such as Am F C G")
    chart = Chart(tuple(section for section in sections if section.bars))
    if chart.bars > BARS_LIMIT:
        raise ValueError(f"the chords fill {chart.bars} bars; the limit is {BARS_LIMIT} bars")
    return chart


def _of_chordpro(text: str, mode: str) -> Chart:
    harmony = harmony_of_chordpro(text)
    if not harmony.chart:
        raise ValueError("there are no chords in this ChordPro file; write [Am] over words, or a grid")
    told = {"key": harmony.key, "tempo": harmony.tempo, "time": harmony.time}
    chart = read_chart(harmony.chart, mode)
    sections = tuple(replace(section, bars=_with_capo(section.bars, harmony.capo)) for section in chart.sections)
    return Chart(sections, tuple((name, value) for name, value in told.items() if value))


def _with_capo(bars: Sequence[ChartBar], capo: int) -> tuple[ChartBar, ...]:
    return tuple(tuple((raised(symbol, capo), count) for symbol, count in bar) for bar in bars)


def raised(symbol: Symbol, capo: int) -> Symbol:
    """A chord as it sounds with a capo."""
    if symbol.root is None or symbol.is_degree or not capo:
        return symbol
    bass = None if symbol.bass is None else (symbol.bass + capo) % 12
    return replace(symbol, root=(symbol.root + capo) % 12, bass=bass)


def _kind(heading: str) -> str | None:
    letters = "".join(letter for letter in heading.lower() if letter.isalpha())
    longest_first = sorted(SECTION_KINDS, key=len, reverse=True)
    return next((kind for kind in longest_first if kind.replace("_", "") in letters), None)


def _bars(body: str, mode: str) -> tuple[ChartBar, ...]:
    tokens = _TOKEN.findall(re.sub(r"(?<=[\w#b♯♭°ø+)])\s*(?:->|→|–|—|(?<=\s)-(?=\s)|-(?=[A-GN]))\s*", " ", body))
    lines = any("|" in token for token in tokens)
    reader = _Reader(lambda symbol: read_symbol(symbol, mode), lines)
    for token in tokens:
        reader.take(token)
    return reader.finished()


class _Reader:
    """Bars as the tokens of a chart come."""

    def __init__(self, read: Callable[[str], Symbol], has_lines: bool) -> None:
        self._read, self._has_lines = read, has_lines
        self._bars: list[ChartBar] = []
        self._open: list[tuple[Symbol, int]] = []
        self._group, self._repeat = 0, 0
        self._group_end: int | None = None

    def take(self, token: str) -> None:
        times = _TIMES.fullmatch(token)
        if times is not None:
            self._again(int(times[1]))
        elif token in ("|", "||", "|:", ":|", ":||"):
            self._close()
            if token == "|:":
                self._repeat = len(self._bars)
            elif token.startswith(":"):
                self._bars += self._bars[self._repeat :]
        elif token == "(":
            self._close()
            self._group = len(self._bars)
        elif token == ")":
            self._close()
            self._group_end = len(self._bars)
        elif token == "%":
            self._close()
            if not self._bars:
                raise ValueError("% repeats the bar before, and there is none")
            self._bars.append(self._bars[-1])
        elif set(token) == {"/"}:
            self._hold(len(token))
        else:
            self._open.append((self._read(token), 1))
            if not self._has_lines:
                self._close()
        if len(self._bars) > BARS_LIMIT:
            raise ValueError(f"the chords fill more than {BARS_LIMIT} bars")

    def finished(self) -> tuple[ChartBar, ...]:
        self._close()
        return tuple(self._bars)

    def _close(self) -> None:
        if self._open:
            self._bars.append(tuple(self._open))
            self._open = []

    def _hold(self, beats: int) -> None:
        if not self._open and not self._bars:
            raise ValueError("/ holds the chord before for a beat, and there is none")
        if not self._open:
            self._open = list(self._bars.pop())
        symbol, count = self._open[-1]
        self._open[-1] = (symbol, count + beats)
        if not self._has_lines:
            self._close()

    def _again(self, times: int) -> None:
        self._close()
        if not 1 <= times <= BARS_LIMIT:
            raise ValueError(f"x{times} is not possible; repeat once to {BARS_LIMIT} times")
        begin = self._group if self._group_end == len(self._bars) else 0
        self._bars += self._bars[begin:] * (times - 1)


# --- over a form ------------------------------------------------------------------------------------------------------


def chart_key(symbols: Sequence[Symbol], key: str | None = None, mode: str | None = None) -> tuple[str, str] | None:
    """The key and mode in which chords are most at home, as far as they are not given; None where all are degrees."""
    chords = [chord for symbol in symbols if not symbol.is_degree and (chord := symbol.at(0)) is not None]
    if not chords:
        return None
    keys = TONICS if key is None else (key,)
    modes = ("major", "minor") if mode is None else (mode,)
    return max(((k, m) for k in keys for m in modes), key=lambda one: _fits(chords, pitch_class(one[0]), one[1]))


def _fits(chords: Sequence[tuple[int, str]], tonic: int, mode: str) -> float:
    scale, third = SCALES[mode], 3 if SCALES[mode][2] == 3 else 4
    score = 0.0
    for place, (root, quality) in enumerate(chords):
        tones = [(root - tonic + tone) % 12 for tone in tones_of(quality)[:4]]
        score += sum(tone in scale for tone in tones) / len(tones)
        home = root == tonic and (third in tones_of(quality) or quality == "5")
        score += home * (_TONIC + _EDGE * ((place == 0) + (place == len(chords) - 1)))
    return score


def chart_tokens(chart: Chart, sections: Sequence[Section], meter: Meter, tonic: int) -> np.ndarray:
    """The chords of a piece's grid, int32 ``[steps]``, ``tonic`` as C, whole as they were written: every section goes
    round its chords. :func:`~noisician.score.grid.composer_chords` is what of them the composer knows."""
    bars: list[ChartBar] = []
    for section in sections:
        own = chart.of_kind(section.kind).bars
        bars += [own[bar % len(own)] for bar in range(section.bars)]
    return np.concatenate([_bar_tokens(bar, meter, tonic) for bar in bars])


def chart_basses(chart: Chart, sections: Sequence[Section], meter: Meter, tonic: int) -> np.ndarray:
    """Where a chord begins over a bass of its own: that pitch class with ``tonic`` as C, int16 ``[steps]``; else −1."""
    out = np.full(sum(section.bars for section in sections) * meter.steps_per_bar, -1, np.int16)
    for section in sections:
        own = chart.of_kind(section.kind).bars
        for bar in range(section.bars):
            first = (section.start_bar + bar) * meter.steps_per_bar
            symbols = own[bar % len(own)]
            for (symbol, _), at in zip(symbols, _edges(symbols, meter), strict=False):
                if symbol.bass is not None and at < meter.steps_per_bar:
                    out[first + at] = (symbol.bass - tonic * (not symbol.is_degree)) % 12
    return out


def _edges(bar: ChartBar, meter: Meter) -> np.ndarray:
    """Where the chords of a bar begin and the last one ends, in steps: on halves of beats."""
    counts = np.cumsum([0, *(count for _, count in bar)])
    return np.rint(counts / counts[-1] * meter.beats_per_bar * 2).astype(int) * meter.steps_per_beat // 2


def _bar_tokens(bar: ChartBar, meter: Meter, tonic: int) -> np.ndarray:
    edges = _edges(bar, meter)
    tokens = np.zeros(meter.steps_per_bar, np.int32)
    for (symbol, _), first, last in zip(bar, edges, edges[1:], strict=False):
        tokens[first:last] = symbol_token(symbol, tonic)
    return tokens


def symbol_token(symbol: Symbol, tonic: int) -> int:
    """A symbol as a piece's grid holds it, ``tonic`` as C."""
    chord, bass = symbol.at(tonic), symbol.bass_at(tonic)
    if chord is None:
        return REST
    return harmony_token(chord[0] - tonic, chord[1], None if bass is None else bass - tonic)


def simplified(symbols: Sequence[Symbol]) -> Mapping[str, str]:
    """What the composer is told of chords that it does not know whole, by how they are written."""
    return {symbol.text: nearest_quality(symbol.quality) for symbol in symbols if not symbol.is_exact}
