"""Open checkpoints of other projects, run through diffusers (extra ``checkpoints``) as models like any other."""

from noisician.models.checkpoints.catalogue import CheckpointInfo, catalogue, with_feature
from noisician.models.checkpoints.loader import Loader
from noisician.models.checkpoints.resolve import installed_weights, locate, pullable

__all__ = [
    "CheckpointInfo",
    "Loader",
    "catalogue",
    "installed_weights",
    "locate",
    "pullable",
    "with_feature",
]
