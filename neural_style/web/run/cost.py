"""Estimates of a run's cost: GPU seconds to reserve, and seconds until it is done."""

from __future__ import annotations

import math
import os
import threading
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from neural_style.devices import choose_device, memory_is_exhausted
from neural_style.errors import FileError, NeuralStyleError
from neural_style.plan.clock import GUESSED_SPEEDS, Speed
from neural_style.plan.estimate import seconds_of_run
from neural_style.settings.settings import Settings
from neural_style.speed import KINDS, kind_of, measure_speed
from neural_style.web.run.json_files import finite_number, read_json, write_json
from neural_style.web.text.texts import PageError

MOST_MINUTES = "NEURAL_STYLE_MOST_MINUTES"
"""Environment variable: the longest time of one run, except on ZeroGPU; otherwise an hour."""

_USUAL_MINUTES = 60.0
_SMALLEST_SIZE = 64

MAX_RESERVED_SECONDS = 120
"""Visitors without an account have two minutes of ZeroGPU a day."""

_SETUP_SECONDS = 10
_ZERO_GPU_SPEED = GUESSED_SPEEDS["cuda"]
"""Speed of ZeroGPU's full card: a guess, not yet measured."""

_LEAST_PIXELS = 30_000
"""Smallest picture whose run tells the speed: a sketch of 256 pixels has more."""

_LEAST_SHARE = 0.25
"""Smallest share of such a run's time that its pixels take."""

_TYPICAL_SHAPE = (3, 4)
"""Height and width of most photographs, as a ratio."""


def reserved_seconds(settings: Settings) -> int:
    """Seconds of ZeroGPU's full card to reserve, for a square picture: the largest of its size."""
    return _SETUP_SECONDS + round(seconds_of_run(settings, (1, 1), _ZERO_GPU_SPEED))


def check_cost(settings: Settings) -> None:
    """Checks that ZeroGPU would allocate a GPU for that long, or that the host allows the time.

    Raises:
        PageError: The run would take too long.
    """
    if on_zero_gpu():
        seconds, limit = reserved_seconds(settings), MAX_RESERVED_SECONDS
        if seconds > limit:
            raise PageError("too_long", seconds=seconds, limit=limit)
        return
    minutes, most = expected_seconds(settings) / 60, most_minutes()
    if minutes > most:
        raise PageError(
            "too_long_here",
            minutes=math.ceil(minutes),
            limit=f"{most:g}",
            iterations=max(1, int(settings.iterations * most / minutes)),
            size=max(_SMALLEST_SIZE, int(settings.size * (most / minutes) ** 0.5)),
        )


def is_allowed(settings: Settings) -> bool:
    """Whether `check_cost` accepts the run."""
    try:
        check_cost(settings)
    except PageError:
        return False
    return True


def most_minutes() -> float:
    """The longest time that the host allows one run, by `MOST_MINUTES`."""
    try:
        return finite_number(float(os.environ[MOST_MINUTES]), 0)
    except (KeyError, ValueError):
        return _USUAL_MINUTES


def expected_seconds(settings: Settings, shape: tuple[int, int] | None = None) -> float:
    """The estimated duration of a run on this machine.

    Args:
        shape: Height and width of the content image, in any unit; None for a typical photograph.
    """
    return seconds_of_run(settings, shape or _TYPICAL_SHAPE, machine_speed(settings))


def machine_speed(settings: Settings) -> Speed:
    """The speed of this machine in such a run.

    From the last run of its kind; else from the measurement at the start of the server, or from a
    run of the other kind; else a guess.
    """
    guess = _ZERO_GPU_SPEED if on_zero_gpu() else GUESSED_SPEEDS[choose_device("auto").type]
    stored = _stored_speeds()
    known = stored.get(kind_of(settings)) or next(iter(stored.values()), guess.pixels)
    return guess._replace(pixels=known)


def record_speed(settings: Settings, shape: tuple[int, int], seconds: float) -> None:
    """Stores the speed of a complete run, unless it tells little about that of larger pictures.

    One run at most doubles or halves it: the program may have been suspended meanwhile.

    Args:
        shape: Height and width of the result.
        seconds: Duration from the first frame to the last.
    """
    before = machine_speed(settings)
    fixed = seconds_of_run(settings, shape, Speed(math.inf, before.fixed), begun=True)
    for_pixels = seconds - fixed
    if math.prod(shape) < _LEAST_PIXELS or for_pixels < _LEAST_SHARE * seconds:
        return
    pixels = seconds_of_run(settings, shape, Speed(1.0, 0.0), begun=True) / for_pixels
    _store_speed(kind_of(settings), max(before.pixels / 2, min(pixels, 2 * before.pixels)))


class SpeedMeasurement:
    """Measures the machine's speed in a background thread, until the first run starts.

    The measurement and a run at the same time would slow each other down.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Starts the thread unless the speed is known or the GPU is ZeroGPU's.

        Returns:
            Whether it was started.
        """
        if on_zero_gpu() or all(kind in _stored_speeds() for kind in KINDS):
            return False
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Stops the measurement after its current step; it cannot be started again."""
        self._stopped.set()

    def join(self) -> None:
        """Waits for the thread to end."""
        if self._thread is not None:
            self._thread.join()

    def _measure(self) -> None:
        try:
            for kind in KINDS:
                if kind not in _stored_speeds():
                    speed = measure_speed(kind, lambda: not self._stopped.is_set())
                    if speed is None:
                        return
                    _store_speed(kind, speed.pixels)
        except NeuralStyleError:
            return  # `machine_speed` falls back to a guess
        except (MemoryError, RuntimeError) as error:
            if not memory_is_exhausted(error):
                raise


def _stored_speeds() -> dict[str, float]:
    """The stored pixels per second by kind of run; none if the file is missing or damaged."""
    try:
        stored = read_json(_speed_file(), KINDS)
        return {kind: finite_number(stored[kind], 1) for kind in KINDS if stored[kind] is not None}
    except (FileNotFoundError, ValueError, PageError):
        return {}


def _store_speed(kind: str, pixels_per_second: float) -> None:
    speeds = dict.fromkeys(KINDS) | _stored_speeds() | {kind: pixels_per_second}
    with suppress(OSError, FileError):  # the next run stores it again
        _speed_file().parent.mkdir(parents=True, exist_ok=True)
        write_json(_speed_file(), speeds)


def on_zero_gpu() -> bool:
    """Whether this is a ZeroGPU Space, which allocates a GPU for each run."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def _speed_file() -> Path:
    return Path(get_upload_folder()) / "speed.json"
