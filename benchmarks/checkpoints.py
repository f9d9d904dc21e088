"""Plain diffusers against our presets on full-size open checkpoints: same weights, same seed, taking turns.

    python benchmarks/checkpoints.py [--only stable_audio_open] [--steps 5] [--repeats 2] [--threads 1] [--out FILE]

No weights are needed: the checkpoints are built with their public configurations and random numbers (about 6 GB on
disk while it runs). Speed does not depend on the values. Deviation does, so the log-mel L1 figures tell whether a
preset computes the same thing as the plain call, not how it would sound with trained weights. A call is its fixed
part (words, decoding) and its steps; totals of the default number of steps are extrapolated from the measured ones.
On a machine that does other things at the same time the ratio by CPU time is the one to read.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from common import RESULTS, markdown_table
from shapes import stable_audio_3_small_networks

PROMPT = "slow piano over warm tape noise, 80 bpm"
SEED = 7
DURATION_S = 10.0
PRESETS = ("reference", "balanced", "fast")
LETTERS = ("▁", *"abcdefghijklmnopqrstuvwxyz0123456789,.")


@dataclass(frozen=True)
class Shape:
    """One full-size checkpoint. ``steps`` and ``fast_steps``: the defaults of the plain call and of "fast"."""

    name: str
    family: str
    pipeline: str
    duration_argument: str
    build: Callable[[Path], None]
    steps: int
    fast_steps: int
    measured_steps: int


@dataclass(frozen=True)
class Timed:
    """One call: its samples ``[frames, 2]``, its seconds by the wall clock and of this process's own computing.

    ``step_s`` and ``step_cpu_s``: those of each step after the first, which has the words in it.
    """

    audio: np.ndarray
    wall_s: float
    cpu_s: float
    step_s: tuple[float, ...]
    step_cpu_s: tuple[float, ...]


#: Total and step seconds of a call by one clock.
Clock = Callable[[Timed], tuple[float, tuple[float, ...]]]


def build_stable_audio_open(folder: Path) -> None:
    """The public configuration of Stable Audio Open 1.0; the transformer's and the autoencoder's are the defaults."""
    from diffusers import (
        AutoencoderOobleck,
        CosineDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
    )
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), *((letter, -4.0) for letter in LETTERS)]
    t5_base = T5Config(d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12)
    StableAudioPipeline(
        vae=AutoencoderOobleck(),
        text_encoder=T5EncoderModel(t5_base),
        projection_model=StableAudioProjectionModel(768, 768, min_value=0, max_value=512),
        tokenizer=T5Tokenizer(vocab=words, extra_ids=0, model_max_length=128),
        transformer=StableAudioDiTModel(),
        scheduler=CosineDPMSolverMultistepScheduler(),
    ).save_pretrained(folder, safe_serialization=True)


def build_stable_audio_3_small(folder: Path) -> None:
    """Stable Audio 3 small as a pipeline on disk."""
    from diffusers import FlowMatchEulerDiscreteScheduler, StableAudio3Pipeline
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder
    from transformers import GemmaTokenizer, T5GemmaConfig, T5GemmaEncoderModel
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig

    words = {piece: number for number, piece in enumerate(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *LETTERS))}
    module = T5GemmaModuleConfig(
        vocab_size=256000,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=12,
        head_dim=64,
    ).to_dict()
    transformer, autoencoder = stable_audio_3_small_networks()
    StableAudio3Pipeline(
        vae=autoencoder,
        text_encoder=T5GemmaEncoderModel(T5GemmaConfig(encoder=module, decoder=module, is_encoder_decoder=False)),
        tokenizer=GemmaTokenizer(vocab=words, merges=[], model_max_length=256),
        duration_embedder=StableAudio3DurationEmbedder(),
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=True),
    ).save_pretrained(folder, safe_serialization=True)


SHAPES = (
    Shape(
        "Stable Audio Open 1.0",
        "stable_audio",
        "StableAudioPipeline",
        "audio_end_in_s",
        build_stable_audio_open,
        steps=100,
        fast_steps=32,
        measured_steps=5,
    ),
    Shape(
        "Stable Audio 3 small",
        "stable_audio3",
        "StableAudio3Pipeline",
        "duration",
        build_stable_audio_3_small,
        steps=8,
        fast_steps=8,
        measured_steps=8,
    ),
)


def plain_call(pipe: Any, shape: Shape, steps: int) -> Timed:
    """The call in diffusers' documentation."""
    import torch

    marks = [_now()]
    if shape.family == "stable_audio":
        listen = {"callback": lambda *_: marks.append(_now())}
    else:
        listen = {"callback_on_step_end": lambda *_: marks.append(_now()) or {}}
    audios = pipe(
        PROMPT,
        **{shape.duration_argument: DURATION_S},
        num_inference_steps=steps,
        generator=torch.Generator("cpu").manual_seed(SEED),
        **listen,
    ).audios
    return _timed(audios[0].T.float().numpy(), marks)


