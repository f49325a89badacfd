"""Runs with statistic "nearest" on every backbone: random weights, the smallest sizes."""

from __future__ import annotations

import pytest
import torch

from neural_style import BACKBONES, Settings, stylize
from neural_style.plan import schedule
from tests.network.test_backbones import OTHERS, headless, trained
from tests.small_pictures import grainy


@pytest.mark.parametrize("name", OTHERS)
def test_nearest_statistic_runs_on_every_backbone(name, tmp_path, monkeypatch):
    """Two steps of stage cells, then two of stage layers."""
    monkeypatch.setattr(schedule, "_CELLS_ALONE", 2)
    torch.save(headless(trained(name)), tmp_path / "weights.pth")
    side = max(64, BACKBONES[name].smallest_side + 1)
    content, style = grainy(side, side + 16, 1), grainy(side + 8, side, 2)
    run = Settings(
        statistic="nearest",
        backbone=name,
        network_weights=str(tmp_path / "weights.pth"),
        iterations=4,
        size=side + 16,
        scales=1,
        precision="fp32",
    )
    frames = list(stylize(content, style, run, every=1))
    assert [frame.iteration for frame in frames] == list(range(5))
    totals = [sum(frame.losses.values()) for frame in frames]
    assert totals[2] < totals[0]
    assert totals[4] < 1.1 * totals[3]
    assert all(frame.image.isfinite().all() for frame in frames)
    assert frames[0].losses["style"] > 0
