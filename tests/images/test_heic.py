"""HEIC, the format of photographs from phones; Pillow reads it with a plugin."""

from __future__ import annotations

import io
import random

import numpy as np
import pillow_heif
import pytest
import torch
from PIL import Image

from neural_style import ImageError
from neural_style.images import files
from neural_style.images.files import load_with_alpha, read_shape
from tests.images.test_decode import UPRIGHT, as_letters, gradient
from tests.images.test_reading import corrupt
from tests.picture_files import oriented


def heic(picture: Image.Image, **options) -> bytes:
    """The bytes of a HEIC file; the encoder is of the tests alone."""
    encoded = io.BytesIO()
    pillow_heif.from_pillow(picture).save(encoded, quality=90, **options)
    return encoded.getvalue()


@pytest.mark.parametrize("name", ["photo.heic", "photo.jpg"])
def test_photograph_is_read_whatever_its_name(read, name):
    picture = gradient(48, 64)
    image = read(heic(picture), name)
    expected = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    torch.testing.assert_close(image, expected, atol=0.06, rtol=0)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photograph_is_turned_upright_once(read, tmp_path, orientation):
    picture, exif = oriented(orientation)
    image = read(heic(picture, exif=exif.tobytes()), "photo.heic")
    assert as_letters(image) == UPRIGHT[orientation]
    assert read_shape(tmp_path / "photo.heic") == image.shape[-2:]


def test_large_photograph_is_shrunk(read):
    small = read(heic(gradient(180, 240)), "photo.heic", longest=20)
    assert small.shape == (1, 3, 15, 20)
    cells = torch.from_numpy(np.array(gradient(180, 240))).permute(2, 0, 1)[None] / 255
    cells = torch.nn.functional.avg_pool2d(cells, 12)
    torch.testing.assert_close(small, cells, atol=0.06, rtol=0)


def test_transparency_is_opacity(tmp_path):
    picture = gradient(32, 48).convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    picture.paste((10, 20, 30, 255), (0, 0, 24, 32))
    (tmp_path / "a.heic").write_bytes(heic(picture))
    _, alpha = load_with_alpha(tmp_path / "a.heic")
    assert alpha is not None
    assert alpha[..., :20].min() > 0.9
    assert alpha[..., 28:].max() < 0.1


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_file_is_refused(read, part):
    data = heic(gradient(64, 64))
    with pytest.raises(ImageError, match=r"damaged or cut short|not a picture that can be read"):
        read(data[: int(part * len(data))])


def test_corrupted_file_is_read_or_refused(read, monkeypatch):
    monkeypatch.setattr(files, "MAX_PIXELS", 10_000)
    data, generator = heic(gradient(40, 60)), random.Random(1)
    outcomes = set()
    for _ in range(150):
        try:
            image = read(corrupt(data, generator), longest=generator.choice((None, 5)))
        except ImageError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        assert ((image >= 0) & (image <= 1)).all()
    assert outcomes == {"read", "refused"}


def test_too_many_pixels_are_refused_by_the_header(read, monkeypatch):
    monkeypatch.setattr(files, "MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="64×48"):
        read(heic(gradient(48, 64)))
