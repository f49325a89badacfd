"""Picture files made by hand, and helpers to inspect what is read from them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageCms

ORIENTATION = 0x0112
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RED, GREEN, BLUE, CYAN = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def pixels(mode: str, *values) -> Image.Image:
    """One row of pixels."""
    picture = Image.new(mode, (len(values), 1))
    for column, value in enumerate(values):
        picture.putpixel((column, 0), value)
    return picture


def palette(*colors: tuple[int, int, int]) -> Image.Image:
    """One row with every color of the palette once."""
    picture = Image.new("P", (len(colors), 1))
    picture.putpalette([level for color in colors for level in color])
    picture.putdata(range(len(colors)))
    return picture


def gray(values: list, dtype: str) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=dtype))


def encode(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, color: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG made chunk by chunk, for features that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows, 9))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def profile(kind: bytes, space: bytes, connection: bytes, **tags: bytes) -> bytes:
    """An ICC profile of the given class, color space and connection space."""
    head = struct.pack(">4s4sI4s4s4s12x4s", b"", b"", 0x02400000, kind, space, connection, b"acsp")
    head += bytes(28) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        start = len(head) + 4 + 12 * len(tags) + len(data)
        table += struct.pack(">4sII", name.encode(), start, len(value))
        data += value + bytes(-len(value) % 4)
    whole = head + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


D50 = b"XYZ " + bytes(4) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
IDENTITY = bytes(range(256))
LINEAR_GRAY = profile(b"mntr", b"GRAY", b"XYZ ", wtpt=D50, kTRC=b"curv" + bytes(8))
RED_MEANS_GREEN = SRGB.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
EVERY_INK_IS_WHITE = profile(
    b"prtr",
    b"CMYK",
    b"Lab ",
    wtpt=D50,
    A2B0=b"mft1"
    + bytes(4)
    + bytes((4, 3, 2, 0))
    + struct.pack(">9i", *(0x10000 * (i % 4 == 0) for i in range(9)))
    + IDENTITY * 4
    + bytes((255, 128, 128)) * 16
    + IDENTITY * 3,
)


def levels(image: torch.Tensor) -> list[list[tuple[int, ...]]]:
    """Rows of pixels of 8-bit levels."""
    rows = image[0].permute(1, 2, 0).mul(255).round().int().tolist()
    return [[tuple(pixel) for pixel in row] for row in rows]


def oriented(orientation: object) -> tuple[Image.Image, Image.Exif]:
    """Six gray squares as stored in the file, with an EXIF orientation."""
    squares = np.array([[0, 40, 80], [120, 160, 200]], dtype=np.uint8)
    picture = Image.fromarray(squares.repeat(16, 0).repeat(16, 1)).convert("RGB")
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return picture, exif


class TiffKind(NamedTuple):
    """How numbers are stored in a TIFF file.

    Attributes:
        dtype: Of numpy, without the order of bytes.
        compression: 1 for none, 5 for LZW, 8 for Deflate.
        predictor: 1 for none, 2 for differences, 3 for differences of bytes.
        tiled: In tiles of 16×16, instead of strips of 2 rows.
    """

    dtype: str = "f4"
    order: str = "<"
    compression: int = 1
    predictor: int = 1
    tiled: bool = False


USUAL_FLOATS = TiffKind()


def tiff(
    values: np.ndarray, kind: TiffKind = USUAL_FLOATS, more: dict[int, int | bytes] | None = None
) -> bytes:
    """A TIFF made tag by tag, for features that Pillow does not write.

    Args:
        values: Of shape (height, width, samples).
        more: Tags to add or to change.
    """
    height, width, samples = values.shape
    if kind.tiled:
        values = np.pad(values, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
    values = values.astype(kind.order + kind.dtype)
    side, rows = (16, 16) if kind.tiled else (width, 2)
    parts = [
        _packed(values[top : top + rows, left : left + side], kind)
        for top in range(0, len(values), rows)
        for left in range(0, values.shape[1], side)
    ]
    starts = [8 + sum(map(len, parts[:number])) for number in range(len(parts))]
    places = {322: 16, 323: 16, 324: starts, 325: [*map(len, parts)]}
    if not kind.tiled:
        places = {273: starts, 278: rows, 279: [*map(len, parts)]}
    format_ = {"f": 3, "i": 2}[kind.dtype[0]]
    tags = {256: width, 257: height, 258: samples * [8 * values.itemsize], 277: samples}
    tags |= {259: kind.compression, 262: 2 if samples > 2 else 1, 317: kind.predictor}
    tags |= places | {339: samples * [format_]} | (more or {})
    header = b"II*\0" if kind.order == "<" else b"MM\0*"
    first = 8 + sum(map(len, parts))
    whole = header + struct.pack(f"{kind.order}I", first) + b"".join(parts)
    return whole + _tiff_tags(tags, first, kind.order)


def large_float_tiff(side: int) -> bytes:
    """A square picture of floating-point colors, black; all its strips are the same."""
    strips, size = side // 2, len(zlib.compress(bytes(2 * side * 12)))
    more = {257: side, 273: strips * [8], 279: strips * [size]}
    kind = TiffKind(compression=8, predictor=3)
    return tiff(np.zeros((2, side, 3)), kind, more)


def _tiff_tags(tags: dict, place: int, order: str) -> bytes:
    """The tags as they stand in a file at that place, and the values that need more room."""
    entries, more = struct.pack(f"{order}H", len(tags)), b""
    place += 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        numbers = value if isinstance(value, list) else [value]
        stored = (
            value if isinstance(value, bytes) else struct.pack(f"{order}{len(numbers)}I", *numbers)
        )
        kind, count = (7, len(stored)) if isinstance(value, bytes) else (4, len(numbers))
        where = stored.ljust(4, b"\0")
        if len(stored) > 4:
            where = struct.pack(f"{order}I", place + len(more))
            more += stored
        entries += struct.pack(f"{order}HHI", tag, kind, count) + where
    return entries + bytes(4) + more


def _packed(part: np.ndarray, kind: TiffKind) -> bytes:
    """A strip or a tile with predictor and compression."""
    rows, _, samples = part.shape
    if kind.predictor == 2:
        steps = part.view(f"{kind.order}u{part.itemsize}").copy()
        steps[:, 1:] -= part.view(steps.dtype)[:, :-1]
        part = steps
    elif kind.predictor == 3:
        planes = part.astype(f">{kind.dtype}").view(np.uint8).reshape(rows, -1, part.itemsize)
        planes = planes.transpose(0, 2, 1).reshape(rows, -1, samples)
        part = planes.copy()
        part[:, 1:] -= planes[:, :-1]
    data = part.tobytes()
    return {1: lambda: data, 5: lambda: _lzw(data), 8: lambda: zlib.compress(data)}[
        kind.compression
    ]()


def _lzw(data: bytes) -> bytes:
    """LZW of single bytes: the table is cleared before codes grow beyond 9 bits."""
    codes = [
        code for start in range(0, len(data), 200) for code in (256, *data[start : start + 200])
    ]
    bits = "".join(f"{code:09b}" for code in (*codes, 257))
    bits += -len(bits) % 8 * "0"
    return int(bits, 2).to_bytes(len(bits) // 8, "big")
