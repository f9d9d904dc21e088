"""Edits drawn at random for a piece, each with whom it touches and the edit that takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.piece import Piece, Player
from noisician.request import TONICS
from noisician.score.model import METERS
from noisician.styles import instruments

JOINING = ("flute", "violin", "grand_piano")
BARS_LIMIT = 3


@dataclass(frozen=True)
class Drawn:
    """An edit, the ids of the players whom it names, and its inverse where an edit can be one."""

    edit: Mapping[str, Any]
    touched: frozenset[str]
    inverse: Mapping[str, Any] | None = None


def drawn_edit(kind: str, piece: Piece, rng: np.random.Generator) -> Drawn | None:
    """An edit of a kind; None where the piece has nobody for it. Whether it can be done only applying it tells."""
    return KINDS[kind](piece, rng)


def _one(rng: np.random.Generator, players: list[Player]) -> Player | None:
    return players[int(rng.integers(len(players)))] if players else None


def _line(piece: Piece, rng: np.random.Generator) -> Player | None:
    """Somebody whom the composer wrote, with notes."""
    columns = () if piece.grid is None else piece.grid.columns
    return _one(rng, [one for one in piece.plan.players if one.id in columns and piece.notes[one.id]])


def _pitched(piece: Piece, rng: np.random.Generator) -> Player | None:
    able = [one for one in piece.plan.players if instruments()[one.instrument].excitation == "harmonic"]
    return _one(rng, [one for one in able if piece.notes[one.id]])


def _bars(piece: Piece, rng: np.random.Generator) -> list[int]:
    first = int(rng.integers(1, piece.plan.bars + 1))
    return [first, int(rng.integers(first, min(first + BARS_LIMIT, piece.plan.bars) + 1))]


def _region(
    op: str, who: Callable[[Piece, np.random.Generator], Player | None], **values: Any
) -> Callable[[Piece, np.random.Generator], Drawn | None]:
    """An edit of one player's bars; what is callable is drawn."""

    def draw(piece: Piece, rng: np.random.Generator) -> Drawn | None:
        player = who(piece, rng)
        if player is None:
            return None
        told = {name: value(rng) if callable(value) else value for name, value in values.items()}
        edit = {"op": op, "players": [player.id], "bars": [_bars(piece, rng)], **told}
        return Drawn(edit, frozenset({player.id}))

    return draw


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 1000))


