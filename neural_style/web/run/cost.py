"""What a run costs: seconds to be reserved, and seconds to wait."""

from __future__ import annotations

import json
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from neural_style.devices import choose_device
from neural_style.errors import NeuralStyleError
from neural_style.network.backbones import BACKBONES
from neural_style.objective import NEAREST
from neural_style.plan.clock import GUESSED_SPEEDS, cost_of, work
from neural_style.plan.defaults import resolve_auto
from neural_style.plan.schedule import plan_passes
from neural_style.settings.settings import Settings
from neural_style.speed import measure_speed
from neural_style.web.text.texts import PageError

MOST_RESERVED_SECONDS = 120
"""A visitor without an account has two minutes of ZeroGPU a day."""

_SETUP_SECONDS = 10
_ZERO_PIXELS_PER_SECOND = 5_000_000
"""Pixels × iterations a second on the full card that ZeroGPU lends: a guess, not yet measured."""

_USUAL_SHAPE = (3, 4)
"""Height to width of most photographs."""


def reserved_seconds(settings: Settings) -> int:
    """Of a ZeroGPU's full card: for a square picture, the most that a size can mean."""
    return _SETUP_SECONDS + round(_work(settings, (1, 1)) / _ZERO_PIXELS_PER_SECOND)


def check_cost(settings: Settings) -> None:
    """Refuses what a ZeroGPU would not be lent for.

    Raises:
        PageError: It would take too long.
    """
    seconds, limit = reserved_seconds(settings), MOST_RESERVED_SECONDS
    if on_zero_gpu() and seconds > limit:
        raise PageError("too_long", seconds=seconds, limit=limit)


def expected_seconds(settings: Settings) -> float:
    """How long a run will take here."""
    return _work(settings, _USUAL_SHAPE) / machine_speed()


def machine_speed() -> float:
    """Pixels × iterations a second on this machine, with statistic gram.

    As the last run has shown; else as it was measured when the page was started; else a guess.
    """
    try:
        return float(json.loads(_memory().read_text())["pixels_per_second"])
    except (OSError, ValueError, LookupError):  # none yet, or cut short
        if on_zero_gpu():
            return float(_ZERO_PIXELS_PER_SECOND)
        return GUESSED_SPEEDS[choose_device("auto").type]


def learn_speed(settings: Settings, shape: tuple[int, int], seconds: float) -> None:
    """Remembers how fast a whole run of a picture of that height and width went."""
    _remember(_work(settings, shape) / seconds)


def measure_in_background() -> threading.Thread | None:
    """Measures the speed of this machine in a thread, where it is not known and no GPU is lent."""
    if on_zero_gpu() or _memory().exists():
        return None
    thread = threading.Thread(target=_measure, name="measures this machine", daemon=True)
    thread.start()
    return thread


def stop_measuring() -> None:
    """Ends the measuring as soon as a run begins: side by side, each would slow the other."""
    _run_began.set()


_run_began = threading.Event()


def _measure() -> None:
    # Where nothing can be measured, the guess must do.
    with suppress(NeuralStyleError, MemoryError, RuntimeError, OSError):
        speed = measure_speed(lambda: not _run_began.is_set())
        if speed is not None and not _memory().exists():
            _remember(speed)


def _remember(pixels_per_second: float) -> None:
    path = _memory()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{secrets.token_hex(4)}.part")
    partial.write_text(json.dumps({"pixels_per_second": pixels_per_second}))
    partial.replace(path)


def on_zero_gpu() -> bool:
    """Whether this is a Space whose GPU is lent by the second."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def _work(settings: Settings, shape: tuple[int, int]) -> float:
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


def _memory() -> Path:
    return Path(get_upload_folder()) / "speed.json"
