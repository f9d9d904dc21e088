"""Novelty of scores against a corpus, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.errors import FileError, NoisicianError
from noisician.evaluate import novelty
from noisician.evaluate.report import Figure, Report, Target, number
from noisician.score.grid import HOLD, Grid, pitch_token


def grid_of(pitches: list[int], steps: list[int]) -> Grid:
    """A lead with the given onsets; every note is held until the next."""
    bars = max(steps) // 16 + 1
    grid = Grid.empty(bars)
    lead = grid.stream("lead")
    lead[min(steps) :] = HOLD
    for pitch, step in zip(pitches, steps, strict=True):
        lead[step] = pitch_token(pitch, 1)
    return grid


def walk(seed: int, notes: int = 40) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    pitches = np.clip(60 + np.cumsum(rng.integers(-4, 5, notes)), 30, 95)
    return pitches.tolist(), np.cumsum(rng.integers(1, 5, notes)).tolist()


def test_phrases_are_intervals_and_steps() -> None:
    (phrase,) = novelty.phrases(grid_of([60, 64, 62], [0, 4, 6]))
    assert phrase.tolist() == [[4, 4], [-2, 2]]


def test_a_long_rest_ends_a_phrase() -> None:
    found = novelty.phrases(grid_of([60, 62, 64, 65], [0, 4, 60, 62]))
    assert [phrase.tolist() for phrase in found] == [[[2, 4]], [[1, 2]]]
    assert novelty.phrases(Grid.empty(2)) == []


def test_only_single_voices_have_moves() -> None:
    with pytest.raises(NoisicianError, match="stream 'pad'"):
        novelty.phrases(Grid.empty(1), "pad")


def test_a_transposed_copy_is_found_and_new_music_is_not() -> None:
    pitches, steps = walk(0)
    corpus = novelty.Corpus.of_grids([grid_of(*walk(9)), grid_of(pitches, steps)])
    copy = novelty.phrases(grid_of([p + 5 for p in pitches], [s + 16 for s in steps]))
    other = novelty.phrases(grid_of(*walk(1)))
    assert novelty.ngram_overlap(copy, corpus) == 1.0
    assert novelty.longest_common_run(copy, corpus) == 39
    assert novelty.ngram_overlap(other, corpus) == 0.0
    assert novelty.longest_common_run(other, corpus) < 4


def test_half_a_copy_by_hand() -> None:
    pitches, steps = walk(0, 21)
    corpus = novelty.Corpus.of_grids([grid_of(pitches, steps)])
    changed = [*pitches[:11], *(100 - p for p in pitches[11:])]
    sample = novelty.phrases(grid_of(changed, steps))
    assert novelty.longest_common_run(sample, corpus) == 10
    assert novelty.ngram_overlap(sample, corpus, length=4) == pytest.approx(7 / 17)


def test_repeated_notes_belong_to_nobody() -> None:
    drone = novelty.phrases(grid_of([60] * 20, list(range(0, 40, 2))))
    assert novelty.ngrams(drone) == []
    assert novelty.ngram_overlap(drone, novelty.Corpus(tuple(drone))) is None


@given(st.lists(st.integers(0, 1), max_size=14), st.lists(st.integers(0, 1), max_size=14))
def test_longest_common_run_agrees_with_brute_force(a: list[int], b: list[int]) -> None:
    moves = [np.array([[x, 1] for x in values], np.int16).reshape(-1, 2) for values in (a, b)]
    expected = max(
        (
            n
            for n in range(1, len(a) + 1)
            for i in range(len(a) - n + 1)
            for j in range(len(b))
            if a[i : i + n] == b[j : j + n]
        ),
        default=0,
    )
    assert novelty.longest_common_run([moves[0]], novelty.Corpus((moves[1],))) == expected


def report() -> Report:
    return Report(
        "Evaluation",
        (
            Figure("tempo hit", 0.825, "", "librosa", Target("at least", 0.8), 40, {"soundfont": 0.85}),
            Figure("copy error", 0.26123456, "nats", "held-out\n  soundfont", Target("at most", 0.2)),
            Figure("loudness", -13.7, "LUFS", "BS.1770-4", Target("within", -14, 0.5)),
            Figure("distance", None, "", "too few stems", Target("at most", 1)),
            Figure("peak | mix", float("nan"), "dBTP", "none"),
        ),
        {"weights": "1"},
    )


def test_figures_know_whether_they_are_met() -> None:
    assert [figure.met for figure in report().figures] == [True, False, True, False, None]
    assert [figure.name for figure in report().missed] == ["copy error", "distance"]
    assert not Figure("x", float("nan"), "", "", Target("at least", 0)).met


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.26123456, "0.2612"), (-14.0, "−14"), (123456.0, "123500"), (1e-5, "0.00001"), (0.95, "0.95"),
     (9.99996, "10"), (None, "not measured"), (float("nan"), "not measured"), (float("-inf"), "−∞")],
)  # fmt: skip
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert number(value) == text


def test_markdown_says_what_was_met() -> None:
    lines = report().to_markdown().splitlines()
    assert "| tempo hit | 0.825 | ≥ 0.8 | yes | soundfont 0.85 | 40 |" in lines
    assert "| copy error | 0.2612 nats | ≤ 0.2 | **no** |  |  |" in lines
    assert "| loudness | −13.7 LUFS | −14 ± 0.5 | yes |  |  |" in lines
    assert "- **copy error**: held-out soundfont" in lines
    assert any(line.startswith("| peak \\| mix | not measured |") for line in lines)


def test_written_reports_are_the_same_bytes_and_strict_json(tmp_path: Path) -> None:
    json_path, markdown_path = report().write(tmp_path / "new")
    data = json.loads(json_path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [figure["met"] for figure in data["figures"]] == [True, False, True, False, None]
    assert data["figures"][1]["value"] == 0.2612
    before = json_path.read_bytes(), markdown_path.read_bytes()
    with pytest.raises(FileError, match="exists"):
        report().write(tmp_path / "new")
    report().write(tmp_path / "new", overwrite=True)
    assert (json_path.read_bytes(), markdown_path.read_bytes()) == before
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["evaluation.json", "evaluation.md"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="cannot write the report into"):
        report().write(tmp_path / "file")


def test_names_are_unique() -> None:
    figure = Figure("a", 1, "", "")
    with pytest.raises(NoisicianError, match="'a' is reported more than once"):
        Report("t", (figure, figure))
