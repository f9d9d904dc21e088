"""How far a change of a dry stem is heard in the track: outside it no bit changes.

The change goes the way of :mod:`noisician.mix.mixer`: whatever filters rounds it out to rows of the grid, envelopes,
room and echo let it last.
"""

from __future__ import annotations

from collections.abc import Iterator

from noisician.loudness import PEAK_REACH
from noisician.mix import dynamics
from noisician.mix.bus import colour_span
from noisician.mix.desk import mix_echo_taps
from noisician.mix.drive import REACH
from noisician.mix.filters import HOP, SAMPLE_RATE_HZ
from noisician.mix.grid import MEMORY, ROW, ROWS
from noisician.mix.mixer import AFTER_HOPS, BEFORE_HOPS
from noisician.mix.numbers import Mix, Strip
from noisician.mix.space import CHORUS_BASE_S, tail_s
from noisician.mix.timing import Timing
from noisician.mix.vocals import treated_hops

Span = tuple[int, int]


def reach(mix: Mix, timing: Timing, key: str | None = None) -> tuple[float, float]:
    """Seconds before and after a change of a dry stem within which the track may change, wherever it lies on the grid.

    ``key`` names the player whose stem changes; None stands for any. Raises :class:`RequestError` when it is not there.
    """
    keys = [strip.key for strip in mix.strips] if key is None else [key]
    before, after = 0, 0
    for name in keys:
        for at in range(0, ROW, HOP):
            first, last = changed_span(mix, timing, name, at, at + 1)
            before, after = max(before, at + HOP - 1 - first), max(after, last - at - 1)
    return before / SAMPLE_RATE_HZ, after / SAMPLE_RATE_HZ


def changed_span(mix: Mix, timing: Timing, key: str, start: int, stop: int) -> Span:
    """The frames (first, last + 1) of the track that may change when frames ``start … stop`` of a player's dry stem do.

    They may lie outside the piece, and in a loop go round it. The instrumental, which has a limiter of its own, changes
    up to a quarter of a second longer.
    """
    spans = [_through_master(mix, span) for span in _in_premaster(mix, timing, mix.strip(key), (start, stop))]
    return min(first for first, _ in spans), max(last for _, last in spans)


def _in_premaster(mix: Mix, timing: Timing, strip: Strip, span: Span) -> Iterator[Span]:
    """What changes in the premaster: the stem's own share and that of those who give way to it."""
    chain = strip.place.chain
    if chain is None:
        yield _through_desk(mix, timing, strip, span)
        return
    first, last = _rows(mix, span, ROWS.taps - 1)
    yield _through_desk(mix, timing, strip, (first - 2 * HOP, last + (treated_hops(chain, MEMORY) + 2) * HOP))
    if strip.place.leads:
        first, last = _hops(mix, span)
        sung = first - HOP, last + (dynamics.voice_shape_hops(MEMORY) + 2) * HOP
        for other in mix.strips:
            if other.place.give_way_db > 0 and other.place.chain is None:
                yield _through_desk(mix, timing, other, sung)


def _through_desk(mix: Mix, timing: Timing, strip: Strip, span: Span) -> Span:
    """A strip's filters, its echo and its room."""
    place, (first, last) = strip.place, span
    if place.drive is not None:
        first, last = first - REACH, last + REACH
    if place.chorus_ms:
        last += round((CHORUS_BASE_S + place.chorus_ms / 1000) * SAMPLE_RATE_HZ) + 3
    first, dry = _rows(mix, (first, last), ROWS.taps - 1)
    last = dry
    if place.delay_send > 0:
        longest = max((delay for delay, _, _ in mix_echo_taps(mix, timing)), default=-2 * ROW)
        last = max(last, _rows(mix, (first, dry), ROWS.taps - 1)[1] + longest)
    if place.reverb_send > 0:
        room = mix.voice_room if place.chain is not None else mix.room
        partitions = -(-round(tail_s(room) * SAMPLE_RATE_HZ) // ROW)
        last = max(last, _rows(mix, (first, dry))[1] + partitions * ROW)
    return first, last


def _through_master(mix: Mix, span: Span) -> Span:
    """Colour, compressor and limiter."""
    before, after = colour_span(mix.settings.lofi)
    first, last = _rows(mix, (span[0] - after, span[1]), before)
    heard_first, heard_last = _hops(mix, (first - PEAK_REACH, last + PEAK_REACH))
    return heard_first - AFTER_HOPS * HOP, heard_last + BEFORE_HOPS * HOP


def _rows(mix: Mix, span: Span, back: int = 0) -> Span:
    """The rows that read any of a span, ``back`` frames before themselves."""
    return _rounded(mix, (span[0], span[1] + back), ROW)


def _hops(mix: Mix, span: Span) -> Span:
    return _rounded(mix, span, HOP)


def _rounded(mix: Mix, span: Span, grid: int) -> Span:
    """Rounded out to a grid; where a loop begins again it need not go on, so anywhere."""
    first, last = span
    if mix.finish.loop:
        return first - grid + 1, last + grid - 1
    return first // grid * grid, -(-last // grid) * grid
