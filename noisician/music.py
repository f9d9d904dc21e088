"""A finished piece: its samples, its recipe, and how both are saved."""

from __future__ import annotations

import difflib
import html
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict, cast

import numpy as np

from noisician.errors import FileError, RequestError
from noisician.export import (
    Bundle,
    Marker,
    Metadata,
    common_gain_db,
    default_file_name,
    stems_note,
    write_bundle,
    write_into,
)
from noisician.export.lyrics import TimedLine
from noisician.export.write import NOTATION_SUFFIXES, Notation
from noisician.mel import SAMPLE_RATE_HZ
from noisician.recipe import Recipe
from noisician.request.keys import written_key
from noisician.score import Score
from noisician.score.hands import by_performer
from noisician.spool import SpooledArrays

if TYPE_CHECKING:
    from typing_extensions import Unpack

    class SaveChanges(TypedDict, total=False):
        """The fields of :class:`SaveOptions`, as keyword arguments."""

        format: str | None
        bit_depth: int
        stems: bool
        stems_zip: bool
        mastered_stems: bool
        midi: bool
        musicxml: bool
        abc: bool
        chordpro: bool
        lead_sheet: bool
        spectrogram: bool
        timed_lyrics: bool
        karaoke: bool
        sidecar: bool
        overwrite: bool


