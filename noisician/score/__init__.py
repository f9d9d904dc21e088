"""Notes in musical time: the score types, their token grid, and MIDI."""

from noisician.score.model import Chord, Meter, Note, Score, Section, Track

__all__ = ["Chord", "Meter", "Note", "Score", "Section", "Track"]
