"""Songs: a text becomes a form, a rhythm and a tune of the composer's; other words later change only their lines.

lyrics ─ parse ─▶ sections and lines ─ plan_form, set_song ─▶ rhythm ─ compose ─▶ tune ─▶ Song
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.composer import Composer, ComposerSettings, Plan, Tune, with_sections
from noisician.errors import RequestError
from noisician.export.lyrics import TimedLine, TimedSyllable, TimedWord
from noisician.lyrics import Lyrics, SungWord, parse, vocalises
from noisician.request import TEMPO_RANGE_BPM, Request
from noisician.score import Score
from noisician.score.decode import semitones_from_c
from noisician.score.grid import HOLD, PITCH_HIGH, PITCH_LOW, REST, STREAMS, Grid, pitch_of, pitch_token
from noisician.score.model import METERS, Meter
from noisician.score.perform import swing_pair_steps
from noisician.vocals.form import LineBars, SetLine, SongForm, SungPart, fit_form, line_rng, plan_form, set_song
from noisician.vocals.setting import LineRoom, set_line
from noisician.vocals.song import (
    Clock,
    Song,
    SongLine,
    SongNote,
    SongSyllable,
    SungLine,
    sayables,
    set_lines,
    sung_parts,
    with_leads,
)
from noisician.vocals.voices import Voice, parse_voice, voices

LEAD = STREAMS.index("lead")
#: A sung note is told the composer as one that is neither soft nor accented.
SUNG_LEVEL = 1
#: Left after the last bar for what still rings.
TAIL_S = 2.0
#: The composer's leads lie about here with C as tonic; voices sing them octaves lower or higher.
LEAD_CENTRE_PITCH = 74
#: How a kind of section uses a voice's range: semitones above its lowest and below its highest pitch.
RANGE_MARGINS = {"chorus": (4, 0), "pre_chorus": (3, 2), "bridge": (3, 1), "drop": (4, 0)}
VERSE_MARGINS, LEAST_RANGE = (1, 5), 9
#: Instruments that a prompt's words for a singer are taken for when nobody sings.
_STAND_INS = frozenset({"voice_oohs", "choir"})
_KINDS = {
    "female": re.compile(r"\b(female|woman|women|girl|soprano|mezzo|alto|her voice|diva)\b"),
    "male": re.compile(r"\b(male|man|men|boy|tenor|baritone|bass voice|deep voice|his voice)\b"),
    "child": re.compile(r"\b(child|children|kid|kids|childlike|child-like)\b"),
}
VOCALISE_LINES, VOCALISE_NOTES = 4, 8


@dataclass(frozen=True)
class SungPiece:
    """A piece with words: its plan, the grid for the players, and what is sung."""

    plan: Plan
    grid: Grid
    song: Song


def is_song(request: Request) -> bool:
    return request.lyrics is not None or request.vocals


def without_stand_ins(request: Request, wanted: Sequence[str]) -> tuple[str, ...]:
    """The instruments a prompt asks for, less those its words for the singer were taken for."""
    return tuple(id_ for id_ in wanted if id_ not in _STAND_INS or id_ in request.instruments)


def write_song(
    request: Request,
    plan: Plan,
    seed: int,
    composer: Composer,
    settings: ComposerSettings,
    on_step: Callable[[float], None],
) -> SungPiece:
    """Sets the text, composes. Raises RequestError for a text that cannot be sung or does not fit the length."""
    if request.loop:
        raise RequestError("a song with words has an end and --loop has none: leave one of them out")
    meter = METERS[plan.time_signature]
    lyrics = _lyrics(request, seed)
    voice = choose_voice(request, seed)
    parts, words = sung_parts(lyrics)
    form, lines = _fitted(request, parts, plan, meter, seed)
    bars_s = form.bars * meter.beats_per_bar * 60 / plan.tempo_bpm
    plan = with_sections(plan, form.sections, request.duration_s or bars_s + TAIL_S)
    players = (
        tuple(dict.fromkeys((*playing, "lead"))) if part is not None else playing
        for playing, part in zip(plan.players, form.parts, strict=True)
    )
    plan = replace(plan, players=tuple(players))
    shift = _shift(voice, plan.key)
    tune = _tune(lines, form, meter, _ranges(voice, form, meter), shift)
    grid = composer.compose(plan, seed, settings, tune=tune, on_step=on_step)
    pitches = {int(step): pitch_of(int(grid.tokens[step, LEAD]))[0] + shift for step in np.flatnonzero(tune.onset)}
    tokens = grid.tokens.copy()
    tokens[tune.sung, LEAD] = REST
    clock = _clock(plan)
    sung = [
        line
        for setting, own in zip(lines, words, strict=True)
        for line in set_lines(
            setting.where,
            _text_line(setting.where.part, form, lyrics, own),
            setting.steps(meter),
            clock,
            pitches.__getitem__,
        )
    ]
    song = Song(voice.id, lyrics.language, clock, with_leads(sung))
    return SungPiece(plan, Grid(tokens, plan.time_signature), song)


def _text_line(part: int, form: SongForm, lyrics: Lyrics, words: Sequence[SungWord]) -> SungLine:
    section = lyrics.sections[part]
    return SungLine(form.parts.index(part), section.kind, section.modifiers, tuple(words))


def _lyrics(request: Request, seed: int) -> Lyrics:
    if request.lyrics is not None:
        return parse(request.lyrics, request.language)
    kind = ("ooh", "ah", "la")[seed % 3]
    return vocalises(kind, VOCALISE_LINES, VOCALISE_NOTES)


def choose_voice(request: Request, seed: int) -> Voice:
    """The voice asked for, else one of the kind the prompt speaks of, drawn by the seed."""
    if request.voice is not None:
        return parse_voice(request.voice)
    prompt = request.prompt.lower()
    kinds = [kind for kind, words in _KINDS.items() if words.search(prompt)]
    able = [voice for voice in voices().values() if voice.kind in (kinds or ("female", "male"))]
    return able[zlib.crc32(f"{seed}/voice".encode()) % len(able)]


def _fitted(
    request: Request, parts: Sequence[SungPart], plan: Plan, meter: Meter, seed: int
) -> tuple[SongForm, tuple[SetLine, ...]]:
    energy = float(np.average([section.energy for section in plan.sections]))
    bar_s = meter.beats_per_bar * 60 / plan.tempo_bpm
    duration_s = request.bars * bar_s + TAIL_S if request.bars else request.duration_s

    def form_at(tempo_bpm: float) -> SongForm:
        form = plan_form(parts, meter, tempo_bpm, energy)
        return form if duration_s is None else fit_form(form, meter, tempo_bpm, duration_s, TAIL_S)

    try:
        form = form_at(plan.tempo_bpm)
    except RequestError as too_long:
        raise RequestError(f"{too_long}{_faster(form_at, plan.tempo_bpm)}") from None
    return form, set_song(parts, form, meter, plan.tempo_bpm, seed)


def _faster(form_at: Callable[[float], SongForm], tempo_bpm: float) -> str:
    """What tempo the words would fit at, as the end of a message; nothing where none would do."""
    for faster in range(int(tempo_bpm) + 1, int(TEMPO_RANGE_BPM[1]) + 1):
        try:
            form_at(float(faster))
        except RequestError:
            continue
        return f" (--bpm {faster} would do)"
    return ""


def _shift(voice: Voice, key: str) -> int:
    """Semitones from the composer's C-based pitches to those sung: to the key, and octaves towards the voice."""
    octaves = round((sum(voice.range) / 2 - LEAD_CENTRE_PITCH) / 12)
    return semitones_from_c(key) + 12 * octaves


