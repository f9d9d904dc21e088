"""From controls to a score: a plan of the form, then masked diffusion over the grid, section by section."""

from noisician.composer.board import Tune
from noisician.composer.compose import Composer
from noisician.composer.plan import Plan, make_plan, with_sections
from noisician.composer.writing import ComposerSettings

__all__ = ["Composer", "ComposerSettings", "Plan", "Tune", "make_plan", "with_sections"]
