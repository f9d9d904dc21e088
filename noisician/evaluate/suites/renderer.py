"""End to end: notes through renderer and vocoder, and how far the mel is from the instrument's.

The renderer is shown references of whoever plays the clip, as dense as those that ship, never the clip itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from noisician.analysis.texture import texture_share
from noisician.corpus.clips import Clip, Studio, take_of
from noisician.corpus.players import Players
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT, TRAINING_SOUNDFONTS
from noisician.diffusion.noise import NoiseField
from noisician.evaluate.held_out import Understudy, excerpts, held_out_seeds, is_soundfont
from noisician.evaluate.report import Figure
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.spectral import audio_log_mel_error, log_mel_error
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean
from noisician.mel import log_mel
from noisician.renderer import Part, Renderer, RenderSettings, attacks_of
from noisician.renderer.conditions import note_roll
from noisician.renderer.references import References
from noisician.renderer.render import SILENCE
from noisician.vocoder import Vocoder

_HOW = (
    "Log-mel L1 (128 bands, levels not aligned) between held-out exercises played by {source} and the same notes "
    "through renderer and vocoder (default sampler settings, one take), shown references of the same source at the "
    "density in which they ship. Timbre tags (driven, lofi …) are the mix's since it plays them exactly, so the "
    "exercises have none. Baselines: the exercise played by the other "
    "soundfont (own voices: another seed), and a flat mel (the clip's mean level wherever a note sounds or "
    "rings) through the vocoder."
)
_ROUGH = (
    "Mean difference of neighbouring frames of the renderer's mel over that of the étude's, where the étude is loud: "
    "1 is as rough as the real one, less is a blur."
)
_SOURCES = {
    "training": "the soundfonts and voices of the training set, held-out seeds",
    "held out": "the held-out soundfont",
}


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a clip, for both sources."""
    renderer, vocoder = Renderer(), Vocoder()
    samples_dir = settings.samples_dir
    fonts = [Studio((name,), samples_dir) for name in TRAINING_SOUNDFONTS]
    half = settings.clips // 2
    casts = [
        ("training", fonts[0], fonts[1], held_out_seeds(settings.clips - half, settings.seed, lambda _: True)),
        ("training", fonts[1], fonts[0], held_out_seeds(half, settings.seed + 1, lambda _: True)),
        (
            "held out",
            Studio((HELD_OUT_SOUNDFONT,), samples_dir),
            Studio((settings.soundfont,), samples_dir),
            held_out_seeds(settings.clips, settings.seed + 2, is_soundfont),
        ),
    ]
    total, done = sum(len(seeds) for *_, seeds in casts), 0
    players = Players(samples_dir)
    for source, studio, other, seeds in casts:
        for clip in excerpts(studio, seeds, settings.clip_s, plain=True):
            done += 1
            references = players.find(source_of(clip, studio)).record()
            row = measured(clip, references, renderer, vocoder, Understudy(other))
            yield done / total, {"source": source, **row}


def source_of(clip: Clip, studio: Studio) -> str:
    """The name of the player whom a studio of one soundfont has play a clip."""
    id_ = clip.instrument.id
    return f"{studio.soundfonts[0]}/{id_}" if is_soundfont(clip.instrument) else f"voice/{id_}/{take_of(clip.seed)}"


def measured(clip: Clip, references: References, renderer: Renderer, vocoder: Vocoder, understudy: Understudy) -> Row:
    """Errors in nats: of the renderer's mel, of the sound made from it, and of both baselines."""
    reference = log_mel(clip.audio)
    noise = NoiseField(clip.seed % 2**32, 0)
    part = Part(clip.instrument, references, clip.notes, noise)
    (mel,) = renderer.render([part], len(reference), RenderSettings())
    flat = vocoder.synthesise(flat_mel(clip, reference), clip.notes, clip.instrument, noise)
    audio = vocoder.synthesise(mel, clip.notes, clip.instrument, noise, hits=attacks_of(part))
    return {
        "seed": clip.seed,
        "instrument": clip.instrument.id,
        "family": clip.instrument.family,
        "mel_error": log_mel_error(reference, mel),
        "texture_share": texture_share(reference, mel),
        "error": log_mel_error(reference, log_mel(audio, len(reference))),
        "level_error": float(mel.mean() - reference.mean()),
        "other_take": audio_log_mel_error(clip.audio, understudy.play(clip)),
        "flat": log_mel_error(reference, log_mel(flat, len(reference))),
    }


def flat_mel(clip: Clip, reference: np.ndarray) -> np.ndarray:
    """``[frames, 128]``: the reference's mean where notes sound or ring, silence elsewhere."""
    roll = note_roll(clip.notes, len(reference))
    sounding = (roll > 0).any(axis=1)
    flat = np.full_like(reference, SILENCE)
    if sounding.any():
        flat[sounding] = reference[sounding].mean()
    return flat


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Means over clips of each source, then by family for the training set's sounds."""
    made = []
    for source, words in _SOURCES.items():
        chosen = [row for row in rows if row["source"] == source]
        how = _HOW.format(source=words)
        made.append(_figure(f"renderer end to end, {source} sounds", chosen, how, "error"))
        made.append(_figure(f"renderer mel before the vocoder, {source} sounds", chosen, how, "mel_error"))
        share = mean(row["texture_share"] for row in chosen)
        made.append(Figure(f"texture of the renderer, {source} sounds", share, "share", _ROUGH, None, len(chosen)))
    training = [row for row in rows if row["source"] == "training"]
    for family in sorted({row["family"] for row in training}):
        chosen = [row for row in training if row["family"] == family]
        made.append(_figure(f"renderer, {family}", chosen, _HOW.format(source=_SOURCES["training"]), "error"))
    return made


def _figure(name: str, rows: Sequence[Row], how: str, column: str) -> Figure:
    beside = baselines(
        other_soundfont=mean(row["other_take"] for row in rows), flat_mel=mean(row["flat"] for row in rows)
    )
    return Figure(name, mean(row[column] for row in rows), "nats", how, None, len(rows), beside)


SUITE = BenchSuite("renderer", rows, figures)