def tune_tokens(song: Song, key: str, steps: int) -> np.ndarray:
    """What the lead voice sings as tokens of a line, int16 ``[steps]`` with C as tonic: the tune as it was composed."""
    tokens, shift = np.full(steps, REST, np.int16), _shift(parse_voice(song.voice), key)
    notes = (note for line in song.of_voice("lead") for one in line.syllables for note in one.notes)
    for note in sorted(notes, key=lambda note: note.start_beats):
        first, last = song.clock.step(note.start_beats), song.clock.step(note.end_beats)
        if 0 <= first < steps:
            pitch = min(max(note.pitch - shift, PITCH_LOW), PITCH_HIGH)
            tokens[first + 1 : last] = HOLD
            tokens[first] = pitch_token(pitch, SUNG_LEVEL)
    return tokens


def _ranges(voice: Voice, form: SongForm, meter: Meter) -> np.ndarray:
    """Lowest and highest pitch to be sung at each step, ``[2, steps]``."""
    low, high = voice.range
    out = np.zeros((2, form.bars * meter.steps_per_bar), int)
    for section in form.sections:
        below, above = RANGE_MARGINS.get(section.kind, VERSE_MARGINS)
        floor, ceiling = low + below, max(high - above, low + below + LEAST_RANGE)
        first = section.start_bar * meter.steps_per_bar
        out[:, first : first + section.bars * meter.steps_per_bar] = [[floor], [ceiling]]
    return out


def _tune(lines: Sequence[SetLine], form: SongForm, meter: Meter, ranges: np.ndarray, shift: int) -> Tune:
    steps = form.bars * meter.steps_per_bar
    onset, held, sung = (np.zeros(steps, bool) for _ in range(3))
    for section, part in zip(form.sections, form.parts, strict=True):
        first = section.start_bar * meter.steps_per_bar
        sung[first : first + section.bars * meter.steps_per_bar] = part is not None
    for line in lines:
        for onsets, end in line.steps(meter):
            onset[list(onsets)] = True
            held[onsets[0] : end] = True
    return Tune(onset, held & ~onset, sung | held | onset, ranges[0] - shift, ranges[1] - shift)


