"""What an evaluation run measures, on how much, and where it puts the result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from noisician.errors import RequestError
from noisician.evaluate.judged import SHIPPED

#: In the order of the report.
SUITE_NAMES = (
    "prompts",
    "tempo",
    "key",
    "stems",
    "vocoder",
    "renderer",
    "life",
    "recorded",
    "faults",
    "mixes",
    "edits",
    "musicianship",
    "wishes",
    "lengths",
    "novelty",
    "vocals",
    "songs",
    "determinism",
    "weights",
)
PROMPTS_RANGE = (1, 40)
CLIPS_RANGE = (1, 500)
SEEDS_RANGE = (1, 100)
DURATION_RANGE_S = (3.0, 300.0)


@dataclass(frozen=True)
class EvaluateSettings:
    """What is measured, on how much of it, and what it is measured against.

    ``prompts`` are taken from the start of each list of ``prompts.toml``; ``duration_s`` is the length of each track
    made from them. ``seeds`` pieces of every genre are held against its checklist, and of two
    at most the lengths are measured. ``clips`` held-out études go into
    each comparison of spectrograms, ``clip_s`` of each (12 s at most). ``soundfont`` plays the baselines of the tracks.
    ``songs_dir`` holds the composer's training packs, ``samples_dir`` the recordings that sample kits and textures are
    played from, ``recordings_dir`` those of single notes of real instruments, ``scores_dir`` the scores written by
    people, whose held-out part is measured against the corpus beside the model's songs and whose held-out words are
    sung, ``vocals_dir`` the shards of the singing corpus. ``judged`` is the file of prompts that somebody judged. Each
    is needed only by the suites that use it. Raises RequestError for values out of range.
    """

    suites: tuple[str, ...] = SUITE_NAMES
    prompts: int = 40
    duration_s: float = 30.0
    seeds: int = 10
    clips: int = 60
    clip_s: float = 12.0
    folder: Path = Path("evaluation")
    samples_dir: Path | None = None
    recordings_dir: Path | None = None
    songs_dir: Path = Path("data/songs")
    scores_dir: Path | None = None
    vocals_dir: Path = Path("data/vocals")
    judged: Path = SHIPPED
    soundfont: str = "fluidr3"
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.suites if name not in SUITE_NAMES]
        if unknown or not self.suites:
            raise RequestError(f"suite {(unknown or [''])[0]!r} is none of {', '.join(SUITE_NAMES)}")
        _check("prompts", self.prompts, PROMPTS_RANGE, "")
        _check("seeds", self.seeds, SEEDS_RANGE, "")
        _check("clips", self.clips, CLIPS_RANGE, "")
        _check("duration", self.duration_s, DURATION_RANGE_S, " s")
        _check("clip length", self.clip_s, (1.0, 12.0), " s")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"seed {self.seed}; it must lie between 0 and {2**32 - 1}")


def _check(name: str, value: float, limits: tuple[float, float], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        raise RequestError(f"{name} {value:g}{unit}; it must lie between {low:g} and {high:g}{unit}")
