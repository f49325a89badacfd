"""Reads picture files to tensors and writes them, within limits on their size."""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pi_heif
import png
import torch
from PIL import Image, PngImagePlugin
from torch.nn.functional import interpolate

from neural_style.errors import ImageError
from neural_style.files import check_place, not_written, reason_of, write_atomically
from neural_style.images import float_tiff
from neural_style.images.decode import DECODER_ERRORS, decode, srgb_profile, upright_shape
from neural_style.messages import Message
from neural_style.tensors import ImageTensor, Mask

MAX_PIXELS = 100_000_000
"""Pictures with more pixels are refused by their header, before they are decoded."""

MAX_BYTES = 1_000_000_000
"""Larger files are refused before they are read."""

_LARGE_PIXELS = 8_000_000
_LARGE_BYTES = 4_000_000
_ONE_LARGE_PICTURE = threading.RLock()
"""Held while a picture with more pixels or bytes is read, so that many threads, as of a server,
need no more memory than one."""

LONGEST = 4096
"""Pixels on the longer side of the largest result; the shell and the page read no more."""

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "HEIF", "TIFF", float_tiff.FORMAT, "BMP", "GIF")
"""Decoders that Pillow may run on untrusted files; JPEG's reads MPO, too."""

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif"),
    *(".tif", ".tiff", ".bmp", ".gif"),
)
"""Endings by which pictures are found in a folder; a file that is named may have any."""

# Of the photographs of phones; the embedded smaller pictures and depth maps are not read.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_ENCODERS = {
    ".png": {"format": "PNG", "compress_level": 4},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "quality": 95},
}


def load_image(path: str | os.PathLike[str], longest: int | None = None) -> ImageTensor:
    """Reads the first frame of a picture file, upright, in sRGB, composited over white.

    Args:
        path: A PNG, JPEG, WebP, AVIF, HEIC, TIFF, BMP or GIF file.
        longest: Shrink to at most this many pixels on the longer side while reading, which
            saves memory on large photographs. Never enlarges.

    Raises:
        ImageError: The file is missing, empty, truncated, not a picture, or too large.
    """
    return load_with_alpha(path, longest)[0]


