"""A few rows of each kind of words that people use: what stands around them decides what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from noisician.prompt import Controls, understand
from noisician.prompt.understanding import understood
from noisician.request import Request


def told(prompt: str) -> Controls:
    return understand(Request(prompt=prompt))


@pytest.mark.parametrize(
    ("prompt", "field", "value"),
    [
        ("a gentle song about my grandmother's kitchen", "not_understood", ("my grandmother's kitchen",)),
        ("a gentle song about my grandmother's kitchen", "usages", ()),
        ("a song about lost love", "not_understood", ()),
        ("techno 132 for a long drive", "tempo_bpm", 132.0),
        ("quarter = 92, synths", "tempo_bpm", 92.0),
        ("slow harp, Eb", "key", "Eb"),
        ("under a minute, quirky", "duration_s", 55.2),
        ("drums: none. synth pads", "excluded", ("drums", "percussion")),
        ("six cellos", "instruments", ("cello",) * 6),
        ("recorder consort of four", "instruments", ("recorder",) * 4),
        ("math rock in 7/8, clean guitars", "time_signature", "7/8"),
        ("4 bar intro, 16 bar verse, 8 bar chorus, rock", "form", ("intro", "verse", "chorus")),
        ("rap in the style of travis scot", "genres", (("hip_hop", 1.0),)),
        ("karaoke track, pop", "vocals", False),
        ("minus one for a pop song", "usages", ("karaoke",)),
        ("dance class, piano", "usages", ("dance_class",)),
        ("japanese female singer, city pop", "lyrics_language", "ja"),
        ("japanese female singer, city pop", "voice", "female"),
        ("bagpipes", "instruments", ("bagpipe",)),
        ("classical raga, sitar", "genres", (("raga", 1.0),)),
    ],
)
def test_words_in_their_places(prompt: str, field: str, value: Any) -> None:
    assert getattr(told(prompt), field) == (pytest.approx(value) if isinstance(value, float) else value)


def test_a_picture_counts_where_no_mood_is_named() -> None:
    assert told("rain on the window, piano").moods[0][0] == "melancholic"
    assert [id_ for id_, _ in told("rain on the window, cheerful piano").moods] == ["happy"]
    assert told("techno").moods == ()


@pytest.mark.parametrize("prompt", ["beat like travis scot", "daft punkish disco", "music like 久石譲"])
def test_names_are_set_aside_however_they_are_written(prompt: str) -> None:
    assert any(reason.source == "set_aside" for reason in told(prompt).reasons)


def test_what_cannot_be_made_is_understood_all_the_same() -> None:
    controls = understood("sixty minutes of ocean calm")
    assert controls.duration_s == 3600 and controls.moods
