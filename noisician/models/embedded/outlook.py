"""What edits would make anew: the windows whose input changes, and how far that is heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from noisician.mel import FRAME_RATE_HZ
from noisician.mix import Timing
from noisician.mix.reach import reach
from noisician.models.embedded.apply import Edited
from noisician.models.embedded.play import frames_of, part_of, played_samples
from noisician.models.protocol import EditOutlook
from noisician.piece import Piece, to_dict
from noisician.renderer import Renderer
from noisician.renderer.render import FADE_FRAMES
from noisician.vocoder.synthesis import HALO_FRAMES

Span = tuple[float, float]
#: Beyond a window that differs, frames that do too: the ringing before it may fade elsewhere, and the vocoder hears a
#: little on both sides.
HEARD_BEFORE_FRAMES, HEARD_AFTER_FRAMES = FADE_FRAMES + HALO_FRAMES, HALO_FRAMES


def outlook_of(
    before: Piece, edited: Edited, renderer: Renderer, words: tuple[str, ...], remarks: tuple[str, ...]
) -> EditOutlook:
    """What rendering the edited piece would paint and change, against the one before."""
    after = edited.piece
    changed = {player.id: _changed(before, after, player.id, renderer) for player in after.plan.players}
    end_s = after.plan.duration_s
    painted = {
        id_: merged(_seconds(first, last, end_s) for first, last, is_painted in windows if is_painted)
        for id_, windows in changed.items()
    }
    touched = [
        _seconds(first - HEARD_BEFORE_FRAMES, last + HEARD_AFTER_FRAMES, end_s)
        for windows in changed.values()
        for first, last, _ in windows
    ]
    rendered = {id_: spans for id_, spans in painted.items() if spans}
    return EditOutlook(words, to_dict(after), rendered, _heard(before, edited, touched), remarks)


def _changed(before: Piece, after: Piece, player: str, renderer: Renderer) -> list[tuple[int, int, bool]]:
    """The windows of a player that differ, in frames, and whether they have to be rendered."""
    there = {one.id: one for one in before.plan.players}
    old = part_of(before, there[player]) if player in there else None
    return renderer.changed_windows(
        (old, frames_of(played_samples(before)), before.render),
        (part_of(after, after.plan.player(player)), frames_of(played_samples(after)), after.render),
    )


def _seconds(first: int, last: int, end_s: float) -> Span:
    return min(max(0.0, first / FRAME_RATE_HZ), end_s), min(last / FRAME_RATE_HZ, end_s)


def _heard(before: Piece, edited: Edited, touched: Sequence[Span]) -> tuple[Span, ...]:
    """The stretches of the track that would differ."""
    after = edited.piece
    whole = ((0.0, after.plan.duration_s),)
    if edited.remaster or before.mix is None or after.mix is None or _mixes_otherwise(before, after):
        return whole
    gone = {player.id for player in before.plan.players} - {player.id for player in after.plan.players}
    if gone or len(after.plan.players) > len(before.plan.players):
        return whole
    reach_before_s, reach_after_s = reach(after.mix, Timing.of(after.score))
    return merged(
        (max(0.0, start - reach_before_s), min(end + reach_after_s, after.plan.duration_s)) for start, end in touched
    )


def _mixes_otherwise(before: Piece, after: Piece) -> bool:
    """Whether anything but the players' sound differs."""
    same_time = replace(before.plan, players=(), key_map=()) == replace(after.plan, players=(), key_map=())
    return not same_time or before.mix != after.mix or before.song != after.song


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Stretches in order, those that touch made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1] + 1e-6:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)
