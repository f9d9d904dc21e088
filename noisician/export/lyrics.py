"""Sung words with their times, and the texts files carry them in: plain, LRC, subtitles, JSON and ID3's synchronised
form.

LRC: line stamps ``[mm:ss.xx]`` and, in its enhanced form, word stamps ``<mm:ss.xx>`` in front of every word and after
the last. It has no way to quote a bracket, so brackets in words become look-alikes there.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

WORDS_JSON_VERSION = 1
#: A display shows a line until the next; after a silence as long as this the line is taken away when it ends.
CLEAR_AFTER_S = 4.0
_LRC_LOOK_ALIKES = str.maketrans({"[": "(", "]": ")", "<": "‹", ">": "›"})


@dataclass(frozen=True)
class TimedSyllable:
    """A syllable as it is written, without hyphens; empty where several syllables share a figure (``1999``).

    ``note_pitch`` is the MIDI number of its first note, None where it is spoken.
    """

    text: str
    start_s: float
    end_s: float
    note_pitch: int | None = None


@dataclass(frozen=True)
class TimedWord:
    """A word with its punctuation, and the syllables it is sung in."""

    text: str
    start_s: float
    end_s: float
    syllables: tuple[TimedSyllable, ...] = ()


@dataclass(frozen=True)
class TimedLine:
    """A sung line. ``section`` is the name of its section; ``voice`` is "lead" or "backing", which may overlap."""

    words: tuple[TimedWord, ...]
    start_s: float
    end_s: float
    section: str = ""
    voice: str = "lead"

    @property
    def text(self) -> str:
        """Its words as one reads them, a backing voice's in parentheses."""
        return " ".join(text for text, _ in _shown(self))


def plain_lyrics(lines: Sequence[TimedLine]) -> str:
    """One line of text each in order of time, an empty line between sections."""
    shown: list[str] = []
    section, end_s = "", 0.0
    for line in _in_order(lines):
        begins = line.voice == "lead" or line.start_s >= end_s  # an echo into the next section begins none
        if begins and line.section != section:
            shown += [""] if shown else []
            section = line.section
        shown.append(line.text)
        end_s = max(end_s, line.end_s)
    return "\n".join(shown)


def lrc(lines: Sequence[TimedLine], title: str, duration_s: float, enhanced: bool = True) -> str:
    """The text of an LRC file: title and length, then :func:`lrc_lines`."""
    heading = [f"[ti:{_lrc_text(title)}]"] if _flat(title) else []
    minutes, seconds = divmod(round(duration_s), 60)
    heading.append(f"[length:{minutes:02d}:{seconds:02d}]")
    return "\n".join([*heading, *lrc_lines(lines, enhanced)]) + "\n"


def lrc_lines(lines: Sequence[TimedLine], enhanced: bool = True) -> list[str]:
    """Stamped lines in order of time; where no line follows within 4 s, an empty one clears the display."""
    ordered = _in_order(lines)
    stamped: list[str] = []
    end_s = 0.0
    next_starts = [*(line.start_s for line in ordered), math.inf][1:]
    for line, next_s in zip(ordered, next_starts, strict=True):
        words = [(_lrc_text(text), word) for text, word in _shown(line)]
        text = " ".join(text for text, _ in words)
        if enhanced:
            text = " ".join(f"<{_stamp(word.start_s)}>{text}" for text, word in words) + f"<{_stamp(line.end_s)}>"
        stamped.append(f"[{_stamp(line.start_s)}]{text}")
        end_s = max(end_s, line.end_s)
        if next_s - end_s >= CLEAR_AFTER_S:
            stamped.append(f"[{_stamp(end_s)}]")
    return stamped


def srt(lines: Sequence[TimedLine]) -> str:
    """Subtitles in SubRip's form: each line from its beginning to its end."""
    blocks = [
        f"{number}\n{_clock(line.start_s, ',')} --> {_clock(line.end_s, ',')}\n{line.text}\n"
        for number, line in enumerate(_in_order(lines), 1)
    ]
    return "\n".join(blocks)


