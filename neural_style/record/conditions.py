"""Conditions that change a picture slightly: the network's precision and the memory plan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from neural_style.messages import Message, all_of


class Conditions(NamedTuple):
    """Precision and memory plan of a run. Others give a slightly different picture.

    Attributes:
        precision: Precision of the network, "fp32" or "bf16"; never "auto".
        rows: Strips of the memory plan, `MemoryPlan.rows`; empty without strips.
        history: Pairs that L-BFGS remembers.
    """

    precision: str
    rows: dict[str, int]
    history: int


def pack(used: Sequence[Conditions]) -> list[dict[str, Any]]:
    """The conditions of a run, in order of use, as dicts for a recipe or a checkpoint."""
    return [one._asdict() for one in used]


def unpack(stored: Any) -> list[Conditions]:
    """The inverse of `pack`.

    Raises:
        ValueError, TypeError: The data is damaged.
    """
    used = [Conditions(**one) for one in stored]
    sound = [
        isinstance(one.precision, str)
        and isinstance(one.rows, dict)
        and all(isinstance(count, int) for count in one.rows.values())
        and isinstance(one.history, int)
        for one in used
    ]
    if not sound or not all(sound):
        raise ValueError("These are no conditions of a run.")
    return used


def compare(used: Sequence[Conditions], now: Conditions) -> dict[str, Message | str] | None:
    """The differing conditions as the messages "before" and "now"; None if there are none.

    Args:
        used: In order of use; more than one if they changed during the run.
    """
    if [*used] == [now]:
        return None
    fields = [name for name in now._fields if any(_of(one, name) != _of(now, name) for one in used)]
    *before, last = (all_of([_WORDS[name](one) for name in fields]) for one in [*used, now])
    return {"before": reduce(_then, before), "now": last}


def _then(before: Message | str, after: Message | str) -> Message:
    return Message("conditions.then", before=before, after=after)


def _of(conditions: Conditions, name: str) -> Any:
    return getattr(conditions, name)


def _strips(conditions: Conditions) -> Message:
    rows = conditions.rows
    if not rows:
        return Message("memory.no_strips")
    return Message("memory.strips", rows=min(rows.values()), layer=[*rows][-1])


_WORDS = {
    "precision": lambda conditions: conditions.precision,
    "rows": _strips,
    "history": lambda conditions: Message("memory.history", steps=conditions.history),
}
