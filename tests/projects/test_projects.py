"""Projects for other programs, read back by readers that are not ours."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mido
import numpy as np
import pytest
import rpp
import soundfile
import xmlschema
import yaml
from fake_model import FakeModel, RunCommand

from noisician.cli.export import Kind
from noisician.errors import FileError, RequestError
from noisician.export import Metadata, TimedLine, TimedWord
from noisician.music import Music
from noisician.projects import KINDS, SUNG_KINDS, Project, Sound, project_of, write_project
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Note, Score, Section, Track
from noisician.score.midi import write_midi
from noisician.score.model import Chord, MeterChange
from noisician.score.tempo import TempoChange

RATE_HZ = 44100
SCHEMAS = Path(__file__).parents[1] / "data" / "dawproject"
#: Titles and words of other scripts, with all that XML, quotes and Reaper's lines could stumble over.
TITLE = "A \"song\" of 'quotes' & `ticks` <夢>\x07"


def a_score(bars: int = 4, time_signature: str = "4/4", **more: Any) -> Score:
    lead = (Note(72, 0.0, 1.0, 100), Note(74, 1.5, 0.5, 64), Note(74, 2.0, 2.0, 1))
    sung = (Note(60, 0.0, 1.0, 90, "Hel-"), Note(62, 1.0, 1.0, 90, "lo\r"))
    return Score(
        120.0, "A", "minor", time_signature, bars,
        sections=(Section("verse", "A", 0, 2, 0.5), Section("pre_chorus", "B", 2, bars - 2, 0.5)),
        tracks=(
            Track("lead", "flute", lead),
            Track("lead", "flute", lead[:1]),
            Track("drums", "standard_kit", (Note(36, 0.0, 0.25, 110),)),
            Track("vocals", "voice", sung),
        ),
        chords=(Chord(0.0, 4.0, 9, "min"), Chord(4.0, 4.0, 9, "min"), Chord(8.0, 8.0, 5, "maj7")),
        **more,
    )  # fmt: skip


def sound_of(score: Score, seconds: float = 8.5) -> tuple[Project, Sound]:
    frames = round(seconds * RATE_HZ)
    rng = np.random.default_rng(0)
    names = ("lead-flute", "lead-flute-2", "drums-standard_kit", "vocals", "harmony")
    stems = {name: rng.normal(0, 0.5, (frames - place, 2)).astype(np.float32) for place, name in enumerate(names)}
    midi = io.BytesIO()
    write_midi(score, midi)
    project = project_of(score, stems, TITLE, frames, RATE_HZ, "What to know.")
    return project, Sound(stems, stems["lead-flute"] / 4, midi.getvalue(), Metadata(title=TITLE, tempo_bpm=120.0), "{}")


def archive_of(project: Project, sound: Sound, folder: Path) -> tuple[zipfile.ZipFile, ElementTree.Element]:
    (path,) = write_project(project, sound, folder / "song", "dawproject")
    assert path.name == "song.dawproject"
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    return archive, ElementTree.fromstring(archive.read("project.xml"))


CURVED = {
    "tempo_changes": (TempoChange(4.0, 90.0), TempoChange(8.0, 120.0)),
    "meter_changes": (MeterChange(8.0, "7/8"),),
}


@pytest.mark.parametrize("more", [{}, CURVED, {"time_signature": "6/8"}], ids=["even", "curved", "six eight"])
def test_a_dawproject_is_what_its_schema_says(more: Any, tmp_path: Path) -> None:
    archive, root = archive_of(*sound_of(a_score(**more)), tmp_path)
    for name in ("Project", "MetaData"):
        schema = xmlschema.XMLSchema(SCHEMAS / f"{name}.xsd")
        schema.validate(archive.read(f"{name.lower()}.xml").decode())
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    pointed = {one.get(name) for one in root.iter() for name in ("track", "destination", "parameter") if one.get(name)}
    assert pointed <= set(ids)
    for file in root.iter("File"):
        archive.getinfo(str(file.get("path")))


def test_notes_markers_chords_and_words_come_back(tmp_path: Path) -> None:
    _, root = archive_of(*sound_of(a_score(**CURVED)), tmp_path)
    names = {one.get("id"): one.get("name") for one in root.iter("Track")}
    lanes = {names[str(one.get("track"))]: one for one in root.iter("Lanes") if one.get("track")}
    assert [one for one in names.values() if "notes" not in str(one)][:5] == [
        "lead: flute", "lead: flute 2", "drums: standard kit", "vocals", "harmony",
    ]  # fmt: skip
    notes = [
        tuple(float(str(note.get(key))) for key in ("time", "duration", "key", "vel", "channel"))
        for note in lanes["lead: flute (notes)"].iter("Note")
    ]
    assert [note[:3] for note in notes] == [(0, 1, 72), (1.5, 0.5, 74), (2, 2, 74)]
    assert [round(127 * note[3]) for note in notes] == [100, 64, 1]
    assert [note.get("channel") for note in lanes["drums: standard kit (notes)"].iter("Note")] == ["9"]
    markers = [(one.get("time"), one.get("name")) for one in root.iter("Marker")]
    assert markers == [
        ("0", "verse A"),
        ("8", "pre chorus B"),
    ]
    assert [(one.get("time"), one.get("name")) for one in lanes["chords"].iter("Clip")] == [("0", "Am"), ("8", "Fmaj7")]
    assert [one.get("name") for one in lanes["lyrics"].iter("Clip")] == ["Hel-", "lo"]
    tempi = [(one.get("time"), one.get("value"), one.get("interpolation")) for one in root.iter("RealPoint")]
    assert tempi == [("0", "120", "hold"), ("4", "90", "hold"), ("8", "120", "hold")]
    metres = [
        (one.get("time"), one.get("numerator"), one.get("denominator")) for one in root.iter("TimeSignaturePoint")
    ]
    assert metres == [("0", "4", "4"), ("8", "7", "8")]


def test_faders_are_at_0_db_and_the_finished_track_is_muted(tmp_path: Path) -> None:
    _, root = archive_of(*sound_of(a_score()), tmp_path)
    muted = {one.get("name"): one.findall("Channel/Mute")[0].get("value") for one in root.iter("Track")}
    assert [name for name, value in muted.items() if value == "true"] == ["finished track"]
    assert {one.get("value") for one in root.iter("Volume")} == {"1"}
    assert {one.get("value") for one in root.iter("Pan")} == {"0.5"}


@pytest.mark.parametrize("kind", ["dawproject", "reaper"])
def test_the_stems_sum_to_the_mix_whatever_their_peaks(kind: str, tmp_path: Path) -> None:
    project, sound = sound_of(a_score())
    written = write_project(project, sound, tmp_path / "song", kind)
    if kind == "dawproject":
        zipfile.ZipFile(written[0]).extractall(tmp_path / "song")
    total = np.zeros((project.frames, 2))
    for name in sound.stems:
        samples, rate = soundfile.read(tmp_path / "song" / "audio" / f"{name}.wav")
        assert rate == RATE_HZ and len(samples) == project.frames
        total += samples
    wanted = np.zeros((project.frames, 2))
    for stem in sound.stems.values():
        wanted[: len(stem)] += stem
    assert np.abs(total - wanted).max() < 1e-6 and np.abs(wanted).max() > 1


def test_sound_and_beats_stay_together_for_ten_minutes(tmp_path: Path) -> None:
    changes = tuple(TempoChange(4.0 * number, 120.0 - number % 7) for number in range(1, 290))
    score = a_score(bars=300, tempo_changes=changes)
    project = project_of(score, (), "long", 601 * RATE_HZ, RATE_HZ)
    sound = Sound({}, np.zeros((8, 2), np.float32), b"", Metadata(), "{}")
    _, root = archive_of(project, sound, tmp_path)
    clip = next(one for one in root.iter("Clip") if one.get("name") == "finished track")
    warps = np.array([[float(str(one.get(key))) for key in ("time", "contentTime")] for one in clip.iter("Warp")])
    beats = np.linspace(0, warps[-1, 0], 5000)
    heard_s = np.interp(beats, warps[:, 0], warps[:, 1])
    assert np.abs(heard_s - [score.tempo.seconds(beat) for beat in beats]).max() * RATE_HZ < 0.01
    assert warps[-1, 1] == 601


def test_a_reaper_project_holds_the_same(tmp_path: Path) -> None:
    score = a_score(**CURVED)
    project, sound = sound_of(score)
    files = write_project(project, sound, tmp_path / "song", "reaper")
    text = files[0].read_text(encoding="utf-8")
    assert files[0].name == "a-song-of-quotes-ticks.rpp"
    root = rpp.loads(text)
    assert root.tag == "REAPER_PROJECT"
    tracks = [one for one in root if getattr(one, "tag", "") == "TRACK"]
    named = {one.find("NAME")[1]: one for one in tracks}
    assert list(named)[:6] == [
        "lead: flute", "lead: flute 2", "drums: standard kit", "vocals", "harmony", "finished track",
    ]  # fmt: skip
    assert [name for name, one in named.items() if one.find("MUTESOLO")[1] == "1"] == ["finished track"]
    for name, stem in (("lead: flute", "lead-flute"), ("harmony", "harmony")):
        source = named[name].find("ITEM").find("SOURCE").find("FILE")[1]
        assert (tmp_path / "song" / source).stem == stem
    points = [[float(value) for value in one[1:]] for one in root.find("TEMPOENVEX") if one[0] == "PT"]
    assert [point[1] for point in points] == [120, 90, 120]
    assert [point[0] for point in points] == pytest.approx([0, 2, 2 + 4 * 60 / 90])
    assert [int(point[3]) for point in points if len(point) > 3] == [4 + (4 << 16), 7 + (8 << 16)]
    now, notes = 0, {}
    for event in named["lead: flute (notes)"].find("ITEM").find("SOURCE"):
        if event[0] != "E":
            continue
        now += int(event[1])
        status, pitch = int(event[2], 16), int(event[3], 16)
        if status == 0x90:
            notes[pitch, now] = int(event[4], 16)
    assert notes == {(72, 0): 100, (74, 1440): 64, (74, 1920): 1}
    regions = [one for one in root if one[0] == "MARKER"]
    assert [one[3] for one in regions if one[3]] == ["verse A", "pre chorus B"]


def test_a_folder_says_what_it_is(tmp_path: Path) -> None:
    project, sound = sound_of(a_score())
    written = {path.name: path for path in write_project(project, sound, tmp_path / "song", "folder")}
    assert {"README.txt", "score.mid", "recipe.json", "finished_120bpm.wav", "01_lead-flute_120bpm.wav"} <= set(written)
    readme = written["README.txt"].read_text(encoding="utf-8")
    assert "one gain of -12.041 dB" in readme and "0:04.000  pre chorus B" in readme and "A minor, 120 BPM" in readme
    samples, _ = soundfile.read(written["01_lead-flute_120bpm.wav"])
    assert np.abs(4 * samples - sound.stems["lead-flute"]).max() < 1e-6
    assert soundfile.info(written["01_lead-flute_120bpm.wav"]).subtype == "PCM_24"
    assert sum(1 for message in mido.MidiFile(written["score.mid"]) if message.type == "note_on") == 7


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    project, sound = sound_of(a_score(), seconds=1)
    for kind in set(KINDS) - set(SUNG_KINDS):
        write_project(project, sound, tmp_path / kind, kind)
        before = sorted(path.name for path in tmp_path.rglob("*"))
        with pytest.raises(FileError, match="already exists"):
            write_project(project, sound, tmp_path / kind, kind)
        broken = replace(sound, stems={**sound.stems, "broken": np.zeros((4, 2, 2), np.float32)})
        with pytest.raises(Exception):  # noqa: B017, whatever encoding raises
            write_project(project, broken, tmp_path / f"{kind}-2", kind)
        assert sorted(path.name for path in tmp_path.rglob("*")) == before
        write_project(project, sound, tmp_path / kind, kind, overwrite=True)
    with pytest.raises(FileError, match=r"the extension says \.als"):
        write_project(project, sound, tmp_path / "song.als", "dawproject")


def test_the_command_offers_every_kind() -> None:
    assert [kind.value for kind in Kind] == list(KINDS)


def test_music_without_notes_or_stems_is_no_project(tmp_path: Path) -> None:
    audio = np.zeros((100, 2), np.float32)
    with pytest.raises(RequestError, match=r"needs notes and stems: embedded kept no stems"):
        Music(audio, Recipe(request=Request(), seed=1), a_score()).save_project(tmp_path / "a")
    with pytest.raises(RequestError, match=r"'als' is no kind of project; choose dawproject, reaper, folder,"):
        Music(audio, Recipe(request=Request(), seed=1), a_score(), {"a": audio}).save_project(tmp_path / "a", "als")


def test_the_command_writes_a_project_of_a_file(
    fake_model: FakeModel, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command("make", "flute", "-o", "a.wav", "-q").status == 0
    assert run_command("export", "a.wav", "-q").out.strip() == "a-dawproject.dawproject"
    assert zipfile.is_zipfile("a-dawproject.dawproject")
    made = run_command("export", "a.wav", "--daw", "reaper", "-o", "deep/song", "--json")
    assert '"kind": "reaper"' in made.out and Path("deep/song/flute.rpp").exists()
    heard = len(fake_model.replayed)
    again = run_command("export", "a.wav", "--daw", "reaper", "-o", "deep/song")
    assert again.status == 2 and "already exists" in again.err and len(fake_model.replayed) == heard


SUNG = (
    Note(60, 0.0, 1.0, 90, "Hel-"), Note(62, 1.0, 0.5, 90, "lo "), Note(64, 1.5, 0.5, 90, "you\r"),
    Note(65, 4.0, 1.0, 90, "World\r"), Note(67, 5.0, 1.0, 90),
)  # fmt: skip


def song_of(tmp_path: Path, kind: str, **more: Any) -> list[Path]:
    score = replace(a_score(**more), tracks=(Track("vocals", "voice", SUNG),))
    project, sound = sound_of(score)
    words = [TimedWord("Hello", 0.0, 0.75), TimedWord("<you>", 0.75, 1.0)]
    lines = (TimedLine(tuple(words), 0.0, 1.0), TimedLine((TimedWord("World", 2.0, 3.0),), 2.0, 3.0))
    sound = replace(sound, metadata=replace(sound.metadata, lyrics=lines), instrumental=sound.finished)
    tmp_path.mkdir(exist_ok=True)
    return write_project(project, sound, tmp_path / "song", kind)


def test_karaoke_games_get_every_syllable_on_its_note(tmp_path: Path) -> None:
    text, audio, instrumental = song_of(tmp_path, "ultrastar")
    lines = text.read_text(encoding="utf-8").splitlines()
    heads = dict(line[1:].split(":", 1) for line in lines if line.startswith("#"))
    assert heads["AUDIO"] == heads["MP3"] == audio.name and heads["INSTRUMENTAL"] == instrumental.name
    assert (heads["VERSION"], heads["LANGUAGE"], heads["GAP"]) == ("1.1.0", "English", "0")
    grammar = re.compile(r"[:*FRG] \d+ \d+ -?\d+ .+|- \d+|E")
    notes = [line for line in lines if not line.startswith("#")]
    assert all(grammar.fullmatch(line) for line in notes) and notes[-1] == "E"
    unit_s = 60 / float(heads["BPM"]) / 4
    placed = [line.split(" ", 4) for line in notes if line.startswith(":")]
    starts_s = [int(one[1]) * unit_s for one in placed]
    assert starts_s == pytest.approx([0, 0.5, 0.75, 2, 2.5], abs=unit_s / 2)
    assert [(one[3], one[4]) for one in placed] == [
        ("0", "Hel"), ("2", "lo "), ("4", "you"), ("5", "World"), ("7", "~"),
    ]  # fmt: skip
    assert [notes.index(line) for line in notes if line.startswith("-")] == [3]
    assert soundfile.info(audio).format == "OGG"


def test_openutau_gets_words_and_the_notes_they_go_on_over(tmp_path: Path) -> None:
    (path,) = song_of(tmp_path, "openutau", **CURVED)
    assert path.suffix == ".ustx"
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    notes = read["voice_parts"][0]["notes"]
    assert [(one["position"], one["duration"], one["tone"], one["lyric"]) for one in notes] == [
        (0, 480, 60, "Hello"), (480, 240, 62, "+"), (720, 240, 64, "you"), (1920, 480, 65, "World"),
        (2400, 480, 67, "+~"),
    ]  # fmt: skip
    assert [(one["position"], one["bpm"]) for one in read["tempos"]] == [(0, 120), (1920, 90), (3840, 120)]
    assert [tuple(one.values()) for one in read["time_signatures"]] == [(0, 4, 4), (2, 7, 8)]


def test_subtitles(tmp_path: Path) -> None:
    (path,) = song_of(tmp_path / "a", "srt")
    assert path.read_text(encoding="utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,000\nHello <you>\n\n2\n00:00:02,000 --> 00:00:03,000\nWorld\n"
    )
    (path,) = song_of(tmp_path / "b", "vtt")
    assert path.read_text(encoding="utf-8") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello <00:00:00.750>&lt;you&gt;\n\n"
        "00:00:02.000 --> 00:00:03.000\nWorld\n"
    )


@pytest.mark.parametrize("kind", SUNG_KINDS)
def test_what_nobody_sings_has_no_words(kind: str, tmp_path: Path) -> None:
    project, sound = sound_of(replace(a_score(), tracks=a_score().tracks[:1]))
    with pytest.raises(FileError, match="nothing is sung in this piece"):
        write_project(project, sound, tmp_path / "song", kind)
