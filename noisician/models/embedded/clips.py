"""Notes and chords for a clip in another program: filled in, gone on with, arranged, varied; suggested, harmonised.

Times are quarter notes from the clip's beginning, as sequencers count. What is asked becomes a piece of one player and
an edit of it, or a plan of which the harmony is taken; nothing is rendered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.composer.conditions import MASK_TOKENS
from noisician.edits import AddPlayer, Edit, Extend, Regenerate, Vary
from noisician.errors import RequestError
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.piece import Piece, piece_of_score, written_piece
from noisician.piece.create import Setting
from noisician.piece.model import Player
from noisician.prompt import understand
from noisician.renderer import RenderSettings
from noisician.request import TEMPO_RANGE_BPM, Request
from noisician.score import Chord, Note, Score, Section, Track
from noisician.score.chart import read_chart
from noisician.score.decode import chords_of, semitones_from_c
from noisician.score.encode import encode, estimate_key, kept_chords
from noisician.score.grid import MONOPHONIC, REST, STREAMS, Grid, with_composed_chords
from noisician.score.midi import pitch_class_weights
from noisician.score.midi_roles import Part, infer_roles
from noisician.score.model import METERS
from noisician.styles import instruments

NotesMode = Literal["infill", "continue", "arrange", "variation"]
ChordsMode = Literal["suggest", "harmonize", "continue", "from_text"]
#: Far more than any clip has.
QUARTERS_LIMIT = 1600.0
NOTES_LIMIT = 20_000
_CHORD, _LEAD = STREAMS.index("chord"), STREAMS.index("lead")
#: Draws that are tried before a clip is said to stay silent.
_TRIES = 4
_PHRASE_BARS = 4
#: What programs call players, as roles; the first word found counts.
_ROLE_WORDS = (
    ("drum", "drums"), ("percussion", "drums"), ("bass", "bass"), ("lead", "lead"), ("melody", "lead"), ("pad", "pad"),
    ("string", "pad"), ("arp", "arp"), ("chord", "chords"), ("keys", "chords"), ("keyboard", "chords"),
    ("piano", "chords"), ("guitar", "chords"), ("counter", "counter"),
)  # fmt: skip


@dataclass(frozen=True)
class ClipSetting:
    """What is said of the music around a clip; ``words`` are its style."""

    words: str = ""
    key: str | None = None
    time_signature: str = "4/4"
    tempo_bpm: float = 120.0
    seed: int = 0

    @property
    def quarters_per_beat(self) -> float:
        return METERS[self.time_signature].steps_per_beat / 4

    @property
    def bar_quarters(self) -> float:
        return METERS[self.time_signature].beats_per_bar * self.quarters_per_beat


@dataclass(frozen=True)
class NotesTask:
    """A clip's ``notes`` in quarters, and what shall become of them.

    ``selection`` are the quarters in which "infill" writes; the notes at the places ``locked`` stay whatever is asked.
    "continue" adds ``bars``, "arrange" writes a part for ``instrument``, "variation" changes the share ``strength``.
    """

    mode: NotesMode
    notes: tuple[Note, ...]
    setting: ClipSetting
    selection: tuple[float, float] | None = None
    locked: frozenset[int] = field(default_factory=frozenset)
    bars: int = 4
    instrument: str = ""
    strength: float = 0.5


@dataclass(frozen=True)
class ChordsTask:
    """Chords that are there, in quarters, or a tune or words to find some for."""

    mode: ChordsMode
    setting: ClipSetting
    chords: tuple[Chord, ...] = ()
    melody: tuple[Note, ...] = ()
    words: str = ""
    bars: int = 0


def clip_notes(task: NotesTask, composer: Callable[[], Composer]) -> tuple[Note, ...]:
    """A clip's notes in quarters: all of them, of "arrange" the new part alone. Raises RequestError."""
    _check(task.notes, task.selection)
    wanted = _felt(task.notes, task.setting)
    if not wanted and task.mode != "arrange":
        return _in_quarters(_from_nothing(task, composer), task.setting)
    piece = _piece_of(wanted, task)
    player = piece.plan.players[0] if piece.plan.players else None
    if task.mode == "arrange":
        instrument, role = _arranger(piece, task)
        after = _edited(piece, AddPlayer(instrument=instrument, role=role, seed=task.setting.seed), composer)
        return _in_quarters(after.notes[after.plan.players[-1].id], task.setting)
    assert player is not None
    return _in_quarters(_rewritten(piece, player, wanted, task, composer), task.setting)


