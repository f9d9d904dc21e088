"""Does one hear the tune that an edit sets? A transcriber listens to the lead's stem, and to the mix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from zlib import crc32

import numpy as np

from noisician.analysis.transcriber import heard_notes
from noisician.cache import MemoryCache
from noisician.composer import make_plan
from noisician.corpus.clips import Studio
from noisician.edits import NewNote, SetNotes
from noisician.evaluate.note_matching import heard
from noisician.evaluate.performance import Overheard, SoundfontBand
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, percent
from noisician.models.support import checked
from noisician.piece import Piece, piece_of
from noisician.piece.model import Player
from noisician.prompt import understand
from noisician.request import Request
from noisician.score.harmony import SCALES, pitch_class
from noisician.score.played import NoteEvent, played_notes
from noisician.styles import instruments, table

BARS = 8
#: Each piece is made, edited and played by the soundfont; a few of many genres must do.
MOST_PIECES = 16
CACHE_BYTES = 1 << 28
#: The best published for a system that follows melodies (YuE's successor, its own table), in percent.
PITCHES_PERCENT, ONSETS_PERCENT = 84.2, 73.4
MOST_UNDER_SOUNDFONT_POINTS = 3.0
EIGHTH_BEATS, QUARTER_BEATS = 0.5, 1.0
#: Steps of a tune in degrees of the scale, and how likely they are: mostly to a neighbour, at times a leap.
STEPS_DEGREES = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
STEP_WEIGHTS = (1, 2, 4, 8, 2, 8, 4, 2, 1)
#: How far a tune may go from where the lead played before.
COMPASS_SEMITONES = 9

_MEASURES = {
    "pitches": "share of its sounding time in which a note within 50 cents is heard",
    "onsets": "share of its notes that begin within 50 ms of a heard one, one to one",
    "notes": "share of its notes heard by onset and pitch together, one to one",
}
_HOW = (
    f"A random diatonic tune of eighths and quarters over {BARS} bars, set by an edit in the place of the lead's, in "
    "pieces of different genres whose leads all play another instrument; heard by basic-pitch: {measure}. "
    "Baseline: the soundfont playing the edited score, its mix decided for its own sound."
)


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a piece."""
    model = Overheard(cache=MemoryCache(CACHE_BYTES))
    band = Overheard(SoundfontBand(Studio((settings.soundfont,), settings.samples_dir)))
    chosen = genres(min(settings.prompts, MOST_PIECES), settings.seed)
    for number, genre in enumerate(chosen):
        yield (number + 1) / len(chosen), _row(model, band, genre, settings.seed)


def genres(count: int, seed: int) -> list[str]:
    """At most ``count`` genres, spread over the table, whose pieces have leads on instruments all different."""
    firsts: dict[str, str] = {}
    for genre in table("genres"):
        plan = make_plan(understand(_request(genre, seed)), seed)
        for role, instrument in plan.instrumentation:
            if role == "lead" and instruments()[instrument].excitation == "harmonic":
                firsts.setdefault(instrument, genre)
    found = list(dict.fromkeys(firsts.values()))
    count = min(count, len(found))
    return [found[place * len(found) // count] for place in range(count)]


def _request(genre: str, seed: int) -> Request:
    return Request(genres=(genre,), bars=BARS, seed=seed)


def _row(model: Overheard, band: Overheard, genre: str, seed: int) -> Row:
    made = model.generate(checked(_request(genre, seed), model.capabilities))
    piece = piece_of(made.recipe)
    assert piece is not None
    number, lead = next((place, one) for place, one in enumerate(piece.plan.players) if one.role == "lead")
    tune = new_tune(piece, lead, np.random.default_rng([seed, crc32(genre.encode())]))
    old = tuple(note.id for note in piece.notes[lead.id])
    ours = model.edit(made.recipe, (SetNotes(player=lead.id, add=tune, delete=old),))
    stem = model.dry[number]
    assert ours.score is not None
    soundfont = band.remixed(ours.recipe)
    notes = played_notes(ours.score, ours.score.tracks[number])
    return {
        "genre": genre,
        "instrument": lead.instrument,
        "tempo_bpm": piece.plan.tempo_bpm,
        "notes": len(notes),
        **_measured("stem", notes, stem, band.dry[number]),
        **_measured("mix", notes, ours.audio, soundfont.audio),
    }


def _measured(where: str, notes: Sequence[NoteEvent], ours: np.ndarray, soundfont: np.ndarray) -> Row:
    row: Row = {}
    for who, audio in ((where, ours), (f"soundfont_{where}", soundfont)):
        row |= {f"{who}_{name}": share for name, share in asdict(heard(notes, heard_notes(audio))).items()}
    return row


def new_tune(piece: Piece, lead: Player, rng: np.random.Generator) -> tuple[NewNote, ...]:
    """A tune in the piece's scale around where the lead played, from its first beat to its last."""
    pitches = _pitches(piece, lead)
    weights = np.array(STEP_WEIGHTS) / sum(STEP_WEIGHTS)
    place, notes = len(pitches) // 2, []
    bar_beats = piece.plan.meter.beats_per_bar
    for bar in range(piece.plan.bars):
        beat = 0.0
        while beat < bar_beats - 1e-9:
            lasts = EIGHTH_BEATS if rng.random() < 0.5 or bar_beats - beat < QUARTER_BEATS else QUARTER_BEATS
            place = _within(place + STEPS_DEGREES[int(rng.choice(len(weights), p=weights))], len(pitches))
            velocity = int(rng.integers(75, 111))
            start = bar * bar_beats + beat
            notes.append(NewNote(pitch=pitches[place], start_beats=start, duration_beats=lasts, velocity=velocity))
            beat += lasts
    return tuple(notes)


def _pitches(piece: Piece, lead: Player) -> list[int]:
    """The scale's pitches that the instrument has, around the middle of what the lead played."""
    played = [note.pitch for note in piece.notes[lead.id]]
    low, high = instruments()[lead.instrument].range
    middle = int(np.clip(np.median(played) if played else (low + high) / 2, low, high))
    tonic = pitch_class(piece.plan.key)
    inside = range(max(low, middle - COMPASS_SEMITONES), min(high, middle + COMPASS_SEMITONES) + 1)
    return [pitch for pitch in inside if (pitch - tonic) % 12 in SCALES[piece.plan.mode]]


def _within(place: int, count: int) -> int:
    """A step beyond either end turns back there."""
    last = count - 1
    return max(0, last - abs(last - abs(place)))


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Means over pieces, in percent, on the stem and on the mix, and how far the mix is under the soundfont's."""
    limits = {"pitches": PITCHES_PERCENT, "onsets": ONSETS_PERCENT}
    made = []
    for where in ("stem", "mix"):
        for name, measure in _MEASURES.items():
            ours = percent(row[f"{where}_{name}"] for row in rows)
            soundfont = percent(row[f"soundfont_{where}_{name}"] for row in rows)
            how = _HOW.format(measure=measure)
            target = Target("at least", limits[name]) if where == "stem" and name in limits else None
            title = f"{name} of an edited tune heard on the {where}"
            made.append(Figure(title, ours, "%", how, target, len(rows), baselines(soundfont=soundfont)))
            if where == "mix":
                under = None if ours is None or soundfont is None else soundfont - ours
                made.append(
                    Figure(
                        f"{title}, points under the soundfont",
                        under,
                        "points",
                        "The soundfont's share less ours; negative where ours is higher.",
                        Target("at most", MOST_UNDER_SOUNDFONT_POINTS),
                        len(rows),
                    )
                )
    return made


SUITE = BenchSuite("edits", rows, figures)
