"""Pieces of notes that somebody brings: played as they are, joined by others, or developed into a new piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from noisician.analysis.tune import tune_of
from noisician.audio import resample
from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.composer.conditions import MASK_TOKENS
from noisician.edits import AddPlayer
from noisician.errors import NoisicianError, RequestError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.models.protocol import AudioInput, NotesInput
from noisician.piece import Piece, piece_of_score, written_piece
from noisician.piece.create import Setting
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import DURATION_RANGE_S, TEMPO_RANGE_BPM, Request
from noisician.score import Score
from noisician.score.encode import encode, estimate_swing
from noisician.score.grid import FIRST_ONSET, HOLD, REST, ROLE_STREAMS, STREAMS, Grid
from noisician.score.length import TAIL_S
from noisician.score.perform import swing_pair_steps

#: So many bars of a tune are its theme.
THEME_BARS = 8
#: Who plays a tune in a style that has no lead.
_TUNE_INSTRUMENT = "flute"
_CHORD, _LEAD = STREAMS.index("chord"), STREAMS.index("lead")
#: Where a theme is stated: the first of these that a form has.
_HOMES = ("chorus", "drop", "verse")


@dataclass(frozen=True)
class Making:
    """How a piece is made, whatever it is made of; the composer is opened when it is first asked."""

    seed: int
    render: RenderSettings
    composer: Callable[[], Composer]
    settings: ComposerSettings
    on_share: Callable[[float], None]

    def composed(self, plan: Plan, given: Grid) -> Piece:
        """The piece of a plan around the cells that are given."""
        grid = self.composer().compose(plan, self.seed, self.settings, given=given, on_step=self.on_share)
        return written_piece(plan, grid, self.seed, self.render)


def piece_of_notes(given: NotesInput, request: Request, controls: Controls, making: Making) -> Piece:
    """The piece of a MIDI file's notes, as ``request.notes_as`` wants it. Raises RequestError."""
    score = given.score if controls.tempo_bpm is None else at_tempo(given.score, controls.tempo_bpm)
    if request.notes_as == "develop":
        return _developed(score, controls, making)
    _refuse_length(score, given.origin)
    is_tune_alone = {track.role for track in score.tracks} == {"lead"} and not score.tempo_changes
    if request.notes_as == "arrange" and is_tune_alone:  # it has no harmony yet
        return _around(score, controls, making)
    piece = exact_piece(score, controls, making, given.origin)
    if request.notes_as != "arrange":
        return piece
    return _joined(piece, make_plan(_as_the_notes_have_it(controls, score), making.seed), making)


def exact_piece(score: Score, controls: Controls, making: Making, origin: str) -> Piece:
    """The piece of a score as it is; room, mix and master are those of the words. Raises RequestError."""
    _refuse_length(score, origin)
    plan = make_plan(_as_the_notes_have_it(controls, score), making.seed)
    setting = Setting(score.duration_s + TAIL_S, plan.style.genres, plan.style.moods, plan.production)
    return piece_of_score(score, setting, making.seed, making.render)


def piece_of_tune(given: AudioInput, controls: Controls, making: Making) -> Piece:
    """The piece around a tune that somebody recorded: its notes are the lead's. Raises RequestError for none."""
    samples = resample(given.audio, given.sample_rate_hz, SAMPLE_RATE_HZ)
    try:
        tune = tune_of(samples, controls.tempo_bpm)
    except NoisicianError as error:
        raise RequestError(f"{given.origin}: {error}") from None
    _refuse_length(tune.score, given.origin)
    return _around(tune.score, controls, making)


def _around(score: Score, controls: Controls, making: Making) -> Piece:
    """A piece whose lead plays a tune, bar by bar; harmony and everybody else are written to it."""
    home = {} if controls.key is not None or controls.chords else {"key": score.key, "mode": score.mode}
    wanted = {"tempo_bpm": score.tempo_bpm, "time_signature": score.time_signature, "bars": score.bars, **home}
    plan = make_plan(controls.model_copy(update={**wanted, "duration_s": None, "loop": False}), making.seed)
    plan = _with_lead(plan)
    source = encode(replace(score, key=plan.key), (0.0, swing_pair_steps(score.meter, plan.swing_unit)))
    tokens = np.tile(MASK_TOKENS, (plan.bars * source.meter.steps_per_bar, 1))
    tokens[:, _LEAD] = source.tokens[: len(tokens), _LEAD]
    return making.composed(plan, Grid(tokens, plan.time_signature))


def _with_lead(plan: Plan) -> Plan:
    """The plan with somebody who plays the tune from beginning to end."""
    there = any(role == "lead" for role, _ in plan.instrumentation)
    instrumentation = plan.instrumentation if there else (("lead", _TUNE_INSTRUMENT), *plan.instrumentation)
    players = tuple(tuple(dict.fromkeys(("lead", *playing))) for playing in plan.players)
    return replace(plan, instrumentation=instrumentation, players=players)