def _check(notes: Sequence[Note], selection: tuple[float, float] | None) -> None:
    last = max([note.end_beats for note in notes] + ([selection[1]] if selection else []), default=0.0)
    if not last <= QUARTERS_LIMIT:
        raise RequestError(f"a clip of {last:g} beats; the limit is {QUARTERS_LIMIT:g} beats")
    if len(notes) > NOTES_LIMIT:
        raise RequestError(f"a clip of {len(notes)} notes; the limit is {NOTES_LIMIT} notes")
    if selection is not None and not 0 <= selection[0] < selection[1]:
        raise RequestError(f"a selection from beat {selection[0]:g} to {selection[1]:g}; it has to end after it begins")


def _felt(notes: Sequence[Note], setting: ClipSetting) -> tuple[Note, ...]:
    """Notes in felt beats, in their order."""
    per = setting.quarters_per_beat
    return tuple(
        replace(one, start_beats=one.start_beats / per, duration_beats=one.duration_beats / per) for one in notes
    )


def _in_quarters(notes: Sequence[Note], setting: ClipSetting) -> tuple[Note, ...]:
    per = setting.quarters_per_beat
    moved = (replace(one, start_beats=one.start_beats * per, duration_beats=one.duration_beats * per) for one in notes)
    return tuple(sorted(moved, key=lambda one: (one.start_beats, one.pitch)))


def _request(setting: ClipSetting) -> Request:
    return Request(
        prompt=setting.words,
        key=setting.key,
        time_signature=setting.time_signature,  # type: ignore[arg-type]
        tempo_bpm=float(np.clip(setting.tempo_bpm / setting.quarters_per_beat, *TEMPO_RANGE_BPM)),
    )


def _plan(setting: ClipSetting, bars: int, key: tuple[str, str] | None = None) -> Plan:
    controls = understand(_request(setting))
    home = {} if controls.key is not None or key is None else {"key": key[0], "mode": key[1]}
    more = {"bars": bars, "duration_s": None, "loop": True, "cues": (), "features": (), **home}
    return make_plan(controls.model_copy(update=more), setting.seed)


def _bars(task: NotesTask) -> int:
    last = max([note.end_beats for note in task.notes] + ([task.selection[1]] if task.selection else []), default=0.0)
    return max(1, math.ceil(last / task.setting.bar_quarters - 1e-9))


def _role(task: NotesTask) -> str | None:
    words = task.instrument.lower()
    return next((role for word, role in _ROLE_WORDS if word in words), None)


def _piece_of(notes: Sequence[Note], task: NotesTask) -> Piece:
    """The clip as a piece of one player; locked notes are set, so that nobody writes over them."""
    name = "" if task.mode == "arrange" else task.instrument
    is_kit = _role(task) == "drums" and task.mode != "arrange"
    marked = tuple(replace(one, is_set=place in task.locked) for place, one in enumerate(notes))
    in_order = tuple(sorted(marked, key=lambda one: (one.start_beats, one.pitch)))
    seats = infer_roles([Part(name, 0, is_kit, in_order)]) if in_order else []
    tracks = tuple(Track(role, id_, in_order) for role, id_ in seats)
    key = estimate_key(pitch_class_weights(tracks)) if tracks else None
    bars = _bars(task) if notes else max(_bars(task), _PHRASE_BARS)
    plan = _plan(task.setting, bars, key)
    score = Score(
        plan.tempo_bpm, plan.key, plan.mode, task.setting.time_signature, bars,
        (Section("verse", "A", 0, bars, 0.5),), tracks,
    )  # fmt: skip
    setting = Setting(
        score.duration_s, plan.style.genres, plan.style.moods, plan.production, density=plan.style.density
    )
    return piece_of_score(score, setting, task.setting.seed, RenderSettings())


def _edited(piece: Piece, edit: Edit, composer: Callable[[], Composer]) -> Piece:
    return apply_edits(piece, [edit], Applying(composer, _no_other)).piece


def _no_other(source: str) -> Piece:
    raise RequestError(f"{source}: there is no other version to use here")


