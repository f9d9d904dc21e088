"""The picture codec against plain formulas of the format, and there and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from noisician.errors import FileError
from noisician.mel import log_mel
from noisician.models import spectrogram_image as codec
from noisician.models.spectrogram_image import Decoding, SpectrogramParams

Image = pytest.importorskip("PIL.Image")

RATE = 44100
PARAMS = SpectrogramParams()
SMALL = SpectrogramParams(frequencies=128, padded_duration_ms=100)


def tones(seconds: float, *frequencies_hz: float) -> np.ndarray:
    """Decaying notes, one after the other, each with an overtone: ``[samples, 1]``."""
    time = np.arange(round(seconds * RATE)) / RATE
    out = np.zeros_like(time)
    for number, hz in enumerate(frequencies_hz):
        since = time - seconds * number / len(frequencies_hz)
        note = np.sin(2 * np.pi * hz * since) + 0.3 * np.sin(4 * np.pi * hz * since)
        out += np.where(since >= 0, note * np.exp(-3 * np.maximum(since, 0)), 0)
    # A little noise keeps single precision, which images are made in, from showing where all would be silent.
    out += 1e-3 * np.random.default_rng(0).standard_normal(len(time))
    return (0.3 * out)[:, None].astype(np.float32)


def plain_mel(samples: np.ndarray, low_hz: float = 0, high_hz: float = 10000) -> np.ndarray:
    """Mel magnitudes ``[512, frames]`` of 16-bit samples by the format's definition, in double precision."""
    n_fft, window_length, hop, bands = 17640, 4410, 441, 512
    window = np.zeros(n_fft)
    start = (n_fft - window_length) // 2
    window[start : start + window_length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window_length) / window_length)
    padded = np.pad(samples.astype(np.float64) * 32768, n_fft // 2, mode="reflect")
    frames = 1 + len(samples) // hop
    magnitude = np.abs([np.fft.rfft(window * padded[k * hop : k * hop + n_fft]) for k in range(frames)]).T
    mels = np.linspace(2595 * np.log10(1 + low_hz / 700), 2595 * np.log10(1 + high_hz / 700), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.linspace(0, RATE / 2, n_fft // 2 + 1)
    filters = [np.interp(bins, edges[k : k + 3], [0, 1, 0], left=0, right=0) for k in range(bands)]
    return np.array(filters) @ magnitude


def plain_image(mels: list[np.ndarray]) -> np.ndarray:
    """uint8 ``[512, frames, 3]`` of one mel or two."""
    loudest = max(mel.max() for mel in mels)
    grey = [np.flipud(255 - 255 * (mel / loudest) ** 0.25).astype(np.uint8) for mel in mels]
    return np.dstack([grey[0]] * 3 if len(grey) == 1 else [np.zeros_like(grey[0]), *grey])


def away(first: np.ndarray, second: np.ndarray) -> int:
    """The largest difference in grey levels."""
    return int(np.abs(first.astype(int) - second.astype(int)).max())


def test_mono_images_are_those_of_the_format() -> None:
    audio = tones(0.6, 220, 880, 3300)
    pixels, max_value = codec.encode(audio, PARAMS)
    mel = plain_mel(audio[:, 0])
    expected = plain_image([mel])
    assert pixels.shape == expected.shape == (512, 61, 3)
    assert away(pixels, expected) <= 1 and np.mean(pixels != expected) < 0.01
    assert max_value == pytest.approx(mel.max(), rel=1e-4)


def test_stereo_is_left_in_green_and_right_in_blue() -> None:
    params = SpectrogramParams(stereo=True, min_frequency_hz=10, max_frequency_hz=20000)
    audio = np.hstack([tones(0.4, 440), 0.5 * tones(0.4, 2000, 5000)])
    pixels, _ = codec.encode(audio, params)
    expected = plain_image([plain_mel(audio[:, side], 10, 20000) for side in range(2)])
    assert not pixels[..., 0].any()
    assert away(pixels, expected) <= 1 and np.mean(pixels != expected) < 0.01
    made = codec.decode(pixels, params, decoding=Decoding(iterations=4))
    spectra = np.abs(np.fft.rfft(made[:17640], axis=0))
    assert spectra[176, 0] > 5 * spectra[176, 1] and spectra[800, 1] > 5 * spectra[800, 0]


def test_an_image_of_the_format_decodes_to_the_audio_it_shows() -> None:
    audio = tones(1.0, 220, 880, 3300)
    mel = plain_mel(audio[:, 0])
    image = Image.fromarray(plain_image([mel]))
    image.getexif()[11080] = float(mel.max())
    made, params = codec.audio_from_image(image, decoding=Decoding(samples=len(audio)))
    assert params == PARAMS and made.shape == audio.shape and made.dtype == np.float32
    below_10_khz = slice(0, 98)
    error = np.abs(log_mel(made[:, 0]) - log_mel(audio[:, 0]))[4:-4, below_10_khz]
    assert error.mean() < 0.25
    assert np.sqrt(np.mean(made**2)) == pytest.approx(np.sqrt(np.mean(audio**2)), rel=0.15)
    again, _ = codec.encode(made, PARAMS)
    assert np.abs(again.astype(int) - np.asarray(image).astype(int)).mean() < 4


def test_low_frequencies_are_at_the_bottom_and_loud_is_black() -> None:
    pixels, _ = codec.encode(tones(0.3, 100), PARAMS)
    row, _ = np.unravel_index(np.argmin(pixels[..., 0]), pixels.shape[:2])
    assert row > 470 and pixels[row, :, 0].min() == 0
    assert pixels[:100].min() > 200


def test_max_value_only_sets_the_level() -> None:
    pixels, max_value = codec.encode(tones(0.3, 440), SMALL)
    quick = Decoding(iterations=2)
    loud = codec.decode(pixels, SMALL, max_value, quick)
    np.testing.assert_allclose(codec.decode(pixels, SMALL, max_value / 10, quick), loud / 10, atol=1e-5)
    image = Image.fromarray(pixels)
    unsaid, _ = codec.audio_from_image(image, SMALL, quick)
    np.testing.assert_array_equal(unsaid, codec.decode(pixels, SMALL, 30e6, quick))


def test_parameters_travel_in_exif(tmp_path: Path) -> None:
    params = SpectrogramParams(
        stereo=True, min_frequency_hz=10, max_frequency_hz=20000, frequencies=128, power_for_image=0.3
    )
    image = codec.image_from_audio(tones(0.3, 440), params)
    image.save(tmp_path / "image.png", exif=image.getexif())
    read = Image.open(tmp_path / "image.png")
    assert codec.params_of(read) == params
    tags = dict(read.getexif())
    assert tags[11000] == 44100 and tags[11005] == 1 and tags[11010] == 10 and tags[11020] == 100
    assert tags[11030] == 400 and tags[11040] == 128 and tags[11050] == 10 and tags[11060] == 20000
    assert tags[11070] == pytest.approx(0.3)
    assert tags[11080] == pytest.approx(codec.encode(tones(0.3, 440), params)[1])


def test_an_image_without_tags_has_the_defaults() -> None:
    assert codec.params_of(Image.new("RGB", (64, 512))) == PARAMS
    assert codec.params_of(Image.new("RGB", (64, 256))) == SpectrogramParams(frequencies=256)


@pytest.mark.parametrize(
    "tag, value", [(11000, 3), (11010, 400), (11060, 30000), (11070, 0.0), (11007, 1), (11030, "x")]
)
def test_damaged_tags_are_named(tag: int, value: object) -> None:
    image = Image.new("RGB", (64, 512))
    image.getexif()[tag] = value
    with pytest.raises(FileError, match="EXIF") as raised:
        codec.params_of(image)
    assert "\n" not in str(raised.value)


def test_a_resized_image_is_refused() -> None:
    with pytest.raises(FileError, match="resized"):
        codec.decode(np.zeros((64, 8, 3), np.uint8), SMALL)


def test_widths_and_lengths_are_exact() -> None:
    audio = tones(0.5, 440)
    assert codec.encode(audio, SMALL)[0].shape[1] == 51
    wide, _ = codec.encode(audio, SMALL, 64)
    assert wide.shape[1] == 64 and (wide[:, 60:] == 255).all()
    assert codec.encode(audio, SMALL, 32)[0].shape[1] == 32
    for samples in (1, 1000, 22050, 40000):
        assert codec.decode(wide, SMALL, 1e6, Decoding(samples=samples, iterations=1)).shape == (samples, 1)


def test_silence_stays_silent() -> None:
    pixels, max_value = codec.encode(np.zeros((4410, 1), np.float32), SMALL)
    assert (pixels == 255).all() and max_value == 0
    assert not codec.decode(pixels, SMALL, decoding=Decoding(iterations=2)).any()


def test_phases_come_from_the_seed() -> None:
    pixels, max_value = codec.encode(tones(0.3, 440), SMALL)
    made = [codec.decode(pixels, SMALL, max_value, Decoding(seed, iterations=2)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_pieces_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    time = np.arange(2 * RATE) / RATE
    audio = (0.3 * np.sin(2 * np.pi * 441.7 * time))[:, None].astype(np.float32)
    pixels, max_value = codec.encode(audio, SMALL)
    monkeypatch.setattr(codec, "PIECE_FRAMES", 64)
    monkeypatch.setattr(codec, "SHARED_FRAMES", 24)
    made = codec.decode(pixels, SMALL, max_value, Decoding(samples=len(audio)))[:, 0]
    # A click or a lost phase would show as energy beside the tone.
    for start in range(RATE // 4, len(made) - RATE // 4, 2205):
        spectrum = np.abs(np.fft.rfft(made[start : start + 8820] * np.hanning(8820))) ** 2
        assert spectrum[80:97].sum() > 0.99 * spectrum.sum()


def test_known_samples_stay_and_the_rest_continues_them() -> None:
    time = np.arange(RATE) / RATE
    audio = (0.3 * np.sin(2 * np.pi * 660 * time))[:, None].astype(np.float32)
    pixels, max_value = codec.encode(audio, PARAMS)
    known = audio.copy()
    known[18000:21000] = np.nan
    made = codec.decode(pixels, PARAMS, max_value, Decoding(samples=len(audio), known=known))
    kept = ~np.isnan(known)
    np.testing.assert_array_equal(made[kept], known[kept])
    gap = slice(18000, 21000)
    assert np.corrcoef(made[gap, 0], audio[gap, 0])[0, 1] > 0.95


def test_progress_reaches_one_and_may_stop_the_work() -> None:
    pixels, _ = codec.encode(tones(0.3, 440), SMALL)
    heard: list[float] = []
    codec.decode(pixels, SMALL, decoding=Decoding(iterations=3, on_step=heard.append))
    assert heard == pytest.approx([1 / 3, 2 / 3, 1])

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codec.decode(pixels, SMALL, decoding=Decoding(on_step=stop))
