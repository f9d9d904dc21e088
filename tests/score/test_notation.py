"""MusicXML of notation programs as scores, on small files made here."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import FileError
from noisician.score.notation import read_musicxml

HEAD = (
    "<attributes><divisions>2</divisions><key><fifths>-1</fifths></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
)


def note(step: str, octave: int, duration: int, more: str = "") -> str:
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{duration}</duration>{more}</note>"
    )


def written(path: Path, *measures: str, part: str = "Flute", instrument: str = "") -> Path:
    body = "".join(f"<measure>{measure}</measure>" for measure in measures)
    path.write_text(
        '<?xml version="1.0"?><score-partwise><part-list><score-part id="P1">'
        f"<part-name>{part}</part-name>{instrument}</score-part></part-list>"
        f'<part id="P1">{body}</part></score-partwise>'
    )
    return path


def bar(step: str) -> str:
    return note(step, 4, 8)


def heard(path: Path) -> list[tuple[float, float, int]]:
    score = read_musicxml(path)
    return [(one.start_beats, one.duration_beats, one.pitch) for track in score.tracks for one in track.notes]


def test_notes_times_ties_and_lyrics(tmp_path: Path) -> None:
    lyric = "<lyric><text>Oh</text></lyric>"
    tied = note("C", 5, 4, '<tie type="start"/>' + lyric)
    path = written(
        tmp_path / "a.musicxml", HEAD + note("F", 4, 4) + tied, note("C", 5, 2, '<tie type="stop"/>') + note("A", 4, 6)
    )
    assert heard(path) == [(0, 2, 65), (2, 3, 72), (5, 3, 69)]
    score = read_musicxml(path)
    assert [one.syllable for one in score.tracks[0].notes] == [None, "Oh", None]
    assert (score.key, score.mode, score.time_signature, score.bars, score.tempo_bpm) == ("F", "major", "4/4", 2, 120)


def test_a_pickup_ends_at_the_bar_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.xml", HEAD + note("C", 5, 2), note("F", 4, 8))
    assert heard(path) == [(3, 1, 72), (4, 4, 65)]


def test_what_is_written_for_a_transposing_instrument_sounds_as_it_does(tmp_path: Path) -> None:
    transposed = HEAD.replace("</attributes>", "<transpose><chromatic>-2</chromatic></transpose></attributes>")
    assert heard(written(tmp_path / "a.xml", transposed + bar("D"), part="Clarinet")) == [(0, 4, 60)]


FORWARD, BACKWARD = (f'<barline><repeat direction="{way}"/></barline>' for way in ("forward", "backward"))


def ending(number: str, kind: str) -> str:
    return f'<barline><ending number="{number}" type="{kind}"/></barline>'


@pytest.mark.parametrize(
    ("measures", "played"),
    [
        ([bar("C"), bar("D") + BACKWARD, bar("E")], "CDCDE"),
        ([bar("C"), FORWARD + bar("D"), bar("E") + BACKWARD, bar("F")], "CDEDEF"),
        (
            [
                bar("C"), ending("1", "start") + bar("D") + ending("1", "stop") + BACKWARD,
                ending("2", "start") + bar("E") + ending("2", "stop"), bar("F"),
            ],
            "CDCEF",
        ),
        ([bar("C") + BACKWARD.replace("/></barline>", ' times="3"/></barline>'), bar("D")], "CCCD"),
        ([bar("C") + BACKWARD, bar("D") + BACKWARD], "CCDD"),
    ],
)  # fmt: skip
def test_repeats_are_played(tmp_path: Path, measures: list[str], played: str) -> None:
    pitches = {60: "C", 62: "D", 64: "E", 65: "F"}
    notes = heard(written(tmp_path / "a.xml", HEAD + measures[0], *measures[1:]))
    assert "".join(pitches[pitch] for _, _, pitch in notes) == played
    assert [start for start, _, _ in notes] == [4 * place for place in range(len(played))]


def test_chord_symbols_tempo_and_program(tmp_path: Path) -> None:
    harmony = "<harmony><root><root-step>{}</root-step></root><kind>{}</kind></harmony>"
    sound = '<direction><sound tempo="{}"/></direction>'
    path = written(
        tmp_path / "a.xml",
        HEAD + sound.format(90) + harmony.format("F", "major") + note("F", 4, 4)
        + harmony.format("D", "minor-seventh") + note("A", 4, 4),
        sound.format(60) + harmony.format("G", "dominant") + bar("G"),
        instrument='<midi-instrument id="I"><midi-program>41</midi-program></midi-instrument>', part="Vln",
    )  # fmt: skip
    score = read_musicxml(path)
    assert [(c.start_beats, c.duration_beats, c.root, c.quality) for c in score.chords] == [
        (0, 2, 5, "maj"), (2, 2, 2, "min7"), (4, 4, 7, "7"),
    ]  # fmt: skip
    assert (score.tempo_bpm, [(c.start_beats, c.tempo_bpm) for c in score.tempo_changes]) == (90, [(4, 60)])
    assert score.tracks[0].instrument == "violin"


def test_compressed_scores_are_read_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = written(tmp_path / "a.xml", HEAD + bar("C"))
    packed = tmp_path / "a.mxl"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "score.xml")
    assert heard(packed) == heard(plain)
    monkeypatch.setattr("noisician.score.musicxml.FILE_LIMIT_BYTES", 300)
    with pytest.raises(FileError, match=r"unpacks to more than|has .* MB"):
        read_musicxml(packed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<score-timewise/>", "score-timewise"),
        ("<score-partwise>", "not a readable"),
        ("<score-partwise/>", "no notes"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><score-partwise>&b;</score-partwise>', "entities"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(FileError, match=told) as refused:
        read_musicxml(path)
    assert "\n" not in str(refused.value)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_scores_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("xml") / "a.xml"
    content = bytearray(written(path, HEAD + bar("C") + BACKWARD, bar("D")).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.sampled_from(b"0<>9-/a\x00\xff"))
    path.write_bytes(bytes(content))
    try:
        assert read_musicxml(path).bars >= 1
    except FileError as error:
        assert "\n" not in str(error)
