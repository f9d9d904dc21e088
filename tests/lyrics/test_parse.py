"""Lyrics: the grammar of tags and marks, what is refused, form, and the singer's syllables."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.lyrics import LINE_LIMIT_SYLLABLES, Lyrics, SungWord, parse, syllables_of, vocalises
from noisician.lyrics.tags import read_heading, read_tag
from noisician.request import LYRICS_LIMIT_CHARS

SONG = """[Verse 1: soft, close]
I walked 500 miles (walked) / don't you know?
Every FIRE burns tonight~
[whispered]
{Ava|EY1 V AH0}'s got a lo-o-ove

[Pre-Chorus]
B-b-baby, Mr. Jones
[Chorus x2]
La la la (x2)
[Guitar solo]
[Chorus]
"""


def words(lyrics: Lyrics) -> list[SungWord]:
    return [word for line in syllables_of(lyrics) for word in line]


def shown(word: SungWord) -> str:
    return "-".join(syllable.text for syllable in word.syllables)


def test_sections_of_a_tagged_song():
    lyrics = parse(SONG)
    assert not lyrics.inferred
    assert lyrics.hints == ("whispered",)
    assert [(part.kind, part.number, len(part.lines), part.repeated) for part in lyrics.sections] == [
        ("verse", 1, 3, False),
        ("pre-chorus", None, 1, False),
        ("chorus", None, 2, False),
        ("chorus", None, 2, True),
        ("solo", None, 0, False),
        ("chorus", None, 2, True),
    ]
    assert lyrics.sections[0].modifiers == ("soft", "close")
    assert lyrics.sections[4].modifiers == ("guitar",)


def test_marks_of_a_line():
    first, second, third, *_ = parse(SONG).lines
    assert [word.text for word in first.words] == ["I", "walked", "500", "miles", "walked", "don't", "you", "know"]
    assert first.backing == (False, False, False, False, True, False, False, False)
    assert first.breaks == (4,)
    assert [word.accent for word in second.words] == [False, True, False, False]
    assert second.words[3].slurs == (7,)
    assert third.words[0].override == ("EY1", "V", "AH0", "Z")


def test_positions_are_those_of_the_original():
    for line in parse(SONG).lines:
        for word in line.words:
            if word.override is None:
                assert SONG[word.start :].startswith(word.text)
    text = "one\r\n“two” hal~le~lu~jah"
    assert [text[word.start] for line in parse(text).lines for word in line.words] == ["o", "t", "h"]


def test_syllables_for_the_singer():
    lines = syllables_of(parse(SONG))
    miles = {word.text: word for word in lines[0]}
    assert [syllable.text for syllable in miles["500"].syllables] == ["500", "", ""]
    assert [syllable.word_start for syllable in miles["500"].syllables] == [True, True, False]
    every, fire, burns, tonight = lines[1]
    assert [len(other) for other in every.alternatives] == [2]
    assert [len(other) for other in fire.alternatives] == [1]
    assert fire.syllables[0].accent and fire.syllables[0].stress == 2 and not burns.syllables[0].accent
    assert shown(tonight) == "to-night" and [syllable.melisma for syllable in tonight.syllables] == [0, 1]
    assert lines[2][-1].syllables[0].melisma == 2
    assert [" ".join(syllable.phones) for syllable in lines[3][0].syllables] == ["B AH0", "B AH0", "B EY1", "B IY0"]
    assert [word.line for word in lines[4]] == [4, 4, 4] and lines[4][0].section == 2


def test_stress_in_the_line():
    (line,) = syllables_of(parse("the fire of my heart believe in"))
    assert [[syllable.stress for syllable in word.syllables] for word in line] == [
        [0], [2, 0], [0], [1], [2], [0, 2], [1],
    ]  # fmt: skip
    assert [word.syllables[0].is_function_word for word in line] == [True, False, True, True, False, False, True]


def test_melisma_in_the_middle_of_a_word():
    (line,) = syllables_of(parse("hal~le~~lu~jah"))
    assert shown(line[0]) == "hal-le-lu-jah"
    assert [syllable.melisma for syllable in line[0].syllables] == [1, 2, 1, 0]


def test_shouting_everywhere_accents_nothing():
    assert not any(word.accent for line in parse("WE WILL NOT STOP\nnever").lines for word in line.words)


def test_form_without_tags():
    chorus = "sing it loud\nsing it proud"
    text = f"walking home\nin the rain\n\n{chorus}\n\nanother day\ngone away\n\n{chorus}"
    lyrics = parse(text)
    assert lyrics.inferred
    assert [(part.kind, part.number) for part in lyrics.sections] == [
        ("verse", 1), ("chorus", None), ("verse", 2), ("chorus", None),
    ]  # fmt: skip


def test_words_before_the_first_tag_are_a_verse():
    first, second = parse("before\n[Chorus]\nafter").sections
    assert (first.kind, first.inferred, second.kind, second.inferred) == ("verse", True, "chorus", False)


@pytest.mark.parametrize(
    ("content", "kind", "number", "modifiers", "times"),
    [
        ("Verse 2", "verse", 2, (), 1),
        ("verse two", "verse", 2, (), 1),
        ("CHORUS: choir, loud", "chorus", None, ("choir", "loud"), 1),
        ("Final Chorus", "chorus", None, (), 1),
        ("Chorus x3", "chorus", None, (), 3),
        ("Chorus (2x)", "chorus", None, (), 2),
        ("prechorus", "pre-chorus", None, (), 1),
        ("Verse 1 - Ann", "verse", 1, ("ann",), 1),
        ("piano interlude", "instrumental", None, ("piano",), 1),
        ("Middle 8", "bridge", None, (), 1),
        ("end", "end", None, (), 1),
    ],
)
def test_tags(content: str, kind: str, number: int | None, modifiers: tuple[str, ...], times: int):
    tag = read_tag(content)
    assert tag is not None
    assert (tag.kind, tag.number, tag.modifiers, tag.times) == (kind, number, modifiers, times)


@pytest.mark.parametrize("content", ["whispered", "no drums", "raspy voice", "", "versed in love", "without chorus"])
def test_style_hints_are_no_sections(content: str):
    assert read_tag(content) is None


def test_headings_without_brackets():
    assert read_heading("Verse 2:") and read_heading("(Chorus)") and read_heading("CHORUS x2")
    assert read_heading("end") is None and read_heading("bridge over water:") is None
    assert [part.kind for part in parse("Verse 1:\nhello\nChorus:\nworld").sections] == ["verse", "chorus"]


def test_a_section_tag_may_lack_its_bracket():
    (section,) = parse("[Chorus\nhello").sections
    assert section.kind == "chorus" and len(section.lines) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no words"),
        ("!!! 😀", "no words"),
        ("[Choru\nhello", r"line 1.*square bracket"),
        ("hello [world", "square bracket"),
        ("hello]", "square bracket"),
        ("x" * 100_000, rf"100000 characters, at most {LYRICS_LIMIT_CHARS}"),
        ("a" * 200, "200 letters, at most 40"),
        ("la " * 60, rf"60 syllables, at most {LINE_LIMIT_SYLLABLES}"),
        ("one\na\x00b", r"line 2.*U\+0000"),
        ("Привет, мир", r"Cyrillic, 9 of 9"),
        ("夜の空に", r"letters: Japanese"),
        ("사랑해", r"Hangul, 3 of 3 letters: Korean"),
        ("hello мир friend of mine", "Latin"),
        ("{foo}", "no sounds"),
        ("{foo|K K}", "no vowel"),
        ("{foo|QQ}", "ARPABET"),
        ("{foo", "curly bracket"),
        ("a\n" * 401, "at most 400"),
        ("[Chorus]\n" + "oh\n" * 60 + "[Chorus]\n" * 10, "420 lines"),
    ],
)
def test_refused_in_one_line(text: str, reason: str):
    with pytest.raises(RequestError, match=reason) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


ALPHABET = st.sampled_from(
    [*"abeiost '~-/(){}[]|\n1923$%:.,A\t", "\u200b", "é", "½", "я", "🎵", "[chorus]\n", "la ", "x2"]
)


@settings(deadline=None, max_examples=150)
@example("[[chorus]]").via("nested")
@example("~~ / () {a|AA1}~").via("marks without words")
@given(st.lists(ALPHABET, max_size=60).map("".join))
def test_anything_parses_or_is_refused(text: str):
    try:
        lyrics = parse(text)
    except RequestError as refused:
        assert "\n" not in str(refused)
        return
    for word in words(lyrics):
        assert word.syllables
        assert "".join(syllable.text for syllable in word.syllables) == word.text
        assert word.syllables[0].word_start and word.syllables[-1].word_end
        for other in word.alternatives:
            assert len(other) != len(word.syllables)
            assert "".join(syllable.text for syllable in other) == word.text


@settings(deadline=None, max_examples=60)
@given(st.text("abcdefghijklmnopqrstuvwxyz :,-123x", max_size=30))
def test_no_tag_is_ever_sung(content: str):
    lyrics = parse(f"[{content}]\nhello [{content}] world\n[{content}]")
    assert {word.text for word in words(lyrics)} == {"hello", "world"}


@pytest.mark.parametrize("kind", ["ooh", "ah", "la"])
def test_vocalises_have_as_many_notes_as_asked(kind: str):
    lyrics = vocalises(kind, lines=3, notes=7)
    lines = syllables_of(lyrics)
    assert len(lines) == 3
    for line in lines:
        assert sum(1 + syllable.melisma for word in line for syllable in word.syllables) == 7


def test_vocalises_refuse():
    with pytest.raises(RequestError, match="ooh, ah, la"):
        vocalises("yodel")
    with pytest.raises(RequestError, match="at least 1"):
        vocalises("la", lines=0)
