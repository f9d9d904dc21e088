"""What edits would make anew: the windows whose input changes, and how far that is heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from noisician.mel import FRAME_RATE_HZ
from noisician.mix import Timing
from noisician.mix.reach import reach
from noisician.models.embedded.apply import Edited
from noisician.models.embedded.play import frames_of, part_of, played_samples
from noisician.models.protocol import EditOutlook
from noisician.piece import Piece, to_dict
from noisician.renderer import Renderer
from noisician.renderer.conditions import RINGING_S
from noisician.renderer.render import FADE_FRAMES
from noisician.vocoder.synthesis import HALO_FRAMES

Span = tuple[float, float]
Window = tuple[int, int, bool]
#: A note sounds from so much before its beginning: the frame before an onset holds the first of its attack, and the
#: vocoder's transform is four hops long.
STARTS_S = 4 / FRAME_RATE_HZ
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
    rendered = {id_: spans for id_, spans in painted.items() if spans}
    return EditOutlook(words, to_dict(after), rendered, _heard(before, edited, changed), remarks)


def first_heard_s(before: Piece, edited: Edited, renderer: Renderer) -> float | None:
    """Where the track of the edited piece may begin to differ, in seconds; None where nothing is heard of it."""
    changed = {player.id: _changed(before, edited.piece, player.id, renderer) for player in edited.piece.plan.players}
    heard = _heard(before, edited, changed)
    return heard[0][0] if heard else None


def _changed(before: Piece, after: Piece, player: str, renderer: Renderer) -> list[Window]:
    """The windows of a player that differ, in frames, and whether they have to be rendered."""
    there = {one.id: one for one in before.plan.players}
    old = part_of(before, there[player]) if player in there else None
    return renderer.changed_windows(
        (old, frames_of(played_samples(before)), before.render),
        (part_of(after, after.plan.player(player)), frames_of(played_samples(after)), after.render),
    )


def _seconds(first: int, last: int, end_s: float) -> Span:
    return min(max(0.0, first / FRAME_RATE_HZ), end_s), min(last / FRAME_RATE_HZ, end_s)


def _heard(before: Piece, edited: Edited, changed: Mapping[str, Sequence[Window]]) -> tuple[Span, ...]:
    """The stretches of the track that would differ; ``changed`` are each player's windows that do."""
    after = edited.piece
    whole = ((0.0, after.plan.duration_s),)
    if edited.remaster or before.mix is None or after.mix is None or _mixes_otherwise(before, after):
        return whole
    gone = {player.id for player in before.plan.players} - {player.id for player in after.plan.players}
    if gone or len(after.plan.players) > len(before.plan.players):
        return whole
    windows = (window for each in changed.values() for window in each)
    touched = [
        _seconds(first - HEARD_BEFORE_FRAMES, last + HEARD_AFTER_FRAMES, after.plan.duration_s)
        for first, last, _ in windows
    ]
    touched += _moved(before, after)
    reaches = [reach(mix, Timing.of(after.score)) for mix in (before.mix, after.mix)]
    before_s, after_s = (max(seconds) for seconds in zip(*reaches, strict=True))
    return merged((max(0.0, start - before_s), min(end + after_s, after.plan.duration_s)) for start, end in touched)


def _mixes_otherwise(before: Piece, after: Piece) -> bool:
    """Whether anything but the players' sound and their strips differs."""
    assert before.mix is not None and after.mix is not None
    same_time = replace(before.plan, players=(), key_map=()) == replace(after.plan, players=(), key_map=())
    same_bus = replace(before.mix, strips=()) == replace(after.mix, strips=())
    players = {player.id for player in after.plan.players}
    voices = [[strip for strip in mix.strips if strip.key not in players] for mix in (before.mix, after.mix)]
    return not same_time or not same_bus or voices[0] != voices[1] or before.song != after.song


def _moved(before: Piece, after: Piece) -> Iterator[Span]:
    """The whole of what everybody plays whose strip in the mix differs."""
    assert before.mix is not None and after.mix is not None
    old = {strip.key: strip for strip in before.mix.strips}
    for strip in after.mix.strips:
        notes = part_of(after, after.plan.player(strip.key)).notes if old.get(strip.key) != strip else ()
        if notes:
            first_s = min(note.start_s for note in notes) - STARTS_S
            yield max(0.0, first_s), min(max(note.end_s for note in notes) + RINGING_S, after.plan.duration_s)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Stretches in order, those that touch made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1] + 1e-6:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)
