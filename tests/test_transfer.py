"""`stylize`: frames, start pictures, stopping, determinism."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from neural_style import BACKBONES, Settings, load_image, stylize
from neural_style.images.files import resize
from neural_style.network import strips
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.plan.clock import Speed
from neural_style.run import begin, job
from tests.conftest import EXAMPLES, picture, seeded_weights, tiny_vgg
from tests.small_runs import digest, last_frame, small_settings


@pytest.mark.usefixtures("tiny")
class TestFrames:
    def test_frames_are_yielded_at_milestones(self, content, style):
        frames = list(stylize(content, style, small_settings()))
        assert [frame.iteration for frame in frames] == [0, 1, 2, 5, 10, 12]
        assert all(frame.milestone for frame in frames)

    def test_every_adds_frames_without_changing_the_result(self, content, style):
        frames = list(stylize(content, style, small_settings(), every=3))
        assert [f.iteration for f in frames] == [0, 1, 2, 3, 5, 6, 9, 10, 12]
        assert [f.iteration for f in frames if not f.milestone] == [3, 6, 9]
        assert torch.equal(frames[-1].image, last_frame(content, style).image)

    def test_iterations_count_over_all_scales_and_sizes_double(self, content, style):
        run = small_settings(iterations=30, size=256, scales=3, statistic="gram")
        frames = list(stylize(content, style, run, every=1))
        assert [frame.iteration for frame in frames] == list(range(31))
        sizes = [tuple(frame.image.shape[-2:]) for frame in frames]
        assert list(dict.fromkeys(sizes)) == [(96, 128), (192, 256)]
        assert sizes[0] == (96, 128)
        assert [frame.scale for frame in frames] == [(1 + (size[1] == 256), 2) for size in sizes]
        ends = [frame.scale_ends for frame in frames]
        last_small = max(k for k, size in enumerate(sizes) if size[1] != 256)
        assert [k for k, end in enumerate(ends) if end] == [last_small, len(frames) - 1]

    def test_frame_has_picture_losses_time_left_and_note(self, content, style):
        for frame in stylize(content, style, small_settings(scales=2, size=256)):
            assert frame.image.dtype == torch.float32
            assert frame.image.min() >= 0
            assert frame.image.max() <= 1
            assert frame.losses.keys() == {"content", "style", "tv"}
            assert frame.seconds_left >= 0
            assert str(frame.note) == "vgg19 weights: tiny, for tests"
        assert frame.seconds_left == 0

    def test_seconds_are_positive_and_never_decrease(self, content, style):
        seconds = [frame.seconds for frame in stylize(content, style, small_settings())]
        assert seconds == sorted(seconds)
        assert seconds[0] > 0

    def test_first_estimate_of_time_left_uses_the_given_speed(self, content, style):
        first = next(stylize(content, style, small_settings(), speed=Speed(1e12, 0.0)))
        assert 0 < first.seconds_left < 1e-3

    def test_total_loss_never_increases(self, content, style):
        frames = list(
            stylize(content, style, small_settings(iterations=60, statistic="gram"), every=1)
        )
        totals = [sum(frame.losses.values()) for frame in frames]
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] < 0.7 * totals[0]

    def test_losses_of_a_frame_equal_those_of_its_image(self, content, style):
        stages = tiny_vgg()
        backbone = BACKBONES["vgg19"]
        network = load_network(
            stages, seeded_weights(stages), job.load_weights("", "").units,
            device=torch.device("cpu"),
        )  # fmt: skip
        run = small_settings(iterations=20, size=96, statistic="gram")
        layers = {*backbone.content_layers, *backbone.style_layers}
        evaluate = make_objective(
            network,
            cut_network(network, layers),
            resize(content, 72, 96),
            [StyleTarget(resize(style, 80, 64), 1.0)],
            job.loss_config_of(backbone, run),
        )
        for frame in stylize(content, style, run):
            terms, _ = evaluate(frame.image, with_gradient=False)
            expected = {name: value.item() for name, value in terms.items()}
            assert frame.losses == pytest.approx(expected, rel=1e-3, abs=1e-6)

    def test_first_frame_is_the_start_picture(self, content, style):
        first = next(stylize(content, style, small_settings(init="content", size=96)))
        assert torch.allclose(first.image, content, atol=1e-6)

    def test_init_image_is_the_start_picture(self, content, style):
        start = picture(72, 96, seed=9)
        first = next(stylize(content, style, small_settings(size=96), init_image=start))
        assert torch.allclose(first.image, start, atol=1e-6)

    def test_noise_ratio_blends_noise_into_the_start_picture(self, content, style):
        def start(ratio):
            run = small_settings(init="content", noise_ratio=ratio, size=96)
            return next(stylize(content, style, run)).image

        halfway = (start(0.0) + start(1.0)) / 2
        assert torch.allclose(start(0.5), halfway, atol=1e-6)
        assert torch.equal(
            start(1.0), next(stylize(content, style, small_settings(init="noise", size=96))).image
        )

    def test_closing_the_generator_stops_evaluation(self, content, style, monkeypatch):
        calls = []
        run_layers = strips.run_layers
        monkeypatch.setattr(strips, "run_layers", lambda *a: calls.append(1) or run_layers(*a))
        frames = stylize(content, style, small_settings(iterations=100), every=1)
        before = [0]
        for _ in range(4):
            next(frames)
            before.append(len(calls))
        assert all(earlier < later for earlier, later in pairwise(before))
        frames.close()
        assert len(calls) == before[-1]
        with pytest.raises(StopIteration):
            next(frames)

    def test_later_steps_do_not_modify_earlier_frames(self, content, style):
        frames = stylize(content, style, small_settings())
        first = next(frames)
        before = digest(first.image)
        list(frames)
        assert digest(first.image) == before

    def test_inputs_are_not_modified(self, content, style):
        before = digest(content), digest(style)
        last_frame(content, style, color="content")
        assert (digest(content), digest(style)) == before


@pytest.mark.usefixtures("tiny")
class TestDeterminism:
    def test_same_seed_is_byte_identical(self, content, style):
        assert digest(last_frame(content, style, init="noise", seed=3).image) == digest(
            last_frame(content, style, init="noise", seed=3).image
        )

    def test_another_seed_changes_the_picture(self, content, style):
        assert digest(last_frame(content, style, init="noise", seed=3).image) != digest(
            last_frame(content, style, init="noise", seed=4).image
        )

    def test_global_torch_seed_has_no_effect(self, content, style):
        torch.manual_seed(1)
        first = last_frame(content, style, init="noise").image
        torch.manual_seed(2)
        assert torch.equal(first, last_frame(content, style, init="noise").image)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("engine", ["fast", "plain"])
def test_scale_of_activations_does_not_change_the_picture(engine, content, style, monkeypatch):
    """Losses are relative; ReLU and pooling pass on a factor of a convolution to all layers."""
    plain = job.load_weights("", "")
    tensors, factor = {}, 1.0
    for number, (name, tensor) in enumerate(plain.tensors.items()):
        own = 1.0 + number % 5 if name.endswith("weight") else 1.0
        factor *= own
        tensors[name] = tensor * (own if name.endswith("weight") else factor)
    scaled = plain._replace(tensors=tensors)
    run = small_settings(engine=engine, iterations=4, size=96, statistic="gram")
    *_, one = stylize(content, style, run)
    monkeypatch.setattr(job, "load_weights", lambda backbone, choice: scaled)
    *_, other = stylize(content, style, run)
    assert factor > 1000
    assert (one.image - other.image).abs().max() < 0.005


@pytest.mark.usefixtures("tiny")
def test_unrelated_runtime_errors_propagate(content, style, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the sizes of tensors differ")

    monkeypatch.setattr(begin, "make_objective", fail)
    with pytest.raises(RuntimeError, match="sizes of tensors differ"):
        next(stylize(content, style, small_settings()))


@pytest.mark.timeout(240)
def test_real_network_lowers_the_loss_and_is_deterministic():
    """VGG-19 with the packaged weights, end to end at a small size."""
    content = load_image(EXAMPLES / "content/chelsea.jpg", longest=96)
    style = load_image(EXAMPLES / "style/harvest-at-la-crau.jpg", longest=96)
    run = Settings(
        iterations=8,
        size=64,
        scales=1,
        network_weights="packaged",
        statistic="gram",
        init="noise",
        seed=5,
    )
    frames = list(stylize(content, style, run))
    totals = [sum(frame.losses.values()) for frame in frames]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < 0.2 * totals[0]
    *_, again = stylize(content, style, run)
    assert digest(again.image) == digest(frames[-1].image)
    *_, other = stylize(content, style, replace(run, seed=6))
    assert digest(other.image) != digest(frames[-1].image)
