"""The terms of the objective: pure functions, each with its equation and source."""

from __future__ import annotations

from neural_style.tensors import FeatureMap, GramMatrix, ImageTensor, Scalar


def gram(features: FeatureMap) -> GramMatrix:
    """Which channels are active together: F Fᵀ / (C H W), with F the activations as C × (H W).

    Gatys et al. 2015 (arXiv 1508.06576), eq. 3, divided by the number of elements, so that it
    depends neither on the picture's size nor, to first order, on the layer's width.
    """
    channels = features.shape[1]
    # Pixels by channels, as channels_last memory already lies: no copy.
    matrix = features.permute(0, 2, 3, 1).reshape(-1, channels)
    return (matrix.T @ matrix).float() / matrix.numel()


def content_loss(features: FeatureMap, target: FeatureMap) -> Scalar:
    """Mean squared difference between activations: Gatys et al. 2015, eq. 1, with a mean for ½ Σ.

    Args:
        features: Activations of the canvas at one layer.
        target: Those of the content image at the same layer and size.
    """
    return (features - target).float().square().mean()


def style_loss(features: FeatureMap, target: GramMatrix) -> Scalar:
    """Mean squared difference between the Gram matrix of `features` and that of the style.

    Gatys et al. 2015, eq. 4, with a mean in place of the sum over 4 C² M²: unlike the paper's, it
    does not change with the size of either picture, so one weight serves every scale.

    Args:
        features: Activations of the canvas at one layer.
        target: `gram` of the style's activations at the same layer.
    """
    return (gram(features) - target).square().mean()


def tv_loss(image: ImageTensor) -> Scalar:
    """Total variation: mean squared step to the right plus mean squared step down.

    Mahendran and Vedaldi 2014 (arXiv 1412.0035), eq. 8 with β = 2, as means.
    """
    right = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return right.square().mean() + down.square().mean()


def mean_square(target: FeatureMap | GramMatrix) -> Scalar:
    """The unit of a relative loss: divided by it, 1 means "as far off as nothing at all".

    A relative loss does not change when a layer's activations are scaled, so the same weights suit
    every network, layer and weight file. Our departure from the paper; never zero, so that a layer
    that sees nothing in the target divides safely.
    """
    return target.float().square().mean().clamp_min(1e-12)
