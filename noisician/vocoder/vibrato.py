"""How the pitch of a bowed, blown or sung note moves: it is reached from below, and swings after a while.

With t from the note's start, u = t − delay and a ramp g from 0 to 1 within RAMP_S, the pitch strays by

    c(t) = E g(u) sin(2π r u) − S (1 − t / SCOOP_S)²   cents

the first term from u = 0 on, the second up to SCOOP_S. Rates and delays are those of players and singers (Prame, JASA
1994). Every note has a draw of its own, named by the player, its pitch and its start, so it moves alike whatever sounds
beside it and wherever it ends. Between SCOOP_S and the delay it is straight, and late by a whole number of samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from noisician.diffusion.noise import generator
from noisician.mel import SAMPLE_RATE_HZ

RATES_HZ = (4.5, 6.5)
DELAYS_S = (0.2, 0.5)
RAMP_S = 0.4
#: Of the instrument's extent, what a note may have.
EXTENT_SHARES = (0.75, 1.25)
SCOOP_S = 0.12
#: By how many samples a scoop makes its note late, at most; S = 3 · late / (SCOOP_S · 44100 · ln 2 / 1200), about a
#: cent a sample.
MOST_LATE = 15
#: Keeps these draws apart from all noises of the same player.
_DOMAIN = 1 << 33
_NATS_A_CENT = math.log(2) / 1200


@dataclass(frozen=True)
class Swing:
    """How one note's pitch moves: E in cents, r in Hz; after its start, ``delay`` samples until it swings."""

    extent_cents: float
    rate_hz: float
    delay: int
    late: int

    def stray_s(self, time_s: np.ndarray) -> np.ndarray:
        """∫ c ln 2 / 1200 from 0 to ``time_s [n]``, in seconds: times f₀, the cycles by which the phase strays."""
        omega = 2 * np.pi * self.rate_hz
        u = np.maximum(time_s - self.delay / SAMPLE_RATE_HZ, 0)
        rising = np.minimum(u, RAMP_S)
        # ∫ g sin: over the ramp by parts, then what a full swing adds from the ramp's end on.
        swung = (np.sin(omega * rising) / omega - rising * np.cos(omega * rising)) / (omega * RAMP_S)
        swung += (np.cos(omega * rising) - np.cos(omega * u)) / omega
        to_go = np.maximum(1 - time_s / SCOOP_S, 0)
        return self.extent_cents * _NATS_A_CENT * swung - self.late / SAMPLE_RATE_HZ * (1 - to_go**3)


@lru_cache(maxsize=1024)
def swing_of(extent_cents: float, player: tuple[int, int], pitch: int, start: int) -> Swing:
    """The swing of a note that begins at sample ``start``; ``player`` is seed and stream of its noise."""
    seed, stream = player
    share, rate, delay, late = generator(seed, _DOMAIN + stream, pitch, start % 2**32).random(4)
    return Swing(
        extent_cents * _between(EXTENT_SHARES, share),
        _between(RATES_HZ, rate),
        round(_between(DELAYS_S, delay) * SAMPLE_RATE_HZ),
        int(late * (MOST_LATE + 1)),
    )


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + share * (limits[1] - limits[0])
