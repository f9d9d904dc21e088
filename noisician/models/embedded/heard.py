"""Pieces of recordings: what is heard of one is played anew, as it is or in another style.

``--strength`` says how much of it goes. 0 keeps every note and player as they were heard, 1 keeps nothing. Between them
the rule is one draw: each bar of each player heard, each bar of the harmony and each player's instrument has a number
between 0 and 1, of the seed, the role, the section's label and the bar within it, so that repeats keep the same. It
stays as long as its number is not below the strength. What stays at a strength stays at every lower one, and the share
that stays is 1 − strength, but for chance. Harmony stays wherever a pitched player does, who would mean other notes
without it. Tempo, metre, key and form stay at any strength below 1, unless they are asked for otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from noisician.analysis.recording import Hearing
from noisician.analysis.sound import Sound
from noisician.composer import Plan, make_plan
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.plan import with_sections
from noisician.diffusion.noise import generator
from noisician.errors import RequestError
from noisician.models.embedded.given import Making, at_tempo, exact_piece
from noisician.piece import Piece
from noisician.prompt import Controls
from noisician.prompt.controls import Reason
from noisician.request import Request
from noisician.score import Score, Section
from noisician.score.decode import semitones_from_c
from noisician.score.encode import encode
from noisician.score.grid import FIRST_ONSET, HOLD, MONOPHONIC, REST, ROLE_STREAMS, STREAMS, Grid
from noisician.score.length import TAIL_S

#: How much goes where nobody says.
DEFAULT_STRENGTH = 0.5
_HARMONY = "harmony"
_CHORD = STREAMS.index("chord")


def strength_of(request: Request) -> float:
    return DEFAULT_STRENGTH if request.strength is None else request.strength


def picture_strength(request: Request) -> float:
    """That of a spectrogram: it is played as it is where nobody says otherwise."""
    return 0.0 if request.strength is None else request.strength


def hearing_of_score(score: Score) -> Hearing:
    """A score that need not be heard, as if it had been: that of a spectrogram of ours."""
    starts = tuple(score.bar_start_s(bar) for bar in range(score.bars + 1))
    silent = Sound(0.0, 0.0, 0.0, 0.0, (), 0.0)
    notes = sum(len(track.notes) for track in score.tracks)
    return Hearing(score.duration_s, score, starts, 1.0, silent, (), notes / max(1.0, score.duration_beats), True, True)


def with_heard(controls: Controls, heard: Hearing, strength: float, flag: str = "--init-audio") -> Controls:
    """The controls with what was heard as far as the words leave it open, each with its reason."""
    score = heard.score
    home = {"key": score.key, "mode": score.mode} if controls.key is None and not controls.chords else {}
    told = {"tempo_bpm": score.tempo_bpm, "time_signature": score.time_signature, **home}
    told = {name: value for name, value in told.items() if getattr(controls, name) is None}
    shown = {
        **{name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in told.items()},
        "bars": str(score.bars),
        "sections": ", ".join(f"{section.kind} {section.bars}" for section in score.sections),
        "notes": ", ".join(f"{track.role} {len(track.notes)}" for track in score.tracks) or "none",
        "strength": f"{strength:g}",
    }
    reasons = tuple(Reason(field=name, value=value, words=flag, source="implied") for name, value in shown.items())
    notes = () if heard.has_pulse else (f"no pulse is heard; it is written at {score.tempo_bpm:g} BPM",)
    return controls.model_copy(
        update={**told, "reasons": (*controls.reasons, *reasons), "notes": (*controls.notes, *notes)}
    )


def piece_of_recording(heard: Hearing, request: Request, controls: Controls, making: Making, origin: str) -> Piece:
    """The piece of what was heard, at the request's strength below 1. Raises RequestError for nothing to play."""
    score = heard.score
    strength = strength_of(request) if request.picture is None else picture_strength(request)
    if not score.tracks:
        raise RequestError(f"{origin}: no notes are heard in it; --reference-audio takes its sound alone")
    if controls.tempo_bpm is not None:
        score = at_tempo(score, controls.tempo_bpm)
    if controls.key is not None:
        score = in_key(score, controls.key)
    score = replace(score, tracks=tuple(track for track in score.tracks if track.role not in controls.excluded))
    if strength <= 0:
        length = next((f"{one}" for one in ("duration_s", "bars") if getattr(controls, one) is not None), None)
        if length is not None:
            raise RequestError(
                f"{origin} is played as it is at --strength 0, for its own {score.duration_s:.0f} s; leave out the "
                "length, or take a higher strength"
            )
        return exact_piece(score, controls, making, origin)
    plan = plan_of_heard(score, controls, making.seed)
    kept = kept_bars(plan, score, strength, making.seed)
    plan = _with_players(plan, score, kept, strength, making.seed)
    return making.composed(plan, _given(plan, score, kept))


