"""Writes on the board what a genre brings along ready, before the network is asked: it writes everything else under
these chords and around these patterns. Cells that somebody gave are never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from noisician.composer.board import CHORD, LEAD, Board
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.idiom import PATTERNS, Idiom, bars_of_harmony, pattern_bars
from noisician.composer.plan import Plan
from noisician.composer.repetition import Habits
from noisician.diffusion.noise import generator
from noisician.score.chart import chart_basses, chart_tokens
from noisician.score.grid import DRUMS, HOLD, REST, ROLE_STREAMS, STREAMS, composer_chords, pitch_token
from noisician.score.harmony import pitch_class
from noisician.score.model import METERS, Meter, Section
from noisician.score.patterns import bars_of, groove_rows
from noisician.score.playing import arpeggio, strike_bars, walk, write_bass_bar
from noisician.score.progressions import Harmony, build
from noisician.styles import table

#: Where what a groove leaves open is played, and where a whole line of it (a ride, a shaker) is left out.
_FULL, _THIN = ("chorus", "drop", "solo"), ("verse", "pre_chorus", "intro", "outro", "bridge", "break")
#: Chance of each open stroke of a groove where it is full, and what share of a bar makes a line.
FULL_SHARE, LINE_SHARE = 0.85, 0.25
#: Chance of each open stroke of a groove that is the same everywhere.
STEADY_SHARE = 0.4
#: What onsets of those who fill the texture gain in a section, and those of the tune.
GAINS = {"chorus": 0.5, "drop": 0.5, "verse": -0.5, "pre_chorus": -0.5}
LEAD_GAINS = {"chorus": 0.25, "drop": 0.25}
#: What the onsets of lines gain that answer each other.
ANSWERING_GAIN = np.float32(1.5)
_FILLING = [STREAMS.index(name) for name in ("bass", "chords", "arp", "counter")]
#: How far the wish for few or many notes is from the middle before it changes who is full and who is thin.
SPARSE, DENSE = 0.35, 0.65
#: The lowest note of a bass that is written under a chord (MIDI pitch), and how loud it is.
LOWEST_BASS, BASS_LEVEL = 33, 1
_BASS, _COUNTER = STREAMS.index("bass"), STREAMS.index("counter")
_HARMONIC = [STREAMS.index(name) for name in ("bass", "chords", "pad")]
_CARRYING = [STREAMS.index(name) for name in ("kick", "snare")]
_DRUM_STREAMS = [STREAMS.index(name) for name in DRUMS]


def habits_of(plan: Plan, section: Section) -> Habits:
    """How the plan's genre repeats in a section."""
    idiom = plan.idiom
    if idiom is None:
        return Habits()
    bars = pattern_bars(idiom, section.kind, METERS[plan.time_signature])
    return Habits(bars, idiom.riffs, idiom.fill_share)


def fullness(plan: Plan, first: int, last: int) -> dict[int, np.ndarray]:
    """By stream, float32 ``[last - first]``: what onsets of steps ``first`` … ``last - 1`` gain in log likelihood where
    sections are fuller or thinner.
    """
    differ = len({GAINS.get(section.kind) for section in plan.sections}) > 1
    bars = [section.kind if differ else "" for section in plan.sections for _ in range(section.bars)]
    kinds = np.repeat(bars, METERS[plan.time_signature].steps_per_bar)[first:last]
    gain, lead = (np.array([gains.get(kind, 0.0) for kind in kinds], np.float32) for gains in (GAINS, LEAD_GAINS))
    busy = np.float32(0.0 if plan.idiom is None else plan.idiom.lead_onsets)
    gains = {**dict.fromkeys(_FILLING, gain), LEAD: lead + busy}
    if plan.feature("call_and_response") is not None:  # whoever has two bars alone has to say something in them
        gains[LEAD], gains[_COUNTER] = gains[LEAD] + ANSWERING_GAIN, gains[_COUNTER] + ANSWERING_GAIN
    return gains


def write_chart(board: Board, plan: Plan) -> None:
    """In place, where no chord is given: the chords that were asked for, and on their first step the bass note that
    is written under one."""
    if plan.chart is None:
        return
    form = plan.sections, METERS[plan.time_signature], pitch_class(plan.key)
    chords, basses = composer_chords(chart_tokens(plan.chart, *form)), chart_basses(plan.chart, *form)
    line = board.tokens[: len(chords), CHORD]
    board.tokens[: len(chords), CHORD] = np.where(line == MASK_TOKENS[CHORD], chords, line)
    for step in np.flatnonzero(basses >= 0):
        if board.tokens[step, _BASS] == MASK_TOKENS[_BASS] and board.active[step, _BASS]:
            board.tokens[step, _BASS] = pitch_token(LOWEST_BASS + int(basses[step] - LOWEST_BASS) % 12, BASS_LEVEL)


