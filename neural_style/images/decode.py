"""Decodes an opened picture to upright sRGB: orientation, color profile, mode, transparency."""

from __future__ import annotations

import functools
import io
import math
import struct

import numpy as np
from PIL import ExifTags, Image, ImageCms

from neural_style.images.sizes import fit

_WHITE = (255, 255, 255)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF Orientation → the transposition that makes the picture upright."""

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations whose transposition exchanges width and height."""

_PLAIN = {
    "1": "L",
    "P": "RGBA",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "YCbCr": "RGB",
}
"""Modes that can be neither resized nor color-managed → the mode to convert them to first."""

_WITH_ALPHA = {"1": "LA", "L": "LA", "RGB": "RGBA"}
"""Mode of a picture with a transparent color → the mode to convert it to."""

_DRAFT_PIXELS = 30_000_000
"""A JPEG that is shrunk is decoded at twice the size, unless that is larger than this."""

_METADATA_ERRORS = (OSError, SyntaxError, ValueError, struct.error)
DECODER_ERRORS = (*_METADATA_ERRORS, RuntimeError, EOFError, Image.DecompressionBombError)
"""Exceptions of Pillow's decoders for damaged files."""


def decode(picture: Image.Image, longest: int | None) -> tuple[Image.Image, Image.Image | None]:
    """Decodes a picture to upright sRGB over white, and its alpha channel if it has one.

    The picture has mode RGB, or F if it was gray with more than 8 bits; alpha has mode L.

    Args:
        picture: From `PIL.Image.open`.
        longest: Shrink to at most this many pixels on the longer side; None for its own size.

    Raises:
        One of `DECODER_ERRORS`, or MemoryError: The file cannot be decoded to the end.
    """
    height, width = picture.height, picture.width
    if longest is not None and max(height, width) > longest:
        height, width = fit(height, width, longest)
        margin = 2 if 4 * width * height <= _DRAFT_PIXELS else 1
        picture.draft(None, (margin * width, margin * height))
    picture.load()
    if _has_swapped_bytes(picture):
        picture = Image.fromarray(np.asarray(picture).byteswap())
    turn = TURNS.get(_orientation(picture))
    for name in ("icc_profile", "transparency"):
        if isinstance(picture.info.get(name), str):  # a PNG's text of that name
            del picture.info[name]
    profile = picture.info.get("icc_profile")
    picture = _in_size(picture, width, height)
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    if picture.mode != "F":
        picture = _to_srgb(picture, profile)
    if alpha is not None:
        picture = Image.composite(picture, Image.new("RGB", picture.size, _WHITE), alpha)
    if turn is not None:
        picture, alpha = picture.transpose(turn), alpha and alpha.transpose(turn)
    return picture, alpha


def upright_shape(picture: Image.Image) -> tuple[int, int]:
    """Height and width of the picture after it is turned upright; it is not decoded."""
    # Pillow exchanges those of a TIFF at opening, and decodes a PNG to look for EXIF at its end.
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return picture.height, picture.width
    turned = _orientation(picture) in SIDEWAYS
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def _has_swapped_bytes(picture: Image.Image) -> bool:
    """Whether Pillow has exchanged the bytes of 32-bit gray levels that the decompressor has put
    into this machine's order: it does so in TIFF files that begin with the highest byte.
    """
    if picture.format != "TIFF" or picture.mode not in ("F", "I"):
        return False
    tags = picture.tag_v2
    is_wide = tags.get(ExifTags.Base.BitsPerSample) == (32,)
    return is_wide and tags.prefix == b"MM" and picture.info.get("compression") != "raw"


def _in_size(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in a mode that can be color-managed, shrunk to that size if it is larger.

    It is shrunk bicubically, as `resize` does, and in bands of rows: a whole copy in another mode,
    or shrunk in width only, can take several times as much memory as the decoded picture.
    """
    top_level = _top_level(picture)
    if picture.size == (width, height):
        return _convert(picture, top_level)
    scale = picture.height / height
    reach = _REACH * max(1.0, scale) + 1
    rows = max(1, int(_BAND_PIXELS / picture.width / scale))
    shrunk = None
    for first in range(0, height, rows):
        last = min(first + rows, height)
        above = max(0, math.floor(first * scale - reach))
        below = min(picture.height, math.ceil(last * scale + reach))
        band = _convert(picture.crop((0, above, picture.width, below)), top_level)
        box = (0, first * scale - above, picture.width, min(last * scale, below) - above)
        band = band.resize((width, last - first), Image.Resampling.BICUBIC, box)
        shrunk = shrunk or Image.new(band.mode, (width, height))
        shrunk.paste(band, (0, first))
    return shrunk


_REACH = 2
"""Pixels of the smaller picture on each side that a pixel depends on."""

_BAND_PIXELS = 4_000_000


def _top_level(picture: Image.Image) -> float:
    """White in a gray picture with more than 8 bits (I;16, I, F); 0 for other modes."""
    if not picture.mode.startswith(("I", "F")):
        return 0.0
    if picture.mode.startswith("I;16"):
        return 65535.0
    gray = np.asarray(picture)
    return _white_level(float(gray.max(initial=0.0, where=np.isfinite(gray))))


def _convert(picture: Image.Image, top_level: float) -> Image.Image:
    """The picture in a mode that can be resized and color-managed."""
    if top_level:
        gray = np.nan_to_num(
            np.array(picture, dtype=np.float32), nan=0.0, posinf=top_level, neginf=0.0
        )
        return Image.fromarray((gray / top_level).clip(0, 1))
    if "transparency" in picture.info and picture.mode in _WITH_ALPHA:
        return picture.convert(_WITH_ALPHA[picture.mode])
    return picture.convert(_PLAIN[picture.mode]) if picture.mode in _PLAIN else picture


def _orientation(picture: Image.Image) -> object:
    """The EXIF orientation; None where there is none or EXIF is damaged."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except _METADATA_ERRORS:
        return None


def _white_level(largest: float) -> float:
    """White where the mode does not define it: the first usual level exceeded by at most 10 %."""
    return next((top for top in (1.0, 255.0, 65535.0) if largest <= 1.1 * top), largest)


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """The picture in sRGB without alpha. A damaged profile or one for another mode is ignored."""
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


@functools.cache
def srgb_profile() -> bytes:
    """The sRGB profile of saved pictures, with a fixed date: equal pixels give equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]
