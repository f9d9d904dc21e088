"""One prompt made into a track, and the same score played by a soundfont through the same mix.

Nothing here goes round the main path: the models below *are* the shipped model, overheard where its players hand
their dry samples to the mix, or with other players in their seats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache
from noisician.corpus.clips import Studio
from noisician.errors import FileError
from noisician.evaluate.prompts import Prompt
from noisician.mel import HOP, SAMPLE_RATE_HZ
from noisician.mix import StemAudio
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.mixing import mixed_role
from noisician.models.embedded.play import PLAYING_ALONE, Networks, PlayerStems, rendered_stems
from noisician.models.protocol import Run, Stages
from noisician.models.support import checked
from noisician.music import Music
from noisician.piece import Piece, piece_of
from noisician.recipe import Recipe
from noisician.renderer import Preview
from noisician.score import Score, Track
from noisician.score.hands import one_track
from noisician.score.played import NoteEvent, played_notes
from noisician.styles import instruments
from noisician.vocoder.synthesis import PIECE_FRAMES

LINE_ROLES = ("lead", "bass", "counter", "arp")
#: Two notes of a line may overlap this long (legato) before it counts as two voices.
LEGATO_S = 0.05


class Overheard(EmbeddedModel):
    """The shipped model, or another band in its players' seats. ``dry`` keeps each player's mono samples of the last
    piece, in the order of its players."""

    def __init__(self, band: PlayerStems = rendered_stems, cache: ArrayCache = NO_CACHE) -> None:
        super().__init__(player_stems=self._overhear, cache=cache)
        self.dry: list[np.ndarray] = []
        self._band = band

    def _overhear(
        self, piece: Piece, networks: Networks, stages: Stages, preview: Preview, cache: ArrayCache
    ) -> Iterator[StemAudio]:
        self.dry = []
        for stem in self._band(piece, networks, stages, preview, cache):
            self.dry.append(stem.mono)
            yield stem

    def remixed(self, recipe: Recipe) -> Music:
        """The music of a recipe, its mix decided for the band that plays here: levels that were decided for another
        band's sound would bury somebody, or help. Raises FileError for a recipe without a piece."""
        piece = piece_of(recipe)
        if piece is None:
            raise FileError("the recipe holds no piece to be played by others")
        run = Run()
        return self._music(recipe, replace(piece, mix=None), run.stages(PLAYING_ALONE), self._playing(run))

    def joins_samples(self, samples: int) -> list[int]:
        """Where windows of the renderer and pieces of the vocoder meet in a stem of ``samples``."""
        plan = self.networks.renderer.plan(-(-samples // HOP))
        windows = [(plan.start(window) + plan.overlap // 2) * HOP for window in range(1, plan.count)]
        pieces = range(PIECE_FRAMES * HOP, samples, PIECE_FRAMES * HOP)
        return sorted({join for join in (*windows, *pieces) if join < samples})


@dataclass(frozen=True)
class SoundfontBand:
    """Plays any piece with a :class:`Studio` instead of networks; the mix is the same."""

    studio: Studio

    def __call__(
        self, piece: Piece, networks: Networks, stages: Stages, preview: Preview, cache: ArrayCache
    ) -> Iterator[StemAudio]:
        report = stages.reporter("vocoding")
        duration_s = piece.plan.duration_s
        samples = round(duration_s * SAMPLE_RATE_HZ)
        performers = piece.plan.performers
        for number, hands in enumerate(performers):
            player = hands[0]
            track = one_track([Track(one.role, one.instrument, piece.notes[one.id]) for one in hands])
            notes = [note for note in played_notes(piece.score, track) if note.start_s < duration_s]
            audio = self.studio.play(instruments()[player.instrument], notes, duration_s, piece.seed + number)
            report((number + 1) / len(performers))
            dry = np.asarray(audio[:samples], np.float32)
            yield StemAudio(mixed_role(hands), player.instrument, dry, player.timbre_tags)


@dataclass(frozen=True)
class Performance:
    """What one prompt became. The soundfont plays only when somebody asks for it."""

    prompt: Prompt
    music: Music
    stems: tuple[np.ndarray, ...]
    joins_samples: tuple[int, ...]
    band: Overheard

    @property
    def score(self) -> Score:
        if self.music.score is None:
            raise ValueError("a performance needs a score")
        return self.music.score

    @cached_property
    def _soundfont(self) -> tuple[Music, tuple[np.ndarray, ...]]:
        return self.band.replay(self.music.recipe), tuple(self.band.dry)

    @property
    def soundfont_audio(self) -> np.ndarray:
        """``[frames, 2]``: the same score by the soundfont, mixed and mastered the same way."""
        return self._soundfont[0].audio

    @property
    def soundfont_stems(self) -> tuple[np.ndarray, ...]:
        """The soundfont's dry stems, mono, in the score's order."""
        return self._soundfont[1]

    def lines(self) -> dict[str, int]:
        """Role → number of its track, for the pitched tracks of one voice."""
        tracks = enumerate(self.score.tracks)
        return {track.role: number for number, track in tracks if is_line(track, played_notes(self.score, track))}


class Performer:
    """Makes performances, one at a time; the networks and the soundfont stay loaded."""

    def __init__(self, studio: Studio, duration_s: float, seed: int) -> None:
        self._model = Overheard()
        self._band = Overheard(SoundfontBand(studio))
        self._duration_s = duration_s
        self._seed = seed

    def perform(self, prompt: Prompt, on_share: Callable[[float], None] = lambda share: None) -> Performance:
        """Raises what the model raises; ``on_share`` hears the share done and may raise to cancel."""
        asked = checked(prompt.request(self._duration_s, self._seed), self._model.capabilities)
        music = self._model.generate(asked, Run(lambda progress: on_share(progress.share)))
        joins = tuple(self._model.joins_samples(len(music.audio)))
        return Performance(prompt, music, tuple(self._model.dry), joins, self._band)


def is_line(track: Track, notes: tuple[NoteEvent, ...]) -> bool:
    """Whether a part is one pitched voice of at least eight notes."""
    if track.role not in LINE_ROLES or instruments()[track.instrument].excitation != "harmonic" or len(notes) < 8:
        return False
    overlaps = np.array([before.end_s - after.start_s for before, after in pairwise(notes)])
    return bool((overlaps <= LEGATO_S).mean() >= 0.98)
