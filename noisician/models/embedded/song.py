"""Songs: a text becomes a form, a rhythm and a tune of the composer's.

lyrics ─ parse ─▶ sections and lines ─ plan_form, set_song ─▶ rhythm ─ compose ─▶ tune ─▶ Song

A text of tags alone gives an instrumental its form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.composer import Composer, ComposerSettings, Plan, Tune, with_sections
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.pace import even_s, played_s
from noisician.composer.shape import Stage
from noisician.errors import RequestError
from noisician.lyrics import Lyrics, SungWord
from noisician.prompt import Controls
from noisician.request import Request
from noisician.score.grid import REST, STREAMS, Grid, composer_chords, pitch_of
from noisician.score.harmony import pitch_class
from noisician.score.length import TAIL_S
from noisician.score.model import METERS, Meter
from noisician.score.perform import swing_pair_steps
from noisician.vocals.chords import OPEN, chord_steps
from noisician.vocals.directions import STAND_INS, direction_of, manner_of
from noisician.vocals.form import SetLine, SongForm, SungPart, fitted_form, plan_form, set_song, stretched
from noisician.vocals.song import Clock, Song, SungLine, set_lines, sung_parts, with_leads
from noisician.vocals.tune import sung_ranges, sung_shift
from noisician.vocals.voices import choose_voice
from noisician.vocals.words import as_many_as_fit, lyrics_of, read_lyrics

LEAD = STREAMS.index("lead")


@dataclass(frozen=True)
class SungPiece:
    """A piece with words: its plan, the grid for the players, what is sung, and the chords of the text (see
    :func:`~noisician.vocals.chords.chord_steps`)."""

    plan: Plan
    grid: Grid
    song: Song
    chords: np.ndarray | None = None


def without_stand_ins(request: Request, wanted: Sequence[str]) -> tuple[str, ...]:
    """The instruments a prompt asks for, less those its words for the singer were taken for."""
    return tuple(id_ for id_ in wanted if id_ not in STAND_INS or id_ in request.instruments)


def write_song(
    request: Request,
    controls: Controls,
    plan: Plan,
    seed: int,
    composer: Composer,
    settings: ComposerSettings,
    on_step: Callable[[float], None],
) -> SungPiece:
    """Sets the text, composes. Raises RequestError for a text that cannot be sung or does not fit the length, be it an
    option's or the prompt's."""
    if request.loop:
        raise RequestError("a song with words has an end and --loop has none: leave one of them out")
    meter = METERS[plan.time_signature]
    bar_s = meter.beats_per_bar * 60 / plan.tempo_bpm
    energy = float(np.average([section.energy for section in plan.sections]))
    length_s = controls.duration_s and even_s(controls.duration_s, plan.features, meter, plan.tempo_bpm)

    def form_of(lyrics: Lyrics) -> SongForm:
        return fitted_form(_parts(lyrics), meter, plan.tempo_bpm, energy, controls.bars, length_s)

    lyrics = lyrics_of(request, seed)
    written = read_lyrics(request)
    if (written is None or not written.lines) and (controls.bars or length_s) is not None:
        lyrics = as_many_as_fit(seed, lambda some: _fits(some, form_of))
    voice = choose_voice(request.voice, controls.voice, seed)
    parts, words = _parts(lyrics), sung_parts(lyrics)[1]
    form = _directed_form(form_of(lyrics), lyrics)
    lasting_s = played_s(form.bars * bar_s, plan.features, meter, plan.tempo_bpm)
    lines = set_song(parts, form, meter, plan.tempo_bpm, seed)
    plan = with_sections(plan, form.sections, controls.duration_s or lasting_s + TAIL_S)
    plan = _directed(plan, form, lyrics)
    players = (
        tuple(dict.fromkeys((*playing, "lead"))) if part is not None else playing
        for playing, part in zip(plan.players, form.parts, strict=True)
    )
    plan = replace(plan, players=tuple(players))
    shift = sung_shift(voice, plan.key)
    tune = _tune(lines, form, meter, sung_ranges(voice, form, meter), shift)
    written_chords = chord_steps(lyrics, form, lines, meter, pitch_class(plan.key))
    given = _given_chords(written_chords, plan)
    grid = composer.compose(plan, seed, settings, given=given, tune=tune, on_step=on_step)
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
    return SungPiece(plan, Grid(tokens, plan.time_signature), song, written_chords)


def _text_line(part: int, form: SongForm, lyrics: Lyrics, words: Sequence[SungWord]) -> SungLine:
    section = lyrics.sections[part]
    return SungLine(form.parts.index(part), section.kind, manner_of(section), tuple(words))


def _parts(lyrics: Lyrics) -> tuple[SungPart, ...]:
    """The sections of a text as the form wants them, with the lengths that their tags give."""
    parts, _ = sung_parts(lyrics)
    return tuple(
        replace(part, bars=direction_of(section).bars) for part, section in zip(parts, lyrics.sections, strict=True)
    )


def _fits(lyrics: Lyrics, form_of: Callable[[Lyrics], SongForm]) -> bool:
    try:
        form_of(lyrics)
    except RequestError:
        return False
    return True


def _directed_form(form: SongForm, lyrics: Lyrics) -> SongForm:
    """The form with the energies that the sections' tags ask for."""
    sections = (
        section
        if source is None
        else replace(section, energy=direction_of(lyrics.sections[source]).of_energy(section.energy))
        for section, source in zip(form.sections, form.sources, strict=True)
    )
    return replace(form, sections=tuple(sections))


