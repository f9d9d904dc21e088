"""Copy-synthesis: a clip's mel and notes through the vocoder, and how far the mel of the result is from the clip's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisician.corpus.clips import Studio
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT
from noisician.diffusion.noise import NoiseField
from noisician.evaluate.held_out import Understudy, excerpts, flat_excitation, held_out_seeds, is_soundfont
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.spectral import audio_log_mel_error
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean
from noisician.mel import log_mel
from noisician.vocoder import Vocoder

GROUPS = {"harmonic": "pitched", "drum": "drums", "noise": "textures"}
_HOW = (
    "Log-mel L1 (128 bands, levels not aligned) between held-out clips and the vocoder's copy made from their mel and "
    "notes. Baselines: another take on the same notes (the other soundfont, or another seed of our own voices), and "
    "the excitation alone at the clip's RMS."
)


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a clip: the held-out soundfont's, then (a third as many) our own voices on held-out seeds."""
    vocoder = Vocoder()
    studio = Studio((HELD_OUT_SOUNDFONT,), settings.samples_dir)
    understudy = Understudy(Studio((settings.soundfont,), settings.samples_dir))
    own = max(1, settings.clips // 3)
    seeds = held_out_seeds(settings.clips, settings.seed, is_soundfont)
    seeds += held_out_seeds(own, settings.seed, lambda instrument: not is_soundfont(instrument))
    for number, clip in enumerate(excerpts(studio, seeds, settings.clip_s)):
        copy = vocoder.synthesise(log_mel(clip.audio), clip.notes, clip.instrument, NoiseField(clip.seed % 2**32, 0))
        yield (
            (number + 1) / len(seeds),
            {
                "seed": clip.seed,
                "instrument": clip.instrument.id,
                "family": clip.instrument.family,
                "group": GROUPS[clip.instrument.excitation],
                "source": "held-out soundfont" if is_soundfont(clip.instrument) else "own voices",
                "articulations": list(clip.timbre_tags),
                "error": audio_log_mel_error(clip.audio, copy),
                "other_take": audio_log_mel_error(clip.audio, understudy.play(clip)),
                "excitation": audio_log_mel_error(clip.audio, flat_excitation(clip)),
            },
        )


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Means over clips: all of the held-out soundfont, its groups and families, and our own voices."""
    held_out = [row for row in rows if row["source"] == "held-out soundfont"]
    own = [row for row in rows if row["source"] == "own voices"]
    pitched = [row for row in held_out if row["group"] == "pitched"]
    drums = [row for row in held_out if row["group"] == "drums"]
    parts = {f"vocoder, {family}": _family(pitched, family) for family in sorted({row["family"] for row in pitched})}
    parts |= {f"vocoder, own {group}": _group(own, group) for group in sorted({row["group"] for row in own})}
    return [
        _figure("vocoder copy-synthesis, held-out soundfont", held_out, Target("at most", 0.20)),
        _figure("vocoder, pitched", pitched),
        _figure("vocoder, drums", drums),
        *[_figure(name, part) for name, part in parts.items()],
    ]


def _family(rows: Sequence[Row], family: str) -> list[Row]:
    return [row for row in rows if row["family"] == family]


def _group(rows: Sequence[Row], group: str) -> list[Row]:
    return [row for row in rows if row["group"] == group]


def _figure(name: str, rows: Sequence[Row], target: Target | None = None) -> Figure:
    beside = baselines(
        another_take=mean(row["other_take"] for row in rows), excitation_alone=mean(row["excitation"] for row in rows)
    )
    return Figure(name, mean(row["error"] for row in rows), "nats", _HOW, target, len(rows), beside)


SUITE = BenchSuite("vocoder", rows, figures)
