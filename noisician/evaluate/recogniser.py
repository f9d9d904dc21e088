"""Which of some known lines is sung: a speech recogniser that has never heard a singer.

The judge is pocketsphinx with its English model. Its grammar holds the lines, all equally likely, and its beams are so
wide that nothing is given up early: at the usual ones it loses half of a slow song. What it understood last is often
cut short, so the line that counts is the nearest one in words (Levenshtein distance over the line's length); of
equally near ones, or where nothing was understood, none.

It was made for speech: slow vowels and high voices cost it more than they cost listeners. Its marks mean something
beside the marks of another voice for the same phrases, and nothing alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from noisician.analysis.inputs import mono
from noisician.errors import NoisicianError

RATE_HZ = 16000
BEAM = 1e-100
PEAK = 0.5


class LineRecogniser:
    """Holds a decoder for the given lines (lower-case words with spaces between).

    Raises NoisicianError where pocketsphinx is missing, or for a word its dictionary does not have.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        self._decoder = _decoder()
        unknown = sorted({word for line in lines for word in line.split() if not self._decoder.lookup_word(word)})
        if unknown:
            raise NoisicianError(f"the recogniser does not know {unknown[0]!r} ({len(unknown)} such words)")
        self._decoder.add_jsgf_string("lines", f"#JSGF V1.0; grammar lines; public <line> = {' | '.join(lines)};")
        self._decoder.activate_search("lines")

    def understood(self, audio: np.ndarray, rate_hz: int) -> str:
        """The words it hears in ``audio [samples]`` or ``[samples, channels]``; empty for none."""
        import soxr

        samples = soxr.resample(mono(audio), rate_hz, RATE_HZ)
        scaled = samples * (PEAK / max(float(np.abs(samples).max()), 1e-9))
        self._decoder.start_utt()
        self._decoder.process_raw((scaled * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""

    def identify(self, audio: np.ndarray, rate_hz: int) -> int | None:
        """Index of the line it hears, None where it cannot tell."""
        return nearest_line(self.understood(audio, rate_hz), self.lines)


def _decoder() -> Any:
    try:
        from pocketsphinx import Decoder, get_model_path  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise NoisicianError(
            "the judge of sung words needs pocketsphinx, which is not installed: pip install 'noisician[evaluate]'"
        ) from error
    path = get_model_path()
    return Decoder(
        hmm=f"{path}/en-us/en-us",
        dict=f"{path}/en-us/cmudict-en-us.dict",
        lm=None,
        cmn="batch",
        beam=BEAM,
        wbeam=BEAM,
        pbeam=BEAM,
        loglevel="FATAL",
    )


def nearest_line(heard: str, lines: Sequence[str]) -> int | None:
    """Index of the line with the lowest word error rate; None for a tie or where not one word agrees."""
    said = heard.split()
    errors = np.array([word_errors(line.split(), said) / len(line.split()) for line in lines])
    best = int(np.argmin(errors))
    tied = np.count_nonzero(errors == errors[best]) > 1
    return None if tied or not set(said) & set(lines[best].split()) else best


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(reference, 1):
        before, row = row, [number]
        for place, other in enumerate(heard, 1):
            row.append(min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (word != other)))
    return row[-1]
