"""A pianist's hands: parts of their own, and one sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from edited_pieces import COMPOSER, check_whole, edited, made, others_as_before

from noisician.edits import edits_from
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.models.embedded.play import keys_of, noise_of, part_of, with_undecided_mix
from noisician.piece import Piece, stem_names
from noisician.piece.intensities import resting

SOLO, DUET = made("solo piano", 0), with_undecided_mix(made("piano and violin duet", 1))


def performers(piece: Piece) -> dict[str, list[str]]:
    return {hands[0].key: [hand.id for hand in hands] for hands in piece.plan.performers}


def test_all_hands_are_one_part_one_stem_and_one_strip() -> None:
    assert performers(SOLO) == {"grand_piano": ["lead", "chords", "bass"]}
    assert set(stem_names(SOLO.plan.players)) == {"grand_piano"} and keys_of(SOLO, ()) == ("grand_piano",)
    mix = with_undecided_mix(SOLO).mix
    assert mix is not None and [(strip.key, strip.place.role) for strip in mix.strips] == [("grand_piano", "hands")]
    (hands,) = SOLO.plan.performers
    played = part_of(SOLO, hands).notes
    alone = [note for hand in hands for note in part_of(SOLO, (hand,)).notes]
    assert {(note.pitch, note.start_s) for note in played} <= {(note.pitch, note.start_s) for note in alone}
    assert 0.8 * len(alone) <= len(played) <= len(alone)
    check_whole(SOLO)


def test_a_hand_is_written_anew_and_the_others_stay() -> None:
    after = edited(SOLO, {"op": "regenerate", "players": ["bass"], "bars": [[2, 3]], "seed": 5})
    others_as_before(SOLO, after, ["bass"])
    (hands,) = after.plan.performers
    span = after.plan.bar_start_s(1), after.plan.bar_start_s(3)
    (redrawn,) = noise_of(after, hands).redrawn
    assert (redrawn.first_row, redrawn.last_row) == tuple(round(86.1328125 * seconds) for seconds in span)
    assert noise_of(SOLO, SOLO.plan.performers[0]).redrawn == ()
    both = edited(after, {"op": "regenerate", "players": ["lead"], "bars": [[3, 4]], "seed": 5})
    assert len({span.stream for span in noise_of(both, both.plan.performers[0]).redrawn}) == 3


def test_a_hand_goes_to_another_instrument_and_the_rest_plays_on() -> None:
    before = with_undecided_mix(SOLO)
    after = edited(before, {"op": "replace_instrument", "player": "lead", "instrument": "violin"})
    assert performers(after) == {"lead": ["lead"], "grand_piano": ["chords", "bass"]}
    assert after.mix is not None and [strip.key for strip in after.mix.strips] == ["grand_piano"]
    whole = edited(before, {"op": "replace_instrument", "player": "grand_piano", "instrument": "harp"})
    assert performers(whole) == {"harp": ["lead", "chords", "bass"]}
    assert whole.mix is not None and whole.mix.strips == ()


def test_whoever_names_the_pianist_names_all_hands() -> None:
    gone = edited(DUET, {"op": "remove_player", "player": "grand_piano"})
    assert performers(gone) == {"lead": ["lead"]}
    assert gone.mix is not None and [strip.key for strip in gone.mix.strips] == ["lead"]
    one = edited(DUET, {"op": "remove_player", "player": "chords"})
    assert performers(one) == {"lead": ["lead"], "grand_piano": ["bass"]}
    assert one.mix == DUET.mix
    higher = edited(SOLO, {"op": "transpose", "players": ["grand_piano"], "semitones": 2})
    for id_, notes in SOLO.notes.items():
        assert [note.pitch + 2 for note in notes] == [note.pitch for note in higher.notes[id_]]


@pytest.mark.parametrize(("name", "remarks"), [("bass", 1), ("grand_piano", 0)])
def test_the_mix_knows_one_piano(name: str, remarks: int) -> None:
    applying = Applying(lambda: COMPOSER, lambda source: DUET)
    after = apply_edits(DUET, edits_from([{"op": "mix", "player": name, "gain_db": -3}]), applying).piece
    assert after.mix is not None and [strip.fader_db for strip in after.mix.strips] == [0.0, -3.0]
    assert len(applying.remarks) == remarks


def test_hands_rest_together() -> None:
    assert set(resting(DUET)["tense"]) <= {"lead", "grand_piano"}


def test_pieces_from_before_have_no_hands() -> None:
    players = tuple(replace(player, performer="") for player in SOLO.plan.players)
    old = replace(SOLO, plan=replace(SOLO.plan, players=players))
    assert performers(old) == {"lead": ["lead"], "chords": ["chords"], "bass": ["bass"]}
    assert stem_names(old.plan.players) == ["lead-grand_piano", "chords-grand_piano", "bass-grand_piano"]
