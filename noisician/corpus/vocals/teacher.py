"""From a spoken line and the way a phrase is to be sung to what the network shall draw.

Envelopes are moved in time phone by phone: vowels keep their edges at speaking speed and hold their middle, stops keep
their release, everything else is stretched evenly. On top come the rules of singing that live in the spectrum: vocal
effort as tilt and singer's formant (Sundberg 1974), breath, the first formant raised above the pitch (Sundberg 1975),
one level for all vowels, breaths of shaped noise. Pitch and timing are the performance's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.corpus.vocals.analysis import FRAME_S, VOWEL_LEVEL_DB, Analysis, frame_level_db
from noisician.errors import CorpusError
from noisician.lyrics.phones import AFFRICATES, DIPHTHONGS, OBSTRUENTS, STOPS, VOWELS
from noisician.mel import SAMPLE_RATE_HZ
from noisician.vocals.features import (
    APERIODICITY_HZ,
    BINS,
    ENVELOPE_FLOOR_DB,
    N_FFT,
    bins_hz,
    join_features,
    mel_band_matrix,
)
from noisician.vocals.frames import FRAME_RATE_HZ, Frames, Performance, TimedPhone
from noisician.vocals.phones import BREATH, PAUSE, PHONE_IDS, UNVOICED

#: Edges of a held vowel that keep their speed: share of the spoken vowel, and at most seconds.
_VOWEL_IN, _VOWEL_IN_S = 0.30, 0.060
_VOWEL_OUT, _VOWEL_OUT_S = 0.30, 0.110
_GLIDE_OUT, _GLIDE_OUT_S = 0.58, 0.180  # of diphthongs, whose second half is the glide
_HELD_FROM = 1.15  # times its spoken length, from which a vowel counts as held
_RELEASE, _RELEASE_S = 0.5, 0.045  # of a stop
#: Effort: tilt above a corner and lift of the singer's formant, from 0 to 1.
_TILT_DB_PER_OCTAVE, _TILT_FROM_HZ, _NEUTRAL_EFFORT = 5.0, 700.0, 0.5
_SINGERS_HZ, _SINGERS_WIDTH_HZ, _SINGERS_DB = 2900.0, 420.0, (1.0, 6.0)
#: Amplitude of noise over all, dB at APERIODICITY_HZ, of a sung vowel and of a voiced obstruent.
_VOWEL_NOISE_DB = (-46.0, -34.0, -23.0, -12.0, -5.0, -2.4)
_OBSTRUENT_NOISE_DB = (-30.0, -16.0, -6.0, -2.2, -1.0, -0.6)
_BREATH_DB = (10.0, 16.0, 16.0, 11.0, 5.0, 2.0)  # for breath from 0 to 1
_EFFORT_NOISE_DB = -6.0
_NEUTRAL_BREATH = 0.3
_AIR_DB, _AIR_FROM_HZ, _AIR_TO_HZ = 6.0, 4000.0, 10000.0
#: Slow random movement, as standard deviation in dB and width in frames.
_NOISE_WANDER_DB, _NOISE_WANDER_FRAMES = 1.2, 5.0
_VOWEL_WANDER_DB, _VOWEL_WANDER_FRAMES, _VOWEL_WANDER_BANDS, _VOWEL_WANDER_TOP_HZ = 0.5, 4.0, 24, 12000.0
#: Level: how much of a vowel's distance from the usual level is taken away, for the syllable and within it.
_LEVELLED, _FLATTENED, _LEVEL_SPREAD_DB = 0.85, 0.6, 0.5
_RELEASE_DB, _RELEASE_DB_A_FRAME, _APPROACH_DB_A_FRAME = -18.0, -12.0, -30.0
#: Breath phones re the level of vowels.
_BREATH_LEVEL_DB = -26.0
#: The first formant is looked for here, and kept this much above the pitch.
_F1_HZ, _F1_ABOVE, _F1_REACH_HZ = (250.0, 1000.0), 1.05, 3000.0
_F1_PLATEAU_DB, _F1_FRAMES = 2.0, 4.0


def sing(analysis: Analysis, performance: Performance, warp: float, seed: int) -> np.ndarray:
    """Features float32 ``[frames, 106]`` of a performance in the voice of ``analysis``.

    ``warp`` is the logarithm of the factor on all formants. Raises CorpusError when the phones of the two differ.
    """
    rng = np.random.default_rng([seed, 0x51E6])
    frames = performance.frames
    places, sounding = _source_places(analysis.phones, performance.phones, len(frames))
    envelope = _gather(analysis.envelope_db, places)
    envelope = _warp_formants(envelope, warp)
    vowels = np.isin(frames.phone, [PHONE_IDS[phone] for phone in VOWELS])
    envelope = _raise_first_formant(envelope, frames.f0_hz, vowels & sounding)
    envelope = envelope + _colour_db(frames, vowels, warp, rng)
    envelope = _level(envelope, performance, vowels & sounding, rng)
    _fill_breaths(envelope, performance, warp, rng)
    envelope = envelope + frames.energy_db[:, None]
    _fill_pauses(envelope, frames, sounding)
    bands = np.maximum(envelope, ENVELOPE_FLOOR_DB).astype(np.float32) @ mel_band_matrix().T
    return join_features(bands, _aperiodicity_db(frames, rng))


def _source_places(
    spoken: Sequence[TimedPhone], sung: Sequence[TimedPhone], length: int
) -> tuple[np.ndarray, np.ndarray]:
    """For every frame its place in the analysis (in frames of that), and whether a phone sounds there."""
    words = [phone for phone in spoken if phone.phone != PAUSE]
    wanted = [phone for phone in sung if phone.phone not in (PAUSE, BREATH)]
    if [phone.phone for phone in words] != [phone.phone for phone in wanted]:
        raise CorpusError(f"{len(wanted)} sung phones are not the {len(words)} spoken ones; the pronunciations differ")
    places, sounding = np.zeros(length), np.zeros(length, bool)
    for source, target in zip(words, wanted, strict=True):
        first = max(0, int(np.ceil(target.start_s * FRAME_RATE_HZ - 1e-6)))
        last = min(length, int(np.ceil(target.end_s * FRAME_RATE_HZ - 1e-6)))
        if last <= first:
            continue
        times_s = np.arange(first, last) / FRAME_RATE_HZ - target.start_s
        places[first:last] = source.start_s + stretch(target.phone, times_s, target.duration_s, source.duration_s)
        sounding[first:last] = True
    return places / FRAME_S, sounding


def stretch(phone: str, times_s: np.ndarray, sung_s: float, spoken_s: float) -> np.ndarray:
    """Seconds into a spoken phone for ``times_s`` into the sung one; rises from 0 to ``spoken_s``."""
    if phone in VOWELS and sung_s > _HELD_FROM * spoken_s:
        gliding = phone in DIPHTHONGS
        start = min(_VOWEL_IN * spoken_s, _VOWEL_IN_S)
        end = min(_GLIDE_OUT * spoken_s, _GLIDE_OUT_S) if gliding else min(_VOWEL_OUT * spoken_s, _VOWEL_OUT_S)
        corners = ([0.0, start, sung_s - end, sung_s], [0.0, start, spoken_s - end, spoken_s])
    elif phone in STOPS or phone in AFFRICATES:
        release = min(_RELEASE * spoken_s, _RELEASE_S, 0.6 * sung_s)
        corners = ([0.0, sung_s - release, sung_s], [0.0, spoken_s - release, spoken_s])
    else:
        corners = ([0.0, sung_s], [0.0, spoken_s])
    return np.interp(times_s, *corners)


def _gather(envelope_db: np.ndarray, places: np.ndarray) -> np.ndarray:
    place = np.clip(places, 0, len(envelope_db) - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)[:, None]
    return envelope_db[low] * (1 - share) + envelope_db[low + 1] * share


def _warp_formants(envelope_db: np.ndarray, warp: float) -> np.ndarray:
    if warp == 0:
        return envelope_db
    place = np.minimum(np.arange(BINS) / np.exp(warp), BINS - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    return envelope_db[:, low] * (1 - share) + envelope_db[:, low + 1] * share


def _raise_first_formant(envelope_db: np.ndarray, f0_hz: np.ndarray, vowels: np.ndarray) -> np.ndarray:
    """Frames whose pitch is above their first formant get it moved there; what is above 3 kHz stays."""
    from scipy.ndimage import gaussian_filter1d

    hz = bins_hz()
    low, high = (round(edge * N_FFT / SAMPLE_RATE_HZ) for edge in _F1_HZ)
    part = envelope_db[:, low:high]
    near_top = part >= part.max(axis=1, keepdims=True) - _F1_PLATEAU_DB
    first_hz = hz[high - 1 - np.argmax(near_top[:, ::-1], axis=1)]  # the upper end where the peak is flat
    first_hz = gaussian_filter1d(first_hz, _F1_FRAMES, mode="nearest")
    raised_hz = f0_hz * _F1_ABOVE
    raised = envelope_db.copy()
    for frame in np.flatnonzero(vowels & (raised_hz > first_hz)):
        source_hz = np.interp(
            hz, (0, raised_hz[frame], _F1_REACH_HZ, hz[-1]), (0, first_hz[frame], _F1_REACH_HZ, hz[-1])
        )
        raised[frame] = np.interp(source_hz, hz, envelope_db[frame])
    return raised


def _colour_db(frames: Frames, vowels: np.ndarray, warp: float, rng: np.random.Generator) -> np.ndarray:
    """What effort and breath add to the spectrum, and the small movement of a held vowel, ``[frames, 1025]``."""
    hz = bins_hz()
    effort = frames.effort[:, None] - _NEUTRAL_EFFORT
    octaves = np.log2(np.maximum(hz, _TILT_FROM_HZ) / _TILT_FROM_HZ)
    voiced = frames.voiced[:, None]
    colour = _TILT_DB_PER_OCTAVE * effort * octaves * (0.3 + 0.7 * voiced)
    lift = _SINGERS_DB[0] + (_SINGERS_DB[1] - _SINGERS_DB[0]) * frames.effort
    formant = np.exp(-0.5 * ((hz - _SINGERS_HZ * np.exp(warp / 2)) / _SINGERS_WIDTH_HZ) ** 2)
    colour += (lift * vowels)[:, None] * formant
    air = np.clip((hz - _AIR_FROM_HZ) / (_AIR_TO_HZ - _AIR_FROM_HZ), 0, 1)
    colour += _AIR_DB * (frames.breath[:, None] - _NEUTRAL_BREATH) * air * voiced
    knots = np.linspace(0, _VOWEL_WANDER_TOP_HZ, _VOWEL_WANDER_BANDS)
    spread = np.stack([np.interp(hz, knots, row) for row in np.eye(_VOWEL_WANDER_BANDS)])
    wander = _wander(rng, (len(frames), _VOWEL_WANDER_BANDS), _VOWEL_WANDER_FRAMES)
    return (colour + _VOWEL_WANDER_DB * wander @ spread * vowels[:, None]).astype(np.float32)


def _wander(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> np.ndarray:
    """Smooth noise of unit variance along the first axis."""
    from scipy.ndimage import gaussian_filter1d

    noise = gaussian_filter1d(rng.standard_normal(shape), width, axis=0, mode="wrap")
    return noise * np.sqrt(2 * np.sqrt(np.pi) * width)


def _level(
    envelope_db: np.ndarray, performance: Performance, vowels: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Brings the vowels of all syllables near one level; consonants move with their syllable."""
    from scipy.ndimage import gaussian_filter1d

    level = frame_level_db(envelope_db)
    times, gains = [], []
    for phone in performance.phones:
        if phone.syllable < 0 or phone.phone not in VOWELS:
            continue
        part = slice(round(phone.start_s * FRAME_RATE_HZ), max(round(phone.end_s * FRAME_RATE_HZ), 1))
        own = level[part][vowels[part]]
        if len(own):
            gain = _LEVELLED * (VOWEL_LEVEL_DB - float(np.median(own))) + _LEVEL_SPREAD_DB * rng.standard_normal()
            members = [other for other in performance.phones if other.syllable == phone.syllable]
            times += [members[0].start_s + 0.01, members[-1].end_s - 0.01]
            gains += [gain, gain]
    frame_s = np.arange(len(level)) / FRAME_RATE_HZ
    gain = gaussian_filter1d(np.interp(frame_s, times, gains), 1.5) if times else np.zeros(len(level))
    level = level + gain
    uneven = np.where(vowels, level - VOWEL_LEVEL_DB, 0.0)
    gain = gain - _FLATTENED * gaussian_filter1d(uneven, 3.0) * vowels
    return envelope_db + gain[:, None].astype(np.float32)


