"""How intense a piece can be played: who rests in its calm and its tense version.

All versions have the same notes and the same mix; they differ in who is muted, so a game can cross-fade between them at
any sample. Who drives a piece most rests first: the kit, then whoever leads or sings, then what moves in fast notes,
then the rest, the ground last. Of one role, who plays more and harder rests first. A third of those who play
rest when it is tense, two thirds when it is calm; somebody always stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from noisician.errors import RequestError
from noisician.piece.model import Piece
from noisician.score import Note

#: From calm to full.
INTENSITIES = ("calm", "tense", "full")
_VOICE = "voice"
#: Roles by how much they drive, most first.
_DRIVING = ("drums", "lead", _VOICE, "arp", "counter", "bass", "fx", "chords", "pad", "texture")
_RESTING_SHARE = {"calm": 2 / 3, "tense": 1 / 3, "full": 0.0}


@dataclass(frozen=True)
class Performer:
    """Somebody who can rest: ``keys`` of strips in the mix that go together. ``force`` is the sum of all velocities."""

    keys: tuple[str, ...]
    role: str
    force: float


def resting(piece: Piece) -> Mapping[str, tuple[str, ...]]:
    """Who is muted in each of INTENSITIES, as keys of strips. Raises RequestError for a piece in which nobody plays."""
    return resting_of(_performers(piece))


def resting_of(performers: Iterable[Performer]) -> Mapping[str, tuple[str, ...]]:
    """As :func:`resting`; those without a note neither count nor rest."""
    playing = [one for one in performers if one.force > 0]
    if not playing:
        raise RequestError("nobody plays in this piece, so there is nothing to take away")
    playing.sort(key=lambda one: (_DRIVING.index(one.role), -one.force, one.keys))
    return {
        name: tuple(key for one in playing[: _count(len(playing), share)] for key in one.keys)
        for name, share in _RESTING_SHARE.items()
    }


def _count(playing: int, share: float) -> int:
    """How many of those who play rest: at least one where a version is not the full one, and never all."""
    return min(playing - 1, max(1, round(playing * share))) if share else 0


def _performers(piece: Piece) -> list[Performer]:
    """Who is heard: players, and all singers together."""
    muted = set() if piece.mix is None else {strip.key for strip in piece.mix.strips if strip.muted}
    players = [
        Performer((hands[0].key,), hands[0].role, sum(_force(piece.notes.get(one.id, ())) for one in hands))
        for hands in piece.plan.performers
        if hands[0].key not in muted
    ]
    if piece.song is None or piece.mix is None:
        return players
    ids = {player.key for player in piece.plan.players}
    voices = tuple(strip.key for strip in piece.mix.strips if strip.key not in ids | muted)
    sung = tuple(note for track in piece.score.tracks if not track.player for note in track.notes)
    return [*players, Performer(voices, _VOICE, _force(sung))] if voices else players


def _force(notes: Iterable[Note]) -> float:
    return float(sum(note.velocity for note in notes))
