"""`stylize`: checks of pictures, layers and devices, and unusual inputs."""

from __future__ import annotations

import pytest
import torch

from neural_style import ImageError, SettingsError, stylize
from neural_style.run import job
from neural_style.run.start import check_pictures, check_start
from tests.conftest import picture
from tests.small_runs import last_frame, small_settings


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("height", "width", "size", "message"),
    [
        (9, 9, 512, "The content image is 9×9; the network needs 32 pixels a side"),
        (40, 4000, 512, "The content image is 4000×40, so narrow that at size 512 it would be"),
        (40, 4000, 3100, "Crop it, or choose size 3200"),
        (32, 4096, 3000, "Crop it, or choose size 4096"),
        (32, 4097, 3000, r"no size up to 4096 gives them\. Crop it\."),
    ],
)
def test_too_small_or_narrow_content_raises_image_error(height, width, size, message, style):
    with pytest.raises(ImageError, match=message):
        next(stylize(torch.rand(1, 3, height, width), style, small_settings(size=size)))


@pytest.mark.usefixtures("tiny")
def test_too_small_style_raises_image_error(content):
    with pytest.raises(ImageError, match="The style image is 5×90; the network needs 32"):
        next(stylize(content, torch.rand(1, 3, 90, 5), small_settings()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.zeros(3, 64, 64), r"float32 tensor of shape \(1, 3, height, width\).*\(3, 64, 64\)"),
        (torch.zeros(1, 1, 64, 64), r"\(1, 1, 64, 64\)"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "uint8"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.float64), "float64"),
        ("photo.jpg", "it is str"),
        (torch.full((1, 3, 64, 64), 200.0), r"values from 200 to 200; they must lie in \[0, 1\]"),
        (torch.full((1, 3, 64, 64), torch.nan), "values from nan to nan"),
    ],
)
def test_invalid_picture_raises_image_error(wrong, message):
    good = picture(64, 64)
    for which, pair in (("content", (wrong, good)), ("style", (good, wrong))):
        with pytest.raises(ImageError, match=f"The {which} image .*{message}"):
            check_pictures(pair[0], [pair[1]], 512, 32)


@pytest.mark.parametrize("knob", ["content_layers", "style_layers"])
def test_unknown_layer_raises_before_weights_are_loaded(knob, content, style):
    run = small_settings(
        **{knob: {"relu4_2": 1.0, "layer1.0": 1.0}}, network_weights="no such file"
    )
    with pytest.raises(SettingsError, match=r"vgg19 has no layer 'layer1\.0', .* layers: conv"):
        next(stylize(content, style, run))


def test_init_image_shape_is_checked_before_weights_are_loaded(content, style, monkeypatch):
    monkeypatch.setattr(job, "load_weights", lambda *_: pytest.fail("weights were loaded"))
    with pytest.raises(ImageError, match=r"start picture is 96×96, of another shape .* is 96×72"):
        next(stylize(content, style, small_settings(), init_image=picture(96, 96, seed=9)))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("x.png", "The start picture must be a float32 tensor .* it is str"),
        (torch.zeros(3, 72, 96), r"must be a float32 tensor .* \(3, 72, 96\)"),
        (torch.zeros(2, 3, 72, 96), r"must be a float32 tensor .* \(2, 3, 72, 96\)"),
        (torch.zeros(1, 3, 72, 96).double(), r"must be a float32 tensor .* torch\.float64"),
        (torch.zeros(1, 3, 0, 0), "The start picture is 0×0"),
        (torch.full((1, 3, 72, 96), 255.0), r"values from 255 to 255; .*Divide 0–255 by 255"),
        (torch.full((1, 3, 72, 96), torch.nan), "values from nan to nan"),
    ],
)
def test_invalid_init_image_raises_image_error(start, words, content):
    with pytest.raises(ImageError, match=words):
        check_start(start, content)


@pytest.mark.usefixtures("tiny")
def test_inputs_that_require_grad_are_accepted(content, style):
    plain, requiring = (
        last_frame(*(image.clone().requires_grad_(wanted) for image in (content, style)))
        for wanted in (False, True)
    )
    assert torch.equal(plain.image, requiring.image)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("shape", [(33, 700), (700, 33), (2000, 64), (32, 32)])
def test_extreme_style_shapes_are_accepted(shape, content):
    assert last_frame(content, torch.rand(1, 3, *shape), iterations=2).iteration == 2


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("color", [0.0, 0.5, 1.0])
def test_pictures_of_one_color_give_a_finite_result(color):
    flat = torch.full((1, 3, 64, 64), color)
    for pair in ((flat, picture(64, 64)), (picture(64, 64), flat), (flat, flat)):
        frame = last_frame(*pair)
        assert frame.image.isfinite().all()
        assert all(value == value for value in frame.losses.values())


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("device", ["tpu", "cuda:99", "nonsense!"])
def test_unavailable_device_raises_settings_error(device, content, style):
    message = rf"no device {device!r} here(\. Use .*cpu|; CUDA devices found)"
    with pytest.raises(SettingsError, match=message):
        next(stylize(content, style, small_settings(device=device)))
