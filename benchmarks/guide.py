"""Whether a checkpoint keeps the tempo that it was given as a sketch.

    python benchmarks/guide.py [--prompts 10] [--length 20]
    python benchmarks/guide.py --model riffusion-v1 [--strength 0.7] [--preset fast] [--device cuda]

noisician composes and plays the first prompts of the evaluation's beat list. Without ``--model`` each sketch goes
through Riffusion's picture of it and back, with no network between: what is lost there, no strength can bring back.
With a model (a name of ``noisician models``, or a folder) each piece is made twice at the sketch's tempo, from words
alone and with ``guide``. A hit is the tempo judge of ``noisician evaluate`` within 2 % of the sketch's tempo.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from common import markdown_table, publish

from noisician import api
from noisician.audio import resample
from noisician.evaluate.prompts import Prompt, prompts
from noisician.evaluate.tempo import estimated_tempo_bpm, tempo_hit
from noisician.mel import SAMPLE_RATE_HZ
from noisician.models import registry
from noisician.models.support import followed
from noisician.music import Music
from noisician.request import DTYPES, PRESETS, Request

SEED = 1


def heard_bpm(audio: np.ndarray, rate_hz: int) -> float | None:
    """What the judge, who wants 44.1 kHz, says of ``[frames, channels]``."""
    return estimated_tempo_bpm(resample(audio, rate_hz, SAMPLE_RATE_HZ))


def through_picture(audio: np.ndarray) -> np.ndarray:
    """Samples at 44.1 kHz as Riffusion's checkpoint would hear and play them if it changed nothing."""
    from noisician.models.spectrogram_image import Decoding, SpectrogramParams, decode, encode

    params = SpectrogramParams()
    pixels, max_value = encode(audio, params)
    return decode(pixels, params, max_value, Decoding(seed=SEED, samples=len(audio)))


def versions_of(sketch: Music, given: argparse.Namespace) -> Iterator[tuple[str, float | None]]:
    """(what it is, the tempo heard in it) of the sketch and of what is made from it."""
    yield "sketch", heard_bpm(sketch.audio, sketch.sample_rate_hz)
    if given.model is None:
        yield "through the picture", heard_bpm(through_picture(sketch.audio), SAMPLE_RATE_HZ)
        return
    assert sketch.score is not None
    wish = sketch.recipe.request.model_copy(
        update={
            "model": given.model,
            "tempo_bpm": sketch.score.tempo_bpm,
            "preset": given.preset,
            "device": given.device,
            "dtype": given.dtype,
            "steps": given.steps,
        }
    )
    for name, request in (
        ("words alone", followed(wish, registry.DEFAULT.capabilities_of(wish))),
        ("guided", wish.model_copy(update={"guide": True, "strength": given.strength})),
    ):
        music = api.generate(request, keep_stems=False)
        yield name, heard_bpm(music.audio, music.sample_rate_hz)


def rows_of(prompt: Prompt, given: argparse.Namespace) -> dict[str, Any]:
    """One prompt's tempo in its score and, by version, as heard."""
    asked: Request = prompt.request(given.length, SEED)
    sketch = api.generate(asked, keep_stems=False)
    assert sketch.score is not None
    return {"prompt": prompt.text, "score_bpm": sketch.score.tempo_bpm, "heard_bpm": dict(versions_of(sketch, given))}


def hits(rows: list[dict[str, Any]], version: str, *, octaves_allowed: bool) -> int:
    """How many pieces of one version the judge hears at the sketch's tempo."""
    return sum(tempo_hit(row["heard_bpm"][version], row["score_bpm"], octaves_allowed=octaves_allowed) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=10, help="how many of the beat prompts")
    parser.add_argument("--length", type=float, default=20.0, help="seconds of each piece")
    parser.add_argument("--model", help="a checkpoint to paint with; without, Riffusion's picture alone")
    parser.add_argument("--strength", type=float, help="how far the checkpoint may go from the sketch, 0 … 1")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--preset", choices=PRESETS)
    parser.add_argument("--device")
    parser.add_argument("--dtype", choices=DTYPES)
    given = parser.parse_args()

    rows = []
    for prompt in prompts("beat")[: given.prompts]:
        rows.append(rows_of(prompt, given))
        print(rows[-1], flush=True)
    found = {
        version: {
            "hits": hits(rows, version, octaves_allowed=False),
            "or_octave": hits(rows, version, octaves_allowed=True),
        }
        for version in rows[0]["heard_bpm"]
    }
    table = markdown_table(
        (f"of {len(rows)} pieces of {given.length:g} s", "tempo within 2 %", "double and half allowed"),
        [(version, figure["hits"], figure["or_octave"]) for version, figure in found.items()],
    )
    publish("guide", table, {"settings": vars(given), "hits": found, "rows": rows})


if __name__ == "__main__":
    main()
