"""Does a key finder hear the tonic and mode the score has?"""

from __future__ import annotations

from collections.abc import Sequence

from noisician.analysis.key import KeyEstimate, estimated_key
from noisician.evaluate.key import key_hit, mirex_key_score
from noisician.evaluate.performance import Performance
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite, baselines, mean, percent
from noisician.score.harmony import pitch_class

MOST_UNDER_SOUNDFONT_POINTS = 5.0

_JUDGE = (
    "Key of the mastered track by Krumhansl–Schmuckler profiles on chroma, against the score's key; tonic and third "
    "must agree (dorian and phrygian count as minor, lydian and mixolydian as major)."
)
_BASELINE = "Baseline: the soundfont playing the same scores through the same mix."


def hear(performance: Performance) -> list[Row]:
    """One row a track."""
    score = performance.score
    heard, soundfont = estimated_key(performance.music.audio), estimated_key(performance.soundfont_audio)
    return [
        {
            "prompt": performance.prompt.text,
            "genre": performance.prompt.genre,
            "asked": [performance.prompt.key, performance.prompt.mode],
            "score": [score.key, score.mode],
            "heard": _named(heard),
            "soundfont_heard": _named(soundfont),
            "hit": key_hit(heard, score.key, score.mode),
            "soundfont_hit": key_hit(soundfont, score.key, score.mode),
            "mirex": mirex_key_score(heard, score.key, score.mode),
            "soundfont_mirex": mirex_key_score(soundfont, score.key, score.mode),
        }
    ]


def _named(estimate: KeyEstimate | None) -> str | None:
    return None if estimate is None else estimate.name


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Hit rates in percent, and how far they are under the soundfont's."""
    ours, soundfont = percent(row["hit"] for row in rows), percent(row["soundfont_hit"] for row in rows)
    under = None if ours is None or soundfont is None else soundfont - ours
    asked = [row for row in rows if row["asked"][0] is not None]
    return [
        Figure(
            "tonic and mode",
            ours,
            "%",
            f"{_JUDGE} {_BASELINE}",
            Target("at least", 70),
            len(rows),
            baselines(soundfont=soundfont),
        ),
        Figure(
            "tonic and mode, points under the soundfont",
            under,
            "points",
            "The soundfont's hit rate less ours; negative where ours is higher.",
            Target("at most", MOST_UNDER_SOUNDFONT_POINTS),
            len(rows),
        ),
        Figure(
            "key, MIREX score",
            mean(row["mirex"] for row in rows),
            "",
            f"{_JUDGE} 1 exact, 0.5 a fifth above, 0.3 relative, 0.2 parallel. {_BASELINE}",
            None,
            len(rows),
            baselines(soundfont=mean(row["soundfont_mirex"] for row in rows)),
        ),
        Figure(
            "key named in the prompt is the score's",
            percent(_as_asked(row) for row in asked),
            "%",
            "Prompts that name a key: tonic and mode of the score against the words.",
            Target("at least", 100),
            len(asked),
        ),
    ]


def _as_asked(row: Row) -> bool:
    (asked_key, asked_mode), (key, mode) = row["asked"], row["score"]
    return pitch_class(asked_key) == pitch_class(key) and asked_mode == mode


SUITE = TrackSuite("key", ("tonal",), hear, figures)
