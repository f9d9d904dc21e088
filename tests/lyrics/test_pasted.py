"""Lyrics as people paste them: each kind of notation, what becomes of it, and that no word is lost on the way."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.lyrics import Lyrics, parse, pronounce
from noisician.lyrics.normalise import pieces
from noisician.lyrics.tags import is_direction, read_tag


def sung(text: str) -> list[str]:
    """The lines of a text as a display shows them."""
    return [shown(line.words) for line in parse(text).lines]


def shown(words: tuple) -> str:
    return "".join(word.shown + ("" if word.joined else " ") for word in words).strip()


def form(text: str) -> list[tuple[str, int | None, int]]:
    return [(part.kind, part.number, len(part.lines)) for part in parse(text).sections]


@pytest.mark.parametrize(
    ("content", "kind", "number", "modifiers", "times"),
    [
        ("Verse 1 – soft piano", "verse", 1, ("soft piano",), 1),
        ("Chorus — big", "chorus", None, ("big",), 1),
        ("Big Chorus", "chorus", None, ("big",), 1),
        ("Verse-2", "verse", 2, (), 1),
        ("VERSE 1a", "verse", 1, (), 1),
        ("Chorus!", "chorus", None, (), 1),
        ("chorus.", "chorus", None, (), 1),
        ("Pre-Chorus / build", "pre-chorus", None, ("build",), 1),
        ("🎸 Guitar Solo 🎸", "solo", None, ("guitar",), 1),
        ("Verse/Anna", "verse", None, ("anna",), 1),
        ("Verse 2 (Ben & Anna)", "verse", 2, ("ben & anna",), 1),
        ("Chorus soft strings", "chorus", None, ("soft strings",), 1),
        ("Chorus ×3", "chorus", None, (), 3),
        ("Chorus, repeat twice", "chorus", None, (), 2),
        ("**Bridge**", "bridge", None, (), 1),
        ("Instrumental Break - 8 bars", "instrumental", None, ("8 bars",), 1),
        ("Inst", "instrumental", None, (), 1),
        ("V2", "verse", 2, (), 1),
        ("2nd Verse", "verse", 2, (), 1),
        ("verse1", "verse", 1, (), 1),
        ("Ref.", "chorus", None, (), 1),
        ("Hook: whispered, no drums", "hook", None, ("whispered", "no drums"), 1),
        ("Verse IV", "verse", 4, (), 1),
    ],
)
def test_every_spelling_of_a_section_tag(
    content: str, kind: str, number: int | None, modifiers: tuple[str, ...], times: int
) -> None:
    tag = read_tag(content)
    assert tag is not None
    assert (tag.kind, tag.number, tag.modifiers, tag.times) == (kind, number, modifiers, times)
    section = parse(f"[{content}]\nhello there").sections[0]
    assert (section.kind, section.number, section.modifiers) == (kind, number, modifiers)


@pytest.mark.parametrize("open_, close", [("[", "]"), ("【", "】"), ("［", "］"), ("〔", "〕")])
def test_brackets_of_other_scripts_are_brackets(open_: str, close: str) -> None:
    assert form(f"{open_}Chorus{close}\nhello") == [("chorus", None, 1)]


@pytest.mark.parametrize(
    "written",
    ["{Chorus}", "<Chorus>", "=== Chorus ===", "-- Chorus --", "~Chorus~", "*Chorus*", "Chorus:", "(Chorus)",
     "CHORUS 2", "Chorus (x1)", "## Chorus"],
)  # fmt: skip
def test_other_marks_of_headings(written: str) -> None:
    (section,) = parse(f"{written}\nStay with me").sections
    assert section.kind == "chorus" and shown(section.lines[0].words) == "Stay with me"


def test_small_headings_among_others() -> None:
    text = "verse 1\nstay\nchorus\nhold\nverse 2\nalone\nchorus\nhold"
    assert form(text) == [("verse", 1, 1), ("chorus", None, 1), ("verse", 2, 1), ("chorus", None, 1)]
    assert form("VERSE 1: (softly)\nstay\nCHORUS [big]\nhold") == [("verse", 1, 1), ("chorus", None, 1)]


def test_a_verse_that_is_repeated_by_its_number() -> None:
    lyrics = parse("[Verse 1]\nStay with me\n[Verse 2]\nAlone\n(repeat first verse)")
    assert [shown(line.words) for line in lyrics.lines] == ["Stay with me", "Alone", "Stay with me"]


def test_words_after_a_heading_are_sung() -> None:
    assert form("Verse 1: Stay with me\nHold on\nChorus: Fall down") == [("verse", 1, 2), ("chorus", None, 1)]


def test_tags_within_a_line_part_it() -> None:
    lyrics = parse("[verse] Stay with me [chorus] Hold the line [verse] Alone")
    assert [(part.kind, shown(part.lines[0].words)) for part in lyrics.sections] == [
        ("verse", "Stay with me"), ("chorus", "Hold the line"), ("verse", "Alone"),
    ]  # fmt: skip


SUBTITLES = {
    "line stamps": "[ti:Rain]\n[ar:Nobody]\n[00:01.00]Stay with me\n[00:03.50]Hold the line\n",
    "word stamps": "[00:01.00]<00:01.00>Stay <00:01.40>with <00:01.60>me<00:02.00>\n[00:03.00]Hold the line",
    "srt": "1\n00:00:01,000 --> 00:00:02,500\n<i>Stay with me</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nHold the line\n",
    "plain times": "0:12 Stay with me\n(0:15) Hold the line\n",
    "webvtt": "WEBVTT\n\n00:01.000 --> 00:02.500 align:start\n<v Anna>Stay <00:01.500>with me\n\n"
    "00:03.000 --> 00:04.000\nHold the line\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", SUBTITLES)
def test_subtitles_are_read_and_their_times_are_said_to_be_ignored(kind: str) -> None:
    lyrics = parse(SUBTITLES[kind])
    assert [shown(line.words) for line in lyrics.lines] == ["Stay with me", "Hold the line"]
    assert any("times of the lines are not followed" in note for note in lyrics.notes)


def test_a_line_with_two_stamps_is_sung_twice_in_its_places() -> None:
    assert sung("[00:20.00][00:40.00]Hold the line\n[00:10.00]Alone\n[00:30.00]Again") == [
        "Alone", "Hold the line", "Again", "Hold the line",
    ]  # fmt: skip


def test_a_pause_between_subtitles_parts_stanzas() -> None:
    cues = "1\n00:00:01,000 --> 00:00:02,000\nStay\n\n2\n00:00:02,500 --> 00:00:03,000\nwith me\n\n"
    assert form(cues + "3\n00:00:09,000 --> 00:00:10,000\nAlone") == [("verse", 1, 2), ("verse", 2, 1)]


MARKDOWN = """# Rain

