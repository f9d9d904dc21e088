"""Notes in seconds: what the renderer, the vocoder and the corpus's instruments are given to play."""

from __future__ import annotations

from dataclasses import dataclass

from noisician.score.model import Score, Track


@dataclass(frozen=True)
class NoteEvent:
    """One note at one time. Textures use it too: pitch 60, from start to end."""

    pitch: int
    start_s: float
    end_s: float
    velocity: int  # 1 … 127


def played_notes(score: Score, track: Track) -> tuple[NoteEvent, ...]:
    """A track's notes in seconds, in order of start."""
    seconds = score.tempo.seconds
    notes = (
        NoteEvent(note.pitch, seconds(note.start_beats), seconds(note.end_beats), note.velocity) for note in track.notes
    )
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch)))
