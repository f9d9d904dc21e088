"""The form a text asks for: how many bars each line takes, each section, and what is played without words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.errors import RequestError
from noisician.request import TEMPO_RANGE_BPM
from noisician.score.energy import SUNG_ENERGY, section_energy
from noisician.score.length import bars_for
from noisician.score.model import Meter, Section
from noisician.vocals.setting import BREATH_S, LineRoom, Placement, Sayable, set_line

#: Seconds a syllable takes in an even line that is neither hurried nor dragged.
EASY_SYLLABLE_S = 0.36
EASY_RAP_SYLLABLE_S = 0.22
LINE_BARS = (1, 2, 4)
#: A line may fill this share of the eighths (of the sixteenths in rap) of its bars.
FULLEST = 0.85
#: How the tags of lyrics read as sections of the composer.
COMPOSED_AS = {
    "pre-chorus": "pre_chorus",
    "post-chorus": "chorus",
    "hook": "chorus",
    "breakdown": "break",
    "rap": "verse",
    "instrumental": "solo",
    "end": "outro",
}
WORDLESS_BARS = {"intro": 4, "solo": 8, "outro": 4, "break": 4, "drop": 8, "build": 4}
_GROWTH = 0.05  # of energy each time a section comes back, twice


@dataclass(frozen=True)
class SungPart:
    """One section of the text. ``kind`` is a tag of the lyrics; no lines: played, not sung, for ``bars`` if given."""

    kind: str
    lines: tuple[tuple[Sayable, ...], ...]
    bars: int | None = None

    @property
    def composed_kind(self) -> str:
        return COMPOSED_AS.get(self.kind, self.kind)

    @property
    def rapped(self) -> bool:
        return self.kind == "rap"


@dataclass(frozen=True)
class LineBars:
    """Where a line of the text stands: its section (index), first bar and number of bars."""

    part: int
    line: int
    start_bar: int
    bars: int


@dataclass(frozen=True)
class SongForm:
    """Sections one after the other, and the bars of every line in them."""

    sections: tuple[Section, ...]
    parts: tuple[int | None, ...]  # for each section the part of the text it sings; None without words
    lines: tuple[LineBars, ...]
    sources: tuple[int | None, ...] = ()  # for each section its part of the text, sung or not; None for what was added

    @property
    def bars(self) -> int:
        return sum(section.bars for section in self.sections)


def plan_form(parts: Sequence[SungPart], meter: Meter, tempo_bpm: float, energy: float, frame: bool = True) -> SongForm:
    """The form of a text. With ``frame`` a song without tags for them gets a short intro and outro."""
    sections: list[Section] = []
    singing: list[int | None] = []
    sources: list[int | None] = []
    lines: list[LineBars] = []
    labels: dict[str, str] = {}
    times: dict[str, int] = {}

    def add(kind: str, bars: int, part: int | None, source: int | None = None) -> None:
        label = labels.setdefault(kind if part is None else parts[part].kind, chr(ord("A") + len(labels)))
        growth = _GROWTH * min(times.get(label, 0), 2)
        times[label] = times.get(label, 0) + 1
        start = sum(section.bars for section in sections)
        sections.append(Section(kind, label, start, bars, section_energy(kind, energy, SUNG_ENERGY, growth)))
        singing.append(part)
        sources.append(part if source is None else source)

    kinds = {part.composed_kind for part in parts}
    if frame and "intro" not in kinds:
        add("intro", _frame_bars(meter, tempo_bpm), None)
    for number, part in enumerate(parts):
        kind, start = part.composed_kind, sum(section.bars for section in sections)
        if not part.lines:
            add(kind, part.bars or WORDLESS_BARS.get(kind, 8), None, number)
            continue
        bars = section_line_bars(part, meter, tempo_bpm)
        for line, count in enumerate(bars):
            lines.append(LineBars(number, line, start + sum(bars[:line]), count))
        add(kind, sum(bars) + sum(bars) % 2, number)
    if frame and "outro" not in kinds:
        add("outro", _frame_bars(meter, tempo_bpm), None)
    return SongForm(tuple(sections), tuple(singing), tuple(lines), tuple(sources))


def _frame_bars(meter: Meter, tempo_bpm: float) -> int:
    """About six seconds in an even number of bars."""
    bar_s = meter.beats_per_bar * 60 / tempo_bpm
    return 4 if 4 * bar_s < 10 else 2


def section_line_bars(part: SungPart, meter: Meter, tempo_bpm: float) -> list[int]:
    """Bars of each line: the number that suits most of the section's lines, more for a line that would not fit."""
    easy_s = EASY_RAP_SYLLABLE_S if part.rapped else EASY_SYLLABLE_S
    bar_s = meter.beats_per_bar * 60 / tempo_bpm
    notes = [sum(syllable.notes for syllable in line) for line in part.lines]
    usual = float(np.median(notes))
    common = min(LINE_BARS, key=lambda bars: abs(np.log(bars * bar_s * 0.8 / usual / easy_s)))
    return [_enough(line, common, part.rapped, meter, tempo_bpm) for line in part.lines]


