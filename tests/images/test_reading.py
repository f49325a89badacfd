"""Reading image files: refused and corrupted files, limits on size, and alpha."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from neural_style import ImageError, load_image
from neural_style.images import files
from neural_style.images.files import MAX_BYTES, load_with_alpha, read_shape
from tests.picture_files import (
    ORIENTATION,
    SRGB,
    TiffKind,
    encode,
    large_float_tiff,
    levels,
    pixels,
    png,
    tiff,
)

INVALID_FILES = {
    "empty file": (b"", r"picture.png is empty \(0 bytes\). Save or upload it again"),
    "text": (b"hello", "not a picture that can be read here. Use PNG, JPEG"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "not a picture"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture"),
    "PPM": (b"P6 1 1 255 abc", "not a picture"),
    "PNG of width 0": (png(0, 1, 8, 0, b""), "not a picture"),
    "GIF of size 0": (b"GIF89a" + bytes(7) + b"\x3b", "not a picture"),
    "PNG with truncated data": (png(4, 4, 8, 0, b"\0"), "damaged or cut short: it is a PNG"),
    "PNG signature alone": (b"\x89PNG\r\n\x1a\n", "not a picture"),
}


@pytest.mark.parametrize("case", INVALID_FILES)
def test_load_image_refuses_files_that_are_not_images(read, case):
    data, message = INVALID_FILES[case]
    with pytest.raises(ImageError, match=message):
        read(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_load_image_refuses_truncated_files(read, kind, part):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match=r"damaged or cut short|not a picture that can be read"):
        read(data[: int(part * len(data))])


def test_load_image_refuses_paths_that_are_not_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path, message in {
        tmp_path / "none.png": "Cannot read none.png: No such file or directory. Check the path",
        tmp_path: "is a folder or a device, not a file. Name a picture file",
        tmp_path / "pipe.png": "is a folder or a device",
        Path("/dev/zero"): "is a folder or a device",
        Path("/"): "/ is a folder",
        tmp_path / ("n" * 300): "File name too long",
        "a\0b.png": "null",
    }.items():
        with pytest.raises(ImageError, match=message):
            load_image(path)


def test_load_image_reports_permission_denied(read, monkeypatch):
    def raise_permission_error(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", raise_permission_error)
    with pytest.raises(ImageError, match=r"Cannot read picture.png: Permission denied. Check"):
        read(pixels("L", 0))


def test_load_image_refuses_oversized_file_without_reading_it(tmp_path, monkeypatch):
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("the file was read"))
    with pytest.raises(ImageError, match=r"huge.tif has 1,000,000,001 bytes. At most"):
        load_image(path)


@pytest.mark.parametrize("side", [13_000, 30_000])
def test_decompression_bomb_is_refused_from_its_header(read, monkeypatch, side):
    bomb = png(side, side, 1, 0, bytes(13_000 * (13_000 // 8 + 1)))
    assert len(bomb) < 30_000
    monkeypatch.setattr(
        PngImagePlugin.PngImageFile, "load", lambda picture: pytest.fail("it was decoded")
    )
    message = "13000×13000" if side == 13_000 else "far too many pixels"
    with pytest.raises(ImageError, match=f"{message}. At most 100 megapixels"):
        read(bomb)
    with pytest.raises(pytest.fail.Exception, match="it was decoded"):
        read(png(1, 1, 1, 0, bytes(2)))


def test_pixel_limit_is_inclusive(read, monkeypatch):
    assert files.MAX_PIXELS == 100_000_000
    monkeypatch.setattr(files, "MAX_PIXELS", 12)
    assert read(Image.new("RGB", (4, 3))).shape == (1, 3, 3, 4)
    with pytest.raises(ImageError, match=r"is 13×1. At most"):
        read(Image.new("RGB", (13, 1)))
    with pytest.raises(ImageError, match=r"is 1×13. At most"):
        read(Image.new("RGB", (1, 13)), longest=4)


def test_load_image_reads_one_pixel_image(read):
    assert levels(read(pixels("RGB", (1, 2, 3)), longest=1)) == [[(1, 2, 3)]]


def test_memory_error_while_decoding_raises_image_error(read, monkeypatch):
    def raise_memory_error(picture, longest):
        raise MemoryError

    monkeypatch.setattr(files, "decode", raise_memory_error)
    with pytest.raises(
        ImageError, match=r"does not fit into memory: it is a PNG file of 1×1. Make"
    ):
        read(pixels("L", 0))


def small_files() -> dict[str, bytes]:
    """Valid files of all formats, including unusual modes."""
    noise = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    more = {"exif": exif.tobytes(), "icc_profile": SRGB}
    two = {"save_all": True, "append_images": [picture.rotate(180)]}
    wide = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    return {
        "PNG": encode(picture, "PNG", **more),
        "PNG of a palette": encode(picture.quantize(16), "PNG", transparency=b"\0\x80"),
        "PNG of 16 bits": encode(wide, "PNG"),
        "JPEG": encode(picture, "JPEG", **more),
        "JPEG of inks": encode(picture.convert("CMYK"), "JPEG"),
        "MPO": encode(picture, "MPO", **two),
        "WebP": encode(picture, "WEBP", **more),
        "animated WebP": encode(picture, "WEBP", lossless=True, **two),
        "AVIF": encode(picture, "AVIF", **more),
        "TIFF": encode(picture, "TIFF", **more),
        "TIFF in LZW": encode(picture, "TIFF", compression="tiff_lzw"),
        "TIFF in JPEG": encode(picture, "TIFF", compression="jpeg"),
        "TIFF of floats": encode(Image.fromarray(noise[..., 0] / np.float32(255)), "TIFF"),
        "TIFF of float colors": tiff(noise / 255, TiffKind("f4", ">", 8, 3)),
        "BMP": encode(picture, "BMP"),
        "GIF": encode(picture, "GIF", transparency=3, **two),
    }


SMALL_FILES = small_files()


def corrupt(data: bytes, generator: random.Random) -> bytes:
    """Truncates the bytes, or changes some of them, mostly near the start."""
    corrupted = bytearray(data)
    if generator.random() < 0.25:
        return bytes(corrupted[: generator.randrange(1, len(corrupted))])
    end = generator.choice((100, 300, len(corrupted)))
    for _ in range(generator.choice((1, 2, 4, 16))):
        place = generator.randrange(min(end, len(corrupted)))
        corrupted[place] = generator.choice((0, 255, generator.randrange(256)))
    return bytes(corrupted)


@pytest.mark.parametrize("kind", SMALL_FILES)
def test_corrupted_files_load_or_raise_image_error(read, monkeypatch, kind):
    monkeypatch.setattr(files, "MAX_PIXELS", 10_000)
    generator = random.Random(kind)
    outcomes = set()
    for _ in range(150):
        try:
            image = read(corrupt(SMALL_FILES[kind], generator), longest=generator.choice((None, 5)))
        except ImageError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        assert image.dtype == torch.float32
        assert image.shape[:2] == (1, 3)
        assert image.numel() > 0
        assert ((image >= 0) & (image <= 1)).all()
    assert outcomes == {"read", "refused"}


def test_load_with_alpha_returns_none_for_opaque_images(tmp_path):
    for mode, color in (("RGB", "red"), ("RGBA", (1, 2, 3, 255)), ("L", 9), ("LA", (9, 255))):
        path = tmp_path / f"{mode}.png"
        Image.new(mode, (20, 20), color).save(path)
        assert load_with_alpha(path)[1] is None


def test_load_with_alpha_rotates_and_shrinks_alpha_with_image(tmp_path):
    seen = Image.new("RGBA", (80, 40), (200, 40, 90, 255))
    seen.paste((0, 0, 0, 0), (0, 0, 40, 40))
    exif = Image.Exif()
    exif[274] = 6  # rotate by 90° clockwise
    seen.save(tmp_path / "seen.png", exif=exif)
    image, alpha = load_with_alpha(tmp_path / "seen.png", longest=40)
    assert image.shape == (1, 3, 40, 20)
    assert alpha[..., :17, :].max() < 0.02
    assert alpha[..., 23:, :].min() > 0.98


SHAPE_ENDINGS = (".jpg", ".png", ".webp", ".tif", ".avif")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", SHAPE_ENDINGS)
def test_read_shape_is_upright(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"picture{ending}"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert read_shape(path) == ((30, 20) if orientation >= 5 else (20, 30))
    assert read_shape(path) == load_image(path).shape[-2:]


@pytest.mark.parametrize("ending", [*SHAPE_ENDINGS, ".bmp", ".gif"])
def test_read_shape_does_not_decode_pixels(tmp_path, monkeypatch, ending):
    path = tmp_path / f"picture{ending}"
    Image.new("RGB", (30, 20)).save(path)
    with Image.open(path) as picture:
        kind = type(picture)
    monkeypatch.setattr(kind, "load", lambda picture: pytest.fail("it was decoded"))
    assert read_shape(path) == (20, 30)


@pytest.mark.parametrize("orientation", [0, 9])
@pytest.mark.parametrize("ending", SHAPE_ENDINGS)
def test_read_shape_ignores_invalid_orientation(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"picture{ending}"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert read_shape(path) == (20, 30)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0nonsense"])
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_read_shape_ignores_damaged_exif(tmp_path, ending, exif):
    path = tmp_path / f"picture{ending}"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    assert read_shape(path) == (20, 30)


def test_read_shape_refuses_what_is_no_picture(tmp_path, monkeypatch):
    (tmp_path / "note.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (13, 1)).save(tmp_path / "large.png")
    monkeypatch.setattr(files, "MAX_PIXELS", 12)
    for name, message in {
        "note.png": "note.png is not a picture that can be read here",
        "empty.png": r"empty.png is empty \(0 bytes\)",
        "gone.png": "Cannot read gone.png: No such file or directory",
        "large.png": "large.png is 13×1. At most",
        "a\0b.png": "null",
        "": "is a folder or a device",
    }.items():
        with pytest.raises(ImageError, match=message):
            read_shape(tmp_path / name)


LARGE_FILES = {
    "JPEG of 60 megapixels": (lambda: encode(Image.new("RGB", (8944, 6708)), "JPEG"), 400),
    "PNG of 98 megapixels": (lambda: encode(Image.new("RGB", (9900, 9900)), "PNG"), 560),
    "gray PNG of 98 megapixels": (lambda: encode(Image.new("L", (9900, 9900)), "PNG"), 400),
    "PNG of a palette": (lambda: encode(Image.new("P", (9900, 9900)), "PNG"), 400),
    "TIFF of 24 megapixels in floats": (lambda: large_float_tiff(4900), 560),
}
"""What makes the file, and the most megabytes that reading takes."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", LARGE_FILES)
def test_large_picture_is_read_within_a_few_hundred_megabytes(kind, tmp_path):
    make, megabytes = LARGE_FILES[kind]
    path = tmp_path / "large"
    path.write_bytes(make())
    program = """
import resource, sys
from neural_style.images.files import LONGEST, load_image
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
load_image(sys.argv[1], longest=LONGEST)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000)
"""
    command = [sys.executable, "-c", program, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(run.stdout) < megabytes
