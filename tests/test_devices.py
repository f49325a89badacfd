"""Memory that is given back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil
import pytest

from neural_style.devices import return_memory

HAS_TRIM = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not HAS_TRIM, reason="the C library gives memory back by itself, or never")
def test_freed_memory_is_given_back():
    process = psutil.Process()
    blocks = [bytearray(b"x" * 4000) for _ in range(50_000)]
    kept = blocks[-1]  # the last one would keep the memory below it
    blocks = None
    gc.collect()
    before = process.memory_info().rss
    return_memory()
    assert before - process.memory_info().rss > 100_000_000
    assert kept == b"x" * 4000
