"""What a request comes to before anything is made: its plan in words, how long that takes, how large it gets."""

from __future__ import annotations

from dataclasses import dataclass

from noisician.analysis.recording import Hearing
from noisician.composer import Plan
from noisician.composer.pace import tempo_changes
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models.embedded.cost import CORE_S_PER_COST, START_S, CostEstimate
from noisician.models.embedded.heard import plan_of_heard
from noisician.models.embedded.write import plan_of, render_settings
from noisician.prompt import Controls
from noisician.request import Request
from noisician.score.model import METERS
from noisician.score.tempo import TempoCurve
from noisician.vocals.words import is_song
from noisician.weights import available_cores

#: Bytes of a second of the file `make` writes unless told otherwise: stereo WAV of 24 bits.
WAV_BYTES_PER_S = SAMPLE_RATE_HZ * 2 * 3


@dataclass(frozen=True)
class PlannedSection:
    """One section: ``start_s`` … ``end_s`` in the track, and the instruments that play in it."""

    kind: str
    bars: int
    start_s: float
    end_s: float
    players: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """A plan as it would be made of one seed. ``work_s`` is what making it takes here, ``size_bytes`` its WAV file."""

    seed: int
    tempo_bpm: float
    key: str
    mode: str
    time_signature: str
    bars: int
    duration_s: float
    ending: str
    sections: tuple[PlannedSection, ...]
    throughout: tuple[str, ...]  # textures and effects, which belong to no section
    work_s: float
    size_bytes: int
    sung: bool  # then the words decide form and length, and this is only about how long it takes


def outline_of(request: Request, controls: Controls, seed: int, heard: Hearing | None = None) -> Outline:
    """The outline of what ``request`` would become with ``seed``, around what was ``heard`` of its recording.

    Raises RequestError where nothing can be planned.
    """
    sung = is_song(request)
    plan = plan_of(request, controls, seed) if heard is None else plan_of_heard(heard.score, controls, seed)
    cost = CostEstimate.of(plan, render_settings(request), sung=sung).with_composing(plan.bars)
    return Outline(
        seed=seed,
        tempo_bpm=plan.tempo_bpm,
        key=plan.key,
        mode=plan.mode,
        time_signature=plan.time_signature,
        bars=plan.bars,
        duration_s=plan.duration_s,
        ending="loops" if plan.loop else plan.ending,
        sections=_sections(plan),
        throughout=tuple(id_ for role, id_ in plan.instrumentation if role in ("texture", "fx")),
        work_s=START_S + sum(cost.values()) * CORE_S_PER_COST / available_cores(),
        size_bytes=round(plan.duration_s * WAV_BYTES_PER_S),
        sung=sung,
    )


def _sections(plan: Plan) -> tuple[PlannedSection, ...]:
    tempo = TempoCurve(plan.tempo_bpm, tempo_changes(plan))
    bar_beats = METERS[plan.time_signature].beats_per_bar
    return tuple(
        PlannedSection(
            kind=section.kind,
            bars=section.bars,
            start_s=tempo.seconds(section.start_bar * bar_beats),
            end_s=min(tempo.seconds((section.start_bar + section.bars) * bar_beats), plan.duration_s),
            players=tuple(dict.fromkeys(id_ for role, id_ in plan.instrumentation if role in players)),
        )
        for section, players in zip(plan.sections, plan.players, strict=True)
    )