**Verse 1**
- Stay **with** me
- Hold _on_

### [Chorus]
> Fall down

***
__Bridge:__
Let go

**Genre:** dark folk
BPM: 80
Artist: Nobody
"""


def test_markdown_title_and_style_lines() -> None:
    lyrics = parse(MARKDOWN)
    assert form(MARKDOWN) == [("verse", 1, 2), ("chorus", None, 1), ("bridge", None, 1)]
    assert sung(MARKDOWN) == ["Stay with me", "Hold on", "Fall down", "Let go"]
    assert lyrics.title == "Rain" and lyrics.wishes == ("dark folk", "80 bpm")
    assert any('"artist: Nobody"' in note for note in lyrics.notes)


BARE = (
    "INTRO\n\nVERSE ONE\nStay\n\nPre-Chorus\nHold\n\nCHORUS (x2)\nOn\n\nGuitar solo\n\nBridge\nLet\n\nRepeat chorus\n"
)


def test_bare_headings() -> None:
    assert form(BARE) == [
        ("intro", None, 0), ("verse", 1, 1), ("pre-chorus", None, 1), ("chorus", None, 1), ("chorus", None, 1),
        ("solo", None, 0), ("bridge", None, 1), ("chorus", None, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["chorus of angels", "the bridge", "end", "Verse after verse", "hook me up", "Drop"])
def test_a_line_that_begins_like_a_heading_is_sung(line: str) -> None:
    assert sung(f"Stay with me\n{line}\nHold on")[1] == line


CHORDS_ABOVE = """[Intro]
| C | G | Am | F |

[Verse]
     C              G/B
I am walking down the street
Am            Fmaj7  (x2)
  All alone tonight
