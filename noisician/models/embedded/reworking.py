"""A changed request as edits of the piece that came of the old one: what was not named stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import ValidationError

from noisician.edits import AddPlayer, Edit, RemovePlayer, ReplaceInstrument, SetKey, SetMeter, SetTempo, SetVoice
from noisician.piece import Piece, Player
from noisician.prompt import Controls
from noisician.recipe import Recipe
from noisician.request import Request, TimeSignature
from noisician.styles import instruments

#: Fields of a request that an edit can meet; any other makes the music anew.
_MET_BY_EDITS = frozenset({"tempo_bpm", "key", "mode", "time_signature", "instruments", "without", "voice"})
#: Fields that change no sound.
_UNHEARD = frozenset({"takes", "seed", "carry_instruments"})

MADE_ANEW = "made anew, for the piece could not take the change: {}"


def edits_for(recipe: Recipe, piece: Piece, request: Request, controls: Controls, seed: int) -> tuple[Edit, ...] | None:
    """What makes of a recipe's ``piece`` what another request asks for; None where that is other music.

    ``controls`` are what the new request means, and ``seed`` what it is made with: another seed is another piece.
    """
    changed = _changed(recipe.request, request)
    if seed != recipe.seed or not changed or not changed <= _MET_BY_EDITS:
        return None
    try:
        before = Controls.model_validate(recipe.controls)
    except ValidationError:  # what an older or newer noisician understood is not known here
        return None
    edits: list[Edit] = []
    if "time_signature" in changed and controls.time_signature not in (None, piece.plan.time_signature):
        edits.append(SetMeter(time_signature=cast(TimeSignature, controls.time_signature)))
    if changed & {"key", "mode"} and controls.key is not None:
        edits.append(SetKey(key=controls.key, mode=controls.mode))
    elif "mode" in changed and controls.mode is not None:
        edits.append(SetKey(key=piece.plan.key, mode=controls.mode))
    if "tempo_bpm" in changed and controls.tempo_bpm is not None:
        edits.append(SetTempo(tempo_bpm=controls.tempo_bpm))
    if "without" in changed:
        edits += _removals(piece.plan.players, set(controls.excluded) - set(before.excluded))
    if "instruments" in changed:
        old = {*before.instruments, *before.textures}
        edits += _casts(piece.plan.players, [*controls.instruments, *controls.textures], old)
    if "voice" in changed and piece.song is not None and request.voice is not None:
        edits.append(SetVoice(voice=request.voice))
    return tuple(edits)


def _changed(before: Request, after: Request) -> set[str]:
    return {name for name in Request.model_fields if getattr(before, name) != getattr(after, name)} - _UNHEARD


def _removals(players: Sequence[Player], excluded: set[str]) -> list[Edit]:
    """Whoever is of a role, a family or an instrument that is left out now."""
    table = instruments()
    return [
        RemovePlayer(player=player.id)
        for player in players
        if excluded & {player.role, player.instrument}
        or (player.instrument in table and table[player.instrument].family in excluded)
    ]


def _casts(players: Sequence[Player], wanted: Sequence[str], old: set[str]) -> list[Edit]:
    """Whoever has a job of a new instrument plays it instead; where nobody has, it joins."""
    table, edits = instruments(), []
    playing, taken = {player.instrument for player in players}, set[str]()
    for name in wanted:
        if name in old or name in playing:
            continue
        jobs = table[name].roles
        free = [
            player
            for role in jobs
            for player in players
            if player.role == role and player.id not in taken and player.instrument not in wanted
        ]
        if free:
            taken.add(free[0].id)
            edits.append(ReplaceInstrument(player=free[0].id, instrument=name))
        else:
            edits.append(AddPlayer(instrument=name))
    return edits
