"""How far the renderer has come: ``noisician train judge CHECKPOINT``.

Études of seeds that no training set holds, one window each, are played by a soundfont the renderer learnt from and by
one it never met; beside each stand its references, at the density in which they ship. Three ways to paint them are
compared with what the soundfont played: the sketch alone, a checkpoint, and the renderer that ships. Recorded
instruments that it never met are played from all their recordings and shown as few as FEW_NOTES; what is played are
other pitches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from noisician.analysis.texture import loud_cells, texture_share
from noisician.corpus.exercises import write_exercise
from noisician.corpus.players import Players
from noisician.corpus.recordings import HELD_OUT, read_recordings
from noisician.corpus.sketched import Band, SketchedClip, find_player, play_sketched
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT, TRAINING_SOUNDFONTS
from noisician.diffusion.flow import euler, shift_for, shifted_times
from noisician.diffusion.noise import noise_rows
from noisician.export.spectrogram import picture_of_mel, png_bytes
from noisician.mel import FRAME_RATE_HZ, MEL_BANDS
from noisician.renderer import RenderSettings
from noisician.renderer.conditions import MEL_MEAN, MEL_STD, note_roll
from noisician.renderer.render import SILENCE
from noisician.renderer.traits import traits
from noisician.styles import shipped_instruments
from noisician.training.loop import checkpoint_config, load_checkpoint, mixed_precision
from noisician.training.renderer import RendererConfig, RendererNet
from noisician.weights import FOLDER, manifest

FIRST_SEED = 2_000_000
SOURCES = {"learnt": TRAINING_SOUNDFONTS[0], "held out": HELD_OUT_SOUNDFONT}
#: How many notes are shown of a recorded instrument, all of one velocity.
FEW_NOTES = (6, 3, 1)
FEW_VELOCITY = 80
#: Études of each recorded instrument.
RECORDED_CLIPS = 2
TOGETHER = 8


@dataclass(frozen=True)
class Judgement:
    """``clips`` of each soundfont; ``references`` is where what is recorded of it is kept. ``recordings`` is the folder
    of recorded instruments, and ``pictures`` one to draw in; both may be none.
    """

    checkpoint: Path
    references: Path
    clips: int = 24
    settings: RenderSettings = RenderSettings()
    recordings: Path | None = None
    pictures: Path | None = None


@dataclass(frozen=True)
class Verdict:
    """Means over the clips of one source: log-mel L1 of all and of loud cells (nats), and the share of texture."""

    source: str
    who: str
    error: float
    loud_error: float
    texture_share: float
    families: dict[str, float] = field(default_factory=dict)


def judge(judgement: Judgement) -> Iterator[Verdict]:
    """Verdicts on the sketch, the checkpoint and the shipped renderer, for both sources."""
    net, shipped = (_network(path) for path in (judgement.checkpoint, FOLDER / manifest()["renderer"]["file"]))
    for source, clips in _clips(judgement, net.config):
        painted = {
            "sketch": [clip.sketch for clip in clips],
            "checkpoint": paint(net, clips, judgement.settings),
            "shipped": paint(shipped, clips, judgement.settings),
        }
        for who, mels in painted.items():
            yield verdict(source, who, clips, mels)
        if judgement.pictures is not None:
            _draw(judgement.pictures, source, clips, painted)


def _network(path: Path) -> RendererNet:
    net = RendererNet(RendererConfig(**checkpoint_config(path)))
    load_checkpoint(path, net)
    return net.eval()


def _clips(judgement: Judgement, config: RendererConfig) -> Iterator[tuple[str, list[SketchedClip]]]:
    """(source, clips) of everything that is judged."""
    for source, font in SOURCES.items():
        yield source, list(held_out_clips(font, judgement, config))
    if judgement.recordings is not None:
        for count in FEW_NOTES:
            yield f"shown {count}", list(recorded_clips(judgement.recordings, count, config))


def recorded_clips(folder: Path, count: int, config: RendererConfig) -> Iterator[SketchedClip]:
    """Études of the recorded instruments kept from training, beside sketches from ``count`` notes spread over them."""
    players, duration_s = Players(recordings_dir=folder), _window_s(config)
    for id_, recordings in read_recordings(folder).items():
        if recordings.instrument_name not in HELD_OUT:
            continue
        player = players.find(f"recorded/{id_}")
        chosen = np.array(player.keys)[np.linspace(0, len(player.keys) - 1, count + 2).round().astype(int)[1:-1]]
        references = player.record([(int(key), FEW_VELOCITY) for key in chosen])
        for take in range(RECORDED_CLIPS):
            seed = FIRST_SEED + take
            notes = write_exercise(player.instrument, duration_s, np.random.default_rng(seed))
            others = tuple(note for note in notes if note.pitch not in chosen)
            yield play_sketched(player, references, others, seed, duration_s)


def _window_s(config: RendererConfig) -> float:
    """Length of one window of the network."""
    return config.window_tokens * config.frames_per_token / FRAME_RATE_HZ + 1e-6


def held_out_clips(font: str, judgement: Judgement, config: RendererConfig) -> Iterator[SketchedClip]:
    """Études spread evenly over the soundfont's instruments, one window of the network long."""
    band = Band(Players(), (), judgement.references)
    duration_s = _window_s(config)
    fitting = [instrument for instrument in shipped_instruments().values() if instrument.source["kind"] == "soundfont"]
    count = min(judgement.clips, len(fitting))
    for number in range(count):
        instrument = fitting[number * len(fitting) // count]
        seed = FIRST_SEED + instrument.index
        player = find_player(band.players, f"{font}/{instrument.id}")
        notes = write_exercise(instrument, duration_s, np.random.default_rng(seed))
        yield play_sketched(player, band.recorded(player.name), notes, seed, duration_s)


@torch.no_grad()
def paint(net: RendererNet, clips: Sequence[SketchedClip], settings: RenderSettings) -> list[np.ndarray]:
    """Log-mels ``[frames, 128]`` of clips of one window, by all steps from noise."""
    painted: list[np.ndarray] = []
    times = shifted_times(settings.steps, shift_for(settings.steps, settings.last_time))
    for first in range(0, len(clips), TOGETHER):
        some = clips[first : first + TOGETHER]
        frames = len(some[0].log_mel)
        conditions = [
            torch.from_numpy(np.stack([(clip.sketch - MEL_MEAN) / MEL_STD for clip in some])).float(),
            torch.from_numpy(np.stack([note_roll(clip.notes, frames) for clip in some])),
            torch.from_numpy(np.stack([traits(clip.player.instrument) for clip in some])),
        ]
        noise = np.stack([noise_rows(0, first + row, 0, frames, MEL_BANDS) for row in range(len(some))])

        def denoise(x: np.ndarray, t: float, conditions: list[torch.Tensor] = conditions) -> np.ndarray:
            everywhere = torch.full((len(x),), t)
            with mixed_precision(torch.device("cpu")):
                return net(torch.from_numpy(x).float(), everywhere, *conditions).float().numpy()

        clean = euler(denoise, noise, times) * MEL_STD + MEL_MEAN
        painted += list(np.maximum(clean, SILENCE).astype(np.float32))
    return painted


def verdict(source: str, who: str, clips: Sequence[SketchedClip], mels: Sequence[np.ndarray]) -> Verdict:
    """Means over clips, each weighing the same."""
    errors, louds, shares = [], [], []
    families: dict[str, list[float]] = {}
    for clip, mel in zip(clips, mels, strict=True):
        error = np.abs(mel - clip.log_mel)
        loud = loud_cells(clip.log_mel)
        errors.append(float(error.mean()))
        louds.append(float(error[loud].mean()) if loud.any() else 0.0)
        shares.append(texture_share(clip.log_mel, mel))
        families.setdefault(clip.player.instrument.family, []).append(errors[-1])
    means = {family: float(np.mean(values)) for family, values in sorted(families.items())}
    return Verdict(source, who, float(np.mean(errors)), float(np.mean(louds)), float(np.mean(shares)), means)


def _draw(folder: Path, source: str, clips: Sequence[SketchedClip], painted: dict[str, list[np.ndarray]]) -> None:
    """One picture a clip: what was played above each way to paint it."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, clip in enumerate(clips):
        loudest = float(clip.log_mel.max())
        mels = [clip.log_mel, *(mels[row] for mels in painted.values())]
        rows = [picture_of_mel(mel, loudest) for mel in mels]
        name = re.sub(r"\W+", "_", f"{source} {clip.player.instrument.id} {row}")
        (folder / f"{name}.png").write_bytes(png_bytes(np.concatenate(rows)))
