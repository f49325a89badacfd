"""Writing image files: formats, values, metadata, failed writes and refused destinations."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import png as pypng
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from neural_style import FileError, ImageError, load_image, save_image
from neural_style.images.files import check_destination, load_with_alpha
from tests.conftest import picture
from tests.picture_files import BLACK, levels, oriented


def test_8_bit_values_survive_round_trip(tmp_path):
    rows = torch.arange(256).view(16, 16) / 255
    image = torch.stack((rows, rows.T, 1 - rows))[None]
    again = load_image(save_image(image, tmp_path / "a.png"))
    assert torch.equal((255 * again).round(), (255 * image).round())
    third = load_image(save_image(again, tmp_path / "b.png"))
    assert torch.equal(third, again)


@pytest.mark.parametrize("ending", [".jpg", ".JPEG", ".webp", ".PNG"])
def test_suffix_selects_format_and_file_has_srgb_profile(tmp_path, ending):
    image = torch.tensor([0.8, 0.2, 0.4]).view(1, 3, 1, 1).expand(1, 3, 16, 24)
    path = save_image(image, tmp_path / f"a{ending}")
    with Image.open(path) as picture:
        assert picture.format == {".webp": "WEBP", ".PNG": "PNG"}.get(ending, "JPEG")
        assert picture.size == (24, 16)
        written = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(written)
    torch.testing.assert_close(load_image(path), image, atol=0.02, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_save_image_clips_and_rounds_values(tmp_path, dtype):
    image = torch.tensor([-3.0, 0.0, 0.498, 0.5, 1.0, 7.0], dtype=dtype).view(1, 1, 1, 6)
    again = load_image(save_image(image.expand(1, 3, 1, 6), tmp_path / "a.png"))
    middle = (image[0, 0, 0, 2:4].float() * 255).round().int().tolist()
    assert (again[0, 0, 0] * 255).round().int().tolist() == [0, 0, *middle, 255, 255]


def test_save_image_accepts_tensor_that_requires_grad(tmp_path):
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)
    assert save_image(image, str(tmp_path / "a.png")) == tmp_path / "a.png"


def test_srgb_profile_has_fixed_date(tmp_path):
    path = save_image(torch.zeros(1, 3, 2, 2), tmp_path / "a.png")
    with Image.open(path) as picture:
        date = picture.info["icc_profile"][24:36]
    assert struct.unpack(">6H", date) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_save_image_writes_no_exif_or_gps_of_input(read, tmp_path, ending):
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


@pytest.mark.parametrize(("ending", "bits"), [(".png", 8), (".png", 16), (".webp", 8)])
def test_alpha_survives_round_trip(tmp_path, ending, bits):
    seen = Image.new("RGBA", (40, 30), (200, 40, 90, 255))
    seen.paste((200, 40, 90, 0), (0, 0, 20, 30))
    file = tmp_path / "seen.png"
    seen.save(file)
    image, alpha = load_with_alpha(file)
    assert alpha.shape == (1, 1, 30, 40)
    assert (alpha[..., :20] == 0).all()
    assert (alpha[..., 20:] == 1).all()
    assert (image[..., :20] == 1).all()  # composited over white
    path = save_image(picture(60, 80), tmp_path / f"out{ending}", alpha=alpha, bits=bits)
    again = load_with_alpha(path)[1]
    assert again.shape == (1, 1, 60, 80)
    assert (again[..., :36] == 0).all()
    assert (again[..., 44:] == 1).all()


def test_jpeg_drops_alpha(tmp_path):
    image, alpha = picture(16, 24), torch.zeros(1, 1, 16, 24)
    plain = save_image(image, tmp_path / "plain.jpg").read_bytes()
    assert save_image(image, tmp_path / "seen.jpg", alpha=alpha).read_bytes() == plain


def test_16_bit_png_keeps_values_text_and_profile(tmp_path):
    image = picture(20, 30)
    path = save_image(image, tmp_path / "wide.png", {"Title": "größer"}, bits=16)
    width, height, rows, about = pypng.Reader(bytes=path.read_bytes()).asDirect()
    levels = np.array([*map(list, rows)]).reshape(height, width, 3)
    assert (about["bitdepth"], height, width) == (16, 20, 30)
    expected = image[0].permute(1, 2, 0).double().numpy()
    assert np.abs(levels / 65535 - expected).max() < 1 / 65535
    assert len(np.unique(levels)) > 300
    # The decoder returns colors with 8 bits.
    assert (load_image(path) - image).abs().max() <= 1 / 255
    with Image.open(path) as opened:
        assert opened.text == {"Title": "größer"}
        assert "sRGB" in ImageCms.getProfileDescription(
            ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        )


@pytest.mark.parametrize(("name", "bits"), [("o.jpg", 16), ("o.webp", 16), ("o.png", 12)])
def test_check_destination_refuses_unsupported_bit_depth(tmp_path, name, bits):
    with pytest.raises(ImageError, match=rf"{name} with {bits} bits a channel\. All formats have"):
        check_destination(tmp_path / name, bits)


def test_only_png_keeps_text(tmp_path):
    text = {"recipe": '{"style": "Café — ☕"}', "more": "x" * 5000}
    image = torch.zeros(1, 3, 2, 2)
    with Image.open(save_image(image, tmp_path / "a.png", text)) as picture:
        assert picture.text == text
    for ending in (".jpg", ".webp"):
        data = save_image(image, tmp_path / f"a{ending}", text).read_bytes()
        assert data == save_image(image, tmp_path / f"b{ending}").read_bytes()


def test_failed_write_keeps_existing_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"the old one")

    def write_partially(target, data):
        with target.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_partially)
        with pytest.raises(FileError, match=r"a.png: No space left on device. Choose another"):
            save_image(torch.zeros(1, 3, 2, 2), path)
    assert os.listdir(tmp_path) == ["a.png"]
    assert path.read_bytes() == b"the old one"
    save_image(torch.zeros(1, 3, 2, 2), path)
    assert os.listdir(tmp_path) == ["a.png"]
    assert levels(load_image(path)) == [[BLACK] * 2] * 2


def test_interrupted_write_leaves_no_file(tmp_path, monkeypatch):
    def interrupt(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_image(torch.zeros(1, 3, 2, 2), tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "limit"), [("a.jpg", 65_535), ("a.webp", 16_383)])
def test_image_beyond_side_limit_of_format_raises_image_error(tmp_path, name, limit):
    with pytest.raises(ImageError, match=f"cannot hold a picture of {limit + 1}×1. Use .png"):
        save_image(torch.zeros(1, 3, 1, limit + 1), tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.JPEG", "n" * 251 + ".png"])
def test_check_destination_returns_valid_path_and_creates_nothing(tmp_path, name):
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
def test_check_destination_and_save_image_refuse_invalid_paths(tmp_path, name, error, message):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.png").touch()
    with pytest.raises(error, match=message):
        check_destination(tmp_path / name)
    with pytest.raises(error, match=message):
        save_image(torch.zeros(1, 3, 1, 1), tmp_path / name)
