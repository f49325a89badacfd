"""Optical flow between frames, where it can be trusted, and pictures moved along it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, max_pool2d

from neural_style.errors import SettingsError
from neural_style.images.color import luma
from neural_style.tensors import FlowField, ImageTensor, Mask

FlowOf = Callable[[ImageTensor, ImageTensor], FlowField]
"""A function from two frames of one size to the place in the second of each pixel of the first,
relative to the pixel."""


class Motion(NamedTuple):
    """How a frame comes from the last one.

    Attributes:
        flow: From each pixel of this frame to its place in the last one.
        alike: 1 where the last frame, moved along, looks like this one, 0 elsewhere, with soft
            edges. Far from where motion changes it is enough to look about alike: among stripes
            the flow often leads beside them. Near a moving thing its background would be dragged
            along, a little with each frame.
        trust: 1 where it does so in detail, and forward and backward flow agree.
    """

    flow: FlowField
    alike: Mask
    trust: Mask


def find_motion(frame: ImageTensor, last: ImageTensor, flow_of: FlowOf) -> Motion:
    """The motion from the last frame to this one, both of one size."""
    backward, forward = flow_of(frame, last), flow_of(last, frame)
    alike, same = _same_colors(frame, last, backward)
    trusted = same & agreement(backward, forward) & ~_edges(backward)
    return Motion(backward, _soft(alike), _soft(trusted))


def warp(image: Tensor, flow: FlowField) -> Tensor:
    """The picture moved along the flow: each pixel taken, bicubically, from its place in `image`.

    Places outside the picture take the nearest pixel of its border.

    Args:
        image: 1 × channels × height × width.
        flow: From each pixel of the result to its place in the picture, of the same size.
    """
    moved = grid_sample(image, _grid(flow), "bicubic", "border", align_corners=True)
    low, high = image.amin((2, 3), keepdim=True), image.amax((2, 3), keepdim=True)
    return moved.clamp(low, high)


def agreement(backward: FlowField, forward: FlowField) -> Tensor:
    """Where following the flow there and back again leads to the same place: height × width.

    Sundaram, Brox and Keutzer 2010 as in Ruder et al. (arXiv 1604.08610), eq. 5:
    |w̃ + ŵ|² ≤ 0.01 (|w̃|² + |ŵ|²) + 0.5. A place outside the last frame does not agree.

    Args:
        backward: ŵ, from this frame to the last.
        forward: From the last frame to this one; moved along ŵ it is w̃.
    """
    grid = _grid(backward)
    back = grid_sample(forward, grid, "bilinear", "border", align_corners=True)
    off = (back + backward).square().sum(1)
    length = back.square().sum(1) + backward.square().sum(1)
    inside = (grid.abs() <= 1).all(3)
    return (inside & (off <= _RELATIVE * length + _ABSOLUTE))[0]


def flow_by_dis(frame: ImageTensor, other: ImageTensor) -> FlowField:
    """Dense inverse search (Kroeger et al., arXiv 1603.03590), by OpenCV.

    Raises:
        SettingsError: OpenCV is not installed.
    """
    try:
        opencv = import_module("cv2")
    except ImportError as error:
        raise SettingsError("film.no_opencv") from error
    search = opencv.DISOpticalFlow_create(opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = (
        (255 * luma(picture)[0, 0]).round().clamp(0, 255).byte().numpy()
        for picture in (frame, other)
    )
    found = search.calc(first, second, None)
    return torch.from_numpy(found).permute(2, 0, 1)[None].contiguous()


def _grid(flow: FlowField) -> Tensor:
    """The places that the flow leads to, as `grid_sample` takes them: 1 × height × width × 2."""
    height, width = flow.shape[-2:]
    across = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 0]
    down = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 1]
    return torch.stack(
        [2 * across / max(1, width - 1) - 1, 2 * down / max(1, height - 1) - 1], dim=3
    )


def _edges(flow: FlowField) -> Tensor:
    """Edges of moving things, where flow is blurred: Ruder et al., eq. 6; height × width."""
    steep = flow.new_zeros(flow.shape[-2:])
    steep[:-1] += flow.diff(dim=2).square().sum((0, 1))
    steep[:, :-1] += flow.diff(dim=3).square().sum((0, 1))
    return steep > _EDGE_RELATIVE * flow.square().sum(1)[0] + _EDGE_ABSOLUTE


def _same_colors(frame: ImageTensor, last: ImageTensor, flow: FlowField) -> tuple[Tensor, Tensor]:
    """`Motion.alike` before it is made soft, and where it is so in detail: height × width.

    No place outside the last frame is.
    """
    inside = (_grid(flow).abs() <= 1).all(3)[0]
    off = frame - warp(last, flow)
    about = _mean_around(off, _ABOUT).abs().mean(1)[0]
    detail = _mean_around(off.abs(), _DETAIL).mean(1)[0]
    lowest, highest = -_highest_around(-flow, _NEAR), _highest_around(flow, _NEAR)
    near = ((highest - lowest) > _CHANGE).any(1)[0]
    same = inside & (detail <= torch.where(near, _OFF_NEAR, _OFF_IN_DETAIL))
    return same | (inside & ~near & (about <= _OFF_ABOUT)), same


def _mean_around(x: Tensor, side: int) -> Tensor:
    return avg_pool2d(x, side, 1, side // 2, count_include_pad=False)


def _highest_around(x: Tensor, side: int) -> Tensor:
    """The maximum of the square around each pixel: of its columns, then of their maxima."""
    return max_pool2d(max_pool2d(x, (side, 1), 1, (side // 2, 0)), (1, side), 1, (0, side // 2))


def _soft(trusted: Tensor) -> Mask:
    """The mask without specks, and with edges that are soft on the trusted side."""
    doubted = 1 - trusted.float()[None, None]
    # Specks narrower than three pixels vanish; what stays grows by one pixel.
    doubted = max_pool2d(1 - max_pool2d(1 - doubted, 3, 1, 1), 5, 1, 2)
    blurred = avg_pool2d(doubted, 5, 1, 2, count_include_pad=False)
    return 1 - torch.maximum(doubted, blurred)


_RELATIVE, _ABSOLUTE = 0.01, 0.5
_EDGE_RELATIVE, _EDGE_ABSOLUTE = 0.01, 0.002

_ABOUT, _DETAIL = 7, 3
"""Sides in pixels of the squares over which differences of color are averaged."""

_OFF_ABOUT, _OFF_IN_DETAIL, _OFF_NEAR = 0.08, 0.1, 0.05
"""Mean differences of color above which a place is not the same: signed ones, which cancel out
among stripes; absolute ones; and these where motion changes nearby. Chosen by looking at the sample
film."""

_NEAR, _CHANGE = 25, 1.5
"""Motion changes nearby where it differs by more pixels within a square of that side."""
