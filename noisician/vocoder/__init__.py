"""From mels and notes to samples: a network filters an excitation built from the notes."""

from noisician.vocoder.synthesis import Vocoder

__all__ = ["Vocoder"]