def _clock(plan: Plan) -> Clock:
    meter = METERS[plan.time_signature]
    return Clock(meter.steps_per_beat, plan.swing, swing_pair_steps(meter, plan.swing_unit))


def resung(song: Song, score: Score, request: Request, seed: int) -> Song | None:
    """The song with the words of another request: lines whose words are other are set and sung anew in their bars,
    on the tune that was there; all others stay as they are. None where the new words have another form.

    Raises RequestError for a text that cannot be sung.
    """
    lyrics = _lyrics(request, seed)
    parts, words = sung_parts(lyrics)
    old: dict[tuple[int, int], list[SongLine]] = {}
    for line in song.lines:
        old.setdefault((line.section, line.line), []).append(line)
    sections = [place for place, _ in dict.fromkeys((line.section, line.kind) for line in song.lines)]
    form = [(line.section, line.line, line.kind) for line in dict.fromkeys(_first_of(old.values()))]
    sung = [number for number, part in enumerate(parts) if part.lines]
    if len(sung) != len(sections):
        return None
    asked = [
        (sections[place], line, lyrics.sections[part].kind)
        for place, part in enumerate(sung)
        for line in range(len(parts[part].lines))
    ]
    if asked != form:
        return None
    lines: list[SongLine] = []
    owners = [number for number in sung for _ in parts[number].lines]
    for (section, number, kind), part, own in zip(asked, owners, words, strict=True):
        there = old[section, number]
        text = SungLine(section, kind, lyrics.sections[part].modifiers, tuple(own))
        lines += there if _same_words(there, text) else _set_anew(there, text, song, score, seed)
    return replace(song, lines=tuple(sorted(lines, key=lambda line: line.start_beats)))


def _first_of(groups: Iterable[list[SongLine]]) -> list[SongLine]:
    return sorted((group[0] for group in groups), key=lambda line: (line.section, line.line))


def _same_words(there: Sequence[SongLine], text: SungLine) -> bool:
    """Whether the same sounds are sung by the same voices, whatever the spelling."""
    sung = {line.voice: [one.phones for one in line.syllables] for line in there}
    asked: dict[str, list[tuple[str, ...]]] = {}
    for word in text.words:
        asked.setdefault("backing" if word.backing else "lead", []).extend(one.phones for one in word.syllables)
    return sung == asked and all(line.manner == text.manner for line in there)


def _set_anew(there: Sequence[SongLine], text: SungLine, song: Song, score: Score, seed: int) -> tuple[SongLine, ...]:
    """New words in an old line's bars, as near to its rhythm as they go, on the pitches that were sung there."""
    meter, first = score.meter, there[0]
    before = first.start_bar * meter.steps_per_bar
    notes = sorted(
        (note for line in there for one in line.syllables for note in one.notes), key=lambda n: n.start_beats
    )
    starts = [song.clock.step(note.start_beats) for note in notes]
    room = LineRoom(meter, first.bars, score.tempo_bpm, max(0, before - starts[0]))
    motif = frozenset(start - before for start in starts)
    placements = set_line(sayables(text.words), room, line_rng(seed, text.kind, first.line), motif)
    where = LineBars(0, first.line, first.start_bar, first.bars)
    steps = SetLine(where, placements).steps(meter)
    lines = set_lines(where, text, steps, song.clock, lambda step: _nearest_pitch(notes, starts, step))
    return tuple(replace(line, lead_beats=first.lead_beats) for line in lines)


def _nearest_pitch(notes: Sequence[SongNote], starts: Sequence[int], step: int) -> int:
    """The pitch that was begun last by this step, or first of all."""
    place = max(0, int(np.searchsorted(starts, step, side="right")) - 1)
    return notes[place].pitch


def timed_lyrics(song: Song, score: Score) -> tuple[TimedLine, ...]:
    """What is sung when, in seconds, for karaoke and tags."""
    beat_s = score.seconds_per_beat
    lines = []
    for line in sorted(song.lines, key=lambda line: line.start_beats):
        syllables = iter(line.syllables)
        words = []
        for text, count in zip(line.written, line.syllable_counts, strict=True):
            own = [_timed(next(syllables), beat_s, spoken=line.kind == "rap") for _ in range(count)]
            words.append(TimedWord(text, own[0].start_s, own[-1].end_s, tuple(own)))
        section = line.kind.replace("_", " ").title()
        lines.append(TimedLine(tuple(words), words[0].start_s, words[-1].end_s, section, line.voice))
    return tuple(lines)


def _timed(syllable: SongSyllable, beat_s: float, spoken: bool) -> TimedSyllable:
    first, last = syllable.notes[0], syllable.notes[-1]
    pitch = None if spoken else first.pitch
    return TimedSyllable(syllable.text, first.start_beats * beat_s, last.end_beats * beat_s, pitch)