def _enough(line: Sequence[Sayable], bars: int, rapped: bool, meter: Meter, tempo_bpm: float) -> int:
    """``bars`` or the next power of two in which the line can be sung."""
    notes, least_s = sum(syllable.notes for syllable in line), sum(syllable.least_s for syllable in line)
    breaths = 1 + sum(syllable.breaks for syllable in line)
    places_a_bar = meter.steps_per_bar // (1 if rapped else 2)
    bar_s = meter.beats_per_bar * 60 / tempo_bpm
    breath_steps = int(np.ceil(BREATH_S / bar_s * meter.steps_per_bar))
    while (
        notes > FULLEST * places_a_bar * bars
        or notes + breaths * breath_steps > meter.steps_per_bar * bars
        or least_s > 0.9 * bar_s * bars
    ):
        bars *= 2
    return bars


def fit_form(form: SongForm, meter: Meter, tempo_bpm: float, wanted: int) -> SongForm:
    """A form of ``wanted`` bars: what is played without words gives way or lasts longer, an outro takes the odd rest.

    Raises RequestError where the words alone last longer.
    """
    if _sung_bars(form) > wanted:
        form = _without_rests(form)
    sung = _sung_bars(form)
    if sung > wanted:
        bar_s = meter.beats_per_bar * 60 / tempo_bpm
        raise RequestError(
            f"the lyrics need {sung * bar_s:.0f} s at {tempo_bpm:g} BPM ({sung} bars), the length asked for has room "
            f"for {wanted * bar_s:.0f} s ({wanted} bars); leave the length out, sing fewer lines or take a faster tempo"
        )
    lengths = [section.bars for section in form.sections]
    free = [place for place, part in enumerate(form.parts) if part is None]
    while sum(lengths) > wanted:  # the longest goes first, and one that is gone stays gone
        place = max(free, key=lambda place: lengths[place])
        lengths[place] -= min(2, lengths[place])
    while free and sum(lengths) + 4 <= wanted:
        place = min(free, key=lambda place: lengths[place] / WORDLESS_BARS.get(form.sections[place].kind, 8))
        lengths[place] += 4
    rest = wanted - sum(lengths)
    if rest and free:
        lengths[free[-1]] += rest
    fitted = _with_lengths(form, lengths)
    return fitted if free or not rest else _with_outro(fitted, rest)


def _with_outro(form: SongForm, bars: int) -> SongForm:
    taken = {section.label for section in form.sections}
    label = next(letter for letter in map(chr, range(ord("A"), ord("Z") + 1)) if letter not in taken)
    outro = Section("outro", label, form.bars, bars, form.sections[-1].energy)
    return SongForm((*form.sections, outro), (*form.parts, None), form.lines, (*form.sources, None))


def _sung_bars(form: SongForm) -> int:
    return sum(section.bars for section, part in zip(form.sections, form.parts, strict=True) if part is not None)


def _without_rests(form: SongForm) -> SongForm:
    """The form without the bars that only make a sung section's number of bars even."""
    used: dict[int, int] = {}
    for line in form.lines:
        used[line.part] = used.get(line.part, 0) + line.bars
    lengths = (
        section.bars if part is None else used[part] for section, part in zip(form.sections, form.parts, strict=True)
    )
    return _with_lengths(form, tuple(lengths))


def stretched(form: SongForm, bars: int) -> SongForm:
    """A form without words as long as ``bars``: every section by its share, in twos where there is room; where there
    are more sections than bars, the shortest go."""
    lengths = [section.bars for section in form.sections]
    kept = sorted(range(len(lengths)), key=lambda place: -lengths[place])[: max(1, bars)]
    unit = 2 if bars >= 2 * len(kept) else 1
    total = sum(lengths[place] for place in kept)
    shared = [
        max(unit, round(length * bars / total / unit) * unit) if place in kept else 0
        for place, length in enumerate(lengths)
    ]
    while sum(shared) > bars:
        place = max(kept, key=lambda place: (shared[place] > 1, shared[place] - lengths[place] * bars / total))
        shared[place] -= min(unit, shared[place] - 1)
    while sum(shared) < bars:
        place = min(kept, key=lambda place: shared[place] - lengths[place] * bars / total)
        shared[place] += min(unit, bars - sum(shared))
    return _with_lengths(form, shared)


