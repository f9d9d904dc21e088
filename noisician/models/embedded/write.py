"""From a request to a piece: planned, composed and performed, with words or without.

controls ─ make_plan ─▶ plan ─ compose ─▶ grid ─ decode, perform ─▶ piece
MIDI file ─ piece_of_notes ─▶ piece; hummed tune ─ piece_of_tune ─▶ piece; recording ─ piece_of_recording ─▶ piece
picture ─ piece_of_painting ─▶ piece, or as a recording where it is a spectrogram
lyrics ─ write_song ─▶ plan, grid and song ─ decode, perform ─▶ piece
tags without words ─ write_instrumental ─▶ plan, grid ─ decode, perform ─▶ piece
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from noisician.analysis.recording import Hearing
from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.errors import RequestError
from noisician.models.embedded.cost import CostEstimate
from noisician.models.embedded.given import Making, piece_of_notes, piece_of_tune
from noisician.models.embedded.heard import piece_of_recording, strength_of
from noisician.models.embedded.painted import Painting, piece_of_painting
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
    heard: Hearing | None = None,
    painting: Painting | None = None,
) -> tuple[Piece, Stages]:
    """A new piece, and the stages with what remains to be done; ``heard`` is what it starts from, ``painting`` what
    paints it.

    Raises RequestError for what cannot be written.
    """
    if inputs.notes is not None or inputs.melody is not None or heard is not None:
        return _given_piece(inputs, heard, request, controls, seed, composer, stages)
    if painting is not None and not is_song(request):
        render = render_settings(request)
        stages = replace(stages, weights=_work_on(_USUAL_PLAYERS, controls.duration_s or 0.0, render))
        making = Making(seed, render, composer, composer_settings(request), stages.reporter("composing"))
        return piece_of_painting(painting, controls, making), stages
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
    heard: Hearing | None,
    request: Request,
    controls: Controls,
    seed: int,
    composer: Callable[[], Composer],
    stages: Stages,
) -> tuple[Piece, Stages]:
    """The piece of what somebody brings: a recording, a tune in one, or the notes of a file."""
    brought = {
        "--notes": inputs.notes,
        "--melody": inputs.melody,
        "--init-audio" if inputs.picture is None else "--picture": heard,
    }
    _refuse_together(request, [flag for flag, one in brought.items() if one is not None])
    render = render_settings(request)
    players, duration_s = _USUAL_PLAYERS, 0.0
    if inputs.melody is not None:
        duration_s = inputs.melody.duration_s
    elif inputs.notes is not None:
        players, duration_s = len(inputs.notes.score.tracks), inputs.notes.score.duration_s
    elif heard is not None:
        players, duration_s = max(players, len(heard.score.tracks)), heard.score.duration_s
    stages = replace(stages, weights=_work_on(players, duration_s, render))
    making = Making(seed, render, composer, composer_settings(request), stages.reporter("composing"))
    if inputs.melody is not None:
        return piece_of_tune(inputs.melody, controls, making), stages
    if heard is not None:
        start = inputs.init_audio or inputs.picture
        return piece_of_recording(heard, request, controls, making, start.origin if start else ""), stages
    assert inputs.notes is not None
    return piece_of_notes(inputs.notes, request, controls, making), stages


def check_brought(request: Request) -> None:
    """Refuses, before anything is listened to, what cannot be made of what is brought. Raises RequestError."""
    keeps = request.init_audio is not None and strength_of(request) < 1
    brought = {"--notes": request.notes, "--melody": request.melody, "--init-audio": keeps or None}
    flags = [flag for flag, one in brought.items() if one is not None]
    if flags:
        _refuse_together(request, flags)


def _refuse_together(request: Request, flags: Sequence[str]) -> None:
    asked = "--loop" if request.loop else "--lyrics" if request.lyrics is not None else "--vocals"
    if request.loop or is_song(request):
        raise RequestError(f"{flags[0]} and {asked} do not go together yet: leave one of them out")
    if len(flags) > 1:
        raise RequestError(f"{flags[1]} and {flags[0]} both bring the tune: leave one of them out")


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
