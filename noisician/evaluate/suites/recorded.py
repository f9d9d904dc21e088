"""Instruments beside the real recordings that they are played from: who hears that it is them, and how near they are.

Judges: a tagger that has heard nothing but the recordings, asked about notes whose pitches were held out; and the
spectral distance of études from the recordings in a sampler, beside that of a General MIDI soundfont.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from noisician.corpus.exercises import write_exercise
from noisician.corpus.players import Player, Players
from noisician.corpus.recordings import read_recordings
from noisician.corpus.shipped_references import RECORDED, player_names, who_plays
from noisician.diffusion.noise import NoiseField
from noisician.errors import CorpusError
from noisician.evaluate.held_out import FIRST_HELD_OUT_SEED
from noisician.evaluate.recorded_notes import FOLDS, RecordedNote, in_slots, length_s, pictures_of, recorded_notes
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.spectral import audio_log_mel_error
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean
from noisician.evaluate.tagger import Tagger, note_pictures, taught
from noisician.loudness import integrated_loudness_lufs
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from noisician.renderer import Part, Renderer, RenderSettings, attacks_of
from noisician.renderer.library import shipped_references
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, instruments
from noisician.vocoder import Vocoder

#: Of each instrument at most so many notes are asked about, spread over pitches and velocities.
MOST_NOTES = 12
#: Études stay this near to what was recorded.
BEYOND_SEMITONES = 3
POINTS_UNDER = 5.0
NEARER_PERCENT = 80.0
NOTE, ETUDE = "note", "étude"

Play = Callable[[Sequence[NoteEvent], float], np.ndarray]
"""(notes, seconds) → mono float32."""

_TAGGED = (
    "A tagger (log-mel stretches, kernel ridge) that has heard recordings of single notes of these instruments and "
    f"nothing else names the instrument of single notes cut from stems; every {FOLDS}rd recorded pitch is held out in "
    "turn and asked about, the same pitch, velocity and length by the recording and by references, renderer and "
    "vocoder. Mean over instruments."
)
_NEARER = (
    "Log-mel L1 (128 bands, loudness aligned) between held-out études played by the recordings in a sampler and by "
    "references, renderer and vocoder, beside the General MIDI soundfont playing the same notes. "
)


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a note that the taggers are asked about, one an étude."""
    if settings.recordings_dir is None:
        raise CorpusError("notes of real instruments are told apart by their recordings; no folder of them was given")
    players, stage = Players(settings.samples_dir, settings.recordings_dir), Stage(Renderer(), Vocoder())
    recordings = read_recordings(settings.recordings_dir)
    chosen = recorded_instruments(settings.clips)
    lessons = {}
    for one in chosen:
        notes = recorded_notes(one, recordings)
        lessons[one.id] = Lessons(tuple(notes), np.array([pictures_of(note) for note in notes]))
    taggers = taught_in_turn(lessons)
    for number, one in enumerate(chosen):
        share = number / len(chosen)
        soundfont = players.find(f"{settings.soundfont}/{one.id}")
        others: Mapping[str, Play] = {
            "rendered": partial(stage.play, one, NoiseField(settings.seed, one.index)),
            "soundfont": lambda notes, duration_s, player=soundfont: player.play(notes, duration_s, 0),
        }
        for row in note_rows(one.id, lessons[one.id], taggers, others):
            yield share, row
        truths = [players.find(name) for name in player_names(one)]
        for take in range(max(1, settings.clips // len(chosen))):
            for row in etude_rows(one, truths, others, settings, take):
                yield share, row


def recorded_instruments(clips: int) -> list[Instrument]:
    """Those with real recordings; with fewer clips than instruments, so many of them, spread."""
    table = [instruments()[id_] for id_ in RECORDED]
    count = min(clips, len(table))
    return [table[number * len(table) // count] for number in range(count)]


@dataclass(frozen=True)
class Stage:
    """The product's players."""

    renderer: Renderer
    vocoder: Vocoder

    def play(
        self, instrument: Instrument, noise: NoiseField, notes: Sequence[NoteEvent], duration_s: float
    ) -> np.ndarray:
        """A stem by references, renderer and vocoder, mono float32 ``[round(duration_s · 44100)]``."""
        part = Part(instrument, shipped_references(instrument.id), tuple(notes), noise)
        (mel,) = self.renderer.render([part], int(np.ceil(duration_s * FRAME_RATE_HZ)), RenderSettings())
        audio = self.vocoder.synthesise(mel, part.notes, instrument, noise, hits=attacks_of(part))
        return audio[: round(duration_s * SAMPLE_RATE_HZ)]


@dataclass(frozen=True)
class Lessons:
    """Recorded notes of an instrument, and ``pictures [notes, moved, FEATURES]`` of them."""

    notes: tuple[RecordedNote, ...]
    pictures: np.ndarray

    def without(self, fold: int) -> np.ndarray:
        """``[pictures, FEATURES]`` of the notes that are not held out."""
        kept = [number for number, note in enumerate(self.notes) if note.fold != fold]
        return self.pictures[kept].reshape(-1, self.pictures.shape[-1])


def taught_in_turn(lessons: Mapping[str, Lessons]) -> list[Tagger]:
    """A tagger a fold, which has not heard the notes of it."""
    taggers = []
    for fold in range(FOLDS):
        heard = {id_: own.without(fold) for id_, own in lessons.items()}
        names = [id_ for id_, pictures in heard.items() for _ in pictures]
        taggers.append(taught(np.concatenate(list(heard.values())), names))
    return taggers


def note_rows(id_: str, lessons: Lessons, taggers: Sequence[Tagger], others: Mapping[str, Play]) -> Iterator[Row]:
    """Whose notes the taggers hear: the recordings', and the same notes by others."""
    count = min(MOST_NOTES, len(lessons.notes))
    asked = [number * len(lessons.notes) // count for number in range(count)]
    events = in_slots([(lessons.notes[number].pitch, lessons.notes[number].velocity) for number in asked])
    pictures = {"recorded": lessons.pictures[asked, 0]}
    for name, play in others.items():
        pictures[name] = note_pictures(play(events, length_s(count)), events)
    for place, number in enumerate(asked):
        note = lessons.notes[number]
        heard = {f"{name}_heard": taggers[note.fold].name(own[place : place + 1])[0] for name, own in pictures.items()}
        yield {"kind": NOTE, "instrument": id_, "pitch": note.pitch, "velocity": note.velocity} | heard


def etude_rows(
    instrument: Instrument,
    truths: Sequence[Player],
    others: Mapping[str, Play],
    settings: EvaluateSettings,
    take: int,
) -> Iterator[Row]:
    """How far others are from the recordings in nats; no row for an étude that has no sound."""
    low = max(instrument.range[0], min(min(one.keys) for one in truths) - BEYOND_SEMITONES)
    high = min(instrument.range[1], max(max(one.keys) for one in truths) + BEYOND_SEMITONES)
    rng = np.random.default_rng([FIRST_HELD_OUT_SEED + settings.seed, instrument.index, take])
    notes = write_exercise(replace(instrument, range=(low, high)), settings.clip_s, rng)
    truth = np.zeros(round(settings.clip_s * SAMPLE_RATE_HZ), np.float32)
    for one in truths:
        own = [note for note in notes if who_plays(truths, note.pitch) is one]
        truth += one.play(own, settings.clip_s, take) if own else 0
    if not truth.any():
        return
    row: Row = {"kind": ETUDE, "instrument": instrument.id, "take": take, "notes": len(notes)}
    for name, play in others.items():
        row[f"{name}_nats"] = aligned_error(truth, play(notes, settings.clip_s))
    yield row


def aligned_error(truth: np.ndarray, other: np.ndarray) -> float:
    """Log-mel L1 in nats of two mono clips of the same notes, the other one as loud as the truth."""
    wanted, loud = (integrated_loudness_lufs(np.stack([clip, clip], axis=1), SAMPLE_RATE_HZ) for clip in (truth, other))
    gain = 10 ** ((wanted - loud) / 20) if np.isfinite([wanted, loud]).all() else 1.0
    return audio_log_mel_error(truth, other * np.float32(gain))


def figures(rows: Sequence[Row]) -> list[Figure]:
    """How often the instrument is named, and how many are nearer to their recordings than the soundfont is."""
    notes = [row for row in rows if row["kind"] == NOTE]
    etudes = [row for row in rows if row["kind"] == ETUDE]
    return [*_named_figures(notes), *_nearer_figures(etudes)]


def _named_figures(notes: Sequence[Row]) -> list[Figure]:
    recorded, rendered, soundfont = (_named(notes, name) for name in ("recorded", "rendered", "soundfont"))
    under = None if recorded is None or rendered is None else recorded - rendered
    missed = sorted(
        (share, id_) for id_, share in _by_instrument(notes, "rendered").items() if share < 100 - POINTS_UNDER
    )
    least = ", ".join(f"{id_} {share:.0f} %" for share, id_ in missed) or "none"
    how, beside = f"{_TAGGED} Least: {least}.", baselines(recordings=recorded, soundfont=soundfont)
    target = Target("at most", POINTS_UNDER)
    return [
        Figure("instrument named, rendered notes", rendered, "%", how, None, len(notes), beside),
        Figure("instrument named, points under its recordings", under, "points", _TAGGED, target, len(notes)),
    ]  # fmt: skip


def _named(notes: Sequence[Row], name: str) -> float | None:
    return mean(_by_instrument(notes, name).values())


def _by_instrument(notes: Sequence[Row], name: str) -> dict[str, float]:
    """Percent of its notes that are named rightly, by instrument."""
    heard: dict[str, list[bool]] = {}
    for row in notes:
        heard.setdefault(row["instrument"], []).append(row[f"{name}_heard"] == row["instrument"])
    return {id_: 100 * float(np.mean(right)) for id_, right in heard.items()}


def _nearer_figures(etudes: Sequence[Row]) -> list[Figure]:
    both = {
        id_: tuple(
            float(np.mean([row[f"{name}_nats"] for row in etudes if row["instrument"] == id_]))
            for name in ("rendered", "soundfont")
        )
        for id_ in dict.fromkeys(row["instrument"] for row in etudes)
    }
    further = [id_ for id_, (ours, theirs) in both.items() if ours >= theirs]
    share = 100 * (1 - len(further) / len(both)) if both else None
    how = f"{_NEARER}Share of the instruments with recordings. Not nearer: {', '.join(further) or 'none'}."
    target = Target("at least", NEARER_PERCENT)
    ours, theirs = (mean(one[place] for one in both.values()) for place in (0, 1))
    return [
        Figure("nearer to the recordings than the soundfont", share, "% of instruments", how, target, len(both)),
        Figure("distance from the recordings", ours, "nats", _NEARER + "Mean over instruments.", None, len(etudes),
               baselines(soundfont=theirs)),
        *[
            Figure(f"distance from the recordings, {id_}", own, "nats", _NEARER, None, None, {"soundfont": other})
            for id_, (own, other) in sorted(both.items())
        ],
    ]  # fmt: skip


SUITE = BenchSuite("recorded", rows, figures)
