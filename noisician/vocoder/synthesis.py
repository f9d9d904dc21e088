"""Runs the vocoder network over a part of any length.

The part is cut into pieces of fixed length with context on both sides; each piece's spectrum is exact, so the pieces
join as if the part had been made at once, memory does not grow with length, and a piece made alone equals the same
piece made among others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache, cached, key_of
from noisician.diffusion.noise import NoiseField
from noisician.mel import HOP, MEL_BANDS, N_FFT, SAMPLE_RATE_HZ, istft, stft
from noisician.parallel import Steps, map_in_order
from noisician.score.played import NoteEvent
from noisician.styles import Instrument
from noisician.vocoder.attacks import Hit, struck
from noisician.vocoder.correction import corrected
from noisician.vocoder.excitation import excitation, exciting_notes
from noisician.vocoder.onsets import clusters, gated, sharpened
from noisician.weights import Network, manifest, open_network

#: Whole pieces are made even of what is left over: half a minute is 2,584 frames, five of these, six of 512.
PIECE_FRAMES = 520
#: Frames of context on each side: six blocks of kernel 7 see 18, each correction 3 and the gate after it 4 more, the
#: last transform and its gate 5, what is sharpened 7, recorded attacks 3.
HALO_FRAMES = 47
EXCITATION_FLOOR = 1e-2
NOISE_LEVEL = 0.1
#: Output frames on each side whose samples need a neighbour's frames: half a window.
_EDGE = N_FFT // HOP // 2


class Vocoder:
    """``log_mel [frames, 128]`` and notes → mono float32 ``[frames · HOP]`` at 44.1 kHz.

    What the network's windows smear before notes is taken away, and their rise sharpened
    (:mod:`noisician.vocoder.onsets`).
    """

    def __init__(self, network: Network | None = None, corrections: int = 2) -> None:
        # One thread a call: pieces are made side by side on all cores instead, FFTs included.
        self._network = network or open_network("vocoder", threads=1)
        self._identity = manifest()["vocoder"]["sha256"] if network is None else f"network {id(network)}"
        self._corrections = corrections

    def synthesise(
        self,
        log_mel: np.ndarray,
        notes: Sequence[NoteEvent],
        instrument: Instrument,
        noise: NoiseField,
        on_piece: Callable[[float], None] = lambda share: None,
        cache: ArrayCache = NO_CACHE,
        span: tuple[int, int] | None = None,
        hits: Sequence[Hit] = (),
    ) -> np.ndarray:
        """``noise`` is by mel frame; ``on_piece`` hears the share done and may raise to cancel.

        Pieces that ``cache`` has are not made again. Of a ``span`` of frames (first, last + 1) only the pieces that
        touch it are made; there is silence elsewhere. ``hits`` are the recorded attacks of what is struck, ascending
        (:mod:`noisician.vocoder.attacks`).
        """
        frames = len(log_mel)
        out = np.zeros(frames * HOP, np.float32)
        start, stop = span or (0, frames)
        pieces = range(max(0, start) // PIECE_FRAMES * PIECE_FRAMES, min(stop, frames), PIECE_FRAMES)
        steps = Steps(len(pieces), on_piece)

        levels = _levels(log_mel)

        def make(first: int) -> None:
            own = levels[first : first + PIECE_FRAMES + 1]
            if own.any():
                piece = self._piece(log_mel, notes, instrument, first, noise, cache, hits)[: (len(own) - 1) * HOP]
                # What the network makes of silence is left out frame by frame, as in pieces that are silent throughout.
                out[first * HOP : first * HOP + len(piece)] = piece * _ramps(own)
            steps()

        for _ in map_in_order(make, pieces, steps):
            pass
        return out

    def _piece(
        self,
        log_mel: np.ndarray,
        notes: Sequence[NoteEvent],
        instrument: Instrument,
        first: int,
        noise: NoiseField,
        cache: ArrayCache,
        hits: Sequence[Hit],
    ) -> np.ndarray:
        """Samples of frames ``first … first + PIECE_FRAMES``, always computed at the same size."""
        start, length = first - HALO_FRAMES, PIECE_FRAMES + 2 * HALO_FRAMES
        mel = _rows(log_mel, start, length)
        # Half a window more of waveform on each side, so that the edge frames' spectra are those of the whole part.
        begin, blocks = start - _EDGE, length + 2 * _EDGE
        own = [(at - start * HOP, attack) for at, attack in hits if 0 <= at - start * HOP < length * HOP]

        def key() -> str:
            excited = exciting_notes(notes, instrument, blocks * HOP, begin * HOP)
            kind = (instrument.excitation, instrument.sustain, instrument.vibrato_cents)
            named = (*kind, first, noise.named(begin, blocks))
            attacks = [part for start, attack in own for part in (start, attack)]
            return key_of("samples", self._identity, self._corrections, mel, excited, *named, *attacks)

        def make() -> np.ndarray:
            raw = excitation(notes, instrument, blocks * HOP, begin * HOP, (noise.seed, noise.stream))
            white = _white(noise, begin, blocks)
            excited, noisy = (stft(part)[_EDGE : _EDGE + length] for part in (raw, white))
            onsets = _onsets(notes, instrument, start, length)
            samples = istft(self._filter(mel, excited, noisy, instrument.excitation == "harmonic"))
            for _ in range(self._corrections):
                samples = gated(istft(corrected(samples, mel)), onsets)
            mended = struck(sharpened(samples, onsets, mel), own)
            return mended[HALO_FRAMES * HOP : (HALO_FRAMES + PIECE_FRAMES) * HOP]

        return cached(cache, key, make)

    def _filter(self, log_mel: np.ndarray, excited: np.ndarray, noisy: np.ndarray, pitched: bool) -> np.ndarray:
        """exp(a) E/|E| p + W N/|N|, ``[frames, 1025]`` complex64; W is exp(c), of pitched notes what is unvoiced."""
        magnitude = np.abs(excited)
        log_excitation = np.log(magnitude + EXCITATION_FLOOR)
        gain, cosine, sine, noise = self._network(log_mel=log_mel[None], log_excitation=log_excitation[None])
        rotation = (cosine[0] + 1j * sine[0]).astype(np.complex64)
        # In place where possible: with a fresh array for each step, pieces took 8 % longer.
        voiced = np.exp(gain[0])
        voiced /= magnitude + 1e-5
        made = excited * voiced
        made *= rotation
        breath = np.exp(noise[0])
        if pitched:
            voiced *= magnitude
            breath = unvoiced(breath, voiced)
        level = np.abs(noisy)
        level += 1e-5
        breath /= level
        made += noisy * breath
        return made


def unvoiced(noise: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """What of the magnitudes ``noise`` is no part of ``voiced`` ones: n · n / (n + v).

    The network hears the partials of low notes and what lies between them through one window, and takes their flanks
    for noise as well: where a bin is voiced, most of it is not.
    """
    share = noise + voiced
    share += np.float32(1e-20)
    np.divide(noise, share, out=share)
    share *= noise
    return share


_SILENT_LOG_MEL = -6.85
#: Keeps the vocoder's noise apart from the renderer's of the same stem.
_DOMAIN = 1 << 32
#: Keeps the numbers of the noise's rows positive for the halo before the start; another number is another take.
_NOISE_SHIFT = 2048


def _levels(log_mel: np.ndarray) -> np.ndarray:
    """float32 ``[frames + 1]``, at the edges of frames: 1 beside one into which a window reaches that hears more than
    silence, else 0."""
    loud = np.pad(log_mel.max(axis=1) > _SILENT_LOG_MEL, _EDGE + 1)
    # Beside an edge are two frames, and each is reached from _EDGE frames on both sides.
    reached = [loud[shift : shift + len(log_mel) + 1] for shift in range(2 * _EDGE + 2)]
    return np.any(reached, axis=0).astype(np.float32)


def _ramps(levels: np.ndarray) -> np.ndarray:
    """Levels at the edges of frames ``[frames + 1]`` → a line from one to the next, ``[frames · HOP]``."""
    ramp = np.arange(HOP, dtype=np.float32) / HOP
    return (levels[:-1, None] + np.diff(levels)[:, None] * ramp).reshape(-1)


def _onsets(notes: Sequence[NoteEvent], instrument: Instrument, first_frame: int, frames: int) -> list[int]:
    """Where notes begin within some frames, in samples from the first of them."""
    if instrument.excitation == "noise":
        return []
    starts = (round(note.start_s * SAMPLE_RATE_HZ) - first_frame * HOP for note in notes)
    return clusters([start for start in starts if 0 <= start < frames * HOP])


def _rows(values: np.ndarray, start: int, length: int) -> np.ndarray:
    """Rows ``start … start + length``; beyond the part there is silence."""
    rows = np.full((length, MEL_BANDS), np.log(1e-3), np.float32)
    low, high = max(0, start), min(len(values), start + length)
    rows[low - start : high - start] = values[low:high]
    return rows


def _white(noise: NoiseField, first_block: int, blocks: int) -> np.ndarray:
    """White noise that belongs to the absolute position, float32 ``[blocks · HOP]``."""
    return NOISE_LEVEL * noise.rows(first_block, blocks, HOP, _DOMAIN, _NOISE_SHIFT).reshape(-1)