def _rewritten(
    piece: Piece, player: Player, notes: Sequence[Note], task: NotesTask, composer: Callable[[], Composer]
) -> list[Note]:
    """The clip's notes with those that are written in place of the ones that may go."""
    seed, per_bar = task.setting.seed, piece.plan.meter.beats_per_bar
    end = float(piece.plan.bars * per_bar)
    if task.mode == "continue":
        span, edit = (end, math.inf), lambda draw: Extend(by_bars=task.bars, seed=draw)
    elif task.mode == "variation":
        span = (0.0, end)
        edit = lambda draw: Vary(players=(player.id,), strength=task.strength, seed=draw)  # noqa: E731
    else:
        quarters = task.selection or (0.0, end * task.setting.quarters_per_beat)
        span = (quarters[0] / task.setting.quarters_per_beat, quarters[1] / task.setting.quarters_per_beat)
        bars = (math.floor(span[0] / per_bar) + 1, max(1, math.ceil(span[1] / per_bar - 1e-9)))
        edit = lambda draw: Regenerate(players=(player.id,), bars=(bars,), seed=draw)  # noqa: E731
    kept = [one for place, one in enumerate(notes) if place in task.locked or not span[0] <= one.start_beats < span[1]]
    silent: RequestError | None = None
    for turn in range(_TRIES):
        try:
            after = _edited(piece, edit((seed + turn * 7919) % 2**32), composer)
        except RequestError as refused:
            if "silent" not in str(refused):
                raise
            silent = refused
            continue
        fresh = [
            one for one in after.notes[player.id] if span[0] <= one.start_beats + 0.05 < span[1] and not one.is_set
        ]
        if fresh:
            return [*kept, *_around(fresh, kept, span, player.role)]
    raise silent or RequestError("nothing was written there; take another seed, or a longer selection")


def _around(fresh: Sequence[Note], kept: Sequence[Note], span: tuple[float, float], role: str) -> list[Note]:
    """New notes that leave those that stay alone: in their span, not over a note of their pitch, in a single line not
    over any."""
    out = []
    for note in fresh:
        start, end = max(note.start_beats, span[0]), min(note.end_beats, span[1])
        rivals = [one for one in kept if one.end_beats > start and (role in MONOPHONIC or one.pitch == note.pitch)]
        if any(one.start_beats <= start + 1e-6 for one in rivals):
            continue
        end = min([end, *(one.start_beats for one in rivals)])
        if end - start > 1e-3:
            out.append(replace(note, start_beats=start, duration_beats=end - start, id=0))
    return out


def _arranger(piece: Piece, task: NotesTask) -> tuple[str, str]:
    """(instrument, role) of whoever joins a clip: as named, else of the style's band who is missing."""
    named = understand(Request(prompt=task.instrument)).instruments if task.instrument.strip() else ()
    role = _role(task)
    band = make_plan(understand(_request(task.setting)), task.setting.seed).instrumentation
    taken = {player.role for player in piece.plan.players}
    if named:
        own = [one for one in instruments()[named[0]].roles if one not in ("texture", "fx")]
        wanted = role if role in own else next((one for one in own if one not in taken), own[0] if own else "lead")
        return named[0], wanted
    if role is None and task.instrument.strip():
        raise RequestError(
            f"target_instrument {task.instrument[:80]!r} is no player known here; try bass, drums or piano"
        )
    found = next(((id_, own) for own, id_ in band if own == role or (role is None and own not in taken)), None)
    if found is not None:
        return found
    able = next(one for one in instruments().values() if (role or "bass") in one.roles)
    return able.id, role or "bass"


def _from_nothing(task: NotesTask, composer: Callable[[], Composer]) -> Sequence[Note]:
    """What is written where a clip is empty."""
    role = _role(task) or "lead"
    bars = max(_bars(task), task.bars if task.mode == "continue" else 1)
    plan = _plan(task.setting, bars)
    able = next((id_ for own, id_ in plan.instrumentation if own == role), None)
    id_ = able or next(one.id for one in instruments().values() if role in one.roles)
    others = tuple((own, other) for own, other in plan.instrumentation if own != role)
    playing = tuple(tuple(dict.fromkeys((role, *one))) for one in plan.players)
    plan = replace(plan, instrumentation=((role, id_), *others), players=playing)
    piece = written_piece(
        plan, composer().compose(plan, task.setting.seed, ComposerSettings()), task.setting.seed, RenderSettings()
    )
    own = next((piece.notes[player.id] for player in piece.plan.players if player.role == role), ())
    first, last = task.selection or (0.0, math.inf)
    per = task.setting.quarters_per_beat
    return [one for one in own if first / per <= one.start_beats < last / per]


# --- chords -----------------------------------------------------------------------------------------------------------


