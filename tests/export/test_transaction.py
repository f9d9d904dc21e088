"""Nothing half-written, nothing overwritten unasked, whatever fails and whenever."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from noisician.errors import FileError
from noisician.export import Bundle, Metadata, Transaction, check_target, write_audio, write_bundle, write_stems
from noisician.recipe import Recipe
from noisician.request import Request

JSON = Recipe(noisician="0.1.0", request=Request(), seed=1).to_json()
SAMPLES = np.zeros((1000, 2), np.float32)
MIDI = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0\x04\0\xff\x2f\0"


def bundle(folder: Path, **changes: Any) -> Bundle:
    fields: dict[str, Any] = {
        "path": folder / "song.wav",
        "samples": SAMPLES,
        "metadata": Metadata(title="song"),
        "recipe_json": JSON,
        "midi": MIDI,
        "spectrogram": True,
        "stems": {"drums": SAMPLES, "bass": SAMPLES[:, 0]},
    }
    return Bundle(**(fields | changes))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(folder.rglob("*"))
    }


def one_line(error: pytest.ExceptionInfo[FileError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def interrupted() -> Iterator[bytes]:
    yield b"half"
    raise KeyboardInterrupt


def test_nothing_is_visible_before_the_commit(tmp_path: Path) -> None:
    with Transaction() as transaction:
        transaction.write(tmp_path / "a", [b"one", memoryview(b"two")], 6)
        assert not (tmp_path / "a").exists()
        transaction.commit()
        assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert tree(tmp_path) == {"a": b"onetwo"}


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_audio(tmp_path / "a.wav", SAMPLES, Metadata())
    finally:
        os.umask(before)
    assert (tmp_path / "a.wav").stat().st_mode & 0o777 == 0o640


def test_leaving_without_commit_leaves_nothing(tmp_path: Path) -> None:
    with Transaction() as transaction:
        transaction.make_folder(tmp_path / "new" / "deep")
        transaction.write(tmp_path / "new" / "deep" / "a", [b"x"], 1)
    assert tree(tmp_path) == {}


def test_interrupt_in_mid_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    for overwrite, name in ((False, "a"), (True, "old")):
        with pytest.raises(KeyboardInterrupt), Transaction(overwrite) as transaction:
            transaction.write(tmp_path / name, interrupted(), 10)
            transaction.commit()
    assert tree(tmp_path) == {"old": b"old"}


def test_existing_files_are_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(FileError) as error:
        write_audio(path, SAMPLES, Metadata())
    assert f"{path}: already exists" in one_line(error)
    assert tree(tmp_path) == {"a.wav": b"precious"}
    write_audio(path, SAMPLES, Metadata(), overwrite=True)
    assert path.read_bytes()[:4] == b"RIFF"
    assert list(tree(tmp_path)) == ["a.wav"]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="already exists"), Transaction() as transaction:
        transaction.write(tmp_path / "first", [b"1"], 1)
        transaction.write(tmp_path / "a", [b"ours"], 4)
        (tmp_path / "a").write_bytes(b"theirs")
        transaction.commit()
    assert tree(tmp_path) == {"a": b"theirs"}


def test_overwriting_through_a_symlink_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.wav").write_bytes(b"old")
    (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
    write_audio(tmp_path / "link.wav", SAMPLES, Metadata(), overwrite=True)
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "real.wav").read_bytes()[:4] == b"RIFF"
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    with pytest.raises(FileError, match="already exists"):
        write_audio(tmp_path / "dangling.wav", SAMPLES, Metadata())


@pytest.fixture(params=["link", "no links"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and some network shares know no hard links."""
    if request.param == "no links":

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("file_system")
def test_bundle_is_written_whole_and_again_with_overwrite(tmp_path: Path) -> None:
    paths = write_bundle(bundle(tmp_path))
    expected = {
        "song.json",
        "song.mid",
        "song.png",
        "song.wav",
        "song_stems",
        *(f"song_stems/{name}" for name in ("bass.wav", "drums.wav", "recipe.json", "score.mid")),
    }
    first = tree(tmp_path)
    assert set(first) == expected
    assert set(paths) == {"track", "sidecar", "midi", "spectrogram", "stems"}
    with pytest.raises(FileError, match="already exists"):
        write_bundle(bundle(tmp_path, samples=SAMPLES + 0.5))
    assert tree(tmp_path) == first
    write_bundle(bundle(tmp_path, samples=SAMPLES + 0.5), overwrite=True)
    second = tree(tmp_path)
    assert set(second) == expected
    assert second["song.wav"] != first["song.wav"]
    assert second["song_stems/bass.wav"] == first["song_stems/bass.wav"]


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2, 5, 8])
def test_interrupt_while_publishing_undoes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, fails_at: int
) -> None:
    if overwrite:
        write_bundle(bundle(tmp_path))
        (tmp_path / "song.png").unlink()  # one of the files is new
    before = tree(tmp_path)
    calls = 0
    publish = Transaction._publish

    def interrupt(self: Transaction, staged: Any) -> None:
        nonlocal calls
        calls += 1
        publish(self, staged)
        if calls == fails_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(Transaction, "_publish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle(tmp_path, samples=SAMPLES + 0.25), overwrite=overwrite)
    assert calls == fails_at
    assert tree(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_interrupt_between_keeping_aside_and_replacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    if overwrite:
        write_bundle(bundle(tmp_path))
    before = tree(tmp_path)
    real, calls = os.replace, 0

    def interrupt(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        real(source, target)

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle(tmp_path, samples=SAMPLES + 0.25), overwrite=overwrite)
    assert tree(tmp_path) == before


class FullDisk:
    """A file on a disk with room for 3000 bytes."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, 3000

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        self.left -= len(data)
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def limited(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        file = real(self, mode, *args, **kwargs)
        return FullDisk(file) if "x" in mode else file

    monkeypatch.setattr(Path, "open", limited)


@pytest.mark.usefixtures("full_disk")
def test_full_disk_states_needed_and_free_bytes(tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / "a.wav", SAMPLES, Metadata(artist="", software=""))
    assert "the disk is full: 6062 bytes needed, " in one_line(error)  # 44 + 1000 · 2 · 3 + 18 of an empty tag
    assert " bytes free" in str(error.value)
    assert tree(tmp_path) == {}


@pytest.mark.usefixtures("full_disk")
def test_full_disk_leaves_no_part_of_a_bundle_or_archive(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="disk is full"):
        write_bundle(bundle(tmp_path))
    with pytest.raises(FileError, match="disk is full"):
        write_stems(tmp_path / "s.zip", {"a": SAMPLES}, Metadata(), JSON)
    with pytest.raises(FileError, match="disk is full"):
        write_stems(tmp_path / "deep" / "s", {"a": SAMPLES}, Metadata(), JSON)
    assert tree(tmp_path) == {}


def test_disk_that_notices_only_when_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="disk is full"):
        write_audio(tmp_path / "a.flac", SAMPLES, Metadata())
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "name is too long"),
        (errno.EFBIG, "file size limit"),
        (errno.EIO, "cannot be written (input/output error)"),
    ],
)
def test_other_failures_get_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(FileError) as error:
        write_audio(tmp_path / "a.wav", SAMPLES, Metadata())
    assert expected in one_line(error)
    assert tree(tmp_path) == {}


def test_targets_that_cannot_be_written_are_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    for target, expected in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "a.wav", "does not exist; create it first"),
        (tmp_path / "file" / "a.wav", "is not a folder"),
        (tmp_path / "file", "already exists"),
        (tmp_path / "nul\0.wav", "cannot be written"),
    ):
        with pytest.raises(FileError) as error:
            check_target(target)
        assert expected in one_line(error)
    check_target(tmp_path / "file", overwrite=True)
    check_target(tmp_path / "new.wav")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match="is not writable"):
        check_target(tmp_path / "new.wav")
    with pytest.raises(FileError, match="too long"):
        monkeypatch.undo()
        write_audio(tmp_path / ("x" * 300 + ".wav"), SAMPLES, Metadata())


def test_long_but_legal_names_work(tmp_path: Path) -> None:
    name = "x" * 251 + ".wav"
    write_audio(tmp_path / name, SAMPLES, Metadata())
    assert list(tree(tmp_path)) == [name]
