"""Singing: is every syllable sung, in tune, understood as well as the teacher is, and fast?

The judges share nothing with training: an autocorrelation pitch tracker, a speech recogniser, the composers of songs
that were held out. What the network should have drawn is known from the teacher for texts it never saw.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from noisician.corpus.lieder import human_stresses
from noisician.errors import CorpusError, RequestError
from noisician.evaluate.recogniser import LineRecogniser
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.singing_checks import agreement, completeness, our_stresses, set_text
from noisician.evaluate.singing_lines import LINES, PITCHES, TEMPO_BPM, Teachers, performed, speaker_turns, write_sheet
from noisician.evaluate.singing_spectra import (
    held_out_phrases,
    held_vowel_motion_db,
    log_spectral_distance_db,
    vowel_distances_db,
)
from noisician.evaluate.singing_texts import HumanSong, held_out_songs, random_text
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean, percent
from noisician.evaluate.sung_pitch import MIDDLE, STEADY_FROM_S, steady_notes
from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals.acoustic import Acoustic
from noisician.vocals.singer import Phrase, Singer
from noisician.vocals.style import SingingStyle
from noisician.vocals.voices import Voice, voices

#: 200 random texts at the usual 40 prompts.
TEXTS_A_PROMPT = 5
#: Pitch all voices sing at when their vowels are compared; every range comes near it.
COMMON_RANGE = (55, 69)
POINTS_UNDER_TEACHER = 5.0
POINTS_UNDER_COMPOSERS = 5.0
#: Shares of the suite's work.
_TEXTS, _PHRASES = 0.05, 0.95
RANDOM, LIEDER, PHRASE, SPECTRUM, DISTANCE = "random text", "lieder text", "phrase", "spectrum", "distance"

_SUNG = (
    "Every syllable must have exactly one place on the grid, in order, without overlap, inside its line's bars, on as "
    "many notes as written; and performed, sound all its phones once, its vowel beginning in its first note and "
    "lasting into its last. {syllables} syllables."
)
_STRESS = (
    "Held-out English lieder: of neighbours of which one is stressed (dictionary; words of grammar are not), how often "
    "it has the stronger place in the bar, half for equal ones. The same words set by us in the same metre at 96 BPM; "
    "baseline: their composers. Target: at most {points:g} points under these."
)
_STEADY = (
    f"All voices, notes of at least {STEADY_FROM_S} s, the middle {100 * MIDDLE:.0f} % of each where its vowel sounds; "
    "autocorrelation tracker on the sound against the score. "
)
_HEARD = (
    f"Each voice sings {len(LINES)} known lines at {TEMPO_BPM:.0f} BPM, {PITCHES[0]} to {PITCHES[1]} semitones above "
    "the lowest note of its range; a speech recogniser with a grammar of the lines (equally likely, beams wide open) "
    "hears the nearest line by words. "
    "Baseline: the same phones, times and pitches sung by the teacher speakers of the voice, in turn by weight."
)
_DISTANCE = (
    "Teacher's phrases with words training never saw, sung by the network in the teacher's voice and performance: root "
    "mean square over 100 bands to 20.5 kHz in dB, levels not aligned, averaged over voiced frames. "
)
_MOTION = (
    "The same phrases: mean step of a band from frame to frame in the middle halves of vowels of at least 0.25 s; a "
    "frozen vowel has none. Baselines: the teacher, and the network's mean alone."
)


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a text, a sung phrase, a held-out phrase and a pair of voices."""
    yield from _scaled(_text_rows(settings), 0.0, _TEXTS)
    acoustic = Acoustic()
    yield from _scaled(_phrase_rows(settings, acoustic), _TEXTS, _PHRASES)
    yield from _scaled(_spectrum_rows(settings, acoustic), _PHRASES, 1.0)
    for pair, distance in _distances(acoustic).items():
        yield 1.0, {"kind": DISTANCE, "voices": list(pair), "distance_db": distance}