def our_call(family: Any, preset: str, steps: int) -> Timed:
    from noisician.models.checkpoints.family import Job

    marks = [_now()]
    job = Job(PROMPT, DURATION_S, SEED, steps=steps, preset=preset)  # pyright: ignore[reportArgumentType]
    audio = family.sample(job, lambda share: marks.append(_now()) if share < 1 else None)
    return _timed(audio, marks)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _timed(audio: np.ndarray, marks: list[tuple[float, float]]) -> Timed:
    """``marks``: the beginning and the end of every step."""
    end = _now()
    (wall, cpu), ticks = marks[0], np.diff(np.array(marks[1:]), axis=0).T.tolist()
    return Timed(audio, end[0] - wall, end[1] - cpu, tuple(ticks[0]), tuple(ticks[1]))


def log_mel_l1(ours: np.ndarray, plain: np.ndarray) -> float:
    """Mean absolute difference of the natural logarithms of the mel magnitudes."""
    from noisician.mel import log_mel

    return float(np.abs(log_mel(ours.mean(1)) - log_mel(plain.mean(1))).mean())


def measure(shape: Shape, folder: Path, presets: tuple[str, ...], steps: int, repeats: int) -> dict[str, list[Timed]]:
    """Calls by kind, in turns: plain, then every preset, then plain again; equal numbers share their weights."""
    import diffusers

    from noisician.models.checkpoints.catalogue import CheckpointInfo
    from noisician.models.checkpoints.families import stable_audio, stable_audio3
    from noisician.models.checkpoints.placement import Placement
    from noisician.models.checkpoints.speed import numbers_for

    load = {"stable_audio": stable_audio.load, "stable_audio3": stable_audio3.load}[shape.family]
    source = CheckpointInfo(shape.name, shape.family, None, "random numbers", None, False, False, None)
    wide = getattr(diffusers, shape.pipeline).from_pretrained(folder)
    wide.set_progress_bar_config(disable=True)
    calls: dict[str, list[Timed]] = {"plain diffusers": []}
    families, holding = {}, {}
    placement = Placement("cpu", "float32")
    for preset in presets:
        economy = economies(shape, preset)
        key = (numbers_for(economy, placement), economy.narrow_decoder)
        if key not in holding:
            holding[key] = load(folder, placement, source)
            holding[key].prepare(preset)
        families[preset] = holding[key]
        calls[preset] = []
    for _ in range(repeats):
        calls["plain diffusers"].append(plain_call(wide, shape, steps))
        for preset, family in families.items():
            calls[preset].append(our_call(family, preset, steps))
            last = calls[preset][-1]
            print(f"{shape.name}, {preset}: {last.wall_s:.1f} s for {steps} steps", file=sys.stderr)
    return calls


def economies(shape: Shape, preset: str) -> Any:
    from noisician.models.checkpoints.families import stable_audio, stable_audio3

    return {"stable_audio": stable_audio.ECONOMIES, "stable_audio3": stable_audio3.DISTILLED}[shape.family][preset]


