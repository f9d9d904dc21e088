"""Songs: are the words understood with the band playing, and does the voice stand where it should?

The lines, the judge and what he makes of them are those of :mod:`noisician.evaluate.suites.vocals`; here whole songs
are made of them, in four genres, at their own tempo and pitch, and each line is heard twice: cut out of the finished
track, and out of the lead voice alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from noisician.cache import MemoryCache
from noisician.errors import FileError
from noisician.evaluate.recogniser import LineRecogniser
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.singing_lines import LINES
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, percent
from noisician.export.lyrics import TimedLine
from noisician.loudness import momentary_loudness_lufs
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.play import PLAYING_ALONE, cast_of
from noisician.models.protocol import Run
from noisician.models.support import checked
from noisician.music import Music
from noisician.piece import Piece, piece_of
from noisician.request import Request
from noisician.vocals.voices import voices

GENRES: Mapping[str, str] = {
    "pop": "catchy pop song with bright synths",
    "rock": "energetic rock song with distorted guitars",
    "house": "deep house song with warm pads",
    "folk": "gentle acoustic folk song",
}
LINES_A_SONG = 5
#: What of a line's surroundings the judge hears too, seconds before and after.
AROUND_S = (0.15, 0.3)
#: Where the band is listened to for how far it gives way, Hz: an octave each side of the voice's middle.
DUCKED_HZ = (500.0, 2000.0)
#: Loudness is that of 400 ms, ten times a second.
WINDOW_S, STEP_S = 0.4, 0.1
RECOGNISED_PERCENT, POINTS_UNDER_DRY = 80.0, 15.0
OVER_BAND_LU, DUCK_DB = (2.0, 4.0), 4.0
_CACHE_BYTES = 1 << 29

_HEARD = (
    f"Songs of {LINES_A_SONG} of {len(LINES)} known lines in {len(GENRES)} genres ({', '.join(GENRES)}), voices in "
    "turn; a speech recogniser with a grammar of the lines hears each line cut out of the mastered track, and out of "
    "the lead voice alone before the mix. "
)
_OVER = (
    "The same songs: loudness of all that is sung over that of all players where the lead sings, as they sit in the "
    "mix before the master (momentary loudness, mean of powers). "
)
_DUCK = (
    f"The same songs mixed again with players who do not give way: by how much all players together are lower between "
    f"{DUCKED_HZ[0]:g} and {DUCKED_HZ[1]:g} Hz, the most over 400 ms while the lead sings. "
)


@dataclass(frozen=True)
class Assignment:
    """Who sings which lines in which genre."""

    voice: str
    genre: str
    lines: tuple[int, ...]
    seed: int

    def request(self) -> Request:
        lyrics = "[Verse]\n" + "\n".join(LINES[line] for line in self.lines)
        return Request(prompt=GENRES[self.genre], lyrics=lyrics, voice=self.voice, seed=self.seed)


def assignments(count: int, seed: int) -> list[Assignment]:
    """Voices take turns; four rounds of them sing every line, each voice in every genre."""
    cast, genres = list(voices()), list(GENRES)
    groups = len(LINES) // LINES_A_SONG
    made = []
    for number in range(count):
        turn, place = divmod(number, len(cast))
        first = (turn + place // len(genres)) % groups * LINES_A_SONG
        genre = genres[(turn + place) % len(genres)]
        lines = tuple(range(first, first + LINES_A_SONG))
        made.append(Assignment(cast[place], genre, lines, (seed + number) % 2**32))
    return made


@dataclass(frozen=True)
class Performed:
    """A song; ``lead`` is the dry lead voice, ``straight`` the stems of the same mix with nobody giving way."""

    music: Music
    lead: np.ndarray
    straight: Mapping[str, np.ndarray]
    sung_names: tuple[str, ...]


class Band(EmbeddedModel):
    """The shipped model, asked for more than the track."""

    def __init__(self) -> None:
        super().__init__(cache=MemoryCache(_CACHE_BYTES))

    def perform(self, request: Request) -> Performed:
        """Raises what the model raises."""
        run = Run(keep_stems=True)
        music = self.generate(checked(request, self.capabilities), run)
        piece = piece_of(music.recipe)
        if piece is None or piece.mix is None:
            raise FileError("a song's recipe holds no piece with a mix")
        parts = cast_of(piece)
        lead = self.networks.singer.sing(parts[0].phrases, len(music.audio), cache=self._cache)
        straight = self._played(standing_firm(piece), run.stages(PLAYING_ALONE), self._playing(run)).stems
        return Performed(music, lead, straight, tuple(part.name for part in parts))


def standing_firm(piece: Piece) -> Piece:
    """The piece with the same mix, in which no player gives way to the voice."""
    assert piece.mix is not None
    strips = [replace(strip, place=replace(strip.place, give_way_db=0.0)) for strip in piece.mix.strips]
    return replace(piece, mix=replace(piece.mix, strips=tuple(strips)))


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a song, ``clips`` of them."""
    band, judge = Band(), LineRecogniser(LINES)
    table = assignments(settings.clips, settings.seed)
    for number, one in enumerate(table):
        yield (number + 1) / len(table), song_row(one, band.perform(one.request()), judge)


