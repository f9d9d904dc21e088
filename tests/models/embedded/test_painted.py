"""Pictures: what paints, what plays, and what is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_composer import FakeNetwork
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings
from noisician.errors import FileError, RequestError
from noisician.export.spectrogram import png_bytes
from noisician.models.embedded.given import Making
from noisician.models.embedded.listening import listened
from noisician.models.embedded.painted import Painting, piece_of_painting, with_painting
from noisician.models.inputs import read_inputs
from noisician.models.pictures import read_picture
from noisician.models.support import check_companions
from noisician.prompt import Controls
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Score

POP = Controls(genres=(("pop", 1.0),))
NIGHT, SUN = (10, 10, 60), (250, 220, 120)


def picture(*stripes: tuple[int, int, int], width: int = 64) -> np.ndarray:
    """Stripes from left to right."""
    columns = np.repeat(np.array(stripes, np.uint8), width // len(stripes), axis=0)
    return np.tile(columns[None], (48, 1, 1))


def test_hue_and_brightness_become_mode_mood_and_energy() -> None:
    sunny, night = (with_painting(POP, Painting.of(picture(colour))) for colour in (SUN, NIGHT))
    assert (sunny.mode, sunny.moods) == ("major", (("happy", 1.0),))
    assert (night.mode, night.moods) == ("minor", (("melancholic", 1.0),))
    assert sunny.energy is not None and night.energy is not None and sunny.energy > night.energy + 0.4
    grey = with_painting(POP, Painting.of(picture((40, 40, 40))))
    assert (grey.mode, grey.moods) == ("minor", (("dark", 1.0),))
    assert {reason.words for reason in sunny.reasons} == {"--picture"}


def test_words_win_over_a_picture() -> None:
    said = POP.model_copy(update={"mode": "dorian", "energy": 0.2, "moods": (("eerie", 1.0),)})
    controls = with_painting(said, Painting.of(picture(SUN)))
    assert (controls.mode, controls.energy, controls.moods) == ("dorian", 0.2, (("eerie", 1.0),))


def test_the_structure_of_a_picture_is_the_form() -> None:
    composer = Composer(FakeNetwork())  # type: ignore[arg-type]
    quick = ComposerSettings(steps=2, settle=True)
    making = Making(3, RenderSettings(), lambda: composer, quick, lambda share: None)
    painting = Painting.of(picture(NIGHT, SUN, NIGHT, SUN))
    piece = piece_of_painting(painting, POP.model_copy(update={"bars": 32}), making)
    sections = piece.plan.sections
    assert [(one.start_bar, one.bars, one.label) for one in sections] == [
        (0, 8, "A"),
        (8, 8, "B"),
        (16, 8, "A"),
        (24, 8, "B"),
    ]
    assert sections[1].energy > sections[0].energy + 0.3


def encoded(pixels: np.ndarray, format_: str = "PNG", **options: Any) -> bytes:
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


def test_a_spectrogram_of_riffusions_is_heard_and_any_other_picture_is_not(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    from noisician.models.spectrogram_image import SpectrogramParams, image_from_audio

    tone = np.sin(2 * np.pi * 440 * np.arange(44100 // 2) / 44100).astype(np.float32)[:, None]
    image = image_from_audio(0.3 * tone, SpectrogramParams())
    image.save(tmp_path / "riff.png", exif=image.getexif())
    heard = read_picture(str(tmp_path / "riff.png"))
    assert heard.sound is not None and heard.sound.duration_s == pytest.approx(0.5, abs=0.1)
    (tmp_path / "plain.jpg").write_bytes(encoded(picture(SUN), "JPEG"))
    plain = read_picture(str(tmp_path / "plain.jpg"))
    assert plain.sound is None and plain.recipe is None and plain.pixels.shape == (48, 64, 3)


def test_a_spectrogram_of_ours_brings_its_notes(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    from noisician.composer import make_plan
    from noisician.piece import to_dict
    from noisician.recipe import Recipe

    composer = Composer(FakeNetwork())  # type: ignore[arg-type]
    quick = ComposerSettings(steps=2, settle=True)
    making = Making(3, RenderSettings(), lambda: composer, quick, lambda share: None)
    piece = piece_of_painting(Painting.of(picture(NIGHT, SUN)), POP.model_copy(update={"bars": 8}), making)
    assert make_plan(POP, 3) is not None
    recipe = Recipe(request=Request(), seed=3, piece=to_dict(piece))
    (tmp_path / "ours.png").write_bytes(png_bytes(picture(SUN), recipe.to_json()))
    request = Request(picture=str(tmp_path / "ours.png"))
    told = listened(request, POP, read_inputs(request))
    assert told.painting is None and told.heard is not None
    assert told.heard.score == piece.score
    assert {"--picture"} == {reason.words for reason in told.controls.reasons}
    again = Score.from_dict(told.heard.score.to_dict())
    assert again == piece.score


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kind=st.sampled_from(("PNG", "JPEG", "GIF", "WEBP")),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
)
def test_a_damaged_picture_is_read_or_refused_in_one_line(
    tmp_path: Path, kind: str, cut: float, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(encoded(picture(NIGHT, SUN), kind))
    for place, value in flips:
        data[int(place * len(data))] = value
    file = tmp_path / "hostile.png"
    file.write_bytes(bytes(data[: max(1, int(cut * len(data)))]))
    try:
        seen = read_picture(str(file))
    except FileError as refused:
        assert "\n" not in str(refused) and str(file) in str(refused)
    else:
        assert seen.pixels.dtype == np.uint8 and max(seen.pixels.shape) <= 512


def test_what_is_too_large_or_no_picture_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    head = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + bytes(4)
    pytest.importorskip("PIL.Image")
    for content, says in ((b"", "no picture"), (b"RIFF....WAVE", "no picture"), (head, "a.png: ")):
        file.write_bytes(content)
        with pytest.raises(FileError, match=says) as refused:
            read_picture(str(file))
        assert "\n" not in str(refused.value)
    with pytest.raises(FileError, match="cannot be read"):
        read_picture(str(tmp_path / "nowhere.png"))
    file.write_bytes(png_bytes(picture(SUN)))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(FileError, match=r"pip install 'noisician\[pictures\]'"):
        read_picture(str(file))


def test_two_starts_are_refused() -> None:
    with pytest.raises(RequestError, match="two starts"):
        check_companions(Request(picture="a.png", init_audio="a.wav"))
    check_companions(Request(picture="a.png", strength=0.5))
