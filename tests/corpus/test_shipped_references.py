"""Whose recordings ship, how they are put together, and the levels of kits."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.corpus.shipped_references import (
    KIT_CHARACTER_LU,
    PIECE_LEVELS_LU,
    RECORDED,
    RECORDED_PIECES,
    SNARE,
    balanced,
    joined,
    overlaid,
    player_names,
)
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT
from noisician.renderer.references import LOG_STEP, References
from noisician.styles import instruments

DB_PER_STEP = LOG_STEP * 20 / np.log(10)


def notes(pitches: list[int], code: int, kind: str = "harmonic") -> References:
    """Notes whose codes are all the same."""
    count = len(pitches)
    return References(
        kind,  # type: ignore[arg-type]
        "struck",
        np.array(pitches, np.float32),
        np.full(count, 80, np.uint8),
        np.full((count, 48, 128), code, np.uint8),
        np.zeros((count, 23, 128), np.uint8),
    )


def test_everybody_has_a_player_and_nobody_the_held_out_soundfont() -> None:
    names = {name for instrument in instruments().values() for name in player_names(instrument)}
    assert not any(name.startswith(HELD_OUT_SOUNDFONT) for name in names)
    assert set(RECORDED) | set(RECORDED_PIECES) <= set(instruments())
    assert player_names(instruments()["supersaw"]) == ("voice/supersaw/0",)


def test_of_several_instruments_each_plays_up_to_the_next() -> None:
    low, high = notes([36, 48, 60], 10), notes([55, 67], 20)
    both = joined([low, high])
    assert both.pitch.tolist() == [36, 48, 55, 67]
    assert both.held_codes[:, 0, 0].tolist() == [10, 10, 20, 20]


def test_recorded_pieces_take_the_place_of_others() -> None:
    kit = overlaid(notes([36, 38, 42], 10, "drum"), notes([38], 20, "drum"))
    codes = dict(zip(kit.pitch.tolist(), kit.held_codes[:, 0, 0].tolist(), strict=True))
    assert codes == {36: 10, 42: 10, 38: 20}


def test_pieces_are_brought_near_their_levels_and_silence_stays_silence() -> None:
    kit = notes([36, SNARE, 42], 100, "drum")
    kit.held_codes[2, 40:] = 0
    # The kick is 1.5 LU too loud, which is character; the hi-hat 20 LU too soft.
    heard = dict.fromkeys(PIECE_LEVELS_LU, -20.0) | {36: -20.0 + 2.5, SNARE: -20.0, 42: -20.0 - 34.0}
    made = balanced(kit, heard)
    steps = made.held_codes.astype(int)[:, 0, 0] - 100
    assert steps[0] == 0 == steps[1]
    assert steps[2] * DB_PER_STEP == pytest.approx(20 - KIT_CHARACTER_LU, abs=DB_PER_STEP)
    assert not made.held_codes[2, 40:].any()


def test_a_piece_that_is_not_heard_keeps_its_level() -> None:
    kit = notes([SNARE, 42], 100, "drum")
    heard = dict.fromkeys(PIECE_LEVELS_LU, -20.0) | {42: -np.inf}
    assert np.array_equal(balanced(kit, heard).held_codes, kit.held_codes)
