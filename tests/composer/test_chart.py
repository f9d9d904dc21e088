"""Chords that were asked for are the harmony, whatever the network would write."""

from __future__ import annotations

import numpy as np
import pytest
from fake_composer import FakeNetwork

from noisician.composer import Composer, ComposerSettings, make_plan
from noisician.prompt import Controls
from noisician.score.chart import chart_tokens, read_chart
from noisician.score.grid import FIRST_ONSET, STREAMS, composer_chords, pitch_of
from noisician.score.harmony import pitch_class
from noisician.score.model import METERS

QUICK = ComposerSettings(steps=2, settle=True)
CHORD, BASS = STREAMS.index("chord"), STREAMS.index("bass")


@pytest.mark.parametrize("text", ["Am F C G", "[verse] Dm7 | G7 [chorus] C/E F | N.C. Bb", "ii V I vi"])
@pytest.mark.parametrize("genre", ["pop", "jazz_swing", "blues"])
def test_the_harmony_is_exactly_that(text: str, genre: str) -> None:
    controls = Controls(genres=((genre, 1.0),), key="D", mode="minor", chords=text, duration_s=24, tempo_bpm=120)
    plan = make_plan(controls, 4)
    grid = Composer(FakeNetwork()).compose(plan, 5, QUICK)  # type: ignore[arg-type]
    asked = chart_tokens(read_chart(text, "minor"), plan.sections, METERS[plan.time_signature], pitch_class("D"))
    assert np.array_equal(grid.tokens[:, CHORD], composer_chords(asked))


def test_a_bass_under_a_chord_is_played_where_it_begins() -> None:
    controls = Controls(genres=(("pop", 1.0),), key="C", mode="major", chords="C/E F/A", bars=8, tempo_bpm=120)
    plan = make_plan(controls, 4)
    grid = Composer(FakeNetwork()).compose(plan, 5, QUICK)  # type: ignore[arg-type]
    per_bar = METERS[plan.time_signature].steps_per_bar
    for section, playing in zip(plan.sections, plan.players, strict=True):
        for bar in range(section.start_bar, section.start_bar + section.bars):
            token = int(grid.tokens[bar * per_bar, BASS])
            if "bass" in playing and token >= FIRST_ONSET:
                assert pitch_of(token)[0] % 12 == (4 if (bar - section.start_bar) % 2 == 0 else 9)
