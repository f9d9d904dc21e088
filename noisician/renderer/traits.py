"""What kind of instrument it is, as far as the renderer asks: it knows no instrument by name."""

from __future__ import annotations

import numpy as np

from noisician.styles import Instrument

_KINDS = ("harmonic", "drum", "noise")
_SUSTAINS = ("struck", "plucked", "sustained")
TRAITS = (*_KINDS, *_SUSTAINS, "one voice")


def traits(instrument: Instrument) -> np.ndarray:
    """0 or 1 for each of TRAITS, float32."""
    kinds = [instrument.excitation == kind for kind in _KINDS]
    sustains = [instrument.sustain == sustain for sustain in _SUSTAINS]
    return np.array([*kinds, *sustains, not instrument.polyphonic], np.float32)
