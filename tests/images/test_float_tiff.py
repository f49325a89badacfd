"""TIFF files of floating-point numbers that Pillow cannot read, or reads wrongly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from neural_style import ImageError
from neural_style.images import float_tiff
from neural_style.images.files import read_format, read_shape
from tests.picture_files import ORIENTATION, RED_MEANS_GREEN, TiffKind, levels, tiff

COLORS = np.array([[[1, 0, 0.2], [0, 1, 0.4]], [[0.6, 0.6, 1], [0.8, 0, 0]]], dtype=np.float32)
LEVELS = [[(255, 0, 51), (0, 255, 102)], [(153, 153, 255), (204, 0, 0)]]
"""`COLORS` as levels of 8 bits."""

KINDS = {
    f"{kind} {order} {compression} {predictor} {tiles}": TiffKind(
        kind, order, compression, predictor, tiles
    )
    for kind in ("f2", "f4", "f8")
    for order in "<>"
    for compression, predictor in ((1, 1), (5, 1), (8, 1), (8, 2), (5, 3), (8, 3))
    for tiles in (False, True)
}


@pytest.mark.parametrize("kind", KINDS)
def test_floating_point_colors_are_read(read, kind):
    values = np.tile(COLORS, (9, 20, 1))
    image = read(tiff(values, KINDS[kind]))
    assert levels(image) == [row * 20 for row in LEVELS * 9]


def test_bands_of_rows_make_one_picture(read, monkeypatch):
    data = tiff(np.tile(COLORS, (9, 20, 1)), TiffKind("f4"))
    whole = read(data)
    monkeypatch.setattr(float_tiff, "_BAND_BYTES", 1500)
    assert torch.equal(read(data), whole)


def test_values_that_are_no_colors_are_clipped(read):
    values = np.array([[[-1, 2, np.nan], [np.inf, -np.inf, 1.001]]], dtype=np.float32)
    assert levels(read(tiff(values))) == [[(0, 255, 0), (255, 0, 255)]]


@pytest.mark.parametrize(
    ("pixel", "extra", "expected"),
    [
        ((1, 0, 0, 0.2), 2, (255, 204, 204)),
        ((0.2, 0, 0, 0.2), 1, (255, 204, 204)),  # multiplied by its opacity
        ((0.5, 0.5, 0, 0), 1, (255, 255, 255)),
        ((1, 0, 0, 0.2), 0, (255, 0, 0)),  # no opacity
        ((0.2,), None, (51, 51, 51)),
        ((0.2, 0), 2, (255, 255, 255)),
    ],
)
def test_fourth_channel_is_opacity_where_the_file_says_so(read, pixel, extra, expected):
    more = {} if extra is None else {338: extra}
    assert levels(read(tiff(np.array([[pixel]]), TiffKind("f2"), more))) == [[expected]]


def test_picture_is_upright_and_its_shape_is_known_before_it_is_decoded(read, tmp_path):
    data = tiff(np.repeat(COLORS, 3, axis=1), more={ORIENTATION: 6})  # rotate by 90° clockwise
    image = read(data, "turned.tif")
    assert levels(image)[0] == [LEVELS[1][0], LEVELS[0][0]]
    assert read_shape(tmp_path / "turned.tif") == tuple(image.shape[-2:]) == (6, 2)
    assert read_format(tmp_path / "turned.tif") == "TIFF"


def test_profile_is_applied_and_large_picture_shrunk(read):
    values = np.zeros((30, 60, 3))
    values[..., 0] = 1
    image = read(tiff(values, more={34675: RED_MEANS_GREEN}), longest=10)
    assert image.shape == (1, 3, 5, 10)
    green = torch.tensor([0.0, 1, 0]).view(1, 3, 1, 1)
    torch.testing.assert_close(image, green.expand_as(image), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    "more",
    [
        {259: 34887},  # LERC
        {259: 7},  # JPEG
        {284: 2},  # channels apart
        {262: 5},  # inks
        {317: 9},
        {258: 24},
        {256: 10_000, 257: 10_000},
    ],
)
def test_other_kinds_are_refused_in_one_sentence(read, more):
    with pytest.raises(ImageError, match=r"floating-point numbers, too large or .* 8 or 16 bits"):
        read(tiff(COLORS, more=more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({256: 0}, "too large or of a kind"),
        ({256: 4}, "damaged or cut short: it is a TIFF file of 4×2"),
        ({273: 9999}, "damaged or cut short"),
        ({279: 5}, "damaged or cut short"),
        ({339: 1}, "not a picture"),
        ({256: b"wide"}, "not a picture"),
    ],
)
def test_lying_headers_are_refused(read, more, said):
    with pytest.raises(ImageError, match=said):
        read(tiff(COLORS, TiffKind("f4", compression=8), more))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("kind", ["f4", "i4"])
@pytest.mark.parametrize("order", "<>")
def test_gray_is_read_in_both_orders_of_bytes(read, kind, order, compression):
    gray = np.array([[[0.0], [13107], [65535]]])
    numbers = {"raw": 1, "tiff_lzw": 5, "tiff_adobe_deflate": 8}
    data = tiff(gray, TiffKind(kind, order, numbers[compression]))
    assert levels(read(data)) == [[(0, 0, 0), (51, 51, 51), (255, 255, 255)]]


@pytest.mark.parametrize("values", [COLORS, 0 * COLORS[..., :1]])
def test_huge_tiles_are_refused(read, values):
    """Memory for a whole tile would be taken."""
    data = tiff(values, TiffKind(compression=8, tiled=True), {322: 60_000, 323: 60_000})
    with pytest.raises(ImageError, match=r"damaged or cut short|too large"):
        read(data)


def test_pillow_still_reads_what_it_can(read):
    assert levels(read(Image.new("RGB", (1, 1), (1, 2, 3)), "a.tif")) == [[(1, 2, 3)]]
