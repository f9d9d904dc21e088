"""The user's own instruments on disk, in the table of all, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_model import RunCommand
from recorded_notes import hit, tone, write
from stand_in_networks import networks

from noisician import instruments, styles
from noisician.api import style_rows
from noisician.errors import FileError, RequestError
from noisician.instruments import store
from noisician.models.embedded.audition import phrase, play_phrase, save_audition
from noisician.prompt import understand
from noisician.renderer import render
from noisician.renderer.library import references_of
from noisician.request import Request
from noisician.styles.own import ENTRY_FILE, REFERENCES_FILE


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    return [write(tmp_path / f"kazoo {name}.wav", tone(pitch, 0.8)) for name, pitch in (("C4", 60), ("G4", 67))]


def test_an_added_instrument_is_one_like_any_other(recordings: list[str], own_instruments: Path) -> None:
    shipped = list(styles.instruments())
    added = instruments.add("kazoo", recordings, rights="mine,\n all of it")
    assert list(styles.instruments()) == [*shipped, "kazoo"]
    kazoo = styles.instruments()["kazoo"]
    assert (kazoo.excitation, kazoo.sustain, kazoo.roles[0], kazoo.range) == ("harmonic", "sustained", "lead", (52, 76))
    assert kazoo.index == styles.UNLISTED
    assert references_of(kazoo).identity == added.references.identity
    assert understand(Request(instruments=("kazoo",))).instruments == ("kazoo",)
    assert understand(Request(without=("kazoo",))).excluded == ("kazoo",)
    assert "kazoo" in {row["id"] for row in style_rows("instruments")}
    assert "kazoo" not in styles.shipped_instruments()
    assert added.entry.rights == "mine, all of it"
    assert sorted(entry.name for entry in own_instruments.iterdir()) == ["kazoo"]


def test_another_process_is_noticed(recordings: list[str], own_instruments: Path, tmp_path: Path) -> None:
    instruments.add("kazoo", recordings)
    assert "kazoo" in styles.instruments()
    (own_instruments / "kazoo").rename(tmp_path / "kazoo")
    assert "kazoo" not in styles.instruments()
    (tmp_path / "kazoo").rename(own_instruments / "kazoo")
    assert "kazoo" in styles.instruments()


def test_one_is_replaced_only_on_request(recordings: list[str]) -> None:
    before = references_of_added("kazoo", recordings)
    with pytest.raises(FileError, match="exists already"):
        instruments.add("kazoo", recordings[:1])
    assert references_of(styles.instruments()["kazoo"]).identity == before
    instruments.add("kazoo", recordings[:1], overwrite=True)
    assert len(references_of(styles.instruments()["kazoo"])) == 1


def references_of_added(name: str, recordings: list[str]) -> str:
    return instruments.add(name, recordings).references.identity


@pytest.mark.parametrize(
    "name", ["flute", "keys", "bass", "voice", "drums", "own", "Kazoo", "my kazoo", "../x", "", "a" * 41]
)
def test_names_that_cannot_be(name: str, recordings: list[str], own_instruments: Path) -> None:
    with pytest.raises(RequestError, match="name"):
        instruments.add(name, recordings)
    assert not own_instruments.exists()


def test_what_fails_leaves_nothing_behind(
    recordings: list[str], own_instruments: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(FileError):
        instruments.add("kazoo", [str(tmp_path / "gone.wav")])
    monkeypatch.setattr(store, "_put", lambda staged, place: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(FileError, match="no space left"):
        instruments.add("kazoo", recordings)
    assert list(own_instruments.iterdir()) == []
    with pytest.raises(RequestError, match="kind 'blown' is none of"):
        instruments.add("kazoo", recordings, kind="blown")
    with pytest.raises(RequestError, match="501 characters"):
        instruments.add("kazoo", recordings, rights="x" * 501)


def test_damage_is_told_and_stops_nobody_else(recordings: list[str], own_instruments: Path) -> None:
    for name in ("kazoo", "comb", "saw"):
        instruments.add(name, recordings[:1])
    (own_instruments / "comb" / ENTRY_FILE).write_text("{")
    recorded = own_instruments / "saw" / REFERENCES_FILE
    recorded.write_bytes(recorded.read_bytes()[:-1] + b"x")
    entries, damaged = instruments.listed()
    assert list(entries) == ["kazoo", "saw"]
    assert len(damaged) == 1 and "comb" in damaged[0] and "\n" not in damaged[0]
    styles.own.DEFAULT.forget()  # pyright: ignore[reportAttributeAccessIssue]
    assert {"kazoo", "saw"} <= set(styles.instruments())
    with pytest.raises(FileError, match="damaged"):
        references_of(styles.instruments()["saw"])
    instruments.remove("comb")
    assert sorted(entry.name for entry in own_instruments.iterdir()) == ["kazoo", "saw"]


@pytest.mark.parametrize(
    ("field", "value"), [("id", "other"), ("range", [0, 500]), ("roles", []), ("excitation", "noise"), ("sha256", "00")]
)
def test_an_entry_is_checked(field: str, value: object, recordings: list[str], own_instruments: Path) -> None:
    instruments.add("kazoo", recordings[:1])
    path = own_instruments / "kazoo" / ENTRY_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(FileError, match="kazoo") as refused:
        instruments.named("kazoo")
    assert "\n" not in str(refused.value)


def test_a_kind_can_be_told(recordings: list[str]) -> None:
    assert instruments.add("plucked_kazoo", recordings, kind="struck").references.sustain == "struck"
    kit = instruments.add("kazoo_kit", recordings, kind="drums")
    assert (kit.references.kind, kit.entry.family, kit.entry.roles) == ("drum", "drums", ("drums",))


def test_it_is_heard_and_seen(recordings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, references = instruments.add("kazoo", recordings).entry, instruments.named("kazoo")[1]
    monkeypatch.setattr(render, "manifest", lambda: {"renderer": {"sha256": "r", "config": WINDOW}})
    shares: list[float] = []
    audio = play_phrase(entry.instrument, references, networks(), shares.append)
    assert np.abs(audio).max() == pytest.approx(10 ** (-3 / 20), rel=1e-3)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    pitches = [note.pitch for note in phrase(entry.instrument, references)]
    assert min(pitches) >= entry.range[0] and max(pitches) <= entry.range[1]
    files = save_audition(entry.instrument, references, tmp_path, networks=networks())
    assert files["picture"].read_bytes().startswith(b"\x89PNG") and files["phrase"].stat().st_size > 100_000
    with pytest.raises(FileError, match="already exists"):
        save_audition(entry.instrument, references, tmp_path, networks=networks())


WINDOW = {"frames_per_token": 4, "window_tokens": 32}


def test_the_command_line(run_command: RunCommand, recordings: list[str], tmp_path: Path) -> None:
    done = run_command("instruments")
    assert (done.status, "none" not in done.out) == (0, True) and "add NAME" in done.out
    done = run_command("instruments", "add", "kazoo", *recordings, "--rights", "played by me")
    assert done.status == 0, done.err
    assert done.err.count("\n") == 1 and "yours" in done.err
    assert "C4, G4" in done.out and "played by me" in done.out
    done = run_command("instruments", "list", "--json")
    assert json.loads(done.out) == [{"id": "kazoo", "kind": "sustained", "rights": "played by me"}]
    assert "kazoo" in run_command("instruments", "list").out
    assert "kazoo" in run_command("styles", "instruments").out
    write(tmp_path / "kit" / "snare.wav", hit(1200, 0.08))
    done = run_command("instruments", "add", "my_kit", str(tmp_path / "kit"), "--json")
    assert json.loads(done.out)["notes"] == [{"pitch": 38.0, "velocity": 80}]
    assert run_command("instruments", "remove", "kazoo").status == 0
    for words in (["remove", "kazoo"], ["show", "kazoo"], ["add", "flute", *recordings]):
        done = run_command("instruments", *words)
        assert done.status == 2 and done.err.strip().count("\n") <= 1 and "error: " in done.err
