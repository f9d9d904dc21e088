"""Does an independent beat tracker hear the tempo the score has?"""

from __future__ import annotations

from collections.abc import Sequence

from noisician.evaluate.performance import Performance
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite, baselines, percent
from noisician.evaluate.tempo import estimated_tempo_bpm, tempo_hit

#: Where the judge makes no octave errors (noisician.evaluate.tempo).
SURE_RANGE_BPM = (90.0, 160.0)

_JUDGE = (
    "Tempo of the beats librosa's tracker places in the mastered track (prior at 120 BPM, never told the tempo), "
    "against the score's tempo."
)
_BASELINE = "Baseline: the soundfont playing the same scores through the same mix."


def hear(performance: Performance) -> list[Row]:
    """One row a track."""
    return [
        {
            "prompt": performance.prompt.text,
            "genre": performance.prompt.genre,
            "asked_bpm": performance.prompt.bpm,
            "score_bpm": performance.score.tempo_bpm,
            "heard_bpm": estimated_tempo_bpm(performance.music.audio),
            "soundfont_bpm": estimated_tempo_bpm(performance.soundfont_audio),
        }
    ]


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Hit rates in percent."""
    low, high = SURE_RANGE_BPM
    inside = [row for row in rows if low <= row["score_bpm"] <= high]
    outside = [row for row in rows if not low <= row["score_bpm"] <= high]
    asked = [row for row in rows if row["asked_bpm"] is not None]
    kept = percent(tempo_hit(row["score_bpm"], row["asked_bpm"], 0.001) for row in asked)
    return [
        _hits("tempo within 2 %", rows, False, Target("at least", 80), "Double and half count as misses."),
        _hits("tempo within 2 %, double or half allowed", rows, True, Target("at least", 95), ""),
        _hits(
            f"tempo within 2 %, scores of {low:.0f} to {high:.0f} BPM", inside, False, None, "The judge's sure range."
        ),
        _hits("tempo within 2 %, slower and faster scores", outside, False, None, "Where the judge errs by octaves."),
        Figure(
            "tempo named in the prompt is the score's",
            kept,
            "%",
            "Prompts that name a tempo: the tempo of the score against the words.",
            Target("at least", 100),
            len(asked),
        ),
    ]


def _hits(name: str, rows: Sequence[Row], octaves: bool, target: Target | None, note: str) -> Figure:
    def share(heard: str) -> float | None:
        return percent(tempo_hit(row[heard], row["score_bpm"], octaves_allowed=octaves) for row in rows)

    how = f"{_JUDGE} {note} {_BASELINE}"
    return Figure(name, share("heard_bpm"), "%", how, target, len(rows), baselines(soundfont=share("soundfont_bpm")))


SUITE = TrackSuite("tempo", ("beat",), hear, figures)
