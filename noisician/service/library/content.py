"""What a take can be had as: files in every format, peaks for a waveform, its score and its words.

All of it is made from the take's stored files when it is first asked for, and kept (see ExportCache). Everything here
blocks; it is for threads.
"""

from __future__ import annotations

import io
import shutil
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from noisician.audio import db_to_gain
from noisician.errors import FileError, RequestError
from noisician.export import Transaction, choose_format, lrc, midi_with_recipe, stems_note, write_audio, write_stems
from noisician.export.metadata import clean_text
from noisician.export.stems import factor_of
from noisician.export.write import Notation
from noisician.music import project_comment
from noisician.service import schemas
from noisician.service.files import Files
from noisician.service.library.export_cache import ExportCache
from noisician.service.library.shapes import score_shape
from noisician.service.library.stored_take import KARAOKE, TRACK, StoredTake, sound_of, without_folder
from noisician.service.library.take_files import STORED_BIT_DEPTH
from noisician.service.records import TakeRecord

#: Loudness in LUFS by preset; None leaves the samples as they are stored. Takes are mastered for streaming, so
#: "streaming" is the stored track, and so is "off": no change of level, whatever a model's own level may be.
LOUDNESS_LUFS: Mapping[str, float | None] = {
    "streaming": None,
    "apple": -16.0,
    "broadcast": -23.0,
    "club": -8.0,
    "off": None,
}
MEDIA_TYPES: Mapping[str, str] = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "zip": "application/zip",
    "dawproject": "application/zip",
    "reaper": "application/zip",
    "mid": "audio/midi",
    "musicxml": "application/vnd.recordare.musicxml+xml",
    "abc": "text/vnd.abc; charset=utf-8",
    "cho": "text/plain; charset=utf-8",
    "json": "application/json",
    "lrc": "text/plain; charset=utf-8",
}
SLICES_LIMIT = 20_000

_NOTATIONS: Mapping[str, Notation] = {"musicxml": "musicxml", "abc": "abc", "cho": "chordpro"}
_PROJECTS = ("dawproject", "reaper")
#: How files of a lead sheet are called beside those of the whole score.
LEAD_SHEET = "lead-sheet"
_SOUND = ("wav", "flac", "mp3", "ogg")
#: A track in memory is 20 MB a minute; so many are worked on at once.
_AT_ONCE = 2
_PEAK_BLOCK_FRAMES = 1 << 18
_LOUDNESS_STEPS = 6
_LOUDNESS_TOLERANCE_LU = 0.1
#: A limited decibel buys less than one LU, but no less than this is believed.
_LEAST_SLOPE = 0.15


@dataclass(frozen=True)
class Wanted:
    """A file of a take: a ``format`` of MEDIA_TYPES, of the "track", the "karaoke" version or a stem by name.

    ``loudness`` (LOUDNESS_LUFS) is for track and karaoke; stems keep their level, so that they still sum.
    ``bit_depth`` 16, 24 or 32 (float, WAV only) is for WAV, FLAC and the stems in a zip. ``lead_sheet`` leaves the
    tune, its words and the chords in MusicXML and ABC.
    """

    format: str
    part: str = TRACK
    loudness: str = "streaming"
    bit_depth: int = STORED_BIT_DEPTH
    lead_sheet: bool = False


@dataclass(frozen=True)
class Exported:
    """A file ready to be served; ``file_name`` is what people see."""

    path: Path
    media_type: str
    file_name: str


