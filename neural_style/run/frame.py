"""`Frame`: what a run yields at each milestone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from neural_style.messages import Message
from neural_style.optim.optimizers import State
from neural_style.run.previous import Carried
from neural_style.tensors import ImageTensor


class Frame(NamedTuple):
    """An intermediate or final picture of a run, with its losses and its state.

    Attributes:
        image: The best picture so far at the current scale; the newest one with engine plain; the
            running average with `average`. A copy, on the CPU.
        iteration: Optimizer steps so far, over all scales.
        scale: Number of the current size, from 1, and number of sizes.
        scale_ends: Whether this is the last frame of its size. The next size starts by evaluating
            the styles again.
        losses: The weighted terms, whose sum is minimized: "content", "style", "tv", and in a film
            "temporal"; of several styles "style 1", "style 2", …. They are those of `image` before
            its colors are replaced by the content's; with `average`, those of the best or newest
            picture. Comparable within one scale.
        seconds: Time since the start of the run.
        seconds_left: Estimated time to the end.
        milestone: Whether the iteration is one of 0, 1, 2, 5, 10, 20, 50, … or the last.
        note: Source of the network's weights, and the memory plan if memory is short. `str()` of
            it, and of each event, is the English text.
        events: Messages about the guard's restarts since the previous frame; in the first frame
            also how the run will differ from the one that it continues or repeats.
        state: Returns the checkpoint that `stylize` takes as `resume` to continue exactly. It can
            be saved with `torch.save` and loaded with `torch.load(…, weights_only=True)`. Call it
            before asking for the next frame. If that frame failed, it is the state of the point
            that the run had reached.
        carry: Returns what the next frame of a film needs of this picture.
        recipe: Text for the PNG (`save_image(frame.image, path, frame.recipe)`) from which the
            picture can be made again.
    """

    image: ImageTensor
    iteration: int
    scale: tuple[int, int]
    scale_ends: bool
    losses: dict[str, float]
    seconds: float
    seconds_left: float
    milestone: bool
    note: Message
    events: tuple[Message, ...]
    state: Callable[[], State]
    recipe: dict[str, str]
    carry: Callable[[], Carried]
