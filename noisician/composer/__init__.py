"""From controls to a score: a plan of the form, then masked diffusion over the grid, section by section."""

from noisician.composer.compose import Composer, ComposerSettings
from noisician.composer.plan import Plan, make_plan

__all__ = ["Composer", "ComposerSettings", "Plan", "make_plan"]