class Shelf:
    """Exports of the takes in a data folder. For any number of threads; equal wishes at the same time are met once."""

    def __init__(self, files: Files, cache_bytes: int) -> None:
        self._files = files
        self._cache = ExportCache(files, cache_bytes)
        self._at_once = threading.Semaphore(_AT_ONCE)

    def export(self, take: TakeRecord, wanted: Wanted) -> Exported:
        """A file with the tags and the recipe that ``noisician make`` writes; the stored one where that is the same.

        Raises RequestError for a format or loudness that is none, and FileError, one line without folders, for what
        the take has not got, a loop as MP3, damaged files and a full disk.
        """
        if wanted.format not in MEDIA_TYPES:
            raise RequestError(f"format {wanted.format[:40]!r} is none; choose {', '.join(MEDIA_TYPES)}")
        if wanted.loudness not in LOUDNESS_LUFS:
            raise RequestError(f"loudness {wanted.loudness[:40]!r} is none; choose {', '.join(LOUDNESS_LUFS)}")
        stored = StoredTake(self._files, take)
        if wanted.format in _SOUND:
            return self._sound(stored, wanted)
        if wanted.format == "zip":
            return self._zip(stored, wanted)
        if wanted.format in _PROJECTS:
            return self._project(stored, wanted)
        if wanted.format == "json":
            return _exported(self._files.recipe(take.id), stored, wanted, TRACK)
        if wanted.format == "mid":
            midi = _midi(stored)
            return self._made(stored, wanted, TRACK, lambda work: _write(work / "score.mid", midi))
        if wanted.format in _NOTATIONS:
            written = _notation(stored, wanted)
            part = LEAD_SHEET if wanted.lead_sheet else TRACK
            return self._made(stored, wanted, part, lambda work: _write(work / "score.txt", written))
        part = KARAOKE if wanted.part == KARAOKE else TRACK
        text = _lrc(stored, part)
        return self._made(stored, wanted, part, lambda work: _write(work / "lyrics.lrc", text.encode()))

    def original(self, take: TakeRecord, part: str = TRACK) -> Exported:
        """The stored FLAC of a part, for playing: there at once, and the same bytes whatever the take is called now."""
        stored = StoredTake(self._files, take)
        return _exported(stored.sound(part), stored, Wanted("flac"), part)

    def peaks(self, take: TakeRecord, part: str = TRACK, slices: int = 800) -> schemas.Peaks:
        """Minimum and maximum of the mono sum in ``slices`` (1 … SLICES_LIMIT) equal slices, fewer where the track has
        fewer frames. Raises RequestError and FileError."""
        if not 1 <= slices <= SLICES_LIMIT:
            raise RequestError(f"slices {slices} is out of range; 1 to {SLICES_LIMIT} are possible")
        path = sound_of(self._files, take.id, part)

        def make(work: Path) -> Path:
            return _write(work / "peaks.json", read_peaks(path, slices).model_dump_json().encode())

        with without_folder(self._files.takes):
            try:
                made = self._cache.kept(take.id, f"peaks-{part}-{slices}.json", make)
                return schemas.Peaks.model_validate_json(made.read_bytes())
            except (
                FileError,
                OSError,
                ValueError,
            ):  # neither a full disk nor a damaged copy is a reason to show nothing
                return read_peaks(path, slices)

    def score(self, take: TakeRecord) -> schemas.ScoreView:
        """The score in seconds. Raises FileError for a take without one."""
        stored = StoredTake(self._files, take)
        if stored.score is None:
            raise FileError(f"{take.id} has no score: {take.take.model or 'its model'} writes none")
        try:
            return score_shape(stored.score, stored.stems)
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            raise FileError(f"the score of {take.id} holds values that are none; it was edited") from broken

    def lyrics(self, take: TakeRecord) -> str:
        """The sung words with their times, JSON as noisician.export.words_json writes it. Raises FileError."""
        return StoredTake(self._files, take).lyrics_json

    def forget(self, take_id: str) -> None:
        """Removes what was exported of a take."""
        self._cache.forget(take_id)

    def _sound(self, stored: StoredTake, wanted: Wanted) -> Exported:
        part, name = wanted.part, stored.file_name(wanted.format, wanted.part)
        source, tags = stored.sound(part), stored.tags(part)
        choose_format(Path(name), wanted.format, wanted.bit_depth, tags.loop)
        target_lufs = LOUDNESS_LUFS[wanted.loudness] if part in (TRACK, KARAOKE) else None
        as_stored = wanted.format == "flac" and wanted.bit_depth == STORED_BIT_DEPTH and target_lufs is None
        if as_stored and _title(source) == clean_text(tags.title):
            return _exported(source, stored, wanted, part)

        def make(work: Path) -> Path:
            samples, rate_hz = stored.samples(part)
            if target_lufs is not None:
                samples = levelled(samples, rate_hz, target_lufs)
            return write_audio(
                work / name,
                samples,
                tags,
                stored.recipe.to_json(),
                bit_depth=wanted.bit_depth,
                sample_rate_hz=rate_hz,
            )

        depth = wanted.bit_depth if wanted.format in ("wav", "flac") else 0
        level = "" if target_lufs is None else wanted.loudness
        return self._made(stored, wanted, part, make, f"{depth}-{level}")

    def _zip(self, stored: StoredTake, wanted: Wanted) -> Exported:
        if not stored.stems:
            raise FileError(f"{stored.record.id} has no stems: {stored.record.take.model or 'its model'} keeps none")
        extras = {"README.txt": _stems_note(stored).encode(), "LICENCE.txt": _licence_note(stored).encode()}
        if stored.score is not None:
            extras["score.mid"] = _midi(stored)
        parts = {name: _LazyStem(stored, name) for name in stored.stems}
        rate_hz = next(iter(parts.values())).sample_rate_hz
        name = stored.file_name("zip", "stems")
        choose_format(Path(name).with_suffix(".wav"), "wav", wanted.bit_depth, loop=False)

        def make(work: Path) -> Path:
            target = work / name
            write_stems(
                target,
                cast(Mapping[str, np.ndarray], parts),
                stored.metadata,
                stored.recipe.to_json(),
                bit_depth=wanted.bit_depth,
                sample_rate_hz=rate_hz,
                extras=extras,
            )
            return target

        return self._made(stored, wanted, "stems", make, str(wanted.bit_depth))

    def _project(self, stored: StoredTake, wanted: Wanted) -> Exported:
        """A project for other programs; one that is a folder comes as an archive."""
        from noisician.projects import Sound, write_score_as_project

        if stored.score is None or not stored.stems:
            what = "notes" if stored.score is None else "stems"
            raise FileError(f"{stored.record.id} has no {what}, and a project needs both")
        midi, recipe_json = _midi(stored), stored.recipe.to_json()
        name = Path(stored.file_name(wanted.format, "project")).stem

        def make(work: Path) -> Path:
            finished, rate_hz = stored.samples(TRACK)
            stems = cast(Mapping[str, np.ndarray], {one: _LazyStem(stored, one) for one in stored.stems})
            assert stored.score is not None
            softer = factor_of(stored.recipe.stems.get("gain_db", 0.0))
            sound = Sound(stems, finished, midi, stored.metadata, recipe_json, 1 / softer)
            comment = project_comment(stored.recipe)
            written = write_score_as_project(
                stored.score, sound, work / name, wanted.format, rate_hz=rate_hz, comment=comment
            )
            if len(written) == 1:
                return written[0]
            archive = shutil.make_archive(str(work / f"{name}-archive"), "zip", work, name)
            shutil.rmtree(work / name)
            return Path(archive)

        return self._made(stored, wanted, "project", make)

    def _made(
        self, stored: StoredTake, wanted: Wanted, part: str, make: Callable[[Path], Path], detail: str = ""
    ) -> Exported:
        """From the cache. The title is part of the name there, because it is part of the tags."""

        def make_in_turn(work: Path) -> Path:
            with self._at_once:
                return make(work)

        title = zlib.crc32(stored.metadata.title.encode("utf-8", "replace"))
        name = f"{part}-{detail}-{title:08x}.{wanted.format}"
        return _exported(self._cache.kept(stored.record.id, name, make_in_turn), stored, wanted, part)


