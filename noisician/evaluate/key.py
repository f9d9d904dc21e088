"""How far a heard key is from the one that was asked for."""

from __future__ import annotations

from noisician.analysis.key import KeyEstimate, has_major_third
from noisician.score.harmony import pitch_class


def key_hit(estimate: KeyEstimate | None, tonic: str, mode: str) -> bool:
    """Whether tonic and third agree: dorian and phrygian count as minor, lydian and mixolydian as major."""
    if estimate is None:
        return False
    return estimate.tonic == pitch_class(tonic) and has_major_third(estimate.mode) == has_major_third(mode)


def mirex_key_score(estimate: KeyEstimate | None, tonic: str, mode: str) -> float:
    """MIREX audio key score: 1 exact, 0.5 a fifth above, 0.3 relative, 0.2 parallel, else 0."""
    if estimate is None:
        return 0.0
    distance = (estimate.tonic - pitch_class(tonic)) % 12
    major, reference_major = has_major_third(estimate.mode), has_major_third(mode)
    if major == reference_major:
        return {0: 1.0, 7: 0.5}.get(distance, 0.0)
    if distance == 0:
        return 0.2
    return 0.3 if distance == (9 if reference_major else 3) else 0.0
