"""A project as files, all or nothing: one archive, or a folder with the sound beside what opens it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from noisician.errors import FileError
from noisician.export import Metadata, Transaction, check_target, common_gain_db, midi_with_recipe, stems_note
from noisician.export.encode import AudioFormat, Encoded, encode
from noisician.export.lyrics import srt, vtt
from noisician.export.metadata import slug, tempo_and_key
from noisician.export.read import RECIPE_MEMBER
from noisician.export.stems import factor_of, padded, stem_file_name
from noisician.export.write import member_of
from noisician.projects.dawproject import metadata_xml, project_xml
from noisician.projects.model import Project, project_of
from noisician.projects.openutau import project_yaml
from noisician.projects.reaper import project_text
from noisician.projects.ultrastar import song_text
from noisician.recipe import software_version
from noisician.score import Score

#: Kinds of projects by name, and what their file is called; folders have none.
KINDS: Mapping[str, str] = {
    "dawproject": ".dawproject",
    "reaper": "",
    "folder": "",
    "ultrastar": "",
    "openutau": ".ustx",
    "srt": ".srt",
    "vtt": ".vtt",
}
#: Kinds that are about who sings.
SUNG_KINDS = ("ultrastar", "openutau", "srt", "vtt")
FINISHED = "finished"
#: What games call languages.
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English"}
_PROJECT_BITS, _FOLDER_BITS = 32, 24
_GAP_BYTES = 1 << 16


@dataclass(frozen=True)
class Sound:
    """What a project plays: ``stems`` by name, each ``[frames, 2]`` as it sits in the mix before mastering, the
    ``finished`` track ``[frames, 2]``, the score as a MIDI file, and what is written into all of them. Stems that were
    kept softer than they are there are made up by ``stems_factor``, in projects of one
    program. ``instrumental`` is the track without its voices."""

    stems: Mapping[str, np.ndarray]
    finished: np.ndarray
    midi: bytes
    metadata: Metadata
    recipe_json: str
    stems_factor: float = 1.0
    instrumental: np.ndarray | None = None


def project_path(path: Path, kind: str) -> Path:
    """Where a project goes: ``path`` with the extension of its kind. Raises FileError for another one."""
    suffix = KINDS[kind]
    if not suffix or path.suffix.lower() == suffix:
        return path
    if path.suffix:
        raise FileError(f"{path}: the extension says {path.suffix}, {kind} is {suffix}; drop one")
    return path.with_name(path.name + suffix)


def check_project(path: Path, kind: str, overwrite: bool) -> None:
    """Raises the FileError that writing a project there would meet, before any work is done."""
    target = project_path(path, kind)
    if KINDS[kind]:
        check_target(target, overwrite)
        return
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise FileError(f"{target}: already exists and is not empty; choose another name or ask to overwrite (--force)")


def write_score_as_project(
    score: Score, sound: Sound, target: Path, kind: str, *, rate_hz: int, comment: str, overwrite: bool = False
) -> list[Path]:
    """:func:`write_project` of a score and its sound, under the title of its tags."""
    project = project_of(score, sound.stems, sound.metadata.title, len(sound.finished), rate_hz, comment)
    return write_project(project, sound, target, kind, overwrite=overwrite)


def write_project(project: Project, sound: Sound, target: Path, kind: str, *, overwrite: bool = False) -> list[Path]:
    """Writes a project of a kind of KINDS to :func:`project_path`; returns the files.

    In ``dawproject`` and ``reaper`` the stems are 32-bit floating point under faders at 0 dB; in ``folder`` they have
    24 bits and the one gain its README tells. Raises FileError for an existing file without ``overwrite``, a full disk
    and the like; nothing is left behind then.
    """
    check_project(target, kind, overwrite)
    target = project_path(target, kind)
    if kind in SUNG_KINDS and not project.sung:
        raise FileError(f"{target}: {kind} holds what is sung, and nothing is sung in this piece")
    with Transaction(overwrite) as transaction:
        written = _STAGE[kind](transaction, target, project, sound)
        transaction.commit()
    return written


def _dawproject(transaction: Transaction, target: Path, project: Project, sound: Sound) -> list[Path]:
    files = {name: f"audio/{stem_file_name(name)}.wav" for name in sound.stems}
    finished = f"audio/{FINISHED}.wav"
    frame_bytes = 2 * _PROJECT_BITS // 8
    expected_bytes = project.frames * frame_bytes * (len(files) + 1) + _GAP_BYTES
    audio = AudioFormat("wav", _PROJECT_BITS, project.rate_hz, sound.stems_factor)
    with (
        transaction.open(target, expected_bytes) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr(member_of("project.xml"), project_xml(project, files, finished, software_version()))
        archive.writestr(member_of("metadata.xml"), metadata_xml(project))
        archive.writestr(member_of(RECIPE_MEMBER), sound.recipe_json)
        for name, encoded in _encoded(project, sound, audio, files, finished):
            with archive.open(member_of(name), "w", force_zip64=True) as member:
                for piece in encoded.pieces:
                    member.write(piece)
    return [target]


def _reaper(transaction: Transaction, target: Path, project: Project, sound: Sound) -> list[Path]:
    files = {name: f"audio/{stem_file_name(name)}.wav" for name in sound.stems}
    finished = f"audio/{FINISHED}.wav"
    audio = AudioFormat("wav", _PROJECT_BITS, project.rate_hz, sound.stems_factor)
    name = f"{slug(project.title) or 'project'}.rpp"
    texts = {name: project_text(project, files, finished).encode()}
    return _folder_of(transaction, target, project, sound, audio, files, finished, texts)


def _plain(transaction: Transaction, target: Path, project: Project, sound: Sound) -> list[Path]:
    gain_db = common_gain_db(sound.stems, _FOLDER_BITS)
    about = "_".join(tempo_and_key(sound.metadata))
    files = {name: f"{number:02d}_{stem_file_name(name)}_{about}.wav" for number, name in enumerate(sound.stems, 1)}
    note = stems_note(project.title, gain_db, has_score=True)
    marks = "".join(f"{_clock(project.tempo.seconds(one.start))}  {one.text}\n" for one in project.sections)
    readme = f"{note}\n{project.key}, {_tempi(project)}\n{project.comment}\n\nSections\n{marks}"
    audio = AudioFormat("wav", _FOLDER_BITS, project.rate_hz, factor_of(gain_db))
    finished = f"{FINISHED}_{about}.wav"
    return _folder_of(transaction, target, project, sound, audio, files, finished, {"README.txt": readme.encode()})


def _ultrastar(transaction: Transaction, target: Path, project: Project, sound: Sound) -> list[Path]:
    """Text and sound in a folder, as karaoke games have their songs."""
    name = slug(project.title) or "song"
    audio = AudioFormat("ogg", sample_rate_hz=project.rate_hz)
    sounds = {f"{name}.ogg": sound.finished}
    if sound.instrumental is not None:
        sounds[f"{name}-instrumental.ogg"] = sound.instrumental
    language = LANGUAGE_NAMES.get(sound.metadata.language, sound.metadata.language)
    audio_file, instrumental = [*sounds, None][:2]
    text = song_text(project, str(audio_file), instrumental, language).encode()
    transaction.make_folder(target)
    written = [target / f"{name}.txt"]
    transaction.write(written[0], [text], len(text))
    for file, samples in sounds.items():
        encoded = encode(samples, sound.metadata, sound.recipe_json, audio)
        written.append(target / file)
        transaction.write(written[-1], encoded.pieces, encoded.size_bytes)
    return written


def _text_of(content: Callable[[Project, Sound], str]) -> Callable[[Transaction, Path, Project, Sound], list[Path]]:
    """A kind that is one file of text."""

    def stage(transaction: Transaction, target: Path, project: Project, sound: Sound) -> list[Path]:
        data = content(project, sound).encode()
        transaction.write(target, [data], len(data))
        return [target]

    return stage


def _folder_of(
    transaction: Transaction,
    target: Path,
    project: Project,
    sound: Sound,
    audio: AudioFormat,
    files: Mapping[str, str],
    finished: str,
    texts: Mapping[str, bytes],
) -> list[Path]:
    """``texts``, the score, the recipe and the sound in a folder."""
    transaction.make_folder(target)
    if any("/" in name for name in files.values()):
        transaction.make_folder(target / "audio")
    written = []
    midi = midi_with_recipe(sound.midi, sound.recipe_json)
    for name, data in {**texts, "score.mid": midi, RECIPE_MEMBER: sound.recipe_json.encode()}.items():
        written.append(target / name)
        transaction.write(written[-1], [data], len(data))
    for name, encoded in _encoded(project, sound, audio, files, finished):
        written.append(target / name)
        transaction.write(written[-1], encoded.pieces, encoded.size_bytes)
    return written


def _encoded(
    project: Project, sound: Sound, audio: AudioFormat, files: Mapping[str, str], finished: str
) -> Iterator[tuple[str, Encoded]]:
    """Each sound file with its name, one at a time. The finished track is never turned down."""
    title = sound.metadata.title
    for name, file in files.items():
        metadata = replace(sound.metadata, title=f"{title} - {name}", lyrics=())
        samples = padded(sound.stems[name], project.frames)
        yield file, encode(samples, metadata, None, audio)
    yield finished, encode(sound.finished, sound.metadata, sound.recipe_json, replace(audio, factor=1.0))


def _tempi(project: Project) -> str:
    if not project.tempo.changes:
        return f"{project.first_tempo_bpm:g} BPM throughout"
    return f"{project.first_tempo_bpm:g} BPM at first; score.mid has every change"


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:06.3f}"


_STAGE: Mapping[str, Callable[[Transaction, Path, Project, Sound], list[Path]]] = {
    "dawproject": _dawproject,
    "reaper": _reaper,
    "folder": _plain,
    "ultrastar": _ultrastar,
    "openutau": _text_of(lambda project, sound: project_yaml(project)),
    "srt": _text_of(lambda project, sound: srt(sound.metadata.lyrics)),
    "vtt": _text_of(lambda project, sound: vtt(sound.metadata.lyrics)),
}
