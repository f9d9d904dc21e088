"""The CC0 samples: reading them, which key of which kit plays which, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from noisician.audio import fade
from noisician.corpus.voices.common import FloatArray, butterworth, peak_normalise, sample_count
from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ

#: Where to get the samples, as said in the error.
ORIGIN = "https://github.com/sonic-pi-net/sonic-pi (folder etc/samples, CC0)"
_LONGEST_HIT_S = 3.0
_LEAD_S = 0.001

Choice = tuple[str, float]
"""(sample name, semitones up)."""
Keys = dict[int, tuple[Choice, ...]]


def _each(names: str, semitones: float = 0.0) -> tuple[Choice, ...]:
    return tuple((name, semitones) for name in names.split())


def _tuned(name: str, steps: dict[int, float]) -> Keys:
    return {key: ((name, semitones),) for key, semitones in steps.items()}


_TOMS = {41: -5.0, 43: -3.0, 45: 0.0, 47: 2.0, 48: 5.0, 50: 8.0}
_PERCUSSION: Keys = {
    53: _each("perc_bell2", 7), 54: _each("drum_cymbal_pedal hat_cats"), 56: _each("drum_cowbell"),
    58: _each("elec_twip"), **_tuned("elec_bong", {60: 7, 61: 3, 62: 5, 63: 2, 64: -3}),
    **_tuned("drum_tom_hi_hard", {65: 9, 66: 5}), **_tuned("elec_bell", {67: 24, 68: 19}),
    69: _each("hat_cab", 3), 70: _each("hat_tap hat_mess"), 71: _each("elec_blip2", 12),
    72: _each("elec_blip", 5), 73: _each("perc_swash", 12), 74: _each("perc_swash", 7),
    75: _each("elec_tick", 9), 76: _each("elec_pop", 7), 77: _each("elec_pop", 2),
    78: _each("elec_blup", 9), 79: _each("elec_blup", 4), 80: _each("elec_triangle"),
    81: _each("elec_triangle elec_chime"),
}  # fmt: skip

_LOFI: Keys = {
    **_PERCUSSION,
    35: _each("bd_jazz drum_bass_soft bd_808"), 36: _each("bd_fat bd_jazz drum_bass_soft bd_ada drum_heavy_kick"),
    37: _each("elec_wood perc_snap2", 5), 38: _each("sn_dolf sn_zome drum_snare_soft sn_generic", -2),
    39: _each("perc_snap perc_snap2"), 40: _each("drum_snare_soft sn_dolf elec_mid_snare"),
    42: _each("hat_tap hat_raw hat_zild hat_noiz drum_cymbal_closed"), 44: _each("drum_cymbal_pedal hat_cab"),
    46: _each("hat_gump hat_cats drum_cymbal_open"), 49: _each("drum_splash_soft drum_cymbal_soft"),
    57: _each("drum_cymbal_soft drum_splash_soft", -2), 52: _each("drum_splash_hard", -3),
    55: _each("drum_splash_soft", 3), 51: _each("ride_via ride_tri"), 59: _each("ride_tri ride_via", 2),
    **_tuned("drum_tom_mid_soft", _TOMS),
}  # fmt: skip
_CLUB: Keys = {
    **_PERCUSSION,
    35: _each("bd_boom bd_gas bd_pure"), 36: _each("bd_haus bd_klub bd_tek bd_pure bd_sone bd_zum"),
    37: _each("elec_wood", 7), 38: _each("sn_dub sn_generic elec_snare"),
    39: _each("perc_snap perc_snap2 elec_hi_snare"),
    40: _each("elec_hi_snare elec_filt_snare elec_mid_snare"),
    42: _each("hat_bdu hat_gem hat_star hat_snap hat_yosh hat_hier"),
    44: _each("hat_len hat_sci", 2), 46: _each("hat_gump elec_cymbal hat_cats hat_zan"),
    49: _each("drum_cymbal_hard elec_cymbal"), 57: _each("drum_cymbal_hard elec_cymbal", -2),
    52: _each("drum_splash_hard", -3), 55: _each("drum_splash_hard", 3),
    51: _each("ride_tri ride_via"), 59: _each("ride_via ride_tri", 2), **_tuned("elec_fuzz_tom", _TOMS),
}  # fmt: skip
_GLITCH: Keys = {
    **_PERCUSSION,
    35: _each("elec_hollow_kick glitch_perc1 bd_mehackit"),
    36: _each("bd_mehackit elec_soft_kick bd_chip bd_zome elec_hollow_kick"),
    37: _each("elec_flip elec_tick elec_plip"), 38: _each("glitch_perc4 elec_lo_snare elec_mid_snare sn_zome"),
    39: _each("glitch_perc5 perc_snap2 mehackit_robot7"), 40: _each("glitch_perc5 elec_filt_snare glitch_perc3"),
    42: _each("hat_psych hat_zap hat_metal elec_tick", 2), 44: _each("elec_tick hat_sci"),
    46: _each("hat_zan elec_twang hat_gump"), 49: _each("glitch_robot2 mehackit_phone3 elec_filt_snare"),
    57: _each("glitch_robot1 mehackit_phone4"), 52: _each("mehackit_robot3 mehackit_robot1"),
    55: _each("elec_cymbal glitch_perc3", 3),
    51: _each("elec_ping elec_beep elec_blip"), 59: _each("elec_blip2 elec_ping", 3), 53: _each("elec_ping", 7),
    **_tuned("glitch_perc2", {41: -5, 43: -2, 45: 0}), **_tuned("elec_blup", {47: -4, 48: 0, 50: 4}),
    54: _each("mehackit_phone1"), 58: _each("mehackit_phone2"),
    **_tuned("elec_plip", {60: 4, 61: 0, 62: 2, 63: -3, 64: -7}),
    69: _each("elec_flip", 7), 70: _each("elec_twip", 7),
}  # fmt: skip
_TABLA: Keys = {
    **_tuned("tabla_tun2", {53: 12, 67: 7, 68: 3, 80: 14, 81: 12}), **_tuned("tabla_tun1", {71: 5, 72: 5}),
    35: _each("tabla_ghe5 tabla_ghe6 tabla_ghe2"), 36: _each("tabla_ghe4 tabla_ghe1 tabla_ghe8"),
    37: _each("tabla_te_ne tabla_ke3"), 38: _each("tabla_na tabla_na_o tabla_tas2"), 39: _each("tabla_dhec tabla_re"),
    40: _each("tabla_na_s tabla_tas1"), 42: _each("tabla_te1 tabla_te2 tabla_te_m"), 44: _each("tabla_ke1 tabla_ke2"),
    46: _each("tabla_na_o tabla_tas3"), 49: _each("tabla_tas2 tabla_tun3"), 57: _each("tabla_tun3 tabla_tun1"),
    51: _each("tabla_te2 tabla_te_m"), 59: _each("tabla_te1 tabla_te_ne"), 52: _each("tabla_tas3"),
    55: _each("tabla_na_o", 2),
    54: _each("tabla_re", 4), 56: _each("tabla_na", 5), 58: _each("tabla_re", -2),
    41: _each("tabla_ghe7 tabla_ghe3"), 43: _each("tabla_ghe3 tabla_ghe2"), 45: _each("tabla_ghe2", 3),
    **_tuned("tabla_tun3", {47: -5, 48: -2, 50: 0}), **_tuned("tabla_tas1", {60: 2, 61: -1}),
    62: _each("tabla_dhec"), 63: _each("tabla_na_o", -3), 64: _each("tabla_ghe4"), 65: _each("tabla_tas3", 2),
    66: _each("tabla_tas3", -2),
    69: _each("tabla_te1", 5), 70: _each("tabla_te_m", 5), 73: _each("tabla_re", 2), 74: _each("tabla_re"),
    75: _each("tabla_te_ne", 9), 76: _each("tabla_ke1", 9), 77: _each("tabla_ke2", 5),
    78: _each("tabla_ghe8", 6), 79: _each("tabla_ghe1", 3),
}  # fmt: skip

SAMPLE_KITS: dict[str, Keys] = {
    "lofi_kit": _LOFI,
    "club_kit": _CLUB,
    "glitch_kit": _GLITCH,
    "tabla_kit": _TABLA,
}
"""Samples of each key of each sampled kit; a seed draws one of the choices."""

TEXTURE_SAMPLES = ("vinyl_hiss", "ambi_lunar_land", "ambi_dark_woosh", "ambi_sauna", "perc_impact1", "ambi_swoosh")
"""Samples the textures lay under their own synthesis when there is a folder of samples."""


@dataclass(frozen=True)
class SampleSource:
    """One sample the corpus contains: file name, licence, origin."""

    file: str
    licence: str
    origin: str


def sources() -> tuple[SampleSource, ...]:
    """Every sample file a voice can play, by name."""
    names = {name for keys in SAMPLE_KITS.values() for choices in keys.values() for name, _ in choices}
    return tuple(SampleSource(f"{name}.flac", "CC0-1.0", ORIGIN) for name in sorted(names | set(TEXTURE_SAMPLES)))


@cache
def load(samples_dir: Path, name: str) -> FloatArray:
    """One sample: mono, 44.1 kHz, from just before its onset, without DC, peak 1. Read-only, kept in memory.

    Raises:
        CorpusError: the file is not there or cannot be read.
    """
    import soundfile
    import soxr

    path = samples_dir / f"{name}.flac"
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise CorpusError(f"cannot read the sample {path}: {error}; the samples come from {ORIGIN}") from error
    mono = audio.mean(axis=1)
    if rate != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate, SAMPLE_RATE_HZ, "HQ")
    mono = peak_normalise(butterworth(np.asarray(mono, dtype=np.float32), "highpass", 18.0, 1))
    onset = int(np.argmax(np.abs(mono) > 0.06))
    mono = fade(mono[max(0, onset - sample_count(_LEAD_S)) :].copy(), 0.0007, 0.01)
    mono.setflags(write=False)
    return mono


def need(samples_dir: Path | None, instrument_id: str) -> Path:
    """The folder of samples, or the error that says where to get it."""
    if samples_dir is None:
        raise CorpusError(f"{instrument_id} plays recorded samples and no samples folder was given; get {ORIGIN}")
    if not samples_dir.is_dir():
        raise CorpusError(f"the samples folder {samples_dir} of {instrument_id} does not exist; get {ORIGIN}")
    return samples_dir


def shifted(sound: FloatArray, semitones: float) -> FloatArray:
    """Played faster or slower, as a sampler does: pitch and length change together."""
    import soxr

    if abs(semitones) < 1e-3:
        return sound
    out = soxr.resample(sound, SAMPLE_RATE_HZ * 2.0 ** (semitones / 12.0), SAMPLE_RATE_HZ, "HQ")
    return np.asarray(out, dtype=np.float32)


def kit_strokes(
    instrument_id: str, samples_dir: Path | None, rng: np.random.Generator
) -> dict[int, Callable[[float, np.random.Generator], FloatArray]]:
    """The strokes of a sampled kit, one sample a key drawn from its choices.

    Raises:
        CorpusError: no samples folder, or a sample is missing.
    """
    folder = need(samples_dir, instrument_id)
    tuning = float(rng.uniform(-1.5, 1.5)) - (2.0 if instrument_id == "lofi_kit" else 0.0)
    dusty = instrument_id == "lofi_kit"
    top_hz = float(rng.uniform(5500.0, 9500.0)) if dusty else 18000.0
    strokes = {}
    for key, choices in sorted(SAMPLE_KITS[instrument_id].items()):
        name, semitones = choices[int(rng.integers(len(choices)))]
        strokes[key] = _sampled(folder, name, semitones + tuning, top_hz, 1.6 if dusty else 0.0)
    return strokes


def _sampled(
    folder: Path, name: str, semitones: float, top_hz: float, drive: float
) -> Callable[[float, np.random.Generator], FloatArray]:
    def strike(force: float, rng: np.random.Generator) -> FloatArray:
        sound = shifted(load(folder, name), semitones + float(rng.uniform(-0.15, 0.15)))
        sound = sound[: sample_count(_LONGEST_HIT_S)]
        cutoff_hz = min(19000.0, top_hz * (0.4 + 0.6 * force))
        if cutoff_hz < 15000.0:
            sound = butterworth(sound, "lowpass", cutoff_hz, 1)
        if drive:
            sound = np.tanh(drive * sound).astype(np.float32)
        return fade(peak_normalise(sound.copy()), 0.0003, 0.02)

    return strike
