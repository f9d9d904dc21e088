"""Songs with a band: what is measured of them, on sounds and judges with known answers."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.evaluate.recogniser import LineRecogniser
from noisician.evaluate.singing_lines import LINES
from noisician.evaluate.suites import songs
from noisician.evaluate.suites.suite import Row
from noisician.export.lyrics import TimedLine, TimedWord
from noisician.mel import SAMPLE_RATE_HZ
from noisician.music import Music
from noisician.vocals.voices import voices

LENGTH_S = 6
TIME_S = np.arange(LENGTH_S * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
FIRST, SECOND = (1.0, 2.5), (4.0, 5.5)


def tone(level: float, hz: float = 1000.0) -> np.ndarray:
    sound = level * np.sin(2 * np.pi * hz * TIME_S)
    return np.stack([sound, sound], axis=1).astype(np.float32)


def within(sound: np.ndarray, *stretches_s: tuple[float, float]) -> np.ndarray:
    inside = np.any([(start <= TIME_S) & (end > TIME_S) for start, end in stretches_s], axis=0)
    return sound * inside[:, None]


def line(number: int, start_s: float, end_s: float, voice: str = "lead") -> TimedLine:
    words = tuple(TimedWord(text, start_s, end_s) for text in LINES[number].split())
    return TimedLine(words, start_s, end_s, "Verse", voice)


SUNG = (line(3, *FIRST), line(4, *SECOND))


def test_four_rounds_sing_every_line_and_each_voice_in_every_genre() -> None:
    table = songs.assignments(4 * len(voices()), 7)
    for voice in voices():
        own = [one for one in table if one.voice == voice]
        assert sorted(number for one in own for number in one.lines) == list(range(len(LINES)))
        assert {one.genre for one in own} == set(songs.GENRES)
    assert len({(one.genre, one.lines) for one in table}) > len(songs.GENRES)
    assert len({one.seed for one in table}) == len(table)


def test_a_few_songs_have_all_genres() -> None:
    assert Counter(one.genre for one in songs.assignments(8, 0)) == dict.fromkeys(songs.GENRES, 2)


def test_the_request_has_the_lines_as_words() -> None:
    one = songs.assignments(1, 0)[0]
    request = one.request()
    assert request.lyrics == "[Verse]\n" + "\n".join(LINES[: songs.LINES_A_SONG])
    assert (request.voice, request.seed) == (one.voice, 0)


def test_windows_lie_within_lines() -> None:
    marked = songs.sung_windows(SUNG, len(TIME_S))
    assert len(marked) == 57
    assert np.flatnonzero(marked).tolist() == [*range(10, 22), *range(40, 52)]
    assert not songs.sung_windows([], len(TIME_S)).any()


@settings(deadline=None, max_examples=6)
@given(apart_lu=st.floats(-12, 12))
def test_the_voice_stands_over_the_band_by_the_ratio_of_levels_where_it_sings(apart_lu: float) -> None:
    marked = songs.sung_windows(SUNG, len(TIME_S))
    band = tone(0.1) + within(tone(0.5), (2.6, 3.8))
    sung = tone(0.1 * 10 ** (apart_lu / 20))
    assert songs.loudness_over_lu(sung, band, marked) == pytest.approx(apart_lu, abs=0.05)


def test_a_song_without_a_voice_or_a_line_has_no_level() -> None:
    marked = songs.sung_windows(SUNG, len(TIME_S))
    assert songs.loudness_over_lu(np.zeros_like(tone(1)), tone(0.1), marked) is None
    assert songs.loudness_over_lu(tone(0.1), tone(0.1), np.zeros(57, bool)) is None


def test_the_deepest_duck_is_that_of_the_middle_while_somebody_sings() -> None:
    marked = songs.sung_windows(SUNG, len(TIME_S))
    whole = tone(0.1) + tone(0.1, 60.0)
    ducked = whole - within(tone(0.1) * (1 - 10 ** (-3 / 20)), SECOND) - within(tone(0.09), (2.6, 3.8))
    assert songs.deepest_duck_db(whole, ducked, marked) == pytest.approx(3, abs=0.1)
    assert songs.deepest_duck_db(whole, whole, marked) == pytest.approx(0, abs=1e-6)
    assert songs.deepest_duck_db(np.zeros_like(whole), np.zeros_like(whole), marked) is None


class Judge:
    """Understands by how long and how loud what it hears is."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []

    def identify(self, audio: np.ndarray, rate_hz: int) -> int | None:
        self.heard_s.append(len(audio) / rate_hz)
        return {0.2: 3, 0.4: 4}.get(round(float(np.abs(audio).max()), 1))


def test_each_line_is_heard_in_the_mix_and_alone() -> None:
    lead = within(tone(0.2), FIRST) + within(tone(0.4), SECOND)
    mix = within(tone(0.2), FIRST) + within(tone(0.7), SECOND)
    stems = {"Vocals": lead, "Bass": tone(0.1), "Drums": tone(0.1)}
    backing = line(0, 2.6, 3.9, voice="backing")
    music = Music(mix, cast(Any, None), stems=stems, lyrics=(SUNG[0], backing, SUNG[1]))
    straight = {**stems, "Bass": tone(0.2), "Drums": tone(0.1)}
    judge = Judge()
    performed = songs.Performed(music, lead[:, 0], straight, ("Vocals",))
    row = songs.song_row(songs.assignments(1, 0)[0], performed, cast(LineRecogniser, judge))
    assert row["lines"] == [3, 4]
    assert row["heard_dry"] == [3, 4] and row["heard_mix"] == [3, None]
    assert judge.heard_s == pytest.approx([1.5 + sum(songs.AROUND_S)] * 4, abs=1e-3)
    assert row["players"] == 2
    assert row["over_band_lu"] == pytest.approx(10 * np.log10((0.2**2 + 0.4**2) / 2 / 0.2**2), abs=0.1)
    assert row["duck_db"] == pytest.approx(20 * np.log10(1.5), abs=0.1)


def row(voice: str, genre: str, mix: list[int | None], over_lu: float | None = 3.0, duck_db: float = 2.0) -> Row:
    lines = list(range(len(mix)))
    about: Row = {"voice": voice, "genre": genre, "players": 4, "lines": lines, "over_band_lu": over_lu}
    return about | {"heard_dry": lines, "heard_mix": mix, "duck_db": duck_db}


def test_figures_of_songs() -> None:
    rows = [
        row("ava", "pop", [0, 1, 2, 3], 1.5),
        row("tom", "rock", [0, None, 1, 3], 3.5, 4.5),
        row("tom", "pop", [0, 1, 2, 3], None),
    ]
    found = {figure.name: figure for figure in songs.figures(rows)}
    whole = found["sung lines recognised in the mix"]
    assert whole.value == pytest.approx(100 * 10 / 12) and whole.met and whole.baselines == {"dry": 100}
    under = found["sung lines, points a voice is under its dry self"]
    assert under.value == pytest.approx(25) and not under.met and "Furthest under: tom" in under.how
    assert found["sung lines recognised in the mix, rock"].value == 50
    assert found["voice over band, least of the songs"].value == 1.5
    assert not found["voice over band, least of the songs"].met
    assert found["voice over band, most of the songs"].met
    assert found["band gives way, at most"].value == 4.5 and not found["band gives way, at most"].met


def test_no_songs_no_values() -> None:
    assert {figure.value for figure in songs.figures([])} == {None}
    assert not any(figure.met for figure in songs.figures([]))
