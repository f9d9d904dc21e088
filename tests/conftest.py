"""What several test files share: a model that makes two seconds of nothing much at once, and a way to run commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from noisician.cli import main
from noisician.models import registry
from noisician.models.embedded.model import CAPABILITIES
from noisician.models.protocol import Capabilities, MusicModel, Progress, Run
from noisician.music import Music
from noisician.prompt import understand
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Note, Score, Section, Track

SECONDS = 2.0


@dataclass
class FakeModel(MusicModel):
    """A MusicModel whose track is a tone: it keeps the protocol and what it was asked, and needs no weights."""

    requests: list[Request] = field(default_factory=list)
    replayed: list[Recipe] = field(default_factory=list)
    interrupt: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def generate(self, request: Request, run: Run = Run()) -> Music:
        self.requests.append(request)
        controls = understand(request)
        seed = 4242 if request.seed is None else request.seed
        recipe = Recipe(
            request=request.model_copy(update={"seed": seed}),
            seed=seed,
            controls=controls.model_dump(mode="json"),
            score=_score().to_dict(),
        )
        return self._music(recipe, run)

    def replay(self, recipe: Recipe, run: Run = Run()) -> Music:
        self.replayed.append(recipe)
        return self._music(recipe, run)

    def _music(self, recipe: Recipe, run: Run) -> Music:
        run.on_progress(Progress("composing", 0.0))
        if self.interrupt:
            raise KeyboardInterrupt
        run.on_progress(Progress("mixing", 1.0))
        tone = 0.1 * np.sin(np.arange(round(44100 * SECONDS)) * (recipe.seed % 1000 + 100) / 4000)
        audio = np.stack([tone, tone], axis=1).astype(np.float32)
        return Music(audio, recipe, _score(), {"lead-flute": audio / 2} if run.keep_stems else {})


def _score() -> Score:
    track = Track("lead", "flute", (Note(60, 0.0, 1.0, 80),))
    return Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.5),), (track,))


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    """The model behind the API and the commands for one test."""
    model = FakeModel()
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(lambda: model))
    return model


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


RunCommand = Callable[..., Outcome]
TinyFolder = Callable[[str], Path]


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
