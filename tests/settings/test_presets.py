"""Presets of other programs, compared with those programs' formulas in NumPy and torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neural_style import BACKBONES, PRESETS
from neural_style.network.backbones import TORCHVISION
from neural_style.network.extractor import load_network
from neural_style.network.strips import cut_network
from neural_style.network.weights import load_weights
from neural_style.objective import StyleTarget, make_objective
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import plan_scales
from neural_style.run import job
from neural_style.settings.presets import MANNERS
from neural_style.transfer import stylize
from tests.conftest import extract, picture, seeded_weights, tiny_vgg

CONTENT, STYLE, CANVAS = (picture(48, 64, seed=seed) for seed in (5, 6, 7))
STYLES = [f"relu{block}_1" for block in range(1, 6)]


def network_of(preset):
    """The preset's network with its pooling and padding."""
    stages, tensors, units = tiny_vgg(), seeded_weights(tiny_vgg()), TORCHVISION
    if PRESETS[preset].network_weights == "packaged":
        stages = BACKBONES["vgg19"].build()
        tensors, units, *_ = load_weights("vgg19", "packaged")
    return load_network(
        stages,
        tensors,
        units,
        device=torch.device("cpu"),
        pooling=PRESETS[preset].pooling,
        border=PRESETS[preset].border,
    )


def matrices(network, image, layers):
    """Activations as a NumPy array, channels × pixels."""
    with torch.no_grad():
        found = extract(network, image, layers)
    return {layer: found[layer][0].flatten(1).double().numpy() for layer in layers}


def activations_of(preset):
    """Activations of canvas and content at relu4_2; pairs of canvas and style at `STYLES`."""
    network = network_of(preset)
    canvas = matrices(network, CANVAS, [*STYLES, "relu4_2"])
    content = matrices(network, CONTENT, ["relu4_2"])["relu4_2"]
    styles = matrices(network, STYLE, STYLES)
    return canvas["relu4_2"], content, [(canvas[layer], styles[layer]) for layer in STYLES]


def levels():
    """The canvas in those programs' units: BGR levels minus a mean."""
    mean = np.array([103.939, 116.779, 123.68])[:, None, None]
    return 255 * CANVAS[0].flip(0).double().numpy() - mean


def gatys_2015():
    canvas, content, styles = activations_of("gatys-2015")
    total = 0.001 * 0.5 * np.square(canvas - content).sum()
    for ours, theirs in styles:
        channels, pixels = ours.shape
        error = ours @ ours.T - theirs @ theirs.T
        total += 0.2 * np.square(error).sum() / (4 * channels**2 * pixels**2)
    return total


def gatys_2017():
    """As in their code: Gram matrices divided by the pixels, weight 1000 / C² for each layer."""
    canvas, content, styles = activations_of("gatys-2017")
    total = np.square(canvas - content).mean()
    for ours, theirs in styles:
        channels, pixels = ours.shape
        error = (ours @ ours.T - theirs @ theirs.T) / pixels
        total += 1000 / channels**2 * np.square(error).mean()
    return total


def johnson():
    canvas, content, styles = activations_of("johnson")
    total = 5 * np.square(canvas - content).mean()
    for ours, theirs in styles:
        total += 100 * np.square(ours @ ours.T / ours.size - theirs @ theirs.T / theirs.size).mean()
    image, roughness = levels(), 0.0
    for channel in image:
        for row in range(channel.shape[0] - 1):
            for column in range(channel.shape[1] - 1):
                here = channel[row, column]
                roughness += (channel[row, column + 1] - here) ** 2
                roughness += (channel[row + 1, column] - here) ** 2
    return total + 0.001 * roughness / 2


def anishathalye():
    canvas, content, styles = activations_of("anishathalye")
    total = 5 * 2 * (np.square(canvas - content).sum() / 2) / content.size
    for ours, theirs in styles:
        gram, target = ours @ ours.T / ours.size, theirs @ theirs.T / theirs.size
        total += 500 / 5 * 2 * (np.square(gram - target).sum() / 2) / target.size
    image = levels()
    down, right = np.diff(image, axis=1), np.diff(image, axis=2)
    roughness = np.square(down).sum() / 2 / down.size + np.square(right).sum() / 2 / right.size
    return total + 100 * 2 * roughness


