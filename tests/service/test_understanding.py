"""Bodies become requests, under our own names alone."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pydantic_settings")
pytest.importorskip("fastapi")

from hypothesis import given
from hypothesis import strategies as st

from noisician.request import OPTIONS, Request
from noisician.service.compat.names import OTHER_NAMES
from noisician.service.settings import Settings
from noisician.service.web.problems import Problem
from noisician.service.web.understanding import changed, music_of, music_schema, said


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": "calm"}, {"prompt": "calm"}),
        ({"duration_s": 20}, {"duration_s": 20.0}),
        ({"steps": 8.0, "takes": 2.0}, {"steps": 8, "takes": 2}),
        ({"key": "F# minor"}, {"key": "F# minor"}),
        ({"genres": "jazz"}, {"genres": ("jazz",)}),
        ({"instruments": ["piano", "rain"]}, {"instruments": ("piano", "rain")}),
        ({"repaint": [[2, 5]]}, {"repaint": ((2.0, 5.0),)}),
        ({"genres": None, "prompt": None, "loop": None, "seed": None}, {}),
    ],
)
def test_what_a_body_says(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert music_of(body)[0].model_dump(exclude_defaults=True) == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tempo": 3}, "tempo"),
        ({"tempo_bpm": "90"}, "tempo_bpm"),
        ({"steps": 8.5}, "steps"),
        ({"takes": True}, "takes"),
        ({"loop": 1}, "loop"),
        ({"genres": [1]}, "genres.0"),
        ({"time_signature": "4"}, "time_signature"),
        ({"mode": "Minor"}, "mode"),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_refusals_name_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Problem) as refused:
        music_of(body)
    assert (refused.value.status, refused.value.body.param) == (422, param)
    assert "\n" not in refused.value.body.message


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_programs_names_are_refused_with_ours(name: str) -> None:
    with pytest.raises(
        Problem, match=f"^{name!r} is no option of a request; did you mean {OTHER_NAMES[name]}\\?$"
    ) as no:
        music_of({name: "x"}, OTHER_NAMES)
    assert (no.value.status, no.value.body.code, no.value.body.param) == (422, "unknown_option", name)
    with pytest.raises(Problem, match="did you mean"):
        changed(Request(), {name: None}, OTHER_NAMES)


def test_other_names_are_of_fields_there_are_and_none_of_ours() -> None:
    ours = {*OPTIONS, *(also for option in OPTIONS.values() for also in option.also)}
    assert set(OTHER_NAMES.values()) <= set(OPTIONS) and not ours & set(OTHER_NAMES)


def test_an_unknown_name_is_met_with_the_closest_one() -> None:
    with pytest.raises(Problem, match="did you mean tempo_bpm"):
        music_of({"temp_bpm": 5})
    with pytest.raises(Problem, match="did you mean title"):
        music_of({"titel": "x"})


def test_title_is_no_part_of_the_request() -> None:
    assert music_of({"prompt": "x", "title": "Rain"}) == (Request(prompt="x"), "Rain")


def test_changes_null_goes_back_to_choose_for_me() -> None:
    base = Request(prompt="x", tempo_bpm=90, key="C", mode="major", genres=("jazz",))
    assert changed(base, {"tempo_bpm": None, "genres": None, "key": "A", "mode": "minor"}) == Request(
        prompt="x", key="A", mode="minor"
    )


@pytest.mark.parametrize("changes", [{"colour": None}, {"colour": 1}, {"tempo_bpm": "fast"}, {"title": "x"}])
def test_changes_that_are_none(changes: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        changed(Request(), changes)
    assert refused.value.status == 422


@given(st.dictionaries(st.sampled_from(list(OPTIONS)), st.none()))
def test_null_says_nothing(body: dict[str, None]) -> None:
    assert said(body) == {} and music_of(body) == (Request(), None)


def test_the_schema_knows_every_name_and_the_service_limits() -> None:
    properties = music_schema(Settings(takes_limit=3, duration_limit_s=60))["properties"]
    assert set(properties) == {*OPTIONS, "title"}
    assert properties["takes"]["anyOf"] == [{"type": "integer", "minimum": 1, "maximum": 3}, {"type": "null"}]
    assert properties["duration_s"]["anyOf"][0]["maximum"] == 60
    assert properties["genres"]["anyOf"][1:] == [{"type": "string"}, {"type": "null"}]
    assert all(entry["anyOf"][-1] == {"type": "null"} for entry in properties.values())
