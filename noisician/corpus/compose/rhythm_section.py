"""Bass, chords, pads and arpeggios: written patterns played over the chords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from noisician.corpus.compose.harmony import Harmony, chord_scale
from noisician.corpus.compose.library import bars_of, pick, table, usable
from noisician.corpus.compose.spec import Stage
from noisician.score.grid import HOLD, REST, pitch_of, pitch_token, voicing_token
from noisician.score.harmony import chord_tones

BASS_LOW, BASS_HIGH = 28, 50
_LEVELS = {"g": 0, "x": 1, "X": 2}
_QUIET_KINDS = ("intro", "break", "outro")


def choose_pattern(stage: Stage, kind: str, role: str) -> str:
    """The pattern a role plays: one for the song, now and then another for the chorus-like sections."""
    weights = usable(kind, stage.spec.music[kind], stage.meter)
    main = pick(weights, stage.song(role))
    if stage.spec.label in ("B", "C") and stage.song(role, "contrast").random() < 0.4:
        return pick(weights, stage.song(role, stage.spec.label))
    return main


def bass_pitch(pitch_class: int) -> int:
    """The lowest place of a pitch class on the bass."""
    return BASS_LOW + (pitch_class - BASS_LOW) % 12


def _approach(target: int, current: int, mode: str, rng: np.random.Generator) -> int:
    """A step below or above the next root: mostly in the scale, now and then chromatic."""
    below = target <= current
    if rng.random() < 0.3:
        return target + (1 if below else -1)
    scale = chord_scale(mode, target % 12, "5", "mode")
    distance = 1 if (target + (1 if below else -1)) % 12 in scale else 2
    return target + (distance if below else -distance)


def _bass_note(letter: str, step: int, harmony: Harmony, per_bar: int, rng: np.random.Generator) -> int:
    """The pitch a letter of a bass pattern means over the chord at ``step``."""
    span = harmony.at(step)
    root, tones = bass_pitch(span.root), span.tones
    scale = chord_scale(harmony.mode, span.root, span.quality, "mode")
    kind = letter.lower()
    if kind == "r":
        pitch = root
    elif kind == "o":
        pitch = root + 12
    elif kind in "fv":
        altered = [interval for interval in (6, 8) if (span.root + interval) % 12 in tones]
        fifth = root + (altered[0] if altered and (span.root + 7) % 12 not in tones else 7)
        pitch = fifth - 12 if kind == "v" and fifth - 12 >= BASS_LOW else fifth
    elif kind == "t":
        pitch = root + ((tones[1] - tones[0]) % 12 if len(tones) > 2 else 7)
    elif kind == "u":
        pitch = root + (9 if (span.root + 9) % 12 in scale else 7)
    elif kind == "s":
        pitch = root + (10 if (span.root + 10) % 12 in scale else 12)
    elif kind == "n":
        pitch = bass_pitch(harmony.next_root(step, per_bar))
    elif kind == "a":
        target = bass_pitch(harmony.next_root(step, per_bar))
        pitch = _approach(target, root, harmony.mode, rng) if target != root else root + 7
    else:
        raise ValueError(f"bass pattern letter {letter!r} is unknown")
    return pitch if pitch <= BASS_HIGH else pitch - 12


def _walking_bar(stage: Stage, bar: int, previous: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(step, pitch) a beat: root or third on new chords, chord tones and steps between, then an approach."""
    meter, harmony = stage.meter, stage.harmony
    start, notes = bar * meter.steps_per_bar, []
    for beat in range(meter.beats_per_bar):
        step = start + beat * meter.steps_per_beat
        span = harmony.at(step)
        fresh = harmony.changes(step) or beat == 0
        following = step + meter.steps_per_beat
        leads = following >= stage.steps or harmony.changes(following)
        if fresh and (beat == 0 or harmony.changes(step)):
            pitch = bass_pitch(span.root)
            if pitch + 12 <= 45 and abs(pitch + 12 - previous) < abs(pitch - previous):
                pitch += 12
        elif leads:
            target = bass_pitch(harmony.next_root(step, meter.steps_per_bar))
            if target + 12 <= 45 and abs(target + 12 - previous) < abs(target - previous):
                target += 12
            pitch = _approach(target, previous, harmony.mode, rng)
        else:
            pool = chord_scale(harmony.mode, span.root, span.quality, "mode") if rng.random() < 0.4 else span.tones
            near = [p for p in range(previous - 5, previous + 6) if p % 12 in pool and p != previous]
            near = [p for p in near if BASS_LOW <= p <= 47] or [previous]
            upward = beat % 2 == (bar % 2)
            ranked = sorted(near, key=lambda p: (abs(p - previous - (2 if upward else -2)), p))
            pitch = ranked[min(int(rng.integers(2)), len(ranked) - 1)]
        pitch = min(max(pitch, BASS_LOW), BASS_HIGH)
        notes.append((step, pitch))
        previous = pitch
    return notes


