"""Chooses the convolution kernels on the CPU: compiled by numba, or torch's."""

from __future__ import annotations

import torch

from neural_style.errors import SettingsError
from neural_style.kernels.winograd import warm_up

KERNELS = ("auto", "numba", "torch")


def choose_kernels(name: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether to use compiled kernels; "auto" uses them where they compile.

    They run on the CPU only. If the result is True, they have been compiled for `dtype`.

    Raises:
        SettingsError: "numba" was asked for, and cannot be imported or does not compile.
    """
    if name == "torch" or device.type != "cpu":
        return False
    trouble = _compile(dtype)
    if trouble and name == "numba":
        raise SettingsError("settings.no_numba", reason=trouble)
    return not trouble


def _compile(dtype: torch.dtype) -> str:
    """Compiles the kernels; returns the reason of a failure, or an empty string."""
    try:
        import numba
    except (ImportError, OSError) as error:
        return _first_line(error)
    try:
        warm_up(dtype)
    except (numba.core.errors.NumbaError, OSError, RuntimeError, ValueError) as error:
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
