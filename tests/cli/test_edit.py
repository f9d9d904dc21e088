"""Editing on the command line, with the model's own composer, renderer and mix on stand-in networks."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from fake_model import Outcome, RunCommand
from stand_in_networks import ENTRIES, carve, embedded, paint, write

import noisician
from noisician import folders
from noisician.cli import rendered
from noisician.composer import Composer
from noisician.errors import RequestError
from noisician.export import read_recipe
from noisician.models import registry
from noisician.models.embedded import EmbeddedModel, model
from noisician.models.embedded.play import Networks
from noisician.piece import piece_of
from noisician.piece.intensities import INTENSITIES, resting
from noisician.recipe import Recipe
from noisician.renderer import Renderer, render
from noisician.vocoder import Vocoder

#: Four seconds for three players: all that is asked of a piece here, and every command paints one.
ASKED = {
    "genres": "pop",
    "bars": 4,
    "tempo_bpm": 240,
    "seed": 3,
    "steps": 1,
    "without": ("pad", "counter", "chords", "arp", "texture", "fx"),
}


@pytest.fixture(autouse=True)
def stand_in_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    monkeypatch.setattr("noisician.weights.manifest", lambda: ENTRIES)
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(embedded))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a piece and all that is written beside it; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        stand_in_networks.__wrapped__(patch)  # type: ignore[attr-defined]
        noisician.make("calm", **ASKED).save(folder / "a.wav", midi=True, stems=True, bit_depth=32)  # type: ignore[arg-type]
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import shutil

    folder = tmp_path / "here"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands keep what they render; each is a process of its own, so models are made anew for each."""
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "rendered"


RENDERED: list[str] = []


# Networks that are handed in are known by what they are, so all processes have the same.
def noted_paint(**inputs: np.ndarray) -> list[np.ndarray]:
    RENDERED.append("renderer")
    return paint(**inputs)


def noted_carve(**inputs: np.ndarray) -> list[np.ndarray]:
    RENDERED.append("vocoder")
    return carve(**inputs)


def as_a_process(run_command: RunCommand, *words: str) -> list[str]:
    """The networks that a command had to ask, once for each time."""

    def model_of_this_process() -> EmbeddedModel:
        parts = Networks(Composer(write), Renderer(noted_paint), Vocoder(noted_carve))  # type: ignore[arg-type]
        return EmbeddedModel(parts, cache=registry.DEFAULT.cache)

    RENDERED.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "DEFAULT", registry.Registry(model_of_this_process))
        assert run_command(*words).status == 0
    return list(RENDERED)


