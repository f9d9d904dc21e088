"""The composer's view of a score: one row a sixteenth, one column a stream of tokens.

Everything is written with C as tonic (the mode is kept), so the same phrase looks the same in every key.

========  ==========================================================================================
stream    tokens
========  ==========================================================================================
chord     0 no chord; 1 + 18 · root + quality. A state: repeated on every step the chord is in force. A piece keeps
          more of a chord above that, of which the composer knows nothing (:func:`harmony_token`)
lead      0 rest; 1 hold the sounding note; 2 + 3 · (pitch − 24) + level. One voice; likewise ``counter``,
          ``arp`` and ``bass``
chords    0 rest; 1 hold; 2 + 3 · (6 · register + voicing) + level: the current chord struck in that
          voicing; likewise ``pad``
kick …    0 silent, else an index into ``DRUM_HITS[stream]``
========  ==========================================================================================

Levels are 0 soft, 1 normal, 2 accented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from noisician.score.harmony import QUALITY_NAMES, REGISTER_FLOORS, VOICINGS
from noisician.score.model import METERS, Meter
from noisician.score.qualities import mask_of, name_of, nearest_quality, tones_of, tones_of_mask

REST, HOLD, FIRST_ONSET = 0, 1, 2
LEVELS = 3
_SETS = 1 << 12
LEVEL_VELOCITIES = (62, 84, 108)
PITCH_LOW, PITCH_HIGH = 24, 103  # with C as tonic, inclusive

#: (General MIDI percussion note, velocity) of each token after 0. The order is part of the composer's vocabulary.
DRUM_HITS: dict[str, tuple[tuple[int, int], ...]] = {
    "kick": ((36, 70), (36, 96), (36, 116)),
    "snare": ((38, 40), (38, 92), (38, 116), (37, 88), (39, 96), (39, 116), (40, 104)),
    "hat": ((42, 50), (42, 76), (42, 100), (44, 70), (46, 88)),
    "cymbal": ((51, 60), (51, 86), (53, 90), (49, 108), (57, 100)),
    "tom": ((41, 96), (45, 96), (48, 96), (50, 96)),
    "perc": ((54, 76), (70, 60), (56, 84), (63, 86), (64, 86), (60, 80), (76, 80), (81, 70)),
}
MONOPHONIC = ("lead", "counter", "arp", "bass")
CHORDAL = ("chords", "pad")
DRUMS = tuple(DRUM_HITS)
STREAMS = ("chord", *MONOPHONIC, *CHORDAL, *DRUMS)

VOCABULARY: dict[str, int] = {
    "chord": 1 + 12 * len(QUALITY_NAMES),
    **{name: FIRST_ONSET + LEVELS * (PITCH_HIGH - PITCH_LOW + 1) for name in MONOPHONIC},
    **{name: FIRST_ONSET + LEVELS * len(REGISTER_FLOORS) * len(VOICINGS) for name in CHORDAL},
    **{name: 1 + len(hits) for name, hits in DRUM_HITS.items()},
}

#: Which streams a role owns. ``chord`` belongs to nobody: it is the harmony they all hear.
ROLE_STREAMS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in (*MONOPHONIC, *CHORDAL)},
    "drums": DRUMS,
}


def chord_token(root: int, quality: str) -> int:
    return 1 + len(QUALITY_NAMES) * (root % 12) + QUALITY_NAMES.index(quality)


def chord_of(token: int) -> tuple[int, str] | None:
    """(root pitch class, quality) of a chord token, None for "no chord"."""
    if token == 0:
        return None
    root, quality = divmod(token - 1, len(QUALITY_NAMES))
    return root, QUALITY_NAMES[quality]


def harmony_token(root: int, quality: str, bass: int | None = None) -> int:
    """A chord as a piece keeps it: the token of the kind nearest to it, and above that, where that does not say all of
    it, the set of its tones and the semitones from the root up to its bass. All with C as tonic."""
    token = chord_token(root, nearest_quality(quality))
    tones = 0 if quality in QUALITY_NAMES else mask_of(tones_of(quality))
    above = 0 if bass is None or (bass - root) % 12 == 0 else (bass - root) % 12
    return token + VOCABULARY["chord"] * (tones + _SETS * above)


def harmony_of(token: int) -> tuple[int, str, int | None] | None:
    """(root, kind, bass) of a chord as a piece keeps it, None for "no chord"."""
    more, narrow = divmod(token, VOCABULARY["chord"])
    chord = chord_of(narrow)
    if chord is None:
        return None
    above, tones = divmod(more, _SETS)
    quality = name_of(frozenset(tones_of_mask(tones))) if tones else chord[1]
    return chord[0], quality, (chord[0] + above) % 12 if above else None


def moved_harmony(token: int, semitones: int) -> int:
    """A chord as a piece keeps it, moved."""
    more, narrow = divmod(token, VOCABULARY["chord"])
    chord = chord_of(narrow)
    return token if chord is None else VOCABULARY["chord"] * more + chord_token(chord[0] + semitones, chord[1])


def composer_chords(tokens: np.ndarray) -> np.ndarray:
    """What of a piece's chords ``[steps]`` the composer knows, int16."""
    return (tokens % VOCABULARY["chord"]).astype(np.int16)


def with_composed_chords(kept: np.ndarray, composed: np.ndarray) -> np.ndarray:
    """Chords that the composer heard or wrote, int32 ``[steps]``, with all that ``kept`` says of those it left."""
    return np.where(composer_chords(kept) == composed, kept, composed).astype(np.int32)


def pitch_token(pitch: int, level: int) -> int:
    return FIRST_ONSET + LEVELS * (pitch - PITCH_LOW) + level


def pitch_of(token: int) -> tuple[int, int]:
    """(pitch, level) of an onset token of a monophonic stream."""
    pitch, level = divmod(token - FIRST_ONSET, LEVELS)
    return pitch + PITCH_LOW, level


def voicing_token(register: int, voicing: str, level: int) -> int:
    return FIRST_ONSET + LEVELS * (len(VOICINGS) * register + VOICINGS.index(voicing)) + level


def voicing_of(token: int) -> tuple[int, str, int]:
    """(register, voicing, level) of an onset token of a chordal stream."""
    shape, level = divmod(token - FIRST_ONSET, LEVELS)
    register, voicing = divmod(shape, len(VOICINGS))
    return register, VOICINGS[voicing], level


@dataclass(frozen=True)
class Grid:
    """Tokens ``[steps, len(STREAMS)]`` int16; ``steps`` is a whole number of bars of ``meter``."""

    tokens: np.ndarray
    time_signature: str = "4/4"

    def __post_init__(self) -> None:
        steps, streams = self.tokens.shape
        if streams != len(STREAMS) or steps % self.meter.steps_per_bar:
            raise ValueError(
                f"grid of shape {self.tokens.shape}; needs whole bars of {self.meter.steps_per_bar} steps "
                f"and {len(STREAMS)} streams"
            )

    @classmethod
    def empty(cls, bars: int, time_signature: str = "4/4") -> Grid:
        steps = bars * METERS[time_signature].steps_per_bar
        return cls(np.zeros((steps, len(STREAMS)), np.int16), time_signature)

    @property
    def meter(self) -> Meter:
        return METERS[self.time_signature]

    @property
    def bars(self) -> int:
        return len(self.tokens) // self.meter.steps_per_bar

    def stream(self, name: str) -> np.ndarray:
        """A writable view ``[steps]`` of one stream."""
        return self.tokens[:, STREAMS.index(name)]
