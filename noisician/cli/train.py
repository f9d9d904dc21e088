"""``noisician train``: making the weights. Needs the extra ``train`` (PyTorch)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from noisician.cli.options import command
from noisician.errors import FileError, NoisicianError, RequestError

if TYPE_CHECKING:
    from noisician.training.train_composer import ComposerTraining
    from noisician.training.train_renderer import RendererTraining
    from noisician.training.train_vocals import VocalsTraining
    from noisician.training.train_vocoder import VocoderTraining

app = typer.Typer(help="Train a model, or export a trained one.", no_args_is_help=True)
Training = TypeVar(
    "Training",
    bound="ComposerTraining | RendererTraining | VocoderTraining | VocalsTraining",
)
MODELS = ("composer", "renderer", "vocoder", "vocals")


@dataclass(frozen=True)
class TrainOptions:
    minutes: Annotated[float | None, typer.Option(min=0.01, help="How long; the learning rate follows it.")] = None
    data: Annotated[Path | None, typer.Option(help="Folder of the corpus; data/songs, sketched, sound or vocals.")] = (
        None
    )
    run: Annotated[Path | None, typer.Option(help="Folder of state and log; data/runs/NAME. Resumes.")] = None
    start_from: Annotated[Path | None, typer.Option(help="Checkpoint, or shipped .onnx, to start from.")] = None
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if left out.")] = None
    seed: Annotated[int, typer.Option(help="Of weights, noise and batches.")] = 0


@dataclass(frozen=True)
class ExportOptions:
    name: Annotated[str, typer.Argument(help="composer, renderer, vocoder or vocals.")]
    checkpoint: Annotated[Path, typer.Argument(help="What training left behind (.safetensors).")]
    version: Annotated[str, typer.Option(help="Goes into the manifest.")]
    out: Annotated[Path | None, typer.Option(help="Folder; the package's own weights if left out.")] = None


@dataclass(frozen=True)
class JudgeOptions:
    checkpoint: Annotated[Path, typer.Argument(help="What train renderer left behind (.safetensors).")]
    clips: Annotated[int, typer.Option(min=1, help="Held-out exercises of each source.")] = 24
    steps: Annotated[int | None, typer.Option(min=1, help="Steps from noise to sound; the renderer's own.")] = None
    last_time: Annotated[
        float | None, typer.Option(min=0.01, max=0.99, help="The t of the last step: later, smoother; as the steps.")
    ] = None
    references: Annotated[Path, typer.Option(help="Folder the judges' references are kept in.")] = Path(
        "data/judge_references"
    )
    recordings: Annotated[Path | None, typer.Option(help="Folder of the recorded instruments; some are judged.")] = None
    pictures: Annotated[Path | None, typer.Option(help="Folder for a picture of every clip.")] = None
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores if left out.")] = None


def composer(options: TrainOptions) -> None:
    """Learn to write: masked diffusion over songs."""
    _torch(options.threads)
    from noisician.training.train_composer import ComposerTraining, train

    training = ComposerTraining(
        songs=options.data or Path("data/songs"),
        run=options.run or Path("data/runs/composer"),
        start_from=options.start_from,
    )
    typer.echo(str(train(_with_settings(training, options))))


def renderer(options: TrainOptions) -> None:
    """Learn to play what is shown: flow matching over mel spectrograms, given sketches from references."""
    _torch(options.threads)
    from noisician.training.train_renderer import RendererTraining, train

    training = RendererTraining(
        clips=options.data or Path("data/sketched"),
        run=options.run or Path("data/runs/renderer"),
        start_from=options.start_from,
    )
    typer.echo(str(train(_with_settings(training, options))))


def vocoder(options: TrainOptions) -> None:
    """Learn to sound: spectra from mels and excitations of clips."""
    _torch(options.threads)
    from noisician.training.train_vocoder import VocoderTraining, train

    training = VocoderTraining(
        clips=options.data or Path("data/sound"),
        run=options.run or Path("data/runs/vocoder"),
        start_from=options.start_from,
    )
    typer.echo(str(train(_with_settings(training, options))))


def vocals(options: TrainOptions) -> None:
    """Learn to sing: flow matching over the features of synthetic singers' phrases."""
    _torch(options.threads)
    from noisician.training.train_vocals import VocalsTraining, train

    training = VocalsTraining(
        phrases=options.data or Path("data/vocals"),
        run=options.run or Path("data/runs/vocals"),
        start_from=options.start_from,
    )
    typer.echo(str(train(_with_settings(training, options))))


def export(options: ExportOptions) -> None:
    """Turn a checkpoint into the ONNX file that ships, checked against PyTorch."""
    if options.name not in MODELS:
        raise RequestError(f"model {options.name!r} is not known; there are {', '.join(MODELS)}")
    if not options.checkpoint.is_file():
        raise FileError(f"{options.checkpoint}: does not exist; noisician train {options.name} prints its path")
    _torch(None)
    from noisician.training.export import export as write
    from noisician.weights import FOLDER

    folder = options.out or FOLDER
    difference = write(options.name, options.checkpoint, options.version, folder)
    typer.echo(f"{folder / options.name}.onnx, largest difference from PyTorch {difference:.1e}")


def judge(options: JudgeOptions) -> None:
    """Measure a checkpoint of the renderer beside its sketch and beside the renderer that ships."""
    _torch(options.threads)
    from noisician.renderer import RenderSettings
    from noisician.training.judge_renderer import Judgement, judge

    asked = {"steps": options.steps, "last_time": options.last_time}
    settings = replace(RenderSettings(), **{name: value for name, value in asked.items() if value is not None})
    judgement = Judgement(
        options.checkpoint, options.references, options.clips, settings, options.recordings, options.pictures
    )
    for verdict in judge(judgement):
        typer.echo(
            f"{verdict.source:9} {verdict.who:10} L1 all {verdict.error:.3f} loud {verdict.loud_error:.3f} nats, "
            f"texture share {verdict.texture_share:.2f}"
        )
        typer.echo("    " + ", ".join(f"{family} {error:.3f}" for family, error in verdict.families.items()))


def _torch(threads: int | None) -> None:
    """Makes sure PyTorch is there, and that it takes the cores this process may use and no more."""
    from importlib.util import find_spec

    from noisician.weights import available_cores

    missing = [name for name in ("torch", "onnx", "safetensors") if find_spec(name) is None]
    if missing:
        raise NoisicianError(f"training needs {missing[0]}, which is missing; run: pip install 'noisician[train]'")
    os.environ["OMP_NUM_THREADS"] = str(threads or available_cores())  # read once, when PyTorch is imported


def _with_settings(training: Training, options: TrainOptions) -> Training:
    settings = replace(training.settings, seed=options.seed)
    if options.minutes is not None:
        settings = replace(settings, minutes=options.minutes)
    return replace(training, settings=settings)


_TRAINERS: dict[str, Callable[[TrainOptions], None]] = {
    "composer": composer,
    "renderer": renderer,
    "vocoder": vocoder,
    "vocals": vocals,
}
for _name, _trainer in _TRAINERS.items():
    command(app, _name, TrainOptions)(_trainer)
command(app, "judge", JudgeOptions)(judge)
command(app, "export", ExportOptions)(export)
