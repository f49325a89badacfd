"""Canvases: encoding, decoding, and gradients in the canvas's coordinates."""

from __future__ import annotations

import pytest
import torch

from neural_style.optim.canvas import level_canvas, pixel_canvas, spectral_canvas
from tests.conftest import picture

CPU = torch.device("cpu")


@pytest.mark.parametrize("canvas", [pixel_canvas, level_canvas, spectral_canvas])
@pytest.mark.parametrize("shape", [(48, 64), (37, 53), (64, 64)])
def test_decode_inverts_encode(canvas, shape):
    image = picture(*shape)
    there = canvas(*shape, CPU)
    assert torch.allclose(there.decode(there.encode(image)), image, atol=1e-5)


def test_spectral_gain_falls_with_frequency():
    canvas = spectral_canvas(32, 32, CPU)
    moved = {}
    for row, column in ((0, 0), (0, 1), (8, 0), (31, 31)):
        numbers = torch.zeros(1, 3, 32, 32)
        numbers[0, 0, row, column] = 1
        moved[row, column] = canvas.decode(numbers).norm().item()
    # f = ½·√(row² + column²)/32, at least 1/64, and the gain is √(½/f).
    assert moved[0, 0] == moved[0, 1] == pytest.approx((0.5 / (1 / 64)) ** 0.5, rel=1e-4)
    assert moved[8, 0] == pytest.approx((0.5 / (8 / 64)) ** 0.5, rel=1e-4)
    assert moved[31, 31] == pytest.approx((0.5 / (2**0.5 * 31 / 64)) ** 0.5, rel=1e-4)


def test_spectral_canvas_does_not_couple_opposite_borders():
    """A ramp is discontinuous for a Fourier basis, which wraps, but not for a cosine basis."""
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 48, 64).contiguous()
    flat_gain = spectral_canvas(48, 64, CPU)
    numbers = flat_gain.encode(ramp)
    low = torch.zeros_like(numbers)
    low[..., :8, :8] = numbers[..., :8, :8]
    assert (flat_gain.decode(low) - ramp).abs().max() < 0.03


def test_level_canvas_encodes_to_0_to_255():
    image = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
    assert level_canvas(1, 1, CPU).encode(image).flatten().tolist() == [0, 127.5, 255]


@pytest.mark.parametrize("canvas", [pixel_canvas, level_canvas, spectral_canvas])
def test_pull_is_transpose_of_decode(canvas):
    there = canvas(37, 53, CPU)
    numbers, gradient = torch.randn(2, 1, 3, 37, 53, generator=torch.Generator().manual_seed(1))
    through_picture = (there.decode(numbers) * gradient).sum().item()
    assert (numbers * there.pull(gradient)).sum().item() == pytest.approx(through_picture, rel=1e-3)


@pytest.mark.parametrize("shape", [(5, 8), (16, 7), (31, 32)])
def test_spectral_encode_matches_explicit_cosine_transform(shape):
    height, width = shape
    image = picture(height, width)
    numbers = spectral_canvas(height, width, CPU).encode(image)

    def cosines(length: int) -> torch.Tensor:
        k, x = torch.arange(length)[:, None], torch.arange(length)[None, :]
        basis = torch.cos(torch.pi / length * (x + 0.5) * k) * (2 / length) ** 0.5
        return basis / torch.where(k == 0, 2**0.5, 1.0)

    waves = torch.einsum("yh,xw,bchw->bcyx", cosines(height), cosines(width), image)
    down, across = torch.arange(height)[:, None] / height, torch.arange(width)[None, :] / width
    frequency = (down**2 + across**2).sqrt().clamp_min(1 / max(height, width))
    assert torch.allclose(numbers, waves * frequency.sqrt(), atol=1e-5)
