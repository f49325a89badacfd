"""Autograd functions against plain autograd: values, gradients and memory formats."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool2d

from neural_style.network.autograd import (
    gram_of_rows,
    is_2x2_max_pool,
    relu_max_pool,
    sample_positions,
    slice_rows,
)
from neural_style.objective.losses import channel_products

ROWS = [slice(0, 7), slice(2, 5), slice(0, 3), slice(4, 7)]


def features(layout=torch.channels_last):
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(1, 5, 7, 6, generator=generator, dtype=torch.float64)
    return x.contiguous(memory_format=layout).requires_grad_()


def pull_back(x, onward, products, weights):
    return torch.autograd.grad([onward.square().sum(), (products * weights).sum()], x)[0]


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gram_of_rows_matches_plain_autograd_on_slice(rows, layout):
    x, weights = features(layout), torch.rand(5, 5, dtype=torch.float64)
    onward, products = gram_of_rows(x, rows)
    expected = channel_products(x[:, :, rows])
    assert torch.equal(onward, x)
    torch.testing.assert_close(products, expected)
    torch.testing.assert_close(
        pull_back(x, onward, products, weights), pull_back(x, x, expected, weights)
    )


def test_gram_of_rows_accepts_missing_output_gradients():
    x = features()
    onward, products = gram_of_rows(x, ROWS[1])
    (alone,) = torch.autograd.grad(products.sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad(channel_products(x[:, :, ROWS[1]]).sum(), x)
    torch.testing.assert_close(alone, expected)
    assert torch.equal(torch.autograd.grad(onward.sum(), x)[0], torch.ones_like(x))


def test_gradients_of_two_gram_matrices_of_one_map_add_up():
    x = features()
    onward, first = gram_of_rows(x, ROWS[0])
    onward, second = gram_of_rows(onward, ROWS[1])
    (found,) = torch.autograd.grad([first.sum(), second.sum(), onward.sum()], x)
    parts = [channel_products(x[:, :, rows]).sum() for rows in ROWS[:2]]
    (expected,) = torch.autograd.grad([*parts, x.sum()], x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_slice_rows_matches_slice_with_channels_last_gradient(rows):
    x = features()
    weights = torch.rand_like(x.detach()[:, :, rows])
    taken = slice_rows(x, rows)
    assert torch.equal(taken, x[:, :, rows])
    (found,) = torch.autograd.grad((taken * weights).sum(), x)
    (expected,) = torch.autograd.grad((x[:, :, rows] * weights).sum(), x)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


POSITIONS = [
    (slice(0, None, 1), slice(0, None, 1)),
    (slice(2, 6, 3), slice(1, None, 2)),
    (slice(6, 6, 2), slice(0, None, 1)),  # a strip without any position
]


@pytest.mark.parametrize(("rows", "columns"), POSITIONS, ids=str)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_sample_positions_matches_plain_autograd_on_slice(rows, columns, layout):
    x = features(layout)
    expected = x[:, :, rows, columns]
    weights = torch.rand_like(expected.detach())
    onward, sampled = sample_positions(x, rows, columns)
    assert torch.equal(onward, x)
    assert torch.equal(sampled, expected)
    torch.testing.assert_close(
        pull_back(x, onward, sampled, weights), pull_back(x, x, expected, weights)
    )


def test_sample_positions_accepts_missing_output_gradients():
    x = features()
    onward, sampled = sample_positions(x, *POSITIONS[1])
    (alone,) = torch.autograd.grad(sampled.square().sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad(x[:, :, POSITIONS[1][0], POSITIONS[1][1]].square().sum(), x)
    torch.testing.assert_close(alone, expected)
    assert torch.equal(torch.autograd.grad(onward.sum(), x)[0], torch.ones_like(x))


def test_gradients_of_gram_matrix_and_samples_add_up():
    """A layer may be used for both matches and moments."""
    x = features()
    onward, products = gram_of_rows(x, ROWS[0])
    onward, sampled = sample_positions(onward, *POSITIONS[1])
    (found,) = torch.autograd.grad([products.sum(), sampled.square().sum(), onward.sum()], x)
    parts = [
        channel_products(x[:, :, ROWS[0]]),
        x[:, :, POSITIONS[1][0], POSITIONS[1][1]].square(),
        x,
    ]
    (expected,) = torch.autograd.grad([part.sum() for part in parts], x)
    torch.testing.assert_close(found, expected)


def test_passed_on_features_keep_strides():
    """With other strides in the batch dimension, torch would copy the map."""
    x = features()
    for onward, _ in (gram_of_rows(x, slice(0, 7)), sample_positions(x, slice(0, 7), slice(0, 6))):
        assert onward.stride() == x.stride()


DTYPES = [torch.float32, torch.bfloat16]


def activations(height: int, width: int, dtype: torch.dtype) -> torch.Tensor:
    """Activations of which half are negative and some equal their neighbors."""
    generator = torch.Generator().manual_seed(height)
    x = torch.randn(1, 20, height, width, generator=generator).mul(4).round() / 4
    return x.to(dtype).requires_grad_()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("size", [(2, 2), (4, 6), (5, 8), (31, 37)])
def test_relu_max_pool_is_bitwise_equal_to_torch(size, layout, dtype):
    x = activations(*size, dtype).detach().contiguous(memory_format=layout).requires_grad_()
    expected = max_pool2d(x.relu(), 2)
    pull = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    made = relu_max_pool(x)
    assert torch.equal(made, expected)
    (slope,), (wanted,) = (torch.autograd.grad(out, x, pull) for out in (made, expected))
    assert torch.equal(slope, wanted)
    assert size == (2, 2) or slope.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_relu_max_pool_propagates_nan_and_infinity(dtype, sign):
    x = torch.ones(1, 3, 2, 6, dtype=dtype)
    x[0, 1, 0, 1] = torch.copysign(torch.tensor(torch.nan), torch.tensor(float(sign)))
    x[0, 1, 1, 3] = sign * torch.inf
    made = relu_max_pool(x)[0, 1, 0].tolist()
    assert made[0] != made[0]
    assert made[1:] == [torch.inf if sign > 0 else 1.0, 1.0]


def test_relu_max_pool_does_not_save_its_input():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        made = relu_max_pool(activations(8, 8, torch.float32))
    assert {(x.dtype, x.shape) for x in kept} == {
        (torch.float32, made.shape),
        (torch.int64, made.shape),
    }


def test_is_2x2_max_pool_accepts_only_plain_2x2_pooling():
    assert is_2x2_max_pool(nn.MaxPool2d(2, 2))
    others = [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 2, ceil_mode=True), nn.ReLU()]
    assert not any(map(is_2x2_max_pool, others))
