"""Wishes that follow one another: clauses in any order of words, in any of the languages, and what comes of them."""

from __future__ import annotations

import pytest

from noisician.prompt import Controls, understand
from noisician.request import Request


def told(prompt: str) -> Controls:
    return understand(Request(prompt=prompt))


@pytest.mark.parametrize(
    ("prompt", "cues"),
    [
        (
            "Begin with hand claps. After four bars a bass groove. Four bars later a choir.",
            ["hand_percussion alone in the first section", "bass from bar 5", "choir choir_wash from bar 9"],
        ),
        (
            "at 1:00 kill the drums for 15 seconds, then slam them back",
            ["drums percussion until 1:00", "drums percussion from 1:15"],
        ),
        (
            "For the first 20 seconds I want only a cello. Then strings.",
            ["cello alone in the first section", "strings from 0:20"],
        ),
        ("mute everything but the kick from 1:20 to 1:35", ["drums percussion alone in 1:20", "everyone from 1:35"]),
        ("the strings come in after the second verse", ["strings from the section after number 2 of the verse"]),
        ("hold back the drums until the second chorus", ["drums percussion from number 2 of the chorus"]),
        ("swap the piano for a harpsichord at 0:45", ["grand_piano until 0:45", "harpsichord from 0:45"]),
        ("keep the bass out of the first verse", ["bass not in the first verse"]),
        ("drums chorus only", ["drums percussion only in every chorus"]),
        (
            "the bass drops out at 0:30 and returns at 0:45",
            ["bass until 0:30", "bass from 0:45"],
        ),
        (
            "4 bars piano, 4 bars piano and bass",
            ["grand_piano alone in the first section", "grand_piano bass from bar 5"],
        ),
        ("0:30 bass, 1:00 drums", ["bass from 0:30", "drums percussion from 1:00"]),
        ("im zweiten Refrain kommt ein Chor dazu", ["choir choir_wash from number 2 of the chorus"]),
        ("gli ultimi 10 secondi solo archi", ["strings alone in the last section"]),
        ("前20秒只有钢琴,然后弦乐进入", ["grand_piano alone in the first section", "strings from 0:20"]),
        ("처음에는 피아노만, 30초부터 드럼", ["grand_piano alone in the first section", "drums percussion from 0:30"]),
    ],
)
def test_who_comes_and_goes(prompt: str, cues: list[str]) -> None:
    controls = told(prompt)
    assert [str(one) for one in controls.cues] == cues
    assert not controls.closed and controls.excluded == () and controls.duration_s is None


@pytest.mark.parametrize(
    ("prompt", "feature"),
    [
        ("keep it calm till 0:45 then let it explode", "loud (0:45)"),
        ("soft, loud, soft", "loud (the first middle)"),
        ("tempo jumps to 140 at 1:00", "quickening (1:00)"),
        ("one bar of silence at 0:32", "silence 4 beats (0:32)"),
        ("add one instrument every 8 bars", "rising"),
        ("the last note rings for 5 seconds", "held chord"),
        ("slow down gradually over the last 10 seconds", "ritard"),
        ("begins in d minor, ends in d major", "key change 0 semitones (the last section)"),
    ],
)
def test_what_happens(prompt: str, feature: str) -> None:
    assert feature in [str(one) for one in told(prompt).features]


@pytest.mark.parametrize(
    ("prompt", "wish"),
    [
        ("whisper the verses, shout the chorus", "voices shout (the first chorus)"),
        ("metal, starts clean, distortion kicks in at 0:25", "guitar distorted (0:25)"),
        ("starts sad and ends happy", "happy (the last section)"),
        ("first 30 sec ambient, then techno", "in the style of techno (0:30)"),
        ("end on an unresolved chord", "unresolved chord (the last section)"),
    ],
)
def test_what_nothing_plays_yet_is_kept_and_told(prompt: str, wish: str) -> None:
    controls = told(prompt)
    assert wish in [str(one) for one in controls.wishes]
    assert any(reason.source == "unplayed" and reason.value == wish for reason in controls.reasons)


def test_a_time_that_is_a_place_is_no_length() -> None:
    assert told("guitar at 1:45").duration_s is None
    assert told("piano, 2:30").duration_s == 150


def test_headers_are_the_form() -> None:
    controls = told("[Intro] soft keys [Verse] bass [Chorus] huge drums")
    assert controls.form == ("intro", "verse", "chorus")