def crowson():
    """On the tiny network, whose activations are about as large as torchvision's."""
    canvas, content, styles = activations_of("crowson")
    total = 0.015 * np.square(canvas - content).mean()
    for weight, (ours, theirs) in zip((256, 64, 16, 4, 1), styles):
        floor = 1e-4 * np.eye(len(ours))
        one, other = np.cov(ours, bias=True) + floor, np.cov(theirs, bias=True) + floor
        values = np.linalg.eigvals(one @ other)
        roots = np.sqrt(values.real.clip(0)).sum()
        distance = (np.trace(one) + np.trace(other) - 2 * roots) / len(ours)
        distance += np.square(ours.mean(1) - theirs.mean(1)).mean()
        total += weight / 341 * distance
    image = np.pad(CANVAS[0].double().numpy(), ((0, 0), (1, 1), (1, 1)), mode="edge")
    middle = image[:, 1:-1, 1:-1]
    straight = np.square(image[:, 1:-1, 2:] - middle).mean()
    straight += np.square(image[:, 2:, 1:-1] - middle).mean()
    slanted = np.square(image[:, 1:, 1:] - image[:, :-1, :-1]).mean()
    slanted += np.square(image[:, 1:, :-1] - image[:, :-1, 1:]).mean()
    return total + 2 * 2 * (straight / 3 + slanted / 12)


FORMULAS = {
    "gatys-2015": gatys_2015,
    "gatys-2017": gatys_2017,
    "johnson": johnson,
    "anishathalye": anishathalye,
    "crowson": crowson,
}


def evaluator(preset):
    loss_config = job.loss_config_of(BACKBONES["vgg19"], PRESETS[preset])
    network = network_of(preset)
    segments = cut_network(network, {*loss_config.content_layers, *loss_config.style_layers})
    return make_objective(network, segments, CONTENT, [StyleTarget(STYLE, 1.0)], loss_config)


@pytest.mark.parametrize("preset", FORMULAS)
def test_preset_loss_equals_formula_of_original_program(preset):
    terms, _ = evaluator(preset)(CANVAS)
    assert sum(terms.values()).item() == pytest.approx(FORMULAS[preset](), rel=1e-4)
    assert all(term > 0 for name, term in terms.items() if name != "tv")


def test_every_preset_of_another_program_has_a_formula():
    own = {name for presets in MANNERS.values() for name in presets.values()}
    assert set(PRESETS) == {*FORMULAS, "pastiche", *own}


@pytest.mark.parametrize(
    ("preset", "plan"),
    [
        ("gatys-2015", [(512, 500)]),
        ("gatys-2017", [(512, 500), (1024, 200)]),
        ("johnson", [(512, 1000)]),
        ("anishathalye", [(512, 1000)]),
        ("crowson", [(128, 1000), (181, 500), (256, 500), (362, 500), (512, 500)]),
        ("pastiche", [(512, 1000)]),
    ],
)
def test_preset_sizes_and_iterations_equal_original_program(preset, plan):
    run = resolve_auto(PRESETS[preset])
    scales = plan_scales(
        *(600, 800, run.size, run.scales, run.iterations, 32),
        factor=run.scale_factor,
        shares=run.scale_shares,
    )
    assert [(scale.width, scale.iterations) for scale in scales] == plan


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("preset", "spread"), [("johnson", 0.001), ("anishathalye", 0.256)])
def test_preset_starts_from_mean_color_with_faint_noise(preset, spread):
    """The mean is that of the tiny network, whose units are torchvision's."""
    frame = next(stylize(CONTENT, STYLE, replace(PRESETS[preset], size=128)))
    mean = torch.tensor(TORCHVISION.mean).view(1, 3, 1, 1)
    assert 255 * (frame.image - mean).std().item() == pytest.approx(spread, rel=0.05)
    assert (frame.image.mean((2, 3)) - mean[..., 0, 0]).abs().max() < 0.001


def reference_loss(preset, canvas):
    """The original program's loss in its own units on the tiny network, for autograd."""
    network = load_network(
        tiny_vgg(),
        seeded_weights(tiny_vgg()),
        TORCHVISION,
        device=torch.device("cpu"),
        border=PRESETS[preset].border,
    )
    found = extract(network, canvas, [*STYLES, "relu4_2"])
    content = extract(network, CONTENT, ["relu4_2"])["relu4_2"]
    styles = extract(network, STYLE, STYLES)
    total = 5 * (found["relu4_2"] - content).square().mean()
    for layer in STYLES:
        ours, theirs = found[layer][0].flatten(1), styles[layer][0].flatten(1)
        error = ours @ ours.T / ours.numel() - theirs @ theirs.T / theirs.numel()
        total = total + 100 * error.square().mean()
    down, right = (255 * canvas).diff(dim=2), (255 * canvas).diff(dim=3)
    return total + 100 * (down.square().mean() + right.square().mean())


