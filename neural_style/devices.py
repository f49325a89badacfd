"""Which processor does the work, and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from neural_style.errors import SettingsError


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises:
        SettingsError: No such device here.
    """
    if name == "auto":
        return torch.device(available_devices()[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    here = available_devices()
    if device is None or device.type not in here:
        raise SettingsError(f"There is no device {name!r} here. Use auto or {', '.join(here)}.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingsError(
            f"There is no device {name!r} here; CUDA devices found: {torch.cuda.device_count()}."
        )
    return device


def available_devices() -> list[str]:
    """Kinds of device on this machine, the fastest first."""
    kinds = ["cpu"]
    if torch.backends.mps.is_available():
        kinds.insert(0, "mps")
    if torch.cuda.is_available():
        kinds.insert(0, "cuda")
    return kinds


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """What the network computes in: "auto" is bfloat16 where the processor has it natively."""
    if name == "auto":
        name = "bf16" if _has_native_bf16(device) else "fp32"
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[name]


@contextmanager
def memory_in_words(size: int, planned: int) -> Iterator[None]:
    """Tells of exhausted memory as what can be done about it.

    Args:
        planned: Bytes that the run was thought to need.

    Raises:
        SettingsError: What ran inside needed more memory than there is.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise SettingsError(
            f"There is not enough memory for size {size}, which was to take about "
            f"{planned / 1e9:.1f} GB. Give a memory_gb below that, so that the picture is worked "
            "through in strips, or choose a smaller size."
        ) from error


def _has_native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and bool(_cpu_flags() & {"avx512_bf16", "amx_bf16"})


def _cpu_flags() -> set[str]:
    """The processor's features as Linux lists them; empty elsewhere, so that fp32 is used."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