def _fill_breaths(envelope_db: np.ndarray, performance: Performance, warp: float, rng: np.random.Generator) -> None:
    """Inhaled air: turbulence with weak formants, swelling until just before the voice sets in."""
    hz = bins_hz() / np.exp(warp)
    for phone in performance.phones:
        if phone.phone != BREATH:
            continue
        first, last = (round(time_s * FRAME_RATE_HZ) for time_s in (phone.start_s, phone.end_s))
        first, last = max(first, 0), min(last, len(envelope_db))
        if last <= first:
            continue
        shape = -14 * np.exp(-hz / 500) - 2.2 * np.maximum(hz - 4500, 0) / 1000
        for centre_hz, width_hz, height_db in ((1600, 350, 7), (2700, 450, 6), (4200, 700, 5)):
            moved_hz = centre_hz * np.exp(0.06 * rng.standard_normal())
            shape = shape + height_db * np.exp(-0.5 * ((hz - moved_hz) / width_hz) ** 2)
        shape = shape - frame_level_db(shape[None])[0]
        position = (np.arange(last - first) + 0.5) / (last - first)
        swell = 20 * np.log10(np.minimum(position / 0.6, (1 - position) / 0.25).clip(1e-3, 1))
        flutter = _wander(rng, (last - first, 1), 2.0)[:, 0]
        envelope_db[first:last] = VOWEL_LEVEL_DB + _BREATH_LEVEL_DB + shape + (swell + flutter)[:, None]


