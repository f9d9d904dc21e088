"""From a request to a piece: planned, composed and performed, with words or without.

controls ─ make_plan ─▶ plan ─ compose ─▶ grid ─ decode, perform ─▶ piece
MIDI file ─ piece_of_notes ─▶ piece; hummed tune ─ piece_of_tune ─▶ piece
lyrics ─ write_song ─▶ plan, grid and song ─ decode, perform ─▶ piece
tags without words ─ write_instrumental ─▶ plan, grid ─ decode, perform ─▶ piece
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.errors import RequestError
from noisician.models.embedded.cost import CostEstimate
from noisician.models.embedded.given import Making, piece_of_notes, piece_of_tune
from noisician.models.embedded.song import natural_bars, without_stand_ins, write_instrumental, write_song
from noisician.models.protocol import NO_INPUTS, AudioInputs, Stages
from noisician.piece import Piece, written_piece
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.vocals.directions import worded
from noisician.vocals.words import is_song, read_lyrics

OnShare = Callable[[float], None]
#: How many play, and how long a bar lasts, as long as nobody knows.
_USUAL_PLAYERS, _USUAL_BAR_S = 6, 2.0


def write_piece(
    request: Request,
    controls: Controls,
    seed: int,
    composer: Callable[[], Composer],
    stages: Stages,
    inputs: AudioInputs = NO_INPUTS,
) -> tuple[Piece, Stages]:
    """A new piece, and the stages with what remains to be done. Raises RequestError for what cannot be written."""
    if inputs.notes is not None or inputs.melody is not None:
        return _given_piece(inputs, request, controls, seed, composer, stages)
    song = is_song(request)
    lyrics = read_lyrics(request)
    request = request if lyrics is None else worded(request, lyrics)
    plan = plan_of(request, controls, seed)
    render = render_settings(request)
    tags = lyrics if lyrics is not None and not song and lyrics.sections else None
    stages = replace(stages, weights=CostEstimate.of(plan, render, sung=song).with_composing(plan.bars))
    report = stages.reporter("composing")
    if song:
        sung = write_song(request, controls, plan, seed, composer(), composer_settings(request), report)
        return written_piece(sung.plan, sung.grid, seed, render, sung.song, request.prompt, sung.chords), stages
    if tags is not None:
        plan, grid, chords = write_instrumental(plan, tags, seed, composer(), composer_settings(request), report)
        return written_piece(plan, grid, seed, render, chords=chords), stages
    return compose_piece(plan, seed, render, composer(), report, composer_settings(request)), stages


def _given_piece(
    inputs: AudioInputs,
    request: Request,
    controls: Controls,
    seed: int,
    composer: Callable[[], Composer],
    stages: Stages,
) -> tuple[Piece, Stages]:
    """The piece of what somebody brings: a tune in a recording, or the notes of a file."""
    flag = "--melody" if inputs.notes is None else "--notes"
    asked = "--loop" if request.loop else "--lyrics" if request.lyrics is not None else "--vocals"
    if request.loop or is_song(request):
        raise RequestError(f"{flag} and {asked} do not go together yet: leave one of them out")
    if inputs.notes is not None and inputs.melody is not None:
        raise RequestError("--melody and --notes both bring the tune: leave one of them out")
    render = render_settings(request)
    players, duration_s = _USUAL_PLAYERS, 0.0
    if inputs.melody is not None:
        duration_s = inputs.melody.duration_s
    elif inputs.notes is not None:
        players, duration_s = len(inputs.notes.score.tracks), inputs.notes.score.duration_s
    stages = replace(stages, weights=_work_on(players, duration_s, render))
    making = Making(seed, render, composer, composer_settings(request), stages.reporter("composing"))
    if inputs.melody is not None:
        return piece_of_tune(inputs.melody, controls, making), stages
    assert inputs.notes is not None
    return piece_of_notes(inputs.notes, request, controls, making), stages


def _work_on(players: int, duration_s: float, render: RenderSettings) -> dict[str, float]:
    """The cost of music that is not planned yet."""
    return CostEstimate(max(1, players), duration_s, render).with_composing(max(1, round(duration_s / _USUAL_BAR_S)))


def plan_of(request: Request, controls: Controls, seed: int) -> Plan:
    """What is planned of a request before anything is composed. Raises RequestError."""
    if is_song(request):
        return make_plan(_open(request, controls), seed)
    plan = make_plan(controls, seed)
    lyrics = read_lyrics(request)
    if lyrics is None or not lyrics.sections or (controls.duration_s or controls.bars) is not None:
        return plan
    return make_plan(controls.model_copy(update={"bars": natural_bars(lyrics, plan)}), seed)


def compose_piece(
    plan: Plan,
    seed: int,
    render: RenderSettings,
    composer: Composer,
    on_share: OnShare = lambda share: None,
    settings: ComposerSettings = ComposerSettings(),
) -> Piece:
    """The piece of a plan. Raises RequestError where every player would stay silent."""
    grid = composer.compose(plan, seed, settings, on_step=on_share)
    return written_piece(plan, grid, seed, render)


def _open(request: Request, controls: Controls) -> Controls:
    """Controls whose length is the text's to decide, without players who would stand in for a singer."""
    wanted = without_stand_ins(request, controls.instruments)
    return controls.model_copy(update={"duration_s": None, "bars": None, "instruments": wanted})


def render_settings(request: Request) -> RenderSettings:
    """How a request wants to be rendered."""
    return RenderSettings() if request.steps is None else RenderSettings(steps=request.steps)


def composer_settings(request: Request) -> ComposerSettings:
    """How closely a request wants its style followed."""
    if request.guidance_scale is None:
        return ComposerSettings()
    return ComposerSettings(guidance_scale=request.guidance_scale)
