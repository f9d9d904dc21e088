"""The second voice: parallel thirds, held guide tones, answers in the gaps, brass stabs, runs, echoes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from noisician.corpus.compose.library import pick
from noisician.corpus.compose.melody import Style, chord_pitch, ladder, make_motif, nearest, place_notes, realise
from noisician.corpus.compose.spec import Stage
from noisician.score.grid import FIRST_ONSET, HOLD, REST, pitch_of
from noisician.score.patterns import bars_of
from noisician.score.progressions import Span
from noisician.styles import table

COUNTER_LOW, COUNTER_HIGH = 52, 80
_Notes = list[tuple[int, int, int]]


def notes_of(tokens: np.ndarray) -> _Notes:
    """(step, duration, pitch) of a monophonic stream."""
    notes = []
    for step in np.flatnonzero(tokens >= FIRST_ONSET):
        end = int(step) + 1
        while end < len(tokens) and tokens[end] == HOLD:
            end += 1
        notes.append((int(step), end - int(step), pitch_of(int(tokens[step]))[0]))
    return notes


def _fold(pitch: int) -> int:
    while pitch > COUNTER_HIGH:
        pitch -= 12
    while pitch < COUNTER_LOW:
        pitch += 12
    return pitch


def _thirds(stage: Stage, lead: np.ndarray) -> _Notes:
    """A third below the lead (a sixth where the chord wants it), on the lead's longer notes."""
    out = []
    for step, duration, pitch in notes_of(lead):
        if duration < 2 and step % stage.meter.steps_per_beat:
            continue
        span = stage.harmony.at(step)
        steps = ladder(stage.harmony.mode, span.root, span.quality, "mode")
        below = steps[max(nearest(steps, pitch) - 2, 0)]
        if step % stage.meter.steps_per_beat == 0 and below % 12 not in span.tones:
            below = chord_pitch(span, below - 1, COUNTER_LOW - 4, COUNTER_HIGH)
        out.append((step, duration, _fold(below)))
    return out


def _guide_tone(span: Span, previous: int) -> int:
    """Third or seventh (else any tone) of the chord nearest to the voice's last pitch."""
    guides = [tone for tone in span.tones[1:] if tone != (span.root + 7) % 12] or list(span.tones)
    pool = [pitch for pitch in range(COUNTER_LOW + 2, COUNTER_HIGH - 3) if pitch % 12 in guides]
    return pool[nearest(pool, previous)]


def _sustained(stage: Stage, lead: np.ndarray) -> _Notes:
    """Held guide tones, a chord each, led by the smallest step."""
    previous, out = int(stage.material("counter start").integers(60, 70)), []
    for span in stage.harmony.spans:
        previous = _guide_tone(span, previous)
        length = span.end - span.start
        half = length // 2
        out.append((span.start, half if length > 8 and previous > 72 else length - 1, previous))
    return out


