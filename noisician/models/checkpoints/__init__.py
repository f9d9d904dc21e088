"""Open checkpoints of other projects, run through diffusers (extra ``checkpoints``) as models like any other."""

from noisician.models.checkpoints.catalogue import CheckpointInfo, catalogue, with_feature
from noisician.models.checkpoints.resolve import forget, installed_weights, locate, pullable, resolve

__all__ = [
    "CheckpointInfo",
    "catalogue",
    "forget",
    "installed_weights",
    "locate",
    "pullable",
    "resolve",
    "with_feature",
]
