"""What a run yields: a picture on its way, with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from neural_style.messages import Message
from neural_style.optim.optimizers import State
from neural_style.tensors import ImageTensor


class Frame(NamedTuple):
    """A picture on its way.

    Attributes:
        image: The best picture so far at the current scale, or the newest where the engine is
            plain, or the running average where one is asked for; a copy, on the CPU.
        iteration: Optimizer steps taken, over all scales.
        scale: Which of the sizes this is, counted from 1, and of how many.
        scale_ends: Whether this size is done; at the next one the styles are looked at anew first.
        losses: The weighted terms, "content", "style" and "tv", of this very picture (before the
            content's colors are put back; beside an average, those of the best or newest); their
            sum is minimized. Comparable within one scale.
        seconds: Time since the start of the run.
        seconds_left: Estimated time to the end.
        milestone: Whether the iteration is one of 0, 1, 2, 5, 10, 20, 50, … or the last.
        note: Where the network's weights come from, and how memory is spared where it must be.
            `str()` of it, and of each event, is the English text.
        events: What the guard did since the frame before, and of the first frame how the run will
            differ from the one that it continues or repeats; a message each.
        state: Makes what `stylize` takes as `resume`, to go on exactly: `torch.save` keeps it,
            `torch.load(…, weights_only=True)` brings it back. Ask before the next frame; if that
            one failed, the state is that of the point which the run had reached.
        recipe: Text for its PNG (`save_image(frame.image, path, frame.recipe)`), to make it again.
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
