"""Does an independent beat tracker hear the tempo the score has?"""

from __future__ import annotations

from collections.abc import Sequence

from noisician.evaluate.performance import Performance
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite, baselines, percent
from noisician.evaluate.tempo import estimated_tempo_bpm, tempo_hit, tracked_tempo_bpm

#: Where the tracker alone makes no octave errors (noisician.evaluate.tempo).
SURE_RANGE_BPM = (90.0, 160.0)

_JUDGE = (
    "Tempo of the beats librosa's tracker places in the mastered track, at the metrical level a classifier fitted on "
    "soundfont-played songs hears as the beat (neither is told the tempo), against the score's tempo."
)
_TRACKER = "The same without the classifier: librosa's tracker alone, with its prior at 120 BPM."
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
            "tracked_bpm": tracked_tempo_bpm(performance.music.audio),
            "soundfont_tracked_bpm": tracked_tempo_bpm(performance.soundfont_audio),
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
        _hits(f"tempo within 2 %, scores of {low:.0f} to {high:.0f} BPM", inside, False, None, ""),
        _hits("tempo within 2 %, slower and faster scores", outside, False, None, ""),
        _tracked("tempo within 2 %, tracker alone", rows, False),
        _tracked("tempo within 2 %, tracker alone, double or half allowed", rows, True),
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
    how = " ".join(part for part in (_JUDGE, note, _BASELINE) if part)
    played = baselines(soundfont=_share(rows, "soundfont_bpm", octaves))
    return Figure(name, _share(rows, "heard_bpm", octaves), "%", how, target, len(rows), played)


def _tracked(name: str, rows: Sequence[Row], octaves: bool) -> Figure:
    played = baselines(soundfont=_share(rows, "soundfont_tracked_bpm", octaves))
    return Figure(name, _share(rows, "tracked_bpm", octaves), "%", _TRACKER, None, len(rows), played)


def _share(rows: Sequence[Row], heard: str, octaves: bool) -> float | None:
    return percent(tempo_hit(row[heard], row["score_bpm"], octaves_allowed=octaves) for row in rows)


SUITE = TrackSuite("tempo", ("beat",), hear, figures)
