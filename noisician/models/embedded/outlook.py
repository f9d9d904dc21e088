"""What edits would make anew: the windows whose input changes, and how far that is heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor

from noisician.mel import FRAME_RATE_HZ
from noisician.mix import Timing
from noisician.mix.reach import reach
from noisician.mix.strips import duck_release_s
from noisician.models.embedded.apply import Edited
from noisician.models.embedded.play import frames_of, keys_of, part_of, played_samples
from noisician.models.protocol import EditOutlook
from noisician.piece import Piece, to_dict
from noisician.renderer import Renderer
from noisician.renderer.conditions import RINGING_S
from noisician.renderer.kit import REACH_FRAMES
from noisician.renderer.render import FADE_FRAMES
from noisician.vocoder.synthesis import HALO_FRAMES

Span = tuple[float, float]
Window = tuple[int, int, bool]
#: A note sounds from so much before its beginning: the frame before an onset holds the first of its attack, and the
#: vocoder's transform is four hops long.
STARTS_S = 4 / FRAME_RATE_HZ
#: Beyond a window that differs, frames that do too: the ringing before it may fade elsewhere, and the vocoder hears a
#: little on both sides, as do the sides of kits.
HEARD_AFTER_FRAMES = HALO_FRAMES + REACH_FRAMES
HEARD_BEFORE_FRAMES = FADE_FRAMES + HEARD_AFTER_FRAMES


def outlook_of(
    before: Piece, edited: Edited, renderer: Renderer, words: tuple[str, ...], remarks: tuple[str, ...]
) -> EditOutlook:
    """What rendering the edited piece would paint and change, against the one before."""
    after = edited.piece
    changed = {key: _changed(before, after, key, renderer) for key in keys_of(after, ())}
    end_s = after.plan.duration_s
    painted = {
        id_: merged(_seconds(first, last, end_s) for first, last, is_painted in windows if is_painted)
        for id_, windows in changed.items()
    }
    rendered = {id_: spans for id_, spans in painted.items() if spans}
    return EditOutlook(words, to_dict(after), rendered, _heard(before, edited, changed), remarks)


def first_heard_s(before: Piece, edited: Edited, renderer: Renderer) -> float | None:
    """Where the track of the edited piece may begin to differ, in seconds; None where nothing is heard of it."""
    changed = {key: _changed(before, edited.piece, key, renderer) for key in keys_of(edited.piece, ())}
    heard = _heard(before, edited, changed)
    return heard[0][0] if heard else None


def _changed(before: Piece, after: Piece, key: str, renderer: Renderer) -> list[Window]:
    """The windows of a player that differ, in frames, and whether they have to be rendered."""
    there = before.plan.hands_of(key)
    old = part_of(before, there) if there else None
    return renderer.changed_windows(
        (old, frames_of(played_samples(before)), before.render),
        (part_of(after, after.plan.hands_of(key)), frames_of(played_samples(after)), after.render),
    )


def _seconds(first: int, last: int, end_s: float) -> Span:
    return min(max(0.0, first / FRAME_RATE_HZ), end_s), min(last / FRAME_RATE_HZ, end_s)


def _heard(before: Piece, edited: Edited, changed: Mapping[str, Sequence[Window]]) -> tuple[Span, ...]:
    """The stretches of the track that would differ; ``changed`` are each player's windows that do."""
    after = edited.piece
    whole = ((0.0, after.plan.duration_s),)
    if edited.remaster or before.mix is None or after.mix is None or _mixes_otherwise(before, after):
        return whole
    if set(keys_of(before, ())) != set(keys_of(after, ())):
        return whole
    heard: list[Span] = []
    for player, windows in changed.items():
        dry = [
            ((first - HEARD_BEFORE_FRAMES) / FRAME_RATE_HZ, (last + HEARD_AFTER_FRAMES) / FRAME_RATE_HZ)
            for first, last, _ in windows
        ]
        heard += _reaching([*dry, *_moved(before, after, player)], before, after, player)
    heard += _reaching(_ducked_otherwise(before, after), before, after)
    return merged(span for start, end in heard for span in _in_track(start, end, after))


def _reaching(spans: Iterable[Span], before: Piece, after: Piece, player: str | None = None) -> list[Span]:
    """Where changes of a player's dry stem, or of anybody's, are heard in either mix."""
    spans = list(spans)
    if not spans:
        return []
    assert before.mix is not None and after.mix is not None
    reaches = [reach(mix, Timing.of(after.score), player) for mix in (before.mix, after.mix)]
    before_s, after_s = (max(seconds) for seconds in zip(*reaches, strict=True))
    return [(start - before_s, end + after_s) for start, end in spans]


def _in_track(start: float, end: float, piece: Piece) -> Iterator[Span]:
    """A stretch as far as it lies in the track; in a loop what goes beyond an end comes in at the other."""
    duration_s = piece.plan.duration_s
    rounds = range(floor(start / duration_s), ceil(end / duration_s)) if piece.plan.loop else range(1)
    for turn in rounds:
        first, last = max(0.0, start - turn * duration_s), min(end - turn * duration_s, duration_s)
        if first < last:
            yield first, last


def _ducked_otherwise(before: Piece, after: Piece) -> Iterator[Span]:
    """Where others duck for a kick that was not there, or no longer for one that was."""
    old, new = Timing.of(before.score), Timing.of(after.score)
    for kick_s in {*old.kicks_s} ^ {*new.kicks_s}:
        # The curve's attack and hold are shorter than a note's own beginning.
        yield kick_s - STARTS_S, kick_s + STARTS_S + duck_release_s(new.tempo_bpm)


def _mixes_otherwise(before: Piece, after: Piece) -> bool:
    """Whether anything but the players' sound and their strips differs."""
    assert before.mix is not None and after.mix is not None
    same_time = replace(before.plan, players=(), key_map=()) == replace(after.plan, players=(), key_map=())
    same_bus = replace(before.mix, strips=()) == replace(after.mix, strips=())
    players = {*keys_of(before, ()), *keys_of(after, ())}
    voices = [[strip for strip in mix.strips if strip.key not in players] for mix in (before.mix, after.mix)]
    return not same_time or not same_bus or voices[0] != voices[1] or before.song != after.song


def _moved(before: Piece, after: Piece, player: str) -> Iterator[Span]:
    """The whole of what a player plays, where its strip in the mix differs."""
    assert before.mix is not None and after.mix is not None
    if before.mix.strip(player) != after.mix.strip(player):
        notes = part_of(after, after.plan.hands_of(player)).notes
        if notes:
            yield min(note.start_s for note in notes) - STARTS_S, max(note.end_s for note in notes) + RINGING_S


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Stretches in order, those that touch made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1] + 1e-6:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)
