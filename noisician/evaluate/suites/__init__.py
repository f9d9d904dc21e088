"""What is measured, one suite a module: how a row is measured, and how rows become figures."""

from noisician.evaluate.suites import (
    determinism,
    edits,
    faults,
    key,
    lengths,
    life,
    mixes,
    musicianship,
    novelty,
    recorded,
    renderer,
    songs,
    stems,
    tempo,
    understanding,
    vocals,
    vocoder,
    weights,
    wishes,
)
from noisician.evaluate.suites.suite import BenchSuite, Row, Suite, TrackSuite

#: In the order of the report.
_MODULES = (
    understanding, tempo, key, stems, vocoder, renderer, life, recorded, faults, mixes, edits, musicianship, wishes,
    lengths,
    novelty, vocals, songs, determinism, weights,
)  # fmt: skip
SUITES: dict[str, Suite] = {module.SUITE.name: module.SUITE for module in _MODULES}

__all__ = ["SUITES", "BenchSuite", "Row", "Suite", "TrackSuite"]
