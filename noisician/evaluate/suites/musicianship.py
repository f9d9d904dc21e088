"""What a musician would say of the scores: tunes, grooves, forms, endings, and each genre's own checklist.

Composes and renders nothing: every genre that ships, by its name alone, some seeds each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noisician.composer import Composer, ComposerSettings, make_plan
from noisician.composer.conditions import GENRE_SLOTS, MOOD_SLOTS
from noisician.composer.plan import Plan
from noisician.corpus.human import read_scores
from noisician.corpus.songs import Song, procedural_song
from noisician.evaluate import musicianship
from noisician.evaluate.checklists import form, ticked
from noisician.evaluate.held_out import FIRST_HELD_OUT_SEED
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean, percent
from noisician.prompt import understand
from noisician.request import MODES, Request
from noisician.score.grid import Grid
from noisician.styles import table

COMPOSED, TRAINING, PEOPLE = "composed", "training songs", "held-out human"
#: Shorter pieces need not come back to anything.
FORM_FROM_BARS = 12
_MOST_MISSED = 3
_LOUD, _QUIET = ("chorus", "drop"), ("verse",)


@dataclass(frozen=True)
class Aim:
    """A measure of rows, what it is called, and what it should be."""

    key: str
    name: str
    target: Target | None = None
    unit: str = ""


_MEDIANS = (
    Aim("steps", "lead: moves by one or two semitones", Target("within", 0.525, 0.125)),
    Aim("leaps", "lead: moves by more than a fourth", Target("within", 0.075, 0.045)),
    Aim("figures", "lead: figures of four notes that come back", Target("within", 0.675, 0.175)),
    Aim("rhythms", "lead: bars with a rhythm heard before", Target("within", 0.65, 0.15)),
    Aim("repeats", "lead: equal bars in a row", Target("at most", 3), "bars"),
    Aim("drum_bars", "drums: different bars over bars", Target("within", 0.375, 0.125)),
    Aim("chords", "harmony: chords used in 16 bars"),
    Aim("changes", "harmony: changes of chord a bar"),
    Aim("borrowed", "harmony: time with chords outside the mode"),
    Aim("clashes", "harmony: beats with a clash", Target("at most", 0.05)),
)
_SHARES = (
    Aim("returns", "form: tracks of 12 bars or more in which a section comes back", Target("at least", 90)),
    Aim("fuller", "form: tracks in which chorus or drop have more onsets a bar than the verse", Target("at least", 90)),
    Aim("lead_home", "endings: lead on a tone of the tonic chord", Target("at least", 90)),
    Aim("bass_home", "endings: bass on the tonic", Target("at least", 90)),
    Aim("drums_home", "endings: drums on a beat of the last bar", Target("at least", 90)),
)
_HOW = (
    "Scores composed for every genre by its name alone, {seeds} seeds each. {what} Baselines: songs "
    "of the training procedure that were held out and, where there are scores by people, the held-out ones."
)


def judged_genres() -> tuple[str, ...]:
    """Every genre that ships; each has a checklist."""
    return tuple(table("genres"))


def measures(grid: Grid, mode: str) -> Row:
    """Everything :mod:`noisician.evaluate.musicianship` reads from a grid, None where there is nothing to measure."""
    start = musicianship.opening(grid)
    chords, changes = musicianship.chords_used(start)
    ends = musicianship.ends_at_home(grid, mode)
    return {
        "steps": musicianship.step_share(start),
        "leaps": musicianship.leap_share(start),
        "figures": musicianship.returning_figures(start, mode),
        "rhythms": musicianship.heard_rhythms(start),
        "repeats": musicianship.literal_repeats(start),
        "drum_bars": musicianship.different_drum_bars(start),
        "chords": chords,
        "changes": changes,
        "borrowed": musicianship.borrowed_share(start, mode),
        "clashes": musicianship.clash_share(start),
        **{f"{part}_home": ends.get(part) for part in ("lead", "bass", "drums")},
    }


def mode_of(song: Song) -> str:
    """The mode of a song, as its style says."""
    modes = song.style[GENRE_SLOTS + MOOD_SLOTS :][: len(MODES)]
    return MODES[int(np.argmax(modes))]


def judged(genre: str, seed: int, plan: Plan, grid: Grid) -> Row:
    """The row of a composed piece."""
    ratio = form.fuller(plan, grid, kinds=_LOUD, than=_QUIET)
    points = dict(ticked(genre, plan, grid))
    return {
        "kind": COMPOSED,
        "genre": genre,
        "seed": seed,
        **measures(grid, plan.mode),
        "returns": form.returns(plan, grid) if grid.bars >= FORM_FROM_BARS else None,
        "fuller": None if ratio is None else ratio > 1,
        "points": points,
        "share": mean(points.values()),
    }


def composed(settings: EvaluateSettings) -> Iterator[Row]:
    """Every genre, some seeds each."""
    composer = Composer()
    for genre in judged_genres():
        for seed in range(settings.seed, settings.seed + settings.seeds):
            request = Request.model_validate({"genres": (genre,), "duration_s": settings.duration_s, "seed": seed})
            plan = make_plan(understand(request), seed)
            yield judged(genre, seed, plan, composer.compose(plan, seed, ComposerSettings()))


def others(settings: EvaluateSettings) -> Iterator[Row]:
    """As many songs of the training procedure as there are composed ones, and the held-out scores by people."""
    for seed in range(FIRST_HELD_OUT_SEED, FIRST_HELD_OUT_SEED + settings.seeds * len(judged_genres())):
        song = procedural_song(seed)
        yield {"kind": TRAINING, "seed": seed, **measures(song.grid, mode_of(song))}
    if settings.scores_dir is not None:
        for score in read_scores(settings.scores_dir, held_out=True):
            yield {"kind": PEOPLE, "name": score.name, **measures(score.grid, score.mode)}


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a piece."""
    total = settings.seeds * len(judged_genres())
    for number, row in enumerate(composed(settings)):
        yield 0.9 * (number + 1) / total, row
    for row in others(settings):
        yield 0.95, row


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Medians and shares with what they should be, then the share of points of all genres and of each."""
    ours = [row for row in rows if row["kind"] == COMPOSED]
    seeds = len({row["seed"] for row in ours})
    median = _HOW.format(seeds=seeds, what=f"Median over their first {musicianship.BARS} bars.")
    share = _HOW.format(seeds=seeds, what="Share of those that have what is asked about, over all their bars.")
    found = [_figure(rows, aim, _median, median) for aim in _MEDIANS]
    found += [_figure(rows, aim, percent, share, "%") for aim in _SHARES]
    genres = dict.fromkeys(row["genre"] for row in ours)
    return [*found, _all_points(ours), _never_met(ours), *(_points_of(genre, ours) for genre in genres)]


def _median(values: Sequence[Any]) -> float | None:
    kept = [float(value) for value in values if value is not None]
    return float(np.median(kept)) if kept else None


def _figure(
    rows: Sequence[Row], aim: Aim, summary: Callable[[Sequence[Any]], float | None], how: str, unit: str = ""
) -> Figure:
    values = {kind: [row.get(aim.key) for row in rows if row["kind"] == kind] for kind in (COMPOSED, TRAINING, PEOPLE)}
    return Figure(
        aim.name,
        summary(values[COMPOSED]),
        unit or aim.unit,
        how,
        aim.target,
        sum(value is not None for value in values[COMPOSED]),
        baselines(training_songs=summary(values[TRAINING]), held_out_human=summary(values[PEOPLE])),
    )


def _all_points(ours: Sequence[Row]) -> Figure:
    return Figure(
        "checklists: points of all genres that are met",
        percent(row["share"] for row in ours),
        "%",
        "Each genre's checklist, written by somebody who had not seen the styles, ticked by code; every piece counts "
        "alike.",
        Target("at least", 85),
        len(ours),
    )


def _never_met(ours: Sequence[Row]) -> Figure:
    """What defines a genre can be among the few points that are missing: a share does not tell."""
    met = Counter((row["genre"], point) for row in ours for point, yes in row["points"].items() if yes)
    asked = dict.fromkeys((row["genre"], point) for row in ours for point in row["points"])
    never = [(genre, point) for genre, point in asked if not met[genre, point]]
    return Figure(
        "checklists: points that no piece of their genre meets",
        len(never) if ours else None,
        "",
        "; ".join(f"{genre}: {point}" for genre, point in never) or "None.",
        None,
        len(asked),
    )


def _points_of(genre: str, ours: Sequence[Row]) -> Figure:
    own = [row for row in ours if row["genre"] == genre]
    missed = Counter(point for row in own for point, met in row["points"].items() if not met)
    worst = "; ".join(f"{point} ({count} of {len(own)})" for point, count in missed.most_common(_MOST_MISSED))
    return Figure(
        f"checklist: {genre}",
        percent(row["share"] for row in own),
        "%",
        f"Missed most: {worst or 'nothing'}.",
        Target("at least", 85),
        len(own),
    )


SUITE = BenchSuite("musicianship", rows, figures)
