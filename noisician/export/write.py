"""Writing tracks, stems and everything beside them, each time all or nothing."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from noisician.audio import SAMPLE_RATE_HZ
from noisician.errors import FileError
from noisician.export.embed import midi_with_recipe
from noisician.export.encode import AudioFormat, choose_format, encode
from noisician.export.lyrics import lrc, plain_lyrics, words_json
from noisician.export.metadata import Metadata
from noisician.export.read import RECIPE_MEMBER
from noisician.export.spectrogram import png_bytes, spectrogram_picture
from noisician.export.stems import factor_of, padded, stem_file_name
from noisician.export.transaction import Transaction, check_target, explained

Notation = Literal["musicxml", "abc", "chordpro"]
#: What files of notation are called, by its kind.
NOTATION_SUFFIXES: Mapping[Notation, str] = {"musicxml": ".musicxml", "abc": ".abc", "chordpro": ".cho"}
_OLDEST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a real date would make equal recipes give different archives
_READABLE_BY_ALL = 0o644 << 16


@dataclass(frozen=True)
class Bundle:
    """One take with everything that is written beside it.

    ``path`` names the track; the sidecar, MIDI and picture take its name with their own extension, stems the
    folder ``{name}_stems`` (or ``{name}_stems.zip``). ``samples`` and each stem: ``[frames]`` or
    ``[frames, 1 or 2]``. ``midi`` is a Standard MIDI File; the recipe is added to it. ``notation`` is by kind
    (NOTATION_SUFFIXES), recipe and all. ``stem_extras`` (name to
    content) joins the stems, for example a licence note. They are written with ``stems_gain_db``, which
    :func:`noisician.export.stems.common_gain_db` found for them, and carry ``stems_recipe_json`` where that is another
    than ``recipe_json``.

    The metadata's lyrics can stand beside it as ``{name}.lrc`` and ``{name}.lyrics.json``. ``instrumental``, the piece
    without its singers, makes a karaoke pair in the track's format: ``{name}_karaoke`` and its own LRC file, which
    players find by the name.
    """

    path: Path
    samples: np.ndarray
    metadata: Metadata
    recipe_json: str
    sample_rate_hz: int = SAMPLE_RATE_HZ
    format: str | None = None
    bit_depth: int = 24
    sidecar: bool = True
    midi: bytes | None = None
    notation: Mapping[Notation, bytes] = field(default_factory=dict)
    spectrogram: bool = False
    stems: Mapping[str, np.ndarray] = field(default_factory=dict)
    stems_zip: bool = False
    stem_extras: Mapping[str, bytes] = field(default_factory=dict)
    stems_gain_db: float = 0.0
    stems_recipe_json: str | None = None
    lrc: bool = False
    lyrics_json: bool = False
    instrumental: np.ndarray | None = None


def write_audio(
    path: str | os.PathLike[str],
    samples: np.ndarray,
    metadata: Metadata,
    recipe_json: str | None = None,
    *,
    format: str | None = None,
    bit_depth: int = 24,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    overwrite: bool = False,
    earlier: Path | None = None,
) -> Path:
    """Write one sound file with its tags and recipe.

    ``samples`` ``[frames]`` or ``[frames, 1 or 2]``, full scale ±1. The format follows ``format`` or the
    extension: wav (``bit_depth`` 16, 24 or 32 = float, bit-exact), flac (16, 24), ogg, mp3. ``earlier`` names a FLAC
    file that may hold the same samples and spares encoding them again; the file written is the same. Raises
    :class:`FileError` for an unknown extension, a loop as MP3, an existing file without ``overwrite``, a missing
    or read-only folder, a full disk; nothing is left behind then.
    """
    path = Path(path)
    name = choose_format(path, format, bit_depth, metadata.loop)
    audio = AudioFormat(name, bit_depth, sample_rate_hz)
    with Transaction(overwrite) as transaction:
        _stage_audio(transaction, path, samples, metadata, recipe_json, audio, earlier)
        transaction.commit()
    return path


def write_stems(
    target: str | os.PathLike[str],
    stems: Mapping[str, np.ndarray],
    metadata: Metadata,
    recipe_json: str | None = None,
    *,
    bit_depth: int = 24,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    extras: Mapping[str, bytes] | None = None,
    gain_db: float = 0.0,
    overwrite: bool = False,
) -> list[Path]:
    """Write aligned WAVs of equal length (shorter stems are padded with silence) into a folder, or into an
    archive if ``target`` ends in ``.zip``, with the recipe as ``recipe.json`` and the ``extras`` beside them.

    All get the one ``gain_db``. Returns what was written. Errors as :func:`write_audio`.
    """
    job = _StemJob(Path(target), stems, metadata, recipe_json, bit_depth, sample_rate_hz, extras or {}, gain_db)
    with Transaction(overwrite) as transaction:
        written = _stage_stems(transaction, job)
        transaction.commit()
    return written


def bundle_paths(bundle: Bundle) -> dict[str, Path]:
    """Where everything goes: "track", "sidecar", "midi", kinds of notation, "spectrogram", "lrc", "lyrics_json",
    "karaoke", "karaoke_lrc", "stems" (folder or archive)."""
    path = bundle.path
    paths = {"track": path}
    if bundle.sidecar:
        paths["sidecar"] = path.with_suffix(".json")
    if bundle.midi is not None:
        paths["midi"] = path.with_suffix(".mid")
    for kind in bundle.notation:
        paths[kind] = path.with_suffix(NOTATION_SUFFIXES[kind])
    if bundle.spectrogram:
        paths["spectrogram"] = path.with_suffix(".png")
    if bundle.lrc:
        paths["lrc"] = path.with_suffix(".lrc")
    if bundle.lyrics_json:
        paths["lyrics_json"] = path.with_suffix(".lyrics.json")
    if bundle.instrumental is not None:
        paths["karaoke"] = path.with_name(f"{path.stem}_karaoke{path.suffix}")
        paths["karaoke_lrc"] = path.with_name(f"{path.stem}_karaoke.lrc")
    if bundle.stems:
        paths["stems"] = path.with_name(f"{path.stem}_stems" + (".zip" if bundle.stems_zip else ""))
    return paths


def write_bundle(bundle: Bundle, *, overwrite: bool = False) -> dict[str, Path]:
    """Write the track and everything beside it in one transaction; returns :func:`bundle_paths`.

    If one file fails (exists, full disk, interrupt), none of them appears. Errors as :func:`write_audio`.
    """
    name = choose_format(bundle.path, bundle.format, bundle.bit_depth, bundle.metadata.loop)
    audio = AudioFormat(name, bundle.bit_depth, bundle.sample_rate_hz)
    paths = bundle_paths(bundle)
    _check_distinct(paths)
    _check_lyrics(bundle)
    for kind, path in paths.items():
        if kind != "stems" or bundle.stems_zip:
            check_target(path, overwrite)
    with Transaction(overwrite) as transaction:
        _stage_audio(transaction, paths["track"], bundle.samples, bundle.metadata, bundle.recipe_json, audio)
        if bundle.sidecar:
            _stage_bytes(transaction, paths["sidecar"], bundle.recipe_json.encode())
        if bundle.midi is not None:
            _stage_bytes(transaction, paths["midi"], midi_with_recipe(bundle.midi, bundle.recipe_json))
        for kind, content in bundle.notation.items():
            _stage_bytes(transaction, paths[kind], content)
        if bundle.spectrogram:
            picture = spectrogram_picture(bundle.samples, bundle.sample_rate_hz)
            _stage_bytes(transaction, paths["spectrogram"], png_bytes(picture, bundle.recipe_json))
        _stage_lyrics(transaction, bundle, paths)
        if bundle.instrumental is not None:
            metadata = _karaoke_metadata(bundle.metadata)
            _stage_audio(transaction, paths["karaoke"], bundle.instrumental, metadata, bundle.recipe_json, audio)
        if bundle.stems:
            _stage_stems(transaction, _stem_job(bundle, paths["stems"]))
        transaction.commit()
    return paths


@dataclass(frozen=True)
class _StemJob:
    target: Path
    stems: Mapping[str, np.ndarray]
    metadata: Metadata
    recipe_json: str | None
    bit_depth: int
    sample_rate_hz: int
    extras: Mapping[str, bytes]
    gain_db: float = 0.0
    #: At least so long is each.
    frames: int = 0

    @property
    def audio(self) -> AudioFormat:
        return AudioFormat("wav", self.bit_depth, self.sample_rate_hz, factor_of(self.gain_db))


def _stem_job(bundle: Bundle, target: Path) -> _StemJob:
    extras = dict(bundle.stem_extras)
    if bundle.midi is not None:
        extras.setdefault("score.mid", midi_with_recipe(bundle.midi, bundle.recipe_json))
    return _StemJob(
        target,
        bundle.stems,
        bundle.metadata,
        bundle.stems_recipe_json or bundle.recipe_json,
        bundle.bit_depth,
        bundle.sample_rate_hz,
        extras,
        bundle.stems_gain_db,
        len(bundle.samples),
    )


def _check_distinct(paths: Mapping[str, Path]) -> None:
    """A track called ``x.json`` would take its own sidecar's name."""
    if len(set(paths.values())) < len(paths):
        raise FileError(f"{paths['track']}: has the name of a file written beside it; choose another extension")