def song_row(one: Assignment, performed: Performed, judge: LineRecogniser) -> Row:
    """What is understood of a song, and how loud its voice stands."""
    music = performed.music
    lead = [line for line in music.lyrics if line.voice == "lead"]
    heard = {
        name: [judge.identify(cut_out(audio, line), SAMPLE_RATE_HZ) for line in lead]
        for name, audio in (("mix", music.audio), ("dry", performed.lead))
    }
    sung = sum(music.stems[name] for name in performed.sung_names)
    players = [name for name in music.stems if name not in performed.sung_names]
    band, straight = (sum(stems[name] for name in players) for stems in (music.stems, performed.straight))
    singing = sung_windows(lead, len(music.audio))
    return {
        "voice": one.voice,
        "genre": one.genre,
        "players": len(players),
        "lines": [LINES.index(line.text) if line.text in LINES else None for line in lead],
        **{f"heard_{name}": found for name, found in heard.items()},
        "over_band_lu": loudness_over_lu(np.asarray(sung), np.asarray(band), singing),
        "duck_db": deepest_duck_db(np.asarray(straight), np.asarray(band), singing),
    }


def cut_out(audio: np.ndarray, line: TimedLine) -> np.ndarray:
    """A line and a little around it."""
    start_s, end_s = line.start_s - AROUND_S[0], line.end_s + AROUND_S[1]
    return audio[max(0, round(start_s * SAMPLE_RATE_HZ)) : round(end_s * SAMPLE_RATE_HZ)]


def sung_windows(lines: Sequence[TimedLine], samples: int) -> np.ndarray:
    """Bool ``[windows]``: the loudness windows of a track that lie within a line."""
    count = max(0, int((samples / SAMPLE_RATE_HZ - WINDOW_S) / STEP_S + 1e-9) + 1)
    starts_s = STEP_S * np.arange(count)
    slack_s = 1e-6
    within = [(starts_s >= line.start_s - slack_s) & (starts_s + WINDOW_S <= line.end_s + slack_s) for line in lines]
    return np.any(within, axis=0) if within else np.zeros(count, bool)


def loudness_over_lu(sung: np.ndarray, band: np.ndarray, singing: np.ndarray) -> float | None:
    """How much louder ``sung`` is than ``band`` (both ``[frames, 2]``) in the windows marked; None without any."""
    powers = [
        10 ** (momentary_loudness_lufs(sound, SAMPLE_RATE_HZ)[: len(singing)][singing] / 10) for sound in (sung, band)
    ]
    if not singing.any() or min(power.sum() for power in powers) <= 0:
        return None
    return float(10 * np.log10(powers[0].mean() / powers[1].mean()))


