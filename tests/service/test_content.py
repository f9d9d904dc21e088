from __future__ import annotations

import errno
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from noisician.errors import FileError, RequestError
from noisician.export import TimedLine, TimedSyllable, TimedWord, lrc, read_recipe, words_json, write_audio
from noisician.loudness import integrated_loudness_lufs, true_peak_dbtp
from noisician.music import Music, metadata_of
from noisician.piece import track_stems
from noisician.recipe import Recipe
from noisician.request import Request
from noisician.score import Chord, Note, Score, Section, Track
from noisician.service.files import Files, new_id
from noisician.service.library import content, export_cache
from noisician.service.library.content import Shelf, Wanted, discard, levelled, read_peaks
from noisician.service.library.shapes import (
    error_body,
    event_shape,
    facts_of,
    job_shape,
    score_shape,
    take_shape,
    upload_shape,
)
from noisician.service.library.stored_take import lines_of
from noisician.service.records import EventRecord, Failure, JobRecord, NewTake, TakeRecord, UploadRecord

RATE_HZ = 44100
SYLLABLES = (TimedSyllable("hel", 0.1, 0.3, 60), TimedSyllable("lo", 0.3, 0.55, 62))
LYRICS = (
    TimedLine((TimedWord("Hello,", 0.1, 0.55, SYLLABLES),), 0.1, 0.55, "Verse", "lead"),
    TimedLine((TimedWord("la", 0.6, 0.8, (TimedSyllable("la", 0.6, 0.8, None),)),), 0.6, 0.8, "Verse", "backing"),
)
SCORE = Score(
    tempo_bpm=120.0,
    key="A",
    mode="minor",
    time_signature="4/4",
    bars=1,
    sections=(Section("verse", "A", 0, 1, 0.5),),
    tracks=(
        Track("vocals", "voice", (Note(60, 0.0, 1.0, 90, "hel"),)),
        Track("lead", "flute", (Note(72, 0.5, 1.0, 80), Note(74, 2.0, 0.5, 70))),
        Track("lead", "flute", (Note(60, 0.0, 4.0, 80),)),
    ),
    chords=(Chord(0.0, 2.0, 9, "min7"), Chord(2.0, 2.0, 5, "maj")),
)
STEMS = ("vocals", "lead-flute", "lead-flute-2")
NOISE = np.random.default_rng(3)


