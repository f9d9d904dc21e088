from __future__ import annotations

import io
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from noisician.audio import read_audio
from noisician.errors import FileError
from noisician.export import (
    Bundle,
    Metadata,
    bundle_paths,
    common_gain_db,
    midi_with_recipe,
    read_recipe,
    stems_note,
    write_bundle,
    write_stems,
)
from noisician.export.stems import factor_of
from noisician.recipe import Recipe
from noisician.request import Request

RECIPE = Recipe(noisician="0.1.0", request=Request(prompt="夢"), seed=1, score={"x": "y" * 500})
METADATA = Metadata(title="song", tempo_bpm=120, beats=4, loop=True)
RNG = np.random.default_rng(0)
STEMS = {
    "drums": RNG.standard_normal((900, 2)).astype(np.float32) * 0.1,
    "lead guitar": RNG.standard_normal(1000).astype(np.float32) * 0.1,
}


def midi_file() -> bytes:
    file = mido.MidiFile(type=1)
    for _ in range(2):
        file.add_track().append(mido.Message("note_on", note=60, time=480))
    memory = io.BytesIO()
    file.save(file=memory)
    return memory.getvalue()


def test_folder_of_aligned_stems(tmp_path: Path) -> None:
    written = write_stems(tmp_path / "a" / "stems", STEMS, METADATA, RECIPE.to_json(), extras={"LICENSE.txt": b"free"})
    assert [path.name for path in written] == ["drums.wav", "lead-guitar.wav", "LICENSE.txt", "recipe.json"]
    drums, guitar = (read_audio(path)[0] for path in written[:2])
    assert (drums.shape, guitar.shape) == ((1000, 2), (1000, 1))
    np.testing.assert_allclose(drums[:900], STEMS["drums"], atol=1e-7)
    assert not drums[900:].any()
    for path in (*written[:2], tmp_path / "a" / "stems"):
        assert read_recipe(path) == RECIPE
    assert b"smpl" in written[0].read_bytes()


@pytest.mark.parametrize(
    ("peak", "factor"), [(0.0, 1.0), (0.7, 1.0), (1.0, 0.5), (1.5, 0.5), (2.0, 0.25), (3.9, 0.25), (-5.0, 0.125)]
)
def test_one_gain_keeps_all_stems_from_clipping(peak: float, factor: float) -> None:
    stems = {"soft": np.full(4, 0.01, np.float32), "loud": np.array([0, peak], np.float32)}
    gain_db = common_gain_db(stems, 24)
    assert gain_db == pytest.approx(20 * np.log10(factor), abs=1e-6)
    assert factor_of(gain_db) == factor
    assert common_gain_db(stems, 32) == 0.0
    note = stems_note("song", gain_db)
    assert (f"times {1 / factor:g} each" in note) == (factor < 1)


@pytest.mark.parametrize("target", ["s", "s.zip"])
@pytest.mark.parametrize("bit_depth", [24, 32])
def test_written_stems_times_the_gain_sum_to_what_they_were(tmp_path: Path, target: str, bit_depth: int) -> None:
    loud = {name: 12 * (stem if stem.ndim == 2 else stem[:, None]) for name, stem in STEMS.items()}
    gain_db = common_gain_db(loud, bit_depth)
    written = write_stems(tmp_path / target, loud, METADATA, RECIPE.to_json(), bit_depth=bit_depth, gain_db=gain_db)
    total = np.zeros((1000, 2))
    if target == "s":
        total += sum(read_audio(path)[0] for path in written if path.suffix == ".wav")
    else:
        with zipfile.ZipFile(written[0]) as archive:
            names = [name for name in archive.namelist() if name.endswith(".wav")]
            total += sum(soundfile.read(io.BytesIO(archive.read(name)), always_2d=True)[0] for name in names)
    expected = np.pad(loud["drums"], [(0, 100), (0, 0)]) + loud["lead guitar"]
    assert np.abs(total / 10 ** (gain_db / 20) - expected).max() < 10 ** (-90 / 20)