def _check_lyrics(bundle: Bundle) -> None:
    """Files of lyrics need lyrics."""
    asked = bundle.lrc or bundle.lyrics_json or bundle.instrumental is not None
    if asked and not plain_lyrics(bundle.metadata.lyrics):
        raise FileError(f"{bundle.path}: no lyrics to write beside it; nothing is sung in this track")


def _karaoke_metadata(metadata: Metadata) -> Metadata:
    return replace(metadata, title=f"{metadata.title or metadata.prompt} (karaoke)".strip())


def _stage_lyrics(transaction: Transaction, bundle: Bundle, paths: Mapping[str, Path]) -> None:
    """The LRC and JSON files among ``paths``."""
    metadata, lines = bundle.metadata, bundle.metadata.lyrics
    duration_s = len(bundle.samples) / bundle.sample_rate_hz
    texts = {
        "lrc": lambda: lrc(lines, metadata.title or metadata.prompt, duration_s),
        "karaoke_lrc": lambda: lrc(lines, _karaoke_metadata(metadata).title, duration_s),
        "lyrics_json": lambda: words_json(lines),
    }
    for kind, text in texts.items():
        if kind in paths:
            _stage_bytes(transaction, paths[kind], text().encode())


def write_into(file: BinaryIO, bundle: Bundle) -> None:
    """The track of a bundle alone into a binary file that is open for writing; ``path`` only names it in errors.

    Errors as :func:`write_audio`, and FileError where the file does not take bytes.
    """
    if bundle.format is None:
        raise FileError(f"{bundle.path}: has no extension to go by; name a format: wav, flac, ogg or mp3")
    name = choose_format(bundle.path, bundle.format, bundle.bit_depth, bundle.metadata.loop)
    audio = AudioFormat(name, bundle.bit_depth, bundle.sample_rate_hz)
    encoded = encode(bundle.samples, bundle.metadata, bundle.recipe_json, audio)
    try:
        for piece in encoded.pieces:
            file.write(piece)
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise explained(error, bundle.path, encoded.size_bytes) from None
    except TypeError:
        raise FileError(f"{bundle.path}: takes text, sound files are bytes; open it in binary mode") from None


