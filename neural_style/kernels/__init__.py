"""Kernels for the CPU, compiled by numba: convolutions, pooling, vectors in bfloat16.

Read `winograd.py` first. Each kernel stands beside the torch operation that it replaces, and is
used only where it gives the same numbers faster. From outside, import `winograd`,
`rectified_pool` and `long_vectors`; the other modules are loaded when a kernel first runs.
"""