@dataclass(frozen=True)
class SaveOptions:
    """What is written beside the track. ``format`` None follows the file's extension.

    ``stems`` are the players before mastering, ``mastered_stems`` as they are in the track; either sums to the whole.
    ``musicxml``, ``abc`` and ``chordpro`` are the score in notation; with ``lead_sheet`` the first two have the tune,
    its words and the chords alone, as ChordPro always does. ``timed_lyrics`` are an LRC file and the time of every
    syllable as JSON; ``karaoke`` the track without its voices,
    with an LRC file, for music whose stems were kept.
    """

    format: str | None = None
    bit_depth: int = 24
    stems: bool = False
    stems_zip: bool = False
    mastered_stems: bool = False
    midi: bool = False
    musicxml: bool = False
    abc: bool = False
    chordpro: bool = False
    lead_sheet: bool = False
    spectrogram: bool = False
    timed_lyrics: bool = False
    karaoke: bool = False
    sidecar: bool = True
    overwrite: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Music:
    """A finished piece.

    ``audio`` stereo float32 ``[frames, 2]`` at ``sample_rate_hz``; ``stems`` by name, each ``[frames, 2]`` as it sits
    in the mix before mastering (empty when they were not kept; read from the disk at each look); ``score`` None for
    models that know no notes. ``lyrics`` are what is sung when; ``instrumental`` the track without its voices, where
    stems were kept. ``remarks`` are what whoever asked should be told, a line each.
    """

    audio: np.ndarray
    recipe: Recipe
    score: Score | None = None
    stems: Mapping[str, np.ndarray] = field(default_factory=dict)
    sample_rate_hz: int = SAMPLE_RATE_HZ
    lyrics: tuple[TimedLine, ...] = ()
    instrumental: np.ndarray | None = None
    remarks: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        return self.recipe.seed

    @property
    def duration_s(self) -> float:
        return len(self.audio) / self.sample_rate_hz

    @property
    def metadata(self) -> Metadata:
        """What goes into tags."""
        return metadata_of(self.recipe, self.score, self.lyrics)

    def file_name(self, extension: str = "wav") -> str:
        """The readable default: words, BPM, key, seed."""
        return default_file_name(self.metadata, self.recipe.id6, extension)

    def midi(self) -> bytes:
        """The score as a Standard MIDI File. Raises RequestError for a model without a score."""
        from noisician.score.midi import write_midi

        if self.score is None:
            raise RequestError(f"{self.recipe.request.model} writes no score, so there is no MIDI; --guide adds one")
        buffer = io.BytesIO()
        write_midi(self.score, buffer)
        return buffer.getvalue()

    def musicxml(self, *, lead_sheet: bool = False) -> bytes:
        """The score as MusicXML 4.0. Raises RequestError for a model without a score."""
        return self._written("musicxml", lead_sheet)

    def abc(self, *, lead_sheet: bool = False) -> str:
        """The score in ABC notation. Raises RequestError for a model without a score."""
        return self._written("abc", lead_sheet).decode()

    def chordpro(self) -> str:
        """Words and chords as ChordPro. Raises RequestError for a model without a score."""
        return self._written("chordpro", False).decode()

    def _written(self, notation: Notation, is_lead_sheet: bool) -> bytes:
        from noisician.piece.notation import written_notation

        if self.score is None:
            raise RequestError(
                f"{self.recipe.request.model} writes no score to put down as {notation}; --guide adds one"
            )
        return written_notation(notation, self.score, self.recipe, self.metadata.title, is_lead_sheet=is_lead_sheet)

    def _karaoke(self) -> np.ndarray:
        if self.instrumental is None:
            raise RequestError("there is no track without voices: nothing is sung, or the stems were not kept")
        return self.instrumental

    def save(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        options: SaveOptions = SaveOptions(),
        **changes: Unpack[SaveChanges],
    ) -> dict[str, Path]:
        """Writes the track and what ``options`` ask for, all or nothing; returns what was written by kind.

        ``path`` is a file, or a folder, in which the track gets its readable default name. Keyword arguments are
        fields of :class:`SaveOptions`: ``track.save("song.flac", stems=True, midi=True)``. Into a file that is open in
        binary mode goes the track alone, in the ``format`` that then has to be named. Raises FileError, RequestError.
        """
        options = _changed(options, changes)
        if callable(getattr(path, "write", None)):
            self._save_into(cast(BinaryIO, path), options)
            return {}
        target = _path_of(path)
        if target.is_dir():
            target = target / self.file_name(options.format or "wav")
        bundle = self._bundle(target, options)
        if options.stems or options.stems_zip or options.mastered_stems:
            bundle = self._with_stems(bundle, options)
        return write_bundle(bundle, overwrite=options.overwrite)

    def save_project(
        self, path: str | os.PathLike[str], kind: str = "dawproject", *, overwrite: bool = False
    ) -> list[Path]:
        """Writes the piece as a project for other programs, all or nothing; returns what was written.

        ``kind`` is one of :data:`noisician.projects.KINDS`. Those of DAWs hold every player's stem and notes on one
        time line with tempo, metres, sections, chords and words; the stems sum to the mix before mastering, and the
        finished track lies beside them. Others are about what is sung. ``path`` is the file or folder. Raises
        FileError, and RequestError where there is no score, no stem was kept, or the kind is none.
        """
        from noisician.projects import KINDS, Sound, write_score_as_project

        if kind not in KINDS:
            raise RequestError(f"{kind!r:.40} is no kind of project; choose {', '.join(KINDS)}")
        if self.score is None or not self.stems:
            lacks = "writes no score" if self.score is None else "kept no stems"
            raise RequestError(f"a project needs notes and stems: {self.recipe.request.model} {lacks}")
        sound = Sound(
            self.stems, self.audio, self.midi(), self.metadata, self.recipe.to_json(), instrumental=self.instrumental
        )
        comment = project_comment(self.recipe)
        return write_score_as_project(
            self.score, sound, _path_of(path), kind, rate_hz=self.sample_rate_hz, comment=comment, overwrite=overwrite
        )

    def mastered_stems(self) -> Mapping[str, np.ndarray]:
        """Each stem as it is in the finished track, ``[frames, 2]``; they sum to it.

        Raises RequestError where no stems were kept, or their mix was made by an older noisician.
        """
        from noisician.mix import Mixer, Timing
        from noisician.piece import piece_of

        piece = piece_of(self.recipe) if self.stems else None
        if piece is None or piece.mix is None:
            why = "no stems were kept" if not self.stems else "an older noisician mixed it; edit or make it anew first"
            raise RequestError(f"there are no stems to master: {why}")
        premaster = np.zeros((2, len(self.audio)), np.float32)
        for name in self.stems:
            premaster += self.stems[name].T
        mixer = Mixer.of_premaster(piece.mix, premaster, Timing.of(piece.score))
        mastered = SpooledArrays()
        for name in self.stems:
            mastered.add(name, mixer.share(self.stems[name]))
        return mastered

    def _bundle(self, path: Path, options: SaveOptions) -> Bundle:
        return Bundle(
            path=path,
            samples=self.audio,
            metadata=self.metadata,
            recipe_json=self.recipe.to_json(),
            sample_rate_hz=self.sample_rate_hz,
            format=options.format,
            bit_depth=options.bit_depth,
            sidecar=options.sidecar,
            midi=self.midi() if options.midi else None,
            notation={
                kind: self._written(kind, options.lead_sheet) for kind in NOTATION_SUFFIXES if getattr(options, kind)
            },
            spectrogram=options.spectrogram,
            lrc=options.timed_lyrics,
            lyrics_json=options.timed_lyrics,
            instrumental=self._karaoke() if options.karaoke else None,
        )

    def _with_stems(self, bundle: Bundle, options: SaveOptions) -> Bundle:
        """With the stems, the one gain with which none of them clips, and a note that tells it."""
        mastered = options.mastered_stems
        stems = self.mastered_stems() if mastered else self.stems
        gain_db = common_gain_db(stems, options.bit_depth)
        told = {"gain_db": gain_db, **({"mastered": True} if mastered else {})}
        title = bundle.metadata.title or bundle.metadata.prompt
        note = stems_note(title, gain_db, mastered=mastered, has_score=bundle.midi is not None)
        return replace(
            bundle,
            stems=stems,
            stems_zip=options.stems_zip,
            stems_gain_db=gain_db,
            stems_recipe_json=self.recipe.model_copy(update={"stems": told}).to_json(),
            stem_extras={**bundle.stem_extras, "README.txt": note.encode()},
        )

    def _save_into(self, file: BinaryIO, options: SaveOptions) -> None:
        asked = replace(options, format=None, bit_depth=24, sidecar=True, overwrite=False)
        beside = [each.name for each in fields(asked) if getattr(asked, each.name) is True and each.name != "sidecar"]
        if beside:
            raise RequestError(f"{', '.join(beside)} would lie beside a file; name a path instead of an open file")
        write_into(file, self._bundle(Path("an open file"), options))

    def __eq__(self, other: object) -> bool:
        """The same samples by the same recipe."""
        if not isinstance(other, Music):
            return NotImplemented
        return self.recipe == other.recipe and np.array_equal(self.audio, other.audio)

    def __hash__(self) -> int:
        return hash(self.recipe.id6)

    def __repr__(self) -> str:
        about = ", ".join(self._facts())
        stems = f", {len(self.stems)} stems" if self.stems else ""
        return f"<Music {self.metadata.title[:60]!r}: {about}{stems}>"

    def _facts(self) -> list[str]:
        """What people ask first, a few words each."""
        return [f"{self.duration_s:.1f} s", *score_facts(self.score), f"seed {self.seed}"]

    def _repr_html_(self) -> str:
        """For notebooks: a player, a picture of what is to be heard, and the facts."""
        import base64

        from noisician.export.spectrogram import png_bytes, spectrogram_picture

        # What browsers play: to the sample as long as it is, or else small.
        name, media_type = ("flac", "audio/flac") if self.metadata.loop else ("mp3", "audio/mpeg")
        sound = io.BytesIO()
        write_into(sound, self._bundle(Path("track"), SaveOptions(format=name, bit_depth=16)))
        picture = png_bytes(spectrogram_picture(self.audio, self.sample_rate_hz), None)
        heard, seen = (base64.b64encode(data).decode("ascii") for data in (sound.getvalue(), picture))
        performers = by_performer(self.score.tracks) if self.score else []
        players = ", ".join(hands[0].instrument for hands in performers)
        facts = " · ".join(html.escape(fact) for fact in (*self._facts(), players) if fact)
        title = html.escape(self.metadata.title[:200])
        return (
            f"<figure><figcaption><strong>{title}</strong><br>{facts}</figcaption>"
            f'<img alt="spectrogram" style="width: 100%; max-width: 800px; height: 120px" '
            f'src="data:image/png;base64,{seen}"><br>'
            f'<audio controls style="width: 100%; max-width: 800px" src="data:{media_type};base64,{heard}"></audio>'
            "</figure>"
        )


