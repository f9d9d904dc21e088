"""A checkpoint whose sound is noise: a family that keeps the protocol and what it was asked, and needs no weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.family import Job, OnStep
from noisician.models.checkpoints.model import CheckpointModel, Loaded, Wish
from noisician.models.checkpoints.placement import Placement
from noisician.models.protocol import Capabilities, Feature

RATE = 8000
ALL: frozenset[Feature] = frozenset({"text", "negative_prompt", "init_audio", "repaint", "morph_audio"})


@dataclass
class FakeFamily:
    """Noise named by the seed; what a job keeps of its init stays."""

    features: frozenset[Feature] = ALL
    longest_s: float = 10.0
    channels: int = 1
    jobs: list[Job] = field(default_factory=list)
    fail: Exception | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("fake", self.features, (1.0, self.longest_s), RATE, "MIT")

    def sample(self, job: Job, on_step: OnStep) -> np.ndarray:
        self.jobs.append(job)
        for step in (1, 2):
            on_step(step / 2)
        if self.fail is not None:
            raise self.fail
        frames = round(job.duration_s * RATE)
        made = 0.1 * np.random.default_rng(job.seed).standard_normal((frames, self.channels)).astype(np.float32)
        if job.init is None:
            return made
        assert job.init.shape == made.shape
        if job.repaint:
            kept = np.ones(frames, bool)
            for start_s, end_s in job.repaint:
                kept[round(start_s * RATE) : round(end_s * RATE)] = False
            made[kept] = job.init[kept]
            return made
        share = job.strength or 0.0
        return (1 - share) * job.init + share * made


INFO = CheckpointInfo(
    "fake", "fake", None, "Testing Licence", None, True, False, None, features=ALL, sample_rate_hz=RATE
)


def model_of(family: FakeFamily, wishes: list[Wish] | None = None) -> CheckpointModel:
    def load(info: CheckpointInfo, folder: Path, wish: Wish) -> Loaded:
        if wishes is not None:
            wishes.append(wish)
        return Loaded(family, Placement(wish.device or "cpu", wish.dtype or "float32"), "f" * 64, 1000)

    return CheckpointModel(replace(INFO, features=family.features), Path("."), load)