def in_key(score: Score, key: str) -> Score:
    """The score moved to another tonic, by the smaller interval."""
    shift = (semitones_from_c(key) - semitones_from_c(score.key) + 6) % 12 - 6
    if shift == 0:
        return replace(score, key=key)
    tracks = tuple(
        track
        if track.role == "drums"
        else replace(track, notes=tuple(replace(note, pitch=note.pitch + shift) for note in track.notes))
        for track in score.tracks
    )
    chords = tuple(replace(chord, root=(chord.root + shift) % 12) for chord in score.chords)
    return replace(score, key=key, tracks=tracks, chords=chords)


def plan_of_heard(score: Score, controls: Controls, seed: int) -> Plan:
    """A plan of the prompt's style in the tempo, metre, key and form of what was heard."""
    own = {"tempo_bpm": score.tempo_bpm, "time_signature": score.time_signature, "key": score.key, "mode": score.mode}
    update = {name: value for name, value in own.items() if getattr(controls, name) is None or name == "time_signature"}
    open_length = controls.duration_s is None and controls.bars is None
    if open_length:
        update |= {"bars": score.bars}
    plan = make_plan(controls.model_copy(update={**update, "loop": False}), seed)
    if not open_length or sum(section.bars for section in score.sections) != score.bars:
        return plan
    return with_sections(plan, score.sections, score.bars * plan.bar_s + TAIL_S)


def kept_bars(plan: Plan, score: Score, strength: float, seed: int) -> Mapping[str, np.ndarray]:
    """bool ``[bars of the plan]`` for each role heard, and for the harmony: which bars stay."""
    roles = [track.role for track in score.tracks]
    kept = {role: _numbers(plan.sections, plan.bars, role, seed) >= strength for role in (*roles, _HARMONY)}
    there = np.arange(plan.bars) < score.bars
    kept = {role: bars & there for role, bars in kept.items()}
    pitched = [bars for role, bars in kept.items() if role not in ("drums", _HARMONY)]
    return kept | {_HARMONY: np.any([kept[_HARMONY], *pitched], axis=0)}


def _numbers(sections: tuple[Section, ...], bars: int, name: str, seed: int) -> np.ndarray:
    """A number of each bar, ``[bars]``; repeats of a section have the same ones."""
    out = np.zeros(bars)
    for section in sections:
        dice = generator(seed, 0x4EA, *name.encode(), *section.label.encode())
        inside = slice(section.start_bar, min(section.start_bar + section.bars, bars))
        out[inside] = dice.random(section.bars)[: inside.stop - inside.start]
    return out


def _with_players(plan: Plan, score: Score, kept: Mapping[str, np.ndarray], strength: float, seed: int) -> Plan:
    """The plan with those who were heard and of whom something stays: their instruments or the style's."""
    band = dict(plan.instrumentation)
    seats = list(plan.instrumentation)
    for track in score.tracks:
        if not kept[track.role].any():
            continue
        stays = generator(seed, 0x4EB, *track.role.encode()).random() >= strength
        if track.role not in band:
            seats.insert(0, (track.role, track.instrument))
        elif stays:
            place = next(place for place, seat in enumerate(seats) if seat[0] == track.role)
            seats[place] = (track.role, track.instrument)
    playing = tuple(
        tuple(dict.fromkeys((*roles, *(role for role, bars in kept.items() if _in(section, bars, role)))))
        for section, roles in zip(plan.sections, plan.players, strict=True)
    )
    return replace(plan, instrumentation=tuple(seats), players=playing)


def _in(section: Section, bars: np.ndarray, role: str) -> bool:
    return role != _HARMONY and bool(bars[section.start_bar : section.start_bar + section.bars].any())


def _given(plan: Plan, score: Score, kept: Mapping[str, np.ndarray]) -> Grid:
    """The cells that stay; all else is open."""
    source = encode(score, (0.0, 2))
    per_bar = source.meter.steps_per_bar
    tokens = np.tile(MASK_TOKENS, (plan.bars * per_bar, 1))
    shared = min(plan.bars, source.bars) * per_bar
    for role, bars in kept.items():
        rows = np.repeat(bars, per_bar)[:shared]
        for stream in [_CHORD] if role == _HARMONY else [STREAMS.index(name) for name in ROLE_STREAMS[role]]:
            heard = source.tokens[:shared, stream]
            own = rows & (heard != REST) if role == _HARMONY else rows
            tokens[:shared, stream] = np.where(own, heard, tokens[:shared, stream])
            if role in MONOPHONIC or role in ("chords", "pad"):
                _begin(tokens[:, stream], bars, per_bar)
    return Grid(tokens, plan.time_signature)


def _begin(column: np.ndarray, bars: np.ndarray, per_bar: int) -> None:
    """In place: a bar that stays after one that does not holds nothing over."""
    for bar in np.flatnonzero(bars):
        if bar > 0 and bars[bar - 1]:
            continue
        first = bar * per_bar
        rows = column[first : first + per_bar]
        onset = np.flatnonzero(rows >= FIRST_ONSET)
        last = int(onset[0]) if len(onset) else per_bar
        held = rows[:last] == HOLD
        rows[:last][held] = REST
