from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from fake_model import RunCommand

from noisician.corpus import build
from noisician.corpus.songs import open_songs
from noisician.styles import instruments


def test_song_packs_are_made_once(run_command: RunCommand, tmp_path: Path) -> None:
    arguments = ("corpus", "songs", "--out", str(tmp_path), "--packs", "2", "--songs", "2")
    done = run_command(*arguments)
    assert (done.status, done.out) == (0, f"{tmp_path}\n")
    assert "2 of 2 packs, 100%" in done.err
    assert len(open_songs(tmp_path)["procedural"].signature) == 4
    first = (tmp_path / "procedural-0.npz").stat().st_mtime_ns
    assert run_command(*arguments).status == 0
    assert (tmp_path / "procedural-0.npz").stat().st_mtime_ns == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["procedural-0.npz", "procedural-1.npz"]


def test_packs_continue_each_others_seeds(tmp_path: Path) -> None:
    build.build_songs(build.SongCorpus(tmp_path / "two", packs=2, songs_per_pack=1))
    build.build_songs(build.SongCorpus(tmp_path / "one", packs=1, songs_per_pack=2))
    two, one = (open_songs(tmp_path / name)["procedural"] for name in ("two", "one"))
    assert np.array_equal(two.tokens, one.tokens)
    assert np.array_equal(two.offset, one.offset)


def test_an_interrupted_pack_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, songs: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "write_pack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.build_songs(build.SongCorpus(tmp_path, packs=1, songs_per_pack=1))
    assert list(tmp_path.iterdir()) == []


def test_shards_get_their_own_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(build, "write_shard", lambda folder, number, studio, seeds: written.append((number, [*seeds])))
    heard = []
    corpus = build.SoundCorpus(tmp_path, shards=2, first_shard=3, clips_per_shard=2)
    build.build_sound(corpus, lambda done, total: heard.append((done, total)))
    assert written == [(3, [6, 7]), (4, [8, 9])]
    assert heard == [(0, 2), (1, 2), (2, 2)]


def test_missing_scores_are_one_line(run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command("corpus", "songs", "--packs", "0", "--scores", str(tmp_path), "--out", str(tmp_path / "songs"))
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith("error: ")
    assert "holds no .mxl scores" in done.err


def test_the_manifest_names_a_licence_for_everything(run_command: RunCommand, tmp_path: Path) -> None:
    sources = json.loads(run_command("corpus", "manifest").out)
    entries = [*sources["soundfonts"], *sources["samples"], *sources["scores"], sources["synthesis"]]
    assert all(entry["licence"] and entry["origin"] for entry in entries)
    assert [entry["use"] for entry in sources["soundfonts"]].count("evaluation") == 1
    assert set(sources["instruments"]) == set(instruments())
    assert run_command("corpus", "manifest", "--out", str(tmp_path / "m.json")).status == 0
    assert json.loads((tmp_path / "m.json").read_text()) == sources
    assert run_command("corpus", "manifest", "--out", str(tmp_path / "no" / "m.json")).status == 2


def test_training_without_pytorch_says_how_to_get_it(run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else find_spec(name))
    done = run_command("train", "composer")
    assert done.status == 2
    assert done.err == "error: training needs torch, which is missing; run: pip install 'noisician[train]'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "drummer", "x.safetensors", "--version", "1"), "model 'drummer' is not known"),
        (("export", "composer", "x.safetensors", "--version", "1"), "x.safetensors: does not exist"),
        (("composer", "--minutes", "0"), "--minutes"),
    ],
)
def test_bad_training_input(run_command: RunCommand, arguments: tuple[str, ...], message: str) -> None:
    done = run_command("train", *arguments)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert message in done.err


@pytest.mark.parametrize(("model", "corpus"), [("composer", "songs"), ("renderer", "clips"), ("vocoder", "clips")])
def test_training_without_a_corpus_says_how_to_make_it(
    run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, corpus: str
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = run_command("train", model, "--data", str(tmp_path), "--run", str(tmp_path / "run"), "--threads", "1")
    assert done.status == 2
    assert f"no {corpus} in {tmp_path}; make them first" in done.err


def test_evaluation_refuses_an_unknown_suite(run_command: RunCommand) -> None:
    done = run_command("evaluate", "--suites", "taste")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "'taste'" in done.err


def test_several_processes_make_the_same_packs(tmp_path: Path) -> None:
    build.build_songs(build.SongCorpus(tmp_path / "one", packs=3, songs_per_pack=1))
    heard = []
    several = build.SongCorpus(tmp_path / "two", packs=3, songs_per_pack=1, workers=2)
    build.build_songs(several, lambda done, total: heard.append((done, total)))
    assert heard == [(0, 3), (1, 3), (2, 3), (3, 3)]
    one, two = (open_songs(tmp_path / name)["procedural"] for name in ("one", "two"))
    assert np.array_equal(one.tokens, two.tokens)