def at_tempo(score: Score, tempo_bpm: float) -> Score:
    """The score around another first tempo; where it changes, it changes by as much."""
    curve = score.tempo.scaled(tempo_bpm)
    return replace(score, tempo_bpm=curve.tempo_bpm, tempo_changes=curve.changes)


def _refuse_length(score: Score, origin: str) -> None:
    limit_s = DURATION_RANGE_S[1]
    if score.duration_s + TAIL_S > limit_s:
        raise RequestError(
            f"{origin} lasts {score.duration_s:.0f} s, over the limit of {limit_s:.0f} s; cut it, or take a faster "
            "--bpm"
        )


def _as_the_notes_have_it(controls: Controls, score: Score) -> Controls:
    """What the words leave open as the notes have it, so that a style is chosen that suits them."""
    return controls.model_copy(
        update={
            "tempo_bpm": float(np.clip(score.tempo_bpm, *TEMPO_RANGE_BPM)),
            "key": score.key,
            "mode": score.mode,
            "time_signature": score.time_signature,
            "bars": None,
            "duration_s": float(np.clip(score.duration_s, *DURATION_RANGE_S)),
            "loop": False,
            "cues": (),
            "features": (),
        }
    )


def _joined(piece: Piece, plan: Plan, making: Making) -> Piece:
    """The piece with those of the plan's band whose job nobody has yet, one after the other; each hears all before."""
    taken = {player.role for player in piece.plan.players}
    missing = [(role, id_) for role, id_ in plan.instrumentation if role not in taken]
    for place, (role, instrument) in enumerate(missing):

        def on_own(share: float, place: int = place) -> None:
            making.on_share((place + share) / len(missing))

        applying = Applying(making.composer, _no_other, on_own)
        piece = apply_edits(piece, [AddPlayer(instrument=instrument, role=role, seed=making.seed)], applying).piece
    return piece


def _no_other(source: str) -> Piece:
    raise RequestError(f"{source}: there is no other version or take to use here")


def _developed(score: Score, controls: Controls, making: Making) -> Piece:
    """A new piece on the chords of the old one, its theme where the form states one for the first time."""
    own = {"key": score.key, "mode": score.mode, "time_signature": score.time_signature}
    own = {name: value for name, value in own.items() if name == "time_signature" or getattr(controls, name) is None}
    tempo = {} if controls.tempo_bpm is not None else {"tempo_bpm": float(np.clip(score.tempo_bpm, *TEMPO_RANGE_BPM))}
    plan = make_plan(controls.model_copy(update={**own, **tempo}), making.seed)
    return making.composed(plan, _theme(encode(score, estimate_swing(score)), plan))


def _theme(source: Grid, plan: Plan) -> Grid:
    """A grid of ``plan`` in which every section goes over the chords of ``source``, and the first that states something
    has its tune; all else is open."""
    per_bar = source.meter.steps_per_bar
    first = _first_bar(source.tokens, per_bar)
    rows = source.tokens[first * per_bar :]
    bars = max(1, len(rows) // per_bar)
    tokens = np.tile(MASK_TOKENS, (plan.bars * per_bar, 1))
    home = next((kind for kind in _HOMES if any(one.kind == kind for one in plan.sections)), plan.sections[0].kind)
    stated = next(one for one in plan.sections if one.kind == home)
    for section in plan.sections:
        for bar in range(section.bars):
            old = slice(bar % bars * per_bar, (bar % bars + 1) * per_bar)
            new = slice((section.start_bar + bar) * per_bar, (section.start_bar + bar + 1) * per_bar)
            tokens[new, _CHORD] = np.where(rows[old, _CHORD] == REST, MASK_TOKENS[_CHORD], rows[old, _CHORD])
            if section == stated and bar < min(bars, THEME_BARS):
                tokens[new, _LEAD] = rows[old, _LEAD]
    stated_at = stated.start_bar * per_bar
    if tokens[stated_at, _LEAD] == HOLD:  # what is held from before the theme is not there
        tokens[stated_at, _LEAD] = REST
    plays = next(playing for one, playing in zip(plan.sections, plan.players, strict=True) if one == stated)
    if "lead" not in plays:
        tokens[:, _LEAD] = MASK_TOKENS[_LEAD]
    return Grid(tokens, plan.time_signature)


def _first_bar(tokens: np.ndarray, per_bar: int) -> int:
    """The bar in which the tune begins, else anything."""
    streams = [STREAMS.index(name) for name in ROLE_STREAMS["lead"]]
    for columns in (streams, list(range(1, len(STREAMS)))):
        begun = np.flatnonzero((tokens[:, columns] >= FIRST_ONSET).any(axis=1))
        if len(begun):
            return int(begun[0]) // per_bar
    return 0
