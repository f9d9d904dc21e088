"""Tunes in ABC notation as scores: known answers, and whatever else a file holds in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import FileError
from noisician.score.abc import abc_score, is_abc, read_abc
from noisician.score.model import Score

HEAD = "X:1\nM:4/4\nL:1/4\nK:C\n"


def heard(score: Score, track: int = 0) -> list[tuple[float, float, int]]:
    return [(round(n.start_beats, 4), round(n.duration_beats, 4), n.pitch) for n in score.tracks[track].notes]


def pitches(text: str) -> list[int]:
    return [note.pitch for note in abc_score(text).tracks[0].notes]


def times(music: str, head: str = HEAD) -> list[tuple[float, float]]:
    return [(start, length) for start, length, _ in heard(abc_score(head + music))]


@pytest.mark.parametrize(
    ("music", "sounds"),
    [
        ("C c c' C,", [60, 72, 84, 48]), ("^F F _B =B | F", [66, 66, 70, 71, 65]), ("^^C __D", [62, 60]),
        ("[CEG]", [60, 64, 67]), ("{g}C !trill!D .E ~F", [60, 62, 64, 65]),
    ],
)  # fmt: skip
def test_pitches(music: str, sounds: list[int]) -> None:
    assert pitches(HEAD + music) == sounds


@pytest.mark.parametrize(
    ("key", "sounds"),
    [
        ("D", [66, 61]), ("Bm", [66, 61]), ("F", [65, 60]), ("D dor", [65, 60]), ("Dmix", [66, 60]),
        ("A phrygian", [65, 60]), ("F lydian", [65, 60]), ("Eb", [65, 60]), ("HP", [66, 61]), ("C ^f", [66, 60]),
        ("Gb", [65, 59]), ("Ador", [66, 60]),
    ],
)  # fmt: skip
def test_keys_and_modes(key: str, sounds: list[int]) -> None:
    assert pitches(f"X:1\nM:4/4\nL:1/4\nK:{key}\nF C z2 |") == sounds


def test_the_key_is_told() -> None:
    tunes = (HEAD.replace("K:C", f"K:{key}") + "C" for key in ("Em", "D dor", "Bb"))
    assert [(one.key, one.mode) for one in map(abc_score, tunes)] == [
        ("E", "minor"), ("D", "dorian"), ("Bb", "major"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C2 C/ C/2 C3/2", [(0, 2), (2, 0.5), (2.5, 0.5), (3, 1.5)]),
        ("C// C//", [(0, 0.25), (0.25, 0.25)]),
        ("(3CDE F", [(0, 0.6667), (0.6667, 0.6667), (1.3333, 0.6667), (2, 1)]),
        ("(3:2:2C2D F", [(0, 1.3333), (1.3333, 0.6667), (2, 1)]),
        ("(2CD", [(0, 1.5), (1.5, 1.5)]),
        ("C>D E<F", [(0, 1.5), (1.5, 0.5), (2, 0.5), (2.5, 1.5)]),
        ("C>>D", [(0, 1.75), (1.75, 0.25)]),
        ("C2-C2", [(0, 4)]), ("C4-|C2 z2", [(0, 6)]), ("z2 C2", [(2, 2)]), ("Z|C4", [(4, 4)]),
        ("C4 & z2 E2 |", [(0, 4), (2, 2)]),
    ],
)  # fmt: skip
def test_lengths(music: str, expected: list[tuple[float, float]]) -> None:
    assert times(music) == expected


def test_the_unit_length_follows_the_metre_where_none_is_stated() -> None:
    assert times("C", "X:1\nM:2/4\nK:C\n") == [(0, 0.25)]
    assert times("C", "X:1\nM:6/8\nK:C\n") == [(0, round(1 / 3, 4))]  # in dotted quarters


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("C4|D4:|E4|", "CDCDE"), ("C4|:D4|E4:|F4|", "CDEDEF"), ("|:C4:|:D4:|", "CCDD"), ("C4::D4:|", "CCDD"),
        ("|:C4|1D4:|2E4|F4|", "CDCEF"), ("|:C4|[1 D4:|[2 E4||F4|", "CDCEF"), ("|:C4|1,3 D4:|2 E4:|", "CDCE"),
        ("C4 :|: D4 :||", "CCDD"),
    ],
)  # fmt: skip
def test_repeats_and_endings_are_played(music: str, played: str) -> None:
    names = dict(zip((60, 62, 64, 65), "CDEF", strict=True))
    notes = abc_score(HEAD + music).tracks[0].notes
    assert "".join(names[note.pitch] for note in notes)[: len(played)] == played
    assert [note.start_beats for note in notes] == [4.0 * place for place in range(len(notes))]


def test_a_pickup_ends_at_the_bar_line() -> None:
    assert times("C|D4|") == [(3, 1), (4, 4)]


def test_chords_words_and_tempo() -> None:
    score = abc_score(
        "X:1\nM:4/4\nL:1/4\nQ:1/4=96\nK:G\n"
        '"G"G A "D7/F#"B c | "N.C."d4 | "^slowly"[Q:1/4=72]"Cmaj7#11"e4 |\nw: Sing a song~of six-| pence _\n'
    )
    assert [(c.start_beats, c.duration_beats, c.root, c.quality, c.bass) for c in score.chords] == [
        (0, 2, 7, "maj", None), (2, 2, 2, "7", 6), (8, 4, 0, "maj7(#11)", None),
    ]  # fmt: skip
    assert [note.syllable for note in score.tracks[0].notes] == ["Sing ", "a ", "song of ", "six-", "pence\r", None]
    assert (score.tempo_bpm, [(c.start_beats, c.tempo_bpm) for c in score.tempo_changes]) == (96, [(8, 72)])


def test_voices_become_players() -> None:
    score = abc_score(
        'X:1\nM:4/4\nL:1/4\n%%score (1 2) 3\nK:C\nV:1 name="Flute"\nc4|\nV:2\nE4|\nV:3 name="Bass" clef=bass\n'
        "%%MIDI program 32\nC,4|\n"
    )
    assert [(track.name, [n.pitch for n in track.notes]) for track in score.tracks] == [
        ("Flute", [64, 72]), ("Bass", [48]),
    ]  # fmt: skip
    assert [track.role for track in score.tracks][1] == "bass"
    inline = abc_score(HEAD + "[V:1]c4|[V:2]C4|\n[V:1]d4|[V:2]D4|")
    assert [heard(inline, number) for number in (0, 1)] == [[(0, 4, 72), (4, 4, 74)], [(0, 4, 60), (4, 4, 62)]]


def test_of_several_tunes_the_first_is_read() -> None:
    assert pitches("X:1\nK:C\nC\n\nX:2\nK:C\nD\n") == [60]


def test_abc_is_known_by_its_head() -> None:
    assert is_abc(b"%abc-2.1\nX:1") and is_abc(b"\xef\xbb\xbfX: 1\nT:a") and is_abc(b"% a comment\nX:1\n")
    assert not any(map(is_abc, (b"MThd", b"<?xml", b"{title: a}", b"RIFF", b"Dear X: hello")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no notes"), ("X:1\nK:C\nz4|", "no notes"), ("X:1\nK:C\nC999999999", "quarter notes"),
        ("X:1\nK:C\nZ99999|C", "4000 bars"), ("X:1\nK:C\n" + "C|" * 4100, "4000 bars"),
        ("X:1\nK:C\n" + "".join(f"V:{n}\nC4|\n" for n in range(70)), "64 voices"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_one_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.abc"
    path.write_text(text)
    with pytest.raises(FileError, match=told) as refused:
        read_abc(path)
    assert "\n" not in str(refused.value)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="ABcdg:|[]()123/<>-_^=,'\"&zZ{}!VKLMQXw %\n\\~", max_size=120))
def test_any_text_is_a_tune_or_refused(text: str) -> None:
    try:
        score = abc_score("X:1\nK:C\n" + text)
    except FileError as error:
        assert "\n" not in str(error)
    else:
        assert score.bars >= 1 and all(
            0 <= n.pitch <= 127 and n.duration_beats > 0 for t in score.tracks for n in t.notes
        )
