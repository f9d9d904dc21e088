"""What making a piece costs, so that the share done grows evenly with time and tells how long it still takes.

Costs are relative, as measured on two cores: rendering one window of one player in the usual number of steps is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from noisician.composer import Plan
from noisician.renderer import RenderSettings

#: Seconds from one of the renderer's windows to the next.
WINDOW_S = 5.2
#: A bar of a short piece is cheaper: the composer hears less before it.
COMPOSING_PER_BAR, COMPOSING_PER_BAR_HEARD, COMPOSING_PER_BAR_LIMIT = 2.0, 0.08, 4.0
SINGING_PER_S = 1.95
VOCODING_PER_WINDOW, KEEPING_PER_WINDOW = 1.8, 0.55
MIXING_PER_S = 0.33
#: What all singers sing one after another, in seconds a second, as long as nobody has been cast.
SUNG_SHARE = 0.9
#: Seconds of one core that a cost of 1 takes, and what loading takes before: measured on two cores (docs/models.md),
#: where 30 s of six players take 3.7 s, 6.0 s from a cold shell. Other machines are faster or slower.
CORE_S_PER_COST, START_S = 0.046, 2.3


@dataclass(frozen=True)
class CostEstimate:
    """What a piece of some size costs.

    ``sung_s`` is what all its singers sing, one after another; ``kept`` whether its stems are kept, too.
    """

    players: int
    duration_s: float
    render: RenderSettings
    sung_s: float = 0.0
    kept: bool = False

    @classmethod
    def of(cls, plan: Plan, render: RenderSettings, sung: bool = False) -> CostEstimate:
        """As far as a plan tells: who sings is not cast yet."""
        return cls(plan.heads, plan.duration_s, render, SUNG_SHARE * plan.duration_s if sung else 0.0)

    def playing(self) -> dict[str, float]:
        """The cost of each stage after composing, in order."""
        windows = self.players * self.duration_s / WINDOW_S
        singing = {"singing": SINGING_PER_S * self.sung_s} if self.sung_s else {}
        return singing | {
            "rendering": windows * self.render.steps / RenderSettings().steps,
            "vocoding": windows * (VOCODING_PER_WINDOW + KEEPING_PER_WINDOW * self.kept),
            "mixing": MIXING_PER_S * self.duration_s,
        }

    def with_composing(self, bars: int) -> dict[str, float]:
        """The cost of composing so many bars, and of playing them."""
        per_bar = min(COMPOSING_PER_BAR + COMPOSING_PER_BAR_HEARD * bars, COMPOSING_PER_BAR_LIMIT)
        if self.sung_s:  # a tune to be sung is written note by note
            per_bar = COMPOSING_PER_BAR_LIMIT
        return {"composing": per_bar * bars, "playing": sum(self.playing().values())}
