"""Arguments of the stylize handlers, invalid values, and helpers that run and refuse requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from neural_style import Settings, load_image, save_image
from neural_style.settings.knob import write_knob
from neural_style.settings.settings import knobs
from neural_style.web.run import runs
from neural_style.web.run.call import EXTRA_PICTURES
from neural_style.web.run.checks import check_inputs
from neural_style.web.run.handlers import run_stylize
from neural_style.web.run.status import Status
from neural_style.web.run.view import Outputs

FIRST_PICTURES = ["content", "style", "init_image"]
KNOBS = [name for name, knob in knobs().items() if not knob.metadata["host"]]
AFTER_KNOBS = [*EXTRA_PICTURES, "language"]
PARAMETERS = [*FIRST_PICTURES, *KNOBS, *AFTER_KNOBS]
"""The parameters of the stylize handlers, in order."""

INVALID_VALUES = {
    "iterations": (
        0,
        -1,
        2.5,
        2001,
        math.nan,
        math.inf,
        True,
        None,
        "10",
        [5],
        {},
        10**30,
        10**400,
    ),
    "size": (63, 1537, 64.5, -math.inf, False, None, "512"),
    "seed": (-1, 2**32, 0.5, math.nan, None, 10**400),
    "style_weight": (-1.0, 2e6, math.nan, math.inf, True, "ten", [10.0]),
    "init": ("/etc/passwd", "examples/content/chelsea.jpg", "", None, ["noise"], 3),
    "noise_ratio": (-0.1, 1.1, math.nan, None),
    "optimizer": ("sgd", "", None, ["adam"], ["adam", "lbfgs"], 3, {"adam": 1}),
    "scales": (-1, 7, 1.5),
    "engine": ("slow", None),
    "style_layers": ("relu1_1:x", "", None, 3, "relu1_1,relu1_1"),
    "backbone": ("vgg", "../vgg19", None),
    "color": ("mine", True),
}
"""Values that are refused, by setting."""


def knob_values(**changes: Any) -> list[Any]:
    """The values of the settings in the order of the handlers' parameters: a small, quick run."""
    defaults = {name: write_knob(knobs()[name], getattr(Settings(), name)) for name in KNOBS}
    assert changes.keys() <= defaults.keys()
    return [*(defaults | {"iterations": 4, "size": 64} | changes).values()]


def refused_inputs(*pictures: str | None, **changes: Any) -> dict[str, str]:
    """What `check_inputs` reports, by parameter."""
    verdicts = check_inputs(*pictures, *knob_values(**changes))
    return {
        name: verdict["message"]
        for name, verdict in zip(PARAMETERS, verdicts, strict=True)
        if not verdict["is_valid"]
    }


def refused_run(*pictures: str | None, **changes: Any) -> str:
    """The message of a request that is refused before its run gets a folder.

    Its only output is a failed status with this message; then it raises the error.
    """
    shown: list[Outputs] = []
    with pytest.raises(gr.Error) as error:
        shown.extend(run_stylize(*pictures, *knob_values(**changes)))
    message = error.value.message
    assert error.value.title == "That did not work"
    failed = Status("failed", "That did not work", message)
    assert shown == [Outputs(None, [], failed, None, None)]
    return message


def failed_run(results: Iterator[Outputs]) -> tuple[str, str]:
    """The message and the folder of a run that fails before its first picture."""
    shown: list[Outputs] = []
    with pytest.raises(gr.Error) as error:
        shown.extend(results)
    folder = shown[0].run
    assert folder is not None
    assert error.value.title == "That did not work"
    failed = Status("failed", "That did not work", shown[-1].status.detail)
    assert shown[-1] == Outputs(None, [], failed, None, folder)
    assert error.value.message == failed.detail.replace("<", "&lt;")
    return failed.detail, folder


def complete_run(results: Iterator[Outputs]) -> str:
    """The folder of the run after its last output, when its outcome is stored.

    A browser test may leave an event loop in this thread, and then a thread stores the outcome.
    """
    folder = [*results][-1].run
    assert runs.last_outcome(Path(folder)) is not None
    return folder


def run_until(results: Generator[Outputs, None, None], iteration: int) -> Outputs:
    """The outputs of that iteration; the run is then stopped."""
    for shown in results:
        if f"step {iteration} of " in shown.status.detail:
            break
    else:
        pytest.fail(f"there were no outputs of iteration {iteration}")
    results.close()
    return shown


def call_on_event_loop(function: Callable[[], None]) -> None:
    """Calls the function on an event loop, as Gradio closes a run at Stop."""

    async def call() -> None:
        function()

    with ThreadPoolExecutor(1) as thread:  # a browser test may have a loop in this thread
        thread.submit(asyncio.run, call()).result()


def half_mask(folder: Path, name: str, content: str, *, upper: bool) -> str:
    """Writes a mask in the content image's shape: white in its upper or lower half."""
    mask = torch.zeros_like(load_image(content))
    middle = mask.shape[2] // 2
    mask[:, :, slice(None, middle) if upper else slice(middle, None)] = 1
    return str(save_image(mask, folder / name))
