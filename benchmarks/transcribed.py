"""How well our own tracks are written down again: notes, chords, tempo, key, bars; beside basic-pitch alone.

python benchmarks/transcribed.py [--pieces 10] [--seconds 30]

Each piece is of another genre. A note counts where its pitch is right and it begins within 50 ms. Of basic-pitch the
notes of the same compass count, all of them, and its highest or lowest line.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import noisician
from noisician.analysis.key import KeyEstimate
from noisician.analysis.parts import BASS, LEAD, Line
from noisician.analysis.recording import Hearing, listen
from noisician.analysis.transcriber import heard_notes
from noisician.evaluate.key import mirex_key_score
from noisician.evaluate.note_matching import matched
from noisician.evaluate.tempo import tempo_hit
from noisician.score import Score
from noisician.score.harmony import QUALITIES, pitch_class
from noisician.score.played import played_notes

GENRES = (
    "pop",
    "funk",
    "rock",
    "jazz",
    "country",
    "soul",
    "waltz",
    "reggae",
    "disco",
    "synthwave",
    "lofi hip hop",
    "folk",
)
Notes = Sequence[tuple[float, int]]


def f1(reference: Notes, estimated: Notes) -> float:
    if not reference or not estimated:
        return 0.0
    (starts, pitches), (heard, heard_pitches) = (np.array(notes, float).T for notes in (reference, estimated))
    near = np.abs(starts[:, None] - heard) <= 0.0500001
    return 2 * matched(near & (pitches[:, None] == heard_pitches)) / (len(reference) + len(estimated))


def played(score: Score, role: str) -> Notes:
    notes = [note for track in score.tracks if track.role == role for note in played_notes(score, track)]
    return sorted((note.start_s, note.pitch) for note in notes)


def written(heard: Hearing, role: str) -> Notes:
    """In seconds of the recording."""
    per_bar, starts = heard.score.meter.beats_per_bar, heard.bar_starts_s
    notes = [note for track in heard.score.tracks if track.role == role for note in track.notes]
    return [(float(np.interp(note.start_beats / per_bar, range(len(starts)), starts)), note.pitch) for note in notes]


def basic(samples: np.ndarray, line: Line) -> tuple[Notes, Notes]:
    """basic-pitch's notes in a line's compass, and those of them that are outermost where they begin."""
    notes = [note for note in heard_notes(samples) if line.lowest <= note.pitch <= line.highest]
    outer = max if line is LEAD else min
    alone = [
        note
        for note in notes
        if note.pitch == outer(other.pitch for other in notes if other.start_s <= note.start_s + 0.03 < other.end_s)
    ]
    return [(note.start_s, note.pitch) for note in notes], [(note.start_s, note.pitch) for note in alone]


def chords_agree(score: Score, heard: Hearing) -> float:
    """The share of the score's chords' time in which root and third are heard."""

    def third(quality: str) -> int:
        tones = QUALITIES[quality]
        return 4 if 4 in tones else 3 if 3 in tones else 0

    per_bar, starts = heard.score.meter.beats_per_bar, heard.bar_starts_s
    right = total = 0
    for chord in score.chords:
        for beat in np.arange(chord.start_beats, chord.start_beats + chord.duration_beats, 0.5):
            second = score.tempo.seconds(float(beat)) + 0.1
            place = float(np.interp(second, starts, range(len(starts)))) * per_bar
            now = [one for one in heard.score.chords if one.start_beats <= place < one.start_beats + one.duration_beats]
            total += 1
            right += (
                bool(now)
                and now[0].root == chord.root % 12
                and (
                    third(now[0].quality) == third(chord.quality) or 0 in (third(now[0].quality), third(chord.quality))
                )
            )
    return right / max(1, total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    table: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        table.setdefault(name, []).append(value)

    for number in range(args.pieces):
        genre = GENRES[number % len(GENRES)]
        track = noisician.make(genre, duration_s=args.seconds, seed=500 + number)
        score = track.score
        assert score is not None
        began = time.perf_counter()
        heard = listen(track.audio)
        note("seconds of listening a second of music", (time.perf_counter() - began) / track.duration_s)
        note("tempo, octave allowed", tempo_hit(heard.score.tempo_bpm, score.tempo_bpm, octaves_allowed=True))
        note("tempo", tempo_hit(heard.score.tempo_bpm, score.tempo_bpm))
        estimate = KeyEstimate(pitch_class(heard.score.key), heard.score.mode, 1.0)
        note("key, MIREX", mirex_key_score(estimate, score.key, score.mode))
        bar_s = score.bar_start_s(1)
        away = abs(heard.bar_starts_s[0] - round(heard.bar_starts_s[0] / bar_s) * bar_s)
        note("downbeat within 70 ms", away <= 0.07)
        note("chords", chords_agree(score, heard))
        for role, line in (("lead", LEAD), ("bass", BASS)):
            reference = played(score, role)
            if len(reference) < 8:
                continue
            every, alone = basic(track.audio, line)
            note(f"{role} in the mix", f1(reference, written(heard, role)))
            note(f"{role} in the mix, basic-pitch, all its notes", f1(reference, every))
            note(f"{role} in the mix, basic-pitch, its outer line", f1(reference, alone))
            stem = next(np.asarray(stem) for name, stem in track.stems.items() if name.startswith(role))
            every, alone = basic(stem, line)
            note(f"{role} alone", f1(reference, written(listen(stem), role)))
            note(f"{role} alone, basic-pitch, all its notes", f1(reference, every))
        kit = played(score, "drums")
        for name, keys, written_as in (("kick", (35, 36), 36), ("snare", (37, 38, 39, 40), 38)):
            reference = [(start, written_as) for start, key in kit if key in keys]
            if len(reference) >= 4:
                note(
                    f"{name} in the mix",
                    f1(reference, [one for one in written(heard, "drums") if one[1] == written_as]),
                )
        print(f"{genre:14s} " + ", ".join(f"{name} {values[-1]:.2f}" for name, values in table.items()), flush=True)
    for name, values in table.items():
        print(f"{name:50s} {np.mean(values):.3f}  ({len(values)} pieces)")


if __name__ == "__main__":
    main()