@pytest.mark.usefixtures("tiny")
def test_anishathalye_first_steps_equal_reference_adam():
    """The reference is Adam as published by Kingma and Ba, with steps of ten levels."""
    run = replace(
        PRESETS["anishathalye"], size=64, iterations=3, precision="fp32", network_weights="auto"
    )
    frames = {frame.iteration: frame.image for frame in stylize(CONTENT, STYLE, run, every=1)}
    canvas = 255 * frames[0].double()
    mean = square = torch.zeros_like(canvas)
    for step in range(1, 4):
        leaf = (canvas / 255).float().requires_grad_()
        (gradient,) = torch.autograd.grad(reference_loss("anishathalye", leaf), leaf)
        gradient = gradient.double() / 255
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient.square()
        root = (square / (1 - 0.999**step)).sqrt()
        canvas = canvas - 10 * mean / (1 - 0.9**step) / (root + 1e-8)
        torch.testing.assert_close(frames[step].double(), canvas / 255, atol=5e-4, rtol=0)


def root_of(matrix):
    """The symmetric square root, by eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


def crowson_loss(canvas, network, content, styles):
    """For autograd: with two matrix square roots and a picture padded by replication."""
    found = extract(network, canvas, [*STYLES, "relu4_2"])
    total = 0.015 * (found["relu4_2"] - content["relu4_2"]).double().square().mean()
    for weight, layer in zip((256, 64, 16, 4, 1), STYLES, strict=True):
        ours, theirs = (x[layer][0].flatten(1).double() for x in (found, styles))
        floor = 1e-4 * torch.eye(len(ours), dtype=torch.double)
        one, other = (x.cov(correction=0) + floor for x in (ours, theirs))
        half = root_of(other)
        variances = (one + other - 2 * root_of(half @ one @ half)).diagonal()
        means = (ours.mean(1) - theirs.mean(1)).square()
        total = total + weight / 341 * (means + variances).mean()
    edged = torch.cat([canvas[..., :1], canvas, canvas[..., -1:]], dim=3)
    edged = torch.cat([edged[:, :, :1], edged, edged[:, :, -1:]], dim=2).double()
    height, width = canvas.shape[2:]

    def seen_from(down, right):
        return edged[:, :, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    def roughness(places):
        return sum((seen_from(*place) - canvas).square().mean() for place in places)

    straight, slanted = [(0, 1), (1, 0), (0, -1), (-1, 0)], [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    return total + 2 * (roughness(straight) / 3 + roughness(slanted) / 12)


@pytest.mark.usefixtures("tiny")
def test_crowson_first_steps_equal_reference_adam_and_average():
    """Each reference step starts from the actual picture, has length 0.02 and is clamped to [0, 1].
    The running average is corrected for its start, as Adam's averages are.
    """
    run = replace(
        PRESETS["crowson"], size=64, iterations=3, precision="fp32", network_weights="auto"
    )
    network = load_network(
        tiny_vgg(), seeded_weights(tiny_vgg()), TORCHVISION, device=torch.device("cpu")
    )
    # Values so near to 0 and 1 that steps are clamped there.
    content = (3 * CONTENT - 1).clamp(0, 1)
    targets = [extract(network, image, [*STYLES, "relu4_2"]) for image in (content, STYLE)]
    mean = square = torch.zeros_like(content)
    average, share, clamped, expected = 0.0, 0.0, 0, content
    for step, frame in enumerate(stylize(content, STYLE, run, every=1), 1):
        canvas = frame.state()["pass"]["image"]
        off = (canvas - expected).abs()
        # Where the gradient is nearly 0, rounding error decides the direction of Adam's step.
        assert off.median() < 1e-6
        assert (off > 1e-4).float().mean() < 0.02
        average, share = 0.99 * average + 0.01 * canvas, 0.99 * share + 0.01
        torch.testing.assert_close(frame.image, average / share, atol=1e-6, rtol=0)
        leaf = canvas.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(crowson_loss(leaf, network, *targets), leaf)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient.square()
        root = (square / (1 - 0.99**step)).sqrt()
        moved = canvas - 0.02 * mean / (1 - 0.9**step) / (root + 1e-8)
        expected = moved.clamp(0, 1)
        clamped += (expected != moved).sum()
    assert (step, frame.iteration) == (4, 3)
    assert clamped > 1000
    assert (frame.image - content).abs().mean() > 0.01
