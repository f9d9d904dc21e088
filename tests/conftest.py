"""Fixtures that several test files share; what they hand out is in ``support``."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import one_thread_each  # noqa: F401, first of all that load numpy
import pytest
from fake_model import FakeModel, Outcome, RunCommand, TinyFolder
from xdist.scheduler import LoadFileScheduling

from noisician import folders
from noisician.cli import main
from noisician.models import registry


def pytest_configure(config: pytest.Config) -> None:
    """What librosa compiles is kept for one process: loaded by another one, its compiled loops crash now and then."""
    folder = tempfile.mkdtemp(prefix="noisician-numba-")
    os.environ["NUMBA_CACHE_DIR"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


#: Files in which librosa compiles its loops, 40 s of processor time in each process: one worker has all of them.
COMPILING = frozenset(
    f"tests/{name}.py"
    for name in (
        "evaluate/test_metrical_level", "evaluate/test_run", "evaluate/test_stems", "evaluate/test_tempo_key",
        "test_mel", "vocals/test_synthesis",
    )
)  # fmt: skip


class ByFile(LoadFileScheduling):
    """A file's tests stay on one worker, and so do those of all files in COMPILING."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "compiling" if file in COMPILING else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What collecting leaves behind stays to the end: more than a million objects, which no collection of garbage
    needs to visit again. It would take a sixth of all the time of the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def own_instruments(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own instruments for one test; none are in it."""
    folder = tmp_path_factory.mktemp("data") / "instruments"
    monkeypatch.setenv("NOISICIAN_INSTRUMENTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def rendered_by_this_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands render is kept for one test, and not in the user's folder."""
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path_factory.getbasetemp() / f"cache-{uuid4().hex}")


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    """The model behind the API and the commands for one test."""
    model = FakeModel()
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(lambda: model))
    return model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> TinyFolder:
    """``tiny_folder("riffusion")`` → a checkpoint of that family with random weights, built once; not to be changed."""

    @cache
    def built(family: str) -> Path:
        import torch

        torch.set_num_threads(1)
        folder = tmp_path_factory.mktemp("checkpoints") / f"tiny-{family}"
        return import_module(f"tiny_{family}").build(folder)

    return built


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """PyTorch on one thread while a module's tests run."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """``run_command("make", "techno")`` → exit status and what was printed."""

    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        printed = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return Outcome(exit_.value.code, printed.out, printed.err)

    return run
