"""The main path: from words to a finished track.

request ─ understand ─▶ controls ─ write_piece ─▶ piece ─ play ─▶ track

:mod:`noisician.models.embedded.write` makes the piece, :mod:`noisician.models.embedded.play` its sound. The piece is
kept in the recipe, so a track can be opened again, and edited.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from noisician.cache import NO_CACHE, ArrayCache
from noisician.errors import FileError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models.embedded.play import PLAYING_ALONE, Networks, PlayerStems, play, rendered_stems
from noisician.models.embedded.song import is_song, resung, timed_lyrics
from noisician.models.embedded.write import write_piece
from noisician.models.protocol import Capabilities, MusicModel, Run, Stages
from noisician.models.support import check_request
from noisician.music import Music
from noisician.piece import Piece, piece_of, to_dict
from noisician.prompt import Controls, understand
from noisician.recipe import Recipe
from noisician.request import DURATION_RANGE_S, Request
from noisician.weights import manifest

PLAYING_MODELS = ("composer", "renderer", "vocoder")
CAPABILITIES = Capabilities(
    name="embedded",
    features=frozenset({"text", "lyrics", "voice", "tempo", "key", "time_signature", "loop", "stems", "score"}),
    duration_range_s=DURATION_RANGE_S,
    sample_rate_hz=SAMPLE_RATE_HZ,
    licence="Apache-2.0",
)
_SEED_BITS = 32


class EmbeddedModel(MusicModel):
    """The model that ships with noisician. Not for use by two threads at once.

    ``networks`` are its trained parts, ``player_stems`` what makes the players' dry sound of them; ``cache`` spares it
    making anything twice.
    """

    def __init__(
        self,
        networks: Networks | None = None,
        player_stems: PlayerStems = rendered_stems,
        cache: ArrayCache = NO_CACHE,
    ) -> None:
        self.networks = networks or Networks()
        self._player_stems = player_stems
        self._cache = cache

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def generate(self, request: Request, run: Run = Run()) -> Music:
        """Understands, composes and plays. Raises RequestError, WeightsError or Cancelled."""
        check_request(request, self.capabilities)
        stages = run.stages({"composing": 1.0})
        stages.reporter("composing")
        controls = understand(request)
        seed = secrets.randbits(_SEED_BITS) if request.seed is None else request.seed
        piece, stages = write_piece(request, controls, seed, lambda: self.networks.composer, stages)
        return self._music(_recipe(request, controls, piece), piece, stages, run.keep_stems)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        """The samples of a recipe, from its piece. Raises FileError for a recipe without one."""
        return self._music(recipe, _opened(recipe), run.stages(PLAYING_ALONE), run.keep_stems)

    def rework(self, recipe: Recipe, request: Request, run: Run = Run()) -> Music:
        """The music of a recipe as another request wants it. Where only words of a song change, the players and all
        other lines stay as they are, sample for sample before the mix; everything else is made anew."""
        same = request.model_copy(update={"lyrics": recipe.request.lyrics}) == recipe.request
        piece = piece_of(recipe) if same and is_song(request) else None
        if piece is not None and piece.song is not None:
            check_request(request, self.capabilities)
            song = resung(piece.song, piece.score, request, recipe.seed)
            if song is not None:
                piece = replace(piece, song=song)
                again = recipe_of_piece(recipe.model_copy(update={"request": request}), piece)
                return self._music(again, piece, run.stages(PLAYING_ALONE), run.keep_stems)
        return self.generate(request, run)

    def _music(self, recipe: Recipe, piece: Piece, stages: Stages, keep_stems: bool) -> Music:
        played = play(piece, self.networks, stages, keep_stems, self._player_stems, self._cache)
        mixdown = played.mixdown
        kept = dict(zip(played.stems, mixdown.stems or (), strict=False))
        lyrics = () if piece.song is None else timed_lyrics(piece.song, piece.score)
        return Music(mixdown.stereo, recipe, piece.score, kept, lyrics=lyrics, instrumental=mixdown.instrumental)


def _opened(recipe: Recipe) -> Piece:
    """Raises FileError for a recipe that holds no music."""
    piece = piece_of(recipe)
    if piece is None:
        raise FileError("the recipe holds no score; it was made by another kind of model")
    return piece


def _recipe(request: Request, controls: Controls, piece: Piece) -> Recipe:
    seeded = request.model_copy(update={"seed": piece.seed})
    return recipe_of_piece(Recipe(request=seeded, seed=piece.seed, controls=controls.model_dump(mode="json")), piece)


def recipe_of_piece(base: Recipe, piece: Piece) -> Recipe:
    """A recipe that holds a piece as the installed weights play it; request and controls are those of ``base``."""
    sings = () if piece.song is None else ("vocals",)
    models = {name: manifest()[name]["sha256"][:16] for name in (*PLAYING_MODELS, *sings)}
    return Recipe(
        request=base.request,
        seed=base.seed,
        controls=base.controls,
        piece=to_dict(piece),
        models=models,
        lineage=base.lineage,
    )
