"""A piece from what the composer wrote, and one from a recipe of version 1, which kept no grid."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from noisician.composer import Plan, make_plan
from noisician.composer.hands import voices_of
from noisician.composer.pace import tempo_changes
from noisician.composer.shape import bars_played
from noisician.errors import FileError, RequestError
from noisician.piece.derive import derived_notes, numbered
from noisician.piece.model import KeyMark, MeterMark, Piece, PieceGrid, PiecePlan, Player, TempoMark
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import TONICS
from noisician.score import Note, Score, Section, Track
from noisician.score.chart import chart_tokens
from noisician.score.decode import part_octave
from noisician.score.encode import encode, estimate_swing, kept_chords
from noisician.score.grid import ROLE_STREAMS, Grid, moved_harmony, with_composed_chords
from noisician.score.hands import by_performer, one_track
from noisician.score.harmony import pitch_class
from noisician.score.model import METERS, VOICE, Meter
from noisician.score.perform import mean_energy, swing_pair_steps
from noisician.score.tempo import TempoChange
from noisician.styles import table
from noisician.vocals.song import Song

#: How loosely people play: see :func:`noisician.score.perform.perform`.
HUMANISE = 0.6


def stem_names(players: Iterable[Player | Track]) -> list[str]:
    """``drums-lofi_kit``, ``texture-rain``, …; a number is added where two would be the same.

    All hands of one player have one stem, which is called as the player is.
    """
    names: list[str] = []
    for player in players:
        if player.performer:
            names.append(player.performer)
            continue
        name = f"{player.role}-{player.instrument}"
        same = sum(existing == name or existing.startswith(f"{name}-") for existing in names)
        names.append(f"{name}-{same + 1}" if same else name)
    return names


def track_stems(tracks: Sequence[Track], stems: Collection[str]) -> list[str | None]:
    """For each player of a score (all hands together) the one of ``stems`` that holds its sound, None where none does.

    Singers' stems are called as their parts are.
    """
    played = iter(stem_names([track for track in tracks if track.instrument != VOICE]))
    names = [track.role if track.instrument == VOICE else next(played) for track in tracks]
    return [name if name in stems else None for name in names]


def performers(score: Score, stems: Collection[str]) -> list[tuple[Track, str | None]]:
    """Everybody who is heard, all hands of one player together, and the stem that holds it."""
    tracks = [one_track(hands) for hands in by_performer(score.tracks)]
    return list(zip(tracks, track_stems(tracks, stems), strict=True))


def noise_stream(stem_name: str) -> int:
    """The noise of a player is named after its first stem, so that adding or removing others leaves it alone."""
    return zlib.crc32(stem_name.encode())


def player_ids(roles: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """``bass``, ``texture``, ``texture-2``, …: the role, and a number where somebody has it already."""
    ids: list[str] = []
    used = set(taken)
    for role in roles:
        id_, number = role, 1
        while id_ in used:
            number += 1
            id_ = f"{role}-{number}"
        used.add(id_)
        ids.append(id_)
    return ids


def written_piece(
    plan: Plan,
    grid: Grid,
    seed: int,
    render: RenderSettings,
    song: Song | None = None,
    singing: str = "",
    chords: np.ndarray | None = None,
) -> Piece:
    """The piece of a composed grid, performed. Players with nothing to play are left out. ``chords`` are those of a
    text, int32 ``[steps]``, less than 0 where there are none.

    Raises RequestError where that would leave nobody.
    """
    outline = _outline(plan)
    kept = with_composed_chords(_asked_chords(plan, chords, len(grid.tokens)), grid.stream("chord"))
    instrumentation = [
        Player("", *part, plan.timbre_tags.get(part[0], ()), performer=plan.performers.get(part, ""), voice=voice)
        for part, voice in zip(plan.instrumentation, voices_of(plan.instrumentation), strict=True)
    ]
    placed = [
        replace(
            player,
            bars=_active_bars(plan, player.role),
            octave_semitones=part_octave(grid, player.role, player.instrument, plan.key, player.voice, kept),
        )
        for player in instrumentation
    ]
    notes = [derived_notes(outline, grid, player, seed, kept) for player in placed]
    heard = [place for place, own in enumerate(notes) if own]
    if not heard and song is None:
        raise RequestError(f"seed {seed} left every player of this piece silent; take another seed or more bars")
    players = _named([placed[place] for place in heard])
    return Piece(
        seed=seed,
        plan=replace(outline, players=players),
        grid=PieceGrid.of(grid, players, kept),
        notes={player.id: numbered(notes[place]) for player, place in zip(players, heard, strict=True)},
        render=render,
        song=song,
        singing=singing,
    )


def _asked_chords(plan: Plan, chords: np.ndarray | None, steps: int) -> np.ndarray:
    """All that was asked of the harmony, int32 ``[steps]``, where keys change in the key that is there."""
    tonic = pitch_class(plan.key)
    asked = np.zeros(steps, np.int32)
    if plan.chart is not None:
        written = chart_tokens(plan.chart, plan.sections, METERS[plan.time_signature], tonic)
        asked[: len(written)] = written[:steps]
    if chords is not None:
        asked[: len(chords)] = np.where(chords < 0, asked[: len(chords)], chords)
    for mark in plan.marks:
        if mark.kind == "key_change":
            first = mark.first * METERS[plan.time_signature].steps_per_bar
            asked[first:] = [moved_harmony(int(token), round(mark.value)) for token in asked[first:]]
    return asked


def _outline(plan: Plan) -> PiecePlan:
    return PiecePlan(
        tempo_map=_tempo_map(plan),
        meter_map=(MeterMark(0, plan.time_signature),),
        key_map=_key_map(plan),
        sections=plan.sections,
        players=(),
        duration_s=plan.duration_s,
        genres=plan.style.genres,
        moods=plan.style.moods,
        density=plan.style.density,
        production=plan.production,
        velocity_shift=plan.velocity_shift,
        swing=plan.swing,
        swing_unit=plan.swing_unit,
        humanise=HUMANISE,
        mean_energy=mean_energy(plan.sections),
        loop=plan.loop,
        ending=plan.ending,
        fade_in_s=_fade_in_s(plan),
        fade_out_s=_fade_out_s(plan),
        ornaments=_ornaments(plan),
    )


def _stated_meters(score: Score) -> list[MeterMark]:
    per_bar = score.meter.beats_per_bar
    return [MeterMark(change.start_beats / per_bar, change.time_signature) for change in score.meter_changes]


def _ornaments(plan: Plan) -> str:
    heaviest = max(plan.style.genres, key=lambda id_: plan.style.genres[id_], default="")
    return heaviest if heaviest in table("ornaments") else ""


def _tempo_map(plan: Plan) -> tuple[TempoMark, ...]:
    return _marks(plan.tempo_bpm, tempo_changes(plan), METERS[plan.time_signature])


def _marks(tempo_bpm: float, changes: Iterable[TempoChange], meter: Meter) -> tuple[TempoMark, ...]:
    marks = (TempoMark(change.start_beats / meter.beats_per_bar, change.tempo_bpm) for change in changes)
    return (TempoMark(0, tempo_bpm), *marks)


def _key_map(plan: Plan) -> tuple[KeyMark, ...]:
    """The key, and where it changes; the notes of a grid are moved there already."""
    changes = [mark for mark in plan.marks if mark.kind == "key_change"]
    moved = [(mark.first, TONICS[(pitch_class(plan.key) + round(mark.value)) % 12]) for mark in changes]
    return (KeyMark(0, plan.key, plan.mode), *(KeyMark(bar, key, plan.mode) for bar, key in moved))


def _fade_in_s(plan: Plan) -> float:
    fade = plan.feature("fade_in")
    return 0.0 if fade is None else min(fade.value or 0.0, plan.duration_s / 2)


def _fade_out_s(plan: Plan) -> float | None:
    """From the first bar that fades to the end of the track; None where nobody asked for a fade."""
    if plan.ending == "cut":
        return 0.0
    fade = plan.feature("fade_out")
    if fade is None:
        return None
    bars = min(round(fade.value or 0), max(1, plan.bars // 2))
    return plan.duration_s - (plan.bars - bars) * plan.bar_s


def _named(players: Sequence[Player]) -> tuple[Player, ...]:
    """Players with the ids and the noise they keep. One hand that is left alone is a player like any other."""
    hands = Counter(player.performer for player in players)
    players = [replace(one, performer=one.performer if hands[one.performer] > 1 else "") for one in players]
    ids = player_ids(player.role for player in players)
    streams = map(noise_stream, stem_names(players))
    return tuple(
        replace(player, id=id_, stream=stream) for player, id_, stream in zip(players, ids, streams, strict=True)
    )


def _active_bars(plan: Plan, role: str) -> tuple[tuple[int, int], ...]:
    """Where a role plays, neighbouring sections joined; textures and effects may sound anywhere."""
    if role not in ROLE_STREAMS:
        return ((0, plan.bars),)
    spans = [
        stretch
        for section, playing in zip(plan.sections, plan.players, strict=True)
        if role in playing
        for stretch in bars_played(section.start_bar, section.start_bar + section.bars, role, plan.rests)
    ]
    return joined(spans)


def joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Stretches (first, last + 1) in order, those that touch or overlap made one."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


@dataclass(frozen=True)
class Setting:
    """What a performed score does not tell of its piece; ``swing`` is its amount and the steps of the swung pair."""

    duration_s: float
    genres: Mapping[str, float]
    moods: Mapping[str, float]
    production: tuple[str, ...] = ()
    loop: bool = False
    density: float = 0.5
    velocity_shift: int = 0
    swing: tuple[float, int] | None = None


def piece_of_score(
    score: Score, setting: Setting, seed: int, render: RenderSettings, song: Song | None = None, singing: str = ""
) -> Piece:
    """The piece of a performed score: its very notes, and a grid as near as notes tell."""
    band = [track for track in score.tracks if track.instrument != VOICE]
    swing, pair_steps = estimate_swing(score) if setting.swing is None else setting.swing
    grid = encode(replace(score, tracks=tuple(band)), (swing, pair_steps))
    players = _named(
        [
            Player("", one.role, one.instrument, one.timbre_tags, _bars_of(one, score), performer=one.performer)
            for one in band
        ]
    )
    plan = PiecePlan(
        tempo_map=_marks(score.tempo_bpm, score.tempo_changes, score.meter),
        meter_map=(MeterMark(0, score.time_signature), *_stated_meters(score)),
        key_map=(KeyMark(0, score.key, score.mode),),
        sections=score.sections or (Section("verse", "A", 0, score.bars, 0.5),),
        players=players,
        duration_s=setting.duration_s,
        genres=setting.genres,
        moods=setting.moods,
        density=setting.density,
        production=setting.production,
        velocity_shift=setting.velocity_shift,
        swing=swing,
        swing_unit="eighth" if pair_steps == 4 else "sixteenth",
        humanise=HUMANISE,
        mean_energy=mean_energy(score.sections) if score.sections else 0.5,
        loop=setting.loop,
    )
    notes = {player.id: numbered(track.notes) for player, track in zip(players, band, strict=True)}
    chords = kept_chords(score, grid)
    return Piece(seed, plan, PieceGrid.of(grid, players, chords), notes, render, song, singing)


def piece_of_version_1(
    score: Mapping[str, Any], settings: Mapping[str, Any], controls: Mapping[str, Any], seed: int, prompt: str
) -> Piece:
    """The piece of a recipe that kept the performed notes alone: the same samples.

    Raises FileError for a recipe that was cut or edited.
    """
    try:
        given = Score.from_dict(score)
        render = RenderSettings(
            steps=int(settings["render"]["steps"]), last_time=float(settings["render"]["last_time"])
        )
        song = Song.from_dict(settings["song"]) if settings.get("song") is not None else None
        setting = Setting(
            duration_s=float(settings["duration_s"]),
            genres=dict(settings["genres"]),
            moods=dict(settings["moods"]),
            production=tuple(settings["production"]),
            loop=bool(settings["loop"]),
        )
        plan = _planned_again(controls, seed, given)
        if plan is not None:
            setting = replace(
                setting,
                density=plan.style.density,
                velocity_shift=plan.velocity_shift,
                swing=(plan.swing, swing_pair_steps(given.meter, plan.swing_unit)),
            )
        return piece_of_score(given, setting, seed, render, song, prompt)
    except (KeyError, TypeError, ValueError) as broken:
        raise FileError(f"the recipe is incomplete ({broken}); it was cut or edited") from broken


def _planned_again(controls: Mapping[str, Any], seed: int, score: Score) -> Plan | None:
    """The plan a score was written to, where today's tables still lead to it."""
    try:
        plan = make_plan(Controls.model_validate(controls), seed)
    except (ValidationError, RequestError):
        return None
    same = (plan.tempo_bpm, plan.key, plan.mode, plan.time_signature)
    return plan if same == (score.tempo_bpm, score.key, score.mode, score.time_signature) else None


def _bars_of(track: Track, score: Score) -> tuple[tuple[int, int], ...]:
    """The sections in which a track has notes."""
    if track.role not in ROLE_STREAMS:
        return ((0, score.bars),)
    bar_beats = score.meter.beats_per_bar
    spans = [(one.start_bar, one.start_bar + one.bars) for one in score.sections] or [(0, score.bars)]
    return joined(span for span in spans if any(_starts_in(note, span, bar_beats) for note in track.notes))


def _starts_in(note: Note, span: tuple[int, int], bar_beats: float) -> bool:
    return span[0] * bar_beats <= note.start_beats + 0.1 < span[1] * bar_beats
