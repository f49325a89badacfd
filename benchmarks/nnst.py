"""The peer of the nearest race: *Neural Neighbor Style Transfer* (NNST), written plainly.

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich (arXiv 2203.13215). Adam changes the
Laplacian pyramid of a picture. Stage A goes from the smallest size to the full one: each place of
the canvas is given the style's most similar place as its target, once a size. Stage B stays at the
full size and looks for the most similar places anew at every step, in each map for itself.

It departs from the published program in three ways. Its network is the VGG-19 that the other
contestants use (`neural_style`, float32) down to relu4_2, instead of torchvision's VGG-16 down to
relu4_3: the race compares algorithms, not kernels. Its style is not turned by 90°, 180° and 270°
as well. And maps of at most 64 places a side are sampled whole in stage B; the published program
takes the previous map's sample for those, by mistake. There is no content term and no change of
colors afterwards, as in the published program by default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from neural_style import BACKBONES
from neural_style.network.extractor import Network, layers_until, load_network, run_layers
from neural_style.network.weights import load_weights

MAPS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
    *("relu3_1", "relu3_2", "relu3_3", "relu4_1", "relu4_2"),
)
LEVELS = 8
"""Details in the pyramid of the full size; fewer where a side would vanish."""

SMALLEST = 64
"""Longest side, in pixels, that the smallest size has at least."""

BLANK = 3
"""Finest details of the full size that the canvas begins without."""

STEPS = 200
"""At each size of stage A, and in stage B."""

RATE = 2e-3
"""Adam's, for a picture in [0, 1]."""

CANVAS_SHARE = 0.25
"""The canvas's part in the picture whose places look for similar ones; the rest is content."""

SIDE = 64
"""Places along a map's longer side, at the least, after it has been thinned for stage B."""

CHUNK_BYTES = 64_000_000
"""Of similarities held at a time."""

FLOOR = 1e-8
"""Least squared norm of a place's activations."""


class Step(NamedTuple):
    """The state after one step.

    Attributes:
        stage: "A" or "B".
        size: Index of the size, from 0 for the smallest.
        number: Steps taken in this stage at this size, from 1.
        picture: At that size; not clamped, so a little outside [0, 1] in places.
        loss: The loss before the step.
    """

    stage: str
    size: int
    number: int
    picture: Tensor
    loss: float


def load_vgg() -> Network:
    """VGG-19 to relu4_2 from the packaged weights, in float32, zeros around the picture."""
    weights = load_weights("vgg19", "packaged")
    return load_network(
        BACKBONES["vgg19"].build(),
        weights.tensors,
        weights.units,
        device=torch.device("cpu"),
        border="zeros",
        layers=MAPS,
    )


def stylize(
    network: Network,
    content: Tensor,
    style: Tensor,
    *,
    steps: int = STEPS,
    final_steps: int = STEPS,
    seed: int = 0,
) -> Iterator[Step]:
    """Yields after each step of Adam.

    Args:
        content: Of the final size: (1, 3, H, W) in [0, 1].
        style: The same, as large as it is to be looked at beside the full size.
        steps: At each size of stage A.
        final_steps: Of stage B.
        seed: Of the offsets with which maps are thinned.
    """
    levels = min(LEVELS, *(int(math.log2(min(image.shape[-2:]))) for image in (content, style)))
    content_details, style_details = split(content, levels), split(style, levels)
    canvas = split(content, levels)
    canvas[:BLANK] = [torch.zeros_like(detail) for detail in canvas[:BLANK]]
    coarsest = count_sizes(content) - 1
    for size, level in enumerate(range(coarsest, -1, -1)):
        scaled_content, scaled_style = join(content_details[level:]), join(style_details[level:])
        query = scaled_content
        if size > 0:
            sharpened = join([content_details[level], *canvas[level + 1 :]])
            query = torch.lerp(scaled_content, sharpened, CANVAS_SHARE)
        loss = JointLoss(network, query, scaled_style)
        for number, picture, value in descend(canvas[level:], loss, steps):
            yield Step("A", size, number, picture, value)
        canvas[level:] = split(picture, levels - level)
    loss = SeparateLoss(network, style, seed)
    for number, picture, value in descend(canvas, loss, final_steps):
        yield Step("B", coarsest, number, picture, value)


