"""Passages for the renderer: what one player of a procedural song plays, for seconds.

Études draw everything wide and independently; music does not. The renderer is to paint music, so it meets some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from noisician.corpus.compose import ComposedSong, compose_song
from noisician.score.decode import decode
from noisician.score.perform import perform, shade
from noisician.score.played import NoteEvent, played_notes
from noisician.styles import PITCHED_ROLES, Instrument, learnt_genres, table

if TYPE_CHECKING:
    from noisician.score import Score

#: Fewer notes than this are no passage.
FEWEST_NOTES = 4


def write_passage(instrument: Instrument, duration_s: float, rng: np.random.Generator) -> tuple[NoteEvent, ...] | None:
    """Notes within ``duration_s`` that suit an instrument, in order of start; None when the song has none for it."""
    genres = list(learnt_genres())
    song = compose_song(str(rng.choice(genres)), None, int(rng.integers(2**31)))
    score = _performed(song, int(rng.integers(2**31)))
    wanted = ("drums",) if instrument.excitation == "drum" else PITCHED_ROLES
    tracks = [track for track in score.tracks if track.role in wanted and len(track.notes) >= FEWEST_NOTES]
    if not instrument.polyphonic:
        tracks = [track for track in tracks if track.role not in ("chords", "pad")]
    suited = [track for track in tracks if track.role in instrument.roles] or tracks
    if not suited:
        return None
    notes = played_notes(score, suited[int(rng.integers(len(suited)))])
    start_s = notes[int(rng.integers(max(1, len(notes) - FEWEST_NOTES)))].start_s - rng.uniform(0, 0.5)
    cut = [
        replace(note, start_s=note.start_s - start_s, end_s=note.end_s - start_s)
        for note in notes
        if 0 <= note.start_s - start_s < duration_s - 0.1
    ]
    if instrument.excitation != "drum":
        cut = _in_range(cut, instrument)
    return tuple(cut) if len(cut) >= FEWEST_NOTES else None


def _performed(song: ComposedSong, seed: int) -> Score:
    genre = table("genres")[song.genre]
    score = decode(
        song.grid,
        tempo_bpm=song.tempo_bpm,
        key="C",
        mode=song.mode,
        sections=song.sections,
        instrumentation=song.instruments,
    )
    unit = "eighth" if genre.get("swing_unit", 16) == 8 else "sixteenth"
    human = float(np.random.default_rng(seed).uniform(0, 1))
    return shade(perform(score, swing=genre["swing"], humanise=human, seed=seed, swing_unit=unit), 0)


def _in_range(notes: Sequence[NoteEvent], instrument: Instrument) -> list[NoteEvent]:
    """Moved as a whole by octaves to the middle of the range; what is still outside is folded in."""
    low, high = instrument.range
    centre = np.mean([note.pitch for note in notes]) if notes else 0
    octaves = 12 * round(((low + high) / 2 - centre) / 12)
    moved = []
    for note in notes:
        pitch = note.pitch + octaves
        pitch += 12 * max(0, -(-(low - pitch) // 12)) - 12 * max(0, -(-(pitch - high) // 12))
        if low <= pitch <= high:
            moved.append(replace(note, pitch=int(pitch)))
    return moved
