"""ChordPro (version 6): harmony read out of its grids and from over its words, and a score's words and harmony written.

A grid says how long each chord lasts; over words a chord has a bar. What stands in ``{key}``, ``{tempo}``, ``{time}``
and ``{capo}`` is told beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from noisician.score.engraving import TICKS, Sheet, words_of
from noisician.score.model import SECTION_KINDS, VOICE, Note, Section
from noisician.score.spelling import key_name
from noisician.score.write_abc import symbol_name

_DIRECTIVE = re.compile(r"\s*\{\s*([a-z_]+)(?:-[a-z0-9]+)?\s*(?:[:\s]\s*([^{}]*))?\}\s*", re.IGNORECASE)
_CHORD = re.compile(r"\[([^\[\]\s][^\[\]]*)\]")
_SHORT = {"soc": "chorus", "sov": "verse", "sob": "bridge", "sog": "grid"}
_LABEL = re.compile(r"label\s*=\s*[\"']([^\"']*)[\"']")
_BAR_LINE = re.compile(r"\|\||\|:|:\|:?|\|\.|\|\d|\|")
_COMMENTS = frozenset({"comment", "c", "ci", "cb", "comment_italic", "comment_box", "highlight"})
_BARS_A_LINE = 4


@dataclass(frozen=True)
class Harmony:
    """A file's chords as a chart of ours (``score.chart``), and what it says of the music beside them."""

    chart: str
    has_grid: bool
    key: str | None = None
    tempo: str | None = None
    time: str | None = None
    capo: int = 0


def is_chordpro(text: str) -> bool:
    """Whether a text has directives of ChordPro, each on a line of its own."""
    return any(_DIRECTIVE.fullmatch(line) for line in text.splitlines())


def harmony_of_chordpro(text: str) -> Harmony:
    """What a file says of harmony; the chart is empty where it has no chords."""
    told: dict[str, str] = {}
    rows: list[str] = []
    is_grid = has_grid = False
    kind: str | None = None
    last = ""
    for line in text.splitlines():
        directive = _DIRECTIVE.fullmatch(line)
        if directive is not None:
            name, value = directive[1].lower(), (directive[2] or "").strip()
            starts = _SHORT.get(name) or (name.removeprefix("start_of_") if name.startswith("start_of_") else None)
            if starts is not None:
                is_grid = starts == "grid"
                kind = _kind(_label(value)) or _kind(starts) or (kind if is_grid else None)
                rows += [f"[{kind}]"] if kind else []
            elif name.startswith("end_of_") or name in ("eoc", "eov", "eob", "eog"):
                is_grid = False
            elif name in _COMMENTS and _kind(value) is not None:
                kind = _kind(value)
                rows.append(f"[{kind}]")
            elif name in ("key", "tempo", "time", "capo"):
                told.setdefault(name, value)
            continue
        if line.startswith("#"):
            continue
        if is_grid and "|" in line:
            written, last = _grid_row(line, last)
            rows.append(written)
            has_grid = True
        elif not is_grid:
            chords = [name for name in _CHORD.findall(line) if not name.startswith("*")]
            heading = _kind(chords[0]) if len(chords) == 1 and not _CHORD.sub("", line).strip() else None
            if heading is not None:
                kind = heading
                rows.append(f"[{kind}]")
            elif chords:
                rows.append("| " + " | ".join(chords) + " |")
    capo = told.get("capo", "0")
    return Harmony(
        chart=_without_empty(rows),
        has_grid=has_grid,
        key=told.get("key"),
        tempo=told.get("tempo"),
        time=told.get("time"),
        capo=int(capo) % 12 if capo.isdigit() and len(capo) < 4 else 0,
    )


def _without_empty(rows: Sequence[str]) -> str:
    """Rows without headings under which nothing stands."""
    kept = [
        row
        for place, row in enumerate(rows)
        if not row.startswith("[") or (place + 1 < len(rows) and not rows[place + 1].startswith("["))
    ]
    return "\n".join(kept)


def _label(value: str) -> str:
    found = _LABEL.search(value)
    return found[1] if found is not None else value


def _kind(text: str) -> str | None:
    letters = "".join(letter for letter in text.lower() if letter.isalpha())
    longest_first = sorted(SECTION_KINDS, key=len, reverse=True)
    return next((kind for kind in longest_first if kind.replace("_", "") in letters), None)


