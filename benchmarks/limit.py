"""Compares the time of an iteration with that of its convolutions alone; prints JSON.

`python -m benchmarks.limit CONTENT STYLE PRECISION`: both are timed in this process, alternating:
first iterations at the start of a run, then with a full L-BFGS history.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from neural_style import BACKBONES, PRESETS, load_image
from neural_style.devices import choose_precision
from neural_style.network.extractor import Network, load_network
from neural_style.network.strips import cut_network
from neural_style.network.weights import load_weights
from neural_style.objective import StyleTarget, make_objective
from neural_style.optim.canvas import spectral_canvas
from neural_style.optim.engines import ENGINES
from neural_style.optim.optimize import optimize
from neural_style.run.job import loss_config_of

ROUNDS = 12


def main() -> None:
    content, style = load_image(sys.argv[1]), load_image(sys.argv[2])
    cpu = torch.device("cpu")
    dtype = choose_precision(sys.argv[3], cpu)
    backbone, weights = BACKBONES["vgg19"], load_weights("vgg19", "packaged")
    loss_config = loss_config_of(backbone, PRESETS["classic"])
    layers = {*loss_config.content_layers, *loss_config.style_layers}
    options = {"device": cpu, "dtype": dtype, "layers": layers}
    network = load_network(backbone.build(), weights.tensors, weights.units, **options)
    segments = cut_network(network, layers)
    height, width = content.shape[-2:]
    choice = ENGINES["fast"].optimizers["lbfgs"]
    iterates = optimize(
        make_objective(network, segments, content, [StyleTarget(style, 1.0)], loss_config),
        content,
        spectral_canvas(height, width, cpu),
        choice.make(choice.rate, choice.history, choice.history_dtype),
        10**6,
    )
    bare = _convolutions(network, height, width)
    begun, filled, convolutions = [], [], []
    for loop in (begun, filled):
        for _ in range(ROUNDS):
            loop.append(_seconds(lambda: next(iterates)))
            convolutions.append([_seconds(one) for one in bare])
        for _ in range(choice.history if loop is begun else 0):
            next(iterates)
    limit = sum(min(times) for times in zip(*convolutions))
    found = {"loop": min(begun), "filled": min(filled), "convolutions": limit}
    print(json.dumps(found | {"pixels": height * width}))


def _convolutions(network: Network, height: int, width: int) -> list[Callable[[], object]]:
    """Each layer's convolution and the gradient of its input, on channels_last maps."""
    jobs = []
    layout = {"memory_format": torch.channels_last}
    dtype = network.dtype
    for layer in network.layers.values():
        down, across = height // layer.stride, width // layer.stride
        module = next(iter(layer.stages.values()))
        if isinstance(module, nn.Conv2d):
            weight = torch.rand(module.weight.shape).to(dtype).contiguous(**layout)
            bias = torch.rand(module.bias.shape).to(dtype)
            x = torch.rand(1, weight.shape[1], down, across).to(dtype).contiguous(**layout)
            y = torch.rand(1, weight.shape[0], down, across).to(dtype).contiguous(**layout)
            jobs.append(lambda x=x, y=y, w=weight, b=bias: _forth_and_back(x, y, w, b))
    return jobs


def _forth_and_back(x, y, weight, bias):
    torch.conv2d(x, weight, bias, padding=1)
    return torch.ops.aten.convolution_backward(
        y, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, False, False]
    )


def _seconds(job: Callable[[], object]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