def _walk(stage: Stage) -> np.ndarray:
    tokens = np.full(stage.steps, REST, np.int16)
    rng, previous = stage.material("walk", int(stage.dice.integers(3))), 36
    beat = stage.meter.steps_per_beat
    for bar in range(stage.spec.bars):
        for step, pitch in _walking_bar(stage, bar, previous, rng):
            tokens[step : step + beat] = HOLD
            tokens[step] = pitch_token(pitch, 1 if step % (2 * beat) else 2 if rng.random() < 0.3 else 1)
            previous = pitch
        if rng.random() < 0.25:  # a skipped eighth pushes into the next beat
            step = (bar + 1) * stage.meter.steps_per_bar - beat // 2
            tokens[step] = pitch_token(previous, 0)
    return tokens


def _bass_pattern(stage: Stage) -> Mapping[str, Any]:
    spec, library = stage.spec, table("patterns")["bass"]
    entry = library[choose_pattern(stage, "bass", "bass")]
    if spec.kind in _QUIET_KINDS and stage.material("bass", "quiet").random() < 0.45:
        return library["sustained"]
    if spec.energy < 0.15:
        return library["sustained"]
    return entry


def write_bass(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the bass: the genre's pattern, with runs into the next phrase."""
    entry = _bass_pattern(stage)
    if entry.get("kind") == "walking":
        return _walk(stage)
    meter, harmony = stage.meter, stage.harmony
    bars = bars_of(entry["bar"], meter.steps_per_bar)
    tokens = np.full(stage.steps, REST, np.int16)
    rng = stage.material("bass", "notes")
    lively = 1.0 - float(stage.spec.music["loop"])
    for bar in range(stage.spec.bars):
        text = bars[bar % len(bars)]
        if bar % 4 == 3 and len(text) > 8 and "-" * 8 not in text and rng.random() < 0.6 * lively:
            text = text[: -meter.steps_per_beat] + {4: "f-a-", 6: "f-r-a-"}[meter.steps_per_beat]
        _write_bass_bar(tokens, bar * meter.steps_per_bar, text, entry, harmony, rng)
    return tokens


def _write_bass_bar(
    tokens: np.ndarray, start: int, text: str, entry: Mapping[str, Any], harmony: Harmony, rng: np.random.Generator
) -> None:
    for place, letter in enumerate(text):
        step = start + place
        sounding = step > 0 and tokens[step - 1] != REST
        if letter == "." or (letter == "-" and not sounding):
            continue
        if letter == "-" and (not harmony.changes(step) or _anticipated(tokens, step, harmony)):
            tokens[step] = HOLD
            continue
        written = "r" if letter == "-" else letter
        pitch = bass_pitch(0) if entry.get("pedal") else _bass_note(written, step, harmony, len(text), rng)
        tokens[step] = pitch_token(pitch, 2 if written.isupper() else 1)


def _anticipated(tokens: np.ndarray, step: int, harmony: Harmony) -> bool:
    """Whether the note held into ``step`` is already the root of the chord that begins there."""
    onset = step - 1
    while onset > 0 and tokens[onset] == HOLD:
        onset -= 1
    return pitch_of(int(tokens[onset]))[0] % 12 == harmony.at(step).root


def _strike_bars(stage: Stage, text_bars: tuple[str, ...], register: int, voicing: str, tie: bool) -> np.ndarray:
    """Chord strikes from rhythm strings; a held chord is struck anew where the harmony changes."""
    harmony, per_bar = stage.harmony, stage.meter.steps_per_bar
    tokens = np.full(stage.steps, REST, np.int16)
    for step in range(stage.steps):
        bar, place = divmod(step, per_bar)
        letter = text_bars[bar % len(text_bars)][place]
        sounding = step > 0 and tokens[step - 1] != REST
        if letter == ".":
            continue
        if letter == "-" and not (sounding and harmony.changes(step)):
            tokens[step] = HOLD if sounding else REST
        elif tie and place == 0 and sounding and not harmony.changes(step):
            tokens[step] = HOLD
        else:
            tokens[step] = voicing_token(register, voicing, _LEVELS.get(letter, 1))
    return tokens


def write_chords(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the chordal accompaniment."""
    spec, music = stage.spec, stage.spec.music
    entry = table("patterns")["comp"][choose_pattern(stage, "comp", "comp")]
    calm = spec.kind in _QUIET_KINDS or spec.energy < 0.2
    if calm and entry.get("voice") != "power" and stage.material("comp", "calm").random() < 0.35:
        entry = table("patterns")["comp"]["whole"]
    if entry.get("voice") == "power":
        voicing, register = "power", 0
    else:
        voicing = pick(music["voicings"], stage.song("voicing"))
        register = 0 if voicing == "power" else 1 + int(stage.song("comp register").random() < 0.45)
        if spec.label == "B" and voicing != "power" and stage.song("lift").random() < 0.3:
            register += 1
        if voicing == "spread":  # open position reaches an octave higher; stay below the lead
            register = min(register, 1)
        register = min(register, 2)
    bars = list(bars_of(entry["bar"], stage.meter.steps_per_bar)) * spec.bars
    bars = [_vary_bar(text, stage, bar) for bar, text in enumerate(bars[: spec.bars])]
    if spec.last:
        bars[-1] = "X" + "-" * (stage.meter.steps_per_bar - 1)
    return _strike_bars(stage, tuple(bars), register, voicing, tie=False)


def _vary_bar(text: str, stage: Stage, bar: int) -> str:
    """Now and then one soft stroke more or less, most often where a phrase ends."""
    if stage.dice.random() > (0.35 if bar % 4 == 3 else 0.08) * (0.4 + stage.spec.density):
        return text
    letters = list(text)
    weak = [i for i, letter in enumerate(letters) if letter == "." and i % 2 == 0 and i > 2]
    soft = [i for i, letter in enumerate(letters) if letter in "gx" and i % stage.meter.steps_per_beat]
    if weak and stage.dice.random() < 0.6:
        letters[weak[int(stage.dice.integers(len(weak)))]] = "g"
    elif soft:
        letters[soft[int(stage.dice.integers(len(soft)))]] = "-"
    return "".join(letters)


def write_pad(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the sustained background."""
    entry = table("patterns")["pad"][choose_pattern(stage, "pad", "pad")]
    voicing = ("spread", "full", "close")[int(stage.song("pad voicing").choice(3, p=[0.45, 0.35, 0.2]))]
    register = int(stage.song("pad register").choice(3, p=[0.25, 0.5, 0.25]))
    if voicing == "spread":  # open position reaches an octave higher; stay below the lead
        register = min(register, 1)
    bars = bars_of(entry["bar"], stage.meter.steps_per_bar) * stage.spec.bars
    if entry.get("swell"):
        bars = tuple("gxX"[min(bar % 4, 2)] + text[1:] for bar, text in enumerate(bars))
    elif stage.spec.energy < 0.25:
        bars = tuple(text.replace("x", "g", 1) for text in bars)
    tie = bool(entry.get("tie")) and stage.song("pad tie").random() < 0.7
    return _strike_bars(stage, bars[: stage.spec.bars], register, voicing, tie)


def _arp_ladder(tones: tuple[int, ...], low: int, span: int) -> list[int]:
    return [pitch for pitch in range(low, low + 12 * (span + 1)) if pitch % 12 in tones]


def _acid_line(rng: np.random.Generator, steps: int) -> tuple[str, list[int]]:
    """A sixteen-step sequence in the manner of a bass machine: (rhythm, semitones above the root)."""
    moves = rng.choice([0, 0, 0, 0, 3, 7, 10, 12, 12, -2], size=steps)
    letters = rng.choice(list("XxxxX-.."), size=steps)
    letters[0] = "X"
    return "".join(letters), [int(move) for move in moves]


def _arp_degree(order: str, count: int, size: int, rng: np.random.Generator) -> int:
    if order == "up":
        return count % size
    if order == "updown":
        around = max(2 * size - 2, 1)
        place = count % around
        return place if place < size else around - place
    if order == "random":
        return int(rng.integers(size))
    return int(order[count % len(order)])


def write_arp(stage: Stage) -> np.ndarray:
    """Tokens ``[steps]`` of the arpeggio, sequence or picked figure."""
    entry = table("patterns")["arp"][choose_pattern(stage, "arp", "arp")]
    per_bar, order = stage.meter.steps_per_bar, entry["order"]
    bars, moves = bars_of(entry["bar"], per_bar), []
    rng = stage.song("arp line")
    if order == "acid":
        text, moves = _acid_line(rng, per_bar)
        bars = (text,)
    elif order == "fixed":
        order = "".join(str(int(d)) for d in rng.choice(5, size=per_bar, p=[0.3, 0.2, 0.2, 0.2, 0.1]))
    walk = stage.material("arp random")
    shift = 12 if stage.spec.label == "B" and entry["low"] < 58 and stage.song("arp lift").random() < 0.3 else 0
    tokens = np.full(stage.steps, REST, np.int16)
    count = 0
    for step in range(stage.steps):
        bar, place = divmod(step, per_bar)
        if place == 0 and order not in ("up", "updown", "random"):
            count = 0
        letter = bars[bar % len(bars)][place]
        if letter == "-":
            tokens[step] = HOLD if step and tokens[step - 1] != REST else REST
        if letter in ".-":
            continue
        span = stage.harmony.at(step)
        if moves:
            root = entry["low"] + (span.root - entry["low"]) % 12
            pitch = root + moves[place]
        else:
            ladder = _arp_ladder(chord_tones(span.root, span.quality), entry["low"] + shift, entry["span"])
            degree = _arp_degree(order, count, min(len(ladder), 3 * entry["span"] + 1), walk)
            pitch = ladder[degree] if degree < len(ladder) else ladder[degree % len(ladder)] + 12
        tokens[step] = pitch_token(min(max(pitch, 48), 91), _LEVELS[letter])
        count += 1
    return tokens
