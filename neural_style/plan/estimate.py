"""The time of a run, before it begins."""

from __future__ import annotations

from neural_style.network.backbones import BACKBONES
from neural_style.objective import NEAREST
from neural_style.plan.clock import Speed, seconds_of
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import plan_passes
from neural_style.settings.settings import Settings


def seconds_of_run(
    settings: Settings, shape: tuple[int, int], speed: Speed, *, begun: bool = False
) -> float:
    """Estimated seconds of a whole run without loading.

    Args:
        shape: Height and width of the content image, in any unit.
        speed: The machine's speed in runs of this kind (`speed.kind_of`).
        begun: Whether the time until the first frame is left out.
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
    return seconds_of(scales, speed, begun=begun)