def _gaps(lead: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """Silences or long holds of the lead at least ``shortest`` steps long: (start, end)."""
    quiet = lead < FIRST_ONSET
    gaps, start = [], None
    for step, is_quiet in enumerate([*quiet, False]):
        if is_quiet and start is None:
            start = step
        elif not is_quiet and start is not None:
            if step - start >= shortest:
                gaps.append((start, step))
            start = None
    return gaps


def _answers(stage: Stage, lead: np.ndarray) -> _Notes:
    """Short replies where the lead is silent or holds; without a lead, every other bar."""
    beat = stage.meter.steps_per_beat
    style = Style.named("hook", stage)
    motif = make_motif(style, 2, 0.6, stage.song("answer"))
    rest_of_style = Style(**{**style.__dict__, "centre": 66, "span": 8})
    out: _Notes = []
    for start, end in _gaps(lead, 2 * beat):
        begin = -(-(start + 1) // beat) * beat  # the next beat
        if end - begin < beat + beat // 2 or (out and begin - out[-1][0] < beat):
            continue
        if not lead.any() and (begin // stage.meter.steps_per_bar) % 2 == 0:
            begin += stage.meter.steps_per_bar
        if begin + motif.length > stage.steps:
            continue
        out += [note for note in realise(motif, begin, rest_of_style, stage) if note[0] + 1 < end]
    if not lead.any():
        for bar in range(1, stage.spec.bars, 2):
            out += realise(motif, bar * stage.meter.steps_per_bar, rest_of_style, stage)
    return [(step, duration, _fold(pitch)) for step, duration, pitch in out]


def _stabs(stage: Stage, lead: np.ndarray) -> _Notes:
    """Short accented chord tones in one of the horn section's figures, every second bar."""
    figures = table("patterns")["counter"]["stabs"]["bars"]
    rng = stage.song("stabs")
    chosen = [figures[int(rng.integers(len(figures)))] for _ in range(2)]
    out, per_bar = [], stage.meter.steps_per_bar
    every = 1 if stage.spec.energy > 0.7 else 2
    previous = 69
    for bar in range(0, stage.spec.bars, every):
        text = bars_of(chosen[(bar // every) % 2 if bar % 4 == 3 else 0], "any", stage.meter)[0]
        for place, letter in enumerate(text):
            if letter in "xX":
                previous = chord_pitch(stage.harmony.at(bar * per_bar + place), 0.5 * (previous + 69), 58, COUNTER_HIGH)
                held = len(text[place + 1 :]) - len(text[place + 1 :].lstrip("-"))
                out.append((bar * per_bar + place, 1 + held, previous))
    return out


def _strings(stage: Stage, lead: np.ndarray) -> _Notes:
    """High held notes with a rising scale run into every fourth bar."""
    out, per_bar, beat = _sustained(stage, lead), stage.meter.steps_per_bar, stage.meter.steps_per_beat
    for bar in range(3, stage.spec.bars, 4):
        start = (bar + 1) * per_bar - beat * 2
        span = stage.harmony.at(start)
        steps = ladder(stage.harmony.mode, span.root, span.quality, "mode")
        base = nearest(steps, 64)
        out = [note for note in out if note[0] < start or note[0] >= (bar + 1) * per_bar]
        out += [(start + place, 1, min(steps[base + place], COUNTER_HIGH)) for place in range(2 * beat)]
    return out


def _descant(stage: Stage, lead: np.ndarray) -> _Notes:
    """A slower line in contrary motion: a chord tone each half bar, moving against the lead."""
    beat = stage.meter.steps_per_beat
    gap = 2 * beat if stage.meter.beats_per_bar == 4 else beat * (1 if beat == 6 else 3)
    previous, last_lead, out = 64, None, []
    pitches = {step: pitch for step, _, pitch in notes_of(lead)}
    current: int | None = None
    for step in range(stage.steps):
        current = pitches.get(step, current)
        if step % gap:
            continue
        against = 0 if current is None or last_lead is None else -int(np.sign(current - last_lead)) * 3
        last_lead = current
        pool = [p for p in range(COUNTER_LOW, 77) if p % 12 in stage.harmony.at(step).tones]
        pitch = pool[nearest(pool, 0.85 * (previous + against) + 0.15 * 64)]
        out.append((step, gap, pitch))
        previous = pitch
    return out


def _echo(stage: Stage, lead: np.ndarray) -> _Notes:
    """The lead again, half a bar later and an octave lower, moved into the chord of the moment."""
    delay = stage.meter.steps_per_bar // 2
    out = []
    for step, duration, pitch in notes_of(lead):
        later = step + delay
        if later >= stage.steps:
            continue
        span = stage.harmony.at(later)
        pitch = pitch - 12 if pitch > 70 else pitch
        scale = ladder(stage.harmony.mode, span.root, span.quality, "mode")
        landed = pitch if pitch in scale and duration < stage.meter.steps_per_beat else chord_pitch(span, pitch, 50, 82)
        out.append((later, duration, _fold(landed)))
    return out


def _ostinato(stage: Stage, lead: np.ndarray) -> _Notes:
    """One bar's figure, repeated, bent to each chord."""
    style = Style.named("riff", stage)
    motif = make_motif(style, int(stage.meter.beats_per_bar), 0.6, stage.song("ostinato"))
    style = Style(**{**style.__dict__, "centre": 64, "span": 8})
    out: _Notes = []
    for bar in range(stage.spec.bars):
        out += realise(motif, bar * stage.meter.steps_per_bar, style, stage)
    return [(step, duration, _fold(pitch)) for step, duration, pitch in out]


_WRITERS: dict[str, Callable[[Stage, np.ndarray], _Notes]] = {
    "thirds": _thirds,
    "sustained": _sustained,
    "answers": _answers,
    "stabs": _stabs,
    "strings": _strings,
    "descant": _descant,
    "echo": _echo,
    "ostinato": _ostinato,
}


def write_counter(stage: Stage, lead: np.ndarray) -> np.ndarray:
    """Tokens ``[steps]`` of the second voice beside the lead's tokens (all rest where no lead plays)."""
    name = pick(stage.spec.music["counter"], stage.song("counter", stage.spec.label))
    if name in ("thirds", "echo") and not (lead != REST).any():
        name = "sustained"
    notes = _WRITERS[name](stage, lead)
    if len(notes) < stage.spec.bars // 2:  # a busy lead leaves nothing to answer
        notes = _sustained(stage, lead)
    return place_notes(notes, stage, stage.material("counter levels"))