def project_comment(recipe: Recipe) -> str:
    """What whoever opens a project should know of the difference between its sum and the finished track."""
    return (
        "Together the tracks are the mix before mastering. The finished track, muted beside them, went through "
        "equaliser, compressor, saturation and limiter (-1 dBTP) on the master bus after them. "
        f"Made by noisician {recipe.noisician}, seed {recipe.seed}; recipe.json makes it again."
    )


def score_facts(score: Score | None) -> list[str]:
    """Tempo, key and metre, as people read them."""
    if score is None:
        return []
    return [f"{score.tempo_bpm:g} BPM", f"{written_key(score.key, score.mode)} {score.mode}", score.time_signature]


def _changed(options: SaveOptions, changes: Mapping[str, Any]) -> SaveOptions:
    """Raises RequestError for what is no option of saving, or no value of it."""
    names = [each.name for each in fields(SaveOptions)]
    for name, value in changes.items():
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
            raise RequestError(f"{name!r} is no option of saving; {meant}")
        if name == "format" and not isinstance(value, str | None):
            raise RequestError(f"format {value!r} is no name of one; choose wav, flac, ogg or mp3")
    return replace(options, **changes)


def _path_of(path: object) -> Path:
    try:
        return Path(os.fsdecode(cast("str", path)))
    except TypeError:
        raise FileError(f"{path!r:.80} is no path and no open file; name where the track should go") from None


def metadata_of(recipe: Recipe, score: Score | None, lyrics: tuple[TimedLine, ...] = ()) -> Metadata:
    """What goes into the tags of the music of a recipe; ``score`` and ``lyrics`` as in :class:`Music`."""
    request = recipe.request
    title = request.prompt.strip() or "surprise"
    title = title[:1].upper() + title[1:]
    if score is None:
        asked = recipe.controls
        return Metadata(
            title=title,
            prompt=request.prompt,
            tempo_bpm=asked.get("tempo_bpm"),
            key=asked.get("key"),
            mode=asked.get("mode"),
            time_signature=asked.get("time_signature"),
            seed=recipe.seed,
            loop=request.loop or bool(recipe.controls.get("loop")),
            software=f"noisician {recipe.noisician}",
            lyrics=lyrics,
            language=request.language or "en",
        )
    return Metadata(
        title=title,
        prompt=request.prompt,
        tempo_bpm=score.tempo_bpm,
        key=score.key,
        mode=score.mode,
        time_signature=score.time_signature,
        seed=recipe.seed,
        sections=tuple(Marker(section.kind, score.bar_start_s(section.start_bar)) for section in score.sections),
        beats=round(score.duration_beats),
        loop=bool(recipe.controls.get("loop")),
        software=f"noisician {recipe.noisician}",
        lyrics=lyrics,
        language=request.language or "en",
    )
