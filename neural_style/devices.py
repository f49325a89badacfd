"""Chooses the device and the precision; reads results without waiting; frees memory."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from neural_style.errors import SettingsError


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises:
        SettingsError: This machine has no such device.
    """
    if name == "auto":
        return torch.device(available_devices()[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    here = available_devices()
    if device is None or device.type not in here:
        raise SettingsError("settings.no_device", device=repr(name), choices=(*here,))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise SettingsError("settings.no_cuda_device", device=repr(name), count=count)
    return device


def available_devices() -> list[str]:
    """Device types of this machine, the fastest first."""
    kinds = ["cpu"]
    if torch.backends.mps.is_available():
        kinds.insert(0, "mps")
    if torch.cuda.is_available():
        kinds.insert(0, "cuda")
    return kinds


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The network's dtype; "auto" is bfloat16 where the processor supports it natively."""
    if name == "auto":
        name = "bf16" if _has_native_bf16(device) else "fp32"
    return _PRECISIONS[name]


def precision_name(kind: torch.dtype) -> str:
    """The inverse of `choose_precision`: "fp32" or "bf16"."""
    return next(name for name, known in _PRECISIONS.items() if known is kind)


_PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def use_large_pages() -> None:
    """Asks for large memory pages for tensors: with small ones, a tenth of a step is page faults.

    For programs that paint. torch reads the variable when it allocates its first tensor on the CPU,
    so it must be called before that.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def read_later(numbers: Tensor) -> Callable[[], list[float]]:
    """Starts copying the numbers to the CPU; the returned function waits for them."""
    if not numbers.is_cuda:
        return numbers.tolist
    copy = numbers.to("cpu", non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(numbers.device))

    def read() -> list[float]:
        copied.synchronize()
        return copy.tolist()

    return read


def memory_is_exhausted(error: MemoryError | RuntimeError) -> bool:
    """Whether the error is about memory; torch has a class of its own for that on GPUs only."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _EXHAUSTED)


_EXHAUSTED = ("out of memory", "not enough memory", "can't allocate memory")
"""Messages of CUDA, MPS and the C library, of torch's CPU allocator, and of the system."""


def forget_unused_memory() -> None:
    """Frees GPU memory that torch holds but does not use."""
    gc.collect()
    torch.cuda.empty_cache()


def return_memory() -> None:
    """Gives memory that the C library holds but does not use back to the system, on Linux.

    After a run it is hundreds of megabytes, more with many threads.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
        if trim is not None:
            trim(0)


def _has_native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})


def cpu_flags() -> set[str]:
    """The processor's features as Linux lists them; empty elsewhere, which selects fp32."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
