"""Songs on the command line: words from a file or the line, and what needs somebody who sings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_model import FakeModel, RunCommand

from noisician.cli.options import text_or_file
from noisician.errors import FileError
from noisician.request import LYRICS_LIMIT_CHARS
from noisician.vocals.voices import voices

WORDS = "[Verse]\nHold me closer\n"


def test_lyrics_from_a_file_or_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text(WORDS, encoding="utf-8")
    assert text_or_file(str(path), "lyrics") == WORDS
    assert text_or_file(f"@{path}", "lyrics") == WORDS
    assert text_or_file("hold me closer", "lyrics") == "hold me closer"
    assert text_or_file(WORDS, "lyrics") == WORDS


@pytest.mark.parametrize("name", ["none.txt", "@none"])
def test_a_file_of_lyrics_that_is_not_there(tmp_path: Path, name: str) -> None:
    given = f"@{tmp_path}/none" if name.startswith("@") else str(tmp_path / name)
    with pytest.raises(FileError, match=r"the lyrics cannot be read \(no such file or directory\)"):
        text_or_file(given, "lyrics")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(FileError, match="not a text file"):
        text_or_file(str(path), "lyrics")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_of_files(tmp_path: Path, encoding: str) -> None:
    path, remarks = tmp_path / "song.txt", []
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + "[Verse]\r\nCaf\u00e9 lights\r\n").encode(encoding))
    assert text_or_file(str(path), "lyrics", remarks) == "[Verse]\nCaf\u00e9 lights\n"
    assert remarks == (["song.txt is not UTF-8; it was read as Windows-1252"] if encoding == "cp1252" else [])


@pytest.mark.parametrize("name", ["no-such-song.lrc", "./song", "/no/such/song", "~/no-such", "my song.cho", "a.srt"])
def test_what_can_only_be_a_path_is_one(name: str) -> None:
    with pytest.raises(FileError, match="no such file"):
        text_or_file(name, "lyrics")


@pytest.mark.parametrize("text", ["7/11 and 9/11", "either/or", "/ hold on", "go.now", "w/ you", "a/b", "..."])
def test_what_may_be_words_is_sung(text: str) -> None:
    assert text_or_file(text, "lyrics") == text


def test_long_timed_lyrics_fit_without_the_times_of_their_words(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path
) -> None:
    path = tmp_path / "song.lrc"
    lines = (f"[{line:02}:00.00]" + "".join(f"<{line:02}:0{word}.00>hold " for word in range(9)) for line in range(40))
    path.write_text("\n".join(lines))
    assert len(path.read_text()) > LYRICS_LIMIT_CHARS
    done = run_command("make", "pop", "--lyrics", str(path), "-o", f"{tmp_path}/a.wav")
    assert done.status == 0 and "the times of the lines are not followed" in done.err


def test_folders_and_empty_files_hold_no_lyrics(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is a directory"):
        text_or_file(str(tmp_path), "lyrics")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(FileError, match="the file is empty"):
        text_or_file(str(tmp_path / "empty.txt"), "lyrics")


def test_notes_on_the_lyrics_are_said(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes("Title: Caf\u00e9\n[Verse: zorblax]\nStay with me\n".encode("cp1252"))
    done = run_command("make", "pop", "--lyrics", str(path), "-o", f"{tmp_path}/a.wav")
    assert "note: song.txt is not UTF-8; it was read as Windows-1252" in done.err
    assert 'note: "Caf\u00e9" is the title and not sung' in done.err
    assert "note: not understood: zorblax" in done.err
    explained = run_command("explain", "--lyrics", str(path)).out
    assert "Windows-1252" in explained and "verse (1)" in explained


def test_another_language_is_refused_before_anything_is_made(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path
) -> None:
    failed = run_command("make", "pop", "--lyrics", "Ich gehe heute Nacht allein und du bist nicht da")
    assert failed.status == 2 and "look German" in failed.err and not fake_model.requests


def test_the_words_and_the_voice_reach_the_model(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path
) -> None:
    path = tmp_path / "song.txt"
    path.write_text(WORDS, encoding="utf-8")
    run_command("make", "pop", "--lyrics", str(path), "--voice", "ava", "--language", "en", "-o", f"{tmp_path}/a.wav")
    request = fake_model.requests[-1]
    assert (request.lyrics, request.voice, request.language, request.vocals) == (WORDS, "ava", "en", False)
    run_command("make", "pop", "--vocals", "-o", f"{tmp_path}/b.wav")
    assert fake_model.requests[-1].vocals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--voice", "ava"), "--voice has nothing to sing: add --lyrics, or --vocals"),
        (("--karaoke",), "--karaoke has no words: nothing is sung without --lyrics or --vocals"),
        (("--timed-lyrics",), "--timed-lyrics has no words"),
        (("--language", "en"), "--language is that of the lyrics, and there are none"),
        (("--lyrics", "la " * 2000), "lyrics of 6000 characters is over the limit of 5000"),
    ],
)
def test_what_needs_words(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    failed = run_command("make", "pop", *arguments, "-o", f"{tmp_path}/a.wav")
    assert failed.status == 2
    assert message in failed.err and failed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_voices_are_listed(run_command: RunCommand) -> None:
    listed = json.loads(run_command("styles", "voices", "--json").out)
    assert [entry["id"] for entry in listed] == list(voices())
    ava = next(entry for entry in listed if entry["id"] == "ava")
    assert ava["kind"] == "female" and ava["range"] == "G3–E5"
    assert {"female", "male", "child"} <= {entry["kind"] for entry in listed}
