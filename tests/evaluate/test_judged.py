"""The scorer of judged prompts: known answers for each kind of field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from noisician.errors import FileError
from noisician.evaluate.judged import Judged, judge, judged_prompts, tally, vanished
from noisician.evaluate.suites.understanding import figures, wrong_lines
from noisician.prompt import Controls, Reason, SectionHint
from noisician.prompt.controls import Cue, Feature, Moment


def right(fields: dict[str, Any], **controls: Any) -> bool:
    verdicts = judge(Judged("", fields), Controls(**controls))
    return all(one.right for one in verdicts if one.field in fields)


def because(field: str, value: str, words: str, source: str = "lexicon") -> Reason:
    return Reason.model_validate({"field": field, "value": value, "words": words, "source": source})


def test_a_genre_is_the_main_one() -> None:
    blend = (("house", 0.7), ("jazz_swing", 0.3))
    assert right({"genre": "house"}, genres=blend)
    assert not right({"genre": "jazz"}, genres=blend)
    assert right({"genre_any": ["jazz", "house"]}, genres=blend)
    assert not right({"genre": "house"})


def test_a_rare_genre_is_met_by_what_its_own_words_were_taken_for() -> None:
    taken = {"genres": (("new_age", 1.0),), "reasons": (because("genres", "new_age", "qawwali", "substitute"),)}
    assert right({"genre": "qawwali"}, **taken)
    assert not right({"genre": "fado"}, **taken)


def test_all_moods_or_any() -> None:
    moods = (("sad", 0.5), ("calm", 0.5))
    assert right({"moods": ["sad", "calm"]}, moods=moods)
    assert not right({"moods": ["sad", "epic"]}, moods=moods)
    assert right({"moods_any": ["epic", "peaceful"]}, moods=moods)


def test_players_and_families() -> None:
    assert right({"instruments": ["guitar", "drums"]}, instruments=("steel_guitar", "jazz_kit"))
    assert not right({"instruments": ["acoustic guitar"]}, instruments=("distortion_guitar",))
    dhol = (because("instruments", "tabla_kit", "dhol", "substitute"),)
    assert right({"instruments": ["dhol"]}, instruments=("tabla_kit",), reasons=dhol)
    assert right({"count": {"violin": 2}}, instruments=("violin", "violin"))
    assert not right({"count": {"violin": 2}}, instruments=("violin",))


def test_a_band_that_was_cleared_without_a_word_is_wrong() -> None:
    case = Judged("", {"instruments": ["piano"]})
    closed = judge(case, Controls(instruments=("grand_piano",), closed=True))
    assert [(one.field, one.right) for one in closed] == [("instruments", True), ("band stays", False)]


@pytest.mark.parametrize(
    ("fields", "controls", "is_right"),
    [
        ({"tempo_bpm": [70, 80]}, {"tempo_bpm": 75.0}, True),
        ({"tempo_bpm": [70, 80]}, {"tempo_bpm": 85.0}, False),
        ({"tempo_feel": "slow"}, {"tempo_bpm": 70.0}, True),
        ({"tempo_feel": "slow"}, {"tempo_bpm": 150.0}, False),
        ({"key": "bb major"}, {"key": "Bb"}, True),
        ({"key": "bb minor"}, {"key": "Bb"}, False),
        ({"key": "gb major"}, {"key": "F#", "mode": "major"}, True),
        ({"length_s": 60}, {"duration_s": 55.0}, True),
        ({"length_s": 60}, {"duration_s": 50.0}, False),
        ({"energy": "low"}, {"energy": 0.2}, True),
        ({"energy": "rising"}, {"features": (Feature(kind="rising"),)}, True),
        ({"ending": "fade"}, {"features": (Feature(kind="fade_out"),)}, True),
        ({"ending": "sudden"}, {}, False),
        ({"form": [{"kind": "a"}, {"kind": "a"}, {"kind": "b"}]}, {"form": ("verse", "verse", "bridge")}, True),
        ({"form": [{"kind": "intro", "bars": 8}]}, {"sections": (SectionHint(kind="intro", bars=8),)}, True),
        ({"form": [{"kind": "intro", "bars": 8}]}, {"sections": (SectionHint(kind="intro", bars=4),)}, False),
        ({"excluded": ["drums"]}, {"excluded": ("drums",)}, True),
        ({"excluded": ["hi-hat"]}, {"features": (Feature(kind="without", where="hat"),)}, True),
        ({"vocals": False}, {"vocals": False}, True),
        ({"vocals": False}, {}, False),
        ({"voice_any": ["male", "choir"]}, {"voice": "choir"}, True),
        ({"length_s_any": [30, 60]}, {"duration_s": 60.0}, True),
        ({"energy": "medium"}, {"energy": 0.5}, True),
        ({"language": "german"}, {"language": "de"}, True),
        ({"colour": "blue"}, {}, False),
    ],
)
def test_figures_and_form(fields: dict[str, Any], controls: dict[str, Any], is_right: bool) -> None:
    assert right(fields, **controls) is is_right


def test_another_metre_is_right_where_it_is_said_to_stand_in() -> None:
    said = {"time_signature": "4/4", "reasons": (because("time_signature", "4/4", "7/8", "substitute"),)}
    assert right({"metre": "7/8"}, **said)
    assert not right({"metre": "7/8"}, time_signature="4/4")


@pytest.mark.parametrize(
    ("item", "controls", "is_right"),
    [
        (
            {"who": "drums", "what": "enters", "at_s": 30},
            {"cues": (Cue(who=("drums",), does="enter", moment=Moment(at_s=31.0)),)},
            True,
        ),
        (
            {"who": "drums", "what": "enters", "at_s": 30},
            {"cues": (Cue(who=("drums",), does="enter", moment=Moment(at_s=60.0)),)},
            False,
        ),
        (
            {"who": "piano", "what": "solo", "section": "start"},
            {"cues": (Cue(who=("grand_piano",), does="alone", moment=Moment(section="piece")),)},
            True,
        ),
        (
            {"who": "everyone", "what": "key change", "section": "last chorus", "semitones": 1},
            {"features": (Feature(kind="key_change", where="chorus", value=1.0),)},
            True,
        ),
        (
            {"who": "everyone", "what": "quiet", "section": "verse"},
            {"features": (Feature(kind="quiet", where="verse"),)},
            True,
        ),
        (
            {"who": "everyone", "what": "drop", "at_s": 150},
            {"sections": (SectionHint(kind="drop", at_s=150.0),)},
            True,
        ),
    ],
)
def test_wishes_with_a_place(item: dict[str, Any], controls: dict[str, Any], is_right: bool) -> None:
    players = {"instruments": ("standard_kit", "grand_piano")}
    assert right({"timed": [item]}, **players, **controls) is is_right


def test_words_vanish_where_nothing_tells_of_them() -> None:
    controls = Controls(reasons=(because("moods", "sad", "sad"),), not_understood=("unicorn",))
    assert vanished("a sad song for my unicorn, please", controls) == ["song"]
    assert vanished("悲しいピアノ", Controls(reasons=(because("moods", "sad", "悲しい"),))) == ["ピアノ"]


def test_a_refused_prompt_is_right_only_in_what_the_refusal_names() -> None:
    verdicts = judge(Judged("", {"length_s": 3600, "genre": "jazz"}), "length 3600 s is outside 1 to 600 s")
    assert [one.right for one in verdicts] == [True, False]


def test_figures_add_up_and_name_what_is_wrong() -> None:
    verdicts = [
        {"field": "genre", "wanted": "jazz", "understood": "house 1.0", "right": False},
        {"field": "genre_any", "wanted": ["house"], "understood": "house 1.0", "right": True},
    ]
    rows = [{"prompt": "a house", "verdicts": verdicts, "vanished": ["a"]}]
    by_name = {one.name: one for one in figures(rows)}
    assert by_name["prompts understood"].value == 50 and by_name["prompts understood: genre"].items == 2
    assert by_name["content words of prompts that vanish"].value == 1
    assert wrong_lines(rows) == ["genre: wanted jazz, understood 'house 1.0': a house", "vanished: a: a house"]


def test_the_shipped_prompts_can_be_judged() -> None:
    cases = judged_prompts()
    assert len(cases) == 807
    counts = tally(one for case in cases[:5] for one in judge(case, Controls()))
    assert all(right <= total for right, total in counts.values())


def test_a_line_that_is_no_judged_prompt_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"prompt": "jazz", "fields": {}}\n{"prompt": 1}\n', encoding="utf-8")
    with pytest.raises(FileError, match="line 2"):
        judged_prompts(path)
