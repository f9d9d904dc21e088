"""A master that comes near to how a reference sounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.sound import OCTAVES_HZ, balance_of
from noisician.mel import SAMPLE_RATE_HZ
from noisician.mix import Mix
from noisician.mix.filters import Band, filtered, sections
from noisician.mix.mastering import (
    MATCH_ENDS_LIMIT_DB,
    MATCH_FLOOR_DB,
    MATCH_LIMIT_DB,
    matching_gains_db,
    tone_sections,
)
from noisician.mix.plan import plan_mix
from noisician.mix.settings import SoundsLike, mix_settings

RNG = np.random.default_rng(1)
NOISE = RNG.normal(size=(2, 3 * SAMPLE_RATE_HZ)).astype(np.float32) * 0.1


def coloured(bands: list[Band]) -> np.ndarray:
    return np.stack([filtered(channel, [sections(bands)], loop=False)[0] for channel in NOISE])


def test_gains_lead_to_the_balance_within_their_limits() -> None:
    dark = coloured([Band("high_shelf", 3000.0, -6.0)])
    target = tuple(balance_of(dark.T))
    gains = np.array(matching_gains_db(target, NOISE))
    assert gains[8] - gains[4] == pytest.approx(-0.7 * 6.0, abs=0.5), "most of the difference at 8 kHz"
    assert (np.abs(gains) <= MATCH_LIMIT_DB).all() and (np.abs(gains[[0, -1]]) <= MATCH_ENDS_LIMIT_DB).all()
    bands = [Band("peak", hz, gain, 1.41) for hz, gain in zip(OCTAVES_HZ, gains, strict=True)]
    before = np.abs(np.array(target) - balance_of(NOISE.T))[2:9].mean()
    after = np.abs(np.array(target) - balance_of(coloured(bands).T))[2:9].mean()
    assert after < 0.5 * before


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-80, 0), min_size=10, max_size=10))
def test_no_gain_is_beyond_its_limit_whatever_the_reference(target: list[float]) -> None:
    gains = matching_gains_db(target, NOISE[:, :20_000])
    assert all(abs(gain) <= MATCH_LIMIT_DB for gain in gains)
    assert all(gain == 0 for gain, level in zip(gains, target, strict=False) if level <= MATCH_FLOOR_DB)


def test_a_mix_with_a_reference_survives_its_json_and_one_without_looks_as_ever() -> None:
    like = SoundsLike((-10.0,) * 10, 0.4, 12.0, -11.0)
    plain = plan_mix([("lead", "flute")])
    near = plan_mix([("lead", "flute")], like=like)
    assert near.settings.towards_db == like.balance_db and plain.settings.towards_db == ()
    assert near.settings.width > plain.settings.width and near.settings.glue <= plain.settings.glue
    assert mix_settings().like(like).width <= 1.4
    assert len(tone_sections(near.settings)) == len(tone_sections(plain.settings)), "no gains before the master"
    from noisician.mix import Finish
    from noisician.mix.deciding import planned

    mixes = [planned(plan, ["lead"], 1, Finish()) for plan in (plain, near)]
    told = [mix.to_dict() for mix in mixes]
    assert "towards_db" not in told[0]["settings"] and told[1]["settings"]["towards_db"] == list(like.balance_db)
    assert [Mix.from_dict(one) for one in told] == mixes