def write_harmony(board: Board, plan: Plan) -> None:
    """In place, where no chord is given: the chords that the plan chose."""
    if plan.idiom is None or not plan.idiom.chords or not plan.sections:
        return
    bars = bars_of_harmony(plan.idiom, plan.sections, plan.loop)
    tokens = build(bars, plan.mode, METERS[plan.time_signature]).tokens()
    line = board.tokens[: len(tokens), CHORD]
    board.tokens[: len(tokens), CHORD] = np.where(line == MASK_TOKENS[CHORD], tokens, line)


def write_patterns(board: Board, plan: Plan, section: Section, fresh: np.ndarray, until: int) -> None:
    """In place, in the open cells of a section's bars before bar ``until``: the groove and the patterns that are ready.

    ``fresh`` bool ``[steps, streams]`` of the section is left open, for fills and endings.
    """
    idiom, meter = plan.idiom, METERS[plan.time_signature]
    bars = min(section.bars, until - section.start_bar)
    if idiom is None or bars <= 0:
        return
    rows = slice(section.start_bar * board.steps_per_bar, (section.start_bar + bars) * board.steps_per_bar)
    tokens = np.tile(MASK_TOKENS, (rows.stop - rows.start, 1))
    if idiom.grooves:
        tokens[:, _DRUM_STREAMS] = _drums(idiom, section, bars, meter, plan.style.density)
    harmony = Harmony.of_tokens(board.tokens[rows, CHORD], plan.mode)
    if harmony is not None:
        for stream, names in idiom.patterns.items():
            tokens[:, STREAMS.index(stream)] = _played(stream, names[section.kind], idiom, section, harmony, meter)
    here = (board.tokens[rows] == MASK_TOKENS) & board.active[rows]
    if section.kind != "build":  # a fill plays around the strokes that carry the groove
        carried = (tokens > REST) & (tokens < MASK_TOKENS) & np.isin(np.arange(len(STREAMS)), _CARRYING)
        here &= ~fresh[: len(tokens)] | carried
    here[:, CHORD] = False
    board.tokens[rows] = np.where(here, tokens, board.tokens[rows])


def begin_at_changes(board: Board, section: Section) -> None:
    """In place: who plays the harmony strikes anew where it changes inside a bar of the section."""
    first = section.start_bar * board.steps_per_bar
    rows = np.arange(first + 1, first + section.bars * board.steps_per_bar)
    chords = board.tokens[:, CHORD]
    changes = rows[(chords[rows] != chords[rows - 1]) & (rows % board.steps_per_bar > 0)]
    for stream in _HARMONIC:
        open_ = (board.tokens[changes, stream] == MASK_TOKENS[stream]) & board.active[changes, stream]
        board.begins[changes[open_], stream] = True


def begin_alone(board: Board) -> None:
    """In place: who plays a section alone begins with it."""
    columns = {role: [STREAMS.index(name) for name in names] for role, names in ROLE_STREAMS.items() if role != "drums"}
    drums = [STREAMS.index(name) for name in DRUMS]
    for section in board.sections:
        rows = slice(section.start_bar * board.steps_per_bar, (section.start_bar + section.bars) * board.steps_per_bar)
        playing = [own[0] for own in columns.values() if board.active[rows, own].any()]
        at = rows.start
        if len(playing) == 1 and not board.active[rows, drums].any() and board.active[at, playing[0]]:
            board.begins[at, playing[0]] |= board.tokens[at, playing[0]] == MASK_TOKENS[playing[0]]


def write_tune(board: Board, plan: Plan, section: Section, new: Sequence[bool], until: int) -> None:
    """In place, in the open bars of a section that bring something ``new``: rhythms of a tune that the genre has; which
    notes begin there is the network's to say.
    """
    idiom = plan.idiom
    if idiom is None or not idiom.tune or board.tune is not None:
        return
    rng = _dice(idiom, section, "tune")
    for bar, is_new in enumerate(new):
        rhythm = np.array(list(idiom.tune[int(rng.integers(len(idiom.tune)))]))
        rows = board.rows(section.start_bar + bar)
        line = board.tokens[rows, LEAD]
        if not is_new or section.start_bar + bar >= until or not board.active[rows, LEAD].all():
            continue
        if (line != MASK_TOKENS[LEAD]).any():
            continue
        tied = np.cumsum(rhythm != "-") == 0  # what is held from the bar before is decided there
        board.tokens[rows, LEAD] = np.where(
            (rhythm == "x") | tied, MASK_TOKENS[LEAD], np.where(rhythm == "-", HOLD, REST)
        )
        board.begins[rows, LEAD] = rhythm == "x"