def count_sizes(content: Tensor) -> int:
    """How often the picture can be halved and still be `SMALLEST` long, plus one."""
    return max(0, int(math.log2(max(content.shape[-2:]) / SMALLEST))) + 1


def split(image: Tensor, levels: int) -> list[Tensor]:
    """The Laplacian pyramid: so many details, finest first, and what is left at the coarsest."""
    pyramid = []
    for _ in range(levels):
        height, width = image.shape[-2:]
        smaller = interpolate(image, (height // 2, width // 2), mode="bilinear")
        pyramid.append(image - interpolate(smaller, (height, width), mode="bilinear"))
        image = smaller
    return [*pyramid, image]


def join(pyramid: list[Tensor]) -> Tensor:
    """The picture of a pyramid, or of the coarser part of one."""
    *details, image = pyramid
    for detail in reversed(details):
        image = detail + interpolate(image, detail.shape[-2:], mode="bilinear")
    return image


def descend(
    pyramid: list[Tensor], loss: Callable[[Tensor], Tensor], steps: int
) -> Iterator[tuple[int, Tensor, float]]:
    """Steps of Adam on a pyramid's numbers: after each its number, the picture, the loss before."""
    variables = [part.detach().clone().requires_grad_() for part in pyramid]
    adam = torch.optim.Adam(variables, lr=RATE)
    picture = join(variables)
    for number in range(1, steps + 1):
        adam.zero_grad()
        value = loss(picture)
        value.backward()
        adam.step()
        picture = join(variables)
        yield number, picture.detach(), value.item()


class JointLoss:
    """Stage A: mean of 1 − cos between hypercolumns and their targets, found once."""

    def __init__(self, network: Network, query: Tensor, style: Tensor):
        self.network = network
        with torch.no_grad():
            bank = self._columns(style)
            found = nearest(self._columns(query), bank)
            self.target = unit(bank[found])

    def __call__(self, picture: Tensor) -> Tensor:
        return 1 - (unit(self._columns(picture)) * self.target).sum(1).mean()

    def _columns(self, picture: Tensor) -> Tensor:
        """Places × channels: all maps, each over its channel count, at H/4 × W/4 places."""
        grid = tuple(max(1, side // 4) for side in picture.shape[-2:])
        maps = [
            interpolate(found / found.shape[1], grid, mode="bilinear", align_corners=True)
            for found in look(self.network, picture).values()
        ]
        return places(torch.cat(maps, dim=1))


class SeparateLoss:
    """Stage B: sum over maps of the mean of 1 − cos to the nearest place, found at each call."""

    def __init__(self, network: Network, style: Tensor, seed: int):
        self.network = network
        self.generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.style = look(network, style)

    def __call__(self, picture: Tensor) -> Tensor:
        total = picture.new_zeros(())
        for name, found in look(self.network, picture).items():
            stride = max(1, max(found.shape[-2:]) // SIDE)
            top, left = torch.randint(stride, (2,), generator=self.generator).tolist()
            canvas, style = (
                places(one[..., top::stride, left::stride]) for one in (found, self.style[name])
            )
            canvas, style = canvas - canvas.mean(0), style - style.mean(0)
            target = style[nearest(canvas.detach(), style)]
            total = total + 1 - (unit(canvas) * unit(target)).sum(1).mean()
        return total


def look(network: Network, picture: Tensor) -> dict[str, Tensor]:
    """Activations of `MAPS`."""
    found: dict[str, Tensor] = {}
    names = layers_until(network, MAPS)
    run_layers(network, picture, names, MAPS, lambda name, x: found.setdefault(name, x))
    return found


def places(features: Tensor) -> Tensor:
    """Of a map (1, C, H, W), its H·W places × C channels."""
    return features[0].flatten(1).T


def unit(vectors: Tensor) -> Tensor:
    """Each row divided by its length."""
    return vectors / vectors.square().sum(1, keepdim=True).clamp_min(FLOOR).sqrt()


def nearest(queries: Tensor, bank: Tensor) -> Tensor:
    """Of each query, the bank's row at the least cosine distance, both sides centered."""
    queries = normalize(queries - queries.mean(0))
    bank = normalize(bank - bank.mean(0)).T.contiguous()
    rows = max(1, CHUNK_BYTES // (bank.element_size() * bank.shape[1]))
    return torch.cat([(part @ bank).argmax(1) for part in queries.split(rows)])
