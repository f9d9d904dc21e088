"""SoundFonts and SFZ files: what they play, and that no file gets past its bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_notes import hit, tone, write
from small_soundfont import chunk, soundfont

from noisician.analysis.pitch import pitch_of_note
from noisician.errors import FileError, RequestError
from noisician.instruments.learn import held_on
from noisician.instruments.sf2 import SoundFont
from noisician.instruments.sfz import MOST_FILE_BYTES, read_sfz
from noisician.instruments.sources import read_sources
from noisician.instruments.zones import takes_of_zones
from noisician.renderer.reference_notes import HELD_S

KEYS, VELOCITIES, FINE_TUNE, SAMPLE, MODES, ROOT, ATTENUATION = 43, 44, 52, 53, 54, 58, 48


def span(low: int, high: int) -> int:
    return low | high << 8


def heard(takes: object) -> list[tuple[float | None, int | None]]:
    return [(take.pitch, take.velocity) for take in takes]  # type: ignore[attr-defined]


def test_a_soundfont_plays_its_keys_and_layers(tmp_path: Path) -> None:
    low, soft, loud = tone(48, 0.5), tone(60, 0.5, 0.05), tone(60, 0.5)
    zones = [
        [(KEYS, span(36, 53)), (SAMPLE, 0)],
        [(KEYS, span(54, 72)), (VELOCITIES, span(0, 79)), (SAMPLE, 1)],
        [(KEYS, span(54, 72)), (VELOCITIES, span(80, 127)), (SAMPLE, 2)],
    ]
    path = tmp_path / "small.sf2"
    path.write_bytes(soundfont([low, soft, loud], zones, roots=[48, 60, 60]))
    takes = read_sources([str(path)]).takes
    assert heard(takes) == [(48.0, 80), (60.0, 40), (60.0, 104)]
    for take in takes:
        found = pitch_of_note(take.sound)
        assert found is not None and found.pitch == pytest.approx(take.pitch, abs=0.1)
    assert np.abs(takes[2].sound).max() == pytest.approx(np.abs(loud).max(), rel=0.02)


def test_tuning_attenuation_and_rate_are_followed(tmp_path: Path) -> None:
    sound = tone(60, 0.8)[::2]  # at half the rate
    zones = [[(FINE_TUNE, 50), (ATTENUATION, 500), (ROOT, 60), (SAMPLE, 0)]]
    path = tmp_path / "tuned.sf2"
    path.write_bytes(soundfont([sound], zones, rate_hz=22050))
    (take,) = read_sources([str(path)]).takes
    assert take.pitch == 60.0
    found = pitch_of_note(take.sound)
    assert found is not None and found.pitch == pytest.approx(60.5, abs=0.06)
    assert np.abs(take.sound).max() == pytest.approx(np.abs(sound).max() / 10, rel=0.1)  # 20 dB of the 50 written


def test_a_loop_holds_a_note(tmp_path: Path) -> None:
    period = 100
    sound = 0.4 * np.sin(2 * np.pi * np.arange(2000) / period)
    path = tmp_path / "loop.sf2"
    path.write_bytes(soundfont([sound], [[(MODES, 1), (ROOT, 69), (SAMPLE, 0)]], loop=(1000, 2000)))
    (take,) = read_sources([str(path)]).takes
    assert take.held_s == HELD_S
    late = take.sound[3 * 44100 : 3 * 44100 + 1000]
    assert np.abs(late).max() == pytest.approx(0.4, rel=0.05)
    assert np.abs(take.sound[round((HELD_S + 0.3) * 44100) :]).max() < 0.1  # let go
    held = held_on(take, "sustained")
    assert np.array_equal(held, take.sound[: len(held)]) and len(held) == round(HELD_S * 44100)


def test_a_preset_is_chosen_by_its_number(tmp_path: Path) -> None:
    presets = [("Piano", 0, 0), ("Flute", 0, 73), ("Kit", 128, 0)]
    path = tmp_path / "three.sf2"
    path.write_bytes(soundfont([hit(800, 0.1), tone(60, 0.3)], [[(KEYS, span(38, 38)), (SAMPLE, 0)]], presets))
    assert [preset.name for preset in SoundFont(path).presets()] == ["Piano", "Flute", "Kit"]
    kit = read_sources([f"{path}#128:0"])
    assert [(take.pitch, take.key) for take in kit.takes] == [(None, 38)]
    assert "Flute" in read_sources([f"{path}#73"]).remarks[0]
    assert "2 more" in read_sources([str(path)]).remarks[0]
    with pytest.raises(RequestError, match="no preset '12'; of its 3 the first are 0:0 Piano"):
        read_sources([f"{path}#12"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"RIFF", "4 bytes"),
        (b"RIFF" + bytes(100), "is no SoundFont"),
        (chunk(b"RIFF", b"sfbk"), "holds 0 records"),
        (chunk(b"RIFF", b"sfbkphdr\xff\xff\xff\x7f"), "goes beyond the end"),
        (soundfont([tone(60, 0.1)], [[(SAMPLE, 9)]]), "sample 9 of 1"),
        (soundfont([0 * tone(60, 0.1)], [[(SAMPLE, 0)]]), "no zone of it sounds"),
        (soundfont([tone(60, 0.1)], [[(KEYS, span(9, 3)), (SAMPLE, 0)]]), "no zone of it sounds"),
    ],
)
def test_a_damaged_soundfont_is_told_in_one_line(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.sf2"
    path.write_bytes(data)
    with pytest.raises(FileError, match=says) as refused:
        read_sources([str(path)])
    assert "\n" not in str(refused.value)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_gets_past_the_reader_of_soundfonts(tmp_path: Path, data: st.DataObject) -> None:
    zones = [[(KEYS, span(0, 127)), (MODES, 1), (SAMPLE, 0)], [(VELOCITIES, span(3, 90)), (SAMPLE, 1)]]
    whole = bytearray(soundfont([tone(60, 0.01), tone(64, 0.01)], zones))
    start = whole.index(b"pdta") if data.draw(st.booleans()) else 0
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(start, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzzed.sf2"
    path.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole))
    try:
        font = SoundFont(path)
        for preset in font.presets()[:3]:
            for take in takes_of_zones(font.zones(preset), preset.is_kit, "fuzzed"):
                assert np.isfinite(take.sound).all() and len(take.sound) < 44100 * 8
    except FileError as refused:
        assert "\n" not in str(refused)


def sfz(folder: Path, text: str) -> Path:
    path = folder / "instrument.sfz"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_sfz_plays_its_regions(tmp_path: Path) -> None:
    write(tmp_path / "samples" / "low note.wav", tone(48, 0.5))
    write(tmp_path / "samples" / "soft.wav", tone(60, 0.5, 0.05))
    write(tmp_path / "samples" / "loud.wav", tone(60, 0.5))
    (tmp_path / "more.txt").write_text("<region> sample=loud.wav lovel=80 hivel=127 // the rest\n")
    path = sfz(
        tmp_path,
        """
        <control> default_path=samples\\
        #define $SOFT soft.wav
        /* two
           lines */
        <global> ampeg_release=0.1
        <group> key=c3
        <region> sample=low note.wav
        <region> sample=*sine
        <group> lokey=54 hikey=c5 pitch_keycenter=60
        <region> sample=$SOFT lovel=0 hivel=79
        <region> sample=gone.wav trigger=release
        #include "more.txt"
        """,
    )
    takes = read_sources([str(path)]).takes
    assert heard(takes) == [(48.0, 80), (60.0, 40), (60.0, 104)]
    assert np.abs(takes[1].sound).max() < 0.3 * np.abs(takes[2].sound).max()


def test_an_sfz_is_tuned_and_looped(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 0.4 * np.sin(2 * np.pi * np.arange(4000) / 100))
    zones = read_sfz(
        sfz(
            tmp_path,
            "<region> sample=a.wav key=69 tune=-25 volume=-6 loop_mode=loop_continuous loop_start=1000 loop_end=1999",
        )
    )
    (zone,) = zones
    assert (zone.keys, zone.root, zone.gain_db, zone.loop) == ((69, 69), 69.25, -6, (1000, 2000))
    (take,) = takes_of_zones(zones, False, "a")
    assert np.abs(take.sound[3 * 44100 : 3 * 44100 + 500]).max() == pytest.approx(0.2, rel=0.05)


def test_an_sfz_of_hits_is_a_kit(tmp_path: Path) -> None:
    write(tmp_path / "kick.wav", hit(60, 0.1))
    write(tmp_path / "snare.wav", hit(1500, 0.1))
    path = sfz(tmp_path, "<region> sample=kick.wav key=36\n<region> sample=snare.wav key=38")
    assert [(take.pitch, take.key) for take in read_sources([str(path)]).takes] == [(None, 36), (None, 38)]
    assert [take.pitch for take in read_sources([str(path)], kit=False).takes] == [36.0, 38.0]


def test_zones_on_top_of_each_other_are_bounded(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(60, 0.05, 0.01))
    (take,) = read_sources([str(sfz(tmp_path, "<region> sample=a.wav key=60\n" * 4000))]).takes
    assert np.abs(take.sound).max() < 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<region> sample=../a.wav", "leads out of its folder"),
        ("<region> sample=x/../../a.wav", "leads out of its folder"),
        ("<region> sample=/etc/passwd", "leads out of its folder"),
        ("<region> sample=C:\\a.wav", "leads out of its folder"),
        ("<region> sample=\\\\host\\share\\a.wav", "leads out of its folder"),
        ("<control> default_path=../ <region> sample=a.wav", "leads out of its folder"),
        ("#define $UP .. \n<region> sample=$UP/a.wav", "leads out of its folder"),
        ('#include "../other.sfz"', "leads out of its folder"),
        ('#include "instrument.sfz"', "include itself"),
        ("<region> sample=gone.wav", "is not there"),
        ("<region> sample=link.wav", "link out of its folder"),
        ("<region> sample=a.wav key=nan", "is no number"),
        ("<region> sample=a.wav tune=1e300", "is no number"),
        ("<region> sample=instrument.sfz", "cannot be read as audio"),
        ("just text", "no region that a key plays"),
        ("#define $A $A$A$A$A$A$A$A$A\n" * 2 + "$A" * 4000, "more than 4096 characters"),
        ("<region> sample=a.wav\n" * 5000, "more than 4096 regions"),
        ("x" * (MOST_FILE_BYTES + 1), "more than 4 MiB"),
    ],
)
def test_a_hostile_sfz_is_told_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    outside = write(tmp_path / "a.wav", tone(60, 0.1))
    write(folder / "a.wav", tone(60, 0.1))
    (folder / "link.wav").symlink_to(outside)
    with pytest.raises(FileError, match=says) as refused:
        read_sources([str(sfz(folder, text))])
    assert "\n" not in str(refused.value)


_WORDS = st.sampled_from(
    ["<region>", "<group>", "<global>", "<control>", "sample=a.wav", "sample=", "key=60", "key=-1", "lokey=99999999999",
     "hikey=c4", "lovel=127", "hivel=0", "loop_mode=loop_sustain", "loop_start=3", "loop_end=99999999", "offset=5",
     "offset=-7", "end=2", "tune=1200", "transpose=99", "volume=500", "#define $a $b", "#define $b $a", "$a", "\n",
     "/*", "*/", "//", "=", "<", ">", "default_path=./", "ampeg_release=-1", '#include "instrument.sfz"', "\0",
     "pitch_keycenter=x"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_WORDS, max_size=30), st.text(max_size=20))
def test_no_text_gets_past_the_reader_of_sfz(tmp_path: Path, words: list[str], text: str) -> None:
    write(tmp_path / "a.wav", tone(60, 0.01))
    path = sfz(tmp_path, "")
    path.write_bytes((" ".join(words) + text).encode("utf-8", "surrogatepass"))
    try:
        for take in takes_of_zones(read_sfz(path), False, "fuzzed"):
            assert np.isfinite(take.sound).all() and len(take.sound) < 44100 * 8
    except FileError as refused:
        assert "\n" not in str(refused)
