"""Tempo as a part of the form: a way of ending slower, a pause, a piece that gathers or loses speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from noisician.prompt.controls import Feature
from noisician.score.model import METERS, Meter
from noisician.score.tempo import TempoChange, TempoCurve, ramp

if TYPE_CHECKING:
    from noisician.composer.plan import Plan

#: How much slower the last beat before the last chord is, and over how many bars it gets there.
RITARD, RITARD_BARS = 0.65, 2
#: How much faster, or slower, a piece ends that gathers or loses speed.
GATHERED, LOST = 1.4, 0.7
#: How much slower the beat is on which everybody waits.
PAUSE = 0.35
_OVER_ALL = {"quickening": GATHERED, "slowing": LOST}


def even_s(duration_s: float, features: Sequence[Feature], meter: Meter, tempo_bpm: float) -> float:
    """How much music, at an even tempo, fills a length."""
    kinds = _over_all(features)
    share = next((_mean_beat(_OVER_ALL[kind]) for kind in kinds if kind in _OVER_ALL), 1.0)
    return max(duration_s / share - _more_s(kinds, meter, tempo_bpm), duration_s / 4)


def played_s(even_s: float, features: Sequence[Feature], meter: Meter, tempo_bpm: float) -> float:
    """How long music of some seconds at an even tempo lasts: the inverse of :func:`even_s`."""
    kinds = _over_all(features)
    share = next((_mean_beat(_OVER_ALL[kind]) for kind in kinds if kind in _OVER_ALL), 1.0)
    return (even_s + _more_s(kinds, meter, tempo_bpm)) * share


def _over_all(features: Sequence[Feature]) -> dict[str, Feature]:
    """By kind, those that can be played."""
    return {feature.kind: feature for feature in features if not feature.is_unplayed}


def _more_s(kinds: Mapping[str, Feature], meter: Meter, tempo_bpm: float) -> float:
    """How much longer a ritard and a pause make a piece."""
    more_s = 60 / tempo_bpm * (1 / PAUSE - 1) if "fermata" in kinds else 0.0
    if "ritard" in kinds:
        beats = _ritard_beats(kinds["ritard"], meter)
        slower = TempoCurve(tempo_bpm, tuple(ramp(0, beats, tempo_bpm, RITARD * tempo_bpm)))
        more_s += slower.seconds(beats) - beats * 60 / tempo_bpm
    return more_s


def _mean_beat(factor: float) -> float:
    """How long a beat is on average, against the first one, where the tempo grows evenly to ``factor`` of the first."""
    return TempoCurve(60.0, tuple(ramp(0, 64, 60.0, 60.0 * factor))).seconds(64) / 64


def _ritard_beats(feature: Feature, meter: Meter) -> float:
    return round(feature.value or RITARD_BARS) * meter.beats_per_bar


def tempo_changes(plan: Plan) -> tuple[TempoChange, ...]:
    """Where the tempo of a plan changes, in beats. A loop keeps its tempo."""
    if plan.loop:
        return ()
    meter = METERS[plan.time_signature]
    last = (plan.bars - 1) * meter.beats_per_bar + plan.last_chord[0] / meter.steps_per_beat
    changes: list[TempoChange] = []
    for kind, factor in _OVER_ALL.items():
        if kind in _over_all(plan.features):
            changes = list(ramp(0, last, plan.tempo_bpm, factor * plan.tempo_bpm))
    at = TempoCurve(plan.tempo_bpm, tuple(changes)).bpm
    ritard, pause = plan.feature("ritard"), plan.feature("fermata")
    if ritard is not None and last > 0:
        first = max(0.0, last - _ritard_beats(ritard, meter))
        slower = ramp(first, last, at(first), RITARD * at(first))
        changes = [*(one for one in changes if one.start_beats < first), *slower, TempoChange(last, at(last))]
    if pause is not None:
        beat = _pause_beat(plan, pause, meter, last)
        after = [one for one in changes if one.start_beats > beat + 1]
        before = [one for one in changes if one.start_beats < beat]
        changes = [*before, TempoChange(beat, PAUSE * at(beat)), TempoChange(beat + 1, at(beat + 1)), *after]
    return tuple(changes)


def _pause_beat(plan: Plan, pause: Feature, meter: Meter, last: float) -> float:
    """The last beat before the last section that is named, else before the last one of the piece."""
    wanted = [one for one in plan.sections[1:] if pause.where in (None, "piece", one.kind)] or plan.sections[1:]
    if not wanted:
        return max(0.0, last - 1)
    return wanted[-1].start_bar * meter.beats_per_bar - 1
