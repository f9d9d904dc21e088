from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.export import Metadata, default_file_name
from noisician.export.metadata import SLUG_LIMIT_CHARS, bpm_text, clean_text, name_key, pitch_class, slug, tag_key
from noisician.request import MODES, TONICS


def test_file_name_says_what_samplers_read() -> None:
    metadata = Metadata(title="Rainy Café", tempo_bpm=92.5, key="F#", mode="minor", seed=7)
    assert default_file_name(metadata, "a1b2c3", "wav") == "rainy-cafe_92.5bpm_F#m_7_a1b2c3.wav"
    prompt_only = Metadata(prompt="dreamy lofi hip hop beat", tempo_bpm=80.0, seed=2**32 - 1)
    assert default_file_name(prompt_only, "a1b2c3", ".mp3") == ("dreamy-lofi-hip-hop-beat_80bpm_4294967295_a1b2c3.mp3")
    assert default_file_name(Metadata(prompt="夢"), "a1b2c3", "ogg") == "untitled_a1b2c3.ogg"


@given(st.text(max_size=300), st.floats(40, 240), st.sampled_from(TONICS), st.sampled_from(MODES))
def test_file_names_are_safe_and_bounded(title: str, tempo_bpm: float, key: str, mode: str) -> None:
    metadata = Metadata(title=title, tempo_bpm=tempo_bpm, key=key, mode=mode, seed=2**32 - 1)
    name = default_file_name(metadata, "abcdef", "flac")
    assert name.isascii()
    assert len(name) <= 110
    assert not set(name) & set('/\\:*?"<>| \0')
    assert not name.startswith((".", "-"))


@given(st.text(max_size=200))
def test_slug_is_a_fixed_point(text: str) -> None:
    short = slug(text)
    assert len(short) <= SLUG_LIMIT_CHARS
    assert slug(short) == short


def test_slug_cuts_at_words() -> None:
    assert slug("one two three", 9) == "one-two"
    assert slug("abcdefghij", 4) == "abcd"
    assert slug("../../etc/passwd") == "etc-passwd"


@pytest.mark.parametrize(
    ("key", "expected"), [("C", 0), ("F#", 6), ("Eb", 3), ("B", 11), ("Bb", 10), ("Cb", 11), (None, None), ("?", None)]
)
def test_pitch_classes(key: str | None, expected: int | None) -> None:
    assert pitch_class(key) == expected


def test_key_names() -> None:
    assert [tag_key("D", mode) for mode in MODES] == ["D", "Dm", "Dm", "Dm", "D", "D"]
    assert [name_key("D", mode) for mode in MODES] == ["D", "Dm", "Ddor", "Dphr", "Dlyd", "Dmix"]
    assert tag_key(None, "minor") is None
    assert name_key(None, None) is None


def test_numbers_and_text() -> None:
    assert [bpm_text(tempo) for tempo in (120.0, 92.5, 99.999, 100.126)] == ["120", "92.5", "100", "100.13"]
    assert clean_text("a\0b\udc80") == "ab?"