def deepest_duck_db(straight: np.ndarray, ducked: np.ndarray, singing: np.ndarray) -> float | None:
    """By how much ``ducked`` lies below ``straight`` (both ``[frames, 2]``) within DUCKED_HZ in the marked window where
    it does most, dB; windows 40 dB below the loudest do not count. None without any."""
    from scipy.signal import butter, sosfiltfilt

    sos = butter(2, DUCKED_HZ, "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    step = round(STEP_S * SAMPLE_RATE_HZ)
    powers = []
    for sound in (straight, ducked):
        power = np.sum(np.square(sosfiltfilt(sos, sound, axis=0)), axis=1)
        steps = power[: len(power) // step * step].reshape(-1, step).sum(axis=1)
        windows = np.convolve(steps, np.ones(round(WINDOW_S / STEP_S)), "valid")
        powers.append(windows[: len(singing)][singing[: len(windows)]])
    whole, less = powers
    loud = whole > 1e-4 * whole.max(initial=0.0)
    return float((10 * np.log10(whole[loud] / less[loud])).max()) if loud.any() else None


def figures(rows: Sequence[Row]) -> list[Figure]:
    """What is understood in the mix, by voice and genre too; the voice over the band; how far the band ducks."""
    mixed, dry = recognised(rows, "mix"), recognised(rows, "dry")
    by_voice = {name: [row for row in rows if row["voice"] == name] for name in sorted({row["voice"] for row in rows})}
    by_genre = {name: own for name in GENRES if (own := [row for row in rows if row["genre"] == name])}
    gaps = {name: (recognised(own, "dry") or 0) - (recognised(own, "mix") or 0) for name, own in by_voice.items()}
    worst = max(gaps, key=lambda name: gaps[name], default=None)
    under = None if worst is None else gaps[worst]
    how = f"{_HEARD}Furthest under: {worst or 'not measured'}."
    count = sum(len(row["lines"]) for row in rows)
    target, gap_target = Target("at least", RECOGNISED_PERCENT), Target("at most", POINTS_UNDER_DRY)
    return [
        Figure("sung lines recognised in the mix", mixed, "%", _HEARD, target, count, baselines(dry=dry)),
        Figure("sung lines, points a voice is under its dry self", under, "points", how, gap_target, len(gaps)),
        *[
            Figure(f"sung lines recognised in the mix, {name}", recognised(own, "mix"), "%", _HEARD, None,
                   sum(len(row["lines"]) for row in own), baselines(dry=recognised(own, "dry")))
            for name, own in (by_voice | by_genre).items()
        ],
        *_level_figures(rows),
    ]  # fmt: skip


def recognised(rows: Sequence[Row], where: str) -> float | None:
    """Percent of the lines that are heard as what they are."""
    return percent(
        heard == line
        for row in rows
        for line, heard in zip(row["lines"], row[f"heard_{where}"], strict=True)
        if line is not None
    )


def _level_figures(rows: Sequence[Row]) -> list[Figure]:
    over = [row["over_band_lu"] for row in rows if row["over_band_lu"] is not None]
    ducks = [row["duck_db"] for row in rows if row["duck_db"] is not None]
    least, most = (choose(over, default=None) for choose in (min, max))
    by_genre = ", ".join(
        f"{name} {np.mean(own):.1f}"
        for name in GENRES
        if (own := [row["over_band_lu"] for row in rows if row["genre"] == name and row["over_band_lu"] is not None])
    )
    how = f"{_OVER}Means: {by_genre or 'not measured'}."
    middle = float(np.median(over)) if over else None
    deepest, (low, high) = max(ducks, default=None), OVER_BAND_LU
    return [
        Figure("voice over band, least of the songs", least, "LU", how, Target("at least", low), len(over)),
        Figure("voice over band, median", middle, "LU", how, None, len(over)),
        Figure("voice over band, most of the songs", most, "LU", how, Target("at most", high), len(over)),
        Figure("band gives way, at most", deepest, "dB", _DUCK, Target("at most", DUCK_DB), len(ducks)),
    ]


SUITE = BenchSuite("songs", rows, figures)
