"""Results of a network on style images, kept from run to run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from torch import Tensor

from neural_style.tensors import digest

Result = TypeVar("Result")


class Evaluations:
    """Results of a network that are kept until they exceed a limit; the oldest are dropped first.

    A result is found again by the digests of its pictures, so an equal picture is enough.
    """

    def __init__(self, limit: int):
        """Starts empty.

        Args:
            limit: Bytes of the tensors that are kept; 0 keeps nothing.
        """
        self.limit = limit
        self._results: OrderedDict[Hashable, Any] = OrderedDict()

    def once(
        self, key: Hashable, pictures: tuple[Tensor | None, ...], compute: Callable[[], Result]
    ) -> Result:
        """The kept result of `compute`, or a new one.

        Args:
            key: All that the result depends on, except the pictures.
            pictures: The pictures and masks that it depends on.
        """
        if not self.limit:
            return compute()
        key = key, *(one is not None and (*one.shape, digest(one)) for one in pictures)
        result = self._results.pop(key) if key in self._results else compute()
        self._results[key] = result
        while self.bytes > self.limit:
            self._results.popitem(last=False)
        return result

    @property
    def bytes(self) -> int:
        """Bytes of the tensors that are kept."""
        return sum(map(_bytes, self._results.values()))


def _bytes(result: Any) -> int:
    """Bytes of the tensors in nested dictionaries and tuples."""
    if isinstance(result, Tensor):
        return result.numel() * result.element_size()
    if isinstance(result, dict):
        return sum(map(_bytes, result.values()))
    if isinstance(result, tuple):
        return sum(map(_bytes, result))
    return 0
