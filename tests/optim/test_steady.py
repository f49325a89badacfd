"""Very long runs: losses keep falling, and flat or clipped areas do not grow."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.long_runs import extreme_share, flat_share
from neural_style import Settings, load_image, stylize
from neural_style.images.files import resize
from tests.conftest import EXAMPLES
from tests.small_pictures import grainy

ARTICLE = {
    "statistic": "gram",
    "init": "noise",
    "noise_ratio": 0.0,
    "scales": 1,
    "optimizer": "adam",
    "loss_units": "absolute",
    "content_weight": 5.0,
    "style_weight": 100.0,
    "style_layers": {
        "relu1_1": 1.0,
        "relu2_1": 1.0,
        "relu3_1": 1.0,
        "relu4_1": 1.0,
        "relu5_1": 1.0,
    },
    "tv_weight": 100.0,
}
"""White noise as the start, optimized by Adam; `GUARDED` sets steps of ten levels."""

GUARDED = ARTICLE | {"learning_rate": 10 / 255}
TINY = GUARDED | {"tv_weight": 1.0}
"""For a network whose activations are a hundred times smaller than VGG-19's."""

NOISE = 0.4
"""Share of noise in the pictures, so that every flat patch of a result is an artifact."""


def run(pictures, every, **settings):
    frames = {}
    for frame in stylize(*pictures, Settings(**settings), every=every):
        assert all(math.isfinite(value) for value in frame.losses.values())
        assert frame.image.isfinite().all()
        frames[frame.iteration] = frame
    return frames


def assert_steady(frames, early):
    totals = [sum(frames[iteration].losses.values()) for iteration in sorted(frames)]
    assert totals == sorted(totals, reverse=True)
    first, last = frames[early], frames[max(frames)]
    assert sum(last.losses.values()) < sum(first.losses.values())
    assert flat_share(last.image) <= flat_share(first.image) + 0.01
    assert extreme_share(last.image) <= 2 * extreme_share(first.image) + 0.01


def test_flat_share_counts_flat_blocks():
    assert flat_share(torch.full((1, 3, 16, 16), 0.5)) == 1
    assert flat_share(torch.rand(1, 3, 16, 16)) == 0
    half = torch.rand(1, 3, 16, 16)
    half[..., :8] = 0.4
    assert flat_share(half) == 0.5
    assert flat_share(grainy(64, 64, 1, NOISE)) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_long_runs_are_steady(optimizer):
    settings = TINY | {"optimizer": optimizer, "learning_rate": 0.0, "iterations": 1000}
    frames = run([grainy(48, 64, 1, NOISE), grainy(64, 48, 2, NOISE)], 50, size=64, **settings)
    assert_steady(frames, early=100)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("tiny")
def test_100_000_iterations_are_steady():
    pictures = [grainy(32, 64, 1, NOISE), grainy(64, 64, 2, NOISE)]
    frames = run(pictures, 1000, size=64, precision="fp32", iterations=100_000, **TINY)
    assert_steady(frames, early=1000)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_10_000_iterations_with_real_network_are_steady():
    pictures = [
        resize(load_image(EXAMPLES / "content/summer-palace.jpg"), 64, 96),
        resize(load_image(EXAMPLES / "style/cafe-terrace-at-night.jpg"), 96, 76),
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    frames = run(
        pictures,
        250,
        size=96,
        iterations=10_000,
        network_weights="packaged",
        border="zeros",
        **GUARDED,
    )
    torch.set_num_threads(threads)
    assert_steady(frames, early=1000)
