"""The peer of the nearest race: a plain implementation of *Neural Neighbor Style Transfer* (NNST).

Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich (arXiv 2203.13215). Adam optimizes the
Laplacian pyramid of a picture. Stage A goes from the smallest size to the full one: once per size,
each position of the canvas gets the most similar style position as its target. Stage B stays at the
full size and finds the most similar positions again at every step, in each map separately.

It differs from the published program in three ways. Its network is the VGG-19 of the other
contestants (`neural_style`, float32) up to relu4_2, instead of torchvision's VGG-16 up to relu4_3:
the race compares algorithms, not kernels. Its style is not also rotated by 90°, 180° and 270°. Maps
of at most 64 positions a side are used whole in stage B; the published program uses the previous
map's sample for those, by mistake. There is no content term and no final change of colors, as in
the published program by default.
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
"""Detail levels in the pyramid of the full size; fewer where a side would vanish."""

SMALLEST = 64
"""Minimum of the smallest size's longer side, in pixels."""

BLANK = 3
"""Number of the finest detail levels that the start picture lacks."""

STEPS = 200
"""Steps at each size of stage A, and in stage B."""

RATE = 2e-3
"""Learning rate of Adam, for a picture in [0, 1]."""

CANVAS_SHARE = 0.25
"""Share of the canvas in the picture that is matched; the rest is content."""

SIDE = 64
"""Minimum of positions along a map's longer side after subsampling for stage B."""

CHUNK_BYTES = 64_000_000
"""Bytes of similarities held at a time."""

FLOOR = 1e-8
"""Minimum of the squared norm of a position's activations."""


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
    """VGG-19 up to relu4_2 with the packaged weights, in float32, with zero padding."""
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
        content: At the final size: (1, 3, H, W) in [0, 1].
        style: The style image, resized for the full size.
        steps: Steps at each size of stage A.
        final_steps: Steps of stage B.
        seed: Seed of the offsets of subsampling.
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
    """Number of sizes: how often the picture can be halved down to `SMALLEST`, plus one."""
    return max(0, int(math.log2(max(content.shape[-2:]) / SMALLEST))) + 1


def split(image: Tensor, levels: int) -> list[Tensor]:
    """The Laplacian pyramid: `levels` details, finest first, and the coarsest picture."""
    pyramid = []
    for _ in range(levels):
        height, width = image.shape[-2:]
        smaller = interpolate(image, (height // 2, width // 2), mode="bilinear")
        pyramid.append(image - interpolate(smaller, (height, width), mode="bilinear"))
        image = smaller
    return [*pyramid, image]


def join(pyramid: list[Tensor]) -> Tensor:
    """The inverse of `split`."""
    *details, image = pyramid
    for detail in reversed(details):
        image = detail + interpolate(image, detail.shape[-2:], mode="bilinear")
    return image


def descend(
    pyramid: list[Tensor], loss: Callable[[Tensor], Tensor], steps: int
) -> Iterator[tuple[int, Tensor, float]]:
    """Yields after each step of Adam: step number, picture, and the loss before the step."""
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
        """Hypercolumns at H/4 × W/4 positions: positions × channels, each map over its channels."""
        grid = tuple(max(1, side // 4) for side in picture.shape[-2:])
        maps = [
            interpolate(found / found.shape[1], grid, mode="bilinear", align_corners=True)
            for found in look(self.network, picture).values()
        ]
        return places(torch.cat(maps, dim=1))


class SeparateLoss:
    """Stage B: sum over maps of the mean of 1 − cos to the nearest position, found at each call."""

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
    """A map (1, C, H, W) as H·W positions × C channels."""
    return features[0].flatten(1).T


def unit(vectors: Tensor) -> Tensor:
    """Each row divided by its length."""
    return vectors / vectors.square().sum(1, keepdim=True).clamp_min(FLOOR).sqrt()


def nearest(queries: Tensor, bank: Tensor) -> Tensor:
    """For each query, the index of the bank's row with the greatest cosine, both sides centered."""
    queries = normalize(queries - queries.mean(0))
    bank = normalize(bank - bank.mean(0)).T.contiguous()
    rows = max(1, CHUNK_BYTES // (bank.element_size() * bank.shape[1]))
    return torch.cat([(part @ bank).argmax(1) for part in queries.split(rows)])