class _LazyStem:
    """Stands for a stem's samples ``[frames, channels]``: a file as large as it is decoded when it is its turn, so that
    an archive of twelve stems never has all of them in memory."""

    def __init__(self, stored: StoredTake, name: str) -> None:
        self._stored, self._name = stored, name
        frames, channels, self.sample_rate_hz = _properties(stored.sound(name))
        self.shape = (frames, channels)
        self.ndim = 2

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        samples, _ = self._stored.samples(self._name)
        return samples if dtype is None else samples.astype(dtype, copy=False)


def levelled(samples: np.ndarray, rate_hz: int, target_lufs: float) -> np.ndarray:
    """A finished track ``[frames, channels]`` at another loudness (ITU-R BS.1770-4), its true peak at most −1 dBTP.

    One gain where that suffices; else the limiter, asked for more until what comes out is loud enough.
    Silence stays silence.
    """
    from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
    from noisician.mix.levelling import level
    from noisician.mix.mastering import CEILING_DBTP, MAX_GAIN_DB

    measured_lufs = integrated_loudness_lufs(samples, rate_hz)
    if not np.isfinite(measured_lufs):
        return samples
    gain_db = min(target_lufs - measured_lufs, MAX_GAIN_DB)
    samples = samples * np.float32(db_to_gain(gain_db))
    if true_peak_dbtp(samples) <= CEILING_DBTP:
        return samples
    wish_lufs, slope, louder = target_lufs, 1.0, samples
    last: tuple[float, float] | None = None
    for _ in range(_LOUDNESS_STEPS):
        # As a loop in every case: the ends of a finished track are faded already.
        louder = level(samples, rate_hz, wish_lufs, loop=True)
        reached_lufs = integrated_loudness_lufs(louder, rate_hz)
        missing = target_lufs - reached_lufs
        if abs(missing) < _LOUDNESS_TOLERANCE_LU:
            break
        if last is not None:
            slope = min(1.0, max(_LEAST_SLOPE, (reached_lufs - last[1]) / (wish_lufs - last[0])))
        last = wish_lufs, reached_lufs
        wish_lufs += missing / slope
    return louder


