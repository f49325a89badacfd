"""Checkpoints: the state of a run, with the pictures and settings that it belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_style.errors import StateError
from neural_style.files import check_place, load_tensors, not_written, write_atomically
from neural_style.images.masks import Masks
from neural_style.messages import Message
from neural_style.optim.optimizers import State
from neural_style.plan.schedule import CELLS, LAYERS, Scale, join_passes, split_by_matches
from neural_style.record.conditions import Conditions, compare, unpack
from neural_style.settings.settings import Settings, knobs
from neural_style.tensors import ImageTensor, digest

_FORMAT = 1
"""Version of the fields of a checkpoint."""


def identify(
    content: ImageTensor,
    styles: Sequence[ImageTensor],
    masks: Masks,
    init_image: ImageTensor | None,
    settings: Settings,
    network: str,
    previous: Sequence[Tensor] = (),
) -> dict[str, Any]:
    """What two runs must have in common for one to continue the other: settings and digests.

    Args:
        network: Digest of the network's weights.
        previous: Everything of a film's last frame that makes a difference. It is part of the
            start picture's digest: a run without it is another run.
    """
    about = knobs()
    free = {name for name in about if about[name].metadata["host"]} | {"iterations"}
    chosen = {name: value for name, value in asdict(settings).items() if name not in free}
    pictures = {"content image": digest(content), "style image": [*map(digest, styles)]}
    starts = [*([] if init_image is None else [init_image]), *previous]
    pictures["start image"] = " ".join(map(digest, starts)) or None
    kept = [] if masks.keep is None else [masks.keep]
    drawn = {"for": masks.styles, "of": masks.parts, "keep": kept}
    pictures["masks"] = [f"{role} {digest(mask)}" for role, some in drawn.items() for mask in some]
    return chosen | pictures | {"network's weights": network}


@dataclass
class Progress:
    """How far a run has come. A checkpoint can be made from it at any time.

    Attributes:
        identity: What `identify` returned.
        scales: The passes of the run, as tuples.
        conditions: What `pack` returned.
        planned_bytes: Memory of the plan.
        scale: Index of the current pass.
        before: Iterations of the earlier passes.
        save: Returns the state of the current pass; None before the first look.
        matches: Returns the matches of the current pass; None where moments are compared.
        shown: Newest iteration whose frame was yielded or not due; None before the first.
    """

    identity: dict[str, Any]
    scales: list[tuple]
    conditions: list[dict[str, Any]]
    planned_bytes: int
    scale: int = 0
    before: int = 0
    save: Callable[[], State] | None = None
    matches: Callable[[], dict[str, Any]] | None = None
    shown: int | None = None

    def state(self, iteration: int | None = None) -> State:
        """The checkpoint of the point reached.

        Args:
            iteration: That of the frame whose checkpoint is asked for; None for the newest.

        Raises:
            StateError: There is a newer frame.
        """
        if iteration is not None and self.shown != iteration:
            raise StateError("state.not_newest", newest=self.shown, iteration=iteration)
        reached = self.save()
        return {
            "format": _FORMAT,
            "identity": self.identity,
            "scales": self.scales,
            "conditions": self.conditions,
            "scale": self.scale,
            "shown": self.shown == self.before + reached["iteration"],
            "pass": reached,
            "matches": self.matches and self.matches(),
        }


def used_so_far(state: State | None, now: Conditions) -> tuple[list[Conditions], Message | None]:
    """The conditions of a run in order of use, and a message if they change now.

    Args:
        state: The checkpoint from which the run continues; None for a new run.
    """
    used = unpack(state["conditions"]) if state else []
    change = compare(used[-1:], now) if used else None
    if change is None:
        return used or [now], None
    return [*used, now], Message("run.changed", **change)


def save_state(state: State, path: str | os.PathLike[str]) -> Path:
    """Writes a checkpoint to a file.

    Raises:
        FileError: It cannot be written there, or the disk is full.
    """
    path = Path(path)
    check_place(path)
    try:
        # Given a path, torch reports a full disk by a RuntimeError without its reason.
        with write_atomically(path) as partial, partial.open("wb") as stream:
            torch.save(state, stream)
    except OSError as error:
        raise not_written(path, error) from error
    return path


def load_state(path: str | os.PathLike[str]) -> State:
    """Reads a checkpoint written by `save_state`.

    Raises:
        StateError: There is no such file, or it is not a checkpoint of this format.
    """
    path = Path(path)
    try:
        state = load_tensors(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StateError("state.unreadable", path=str(path), reason=reason) from error
    except ValueError as error:
        raise StateError("state.wrong_file", name=path.name) from error
    if not _is_state(state):
        raise StateError("state.wrong_file", name=path.name)
    _check_format(state)
    return state


def _check_format(state: State) -> None:
    if state["format"] != _FORMAT:
        raise StateError("state.unknown_format", format=state["format"], known=_FORMAT)


def _is_state(state: Any) -> bool:
    """Whether the object has everything that a run needs to continue, or is of another format."""
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        return False
    return state["format"] != _FORMAT or (
        isinstance(state.get("identity"), dict)
        and _is_plain(state["identity"])
        and isinstance(state.get("scales"), list)
        and all(map(_is_scale, state["scales"]))
        and isinstance(state.get("scale"), int)
        and 0 <= state["scale"] < len(state["scales"])
        and isinstance(state.get("shown"), bool)
        and _are_conditions(state.get("conditions"))
        and isinstance(state.get("pass"), dict)
        and _has_matches(state)
        and {"image", "numbers", "iteration", "best", "event", "optimizer"} <= state["pass"].keys()
        and isinstance(state["pass"]["iteration"], int)
        and isinstance(state["pass"]["event"], dict | None)
    )


def _is_plain(value: Any) -> bool:
    """Whether the value holds no tensors, which cannot be compared as settings are."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, str | int | float | None)