def _dice(idiom: Idiom, section: Section, name: str) -> np.random.Generator:
    """Throws that fall the same whenever a section of this label is written."""
    return generator(idiom.seed, crc32(section.label.encode()), crc32(name.encode()))


def _played(stream: str, name: str, idiom: Idiom, section: Section, harmony: Harmony, meter: Meter) -> np.ndarray:
    """Tokens ``[steps]`` of one player's pattern over the section's chords."""
    entry = table("patterns")[PATTERNS[stream]][name]
    per_bar = meter.steps_per_bar
    bars = len(harmony.index) // per_bar
    if stream == "arp":
        return arpeggio(entry, harmony, meter, generator(idiom.seed, 0xA), _dice(idiom, section, "arp"))
    if stream == "bass" and entry.get("kind") == "walking":
        return walk(harmony, meter, _dice(idiom, section, "walk"))
    texts = bars_of(entry["bar"], entry.get("meter", "4/4"), meter)
    if stream == "chords":
        voicing = entry.get("voice", idiom.voicing)
        # A power chord is low, open position reaches an octave higher: both stay below the lead.
        register = min(idiom.register, {"power": 0, "spread": 1}.get(voicing, idiom.register))
        strings = [texts[bar % len(texts)] for bar in range(bars)]
        return strike_bars(strings, harmony, per_bar, register, voicing, tie=False)
    tokens, rng = np.full(len(harmony.index), REST, np.int16), _dice(idiom, section, "bass")
    for bar in range(bars):
        write_bass_bar(tokens, bar * per_bar, texts[bar % len(texts)], entry, harmony, rng)
    return tokens


def _drums(idiom: Idiom, section: Section, bars: int, meter: Meter, density: float) -> np.ndarray:
    """Tokens ``[steps, drums]`` of the groove; mask tokens where the network decides: strokes that come and go, and
    what the groove knows nothing of.
    """
    name, per_bar = idiom.grooves[section.kind], meter.steps_per_bar
    if section.kind == "build":
        return _build(bars, meter, table("grooves")[name]["fill"])
    full = (section.kind in _FULL and density > SPARSE) or density > DENSE
    thin = (section.kind in _THIN and density < DENSE) or density < SPARSE
    rows, rng = groove_rows(name, meter), _dice(idiom, section, "groove")
    if idiom.steady:
        rng = generator(idiom.seed, 0x6)
    length = max(len(pattern) for pattern in rows.values())
    out = np.tile(MASK_TOKENS[_DRUM_STREAMS], (length * per_bar, 1))
    for place, drum in enumerate(DRUMS):
        sure, open_ = rows.get(drum), rows.get(f"{drum}_maybe")
        if sure is None and open_ is None:
            continue
        line = np.zeros(length * per_bar, np.int16) if sure is None else _over(sure, length)
        if open_ is not None:
            may = np.where(line == 0, _over(open_, length), 0)
            is_line = np.count_nonzero(may) > LINE_SHARE * len(may)
            if idiom.steady:
                line = np.where((may > 0) & (rng.random(1 if is_line else len(may)) < STEADY_SHARE), may, line)
            elif full:
                line = np.where((may > 0) & (rng.random(len(may)) < FULL_SHARE), may, line)
            elif not (thin and is_line):
                line = np.where(may > 0, MASK_TOKENS[_DRUM_STREAMS[place]], line)
        if drum == "kick" and section.kind == "break":
            line = np.zeros_like(line)
        out[:, place] = line
    return np.tile(out, (-(-bars // length), 1))[: bars * per_bar]


def _over(pattern: np.ndarray, length: int) -> np.ndarray:
    """``[length · steps a bar]`` of a pattern ``[bars, steps a bar]`` that goes round."""
    return np.concatenate([pattern[bar % len(pattern)] for bar in range(length)])


def _build(bars: int, meter: Meter, fill: str) -> np.ndarray:
    """Tokens ``[steps, drums]`` of a way up: strokes twice as dense from quarter to quarter and louder, the kick gone
    from its middle on, a beat of silence before what it leads to.
    """
    steps, beat = bars * meter.steps_per_bar, meter.steps_per_beat
    out = np.zeros((steps, len(DRUMS)), np.int16)
    struck, kick = DRUMS.index("tom" if fill == "toms" else "snare"), DRUMS.index("kick")
    for step in range(steps - beat):
        share = step / steps
        gap = beat if share < 0.5 else max(beat // 2, 1) if share < 0.75 else 1
        place = step % meter.steps_per_bar
        if place % gap == 0:
            out[step, struck] = 1 + min(int(4 * share), 3) if fill == "toms" else min(1 + int(3 * share), 3)
        if share < 0.5 and bars > 2 and place % beat == 0:
            out[step, kick] = 2
    return out
