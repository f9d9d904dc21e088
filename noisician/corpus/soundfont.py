"""General MIDI soundfonts as players: notes in, dry mono samples out (TinySoundFont, MIT)."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import CorpusError
from noisician.mel import SAMPLE_RATE_HZ
from noisician.score.played import NoteEvent
from noisician.styles import Instrument

#: Where Debian's packages put the soundfonts (all MIT, parts CC0 and public domain).
SOUNDFONTS = {
    "fluidr3": Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    "fluidr3mono": Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"),
    "musescore": Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"),
}
TRAINING_SOUNDFONTS = ("fluidr3", "fluidr3mono")
HELD_OUT_SOUNDFONT = "musescore"
FADE_OUT_SAMPLES = 1024
_PACKAGES = {
    "fluidr3": "fluid-soundfont-gm",
    "fluidr3mono": "fluidr3mono-gm-soundfont",
    "musescore": "musescore-general-soundfont",
}


def _tinysoundfont() -> Any:
    # Its pyaudio dependency serves live playback only and builds just where PortAudio is; an empty module will do.
    sys.modules.setdefault("pyaudio", types.ModuleType("pyaudio"))
    try:
        import tinysoundfont
    except ModuleNotFoundError as missing:
        raise CorpusError("tinysoundfont is not installed; run: pip install --no-deps tinysoundfont") from missing
    return tinysoundfont


class SoundfontPlayer:
    """Plays any General MIDI instrument of one soundfont file."""

    def __init__(self, name: str, path: Path | None = None) -> None:
        path = SOUNDFONTS[name] if path is None else path
        if not path.exists():
            raise CorpusError(f"soundfont {path} is missing; install the Debian package {_PACKAGES[name]}")
        self.name = name
        self._synth = _tinysoundfont().Synth(samplerate=SAMPLE_RATE_HZ, gain=0)
        self._font = self._synth.sfload(str(path))

    def render(self, instrument: Instrument, notes: Sequence[NoteEvent], duration_s: float) -> np.ndarray:
        """Mono float32 ``[round(duration_s · 44100)]`` at the soundfont's own level."""
        synth, channel = self._synth, 9 if instrument.excitation == "drum" else 0
        synth.sounds_off(channel)
        self._generate(FADE_OUT_SAMPLES)  # what was cut off before fades over 10 ms: not into this part
        synth.program_select(
            channel, self._font, int(instrument.source.get("bank", 0)), int(instrument.source["program"])
        )
        total = round(duration_s * SAMPLE_RATE_HZ)
        out = np.zeros(total, np.float32)
        at = 0
        for when, sounding, pitch, velocity in _events(notes):
            until = min(round(when * SAMPLE_RATE_HZ), total)
            if until > at:
                out[at:until] = self._generate(until - at)
                at = until
            if at >= total:
                break
            if sounding:
                synth.noteon(channel, pitch, velocity)
            else:
                synth.noteoff(channel, pitch)
        if at < total:
            out[at:] = self._generate(total - at)
        synth.sounds_off(channel)
        return out

    def _generate(self, samples: int) -> np.ndarray:
        stereo = np.frombuffer(bytes(self._synth.generate(samples)), np.float32).reshape(-1, 2)
        return stereo.mean(axis=1)


def _events(notes: Sequence[NoteEvent]) -> list[tuple[float, bool, int, int]]:
    """(seconds, sounding, pitch, velocity), note-offs before note-ons of the same instant."""
    events = [(note.start_s, True, note.pitch, note.velocity) for note in notes]
    events += [(note.end_s, False, note.pitch, 0) for note in notes]
    return sorted(events)
