"""What lies in the folder of a take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from noisician.export import read_recipe
from noisician.music import Music
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.service.files import Files, new_id
from noisician.service.library.take_files import INSTRUMENTAL, write_take


def test_stems_are_kept_with_one_gain_so_that_none_clips(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stems = {name: rng.uniform(-peak, peak, (4410, 2)).astype(np.float32) for name, peak in (("a", 3.0), ("b", 0.1))}
    track = rng.uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
    music = Music(track, Recipe(request=Request(prompt="x"), seed=1), stems=stems, instrumental=track)
    files, take_id = Files(tmp_path), new_id("take")
    files.prepare()
    write_take(files, take_id, music, "x", lambda share: None)
    gain_db = read_recipe(files.recipe(take_id)).stems["gain_db"]
    assert round(gain_db, 2) == -12.04
    for name, stem in stems.items():
        kept, _ = soundfile.read(files.stem(take_id, name))
        assert np.abs(kept).max() < 1
        assert np.abs(kept / 10 ** (gain_db / 20) - stem).max() < 10 ** (-90 / 20)
    # The track without voices is a track: at its own level.
    kept, _ = soundfile.read(files.stem(take_id, INSTRUMENTAL))
    assert np.abs(kept - track).max() < 1e-6
