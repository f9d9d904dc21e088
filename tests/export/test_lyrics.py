"""Lyrics in files: LRC, JSON, tags (mutagen is the independent reader), karaoke and MIDI."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import mutagen
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3

from noisician.audio import read_audio
from noisician.errors import FileError
from noisician.export import (
    Bundle,
    Metadata,
    TimedLine,
    TimedSyllable,
    TimedWord,
    bundle_paths,
    lrc,
    plain_lyrics,
    read_recipe,
    words_json,
    write_audio,
    write_bundle,
)
from noisician.export.id3 import build_tag
from noisician.export.lyrics import lrc_lines, synchronised
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Note, Score, Track
from noisician.score.midi import read_midi, write_midi

SAMPLES = np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32) * 0.1
RECIPE = Recipe(noisician="0.1.0", request=Request(prompt="夢"), seed=1)


def word(text: str, start_s: float, *syllables: str, each_s: float = 0.25) -> TimedWord:
    """A word whose syllables last ``each_s``."""
    parts = syllables or (text,)
    timed = tuple(
        TimedSyllable(part, start_s + place * each_s, start_s + (place + 1) * each_s, 60 + place)
        for place, part in enumerate(parts)
    )
    return TimedWord(text, start_s, start_s + len(parts) * each_s, timed)


def line(*words: TimedWord, section: str = "Verse", voice: str = "lead") -> TimedLine:
    return TimedLine(words, words[0].start_s, words[-1].end_s, section, voice)


LEAD = line(word("“Beautiful,", 1.0, "Beau", "ti", "ful"), word("day", 2.0))
ECHO = line(word("ooh", 2.125), word("ooh", 2.5), voice="backing")
CHORUS = line(word("schöne", 3.0, "schö", "ne"), word("夢", 3.5), section="Chorus")
LYRICS = (LEAD, ECHO, CHORUS)
PLAIN = "“Beautiful, day\n(ooh ooh)\n\nschöne 夢"
METADATA = Metadata(title="Träume", lyrics=LYRICS)


# Texts


def test_enhanced_lrc() -> None:
    assert lrc(LYRICS, "Träume", 203.4) == (
        "[ti:Träume]\n"
        "[length:03:23]\n"
        "[00:01.00]<00:01.00>“Beautiful, <00:02.00>day<00:02.25>\n"
        "[00:02.12]<00:02.12>(ooh <00:02.50>ooh)<00:02.75>\n"
        "[00:03.00]<00:03.00>schöne <00:03.50>夢<00:03.75>\n"
        "[00:03.75]\n"
    )


def test_simple_lrc_clears_the_display_in_long_silences() -> None:
    late = line(word("late", 8.0))
    assert lrc([CHORUS, late, LEAD], "", 9.0, enhanced=False) == (
        "[length:00:09]\n[00:01.00]“Beautiful, day\n[00:03.00]schöne 夢\n[00:03.75]\n[00:08.00]late\n[00:08.25]\n"
    )


def test_a_long_held_line_is_not_cleared_while_another_voice_comes_and_goes() -> None:
    held = line(word("hold", 1.0, each_s=9.0))
    stamps = lrc_lines([held, line(word("ah", 2.0), voice="backing"), line(word("on", 10.5))], enhanced=False)
    assert stamps == ["[00:01.00]hold", "[00:02.00](ah)", "[00:10.50]on", "[00:10.75]"]


@pytest.mark.parametrize(
    ("time_s", "stamp"),
    [
        (-0.2, "00:00.00"), (59.994, "00:59.99"), (59.996, "01:00.00"), (5999.0, "99:59.00"), (6000.0, "100:00.00"),
        (360_000.5, "6000:00.50"),
    ],
)  # fmt: skip
def test_stamps(time_s: float, stamp: str) -> None:
    assert lrc_lines([line(word("la", time_s))], enhanced=False)[0] == f"[{stamp}]la"


def test_length_beyond_an_hour_stays_in_minutes() -> None:
    assert lrc((), "", 6059.6) == "[length:101:00]\n"


def test_brackets_cannot_be_taken_for_stamps() -> None:
    tricky = line(word("[00:09.00]boo", 1.0), word("<3", 1.5), word("a\nb\0\x07", 2.0))
    assert lrc_lines([tricky], enhanced=False)[0] == "[00:01.00](00:09.00)boo ‹3 a b"
    text = lrc([tricky], "[ar:x]\n[00:01.00]y", 3.0)
    assert text.splitlines()[0] == "[ti:(ar:x) (00:01.00)y]"
    assert words_json([tricky]).count("[00:09.00]boo") == 3  # line, word and syllable keep the brackets
    assert plain_lyrics([tricky]) == "[00:09.00]boo <3 a b"


def test_nothing_sung_is_no_text() -> None:
    empty = TimedLine((), 1.0, 2.0)
    silent = line(word(" ", 1.0))
    for lines in ((), (empty,), (silent,), (empty, silent)):
        assert plain_lyrics(lines) == ""
        assert lrc_lines(lines) == []
        assert synchronised(lines) == []
        assert json.loads(words_json(lines)) == {"version": 1, "lines": []}
        assert not ID3(io.BytesIO(build_tag(Metadata(title="t", lyrics=lines), 1.0, None))).getall("USLT")


def test_plain_text_has_an_empty_line_between_sections_only() -> None:
    echo_across = line(word("ah", 1.125), word("ah", 3.25), voice="backing")
    assert plain_lyrics([LEAD, CHORUS, echo_across]) == "“Beautiful, day\n(ah ah)\n\nschöne 夢"
    answered = line(word("(yeah)", 9.0), section="Outro", voice="backing")
    assert plain_lyrics([CHORUS, answered]) == "schöne 夢\n\n(yeah)"


def test_json_holds_every_syllable() -> None:
    text = words_json(LYRICS)
    assert text.endswith("}\n")
    assert "schöne" in text and "夢" in text
    data = json.loads(text)
    assert data["version"] == 1
    assert [(entry["text"], entry["voice"], entry["section"]) for entry in data["lines"]] == [
        ("“Beautiful, day", "lead", "Verse"),
        ("(ooh ooh)", "backing", "Verse"),
        ("schöne 夢", "lead", "Chorus"),
    ]
    assert data["lines"][2]["words"] == [
        {
            "text": "schöne",
            "start_s": 3.0,
            "end_s": 3.5,
            "syllables": [
                {"text": "schö", "start_s": 3.0, "end_s": 3.25, "note_pitch": 60},
                {"text": "ne", "start_s": 3.25, "end_s": 3.5, "note_pitch": 61},
            ],
        },
        {
            "text": "夢",
            "start_s": 3.5,
            "end_s": 3.75,
            "syllables": [{"text": "夢", "start_s": 3.5, "end_s": 3.75, "note_pitch": 60}],
        },
    ]
    spoken = TimedLine((TimedWord("a\udc80", 1 / 3, 0.5, (TimedSyllable("a", 1 / 3, 0.5),)),), 1 / 3, 0.5)
    (entry,) = json.loads(words_json([spoken]))["lines"]
    assert (entry["text"], entry["start_s"], entry["words"][0]["syllables"][0]["note_pitch"]) == ("a?", 0.333, None)


def test_synchronised_pieces_are_syllables_with_their_punctuation() -> None:
    assert synchronised([CHORUS, LEAD]) == [
        ("“Beau", 1000), ("ti", 1250), ("ful,", 1500), (" day", 2000), ("\nschö", 3000), ("ne", 3250), (" 夢", 3500),
    ]  # fmt: skip


def test_words_whose_syllables_are_not_written_stay_whole() -> None:
    figure = word("1999", 1.0, "1999", "", "", "")
    respelt = word("colonel", 2.5, "ker", "nel")
    bare = TimedWord("hm", 3.5, 4.0)
    assert synchronised([line(figure, respelt, bare)]) == [("1999", 1000), (" colonel", 2500), (" hm", 3500)]


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@st.composite
def _lines(draw: st.DrawFn) -> TimedLine:
    at_s = draw(st.floats(0, 7000))
    words = []
    for text in draw(st.lists(WORDS, min_size=1, max_size=4)):
        cut = draw(st.integers(0, len(text)))
        words.append(word(text, at_s, *(part for part in (text[:cut], text[cut:]) if part)))
        at_s = words[-1].end_s
    return line(*words, voice=draw(st.sampled_from(["lead", "backing"])))


@settings(max_examples=60, deadline=None)
@given(st.lists(_lines(), max_size=5))
def test_every_form_keeps_all_words_in_order_of_time(lines: list[TimedLine]) -> None:
    pieces = synchronised(lines)
    times = [time_ms for _, time_ms in pieces]
    assert times == sorted(times)
    ordered = sorted(lines, key=lambda one: (one.start_s, one.voice != "lead"))
    texts = [" ".join(one.text for one in entry.words) for entry in ordered]
    assert "".join(text for text, _ in pieces) == "\n".join(texts)
    assert [entry.text for entry in ordered] == [part for part in plain_lyrics(lines).split("\n") if part]
    stamped = [text for text in lrc_lines(lines) if not re.fullmatch(r"\[[\d:.]+\]", text)]
    assert len(stamped) == len(lines)
    for text, entry in zip(stamped, ordered, strict=True):
        assert re.fullmatch(r"\[\d{2,}:[0-5]\d\.\d\d\][^\[\]\n]*", text)
        assert len(re.findall(r"<\d{2,}:[0-5]\d\.\d\d>", text)) == len(entry.words) + 1


# Tags


def test_sylt_byte_by_byte() -> None:
    sung = Metadata(artist="", software="", lyrics=(line(word("hi-ya", 0.258, "hi", "ya", each_s=1.0)),))
    uslt = b"USLT\0\0\0\x0a\0\0" + b"\x03eng\0hi-ya"
    content = b"\x03eng\x02\x01\0" + b"hi-\0\0\0\x01\x02" + b"ya\0\0\0\x04\xea"
    sylt = b"SYLT\0\0\0\x16\0\0" + content
    assert build_tag(sung, 3.0, None) == b"ID3\x04\0\0\0\0\0" + bytes([len(uslt + sylt)]) + uslt + sylt


@pytest.mark.parametrize("extension", ["mp3", "wav"])
def test_id3_lyrics_are_read_back_exactly(tmp_path: Path, extension: str) -> None:
    path = write_audio(tmp_path / f"a.{extension}", SAMPLES, METADATA, RECIPE.to_json())
    tags: Any = mutagen.File(path).tags  # type: ignore[reportPrivateImportUsage]
    (plain,) = tags.getall("USLT")
    assert (plain.text, plain.lang, plain.desc) == (PLAIN, "eng", "")
    assert {frame.desc for frame in tags.getall("SYLT")} == {"", "backing"}
    for frame in tags.getall("SYLT"):
        lines = [entry for entry in LYRICS if (entry.voice == "backing") == (frame.desc == "backing")]
        assert (frame.lang, frame.format, frame.type) == ("eng", 2, 1)
        assert frame.text == synchronised(lines)
    assert read_recipe(path) == RECIPE


@pytest.mark.parametrize("extension", ["flac", "ogg"])
def test_vorbis_lyrics_are_read_back_exactly(tmp_path: Path, extension: str) -> None:
    path = write_audio(tmp_path / f"a.{extension}", SAMPLES, METADATA, RECIPE.to_json())
    tags: Any = mutagen.File(path).tags  # type: ignore[reportPrivateImportUsage]
    assert tags["LYRICS"] == [PLAIN]
    assert tags["SYNCEDLYRICS"] == ["\n".join(lrc_lines(LYRICS))]
    assert read_recipe(path) == RECIPE


def test_unsung_tracks_have_no_lyrics_tags_and_other_languages_are_not_called_english(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.flac", SAMPLES, Metadata(title="t"))
    tags: Any = mutagen.File(path).tags  # type: ignore[reportPrivateImportUsage]
    assert not {"LYRICS", "SYNCEDLYRICS"} & {name.upper() for name, _ in tags}
    foreign = ID3(io.BytesIO(build_tag(replace(METADATA, language="de"), 1.0, None)))
    assert {frame.lang for name in ("USLT", "SYLT") for frame in foreign.getall(name)} == {"XXX"}


def test_hours_of_lyrics_fit_into_every_tag(tmp_path: Path) -> None:
    lines = tuple(line(word("beautiful", 3.0 * number, "beau", "ti", "ful")) for number in range(3000))
    for extension in ("mp3", "ogg"):
        path = write_audio(tmp_path / f"a.{extension}", SAMPLES, Metadata(title="long", lyrics=lines))
        tags: Any = mutagen.File(path).tags  # type: ignore[reportPrivateImportUsage]
        if extension == "mp3":
            assert tags.getall("SYLT")[0].text[-1] == ("ful", 8_997_500)
        else:
            assert "[149:57.00]<149:57.00>beautiful<149:57.75>" in tags["SYNCEDLYRICS"][0]


# Files beside the track


def _bundle(folder: Path, **changes: Any) -> Bundle:
    bundle = Bundle(folder / "song.flac", SAMPLES, METADATA, RECIPE.to_json(), bit_depth=16)
    return replace(bundle, lrc=True, lyrics_json=True, instrumental=SAMPLES / 2, **changes)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_lyrics_and_karaoke_beside_the_track(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path, stems={"vocals": SAMPLES})
    paths = write_bundle(bundle)
    assert paths == bundle_paths(bundle)
    assert {kind: path.name for kind, path in paths.items()} == {
        "track": "song.flac",
        "sidecar": "song.json",
        "lrc": "song.lrc",
        "lyrics_json": "song.lyrics.json",
        "karaoke": "song_karaoke.flac",
        "karaoke_lrc": "song_karaoke.lrc",
        "stems": "song_stems",
    }
    assert _names(tmp_path) == {path.name for path in paths.values()} | {"vocals.wav", "recipe.json"}
    duration_s = len(SAMPLES) / 44100
    assert paths["lrc"].read_text("utf-8") == lrc(LYRICS, "Träume", duration_s)
    assert paths["karaoke_lrc"].read_text("utf-8") == lrc(LYRICS, "Träume (karaoke)", duration_s)
    assert paths["lyrics_json"].read_text("utf-8") == words_json(LYRICS)
    karaoke, _ = read_audio(paths["karaoke"])
    np.testing.assert_allclose(karaoke, SAMPLES / 2, atol=2 / 2**15)
    tags: Any = mutagen.File(paths["karaoke"]).tags  # type: ignore[reportPrivateImportUsage]
    assert (tags["TITLE"], tags["LYRICS"]) == (["Träume (karaoke)"], [PLAIN])
    assert read_recipe(paths["karaoke"]) == RECIPE
    assert b"USLT" not in (paths["stems"] / "vocals.wav").read_bytes()


def test_a_format_without_extension_names_karaoke_after_the_track(tmp_path: Path) -> None:
    paths = write_bundle(_bundle(tmp_path, path=tmp_path / "song", format="wav"))
    assert (paths["karaoke"].name, paths["karaoke_lrc"].name) == ("song_karaoke", "song_karaoke.lrc")
    assert paths["karaoke"].read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize("taken", ["song.lrc", "song.lyrics.json", "song_karaoke.flac", "song_karaoke.lrc"])
def test_one_taken_name_stops_them_all(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    with pytest.raises(FileError, match="already exists"):
        write_bundle(_bundle(tmp_path))
    assert _names(tmp_path) == {taken}
    assert (tmp_path / taken).read_bytes() == b"precious"
    write_bundle(_bundle(tmp_path), overwrite=True)
    assert (tmp_path / taken).read_bytes() != b"precious"


def test_a_broken_instrumental_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="NaN"):
        write_bundle(replace(_bundle(tmp_path), instrumental=np.full((10, 2), np.nan)))
    assert _names(tmp_path) == set()


@pytest.mark.parametrize(
    "asked", [{"lrc": True}, {"lyrics_json": True}, {"instrumental": SAMPLES}], ids=["lrc", "json", "karaoke"]
)
def test_files_of_lyrics_need_lyrics(tmp_path: Path, asked: dict[str, Any]) -> None:
    bundle = Bundle(tmp_path / "song.wav", SAMPLES, Metadata(title="t"), RECIPE.to_json())
    with pytest.raises(FileError, match="nothing is sung") as error:
        write_bundle(replace(bundle, **asked))
    assert "\n" not in str(error.value)
    assert _names(tmp_path) == set()


def test_a_lyrics_file_is_not_taken_for_a_recipe(tmp_path: Path) -> None:
    paths = write_bundle(_bundle(tmp_path))
    for kind in ("lrc", "lyrics_json"):
        with pytest.raises(FileError) as error:
            read_recipe(paths[kind])
        assert "\n" not in str(error.value)


# MIDI


def test_midi_carries_hyphenated_syllables_on_their_notes_and_gives_them_back() -> None:
    sung = (
        Note(64, 0.0, 0.5, 92, "beau-"),
        Note(65, 0.5, 0.5, 92, "ti-"),
        Note(67, 1.0, 0.5, 92, "ful "),
        Note(69, 1.5, 0.5, 92),  # still "ful"
        Note(71, 2.0, 1.0, 108, "夢 "),
    )
    tracks = (
        *(Track(role, "voice", sung) for role in ("vocals", "backing", "harmony", "doubles", "choir")),
        Track("drums", "jazz_kit", (Note(38, 1.0, 0.25, 100),)),
    )
    score = Score(120.0, "C", "major", "4/4", 1, (), tracks)
    file = io.BytesIO()
    write_midi(score, file)
    file.seek(0)
    midi = mido.MidiFile(file=file, charset="utf-8")
    at, lyrics, onsets = 0, [], []
    for message in midi.tracks[1]:
        at += message.time
        if message.type == "lyrics":
            lyrics.append((at, message.text))
        elif message.type == "note_on":
            onsets.append(at)
    assert lyrics == [(0, "beau-"), (240, "ti-"), (480, "ful "), (960, "夢 ")]
    assert onsets == [0, 240, 480, 720, 960]
    assert midi.tracks[1].name == "vocals: voice"
    assert [m.program for track in midi.tracks for m in track if m.type == "program_change"] == [53] * 5 + [32]
    file.seek(0)
    assert read_midi(file) == score


def test_a_voice_in_a_role_that_nobody_sings_is_inferred_anew() -> None:
    file = io.BytesIO()
    write_midi(Score(120.0, "C", "major", "4/4", 1, (), (Track("bass", "voice", (Note(40, 0.0, 1.0, 90),)),)), file)
    file.seek(0)
    (track,) = read_midi(file).tracks
    assert track.role == "bass"
    assert track.instrument != "voice"
