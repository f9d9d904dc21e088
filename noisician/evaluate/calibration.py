"""Fits what listening has learnt, on songs that are known: ``python -m noisician.evaluate.calibration level``, ``bars``
or ``drums``, for the metrical level, where bars begin, and which drum is struck.

The songs are the procedural composer's, of seeds no model was trained on, one excerpt each, played by a soundfont
through the house's mix. Besides the fit it prints how often it is right, also on genres or songs it was not fitted on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from noisician import analysis
from noisician.analysis.bars import COUNTS, Count, CountedExample, CountModel, fit_counts, half_beats
from noisician.analysis.beats import tracked_beats
from noisician.analysis.drums import DRUMS, fit_drums, labels_of, moments_of
from noisician.analysis.metrical_level import Example, fit, onsets
from noisician.analysis.recording import pulse_of
from noisician.corpus.clips import Studio
from noisician.corpus.compose import ComposedSong, compose_song
from noisician.evaluate.performance import Overheard, SoundfontBand
from noisician.evaluate.tempo import tempo_hit, tracked_tempo_bpm
from noisician.piece import Setting, piece_of_score, to_dict
from noisician.piece.create import HUMANISE
from noisician.recipe import Recipe
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Score
from noisician.score.decode import decode
from noisician.score.grid import Grid
from noisician.score.model import METERS
from noisician.score.perform import perform, shade
from noisician.styles import learnt_genres, table

FIRST_SEED = 900_000
EXCERPT_S = 28.0
TAIL_S = 2.0
#: Genres whose drummer nearly always plays.
LEAST_DRUMS = 0.8


def beat_genres() -> list[str]:
    """The genres that have a beat."""
    entries = table("genres").items()
    return [
        name
        for name, entry in entries
        if name in learnt_genres() and entry["roles"].get("drums", {}).get("presence", 0.0) > LEAST_DRUMS
    ]


def excerpt(song: ComposedSong, number: int) -> Score:
    """About EXCERPT_S of a song from the start of one of its sections, performed."""
    meter, genre = METERS[song.time_signature], table("genres")[song.genre]
    bar_s = meter.beats_per_bar * 60 / song.tempo_bpm
    bars = min(song.grid.bars, max(2, round(EXCERPT_S / bar_s)))
    starts = [section.start_bar for section in song.sections if section.start_bar + bars <= song.grid.bars] or [0]
    first = starts[number % len(starts)]
    sections = []
    for section in song.sections:
        start, end = max(section.start_bar, first), min(section.start_bar + section.bars, first + bars)
        if end > start:
            sections.append(replace(section, start_bar=start - first, bars=end - start))
    steps = slice(first * meter.steps_per_bar, (first + bars) * meter.steps_per_bar)
    score = decode(
        Grid(song.grid.tokens[steps], song.time_signature),
        tempo_bpm=song.tempo_bpm,
        key="C",
        mode=song.mode,
        sections=sections,
        instrumentation=song.instruments,
    )
    score = replace(score, tracks=tuple(track for track in score.tracks if track.notes))
    unit = "eighth" if genre.get("swing_unit", 16) == 8 else "sixteenth"
    return shade(perform(score, swing=genre["swing"], humanise=HUMANISE, seed=number, swing_unit=unit), 0)


@dataclass(frozen=True)
class Played:
    """An excerpt as a soundfont plays it, and what it is."""

    score: Score
    audio: np.ndarray
    genre: str


def played(studio: Studio, genres: Sequence[str], songs_a_genre: int) -> Iterator[Played]:
    """An excerpt of each song."""
    band = Overheard(SoundfontBand(studio))
    for place, genre in enumerate(genres):
        for number in range(songs_a_genre):
            score = excerpt(compose_song(genre, None, FIRST_SEED + 100 * place + number), number)
            duration_s = score.duration_beats * score.seconds_per_beat + TAIL_S
            tags = tuple(table("genres")[genre].get("production", ()))
            setting = Setting(duration_s, {genre: 1.0}, {}, tags)
            piece = piece_of_score(score, setting, number, RenderSettings())
            audio = band.replay(Recipe(request=Request(), seed=number, piece=to_dict(piece))).audio
            yield Played(score, audio, genre)
        print(genre, flush=True)


def example_of(one: Played) -> Example | None:
    """The evidence for the level; None where nobody drums or the tracker follows nothing."""
    if not any(track.role == "drums" for track in one.score.tracks):
        return None
    tracked = tracked_tempo_bpm(one.audio)
    return None if tracked is None else Example(onsets(one.audio), tracked, one.score.tempo_bpm, one.genre)


def counted_of(one: Played) -> CountedExample | None:
    """The evidence for the bars; None where the beat is not found or counts in two."""
    pulse = pulse_of(one.audio)
    beats, per_bar = tracked_beats(pulse), len(one.score.meter.pulses)
    counts = {count.per_bar for count in COUNTS}
    if beats is None or per_bar not in counts or not tempo_hit(beats.tempo_bpm, one.score.tempo_bpm):
        return None
    times, evidence = half_beats(beats, pulse)
    places = np.round([2 * one.score.tempo.beats(float(time)) for time in times]).astype(int)
    inside = places < one.score.bars * per_bar * 2
    first = int(np.flatnonzero(places >= 0)[0])
    right = COUNTS.index(Count(per_bar, int(first - places[first]) % (2 * per_bar)))
    return CountedExample(evidence[inside], right, one.genre)


def strokes_of(one: Played) -> tuple[np.ndarray, np.ndarray]:
    """Features of every moment, and which drums are struck there."""
    kit = [note for track in one.score.tracks if track.role == "drums" for note in track.notes]
    times, features, _ = moments_of(one.audio)
    return features, labels_of(times, [(one.score.tempo.seconds(note.start_beats), note.pitch) for note in kit])


def accuracy_elsewhere(known: Sequence[Example]) -> float:
    """Share right within 2 % when each genre is judged by a fit on all the others."""
    hits = []
    for genre in sorted({example.group for example in known}):
        model = fit([example for example in known if example.group != genre])
        held_out = [example for example in known if example.group == genre]
        hits += [tempo_hit(model.choose(one.heard, one.tracked_bpm), one.tempo_bpm) for one in held_out]
    return float(np.mean(hits))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the metrical level, the bars and the drums that are heard.")
    parser.add_argument("what", choices=("level", "bars", "drums"))
    parser.add_argument("--songs", type=int, default=8, help="songs of each genre")
    parser.add_argument("--soundfont", default="fluidr3mono")
    parser.add_argument("--samples", type=Path, default=None, help="folder of the CC0 samples")
    parser.add_argument("--out", type=Path, default=None, help="left out, into the package")
    options = parser.parse_args()
    genres = beat_genres() if options.what == "level" else list(learnt_genres())
    songs = played(Studio((options.soundfont,), options.samples), genres, options.songs)
    fit_one = {"level": _fit_level, "bars": _fit_bars, "drums": _fit_drums}[options.what]
    text, file = fit_one(songs)
    (options.out or Path(analysis.__file__).with_name(file)).write_text(text, encoding="utf-8")


def _fit_level(songs: Iterator[Played]) -> tuple[str, str]:
    known = [example for song in songs if (example := example_of(song)) is not None]
    model = fit(known)
    plain = np.mean([tempo_hit(one.tracked_bpm, one.tempo_bpm) for one in known])
    chosen = np.mean([tempo_hit(model.choose(one.heard, one.tracked_bpm), one.tempo_bpm) for one in known])
    print(
        f"{len(known)} excerpts: tracker alone {plain:.1%}, with the level {chosen:.1%}, "
        f"on genres not fitted {accuracy_elsewhere(known):.1%}"
    )
    return model.to_json(), "metrical_level.json"


def _fit_bars(songs: Iterator[Played]) -> tuple[str, str]:
    known = [example for song in songs if (example := counted_of(song)) is not None]

    def right(model: CountModel, one: CountedExample) -> bool:
        return COUNTS.index(model.choose(one.evidence)) == one.right

    model = fit_counts(known)
    alone = [right(fit_counts([other for other in known if other is not one]), one) for one in known]
    seen = np.mean([right(model, one) for one in known])
    print(f"{len(known)} excerpts: right in {seen:.1%}, each left out of the fit {np.mean(alone):.1%}")
    return model.to_json(), "bars.json"


def _fit_drums(songs: Iterator[Played]) -> tuple[str, str]:
    features, struck = (np.concatenate(parts) for parts in zip(*map(strokes_of, songs), strict=True))
    model = fit_drums(features, struck)
    heard = model.likelihoods(features) >= 0.5
    for place, drum in enumerate(DRUMS):
        both = (heard[:, place] & struck[:, place]).sum()
        print(f"{drum}: F {2 * both / (heard[:, place].sum() + struck[:, place].sum()):.3f} on what was fitted")
    return model.to_json(), "drums.json"


if __name__ == "__main__":
    main()