"""


def test_chords_over_words() -> None:
    intro, verse = parse(CHORDS_ABOVE).sections
    assert intro.chords == ("C", "G", "Am", "F") and intro.lines == ()
    assert [line.chords for line in verse.lines] == [((2, "C"), (4, "G/B")), ((0, "Am"), (2, "Fmaj7"))]
    assert sung(CHORDS_ABOVE) == ["I am walking down the street", "All alone tonight"]


@pytest.mark.parametrize(
    "text",
    [
        "[Intro] C G Am F\n[Verse]\nStay",
        "Intro: C - G - Am - F\n\nVerse 1\nStay",
        "[Intro]\nC, G, Am, F\n\n[Verse]\nStay",
    ],
)
def test_chords_of_a_section_without_words(text: str) -> None:
    intro, verse = parse(text).sections
    assert intro.kind == "intro" and intro.chords == ("C", "G", "Am", "F") and len(verse.lines) == 1


def test_tablature_is_named_and_not_sung() -> None:
    lyrics = parse("e|--3--0--|\nB|--0--0--|\nStay with me")
    assert len(lyrics.lines) == 1 and "e|--3--0--|" in lyrics.notes[0]


def test_chord_pro() -> None:
    text = (
        "{title: Rain}\n{capo: 2}\n{key: G}\n{c: Verse 1}\n[G]Stay with [D/F#]me to[Em7]night\n{soc}\n[C]Hold\n{eoc}\n"
    )
    lyrics = parse(text + "# a remark\nAfter [D]words\n{chorus}\n{sot}\ne|--3--|\n{eot}\n")
    assert [(part.kind, len(part.lines), part.repeated) for part in lyrics.sections] == [
        ("verse", 1, False), ("chorus", 1, False), ("verse", 1, False), ("chorus", 1, True),
    ]  # fmt: skip
    first = lyrics.lines[0]
    assert shown(first.words) == "Stay with me tonight" and first.chords == ((0, "G"), (2, "D/F#"), (3, "Em7"))
    assert lyrics.title == "Rain" and lyrics.capo == 2 and lyrics.wishes == ("in G",)
    assert any("a remark" in note for note in lyrics.notes)


@pytest.mark.parametrize("text", ["A\nman", "Am I alone", "I got an A\nin math", "Do re mi\nFa so la"])
def test_words_that_look_like_chords_are_sung(text: str) -> None:
    assert sung(text) == text.split("\n")


@pytest.mark.parametrize(
    "text",
    ["[inst]", "[Instrumental]", "instrumental", "(Instrumental)", "Instrumental only", "no lyrics", "[no vocals]",
     "INSTRUMENTAL.", "purely instrumental, no vocals please", "Just music"],
)  # fmt: skip
def test_words_that_ask_for_none(text: str) -> None:
    lyrics = parse(text)
    assert lyrics.lines == () and {part.kind for part in lyrics.sections} <= {"instrumental"}
    assert lyrics.notes == ("no words to sing: an instrumental",)


def test_tags_alone_are_the_form_of_an_instrumental() -> None:
    lyrics = parse("[Intro]\n[Guitar Solo]\n[Outro]")
    assert [(part.kind, part.modifiers) for part in lyrics.sections] == [
        ("intro", ()), ("solo", ("guitar",)), ("outro", ()),
    ]  # fmt: skip
    assert lyrics.lines == () and parse("[Intro]\n[Outro]", "de") == parse("[Intro]\n[Outro]")


def test_html_and_written_line_ends() -> None:
    assert sung("[Verse]\nYou &amp; I don&#39;t know<br>\nHold&nbsp;me&hellip;") == ["You & I don't know", "Hold me…"]
    assert form("<h2>Verse 1</h2><p>Stay<br/>with me</p><p>Hold</p>") == [("verse", 1, 3)]
    assert form("[Verse]\\nStay with me\\n\\n[Chorus]\\nHold on") == [("verse", None, 1), ("chorus", None, 1)]
    assert sung("I\\u2019m here") == ["I’m here"]
    assert sung("I &lt;3 you") == ["I <3 you"] and parse("I &lt;3 you").lines[0].words[1].spoken == ("love",)


DIRECTED = """[Verse]
Stay with me
(guitar solo)
Hold (the line)

[Chorus]
Fall down

