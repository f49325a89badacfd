"""Rectifying and pooling in one, against one after the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool2d

from neural_style.kernels.rectified_pool import can_rectify, pool_rectified

SIZES = [(2, 2), (4, 6), (5, 8), (31, 37)]
DTYPES = [torch.float32, torch.bfloat16]
CPU = torch.device("cpu")


def activations(height: int, width: int, dtype: torch.dtype) -> torch.Tensor:
    """Half of them below zero, some equal to their neighbors."""
    generator = torch.Generator().manual_seed(height)
    x = torch.randn(1, 20, height, width, generator=generator).mul(4).round() / 4
    return x.to(dtype).requires_grad_()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_is_the_maximum_of_the_rectified_to_the_bit_and_so_is_its_gradient(size, dtype):
    x = activations(*size, dtype)
    expected = max_pool2d(x.relu(), 2)
    pull = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    made = pool_rectified(x)
    assert torch.equal(made, expected)
    assert made.is_contiguous(memory_format=torch.channels_last)
    (slope,), (wanted,) = (torch.autograd.grad(out, x, pull) for out in (made, expected))
    assert torch.equal(slope, wanted)


def test_any_layout_is_taken():
    x = activations(6, 10, torch.float32).detach()
    other = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(pool_rectified(x), pool_rectified(other))
    assert torch.equal(pool_rectified(other[:, :, 1:5]), pool_rectified(x[:, :, 1:5].clone()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_no_number_stays_none_and_what_is_infinite_so(dtype, sign):
    x = torch.ones(1, 3, 2, 6, dtype=dtype)
    x[0, 1, 0, 1] = torch.copysign(torch.tensor(torch.nan), torch.tensor(float(sign)))
    x[0, 1, 1, 3] = sign * torch.inf
    made = pool_rectified(x)[0, 1, 0].tolist()
    assert made[0] != made[0]
    assert made[1:] == [torch.inf if sign > 0 else 1.0, 1.0]


def test_it_keeps_a_byte_for_each_output():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        made = pool_rectified(activations(8, 8, torch.float32))
    assert [(x.dtype, x.shape) for x in kept] == [(torch.uint8, made.shape)]


def test_only_plain_halving_on_the_cpu_is_done_this_way():
    plain = nn.MaxPool2d(2, 2)
    assert all(can_rectify(plain, CPU, dtype) for dtype in DTYPES)
    cases = [
        (plain, torch.device("cuda"), torch.float32),
        (plain, CPU, torch.float64),
        (nn.MaxPool2d(3, 2, 1), CPU, torch.float32),
        (nn.MaxPool2d(2, 2, ceil_mode=True), CPU, torch.float32),
        (nn.ReLU(), CPU, torch.float32),
    ]
    assert not any(can_rectify(*case) for case in cases)
