"""The main path: from words to a finished track.

request ─ understand ─▶ controls ─ write_piece ─▶ piece ─ play ─▶ track

:mod:`noisician.models.embedded.write` makes the piece, :mod:`noisician.models.embedded.play` its sound. The piece is
kept in the recipe, so a track can be opened again, and edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from noisician.cache import NO_CACHE, ArrayCache, NoCache
from noisician.edits import Edit, SetVoice, SetWords, in_words
from noisician.errors import FileError, RequestError
from noisician.loudness import integrated_loudness_lufs
from noisician.mel import SAMPLE_RATE_HZ
from noisician.memory import release_unused
from noisician.mix import ENGINE, WHOLE_ENGINE
from noisician.mix.mastering import TARGET_LUFS
from noisician.models.embedded.apply import Applying, Edited, apply_edits
from noisician.models.embedded.apply.checking import check_edits, refuse_silence
from noisician.models.embedded.carried import bring, told_instruments
from noisician.models.embedded.listening import listened
from noisician.models.embedded.outlook import first_heard_s, outlook_of
from noisician.models.embedded.play import (
    PLAYING_ALONE,
    Networks,
    Played,
    PlayerStems,
    Playing,
    play,
    rendered_stems,
    with_undecided_mix,
)
from noisician.models.embedded.reworking import MADE_ANEW, edits_for
from noisician.models.embedded.write import check_brought, write_piece
from noisician.models.protocol import (
    NO_INPUTS,
    AudioInputs,
    Capabilities,
    CheckedRequest,
    EditOutlook,
    MusicModel,
    Others,
    Run,
    Stages,
    no_others,
)
from noisician.music import Music
from noisician.piece import Piece, piece_of, to_dict
from noisician.prompt import Controls
from noisician.recipe import Recipe
from noisician.request import DURATION_RANGE_S, Feature, Request
from noisician.vocals.karaoke import timed_lyrics
from noisician.vocals.words import differ_in_words, is_song, resung
from noisician.weights import manifest

PLAYING_MODELS = ("composer", "renderer", "references", "vocoder")
FEATURES: tuple[Feature, ...] = (
    "text",
    "lyrics",
    "voice",
    "tempo",
    "key",
    "time_signature",
    "loop",
    "stems",
    "score",
    "init_audio",
    "reference_audio",
)
CAPABILITIES = Capabilities(
    name="embedded",
    features=frozenset(FEATURES),
    duration_range_s=DURATION_RANGE_S,
    sample_rate_hz=SAMPLE_RATE_HZ,
    licence="Apache-2.0",
)
#: What of an edit's work is the composer's, as far as nobody has looked.
EDITING_SHARE = 0.2
#: A track this far from the loudness that tracks are made for is worth a line.
LOUDNESS_TOLERANCE_LU = 1.0

LEVELS_DECIDED = "made by an older noisician: its levels were decided once more before the edit"
WITHOUT_LEVELS = "made by an older noisician: its levels will be decided once more before the edit, so all will differ"


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

    def generate(self, asked: CheckedRequest, run: Run = Run()) -> Music:
        """Composes and plays. Raises RequestError, WeightsError or Cancelled."""
        stages = run.stages({"composing": 1.0})
        stages.reporter("composing")
        request, controls = asked.request, asked.controls
        check_brought(request)
        told = listened(request, controls, run.inputs, stages.reporter("composing"))
        controls = told.controls
        piece, stages = write_piece(
            request, controls, asked.seed, lambda: self.networks.composer, stages, run.inputs, told.heard, told.painting
        )
        if told.sounds_like is not None:
            piece = replace(piece, plan=replace(piece.plan, sounds_like=told.sounds_like))
        recipe = _recipe(request, controls, piece.seed, run.inputs)
        music = self._music(recipe, piece, stages, self._playing(run))
        return replace(music, remarks=controls.notes)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        """The samples of a recipe, from its piece. Raises FileError for a recipe without one."""
        piece = _opened(recipe)
        played = self._played(piece, run.stages(PLAYING_ALONE), self._playing(run, engine=WHOLE_ENGINE))
        return self._finished(recipe, played)

    def rework(self, recipe: Recipe, asked: CheckedRequest, run: Run = Run()) -> Music:
        """The music of a recipe as another request wants it. Where only words of a song change, the players and all
        other lines stay as they are, sample for sample before the mix; where tempo, key, metre, players or the voice
        do, the piece is edited, and whoever is not named plays on; everything else is made anew."""
        request = asked.request
        again = recipe.model_copy(update={"request": request})
        carried = recipe.request.carry_instruments
        if request == recipe.request.model_copy(update={"carry_instruments": not carried}):
            # The same music; only what its recipe carries differs.
            return self._music(again, _opened(recipe), run.stages(PLAYING_ALONE), self._playing(run))
        same = request.model_copy(update={"lyrics": recipe.request.lyrics}) == recipe.request
        piece = piece_of(recipe) if same and is_song(request) and differ_in_words(recipe.request, request) else None
        if piece is not None and piece.song is not None:
            song = resung(piece.song, piece.score, request, recipe.seed)
            if song is not None:
                piece = replace(piece, song=song)
                return self._music(again, piece, run.stages(PLAYING_ALONE), self._playing(run))
        return self._edited_as_asked(recipe, asked, run)

    def _edited_as_asked(self, recipe: Recipe, asked: CheckedRequest, run: Run) -> Music:
        """The piece with edits for what differs in the request, mastered anew; where they cannot, another one."""
        piece = piece_of(recipe)
        request, controls = asked.request, asked.controls
        edits = None if piece is None else edits_for(recipe, piece, request, controls, asked.seed)
        if piece is None or edits is None:
            return self.generate(asked, run)
        base = _recipe(request, controls, recipe.seed).model_copy(update={"lineage": recipe.lineage})
        if not edits:  # it is as asked for already
            return self._music(base, _opened(recipe), run.stages(PLAYING_ALONE), self._playing(run))
        stages = run.stages({"composing": EDITING_SHARE, "playing": 1.0 - EDITING_SHARE})
        try:
            edited, remarks = self._edited(recipe, edits, no_others, stages)
        except RequestError as refused:
            return replace(self.generate(asked, run), remarks=(MADE_ANEW.format(refused),))
        played = self._played(edited.piece, stages, self._playing(run, remaster=True))
        music = self._finished(recipe_of_piece(base, played.piece), played)
        return replace(music, remarks=remarks)

    def edit(self, recipe: Recipe, edits: Sequence[Edit], run: Run = Run(), others: Others = no_others) -> Music:
        """The music of a recipe with edits applied. Every number of its mix stays, and every sample they do not reach.

        Raises RequestError for what cannot be done, FileError for a recipe without a piece, Cancelled.
        """
        stages = run.stages({"composing": EDITING_SHARE, "playing": 1.0 - EDITING_SHARE})
        edited, remarks = self._edited(recipe, edits, others, stages)
        playing = self._playing(run, remaster=edited.remaster)
        if run.excerpt and not isinstance(self._cache, NoCache):
            first_s = first_heard_s(_opened(recipe), edited, self.networks.renderer)
            playing = replace(playing, first_heard_s=first_s)
        played = self._played(edited.piece, stages, playing)
        music = self._finished(edited_recipe(recipe, played.piece, edits), played)
        return replace(music, remarks=(*remarks, *loudness_remarks(music)))

    def outlook(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> EditOutlook:
        """What :meth:`edit` would do; the composer writes, nothing is rendered.

        Of a piece whose mix kept no numbers the edited piece has none either: they would have to be heard first.
        """
        before = _opened(recipe)
        stages = Run().stages({"composing": 1.0})
        if before.mix is None:
            edited, remarks = self._applied(with_undecided_mix(before), edits, others, stages)
            edited = replace(edited, piece=replace(edited.piece, mix=None))
            remarks = (WITHOUT_LEVELS, *remarks)
        else:
            edited, remarks = self._applied(before, edits, others, stages)
        return outlook_of(before, edited, self.networks.renderer, tuple(edit.words() for edit in edits), remarks)

    def check_edits(self, recipe: Recipe, edits: Sequence[Edit], others: Others = no_others) -> None:
        check_edits(_opened(recipe), edits, lambda source: _opened(others(source)))

    def _edited(
        self, recipe: Recipe, edits: Sequence[Edit], others: Others, stages: Stages
    ) -> tuple[Edited, tuple[str, ...]]:
        """The piece after edits, and what should be told."""
        piece = _opened(recipe)
        if piece.mix is not None:
            return self._applied(piece, edits, others, stages)
        # A piece whose mix kept no numbers gets them before anything changes, so that the edit keeps them.
        stages.reporter("composing")
        alone = Run(cancel=stages.cancel).stages(PLAYING_ALONE)
        piece = self._played(piece, alone, Playing(cache=self._cache)).piece
        edited, remarks = self._applied(piece, edits, others, stages)
        return edited, (LEVELS_DECIDED, *remarks)

    def _applied(
        self, piece: Piece, edits: Sequence[Edit], others: Others, stages: Stages
    ) -> tuple[Edited, tuple[str, ...]]:
        """A piece whose mix has numbers after edits, and what should be told."""
        report = stages.reporter("composing")
        applying = Applying(lambda: self.networks.composer, lambda source: _opened(others(source)), report)
        edited = apply_edits(piece, edits, applying)
        refuse_silence(edited.piece)
        return edited, tuple(applying.remarks)

    def _playing(self, run: Run, engine: int = ENGINE, remaster: bool = False) -> Playing:
        return Playing(run.keep_stems, engine, remaster, self._cache)

    def _played(self, piece: Piece, stages: Stages, playing: Playing) -> Played:
        played = play(piece, self.networks, stages, playing, self._player_stems)
        release_unused()
        return played

    def _music(self, recipe: Recipe, piece: Piece, stages: Stages, playing: Playing) -> Music:
        """Plays a piece and puts it, its mix decided, into the recipe."""
        played = self._played(piece, stages, playing)
        return self._finished(recipe_of_piece(recipe, played.piece), played)

    def _finished(self, recipe: Recipe, played: Played) -> Music:
        piece = played.piece
        lyrics = () if piece.song is None else timed_lyrics(piece.song, piece.score)
        return Music(played.track, recipe, piece.score, played.stems, lyrics=lyrics, instrumental=played.instrumental)


def _opened(recipe: Recipe) -> Piece:
    """Raises FileError for a recipe that holds no music, or plays an instrument that is not here."""
    piece = piece_of(recipe)
    if piece is None:
        raise FileError("the recipe holds no score; it was made by another kind of model")
    bring(recipe, (player.instrument for player in piece.plan.players))
    return piece


def _recipe(request: Request, controls: Controls, seed: int, inputs: AudioInputs = NO_INPUTS) -> Recipe:
    clips = inputs.digests()
    settings = {"clips": clips} if clips else {}
    return Recipe(request=request, seed=seed, controls=controls.model_dump(mode="json"), settings=settings)


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
        settings={name: value for name, value in base.settings.items() if name == "clips"},
        instruments=told_instruments(piece, base.request.carry_instruments),
        lineage=base.lineage,
    )


def edited_recipe(base: Recipe, piece: Piece, edits: Sequence[Edit]) -> Recipe:
    """The recipe of an edited piece; its lineage tells where it came from and what was done."""
    changes = {}
    for edit in edits:
        if isinstance(edit, SetWords):
            changes["lyrics"] = edit.lyrics
        elif isinstance(edit, SetVoice):
            changes["voice"] = edit.voice
    step = {"id": base.id6, "operation": "edit", "words": in_words(edits)}
    request = base.request.model_copy(update=changes)
    # What tags and exporters ask of the controls, the piece decides now.
    controls = {**base.controls, "loop": piece.plan.loop}
    return recipe_of_piece(
        base.model_copy(update={"request": request, "controls": controls, "lineage": (*base.lineage, step)}), piece
    )


def loudness_remarks(music: Music) -> tuple[str, ...]:
    """One line where an edit, which keeps the master's numbers, left the loudness that tracks are made for."""
    loudness = integrated_loudness_lufs(music.audio, music.sample_rate_hz)
    if abs(loudness - TARGET_LUFS) <= LOUDNESS_TOLERANCE_LU:
        return ()
    return (f"loudness is now {loudness:.1f} LUFS, new tracks have {TARGET_LUFS:g}; a remaster brings it back",)