def _directed(plan: Plan, form: SongForm, lyrics: Lyrics) -> Plan:
    """The plan with those in each section whom its tag wants there; in a solo nobody else has a tune."""
    roles_in = Stage(plan.sections, plan.instrumentation, plan.bar_s).roles
    cast: list[tuple[str, ...]] = []
    for playing, section, source in zip(plan.players, plan.sections, form.sources, strict=True):
        if source is not None:
            direction = direction_of(lyrics.sections[source])
            wanted, out = roles_in(direction.plays), roles_in(direction.rests)
            if direction.alone:
                out = {role for role, _ in plan.instrumentation} - wanted
            soloists = wanted & {"lead", "counter", "arp"}
            if section.kind == "solo" and soloists:
                out |= {"lead", "counter"} - soloists
            kept = [role for role in dict.fromkeys((*playing, *sorted(wanted))) if role not in out]
            playing = tuple(kept) if kept or form.parts[form.sources.index(source)] is not None else playing
        cast.append(playing)
    return replace(plan, players=tuple(cast))


def _given_chords(chords: np.ndarray | None, plan: Plan) -> Grid | None:
    """A grid that holds chords and leaves everything else to the composer; None without chords."""
    if chords is None:
        return None
    tokens = np.tile(MASK_TOKENS, (len(chords), 1))
    column = STREAMS.index("chord")
    tokens[:, column] = np.where(chords == OPEN, tokens[:, column], composer_chords(chords))
    return Grid(tokens, plan.time_signature)


def write_instrumental(
    plan: Plan,
    lyrics: Lyrics,
    seed: int,
    composer: Composer,
    settings: ComposerSettings,
    on_step: Callable[[float], None],
) -> tuple[Plan, Grid, np.ndarray | None]:
    """A piece without words in the form of a text's tags, as long as the plan, on the text's chords, which come with it
    (see :func:`~noisician.vocals.chords.chord_steps`)."""
    meter = METERS[plan.time_signature]
    energy = float(np.average([section.energy for section in plan.sections]))
    form = plan_form(_parts(lyrics), meter, plan.tempo_bpm, energy, frame=False)
    form = _directed_form(stretched(form, plan.bars), lyrics)
    plan = _directed(with_sections(plan, form.sections, plan.duration_s), form, lyrics)
    chords = chord_steps(lyrics, form, (), meter, pitch_class(plan.key))
    grid = composer.compose(plan, seed, settings, given=_given_chords(chords, plan), on_step=on_step)
    return plan, grid, chords


def natural_bars(lyrics: Lyrics, plan: Plan) -> int:
    """How many bars a text of tags takes where nobody says how long it should be."""
    return plan_form(_parts(lyrics), METERS[plan.time_signature], plan.tempo_bpm, 0.5, frame=False).bars


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