def summary(shape: Shape, calls: dict[str, list[Timed]], steps: int) -> Iterator[dict[str, Any]]:
    """One row a kind of call; ratios are plain over ours, of the best of the calls each."""
    plain = [cost(calls["plain diffusers"], steps, shape.steps, clock) for clock in (WALL, CPU)]
    reference = calls["plain diffusers"][0].audio
    for kind, timed in calls.items():
        default = shape.fast_steps if kind == "fast" else shape.steps
        wall, cpu = (cost(timed, steps, default, clock) for clock in (WALL, CPU))
        equal = [cost(timed, steps, shape.steps, clock) for clock in (WALL, CPU)]
        yield {
            "checkpoint": shape.name,
            "call": kind,
            "step_s": wall["step_s"],
            "fixed_s": wall["fixed_s"],
            "default_steps": default,
            "total_s": wall["total_s"],
            "ratio": plain[0]["total_s"] / wall["total_s"],
            "ratio_at_equal_steps": plain[0]["total_s"] / equal[0]["total_s"],
            "cpu_step_s": cpu["step_s"],
            "cpu_total_s": cpu["total_s"],
            "cpu_ratio": plain[1]["total_s"] / cpu["total_s"],
            "cpu_ratio_at_equal_steps": plain[1]["total_s"] / equal[1]["total_s"],
            "log_mel_l1": log_mel_l1(timed[0].audio, reference),
            "measured_steps": steps,
            "wall_s": [one.wall_s for one in timed],
            "cpu_s": [one.cpu_s for one in timed],
        }


WALL: Clock = lambda timed: (timed.wall_s, timed.step_s)  # noqa: E731
CPU: Clock = lambda timed: (timed.cpu_s, timed.step_cpu_s)  # noqa: E731


def cost(timed: list[Timed], steps: int, default_steps: int, clock: Clock) -> dict[str, float]:
    """Of ``steps`` measured steps: seconds a step, of the fixed part, and of a call of ``default_steps``."""
    read = [clock(one) for one in timed]
    step_s = min(mean(steps_s) for _, steps_s in read)
    fixed_s = min(max(0.0, total_s - steps * mean(steps_s)) for total_s, steps_s in read)
    return {"step_s": step_s, "fixed_s": fixed_s, "total_s": fixed_s + default_steps * step_s}


def run(shape: Shape, presets: tuple[str, ...], steps: int | None, repeats: int) -> list[dict[str, Any]]:
    import torch

    count = steps or shape.measured_steps
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        shape.build(Path(folder))
        gc.collect()
        rows = list(summary(shape, measure(shape, Path(folder), presets, count, repeats), count))
    gc.collect()
    return rows


def table_of(rows: list[dict[str, Any]]) -> str:
    header = (
        "checkpoint",
        "call",
        "s a step",
        "words and decoding, s",
        "steps",
        f"total for {DURATION_S:g} s, s",
        "ratio",
        "ratio at equal steps",
        "ratio by CPU time",
        "at equal steps",
        "log-mel L1 from plain",
    )
    names = ("checkpoint", "call", "step_s", "fixed_s", "default_steps", "total_s")
    names += ("ratio", "ratio_at_equal_steps", "cpu_ratio", "cpu_ratio_at_equal_steps", "log_mel_l1")
    return markdown_table(header, [[row[name] for name in names] for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description="Plain diffusers against our presets on full-size checkpoints.")
    parser.add_argument("--only", choices=[shape.build.__name__.removeprefix("build_") for shape in SHAPES])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=PRESETS[1:])
    parser.add_argument("--steps", type=int, help="steps measured a call")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS / "checkpoints.json")
    options = parser.parse_args()
    import torch

    from noisician.evaluate.machine import description, versions

    torch.set_num_threads(options.threads)
    rows = []
    for shape in SHAPES:
        if options.only in (None, shape.build.__name__.removeprefix("build_")):
            rows += run(shape, tuple(options.presets), options.steps, options.repeats)
    table = table_of(rows)
    print(f"{description()}\n\n{table}")
    figures = {"machine": description(), "versions": versions(), "threads": options.threads, "rows": rows}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{options.out}")


if __name__ == "__main__":
    main()
