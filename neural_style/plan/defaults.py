"""Default values of settings that are `auto` or 0."""

from __future__ import annotations

import math
from dataclasses import replace

from neural_style.objective import NEAREST
from neural_style.optim.engines import ENGINES
from neural_style.settings.settings import Settings


def resolve_auto(settings: Settings) -> Settings:
    """The settings with `auto` and 0 replaced by defaults."""
    engine = ENGINES[settings.engine]
    init, scales = engine.init, engine.scales
    if settings.statistic == NEAREST and engine.guarded:
        init, scales = "matched", default_scales(settings.size, settings.scale_factor)
    return replace(
        settings,
        init=init if settings.init == "auto" else settings.init,
        scales=settings.scales or len(settings.scale_shares) or scales,
        learning_rate=settings.learning_rate or engine.optimizers[settings.optimizer].rate,
    )


def default_scales(size: int, factor: float) -> int:
    """Default number of sizes with statistic nearest: those from about 64 pixels on, at most 6."""
    return max(1, min(6, 1 + math.ceil(math.log(size / _COARSEST, factor) - 1e-9)))


_COARSEST = 64
