"""Notes and chords for clips of other programs, on a stand-in network: what was asked to stay stays."""

from __future__ import annotations

import pytest
from edited_pieces import COMPOSER
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.models.embedded.clips import ChordsTask, ClipSetting, NotesTask, clip_chords, clip_notes
from noisician.score import Chord, Note
from noisician.score.chart import harte_label

SETTING = ClipSetting("pop", "C major", "4/4", 120.0, 3)
#: Sixteen quarters of a tune, one note a beat.
TUNE = tuple(Note(60 + (2 * beat) % 12, float(beat), 0.9, 80 + beat) for beat in range(16))


def written(task: NotesTask) -> tuple[Note, ...]:
    return clip_notes(task, lambda: COMPOSER)


def plain(notes: tuple[Note, ...]) -> list[tuple[float, float, int, int]]:
    return [(round(n.start_beats, 6), round(n.duration_beats, 6), n.pitch, n.velocity) for n in notes]


@settings(deadline=None, max_examples=12)
@given(
    first=st.integers(0, 14), length=st.integers(1, 8), locked=st.sets(st.integers(0, 15), max_size=5),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_infilling_keeps_what_is_outside_or_locked(first: int, length: int, locked: set[int], seed: int) -> None:
    start, end = float(first), float(min(first + length, 16))
    setting = ClipSetting("pop", "C major", "4/4", 120.0, seed)
    task = NotesTask("infill", TUNE, setting, (start, end), frozenset(locked))
    try:
        notes = plain(written(task))
    except RequestError as error:  # the stand-in left it silent, or everything is locked
        assert "another seed" in str(error)
        return
    kept = [
        one for place, one in enumerate(plain(TUNE)) if place in locked or not start <= TUNE[place].start_beats < end
    ]
    assert set(kept) <= set(notes)
    fresh = [one for one in notes if one not in kept]
    assert all(start <= at < end and at + length_ <= end + 1e-6 for at, length_, *_ in fresh)
    for at, length_, *_ in fresh:  # a single line sounds nothing over what stays
        assert all(
            at >= other + long_ - 1e-6 or at + length_ <= other + 1e-6 for other, long_, *_ in kept if other >= start
        )


def test_going_on_adds_bars_behind_the_notes_that_are_there() -> None:
    notes = plain(written(NotesTask("continue", TUNE, SETTING, bars=2)))
    assert notes[: len(TUNE)] == plain(TUNE)
    assert notes[len(TUNE) :] and all(16 <= at < 24 for at, *_ in notes[len(TUNE) :])


def test_arranging_answers_with_the_new_part_alone() -> None:
    bass = written(NotesTask("arrange", TUNE, SETTING, instrument="bass"))
    assert bass and max(note.pitch for note in bass) < 60 and max(note.end_beats for note in bass) <= 16 + 1e-6
    drums = written(NotesTask("arrange", TUNE, SETTING, instrument="Drums"))
    assert drums and {note.pitch for note in drums} <= set(range(35, 82))
    with pytest.raises(RequestError, match="target_instrument"):
        written(NotesTask("arrange", TUNE, SETTING, instrument="xyzzy"))


def test_a_variation_keeps_locked_notes() -> None:
    notes = plain(written(NotesTask("variation", TUNE, SETTING, locked=frozenset({0, 5}), strength=1.0)))
    assert {plain(TUNE)[0], plain(TUNE)[5]} <= set(notes)
    assert set(notes) != set(plain(TUNE))


def test_an_empty_clip_is_written() -> None:
    notes = written(NotesTask("infill", (), SETTING, (4.0, 8.0), instrument="bass"))
    assert all(4 <= note.start_beats < 8 for note in notes)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (NotesTask("infill", TUNE, SETTING, (8.0, 8.0)), "selection"),
        (NotesTask("infill", (Note(60, 9000.0, 1.0, 90),), SETTING), "limit"),
        (NotesTask("infill", TUNE * 2000, SETTING), "limit"),
    ],
)
def test_what_cannot_be_written_is_one_line(task: NotesTask, told: str) -> None:
    with pytest.raises(RequestError, match=told) as refused:
        written(task)
    assert "\n" not in str(refused.value)


GIVEN = (Chord(0.0, 4.0, 9, "min9"), Chord(4.0, 2.0, 2, "13"), Chord(6.0, 2.0, 7, "7(b9)", 11))


def names(chords: tuple[Chord, ...]) -> list[tuple[float, float, str]]:
    return [(one.start_beats, one.duration_beats, harte_label(one.root, one.quality, one.bass)) for one in chords]


def test_suggestions_hold_the_chords_that_are_there() -> None:
    chords, _ = clip_chords(ChordsTask("suggest", SETTING, GIVEN), lambda: COMPOSER)
    assert names(chords)[:3] == [(0.0, 4.0, "A:min9"), (4.0, 2.0, "D:13"), (6.0, 2.0, "G:7(b9)/3")]
    assert sum(one.duration_beats for one in chords) == 16.0


def test_going_on_answers_with_what_comes_after() -> None:
    chords, _ = clip_chords(ChordsTask("continue", SETTING, GIVEN, bars=4), lambda: COMPOSER)
    assert chords[0].start_beats == 8.0 and sum(one.duration_beats for one in chords) == 16.0


def test_words_that_are_chords_are_those_chords() -> None:
    task = ChordsTask("from_text", SETTING, words="| Dm11 G13 | Cmaj7#11/E |")
    chords, key = clip_chords(task, lambda: COMPOSER)
    assert names(chords) == [(0.0, 2.0, "D:min11"), (2.0, 2.0, "G:13"), (4.0, 4.0, "C:maj7(#11)/3")]
    assert key == ("C", "major")
    others, _ = clip_chords(ChordsTask("from_text", SETTING, words="a sad waltz of autumn"), lambda: COMPOSER)
    assert others


def test_a_tune_is_harmonised_over_its_length() -> None:
    chords, _ = clip_chords(ChordsTask("harmonize", SETTING, melody=TUNE), lambda: COMPOSER)
    assert chords and max(one.start_beats + one.duration_beats for one in chords) <= 16.0
