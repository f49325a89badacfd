"""Decoding: values, orientation, color profiles and the requested size."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin, TiffTags

from neural_style.images import decode
from tests.picture_files import (
    BLACK,
    BLUE,
    CYAN,
    EVERY_INK_IS_WHITE,
    GREEN,
    LINEAR_GRAY,
    ORIENTATION,
    RED,
    RED_MEANS_GREEN,
    SRGB,
    WHITE,
    encode,
    gray,
    levels,
    oriented,
    palette,
    pixels,
)

# Values


def test_load_image_returns_contiguous_float_nchw_tensor(read):
    image = read(pixels("RGB", (255, 0, 51), (0, 102, 255)))
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    assert image.shape == (1, 3, 1, 2)
    torch.testing.assert_close(image, torch.tensor([[[[1.0, 0]], [[0, 0.4]], [[0.2, 1]]]]))


MODES = {
    "gray": (pixels("L", 0, 77, 255), {}, [BLACK, (77,) * 3, WHITE]),
    "gray and alpha": (
        pixels("LA", (0, 255), (0, 0), (0, 51)),
        {},
        [BLACK, WHITE, (204,) * 3],
    ),
    "one bit": (pixels("1", 0, 1), {}, [BLACK, WHITE]),
    "one bit, black transparent": (pixels("1", 0, 1), {"transparency": 0}, [WHITE, WHITE]),
    "gray, one level transparent": (pixels("L", 9, 10), {"transparency": 9}, [WHITE, (10,) * 3]),
    "palette": (palette(RED, BLUE), {}, [RED, BLUE]),
    "palette, one entry transparent": (palette(RED, BLUE), {"transparency": 1}, [RED, WHITE]),
    "palette, alpha for each entry": (
        palette(RED, BLUE, BLACK),
        {"transparency": bytes((0, 51, 255))},
        [WHITE, (204, 204, 255), BLACK],
    ),
    "color and alpha": (
        pixels("RGBA", (*RED, 255), (*RED, 0), (*BLACK, 51)),
        {},
        [RED, WHITE, (204,) * 3],
    ),
    "one color transparent": (pixels("RGB", RED, BLUE), {"transparency": BLUE}, [RED, WHITE]),
    "16-bit gray": (gray([0, 13107, 65535], "uint16"), {}, [BLACK, (51,) * 3, WHITE]),
}


@pytest.mark.parametrize("mode", MODES)
def test_png_modes_are_decoded_over_white(read, mode):
    picture, options, expected = MODES[mode]
    assert levels(read(picture, **options)) == [expected]


TIFFS = {
    "CMYK": (pixels("CMYK", (0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255)), [WHITE, CYAN, BLACK]),
    "16-bit gray, big-endian": (gray([0, 13107, 65535], ">u2"), [BLACK, (51,) * 3, WHITE]),
    "16-bit gray, dark": (gray([0, 257, 514], "uint16"), [BLACK, (1,) * 3, (2,) * 3]),
    "32-bit integers of 8 bits": (gray([-5, 51, 255], "int32"), [BLACK, (51,) * 3, WHITE]),
    "32-bit integers of 16 bits": (gray([0, 13107, 65535], "int32"), [BLACK, (51,) * 3, WHITE]),
    "32-bit integers": (gray([0, 2**30, 2**31 - 1], "int32"), [BLACK, (128,) * 3, WHITE]),
    "floats to 1": (gray([-1.0, 0.2, 1.0], "float32"), [BLACK, (51,) * 3, WHITE]),
    "floats a little over 1": (gray([0.0, 0.2, 1.05], "float32"), [BLACK, (51,) * 3, WHITE]),
    "floats to 255": (gray([0.0, 51.0, 255.0], "float32"), [BLACK, (51,) * 3, WHITE]),
    "floats to 65535": (gray([0.0, 13107, 65535], "float32"), [BLACK, (51,) * 3, WHITE]),
    "floats to 1e7": (gray([0.0, 2e6, 1e7], "float32"), [BLACK, (51,) * 3, WHITE]),
    "NaN and infinity": (
        gray([np.nan, 0.2, np.inf, -np.inf], "float32"),
        [BLACK, (51,) * 3, WHITE, BLACK],
    ),
    "NaN only": (gray([np.nan, np.nan], "float32"), [BLACK, BLACK]),
}


@pytest.mark.parametrize("mode", TIFFS)
def test_tiff_modes_are_decoded(read, mode):
    picture, expected = TIFFS[mode]
    assert levels(read(picture, "picture.tif")) == [expected]


def test_lab_tiff_is_converted_to_srgb(read):
    lab = ImageCms.profileToProfile(
        pixels("RGB", RED, (90, 90, 90)),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    torch.testing.assert_close(
        255 * read(lab, "picture.tif"),
        torch.tensor([[[[255.0, 90]], [[0, 90]], [[0, 90]]]]),
        atol=5,
        rtol=0,
    )


ENDINGS = (".png", ".PNG", ".jpg", ".JPEG", ".mpo", ".webp", ".avif", ".tif", ".bmp", ".gif")


@pytest.mark.parametrize("ending", ENDINGS)
def test_load_image_reads_every_format(read, ending):
    picture = Image.new("RGB", (20, 12), (200, 40, 90))
    second = {"save_all": True, "append_images": [picture]} if ending == ".mpo" else {}
    image = read(picture, f"picture{ending}", **second)
    assert image.shape == (1, 3, 12, 20)
    expected = torch.tensor([200.0, 40, 90]).view(1, 3, 1, 1).expand_as(image)
    torch.testing.assert_close(255 * image, expected, atol=5, rtol=0)


def test_format_is_detected_from_content_not_suffix(read):
    assert levels(read(encode(pixels("RGB", RED), "PNG"), "picture.jpg")) == [[RED]]


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png", ".tif", ".avif"])
def test_load_image_reads_first_frame_of_animation(read, ending):
    first, second = (Image.new("RGB", (8, 8), color) for color in (RED, BLUE))
    lossless = {"lossless": True} if ending == ".webp" else {}
    image = read(first, f"a{ending}", save_all=True, append_images=[second], **lossless)
    expected = torch.tensor(RED).view(1, 3, 1, 1).expand_as(image)
    torch.testing.assert_close(255 * image, expected.float(), atol=3, rtol=0)


# Orientation

UPRIGHT = {
    1: ["abc", "def"],
    2: ["cba", "fed"],
    3: ["fed", "cba"],
    4: ["def", "abc"],
    5: ["ad", "be", "cf"],
    6: ["da", "eb", "fc"],
    7: ["fc", "eb", "da"],
    8: ["cf", "be", "ad"],
}


def as_letters(image: torch.Tensor) -> list[str]:
    """Squares of 16 pixels as letters: a is black, and each 40 levels are one letter."""
    steps = (image[0, 0, 8::16, 8::16] * 255 / 40).round().int().tolist()
    return ["".join("abcdef"[step] for step in row) for row in steps]


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_exif_orientation_is_applied(read, ending, orientation):
    picture, exif = oriented(orientation)
    assert as_letters(read(picture, f"picture{ending}", exif=exif)) == UPRIGHT[orientation]


@pytest.mark.parametrize("orientation", [1, 5, 6])
@pytest.mark.parametrize("mode", ["P", "1", "L", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_is_oriented_and_shrunk(read, mode, orientation):
    picture, exif = oriented(orientation)
    if mode == "1":
        picture = picture.convert("L").point(lambda level: 255 * (level >= 120))
    if mode == "I;16":
        picture = Image.fromarray(np.array(picture.convert("L"), dtype=np.uint16) * 257)
    else:
        picture = picture.convert(mode, **({"dither": 0} if mode == "1" else {}))
    image = read(picture, "picture.tif", longest=24, exif=exif)
    assert tuple(image.shape[-2:]) == ((16, 24) if orientation == 1 else (24, 16))
    steps = (image[0, 0, 4::8, 4::8] * 255 / 40).round().int().tolist()
    expected = [["abcdef".index(letter) for letter in row] for row in UPRIGHT[orientation]]
    if mode == "1":
        expected = [[6 if step >= 3 else 0 for step in row] for row in expected]
    assert steps == expected


DAMAGED_EXIF = (
    b"Exif\0\0",
    b"Exif\0\0II*\0",
    b"Exif\0\0MM\0*\0\0\xff\xff",
    b"Exif\0\0nonsense" * 9,
)


@pytest.mark.parametrize("exif", DAMAGED_EXIF)
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_damaged_exif_is_ignored(read, ending, exif):
    picture, _ = oriented(1)
    assert as_letters(read(picture, f"picture{ending}", exif=exif)) == UPRIGHT[1]


@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [
        (3, 1, b"\0\0\0\0"),  # a SHORT below the range
        (3, 1, b"\x09\0\0\0"),  # a SHORT above the range
        (3, 0, b"\x06\0\0\0"),  # a count of 0
        (2, 2, b"6\0\0\0"),  # text
        (7, 1, b"\x06\0\0\0"),  # type UNDEFINED
        (5, 1, b"\xff\xff\0\0"),  # a RATIONAL with an offset beyond the end
        (99, 1, b"\x06\0\0\0"),  # an unknown type
    ],
)
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_invalid_orientation_is_ignored(read, ending, kind, count, value):
    entry = struct.pack("<HHI4s", ORIENTATION, kind, count, value)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    picture, _ = oriented(1)
    assert as_letters(read(picture, f"picture{ending}", exif=exif)) == UPRIGHT[1]


@pytest.mark.parametrize(
    "name", ["transparency", "icc_profile", "exif", "Raw profile type exif", "XML:com.adobe.xmp"]
)
@pytest.mark.parametrize(
    ("mode", "expected"),
    # A new RGBA picture is transparent.
    [("1", BLACK), ("L", BLACK), ("P", BLACK), ("RGB", BLACK), ("RGBA", WHITE)],
)
def test_png_text_named_like_metadata_is_ignored(read, mode, expected, name):
    text = PngImagePlugin.PngInfo()
    text.add_text(name, "\nexif\n    4\nzzzz")
    image = read(Image.new(mode, (1, 1)), pnginfo=text, transparency=None)
    assert levels(image) == [[expected]]


# Color profiles


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
def test_embedded_profile_is_applied(read, ending):
    options = {"icc_profile": RED_MEANS_GREEN} | ({"lossless": True} if ending == ".webp" else {})
    picture = pixels("RGB", RED, GREEN, BLUE, WHITE)
    image = read(picture, f"picture{ending}", **options)
    expected = torch.tensor([[GREEN, RED, BLUE, WHITE]]).permute(2, 0, 1)[None].float()
    torch.testing.assert_close(255 * image, expected, atol=2, rtol=0)


def test_embedded_srgb_profile_is_identity(read):
    picture = pixels("RGB", RED, (1, 2, 3), (90, 200, 17))
    torch.testing.assert_close(
        read(picture, icc_profile=SRGB), read(picture), atol=1.01 / 255, rtol=0
    )


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_gray_profile_is_applied_to_gray_images(read, mode):
    value, linear = {"L": (128, 128), "LA": ((128, 255), 128), "1": (1, 255)}[mode]
    encoded = 1.055 * (linear / 255) ** (1 / 2.4) - 0.055
    image = read(pixels(mode, value), icc_profile=LINEAR_GRAY)
    torch.testing.assert_close(image, torch.full((1, 3, 1, 1), encoded), atol=0.01, rtol=0)


def test_gray_profile_is_applied_with_transparent_level(read):
    image = read(pixels("L", 128, 0), icc_profile=LINEAR_GRAY, transparency=0)
    torch.testing.assert_close(image[0, 0, 0], torch.tensor([0.737, 1.0]), atol=0.01, rtol=0)


@pytest.mark.parametrize(("name", "kind"), [("a.tif", "TIFF"), ("a.jpg", "JPEG")])
def test_cmyk_profile_is_applied(read, name, kind):
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    data = encode(cyan, kind, icc_profile=EVERY_INK_IS_WHITE)
    assert read(data, name).min() > 0.99
    assert read(encode(cyan, kind), name)[0, 0].max() < 0.02


def test_numeric_icc_tag_is_ignored(read):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[TiffImagePlugin.ICCPROFILE] = 5
    tags.tagtype[TiffImagePlugin.ICCPROFILE] = TiffTags.LONG
    picture = encode(pixels("RGB", RED), "TIFF", tiffinfo=tags)
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.info["icc_profile"] == 5
    assert levels(read(picture)) == [[RED]]


UNUSABLE_PROFILES = {
    "not ICC": (b"no profile at all", "RGB L 1 RGBA P CMYK I;16"),
    "truncated": (SRGB[:200], "RGB L 1 RGBA P CMYK I;16"),
    "Lab": (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        "RGB L 1 RGBA P CMYK I;16",
    ),
    "RGB": (RED_MEANS_GREEN, "L 1 CMYK I;16"),
    "gray": (LINEAR_GRAY, "RGB RGBA P CMYK"),
    "CMYK": (EVERY_INK_IS_WHITE, "RGB L 1 RGBA P I;16"),
}


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in UNUSABLE_PROFILES for mode in UNUSABLE_PROFILES[kind][1].split()],
)
def test_damaged_or_mismatched_profile_is_ignored(read, kind, mode):
    picture = Image.new(mode, (2, 2), 100)
    assert torch.equal(
        read(picture, "a.tif", icc_profile=UNUSABLE_PROFILES[kind][0]), read(picture, "b.tif")
    )


# Shrinking while reading


def gradient(height: int, width: int) -> Image.Image:
    across = np.linspace(0, 255, width)[None].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack((across, down, 255 - across), -1).round().astype(np.uint8))


SMALLER = {
    "RGB": ("a.png", lambda picture: picture),
    "RGBA": ("a.png", lambda picture: (picture.putalpha(128), picture)[1]),
    "palette": ("a.png", lambda picture: picture.quantize(64)),
    "one bit": ("a.png", lambda picture: picture.convert("1")),
    "gray": ("a.png", lambda picture: picture.convert("L")),
    "gray and alpha": ("a.png", lambda picture: picture.convert("LA")),
    "16 bits": ("a.png", lambda picture: as_16_bit_levels(picture, np.uint16)),
    "floats": ("a.tif", lambda picture: as_16_bit_levels(picture, np.float32)),
    "integers": ("a.tif", lambda picture: as_16_bit_levels(picture, np.int32)),
    "CMYK": ("a.jpg", lambda picture: picture.convert("CMYK")),
    "JPEG": ("a.jpg", lambda picture: picture),
    "gray JPEG": ("a.jpg", lambda picture: picture.convert("L")),
    "WebP": ("a.webp", lambda picture: picture),
    "AVIF": ("a.avif", lambda picture: picture),
}


def as_16_bit_levels(picture: Image.Image, dtype: type) -> Image.Image:
    return Image.fromarray(np.array(picture.convert("L")).astype(dtype) * dtype(257))


@pytest.mark.parametrize("mode", SMALLER)
def test_longest_shrinks_large_images_and_keeps_colors(read, mode):
    name, convert = SMALLER[mode]
    picture = convert(gradient(180, 240))
    whole, small = read(picture, name), read(picture, name, longest=20)
    assert small.shape == (1, 3, 15, 20)
    cells = torch.nn.functional.avg_pool2d(whole, 12)
    torch.testing.assert_close(small, cells, atol=0.06, rtol=0)


@pytest.mark.parametrize("mode", SMALLER)
def test_bands_make_the_picture_as_a_whole_does(read, mode, monkeypatch):
    name, convert = SMALLER[mode]
    noise = np.random.default_rng(0).integers(0, 256, (181, 240, 3), dtype=np.uint8)
    picture = convert(Image.fromarray(noise))
    whole = read(picture, name, longest=33)
    monkeypatch.setattr(decode, "_BAND_PIXELS", 2000)
    torch.testing.assert_close(read(picture, name, longest=33), whole, atol=1.5 / 255, rtol=0)


@pytest.mark.parametrize("mode", SMALLER)
def test_longest_leaves_images_within_limit_unchanged(read, mode):
    name, convert = SMALLER[mode]
    picture = convert(gradient(18, 24))
    assert torch.equal(read(picture, name, longest=24), read(picture, name))


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((1001, 333), 100, (33, 100)),
        ((333, 1001), 100, (100, 33)),
        ((1000, 1), 10, (1, 10)),
        ((1607, 803), 200, (100, 200)),
        ((41, 30), 40, (29, 40)),
    ],
)
def test_longest_sets_longer_side_exactly(read, ending, size, longest, expected):
    image = read(Image.new("RGB", size), f"a{ending}", longest=longest)
    assert tuple(image.shape[-2:]) == expected


def test_shrinking_does_not_bleed_transparent_pixels(read):
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, 20, 40))
    image = read(picture, longest=10)
    assert image[0, 0].min() > 0.99  # both red and white have full red
