"""Level and faults of finished tracks: loudness, true peak, clipping, DC, holes, clicks at joins."""

from __future__ import annotations

from collections.abc import Sequence

from noisician.evaluate.faults import ClickReport, click_count, clipped_samples, dc_offset, silence_ratio
from noisician.evaluate.performance import Performance
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite, baselines, mean
from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import played_notes

LOUDNESS_LUFS = -14.0
#: Share of joins, in percent, that may look like clicks: drum hits fall on joins too.
CLICKS_PERCENT = 0.5
DC_LIMIT = 1e-3


def hear(performance: Performance) -> list[Row]:
    """One row a track."""
    audio = performance.music.audio
    score = performance.score
    notes = [note for track in score.tracks for note in played_notes(score, track)]
    joins = performance.joins_samples
    stems = [click_count(stem, joins) for stem in performance.stems]
    return [
        {
            "prompt": performance.prompt.text,
            "stems": len(performance.stems),
            "duration_s": len(audio) / SAMPLE_RATE_HZ,
            "loudness_lufs": integrated_loudness_lufs(audio, SAMPLE_RATE_HZ),
            "true_peak_dbtp": true_peak_dbtp(audio),
            "clipped": clipped_samples(audio),
            "dc": dc_offset(audio),
            "silence": silence_ratio(audio, notes),
            "soundfont_silence": silence_ratio(performance.soundfont_audio, notes),
            "mix_clicks": _clicks([click_count(audio, joins)]),
            "stem_clicks": _clicks(stems),
        }
    ]


def _clicks(reports: Sequence[ClickReport]) -> list[int]:
    """[clicks, joins, control clicks, control points], added up."""
    return [
        sum(report.clicks for report in reports),
        sum(report.joins for report in reports),
        sum(report.control_clicks for report in reports),
        sum(report.control_points for report in reports),
    ]


def figures(rows: Sequence[Row]) -> list[Figure]:
    """The worst track for each fault."""
    count = len(rows)
    furthest = max((row["loudness_lufs"] for row in rows), key=lambda lufs: abs(lufs - LOUDNESS_LUFS), default=None)
    peak = max((row["true_peak_dbtp"] for row in rows), default=None)
    clipped = sum(row["clipped"] for row in rows) if rows else None
    dc = max((row["dc"] for row in rows), default=None)
    silent = mean(row["silence"] for row in rows)
    how_silent = "Share of 50 ms frames inside notes below −70 dBFS in the mix, mean. Baseline: the soundfont's mixes."
    beside = baselines(soundfont=_percent(mean(row["soundfont_silence"] for row in rows)))
    return [
        Figure(
            "loudness, the track furthest from −14 LUFS",
            furthest,
            "LUFS",
            "Integrated loudness after ITU-R BS.1770-4 of every track.",
            Target("within", LOUDNESS_LUFS, 0.5),
            count,
        ),
        Figure(
            "true peak, highest",
            peak,
            "dBTP",
            "Four times oversampled, all tracks and channels.",
            Target("at most", -1.0),
            count,
        ),
        Figure(
            "clipped samples",
            clipped,
            "",
            "Beyond full scale, or in flat runs at 99.9 % of it, in all tracks together.",
            Target("at most", 0),
            count,
        ),
        Figure("DC, largest", dc, "of full scale", "Largest channel mean.", Target("at most", DC_LIMIT), count),
        Figure("silence under notes", _percent(silent), "%", how_silent, None, count, beside),
        _click_figure("join clicks in mixes", rows, "mix_clicks", Target("at most", CLICKS_PERCENT)),
        _click_figure("join clicks in dry stems", rows, "stem_clicks", None),
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _click_figure(name: str, rows: Sequence[Row], column: str, target: Target | None) -> Figure:
    """Share of joins whose prediction residual jumps, beside the same at points halfway between them."""
    clicks, joins, control_clicks, control_points = (sum(row[column][place] for row in rows) for place in range(4))
    how = (
        f"Linear-prediction residual at {joins} joins of renderer windows and vocoder pieces: {clicks} exceed twelve "
        f"times the usual. Baseline: {control_clicks} of {control_points} points halfway between joins, where only the "
        "music's own attacks can."
    )
    value = 100 * clicks / joins if joins else None
    beside = baselines(between_joins=100 * control_clicks / control_points if control_points else None)
    return Figure(name, value, "% of joins", how, target, joins, beside)


SUITE = TrackSuite("faults", ("beat", "tonal"), hear, figures)
