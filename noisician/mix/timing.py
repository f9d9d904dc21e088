"""What the score tells the mix."""

from __future__ import annotations

from dataclasses import dataclass

from noisician.score.model import Score

KICKS = (35, 36)  # General MIDI percussion notes


@dataclass(frozen=True)
class Timing:
    """What the score knows and a mixer would have to guess: tempo, kick onsets, sections' energies.

    ``energies`` are (start in seconds, energy 0 … 1), in order.
    """

    tempo_bpm: float = 120.0
    kicks_s: tuple[float, ...] = ()
    energies: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, score: Score) -> Timing:
        """The timing of a score, swing and human timing included."""
        drums = (track.notes for track in score.tracks if track.role == "drums")
        kicks = {score.tempo.seconds(note.start_beats) for notes in drums for note in notes if note.pitch in KICKS}
        return cls(
            tempo_bpm=score.tempo_bpm,
            kicks_s=tuple(sorted(kicks)),
            energies=tuple((score.bar_start_s(section.start_bar), section.energy) for section in score.sections),
        )
