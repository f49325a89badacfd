"""`stylize`: its frames, their contents, stopping, and the effect of every setting."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch

from neural_style import (
    BACKBONES,
    PRESETS,
    ImageError,
    Settings,
    SettingsError,
    load_image,
    stylize,
)
from neural_style.devices import choose_precision
from neural_style.images.files import resize
from neural_style.network import strips
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.objective import Objective, StyleTarget, make_objective
from neural_style.run import begin, job
from neural_style.run.start import check_pictures, check_start
from neural_style.settings.settings import knobs
from tests.conftest import EXAMPLES, picture, seeded_weights, tiny_vgg

_SMALL = {"iterations": 12, "size": 64, "scales": 1, "noise_ratio": 0.0, "precision": "fp32"}


def settings(**changes) -> Settings:
    return Settings(**(_SMALL | changes))


def last(content, style, **changes):
    *_, frame = stylize(content, style, settings(**changes))
    return frame


def digest(image: torch.Tensor) -> str:
    return hashlib.sha256(image.numpy().tobytes()).hexdigest()


@pytest.mark.usefixtures("tiny")
class TestStory:
    def test_frames_come_at_the_milestones(self, content, style):
        frames = list(stylize(content, style, settings()))
        assert [frame.iteration for frame in frames] == [0, 1, 2, 5, 10, 12]
        assert all(frame.milestone for frame in frames)

    def test_more_frames_may_be_asked_for_and_change_nothing(self, content, style):
        frames = list(stylize(content, style, settings(), every=3))
        assert [f.iteration for f in frames] == [0, 1, 2, 3, 5, 6, 9, 10, 12]
        assert [f.iteration for f in frames if not f.milestone] == [3, 6, 9]
        assert torch.equal(frames[-1].image, last(content, style).image)

    def test_iterations_are_counted_over_all_scales_and_sizes_double(self, content, style):
        run = settings(iterations=30, size=256, scales=3, statistic="gram")
        frames = list(stylize(content, style, run, every=1))
        assert [frame.iteration for frame in frames] == list(range(31))
        sizes = [tuple(frame.image.shape[-2:]) for frame in frames]
        assert list(dict.fromkeys(sizes)) == [(96, 128), (192, 256)]
        assert sizes[0] == (96, 128)
        assert [frame.scale for frame in frames] == [(1 + (size[1] == 256), 2) for size in sizes]
        ends = [frame.scale_ends for frame in frames]
        last_small = max(k for k, size in enumerate(sizes) if size[1] != 256)
        assert [k for k, end in enumerate(ends) if end] == [last_small, len(frames) - 1]

    def test_a_frame_has_a_picture_losses_time_left_and_a_note(self, content, style):
        for frame in stylize(content, style, settings(scales=2, size=256)):
            assert frame.image.dtype == torch.float32
            assert frame.image.min() >= 0
            assert frame.image.max() <= 1
            assert frame.losses.keys() == {"content", "style", "tv"}
            assert frame.seconds_left >= 0
            assert str(frame.note) == "vgg19 weights: tiny, for tests"
        assert frame.seconds_left == 0

    def test_seconds_never_decrease_and_are_above_zero(self, content, style):
        seconds = [frame.seconds for frame in stylize(content, style, settings())]
        assert seconds == sorted(seconds)
        assert seconds[0] > 0

    def test_the_first_estimate_of_the_time_left_is_from_the_speed_given(self, content, style):
        first = next(stylize(content, style, settings(), speed=1e12))
        assert 0 < first.seconds_left < 1e-3

    def test_the_total_falls_and_never_rises(self, content, style):
        frames = list(stylize(content, style, settings(iterations=60, statistic="gram"), every=1))
        totals = [sum(frame.losses.values()) for frame in frames]
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] < 0.7 * totals[0]

    def test_the_losses_of_a_frame_are_those_of_its_very_image(self, content, style):
        stages = tiny_vgg()
        backbone = BACKBONES["vgg19"]
        network = load_network(
            stages, seeded_weights(stages), job.load_weights("", "").units,
            device=torch.device("cpu"),
        )  # fmt: skip
        run = settings(iterations=20, size=96, statistic="gram")
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

    def test_the_first_frame_is_the_start_picture(self, content, style):
        first = next(stylize(content, style, settings(init="content", size=96)))
        assert torch.allclose(first.image, content, atol=1e-6)

    def test_a_start_picture_may_be_given(self, content, style):
        start = picture(72, 96, seed=9)
        first = next(stylize(content, style, settings(size=96), init_image=start))
        assert torch.allclose(first.image, start, atol=1e-6)

    def test_noise_is_mixed_into_the_start_by_its_share(self, content, style):
        def start(ratio):
            run = settings(init="content", noise_ratio=ratio, size=96)
            return next(stylize(content, style, run)).image

        halfway = (start(0.0) + start(1.0)) / 2
        assert torch.allclose(start(0.5), halfway, atol=1e-6)
        assert torch.equal(
            start(1.0), next(stylize(content, style, settings(init="noise", size=96))).image
        )

    def test_closing_stops_the_network(self, content, style, monkeypatch):
        looks = []
        run_layers = strips.run_layers
        monkeypatch.setattr(strips, "run_layers", lambda *a: looks.append(1) or run_layers(*a))
        frames = stylize(content, style, settings(iterations=100), every=1)
        for _ in range(4):
            next(frames)
        before = len(looks)
        frames.close()
        assert len(looks) == before
        with pytest.raises(StopIteration):
            next(frames)

    def test_an_earlier_frame_is_not_written_to(self, content, style):
        frames = stylize(content, style, settings())
        first = next(frames)
        before = digest(first.image)
        list(frames)
        assert digest(first.image) == before

    def test_the_inputs_are_left_as_they_were(self, content, style):
        before = digest(content), digest(style)
        last(content, style, color="content")
        assert (digest(content), digest(style)) == before


@pytest.mark.usefixtures("tiny")
class TestDeterminism:
    def test_the_same_seed_gives_identical_bytes(self, content, style):
        assert digest(last(content, style, init="noise", seed=3).image) == digest(
            last(content, style, init="noise", seed=3).image
        )

    def test_another_seed_gives_another_picture(self, content, style):
        assert digest(last(content, style, init="noise", seed=3).image) != digest(
            last(content, style, init="noise", seed=4).image
        )

    def test_the_state_of_torchs_own_generator_does_not_matter(self, content, style):
        torch.manual_seed(1)
        first = last(content, style, init="noise").image
        torch.manual_seed(2)
        assert torch.equal(first, last(content, style, init="noise").image)


TURNS = {
    "iterations": {"iterations": 5},
    "size": {"size": 80},
    "seed": {"seed": 1, "init": "noise"},
    "style_weight": {"style_weight": 1000.0},
    "content_weight": {"content_weight": 30.0},
    "tv_weight": {"tv_weight": 1e3},
    "tv_form": {"tv_form": "nine_points", "tv_weight": 1e4},
    "init": {"init": "content"},
    "noise_ratio": {"noise_ratio": 0.7},
    "optimizer": {"optimizer": "adam"},
    "learning_rate": {"learning_rate": 0.3},
    "pooling": {"pooling": "avg"},
    "scales": {"scales": 2, "size": 192},
    "scale_factor": {"scale_factor": 1.5, "scales": 2, "size": 192},
    "scale_shares": {"scale_shares": (5, 2), "scales": 2, "size": 192},
    "average": {"average": 0.9},
    "layer_exponent": {"layer_exponent": 2.0},
    "engine": {"engine": "plain"},
    "border": {"border": "zeros"},
    "style_fit": {"style_fit": "area"},
    "statistic": {"statistic": "centered"},
    "style_scale": {"style_scale": (0.7,)},
    "style_crop": {"style_crop": ((0, 0, 0.6, 0.6),)},
    "loss_units": {"loss_units": "absolute"},
    "content_layers": {"content_layers": {"relu3_1": 1.0}},
    "style_layers": {"style_layers": {"relu1_1": 1, "relu3_1": 0.5}},
    "color": {"color": "content"},
    "color_strength": {"color_strength": 0.5, "color": "luminance"},
    "precision": {"precision": "bf16"},
}
ELSEWHERE = {"backbone", "network_weights", "kernels", "device", "memory_gb", "style_shares"}
"""Knobs with one choice here, or whose choice is a matter of files: tested with their modules."""


def test_every_setting_is_tested_here():
    assert TURNS.keys() | ELSEWHERE == knobs().keys()


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", TURNS)
def test_changing_a_setting_changes_the_result(name, content, style):
    turned = settings(**TURNS[name])
    default = getattr(settings(), name)
    straight = replace(turned, **{name: default})
    assert getattr(turned, name) != default
    *_, one = stylize(content, style, turned)
    *_, other = stylize(content, style, straight)
    assert one.image.shape != other.image.shape or not torch.equal(one.image, other.image)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_runs(name, content, style):
    *_, frame = stylize(content, style, replace(PRESETS[name], iterations=4, size=96))
    assert frame.iteration == 4


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("height", "width", "size", "message"),
    [
        (9, 9, 512, "The content image is 9×9; the network needs 32 pixels a side"),
        (40, 4000, 512, "The content image is 4000×40, so narrow that at size 512 it would be"),
    ],
)
def test_a_content_image_the_network_cannot_see_is_refused(height, width, size, message, style):
    with pytest.raises(ImageError, match=message):
        next(stylize(torch.rand(1, 3, height, width), style, settings(size=size)))


@pytest.mark.usefixtures("tiny")
def test_a_style_image_the_network_cannot_see_is_refused(content):
    with pytest.raises(ImageError, match="The style image is 5×90; the network needs 32"):
        next(stylize(content, torch.rand(1, 3, 90, 5), settings()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.zeros(3, 64, 64), r"float32 tensor of shape \(1, 3, height, width\).*\(3, 64, 64\)"),
        (torch.zeros(1, 1, 64, 64), r"\(1, 1, 64, 64\)"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "uint8"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.float64), "float64"),
        ("photo.jpg", "it is str"),
        (torch.full((1, 3, 64, 64), 200.0), r"values from 200 to 200; they must lie in \[0, 1\]"),
        (torch.full((1, 3, 64, 64), torch.nan), "values from nan to nan"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(wrong, message):
    good = picture(64, 64)
    for which, pair in (("content", (wrong, good)), ("style", (good, wrong))):
        with pytest.raises(ImageError, match=f"The {which} image .*{message}"):
            check_pictures(pair[0], [pair[1]], 512, 32)


@pytest.mark.parametrize("knob", ["content_layers", "style_layers"])
def test_a_layer_that_the_network_lacks_is_refused_before_the_weights(knob, content, style):
    run = settings(**{knob: {"relu4_2": 1.0, "layer1.0": 1.0}}, network_weights="no such file")
    with pytest.raises(SettingsError, match=r"vgg19 has no layer 'layer1\.0', .* layers: conv"):
        next(stylize(content, style, run))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("engine", ["fast", "plain"])
def test_a_network_with_larger_activations_makes_the_same_picture(
    engine, content, style, monkeypatch
):
    """Relative losses: a factor of a convolution passes through ReLU and pooling to all layers."""
    plain = job.load_weights("", "")
    tensors, factor = {}, 1.0
    for number, (name, tensor) in enumerate(plain.tensors.items()):
        own = 1.0 + number % 5 if name.endswith("weight") else 1.0
        factor *= own
        tensors[name] = tensor * (own if name.endswith("weight") else factor)
    scaled = plain._replace(tensors=tensors)
    run = settings(engine=engine, iterations=4, size=96, statistic="gram")
    *_, one = stylize(content, style, run)
    monkeypatch.setattr(job, "load_weights", lambda backbone, choice: scaled)
    *_, other = stylize(content, style, run)
    assert factor > 1000
    assert (one.image - other.image).abs().max() < 0.005


@pytest.mark.usefixtures("tiny")
def test_other_errors_are_not_translated(content, style, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the sizes of tensors differ")

    monkeypatch.setattr(begin, "make_objective", fail)
    with pytest.raises(RuntimeError, match="sizes of tensors differ"):
        next(stylize(content, style, settings()))


def test_a_start_picture_of_another_shape_is_found_before_the_weights(content, style, monkeypatch):
    monkeypatch.setattr(job, "load_weights", lambda *_: pytest.fail("weights were loaded"))
    with pytest.raises(ImageError, match=r"start picture is 96×96, of another shape .* is 96×72"):
        next(stylize(content, style, settings(), init_image=picture(96, 96, seed=9)))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("x.png", "The start picture must be a float32 tensor .* it is str"),
        (torch.zeros(3, 72, 96), r"must be a float32 tensor .* \(3, 72, 96\)"),
        (torch.zeros(2, 3, 72, 96), r"must be a float32 tensor .* \(2, 3, 72, 96\)"),
        (torch.zeros(1, 3, 72, 96).double(), r"must be a float32 tensor .* torch\.float64"),
        (torch.zeros(1, 3, 0, 0), "The start picture is 0×0"),
        (torch.full((1, 3, 72, 96), 255.0), r"values from 255 to 255; .*Divide 0–255 by 255"),
        (torch.full((1, 3, 72, 96), torch.nan), "values from nan to nan"),
    ],
)
def test_what_is_no_start_picture_is_refused(start, words, content):
    with pytest.raises(ImageError, match=words):
        check_start(start, content)


@pytest.mark.usefixtures("tiny")
def test_pictures_that_ask_for_a_gradient_are_taken(content, style):
    plain, asking = (
        last(*(image.clone().requires_grad_(wanted) for image in (content, style)))
        for wanted in (False, True)
    )
    assert torch.equal(plain.image, asking.image)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("shape", [(33, 700), (700, 33), (2000, 64), (32, 32)])
def test_unusual_style_images_are_accepted(shape, content):
    assert last(content, torch.rand(1, 3, *shape), iterations=2).iteration == 2


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("color", [0.0, 0.5, 1.0])
def test_pictures_of_one_color_give_a_finite_result(color):
    flat = torch.full((1, 3, 64, 64), color)
    for pair in ((flat, picture(64, 64)), (picture(64, 64), flat), (flat, flat)):
        frame = last(*pair)
        assert frame.image.isfinite().all()
        assert all(value == value for value in frame.losses.values())


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("device", ["tpu", "cuda:99", "nonsense!"])
def test_a_missing_device_is_refused(device, content, style):
    with pytest.raises(SettingsError, match=f"no device {device!r} here.*cpu|CUDA devices found"):
        next(stylize(content, style, settings(device=device)))


def test_the_precision_follows_the_processor(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr("neural_style.devices.cpu_flags", lambda: {"avx512f", "avx512_bf16"})
    assert choose_precision("auto", cpu) == torch.bfloat16
    monkeypatch.setattr("neural_style.devices.cpu_flags", lambda: {"avx512f"})
    assert choose_precision("auto", cpu) == torch.float32
    assert choose_precision("bf16", cpu) == torch.bfloat16
    assert choose_precision("auto", torch.device("mps")) == torch.float32


@pytest.mark.timeout(240)
def test_the_real_network_paints_and_repeats_itself():
    """VGG-19 with the packaged weights, end to end at a small size."""
    content = load_image(EXAMPLES / "content/chelsea.jpg", longest=128)
    style = load_image(EXAMPLES / "style/harvest-at-la-crau.jpg", longest=128)
    run = Settings(
        iterations=12,
        size=96,
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


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("changes", "eased"),
    [
        ({}, 0),
        ({"loss_units": "absolute"}, 12),
        ({"loss_units": "absolute", "statistic": "wasserstein"}, 0),
    ],
)
def test_steps_are_eased_where_losses_are_absolute(changes, eased, content, style, monkeypatch):
    asked, evaluate = [], Objective.__call__

    def look(objective, image, **options):
        asked.append(options.get("eased", False))
        return evaluate(objective, image, **options)

    monkeypatch.setattr(Objective, "__call__", look)
    last(content, style, **({"statistic": "gram"} | changes))
    assert sum(asked) == eased + (eased > 0)  # the last look is at the twelfth step's picture
