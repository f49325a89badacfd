"""An opened picture file to upright sRGB: orientation, color profiles, odd modes, transparency."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import ExifTags, Image, ImageCms

from neural_style.images.sizes import fit

_WHITE = (255, 255, 255)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What sets a picture upright, by the value of EXIF's Orientation."""

_PLAIN = {
    "1": "L",
    "P": "RGBA",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "YCbCr": "RGB",
}
"""Modes that cannot be shrunk or carry a profile as they are, and where they go first."""

_WITH_ALPHA = {"1": "LA", "L": "LA", "RGB": "RGBA"}
"""Where a mode goes when one of its colors stands for transparency."""

_METADATA_ERRORS = (OSError, SyntaxError, ValueError, struct.error)
DECODER_ERRORS = (*_METADATA_ERRORS, RuntimeError)
"""What Pillow's decoders raise on damaged files."""


def decode(picture: Image.Image, longest: int | None) -> tuple[Image.Image, Image.Image | None]:
    """The opened file's picture reduced, in sRGB, upright, over white; and its alpha, if any.

    The picture has mode RGB, or F for one wide channel; alpha has mode L.

    Args:
        picture: As `PIL.Image.open` gives it.
        longest: Shrink to at most this many pixels on the longer side; None for its own size.

    Raises:
        One of `DECODER_ERRORS`, or MemoryError, when the file cannot be decoded to the end.
    """
    height, width = picture.height, picture.width
    if longest is not None and max(height, width) > longest:
        height, width = fit(height, width, longest)
        picture.draft(None, (2 * width, 2 * height))
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    for name in ("icc_profile", "transparency"):
        if isinstance(picture.info.get(name), str):  # a PNG's text of that name
            del picture.info[name]
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith(("I", "F")):
        picture = _unit_range(picture)
    elif "transparency" in picture.info and picture.mode in _WITH_ALPHA:
        picture = picture.convert(_WITH_ALPHA[picture.mode])
    elif picture.mode in _PLAIN:
        picture = picture.convert(_PLAIN[picture.mode])
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    if picture.mode != "F":
        picture = _to_srgb(picture, profile)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, _WHITE), alpha)
    if turn is not None:
        picture, alpha = picture.transpose(turn), alpha and alpha.transpose(turn)
    return picture, alpha


def _orientation(picture: Image.Image) -> object:
    """What EXIF says about it; EXIF that cannot be read says nothing."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except _METADATA_ERRORS:
        return None


def _unit_range(picture: Image.Image) -> Image.Image:
    """A wide gray channel (I;16, I, F) as floats with white at 1; what is no number is black."""
    gray = np.array(picture, dtype=np.float32)
    top = 65535.0
    if not picture.mode.startswith("I;16"):
        top = _white_level(float(gray.max(initial=0.0, where=np.isfinite(gray))))
    gray = np.nan_to_num(gray, nan=0.0, posinf=top, neginf=0.0)
    return Image.fromarray((gray / top).clip(0, 1))


def _white_level(largest: float) -> float:
    """White where the type does not say: the first usual top the values pass by a tenth at most."""
    return next((top for top in (1.0, 255.0, 65535.0) if largest <= 1.1 * top), largest)


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """RGB in sRGB, without alpha. A profile broken or meant for other modes is left out."""
    if picture.mode in ("LA", "RGBA"):
        picture = picture.convert(picture.mode.removesuffix("A"))
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            picture = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, TypeError):
            pass
    return picture.convert("RGB")
