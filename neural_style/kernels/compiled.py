"""What the compiled kernels share: the compiler, the thread pool, and views of activations."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_one_at_a_time = threading.Lock()  # a kernel uses all cores; some thread pools cannot be shared


def compiled(**options: Any) -> Callable:
    """A decorator that compiles a function on its first call and caches the code on disk."""
    import numba

    def compile_(function: Callable) -> Callable:
        function = inspect.unwrap(function)  # removes the type checks of the tests
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no writable cache folder
            return numba.njit(nogil=True, **options)(function)

    return compile_


@contextmanager
def all_cores() -> Iterator[None]:
    """A context in which a compiled loop runs on as many threads as torch uses."""
    import numba

    with _one_at_a_time:
        numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
        yield


def numbers(x: Tensor) -> Any:
    """A view of activations as rows × columns × channels, in the form of `bits`."""
    return bits(x[0].permute(1, 2, 0))


def bits(x: Tensor) -> Any:
    """A view of float32 as int32, or of bfloat16 as int16, as a NumPy array."""
    return x.detach().view({2: torch.int16, 4: torch.int32}[x.itemsize]).numpy()