def test_archive_is_complete_and_deterministic(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_stems(tmp_path / name / "s.zip", STEMS, METADATA, RECIPE.to_json(), bit_depth=16)
    path = tmp_path / "a" / "s.zip"
    assert path.read_bytes() == (tmp_path / "b" / "s.zip").read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["s/drums.wav", "s/lead-guitar.wav", "s/recipe.json"]
        drums, _ = soundfile.read(io.BytesIO(archive.read("s/drums.wav")))
    np.testing.assert_allclose(drums[:900], STEMS["drums"], atol=2 / 2**15)
    assert read_recipe(path) == RECIPE


def test_foreign_and_damaged_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(FileError, match=r"archive without recipe\.json"):
        read_recipe(path)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(FileError, match="damaged archive"):
        read_recipe(path)


def test_stems_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no stems"):
        write_stems(tmp_path / "s", {}, METADATA)
    with pytest.raises(FileError, match=r"two stems would be called a-b\.wav"):
        write_stems(tmp_path / "s", {"a b": STEMS["drums"], "a/b": STEMS["drums"]}, METADATA)
    with pytest.raises(FileError, match="8 bits"):
        write_stems(tmp_path / "s", STEMS, METADATA, bit_depth=8)
    assert list(tmp_path.iterdir()) == []


def test_stem_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    written = write_stems(tmp_path / "s", {"../../evil": STEMS["drums"], "夢": STEMS["drums"]}, METADATA)
    assert [path.name for path in written] == ["evil.wav", "stem.wav"]
    assert {path.parent for path in written} == {tmp_path / "s"}


def test_bundle_with_archive(tmp_path: Path) -> None:
    bundle = Bundle(
        path=tmp_path / "t.flac",
        samples=np.zeros((1200, 2)),
        metadata=METADATA,
        recipe_json=RECIPE.to_json(),
        midi=midi_file(),
        spectrogram=True,
        stems=STEMS,
        stems_zip=True,
        stem_extras={"LICENSE.txt": b"free"},
    )
    paths = write_bundle(bundle)
    assert paths == bundle_paths(bundle)
    assert {kind: path.name for kind, path in paths.items()} == {
        "track": "t.flac",
        "sidecar": "t.json",
        "midi": "t.mid",
        "spectrogram": "t.png",
        "stems": "t_stems.zip",
    }
    for path in paths.values():
        assert read_recipe(path) == RECIPE
    with zipfile.ZipFile(paths["stems"]) as archive:
        assert "t_stems/score.mid" in archive.namelist()
        assert "t_stems/LICENSE.txt" in archive.namelist()
        stem = soundfile.info(io.BytesIO(archive.read("t_stems/drums.wav")))
    assert stem.frames == 1200  # as long as the track


def test_bare_bundle_is_track_and_sidecar(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path / "t.ogg", np.zeros(100), Metadata(), RECIPE.to_json())
    assert set(write_bundle(bundle)) == {"track", "sidecar"}


def test_track_with_the_name_of_its_sidecar(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path / "t.json", np.zeros(100), Metadata(), RECIPE.to_json(), format="wav")
    with pytest.raises(FileError, match="has the name of a file written beside it"):
        write_bundle(bundle)


def test_midi_keeps_its_music_and_carries_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi_with_recipe(midi_file(), RECIPE.to_json()))
    file = mido.MidiFile(path)
    assert [message.type for message in file.tracks[0]] == ["sequencer_specific", "note_on", "end_of_track"]
    assert file.tracks[0][1:] == mido.MidiFile(file=io.BytesIO(midi_file())).tracks[0]
    assert read_recipe(path) == RECIPE
    file.save(tmp_path / "edited.mid")
    assert read_recipe(tmp_path / "edited.mid") == RECIPE


def test_foreign_and_damaged_midi(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi_file())
    with pytest.raises(FileError, match="was not made by noisician"):
        read_recipe(path)
    path.write_bytes(midi_file()[:16])
    with pytest.raises(FileError, match="has no MIDI track"):
        read_recipe(path)
    with pytest.raises(FileError, match="has no MIDI track"):
        midi_with_recipe(b"no midi at all", RECIPE.to_json())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_few_bytes_that_unpack_without_end_are_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("recipe.json", "w") as member:
        member.write(b"{" + b" " * (1 << 20))
    with pytest.raises(FileError, match=r"archive without recipe\.json"):
        read_recipe(path)


def test_a_directory_of_no_archive_of_ours_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("recipe.json", RECIPE.to_json())
        for number in range(20):
            entry = zipfile.ZipInfo(f"{number}")
            entry.comment = b"c" * 60_000
            archive.writestr(entry, b"")
    with pytest.raises(FileError, match="damaged archive"):
        read_recipe(path)