def test_what_one_call_rendered_serves_the_next(
    here: Path, kept: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, quieter = ("make", "--from", "a.wav"), ("edit", "a.wav", "--gain", "lead=-3")
    assert {"renderer", "vocoder"} <= set(as_a_process(run_command, *again, "-o", "b.wav"))
    assert as_a_process(run_command, *again, "-o", "c.wav") == []
    assert as_a_process(run_command, *quieter, "-o", "d.wav") == []
    monkeypatch.setenv(rendered.VARIABLE, "0")
    files = files_in(kept)
    assert {"renderer", "vocoder"} <= set(as_a_process(run_command, *quieter, "-o", "e.wav"))
    assert files and files_in(kept) == files
    assert (here / "b.wav").read_bytes() == (here / "c.wav").read_bytes()
    assert (here / "d.wav").read_bytes() == (here / "e.wav").read_bytes()


def test_a_cache_that_cannot_be_written_or_is_damaged_changes_nothing(
    here: Path, kept: Path, run_command: RunCommand
) -> None:
    again = ("make", "--from", "a.wav")
    kept.parent.mkdir()
    kept.write_text("a file where the folder should be")
    first, second = (sorted(as_a_process(run_command, *again, "-o", f"{name}.wav")) for name in "bc")
    assert first == second != []
    kept.unlink()
    as_a_process(run_command, *again, "-o", "d.wav")
    for number, path in enumerate(sorted(kept.rglob("*.npy"))):
        path.write_bytes(path.read_bytes()[: (0, 50, -1)[number % 3]])
    assert as_a_process(run_command, *again, "-o", "e.wav") != []
    assert len({(here / f"{name}.wav").read_bytes() for name in "bcde"}) == 1


@pytest.mark.parametrize("said", ["2GB", "-1", "٣"])
def test_a_size_that_is_no_number_is_told(
    here: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv(rendered.VARIABLE, said)
    for words in (("edit", "a.wav", "--fade-out", "1"), ("make", "--from", "a.wav"), ("intensities", "a.wav")):
        refused = run_command(*words, "-o", "b")
        assert refused.status == 2 and f"{rendered.VARIABLE} {said!r} is no number of bytes" in refused.err


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def players_of(recipe: Recipe) -> list[str]:
    piece = piece_of(recipe)
    assert piece is not None
    return [player.id for player in piece.plan.players]


def test_an_edit_leaves_its_file_and_what_it_does_not_name(here: Path, run_command: RunCommand) -> None:
    before = files_in(here)
    done = run_command("edit", "a.wav", "--gain", "bass=-3", "--stems", "--bit-depth", "32", "--json", "-o", "b.wav")
    assert done.status == 0, done.err
    after = files_in(here)
    assert {name: after[name] for name in before} == before
    result = json.loads(done.out)
    assert result["edits"] == ["mix bass: gain -3 dB"]
    assert set(result["files"]) == {"track", "sidecar", "stems"}
    step = read_recipe(here / "b.wav").lineage[-1]
    assert step == {"id": read_recipe(here / "a.wav").id6, "operation": "edit", "words": "mix bass: gain -3 dB"}
    for stem in (here / "a_stems").glob("*.wav"):
        old, new = (
            soundfile.read(folder / stem.name, dtype="float32")[0] for folder in (stem.parent, here / "b_stems")
        )
        assert np.array_equal(old, new) == (not stem.name.startswith("bass"))


def test_a_dry_run_says_what_it_would_do_and_does_nothing(here: Path, run_command: RunCommand) -> None:
    before = files_in(here)
    words = ("--rest", "bass", "--bars", "3-4", "--dry-run")
    told = run_command("edit", "a.wav", *words)
    assert told.status == 0, told.err
    lines = told.out.splitlines()
    assert lines[0] == "rest: bass, bars 3-4"
    assert lines[1].startswith("  paints bass, ") and lines[-1].startswith("  heard in ")
    data = json.loads(run_command("edit", "a.wav", *words, "--json").out)
    assert list(data["painted_s"]) == ["bass"] and data["heard_s"]
    mixed = run_command("edit", "a.wav", "--gain", "bass=1", "--dry-run")
    assert mixed.out.splitlines() == ["mix bass: gain 1 dB", "  paints nothing", "  heard in 0.00-5.50 s"]
    assert files_in(here) == before


def changed_midi(path: Path, semitones: int) -> int:
    """Moves the first note of the bass in a MIDI file; returns its pitch as it was."""
    midi = mido.MidiFile(path, charset="utf-8")
    track = next(track for track in midi.tracks if track.name.startswith("bass"))
    pitch = next(message.note for message in track if message.type == "note_on")
    for kind in ("note_on", "note_off"):
        place = next(at for at, message in enumerate(track) if message.type == kind and message.note == pitch)
        track[place] = track[place].copy(note=pitch + semitones)
    midi.save(path)
    return pitch


def test_of_a_changed_midi_file_only_what_differs_is_taken(here: Path, run_command: RunCommand) -> None:
    same = run_command("edit", "a.wav", "--notes", "a.mid", "-o", "b.wav")
    assert (same.status, same.err) == (
        2,
        "error: a.mid: plays the notes of a.wav already; there is nothing to change\n",
    )
    pitch = changed_midi(here / "a.mid", 1)
    done = run_command("edit", "a.wav", "--notes", "a.mid", "-o", "b.wav")
    assert done.status == 0, done.err
    old, new = (piece_of(read_recipe(here / name)) for name in ("a.wav", "b.wav"))
    assert old is not None and new is not None
    differing = {id_: [n for n, o in zip(new.notes[id_], old.notes[id_], strict=True) if n != o] for id_ in old.notes}
    assert {id_: len(notes) for id_, notes in differing.items() if notes} == {"bass": 1}
    (note,) = differing["bass"]
    assert (note.pitch, note.is_set) == (pitch + 1, True)


def test_bars_of_another_version_can_be_used(here: Path, run_command: RunCommand) -> None:
    (here / "other").mkdir()
    run_command("edit", "a.wav", "--transpose", "bass=2", "-o", "other/b.wav")
    done = run_command("edit", "a.wav", "--use", "bass", "--from", "other/b.wav", "--bars", "1-2", "-o", "c.wav")
    assert done.status == 0, done.err
    recipe = read_recipe(here / "c.wav")
    assert recipe.lineage[-1]["words"] == f"bass, bars 1-2 from b.wav ({read_recipe(here / 'other' / 'b.wav').id6})"
    assert str(here) not in recipe.to_json() and "other/" not in recipe.to_json()
    bass = [piece_of(read_recipe(here / name)).notes["bass"] for name in ("a.wav", "c.wav")]  # type: ignore[union-attr]
    moved = {(new.pitch - old.pitch) for old, new in zip(*bass, strict=True) if old.start_beats < 7.5}
    stayed = {(new.pitch - old.pitch) for old, new in zip(*bass, strict=True) if old.start_beats > 8.5}
    assert (moved, stayed - {0}) == ({2}, set())


def test_a_list_of_edits_from_a_file_or_from_standard_input(
    here: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [{"op": "mix", "player": "bass", "gain_db": 2}, {"op": "fades", "fade_out_s": 1}]
    (here / "edits.json").write_text(json.dumps(edits))
    told = run_command("edit", "a.wav", "--edits", "edits.json", "--mute", "drums", "--dry-run")
    assert told.out.splitlines()[:3] == ["mix drums: muted", "mix bass: gain 2 dB", "fade in 0 s, out 1 s"]
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(edits)))
    assert run_command("edit", "a.wav", "--edits", "-", "--dry-run").out.startswith("mix bass: gain 2 dB\n")


def test_without_a_name_the_edit_gets_one_that_tells_it_apart(here: Path, run_command: RunCommand) -> None:
    done = run_command("edit", "a.wav", "--gain", "bass=-1", "-q")
    path = here / done.out.strip()
    assert path.name.startswith("calm_240bpm_") and path.exists() and read_recipe(path).lineage


def refused(outcome: Outcome, message: str) -> None:
    assert outcome.status == 2
    assert outcome.out == ""
    *progress, last = outcome.err.splitlines()
    assert last.startswith("error: ") and message in last
    assert not [line for line in progress if "error" in line or "Traceback" in line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "no edit: say what shall change"),
        ("--regenerate|bass|--bars|3-9", "bars 3-9: the piece has 4 bars"),
        ("--regenerate|tuba", "no player 'tuba' in this piece; it has "),
        ("--regenerate|bass|--bars|1-2,2-3", "is named twice; regions may not overlap"),
        ("--regenerate|bass|--seconds|20-30", "the piece's 4 bars end at 4.0 s"),
        ("--rest|all", "that would leave nobody playing"),
        ("--gain|tuba=1", "no player 'tuba'"),
        ("--gain|bass=99", "fader_db 99 of bass"),
        ("--chords|9:Am", "in bar 9: the piece has 4 bars"),
        ("--chords|1:Xyz", "Xyz"),
        ("--delete-section|7", "section 7"),
        ("--add|kazoo", "kazoo"),
        ("--replace|bass=kazoo", "kazoo"),
        ("--words|la", "nobody sings in this piece"),
        ("--use|bass|--from|missing.wav", "missing.wav: does not exist"),
        ("--notes|missing.mid", "cannot read missing.mid"),
        ("--notes|other.mid", "other.mid: the MIDI file has 0 of its 1 notes in common with this piece"),
        ("--notes|a.wav", "a.wav is not a readable MIDI file"),
        ("--edits|missing.json", "missing.json: the edits cannot be read"),
        ("--edits|other.mid", "other.mid: "),
        ("--edits|object.json", "object.json: is JSON but no list"),
        ("--edits|unknown.json", "unknown edit 'dance'"),
        ("--gain|bass=1|-o|a.wav", "a.wav: is what the edit starts from, which is never changed"),
        ("--gain|bass=1|-o|a.wav|--force", "a.wav: is what the edit starts from"),
        ("--gain|bass=1|-o|../here/a.wav|--force", "is what the edit starts from"),
        ("--gain|bass=1|-o|a.flac", "a.json: already exists"),
        ("--gain|bass=1|-o|b.xyz", "unknown extension '.xyz'"),
        ("--loop|1-2|-o|b.mp3", "a loop cannot be MP3"),
        ("--gain|bass=1|--karaoke|-o|b.wav", "--karaoke has no words"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    here: Path, run_command: RunCommand, arguments: str, message: str
) -> None:
    other = mido.MidiFile()
    other.tracks.append(
        mido.MidiTrack([mido.Message("note_on", note=99, velocity=9), mido.Message("note_off", note=99, time=9)])
    )
    other.save(here / "other.mid")
    (here / "object.json").write_text("{}")
    (here / "unknown.json").write_text('[{"op": "dance"}]')
    before = files_in(here)
    words = [word for word in arguments.split("|") if word]
    refused(run_command("edit", "a.wav", *words, *(() if "-o" in words else ("-o", "b.wav"))), message)
    assert files_in(here) == before


@pytest.mark.parametrize("file", ["a.json", "a.mid", "a_stems"])
def test_whatever_the_edit_starts_from_is_never_written_over(here: Path, run_command: RunCommand, file: str) -> None:
    before = files_in(here)
    done = run_command("edit", file, "--gain", "bass=1", "--force", "--midi", "--stems", "-o", "a.wav")
    refused(done, f"{file}: is what the edit starts from")
    assert files_in(here) == before


def test_intensities_differ_in_who_is_muted_alone(here: Path, run_command: RunCommand) -> None:
    done = run_command("intensities", "a.wav", "-o", "layers", "--bit-depth", "32", "--json")
    assert done.status == 0, done.err
    assert list(json.loads(done.out)) == list(INTENSITIES)
    sounds = {name: soundfile.read(here / "layers" / f"a-{name}.wav", dtype="float32")[0] for name in INTENSITIES}
    assert len({sound.shape for sound in sounds.values()}) == 1
    assert np.array_equal(sounds["full"], soundfile.read(here / "a.wav", dtype="float32")[0])
    powers = [float(np.mean(np.square(sounds[name]))) for name in INTENSITIES]
    assert 0 < powers[0] < powers[2]
    piece = piece_of(read_recipe(here / "a.wav"))
    assert piece is not None
    for name in INTENSITIES:
        version = piece_of(read_recipe(here / "layers" / f"a-{name}.wav"))
        assert version is not None and version.notes == piece.notes
        muted = tuple(strip.key for strip in version.mix.strips if strip.muted)
        assert set(muted) == set(resting(piece)[name])


def test_intensities_are_refused_before_any_work(here: Path, run_command: RunCommand) -> None:
    before = files_in(here)
    refused(run_command("intensities", "a.wav", "-o", "a.mid"), "a.mid: cannot be made a folder")
    refused(run_command("intensities", "a.wav", "--format", "xyz"), "xyz")
    assert files_in(here) == before
    (here / "a-calm.wav").write_bytes(b"mine")
    refused(run_command("intensities", "a.wav"), "a-calm.wav: already exists")


# --- the library ---


def test_the_library_takes_values_and_mappings(here: Path) -> None:
    first = noisician.read_recipe("a.wav")
    music = noisician.edit("a.wav", noisician.SetStrip(player="bass", gain_db=1), {"op": "tempo", "tempo_bpm": 160})
    assert music.duration_s == 7.5 and music.score is not None and music.score.tempo_bpm == 160
    assert music.recipe.lineage == (
        {"id": first.id6, "operation": "edit", "words": "mix bass: gain 1 dB; tempo 160 BPM"},
    )
    assert np.array_equal(noisician.open(music.recipe).audio, music.audio)
    assert set(music.stems) == set(noisician.open("a.wav").stems)
    assert noisician.edit(music.recipe, noisician.Remaster(), keep_stems=False).stems == {}
    for nothing in ((), ({"op": "dance"},)):
        with pytest.raises(RequestError):
            noisician.edit("a.wav", *nothing)


def test_extend_loop_and_repaint_are_names_of_edits(here: Path) -> None:
    longer = noisician.extend("a.wav", bars=2, before=True, seed=1, keep_stems=False)
    looped = noisician.loop("a.wav", bars=(1, 2))
    anew = noisician.repaint("a.wav", (0.0, 0.75), seed=2)
    assert [music.recipe.lineage[-1]["words"] for music in (longer, looped, anew)] == [
        "extend by 2 bars before (seed 1)",
        "loop bars 1-2",
        "regenerate everybody, 0-0.75 s (seed 2)",
    ]
    assert (longer.duration_s, looped.duration_s, longer.stems) == (7.5, 2, {})
    assert "0-0.75 s widened to bars 1-1" in anew.remarks
    with pytest.raises(RequestError, match="no stretch to repaint"):
        noisician.repaint("a.wav")


def test_an_outlook_is_what_the_edit_does(here: Path) -> None:
    edits = (noisician.Regenerate(players=("bass",), bars=((3, 3),), seed=5),)
    outlook = noisician.outlook("a.wav", *edits)
    before, after = noisician.open("a.wav"), noisician.edit("a.wav", *edits)
    differ = np.flatnonzero((before.audio != after.audio).any(axis=1)) / before.sample_rate_hz
    assert len(differ)
    assert all(
        any(start <= second <= end for start, end in outlook.heard_s) for second in differ[:: len(differ) // 9 + 1]
    )
    assert json.loads(json.dumps(outlook.piece)) == after.recipe.piece
