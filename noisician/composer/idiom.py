"""What a genre brings along ready, as its players would: chords, grooves, and the patterns that make it what it is.

The style tables have them (``music`` in ``genres.toml``); a plan chooses among them once. What is chosen is written
before the network is asked (:mod:`noisician.composer.ready`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from noisician.diffusion.noise import generator
from noisician.score.harmony import chord_name, pitch_class
from noisician.score.model import METERS, SECTION_KINDS, Meter, Section
from noisician.score.patterns import bars_of, groove_rows, usable
from noisician.score.progressions import Bar, Bars, fit, home_chord, parse_progression, progression
from noisician.styles import table

#: Which part's chords a kind of section stands on; two letters are a choice made once a piece.
_PARTS = {
    "verse": "A", "chorus": "B", "drop": "B", "bridge": "C", "pre_chorus": "P", "build": "B", "intro": "AB",
    "break": "AB", "solo": "A", "outro": "BA",
}  # fmt: skip
#: What a genre has written out where it says nothing else.
_WRITTEN = ("harmony", "drums")
#: How much tunes care for steps, where a genre says nothing else.
_CONJUNCT = 0.93
#: Kinds of tunes that live by being heard again at once.
_RIFFS = ("hook", "riff", "anthem")
#: Whose patterns have another name in the tables.
PATTERNS = {"bass": "bass", "chords": "comp", "arp": "arp"}


@dataclass(frozen=True)
class Idiom:
    """What is ready of one piece. Everything is by kind of section.

    ``chords`` are bars of (root, quality) that go round, in rounds of the whole piece where ``through``;
    ``cadence`` stands before the last bar, on ``home``. ``grooves`` and ``patterns`` (by stream) are names of the
    style tables; ``voicing`` and ``register`` are those of struck chords. The tune has the rhythms ``tune``, where
    there are any, loves ``blue`` notes, is made of ``riffs`` that come again at once, and goes in steps as
    ``conjunct`` says (1 as tunes mostly do); its onsets gain ``lead_onsets`` in log likelihood. ``steady``: the
    groove is the same everywhere; ``fill_share`` of the sections end with a fill.
    """

    chords: Mapping[str, Bars]
    through: bool
    cadence: Bars
    home: tuple[int, str]
    grooves: Mapping[str, str]
    patterns: Mapping[str, Mapping[str, str]]
    voicing: str
    register: int
    tune: tuple[str, ...]
    blue: bool
    riffs: bool
    conjunct: float
    lead_onsets: float
    steady: bool
    fill_share: float
    seed: int


def choose_idiom(genre: Mapping[str, Any], mode: str, time_signature: str, seed: int, *path: int) -> Idiom:
    """What a piece of this genre takes from its tables; ``seed`` and ``path`` name the draw."""
    music, meter = genre["music"], METERS[time_signature]
    written, steady = music.get("written", _WRITTEN), bool(music.get("steady", False))

    def dice(*names: str) -> np.random.Generator:
        return generator(seed, 0x1D1, *path, *(crc32(name.encode()) for name in names))

    def one(weights: Mapping[str, float], *names: str) -> str:
        shares = np.array(list(weights.values()), np.float64)
        return list(weights)[int(dice(*names).choice(len(shares), p=shares / shares.sum()))]

    def by_kind(table_kind: str) -> dict[str, str]:
        weights = usable(table_kind, music[table_kind], meter)
        main, other = one(weights, table_kind), one(weights, table_kind, "chorus")
        if dice(table_kind, "contrast").random() >= music.get("contrast", 0.0 if steady else 0.35):
            other = main
        # Of two, the chorus has the one with more strokes.
        main, other = sorted((main, other), key=lambda name: _strokes_a_bar(table_kind, name, meter))
        return {kind: other if kind in ("chorus", "drop") else main for kind in SECTION_KINDS}

    chords: dict[str, Bars] = {}
    for kind in SECTION_KINDS if "harmony" in written else ():
        part = _PARTS[kind][int(dice("part", kind).integers(len(_PARTS[kind])))]
        chords[kind] = progression(music, mode, part, dice, from_home=True)
    melody = one(music["melody"], "melody")
    return Idiom(
        chords=chords,
        through="round_bars" in genre,
        cadence=parse_progression(music.get("cadences", {}).get(mode, "")),
        home=home_chord(chords.get("verse", ()), mode, music["colour"]),
        grooves=by_kind("grooves") if "drums" in written else {},
        patterns={stream: by_kind(name) for stream, name in PATTERNS.items() if name in written},
        voicing=one(music["voicings"], "voicing"),
        register=1 + int(dice("register").random() < 0.4),
        tune=tuple(bar.replace(" ", "") for bar in music.get("tunes", {}).get(time_signature, ())),
        blue=table("patterns")["melody"][melody]["scale"] == "blues",
        riffs=melody in _RIFFS or bool(music.get("riffs", False)),
        conjunct=float(music.get("conjunct", _CONJUNCT)),
        lead_onsets=float(music.get("lead_onsets", 0.0)),
        steady=steady,
        fill_share=float(music.get("fill_share", 1.0)),
        seed=int(dice("players").integers(2**31)),
    )


def _strokes_a_bar(table_kind: str, name: str, meter: Meter) -> float:
    """Of a groove or pattern: sure strokes, and half of those that come and go."""
    if table_kind != "grooves":
        entry = table("patterns")[table_kind][name]
        if "bar" not in entry:  # what has no bars of its own goes a note a beat
            return meter.steps_per_bar / meter.steps_per_beat
        bars = bars_of(entry["bar"], entry.get("meter", "4/4"), meter)
        return sum(letter not in "-." for bar in bars for letter in bar) / len(bars)
    rows = groove_rows(name, meter).items()
    return sum(np.count_nonzero(row) / len(row) * (0.5 if name.endswith("_maybe") else 1.0) for name, row in rows)


def bars_of_harmony(idiom: Idiom, sections: Sequence[Section], loops: bool) -> list[Bar]:
    """The chords of a piece, bar by bar. A section that returns has those of its first time; unless the piece
    ``loops``, it ends with its cadence at home.
    """
    bars: list[Bar] = []
    way_in = sections[0].bars if sections and sections[0].kind == "intro" else 0
    for section in sections:
        first = next(one for one in sections if one.label == section.label)
        own = _section_bars(idiom, section if idiom.through else first, len(bars), way_in)
        more = idiom.chords[section.kind]  # what is longer than its first time goes on where that ended
        bars += [*own[: section.bars], *(more[place % len(more)] for place in range(len(own), section.bars))]
    if not loops:
        bars[-1] = (idiom.home,)
        if len(bars) > 2 and idiom.cadence:
            bars[-1 - len(idiom.cadence) : -1] = idiom.cadence
    return bars


def _section_bars(idiom: Idiom, section: Section, bars_before: int, way_in: int) -> list[Bar]:
    """The chords of a section, bar by bar; a round goes on where it was, the first begins after the way in."""
    chords = idiom.chords[section.kind]
    if idiom.through:
        start = (bars_before - way_in) % len(chords)
        return fit([*chords[start:], *chords[:start]], section.bars, from_end=False)
    return fit(chords, section.bars, from_end=section.kind in ("intro", "outro"))


def described(idiom: Idiom, sections: Sequence[Section], key: str) -> list[tuple[str, str]]:
    """(what, value) of what is ready for these sections, in words: chords that go round, groove and patterns."""
    tonic = pitch_class(key)
    rows: list[tuple[str, str]] = []
    for kind in dict.fromkeys(section.kind for section in sections):
        chords = idiom.chords.get(kind, ())
        bars = [",".join(chord_name(tonic + root, quality) for root, quality in bar) for bar in chords]
        if bars:
            rows.append(("harmony", f"{kind}: {' '.join(bars)}"))
        names = [idiom.grooves.get(kind, ""), *(names[kind] for names in idiom.patterns.values())]
        if any(names):
            rows.append(("patterns", f"{kind}: {', '.join(name for name in names if name)}"))
    return rows


def pattern_bars(idiom: Idiom | None, kind: str, meter: Meter) -> int:
    """How many bars the groove of a kind of section has; 0 where none is ready."""
    if idiom is None or not idiom.grooves:
        return 0
    return max(len(pattern) for pattern in groove_rows(idiom.grooves[kind], meter).values())
