"""From controls to a score: a plan of the form, then masked diffusion over the grid, section by section.

Any part of a grid is written again by :mod:`noisician.composer.infill`.
"""

from noisician.composer.board import Tune
from noisician.composer.compose import Composer
from noisician.composer.plan import Ending, Plan, make_plan, with_sections
from noisician.composer.regions import HARMONY, open_cells, vary_cells
from noisician.composer.wishes import Wishes
from noisician.composer.writing import ComposerSettings

__all__ = [
    "HARMONY",
    "Composer",
    "ComposerSettings",
    "Ending",
    "Plan",
    "Tune",
    "Wishes",
    "make_plan",
    "open_cells",
    "vary_cells",
    "with_sections",
]