def _grid_row(line: str, last: str) -> tuple[str, str]:
    """A row of a grid as bars of a chart, and the chord that it ends with. What stands before the first bar line and
    behind the last is a margin."""
    lines = list(_BAR_LINE.finditer(line))
    out = [_plain_line(lines[0][0])]
    for before, after in pairwise(lines):
        cells = line[before.end() : after.start()].split()
        if cells in (["%"], ["%%"]):
            out.append("%" if cells == ["%"] else "% | %")
        elif cells:
            width = max(len(cell.split("~")) for cell in cells)
            slots: list[str] = []
            for cell in cells:
                chords = cell.split("~")
                for place in range(width):
                    name = chords[place * len(chords) // width] if place * len(chords) % width == 0 else "."
                    if name in (".", "/"):
                        slots.append("/" if slots else last or "N.C.")
                    else:
                        last = name
                        slots.append(name)
            out.append(" ".join(slots))
        out.append(_plain_line(after[0]))
    return " ".join(out), last


def _plain_line(mark: str) -> str:
    return mark if mark in ("|:", ":|") else ":| |:" if mark == ":|:" else "|"


# --- writing ----------------------------------------------------------------------------------------------------------


def write_chordpro(sheet: Sheet, sung: Sequence[Note], beat_ticks: float, recipe: str | None = None) -> str:
    """A song: sung sections as lines with chords over their syllables, all others as grids, a cell a beat (half of one
    where chords change there). ``sung`` are the notes with syllables, in beats of ``beat_ticks``."""
    bar = sheet.bars[0]
    per_beat = sheet.tempo[0][1] * TICKS / beat_ticks
    lines = [f"{{title: {_plain(sheet.title)}}}"] if sheet.title else []
    lines += [
        f"{{key: {key_name(sheet.key, sheet.mode)}{'m' if sheet.mode in ('minor', 'dorian', 'phrygian') else ''}}}"
    ]
    lines += [f"{{tempo: {per_beat:.6g}}}", f"{{time: {bar.numerator}/{bar.denominator}}}"]
    text_lines = _text_lines([(round(one.start_beats * beat_ticks), one.syllable) for one in sung if one.syllable])
    for section, first, end in _stretches(sheet):
        name = section.kind if section is not None else "verse"
        label = name.replace("_", "-").title()
        own = [one for line in text_lines if first <= line[-1][0] < end for one in line]  # an upbeat may come before
        if own:
            lines += ["", f"{{start_of_{name}: {label}}}", *_sung_lines(sheet, own, first, end), f"{{end_of_{name}}}"]
        else:
            lines += ["", f'{{start_of_grid: label="{label}"}}', *_grid_lines(sheet, first, end), "{end_of_grid}"]
    if recipe is not None:
        lines += ["", f"# noisician {recipe}"]
    return "\n".join(lines) + "\n"


def sung_notes(sheet: Sheet) -> tuple[Note, ...]:
    """The notes of whoever sings first."""
    return next((part.track.notes for part in sheet.parts if part.track.instrument == VOICE), ())


def _text_lines(syllables: Sequence[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    lines: list[list[tuple[int, str]]] = [[]]
    for tick, text in syllables:
        lines[-1].append((tick, text))
        if words_of(text)[2]:
            lines.append([])
    return [line for line in lines if line]


def _plain(text: str) -> str:
    return " ".join(text.replace("{", "(").replace("}", ")").split())


def _stretches(sheet: Sheet) -> Iterator[tuple[Section | None, int, int]]:
    """Sections with their first and last tick."""
    begins = [bar for bar in sheet.bars if bar.section is not None or bar.number == 0]
    for bar, after in zip(begins, [*begins[1:], None], strict=True):
        yield bar.section, bar.start, after.start if after is not None else sheet.bars[-1].end


def _sung_lines(sheet: Sheet, syllables: Sequence[tuple[int, str]], first: int, end: int) -> list[str]:
    """Words with every chord of the section in its order, each before the syllable at which or after which it comes."""
    symbols = [(max(one.start, first), symbol_name(one, sheet.fifths)) for one in sheet.chords if one.start < end]
    inside = [one for one in symbols if one[0] > first or one == symbols[-1]]
    begun = [name for start, name in symbols if start <= first]
    waiting = [(first, begun[-1])] if begun else []
    waiting += [one for one in inside if one[0] > first]
    lines, line = [], ""
    for tick, syllable in syllables:
        while waiting and waiting[0][0] <= tick + TICKS // 4:
            line += f"[{waiting.pop(0)[1]}]"
        text, goes_on, ends = words_of(syllable)
        line += text + ("" if goes_on else " ")
        if ends:
            later = next((start for start, _ in syllables if start > tick), end)
            while waiting and waiting[0][0] < later - TICKS:
                line += f"[{waiting.pop(0)[1]}]"
            lines.append(line.rstrip())
            line = ""
    line += "".join(f"[{name}]" for _, name in waiting)
    if line and lines and not _CHORD.sub("", line).strip():
        lines[-1] += " " + line
    elif line:
        lines.append(line.rstrip())
    return lines


def _grid_lines(sheet: Sheet, first: int, end: int) -> list[str]:
    bars = [bar for bar in sheet.bars if first <= bar.start < end]
    out = []
    for place in range(0, len(bars), _BARS_A_LINE):
        row = "|"
        for bar in bars[place : place + _BARS_A_LINE]:
            changes = {max(one.start, bar.start): one for one in sheet.chords if one.start < bar.end}
            own = {start - bar.start: symbol_name(one, sheet.fifths) for start, one in changes.items()}
            unit = _cell(own, bar.beat_ticks)
            names = {round(start / unit): name for start, name in own.items()}
            cells = [names.get(cell, ".") for cell in range(max(1, round(bar.ticks / unit)))]
            row += " " + " ".join(cells) + " |"
        out.append(row)
    return out


def _cell(starts: dict[int, str], beat_ticks: int) -> int:
    """The longest cell, from a beat down to a sixteenth, on which all chords begin."""
    units = (beat_ticks, beat_ticks // 2, beat_ticks // 3, TICKS // 2, TICKS // 4)
    return next((unit for unit in units if all(start % unit == 0 for start in starts)), TICKS // 4)
