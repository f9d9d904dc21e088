"""From controls to a score: a plan of the form, then masked diffusion over the grid, section by section."""

from noisician.composer.compose import Composer, ComposerSettings, Tune
from noisician.composer.plan import Plan, make_plan, with_sections

__all__ = ["Composer", "ComposerSettings", "Plan", "Tune", "make_plan", "with_sections"]