def _scaled(part: Iterator[tuple[float, Row]], start: float, end: float) -> Iterator[tuple[float, Row]]:
    for share, row in part:
        yield start + share * (end - start), row


def _text_rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    count = TEXTS_A_PROMPT * settings.prompts
    for number in range(count):
        seed = settings.seed + number
        text = random_text(seed)
        yield 0.5 * (number + 1) / count, {"kind": RANDOM, "name": text.name} | vars(completeness(text, seed))
    if settings.scores_dir is not None:
        for song in held_out_songs(settings.scores_dir):
            yield 0.75, song_row(song, settings.seed)


def song_row(song: HumanSong, seed: int) -> Row:
    """What of a held-out song is sung, and how its stresses lie as we set it and as its composer did."""
    row: Row = {"kind": LIEDER, "name": song.text.name} | vars(completeness(song.text, seed))
    try:
        ours = agreement(our_stresses(set_text(song.text, seed)))
    except RequestError:  # refused: completeness counts it
        ours = None
    return row | {"stress": ours, "composer_stress": agreement(human_stresses(song.setting))}


def _phrase_rows(settings: EvaluateSettings, acoustic: Acoustic) -> Iterator[tuple[float, Row]]:
    """Each voice sings ``clips`` phrases: the lines in turn, with another tune each time round."""
    sheets = [write_sheet(settings.seed + take) for take in range(-(-settings.clips // len(LINES)))]
    try:
        teachers = Teachers(sheets[0])
    except CorpusError:  # no engine, no baseline
        teachers = None
    judge, singer = LineRecogniser(LINES), Singer(acoustic)
    cast = list(voices().values())
    singer.phrase(sheets[0].sung_by(cast[0], 0, 0))  # tables are built at the first phrase
    for place, voice in enumerate(cast):
        turns = speaker_turns(voice, settings.clips)
        for number in range(settings.clips):
            take, line = divmod(number, len(LINES))
            phrase = sheets[take].sung_by(voice, line, settings.seed + number)
            row = {"kind": PHRASE, "voice": voice.id, "line": line, "take": take, "speaker": turns[number]}
            row |= sung_row(singer, judge, phrase, line)
            lesson = None if teachers is None else teachers.sing(turns[number], line, phrase)
            heard = None if lesson is None else judge.identify(lesson, SAMPLE_RATE_HZ) == line
            yield (place + (number + 1) / settings.clips) / len(cast), row | {"teacher_heard": heard}


def sung_row(singer: Singer, judge: LineRecogniser, phrase: Phrase, line: int) -> Row:
    """A phrase as it is sung, timed, heard and tracked."""
    started_s = time.process_time()  # of all threads: what one core would need
    _, audio = singer.phrase(phrase)
    cpu_s = time.process_time() - started_s
    low, high = phrase.voice.range
    notes = steady_notes(audio, phrase.syllables, performed(phrase), (low, high))
    return {
        "audio_s": len(audio) / SAMPLE_RATE_HZ,
        "cpu_s": cpu_s,
        "heard": judge.identify(audio, SAMPLE_RATE_HZ) == line,
        "note_cents": [round(note.centre_cents, 2) for note in notes],
        "frame_cents": [round(float(cents), 1) for note in notes for cents in note.cents],
    }


def _spectrum_rows(settings: EvaluateSettings, acoustic: Acoustic) -> Iterator[tuple[float, Row]]:
    """Nothing where the corpus is not there."""
    if not any(settings.vocals_dir.glob("phrases-*.npz")):
        return
    for number, phrase in enumerate(held_out_phrases(settings.vocals_dir, settings.clips)):
        told = (phrase.frames, phrase.mixture, phrase.warp, number)
        sung, bare = acoustic.features(*told), acoustic.features(*told, noise_scale=0)
        row: Row = {"kind": SPECTRUM, "speaker": phrase.speaker, "text": phrase.text}
        row["teacher_motion_db"] = held_vowel_motion_db(phrase.features, phrase.frames)
        for name, made in (("sung", sung), ("mean", bare)):
            row[f"{name}_db"] = log_spectral_distance_db(made, phrase.features, phrase.frames.voiced)
            row[f"{name}_motion_db"] = held_vowel_motion_db(made, phrase.frames)
        yield (number + 1) / settings.clips, row


def _distances(acoustic: Acoustic) -> dict[tuple[str, str], float]:
    """Of all pairs of voices on the same lines at the same pitch in the same manner."""
    cast = list(voices().values())
    common = Voice("common", "female", "", cast[0].mixture, 0.0, COMMON_RANGE, {})
    sheet = write_sheet(0)
    found: dict[tuple[str, str], list[float]] = {}
    for line in range(0, len(LINES), 5):
        phrase = sheet.sung_by(common, line, line)
        frames = performed(Phrase(phrase.syllables, common, SingingStyle(), line)).frames
        for pair, distance in vowel_distances_db(acoustic, cast, frames, line).items():
            found.setdefault(pair, []).append(distance)
    return {pair: float(np.mean(distances)) for pair, distances in found.items()}


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Shares in percent, pitches in cents, distances in dB."""
    kinds = {
        kind: [row for row in rows if row["kind"] == kind] for kind in (RANDOM, LIEDER, PHRASE, SPECTRUM, DISTANCE)
    }
    return [
        _sung("syllables sung once on their notes, random lyrics", kinds[RANDOM]),
        _sung("syllables sung once on their notes, held-out lieder", kinds[LIEDER]),
        _stress(kinds[LIEDER]),
        *_pitch_figures(kinds[PHRASE]),
        *_heard_figures(kinds[PHRASE]),
        *_spectrum_figures(kinds[SPECTRUM]),
        _least_distance(kinds[DISTANCE]),
        _speed(kinds[PHRASE]),
    ]


def _sung(name: str, texts: Sequence[Row]) -> Figure:
    syllables = sum(row["syllables"] for row in texts)
    value = 100 * sum(row["sung"] for row in texts) / syllables if syllables else None
    altered = sum(not row["words_kept"] for row in texts)
    how = _SUNG.format(syllables=syllables) + f" Texts read with a word lost or invented: {altered}."
    return Figure(name, value, "%", how, Target("at least", 100), len(texts))


def _stress(songs: Sequence[Row]) -> Figure:
    both = [row for row in songs if row["stress"] and row["composer_stress"]]
    ours, composers = (_weighted([row[name] for row in both]) for name in ("stress", "composer_stress"))
    limit = None if composers is None else composers - POINTS_UNDER_COMPOSERS
    return Figure(
        "stressed syllables on stronger beats than their neighbours",
        ours,
        "%",
        _STRESS.format(points=POINTS_UNDER_COMPOSERS),
        Target("at least", 100 if limit is None else limit),
        len(both),
        baselines(composers=composers),
    )


def _weighted(shares: Sequence[Sequence[float]]) -> float | None:
    """Percent over all pairs of (share, number of pairs)."""
    pairs = sum(count for _, count in shares)
    return 100 * sum(share * count for share, count in shares) / pairs if pairs else None


def _pitch_figures(phrases: Sequence[Row]) -> list[Figure]:
    notes = np.abs([cents for row in phrases for cents in row["note_cents"]])
    frames = np.abs([cents for row in phrases for cents in row["frame_cents"]])
    of_notes = _STEADY + "A note's pitch is the median of its frames, which leaves vibrato out."
    of_frames = _STEADY + "Frame by frame, vibrato and drift included."

    def entry(name: str, values: np.ndarray, quantile: float, how: str, limit: float | None) -> Figure:
        value = float(np.percentile(values, quantile)) if len(values) else None
        return Figure(name, value, "cents", how, None if limit is None else Target("at most", limit), len(values))

    return [
        entry("sung pitch against score, median of steady notes", notes, 50, of_notes, 6),
        entry("sung pitch against score, 95th percentile of steady notes", notes, 95, of_notes, 50),
        entry("sung pitch against score, median of their frames", frames, 50, of_frames, None),
        entry("sung pitch against score, 95th percentile of their frames", frames, 95, of_frames, 50),
    ]


def _heard_figures(phrases: Sequence[Row]) -> list[Figure]:
    """All voices, the one furthest under its teacher, and each."""
    by_voice: dict[str, list[Row]] = {}
    for row in phrases:
        by_voice.setdefault(row["voice"], []).append(row)
    gaps = {voice: gap for voice, own in by_voice.items() if (gap := _gap(own)) is not None}
    worst = max(gaps, key=lambda voice: gaps[voice], default=None)
    how = f"{_HEARD} Only phrases the teacher could be made to sing. Furthest under: {worst or 'not measured'}."
    return [
        _identified("line identification, 1 of 20, all voices", phrases, Target("at least", 85)),
        Figure(
            "line identification, points the weakest voice is under its teacher",
            None if worst is None else gaps[worst],
            "points",
            how,
            Target("at most", POINTS_UNDER_TEACHER),
            len(gaps),
        ),
        *[_identified(f"line identification, {voice}", own) for voice, own in by_voice.items()],
    ]


def _identified(name: str, phrases: Sequence[Row], target: Target | None = None) -> Figure:
    beside = baselines(teacher=percent(row["teacher_heard"] for row in phrases))
    return Figure(name, percent(row["heard"] for row in phrases), "%", _HEARD, target, len(phrases), beside)


def _gap(phrases: Sequence[Row]) -> float | None:
    """Points a voice is under its teacher on the phrases both sang; negative above."""
    both = [row for row in phrases if row["teacher_heard"] is not None]
    taught, ours = (percent(row[name] for row in both) for name in ("teacher_heard", "heard"))
    return None if taught is None or ours is None else taught - ours


def _spectrum_figures(phrases: Sequence[Row]) -> list[Figure]:
    def entry(name: str, own: Sequence[Row], column: str, how: str, limit: float | None) -> Figure:
        target = None if limit is None else Target("at most", limit)
        return Figure(name, mean(row[column] for row in own), "dB", _DISTANCE + how, target, len(own))

    speakers = sorted({row["speaker"] for row in phrases})
    beside = {name: mean(row[f"{name}_motion_db"] for row in phrases) for name in ("teacher", "mean")}
    return [
        entry("voiced log-spectral distance to the teacher, as sung", phrases, "sung_db", "A sample of the flow.", 4.5),
        entry("voiced log-spectral distance to the teacher, mean", phrases, "mean_db", "The mean alone.", 4.5),
        Figure(
            "motion of held vowels, as sung",
            mean(row["sung_motion_db"] for row in phrases),
            "dB",
            _MOTION,
            None,
            len(phrases),
            baselines(**beside),
        ),
        *[
            entry(f"voiced log-spectral distance, mean, {name}", own, "mean_db", "The mean alone.", None)
            for name in speakers
            if (own := [row for row in phrases if row["speaker"] == name])
        ],
    ]


def _least_distance(pairs: Sequence[Row]) -> Figure:
    nearest = min(pairs, key=lambda row: row["distance_db"], default=None)
    return Figure(
        "vowel distance of the two voices most alike",
        None if nearest is None else nearest["distance_db"],
        "dB",
        "The same lines at the same pitch: root mean square of vowel envelopes below 7 kHz, levels removed. Nearest: "
        f"{'not measured' if nearest is None else ' and '.join(nearest['voices'])}.",
        Target("at least", 3),
        len(pairs),
    )


def _speed(phrases: Sequence[Row]) -> Figure:
    cpu_s = sum(row["cpu_s"] for row in phrases)
    value = sum(row["audio_s"] for row in phrases) / cpu_s if cpu_s else None
    how = (
        "Seconds of singing a second of processor time of all threads: performance, network (one thread) and "
        "synthesis of all phrases above."
    )
    return Figure("singing, speed on one core", value, "× real time", how, Target("at least", 10), len(phrases))


SUITE = BenchSuite("vocals", rows, figures)
