"""What passes between the performance of a phrase, the corpus, the acoustic network and the renderer.

Frame ``i`` of a phrase is centred at ``i / FRAME_RATE_HZ`` seconds of that phrase's own clock.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from noisician.mel import SAMPLE_RATE_HZ

FRAME_RATE_HZ = 100
HOP = SAMPLE_RATE_HZ // FRAME_RATE_HZ

#: Of the acoustic features: mel-spaced bands of the spectral envelope (dB) and of its aperiodicity (dB, at most 0).
ENVELOPE_BANDS = 100
APERIODICITY_BANDS = 6
FEATURES = ENVELOPE_BANDS + APERIODICITY_BANDS

#: The synthetic speakers voices are mixed from, in the order of a mixture's weights.
SPEAKERS = ("rms", "kal", "ked", "awb", "slt", "pico_us", "pico_gb")

#: Continuous inputs of the network, in the order of :meth:`Frames.network_inputs`.
CHANNELS = (
    "position",  # 2·position − 1, −1 at the phone's start … 1 at its end
    "position_sin",  # sin(π·position): how far from both ends
    "position_cos",  # cos(π·position)
    "log_duration",  # ln(phone duration / 0.15 s)
    "pitch",  # log2(f0 / 220 Hz), octaves
    "pitch_slope",  # semitones a frame, central difference
    "voiced",  # 0/1
    "note_position",  # 2·note position − 1
    "slur",  # 0/1
    "stress",  # stress − 1
    "effort",  # 2·effort − 1
    "breath",  # 2·breath − 1
    "vibrato",  # semitones of depth
    "energy",  # energy_db / 6 dB
)
REFERENCE_DURATION_S = 0.15
REFERENCE_F0_HZ = 220.0
REFERENCE_ENERGY_DB = 6.0


@dataclass(frozen=True)
class SungNote:
    """One note: MIDI pitch (60.0 = middle C, fractions allowed) and its time in seconds."""

    pitch: float
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class SungSyllable:
    """ARPABET phones with stress digits on vowels, exactly one vowel among them, on one note or several (a melisma).

    ``stress`` is the dictionary's digit: 0 none, 1 primary, 2 secondary. ``accent`` is asked for by the writer of the
    words (capitals) and comes on top of the stress.
    """

    phones: tuple[str, ...]
    notes: tuple[SungNote, ...]
    word_start: bool
    word_end: bool
    stress: int
    accent: bool = False

    @property
    def start_s(self) -> float:
        return self.notes[0].start_s

    @property
    def end_s(self) -> float:
        return self.notes[-1].end_s


@dataclass(frozen=True)
class TimedPhone:
    """A phone of :data:`noisician.vocals.phones.PHONES` and its time in the phrase's clock (frame 0 is 0 s).

    ``syllable`` is the index of its syllable in the phrase, −1 for pauses and breaths.
    """

    phone: str
    start_s: float
    end_s: float
    syllable: int

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Frames:
    """The controls of a sung phrase, one array ``[frames]`` a field."""

    phone: np.ndarray  # int16, index in PHONES
    previous: np.ndarray  # int16, the phone before
    following: np.ndarray  # int16, the phone after
    position: np.ndarray  # float32, 0 … 1 in the phone
    log_duration: np.ndarray  # float32, ln of the phone's seconds
    f0_hz: np.ndarray  # float32, interpolated through what is unvoiced; never 0
    voiced: np.ndarray  # float32, 0 or 1
    note_position: np.ndarray  # float32, 0 … 1 in the note; 0 outside notes
    slur: np.ndarray  # float32, 1 from the second note of a syllable on
    stress: np.ndarray  # float32, 0 unstressed, 1 secondary, 2 primary
    effort: np.ndarray  # float32, 0 … 1
    breath: np.ndarray  # float32, 0 … 1
    vibrato: np.ndarray  # float32, depth in semitones (centre to peak) at that moment
    energy_db: np.ndarray  # float32, offset from the voice's usual level

    def __len__(self) -> int:
        return len(self.phone)

    @property
    def duration_s(self) -> float:
        return len(self) / FRAME_RATE_HZ

    def part(self, start: int, stop: int) -> Frames:
        """Frames ``start … stop − 1``."""
        return Frames(**{field.name: getattr(self, field.name)[start:stop] for field in fields(self)})

    def network_inputs(self) -> np.ndarray:
        """Float32 ``[frames, len(CHANNELS)]``: the continuous controls, each of order one."""
        pitch = np.log2(self.f0_hz / REFERENCE_F0_HZ)
        slope = 12.0 * np.gradient(pitch) if len(pitch) > 1 else np.zeros_like(pitch)
        columns = (
            2.0 * self.position - 1.0,
            np.sin(np.pi * self.position),
            np.cos(np.pi * self.position),
            self.log_duration - np.log(REFERENCE_DURATION_S),
            pitch,
            slope,
            self.voiced,
            2.0 * self.note_position - 1.0,
            self.slur,
            self.stress - 1.0,
            2.0 * self.effort - 1.0,
            2.0 * self.breath - 1.0,
            self.vibrato,
            self.energy_db / REFERENCE_ENERGY_DB,
        )
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Performance:
    """How a phrase is sung. ``start_s`` is the score's second at which frame 0 lies (before the first note)."""

    phones: tuple[TimedPhone, ...]
    frames: Frames
    start_s: float