def _stage_bytes(transaction: Transaction, path: Path, data: bytes) -> None:
    transaction.write(path, [data], len(data))


def _stage_audio(
    transaction: Transaction,
    path: Path,
    samples: np.ndarray,
    metadata: Metadata,
    recipe_json: str | None,
    audio: AudioFormat,
    earlier: Path | None = None,
) -> None:
    check_target(path, transaction.overwrite)  # before the work of encoding
    encoded = encode(samples, metadata, recipe_json, audio, earlier)
    transaction.write(path, encoded.pieces, encoded.size_bytes)


def _stage_stems(transaction: Transaction, job: _StemJob) -> list[Path]:
    if not job.stems:
        raise FileError(f"{job.target}: no stems to write; the track has no parts")
    choose_format(Path("stem.wav"), "wav", job.bit_depth, loop=False)
    members = dict(job.extras)
    if job.recipe_json is not None:
        members[RECIPE_MEMBER] = job.recipe_json.encode()
    if job.target.suffix.lower() == ".zip":
        _stage_stems_zip(transaction, job, members)
        return [job.target]
    transaction.make_folder(job.target)
    written = []
    for name, samples, metadata in _named_stems(job):
        written.append(job.target / name)
        _stage_audio(transaction, written[-1], samples, metadata, job.recipe_json, job.audio)
    for name, data in members.items():
        written.append(job.target / name)
        _stage_bytes(transaction, written[-1], data)
    return written


def _stage_stems_zip(transaction: Transaction, job: _StemJob, members: Mapping[str, bytes]) -> None:
    """Stored, not deflated: samples hardly shrink, and a stored WAV can be played from within the archive."""
    frames = _frames_of(job)
    expected = sum(frames * (stem.shape[1] if stem.ndim == 2 else 1) for stem in _each(job.stems))
    expected = expected * job.bit_depth // 8 + sum(map(len, members.values()))
    folder = job.target.stem
    with (
        transaction.open(job.target, expected) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, samples, metadata in _named_stems(job):
            with archive.open(member_of(f"{folder}/{name}"), "w", force_zip64=True) as member:
                for piece in encode(samples, metadata, job.recipe_json, job.audio).pieces:
                    member.write(piece)
        for name, data in members.items():
            archive.writestr(member_of(f"{folder}/{name}"), data)


def _named_stems(job: _StemJob) -> Iterator[tuple[str, np.ndarray, Metadata]]:
    """File name, padded samples and metadata of each stem."""
    frames = _frames_of(job)
    title = job.metadata.title or job.metadata.prompt
    taken: set[str] = set()
    for name in job.stems:
        file_name = stem_file_name(name)
        if file_name.lower() in taken:
            raise FileError(f"{job.target}: two stems would be called {file_name}.wav; rename one")
        taken.add(file_name.lower())
        metadata = replace(job.metadata, title=f"{title} - {name}", lyrics=())  # most stems sing nothing
        yield f"{file_name}.wav", padded(job.stems[name], frames), metadata


def _frames_of(job: _StemJob) -> int:
    return max(job.frames, *(len(stem) for stem in _each(job.stems)))


def _each(stems: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """One after another, so that stems that are read from the disk are never all in memory."""
    for name in stems:
        yield stems[name]


def member_of(name: str) -> zipfile.ZipInfo:
    """A file in an archive, stored as it is and without a date of its own."""
    member = zipfile.ZipInfo(name, _OLDEST_ZIP_DATE)
    member.external_attr = _READABLE_BY_ALL
    return member
