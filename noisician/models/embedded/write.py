"""From a request to a piece: planned, composed and performed, with words or without.

controls ─ make_plan ─▶ plan ─ compose ─▶ grid ─ decode, perform ─▶ piece
lyrics ─ write_song ─▶ plan, grid and song ─ decode, perform ─▶ piece
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.models.embedded.cost import CostEstimate
from noisician.models.embedded.song import is_song, without_stand_ins, write_song
from noisician.models.protocol import Stages
from noisician.piece import Piece, written_piece
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import Request

OnShare = Callable[[float], None]


def write_piece(
    request: Request, controls: Controls, seed: int, composer: Callable[[], Composer], stages: Stages
) -> tuple[Piece, Stages]:
    """A new piece, and the stages with what remains to be done. Raises RequestError for what cannot be written."""
    song = is_song(request)
    plan = plan_of(request, controls, seed)
    render = render_settings(request)
    stages = replace(stages, weights=CostEstimate.of(plan, render, sung=song).with_composing(plan.bars))
    report = stages.reporter("composing")
    if song:
        sung = write_song(request, plan, seed, composer(), composer_settings(request), report)
        return written_piece(sung.plan, sung.grid, seed, render, sung.song, request.prompt), stages
    return compose_piece(plan, seed, render, composer(), report, composer_settings(request)), stages


def plan_of(request: Request, controls: Controls, seed: int) -> Plan:
    """What is planned of a request before anything is composed. Raises RequestError."""
    return make_plan(_open(request, controls) if is_song(request) else controls, seed)


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
