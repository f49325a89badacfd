"""Warping and the check of flow by hand, and the flow that OpenCV and RAFT find."""

from __future__ import annotations

import sys

import pytest
import torch

from neural_style import SettingsError
from neural_style.film.flow import agreement, find_motion, flow_by_dis, warp
from neural_style.film.raft import Raft, flow_of_network
from tests.conftest import picture
from tests.small_pictures import grainy, noise


def constant(across: float, down: float, height: int = 8, width: int = 10) -> torch.Tensor:
    moved = torch.tensor([float(across), float(down)]).view(1, 2, 1, 1)
    return moved.expand(1, 2, height, width).clone()


def test_warp_by_whole_pixels_shifts_and_repeats_border():
    image = noise(1, 3, 8, 10)
    moved = warp(image, constant(2, -1))
    assert torch.allclose(moved[..., 1:, :-2], image[..., :-1, 2:], atol=1e-5)
    assert torch.allclose(moved[..., 0, :-2], image[..., 0, 2:], atol=1e-5)
    assert torch.allclose(moved[..., 1:, -1], image[..., :-1, -1], atol=1e-5)


def test_warp_by_half_a_pixel_interpolates_a_ramp():
    ramp = (torch.arange(10) / 10).expand(1, 3, 8, 10)
    moved = warp(ramp, constant(0.5, 0))
    assert torch.allclose(moved[..., 2:-3], ramp[..., 2:-3] + 0.05, atol=1e-5)


def test_warp_keeps_the_range_of_each_channel():
    board = torch.tensor([[0.2, 0.7], [0.7, 0.2]]).repeat(4, 5).expand(1, 3, 8, 10)
    moved = warp(board, constant(0.3, 0.3))
    assert moved.min() >= 0.2
    assert moved.max() <= 0.7


def test_opposite_flows_agree_except_outside():
    agreed = agreement(constant(3, 0), constant(-3, 0))
    assert agreed[:, :7].all()
    assert not agreed[:, 7:].any()


@pytest.mark.parametrize(("back", "agrees"), [(-3.5, True), (-4.0, False), (3.0, False)])
def test_flows_agree_up_to_limit_of_equation_5(back, agrees):
    # Off by 0.5: 0.25 ≤ 0.01 (9 + 12.25) + 0.5. Off by 1: 1 > 0.01 (9 + 16) + 0.5.
    assert agreement(constant(3, 0), constant(back, 0))[:, :7].all() == agrees


def test_dis_finds_shift_of_picture():
    wide = grainy(80, 120, 1, share=0.1)
    last, frame = wide[..., :64, :96], wide[..., 3:67, 5:101]
    flow = flow_by_dis(frame, last)
    middle = flow[..., 16:-16, 16:-16].median(dim=3).values.median(dim=2).values
    assert torch.allclose(middle, torch.tensor([[5.0, 3.0]]), atol=0.2)


def moving_square(left: int) -> torch.Tensor:
    """A bright grainy square before a dark background that stands still."""
    scene = 0.5 * grainy(96, 128, 2, share=0.4)
    scene[..., 32:64, left : left + 32] = 0.6 + 0.4 * grainy(32, 32, 3, share=0.6)
    return scene


def test_uncovered_background_is_not_trusted():
    motion = find_motion(moving_square(48), moving_square(40), flow_by_dis)
    uncovered = motion.trust[..., 34:62, 41:47]
    assert uncovered.mean() < 0.2
    assert motion.trust[..., 36:60, 54:74].mean() > 0.8
    assert motion.trust[..., :, 100:].mean() > 0.9


def test_frame_that_stands_still_is_trusted_everywhere():
    still = picture(48, 64, 4)
    motion = find_motion(still, still, flow_by_dis)
    assert motion.trust.min() == 1
    assert motion.flow.abs().max() < 0.1


def test_missing_opencv_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SettingsError, match="pip install 'opencv-python-headless"):
        flow_by_dis(picture(32, 32), picture(32, 32))


def test_flow_of_network_is_cut_to_size_of_frames():
    """RAFT's form: a list of refinements, for pictures in [−1, 1] of at least 128 pixels."""

    class Last(torch.nn.Module):
        def forward(self, frame, other):
            assert frame.shape == (1, 3, 128, 136)
            assert frame.min() < 0
            return [torch.zeros(1, 2, 128, 136), (other - frame)[:, :2]]

    frame, other = picture(100, 130, 1), picture(100, 130, 2)
    flow = flow_of_network(Last(), frame, other)
    assert torch.allclose(flow, 2 * (other - frame)[:, :2], atol=1e-6)


def test_raft_with_given_weights_finds_flow_of_shape(tmp_path):
    raft = pytest.importorskip("torchvision.models.optical_flow").raft_large(weights=None)
    torch.save(raft.state_dict(), tmp_path / "raft.pth")
    flow = Raft(tmp_path / "raft.pth")(picture(96, 120, 1), picture(96, 120, 2))
    assert flow.shape == (1, 2, 96, 120)
    assert flow.isfinite().all()


def test_file_without_weights_of_raft_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("other.pth", "missing.pth"):
        with pytest.raises(SettingsError, match="raft_large"):
            Raft(tmp_path / name)(picture(32, 32), picture(32, 32))
