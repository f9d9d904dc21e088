from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import FileError
from noisician.recipe import JSON_LIMIT_BYTES, PACKED_PREFIX, RECIPE_VERSION, Recipe, pack, unpack
from noisician.request import Request


def recipe(**changes: Any) -> Recipe:
    fields: dict[str, Any] = {
        "noisician": "0.1.0",
        "request": Request(prompt="dreamy piano", tempo_bpm=80),
        "seed": 7,
        "controls": {"genres": [["lofi", 1.0]], "reasons": [{"field": "genres", "words": "dreamy"}]},
        "score": {"tempo_bpm": 80.0, "tracks": [{"role": "keys", "notes": [{"pitch": 60}]}]},
        "models": {"renderer": "ab" * 32},
        "settings": {"steps": 12},
    }
    return Recipe(**(fields | changes))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=50), st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_round_trips_through_json_and_packing(prompt: str, controls: dict[str, Any]) -> None:
    made = recipe(request=Request(prompt=prompt), controls=controls)
    text = made.to_json()
    assert Recipe.from_json(text) == made
    assert Recipe.from_json(unpack(pack(text))) == made
    assert Recipe.from_json(text).to_json() == text


def test_lone_surrogates_of_undecodable_arguments_survive() -> None:
    made = recipe(request=Request(prompt="caf\udce9"))
    assert Recipe.from_json(made.to_json().encode("utf-8")) == made


def test_tuples_and_numpy_values_become_json_values() -> None:
    made = recipe(settings={"steps": np.int64(12), "times": (np.float32(0.5), 1)}, lineage=({"id6": "abcdef"},))
    assert made.settings == {"steps": 12, "times": [0.5, 1]}
    assert Recipe.from_json(made.to_json()) == made


def test_equal_recipes_give_equal_text_whatever_the_order_of_keys() -> None:
    assert recipe(settings={"a": 1, "b": 2}).to_json() == recipe(settings={"b": 2, "a": 1}).to_json()


def test_json_has_a_line_per_field_and_readable_characters() -> None:
    text = recipe(request=Request(prompt="夢")).to_json()
    assert "夢" in text
    assert text.splitlines()[1] == '"format": "noisician recipe",'
    absent = ("piece", "instruments", "stems")
    assert list(json.loads(text)) == [name for name in Recipe.model_fields if name not in absent]


def test_id6_is_stable_and_follows_only_what_determines_the_samples() -> None:
    made = recipe()
    assert len(made.id6) == 6
    assert int(made.id6, 16) >= 0
    assert made.id6 == recipe().id6 == Recipe.from_json(made.to_json()).id6
    assert made.id6 == recipe(lineage=({"operation": "vary"},)).id6
    assert made.id6 == recipe(request=Request(prompt="dreamy piano", tempo_bpm=80, takes=4)).id6
    assert made.id6 == recipe(controls={"genres": [["lofi", 1.0]]}).id6
    for change in ({"seed": 8}, {"score": None}, {"settings": {}}, {"models": {}}, {"noisician": "0.2.0"}):
        assert recipe(**change).id6 != made.id6


def test_options_still_to_be_invented_change_no_id() -> None:
    """A request of a later version, whose further fields nobody used, hashes as that of today."""

    class LaterRequest(Request):
        choir: str | None = None
        depth: float = 0.5

    made = recipe()
    later = made.model_copy(update={"request": LaterRequest(prompt="dreamy piano", tempo_bpm=80)})
    assert later.id6 == made.id6
    used = made.model_copy(update={"request": LaterRequest(prompt="dreamy piano", tempo_bpm=80, depth=0.9)})
    assert used.id6 != made.id6


def test_what_a_request_says_beyond_its_defaults_changes_the_id() -> None:
    asked = {"prompt": "dreamy piano", "tempo_bpm": 80}
    changes: list[dict[str, Any]] = [{"loop": True}, {"strength": 0.0}, {"repaint": ((1, 2),)}, {"negative_prompt": ""}]
    ids = {recipe(request=Request.model_validate(asked | change)).id6 for change in [{}, *changes]}
    assert len(ids) == 1 + len(changes)


@pytest.mark.parametrize("path", ["/home/somebody/a song.wav", "../a song.wav", "C:\\music\\a song.wav", "a song.wav"])
def test_sound_files_are_named_without_their_folders(path: str) -> None:
    made = recipe(request=Request(init_audio=path, reference_audio=path, morph_audio=path))
    assert made.request == Request(init_audio="a song.wav", reference_audio="a song.wav", morph_audio="a song.wav")
    assert Recipe.from_json(made.to_json()) == made
    renamed = recipe(request=Request(init_audio="b.wav", reference_audio="c.wav", morph_audio="d.wav"))
    assert renamed.id6 == made.id6


def test_what_a_newer_noisician_wrote_is_kept() -> None:
    text = damaged(choir={"voices": 4})
    assert json.loads(Recipe.from_json(text).to_json())["choir"] == {"voices": 4}


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        recipe(seed=seed)


def damaged(**changes: Any) -> str:
    return json.dumps(json.loads(recipe().to_json()) | changes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"format": "noisician recipe", "version": NaN}', "not valid JSON"),
        ("[1, 2]", "was not made by noisician"),
        ('{"name": "package"}', "was not made by noisician"),
        (damaged(version="one"), "recipe version 'one'"),
        (damaged(version=True), "recipe version True"),
        (damaged(version=RECIPE_VERSION + 1, noisician="9.9"), "made by noisician 9.9, upgrade"),
        (damaged(seed="x"), "damaged at seed"),
        (damaged(request={"prompt": 3}), "damaged at request.prompt"),
    ],
)
def test_foreign_and_damaged_json_gets_one_line(text: str | bytes, expected: str) -> None:
    with pytest.raises(FileError) as error:
        Recipe.from_json(text, "song.json")
    message = str(error.value)
    assert message.startswith("song.json: ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        ("noisician-recipe-2:abc", "unknown packing"),
        (PACKED_PREFIX + "!!!", "cannot be unpacked"),
        (PACKED_PREFIX + base64.b64encode(b"nonsense").decode(), "cannot be unpacked"),
        (PACKED_PREFIX + base64.b64encode(zlib.compress(b"x" * 99)[:-6]).decode(), "cut short"),
        (PACKED_PREFIX + base64.b64encode(zlib.compress(b"\xff\xff")).decode(), "cannot be unpacked"),
        (PACKED_PREFIX + base64.b64encode(zlib.compress(bytes(JSON_LIMIT_BYTES + 1), 1)).decode(), "16 MiB"),
    ],
)
def test_damaged_packing_gets_one_line(packed: str, expected: str) -> None:
    with pytest.raises(FileError) as error:
        unpack(packed, "song.ogg")
    assert str(error.value).startswith("song.ogg: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_packed_text_is_one_ascii_word() -> None:
    packed = pack(recipe(request=Request(prompt="夢 🎹")).to_json())
    assert packed.isascii()
    assert packed.split() == [packed]
