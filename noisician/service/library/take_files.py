"""The files of a take, under the names of noisician.service.files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np

from noisician.export import (
    Metadata,
    Transaction,
    common_gain_db,
    png_bytes,
    spectrogram_picture,
    words_json,
    write_audio,
)
from noisician.export.stems import factor_of
from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
from noisician.music import Music
from noisician.parallel import Steps, map_in_order
from noisician.service.files import Files

#: The piece without its singers, beside the stems.
INSTRUMENTAL = "_instrumental"
STORED_BIT_DEPTH = 24


@dataclass(frozen=True)
class Measured:
    """Loudness and true peak (ITU-R BS.1770-4) of a track; None for silence."""

    loudness_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True)
class _Sound:
    """One file of a take; ``samples`` are read when it is its turn."""

    path: Path
    samples: Callable[[], np.ndarray]
    metadata: Metadata


def write_take(
    files: Files,
    take_id: str,
    music: Music,
    title: str,
    on_share: Callable[[float], None],
    parent_folder: Path | None = None,
) -> Measured:
    """Writes everything a take consists of into its new folder among ``files`` and measures the track.

    ``on_share`` hears the share done and may raise to stop. What sounds as it does in the take of ``parent_folder`` is
    copied from there instead of encoded again. Raises FileError where something cannot be written; what was written
    until then stays.
    """
    files.take(take_id).mkdir(parents=True)
    recipe, gain_db = music.recipe, 0.0
    if music.stems:
        gain_db = common_gain_db(music.stems, STORED_BIT_DEPTH)
        recipe = recipe.model_copy(update={"stems": {"gain_db": gain_db}})
    recipe_json = recipe.to_json()
    metadata = replace(music.metadata, title=title)
    stems = _stems(files, take_id, music, metadata, gain_db)
    sounds = [_Sound(files.track(take_id), lambda: music.audio, metadata), *stems]
    steps = Steps(len(sounds) + 1, on_share)

    def write(sound: _Sound) -> None:
        earlier = None if parent_folder is None else parent_folder / sound.path.relative_to(files.take(take_id))
        rate_hz = music.sample_rate_hz
        write_audio(
            sound.path,
            sound.samples(),
            sound.metadata,
            recipe_json,
            bit_depth=STORED_BIT_DEPTH,
            sample_rate_hz=rate_hz,
            earlier=earlier,
        )
        steps()

    for _ in map_in_order(write, sounds, steps):
        pass
    texts = {files.recipe(take_id): recipe_json.encode()}
    if music.lyrics:
        texts[files.lyrics(take_id)] = words_json(music.lyrics).encode()
    texts[files.picture(take_id)] = png_bytes(spectrogram_picture(music.audio, music.sample_rate_hz), recipe_json)
    with Transaction() as transaction:
        for path, data in texts.items():
            transaction.write(path, [data], len(data))
        transaction.commit()
    steps()
    return _measured(music)


def _stems(files: Files, take_id: str, music: Music, metadata: Metadata, gain_db: float) -> list[_Sound]:
    """The stems, all with one gain, and the track without voices, which has its own level."""
    factor = np.float32(factor_of(gain_db))
    sounds: dict[str, Callable[[], np.ndarray]] = {
        name: lambda name=name: music.stems[name] * factor for name in music.stems
    }
    instrumental = music.instrumental
    if instrumental is not None:
        sounds[INSTRUMENTAL] = lambda: instrumental
    listed = []
    for name, samples in sounds.items():
        path = files.stem(take_id, name)
        path.parent.mkdir(exist_ok=True)
        # Most stems sing nothing.
        tags = replace(metadata, title=f"{metadata.title} - {name}", lyrics=())
        listed.append(_Sound(path, samples, tags))
    return listed


def _measured(music: Music) -> Measured:
    loudness = integrated_loudness_lufs(music.audio, music.sample_rate_hz)
    peak = true_peak_dbtp(music.audio)
    return Measured(*(round(level, 2) if isfinite(level) else None for level in (loudness, peak)))
