"""How well tunes that are sung are written down: note F1 against the score, in sixteenths of the tempo that is heard.

python benchmarks/hummed_tunes.py [--tunes 20] [--seconds 20]

Tunes are sung on vocalises by the singers that ship, alone; then the same with white noise 20 dB under them, in a room,
and half a semitone lower and slower. A note counts where its pitch is right and its place, at the tempo
that was heard (half and double allowed), is within one sixteenth.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np

import noisician
from noisician.analysis.tune import tune_of
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score import Score

GENRES = ("folk", "pop", "soul", "jazz ballad", "gospel", "country", "indie pop", "latin pop")


def noisy(voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return voice + rng.normal(size=len(voice)) * np.sqrt(np.mean(voice**2)) * 0.1


def in_a_room(voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    tail = rng.normal(size=SAMPLE_RATE_HZ // 2) * np.exp(-np.arange(SAMPLE_RATE_HZ // 2) / (0.08 * SAMPLE_RATE_HZ))
    size = len(voice) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(voice, size) * np.fft.rfft(tail / np.sqrt((tail**2).sum()), size), size)
    return voice + 0.4 * wet[: len(voice)]


def slowed(voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.interp(np.arange(0, len(voice), 1 / 1.03), np.arange(len(voice)), voice)


CONDITIONS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "clean": lambda voice, rng: voice,
    "noise 20 dB under": noisy,
    "in a room": in_a_room,
    "half a semitone lower and slower": slowed,
}


def sung_notes(score: Score) -> list[tuple[float, int]]:
    """(start in beats, pitch) of what the lead sings; a syllable that stays on its pitch is one note, for nothing tells
    that another begins."""
    track = next(track for track in score.tracks if track.instrument == "voice" and track.role == "vocals")
    notes = list(track.notes[:1])
    for note in track.notes[1:]:
        is_tied = note.syllable is None and note.pitch == notes[-1].pitch
        if not (is_tied and note.start_beats - notes[-1].end_beats < 0.1):
            notes.append(note)
        else:
            notes[-1] = replace(notes[-1], duration_beats=note.end_beats - notes[-1].start_beats)
    return [(note.start_beats, note.pitch) for note in notes]


def f1(heard: Score, sung: list[tuple[float, int]], tempo_bpm: float) -> float:
    """The best over the octaves of the tempo, the offset of the bar and a common shift of a semitone."""
    best = 0.0
    notes = [(note.start_beats, note.pitch) for note in heard.tracks[0].notes]
    for factor in (0.5, 1.0, 2.0):
        if abs(heard.tempo_bpm / (tempo_bpm * factor) - 1) > 0.06:
            continue
        scaled = [(beat / factor, pitch) for beat, pitch in notes]
        for shift in (0, 1):
            offsets = [beat - scaled[0][0] for beat, _ in sung[:3]]
            for offset in offsets:
                free = [(beat + offset, pitch + shift) for beat, pitch in scaled]
                hits = 0
                for beat, pitch in sung:
                    near = [one for one in free if one[1] == pitch and abs(one[0] - beat) <= 0.25 + 1e-6]
                    if near:
                        free.remove(min(near, key=lambda one: abs(one[0] - beat)))
                        hits += 1
                best = max(best, 2 * hits / (len(sung) + len(notes)))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tunes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in CONDITIONS}
    for seed in range(args.tunes):
        song = noisician.make(GENRES[seed % len(GENRES)], vocals=True, duration_s=args.seconds, seed=seed)
        assert song.score is not None
        sung = sung_notes(song.score)
        voice = song.stems["vocals"].mean(axis=1)
        told = []
        for name, change in CONDITIONS.items():
            sound = change(voice, np.random.default_rng(seed)).astype(np.float32)
            tempo = song.score.tempo_bpm / (1.03 if change is slowed else 1.0)
            heard = tune_of(sound).score
            found[name].append(f1(heard, sung, tempo))
            told.append(f"{found[name][-1]:.2f}")
        tempi = f"{song.score.tempo_bpm:5.0f} BPM, heard {heard.tempo_bpm:.0f}"
        print(f"{seed:3d} {GENRES[seed % len(GENRES)]:12s} {tempi}; F1 {' '.join(told)}", flush=True)
    for name, values in found.items():
        print(f"{name:34s} mean F1 {np.mean(values):.3f}, tempo heard in {np.mean(np.array(values) > 0):.0%}")


if __name__ == "__main__":
    main()
