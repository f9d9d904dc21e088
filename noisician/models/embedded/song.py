"""Songs: a text becomes a form, a rhythm and a tune of the composer's.

lyrics ─ parse ─▶ sections and lines ─ plan_form, set_song ─▶ rhythm ─ compose ─▶ tune ─▶ Song
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.composer import Composer, ComposerSettings, Plan, Tune, with_sections
from noisician.composer.pace import even_s, played_s
from noisician.errors import RequestError
from noisician.lyrics import Lyrics, SungWord
from noisician.request import Request
from noisician.score.grid import REST, STREAMS, Grid, pitch_of
from noisician.score.length import TAIL_S
from noisician.score.model import METERS, Meter
from noisician.score.perform import swing_pair_steps
from noisician.vocals.form import SetLine, SongForm, fitted_form, set_song
from noisician.vocals.song import Clock, Song, SungLine, set_lines, sung_parts, with_leads
from noisician.vocals.tune import sung_ranges, sung_shift
from noisician.vocals.voices import choose_voice
from noisician.vocals.words import lyrics_of

LEAD = STREAMS.index("lead")
#: Instruments that a prompt's words for a singer are taken for when nobody sings.
_STAND_INS = frozenset({"voice_oohs", "choir"})


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
    lyrics = lyrics_of(request, seed)
    voice = choose_voice(request, seed)
    parts, words = sung_parts(lyrics)
    bar_s = meter.beats_per_bar * 60 / plan.tempo_bpm
    energy = float(np.average([section.energy for section in plan.sections]))
    length_s = request.duration_s and even_s(request.duration_s, plan.features, meter, plan.tempo_bpm)
    form = fitted_form(parts, meter, plan.tempo_bpm, energy, request.bars, length_s)
    lasting_s = played_s(form.bars * bar_s, plan.features, meter, plan.tempo_bpm)
    lines = set_song(parts, form, meter, plan.tempo_bpm, seed)
    plan = with_sections(plan, form.sections, request.duration_s or lasting_s + TAIL_S)
    players = (
        tuple(dict.fromkeys((*playing, "lead"))) if part is not None else playing
        for playing, part in zip(plan.players, form.parts, strict=True)
    )
    plan = replace(plan, players=tuple(players))
    shift = sung_shift(voice, plan.key)
    tune = _tune(lines, form, meter, sung_ranges(voice, form, meter), shift)
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