def tone(seconds: float, level: float = 0.25, pitch_hz: float = 440.0) -> np.ndarray:
    """Stereo, with some noise so that quantising has something to do."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    both = level * np.sin(2 * np.pi * pitch_hz * times)[:, None] * np.array([1.0, 0.7])
    return (both + 1e-4 * NOISE.standard_normal(both.shape)).astype(np.float32)


class Library:
    """A data folder and the takes put into it."""

    def __init__(self, root: Path) -> None:
        self.files = Files(root / "data")
        self.files.prepare()
        self.shelf = Shelf(self.files, cache_bytes=1 << 30)

    def put(
        self,
        audio: np.ndarray,
        prompt: str = "calm flute",
        score: Score | None = SCORE,
        stems: tuple[str, ...] = STEMS,
        lyrics: tuple[TimedLine, ...] = LYRICS,
        loop: bool = False,
        **row: Any,
    ) -> TakeRecord:
        id_ = new_id("take")
        recipe = Recipe(
            request=Request(prompt=prompt, seed=7, loop=loop),
            seed=7,
            controls={"loop": loop, "reasons": [], "not_understood": []},
            score=None if score is None else score.to_dict(),
        )
        metadata = metadata_of(recipe, score, lyrics)
        (self.files.take(id_) / "stems").mkdir(parents=True)
        self.files.recipe(id_).write_text(recipe.to_json(), encoding="utf-8")
        write_audio(self.files.track(id_), audio, metadata, recipe.to_json())
        kept = (*stems, "_instrumental") if lyrics else stems
        for number, name in enumerate(kept):
            own = replace(metadata, title=f"{metadata.title} - {name}", lyrics=())
            write_audio(self.files.stem(id_, name), audio / (number + 2), own, recipe.to_json())
        if lyrics:
            self.files.lyrics(id_).write_text(words_json(lyrics), encoding="utf-8")
        music = Music(audio, recipe, score, dict.fromkeys(stems, audio), lyrics=lyrics)
        return record(id_, title=metadata.title, facts=facts_of(music, {"prompt": prompt}), **row)

    def made(self) -> list[str]:
        return sorted(path.name for path in self.files.exports.glob("*/*"))


def record(id_: str = "take_0000000000000000", title: str = "Calm flute", **values: Any) -> TakeRecord:
    new: dict[str, Any] = {
        "number": 1,
        "seed": 7,
        "model": "embedded",
        "licence": "Apache-2.0",
        "recipe_id": "abcdef",
        "duration_s": 1.0,
        "made_in_s": 0.5,
        "loudness_lufs": -14.0,
        "true_peak_dbtp": -1.0,
        "tempo_bpm": 120.0,
        "key": "A",
        "mode": "minor",
        "time_signature": "4/4",
    }
    row: dict[str, Any] = {
        "seq": 1,
        "job_id": "job_0",
        "operation": "make",
        "parent_take": None,
        "created_at": 1.0,
        "piece": id_,
    }
    rows = {name: value for name, value in values.items() if name in TakeRecord.__dataclass_fields__}
    news = {name: value for name, value in values.items() if name not in rows}
    return TakeRecord(NewTake(id=id_, title=title, **{**new, **news}), **{**row, **rows})


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


def recipe_in(library: Library, take: TakeRecord) -> Recipe:
    return read_recipe(library.files.recipe(take.id))


@pytest.mark.parametrize("format_", ["wav", "flac", "mp3", "ogg"])
def test_sound_in_every_format(library: Library, format_: str) -> None:
    audio = tone(1.0)
    take = library.put(audio)
    for part in ("track", "karaoke", "lead-flute"):
        made = library.shelf.export(take, Wanted(format_, part))
        samples, rate_hz = soundfile.read(made.path)
        assert rate_hz == RATE_HZ
        assert abs(len(samples) - len(audio)) < 3000  # MP3 pads
        assert read_recipe(made.path) == recipe_in(library, take)
        suffix = "" if part == "track" else f"_{part}"
        assert made.file_name == f"calm-flute_120bpm_Am_7_{recipe_in(library, take).id6}{suffix}.{format_}"
    assert (
        made.media_type == {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg"}[format_]
    )


def test_wav_of_a_track_is_what_make_writes(library: Library, tmp_path: Path) -> None:
    audio = tone(0.5)
    take = library.put(audio)
    music = Music(audio, recipe_in(library, take), SCORE, lyrics=LYRICS)
    by_hand = music.save(tmp_path / music.file_name(), sidecar=False)["track"]
    made = library.shelf.export(take, Wanted("wav"))
    assert made.file_name == by_hand.name
    assert made.path.read_bytes() == by_hand.read_bytes()
    off = library.shelf.export(take, Wanted("wav", loudness="off"))
    assert off.path == made.path


def test_flac_is_the_stored_file_until_it_has_another_name(library: Library) -> None:
    take = library.put(tone(0.3))
    assert library.shelf.export(take, Wanted("flac")).path == library.files.track(take.id)
    assert library.shelf.export(take, Wanted("flac", "vocals")).path == library.files.stem(take.id, "vocals")
    renamed = replace(take, take=replace(take.take, title="Über den Wolken"))
    made = library.shelf.export(renamed, Wanted("flac"))
    assert made.file_name.startswith("uber-den-wolken_120bpm_Am_7_")
    with soundfile.SoundFile(made.path) as file:
        assert file.title == "Über den Wolken"
        assert np.array_equal(file.read(dtype="int32"), soundfile.read(library.files.track(take.id), dtype="int32")[0])
    assert library.shelf.original(renamed).path == library.files.track(take.id)


@pytest.mark.parametrize(
    ("format_", "depth", "subtype"), [("wav", 16, "PCM_16"), ("wav", 32, "FLOAT"), ("flac", 16, "PCM_16")]
)
def test_bit_depths(library: Library, format_: str, depth: int, subtype: str) -> None:
    take = library.put(tone(0.2))
    assert soundfile.info(library.shelf.export(take, Wanted(format_, bit_depth=depth)).path).subtype == subtype


@pytest.mark.parametrize(("loudness", "target_lufs"), [("apple", -16.0), ("broadcast", -23.0), ("club", -8.0)])
def test_loudness_presets(library: Library, loudness: str, target_lufs: float) -> None:
    audio = tone(3.0, level=0.1)
    strokes = np.exp(-(np.arange(len(audio)) % 11025) / 1500)
    audio *= (0.3 + 4 * strokes)[:, None].astype(np.float32)  # four a second: something for the limiter
    take = library.put(levelled(audio, RATE_HZ, -14.0))
    for part in ("track", "karaoke"):
        samples, _ = soundfile.read(library.shelf.export(take, Wanted("wav", part, loudness)).path, dtype="float32")
        assert integrated_loudness_lufs(samples, RATE_HZ) == pytest.approx(target_lufs, abs=0.3)
        assert true_peak_dbtp(samples) <= -0.99
    wanted = Wanted("wav", "lead-flute", loudness)
    as_stored = library.shelf.export(take, replace(wanted, loudness="streaming"))
    assert library.shelf.export(take, wanted).path == as_stored.path  # stems keep their level


def test_quieter_is_one_gain_and_silence_stays_silence() -> None:
    audio = tone(1.0)
    softer = levelled(audio, RATE_HZ, -30.0)
    ratio = softer[np.abs(audio) > 0.01] / audio[np.abs(audio) > 0.01]
    assert np.ptp(ratio) < 1e-6
    silence = np.zeros((RATE_HZ, 2), np.float32)
    assert np.array_equal(levelled(silence, RATE_HZ, -8.0), silence)


def test_stems_archive(library: Library) -> None:
    take = library.put(tone(0.4))
    made = library.shelf.export(take, Wanted("zip", loudness="club"))
    folder = made.file_name.removesuffix(".zip")
    assert folder.endswith("_stems")
    assert read_recipe(made.path) == recipe_in(library, take)
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        names = {name.removeprefix(f"{folder}/") for name in archive.namelist()}
        assert names == {*(f"{name}.wav" for name in STEMS), "README.txt", "LICENCE.txt", "score.mid", "recipe.json"}
        for name in STEMS:
            data = io.BytesIO(archive.read(f"{folder}/{name}.wav"))
            stored, _ = soundfile.read(library.files.stem(take.id, name), dtype="int32")
            assert np.array_equal(soundfile.read(data, dtype="int32")[0], stored)
        assert "before mastering" in archive.read(f"{folder}/README.txt").decode()
        assert "Apache-2.0" in archive.read(f"{folder}/LICENCE.txt").decode()
        assert len(mido.MidiFile(file=io.BytesIO(archive.read(f"{folder}/score.mid"))).tracks) == 4


@pytest.mark.parametrize("kind", ["dawproject", "reaper"])
def test_projects_for_other_programs(library: Library, kind: str) -> None:
    take = library.put(tone(0.4))
    made = library.shelf.export(take, Wanted(kind))
    assert made.media_type == "application/zip"
    assert made.file_name.endswith("_project.dawproject" if kind == "dawproject" else "_project.zip")
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        sounds = {Path(name).stem: name for name in archive.namelist() if name.endswith(".wav")}
        assert set(sounds) == {*STEMS, "finished"}
        assert any(name.endswith("project.xml" if kind == "dawproject" else ".rpp") for name in archive.namelist())
        for name in STEMS:
            stored, _ = soundfile.read(library.files.stem(take.id, name))
            written, _ = soundfile.read(io.BytesIO(archive.read(sounds[name])))
            assert np.allclose(written, stored, atol=1e-7)
    assert library.shelf.export(take, Wanted(kind)).path == made.path


def test_midi_recipe_and_words(library: Library) -> None:
    take = library.put(tone(1.0))
    midi = library.shelf.export(take, Wanted("mid"))
    assert [track.name for track in mido.MidiFile(midi.path).tracks][1:] == [
        "vocals: voice",
        "lead: flute",
        "lead: flute",
    ]
    recipe = library.shelf.export(take, Wanted("json"))
    assert read_recipe(midi.path) == read_recipe(recipe.path) == recipe_in(library, take)
    assert midi.file_name.endswith(".mid") and recipe.file_name.endswith(".json")
    for format_, begin in (("musicxml", b"<?xml"), ("abc", b"%abc"), ("cho", b"{title: Calm flute}")):
        written = library.shelf.export(take, Wanted(format_))
        assert written.path.read_bytes().startswith(begin) and written.file_name.endswith(f".{format_}")
        assert read_recipe(written.path) == recipe_in(library, take)
    lead = library.shelf.export(take, Wanted("musicxml", lead_sheet=True))
    assert lead.path.read_bytes().count(b"<score-part ") == 1 and lead.file_name.endswith("_lead-sheet.musicxml")
    words = library.shelf.export(take, Wanted("lrc"))
    assert words.path.read_text(encoding="utf-8") == lrc(LYRICS, "Calm flute", 1.0)
    sung_by_all = library.shelf.export(take, Wanted("lrc", "karaoke"))
    assert sung_by_all.path.read_text(encoding="utf-8") == lrc(LYRICS, "Calm flute (karaoke)", 1.0)
    assert lines_of(library.shelf.lyrics(take)) == LYRICS


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (Wanted("mp3"), "a loop cannot be MP3"),
        (Wanted("wav", bit_depth=20), "20 bits a sample, wav takes 16, 24, 32"),
        (Wanted("flac", bit_depth=32), "32 bits a sample, flac takes 16, 24"),
        (Wanted("wav", "karaoke"), "no track without voices"),
        (Wanted("wav", "kazoo"), "no part 'kazoo'; there are track"),
        (Wanted("wav", "../../track"), "no part"),
        (Wanted("wav", "_instrumental"), "no part"),
        (Wanted("zip"), "no stems"),
        (Wanted("dawproject"), "has no notes, and a project needs both"),
        (Wanted("mid"), "no score"),
        (Wanted("abc"), "no score"),
        (Wanted("lrc"), "nothing is sung"),
    ],
)
def test_what_a_take_has_not_got(library: Library, wanted: Wanted, line: str) -> None:
    take = library.put(tone(0.1), score=None, stems=(), lyrics=(), loop=True)
    with pytest.raises(FileError, match=line) as refusal:
        library.shelf.export(take, wanted)
    assert str(library.files.root) not in str(refusal.value)
    assert not library.made() and not list(library.files.tmp.iterdir())


def test_wishes_that_are_none(library: Library) -> None:
    take = library.put(tone(0.1), score=None, lyrics=())
    for wanted in (Wanted("exe"), Wanted("wav", loudness="11")):
        with pytest.raises(RequestError, match="is none; choose"):
            library.shelf.export(take, wanted)
    with pytest.raises(FileError, match="no score"):
        library.shelf.score(take)
    with pytest.raises(FileError, match="nothing is sung"):
        library.shelf.lyrics(take)
    with pytest.raises(RequestError, match="slices 0"):
        library.shelf.peaks(take, "track", 0)


def _remove(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00{" * 9)


@pytest.mark.parametrize("spoil", [_remove, _cut, _garbage])
def test_damaged_files_are_one_line(library: Library, spoil: Callable[[Path], None]) -> None:
    def refused(action: Callable[[TakeRecord], object], path: Callable[[str], Path]) -> None:
        take = library.put(tone(0.3))
        spoil(path(take.id))
        with pytest.raises(FileError) as refusal:
            action(take)
        line = str(refusal.value)
        assert "\n" not in line and str(library.files.root) not in line and len(line) < 300

    shelf, files = library.shelf, library.files
    refused(lambda take: shelf.export(take, Wanted("wav")), files.track)
    refused(lambda take: shelf.export(take, Wanted("mp3", loudness="club")), files.track)
    refused(lambda take: shelf.peaks(take, "track", 10), files.track)
    refused(
        lambda take: shelf.export(take, Wanted("zip")), lambda id_: files.stem(id_, "vocals")
    ) if spoil is not _remove else None
    for wanted in (Wanted("wav"), Wanted("json"), Wanted("mid")):
        refused(lambda take, wanted=wanted: shelf.export(take, wanted), files.recipe)
    refused(shelf.score, files.recipe)
    assert not library.made() and not list(files.tmp.iterdir())


def test_damaged_score_and_lyrics(library: Library) -> None:
    take = library.put(tone(0.1))
    library.files.lyrics(take.id).write_text('{"lines": [{"words": 3}]}', encoding="utf-8")
    with pytest.raises(FileError, match="lyrics is damaged"):
        library.shelf.export(take, Wanted("wav"))
    broken = json.loads(library.files.recipe(take.id).read_text(encoding="utf-8"))
    for damage in ({"tracks": [{"role": 1}]}, {"tempo_bpm": 0}, {"time_signature": "9/9"}, {"key": "H"}):
        broken["score"] = {**SCORE.to_dict(), **damage}
        library.files.recipe(take.id).write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(FileError, match=r"score.*take_|take_.*score is incomplete"):
            library.shelf.score(take)


def test_full_disk_is_one_line_and_leaves_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    take = library.put(tone(0.2))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for wanted in (Wanted("wav"), Wanted("zip"), Wanted("mid")):
        with pytest.raises(FileError, match="the disk is full") as refusal:
            library.shelf.export(take, wanted)
        assert str(library.files.root) not in str(refusal.value)
    assert library.shelf.peaks(take, "track", 5).slices == 5  # which needs no disk
    assert not library.made() and not list(library.files.tmp.iterdir())
    monkeypatch.undo()
    assert library.shelf.export(take, Wanted("wav")).path.is_file()


def test_the_same_wish_of_many_is_met_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    take = library.put(tone(0.2))
    begun: list[str] = []
    everybody = threading.Barrier(6)
    real = content.write_audio

    def counted(path: Path, *rest: Any, **named: Any) -> Path:
        begun.append(path.name)
        time.sleep(0.05)  # long enough for the others to arrive
        return real(path, *rest, **named)

    monkeypatch.setattr(content, "write_audio", counted)

    def ask(number: int) -> Path:
        everybody.wait()
        return library.shelf.export(take, Wanted(("wav", "ogg")[number % 2])).path

    with ThreadPoolExecutor(6) as pool:
        paths = set(pool.map(ask, range(6)))
    assert len(paths) == 2 == len(begun)
    assert library.shelf._cache._locks == {}


def test_the_least_used_goes_first_and_the_latest_stays(tmp_path: Path) -> None:
    library = Library(tmp_path)
    take = library.put(tone(0.5))
    first = library.shelf.export(take, Wanted("wav")).path
    version = first.stat().st_mtime_ns
    tight = Shelf(library.files, cache_bytes=first.stat().st_size + 1000)
    second = tight.export(take, Wanted("wav", "vocals")).path
    assert first.is_file()  # it was served within the last minute
    long_ago = time.time_ns() - 10**9 * int(export_cache.SERVED_RECENTLY_S + 5)
    for path in (first, second):
        os.utime(path, ns=(long_ago, path.stat().st_mtime_ns))
    assert tight.export(take, Wanted("wav")).path == first  # used again
    third = tight.export(take, Wanted("wav", "lead-flute")).path
    assert first.is_file() and third.is_file() and not second.exists()
    assert first.stat().st_mtime_ns == version


def test_forget_and_discard(library: Library) -> None:
    take, other = library.put(tone(0.1)), library.put(tone(0.1))
    for one in (take, other):
        library.shelf.export(one, Wanted("wav"))
        library.shelf.peaks(one, "track", 10)
    library.shelf.forget(take.id)
    assert not (library.files.exports / take.id).exists()
    assert len(library.made()) == 2
    discard(library.files, take.id)
    discard(library.files, take.id)
    assert not library.files.take(take.id).exists()
    assert library.files.take(other.id).is_dir() and not list(library.files.tmp.iterdir())
    for action in (library.shelf.forget, lambda id_: discard(library.files, id_)):
        with pytest.raises(FileError, match="no id of a take"):
            action("../takes")


def test_peaks(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = tone(0.5)
    take = library.put(audio)
    exact = np.round(audio * 2**23) / 2**23
    monkeypatch.setattr(content, "_PEAK_BLOCK_FRAMES", 1000)  # many blocks to a slice, and slices across blocks
    for slices in (1, 7, 100, 1500):
        peaks = library.shelf.peaks(take, "track", slices)
        assert peaks.duration_s == 0.5 and peaks.slices == slices
        edges = [number * len(audio) // slices for number in range(slices + 1)]
        mono = exact.mean(axis=1)
        expected = [(mono[a:b].min(), mono[a:b].max()) for a, b in pairwise(edges)]
        np.testing.assert_allclose(np.reshape(peaks.data, (-1, 2)), expected, atol=6e-5)
    kept = library.made()
    assert kept == [f"peaks-track-{slices}.json" for slices in (1, 100, 1500, 7)]
    (library.files.exports / take.id / kept[0]).write_text("{", encoding="utf-8")
    assert library.shelf.peaks(take, "track", 1).slices == 1
    assert library.shelf.peaks(take, "karaoke", 3).slices == 3


def test_peaks_of_fewer_frames_than_slices(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.array([0.5, -0.5, 0.25]), RATE_HZ)
    peaks = read_peaks(tmp_path / "a.flac", 800)
    assert peaks.slices == 3
    assert peaks.data == (0.5, 0.5, -0.5, -0.5, 0.25, 0.25)


def test_score_view(library: Library) -> None:
    view = library.shelf.score(library.put(tone(0.1)))
    assert view.bars_s == (0.0, 2.0) and view.beats_per_bar == 4
    assert [(chord.name, chord.start_s, chord.end_s) for chord in view.chords] == [("Am7", 0, 1), ("F", 1, 2)]
    assert [track.stem for track in view.tracks] == list(STEMS)
    first = view.tracks[1].notes[0]
    assert (first.pitch, first.start_s, first.end_s, first.velocity) == (72, 0.25, 0.75, 80)
    assert view.tracks[0].notes[0].syllable == "hel"
    assert track_stems(SCORE.tracks, ("lead-flute-2",)) == [None, None, "lead-flute-2"]


@pytest.mark.parametrize(
    ("key", "mode", "names"),
    [
        ("Ab", "major", "Db Gb"),
        ("E", "minor", "C# F#"),
        ("C", "minor", "Db Gb"),
        ("C", "major", "C# F#"),
        ("C#", "major", "C# F#"),
        ("D", "phrygian", "Db Gb"),
        ("B", "dorian", "C# F#"),
    ],
)
def test_chords_are_spelled_as_the_key_is(key: str, mode: str, names: str) -> None:
    chords = (Chord(0, 1, 1, "maj"), Chord(1, 1, 6, "maj"))
    view = score_shape(replace(SCORE, key=key, mode=mode, tracks=(), chords=chords), ())
    assert " ".join(chord.name for chord in view.chords) == names


def test_take_shape(library: Library) -> None:
    shown = take_shape(library.put(tone(0.1), starred=True, loudness_lufs=-np.inf))
    assert shown.damage is None and shown.starred and shown.loudness_lufs is None
    assert [(section.kind, section.start_s, section.end_s) for section in shown.sections] == [("verse", 0.0, 2.0)]
    assert [(player.stem, player.notes) for player in shown.players] == list(zip(STEMS, (1, 2, 1), strict=True))
    assert shown.stems == STEMS and shown.has_score and shown.has_lyrics and shown.params == {"prompt": "calm flute"}
    json.dumps(shown.model_dump(mode="json"), allow_nan=False)


def test_damaged_facts_are_left_out_and_said() -> None:
    facts = {"sections": [{"kind": 3}], "stems": "abc", "params": {"strength": float("nan")}, "loop": True}
    shown = take_shape(record(facts=facts))
    assert shown.damage == "what the library knows of this take is damaged at sections"
    assert (shown.sections, shown.stems, shown.params, shown.loop) == ((), (), {"strength": None}, True)
    assert take_shape(record(facts=[1], damage="the row is no JSON")).damage == "the row is no JSON"


def test_job_event_upload_and_error_shapes() -> None:
    failure = Failure("no key H", "invalid_request", "key")
    job = JobRecord("job_0", 1, "make", "failed", {"key": "H"}, "embedded", 2, 1.0, progress=0.5, failure=failure)
    second, first = record(number=2), record(number=1)
    shown = job_shape(job, [second, first])
    assert shown.progress == 50.0 and [take.number for take in shown.outputs] == [1, 2]
    assert shown.error is not None and shown.error.type == "invalid_request" and shown.error.param == "key"
    assert error_body(Failure("lost", "worker_lost")).type == "server"
    damaged = job_shape(replace(job, failure=None, damage="its row is no JSON"), ())
    assert damaged.error is not None and damaged.error.code == "damaged"
    assert event_shape(EventRecord(5, "take", "job_0", "take_0", {"eta_s": float("inf")}, 1.0)).data == {"eta_s": None}
    assert upload_shape(UploadRecord("upload_0", "a.wav", "wav", 5, "00", 1.0)).size_bytes == 5


def test_facts_of_music_without_score(library: Library) -> None:
    recipe = Recipe(request=Request(prompt="x", loop=True), seed=1, controls={"not_understood": ["blorp"]})
    facts = facts_of(Music(tone(0.1), recipe), {})
    assert facts["loop"] and not facts["has_score"] and facts["players"] == [] == facts["sections"]
    assert facts["not_understood"] == ["blorp"]
    assert take_shape(record(facts=facts)).damage is None