[Verse 2]
(softly) Alone again
(Repeat chorus)
(fade out)
"""


def test_stage_directions_are_done_and_not_sung() -> None:
    lyrics = parse(DIRECTED)
    assert form(DIRECTED) == [
        ("verse", None, 1), ("solo", None, 0), ("verse", None, 1), ("chorus", None, 1), ("verse", 2, 1),
        ("chorus", None, 1),
    ]  # fmt: skip
    assert lyrics.sections[1].modifiers == ("guitar",) and lyrics.sections[4].hints == ("softly",)
    assert lyrics.wishes == ("fade out",) and lyrics.sections[5].repeated
    assert [word.text for word in lyrics.lines[1].words if word.backing] == ["the", "line"]


@pytest.mark.parametrize(
    "line", ["never let me go (never let me go)", "we fade out (fade out)", "falling (slowly)", "stay (ooh)", "(aah)"]
)
def test_echoes_are_sung(line: str) -> None:
    (lyrics,) = parse(line).lines
    assert len(lyrics.words) == len(re.findall(r"\w+", line))


@pytest.mark.parametrize("content", ["spoken", "whispered", "drums kick in", "8 bars", "sax riff", "a cappella"])
def test_what_is_a_direction(content: str) -> None:
    assert is_direction(content, alone=True)


def test_repeats() -> None:
    assert sung("Hold on (twice)\nStay (2 times)") == ["Hold on", "Hold on", "Stay", "Stay"]
    assert sung("Hold on\nStay\n(Repeat)") == ["Hold on", "Stay", "Hold on", "Stay"]
    assert any('"Repeat chorus"' in note for note in parse("Stay with me\n\nRepeat chorus").notes)


def test_names_before_lines() -> None:
    lyrics = parse("Anna: Stay with me\nBEN: Hold the line\nBoth: Together\nChoir: Aah\nHe said: go")
    assert [shown(line.words) for line in lyrics.lines] == [
        "Stay with me", "Hold the line", "Together", "Aah", "He said: go",
    ]  # fmt: skip
    assert lyrics.lines[3].backing == (True,) and lyrics.lines[0].backing == (False, False, False)
    assert lyrics.notes == ("names before lines are not sung, one voice sings them all: Anna, BEN, Both, Choir",)
    assert parse("[singer 1: male]\nStay").wishes == ("male voice",)


FOREIGN = {
    "French": "Le vent se leve, la nuit est belle\net nous dansons dans la rue",
    "German": "Ich gehe heute Nacht allein\nund du bist nicht mehr da",
    "Spanish": "Quiero bailar contigo esta noche\npero no estas aqui",
    "Italian": "Non so più cosa dire\nquando sei qui con me",
    "Portuguese": "Eu não sei o que fazer\nquando você não está aqui",
    "Dutch": "Ik weet niet wat ik moet doen\nals jij hier niet bent",
    "Swedish": "Jag vet inte vad jag ska göra\nnär du inte är här",
    "Polish": "Nie wiem co mam robić\nkiedy ciebie tu nie ma",
    "Turkish": "Ben seni çok seviyorum\nama sen yoksun bu gece",
    "Japanese": "kimi no koe ga kikoeru\nboku wa zutto koko ni",
    "Indonesian": "Aku cinta padamu malam ini\ndan kamu tidak ada",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_language_is_refused_by_name(name: str) -> None:
    with pytest.raises(RequestError, match=rf"look {name}.*only English can be sung"):
        parse(FOREIGN[name])


@pytest.mark.parametrize(
    "text",
    [
        "la la la\nna na hey\nshoo bop sha wah",
        "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe",
        "Gonna finna get it, ayy, skrrt, brrr\nain't nobody stoppin' us tonite",
        "I told her voulez-vous and she said oui\nthen we danced all night in the rain",
        "Daenerys and Tyrion ride to the sea with Cersei",
        "im gonna luv u 4ever\nthats what u said 2 me",
    ],
)
def test_english_with_odd_words_is_english(text: str) -> None:
    assert parse(text).lines


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("dont", "don't"), ("doesnt", "doesn't"), ("theyre", "they're"), ("shes", "she's"), ("im", "i'm"),
        ("isnt", "isn't"), ("youll", "you'll"), ("wouldve", "would've"), ("yall", "y'all"), ("well", "well"),
        ("were", "were"), ("ill", "ill"), ("USA", "u. s. a."), ("usa", "u. s. a."), ("A.I.", "a. i."),
        ("L.A.", "l. a."), ("LA", "l. a."), ("la", "la"), ("MC", "m. c."), ("DJs", "d. j.'s"),
        ("FBI's", "f. b. i.'s"),
        ("UK", "u. k."), ("NASA", "nasa"), ("2am", "two a. m."), ("7/11", "seven eleven"), ("9/11", "nine eleven"),
        ("50/50", "fifty fifty"), ("1/2", "one half"), ("to-o-o-lling", "tolling"), ("a-ma-a-a-zing", "amazing"),
        ("ba-a-a-by", "baby"), ("gra-ace", "grace"), ("glo-o-o-ria", "gloria"), ("we-e", "we"), 
        ("lo-o-o-ong", "long"), ("hea-ea-eart", "heart"), ("co-op", "co op"), ("re-enter", "re enter"),
        ("cmon", "c'mon"),
        ("self-made", "self made"),
    ],
)  # fmt: skip
def test_as_spoken(written: str, spoken: str) -> None:
    assert " ".join(word for piece in pieces(written) for word in piece.spoken) == spoken


def test_drawn_out_words_are_drawn_out() -> None:
    (piece,) = pieces("to-o-o-lling")
    assert piece.slurs == (3, 5)


def test_times_and_letters_have_their_names() -> None:
    (line,) = parse("at 2 AM and 11 pm I am").lines
    assert [word.spoken for word in line.words] == [
        ("at",), ("two",), ("a.", "m."), ("and",), ("eleven",), ("p.", "m."), ("i",), ("am",),
    ]  # fmt: skip
    assert parse("born in the US of A").lines[0].words[3].spoken == ("u.", "s.")
    assert parse("I AM what I am").lines[0].words[1].spoken == ("am",)
    assert parse("come with US").lines[0].words[2].spoken == ("us",)
    assert pronounce("a.") == (("EY1",),) and pronounce("j.'s") == (("JH", "EY1", "Z"),)


def test_capitals_mean_nothing_where_all_are() -> None:
    (line,) = parse("TELL US IT IS OK IN THE USA").lines
    assert [word.spoken for word in line.words][1:4] == [("us",), ("it",), ("is",)]
    assert line.words[-1].spoken == ("u.", "s.", "a.")


@pytest.mark.parametrize(
    "line",
    ['La-la, my self-made heart, "stay"!', "Uh-huh, re-run the twenty-one days?", "well—no; I’m here… now?!",
     "“Hey,” she said -- wait", "rock'n'roll, 24/7, AC/DC"],
)  # fmt: skip
def test_text_comes_out_as_it_went_in(line: str) -> None:
    assert sung(line) == [line]


def test_labels_of_hints() -> None:
    lyrics = parse("[Energy: high]\n[Verse]\nStay with me\n[Ending: abrupt]")
    assert lyrics.wishes == ("high energy", "abrupt ending") and len(lyrics.sections) == 1


def test_hints_reach_the_piece_or_their_section() -> None:
    lyrics = parse("[distorted electric guitar]\n[Verse]\nStay with me\n[whispered]\nHold\n[Fade out]")
    assert lyrics.wishes == ("distorted electric guitar", "fade out")
    assert lyrics.sections[0].hints == ("whispered",)


WORDS = re.compile(r"[^\W_]+")
#: Those of the scraps below that mean something wherever they stand.
CONTENT = {"walk", "hold", "dont", "usa", "ooh", "rain", "bold", "jazz", "anna", "soft", "oll", "guitar", "fade", "so"}
SCRAPS = st.sampled_from(
    ["walk ", "hold on ", "dont ", "USA ", "(ooh) ", "(guitar solo)", "(fade out)", "[Verse 1 – soft]", "[Chorus]",
     "\n", "\n\n", "# Rain\n", "**bold** ", "Style: jazz\n", "[Am]", "C  G\n", "[00:01.00]", "<00:02.00>", "Anna: ",
     "🎵", "é ", "мир", "日本 ", "שלום", "&amp; ", "<br>", "\\n", "{title: x}\n", "{c: soft}\n", "to-o-oll ", "7/11 ",
     "2 AM ", "~", " / ", "—", "…", "“", "x2\n", "---\n", "1\n", "00:00:01,000 --> 00:00:02,000\n", "WEBVTT\n",
     "\ufeff", "\u200d", "ﬁ ", "١٢", "[", "]", "(", ")", "{", "}", "|", "no lyrics\n", "Repeat chorus\n", "``", "_so_ ",
     "http://x.y "]
)  # fmt: skip


@settings(deadline=None, max_examples=250)
@example("[Am][Chorus]Anna: (x2)")
@example("[00:01.00]<00:02.00>[Verse 1 – soft]")
@example("walk (guitar solo)hold on (fade out)")
@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_pasted_scraps_never_fail_and_never_lose_a_word(text: str) -> None:
    try:
        lyrics = parse(text)
    except RequestError as refused:
        assert "\n" not in str(refused)
        return
    assert CONTENT & set(WORDS.findall(text.lower())) <= said_of(lyrics)


def said_of(lyrics: Lyrics) -> set[str]:
    """Every word that is sung, acted on or named."""
    texts = [
        *(word.text for line in lyrics.lines for word in line.words),
        *lyrics.hints, *lyrics.wishes, *lyrics.notes, lyrics.title or "",
        *(modifier for part in lyrics.sections for modifier in (*part.modifiers, *part.hints)),
    ]  # fmt: skip
    return {word for text in texts for word in WORDS.findall(text.lower())}


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=120))
def test_any_characters_are_read_or_refused_in_one_line(text: str) -> None:
    try:
        lyrics = parse(text)
    except RequestError as refused:
        assert "\n" not in str(refused)
        return
    for line in lyrics.lines:
        assert all(word.shown for word in line.words)
