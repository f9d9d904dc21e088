"""An instrument alone, to be judged: a picture of its recordings, and a test phrase that the networks play."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from noisician.audio import db_to_gain
from noisician.diffusion.noise import NoiseField
from noisician.export import Metadata, Transaction, check_target, picture_of_mel, png_bytes, write_audio
from noisician.mel import HOP, SAMPLE_RATE_HZ
from noisician.models.embedded.play import Networks
from noisician.recipe import software_version
from noisician.renderer import Part, RenderSettings, attacks_of
from noisician.renderer.references import References
from noisician.score.played import NoteEvent
from noisician.styles import Instrument

_STEP_S, _TAIL_S = 0.4, 2.0
_PEAK_DB = -3.0
_GAP_PX, _COLUMN_PX, _BAND_PX = 4, 3, 2
_MOST_ROWS = 24


def phrase(instrument: Instrument, references: References) -> tuple[NoteEvent, ...]:
    """Up through the recorded range from soft to loud, in fourths, then a held triad; every key of a kit, thrice."""
    if references.kind == "drum":
        keys = [int(key) for key in references.keys][:16]
        pitches = [(key, velocity) for key in keys for velocity in (50, 85, 115)]
        return tuple(_note(number, pitch, velocity) for number, (pitch, velocity) in enumerate(pitches))
    low, high = (round(float(edge)) for edge in (references.pitch.min(), references.pitch.max()))
    low, high = max(low - 5, instrument.range[0]), min(high + 5, instrument.range[1])
    pitches = list(range(low, high + 1, 5))[:16]
    velocities = np.linspace(45, 115, len(pitches)).round().astype(int)
    scale = [_note(number, pitch, int(v)) for number, (pitch, v) in enumerate(zip(pitches, velocities, strict=True))]
    middle, start_s = (low + high) // 2, len(pitches) * _STEP_S
    chord = (0, 4, 7) if instrument.polyphonic else (0,)
    return (*scale, *(NoteEvent(middle + step, start_s, start_s + 2.0, 85) for step in chord))


def _note(number: int, pitch: int, velocity: int) -> NoteEvent:
    return NoteEvent(pitch, number * _STEP_S, (number + 0.9) * _STEP_S, velocity)


def play_phrase(
    instrument: Instrument,
    references: References,
    networks: Networks,
    on_step: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """The test phrase, mono float32 at 44.1 kHz with its peak at −3 dBFS."""
    notes = phrase(instrument, references)
    frames = round((max(note.end_s for note in notes) + _TAIL_S) * SAMPLE_RATE_HZ) // HOP
    part = Part(instrument, references, notes, NoiseField(0, 0))
    (mel,) = networks.renderer.render([part], frames, RenderSettings(), lambda share: on_step(0.7 * share))
    audio = networks.vocoder.synthesise(
        mel, notes, instrument, part.noise, lambda share: on_step(0.7 + 0.3 * share), hits=attacks_of(part)
    )
    return audio * np.float32(db_to_gain(_PEAK_DB) / max(float(np.abs(audio).max()), 1e-6))


def picture(references: References) -> np.ndarray:
    """RGB uint8 ``[height, width, 3]``: each recorded note as it is held, a row a key and a column a velocity.

    The highest key is on top; a note's own time grid runs to the right, fine at the onset.
    """
    keys = references.keys
    shown = keys[np.unique(np.linspace(0, len(keys) - 1, min(len(keys), _MOST_ROWS)).round().astype(int))][::-1]
    columns = max(len(references.layers[int(key)]) for key in shown)
    loudest = float(max(references.held(note).max() for key in shown for note in references.layers[int(key)]))
    tiles = []
    for key in shown:
        row = [picture_of_mel(references.held(int(note)), loudest) for note in references.layers[int(key)]]
        blank = np.full_like(row[0], 40)
        row += [blank] * (columns - len(row))
        tiles.append(np.concatenate([_framed(tile) for tile in row], axis=1))
    return np.concatenate(tiles, axis=0)


def _framed(tile: np.ndarray) -> np.ndarray:
    larger = tile.repeat(_BAND_PX, axis=0).repeat(_COLUMN_PX, axis=1)
    return np.pad(larger, ((0, _GAP_PX), (0, _GAP_PX), (0, 0)), constant_values=40)


def save_audition(
    instrument: Instrument,
    references: References,
    folder: Path,
    on_step: Callable[[float], None] = lambda share: None,
    overwrite: bool = False,
    networks: Networks | None = None,
) -> dict[str, Path]:
    """Writes ``NAME.png`` and ``NAME.wav`` into a folder; returns both by kind. Raises FileError before any work."""
    paths = {"picture": folder / f"{instrument.id}.png", "phrase": folder / f"{instrument.id}.wav"}
    for path in paths.values():
        check_target(path, overwrite)
    audio = play_phrase(instrument, references, networks or Networks(), on_step)
    data = png_bytes(picture(references))
    with Transaction(overwrite) as transaction:
        transaction.write(paths["picture"], [data], len(data))
        transaction.commit()
    title = f"{instrument.name}, test phrase"
    write_audio(
        paths["phrase"],
        audio,
        Metadata(title=title, prompt="", software=f"noisician {software_version()}"),
        overwrite=overwrite,
    )
    return paths
