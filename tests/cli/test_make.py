from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import FakeModel, RunCommand

from noisician.cli.options import listed, seconds
from noisician.errors import RequestError
from noisician.export import read_recipe
from noisician.request import Request


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30), ("30s", 30), ("7.5 sec", 7.5), ("2:30", 150), ("0:05.5", 5.5), ("2m", 120), ("1m30s", 90),
        ("1.5 min", 90), (" 10 MIN ", 600),
    ],
)  # fmt: skip
def test_lengths(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "x", "-3", "2:75", "1h", "30 bars", "1e3", "nan"])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(RequestError, match="is not a time"):
        seconds(text)


def test_names_by_comma_or_repeated() -> None:
    assert listed(["piano, cello", "rain,"]) == ("piano", "cello", "rain")


def test_every_option_reaches_the_model(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command(
        "make", "sad song", "--bars", "8", "--bpm", "90", "--key", "F# minor", "--meter", "3/4", "--genre", "waltz",
        "--mood", "sad,calm", "--instruments", "piano, cello", "--instruments", "rain", "--without", "drums",
        "--seed", "5", "--steps", "4", "--guidance", "2.5", "--loop", "-o", str(tmp_path / "a.wav"),
    )  # fmt: skip
    assert done.status == 0, done.err
    assert fake_model.requests == [
        Request(
            prompt="sad song", bars=8, tempo_bpm=90, key="F# minor", time_signature="3/4", genres=("waltz",),
            moods=("sad", "calm"), instruments=("piano", "cello", "rain"), without=("drums",), seed=5, steps=4,
            guidance_scale=2.5, loop=True,
        )
    ]  # fmt: skip


def test_a_folder_gets_a_readable_name(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command("make", "calm piano", "--seed", "5", "--format", "flac", "-q", "-o", str(tmp_path))
    path = Path(done.out.strip())
    assert done.err == ""
    assert path.parent == tmp_path
    assert path.name.startswith("calm-piano_120bpm_C_5_")
    assert soundfile.info(path).format == "FLAC"
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".flac", ".json"]


def test_without_words_and_output_it_surprises_here(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command("make").status == 0
    assert len(list(tmp_path.glob("surprise_*.wav"))) == 1


def test_everything_that_can_be_written(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    track = tmp_path / "a.ogg"
    done = run_command("make", "calm blorptastic", "--stems", "--midi", "--spectrogram", "--json", "-o", str(track))
    (result,) = json.loads(done.out)
    assert set(result["files"]) == {"track", "sidecar", "midi", "spectrogram", "stems"}
    assert all(Path(path).exists() for path in result["files"].values())
    assert result["players"] == [{"role": "lead", "instrument": "flute"}]
    assert result["not_understood"] == ["blorptastic"]
    assert "not understood: blorptastic" in done.err
    assert "composing, 0%" in done.err


def test_takes_are_numbered_files(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command("make", "techno", "--takes", "2", "--seed", "7", "-o", str(tmp_path / "a.wav"))
    assert sorted(path.name for path in tmp_path.glob("*.wav")) == ["a-1.wav", "a-2.wav"]
    assert [read_recipe(tmp_path / f"a-{take}.wav").seed for take in (1, 2)] == [7, 8]
    assert "take 2 of 2: composing" in done.err


def test_from_a_file_replays_and_varies(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    first, again, other = (tmp_path / f"{name}.wav" for name in "abc")
    run_command("make", "calm piano", "--seed", "7", "-o", str(first))
    assert run_command("make", "--from", str(first), "-o", str(again)).status == 0
    assert again.read_bytes() == first.read_bytes()
    assert len(fake_model.replayed) == 1
    assert run_command("make", "--from", str(first), "--seed", "8", "-o", str(other)).status == 0
    assert fake_model.requests[-1] == Request(prompt="calm piano", seed=8)
    assert read_recipe(other).lineage == ({"id": read_recipe(first).id6, "operation": "vary"},)


def test_replaying_with_other_weights_is_noted(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    run_command("make", "calm piano", "-o", str(tmp_path / "a.wav"))
    recipe = read_recipe(tmp_path / "a.wav").model_copy(update={"models": {"vocoder": "f" * 16}})
    (tmp_path / "b.json").write_text(recipe.to_json())
    done = run_command("make", "--from", str(tmp_path / "b.json"), "-o", str(tmp_path / "c.wav"))
    assert done.status == 0
    assert "note: made with other weights of vocoder" in done.err


def _refused(arguments: str) -> list[str]:
    return arguments.split("|")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("make|", "the prompt is empty"),
        ("make|" + "a" * 10000, "10000 characters is over the limit of 2000"),
        ("make|x|--bpm|5", "tempo 5 BPM is outside 40 to 240 BPM"),
        ("make|x|--bpm|fast", "--bpm"),
        ("make|x|--length|11m", "length 660 s is outside 1 to 600 s"),
        ("make|x|--length|soon", "length 'soon' is not a time"),
        ("make|x|--bars|0", "length 0 bars"),
        ("make|x|--meter|13/8", "--meter '13/8' is not one of"),
        ("make|x|--mode|happy", "mode 'happy'"),
        ("make|x|--key|H", "key 'H'"),
        ("make|x|--key|A minor|--mode|major", "leave one of them out"),
        ("make|x|--genre|hose", "--genre 'hose' is not known: the closest known are"),
        ("make|x|--instruments|piano|--without|piano", "contradicts"),
        ("make|x|--seed|-1", "seed -1"),
        ("make|x|--takes|0", "takes 0"),
        ("make|x|--nonsense", "--nonsense"),
        ("make|x|y", "y"),
        ("make|x|-o|missing/a.wav", "the folder missing does not exist"),
        ("make|x|-o|missing/", "missing"),
        ("make|x|-o|old.wav", "old.wav: already exists"),
        ("make|x|-o|old.flac|--midi", "old.mid: already exists"),
        ("make|x|-o|kept.wav|--stems", "kept_stems: already exists and is not empty"),
        ("make|x|-o|a.xyz", "unknown extension '.xyz'"),
        ("make|x|-o|a.wav|--format|mp3", "the extension says wav"),
        ("make|x|-o|a.wav|--bit-depth|12", "12 bits"),
        ("make|x|-o|a.mp3|--loop", "a loop cannot be MP3"),
        ("make|a seamless loop of jazz|-o|a.mp3", "a loop cannot be MP3"),
        ("make|--from|old.mid", "old.mid"),
        ("make|--from|missing.wav", "missing.wav: does not exist"),
        ("inspect|old.mid", "old.mid"),
        ("styles|colours", "'colours' is no kind of style"),
        ("compose", "No such command 'compose'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    fake_model: FakeModel,
    run_command: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.wav").write_bytes(b"not noisician's")
    (tmp_path / "old.mid").write_bytes(b"nor this")
    (tmp_path / "kept_stems").mkdir()
    (tmp_path / "kept_stems" / "bass.wav").write_bytes(b"nor that")
    before = sorted(tmp_path.rglob("*"))
    done = run_command(*_refused(arguments))
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert sorted(tmp_path.rglob("*")) == before
    assert fake_model.requests == []


def test_force_replaces(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"old")
    assert run_command("make", "x", "--force", "-o", str(tmp_path / "a.wav")).status == 0
    assert read_recipe(tmp_path / "a.wav").request.prompt == "x"


def test_a_read_only_folder_is_refused_before_any_work(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere, so permissions cannot tell
    done = run_command("make", "x", "-o", str(tmp_path))
    assert (done.status, fake_model.requests) == (2, [])
    assert "is not writable" in done.err


def test_ctrl_c_leaves_nothing(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    fake_model.interrupt = True
    done = run_command("make", "techno", "--stems", "-o", str(tmp_path / "a.wav"))
    assert done.status == 130
    assert done.err.endswith("stopped\n")
    assert list(tmp_path.iterdir()) == []


def test_the_unforeseen_keeps_its_traceback(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from noisician.cli import main

    def broken(*arguments: object, **others: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(fake_model, "generate", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["make", "techno", "-o", str(tmp_path / "a.wav")])


def test_the_written_sound_is_the_models(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    run_command("make", "techno", "--seed", "3", "--bit-depth", "32", "-o", str(tmp_path / "a.wav"))
    written, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    expected = fake_model.replay(read_recipe(tmp_path / "a.wav")).audio
    assert rate == 44100
    assert np.array_equal(written, expected)
