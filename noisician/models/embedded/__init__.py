"""The model that ships with noisician: composer, renderer, vocoder and mix in one line."""

from noisician.models.embedded.model import EmbeddedModel

__all__ = ["EmbeddedModel"]
