"""From recordings to references: cutting, pitches, layers, holding on and letting go, kits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded_notes import hit, released, silence, tone, write

from noisician.errors import FileError, RequestError
from noisician.instruments import sources
from noisician.instruments.learn import held_on, learn, with_velocities
from noisician.instruments.names import told_by
from noisician.instruments.pieces import heard_piece
from noisician.instruments.sources import read_sources, settled_pitch
from noisician.instruments.takes import Take, cut_at_silences, fall_db_a_s, sustain_of, with_release
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ, band_of_hz
from noisician.renderer.references import GRID_FRAMES, RELEASE_FRAMES
from noisician.score.harmony import frequency_hz
from noisician.score.percussion import PIECE_KEYS


@pytest.mark.parametrize(
    ("stem", "pitch", "number", "velocity", "piece"),
    [
        ("piano_C4_f", 60, None, 96, None),
        ("60", None, 60, None, None),
        ("Rhodes F#3 pp", 54, None, 32, None),
        ("cello-Bb2-vel090", 46, None, 90, None),
        ("double-bass-pizzicato-021-vl1-rr1", None, 21, None, None),
        ("As5", 82, None, None, None),
        ("Kick 01", None, None, None, "kick"),
        ("BD", None, None, None, "kick"),
        ("SD_rimshot", None, None, None, "rim"),
        ("ClosedHat", None, None, None, "hat_closed"),
        ("HiHat Open 3", None, None, None, "hat_open"),
        ("hat-half-vl1", None, None, None, "hat_open"),
        ("Tom Floor", None, None, None, "tom_low"),
        ("field recording", None, None, None, None),
    ],
)
def test_what_a_name_tells(
    stem: str, pitch: int | None, number: int | None, velocity: int | None, piece: str | None
) -> None:
    told = told_by(stem)
    assert (told.pitch, told.number, told.velocity, told.piece) == (pitch, number, velocity, piece)


@pytest.mark.parametrize(
    ("tracked", "named", "settled"),
    [
        (60.2, None, 60.2),
        (None, 60, 60.0),
        (None, None, None),
        (60.2, 60, 60.2),
        (72.2, 60, 60.2),  # an octave is the tracker's usual mistake
        (47.9, 60, 59.9),
        (67.0, 60, 60.0),  # within an octave, and no octave: the name knows
        (60.2, 12, 60.2),  # a number, but no key
    ],
)
def test_a_name_is_believed_within_an_octave(tracked: float | None, named: int | None, settled: float | None) -> None:
    assert settled_pitch(tracked, named) == (None if settled is None else pytest.approx(settled))


def test_a_recording_is_cut_at_silences() -> None:
    notes = [silence(0.3), tone(60, 0.5), silence(0.4), tone(64, 0.7, 0.1), silence(0.05), tone(64, 0.2, 0.1)]
    cut = cut_at_silences(np.concatenate(notes))
    assert [len(note) / SAMPLE_RATE_HZ for note in cut] == pytest.approx([0.5, 0.95], abs=0.02)
    assert np.abs(cut[0][:200]).max() > 0.1  # it begins with its onset
    assert cut_at_silences(silence(1.0)) == []
    assert cut_at_silences(np.zeros(0, np.float32)) == []


def test_noise_under_a_note_is_no_note() -> None:
    hiss = 0.002 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE_HZ).astype(np.float32)
    hiss[SAMPLE_RATE_HZ // 2 : SAMPLE_RATE_HZ] += tone(60, 0.5)
    (note,) = cut_at_silences(hiss)
    assert len(note) / SAMPLE_RATE_HZ == pytest.approx(0.5, abs=0.05)


def test_where_a_held_note_is_let_go() -> None:
    let_go = with_release(Take("", released(tone(60, 1.5), 1.0, 0.03)))
    assert let_go.held_s == pytest.approx(1.0, abs=0.04)
    assert with_release(Take("", tone(60, 1.0))).held_s is None  # cut, not let go
    assert with_release(Take("", tone(60, 2.0, decay_s=0.2))).held_s is None  # it falls as fast all along


def test_how_an_instrument_holds_its_notes() -> None:
    assert sustain_of([Take("", tone(60, 2.0))]) == "sustained"
    assert sustain_of([Take("", tone(60, 2.0, decay_s=0.5))]) == "plucked"
    assert fall_db_a_s(tone(60, 2.0, decay_s=0.5)) == pytest.approx(8.686 / 0.5, rel=0.05)
    swelling = tone(60, 2.0) * np.minimum(1, np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ / 0.5).astype(np.float32)
    falling = swelling * np.exp(-np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32)
    assert sustain_of([Take("", falling)]) == "sustained"  # a bow that swells and tires


def level_at(sound: np.ndarray, at_s: float) -> float:
    around = sound[round((at_s - 0.02) * SAMPLE_RATE_HZ) : round((at_s + 0.02) * SAMPLE_RATE_HZ)]
    return float(np.sqrt((around**2).mean()))


def test_a_sustained_note_goes_on_beyond_its_recording() -> None:
    held = held_on(Take("", released(tone(60, 1.2), 0.8, 0.03), held_s=0.8), "sustained")
    assert level_at(held, 3.9) == pytest.approx(level_at(held, 0.4), rel=0.2)


def test_a_decaying_note_that_was_cut_goes_on_as_it_fell() -> None:
    whole, cut = tone(60, 4.1, decay_s=1.0), tone(60, 0.8, decay_s=1.0)
    held = held_on(Take("", cut), "plucked")
    # Where a pure tone is joined to itself it may add up to 3 dB.
    assert level_at(held, 2.0) == pytest.approx(level_at(whole, 2.0), rel=0.42)
    done = tone(60, 1.0, decay_s=0.1)
    assert held_on(Take("", done), "plucked") is done


def test_references_hold_and_lose_what_the_recording_did() -> None:
    """Held 1 s, let go with 60 ms: held on for four seconds, and lost as fast as recorded."""
    takes = [Take("a", released(tone(69, 1.8), 1.0, 0.06), pitch=69.0, held_s=1.0)]
    references = learn(takes).references
    assert (references.kind, references.sustain) == ("harmonic", "sustained")
    band = round(float(band_of_hz(np.array(frequency_hz(69)))))
    held = references.held(0)[:, band]
    assert held[-1] == pytest.approx(held[GRID_FRAMES == 8][0], abs=0.3)
    loss = references.loss(0)[:, band]
    at = RELEASE_FRAMES == 15
    assert loss[at][0] == pytest.approx(15 / FRAME_RATE_HZ / 0.06, abs=0.6)


def test_layers_come_from_loudness() -> None:
    takes = [
        *(Take("", tone(60, 1.0, level), pitch=60.1) for level in (0.5, 0.02, 0.1)),
        Take("", tone(60, 1.0, 0.49), pitch=60.0),  # another take of the loudest
        *(Take("", tone(67, 1.0, level), pitch=67.0) for level in (0.48, 0.021, 0.11)),
        Take("", tone(72, 1.0, 0.45), pitch=72.0),
    ]
    placed = with_velocities(takes)
    assert [(round(take.pitch or 0), take.velocity) for take in placed] == [
        (60, 45), (60, 80), (60, 115), (67, 45), (67, 80), (67, 115), (72, 115)
    ]  # fmt: skip
    assert [take.velocity for take in with_velocities([Take("", tone(60, 1.0), pitch=60.0)])] == [80]
    told = [Take("", tone(60, 1.0), pitch=60.0, velocity=velocity) for velocity in (96, 32)]
    assert [take.velocity for take in with_velocities(told)] == [32, 96]


def test_one_recording_is_enough(tmp_path: Path) -> None:
    handed = read_sources([write(tmp_path / "found sound.wav", tone(57.3, 1.0))])
    assert [take.pitch for take in handed.takes] == [pytest.approx(57.3, abs=0.15)]


def test_other_rates_and_two_channels_are_read(tmp_path: Path) -> None:
    sound = tone(60, 0.9)[::2]
    handed = read_sources([write(tmp_path / "half.flac", np.stack([sound, sound], axis=1), rate_hz=22050)])
    assert handed.takes[0].pitch == pytest.approx(60, abs=0.15)


def test_a_folder_of_notes_is_named_by_octave_below(tmp_path: Path) -> None:
    """Some makers call middle C C3: where the names are an octave below what is heard, all are."""
    for name, pitch in (("C3", 60), ("E3", 64), ("G3", 67)):
        write(tmp_path / f"keys {name}.wav", tone(pitch, 0.8))
    assert [round(take.pitch or 0) for take in read_sources([str(tmp_path)]).takes] == [60, 64, 67]


def test_a_scale_in_one_file_has_pitches_of_its_own(tmp_path: Path) -> None:
    parts = [part for pitch in (60, 62, 64) for part in (tone(pitch, 0.5), silence(0.4))]
    takes = read_sources([write(tmp_path / "from C4.wav", *parts)]).takes
    assert [round(take.pitch or 0) for take in takes] == [60, 62, 64]


def test_a_folder_of_hits_is_a_kit(tmp_path: Path) -> None:
    write(tmp_path / "Kick.wav", tone(31, 0.5, decay_s=0.1))  # a pitch, but a name too
    write(tmp_path / "Snare 1.wav", hit(1200, 0.08))
    write(tmp_path / "Snare 2.wav", hit(1200, 0.08, seed=1) * np.float32(0.1))
    write(tmp_path / "something.wav", hit(9000, 0.03))
    handed = read_sources([str(tmp_path)])
    references = learn(handed.takes).references
    assert (references.kind, references.sustain) == ("drum", "struck")
    notes = list(zip(references.pitch.astype(int), references.velocity, strict=True))
    assert notes == [(36, 105), (38, 60), (38, 105), (42, 105)]


@pytest.mark.parametrize(
    ("centre_hz", "decay_s", "piece"),
    [
        (50, 0.1, "kick"),
        (140, 0.1, "tom_low"),
        (1000, 0.06, "snare"),
        (8000, 0.03, "hat_closed"),
        (7000, 0.3, "hat_open"),
    ],
)
def test_a_hit_without_a_name_is_told_by_ear(centre_hz: float, decay_s: float, piece: str) -> None:
    assert heard_piece(hit(centre_hz, decay_s, 2.0)) == piece
    assert piece in PIECE_KEYS


def test_one_hit_is_a_drum(tmp_path: Path) -> None:
    handed = read_sources([write(tmp_path / "door.wav", hit(600, 0.08))])
    assert [(take.pitch, take.key) for take in handed.takes] == [(None, 38)]


def test_what_cannot_be_an_instrument_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = write(tmp_path / "quiet.wav", silence(1.0))
    with pytest.raises(FileError, match="nothing but silence"):
        read_sources([quiet])
    with pytest.raises(RequestError, match="0 files"):
        read_sources([])
    with pytest.raises(FileError, match="does not exist"):
        read_sources([str(tmp_path / "gone.wav")])
    with pytest.raises(FileError, match="no pitch was heard"):
        read_sources([write(tmp_path / "door.wav", hit(600, 0.08))], kit=False)
    monkeypatch.setattr(sources, "MOST_ALL_S", 1.5)
    with pytest.raises(RequestError, match=r"last over 1\.5 s"):
        read_sources([write(tmp_path / f"{key}.wav", tone(key, 1.0)) for key in (60, 64)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no sound file"):
        read_sources([str(tmp_path / "empty")])
    with monkeypatch.context() as patch, pytest.raises(FileError, match="permission denied"):
        patch.setattr(Path, "iterdir", lambda self: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        read_sources([str(tmp_path / "empty")])
    with pytest.raises(RequestError, match="stands alone"):
        read_sources([quiet, "piano.sf2"])