def _fill_pauses(envelope_db: np.ndarray, frames: Frames, sounding: np.ndarray) -> None:
    """Silence, with the last sound dying away into it within a few frames."""
    silent = ~sounding & (frames.phone != PHONE_IDS[BREATH])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        count = np.arange(last - first, dtype=np.float32)[:, None]
        filled = np.full((last - first, BINS), ENVELOPE_FLOOR_DB, np.float32)
        if first > 0:
            filled = np.maximum(filled, envelope_db[first - 1] + _RELEASE_DB + _RELEASE_DB_A_FRAME * count)
        if last < len(envelope_db):
            filled = np.maximum(filled, envelope_db[last] + _APPROACH_DB_A_FRAME * (count[::-1] + 1))
        envelope_db[first:last] = filled


def _aperiodicity_db(frames: Frames, rng: np.random.Generator) -> np.ndarray:
    """How much of each frame is noise, float32 ``[frames, 6]``: 0 dB where unvoiced."""
    from scipy.ndimage import gaussian_filter1d

    obstruent = np.isin(frames.phone, [PHONE_IDS[phone] for phone in OBSTRUENTS - UNVOICED])[:, None]
    curve = np.where(obstruent, np.array(_OBSTRUENT_NOISE_DB), np.array(_VOWEL_NOISE_DB))
    curve = curve + (frames.breath[:, None] - _NEUTRAL_BREATH) * np.array(_BREATH_DB)
    reach = np.linspace(1.0, 0.2, len(APERIODICITY_HZ))
    curve += _EFFORT_NOISE_DB * (frames.effort[:, None] - _NEUTRAL_EFFORT) * reach
    curve += _NOISE_WANDER_DB * _wander(rng, (len(frames), 1), _NOISE_WANDER_FRAMES) * reach
    voiced = frames.voiced[:, None] > 0.5
    amplitude = np.where(voiced, 10 ** (np.minimum(curve, 0) / 20), 1.0)
    smooth = gaussian_filter1d(amplitude, 0.6, axis=0, mode="nearest")
    return np.where(voiced, 20 * np.log10(smooth), 0.0).astype(np.float32)
