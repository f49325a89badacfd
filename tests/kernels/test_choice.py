"""Choice of convolution kernels: numba where it compiles, otherwise torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from neural_style.errors import SettingsError
from neural_style.kernels.choice import choose_kernels
from neural_style.network.architectures import name_vgg_stages
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import LossConfig, StyleTarget, make_objective
from tests.conftest import picture, seeded_weights, tiny_vgg

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16]


def wide_vgg() -> dict[str, nn.Module]:
    """VGG's first five convolutions with their real numbers of channels."""
    layers, channels = [], 3
    for width, depth in ((64, 2), (128, 2), (256, 1)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return name_vgg_stages(layers[:-1])


def evaluate(build, kernels: str, dtype: torch.dtype) -> tuple[dict, torch.Tensor]:
    layers = {"relu1_1": 0.4, "relu2_1": 0.3, "relu3_1": 0.3}
    loss_config = LossConfig(
        content_layers={"relu2_2": 1.0},
        style_layers=layers,
        content=1.0,
        style=20.0,
        tv=0.0,
        tv_form="mean",
        statistic="gram",
        units="relative",
    )
    stages, watched = build(), {"relu2_2", *layers}
    options = {"device": CPU, "dtype": dtype, "layers": watched, "kernels": kernels}
    network = load_network(stages, seeded_weights(stages), TORCHVISION, **options)
    styles = [StyleTarget(picture(52, 60, 2), 1.0)]
    segments = cut_network(network, watched)
    return make_objective(network, segments, picture(70, 45, 1), styles, loss_config)(
        picture(70, 45, 3)
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("build", [tiny_vgg, wide_vgg])
def test_numba_and_torch_kernels_agree(build, dtype, tolerance):
    terms, gradient = evaluate(build, "numba", dtype)
    expected, direct = evaluate(build, "torch", dtype)
    for name, term in expected.items():
        assert terms[name].item() == pytest.approx(term.item(), rel=tolerance)
    assert (gradient - direct).norm() < tolerance * direct.norm()
    assert torch.equal(gradient, direct) == (build is tiny_vgg)


@pytest.mark.parametrize("dtype", DTYPES)
def test_choose_kernels_selects_numba_on_cpu_only(dtype):
    assert choose_kernels("auto", CPU, dtype)
    assert choose_kernels("numba", CPU, dtype)
    assert not choose_kernels("torch", CPU, dtype)
    assert not choose_kernels("auto", torch.device("cuda"), dtype)
    assert not choose_kernels("numba", torch.device("cuda"), dtype)


def test_compilation_failure_falls_back_for_auto_and_raises_for_numba(monkeypatch):
    def fail(dtype: torch.dtype) -> None:
        raise ValueError("No threading layer could be loaded.\nHINT: …")

    monkeypatch.setattr("neural_style.kernels.choice.warm_up", fail)
    assert not choose_kernels("auto", CPU, torch.float32)
    with pytest.raises(
        SettingsError,
        match=r"^kernels numba cannot be used here: No threading layer could be loaded\. "
        r"Install numba, or use auto or torch\.$",
    ):
        choose_kernels("numba", CPU, torch.float32)


NUMBA_NOT_INSTALLED = """
import sys

sys.modules["numba"] = None
from neural_style import Settings, SettingsError, stylize
from tests.conftest import picture

for kernels in ("auto", "torch"):
    run = Settings(iterations=2, size=64, scales=1, network_weights="packaged", kernels=kernels)
    *_, frame = stylize(picture(48, 64), picture(64, 48), run)
    assert frame.image.isfinite().all()
try:
    run = Settings(network_weights="packaged", kernels="numba")
    next(stylize(picture(48, 64), picture(64, 48), run))
except SettingsError as error:
    print(error)
"""

TORCH_SELECTED = """
import sys

from neural_style import Settings, stylize
from tests.conftest import picture

run = Settings(iterations=2, size=64, scales=1, network_weights="packaged", kernels="torch")
*_, frame = stylize(picture(48, 64), picture(64, 48), run)
print("numba" in sys.modules)
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            NUMBA_NOT_INSTALLED,
            "kernels numba cannot be used here: import of numba halted; None in sys.modules. "
            "Install numba, or use auto or torch.",
        ),
        pytest.param(TORCH_SELECTED, "False", marks=pytest.mark.slow),
    ],
    ids=["numba not installed", "torch selected"],
)
def test_stylize_runs_without_numba(script, expected):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr
