"""Recorded notes of an instrument laid out as stems, for a tagger to learn from and to be asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.corpus.recordings import Recordings, play_recordings
from noisician.corpus.shipped_references import RECORDED
from noisician.evaluate.tagger import note_pictures
from noisician.score.played import NoteEvent
from noisician.styles import Instrument

#: Every third recorded pitch is held out in turn.
FOLDS = 3
#: A note every so often; it is held and then rings.
FIRST_S, SLOT_S, HELD_S = 0.1, 2.5, 1.0
#: A tagger hears every recording also moved by so many semitones, because nobody is asked about pitches it has heard.
MOVED_SEMITONES = (0, -3, -1, 1, 3)


@dataclass(frozen=True)
class RecordedNote:
    """One recording as a note to be played; ``fold`` is the one in which its pitch is held out."""

    source: Recordings
    pitch: int
    velocity: int
    fold: int

    def played(self, pitches: Sequence[int]) -> np.ndarray:
        """This recording at some pitches, a note a slot, mono float32."""
        notes = in_slots([(pitch, self.velocity) for pitch in pitches])
        return play_recordings(self.source, notes, length_s(len(notes)), np.random.default_rng(0))


def recorded_notes(instrument: Instrument, recordings: dict[str, Recordings]) -> list[RecordedNote]:
    """Its recordings within its range by pitch and velocity; of several sources each up to where the next begins."""
    sources = [recordings[id_] for id_ in RECORDED[instrument.id]]
    begins = [*(min(sample.pitch for sample in source.samples) for source in sources[1:]), np.inf]
    low, high = instrument.range
    kept = [
        (sample, source)
        for source, end in zip(sources, begins, strict=True)
        for sample in source.samples
        if sample.pitch < end and low <= round(sample.pitch) <= high
    ]
    kept.sort(key=lambda one: (one[0].pitch, one[0].centre_velocity))
    places = {pitch: place for place, pitch in enumerate(sorted({round(sample.pitch) for sample, _ in kept}))}
    return [
        RecordedNote(
            replace(source, samples=(sample,)),
            round(sample.pitch),
            sample.centre_velocity,
            places[round(sample.pitch)] % FOLDS,
        )
        for sample, source in kept
    ]


def in_slots(notes: Sequence[tuple[int, int]]) -> list[NoteEvent]:
    """(pitch, velocity) one after the other, a slot each."""
    starts_s = FIRST_S + SLOT_S * np.arange(len(notes))
    return [
        NoteEvent(pitch, float(start_s), float(start_s + HELD_S), velocity)
        for (pitch, velocity), start_s in zip(notes, starts_s, strict=True)
    ]


def length_s(notes: int) -> float:
    return FIRST_S + SLOT_S * notes


def pictures_of(note: RecordedNote) -> np.ndarray:
    """``[len(MOVED_SEMITONES), FEATURES]``: the note itself first, then moved."""
    pitches = [note.pitch + moved for moved in MOVED_SEMITONES]
    stem = note.played(pitches)
    return note_pictures(stem, in_slots([(pitch, note.velocity) for pitch in pitches]))
