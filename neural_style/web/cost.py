"""What a run costs: seconds to be reserved, and seconds to wait."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from gradio.utils import get_upload_folder

from neural_style.backbones import BACKBONES
from neural_style.errors import SettingsError
from neural_style.objective import NEAREST
from neural_style.schedule import parse_shares, plan_passes, work
from neural_style.settings import Settings, settle
from neural_style.web.texts import say

MOST_RESERVED_SECONDS = 120
"""A visitor without an account has two minutes of ZeroGPU a day."""

_SETUP_SECONDS = 10
_ZERO_PIXELS_PER_SECOND = 5_000_000
"""Pixels × iterations a second on the full card that ZeroGPU lends: a guess, not yet measured."""

_PIXELS_PER_SECOND = 200_000
"""The same on two cores, until this machine has made its first picture."""

_USUAL_SHAPE = (3, 4)
"""Height to width of most photographs."""


def reserved_seconds(settings: Settings) -> int:
    """Of a ZeroGPU's full card: for a square picture, the most that a size can mean."""
    return _SETUP_SECONDS + round(_work(settings, (1, 1)) / _ZERO_PIXELS_PER_SECOND)


def check_cost(settings: Settings, language: str = "en") -> None:
    """Refuses what a ZeroGPU would not be lent for.

    Raises:
        SettingsError: It would take too long.
    """
    seconds, limit = reserved_seconds(settings), MOST_RESERVED_SECONDS
    if on_zero_gpu() and seconds > limit:
        raise SettingsError(say("too_long", language, seconds=seconds, limit=limit))


def expected_seconds(settings: Settings) -> float:
    """How long a run will take here, from how long the last one took."""
    usual = _ZERO_PIXELS_PER_SECOND if on_zero_gpu() else _PIXELS_PER_SECOND
    try:
        speed = json.loads(_memory().read_text())["pixels_per_second"]
    except (OSError, ValueError, LookupError):  # none yet, or cut short
        speed = usual
    return _work(settings, _USUAL_SHAPE) / speed


def learn_speed(settings: Settings, shape: tuple[int, int], seconds: float) -> None:
    """Remembers how fast a whole run of a picture of that height and width went."""
    speed = {"pixels_per_second": _work(settings, shape) / seconds}
    path = _memory()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{secrets.token_hex(4)}.part")
    partial.write_text(json.dumps(speed))
    partial.replace(path)


def on_zero_gpu() -> bool:
    """Whether this is a Space whose GPU is lent by the second."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def _work(settings: Settings, shape: tuple[int, int]) -> int:
    scales = plan_passes(
        *shape,
        settings.size,
        settle(settings).scales,
        settings.iterations,
        BACKBONES[settings.backbone].smallest_side,
        factor=settings.scale_factor,
        shares=parse_shares(settings.scale_shares),
        matching=settings.statistic == NEAREST,
    )
    return work(scales)


def _memory() -> Path:
    return Path(get_upload_folder()) / "speed.json"
