"""A corpus of damaged, lying and disguised picture files, made by a script."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.images.test_decode import gradient
from tests.images.test_heic import heic
from tests.images.test_reading import SMALL_FILES, corrupt
from tests.picture_files import chunk, encode, large_float_tiff, png

_CORRUPTED_OF_EACH = 120


def bad_pictures() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file; the same each time."""
    yield from _damaged()
    yield from _lying()
    yield from _disguised()


def _damaged() -> Iterator[tuple[str, bytes]]:
    """Every format cut off at each tenth, and with changed bytes."""
    generator = random.Random(7)
    for kind, data in (SMALL_FILES | {"HEIC": heic(gradient(40, 60))}).items():
        for tenth in range(10):
            yield f"{kind}, {tenth} tenths", data[: len(data) * tenth // 10]
        for number in range(_CORRUPTED_OF_EACH):
            yield f"{kind}, corrupted {number}", corrupt(data, generator)


def _lying() -> Iterator[tuple[str, bytes]]:
    """Headers that promise what the file does not hold, and pictures of extreme forms."""
    for width, height in ((60_000, 60_000), (2**31 - 1, 1), (1, 2**31 - 1), (99_999, 1001)):
        yield f"PNG header of {width}×{height}", png(width, height, 8, 2, b"\0")
    yield "PNG of 9990×9990, gray", encode(Image.new("L", (9990, 9990)), "PNG")
    yield "JPEG of 9990×9990", encode(Image.new("RGB", (9990, 9990)), "JPEG")
    yield "PNG of 1×30000", encode(Image.new("RGB", (1, 30_000)), "PNG")
    yield "PNG of 30000×1", encode(Image.new("RGB", (30_000, 1)), "PNG")
    yield "PNG of 1×1", encode(Image.new("RGB", (1, 1)), "PNG")
    frames = [Image.new("P", (16, 16), number % 256) for number in range(3000)]
    yield "GIF of 3000 frames", encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = gradient(40, 60)
    yield "JPEG with a huge profile", encode(picture, "JPEG", icc_profile=bytes(4_000_000))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))
    yield "PNG with a text that inflates", png(4, 4, 8, 0, 4 * bytes(5), text)
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000)))
    yield "PNG with a profile that inflates", png(4, 4, 8, 0, 4 * bytes(5), profile)
    yield "PNG whose pixels inflate", png(4, 4, 8, 0, bytes(200_000_000))
    tiff = bytearray(encode(picture, "TIFF"))
    tiff[4:8] = struct.pack("<I", 8)
    yield "TIFF whose directory is elsewhere", bytes(tiff)
    yield "TIFF of 33 megapixels in floats", large_float_tiff(5770)


def _disguised() -> Iterator[tuple[str, bytes]]:
    """Other files under the name of a picture."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.png", bytes(100_000_000))
    yield from {
        "ZIP": archive.getvalue(),
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n",
        "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
        "pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        "PPM": b"P6 4 4 255 " + bytes(48),
        "nothing": b"",
    }.items()
