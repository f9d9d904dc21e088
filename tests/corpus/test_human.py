"""Written scores as token grids, on tiny MusicXML files made here."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from noisician.corpus.human import pack_scores, read_score, read_scores
from noisician.errors import CorpusError, FileError
from noisician.score.grid import FIRST_ONSET, HOLD, Grid, chord_of, pitch_of
from noisician.score.musicxml import read_mxl

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def _note(pitch: int | None, duration: int, *, staff: int = 1, chord: bool = False, tie: str = "") -> str:
    if pitch is None:
        return f"<note><rest/><duration>{duration}</duration><staff>{staff}</staff></note>"
    name = _NAMES[pitch % 12]
    alter = "<alter>1</alter>" if "#" in name else ""
    head = f"<pitch><step>{name[0]}</step>{alter}<octave>{pitch // 12 - 1}</octave></pitch>"
    ties = f'<tie type="{tie}"/>' if tie else ""
    return f"<note>{'<chord/>' * chord}{head}<duration>{duration}</duration>{ties}<staff>{staff}</staff></note>"


def _chord(pitches: tuple[int, ...], duration: int, staff: int = 1) -> str:
    return "".join(_note(pitch, duration, staff=staff, chord=place > 0) for place, pitch in enumerate(pitches))


def _attributes(beats: int, beat_type: int, fifths: int = 0, staves: int = 1, divisions: int = 12) -> str:
    return (
        f"<attributes><divisions>{divisions}</divisions><key><fifths>{fifths}</fifths></key><time><beats>{beats}"
        f"</beats><beat-type>{beat_type}</beat-type></time><staves>{staves}</staves></attributes>"
    )


def _write(path: Path, *parts: tuple[str, list[str]]) -> Path:
    ids = [f"P{place}" for place in range(len(parts))]
    heads = "".join(
        f'<score-part id="{id_}"><part-name>{name}</part-name></score-part>'
        for id_, (name, _) in zip(ids, parts, strict=True)
    )
    bodies = "".join(
        f'<part id="{id_}">' + "".join(f"<measure>{measure}</measure>" for measure in measures) + "</part>"
        for id_, (_, measures) in zip(ids, parts, strict=True)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("score.xml", f"<score-partwise><part-list>{heads}</part-list>{bodies}</score-partwise>")
    return path


def _song(path: Path, bars: int = 4) -> Path:
    """D major, 4/4 at 80: a sung scale over a left-hand bass and right-hand after-beat triads."""
    tempo = '<direction><sound tempo="80"/></direction>'
    voice = "".join(_note(pitch, 12) for pitch in (62, 66, 69, 74))
    right = "".join(_note(None, 12) + _chord((62, 66, 69), 12) for _ in range(2))
    left = _note(38, 24, staff=2) + _note(45, 24, staff=2)
    piano = right + "<backup><duration>48</duration></backup>" + left
    return _write(
        path,
        ("Voice", [_attributes(4, 4, 2) + tempo + voice, *[voice] * (bars - 1)]),
        ("Piano", [_attributes(4, 4, 2, 2) + piano, *[piano] * (bars - 1)]),
    )


def _events(grid: Grid, stream: str) -> list[tuple[int, int]]:
    """(step, pitch) of each onset."""
    tokens = grid.stream(stream)
    return [(int(step), pitch_of(int(tokens[step]))[0]) for step in np.flatnonzero(tokens >= FIRST_ONSET)]


def test_a_song_becomes_lead_chords_and_bass_in_c(tmp_path: Path) -> None:
    (score,) = read_score(_song(tmp_path / "song.mxl"), "song")
    assert (score.name, score.mode, score.time_signature, score.tempo_bpm) == ("song-1", "major", "4/4", 80)
    assert score.grid.bars == 4
    assert _events(score.grid, "lead")[:4] == [(0, 60), (4, 64), (8, 67), (12, 72)]
    assert _events(score.grid, "bass")[:2] == [(0, 36), (8, 43)]
    assert {chord_of(int(token)) for token in score.grid.stream("chord")} == {(0, "maj")}
    chords = score.grid.stream("chords")
    assert [*np.flatnonzero(chords >= FIRST_ONSET)[:2]] == [4, 12]
    assert list(chords[4:8] >= HOLD) == [True] * 4
    assert chords[8] == 0
    assert not score.grid.stream("counter").any()


def test_ties_join_and_grace_notes_vanish(tmp_path: Path) -> None:
    grace = _note(80, 0).replace("<note>", "<note><grace/>")
    first = _attributes(4, 4) + grace + _note(72, 36) + _note(76, 12, tie="start")
    second = _note(76, 24, tie="stop") + _note(72, 24)
    (score,) = read_score(_write(tmp_path / "t.mxl", ("V", [first, second, second, second]), _rests(4)), "song")
    assert _events(score.grid, "lead")[:3] == [(0, 72), (12, 76), (24, 72)]
    assert list(score.grid.stream("lead")[13:24]) == [HOLD] * 11


def _rests(bars: int, beats: int = 4, beat_type: int = 4) -> tuple[str, list[str]]:
    rest = _note(None, 48 * beats // beat_type) + _note(None, 0, staff=2)
    return "Piano", [_attributes(beats, beat_type, 0, 2) + rest, *[rest] * (bars - 1)]


def test_two_four_pairs_up_and_a_pickup_is_padded(tmp_path: Path) -> None:
    pickup = _attributes(2, 4) + _note(67, 12)
    bars = [_note(72, 24), _note(74, 24)] * 5
    rest = _note(None, 24) + _note(None, 0, staff=2)
    piano = [_attributes(2, 4, 0, 2) + _note(None, 12), *[rest] * 10]
    (score,) = read_score(_write(tmp_path / "t.mxl", ("V", [pickup, *bars]), ("Piano", piano)), "song")
    assert (score.time_signature, score.grid.bars) == ("4/4", 5)
    assert _events(score.grid, "lead")[:3] == [(4, 67), (8, 72), (16, 74)]


@pytest.mark.parametrize(
    ("beats", "beat_type", "signature", "bars"),
    [(3, 4, "3/4", 8), (6, 8, "6/8", 8), (12, 8, "6/8", 16), (3, 8, "6/8", 4)],
)
def test_metres_map_to_ours(tmp_path: Path, beats: int, beat_type: int, signature: str, bars: int) -> None:
    bar = _note(72, 48 * beats // beat_type)
    path = _write(
        tmp_path / "t.mxl", ("V", [_attributes(beats, beat_type) + bar, *[bar] * 7]), _rests(8, beats, beat_type)
    )
    (score,) = read_score(path, "song")
    assert (score.time_signature, score.grid.bars) == (signature, bars)


def test_unsupported_metres_are_left_out(tmp_path: Path) -> None:
    bar = _note(72, 60)
    path = _write(tmp_path / "t.mxl", ("V", [_attributes(5, 4) + bar, *[bar] * 7]), _rests(8, 5))
    assert list(read_score(path, "song")) == []


def test_a_song_in_triplets_reads_as_six_eight_and_lone_triplets_end_the_run(tmp_path: Path) -> None:
    triplets = "".join(_note(72 + place % 3, 4) for place in range(12))
    plain = "".join(_note(72, 12) for _ in range(4))
    swinging = _write(tmp_path / "a.mxl", ("V", [_attributes(4, 4) + triplets, *[triplets] * 3]), _rests(4))
    (score,) = read_score(swinging, "song")
    assert (score.time_signature, score.grid.bars, score.tempo_bpm) == ("6/8", 8, 96)
    assert [step for step, _ in _events(score.grid, "lead")[:4]] == [0, 2, 4, 6]
    bars = [_attributes(4, 4) + plain, *[plain] * 4, triplets, *[plain] * 5]
    mostly_plain = list(read_score(_write(tmp_path / "b.mxl", ("V", bars), _rests(11)), "song"))
    assert [(part.name, part.grid.bars) for part in mostly_plain] == [("b-1", 5), ("b-2", 5)]


def test_a_minor_piece_is_told_from_its_relative_major(tmp_path: Path) -> None:
    bar = "".join(_note(pitch, 12) for pitch in (69, 72, 76, 68))
    close = "".join(_note(pitch, 12) for pitch in (71, 68, 69, 69))
    path = _write(tmp_path / "t.mxl", ("V", [_attributes(4, 4) + bar, bar, bar, close]), _rests(4))
    (score,) = read_score(path, "song")
    assert score.mode == "minor"
    assert _events(score.grid, "lead")[0] == (0, 72)


def test_a_broken_left_hand_gives_a_pedal_bass_and_an_arpeggio(tmp_path: Path) -> None:
    left = "".join(_note(pitch, 6, staff=2) for pitch in (48, 55, 60, 64, 48, 55, 60, 64))
    piano = [_attributes(4, 4, 0, 2) + left, *[left] * 3]
    voice = _note(76, 48)
    path = _write(tmp_path / "t.mxl", ("V", [_attributes(4, 4) + voice, *[voice] * 3]), ("Piano", piano))
    (score,) = read_score(path, "song")
    assert _events(score.grid, "bass")[:3] == [(0, 48), (8, 48), (16, 48)]
    assert [pitch for _, pitch in _events(score.grid, "arp")[:4]] == [48, 55, 60, 64]


def test_a_quartet_takes_its_four_seats(tmp_path: Path) -> None:
    parts = [
        (name, [_attributes(4, 4) + _note(pitch, 48), *[_note(pitch, 48)] * 3])
        for name, pitch in (("Violin 1", 76), ("Violin 2", 72), ("Viola", 67), ("Violoncello", 48))
    ]
    (score,) = read_score(_write(tmp_path / "q.mxl", *parts), "quartet")
    assert [_events(score.grid, role)[0][1] for role in ("lead", "counter", "bass")] == [76, 72, 48]
    assert score.grid.stream("chords")[0] >= FIRST_ONSET
    assert set(score.grid.stream("chord")) == {1}


def test_a_tune_over_after_beats_in_one_hand_is_told_from_them(tmp_path: Path) -> None:
    right = _note(76, 24) + _chord((64, 67), 12) + _note(None, 12)
    late = "<backup><duration>12</duration></backup>" + _note(79, 12)
    piano = [_attributes(4, 4, 0, 2) + right + late, *[right + late] * 3]
    (score,) = read_score(_write(tmp_path / "t.mxl", ("V", _rests(4)[1]), ("Piano", piano)), "song")
    assert _events(score.grid, "arp")[:3] == [(0, 76), (12, 79), (16, 76)]
    assert [*np.flatnonzero(score.grid.stream("chords") >= FIRST_ONSET)[:2]] == [8, 24]


def test_the_sung_part_leads_even_below_a_flute(tmp_path: Path) -> None:
    flute, voice = _note(84, 48), _note(72, 48).replace("</note>", "<lyric><text>la</text></lyric></note>")
    parts = [(name, [_attributes(4, 4) + note, *[note] * 3]) for name, note in (("Flute", flute), ("Voice", voice))]
    (score,) = read_score(_write(tmp_path / "t.mxl", *parts, _rests(4)), "song")
    assert _events(score.grid, "lead")[0] == (0, 72)
    assert _events(score.grid, "counter")[0] == (0, 84)


def test_a_dotted_sixteenth_keeps_its_thirty_second(tmp_path: Path) -> None:
    bar = _note(72, 9) + _note(74, 3) + "".join(_note(76, 12) for _ in range(3))
    path = _write(tmp_path / "t.mxl", ("V", [_attributes(4, 4, divisions=24) + bar * 2, *[bar * 2] * 3]), _rests(4))
    (score,) = read_score(path, "song")
    assert _events(score.grid, "lead")[:3] == [(0, 72), (1, 74), (2, 76)]


def test_every_tenth_song_is_held_out_and_the_rest_is_packed(tmp_path: Path) -> None:
    for number in range(1, 21):
        _song(tmp_path / "lieder" / f"lc{number:02}.mxl")
    held_out = [score.name for score in read_scores(tmp_path, held_out=True)]
    assert held_out == ["lc10-1", "lc20-1"]
    training = list(read_scores(tmp_path, held_out=False))
    assert len(training) == 18
    packed = tmp_path / "human.npz"
    assert pack_scores(tmp_path, packed) == 18
    with np.load(packed, allow_pickle=False) as there:
        np.testing.assert_array_equal(there["tokens"], np.concatenate([score.grid.tokens for score in training]))
        assert there["steps"].tolist() == [len(score.grid.tokens) for score in training]
        for name in ("name", "mode", "kind", "time_signature", "tempo_bpm"):
            assert there[name].tolist() == [getattr(score, name) for score in training]
    with pytest.raises(CorpusError, match="exists"):
        pack_scores(tmp_path, packed)


def test_damaged_input_is_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mxl"
    broken.write_bytes(b"PK not a zip")
    with pytest.raises(FileError, match="not a readable MusicXML score") as caught:
        read_mxl(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(CorpusError, match="holds no"):
        list(read_scores(tmp_path, held_out=False))
