"""A warm track beside Stable Audio 3 small on the same machine, in turns in one process.

    python benchmarks/beside_diffusion.py [--length 30] [--repeats 3] [--threads 2]

The other side is its transformer and its autoencoder in their published shapes with random numbers, through torch in
float32 as diffusers calls them: eight steps and decoding of the same length. Its words, loading and saving are left
out; ours is a whole track, from words to the mastered mix. Speed does not depend on the numbers. A machine that does
other things at the same time costs both sides, so every round has both, and the ratio by processor time stands beside
the one by the clock.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from common import markdown_table, publish
from shapes import stable_audio_3_small_networks

from noisician.evaluate.prompts import prompts
from noisician.mel import SAMPLE_RATE_HZ
from noisician.weights import available_cores

STEPS = 8
#: Words and duration, as the pipeline hands them on.
CONDITION_TOKENS, CONDITION_WIDTH = 257, 768
LATENT_SAMPLES, LATENT_WIDTH = 4096, 256
SEED = 0
#: What the figure speaks of; the first prompt of the evaluation has so many at seed 0.
PLAYERS = 6


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of processor time of all threads, and how many programs wanted the cores meanwhile."""

    wall_s: float
    cpu_s: float
    load: float


def spent(work: Callable[[], Any]) -> tuple[Spent, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu, os.getloadavg()[0]), result


class Ours:
    """The shipped model; the first track loads it."""

    def __init__(self, length_s: float) -> None:
        from noisician.models.embedded import EmbeddedModel

        self._model = EmbeddedModel()
        self._length_s = length_s

    def track(self) -> int:
        """Makes the track anew, words first; the number of its players."""
        from noisician.models.support import checked

        request = prompts("beat")[0].request(self._length_s, SEED)
        music = self._model.generate(checked(request, self._model.capabilities))
        assert music.score is not None
        return len(music.score.tracks)


class Theirs:
    """Eight steps and decoding."""

    def __init__(self, length_s: float, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(SEED)
        self._transformer, self._autoencoder = stable_audio_3_small_networks()
        self._frames = math.ceil(length_s * SAMPLE_RATE_HZ / LATENT_SAMPLES)
        self._samples = round(length_s * SAMPLE_RATE_HZ)

    def denoised(self, steps: int = STEPS) -> Any:
        """Latents ``[1, 256, frames]``: a velocity and fresh noise a step."""
        import torch

        words = torch.randn(1, CONDITION_TOKENS, CONDITION_WIDTH)
        heard = torch.ones(1, CONDITION_TOKENS, dtype=torch.bool)
        duration = torch.randn(1, CONDITION_WIDTH)
        latents = torch.randn(1, LATENT_WIDTH, self._frames)
        with torch.inference_mode():
            for step in range(steps):
                time_, after = 1 - step / steps, 1 - (step + 1) / steps
                velocity = self._transformer(
                    latents,
                    torch.full((1,), time_),
                    encoder_hidden_states=words,
                    global_hidden_states=duration,
                    encoder_attention_mask=heard,
                    return_dict=False,
                )[0]
                clean = latents - time_ * velocity
                latents = (1 - after) * clean + after * torch.randn_like(latents)
        return latents

    def decoded(self, latents: Any) -> Any:
        """``[1, 2, samples]``."""
        import torch

        with torch.inference_mode():
            return self._autoencoder.decode(latents).sample[:, :, : self._samples].clamp(-1.0, 1.0)


def measure(length_s: float, repeats: int, threads: int) -> list[dict[str, Spent]]:
    """A round each: our track, their steps, their decoding. Exits where the piece has other players than PLAYERS."""
    ours, theirs = Ours(length_s), Theirs(length_s, threads)
    found = ours.track()
    if found != PLAYERS:
        raise SystemExit(f"the piece has {found} players; the figure speaks of {PLAYERS}")
    theirs.denoised(1)  # what torch does once
    rounds = []
    for _ in range(repeats):
        track, _ = spent(ours.track)
        steps, latents = spent(theirs.denoised)
        decoding, _ = spent(lambda latents=latents: theirs.decoded(latents))
        rounds.append({"track": track, "steps": steps, "decoding": decoding})
        told = ", ".join(f"{name} {one.wall_s:.1f} s ({one.cpu_s:.1f})" for name, one in rounds[-1].items())
        print(f"{told}; load {decoding.load:.1f}", file=sys.stderr, flush=True)
    return rounds


def ratio(rounds: list[dict[str, Spent]], clock: str, choose: Callable[[list[float]], float]) -> float:
    """Their steps and decoding over our track, each the ``choose`` of its rounds by one clock."""
    theirs = [getattr(one["steps"], clock) + getattr(one["decoding"], clock) for one in rounds]
    return choose(theirs) / choose([getattr(one["track"], clock) for one in rounds])


def main() -> None:
    parser = argparse.ArgumentParser(description="A warm track beside Stable Audio 3 small's shapes through torch.")
    parser.add_argument("--length", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=available_cores(), help="of torch")
    options = parser.parse_args()
    rounds = measure(options.length, options.repeats, options.threads)
    rows: list[tuple[object, ...]] = [
        (name, min(one[name].wall_s for one in rounds), median(one[name].wall_s for one in rounds),
         median(one[name].cpu_s for one in rounds))
        for name in rounds[0]
    ]  # fmt: skip
    rows.append(("times as fast", ratio(rounds, "wall_s", min), ratio(rounds, "wall_s", median),
                 ratio(rounds, "cpu_s", median)))  # fmt: skip
    rows.append(("load of the machine", "", median(one["steps"].load for one in rounds), ""))
    table = markdown_table((f"{options.length:g} s, {PLAYERS} players", "best, s", "median, s", "processor, s"), rows)
    kept = [{name: vars(one[name]) for name in one} for one in rounds]
    publish("beside_diffusion", table, {"length_s": options.length, "threads": options.threads, "rounds": kept})


if __name__ == "__main__":
    main()
