"""Do the players play their notes? Onsets and pitch of one-voice stems, before the mix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.analysis.onsets import detected_onsets_s
from noisician.evaluate.onsets import onset_f_measure, score_onsets_s
from noisician.evaluate.performance import LINE_ROLES, Performance
from noisician.evaluate.pitch import raw_pitch_accuracy, reference_pitches, tracked_pitch_hz
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.suites.suite import Row, TrackSuite, baselines, mean
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import NoteEvent, played_notes

#: Above this the soundfont's own stem shows that the instrument has onsets to hear (a slow pad has none).
CLEAR_ONSETS_F = 0.9
PITCH_TARGET, PITCH_SLACK = 0.90, 0.03

_ONSETS = (
    "F-measure at 50 ms of onsets detected (spectral flux on the mel) in one pitched one-voice stem a track, dry, "
    "against its notes; mean over stems."
)
_PITCH = "Share of frames inside single notes where pYIN is within 50 cents of the note, mean over the same stems."
_BASELINE = "Baseline: the soundfont playing the same notes."


def hear(performance: Performance) -> list[Row]:
    """One row: the role that is heard goes round from prompt to prompt. No row where no part is one voice."""
    lines = performance.lines()
    turn = performance.prompt.number % len(LINE_ROLES)
    role = next((role for role in (*LINE_ROLES[turn:], *LINE_ROLES[:turn]) if role in lines), None)
    if role is None:
        return []
    number = lines[role]
    track = performance.score.tracks[number]
    ours, soundfont = performance.stems[number], performance.soundfont_stems[number]
    length_s = len(ours) / SAMPLE_RATE_HZ
    notes = [note for note in played_notes(performance.score, track) if note.start_s < length_s]
    return [
        {
            "prompt": performance.prompt.text,
            "role": role,
            "instrument": track.instrument,
            "notes": len(notes),
            **measured(ours, notes),
            **{f"soundfont_{name}": value for name, value in measured(soundfont, notes).items()},
        }
    ]


def measured(stem: np.ndarray, notes: Sequence[NoteEvent]) -> Row:
    """Onset F, precision and recall, raw pitch and chroma accuracy of a dry stem against its notes."""
    f, precision, recall = onset_f_measure(score_onsets_s(notes), detected_onsets_s(stem))
    pitches = [note.pitch for note in notes]
    times, hz = tracked_pitch_hz(stem, min(pitches), max(pitches))
    reference = reference_pitches(notes, times)
    return {
        "onset_f": f,
        "onset_precision": precision,
        "onset_recall": recall,
        "pitch": raw_pitch_accuracy(reference, hz),
        "chroma": raw_pitch_accuracy(reference, hz, fold_octaves=True),
    }


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Means over stems."""
    clear = [row for row in rows if row["soundfont_onset_f"] >= CLEAR_ONSETS_F]
    soundfont = mean(row["soundfont_pitch"] for row in rows)
    limit = PITCH_TARGET if soundfont is None else min(PITCH_TARGET, soundfont - PITCH_SLACK)
    pitch_how = f"{_PITCH} The target is 0.90, or 0.03 under the soundfont's own where tails fool the tracker."
    return [
        _mean("onset F-measure of one-voice stems", rows, "onset_f", _ONSETS, Target("at least", 0.85)),
        _mean(
            "onset F-measure, clear attacks",
            clear,
            "onset_f",
            f"{_ONSETS} Only stems in which the soundfont itself reaches {CLEAR_ONSETS_F:g}.",
        ),
        _mean("onset precision", rows, "onset_precision", "As above, precision."),
        _mean("onset recall", rows, "onset_recall", "As above, recall."),
        _mean("raw pitch accuracy of one-voice stems", rows, "pitch", pitch_how, Target("at least", limit)),
        _mean("raw chroma accuracy", rows, "chroma", f"{_PITCH} Octaves folded."),
    ]


def _mean(name: str, rows: Sequence[Row], column: str, how: str, target: Target | None = None) -> Figure:
    beside = baselines(soundfont=mean(row[f"soundfont_{column}"] for row in rows))
    return Figure(name, mean(row[column] for row in rows), "", f"{how} {_BASELINE}", target, len(rows), beside)


SUITE = TrackSuite("stems", ("tonal",), hear, figures)
