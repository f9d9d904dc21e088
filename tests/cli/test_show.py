from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fake_model import FakeModel, RunCommand

from noisician.cli.progress import PlainLines, watch
from noisician.cli.show import print_table
from noisician.styles import instruments, table


def test_explain_gives_each_value_its_reason(run_command: RunCommand) -> None:
    lines = run_command("explain", "dreamy lofi in F# minor, no drums, qxzzy", "--bpm", "90").out.splitlines()
    words = [line.split() for line in lines]
    assert ["genres", "lofi_hip_hop", "lofi", "known", "word"] in words
    assert ["tempo_bpm", "90", "--bpm", "90", "option"] in words
    assert any(row[:3] == ["excluded", "drums,", "percussion"] for row in words)
    assert any(row[:3] == ["not", "understood", "qxzzy"] for row in words)


def test_explain_as_json(run_command: RunCommand) -> None:
    controls = json.loads(run_command("explain", "dreamy lofi", "--key", "A dorian", "--json").out)
    assert controls["genres"] == [["lofi_hip_hop", 1.0]]
    assert (controls["key"], controls["mode"]) == ("A", "dorian")


def test_cells_show_markup_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("words",), [["[bold]jazz[/bold]"]])
    assert "[bold]jazz[/bold]" in capsys.readouterr().out


def test_explain_with_a_seed_tells_the_chords_and_grooves_it_chooses(run_command: RunCommand) -> None:
    lines = run_command("explain", "country in C major", "--seed", "3").out.splitlines()
    harmony = [line.split() for line in lines if line.startswith("harmony")]
    assert any({"C", "F", "G"} & set(row) for row in harmony) and any("chosen by seed 3" in line for line in lines)
    assert not [line for line in run_command("explain", "country").out.splitlines() if line.startswith("harmony")]


def test_explain_shows_the_plan_and_what_it_costs(run_command: RunCommand) -> None:
    lines = run_command(
        "explain", "rock, no drums until the chorus, A minor, sudden end", "--bpm", "120", "--length", "0:40"
    ).out.splitlines()
    rows = [line.split() for line in lines]
    assert ["tempo", "120", "BPM"] in rows and ["key", "A", "minor"] in rows
    assert any(row[:2] == ["length", "0:40,"] and row[-1] == "suddenly" for row in rows)
    assert any(row[:2] == ["size", "10.6"] for row in rows)  # 40 s of 44100 × 2 × 3 bytes
    assert any(row[:2] == ["takes", "about"] for row in rows)
    sections = rows[rows.index(["section", "from", "to", "bars", "who", "plays"]) + 1 :]
    assert sections[0][1] == "0:00" and sections[-1][2] == "0:40" and sum(int(row[3]) for row in sections) == 20
    chorus = next(number for number, row in enumerate(sections) if row[0] == "chorus")
    assert all("kit" not in " ".join(row) for row in sections[:chorus])
    assert "kit" in " ".join(sections[chorus])


def test_explained_plan_is_that_of_the_seed(run_command: RunCommand) -> None:
    told = json.loads(run_command("explain", "dreamy lofi", "--seed", "7", "--json").out)
    other = json.loads(run_command("explain", "dreamy lofi", "--seed", "8", "--json").out)
    assert told["plan"]["seed"] == 7 and told["plan"] != other["plan"] and told["genres"] == other["genres"]


def test_explain_of_nothing(run_command: RunCommand) -> None:
    assert "everything will be chosen" in run_command("explain").out


def test_inspect_any_file_of_a_track(fake_model: FakeModel, run_command: RunCommand, tmp_path: Path) -> None:
    run_command(
        "make", "calm piano", "--seed", "5", "--midi", "--spectrogram", "--stems-zip", "-o", f"{tmp_path}/a.mp3"
    )
    shown = {name: run_command("inspect", f"{tmp_path}/{name}").out for name in
             ("a.mp3", "a.json", "a.mid", "a.png", "a_stems.zip")}  # fmt: skip
    assert len(set(shown.values())) == 1
    rows = [line.split() for line in shown["a.mp3"].splitlines()]
    for row in (["prompt", "calm", "piano"], ["seed", "5"], ["tempo", "120", "BPM"], ["key", "C", "major"]):
        assert row in rows
    assert ["lead", "flute,", "1", "notes"] in rows
    recipe = json.loads(run_command("inspect", f"{tmp_path}/a.mp3", "--json").out)
    assert recipe == json.loads((tmp_path / "a.json").read_text())


def test_styles_lists_every_entry_once(run_command: RunCommand) -> None:
    listed = json.loads(run_command("styles", "--json").out)
    assert [entry["id"] for entry in listed["genres"]] == list(table("genres"))
    assert [entry["id"] for entry in listed["moods"]] == list(table("moods"))
    sounds = [entry["id"] for kind in ("instruments", "textures") for entry in listed[kind]]
    assert sorted(sounds) == sorted(instruments())
    textures = json.loads(run_command("styles", "textures", "--json").out)
    assert textures == listed["textures"]


def test_styles_as_a_table(run_command: RunCommand) -> None:
    lines = run_command("styles", "moods").out.splitlines()
    assert lines[0].split()[:2] == [str(len(table("moods"))), "moods"]
    assert [line.split()[0] for line in lines[1:]] == list(table("moods"))


def test_no_command_and_help(run_command: RunCommand) -> None:
    done = run_command()
    assert done.status == 0
    for name in ("make", "explain", "inspect", "styles", "corpus", "train", "evaluate"):
        assert name in done.out
    assert run_command("--version").out.startswith("noisician ")
    assert run_command("make", "--help").status == 0


def test_plain_progress_says_each_stage_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    now_s = [0.0]
    lines = PlainLines("take 1 of 2: ", clock=lambda: now_s[0])
    for second, stage, share in ((0, "composing", 0.0), (1, "composing", 0.1), (2, "rendering", 0.2),
                                 (4, "rendering", 0.4), (8, "rendering", 0.5), (9, "mixing", 1.0)):  # fmt: skip
        now_s[0] = float(second)
        lines(stage, share)
    assert capsys.readouterr().err.splitlines() == [
        "take 1 of 2: composing, 0%",
        "take 1 of 2: rendering, 20%, about 8 s left",
        "take 1 of 2: rendering, 50%, about 8 s left",
        "take 1 of 2: mixing, 100%",
    ]


def test_a_terminal_gets_a_line_that_is_cleared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with watch("take 1 of 2: ") as show:
        show("rendering", 0.5)
    written = capsys.readouterr()
    assert written.out == ""
    assert "take 1 of 2: starting" in written.err or "take 1 of 2: rendering" in written.err


def test_quiet_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with watch(quiet=True) as show:
        show("rendering", 0.5)
    assert capsys.readouterr().err == ""


def test_explain_names_what_one_word_implies_in_one_line(run_command: RunCommand) -> None:
    lines = [line for line in run_command("explain", "a jazz trio").out.splitlines() if line.startswith("excluded")]
    assert len(lines) == 1
    assert re.search(r"\w+, \w+.* and \d+ more", lines[0])
