"""The one error tree. Every message is a single line: the value, the limit with its unit, the likely cause."""

from __future__ import annotations


class NoisicianError(Exception):
    """Base of everything noisician raises on purpose.

    The command line prints the message alone and exits with status 2; the HTTP service answers 422.
    """


class RequestError(NoisicianError):
    """What was asked for cannot be made: a value out of range, an unknown style, options that contradict."""


class FileError(NoisicianError):
    """A file cannot be read, is not what it should be, or may not be written."""


class WeightsError(NoisicianError):
    """A model file is missing, damaged or of another version."""


class CorpusError(NoisicianError):
    """Training material is missing or unusable."""


class Cancelled(NoisicianError):
    """The person asked to stop. Nothing half-written is left behind."""