def read_peaks(path: Path, slices: int) -> schemas.Peaks:
    """Peaks of a sound file, read in blocks. Raises FileError."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            frames, rate_hz = int(file.frames), int(file.samplerate)
            slices = min(slices, frames)
            edges = np.arange(slices) * frames // max(1, slices)
            low, high = np.full(slices, np.inf, np.float32), np.full(slices, -np.inf, np.float32)
            start = 0
            while len(block := file.read(_PEAK_BLOCK_FRAMES, dtype="float32", always_2d=True)):
                mono = block.mean(axis=1)
                stop = start + len(mono)
                first, last = np.searchsorted(edges, start, "right") - 1, np.searchsorted(edges, stop)
                cuts = np.maximum(edges[first:last] - start, 0)
                np.minimum(low[first:last], np.minimum.reduceat(mono, cuts), out=low[first:last])
                np.maximum(high[first:last], np.maximum.reduceat(mono, cuts), out=high[first:last])
                start = stop
    except (soundfile.SoundFileError, OSError) as error:
        raise FileError(f"{path}: cannot be read ({_words(error)}); it is damaged or was removed") from error
    if start < frames or not frames:
        raise FileError(f"{path}: holds {start} of {frames} samples; it is damaged")
    data = np.round(np.stack([low, high], axis=1).astype(np.float64), 4).reshape(-1)
    return schemas.Peaks(duration_s=frames / rate_hz, slices=slices, data=tuple(data.tolist()))


def discard(files: Files, take_id: str) -> None:
    """Removes a take's folder for good, all at once as far as others can see. Raises FileError."""
    folder, gone = files.take(take_id), files.tmp / f"{take_id}.gone"
    try:
        files.tmp.mkdir(parents=True, exist_ok=True)
        folder.rename(gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"{take_id} cannot be removed ({(error.strerror or str(error)).lower()})") from error
    shutil.rmtree(gone, ignore_errors=True)


def _exported(path: Path, stored: StoredTake, wanted: Wanted, part: str) -> Exported:
    extension = "zip" if wanted.format == "reaper" else wanted.format
    return Exported(path, MEDIA_TYPES[wanted.format], stored.file_name(extension, part))


def _midi(stored: StoredTake) -> bytes:
    """The score as a MIDI file with the recipe."""
    from noisician.score.midi import write_midi

    if stored.score is None:
        model = stored.record.take.model or "its model"
        raise FileError(f"{stored.record.id} has no score: {model} writes none, so there is no MIDI")
    buffer = io.BytesIO()
    write_midi(stored.score, buffer)
    return midi_with_recipe(buffer.getvalue(), stored.recipe.to_json())


def _notation(stored: StoredTake, wanted: Wanted) -> bytes:
    """The score in a notation, with the recipe."""
    from noisician.piece.notation import written_notation

    if stored.score is None:
        model = stored.record.take.model or "its model"
        raise FileError(f"{stored.record.id} has no score: {model} writes none, so there is no {wanted.format}")
    kind = _NOTATIONS[wanted.format]
    title = stored.metadata.title
    return written_notation(kind, stored.score, stored.recipe, title, is_lead_sheet=wanted.lead_sheet)


def _lrc(stored: StoredTake, part: str) -> str:
    if not stored.lyrics:
        raise FileError(f"{stored.record.id} has no lyrics: nothing is sung in it")
    frames, _, rate_hz = _properties(stored.sound(TRACK))
    return lrc(stored.lyrics, stored.tags(part).title, frames / rate_hz)


def _stems_note(stored: StoredTake) -> str:
    gain_db = stored.recipe.stems.get("gain_db", 0.0)
    return stems_note(stored.metadata.title, gain_db, has_score=stored.score is not None)


def _licence_note(stored: StoredTake) -> str:
    restricted = " (restricts use)" if stored.recipe.settings.get("restricted") else ""
    licence = stored.record.take.licence or "not known"
    return f"""Made by noisician {stored.recipe.noisician} with the model {stored.recipe.request.model}.

Licence of the model: {licence}{restricted}
"""


def _properties(path: Path) -> tuple[int, int, int]:
    """(frames, channels, sample rate in Hz) by the header. Raises FileError."""
    import soundfile

    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise FileError(f"{path.name}: cannot be read ({_words(error)}); it is damaged or was removed") from error
    return int(info.frames), int(info.channels), int(info.samplerate)


def _title(path: Path) -> str | None:
    """The title in a file's tags; None where it cannot be read."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return file.title
    except (soundfile.SoundFileError, OSError):
        return None


def _words(error: Exception) -> str:
    """An error's own words on one line, without the path that libsndfile puts in front."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".").lower()


def _write(path: Path, data: bytes) -> Path:
    with Transaction() as transaction:
        transaction.write(path, [data], len(data))
        transaction.commit()
    return path
