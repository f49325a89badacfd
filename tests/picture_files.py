"""Picture files made by hand, and helpers to inspect what is read from them."""

from __future__ import annotations

import io
import struct
import zlib

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
