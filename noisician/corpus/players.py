"""Everyone who plays for the corpus: instruments of soundfonts, takes on our own voices, recordings in a sampler.

A player is known by its name and plays the same whatever else is played. Each is also the source of its references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from noisician.corpus.clips import LEVEL_S, level_gain
from noisician.corpus.exercises import DRUM_PITCHES
from noisician.corpus.recordings import (
    HELD_OUT,
    RecordedKit,
    Recordings,
    play_recordings,
    read_recordings,
    recorded_kit,
)
from noisician.corpus.soundfont import SoundfontPlayer
from noisician.corpus.voices import VOICES
from noisician.corpus.voices import render as render_voice
from noisician.errors import CorpusError
from noisician.renderer.reference_notes import ONSET_S, record
from noisician.renderer.references import References
from noisician.score.percussion import PIECE_KEYS
from noisician.score.played import NoteEvent
from noisician.styles import UNLISTED, Instrument, shipped_instruments

REFERENCE_STEP = 4
REFERENCE_VELOCITIES = (45, 80, 115)
#: Noises that last exactly as long as their note, however long that is.
STRETCHED = frozenset({"noise_riser", "downlifter", "reverse_swell"})
#: Takes on each of our own voices, and kits put together from the recorded drums.
VOICE_TAKES = 4
RECORDED_KITS = 12
#: General MIDI programs that no instrument of the styles uses are instruments all the same; not sound effects.
_LAST_MUSICAL_PROGRAM = 119
_SUSTAINED_PROGRAMS = frozenset([*range(16, 24), *range(40, 45), *range(48, 104), *range(109, 112)])

Play = Callable[[Sequence[NoteEvent], float, int], np.ndarray]
"""(notes, seconds, take) → mono float32."""


@dataclass(frozen=True)
class Player:
    """``name`` as in the shards; ``play`` at the level that all share. ``keys`` are the pitches worth recording."""

    name: str
    instrument: Instrument
    play: Play
    keys: tuple[int, ...]
    one_voice: bool = False

    def record(self, wanted: Sequence[tuple[int, int]] | None = None) -> References:
        """Its references: every key at every reference velocity, or the ``wanted`` (pitch, velocity) pairs."""

        def note(pitch: int, velocity: int, held_s: float, duration_s: float) -> np.ndarray:
            return self.play([NoteEvent(pitch, ONSET_S, ONSET_S + held_s, velocity)], duration_s, 0)

        noise = self.instrument.excitation == "noise"
        velocities = REFERENCE_VELOCITIES[1:2] if noise else REFERENCE_VELOCITIES
        wanted = wanted or [(key, velocity) for key in self.keys for velocity in velocities]
        kind, sustain = self.instrument.excitation, self.instrument.sustain
        return record(note, kind, sustain, wanted, self.one_voice, self.instrument.id in STRETCHED)


@dataclass(frozen=True)
class Players:
    """Finds players by name: ``font/instrument``, ``font/gm-PROGRAM``, ``voice/id/take``, ``recorded/id``,
    ``recorded-kit/number``. Folders that are not given have no players.
    """

    samples_dir: Path | None = None
    recordings_dir: Path | None = None

    def find(self, name: str) -> Player:
        """Raises CorpusError for an unknown name."""
        kind, _, rest = name.partition("/")
        if kind == "voice":
            player = self._voice(name, *rest.split("/"))
        elif kind == "recorded":
            player = self._recorded(name, rest)
        elif kind == "recorded-kit":
            player = self._kit(name, int(rest))
        else:
            player = _of_soundfont(name, kind, rest)
        return _at_level(player)

    def _voice(self, name: str, id_: str, take: str) -> Player:
        if id_ not in VOICES:
            raise CorpusError(f"player {name!r}: there is no voice {id_!r}")
        instrument = shipped_instruments()[id_]
        seed = int(take)
        return Player(
            name,
            instrument,
            lambda notes, duration_s, _: render_voice(id_, notes, duration_s, seed, self.samples_dir),
            keys_of(instrument),
            one_voice=instrument.excitation == "harmonic" and not instrument.polyphonic,
        )

    def _recorded(self, name: str, id_: str) -> Player:
        recordings = _recordings(self.recordings_dir)
        if id_ not in recordings:
            raise CorpusError(f"player {name!r}: there are no such recordings in {self.recordings_dir}")
        one = recordings[id_]

        def play(notes: Sequence[NoteEvent], duration_s: float, take: int) -> np.ndarray:
            return play_recordings(one, notes, duration_s, np.random.default_rng([take, 0x5A]))

        return Player(name, one.instrument, play, tuple(sorted({round(sample.pitch) for sample in one.samples})))

    def of_pieces(self, name: str, pieces: Mapping[int, str]) -> Player:
        """A kit of recorded pieces: the id of the recordings by key. Raises CorpusError where there are none."""
        recordings = _recordings(self.recordings_dir)
        missing = sorted(set(pieces.values()) - set(recordings))
        if missing:
            raise CorpusError(f"player {name!r}: there are no recordings {missing[0]!r} in {self.recordings_dir}")
        return _at_level(_kit_player(name, RecordedKit({key: recordings[id_] for key, id_ in pieces.items()})))

    def _kit(self, name: str, number: int) -> Player:
        return _kit_player(name, recorded_kit(_recordings(self.recordings_dir), number))


def _kit_player(name: str, kit: RecordedKit) -> Player:
    instrument = replace(shipped_instruments()["standard_kit"], id=name, index=UNLISTED, source={"kind": "recordings"})

    def play(notes: Sequence[NoteEvent], duration_s: float, take: int) -> np.ndarray:
        return kit.play(notes, duration_s, np.random.default_rng([take, 0x5B]))

    return Player(name, instrument, play, tuple(sorted(kit.pieces)))


def _at_level(player: Player) -> Player:
    """The same player at the level that all share."""
    gain = np.float32(level_gain(player.instrument, lambda notes, take: player.play(notes, LEVEL_S, take)))
    return replace(player, play=lambda notes, duration_s, take: player.play(notes, duration_s, take) * gain)


def keys_of(instrument: Instrument) -> tuple[int, ...]:
    """The pitches recorded of an instrument: every piece of a kit, else one in REFERENCE_STEP."""
    if instrument.excitation == "drum":
        return tuple(sorted({*DRUM_PITCHES, *(key for keys in PIECE_KEYS.values() for key in keys)}))
    low, high = instrument.range
    return tuple(range(low, high + 1, REFERENCE_STEP))


def _of_soundfont(name: str, font: str, which: str) -> Player:
    instrument = _general_midi(int(which[3:])) if which.startswith("gm-") else shipped_instruments().get(which)
    if instrument is None or instrument.source["kind"] != "soundfont":
        raise CorpusError(f"player {name!r}: no soundfont plays it")
    return Player(
        name,
        instrument,
        lambda notes, duration_s, take: _soundfont(font).render(instrument, notes, duration_s),
        keys_of(instrument),
    )


def _general_midi(program: int) -> Instrument:
    """A General MIDI program that no instrument of the styles uses."""
    return Instrument(
        id=f"gm-{program}",
        index=UNLISTED,
        name=f"General MIDI program {program}",
        family="general midi",
        excitation="harmonic",
        source={"kind": "soundfont", "program": program},
        sustain="sustained" if program in _SUSTAINED_PROGRAMS else "struck" if program < 16 else "plucked",
        polyphonic=not 56 <= program < 80,
        range=(28, 60) if 32 <= program < 40 else (40, 88),
        roles=("lead",),
        synonyms=(),
        description="",
    )


@cache
def _soundfont(name: str) -> SoundfontPlayer:
    return SoundfontPlayer(name)


@cache
def _recordings(folder: Path | None) -> dict[str, Recordings]:
    return {} if folder is None else read_recordings(folder)


def training_players(recordings_dir: Path | None, soundfonts: Sequence[str]) -> list[tuple[str, float]]:
    """(name, weight) of everyone who plays for training; weights within a kind are equal."""
    table = shipped_instruments().values()
    tabled = [instrument for instrument in table if instrument.source["kind"] == "soundfont"]
    used = {int(instrument.source["program"]) for instrument in tabled if "bank" not in instrument.source}
    other = [program for program in range(_LAST_MUSICAL_PROGRAM + 1) if program not in used]
    recorded = [
        id_
        for id_, one in _recordings(recordings_dir).items()
        if one.drum_piece is None and one.instrument_name not in HELD_OUT
    ]
    groups = [
        (0.42, [f"{font}/{instrument.id}" for font in soundfonts for instrument in tabled]),
        (0.08, [f"{soundfonts[0]}/gm-{program}" for program in other]),
        (0.28, [f"voice/{id_}/{take}" for id_ in VOICES for take in range(VOICE_TAKES)]),
        (0.17, [f"recorded/{id_}" for id_ in recorded]),
        (0.05, [f"recorded-kit/{number}" for number in range(RECORDED_KITS)] if recorded else []),
    ]
    return [(name, share / len(names)) for share, names in groups if names for name in names]
