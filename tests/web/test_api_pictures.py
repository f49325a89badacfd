"""Pictures of many kinds sent to the API."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from gradio_client.exceptions import AppError
from PIL import Image

from tests.conftest import picture
from tests.web.test_api import named


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    """The bytes of the image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def rotated(image: Image.Image) -> bytes:
    """A photograph taken with the camera on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


def sixteen_bits(image: Image.Image) -> bytes:
    """A gray PNG with 16 bits per pixel."""
    gray = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(gray), "PNG")


UNUSABLE: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "text.png": (lambda _: b"no picture", "text.png is not a picture that can be read here. Use"),
    "empty.png": (lambda _: b"", r"empty.png is empty \(0 bytes\)"),
    "cut.jpg": (
        lambda image: encoded(image.resize((640, 640)), "JPEG")[:5000],
        "cut.jpg is damaged or cut short.*upload it again",
    ),
    "small.png": (
        lambda image: encoded(image.resize((9, 9)), "PNG"),
        "content image is 9×9; the network needs 32 pixels a side. Use a larger one",
    ),
    "drawing.svg": (
        lambda _: b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
        "drawing.svg is not a picture that can be read here. Use PNG",
    ),
}
UNUSUAL: dict[str, tuple[Callable[[Image.Image], bytes], Callable[[Image.Image], Image.Image]]] = {
    "16-bit.png": (sixteen_bits, lambda image: image.convert("L").convert("RGB")),
    "cmyk.jpg": (
        lambda image: encoded(image.convert("CMYK"), "JPEG", quality=95),
        lambda image: image,
    ),
    "rgba.png": (
        lambda image: encoded(Image.merge("RGBA", (*image.split(), image.getchannel("R"))), "PNG"),
        lambda image: Image.composite(
            image, Image.new("RGB", image.size, "white"), image.getchannel("R")
        ),
    ),
    "palette.gif": (
        lambda image: encoded(image.quantize(256), "GIF"),
        lambda image: image.quantize(256).convert("RGB"),
    ),
    "photograph.jpg": (rotated, lambda image: image),
}


@pytest.fixture
def scene() -> Image.Image:
    levels = picture(96, 64, seed=3)[0].permute(1, 2, 0).mul(255).round().to(torch.uint8)
    return Image.fromarray(levels.numpy())


class TestPictures:
    @pytest.mark.parametrize("name", UNUSABLE)
    def test_unusable_picture_is_refused_with_a_reason(
        self, name, scene, client, pictures, tmp_path, watch
    ):
        make, message = UNUSABLE[name]
        path = tmp_path / name
        path.write_bytes(make(scene))
        with pytest.raises(AppError, match=message) as error:
            client.predict(**named((str(path), pictures[1])))
        assert error.value.title == "That did not work"
        assert watch.looks == 0
        assert client.predict(**named(pictures))[0].endswith(".png")

    @pytest.mark.slow
    @pytest.mark.parametrize("name", UNUSUAL)
    def test_unusual_picture_is_read_correctly(self, name, scene, client, pictures, tmp_path):
        make, expect = UNUSUAL[name]
        path = tmp_path / name
        path.write_bytes(make(scene))
        call = named((str(path), pictures[1]), init="content", noise_ratio=0.0)
        call |= {"size": 96, "scales": 1}
        _, gallery, *_ = client.predict(**call)
        with Image.open(gallery[0]["image"]) as first:
            levels = np.asarray(first).astype(float)
        expected = np.asarray(expect(scene)).astype(float)
        assert levels.shape == expected.shape
        assert np.abs(levels - expected).mean() < 6
