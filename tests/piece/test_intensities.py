"""Who rests when a piece is to be calmer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.piece.intensities import INTENSITIES, Performer, resting_of
from noisician.styles import ROLES


def band(*roles: str, force: float = 1.0) -> list[Performer]:
    return [Performer((role,), role, force) for role in roles]


def test_the_kit_and_the_lead_rest_first_and_the_ground_last() -> None:
    rests = resting_of(band("pad", "bass", "lead", "texture", "drums", "chords"))
    assert rests == {
        "calm": ("drums", "lead", "bass", "chords"),
        "tense": ("drums", "lead"),
        "full": (),
    }


def test_of_one_role_who_plays_more_rests_first() -> None:
    few, many = Performer(("pad",), "pad", 300.0), Performer(("pad-2",), "pad", 900.0)
    assert resting_of([few, many])["tense"] == ("pad-2",)


def test_those_who_sing_rest_together() -> None:
    singers = Performer(("lead voice", "choir"), "voice", 10.0)
    assert resting_of([singers, *band("pad")])["calm"] == ("lead voice", "choir")


def test_one_who_plays_alone_stays_and_the_silent_do_not_count() -> None:
    silent = Performer(("drums",), "drums", 0.0)
    assert set(resting_of([silent, *band("pad")]).values()) == {()}
    with pytest.raises(RequestError, match="nobody plays"):
        resting_of([silent])


@given(st.lists(st.tuples(st.sampled_from(ROLES), st.floats(0.1, 9)), min_size=1, max_size=12))
def test_somebody_stays_and_each_step_adds_players(given_band: list[tuple[str, float]]) -> None:
    performers = [Performer((f"{place}",), role, force) for place, (role, force) in enumerate(given_band)]
    rests = [set(resting_of(performers)[name]) for name in INTENSITIES]
    assert rests[0] >= rests[1] >= rests[2] == set()
    assert len(rests[0]) < len(performers)
    assert rests[1] or len(performers) == 1
