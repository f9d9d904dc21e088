"""Edits of who plays, who sings, and how they stand in the mix."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from itertools import chain, count

from noisician.edits import RemovePlayer, ReplaceInstrument, SetFades, SetStrip, SetVoice, SetWords
from noisician.errors import RequestError
from noisician.mix import Mix
from noisician.models.embedded.apply.context import Applying, hands_named
from noisician.models.embedded.apply.hearing import written_down
from noisician.piece import Piece, Player
from noisician.piece.derive import derived, patched
from noisician.request import Request
from noisician.score.decode import part_octave
from noisician.score.grid import ROLE_STREAMS
from noisician.styles import instruments
from noisician.vocals.voices import parse_voice
from noisician.vocals.words import resung


def remove_player(piece: Piece, edit: RemovePlayer, applying: Applying) -> Piece:
    """Raises RequestError where that would leave silence."""
    first, *others = gone = hands_named(piece, edit.player)
    ids, name = {player.id for player in gone}, first.key if others else first.id
    players = tuple(one for one in piece.plan.players if one.id not in ids)
    if not players and piece.song is None:
        raise RequestError(f"{name} is the last player; without it nothing would be heard")
    notes = {id_: own for id_, own in piece.notes.items() if id_ not in ids}
    if not any(notes.values()) and piece.song is None:
        raise RequestError(f"without {name} nobody would be heard; nobody else has a note")
    grid = piece.grid
    if grid is not None:
        grid = replace(grid, columns={id_: own for id_, own in grid.columns.items() if id_ not in ids})
    after = replace(
        piece,
        plan=replace(piece.plan, players=players),
        notes=notes,
        grid=grid,
        draws={id_: spans for id_, spans in piece.draws.items() if id_ not in ids},
    )
    return _without_strip(after, first.key, ids)


def _without_strip(piece: Piece, key: str, ids: Set[str]) -> Piece:
    """The piece without a strip of which no hand but those of ``ids`` is left; others keep it."""
    if piece.mix is None or any(one.id not in ids for one in piece.plan.hands_of(key)):
        return piece
    return replace(piece, mix=piece.mix.without(key))


def replace_instrument(piece: Piece, edit: ReplaceInstrument, applying: Applying) -> Piece:
    """The same part on another instrument, in its range; its place in the mix is decided for it alone.

    One hand of several leaves the others, who play on; all of them, where their player is named, change together.
    """
    hands = hands_named(piece, edit.player)
    key = hands[0].key
    name = _new_performer(piece, edit.instrument) if len(hands) > 1 else ""
    for player in hands:
        piece = _on_instrument(piece, player, edit, name)
    return _without_strip(piece, key, {player.id for player in hands})


def _new_performer(piece: Piece, instrument: str) -> str:
    """What somebody with several hands is called on another instrument."""
    taken = {name for one in piece.plan.players for name in (one.id, one.performer)}
    names = chain((instrument,), (f"{instrument}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _on_instrument(piece: Piece, player: Player, edit: ReplaceInstrument, performer: str) -> Piece:
    table = instruments()
    if edit.instrument not in table:
        raise RequestError(f"unknown instrument {edit.instrument!r}; 'noisician styles instruments' lists them")
    if table[edit.instrument].excitation != table[player.instrument].excitation:
        raise RequestError(
            f"{edit.instrument} cannot play what {player.instrument} plays: one has pitches, one has none"
        )
    piece = written_down(piece, [player])
    changed = replace(player, instrument=edit.instrument, performer=performer)
    if player.role in ROLE_STREAMS and player.written and piece.grid is not None:
        heard = piece.grid.alone(player, piece.plan.time_signature)
        octave = part_octave(heard, player.role, edit.instrument, piece.plan.key, player.voice)
        changed = replace(changed, octave_semitones=octave)
    after = replace(piece, plan=piece.plan.with_player(changed))
    notes = patched(piece.notes[player.id], derived(piece, player), derived(after, changed), piece.plan)
    return replace(after, notes={**piece.notes, player.id: notes})


def set_words(piece: Piece, edit: SetWords, applying: Applying) -> Piece:
    """Other words on the same tune; lines whose words stay the same are sung as they were."""
    if piece.song is None:
        raise RequestError("nobody sings in this piece; make it with --lyrics")
    request = Request(lyrics=edit.lyrics, language=piece.song.language)
    song = resung(piece.song, piece.score, request, piece.seed)
    if song is None:
        raise RequestError("the new words have another form (sections or lines); keep the form, or make a new piece")
    return replace(piece, song=song)


def set_voice(piece: Piece, edit: SetVoice, applying: Applying) -> Piece:
    """Another voice on the same tune, in its own octave."""
    if piece.song is None:
        raise RequestError("nobody sings in this piece; make it with --lyrics or --vocals")
    old, new = parse_voice(piece.song.voice), parse_voice(edit.voice)
    octaves = 12 * round((sum(new.range) - sum(old.range)) / 2 / 12)
    lines = tuple(line.transposed(lambda pitch: pitch + octaves) for line in piece.song.lines)
    return replace(piece, song=replace(piece.song, voice=new.id, lines=lines))


def set_strip(piece: Piece, edit: SetStrip, applying: Applying) -> Piece:
    """A player's fader, pan, sends or mute. Raises RequestError for a mix in which nobody would be heard."""
    mix = _mix(piece)
    key = edit.player
    if all(strip.key != key for strip in mix.strips):
        hand = hands_named(piece, edit.player)[0]
        key = hand.key
        if hand.performer:
            applying.remark(f"{edit.player} is a hand of {key}, which has one place in the mix: all of {key} changes")
    changed = mix.adjusted(
        key,
        fader_db=edit.gain_db,
        pan=edit.pan,
        reverb_send=edit.reverb,
        delay_send=edit.delay,
        muted=edit.muted,
    )
    if all(strip.muted for strip in changed.strips):
        raise RequestError(f"with {key} muted nobody would be heard; keep at least one player")
    return replace(piece, mix=changed)


def set_fades(piece: Piece, edit: SetFades, applying: Applying) -> Piece:
    if piece.plan.loop:
        raise RequestError("a loop has no ends to fade")
    if edit.fade_in_s + edit.fade_out_s > piece.plan.duration_s:
        raise RequestError(
            f"fades of {edit.fade_in_s:g} and {edit.fade_out_s:g} s in a piece of {piece.plan.duration_s:.1f} s; they "
            "have to fit"
        )
    return replace(piece, mix=_mix(piece).with_fades(edit.fade_in_s, edit.fade_out_s))


def _mix(piece: Piece) -> Mix:
    if piece.mix is None:
        raise RequestError(
            "the piece's mix was never decided; render it once (noisician make --from FILE), then mix it"
        )
    return piece.mix
