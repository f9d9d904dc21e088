"""Our own instruments: the sounds of the training corpus that come from no soundfont.

``render`` plays a track on any instrument whose ``source.kind`` is ``synthesis`` or ``samples``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from noisician.corpus.voices.common import sample_count
from noisician.corpus.voices.engine import play
from noisician.corpus.voices.kits import KITS, render_kit
from noisician.corpus.voices.samples import SampleSource, sources
from noisician.corpus.voices.synths import PATCHES
from noisician.corpus.voices.textures import TEXTURES, render_texture
from noisician.errors import CorpusError
from noisician.score.played import NoteEvent
from noisician.styles import shipped_instruments

VOICES = (*PATCHES, *KITS, *TEXTURES)
"""Instrument ids that :func:`render` plays."""

__all__ = ["VOICES", "SampleSource", "render", "sources"]


def render(
    instrument_id: str, notes: Sequence[NoteEvent], duration_s: float, seed: int, samples_dir: Path | None = None
) -> np.ndarray:
    """Play notes on one of our own instruments.

    The same arguments give the same samples. Another seed is another take on the instrument: cutoff, detune,
    envelopes, choice of samples. One loud note peaks between 0.3 and 0.7; a dense track may pass 1.

    Args:
        instrument_id: an entry of ``styles/instruments.toml`` with ``source.kind`` ``synthesis`` or ``samples``.
        notes: when and what to play; sounds may ring on after a note, up to ``duration_s``.
        duration_s: length of the result.
        seed: the take.
        samples_dir: the folder of CC0 samples; sampled kits need it, some textures use it when it is there.

    Returns:
        Mono float32 at 44.1 kHz, ``[round(duration_s · 44100)]``.

    Raises:
        CorpusError: an instrument we have no sound of our own for, or samples are missing.
    """
    if instrument_id not in VOICES:
        raise CorpusError(f"no voice of our own for {instrument_id!r}: its sound comes from a soundfont, or is unknown")
    instrument = shipped_instruments()[instrument_id]
    rng = np.random.default_rng([seed, instrument.index])
    count = sample_count(duration_s)
    if instrument_id in PATCHES:
        audio = play(PATCHES[instrument_id](rng), notes, count, not instrument.polyphonic, rng)
    elif instrument_id in KITS:
        audio = render_kit(instrument_id, notes, count, rng, samples_dir)
    else:
        audio = render_texture(instrument_id, notes, count, rng, samples_dir)
    # Resampling and convolution leave round-off before the first note; silence is exact here.
    audio[: sample_count(max(0.0, min((note.start_s for note in notes), default=duration_s)))] = 0.0
    return audio