def clip_chords(task: ChordsTask, composer: Callable[[], Composer]) -> tuple[tuple[Chord, ...], tuple[str, str]]:
    """Chords in quarters, and the key they are in. Chords that are there stay in their places, whatever is written
    around them; "continue" answers with what comes after them. Raises RequestError."""
    if any(not 0 <= one.start_beats <= QUARTERS_LIMIT for one in (*task.chords, *task.melody)):
        raise RequestError(f"chords and tunes may lie in the first {QUARTERS_LIMIT:g} beats")
    if task.mode == "from_text" and (named := _named_chords(task)) is not None:
        return named
    setting, end = task.setting, _end(task)
    there = math.ceil(end / setting.bar_quarters - 1e-9)
    bars = max(_PHRASE_BARS, there if task.mode == "harmonize" else -(-there // _PHRASE_BARS) * _PHRASE_BARS)
    if task.mode == "continue":
        bars = there + (task.bars or max(_PHRASE_BARS, min(there, 4 * _PHRASE_BARS)))
    bars = max(bars, task.bars if task.mode != "continue" else 1)
    given = _given_score(task, bars)
    words = f"{setting.words} {task.words}".strip()
    plan = _plan(replace(setting, words=words), bars, _key_of(task, given))
    kept, grid = _composed(task, plan, replace(given, key=plan.key), composer)
    chords = chords_of(with_composed_chords(kept, grid.stream("chord")), grid.meter, semitones_from_c(plan.key))
    per = setting.quarters_per_beat
    found = tuple(
        replace(one, start_beats=one.start_beats * per, duration_beats=one.duration_beats * per) for one in chords
    )
    if task.mode == "continue":
        found = tuple(one for one in found if one.start_beats >= there * setting.bar_quarters - 1e-6)
    return found, (plan.key, plan.mode)


def _end(task: ChordsTask) -> float:
    chords = (one.start_beats + one.duration_beats for one in task.chords)
    return max((*chords, *(one.end_beats for one in task.melody)), default=0.0)


def _named_chords(task: ChordsTask) -> tuple[tuple[Chord, ...], tuple[str, str]] | None:
    """The chords that words name, a bar each or as they are barred; None where they are no chart."""
    mode = understand(_request(task.setting)).mode or "major"
    try:
        chart = read_chart(task.words, mode)
    except ValueError:
        return None
    from noisician.score.chart import chart_key

    controls = understand(_request(task.setting))
    key = chart_key(chart.symbols, controls.key, controls.mode) or (controls.key or "C", mode)
    tonic, chords, at = semitones_from_c(key[0]) % 12, [], 0.0
    for section in chart.sections:
        for bar in section.bars:
            count = sum(beats for _, beats in bar)
            for symbol, beats in bar:
                length = beats / count * task.setting.bar_quarters
                chord = symbol.at(tonic)
                if chord is not None:
                    chords.append(Chord(at, length, *chord, symbol.bass_at(tonic)))
                at += length
    return tuple(chords), key


def _given_score(task: ChordsTask, bars: int) -> Score:
    """What is there: chords, and a tune as the lead's."""
    per = task.setting.quarters_per_beat
    chords = tuple(
        replace(one, start_beats=one.start_beats / per, duration_beats=one.duration_beats / per) for one in task.chords
    )
    notes = tuple(sorted(_felt(task.melody, task.setting), key=lambda one: (one.start_beats, one.pitch)))
    tracks = (Track("lead", "flute", notes),) if notes else ()
    return Score(120.0, "C", "major", task.setting.time_signature, bars, (), tracks, chords)


def _key_of(task: ChordsTask, given: Score) -> tuple[str, str] | None:
    from noisician.score.chart import Symbol, chart_key

    if task.chords:
        return chart_key([Symbol("", one.root, one.quality) for one in task.chords])
    return estimate_key(pitch_class_weights(given.tracks)) if given.tracks else None


def _composed(task: ChordsTask, plan: Plan, given: Score, composer: Callable[[], Composer]) -> tuple[np.ndarray, Grid]:
    """(all that is asked of the harmony, the grid that is written around it). A tune is harmonised by the network
    alone: what styles have ready knows nothing of it."""
    steps = plan.bars * METERS[plan.time_signature].steps_per_bar
    tokens = np.tile(MASK_TOKENS, (steps, 1))
    kept = np.zeros(steps, np.int32)
    if given.chords:
        source = encode(replace(given, tracks=()), (0.0, 2))
        kept = kept_chords(replace(given, tracks=()), source)
        tokens[:, _CHORD] = np.where(source.tokens[:, _CHORD] == REST, MASK_TOKENS[_CHORD], source.tokens[:, _CHORD])
    if given.tracks:
        tokens[:, _LEAD] = encode(replace(given, chords=()), (0.0, 2)).tokens[:, _LEAD]
        playing = tuple(tuple(dict.fromkeys(("lead", *one))) for one in plan.players)
        plan = replace(plan, players=playing)
    settings = ComposerSettings(settle=not given.tracks)
    return kept, composer().compose(plan, task.setting.seed, settings, given=Grid(tokens, plan.time_signature))
