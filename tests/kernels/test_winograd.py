"""Winograd convolution against direct convolution."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from neural_style.kernels import winograd
from neural_style.kernels.compiled import compiled
from neural_style.kernels.winograd import convolve, is_faster, make_kernel

SIZES = [(1, 1), (2, 9), (4, 4), (5, 8), (13, 7), (31, 37)]


def layer(inputs: int, outputs: int, height: int, width: int, dtype: torch.dtype) -> tuple:
    """Activations, weight, bias, and a gradient of the output."""
    generator = torch.Generator().manual_seed(height + width)
    x = torch.randn(1, inputs, height, width, generator=generator)
    weight = torch.randn(outputs, inputs, 3, 3, generator=generator) / (9 * inputs) ** 0.5
    bias = 0.3 * torch.randn(outputs, generator=generator)
    pull = torch.randn(1, outputs, height, width, generator=generator)
    return x.to(dtype).requires_grad_(), weight, bias, pull.to(dtype)


def relative_error(one: torch.Tensor, other: torch.Tensor) -> float:
    return ((one.double() - other.double()).norm() / other.double().norm()).item()


def direct_convolution(x, weight, bias, pull) -> tuple[torch.Tensor, torch.Tensor]:
    """Output before the ReLU, and gradient without one, in double precision."""
    wide = x.detach().double().requires_grad_()
    out = conv2d(wide, weight.double(), bias.double(), padding=1)
    return out.detach(), torch.autograd.grad(out, wide, pull.double())[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(64, 64), (24, 100), (130, 8)])
def test_float32_matches_direct_convolution(channels, size):
    x, weight, bias, pull = layer(*channels, *size, torch.float32)
    out = convolve(x, make_kernel(weight, bias, x.dtype), rectify=False)
    (gradient,) = torch.autograd.grad(out, x, pull)
    expected, slope = direct_convolution(x, weight, bias, pull)
    assert relative_error(out.detach(), expected) < 3e-6
    assert relative_error(gradient, slope) < 3e-6
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [(5, 8), (31, 37)])
def test_bfloat16_error_is_close_to_direct_convolution(size):
    x, weight, bias, pull = layer(64, 128, *size, torch.bfloat16)
    out = convolve(x, make_kernel(weight, bias, x.dtype), rectify=False)
    (gradient,) = torch.autograd.grad(out, x, pull)
    expected, slope = direct_convolution(x, weight, bias, pull)
    plain = conv2d(x, weight.bfloat16(), bias.bfloat16(), padding=1)
    assert relative_error(out.detach(), expected) < 1.1 * relative_error(plain.detach(), expected)
    assert relative_error(gradient, slope) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rectify_applies_relu_to_output_and_gradient(dtype):
    x, weight, bias, pull = layer(64, 64, 11, 14, dtype)
    kernel = make_kernel(weight, bias, dtype)
    whole = convolve(x, kernel, rectify=False)
    out = convolve(x, kernel, rectify=True)
    assert torch.equal(out, whole.relu())
    assert 0.3 < (out > 0).double().mean() < 0.7
    (gradient,) = torch.autograd.grad(out, x, pull)
    (expected,) = torch.autograd.grad(whole, x, pull * (whole > 0))
    assert torch.equal(gradient, expected)


def test_convolution_in_strips_matches_whole_convolution(monkeypatch):
    x, weight, bias, _ = layer(64, 64, 31, 22, torch.float32)
    kernel = make_kernel(weight, bias, x.dtype)
    whole = convolve(x, kernel, rectify=True)
    monkeypatch.setattr(winograd, "_STRIP_BYTES", 1)
    assert relative_error(convolve(x, kernel, rectify=True).detach(), whole.detach()) < 1e-6


def test_memory_formats_give_equal_results():
    x, weight, bias, pull = layer(64, 64, 9, 10, torch.float32)
    kernel = make_kernel(weight, bias, x.dtype)
    out = convolve(x, kernel, rectify=True)
    other = x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    same = convolve(other, kernel, rectify=True)
    assert torch.equal(out, same)
    (one,) = torch.autograd.grad(out, x, pull)
    (two,) = torch.autograd.grad(same, other, pull.contiguous(memory_format=torch.channels_last))
    assert torch.equal(one, two)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_nonfinite_values_propagate(dtype, value):
    x, weight, bias, _ = layer(64, 64, 8, 8, dtype)
    with torch.no_grad():
        x[0, 3, 5, 5] = value
        out = convolve(x, make_kernel(weight, bias, dtype), rectify=False)
    assert not out[:, :, 4:7, 4:7].isfinite().any()


def test_result_is_bitwise_equal_for_any_threads_and_concurrent_calls():
    x, weight, bias, _ = layer(64, 128, 40, 40, torch.float32)
    kernel = make_kernel(weight, bias, x.dtype)
    expected = convolve(x, kernel, rectify=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(convolve(x, kernel, rectify=True), expected)
    finally:
        torch.set_num_threads(threads)
    results = []
    workers = [
        threading.Thread(target=lambda: results.append(convolve(x, kernel, rectify=True)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 4
    assert all(torch.equal(result, expected) for result in results)


def test_is_faster_only_for_wide_plain_3x3_convolutions():
    wide, cases = nn.Conv2d(128, 128, 3, padding=1, device="meta"), [nn.ReLU()]
    assert is_faster(wide, torch.float32)
    assert is_faster(wide, torch.bfloat16)
    for channels, options in [
        (3, {}),
        (128, {"stride": 2}),
        (128, {"dilation": 2}),
        (128, {"groups": 2}),
        (128, {"padding": 0}),
    ]:
        options = {"padding": 1} | options
        cases.append(nn.Conv2d(channels + channels % 2, 128, 3, **options, device="meta"))
    cases.append(nn.Conv2d(128, 128, 1, device="meta"))
    assert not any(is_faster(module, torch.float32) for module in cases)


def test_compiled_works_without_writable_cache():
    space: dict = {}
    exec("def double(x):\n    return 2 * x", space)  # no source file: numba finds no cache folder
    assert compiled()(space["double"])(21) == 42
