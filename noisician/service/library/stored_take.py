"""A take read back from its files: what exports, score and words are made from."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import FileError, RequestError
from noisician.export import Metadata, TimedLine, TimedSyllable, TimedWord, default_file_name
from noisician.models.protocol import Others
from noisician.music import metadata_of
from noisician.piece import score_of
from noisician.recipe import Recipe
from noisician.score import Score
from noisician.service.files import Files, is_id
from noisician.service.library.take_files import INSTRUMENTAL
from noisician.service.records import TakeRecord
from noisician.service.schemas import TITLE_LIMIT_CHARS

TRACK, KARAOKE = "track", "karaoke"
_LABELS_KEPT = 256


class StoredTake:
    """The files of one take, each read when it is first needed. Everything raises FileError, in one line that names no
    folder, where a file is missing or damaged."""

    def __init__(self, files: Files, record: TakeRecord) -> None:
        self.record = record
        self._files = files

    @cached_property
    def recipe(self) -> Recipe:
        return _recipe(self._files, self.record.id)

    @cached_property
    def score(self) -> Score | None:
        return _score(self.recipe, self.record.id)

    @cached_property
    def lyrics(self) -> tuple[TimedLine, ...]:
        """What is sung when; empty where nobody sings."""
        return _lyrics(self._files, self.record.id)

    @property
    def lyrics_json(self) -> str:
        """The words with their times as noisician.export.words_json writes them."""
        path = self._files.lyrics(self.record.id)
        if not path.is_file():
            raise FileError(f"{self.record.id} has no lyrics: nothing is sung in it")
        with without_folder(self._files.takes):
            return _text(path)

    @cached_property
    def metadata(self) -> Metadata:
        """The tags as they would be written beside the music when it is made; a name of its owner's is its title."""
        metadata, _ = _labels(self._files, self.record.id)
        given = self.record.take.title.strip()
        own = given not in ("", metadata.title, metadata.title[:TITLE_LIMIT_CHARS])
        return replace(metadata, title=given) if own else metadata

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Names of the stems that were kept, in the order of the mix as far as it is known."""
        there = stems_there(self._files, self.record.id)
        facts: Any = self.record.take.facts
        listed = facts.get("stems") if isinstance(facts, dict) else None
        known = [name for name in listed if name in there] if isinstance(listed, list) else []
        return (*dict.fromkeys(known), *(name for name in there if name not in known))

    def sound(self, part: str) -> Path:
        """The FLAC of "track", "karaoke" or a stem."""
        return sound_of(self._files, self.record.id, part)

    def samples(self, part: str) -> tuple[np.ndarray, int]:
        """(``[frames, channels]`` float32, sample rate in Hz) of a part."""
        from noisician.audio import read_audio

        path = self.sound(part)
        with without_folder(self._files.takes):
            return read_audio(path)

    def tags(self, part: str) -> Metadata:
        """The tags of a part: a stem sings nothing by itself, and its title says which one it is."""
        title = self.metadata.title
        if part == TRACK:
            return self.metadata
        if part == KARAOKE:
            return replace(self.metadata, title=f"{title} (karaoke)")
        return replace(self.metadata, title=f"{title} - {part}", lyrics=())

    def file_name(self, extension: str, part: str = TRACK) -> str:
        """The readable name of an exported file: words, tempo, key, seed, the recipe's id and the part."""
        _, id6 = _labels(self._files, self.record.id)
        name = default_file_name(self.metadata, id6, extension)
        stem, _, extension = name.rpartition(".")
        return name if part == TRACK else f"{stem}_{part}.{extension}"


def sound_of(files: Files, take_id: str, part: str) -> Path:
    """The FLAC of "track", "karaoke" or a stem of a take. Raises FileError where the take has no such part."""
    if part == TRACK:
        return _there(files.track(take_id), "sound", take_id)
    if part == KARAOKE:
        path = files.stem(take_id, INSTRUMENTAL)
        if not path.is_file():
            raise FileError(f"{take_id} has no track without voices: nothing is sung in it, or no stems were kept")
        return path
    stems = stems_there(files, take_id)
    if part not in stems:
        raise FileError(f"{take_id} has no part {part[:80]!r}; there are {', '.join((TRACK, *stems))}")
    return files.stem(take_id, part)


def stems_there(files: Files, take_id: str) -> tuple[str, ...]:
    """The names of a take's stems by alphabet."""
    names = {path.stem for path in (files.take(take_id) / "stems").glob("*.flac")}
    return tuple(sorted(names - {INSTRUMENTAL}))


def other_takes(files: Files) -> Others:
    """Finds the recipes of takes by their ids, and nothing else: clients never name files."""

    def recipe_of(source: str) -> Recipe:
        if not is_id(source, "take") or not files.recipe(source).is_file():
            raise RequestError(f"source {source[:80]!r} is the id of no take in the library")
        return _recipe(files, source)

    return recipe_of


@lru_cache(maxsize=_LABELS_KEPT)
def _labels(files: Files, take_id: str) -> tuple[Metadata, str]:
    """(tags, the recipe's id) of a take. A player asks for a file in many parts, and a recipe is long to read."""
    recipe = _recipe(files, take_id)
    return metadata_of(recipe, _score(recipe, take_id), _lyrics(files, take_id)), recipe.id6


def _recipe(files: Files, take_id: str) -> Recipe:
    path = _there(files.recipe(take_id), "recipe", take_id)
    with without_folder(files.takes):
        return Recipe.from_json(path.read_bytes(), str(path))


def _score(recipe: Recipe, take_id: str) -> Score | None:
    try:
        return score_of(recipe)
    except FileError as broken:
        raise FileError(f"{take_id}: {broken}") from None


def _lyrics(files: Files, take_id: str) -> tuple[TimedLine, ...]:
    path = files.lyrics(take_id)
    if not path.is_file():
        return ()
    with without_folder(files.takes):
        return lines_of(_text(path))


def lines_of(words_json: str) -> tuple[TimedLine, ...]:
    """The lines that noisician.export.words_json wrote. Raises FileError for other JSON."""
    try:
        return tuple(_line(line) for line in json.loads(words_json)["lines"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise FileError("the file of the lyrics is damaged: it is not the JSON that was written") from None


def _line(line: dict[str, Any]) -> TimedLine:
    words = tuple(_word(word) for word in line["words"])
    return TimedLine(words, float(line["start_s"]), float(line["end_s"]), str(line["section"]), str(line["voice"]))


def _word(word: dict[str, Any]) -> TimedWord:
    syllables = tuple(
        TimedSyllable(str(one["text"]), float(one["start_s"]), float(one["end_s"]), one["note_pitch"])
        for one in word["syllables"]
    )
    return TimedWord(str(word["text"]), float(word["start_s"]), float(word["end_s"]), syllables)


def _there(path: Path, what: str, take_id: str) -> Path:
    if not path.is_file():
        raise FileError(f"the {what} of {take_id} is not in the data folder any more; it was removed by hand")
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise FileError(f"{path}: cannot be read; it is damaged") from None


@contextlib.contextmanager
def without_folder(folder: Path) -> Iterator[None]:
    """Lines of FileError name files below ``folder`` from there on; OSError becomes such a line."""
    try:
        yield
    except FileError as error:
        raise FileError(str(error).replace(f"{folder}{os.sep}", "")) from error
    except OSError as error:
        raise FileError(f"a file of the take cannot be read ({(error.strerror or str(error)).lower()})") from error