def _with_lengths(form: SongForm, lengths: Sequence[int]) -> SongForm:
    starts = np.concatenate([[0], np.cumsum(lengths)])
    sections, parts, sources, moved = [], [], [], {}
    for place, (section, part, bars) in enumerate(zip(form.sections, form.parts, lengths, strict=True)):
        if part is not None:
            moved[part] = int(starts[place]) - section.start_bar
        if bars:
            sections.append(replace(section, start_bar=int(starts[place]), bars=bars))
            parts.append(part)
            sources.append(form.sources[place])
    lines = tuple(replace(line, start_bar=line.start_bar + moved[line.part]) for line in form.lines)
    return SongForm(tuple(sections), tuple(parts), lines, tuple(sources))


@dataclass(frozen=True)
class SetLine:
    """A line with its rhythm; placements count steps from the start of ``where``."""

    where: LineBars
    placements: tuple[Placement, ...]

    def steps(self, meter: Meter) -> list[tuple[tuple[int, ...], int]]:
        """(onsets, end) of each syllable in steps from the start of the piece."""
        first = self.where.start_bar * meter.steps_per_bar
        return [
            (tuple(first + onset for onset in placement.onsets), first + placement.end_step)
            for placement in self.placements
        ]


def line_rng(seed: int, kind: str, line: int) -> np.random.Generator:
    """The randomness of a line's rhythm: that of its place in a kind of section, whatever the other lines are."""
    return np.random.default_rng([seed, sum(map(ord, kind)), line])


def set_song(
    parts: Sequence[SungPart], form: SongForm, meter: Meter, tempo_bpm: float, seed: int
) -> tuple[SetLine, ...]:
    """The rhythm of every line. Sections of one kind share their lines' rhythms as far as their words allow, and lines
    of as many bars in a section lean on the one before.

    A line's own randomness depends on the seed, its section's kind and its place there, so changing other lines leaves
    it alone. Raises RequestError for a line that cannot be set.
    """
    motifs: dict[tuple[str, int], frozenset[int]] = {}
    latest: dict[tuple[int, int], frozenset[int]] = {}
    done: list[SetLine] = []
    busy_until = 0
    for where in form.lines:
        part = parts[where.part]
        free = min(where.start_bar * meter.steps_per_bar - busy_until, meter.steps_per_bar)
        room = LineRoom(meter, where.bars, tempo_bpm, max(0, free - meter.steps_per_beat // 2))
        key = (part.kind, where.line)
        rng = line_rng(seed, part.kind, where.line)
        motif = motifs.get(key) or latest.get((where.part, where.bars), frozenset())
        placements = set_line(part.lines[where.line], room, rng, motif)
        onsets = frozenset(onset for placement in placements for onset in placement.onsets)
        latest[where.part, where.bars] = motifs.setdefault(key, onsets)
        done.append(SetLine(where, placements))
        busy_until = where.start_bar * meter.steps_per_bar + placements[-1].end_step
    return tuple(done)


def fitted_form(
    parts: Sequence[SungPart], meter: Meter, tempo_bpm: float, energy: float, bars: int | None, duration_s: float | None
) -> SongForm:
    """The form of a text around some energy: of as many bars, or as fill ``duration_s``, where one of them is given.

    Raises RequestError where the words alone last longer, with the tempo at which they would not.
    """

    def form_at(bpm: float) -> SongForm:
        form = plan_form(parts, meter, bpm, energy)
        wanted = bars_for(duration_s, meter, bpm) if bars is None and duration_s is not None else bars
        return form if wanted is None else fit_form(form, meter, bpm, wanted)

    try:
        return form_at(tempo_bpm)
    except RequestError as too_long:
        raise RequestError(f"{too_long}{_faster(form_at, tempo_bpm)}") from None


def _faster(form_at: Callable[[float], SongForm], tempo_bpm: float) -> str:
    """What tempo the words would fit at, as the end of a message; nothing where none would do."""
    for faster in range(int(tempo_bpm) + 1, int(TEMPO_RANGE_BPM[1]) + 1):
        try:
            form_at(float(faster))
        except RequestError:
            continue
        return f" (--bpm {faster} would do)"
    return ""
