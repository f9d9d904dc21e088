"""The main path: from words to a finished track.

request ─ understand ─▶ controls ─ make_plan ─▶ plan ─ compose ─▶ grid ─ decode, perform ─▶ score
score ─ render ─▶ mels ─ synthesise ─▶ stems ─ mix_stems ─▶ track
lyrics ─ write_song ─▶ plan, grid and song ─ cast, sing ─▶ sung stems
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from noisician.composer import Composer, ComposerSettings, Plan, make_plan
from noisician.errors import FileError, RequestError
from noisician.mel import HOP, SAMPLE_RATE_HZ
from noisician.mix import VOICE, Finish, StemAudio, Timing, mix_stems, plan_mix
from noisician.models.embedded.cast import SUNG_ROLES, Casting, VocalPart, cast
from noisician.models.embedded.cost import Work
from noisician.models.embedded.song import (
    is_song,
    resung,
    timed_lyrics,
    without_stand_ins,
    write_song,
)
from noisician.models.protocol import (
    NO_MATERIAL,
    Capabilities,
    Material,
    OnProgress,
    ShouldCancel,
    Stages,
    ignore_progress,
    never,
)
from noisician.models.support import check_request
from noisician.music import Music
from noisician.prompt import Controls, understand
from noisician.recipe import Recipe
from noisician.renderer import Part, Preview, Renderer, RenderSettings
from noisician.request import DURATION_RANGE_S, Request
from noisician.score import Score, Track
from noisician.score.decode import decode
from noisician.score.grid import Grid
from noisician.score.perform import perform, shade
from noisician.score.played import PlayedNote, played_notes
from noisician.styles import instruments
from noisician.vocals.singer import Singer
from noisician.vocals.song import Song, sung_tracks
from noisician.vocoder import Vocoder
from noisician.weights import manifest

#: What remains of the stages when the score is there already.
PLAYING_ALONE = {"playing": 1.0}
#: A loop is played this far beyond its end; what still rings there is folded back to its start.
LOOP_TAIL_S = 2.5
#: The last of what rings goes out over this.
FADE_OUT_S = 1.0
HUMANISE = 0.6
PLAYING_MODELS = ("composer", "renderer", "vocoder")
CAPABILITIES = Capabilities(
    name="embedded",
    features=frozenset({"text", "lyrics", "voice", "tempo", "key", "time_signature", "loop", "stems", "score"}),
    duration_range_s=DURATION_RANGE_S,
    sample_rate_hz=SAMPLE_RATE_HZ,
    licence="Apache-2.0",
)
_SEED_BITS = 32


@dataclass(frozen=True)
class Sound:
    """All that turns a score into samples besides the score and the seed; kept in the recipe."""

    duration_s: float
    loop: bool
    genres: Mapping[str, float]
    moods: Mapping[str, float]
    production: tuple[str, ...]
    render: RenderSettings
    song: Song | None = None

    @property
    def samples(self) -> int:
        return round(self.duration_s * SAMPLE_RATE_HZ)

    @property
    def played_samples(self) -> int:
        """A loop is played beyond its end."""
        return self.samples + round(LOOP_TAIL_S * SAMPLE_RATE_HZ) if self.loop else self.samples

    def to_settings(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_settings` restores an equal sound."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, plan: Plan, request: Request, song: Song | None = None) -> Sound:
        default = RenderSettings()
        render = RenderSettings(
            steps=default.steps if request.steps is None else request.steps,
            guidance_scale=default.guidance_scale if request.guidance_scale is None else request.guidance_scale,
        )
        style = plan.style
        return cls(plan.duration_s, plan.loop, style.genres, style.moods, plan.production, render, song)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Sound:
        """Raises FileError when a recipe's settings lack something."""
        try:
            fields = dict(settings)
            fields["production"] = tuple(fields["production"])
            fields["render"] = RenderSettings(**fields["render"])
            if fields.get("song") is not None:
                fields["song"] = Song.from_dict(fields["song"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as broken:
            raise FileError(f"the recipe's settings are incomplete ({broken}); it was cut or edited") from broken


class EmbeddedModel:
    """Loads each network when it is first needed and keeps it. Not for use by two threads at once."""

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @cached_property
    def _composer(self) -> Composer:
        return Composer()

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer()

    @cached_property
    def _singer(self) -> Singer:
        return Singer()

    @cached_property
    def _vocoder(self) -> Vocoder:
        return Vocoder()

    def generate(
        self,
        request: Request,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """Understands, composes and plays. Raises RequestError, WeightsError or Cancelled."""
        check_request(request, self.capabilities)
        stages = Stages({"composing": 1.0}, on_progress, cancel)
        stages.reporter("composing")
        controls = understand(request)
        seed = secrets.randbits(_SEED_BITS) if request.seed is None else request.seed
        if is_song(request):
            return self._song(request, controls, seed, stages, keep_stems)
        plan = make_plan(controls, seed)
        sound = Sound.of(plan, request)
        stages = replace(stages, weights=Work.of(plan, sound.render).with_composing(plan.bars))
        score = self.write(plan, seed, stages.reporter("composing"))
        recipe = _recipe(request, controls, score, seed, sound)
        return self._play(recipe, score, sound, stages, keep_stems)

    def _song(self, request: Request, controls: Controls, seed: int, stages: Stages, keep_stems: bool) -> Music:
        """A piece with words: the form is theirs, and so is the tune's rhythm."""
        wanted = without_stand_ins(request, controls.instruments)
        open_length = {"duration_s": None, "bars": None, "instruments": wanted}
        plan = make_plan(controls.model_copy(update=open_length), seed)
        work = Work.of(plan, Sound.of(plan, request).render, sung=True)
        stages = replace(stages, weights=work.with_composing(plan.bars))
        piece = write_song(request, plan, seed, self._composer, stages.reporter("composing"))
        score = self._performed(piece.grid, piece.plan, seed)
        score = replace(score, tracks=(*sung_tracks(piece.song), *score.tracks))
        sound = Sound.of(piece.plan, request, piece.song)
        recipe = _recipe(request, controls, score, seed, sound)
        return self._play(recipe, score, sound, stages, keep_stems)

    def replay(
        self,
        recipe: Recipe,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """The samples of a recipe, from its score. Raises FileError for a recipe without one."""
        score, sound = _from_recipe(recipe)
        return self._play(recipe, score, sound, Stages(PLAYING_ALONE, on_progress, cancel), keep_stems)

    def rework(
        self,
        recipe: Recipe,
        request: Request,
        on_progress: OnProgress = ignore_progress,
        cancel: ShouldCancel = never,
        keep_stems: bool = False,
        material: Material = NO_MATERIAL,
    ) -> Music:
        """The music of a recipe as another request wants it. Where only words of a song change, the players and all
        other lines stay as they are, sample for sample before the mix; everything else is made anew."""
        same = request.model_copy(update={"lyrics": recipe.request.lyrics}) == recipe.request
        if same and is_song(request) and recipe.score is not None:
            check_request(request, self.capabilities)
            score, sound = _from_recipe(recipe)
            song = None if sound.song is None else resung(sound.song, score, request, recipe.seed)
            if song is not None:
                band = (track for track in score.tracks if track.role not in SUNG_ROLES)
                score = replace(score, tracks=(*sung_tracks(song), *band))
                sound = replace(sound, song=song)
                changes = {"request": request, "score": score.to_dict(), "settings": sound.to_settings()}
                again = Recipe.model_validate(recipe.model_dump() | changes)
                return self._play(again, score, sound, Stages(PLAYING_ALONE, on_progress, cancel), keep_stems)
        return self.generate(request, on_progress, cancel, keep_stems, material)

    def write(self, plan: Plan, seed: int, on_step: Callable[[float], None] = lambda share: None) -> Score:
        """The performed score of a plan."""
        return self._performed(self._composer.compose(plan, seed, ComposerSettings(), on_step=on_step), plan, seed)

    def _performed(self, grid: Grid, plan: Plan, seed: int) -> Score:
        """The score of a grid, as the players play it."""
        score = decode(
            grid,
            tempo_bpm=plan.tempo_bpm,
            key=plan.key,
            mode=plan.mode,
            sections=plan.sections,
            roster=plan.roster,
            articulations=plan.articulations,
        )
        # Somebody with nothing to play in so short a piece needs no stem.
        score = replace(score, tracks=tuple(track for track in score.tracks if track.notes))
        if not score.tracks:
            raise RequestError(f"seed {seed} left every player of this piece silent; take another seed or more bars")
        played = perform(score, swing=plan.swing, humanise=HUMANISE, seed=seed, swing_unit=plan.swing_unit)
        return shade(played, plan.velocity_shift)

    def _play(self, recipe: Recipe, score: Score, sound: Sound, stages: Stages, keep_stems: bool) -> Music:
        parts = self._cast(recipe, score, sound)
        band = replace(score, tracks=tuple(track for track in score.tracks if track.role not in SUNG_ROLES))
        preview = Preview(frames_of(sound.samples), frames_of(sound.played_samples) - frames_of(sound.samples))
        stages = stages.within("playing", work_of(band, parts, sound, keep_stems).playing(), preview.log_mel)
        sung = self._sung_stems(parts, sound.samples, stages, preview) if parts else iter(())
        mix = plan_mix(
            [*((part.role, VOICE) for part in parts), *((track.role, track.instrument) for track in band.tracks)],
            tuple(sound.genres.items()),
            tuple(sound.moods.items()),
            sound.production,
        )
        mixdown = mix_stems(
            chain(sung, self._stems(band, sound.samples, recipe.seed, sound, stages, preview)),
            mix,
            seed=recipe.seed,
            timing=Timing.of(band),
            finish=Finish(loop=sound.loop, fade_out_s=min(FADE_OUT_S, sound.duration_s / 8)),
            keep_stems=keep_stems,
            split_vocals=keep_stems and bool(parts),
        )
        stages.reporter("mixing")(1.0)
        names = [*(part.name for part in parts), *stem_names(band.tracks)]
        kept = dict(zip(names, mixdown.stems or (), strict=False))
        lyrics = () if sound.song is None else timed_lyrics(sound.song, score)
        return Music(mixdown.stereo, recipe, score, kept, lyrics=lyrics, instrumental=mixdown.instrumental)

    def _cast(self, recipe: Recipe, score: Score, sound: Sound) -> tuple[VocalPart, ...]:
        if sound.song is None:
            return ()
        styles = tuple(sound.genres.items()), tuple(sound.moods.items())
        return cast(sound.song, Casting(score, *styles, recipe.seed, recipe.request.prompt))

    def _sung_stems(
        self, parts: Sequence[VocalPart], samples: int, stages: Stages, preview: Preview
    ) -> Iterator[StemAudio]:
        """Each singer's samples, one singer after another."""
        report = stages.reporter("singing")
        total, done = sum(len(part.phrases) for part in parts), 0
        for part in parts:
            share = len(part.phrases) / total
            audio = self._singer.sing(
                part.phrases,
                samples,
                lambda own, before=done / total, share=share: report(before + share * own),
                on_phrase=preview.add_phrase,
            )
            done += len(part.phrases)
            yield StemAudio(part.role, VOICE, audio)

    def _stems(
        self, score: Score, samples: int, seed: int, sound: Sound, stages: Stages, preview: Preview
    ) -> Iterator[StemAudio]:
        """Each player's samples, made one after another so that only one waits in memory at a time."""
        table = instruments()
        parts = [
            Part(table[track.instrument], lasting(score, track, sound), track.articulations, noise_stream(name))
            for name, track in zip(stem_names(score.tracks), score.tracks, strict=True)
        ]
        length = sound.played_samples
        mels = self._renderer.render(parts, frames_of(length), seed, sound.render, stages.reporter("painting"), preview)
        preview.settle(mels)
        report = stages.reporter("sounding")
        for number, (track, part) in enumerate(zip(score.tracks, parts, strict=True)):
            mel, mels[number] = mels[number], np.empty(0)
            audio = self._vocoder.synthesise(
                mel,
                part.notes,
                part.instrument,
                seed,
                part.stream,
                lambda share, number=number: report((number + share) / len(parts)),
            )
            yield StemAudio(track.role, track.instrument, fold(audio[:length], samples))
        stages.reporter("mixing")


def lasting(score: Score, track: Track, sound: Sound) -> tuple[PlayedNote, ...]:
    """A track's notes in seconds; a texture that lasts to the last bar stays for the tail, where the fade takes it."""
    notes = played_notes(score, track)
    if track.role != "texture" or sound.loop:
        return notes
    end_s = score.duration_s - 1e-6
    return tuple(
        replace(note, end_s=max(note.end_s, sound.duration_s)) if note.end_s >= end_s else note for note in notes
    )


def frames_of(samples: int) -> int:
    """Mel frames that cover all samples."""
    return -(-samples // HOP)


def work_of(band: Score, parts: Sequence[VocalPart], sound: Sound, keep_stems: bool) -> Work:
    """The work of playing a piece whose singers are cast."""
    sung_s = sum(part.sung_s for part in parts)
    return Work(len(band.tracks), sound.played_samples / SAMPLE_RATE_HZ, sound.render, sung_s, keep_stems)


def fold(audio: np.ndarray, samples: int) -> np.ndarray:
    """``[samples]``: what goes beyond the end comes back at the start, as in a loop."""
    folded = audio[:samples].copy()
    tail = audio[samples:]
    while len(tail):
        folded[: len(tail)] += tail[:samples]
        tail = tail[samples:]
    return folded


def noise_stream(stem_name: str) -> int:
    """The noise of a stem is named after the stem, so that adding or removing others leaves it alone."""
    return zlib.crc32(stem_name.encode())


def stem_names(tracks: Sequence[Track]) -> list[str]:
    """``drums-lofi_kit``, ``texture-rain``, …; a number is added where two would be the same."""
    names: list[str] = []
    for track in tracks:
        name = f"{track.role}-{track.instrument}"
        same = sum(existing == name or existing.startswith(f"{name}-") for existing in names)
        names.append(f"{name}-{same + 1}" if same else name)
    return names


def _from_recipe(recipe: Recipe) -> tuple[Score, Sound]:
    """Raises FileError for a recipe that holds no music."""
    if recipe.score is None:
        raise FileError("the recipe holds no score; it was made by another kind of model")
    sound = Sound.from_settings(recipe.settings)
    try:
        return Score.from_dict(recipe.score), sound
    except (KeyError, TypeError, ValueError) as broken:
        raise FileError(f"the recipe's score is incomplete ({broken}); it was cut or edited") from broken


def _recipe(request: Request, controls: Controls, score: Score, seed: int, sound: Sound) -> Recipe:
    sings = () if sound.song is None else ("vocals",)
    return Recipe(
        request=request.model_copy(update={"seed": seed}),
        seed=seed,
        controls=controls.model_dump(mode="json"),
        score=score.to_dict(),
        models={name: manifest()[name]["sha256"][:16] for name in (*PLAYING_MODELS, *sings)},
        settings=sound.to_settings(),
    )
