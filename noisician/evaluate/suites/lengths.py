"""Is a length filled: music to its end, and an end that was written?

Every genre that ships, by its name alone, in three lengths, some seeds each; all of it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.musicianship import judged_genres
from noisician.evaluate.suites.suite import BenchSuite, Row, percent
from noisician.models.embedded import EmbeddedModel
from noisician.models.support import checked
from noisician.music import Music
from noisician.request import Request

LENGTHS_S = (5.0, 10.0, 30.0)
#: Seeds at most: with two, every genre makes six tracks, 342 in all.
MOST_SEEDS = 2
#: How far under the whole track's level sound still counts as music, and how long is listened to at a time.
HEARD_DB, BLOCK_S = -30.0, 0.05
SILENCE_DB = -100.0
#: What share of a length is music at least, of the shortest one and of others.
MUSIC_SHARE_SHORT, MUSIC_SHARE = 0.93, 0.95
#: How long before the end the last note may begin, and how far from the whole the last tenth's level may be.
LAST_ONSET_BEATS, LAST_ONSET_S = 2.0, 1.5
LAST_TENTH_DB = 6.0


def levels_db(audio: np.ndarray, rate_hz: int) -> tuple[float, np.ndarray]:
    """The level of all of ``audio`` ``[frames, 2]``, and that of each block of BLOCK_S, in dB of full scale."""
    power = np.square(audio, dtype=np.float64).mean(axis=1)
    size = round(BLOCK_S * rate_hz)
    blocks = power[: len(power) // size * size].reshape(-1, size).mean(axis=1)
    return float(10 * np.log10(power.mean() + 1e-12)), 10 * np.log10(blocks + 1e-12)


def music_share(audio: np.ndarray, rate_hz: int) -> float:
    """The share of a track that is over when the last sound within HEARD_DB of its level is."""
    whole_db, blocks_db = levels_db(audio, rate_hz)
    heard = np.flatnonzero(blocks_db >= max(whole_db + HEARD_DB, SILENCE_DB))
    return float((heard[-1] + 1) / len(blocks_db)) if len(heard) else 0.0


def last_tenth_db(audio: np.ndarray, rate_hz: int) -> float:
    """The level of the last tenth against that of the whole track."""
    whole_db, _ = levels_db(audio, rate_hz)
    end_db, _ = levels_db(audio[len(audio) - len(audio) // 10 :], rate_hz)
    return end_db - whole_db


def measured(music: Music, wanted_s: float) -> Row:
    """The row of a track that should last ``wanted_s``."""
    assert music.score is not None
    tempo = music.score.tempo
    last_beats = max(note.start_beats for track in music.score.tracks for note in track.notes)
    last_bpm = tempo.bpm(last_beats)
    return {
        "wanted_s": wanted_s,
        "length_s": music.duration_s,
        "music": music_share(music.audio, music.sample_rate_hz),
        "after_last_onset_s": music.duration_s - tempo.seconds(last_beats),
        "last_onset_limit_s": LAST_ONSET_BEATS * 60 / last_bpm + LAST_ONSET_S,
        "last_tenth_db": last_tenth_db(music.audio, music.sample_rate_hz),
    }


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a track."""
    model = EmbeddedModel()
    seeds = range(settings.seed, settings.seed + min(settings.seeds, MOST_SEEDS))
    cases = [(genre, length_s, seed) for seed in seeds for genre in judged_genres() for length_s in LENGTHS_S]
    for number, (genre, length_s, seed) in enumerate(cases):
        request = Request(genres=(genre,), duration_s=length_s, seed=seed)
        music = model.generate(checked(request, model.capabilities))
        yield (number + 1) / len(cases), {"genre": genre, "seed": seed, **measured(music, length_s)}


def figures(rows: Sequence[Row]) -> list[Figure]:
    """The shares of tracks that are filled, that end where they should, and at the level they should."""
    kinds = (
        (
            "lengths: music to the end",
            [row["music"] >= _least_share(row) for row in rows],
            f"Share of tracks of {', '.join(f'{length_s:g}' for length_s in LENGTHS_S)} s in which sound within "
            f"{-HEARD_DB:g} dB of the track's level reaches {100 * MUSIC_SHARE_SHORT:g} % of the shortest length, "
            f"{100 * MUSIC_SHARE:g} % of the others.",
            100.0,
        ),
        (
            "lengths: the last note begins near the end",
            [row["after_last_onset_s"] <= row["last_onset_limit_s"] for row in rows],
            f"Share in which it begins within {LAST_ONSET_BEATS:g} beats and {LAST_ONSET_S:g} s of the end.",
            100.0,
        ),
        (
            "lengths: the end is as loud as the piece",
            [abs(row["last_tenth_db"]) <= LAST_TENTH_DB for row in rows],
            f"Share whose last tenth is within {LAST_TENTH_DB:g} dB of the whole.",
            95.0,
        ),
        (
            "lengths: exactly as long as asked for",
            [abs(row["length_s"] - row["wanted_s"]) < 0.01 for row in rows],
            "Share of tracks, to 10 ms.",
            100.0,
        ),
    )
    return [
        Figure(name, percent(met), "%", f"{how}{_worst(rows, met)}", Target("at least", limit), len(rows))
        for name, met, how, limit in kinds
    ]


def _least_share(row: Row) -> float:
    return MUSIC_SHARE_SHORT if row["wanted_s"] == min(LENGTHS_S) else MUSIC_SHARE


def _worst(rows: Sequence[Row], met: Sequence[bool]) -> str:
    names = (f"{row['genre']} {row['wanted_s']:g} s, seed {row['seed']}" for row in rows)
    missed = [name for name, yes in zip(names, met, strict=True) if not yes]
    return f" Not: {'; '.join(missed)}." if missed else ""


SUITE = BenchSuite("lengths", rows, figures)
