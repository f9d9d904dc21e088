"""Edits as values: JSON both ways, words, one line for anything else."""

from __future__ import annotations

import json

import pytest

from noisician.edits import EDITS_LIMIT, KINDS, Loop, Regenerate, SetStrip, Vary, edit_from, edits_from, in_words
from noisician.errors import RequestError

SAID = [
    ({"op": "regenerate", "players": ["bass"], "bars": [[5, 8]], "seed": 9}, "regenerate bass, bars 5-8 (seed 9)"),
    ({"op": "regenerate", "bars": [[2, 2]], "keep": "rhythm", "text": "busier"},
     "regenerate everybody, bar 2, keeping the rhythm, 'busier'"),
    ({"op": "vary", "players": ["lead"], "strength": 0.25}, "vary lead by 0.25"),
    ({"op": "extend", "by_bars": 8}, "extend by 8 bars after"),
    ({"op": "extend", "by_seconds": 10, "where": "before"}, "extend by 10 s before"),
    ({"op": "sections", "action": "reorder", "order": [1, 3, 2]}, "sections in the order 1, 3, 2"),
    ({"op": "sections", "action": "insert", "section": 2, "kind": "bridge", "bars": 4},
     "insert a bridge of 4 bars before section 2"),
    ({"op": "add_player", "instrument": "flute", "role": "counter"}, "add flute as counter"),
    ({"op": "remove_player", "player": "arp"}, "remove arp"),
    ({"op": "replace_instrument", "player": "lead", "instrument": "violin"}, "lead plays violin"),
    ({"op": "rest", "players": ["drums"], "bars": [[1, 4]]}, "rest: drums, bars 1-4"),
    ({"op": "notes", "player": "bass", "delete": [3, 4]}, "notes of bass: delete 2"),
    ({"op": "chords", "chords": [{"bar": 5, "chord": "Am7"}, {"bar": 7, "beat": 3, "chord": "G"}], "follow": ["bass"]},
     "chords 5:Am7 7.3:G, bass following"),
    ({"op": "tempo", "tempo_bpm": 96}, "tempo 96 BPM"),
    ({"op": "meter", "time_signature": "3/4"}, "metre 3/4"),
    ({"op": "key", "key": "D", "mode": "minor"}, "key D minor"),
    ({"op": "mix", "player": "drums", "gain_db": -3, "muted": False}, "mix drums: gain -3 dB, not muted"),
    ({"op": "fades", "fade_out_s": 4}, "fade in 0 s, out 4 s"),
    ({"op": "copy", "players": ["bass"], "bars": [1, 4], "to_bar": 9}, "copy bass, bars 1-4 to bar 9"),
    ({"op": "transpose", "semitones": -12}, "transpose everybody by -12 semitones"),
    ({"op": "timing", "quantise": 1}, "timing of everybody: quantise 1"),
    ({"op": "use_from", "players": ["lead"], "source": "b.wav"}, "lead from b.wav"),
    ({"op": "loop", "bars": [5, 8]}, "loop bars 5-8"),
    ({"op": "remaster"}, "remaster"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), SAID)
def test_an_edit_is_json_and_words(data: dict[str, object], words: str) -> None:
    edit = edit_from(data)
    assert edit.words() == words
    assert edit_from(json.loads(edit.model_dump_json())) == edit


def test_every_kind_is_told_here() -> None:
    assert {data["op"] for data, _ in SAID} | {"words", "voice"} == set(KINDS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"op": "sing"}, "unknown edit 'sing'; known: regenerate"),
        ({"players": ["bass"]}, "unknown edit None"),
        ("regenerate", "an edit is an object"),
        ({"op": "vary", "strength": 2}, "edit vary: strength 2"),
        ({"op": "tempo", "tempo_bpm": float("nan")}, "edit tempo: tempo_bpm nan"),
        ({"op": "mix", "player": "a", "volume": 1}, "edit mix: volume: Extra inputs"),
        ({"op": "notes"}, "edit notes: player: Field required"),
        ({"op": "regenerate", "bars": [[0, 2]]}, "edit regenerate: bars.0.0 0"),
    ],
)
def test_anything_else_is_refused_in_one_line(data: object, says: str) -> None:
    with pytest.raises(RequestError) as refusal:
        edit_from(data)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_list_of_edits_is_neither_empty_nor_endless() -> None:
    assert edits_from([{"op": "remaster"}, Loop()]) == (edit_from({"op": "remaster"}), Loop())
    for wrong, says in (
        ([], "no edit"),
        ("vary", "list of objects"),
        ([{"op": "loop"}] * (EDITS_LIMIT + 1), "at most"),
    ):
        with pytest.raises(RequestError, match=says):
            edits_from(wrong)


def test_several_edits_are_one_line() -> None:
    assert in_words([Vary(strength=1), SetStrip(player="bass", pan=-0.5)]) == "vary everybody by 1; mix bass: pan -0.5"


def test_the_first_region_of_a_regeneration_is_its_own() -> None:
    edit = edit_from({"op": "regenerate", "players": ["a"], "also": [{"players": ["b"], "bars": [[1, 2]]}]})
    assert isinstance(edit, Regenerate)
    assert [region.players for region in edit.regions] == [("a",), ("b",)]
