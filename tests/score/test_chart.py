"""Chord charts as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.score.chart import chart_key, chart_tokens, harte, read_chart, read_symbol, simplified
from noisician.score.grid import chord_of, chord_token
from noisician.score.harmony import QUALITIES
from noisician.score.model import METERS, Section
from noisician.score.qualities import nearest_quality

FOUR = METERS["4/4"]


@pytest.mark.parametrize(
    ("text", "root", "quality", "bass"),
    [
        ("C", 0, "maj", None), ("Am", 9, "min", None), ("Bbm7", 10, "min7", None), ("B♭m7", 10, "min7", None),
        ("F#m", 6, "min", None), ("Gsus4", 7, "sus4", None), ("Dsus", 2, "sus4", None), ("E7", 4, "7", None),
        ("C/E", 0, "maj", 4), ("D/F#", 2, "maj", 6), ("Cmaj7", 0, "maj7", None), ("CΔ7", 0, "maj7", None),
        ("Bm7b5", 11, "m7b5", None), ("Bø", 11, "m7b5", None), ("G#dim7", 8, "dim7", None), ("Eb+", 3, "aug", None),
        ("A5", 9, "5", None), ("Cadd9", 0, "add9", None), ("C6/9", 0, "maj6(9)", None), ("C13", 0, "13", None),
        ("G7#9", 7, "7(#9)", None), ("Dm11", 2, "min11", None), ("F2", 5, "sus2", None),
        ("A7sus4", 9, "sus4(b7)", None),
        ("A:min7/b3", 9, "min7", 0), ("C:maj", 0, "maj", None), ("Bb:hdim7", 10, "m7b5", None),
        ("Cm(maj7)", 0, "minmaj7", None), ("Hb".replace("H", "B"), 10, "maj", None),
    ],
)  # fmt: skip
def test_symbols(text: str, root: int, quality: str, bass: int | None) -> None:
    symbol = read_symbol(text)
    assert (symbol.root, symbol.quality, symbol.bass, symbol.is_degree) == (root, quality, bass, False)


@pytest.mark.parametrize(
    ("text", "mode", "root", "quality"),
    [
        ("I", "major", 0, "maj"), ("vi", "major", 9, "min"), ("V7", "major", 7, "7"), ("ii7", "major", 2, "min7"),
        ("bVII", "major", 10, "maj"), ("bVII", "minor", 10, "maj"), ("VI", "minor", 8, "maj"),
        ("iv", "minor", 5, "min"),
        ("vii°", "major", 11, "dim"), ("#iv°7", "major", 6, "dim7"), ("1", "major", 0, "maj"),
        ("6-", "major", 9, "min"), ("4maj7", "major", 5, "maj7"), ("2m7", "major", 2, "min7"),
        ("b7", "major", 10, "maj"),
    ],
)  # fmt: skip
def test_degrees(text: str, mode: str, root: int, quality: str) -> None:
    symbol = read_symbol(text, mode)
    assert (symbol.root, symbol.quality, symbol.is_degree) == (root, quality, True)
    assert symbol.at(2) == ((root + 2) % 12, quality)


@pytest.mark.parametrize("text", ["H", "Cfoo", "hello", "C/X", "", "a", "8", "C:what"])
def test_what_is_no_chord_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (chord|kind of chord|bass note)"):
        read_symbol(text)


def written(text: str, mode: str = "major") -> list[list[tuple[str, int]]]:
    return [
        [(symbol.text, count) for symbol, count in bar]
        for section in read_chart(text, mode).sections
        for bar in section.bars
    ]


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        ("Am F C G", ["Am", "F", "C", "G"]),
        ("Am, F, C, G", ["Am", "F", "C", "G"]),
        ("Am - F - C - G", ["Am", "F", "C", "G"]),
        ("Am-F-C-G", ["Am", "F", "C", "G"]),
        ("Am → F", ["Am", "F"]),
        ("ii V I", ["ii", "V", "I"]),
        ("6- 4 1 5", ["6-", "4", "1", "5"]),
        ("| Am F | C G |", ["Am F", "C G"]),
        ("Am | F | C G", ["Am", "F", "C G"]),
        ("| C / G / | Am |", ["C2 G2", "Am"]),
        ("| C / / G |", ["C3 G"]),
        ("| Am | % | F | G |", ["Am", "Am", "F", "G"]),
        ("(Am F) x2 C", ["Am", "F", "Am", "F", "C"]),
        ("Am F x2", ["Am", "F", "Am", "F"]),
        ("|: Am | F :| C |", ["Am", "F", "Am", "F", "C"]),
        ("N.C. | C", ["N.C.", "C"]),
        ("Am\nF\nC G", ["Am", "F", "C", "G"]),
    ],
)  # fmt: skip
def test_bars(text: str, bars: list[str]) -> None:
    assert [" ".join(name + (str(count) if count > 1 else "") for name, count in bar) for bar in written(text)] == bars


def test_sections_have_their_own_chords() -> None:
    chart = read_chart("[Verse] Am F | C G\n[Chorus 1] F | G | C | C\n")
    assert [(section.kind, len(section.bars)) for section in chart.sections] == [("verse", 2), ("chorus", 4)]
    assert chart.of_kind("chorus").bars[0][0][0].text == "F"
    assert chart.of_kind("bridge").kind == "verse"
    assert [section.kind for section in read_chart("Verse: C G\nPre-Chorus: F\n").sections] == ["verse", "pre_chorus"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no chords"),
        ("[Verse]", "no chords"),
        ("% C", "none"),
        ("C x0", "x0"),
        ("[What] C", "What"),
        ("C x999", "400"),
    ],
)
def test_charts_that_say_nothing(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_chart(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Am F C G", ("A", "minor")),
        ("C G Am F", ("C", "major")),
        ("Dm7 G7 Cmaj7", ("C", "major")),
        ("I V", None),
        ("E5 A5 B5", ("E", "major")),
    ],
)
def test_keys(text: str, key: tuple[str, str] | None) -> None:
    assert chart_key(read_chart(text).symbols) == key


def test_a_chart_goes_round_in_every_section() -> None:
    chart = read_chart("[verse] Am F | C G\n[chorus] Dm")
    sections = [Section("verse", "A", 0, 3, 0.5), Section("chorus", "B", 3, 2, 0.5)]
    tokens = chart_tokens(chart, sections, FOUR, 9)
    assert len(tokens) == 5 * 16
    names = [chord_of(int(token)) for token in tokens[::8]]
    assert names == [(0, "min"), (8, "maj"), (3, "maj"), (10, "maj"), (0, "min"), (8, "maj"), *[(5, "min")] * 4]
    assert chart_tokens(read_chart("N.C."), sections[:1], FOUR, 0).max() == 0


@pytest.mark.parametrize("signature", ["4/4", "3/4", "6/8"])
def test_bars_are_filled_in_every_metre(signature: str) -> None:
    meter = METERS[signature]
    tokens = chart_tokens(read_chart("| C F G |"), [Section("verse", "A", 0, 1, 0.5)], meter, 0)
    assert set(tokens.tolist()) == {chord_token(root, "maj") for root in (0, 5, 7)}
    assert tokens[0] == chord_token(0, "maj")


def test_harte_names_and_what_is_simplified() -> None:
    symbols = read_chart("Am7/C Bø F13 N.C. C6").symbols
    assert [harte(symbol, 0) for symbol in symbols] == ["A:min7/b3", "B:hdim7", "F:13", "N", "C:maj6"]
    assert [harte(symbol, 2) for symbol in read_chart("ii7 V 1/3").symbols] == ["E:min7", "A:maj", "D:maj/3"]
    assert simplified(symbols) == {"F13": "9"}


@given(st.text(max_size=60))
def test_any_text_is_a_chart_or_says_what_is_wrong(text: str) -> None:
    try:
        chart = read_chart(text)
    except ValueError as error:
        assert str(error) and "\n" not in str(error).replace(repr(text), "")
    else:
        assert chart.bars >= 1 and all(nearest_quality(symbol.quality) in QUALITIES for symbol in chart.symbols)
        assert np.all(chart_tokens(chart, [Section("verse", "A", 0, 2, 0.5)], FOUR, 0) >= 0)
