"""What the compiled kernels share: the compiler, the thread pool, and views of activations."""

from __future__ import annotations

import inspect
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_one_at_a_time = threading.Lock()  # a kernel uses all cores; some thread pools cannot be shared


def compiled(**options: Any) -> Callable:
    """A decorator that compiles a function on its first call and caches the code on disk.

    The cache is beside the source file or in the user's cache folder, else in a temporary folder.
    """
    import numba

    def compile_(function: Callable) -> Callable:
        function = inspect.unwrap(function)  # removes the type checks of the tests
        for use_folder in (lambda: True, _use_temporary_folder):
            with suppress(RuntimeError):  # no writable cache folder
                if use_folder():
                    return numba.njit(nogil=True, cache=True, **options)(function)
        return numba.njit(nogil=True, **options)(function)

    return compile_


def _use_temporary_folder() -> bool:
    """Makes numba cache code in `private_temporary_folder`; False if there is none."""
    import numba

    folder = private_temporary_folder()
    if folder is not None:
        numba.config.CACHE_DIR = str(folder)
    return folder is not None


def private_temporary_folder() -> Path | None:
    """A folder of this user for compiled code; None if it cannot be made or is not the user's own.

    Code is loaded from it, so no other user may write there.
    """
    if os.name != "posix":
        return None
    folder = Path(tempfile.gettempdir()) / f"neural-style-space-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return folder if owned and not status.st_mode & 0o077 else None


@contextmanager
def all_cores() -> Iterator[None]:
    """A context in which a compiled loop runs on as many threads as torch uses.

    Numba starts its threads in the first context, and with that sets OpenMP's number of threads,
    which is also torch's, to its own in the calling thread. Sums would then differ in their last
    bits between this thread and the others.
    """
    import numba

    with _one_at_a_time:
        threads = torch.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        yield


def numbers(x: Tensor) -> Any:
    """A view of activations as rows × columns × channels, in the form of `bits`."""
    return bits(x[0].permute(1, 2, 0))


def bits(x: Tensor) -> Any:
    """A view of float32 as int32, or of bfloat16 as int16, as a NumPy array."""
    return x.detach().view({2: torch.int16, 4: torch.int32}[x.itemsize]).numpy()