def _moved_note(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _pitched(piece, rng)
    if player is None:
        return None
    own = piece.notes[player.id]
    note = own[int(rng.integers(len(own)))]
    up = 2 if note.pitch < 100 else -2

    edit = {"op": "notes", "player": player.id, "change": [{"id": note.id, "pitch": note.pitch + up}]}
    return Drawn(edit, frozenset({player.id}), _notes_as_they_are(piece, player))


def _transposed(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _pitched(piece, rng)
    if player is None:
        return None
    semitones = int(rng.choice([-5, -2, 1, 3]))
    edit = {"op": "transpose", "players": [player.id], "bars": [_bars(piece, rng)], "semitones": semitones}
    return Drawn(edit, frozenset({player.id}), _notes_as_they_are(piece, player))


def _notes_as_they_are(piece: Piece, player: Player) -> dict[str, Any]:
    """The edit that makes changed notes of a player what they are now."""
    own = piece.notes[player.id]
    change = [{"id": note.id, "pitch": note.pitch, "is_set": note.is_set} for note in own]
    return {"op": "notes", "player": player.id, "change": change}


def _copied(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _line(piece, rng)
    if player is None:
        return None
    first, last = _bars(piece, rng)
    to_bar = int(rng.integers(1, piece.plan.bars - (last - first) + 1))
    return Drawn(
        {"op": "copy", "players": [player.id], "bars": [first, last], "to_bar": to_bar}, frozenset({player.id})
    )


def _chords(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    bass = [one.id for one in piece.plan.players if one.role == "bass" and one.written]
    chord = f"{TONICS[int(rng.integers(12))]}{rng.choice(['', 'm', '7'])}"
    said = [{"bar": int(rng.integers(1, piece.plan.bars + 1)), "chord": chord}]
    return Drawn({"op": "chords", "chords": said, "follow": bass[:1]}, frozenset(bass[:1]))


def _strip(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _one(rng, list(piece.plan.players))
    if player is None or piece.mix is None:
        return None
    strip = piece.mix.strip(player.id)
    edit = {
        "op": "mix",
        "player": player.id,
        "gain_db": float(rng.integers(-9, 4)),
        "pan": float(rng.uniform(-0.5, 0.5)),
    }
    return Drawn(edit, frozenset(), {**edit, "gain_db": strip.fader_db, "pan": strip.place.pan})


def _tempo(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    now, factor = piece.plan.tempo_bpm, float(rng.choice([0.9, 1.1]))
    everybody = frozenset(one.id for one in piece.plan.players)
    return Drawn({"op": "tempo", "tempo_bpm": round(now * factor, 1)}, everybody, {"op": "tempo", "tempo_bpm": now})


def _meter(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    names = [name for name in METERS if name != piece.plan.time_signature]
    everybody = frozenset(one.id for one in piece.plan.players)
    return Drawn({"op": "meter", "time_signature": names[int(rng.integers(len(names)))]}, everybody)


def _key(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    key = TONICS[int(rng.integers(12))]
    everybody = frozenset(one.id for one in piece.plan.players)
    return Drawn({"op": "key", "key": key}, everybody, {"op": "key", "key": piece.plan.key})


def _doubled(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    section = int(rng.integers(1, len(piece.plan.sections) + 1))
    everybody = frozenset(one.id for one in piece.plan.players)
    return Drawn(
        {"op": "sections", "action": "duplicate", "section": section},
        everybody,
        {"op": "sections", "action": "delete", "section": section + 1},
    )


def _extended(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    everybody = frozenset(one.id for one in piece.plan.players)
    # No inverse: what ended with the piece is held to where the music goes on, and stays so when that is deleted.
    return Drawn({"op": "extend", "by_bars": 2, "seed": _seed(rng)}, everybody)


def _joined(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    instrument = str(rng.choice(JOINING))
    taken = {one.id for one in piece.plan.players}
    roles = {one.role for one in piece.plan.players}
    role = next((one for one in instruments()[instrument].roles if one not in roles), None)
    if role is None or role in taken:
        return None
    edit = {"op": "add_player", "instrument": instrument, "role": role, "bars": [_bars(piece, rng)], "seed": _seed(rng)}
    return Drawn(edit, frozenset(), {"op": "remove_player", "player": role})


def _left(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _one(rng, list(piece.plan.players))
    return None if player is None else Drawn({"op": "remove_player", "player": player.id}, frozenset({player.id}))


def _replaced(piece: Piece, rng: np.random.Generator) -> Drawn | None:
    player = _pitched(piece, rng)
    if player is None:
        return None
    instrument = str(rng.choice([one for one in JOINING if one != player.instrument]))
    # No inverse: its place in the mix is decided anew, on the side that is lighter by then.
    edit = {"op": "replace_instrument", "player": player.id, "instrument": instrument}
    return Drawn(edit, frozenset({player.id}))


KINDS: Mapping[str, Callable[[Piece, np.random.Generator], Drawn | None]] = {
    "regenerate": _region("regenerate", _line, seed=_seed),
    "regenerate, rhythm kept": _region("regenerate", _line, seed=_seed, keep="rhythm"),
    "vary": _region("vary", _line, seed=_seed, strength=0.4),
    "rest": _region("rest", _line),
    "timing": _region("timing", _line, quantise=1.0, velocity=9),
    "use from": _region("use_from", _line, source="lender"),
    "notes": _moved_note,
    "transpose": _transposed,
    "copy": _copied,
    "chords": _chords,
    "mix": _strip,
    "tempo": _tempo,
    "meter": _meter,
    "key": _key,
    "sections": _doubled,
    "extend": _extended,
    "add player": _joined,
    "remove player": _left,
    "replace instrument": _replaced,
}