def _is_scale(stored: Any) -> bool:
    if not isinstance(stored, list | tuple) or len(stored) != len(Scale._fields):
        return False
    *numbers, stage = stored
    return all(isinstance(n, int) and n >= 0 for n in numbers) and stage in ("", CELLS, LAYERS)


def _has_matches(state: State) -> bool:
    """Whether the checkpoint has exactly the matches that the stage of its pass needs."""
    stage, matches = Scale(*state["scales"][state["scale"]]).stage, state.get("matches", {})
    if not stage or matches is None:
        return not stage and matches is None
    return (
        isinstance(matches, dict)
        and isinstance(matches.get("cells"), dict)
        and isinstance(matches.get("layers", ()), dict if stage == LAYERS else type(None))
    )


def _are_conditions(stored: Any) -> bool:
    try:
        return bool(unpack(stored))
    except (ValueError, TypeError):
        return False


def plan_rest(
    state: State, identity: dict[str, Any], iterations: int, later: bool = False
) -> list[Scale]:
    """The passes of the checkpoint's run, with added iterations at the full size.

    Args:
        later: As in `plan_passes`.

    Raises:
        StateError: The checkpoint is of another format or run, or no iterations are left.
    """
    if not _is_state(state):
        raise StateError("state.wrong")
    _check_format(state)
    different = [key for key, value in identity.items() if state["identity"].get(key) != value]
    if different:
        names = tuple(_NAMES.get(key, key) for key in different)
        raise StateError("state.of_another_run", different=names)
    scales = [Scale(*scale) for scale in state["scales"]]
    planned, last = sum(scale.iterations for scale in scales), scales[-1]
    at_the_end = state["scale"] == len(scales) - 1 and state["pass"]["iteration"] >= last.iterations
    ended = at_the_end and state["shown"]
    least = planned + 1 if ended else planned
    if iterations < least:
        raise StateError("state.too_few_iterations", planned=planned, given=iterations, least=least)
    more = iterations - planned
    if not last.stage:
        return [*scales[:-1], last._replace(iterations=last.iterations + more)]
    *smaller, full = join_passes(scales)
    return split_by_matches([*smaller, full._replace(iterations=full.iterations + more)], later)


_NAMES = {
    "content image": Message("image.content"),
    "style image": Message("image.style"),
    "masks": Message("image.masks"),
    "start image": Message("image.start"),
    "network's weights": Message("weights.weights"),
}
"""Keys of `identify` that are not settings → their names in messages."""


def move(state: Any, device: torch.device) -> Any:
    """The state with its tensors moved to the device."""
    if isinstance(state, torch.Tensor):
        # MPS has no float64; float64 tensors stay on the CPU.
        stays = state.dtype == torch.float64 and device.type == "mps"
        return state if stays else state.to(device)
    if isinstance(state, dict):
        return {key: move(value, device) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(move(value, device) for value in state)
    return state
