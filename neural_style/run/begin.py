"""How a run and each of its passes begin: start picture, matches, objective, optimizer."""

from __future__ import annotations

from typing import NamedTuple

from neural_style.images.color import luma
from neural_style.images.files import resize
from neural_style.images.sizes import STYLE_FITS
from neural_style.network.backbones import mean_color
from neural_style.objective import NEAREST, Objective, StyleTarget, make_objective, retarget
from neural_style.objective.statistics import STATISTICS
from neural_style.optim.optimizers import Optimizer, State
from neural_style.plan.schedule import Scale
from neural_style.run.job import Job
from neural_style.run.passes import MatchedPass, begin_pass, resume_pass
from neural_style.run.start import start_picture
from neural_style.run.styles import at_scale
from neural_style.settings.settings import Settings
from neural_style.tensors import ImageTensor


def begin_run(job: Job, resume: State | None) -> ImageTensor:
    """The start picture of the first pass; the content where patches will replace it."""
    settings = job.settings
    if resume is not None:
        return resume["pass"]["image"].to(job.device)
    if job.pieced:
        return job.content
    mean = mean_color(job.network.units)
    # A later frame of a film has too few steps to remove noise.
    noise = 0.0 if job.previous else settings.noise_ratio, settings.seed
    init = settings.init if job.init_image is None else job.init_image
    start = start_picture(job.content, job.styles, init, job.passes[0], mean, *noise)
    return luma(start).expand_as(start).clone() if job.gray else start


class Pass(NamedTuple):
    """A pass, ready to be optimized.

    Attributes:
        matched: Its matches; None where moments are compared.
    """

    matched: MatchedPass | None
    objective: Objective
    optimizer: Optimizer


def begin(
    job: Job, number: int, image: ImageTensor, before: Pass | None, resume: State | None
) -> tuple[Pass, ImageTensor]:
    """Makes a pass ready, and its start picture.

    Args:
        image: Result of the previous pass.
        before: The previous pass of this run.
        resume: The checkpoint of an interrupted pass, on the device.
    """
    scale = job.passes[number]
    matched = _matches(job, number, image, before and before.matched, resume)
    if matched is not None:
        image = matched.start
    elif resume is None:
        image = resize(image, scale.height, scale.width)
    if number == 0 and resume is None and job.previous is not None:
        image = job.previous.over(image)
    same_size = before is not None and job.passes[number - 1][:2] == scale[:2]
    if matched is not None and same_size:
        objective = retarget(before.objective, before.matched.term, matched.term)
    else:
        objective = _objective(job, scale, matched)
    optimizer = _optimizer(job, number, before and before.optimizer)
    return Pass(matched, objective, optimizer), image


def _matches(
    job: Job,
    number: int,
    image: ImageTensor,
    before: MatchedPass | None,
    resume: State | None,
) -> MatchedPass | None:
    """The matches of a pass, new or from a checkpoint; None where moments are compared."""
    if not job.matching:
        return None
    scale = job.passes[number]
    styles = _style_targets(job, scale)
    if resume is not None:
        network = job.network, job.segments
        return resume_pass(*network, resume["matches"], styles, job.loss_config, image)
    return begin_pass(
        job.network,
        job.segments,
        scale,
        resize(job.content, scale.height, scale.width),
        styles,
        job.loss_config,
        image=image,
        before=before,
        is_first=number == 0,
        pieced=job.pieced,
        preference=_SEED_PREFERENCE * job.settings.noise_ratio,
        seed=job.settings.seed,
        number=number,
        previous=job.previous,
    )


def _objective(job: Job, scale: Scale, matched: MatchedPass | None) -> Objective:
    return make_objective(
        job.network,
        job.segments,
        resize(job.content, scale.height, scale.width),
        _style_targets(job, scale),
        job.loss_config,
        job.keep_at(scale),
        matches=matched and matched.term,
        temporal=job.previous and job.previous.term(),
        gray=job.gray,
    )


def _style_targets(job: Job, scale: Scale) -> list[StyleTarget]:
    """The styles, resized for a canvas of that scale."""
    fit, smallest = STYLE_FITS[job.settings.style_fit], job.backbone.smallest_side
    return [
        StyleTarget(at_scale(style, fit, scale, smallest), style.share, style.where, style.part)
        for style in job.styles
    ]


def _optimizer(job: Job, number: int, before: Optimizer | None) -> Optimizer:
    """The optimizer of a pass; with statistic nearest it continues from the previous one."""
    scale = job.passes[number]
    made = job.choice.make(job.settings.learning_rate, job.plan.history, job.choice.history_dtype)
    if before is None or not job.matching:
        return made
    earlier = job.passes[number - 1]
    if earlier[:2] == scale[:2]:
        before.retarget()
        return before
    made.start_from(before, scale.height * scale.width / (earlier.height * earlier.width))
    return made


def can_ease(settings: Settings) -> bool:
    """Whether easing helps: relative losses fall as fast without it."""
    if settings.loss_units == "relative" or settings.statistic == NEAREST:
        return False
    return STATISTICS[settings.statistic].matrix is not None


_SEED_PREFERENCE = 0.4
"""`preference` of `match_cells` at a noise ratio of 1. Chosen by looking."""
