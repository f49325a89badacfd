"""Loops over activations, compiled for the processor at hand: what those that are share."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_one_at_a_time = threading.Lock()  # each uses all cores, and not all thread pools can be shared


def compiled(**options: Any) -> Callable:
    """A decorator: machine code, made when first called, kept on disk where there is a place."""
    import numba

    def compile_(function: Callable) -> Callable:
        function = inspect.unwrap(function)  # from whatever checks types around it
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no folder that could be written to
            return numba.njit(nogil=True, **options)(function)

    return compile_


@contextmanager
def all_cores() -> Iterator[None]:
    """Within it, compiled loops may run, on as many cores as torch uses."""
    import numba

    with _one_at_a_time:
        numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
        yield


def numbers(x: Tensor) -> Any:
    """Activations as an array of rows × columns × channels on the same memory, as `bits`."""
    return bits(x[0].permute(1, 2, 0))


def bits(x: Tensor) -> Any:
    """Those of float32 as int32, of bfloat16 as int16, on the same memory.

    Numbers that are not negative are in the order of their bits.
    """
    return x.detach().view({2: torch.int16, 4: torch.int32}[x.itemsize]).numpy()
