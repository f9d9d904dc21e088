"""Fits the tempo judge's metrical level on songs whose tempo is known: ``python -m noisician.evaluate.calibration``.

The songs are the procedural composer's, of seeds no model was trained on, one excerpt each, played by a soundfont
through the house's mix. Besides the fit it prints how often the judge is right on genres it was not fitted on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from noisician.analysis import metrical_level
from noisician.analysis.metrical_level import Example, fit, onsets
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


def examples(studio: Studio, songs_a_genre: int) -> Iterator[Example]:
    """The evidence of every excerpt that has drums and a beat the tracker follows."""
    band = Overheard(SoundfontBand(studio))
    for place, genre in enumerate(beat_genres()):
        for number in range(songs_a_genre):
            score = excerpt(compose_song(genre, None, FIRST_SEED + 100 * place + number), number)
            if not any(track.role == "drums" for track in score.tracks):
                continue
            duration_s = score.duration_beats * score.seconds_per_beat + TAIL_S
            tags = tuple(table("genres")[genre].get("production", ()))
            setting = Setting(duration_s, {genre: 1.0}, {}, tags)
            piece = piece_of_score(score, setting, number, RenderSettings())
            audio = band.replay(Recipe(request=Request(), seed=number, piece=to_dict(piece))).audio
            tracked = tracked_tempo_bpm(audio)
            if tracked is not None:
                yield Example(onsets(audio), tracked, score.tempo_bpm, genre)
        print(genre, flush=True)


def accuracy_elsewhere(known: Sequence[Example]) -> float:
    """Share right within 2 % when each genre is judged by a fit on all the others."""
    hits = []
    for genre in sorted({example.group for example in known}):
        model = fit([example for example in known if example.group != genre])
        held_out = [example for example in known if example.group == genre]
        hits += [tempo_hit(model.choose(one.heard, one.tracked_bpm), one.tempo_bpm) for one in held_out]
    return float(np.mean(hits))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the metrical level of the tempo judge.")
    parser.add_argument("--songs", type=int, default=8, help="songs of each genre")
    parser.add_argument("--soundfont", default="fluidr3mono")
    parser.add_argument("--samples", type=Path, default=None, help="folder of the CC0 samples")
    parser.add_argument("--out", type=Path, default=Path(metrical_level.__file__).with_suffix(".json"))
    options = parser.parse_args()
    known = list(examples(Studio((options.soundfont,), options.samples), options.songs))
    model = fit(known)
    plain = np.mean([tempo_hit(one.tracked_bpm, one.tempo_bpm) for one in known])
    chosen = np.mean([tempo_hit(model.choose(one.heard, one.tracked_bpm), one.tempo_bpm) for one in known])
    print(
        f"{len(known)} excerpts: tracker alone {plain:.1%}, with the level {chosen:.1%}, "
        f"on genres not fitted {accuracy_elsewhere(known):.1%}"
    )
    options.out.write_text(model.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
