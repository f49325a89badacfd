"""The work of a run, before it begins."""

from __future__ import annotations

from neural_style.network.backbones import BACKBONES
from neural_style.objective import NEAREST
from neural_style.plan.clock import cost_of, work
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import plan_passes
from neural_style.settings.settings import Settings


def work_of_run(settings: Settings, shape: tuple[int, int]) -> float:
    """Pixels × iterations of a whole run, as work with statistic gram.

    Args:
        shape: Height and width of the content image, in any unit.
    """
    scales = plan_passes(
        *shape,
        settings.size,
        resolve_auto(settings).scales,
        settings.iterations,
        BACKBONES[settings.backbone].smallest_side,
        factor=settings.scale_factor,
        shares=settings.scale_shares,
        matching=settings.statistic == NEAREST,
    )
    return cost_of(settings.statistic) * work(scales)