def vtt(lines: Sequence[TimedLine]) -> str:
    """Subtitles as WebVTT, with the time of every word, so that players can follow the singer."""
    cues = [
        f"{_clock(line.start_s, '.')} --> {_clock(line.end_s, '.')}\n"
        + " ".join(_vtt_word(text, word, line) for text, word in _shown(line))
        + "\n"
        for line in _in_order(lines)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _vtt_word(text: str, word: TimedWord, line: TimedLine) -> str:
    """A word behind its time; times within a cue have to lie inside of it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    inside = round(line.start_s * 1000) < round(word.start_s * 1000) < round(line.end_s * 1000)
    return f"<{_clock(word.start_s, '.')}>{escaped}" if inside else escaped


def _clock(time_s: float, point: str) -> str:
    """``hh:mm:ss`` and milliseconds behind ``point``."""
    seconds, thousandths = divmod(round(max(time_s, 0.0) * 1000), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"


def words_json(lines: Sequence[TimedLine]) -> str:
    """Every word and syllable with its times, as JSON in UTF-8 with a final newline.

    ``{"version": 1, "lines": [line, …]}`` in order of time, where a line is ``{"text", "section", "voice", "start_s",
    "end_s", "words": [word, …]}``, a word ``{"text", "start_s", "end_s", "syllables": [syllable, …]}`` and a syllable
    ``{"text", "start_s", "end_s", "note_pitch"}``. Times are seconds from the start of the track, to the millisecond;
    ``voice`` is "lead" or "backing", ``note_pitch`` a MIDI number or null.
    """
    entries = [
        {
            "text": line.text,
            "section": line.section,
            "voice": line.voice,
            "start_s": line.start_s,
            "end_s": line.end_s,
            "words": [asdict(word) for word in line.words],
        }
        for line in _in_order(lines)
    ]
    content = {"version": WORDS_JSON_VERSION, "lines": _json_value(entries)}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def synchronised(lines: Sequence[TimedLine]) -> list[tuple[str, int]]:
    """The pieces of text ID3 synchronises, each with its milliseconds, in order of time.

    A piece is a syllable with the punctuation around it; a space in front begins a word, a newline a line.
    """
    pieces: list[tuple[str, int]] = []
    at_ms = 0
    for line in _in_order(lines):
        before = "\n" if pieces else ""
        for _, word in _shown(line):
            for text, start_s in _syllable_texts(word):
                at_ms = max(at_ms, round(start_s * 1000))
                pieces.append((before + text, at_ms))
                before = ""
            before = " "
    return pieces


def _syllable_texts(word: TimedWord) -> list[tuple[str, float]]:
    """The word cut where its syllables begin; whole if they are not parts of it. Joined, the texts are the word."""
    text = _flat(word.text)
    cuts: list[tuple[int, float]] = []
    end = 0
    for syllable in word.syllables:
        part = _flat(syllable.text)
        at = text.find(part, end)
        if at < 0:
            return [(text, word.start_s)]
        if part:
            cuts.append((at if cuts else 0, syllable.start_s))
            end = at + len(part)
    if not cuts:
        return [(text, word.start_s)]
    return [(text[start:end], start_s) for (start, start_s), (end, _) in pairwise([*cuts, (len(text), 0.0)])]


def _in_order(lines: Sequence[TimedLine]) -> list[TimedLine]:
    """Lines with words by time, the lead before what the backing voices sing at the same moment."""
    sung = [line for line in lines if any(_flat(word.text) for word in line.words)]
    return sorted(sung, key=lambda line: (line.start_s, line.voice != "lead"))


def _shown(line: TimedLine) -> list[tuple[str, TimedWord]]:
    """The words that have text, as a display shows them."""
    words = [(text, word) for word in line.words if (text := _flat(word.text))]
    if line.voice == "lead" or not words or (words[0][0].startswith("(") and words[-1][0].endswith(")")):
        return words
    words[0] = ("(" + words[0][0], words[0][1])
    words[-1] = (words[-1][0] + ")", words[-1][1])
    return words


def _flat(text: str) -> str:
    """Text on one line without control characters, such as UTF-8 can encode."""
    text = re.sub(r"\s+", " ", text.encode("utf-8", "replace").decode()).strip()
    return "".join(character for character in text if unicodedata.category(character) != "Cc")


def _lrc_text(text: str) -> str:
    return _flat(text).translate(_LRC_LOOK_ALIKES)


def _stamp(time_s: float) -> str:
    """``mm:ss.xx``, in minutes without end: 100 minutes are ``100:00.00``."""
    minutes, hundredths = divmod(round(max(time_s, 0.0) * 100), 6000)
    return f"{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}"


def _json_value(value: Any) -> Any:
    """Values for JSON: text on one line, times to the millisecond."""
    if isinstance(value, dict):
        return {name: _json_value(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(entry) for entry in value]
    if isinstance(value, str):
        return _flat(value)
    return round(value, 3) if isinstance(value, float) else value
