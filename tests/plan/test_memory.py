"""The memory plan: its choices, its messages and its errors; free memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from neural_style import BACKBONES, Settings, SettingsError, stylize
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.plan import memory
from neural_style.plan.memory import bytes_in_use, free_bytes, plan_memory
from neural_style.plan.schedule import Scale
from tests.conftest import picture, seeded_weights, tiny_vgg

CPU = torch.device("cpu")
BACKBONE = BACKBONES["vgg19"]
LAYERS = {*BACKBONE.content_layers, *BACKBONE.style_layers}
BASE = 600_000_000
FINE_ON_AN_H100 = {(683, 1024): 1.6, (1366, 2048): 5.4, (2733, 4096): 21.0}
"""Size → measured peak of a `fine` run in bfloat16, in GB."""


@pytest.fixture
def vgg(monkeypatch):
    """VGG-19 with uninitialized weights, in a program that holds 600 MB; 1 TB is free."""
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: BASE)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10**12)
    return load_uninitialized_vgg(torch.bfloat16)


def load_uninitialized_vgg(dtype, layers=LAYERS):
    stages = BACKBONE.build()
    weights = {
        f"{name}.{key}": torch.empty(value.shape)
        for name, module in stages.items()
        for key, value in module.state_dict().items()
    }
    options = {"device": CPU, "dtype": dtype, "layers": layers}
    return load_network(stages, weights, TORCHVISION, **options)


def plan(network, size, limit_gb, history=60):
    scale = Scale(round(size * 2 / 3), size, 100)
    return plan_memory(network, LAYERS, scale, history, torch.bfloat16, CPU, limit_gb)


def test_plan_with_enough_memory_has_no_strips_and_full_history(vgg):
    assert plan(vgg, 512, 100.0)[0] == {}
    assert plan(vgg, 512, 100.0).history == 60
    assert plan(vgg, 512, 100.0).note is None


def test_plan_fits_the_limit_and_uses_strips_only_if_needed(vgg):
    seen = [plan(vgg, 2048, 12.0)]
    for limit in (8.0, 6.0, 5.2, 4.2, 3.7, 3.2):
        chosen = plan(vgg, 2048, limit)
        assert chosen.bytes <= limit * 1e9
        if seen[-1].bytes <= limit * 1e9:
            assert chosen == seen[-1]
        else:
            assert chosen.bytes < seen[-1].bytes
            seen.append(chosen)
    # First fewer pairs, then strips, then both, then thinner strips.
    rows = [one.rows.get("pool2", 1365) for one in seen]
    assert rows == sorted(rows, reverse=True)
    assert [(len(one.rows), one.history) for one in seen] == [
        *((0, 60), (0, 20), (1, 60), (1, 20), (1, 20))
    ]
    assert rows[-1] < rows[-2]
    assert "strips of" in str(plan(vgg, 2048, 3.2).note)
    assert "steps remembered" in str(plan(vgg, 2048, 3.2).note)


def test_estimated_bytes_are_proportional_to_pixels(vgg):
    needs = [
        plan(vgg, size, 1000.0).bytes - BASE - memory.OVERHEADS["cpu"].fixed
        for size in (512, 1024, 2048)
    ]
    assert needs[1] == pytest.approx(4 * needs[0], rel=0.01)
    assert needs[2] == pytest.approx(4 * needs[1], rel=0.01)


@pytest.mark.parametrize(
    ("statistic", "size", "peak"),
    [("gram", (342, 512), 0.5)]
    + [("nearest", size, peak) for size, peak in FINE_ON_AN_H100.items()],
)
def test_plan_for_cuda_is_near_the_peaks_of_an_h100(statistic, size, peak, monkeypatch):
    """The peaks of docs/benchmarks.md."""
    monkeypatch.setattr(memory, "free_bytes", lambda device: 80_000_000_000)
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: 40_000_000)  # weights, pictures
    matched = BACKBONE.match_layers if statistic == "nearest" else {}
    layers = {*BACKBONE.content_layers, *(matched or BACKBONE.style_layers)}
    network = load_uninitialized_vgg(torch.bfloat16, layers)
    planned = plan_memory(
        *(network, layers, Scale(*size, 60), 60, torch.bfloat16, torch.device("cuda"), 0.0),
        styles=[(500, 401)],
        matched=matched,
    )
    assert planned.bytes / 1e9 == pytest.approx(peak, rel=0.15)


def test_float32_needs_more_memory_than_bfloat16(vgg):
    float32 = load_uninitialized_vgg(torch.float32)
    assert plan(float32, 1024, 100.0).bytes > plan(vgg, 1024, 100.0).bytes


def test_too_large_picture_raises_error_with_a_fitting_size(vgg):
    with pytest.raises(SettingsError, match=r"needs about \d+\.\d\d GB.*2\.00 GB is a") as refused:
        plan(vgg, 4096, 2.0)
    size = int(str(refused.value).split("size ")[1].split()[0])
    assert 512 < size < 4096
    assert plan(vgg, size, 2.0).bytes <= 2e9


def test_proposed_size_of_a_narrow_picture_fits(vgg):
    """Smaller sizes of it have fewer rows than the network's deepest layer needs for one."""

    def planned(width: int, limit_gb: float) -> int:
        side = min(1000, width)
        scale = Scale(max(1, width // 20), width, 100)
        styles = [(side, side)]
        return plan_memory(vgg, LAYERS, scale, 60, None, CPU, limit_gb, styles=styles).bytes

    with pytest.raises(SettingsError, match="No size would fit") as refused:
        planned(2000, 0.1)
    limit = refused.value.message.values["needed"] - 0.08
    with pytest.raises(SettingsError, match="About size") as refused:
        planned(2000, limit)
    size = refused.value.message.values["fitting"]
    assert planned(size, limit) <= limit * 1e9


def test_limit_too_low_for_any_size_raises_settings_error(vgg):
    with pytest.raises(SettingsError, match="No size would fit"):
        plan(vgg, 512, 0.1)


@pytest.mark.usefixtures("tiny")
def test_strips_are_noted_in_frames_and_barely_change_the_picture(monkeypatch):
    pictures = picture(192, 256, seed=1), picture(80, 64, seed=2)
    run = {"iterations": 6, "size": 256, "scales": 1, "precision": "fp32", "optimizer": "adam"}
    run["statistic"] = "gram"
    *_, whole = stylize(*pictures, Settings(**run))
    assert str(whole.note) == "vgg19 weights: tiny, for tests"
    monkeypatch.setattr(memory, "bytes_in_use", lambda device: 0)
    monkeypatch.setitem(memory.OVERHEADS, "cpu", memory.OVERHEADS["cpu"]._replace(fixed=0))
    monkeypatch.setattr(memory, "FRAGMENTS", 0)
    monkeypatch.setattr(memory, "STRIP_PIXELS", (16_384,))
    *_, strips = stylize(*pictures, Settings(**run, memory_gb=0.012))
    note = "vgg19 weights: tiny, for tests; about 0.0 GB with strips of 64 rows"
    assert str(strips.note).startswith(note)
    assert (strips.image - whole.image).abs().max() < 0.02


def test_limit_above_free_memory_has_no_effect(vgg, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 6_000_000_000)
    assert plan(vgg, 4096, 64.0) == plan(vgg, 4096, 0.0)
    assert plan(vgg, 4096, 64.0).bytes <= BASE + 0.9 * 6e9


def test_estimate_includes_a_large_style_image(vgg):
    scale = Scale(96, 1408, 100)
    need = [
        plan_memory(vgg, LAYERS, scale, 60, None, CPU, 50.0, styles=styles).bytes
        for styles in ([], [(96, 1408)], [(1408, 1408)])
    ]
    assert need[0] < need[1] < 0.85 * need[2]


@pytest.mark.usefixtures("tiny")
def test_too_low_limit_raises_before_the_run():
    with pytest.raises(SettingsError, match=r"0\.00 GB is available"):
        next(stylize(picture(64, 64), picture(64, 64), Settings(memory_gb=0.001)))


def test_memory_of_the_gpu_that_is_kept_for_tensors_is_free(monkeypatch):
    numbers = {"mem_get_info": (5, 9), "memory_reserved": 3, "memory_allocated": 2}
    for name, number in numbers.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, number=number: number)
    cuda = torch.device("cuda")
    assert (free_bytes(cuda), bytes_in_use(cuda)) == (6, 2)


def test_free_bytes_are_the_least_that_machine_and_limits_allow(monkeypatch):
    assert free_bytes(CPU) > 0
    machine = SimpleNamespace(available=5_000_000_000)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: machine)
    for allowed, free in (
        ([400_000_000, 900_000_000], 400_000_000),
        ([], 5_000_000_000),
        ([9_000_000_000], 5_000_000_000),
        ([-1], 0),
    ):
        monkeypatch.setattr(memory, "allowed_bytes", lambda allowed=allowed: allowed)
        assert free_bytes(CPU) == free


def test_plan_for_the_tiny_network_has_no_strips():
    stages = tiny_vgg()
    network = load_network(stages, seeded_weights(stages), TORCHVISION, device=CPU)
    assert plan_memory(network, LAYERS, Scale(64, 96, 5), 60, None, CPU, 0).rows == {}