def read_shape(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of the upright picture in a file; its pixels are not decoded.

    Raises:
        ImageError: The file is missing, empty, not a picture, or too large.
    """
    with _opened(path) as picture:
        return upright_shape(picture)


def read_format(path: str | os.PathLike[str]) -> str:
    """The format of the picture in a file, one of `FORMATS` or "MPO"; not from its name.

    Raises:
        ImageError: The file is missing, empty, not a picture, or too large.
    """
    with _opened(path) as picture:
        return str(picture.format)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """The picture in a file, whose pixels are not decoded."""
    path = Path(path)
    name = path.name or str(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield _open(_read(path, name), name)


def load_with_alpha(
    path: str | os.PathLike[str], longest: int | None = None
) -> tuple[ImageTensor, Mask | None]:
    """`load_image`, and the picture's opacity; None where it is opaque everywhere."""
    path = Path(path)
    name = path.name or str(path)
    with ExitStack() as held, warnings.catch_warnings():
        if check_file(path) > _LARGE_BYTES:
            held.enter_context(_ONE_LARGE_PICTURE)
        data = _read(path, name)
        # Pillow warns about odd metadata, and above a size limit below ours.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = _open(data, name)
        if picture.width * picture.height > _LARGE_PIXELS:
            held.enter_context(_ONE_LARGE_PICTURE)
        kind = {"format": picture.format, "size": f"{picture.width}×{picture.height}"}
        try:
            picture, alpha = decode(picture, longest)
        except MemoryError as error:
            raise ImageError("file.out_of_memory", name=name, **kind) from error
        except DECODER_ERRORS as error:
            raise ImageError("file.damaged", name=name, **kind) from error
        if alpha is not None:
            opaque = torch.from_numpy(np.array(alpha))[None, None].float() / 255
            return _to_tensor(picture), opaque if opaque.min() < 1 else None
        return _to_tensor(picture), None


def save_image(
    image: ImageTensor,
    path: str | os.PathLike[str],
    text: dict[str, str] | None = None,
    *,
    alpha: Mask | None = None,
    bits: int = 8,
) -> Path:
    """Writes a picture in sRGB; the inverse of `load_image`, up to rounding.

    Args:
        image: Values outside [0, 1] are clipped.
        path: The suffix chooses the format: .png (lossless), .jpg, .jpeg or .webp.
        text: Key–value pairs for a PNG's text chunks; other formats drop them.
        alpha: Opacity, of any size; JPEG drops it.
        bits: Bits per channel: 8, or 16 for a PNG.

    Returns:
        The path written. The file is written whole or not at all.

    Raises:
        ImageError: The suffix names no known format, or one that does not hold this picture.
        FileError: The file cannot be written there, or the disk is full.
    """
    path = check_destination(path, bits)
    options = dict(_ENCODERS[path.suffix.lower()])
    image = image.detach().cpu().float()
    if alpha is not None and options["format"] != "JPEG":
        fitted = resize(alpha.cpu().expand(-1, 3, -1, -1), *image.shape[-2:])
        image = torch.cat([image, fitted[:, :1]], dim=1)
    pixels = image[0].clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
    if bits == 16:
        encoded = _encode_wide(np.round(65535 * pixels).astype(">u2"), text or {})
    else:
        encoded = _encode(np.round(255 * pixels).astype(np.uint8), options, text or {}, path.name)
    try:
        with write_atomically(path) as partial:
            partial.write_bytes(encoded)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def _encode(levels: np.ndarray, options: dict, text: dict[str, str], name: str) -> bytes:
    """The bytes of a file with 8 bits per channel, encoded by Pillow."""
    if text and options["format"] == "PNG":
        chunks = PngImagePlugin.PngInfo()
        for key, value in text.items():
            chunks.add_itxt(key, value)
        options["pnginfo"] = chunks
    encoded = io.BytesIO()
    try:
        Image.fromarray(levels).save(encoded, icc_profile=srgb_profile(), **options)
    except (OSError, ValueError) as error:
        height, width = levels.shape[:2]
        size = f"{width}×{height}"
        raise ImageError(
            "file.too_large_for_format", name=name, format=options["format"], size=size
        ) from error
    return encoded.getvalue()


def _encode_wide(levels: np.ndarray, text: dict[str, str]) -> bytes:
    """The bytes of a PNG with 16 bits per channel, by pypng; Pillow cannot write them in color."""
    height, width, channels = levels.shape
    body = io.BytesIO()
    writer = png.Writer(width, height, greyscale=False, alpha=channels == 4, bitdepth=16)
    writer.write_packed(body, (row.tobytes() for row in levels))
    header, *rest = png.Reader(bytes=body.getvalue()).chunks()
    profile = b"sRGB\0\0" + zlib.compress(srgb_profile())
    # Keyword, uncompressed, no language, no translation of the keyword; as Pillow's add_itxt.
    texts = [
        (b"iTXt", key.encode("latin-1") + 5 * b"\0" + value.encode()) for key, value in text.items()
    ]
    encoded = io.BytesIO()
    png.write_chunks(encoded, [header, (b"iCCP", profile), *texts, *rest])
    return encoded.getvalue()


def check_destination(path: str | os.PathLike[str], bits: int = 8) -> Path:
    """The path, if a picture can be written there. Call it before the run, not after.

    Raises:
        ImageError: The suffix is unknown or its format has fewer bits per channel.
        FileError: The folder does not exist or is not writable; or the name is a folder's or not
            valid.
    """
    path = check_ending(path, bits)
    check_place(path)
    return path


def check_ending(path: str | os.PathLike[str], bits: int = 8) -> Path:
    """The path, if its suffix names a format that is written with that many bits per channel.

    Raises:
        ImageError: It does not.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENCODERS:
        raise ImageError(
            "file.unknown_ending", name=path.name, ending=ending_of(path), choices=(*_ENCODERS,)
        )
    if bits not in (8, 16) or (bits == 16 and path.suffix.lower() != ".png"):
        raise ImageError("file.bits", name=path.name, bits=bits)
    return path


def ending_of(path: Path) -> str | Message:
    """The suffix of the file's name, for a message."""
    return path.suffix or Message("file.no_ending")


def resize(image: ImageTensor, height: int, width: int) -> ImageTensor:
    """The picture at another size: bicubic, antialiased when it shrinks, clipped to [0, 1].

    It interpolates sRGB values, not linear light, as the networks' training data was resized.
    Shrunk to a half and a quarter both ways, the examples differ only in fine contrasts: in linear
    light foliage, cobbles and roofs get lighter, by at most 5 levels of 255 on the average of a
    whole painting, and thin dark outlines paler. One pair stylized both ways looked equally good.
    """
    if image.shape[-2:] == (height, width):
        return image
    resized = interpolate(image, (height, width), mode="bicubic", antialias=True)
    return resized.clamp(0, 1)


def check_file(path: Path) -> int:
    """Checks that the path is a file of at most `MAX_BYTES`, and returns its size in bytes.

    Raises:
        ImageError: It is not.
    """
    name = path.name or str(path)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise ImageError("file.unreadable", name=name, reason=reason_of(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("file.not_a_file", name=name)
    if status.st_size > MAX_BYTES:
        size = status.st_size
        raise ImageError("file.too_many_bytes", name=name, bytes=size, limits=_limits())
    return status.st_size


def _read(path: Path, name: str) -> bytes:
    check_file(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ImageError("file.unreadable", name=name, reason=reason_of(error)) from error
    if not data:
        raise ImageError("file.empty", name=name)
    return data


def _open(data: bytes, name: str) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError("file.too_many_pixels", name=name, limits=_limits()) from error
    except float_tiff.UnsupportedFloatsError as error:
        raise ImageError("file.floats", name=name) from error
    except DECODER_ERRORS as error:
        raise ImageError("file.not_a_picture", name=name) from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        size = f"{width}×{height}"
        raise ImageError("file.too_large", name=name, size=size, limits=_limits())
    return picture


def _limits() -> Message:
    megapixels, megabytes = MAX_PIXELS // 1_000_000, MAX_BYTES // 1_000_000
    return Message("file.limits", megapixels=megapixels, megabytes=megabytes)


def _to_tensor(picture: Image.Image) -> ImageTensor:
    pixels = torch.from_numpy(np.array(picture))
    if picture.mode == "F":
        return pixels.clamp(0, 1).expand(1, 3, -1, -1).contiguous()
    return pixels.permute(2, 0, 1)[None].float(memory_format=torch.contiguous_format).div_(255)
