"""Reading and writing files: what is refused, with which message, and what is written."""

from __future__ import annotations

import io
import os
import random
import struct
import time
from pathlib import Path

import numpy as np
import png as pypng
import pytest
import torch
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from neural_style import FileError, ImageError, load_image, save_image
from neural_style.images import files
from neural_style.images.files import MAX_BYTES, check_destination, load_with_alpha, resize
from tests.conftest import picture
from tests.picture_files import (
    BLACK,
    ORIENTATION,
    SRGB,
    encode,
    levels,
    oriented,
    pixels,
    png,
)

# Refusals

FILES = {
    "nothing": (b"", r"picture.png is empty \(0 bytes\). Save or upload it again"),
    "text": (b"hello", "not a picture that can be read here. Use PNG, JPEG"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "not a picture"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture"),
    "PPM": (b"P6 1 1 255 abc", "not a picture"),
    "PNG of no width": (png(0, 1, 8, 0, b""), "not a picture"),
    "GIF of no size": (b"GIF89a" + bytes(7) + b"\x3b", "not a picture"),
    "PNG without its data": (png(4, 4, 8, 0, b"\0"), "damaged or cut short: it is a PNG"),
    "first bytes of a PNG": (b"\x89PNG\r\n\x1a\n", "not a picture"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_picture_is_refused_in_words(read, case):
    data, message = FILES[case]
    with pytest.raises(ImageError, match=message):
        read(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_file_cut_short_is_refused(read, kind, part):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match=r"damaged or cut short|not a picture that can be read"):
        read(data[: int(part * len(data))])


def test_a_path_that_is_no_file_is_refused(tmp_path):
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


def test_a_file_that_may_not_be_read_is_refused(read, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"Cannot read picture.png: Permission denied. Check"):
        read(pixels("L", 0))


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("the file was read"))
    with pytest.raises(ImageError, match=r"huge.tif has 1,000,000,001 bytes. At most"):
        load_image(path)


@pytest.mark.parametrize("side", [13_000, 30_000])
def test_a_bomb_is_refused_from_its_header(read, monkeypatch, side):
    bomb = png(side, side, 1, 0, bytes(13_000 * (13_000 // 8 + 1)))
    assert len(bomb) < 30_000
    monkeypatch.setattr(
        PngImagePlugin.PngImageFile, "load", lambda picture: pytest.fail("it was decoded")
    )
    start = time.perf_counter()
    message = "13000×13000" if side == 13_000 else "far too many pixels"
    with pytest.raises(ImageError, match=f"{message}. At most 100 megapixels"):
        read(bomb)
    assert time.perf_counter() - start < 1


def test_the_limit_itself_is_allowed_and_one_pixel_more_is_not(read, monkeypatch):
    assert files.MAX_PIXELS == 100_000_000
    monkeypatch.setattr(files, "MAX_PIXELS", 12)
    assert read(Image.new("RGB", (4, 3))).shape == (1, 3, 3, 4)
    with pytest.raises(ImageError, match=r"is 13×1. At most"):
        read(Image.new("RGB", (13, 1)))
    with pytest.raises(ImageError, match=r"is 1×13. At most"):
        read(Image.new("RGB", (1, 13)), longest=4)


def test_a_picture_of_one_pixel_is_read(read):
    assert levels(read(pixels("RGB", (1, 2, 3)), longest=1)) == [[(1, 2, 3)]]


def test_a_picture_larger_than_memory_is_refused(read, monkeypatch):
    def starve(picture, longest):
        raise MemoryError

    monkeypatch.setattr(files, "decode", starve)
    with pytest.raises(
        ImageError, match=r"does not fit into memory: it is a PNG file of 1×1. Make"
    ):
        read(pixels("L", 0))


def small_files() -> dict[str, bytes]:
    """A valid file of every format and of the odd modes."""
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
        "BMP": encode(picture, "BMP"),
        "GIF": encode(picture, "GIF", transparency=3, **two),
    }


SMALL_FILES = small_files()


def damage(data: bytes, generator: random.Random) -> bytes:
    """The bytes cut off somewhere, or with some of them changed, mostly near the start."""
    damaged = bytearray(data)
    if generator.random() < 0.25:
        return bytes(damaged[: generator.randrange(1, len(damaged))])
    end = generator.choice((100, 300, len(damaged)))
    for _ in range(generator.choice((1, 2, 4, 16))):
        place = generator.randrange(min(end, len(damaged)))
        damaged[place] = generator.choice((0, 255, generator.randrange(256)))
    return bytes(damaged)


@pytest.mark.parametrize("kind", SMALL_FILES)
def test_a_damaged_file_gives_a_picture_or_an_image_error(read, monkeypatch, kind):
    monkeypatch.setattr(files, "MAX_PIXELS", 10_000)
    generator = random.Random(kind)
    outcomes = set()
    for _ in range(150):
        try:
            image = read(damage(SMALL_FILES[kind], generator), longest=generator.choice((None, 5)))
        except ImageError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        assert image.dtype == torch.float32
        assert image.shape[:2] == (1, 3)
        assert image.numel() > 0
        assert ((image >= 0) & (image <= 1)).all()
    assert outcomes == {"read", "refused"}


# Writing


def test_eight_bits_survive_a_round_trip(tmp_path):
    rows = torch.arange(256).view(16, 16) / 255
    image = torch.stack((rows, rows.T, 1 - rows))[None]
    again = load_image(save_image(image, tmp_path / "a.png"))
    assert torch.equal((255 * again).round(), (255 * image).round())
    third = load_image(save_image(again, tmp_path / "b.png"))
    assert torch.equal(third, again)


@pytest.mark.parametrize("ending", [".jpg", ".JPEG", ".webp", ".PNG"])
def test_every_ending_writes_its_format_in_srgb(tmp_path, ending):
    image = torch.tensor([0.8, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 16, 24)
    path = save_image(image, tmp_path / f"a{ending}")
    with Image.open(path) as picture:
        assert picture.format == {".webp": "WEBP", ".PNG": "PNG"}.get(ending, "JPEG")
        assert picture.size == (24, 16)
        written = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(written)
    torch.testing.assert_close(load_image(path), image, atol=0.02, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_values_are_clipped_and_rounded(tmp_path, dtype):
    image = torch.tensor([-3.0, 0.0, 0.498, 0.5, 1.0, 7.0], dtype=dtype).view(1, 1, 1, 6)
    again = load_image(save_image(image.expand(1, 3, 1, 6), tmp_path / "a.png"))
    middle = (image[0, 0, 0, 2:4].float() * 255).round().int().tolist()
    assert (again[0, 0, 0] * 255).round().int().tolist() == [0, 0, *middle, 255, 255]


def test_a_picture_under_a_gradient_can_be_saved(tmp_path):
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)
    assert save_image(image, str(tmp_path / "a.png")) == tmp_path / "a.png"


def test_the_same_picture_gives_the_same_bytes_on_any_day(tmp_path):
    path = save_image(torch.zeros(1, 3, 2, 2), tmp_path / "a.png")
    with Image.open(path) as picture:
        date = picture.info["icc_profile"][24:36]
    assert struct.unpack(">6H", date) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_neither_exif_nor_the_place_of_the_input_is_written(read, tmp_path, ending):
    picture, exif = oriented(6)
    exif[0x010E] = "at home"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = b"in the garden"
    path = save_image(read(picture, f"in{ending}", exif=exif), tmp_path / f"out{ending}")
    for words in (b"at home", b"in the garden"):
        assert words in (tmp_path / f"in{ending}").read_bytes()
        assert words not in path.read_bytes()
    with Image.open(path) as written:
        assert dict(written.getexif()) == {}
        assert written.size == (32, 48)


@pytest.mark.parametrize("ending", [".png", ".webp"])
@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_comes_back(read, tmp_path, ending, bits):
    if (ending, bits) == (".webp", 16):
        return
    seen = Image.new("RGBA", (40, 30), (200, 40, 90, 255))
    seen.paste((200, 40, 90, 0), (0, 0, 20, 30))
    file = tmp_path / "seen.png"
    seen.save(file)
    image, alpha = load_with_alpha(file)
    assert alpha.shape == (1, 1, 30, 40)
    assert (alpha[..., :20] == 0).all()
    assert (alpha[..., 20:] == 1).all()
    assert (image[..., :20] == 1).all()  # over white
    path = save_image(picture(60, 80), tmp_path / f"out{ending}", alpha=alpha, bits=bits)
    again = load_with_alpha(path)[1]
    assert again.shape == (1, 1, 60, 80)
    assert (again[..., :36] == 0).all()
    assert (again[..., 44:] == 1).all()


def test_a_jpeg_drops_transparency(tmp_path):
    image, alpha = picture(16, 24), torch.zeros(1, 1, 16, 24)
    plain = save_image(image, tmp_path / "plain.jpg").read_bytes()
    assert save_image(image, tmp_path / "seen.jpg", alpha=alpha).read_bytes() == plain


def test_a_picture_without_transparency_has_no_alpha(tmp_path):
    for mode, color in (("RGB", "red"), ("RGBA", (1, 2, 3, 255)), ("L", 9), ("LA", (9, 255))):
        path = tmp_path / f"{mode}.png"
        Image.new(mode, (20, 20), color).save(path)
        assert load_with_alpha(path)[1] is None


def test_alpha_is_turned_and_shrunk_with_its_picture(tmp_path):
    seen = Image.new("RGBA", (80, 40), (200, 40, 90, 255))
    seen.paste((0, 0, 0, 0), (0, 0, 40, 40))
    exif = Image.Exif()
    exif[274] = 6  # to be turned to the right
    seen.save(tmp_path / "seen.png", exif=exif)
    image, alpha = load_with_alpha(tmp_path / "seen.png", longest=40)
    assert image.shape == (1, 3, 40, 20)
    assert alpha[..., :17, :].max() < 0.02
    assert alpha[..., 23:, :].min() > 0.98


def test_sixteen_bits_survive_a_round_trip(tmp_path):
    image = picture(20, 30)
    path = save_image(image, tmp_path / "wide.png", {"Title": "größer"}, bits=16)
    width, height, rows, about = pypng.Reader(bytes=path.read_bytes()).asDirect()
    levels = np.array([*map(list, rows)]).reshape(height, width, 3)
    assert (about["bitdepth"], height, width) == (16, 20, 30)
    expected = image[0].permute(1, 2, 0).double().numpy()
    assert np.abs(levels / 65535 - expected).max() < 1 / 65535
    assert len(np.unique(levels)) > 300
    # Read again, colors come in the 8 bits of the decoder.
    assert (load_image(path) - image).abs().max() <= 1 / 255
    with Image.open(path) as opened:
        assert opened.text == {"Title": "größer"}
        assert "sRGB" in ImageCms.getProfileDescription(
            ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        )


@pytest.mark.parametrize(("name", "bits"), [("o.jpg", 16), ("o.webp", 16), ("o.png", 12)])
def test_bits_that_a_format_lacks_are_refused(tmp_path, name, bits):
    with pytest.raises(ImageError, match=rf"{name} with {bits} bits a channel\. All formats have"):
        check_destination(tmp_path / name, bits)


def test_text_is_kept_in_a_png_and_nowhere_else(tmp_path):
    text = {"recipe": '{"style": "Café — ☕"}', "more": "x" * 5000}
    image = torch.zeros(1, 3, 2, 2)
    with Image.open(save_image(image, tmp_path / "a.png", text)) as picture:
        assert picture.text == text
    for ending in (".jpg", ".webp"):
        data = save_image(image, tmp_path / f"a{ending}", text).read_bytes()
        assert data == save_image(image, tmp_path / f"b{ending}").read_bytes()


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"the old one")

    def fill(target, data):
        with target.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(FileError, match=r"a.png: No space left on device. Choose another"):
            save_image(torch.zeros(1, 3, 2, 2), path)
    assert os.listdir(tmp_path) == ["a.png"]
    assert path.read_bytes() == b"the old one"
    save_image(torch.zeros(1, 3, 2, 2), path)
    assert os.listdir(tmp_path) == ["a.png"]
    assert levels(load_image(path)) == [[BLACK] * 2] * 2


def test_being_stopped_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def stop(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        save_image(torch.zeros(1, 3, 2, 2), tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "limit"), [("a.jpg", 65_535), ("a.webp", 16_383)])
def test_a_picture_too_long_for_its_format_is_refused(tmp_path, name, limit):
    with pytest.raises(ImageError, match=f"cannot hold a picture of {limit + 1}×1. Use .png"):
        save_image(torch.zeros(1, 3, 1, limit + 1), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.JPEG", "n" * 251 + ".png"])
def test_a_good_destination_is_given_back_untouched(tmp_path, name):
    assert check_destination(str(tmp_path / name)) == tmp_path / name
    assert os.listdir(tmp_path) == []
    save_image(torch.zeros(1, 3, 1, 1), tmp_path / name)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "a.gif",
            ImageError,
            r"Cannot write a.gif: the ending .gif names no format known here. Use .* .webp",
        ),
        ("a", ImageError, r"the ending \(none\) names no format"),
        (".png", ImageError, r"the ending \(none\) names no format"),
        ("none/a.png", FileError, r"Cannot write into .*none. Make that folder first"),
        ("folder.png", FileError, r"folder.png: it is a folder. Choose another name"),
        ("file.png/a.png", FileError, r"Cannot write into .*file.png"),
        ("n" * 300 + ".png", FileError, r"File name too long. Choose another name"),
        ("n" * 300 + "/a.png", FileError, r"Cannot write into"),
        ("a\0.png", FileError, r"null byte. Choose another name"),
    ],
)
def test_a_bad_destination_is_refused_before_the_work(tmp_path, name, error, message):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.png").touch()
    with pytest.raises(error, match=message):
        check_destination(tmp_path / name)
    with pytest.raises(error, match=message):
        save_image(torch.zeros(1, 3, 1, 1), tmp_path / name)


# Sizes


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (40, 3), (128, 64)])
def test_a_picture_of_one_color_keeps_it_at_any_size(size):
    color = torch.tensor([0.0, 0.3, 1.0]).view(1, 3, 1, 1)
    resized = resize(color.expand(1, 3, 17, 23), *size)
    torch.testing.assert_close(resized, color.expand(1, 3, *size))


def test_resizing_to_its_own_size_changes_nothing(content):
    assert torch.equal(resize(content, *content.shape[-2:]), content)


@pytest.mark.parametrize("size", [(7, 7), (31, 50), (4, 90)])
def test_resizing_never_leaves_the_range(size):
    checkerboard = (torch.arange(16.0).view(-1, 1) + torch.arange(16)).fmod(2).expand(1, 3, 16, 16)
    resized = resize(checkerboard, *size)
    assert resized.shape == (1, 3, *size)
    assert resized.min() >= 0
    assert resized.max() <= 1


def test_shrinking_averages_instead_of_skipping():
    stripes = (torch.arange(64).fmod(4) == 0).float().expand(1, 3, 64, 64)
    expected = torch.full((1, 3, 8, 4), 0.25)
    torch.testing.assert_close(resize(stripes, 8, 8)[..., 2:-2], expected, atol=0.03, rtol=0)
