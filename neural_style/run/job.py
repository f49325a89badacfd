"""Prepares a run: checks the pictures, loads the network, plans passes and memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch

from neural_style.devices import (
    choose_device,
    choose_precision,
    precision_name,
)
from neural_style.images.color import finish_colors, is_gray, prepare_content
from neural_style.images.files import resize
from neural_style.images.masks import Masks, fit_mask, keep_content, read_masks
from neural_style.images.sizes import STYLE_FITS
from neural_style.messages import Message
from neural_style.network.architectures import Stages
from neural_style.network.backbones import BACKBONES, Backbone, check_layers, weight_by_depth
from neural_style.network.extractor import Network, load_network
from neural_style.network.reuse import Reuse
from neural_style.network.strips import Segments, cut_network
from neural_style.network.weights import Weights, load_weights
from neural_style.objective import (
    NEAREST,
    LossConfig,
)
from neural_style.optim.engines import ENGINES, Choice
from neural_style.optim.optimizers import State
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.memory import MemoryPlan, plan_memory
from neural_style.plan.schedule import Scale, join_passes, plan_passes
from neural_style.record.checkpoint import (
    identify,
    plan_rest,
    used_so_far,
)
from neural_style.record.conditions import Conditions
from neural_style.run.previous import PreviousFrame, check_previous
from neural_style.run.start import check_parts, check_pictures, check_start
from neural_style.run.styles import Style, gather_styles, move_style, recolor_style, size_at_scale
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor, Mask


class Job(NamedTuple):
    """A prepared run: everything that its passes share. Pictures are on the device.

    Attributes:
        given: The settings as they were given; a continued run has its own sizes.
        settings: The same with `auto` and 0 replaced.
        content, original: The content image as the network sees it, and in its own colors.
        plan: The memory plan.
        note: `Frame.note`.
        change: How the conditions of a continued run change; None where they do not.
        used: Conditions of the run so far.
        previous: The last frame of a film, on the device; None where this is not a later frame.
        gray: Whether all pictures are gray.
    """

    given: Settings
    settings: Settings
    backbone: Backbone
    network: Network
    segments: Segments
    loss_config: LossConfig
    content: ImageTensor
    original: ImageTensor
    styles: list[Style]
    keep: Mask | None
    init_image: ImageTensor | None
    previous: PreviousFrame | None
    passes: list[Scale]
    plan: MemoryPlan
    note: Message
    identity: dict[str, Any]
    used: list[Conditions]
    change: Message | None
    gray: bool

    @property
    def matching(self) -> bool:
        return self.settings.statistic == NEAREST

    @property
    def pieced(self) -> bool:
        """Whether start pictures are made of matched patches of the styles."""
        return self.settings.init == "matched" and self.init_image is None

    @property
    def choice(self) -> Choice:
        return ENGINES[self.settings.engine].optimizers[self.settings.optimizer]

    @property
    def device(self) -> torch.device:
        return self.content.device

    def finish(self, image: ImageTensor, size: Scale) -> ImageTensor:
        """The canvas with the final colors and kept pixels, as a copy on the CPU."""
        original = resize(self.original, size.height, size.width)
        colors = self.settings.color, self.settings.color_strength
        image = keep_content(self.keep_at(size), original, finish_colors(*colors, image, original))
        return image.to("cpu", copy=True)

    def keep_at(self, size: Scale) -> Mask | None:
        """The keep mask resized for a scale."""
        return None if self.keep is None else fit_mask(self.keep, size.height, size.width)


def prepare(
    content: ImageTensor,
    pictures: Sequence[ImageTensor],
    settings: Settings,
    masks: Masks,
    init_image: ImageTensor | None,
    resume: State | None,
    reuse: Reuse,
    previous: PreviousFrame | None = None,
) -> Job:
    """Checks settings, pictures and masks, loads the network and plans the run."""
    given, settings = settings, resolve_auto(settings)
    backbone = BACKBONES[settings.backbone]
    loss_config = loss_config_of(backbone, settings)
    layers = {*loss_config.content_layers, *loss_config.style_layers}
    stages = backbone.build()
    check_layers(stages, layers, settings.backbone)
    check_pictures(content, pictures, settings.size, backbone.smallest_side)
    content, pictures = content.detach(), [picture.detach() for picture in pictures]
    *where, keep = read_masks(masks, content, pictures)
    styles = gather_styles(
        pictures, settings.style_shares, settings.style_scale, settings.style_crop, *where
    )
    check_parts([style.image for style in styles], backbone.smallest_side)
    if init_image is not None:
        check_start(init_image, content)
        init_image = init_image.detach()
    device = choose_device(settings.device)
    weights = load_weights(settings.backbone, settings.network_weights)
    network = _network(stages, weights, settings, layers, device, reuse)
    before = [] if previous is None else previous.tensors()
    identity = identify(content, pictures, masks, init_image, settings, weights.digest, before)
    original, colors = content.to(device), (settings.color, settings.color_strength)
    content = prepare_content(*colors, original)
    reference = original
    if previous is not None and previous.scene is not None:
        reference = previous.scene.to(device)
    styles = [recolor_style(move_style(style, device), reference, *colors) for style in styles]
    passes = plan_passes(
        *content.shape[-2:],
        settings.size,
        settings.scales,
        settings.iterations,
        backbone.smallest_side,
        factor=settings.scale_factor,
        shares=settings.scale_shares,
        matching=settings.statistic == NEAREST,
        later=previous is not None,
    )
    if previous is not None:
        check_previous(previous, passes[-1])
        previous = previous.to(device)
    if resume is not None:
        planned = passes
        passes = plan_rest(resume, identity, settings.iterations, previous is not None)
        if passes != planned:  # the added iterations are all at the full size; record that
            sizes = join_passes(passes)
            shares = tuple(size.iterations for size in sizes)
            given = replace(given, scales=len(sizes), scale_shares=shares)
    choice = ENGINES[settings.engine].optimizers[settings.optimizer]
    fit = STYLE_FITS[settings.style_fit]
    plan = plan_memory(
        network,
        layers,
        passes[-1],
        choice.history,
        choice.history_dtype,
        device,
        settings.memory_gb,
        regions=len(masks.styles),
        styles=[size_at_scale(s, fit, passes[-1], backbone.smallest_side) for s in styles],
        matched=loss_config.style_layers if settings.statistic == NEAREST else (),
    )
    note = weights.source
    if plan.note is not None:
        note = Message("run.note", source=note, plan=plan.note)
    conditions = Conditions(precision_name(network.dtype), plan.rows, plan.history)
    used, change = used_so_far(resume, conditions)
    starts = [] if init_image is None else [init_image]
    starts += [] if previous is None else [previous.image]
    pictures_seen = [content, *(style.image for style in styles), *starts]
    return Job(
        given=given,
        settings=settings,
        backbone=backbone,
        network=network,
        segments=cut_network(network, layers, plan.rows),
        loss_config=loss_config,
        content=content,
        original=original,
        styles=styles,
        keep=None if keep is None else keep.to(device),
        init_image=init_image,
        previous=previous,
        passes=passes,
        plan=plan,
        note=note,
        identity=identity,
        used=used,
        change=change,
        gray=settings.statistic == NEAREST and all(map(is_gray, pictures_seen)),
    )


def _network(
    stages: Stages,
    weights: Weights,
    settings: Settings,
    layers: Collection[str],
    device: torch.device,
    reuse: Reuse,
) -> Network:
    options = {
        "device": device,
        "dtype": choose_precision(settings.precision, device),
        "pooling": settings.pooling,
        "border": settings.border,
        "layers": frozenset(layers),
        "kernels": settings.kernels,
    }
    load = partial(load_network, stages, weights.tensors, weights.units, **options)
    return reuse.network((settings.backbone, weights.digest, *options.values()), load)


def loss_config_of(backbone: Backbone, settings: Settings) -> LossConfig:
    """The loss configuration of the settings, with the backbone's default layers for auto."""
    matching = settings.statistic == NEAREST
    usual = backbone.match_layers if matching else backbone.style_layers
    return LossConfig(
        content_layers=dict(settings.content_layers or backbone.content_layers),
        style_layers=weight_by_depth(settings.style_layers or usual, settings.layer_exponent),
        content=settings.content_weight,
        style=settings.style_weight,
        tv=settings.tv_weight,
        tv_form=settings.tv_form,
        statistic=settings.statistic,
        units=settings.loss_units,
    )
