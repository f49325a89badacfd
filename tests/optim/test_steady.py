"""Very long runs: nothing drifts to gray, blows up or gets worse."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.long_runs import extreme_share, flat_share
from neural_style import Settings, load_image, stylize
from neural_style.images.files import resize
from tests.conftest import EXAMPLES, picture

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
"""From white noise with Adam at ten levels a step."""

GUARDED = ARTICLE | {"learning_rate": 10 / 255}
TINY = GUARDED | {"tv_weight": 1.0}
"""For a network whose activations are a hundred times smaller than VGG-19's."""


def grainy(height: int, width: int, seed: int) -> torch.Tensor:
    """A picture without flat patches, so that every flat one in a result is an artifact."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    return torch.lerp(picture(height, width, seed), noise, 0.4)


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


def test_flat_patches_are_counted():
    assert flat_share(torch.full((1, 3, 16, 16), 0.5)) == 1
    assert flat_share(torch.rand(1, 3, 16, 16)) == 0
    half = torch.rand(1, 3, 16, 16)
    half[..., :8] = 0.4
    assert flat_share(half) == 0.5
    assert flat_share(grainy(64, 64, 1)) == 0


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("optimizer", "iterations"),
    [
        ("lbfgs", 250),
        pytest.param("lbfgs", 1000, marks=pytest.mark.slow),
        pytest.param("adam", 1000, marks=pytest.mark.slow),
    ],
)
def test_long_runs_are_steady(optimizer, iterations):
    settings = TINY | {"optimizer": optimizer, "learning_rate": 0.0, "iterations": iterations}
    frames = run([grainy(48, 64, 1), grainy(64, 48, 2)], 50, size=64, **settings)
    assert_steady(frames, early=100)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.usefixtures("tiny")
def test_a_hundred_thousand_iterations_are_steady():
    pictures = [grainy(32, 64, 1), grainy(64, 64, 2)]
    frames = run(pictures, 1000, size=64, precision="fp32", iterations=100_000, **TINY)
    assert_steady(frames, early=1000)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_ten_thousand_iterations_with_the_real_network_are_steady():
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
