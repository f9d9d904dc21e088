"""Bodies under anybody's names become requests."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pydantic_settings")
pytest.importorskip("fastapi")

from hypothesis import given
from hypothesis import strategies as st

from noisician.request import Request
from noisician.service.settings import Settings
from noisician.service.web.problems import Problem
from noisician.service.web.understanding import ALIASES, canonical, changed, music_of, music_schema


def request_of(**body: Any) -> Request:
    return music_of(body)[0]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"caption": "calm"}, {"prompt": "calm"}),
        ({"audio_duration": 20}, {"duration_s": 20.0}),
        ({"duration": 20.5}, {"duration_s": 20.5}),
        ({"audio_end_in_s": 20}, {"duration_s": 20.0}),
        ({"music_length_ms": 20500}, {"duration_s": 20.5}),
        ({"inference_steps": 8}, {"steps": 8}),
        ({"num_inference_steps": 8.0}, {"steps": 8}),
        ({"cfg_scale": 3}, {"guidance_scale": 3.0}),
        ({"bpm": 90}, {"tempo_bpm": 90.0}),
        ({"key_scale": "C major"}, {"key": "C", "mode": "major"}),
        ({"keyscale": "F# Minor"}, {"key": "F#", "mode": "minor"}),
        ({"key_scale": "Am"}, {"key": "A", "mode": "minor"}),
        ({"key_scale": "D:dorian"}, {"key": "D", "mode": "dorian"}),
        ({"key_scale": "Eb"}, {"key": "Eb"}),
        ({"key_scale": "auto"}, {}),
        ({"timesignature": "4"}, {"time_signature": "4/4"}),
        ({"timesignature": 3}, {"time_signature": "3/4"}),
        ({"time_signature": "6"}, {"time_signature": "6/8"}),
        ({"timesignature": "4/4"}, {"time_signature": "4/4"}),
        ({"batch_size": 3}, {"takes": 3}),
        ({"num_waveforms_per_prompt": 3}, {"takes": 3}),
        ({"instrumental": True}, {}),
        ({"force_instrumental": False, "lyrics": "la la"}, {"lyrics": "la la"}),
        ({"instrumental": True, "lyrics": "[inst]", "vocal_language": "en"}, {}),
        ({"lyrics": "la", "vocal_language": "en"}, {"lyrics": "la", "language": "en"}),
        ({"src_audio": "upload_1"}, {"init_audio": "upload_1"}),
        ({"init_noise_level": 0.3}, {"strength": 0.3}),
        ({"audio_cover_strength": 0.3}, {"strength": 0.7}),
        ({"repainting_start": 2, "repainting_end": 5}, {"repaint": ((2.0, 5.0),)}),
        ({"repainting_start": 2, "repainting_end": -1, "duration": 9}, {"repaint": ((2.0, 9.0),), "duration_s": 9.0}),
        ({"repainting_end": 5}, {"repaint": ((0.0, 5.0),)}),
        ({"seed": -1}, {}),
        ({"seed": 5, "use_random_seed": True}, {}),
        ({"seed": 5, "use_random_seed": False}, {"seed": 5}),
        ({"genres": "jazz"}, {"genres": ("jazz",)}),
        ({"genres": None, "prompt": None, "loop": None}, {}),
        ({"bpm": 90, "tempo_bpm": 90}, {"tempo_bpm": 90.0}),
        ({"key_scale": "c MAJOR", "key": "C", "mode": "major"}, {"key": "C", "mode": "major"}),
    ],
)
def test_names(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert request_of(**body).model_dump(exclude_defaults=True) == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"bpm": 90, "tempo_bpm": 91}, "tempo_bpm"),
        ({"duration": 9, "audio_duration": 10}, "audio_duration"),
        ({"music_length_ms": "long"}, "music_length_ms"),
        ({"audio_cover_strength": True}, "audio_cover_strength"),
        ({"key_scale": "C major", "mode": "minor"}, "mode"),
        ({"key_scale": 5}, "key_scale"),
        ({"timesignature": True}, "timesignature"),
        ({"timesignature": "7/8"}, "time_signature"),
        ({"instrumental": "yes"}, "instrumental"),
        ({"instrumental": True, "lyrics": "la"}, "instrumental"),
        ({"force_instrumental": True, "vocals": True}, "force_instrumental"),
        ({"repainting_start": "2"}, "repainting_start"),
        ({"tempo": 3}, "tempo"),
        ({"tempo_bpm": "90"}, "tempo_bpm"),
        ({"takes": True}, "takes"),
        ({"genres": [1]}, "genres.0"),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_refusals_name_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Problem) as refused:
        music_of(body)
    assert (refused.value.status, refused.value.body.param) == (422, param)
    assert "\n" not in refused.value.body.message


def test_an_unknown_name_is_met_with_the_closest_one() -> None:
    with pytest.raises(Problem, match="did you mean audio_duration"):
        music_of({"audio_durations": 5})


def test_title_is_no_part_of_the_request() -> None:
    assert music_of({"prompt": "x", "title": "Rain"}) == (Request(prompt="x"), "Rain")


def test_changes_null_goes_back_to_choose_for_me() -> None:
    base = Request(prompt="x", tempo_bpm=90, key="C", mode="major", genres=("jazz",))
    request = changed(base, {"bpm": None, "genres": None, "key_scale": "A minor"})
    assert request == Request(prompt="x", key="A", mode="minor")


@pytest.mark.parametrize("changes", [{"colour": None}, {"colour": 1}, {"tempo_bpm": "fast"}])
def test_changes_that_are_none(changes: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        changed(Request(), changes)
    assert refused.value.status == 422


@given(st.dictionaries(st.sampled_from([*ALIASES, "key_scale", "instrumental", "repainting_end"]), st.none()))
def test_null_says_nothing(body: dict[str, None]) -> None:
    assert canonical(body) == {}


def test_the_schema_knows_every_name_and_the_service_limits() -> None:
    properties = music_schema(Settings(takes_limit=3, duration_limit_s=60))["properties"]
    assert set(ALIASES) < set(properties)
    assert properties["takes"]["anyOf"][0]["maximum"] == 3
    assert properties["duration_s"]["anyOf"][0]["maximum"] == 60
    assert {"type": "null"} in properties["genres"]["anyOf"]
