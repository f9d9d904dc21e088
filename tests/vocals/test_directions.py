"""What lyrics say of the music: the whole piece by words of the prompt, a section by its tag, harmony by chords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.lyrics import Lyrics, parse
from noisician.models.embedded.model import CAPABILITIES
from noisician.models.support import check_singing, meaning
from noisician.prompt import Controls
from noisician.request import PROMPT_LIMIT_CHARS, Request
from noisician.score.model import METERS
from noisician.vocals.chords import key_of, sounding
from noisician.vocals.directions import direction_of, worded
from noisician.vocals.form import SungPart, plan_form, stretched
from noisician.vocals.words import as_many_as_fit


def controls(lyrics: str, prompt: str = "pop", **options: object) -> Controls:
    return meaning(Request.model_validate({"prompt": prompt, "lyrics": lyrics, **options}), CAPABILITIES)


def direction(tag: str):
    return direction_of(parse(f"[{tag}]\nStay with me").sections[0])


def test_a_style_line_is_read_as_words_of_the_prompt() -> None:
    meant = controls("Style: indie pop, 90 bpm\nStay with me", prompt="")
    assert meant.tempo_bpm == 90 and dict(meant.genres).keys() == {"pop"}
    assert meant == controls("Stay with me", prompt="indie pop, 90 bpm")


def test_hints_of_the_whole_piece_reach_it() -> None:
    meant = controls("[distorted electric guitar]\n[Verse]\nStay with me\n[Fade out]")
    assert "clean_guitar" in meant.instruments and "driven" in meant.production
    assert [feature.kind for feature in meant.features] == ["fade_out"]


def test_a_tag_says_who_plays_and_how_strongly() -> None:
    soft = direction("Verse 1 – soft piano")
    assert soft.plays == ("keys",) or soft.plays == ("grand_piano",)
    assert soft.energy is not None and soft.of_energy(0.8) < 0.5
    big = direction("Chorus — big")
    assert big.of_energy(0.4) > 0.6
    assert "drums" in direction("Bridge: no drums").rests
    assert direction("Bridge: piano only").alone
    assert direction("Intro - 8 bars").bars == 8
    assert [feature.where for feature in direction("Bridge: half-time").features] == ["bridge"]


def test_hints_are_followed_explained_or_named() -> None:
    meant = controls("[Verse 1: soft piano, zorblax, in 90 bpm]\nStay with me")
    assert "grand_piano" in meant.instruments
    assert any(reason.field == "sections" and "soft piano" in reason.words for reason in meant.reasons)
    assert meant.not_understood == ("zorblax",)
    assert any('"in 90 bpm" of the verse 1 is not followed' in note for note in meant.notes)


def test_players_that_come_in_and_nobody_at_all() -> None:
    assert controls("[Verse]\nStay\n[strings enter]\nwith me").not_understood == ()
    alone = direction("Bridge: a cappella")
    assert alone.alone and alone.plays == ()


def test_how_to_sing_is_no_unknown_word() -> None:
    assert controls("[Verse: whispered]\nStay\n[Chorus: choir]\nwith me").not_understood == ()


def test_options_exclude_whom_a_tag_wants() -> None:
    meant = controls("[Verse: piano]\nStay with me", without=("grand_piano",))
    assert "grand_piano" not in meant.instruments
    assert any("grand_piano is left out of the verse" in note for note in meant.notes)


def test_a_prompt_that_would_be_too_long_keeps_its_words() -> None:
    lyrics = parse("Style: slow jazz\nStay with me")
    long = Request(prompt="a " * (PROMPT_LIMIT_CHARS // 2), lyrics="x")
    assert worded(long, lyrics) is long
    assert any(note.startswith("not used") for note in controls("Style: slow jazz\nStay", prompt=long.prompt).notes)


@pytest.mark.parametrize(
    ("written", "root", "quality"),
    [("C", 0, "maj"), ("G/B", 7, "maj"), ("F#m7", 6, "min7"), ("Bb", 10, "maj"), ("Gsus4", 7, "sus4"), ("C13", 0, "13"),
     ("Dm11", 2, "min11"), ("E7#9", 4, "7(#9)"), ("Fmaj7#11", 5, "maj7(#11)"), ("A2", 9, "sus2"), ("Cadd9", 0, "add9"),
     ("Ebm", 3, "min")],
)  # fmt: skip
def test_chords_as_people_write_them(written: str, root: int, quality: str) -> None:
    assert sounding(written).at(0) == (root, quality)
    assert sounding(written, capo=2).at(0) == ((root + 2) % 12, quality)


def test_no_chord_is_none() -> None:
    assert sounding("N").at(0) is None


@pytest.mark.parametrize(
    ("names", "key"),
    [("C G/B Am F Gsus4", ("C", "major")), ("Am F C G Am", ("A", "minor")), ("G D Em C", ("G", "major")),
     ("Em C G D Em", ("E", "minor")), ("D A Bm G", ("D", "major")), ("Dm Bb F C Dm", ("D", "minor"))],
)  # fmt: skip
def test_the_key_of_chords(names: str, key: tuple[str, str]) -> None:
    found = key_of(names.split())
    assert found is not None and found[:2] == key


def test_the_key_of_chords_is_the_pieces_unless_one_is_named() -> None:
    text = "C       G\nStay with me\nAm    F\nHold on"
    meant = controls(text)
    assert (meant.key, meant.mode) == ("C", "major")
    assert controls(text, key="F").key == "F"
    assert controls("Capo 2\n" + text).key == "D"


def test_outputs_of_words_need_words() -> None:
    check_singing({"--karaoke": True}, Request(lyrics="Stay with me"))
    with pytest.raises(RequestError, match="--karaoke has no words: the lyrics ask for an instrumental"):
        check_singing({"--karaoke": True}, Request(lyrics="[Intro]\n[Guitar solo]"))


def test_another_language_is_refused_before_any_work() -> None:
    with pytest.raises(RequestError, match="look French"):
        controls("Le vent se leve, la nuit est belle\net nous dansons dans la rue")


def test_a_form_without_words_is_stretched_to_any_length() -> None:
    parts = [SungPart(kind, ()) for kind in ("intro", "solo", "outro")]
    form = plan_form(parts, METERS["4/4"], 120.0, 0.5, frame=False)
    lengths = {bars: [section.bars for section in stretched(form, bars).sections] for bars in (1, 2, 3, 8, 19, 24)}
    assert lengths == {1: [1], 2: [1, 1], 3: [1, 1, 1], 8: [2, 4, 2], 19: lengths[19], 24: [6, 12, 6]}
    assert sum(lengths[19]) == 19


@given(
    st.integers(1, 200), st.lists(st.sampled_from(["intro", "verse", "solo", "drop", "outro"]), min_size=1, max_size=9)
)
def test_stretched_forms_have_the_bars_asked_for(bars: int, kinds: list[str]) -> None:
    form = plan_form([SungPart(kind, ()) for kind in kinds], METERS["4/4"], 120.0, 0.5, frame=False)
    sections = stretched(form, bars).sections
    assert sum(section.bars for section in sections) == bars and all(section.bars > 0 for section in sections)
    assert len(sections) == min(len(kinds), bars)


@pytest.mark.parametrize(("most", "syllables"), [(64, 64), (40, 32), (17, 16), (9, 8), (5, 4), (1, 1), (0, 1)])
def test_the_longest_vocalises_that_fit(most: int, syllables: int) -> None:
    def notes(lyrics: Lyrics) -> int:
        return sum(1 + len(word.slurs) for line in lyrics.lines for word in line.words)

    assert notes(as_many_as_fit(0, lambda lyrics: notes(lyrics) <= most)) == syllables
