"""Every backbone can match: both kinds of passes, with random weights at the smallest sizes."""

from __future__ import annotations

import pytest
import torch

from neural_style import BACKBONES, Settings, stylize
from neural_style.plan import schedule
from tests.matching.small import grainy
from tests.network.test_backbones import OTHERS, headless, trained


@pytest.mark.parametrize("name", OTHERS)
def test_every_network_makes_pictures_by_matches(name, tmp_path, monkeypatch):
    """Two steps by cells, then two by layers."""
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
