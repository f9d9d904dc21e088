"""What is told of the options of a request, and what is derived from it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.prompt import understand
from noisician.request import AUDIO_FIELDS, LISTS, OPTIONS, Request, choices_of, did_you_mean, is_given

DERIVED = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "derive.py"))["DERIVED"]
LIMITED = [name for name, option in OPTIONS.items() if option.limits is not None]
WORDED = [name for name, option in OPTIONS.items() if option.limit_chars is not None]


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.name)
def test_what_is_derived_is_what_its_source_says(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DERIVED[path](), "run python tools/derive.py"


def test_every_field_has_its_option_under_a_flag_of_its_own() -> None:
    assert list(OPTIONS) == list(Request.model_fields)
    assert len({option.flag for option in OPTIONS.values()}) == len(OPTIONS)
    called = [also for option in OPTIONS.values() for also in option.also]
    assert len({*called, *OPTIONS}) == len(called) + len(OPTIONS)


@pytest.mark.parametrize("name", LIMITED)
def test_a_value_is_refused_beyond_its_limits_and_nowhere_else(name: str) -> None:
    option = OPTIONS[name]
    assert option.limits is not None
    low, high = option.limits
    for value in (low, high):
        understand(Request.model_validate({name: value}))
    step = 1 if int in (kind := Request.model_fields[name].annotation, *get_args(kind)) else 0.001
    for value in (low - step, high + step):
        with pytest.raises(RequestError, match=rf"^{option.noun} .* is outside .*{option.unit}: {option.remedy}$"):
            understand(Request.model_validate({name: value}))


@pytest.mark.parametrize("name", WORDED)
def test_a_text_is_refused_beyond_its_length(name: str) -> None:
    limit = OPTIONS[name].limit_chars
    assert limit is not None
    understand(Request.model_validate({name: "la " * (limit // 3)}))
    with pytest.raises(RequestError, match=rf"of {limit + 1} characters is over the limit of {limit} characters"):
        understand(Request.model_validate({name: "x" * (limit + 1)}))


def test_the_schema_tells_limits_choices_and_words() -> None:
    shown: dict[str, Any] = Request.model_json_schema()["properties"]
    assert shown["prompt"] | {"title": ""} == {
        "default": "", "description": OPTIONS["prompt"].about, "maxLength": 2000, "title": "", "type": "string",
    }  # fmt: skip
    assert shown["bars"]["anyOf"] == [{"type": "integer", "minimum": 1, "maximum": 400}, {"type": "null"}]
    assert shown["mode"]["anyOf"][0]["enum"] == list(choices_of("mode"))
    assert all(entry["description"] == OPTIONS[name].about for name, entry in shown.items())


def test_choices_are_those_of_the_type() -> None:
    assert choices_of("time_signature") == ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "9/8", "12/8")
    assert choices_of("tempo_bpm") == choices_of("genres") == choices_of("prompt") == ()


def test_kinds_of_fields() -> None:
    assert AUDIO_FIELDS == ("melody", "init_audio", "reference_audio", "morph_audio")
    assert LISTS == ("genres", "moods", "instruments", "without")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("bpm", "tempo_bpm"), ("tempo_bmp", "tempo_bpm"), ("lenght", "duration_s"), ("cfg", "guidance_scale")],
)
def test_the_option_that_was_meant(name: str, meant: str) -> None:
    assert did_you_mean(name) == f"; did you mean {meant}?"


def test_names_of_this_place_and_of_other_programs() -> None:
    assert did_you_mean("titel", beside=("title",)) == "; did you mean title?"
    assert did_you_mean("batch_size", foreign={"batch_size": "takes"}) == "; did you mean takes?"
    assert did_you_mean("qqq", beside=("title",)).endswith("guide, title")


@given(st.sampled_from(list(OPTIONS)))
def test_nothing_is_given_by_default(name: str) -> None:
    assert is_given(Request(), name) == (name in ("prompt", "takes", "model"))


def test_a_request_that_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(RequestError, match=r"^'tempo' is no option of a request; did you mean tempo_bpm\?$"):
        Request(tempo=120)  # pyright: ignore[reportCallIssue]
    with pytest.raises(RequestError, match=r"^takes 'two' does not fit: Input should be a valid integer"):
        Request(takes="two")  # pyright: ignore[reportArgumentType]
