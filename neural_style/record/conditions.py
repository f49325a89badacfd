"""What a picture depends on beside its settings: the network's precision and the memory plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Conditions(NamedTuple):
    """The conditions of a run; under others the same settings give a slightly different picture.

    Attributes:
        precision: The precision used inside the network, "fp32" or "bf16"; never "auto".
        rows: The strips of the memory plan, `MemoryPlan.rows`; empty where the picture is whole.
        history: Pairs that L-BFGS remembers.
    """

    precision: str
    rows: dict[str, int]
    history: int


def pack(used: Sequence[Conditions]) -> list[dict[str, Any]]:
    """The conditions of a run, in order of use, as a recipe and a state hold them."""
    return [one._asdict() for one in used]


def unpack(stored: Any) -> list[Conditions]:
    """The inverse of `pack`.

    Raises:
        ValueError, TypeError: They are damaged.
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


def compare(used: Sequence[Conditions], now: Conditions) -> tuple[str, str] | None:
    """The differing conditions in words, as they were used and as they are now; None if the same.

    Args:
        used: In order of use; one, unless they changed during the run.
    """
    if [*used] == [now]:
        return None
    fields = [name for name in now._fields if any(_of(one, name) != _of(now, name) for one in used)]
    before = [" and ".join(_WORDS[name](one) for name in fields) for one in used]
    return ", then ".join(before), " and ".join(_WORDS[name](now) for name in fields)


def _of(conditions: Conditions, name: str) -> Any:
    return getattr(conditions, name)


def _strips(conditions: Conditions) -> str:
    rows = conditions.rows
    return f"strips of {min(rows.values())} rows down to {[*rows][-1]}" if rows else "no strips"


_WORDS = {
    "precision": lambda conditions: conditions.precision,
    "rows": _strips,
    "history": lambda conditions: f"{conditions.history} steps remembered",
}
