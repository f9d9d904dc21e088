"""The numbers of a mix: JSON and back, edits that touch what they name, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from noisician.errors import FileError, RequestError
from noisician.mix import Finish, MasterNumbers, Mix, Strip, plan_mix
from noisician.mix.deciding import planned
from noisician.mix.plan import later_place
from noisician.mix.vocals import VoiceLevels
from noisician.score.model import VOICE

ROSTER = [("vocals", VOICE), ("drums", "standard_kit"), ("chords", "grand_piano"), ("chords", "clean_guitar")]
KEYS = ["vocals", "drums", "piano", "guitar"]


def mix() -> Mix:
    blank = planned(plan_mix(ROSTER, [("trance", 1.0)]), KEYS, 11, Finish(fade_out_s=1.0))
    voice = replace(blank.strips[0], gain_db=-3.25, levels=VoiceLevels(0.1, 0.09, 0.08, 0.05))
    master = MasterNumbers(-4.5, 0.013, 0.6, 7.25)
    return replace(blank, strips=(voice, *blank.strips[1:]), master=master)


def written(value: Mix) -> dict:
    return json.loads(json.dumps(value.to_dict()))


def test_json_and_back_is_the_same_mix() -> None:
    assert Mix.from_dict(written(mix())) == mix()
    changed = mix().adjusted("drums", fader_db=-3.0, pan=-0.25, muted=True, reverb_send=0.0).with_fades(0.5, 2.0)
    assert Mix.from_dict(written(changed)) == changed
    assert list(written(changed)["strips"]) == KEYS


def test_a_mix_from_before_kits_had_places_keeps_them_in_one() -> None:
    data = written(mix())
    assert data["strips"]["drums"]["place"].pop("pieces")
    old = Mix.from_dict(data)
    assert old.strip("drums").place.pieces == ()
    assert replace(mix().strip("drums").place, pieces=()) == old.strip("drums").place


def test_what_a_newer_version_wrote_is_kept_until_its_player_goes() -> None:
    data = written(mix())
    data["stage"] = {"colour": "blue"}
    data["strips"]["piano"]["solo"] = True
    data["strips"]["guitar"]["place"]["tilt_db"] = 1.5
    data["master"]["ditherer"] = [1, 2]
    read = Mix.from_dict(data)
    assert written(read) == data
    assert replace(read, unknown={}) == mix()
    softer = written(read.adjusted("piano", fader_db=-1.0))
    assert softer["strips"]["piano"]["solo"] is True
    without = written(read.without("guitar"))
    assert list(without["strips"]) == ["vocals", "drums", "piano"]
    assert without["stage"] == data["stage"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("master"), "incomplete"),
        (lambda data: data["strips"]["drums"].pop("gain_db"), "incomplete"),
        (lambda data: data["strips"]["drums"]["place"].pop("bands"), "incomplete"),
        (lambda data: data.update(strips=[]), "incomplete"),
        (lambda data: data.update(engine=3), "engine 3"),
    ],
)
def test_a_broken_or_newer_mix_is_refused_in_one_line(change: object, words: str) -> None:
    data = written(mix())
    change(data)  # type: ignore[operator]
    with pytest.raises(FileError, match=words) as caught:
        Mix.from_dict(data)
    assert "\n" not in str(caught.value)


def test_edits_touch_what_they_name_and_have_inverses() -> None:
    before = mix()
    after = before.adjusted("piano", fader_db=2.0, pan=1.0, delay_send=0.5)
    assert [strip for strip in after.strips if strip.key != "piano"] == [before.strips[i] for i in (0, 1, 3)]
    piano = after.strip("piano")
    assert (piano.fader_db, piano.place.pan, piano.place.delay_send) == (2.0, 0.85, 0.5)
    assert (piano.gain_db, piano.place.reverb_send) == (
        before.strip("piano").gain_db,
        before.strip("piano").place.reverb_send,
    )
    own = before.strip("piano")
    assert after.adjusted("piano", fader_db=0.0, pan=own.place.pan, delay_send=own.place.delay_send) == before
    added = before.with_player(Strip("flute", later_place([], "lead", "flute", before.settings), -2.0))
    assert added.without("flute") == before
    assert added.strips[:-1] == before.strips
    assert before.with_fades(1.0, 2.0).with_fades(0.0, 1.0) == before


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda m: m.adjusted("kazoo", muted=True), "no player 'kazoo' in the mix; it has vocals drums piano guitar"),
        (lambda m: m.adjusted("drums", fader_db=30.0), "fader_db 30 of drums; must lie between -60 and 24"),
        (lambda m: m.adjusted("drums", fader_db=float("nan")), "fader_db nan"),
        (lambda m: m.adjusted("drums", pan=-1.5), "pan -1.5"),
        (lambda m: m.adjusted("drums", reverb_send=-0.1), "reverb_send -0.1"),
        (lambda m: m.without("kazoo"), "no player 'kazoo'"),
        (lambda m: m.with_player(m.strips[0]), "'vocals' is in the mix already"),
        (lambda m: m.with_fades(-1.0, 0.0), "fades of -1 s"),
    ],
)
def test_impossible_edits_are_refused_in_one_line(edit: object, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        edit(mix())  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_who_comes_later_stands_where_the_plan_would_have_put_them() -> None:
    players = [*ROSTER, ("arp", "harp")]
    whole = plan_mix(players, [("trance", 1.0)])
    later = later_place(whole.stems[:-1], "arp", "harp", whole.settings)
    assert later == whole.stems[-1]
    more = later_place(whole.stems, "harmony", VOICE, whole.settings)
    assert more == replace(plan_mix([ROSTER[0], ("harmony", VOICE), *players[1:]], [("trance", 1.0)]).stems[1])
    with pytest.raises(RequestError, match="kazoo"):
        later_place(whole.stems, "lead", "kazoo", whole.settings)


def test_echoes_are_counted_down_to_44_db_under_the_dry_sound() -> None:
    dry = planned(plan_mix(ROSTER[1:2]), ["drums"], 1, Finish())
    assert dry.echo_repeats == 0
    place = replace(plan_mix([("lead", "flute")]).stems[0], delay_send=0.1)
    plan = replace(plan_mix([("lead", "flute")]), stems=(place,))
    assert planned(plan, ["flute"], 1, Finish()).echo_repeats == 4  # −20, −27.5, −35.1 and −42.6 dB
