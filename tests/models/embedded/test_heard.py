"""Pieces of recordings: what stays at which strength."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_composer import FakeNetwork
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.analysis.recording import Hearing
from noisician.analysis.sound import Sound
from noisician.composer import Composer, ComposerSettings
from noisician.errors import RequestError
from noisician.models.embedded.given import Making
from noisician.models.embedded.heard import in_key, kept_bars, piece_of_recording, plan_of_heard, with_heard
from noisician.models.embedded.write import check_brought
from noisician.piece import Piece
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Chord, Note, Score, Section, Track

POP = Controls(genres=(("pop", 1.0),))
LEAD = tuple(Note(60 + beat % 5, float(beat), 1.0, 90) for beat in range(32))
BASS = tuple(Note(36, 4.0 * bar, 4.0, 90) for bar in range(8))
KIT = tuple(Note(36 if beat % 2 == 0 else 38, float(beat), 0.25, 100) for beat in range(32))
CHORDS = tuple(Chord(4.0 * bar, 4.0, (0, 5, 7, 0)[bar % 4], "maj") for bar in range(8))
SCORE = Score(
    100.0,
    "C",
    "major",
    "4/4",
    8,
    (Section("verse", "A", 0, 4, 0.4), Section("verse", "A", 4, 4, 0.5)),
    (
        Track("lead", "flute", LEAD),
        Track("bass", "electric_bass", BASS),
        Track("drums", "standard_kit", KIT),
    ),
    CHORDS,
)
SOUND = Sound(-14.0, -1.0, 5.0, 0.1, (-10.0,) * 10, 500.0)
HEARD = Hearing(20.0, SCORE, tuple(2.4 * bar for bar in range(9)), 0.9, SOUND, (0.5,) * 8, 2.0, True, True)


def made(strength: float, controls: Controls = POP, heard: Hearing = HEARD, seed: int = 3) -> Piece:
    composer = Composer(FakeNetwork())  # type: ignore[arg-type]
    quick = ComposerSettings(steps=2, settle=True)
    making = Making(seed, RenderSettings(), lambda: composer, quick, lambda share: None)
    request = Request(init_audio="a.wav", strength=strength)
    return piece_of_recording(heard, request, controls, making, "a.wav")


def notes_of(piece: Piece, role: str) -> list[tuple[float, int]]:
    player = next(player for player in piece.plan.players if player.role == role)
    return [(note.start_beats, note.pitch) for note in piece.notes[player.id]]


def test_nothing_changes_at_strength_0() -> None:
    piece = made(0)
    for track in SCORE.tracks:
        assert notes_of(piece, track.role) == [(note.start_beats, note.pitch) for note in track.notes]
    assert [player.instrument for player in piece.plan.players] == ["flute", "electric_bass", "standard_kit"]
    assert (piece.plan.tempo_bpm, piece.plan.key, piece.plan.bars) == (100.0, "C", 8)


def test_tempo_and_key_that_are_asked_for_move_it() -> None:
    piece = made(0, POP.model_copy(update={"tempo_bpm": 120.0, "key": "D"}))
    assert notes_of(piece, "lead") == [(note.start_beats, note.pitch + 2) for note in LEAD]
    assert notes_of(piece, "drums") == [(note.start_beats, note.pitch) for note in KIT]
    assert (piece.plan.tempo_bpm, piece.plan.key) == (120.0, "D")
    assert in_key(SCORE, "Bb").tracks[0].notes[0].pitch == 58
    assert in_key(SCORE, "Bb").chords[0].root == 10


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), low=st.floats(0.01, 0.99), high=st.floats(0.01, 0.99))
def test_what_stays_at_a_strength_stays_at_every_lower_one(seed: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    plan = plan_of_heard(SCORE, POP, 1)
    little, much = kept_bars(plan, SCORE, high, seed), kept_bars(plan, SCORE, low, seed)
    for role, bars in little.items():
        assert not (bars & ~much[role]).any()
        assert np.array_equal(bars[:4], bars[4:]), "repeats of a section keep the same bars"
    pitched = little["lead"] | little["bass"]
    assert not (pitched & ~little["harmony"]).any()


def test_the_share_that_stays_is_the_rest_of_the_strength() -> None:
    plan = plan_of_heard(SCORE, POP, 1)
    for strength in (0.2, 0.5, 0.8):
        shares = [kept_bars(plan, SCORE, strength, seed)["lead"].mean() for seed in range(300)]
        assert np.mean(shares) == pytest.approx(1 - strength, abs=0.05)


@pytest.mark.parametrize("seed", [3, 4])
def test_kept_bars_are_played_as_they_were_heard(seed: int) -> None:
    strength = 0.5
    piece = made(strength, seed=seed)
    plan = piece.plan.for_composer()
    kept = kept_bars(plan_of_heard(SCORE, POP, seed), SCORE, strength, seed)
    assert plan.bars == 8 and [section.bars for section in plan.sections] == [4, 4]
    played = piece.grid
    assert played is not None
    lead = next(player for player in piece.plan.players if player.role == "lead")
    again = made(0.0, seed=seed)
    assert again.grid is not None
    before = again.grid.columns[next(one.id for one in again.plan.players if one.role == "lead")]
    for bar in np.flatnonzero(kept["lead"][:-1]):  # the last one ends the piece
        rows = slice(16 * bar, 16 * bar + 16)
        assert np.array_equal(played.columns[lead.id][rows], before[rows])
        assert np.array_equal(played.chords[rows], again.grid.chords[rows])


def test_it_is_said_what_was_heard() -> None:
    controls = with_heard(POP, HEARD, 0.5)
    told = {reason.field: reason.value for reason in controls.reasons}
    assert told["tempo_bpm"] == "100" and told["key"] == "C" and told["strength"] == "0.5"
    assert told["sections"] == "verse 4, verse 4" and told["notes"] == "lead 32, bass 8, drums 32"
    fixed = with_heard(POP.model_copy(update={"tempo_bpm": 90.0}), replace(HEARD, has_pulse=False), 0)
    assert fixed.tempo_bpm == 90.0 and "no pulse is heard" in fixed.notes[0]


def test_refusals_name_the_recording() -> None:
    with pytest.raises(RequestError, match=r"a\.wav: no notes are heard"):
        made(0.5, heard=replace(HEARD, score=replace(SCORE, tracks=())))
    with pytest.raises(RequestError, match="played as it is at --strength 0"):
        made(0, POP.model_copy(update={"bars": 4}))


def test_what_does_not_go_together_is_refused_before_anything_is_heard() -> None:
    for options, says in (
        ({"loop": True}, "--init-audio and --loop do not go together"),
        ({"melody": "b.wav"}, "--init-audio and --melody both bring the tune"),
        ({"vocals": True}, "--init-audio and --vocals"),
    ):
        with pytest.raises(RequestError, match=says):
            check_brought(Request(init_audio="a.wav", **options))  # type: ignore[arg-type]
    check_brought(Request(init_audio="a.wav", strength=1.0, loop=True))
