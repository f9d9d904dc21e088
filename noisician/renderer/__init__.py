"""From notes to sound pictures: rectified flow over log-mel frames, one stem at a time, windows in parallel."""

from noisician.renderer.preview import Preview
from noisician.renderer.render import Part, Renderer, RenderSettings, attacks_of

__all__ = ["Part", "Preview", "RenderSettings", "Renderer", "attacks_of"]
