"""Reading a picture once and checked: a spectrogram of ours, one of Riffusion's, or any other."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from noisician.errors import FileError
from noisician.models.protocol import AudioInput, PictureInput

FILE_LIMIT_BYTES = 50_000_000
PIXELS_LIMIT = 50_000_000
#: A picture that paints is looked at in this size at most; a spectrogram in its own.
_LOOKED_AT_PX = 512
#: Riffusion's EXIF tag of the sample rate.
_RIFFUSION_TAG = 11000
_LEAST_COLUMNS = 8


def read_picture(path: str) -> PictureInput:
    """A PNG, JPEG or other picture that Pillow reads, at most 50 MB and 50 megapixels. Raises FileError, one line."""
    try:
        size = Path(path).stat().st_size
        if size > FILE_LIMIT_BYTES:
            raise FileError(f"{path}: {size / 1e6:.0f} MB, a picture may have {FILE_LIMIT_BYTES / 1e6:.0f} MB")
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise FileError(
            f"{path}: cannot be read ({(getattr(error, 'strerror', None) or str(error)).lower()})"
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    recipe = _recipe_in(data, path)
    image = _opened(data, path)
    sound = _sound_in(image, path) if recipe is None else None
    image.thumbnail((_LOOKED_AT_PX, _LOOKED_AT_PX))
    return PictureInput(np.asarray(image.convert("RGB")), digest, path, recipe, sound)


def _recipe_in(data: bytes, path: str) -> str | None:
    from noisician.export.embed import PNG_SIGNATURE, find_png_recipe
    from noisician.recipe import unpack

    if not data.startswith(PNG_SIGNATURE):
        return None
    packed = find_png_recipe(data, path)
    return None if packed is None else unpack(packed, path)


def _opened(data: bytes, path: str) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise FileError("pictures need Pillow, which is not installed: pip install 'noisician[pictures]'") from None
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > PIXELS_LIMIT:
            raise FileError(
                f"{path}: {image.width} × {image.height} pixels, the limit is {PIXELS_LIMIT // 10**6} million"
            )
        image.load()
    except FileError:
        raise
    except Exception as broken:  # Pillow's plugins raise whatever a damaged file leads them to
        reason = " ".join(str(broken).split())[:120].replace(str(path), "").strip() or type(broken).__name__
        raise FileError(f"{path}: cannot be read as a picture ({reason}); damaged, or no picture") from None
    return image


def _sound_in(image: Any, path: str) -> AudioInput | None:
    """What a spectrogram of Riffusion's sounds like; None for any other picture."""
    from noisician.models.spectrogram_image import audio_from_image

    try:
        tagged = image.getexif().get(_RIFFUSION_TAG) is not None
    except Exception:  # damaged tags are no tags
        return None
    if not tagged or image.width < _LEAST_COLUMNS:
        return None
    try:
        audio, params = audio_from_image(image)
    except FileError as refused:
        raise FileError(f"{path}: {refused}") from None
    return AudioInput(audio, params.sample_rate_hz, path)
